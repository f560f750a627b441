"""What a cell shows of the messages that its script sends and receives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secc_kernel.session.journal import FrameEntry

__all__ = ["MESSAGES_SHOWN", "RUN_SHOWN", "Transcript"]

#: Messages that one cell shows. A cell that scripts several sessions has hundreds: they are in the journal.
MESSAGES_SHOWN = 40
#: Messages at the beginning of a run of one kind (CurrentDemandReq and CurrentDemandRes) that are shown: two exchanges.
RUN_SHOWN = 4
#: Messages between two updates of a line that counts.
_UPDATE = 25


class Transcript:
    """The messages of one cell, shown as they come.

    A script that charges a car answers the same request a thousand times. Of such a run the beginning is shown and,
    when it is over, its last message; a line between them counts the others.

    Parameters
    ----------
    show : callable
        Shows a message below the cell.
    tell : callable
        Shows a line of text; gives a function that replaces its text.
    """

    def __init__(self, show: Callable[[FrameEntry], object], tell: Callable[[str], Callable[[str], object]]) -> None:
        self._show = show
        self._tell = tell
        self._latest: FrameEntry | None = None
        self._shown = 0
        self._kind = ""
        self._below = False
        self._run = 0
        self._held: FrameEntry | None = None
        self._held_count = 0
        self._replace: Callable[[str], Any] | None = None

    def add(self, entry: FrameEntry) -> None:
        """Take in the next message; one that this script has sent and now receives, too, is shown already."""
        if entry is self._latest:
            return
        self._latest = entry
        kind = entry.name.removesuffix("Req").removesuffix("Res")
        full = self._shown >= MESSAGES_SHOWN
        if kind != self._kind and not full:
            self._end_run()
            self._kind, self._run = kind, 0
        self._below = entry.layer != "v2gtp"
        self._run += 1
        if self._run <= RUN_SHOWN and not full:
            self._shown += 1
            self._show(entry)
            return
        self._held = entry
        self._held_count += 1
        if self._held_count == 2:
            self._replace = self._tell(self._text(2))
        elif self._replace is not None and self._held_count % _UPDATE == 0:
            self._replace(self._text(self._held_count))

    def end(self) -> None:
        """The cell is over."""
        self._end_run()

    def _text(self, count: int) -> str:
        what = "more" if self._shown >= MESSAGES_SHOWN else f"more {self._kind}"
        where = "in the journal" if self._below else "all in the journal (%%python: journal.messages())"
        return f"… {count} {what} messages, {where}"

    def _end_run(self) -> None:
        """Show the last message of a run, and how many there were before it."""
        if self._held is not None:
            if self._replace is not None:
                self._replace(self._text(self._held_count - 1))
            self._shown += 1
            self._show(self._held)
        self._held, self._held_count, self._replace = None, 0, None
