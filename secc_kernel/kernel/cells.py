"""What a cell is written in."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Cell", "split"]

_PYTHON = re.compile(r"\s*%%python[ \t]*(?:\n|\Z)")
_HELP = re.compile(r"\s*(?:\?{1,2}\s*[\w.%*]+|[\w.%*]+\s*\?{1,2})\s*")
#: A line magic needs a name: a lone % is Lua's modulo in an expression over several lines.
_MAGIC_LINE = re.compile(r"\s*(?:%[A-Za-z_]|!)")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell, taken apart.

    Attributes
    ----------
    magic : str
        IPython's part: line magics and shell commands, a cell magic, or a question (``name?``).
    python : str
        Python, if it began with ``%%python``.
    lua : str
        Lua. Lines keep their numbers: what was taken away in front is blank.
    """

    magic: str = ""
    python: str = ""
    lua: str = ""


def split(raw: str) -> Cell:
    """Take a cell apart.

    A cell that begins with ``%%python`` is Python, one that begins with another cell magic is IPython's. Line magics
    and shell commands may stand in front of Lua; everything else is Lua.
    """
    marker = _PYTHON.match(raw)
    if marker:
        # The marker's own lines stay, as comments (IPython drops empty ones): line 3 of the cell is line 3 in errors.
        return Cell(python="#\n" * marker.group().count("\n") + raw[marker.end() :])
    if raw.lstrip().startswith("%%") or not raw.strip() or _HELP.fullmatch(raw):
        return Cell(magic=raw)
    lines = raw.splitlines(keepends=True)
    count = 0
    while count < len(lines) and (_MAGIC_LINE.match(lines[count]) or not lines[count].strip()):
        count += 1
    while count and not lines[count - 1].strip():
        count -= 1
    if not any(map(str.strip, lines[count:])):
        return Cell(magic=raw)
    return Cell(magic="".join(lines[:count]), lua="\n" * count + "".join(lines[count:]))
