"""What a message says about the charge that it belongs to, from its bytes: state of charge, power, who is in trouble.

A summary of a session looks at every message of it, and most of them are byte for byte one that was there before, so
what was found in the last few thousand is remembered; it cannot change.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from secc_kernel import codec
from secc_kernel.codec import Finding
from secc_kernel.exi.datatypes import SimpleType
from secc_kernel.exi.declare import ComplexType
from secc_kernel.session.physical import to_float
from secc_kernel.session.signs import trouble_said, trouble_told

__all__ = ["Gist", "gist_of"]

_REMEMBERED = 4096
#: Kinds of types whose values are states: a poll in which one of them differs is not the poll before.
_STATES = frozenset(("enumeration", "boolean"))


class Gist(NamedTuple):
    """What is remembered of a message.

    Attributes
    ----------
    name
        Of the message's element; '' where the bytes cannot be decoded.
    code
        The response code.
    states
        Its enumerations and booleans: what is said otherwise than by numbers.
    watts
        The power that flows, W: what the station has measured; None where it does not say.
    meter
        The meter's reading, Wh.
    soc
        State of charge, percent.
    evccid
        The vehicle's identifier, in the spelling of its standard.
    trouble
        What the vehicle says of itself, or the station asks of it, that ends charges; None where it says nothing of it.
    pauses
        Whether a SessionStopReq means a pause.
    findings
        What the codec noticed.
    """

    name: str
    code: str = ""
    states: tuple[tuple[str, object], ...] = ()
    watts: float | None = None
    meter: float | None = None
    soc: float | None = None
    evccid: str = ""
    trouble: str | None = None
    pauses: bool = False
    findings: tuple[Finding, ...] = ()


@lru_cache(maxsize=_REMEMBERED)
def gist_of(schema: str, data: bytes) -> Gist:
    """The gist of a message.

    Parameters
    ----------
    schema
        Key of the vocabulary.
    data
        The EXI stream.
    """
    try:
        message = codec.decode(data, schema)
    except codec.DecodeError:
        return Gist("")
    body = message.body
    found: dict[str, Any] = {}
    states: list[tuple[str, object]] = []
    for name, value, type_ in _values(body):
        found.setdefault(name, value)
        if isinstance(type_, SimpleType) and type_.kind in _STATES:
            states.append((name, value))
    return Gist(
        message.name,
        str(found.get("ResponseCode", "")),
        tuple(states),
        _power(found),
        _number(found.get("MeterReading", found.get("ChargedEnergyReadingWh"))),
        _number(found.get("EVRESSSOC", found.get("PresentSOC"))),
        _text(found.get("EVCCID", "")),
        trouble_said(body) if message.name.endswith("Req") else trouble_told(body),
        found.get("ChargingSession") == "Pause",
        tuple(message.findings),
    )


def _values(value: Any) -> Iterator[tuple[str, Any, Any]]:
    """Name, value and type of each element below a value; a physical value is one."""
    if not isinstance(value, ComplexType):
        return
    for field in type(value).__fields__:
        held = getattr(value, field.name)
        for item in held if isinstance(held, list) else (held,):
            if item is None:
                continue
            if isinstance(item, ComplexType) and item._quantity_ is None:
                yield from _values(item)
            else:
                yield field.name, item, field.type


def _power(found: dict[str, Any]) -> float | None:
    """What flows: voltage times current, or the active power of all phases."""
    if "EVSEPresentVoltage" in found and "EVSEPresentCurrent" in found:
        return to_float(found["EVSEPresentVoltage"]) * to_float(found["EVSEPresentCurrent"])
    phases = [value for name, value in found.items() if name.startswith("EVSEPresentActivePower")]
    return sum(map(to_float, phases)) if phases else None


def _number(value: Any) -> float | None:
    if value is None:
        return None
    return to_float(value) if isinstance(value, ComplexType) else float(value)


def _text(value: Any) -> str:
    return value.hex(":") if isinstance(value, bytes) else str(value)
