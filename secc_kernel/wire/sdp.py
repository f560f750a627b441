"""SDP, the SECC discovery protocol (ISO 15118-2, 7.10.1; ISO 15118-20, 7.10.1; DIN SPEC 70121, 8.8).

The EV asks by UDP, from any port to ff02::1 port 15118, who the SECC is; the station answers with the address and port
of its TCP server and says whether it does TLS there. Each datagram is one V2GTP frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import IPv6Address

from secc_kernel.wire import v2gtp
from secc_kernel.wire.v2gtp import PayloadType

#: V2G_UDP_SDP_SERVER, where a station listens.
SERVER_PORT = 15118
#: All nodes on the link, the address that an EV asks.
MULTICAST_ADDRESS = IPv6Address("ff02::1")

_REQUEST_LENGTH = 2
RESPONSE_LENGTH = 20


class Security(IntEnum):
    """Transport security, wished (request) or offered (response)."""

    TLS = 0x00
    NoTransportLayerSecurity = 0x10


class TransportProtocol(IntEnum):
    """Transport protocol; only TCP is in use."""

    TCP = 0x00
    ReservedForUDP = 0x10


class SDPError(ValueError):
    """The datagram is no SDP request or response; the text says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """SECC Discovery Protocol request: what the EV wishes.

    Parameters
    ----------
    security
        A `Security`, or any other byte that was on the wire.
    transport
        A `TransportProtocol`, or any other byte that was on the wire.
    """

    security: int = field(metadata={"element": "Security", "members": Security})
    transport: int = field(
        default=TransportProtocol.TCP, metadata={"element": "TransportProtocol", "members": TransportProtocol}
    )

    def pack(self) -> bytes:
        """The datagram: V2GTP header and payload."""
        return v2gtp.pack(PayloadType.SDPRequest, bytes((self.security, self.transport)))


@dataclass(frozen=True, slots=True)
class Response:
    """SECC Discovery Protocol response: where the station listens, and how.

    Parameters
    ----------
    address
        IPv6 address of the SECC, in practice link-local.
    port
        TCP port; the standards want 49152 to 65535, real stations also use others.
    security
        A `Security`, or any other byte that was on the wire.
    transport
        A `TransportProtocol`, or any other byte that was on the wire.
    """

    address: IPv6Address = field(metadata={"element": "IPAddress"})
    port: int = field(metadata={"element": "Port"})
    security: int = field(metadata={"element": "Security", "members": Security})
    transport: int = field(
        default=TransportProtocol.TCP, metadata={"element": "TransportProtocol", "members": TransportProtocol}
    )

    def pack(self) -> bytes:
        """The datagram: V2GTP header and payload."""
        payload = self.address.packed + self.port.to_bytes(2, "big") + bytes((self.security, self.transport))
        return v2gtp.pack(PayloadType.SDPResponse, payload)


def parse(datagram: bytes) -> Request | Response:
    """Read an SDP datagram.

    Raises
    ------
    SDPError
        It is no V2GTP frame, carries something else, or its payload has another length than the standards give.
    """
    try:
        frame = v2gtp.unpack(datagram)
    except v2gtp.V2GTPError as error:
        raise SDPError(f"no SDP datagram: {error}") from error
    return parse_payload(frame.payload_type, frame.payload)


def parse_payload(payload_type: int, payload: bytes) -> Request | Response:
    """Read an SDP message whose V2GTP header has been taken off.

    Raises
    ------
    SDPError
        As `parse`.
    """
    if payload_type == PayloadType.SDPRequest:
        if len(payload) != _REQUEST_LENGTH:
            raise SDPError(f"an SDP request has a payload of {_REQUEST_LENGTH} bytes, this one has {len(payload)}")
        return Request(_member(Security, payload[0]), _member(TransportProtocol, payload[1]))
    if payload_type == PayloadType.SDPResponse:
        if len(payload) != RESPONSE_LENGTH:
            raise SDPError(f"an SDP response has a payload of {RESPONSE_LENGTH} bytes, this one has {len(payload)}")
        port = int.from_bytes(payload[16:18], "big")
        security, transport = _member(Security, payload[18]), _member(TransportProtocol, payload[19])
        return Response(IPv6Address(payload[:16]), port, security, transport)
    name = v2gtp.payload_name(payload_type)
    raise SDPError(f"payload type 0x{payload_type:04X} ({name}) is neither SDPRequest nor SDPResponse")


def _member(kind: type[IntEnum], value: int) -> int:
    """The enumeration's member for a byte; a byte that the standards do not know stays the number it is."""
    try:
        return kind(value)
    except ValueError:
        return value
