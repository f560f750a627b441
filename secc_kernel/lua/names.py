"""What the elements below a message are called in the testers' API, read off the declarations.

One `Catalogue` per message type lists its items: values (``DC_EVSEStatus_EVSEStatusCode``), lists, and optional parts.
The rules are few: names of the path joined with ``_``, every name as in the schema; the item of a list that consists
of nothing but its items is left out (``SelectedServiceList_ServiceID``); the member of a substitution group stands
where it stands in the document; simple content is named after its element.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..exi.datatypes import SimpleType
from ..exi.declare import ComplexType, Field, Model
from ..messages import Vocabulary

__all__ = ["Catalogue", "Choice", "Item", "Step", "choices"]


@dataclass(frozen=True, slots=True)
class Step:
    """One element on the way from a message to an item.

    Attributes
    ----------
    field : str
        The attribute of the value above.
    element : str
        The element's name in a document: differs from ``field`` in a slot of a substitution group.
    type : SimpleType or type
        What is found there.
    slot : bool
        Whether the field is a slot of a substitution group, which this step's member takes.
    repeated : bool
        Whether the step takes an index.
    excludes : tuple of str
        Fields of the same choice, which give way to this one.
    """

    field: str
    element: str
    type: Any
    slot: bool
    repeated: bool
    excludes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """Something below a message that has a name.

    Attributes
    ----------
    name : str
        The path as the API spells it.
    kind : str
        ``value`` (a simple type), ``list`` (its last step repeats) or ``part`` (an optional complex element).
    steps : tuple of Step
        The way from the message type; of a list, up to and including the item.
    optional : bool
        Whether the schema lets the element be absent; of a list, whether it lets the list be empty.
    max : int or None
        Of a list: how many items the schema allows; None for any number.
    """

    name: str
    kind: str
    steps: tuple[Step, ...]
    optional: bool
    max: int | None = 1

    @property
    def type(self) -> Any:
        """The simple type of a value; the item type of a list; the complex type of a part."""
        return self.steps[-1].type

    @property
    def indices(self) -> int:
        """How many list indices its functions take before the value."""
        repeated = sum(step.repeated for step in self.steps)
        return repeated - 1 if self.kind == "list" else repeated

    def path(self, indices: tuple[int, ...] = (), root: str = "") -> str:
        """The document path: ``SelectedServiceList.SelectedService[0].ServiceID``."""
        remaining = list(indices)
        parts = [root] if root else []
        for step in self.steps:
            if step.element == "":
                continue
            index = f"[{remaining.pop(0)}]" if step.repeated and remaining else ""
            parts.append(step.element + index)
        return ".".join(parts)


class Catalogue:
    """The named items of a message type.

    Parameters
    ----------
    vocabulary : Vocabulary
        The vocabulary of the message.
    message : str
        Its name. Where the standard wraps messages in an envelope, the envelope's header belongs to it: its items are
        named ``Header_...`` in every standard.
    """

    def __init__(self, vocabulary: Vocabulary, message: str) -> None:
        self.message_type = vocabulary.message_type(message)
        self.header_type = vocabulary.header_type() if vocabulary.envelope is not None else None
        self._vocabulary = vocabulary
        self.values: dict[str, Item] = {}
        self.lists: dict[str, Item] = {}
        self.parts: dict[str, Item] = {}
        self.items_by_element: dict[str, Item] = {}
        """Lists by the element name of their items, as the ``Exist_`` functions name them."""
        if self.header_type is not None:
            step = Step("Header", "Header", self.header_type, False, False, ())
            self._walk(self.header_type, ("Header",), (step,), ())
        self._walk(self.message_type, (), (), ())

    def __iter__(self) -> Iterator[Item]:
        yield from self.values.values()
        yield from self.lists.values()
        yield from self.parts.values()

    def optional(self, name: str) -> Item | None:
        """The value or part of that name, if the schema lets it be absent."""
        found = self.values.get(name)
        return found if found is not None and found.optional else self.parts.get(name)

    def setters(self, path: str) -> list[str]:
        """The names of what sets the element at a document path, with the indices in it.

        Of an element with parts the names of all begin alike: then ``…`` stands for the rest. The path may name a
        slot of a substitution group or, at its end, the parts of a choice (``A or B``).
        """
        *above, last = path.split(".")
        found: dict[str, None] = {}
        for end in last.split(" or "):
            parts = [part.partition("[") for part in (*above, end)]
            indices = ", ".join(index.rstrip("]") for _, bracket, index in parts if bracket)
            for item in self.values.values():
                steps = [step for step in item.steps if step.element]
                if len(steps) < len(parts):
                    continue
                if all(part[0] in (step.field, step.element) for part, step in zip(parts, steps, strict=False)):
                    below = "_".join(step.element for step in steps[len(parts) :])
                    begin = item.name.removesuffix(f"_{below}")
                    name = f"{begin}_…" if below and begin != item.name else item.name
                    found[f"{name}({indices}, …)" if indices else name] = None
        return list(found)

    def _walk(
        self, type_: type[ComplexType], names: tuple[str, ...], steps: tuple[Step, ...], above: tuple[type, ...]
    ) -> None:
        if type_ in above:
            return
        fields = type_.__fields__
        bare_list = bool(names) and len(fields) == 1 and fields[0].repeated
        for field in fields:
            if field.kind == "items":  # content in document order has no single place that a name could mean
                continue
            excludes = _rivals(type_, field.name)
            members = self._vocabulary.members(field)
            for element, member in [(e.name, e.type) for e in members] or [(field.name, field.type)]:
                element = "" if field.kind == "text" else element
                step = Step(field.name, element, member, bool(members), field.repeated, excludes)
                self._enter(field, step, names, steps, (*above, type_), bare_list)
        self._add_lone_attribute(fields, names, steps)

    def _enter(
        self,
        field: Field,
        step: Step,
        names: tuple[str, ...],
        steps: tuple[Step, ...],
        above: tuple[type, ...],
        bare_list: bool,
    ) -> None:
        steps = (*steps, step)
        simple = isinstance(step.type, SimpleType)
        named = (*names, step.element) if step.element else names
        if field.repeated:
            list_name = "_".join(names if bare_list else named)
            item = Item(list_name, "list", steps, field.min == 0, field.max)
            self.lists[list_name] = item
            self.items_by_element.setdefault(step.element, item)
            if bare_list and not simple:
                named = names
        name = "_".join(named)
        optional = field.min == 0 and not field.repeated
        if simple:
            self.values[name] = Item(name, "value", steps, optional)
            return
        if optional:
            self.parts[name] = Item(name, "part", steps, True)
        self._walk(step.type, named, steps, above)

    def _add_lone_attribute(self, fields: tuple[Field, ...], names: tuple[str, ...], steps: tuple[Step, ...]) -> None:
        """Name an element that says everything in one attribute after itself, too (``CanonicalizationMethod``)."""
        required = [f for f in fields if f.min > 0]
        others = [f for f in fields if f.min == 0 and f.kind != "items"]
        name = "_".join(names)
        if name and name not in self.lists and len(required) == 1 and not others and required[0].kind == "attribute":
            field = required[0]
            step = Step(field.name, field.name, field.type, False, False, ())
            self.values.setdefault(name, Item(name, "value", (*steps, step), False))


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice in a type's content.

    Attributes
    ----------
    branches : tuple of tuple of str
        The fields of each branch.
    mandatory : bool
        Whether one of them has to be there.
    """

    branches: tuple[tuple[str, ...], ...]
    mandatory: bool


@cache
def choices(type_: type[ComplexType]) -> tuple[Choice, ...]:
    """The choices in a type's content, its bases' included."""
    found: list[Choice] = []
    for base in type_.__mro__:
        model = base.__dict__.get("_content_")
        if isinstance(model, Model):
            found += _choices(model, mandatory=True)
    return tuple(found)


def _choices(model: Model, mandatory: bool) -> Iterator[Choice]:
    mandatory = mandatory and model.min > 0
    if model.op == "choice":
        yield Choice(tuple(tuple(_fields(part)) for part in model.parts), mandatory)
    for part in model.parts:
        if isinstance(part, Model):
            yield from _choices(part, mandatory and model.op != "choice")


def _fields(part: str | Model) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif part.op in ("sequence", "choice"):
        for inner in part.parts:
            yield from _fields(inner)


def _rivals(type_: type[ComplexType], name: str) -> tuple[str, ...]:
    """The fields that give way when this one is set: those of the other branches of its choice."""
    return tuple(
        field
        for choice in choices(type_)
        if any(name in branch for branch in choice.branches)
        for branch in choice.branches
        if name not in branch
        for field in branch
    )
