"""XML text of messages.

The layout is fixed: an XML declaration, all namespaces on the root with prefixes s0, s1, ... in the order of their
URIs, two spaces of indentation, empty elements closed in their start tag. Characters that XML 1.0 cannot carry (a
real car sends U+0000) are written as references such as ``&#0;``; other parsers refuse these, `xml_reader` takes
them back.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from .datatypes import SimpleType
from .declare import AnyElement, Child, ComplexType, Element, Field
from .names import XML_NAMESPACE, XSD_NAMESPACE, XSI_NAMESPACE, QName
from .schema import Schema

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 has no room for, not even as references."""
_NAME = re.compile("[A-Za-z_À-ÖØ-öø-ÿ][A-Za-z0-9_.À-ÖØ-öø-ÿ-]*")
_MANY = 4096
"""More names than any schema has."""


def lexical(type_: SimpleType | None, value: Any) -> str:
    """A value as XML writes it. Values that are not of the type's Python class are shown as what they are."""
    if isinstance(value, bool):
        return str(int(value)) if type_ is not None and type_.kind == "integer" else "true" if value else "false"
    if isinstance(value, (bytes, bytearray)):
        return value.hex().upper() if type_ is None or type_.kind == "hexBinary" else base64.b64encode(value).decode()
    return str(value)


def _name(name: str) -> str:
    """A local name, its characters that XML has not room for in names replaced; streams may hold any."""
    if _NAME.fullmatch(name):
        return name
    name = name if _NAME.match(name) else f"_{name}"
    return "".join(c if _NAME.fullmatch(f"_{c}") else f"_x{ord(c):04X}_" for c in name)


def serialize(schema: Schema, element: Element, value: Any) -> str:
    """The XML text of a document or fragment."""
    known = _SERIALIZERS.get(schema)
    if known is None:
        known = _SERIALIZERS[schema] = _Serializer(schema)
    return known.document(element, value)


class _Step(NamedTuple):
    """How one field of a type is written."""

    name: str
    field: Field
    is_list: bool
    is_known: bool
    """Whether its tag is always the same: no member of a substitution group."""
    is_hex: bool
    start: str
    end: str


class _Serializer:
    """Writes messages of one schema; keeps what it works out about names."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        prefixes = {"xml": XML_NAMESPACE, "xsi": XSI_NAMESPACE, "xsd": XSD_NAMESPACE}
        prefixes |= {f"s{i}": uri for i, uri in enumerate(schema.namespaces)}
        self.prefixes = {uri: prefix for prefix, uri in prefixes.items()}
        self.spaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in prefixes.items())
        self._tags: dict[QName, tuple[str, str]] = {}
        self._plans: dict[type[ComplexType], list[_Step] | None] = {}

    def document(self, element: Element, value: Any) -> str:
        return '<?xml version="1.0" ?>\n' + self._element(element, value, "\n", self.spaces)

    def _tag(self, qname: QName) -> tuple[str, str]:
        """A tag's name and the namespace declaration that it needs."""
        found = self._tags.get(qname)
        if found is None:
            prefix = self.prefixes.get(qname.uri)
            name = _name(qname.name)
            if not qname.uri:
                found = (name, "")
            elif prefix:
                found = (f"{prefix}:{name}", "")
            else:
                return f"n:{name}", f' xmlns:n="{_attribute(qname.uri)}"'
            if len(self._tags) < _MANY:  # names from streams must not fill the memory
                self._tags[qname] = found
        return found

    def _element(self, element: Element, value: Any, pad: str, extra: str = "") -> str:
        """An element; ``pad`` is a line break and its indentation, or empty within mixed content."""
        is_mixed = False
        if isinstance(value, ComplexType):
            if pad and (plan := self._plan(type(value))) is not None:
                return self._planned(plan, element, value, pad, extra)
            tag, spaces = self._tag(element.qname)
            attributes, children = self.content(value)
            is_mixed = value._content_ is not None and value._content_.mixed
        elif isinstance(value, AnyElement):
            tag, spaces, attributes = self._unknown(element.qname, value.attributes)
            children = value.children
        else:
            tag, spaces = self._tag(element.qname)
            shown = "" if value is None else _text(lexical(element.simple_type, value))
            return f"<{tag}{extra}{spaces}>{shown}</{tag}>" if shown else f"<{tag}{extra}{spaces}/>"
        start = f"<{tag}{extra}{spaces}{attributes}"
        if not children:
            return start + "/>"
        inner = pad and pad + "  "
        if is_mixed or any(isinstance(c, str) for c in children):  # white space would be content
            inner = pad = ""
        parts = [_text(c) if isinstance(c, str) else self._element(*_child(c), inner) for c in children]
        return f"{start}>{inner}{inner.join(parts)}{pad}</{tag}>"

    def _plan(self, type_: type[ComplexType]) -> list[_Step] | None:
        """How to write a type that has nothing but elements, as nearly all have; None for the others."""
        try:
            return self._plans[type_]
        except KeyError:
            pass
        plan = list(self._steps(type_)) if self._has_only_elements(type_) else None
        self._plans[type_] = plan
        return plan

    def _has_only_elements(self, type_: type[ComplexType]) -> bool:
        if type_._content_ is not None and type_._content_.mixed:
            return False
        # A tag that needs a namespace declaration of its own is of no schema, but of a stream.
        return all(f.kind == "element" and (f.head or not self._tag(f.element.qname)[1]) for f in type_.__fields__)

    def _steps(self, type_: type[ComplexType]) -> Iterator[_Step]:
        for field in type_.__fields__:
            tag = "" if field.head is not None else self._tag(field.element.qname)[0]
            is_hex = bool(tag) and isinstance(field.type, SimpleType) and field.type.kind == "hexBinary"
            yield _Step(field.name, field, field.repeated, bool(tag), is_hex, f"<{tag}>", f"</{tag}>")

    def _planned(self, plan: list[_Step], element: Element, value: ComplexType, pad: str, extra: str) -> str:
        """An element whose value has nothing but elements."""
        inner = pad + "  "
        parts: list[str] = []
        for name, field, is_list, is_known, is_hex, start, end in plan:
            held = getattr(value, name)
            if held is None:
                continue
            for one in held if is_list else (held,):
                if is_known and type(one) is int:
                    parts.append(f"{start}{one}{end}")
                elif is_known and one and isinstance(one, str):
                    parts.append(f"{start}{_text(str(one))}{end}")
                elif is_hex and one and type(one) is bytes:
                    parts.append(f"{start}{one.hex().upper()}{end}")
                else:
                    parts.append(self._element(slot_element(self.schema, field, one), one, inner))
        tag, spaces = self._tag(element.qname)
        if not parts:
            return f"<{tag}{extra}{spaces}/>"
        return f"<{tag}{extra}{spaces}>{inner}{inner.join(parts)}{pad}</{tag}>"

    def content(self, value: ComplexType) -> tuple[str, list[Any]]:
        """Attributes, and children as (element, value), in the schema's order."""
        attributes = ""
        children: list[Any] = []
        for field in type(value).__fields__:
            held = getattr(value, field.name)
            if held is None:
                continue
            if field.kind == "attribute":
                attributes += self._named(field.qname, lexical(field.type, held))
            elif field.kind == "text":
                if shown := lexical(field.type, held):
                    children.append(shown)
            elif field.kind == "items":
                children += held
            else:
                for one in held if field.repeated else (held,):
                    children.append((slot_element(self.schema, field, one), one))
        return attributes, children

    def _named(self, qname: QName, text: str) -> str:
        return f' {self._tag(qname)[0]}="{_attribute(text)}"'

    def _unknown(self, qname: QName, attributes: dict[QName, str]) -> tuple[str, str, str]:
        """Tag, namespace declarations and attributes of an element that no declaration describes."""
        own: dict[str, str] = {}

        def tag(name: QName) -> str:
            if not name.uri or name.uri in self.prefixes:
                return self._tag(name)[0]
            return f"{own.setdefault(name.uri, f'n{len(own)}')}:{_name(name.name)}"

        start = tag(qname)
        shown = "".join(f' {tag(q)}="{_attribute(text)}"' for q, text in attributes.items())
        return start, "".join(f' xmlns:{prefix}="{_attribute(uri)}"' for uri, prefix in own.items()), shown


_SERIALIZERS: WeakKeyDictionary[Schema, _Serializer] = WeakKeyDictionary()


def _child(child: Any) -> tuple[Element, Any]:
    """Element and value of a child of any content."""
    if isinstance(child, tuple):
        return child
    if isinstance(child, AnyElement):
        return Element.named(child.qname, None), child
    return child.element, child.value


def as_any(schema: Schema, element: Element, value: Any) -> AnyElement:
    """A declared value as an `AnyElement`, with its simple values in their XML form."""
    found = AnyElement(element.qname)
    if isinstance(value, ComplexType):
        for field in type(value).__fields__:
            if field.kind == "attribute" and (held := getattr(value, field.name)) is not None:
                found.attributes[field.qname] = lexical(field.type, held)
        found.children = [
            c if isinstance(c, (str, AnyElement)) else Child(*_child(c)) for c in _Serializer(schema).content(value)[1]
        ]
    elif value is not None and element.simple_type is not None and (text := lexical(element.simple_type, value)):
        found.children = [text]
    return found


def slot_element(schema: Schema, field: Field, value: Any) -> Element:
    """The element under which a field's value appears: the member of the substitution group that has its type."""
    if field.head is None:
        return field.element
    for member in schema.members(field.head):
        if member.type is type(value):
            return member
    return field.head


def _text(value: str) -> str:
    if value.isalnum():
        return value
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return FORBIDDEN.sub(lambda m: f"&#{ord(m[0])};", value)


def _attribute(value: str) -> str:
    return _text(value).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
