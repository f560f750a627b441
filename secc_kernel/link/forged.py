"""A TCP segment that nobody sent: what an emulated line says in another's name."""

from __future__ import annotations

import struct

from .packet import FIN, RST, SYN, PacketParser

__all__ = ["reset_of"]

_ETHERNET = 1
_IPV6 = b"\x86\xdd"
_HEADERS = 14 + 40
_TCP = 6


def reset_of(frame: bytes) -> bytes | None:
    """The RST that would follow a TCP segment in its direction.

    Parameters
    ----------
    frame : bytes
        The Ethernet frame of the segment, over IPv6.

    Returns
    -------
    bytes or None
        An Ethernet frame; None where there is no such segment in the given one.
    """
    found = PacketParser().segment(_ETHERNET, frame)
    if found is None or frame[12:14] != _IPV6:
        return None
    flow, payload, missing, sequence, _, flags = found
    if sequence is None:
        return None
    following = sequence + len(payload) + missing + bool(flags & SYN) + bool(flags & FIN)
    header = struct.pack(">4sIIBBHHH", flow[32:36], following & 0xFFFFFFFF, 0, 5 << 4, RST, 0, 0, 0)
    checksum = _checksum(flow[:32] + struct.pack(">IxxxB", len(header), _TCP) + header)
    header = header[:16] + checksum.to_bytes(2, "big") + header[18:]
    addresses = frame[22:_HEADERS]
    return frame[:18] + struct.pack(">HBB", len(header), _TCP, 64) + addresses + header


def _checksum(data: bytes) -> int:
    """The ones' complement sum of 16-bit words (RFC 1071); the length must be even."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
