"""What may stand at a cursor: the names for each kind of place, in the order in which they are offered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from secc_kernel.lua import enumerations
from secc_kernel.lua.documentation import OPTIONS, choices, described, documented, options, switches
from secc_kernel.lua.functions import SIDES, Function, catalogue, look_up, preference
from secc_kernel.lua.help import enumeration, line, standard_name
from secc_kernel.lua.names import Item
from secc_kernel.lua.snippets import arguments
from secc_kernel.lua.source import KEYWORDS, tokens
from secc_kernel.lua.standard import STANDARD
from secc_kernel.lua.survey import Known
from secc_kernel.messages import vocabulary

from . import api
from .context import Call, Context, context
from .ranking import PART, WORD, fuzzy, rank
from .world import World

__all__ = ["Candidate", "Completion", "complete", "side_of"]

#: Candidates that come with a line of description, and functions of the API that are offered for a bare word.
_DESCRIBED = 40
_BARE = 50
_SHORTEST_BARE = 3
#: So many members of an enumeration can be looked through.
_FEW = 4
_CONDITION = re.compile(r"""Session\s*\.\s*Break\s*\(\s*['"](\w+)['"]\s*,\s*\{[^{}]*\Z""")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may stand at the cursor.

    Attributes
    ----------
    text : str
        What is inserted.
    kind : str
        What it is: function, instance, class, module, keyword, value, option, snippet, magic.
    signature : str
        Of a function: its parameters.
    label : str
        What a list shows, and front ends insert that know no types; `text` if empty.
    line : callable, optional
        Gives a line of description.
    """

    text: str
    kind: str
    signature: str = ""
    label: str = ""
    line: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """What may stand in place of a part of a cell.

    Attributes
    ----------
    candidates : list of Candidate
        The best first.
    start, end : int
        The part that they replace, in characters.
    """

    candidates: list[Candidate]
    start: int
    end: int

    @property
    def content(self) -> dict[str, Any]:
        """The content of a ``complete_reply``."""
        types = [
            {
                "start": self.start,
                "end": self.end,
                "text": candidate.text,
                "type": candidate.kind,
                "signature": candidate.signature,
                "description": candidate.line() if candidate.line is not None and number < _DESCRIBED else "",
            }
            for number, candidate in enumerate(self.candidates)
        ]
        return {
            "matches": [candidate.label or candidate.text for candidate in self.candidates],
            "cursor_start": self.start,
            "cursor_end": self.end,
            "metadata": {"_jupyter_types_experimental": types},
            "status": "ok",
        }


def complete(code: str, cursor: int, world: World) -> Completion:
    """What may stand at a position of a cell.

    Parameters
    ----------
    code : str
        The cell.
    cursor : int
        The position, in characters.
    world : World
        How the kernel stands.
    """
    place = context(code, cursor)
    found: Iterable[Candidate] = {
        "nothing": lambda: (),
        "magic": lambda: _magics(place, world),
        "text": lambda: _texts(place, code[:cursor], world),
        "option": lambda: _options(place, code[:cursor], world),
        "member": lambda: _members(place, code, world),
        "name": lambda: _names(place, world),
    }[place.kind]()
    unique: dict[str, Candidate] = {}
    for candidate in found:
        unique.setdefault(candidate.text, candidate)
    return Completion(list(unique.values()), place.start, cursor)


def side_of(name: str) -> str | None:
    """The side that a global of the API stands for: Secc for Secc and SECC."""
    return next((side for side, role in SIDES.items() if name in (side, role)), None)


def _ranked(candidates: Iterable[Candidate], written: str) -> list[Candidate]:
    """The candidates that fit, the best first; where none does, those that are near."""
    known = list(candidates)
    folded = written.lower()
    hits = []
    for number, candidate in enumerate(known):
        tier = rank(candidate.text, candidate.text.lower(), written, folded)
        if tier is not None:
            hits.append((tier, number, candidate))
    if hits:
        hits.sort(key=lambda hit: hit[:2])
        # Where something begins so, what has it in the middle of a word is not meant.
        least = WORD if hits[0][0] < PART else hits[-1][0]
        return [candidate for tier, _, candidate in hits if tier <= least]
    by_text = {candidate.text: candidate for candidate in known}
    return [by_text[text] for text in fuzzy(by_text, written)]


# -- members ----------------------------------------------------------------------------------------------------------


def _members(place: Context, code: str, world: World) -> Iterable[Candidate]:
    path = place.path
    if len(path) == 1 and path[0] not in place.locals:
        side = side_of(path[0])
        if side is not None:
            found = list(_functions(side, place.prefix, world))
            # Whoever has begun to write a function's name means that.
            meant = found[:1] if place.prefix and found and found[0].text.startswith(place.prefix) else []
            return [*meant, *_snippets(place, world, (side,), f"{path[0]}."), *found]
        if path[0] in ("Session", "Ev"):
            return _ranked(_documented(path[0], world), place.prefix)
        if enumerations.find_table(path[0]):
            members = _enumeration(path[0], place, world)
            begin = any(each.text.lower().startswith(place.prefix.lower()) for each in members)
            # Of a few all are offered: what only contains what is written may be its opposite.
            return members if len(members) <= _FEW and not begin else _ranked(members, place.prefix)
    if path and path[0] not in place.locals:
        fields = world.fields(path)
        if fields:
            return _ranked((_known(name, known) for name, known in _in_order(fields)), place.prefix)
        standard = [name for name in STANDARD if name.startswith(f"{'.'.join(path)}.")]
        if standard:
            return _ranked((_standard(name, world, short=True) for name in standard), place.prefix)
    if place.method:
        methods = [name for name in STANDARD if name.startswith("string.")]
        return _ranked((_standard(name, world, short=True) for name in methods), place.prefix)
    return _ranked((Candidate(name, "instance") for name in _fields_in(code, path)), place.prefix)


def _functions(side: str, written: str, world: World, qualified: bool = False) -> Iterator[Candidate]:
    begin = f"{side}." if qualified else ""
    for entry in api.functions(side, written, world.schemas, world.coming)[: _BARE if qualified else None]:
        yield Candidate(
            begin + entry.name,
            "function",
            line=lambda entry=entry: _line(side, entry, world),  # type: ignore[misc]  # the default binds it
        )


def _line(side: str, entry: api.Entry, world: World) -> str:
    found = look_up(side, entry.name, (entry.schema,))
    return "" if found is None else line(found, world.language)


def _documented(table: str, world: World) -> Iterator[Candidate]:
    for name in documented(table):
        said = described(f"{table}.{name}", world.language)
        assert said is not None
        parameters = said.signature.removeprefix(f"{table}.{name}")
        yield Candidate(name, "function", parameters, line=lambda said=said: said.text)  # type: ignore[misc]


def _enumeration(table: str, place: Context, world: World) -> list[Candidate]:
    """The members of an enumeration: those of the field that is being set first."""
    expected = _expected(place.call, world)
    schemas = (expected.schema,) if expected is not None and expected.type_name == table else world.schemas
    known = enumerations.members(table, schemas) or enumerations.members(table)
    return [_member(table, key, "", world) for key in known]


def _member(table: str, key: str, begin: str, world: World) -> Candidate:
    def line() -> str:
        said = enumeration(table, world.schemas, key, world.language)
        return "" if said is None else said.line

    return Candidate(begin + key, "value", line=line)


def _in_order(known: Mapping[str, Known]) -> list[tuple[str, Known]]:
    """By name: the survey has them in no order."""
    return sorted(known.items(), key=lambda item: item[0])


def _known(name: str, known: Known) -> Candidate:
    kind = {"function": "function", "table": "module"}.get(known.kind, "instance")
    return Candidate(name, kind, known.parameters, line=lambda: known.value or f"{known.kind} {known.place}".strip())


def _standard(name: str, world: World, short: bool = False) -> Candidate:
    signature, english, korean = STANDARD[name]
    shown = name.rpartition(".")[2] if short else name
    parameters = signature[signature.index("(") :] if "(" in signature else ""
    is_library = any(other.startswith(f"{name}.") for other in STANDARD)
    kind = "module" if is_library else "function" if parameters else "instance"
    return Candidate(shown, kind, parameters, line=lambda: korean if world.language == "ko" else english)


def _fields_in(code: str, path: tuple[str, ...]) -> list[str]:
    """The fields of a variable that the cell itself names."""
    if not path:
        return []
    found = tokens(code)
    names: dict[str, None] = {}
    for index in range(len(found) - 2):
        one, dot, other = found[index : index + 3]
        if one.text == path[-1] and dot.text == "." and other.kind == "name":
            names[other.text] = None
    return list(names)


# -- names ------------------------------------------------------------------------------------------------------------


def _names(place: Context, world: World) -> Iterable[Candidate]:
    written = place.prefix
    found = [*_arguments(place, world), *_ranked(_globals(place, world), written)]
    if place.begins:
        sides = _sides(world) if written else (world.side,)
        begin = [each for each in found if written and each.text.startswith(written)]
        found = [*begin, *_snippets(place, world, sides, ""), *found]
    if len(written) >= _SHORTEST_BARE and not any(each.text.lower().startswith(written.lower()) for each in found):
        found += [each for side in _sides(world) for each in _functions(side, written, world, qualified=True)]
    return found


def _sides(world: World) -> tuple[str, ...]:
    return tuple(sorted(SIDES, key=lambda side: side != world.side))


def _arguments(place: Context, world: World) -> list[Candidate]:
    """What the argument takes at which the cursor stands."""
    expected = _expected(place.call, world)
    if expected is None:
        if place.call is not None and place.call.option:
            function = ".".join(place.call.function)
            values = choices(place.call.option) if function in OPTIONS else ()
            if not values and switches(function, place.call.option):
                return _ranked((Candidate(text, "keyword") for text in ("true", "false")), place.prefix)
        elif place.call is not None:
            values = choices(".".join(place.call.function))
        else:
            values = ()
        return _ranked((Candidate(f"'{value}'", "value") for value in values), place.prefix)
    type_name = expected.parameter_types[-1]
    if type_name == "boolean":
        return _ranked((Candidate(text, "keyword") for text in ("true", "false")), place.prefix)
    if not enumerations.find_table(type_name):
        return []
    members = enumerations.members(type_name, (expected.schema,))
    usual = [*arguments(expected)][-1].removeprefix(f"{type_name}.")
    in_order = sorted(members, key=lambda key: key != usual)
    return _ranked((_member(type_name, key, f"{type_name}.", world) for key in in_order), place.prefix)


def _expected(call: Call | None, world: World) -> Function | None:
    """The function of the API whose value (its last argument) is being written."""
    if call is None or len(call.function) != 2:
        return None
    side = side_of(call.function[0])
    found = look_up(side, call.function[1], preference(_preferred(world))) if side is not None else None
    if found is None or found.verb not in ("Set", "Check", "Add") or found.what == "message":
        return None
    return found if call.argument == len(found.parameters) - 1 else None


def _preferred(world: World) -> str | None:
    return world.schemas[0] if world.schemas else None


def _globals(place: Context, world: World) -> Iterator[Candidate]:
    yield from (Candidate(name, "instance") for name in place.locals)
    yield from (_known(name, known) for name, known in _in_order(world.globals) if "." not in name)
    for name in world.names:
        if name in world.globals:
            continue
        if side_of(name) or name in ("Session", "Ev"):
            yield Candidate(name, "module", line=lambda name=name: _standard_line(name, world))  # type: ignore[misc]
        elif name in STANDARD:
            yield _standard(name, world)
        else:
            yield Candidate(name, "class" if enumerations.find_table(name) else "function")
    yield from (Candidate(name, "class") for name in enumerations.tables(world.schemas))
    yield from (Candidate(name, "keyword") for name in sorted(KEYWORDS))


def _standard_line(name: str, world: World) -> str:
    said = standard_name(name, world.language)
    return "" if said is None else said.deed


def _snippets(place: Context, world: World, sides: tuple[str, ...], before: str) -> Iterator[Candidate]:
    """Whole exchanges; in a console, which knows no types, their first line."""
    if not place.begins:
        return
    for name, schema in api.snippet_names(place.prefix, world.schemas, world.coming):
        for side in sides:
            text = api.snippets(side, schema, name)
            if before:
                text = text.replace(f"{side}.", before).removeprefix(before)
            first, *_, last = text.split("\n")
            end = last if last.startswith(f"{side}.") else f"{name}Res"
            yield Candidate(
                text.replace("\n", f"\n{place.indent}").replace(f"\n{place.indent}\n", "\n\n"),
                "snippet",
                label=f"{first} -- … {end.removeprefix(f'{side}.')}",
            )


# -- strings, options, magics -----------------------------------------------------------------------------------------


def _fields_of_condition(code: str, world: World) -> dict[str, Item]:
    """The fields of the message that a protocol breakpoint is about, where its condition is being written."""
    found = _CONDITION.search(code)
    if found is None:
        return {}
    order = preference(_preferred(world))
    schema = next((key for key in order if found[1] in vocabulary(key).elements), None)
    values = catalogue(schema, found[1]).values if schema is not None else {}
    return {name: item for name, item in values.items() if item.steps[0].field != "Header" and not item.indices}


def _texts(place: Context, code: str, world: World) -> Iterable[Candidate]:
    call = place.call
    if call is None:
        return ()
    values: Iterable[str]
    if call.option is not None and call.function == ("Session", "Break"):
        item = _fields_of_condition(code, world).get(call.option)
        values = [str(member) for member in item.type.members] if item is not None else ()
    elif call.option is not None:
        values = choices(call.option) if ".".join(call.function) in OPTIONS else ()
    else:
        values = choices(".".join(call.function))
        order = {message: n for n, message in enumerate(world.coming)}
        values = sorted(values, key=lambda value: order.get(value, len(order)))
        expected = _expected(call, world)
        if expected is not None and expected.item is not None and expected.what == "value":
            values = [str(member) for member in expected.item.type.members]
    return _ranked((Candidate(value, "value") for value in values), place.prefix)


def _options(place: Context, code: str, world: World) -> Iterable[Candidate]:
    """The names of a function's options that are not given yet; elsewhere a table's entry is any expression."""
    call = place.call
    assert call is not None
    known = options(".".join(call.function), world.language)
    if call.function == ("Session", "Break"):
        known = tuple((name, item.path()) for name, item in _fields_of_condition(code, world).items())
    if not known:
        return _names(replace(place, kind="name"), world)
    left = [(name, text) for name, text in known if name not in call.given]
    return _ranked(
        (Candidate(f"{name}=", "option", line=lambda text=text: text) for name, text in left),  # type: ignore[misc]
        place.prefix,
    )


def _magics(place: Context, world: World) -> Iterable[Candidate]:
    cell = [f"%%{name}" for name in world.cell_magics] if place.start == 0 else []
    line = [f"%{name}" for name in world.line_magics]
    written = place.prefix
    fitting = [name for name in (*line, *cell) if name.startswith(written)]
    if not fitting and len(written) > 2:
        fitting = [name for name in (*line, *cell) if written.lstrip("%") in name]
    return [Candidate(name, "magic") for name in fitting]
