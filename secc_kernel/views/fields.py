"""A message's content as rows: one for each element or attribute that has a value, by the declared types."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from secc_kernel.exi.datatypes import SimpleType
from secc_kernel.exi.declare import AnyElement, Child, ComplexType, Field
from secc_kernel.exi.xml_writer import lexical
from secc_kernel.wire.layers import LAYERS

if TYPE_CHECKING:
    from secc_kernel.codec import Message

Path = tuple[str, ...]


class Leaf(NamedTuple):
    """An element or attribute that has a value."""

    #: Names from the root down: ``SAScheduleTuple[1]`` where an element repeats, ``@Id`` for an attribute.
    path: Path
    #: The Python value of the declaration; a `ComplexType` only where it is a physical value or has no content.
    value: Any
    #: Its simple type; None for what has none.
    type: SimpleType | None

    @property
    def text(self) -> str:
        """The value as XML writes it; a physical value as ``390.0 V``."""
        if isinstance(self.value, ComplexType):
            number = physical(self.value)
            return "" if number is None else f"{number[0]:f} {number[1]}".rstrip()
        return str(self.value) if self.type is None else lexical(self.type, self.value)

    @property
    def shown(self) -> str:
        """The value as scripts have it: bytes in hex digits, where XML may write base64, or as text if they are one."""
        if isinstance(self.value, bytes) and self.type is not None and self.type.ascii and self.value.isascii():
            text = self.value.decode("ascii")
            if text.isprintable():
                return text
        return self.value.hex().upper() if isinstance(self.value, bytes) else self.text

    @property
    def type_name(self) -> str:
        """The schema's name of the type, or that of the built-in one it restricts."""
        return "" if self.type is None else self.type.name or self.type.builtin


def leaves(message: Message) -> Iterator[Leaf]:
    """All values of a message in document order; paths start at the root element's name."""
    return _walk((message.element.name,), message.value, message.element.simple_type, whole=False)


def quantities(message: Message) -> Iterator[Leaf]:
    """The message's own fields without root and header, as a reader wants them: a physical value is one leaf."""
    return _walk((), message.body, message.element.simple_type, whole=True)


def key_fields(message: Message, width: int) -> str:
    """The first fields that fit into ``width`` characters; those at the top of the message go before nested ones.

    Values too long to take in at a glance are left to the details, and lists to messages that have nothing else. Below
    V2G, where nothing can be left out, what is zero says least.
    """
    shown: list[str] = []
    found = [leaf for leaf in quantities(message) if leaf.path]
    single = [leaf for leaf in found if not any(name.endswith("]") for name in leaf.path)]
    below = message.schema in LAYERS
    for leaf in sorted(single or found, key=lambda leaf: (below and _is_zero(leaf.value), len(leaf.path))):
        text = f"{leaf.path[-1]} {leaf.shown}".rstrip()
        if len(text) > 48:
            continue
        if len(text) > width:
            break
        shown.append(text)
        width -= len(text) + 3
    return " · ".join(shown)


def _is_zero(value: Any) -> bool:
    return not any(value) if isinstance(value, bytes) else value == 0


def physical(value: ComplexType) -> tuple[Decimal, str] | None:
    """Number and unit of a physical value; None for any other type."""
    read = value._quantity_.read(value) if value._quantity_ is not None else None
    return None if read is None else (Decimal(read[0]).scaleb(read[1]), read[2])


def _walk(path: Path, value: Any, type_: SimpleType | None, *, whole: bool) -> Iterator[Leaf]:
    """The leaves below a value; with ``whole``, physical values are not taken apart."""
    if isinstance(value, AnyElement):
        yield from _walk_any(path, value)
    elif not isinstance(value, ComplexType) or (whole and physical(value)):
        yield Leaf(path, value, type_)
    else:
        fields = [field for field in type(value).__fields__ if getattr(value, field.name) not in (None, [])]
        for field in fields:
            yield from _walk_field(path, field, getattr(value, field.name), whole=whole)
        if not fields and path:
            yield Leaf(path, value, None)


def _walk_field(path: Path, field: Field, value: Any, *, whole: bool) -> Iterator[Leaf]:
    type_ = field.type if isinstance(field.type, SimpleType) else None
    if field.kind == "attribute":
        yield Leaf((*path, f"@{field.name}"), value, type_)
    elif field.kind == "text":
        yield Leaf(path, value, type_)
    elif field.kind == "items":
        for item in value:
            if isinstance(item, Child):
                yield from _walk((*path, item.name), item.value, item.element.simple_type, whole=whole)
            else:
                yield from _walk_any_item(path, item)
    elif field.repeated:
        for number, item in enumerate(value):
            yield from _walk((*path, f"{_name(field, item)}[{number}]"), item, type_, whole=whole)
    else:
        yield from _walk((*path, _name(field, value)), value, type_, whole=whole)


def _walk_any(path: Path, element: AnyElement) -> Iterator[Leaf]:
    for qname, text in element.attributes.items():
        yield Leaf((*path, f"@{qname.name}"), text, None)
    for item in element.children:
        yield from _walk_any_item(path, item)


def _walk_any_item(path: Path, item: AnyElement | str) -> Iterator[Leaf]:
    if isinstance(item, AnyElement):
        yield from _walk_any((*path, item.qname.name), item)
    elif item.strip():
        yield Leaf(path, item, None)


def _name(field: Field, value: Any) -> str:
    """The element's name: in the slot of a substitution group, that of the member that has the value's type."""
    return next((name for name, type_ in field.members if type_ is type(value)), field.name)
