import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secc_kernel.wire.pilot_board import LONGEST, Answer, Hello, Lines, PilotBoardError, Report, pack, parse

PAGE = Path(__file__).resolve().parents[2] / "docs/control-pilot-board.md"


def test_the_example_of_the_page_is_a_line():
    (example,) = re.findall(r"^([A-Z]+ .*)\*(..)$", PAGE.read_text(), re.MULTILINE)
    assert pack(example[0]) == f"{example[0]}*{example[1]}\n".encode()


def test_a_check_is_the_exclusive_or_as_in_nmea():
    # A sentence whose check is known from elsewhere.
    text = "GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"
    assert pack(text).endswith(b"*47\n")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BOARD 1 EVSE my board 1.0", Hello(1, "EVSE", "my board 1.0")),
        ("BOARD 2 EV", Hello(2, "EV", "a board without a name")),
        ("PILOT B 5.0 8.9", Report("B", 5.0, 8.9)),
        ("PILOT F 100.0", Report("F", 100.0)),
        ("OK", Answer()),
        ("ERR too much", Answer("too much")),
    ],
)
def test_what_boards_say(text, found):
    assert parse(pack(text).rstrip(b"\n")) == found


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"PILOT B 5.0 8.9", "has no check"),
        (b"PILOT B 5.0 8.9*29", "should be 28"),
        (b"PILOT B 5.0 8.9*2", "is damaged"),
        (b"PILOT B 5.0 8.9*xx", "is not text"),
        (b"\xff\xfe*00", "is not text"),
        (pack("PILOT G 5.0").strip(), "no line that a board sends"),
        (pack("PILOT B 101").strip(), "no line that a board sends"),
        (pack("PILOT B nan").strip(), "no line that a board sends"),
        (pack("PILOT").strip(), "no line that a board sends"),
        (pack("BOARD 1 CAR x").strip(), "no line that a board sends"),
        (pack("DUTY 5.0").strip(), "no line that a board sends"),
        (pack("").strip(), "no line that a board sends"),
    ],
)
def test_what_is_no_line_of_a_board(line, why):
    with pytest.raises(PilotBoardError, match=why):
        parse(line)


@given(st.lists(st.sampled_from([b"OK*04\n", b"PILOT A 100.0*1C\r\n", b"\n"])), st.data())
def test_lines_may_come_in_any_pieces(lines, data):
    stream = b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    cutter, found = Lines(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += cutter.receive(stream[start:end])
    assert found == [line.strip() for line in lines if line.strip()]


def test_what_never_ends_is_dropped_and_the_next_line_is_read():
    cutter = Lines()
    for _ in range(100):
        assert cutter.receive(bytes(LONGEST)) == []
    assert len(cutter._rest) <= LONGEST
    assert cutter.receive(b"tail\nOK*04\n") == [b"OK*04"]


@given(st.binary(max_size=300))
def test_noise_is_never_an_error_of_another_kind(data):
    for line in Lines().receive(data + b"\n"):
        try:
            parse(line)
        except PilotBoardError:
            pass
