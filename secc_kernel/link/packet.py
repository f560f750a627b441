"""From a captured packet down to its TCP segment or UDP datagram.

Ethernet with any number of VLAN tags, Linux cooked capture (both versions), raw and loopback IP; IPv6 with extension
headers, IPv4; fragments of both put together. What is neither TCP nor UDP gives nothing: this is about V2G messages,
not about everything that a station's network carries.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN = frozenset((0x8100, 0x88A8, 0x9100))
_TCP, _UDP = 6, 17
#: IPv6 extension headers whose second byte is their length in units of 8 bytes after the first 8:
#: hop-by-hop, routing, destination options, mobility, HIP, shim6.
_EXTENSIONS = frozenset((0, 43, 60, 135, 139, 140))
_FRAGMENT, _AUTHENTICATION = 44, 51
#: Datagrams that wait for their fragments at a time; the oldest makes room.
_MAX_PARTIAL = 64


class Segment(NamedTuple):
    """A TCP segment or, with `sequence` None, a UDP datagram.

    Attributes
    ----------
    src, dst
        Address bytes and port.
    sequence, acknowledgement, flags
        Of the TCP header.
    data
        The payload, as far as it was captured.
    missing
        Bytes of the payload that were not captured.
    """

    src: tuple[bytes, int]
    dst: tuple[bytes, int]
    data: bytes
    missing: int
    sequence: int | None = None
    acknowledgement: int = 0
    flags: int = 0


@lru_cache(maxsize=4096)
def endpoint(address: bytes, port: int) -> str:
    """How an address and port are written: '[fe80::1]:15118', '192.168.1.1:80'."""
    if len(address) == 16:
        return f"[{socket.inet_ntop(socket.AF_INET6, address)}]:{port}"
    return f"{socket.inet_ntop(socket.AF_INET, address)}:{port}"


def _ethernet(data: bytes) -> tuple[int, int]:
    return 14, int.from_bytes(data[12:14], "big")


def _cooked(data: bytes) -> tuple[int, int]:
    return 16, int.from_bytes(data[14:16], "big")


def _cooked2(data: bytes) -> tuple[int, int]:
    return 20, int.from_bytes(data[0:2], "big")


def _raw(data: bytes) -> tuple[int, int]:
    return 0, _by_version(data[:1])


def _loopback(data: bytes) -> tuple[int, int]:
    return 4, _by_version(data[4:5])  # the address family's number differs between systems, the IP version does not


def _by_version(first: bytes) -> int:
    return {4: _IPV4, 6: _IPV6}.get(first[0] >> 4, 0) if first else 0


#: LINKTYPE_ number -> (length of the link header, type of what follows)
LINK_TYPES: dict[int, Callable[[bytes], tuple[int, int]]] = {
    0: _loopback,  # NULL
    1: _ethernet,
    12: _raw,  # as some systems number RAW
    14: _raw,
    101: _raw,
    108: _loopback,  # LOOP
    113: _cooked,  # LINUX_SLL
    228: _raw,  # IPV4
    229: _raw,  # IPV6
    276: _cooked2,  # LINUX_SLL2
}


@dataclass(slots=True)
class _Partial:
    """A datagram of which some fragments are there."""

    pieces: dict[int, bytes] = field(default_factory=dict)
    length: int | None = None

    def whole(self) -> bytes | None:
        if self.length is None:
            return None
        data = bytearray()
        for offset in sorted(self.pieces):
            if offset > len(data):
                return None
            data[offset:] = self.pieces[offset]
        return bytes(data) if len(data) >= self.length else None


class PacketParser:
    """Packets in, segments out; remembers the fragments that wait for others.

    Attributes
    ----------
    unknown_links
        Link types that were met and cannot be read here, with how many packets had them.
    lost_fragments
        Datagrams that were given up because fragments of them never came.
    """

    def __init__(self) -> None:
        self.unknown_links: dict[int, int] = {}
        self.lost_fragments = 0
        self._partial: dict[tuple[bytes, bytes, int, int], _Partial] = {}

    @property
    def incomplete_datagrams(self) -> int:
        """Datagrams whose fragments did not all come, up to now."""
        return self.lost_fragments + len(self._partial)

    def segment(self, link_type: int, data: bytes, missing: int = 0) -> Segment | None:
        """The TCP segment or UDP datagram in a packet, None where it has none or a header is cut off.

        Parameters
        ----------
        link_type
            LINKTYPE_ number of the packet.
        data
            The packet from its link header on.
        missing
            Bytes of it that were not captured.
        """
        link = LINK_TYPES.get(link_type)
        if link is None:
            self.unknown_links[link_type] = self.unknown_links.get(link_type, 0) + 1
            return None
        start, kind = link(data)
        while kind in _VLAN:
            kind = int.from_bytes(data[start + 2 : start + 4], "big")
            start += 4
        try:
            if kind == _IPV6:
                return self._ipv6(data, start, missing)
            if kind == _IPV4:
                return self._ipv4(data, start, missing)
        except (struct.error, IndexError):
            pass  # a header is cut off: nothing can be known of this packet
        return None

    def _ipv6(self, data: bytes, start: int, missing: int) -> Segment | None:
        length, kind = struct.unpack_from(">HB", data, start + 4)
        src, dst = data[start + 8 : start + 24], data[start + 24 : start + 40]
        position = start + 40
        # A length of 0 is a segment that the sender's network card was to divide: all that was captured belongs to it.
        end = position + length if length else len(data) + missing
        while True:
            if kind in _EXTENSIONS:
                kind, size = data[position], 8 + 8 * data[position + 1]
            elif kind == _AUTHENTICATION:
                kind, size = data[position], 8 + 4 * data[position + 1]
            elif kind == _FRAGMENT:
                kind, _, offset, ident = struct.unpack_from(">BBHI", data, position)
                position += 8
                if offset & 0xFFF9:  # not a datagram in one piece
                    key = (src, dst, ident, kind)
                    return self._fragment(key, offset & 0xFFF8, bool(offset & 1), data[position:end])
                continue
            else:
                return _transport(kind, src, dst, data[position:end], end - max(position, min(end, len(data))))
            position += size

    def _ipv4(self, data: bytes, start: int, missing: int) -> Segment | None:
        header = (data[start] & 0x0F) * 4
        length, ident, flags, _, kind = struct.unpack_from(">HHHBB", data, start + 2)
        src, dst = data[start + 12 : start + 16], data[start + 16 : start + 20]
        position = start + header
        end = start + length if length else len(data) + missing
        if flags & 0x3FFF:  # more fragments, or not the first
            key = (src, dst, ident, kind)
            return self._fragment(key, (flags & 0x1FFF) * 8, bool(flags & 0x2000), data[position:end])
        return _transport(kind, src, dst, data[position:end], end - max(position, min(end, len(data))))

    def _fragment(self, key: tuple[bytes, bytes, int, int], offset: int, more: bool, data: bytes) -> Segment | None:
        partial = self._partial.get(key)
        if partial is None:
            if len(self._partial) >= _MAX_PARTIAL:
                del self._partial[next(iter(self._partial))]
                self.lost_fragments += 1
            partial = self._partial[key] = _Partial()
        partial.pieces.setdefault(offset, data)
        if not more:
            partial.length = offset + len(data)
        whole = partial.whole()
        if whole is None:
            return None
        del self._partial[key]
        return _transport(key[3], key[0], key[1], whole, 0)


def _transport(kind: int, src: bytes, dst: bytes, data: bytes, missing: int) -> Segment | None:
    if kind == _TCP:
        sport, dport, sequence, acknowledgement, offset, flags = struct.unpack_from(">HHIIBB", data)
        payload = data[(offset >> 4) * 4 :]
        return Segment((src, sport), (dst, dport), payload, missing, sequence, acknowledgement, flags)
    if kind == _UDP:
        sport, dport, length = struct.unpack_from(">HHH", data)
        return Segment((src, sport), (dst, dport), data[8 : length or None], missing)
    return None
