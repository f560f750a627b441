"""The tables ``Session`` and ``Ev``: what they say when there is nothing to do, and what the station is told."""

from __future__ import annotations

import threading

import pytest
from notebook import Notebook

from secc_kernel.lua.errors import LuaError, LuaInterrupted
from secc_kernel.lua.options import Options, Vehicle


@pytest.fixture
def lua():
    notebook = Notebook()
    notebook.bench.vehicle = Vehicle(soc=79.8)
    yield notebook
    notebook.bench.close()


@pytest.mark.parametrize("call", ["Ev.Stop()", "Ev.Pause()", "Ev.Renegotiate()"])
def test_a_vehicle_that_is_not_there_cannot_be_told_anything(lua, call):
    with pytest.raises(LuaError, match="no vehicle is plugged in") as caught:
        lua(call)
    assert "Session.RunTo('CurrentDemandReq')" in caught.value.hint
    lua("Session.RunToEnd()")
    with pytest.raises(LuaError, match=r"the session has ended \(terminated\): the vehicle ended the session"):
        lua(call)
    lua(f"Session.RunTo('CurrentDemandReq') {call}")


def test_after_the_end_an_error_says_how_to_go_on(lua):
    lua("Secc.Receive_SessionSetupReq_001() Session.Wait(3)")
    with pytest.raises(LuaError, match=r"the session ended \(aborted\).*the script held SessionSetupReq") as caught:
        lua("Secc.Receive_ServiceDiscoveryReq_001()")
    assert "Session.RunTo(…) or Receive begins a new session" in caught.value.hint
    assert "Ev.Plug{}" in caught.value.hint
    lua("Secc.Receive_ServiceDiscoveryReq_001()")
    assert lua.names.count("SessionSetupReq") == 2


def test_the_advice_is_for_the_link(lua):
    lua.bench.options = Options(link="tcp", side="EVCC", host="::1", port=9)
    with pytest.raises(LuaError, match="Connection refused") as caught:
        lua("Session.RunTo('SessionSetupReq')")
    assert "Session.RunTo(…) or Receive connects to the station again" in caught.value.hint
    assert "Ev.Plug" not in caught.value.hint


def test_a_wait_in_which_the_vehicle_gives_up_says_so(lua):
    lua("Session.RunTo('PreChargeReq') Session.Wait(1)")
    assert len(lua.runs) == 1
    lua("Session.Wait(30)")
    assert lua.runs[-1].what == "Wait 30 s"
    assert lua.runs[-1].outcome.startswith("the EV gave up after 1 s: the EVCC closed the connection")
    lua("Session.Wait(1)")
    assert len(lua.runs) == 2  # told already


def test_a_run_that_fails_shows_what_it_did(lua):
    with pytest.raises(LuaError, match="CurrentDemandReq cannot come any more"):
        lua("Ev.Plug{mode='AC'} Session.RunTo('CurrentDemandReq')")
    (run,) = lua.runs
    assert (run.what, run.outcome) == ("RunTo CurrentDemandReq", "it did not come to that")
    frames = [entry for entry in run.journal.entries[run.first : run.last] if entry.kind == "frame"]
    assert len(frames) > 5
    with pytest.raises(LuaError, match="cannot come any more"):
        lua("Session.RunTo('CurrentDemandReq')")
    assert len(lua.runs) == 1  # nothing was exchanged: the error says all


def test_a_real_link_says_once_where_it_waits(lua):
    place = lua("return Session.Open{link='tcp', host='::1', port=0}")
    for _ in range(2):
        with pytest.raises(LuaInterrupted, match=r"while it waited in Secc\.Receive_SessionSetupReq_001"):
            threading.Timer(0.2, lua.engine.interrupt).start()
            lua("Secc.Receive_SessionSetupReq_001()")
    assert [(run.what, run.outcome) for run in lua.runs] == [("Receive SessionSetupReq", f"listening at {place}")]


def test_the_turn_is_said_before_what_is_missing(lua):
    lua("Session.RunTo('PreChargeReq')")
    with pytest.raises(LuaError, match="PreChargeReq is yours: CurrentDemandRes would be out of turn") as caught:
        lua("Secc.Send_CurrentDemandRes_001()")
    assert "it lacks ResponseCode" in caught.value.message
    lua("Secc.Send_CableCheckRes_001()")
    assert lua.names[-2:] == ["PreChargeReq", "CableCheckRes"]


def test_closing_forgets_what_was_chosen(lua):
    lua("Session.Protocol('din') Ev.Profile('hybrid') Session.Autopilot(false) Session.Station{maximum_current=99}")
    lua("Session.Break('SessionStopReq') Session.Open{} Session.Close()")
    assert lua("return Ev.Profile(), Session.Autopilot(), Session.Station().maximum_current") == ("compact", True, 400)
    assert len(lua("return Session.Break()")) == 1
    lua("Session.Unbreak() Ev.Plug{soc=79.9} Secc.Receive_SessionSetupReq_001()")
    assert lua("return Session.Protocol()") == "iso2"


def test_the_station_is_set_up(lua):
    settings = dict(lua("return Session.Station{maximum_current=32, energy_transfer_modes={'DC_core'}}"))
    assert settings["maximum_current"] == 32
    assert [mode for _, mode in settings["energy_transfer_modes"]] == ["DC_core"]
    lua("Session.RunTo('PreChargeReq')")
    told = lua.bench.session.sent("ChargeParameterDiscoveryRes").body.EVSEChargeParameter
    assert told.EVSEMaximumCurrentLimit.Value == 320
    offered = lua.bench.session.sent("ServiceDiscoveryRes").body.ChargeService.SupportedEnergyTransferMode
    assert offered.EnergyTransferMode == ["DC_core"]
    # At once, while the session runs.
    lua("Session.RunTo('CurrentDemandReq') Session.Station{notification='StopCharging'}")
    how, why = lua("return Session.RunToEnd()")
    assert (how, "StopCharging" in why) == ("terminated", True)
    # And in the sessions that are opened later.
    lua("Session.Station{notification='None', authorization_time=false} Session.Open{}")
    assert lua("return Session.Station().authorization_time") is False
    lua("Session.RunFor(5)")
    assert lua.names[-1] == "AuthorizationRes"
    assert lua.last.message.body.EVSEProcessing == "Ongoing_WaitingForCustomerInteraction"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("{maximum_curent=3}", "has no setting 'maximum_curent'; did you mean maximum_current?"),
        ("{services={}}", "has no setting 'services'"),
        ("{maximum_current='x'}", "maximum_current is a number from 0, not 'x'"),
        ("{maximum_current=1/0}", "maximum_current is a number from 0"),
        ("{authorization_time=true}", "authorization_time is a number from 0 or false, not true"),
        ("{free=1}", "free is true or false, not 1"),
        ("{EVSEID=5}", "EVSEID is a string, not 5"),
        ("{energy_transfer_modes={}}", "is a list of one or more"),
        ("{energy_transfer_modes={'DC_cor'}}", "takes no 'DC_cor'; did you mean 'DC_core'?"),
        ("{payment_options='Cash'}", "takes no 'Cash'; it takes Contract, ExternalPayment"),
        ("{notification='Stop'}", "takes no 'Stop'"),
        ("'sim'", "takes a table of settings"),
    ],
)
def test_settings_that_make_no_sense(lua, given, text):
    before = dict(lua("return Session.Station()"))
    with pytest.raises(LuaError) as caught:
        lua(f"Session.Station({given})")
    assert text in caught.value.message
    assert repr(dict(lua("return Session.Station()"))) == repr(before)


def test_a_real_station_sets_itself_up(lua):
    lua.bench.options = Options(link="tcp", side="EVCC", host="::1", port=9)
    lua("Session.Open{}")
    with pytest.raises(LuaError, match="is a real one and sets itself up"):
        lua("Session.Station{free=false}")


def test_a_request_that_the_script_holds_is_not_without_a_response(lua):
    lua("Session.RunTo('ServiceDiscoveryReq')")
    assert lua.bench.journal.timing().verdict.tolist()[-1] == "not answered yet"
    journal = lua.bench.journal
    lua("Session.Close()")
    assert journal.timing().verdict.tolist()[-1] == "no response"


def test_the_journal_says_that_a_session_was_closed(lua):
    lua("Session.RunTo('ServiceDiscoveryReq')")
    journal = lua.bench.journal
    lua("Session.Close()")
    last = [entry for entry in journal.entries if entry.kind == "state"][-1]
    assert (last.machine, last.old, last.new) == ("session", "SessionSetupRes", "closed")


def test_what_no_station_can_mean_is_a_finding(lua):
    lua("Session.RunTo('CurrentDemandReq') Session.RunFor(1)")
    lua("Secc.Set_CurrentDemandRes_EVSEPresentVoltage_Value(9990)")
    lua("Secc.Set_CurrentDemandRes_EVSEPresentVoltage_Unit(UnitSymbolType.Unit_A)")
    lua("Secc.Receive_CurrentDemandReq_001() Secc.Send_CurrentDemandRes_001()")
    found = {finding.rule: finding.text for finding in lua.bench.journal.findings if finding.rule.startswith("values.")}
    assert found.keys() == {"values.unit", "values.voltage"}
    assert "EVSEPresentVoltage is in A, and belongs in V" in found["values.unit"]
    assert "EVSEPresentVoltage is 999 V" in found["values.voltage"]


def test_what_a_station_may_say_is_none(lua):
    lua("Session.RunTo('CurrentDemandReq') Secc.Set_CurrentDemandRes_EVSEPresentVoltage_Value(3300) Session.RunToEnd()")
    assert not [finding for finding in lua.bench.journal.findings if finding.rule.startswith("values.")]


@pytest.mark.parametrize("name", ["Secc", "EVCC", "Session", "Ev"])
def test_a_table_of_the_api_cannot_be_lost(lua, name):
    lua(f"before = {name}")
    assert lua(f"{name} = 5 return {name}") == 5
    assert lua(f"{name} = nil return {name} == before") is True
    lua("Secc.Receive_SessionSetupReq_001() Session.RunToEnd()")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            "link='sim', interface='eth9'",
            "interface= belongs to link='tcp' or 'plc' or 'listen', and this is link='sim'",
        ),
        ("mac='020000000001'", "mac= belongs to link='plc', and this is link='sim'"),
        ("link='tcp', key='00112233445566778899AABBCCDDEEFF'", "key= belongs to link='plc'"),
    ],
)
def test_an_option_of_another_link_is_not_passed_over(lua, given, text):
    with pytest.raises(LuaError, match=text):
        lua(f"Session.Open{{{given}}}")
    lua.bench.options = Options(interface="eth9")  # what the command line said is for its own link
    lua("Session.Open{link='sim'}")


def test_what_is_known_of_the_cause_is_told_when_nothing_comes(lua):
    with pytest.raises(LuaError, match=r"no connection to the station: .*nobody listens there"):
        lua("Secc.Set_SECC_DiscoveryRes_Port(1) Session.RunTo('SessionSetupReq')")
    with pytest.raises(LuaError, match=r"the control pilot is in state F.*error=false"):
        lua("Session.Open{} Session.ControlPilot{error='F'} Session.RunTo('CM_SLAC_PARM_REQ')")
    lua("Session.ControlPilot{error=false} Session.RunTo('CM_SLAC_PARM_REQ')")


def test_an_end_tells_why_the_vehicle_had_gone(lua):
    lua("Session.RunTo('CurrentDemandReq') Session.ControlPilot{error='E'}")
    how, why = lua("return Session.RunToEnd()")
    assert how == "aborted"
    assert why.startswith("V2G_SECC_Sequence_Timeout")
    assert why.endswith("the station signals state E or F on the control pilot")


def test_a_matching_that_is_left_tells_why(lua):
    _, why = lua("Secc.Set_CM_SLAC_PARM_CNF_RunID('0000000000000000') return Session.RunToEnd()")
    assert "C_conn_max_match" in why
    assert "no EV has begun matching within TT_EVSE_SLAC_init" in why
