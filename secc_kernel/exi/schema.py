"""A schema: the modules of declarations that belong together, with the tables that EXI derives from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, get_args

from .datatypes import BUILTIN_TYPES, Enumeration, SimpleType, simple_type
from .declare import ComplexType, ComplexTypeMeta, Element, Model, Namespace, substitutes
from .errors import DeclarationError
from .names import XML_NAMESPACE, XSD_NAMESPACE, XSI_NAMESPACE, QName, sort_key

_XSD_NAMES = (
    "ENTITIES ENTITY ID IDREF IDREFS NCName NMTOKEN NMTOKENS NOTATION Name QName anySimpleType anyType anyURI "
    "base64Binary boolean byte date dateTime decimal double duration float gDay gMonth gMonthDay gYear gYearMonth "
    "hexBinary int integer language long negativeInteger nonNegativeInteger nonPositiveInteger normalizedString "
    "positiveInteger short string time token unsignedByte unsignedInt unsignedLong unsignedShort"
)
"""Names that EXI knows in the namespace of XML Schema (EXI 1.0, appendix D.3)."""


@dataclass(frozen=True)
class FragmentElement:
    """An element that can stand alone in a fragment. ``element`` is None where declarations of its name differ."""

    qname: QName
    element: Element | None


class Schema:
    """A set of namespaces coded together.

    Parameters
    ----------
    modules : modules
        The declaring modules, one per namespace.

    Attributes
    ----------
    namespaces : tuple of str
        The target namespaces, sorted.
    elements : tuple of Element
        The global elements, in the order of the document grammar (EXI 1.0, 8.5.1).
    """

    def __init__(self, *modules: ModuleType) -> None:
        self._modules = {_namespace(m).uri: m for m in modules}
        self.namespaces = tuple(sorted(self._modules))
        for module in modules:
            _name_simple_types(module)
        found = (e for m in modules for e in vars(m).values() if isinstance(e, Element) and e.module == m.__name__)
        self.elements: tuple[Element, ...] = tuple(sorted(found, key=lambda e: sort_key(e.qname)))
        self._by_name = {e.qname: e for e in self.elements}
        self._members: dict[Element, tuple[Element, ...]] = {}
        self._fragments: tuple[FragmentElement, ...] | None = None
        self.leaves: dict[int, Element] = {}

    def element(self, qname: QName) -> Element | None:
        """The global element of that name."""
        return self._by_name.get(qname)

    def global_element(self, name: str) -> Element:
        """The first global element with that local name.

        Raises
        ------
        KeyError
            If there is none.
        """
        for found in self.elements:
            if found.name == name:
                return found
        raise KeyError(name)

    def members(self, head: Element) -> tuple[Element, ...]:
        """A head and its substitution group within this schema, sorted as EXI does (EXI 1.0, 8.5.4.1.6)."""
        found = self._members.get(head)
        if found is None:
            inside = {e.qname: e for e in substitutes(head) if e.namespace in self._modules}
            found = self._members[head] = tuple(inside[q] for q in sorted(inside, key=sort_key))
        return found

    def types(self) -> Iterator[type[ComplexType]]:
        """All complex types that the modules declare, in the order of declaration."""
        for module in self._modules.values():
            for value in list(vars(module).values()):
                if isinstance(value, ComplexTypeMeta) and value.__module__ == module.__name__:
                    assert issubclass(value, ComplexType)
                    yield value

    def named_type(self, qname: QName) -> Any:
        """The type of that name: a complex type's class, a `SimpleType`, or None."""
        if qname.uri == XSD_NAMESPACE:
            return BUILTIN_TYPES.get(qname.name)
        module = self._modules.get(qname.uri)
        if module is None:
            return None
        value = vars(module).get(qname.name)
        if isinstance(value, ComplexTypeMeta):
            assert issubclass(value, ComplexType)
            return value if value.__module__ == module.__name__ and not value._anonymous_ else None
        return simple_type(value) if _is_named_simple_type(module, qname.name, value) else None

    def module_names(self, cls: type) -> dict[str, Any]:
        """Variables of the module that declares a type, where `items` content looks up its names."""
        for module in self._modules.values():
            if module.__name__ == cls.__module__:
                return vars(module)
        raise DeclarationError(f"{cls.__name__} is declared outside of this schema")

    @property
    def fragments(self) -> tuple[FragmentElement, ...]:
        """Every element name of the schema, in the order of the fragment grammar (EXI 1.0, 8.5.2)."""
        if self._fragments is None:
            known: dict[QName, FragmentElement] = {}
            for candidate in self._all_elements():
                first = known.get(candidate.qname)
                if first is None:
                    known[candidate.qname] = FragmentElement(candidate.qname, candidate)
                elif first.element is not None and not _same_type(first.element, candidate):
                    known[candidate.qname] = FragmentElement(candidate.qname, None)
            self._fragments = tuple(known[q] for q in sorted(known, key=sort_key))
        return self._fragments

    def _all_elements(self) -> Iterator[Element]:
        yield from self.elements
        for cls in self.types():
            for field in cls.__fields__:
                if field.kind == "element" and field.head is None:
                    yield field.element
            model = cls.__dict__.get("_content_")
            if isinstance(model, Model):
                yield from self._leaves(cls, model)

    def _leaves(self, cls: type[ComplexType], model: Model) -> Iterator[Element]:
        for part in model.parts:
            if isinstance(part, Model):
                yield from [leaf_element(self, cls, part)] if part.op == "leaf" else self._leaves(cls, part)

    @cached_property
    def attribute_names(self) -> tuple[QName, ...]:
        """Every attribute name of the schema, sorted as EXI does."""
        found = {f.qname for cls in self.types() for f in cls.__fields__ if f.kind == "attribute"}
        return tuple(sorted(found, key=sort_key))

    def string_partitions(self) -> dict[str, list[str]]:
        """Initial entries of the URI and local-name partitions, in order (EXI 1.0, 7.3.1, appendix D)."""
        partitions: dict[str, list[str]] = {
            "": [],
            XML_NAMESPACE: ["base", "id", "lang", "space"],
            XSI_NAMESPACE: ["nil", "type"],
            XSD_NAMESPACE: _XSD_NAMES.split(),
        }
        names: dict[str, set[str]] = {uri: set() for uri in self.namespaces}
        names[""] = set()
        for found in self._all_elements():
            names.setdefault(found.qname.uri, set()).add(found.qname.name)
        for cls in self.types():
            if not cls._anonymous_:
                names[_namespace(self._module_of(cls)).uri].add(cls.__name__)
            for field in cls.__fields__:
                if field.kind == "attribute":
                    names[field.qname.uri].add(field.qname.name)
        for uri, module in self._modules.items():
            names[uri].update(key for key, value in vars(module).items() if _is_named_simple_type(module, key, value))
        partitions[""] = sorted(names.pop(""))
        for uri in sorted(names):
            partitions[uri] = sorted(names[uri])
        return partitions

    def _module_of(self, cls: type) -> ModuleType:
        return next(m for m in self._modules.values() if m.__name__ == cls.__module__)


def leaf_element(schema: Schema, cls: type[ComplexType], leaf: Model) -> Element:
    """The element that a leaf of `items` content stands for."""
    known = schema.leaves.get(id(leaf))
    if known is None:
        known = schema.leaves[id(leaf)] = _leaf_element(schema.module_names(cls), leaf)
    return known


def _leaf_element(variables: dict[str, Any], leaf: Model) -> Element:
    name, type_ = leaf.parts
    if type_ is None:
        found = variables[name]
        assert isinstance(found, Element)
        return found
    space = variables["NAMESPACE"]
    return Element.named(
        QName(space.uri if space.elements else "", name), variables[type_] if isinstance(type_, str) else type_
    )


def _same_type(one: Element, other: Element) -> bool:
    return (one.simple_type or one.type) is (other.simple_type or other.type)


def _namespace(module: ModuleType) -> Namespace:
    found = module.NAMESPACE
    assert isinstance(found, Namespace)
    return found


def _name_simple_types(module: ModuleType) -> None:
    for key, value in vars(module).items():
        found = simple_type(value) if get_args(value) else None
        if found is not None and not found.name and found.module == module.__name__:
            object.__setattr__(found, "name", key)


def _is_named_simple_type(module: ModuleType, key: str, value: object) -> bool:
    """Whether a variable of a module is a simple type that this module declares, not one that it imports."""
    if not get_args(value) and not (isinstance(value, type) and issubclass(value, Enumeration)):
        return False
    found = simple_type(value)
    return isinstance(found, SimpleType) and found.name == key and found.module == module.__name__
