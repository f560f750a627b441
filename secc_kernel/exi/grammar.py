"""EXI grammars of a schema's types: which events may come next, under which event code.

A state of an element's grammar is what is left of its content model. Its productions are read off that residue, left
to right, which is the order that EXI prescribes (EXI 1.0, 8.5.4): attributes by name, elements in the schema's order,
end of element, characters. States are made when they are first reached, so an upper bound of 1024 costs nothing.

Both codecs work from these states: the compiled one turns them into source, the careful one walks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .datatypes import SimpleType, bits_for, simple_type
from .declare import ComplexType, Element, Field, Model, own_content
from .errors import DeclarationError
from .names import QName, sort_key
from .schema import Schema, leaf_element

# -- content models as residues -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """An element (or, with ``element`` None, any element) that may come next, and the field that takes it."""

    element: Element | None
    field: Field


class Particle:
    """A content model, or what is left of one after some elements."""

    nullable: bool
    """Whether nothing more is required."""

    def first(self) -> list[tuple[Term, Particle]]:
        """What may come next, in the schema's order, each with what is left after it."""
        raise NotImplementedError


class Empty(Particle):
    """Nothing is left."""

    nullable = True

    def first(self) -> list[tuple[Term, Particle]]:
        return []


EMPTY = Empty()


@dataclass(frozen=True)
class Leaf(Particle):
    """One term, once."""

    term: Term
    nullable = False

    def first(self) -> list[tuple[Term, Particle]]:
        return [(self.term, EMPTY)]


@dataclass(frozen=True)
class Sequence(Particle):
    """``head``, then ``rest``."""

    head: Particle
    rest: Particle

    @cached_property
    def nullable(self) -> bool:  # type: ignore[override]
        return self.head.nullable and self.rest.nullable

    def first(self) -> list[tuple[Term, Particle]]:
        found = [(term, join(left, self.rest)) for term, left in self.head.first()]
        return found + self.rest.first() if self.head.nullable else found


@dataclass(frozen=True)
class Choice(Particle):
    """One of the branches."""

    branches: tuple[Particle, ...]

    @cached_property
    def nullable(self) -> bool:  # type: ignore[override]
        return any(b.nullable for b in self.branches)

    def first(self) -> list[tuple[Term, Particle]]:
        return [pair for branch in self.branches for pair in branch.first()]


@dataclass(frozen=True)
class Repeat(Particle):
    """``body``, at least ``min`` and at most ``max`` times (None: any number)."""

    body: Particle
    min: int
    max: int | None

    @cached_property
    def nullable(self) -> bool:  # type: ignore[override]
        return self.min == 0 or self.body.nullable

    def first(self) -> list[tuple[Term, Particle]]:
        after = repeat(self.body, max(self.min - 1, 0), None if self.max is None else self.max - 1)
        return [(term, join(left, after)) for term, left in self.body.first()]


def join(head: Particle, rest: Particle) -> Particle:
    """One after the other."""
    if head is EMPTY:
        return rest
    if rest is EMPTY:
        return head
    if isinstance(head, Sequence):
        return Sequence(head.head, join(head.rest, rest))
    return Sequence(head, rest)


def repeat(body: Particle, minimum: int, maximum: int | None) -> Particle:
    """Several times."""
    if maximum == 0 or body is EMPTY:
        return EMPTY
    return body if (minimum, maximum) == (1, 1) else Repeat(body, minimum, maximum)


# -- states and productions -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Production:
    """One event that a state allows.

    ``event`` is ``AT`` (attribute ``field``), ``SE`` (element ``element`` into ``field``), ``SE*`` (any element into
    ``field``), ``EE`` or ``CH`` (the element's value, or mixed text where the grammar's type is complex).
    """

    event: str
    element: Element | None = None
    field: Field | None = None
    left: Any = None


class State:
    """A state of an element grammar.

    Attributes
    ----------
    productions : tuple of Production
        The declared events; the event code is the position.
    width : int
        Bits of the event code: one value more than there are productions leads to the undeclared ones.
    start : bool
        Whether nothing of the element has been read yet.
    before_content : bool
        Whether attributes may still come (the states 0 to *content* of EXI 1.0, 8.5.4.4.1).
    """

    __slots__ = ("_next", "before_content", "grammar", "key", "productions", "start", "width")

    def __init__(
        self, grammar: Grammar, key: Any, productions: tuple[Production, ...], start: bool, before_content: bool
    ) -> None:
        self.grammar = grammar
        self.key = key
        self.productions = productions
        self.width = bits_for(len(productions) + 1)
        self.start = start
        self.before_content = before_content
        self._next: list[State | None] = [None] * len(productions)

    @property
    def ends(self) -> bool:
        """Whether the element may end here."""
        return any(p.event == "EE" for p in self.productions)

    def after(self, code: int) -> State:
        """The state after the production with that event code."""
        found = self._next[code]
        if found is None:
            found = self._next[code] = self.grammar.state(*self.productions[code].left)
        return found

    def content(self) -> State:
        """The state in which undeclared content continues: a copy of the content's first state without attributes."""
        return self if not self.before_content else self.grammar.content_copy()


class Grammar:
    """The grammar of a type's elements (EXI 1.0, 8.5.4.1).

    Parameters
    ----------
    schema : Schema
        Decides who belongs to substitution groups.
    type_ : SimpleType or subclass of ComplexType
        The type.
    nil : bool
        The grammar of the type's elements with xsi:nil="true": the type's attributes and no content.
    """

    def __init__(self, schema: Schema, type_: Any, nil: bool = False) -> None:
        self.schema = schema
        self.type = type_
        self.simple: SimpleType | None = type_ if isinstance(type_, SimpleType) and not nil else None
        self._states: dict[Any, State] = {}
        self.text_field: Field | None = None
        self.items_field: Field | None = None
        self.lists: frozenset[str] = frozenset()
        self.attributes: tuple[Field, ...] = ()
        self.mixed = False
        self.content: Particle = EMPTY
        if not isinstance(type_, SimpleType):
            self._read(type_)
        if nil:
            self.text_field, self.mixed, self.content = None, False, EMPTY
        self.start = self.state(0, "text" if self.simple or self.text_field else self.content, True)

    @cached_property
    def nil(self) -> Grammar:
        """The grammar that takes over after xsi:nil="true" (*TypeEmpty* of EXI 1.0, 8.5.4.1.3.2)."""
        return Grammar(self.schema, self.type, nil=True)

    @property
    def name(self) -> str:
        """Name of the type, as the schema has it; that of its base for an anonymous simple type."""
        if isinstance(self.type, SimpleType):
            return self.type.name or self.type.builtin
        return str(self.type.__name__)

    @property
    def value_type(self) -> SimpleType | None:
        """The simple type of the character content, if that is typed."""
        if self.simple is not None:
            return self.simple
        return self.text_field.type if self.text_field is not None else None

    def _read(self, cls: type[ComplexType]) -> None:
        fields = cls.__fields__
        self.attributes = tuple(sorted((f for f in fields if f.kind == "attribute"), key=lambda f: sort_key(f.qname)))
        self.text_field = next((f for f in fields if f.kind == "text"), None)
        self.items_field = next((f for f in fields if f.kind == "items"), None)
        self.lists = frozenset(f.name for f in fields if f.repeated or f.kind == "items")
        lineage = [c for c in reversed(cls.__mro__) if c is not ComplexType and issubclass(c, ComplexType)]
        by_name = {f.name: f for f in fields}
        for base in lineage:
            model = own_content(base)
            self.mixed = self.mixed or model.mixed
            self.content = join(self.content, self._particle(base, model, by_name))

    def _particle(
        self, cls: type[ComplexType], model: Model, fields: dict[str, Field], in_group: bool = False
    ) -> Particle:
        """A content model; ``in_group`` says that it stands in a choice or an optional group.

        There a field's None tells that the group is absent or another branch was taken, not that the field is
        optional within the group.
        """
        if model.op == "any":
            assert self.items_field is not None
            return repeat(Leaf(Term(None, self.items_field)), model.min, model.max)
        if model.op == "leaf":
            assert self.items_field is not None
            found = leaf_element(self.schema, cls, model)
            return repeat(self._group(found, self.items_field), model.min, model.max)
        parts: list[Particle] = []
        in_group = in_group or model.op == "choice" or model.min == 0
        for part in model.parts:
            if isinstance(part, Model):
                parts.append(self._particle(cls, part, fields, in_group))
            elif model.max != 1:
                raise DeclarationError(f"{cls.__name__}: a group that repeats needs items(), not fields")
            else:
                field = fields[part]
                low = 1 if in_group and not field.repeated else field.min
                parts.append(repeat(self._group(field.element, field), low, field.max))
        if model.op == "choice":
            body: Particle = Choice(tuple(parts))
        else:
            body = EMPTY
            for item in reversed(parts):
                body = join(item, body)
        return repeat(body, model.min, model.max)

    def _group(self, head: Element, field: Field) -> Particle:
        members = self.schema.members(head) if head.module else (head,)
        leaves = tuple(Leaf(Term(m, field)) for m in members)
        return leaves[0] if len(leaves) == 1 else Choice(leaves)

    def state(self, attribute: int, content: Any, before_content: bool) -> State:
        """The state with attributes from number ``attribute`` on and this residue of the content left."""
        key = (attribute, content, before_content)
        found = self._states.get(key)
        if found is None:
            productions = tuple(self._productions(attribute, content, before_content))
            start = before_content and attribute == 0 and not self._states
            found = self._states[key] = State(self, key, productions, start, before_content)
        return found

    def content_copy(self) -> State:
        """The content's first state, with attributes ruled out (*content2* in EXI 1.0, 8.5.4.4.1)."""
        return self.state(len(self.attributes), "text" if self.value_type else self.content, False)

    def _productions(self, attribute: int, content: Any, before_content: bool) -> list[Production]:
        found: list[Production] = []
        if before_content:
            for number in range(attribute, len(self.attributes)):
                field = self.attributes[number]
                found.append(Production("AT", None, field, (number + 1, content, True)))
                if field.min == 1:
                    return found
        if content == "text":
            return [*found, Production("CH", None, self.text_field, (0, "end", False))]
        if content == "end":
            return [*found, Production("EE")]
        offers = content.first()
        for term, left in offers:
            if term.element is not None:
                found.append(Production("SE", term.element, term.field, (0, left, False)))
        for term, left in offers:  # wildcards come after all named elements (EXI 1.0, 8.5.4.3)
            if term.element is None:
                found.append(Production("SE*", None, term.field, (0, left, False)))
        if content.nullable:
            found.append(Production("EE"))
        if self.mixed:
            found.append(Production("CH", None, self.items_field, (0, content, False)))
        return found


class Grammars:
    """The grammars of a schema, made when first asked for."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._known: dict[int, Grammar] = {}

    def of(self, type_: Any) -> Grammar:
        """The grammar of a type, or of an element's annotation."""
        declared = simple_type(type_) if not isinstance(type_, SimpleType) else type_
        target = declared if declared is not None else type_
        found = self._known.get(id(target))
        if found is None:
            found = self._known[id(target)] = Grammar(self.schema, target)
        return found

    @cached_property
    def document_codes(self) -> dict[QName, int]:
        """Event codes of the global elements at the document's start (EXI 1.0, 8.5.1)."""
        return {e.qname: code for code, e in enumerate(self.schema.elements)}

    @cached_property
    def document_width(self) -> int:
        """Bits of the first event code: all global elements, and any other element."""
        return bits_for(len(self.schema.elements) + 1)

    @cached_property
    def fragment_codes(self) -> dict[QName, int]:
        """Event codes of the elements that a fragment can start with (EXI 1.0, 8.5.2)."""
        return {f.qname: code for code, f in enumerate(self.schema.fragments)}

    @cached_property
    def fragment_width(self) -> int:
        """Bits of an event code between a fragment's elements: all of them, any other element, the end."""
        return bits_for(len(self.schema.fragments) + 2)
