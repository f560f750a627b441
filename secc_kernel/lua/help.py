"""What is to say about a name of a script: the description behind inspection, completion, stubs and pages.

A description of the API's functions and enumerations follows from the declarations (`functions`, `names`) and the
catalogue of meanings (`messages.meanings`); those of ``Session``, ``Ev`` and Lua's own functions are read from where
they are documented. Nothing here is about how a description looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..exi.datatypes import SimpleType
from ..exi.declare import ComplexType, Field
from ..messages import Vocabulary, vocabulary
from ..messages.meanings import Meaning, meaning, member_meaning
from ..session.sequence import SEQUENCES
from . import enumerations
from .convert import member_key, table_name
from .documentation import described
from .functions import SIDES, Function, keys, receives, senders, sends
from .phrases import bounds, kind, say
from .snippets import call, is_part
from .standard import STANDARD

__all__ = [
    "Explanation",
    "Node",
    "always",
    "enumeration",
    "fields_of",
    "function",
    "line",
    "message",
    "message_text",
    "standard_name",
    "table",
]


@dataclass(frozen=True, slots=True)
class Node:
    """A line of a message's field tree.

    Attributes
    ----------
    level : int
        How deep it lies below the message.
    name, type, presence : str
        The element, what it holds, and whether it must be there.
    text : str
        What it means; '' where that is not known.
    unit : str
        Its unit; '' if it has none.
    """

    level: int
    name: str
    type: str
    presence: str
    text: str
    unit: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is to say about a name.

    Attributes
    ----------
    title : str
        The signature of a function, the name of anything else.
    deed : str
        What it does, in a sentence.
    meaning : str
        What the field or message means; '' where there is no more to say.
    facts : tuple of (label, text)
        Type, unit, range and the like.
    members : tuple of (name, text)
        The members of an enumeration, or the functions or options of a table.
    members_label : str
        What these are.
    code : str
        An example.
    tree : tuple of Node
        The message's fields, where more detail was asked for.
    """

    title: str
    deed: str
    meaning: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    members: tuple[tuple[str, str], ...] = ()
    members_label: str = ""
    code: str = ""
    tree: tuple[Node, ...] = field(default=())

    @property
    def line(self) -> str:
        """The meaning, or else what it does, on one line."""
        return self.meaning.split("\n", 1)[0] or self.deed


# -- functions of the API ---------------------------------------------------------------------------------------------


def function(found: Function, language: str = "en", detail: bool = False) -> Explanation:
    """What is to say about a function of the API.

    Parameters
    ----------
    found : Function
        The function.
    language : str
        One of `messages.meanings.LANGUAGES`.
    detail : bool
        Whether the message's whole field tree belongs to it.
    """
    known = _meanings(found, language)
    of_message = message_text(found.schema, found.message, language)
    leaf = known[-1][1] if known else of_message
    texts, inside = _texts(found, known, of_message)
    facts = list(_facts(found, known, language))
    facts += [(say("part of", language), f"{name}: {said.text}") for name, said in inside]
    clause = next(
        (said.clause for said in (leaf, *(m for _, m in reversed(known)), of_message) if said and said.clause), ""
    )
    if clause:
        facts.append((say("clause", language), clause))
    return Explanation(
        title=found.signature,
        deed=found.text_in(language),
        meaning="\n".join(texts),
        facts=tuple(facts),
        members=_members(found, language),
        members_label=say("members", language),
        code=call(found),
        tree=tuple(fields_of(found.schema, found.message, language)) if detail else (),
    )


def line(found: Function, language: str = "en") -> str:
    """The first line of what a function's field means: `function(...).line`, at less cost."""
    texts, _ = _texts(found, _meanings(found, language), message_text(found.schema, found.message, language))
    return texts[0].split("\n", 1)[0] if texts else found.text_in(language)


def _texts(
    found: Function, known: list[tuple[str, Meaning | None]], of_message: Meaning | None
) -> tuple[list[str], list[tuple[str, Meaning]]]:
    """What a function's field means, and what the elements mean in which it stands."""
    physical = is_part(found.item)
    texts = [said.text for _, said in known[-1:] if said is not None]
    if physical and len(known) > 1:
        whole = known[-2][1]
        texts = [whole.text, *texts] if whole is not None else texts
    inside = [(name, said) for name, said in (known[:-2] if physical else known[:-1]) if said is not None]
    if not texts and inside:
        texts = [inside.pop()[1].text]
    if not texts and of_message is not None:
        texts = [of_message.text]
    return list(dict.fromkeys(texts)), inside


def message_text(schema: str, message: str, language: str = "en") -> Meaning | None:
    """What a message means."""
    return meaning(schema, message, "", language)


def message(schema: str, name: str, language: str = "en", detail: bool = False) -> Explanation:
    """What is to say about a message as a whole."""
    words, said = vocabulary(schema), message_text(schema, name, language)
    party = senders(name)
    facts = [(say("message", language), f"{say('sent by', language, message=name, sender=party)} ({words.title})")]
    if before := _before(schema, name):
        facts.append((say("follows", language), before))
    if said is not None and said.clause:
        facts.append((say("clause", language), said.clause))
    code = "\n".join(
        f"{table}.{verb}_{name}_001()"
        for verb, does in (("Receive", receives), ("Send", sends))
        for table, role in SIDES.items()
        if does(role, name)
    )
    tree = tuple(fields_of(schema, name, language)) if detail else ()
    return Explanation(name, "", said.text if said is not None else name, tuple(facts), code=code, tree=tree)


def _meanings(found: Function, language: str) -> list[tuple[str, Meaning | None]]:
    """The elements on the way to what a function speaks of, and what each means."""
    if found.item is None:
        return []
    at, known = found.message, []
    for step in found.item.steps:
        said = None
        if not (step.field == "Header" and at == found.message):
            said = meaning(found.schema, at, step.element or step.field, language)
        if step.element:
            known.append((step.element, said))
        elif said is not None and known[-1][1] is None:
            known[-1] = (known[-1][0], said)
        at = getattr(step.type, "__name__", "")
    return known


def _facts(found: Function, known: list[tuple[str, Meaning | None]], language: str) -> Iterator[tuple[str, str]]:
    words = vocabulary(found.schema)
    party = senders(found.message)
    yield (
        say("message", language),
        f"{say('sent by', language, message=found.message, sender=party)} ({words.title})",
    )
    if found.item is not None:
        yield say("element", language), found.path
    if (parameters := _parameters(found, language)) and (found.what != "value" or len(found.parameters) > 1):
        yield say("parameters", language), "; ".join(parameters)
    item = found.item
    if found.what == "value" and item is not None:
        type_ = item.type
        name = f" {table_name(type_)}" if type_.kind == "enumeration" else f" ({type_.name})" if type_.name else ""
        yield say("type", language), f"{kind(type_, language)}{name}"
        if limits := bounds(type_, language):
            yield say("range", language), limits
        unit = next((said.unit for _, said in reversed(known[-2:]) if said is not None and said.unit), "")
        parts = item.steps[-2].type._quantity_ if is_part(item) else None
        if unit and (parts is None or item.steps[-1].field == parts.number):
            yield say("unit", language), unit
        if (
            found.verb in ("Set", "Add")
            and parts is not None
            and parts.exponent
            and item.steps[-1].field == parts.number
        ):
            multiplier = f"…_{item.name.rpartition('_')[0].rpartition('_')[2]}_{parts.exponent}"
            yield say("goes with", language), say("parts alone", language, multiplier=multiplier)
    if found.returns:
        yield say("returns", language), found.returns
    if item is not None and found.what != "keys":
        yield say("presence", language), presence(found, language)
    if found.what == "message" and (before := _before(found.schema, found.message)):
        yield say("follows", language), before


def _parameters(found: Function, language: str) -> list[str]:
    """Each parameter: its name and what it takes."""
    if found.item is None:
        return []
    if found.what == "keys":
        return [
            f"{name}: {_kind_and_bounds(type_, language)}"
            for (name, _), (_, type_) in zip(found.parameters, keys(found), strict=True)
        ]
    said = []
    for name, type_ in zip((name for name, _ in found.parameters), found.parameter_types, strict=True):
        if (name.startswith("index") and type_ == "integer" and name != found.parameters[-1][0]) or found.verb == "Get":
            said.append(f"{name}: {say('index', language)}")
        elif found.what == "count":
            most = found.item.max
            said.append(f"{name}: {say('count', language, max=most) if most else say('any count', language)}")
        elif found.what == "specified":
            said.append(f"{name}: {say('specified', language)}")
        else:
            said.append(f"{name}: {_kind_and_bounds(found.item.type, language)}")
    return said


def _kind_and_bounds(type_: SimpleType, language: str) -> str:
    name = f" {table_name(type_)}" if type_.kind == "enumeration" else ""
    limits = bounds(type_, language)
    return f"{kind(type_, language)}{name}" + (f" ({limits})" if limits else "")


def presence(found: Function, language: str) -> str:
    """Whether an element must be there, with that above it that need not be."""
    item = found.item
    assert item is not None
    if found.what == "count":
        low = 0 if item.optional else 1
        return say("list" if item.max else "long list", language, low=low, high=item.max)
    needed = zip(item.steps, _needed(found), strict=True)
    missing = [step.element for step, always in needed if not always and step.element]
    if not missing:
        return say("mandatory", language)
    word = say("optional", language)
    return word if missing == [item.steps[-1].element] else f"{word} ({', '.join(missing)})"


def always(found: Function) -> bool:
    """Whether a value is there in every message that follows the schema."""
    item = found.item
    return item is None or (all(_needed(found)) and not item.indices)


def _needed(found: Function) -> Iterator[bool]:
    """For each step to an item, whether the schema demands it where the one before it is there."""
    assert found.item is not None
    first = found.item.steps[0]
    words = vocabulary(found.schema)
    if first.field == "Header":
        yield True
        at, steps = first.type, found.item.steps[1:]
    else:
        at, steps = words.message_type(found.message), found.item.steps
    for step in steps:
        declared = next(each for each in at.__fields__ if each.name == step.field)
        yield declared.min > 0 and not (step.slot and len(words.members(declared)) > 1)
        at = step.type


def _before(schema: str, message: str) -> str:
    """What a request may follow, with the requirements that say so."""
    sequence = SEQUENCES.get(schema)
    if sequence is None:
        return ""
    rows = [row for row in (sequence.first, *sequence.rows) if message in row.follow]
    return "; ".join(dict.fromkeys(f"{row.after} {row.ids}" for row in rows[:4]))


def _members(found: Function, language: str) -> tuple[tuple[str, str], ...]:
    item = found.item
    if found.what != "value" or item is None or item.type.kind != "enumeration":
        return ()
    return tuple(_of_type(found.schema, item.type, language))


def _of_type(schema: str, type_: SimpleType, language: str) -> Iterator[tuple[str, str]]:
    for member in type_.members:
        said = member_meaning(schema, type_.name, str(member), language)
        yield f"{table_name(type_)}.{member_key(type_, str(member))}", said.text if said is not None else ""


# -- enumerations and tables ------------------------------------------------------------------------------------------


def enumeration(name: str, schemas: Iterable[str], member: str = "", language: str = "en") -> Explanation | None:
    """What is to say about an enumeration's table, or about one member; None if there is no such table or member.

    Parameters
    ----------
    name : str
        The table.
    schemas : iterable of str
        The vocabularies in which to look first; where none has it, all are asked.
    member : str
        A member's key.
    language : str
        One of `messages.meanings.LANGUAGES`.
    """
    found = enumerations.declared(name, tuple(schemas))
    if not found or (member and member not in enumerations.members(name, tuple(schema for schema, _ in found))):
        found = enumerations.declared(name)
    known: dict[str, str] = {}
    for schema, type_ in found:
        for key, text in _of_type(schema, type_, language):
            known[key] = known.get(key) or text
    if not found or (member and f"{name}.{member}" not in known):
        return None
    standards = ", ".join(dict.fromkeys(vocabulary(schema).title for schema, _ in found))
    deed = say("enumeration", language, name=name, standards=standards)
    if member:
        return Explanation(f"{name}.{member}", deed, known[f"{name}.{member}"])
    return Explanation(name, deed, members=tuple(known.items()), members_label=say("members", language))


def standard_name(name: str, language: str = "en") -> Explanation | None:
    """What is to say about a function of Lua, or of ``Session`` and ``Ev``, by its name in a script."""
    said = described(name, language)
    if said is not None:
        options = tuple(said.options)
        return Explanation(said.signature, said.text, members=options, members_label=say("options", language))
    if name in STANDARD:
        signature, english, korean = STANDARD[name]
        return Explanation(signature, korean if language == "ko" else english)
    return None


def table(name: str, functions: Iterable[str], language: str = "en") -> Explanation:
    """What is to say about ``Session`` or ``Ev``: their functions, each with its line."""
    lines = []
    for each in functions:
        said = described(f"{name}.{each}", language)
        lines.append((said.signature, said.text) if said is not None else (f"{name}.{each}", ""))
    return Explanation(name, say(name, language), members=tuple(lines), members_label=say("functions", language))


# -- messages ---------------------------------------------------------------------------------------------------------


@cache
def fields_of(schema: str, message: str, language: str = "en") -> tuple[Node, ...]:
    """A message's field tree in the order of the schema; the header's signature is one line."""
    words = vocabulary(schema)
    header = words.header_type() if words.envelope is not None else None
    tree: list[Node] = []
    if header is not None:
        tree.append(Node(1, "Header", "", say("mandatory", language), "", ""))
        tree += _below(words, header, 2, language, ())
    tree += _below(words, words.message_type(message), 1, language, ())
    return tuple(tree)


def _below(
    words: Vocabulary, owner: type[ComplexType], level: int, language: str, above: tuple[type, ...]
) -> Iterator[Node]:
    if owner in above:
        return
    for declared in owner.__fields__:
        if declared.kind == "items":
            continue
        members = words.members(declared)
        types: list[tuple[str, Any]] = [(e.name, e.type) for e in members] or [(declared.name, declared.type)]
        for name, type_ in types:
            said = meaning(words.key, owner.__name__, name, language)
            simple = type_ if isinstance(type_, SimpleType) else None
            shown = _kind_and_bounds(simple, language) if simple is not None else ""
            text, unit = (said.text, said.unit) if said is not None else ("", "")
            yield Node(level, name, shown, _occurrence(declared, len(types) > 1, language), text, unit)
            if simple is None and name != "Signature":
                yield from _below(words, type_, level + 1, language, (*above, owner))


def _occurrence(declared: Field, alternatives: bool, language: str) -> str:
    if declared.repeated:
        return say("list" if declared.max else "long list", language, low=declared.min, high=declared.max)
    if alternatives:
        return say("alternative", language)
    return say("mandatory" if declared.min else "optional", language)
