"""Whole captures, made for what the reference captures do not have."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import secc_kernel
from secc_kernel import codec
from secc_kernel.link import capture
from secc_kernel.link.capture import CaptureError, iterate, read_capture
from secc_kernel.session.journal import FindingEntry, FrameEntry, Journal, NoteEntry
from secc_kernel.wire.v2gtp import pack

NAMES = ["supportedAppProtocolReq", "supportedAppProtocolRes", "SessionSetupReq", "SessionSetupRes"]


@pytest.fixture
def session(connection):
    """A connection's packets: three of the TCP handshake, four messages, two FINs."""
    tcp = connection()
    return tcp.session() + tcp.close()


def summary(path):
    entries = list(iterate(path))
    frames = [(e.frame, e.name) for e in entries if isinstance(e, FrameEntry)]
    return frames, [e.rule for e in entries if isinstance(e, FindingEntry)]


def test_a_plain_session(capture_file, session):
    journal = secc_kernel.read_capture(capture_file(session, "plain.pcap"))
    assert [(e.frame, e.name) for e in journal.frames] == list(zip(range(4, 8), NAMES, strict=True))
    assert journal.source == "plain.pcap"
    assert journal.findings == []
    assert [e.sender for e in journal.frames] == ["EVCC", "SECC"] * 2
    assert journal.frames[0].src == "[fe80::1]:49152"
    assert journal.frames[0].time == 1000.4
    assert [e.text.split(": ")[1] for e in journal if isinstance(e, NoteEntry)] == [
        "[fe80::1]:49152 closes its side of the connection (FIN)",
        "[fe80::2]:61341 closes its side of the connection (FIN)",
    ]


def test_every_packet_twice(capture_file, session):
    doubled = [packet for packet in session for _ in range(2)]
    assert summary(capture_file(doubled)) == (
        [(2 * n + 1, name) for n, name in zip(range(3, 7), NAMES, strict=True)],
        [],
    )


def test_messages_in_pieces_and_several_in_one_segment(capture_file, connection, exi):
    tcp = connection()
    stream = pack(0x8001, exi.sap_req) + pack(0x8001, exi.setup_req) + pack(0x8001, exi.setup_req)
    packets = tcp.open() + [tcp.packet("EV", "PA", stream[n : n + 33]) for n in range(0, len(stream), 33)]
    frames, rules = summary(capture_file(packets))
    assert frames == [(6, NAMES[0]), (6, NAMES[2]), (7, NAMES[2])]
    assert rules == ["schema.tried"]


def test_reordered_segments_give_messages_in_the_order_of_the_frames_that_complete_them(capture_file, connection, exi):
    tcp, other = connection(), connection(sport=50000)
    begin = [*tcp.open(), *other.open()]
    first, second = tcp.message("EV", exi.sap_req), tcp.message("EV", exi.setup_req)
    packets = [*begin, second, other.message("EV", exi.sap_req), first, other.message("SECC", exi.sap_res)]
    frames, rules = summary(capture_file(packets))
    assert frames == [(8, NAMES[0]), (9, NAMES[0]), (9, NAMES[2]), (10, NAMES[1])]
    assert rules == ["schema.tried"]


def test_a_lost_packet_costs_its_message_only_and_the_order_stays(capture_file, session):
    for lost, name in zip(range(3, 7), NAMES, strict=True):
        packets = session[:lost] + session[lost + 1 :]
        frames, rules = summary(capture_file(packets))
        assert [n for _, n in frames] == [other for other in NAMES if other != name]
        assert [number for number, _ in frames] == sorted(number for number, _ in frames)
        assert "tcp.gap" in rules


def test_a_snap_length_is_named_as_the_reason(capture_file, session):
    import struct

    path = capture_file(session)
    content = bytearray(path.read_bytes())
    # Cut the last 10 bytes off the packet of frame 6, the SessionSetupReq.
    position = 24 + sum(16 + len(packet) for packet in session[:5])
    length = len(session[5])
    content[position + 8 : position + 12] = struct.pack("<I", length - 10)
    del content[position + 16 + length - 10 : position + 16 + length]
    frames, rules = summary(capture_file(bytes(content)))
    assert [name for _, name in frames] == [NAMES[0], NAMES[1], NAMES[3]]
    assert rules[:2] == ["capture.snap-length", "tcp.gap"]


def test_a_capture_without_the_beginning(capture_file, session):
    frames, rules = summary(capture_file(session[5:]))
    assert frames == [(1, NAMES[2]), (2, NAMES[3])]
    assert rules == ["schema.tried"]


def test_an_ipv4_station_on_loopback_and_a_strange_link_type(capture_file, session, exi):
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Loopback

    packet = bytes(
        Loopback() / IP(src="127.0.0.1", dst="127.0.0.1") / TCP(sport=5, dport=6) / pack(0x8001, exi.sap_req)
    )
    journal = read_capture(capture_file([packet], link_type=0))
    assert [(e.src, e.dst, e.name) for e in journal.frames] == [("127.0.0.1:5", "127.0.0.1:6", NAMES[0])]
    assert summary(capture_file(session, link_type=147)) == ([], ["capture.link-type"])


def test_sdp_is_recorded_beside_the_messages(capture_file, session):
    from scapy.layers.inet import UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether

    ether = Ether(src="02:00:00:00:00:01", dst="33:33:00:00:00:01")
    ask = (
        ether
        / IPv6(src="fe80::1", dst="ff02::1")
        / UDP(sport=49153, dport=15118)
        / bytes.fromhex("01fe9000000000021000")
    )
    journal = read_capture(capture_file([bytes(ask), *session]))
    assert (journal.entries[0].layer, journal.entries[0].sender, journal.entries[0].frame) == ("sdp", "EVCC", 1)
    assert len(journal.frames) == 4


def test_a_large_capture_is_read_in_one_pass_with_little_memory(capture_file, connection, exi):
    import tracemalloc

    tcp = connection()
    packets = [*tcp.open(), tcp.message("EV", exi.sap_req)]
    exchange = [tcp.message("EV", exi.setup_req) for _ in range(50)]
    path = capture_file(packets + exchange * 100)  # the repetitions are retransmissions
    tracemalloc.start()
    count = sum(isinstance(entry, FrameEntry) for entry in iterate(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 51
    assert peak < 5_000_000


def test_no_message_is_decoded_but_those_that_tell_the_vocabulary(capture_file, connection, exi, monkeypatch):
    tcp = connection()
    packets = [*tcp.open(), tcp.message("EV", exi.sap_req), tcp.message("SECC", exi.sap_res)]
    packets += [tcp.message("EV", exi.setup_req) for _ in range(20)]
    path = capture_file(packets)
    calls = []
    real = codec.decode
    monkeypatch.setattr(codec, "decode", lambda *args: calls.append(args[1]) or real(*args))
    journal = read_capture(path)
    assert calls == ["sap", "sap", "sap", "iso2"]  # the third is found to be none of the handshake
    assert [entry.schema for entry in journal.frames] == ["sap", "sap", *["iso2"] * 20]
    assert journal.message(7).name == "SessionSetupReq"
    assert len(calls) == 5
    assert all(entry.decoded for entry in read_capture(path, decode=True).frames)


def test_a_capture_streams_into_a_journal_that_is_given(capture_file, session, tmp_path):
    path = tmp_path / "charge.jsonl"
    seen = []
    with Journal(path, source="a charge") as journal:
        journal.subscribe(seen.append)
        assert read_capture(capture_file(session), journal=journal) is journal
        assert len(read_capture(capture_file(session), journal=journal).frames) == 8
    assert Journal.load(path).entries == journal.entries == seen
    assert journal.source == "a charge"


def test_progress_is_told(capture_file, session):
    path = capture_file(session)
    told = []
    read_capture(path, progress=told.append)
    assert told[-1] == path.stat().st_size


def test_what_is_held_back_is_bounded(capture_file, connection, exi, pcap, monkeypatch):
    monkeypatch.setattr(capture, "_MAX_HELD", 10)
    lame, tcp = connection(sport=50000), connection()
    packets = [*lame.open(), *tcp.open(), lame.message("EV", exi.sap_req)]
    lame.message("EV", exi.setup_req)  # is lost, and in the same instant much follows
    packets += [lame.message("EV", exi.setup_req), *(tcp.message("EV", exi.setup_req) for _ in range(50))]
    path = capture_file(stop_the_clock(pcap(packets)))
    entries = list(iterate(path))
    frames = [entry.frame for entry in entries if isinstance(entry, FrameEntry)]
    assert frames == list(range(7, 59))
    assert [entry.rule for entry in entries if isinstance(entry, FindingEntry)][:2] == ["tcp.gap", "schema.tried"]


def stop_the_clock(content: bytes) -> bytes:
    """A pcap file whose packets all have the same time."""
    made, position = bytearray(content), 24
    while position < len(made):
        made[position : position + 8] = bytes(8)
        position += 16 + int.from_bytes(made[position + 8 : position + 12], "little")
    return bytes(made)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the file's bytes are all that is taken
@given(st.data())
def test_damage_of_any_kind_never_raises_anything_but_a_capture_error(capture_file, session, data):
    path = capture_file(session)
    content = bytearray(path.read_bytes())
    for position, value in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)))):
        content[position] = value
    path = capture_file(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        for entry in iterate(path):
            assert not isinstance(entry, FrameEntry) or entry.message is not None or entry.error
    except CaptureError:
        assert content[:4] != b"\xd4\xc3\xb2\xa1" or path.stat().st_size < 4  # its magic number is gone
