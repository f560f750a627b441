"""A live session on the simulated link: who acts, when the clock moves, and how waits end."""

from __future__ import annotations

import threading
import time

import pytest
from live_sessions import WAIT, names, session_of

from secc_kernel.codec import new
from secc_kernel.link.live import CHECK, SessionError
from secc_kernel.link.sim import answering_time
from secc_kernel.session.journal import FindingEntry, FrameEntry
from secc_kernel.vehicle import SimulatedEV


@pytest.fixture
def session():
    with session_of() as made:
        yield made


def test_the_first_receive_plugs_in_and_goes_through_the_handshake(session):
    request = session.receive("SessionSetupReq").result(WAIT)
    assert bytes.fromhex("020000000001") == request.body.EVCCID
    assert names(session) == ["supportedAppProtocolReq", "supportedAppProtocolRes", "SessionSetupReq"]
    assert session.status.waiting == "SessionSetupReq"
    assert session.protocol == "iso2"


def test_the_clock_stands_still_between_calls(session):
    session.receive("SessionSetupReq").result(WAIT)
    before = session.now, len(session.journal.entries)
    time.sleep(0.05)
    assert (session.now, len(session.journal.entries)) == before


def test_a_message_sent_goes_out_at_the_time_of_the_turn_and_the_autopilot_does_the_rest(session):
    session.receive("SessionSetupReq").result(WAIT)
    sent = session.send("SessionSetupRes", EVSEID="DE*ABC*E7").result(WAIT)
    assert sent.body.EVSEID == "DE*ABC*E7"
    assert sent.body.ResponseCode == "OK_NewSessionEstablished"
    ended = session.run_to_end().result(WAIT)
    assert ended.how == "terminated"
    assert names(session)[-2:] == ["SessionStopReq", "SessionStopRes"]
    assert session.sent("SessionSetupRes").body.EVSEID == "DE*ABC*E7"


def test_run_to_stops_before_the_answer_and_leaves_the_request_to_receive(session):
    session.run_to("CurrentDemandReq").result(WAIT)
    at = session.now
    assert names(session)[-1] == "CurrentDemandReq"
    request = session.receive("CurrentDemandReq").result(WAIT)
    assert session.now == at
    assert session.arrived("CurrentDemandReq") is request
    # Each message is received once: the next receive waits for the next one.
    assert session.receive("CurrentDemandReq").result(WAIT) is not request
    assert session.now > at


def test_sending_without_receiving_waits_for_the_request(session):
    session.send("AuthorizationRes", EVSEProcessing="Finished", ResponseCode="OK").result(WAIT)
    assert names(session)[-2:] == ["AuthorizationReq", "AuthorizationRes"]


def test_a_message_made_whole_is_sent_as_it_is(session):
    session.receive("SessionSetupReq").result(WAIT)
    message = new("iso2", "SessionSetupRes", b"\x01" * 8, ResponseCode="OK_NewSessionEstablished", EVSEID="ZZ00000")
    assert session.send(message).result(WAIT) is message
    session.receive("ServiceDiscoveryReq").result(WAIT)
    assert session.arrived("ServiceDiscoveryReq").session_id == b"\x01" * 8


def test_another_answer_than_the_due_one_goes_out_when_the_script_has_taken_the_turn(session):
    session.receive("ServiceDiscoveryReq").result(WAIT)
    session.send("SessionSetupRes").result(WAIT)
    assert names(session)[-2:] == ["ServiceDiscoveryReq", "SessionSetupRes"]
    with pytest.raises(SessionError, match="ServiceDiscoveryReq was answered with SessionSetupRes"):
        session.receive("PaymentServiceSelectionReq").result(WAIT)


def test_what_can_never_come_is_said_at_once():
    with (
        session_of(energy="AC") as session,
        pytest.raises(SessionError, match=r"in this AC session no CurrentDemandReq follows .*\nthe last messages:\n"),
    ):
        session.receive("CurrentDemandReq").result(WAIT)


def test_an_error_says_why_the_vehicle_stops(session):
    session.send("CableCheckRes", EVSEProcessing="Finished").result(WAIT)
    with pytest.raises(SessionError) as caught:
        session.receive("PreChargeReq").result(WAIT)
    text = str(caught.value)
    assert "PreChargeReq cannot come any more: the vehicle ends the session with SessionStopReq; the EV stops: " in text
    assert "EVSEIsolationStatus Invalid: the cable was not found to be sound; it ends the session in order" in text
    assert "\nthe last messages:\n  " in text


def test_an_error_about_the_next_session_does_not_speak_of_the_last(session):
    session.send("CableCheckRes", EVSEProcessing="Finished").result(WAIT)
    session.run_to_end().result(WAIT)
    with pytest.raises(SessionError) as caught:
        session.receive("ChargingStatusReq").result(WAIT)
    assert "the EV stops" not in str(caught.value)


def test_a_request_of_the_past_is_said_to_be_answered(session):
    session.send("CableCheckRes").result(WAIT)
    with pytest.raises(SessionError, match="AuthorizationReq was answered already"):
        session.send("AuthorizationRes").result(WAIT)
    # To receive it is no mistake: it has arrived, and its content can be read.
    assert session.receive("AuthorizationReq").result(WAIT).name == "AuthorizationReq"
    session.receive("SessionSetupReq").result(WAIT)
    with pytest.raises(SessionError, match="SessionSetupReq was answered already, and none comes after"):
        session.receive("SessionSetupReq").result(WAIT)


def test_the_vehicle_that_gives_up_ends_the_wait_with_its_reason(session):
    session.send("SessionSetupRes", ResponseCode="FAILED").result(WAIT)
    with pytest.raises(SessionError, match=r"the session ended .*SessionSetupRes says FAILED"):
        session.receive("ServiceDiscoveryReq").result(WAIT)


def test_a_late_answer_lets_the_vehicles_timer_expire(session):
    session.receive("SessionSetupReq").result(WAIT)
    session.wait(2.5).result(WAIT)
    with pytest.raises(SessionError, match="V2G_EVCC_Msg_Timeout"):
        session.send("SessionSetupRes").result(WAIT)
    # Told once; what comes next is a new session.
    assert session.receive("ServiceDiscoveryReq").result(WAIT).name == "ServiceDiscoveryReq"


@pytest.mark.parametrize("run_to", [False, True])
def test_a_vehicle_may_ask_what_its_autopilot_never_does(run_to):
    with session_of(side="EVCC") as session:
        if run_to:
            session.run_to("ServiceDetailReq").result(WAIT)
        asked = session.send("ServiceDetailReq", ServiceID=3).result(WAIT)
        assert asked.session_id == session.party.session_id
        assert names(session)[-2:] == ["ServiceDiscoveryRes", "ServiceDetailReq"]
        assert session.receive("ServiceDetailRes").result(WAIT).body.ResponseCode == "FAILED_ServiceIDInvalid"


def test_the_answer_to_what_is_asked_again_is_the_new_one():
    with session_of(side="EVCC") as session:
        session.run_to("CableCheckReq").result(WAIT)
        assert session.arrived("ServiceDiscoveryRes").body.ResponseCode == "OK"
        session.autopilot = False
        session.send(new("iso2", "ServiceDiscoveryReq", session.party.session_id)).result(WAIT)
        answer = session.receive("ServiceDiscoveryRes").result(WAIT)
        assert answer.body.ResponseCode == "FAILED_SequenceError"


def test_times_in_an_error_are_those_of_the_views():
    with session_of() as session:
        session.wait(30).result(WAIT)
        session.send("SessionSetupRes").result(WAIT)
        began = session.journal.entries[0].time
        assert began >= 30
        shown = session.journal.frames[-1].time - began
        with pytest.raises(SessionError, match=rf"SessionSetupRes \(OK_NewSessionEstablished\) at {shown:.3f} s"):
            session.send("SessionSetupRes").result(WAIT)


def test_a_sequence_timeout_is_tested_in_milliseconds():
    with session_of(side="EVCC") as session:
        session.receive("SessionSetupRes").result(WAIT)
        began = time.perf_counter()
        session.wait(61).result(WAIT)
        assert time.perf_counter() - began < 1
        assert session.party.ended.how == "aborted"
        expired = [entry.name for entry in session.journal.entries if getattr(entry, "what", "") == "expired"]
        assert "V2G_SECC_Sequence_Timeout" in expired


def test_with_the_autopilot_off_another_message_ends_the_wait():
    with session_of() as session:
        session.run_to("supportedAppProtocolReq").result(WAIT)
        session.autopilot = False
        with pytest.raises(
            SessionError, match=r"supportedAppProtocolReq arrived, not SessionSetupReq.*autopilot is off"
        ):
            session.receive("SessionSetupReq").result(WAIT)
        session.receive("supportedAppProtocolReq").result(WAIT)
        answer = new("sap", "supportedAppProtocolRes", ResponseCode="OK_SuccessfulNegotiation", SchemaID=0)
        session.send(answer).result(WAIT)
        assert session.receive("SessionSetupReq").result(WAIT).name == "SessionSetupReq"


def test_a_wait_for_the_beginning_of_a_session_goes_on_into_the_next(session):
    session.send("SessionSetupRes", ResponseCode="FAILED").result(WAIT)
    again = session.receive("SessionSetupReq").result(WAIT)
    assert again.name == "SessionSetupReq"
    assert names(session).count("SessionSetupReq") == 2


def test_a_wait_after_the_end_plugs_in_anew(session):
    assert session.run_to_end().result(WAIT).how == "terminated"
    assert session.run_to_end().result(WAIT).how == "terminated"
    count = len(session.journal.frames)
    session.receive("ServiceDiscoveryReq").result(WAIT)
    assert names(session)[count] == "supportedAppProtocolReq"


def test_a_script_can_play_the_vehicle():
    with session_of(side="EVCC") as session:
        session.send("SessionSetupReq", EVCCID=b"\x0a" * 6).result(WAIT)
        response = session.receive("SessionSetupRes").result(WAIT)
        assert response.body.ResponseCode == "OK_NewSessionEstablished"
        assert names(session)[-1] == "SessionSetupRes"
        # The autopilot asks what comes before, since the script has handed on its turn.
        session.run_to("PaymentServiceSelectionReq").result(WAIT)
        session.receive("PaymentServiceSelectionRes").result(WAIT)
        session.send("AuthorizationReq").result(WAIT)
        assert names(session)[-2:] == ["PaymentServiceSelectionRes", "AuthorizationReq"]
        assert session.run_to_end().result(WAIT).how == "terminated"


def test_both_sides_can_be_scripted_on_the_simulated_link(session):
    session.send("SessionSetupReq", role="EVCC", EVCCID=b"\x0b" * 6).result(WAIT)
    assert session.receive("SessionSetupReq").result(WAIT).body.EVCCID == b"\x0b" * 6
    session.send("SessionSetupRes", EVSEID="DE*ABC*E1").result(WAIT)
    assert session.receive("SessionSetupRes", role="EVCC").result(WAIT).body.EVSEID == "DE*ABC*E1"


def test_one_wait_at_a_time():
    with session_of(soc=10) as session:
        slow = session.run_to_end()
        with pytest.raises(SessionError, match="already waits for the end of the session: one wait at a time"):
            session.receive("SessionSetupReq").result(WAIT)
        slow.cancel()


def test_a_cancelled_wait_leaves_a_working_session(session):
    session.run_to("CurrentDemandReq").result(WAIT)
    wait = session.wait(100_000)
    time.sleep(0.02)
    wait.cancel()
    stands = threading.Event()
    for _ in range(100):
        before = session.now
        time.sleep(0.02)
        if session.now == before:
            stands.set()
            break
    assert stands.is_set()


def test_long_runs_let_other_calls_through():
    with session_of(soc=20) as session:
        running = session.run_to_end()
        seen = set()
        while not running.done():
            seen.add(session.status.messages)
            session.act(lambda party, now: now)
        assert running.result().how == "terminated"
        assert len(seen) > 10


def test_two_runs_give_the_same_journal():
    def run():
        with session_of(soc=78) as session:
            session.send("SessionSetupRes", EVSEID="DE*ABC*E7").result(WAIT)
            session.run_to_end().result(WAIT)
            return session.journal

    first, second = run(), run()
    assert first.entries == second.entries
    assert [e.data for e in first.frames] == [e.data for e in second.frames]
    assert sum(frame.name == "CurrentDemandReq" for frame in first.frames) > 100


def test_hop_and_answering_times_are_parameters():
    with session_of(delay=0.2) as session:
        session.receive("SessionSetupReq").result(WAIT)
        times = {frame.name: frame.time for frame in session.journal.frames}
    # The request is recorded where it arrives, the answer where it leaves: the way back and forth lies between.
    assert times["SessionSetupReq"] - times["supportedAppProtocolRes"] == pytest.approx(0.2 + 0.057 + 0.2)
    assert answering_time("CurrentDemandReq") < 0.025


def test_pulling_the_plug_ends_the_session(session):
    session.run_to("CurrentDemandReq").result(WAIT)
    session.unplug()
    assert session.party.ended.how == "aborted"
    assert "unplugged" in session.party.ended.reason
    session.plug()
    assert session.run_to_end().result(WAIT).how == "terminated"


def test_another_vehicle_takes_the_place(session):
    session.run_to("CableCheckReq").result(WAIT)
    session.plug(SimulatedEV("hybrid", energy="AC", soc=79.9, journal=session.journal, records_frames=False))
    request = session.receive("SessionSetupReq").result(WAIT)
    assert bytes.fromhex("020000000004") == request.body.EVCCID
    assert session.run_to_end().result(WAIT).how == "terminated"


def test_the_driver_stops(session):
    session.run_to("CurrentDemandReq").result(WAIT)
    session.act(lambda vehicle, now: vehicle.stop(now), role="EVCC")
    session.run_to_end().result(WAIT)
    assert names(session).count("CurrentDemandReq") == 1


def test_verdicts_are_findings(session):
    assert session.check(True, "good")
    assert not session.check(False, "bad")
    found = [entry for entry in session.journal.entries if isinstance(entry, FindingEntry) and entry.rule == CHECK]
    assert [(entry.text, entry.severity) for entry in found] == [("good", "note"), ("bad", "error")]


def test_the_record_of_a_message_is_not_what_a_script_makes_of_it(session):
    request = session.receive("SessionSetupReq").result(WAIT)
    request.body.EVCCID = b"changed"
    assert bytes.fromhex("020000000001") == session.journal.message(-1).body.EVCCID


def test_only_one_side_records_the_frames(session):
    session.run_to("CurrentDemandReq").result(WAIT)
    frames = [entry for entry in session.journal.entries if isinstance(entry, FrameEntry)]
    assert [frame.layer for frame in frames[:2]] == ["sdp", "sdp"]
    assert len({(frame.time, frame.data) for frame in frames}) == len(frames)


def test_closing_ends_a_wait():
    session = session_of(soc=10)
    waiting = session.run_to_end()
    session.close()
    with pytest.raises(SessionError, match="the session was closed"):
        waiting.result(WAIT)
    session.close()


@pytest.mark.parametrize("when", ["journal", "on_break"])
def test_closing_from_the_links_own_thread_does_not_wait_for_itself(when):
    session = session_of(soc=10)
    if when == "journal":
        session.journal.subscribe(lambda entry: session.close() if entry.kind == "frame" else None)
    else:
        session.breakpoints.add("SessionSetupRes")
        session.breakpoints.on_break = lambda stop: session.close()
    with pytest.raises(SessionError, match=r"the session was closed|stopped before"):
        session.receive("ServiceDiscoveryReq").result(WAIT)
    deadline = time.monotonic() + WAIT
    while session._thread._thread.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(SessionError, match="the session is closed"):
        session.receive("SessionSetupReq").result(WAIT)
    session.breakpoints.go_on()


def test_a_closed_session_refuses():
    session = session_of()
    session.close()
    with pytest.raises(SessionError, match="the session is closed"):
        session.receive("SessionSetupReq").result(WAIT)
    with pytest.raises(SessionError, match="the session is closed"):
        session.send("SessionSetupRes").result(WAIT)


def test_a_mistake_of_ours_ends_the_wait_and_is_recorded(session, monkeypatch):
    def broken(name):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(session.link.vehicle, "default_request", broken)
    with pytest.raises(ZeroDivisionError):
        session.receive("SessionSetupReq").result(WAIT)
    assert "secc-kernel made a mistake: ZeroDivisionError: oops" in [f.text for f in session.journal.findings]
    monkeypatch.undo()
    session.plug()
    assert session.receive("SessionSetupReq").result(WAIT).name == "SessionSetupReq"


def test_unknown_fields_are_named(session):
    with pytest.raises(TypeError, match="SessionSetupRes has no field EVSEId; it has ResponseCode, EVSEID"):
        session.send("SessionSetupRes", EVSEId="x").result(WAIT)


def test_a_whole_charge_is_fast():
    with session_of(soc=60) as session:
        began = time.perf_counter()
        session.run_to_end().result(WAIT)
        took = time.perf_counter() - began
        exchanges = sum(frame.name == "CurrentDemandReq" for frame in session.journal.frames)
    assert exchanges > 600
    assert took < 5
