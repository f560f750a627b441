"""Telling subscribers what is new: in order, one call after the other, and without a lock while they are called."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

__all__ = ["News"]

T = TypeVar("T")


class News(Generic[T]):
    """What there is to tell, and who wants to hear it.

    Subscribers are called by whichever thread tells first; one that has something to tell meanwhile does not wait. So a
    subscriber may look at what it is told of from any thread, and cause more of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: tuple[Callable[[T], object], ...] = ()
        self._items: deque[tuple[T, tuple[Callable[[T], object], ...]]] = deque()
        self._telling = False

    def subscribe(self, callback: Callable[[T], object], past: Iterable[T] = ()) -> Callable[[], None]:
        """Have `callback` called with each item from now on, until what is returned is called or it raises an error.

        Items of the ``past`` are told first, by the next `tell`.
        """
        with self._lock:
            self._subscribers = (*self._subscribers, callback)
            self._items.extend((item, (callback,)) for item in past)
        return lambda: self._unsubscribe(callback)

    def _unsubscribe(self, callback: Callable[[T], object]) -> None:
        with self._lock:
            self._subscribers = tuple(other for other in self._subscribers if other is not callback)

    def put(self, items: Iterable[T]) -> None:
        """Have items told by the next `tell`; the caller sees to their order."""
        if self._subscribers:
            with self._lock:
                self._items.extend((item, self._subscribers) for item in items)

    def tell(self, failed: Callable[[T, Exception], object]) -> None:
        """Tell what there is, unless another call is at it already.

        Parameters
        ----------
        failed : callable
            Called with an item and the error of a subscriber, who is told nothing more.
        """
        with self._lock:
            if self._telling or not self._items:
                return
            self._telling = True
        try:
            while (item := self._next()) is not None:
                for callback in item[1]:
                    if any(callback is other for other in self._subscribers):
                        self._call(callback, item[0], failed)
        except BaseException:  # an interrupt: whoever tells next goes on
            self._telling = False
            raise

    def _next(self) -> tuple[T, tuple[Callable[[T], object], ...]] | None:
        with self._lock:
            if self._items:
                return self._items.popleft()
            self._telling = False
            return None

    def _call(self, callback: Callable[[T], object], item: T, failed: Callable[[T, Exception], object]) -> None:
        try:
            callback(item)
        except Exception as error:  # whoever looks on must not end what is looked at
            self._unsubscribe(callback)
            failed(item, error)
