"""scapy layers for the whole stack: HomePlug's management messages, V2GTP, SDP, and the messages inside.

Importing this module is all that is needed: from then on scapy dissects, and builds, what is on a charging cable::

    >>> import secc_kernel.link.scapy_layers
    >>> from scapy.all import rdpcap
    >>> rdpcap("charge.pcapng")[40].show()          # doctest: +SKIP

scapy's own `scapy.contrib.homeplugav` knows the messages of some modems, and none of SLAC; here each message that
`wire.homeplug` declares is a packet, made from its declaration. Messages of V2G come inside of TCP, in segments: for
those that need several, read with ``sniff(offline=..., session=TCPSession)``. Which vocabulary codes a message is found
by trying, as nothing is known here of the connection's handshake.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from functools import cache, lru_cache
from ipaddress import IPv6Address
from typing import Any

from scapy.fields import (
    ByteEnumField,
    ByteField,
    ConditionalField,
    Field,
    FieldLenField,
    FieldListField,
    IntField,
    LEIntField,
    LELongField,
    LEShortEnumField,
    LEShortField,
    MACField,
    PacketListField,
    ShortField,
    StrField,
    StrFixedLenField,
    XByteField,
    XShortEnumField,
    XShortField,
    XStrFixedLenField,
    XStrLenField,
)
from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import IP6Field  # type: ignore[attr-defined]  # it is there
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw, bind_layers, split_layers

from ..codec import Message
from ..session.dissect import SchemaTracker
from ..wire import homeplug, sdp, v2gtp
from ..wire.homeplug.declare import MESSAGES, Counted, Integer, Octets, Record

__all__ = ["EXI", "MME", "V2GTP", "SDPRequest", "SDPResponse", "packet_of"]

_NUMBERS = {1: ByteField, 2: LEShortField, 4: LEIntField, 8: LELongField}
_FORMATS = {1: "B", 2: "<H", 4: "<I"}
_MAC = 6
_REMEMBERED = 1024
_EXI = int(v2gtp.PayloadType.EXIEncodedV2GMessage)

homeplug.declared(0)  # all messages are declared from here on
_TYPES = {kind.MMTYPE: kind().name for kinds in MESSAGES.values() for kind in kinds}


# -- management messages ----------------------------------------------------------------------------------------------


class _Complete(Packet):
    """A packet after whose fields nothing of it comes: what does is the padding of the frame, or the next record."""

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        """Nothing is payload."""
        return b"", s


def _scapy_fields(cls: Any) -> Iterator[Any]:
    """The declared fields of a message or record as scapy has them."""
    defaults: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(cls)}
    for name, form, count_of in homeplug.fields(cls):
        default = defaults[name]
        if isinstance(form, Integer):
            yield _number(cls, name, form, count_of, default)
        elif isinstance(form, Octets):
            yield _octets(name, form, default)
        elif isinstance(form, Counted):
            yield XStrLenField(name, default, length_from=_length(form.by, form.per))
        elif isinstance(form.of, Octets):
            yield FieldListField(name, [], MACField("", "00:00:00:00:00:00"), count_from=_length(form.by, 1))
        else:
            yield PacketListField(name, [], packet_of(form.of), count_from=_length(form.by, 1))


def _number(cls: type[Record], name: str, form: Integer, count_of: str | None, default: Any) -> Field[Any, Any]:
    if count_of is not None:
        return _counter(cls, name, form, count_of)
    if form.members is not None and form.size == 1:
        return ByteEnumField(name, default, {int(member): member.name for member in form.members})
    return _NUMBERS[form.size](name, default)


def _counter(cls: type[Record], name: str, form: Integer, count_of: str) -> Field[Any, Any]:
    counted = next(field.form for field in homeplug.fields(cls) if field.name == count_of)
    if isinstance(counted, Counted):
        per = counted.per
        return FieldLenField(
            name, None, length_of=count_of, fmt=_FORMATS[form.size], adjust=lambda packet, length: length * per
        )
    return FieldLenField(name, None, count_of=count_of, fmt=_FORMATS[form.size])


def _octets(name: str, form: Octets, default: Any) -> Field[Any, Any]:
    if form.size == _MAC:
        return MACField(name, default.hex(":"))
    if form.text:
        return StrFixedLenField(name, default, length=form.size)
    return XStrFixedLenField(name, default, length=form.size)


def _length(by: str, per: int) -> Any:
    return lambda packet: -(-getattr(packet, by) // per)


@cache
def packet_of(cls: Any) -> type[Packet]:
    """The packet of a declared management message or record: ``packet_of(CM_SLAC_PARM_REQ)(RunID=...)``."""
    title = cls().name if issubclass(cls, homeplug.Message) else cls.__name__
    body = {"name": title, "fields_desc": list(_scapy_fields(cls)), "__doc__": cls.__doc__, "declared": cls}
    meta: Any = type(Packet)
    made: type[Packet] = meta(cls.__name__, (_Complete,), body)
    return made


class MME(Packet):
    """A management message from its MMV byte on: its number, and the packet of that message inside."""

    name = "HomePlug management message"
    fields_desc = [  # noqa: RUF012  as scapy has it
        ByteField("MMV", 1),
        LEShortEnumField("MMTYPE", None, _TYPES),
        ConditionalField(XShortField("FMI", 0), lambda packet: packet.MMV != 0),
    ]

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        """The packet of the declared message."""
        found = homeplug.declared(self.MMTYPE or 0, self.MMV)
        if found is None or (self.MMV and self.FMI):
            return Raw
        known: Any = found
        return packet_of(known)

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        """With the number of the message inside, unless another one was set."""
        inside = getattr(self.payload, "declared", None)
        if self.MMTYPE is None and inside is not None:
            pkt = pkt[:1] + inside.MMTYPE.to_bytes(2, "little") + pkt[3:]
        return pkt + pay

    def answers(self, other: Packet) -> int:
        """A confirmation answers its request, a response its indication."""
        if not isinstance(other, MME):
            return 0
        mine, asked = self.MMTYPE or 0, other.MMTYPE or 0
        return int(mine == asked + 1 and mine & 1)

    def mysummary(self) -> str:
        """Its name, where the message inside does not say it."""
        return homeplug.type_name(self.MMTYPE, self.MMV) if isinstance(self.payload, Raw) else "MME"


# -- V2GTP, SDP, and messages -----------------------------------------------------------------------------------------


class V2GTP(Packet):
    """The header of V2GTP, and what it carries."""

    name = "V2GTP"
    fields_desc = [  # noqa: RUF012
        XByteField("version", v2gtp.PROTOCOL_VERSION),
        XByteField("inverse", v2gtp.INVERSE_PROTOCOL_VERSION),
        XShortEnumField("payload_type", _EXI, {int(kind): kind.name for kind in v2gtp.PayloadType}),
        IntField("length", None),
    ]

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        """With the length of what it carries, unless another one was set."""
        if self.length is None:
            pkt = pkt[:4] + len(pay).to_bytes(4, "big")
        return pkt + pay

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        """What it carries, and what follows: in a TCP segment perhaps another message."""
        return s[: self.length], s[self.length :]

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        """SDP by its payload types, and EXI."""
        kind = {int(v2gtp.PayloadType.SDPRequest): SDPRequest, int(v2gtp.PayloadType.SDPResponse): SDPResponse}
        if self.payload_type in kind:
            return kind[self.payload_type]
        return EXI if len(payload) == self.length else Raw  # a part of a message is none

    def answers(self, other: Packet) -> int:
        """As what it carries."""
        return self.payload.answers(other.payload) if isinstance(other, V2GTP) else 0

    @classmethod
    def tcp_reassemble(cls, data: bytes, metadata: dict[str, Any], session: dict[str, Any]) -> Packet | None:
        """For scapy's `TCPSession`: a message when all of it has come."""
        if not _begins_v2gtp(data):
            return Raw(data)
        if len(data) < v2gtp.HEADER_LENGTH:
            return None
        made = cls(data)
        return made if len(data) >= v2gtp.HEADER_LENGTH + made.length else None


def _of_sdp(cls: type) -> Any:
    """The fields of an SDP message as scapy has them."""
    found: list[Field[Any, Any]] = []
    for field in dataclasses.fields(cls):
        members = field.metadata.get("members")
        name = str(field.metadata.get("element", field.name))
        if members is not None:
            found.append(ByteEnumField(name, 0, {int(member): member.name for member in members}))
        elif "IPv6Address" in str(field.type):
            found.append(IP6Field(name, str(IPv6Address(0))))
        else:
            found.append(ShortField(name, sdp.SERVER_PORT))
    return found


class _SDP(_Complete):
    """What SDP's messages have in common."""

    name = "SDP"

    def answers(self, other: Packet) -> int:
        """A response answers a request."""
        return int(isinstance(self, SDPResponse) and isinstance(other, SDPRequest))


class SDPRequest(_SDP):
    """SECC discovery request: what the vehicle wishes."""

    name = "SDP request"
    fields_desc = _of_sdp(sdp.Request)


class SDPResponse(_SDP):
    """SECC discovery response: where the station listens."""

    name = "SDP response"
    fields_desc = _of_sdp(sdp.Response)


class _TextField(StrField):
    """EXI, shown as the message that it is."""

    def i2repr(self, pkt: Any, x: Any) -> str:
        """The XML; the bytes where they are no message."""
        return pkt.xml or bytes(x).hex()


class EXI(_Complete):
    """A message of V2G: ``packet[EXI].message`` is the decoded one, ``.xml`` its text."""

    name = "EXI"
    fields_desc = [_TextField("exi", b"")]  # noqa: RUF012

    @property
    def message(self) -> Message | None:
        """The message; None where no vocabulary fits."""
        below = self.underlayer
        kind = below.payload_type if isinstance(below, V2GTP) else _EXI
        return _message(kind, bytes(self.exi))

    @property
    def xml(self) -> str:
        """Its XML; '' where no vocabulary fits."""
        message = self.message
        return "" if message is None else message.to_xml()

    def answers(self, other: Packet) -> int:
        """A response answers the request of its name."""
        if not isinstance(other, EXI) or self.message is None or other.message is None:
            return 0
        mine, asked = self.message.name, other.message.name
        return int(mine.endswith("Res") and mine[:-3] == asked[:-3] and asked.endswith("Req"))

    def mysummary(self) -> str:
        """The message's name."""
        message = self.message
        return "EXI" if message is None else f"{message.name} ({message.schema})"


@lru_cache(maxsize=_REMEMBERED)
def _message(payload_type: int, data: bytes) -> Message | None:
    verdict = SchemaTracker().schema_of(payload_type, data)
    return verdict.message


# -- where they are found ---------------------------------------------------------------------------------------------


def _begins_v2gtp(payload: bytes) -> bool:
    """Whether a TCP segment begins with a message: ports tell nothing, stations choose theirs."""
    return v2gtp.find_header(payload[: v2gtp.HEADER_LENGTH]) == 0


def _bind() -> None:
    if contrib := sys.modules.get("scapy.contrib.homeplugav"):
        split_layers(Ether, contrib.HomePlugAV, type=homeplug.ETHERTYPE)
    bind_layers(Ether, MME, type=homeplug.ETHERTYPE)
    for name in ("sport", "dport"):
        bind_layers(UDP, V2GTP, **{name: sdp.SERVER_PORT})
    segment: Any = TCP
    guess = segment.guess_payload_class

    def guess_payload_class(self: Any, payload: bytes) -> Any:
        """V2GTP on any port, by how it begins; otherwise as before."""
        if _begins_v2gtp(payload):
            return V2GTP
        found = guess(self, payload)
        # `TCPSession` asks once, at the first segment, which has no payload as a rule.
        return V2GTP if found is Raw and not payload else found

    segment.guess_payload_class = guess_payload_class


_bind()
