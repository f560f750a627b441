"""Breakpoints of messages, and runs, as scripts write them."""

from __future__ import annotations

import asyncio

import pytest
from notebook import Notebook

from secc_kernel.lua.errors import LuaError, LuaInterrupted
from secc_kernel.lua.options import Vehicle


@pytest.fixture
def lua():
    notebook = Notebook()
    notebook.bench.vehicle = Vehicle(soc=79.8)
    yield notebook
    notebook.bench.close()


def test_a_run_stops_and_the_next_one_goes_on(lua):
    assert lua("return Session.Break('PowerDeliveryRes')") == 1
    how, where = lua("return Session.RunToEnd()")
    index = len(lua.names)
    assert (how, where) == ("stopped", f"stopped before PowerDeliveryRes is sent (message {index}, breakpoint 1)")
    assert lua("return Session.Status().stopped") == where
    lua("Session.Unbreak(1)")
    assert lua("return Session.RunToEnd()")[0] == "terminated"


def test_the_message_is_read_and_changed_where_it_stands(lua):
    lua("Session.Break('SessionSetupRes')")
    assert lua("return Session.RunTo('ServiceDiscoveryReq')").startswith("stopped before SessionSetupRes is sent")
    assert lua("return Secc.Get_SessionSetupRes_EVSEID()") == "DE*SEC*E00001"
    lua("Secc.Set_SessionSetupRes_EVSEID('DE*NEW*E1') Session.RunTo('ServiceDiscoveryReq')")
    assert lua.bench.session.sent("SessionSetupRes").body.EVSEID == "DE*NEW*E1"
    assert lua.bench.session.sent("SessionSetupRes").body.ResponseCode == "OK_NewSessionEstablished"


def test_what_is_changed_at_a_stop_is_that_message(lua):
    lua("Session.Break('CurrentDemandRes', 3) Session.RunToEnd()")
    lua("Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Value(7) Session.RunTo('SessionStopReq')")
    journal = lua.bench.journal
    sent = [journal.message(i) for i, name in enumerate(lua.names) if name == "CurrentDemandRes"]
    assert [message.body.EVSEPresentCurrent.Value == 7 for message in sent[:5]] == [False, False, True, False, False]


def test_after_a_change_at_a_stop_the_message_is_as_it_was_set_before(lua):
    lua("Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Value(5) Session.Break('CurrentDemandRes', 3) Session.RunToEnd()")
    lua("Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Value(7) Secc.Set_CurrentDemandRes_ReceiptRequired(true)")
    assert lua("return Secc.Get_CurrentDemandRes_EVSEPresentCurrent_Value()") == 7
    lua("Secc.Send_CurrentDemandRes_001() Session.RunFor(1)")
    journal = lua.bench.journal
    sent = [journal.message(i).body for i, name in enumerate(lua.names) if name == "CurrentDemandRes"]
    assert [body.EVSEPresentCurrent.Value for body in sent[:5]] == [5, 5, 7, 5, 5]
    assert [body.ReceiptRequired for body in sent[:5]] == [None, None, True, None, None]


def test_receive_and_send_fail_with_the_place_and_what_to_do(lua):
    lua("Session.Break('SessionSetupRes')")
    with pytest.raises(LuaError) as caught:
        lua("Secc.Receive_ServiceDiscoveryReq_001()")
    assert "In[2]:1: stopped before SessionSetupRes is sent (message 3, breakpoint 1)" in caught.value.message
    assert "Session.RunTo or RunToEnd goes on" in caught.value.hint
    lua("Secc.Send_SessionSetupRes_001()")
    assert lua.names[-1] == "SessionSetupRes"


def test_a_table_of_values_is_a_condition(lua):
    lua("Session.Break('AuthorizationRes', {EVSEProcessing='Finished', ResponseCode=ResponseCodeType.OK})")
    lua("Session.RunToEnd()")
    assert lua("return Secc.Get_AuthorizationRes_EVSEProcessing()") == "Finished"
    assert lua.names.count("AuthorizationReq") > 1
    (entry,) = lua.bench.breakpoints.list()
    assert str(entry) == "1: AuthorizationRes, where EVSEProcessing = 'Finished', ResponseCode = 'OK' (met 1 time)"


@pytest.mark.parametrize("as_cell", [False, True])
def test_a_function_is_a_condition(lua, as_cell):
    lua("""
      asked = {}
      Session.Break('CurrentDemandReq', function(fields)
        asked[#asked + 1] = fields.EVTargetCurrent_Value
        return #asked == 3
      end)
    """)
    run = "seen = 7 local how, why = Session.RunToEnd() return how, #asked, asked[1] > 0"
    if as_cell:

        async def cell():
            with lua.bench.script(), lua.engine.interrupts.installed():
                return await lua.engine.run_cell(run, "In[2]")

        assert asyncio.run(cell()) == ("stopped", 3, True)
    else:
        assert lua(run) == ("stopped", 3, True)
    assert lua.names.count("CurrentDemandReq") == 3
    assert lua.names[-1] == "CurrentDemandReq"
    assert lua("return Session.RunToEnd()")[0] == "terminated"


def test_an_error_in_the_condition_is_the_scripts_and_the_session_lives_on(lua):
    lua("Session.Break('ServiceDiscoveryReq', function(fields) return fields.Nothing.here end)")
    with pytest.raises(LuaError, match=r"In\[1\]:1: attempt to index a nil value \(field 'Nothing'\)"):
        lua("Session.RunToEnd()")
    assert lua.names[-1] == "ServiceDiscoveryReq"
    assert lua("return Session.RunToEnd()")[0] == "terminated"


def test_an_endless_condition_is_interrupted_and_the_session_lives_on(lua):
    import threading

    lua.engine.define("begun", lambda: threading.Timer(0.05, lua.engine.interrupt).start())
    lua("Session.Break('ServiceDiscoveryReq', function() begun() while true do end end)")
    with pytest.raises(LuaInterrupted):
        lua("Session.RunToEnd()")
    lua("Session.Unbreak()")
    assert lua("return Session.RunToEnd()")[0] == "terminated"


def test_hits_count(lua):
    lua("Session.Break('CurrentDemandReq', 5)")
    lua("Session.RunToEnd()")
    assert lua.names.count("CurrentDemandReq") == 5
    assert lua("return Session.RunToEnd()")[0] == "terminated"


def test_they_are_listed_taken_away_and_outlive_a_session(lua):
    lua("Session.Break('SessionSetupRes') Session.Break('CurrentDemandReq', {EVTargetCurrent_Value=3}, 2)")
    lua("Session.Open{}")
    first, second = (dict(entry) for _, entry in lua("return Session.Break()"))
    assert first == {"id": 1, "message": "SessionSetupRes", "met": 0}
    assert second == {
        "id": 2,
        "message": "CurrentDemandReq",
        "condition": "EVTargetCurrent_Value = 3",
        "hits": 2,
        "met": 0,
    }
    lua("Session.Unbreak('SessionSetupRes')")
    assert len(lua("return Session.Break()")) == 1
    lua("Session.Unbreak()")
    assert len(lua("return Session.Break()")) == 0
    with pytest.raises(LuaError, match="there is no breakpoint 1; there is none"):
        lua("Session.Unbreak(1)")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("Session.Break('CurrentDemandRez')", "there is no message 'CurrentDemandRez'; did you mean CurrentDemandRe"),
        ("Session.Break(5)", "there is no message 5"),
        ("Session.Break('CurrentDemandRes', {EVSEPresentVoltag_Value=3})", "did you mean EVSEPresentVoltage_Value?"),
        ("Session.Break('CurrentDemandRes', {EVSEPresentVoltage_Value='x'})", "takes a whole number"),
        ("Session.Break('CurrentDemandRes', 'x')", "takes a table of field values or a function"),
        ("Session.Break('CurrentDemandRes', nil, 0)", "a number from 1, not 0"),
        ("Session.RunUntil()", "takes a function"),
        ("Session.RunUntil(5)", "takes a function"),
        ("Session.RunFor('long')", "takes a number of seconds, not 'long'"),
    ],
)
def test_mistakes(lua, cell, text):
    with pytest.raises(LuaError) as caught:
        lua(cell)
    assert text in caught.value.message


def test_runs_for_some_time_and_until_a_function_says_so(lua):
    lua("Session.RunTo('CurrentDemandReq')")
    at = lua.bench.session.now
    assert lua("return Session.RunFor(1.5)") is None
    assert lua.bench.session.now == pytest.approx(at + 1.5)
    lua("""
      messages = 0
      Session.RunUntil(function(fields, message)
        messages = messages + 1
        return message == 'CurrentDemandRes' and fields.EVSEPresentCurrent_Value > 100
      end)
    """)
    assert lua.names[-1] == "CurrentDemandRes"
    assert lua.bench.session.sent("CurrentDemandRes").body.EVSEPresentCurrent.Value > 100
    assert lua("return messages") > 1
    assert lua("return Session.RunUntil(function() end)")[0] == "terminated"
    assert lua("Session.RunTo('CurrentDemandReq') Ev.Stop() return Session.RunFor(100)")[0] == "terminated"
