"""Two streams side by side: which values differ, and in which bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from .reader import Step


class Difference(NamedTuple):
    """One value of either stream."""

    path: str
    change: str
    """``same``, ``changed``, ``only a`` or ``only b``."""
    a: Any
    b: Any
    offset_a: int | None
    """First bit of the value in the first stream; None where it is not there."""
    offset_b: int | None
    bits_a: str
    bits_b: str


_Key = tuple[str, str, int]


def difference(a: tuple[Iterable[Step], bytes], b: tuple[Iterable[Step], bytes]) -> list[Difference]:
    """The values of two streams, given as their steps and bytes, in the order of the streams.

    Values are matched by their path; what only the second stream has stands after its predecessor there.
    """
    left, right = _values(*a), _values(*b)
    found = []
    for key in _merged(list(left), list(right)):
        (value_a, offset_a, bits_a), (value_b, offset_b, bits_b) = left.get(key, _NONE), right.get(key, _NONE)
        change = "only b" if offset_a is None else "only a" if offset_b is None else "same"
        if change == "same" and (value_a != value_b or bits_a != bits_b):
            change = "changed"
        found.append(Difference(key[0], change, value_a, value_b, offset_a, offset_b, bits_a, bits_b))
    return found


_NONE: tuple[Any, int | None, str] = (None, None, "")


def _values(steps: Iterable[Step], data: bytes) -> dict[_Key, tuple[Any, int | None, str]]:
    digits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}" if data else ""
    found: dict[_Key, tuple[Any, int | None, str]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for step in steps:
        if step.event in ("value", "padding", "surplus"):
            where = (step.path, step.event)
            path = step.path or f"({step.event})"
            bits = digits[step.offset : step.offset + step.length]
            found[path, step.event, seen[where]] = (step.value, step.offset, bits)
            seen[where] += 1
    return found


def _merged(left: list[_Key], right: list[_Key]) -> list[_Key]:
    """All keys: those of the left in order, and those that only the right has after their predecessor there."""
    known = set(left)
    after: dict[_Key | None, list[_Key]] = {}
    anchor: _Key | None = None
    for key in right:
        if key in known:
            anchor = key
        else:
            after.setdefault(anchor, []).append(key)
    merged = after.get(None, [])
    for key in left:
        merged.append(key)
        merged += after.get(key, [])
    return merged
