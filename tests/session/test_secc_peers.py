"""The SECC alone: discovery, handshake, session ids, and what a vehicle may do wrong."""

from ipaddress import IPv6Address

import pytest
from connection_pair import Vehicle
from lone_secc import REQUESTS, STATES, at, request, rules, set_up

from secc_kernel import codec
from secc_kernel.session.events import Ended, Expired, Received, SendDatagram, Undecodable
from secc_kernel.session.handshake import choose, offer
from secc_kernel.session.party import LONGEST
from secc_kernel.session.secc import SECC
from secc_kernel.wire import sdp, v2gtp


def test_session_ids_are_the_same_for_each_run_and_different_for_each_session():
    first, again = SECC(), SECC()
    ids = []
    for secc in (first, again):
        for _ in range(2):
            _, answer = set_up(secc)
            ids.append(answer.session_id)
            secc.disconnected(secc.now, "closed")
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]
    assert all(len(session_id) == 8 for session_id in ids)


def test_the_source_of_session_ids_can_be_given():
    _, answer = set_up(SECC(entropy=lambda count: b"\xab" * count))
    assert answer.session_id == b"\xab" * 8


@pytest.mark.parametrize("asked", [b"", b"\0", bytes(8)])
def test_a_vehicle_without_a_session_gets_a_new_one(asked):
    secc = SECC()
    vehicle = Vehicle(secc).connect()
    vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    answer = vehicle.ask(codec.new("iso2", "SessionSetupReq", session_id=asked, EVCCID=b"\x01" * 6))
    assert answer.body.ResponseCode == "OK_NewSessionEstablished"


def test_a_paused_session_is_joined_with_its_id_and_once_more_selected_payment(sessions):
    secc, vehicle = at(("AC", "PowerDeliveryRes(Stop)"), sessions)
    paused = secc.session_id
    vehicle.ask(codec.new("iso2", "SessionStopReq", session_id=paused, ChargingSession="Pause"))
    secc.disconnected(secc.now, "closed by the vehicle")
    assert secc.ended.how == "paused"
    secc.station.payment_options = ("Contract", "ExternalPayment")
    vehicle, answer = set_up(secc, paused)
    assert answer.body.ResponseCode == "OK_OldSessionJoined"
    assert answer.session_id == paused
    discovery = vehicle.ask(request("ServiceDiscoveryReq", paused))
    assert discovery.body.PaymentOptionList.PaymentOption == ["ExternalPayment"]


def test_another_vehicles_session_is_not_joined():
    secc = SECC()
    _, answer = set_up(secc, b"\x11" * 8)
    assert answer.body.ResponseCode == "OK_NewSessionEstablished"
    assert answer.session_id != b"\x11" * 8


def test_a_terminated_session_is_not_joined(sessions):
    secc, vehicle = at(("AC", "PowerDeliveryRes(Stop)"), sessions)
    old = secc.session_id
    vehicle.ask(codec.new("iso2", "SessionStopReq", session_id=old, ChargingSession="Terminate"))
    secc.disconnected(secc.now, "closed by the vehicle")
    assert secc.ended.how == "terminated"
    assert set_up(secc, old)[1].body.ResponseCode == "OK_NewSessionEstablished"


def test_a_vehicle_that_stays_after_session_stop_is_closed_after_five_seconds(sessions):
    secc, vehicle = at(("AC", "PowerDeliveryRes(Stop)"), sessions)
    vehicle.ask(codec.new("iso2", "SessionStopReq", session_id=secc.session_id, ChargingSession="Terminate"))
    secc.advance(secc.now + 5.0)
    assert secc.ended.how == "terminated"
    assert vehicle.received() == []
    assert vehicle.closed


def test_an_sdp_request_is_answered_with_the_address_and_port():
    secc = SECC()
    secc.listen(IPv6Address("fe80::5"), 50000)
    secc.receive_datagram(sdp.Request(sdp.Security.NoTransportLayerSecurity).pack(), ("fe80::9", 40000), 0.0)
    (output,) = secc.outgoing()
    assert output == SendDatagram(
        sdp.Response(IPv6Address("fe80::5"), 50000, sdp.Security.NoTransportLayerSecurity).pack(), ("fe80::9", 40000)
    )
    frames = [entry for entry in secc.journal.entries if entry.kind == "frame"]
    assert [(f.layer, f.sender, f.payload_type) for f in frames] == [("sdp", "EVCC", 0x9000), ("sdp", "SECC", 0x9001)]
    assert frames[0].src == "[fe80::9]:40000"


def test_a_wish_for_tls_is_answered_without_and_noted():
    secc = SECC()
    secc.receive_datagram(sdp.Request(sdp.Security.TLS).pack(), "EVCC", 0.0)
    response = sdp.parse(secc.outgoing()[0].data)
    assert response.security == sdp.Security.NoTransportLayerSecurity
    assert rules(secc) == ["sdp-security"]


@pytest.mark.parametrize("data", [b"", b"\x01\xfe\x90\x00\x00\x00\x00\x01\x10", b"hello"])
def test_a_damaged_datagram_is_a_finding_and_gets_no_answer(data):
    secc = SECC()
    secc.receive_datagram(data, "EVCC", 0.0)
    assert secc.outgoing() == []
    assert rules(secc) == ["sdp"]


def test_communication_setup_is_late_after_eighteen_seconds():
    secc = SECC()
    secc.start(0.0)
    secc.advance(17.999)
    assert rules(secc) == []
    secc.advance(18.0)
    assert [(f.rule, f.severity) for f in secc.journal.findings] == [
        ("V2G_SECC_CommunicationSetup_Performance_Time", "note")
    ]
    assert Expired(18.0, "V2G_SECC_CommunicationSetup_Performance_Time", 18.0) in secc.events()


def test_session_setup_in_time_ends_communication_setup():
    secc = SECC()
    secc.start(0.0)
    set_up(secc)
    secc.advance(30.0)
    assert rules(secc) == []


def entry(namespace, priority, schema_id, major=2, minor=0):
    from secc_kernel.messages.sap import AppProtocolType

    return AppProtocolType(
        ProtocolNamespace=namespace,
        VersionNumberMajor=major,
        VersionNumberMinor=minor,
        SchemaID=schema_id,
        Priority=priority,
    )


DIN, ISO2 = "urn:din:70121:2012:MsgDef", "urn:iso:15118:2:2013:MsgDef"
OFFERS = [entry(ISO2, 2, 7), entry(DIN, 1, 8)]


@pytest.mark.parametrize(
    ("offers", "supported", "preference", "code", "schema_id", "schema"),
    [
        (OFFERS, ["din", "iso2"], "standard", "OK_SuccessfulNegotiation", 8, "din"),
        (OFFERS, ["iso2"], "standard", "OK_SuccessfulNegotiation", 7, "iso2"),
        (OFFERS, ["iso2", "din"], "latest", "OK_SuccessfulNegotiation", 7, "iso2"),
        (OFFERS, ["iso2", "din"], "oldest", "OK_SuccessfulNegotiation", 8, "din"),
        (OFFERS[1:], ["iso2"], "standard", "Failed_NoNegotiation", None, None),
        ([], ["iso2"], "standard", "Failed_NoNegotiation", None, None),
        ([entry("urn:tesla:din:2018:MsgDef", 1, 1)], ["din", "iso2"], "standard", "Failed_NoNegotiation", None, None),
        ([entry(ISO2, 1, 3, major=1)], ["iso2"], "standard", "Failed_NoNegotiation", None, None),
        (
            [entry(ISO2, 1, 3, minor=1)],
            ["iso2"],
            "standard",
            "OK_SuccessfulNegotiationWithMinorDeviation",
            3,
            "iso2",
        ),
        ([entry(ISO2, 2, 1), entry(ISO2, 1, 2)], ["iso2"], "latest", "OK_SuccessfulNegotiation", 2, "iso2"),
        ([entry(ISO2, None, 4)], ["iso2"], "standard", "OK_SuccessfulNegotiation", 4, "iso2"),
    ],
)
def test_the_handshake_filters_by_support_and_obeys_the_priority(
    offers, supported, preference, code, schema_id, schema
):
    found = choose(offers, supported, preference)
    assert (found.ResponseCode, found.SchemaID, found.schema) == (code, schema_id, schema)


def test_a_station_cannot_offer_what_it_does_not_speak():
    with pytest.raises(ValueError, match="does not speak 'sap'"):
        SECC(protocols=["sap"])
    with pytest.raises(ValueError, match="preference is one of"):
        SECC(preference="newest")


def test_without_a_common_protocol_the_vehicle_may_try_again():
    secc = SECC(protocols=["iso2"])
    vehicle = Vehicle(secc).connect()
    answer = vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=[entry(DIN, 1, 1)]))
    assert answer.body.ResponseCode == "Failed_NoNegotiation"
    assert answer.body.SchemaID is None
    answer = vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    assert answer.body.ResponseCode == "OK_SuccessfulNegotiation"


def test_a_message_without_handshake_is_read_and_refused():
    secc = SECC()
    vehicle = Vehicle(secc).connect()
    answer = vehicle.ask(request("SessionSetupReq", bytes(8)))
    assert answer.name == "SessionSetupRes"
    assert answer.body.ResponseCode == "FAILED_SequenceError"


def test_a_second_handshake_is_out_of_sequence(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    answer = vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    assert answer.body.ResponseCode == "Failed_NoNegotiation"
    assert "sequence" in rules(secc)


def test_what_cannot_be_decoded_is_reported_and_left_unanswered(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    secc.events()
    secc.receive_data(v2gtp.pack(0x8001, b"\x80\xff\xff\xff"), secc.now)
    assert secc.turn is None
    assert rules(secc)[-1] == "codec"
    (event,) = [e for e in secc.events() if isinstance(e, Undecodable)]
    assert event.data == b"\x80\xff\xff\xff"
    assert secc.journal.frames[-1].error
    assert vehicle.ask(request("ServiceDiscoveryReq", secc.session_id)).body.ResponseCode == "OK"


def test_what_is_no_v2gtp_ends_the_connection():
    secc = SECC()
    vehicle = Vehicle(secc).connect()
    secc.receive_data(b"GET / HTTP/1.1\r\n", 1.0)
    assert vehicle.received() == []
    assert "no V2GTP" in vehicle.closed
    assert secc.ended.fault == "EVCC"
    (finding,) = [f for f in secc.journal.findings if f.rule == "v2gtp"]
    assert b"GET / HTTP/1.1\r\n".hex(" ") in finding.text
    secc.receive_data(b"\r\n", 1.0)


def test_what_is_longer_than_any_message_is_not_waited_for(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    secc.receive_data(v2gtp.pack(0x8001, bytes(LONGEST + 1))[:8], secc.now)
    assert vehicle.received() == []
    assert vehicle.closed
    assert f"more than the accepted {LONGEST}" in secc.journal.findings[-1].text


def test_frames_before_the_damage_still_count():
    secc = SECC()
    Vehicle(secc).connect()
    good = codec.encode(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    secc.receive_data(v2gtp.pack(0x8001, good) + b"\0\0", 0.0)
    assert [frame.name for frame in secc.journal.frames] == ["supportedAppProtocolReq"]


@pytest.mark.parametrize("payload_type", [0x9000, 0x8002, 0x8007, 0xA001])
def test_another_payload_type_on_tcp_is_reported_and_the_session_goes_on(payload_type, sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    secc.receive_data(v2gtp.pack(payload_type, b"\x10\x00"), secc.now)
    assert rules(secc)[-1] == "codec"
    assert f"0x{payload_type:04X}" in secc.journal.findings[-1].text
    assert (secc.journal.frames[-1].data, secc.journal.frames[-1].schema) == (b"\x10\x00", None)
    assert vehicle.ask(request("ServiceDiscoveryReq", secc.session_id)).body.ResponseCode == "OK"


@pytest.mark.parametrize(("count", "missing"), [(3, 5), (8, 2), (9, 1)])
def test_a_message_that_never_came_to_its_end_is_told(count, missing):
    secc = SECC()
    Vehicle(secc).connect()
    secc.receive_data(v2gtp.pack(0x8001, b"\x80\x00")[:count], 1.0)
    secc.disconnected(2.0, "connection reset by peer")
    (finding,) = [f for f in secc.journal.findings if f.rule == "v2gtp.incomplete"]
    assert f"{count} bytes had come, and at least {missing} are missing" in finding.text


def test_a_response_from_the_vehicle_is_ignored(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    vehicle.send(codec.new("iso2", "SessionStopRes", session_id=secc.session_id, ResponseCode="OK"))
    assert secc.turn is None
    assert rules(secc)[-1] == "direction"


def test_bytes_may_come_one_by_one():
    secc = SECC()
    Vehicle(secc).connect()
    exi = codec.encode(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    for byte in v2gtp.pack(0x8001, exi):
        assert secc.turn is None
        secc.receive_data(bytes((byte,)), 0.0)
    assert secc.turn == "supportedAppProtocolReq"


def test_an_over_long_id_is_shown_and_reported_and_never_refused():
    secc = SECC()
    vehicle = Vehicle(secc).connect()
    vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    answer = vehicle.ask(
        codec.new("iso2", "SessionSetupReq", session_id=bytes(8), EVCCID=bytes.fromhex("1020304050607080"))
    )
    assert answer.body.ResponseCode == "OK_NewSessionEstablished"
    assert [f.rule for f in secc.journal.findings] == ["facet.max-length"]
    (received,) = [e.message for e in secc.events() if isinstance(e, Received) and e.message.name == "SessionSetupReq"]
    assert received.body.EVCCID.hex() == "1020304050607080"


@pytest.mark.parametrize(("schema", "name"), [(schema, name) for schema in REQUESTS for name in REQUESTS[schema]])
def test_a_request_that_lacks_everything_still_gets_a_whole_answer(schema, name, sessions):
    secc, _ = at(("DIN" if schema == "din" else "DC", "CurrentDemandRes"), sessions)
    empty = codec.new(schema, name, session_id=secc.session_id)
    secc.station.observe(empty.body, name, secc.now)
    answer = secc.default_response(empty)
    assert not [finding for finding in answer.findings if finding.severity != "note"]
    assert codec.decode(codec.encode(answer), schema).body == answer.body


@pytest.mark.parametrize("state", STATES, ids=" ".join)
@pytest.mark.parametrize("by", ["peer", "peer while the answer is owed"])
def test_the_connection_may_break_in_every_state(state, by, sessions):
    secc, vehicle = at(state, sessions)
    if by != "peer":
        vehicle.send(request(secc.progress.allowed[0], secc.session_id, secc.schema))
    secc.disconnected(secc.now, "connection reset by peer")
    assert secc.turn is None
    assert secc.ended.how == "aborted"
    assert secc.ended.fault == "EVCC"
    assert "connection reset by peer" in secc.ended.reason
    assert secc.next_deadline() is None
    assert Ended in {type(e) for e in secc.events()}
    assert set_up(secc)[1].body.ResponseCode == "OK_NewSessionEstablished"
