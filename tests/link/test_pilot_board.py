"""A control pilot board on a pseudo-terminal, and sessions that have one."""

from __future__ import annotations

import sys
import time

import pytest
from board import Board

from secc_kernel.link import pilot_board
from secc_kernel.link.live import LiveSession
from secc_kernel.link.net import LinkError
from secc_kernel.link.pilot_board import BoardedLink, PilotBoard
from secc_kernel.link.tcp import TcpStation, TcpVehicle
from secc_kernel.session.control_pilot import ControlPilot
from secc_kernel.session.secc import SECC
from secc_kernel.session.station import Station
from secc_kernel.vehicle import SimulatedEV

WAIT = 20.0


@pytest.fixture
def board(tmp_path):
    boards = []

    def make(end="EVSE"):
        folder = tmp_path / end
        folder.mkdir()
        boards.append(Board(folder, end))
        return boards[-1]

    yield make
    for made in boards:
        made.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(pilot_board, "_BEAT", 0.05)
    monkeypatch.setattr(pilot_board, "_GREETING", 0.05)
    monkeypatch.setattr(pilot_board, "_SETTLED", 0.3)


def boarded(board, link):
    (party,) = link.parties.values()
    pilot = ControlPilot(party.journal)
    return BoardedLink(link, PilotBoard(str(board.path), pilot, party.role, party.journal)), pilot


def station_at(board):
    quick = Station(authorization_time=0.0, parameter_time=0.0, isolation_time=0.0, voltage_rate=1e5, current_rate=1e5)
    link, pilot = boarded(board, TcpStation(SECC(quick)))
    return LiveSession(link), pilot


def until(condition, what):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.01)


def changes(session):
    return [e.new for e in session.journal.entries if e.kind == "state" and e.machine == "control pilot"]


def findings(session):
    return [f"{f.rule}: {f.text}" for f in session.journal.findings]


def test_a_vehicle_that_plugs_in_is_asked_to_talk_and_one_that_leaves_is_not(board):
    device = board()
    session, pilot = station_at(device)
    with session:
        until(lambda: device.driven, "a duty")
        assert device.driven == ["DUTY 100.0"]
        device.set("B")
        until(lambda: device.driven[-1:] == ["DUTY 5.0"], "5 %")
        until(lambda: pilot.text == "B 5 %", "B 5 %")
        device.set("A")
        until(lambda: device.driven[-1:] == ["DUTY 100.0"], "the end of the oscillation")
        assert changes(session) == ["B", "B 5 %", "A 5 %", "A"]
        assert findings(session) == []
        assert "test board 1.0, the end EVSE" in str([e for e in session.journal.entries if e.kind == "note"])


def test_a_charge_with_a_board_at_each_end(board):
    """The vehicle's board is wired to the station's: what one drives the other measures."""
    ours, theirs = board("EVSE"), board("EV")
    session, _ = station_at(ours)
    with session:
        vehicle = SimulatedEV(soc=79.9999, pace=lambda name, previous: 0.05)  # boards need their time
        link, _ = boarded(theirs, TcpVehicle(vehicle, host="::1", port=session.link.link.port))
        with LiveSession(link, side="EVCC") as car:
            session.run_to_end()
            ended = car.run_to_end()
            seen = 0
            end = time.monotonic() + WAIT
            while not ended.done() and time.monotonic() < end:
                for state in [entry.split()[1] for entry in theirs.driven[seen:]]:
                    ours.set(state=state)
                    seen += 1
                duty = ours.driven[-1].split() if ours.driven else ["DUTY", "100.0"]
                theirs.set(**({"state": "A", "duty": float(duty[1])} if duty[0] == "DUTY" else {"state": duty[1]}))
                time.sleep(0.01)
            assert ended.result(WAIT).how == "terminated"
        assert [line for line in theirs.driven if line != "STATE A"] == ["STATE B", "STATE C", "STATE B"]
        assert "C 5 %" in changes(session)


def test_what_a_script_drives_goes_to_the_board_at_once(board):
    device = board()
    session, pilot = station_at(device)
    with session:
        session.act(lambda party, now: pilot.set_error("F", now))
        until(lambda: device.driven[-1:] == ["ERROR F"], "F")
        session.act(lambda party, now: pilot.set_duty(10, now))
        until(lambda: device.driven[-1:] == ["DUTY 10.0"], "10 %")
    until(lambda: device.driven[-1:] == ["DUTY 100.0"], "the safe end")


def test_a_board_that_is_pulled_out_and_comes_back_is_told_and_taken_up_again(board):
    device = board()
    session, pilot = station_at(device)
    with session:
        device.set("B")
        until(lambda: pilot.text == "B 5 %", "B 5 %")
        device.pull_out()
        until(lambda: findings(session), "the finding")
        assert "was unplugged" in findings(session)[0]
        device.state = "C"
        device.driven.clear()
        device.plug_in()
        until(lambda: pilot.state == "C", "the new state")
        until(lambda: device.driven[:1] == ["DUTY 5.0"], "what is wanted")
        assert len(findings(session)) == 1
        assert any("is back" in e.text for e in session.journal.entries if e.kind == "note")


def test_a_board_that_falls_silent_is_told(board, monkeypatch):
    monkeypatch.setattr(pilot_board, "_SILENCE", 0.3)
    device = board()
    session, pilot = station_at(device)
    with session:
        device.silent = True
        until(lambda: findings(session), "the finding")
        assert "has said nothing for 0.3 s" in findings(session)[0]
        device.silent = False
        device.state = "B"
        until(lambda: pilot.state == "B", "the new state")


def test_what_the_board_measures_otherwise_than_asked_for_is_told_once(board):
    device = board()
    device.measured_duty = 7.5
    session, _ = station_at(device)
    with session:
        device.set("B")
        until(lambda: device.set("B") or findings(session), "the finding")
        for _ in range(20):
            device.set("B")
            time.sleep(0.02)
        assert findings(session) == [
            "control-pilot.board: the control pilot board measures a duty of 7.5 %, and the station's is 5 %"
        ]


def test_a_short_circuit_is_told(board):
    device = board()
    session, _ = station_at(device)
    with session:
        until(lambda: device.set("E") or findings(session), "the finding")
        assert "is the wire shorted?" in findings(session)[0]


def test_noise_on_the_line_does_no_harm_and_is_told_once(board):
    device = board()
    session, pilot = station_at(device)
    with session:
        device.raw(b"\xff\x00garbage\nPILOT C 5.0*00\n" * 20)
        device.set("B")
        until(lambda: pilot.state == "B", "the state")
        assert len(findings(session)) == 1
        assert "what is no line of it" in findings(session)[0]


def test_a_vehicles_end_hears_duty_and_errors(board):
    device = board("EV")
    link, pilot = boarded(device, TcpVehicle(SimulatedEV(), host="::1", port=1))
    with LiveSession(link, side="EVCC") as session:
        device.set(duty=5.0)
        until(lambda: pilot.digital, "5 %")
        device.set(duty=5.2)  # jitter
        device.set(state="F")
        until(lambda: pilot.state == "F", "F")
        device.set(state="A", duty=16.0)
        until(lambda: pilot.duty == 16.0, "16 %")
        assert changes(session) == ["A 5 %", "F", "A 16 %"]


def test_what_cannot_be_opened_says_what_to_do(board, tmp_path, monkeypatch):
    journalled = TcpStation(SECC())

    def opening(path, role="SECC"):
        device = PilotBoard(str(path), ControlPilot(), role, journalled.parties["SECC"].journal)
        return LiveSession(BoardedLink(TcpStation(SECC()), device))

    with pytest.raises(LinkError, match=r"there is no .*nowhere; this machine has"):
        opening("/dev/nowhere")
    with pytest.raises(LinkError, match="is the end EV; the SECC needs one that is EVSE"):
        opening(board("EV").path)
    monkeypatch.setattr(pilot_board, "_PATIENCE", 0.3)
    mute = board()
    mute.silent = True
    with pytest.raises(LinkError, match=r"nothing at .* answers as a control pilot board within 0.3 s"):
        opening(mute.path)
    mute.silent = False
    session, _ = station_at(mute)
    with session, pytest.raises(LinkError, match="is in use"):
        opening(mute.path)
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(LinkError, match=r"pip install secc-kernel\[serial\]"):
        opening(mute.path)
