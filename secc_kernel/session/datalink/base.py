"""What both ends of the data link have in common: the three that it joins, the ends of sessions, time, the record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from secc_kernel.session.control_pilot import ControlPilot, PilotChange
from secc_kernel.session.evcc import EVCC
from secc_kernel.session.events import Ended, Event
from secc_kernel.session.journal import FindingEntry, Journal, NoteEntry, StateEntry, TimerEntry
from secc_kernel.session.secc import SECC
from secc_kernel.session.slac import Failed, Linked, Matched, Matcher, TogglePilot, Unlinked
from secc_kernel.session.slac.times import seconds
from secc_kernel.session.timers import Timers
from secc_kernel.wire.homeplug import Frame

__all__ = ["DataLink", "LinkDown", "LinkReady"]

_NOTIFICATION = "TP_link_ready_notification"
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
