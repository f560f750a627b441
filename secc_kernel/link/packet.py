"""From a captured packet down to its TCP segment or UDP datagram.

Ethernet with any number of VLAN tags, Linux cooked capture (both versions), raw and loopback IP; IPv6 with extension
headers, IPv4; fragments of both put together; HomePlug's management messages. What is neither gives nothing: this is
about V2G messages, not about everything that a station's network carries.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field
from functools import lru_cache

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

_IPV4, _IPV6 = 0x0800, 0x86DD
#: The EtherType of HomePlug's management messages, and where the flags of TCP are the mark of one.
MANAGEMENT = 0x88E1
_VLAN = frozenset((0x8100, 0x88A8, 0x9100))
_TCP, _UDP = 6, 17
#: IPv6 extension headers whose second byte is their length in units of 8 bytes after the first 8:
#: hop-by-hop, routing, destination options, mobility, HIP, shim6.
_EXTENSIONS = frozenset((0, 43, 60, 135, 139, 140))
_FRAGMENT, _AUTHENTICATION = 44, 51
#: Datagrams that wait for their fragments at a time; the oldest makes room.
_MAX_PARTIAL = 64


#: A TCP segment or, with the sequence number None, a UDP datagram: its flow, the payload as far as it was captured, how
#: many bytes of the payload were not captured, and the sequence number, acknowledgement number and flags of TCP. A flow
#: is a direction between two ends as its packets have it: source and destination address, source and destination port.
#: A management message has destination and source address for a flow, no sequence number, and `MANAGEMENT` for flags.
Segment = tuple[bytes, bytes, int, "int | None", int, int]


@lru_cache(maxsize=4096)
def endpoints(flow: bytes) -> tuple[str, str]:
    """How source and destination of a flow are written: '[fe80::1]:15118', '192.168.1.1:80'."""
    size = (len(flow) - 4) // 2
    return _endpoint(flow[:size], flow[-4:-2]), _endpoint(flow[size:-4], flow[-2:])


def _endpoint(address: bytes, port: bytes) -> str:
    if len(address) == 16:
        return f"[{socket.inet_ntop(socket.AF_INET6, address)}]:{int.from_bytes(port, 'big')}"
    return f"{socket.inet_ntop(socket.AF_INET, address)}:{int.from_bytes(port, 'big')}"


def opposite(flow: bytes) -> bytes:
    """The flow in the other direction."""
    size = (len(flow) - 4) // 2
    return flow[size:-4] + flow[:size] + flow[-2:] + flow[-4:-2]


_ETHERNET = 1
#: LINKTYPE_ number -> length of the link header, and where in it the EtherType of what follows is; None where the IP
#: header tells its version itself (the numbers that loopback devices use differ between systems).
LINK_TYPES: dict[int, tuple[int, int | None]] = {
    0: (4, None),  # NULL
    _ETHERNET: (14, 12),
    12: (0, None),  # RAW, as some systems number it
    14: (0, None),
    101: (0, None),  # RAW
    108: (4, None),  # LOOP
    113: (16, 14),  # LINUX_SLL
    228: (0, None),  # IPV4
    229: (0, None),  # IPV6
    276: (20, 0),  # LINUX_SLL2
}
_VERSIONS = {4: _IPV4, 6: _IPV6}
#: An EtherType, an IPv6 header and that of TCP: the EtherType, payload length and next header; sequence and
#: acknowledgement number, data offset, flags.
_TCP_OVER_IPV6 = struct.Struct(">H4xHB37xIIBB").unpack_from


@dataclass(slots=True)
class _Partial:
    """A datagram of which some fragments are there."""

    pieces: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    length: int | None = None

    def whole(self) -> bytes | None:
        if self.length is None or self.size < self.length:
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
        self._partial: dict[tuple[bytes, int, int], _Partial] = {}

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
            if link_type >= 0:  # and not what stands for no packet at all
                self.unknown_links[link_type] = self.unknown_links.get(link_type, 0) + 1
            return None
        start, position = link
        if position == start - 2 and len(data) >= start + 60:
            kind, length, following, sequence, acknowledgement, offset, flags = _TCP_OVER_IPV6(data, start - 2)
            end = start + 40 + length
            # Nearly all of what matters here is like this.
            if kind == _IPV6 and following == _TCP and length >= 20 and end <= len(data):
                payload = data[start + 40 + (offset >> 4) * 4 : end]
                return data[start + 8 : start + 44], payload, 0, sequence, acknowledgement, flags
        try:
            if position is None:
                kind = _VERSIONS.get(data[start] >> 4, 0)
            else:
                kind = int.from_bytes(data[position : position + 2], "big")
                while kind in _VLAN:
                    kind = int.from_bytes(data[start + 2 : start + 4], "big")
                    start += 4
            if kind == _IPV6:
                return self._ipv6(data, start, missing)
            if kind == _IPV4:
                return self._ipv4(data, start, missing)
            if kind == MANAGEMENT and link_type == _ETHERNET:
                return data[:12], data[start:], missing, None, 0, MANAGEMENT
        except (struct.error, IndexError):
            pass  # a header is cut off: nothing can be known of this packet
        return None

    def _ipv6(self, data: bytes, start: int, missing: int) -> Segment | None:
        position = start + 40
        length, kind = struct.unpack_from(">HB", data, start + 4)
        addresses = data[start + 8 : position]
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
                    key = (addresses, ident, kind)
                    return self._fragment(key, offset & 0xFFF8, bool(offset & 1), data[position:end])
                continue
            else:
                return _transport(kind, addresses, data[position:end], end - max(position, min(end, len(data))))
            position += size

    def _ipv4(self, data: bytes, start: int, missing: int) -> Segment | None:
        header = (data[start] & 0x0F) * 4
        length, ident, flags, _, kind = struct.unpack_from(">HHHBB", data, start + 2)
        addresses = data[start + 12 : start + 20]
        position = start + header
        end = start + length if length else len(data) + missing
        if flags & 0x3FFF:  # more fragments, or not the first
            key = (addresses, ident, kind)
            return self._fragment(key, (flags & 0x1FFF) * 8, bool(flags & 0x2000), data[position:end])
        return _transport(kind, addresses, data[position:end], end - max(position, min(end, len(data))))

    def _fragment(self, key: tuple[bytes, int, int], offset: int, more: bool, data: bytes) -> Segment | None:
        partial = self._partial.get(key)
        if partial is None:
            if len(self._partial) >= _MAX_PARTIAL:
                del self._partial[next(iter(self._partial))]
                self.lost_fragments += 1
            partial = self._partial[key] = _Partial()
        if offset not in partial.pieces:
            partial.pieces[offset] = data
            partial.size += len(data)
        if not more:
            partial.length = offset + len(data)
        whole = partial.whole()
        if whole is None:
            return None
        del self._partial[key]
        return _transport(key[2], key[0], whole, 0)


def _transport(kind: int, addresses: bytes, data: bytes, missing: int) -> Segment | None:
    if kind == _TCP:
        sequence, acknowledgement, offset, flags = struct.unpack_from(">4xIIBB", data)
        return addresses + data[:4], data[(offset >> 4) * 4 :], missing, sequence, acknowledgement, flags
    if kind == _UDP:
        (length,) = struct.unpack_from(">4xH", data)
        return addresses + data[:4], data[8 : length or None], missing, None, 0, 0
    return None
