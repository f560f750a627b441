"""TCP streams out of damaged, repeated and reordered segments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secc_kernel.link import reassembly
from secc_kernel.link.packet import ACK, FIN, RST, SYN, opposite
from secc_kernel.link.reassembly import MAX_WAITING, PATIENCE, Data, End, Gap, Reassembler

FLOW = b"A" * 16 + b"B" * 16 + b"\0\1\0\2"
#: Sequence numbers pass 2**32 within each test.
START = 0xFFFFFFF8


def segment(sequence: int, data: bytes = b"", flags: int = ACK, ack: int = 0, back: bool = False, missing: int = 0):
    flow = opposite(FLOW) if back else FLOW
    return flow, data, missing, (START + sequence) % 2**32, (START + ack) % 2**32, flags


def run(*segments, spacing: float = 0.01, finish: bool = True):
    reassembler = Reassembler()
    events = []
    number = 0
    for number, item in enumerate(segments, 1):
        events += reassembler.segment(item, number * spacing, number)
    if finish:
        events += reassembler.finish(number * spacing, number)
    return events


def brief(events):
    """Events without times: data as they are, gaps as numbers, ends as text; all with the frame."""
    return [
        (e.frame, e.data if isinstance(e, Data) else e.length if isinstance(e, Gap) else e.how)
        for e in events
        if not (isinstance(e, End) and e.how == "capture")
    ]


def test_in_order():
    assert brief(run(segment(0, b"abc"), segment(3, b"def"))) == [(1, b"abc"), (2, b"def")]


def test_a_retransmission_is_given_once():
    assert brief(run(segment(0, b"abc"), segment(0, b"abc"), segment(3, b"d"))) == [(1, b"abc"), (3, b"d")]


def test_a_keep_alive_is_nothing():
    assert brief(run(segment(0, b"abc"), segment(2, b"\0"), segment(3, b"d"))) == [(1, b"abc"), (3, b"d")]


def test_only_the_new_part_of_an_overlap_is_given():
    assert brief(run(segment(0, b"abc"), segment(1, b"bcde"), segment(5, b"f"))) == [(1, b"abc"), (2, b"de"), (3, b"f")]


def test_an_early_segment_waits_for_the_one_before_it():
    events = run(segment(0, b"a"), segment(3, b"d"), segment(2, b"cd"), segment(1, b"b"), segment(4, b"e"))
    assert brief(events) == [(1, b"a"), (4, b"b"), (4, b"cd"), (5, b"e")]


def test_a_gap_that_the_other_end_has_acknowledged_is_one_soon():
    lost = [segment(0, b"abc"), segment(6, b"ghi"), segment(0, ack=9, back=True)]
    events = run(*lost, *[segment(9 + n, b"x") for n in range(15)], finish=False)
    assert brief(events)[:3] == [(1, b"abc"), (2, 3), (2, b"ghi")]


def test_a_gap_that_nobody_has_acknowledged_waits_for_the_retransmission():
    late = [segment(0, b"abc"), segment(6, b"ghi"), *[segment(0, ack=3, back=True)] * 20, segment(3, b"def")]
    assert brief(run(*late)) == [(1, b"abc"), (23, b"def"), (23, b"ghi")]
    for_ever = [segment(0, b"abc"), segment(6, b"ghi"), *[segment(0, ack=3, back=True)] * 4]
    assert brief(run(*for_ever, spacing=PATIENCE / 3, finish=False)) == [(1, b"abc"), (2, 3), (2, b"ghi")]


def test_what_waits_is_bounded():
    half = bytes(MAX_WAITING // 2)
    events = run(segment(0, b"a"), segment(2, half), segment(2 + len(half), half + b"x"), finish=False)
    assert brief(events)[:2] == [(1, b"a"), (2, 1)]


def test_a_snap_length_leaves_a_gap_of_its_size():
    assert brief(run(segment(0, b"abc", missing=2), segment(5, b"fg"))) == [(1, b"abc"), (1, 2), (2, b"fg")]


def test_a_capture_that_ends_gives_what_waits():
    assert brief(run(segment(0, b"a"), segment(2, b"c"))) == [(1, b"a"), (2, 1), (2, b"c")]


def test_fin_counts_when_everything_before_it_is_there():
    events = run(segment(0, b"a"), segment(2, b"c", FIN | ACK), segment(1, b"b"))
    assert brief(events) == [(1, b"a"), (3, b"b"), (3, b"c"), (3, "FIN")]


def test_rst_ends_both_directions():
    events = run(segment(0, b"a"), segment(0, b"x", back=True), segment(1, flags=RST))
    assert [(e.direction, e.how) for e in events if isinstance(e, End)] == [(0, "RST"), (1, "RST")]


def test_ports_that_are_used_again_are_a_new_stream():
    syn, synack = segment(-1, flags=SYN), segment(-1, flags=SYN | ACK, back=True)
    again = segment(1000, flags=SYN)
    events = run(syn, syn, synack, segment(0, b"old"), again, segment(1001, b"new"))
    data = [e for e in events if isinstance(e, Data)]
    assert [(e.stream.number, e.data) for e in data] == [(0, b"old"), (1, b"new")]
    assert [e.stream.client for e in data] == [0, 0]


def test_who_opened_a_connection_is_known_from_either_half_of_the_handshake():
    for opening, client in ((segment(-1, flags=SYN), 0), (segment(-1, flags=SYN | ACK, back=True), 1)):
        events = run(opening, segment(0, b"x"))
        assert events[0].stream.client == client
        assert events[0].stream.ends[client] == "[4141:4141:4141:4141:4141:4141:4141:4141]:1"
    assert run(segment(0, b"x"))[0].stream.client is None


def test_numbers_that_jump_far_back_are_a_gap_of_unknown_size():
    assert brief(run(segment(0, b"a"), segment(-(1 << 21), b"b"))) == [(1, b"a"), (2, 0), (2, b"b")]


@given(st.binary(min_size=1, max_size=60), st.data())
def test_whatever_comes_in_any_order_and_number_the_stream_is_the_same(stream, data):
    pieces = data.draw(
        st.lists(st.tuples(st.integers(0, len(stream)), st.integers(1, 20)), max_size=12).map(
            lambda cuts: [(start, stream[start : start + length]) for start, length in cuts]
        )
    )
    whole = [(start, stream[start : start + 7]) for start in range(0, len(stream), 7)]
    order = data.draw(st.permutations(pieces + whole))
    reassembler = Reassembler()
    # The SYN fixes where the stream begins; the times are so close that nothing is given up.
    events = list(reassembler.segment(segment(-1, flags=SYN), 0.0, 1))
    for number, (start, piece) in enumerate(order, 2):
        events += reassembler.segment(segment(start, piece), 0.001 * number, number)
    assert b"".join(e.data for e in events) == stream
    assert not reassembler.waiting
    frames = [e.frame for e in events]
    assert frames == sorted(frames)


@pytest.mark.parametrize("lost", range(6))
def test_with_one_segment_lost_everything_else_comes(lost):
    segments = [segment(3 * n, bytes((97 + n,)) * 3) for n in range(6)]
    del segments[lost]
    events = run(segment(-1, flags=SYN), *segments)
    assert b"".join(e.data for e in events if isinstance(e, Data)) == b"".join(s[1] for s in segments)
    assert [e.length for e in events if isinstance(e, Gap)] == ([3] if lost < 5 else [])


def test_many_small_pieces_that_wait_are_bounded_too():
    pieces = [segment(2 * n, b"x") for n in range(1, 5001)]
    events = run(segment(0, b"a"), *pieces, spacing=0.0, finish=False)
    assert sum(isinstance(e, Gap) for e in events) > 800
    assert len(events[0].stream.ways[0].early) <= 4096


def flow(number: int) -> bytes:
    return FLOW[:-4] + number.to_bytes(2, "big") + FLOW[-2:]


def other(number: int, sequence: int, data: bytes = b"", flags: int = ACK):
    return flow(number), data, 0, sequence, 0, flags


def test_connections_that_have_been_silent_for_longest_are_forgotten(monkeypatch):
    monkeypatch.setattr(reassembly, "MAX_STREAMS", 10)
    reassembler = Reassembler()
    events = list(reassembler.segment(other(0, 0, b"busy"), 0.0, 1))
    for number in range(1, 100):
        events += reassembler.segment(other(number, 0, b"once"), number / 10, number)
        events += reassembler.segment(other(0, 4 * number, b"busy"), number / 10, number)
    assert len(reassembler._ways) + len(reassembler._silent) <= 2 * 2 * 10
    assert [e.stream.number for e in events if isinstance(e, Data) and e.data == b"busy"] == [0] * 100
    silent = [e for e in events if isinstance(e, End)]
    assert {e.how for e in silent} == {"silence"}
    assert [e.stream.number for e in silent[::2]] == list(range(1, 1 + len(silent) // 2))
    assert len(silent) // 2 >= 80
    # Whoever speaks again after that is a new connection.
    *_, again = reassembler.segment(other(1, 4, b"again"), 20.0, 300)
    assert (again.stream.number, again.data) == (100, b"again")


def test_what_waits_in_a_forgotten_connection_is_given(monkeypatch):
    monkeypatch.setattr(reassembly, "MAX_STREAMS", 1)
    reassembler = Reassembler()
    events = list(reassembler.segment(other(0, 0, b"a"), 0.0, 1))
    events += reassembler.segment(other(0, 2, b"c"), 0.0, 2)
    for number in range(1, 5):
        events += reassembler.segment(other(number, 0, b"x"), 0.0, 2 + number)
    assert brief(e for e in events if e.stream.number == 0)[:3] == [(1, b"a"), (2, 1), (2, b"c")]
    assert not reassembler.waiting


def test_not_too_many_connections_wait_at_a_time():
    reassembler = Reassembler()
    events = []
    for number in range(200):
        events += reassembler.segment(other(number, 0, b"a"), 0.0, number)
        events += reassembler.segment(other(number, 2, b"c"), 0.0, number)
        assert len(reassembler.waiting) <= 64
    assert sum(isinstance(e, Gap) for e in events) >= 130


def test_a_gap_is_certain_also_when_only_others_speak():
    reassembler = Reassembler()
    events = list(reassembler.segment(other(0, 0, b"a"), 0.0, 1))
    events += reassembler.segment(other(0, 2, b"c"), 0.01, 2)
    for number in range(40):
        events += reassembler.segment(other(1, number, b"x"), number / 10, 3 + number)
    assert brief(e for e in events if e.stream.number == 0) == [(1, b"a"), (2, 1), (2, b"c")]
