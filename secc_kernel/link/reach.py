"""Whether a request can still come, by the sequence's own table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..messages import vocabulary
from ..session.evcc import EVCC
from ..session.secc import SECC
from ..session.sequence import HANDSHAKE, SEQUENCES, Progress, Row
from ..wire.layers import home
from .base import Maker, Seat, Wait

__all__ = [
    "begins_session",
    "can_come",
    "crosses",
    "is_due",
    "is_foreign",
    "known_requests",
    "may_choose",
    "may_come",
    "may_renegotiate",
    "survives",
]


def begins_session(request: str) -> bool:
    """Whether a request stands at the beginning of a session: the handshake, or what comes first after it."""
    return request == HANDSHAKE or any(request in sequence.first.follow for sequence in SEQUENCES.values())


def can_come(progress: Progress, request: str, ahead: Iterable[str] | None = None, again: bool = True) -> bool:
    """Whether a conversation that stands here may still arrive at a request.

    A request of the session's vocabulary that no sequence knows may always come: a vehicle sends what it likes.

    Parameters
    ----------
    progress : Progress
        Where the conversation stands.
    request : str
        The request in question.
    ahead : iterable of str, optional
        What comes next; by default all that is allowed.
    again : bool
        Whether a renegotiation may lead back to it.
    """
    rows = _rows(progress)
    if is_foreign(progress, request):
        return False
    if request not in known_requests():
        return True
    return request in _closure(rows, progress.mode, progress.allowed if ahead is None else ahead, again)


def may_renegotiate(seats: Mapping[str, Seat], overrides: Callable[[str], Maker | None]) -> bool:
    """Whether this session may come to a renegotiation: somebody has asked for it, or may without our knowing.

    A real peer may; so may a script that has set something of a message that can ask for it.
    """
    station, vehicle = (seats[role].party if role in seats else None for role in ("SECC", "EVCC"))
    if not isinstance(station, SECC) or not isinstance(vehicle, EVCC):
        return True
    if vehicle.goal == "renegotiate" or station.station.notification == "ReNegotiation":
        return True
    if station.request is not None and getattr(station.request.body, "ChargeProgress", None) == "Renegotiate":
        return True
    requests = _closure(_rows(station.progress), station.progress.mode, ["PowerDeliveryReq"], again=False)
    return any(overrides(name) is not None for request in requests for name in (request, request[:-3] + "Res"))


def may_choose(seat: Seat, wait: Wait) -> bool:
    """Whether a vehicle may ask this here, though its autopilot asks something else: a ServiceDetailReq."""
    return wait.kind == "turn" and isinstance(seat.party, EVCC) and wait.request in seat.party.progress.allowed


def may_come(seat: Seat, wait: Wait, turn: str, again: Callable[[], bool]) -> bool:
    """Whether what is waited for may still come when this turn is done; ``again`` as `may_renegotiate` says."""
    if begins_session(wait.request) and not begins_session(turn):
        return False
    progress = seat.party.progress
    if can_come(progress, wait.request, [turn], again=False):
        return True
    return can_come(progress, wait.request, [turn]) and again()


def is_due(seat: Seat, wait: Wait) -> bool:
    """Whether an arrived message is to be given now: unless the autopilot dealt with it and another can come."""
    return seat.is_latest(wait.name) or not can_come(seat.party.progress, wait.request)


def crosses(seats: Mapping[str, Seat], wait: Wait) -> bool:
    """Whether a vehicle asks on while the script holds the station's answer: it would never have its turn."""
    return wait.role == "EVCC" and "SECC" in seats and seats["SECC"].holds


def survives(wait: Wait, seat: Seat, simulated: bool) -> bool:
    """Whether a wait goes on into the next session: it is for a message that only a new session brings.

    On a simulated link the session that has ended must have been past it. One that never came so far has failed to
    bring it, and what made it fail is what the script wants to see; the next one would be without what it has set.
    """
    if home(wait.name) is not None:
        return not simulated
    if wait.kind not in ("receive", "turn") or not begins_session(wait.request):
        return False
    return not simulated or (wait.restarts == 0 and wait.request in {*seat.arrived, *seat.sent})


def known_requests() -> set[str]:
    """The requests that the sequences know."""
    return {HANDSHAKE, *(request for row in _all_rows() for request in row.follow)}


def is_foreign(progress: Progress, request: str) -> bool:
    """Whether a request is no message of the protocol that was agreed on."""
    sequence = progress.sequence
    return sequence is not None and request != HANDSHAKE and request not in vocabulary(sequence.schema).elements


def _all_rows() -> list[Row]:
    return [row for sequence in SEQUENCES.values() for row in (sequence.first, *sequence.rows)]


def _rows(progress: Progress) -> list[Row]:
    """The rows that may apply: those of the negotiated sequence, before the handshake those of all."""
    if progress.sequence is None:
        return _all_rows()
    return [progress.sequence.first, *progress.sequence.rows]


def _closure(rows: list[Row], mode: str, ahead: Iterable[str], again: bool) -> set[str]:
    """Some requests, and all that may follow them in this mode; ``again``: also by way of a renegotiation."""
    reached: set[str] = set()
    left = list(ahead)
    while left:
        name = left.pop()
        if name in reached:
            continue
        reached.add(name)
        response = name[:-3] + "Res"
        for row in rows:
            if not again and ("ChargeProgress", "Renegotiate") in row.when:
                continue
            if row.after == response and (not mode or row.mode in ("", mode)):
                left.extend(row.follow)
    return reached
