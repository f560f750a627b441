"""The tables ``Session`` and ``Ev`` of a script: the live session as a whole, and the simulated vehicle on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any, TypeVar

from ..link.live import LiveSession
from ..session.events import LocalProtocolError
from ..session.sequence import SEQUENCES
from ..vehicle import PROFILES, rules
from .bench import Bench
from .control_pilot import run_to_pilot, station_pilot, vehicle_pilot
from .errors import LuaUserError
from .functions import SIDES, suggest
from .hosting import HostFunction, Pending
from .links import check_belonging
from .options import Options, Vehicle
from .runs import add_break, remove_break, run_for, run_to, run_to_end, run_until, wait_for
from .station_table import station
from .status import StatusTable

__all__ = ["DOCUMENTATION", "ev_table", "session_table"]

D = TypeVar("D", Options, Vehicle)

DOCUMENTATION: dict[str, tuple[str, str]] = {
    "Session.Open": (
        "Session.Open{link=, side=, interface=, file=, host=, port=, slac=, tls=, journal=, prefer=, strict=, ...}",
        (
            "Opens a session and gives where it is. One that is open is closed before, and what was set for its "
            "messages is forgotten; Session.Autopilot(false), Session.Protocol and Session.Station stay until "
            "Session.Close. "
            "link is 'sim', 'tcp' or 'plc' (a powerline modem at interface; there mac= and key= are the address and "
            "the network's key that are used instead of the interface's own and a fresh one, assumed_attenuation= is "
            "told in dB where the modem measures none, receive_attenuation= is what is lost between outlet and modem). "
            "link='listen' follows somebody else's session on interface= or in file= (a capture that is being written) "
            "and sends nothing; keylog= then names a file to read TLS secrets from. "
            "slac=false leaves away the simulated vehicle's control pilot and powerline: IP is there at once. "
            "tls= does TLS on a real link: true with certificates that nobody knows, or the folder of a PKI "
            "(secc-kernel pki new DIR), of which certificate= is shown; tls_version=, tls_only=, tls_verify=false, "
            "keylog= (a file for the secrets) and disclose= (secrets as UDP datagrams) say how. "
            "prefer is how the station chooses a protocol: 'standard' (as the vehicle ranks them), 'latest' or "
            "'oldest'; strict refuses what is forbidden though vehicles do it. The other options are those of Ev.Plug."
        ),
    ),
    "Session.Close": (
        "Session.Close()",
        "Ends the session; its journal stays. Vehicle, station, protocols and autopilot are as in the beginning again.",
    ),
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
        (
            "Lets the autopilot work up to, and not including, the answer to a request (for the EVCC: the request "
            "itself). Of SLAC and SDP it takes any message: up to one of yours, or until one of the other side's has "
            "come. Shows what it did."
        ),
    ),
    "Session.RunToEnd": (
        "Session.RunToEnd()",
        (
            "Lets the autopilot work until the session has ended; gives how ('terminated', 'paused', 'aborted') "
            "and why, and shows what it did."
        ),
    ),
    "Session.RunFor": (
        "Session.RunFor(seconds)",
        "Lets the autopilot work for some time; gives how the session ended and why, if it did.",
    ),
    "Session.RunUntil": (
        "Session.RunUntil(function)",
        (
            "Lets the autopilot work until the function says true. It is called after each message, with its fields "
            "(by their names in the API: fields.EVSEPresentVoltage_Value) and its name."
        ),
    ),
    "Session.RunToPilot": (
        "Session.RunToPilot(state, seconds)",
        (
            "Lets the autopilot work until the control pilot is in a state, 'A' to 'F', for at most so many seconds "
            "(60 by default); gives true, or false and why. Shows what it did."
        ),
    ),
    "Session.ControlPilot": (
        "Session.ControlPilot{duty=, error=}",
        (
            "Drives the station's end of the control pilot at once; what the autopilot does next goes on from there. "
            "Gives a table: state, duty in percent (100: no oscillation) and both as text; without arguments only that."
        ),
    ),
    "Session.Wait": (
        "Session.Wait(seconds)",
        "Lets time pass while what is the script's turn is held: an answer can come late, or never.",
    ),
    "Session.Break": (
        "Session.Break(message, condition, hits)",
        (
            "Stops before the script's side sends this message, or after it has received it; gives the breakpoint's "
            "number. condition is a table of field values, {ResponseCode='OK'}, or a function of the fields; with hits "
            "it stops only the time of this number. RunTo and RunToEnd then return where the session stands, Receive "
            "and Send fail with it; the message can be read (Get) and this one changed (Set), and the next run goes "
            "on. The simulated clock stands still; on a real link the autopilot acts when half of the message's "
            "performance time is over and no cell runs. Without arguments: a table of the breakpoints, which stay "
            "until they are taken away."
        ),
    ),
    "Session.Unbreak": (
        "Session.Unbreak(which)",
        "Takes away the breakpoint of this number, those of this message, or (without arguments) all.",
    ),
    "Session.Station": (
        "Session.Station{maximum_current=, payment_options=, ...}",
        (
            "Sets what the station offers and how it behaves, at once and in sessions to come; gives a table of all "
            "settings. What can be none, such as authorization_time (the customer never pays), is set to false."
        ),
    ),
    "Session.Status": ("Session.Status()", "A table: where the session stands. It prints readably."),
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
    "Ev.ControlPilot": (
        "Ev.ControlPilot(state)",
        (
            "Moves the vehicle's end of the control pilot to 'A', 'B', 'C' or 'D' and keeps it there until the session "
            "ends; 'auto' gives it back to the vehicle. Gives a table: state, duty in percent and both as text; "
            "without arguments only that."
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
        "Close": bench.reset,
        "Protocol": lambda *protocols: _protocol(bench, protocols),
        "Autopilot": lambda on=None: _autopilot(bench, on),
        "RunTo": lambda request: run_to(bench, request),
        "RunToEnd": lambda: run_to_end(bench),
        "RunFor": lambda seconds: run_for(bench, seconds),
        "RunUntil": HostFunction(lambda function=None: run_until(bench, function), calls=True),
        "RunToPilot": lambda state, seconds=None: run_to_pilot(bench, state, seconds),
        "ControlPilot": lambda given=None: station_pilot(bench, given),
        "Wait": lambda seconds: _wait(bench, seconds),
        "Break": HostFunction(
            lambda message=None, condition=None, hits=None: add_break(bench, message, condition, hits), calls=True
        ),
        "Unbreak": lambda which=None: remove_break(bench, which),
        "Station": lambda settings=None: station(bench, settings),
        "Status": lambda: StatusTable.of(bench.session, bench.autopilot),
        "Check": HostFunction(partial(_check, bench), placed=True),
        "Note": lambda text: _live(bench).note(str(text)),
    }


def ev_table(bench: Bench) -> dict[str, Callable[..., Any]]:
    """The functions of ``Ev``."""
    return {
        "Plug": lambda options=None: _plug(bench, options),
        "ControlPilot": lambda state=None: vehicle_pilot(bench, state),
        "Unplug": lambda: _simulated(bench).unplug(),
        "Profile": lambda name=None: _profile(bench, name),
        "Profiles": lambda: {name: profile.title for name, profile in PROFILES.items()},
        "Stop": lambda: _plugged(bench, "Ev.Stop").act(lambda vehicle, now: vehicle.stop(now), "EVCC"),
        "Pause": lambda: _plugged(bench, "Ev.Pause").act(lambda vehicle, now: vehicle.pause(now), "EVCC"),
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
    for name in ("interface", "file", "host", "mac", "key", "pilot", "journal"):
        if not isinstance(value := getattr(chosen, name), str | None):
            raise LuaUserError(f"Session.Open: {name} is a string, not {value!r}")
    if type(chosen.port) not in (int, type(None)):
        raise LuaUserError(f"Session.Open: port is a whole number, not {chosen.port!r}")
    for name in ("assumed_attenuation", "receive_attenuation"):
        value = getattr(chosen, name)
        if value is not None and (type(value) is not int or not 0 <= value <= 255):
            raise LuaUserError(f"Session.Open: {name} is a whole number of dB, 0 to 255, not {value!r}")
    if not isinstance(chosen.slac, bool):
        raise LuaUserError(f"Session.Open: slac is true or false, not {chosen.slac!r}")
    check_belonging(chosen.link, given)
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


def _wait(bench: Bench, seconds: Any) -> Pending:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
        raise LuaUserError(f"Session.Wait takes a number of seconds, not {seconds!r}")
    return wait_for(bench, seconds)


def _check(bench: Bench, place: str, condition: Any = None, text: Any = "") -> bool:
    """A verdict: passed unless the condition is false or nil."""
    passed = condition is not None and condition is not False
    return _live(bench).check(passed, bench.comparisons.judged(passed, str(text)), place, str(text))


def _live(bench: Bench) -> LiveSession:
    """The open session, or the default one."""
    return bench.ensure()


# -- Ev ---------------------------------------------------------------------------------------------------------------


def _plug(bench: Bench, options: Any) -> None:
    """Plug a vehicle in: ``Ev.Plug{profile='compact', soc=40, mode='DC'}``."""
    given = _table(options, "Ev.Plug")
    bench.vehicle = _vehicle(bench.vehicle, given, "Ev.Plug")
    session = bench.ensure()
    bench.takes_part("Ev.Plug")
    if "EVCC" not in session.link.parties:
        raise LuaUserError(f"the vehicle at {session.link.place} is a real one: it plugs in by itself")
    session.plug(bench.make_vehicle(session.journal, records_frames=session.side == "EVCC"))


def _renegotiate(bench: Bench) -> None:
    try:
        _plugged(bench, "Ev.Renegotiate").act(lambda vehicle, now: vehicle.renegotiate(now), "EVCC")
    except LocalProtocolError as error:
        raise LuaUserError(str(error)) from error


def _profile(bench: Bench, name: Any) -> str:
    """Choose the profile of the vehicle that is plugged in next; gives the chosen one."""
    if name is not None:
        bench.vehicle = _vehicle(bench.vehicle, {"profile": name}, "Ev.Profile")
    return bench.vehicle.profile


def _simulated(bench: Bench) -> LiveSession:
    session = _live(bench)
    bench.takes_part("Ev")
    if "EVCC" not in session.link.parties:
        raise LuaUserError(f"the vehicle at {session.link.place} is a real one: Ev drives the simulated vehicle")
    return session


def _plugged(bench: Bench, function: str) -> LiveSession:
    """The session whose simulated vehicle is plugged in and has something to stop."""
    session = _simulated(bench)
    vehicle = session.link.parties["EVCC"]
    if vehicle.ended is not None:
        raise LuaUserError(f"{function}: the session has ended ({vehicle.ended.how}): {vehicle.ended.reason}", _FIRST)
    if vehicle.state == "idle":
        raise LuaUserError(f"{function}: no vehicle is plugged in", _FIRST)
    return session


_FIRST = "begin a session first: Session.RunTo('CurrentDemandReq'), or another message, plugs the vehicle in"


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
