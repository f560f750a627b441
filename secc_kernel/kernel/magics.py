"""Magics whose IPython originals know only of Python: what they load, run, list and capture is Lua here."""

from __future__ import annotations

import contextlib
import difflib
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from secc_kernel.lua import LuaError, LuaObject, LuaTable
from secc_kernel.lua.picture import brief, line
from secc_kernel.lua.values import PLAIN

if TYPE_CHECKING:
    from secc_kernel.kernel.shell import SeccShell

__all__ = ["SeccMagics", "measured", "unknown"]

#: What testers need, with a sentence each.
_MAGICS = (
    ("%%python", "the cell is Python: lua.x reads and sets the Lua global x; session and journal are at hand"),
    ("%%time", "how long the cell takes, by the computer's clock (a simulated session has its own)"),
    ("%%capture out", "keep what the cell prints and shows: out.stdout, out.stderr"),
    ("%%writefile x.lua", "write the cell into a file"),
    ("%load x.lua", "put a file into the cell"),
    ("%run x.lua", "run a file of Lua (or .py, .ipynb); its globals stay"),
    ("!command", "run a shell command; files = !ls gives Lua its lines"),
    ("name?", "explain a name"),
    ("%who, %whos", "the globals that cells have set"),
    ("%history -n", "the cells so far"),
    ("%timeit f()", "the time of a Lua expression, measured many times"),
)

_NO_GLOBALS = "no Lua cell has set a global"


@magics_class
class SeccMagics(Magics):
    """Stands in front of IPython's magics of the same names."""

    shell: SeccShell

    @line_magic
    def load(self, parameters: str) -> None:
        """Put a file (or cells of the history, a URL) into the cell; see IPython's %load."""
        try:
            self._original("CodeMagics").load(parameters)
        except ValueError as problem:
            raise UsageError(f"%load: {problem}") from None

    @line_magic
    def run(self, parameters: str) -> Any:
        """Run a file: ``.lua`` here, its globals stay; any other as IPython's %run does."""
        name = parameters.strip().strip("'\"")
        if not name.endswith(".lua"):
            return self._original("ExecutionMagics").run(parameters)
        try:
            source = Path(name).expanduser().read_text("utf-8", "surrogateescape")
        except OSError as problem:
            raise UsageError(f"%run: {name}: {problem.strerror}") from None
        return self.shell.run_lua_file(source, name)

    @cell_magic
    def capture(self, parameters: str, cell: str) -> None:
        """Keep what a cell prints and shows, for Python as IPython does, for Lua as a table of its text."""
        self._original("ExecutionMagics").capture(parameters, cell)
        name = next((word for word in parameters.split() if not word.startswith("-")), None)
        captured = self.shell.user_ns.get(name) if name else None
        if name and captured is not None:
            self.shell.set_lua(name, {"stdout": captured.stdout, "stderr": captured.stderr})

    @line_magic
    def debug(self, parameters: str) -> None:
        """IPython's %debug, for errors of Python cells: of Lua it would show the engine."""
        if isinstance(getattr(sys, "last_value", None), LuaError):
            raise UsageError("%debug is Python's: for Lua switch on the debugger of the front end (the bug symbol)")
        self._original("ExecutionMagics").debug(parameters)

    @line_magic
    def who(self, parameters: str) -> None:
        """List the globals that cells have set; %who number lists those of a type."""
        names = [name for name, *_ in self._globals(parameters)]
        lines = ["  ".join(names) or _NO_GLOBALS]
        python = [] if parameters else self._original("NamespaceMagics").who_ls()
        _tell(lines + ["Python: " + "  ".join(python)] * bool(python))

    @line_magic
    def whos(self, parameters: str) -> None:
        """List the globals that cells have set, with their types and values."""
        found = self._globals(parameters)
        rows = [("name", "type", "value"), *found]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        lines = [f"{name:{widths[0]}}  {type_:{widths[1]}}  {value}" for name, type_, value in rows]
        _tell(lines if found else [_NO_GLOBALS])

    @line_magic
    def lsmagic(self, parameters: str) -> None:
        """List the magics: those that Lua cells have use for, then the names of all."""
        width = max(len(name) for name, _ in _MAGICS)
        lines = [f"{name:{width}}  {help_}" for name, help_ in _MAGICS]
        found = self.shell.magics_manager.lsmagic()
        for kind, sign in (("line", "%"), ("cell", "%%")):
            names = " ".join(sign + name for name in sorted(found[kind]))
            lines += ["", f"all {kind} magics, most of them IPython's:"]
            lines += textwrap.wrap(names, 100, break_on_hyphens=False, break_long_words=False)
        _tell(lines)

    def _original(self, name: str) -> Any:
        return self.shell.magics_manager.registry[name]

    def _globals(self, type_: str) -> list[tuple[str, str, str]]:
        """Name, type and value of the globals that cells have set."""
        rows = [(name, _type(value), brief(line(value), 80)) for name, value in self.shell.lua_variables()]
        return [row for row in rows if row[1] in type_.split() or not type_.strip()]


@contextlib.contextmanager
def measured() -> Iterator[None]:
    """Print the time that something takes, as IPython's %%time does."""
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        yield
    finally:
        elapsed, used = time.perf_counter() - wall, time.process_time() - cpu
        _tell([f"CPU times: total: {_duration(used)}", f"Wall time: {_duration(elapsed)}"])


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 else f"{seconds:.0f} s"
    return f"{seconds * 1e6:.3g} µs"


def _tell(lines: list[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")


def _type(value: Any) -> str:
    if isinstance(value, LuaTable):
        return "table"
    if isinstance(value, LuaObject):
        return value.text.partition(" ")[0]
    if type(value) not in PLAIN:
        return type(value).__name__
    return {bool: "boolean", int: "number", float: "number", str: "string"}[type(value)]


def unknown(shell: SeccShell, kind: str, name: str) -> str:
    """What to say about a magic that does not exist.

    Parameters
    ----------
    shell : SeccShell
        Knows those that do.
    kind : str
        ``line`` or ``cell``.
    name : str
        What was asked for.
    """
    sign, other_sign, other = ("%", "%%", "cell") if kind == "line" else ("%%", "%", "line")
    found = shell.magics_manager.lsmagic()
    if name in found[other]:
        where = "stands above a whole cell" if kind == "line" else "stands in a line of its own"
        return f"{other_sign}{name} {where}: it is written with {'two' if kind == 'line' else 'one'} %"
    close = difflib.get_close_matches(name, found[kind], 1, 0.6)
    guess = f" (did you mean {sign}{close[0]}?)" if close else ""
    known = ", ".join(dict.fromkeys(each.split(" ")[0].rstrip(",") for each, _ in _MAGICS if each.startswith("%")))
    return f"there is no magic {sign}{name}{guess}; the usual ones are {known}; %lsmagic lists all"
