"""A thread with an event loop of its own: where a link lives, so that a peer is served while no cell runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

__all__ = ["LoopThread", "ThreadEndedError"]

P = ParamSpec("P")
T = TypeVar("T")


class ThreadEndedError(RuntimeError):
    """The thread has ended: nothing can be done in it any more."""


class LoopThread:
    """An asyncio loop in a daemon thread. Everything that belongs to the link is touched in this thread only.

    Parameters
    ----------
    name : str
        The thread's name.
    """

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._ended = False
        self._lock = threading.Lock()  # between posting and the end: what was posted before happens, for somebody waits
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            with self._lock:
                self._ended = True
            self.loop.run_until_complete(asyncio.sleep(0))
        finally:
            self.loop.close()

    @property
    def inside(self) -> bool:
        """Whether the caller runs in this thread."""
        return threading.current_thread() is self._thread

    def post(self, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Have something done in the thread, soon; nothing waits for it. False after `close`: nothing happens then."""
        with self._lock:
            if not self._ended:
                self.loop.call_soon_threadsafe(lambda: call(*args, **kwargs))
            return not self._ended

    def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have something done in the thread and wait for its result.

        Raises
        ------
        Exception
            What ``call`` raised.
        ThreadEndedError
            The thread has ended.
        """
        if self.inside:
            return call(*args, **kwargs)
        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(call(*args, **kwargs))
            except BaseException as error:
                result.set_exception(error)

        if not self.post(run):
            raise ThreadEndedError(f"{self._thread.name} has ended")
        return result.result()

    def close(self) -> None:
        """End the loop and, unless called inside, wait until the thread has gone."""
        self.post(self.loop.stop)
        if not self.inside:
            self._thread.join()
