"""The functions of the testers' API: which there are, and what each takes and returns.

Every function follows from a declaration: `find` reads a name by the rules of the API and looks up the message and the
item that it speaks of; `names` goes the other way. A `Function` describes itself (signature, parameters, range, path in
the document), for errors, completion, inspection and editor stubs alike. Nothing is built before it is asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from ..exi.datatypes import SimpleType
from ..messages import SCHEMAS, vocabulary
from ..wire.layers import LAYERS, home
from .convert import expectation, table_name
from .names import Catalogue, Item
from .phrases import deed

__all__ = [
    "SIDES",
    "Function",
    "UnknownNameError",
    "catalogue",
    "find",
    "in_use",
    "layer_messages",
    "listing",
    "look_up",
    "lua_type",
    "names",
    "preference",
    "receives",
    "senders",
    "sends",
    "suggest",
    "variable",
]

SIDES = {"Secc": "SECC", "Evcc": "EVCC"}
"""The tables of the API and the party that each stands for."""

_SUFFIX = "_001"
#: Functions for the parts of what a wrong name names that an error shows.
_PARTS_SHOWN = 6


class UnknownNameError(AttributeError):
    """There is no such function; the text names the nearest one."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the API.

    Attributes
    ----------
    side : str
        The table, ``Secc`` or ``Evcc``.
    name : str
        The function's name in the table.
    verb : str
        ``Receive``, ``Send``, ``Check_Received``, ``Set``, ``Get``, ``Check``, ``Add`` or ``Exist``.
    what : str
        What it is about: ``message``, ``value``, ``count`` (of a list), ``specified`` (presence), or ``keys`` (of an
        item).
    schema : str
        Key of the vocabulary.
    message : str
        The message.
    item : Item or None
        The element below the message.
    """

    side: str
    name: str
    verb: str
    what: str
    schema: str
    message: str
    item: Item | None = None

    @property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Name and meaning of each parameter."""
        if self.item is None:
            return ()
        if self.what == "keys":
            return tuple((variable(name), expectation(type_)) for name, type_ in keys(self))
        indices = self.item.indices - (1 if self.verb == "Add" else 0)
        found = [(f"index{n or ''}", "counted from 0") for n in range(indices)]
        if self.verb == "Get":
            return tuple(found)
        if self.what == "count":
            found.append(("count", f"how many items, {self.item.max or 'any number'} at most"))
        elif self.what == "specified":
            found.append(("isSpecified", "true or false"))
        else:
            found.append((variable(self.item.steps[-1].element or self.item.steps[-2].element), self.takes))
        return tuple(found)

    @property
    def parameter_types(self) -> tuple[str, ...]:
        """The Lua type of each parameter: integer, boolean, string, or an enumeration's table."""
        if self.item is None:
            return ()
        if self.what == "keys":
            return tuple(lua_type(type_) for _, type_ in keys(self))
        last = {"count": "integer", "specified": "boolean"}.get(self.what) or lua_type(self.item.type)
        indices = len(self.parameters) - (self.verb != "Get")
        return (*("integer" for _ in range(indices)), *((last,) if self.verb != "Get" else ()))

    @property
    def returns(self) -> str:
        """The Lua type that it returns, or the enumeration's table; '' for nothing."""
        if self.verb in ("Check", "Check_Received", "Exist"):
            return "boolean"
        if self.verb != "Get":
            return ""
        if self.what == "value":
            return self.type_name
        return "number" if self.what == "count" else "boolean"

    @property
    def signature(self) -> str:
        """The call: ``Secc.Set_SessionSetupRes_EVSEID(evseid)``."""
        return f"{self.side}.{self.name}({', '.join(name for name, _ in self.parameters)})"

    @property
    def takes(self) -> str:
        """What a value's field takes: the type with its bounds, or an enumeration with its members."""
        return expectation(self.item.type) if self.item is not None and self._simple else ""

    @property
    def type_name(self) -> str:
        """A value's type in Lua: string, number, boolean, or the enumeration's table."""
        if not self._simple:
            return ""
        assert self.item is not None
        name = lua_type(self.item.type)
        return "number" if name == "integer" else name

    @property
    def _simple(self) -> bool:
        return self.what == "value" and self.item is not None and isinstance(self.item.type, SimpleType)

    @property
    def optional(self) -> bool:
        """Whether the schema lets the element be absent."""
        return self.item is not None and self.item.optional

    @property
    def path(self) -> str:
        """The element in the document, from the message on."""
        return self.item.path((), self.message) if self.item is not None else self.message

    @property
    def text(self) -> str:
        """One sentence: what it does."""
        return self.text_in("en")

    def text_in(self, language: str) -> str:
        """`text`, in a language that `phrases` knows."""
        return deed(self.verb, self.what, self.path, self.message, language)


def lua_type(type_: SimpleType) -> str:
    """What a value of a type is in Lua: integer, boolean, string, or the enumeration's table."""
    if type_.kind == "enumeration":
        return table_name(type_)
    return type_.kind if type_.kind in ("integer", "boolean") else "string"


def keys(function: Function) -> list[tuple[str, SimpleType]]:
    """Names and types of an item's own values, in the schema's order: what an ``Exist_`` function compares."""
    assert function.item is not None
    type_ = function.item.type
    if isinstance(type_, SimpleType):
        return [(function.item.steps[-1].element, type_)]
    return [
        (field.name, field.type)
        for field in type_.__fields__
        if isinstance(field.type, SimpleType) and not field.repeated
    ]


def variable(name: str) -> str:
    """An element as the name of a parameter: evseId, responseCode, saScheduleTupleID, rcd."""
    if name.isupper() and name.endswith("ID") and len(name) > 2:
        return f"{name[:-2].lower()}Id"
    head = len(name) - len(name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))
    if head >= len(name):
        return name.lower()
    return name[: max(head - 1, 1)].lower() + name[max(head - 1, 1) :]


@cache
def catalogue(schema: str, message: str) -> Catalogue:
    """The items of a message; made when first asked for."""
    return Catalogue(vocabulary(schema), message)


@cache
def preference(schema: str | None) -> tuple[str, ...]:
    """Vocabularies in the order in which a name is looked up: the session's first, then the handshake, then all.

    Looking further than the first two imports declarations, so it happens only where they do not have the name.
    """
    return tuple(dict.fromkeys((*((schema,) if schema else ()), "sap", "iso2", *LAYERS, *SCHEMAS)))


def in_use(schemas: tuple[str, ...]) -> tuple[str, ...]:
    """The vocabularies whose names are offered, of those in their order of preference: the session's, and its layers.

    The handshake and what is below V2G belong to each session.
    """
    return tuple(dict.fromkeys((*schemas[:2], *LAYERS)))


@cache
def layer_messages() -> tuple[str, ...]:
    """The messages of the layers below V2G, in their order."""
    return tuple(message for words in reversed(LAYERS.values()) for message in words.elements)


def sends(role: str, message: str) -> bool:
    """Whether a party sends a message, of V2G or of a layer below."""
    words = home(message)
    return (role == "EVCC") == message.endswith("Req") if words is None else words.sends(role, message)


def receives(role: str, message: str) -> bool:
    """Whether a party receives a message; what its own modem tells it as well."""
    words = home(message)
    return not sends(role, message) if words is None else words.receives(role, message)


def senders(message: str) -> str:
    """Who sends a message, in words: a party, either of them, or a modem."""
    roles = [role for role in SIDES.values() if sends(role, message)]
    return " or ".join(roles) or "modem"


def find(side: str, name: str, schemas: Iterable[str]) -> Function:
    """The function of that name, in the first of the vocabularies that has it.

    Parameters
    ----------
    side : str
        The table, ``Secc`` or ``Evcc``.
    name : str
        The name in the table.
    schemas : iterable of str
        Vocabularies in the order of preference.

    Raises
    ------
    UnknownNameError
        There is none; the text names the nearest one.
    """
    schemas = tuple(schemas)
    found = look_up(side, name, schemas)
    if found is None:
        raise UnknownNameError(_unknown(side, name, schemas))
    return found


def look_up(side: str, name: str, schemas: Iterable[str]) -> Function | None:
    """As `find`; None if there is no such function, without a thought about what was meant."""
    return next((found for schema in schemas if (found := _parse(side, name, schema)) is not None), None)


def _parse(side: str, name: str, schema: str) -> Function | None:
    for verb in ("Receive", "Send"):
        if name.startswith(verb + "_") and name.endswith(_SUFFIX):
            message = name[len(verb) + 1 : -len(_SUFFIX)]
            does = sends if verb == "Send" else receives
            if message in vocabulary(schema).elements and does(SIDES[side], message):
                return Function(side, name, verb, "message", schema, message)
            return None
    verb, _, rest = name.partition("_")
    if verb == "Check" and rest.startswith("Received_"):
        message = rest[len("Received_") :]
        if message in vocabulary(schema).elements and receives(SIDES[side], message):
            return Function(side, name, "Check_Received", "message", schema, message)
        return None
    if verb == "Exist":
        return _parse_exist(side, name, rest, schema)
    if verb not in ("Set", "Get", "Check", "Add"):
        return None
    for message in _messages_at(rest, schema):
        if verb in ("Set", "Add") and not sends(SIDES[side], message):
            continue
        found = _parse_item(verb, rest[len(message) + 1 :], catalogue(schema, message))
        if found is not None:
            return Function(side, name, verb, found[0], schema, message, found[1])
    return None


def _messages_at(rest: str, schema: str) -> list[str]:
    return [m for m in vocabulary(schema).elements if rest.startswith(m) and rest[len(m) : len(m) + 1] == "_"]


def _parse_item(verb: str, path: str, items: Catalogue) -> tuple[str, Item] | None:
    item = items.values.get(path)
    if item is not None:
        return ("value", item) if verb != "Add" or item.indices else None
    if verb in ("Set", "Get"):
        if path.endswith("_Count") and (item := items.lists.get(path[: -len("_Count")])) is not None:
            return "count", item
        if path.endswith("Specified") and (item := items.optional(path[: -len("Specified")])) is not None:
            return "specified", item
    return None


def _parse_exist(side: str, name: str, rest: str, schema: str) -> Function | None:
    received_first = ("Req", "Res") if side == "Secc" else ("Res", "Req")
    for ending in received_first:
        for message in vocabulary(schema).elements:
            pair = message[:-3]
            if message.endswith(ending) and rest.startswith(pair + "_"):
                item = catalogue(schema, message).items_by_element.get(rest[len(pair) + 1 :])
                if item is not None:
                    return Function(side, name, "Exist", "keys", schema, message, item)
    return None


def names(side: str, schemas: Iterable[str]) -> Iterator[str]:
    """The names of all functions of a side, message by message."""
    for schema in schemas:
        yield from _listing(side, schema)


def listing(side: str, schema: str) -> Iterator[Function]:
    """All functions of a side that a vocabulary has, message by message."""
    for name, parts in _listing(side, schema).items():
        yield Function(side, name, parts[0], parts[1], schema, parts[2], parts[3])


@cache
def _listing(side: str, schema: str) -> dict[str, tuple[str, str, str, Item | None]]:
    """Verb, subject, message and item of each function by its name; a name means the first that it could mean."""
    found: dict[str, tuple[str, str, str, Item | None]] = {}
    for message in vocabulary(schema).elements:
        own = sends(SIDES[side], message)
        if own:
            found[f"Send_{message}{_SUFFIX}"] = ("Send", "message", message, None)
        if receives(SIDES[side], message):
            found[f"Receive_{message}{_SUFFIX}"] = ("Receive", "message", message, None)
            found[f"Check_Received_{message}"] = ("Check_Received", "message", message, None)
        items = catalogue(schema, message)
        presence = ("Set", "Get") if own else ("Get",)
        for item in items.values.values():
            for verb in _value_verbs(item, own):
                found.setdefault(f"{verb}_{message}_{item.name}", (verb, "value", message, item))
        for path, item in items.lists.items():
            for verb in presence:
                found.setdefault(f"{verb}_{message}_{path}_Count", (verb, "count", message, item))
        for item in items:
            if item.kind != "list" and item.optional:
                for verb in presence:
                    found.setdefault(f"{verb}_{message}_{item.name}Specified", (verb, "specified", message, item))
        for element in items.items_by_element:
            function = _parse_exist(side, f"Exist_{message[:-3]}_{element}", f"{message[:-3]}_{element}", schema)
            if function is not None:
                found[function.name] = ("Exist", "keys", function.message, function.item)
    return found


def _value_verbs(item: Item, own: bool) -> tuple[str, ...]:
    if not own:
        return ("Get", "Check")
    return ("Set", "Add", "Get", "Check") if item.indices else ("Set", "Get", "Check")


def suggest(wrong: str, known: Iterable[str]) -> str | None:
    """The known name that is nearest to a wrong one: the same but for upper case or a prefix, else the most alike."""
    known = list(known)
    folded = wrong.lower()
    for name in known:
        if name.lower() == folded or (folded and name.lower().endswith("_" + folded)):
            return name
    near = difflib.get_close_matches(wrong, known, 1, 0.6)
    return near[0] if near else None


def _mandatory(side: str, name: str, schemas: tuple[str, ...]) -> Function | None:
    """What a function speaks of that asks whether something is there which always is."""
    if not name.endswith("Specified"):
        return None
    values = (_parse(side, name.removesuffix("Specified"), schema) for schema in in_use(schemas))
    return next((value for value in values if value is not None and value.what == "value"), None)


def _unknown(side: str, name: str, schemas: tuple[str, ...]) -> str:
    other = "Evcc" if side == "Secc" else "Secc"
    for schema in schemas:
        twin = _parse(other, name, schema)
        if twin is not None:
            return (
                f"there is no {side}.{name}: {twin.message} is sent by the {senders(twin.message)}; "
                f"the function is {other}.{name}"
            )
    mandatory = _mandatory(side, name, schemas)
    if mandatory is not None:
        return f"there is no {side}.{name}: {mandatory.path} is mandatory in the schema, so it is always there"
    known = list(names(side, in_use(schemas)))
    parts = [other[len(name) :] for other in known if other.startswith(f"{name}_") and other != name + _SUFFIX]
    if parts:
        return f"there is no {side}.{name}, but its parts have functions: …{', …'.join(parts[:_PARTS_SHOWN])}"
    near = suggest(name, known)
    hint = f"; did you mean {side}.{near}?" if near else f"; Tab after `{side}.` lists all"
    return f"there is no {side}.{name}{hint}"
