"""Packets for what a journal records above them: Ethernet, IPv6 or IPv4, UDP, and TCP connections from SYN to FIN.

Everything is as a sender with a plain network stack would have sent it: sequence numbers, acknowledgements, checksums.
Connections are made of what is asked for, and no more: nothing is lost, repeated or reordered in them.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from secc_kernel.link.packet import ACK, FIN, MANAGEMENT, SYN

__all__ = ["Connection", "Endpoint", "datagram", "management"]

_PSH = 0x08
_IPV4, _IPV6, _TCP, _UDP = 0x0800, 0x86DD, 6, 17
#: Bytes of a TCP segment on Ethernet, and how many may be on their way before they are acknowledged.
_SEGMENT = 1440
_WINDOW = 0xFFFF
_MAX_UNACKNOWLEDGED = 16 * _SEGMENT
_SYN_OPTIONS = struct.pack(">BBH", 2, 4, _SEGMENT)


class Endpoint(NamedTuple):
    """A host and a port of it; the address has 16 bytes, or 4."""

    mac: bytes
    address: bytes
    port: int


def management(destination: bytes, source: bytes, payload: bytes) -> bytes:
    """A HomePlug management message as a packet."""
    return destination + source + struct.pack(">H", MANAGEMENT) + payload


def datagram(source: Endpoint, destination: Endpoint, payload: bytes) -> bytes:
    """A UDP datagram as a packet."""
    length = 8 + len(payload)
    ports = struct.pack(">HHH", source.port, destination.port, length)
    checksum = _transport_checksum(source, destination, _UDP, ports + b"\0\0" + payload)
    # 0 would mean that there is no checksum.
    return _packet(source, destination, _UDP, ports + struct.pack(">H", checksum or 0xFFFF) + payload)


class Connection:
    """A TCP connection.

    Parameters
    ----------
    client, server
        Its ends.
    number
        Makes its first sequence numbers others than those of other connections.
    """

    def __init__(self, client: Endpoint, server: Endpoint, number: int) -> None:
        self._ends = client, server
        self._next = [(0x10000000 + number * 0x01000193) % 2**32, (0x60000000 + number * 0x01000193) % 2**32]
        self._unacknowledged = [0, 0]

    def open(self) -> list[bytes]:
        """The packets that open it."""
        return [self._segment(0, SYN), self._segment(1, SYN | ACK), self._segment(0, ACK)]

    def send(self, direction: int, data: bytes) -> list[bytes]:
        """The packets of data.

        Parameters
        ----------
        direction
            0 from the client, 1 from the server.
        data
            The bytes; the last packet brings their last ones.
        """
        packets = []
        for at in range(0, len(data), _SEGMENT):
            piece = data[at : at + _SEGMENT]
            if self._unacknowledged[direction] + len(piece) > _MAX_UNACKNOWLEDGED:
                packets.append(self._segment(1 - direction, ACK))
            packets.append(self._segment(direction, ACK | (_PSH if at + _SEGMENT >= len(data) else 0), piece))
        return packets

    def close(self) -> list[bytes]:
        """The packets that close it: from the client first."""
        return [self._segment(0, FIN | ACK), self._segment(1, FIN | ACK), self._segment(0, ACK)]

    def _segment(self, direction: int, flags: int, data: bytes = b"") -> bytes:
        source, destination = self._ends if direction == 0 else self._ends[::-1]
        acknowledged = self._next[1 - direction] if flags & ACK else 0
        options = _SYN_OPTIONS if flags & SYN else b""
        numbers = struct.pack(">HHII", source.port, destination.port, self._next[direction], acknowledged)
        head = numbers + struct.pack(">BBH", (20 + len(options)) // 4 << 4, flags, _WINDOW)
        checksum = _transport_checksum(source, destination, _TCP, head + bytes(4) + options + data)
        self._next[direction] = (self._next[direction] + len(data) + bool(flags & (SYN | FIN))) % 2**32
        self._unacknowledged[direction] += len(data)
        self._unacknowledged[1 - direction] = 0
        return _packet(source, destination, _TCP, head + struct.pack(">HH", checksum, 0) + options + data)


def _packet(source: Endpoint, destination: Endpoint, protocol: int, payload: bytes) -> bytes:
    macs = destination.mac + source.mac
    addresses = source.address + destination.address
    if len(source.address) == 16:
        return macs + struct.pack(">HIHBB", _IPV6, 0x60000000, len(payload), protocol, 64) + addresses + payload
    head = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol)
    checksum = struct.pack(">H", _checksum(head + bytes(2) + addresses))
    return macs + struct.pack(">H", _IPV4) + head + checksum + addresses + payload


def _transport_checksum(source: Endpoint, destination: Endpoint, protocol: int, data: bytes) -> int:
    """That of TCP and UDP, over a pseudo header, too (RFC 8200, 8.1; RFC 9293, 3.1: for the sum they are alike)."""
    return _checksum(source.address + destination.address + struct.pack(">II", len(data), protocol) + data)


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
