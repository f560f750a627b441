"""The IPython of `secc-kernel run`: runs a notebook's Python cells, its magics and its shell commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from secc_kernel.kernel.cells import split
from secc_kernel.lua.errors import LuaError, LuaExit


class Shell(InteractiveShell):
    """IPython's shell, with Lua in the cells that are inside of a magic (``%%time``)."""

    lua: Callable[[str], Any]
    #: What Lua ended with inside of the last cell, if that was no success. Magics tell of errors, but not their caller.
    ended: LuaError | LuaExit | None = None
    _inside = False

    def play(self, source: str, lua: Callable[[str], Any]) -> Any:
        """Run a cell that is no Lua, with what runs the Lua inside of it; gives IPython's result."""
        self.lua, self.ended, self._inside = lua, None, False
        return self.run_cell(source)  # type: ignore[no-untyped-call]

    def transform_cell(self, raw_cell: str) -> str:
        """The Python that runs a cell: the one that was given, or one inside of it."""
        cell = split(raw_cell)
        if self._inside and cell.lua:
            return f"get_ipython().run_lua({cell.lua!r})\n"
        python = cell.python if self._inside and cell.python else raw_cell
        self._inside = True
        return str(super().transform_cell(python))  # type: ignore[no-untyped-call]

    def run_lua(self, source: str) -> Any:
        """Run Lua inside of a magic; gives what is shown."""
        if self.ended is None:
            try:
                return self.lua(source)
            except (LuaError, LuaExit) as end:
                self.ended = end
        return None
