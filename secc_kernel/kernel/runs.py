"""What a cell shows of the runs of its autopilot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secc_kernel.lua.runs import Run

__all__ = ["RUNS_SHOWN", "Runs"]

#: Runs that one cell shows. A cell that runs in a loop has hundreds, and one line for them.
RUNS_SHOWN = 5


class Runs:
    """The runs of one cell, shown as they end.

    Parameters
    ----------
    show : callable
        Shows a run below the cell.
    tell : callable
        Shows a line of text; gives a function that replaces its text.
    """

    def __init__(self, show: Callable[[Run], object], tell: Callable[[str], Callable[[str], object]]) -> None:
        self._show = show
        self._tell = tell
        self._count = 0
        self._last = ""
        self._replace: Callable[[str], Any] | None = None

    def add(self, run: Run) -> None:
        """Take in a run that has ended."""
        self._count += 1
        self._last = run.outcome
        if self._count <= RUNS_SHOWN:
            self._show(run)
            return
        text = f"… {self._count - RUNS_SHOWN} more, the last: {run.what}: {run.outcome}"
        if self._replace is None:
            self._replace = self._tell(text)
        else:
            self._replace(text)

    def said(self, values: tuple[Any, ...]) -> bool:
        """Whether a cell's values are how its last run came out: that stands above already."""
        return len(values) > 1 and all(isinstance(value, str) for value in values) and self._last == ": ".join(values)
