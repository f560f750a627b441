"""Stopping at breakpoints: what a `Pilot` asks before a message is sent, and when one has arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..codec import Message
from .base import Maker, Seat, SessionError, Wait
from .breakpoints import Breakpoint, Breakpoints, Stop

if TYPE_CHECKING:
    from .lower import Level
    from .pilot import Pilot

__all__ = ["StoppedError", "Stops"]


class StoppedError(SessionError):
    """A message was not received, or not sent, because the session stopped at a breakpoint before.

    Attributes
    ----------
    stop : Stop
        Where it stands.
    """

    def __init__(self, stop: Stop) -> None:
        super().__init__(str(stop))
        self.stop = stop


class Stops:
    """The breakpoints of a session at work. Everything here happens in the link's thread.

    Parameters
    ----------
    pilot : Pilot
        Who is asked to stop.
    breakpoints : Breakpoints
        Where.

    Attributes
    ----------
    held : bool
        Whether nothing may happen until a condition is answered, or somebody ends the hold.
    """

    def __init__(self, pilot: Pilot, breakpoints: Breakpoints) -> None:
        self.held = False
        self._pilot = pilot
        self._breakpoints = breakpoints
        self._wait: Wait | None = None
        self._passed: tuple[str, str, int] | None = None
        self._after: Callable[[], object] | None = None
        breakpoints.attach(lambda: pilot.post(self.go_on))

    def holds(self, wait: Wait | None) -> bool:
        """Whether a wait is held."""
        return self.held and wait is not None and wait is self._wait

    def watches(self, name: str) -> bool:
        """Whether there is a breakpoint of this message."""
        return bool(self._breakpoints.of(name))

    def meet(self, seat: Seat | Level, name: str, direction: str, make: Maker | None = None) -> bool:
        """A message is about to be sent, or has arrived. Whether the session stands there.

        Parameters
        ----------
        seat : Seat
            The party's; breakpoints concern the script's side.
        name, direction : str
            As in `Stop`.
        make : Maker, optional
            How the script makes what it sends.
        """
        entries = self._breakpoints.of(name)
        pilot = self._pilot
        if not entries or pilot.wait is None or self.held or seat.party is not pilot.party:
            return False
        moment = seat.moment(direction)
        here = (name, direction, moment)
        if here == self._passed:
            return False
        self._passed = here
        index = -1 if seat.below else moment
        stop = Stop(name, direction, index, 0, pilot.link.now, seat.patience() if pilot.link.real else None)
        self._wait = pilot.wait
        return self._try(iter(entries), stop, lambda: self._in_question(seat, name, direction, make))

    def _in_question(self, seat: Seat | Level, name: str, direction: str, make: Maker | None) -> Message | None:
        """The message that arrived, or that would be sent now."""
        if direction == "receive":
            return seat.arrived[name]
        make, draft = make or self._pilot.overrides(name), seat.draft(name, self._pilot.link.now)
        return draft if make is None else make(seat.party.schema, draft, self._pilot.flies(seat.party.role)).message

    def preview(self, role: str, name: str) -> Message | None:
        """The message before which the session stands, as it would be sent now; None if it is another one."""
        stop = self._breakpoints.stop
        if stop is None or role != self._pilot.side or (stop.message, stop.direction) != (name, "send"):
            return None
        return self._in_question(self._pilot.lower.level(role, name) or self._pilot.seats[role], name, "send", None)

    def _try(self, entries: Iterator[Breakpoint], stop: Stop, message: Callable[[], Message | None]) -> bool:
        """Ask one condition after the other, until one holds (True), has to be waited for (True), or none is left."""
        for entry in entries:
            met: bool | Future[bool] = True
            if entry.condition is not None and (made := message()) is not None:
                met = entry.condition(made)
            if isinstance(met, Future) and not met.done():
                self.held = True
                met.add_done_callback(partial(self._tell, entry, entries, stop, message))
                return True
            if self._counts(entry, met):
                self._stopped(entry, stop)
                return True
        return False

    @staticmethod
    def _counts(entry: Breakpoint, met: bool | Future[bool]) -> bool:
        if isinstance(met, Future):
            met = met.cancelled() or met.exception() is not None or met.result()
        if met:
            entry.count += 1
        return bool(met) and entry.hits in (None, entry.count)

    def _tell(
        self,
        entry: Breakpoint,
        entries: Iterator[Breakpoint],
        stop: Stop,
        message: Callable[[], Message | None],
        answer: Future[bool],
    ) -> None:
        """A condition that was asked in another thread is answered there: go on in the link's."""
        self._pilot.post(lambda: self._answered(entry, entries, stop, message, answer))

    def _answered(
        self,
        entry: Breakpoint,
        entries: Iterator[Breakpoint],
        stop: Stop,
        message: Callable[[], Message | None],
        answer: Future[bool],
    ) -> None:
        if not self.held:  # the wait was called off meanwhile
            return
        self.held = False
        if self._counts(entry, answer):
            self._stopped(entry, stop)
            if not self.held:
                self._release()
        elif not self._try(entries, stop, message):
            self._release()

    def _stopped(self, entry: Breakpoint, stop: Stop) -> None:
        """Stop: hold if somebody wants that, otherwise the wait ends."""
        stop = replace(stop, breakpoint=entry.id)
        self._breakpoints.stop = stop
        tell = self._breakpoints.on_break
        self.held = bool(tell is not None and tell(stop))
        if not self.held:
            self._stand(stop)

    def _stand(self, stop: Stop) -> None:
        """Nobody holds the session where it stops: the wait ends, and says so. The turn is the script's."""
        pilot, wait = self._pilot, self._wait
        assert wait is not None
        seat = pilot.seats[pilot.side]
        seat.taken, seat.used = seat.owed(), True
        pilot.lower.take(pilot.side)
        if wait.kind == "receive" and (stop.message, stop.direction) == (wait.name, "receive"):
            return  # it has what it waited for
        self._after = None
        pilot.forget(wait)
        if wait.kind == "receive" or wait.sends:
            wait.resolve(error=StoppedError(stop))
        else:
            wait.resolve(stop)

    def afterwards(self, call: Callable[[], object]) -> None:
        """Have something done when the hold ends."""
        self._after = call

    def go_on(self) -> None:
        """End the hold."""
        if self.held:
            self.held = False
            self.leave()
            self._release()

    def _release(self) -> None:
        after, self._after = self._after, None
        if after is not None:
            after()
        self._pilot.go()

    def leave(self) -> None:
        """The session no longer stands where it stopped."""
        self._breakpoints.stop = None

    def drop(self) -> None:
        """The wait that is held was called off, or the session is closed: nothing is held any more."""
        self.held = False
        self._after = self._wait = None
