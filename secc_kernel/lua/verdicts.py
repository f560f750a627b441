"""How the verdicts of a script read: a line each, in between what the script prints; what a failed one had found."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The kernel has this module at its start, and the journal only with the first session.
    from ..session.journal import Entry, FindingEntry

__all__ = ["Comparisons", "Verdicts", "failed"]


def failed(verdict: FindingEntry) -> bool:
    """Whether a verdict is that a check failed."""
    return verdict.severity == "error"


class Comparisons:
    """What the last ``Check_...`` that was not met has found: a verdict of true or false does not know.

    It is told with the next verdict that fails, and forgotten with any verdict.
    """

    def __init__(self) -> None:
        self._function = self._element = self._text = ""

    def met(self, function: str) -> None:
        """A comparison came out true: what the same function found before no longer counts."""
        if function == self._function:
            self.clear()

    def unmet(self, function: str, element: str, text: str) -> None:
        """A comparison came out false: its function, the element, and what is there instead of what was expected."""
        self._function, self._element, self._text = function, element, text

    def clear(self) -> None:
        """Forget what was found."""
        self._function = self._element = self._text = ""

    def judged(self, passed: bool, text: str) -> str:
        """A verdict's text; of a failed one with what was found."""
        found = "" if passed else self._text
        # "EVCCID", the element's name, says nothing that "EVCCID is 1, not 2" does not.
        said = text if not found else found if text in ("", self._element) else f"{text}: {found}"
        self.clear()
        return said


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
