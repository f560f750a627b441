"""Physical values of ISO 15118-2: floats in SI units to PhysicalValueType and back.

A physical value is a short times a power of ten. The resolutions here are those of stations in the field: 0.1 V, 0.1 A,
10 W, 1 Wh; a value too large for a short gives up resolution, never its size.
"""

from __future__ import annotations

from typing import Any

from secc_kernel.messages.iso15118_2.msg_data_types import PhysicalValueType, unitSymbolType

__all__ = ["amperes", "quantity", "seconds", "to_float", "volts", "watt_hours", "watts"]

_SHORT = 32767


def quantity(value: float, unit: unitSymbolType, multiplier: int = 0) -> PhysicalValueType:
    """A physical value with the given resolution (power of ten), or the next coarser one that holds it."""
    while True:
        raw = round(value * 10**-multiplier) if multiplier <= 0 else round(value / 10**multiplier)
        if -_SHORT <= raw <= _SHORT:
            return PhysicalValueType(Multiplier=multiplier, Unit=unit, Value=raw)
        multiplier += 1


def volts(value: float) -> PhysicalValueType:
    """Voltage in V, resolved to 0.1 V."""
    return quantity(value, unitSymbolType.V, -1)


def amperes(value: float) -> PhysicalValueType:
    """Current in A, resolved to 0.1 A."""
    return quantity(value, unitSymbolType.A, -1)


def watts(value: float) -> PhysicalValueType:
    """Power in W, resolved to 10 W."""
    return quantity(value, unitSymbolType.W, 1)


def watt_hours(value: float) -> PhysicalValueType:
    """Energy in Wh, resolved to 1 Wh."""
    return quantity(value, unitSymbolType.Wh)


def seconds(value: float) -> PhysicalValueType:
    """Duration in s, resolved to 1 s."""
    return quantity(value, unitSymbolType.s)


def to_float(value: Any) -> float:
    """The number that a physical value stands for, in its unit; 0 for one that the peer left out or did not fill."""
    multiplier = getattr(value, "Multiplier", None)
    raw = getattr(value, "Value", None)
    if not isinstance(raw, int) or not isinstance(multiplier, int):
        return 0.0
    return float(raw * 10**multiplier) if multiplier >= 0 else raw / 10**-multiplier
