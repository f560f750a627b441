"""The vocabularies: the messages of each standard, declared as in its schemas.

Every vocabulary is a set of namespaces coded together. Its modules hold the declarations and nothing else; this page
says which modules belong together, under which name the handshake offers them and in which V2GTP payload they travel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from ..exi.codec import Codec
from ..exi.declare import ComplexType, Element, Field
from ..exi.schema import Schema


@dataclass(frozen=True)
class Vocabulary:
    """A set of messages with one EXI grammar.

    Attributes
    ----------
    key : str
        The name used throughout the package.
    title : str
        The standard.
    namespace : str
        The namespace of its messages; what the handshake offers. Empty where the handshake does not offer it.
    version : tuple of int
        Major and minor version in the handshake.
    payload_type : int
        V2GTP payload type.
    modules : tuple of str
        Declaring modules; the last declares the messages.
    offered : bool
        Whether the handshake can choose it.
    """

    key: str
    title: str
    namespace: str
    version: tuple[int, int]
    payload_type: int
    modules: tuple[str, ...]
    offered: bool = True

    @property
    def declaring(self) -> tuple[str, ...]:
        """The declaring modules by their full names."""
        return tuple(f"{__name__}.{module}" for module in self.modules)

    @cached_property
    def schema(self) -> Schema:
        """The namespaces as one schema."""
        return Schema(*map(import_module, self.declaring))

    @cached_property
    def codec(self) -> Codec:
        """The codec of its grammar."""
        return Codec(self.schema)

    @cached_property
    def envelope(self) -> Element | None:
        """The element that wraps each message (V2G_Message), where the standard has one."""
        return next((e for e in self.schema.elements if e.name == "V2G_Message"), None)

    @cached_property
    def elements(self) -> dict[str, Element]:
        """The messages' elements by name, in the order of the standard's schema."""
        main = self.declaring[-1]
        found = [e for e in self.schema.elements if e.module == main and e.name.endswith(("Req", "Res"))]
        order = {id(v): n for n, v in enumerate(vars(import_module(main)).values())}
        return {e.name: e for e in sorted(found, key=lambda e: order[id(e)])}

    @property
    def messages(self) -> tuple[str, ...]:
        """Names of the messages, in the order of the standard's schema."""
        return tuple(self.elements)

    @cached_property
    def names(self) -> dict[Any, str]:
        """The messages' names by their type."""
        found: dict[Any, str] = {}
        for name, element in self.elements.items():
            found.setdefault(element.type, name)
        return found

    def sends(self, role: str, message: str) -> bool:
        """Whether a party ('EVCC', 'SECC') sends a message: the EVCC asks, the SECC answers."""
        return (role == "EVCC") == message.endswith("Req")

    def receives(self, role: str, message: str) -> bool:
        """Whether a party receives a message."""
        return not self.sends(role, message)

    def message_type(self, name: str) -> type[ComplexType]:
        """The declared type of a message.

        Raises
        ------
        KeyError
            If the vocabulary has no such message.
        """
        found: type[ComplexType] = self.message_element(name).type
        return found

    def message_element(self, name: str) -> Element:
        """The element of a message.

        Raises
        ------
        KeyError
            If the vocabulary has no such message.
        """
        found = self.elements.get(name)
        if found is None:
            from difflib import get_close_matches

            near = get_close_matches(name, self.elements, 3)
            raise KeyError(f"{self.title} has no message {name!r}" + (f"; there is {', '.join(near)}" if near else ""))
        return found

    def members(self, field: Field) -> tuple[Element, ...]:
        """What a slot of a substitution group may hold within this vocabulary; empty for other fields."""
        if field.head is None:
            return ()
        found = self.schema.members(field.head)
        return () if len(found) == 1 and field.head.concrete else tuple(e for e in found if e.concrete)

    def header_type(self) -> type[ComplexType] | None:
        """The type of the message header; None for the handshake."""
        carriers = [self.envelope] if self.envelope else [*self.elements.values()][:1]
        return next((f.type for e in carriers for f in e.type.__fields__ if f.name == "Header"), None)


_XMLDSIG = ("xmldsig",)
_PARTS = ("msg_data_types", "msg_header")
_TWENTY = (*_XMLDSIG, "iso15118_20.common_types")


def _twenty(key: str, module: str, name: str, payload_type: int, offered: bool = True) -> Vocabulary:
    namespace = f"urn:iso:std:iso:15118:-20:{name}"
    modules = (*_TWENTY, f"iso15118_20.{module}")
    return Vocabulary(key, f"ISO 15118-20 {name}", namespace, (1, 0), payload_type, modules, offered)


_VOCABULARIES = {
    v.key: v
    for v in (
        Vocabulary("sap", "supportedAppProtocol", "", (0, 0), 0x8001, ("sap",), offered=False),
        Vocabulary(
            "din",
            "DIN SPEC 70121",
            "urn:din:70121:2012:MsgDef",
            (2, 0),
            0x8001,
            (*_XMLDSIG, *(f"din70121.{m}" for m in (*_PARTS, "msg_def", "msg_body"))),
        ),
        Vocabulary(
            "iso2",
            "ISO 15118-2",
            "urn:iso:15118:2:2013:MsgDef",
            (2, 0),
            0x8001,
            (*_XMLDSIG, *(f"iso15118_2.{m}" for m in (*_PARTS, "msg_def", "msg_body"))),
        ),
        _twenty("iso20_common", "common_messages", "CommonMessages", 0x8002, offered=False),
        _twenty("iso20_ac", "ac", "AC", 0x8003),
        _twenty("iso20_dc", "dc", "DC", 0x8004),
        _twenty("iso20_wpt", "wpt", "WPT", 0x8006),
        _twenty("iso20_acdp", "acdp", "ACDP", 0x8005),
        Vocabulary("xmldsig", "XML Signature", "", (0, 0), 0x8001, _XMLDSIG, offered=False),
    )
}

SCHEMAS: tuple[str, ...] = tuple(_VOCABULARIES)
"""Keys of all vocabularies of V2G messages."""


def register(words: Vocabulary) -> None:
    """Have `vocabulary` find one of another layer, whose messages are declared elsewhere and are no EXI."""
    _VOCABULARIES[words.key] = words


def vocabulary(key: str) -> Vocabulary:
    """The vocabulary of that key.

    Raises
    ------
    KeyError
        If there is none; the message lists those there are.
    """
    found = _VOCABULARIES.get(key)
    if found is None:
        raise KeyError(f"no vocabulary {key!r}; there are {', '.join(SCHEMAS)}")
    return found


def by_namespace(namespace: str) -> Vocabulary | None:
    """The vocabulary that the handshake offers under that namespace."""
    return next((v for v in _VOCABULARIES.values() if v.offered and v.namespace == namespace), None)
