"""Whose turn it is: what a script has received is the script's to answer, whatever it sends."""

from __future__ import annotations

import pytest
from live_sessions import WAIT, names, session_of

from secc_kernel.codec import new
from secc_kernel.link.live import SessionError


def findings(session, rule):
    return [finding.text for finding in session.journal.findings if finding.rule == rule]


def test_the_wrong_answer_goes_out_as_it_was_sent_and_the_vehicle_reacts():
    with session_of() as session:
        session.receive("ServiceDiscoveryReq").result(WAIT)
        # Its request would come two messages later: the autopilot could get there, and must not.
        session.send("AuthorizationRes", EVSEProcessing="Finished", ResponseCode="OK").result(WAIT)
        assert names(session)[-2:] == ["ServiceDiscoveryReq", "AuthorizationRes"]
        (finding,) = findings(session, "turn")
        assert finding == "ServiceDiscoveryReq was answered with AuthorizationRes, on purpose (script)"
        ended = session.run_to_end().result(WAIT)
        assert (ended.how, session.act(lambda ev, now: ev.ended.reason, "EVCC")) == (
            "aborted",
            "ServiceDiscoveryReq was answered with AuthorizationRes",
        )
        assert names(session)[-1] == "AuthorizationRes"


def test_a_request_that_the_autopilot_ran_to_is_the_scripts_as_well():
    with session_of() as session:
        session.run_to("ServiceDiscoveryReq").result(WAIT)
        session.send("SessionStopRes", ResponseCode="OK").result(WAIT)
        assert names(session)[-2:] == ["ServiceDiscoveryReq", "SessionStopRes"]


def test_who_receives_on_lets_the_autopilot_answer():
    with session_of() as session:
        session.receive("ServiceDiscoveryReq").result(WAIT)
        session.receive("AuthorizationReq").result(WAIT)
        assert session.sent("ServiceDiscoveryRes").body.ResponseCode == "OK"


def test_what_is_received_late_gives_no_turn():
    with session_of() as session:
        session.send("CableCheckRes").result(WAIT)
        session.receive("SessionSetupReq").result(WAIT)  # its answer went out long ago
        session.send("PowerDeliveryRes").result(WAIT)
        assert names(session)[-2:] == ["PowerDeliveryReq", "PowerDeliveryRes"]


def test_one_turn_is_one_message():
    with session_of() as session:
        session.receive("CurrentDemandReq").result(WAIT)
        session.run_for(0.2).result(WAIT)
        # The next CurrentDemandReq was not received by the script: what it sends waits for its turn.
        session.send("SessionStopRes").result(WAIT)
        assert names(session)[-2:] == ["SessionStopReq", "SessionStopRes"]


def test_the_vehicle_asks_now_what_it_was_told_to_ask():
    with session_of(side="EVCC", soc=40) as session:
        session.receive("CurrentDemandRes").result(WAIT)
        at = session.now
        session.send("MeteringReceiptReq").result(WAIT)
        assert session.now == at
        assert names(session)[-2:] == ["CurrentDemandRes", "MeteringReceiptReq"]
        assert session.receive("MeteringReceiptRes").result(WAIT).body.ResponseCode == "FAILED_SequenceError"


def test_a_vehicle_that_asks_on_before_the_answer_that_the_script_holds():
    with session_of() as session:
        session.receive("ServiceDiscoveryReq").result(WAIT)
        session.send(new("iso2", "AuthorizationReq", session.party.session_id), role="EVCC").result(WAIT)
        assert session.sent("ServiceDiscoveryRes") is None
        session.send("ServiceDiscoveryRes").result(WAIT)
        assert "AuthorizationReq was sent before the response to ServiceDiscoveryReq" in findings(session, "turn")[0]


def test_who_neither_answers_nor_goes_on_is_told_what_happened():
    with session_of() as session:
        session.receive("SessionSetupReq").result(WAIT)
        session.wait(3).result(WAIT)
        with pytest.raises(SessionError) as caught:
            session.receive("ServiceDiscoveryReq").result(WAIT)
        text = str(caught.value)
        assert "the script held SessionSetupReq without an answer" in text
        assert "send SessionSetupRes" not in text  # it is too late for that


@pytest.mark.parametrize("waits", [[30], [30, 1]])
def test_a_late_answer_opens_no_session(waits):
    with session_of() as session:
        session.run_to("PreChargeReq").result(WAIT)
        for seconds in waits:
            session.wait(seconds).result(WAIT)
        count = len(session.journal.frames)
        late = f"too late: the EV gave up after 2 s (waited {sum(waits)} s); nothing was sent\n"
        for _ in range(3):
            with pytest.raises(SessionError) as caught:
                session.send("PreChargeRes").result(WAIT)
            assert str(caught.value).startswith(late)
        with pytest.raises(SessionError, match="SessionSetupRes cannot be sent: the session ended"):
            session.send("SessionSetupRes").result(WAIT)
        assert len(session.journal.frames) == count
        # What asks for another session gets it, and answers go out there.
        session.run_to("PreChargeReq").result(WAIT)
        session.send("PreChargeRes").result(WAIT)
        assert names(session)[-1] == "PreChargeRes"
        assert names(session).count("SessionSetupReq") == 2


def test_an_answer_after_an_abort_that_a_wait_has_told_opens_no_session():
    with session_of() as session:
        session.receive("ServiceDiscoveryReq").result(WAIT)
        session.send("AuthorizationRes", EVSEProcessing="Finished", ResponseCode="OK").result(WAIT)
        assert session.run_to_end().result(WAIT).how == "aborted"
        with pytest.raises(SessionError, match="CableCheckRes cannot be sent: the session ended"):
            session.send("CableCheckRes").result(WAIT)
        session.plug()
        session.send("CableCheckRes").result(WAIT)


def test_after_a_session_that_ended_in_order_an_answer_begins_the_next():
    with session_of() as session:
        assert session.run_to_end().result(WAIT).how == "terminated"
        session.send("SessionSetupRes").result(WAIT)
        assert names(session).count("SessionSetupReq") == 2


def test_a_vehicle_begins_anew_with_its_first_request_but_not_with_a_late_one():
    with session_of(side="EVCC") as session:
        session.receive("SessionSetupRes").result(WAIT)
        session.wait(61).result(WAIT)
        for _ in range(2):
            with pytest.raises(SessionError, match=r"too late: the station gave up after 60 s \(waited 61 s\)"):
                session.send("ServiceDiscoveryReq").result(WAIT)
        session.send("SessionSetupReq").result(WAIT)
        assert names(session).count("SessionSetupReq") == 2


@pytest.mark.parametrize("held", [True, False])
def test_what_only_a_renegotiation_brings_again_is_not_run_for(held):
    with session_of(soc=40) as session:
        session.run_to("PreChargeReq").result(WAIT)
        if not held:
            session.send("PreChargeRes").result(WAIT)
        count = len(session.journal.frames)
        where = "you hold PreChargeReq" if held else "the session is at Pre"
        for ask in (session.receive, session.run_to) if held else (session.receive, session.run_to, _answer(session)):
            with pytest.raises(SessionError, match=f"{where}.*; CableCheckReq comes again only after a renegotiation"):
                ask("CableCheckReq").result(WAIT)
            assert len(session.journal.frames) <= count + 1  # the EV may ask meanwhile
        session.run_to("CurrentDemandReq").result(WAIT)


def _answer(session):
    return lambda request: session.send(request[:-3] + "Res")


@pytest.mark.parametrize("who", ["vehicle", "station", "message"])
def test_a_renegotiation_that_was_asked_for_brings_it(who):
    with session_of(soc=40) as session:
        session.run_to("CurrentDemandReq").result(WAIT)
        if who == "vehicle":
            session.act(lambda vehicle, now: vehicle.renegotiate(now), role="EVCC")
        elif who == "station":
            session.act(lambda station, now: setattr(station.station, "notification", "ReNegotiation"))
        else:
            status = session.sent("PreChargeRes").body.DC_EVSEStatus
            status.EVSENotification = "ReNegotiation"
            session.send("CurrentDemandRes", DC_EVSEStatus=status).result(WAIT)
            session.receive("PowerDeliveryReq").result(WAIT)
        assert session.receive("CableCheckReq").result(WAIT).name == "CableCheckReq"
        assert names(session).count("CurrentDemandReq") < 5


def test_who_switches_the_autopilot_off_too_early_is_told_what_to_do():
    with session_of() as session:
        session.run_to("supportedAppProtocolReq").result(WAIT)
        session.autopilot = False
        advice = "the autopilot is off.*: run to SessionSetupReq first, then switch it off"
        with pytest.raises(SessionError, match=f"supportedAppProtocolReq arrived, not SessionSetupReq; {advice}"):
            session.receive("SessionSetupReq").result(WAIT)
