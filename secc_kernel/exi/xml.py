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
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from .datatypes import NO_BYTES, NO_TEXT, SimpleType
from .declare import AnyElement, Child, ComplexType, Element, Field
from .errors import EncodeError
from .names import XML_NAMESPACE, XSD_NAMESPACE, XSI_NAMESPACE, QName
from .reader import MAX_DEPTH
from .schema import Schema, leaf_element

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element as Node

# -- out --------------------------------------------------------------------------------------------------------------

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
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
    return _FORBIDDEN.sub(lambda m: f"&#{ord(m[0])};", value)


def _attribute(value: str) -> str:
    return _text(value).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


# -- in ---------------------------------------------------------------------------------------------------------------

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
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        if isinstance(text, bytes):
            text = text.decode()
        root = fromstring(_PARTS.sub(_hide, text.lstrip("\ufeff \t\r\n")), forbid_dtd=True)
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
    if 0 <= point < 0x10000 and not 0xD800 <= point <= 0xDFFF and _FORBIDDEN.match(chr(point)):
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
