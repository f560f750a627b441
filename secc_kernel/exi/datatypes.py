"""Simple types: XML Schema's built-in ones, restrictions of them, enumerations; and how EXI represents each.

A simple type is used in declarations as an annotation: ``Annotated[str, restrict(string, max_length=37)]``.
Type checkers see the Python type, the grammar sees the `SimpleType`.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from typing import Annotated, Any, get_args

from .errors import DeclarationError

NBIT_RANGE = 4096
"""Integers with at most so many values are written as n-bit integers (EXI 1.0, 7.1.5)."""


class Enumeration(str, enum.Enum):
    """Base of declared enumerations: a string whose position in the declaration is its EXI code (EXI 1.0, 7.2)."""

    # As a key, a member is its string: Enum's own hash is that of the member's Python name.
    __hash__ = str.__hash__

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return format(str(self.value), spec)

    def __repr__(self) -> str:
        return repr(str(self.value))


class _NoText(str):
    __slots__ = ()


class _NoBytes(bytes):
    __slots__ = ()


NO_TEXT = _NoText()
"""An empty string that its stream (or XML) carries as an element without any characters."""

NO_BYTES = _NoBytes()
"""Empty binary content that its stream (or XML) carries as an element without any characters."""


def is_no_value(value: object) -> bool:
    """Whether a value is `NO_TEXT` or `NO_BYTES`: empty, and written without a characters event.

    An empty string or binary value has two EXI forms: a characters event of length 0, which charging stacks write and
    read, and the end of the element in place of it, which general EXI processors write. A message that was read keeps
    its form; what a program sets to ``""`` takes the first.
    """
    return type(value) in (_NoText, _NoBytes)


@dataclass(frozen=True, eq=False)
class SimpleType:
    """A simple type with its facets.

    Attributes
    ----------
    kind : str
        ``boolean``, ``integer``, ``string``, ``hexBinary``, ``base64Binary`` or ``enumeration``.
    name : str
        The schema's name; empty for an anonymous type.
    min_inclusive, max_inclusive : int or None
        Bounds of an integer.
    min_length, max_length : int or None
        Bounds of a string's length in characters, or of a binary value's in bytes.
    members : tuple of Enumeration
        An enumeration's values in the schema's order.
    builtin : str
        The built-in type of XML Schema that it is or restricts.
    module : str
        The module that declares it; other modules may import it under the same name.
    unit : str
        What a number counts, where its type settles that: ``%``. Not part of the schema.
    ascii : bool
        Whether a binary value holds the ASCII codes of a text, which is how people write it. Not part of the schema.
    fixed : bool
        Whether what breaks a facet cannot be written at all: a field of a fixed width, in formats other than EXI.
    numbers : tuple of int
        The number of each member of an enumeration, in formats that write a byte where any other number may stand.
    parse : callable or None
        What reads a text, in formats that do not write it as it is; raises ValueError for what is none.
    """

    kind: str
    name: str = ""
    min_inclusive: int | None = None
    max_inclusive: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    members: tuple[Enumeration, ...] = ()
    builtin: str = ""
    module: str = ""
    unit: str = ""
    ascii: bool = False
    fixed: bool = False
    numbers: tuple[int, ...] = ()
    parse: Callable[[str], object] | None = None
    coding: Coding = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "coding", _coding(self))

    def __reduce__(self) -> tuple[Any, ...]:
        if self.name and (self.module or self.name in BUILTIN_TYPES):
            return _declared, (self.module, self.name)
        return SimpleType, tuple(getattr(self, f.name) for f in fields(self) if f.init)

    def __repr__(self) -> str:
        return f"<SimpleType {self.name or 'anonymous'} ({self.kind})>"


def _declared(module: str, name: str) -> SimpleType:
    found = simple_type(getattr(import_module(module), name)) if module else BUILTIN_TYPES[name]
    assert found is not None
    return found


@dataclass(frozen=True)
class Coding:
    """How EXI represents a simple type (EXI 1.0, 7.1).

    ``form`` is ``boolean``, ``nbit`` (``width`` bits, ``offset`` added), ``unsigned``, ``integer``, ``string``,
    ``binary`` or ``enumeration`` (``width`` bits).
    """

    form: str
    width: int = 0
    offset: int = 0


def _coding(type_: SimpleType) -> Coding:
    if type_.kind == "enumeration":
        return Coding("enumeration", width=bits_for(len(type_.members)))
    if type_.kind == "integer":
        low, high = type_.min_inclusive, type_.max_inclusive
        if low is not None and high is not None and high - low < NBIT_RANGE:
            return Coding("nbit", width=bits_for(high - low + 1), offset=low)
        return Coding("unsigned" if low is not None and low >= 0 else "integer")
    forms = {"boolean": "boolean", "string": "string", "hexBinary": "binary", "base64Binary": "binary"}
    if type_.kind not in forms:
        raise DeclarationError(f"simple types of kind {type_.kind!r} are not supported")
    return Coding(forms[type_.kind])


def bits_for(alternatives: int) -> int:
    """Bits that tell so many alternatives apart: ceil(log2(alternatives))."""
    return (alternatives - 1).bit_length() if alternatives > 0 else 0


def simple_type(annotation: Any) -> SimpleType | None:
    """The simple type behind an annotation, or None if it is no simple type."""
    if isinstance(annotation, type) and issubclass(annotation, Enumeration):
        known = annotation.__dict__.get("__simple_type__")
        if known is None:
            known = SimpleType(
                "enumeration", annotation.__name__, members=tuple(annotation), module=annotation.__module__
            )
            annotation.__simple_type__ = known  # type: ignore[attr-defined]
        assert isinstance(known, SimpleType)
        return known
    for meta in getattr(annotation, "__metadata__", ()):
        if isinstance(meta, SimpleType):
            return meta
    if hasattr(annotation, "__metadata__"):
        return simple_type(get_args(annotation)[0])
    return None


def restrict(
    base: Any,
    *,
    length: int | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    min_inclusive: int | None = None,
    max_inclusive: int | None = None,
    unit: str = "",
    ascii: bool = False,
) -> SimpleType:
    """A restriction of a simple type by facets; facets that are not given are inherited.

    ``unit`` and ``ascii`` say what the schema does not: see `SimpleType`.
    """
    found = simple_type(base)
    if found is None:
        raise DeclarationError(f"{base!r} is not a simple type")
    given = {
        "min_length": length if length is not None else min_length,
        "max_length": length if length is not None else max_length,
        "min_inclusive": min_inclusive,
        "max_inclusive": max_inclusive,
    }
    changes: dict[str, Any] = {facet: bound for facet, bound in given.items() if bound is not None}
    changes |= {"unit": unit or found.unit, "ascii": ascii or found.ascii}
    return replace(found, name="", module=sys._getframe(1).f_globals["__name__"], **changes)


def _builtin(kind: str, name: str, low: int | None = None, high: int | None = None) -> SimpleType:
    return SimpleType(kind, name, min_inclusive=low, max_inclusive=high, builtin=name)


boolean = Annotated[bool, _builtin("boolean", "boolean")]
string = Annotated[str, _builtin("string", "string")]
anyURI = Annotated[str, _builtin("string", "anyURI")]
ID = Annotated[str, _builtin("string", "ID")]
IDREF = Annotated[str, _builtin("string", "IDREF")]
hexBinary = Annotated[bytes, _builtin("hexBinary", "hexBinary")]
base64Binary = Annotated[bytes, _builtin("base64Binary", "base64Binary")]
integer = Annotated[int, _builtin("integer", "integer")]
byte = Annotated[int, _builtin("integer", "byte", -(2**7), 2**7 - 1)]
short = Annotated[int, _builtin("integer", "short", -(2**15), 2**15 - 1)]
int_ = Annotated[int, _builtin("integer", "int", -(2**31), 2**31 - 1)]
long = Annotated[int, _builtin("integer", "long", -(2**63), 2**63 - 1)]
unsignedByte = Annotated[int, _builtin("integer", "unsignedByte", 0, 2**8 - 1)]
unsignedShort = Annotated[int, _builtin("integer", "unsignedShort", 0, 2**16 - 1)]
unsignedInt = Annotated[int, _builtin("integer", "unsignedInt", 0, 2**32 - 1)]
unsignedLong = Annotated[int, _builtin("integer", "unsignedLong", 0, 2**64 - 1)]

BUILTIN_TYPES: dict[str, SimpleType] = {
    found.name: found
    for found in (simple_type(a) for a in (
        boolean, string, anyURI, ID, IDREF, hexBinary, base64Binary, integer, byte, short, int_, long,
        unsignedByte, unsignedShort, unsignedInt, unsignedLong,
    ))
    if found is not None
} | {
    found.name: found
    for found in (
        *(_builtin("string", name) for name in (
            "normalizedString", "token", "language", "Name", "NCName", "NMTOKEN", "ENTITY", "QName", "NOTATION",
            "duration", "anySimpleType",
        )),
        _builtin("integer", "nonNegativeInteger", 0),
        _builtin("integer", "positiveInteger", 1),
        _builtin("integer", "nonPositiveInteger", None, 0),
        _builtin("integer", "negativeInteger", None, -1),
    )
}  # fmt: skip
"""XML Schema's built-in types by name: those that declarations use, and those that xsi:type may name besides.

Missing are decimal, float, double, the types of dates, and lists.
"""
