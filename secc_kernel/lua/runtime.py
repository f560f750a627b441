"""The Lua engine: Lua 5.4 in this process, with what a notebook needs of it.

It knows nothing of Jupyter and nothing of charging. A kernel runs cells with it (`LuaEngine.run_cell`), a command runs
scripts (`LuaEngine.run`), and whoever has an API to offer registers it.

Registering an API
------------------

    engine.define("display", HostFunction(show, "display", raw=True))     # a function
    engine.register_table("Session", {"Open": open_session, ...})          # a table of functions
    engine.define("Secc", LazyTable("Secc", resolve, names))               # a table made on demand
    engine.alias("SECC", "Secc")
    engine.add_globals(resolve, names)                                     # globals made on demand

A registered function is called with Python values: str, int, float, bool, None, and lists or dicts for tables. It
returns such a value (see `values.to_lua`), a tuple for several values, an object that displays itself (Lua passes it
on without looking inside; as the value of a cell it is displayed), a callable, a `LazyTable`, or something to wait
for: a ``concurrent.futures.Future`` or an awaitable (in a `Pending`, with what to do next). Then the Lua call
returns when that is done, with its result. A function reports a mistake of the script by raising `LuaUserError`; any
other exception is a mistake of ours and is shown as such. ``LazyTable.resolve`` and the resolver of `add_globals`
may return all of this as well; the latter returns None for a name it does not know. Register between cells, on the
engine's thread.

Theory of operation
-------------------

*Threads.* An engine belongs to the thread that made it. Other threads call `interrupt` and complete futures, no more.

*Cells are coroutines.* ``boot.lua`` runs each cell in a Lua coroutine of its own. When a registered function returns
something to wait for, its Lua closure yields a private marker; the step that Python had called returns, and
`run_cell` awaits the thing on the event loop and resumes with the result. So the loop goes on serving widgets while
a cell waits. Coroutines of the user pass the marker outwards. Where Lua cannot yield (in a comparison function of
``table.sort``, a callback of ``string.gsub``) and in `run`, the wait blocks, in short pieces so that it can be
interrupted.

*Interrupts* (`interrupt.py`) set a flag. A count hook in every coroutine looks at it each 1000 instructions;
functions look at it before they return to Lua. The error that then unwinds the cell cannot be caught: ``pcall``,
``xpcall`` and ``coroutine.*`` are wrapped and raise it again, and after the first hit the hook fires at every
instruction. Nothing a user wrote runs on Lua's main thread, so there is no hook to disarm there: the flag is reset
when the next cell begins. Functions that could stay in C for long are replaced (``bounded.lua``); what is
left of such calls (a chain of ``__call`` that never ends) is out of reach, and after a while said to be.
Finalizers (``__gc``), in which Lua disables hooks, are refused.

*Errors* are caught by a message handler inside the coroutine, while the stack is still there, and come out as
`LuaError` with the error value, the frames, the source line and a hint.

*Values of cells.* A cell is compiled as an expression if it is one; else, if its last statement is an expression, it
is cut there (`source.last_expression`), for the compiler to confirm. ``return nil, ...`` instead of ``return ...``
keeps the call from being a tail call, which would lose the line it was made in.

*The boundary.* User code runs with globals of its own, not with those of the Lua state; it can reach no Python object
except as an opaque value, and none of the functions that ``boot.lua`` works with.
"""

from __future__ import annotations

import asyncio
import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lupa import lua54

from .debugging import LuaDebugger
from .errors import LuaExit, LuaInterrupted, LuaSyntaxError
from .hosting import Answer, Binder, HostFunction, LazyTable, is_function
from .interrupt import Interrupts, Limit
from .memory import Memory
from .picture import picture, scalar
from .report import Reporter
from .source import last_expression, strip_prefix, tokens
from .streams import Reader, StandardStream, Writable, standard_line
from .survey import Survey
from .values import ENCODING, to_lua, to_python
from .waiting import Waits

__all__ = ["LuaEngine"]

_END_OF_INPUT = re.compile(r"near '?<eof>'?$")


class LuaEngine:
    """A Lua state with its globals, and what is needed to run cells and scripts in it.

    Parameters
    ----------
    stdout, stderr : Writable, optional
        Where ``print``, ``io.write`` and ``io.stderr`` write; default the ``sys`` streams, looked up at each write.
    read_line : callable, optional
        From a question to a line with its end, or '' at the end of the input, for ``io.read`` (which asks '') and
        ``input``; default ``sys.stdin.readline``.
    max_memory : int
        Bytes that Lua may use.
    restricted : bool
        Whether scripts are not trusted: no files, no environment, and ``require`` finds only what is there already.
    """

    def __init__(
        self,
        stdout: Writable | None = None,
        stderr: Writable | None = None,
        read_line: Callable[[str], str] = standard_line,
        max_memory: int = 256 << 20,
        restricted: bool = False,
    ) -> None:
        self.interrupts = Interrupts()
        self._stdout = stdout or StandardStream("stdout")
        self._stderr = stderr or StandardStream("stderr")
        self._thread = threading.get_ident()
        self._cell: _Cell | None = None
        self._checked = 0.0
        self._resolvers: list[tuple[Callable[[str], Any], Callable[[], Iterable[str]]]] = []
        self._runtime = lua54.LuaRuntime(
            encoding=ENCODING,
            source_encoding=ENCODING,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            max_memory=max_memory,
        )
        self._memory = Memory(self._runtime, max_memory)
        self._binder = Binder(self.interrupts, self._memory, self._runtime)
        self._reporter = Reporter(self.members, max_memory, self.interrupts)
        self.debugger = LuaDebugger(self.interrupts, self._memory, self._runtime, self._stdout.write)
        self._waits = Waits(self._binder, self.interrupts, self.debugger)
        self._lua = self._boot(Reader(read_line), restricted)

    def _boot(self, reader: Reader, restricted: bool) -> Any:
        bind = self._binder.bind
        host = {
            "restricted": _lua_source("restricted.lua") if restricted else None,
            "keep": self._binder.keep,
            "check": self._check,
            "write": self._write,
            "write_error": self._stderr.write,
            "block": self._waits.blocking,
            "read": bind(reader.read, "io.read"),
            "input": bind(reader.ask, "input"),
            "resolve_global": bind(self._resolve_global, "globals"),
            "remember": self._reporter.remember,
            "libraries": _lua_source("libraries.lua"),
            "patterns": _lua_source("patterns.lua"),
            "bounded": _lua_source("bounded.lua"),
            "picture": _lua_source("picture.lua"),
            "survey": _lua_source("survey.lua"),
            "debugger": self.debugger.parts,
        }
        return self._runtime.execute(_lua_source("boot.lua"), self._runtime.table_from(host), name="=[secc]", mode="t")

    # What boot.lua calls -------------------------------------------------------------------------------------------

    def _check(self, late: float = math.inf) -> str | None:
        """Why Lua is to look up: it is to stop, a debugger asks for something, or its last look is too long ago."""
        self._memory.enforce()
        if self.interrupts.requested:
            return "interrupt"
        if self.debugger.wanted:
            return "debug"
        last, self._checked = self._checked, time.perf_counter()
        return "late" if self._checked - last > late else None

    def _write(self, text: str) -> bool:
        self._stdout.write(text)
        return self.interrupts.requested

    def _resolve_global(self, name: str) -> Any:
        for resolve, _ in self._resolvers:
            value = resolve(name)
            if value is not None:
                return HostFunction(value, name) if is_function(value) else value
        if not self.debugger.evaluating:
            self._reporter.undefined(name)
        return None

    def _note_lost_locals(self, name: str) -> None:
        """Tell of locals of earlier cells that a cell has read as nil, when no error does."""
        lost = self._reporter.lost_locals()
        if lost:
            self._stderr.write(f"{name}: {lost}\n")

    # Registration --------------------------------------------------------------------------------------------------

    def define(self, name: str, value: Any) -> None:
        """Set a global of user code.

        Parameters
        ----------
        name : str
            Its name.
        value : Any
            A callable, `HostFunction` or `LazyTable`; a dict or list of such; or a plain value.
        """
        self._require_idle()
        self._memory.make_room()
        self._lua["set"](name, self._made(value, name))

    def keep(self, name: str) -> None:
        """Have a global that was defined come back when a script sets it to nil: ``Secc = nil`` loses nothing."""
        self._require_idle()
        self._lua["keep"](name)

    def register_table(self, name: str, functions: Mapping[str, Any]) -> None:
        """Set a global to a table of functions (or values), each called ``name.key`` in errors."""
        self.define(name, dict(functions))

    def alias(self, name: str, existing: str) -> None:
        """Give a global a second name: both are the same object."""
        self._require_idle()
        self._lua["set"](name, self._lua["get"](existing))

    def add_globals(self, resolve: Callable[[str], Any], names: Callable[[], Iterable[str]]) -> None:
        """Register globals that are made when first used.

        Parameters
        ----------
        resolve : callable
            From a name to its value, or None if it is not one of these.
        names : callable
            Gives all the names, for completion and suggestions.
        """
        self._resolvers.append((resolve, names))

    def look_in(self, folder: Path) -> None:
        """Have ``require`` look for modules in a folder first: that of the script, wherever it is run from."""
        self._require_idle()
        self._lua["look_in"](str(folder))

    def get(self, name: str, function: Callable[[tuple[Any, ...]], Any] | None = None) -> Any:
        """A global of user code as Python data (None if it is not set; of a lazy table itself).

        Parameters
        ----------
        name : str
            Its name.
        function : callable, optional
            As for `to_python`.
        """
        self._require_idle()
        value = to_python(self._lua["look"](name), function, most=10_000_000)
        made = (resolve(name) for resolve, _ in self._resolvers) if value is None else ()
        return next((table for table in made if isinstance(table, LazyTable)), value)

    def call(self, path: tuple[Any, ...], args: Iterable[Any]) -> list[Any]:
        """Call a function with Python values, blocking this thread; its results as Python data, or lazy tables.

        Parameters
        ----------
        path : tuple
            The name of a global, and keys in tables from there.
        args : iterable
            What a registered function could return.

        Raises
        ------
        LuaError, LuaExit
            As `run`.
        """
        results: list[Any] = []
        name = ".".join(map(str, path))
        self._memory.make_room()
        receive = self._lua["receiver"](self._binder.bind(lambda *values: results.extend(values), name))
        target = path[0] + "".join(f"[{scalar(key)}]" for key in path[1:])
        values = [self._made(value, name) for value in args]
        self.run(f"local _receive = ... _receive({target}(select(2, ...)))", name, (receive, *values))
        return results

    def members(self, path: tuple[str, ...] = ()) -> list[str]:
        """The names in the table at a path of global names, without running user code; [] if there is none."""
        self._require_idle()
        self._memory.make_room()
        found = self._lua["members"](*path)
        names = self._unmade_members(path) if found is None else list(found.values())
        if not path:
            names += [name for _, known in self._resolvers for name in known() if name not in names]
        return names

    def survey(self) -> Survey:
        """What scripts have made of the globals, without running user code; between cells, or while one waits."""
        self._require_idle()
        self._memory.make_room()
        return Survey(self._lua["survey"]())

    def _unmade_members(self, path: tuple[str, ...]) -> list[str]:
        """The names in a global table that no script has used so far."""
        for resolve, _ in self._resolvers:
            table = resolve(path[0])
            if isinstance(table, LazyTable) and len(path) == 1:
                return list(table.names())
        return []

    def _made(self, value: Any, name: str) -> Any:
        if isinstance(value, LazyTable):
            return self._lua["lazy"](*self._binder.parts(value))
        if isinstance(value, HostFunction):
            kind = "_raw" if value.raw else "_placed" if value.placed else "_calling" if value.calls else ""
            wrap = self._lua[f"wrap{kind}"]
            return wrap(self._binder.bind(value.function, value.name or name, value.raw))
        if is_function(value):
            return self._lua["wrap"](self._binder.bind(value, name))
        if isinstance(value, Mapping):
            return self._runtime.table_from({key: self._made(item, f"{name}.{key}") for key, item in value.items()})
        return to_lua(value, self._runtime)

    # Running -------------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a cell or script is running, be it in Lua or waiting."""
        return self._cell is not None

    @property
    def in_lua(self) -> bool:
        """Whether Lua code is on the engine's thread's stack, so that nobody else may touch Lua."""
        return self._cell is not None and self._cell.in_lua

    def attend(self) -> None:
        """Do what a debugger asks for; while Lua runs, its hook does that."""
        if self._cell is None or not self._cell.in_lua:
            self._memory.make_room()
            self._lua["attend"]()

    def interrupt(self, limit: Limit | None = None) -> None:
        """Stop what runs, for the user or because of a limit. Callable from any thread."""
        self.interrupts.request(limit)

    async def run_cell(self, source: str, name: str) -> tuple[Any, ...]:
        """Run a cell, awaiting on the running event loop what it waits for.

        Parameters
        ----------
        source : str
            Lua source: an expression, or statements of which the last may be an expression.
        name : str
            What errors call it (``In[3]``).

        Returns
        -------
        tuple
            The values of the last expression, tables as pictures (`LuaTable`); none after a final ``;``.

        Raises
        ------
        LuaError
            An error that the cell did not catch; `LuaSyntaxError` if it is not Lua.
        LuaInterrupted
            It was interrupted.
        LuaExit
            It called ``os.exit``.
        """
        cell = _Cell(self, source, name)
        cancelled = False
        try:
            while not cell.step():
                try:
                    cell.answer = await self._waits.on_loop()
                except asyncio.CancelledError:
                    # The task itself is cancelled. Lua is unwound first: its variables may have something to close.
                    cancelled = True
                    self.interrupts.request()
                    cell.answer = ("interrupt",)
            return cell.values
        except LuaInterrupted:
            if cancelled:
                raise asyncio.CancelledError from None
            raise
        finally:
            cell.end()

    def run(self, source: str, name: str, args: Iterable[Any] = ()) -> tuple[Any, ...]:
        """Run a script to its end, blocking this thread; SIGINT stops it.

        Parameters
        ----------
        source, name : str
            As for `run_cell`; for a file its path.
        args : iterable
            What the script sees as ``...``: text, or other values of Lua's.

        Returns
        -------
        tuple
            As `run_cell`, which also tells the errors.
        """
        cell = _Cell(self, source, name, tuple(args))
        try:
            with self.interrupts.installed():
                while not cell.step():
                    cell.answer = self._waits.blocking()
                if self.interrupts.requested:
                    # Asked after Lua's last look: whoever has called this, in a loop maybe, is to stop all the same.
                    raise self._reporter.interruption(None)
            return cell.values
        finally:
            cell.end()

    def is_complete(self, source: str) -> str:
        """Whether a cell can be run as it is: 'complete', 'incomplete' or 'invalid'."""
        self._require_idle()
        self._memory.make_room()
        try:
            self._compile(source, "input")
        except LuaSyntaxError as problem:
            return "incomplete" if _END_OF_INPUT.search(problem.message) else "invalid"
        return "complete"

    def _compile(self, source: str, name: str) -> bool:
        """Compile a cell for the next start; whether the values that it returns are those of an expression."""
        compile_ = self._lua["compile"]
        text = strip_prefix(source)
        # Of a long path Lua shows the end, if it is told that it is one.
        chunk = ("=" if len(name) < 50 else "@") + name
        as_expression = compile_("return nil, " + text, chunk)
        if as_expression is None:
            return True
        problem = compile_(text, chunk)
        cut = last_expression(text, problem is None)
        if cut is not None and compile_("return nil, " + text[cut:], chunk) is None:
            if compile_(f"{text[:cut]} return nil, {text[cut:]}", chunk) is None:
                return True
            if problem is None:
                compile_(text, chunk)
        if problem is None:
            return False
        # Of an unfinished expression only the first attempt knows that it is unfinished.
        raise self._reporter.locate(LuaSyntaxError(as_expression if _END_OF_INPUT.search(as_expression) else problem))

    def _require_idle(self) -> None:
        if threading.get_ident() != self._thread:
            raise RuntimeError("Lua is touched only on the thread that made the engine: post to its event loop")
        if self._cell is not None and self._cell.in_lua:
            raise RuntimeError("Lua is running: do this between cells, not in a function that Lua calls")


class _Cell:
    """One run of a source text: a Lua coroutine and how far it has come.

    Attributes
    ----------
    answer : tuple
        With what Lua goes on at the next step: first the arguments of the chunk, later answers of registered functions.
    values : tuple
        The cell's values, once `step` has told that it has ended.
    in_lua : bool
        Whether Lua code is on this thread's stack.
    """

    def __init__(self, engine: LuaEngine, source: str, name: str, args: Answer = ()) -> None:
        engine._require_idle()
        if engine._cell is not None:
            raise RuntimeError("another cell is still running")
        self._engine = engine
        self._source = source
        self._name = name
        self.answer = args
        self.values: tuple[Any, ...] = ()
        self.in_lua = False
        engine.interrupts.clear()
        engine.debugger.begin()
        if engine.debugger.wanted:
            engine.attend()
        engine._memory.begin(engine._lua["collect"])
        engine._binder.complaint = None
        engine._reporter.begin()
        engine._reporter.remember(name, source)
        self._is_expression = engine._compile(source, name)
        # An expression is compiled as "return nil, ...".
        self._lua_step = engine._lua["start"](1 if self._is_expression else 0)
        engine._cell = self

    def step(self) -> bool:
        """Run Lua until the cell ends (True) or waits for what a registered function returned (False).

        Raises
        ------
        LuaError, LuaExit
            As `LuaEngine.run_cell`.
        """
        engine = self._engine
        engine._memory.make_room()
        self.in_lua = True
        try:
            outcome = self._lua_step(*self.answer)
        except lua54.LuaMemoryError:
            raise engine._reporter.out_of_memory([]) from None
        finally:
            self.in_lua = False
        what, *rest = outcome if isinstance(outcome, tuple) else (outcome,)
        if what == "await":
            return False
        if what == "done":
            quiet = self._is_expression and tokens(self._source)[-1].text == ";"
            self.values = () if quiet else tuple(map(picture, rest))
            engine._note_lost_locals(self._name)
            return True
        if what == "exit":
            raise LuaExit(_exit_code(rest))
        if what == "interrupt":
            raise engine._reporter.interruption(rest[0])
        raise engine._reporter.failure(rest[0], engine._binder.complaint, engine._binder.complaint_name)

    def end(self) -> None:
        """Release the engine for the next cell."""
        self._engine._waits.drop()
        self._engine._cell = None
        self._engine.interrupts.clear()
        self._engine._reporter.end(self._name, self._source)


def _lua_source(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")


def _exit_code(values: list[Any]) -> int:
    """The exit status for the arguments of ``os.exit``: true or nothing is success, false is failure."""
    code = values[0] if values else None
    if isinstance(code, bool) or code is None:
        return 1 if code is False else 0
    return int(code)
