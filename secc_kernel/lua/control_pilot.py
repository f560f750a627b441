"""``Session.ControlPilot`` and ``Ev.ControlPilot``: both ends of the control pilot in a script's hands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ..link.breakpoints import Stop
from ..link.live import LiveSession
from ..session.control_pilot import OFF, ControlPilot
from ..session.evcc import EVCC
from ..session.events import Ended
from .errors import LuaUserError
from .functions import suggest
from .hosting import Pending
from .picture import scalar as shown
from .runs import run_with

if TYPE_CHECKING:
    from .bench import Bench

__all__ = ["AUTO", "STATES", "Drive", "run_to_pilot", "station_pilot", "vehicle_pilot"]

STATES = ("A", "B", "C", "D", "E", "F")
"""The states of a control pilot."""
AUTO = "auto"
"""Says that the simulated vehicle moves its end by itself again."""
_VEHICLE, _ERRORS = STATES[:4], STATES[4:]
_PATIENCE = 60.0
"""Seconds that a script waits for a state if it does not say."""


@dataclass(frozen=True, slots=True)
class Drive:
    """What the station's end of the control pilot is made to do.

    Attributes
    ----------
    duty : float
        The oscillator's duty in percent: 5 asks the vehicle to talk, 10 to 96 limit its current, 100 is no oscillation.
    error : str or bool
        ``E`` (0 V) or ``F`` (-12 V); false ends it.
    """

    duty: float | None = None
    error: str | bool | None = None


def station_pilot(bench: Bench, given: Any = None) -> dict[str, Any]:
    """Drive the station's end, if something is given; gives what is on the wire."""
    session = _session(bench, "Session.ControlPilot")
    if given is None:
        return _table(_pilot(session))
    move = _move(given)
    if "SECC" not in session.link.parties:
        raise LuaUserError(f"Session.ControlPilot: the station at {session.link.place} is a real one and drives it")
    pilot = _pilot(session)
    session.act(lambda party, now: move(pilot, now), "SECC")
    return _table(pilot)


def _move(given: Any) -> Callable[[ControlPilot, float], None]:
    """What a table of options asks for."""
    names = [field.name for field in fields(Drive)]
    example = "Session.ControlPilot{duty=5}, Session.ControlPilot{error='F'}"
    if not isinstance(given, dict):
        raise LuaUserError("Session.ControlPilot takes a table with duty or error", example)
    for name in given:
        if name not in names:
            near = suggest(str(name), names)
            hint = f"did you mean {near}?" if near else f"it takes {' or '.join(names)}"
            raise LuaUserError(f"Session.ControlPilot has no option {name!r}; {hint}")
    if len(given) > 1:
        raise LuaUserError("Session.ControlPilot takes duty or error: in state E or F nothing oscillates", example)
    (name, value), *_ = given.items()
    if name == "duty":
        if type(value) not in (int, float) or not 0.0 < value <= OFF:
            text = f"duty is a number of percent, more than 0 and at most 100, not {shown(value)}"
            raise LuaUserError(f"Session.ControlPilot: {text}")
        return lambda pilot, now: pilot.set_duty(float(value), now)
    if value is False:
        return lambda pilot, now: pilot.set_duty(pilot.duty, now)
    if value not in _ERRORS:
        raise LuaUserError(f"Session.ControlPilot: error is 'E', 'F' or false, not {shown(value)}")
    return lambda pilot, now: pilot.set_error(value, now)


def vehicle_pilot(bench: Bench, state: Any = None) -> dict[str, Any]:
    """Move the vehicle's end, if a state is given; gives what is on the wire."""
    session = _session(bench, "Ev.ControlPilot")
    if state is None:
        return _table(_pilot(session))
    if state not in (*_VEHICLE, AUTO):
        known = ", ".join(map(repr, _VEHICLE))
        hint = f"{state} is the station's: Session.ControlPilot{{error='{state}'}}" if state in _ERRORS else None
        raise LuaUserError(f"Ev.ControlPilot takes {known} or {AUTO!r}, not {shown(state)}", hint)
    if "EVCC" not in session.link.parties:
        raise LuaUserError(f"Ev.ControlPilot: the vehicle at {session.link.place} is a real one and moves it")
    pilot = _pilot(session)
    if not session.link.plugged:
        raise LuaUserError(
            "Ev.ControlPilot: no vehicle is plugged in",
            "Ev.Plug{} plugs it in, and Session.RunTo('CurrentDemandReq') goes on up to the charge",
        )

    def move(party: Any, now: float) -> None:
        assert isinstance(party, EVCC)
        party.moves_pilot = state == AUTO
        if state != AUTO:
            pilot.set_vehicle(state, now)

    session.act(move, "EVCC")
    return _table(pilot)


def run_to_pilot(bench: Bench, state: Any, seconds: Any = None) -> Pending:
    """Let the autopilot work until the control pilot is in a state; gives whether it came to that, and why not."""
    if state not in STATES:
        raise LuaUserError(f"Session.RunToPilot takes a state, {', '.join(map(repr, STATES))}, not {shown(state)}")
    limit = _PATIENCE if seconds is None else seconds
    if type(limit) not in (int, float) or not 0 <= limit < float("inf"):
        raise LuaUserError(f"Session.RunToPilot takes a number of seconds, not {shown(limit)}")
    session = _session(bench, "Session.RunToPilot")
    pilot = _pilot(session)

    def result(outcome: Ended | Stop | bool | None) -> tuple[Any, str]:
        if outcome is True:
            return True, f"the control pilot is in {pilot.text}"
        if isinstance(outcome, Ended):
            why = f"the session has ended ({outcome.how}: {outcome.reason})"
        else:
            why = str(outcome) if outcome is not None else f"{limit:g} s have passed"
        why = f"{why}, and the control pilot is in {pilot.text}"
        return (False, why), why

    return run_with(bench, f"RunToPilot {state}", lambda: session.run_to_pilot(pilot, state, float(limit)), result)


def _session(bench: Bench, what: str) -> LiveSession:
    """The session, unless a script only listens: nothing tells a listener of a control pilot."""
    session = bench.ensure()
    bench.takes_part(what)
    return session


def _pilot(session: LiveSession) -> ControlPilot:
    for party in session.link.parties.values():
        if party.pilot is not None:
            return party.pilot
    raise LuaUserError(
        f"no control pilot is attached at {session.link.place}",
        "Session.Open{link='tcp', pilot='/dev/ttyACM0'} names a board on a serial line; the simulated link has one "
        "unless it is opened with slac=false",
    )


def _table(pilot: ControlPilot) -> dict[str, Any]:
    return {"state": pilot.state, "duty": pilot.duty, "text": pilot.text}
