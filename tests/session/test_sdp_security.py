"""SDP's security byte: what a station answers, what a vehicle makes of it, and what is said about a downgrade."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from secc_kernel.session.events import Connect, SendDatagram
from secc_kernel.session.secc import SECC
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire import sdp

TLS, NONE = sdp.Security.TLS, sdp.Security.NoTransportLayerSecurity
HERE = IPv6Address("fe80::5")


def findings(party):
    return [(finding.severity, finding.text) for finding in party.journal.findings if finding.rule == "sdp-security"]


@pytest.mark.parametrize(
    ("does", "only", "asked", "answered", "severity"),
    [
        (TLS, False, TLS, TLS, None),
        (TLS, False, NONE, NONE, None),
        (TLS, True, NONE, TLS, "note"),
        (NONE, False, TLS, NONE, "warning"),
        (NONE, False, NONE, NONE, None),
        (TLS, False, 0x55, TLS, "note"),
    ],
)
def test_a_station_answers_what_it_does_and_as_it_is_asked(does, only, asked, answered, severity):
    secc = SECC()
    secc.listen(HERE, 50000, does, only)
    secc.receive_datagram(sdp.Request(asked).pack(), "EVCC", 0.0)
    assert sdp.parse(secc.outgoing()[0].data).security == answered
    assert [found for found, _ in findings(secc)] == ([severity] if severity else [])


def test_a_downgrade_says_what_it_means():
    secc = SECC()
    secc.receive_datagram(sdp.Request(TLS).pack(), "EVCC", 0.0)
    ((_, text),) = findings(secc)
    assert text.startswith("the vehicle asked for TLS and is answered no TLS: a downgrade")


@pytest.mark.parametrize(
    ("asks", "only", "answered", "connects", "severity"),
    [
        (TLS, False, TLS, True, None),
        (TLS, False, NONE, False, "warning"),
        (NONE, False, TLS, True, "note"),
        (NONE, False, NONE, False, None),
        (TLS, True, NONE, None, "warning"),
    ],
)
def test_a_vehicle_connects_as_it_is_answered(asks, only, answered, connects, severity):
    ev = SimulatedEV(security=asks, tls_only=only)
    ev.start(0.0)
    (asked,) = [output for output in ev.outgoing() if isinstance(output, SendDatagram)]
    assert sdp.parse(asked.data).security == asks
    ev.receive_datagram(sdp.Response(HERE, 50000, answered).pack(), "SECC", 0.1)
    made = [output.tls for output in ev.outgoing() if isinstance(output, Connect)]
    assert made == ([] if connects is None else [connects])
    assert [found for found, _ in findings(ev)] == ([severity] if severity else [])
    if connects is None:
        assert "the station answers no TLS, and the vehicle does TLS only" in ev.ended.reason
