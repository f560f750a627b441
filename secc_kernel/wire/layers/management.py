"""The management messages that matching consists of, as declared types: from those of `wire.homeplug.messages`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from secc_kernel.exi.declare import Namespace, element
from secc_kernel.wire.homeplug import Message, fields
from secc_kernel.wire.homeplug.declare import MESSAGES, Counted, Field, Integer, Octets
from secc_kernel.wire.layers.derive import complex_type, number, numbered, octets

NAMESPACE = Namespace("urn:secc-kernel:slac")

DECLARED: dict[str, type[Message]] = {
    kind.__name__: kind for kinds in list(MESSAGES.values()) for kind in kinds if kind.SENDER
}
"""The messages with a sender, by the name of their class."""

_ENUMERATIONS: dict[str, Any] = {}


def _annotation(declared: Field) -> Any:
    form = declared.form
    if isinstance(form, Integer):
        if form.members is not None:
            name = form.members.__name__
            return _ENUMERATIONS.setdefault(name, numbered(form.members, __name__))
        made = number(form.size, form.unit)
        return made if declared.count_of is None else made | None  # counted when it is written
    if isinstance(form, Octets):
        return octets(form.size, form.text)
    assert isinstance(form, Counted), f"{declared.name}: matching has no lists"
    return octets(None)


def _types() -> Iterator[tuple[str, Any]]:
    for name, kind in DECLARED.items():
        made = complex_type(__name__, name, {field.name: _annotation(field) for field in fields(kind)})
        yield made.__name__, made
        yield name, element(made)
    yield from _ENUMERATIONS.items()


globals().update(_types())
