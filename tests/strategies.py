"""Hypothesis strategies made from the declarations: any message of any vocabulary, any value of any type.

They follow fields and content models, not the grammars that the codec makes of these, so both can be held against each
other. ``xml=True`` keeps to what XML 1.0 can carry and general XML tools leave as it is.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from secc_kernel.codec import Message
from secc_kernel.exi.datatypes import NO_BYTES, NO_TEXT, SimpleType, simple_type
from secc_kernel.exi.declare import Child, ComplexType, Element, Field, Model, own_content
from secc_kernel.exi.schema import Schema, leaf_element
from secc_kernel.messages import SCHEMAS, vocabulary

#: Where EXI's integers grow by an octet or leave their range.
EDGES = sorted({s * (128**n + d) for n in range(1, 6) for d in (-1, 0, 1) for s in (1, -1)} | {0, 1, -1, 2**63, 2**200})
DEEPEST = 5
LONGEST = 24


def examples(count: int = 25) -> settings:
    """Settings for so many examples; SECC_KERNEL_EXAMPLES asks for another number of fresh ones."""
    asked = os.environ.get("SECC_KERNEL_EXAMPLES")
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(
        max_examples=int(asked) if asked else count, derandomize=not asked, deadline=None, suppress_health_check=slow
    )


_ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=LONGEST)
_XML_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Co", "Cn")), max_size=LONGEST)


def simple_values(type_: SimpleType, *, xml: bool = False, attribute: bool = False) -> st.SearchStrategy[Any]:
    """Valid values of a simple type, those at the edges of its representation among them."""
    plain = xml or attribute  # only an element can have no characters event
    if type_.kind == "enumeration":
        return st.sampled_from(type_.members)
    if type_.kind == "boolean":
        return st.booleans()
    if type_.kind == "integer":
        low, high = type_.min_inclusive, type_.max_inclusive
        edges = [
            e
            for e in (*EDGES, low, high)
            if e is not None and (low is None or e >= low) and (high is None or e <= high)
        ]
        return st.sampled_from(edges) | st.integers(low, high)
    least, most = type_.min_length or 0, min(type_.max_length if type_.max_length is not None else LONGEST, LONGEST)
    if type_.kind == "string":
        if type_.builtin in ("ID", "IDREF"):
            return st.sampled_from(["id1", "ID1", "_", "a-b.c"])
        texts = _XML_TEXT if xml else _ANY_TEXT
        found = texts.map(lambda t: t.ljust(least, "x")[: max(most, least)])
        return found if least or plain else found | st.just(NO_TEXT)
    found = st.binary(min_size=least, max_size=max(most, least))
    return found if least or plain else found | st.just(NO_BYTES)


class _Maker:
    """Draws values of one schema's types."""

    def __init__(self, draw: st.DrawFn, schema: Schema, xml: bool) -> None:
        self.draw = draw
        self.schema = schema
        self.xml = xml

    def any(self, type_: Any, depth: int) -> Any:
        simple = type_ if isinstance(type_, SimpleType) else simple_type(type_)
        if simple is not None:
            return self.draw(simple_values(simple, xml=self.xml))
        return self.complex(type_, depth)

    def complex(self, cls: type[ComplexType], depth: int) -> ComplexType:
        made = cls()
        fields = {f.name: f for f in cls.__fields__}
        for field in fields.values():
            if field.kind == "text" or (field.kind == "attribute" and (field.min or self.draw(st.booleans()))):
                found = simple_values(field.type, xml=self.xml, attribute=field.kind == "attribute")
                setattr(made, field.name, self.draw(found))
        for base in reversed(cls.__mro__):
            if issubclass(base, ComplexType) and base is not ComplexType:
                model = own_content(base)
                self.group(made, base, fields, model, depth)
                if model.mixed:
                    self.texts(made, next(f.name for f in fields.values() if f.kind == "items"))
        return made

    def group(
        self, made: Any, cls: type, fields: dict[str, Field], model: Model, depth: int, inside: bool = False
    ) -> None:
        for _ in range(self.times(model.min, model.max, depth)):
            parts = [self.draw(st.sampled_from(model.parts))] if model.op == "choice" else model.parts
            within = inside or model.op == "choice" or model.min == 0
            for part in parts:
                if isinstance(part, str):
                    self.field(made, fields[part], within, depth)
                elif part.op in ("leaf", "any"):
                    items = getattr(made, next(f.name for f in fields.values() if f.kind == "items"))
                    for _ in range(self.times(part.min, part.max, depth)):
                        items.append(self.item(cls, part, depth))
                else:
                    self.group(made, cls, fields, part, depth, within)

    def times(self, least: int, most: int | None, depth: int) -> int:
        if depth > DEEPEST:
            return least
        limit = least + 2 if most is None else min(most, least + 2)
        return self.draw(st.integers(least, limit))

    def field(self, made: Any, field: Field, required: bool, depth: int) -> None:
        if field.repeated:
            count = self.times(field.min, field.max, depth)
            setattr(made, field.name, [self.slot(field, depth) for _ in range(count)])
        elif required or field.min or (depth <= DEEPEST and self.draw(st.booleans())):
            setattr(made, field.name, self.slot(field, depth))

    def slot(self, field: Field, depth: int) -> Any:
        if field.head is None:
            return self.any(field.type, depth + 1)
        members = [e for e in self.schema.members(field.head) if e.concrete]
        return self.any(self.draw(st.sampled_from(members)).type, depth + 1)

    def item(self, cls: type, part: Model, depth: int) -> Child:
        if part.op == "leaf":
            element = leaf_element(self.schema, cls, part)  # type: ignore[arg-type]
        else:
            # Anything may stand here; what cannot nest further ends the recursion.
            known = [e for e in self.schema.elements if e.concrete]
            flat = [e for e in known if simple_type(e.type) is not None]
            element = self.draw(st.sampled_from(flat if depth > 1 and flat else known))
        return Child(element, self.any(element.type, depth + 2))

    def texts(self, made: Any, name: str) -> None:
        """Text before, between and after the children of mixed content."""
        texts = _XML_TEXT if self.xml else _ANY_TEXT
        children = getattr(made, name)
        mixed: list[Any] = []
        for child in (*children, None):
            if self.draw(st.booleans()) and (text := self.draw(texts)):
                mixed.append(text)
            if child is not None:
                mixed.append(child)
        children[:] = mixed


@st.composite
def values(draw: st.DrawFn, schema: Schema, type_: Any, xml: bool = False) -> Any:
    """Valid values of a type of a schema."""
    return _Maker(draw, schema, xml).any(type_, 0)


@st.composite
def documents(draw: st.DrawFn, schema: Schema, xml: bool = False) -> tuple[Element, Any]:
    """A global element of a schema and a value for it."""
    element = draw(st.sampled_from([e for e in schema.elements if e.concrete]))
    return element, draw(values(schema, element.type, xml))


@st.composite
def messages(draw: st.DrawFn, key: str | None = None, name: str | None = None, xml: bool = False) -> Message:
    """A message of a vocabulary, by default of any; of xmldsig, which has none, a document."""
    words = vocabulary(key if key is not None else draw(st.sampled_from(SCHEMAS)))
    if not words.messages:
        return Message(words.key, *draw(documents(words.schema, xml)))
    element = words.message_element(name if name is not None else draw(st.sampled_from(words.messages)))
    value = draw(values(words.schema, element.type, xml))
    if words.envelope is None:
        return Message(words.key, element, value)
    made = {
        f.name: draw(values(words.schema, f.type, xml)) for f in words.envelope.type.__fields__ if f.name == "Header"
    }
    body = next(f.type for f in words.envelope.type.__fields__ if f.name == "Body")
    return Message(words.key, words.envelope, words.envelope.type(**made, Body=body(BodyElement=value)))


@st.composite
def fragments(draw: st.DrawFn, key: str, xml: bool = False) -> Message:
    """An element of a vocabulary on its own, for the fragment grammar."""
    words = vocabulary(key)
    known = [f.element for f in words.schema.fragments if f.element is not None and f.element.concrete]
    element = draw(st.sampled_from(known))
    return Message(key, element, draw(values(words.schema, element.type, xml)), fragment=True)
