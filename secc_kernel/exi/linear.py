"""Grammars as a list of items, which is what most types are and what compiles to straight-line code.

An item is an attribute, an element, a choice of elements or the text, with its occurrence. Before item *i* the event
codes count the alternatives of item *i*, then, as long as items may be left out, those of the next ones. So a state is
known by the first item that may still come, and an event is known by its number among all alternatives of the type:
number = first alternative of the state + event code.
"""

from __future__ import annotations

from dataclasses import dataclass

from .datatypes import bits_for
from .declare import Element, Field
from .grammar import EMPTY, Choice, Grammar, Leaf, Particle, Repeat, Sequence

_FEW = 4


@dataclass(frozen=True)
class Item:
    """One step of a type's content.

    ``kind`` is ``AT``, ``SE`` or ``CH``. For ``SE`` there is one alternative per element that may stand here, each with
    the field that takes it; ``first`` is the number of the first alternative.
    """

    kind: str
    alternatives: tuple[tuple[Element | None, Field | None], ...]
    min: int
    max: int | None
    first: int

    @property
    def field(self) -> Field | None:
        """The field of the first alternative."""
        return self.alternatives[0][1]

    @property
    def repeated(self) -> bool:
        """Whether the item may stand more than once."""
        return self.max != 1

    @property
    def long(self) -> bool:
        """Whether it may stand so often that the length of the whole stream would be paid with each occurrence."""
        return self.max is None or self.max > 64

    @property
    def one_field(self) -> bool:
        """Whether all alternatives go into the same field: a slot of a substitution group, or a plain element."""
        return len({id(field) for _, field in self.alternatives}) == 1


@dataclass(frozen=True)
class Linear:
    """A type's content as items."""

    items: tuple[Item, ...]

    @property
    def end(self) -> int:
        """Number of the alternative that ends the element."""
        return self.items[-1].first + len(self.items[-1].alternatives) if self.items else 0

    @property
    def plain(self) -> bool:
        """Whether the content is a few mandatory simple elements, such as PhysicalValueType's: worth no function."""
        return len(self.items) <= _FEW and all(
            item.kind == "SE"
            and (item.min, item.max) == (1, 1)
            and len(item.alternatives) == 1
            and item.alternatives[0][0] is not None
            and item.alternatives[0][0].simple_type is not None
            for item in self.items
        )

    def first(self, item: int) -> int:
        """Number of the first alternative from an item on."""
        return self.items[item].first if item < len(self.items) else self.end

    def choices(self, item: int) -> int:
        """How many declared events there are in the state before an item."""
        for later in self.items[item:]:
            if later.min > 0:
                return later.first + len(later.alternatives) - self.first(item)
        return self.end + 1 - self.first(item)

    def width(self, item: int) -> int:
        """Bits of the event code in the state before an item."""
        return bits_for(self.choices(item) + 1)

    def choices_again(self, item: int) -> int:
        """How many declared events there are after an occurrence of an item that may be repeated or left."""
        return len(self.items[item].alternatives) + self.choices(item + 1)


def linear(grammar: Grammar) -> Linear | None:
    """The grammar as items, or None if its content is not that simple (mixed, wildcards, repeated groups)."""
    if grammar.simple is not None or grammar.items_field is not None:
        return None
    items: list[Item] = []
    number = 0
    for field in grammar.attributes:
        items.append(Item("AT", ((None, field),), field.min, 1, number))
        number += 1
    if grammar.text_field is not None:
        items.append(Item("CH", ((None, grammar.text_field),), 1, 1, number))
        return Linear(tuple(items))
    for particle in _flat(grammar.content):
        body, low, high = (
            (particle.body, particle.min, particle.max) if isinstance(particle, Repeat) else (particle, 1, 1)
        )
        leaves = body.branches if isinstance(body, Choice) else (body,)
        alternatives = []
        for leaf in leaves:
            if not isinstance(leaf, Leaf):
                return None
            alternatives.append((leaf.term.element, leaf.term.field))
        if high != 1 and len(alternatives) > 1:
            return None
        items.append(Item("SE", tuple(alternatives), low, high, number))
        number += len(alternatives)
    return Linear(tuple(items))


def _flat(particle: Particle) -> list[Particle]:
    if particle is EMPTY:
        return []
    if isinstance(particle, Sequence):
        return [*_flat(particle.head), *_flat(particle.rest)]
    return [particle]
