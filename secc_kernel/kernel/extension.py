"""``%load_ext secc_kernel``: Lua cells in a Python notebook, or in IPython in a terminal.

The same engine, session, journal and display as in the kernel; what is different is who is at home: here Python is, and
``%%lua`` is the guest. A cell that begins with ``%%lua`` becomes one line of Python that awaits it, so widgets work
while it waits; inside of another magic, and where IPython does not await, it blocks.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import re
from typing import Any

from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.interactiveshell import ExecutionInfo, InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class

from secc_kernel.kernel.bridge import LuaGlobals
from secc_kernel.kernel.display import LuaResult, displayed
from secc_kernel.kernel.host import KernelHost
from secc_kernel.lua import LuaExit, LuaUserError

__all__ = ["Extension", "load", "unload"]

_CELL = re.compile(r"\s*%%lua[ \t]*\n\Z")
#: What Lua cells find `Extension.run` by.
_RUN = "__secc_run_lua__"


def _read_line(prompt: str) -> str:
    """A line from whoever sits in front, for ``io.read`` and ``input``."""
    try:
        return f"{builtins.input(prompt)}\n"
    except EOFError:
        return ""
    except StdinNotImplementedError:
        raise LuaUserError("there is nobody to ask: this front end takes no input while a cell runs") from None


class Extension:
    """Lua for an IPython shell.

    Parameters
    ----------
    shell : InteractiveShell
        The notebook's, or a terminal's.

    Attributes
    ----------
    host : KernelHost
        The engine and the live session.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.host = KernelHost(_read_line)
        self._shell = shell
        self._lua = LuaGlobals(self.host.engine, self.host.prepare)
        self._number = 0
        self._running = 0

    def load(self) -> None:
        """Add magics, names and hooks to the shell."""
        shell = self._shell
        shell.register_magics(LuaMagics(shell, self))
        shell.input_transformers_cleanup.append(self._transform)
        for event, hook in self._hooks():
            shell.events.register(event, hook)
        shell.push({_RUN: self.run}, interactive=False)
        if "lua" not in shell.user_ns:
            shell.push({"lua": self._lua}, interactive=False)
        atexit.register(self.host.close)

    def unload(self) -> None:
        """Close the session, and take away what `load` has added."""
        shell = self._shell
        self.host.close()
        atexit.unregister(self.host.close)
        shell.input_transformers_cleanup.remove(self._transform)
        for event, hook in self._hooks():
            shell.events.unregister(event, hook)
        self.host.withdraw_names(shell.user_ns)
        shell.drop_by_id({_RUN: self.run, "lua": self._lua})
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop("lua", None)

    def _hooks(self) -> list[tuple[str, Any]]:
        return [("pre_run_cell", self._provide), ("pre_execute", self._begin), ("post_execute", self._end)]

    def _begin(self) -> None:
        self._running += 1

    def _end(self) -> None:
        self._running = max(0, self._running - 1)

    def _provide(self, info: ExecutionInfo) -> None:
        """Give a Python cell what it names of ``session``, ``journal`` and ``secc_kernel``."""
        code = info.raw_cell or ""
        if not code.lstrip().startswith("%%lua"):
            self.host.provide_names(code, self._shell.user_ns)

    def _transform(self, lines: list[str]) -> list[str]:
        """Have a Lua cell awaited, unless something else is running: the event loop does not nest."""
        if self._running:
            return lines
        self._number = self._shell.execution_count
        first = next((number for number, line in enumerate(lines) if line.strip()), None)
        if first is None or not _CELL.match(lines[first]) or not self._shell.autoawait:
            return lines
        return [f"await {_RUN}({''.join(lines[first + 1 :])!r})\n"]

    # A terminal that asks whether a cell is complete is to see the magic: a blank line ends it.
    _transform.has_side_effects = True  # type: ignore[attr-defined]

    async def run(self, source: str) -> Any:
        """Run a Lua cell; gives what the display hook shows."""
        engine = self.host.engine
        with self.host.cell(needs_api=True), engine.interrupts.installed(), contextlib.suppress(LuaExit):
            values = await engine.run_cell(source, f"In[{self._number}]")
            return None if self.host.said(values) else displayed(values)
        return None

    def run_blocking(self, source: str) -> Any:
        """As `run`, where nothing can be awaited."""
        with self.host.cell(needs_api=True), contextlib.suppress(LuaExit):
            return displayed(self.host.engine.run(source, f"In[{self._number}]"))
        return None


@magics_class
class LuaMagics(Magics):
    """``%lua`` and ``%%lua``."""

    def __init__(self, shell: InteractiveShell, extension: Extension) -> None:
        super().__init__(shell)
        self._extension = extension

    @line_cell_magic
    def lua(self, line: str, cell: str | None = None) -> Any:
        """Run Lua, with everything that the kernel ``secc`` offers: ``Secc``, ``Evcc``, ``Session``, ``Ev``.

        A cell that begins with ``%%lua`` shows the value of its last expression, and the messages that it sends and
        receives. In a line, ``soc = %lua limit * 2`` gives Python the value: tables become lists and dicts, several
        values a tuple.

        Globals stay, for Lua and, as ``lua.x``, for Python, which also sets them so. ``session`` and ``journal`` are
        those of the live session.
        """
        if cell is None:
            value = self._extension.run_blocking(line)
            return value.python if isinstance(value, LuaResult) else value
        if line.strip():
            raise UsageError("behind %%lua there is nothing on its line: the code begins on the next")
        return self._extension.run_blocking(cell)


_loaded: dict[int, Extension] = {}


def load(shell: InteractiveShell) -> None:
    """Add Lua to a shell: what ``%load_ext secc_kernel`` calls."""
    if hasattr(shell, "run_lua"):
        raise UsageError("the cells of this kernel are Lua already: %load_ext secc_kernel is for Python notebooks")
    _loaded[id(shell)] = Extension(shell)
    _loaded[id(shell)].load()


def unload(shell: InteractiveShell) -> None:
    """Close the session and take Lua away again: ``%unload_ext secc_kernel``."""
    _loaded.pop(id(shell)).unload()
