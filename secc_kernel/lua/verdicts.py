"""How the verdicts of a script read: a line each, in between what the script prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The kernel has this module at its start, and the journal only with the first session.
    from ..session.journal import Entry, FindingEntry

__all__ = ["Verdicts", "failed"]


def failed(verdict: FindingEntry) -> bool:
    """Whether a verdict is that a check failed."""
    return verdict.severity == "error"


class Verdicts:
    """The verdicts of a script or a cell, written as they come.

    A check in a loop passes a thousand times: of passes that repeat one another, the first is written and then how
    many there were. Each failure is written, with its place in the script.

    Parameters
    ----------
    write : callable
        Takes a line.

    Attributes
    ----------
    found : list of FindingEntry
        What came so far.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self.found: list[FindingEntry] = []
        self._write = write
        self._last: tuple[str, str] | None = None
        self._again = 0

    def add(self, entry: Entry) -> None:
        """Take in an entry of the journal, if it is a verdict."""
        if entry.kind != "finding":
            return
        from ..session.journal import CHECK, FindingEntry

        if not isinstance(entry, FindingEntry) or entry.rule != CHECK:
            return
        self.found.append(entry)
        text, place = entry.text or "(no text)", entry.place
        if failed(entry):
            self.end()
            self._write(f"FAIL {text} ({place})" if place else f"FAIL {text}")
            return
        if (text, place) == self._last:
            self._again += 1
            return
        self.end()
        self._last = text, place
        self._write(f"PASS {text}")

    def end(self) -> None:
        """Nothing follows, or something else: say how often the last one came again."""
        if self._again:
            self._write(f"PASS … {self._again} more times")
        self._last, self._again = None, 0
