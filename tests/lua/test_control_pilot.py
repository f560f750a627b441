"""Both ends of the control pilot in a script's hands."""

from __future__ import annotations

import time

import pytest
from board import Board
from notebook import Notebook

from secc_kernel.lua.errors import LuaError
from secc_kernel.lua.options import Vehicle


@pytest.fixture
def lua():
    notebook = Notebook()
    notebook.bench.vehicle = Vehicle(soc=79.8)
    yield notebook
    notebook.bench.close()


def wire(lua):
    journal = lua.bench.session.journal
    return [entry.new for entry in journal.entries if entry.kind == "state" and entry.machine == "control pilot"]


def rules(lua):
    return [finding.rule for finding in lua.bench.session.journal.findings]


def test_a_charge_is_seen_on_the_wire(lua):
    assert lua("return Session.ControlPilot().text") == "A"
    assert lua("return Session.RunToPilot('C')")
    assert lua.bench.session.party.progress.state == "ChargeParameterDiscoveryRes(Finished)"
    assert lua.runs[-1].outcome == "the control pilot is in C 5 %"
    lua("Session.RunToEnd()")
    assert wire(lua) == ["B", "B 5 %", "C 5 %", "B 5 %", "B"]
    assert rules(lua) == []


def test_a_vehicle_that_goes_to_b_in_the_charge_gets_no_more_energy(lua):
    lua("Session.RunTo('CurrentDemandReq') Session.RunFor(2)")
    energy = lua.bench.session.party.station.energy
    assert lua("return Ev.ControlPilot('B').text") == "B 5 %"
    lua("Session.RunFor(10)")
    assert rules(lua) == ["control-pilot"]
    assert lua.bench.session.party.station.energy == pytest.approx(energy, abs=15)
    how = lua("return (Session.RunToEnd())")
    assert how == "terminated"  # the vehicle does not ask for ever
    assert rules(lua) == ["control-pilot", "no-current"]


def test_a_vehicle_that_never_goes_to_c_is_refused_and_the_next_one_is_not(lua):
    lua("Session.RunTo('ChargeParameterDiscoveryReq') Ev.ControlPilot('B') Session.RunToEnd()")
    assert "C 5 %" not in wire(lua)
    assert "control-pilot" in rules(lua)
    assert lua("return Session.RunToPilot('C')")


def test_the_vehicle_can_have_its_end_back(lua):
    lua("Session.RunTo('SessionSetupReq') Ev.ControlPilot('D') Ev.ControlPilot('auto') Session.RunToEnd()")
    assert wire(lua) == ["B", "B 5 %", "D 5 %", "B 5 %", "B"]


def test_an_error_of_the_station_ends_the_vehicles_session(lua):
    lua("Session.RunTo('CurrentDemandReq')")
    assert lua("return Session.ControlPilot{error='F'}.state") == "F"
    how, _ = lua("return Session.RunToEnd()")
    assert how == "aborted"
    assert wire(lua)[3] == "F"


def test_a_state_that_does_not_come(lua):
    came, why = lua("return Session.RunToPilot('D', 1)")
    assert came is False
    assert why.startswith("1 s have passed, and the control pilot is in ")
    lua("Session.RunTo('CurrentDemandReq')")
    came, why = lua("return Session.RunToPilot('D', 2000)")
    assert came is False
    assert why.startswith("the session has ended (terminated")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("Session.ControlPilot(5)", "takes a table with duty or error"),
        ("Session.ControlPilot{dutty=5}", "did you mean duty"),
        ("Session.ControlPilot{duty=0}", "more than 0 and at most 100"),
        ("Session.ControlPilot{error='C'}", "error is 'E', 'F' or false"),
        ("Session.ControlPilot{duty=5, error='E'}", "takes duty or error"),
        ("Ev.ControlPilot('E')", "takes 'A', 'B', 'C', 'D' or 'auto'"),
        ("Ev.ControlPilot('C')", "no vehicle is plugged in"),
        ("Session.RunToPilot('G')", "takes a state"),
        ("Session.RunToPilot('C', -1)", "takes a number of seconds"),
        ("Session.Open{pilot='/dev/ttyACM0'}", "the simulated link has a control pilot of its own"),
        ("Session.Open{link='tcp', pilot='/dev/nowhere'}", "there is no /dev/nowhere"),
        ("Session.Open{slac=false} Session.ControlPilot()", "no control pilot is attached"),
    ],
)
def test_what_cannot_be(lua, call, text):
    with pytest.raises(LuaError, match=text):
        lua(call)


def test_a_session_with_a_board(lua, tmp_path):
    board = Board(tmp_path)
    try:
        lua(f"Session.Open{{link='tcp', pilot='{board.path}'}}")
        assert lua("return Session.ControlPilot{duty=7}.text") == "A 7 %"
        board.set("B")
        assert lua("return Session.RunToPilot('B', 20)")
        with pytest.raises(LuaError, match="is a real one and moves it"):
            lua("Ev.ControlPilot('C')")
        lua("Session.Close()")
        end = time.monotonic() + 20
        while board.driven[-1:] != ["DUTY 100.0"]:
            assert time.monotonic() < end, board.lines
            time.sleep(0.01)
    finally:
        board.close()
