"""Completion of Lua names: members of a table, or globals and keywords."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from secc_kernel.lua.source import KEYWORDS

__all__ = ["Completion", "complete"]

_PATH = re.compile(r"((?:[A-Za-z_]\w*\s*[.:]\s*)*)([A-Za-z_]\w*)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Completion:
    """Names that may stand at the cursor, and the part of the text that they replace."""

    matches: list[str]
    start: int
    end: int


def complete(code: str, cursor: int, members: Callable[[tuple[str, ...]], list[str]]) -> Completion:
    """Complete the name before the cursor.

    Parameters
    ----------
    code : str
        The cell.
    cursor : int
        Position of the cursor, in characters.
    members : callable
        The names in the table at a path of global names; () for the globals.
    """
    found = _PATH.search(code[:cursor])
    path_text, prefix = (found[1], found[2] or "") if found else ("", "")
    path = tuple(part.strip() for part in re.split(r"[.:]", path_text) if part.strip())
    names = members(path)
    if not path:
        names = sorted({*names, *KEYWORDS})
    matches = [name for name in names if name.startswith(prefix)]
    return Completion(matches, cursor - len(prefix), cursor)
