"""Which source text a chunk of Lua is, for a front end and for the engine.

A front end knows a cell by a path that it makes itself: a prefix, a hash of the cell's text, a suffix; all three are in
the reply to ``debugInfo``. The engine knows it as ``=In[3]``. Several chunks may have one path: a cell that was run
twice. Nothing is written to these paths; who wants a text asks for it (``source``).
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ipykernel.compiler import get_tmp_hash_seed, murmur2_x86

from secc_kernel.kernel.cells import split
from secc_kernel.lua.active_lines import active_lines

__all__ = ["SUFFIX", "Code", "Sources"]

SUFFIX = ".lua"
_MAGIC = re.compile(r"\s*%%(\w+)[^\n]*")
#: Cell magics that run what follows them as Lua.
_AROUND_LUA = frozenset(["time", "timeit", "capture", "prun"])


@dataclass(frozen=True, slots=True)
class Code:
    """What can be stopped in a source text.

    Attributes
    ----------
    lines : tuple of int
        The lines that have Lua code.
    why_not : str
        Why there are none.
    """

    lines: tuple[int, ...] = ()
    why_not: str = ""

    def line(self, wanted: int) -> int | None:
        """The line that stops for a breakpoint on another: itself, the next one with code, or the last."""
        after = [line for line in self.lines if line >= wanted]
        return after[0] if after else self.lines[-1] if self.lines else None


class Sources:
    """The source texts of a kernel.

    Parameters
    ----------
    cells : mapping
        The texts of the cells that have run, by the names that they have in Lua (``In[3]``).
    """

    def __init__(self, cells: Mapping[str, str]) -> None:
        self.prefix = str(Path(tempfile.gettempdir(), f"secc_kernel_{os.getpid()}")) + os.sep
        self.seed = get_tmp_hash_seed()
        self._cells = cells
        self._texts: dict[str, str] = {}
        self._paths: dict[str, str] = {}

    def add(self, text: str) -> str:
        """Remember a cell's text; gives its path."""
        path = self._paths.get(text)
        if path is None:
            path = self._paths[text] = f"{self.prefix}{murmur2_x86(text, self.seed)}{SUFFIX}"
            self._texts[path] = text
        return path

    def path(self, chunk: str) -> str | None:
        """The path of a chunk, by its name in Lua; None for what is nobody's source."""
        name = chunk[1:]
        if chunk.startswith(("=", "@")):
            if name in self._cells:
                return self.add(self._cells[name])
            return os.path.realpath(name) if Path(name).is_file() else None
        return self.add(chunk)  # what `load` got

    def text(self, path: str) -> str | None:
        """The text at a path."""
        if path.startswith(self.prefix):
            for cell in self._cells.values():
                self.add(cell)
            return self._texts.get(path)
        try:
            return Path(path).read_text("utf-8", "backslashreplace")
        except OSError:
            return None

    def code(self, path: str) -> Code:
        """What can be stopped in the text at a path."""
        text = self.text(path)
        if text is None:
            return Code(why_not="this text is not known here: run the cell")
        if not path.startswith(self.prefix):
            lua = text
        else:
            cell = split(text)
            magic = _MAGIC.match(text)
            if cell.python or (magic and magic[1] not in _AROUND_LUA):
                return Code(why_not="only Lua is debugged")
            lua = cell.lua or ("\n" * magic[0].count("\n") + text[magic.end() :] if magic else "")
        lines = active_lines(lua)
        if lines is None:
            return Code(why_not="this is not valid Lua")
        return Code(lines) if lines else Code(why_not="there is no Lua code here")

    def known(self) -> Iterator[tuple[str, str]]:
        """Names and paths of the cells that have run."""
        for name, text in list(self._cells.items()):
            if split(text).lua:
                yield name, self.add(text)
