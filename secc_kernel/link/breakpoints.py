"""Breakpoints in a protocol: where a session stops before a message is sent, or after one was received.

`LiveSession.breakpoints` is a `Breakpoints`; a `Bench` keeps one for all of its sessions, so that breakpoints may be
set before there is a session, and stay when it is opened again. For whoever drives them from outside, a debugger::

    breakpoints = bench.breakpoints                         # or session.breakpoints: the same object
    number = breakpoints.add("CurrentDemandRes")            # conditions and hit counts: see `add`
    breakpoints.remove(number); breakpoints.clear(); breakpoints.list()
    breakpoints.on_break = lambda stop: True                # called at each stop; true: hold
    breakpoints.go_on()                                     # ends the hold: what was waited for is waited for again
    breakpoints.stop                                        # the `Stop` where the session stands, or None

All of it may be called from any thread. ``on_break`` is called in the link's thread and must not block. Where it
returns something true, nothing happens any more and the script's wait (its ``RunToEnd``, ``Receive``, ``Send``) stays
as it is until `go_on`: Lua stands at that line. Otherwise, and without ``on_break``, the wait ends and says where it
stands; the next one goes on from there. On the simulated link the clock stands still all the while. A real peer does
not wait: there a hold is bounded as that of a request between two cells, by half of the message's performance time, and
then the autopilot acts.

Breakpoints concern the party that the script plays, and stop only while a script waits for something: with no
breakpoint of a message's name, a message costs one look into an empty dict.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache

from ..codec import Message
from ..messages import SCHEMAS, vocabulary
from ..session.sequence import SEQUENCES
from ..wire.layers import LAYERS

__all__ = ["Breakpoint", "Breakpoints", "Condition", "Stop", "check_message"]

Condition = Callable[[Message], "bool | Future[bool]"]
"""Whether to stop at a message. Called in the link's thread; a future lets another thread decide, and the session holds
until it has."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a session stands.

    Attributes
    ----------
    message : str
        The message's name.
    direction : str
        ``send`` (it is about to be sent) or ``receive`` (it has arrived).
    index : int
        Its index among the journal's messages; one that is about to be sent gets this index. -1 below V2G.
    breakpoint : int
        The breakpoint.
    time : float
        The link's clock.
    held : float or None
        On a real link: the seconds after which the autopilot goes on.
    """

    message: str
    direction: str
    index: int
    breakpoint: int
    time: float
    held: float | None = None

    def __str__(self) -> str:
        how = f"before {self.message} is sent" if self.direction == "send" else f"after {self.message} was received"
        number = f"message {self.index}, " if self.index >= 0 else ""
        text = f"stopped {how} ({number}breakpoint {self.breakpoint})"
        if self.held is not None:
            text += f"; the peer is real and does not wait: between cells the autopilot acts after {self.held:g} s"
        return text


@dataclass(slots=True)
class Breakpoint:
    """A breakpoint.

    Attributes
    ----------
    id : int
        Its number, from 1.
    message : str
        The message's name.
    condition : Condition or None
        Stops only where this holds.
    hits : int or None
        Stops only the time of this number, of those at which the condition holds.
    text : str
        The condition in words, for lists.
    count : int
        How often it was met, with the condition holding.
    """

    id: int
    message: str
    condition: Condition | None = None
    hits: int | None = None
    text: str = ""
    count: int = field(default=0, compare=False)

    def __str__(self) -> str:
        parts = [f"{self.id}: {self.message}"]
        if self.text:
            parts.append(f"where {self.text}")
        if self.hits is not None:
            parts.append(f"the {_ordinal(self.hits)} time")
        return f"{', '.join(parts)} (met {self.count} time{'' if self.count == 1 else 's'})"


class Breakpoints:
    """The breakpoints of a script, over all of its sessions.

    Attributes
    ----------
    on_break : callable or None
        Called with each `Stop`, in the link's thread; true holds the session until `go_on`.
    stop : Stop or None
        Where the session stands.
    """

    def __init__(self) -> None:
        self.on_break: Callable[[Stop], object] | None = None
        self.stop: Stop | None = None
        self._lock = threading.Lock()
        self._next = 1
        self._resume: Callable[[], object] = lambda: None
        self._by_name: dict[str, tuple[Breakpoint, ...]] = {}

    def add(self, name: str, condition: Condition | None = None, hits: int | None = None, text: str = "") -> int:
        """Set a breakpoint; gives its number.

        Parameters
        ----------
        name : str
            A message: the session stops before the script's side sends it, or after it has received it.
        condition : Condition, optional
            Called with the message; the session stops where it is true.
        hits : int, optional
            Stop only the time of this number.
        text : str
            The condition in words, for lists.

        Raises
        ------
        ValueError
            No vocabulary has such a message; the text names the nearest one.
        """
        check_message(name)
        if hits is not None and (type(hits) is not int or hits < 1):
            raise ValueError(f"a breakpoint stops the time of a number from 1, not {hits!r}")
        with self._lock:
            made = Breakpoint(self._next, name, condition, hits, text)
            self._next += 1
            self._by_name = {**self._by_name, name: (*self._by_name.get(name, ()), made)}
        return made.id

    def remove(self, number: int) -> bool:
        """Take a breakpoint away; False if there is none of that number."""
        return self._keep(lambda entry: entry.id != number)

    def clear(self, name: str | None = None) -> bool:
        """Take all breakpoints away, or those of one message; False if there were none."""
        return self._keep(lambda entry: name is not None and entry.message != name)

    def _keep(self, kept: Callable[[Breakpoint], bool]) -> bool:
        with self._lock:
            before = self._by_name
            left = {name: tuple(filter(kept, entries)) for name, entries in before.items()}
            self._by_name = {name: entries for name, entries in left.items() if entries}
            return sum(map(len, left.values())) < sum(map(len, before.values()))

    def list(self) -> list[Breakpoint]:
        """The breakpoints, in the order in which they were set."""
        return sorted((entry for entries in self._by_name.values() for entry in entries), key=lambda entry: entry.id)

    def of(self, name: str) -> tuple[Breakpoint, ...]:
        """The breakpoints of a message."""
        return self._by_name.get(name, ())

    def go_on(self) -> None:
        """End a hold. Nothing happens where there is none."""
        self._resume()

    def attach(self, resume: Callable[[], object]) -> None:
        """A session begins to stop here: ``resume`` ends its holds."""
        self.stop = None
        self._resume = resume


def check_message(name: object) -> None:
    """Refuse what is no message.

    Raises
    ------
    ValueError
        No vocabulary has such a message; the text names the nearest one.
    """
    # Those of sessions are looked at first: the others are rarely asked for.
    if any(name in vocabulary(key).elements for key in ("sap", *SEQUENCES, *LAYERS, *SCHEMAS)):
        return
    near = difflib.get_close_matches(str(name), _messages(), 1)
    raise ValueError(f"there is no message {name!r}{f'; did you mean {near[0]}?' if near else ''}")


@cache
def _messages() -> frozenset[str]:
    """Every message of every vocabulary."""
    return frozenset(name for key in (*SCHEMAS, *LAYERS) for name in vocabulary(key).messages)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
