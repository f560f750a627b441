"""What a cell is written in."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Cell", "is_assignment", "magic_lines", "split", "timed"]

_PYTHON = re.compile(r"\s*%%python[ \t]*(?:\n|\Z)")
_LUA = re.compile(r"\s*%%lua[ \t]*(?:\n|\Z)")
_TIME = re.compile(r"\s*%%time[ \t]*\n")
_HELP = re.compile(r"\s*(?:\?{1,2}\s*[\w.%*:]+|[\w.%*:]+\s*\?{1,2})\s*")
#: What VS Code runs unseen in any kernel to learn whether it has a debugger.
_PROBE = "import ipykernel\nprint(ipykernel.__version__)"
#: A line magic needs a name: a lone % is Lua's modulo in an expression over several lines.
_MAGIC_LINE = re.compile(r"\s*(?:%[A-Za-z_]|!)")
#: ``files = !ls`` and ``files = %magic`` set a global of Lua.
_ASSIGNMENT = re.compile(r"[ \t]*([A-Za-z_]\w*)[ \t]*=[ \t]*(!|%[A-Za-z_])(.*)", re.ASCII)


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
    and shell commands may stand in front of Lua; everything else is Lua, with or without ``%%lua`` in front.
    """
    if raw.strip() == _PROBE:
        return Cell(python=raw)
    marker = _PYTHON.match(raw)
    if marker:
        body = raw[marker.end() :]
        # The marker's own lines stay, as comments (IPython drops empty ones): line 3 of the cell is line 3 in errors.
        # In front of a cell magic there may be nothing.
        before = "".join(f"# {line.strip()}".rstrip() + "\n" for line in marker.group().splitlines())
        return Cell(python=body if body.startswith("%%") else before + body)
    marker = _LUA.match(raw)
    if marker:
        return Cell(lua="\n" * marker.group().count("\n") + raw[marker.end() :] or "\n")
    if raw.lstrip().startswith("%%") or not raw.strip() or _HELP.fullmatch(raw):
        return Cell(magic=raw)
    front = magic_lines(raw)
    lua = raw.splitlines(keepends=True)[len(front) :]
    magic = "".join(map(_assignment, front))
    if not any(map(str.strip, lua)):
        return Cell(magic=magic or raw)
    return Cell(magic=magic, lua="\n" * len(front) + "".join(lua))


def magic_lines(raw: str) -> list[str]:
    """The line magics and shell commands in front of a cell's Lua, as they were typed, each with its line end."""
    lines = raw.splitlines(keepends=True)
    count = 0
    while count < len(lines) and (_is_magic(lines[count]) or not lines[count].strip()):
        count += 1
    while count and not lines[count - 1].strip():
        count -= 1
    return lines[:count]


def is_assignment(line: str) -> bool:
    """Whether a line sets a global of Lua to what a shell command or a magic gives."""
    return bool(_ASSIGNMENT.match(line))


def timed(raw: str) -> str:
    """The Lua of a cell that begins with ``%%time``, its lines at their numbers; '' for any other cell."""
    marker = _TIME.match(raw)
    inner = split(raw[marker.end() :]) if marker else None
    if marker is None or inner is None or inner.magic or not inner.lua:
        return ""
    return "\n" * marker.group().count("\n") + inner.lua


def _is_magic(line: str) -> bool:
    return bool(_MAGIC_LINE.match(line)) or is_assignment(line)


def _assignment(line: str) -> str:
    """A line in front of Lua; where it sets a variable, Python that sets it in Lua."""
    found = _ASSIGNMENT.match(line)
    if not found:
        return line
    name, sign, rest = found.groups()
    if sign == "!":
        return f"get_ipython().set_lua({name!r}, get_ipython().getoutput({rest.strip()!r}))\n"
    magic, _, argument = (sign[1:] + rest).strip().partition(" ")
    return f"get_ipython().set_lua({name!r}, get_ipython().run_line_magic({magic!r}, {argument!r}))\n"
