"""Answers what a front end asks while the user types: completion, explanation, whether a cell is complete.

Typing goes on while a cell runs, so these requests are answered in the thread of the shell channel, not behind the
cell. Lua belongs to the main thread; so all that is looked at is data: the declarations, the session's attributes, and
a survey of the globals that the main thread takes when a cell has ended, and, on request, while one waits. Whether a
cell is complete is for the compiler of another Lua, which runs nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from secc_kernel.kernel.questions import register
from secc_kernel.lua import LuaEngine

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from secc_kernel.kernel.completion import World
    from secc_kernel.kernel.host import KernelHost
    from secc_kernel.lua.bench import Bench
    from secc_kernel.lua.survey import Known

__all__ = ["Assistant", "default_language"]

#: Seconds that an answer waits for a new survey while a cell waits for something, and between two steps of preparation.
_PATIENCE = 0.05
_PAUSE = 0.02
#: Cell magics whose body is a cell like any other.
_RUNS_LUA = re.compile(r"\s*%%(?:time|timeit|capture|prun)\b[^\n]*\n")


def default_language(environment: Mapping[str, str] = os.environ) -> str:
    """The language of explanations by the locale: ``ko`` or ``en``."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "ko" if locale.lower().startswith("ko") else "en"


class Assistant:
    """What completion and inspection work with.

    Parameters
    ----------
    host : KernelHost
        The engine and the session.
    shell : InteractiveShell
        Has the magics, and questions (``name?``), which are answered from here.
    runs_magics : bool
        Whether its magics are run, and so offered.

    Attributes
    ----------
    language : str
        In which language things are explained.
    """

    def __init__(self, host: KernelHost, shell: InteractiveShell, runs_magics: bool = True) -> None:
        self.language = "en"
        self._host = host
        self._shell = shell
        self._runs_magics = runs_magics
        self._thread = threading.get_ident()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._globals: Mapping[str, Known] = {}
        self._names: tuple[str, ...] = ()
        self._compilers = threading.local()
        register(shell, self)

    # On the main thread ----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Import and index what answers need, in small steps, while nothing else is to be done."""
        self._loop = asyncio.get_running_loop()
        self._step(self._preparation())

    def _preparation(self) -> Iterator[None]:
        self._host.prepare()
        self.survey()
        yield
        from secc_kernel.kernel import inspect  # noqa: F401 - what answers will import
        from secc_kernel.kernel.completion.api import warm

        yield from warm()

    def _step(self, steps: Iterator[None]) -> None:
        assert self._loop is not None
        if self._host.engine.running:
            self._loop.call_later(_PAUSE, self._step, steps)
            return
        for _ in steps:
            self._loop.call_later(_PAUSE, self._step, steps)
            return

    def survey(self) -> None:
        """Look at the globals; not in the middle of Lua, and only on Lua's thread."""
        engine = self._host.engine
        if threading.get_ident() != self._thread or engine.in_lua:
            return
        self._globals = engine.survey()
        if not self._names and self._host.live_bench is not None:
            self._names = tuple(name for name in engine.members() if name not in self._globals)

    # On any thread ---------------------------------------------------------------------------------------------------

    def complete(self, code: str, cursor: int | None) -> dict[str, Any]:
        """The content of a ``complete_reply``."""
        from secc_kernel.kernel.completion import complete

        return complete(code, len(code) if cursor is None else cursor, self.world()).content

    def inspect(self, code: str, cursor: int | None, detail: int = 0) -> dict[str, Any]:
        """The content of an ``inspect_reply``."""
        from secc_kernel.kernel.inspect import bundle, inspect

        said = inspect(code, len(code) if cursor is None else cursor, self.world(), detail > 0)
        data = bundle(said, self.language) if said is not None else {}
        return {"status": "ok", "found": said is not None, "data": data, "metadata": {}}

    def is_lua(self, code: str, cursor: int | None) -> bool:
        """Whether a place in a cell with magics is for us: the body of one that runs Lua, or the name of a magic."""
        from secc_kernel.kernel.completion import context

        at = len(code) if cursor is None else cursor
        above = _RUNS_LUA.match(code)
        return (above is not None and at >= above.end()) or ("%" in code and context(code, at).kind == "magic")

    def bundle(self, name: str, detail: int = 0) -> dict[str, str] | None:
        """What there is to say about a name, as a front end takes it; None if Lua has no such name."""
        from secc_kernel.kernel.inspect import bundle, explain

        said = explain(tuple(name.split(".")), self.world(), detail > 0)
        return None if said is None else bundle(said, self.language)

    def names_like(self, pattern: str) -> list[str]:
        """The names of Lua that fit a pattern with wildcards."""
        from secc_kernel.kernel.inspect import found_names

        return found_names(pattern, self.world())

    def is_complete(self, source: str) -> dict[str, Any]:
        """The content of an ``is_complete_reply``."""
        compiler = getattr(self._compilers, "engine", None)
        if compiler is None:
            compiler = self._compilers.engine = LuaEngine()
        status = compiler.is_complete(source)
        return {"status": status, "indent": "  "} if status == "incomplete" else {"status": status}

    def world(self) -> World:
        """How the kernel stands, as far as it can be told without waiting for a cell."""
        from secc_kernel.kernel.completion import World

        self._renew()
        world = World(self._globals, self._names, language=self.language)
        if self._runs_magics:
            magics = self._shell.magics_manager.lsmagic()
            world = replace(world, line_magics=tuple(magics["line"]), cell_magics=tuple(magics["cell"]))
        bench = self._host.live_bench
        return world if bench is None else replace(world, **_session(bench))

    def _renew(self) -> None:
        """Have the main thread look at the globals if a cell waits: its loop is free then."""
        engine = self._host.engine
        if threading.get_ident() == self._thread:
            self.survey()
        elif self._loop is not None and engine.running and not engine.in_lua:
            done = threading.Event()

            def renew() -> None:
                self.survey()
                done.set()

            self._loop.call_soon_threadsafe(renew)
            done.wait(_PATIENCE)


def _session(bench: Bench) -> dict[str, Any]:
    """What the live session says about names: the vocabularies in use, what comes next, whom the script plays."""
    from secc_kernel.lua.functions import SIDES
    from secc_kernel.wire.layers import LAYERS

    known: dict[str, Any] = {}
    schema = bench.schema
    if schema is not None:
        common = ("iso20_common",) if schema.startswith("iso20") else ()
        known["schemas"] = tuple(dict.fromkeys((schema, *common, "sap", *LAYERS)))
    session = bench.session
    role = session.side if session is not None else bench.options.side
    known["side"] = next((side for side, party in SIDES.items() if party == role), "Secc")
    if session is not None:
        party = session.party
        turn = (party.turn,) if party.turn else ()
        exchanges = dict.fromkeys(name[:-3] for name in (*turn, *party.progress.allowed))
        known["coming"] = (*session.below, *(f"{name}{end}" for name in exchanges for end in ("Req", "Res")))
    return known
