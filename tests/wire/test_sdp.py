import json
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secc_kernel.wire import sdp
from secc_kernel.wire.sdp import Request, Response, SDPError, Security, TransportProtocol


def test_real_datagrams(shared):
    rows = [json.loads(line) for line in (shared / "vectors" / "sdp.jsonl").read_text().splitlines()]
    assert rows
    for row in rows:
        datagram, expected = bytes.fromhex(row["hex"]), row["expected"]
        message = sdp.parse(datagram)
        assert message.pack() == datagram
        assert (message.security, message.transport) == (expected["security"], expected["transport"])
        if isinstance(message, Response):
            assert (str(message.address), message.port) == (expected["ip"], expected["port"])
        else:
            assert expected["type"] == "SDP request"


def test_a_request_for_tls():
    request = Request(Security.TLS, TransportProtocol.TCP)
    assert request.pack().hex() == "01fe9000000000020000"
    assert sdp.parse(request.pack()) == request


def test_a_response_without_tls():
    response = Response(IPv6Address("fe80::15e:1a0c:7880:c65"), 50768, Security.NoTransportLayerSecurity)
    assert response.pack().hex() == "01fe900100000014fe80000000000000015e1a0c78800c65c6501000"
    assert sdp.parse(response.pack()) == response


@given(
    st.builds(Request, st.integers(0, 255), st.integers(0, 255))
    | st.builds(Response, st.ip_addresses(v=6), st.integers(0, 65535), st.integers(0, 255), st.integers(0, 255))
)
def test_whatever_was_on_the_wire_is_kept(message):
    assert sdp.parse(message.pack()) == message


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        ("", "empty"),
        ("01fe90000000000100", "payload of 2 bytes, this one has 1"),
        ("01fe9001000000020000", "payload of 20 bytes, this one has 2"),
        ("01fe8001000000020000", "EXIEncodedV2GMessage"),
        ("01fe9002000000020000", "SDPRequestWireless"),
        ("02fd9000000000020000", "protocol version is 0x02"),
    ],
)
def test_other_datagrams_are_refused_with_the_reason(datagram, reason):
    with pytest.raises(SDPError, match=reason):
        sdp.parse(bytes.fromhex(datagram))
