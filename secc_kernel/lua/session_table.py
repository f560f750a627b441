"""The tables ``Session`` and ``Ev`` of a script: the live session as a whole, and the simulated vehicle on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, fields, replace
from functools import partial
from typing import Any, TypeVar

from ..link.live import LiveSession
from ..link.reach import known_requests
from ..session.events import LocalProtocolError
from ..session.sequence import SEQUENCES
from ..vehicle import PROFILES, rules
from .bench import Bench, Options, Vehicle, script_future
from .errors import LuaUserError
from .functions import SIDES, suggest
from .hosting import HostFunction

__all__ = ["DOCUMENTATION", "ev_table", "session_table"]

D = TypeVar("D", Options, Vehicle)

DOCUMENTATION: dict[str, tuple[str, str]] = {
    "Session.Open": (
        "Session.Open{link=, side=, interface=, host=, port=, tls=, journal=, prefer=, strict=, profile=, soc=, ...}",
        (
            "Opens a session and gives where it is. One that is open is closed before, and what was set is forgotten. "
            "prefer is how the station chooses a protocol: 'standard' (as the vehicle ranks them), 'latest' or "
            "'oldest'; strict refuses what is forbidden though vehicles do it. The other options are those of Ev.Plug."
        ),
    ),
    "Session.Close": ("Session.Close()", "Ends the session; its journal stays."),
    "Session.Protocol": (
        "Session.Protocol(protocol, ...)",
        "Restricts what the script's side takes part in: 'iso2', 'din'. Without arguments: the negotiated protocol.",
    ),
    "Session.Autopilot": (
        "Session.Autopilot(on)",
        "Whether the autopilot does what the script does not; on by default. Without arguments: whether it is on.",
    ),
    "Session.RunTo": (
        "Session.RunTo(request)",
        "Lets the autopilot work up to, and not including, the answer to a request (for the EVCC: the request itself).",
    ),
    "Session.RunToEnd": (
        "Session.RunToEnd()",
        "Lets the autopilot work until the session has ended; gives how ('terminated', 'paused', 'aborted') and why.",
    ),
    "Session.Wait": (
        "Session.Wait(seconds)",
        "Lets time pass while what is the script's turn is held: an answer can come late, or never.",
    ),
    "Session.Status": ("Session.Status()", "A table: where the session stands."),
    "Session.Check": (
        "Session.Check(condition, text)",
        "Records a verdict: passed unless the condition is false or nil. The script goes on; `run` ends with status 1.",
    ),
    "Session.Note": ("Session.Note(text)", "Records a remark in the journal."),
    "Ev.Plug": (
        "Ev.Plug{profile=, soc=, target=, mode=, protocols=, patient=, tolerates=}",
        (
            "Plugs a simulated vehicle in: its profile, its state of charge now and when it stops (percent), 'AC' or "
            "'DC', and the protocols that it offers, such as {'din', 'iso2'}, the first with the highest priority. It "
            "stops where a real car would; patient=true lets it charge on, tolerates={'isolation'} only with that."
        ),
    ),
    "Ev.Unplug": ("Ev.Unplug()", "Pulls the plug in the middle of whatever is going on."),
    "Ev.Profile": ("Ev.Profile(name)", "Chooses the vehicle that is plugged in next; gives the chosen one."),
    "Ev.Profiles": ("Ev.Profiles()", "A table: the vehicles to choose from, and what each stands for."),
    "Ev.Stop": ("Ev.Stop()", "The driver stops: the vehicle ends the session in order at the next occasion."),
    "Ev.Pause": ("Ev.Pause()", "The vehicle pauses the session in order; what is waited for next wakes it up again."),
    "Ev.Renegotiate": ("Ev.Renegotiate()", "The vehicle negotiates schedules and parameters again."),
}
"""Signature and meaning of each function, for inspection and editor stubs; `functions.Function` has the API's."""


def session_table(bench: Bench) -> dict[str, Callable[..., Any] | HostFunction]:
    """The functions of ``Session``."""
    return {
        "Open": lambda options=None: _open(bench, options),
        "Close": bench.close,
        "Protocol": lambda *protocols: _protocol(bench, protocols),
        "Autopilot": lambda on=None: _autopilot(bench, on),
        "RunTo": lambda request: _run_to(bench, request),
        "RunToEnd": lambda: _run_to_end(bench),
        "Wait": lambda seconds: _wait(bench, seconds),
        "Status": lambda: _status(bench),
        "Check": HostFunction(partial(_check, bench), placed=True),
        "Note": lambda text: _live(bench).note(str(text)),
    }


def ev_table(bench: Bench) -> dict[str, Callable[..., Any]]:
    """The functions of ``Ev``."""
    return {
        "Plug": lambda options=None: _plug(bench, options),
        "Unplug": lambda: _simulated(bench).unplug(),
        "Profile": lambda name=None: _profile(bench, name),
        "Profiles": lambda: {name: profile.title for name, profile in PROFILES.items()},
        "Stop": lambda: _simulated(bench).act(lambda vehicle, now: vehicle.stop(now), "EVCC"),
        "Pause": lambda: _simulated(bench).act(lambda vehicle, now: vehicle.pause(now), "EVCC"),
        "Renegotiate": lambda: _renegotiate(bench),
    }


# -- Session ----------------------------------------------------------------------------------------------------------


def _open(bench: Bench, options: Any) -> str:
    """Open a session: ``Session.Open{link='tcp', interface='eth1'}``; gives where it listens."""
    given = _table(options, "Session.Open")
    vehicle = {name: given.pop(name) for name in list(given) if name in _names(Vehicle)}
    chosen = _with(bench.options, given, "Session.Open")
    if vehicle:
        bench.vehicle = _vehicle(bench.vehicle, vehicle, "Session.Open")
    side = str(chosen.side).upper()
    if side not in SIDES.values():
        raise LuaUserError(f"Session.Open: side is {' or '.join(map(repr, SIDES.values()))}, not {chosen.side!r}")
    for name in ("interface", "host", "journal"):
        if not isinstance(value := getattr(chosen, name), str | None):
            raise LuaUserError(f"Session.Open: {name} is a string, not {value!r}")
    if type(chosen.port) not in (int, type(None)):
        raise LuaUserError(f"Session.Open: port is a whole number, not {chosen.port!r}")
    return bench.open(replace(chosen, side=side)).link.place


def _protocol(bench: Bench, protocols: tuple[Any, ...]) -> str | None:
    """Restrict the offer to some protocols; without arguments, the negotiated one."""
    if protocols:
        bench.restrict([str(protocol) for protocol in protocols])
        return None
    return None if bench.session is None else bench.session.protocol


def _autopilot(bench: Bench, on: Any) -> bool:
    if on is not None:
        if not isinstance(on, bool):
            raise LuaUserError(f"Session.Autopilot takes true or false, not {on!r}")
        bench.autopilot = on
        if bench.session is not None:
            bench.session.autopilot = on
    return bench.autopilot


def _run_to(bench: Bench, request: Any) -> Future[Any]:
    known = known_requests()
    if request not in known:
        near = suggest(str(request), sorted(known))
        hint = f"; did you mean {near}?" if near else f"; it is one of {', '.join(sorted(known))}"
        raise LuaUserError(f"Session.RunTo takes the name of a request, not {request!r}{hint}")
    session = bench.ensure()
    return script_future(session.run_to(request), lambda result: None)


def _run_to_end(bench: Bench) -> Future[Any]:
    """Run until the session has ended; gives how it ended and why."""
    session = bench.ensure()
    return script_future(session.run_to_end(), lambda ended: (ended.how, ended.reason))


def _wait(bench: Bench, seconds: Any) -> Future[Any]:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
        raise LuaUserError(f"Session.Wait takes a number of seconds, not {seconds!r}")
    return script_future(_live(bench).wait(seconds), lambda result: None)


def _status(bench: Bench) -> dict[str, Any]:
    if bench.session is None:
        return {"state": "closed", "autopilot": bench.autopilot}
    return {name: value for name, value in asdict(bench.session.status).items() if value is not None}


def _check(bench: Bench, place: str, condition: Any = None, text: Any = "") -> bool:
    """A verdict: passed unless the condition is false or nil."""
    passed = condition is not None and condition is not False
    return _live(bench).check(passed, str(text), place)


def _live(bench: Bench) -> LiveSession:
    """The open session, or the default one."""
    return bench.ensure()


# -- Ev ---------------------------------------------------------------------------------------------------------------


def _plug(bench: Bench, options: Any) -> None:
    """Plug a vehicle in: ``Ev.Plug{profile='compact', soc=40, mode='DC'}``."""
    given = _table(options, "Ev.Plug")
    bench.vehicle = _vehicle(bench.vehicle, given, "Ev.Plug")
    session = bench.ensure()
    if "EVCC" not in session.link.parties:
        raise LuaUserError(f"the vehicle at {session.link.place} is a real one: it plugs in by itself")
    session.plug(bench.make_vehicle(session.journal, records_frames=session.side == "EVCC"))


def _renegotiate(bench: Bench) -> None:
    try:
        _simulated(bench).act(lambda vehicle, now: vehicle.renegotiate(now), "EVCC")
    except LocalProtocolError as error:
        raise LuaUserError(str(error)) from error


def _profile(bench: Bench, name: Any) -> str:
    """Choose the profile of the vehicle that is plugged in next; gives the chosen one."""
    if name is not None:
        bench.vehicle = _vehicle(bench.vehicle, {"profile": name}, "Ev.Profile")
    return bench.vehicle.profile


def _simulated(bench: Bench) -> LiveSession:
    session = _live(bench)
    if "EVCC" not in session.link.parties:
        raise LuaUserError(f"the vehicle at {session.link.place} is a real one: Ev drives the simulated vehicle")
    return session


# -- options ----------------------------------------------------------------------------------------------------------


def _vehicle(vehicle: Vehicle, given: Mapping[str, Any], function: str) -> Vehicle:
    chosen = _with(vehicle, given, function)
    if chosen.protocols is not None:
        chosen = replace(chosen, protocols=_protocols(chosen.protocols, function))
    if chosen.profile not in PROFILES:
        near = suggest(str(chosen.profile), PROFILES)
        hint = f"; did you mean {near!r}?" if near else ""
        raise LuaUserError(f"{function}: there is no profile {chosen.profile!r}; there are {', '.join(PROFILES)}{hint}")
    if not isinstance(chosen.patient, bool):
        raise LuaUserError(f"{function}: patient is true or false, not {chosen.patient!r}")
    if chosen.tolerates is not None:
        chosen = replace(chosen, tolerates=_tolerated(chosen.tolerates, function))
    if chosen.mode not in (None, "AC", "DC"):
        raise LuaUserError(f"{function}: mode is 'AC' or 'DC', not {chosen.mode!r}")
    for name in ("soc", "target"):
        value = getattr(chosen, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
            raise LuaUserError(f"{function}: {name} is a state of charge in percent, 0 to 100, not {value!r}")
    return chosen


def _protocols(given: Any, function: str) -> tuple[str, ...]:
    chosen = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    for key in chosen:
        if key not in SEQUENCES:
            raise LuaUserError(f"{function}: protocols are {', '.join(map(repr, SEQUENCES))}, not {key!r}")
    return chosen


def _tolerated(given: Any, function: str) -> tuple[str, ...]:
    chosen = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    known = rules()
    for rule in chosen:
        if rule not in known:
            near = suggest(str(rule), known)
            hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(known)}"
            raise LuaUserError(f"{function}: the vehicle judges by no rule {rule!r}{hint}")
    return chosen


def _table(options: Any, function: str) -> dict[str, Any]:
    if options is None or options == []:
        return {}
    if not isinstance(options, dict):
        raise LuaUserError(f"{function} takes a table of options, such as {function}{{{_EXAMPLE[function]}}}")
    return dict(options)


_EXAMPLE = {"Session.Open": "link='sim'", "Ev.Plug": "profile='compact', soc=40"}


def _names(options: type[Options] | type[Vehicle]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(options))


def _with(options: D, given: Mapping[str, Any], function: str) -> D:
    known = _names(type(options))
    for name in given:
        if name not in known:
            near = suggest(str(name), known)
            hint = f"; did you mean {near}?" if near else f"; it takes {', '.join(known)}"
            raise LuaUserError(f"{function} has no option {name!r}{hint}")
    return replace(options, **given)
