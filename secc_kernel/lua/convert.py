"""Values between Lua and the declarations: what a script writes and reads for each simple type."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from ..exi.datatypes import SimpleType
from ..exi.facets import check_value

__all__ = ["ValueMismatchError", "expectation", "from_script", "listed", "table_name", "to_script"]

_UNITS = "unitSymbolType"
_UNIT_PREFIX = "Unit_"
_LUA_INTEGER_MAX = 2**63 - 1
_BYTE = 255
#: Names of many that an error shows.
_NAMES_SHOWN = 5


class ValueMismatchError(ValueError):
    """A value that the field cannot take: EXI has no way to write it."""


def table_name(type_: SimpleType) -> str:
    """The global table of an enumeration: the schema type's name, first letter upper case."""
    return type_.name[:1].upper() + type_.name[1:]


def member_key(type_: SimpleType, literal: str) -> str:
    """How an enumeration's table spells a literal."""
    return _UNIT_PREFIX + literal if type_.name == _UNITS else literal


def expectation(type_: SimpleType, brief: bool = False) -> str:
    """What a field of this type takes, for documentation and (``brief``) for errors."""
    if type_.kind == "enumeration":
        keys = [member_key(type_, str(member)) for member in type_.members]
        other = " or another number of a byte" if type_.numbers else ""
        return f"a {table_name(type_)} ({listed(keys) if brief else ', '.join(keys)}){other}"
    if type_.kind == "boolean":
        return "true or false"
    if type_.kind == "integer":
        return _integer_range(type_)
    if type_.parse is not None:
        return "an IPv6 address such as 'fe80::1'"
    unit = "characters" if type_.kind == "string" else "bytes"
    length = _length_range(type_, unit)
    what = "a string" if type_.kind == "string" or is_text(type_) else "a string of hex digits such as '0102FF'"
    return f"{what}{length}"


def _integer_range(type_: SimpleType) -> str:
    low, high = type_.min_inclusive, type_.max_inclusive
    if low is None and high is None:
        return "a whole number"
    return f"a whole number from {'-∞' if low is None else low} to {'∞' if high is None else high}"


def _length_range(type_: SimpleType, unit: str) -> str:
    low, high = type_.min_length, type_.max_length
    if low is None and high is None:
        return ""
    if low == high:
        return f" ({low} {unit})"
    if low is None:
        return f" (at most {high} {unit})"
    return f" (at least {low} {unit})" if high is None else f" ({low} to {high} {unit})"


def from_script(type_: SimpleType, value: Any) -> Any:
    """Convert what a script set to the declaration's Python value.

    Values that break a facet (a length, a bound) pass where EXI can write them: a tester sends them on purpose.

    Raises
    ------
    ValueMismatchError
        EXI cannot express the value; the text says what the field takes.
    """
    made = _FROM_SCRIPT[type_.kind](type_, value)
    if type_.fixed and any(found.severity != "note" for found in check_value(type_, made, "")):
        raise _mismatch(type_, value, " (the wire has room for no other)")
    return made


def _shown(value: Any) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else repr(value[:57] + "...")
    return str(value) if isinstance(value, (int, float)) else f"a {type(value).__name__.lstrip('_')}"


def listed(names: Sequence[str]) -> str:
    """Names in an error: all, or of many the first and how many there are."""
    if len(names) <= _NAMES_SHOWN * 2:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMES_SHOWN])}, … {len(names)} in all"


def _mismatch(type_: SimpleType, value: Any, hint: str = "") -> ValueMismatchError:
    return ValueMismatchError(f"takes {expectation(type_, brief=True)}, not {_shown(value)}{hint}")


def _enumeration(type_: SimpleType, value: Any) -> Any:
    if type_.numbers and type(value) is int and 0 <= value <= _BYTE:
        return type_.members[type_.numbers.index(value)] if value in type_.numbers else value
    if isinstance(value, str):
        literal = value
        if type_.name == _UNITS and value.startswith(_UNIT_PREFIX):
            literal = value[len(_UNIT_PREFIX) :]
        for member in type_.members:
            if member.value == literal:
                return member
        near = difflib.get_close_matches(literal, [str(m) for m in type_.members], 1, 0.5)
        if near:
            table = table_name(type_)
            keys = [member_key(type_, str(member)) for member in type_.members]
            raise ValueMismatchError(
                f"takes a {table}, not {_shown(value)}; did you mean {table}.{member_key(type_, near[0])}? "
                f"It has {listed(keys)}"
            )
    raise _mismatch(type_, value)


def _boolean(type_: SimpleType, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _mismatch(type_, value)


def _integer(type_: SimpleType, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        raise _mismatch(type_, value)
    number = int(value)
    coding = type_.coding
    if type_.fixed:
        return number
    if coding.form == "nbit" and not 0 <= number - coding.offset < 2**coding.width:
        raise _mismatch(type_, value, f" (EXI writes it in {coding.width} bits)")
    if coding.form == "unsigned" and number < 0:
        raise _mismatch(type_, value, " (EXI writes it without a sign)")
    return number


def _string(type_: SimpleType, value: Any) -> str:
    if not isinstance(value, str):
        raise _mismatch(type_, value)
    if type_.parse is not None:
        try:
            type_.parse(value)
        except ValueError:
            raise _mismatch(type_, value) from None
    return value


def is_text(type_: SimpleType) -> bool:
    """Whether scripts write these bytes as text: the EVSEID of DIN SPEC 70121, whose schema says hexBinary."""
    return type_.ascii


def _binary(type_: SimpleType, value: Any) -> bytes:
    if isinstance(value, str) and is_text(type_) and value.isascii():
        return value.encode("ascii")
    if isinstance(value, str):
        try:
            return bytes.fromhex(value)
        except ValueError:
            raise _mismatch(type_, value) from None
    raise _mismatch(type_, value)


_FROM_SCRIPT = {
    "enumeration": _enumeration,
    "boolean": _boolean,
    "integer": _integer,
    "string": _string,
    "hexBinary": _binary,
    "base64Binary": _binary,
}


def to_script(type_: SimpleType, value: Any) -> Any:
    """Convert a declaration's Python value to what a script reads: hex digits for bytes, the literal of a member."""
    if isinstance(value, bytes):
        if is_text(type_) and value.isascii() and value.decode().isprintable():
            return value.decode()
        return value.hex().upper()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > _LUA_INTEGER_MAX:
        return float(value)  # Lua's integers end at 2^63 - 1
    return value
