"""The IPython of `secc-kernel run`: runs a notebook's Python cells, its magics and its shell commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

import secc_kernel
from secc_kernel.kernel.bridge import Given, LuaGlobals, names_in_python, names_in_text
from secc_kernel.kernel.cells import split
from secc_kernel.lua.bench import Bench
from secc_kernel.lua.errors import LuaError, LuaExit
from secc_kernel.lua.runtime import LuaEngine


class Shell(InteractiveShell):
    """IPython's shell, with Lua in the cells that are inside of a magic (``%%time``)."""

    lua: Callable[[str], Any]
    _globals: LuaGlobals
    _given: Given
    #: What Lua ended with inside of the last cell, if that was no success. Magics tell of errors, but not their caller.
    ended: LuaError | LuaExit | None = None
    _inside = False

    def attach(self, engine: LuaEngine, bench: Bench) -> None:
        """Give the shell what its cells find as in a notebook: the session, its journal, and Lua's globals."""
        self._globals = lua = LuaGlobals(engine, lambda: None)
        own: dict[str, Callable[[], Any]] = {"session": bench.ensure, "journal": lambda: bench.ensure().journal}
        self._given = Given(lambda name: own[name]() if name in own else lua.data(name))
        self.user_ns.update(lua=lua, secc_kernel=secc_kernel)

    def play(self, source: str, lua: Callable[[str], Any]) -> Any:
        """Run a cell that is no Lua, with what runs the Lua inside of it; gives IPython's result.

        Raises
        ------
        LuaUserError
            The cell wants the session, and none can be opened.
        """
        self.lua, self.ended, self._inside = lua, None, False
        read, own = names_in_python(super().transform_cell(source))  # type: ignore[no-untyped-call]
        if source.lstrip().startswith(("%", "!")):
            read |= names_in_text(source)
        self._given.update(read, own, self.user_ns)
        return self.run_cell(source)  # type: ignore[no-untyped-call]

    def transform_cell(self, raw_cell: str) -> str:
        """The Python that runs a cell: the one that was given, or one inside of it."""
        cell = split(raw_cell)
        if self._inside and cell.lua:
            return f"get_ipython().run_lua({cell.lua!r})\n"
        python = cell.python if self._inside and cell.python else raw_cell
        self._inside = True
        return str(super().transform_cell(python))  # type: ignore[no-untyped-call]

    def set_lua(self, name: str, value: Any) -> None:
        """Set a Lua global: `cells` makes a call of this from ``name = !command``."""
        setattr(self._globals, name, value)

    def run_lua(self, source: str) -> Any:
        """Run Lua inside of a magic; gives what is shown."""
        if self.ended is None:
            try:
                return self.lua(source)
            except (LuaError, LuaExit) as end:
                self.ended = end
        return None
