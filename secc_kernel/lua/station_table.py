"""``Session.Station{...}``: what the simulated station offers, and how it behaves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..messages.iso15118_2 import msg_data_types as types
from ..session.secc import SECC
from ..session.station import Station
from .convert import listed
from .errors import LuaUserError
from .functions import suggest
from .picture import scalar as shown

if TYPE_CHECKING:
    from .bench import Bench

__all__ = ["MEMBERS", "SETTINGS", "station"]

SETTINGS = {
    entry.name: str(entry.type) for entry in fields(Station) if entry.init and entry.name not in ("services", "epoch")
}
"""What can be set, and its type."""

MEMBERS: dict[str, Any] = {
    "energy_transfer_modes": types.EnergyTransferModeType,
    "payment_options": types.paymentOptionType,
    "notification": types.EVSENotificationType,
    "status_code": types.DC_EVSEStatusCodeType,
}
"""Where the values of a setting are those of an enumeration."""


def station(bench: Bench, given: Any = None) -> dict[str, Any]:
    """Set what the station offers, from now on and in the sessions to come; gives all settings."""
    if given is not None:
        if not isinstance(given, (dict, list)) or (isinstance(given, list) and given):
            raise LuaUserError(
                "Session.Station takes a table of settings", "Session.Station{maximum_current=200, free=false}"
            )
        chosen = {name: _checked(name, value) for name, value in dict(given or {}).items()}
        _apply(bench, chosen)
        bench.station.update(chosen)
    model = _model(bench)
    return {name: _for_lua(getattr(model, name)) for name in SETTINGS}


def _model(bench: Bench) -> Station:
    party = None if bench.session is None else bench.session.link.parties.get("SECC")
    return party.station if isinstance(party, SECC) else Station(**bench.station)


def _apply(bench: Bench, chosen: Mapping[str, Any]) -> None:
    session = bench.session
    if session is None:
        return
    bench.takes_part("Session.Station")
    if "SECC" not in session.link.parties:
        raise LuaUserError(f"Session.Station: the station at {session.link.place} is a real one and sets itself up")

    def change(party: Any, now: float) -> None:
        party.station.advance(now)
        for name, value in chosen.items():
            setattr(party.station, name, value)

    session.act(change, "SECC")


def _for_lua(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else False if value is None else value


def _checked(name: Any, value: Any) -> Any:
    """A setting's value as the model has it."""
    kind = SETTINGS.get(name)
    if kind is None:
        near = suggest(str(name), SETTINGS)
        hint = f"did you mean {near}?" if near else f"it has {listed(list(SETTINGS))}"
        raise LuaUserError(f"Session.Station has no setting {name!r}; {hint}")
    if value is False and "None" in kind:
        return None
    if kind.startswith("tuple"):
        value = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        for member in value:
            _check_member(name, member)
        if not value:
            raise LuaUserError(f"Session.Station: {name} is a list of one or more, such as {{{_first(name)!r}}}")
        return value
    if name in MEMBERS:
        _check_member(name, value)
        return value
    expected, fits = _KINDS[kind.partition(" ")[0]]
    if not fits(value):
        off = " or false" if "None" in kind else ""
        raise LuaUserError(f"Session.Station: {name} is {expected}{off}, not {shown(value)}")
    return value


_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "str": ("a string", lambda value: isinstance(value, str)),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "int": ("a whole number from 0", lambda value: type(value) is int and value >= 0),
    "float": (
        "a number from 0",
        lambda value: type(value) in (int, float) and math.isfinite(value) and value >= 0,
    ),
}


def _first(name: str) -> str:
    return str(next(iter(MEMBERS[name])))


def _check_member(name: str, value: Any) -> None:
    known = [str(member) for member in MEMBERS[name]]
    if value not in known:
        near = suggest(str(value), known)
        hint = f"did you mean {near!r}?" if near else f"it takes {listed(known)}"
        raise LuaUserError(f"Session.Station: {name} takes no {value!r}; {hint}")
