import pytest
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    fragment6,
)
from scapy.layers.l2 import CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether, Loopback

from secc_kernel.link.packet import ACK, MANAGEMENT, PacketParser, endpoints, opposite

MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
SIX = IPv6(src="fe80::1", dst="fe80::2")
FOUR = IP(src="192.168.1.1", dst="192.168.1.2")
A6, B6 = bytes.fromhex("fe80" + "00" * 13 + "01"), bytes.fromhex("fe80" + "00" * 13 + "02")
A4, B4 = bytes((192, 168, 1, 1)), bytes((192, 168, 1, 2))
SEGMENT = TCP(sport=49152, dport=15118, seq=7, ack=9, flags="A", options=[("NOP", None)] * 4) / b"payload"
PORTS = (49152).to_bytes(2, "big") + (15118).to_bytes(2, "big")
GOT6 = (A6 + B6 + PORTS, b"payload", 0, 7, 9, ACK)
GOT4 = (A4 + B4 + PORTS, b"payload", 0, 7, 9, ACK)


@pytest.mark.parametrize(
    ("link_type", "packet"),
    [
        (1, Ether(**MACS) / SIX / SEGMENT),
        (1, Ether(**MACS) / Dot1Q(vlan=7) / SIX / SEGMENT),
        (1, Ether(**MACS) / Dot1AD(vlan=7) / Dot1Q(vlan=8) / SIX / SEGMENT),
        (113, CookedLinux() / SIX / SEGMENT),
        (113, CookedLinux(proto=0x8100) / Dot1Q(vlan=7) / SIX / SEGMENT),
        (276, CookedLinuxV2(proto=0x86DD) / SIX / SEGMENT),
        (101, SIX / SEGMENT),
        (229, SIX / SEGMENT),
        (0, Loopback(type=30) / SIX / SEGMENT),
        (1, Ether(**MACS) / SIX / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / SEGMENT),
        (1, Ether(**MACS) / SIX / IPv6ExtHdrRouting(addresses=["fe80::2"], segleft=0) / SEGMENT),
        (1, Ether(**MACS) / SIX / IPv6ExtHdrFragment() / SEGMENT),  # a fragment header on what is whole
        (1, Ether(**MACS) / FOUR / SEGMENT),
        (101, FOUR / SEGMENT),
        (228, FOUR / SEGMENT),
    ],
)
def test_links_and_headers(link_type, packet):
    # Ethernet pads short frames; the padding is not payload.
    got = PacketParser().segment(link_type, bytes(packet) + bytes(10))
    assert got == (GOT6 if packet.haslayer(IPv6) else GOT4)


def test_udp():
    packet = Ether(**MACS) / SIX / UDP(sport=49152, dport=15118) / b"datagram"
    assert PacketParser().segment(1, bytes(packet) + bytes(4)) == (A6 + B6 + PORTS, b"datagram", 0, None, 0, 0)


def test_what_a_snap_length_cut_off_is_counted():
    packet = bytes(Ether(**MACS) / SIX / SEGMENT)
    got = PacketParser().segment(1, packet[:-3], 3)
    assert got[1:3] == (b"payl", 3)


def test_a_segment_that_the_network_card_was_to_divide_has_no_length():
    packet = Ether(**MACS) / IPv6(src="fe80::1", dst="fe80::2", plen=0) / SEGMENT
    assert PacketParser().segment(1, bytes(packet)) == GOT6


@pytest.mark.parametrize("order", ["forward", "backward", "twice"])
@pytest.mark.parametrize("version", [4, 6])
def test_fragments_are_put_together(version, order):
    if version == 6:
        whole = SIX / IPv6ExtHdrFragment(id=77) / UDP(sport=1, dport=2) / (bytes(range(256)) * 12)
        pieces = fragment6(whole, 1280)
    else:
        pieces = fragment(FOUR / UDP(sport=1, dport=2) / (bytes(range(256)) * 12), 1000)
    packets = [bytes(Ether(**MACS) / piece) for piece in pieces]
    if order == "backward":
        packets.reverse()
    elif order == "twice":
        packets = [packets[0], packets[0], *packets[1:]]
    assert len(packets) >= 3
    parser = PacketParser()
    got = [parser.segment(1, packet) for packet in packets]
    assert got[:-1] == [None] * (len(got) - 1)
    assert got[-1][1] == bytes(range(256)) * 12
    assert parser.incomplete_datagrams == 0


def test_a_lost_fragment_is_counted_and_its_memory_bounded():
    parser = PacketParser()
    for number in range(100):
        whole = SIX / IPv6ExtHdrFragment(id=number) / UDP(sport=1, dport=2) / bytes(3000)
        parser.segment(1, bytes(Ether(**MACS) / fragment6(whole, 1280)[0]))
    assert parser.incomplete_datagrams == 100
    assert len(parser._partial) == 64


def test_management_messages_have_their_addresses_for_a_flow():
    packet = bytes(Ether(**MACS, type=0x88E1) / b"\1\x64\x60\0\0")
    flow = bytes.fromhex((MACS["dst"] + MACS["src"]).replace(":", ""))
    assert PacketParser().segment(1, packet) == (flow, b"\1\x64\x60\0\0", 0, None, 0, MANAGEMENT)


def test_other_traffic_gives_nothing():
    parser = PacketParser()
    for packet in (Ether(**MACS, type=0x0806) / bytes(28), Ether(**MACS) / SIX):
        assert parser.segment(1, bytes(packet)) is None
    assert parser.segment(147, b"anything") is None
    assert parser.unknown_links == {147: 1}


@pytest.mark.parametrize(
    "packet", [Ether(**MACS) / SIX / IPv6ExtHdrHopByHop() / SEGMENT, Ether(**MACS) / FOUR / SEGMENT]
)
def test_headers_that_are_cut_off_anywhere(packet):
    data = bytes(packet)
    for length in range(len(data)):
        got = PacketParser().segment(1, data[:length], len(data) - length)
        assert got is None or got[2] == len(data) - length


def test_endpoints_are_written_as_everywhere():
    assert endpoints(A6 + B6 + PORTS) == ("[fe80::1]:49152", "[fe80::2]:15118")
    assert endpoints(A4 + B4 + PORTS) == ("192.168.1.1:49152", "192.168.1.2:15118")


@pytest.mark.parametrize("flow", [A6 + B6 + PORTS, A4 + B4 + PORTS])
def test_the_opposite_of_a_flow_goes_back(flow):
    assert endpoints(opposite(flow)) == endpoints(flow)[::-1]
    assert opposite(opposite(flow)) == flow
