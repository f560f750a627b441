"""XML text of messages, and back.

The layout is fixed: an XML declaration, all namespaces on the root with prefixes s0, s1, ... in the order of their
URIs, two spaces of indentation, empty elements closed in their start tag. Characters that XML 1.0 cannot carry (a
real car sends U+0000) are written as references such as ``&#0;``; other parsers refuse these, `parse` takes them back.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .datatypes import NO_BYTES, NO_TEXT, SimpleType
from .declare import AnyElement, Child, ComplexType, Element, Field
from .errors import EncodeError
from .names import XML_NAMESPACE, XSD_NAMESPACE, XSI_NAMESPACE, QName
from .schema import Schema, leaf_element, local_element

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element as Node

# -- out --------------------------------------------------------------------------------------------------------------

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def lexical(type_: SimpleType, value: Any) -> str:
    """A value as XML writes it. Values that are not of the type's Python class are shown as text."""
    if type_.kind == "boolean" and isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (bytes, bytearray)):
        return value.hex().upper() if type_.kind == "hexBinary" else base64.b64encode(value).decode()
    return str(value)


def serialize(schema: Schema, element: Element, value: Any) -> str:
    """The XML text of a document or fragment."""
    return _Serializer(schema).document(element, value)


class _Serializer:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.prefixes = {uri: f"s{i}" for i, uri in enumerate(schema.namespaces)}
        self.prefixes |= {XML_NAMESPACE: "xml", XSI_NAMESPACE: "xsi", XSD_NAMESPACE: "xsd"}
        self.lines: list[str] = []

    def document(self, element: Element, value: Any) -> str:
        declared = {"xml": XML_NAMESPACE, "xsi": XSI_NAMESPACE, "xsd": XSD_NAMESPACE}
        declared |= {self.prefixes[uri]: uri for uri in self.schema.namespaces}
        spaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in declared.items())
        return '<?xml version="1.0" ?>\n' + self._element(element.qname, element, value, 0, spaces)

    def _tag(self, qname: QName) -> tuple[str, str]:
        """A tag's name and the namespace declaration that it needs."""
        if not qname.uri:
            return qname.name, ""
        prefix = self.prefixes.get(qname.uri)
        return (f"{prefix}:{qname.name}", "") if prefix else (f"n:{qname.name}", f' xmlns:n="{_attribute(qname.uri)}"')

    def _element(self, qname: QName, element: Element | None, value: Any, depth: int, extra: str = "") -> str:
        tag, spaces = self._tag(qname)
        attributes, parts, inline = self._parts(element, value, depth)
        start = f"<{tag}{extra}{spaces}{attributes}"
        if not parts:
            return start + "/>"
        if inline:
            return f"{start}>{''.join(parts)}</{tag}>"
        pad = "\n" + "  " * (depth + 1)
        return start + ">" + "".join(pad + p for p in parts) + "\n" + "  " * depth + f"</{tag}>"

    def _parts(self, element: Element | None, value: Any, depth: int) -> tuple[str, list[str], bool]:
        """An element's attributes, its parts, and whether they stand on one line."""
        if isinstance(value, AnyElement):
            attributes = "".join(self._named(q, text) for q, text in value.attributes.items())
            children = value.children
        elif isinstance(value, ComplexType):
            attributes = "".join(self._attribute(f, value) for f in type(value).__fields__ if f.kind == "attribute")
            children = list(_children(self.schema, value))
        else:
            simple = element.simple_type if element is not None else None
            shown = "" if value is None else lexical(simple, value) if simple else str(value)
            return "", [_text(shown)] if shown else [], True
        inline = any(isinstance(c, str) for c in children)
        return attributes, [p for c in children if (p := self._child(c, 0 if inline else depth + 1))], inline

    def _child(self, child: Any, depth: int) -> str:
        if isinstance(child, str):
            return _text(child)
        if isinstance(child, AnyElement):
            return self._element(child.qname, None, child, depth)
        return self._element(child.element.qname, child.element, child.value, depth)

    def _attribute(self, field: Field, value: ComplexType) -> str:
        held = getattr(value, field.name)
        return "" if held is None else self._named(field.qname, lexical(field.type, held))

    def _named(self, qname: QName, text: str) -> str:
        tag, spaces = self._tag(qname)
        return f'{spaces} {tag}="{_attribute(text)}"'


def _children(schema: Schema, value: ComplexType) -> Iterator[Any]:
    """The children of a complex value in the schema's order: `Child` values, texts, unknown elements."""
    for field in type(value).__fields__:
        held = getattr(value, field.name)
        if field.kind == "text":
            if held is not None and (shown := lexical(field.type, held)):
                yield shown
        elif field.kind == "items":
            yield from held
        elif field.kind == "element":
            for one in held if isinstance(held, list) else () if held is None else (held,):
                yield Child(slot_element(schema, field, one), one)


def as_any(schema: Schema, element: Element, value: Any) -> AnyElement:
    """A declared value as an `AnyElement`, with its simple values in their XML form."""
    found = AnyElement(element.qname)
    if isinstance(value, ComplexType):
        for field in type(value).__fields__:
            if field.kind == "attribute" and (held := getattr(value, field.name)) is not None:
                found.attributes[field.qname] = lexical(field.type, held)
        found.children = list(_children(schema, value))
    elif value is not None and element.simple_type is not None and (text := lexical(element.simple_type, value)):
        found.children = [text]
    return found


def slot_element(schema: Schema, field: Field, value: Any) -> Element:
    """The element under which a field's value appears: the member of the substitution group that has its type."""
    if field.head is None:
        return local_element(field)
    for member in schema.members(field.head):
        if member.type is type(value):
            return member
    return field.head


def _text(value: str) -> str:
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return _FORBIDDEN.sub(lambda m: f"&#{ord(m[0])};", value)


def _attribute(value: str) -> str:
    return _text(value).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


# -- in ---------------------------------------------------------------------------------------------------------------

_REFERENCE = re.compile("&#(?:x([0-9a-fA-F]+)|([0-9]+));")
_PRIVATE = 0xF0000
"""Where characters that an XML parser refuses hide while it runs: a plane for private use."""


def parse(schema: Schema, text: str | bytes, fragment: bool = False) -> tuple[Element, Any]:
    """The element and value that an XML text stands for.

    Prefixes do not matter. Documents with a DTD, entities or external references are refused.

    Raises
    ------
    EncodeError
        If the text is not well-formed or does not fit the schema; ``path`` says where.
    """
    # Imported here: a kernel that never reads XML does not load a parser at start.
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    try:
        root = fromstring(_REFERENCE.sub(_hide, text.lstrip()), forbid_dtd=True)
    except ParseError as error:
        raise EncodeError(f"not well-formed XML: {error}", "") from None
    except DefusedXmlException as error:
        raise EncodeError(f"XML with a DTD, entities or external references is not accepted: {error}", "") from None
    qname = _qname(root.tag)
    element = schema.element(qname)
    if element is None and fragment:
        known = next((f for f in schema.fragments if f.qname == qname), None)
        if known is not None and known.element is None:
            return Element.named(qname, None), _Parser(schema).undeclared(root)
        element = known.element if known else None
    if element is None:
        raise EncodeError(f"{qname} is no {'fragment' if fragment else 'message'} of this vocabulary", qname.name)
    return element, _Parser(schema).value(element, root, element.name)


def _hide(match: re.Match[str]) -> str:
    point = int(match[1], 16) if match[1] else int(match[2])
    hidden = point < 0x10000 and _FORBIDDEN.match(chr(point)) is not None
    return chr(_PRIVATE + point) if hidden and point < 0xD800 else match[0]


def _shown(text: str | None) -> str:
    """Text from the parser, with what `_hide` hid."""
    if not text:
        return ""
    return "".join(chr(ord(c) - _PRIVATE) if _PRIVATE <= ord(c) < _PRIVATE + 0x20 else c for c in text)


def _qname(tag: str) -> QName:
    uri, _, name = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    return QName(uri, name)


class _Parser:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def value(self, element: Element, node: Node, path: str) -> Any:
        """The value of an element of declared type."""
        simple = element.simple_type
        if simple is not None:
            if len(node):
                raise EncodeError(f"{element.name} holds a value, not elements", path)
            return _content(simple, _shown(node.text), path)
        found = element.type()
        self._attributes(found, node, path)
        fields = type(found).__fields__
        kinds = {f.kind: f for f in fields}
        if "text" in kinds:
            setattr(found, kinds["text"].name, _content(kinds["text"].type, _shown(node.text), path))
        elif "items" in kinds:
            getattr(found, kinds["items"].name).extend(self._items(type(found), node, path))
        else:
            if (node.text or "").strip() or any((c.tail or "").strip() for c in node):
                raise EncodeError(f"{element.name} holds elements, not text", path)
            self._elements(found, node, path)
        return found

    def undeclared(self, node: Node) -> AnyElement:
        """An element read without regard to declarations."""
        children: list[Any] = [_shown(node.text)] if (node.text or "").strip() else []
        for child in node:
            children.append(self.undeclared(child))
            if (child.tail or "").strip():
                children.append(_shown(child.tail))
        attributes = {_qname(tag): _shown(text) for tag, text in node.attrib.items()}
        return AnyElement(_qname(node.tag), attributes, children)

    def _attributes(self, found: ComplexType, node: Node, path: str) -> None:
        declared = {f.qname: f for f in type(found).__fields__ if f.kind == "attribute"}
        local = {f.name: f for f in declared.values()}
        for tag, text in node.attrib.items():
            qname = _qname(tag)
            field = declared.get(qname) or (local.get(qname.name) if qname.uri != XSI_NAMESPACE else None)
            if field is None:
                raise EncodeError(f"{type(found).__name__} has no attribute {qname}", path)
            setattr(found, field.name, parse_lexical(field.type, _shown(text), f"{path}/@{field.name}"))

    def _elements(self, found: ComplexType, node: Node, path: str) -> None:
        slots = _slots(self.schema, type(found))
        local = {qname.name: slot for qname, slot in slots.items()}
        for child in node:
            qname = _qname(child.tag)
            slot = slots.get(qname) or local.get(qname.name)
            if slot is None:
                raise EncodeError(f"{type(found).__name__} has no element {qname}", path)
            field, element = slot
            if field.repeated:
                values = getattr(found, field.name)
                values.append(self.value(element, child, f"{path}/{element.name}[{len(values)}]"))
            elif getattr(found, field.name) is not None:
                raise EncodeError(f"{qname.name} appears twice", path)
            else:
                setattr(found, field.name, self.value(element, child, f"{path}/{element.name}"))

    def _items(self, cls: type[ComplexType], node: Node, path: str) -> Iterator[Any]:
        declared = {e.qname: e for e in _leaf_elements(self.schema, cls)}
        is_mixed = _is_mixed(cls)
        if (text := _shown(node.text)) and (is_mixed or text.strip()):
            yield text
        for child in node:
            qname = _qname(child.tag)
            element = declared.get(qname) or self.schema.element(qname)
            if element is None:
                raise EncodeError(f"{qname} is not declared, and only declared elements can be written", path)
            yield Child(element, self.value(element, child, f"{path}/{element.name}"))
            if (text := _shown(child.tail)) and (is_mixed or text.strip()):
                yield text


def _is_mixed(cls: type[ComplexType]) -> bool:
    return bool(cls._content_ is not None and cls._content_.mixed)


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


def _slots(schema: Schema, cls: type[ComplexType]) -> dict[QName, tuple[Field, Element]]:
    found: dict[QName, tuple[Field, Element]] = {}
    for field in cls.__fields__:
        if field.kind == "element":
            members = schema.members(field.head) if field.head is not None else (local_element(field),)
            found |= {m.qname: (field, m) for m in members}
    return found


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
    text = text.strip()
    try:
        if type_.kind == "enumeration":
            return next(m for m in type_.members if m == text)
        if type_.kind == "boolean":
            return {"true": True, "1": True, "false": False, "0": False}[text]
        if type_.kind == "hexBinary":
            return bytes.fromhex(text)
        if type_.kind == "base64Binary":
            return base64.b64decode("".join(text.split()), validate=True)
        return int(text)
    except (ValueError, KeyError, StopIteration, binascii.Error):
        raise EncodeError(f"{text[:60]!r} is no {type_.name or type_.kind}", path) from None
