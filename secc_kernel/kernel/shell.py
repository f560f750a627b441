"""IPython's shell, with Lua as the language of its cells."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.error import UsageError
from traitlets import Type

from secc_kernel.kernel.bridge import Given, LuaGlobals, hide_bridge, names_in_python, names_in_text
from secc_kernel.kernel.cells import Cell, split, timed
from secc_kernel.kernel.display import LuaResult, displayed
from secc_kernel.kernel.magics import SeccMagics, measured, unknown
from secc_kernel.lua import LuaError, LuaExit
from secc_kernel.lua.picture import quote

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
    #: Set by `attach` before the first cell.
    host: KernelHost
    #: The cells that have run, by the names that they have in Lua.
    cells: dict[str, str]
    _depth = 0
    _number = 0
    #: Whether a ``%%python`` cell is running: what its magics run is Python, too.
    _in_python = False

    def attach(self, host: KernelHost) -> None:
        """Give the shell what its cells work with."""
        self.host = host
        self.cells = {}
        self._lua = LuaGlobals(host.engine, host.prepare)
        self._given = Given(self._lua.data)
        self.user_ns["lua"] = self.user_ns_hidden["lua"] = self._lua
        assert self.history_manager is not None
        self.user_ns["In"] = self.user_ns_hidden["In"] = self.history_manager.input_hist_raw
        self.register_magics(SeccMagics)

    def _split(self, raw_cell: str) -> Cell:
        return Cell(python=raw_cell) if self._depth and self._in_python else split(raw_cell)

    def transform_cell(self, raw_cell: str) -> str:
        """The Python that runs a cell.

        A cell inside of a magic (``%%capture``, ``%%time``) runs in the middle of the cell that the event loop is
        running, so it cannot await: it blocks.
        """
        cell = self._split(raw_cell)
        lua = "" if self._depth else timed(raw_cell)
        if lua:
            # IPython's own %%time cannot await.
            return f"await get_ipython().run_lua({lua!r}, told_time=True)\n"
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
        cell = self._split(raw_cell)
        self._provide(cell, raw_cell)
        depth, in_python = self._depth, self._in_python
        if not depth:
            self._number = self.execution_count
            self.cells[f"In[{self._number}]"] = raw_cell
        self._depth, self._in_python = 1, bool(cell.python)
        try:
            with contextlib.nullcontext() if depth else self.host.cell(needs_api=bool(cell.lua or timed(raw_cell))):
                return await super().run_cell_async(raw_cell, *args, **kwargs)
        finally:
            self._depth, self._in_python = depth, in_python

    def _provide(self, cell: Cell, raw_cell: str) -> None:
        """Give a cell that runs Python the names that it has from us: the session's, and globals of Lua."""
        if not (cell.python or cell.magic):
            return
        self.host.provide_names(raw_cell, self.user_ns)
        if threading.current_thread() is not threading.main_thread():
            return  # a subshell: Lua belongs to the main thread, which may be running it
        if cell.python:
            read, own = names_in_python(super().transform_cell(cell.python))
            self._given.update(read | names_in_text(cell.magic), own, self.user_ns)
        else:
            self._given.update(names_in_text(raw_cell), (), self.user_ns)

    async def run_lua(self, source: str, told_time: bool = False) -> Any:
        """Run a Lua cell; gives what the display hook shows. Cells are transformed into a call of this."""
        with self._lua_errors(), measured() if told_time else contextlib.nullcontext():
            values = await self.host.engine.run_cell(source, f"In[{self._number}]")
            return None if self.host.said(values) else displayed(values)

    def run_lua_blocking(self, source: str) -> Any:
        """As `run_lua`, for a cell inside of a magic; its lines keep the numbers that they have in the whole cell."""
        self.host.prepare()
        name = f"In[{self._number}]"
        above, found, _ = self.cells.get(name, "").rpartition(source.rstrip("\n"))
        with self._lua_errors():
            return displayed(self.host.engine.run("\n" * above.count("\n") + source if found else source, name))

    @contextlib.contextmanager
    def _lua_errors(self) -> Iterator[None]:
        """End quietly what calls ``os.exit``, and have errors call Python cells by their numbers."""
        try:
            yield
        except LuaExit:
            pass
        except LuaError as problem:
            problem.file_name = self._cell_name
            raise
        finally:
            self.host.conclude()

    def _cell_name(self, file: str) -> str:
        """``In[5]`` for the file that IPython says a Python cell is."""
        kind, name = self.compile.format_code_name(file) or ("File", file)
        return str(name) if kind == "Cell" else file

    def run_lua_file(self, source: str, name: str) -> None:
        """Run a Lua file, blocking; errors name it."""
        self.host.prepare()
        with self._lua_errors():
            self.host.engine.run(source, name)

    def lua_variables(self) -> list[tuple[str, Any]]:
        """The globals that cells have set, as pictures."""
        self.host.prepare()
        engine = self.host.engine
        names = sorted(set(engine.members()) - self.host.standard_names)
        values = engine.run(", ".join(f"_G[{quote(name)}]" for name in names) or "return", "%who")
        return list(zip(names, values, strict=True))

    def set_lua(self, name: str, value: Any) -> None:
        """Set a Lua global: ``name = !command`` and ``name = %magic`` are transformed into a call of this."""
        setattr(self._lua, name, value)

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """Show an error, without our part of its stack."""
        hide_bridge((exc_tuple or sys.exc_info())[2])
        super().showtraceback(exc_tuple, *args, **kwargs)

    def set_next_input(self, text: str, replace: bool = False) -> None:
        """Offer the text of the next cell; what ``%load`` says of it is a comment of the cell's language."""
        if text.startswith("# %load"):
            of_python = text.split("\n")[0].endswith(".py")
            text = f"%%python\n{text}" if of_python else f"-- {text[2:]}"
        super().set_next_input(text, replace)

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """Run a line magic; of one that does not exist, say which do."""
        if self.find_line_magic(magic_name) is None:
            raise UsageError(unknown(self, "line", magic_name))
        return super().run_line_magic(magic_name, line, _stack_depth + 1)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        """Run a cell magic; of one that does not exist, say which do."""
        if magic_name in ("python", "lua") and line.strip():
            raise UsageError(f"behind %%{magic_name} there is nothing on its line: the code begins on the next")
        if self.find_cell_magic(magic_name) is None:
            raise UsageError(unknown(self, "cell", magic_name))
        return super().run_cell_magic(magic_name, line, cell)

    def user_expressions(self, expressions: Mapping[str, str]) -> dict[str, Any]:
        """The values of Lua expressions, evaluated when a cell has run."""
        return {key: self._user_expression(source) for key, source in expressions.items()}

    def _user_expression(self, source: str) -> dict[str, Any]:
        self.host.prepare()
        try:
            values = self.host.engine.run(source, "user_expression")
        except (LuaError, LuaExit) as problem:
            lines = problem.render() if isinstance(problem, LuaError) else [str(problem)]
            return {"status": "error", "ename": type(problem).__name__, "evalue": str(problem), "traceback": lines}
        assert self.display_formatter is not None
        data, metadata = self.display_formatter.format(displayed(values) or LuaResult(values or (None,)))
        return {"status": "ok", "data": data, "metadata": metadata}
