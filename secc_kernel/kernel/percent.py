"""Notebooks as Lua scripts: jupytext's percent format, as far as running a notebook needs it.

A line ``-- %%`` begins a cell. Lua stands there as it is; what is not Lua is commented out, and the cell's first line
says what it is: ``-- %% language="python"``, ``-- %% [markdown]``. So the script is a notebook to jupytext, runs cell
by cell with ``secc-kernel run``, and holds nothing that an editor for Lua would stumble over. ``nbconvert --to
script`` writes it (`secc_kernel.kernel.nbconvert`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from secc_kernel.kernel.cells import is_assignment, magic_lines, split

__all__ = ["ScriptCell", "is_notebook", "read", "write"]

_MARKER = re.compile(r"--[ \t]?%%(?:[ \t]+(.*))?\Z")
_KIND = re.compile(r"(?:.*\s)?\[(markdown|md|raw)\]")
_LANGUAGE = re.compile(r'.*\blanguage="([^"]+)"')
_ARGUMENTS = re.compile(r'.*\bmagic_args="([^"]*)"')
#: Magics as jupytext comments them out, and ``name = !command``. No magic's name is as short as that of ``x = %d``.
_COMMENTED_MAGIC = re.compile(r"--[ \t]?(?=%%?[A-Za-z_]|[A-Za-z_]\w*[ \t]*=[ \t]*(?:!|%[A-Za-z_]\w))")
_CELL_MAGIC = re.compile(r"\s*%%([A-Za-z_]\w*)[ \t]*(.*)")
#: IPython's cell magics whose body is code to run: here Lua.
_AROUND_LUA = frozenset({"capture", "prun", "time", "timeit"})


@dataclass(frozen=True, slots=True)
class ScriptCell:
    """A code cell of a script.

    Attributes
    ----------
    source : str
        As it stands in the notebook.
    line : int
        Number of the script's line that the source's first line is, counted from 1. Where a magic had to be put in
        front, this is line 0 of the cell's body.
    """

    source: str
    line: int


def is_notebook(text: str) -> bool:
    """Whether a script has cells."""
    return any(map(_MARKER.match, text.splitlines()))


def read(text: str) -> Iterator[ScriptCell]:
    """The code cells of a script; what stands in front of the first marker is one, if it is more than comments."""
    marker, start = "", 1
    body: list[str] = []
    for number, line in enumerate([*text.splitlines(), "-- %%"], 1):
        found = _MARKER.match(line)
        if found is None:
            body.append(line)
            continue
        if start > 1 or not all(line.startswith("--") or not line.strip() for line in body):
            cell = _cell(marker, body, start)
            if cell is not None:
                yield cell
        marker, start, body = found[1] or "", number + 1, []


def _cell(marker: str, body: list[str], line: int) -> ScriptCell | None:
    if _KIND.match(marker):
        return None
    language = _LANGUAGE.match(marker)
    if language is None:
        first = next((i for i, text in enumerate(body) if text.strip()), 0)
        lines = [*body[:first], *_without_comment(body[first:])]
        return ScriptCell("\n".join(lines).rstrip(), line)
    arguments = _ARGUMENTS.match(marker)
    magic = f"%%{language[1]} {arguments[1] if arguments else ''}".rstrip()
    return ScriptCell("\n".join([magic, *map(_uncommented, body)]).rstrip(), line - 1)


def _without_comment(lines: list[str]) -> Iterator[str]:
    """The lines of a cell with the magics at its beginning no longer commented out."""
    count = 0
    while count < len(lines) and _COMMENTED_MAGIC.match(lines[count]):
        yield _COMMENTED_MAGIC.sub("", lines[count])
        count += 1
    yield from lines[count:]


def _uncommented(line: str) -> str:
    return re.sub(r"\A\s*-- ?", "", line)


def write(cells: Iterable[tuple[str, str]]) -> str:
    """A script of a notebook's cells.

    Parameters
    ----------
    cells : iterable of (kind, source)
        The kind as in a notebook: ``code``, ``markdown`` or ``raw``.
    """
    parts: list[str] = []
    for kind, source in cells:
        if kind == "code":
            parts += _code(source)
        else:
            parts.append(f"-- %% [{kind}]\n{_commented(source)}")
    return "\n".join(f"{part.rstrip()}\n" for part in parts)


def _code(source: str) -> Iterator[str]:
    """One cell of a notebook as cells of a script: magics in front of Lua get one of their own."""
    cell = split(source)
    magic = _CELL_MAGIC.match(source)
    if magic is not None and magic[1] in _AROUND_LUA:
        yield f"-- %%\n-- {source.lstrip()}"
        return
    if magic is not None and magic[1] != "lua":
        arguments = f'magic_args="{magic[2].rstrip()}" ' if magic[2].strip() and '"' not in magic[2] else ""
        body = source[magic.end() :].removeprefix("\n")
        yield f'-- %% {arguments}language="{magic[1]}"\n{_commented(body)}'
        return
    if cell.magic.strip():
        # What sets a global of Lua would set one of Python in a cell of Python.
        for sets, lines in groupby(filter(str.strip, magic_lines(source) or [cell.magic]), is_assignment):
            marker = "-- %%" if sets else '-- %% language="python"'
            yield f"{marker}\n{_commented(''.join(lines))}"
    if cell.lua.strip() or not source.strip():
        yield f"-- %%\n{_unmistakable(cell.lua)}"


def _commented(text: str) -> str:
    return "\n".join(f"-- {line}".rstrip() for line in text.rstrip().splitlines())


def _unmistakable(lua: str) -> str:
    """Lua without lines that would begin a cell, and without the blank ones that stand for its magics."""
    return "\n".join(f"-{line}" if _MARKER.match(line) else line for line in lua.strip("\n").splitlines())
