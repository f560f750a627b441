"""The layers below V2G as vocabularies: ``slac`` (the matching of the modems) and ``sdp`` (finding the station).

Their messages are derived from the declarations in `wire.homeplug` and `wire.sdp`, and are then `codec.Message`s as all
others: ``codec.decode(payload, "slac")`` reads one from its MMV byte on, ``codec.decode(payload, "sdp")`` what follows
the header of V2GTP. `from_wire` and `to_wire` go between them and the objects that the wire's own modules have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache, cached_property
from importlib import import_module
from ipaddress import IPv6Address
from typing import Any, cast

from secc_kernel import codec
from secc_kernel.exi.codec import Codec
from secc_kernel.exi.datatypes import SimpleType
from secc_kernel.exi.declare import ComplexType, Element
from secc_kernel.exi.errors import DecodeError, EncodeError
from secc_kernel.exi.grammar import Grammars
from secc_kernel.exi.reader import Document, Step
from secc_kernel.messages import Vocabulary, register, vocabulary
from secc_kernel.wire import homeplug, sdp, v2gtp

__all__ = ["LAYERS", "LayerVocabulary", "from_wire", "home", "to_wire"]

WireMessage = homeplug.Message | sdp.Request | sdp.Response

#: The parties that send and receive a management message of matching, by what its declaration says of its sender.
_SENDERS = {"EVCC": "EVCC", "SECC": "SECC", "either": "EVCC SECC", "host": "EVCC SECC", "modem": ""}
_RECEIVERS = {"EVCC": "SECC", "SECC": "EVCC", "either": "EVCC SECC", "host": "", "modem": "EVCC SECC"}


class _Codec:
    """Reads and writes the messages of a layer; what `Vocabulary.codec` is for EXI."""

    def __init__(self, words: LayerVocabulary) -> None:
        self._words = words

    @cached_property
    def grammars(self) -> Grammars:
        """For those who check facets by them."""
        return Grammars(self._words.schema)

    def decode(self, data: bytes, fragment: bool = False) -> Document:
        """The message in a payload.

        Raises
        ------
        DecodeError
            It is none of this vocabulary.
        """
        return Document(*_READERS[self._words.key](self._words, data), [])

    def trace(self, data: bytes, fragment: bool = False) -> tuple[list[Step], DecodeError | None]:
        """Nothing: these are bytes, not EXI."""
        return [], DecodeError(f"{self._words.title} is not coded in EXI", 0)

    def encode(self, element: Element, value: Any, fragment: bool = False, string_table: bool = False) -> bytes:
        """The payload of a message.

        Raises
        ------
        EncodeError
            The wire has no room for a value.
        """
        try:
            made = _made(self._words, element.name, value)
            if isinstance(made, homeplug.Message):
                return homeplug.Frame(homeplug.BROADCAST, bytes(6), made).payload()
            return made.pack()[v2gtp.HEADER_LENGTH :]
        except (ValueError, TypeError, OverflowError) as error:
            raise EncodeError(str(error), element.name) from error


@dataclass(frozen=True)
class LayerVocabulary(Vocabulary):
    """The messages of a layer."""

    @property
    def declaring(self) -> tuple[str, ...]:
        """The declaring modules by their full names."""
        return tuple(f"{__name__}.{module}" for module in self.modules)

    @cached_property
    def codec(self) -> Codec:
        """Reads and writes its messages."""
        return cast("Codec", _Codec(self))

    @cached_property
    def elements(self) -> dict[str, Element]:
        """The messages' elements by name, in the order of their declaration."""
        by_name = {element.name: element for element in self.schema.elements}
        return {name: by_name[name] for name in self.declared}

    @cached_property
    def declared(self) -> dict[str, type[WireMessage]]:
        """What the wire's own modules call the messages."""
        found: dict[str, type[WireMessage]] = import_module(self.declaring[-1]).DECLARED
        return found

    def sends(self, role: str, message: str) -> bool:
        """Whether a party ('EVCC', 'SECC') sends a message."""
        return role in _SENDERS[self._sender(message)].split()

    def receives(self, role: str, message: str) -> bool:
        """Whether a party receives a message, from the other one or from its own modem."""
        return role in _RECEIVERS[self._sender(message)].split()

    @cached_property
    def _places(self) -> dict[str, int]:
        spoken = (name for name in self.declared if self._sender(name) not in ("host", "modem"))
        return {name: place for place, name in enumerate(spoken)}

    def place(self, message: str) -> int:
        """Where a message stands in the order of the exchange; -1 for what a host and its modem tell each other."""
        return self._places.get(message, -1)

    def _sender(self, message: str) -> str:
        kind = self.declared[message]
        if issubclass(kind, homeplug.Message):
            return kind.SENDER
        return "EVCC" if kind is sdp.Request else "SECC"


LAYERS: dict[str, LayerVocabulary] = {
    words.key: words
    for words in (
        LayerVocabulary("sdp", "SDP", "", (0, 0), 0, ("discovery",), offered=False),
        LayerVocabulary("slac", "SLAC", "", (0, 0), 0, ("management",), offered=False),
    )
}
"""The vocabularies of the lower layers, by key."""

for _words in LAYERS.values():
    register(_words)


@cache
def home(message: str) -> LayerVocabulary | None:
    """The layer that a message belongs to; None for those of V2G."""
    return next((words for words in LAYERS.values() if message in words.elements), None)


def from_wire(message: object) -> codec.Message | None:
    """A message of a lower layer as scripts and views have it; None where it is of no vocabulary."""
    for key, words in LAYERS.items():
        name = next((name for name, kind in words.declared.items() if kind is type(message)), None)
        if name is not None:
            element = words.elements[name]
            return codec.Message(key, element, _read(element.type, message))
    return None


def to_wire(message: codec.Message) -> WireMessage:
    """What the wire's own modules call a message.

    Raises
    ------
    ValueError
        A value does not fit its field.
    """
    return _made(cast("LayerVocabulary", vocabulary(message.schema)), message.name, message.value)


def _read(type_: type[ComplexType], message: object) -> ComplexType:
    """The values of a message; names of numbers stand for those that have one."""
    values: dict[str, Any] = {}
    for field, name in zip(type_.__fields__, _attributes(type(message)), strict=True):
        value = getattr(message, name)
        known = field.type
        if isinstance(value, IPv6Address):
            value = str(value)
        elif known.numbers and value in known.numbers:
            value = known.members[known.numbers.index(value)]
        values[field.name] = value
    return type_(**values)


def _made(words: LayerVocabulary, name: str, value: ComplexType) -> WireMessage:
    kind = words.declared[name]
    values = {
        attribute: _number_of(field.type, getattr(value, field.name))
        for field, attribute in zip(type(value).__fields__, _attributes(kind), strict=True)
    }
    made: WireMessage = kind(**values)
    return made


def _number_of(known: SimpleType, value: Any) -> Any:
    if known.parse is not None and isinstance(value, str):
        return known.parse(value)
    if known.numbers and isinstance(value, str):
        return known.numbers[next(n for n, member in enumerate(known.members) if member == value)]
    return value


def _attributes(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _read_slac(words: Vocabulary, data: bytes) -> tuple[Element, Any]:
    try:
        message = homeplug.Frame.parse_payload(data).message
    except homeplug.HomeplugError as error:
        raise DecodeError(error.reason, 8 * (error.offset or 0)) from None
    problem = message.error if isinstance(message, homeplug.Unknown) else None
    if problem is not None:
        raise DecodeError(f"{message.name}: {problem.reason}", 8 * (problem.offset or 0))
    return _found(words, message, f"{message.name} is no message of matching")


def _read_sdp(words: Vocabulary, data: bytes) -> tuple[Element, Any]:
    kind = v2gtp.PayloadType.SDPRequest if len(data) < sdp.RESPONSE_LENGTH else v2gtp.PayloadType.SDPResponse
    try:
        message = sdp.parse_payload(kind, data)
    except sdp.SDPError as error:
        raise DecodeError(str(error), 0) from None
    return _found(words, message, "no message of SDP")


def _found(words: Vocabulary, message: object, otherwise: str) -> tuple[Element, Any]:
    found = from_wire(message)
    if found is None:
        raise DecodeError(otherwise, 0)
    return found.element, found.value


_READERS: dict[str, Callable[[Vocabulary, bytes], tuple[Element, Any]]] = {"slac": _read_slac, "sdp": _read_sdp}
