"""Messages from XML text.

Prefixes and layout do not matter; what a message of the schema has no place for is an error that says where. References
to characters that XML 1.0 has no room for are read as `xml_writer` writes them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .datatypes import NO_BYTES, NO_TEXT, SimpleType
from .declare import AnyElement, Child, ComplexType, Element, Field
from .errors import EncodeError
from .names import XSI_NAMESPACE, QName
from .reader import MAX_DEPTH
from .schema import Schema, leaf_element
from .xml_writer import FORBIDDEN

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element as Node

_ESCAPE = "\U0010fffd"
_SPACE = re.compile("[ \t\r\n]*")
_INTEGER = re.compile("[+-]?[0-9]+")
_PARTS = re.compile(
    f"<!\\[CDATA\\[.*?(?:]]>|\\Z)|<!--.*?(?:-->|\\Z)|&#(?:x([0-9a-fA-F]+)|([0-9]+));|{_ESCAPE}", re.DOTALL
)
_HIDDEN = re.compile(f"{_ESCAPE}(.)")
_PRIVATE = 0xE000
"""References to characters that XML parsers refuse are hidden while one runs: an escape character of a private plane,
and a character of the private area. The escape character itself is doubled."""

_PRUNED = ("schemaLocation", "noNamespaceSchemaLocation")
"""Attributes of xsi that say where a schema is, not what the message is."""


def parse(schema: Schema, text: str | bytes, fragment: bool = False) -> tuple[Element, Any]:
    """The element and value that an XML text stands for.

    Prefixes do not matter. Documents with a DTD, entities or external references are refused.

    Raises
    ------
    EncodeError
        If the text is not well-formed or does not fit the schema; ``path`` says where.
    """
    # Imported here: a kernel that never reads XML does not load a parser at start.
    from xml.etree.ElementTree import ParseError, fromstring

    from defusedxml import DefusedXmlException

    try:
        if isinstance(text, bytes):
            text = text.decode()
        text = _PARTS.sub(_hide, text.lstrip("\ufeff \t\r\n"))
        if "<!DOCTYPE" in text:  # only there can entities be declared; without, Python's parser is as safe and quicker
            from defusedxml.ElementTree import fromstring as guarded

            root = guarded(text, forbid_dtd=True)
        else:
            root = fromstring(text)
    except UnicodeError as error:
        raise EncodeError(f"not UTF-8: {error}", "") from None
    except ParseError as error:
        raise EncodeError(f"not well-formed XML: {error}", "") from None
    except DefusedXmlException as error:
        raise EncodeError(f"XML with a DTD, entities or external references is not accepted: {error}", "") from None
    qname = _qname(root.tag)
    element = schema.element(qname)
    parser = _PARSERS.get(schema)
    if parser is None:
        parser = _PARSERS[schema] = _Parser(schema)
    if element is None and fragment:
        known = next((f for f in schema.fragments if f.qname == qname), None)
        if known is not None and known.element is None:
            return Element.named(qname, None), parser.undeclared(root, qname.name)
        element = known.element if known else None
    if element is None:
        raise EncodeError(f"{qname} is no {'fragment' if fragment else 'message'} of this vocabulary", qname.name)
    return element, parser.value(element, root, element.name)


def _hide(match: re.Match[str]) -> str:
    found = match[0]
    if match.lastindex is None:  # in comments and CDATA sections references are plain text
        return found.replace(_ESCAPE, 2 * _ESCAPE)
    digits = match[match.lastindex].lstrip("0") or "0"
    point = int(digits, 16 if match.lastindex == 1 else 10) if len(digits) <= 7 else -1
    if point == ord(_ESCAPE):
        return 2 * _ESCAPE
    if 0 <= point < 0x10000 and not 0xD800 <= point <= 0xDFFF and FORBIDDEN.match(chr(point)):
        return _ESCAPE + chr(_PRIVATE + point % 0xFF00)
    return found


def _shown(text: str | None) -> str:
    """Text from the parser, with what `_hide` hid."""
    if not text or _ESCAPE not in text:
        return text or ""
    return _HIDDEN.sub(_reveal, text)


def _reveal(match: re.Match[str]) -> str:
    if match[1] == _ESCAPE:
        return _ESCAPE
    point = ord(match[1]) - _PRIVATE
    return chr(point if point < 0x20 else point + 0xFF00)


def _qname(tag: str) -> QName:
    uri, _, name = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    return QName(uri, name)


class _Shape:
    """What XML may hold for a complex type, by names as ElementTree has them; local names are taken leniently."""

    def __init__(self, schema: Schema, cls: type[ComplexType]) -> None:
        fields = cls.__fields__
        self.attributes = {name: f for f in fields if f.kind == "attribute" for name in (f.name, str(f.qname))}
        self.text = next((f for f in fields if f.kind == "text"), None)
        self.items = next((f for f in fields if f.kind == "items"), None)
        self.mixed = cls._content_ is not None and cls._content_.mixed
        self.leaves = {str(e.qname): e for e in _leaf_elements(schema, cls)}
        self.slots: dict[str, tuple[Field, Element]] = {}
        for field in fields:
            if field.kind == "element":
                for member in schema.members(field.head) if field.head is not None else (field.element,):
                    self.slots[str(member.qname)] = self.slots[member.name] = (field, member)


class _Parser:
    """Reads messages of one schema; keeps what it works out about types."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._shapes: dict[type[ComplexType], _Shape] = {}

    def _shape(self, cls: type[ComplexType]) -> _Shape:
        found = self._shapes.get(cls)
        if found is None:
            found = self._shapes[cls] = _Shape(self.schema, cls)
        return found

    def value(self, element: Element, node: Node, path: str, depth: int = 1) -> Any:
        """The value of an element of declared type."""
        _check_depth(depth, path)
        simple = element.simple_type
        if simple is not None:
            self._attributes(None, {}, node, path)
            return _only_text(simple, node, path)
        found = element.type()
        shape = self._shape(element.type)
        self._attributes(found, shape.attributes, node, path)
        if shape.text is not None:
            setattr(found, shape.text.name, _only_text(shape.text.type, node, path))
        elif shape.items is not None:
            getattr(found, shape.items.name).extend(self._items(shape, node, path, depth))
        else:
            self._elements(found, shape, node, path, depth)
        return found

    def undeclared(self, node: Node, path: str, depth: int = 1) -> AnyElement:
        """An element read without regard to declarations."""
        _check_depth(depth, path)
        children: list[Any] = [_shown(node.text)] if _is_text(node.text) or (node.text and not len(node)) else []
        for child in node:
            children.append(self.undeclared(child, path, depth + 1))
            if _is_text(child.tail):
                children.append(_shown(child.tail))
        attributes = {_qname(tag): _shown(text) for tag, text in node.attrib.items()}
        return AnyElement(_qname(node.tag), attributes, children)

    def _attributes(self, found: ComplexType | None, declared: dict[str, Field], node: Node, path: str) -> None:
        for tag, text in node.attrib.items():
            qname = _qname(tag)
            if qname.uri == XSI_NAMESPACE and qname.name in _PRUNED:
                continue
            field = declared.get(tag) or (declared.get(qname.name) if qname.uri != XSI_NAMESPACE else None)
            if field is None:
                raise EncodeError(f"there is no attribute {qname} here", path)
            setattr(found, field.name, parse_lexical(field.type, _shown(text), f"{path}/@{field.name}"))

    def _elements(self, found: Any, shape: _Shape, node: Node, path: str, depth: int) -> None:
        if _is_text(node.text):
            raise EncodeError("elements are expected here, not text", path)
        for child in node:
            slot = shape.slots.get(child.tag) or shape.slots.get(child.tag.rpartition("}")[2])
            if slot is None:
                raise EncodeError(f"{type(found).__name__} has no element {_qname(child.tag)}", path)
            if _is_text(child.tail):
                raise EncodeError("elements are expected here, not text", path)
            field, element = slot
            if field.repeated:
                values = getattr(found, field.name)
                values.append(self.value(element, child, f"{path}/{element.name}[{len(values)}]", depth + 1))
            elif getattr(found, field.name) is not None:
                raise EncodeError(f"{element.name} appears twice", path)
            else:
                setattr(found, field.name, self.value(element, child, f"{path}/{element.name}", depth + 1))

    def _items(self, shape: _Shape, node: Node, path: str, depth: int) -> Iterator[Any]:
        if node.text and (shape.mixed or _is_text(node.text)):
            yield _shown(node.text)
        for child in node:
            element = shape.leaves.get(child.tag) or self.schema.element(_qname(child.tag))
            if element is None:
                reason = f"{_qname(child.tag)} is not declared, and only declared elements can be written"
                raise EncodeError(reason, path)
            yield Child(element, self.value(element, child, f"{path}/{element.name}", depth + 1))
            if child.tail and (shape.mixed or _is_text(child.tail)):
                yield _shown(child.tail)


_PARSERS: WeakKeyDictionary[Schema, _Parser] = WeakKeyDictionary()


def _only_text(type_: SimpleType, node: Node, path: str) -> Any:
    if len(node):
        raise EncodeError("a value is expected here, not elements", path)
    return _content(type_, _shown(node.text), path)


def _check_depth(depth: int, path: str) -> None:
    if depth > MAX_DEPTH:
        raise EncodeError(f"elements nested deeper than {MAX_DEPTH}", path)


def _is_text(text: str | None) -> bool:
    """Whether there is anything but XML's white space."""
    return bool(text) and not _SPACE.fullmatch(text or "")


def _leaf_elements(schema: Schema, cls: type[ComplexType]) -> Iterator[Element]:
    pending = [cls._content_] if cls._content_ else []
    while pending:
        model = pending.pop()
        for part in model.parts:
            if not isinstance(part, str):
                if part.op == "leaf":
                    yield leaf_element(schema, cls, part)
                else:
                    pending.append(part)


def _content(type_: SimpleType, text: str, path: str) -> Any:
    """The value of an element, which may have no characters at all."""
    if not text and type_.coding.form in ("string", "binary"):
        return NO_TEXT if type_.coding.form == "string" else NO_BYTES
    return parse_lexical(type_, text, path)


def parse_lexical(type_: SimpleType, text: str, path: str) -> Any:
    """A value from its XML form.

    Raises
    ------
    EncodeError
        If the text is no value of the type.
    """
    if type_.kind == "string":
        return text
    text = text.strip(" \t\r\n")
    try:
        if type_.kind == "enumeration":
            return type(type_.members[0])(text)
        if type_.kind == "boolean":
            return {"true": True, "1": True, "false": False, "0": False}[text]
        if type_.kind == "hexBinary":
            return bytes.fromhex(text)
        if type_.kind == "base64Binary":
            return base64.b64decode("".join(text.split()), validate=True)
        if not _INTEGER.fullmatch(text):  # int() takes more: underscores, other scripts' digits
            raise ValueError
        return int(text)
    except (ValueError, KeyError, binascii.Error):
        raise EncodeError(f"{text[:60]!r} is no {type_.name or type_.kind}", path) from None
