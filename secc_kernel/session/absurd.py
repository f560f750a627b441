"""What a script makes a station say that no station can mean: another unit than belongs there, a voltage out of reach.

Both are valid by the schema, so nothing else finds them. What belongs there is not listed here: the autopilot's own
answer has the right units, and the vehicle's request says what it asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from secc_kernel.exi.declare import ComplexType
from secc_kernel.session.physical import to_float

if TYPE_CHECKING:
    from secc_kernel.codec import Message

__all__ = ["absurdities"]

_ABOVE = 1.1
"""Times what was asked for that a voltage may be: an output overshoots, a measurement errs."""
_ISOLATION_TEST = 500.0
"""In V. The cable check leaves this voltage at the output, and the pre-charge begins with it."""


def absurdities(request: Message, response: Message, usual: Message) -> Iterator[tuple[str, str]]:
    """What is absurd about a station's answer: a rule and a text each.

    Parameters
    ----------
    request : Message
        What it answers.
    response : Message
        The answer.
    usual : Message
        The autopilot's answer at this moment.
    """
    for path, value, right in _quantities(response.body, usual.body, ()):
        unit, expected = _unit(value), _unit(right)
        if unit is not None and expected is not None and unit != expected:
            yield "values.unit", f"{response.name} {'/'.join(path)} is in {unit}, and belongs in {expected}"
    present = getattr(response.body, "EVSEPresentVoltage", None)
    target = to_float(getattr(request.body, "EVTargetVoltage", None))
    if present is None or target <= 0.0:
        return
    volts, most = to_float(present), _ABOVE * max(target, 0.0 if "Current" in request.name else _ISOLATION_TEST)
    if volts > most:
        text = f"{response.name} EVSEPresentVoltage is {volts:g} V, where the vehicle asked for {target:g} V"
        yield "values.voltage", f"{text}: no output is so far above it"
    elif volts < 0.0:
        yield "values.voltage", f"{response.name} EVSEPresentVoltage is {volts:g} V: the poles are the wrong way round"


def _quantities(value: Any, usual: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """The physical values of both, pairwise; what only one of them has says nothing."""
    if not isinstance(value, ComplexType) or type(value) is not type(usual):
        return
    if getattr(value, "_quantity_", None) is not None:
        yield path, value, usual
        return
    for field in type(value).__fields__:
        mine, other = getattr(value, field.name), getattr(usual, field.name)
        if mine is not None and other is not None:
            yield from _quantities(mine, other, (*path, field.name))


def _unit(value: Any) -> str | None:
    read = value._quantity_.read(value)
    return str(read[2]) if read is not None and read[2] else None
