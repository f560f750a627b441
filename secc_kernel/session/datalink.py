"""The data link: from the plug to IPv6 and back (ISO 15118-3, clauses 7 to 9, annex A), both ends, without I/O.

A `DataLink` joins three things that know nothing of each other: the control pilot, the matching of the modems
(`slac.Matcher`), and the party above. The plug goes in, the control pilot goes to B, the station answers with 5 %, the
modems are matched, and when they have a link the party begins (D-LINK_READY). When the party's session has ended the
data link does what its end asks for: D-LINK_TERMINATE, D-LINK_PAUSE or D-LINK_ERROR.

A link (simulated, powerline) moves its frames and lets time pass, as it does for parties::

    link.receive(frame, now)
    for frame in link.outgoing(): ...
    link.advance(now)      # at the latest at link.next_deadline()

Without a control pilot (a powerline interface with no board beside it) matching begins with what is heard on the line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from secc_kernel.session.control_pilot import DIGITAL, ControlPilot, PilotChange
from secc_kernel.session.evcc import EVCC
from secc_kernel.session.events import Event
from secc_kernel.session.journal import Journal, StateEntry
from secc_kernel.session.secc import SECC
from secc_kernel.session.slac import EVMatcher, EVSEMatcher, Failed, Linked, Matched, Matcher, Unlinked
from secc_kernel.wire.homeplug import Frame

__all__ = ["DataLink", "LinkDown", "LinkReady", "StationDataLink", "VehicleDataLink"]


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
    """

    role: ClassVar[str]

    def __init__(self, matcher: Matcher, party: SECC | EVCC, pilot: ControlPilot | None = None) -> None:
        self.matcher = matcher
        self.party = party
        self.pilot = pilot
        self.now = 0.0
        self.state = "unplugged"
        self._events: list[Event] = []
        if pilot is not None:
            pilot.subscribe(self._pilot_changed)

    @property
    def journal(self) -> Journal:
        """The record of everything that happens."""
        return self.matcher.journal

    # -- what the link calls ------------------------------------------------------------------------------------------

    def receive(self, frame: Frame, now: float) -> None:
        """Take a management message from the line, or from this end's modem."""
        self.now = max(self.now, now)
        self.matcher.receive(frame, now)
        self._look()

    def next_deadline(self) -> float | None:
        """When `advance` has to be called next, if nothing arrives before."""
        return self.matcher.next_deadline()

    def advance(self, now: float) -> None:
        """Let time pass."""
        self.now = max(self.now, now)
        self.matcher.advance(now)
        self._look()

    def outgoing(self) -> list[Frame]:
        """The management messages to send, in order; drained by the call."""
        return self.matcher.outgoing()

    def events(self) -> list[Event]:
        """What happened since the last call, in order; drained by the call."""
        events, self._events = self._events, []
        return events

    @abstractmethod
    def open(self, now: float) -> None:
        """The link is there: make the modem ready, before anything is plugged in."""

    @abstractmethod
    def plug(self, now: float) -> None:
        """The plug goes in. The station hears of it from the control pilot; without one it need not be told."""

    @abstractmethod
    def unplug(self, now: float) -> None:
        """The plug is pulled. The station hears of it from the control pilot."""

    @abstractmethod
    def lost(self, reason: str, now: float) -> None:
        """The interface has gone down, or the modem has started anew: whatever was agreed on is void."""

    # -- for the two ends ---------------------------------------------------------------------------------------------

    @abstractmethod
    def _pilot_changed(self, change: PilotChange) -> None:
        """Something on the control pilot has changed."""

    def _look(self) -> None:
        """See what has become of matching."""
        for event in self.matcher.events():
            self._events.append(event)
            if isinstance(event, Matched):
                self._enter("joining")
            elif isinstance(event, Linked):
                self._enter("ready")
                self.party.start(self.now)
                self._events.append(LinkReady(self.now))
            elif isinstance(event, Failed | Unlinked):
                self._events.append(LinkDown(self.now, event.reason))

    def _enter(self, state: str) -> None:
        if state != self.state:
            self.journal.append(StateEntry(self.now, f"{self.role} data link", self.state, state))
            self.state = state


class StationDataLink(DataLink):
    """The station's end: keeps the modem's key secret and fresh, and the control pilot's oscillator.

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

    def open(self, now: float) -> None:
        """Give the modem a fresh key."""
        self.now = max(self.now, now)
        self.matcher.start(now)
        self._look()

    def plug(self, now: float) -> None:
        """A vehicle is there: ask it to talk."""
        self.now = max(self.now, now)
        if self.state == "unplugged":
            self._enter("plugged")
            if self.pilot is not None:
                self.pilot.set_duty(DIGITAL, now)
            self._enter("matching")

    def unplug(self, now: float) -> None:
        """The vehicle is gone: leave the network."""
        self.now = max(self.now, now)
        if self.state != "unplugged":
            self._enter("unplugged")

    def lost(self, reason: str, now: float) -> None:
        """The interface or the modem has gone."""
        self.now = max(self.now, now)
        self.matcher.give_up(reason)
        self._look()
        self._enter("error")

    def _pilot_changed(self, change: PilotChange) -> None:
        self.matcher.control_pilot(change.state, change.time)
        if change.before == "A" and change.state != "A":
            self.plug(change.time)
        elif change.state == "A":
            self.unplug(change.time)
        self._look()


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

    def open(self, now: float) -> None:
        """There is nothing to make ready: the key is the station's."""
        self.now = max(self.now, now)

    def plug(self, now: float) -> None:
        """Put the plug in: state B, and when the station asks for it, matching."""
        self.now = max(self.now, now)
        self._enter("plugged")
        if self.pilot is None:
            self._match()
        else:
            self.pilot.set_vehicle("B", now)
            if self.pilot.digital:
                self._match()

    def _match(self) -> None:
        if self.state == "plugged":
            self._enter("matching")
            self.matcher.start(self.now)
            self._look()

    def unplug(self, now: float) -> None:
        """Pull the plug."""
        self.now = max(self.now, now)
        self._enter("unplugged")
        if self.pilot is not None:
            self.pilot.set_vehicle("A", now)
        self.matcher.unplugged(now)
        self.party.unplug(now)
        self._look()

    def lost(self, reason: str, now: float) -> None:
        """The interface or the modem has gone."""
        self.now = max(self.now, now)
        self.matcher.give_up(reason)
        self._look()
        self._enter("error")

    def _pilot_changed(self, change: PilotChange) -> None:
        self.now = max(self.now, change.time)
        if self.pilot is not None and self.pilot.digital:
            self._match()
