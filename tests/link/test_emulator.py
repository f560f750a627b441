"""What emulated lines do to frames, without sockets: the rest is tried on interfaces (test_testbed.py)."""

from __future__ import annotations

import pytest
from scapy.layers.inet import TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from secc_kernel.commands._testbed.plan import parse_profile
from secc_kernel.link.forged import reset_of
from secc_kernel.link.modem import Powerline
from secc_kernel.wire.homeplug import BROADCAST, Frame
from secc_kernel.wire.homeplug.messages import CM_SLAC_PARM_REQ

CAR, STATION = b"\x02\0\0\0\0\1", b"\x02\0\0\0\0\2"


def segment(flags, seq, payload=b""):
    ends = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IPv6(src="fe80::1", dst="fe80::2")
    return bytes(ends / TCP(sport=50000, dport=61000, flags=flags, seq=seq, ack=77) / payload)


@pytest.mark.parametrize(
    ("flags", "seq", "payload", "following"),
    [
        ("A", 1000, b"", 1000),
        ("PA", 1000, b"hello", 1005),
        ("S", 1000, b"", 1001),
        ("FA", 1000, b"", 1001),
        ("PA", 2**32 - 2, b"hello", 3),
    ],
)
def test_a_forged_reset_is_what_the_receiver_expects_next(flags, seq, payload, following):
    made = Ether(reset_of(segment(flags, seq, payload)))
    assert (made.src, made.dst, made[IPv6].src, made[IPv6].dst) == (
        *("02:00:00:00:00:01", "02:00:00:00:00:02"),
        *("fe80::1", "fe80::2"),
    )
    tcp = made[TCP]
    assert (tcp.sport, tcp.dport, str(tcp.flags), tcp.seq) == (50000, 61000, "R", following)
    told = tcp.chksum
    del tcp.chksum
    assert Ether(bytes(made))[TCP].chksum == told


def test_what_is_no_segment_is_not_reset():
    assert reset_of(Frame(BROADCAST, CAR, CM_SLAC_PARM_REQ()).pack()) is None
    assert reset_of(b"") is None


def heard(frames, **disturbances):
    """When the station's host gets what the car's sends at once."""
    line = Powerline(**disturbances)
    car = line.add(CAR)
    line.add(STATION)
    for number in range(frames):
        car.receive(Frame(BROADCAST, CAR, CM_SLAC_PARM_REQ(RunID=number.to_bytes(8, "big"))), 0.0)
    came = []
    while (due := line.next_deadline()) is not None:
        line.advance(due)
        came += [(int.from_bytes(frame.message.RunID, "big"), due) for _, frame in line.outgoing()]
    return came


def test_a_line_without_disturbances_keeps_everything_in_order():
    assert [number for number, _ in heard(50)] == list(range(50))


def test_a_line_loses_doubles_and_delays_as_much_as_is_said():
    assert 60 < len(heard(1000, loss=0.9)) < 140
    assert 1450 < len(heard(1000, duplicates=0.5)) < 1550
    late = heard(1000, jitter=0.05)
    assert {number for number, _ in late} == set(range(1000))
    assert [number for number, _ in late] != list(range(1000))
    times = [time for _, time in late]
    assert min(times) < 0.005
    assert 0.045 < max(times) < 0.055
    assert heard(100, loss=0.5) == heard(100, loss=0.5)


def test_attenuation_as_people_write_it():
    assert parse_profile("8") == [8] * 58
    rising = parse_profile("4-16")
    assert (rising[0], rising[-1], len(rising)) == (4, 16, 58)
    assert rising == sorted(rising)
    assert parse_profile(",".join(map(str, range(58)))) == list(range(58))
    for wrong in ("", "8dB", "1,2,3", "300", "4-", "-4"):
        with pytest.raises(ValueError, match="an attenuation is a number of dB"):
            parse_profile(wrong)
