"""What the messages of a charge ask of the control pilot, and who sees to it (ISO 15118-2, 8.7.4; DIN SPEC 70121, 9.6).

The vehicle wants energy by the control pilot as well as by messages: C (or D) from CableCheckReq, in AC from
PowerDeliveryReq, and B again at the end. One table says when. The vehicle's end moves its resistor by it (`moved_by`);
the station's end watches it (`PilotWatch`): what does not fit is a finding, and where nothing comes of the cable check
without state C, it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secc_kernel.session.control_pilot import ControlPilot, PilotChange
from secc_kernel.session.station import starts

if TYPE_CHECKING:
    from secc_kernel.codec import Message
    from secc_kernel.session.secc import SECC

__all__ = ["CHANGE", "DETECTION", "ENERGY", "RETAIN", "PilotWatch", "Signal", "moved_by", "signal"]

DETECTION = "V2G_SECC_CPState_Detection_Timeout"
RETAIN = "V2G_SECC_CPOscillator_Retain_Time"
CHANGE = "CP_State_Change_Time"
ENERGY = ("C", "D")
"""The states in which a vehicle wants energy; in D it asks for ventilation as well."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A request, and what is on the control pilot with it.

    Attributes
    ----------
    schema, mode, request : str
        Of which protocol and energy transfer (``AC``, ``DC``, or '' for both) it is, and its name.
    starting : bool or None
        Whether a PowerDeliveryReq begins the charge, or does not; None where that does not matter.
    states : tuple of str
        What the control pilot has to say then.
    timer : str
        The named time within which it has to.
    ids : str
        Requirements.
    """

    schema: str
    mode: str
    request: str
    starting: bool | None
    states: tuple[str, ...]
    timer: str
    ids: str

    def met(self, schema: str, mode: str, message: Message) -> bool:
        """Whether a request is the one."""
        return (
            message.name == self.request
            and schema == self.schema
            and self.mode in ("", mode)
            and (self.starting is None or self.starting == starts(message.body))
            and getattr(message.body, "ChargeProgress", None) != "Renegotiate"
        )


_B = ("B",)
_SIGNALS = (
    Signal("iso2", "DC", "CableCheckReq", None, ENERGY, DETECTION, "ISO 15118-2, 8.7.4"),
    Signal("iso2", "AC", "PowerDeliveryReq", True, ENERGY, CHANGE, "[V2G2-847]"),
    Signal("iso2", "AC", "PowerDeliveryReq", False, _B, CHANGE, "[V2G2-848]"),
    Signal("iso2", "DC", "WeldingDetectionReq", None, _B, DETECTION, "[V2G2-920..922]"),
    Signal("iso2", "", "SessionStopReq", None, _B, DETECTION, "[V2G2-920..922]"),
    Signal("din", "DC", "CableCheckReq", None, ENERGY, DETECTION, "[V2G-DC-967]"),
    Signal("din", "DC", "WeldingDetectionReq", None, _B, DETECTION, "[V2G-DC-988]"),
    Signal("din", "DC", "SessionStopReq", None, _B, DETECTION, "[V2G-DC-556]"),
)


def signal(schema: str | None, mode: str, message: Message) -> Signal | None:
    """What a request asks of the control pilot; None for nothing."""
    return next((row for row in _SIGNALS if row.met(schema or "", mode, message)), None)


def moved_by(pilot: ControlPilot, schema: str | None, mode: str, message: Message) -> str | None:
    """The state to which a vehicle takes the control pilot as it sends a request; None where it may stay."""
    found = signal(schema, mode, message)
    return None if found is None or pilot.vehicle in found.states else found.states[0]


class PilotWatch:
    """Watches for a station whether the vehicle's state on the control pilot fits what it says.

    Parameters
    ----------
    secc : SECC
        The station, whose `pilot` is watched.
    """

    def __init__(self, secc: SECC) -> None:
        self._secc = secc
        self._awaited: tuple[Signal, float] | None = None
        self._refused = False
        self._charging = False

    def begin(self) -> None:
        """A conversation begins."""
        self._awaited = None
        self._refused = self._charging = False

    def heard(self, request: Message) -> None:
        """A request has arrived, in its place in the sequence."""
        secc = self._secc
        if secc.pilot is None:
            return
        if request.name in ("PowerDeliveryReq", "SessionStopReq") and not starts(request.body):
            self._charging = self._charging and getattr(request.body, "ChargeProgress", None) == "Renegotiate"
            self._stop_timers()
        found = signal(secc.schema, secc.mode, request)
        if found is None or (self._awaited is not None and self._awaited[0] is found):
            return
        self._end()
        limit = secc._limit(found.timer)
        if secc.pilot.state in found.states:
            self._reached(found)
        elif limit is not None:
            self._awaited = found, secc.now
            secc.timers.start(found.timer, limit.seconds, secc.now)

    def refuses(self, request: Message) -> bool:
        """Whether a cable check is refused, because the control pilot never went to C."""
        return self._refused and request.name == "CableCheckReq"

    def over(self) -> None:
        """The session is over: what is still awaited does not come any more."""
        if self._awaited is not None and self._secc.pilot is not None:
            found, _ = self._awaited
            wanted, state = " or ".join(found.states), self._secc.pilot.text
            text = f"the session has ended with the control pilot in {state}; from {found.request} on it is {wanted}"
            self._secc._find("control-pilot", "warning", f"{text} ({found.ids})")
        self.begin()

    def changed(self, change: PilotChange) -> None:
        """The control pilot has changed."""
        secc = self._secc
        if self._awaited is not None and change.state in self._awaited[0].states:
            found = self._awaited[0]
            self._end()
            self._reached(found)
        elif self._charging and change.before in ENERGY and change.state == "B":
            secc.station.interrupt(change.time)
            limit = secc._limit(CHANGE) or secc._limit(DETECTION)
            assert limit is not None
            secc.timers.start(limit.name, limit.seconds, secc.now)
        elif self._charging and change.state in ENERGY:
            self._stop_timers()

    def expired(self, timer: str) -> bool:
        """A timer of the station has run out; False for one that is no concern of the control pilot."""
        secc = self._secc
        if timer not in (CHANGE, DETECTION):
            return False
        assert secc.pilot is not None
        if self._awaited is not None:
            found, since = self._awaited
            self._awaited = None
            wanted, waited = " or ".join(found.states), secc.now - since
            self._refused = found.request == "CableCheckReq"
            refused = ": it is refused" if self._refused else ""
            text = f"{waited:g} s after {found.request} the control pilot is in {secc.pilot.text} and not in {wanted}"
            secc._find("control-pilot", "error", f"{text}{refused} ({found.ids}, {timer})")
        elif self._charging:
            self._charging = False
            text = "the vehicle has taken the control pilot to state B in the middle of the charge"
            secc._find("control-pilot", "error", f"{text}: the station has switched its output off ([V2G-DC-668])")
        return True

    def _reached(self, found: Signal) -> None:
        if found.states == ENERGY:
            self._charging, self._refused = True, False

    def _stop_timers(self) -> None:
        for timer in (CHANGE, DETECTION):
            self._secc.timers.stop(timer, self._secc.now)

    def _end(self) -> None:
        if self._awaited is not None:
            self._secc.timers.stop(self._awaited[0].timer, self._secc.now)
            self._awaited = None
