"""Scripts below V2G: SLAC and SDP by the same functions as the messages of a session."""

from __future__ import annotations

import re

import pytest
from notebook import Notebook

from secc_kernel.lua.errors import LuaError
from secc_kernel.lua.options import Options, Vehicle
from secc_kernel.session.journal import FindingEntry, FrameEntry
from secc_kernel.views.run import run as run_view
from secc_kernel.wire.homeplug import nid_of


@pytest.fixture
def lua():
    notebook = Notebook()
    notebook.bench.vehicle = Vehicle(soc=79.9)
    yield notebook
    notebook.bench.close()


def sent(lua, name):
    """The entries of the messages of a name."""
    return [e for e in lua.bench.journal.entries if isinstance(e, FrameEntry) and e.layer != "v2gtp" and e.name == name]


def test_a_charger_s_script(lua):
    lua("Secc.Receive_CM_SLAC_PARM_REQ_001()")
    (request,) = sent(lua, "CM_SLAC_PARM_REQ")
    assert lua("return Secc.Get_CM_SLAC_PARM_REQ_RunID()") == request.message.body.RunID.hex().upper()
    lua("Secc.Set_CM_SLAC_PARM_CNF_NumSounds(8) Secc.Send_CM_SLAC_PARM_CNF_001()")
    (confirmed,) = sent(lua, "CM_SLAC_PARM_CNF")
    assert confirmed.message.body.NumSounds == 8
    assert "NumSounds" not in confirmed.auto
    assert "RunID" in confirmed.auto
    assert (
        lua("""
        local left = {}
        for i = 1, 8 do
          Secc.Receive_CM_MNBC_SOUND_IND_001()
          left[i] = Secc.Get_CM_MNBC_SOUND_IND_Cnt()
        end
        return table.concat(left, ' ')
    """)
        == "7 6 5 4 3 2 1 0"
    )
    lua("Session.RunTo('CM_SLAC_MATCH_REQ')")
    lua("Secc.Set_CM_SLAC_MATCH_CNF_NMK('00112233445566778899AABBCCDDEEFF') Secc.Send_CM_SLAC_MATCH_CNF_001()")
    (matched,) = sent(lua, "CM_SLAC_MATCH_CNF")
    assert nid_of(bytes.fromhex("00112233445566778899AABBCCDDEEFF")) == matched.message.body.NID
    lua("Secc.Receive_SECC_DiscoveryReq_001()")
    assert lua("return Secc.Check_SECC_DiscoveryReq_Security(Security.NoTransportLayerSecurity)") is True
    assert lua("return Secc.Check_Received_SECC_DiscoveryReq(), Secc.Check_Received_CM_VALIDATE_REQ()") == (True, False)
    lua("Secc.Set_SECC_DiscoveryRes_TransportProtocol(TransportProtocol.TCP) Secc.Send_SECC_DiscoveryRes_001()")
    assert lua("return Session.RunToEnd()")[0] == "terminated"


def test_a_vehicle_s_script(lua):
    lua.bench.options = Options(side="EVCC")
    lua("""
        Evcc.Set_CM_SLAC_PARM_REQ_RunID('0102030405060708')
        Evcc.Receive_CM_SLAC_PARM_CNF_001()
        assert(Evcc.Get_CM_SLAC_PARM_CNF_RunID() == '0102030405060708')
        Evcc.Send_CM_START_ATTEN_CHAR_IND_001()
        Evcc.Receive_SECC_DiscoveryRes_001()
    """)
    assert len(sent(lua, "CM_START_ATTEN_CHAR_IND")) == 3
    assert lua("return Evcc.Get_SECC_DiscoveryRes_IPAddress(), Evcc.Get_SECC_DiscoveryRes_Port()") == ("fe80::1", 49152)
    assert lua("return Session.RunToEnd()")[0] == "terminated"


@pytest.mark.parametrize("side", ["SECC", "EVCC"])
def test_the_handshake_is_a_message_as_all_others(lua, side):
    lua.bench.options = Options(side=side)
    if side == "SECC":
        lua("""
            Secc.Receive_supportedAppProtocolReq_001()
            assert(Secc.Get_supportedAppProtocolReq_AppProtocol_Count() > 0)
            Secc.Set_supportedAppProtocolRes_SchemaID(Secc.Get_supportedAppProtocolReq_AppProtocol_SchemaID(0))
            Secc.Send_supportedAppProtocolRes_001()
        """)
    else:
        lua("""
            Evcc.Send_supportedAppProtocolReq_001()
            Evcc.Receive_supportedAppProtocolRes_001()
            assert(Evcc.Check_supportedAppProtocolRes_ResponseCode(ResponseCodeType.OK_SuccessfulNegotiation))
        """)
    lua("Session.RunTo('ServiceDiscoveryReq')")


def test_what_is_set_stays_set_and_the_autopilot_sends_with_it(lua):
    lua("Secc.Set_CM_SLAC_PARM_CNF_NumSounds(5) Session.RunToEnd()")
    assert len(sent(lua, "CM_MNBC_SOUND_IND")) == 5
    lua("Session.RunTo('SessionSetupReq')")  # the next session: it is forgotten
    assert len(sent(lua, "CM_MNBC_SOUND_IND")) == 15


def test_what_a_cell_receives_and_sends_is_shown_one_by_one(lua):
    shown = []
    lua.bench.on_exchange = shown.append
    lua("for i = 1, 3 do Secc.Receive_CM_MNBC_SOUND_IND_001() end Secc.Send_CM_ATTEN_CHAR_IND_001()")
    assert [entry.name for entry in shown] == [*["CM_MNBC_SOUND_IND"] * 3, "CM_ATTEN_CHAR_IND"]
    assert [entry.message.body.Cnt for entry in shown[:3]] == [9, 8, 7]


def test_run_until_and_breakpoints_know_them(lua):
    lua("Session.RunUntil(function(fields, message) return message == 'CM_SLAC_MATCH_REQ' end)")
    assert not sent(lua, "CM_SLAC_MATCH_CNF")
    lua("Session.Break('SECC_DiscoveryRes', {Port = 49152})")
    assert "before SECC_DiscoveryRes is sent" in lua("return Session.RunTo('SessionSetupReq')")
    lua("Secc.Set_SECC_DiscoveryRes_Security(0x20)")
    assert lua("return Secc.Get_SECC_DiscoveryRes_Security()") == 0x20
    lua("Session.Unbreak() Secc.Set_SECC_DiscoveryRes_Security('NoTransportLayerSecurity')")
    lua("Session.RunTo('SessionSetupReq')")


def test_a_condition_of_wrong_fields_is_refused(lua):
    with pytest.raises(LuaError, match="CM_SLAC_PARM_CNF has no field NumSound; did you mean NumSounds"):
        lua("Session.Break('CM_SLAC_PARM_CNF', {NumSound = 3})")


def test_the_autopilot_off_wants_every_field(lua):
    lua("Secc.Receive_CM_SLAC_PARM_REQ_001() Session.Autopilot(false)")
    with pytest.raises(LuaError, match=r"CM_SLAC_PARM_CNF cannot be sent: it lacks .*NumSounds") as caught:
        lua("Secc.Send_CM_SLAC_PARM_CNF_001()")
    assert "Secc.Set_CM_SLAC_PARM_CNF_NumSounds" in caught.value.hint
    lua("""
        Secc.Set_CM_SLAC_PARM_CNF_MSoundTarget('FFFFFFFFFFFF')
        Secc.Set_CM_SLAC_PARM_CNF_NumSounds(10)
        Secc.Set_CM_SLAC_PARM_CNF_TimeOut(6)
        Secc.Set_CM_SLAC_PARM_CNF_RespType(1)
        Secc.Set_CM_SLAC_PARM_CNF_ForwardingSTA('020000000001')
        Secc.Set_CM_SLAC_PARM_CNF_ApplicationType(0)
        Secc.Set_CM_SLAC_PARM_CNF_SecurityType(0)
        Secc.Set_CM_SLAC_PARM_CNF_RunID(Secc.Get_CM_SLAC_PARM_REQ_RunID())
        Secc.Send_CM_SLAC_PARM_CNF_001()
        Secc.Receive_CM_START_ATTEN_CHAR_IND_001()
    """)


@pytest.mark.parametrize("ask", ["Session.RunTo('SessionSetupReq')", "Secc.Receive_SessionSetupReq_001()"])
def test_a_station_that_is_not_understood_gets_no_second_plug_in(lua, ask):
    lua("Secc.Receive_CM_SLAC_PARM_REQ_001() Secc.Set_CM_SLAC_PARM_CNF_RunID('0000000000000000')")
    with pytest.raises(LuaError, match=r"SessionSetupReq did not come: .*matching has failed 3 times"):
        lua(f"Secc.Send_CM_SLAC_PARM_CNF_001() {ask}")
    assert not sent(lua, "CM_SLAC_MATCH_CNF")
    lua(ask)  # another one, without what was set, where it is asked for
    assert sent(lua, "CM_SLAC_MATCH_CNF")


@pytest.mark.parametrize("script", ["Evcc.Set_CM_SLAC_MATCH_REQ_EVSEMAC('112233445566')",
                                    "Evcc.Set_CM_ATTEN_CHAR_RSP_Result(1)"])  # fmt: skip
@pytest.mark.parametrize("name", ["CM_SLAC_MATCH_CNF", "SECC_DiscoveryReq", "SessionSetupReq"])
def test_a_vehicle_that_is_not_understood_gets_no_second_plug_in(lua, script, name):
    lua.bench.options = Options(side="EVCC")
    with pytest.raises(LuaError, match=f"{name} did not come: .*does not answer CM_SLAC_MATCH.REQ"):
        lua(f"{script} Session.RunTo('{name}')")
    assert not sent(lua, "CM_SLAC_MATCH_CNF")
    assert not [entry for entry in lua.bench.journal.entries if getattr(entry, "rule", "") == "internal"]


def test_a_handshake_that_fails_is_not_tried_again_without_what_was_set(lua):
    with pytest.raises(LuaError, match=r"SessionSetupReq did not come: .*Failed_NoNegotiation"):
        lua("Secc.Set_supportedAppProtocolRes_ResponseCode('Failed_NoNegotiation') Session.RunTo('SessionSetupReq')")


@pytest.mark.parametrize(("side", "said"), [("SECC", "the EV gave up after 12.5 s: no SDP response to 50 requests"),
                                            ("EVCC", "the EV gave up after 20 s: V2G_EVCC_Comm")])  # fmt: skip
def test_a_wait_tells_who_gave_up_before_there_was_a_connection(lua, side, said):
    lua.bench.options = Options(side=side)
    lua("Session.RunTo('SECC_DiscoveryReq') Session.Wait(30)")
    assert lua.runs[-1].outcome.startswith(said)


@pytest.mark.parametrize("side", ["SECC", "EVCC"])
def test_what_the_own_modem_is_told_after_a_session_is_nobody_s_turn(lua, side):
    lua.bench.options = Options(side=side)
    lua("Session.RunTo('SessionSetupReq') Ev.Unplug()")
    assert lua("return Session.Status().waiting") is None


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("Secc.Set_CM_SLAC_PARM_CNF_NumSounds(300)", "takes a whole number from 0 to 255, not 300"),
        ("Secc.Set_CM_SLAC_PARM_CNF_RunID('00')", "(8 bytes), not '00'"),
        ("Secc.Set_SECC_DiscoveryRes_IPAddress('here')", "takes an IPv6 address such as 'fe80::1', not 'here'"),
        ("Secc.Set_SECC_DiscoveryRes_Security('SSL')", "takes a Security"),
        ("Secc.Set_CM_SLAC_PARM_REQ_RunID('0102030405060708')", "the function is Evcc.Set_CM_SLAC_PARM_REQ_RunID"),
        ("Secc.Receive_CM_SET_KEY_REQ_001()", "there is no Secc.Receive_CM_SET_KEY_REQ_001"),
        ("Secc.Receive_SECC_DiscoverReq_001()", "did you mean Secc.Receive_SECC_DiscoveryReq_001?"),
        ("Session.RunTo('CM_SLAC_MATCH')", "did you mean CM_SLAC_MATCH_"),
        ("Secc.Get_CM_SLAC_PARM_REQ_RunID()", "no CM_SLAC_PARM_REQ has arrived in this session"),
    ],
)
def test_mistakes_are_told_where_they_are_made(lua, script, problem):
    with pytest.raises(LuaError) as caught:
        lua(script)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("script", "name", "counted"),
    [
        ("Secc.Receive_CM_MNBC_SOUND_IND_001() Secc.Send_CM_ATTEN_CHAR_IND_001()", "CM_ATTEN_CHAR_IND", "NumGroups"),
        ("Secc.Receive_CM_SLAC_PARM_REQ_001() Secc.Send_CM_AMP_MAP_REQ_001()", "CM_AMP_MAP_REQ", "AMLen"),
    ],
)
def test_what_is_counted_when_it_is_written_is_not_the_script_s(lua, script, name, counted):
    lua(script)
    (entry,) = sent(lua, name)
    assert set(entry.auto) == {field.name for field in type(entry.message.body).__fields__}
    assert counted in entry.auto


@pytest.mark.parametrize(
    ("side", "name"), [("EVCC", "CM_ATTEN_CHAR_IND"), ("SECC", "CM_ATTEN_PROFILE_IND"), ("SECC", "CM_SLAC_PARM_REQ")]
)
def test_whatever_is_received_is_shown(lua, side, name):
    shown = []
    lua.bench.on_exchange = shown.append
    lua.bench.options = Options(side=side)
    table = side.capitalize()
    lua(f"{table}.Receive_{name}_001()")
    assert [entry.name for entry in shown] == [name]
    if name == "CM_ATTEN_CHAR_IND":
        assert lua("return Evcc.Get_CM_ATTEN_CHAR_IND_NumGroups()") == 58


@pytest.mark.parametrize("side", ["SECC", "EVCC"])
def test_a_downgrade_is_found_once(lua, side):
    lua.bench.options = Options(side=side)
    which = "EVCC" if side == "EVCC" else "SECC"
    change = {"EVCC": "Evcc.Set_SECC_DiscoveryReq_Security", "SECC": "Secc.Set_SECC_DiscoveryRes_Security"}[which]
    lua(f"{change}(Security.TLS) pcall(Session.RunTo, 'SessionSetupReq')")
    found = [e for e in lua.bench.journal.entries if isinstance(e, FindingEntry) and e.rule == "sdp-security"]
    assert len(found) == 1


def told(lua):
    """The line about the plug-in of each run."""
    views = [run_view(run.journal, run.first, run.last, run.what, run.outcome) for run in lua.runs]
    return [line for view in views for line in str(view).splitlines() if line.startswith("plugged in")]


@pytest.mark.parametrize(
    ("side", "request_", "following"),
    [
        ("SECC", "CM_SLAC_MATCH_REQ", "CM_SLAC_MATCH_CNF"),
        ("SECC", "CM_SLAC_PARM_REQ", "CM_SLAC_PARM_CNF"),
        ("EVCC", "CM_SLAC_MATCH_REQ", "CM_SLAC_MATCH_REQ"),
    ],
)
def test_a_matching_under_way_is_no_failure_and_is_told_as_a_whole(lua, side, request_, following):
    lua.bench.options = Options(side=side)
    lua(f"Session.RunTo('{request_}')")
    lua("Session.RunTo('SessionSetupReq')")
    under_way, whole = told(lua)
    assert under_way == f"plugged in, matching: {following} is next"
    assert re.fullmatch(r"plugged in, matched with \S+ at 5 dB, data link after 2\.8\d\d s", whole)


def test_a_matching_that_has_failed_is_told_as_such(lua):
    lua("Secc.Set_CM_SLAC_PARM_CNF_RunID('0000000000000000') Session.RunToEnd()")
    assert any("not matched" in line and "RunID" in line for line in told(lua))
