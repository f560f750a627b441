"""Who acts: the script or the autopilot.

A `Pilot` sits between a link and a script. It sees everything that happens to the parties on the link and decides,
whenever it is a party's turn, whether the autopilot acts, the message is held for the script, or a wait has come to its
end (or never will). It runs in the link's thread; `LiveSession` is its front.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any

from ..codec import Message
from ..session.evcc import EVCC
from ..session.events import Connected, Ended, Received, Sent
from ..session.journal import FindingEntry, Journal, NoteEntry
from ..session.secc import SECC
from ..session.timers import limit, message_times
from .base import CLOSED, Link, Maker, Seat, SessionError, Wait
from .reach import begins_session, can_come
from .reasons import last_messages, stands_still, why_not

__all__ = ["Pilot"]

_PATIENCE = limit("V2G_EVCC_Sequence_Performance_Time").seconds / 2
"""How long a vehicle that a script plays waits for it between two cells."""

_SLICE = 0.01
"""Seconds that the simulated link runs before it lets the thread do something else."""


class Pilot:
    """Decides for the parties on a link.

    Parameters
    ----------
    link : Link
        Where the parties are.
    side : str
        The party that the script plays.
    autopilot : bool
        Whether the autopilot does for that party what the script does not.
    loop : asyncio loop
        Of the link's thread.
    overrides, on_end
        As for `LiveSession`.
    """

    def __init__(
        self,
        link: Link,
        side: str,
        autopilot: bool,
        loop: asyncio.AbstractEventLoop,
        overrides: Callable[[str], Maker | None],
        on_end: Callable[[Ended, bool], None],
    ) -> None:
        self.link = link
        self.side = side
        self.autopilot = autopilot
        self.seats = {role: Seat(party) for role, party in link.parties.items()}
        self._loop = loop
        self._overrides = overrides
        self._on_end = on_end
        self._wait: Wait | None = None
        self._missed: tuple[Ended, str | None] | None = None
        """An end of which nobody has been told, and the turn that the script had taken then."""
        self._shut = False
        self._scripts = 0
        self._replug = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def party(self) -> SECC | EVCC:
        """The party that the script plays."""
        return self.seats[self.side].party

    @property
    def journal(self) -> Journal:
        """The record of everything that happens on the link."""
        return self.party.journal

    # -- how the thread comes in --------------------------------------------------------------------------------------

    def enter(self, wait: Wait, begin: Callable[..., None], *args: Any) -> None:
        """Begin a wait; whatever goes wrong ends it."""
        if self._shut:
            self._resolve(wait, error=SessionError(CLOSED))
            return
        try:
            begin(wait, *args)
        except Exception as error:
            self._resolve(wait, error=error)
            self._broken(error)

    def happened(self, call: Callable[[], object]) -> None:
        """Something happened on the link: ``call`` tells the party. What follows from it is done, or held."""
        try:
            call()
            self.go()
        except Exception as error:
            self._broken(error)

    def _broken(self, error: Exception) -> None:
        """A mistake of ours: nobody may wait for ever because of it, and the journal has to say it."""
        text = f"secc-kernel made a mistake: {type(error).__name__}: {error}"
        self.journal.append(FindingEntry(self.link.now, rule="internal", severity="error", text=text))
        wait, self._wait = self._wait, None
        if wait is not None:
            self._resolve(wait, error=error)

    # -- waits --------------------------------------------------------------------------------------------------------

    def begin(self, wait: Wait) -> None:
        """Begin a wait, or end it at once where it has nothing to wait for."""
        if self._wait is not None and not self._wait.future.done():
            self._fail(wait, f"the session already waits for {self._wait}: one wait at a time")
            return
        self._settle()
        seat = self.seats[wait.role]
        missed, self._missed = self._missed, None
        if wait.kind == "end" and seat.party.ended is not None:
            self._finish(wait, seat.party.ended)
            return
        if missed is not None and wait.kind in ("receive", "turn"):
            ended, taken = missed
            if not begins_session(wait.request) or (wait.then is not None and taken == wait.request):
                self._fail(wait, f"{wait} cannot come: the session has ended ({ended.how}): {ended.reason}")
                return
        if wait.kind == "receive" and wait.name in seat.unreceived and self._is_due(seat, wait):
            self._received(seat, wait)
            return
        self._wait = wait
        wait.future.add_done_callback(self._cancelled)
        if wait.kind == "time":
            wait.until = self.link.now + wait.seconds
        else:
            self._ensure_vehicle(wait)
        self.go()

    def _is_due(self, seat: Seat, wait: Wait) -> bool:
        """Whether an arrived message is to be given now: unless the autopilot dealt with it and another can come."""
        owed = seat.owed()
        here = owed == wait.name if wait.role == "SECC" else owed is not None and seat.latest == wait.name
        return here or not can_come(seat.party.progress, wait.request)

    def begin_send(self, wait: Wait, name: str) -> None:
        """Send now if it is the message's turn, or on purpose; wait for its turn where it still comes."""
        self._settle()
        seat = self.seats[wait.role]
        party, owed, target = seat.party, seat.owed(), wait.request
        if party.connection is None:
            self.begin(wait)
        elif owed == target or not self._flies(wait.role):
            self._complete_send(wait)
            self.go()
        elif can_come(party.progress, target, None if owed is None else [owed]):
            self.begin(wait)
        elif owed is not None and (owed == seat.taken or self._may_choose(seat, wait)):
            self._complete_send(wait)
            self.go()
        elif party.progress.over:
            self.begin(wait)
        else:
            self._fail(wait, f"{name} cannot be sent: {why_not(seat, target)}")

    def _complete_send(self, wait: Wait) -> None:
        assert wait.then is not None
        self.seats[wait.role].used = True
        try:
            message = wait.then()
        except Exception as error:
            self._resolve(wait, error=error)
        else:
            self._resolve(wait, message)

    def transmit(self, role: str, name: str, make: Maker) -> Message:
        """Make a message over the autopilot's and send it."""
        seat = self.seats[role]
        party = seat.party
        party.hold()
        composed = make(party.schema, seat.draft(name), self._flies(role))
        party.send(composed.message, self.link.now, composed.intended, composed.auto)
        seat.taken = seat.acts_at = None
        self._settle()
        return composed.message

    def _finish(self, wait: Wait, result: Any = None) -> None:
        """The wait has come to what it was for."""
        if self._wait is wait:
            self._wait = None
        if wait.then is not None:
            self._complete_send(wait)
        else:
            self._resolve(wait, result)

    def _received(self, seat: Seat, wait: Wait) -> None:
        seat.unreceived.discard(wait.name)
        seat.taken, seat.used = seat.owed(), True
        self._finish(wait, seat.arrived[wait.name])

    def _fail(self, wait: Wait, reason: str) -> None:
        if self._wait is wait:
            self._wait = None
        self._resolve(wait, error=SessionError(reason + last_messages(self.journal)))

    @staticmethod
    def _resolve(wait: Wait, result: Any = None, error: BaseException | None = None) -> None:
        try:
            if error is not None:
                wait.future.set_exception(error)
            else:
                wait.future.set_result(result)
        except InvalidStateError:  # cancelled meanwhile
            return

    def _cancelled(self, future: Future[Any]) -> None:
        if future.cancelled():
            self._loop.call_soon_threadsafe(self._forget_wait, future)

    def _forget_wait(self, future: Future[Any]) -> None:
        if self._wait is not None and self._wait.future is future:
            self._wait = None

    # -- what happens, in the link's thread ---------------------------------------------------------------------------

    def go(self) -> None:
        """Let everything happen that can happen now, and arrange for what comes later."""
        self._settle()
        if self.link.real:
            self._schedule()
        elif self._wait is not None:
            self._run_slice()

    def _run_slice(self) -> None:
        """Run the simulated link for a moment; other calls of the thread, and an interrupt, get through in between."""
        loop = self._loop
        deadline = loop.time() + _SLICE
        while (wait := self._wait) is not None and loop.time() < deadline:
            if wait.future.cancelled():
                self._wait = None
            elif wait.until is not None and self.link.now >= wait.until:
                self._finish(wait)
            elif self.link.advance(self._next_act()):
                self._settle()
            elif wait.kind == "end" and self.party.ended is not None:
                self._finish(wait, self.party.ended)
            else:
                self._fail(wait, f"{wait} cannot come: nothing more happens on the link")
        if self._wait is not None:
            loop.call_soon(self.happened, _nothing)

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = [self._next_act(), *(party.next_deadline() for party in self.link.parties.values())]
        times = [time for time in due if time is not None]
        if times:
            self._timer = self._loop.call_later(max(min(times) - self.link.now, 0.0), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.happened(self._advance)

    def _advance(self) -> None:
        for party in self.link.parties.values():
            party.advance(self.link.now)

    def _next_act(self) -> float | None:
        times = [seat.acts_at for seat in self.seats.values() if seat.acts_at is not None]
        if self._wait is not None and self._wait.until is not None:
            times.append(self._wait.until)
        return min(times) if times else None

    def _settle(self) -> None:
        """Look at what happened and decide who acts, until nothing more happens at this instant."""
        self.link.flush()
        busy = True
        while busy:
            busy = False
            for seat in self.seats.values():
                for event in seat.party.events():
                    busy = True
                    self._observe(seat, event)
            if self._replug:
                self._replug = False
                self._plug()
            for seat in self.seats.values():
                busy = self._decide(seat) or busy
            self.link.flush()
        wait = self._wait
        if wait is None:
            return
        if wait.kind == "end" and all(seat.party.ended for seat in self.seats.values()):
            self._finish(wait, self.party.ended)
        elif self.link.real and wait.until is not None and self.link.now >= wait.until:
            self._finish(wait)

    def _observe(self, seat: Seat, event: Any) -> None:
        wait = self._wait
        if isinstance(event, Connected):
            seat.forget()
        elif isinstance(event, Received):
            name = event.message.name
            seat.arrived[name] = event.message
            seat.unreceived.add(name)
            seat.latest, seat.turn_since, seat.acts_at = name, event.time, None
            if wait is not None and wait.role == seat.party.role and wait.kind == "receive" and wait.name == name:
                self._received(seat, wait)
        elif isinstance(event, Sent):
            name = event.message.name
            seat.sent[name] = event.message
            seat.unreceived.discard(name[:-3] + "Res")  # asked again: an answer of before is none to this
        elif isinstance(event, Ended):
            self._ended(seat, event)

    def _ended(self, seat: Seat, event: Ended) -> None:
        taken, seat.taken, seat.acts_at = seat.taken, None, None
        seat.unreceived.clear()
        wait = self._wait
        concerned = wait is not None and wait.role == seat.party.role
        goes_on = wait is not None and concerned and self._survives(wait)
        if seat.party is self.party:
            self._on_end(event, goes_on)
            if seat.used and (wait is None or not concerned or wait.kind == "time"):
                self._missed = (event, taken)
        if wait is None or not concerned or wait.kind in ("end", "time"):
            return
        if goes_on:
            wait.restarts += 1
            self._replug = "EVCC" in self.link.parties
        else:
            self._fail(wait, f"{wait} did not come: the session ended ({event.how}): {event.reason}")

    def _survives(self, wait: Wait) -> bool:
        """Whether a wait goes on into the next session: it is for a message that only a new session brings."""
        if wait.kind in ("end", "time") or not begins_session(wait.request):
            return False
        return "EVCC" not in self.link.parties or wait.restarts == 0

    def _decide(self, seat: Seat) -> bool:
        """Who acts for a party whose turn it is. True when something was done."""
        party = seat.party
        turn = party.turn
        wait = self._wait
        if turn is None:
            seat.acts_at = None
            return False
        if wait is not None and wait.role == party.role and wait.kind == "turn" and wait.name == turn:
            seat.taken, seat.used = turn, True
            self._finish(wait)
            return True
        if wait is None:
            return self._decide_alone(seat)
        if wait.kind == "time" and wait.role == party.role:
            return False
        if not self._flies(party.role):
            self._fail(wait, stands_still(seat, wait, turn))
            return True
        if wait.role == party.role and wait.kind in ("receive", "turn") and not self._may_come(seat, wait, turn):
            if self._may_choose(seat, wait):
                seat.taken, seat.used = turn, True
                self._finish(wait)
            else:
                self._fail(wait, f"{wait} cannot come any more: {why_not(seat, wait.request)}")
            return True
        return self._act(seat)

    def _decide_alone(self, seat: Seat) -> bool:
        """Nobody waits. A real peer is served all the same, after a while that leaves a script the time to act."""
        party = seat.party
        if not self.link.real or not self._flies(party.role) or (self._scripts and party.role == self.side):
            seat.acts_at = None
            return False
        if seat.acts_at is None:
            seat.acts_at = seat.turn_since + self._patience(party)
        if self.link.now < seat.acts_at:
            return False
        return self._act(seat)

    @staticmethod
    def _patience(party: SECC | EVCC) -> float:
        """How long a message waits for a script between two cells."""
        if isinstance(party, EVCC):
            deadline = party.next_deadline()
            return _PATIENCE if deadline is None else min(_PATIENCE, max(deadline - party.now, 0.0) / 2)
        times = message_times(party.schema or "sap", party.turn or "")
        if times is None:
            return 0.0
        # DIN SPEC 70121 gives the station no time of its own, but the vehicle one to wait.
        return (times.performance or times.timeout / 2) / 2

    def _act(self, seat: Seat) -> bool:
        """The autopilot's move; with what the script has set and not sent, if there is any."""
        party = seat.party
        turn = party.turn
        assert turn is not None
        name = turn[:-3] + "Res" if party.role == "SECC" else turn
        make = self._overrides(name)
        if make is None:
            seat.acts_at = None
            party.take_turn(self.link.now)
            return True
        due = party.turn_at or self.link.now
        if self.link.now < due:
            if seat.acts_at == due:
                return False
            seat.acts_at = due
            return True
        try:
            self.transmit(party.role, name, make)
        except Exception as error:
            if self._wait is None:
                self.journal.append(NoteEntry(self.link.now, f"what the script set for {name} was left out: {error}"))
                party.take_turn(self.link.now)
            else:
                wait, self._wait = self._wait, None
                self._resolve(wait, error=error)
        return True

    def _flies(self, role: str) -> bool:
        """Whether the autopilot may act for a party: always for the side that the script does not play."""
        return self.autopilot or role != self.side

    @staticmethod
    def _may_choose(seat: Seat, wait: Wait) -> bool:
        """Whether a vehicle may ask this here, though its autopilot asks something else: a ServiceDetailReq."""
        return wait.kind == "turn" and isinstance(seat.party, EVCC) and wait.request in seat.party.progress.allowed

    @staticmethod
    def _may_come(seat: Seat, wait: Wait, turn: str) -> bool:
        """Whether what is waited for may still come when this turn is done."""
        if begins_session(wait.request) and not begins_session(turn):
            return False
        return can_come(seat.party.progress, wait.request, [turn])

    # -- the vehicle, and the end -------------------------------------------------------------------------------------

    def _ensure_vehicle(self, wait: Wait) -> None:
        """Plug in what can be plugged in: by the first wait, and by one that begins when a session is over."""
        party = self.seats[wait.role].party
        over = party.ended is not None and party.connection is None
        if "EVCC" in self.link.parties and (not self.link.plugged or over):
            self._plug(fresh=party.ended is None or party.ended.how != "paused")

    def _plug(self, fresh: bool = True) -> None:
        """Plug the vehicle in; one that has paused (not ``fresh``) was never unplugged, and wakes up."""
        if self.link.plugged and fresh:
            self.link.unplug()
            self._settle()
        self._missed = None
        for seat in self.seats.values():
            seat.forget()
        self.link.plug(fresh)

    def plug(self, vehicle: EVCC | None = None) -> None:
        """Plug the vehicle in again, or another one in its place."""
        if vehicle is not None:
            if self.link.plugged:
                self.link.unplug()
                self._settle()
            self.link.exchange(vehicle)
            self.seats["EVCC"] = Seat(vehicle)
        self._plug()
        self.go()

    def unplug(self) -> None:
        """Pull the plug."""
        self.link.unplug()
        self.go()

    def act(self, role: str, call: Callable[[Any, float], Any]) -> Any:
        """Have something done with a party, and see what comes of it."""
        result = call(self.seats[role].party, self.link.now)
        self.go()
        return result

    def script(self, change: int) -> None:
        """A script begins (1) or ends (-1): between them, what arrives is held for it."""
        self._scripts += change
        self.go()

    async def shut(self) -> None:
        """End the wait, if there is one, and close the link."""
        self._shut = True
        if self._timer is not None:
            self._timer.cancel()
        wait, self._wait = self._wait, None
        if wait is not None:
            self._fail(wait, f"{wait} did not come: the session was closed")
        self.link.flush()
        await self.link.close()


def _nothing() -> None:
    """What has happened when only time has passed."""
