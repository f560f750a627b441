"""The schemas' enumerations as tables of a script: ``ResponseCodeType.FAILED``, ``UnitSymbolType.Unit_V``.

A table is named after the schema type, first letter upper case. Types of several vocabularies that share a name share a
table, since a script names a member before a protocol is agreed on; whether the field has the member is checked when it
is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module

from .. import messages
from ..exi.datatypes import Enumeration, SimpleType, simple_type
from .convert import listed, member_key, table_name
from .functions import UnknownNameError, preference, suggest

__all__ = ["declared", "find_table", "member", "members", "tables"]


@cache
def _of_vocabulary(schema: str) -> dict[str, SimpleType]:
    found: dict[str, SimpleType] = {}
    for module in messages.vocabulary(schema).declaring:
        for value in vars(import_module(module)).values():
            if isinstance(value, type) and issubclass(value, Enumeration) and value is not Enumeration:
                type_ = simple_type(value)
                assert type_ is not None
                found[table_name(type_)] = type_
    return found


def _types(table: str, schemas: Iterable[str] | None = None) -> Iterator[SimpleType]:
    """The types behind a table, the nearest vocabulary's first; vocabularies are imported as they are reached."""
    for schema in schemas or ("iso2", *preference(None)):
        found = _of_vocabulary(schema).get(table)
        if found is not None:
            yield found


def find_table(name: str) -> bool:
    """Whether a global of that name is an enumeration's table."""
    return name[:1].isupper() and next(_types(name), None) is not None


def tables(schemas: tuple[str, ...]) -> list[str]:
    """The names of the enumerations of some vocabularies."""
    return list(dict.fromkeys(table for schema in schemas for table in _of_vocabulary(schema)))


def members(table: str, schemas: tuple[str, ...] | None = None) -> dict[str, str]:
    """An enumeration's keys and values, in the schemas' order; of all vocabularies by default."""
    return {member_key(type_, str(value)): str(value) for type_ in _types(table, schemas) for value in type_.members}


def member(table: str, key: object) -> str:
    """The value of ``table.key``.

    Raises
    ------
    UnknownNameError
        No schema has such a member; the text names the nearest one and lists some.
    """
    for type_ in _types(table):
        for value in type_.members:
            if member_key(type_, str(value)) == key:
                return str(value)
    near = suggest(key, members(table)) if isinstance(key, str) else None
    hint = f"; did you mean {table}.{near}? It" if near else "; it"
    raise UnknownNameError(f"{table} has no member {key}{hint} has {_listed(table)}")


def _listed(table: str) -> str:
    """The members of the nearest vocabulary's type: those of all would fill a page."""
    type_ = next(_types(table))
    return listed([member_key(type_, str(member)) for member in type_.members])


def declared(table: str, schemas: tuple[str, ...] | None = None) -> list[tuple[str, SimpleType]]:
    """The types behind a table, each with the vocabulary that has it; of all vocabularies by default."""
    found: dict[SimpleType, str] = {}
    for schema in schemas or preference(None):
        type_ = _of_vocabulary(schema).get(table)
        if type_ is not None:
            found.setdefault(type_, schema)
    return [(schema, type_) for type_, schema in found.items()]
