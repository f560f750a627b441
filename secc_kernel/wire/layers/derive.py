"""Messages that are declared as bytes on the wire, as the types with which vocabularies declare messages of V2G.

So whatever works on declared types (the functions of scripts, views, help) works on the lower layers too, and nothing
is declared twice. What such a field takes is what the wire has room for: `SimpleType.fixed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import IntEnum
from ipaddress import IPv6Address
from typing import Annotated, Any, cast

from secc_kernel.exi.datatypes import (
    Enumeration,
    hexBinary,
    restrict,
    simple_type,
    string,
    unsignedByte,
    unsignedInt,
    unsignedLong,
    unsignedShort,
)
from secc_kernel.exi.declare import ComplexType, ComplexTypeMeta

__all__ = ["address", "complex_type", "number", "numbered", "octets"]

_NUMBERS = {1: unsignedByte, 2: unsignedShort, 4: unsignedInt, 8: unsignedLong}
#: The longest field whose length is counted in a byte.
_COUNTED = 255


def complex_type(module: str, name: str, fields: Mapping[str, Any]) -> type[ComplexType]:
    """The type of a message.

    Parameters
    ----------
    module
        The module that holds it.
    name
        The message.
    fields
        Each field's annotation, as in a declaration.
    """
    namespace = {"__module__": module, "__annotations__": dict(fields), "_anonymous_": True}
    return cast("type[ComplexType]", ComplexTypeMeta(f"{name}Type", (ComplexType,), namespace))


def number(size: int, unit: str = "") -> Any:
    """A number of so many bytes."""
    return Annotated[int, replace(restrict(_NUMBERS[size], unit=unit), fixed=True)]


def octets(size: int | None, text: bool = False) -> Any:
    """So many bytes; None: as many as there are."""
    facets = restrict(hexBinary, max_length=_COUNTED) if size is None else restrict(hexBinary, length=size)
    return Annotated[bytes, replace(facets, ascii=text, fixed=True)]


def address() -> Any:
    """An IPv6 address, as people write it."""
    return Annotated[str, replace(restrict(string), parse=IPv6Address)]


def numbered(members: type[IntEnum], module: str) -> Any:
    """A byte some of whose values have names; any other may stand there."""
    make: Any = Enumeration
    known = make(members.__name__, {member.name: member.name for member in members}, module=module)
    base = simple_type(known)
    assert base is not None
    known.__simple_type__ = replace(base, numbers=tuple(map(int, members)))
    return known
