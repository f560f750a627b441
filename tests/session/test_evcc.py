"""The vehicle's side: discovery, supervision of the station's answers, and how it gives up."""

import pytest
from connection_pair import ConnectionPair

from secc_kernel import codec
from secc_kernel.session.events import Close, Connect, LocalProtocolError, SendData, SendDatagram
from secc_kernel.session.station import Station
from secc_kernel.session.timers import message_times
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire import sdp, v2gtp

DC = [
    "supportedAppProtocolReq",
    "SessionSetupReq",
    "ServiceDiscoveryReq",
    "PaymentServiceSelectionReq",
    "AuthorizationReq",
    "ChargeParameterDiscoveryReq",
    "CableCheckReq",
    "PreChargeReq",
    "PowerDeliveryReq",
    "CurrentDemandReq",
    "WeldingDetectionReq",
    "SessionStopReq",
]
AC = ["PowerDeliveryReq", "ChargingStatusReq", "SessionStopReq"]
EVERY = [("DC", name) for name in DC] + [("AC", name) for name in AC]
IN_SESSION = [case for case in EVERY if case[1] not in ("supportedAppProtocolReq", "SessionSetupReq")]


def held(energy, name, **station):
    """A session in which the station has received ``name`` and not answered it."""
    settings = {"authorization_time": 0.0, "parameter_time": 0.0, "isolation_time": 0.0, **station}
    pair = ConnectionPair(Station(**settings), soc=79.99, energy=energy).start()
    return pair.run_to(pair.secc, name)


# -- discovery ---------------------------------------------------------------------------------------------------------


def test_an_unanswered_vehicle_asks_fifty_times_every_quarter_of_a_second_and_gives_up():
    ev = SimulatedEV()
    ev.start(0.0)
    asked = []
    while ev.next_deadline() is not None:
        asked += [(ev.now, output) for output in ev.outgoing()]
        ev.advance(ev.next_deadline())
    expected = SendDatagram(sdp.Request(sdp.Security.NoTransportLayerSecurity).pack())
    assert asked == [(0.25 * number, expected) for number in range(50)]
    assert ev.now == 12.5
    assert ev.ended.how == "aborted"
    assert ev.ended.fault == "SECC"
    assert "50 requests" in ev.ended.reason


def test_the_first_response_counts_and_is_connected_to():
    ev = SimulatedEV()
    ev.start(0.0)
    response = sdp.Response(sdp.IPv6Address("fe80::7"), 51000, sdp.Security.NoTransportLayerSecurity).pack()
    ev.receive_datagram(response, ("fe80::7", 15118), 0.1)
    ev.receive_datagram(response, ("fe80::7", 15118), 0.2)
    assert [o for o in ev.outgoing() if isinstance(o, Connect)] == [Connect("fe80::7", 51000, tls=False)]
    assert [finding.rule for finding in ev.journal.findings] == ["sdp"]
    assert not ev.timers.running("SDP_Response_Timeout")


def test_a_station_that_is_known_need_not_be_looked_for():
    ev = SimulatedEV()
    ev.start(0.0, station=("::1", 5000))
    assert ev.outgoing() == [Connect("::1", 5000)]


def test_a_connection_that_cannot_be_made_ends_the_session():
    ev = SimulatedEV()
    ev.start(0.0, station=("::1", 5000))
    ev.disconnected(0.5, "connection refused")
    assert (ev.ended.how, ev.ended.fault) == ("aborted", "link")
    assert "connection refused" in ev.ended.reason
    assert ev.next_deadline() is None


def test_communication_setup_takes_twenty_seconds_at_most():
    ev = SimulatedEV()
    ev.start(0.0, station=("::1", 5000))
    ev.advance(19.999)
    assert ev.ended is None
    ev.advance(20.0)
    assert ev.ended.reason.startswith("V2G_EVCC_CommunicationSetup_Timeout")
    assert ev.next_deadline() is None


def test_the_wish_for_tls_is_told_to_the_link_as_the_station_answers_it():
    ev = SimulatedEV(security=sdp.Security.TLS)
    ev.start(0.0)
    response = sdp.Response(sdp.IPv6Address("fe80::7"), 51000, sdp.Security.NoTransportLayerSecurity)
    ev.receive_datagram(response.pack(), "SECC", 0.1)
    assert ev.outgoing()[-1] == Connect("fe80::7", 51000, tls=False)
    assert [finding.rule for finding in ev.journal.findings] == ["sdp-security"]


def test_another_vehicles_request_is_not_an_answer():
    ev = SimulatedEV()
    ev.start(0.0)
    ev.receive_datagram(sdp.Request(sdp.Security.TLS).pack(), "somebody", 0.1)
    assert ev.state == "discovery"


def test_a_vehicle_is_plugged_in_once():
    pair = held("DC", "ServiceDiscoveryReq")
    with pytest.raises(LocalProtocolError, match="plugged in"):
        pair.ev.start(pair.now)


# -- timeouts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("energy", "name"), EVERY)
def test_each_request_has_its_message_timeout(energy, name):
    pair = held(energy, name)
    seconds = message_times("iso2", name).timeout
    pair.wait(seconds - 0.001)
    assert pair.ev.ended is None
    pair.wait_until(pair.now + 0.002)
    assert pair.ev.ended.how == "aborted"
    assert pair.ev.ended.fault == "SECC"
    assert pair.ev.ended.reason.startswith(f"V2G_EVCC_Msg_Timeout: no response to {name}")
    assert pair.secc.ended.fault == "EVCC"
    assert pair.secc.turn is None


@pytest.mark.parametrize(("energy", "name"), EVERY)
def test_a_response_at_the_very_end_of_the_timeout_counts(energy, name):
    pair = held(energy, name)
    deadline = pair.ev.next_deadline()
    pair.secc.take_turn(deadline)
    pair.now = deadline
    pair.settle()
    assert pair.ev.ended is None or pair.ev.ended.how == "terminated"
    assert "V2G_SECC_Msg_Performance_Time" in pair.rules()


def test_ongoing_has_sixty_seconds_and_the_station_fifty_five():
    pair = ConnectionPair(Station(parameter_time=1e6), energy="DC").start().run()
    ((begin, _), *_) = pair.timers("V2G_EVCC_Ongoing_Timeout")
    assert pair.timers("V2G_EVCC_Ongoing_Timeout") == [(begin, "start"), (begin + 60.0, "expired")]
    assert pair.timers("V2G_SECC_Ongoing_Performance_Time") == [(begin, "start"), (begin + 55.0, "expired")]
    assert pair.ev.ended.reason.startswith("V2G_EVCC_Ongoing_Timeout")
    assert pair.now == begin + 60.0


def test_the_cable_check_has_forty_seconds_and_the_station_thirty_eight():
    pair = ConnectionPair(Station(isolation_time=1e6), energy="DC").start().run()
    begin = pair.frames("CableCheckReq")[0].time
    assert pair.timers("V2G_EVCC_CableCheck_Timeout") == [(begin, "start"), (begin + 40.0, "expired")]
    assert pair.timers("V2G_SECC_CableCheck_Performance_Time") == [(begin, "start"), (begin + 38.0, "expired")]
    assert pair.ev.ended.reason.startswith("V2G_EVCC_CableCheck_Timeout")


def test_the_precharge_has_seven_seconds_and_the_station_five():
    pair = ConnectionPair(Station(voltage_rate=1.0), energy="DC").start().run()
    begin = pair.frames("PreChargeReq")[0].time
    assert pair.timers("V2G_EVCC_PreCharge_Timeout") == [(begin, "start"), (begin + 7.0, "expired")]
    assert pair.timers("V2G_SECC_PreCharge_Performance_Time") == [(begin, "start"), (begin + 5.0, "expired")]
    assert pair.ev.ended.reason.startswith("V2G_EVCC_PreCharge_Timeout")


def test_in_a_regular_session_no_timer_expires():
    pair = ConnectionPair(soc=79.9).start().run()
    assert [entry for entry in pair.journal.entries if entry.kind == "timer" and entry.what == "expired"] == []
    assert pair.journal.findings == []


def test_every_timer_that_was_started_comes_to_an_end():
    pair = ConnectionPair(soc=79.9).start().run()
    running = {}
    for entry in pair.journal.entries:
        if entry.kind == "timer":
            running[entry.name] = entry.what == "start"
    assert running
    assert not any(running.values())


def test_the_customer_may_take_longer_than_ongoing():
    pair = ConnectionPair(Station(authorization_time=300.0), soc=79.9).start().run()
    assert pair.ev.ended.how == "terminated"
    assert pair.timers("V2G_EVCC_Ongoing_Timeout") == [] or pair.now > 300.0


# -- answers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("energy", "name"), EVERY)
def test_a_failed_response_ends_the_session(energy, name):
    pair = held(energy, name)
    answer = pair.secc.default_response()
    code = "Failed_NoNegotiation" if name == "supportedAppProtocolReq" else "FAILED_SequenceError"
    answer.body.ResponseCode = code
    pair.secc.send(answer, pair.now)
    pair.settle()
    assert (pair.ev.ended.how, pair.ev.ended.fault) == ("aborted", "SECC")
    assert code in pair.ev.ended.reason
    assert pair.secc.ended.how == "aborted"
    assert pair.secc.connection is None


@pytest.mark.parametrize(("energy", "name"), IN_SESSION)
def test_a_response_of_another_session_ends_it(energy, name):
    pair = held(energy, name)
    answer = pair.secc.default_response()
    answer.header.SessionID = b"\x0f" * 8
    pair.secc.send(answer, pair.now)
    pair.settle()
    assert pair.ev.ended.how == "aborted"
    assert "0F0F0F0F0F0F0F0F" in pair.ev.ended.reason
    assert "session-id" in pair.rules()


@pytest.mark.parametrize(("energy", "name"), IN_SESSION)
def test_another_response_than_the_awaited_one_ends_the_session(energy, name):
    pair = held(energy, name)
    pair.secc.send(
        codec.new("iso2", "MeteringReceiptRes", session_id=pair.secc.session_id, ResponseCode="OK",
                  EVSEStatus=pair.secc.default_response(pair.ev.default_request("PowerDeliveryReq")).body.EVSEStatus),
        pair.now,
    )  # fmt: skip
    pair.settle()
    assert pair.ev.ended.reason == f"{name} was answered with MeteringReceiptRes"


def test_what_the_vehicle_cannot_decode_ends_the_session():
    pair = held("DC", "ServiceDiscoveryReq")
    pair.ev.receive_data(v2gtp.pack(0x8001, b"\x80\xff\xff\xff"), pair.now)
    pair.settle()
    assert "cannot be decoded" in pair.ev.ended.reason


def lacking(name, exi):
    """Streams that differ in one bit, are read, and lack something that the schema demands of the response."""
    for bit in range(16, 8 * len(exi)):
        broken = (int.from_bytes(exi, "big") ^ 1 << 8 * len(exi) - 1 - bit).to_bytes(len(exi), "big")
        try:
            message = codec.decode(broken, "iso2")
        except codec.DecodeError:
            continue
        if message.name == name and any(f.rule == "schema.incomplete" for f in message.findings):
            yield broken


@pytest.mark.parametrize(("energy", "name"), IN_SESSION)
def test_a_response_that_lacks_something_ends_the_session(energy, name):
    pair = held(energy, name)
    cases = list(lacking(name[:-3] + "Res", codec.encode(pair.secc.default_response())))[:4]
    assert cases
    for exi in cases:
        pair = held(energy, name)
        pair.ev.receive_data(v2gtp.pack(0x8001, exi), pair.now)
        pair.settle()
        assert pair.ev.ended.fault == "SECC"
        assert "breaks its schema: V2G_Message/Body/" in pair.ev.ended.reason
        assert "schema.incomplete" in pair.rules()


@pytest.mark.parametrize("first", [b"\x80\xff\xff\xff", b""])
def test_what_follows_the_message_that_ended_the_connection_is_dropped(first):
    pair = held("DC", "ServiceDiscoveryReq")
    pair.ev.records_frames = True
    frame = v2gtp.pack(0x8001, first)
    pair.ev.receive_data(frame + frame + b"no V2GTP", pair.now)
    pair.settle()
    assert "cannot be decoded" in pair.ev.ended.reason
    assert [f.data for f in pair.ev.journal.frames if f.sender == "SECC"][-1] == first
    assert pair.rules().count("codec") == 1


def test_a_payload_type_that_no_vehicle_knows_is_ignored():
    pair = held("DC", "ServiceDiscoveryReq")
    pair.ev.receive_data(v2gtp.pack(0xA001, b"hello"), pair.now)
    pair.release().run()
    assert pair.ev.ended.how == "terminated"
    assert "codec" in pair.rules()


def test_a_response_without_a_request_is_ignored():
    pair = ConnectionPair(energy="DC").start()
    pair.holds = lambda party: party is pair.ev and party.turn == "ServiceDiscoveryReq"
    pair.run(lambda: pair.ev.turn == "ServiceDiscoveryReq")
    pair.secc.send(codec.new("iso2", "SessionStopRes", session_id=pair.secc.session_id, ResponseCode="OK"), pair.now)
    pair.settle()
    assert pair.ev.ended is None
    assert pair.rules() == ["turn", "turn"]
    pair.release().run()
    assert pair.ev.ended.how == "terminated"


def test_a_request_from_the_station_is_ignored():
    pair = held("DC", "ServiceDiscoveryReq")
    pair.secc.send(pair.ev.default_request("SessionStopReq"), pair.now)
    pair.settle()
    assert pair.ev.ended is None
    assert "direction" in pair.rules()


def test_a_schema_that_was_not_offered_ends_the_session():
    pair = held("DC", "supportedAppProtocolReq")
    pair.secc.send(
        codec.new("sap", "supportedAppProtocolRes", ResponseCode="OK_SuccessfulNegotiation", SchemaID=9), pair.now
    )
    pair.settle()
    assert "SchemaID 9" in pair.ev.ended.reason
    assert pair.secc.ended.how == "aborted"


@pytest.mark.parametrize(("energy", "name"), EVERY)
@pytest.mark.parametrize("when", ["while it waits", "while it is its turn"])
def test_the_station_may_close_in_every_state(energy, name, when):
    if when == "while it waits":
        pair = held(energy, name)
    else:
        pair = ConnectionPair(energy=energy, soc=79.99)
        pair.holds = lambda party: party is pair.ev and party.turn == name
        pair.start().run_to(pair.ev, name)
    pair.ev.disconnected(pair.now, "connection reset by peer")
    assert (pair.ev.ended.how, pair.ev.ended.fault) == ("aborted", "SECC")
    assert "connection reset by peer" in pair.ev.ended.reason
    assert pair.ev.next_deadline() is None
    assert pair.ev.turn is None


# -- what a script does ------------------------------------------------------------------------------------------------


def test_a_script_may_ask_what_the_standard_forbids():
    pair = ConnectionPair(energy="DC").start()
    pair.run_to(pair.ev, "ServiceDiscoveryReq")
    pair.ev.send(pair.ev.default_request("CurrentDemandReq"), pair.now)
    pair.settle()
    pair.run()
    assert pair.names[-2:] == ["CurrentDemandReq", "CurrentDemandRes"]
    assert pair.bodies("CurrentDemandRes")[-1].ResponseCode == "FAILED_SequenceError"
    assert any("on purpose" in finding.text for finding in pair.journal.findings)
    assert pair.ev.ended.fault == "SECC"


def test_a_script_may_ask_twice_and_gets_both_answers():
    pair = ConnectionPair(energy="DC", soc=79.99).start()
    pair.run_to(pair.ev, "AuthorizationReq")
    for _ in range(2):
        pair.ev.send(pair.ev.default_request("AuthorizationReq"), pair.now)
    assert pair.ev.awaiting.name == "AuthorizationReq"
    pair.release().run()
    assert pair.names.count("AuthorizationReq") == pair.names.count("AuthorizationRes")
    assert pair.ev.ended.how == "terminated"


def test_requests_that_need_a_contract_are_the_scripts():
    with pytest.raises(LocalProtocolError, match="PaymentDetailsReq"):
        SimulatedEV().default_request("PaymentDetailsReq")


def test_a_turn_that_nobody_takes_ends_with_the_stations_patience():
    pair = ConnectionPair(energy="DC").start()
    pair.run_to(pair.ev, "CableCheckReq")
    answered = pair.secc.now
    pair.run()
    assert pair.secc.ended.reason.startswith("V2G_SECC_Sequence_Timeout")
    assert pair.now == answered + 60.0
    assert "closed the connection" in pair.ev.ended.reason


def test_unplugging_ends_both_sides():
    pair = held("DC", "CurrentDemandReq")
    pair.ev.unplug(pair.now)
    pair.settle()
    assert pair.ev.ended.reason == "the cable was pulled"
    assert pair.secc.ended.fault == "EVCC"
    assert pair.ev.state == "idle"
    pair.ev.unplug(pair.now)
    pair.release()
    pair.ev.start(pair.now)
    pair.settle()
    pair.run()
    assert pair.ev.ended.how == "terminated"


def test_what_goes_out_is_drained_once():
    ev = SimulatedEV(pace=lambda name, previous: 0.0)
    ev.start(0.0, station=("::1", 5000))
    ev.outgoing()
    ev.connected("SECC", 0.0)
    ev.take_turn(0.0)
    (output,) = ev.outgoing()
    assert isinstance(output, SendData)
    assert ev.outgoing() == []
    ev.unplug(0.0)
    assert ev.outgoing() == [Close("the cable was pulled")]
