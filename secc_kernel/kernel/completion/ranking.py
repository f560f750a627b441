"""Which names fit what is written, and which come first.

What begins with it comes before what has a word that begins with it (``EVSEID`` in ``Set_SessionSetupRes_EVSEID``),
and that before what has it anywhere. Only where nothing has it, names count that have its parts in order
(``curdem_volt``), or at least its characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["PART", "WORD", "fuzzy", "rank"]

PART = 2
"""From this rank on a name does not begin with what is written, but has it."""
WORD = 3
"""Up to this rank it is where one of its words begins."""

#: Shorter texts are found in everything.
_SHORTEST_PART = 2
_SHORTEST_FUZZY = 3


def rank(name: str, lower: str, written: str, folded: str) -> int | None:
    """How well a name fits: 0 best; None if not at all.

    Parameters
    ----------
    name, lower : str
        The name, and in lower case.
    written, folded : str
        What is written, and in lower case.
    """
    if lower.startswith(folded):
        return 0 if name.startswith(written) else 1
    if len(folded) < _SHORTEST_PART:
        return None
    at = lower.find(folded)
    if at < 0:
        return None
    if f"_{folded}" in lower or f".{folded}" in lower:
        return PART
    # The hump of a camel: EVSE|Present|Voltage.
    if name[at].isupper() and not (name[at - 1].isupper() and name[at + 1 : at + 2].isupper()):
        return WORD
    return WORD + 1 if len(folded) > _SHORTEST_PART else None


def fuzzy(names: Iterable[str], written: str) -> list[str]:
    """Names that have the parts of what is written in order, or else its characters; the closest first."""
    folded = written.lower()
    if len(folded) < _SHORTEST_FUZZY:
        return []
    parts = [part for part in folded.split("_") if part]
    in_order = re.compile(".*?".join(map(re.escape, parts)), re.IGNORECASE)
    known = list(names)
    found = [name for name in known if in_order.search(name)] if len(parts) > 1 else []
    if found:
        return sorted(found, key=len)
    # Each character is looked for once, so this takes no longer than reading the name.
    characters = [re.escape(character) for character in folded if character != "_"]
    spread = re.compile("".join(characters[:1] + [f"[^{c}]*{c}" for c in characters[1:]]), re.IGNORECASE)
    hits = [(_spread(match.group(), name, folded), name) for name in known if (match := spread.search(name))]
    return [name for _, name in sorted(hits)]


def _spread(matched: str, name: str, folded: str) -> tuple[int, int]:
    """How far a match is spread over a name; characters that begin a word count as close."""
    words = sum(1 for c in matched if c.isupper())
    return len(matched) - min(words, len(folded)) * 2, len(name)
