"""Physical values: floats in SI units to the standards' PhysicalValueType and back.

A physical value is a short times a power of ten. The resolutions here are those of stations in the field: 0.1 V, 0.1 A,
10 W, 1 Wh; a value too large for a short gives up resolution, never its size. Each standard declares a type of its own,
so whoever makes one takes them from a `Quantities`.
"""

from __future__ import annotations

from typing import Any

from secc_kernel.messages.din70121 import msg_data_types as din
from secc_kernel.messages.iso15118_2 import msg_data_types as iso2

__all__ = ["DIN", "ISO2", "Quantities", "to_float"]

_SHORT = 32767


class Quantities:
    """Makes the physical values of a standard.

    Parameters
    ----------
    types : module
        The standard's data types.
    """

    def __init__(self, types: Any) -> None:
        self._type = types.PhysicalValueType
        self._units = types.unitSymbolType

    def quantity(self, value: float, unit: str, multiplier: int = 0) -> Any:
        """A physical value with the given resolution (power of ten), or the next coarser one that holds it."""
        while True:
            raw = round(value * 10**-multiplier) if multiplier <= 0 else round(value / 10**multiplier)
            if -_SHORT <= raw <= _SHORT:
                return self._type(Multiplier=multiplier, Unit=self._units(unit), Value=raw)
            multiplier += 1

    def volts(self, value: float) -> Any:
        """Voltage in V, resolved to 0.1 V."""
        return self.quantity(value, "V", -1)

    def amperes(self, value: float) -> Any:
        """Current in A, resolved to 0.1 A."""
        return self.quantity(value, "A", -1)

    def watts(self, value: float) -> Any:
        """Power in W, resolved to 10 W."""
        return self.quantity(value, "W", 1)

    def watt_hours(self, value: float) -> Any:
        """Energy in Wh, resolved to 1 Wh."""
        return self.quantity(value, "Wh")

    def seconds(self, value: float) -> Any:
        """Duration in s, resolved to 1 s."""
        return self.quantity(value, "s")


ISO2 = Quantities(iso2)
"""Those of ISO 15118-2."""
DIN = Quantities(din)
"""Those of DIN SPEC 70121."""


def to_float(value: Any) -> float:
    """The number that a physical value stands for, in its unit; 0 for one that the peer left out or did not fill."""
    shape = getattr(value, "_quantity_", None)
    read = shape.read(value) if shape is not None else None
    if read is None:
        return 0.0
    raw, exponent, _ = read
    return float(raw * 10**exponent) if exponent >= 0 else raw / 10**-exponent
