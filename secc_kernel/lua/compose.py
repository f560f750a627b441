"""From what a script set, field by field, to a message: what is missing is taken from the autopilot's message.

A script's assignments are replayed in the order in which they were made, so that the last word counts: setting a field
of one member of a substitution group (or of one branch of a choice) puts the others aside, ``Specified(false)`` removes
what was set below, ``Count`` cuts a list. What was set is then merged over the autopilot's message: mandatory fields
that the script left open come from there, optional ones are absent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..exi.datatypes import Enumeration, SimpleType
from ..exi.declare import ComplexType, Field
from ..exi.facets import check_value
from ..messages.meanings import field_meaning
from .names import Item, choices

__all__ = ["Assignment", "Composition", "compose"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One thing that a script said about a message.

    Attributes
    ----------
    item : Item
        What it is about.
    indices : tuple of int
        The list indices on the way.
    what : str
        ``value``, ``count`` or ``specified``.
    value : Any
        The Python value of the declaration, the number of items, or whether the element is present.
    """

    item: Item
    indices: tuple[int, ...]
    what: str
    value: Any


@dataclass(slots=True)
class Composition:
    """A composed value and where its parts come from.

    Attributes
    ----------
    value : ComplexType
        An instance of the message type.
    auto : list of str
        Paths that were taken from the autopilot.
    intended : list of str
        Paths of values that the script set against the schema's facets.
    missing : list of str
        Paths of mandatory fields for which there is no value.
    """

    value: Any = None
    auto: list[str] = field(default_factory=list)
    intended: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class _Slot:
    """What the script said about one element."""

    __slots__ = ("count", "items", "member", "node", "present", "value")

    def __init__(self) -> None:
        self.present: bool | None = None
        self.value: Any = None
        self.member: Any = None
        self.node: dict[str, _Slot] = {}
        self.items: dict[int, _Slot] = {}
        self.count: int | None = None

    def said(self) -> bool:
        return self.present is not None or bool(self.items) or self.count is not None


def compose(
    type_: type[ComplexType],
    assignments: Iterable[Assignment],
    automatic: ComplexType | None,
    path: tuple[str, ...] = (),
    needed: tuple[str, ...] = (),
) -> Composition:
    """Build a value of a complex type from a script's assignments over the autopilot's value.

    Parameters
    ----------
    type_ : type
        The message type.
    assignments : iterable of Assignment
        In the order in which the script made them.
    automatic : ComplexType or None
        The autopilot's value for this moment; None when it may not fill anything in.
    path : tuple of str
        Prefix of the paths that are reported (``("Header",)``).
    needed : tuple of str
        Optional fields that come from the autopilot's value nevertheless, unless the script says something of them.
    """
    tree: dict[str, _Slot] = {}
    for assignment in assignments:
        _replay(tree, assignment)
    result = Composition()
    result.value = _build(type_, tree, automatic, path, result, needed=needed)
    return result


def _replay(node: dict[str, _Slot], assignment: Assignment) -> None:
    steps = assignment.item.steps
    indices = iter(assignment.indices)
    last = len(steps) - 1
    for position, step in enumerate(steps):
        for rival in step.excludes:
            node.pop(rival, None)
        slot = node.get(step.field)
        if slot is None:
            slot = node[step.field] = _Slot()
        if step.slot and slot.member is not step:
            if slot.member is not None and slot.member.type is not step.type:
                slot.node = {}
            slot.member = step
        if position == last and assignment.what != "value":
            _mark(slot, assignment.what, assignment.value)
            return
        if slot.present is False:
            slot.node, slot.items, slot.count = {}, {}, None
        slot.present = True
        if step.repeated:
            index = next(indices)
            if slot.count is not None and index >= slot.count:
                slot.count = index + 1
            item = slot.items.get(index)
            if item is None:
                item = slot.items[index] = _Slot()
            item.member = slot.member
            item.present = True
            slot = item
        if position == last:
            slot.value = assignment.value
        node = slot.node


def _mark(slot: _Slot, what: str, value: Any) -> None:
    if what == "count":
        slot.present = True
        slot.count = value
        slot.items = {index: item for index, item in slot.items.items() if index < value}
    else:
        slot.present = value
        if not value:
            slot.value, slot.node, slot.items, slot.count = None, {}, {}, None


def _build(
    type_: type[ComplexType],
    node: dict[str, _Slot],
    automatic: Any,
    path: tuple[str, ...],
    result: Composition,
    of: Field | None = None,
    needed: tuple[str, ...] = (),
) -> ComplexType:
    """A value of a complex type; ``of`` is the field that it is for, ``needed`` as for `compose`."""
    values: dict[str, Any] = {}
    fields = type_.__fields__
    chosen_for_it = _open_choices(type_, node, automatic, path, result)
    chosen_for_it |= {name for name in needed if getattr(automatic, name, None) is not None}
    for declared in fields:
        slot = node.get(declared.name)
        given = getattr(automatic, declared.name, None)
        if declared.kind == "items":  # has no name in the API, so no script could set it
            values[declared.name] = given
            continue
        if slot is not None and slot.present is False:
            continue
        if slot is None or not slot.said():
            if declared.min > 0 or declared.name in chosen_for_it:
                values[declared.name] = _fill(type_, declared, given, path, result, of)
            continue
        step = slot.member
        element = step.element if step is not None else ("" if declared.kind == "text" else declared.name)
        chosen = step.type if step is not None else declared.type
        if declared.repeated:
            values[declared.name] = _list(declared, chosen, slot, given or [], (*path, element), result)
        else:
            here = (*path, element) if element else path
            values[declared.name] = _one(declared, chosen, slot, given, here, result)
    return type_(**values)


def _open_choices(
    type_: type[ComplexType],
    node: dict[str, _Slot],
    automatic: Any,
    path: tuple[str, ...],
    result: Composition,
) -> set[str]:
    """The fields that the autopilot's message has in those choices which the script left open."""
    taken: set[str] = set()
    for choice in choices(type_):
        parts = [part for branch in choice.branches for part in branch]
        if not choice.mandatory or any(part in node and node[part].said() for part in parts):
            continue
        held = {part for part in parts if getattr(automatic, part, None) is not None}
        if not held:
            result.missing.append(".".join((*path, " or ".join(parts))))
        taken |= held
    return taken


def _list(
    declared: Field,
    type_: Any,
    slot: _Slot,
    given: list[Any],
    path: tuple[str, ...],
    result: Composition,
) -> list[Any]:
    length = slot.count if slot.count is not None else max(declared.min, max(slot.items, default=-1) + 1)
    made = []
    for index in range(length):
        here = (*path[:-1], f"{path[-1]}[{index}]")
        before = given[index] if index < len(given) else None
        item = slot.items.get(index)
        if item is None:
            item = _Slot()
            item.present = True
        made.append(_one(declared, type_, item, before, here, result))
    return made


def _one(declared: Field, type_: Any, slot: _Slot, given: Any, path: tuple[str, ...], result: Composition) -> Any:
    if isinstance(type_, SimpleType):
        if slot.value is None:  # present, says the script, but not with which value
            return _taken(given, path, result)
        where = ".".join(path)
        if any(check_value(type_, slot.value, where)):
            result.intended.append(where)
        return slot.value
    automatic = given if type(given) is type_ else None
    return _build(type_, slot.node, automatic, path, result, declared)


def _taken(given: Any, path: tuple[str, ...], result: Composition) -> Any:
    if given is None:
        result.missing.append(".".join(path))
    else:
        result.auto.append(".".join(path))
    return given


def _fill(
    owner: type[ComplexType],
    declared: Field,
    given: Any,
    path: tuple[str, ...],
    result: Composition,
    of: Field | None,
) -> Any:
    """A mandatory field that the script left open."""
    if given is None or given == []:
        given = _neutral(owner, declared, of)
    element = "" if declared.kind == "text" else _element_name(declared, given)
    return _taken(None if given == [] else given, (*path, element) if element else path, result)


def _element_name(declared: Field, value: Any) -> str:
    for name, type_ in declared.members:
        if type(value) is type_:
            return name
    return declared.name


def _neutral(owner: type[ComplexType], declared: Field, of: Field | None) -> Any:
    """The rest of a physical value of which the script set a part, where the autopilot sends no such element.

    An exponent of 0 and the unit of the quantity are what the script must have meant; no other field has a neutral
    value.
    """
    parts = owner._quantity_
    if parts is None or of is None:
        return None
    if declared.name == parts.exponent:
        return 0
    if declared.name == parts.unit and (known := field_meaning(of)) is not None:
        members: tuple[Enumeration, ...] = declared.type.members
        return next((member for member in members if member.value == known.unit), None)
    return None
