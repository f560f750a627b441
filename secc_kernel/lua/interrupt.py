"""Stopping Lua: one flag, and the ways to make everybody who must see it look.

Three places can be busy when a user asks to stop:

* Lua code. The engine's count hook asks :meth:`Interrupts.why` every 1000 VM instructions.
* The event loop, while a cell waits for a future. :meth:`Interrupts.request` cancels that future, thread-safely: a
  signal handler runs on the loop's own thread, and only ``call_soon_threadsafe`` wakes its selector.
* A Python function that Lua called. A short one is never torn: it returns, and the flag is looked at then. One that is
  still running :data:`GRACE` seconds later is asleep or blocked, and gets a ``KeyboardInterrupt`` from a second signal.
"""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

__all__ = ["GRACE", "STUCK", "Interrupts", "Limit", "interrupt_main_thread"]

#: Seconds that a Python function called by Lua gets to finish by itself.
GRACE = 0.1
#: Seconds after which a cell that has not stopped is taken for one that cannot be stopped.
STUCK = 5.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of time, memory or output that a cell has reached.

    Parameters
    ----------
    message : str
        Which one; follows the place in the error (``In[3]:2: stopped after 30 s``).
    hint : str
        What to do.
    """

    message: str
    hint: str


class Interrupts:
    """The interrupt flag of one engine.

    Attributes
    ----------
    requested : bool
        Whether somebody has asked to stop since the cell began.
    limit : Limit or None
        The limit that the cell has reached; None if it was the user who asked.
    waited : str
        The function whose wait was interrupted; '' if the script was computing.
    on_stuck : callable or None
        Called in a thread of its own when a cell has not stopped long after it was asked to.
    """

    def __init__(self) -> None:
        self.requested = False
        self.limit: Limit | None = None
        self.waited = ""
        self._calls = 0
        self._call = 0
        self._warned = 0
        self._cells = 0
        self.on_stuck: Callable[[], object] | None = None
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Future[Any]] | None = None

    def clear(self) -> None:
        """Forget what was asked before; called when a cell begins, and when it has ended."""
        self._cells += 1
        self.requested = False
        self.limit = None
        self.waited = ""

    def request(self, limit: Limit | None = None) -> None:
        """Ask the running cell to stop. Callable from any thread and from a signal handler.

        Parameters
        ----------
        limit : Limit, optional
            What the cell has reached, if it is not the user who asks. Of several requests the first counts.
        """
        if not self.requested:
            self.limit = limit
            if self.on_stuck is not None:
                # Not threading.Thread: it takes a lock that the interrupted code may be holding; this may be a handler.
                _thread.start_new_thread(self._look_after, (self._cells,))
        self.requested = True
        waiting = self._waiting
        if waiting is not None:
            loop, future = waiting
            loop.call_soon_threadsafe(future.cancel)

    def on_signal(self, signum: int, frame: FrameType | None) -> None:
        """Handle SIGINT while Lua runs; install with :meth:`installed`.

        Raises
        ------
        KeyboardInterrupt
            In a Python function called by Lua that has not returned within the grace period.
        """
        self.request()
        call = self._call
        if not call:
            return
        if self._warned == call:
            raise KeyboardInterrupt
        self._warned = call
        # Not threading.Thread: it takes a lock that the interrupted code may be holding, and this is a signal handler.
        _thread.start_new_thread(self._insist, (call,))

    def _look_after(self, cell: int) -> None:
        time.sleep(STUCK)
        if self._cells == cell and self.on_stuck is not None:
            self.on_stuck()

    def _insist(self, call: int) -> None:
        time.sleep(GRACE)
        if self._call == call:
            interrupt_main_thread()

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Handle SIGINT here while the context lasts, when this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = signal.signal(signal.SIGINT, self.on_signal)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)

    @contextlib.contextmanager
    def waiting(self, future: asyncio.Future[Any]) -> Iterator[None]:
        """Let a request cancel this future of the running loop."""
        self._waiting = (asyncio.get_running_loop(), future)
        try:
            # A request that came before the line above found nothing to cancel.
            if self.requested:
                future.cancel()
            yield
        finally:
            self._waiting = None

    def enter(self) -> int:
        """Begin a call from Lua into Python; gives what :meth:`leave` takes (calls nest)."""
        outer = self._call
        self._calls += 1
        self._call = self._calls
        return outer

    def leave(self, outer: int) -> None:
        """End the call that :meth:`enter` began."""
        self._call = outer


def interrupt_main_thread() -> None:
    """Have SIGINT handled in the main thread, also where it is blocked in a system call."""
    main = threading.main_thread().ident
    if sys.platform == "win32" or main is None:
        _thread.interrupt_main()
    else:
        signal.pthread_kill(main, signal.SIGINT)
