"""The API's functions as completion wants them: all names of a side, ready to be searched."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from secc_kernel.lua.functions import SIDES, Function, listing, look_up, preference
from secc_kernel.lua.snippets import exchange, exchanges

from .ranking import PART, fuzzy, rank

__all__ = ["Entry", "entries", "functions", "snippet_names", "snippets", "warm"]

#: Only where one of these words is written, or nothing else fits, are the fields of headers offered: with those of
#: their signatures they are three of four names of the API.
_SELDOM = ("header", "signature")
#: How many names are offered that only contain what is written, and how many that are near it.
_MOST_PARTS = 300
_NEAR = 50
#: An exchange is offered for so many characters of its name, or for the beginning of its first function.
_SHORTEST = 3
_RECEIVE = "receive_"


class Entry(NamedTuple):
    """A function of the API."""

    name: str
    lower: str
    message: str
    schema: str
    seldom: bool


@cache
def entries(side: str, schema: str) -> tuple[Entry, ...]:
    """A vocabulary's functions of a side, in the order of its messages."""
    return tuple(
        Entry(found.name, found.name.lower(), found.message, schema, _of_header(found))
        for found in listing(side, schema)
    )


def _of_header(found: Function) -> bool:
    return found.item is not None and found.item.steps[0].field == "Header"


def warm() -> Iterable[None]:
    """Prepare what completion searches, in small steps."""
    for schema in preference(None):
        for side in SIDES:
            entries(side, schema)
            yield
    for side in SIDES:
        _known(side, preference(None))
        yield


def functions(side: str, written: str, schemas: tuple[str, ...], coming: tuple[str, ...]) -> list[Entry]:
    """The functions that fit what is written, in the order in which they are offered.

    Parameters
    ----------
    side : str
        The table.
    written : str
        What is written of the name.
    schemas : tuple of str
        The vocabularies in use. The others are searched only where these have nothing.
    coming : tuple of str
        The messages that can come next: theirs come first.
    """
    place = {message: n for n, message in enumerate(coming)}
    used, all_ = _known(side, schemas), _known(side, preference(schemas[0] if schemas else None))
    searches = (
        lambda: _fitting(used, written, place),
        lambda: _fitting(all_, written, place),
        lambda: _close(used, written),
        lambda: _close(all_, written),
    )
    return next((found for search in searches if (found := search())), [])


@cache
def _known(side: str, schemas: tuple[str, ...]) -> list[Entry]:
    """The functions of some vocabularies; a name that several have is that of the first."""
    found: dict[str, Entry] = {}
    for schema in schemas:
        for entry in entries(side, schema):
            found.setdefault(entry.name, entry)
    return list(found.values())


def _fitting(known: list[Entry], written: str, place: dict[str, int]) -> list[Entry]:
    folded = written.lower()
    seldom = any(word in folded for word in _SELDOM)
    hits = []
    for number, entry in enumerate(known):
        if folded not in entry.lower:
            continue
        if entry.seldom and not seldom:
            continue
        tier = rank(entry.name, entry.lower, written, folded)
        if tier is not None:
            hits.append((tier, entry.seldom, place.get(entry.message, len(place)), number, entry))
    if not hits and not seldom and any(folded in entry.lower for entry in known):
        return _fitting([entry._replace(seldom=False) for entry in known], written, place)
    hits.sort(key=lambda hit: hit[:-1])
    begin = sum(hit[0] < PART for hit in hits)
    return [hit[-1] for hit in hits[: begin + _MOST_PARTS]]


def _close(known: list[Entry], written: str) -> list[Entry]:
    by_name = {entry.name: entry for entry in known if not entry.seldom}
    return [by_name[name] for name in fuzzy(by_name, written)[:_NEAR]]


def snippet_names(written: str, schemas: tuple[str, ...], coming: tuple[str, ...]) -> list[tuple[str, str]]:
    """The exchanges that fit what is written, with their vocabulary; where nothing is, the one that comes next."""
    folded = written.lower().removeprefix(_RECEIVE)
    known = {name: schema for schema in reversed(schemas) for name in exchanges(schema)}
    in_order = [name for name in dict.fromkeys(message[:-3] for message in coming) if name in known]
    if not folded:
        return [(name, known[name]) for name in in_order[:1]]
    asked = written.lower().startswith(_RECEIVE)
    if not asked and (len(folded) < _SHORTEST or any(side.lower().startswith(folded) for side in SIDES)):
        return []
    begin = [name for name in dict.fromkeys((*in_order, *known)) if name.lower().startswith(folded)]
    return [(name, known[name]) for name in begin]


@cache
def snippets(side: str, schema: str, name: str) -> str:
    """An exchange as a script; see `lua.snippets`."""
    return exchange(side, schema, name)


def parameters(side: str, entry: Entry) -> str:
    """An entry's parameters as a call writes them: ``(evseId)``."""
    found = look_up(side, entry.name, (entry.schema,))
    return "" if found is None else found.signature[found.signature.index("(") :]
