"""Facets: lengths, bounds and lexical rules that a schema demands of values and EXI does not enforce."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from .datatypes import SimpleType, is_no_value
from .declare import Child, ComplexType, Element
from .errors import Finding, short, shown
from .grammar import Grammars
from .xml_writer import slot_element

_NC_NAME = re.compile(r"[^\W\d][\w.-]*")


def check(grammars: Grammars, element: Element, value: Any) -> Iterator[Finding]:
    """Every violation of a facet, in document order."""
    if not (isinstance(value, ComplexType) and _is_sound(value)):
        yield from _check(grammars, element, value, element.name)


def _check(grammars: Grammars, element: Element, value: Any, path: str) -> Iterator[Finding]:
    simple = element.simple_type
    if simple is not None:
        yield from check_value(simple, value, path)
    elif isinstance(value, ComplexType):
        for field in type(value).__fields__:
            held = getattr(value, field.name)
            if field.kind in ("attribute", "text"):
                if held is not None:
                    name = f"{path}/@{field.name}" if field.kind == "attribute" else path
                    yield from check_value(field.type, held, name)
            elif field.kind == "items":
                for child in _listed(held):
                    if isinstance(child, Child):
                        yield from _check(grammars, child.element, child.value, f"{path}/{child.name}")
            elif field.repeated:
                for number, one in enumerate(_listed(held)):
                    member = slot_element(grammars.schema, field, one)
                    yield from _check(grammars, member, one, f"{path}/{member.name}[{number}]")
            elif held is not None:
                member = slot_element(grammars.schema, field, held)
                yield from _check(grammars, member, held, f"{path}/{member.name}")


def _listed(held: Any) -> Any:
    """What a repeated field holds; nothing if that is no list, which is for whoever writes the message to say."""
    return held if isinstance(held, (list, tuple)) else ()


# Nearly every message is sound, and a live session asks for each. So the question is answered first without paths,
# declarations and generators: for each type once, which of its fields can break a facet at all, and how to tell.

_Test = Callable[[Any], bool]
_TESTS: dict[type, tuple[tuple[str, bool, _Test], ...]] = {}


def _is_sound(value: Any) -> bool:
    """Whether a value surely has no violation; False also where only the thorough way can tell."""
    if not isinstance(value, ComplexType):
        return False
    kind = type(value)
    tests = _TESTS.get(kind)
    if tests is None:
        tests = _TESTS[kind] = tuple(_tests(kind))
    for name, repeated, test in tests:
        held = getattr(value, name)
        if held is not None and not (isinstance(held, list) and all(map(test, held)) if repeated else test(held)):
            return False
    return True


def _tests(kind: type[ComplexType]) -> Iterator[tuple[str, bool, _Test]]:
    for field in kind.__fields__:
        if field.kind == "items":
            yield field.name, False, lambda held: not held
        elif not isinstance(field.type, SimpleType):
            yield field.name, field.repeated, _is_sound
        else:
            yield field.name, field.repeated, _test(field.type)


def _test(type_: SimpleType) -> _Test:
    low, high = type_.min_inclusive, type_.max_inclusive
    if type_.kind in ("enumeration", "boolean"):
        return lambda value: isinstance(value, (str, bool)) or bool(type_.numbers)
    if type_.kind == "integer" and low is not None and high is not None:
        return lambda value: isinstance(value, int) and low <= value <= high
    return lambda value: next(check_value(type_, value, ""), None) is None


def check_value(type_: SimpleType, value: Any, path: str) -> Iterator[Finding]:
    """Violations of one value's facets."""
    name = type_.name or type_.builtin
    if isinstance(value, bool) or (type_.kind == "enumeration" and isinstance(value, str)):
        return
    if isinstance(value, int) and type_.kind == "integer":
        if type_.min_inclusive is not None and value < type_.min_inclusive:
            yield Finding(
                "facet.min", "warning", path, f"{shown(value)} is below {type_.min_inclusive}, the least {name}"
            )
        if type_.max_inclusive is not None and value > type_.max_inclusive:
            yield Finding(
                "facet.max", "warning", path, f"{shown(value)} is above {type_.max_inclusive}, the greatest {name}"
            )
    elif isinstance(value, (str, bytes)) and type_.kind in ("string", "hexBinary", "base64Binary"):
        unit = "characters" if isinstance(value, str) else "bytes"
        if type_.min_length is not None and len(value) < type_.min_length:
            yield Finding(
                "facet.min-length", "warning", path, f"{len(value)} {unit}, {name} has at least {type_.min_length}"
            )
        if type_.max_length is not None and len(value) > type_.max_length:
            yield Finding(
                "facet.max-length", "warning", path, f"{len(value)} {unit}, {name} has at most {type_.max_length}"
            )
        if not value and not type_.min_length and not is_no_value(value):  # the reader has noted the other form
            yield Finding("value.empty", "note", path, f"an empty {name}")
        if type_.builtin in ("ID", "IDREF") and value and not _NC_NAME.fullmatch(str(value)):
            yield Finding("xml.name", "warning", path, f"{short(repr(value))} is no XML name, as {type_.builtin} is")
        if isinstance(value, str) and any(c < " " and c not in "\t\n\r" for c in value):
            yield Finding(
                "xml.character", "warning", path, f"{value[:40]!r} holds characters that XML 1.0 cannot carry"
            )
