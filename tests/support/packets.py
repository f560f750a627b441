"""Packets and capture files made by hand: packets by scapy, which has nothing in common with the reader under test."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from types import SimpleNamespace

from scapy.layers.inet import TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from secc_kernel.wire.v2gtp import pack

#: The beginning of a session: an EV that offers DIN SPEC 70121 and ISO 15118-2, which the station chooses.
EXI = SimpleNamespace(
    sap_req=bytes.fromhex(
        "8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040401d75726e3a69736f3a31353131383a323a32303133"
        "3a4d73674465660040000000080"
    ),
    sap_res=bytes.fromhex("80400000"),
    setup_req=bytes.fromhex("8098004011d01801f7e821f21400"),
    setup_res=bytes.fromhex("8098022bfbb6f3fefbdffed1e020491114a9413960a914c4c8ccd0d4d8a8c480"),
    din_setup_req=bytes.fromhex("809a004011d018038131a0007400"),
)


class Connection:
    """One TCP connection as packets on Ethernet."""

    def __init__(self, sport: int = 49152, dport: int = 61341, isn: int = 0xFFFFFF80) -> None:
        self.ends = {"EV": ("fe80::1", sport), "SECC": ("fe80::2", dport)}
        self.next = {"EV": isn, "SECC": isn // 2}

    def packet(self, who: str, flags: str, data: bytes = b"") -> bytes:
        other = "SECC" if who == "EV" else "EV"
        (src, sport), (dst, dport) = self.ends[who], self.ends[other]
        sequence, acknowledgement = self.next[who] % 2**32, self.next[other] % 2**32
        tcp = TCP(sport=sport, dport=dport, seq=sequence, ack=acknowledgement, flags=flags)
        made = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IPv6(src=src, dst=dst) / tcp
        self.next[who] += len(data) + (flags in ("S", "SA", "FA"))
        return bytes(made / data if data else made)

    def open(self) -> list[bytes]:
        return [self.packet("EV", "S"), self.packet("SECC", "SA"), self.packet("EV", "A")]

    def message(self, who: str, exi: bytes, payload_type: int = 0x8001) -> bytes:
        return self.packet(who, "PA", pack(payload_type, exi))

    def session(self) -> list[bytes]:
        """The beginning of a session: three packets of the TCP handshake, and four messages."""
        said = ("EV", EXI.sap_req), ("SECC", EXI.sap_res), ("EV", EXI.setup_req), ("SECC", EXI.setup_res)
        return self.open() + [self.message(who, payload) for who, payload in said]

    def close(self) -> list[bytes]:
        return [self.packet("EV", "FA"), self.packet("SECC", "FA")]


def pcap_of(packets: Iterable[bytes], link_type: int = 1, order: str = "<", nanoseconds: bool = False) -> bytes:
    """A pcap file; packet number n was captured at 1000 + n/10 seconds."""
    ticks, magic = (10**9, 0xA1B23C4D) if nanoseconds else (10**6, 0xA1B2C3D4)
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    for n, packet in enumerate(packets, 1):
        seconds, tenth = divmod(10000 + n, 10)
        data += struct.pack(order + "IIII", seconds, tenth * ticks // 10, len(packet), len(packet)) + packet
    return data
