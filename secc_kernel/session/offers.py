"""What a station has offered in this session, by what it really sent: a script may have said other than the autopilot.

The vehicle answers to the messages that it got, so its choices are judged by those, not by what the station could do.
Before a message was sent, the station's own offer counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from secc_kernel.session.physical import to_float

__all__ = ["Offers", "Schedule"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule that was sent.

    Attributes
    ----------
    power : float
        The most that it gives at any time, in W.
    end : float
        The end of its last interval, in s from its beginning; infinite where its intervals do not say.
    """

    power: float
    end: float


@dataclass(slots=True)
class Offers:
    """What was sent; None where nothing was.

    Attributes
    ----------
    payment_options : frozenset of str or None
        The payment options.
    services : dict or None
        ServiceIDs, the charge service's first, and whether each is the charge service.
    modes : frozenset of str or None
        Energy transfer modes; in DIN SPEC 70121 the one energy transfer type.
    schedules : dict of int to Schedule, or None
        By SAScheduleTupleID.
    tuple_id : int or None
        The schedule that the vehicle has chosen, or the first that was sent.
    """

    payment_options: frozenset[str] | None = None
    services: dict[int, bool] | None = None
    modes: frozenset[str] | None = None
    schedules: dict[int, Schedule] | None = None
    tuple_id: int | None = None

    def discovered(self, response: Any) -> None:
        """A ServiceDiscoveryRes was sent."""
        options = getattr(response, "PaymentOptionList", None) or getattr(response, "PaymentOptions", None)
        self.payment_options = frozenset(map(str, getattr(options, "PaymentOption", ())))
        charge = response.ChargeService
        modes = getattr(charge, "SupportedEnergyTransferMode", None)
        offered = [getattr(charge, "EnergyTransferType", None)] if modes is None else modes.EnergyTransferMode
        self.modes = frozenset(map(str, offered))
        others = getattr(getattr(response, "ServiceList", None), "Service", ())
        self.services = {_service_id(charge): True, **{_service_id(service): False for service in others}}

    def scheduled(self, response: Any) -> None:
        """A ChargeParameterDiscoveryRes was sent."""
        tuples = getattr(getattr(response, "SASchedules", None), "SAScheduleTuple", None)
        if not tuples:
            return
        self.schedules = {entry.SAScheduleTupleID: _schedule(entry.PMaxSchedule) for entry in tuples}
        self.tuple_id = next(iter(self.schedules))

    def chosen(self, tuple_id: Any) -> None:
        """The vehicle has chosen a schedule."""
        if isinstance(tuple_id, int):
            self.tuple_id = tuple_id


def _service_id(service: Any) -> Any:
    """A service's id; in DIN SPEC 70121 its tag has it."""
    return getattr(service, "ServiceTag", service).ServiceID


def _schedule(sent: Any) -> Schedule:
    entries = sent.PMaxScheduleEntry
    # In DIN SPEC 70121 a plain number of watts.
    power = max((float(e.PMax) if isinstance(e.PMax, int) else to_float(e.PMax) for e in entries), default=0.0)
    return Schedule(power, _end(entries[-1].TimeInterval) if entries else float("inf"))


def _end(interval: Any) -> float:
    start, duration = getattr(interval, "start", None), getattr(interval, "duration", None)
    return float("inf") if duration is None else float((start or 0) + duration)
