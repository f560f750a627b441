"""A traction battery, as far as charging notices it: state of charge, voltage, resistance, limits, taper."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from math import inf

__all__ = ["Battery"]

_CUT_OFF = 1 / 40
"""The end of charging at constant voltage: so much of the current that fills the battery in an hour."""
Curve = tuple[tuple[float, float], ...]


def interpolate(curve: Curve, at: float) -> float:
    """The value of a piecewise linear curve of (x, y) points in ascending order; constant beyond its ends."""
    place = bisect_right(curve, (at, float("inf")))
    if place == 0:
        return curve[0][1]
    if place == len(curve):
        return curve[-1][1]
    (x0, y0), (x1, y1) = curve[place - 1], curve[place]
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


@dataclass(slots=True)
class Battery:
    """A battery with an open-circuit voltage over its state of charge, and an inner resistance.

    Parameters
    ----------
    capacity : float
        Usable energy in Wh.
    soc : float
        State of charge in percent.
    voltage_curve : tuple of (percent, V)
        Open-circuit voltage over the state of charge.
    power_curve : tuple of (percent, W)
        What its management admits over the state of charge: the taper.
    resistance : float
        Inner resistance in Ohm.
    maximum_voltage, maximum_current : float
        What it never exceeds, in V and A.
    """

    capacity: float
    soc: float
    voltage_curve: Curve
    power_curve: Curve
    resistance: float
    maximum_voltage: float
    maximum_current: float
    charged: float = field(default=0.0, init=False)
    """Energy taken in since it was made, in Wh."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.soc <= 100.0:
            raise ValueError(f"a state of charge lies between 0 and 100 percent, not at {self.soc:g}")

    @property
    def open_voltage(self) -> float:
        """Voltage without current, in V."""
        return self.voltage_at(self.soc)

    def full(self, ceiling: float = inf) -> bool:
        """Whether it takes hardly any current any more: a voltage limit is reached and the current has run down.

        Parameters
        ----------
        ceiling : float
            The most that its charger gives, in V.
        """
        return self.current_limit(ceiling) <= _CUT_OFF * self.capacity / self.open_voltage

    def voltage(self, current: float) -> float:
        """Voltage at its terminals while it is charged with ``current``, in V."""
        return min(self.open_voltage + self.resistance * current, self.maximum_voltage)

    def current_limit(self, ceiling: float = inf) -> float:
        """The most current that it takes now, in A: by its own limit, its power curve, and the voltage at the end.

        Parameters
        ----------
        ceiling : float
            The most that its charger gives, in V.
        """
        open_voltage = self.open_voltage
        by_power = interpolate(self.power_curve, self.soc) / max(open_voltage, 1.0)
        by_voltage = (min(self.maximum_voltage, ceiling) - open_voltage) / self.resistance
        return max(0.0, min(self.maximum_current, by_power, by_voltage))

    def charge(self, power: float, seconds: float) -> None:
        """Take in ``power`` (W at the terminals) for some time."""
        energy = min(power * seconds / 3600.0, self.capacity * (100.0 - self.soc) / 100.0)
        self.charged += energy
        self.soc = min(100.0, self.soc + 100.0 * energy / self.capacity)

    def voltage_at(self, soc: float) -> float:
        """Voltage without current at a state of charge, in V."""
        return interpolate(self.voltage_curve, soc)

    def energy_to(self, soc: float) -> float:
        """Energy still missing up to a state of charge, in Wh."""
        return max(0.0, (soc - self.soc) * self.capacity / 100.0)
