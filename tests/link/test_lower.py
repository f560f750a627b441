"""Scripts below V2G: SLAC and SDP on the simulated powerline, and SDP on a real link."""

from __future__ import annotations

import socket
import time

import pytest
from live_sessions import WAIT, names, session_of

from secc_kernel.link.live import LiveSession, SessionError
from secc_kernel.link.modem import Powerline
from secc_kernel.link.plug_in import STATION_MAC
from secc_kernel.link.stops import StoppedError
from secc_kernel.link.tcp import TcpStation
from secc_kernel.session.journal import FindingEntry, FrameEntry
from secc_kernel.session.secc import SECC
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire import sdp
from secc_kernel.wire.homeplug import nid_of


@pytest.fixture
def station():
    with session_of(powerline=True) as session:
        yield session


@pytest.fixture
def vehicle():
    with session_of(powerline=True, side="EVCC") as session:
        yield session


def below(session):
    """The names of the messages of SLAC and SDP so far."""
    return [
        entry.name
        for entry in session.journal.entries
        if isinstance(entry, FrameEntry) and entry.layer in ("homeplug", "sdp") and entry.name
    ]


def rules(session):
    return [entry.rule for entry in session.journal.entries if isinstance(entry, FindingEntry)]


def last(session, name):
    return next(
        entry.message
        for entry in reversed(session.journal.entries)
        if isinstance(entry, FrameEntry) and entry.name == name
    )


# -- received, sent, and the rest by the autopilot -------------------------------------------------------------------


def test_a_station_s_whole_plug_in_by_hand(station):
    request = station.receive("CM_SLAC_PARM_REQ").result(WAIT)
    confirmed = station.send("CM_SLAC_PARM_CNF", NumSounds=7).result(WAIT)
    assert confirmed.body.RunID == request.body.RunID
    sounds = [station.receive("CM_MNBC_SOUND_IND").result(WAIT).body.Cnt for _ in range(7)]
    assert sounds == [6, 5, 4, 3, 2, 1, 0]
    told = station.send("CM_ATTEN_CHAR_IND").result(WAIT)
    assert told.body.NumSounds == 7
    assert station.receive("CM_ATTEN_CHAR_RSP").result(WAIT).body.Result == 0
    station.receive("CM_SLAC_MATCH_REQ").result(WAIT)
    station.send("CM_SLAC_MATCH_CNF").result(WAIT)
    station.receive("SECC_DiscoveryReq").result(WAIT)
    station.send("SECC_DiscoveryRes").result(WAIT)
    assert station.receive("supportedAppProtocolReq").result(WAIT).name == "supportedAppProtocolReq"
    assert "turn" not in rules(station)
    assert station.run_to_end().result(WAIT).how == "terminated"


def test_a_vehicle_s_whole_plug_in_by_hand(vehicle):
    asked = vehicle.send("CM_SLAC_PARM_REQ", RunID=b"scripted").result(WAIT)
    assert vehicle.receive("CM_SLAC_PARM_CNF").result(WAIT).body.RunID == asked.body.RunID == b"scripted"
    for _ in range(3):
        vehicle.send("CM_START_ATTEN_CHAR_IND").result(WAIT)
    for left in range(9, -1, -1):
        assert vehicle.send("CM_MNBC_SOUND_IND").result(WAIT).body.Cnt == left
    assert vehicle.receive("CM_ATTEN_CHAR_IND").result(WAIT).body.NumSounds == 10
    vehicle.send("CM_ATTEN_CHAR_RSP").result(WAIT)
    vehicle.send("CM_SLAC_MATCH_REQ").result(WAIT)
    key = vehicle.receive("CM_SLAC_MATCH_CNF").result(WAIT).body.NMK
    assert vehicle.send("CM_SET_KEY_REQ").result(WAIT).body.NewKey == key
    vehicle.send("SECC_DiscoveryReq").result(WAIT)
    assert vehicle.receive("SECC_DiscoveryRes").result(WAIT).body.Port == 49152
    vehicle.run_to("SessionSetupReq").result(WAIT)
    assert "turn" not in rules(vehicle)
    assert below(vehicle).count("CM_MNBC_SOUND_IND") == 10


def test_the_autopilot_does_all_of_it(station):
    assert station.receive("SessionSetupReq").result(WAIT).name == "SessionSetupReq"
    spoken = [name for name in below(station) if not name.startswith(("CM_SET_KEY", "CM_ATTEN_PROFILE"))]
    assert spoken == [
        *("CM_SLAC_PARM_REQ", "CM_SLAC_PARM_CNF"),
        *["CM_START_ATTEN_CHAR_IND"] * 3,
        *["CM_MNBC_SOUND_IND"] * 10,
        *("CM_ATTEN_CHAR_IND", "CM_ATTEN_CHAR_RSP", "CM_SLAC_MATCH_REQ", "CM_SLAC_MATCH_CNF"),
        *("SECC_DiscoveryReq", "SECC_DiscoveryRes"),
    ]


def test_what_was_exchanged_can_be_received_and_read_afterwards(station):
    station.receive("SessionSetupReq").result(WAIT)
    assert station.check_received("CM_SLAC_MATCH_REQ")
    assert not station.check_received("CM_VALIDATE_REQ")
    counts = [station.receive("CM_MNBC_SOUND_IND").result(WAIT).body.Cnt for _ in range(10)]
    assert counts == list(range(9, -1, -1))
    confirmed = station.sent("CM_SLAC_MATCH_CNF").body
    assert nid_of(confirmed.NMK) == confirmed.NID


def test_what_is_held_is_not_answered_while_time_passes(station):
    station.receive("CM_SLAC_PARM_REQ").result(WAIT)
    station.wait(0.3).result(WAIT)
    assert "CM_SLAC_PARM_CNF" not in below(station)
    again = station.receive("CM_SLAC_PARM_REQ").result(WAIT)  # after 200 ms without an answer it asks again
    station.send("CM_SLAC_PARM_CNF").result(WAIT)
    assert again == station.arrived("CM_SLAC_PARM_REQ")
    station.receive("SessionSetupReq").result(WAIT)
    assert below(station).count("CM_SLAC_PARM_CNF") == 1


def test_a_vehicle_that_is_never_answered_gives_up_and_the_next_wait_plugs_it_in_again(station):
    station.receive("SECC_DiscoveryReq").result(WAIT)
    station.wait(30).result(WAIT)
    assert below(station).count("SECC_DiscoveryReq") == 50
    assert station.run_to_end().result(WAIT).how == "aborted"
    assert station.receive("CM_SLAC_PARM_REQ").result(WAIT).name == "CM_SLAC_PARM_REQ"
    assert station.receive("SessionSetupReq").result(WAIT).name == "SessionSetupReq"


def test_run_to_stops_before_what_is_ours_and_after_what_is_theirs(station):
    station.run_to("CM_SLAC_MATCH_REQ").result(WAIT)
    assert below(station)[-1] == "CM_SLAC_MATCH_REQ"
    assert station.status.waiting == "CM_SLAC_MATCH_CNF"
    station.run_to("SECC_DiscoveryRes").result(WAIT)
    assert below(station)[-1] == "SECC_DiscoveryReq"


def test_the_key_that_a_script_gives_is_the_network_s(station):
    key = bytes(range(16))
    station.run_to("CM_SLAC_MATCH_REQ").result(WAIT)
    station.send("CM_SLAC_MATCH_CNF", NMK=key, NID=nid_of(key)).result(WAIT)
    station.receive("SessionSetupReq").result(WAIT)
    assert last(station, "CM_SET_KEY_REQ").body.NewKey == key


# -- out of order, and waits that cannot end --------------------------------------------------------------------------


def test_what_is_sent_out_of_order_goes_out_on_purpose(station):
    station.receive("CM_SLAC_PARM_REQ").result(WAIT)
    sent = station.send("CM_ATTEN_CHAR_IND", AAG=bytes(58), NumSounds=1).result(WAIT)
    assert sent.body.RunID == station.arrived("CM_SLAC_PARM_REQ").body.RunID
    assert below(station)[-1] == "CM_ATTEN_CHAR_IND"
    assert rules(station).count("turn") == 1
    station.receive("SessionSetupReq").result(WAIT)
    station.send("CM_SLAC_PARM_CNF").result(WAIT)  # long over
    assert below(station)[-1] == "CM_SLAC_PARM_CNF"
    assert station.run_to_end().result(WAIT).how == "terminated"


@pytest.mark.parametrize(
    ("before", "name", "why"),
    [
        ("CM_SLAC_MATCH_REQ", "CM_VALIDATE_REQ", "CM_SLAC_MATCH_CNF follows"),
        ("SECC_DiscoveryReq", "CM_SLAC_PARM_REQ", "the modems are matched and have a link"),
        ("supportedAppProtocolReq", "SECC_DiscoveryReq", "the vehicle has found the station"),
        ("SessionSetupReq", "CM_AMP_MAP_REQ", "SDP has begun"),
    ],
)
def test_a_wait_that_cannot_come_to_its_end_fails_at_once_and_says_why(station, before, name, why):
    station.run_to(before).result(WAIT)
    if station.check_received(name):
        station.receive(name).result(WAIT)  # what has come already is given
    since = station.now
    with pytest.raises(SessionError, match=f"{name} cannot come any more: .*{why}"):
        station.receive(name).result(WAIT)
    assert station.now - since < 0.1
    assert station.receive("ServiceDiscoveryReq").result(WAIT).name == "ServiceDiscoveryReq"


def test_a_link_without_powerline_says_so():
    with session_of() as session, pytest.raises(SessionError, match="no powerline on this link"):
        session.receive("CM_SLAC_PARM_REQ").result(WAIT)


def test_validation_can_be_waited_for_where_it_is_needed():
    with session_of(powerline=Powerline(attenuation={(SimulatedEV("compact").mac, STATION_MAC): 15})) as session:
        assert session.receive("CM_VALIDATE_REQ").result(WAIT).body.Timer == 0
        session.send("CM_VALIDATE_CNF", Result="NotRequired").result(WAIT)
        assert session.receive("CM_SLAC_MATCH_REQ").result(WAIT).name == "CM_SLAC_MATCH_REQ"


def test_what_leads_to_another_attempt_can_be_waited_for(station):
    first = station.receive("CM_SLAC_PARM_REQ").result(WAIT)
    station.send("CM_ATTEN_CHAR_IND", AAG=bytes([40] * 58)).result(WAIT)
    station.send("CM_SLAC_PARM_CNF").result(WAIT)
    station.send("CM_ATTEN_CHAR_IND", AAG=bytes([40] * 58)).result(WAIT)
    second = station.receive("CM_SLAC_PARM_REQ").result(WAIT)
    assert second.body.RunID != first.body.RunID


def test_an_answer_is_not_sent_to_another_vehicle_than_the_one_that_asked(station):
    station.run_to("CM_SLAC_PARM_REQ").result(WAIT)
    station.unplug()
    assert station.status.waiting is None
    assert station.status.ended == "aborted: the cable was pulled"
    for _ in range(2):
        with pytest.raises(SessionError, match="too late: the session ended"):
            station.send("CM_SLAC_PARM_CNF").result(WAIT)
    assert not station.link.plugged
    assert station.receive("CM_SLAC_PARM_REQ").result(WAIT).name == "CM_SLAC_PARM_REQ"
    assert station.send("CM_SLAC_PARM_CNF").result(WAIT).name == "CM_SLAC_PARM_CNF"


def test_nobody_is_answered_who_has_given_up(station):
    station.run_to("SECC_DiscoveryReq").result(WAIT)
    station.wait(30).result(WAIT)
    assert station.status.ended == "aborted: no SDP response to 50 requests ([V2G2-161])"
    assert station.status.waiting is None
    with pytest.raises(SessionError, match=r"too late: the EV gave up after 12\.5 s \(waited 30 s\); nothing was sent"):
        station.send("SECC_DiscoveryRes").result(WAIT)
    assert "SECC_DiscoveryRes" not in below(station)


def test_an_answer_of_before_is_none_to_what_is_asked_again(station):
    station.run_to("SessionSetupReq").result(WAIT)
    asked = station.send("CM_SET_KEY_REQ", MyNonce=4711).result(WAIT)
    assert station.receive("CM_SET_KEY_CNF").result(WAIT).body.YourNonce == asked.body.MyNonce == 4711
    assert station.status.waiting == "SessionSetupReq"


# -- the autopilot off ------------------------------------------------------------------------------------------------


def test_without_the_autopilot_all_is_the_script_s_and_an_error_says_what(station):
    station.autopilot = False
    station.receive("CM_SLAC_PARM_REQ").result(WAIT)
    with pytest.raises(SessionError, match=r"CM_SLAC_PARM_CNF is to be sent .*autopilot is off"):
        station.receive("CM_MNBC_SOUND_IND").result(WAIT)
    assert station.status.waiting == "CM_SLAC_PARM_CNF"
    station.autopilot = True
    assert station.receive("CM_MNBC_SOUND_IND").result(WAIT).body.Cnt == 9


def test_a_wait_above_names_what_is_owed_below(station):
    station.autopilot = False
    with pytest.raises(SessionError, match=r"SessionSetupReq cannot come: CM_SLAC_PARM_CNF is to be sent"):
        station.receive("SessionSetupReq").result(WAIT)


# -- breakpoints ------------------------------------------------------------------------------------------------------


def test_a_session_stops_before_each_message_of_a_name(vehicle):
    vehicle.breakpoints.add("CM_MNBC_SOUND_IND", hits=3)
    stop = vehicle.run_to_end().result(WAIT)
    assert str(stop) == "stopped before CM_MNBC_SOUND_IND is sent (breakpoint 1)"
    assert below(vehicle).count("CM_MNBC_SOUND_IND") == 2
    assert vehicle.preview("CM_MNBC_SOUND_IND").body.Cnt == 7
    assert vehicle.run_to_end().result(WAIT).how == "terminated"


def test_a_session_stops_at_what_has_arrived_with_a_condition(station):
    station.breakpoints.add("CM_MNBC_SOUND_IND", condition=lambda message: message.body.Cnt == 4)
    with pytest.raises(StoppedError):
        station.receive("SessionSetupReq").result(WAIT)
    assert last(station, "CM_MNBC_SOUND_IND").body.Cnt == 4
    assert station.receive("SessionSetupReq").result(WAIT).name == "SessionSetupReq"


# -- a real link ------------------------------------------------------------------------------------------------------


@pytest.fixture
def listening():
    with LiveSession(TcpStation(SECC())) as session:
        yield session


def ask(session, port=4242, count=1):
    """Have a vehicle ask by SDP; its datagrams are given to the station as its socket gives them."""
    for _ in range(count):
        session.act(lambda party, now: party.receive_datagram(sdp.Request(0x10).pack(), ("fe80::2", port, 0, 1), now))


def answers(session):
    """To whom the station has answered."""
    return [
        entry.dst
        for entry in session.journal.entries
        if isinstance(entry, FrameEntry) and entry.layer == "sdp" and entry.sender == "SECC"
    ]


def until(condition):
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_real_vehicle_is_answered_at_once_where_nobody_works(listening):
    ask(listening)
    until(lambda: answers(listening) == ["[fe80::2]:4242"])


def test_what_a_cell_has_received_waits_for_it_and_then_is_answered_all_the_same(listening):
    with listening.script():
        waiting = listening.receive("SECC_DiscoveryReq")
        ask(listening)
        assert waiting.result(WAIT).body.TransportProtocol == "TCP"
        time.sleep(0.3)  # longer than a vehicle waits: the cell still runs, and the answer is its own
        assert answers(listening) == []
    until(lambda: answers(listening))
    assert len(answers(listening)) == 1


def test_a_held_answer_goes_out_when_it_is_sent():
    with session_of() as session:
        session.receive("SECC_DiscoveryReq").result(WAIT)
        session.wait(0.6).result(WAIT)
        session.send("SECC_DiscoveryRes").result(WAIT)
        sent = [entry for entry in session.journal.entries if isinstance(entry, FrameEntry)][-1]
        assert (sent.name, sent.time) == ("SECC_DiscoveryRes", session.now)


def test_who_asks_again_while_the_answer_is_held_gets_one_and_another_one_its_own(listening):
    with listening.script():
        waiting = listening.receive("SECC_DiscoveryReq")
        ask(listening, count=3)
        ask(listening, port=4243)
        waiting.result(WAIT)
        assert listening.receive("SECC_DiscoveryReq").result(WAIT).name == "SECC_DiscoveryReq"
        listening.send("SECC_DiscoveryRes", Port=50000).result(WAIT)
        listening.send("SECC_DiscoveryRes").result(WAIT)
        assert answers(listening) == ["[fe80::2]:4242", "[fe80::2]:4243"]
    listening.act(lambda party, now: None)
    assert len(answers(listening)) == 2
    assert listening.sent("SECC_DiscoveryRes").body.Port == listening.party.port


def test_nobody_to_answer_is_waited_for(listening):
    waiting = listening.send("SECC_DiscoveryRes")
    ask(listening)
    assert waiting.result(WAIT).name == "SECC_DiscoveryRes"


def test_a_vehicle_that_needs_no_sdp_ends_the_wait_for_it(listening):
    waiting = listening.receive("SECC_DiscoveryReq")
    with (
        socket.create_connection(("::1", listening.link.port)),
        pytest.raises(SessionError, match="the vehicle has found the station and is connected"),
    ):
        waiting.result(WAIT)
    assert names(listening) == []
