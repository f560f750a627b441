"""IPython's shell, with Lua as the language of its cells."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.zmqshell import ZMQInteractiveShell
from traitlets import Type

from secc_kernel.kernel.cells import split
from secc_kernel.kernel.display import LuaResult, displayed
from secc_kernel.lua import LuaExit

if TYPE_CHECKING:
    from secc_kernel.kernel.host import KernelHost

__all__ = ["SeccShell"]


class SeccDisplayHook(ZMQShellDisplayHook):
    """Keeps the values of Lua cells for Python (``_``, ``Out``), not what displays them."""

    def update_user_ns(self, result: Any) -> None:
        super().update_user_ns(result.python if isinstance(result, LuaResult) else result)


class SeccShell(ZMQInteractiveShell):
    """Runs Lua cells by turning each into one line of Python that runs it.

    So counting, history, output and errors stay IPython's own. Python cells and magics go their usual way.
    """

    displayhook_class = Type(SeccDisplayHook)
    #: Set by the kernel before the first cell.
    host: KernelHost
    _depth = 0
    _number = 0

    def transform_cell(self, raw_cell: str) -> str:
        """The Python that runs a cell.

        A cell inside of a magic (``%%capture``, ``%%time``) runs in the middle of the cell that the event loop is
        running, so it cannot await: it blocks.
        """
        cell = split(raw_cell)
        if not cell.lua:
            return str(super().transform_cell(cell.python or cell.magic))
        before = str(super().transform_cell(cell.magic)) if cell.magic else ""
        call = "get_ipython().run_lua_blocking" if self._depth else "await get_ipython().run_lua"
        return f"{before}{call}({cell.lua!r})\n"

    # ipykernel passes what the signature of this IPython's method takes.
    @functools.wraps(ZMQInteractiveShell.run_cell_async)
    async def run_cell_async(  # type: ignore[override]  # wrapped, it is a method of IPython's class for mypy
        self, raw_cell: str, *args: Any, **kwargs: Any
    ) -> Any:
        cell = split(raw_cell)
        if cell.python or cell.magic:
            self.host.provide_names(raw_cell, self.user_ns)
        if self._depth:
            return await super().run_cell_async(raw_cell, *args, **kwargs)
        self._number = self.execution_count
        self._depth = 1
        try:
            with self.host.cell(needs_api=bool(cell.lua)):
                return await super().run_cell_async(raw_cell, *args, **kwargs)
        finally:
            self._depth = 0

    async def run_lua(self, source: str) -> Any:
        """Run a Lua cell; gives what the display hook shows. Cells are transformed into a call of this."""
        with contextlib.suppress(LuaExit):
            return displayed(await self.host.engine.run_cell(source, f"In[{self._number}]"))

    def run_lua_blocking(self, source: str) -> Any:
        """As `run_lua`, for a cell inside of a magic."""
        self.host.prepare()
        with contextlib.suppress(LuaExit):
            return displayed(self.host.engine.run(source, f"In[{self._number}]"))
