"""Numbers with an exponent and a unit, which schemas declare as a complex type of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Quantity"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Which fields make a complex type a quantity: number × 10^exponent, in a unit.

    Attributes
    ----------
    number, exponent : str
        The fields that hold them.
    unit : str
        The field that holds the unit; '' if the type has none.
    """

    number: str
    exponent: str
    unit: str = ""

    def read(self, value: Any) -> tuple[int, int, str] | None:
        """Number, exponent and unit that a value of the type holds; None if it lacks the numbers."""
        number, exponent = getattr(value, self.number), getattr(value, self.exponent)
        if not isinstance(number, int) or not isinstance(exponent, int):
            return None
        unit = getattr(value, self.unit) if self.unit else None
        return number, exponent, "" if unit is None else str(unit)
