"""Who acts: the script or the autopilot.

A `Pilot` sits between a link and a script. It sees everything that happens to the parties on the link and decides,
whenever it is a party's turn, whether the autopilot acts, the message is held for the script, or a wait has come to its
end (or never will). It runs in the link's thread; `LiveSession` is its front.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ..codec import Message
from ..session.evcc import EVCC
from ..session.events import Connected, Ended, Received, Sent
from ..session.journal import FindingEntry, Journal, NoteEntry, StateEntry
from ..session.secc import SECC
from .base import CLOSED, Link, Maker, Seat, SessionEndedError, SessionError, Wait
from .breakpoints import Breakpoints
from .lapse import Lapse
from .lower import Level, Lower
from .pace import Pace
from .plugging import Plugging
from .reach import can_come, crosses, is_due, may_choose, may_come, may_renegotiate, survives
from .reasons import how_it_ended, how_to_go_on, last_messages, stands_still, why_not
from .stops import Stops

__all__ = ["Pilot"]


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
    overrides, on_end, on_changed, breakpoints
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
        on_changed: Callable[[str], object],
        breakpoints: Breakpoints,
    ) -> None:
        self.link = link
        self.side = side
        self.autopilot = autopilot
        self.seats = {role: Seat(party) for role, party in link.parties.items()}
        self._loop = loop
        self.overrides = overrides
        self._on_end = on_end
        self.changed = on_changed
        self.wait: Wait | None = None
        self.lapse: Lapse | None = None
        self._shut = False
        self.scripts = 0
        self.plugging = Plugging(self)
        self._pace = Pace(self, loop)
        self.stops = Stops(self, breakpoints)
        self.lower = Lower(self)

    @property
    def party(self) -> SECC | EVCC:
        """The party that the script plays."""
        return self.seats[self.side].party

    @property
    def journal(self) -> Journal:
        """The record of everything that happens on the link."""
        return self.party.journal

    # -- how the thread comes in --------------------------------------------------------------------------------------

    def enter(self, wait: Wait, begin: Callable[[Wait], None]) -> None:
        """Begin a wait; whatever goes wrong ends it."""
        if self._shut:
            wait.resolve(error=SessionError(CLOSED))
            return
        try:
            begin(wait)
        except Exception as error:
            wait.resolve(error=error)
            self._broken(error)

    def post(self, call: Callable[[], object]) -> None:
        """Have something done soon, from any thread; nothing is done any more when the link's thread has ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.happened, call)

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
        wait, self.wait = self.wait, None
        if wait is not None:
            wait.resolve(error=error)

    # -- waits --------------------------------------------------------------------------------------------------------

    def begin(self, wait: Wait) -> None:
        """Begin a wait, or end it at once where it has nothing to wait for."""
        if self.wait is not None and not self.wait.future.done():
            self.fail(wait, f"the session already waits for {self.wait}: one wait at a time")
            return
        self.stops.leave()
        self.settle()
        seat = self.seats[wait.role]
        if self.lapse is not None and self.lapse.refuses(wait):
            self.fail(wait, self.lapse.tell(wait, self.link.now), ended=True)
            return
        ended = seat.party.ended if seat.party.connection is not None else self.plugging.how_it_ended()
        if wait.kind == "end" and ended is not None:
            if self.lapse is not None:
                self.lapse.told = True
            self.finish(wait, self.plugging.ending(ended))
            return
        if wait.kind != "time":
            self.lapse = None
        if self.lower.begin(wait):
            return
        if wait.kind == "receive" and wait.name in seat.unreceived and is_due(seat, wait):
            self._received(seat, wait)
            return
        self._take_up(wait)
        if wait.kind in ("time", "run"):
            wait.until = self.link.now + wait.seconds
        if wait.kind != "time":
            self.plugging.ensure(wait)
        self.go()

    def _take_up(self, wait: Wait) -> None:
        self.wait = wait
        wait.future.add_done_callback(self._cancelled)

    def begin_send(self, wait: Wait) -> None:
        """Send now if it is the message's turn, or the turn is the script's; wait for its turn where it still comes.

        What a script has received is the script's to answer: what it sends then goes out, in order or not, and the
        autopilot does not put it right.
        """
        self.stops.leave()
        self.settle()
        if self.lapse is not None and self.lapse.refuses(wait):
            self.begin(wait)
            return
        if self.lower.begin_send(wait):
            return
        seat = self.seats[wait.role]
        party, owed, target = seat.party, seat.owed(), wait.request
        if party.connection is None:
            self.begin(wait)
        elif owed == target or seat.holds or not self.flies(wait.role) or crosses(self.seats, wait):
            self.begin_now(wait)
        elif can_come(party.progress, target, None if owed is None else [owed], self._may_renegotiate()):
            self.begin(wait)
        elif owed is not None and may_choose(seat, wait):
            self.begin_now(wait)
        elif party.progress.over:
            self.begin(wait)
        else:
            self.fail(wait, f"{wait.sends} cannot be sent: {why_not(seat, target)}")

    def begin_now(self, wait: Wait) -> None:
        """Send what a script sends at once."""
        self._take_up(wait)
        self.finish(wait)
        self.go()

    def _complete_send(self, wait: Wait) -> None:
        assert wait.make is not None
        self.seats[wait.role].used = True
        try:
            message = self.transmit(wait.role, wait.sends, wait.make)
        except Exception as error:
            wait.resolve(error=error)
        else:
            wait.resolve(message)

    def transmit(self, role: str, name: str, make: Maker) -> Message:
        """Make a message over the autopilot's and send it."""
        if self.lower.level(role, name) is not None:
            return self.lower.transmit(role, name, make)
        seat = self.seats[role]
        party = seat.party
        party.hold()
        composed = make(party.schema, seat.draft(name, self.link.now), self.flies(role))
        party.send(composed.message, self.link.now, composed.intended, composed.auto)
        seat.taken = seat.acts_at = None
        self.settle()
        return composed.message

    def finish(self, wait: Wait, result: Any = None) -> None:
        """The wait has come to what it was for."""
        if wait.sends:
            if self.stops.meet(self._where(wait.role, wait.sends), wait.sends, "send", wait.make):
                self.stops.afterwards(lambda: self.finish(wait))
                return
            self.forget(wait)
            self._complete_send(wait)
        elif self.stops.holds(wait):
            self.stops.afterwards(lambda: self.finish(wait, result))
        else:
            self.forget(wait)
            wait.resolve(result)

    def _where(self, role: str, name: str) -> Seat | Level:
        return self.lower.level(role, name) or self.seats[role]

    def arrived(self, role: str, name: str) -> Message | None:
        """The last message of that name that arrived in this session."""
        return self._where(role, name).arrived.get(name)

    def sent(self, role: str, name: str) -> Message | None:
        """The last message of that name that was sent in this session."""
        return self._where(role, name).sent.get(name)

    def _received(self, seat: Seat, wait: Wait) -> None:
        seat.unreceived.discard(wait.name)
        if seat.is_latest(wait.name):
            seat.taken = seat.owed()
        seat.used = True
        self.finish(wait, seat.arrived[wait.name])

    def fail(self, wait: Wait, reason: str, ended: bool = False) -> None:
        """The wait cannot come to what it was for; because the session has ``ended``, perhaps."""
        text = reason + last_messages(self.journal)
        error = SessionEndedError(text, how_to_go_on(self.link.real, self.side)) if ended else SessionError(text)
        if self.stops.holds(wait):
            self.stops.afterwards(lambda: self._give_up(wait, error))
        else:
            self._give_up(wait, error)

    def _give_up(self, wait: Wait, error: Exception) -> None:
        self.forget(wait)
        wait.resolve(error=error)

    def forget(self, wait: Wait) -> None:
        """Nobody waits for this any more."""
        if self.wait is wait:
            self.wait = None

    def _cancelled(self, future: Future[Any]) -> None:
        if future.cancelled():
            self.post(lambda: self._forget_wait(future))

    def _forget_wait(self, future: Future[Any]) -> None:
        if self.wait is not None and self.wait.future is future:
            if self.stops.holds(self.wait):
                self.stops.drop()
            self.wait = None

    # -- what happens, in the link's thread ---------------------------------------------------------------------------

    def go(self) -> None:
        """Let everything happen that can happen now, and arrange for what comes later."""
        self.settle()
        self._pace.go()

    def settle(self) -> None:
        """Look at what happened and decide who acts, until nothing more happens at this instant."""
        self.link.flush()
        busy = True
        while busy:
            busy = False
            for seat in self.seats.values():
                for event in seat.party.events():
                    busy = True
                    self._observe(seat, event)
            busy = self.lower.look() or busy
            self.plugging.perhaps_again()
            busy = self.lower.decide() or busy
            for seat in self.seats.values():
                busy = self._decide(seat) or busy
            self.link.flush()
        wait = self.wait
        if wait is None:
            return
        if wait.kind == "end" and all(seat.party.ended for seat in self.seats.values()):
            self.finish(wait, self.plugging.ending(self.party.ended))
        elif self.link.real and wait.until is not None and self.link.now >= wait.until:
            self.finish(wait)

    def _observe(self, seat: Seat, event: Any) -> None:
        wait = self.wait
        if isinstance(event, Connected):
            seat.forget()
        elif isinstance(event, Received):
            self._arrived(seat, event, wait)
        elif isinstance(event, Sent):
            name = event.message.name
            seat.sent[name] = event.message
            seat.taken = None
            seat.unreceived.discard(name[:-3] + "Res")  # asked again: an answer of before is none to this
            self._counted(seat, event.message)
        elif isinstance(event, Ended):
            self._ended(seat, event)

    def _arrived(self, seat: Seat, event: Received, wait: Wait | None) -> None:
        name = event.message.name
        seat.arrived[name] = event.message
        seat.unreceived.add(name)
        seat.latest, seat.turn_since, seat.acts_at = name, event.time, None
        self.stops.meet(seat, name, "receive")
        if wait is not None and wait.role == seat.party.role and wait.kind == "receive" and wait.name == name:
            if self.stops.holds(wait):
                self.stops.afterwards(lambda: self._received(seat, wait))
            else:
                self._received(seat, wait)
        self._counted(seat, event.message)

    def _counted(self, seat: Seat, message: Message) -> None:
        """A message of this party's conversation went over the wire."""
        wait = self.wait
        if wait is not None and wait.kind == "message" and wait.role == seat.party.role:
            seat.taken = seat.owed()
            self.finish(wait, message)

    def _ended(self, seat: Seat, event: Ended) -> None:
        taken, since = seat.taken, seat.turn_since
        seat.taken = seat.acts_at = None
        seat.unreceived.clear()
        held = self.lower.held(seat.party.role)
        if taken is None and held is not None:
            taken, since = held.message.name, held.since
        self.lower.ended(seat.party.role)
        wait = self.wait
        concerned = wait is not None and wait.role == seat.party.role
        simulated = "EVCC" in self.link.parties
        goes_on = wait is not None and concerned and (self.plugging.pulls or survives(wait, seat, simulated))
        if seat.party is self.party:
            self._on_end(event, goes_on)
            untold = wait is None or not concerned or wait.kind == "time"
            if not goes_on and (seat.used if untold else event.how == "aborted"):
                self.lapse = Lapse(event, taken, since, told=not untold)
        elif seat.party.role == "EVCC" and (wait is None or wait.kind == "time"):
            self.plugging.gone(event)
        if wait is None or not concerned or wait.kind in ("end", "time"):
            return
        if wait.kind in ("run", "message"):
            self.finish(wait, self.plugging.ending(event))
            return
        if goes_on:
            wait.restarts += 1
            self.plugging.again = simulated and not self.plugging.pulls
        else:
            self.fail(wait, f"{wait} did not come: {how_it_ended(event)}", ended=True)

    def _decide(self, seat: Seat) -> bool:
        """Who acts for a party whose turn it is. True when something was done."""
        party = seat.party
        turn = party.turn
        wait = self.wait
        if turn is None:
            seat.acts_at = None
            return False
        if self.stops.held:
            return self._decide_alone(seat, scripts=0)
        if wait is not None and wait.role == party.role and wait.kind == "turn" and wait.name == turn:
            return self._take(seat, wait)
        if wait is None:
            return self._decide_alone(seat, self.scripts)
        if wait.kind == "time" and wait.role == party.role:
            return False
        if self.lower.of_modem(wait) and seat.holds:
            return False  # it only asks its modem something
        if not self.flies(party.role):
            self.fail(wait, stands_still(seat, wait, turn))
            return True
        if (
            wait.role == party.role
            and wait.kind in ("receive", "turn")
            and not self.lower.of_modem(wait)
            and not may_come(seat, wait, turn, self._may_renegotiate)
        ):
            if may_choose(seat, wait):
                return self._take(seat, wait)
            self.fail(wait, f"{wait} cannot come any more: {why_not(seat, wait.request)}")
            return True
        return self._act(seat)

    def _may_renegotiate(self) -> bool:
        return may_renegotiate(self.seats, self.overrides)

    def _take(self, seat: Seat, wait: Wait) -> bool:
        """The turn is the script's. True: something was done."""
        seat.taken, seat.used = seat.party.turn, True
        self.finish(wait)
        return True

    def _decide_alone(self, seat: Seat, scripts: int) -> bool:
        """Nobody waits. A real peer is served all the same, after a while that leaves a script the time to act."""
        party = seat.party
        if not self.link.real or not self.flies(party.role) or (scripts and party.role == self.side):
            seat.acts_at = None
            return False
        if seat.acts_at is None:
            seat.acts_at = seat.turn_since + seat.patience()
        if self.link.now < seat.acts_at:
            return False
        return self._act(seat)

    def _act(self, seat: Seat) -> bool:
        """The autopilot's move; with what the script has set and not sent, if there is any."""
        party = seat.party
        turn = party.turn
        assert turn is not None
        name = turn[:-3] + "Res" if party.role == "SECC" else turn
        make = self.overrides(name)
        if make is None and not self.stops.watches(name):
            seat.acts_at = None
            party.take_turn(self.link.now)
            return True
        due = party.turn_at or self.link.now
        if self.link.now < due:
            if seat.acts_at == due:
                return False
            seat.acts_at = due
            return True
        if self.stops.meet(seat, name, "send"):
            return False
        if make is None:
            party.take_turn(self.link.now)
            return True
        try:
            self.transmit(party.role, name, make)
            self.changed(name)
        except Exception as error:
            if self.wait is None:
                self.journal.append(NoteEntry(self.link.now, f"what the script set for {name} was left out: {error}"))
                party.take_turn(self.link.now)
            else:
                wait, self.wait = self.wait, None
                wait.resolve(error=error)
        return True

    def flies(self, role: str) -> bool:
        """Whether the autopilot may act for a party: always for the side that the script does not play."""
        return self.autopilot or role != self.side

    # -- the vehicle, and the end -------------------------------------------------------------------------------------

    def plug(self, vehicle: EVCC | None = None) -> None:
        """Plug the vehicle in again, or another one in its place."""
        if vehicle is not None:
            self.plugging.exchange(vehicle)
        self.plugging.plug()
        self.go()

    def preview(self, role: str, name: str) -> Message | None:
        """As `LiveSession.preview`."""
        return self.stops.preview(role, name)

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
        self.scripts += change
        self.go()

    def end(self) -> None:
        """End the wait, if there is one; none begins any more."""
        self._shut = True
        self.stops.drop()
        self.stops.leave()
        self._pace.stop()
        wait, self.wait = self.wait, None
        if wait is not None:
            self.fail(wait, f"{wait} did not come: the session was closed")

    async def shut(self) -> None:
        """End the wait, and close the link."""
        self.end()
        self.link.flush()
        self.journal.append(StateEntry(self.link.now, "session", self.party.state, "closed"))
        await self.link.close()
