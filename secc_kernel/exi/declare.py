"""How a schema is declared in Python: namespaces, complex types, elements, content models.

A schema document becomes a module with a `NAMESPACE`, simple types (see `datatypes`), classes for complex types and
`element(...)` for global elements; names are the schema's own, so that both can be read side by side::

    NAMESPACE = Namespace("urn:example:msg")

    class PhysicalValueType(ComplexType):          # xs:sequence of elements, in this order
        Multiplier: unitMultiplierType
        Unit: unitSymbolType
        Value: short

    class ParameterType(ComplexType):
        Name: Annotated[string, attribute()]
        boolValue: boolean | None = None           # minOccurs="0", or a branch of a choice
        physicalValue: PhysicalValueType | None = None
        _content_ = choice("boolValue", "physicalValue")

    class ListType(ComplexType):
        Parameter: Annotated[list[ParameterType], occurs(1, 16)]

    Parameters = element(ListType)

``_abstract_ = True`` and ``_anonymous_ = True`` mark abstract types and those without a name in the schema;
``_quantity_ = Quantity(...)`` one whose fields are a number, its exponent and its unit.
Extension is inheritance: the base's content comes first. Content whose order carries meaning (mixed text, repeated
groups, wildcards) is one field of kind ``items`` holding texts and `Child` values in document order.
"""

from __future__ import annotations

import inspect
import sys
import types
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Union,
    get_args,
    get_origin,
)

from .datatypes import SimpleType, simple_type
from .errors import DeclarationError
from .names import QName
from .quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """`typing.dataclass_transform`, which type checkers read and Python has only from 3.11 on."""
        return lambda decorated: decorated


UNBOUNDED = None
"""maxOccurs="unbounded"."""


@dataclass(frozen=True, eq=False)
class Namespace:
    """A target namespace and how the schema document qualifies local names.

    ``elements`` and ``attributes`` are the document's elementFormDefault and attributeFormDefault: True for
    ``qualified``.
    """

    uri: str
    elements: bool = True
    attributes: bool = True


@dataclass(eq=False)
class Element:
    """An element declaration. A global one is named by the variable of ``module`` that holds it."""

    type: Any
    abstract: bool = False
    substitutes: Element | None = None
    module: str = ""
    members: list[Element] = field(default_factory=list, init=False)
    """Elements that name this one as the head of their substitution group, in the order of declaration."""

    def __post_init__(self) -> None:
        if self.substitutes is not None:
            self.substitutes.members.append(self)

    @cached_property
    def qname(self) -> QName:
        """The element's name, in the namespace of the module that declares it."""
        variables = vars(sys.modules[self.module])
        name = next(key for key, value in variables.items() if value is self)
        return QName(variables["NAMESPACE"].uri, name)

    @classmethod
    def named(cls, qname: QName, type_: Any) -> Element:
        """A local element, or one that no declaration knows."""
        made = cls(type_)
        made.__dict__["qname"] = qname
        return made

    @property
    def name(self) -> str:
        """Local name."""
        return self.qname.name

    @property
    def namespace(self) -> str:
        """Namespace URI."""
        return self.qname.uri

    @cached_property
    def concrete(self) -> bool:
        """Whether it can appear in a message: neither the element nor its type is abstract."""
        return not self.abstract and not (isinstance(self.type, ComplexTypeMeta) and self.type.is_abstract)

    @cached_property
    def simple_type(self) -> SimpleType | None:
        """The element's simple type, if it has one."""
        return simple_type(self.type)

    def __deepcopy__(self, memo: dict[int, Any]) -> Element:
        return self  # a declaration; what compares it by identity has to find it in a copied message

    def __reduce__(self) -> tuple[Any, ...]:
        if self.module:
            return _global_element, (self.module, self.name)
        return Element.named, (self.qname, self.type)

    def __repr__(self) -> str:
        return f"<Element {self.qname}>"


def _global_element(module: str, name: str) -> Element:
    found = getattr(import_module(module), name)
    assert isinstance(found, Element)
    return found


def element(type_: Any, *, abstract: bool = False, substitutes: Element | None = None) -> Element:
    """A global element of a simple or complex type, possibly a member of a substitution group."""
    return Element(type_, abstract, substitutes, sys._getframe(1).f_globals["__name__"])


# -- markers for annotations ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Occurs:
    min: int
    max: int | None


@dataclass(frozen=True)
class _Ref:
    element: Element


@dataclass(frozen=True)
class _Kind:
    kind: str


def occurs(minimum: int, maximum: int | None) -> _Occurs:
    """MinOccurs and maxOccurs of a repeated element; `UNBOUNDED` for no upper bound."""
    return _Occurs(minimum, maximum)


def ref(target: Element) -> _Ref:
    """A reference to a global element, possibly the head of a substitution group."""
    return _Ref(target)


def attribute() -> _Kind:
    """An attribute; required unless its annotation admits None."""
    return _Kind("attribute")


def text() -> _Kind:
    """The simple content of a type that is a simple type with attributes."""
    return _Kind("text")


def items() -> _Kind:
    """Content in document order: texts (where mixed) and `Child` values."""
    return _Kind("items")


# -- content models -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """A node of a content model. Strings in ``parts`` name fields of the class; ``Leaf`` parts belong to ``items``."""

    op: str  # sequence, choice, any, leaf
    parts: tuple[Any, ...] = ()
    min: int = 1
    max: int | None = 1
    mixed: bool = False


def sequence(*parts: str | Model, min: int = 1, max: int | None = 1) -> Model:
    """xs:sequence of fields (by name), leaves and groups.

    In an optional sequence, or in a branch of a choice, a field is required as soon as the sequence is there;
    ``sequence("name", min=0)`` within it makes one optional.
    """
    return Model("sequence", parts, min, max)


def choice(*parts: str | Model, min: int = 1, max: int | None = 1) -> Model:
    """xs:choice; a field named in it occurs exactly once when its branch is taken."""
    return Model("choice", parts, min, max)


def mixed(model: Model) -> Model:
    """Mixed content: texts between the elements of ``model``."""
    return Model("sequence", (model,), mixed=True)


def child(name: str, type_: Any, min: int = 1, max: int | None = 1) -> Model:
    """A local element within `items` content; ``type_`` may be the name of a type of the module."""
    return Model("leaf", (name, type_), min, max)


def child_ref(target: str, min: int = 1, max: int | None = 1) -> Model:
    """A reference to a global element (by its variable's name in the module) within `items` content."""
    return Model("leaf", (target, None), min, max)


def wildcard(min: int = 1, max: int | None = 1) -> Model:
    """xs:any for any or any other namespace, which EXI does not tell apart (EXI 1.0, 8.5.4.1.7)."""
    return Model("any", (), min, max)


# -- fields and complex types ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Field:
    """A field of a complex type.

    Attributes
    ----------
    name : str
        The Python attribute and, for elements and attributes, the local name in the schema. For a slot of a
        substitution group it is the head's name.
    kind : str
        ``element``, ``attribute``, ``text`` (simple content) or ``items`` (content in document order).
    type : SimpleType or type
        A simple type, or a subclass of `ComplexType`; None for ``items``.
    min, max : int or None
        Occurrence; None stands for unbounded. A branch of a choice has min 0.
    repeated : bool
        Whether the value is a list.
    qname : QName
        The element's or attribute's name.
    head : Element or None
        The global element, where the field is a reference to one.
    """

    name: str
    kind: str
    type: Any
    min: int
    max: int | None
    repeated: bool
    qname: QName
    head: Element | None
    annotation: Any
    owner: type

    @property
    def members(self) -> tuple[tuple[str, Any], ...]:
        """What a slot of a substitution group may hold, as (element name, type); empty for other fields."""
        if self.head is None or not (self.head.members or not self.head.concrete):
            return ()
        return tuple((e.name, simple_type(e.type) or e.type) for e in substitutes(self.head) if e.concrete)

    @cached_property
    def element(self) -> Element:
        """The element that the field stands for: the referenced one, or the local one that it declares."""
        return self.head if self.head is not None else Element.named(self.qname, self.annotation)

    def __repr__(self) -> str:
        return f"<Field {self.owner.__name__}.{self.name}>"


def substitutes(head: Element) -> Iterator[Element]:
    """The head and, through all levels, the members of its substitution group."""
    yield head
    for member in head.members:
        yield from substitutes(member)


class Child:
    """An element within `items` content: its declaration and its value."""

    __slots__ = ("element", "value")

    def __init__(self, element: Element, value: Any) -> None:
        self.element = element
        self.value = value

    @property
    def name(self) -> str:
        """Local name."""
        return self.element.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Child) and (self.element.qname, self.value) == (other.element.qname, other.value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Child({self.element.name}, {self.value!r})"


class AnyElement:
    """An element that no declaration describes: name, attributes, and children (elements and texts)."""

    __slots__ = ("attributes", "children", "qname")

    def __init__(
        self, qname: QName, attributes: dict[QName, str] | None = None, children: list[Any] | None = None
    ) -> None:
        self.qname = qname
        self.attributes = attributes if attributes is not None else {}
        self.children = children if children is not None else []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnyElement) and (self.qname, self.attributes, self.children) == (
            other.qname,
            other.attributes,
            other.children,
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AnyElement({self.qname}, {self.attributes!r}, {self.children!r})"


@dataclass_transform(kw_only_default=True)
class ComplexTypeMeta(type):
    """Makes slotted classes of declarations; reads their annotations when they are first needed."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> ComplexTypeMeta:
        own = [
            key
            for key, annotation in namespace.get("__annotations__", {}).items()
            if not key.startswith("_") and "ClassVar" not in str(annotation)
        ]
        for key in own:
            namespace.pop(key, None)
        namespace["__slots__"] = tuple(own)
        namespace["__own__"] = tuple(own)
        return super().__new__(mcs, name, bases, namespace)

    @property
    def is_abstract(cls) -> bool:
        """Whether the type itself, not its base, is declared abstract."""
        return bool(cls.__dict__.get("_abstract_", False))

    @property
    def __fields__(cls) -> tuple[Field, ...]:
        """The type's fields, the base's first."""
        found = cls.__dict__.get("__resolved__")
        if found is None:
            found = tuple(_resolve(cls))
            cls.__resolved__ = found
        assert isinstance(found, tuple)
        return found


class ComplexType(metaclass=ComplexTypeMeta):
    """Base of declared complex types.

    The constructor takes fields by keyword; what is not given is None, or an empty list where the element repeats.
    """

    _content_: ClassVar[Model | None] = None
    _anonymous_: ClassVar[bool] = False
    _abstract_: ClassVar[bool] = False
    _quantity_: ClassVar[Quantity | None] = None

    def __init__(self, **values: Any) -> None:
        for name, repeated in _defaults(type(self)):
            value = values.pop(name, None)
            setattr(self, name, [] if value is None and repeated else value)
        if values:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(values)}")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, f.name) == getattr(other, f.name) for f in type(self).__fields__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = (
            f"{f.name}={getattr(self, f.name)!r}"
            for f in type(self).__fields__
            if getattr(self, f.name) not in (None, [])
        )
        return f"{type(self).__name__}({', '.join(shown)})"


_DEFAULTS: dict[type, tuple[tuple[str, bool], ...]] = {}


def _defaults(cls: type[ComplexType]) -> tuple[tuple[str, bool], ...]:
    found = _DEFAULTS.get(cls)
    if found is None:
        found = _DEFAULTS[cls] = tuple((f.name, f.repeated or f.kind == "items") for f in cls.__fields__)
    return found


def namespace_of(cls: type) -> Namespace:
    """The namespace of the module that declares a type."""
    found = sys.modules[cls.__module__].NAMESPACE
    assert isinstance(found, Namespace)
    return found


def own_content(cls: type[ComplexType]) -> Model:
    """The content model that a class adds to its base's."""
    declared = cls.__dict__.get("_content_")
    if declared is not None:
        assert isinstance(declared, Model)
        return declared
    own = set(cls.__dict__["__own__"])
    return sequence(*(f.name for f in cls.__fields__ if f.name in own and f.kind == "element"))


def _resolve(cls: Any) -> Iterator[Field]:
    for base in cls.__bases__:
        if issubclass(base, ComplexType) and base is not ComplexType:
            yield from base.__fields__
    if cls is ComplexType:
        return
    module = sys.modules[cls.__module__]
    annotations = inspect.get_annotations(cls)
    branches = _branches(cls.__dict__.get("_content_"))
    for name in cls.__dict__["__own__"]:
        written = annotations[name]
        annotation = eval(written, dict(vars(module))) if isinstance(written, str) else written
        yield _field(cls, name, annotation, in_choice=name in branches)


def _branches(model: Model | None, inside: bool = False) -> set[str]:
    """Names of fields that stand in a choice or an optional group: absent from some valid instances."""
    if model is None:
        return set()
    found: set[str] = set()
    for part in model.parts:
        optional = inside or model.op == "choice" or model.min == 0
        if isinstance(part, Model):
            found |= _branches(part, optional)
        elif optional:
            found.add(part)
    return found


def _field(cls: type, name: str, annotation: Any, *, in_choice: bool) -> Field:
    metadata: list[Any] = []
    optional = False
    while True:
        if get_origin(annotation) is Annotated:
            inner, *meta = get_args(annotation)
            metadata += meta
            if any(isinstance(m, SimpleType) for m in meta):
                break
            annotation = inner
        elif get_origin(annotation) in (Union, types.UnionType):
            rest = [a for a in get_args(annotation) if a is not type(None)]
            if len(rest) != 1:
                raise DeclarationError(f"{cls.__name__}.{name}: a union of types")
            optional = True
            annotation = rest[0]
        else:
            break
    kind = next((m.kind for m in metadata if isinstance(m, _Kind)), "element")
    bounds = next((m for m in metadata if isinstance(m, _Occurs)), None)
    head = next((m.element for m in metadata if isinstance(m, _Ref)), None)
    repeated = get_origin(annotation) is list and kind != "items"
    if repeated:
        (annotation,) = get_args(annotation)
    low, high = (bounds.min, bounds.max) if bounds else (0 if optional or kind == "items" else 1, 1)
    space = namespace_of(cls)
    qualified = space.attributes if kind == "attribute" else space.elements
    qname = head.qname if head else QName(space.uri if qualified else "", name)
    type_ = None if kind == "items" else simple_type(annotation) or annotation
    if type_ is not None and not isinstance(type_, (SimpleType, ComplexTypeMeta)):
        raise DeclarationError(f"{cls.__name__}.{name}: {annotation!r} is not a declared type")
    return Field(
        name, kind, type_, 0 if in_choice and not repeated else low, high, repeated, qname, head, annotation, cls
    )
