"""The SECC alone: sequence, timeouts, turns, and what a script may do."""

import pytest
from connection_pair import Vehicle
from lone_secc import BY_HAND, REQUESTS, STATES, at, request, rules

from secc_kernel import codec
from secc_kernel.session.events import Close, LocalProtocolError
from secc_kernel.session.handshake import offer
from secc_kernel.session.secc import SECC


@pytest.mark.parametrize("state", STATES, ids=" ".join)
def test_every_request_out_of_sequence_is_answered_with_a_sequence_error(state, sessions):
    allowed = at(state, sessions)[0].progress.allowed
    for name in REQUESTS["din" if state[0] == "DIN" else "iso2"]:
        if name in allowed:
            continue
        secc, vehicle = at(state, sessions)
        vehicle.now = secc.now
        before = len(secc.journal.findings)
        answer = vehicle.ask(request(name, secc.session_id or bytes(8), secc.schema))
        assert answer.name == name[:-3] + "Res"
        assert answer.body.ResponseCode == "FAILED_SequenceError"
        assert not [finding for finding in answer.findings if finding.severity != "note"]
        findings = secc.journal.findings[before:]
        assert [finding.rule for finding in findings] == ["sequence"]
        assert name in findings[0].text
        assert all(other in findings[0].text for other in allowed)


@pytest.mark.parametrize("state", STATES, ids=" ".join)
def test_every_request_in_sequence_is_not(state, sessions):
    for name in at(state, sessions)[0].progress.allowed:
        secc, vehicle = at(state, sessions)
        if name in BY_HAND[secc.schema]:
            continue
        answer = vehicle.ask(request(name, secc.session_id or bytes(8), secc.schema))
        assert answer.name == name[:-3] + "Res"
        assert answer.body.ResponseCode not in ("FAILED_SequenceError", "FAILED_UnknownSession")


@pytest.mark.parametrize("state", [s for s in STATES if s[1] != "supportedAppProtocolRes"], ids=" ".join)
def test_a_wrong_session_id_is_answered_with_an_unknown_session(state, sessions):
    secc, vehicle = at(state, sessions)
    name = secc.progress.allowed[0]
    answer = vehicle.ask(request(name, b"\x01\x02\x03\x04\x05\x06\x07\x08", secc.schema))
    assert answer.body.ResponseCode == "FAILED_UnknownSession"
    assert answer.session_id == secc.session_id
    assert "session-id" in rules(secc)
    assert "0102030405060708" in secc.journal.findings[-1].text


@pytest.mark.parametrize("session_id", [b"", b"\0", bytes(8)])
def test_a_session_id_of_any_length_is_compared_and_never_refused_as_such(session_id, sessions):
    _, vehicle = at(("AC", "SessionSetupRes"), sessions)
    answer = vehicle.ask(codec.new("iso2", "ServiceDiscoveryReq", session_id=session_id))
    assert answer.body.ResponseCode == "FAILED_UnknownSession"


def test_after_a_sequence_error_the_vehicle_has_five_seconds_to_leave(sessions):
    secc, vehicle = at(("DC", "CableCheckRes"), sessions)
    vehicle.ask(request("CurrentDemandReq", secc.session_id))
    secc.advance(secc.now + 4.999)
    assert secc.connection is not None
    secc.advance(secc.now + 0.001)
    assert secc.connection is None
    assert secc.ended.how == "aborted"
    assert secc.ended.fault == "EVCC"
    assert "FAILED_SequenceError" in secc.ended.reason
    assert secc.outgoing() == [Close(secc.ended.reason)]


#: In these states another time of DIN SPEC 70121 is shorter.
SHORTER = [("DIN", "PreChargeRes"), ("DIN", "WeldingDetectionRes")]


@pytest.mark.parametrize("state", [state for state in STATES if state not in SHORTER], ids=" ".join)
def test_the_sequence_timeout_is_sixty_seconds_in_every_state(state, sessions):
    secc, _ = at(state, sessions)
    answered = secc.now
    secc.advance(answered + 59.999)
    assert secc.connection is not None
    secc.advance(answered + 60.0)
    assert secc.connection is None
    assert secc.ended.how == "aborted"
    assert secc.ended.reason.startswith("V2G_SECC_Sequence_Timeout")
    assert any(isinstance(output, Close) for output in secc.outgoing())
    assert "V2G_SECC_Sequence_Timeout" in rules(secc)
    assert secc.next_deadline() is None


def test_the_sequence_timeout_begins_with_the_connection():
    secc = SECC()
    secc.connected("EVCC", 3.0)
    assert secc.next_deadline() == 3.0 + 18.0  # communication set-up
    secc.advance(21.0)
    secc.advance(63.0)
    assert secc.connection is None
    assert "handshake" in secc.ended.reason


def test_a_request_at_the_very_end_of_the_sequence_timeout_counts():
    secc = SECC()
    vehicle = Vehicle(secc).connect()
    vehicle.now = 60.0
    answer = vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    assert answer.body.ResponseCode == "OK_SuccessfulNegotiation"


def test_a_request_after_the_sequence_timeout_finds_no_connection():
    secc = SECC()
    vehicle = Vehicle(secc).connect()
    vehicle.now = 60.001
    vehicle.send(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    assert secc.turn is None
    assert secc.ended.reason.startswith("V2G_SECC_Sequence_Timeout")


def test_no_sequence_timeout_runs_while_the_station_is_at_work():
    secc = SECC()
    vehicle = Vehicle(secc).connect()
    vehicle.send(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    assert not secc.timers.running("V2G_SECC_Sequence_Timeout")


@pytest.mark.parametrize(("seconds", "severity"), [(1.5, None), (1.501, "warning"), (2.0, "warning"), (2.001, "error")])
def test_a_late_answer_is_a_finding_and_worse_after_the_vehicles_timeout(seconds, severity):
    secc = SECC()
    vehicle = Vehicle(secc).connect()
    vehicle.send(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    secc.take_turn(seconds)
    found = [f.severity for f in secc.journal.findings if f.rule == "V2G_SECC_Msg_Performance_Time"]
    assert found == ([severity] if severity else [])


@pytest.mark.parametrize(("seconds", "late"), [(40.0, False), (40.001, True)])
def test_a_vehicle_that_takes_its_time_is_a_finding(seconds, late, sessions):
    secc, vehicle = at(("DC", "SessionSetupRes") if ("DC", "SessionSetupRes") in STATES else STATES[1], sessions)
    vehicle.now = secc.now + seconds
    vehicle.ask(request("ServiceDiscoveryReq", secc.session_id))
    assert ("V2G_EVCC_Sequence_Performance_Time" in rules(secc)) is late


def test_a_request_is_parked_until_somebody_answers_it():
    secc = SECC()
    vehicle = Vehicle(secc).connect()
    message = codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"]))
    vehicle.send(message)
    assert secc.turn == "supportedAppProtocolReq"
    assert secc.request == message
    secc.advance(1.0)
    assert vehicle.received() == []
    secc.send(secc.default_response(), 1.0)
    assert secc.turn is None
    assert secc.request is None
    assert len(vehicle.received()) == 1


def test_the_autopilots_answer_can_be_asked_for_again_and_again(sessions):
    secc, vehicle = at(("AC", "supportedAppProtocolRes"), sessions)
    vehicle.send(request("SessionSetupReq", bytes(8)))
    first = secc.default_response()
    assert secc.default_response() == first
    secc.take_turn(secc.now)
    assert vehicle.answer() == first


def test_without_a_request_there_is_nothing_to_answer():
    with pytest.raises(LocalProtocolError, match="nothing to answer"):
        SECC().default_response()


def test_nothing_can_be_sent_without_a_connection():
    secc = SECC()
    response = codec.new("iso2", "SessionSetupRes", ResponseCode="OK", EVSEID="DE*SEC*E1")
    with pytest.raises(LocalProtocolError, match="cannot send SessionSetupRes"):
        secc.send(response, 0.0)
    vehicle = Vehicle(secc).connect()
    secc.disconnected(1.0, "connection reset")
    with pytest.raises(LocalProtocolError, match="connection reset"):
        secc.send(response, 1.0)
    assert vehicle.received() == []


def test_a_second_connection_is_refused():
    secc = SECC()
    secc.connected("first", 0.0)
    with pytest.raises(LocalProtocolError, match="is connected to first"):
        secc.connected("second", 0.0)
    secc.refused("second", 0.0)
    assert rules(secc) == ["tcp.refused"]
    assert secc.journal.findings[0].text == "second connected while first is connected, and was refused"
    assert secc.connection.peer == "first"


def test_at_its_pace_the_autopilot_answers_later_unless_the_turn_is_taken_back():
    secc = SECC(pace=lambda name, previous: 0.25)
    vehicle = Vehicle(secc).connect()
    vehicle.send(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    assert secc.turn_at == 0.25
    secc.take_turn(0.0)
    assert secc.turn is None
    assert secc.next_deadline() == 0.25
    secc.advance(0.2)
    assert vehicle.received() == []
    secc.hold()
    assert secc.turn == "supportedAppProtocolReq"
    secc.advance(0.3)
    assert vehicle.received() == []
    secc.take_turn(0.3)
    assert len(vehicle.received()) == 1


def test_requests_that_come_before_the_answer_wait_for_their_turn(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    vehicle.send(request("ServiceDiscoveryReq", secc.session_id))
    vehicle.send(request("PaymentServiceSelectionReq", secc.session_id))
    assert secc.turn == "ServiceDiscoveryReq"
    assert rules(secc)[-1] == "turn"
    secc.take_turn(secc.now)
    assert secc.turn == "PaymentServiceSelectionReq"
    secc.take_turn(secc.now)
    assert [m.name for m in vehicle.received()] == ["ServiceDiscoveryRes", "PaymentServiceSelectionRes"]


def test_a_script_may_answer_what_the_standard_forbids_and_the_finding_says_so(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    vehicle.send(request("AuthorizationReq", secc.session_id))
    assert secc.verdict == "FAILED_SequenceError"
    answer = codec.new(
        "iso2", "AuthorizationRes", session_id=secc.session_id, ResponseCode="OK", EVSEProcessing="Finished"
    )
    secc.send(answer, secc.now)
    assert vehicle.answer() == answer
    assert "on purpose" in secc.journal.findings[-1].text
    assert secc.progress.allowed == ("ChargeParameterDiscoveryReq", "SessionStopReq")


def test_a_script_may_answer_with_another_message(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    vehicle.send(request("ServiceDiscoveryReq", secc.session_id))
    secc.send(codec.new("iso2", "SessionStopRes", session_id=secc.session_id, ResponseCode="OK"), secc.now)
    assert vehicle.answer().name == "SessionStopRes"
    assert "ServiceDiscoveryReq was answered with SessionStopRes, on purpose" in secc.journal.findings[-1].text
    assert secc.progress.allowed == ("ServiceDiscoveryReq", "SessionStopReq")


def test_a_script_may_speak_without_being_asked(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    allowed = secc.progress.allowed
    secc.send(codec.new("iso2", "SessionStopRes", session_id=secc.session_id, ResponseCode="OK"), secc.now)
    assert vehicle.answer().name == "SessionStopRes"
    assert "without a request" in secc.journal.findings[-1].text
    assert secc.progress.allowed == allowed


def test_the_session_id_that_a_script_sets_is_the_sessions():
    secc = SECC()
    vehicle = Vehicle(secc).connect()
    vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    vehicle.send(request("SessionSetupReq", bytes(8)))
    chosen = bytes.fromhex("C1A61BDEADFA4655")
    secc.send(codec.new("iso2", "SessionSetupRes", session_id=chosen, ResponseCode="OK", EVSEID="KR*TC1*ISO1*001"), 0.0)
    vehicle.received()
    assert secc.session_id == chosen
    assert vehicle.ask(request("ServiceDiscoveryReq", chosen)).session_id == chosen


def test_paths_that_a_script_intends_or_leaves_to_the_autopilot_are_recorded(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    vehicle.send(request("ServiceDiscoveryReq", secc.session_id))
    secc.send(secc.default_response(), secc.now, intended=("ResponseCode",), auto=("ChargeService",))
    assert secc.journal.frames[-1].intended == ("ResponseCode",)
    assert secc.journal.frames[-1].auto == ("ChargeService",)
