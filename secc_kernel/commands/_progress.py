"""How far a command is, for whoever waits at a terminal."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

#: Seconds until a bar is worth showing, and between two pictures of it.
_PATIENCE = 1.0
_PAUSE = 0.1
_WIDTH = 30


class Progress:
    """A bar on a terminal, from one second on; nothing where there is no terminal. A context manager, which clears it.

    Parameters
    ----------
    total
        Bytes to read; 0 where nobody knows.
    stream
        Where to draw.
    shown
        False for no bar at all.
    clock
        Seconds, from any beginning.
    """

    def __init__(
        self, total: int, stream: TextIO, shown: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._stream = stream
        self._clock = clock
        self._shown = shown and stream.isatty()
        self._start = clock()
        self._next = self._start + _PATIENCE
        self._drawn = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def update(self, done: int) -> None:
        """Show that so many bytes have been read, if it is time to."""
        if not self._shown:
            return
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _PAUSE
        text = self._text(done, now - self._start)[: shutil.get_terminal_size().columns - 1]
        self._stream.write("\r" + text.ljust(self._drawn))
        self._stream.flush()
        self._drawn = len(text)

    def say(self, line: str) -> None:
        """Print a line, and let the bar be below it."""
        self._clear()
        self._stream.write(line + "\n")

    def _clear(self) -> None:
        if self._drawn:
            self._stream.write("\r" + " " * self._drawn + "\r")
            self._stream.flush()
            self._drawn = 0

    def _text(self, done: int, elapsed: float) -> str:
        rate = done / elapsed
        speed = f"{rate / 1e6:.1f} MB/s"
        if not self._total:
            return f"{done / 1e6:.1f} MB, {speed}"
        done = min(done, self._total)  # a file may grow while it is read
        share = done / self._total
        bar = ("#" * int(share * _WIDTH)).ljust(_WIDTH, ".")
        left = f", {(self._total - done) / rate:.0f} s left" if rate else ""
        return f"{share:4.0%} [{bar}] {done / 1e6:.1f} of {self._total / 1e6:.1f} MB, {speed}{left}"
