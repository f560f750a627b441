"""Every declaration beside the standard's schema: names, order, occurrence, types, facets, enumerations, abstractness,
substitution groups, qualification. The schemas are read here with an XML parser and nothing of the package.
"""

from __future__ import annotations

import keyword
import re
from functools import cache
from typing import Any

import pytest
import schemas as schema_documents
from lxml import etree

from secc_kernel.exi.datatypes import BUILTIN_TYPES, SimpleType, simple_type
from secc_kernel.exi.declare import ComplexType, Element, Field, Model, own_content
from secc_kernel.exi.names import XML_NAMESPACE, XSD_NAMESPACE, XSI_NAMESPACE, QName
from secc_kernel.exi.schema import Schema, leaf_element
from secc_kernel.messages import SCHEMAS, vocabulary

pytestmark = pytest.mark.schemas
of_every_vocabulary = pytest.mark.parametrize("key", SCHEMAS)
XS = f"{{{XSD_NAMESPACE}}}"

#: Bounds of XML Schema's integers; a restriction may repeat them.
BOUNDS = {
    "integer": (None, None),
    "byte": (-128, 127),
    "short": (-32768, 32767),
    "int": (-2147483648, 2147483647),
    "long": (-9223372036854775808, 9223372036854775807),
    "unsignedByte": (0, 255),
    "unsignedShort": (0, 65535),
    "unsignedInt": (0, 4294967295),
    "unsignedLong": (0, 18446744073709551615),
}


def effective(builtin: str, facets: dict[str, int]) -> dict[str, int]:
    """Facets with the bounds of the built-in type, and a length as what it stands for."""
    low, high = BOUNDS.get(builtin, (None, None))
    found = {"minInclusive": low, "maxInclusive": high, **facets}
    if (length := found.pop("length", None)) is not None:
        found |= {"minLength": length, "maxLength": length}
    return {name: value for name, value in found.items() if value is not None}


# -- the schema documents ---------------------------------------------------------------------------------------------


class Document:
    """One schema document: a target namespace."""

    def __init__(self, path):
        self.root = etree.parse(str(path)).getroot()
        self.uri = self.root.get("targetNamespace")
        self.imports = [path.parent / node.get("schemaLocation") for node in self.root.findall(f"{XS}import")]

    def qname(self, text: str) -> QName:
        """A name as written in the document."""
        prefix, _, local = text.rpartition(":")
        return QName(self.root.nsmap.get(prefix or None, ""), local)

    def qualified(self, kind: str) -> bool:
        return self.root.get(f"{kind}FormDefault", "unqualified") == "qualified"

    def all(self, tag: str) -> list[Any]:
        """Global declarations of a kind."""
        return self.root.findall(f"{XS}{tag}")


@cache
def documents(folder, key):
    """Target namespace -> document, for all that a vocabulary's main document brings in."""
    found: dict[str, Document] = {}
    pending = [folder / schema_documents.MAIN[key]]
    while pending:
        document = Document(pending.pop().resolve())
        if document.uri not in found:
            found[document.uri] = document
            pending += document.imports
    return found


def occurrence(node) -> tuple[int, int | None]:
    most = node.get("maxOccurs", "1")
    return int(node.get("minOccurs", "1")), None if most == "unbounded" else int(most)


def children(node):
    return [child for child in node if isinstance(child.tag, str) and child.tag != f"{XS}annotation"]


def tag(node) -> str:
    return node.tag.removeprefix(XS)


# -- both as one kind of tree -----------------------------------------------------------------------------------------
# A model is ("element", qname, type, min, max), ("ref", qname, min, max), ("any", min, max) or
# ("sequence" | "choice", parts, min, max). A type is a name, or for anonymous ones what it is.


def flat(model):
    """A model without groups that say nothing: of one part, or a sequence once within a sequence."""
    if model[0] not in ("sequence", "choice"):
        return model
    op, parts, least, most = model
    found = []
    for part in map(flat, parts):
        once = part[0] == "sequence" and part[2:] == (1, 1)
        found += part[1] if once and op == "sequence" else [part]
    if len(found) == 1 and (least, most) == (1, 1):
        return found[0]
    return op, tuple(found), least, most


def standard_model(document: Document, node):
    least, most = occurrence(node)
    if tag(node) == "element":
        if node.get("ref"):
            return "ref", document.qname(node.get("ref")), least, most
        assert node.get("form") is None
        qname = QName(document.uri if document.qualified("element") else "", node.get("name"))
        return "element", qname, standard_type(document, node), least, most
    if tag(node) == "any":
        # EXI tells wildcards of any or another namespace from lists of namespaces, which would need more.
        assert node.get("namespace", "##any") in ("##any", "##other")
        return "any", least, most
    assert tag(node) in ("sequence", "choice"), node.tag
    return tag(node), tuple(standard_model(document, child) for child in children(node)), least, most


def standard_type(document: Document, node):
    if node.get("type"):
        return document.qname(node.get("type"))
    (inner,) = children(node)
    return "anonymous", standard_simple(document, inner) if tag(inner) == "simpleType" else standard_complex(
        document, inner
    )


def standard_simple(document: Document, node):
    """Base, facets and enumerated values of a simple type."""
    (restriction,) = children(node)
    assert tag(restriction) == "restriction"
    facets = {}
    values = []
    for facet in children(restriction):
        if tag(facet) == "enumeration":
            values.append(facet.get("value"))
        else:
            # Any other facet, a pattern for one, would change the representation (EXI 1.0, 7.1.10.1).
            assert tag(facet) in ("length", "minLength", "maxLength", "minInclusive", "maxInclusive")
            facets[tag(facet)] = int(facet.get("value"))
    base = document.qname(restriction.get("base"))
    return base, effective(base.name, facets) if base.uri == XSD_NAMESPACE else facets, tuple(values)


def standard_complex(document: Document, node):
    """Base, attributes, text type, mixedness and own model of a complex type."""
    base, text, content = None, None, node
    for kind in ("complexContent", "simpleContent"):
        if (found := node.find(f"{XS}{kind}")) is not None:
            (content,) = children(found)
            assert tag(content) == "extension"
            if kind == "complexContent":
                base = document.qname(content.get("base"))
            else:
                text = document.qname(content.get("base"))
    attributes = {}
    model = None
    for child in children(content):
        if tag(child) == "attribute":
            assert set(child.attrib) <= {"name", "type", "use"}
            qname = QName(document.uri if document.qualified("attribute") else "", child.get("name"))
            attributes[qname] = (document.qname(child.get("type")), child.get("use") == "required")
        elif tag(child) in ("sequence", "choice"):
            assert model is None
            model = flat(standard_model(document, child))
    if model in (("sequence", (), 1, 1), None):
        model = None
    return base, attributes, text, node.get("mixed") == "true", model


def resolved_facets(found: dict[str, Document], qname: QName) -> tuple[str, dict[str, int], tuple[str, ...]]:
    """The built-in type behind a simple type, all facets on the way, and the enumerated values."""
    if qname.uri == XSD_NAMESPACE:
        return qname.name, {}, ()
    document = found[qname.uri]
    node = next(n for n in document.all("simpleType") if n.get("name") == qname.name)
    base, facets, values = standard_simple(document, node)
    builtin, inherited, _ = resolved_facets(found, base)
    return builtin, effective(builtin, {**inherited, **facets}), values


# -- the declarations in the same form --------------------------------------------------------------------------------


class Declared:
    """The declarations of a vocabulary."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.names: dict[Any, QName] = {}
        for uri in schema.namespaces:
            module = schema._modules[uri]
            for name, value in vars(module).items():
                found = value if isinstance(value, type) and issubclass(value, ComplexType) else None
                found = found or (
                    simple_type(value) if hasattr(value, "__metadata__") or isinstance(value, type) else None
                )
                if found is None or (found.__module__ if isinstance(found, type) else found.module) != module.__name__:
                    continue
                if not getattr(found, "_anonymous_", False):
                    self.names[id(found)] = QName(uri, name)
        for name, found in BUILTIN_TYPES.items():
            self.names[id(found)] = QName(XSD_NAMESPACE, name)

    def type(self, found: Any):
        """A type's name, or what it is."""
        known = self.names.get(id(found))
        if known is not None:
            return known
        return "anonymous", self.simple(found) if isinstance(found, SimpleType) else self.complex(found)

    def element_type(self, element: Element):
        return self.type(element.simple_type or element.type)

    def simple(self, found: SimpleType):
        """Base, facets and values of an anonymous restriction of a built-in type."""
        return QName(XSD_NAMESPACE, found.builtin), facets_of(found), tuple(map(str, found.members))

    def complex(self, cls: type[ComplexType]):
        (base,) = cls.__bases__
        own = [f for f in cls.__fields__ if f.owner is cls]
        attributes = {f.qname: (self.type(f.type), f.min == 1) for f in own if f.kind == "attribute"}
        text = next((self.type(f.type) for f in own if f.kind == "text"), None)
        model = own_content(cls)
        fields = {f.name: f for f in cls.__fields__}
        made = flat(self.model(cls, model, fields, False))
        if made == ("sequence", (), 1, 1):
            made = None
        named = None if base is ComplexType else self.type(base)
        return named, attributes, text, model.mixed, made

    def model(self, cls: type[ComplexType], model: Model, fields: dict[str, Field], in_group: bool):
        if model.op == "any":
            return "any", model.min, model.max
        if model.op == "leaf":
            element = leaf_element(self.schema, cls, model)
            if element.module:
                return "ref", element.qname, model.min, model.max
            return "element", element.qname, self.element_type(element), model.min, model.max
        in_group = in_group or model.op == "choice" or model.min == 0
        parts = []
        for part in model.parts:
            if isinstance(part, Model):
                parts.append(self.model(cls, part, fields, in_group))
            else:
                field = fields[part]
                least = 1 if in_group and not field.repeated else field.min
                if field.head is not None:
                    parts.append(("ref", field.head.qname, least, field.max))
                else:
                    parts.append(("element", field.qname, self.type(field.type), least, field.max))
        return model.op, tuple(parts), model.min, model.max


def facets_of(found: SimpleType) -> dict[str, int]:
    """The facets of a type, those of its base included."""
    names = {
        "minInclusive": found.min_inclusive,
        "maxInclusive": found.max_inclusive,
        "minLength": found.min_length,
        "maxLength": found.max_length,
    }
    return {name: value for name, value in names.items() if value is not None}


# -- side by side -----------------------------------------------------------------------------------------------------


@pytest.fixture
def standard(schema_files, key):
    return documents(schema_files, key)


@pytest.fixture
def declared(key):
    return Declared(vocabulary(key).schema)


@of_every_vocabulary
def test_namespaces_and_qualification(key, standard, declared):
    assert sorted(standard) == list(declared.schema.namespaces)
    for uri, document in standard.items():
        namespace = declared.schema._modules[uri].NAMESPACE
        assert namespace.elements == document.qualified("element"), uri
        assert namespace.attributes == document.qualified("attribute"), uri
        # What these declarations cannot express must not be there.
        for absent in ("attribute", "group", "attributeGroup", "include", "redefine", "notation"):
            assert not document.all(absent)
        for node in document.root.iter(
            f"{XS}anyAttribute", f"{XS}all", f"{XS}list", f"{XS}union", f"{XS}attributeGroup"
        ):
            pytest.fail(f"{uri}: {node.tag}")
        assert not any(
            node.get(name) for node in document.root.iter(f"{XS}*") for name in ("nillable", "default", "fixed")
        )


@of_every_vocabulary
def test_global_elements(key, standard, declared):
    expected = {}
    for uri, document in standard.items():
        for node in document.all("element"):
            head = node.get("substitutionGroup")
            expected[QName(uri, node.get("name"))] = (
                standard_type(document, node),
                node.get("abstract") == "true",
                document.qname(head) if head else None,
            )
    found = {
        element.qname: (
            declared.element_type(element),
            element.abstract,
            element.substitutes.qname if element.substitutes else None,
        )
        for element in declared.schema.elements
    }
    assert found == expected


@of_every_vocabulary
def test_complex_types(key, standard, declared):
    expected = {
        QName(uri, node.get("name")): (standard_complex(document, node), node.get("abstract") == "true")
        for uri, document in standard.items()
        for node in document.all("complexType")
    }
    found = {
        declared.names[id(cls)]: (declared.complex(cls), cls.is_abstract)
        for cls in declared.schema.types()
        if not cls._anonymous_
    }
    assert sorted(found) == sorted(expected)
    for qname, type_ in found.items():
        assert type_ == expected[qname], str(qname)


@of_every_vocabulary
def test_simple_types(key, standard, declared):
    expected = {
        QName(uri, node.get("name")): resolved_facets(standard, QName(uri, node.get("name")))
        for uri, document in standard.items()
        for node in document.all("simpleType")
    }
    found = {}
    for uri in declared.schema.namespaces:
        module = declared.schema._modules[uri]
        for name, value in vars(module).items():
            type_ = simple_type(value) if hasattr(value, "__metadata__") or isinstance(value, type) else None
            if type_ is None or type_.module != module.__name__:
                continue
            builtin = type_.builtin if type_.kind != "enumeration" else "string"
            found[QName(uri, name)] = (builtin, facets_of(type_), tuple(map(str, type_.members)))
            assert type_.name == name
            for member in type_.members:
                plain = re.sub(r"\W", "_", str(member))
                taken = keyword.iskeyword(plain) or not plain.isidentifier() or hasattr(str, plain)
                assert member.name in ((f"{plain}_", f"_{plain}") if taken else (plain,)), "named as in the schema"
    assert sorted(found) == sorted(expected)
    for qname, type_ in found.items():
        assert type_ == expected[qname], str(qname)


def test_builtin_types():
    for name, (low, high) in BOUNDS.items():
        found = BUILTIN_TYPES[name]
        assert (found.kind, found.min_inclusive, found.max_inclusive) == ("integer", low, high)
    for name in ("string", "anyURI", "ID", "IDREF"):
        assert BUILTIN_TYPES[name].kind == "string"
    for name in ("boolean", "hexBinary", "base64Binary"):
        assert BUILTIN_TYPES[name].kind == name


@of_every_vocabulary
def test_messages_come_in_the_order_of_the_schema(key, standard, declared):
    words = vocabulary(key)
    if not words.messages:
        return
    uri = words.elements[words.messages[0]].namespace
    expected = [n.get("name") for n in standard[uri].all("element") if n.get("name").endswith(("Req", "Res"))]
    assert list(words.messages) == expected


@of_every_vocabulary
def test_substitution_groups(key, standard, declared):
    heads: dict[QName, set[QName]] = {}
    for uri, document in standard.items():
        for node in document.all("element"):
            if node.get("substitutionGroup"):
                heads.setdefault(document.qname(node.get("substitutionGroup")), set()).add(QName(uri, node.get("name")))

    def group(head: QName) -> set[QName]:
        return {head}.union(*(group(member) for member in heads.get(head, ())))

    for element in declared.schema.elements:
        members = declared.schema.members(element)
        assert {member.qname for member in members} == group(element.qname)
        assert [m.qname for m in members] == sorted((m.qname for m in members), key=lambda q: (q.name, q.uri))


@of_every_vocabulary
def test_the_names_that_exi_knows_beforehand(key, standard, declared):
    """EXI 1.0, 7.3.1: of each namespace the elements, attributes and types that the schema declares."""
    expected: dict[str, set[str]] = {uri: set() for uri in standard} | {"": set()}
    for uri, document in standard.items():
        for node in document.root.iter(f"{XS}element", f"{XS}attribute", f"{XS}complexType", f"{XS}simpleType"):
            name = node.get("name")
            if name is None:
                continue
            local = node.getparent() is not document.root
            kind = tag(node)
            qualified = not local or document.qualified(kind) if kind in ("element", "attribute") else True
            expected[uri if qualified else ""].add(name)
    found = declared.schema.string_partitions()
    for uri, names in expected.items():
        assert found[uri] == sorted(names), uri
    assert set(found) == set(expected) | {XML_NAMESPACE, XSI_NAMESPACE, XSD_NAMESPACE}
