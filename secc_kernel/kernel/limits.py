"""Limits of a cell: its time, the process's memory, what it writes. Who reaches one is stopped as by an interrupt."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from secc_kernel.lua import LuaEngine
from secc_kernel.lua.interrupt import Limit, interrupt_main_thread
from secc_kernel.lua.streams import Writable

__all__ = ["Metered", "Watch", "default_timeout"]

#: Seconds between two looks at the clock and at the memory.
_LOOK = 0.2
_STATM = Path("/proc/self/statm")


def default_timeout(environment: Mapping[str, str], otherwise: float = 0.0) -> float:
    """The time limit of cells that the environment asks for, in seconds: ``SECC_CELL_TIMEOUT``.

    Parameters
    ----------
    environment : mapping
        As ``os.environ``.
    otherwise : float
        What holds where it asks for none, or for something that is no number of seconds.
    """
    text = environment.get("SECC_CELL_TIMEOUT", "")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if 0 <= seconds < float("inf"):
        return seconds
    if text:
        sys.stderr.write(f"SECC_CELL_TIMEOUT is a number of seconds, not {text!r}: {otherwise:g} s hold\n")
    return otherwise


class Watch:
    """Stops a cell that has reached a limit. A limit of 0 is none.

    Parameters
    ----------
    engine : LuaEngine
        Runs the Lua cells.

    Attributes
    ----------
    seconds : float
        For each cell, waits included.
    memory : int
        Bytes by which the process may grow after its first cell has begun; watched on Linux.
    output : int
        Characters that a cell may write and display.
    patience : float
        Seconds after which a cell that cannot be stopped ends the process; 0 is never. Lua's own library has few calls
        that neither end nor can be interrupted, and no notebook needs them.
    how_to_change : str
        What to do, for the error of the limits of time and output.
    exhausted : bool
        Whether the last cell has reached the limit of memory.
    """

    def __init__(self, engine: LuaEngine) -> None:
        self.seconds = 0.0
        self.memory = 0
        self.output = 0
        self.patience = 0.0
        self.how_to_change = ""
        self.exhausted = False
        self._engine = engine
        self._written = 0
        self._serial = 0
        self._told = False
        self._at_first: int | None = None
        self._active = False
        engine.interrupts.on_stuck = self._stuck

    @contextlib.contextmanager
    def cell(self) -> Iterator[None]:
        """Watch what runs meanwhile. A cell inside of a cell (``%%time``) shares the limits of the outer one."""
        if self._active:
            yield
            return
        self._written, self._told, self.exhausted = 0, False, False
        self._serial += 1
        # A cell that begins with the memory used up has a quarter of it all the same, to work and to free things with.
        resident = _resident()
        self._at_first = max(resident if self._at_first is None else self._at_first, resident - self.memory * 3 // 4)
        ended = threading.Event()
        if self.seconds or self.memory:
            threading.Thread(target=self._watch, args=(ended, self.seconds), name="cell limits", daemon=True).start()
        self._active = True
        try:
            yield
        finally:
            self._active = False
            ended.set()

    def spend(self, count: int) -> bool:
        """Whether so many more characters may be written; if not, the cell is stopped."""
        self._written += count
        if not self.output or self._written <= self.output:
            return True
        self._reached(
            Limit(f"stopped: the cell has written more than {_size(self.output)}, its limit", self.how_to_change)
        )
        return False

    def _watch(self, ended: threading.Event, seconds: float) -> None:
        begun = self._clock()
        while not ended.wait(_LOOK if not seconds else min(_LOOK, max(0.01, begun + seconds - self._clock()))):
            if seconds and self._clock() - begun >= seconds:
                self._reached(Limit(f"stopped after {seconds:g} s, the time limit of a cell", self.how_to_change))
            elif self.memory and _resident() - (self._at_first or 0) > self.memory:
                self.exhausted = True
                self._reached(
                    Limit(
                        f"stopped: the kernel has grown by more than {_size(self.memory)}, its limit",
                        "the session was closed to free memory; what was sent and received in it is gone",
                    )
                )

    def _clock(self) -> float:
        """Seconds, without those in which a cell has stood in the debugger."""
        return time.monotonic() - self._engine.debugger.standing

    def _stuck(self) -> None:
        """Say that a cell cannot be stopped; where that must not be, end the process."""
        sys.stderr.write(
            "The cell does not stop: it is in a single call of Lua's library, which nothing can interrupt. "
            "Wait for its end, or restart the kernel.\n"
        )
        if self.patience:
            sys.stderr.write(
                f"The kernel ends itself in {self.patience:g} s: notebooks that are not trusted get no more.\n"
            )
            sys.stderr.flush()
            cell = self._serial
            time.sleep(self.patience)
            if self._active and self._serial == cell:
                os._exit(1)

    def _reached(self, limit: Limit) -> None:
        """Stop what runs. Asked for again as long as it runs: a cell that is only just beginning forgets requests."""
        engine = self._engine
        if engine.running:
            if engine.interrupts.requested:
                return
            self._told = True
            engine.interrupt(limit)
        elif self._told:
            return  # it has stopped, and its error is on the way
        else:
            self._told = True
            sys.stderr.write(f"{limit.message}\n")
        if threading.current_thread() is not threading.main_thread():
            interrupt_main_thread()


class Metered:
    """A stream that a `Watch` counts.

    Parameters
    ----------
    stream : Writable
        Where the text goes.
    """

    def __init__(self, stream: Writable) -> None:
        self.watch: Watch | None = None
        self._stream = stream

    def write(self, text: str, /) -> Any:
        """Write text, if it is still allowed."""
        if self.watch is None or self.watch.spend(len(text)):
            return self._stream.write(text)
        return 0


def _resident() -> int:
    """Bytes of memory that the process holds; 0 where nobody tells."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _size(count: int) -> str:
    return f"{count / (1 << 20):g} MiB"
