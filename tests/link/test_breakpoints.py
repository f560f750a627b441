"""Breakpoints in the protocol: where a session stops, what can be done there, and how it goes on."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import pytest
from live_sessions import WAIT, names, session_of

from secc_kernel.link.breakpoints import Breakpoints
from secc_kernel.link.live import LiveSession, SessionError
from secc_kernel.link.stops import StoppedError
from secc_kernel.link.tcp import TcpStation, TcpVehicle
from secc_kernel.session.secc import SECC
from secc_kernel.session.station import Station
from secc_kernel.vehicle import SimulatedEV


def test_it_stops_before_a_message_is_sent_and_the_clock_stands_still():
    with session_of() as session:
        number = session.breakpoints.add("PowerDeliveryRes")
        stop = session.run_to_end().result(WAIT)
        assert names(session)[-1] == "PowerDeliveryReq"
        index = len(session.journal.frames)
        assert (stop.message, stop.direction, stop.index, stop.breakpoint) == (
            "PowerDeliveryRes",
            "send",
            index,
            number,
        )
        assert str(stop) == f"stopped before PowerDeliveryRes is sent (message {index}, breakpoint {number})"
        at = session.now
        time.sleep(0.05)
        assert (session.now, len(session.journal.frames), session.breakpoints.stop) == (at, index, stop)
        # The next run goes on, up to the other PowerDeliveryRes.
        again = session.run_to_end().result(WAIT)
        assert again.index > index
        assert session.journal.frames[index].name == "PowerDeliveryRes"
        assert session.run_to_end().result(WAIT).how == "terminated"
        assert session.breakpoints.stop is None


def test_it_stops_after_a_message_was_received():
    with session_of() as session:
        session.breakpoints.add("AuthorizationReq")
        stop = session.run_to_end().result(WAIT)
        assert (
            str(stop)
            == f"stopped after AuthorizationReq was received (message {len(names(session)) - 1}, breakpoint 1)"
        )
        assert names(session)[-1] == "AuthorizationReq"
        # What it stopped at can be received, and answered.
        assert session.receive("AuthorizationReq").result(WAIT) is session.arrived("AuthorizationReq")
        session.send("AuthorizationRes", EVSEProcessing="Finished").result(WAIT)
        assert session.run_to_end().result(WAIT).how == "terminated"


def test_the_message_can_be_looked_at_and_another_sent():
    with session_of() as session:
        session.breakpoints.add("SessionSetupRes")
        session.run_to_end().result(WAIT)
        assert session.preview("SessionSetupRes").body.EVSEID == session.link.station.station.EVSEID
        assert session.preview("ServiceDiscoveryRes") is None
        assert session.sent("SessionSetupRes") is None
        session.send("SessionSetupRes", EVSEID="DE*ABC*E9").result(WAIT)
        session.breakpoints.clear()
        assert session.run_to_end().result(WAIT).how == "terminated"
        assert session.sent("SessionSetupRes").body.EVSEID == "DE*ABC*E9"


def test_at_a_stop_the_turn_is_the_scripts():
    with session_of() as session:
        session.breakpoints.add("ServiceDiscoveryRes")
        session.run_to_end().result(WAIT)
        session.send("AuthorizationRes", EVSEProcessing="Finished", ResponseCode="OK").result(WAIT)
        assert names(session)[-2:] == ["ServiceDiscoveryReq", "AuthorizationRes"]


def test_what_cannot_be_done_before_the_stop_says_where_it_stands():
    with session_of() as session:
        session.breakpoints.add("SessionSetupRes")
        with pytest.raises(StoppedError, match="stopped before SessionSetupRes is sent"):
            session.receive("ServiceDiscoveryReq").result(WAIT)
        with pytest.raises(StoppedError, match="stopped before SessionSetupRes is sent") as caught:
            session_of_two(session)
        assert caught.value.stop.direction == "send"
        # Again, and it is done.
        session.send("SessionSetupRes").result(WAIT)
        assert names(session)[-1] == "SessionSetupRes"


def session_of_two(session):
    """A script's own message stops as well: this is the second session, begun from the handshake."""
    session.plug()
    session.send("SessionSetupRes").result(WAIT)


def test_who_receives_what_it_stops_at_has_it():
    with session_of() as session:
        session.breakpoints.add("SessionSetupReq")
        assert session.receive("SessionSetupReq").result(WAIT).name == "SessionSetupReq"
        assert session.breakpoints.stop.direction == "receive"


def test_as_the_vehicle_it_stops_at_the_vehicles_messages():
    with session_of(side="EVCC") as session:
        session.breakpoints.add("SessionSetupReq")
        session.breakpoints.add("SessionSetupRes")
        first, second = session.run_to_end().result(WAIT), session.run_to_end().result(WAIT)
        assert (first.message, first.direction) == ("SessionSetupReq", "send")
        assert (second.message, second.direction) == ("SessionSetupRes", "receive")
        assert session.run_to_end().result(WAIT).how == "terminated"


def test_conditions_and_counts():
    with session_of(soc=79) as session:
        session.breakpoints.add("CurrentDemandRes", lambda message: message.body.EVSEPresentCurrent.Value > 0, hits=3)
        stop = session.run_to_end().result(WAIT)
        sent = [m for m in map(session.journal.message, range(stop.index)) if m.name == "CurrentDemandRes"]
        assert sum(message.body.EVSEPresentCurrent.Value > 0 for message in sent) == 2
        assert session.preview("CurrentDemandRes").body.EVSEPresentCurrent.Value > 0
        (entry,) = session.breakpoints.list()
        assert (str(entry), entry.count) == ("1: CurrentDemandRes, the 3rd time (met 3 times)", 3)
        assert session.run_to_end().result(WAIT).how == "terminated"


def test_a_condition_may_be_asked_in_another_thread():
    asked = []

    def ask(message):
        answer = Future()
        asked.append(message.name)
        threading.Timer(0.02, answer.set_result, [len(asked) == 3]).start()
        return answer

    with session_of() as session:
        session.breakpoints.add("CurrentDemandRes", ask)
        stop = session.run_to_end().result(WAIT)
        assert asked == ["CurrentDemandRes"] * 3
        assert names(session).count("CurrentDemandRes") == 2
        assert stop.message == "CurrentDemandRes"


def test_a_debugger_holds_the_wait_and_lets_it_go_on():
    held = threading.Semaphore(0)
    stops = []

    def on_break(stop):
        stops.append(stop)
        held.release()
        return True

    with session_of() as session:
        session.breakpoints.on_break = on_break
        session.breakpoints.add("ServiceDiscoveryReq")
        session.breakpoints.add("AuthorizationRes")
        running = session.receive("ServiceDiscoveryReq")
        assert held.acquire(timeout=WAIT)
        time.sleep(0.05)
        assert not running.done()
        session.breakpoints.go_on()
        assert running.result(WAIT).name == "ServiceDiscoveryReq"
        running = session.run_to_end()
        assert held.acquire(timeout=WAIT)
        at = session.now
        time.sleep(0.05)
        assert (running.done(), session.now) == (False, at)
        assert session.preview("AuthorizationRes").name == "AuthorizationRes"
        session.breakpoints.clear()
        session.breakpoints.go_on()
        assert running.result(WAIT).how == "terminated"
        assert [(stop.message, stop.direction) for stop in stops] == [
            ("ServiceDiscoveryReq", "receive"),
            ("AuthorizationRes", "send"),
        ]


def test_a_held_wait_can_be_called_off_and_the_session_closed():
    held = threading.Semaphore(0)
    with session_of() as session:
        session.breakpoints.on_break = lambda stop: held.release() or True
        session.breakpoints.add("SessionSetupRes")
        running = session.run_to_end()
        assert held.acquire(timeout=WAIT)
        running.cancel()
        session.breakpoints.clear()
        assert session.run_to_end().result(WAIT).how == "terminated"
        session.breakpoints.add("SessionSetupRes")
        running = session.run_to("ServiceDiscoveryReq")
        assert held.acquire(timeout=WAIT)
    with pytest.raises(SessionError, match="the session was closed"):
        running.result(WAIT)


def test_on_a_real_link_the_peer_is_answered_all_the_same():
    quick = Station(authorization_time=0.0, parameter_time=0.0, isolation_time=0.0, voltage_rate=1e5, current_rate=1e5)
    with LiveSession(TcpStation(SECC(quick))) as station:
        station.breakpoints.add("SessionSetupRes")
        link = TcpVehicle(SimulatedEV(energy="AC"), host="::1", port=station.link.port)
        with LiveSession(link, side="EVCC") as vehicle:
            response = vehicle.receive("SessionSetupRes")
            stop = station.run_to_end().result(WAIT)
            # Half of V2G_SECC_Msg_Performance_Time.
            assert str(stop).endswith(
                "the peer is real and does not wait: between cells the autopilot acts after 0.75 s"
            )
            assert not response.done()
            assert response.result(WAIT).name == "SessionSetupRes"


def test_lists_and_what_is_taken():
    breakpoints = Breakpoints()
    first, second = breakpoints.add("SessionSetupRes"), breakpoints.add("CurrentDemandReq", text="x = 1")
    assert [str(entry) for entry in breakpoints.list()] == [
        "1: SessionSetupRes (met 0 times)",
        "2: CurrentDemandReq, where x = 1 (met 0 times)",
    ]
    assert breakpoints.remove(first)
    assert not breakpoints.remove(first)
    assert not breakpoints.clear("SessionSetupRes")
    assert [entry.id for entry in breakpoints.list()] == [second]
    assert breakpoints.clear()
    with pytest.raises(ValueError, match="there is no message 'CurrentDemandRez'; did you mean CurrentDemandRe"):
        breakpoints.add("CurrentDemandRez")
    with pytest.raises(ValueError, match="a number from 1, not 0"):
        breakpoints.add("CurrentDemandRes", hits=0)
