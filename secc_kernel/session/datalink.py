"""The data link: from the plug to IPv6 and back (ISO 15118-3, clauses 7 to 9, annex A), both ends, without I/O.

A `DataLink` joins three things that know nothing of each other: the control pilot, the matching of the modems
(`slac.Matcher`), and the party above. The plug goes in, the control pilot goes to B, the station answers with 5 %, the
modems are matched, and when they have a link the party begins (D-LINK_READY). When the party's session has ended the
data link does what its end asks for: D-LINK_TERMINATE (the network is left, no oscillation), D-LINK_PAUSE (the network
stays, no oscillation, until somebody wakes up the other), or D-LINK_ERROR (the network is left, the control pilot goes
to E for T_step_EF, and everything begins anew).

A link (simulated, powerline) moves its frames and lets time pass, as it does for parties::

    link.open(now)         # the interface is there
    link.receive(frame, now)
    for frame in link.outgoing(): ...
    link.advance(now)      # at the latest at link.next_deadline()

Without a control pilot (a powerline interface with no board beside it) matching begins with what is heard on the line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from secc_kernel.session.control_pilot import DIGITAL, OFF, ControlPilot, PilotChange
from secc_kernel.session.evcc import EVCC
from secc_kernel.session.events import Ended, Event
from secc_kernel.session.journal import FindingEntry, Journal, NoteEntry, StateEntry, TimerEntry
from secc_kernel.session.secc import SECC
from secc_kernel.session.signalling import ENERGY, RETAIN
from secc_kernel.session.slac import EVMatcher, EVSEMatcher, Failed, Linked, Matched, Matcher, TogglePilot, Unlinked
from secc_kernel.session.slac.times import C_CONN_MAX_MATCH, seconds
from secc_kernel.session.timers import LIMITS, Timers
from secc_kernel.wire.homeplug import Frame

__all__ = ["DataLink", "LinkDown", "LinkReady", "StationDataLink", "VehicleDataLink"]

_NOTIFICATION = "TP_link_ready_notification"
_STEP = "T_step_EF"
_STEP_X1 = "T_step_X1"
_MAX_COMM = "T_conn_max_comm"
_TOGGLE = "TP_EV_vald_toggle"
_TOGGLE_STATE = "T_vald_state_duration"
_CONCERNED: dict[type[Event], tuple[str, ...]] = {
    Failed: ("plugged", "matching", "joining"),
    Unlinked: ("matching", "joining"),
}
"""In which states the end of matching is a failure: the end of a session leaves the network as well."""


@dataclass(frozen=True, slots=True)
class LinkReady(Event):
    """D-LINK_READY: IPv6 may begin; the party has been started."""


@dataclass(frozen=True, slots=True)
class LinkDown(Event):
    """There is no data link any more, or there will be none; a party's connection went with it."""

    reason: str


class DataLink(ABC):
    """One end of the data link (sans-IO).

    Parameters
    ----------
    matcher : Matcher
        This end's matching; its journal is the data link's.
    party : SECC or EVCC
        Who talks when the link stands.
    pilot : ControlPilot, optional
        The control pilot; None where none is attached.

    Attributes
    ----------
    state : str
        ``unplugged``, ``plugged``, ``matching``, ``joining``, ``ready`` or ``error``.
    paused : bool
        Whether the session has paused: the modems keep their network, and one end wakes up the other.
    failures : int
        How often matching has failed since the plug went in; after C_conn_max_match it is left.
    attenuation : float or None
        How well the modems that were matched last hear each other, dB.
    """

    role: ClassVar[str]

    def __init__(self, matcher: Matcher, party: SECC | EVCC, pilot: ControlPilot | None = None) -> None:
        self.matcher = matcher
        self.party = party
        self.pilot = pilot
        self.now = 0.0
        self.state = "unplugged"
        self.paused = False
        self.failures = 0
        self.attenuation: float | None = None
        self.timers = Timers(self._record_timer)
        self._events: list[Event] = []
        self._unsubscribe: Callable[[], None] = lambda: None
        if pilot is not None:
            self._unsubscribe = pilot.subscribe(self._pilot_changed)
        self.attach(party)

    @property
    def journal(self) -> Journal:
        """The record of everything that happens."""
        return self.matcher.journal

    @property
    def text(self) -> str:
        """Where it stands, for people: ``ready, network 80:26:c9:35:69:54:0c, 5.0 dB``."""
        parts = [self.state]
        if self.state in ("joining", "ready"):
            parts.append(f"network {self.matcher.nid.hex(':')}")
            if self.attenuation is not None:
                parts.append(f"{self.attenuation:.1f} dB")
        return ", ".join(parts)

    # -- what the link calls ------------------------------------------------------------------------------------------

    def attach(self, party: SECC | EVCC) -> None:
        """Have another party talk on this data link."""
        self.party.on_end = lambda ended: None
        self.party = party
        party.pilot = self.pilot
        party.on_end = self._party_ended

    def open(self, now: float) -> None:
        """The interface is there (again): make the modem ready, before anything is plugged in."""
        self._pass_time(now, including=False)
        if self.state == "error" and self.pilot is None:
            self._enter("unplugged")
        if self.pilot is None:
            self._note("no control pilot is attached: matching begins with what is heard on the line")
        self._make_ready()
        self._look()

    def receive(self, frame: Frame, now: float) -> None:
        """Take a management message from the line, or from this end's modem."""
        self._pass_time(now, including=False)
        self.matcher.receive(frame, now)
        self._look()

    def next_deadline(self) -> float | None:
        """When `advance` has to be called next, if nothing arrives before."""
        own, matching = self.timers.next_deadline(), self.matcher.next_deadline()
        if own is None or matching is None:
            return matching if own is None else own
        return min(own, matching)

    def advance(self, now: float) -> None:
        """Let time pass."""
        self._pass_time(now, including=True)

    def outgoing(self) -> list[Frame]:
        """The management messages to send, in order; drained by the call."""
        return self.matcher.outgoing()

    def events(self) -> list[Event]:
        """What happened since the last call, in order; drained by the call."""
        events, self._events = self._events, []
        return events

    @abstractmethod
    def plug(self, now: float) -> None:
        """The plug goes in. The station hears of it from the control pilot; without one it need not be told."""

    @abstractmethod
    def unplug(self, now: float) -> None:
        """The plug is pulled. The station hears of it from the control pilot; without one it has to be told."""

    @abstractmethod
    def wake(self, now: float) -> None:
        """Go on after a pause: wake up the other end."""

    def linked(self, now: float) -> None:
        """The modems have a link, as is known otherwise than by asking the modem: something came over it."""
        self._pass_time(now, including=False)
        self.matcher.link(True, self.now)
        self._look()

    def lost(self, reason: str, now: float) -> None:
        """The interface has gone down, or the modem has started anew: whatever was agreed on is void."""
        self._pass_time(now, including=False)
        self._find("datalink.lost", "error", f"the data link is lost: {reason}; it comes back with the next plug-in")
        self.timers.stop_all(self.now)
        self._enter("error")
        self.matcher.give_up(reason)
        self.party.link_lost(self.now, reason)
        self._down(reason)
        self._look()

    def close(self) -> None:
        """Have no more to do with the control pilot and the party: others take this one's place."""
        self._unsubscribe()
        self.party.on_end = lambda ended: None

    # -- for the two ends ---------------------------------------------------------------------------------------------

    @abstractmethod
    def _make_ready(self) -> None:
        """Give the modem what it needs before matching."""

    @abstractmethod
    def _pilot_changed(self, change: PilotChange) -> None:
        """Something on the control pilot has changed."""

    @abstractmethod
    def _failed(self, reason: str) -> None:
        """Matching, or the link that it has made, has failed."""

    @abstractmethod
    def _expired(self, timer: str) -> None:
        """One of this end's own timers has run out."""

    @abstractmethod
    def _terminated(self) -> None:
        """D-LINK_TERMINATE, or (`paused`) D-LINK_PAUSE: the session has ended in order."""

    @abstractmethod
    def _error(self, reason: str) -> None:
        """D-LINK_ERROR: the session was aborted."""

    def _toggle(self, event: TogglePilot) -> None:  # noqa: B027  (the station has nothing to toggle)
        """The EV is to toggle the control pilot."""

    def _look(self) -> None:
        """See what has become of matching."""
        for event in self.matcher.events():
            self._events.append(event)
            if isinstance(event, Matched):
                self.attenuation = event.attenuation
                self._matched()
            elif isinstance(event, Linked):
                self.timers.start(_NOTIFICATION, seconds(_NOTIFICATION), self.now)
            elif isinstance(event, TogglePilot):
                self._toggle(event)
            elif isinstance(event, Failed | Unlinked) and self.state in _CONCERNED[type(event)]:
                self._failed(event.reason)

    def _matched(self) -> None:
        """The two ends have found each other."""
        self._enter("joining")

    def _ready(self) -> None:
        """D-LINK_READY."""
        self.failures = 0
        self.paused = False
        self._enter("ready")
        self._events.append(LinkReady(self.now))
        self.party.start(self.now)

    def _party_ended(self, ended: Ended) -> None:
        self.now = max(self.now, ended.time)
        if self.state != "ready":
            return
        if self._rematching:
            self._enter("matching")
            self._down(ended.reason)
        elif ended.how == "aborted":
            self._error(ended.reason)
        else:
            self.paused = ended.how == "paused"
            name = "D-LINK_PAUSE: the network is kept" if self.paused else "D-LINK_TERMINATE: the network is left"
            self._note(f"{self.role}: {name}")
            self._enter("plugged")
            self._terminated()
            self._down(ended.reason)
        self._look()

    @property
    def _rematching(self) -> bool:
        """Whether the other end has gone back to matching, while the last session was not known to have ended."""
        return False

    def _down(self, reason: str) -> None:
        self._events.append(LinkDown(self.now, reason))

    # -- time, and the record -----------------------------------------------------------------------------------------

    def _pass_time(self, now: float, *, including: bool) -> None:
        while True:
            deadline = self.next_deadline()
            if deadline is None or deadline > now or (deadline == now and not including):
                break
            self.now = max(self.now, deadline)
            if deadline == self.matcher.next_deadline():
                self.matcher.advance(deadline)
            else:
                found = self.timers.expire(deadline)
                assert found is not None
                if found[0] == _NOTIFICATION:
                    self._ready()
                else:
                    self._expired(found[0])
            self._look()
        self.now = max(self.now, now)

    def _start(self, timer: str) -> None:
        self.timers.start(timer, seconds(timer), self.now)

    def _enter(self, state: str) -> None:
        if state != self.state:
            self.journal.append(StateEntry(self.now, f"{self.role} data link", self.state, state))
            self.state = state

    def _note(self, text: str) -> None:
        self.journal.append(NoteEntry(self.now, text))

    def _find(self, rule: str, severity: str, text: str) -> None:
        self.journal.append(FindingEntry(self.now, rule, severity, text))

    def _record_timer(self, time: float, name: str, what: str, limit: float) -> None:
        self.journal.append(TimerEntry(time, name, what, limit))


class StationDataLink(DataLink):
    """The station's end: keeps the network's key fresh and its own, and drives the control pilot's oscillator.

    Parameters
    ----------
    matcher : EVSEMatcher
    party : SECC
    pilot : ControlPilot, optional
        As for `DataLink`.
    """

    role = "SECC"
    matcher: EVSEMatcher
    party: SECC

    def __init__(self, matcher: EVSEMatcher, party: SECC, pilot: ControlPilot | None = None) -> None:
        super().__init__(matcher, party, pilot)
        self._vehicle = "A" if pilot is None else pilot.vehicle

    def plug(self, now: float) -> None:
        """A vehicle is there: as soon as the modem is ready, ask it to talk."""
        self._pass_time(now, including=False)
        if self.state in ("unplugged", "error"):
            self.failures = 0
            self.party.plugged_in(self.now)
            self._begin()

    def unplug(self, now: float) -> None:
        """The vehicle has gone: its session ends, and whoever has the network's key is left outside."""
        self._pass_time(now, including=False)
        if self.state == "unplugged":
            return
        self.timers.stop_all(self.now)
        self.paused = False
        self._enter("unplugged")
        if self.pilot is not None:
            self.pilot.set_duty(OFF, self.now)
        self.party.unplugged(self.now)
        if self.matcher.state != "idle":
            self.matcher.leave("the vehicle was unplugged", self.now)
        self._down("the vehicle was unplugged")
        self._look()

    def wake(self, now: float) -> None:
        """Ask the vehicle to talk again, by 5 % on the control pilot."""
        self._pass_time(now, including=False)
        if self.state == "plugged":
            self._invite()

    def _make_ready(self) -> None:
        self.matcher.start(self.now)

    def _begin(self) -> None:
        """Somebody is plugged in."""
        self._enter("plugged")
        self._start(_MAX_COMM)
        if self.matcher.keyed:
            self._invite()
        elif self.matcher.state == "failed":
            self.matcher.start(self.now)

    @property
    def _rematching(self) -> bool:
        return self.matcher.rematching

    def _matched(self) -> None:
        if self.state == "ready":
            reason = "the vehicle has been matched anew"
            self._enter("joining")
            if self.party.connection is not None:
                self.party.disconnected(self.now, reason)
            self._down(reason)
        self.party.plugged_in(self.now)  # how the last session has ended, perhaps without unplugging, counts no more
        super()._matched()

    def _look(self) -> None:
        super()._look()
        if self.state == "plugged" and self.matcher.keyed and self.timers.running(_MAX_COMM):
            self._invite()
        elif self.matcher.state == "matching" and self.state == ("unplugged" if self.pilot is None else "plugged"):
            # The vehicle has begun by itself: there is no control pilot, or it still says 5 % after a session.
            self.timers.stop(RETAIN, self.now)
            self._enter("matching")

    def _invite(self) -> None:
        """Ask the vehicle to talk; after a pause the modems may still have their network."""
        self.timers.stop_all(self.now)
        self._enter("joining" if self.paused else "matching")
        if self.paused:
            self.party.plugged_in(self.now)
            self.matcher.resume(self.now)
        else:
            self.matcher.invite(self.now)
        if self.pilot is not None:
            self.pilot.set_duty(DIGITAL, self.now)

    def _pilot_changed(self, change: PilotChange) -> None:
        self._pass_time(change.time, including=False)
        self.party.watch.changed(change)
        # In state E or F nobody sees what the vehicle does; it is noticed when that ends.
        before = self._vehicle
        if change.state not in ("E", "F"):
            self._vehicle = change.state
        if before == "A" != self._vehicle:
            self.matcher.control_pilot(change.state, self.now)
            self.plug(self.now)
        elif before != "A" == self._vehicle:
            self.unplug(self.now)
            self.matcher.control_pilot("A", self.now)
        else:
            self.matcher.control_pilot(change.state, self.now)
            woken = (
                change.before in ENERGY and change.state == "B" and self.pilot is not None and not self.pilot.digital
            )
            if woken and self.state == "plugged" and not self.timers.running(_MAX_COMM):
                self._note("the vehicle wakes the station up: it has toggled the control pilot (B-C-B)")
                self._invite()
        self._look()

    def _failed(self, reason: str) -> None:
        if self.paused:
            self.paused = False
            self._note("the modems have lost their network meanwhile: they are matched anew")
            self.matcher.leave(reason, self.now)
            self._enter("plugged")
            self._start(_MAX_COMM)
        elif self.state == "plugged":
            self.matcher.start(self.now)  # no key yet: T_conn_max_comm says how long that is tried
        else:
            self.failures += 1
            self._step(reason)

    def _error(self, reason: str) -> None:
        self._note(f"{self.role}: D-LINK_ERROR: the network is left, and everything begins anew")
        self._leave(reason)
        if self.pilot is not None:
            self._start(_STEP_X1)
            self.pilot.set_duty(OFF, self.now)

    def _step(self, reason: str) -> None:
        """Leave the network, and tell the vehicle by state E that everything begins anew."""
        self._leave(reason)
        if self.pilot is not None:
            self._start(_STEP)
            self.pilot.set_error("E", self.now)

    def _leave(self, reason: str) -> None:
        self.timers.stop_all(self.now)
        self._enter("unplugged" if self.pilot is None else "error")
        self._down(reason)
        self.matcher.leave(reason, self.now)

    def _terminated(self) -> None:
        retain = LIMITS.get(self.party.schema or "", {}).get(RETAIN)
        if not self.paused:
            self.matcher.leave("the session is over", self.now)
        if retain is not None:
            self.timers.start(RETAIN, retain.seconds, self.now, self.party.answered_at)
        elif self.pilot is not None:
            self.pilot.set_duty(OFF, self.now)
        if self.pilot is None and not self.paused:
            self._enter("unplugged")

    def _expired(self, timer: str) -> None:
        if timer == RETAIN and self.pilot is not None:
            self.pilot.set_duty(OFF, self.now)
        elif timer == _MAX_COMM:
            text = (
                f"the station cannot be matched within {_MAX_COMM} ({seconds(_MAX_COMM):g} s): its modem is not ready"
            )
            self._find("datalink.not-ready", "error", text)
            self.failures += 1
            self._step(text)
        elif timer == _STEP_X1 and self.pilot is not None:
            self._start(_STEP)
            self.pilot.set_error("E", self.now)
        elif timer == _STEP and self.pilot is not None:
            self.pilot.set_duty(OFF, self.now)
            if self.failures < C_CONN_MAX_MATCH:
                self._begin()
            else:
                text = (
                    f"matching has failed {self.failures} times (C_conn_max_match): it is left until the next plug-in"
                )
                self._find("datalink.failed", "error", text)
                self.party.link_lost(self.now, text)


class VehicleDataLink(DataLink):
    """The vehicle's end: finds the station at the other end of the cable.

    Parameters
    ----------
    matcher : EVMatcher
    party : EVCC
    pilot : ControlPilot, optional
        As for `DataLink`.
    """

    role = "EVCC"
    matcher: EVMatcher
    party: EVCC

    def __init__(self, matcher: EVMatcher, party: EVCC, pilot: ControlPilot | None = None) -> None:
        super().__init__(matcher, party, pilot)
        self._toggles: list[str] = []

    def plug(self, now: float) -> None:
        """Put the plug in: state B, and when the station asks for it, matching."""
        self._pass_time(now, including=False)
        if self.state not in ("unplugged", "error"):
            return
        self.failures = 0
        self._enter("plugged")
        self.party.plugged_in(self.now)
        if self.pilot is None:
            self._match()
        else:
            self.pilot.set_vehicle("B", self.now)
            self._perhaps_match()

    def unplug(self, now: float) -> None:
        """Pull the plug."""
        self._pass_time(now, including=False)
        known = self.state in ("joining", "ready") or self.paused
        self.timers.stop_all(self.now)
        self.paused = False
        self._toggles.clear()
        self._enter("unplugged")
        self.party.unplug(self.now)
        if known:
            self.matcher.leave("unplugged", self.now)
        elif self.matcher.state != "idle":
            self.matcher.give_up("unplugged")
        if self.pilot is not None:
            self.pilot.set_vehicle("A", self.now)
        self._look()

    def wake(self, now: float) -> None:
        """Wake the station up by toggling the control pilot (B-C-B), or, without one, see whether the link stands."""
        self._pass_time(now, including=False)
        if self.state != "plugged" or self._toggles:
            return
        self.party.plugged_in(self.now)
        if self.pilot is None or self.pilot.digital:
            self._match()
        else:
            self._toggles = ["C", "B"]
            self._next_toggle()

    def _make_ready(self) -> None:
        """The key is the station's."""

    def _perhaps_match(self) -> None:
        if self.pilot is not None and self.pilot.digital and self.state == "plugged" and not self._toggles:
            self._match()

    def _match(self) -> None:
        if self.paused:
            self._enter("joining")
            self.party.plugged_in(self.now)
            self.matcher.resume(self.now)
        else:
            self._enter("matching")
            self.matcher.start(self.now)
        self._look()

    def _pilot_changed(self, change: PilotChange) -> None:
        self._pass_time(change.time, including=False)
        if change.state in ("E", "F"):
            self._told_to_begin_anew()
        elif self.state == "error" and change.before in ("E", "F") and 0 < self.failures < C_CONN_MAX_MATCH:
            self._enter("plugged")
        self._perhaps_match()

    def _told_to_begin_anew(self) -> None:
        """The station signals E or F: leave its network ([V2G3-M09-19])."""
        if self.state in ("unplugged", "error"):
            return
        state = self.state
        self.timers.stop_all(self.now)
        self.paused = False
        self.failures += 1
        self._enter("error")
        self.matcher.leave("the station signals state E or F", self.now)
        if state == "ready":
            self.party.link_lost(self.now, "the station signals state E or F on the control pilot")
            self.failures = 0
        self._give_up_perhaps("the station signals state E or F on the control pilot")

    def _failed(self, reason: str) -> None:
        if self.paused:
            self.paused = False
            self._note("the modems have lost their network meanwhile: they are matched anew")
            self._enter("plugged")
            self.wake(self.now)
            return
        self.failures = C_CONN_MAX_MATCH if self.pilot is None else self.failures + 1
        joining = self.state == "joining"
        self._enter("error")
        if joining:
            self.matcher.leave(reason, self.now)
        else:
            self.matcher.give_up(reason)
        self._give_up_perhaps(reason)

    def _give_up_perhaps(self, reason: str) -> None:
        """After the last attempt it is left; before that the vehicle waits for the station to begin anew."""
        if self.failures >= C_CONN_MAX_MATCH:
            self.party.link_lost(self.now, reason)
            self._down(reason)

    def _terminated(self) -> None:
        if not self.paused:
            self.matcher.leave("the session is over", self.now)
        self._rest()

    def _error(self, reason: str) -> None:
        """The vehicle waits for its driver: it does not begin anew by itself."""
        self._enter("error")
        self.failures = C_CONN_MAX_MATCH
        self._down(reason)
        self.matcher.leave(reason, self.now)
        self._rest()

    def _rest(self) -> None:
        if self.pilot is not None and self.pilot.vehicle in ENERGY:
            self.pilot.set_vehicle("B", self.now)

    # -- toggling the control pilot -----------------------------------------------------------------------------------

    def _toggle(self, event: TogglePilot) -> None:
        if self.pilot is None:
            return
        self._toggles = ["C", "B"] * event.count
        self.timers.start(_TOGGLE, event.within, self.now)
        self._next_toggle()

    def _next_toggle(self) -> None:
        if not self._toggles or self.pilot is None:
            return
        self.pilot.set_vehicle(self._toggles.pop(0), self.now)
        if self._toggles:
            self._start(_TOGGLE_STATE)
        self._perhaps_match()

    def _expired(self, timer: str) -> None:
        if timer == _TOGGLE_STATE:
            self._next_toggle()
