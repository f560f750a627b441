"""What a judgement on a station's response is: a row of a table (`judgements.py`), and what it is given to look at.

A judgement reads elements of a response, by their declared names, wherever they stand in it, and finds something wrong
in words, or nothing. What the vehicle then does is the judgement's reaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from math import inf
from typing import Any, NamedTuple

from secc_kernel.codec import Message
from secc_kernel.exi.declare import ComplexType
from secc_kernel.session.physical import to_float

__all__ = ["Hearing", "Judgement", "Known", "Reaction", "element_of", "is_declared"]


class Reaction(IntEnum):
    """What a vehicle does about a response; the greater, the graver."""

    GO_ON = 0
    """Nothing: there is a finding, and the charge goes on."""
    RENEGOTIATE = 1
    """Negotiates schedules and parameters again."""
    STOP = 2
    """Ends the session in order: PowerDelivery if energy flows, then SessionStop."""
    CLOSE = 3
    """Closes the connection: there is no session that it could end."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One row of the table.

    Attributes
    ----------
    rule : str
        Its name: the rule of its findings, and what a tolerant vehicle names.
    severity : str
        Of its findings; '' where the station only asks for what it may ask for: then there is none.
    reaction : Reaction
        What the vehicle does.
    reads : tuple of str
        The elements that it looks at. It applies to the responses that are declared with all of them.
    finds : callable
        ``finds(hearing)``: what is wrong, in words; None where nothing is.
    only : tuple of str
        Responses that it is confined to; all by default.
    ids : mapping
        Requirements by schema key.
    lenient : tuple of str
        Schema keys in whose sessions real cars are known to go on all the same.
    error : str
        The EVErrorCode that a vehicle tells from then on.
    patience : float
        Seconds that what is wrong may last: before, it is nothing.
    """

    rule: str
    severity: str
    reaction: Reaction
    reads: tuple[str, ...]
    finds: Callable[[Hearing], str | None]
    only: tuple[str, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    lenient: tuple[str, ...] = ()
    error: str = "NO_ERROR"
    patience: float = 0.0


@dataclass(slots=True)
class Known:
    """What a judge knows of a vehicle and of its session; nothing limits before it is known.

    Attributes
    ----------
    modes, payments : tuple of str or None
        The energy transfer modes and payment options that the vehicle takes; None where that is not known.
    battery_voltage, needed_voltage : float
        Its battery's voltage at present, and at the end of the charge that it wants, in V; 0 where not known.
    asked_id, session_id : bytes
        The SessionID that it asked for, and the session's.
    mode : str
        ``AC``, ``DC``, or '' before it is chosen.
    maximum_voltage : float
        The most that it takes by DC, in V, as it told the station.
    offered : tuple of int
        The SAScheduleTupleIDs that the station offered.
    chosen : int or None
        The one that it took.
    """

    modes: tuple[str, ...] | None = None
    payments: tuple[str, ...] | None = None
    battery_voltage: float = 0.0
    needed_voltage: float = 0.0
    asked_id: bytes = b""
    session_id: bytes = b""
    mode: str = ""
    maximum_voltage: float = inf
    offered: tuple[int, ...] = ()
    chosen: int | None = None


class Hearing(NamedTuple):
    """A response on its hearing, with the request that it answers and what is known besides."""

    known: Known
    request: Message
    response: Message

    def value(self, name: str) -> Any:
        """The element of that name in the response; None where it is not there."""
        return element_of(self.response.body, name)

    def number(self, name: str) -> float | None:
        """A physical value of that name; None where it is not there."""
        found = self.value(name)
        return None if found is None else to_float(found)

    @property
    def finished(self) -> bool:
        """Whether it says that the station has finished; so does a response that has no such element."""
        return self.value("EVSEProcessing") in (None, "Finished")


def element_of(body: Any, name: str) -> Any:
    """The first element of that name within a message's body, by its declaration; None where it is not there."""
    declared: Any = type(body)
    for path in _paths(declared, name):
        value = body
        for step in path:
            value = getattr(value, step, None)
            if value is None:
                break
        else:
            return value
    return None


def is_declared(declared: type[ComplexType], name: str) -> bool:
    """Whether a type has an element of that name somewhere, not counting the items of lists."""
    return bool(_paths(declared, name))


@cache
def _paths(declared: Any, name: str) -> tuple[tuple[str, ...], ...]:
    """The ways from a type to the elements of a name, not into the items of a list: several in a substitution group."""
    return tuple(dict.fromkeys(_ways(declared, name)))


def _ways(declared: type[ComplexType], name: str) -> Iterator[tuple[str, ...]]:
    for part in declared.__fields__:
        members = part.members or ((part.name, part.type),)
        if name == part.name or name in [member for member, _ in members]:
            yield (part.name,)
        elif not part.repeated:
            for _, type_ in members:
                if isinstance(type_, type) and issubclass(type_, ComplexType):
                    yield from ((part.name, *way) for way in _ways(type_, name))
