"""A script gets something wrong, and the simulated vehicle refuses it, or is told to let it pass."""

from __future__ import annotations

import pytest

from secc_kernel.lua import LuaEngine
from secc_kernel.lua.api import install
from secc_kernel.lua.bench import Bench
from secc_kernel.lua.errors import LuaError

PRECHARGE = """
Secc.Receive_PreChargeReq_001()
Secc.Set_PreChargeRes_EVSEPresentVoltage_Multiplier(0)
Secc.Set_PreChargeRes_EVSEPresentVoltage_Value(900)
Secc.Send_PreChargeRes_001()
"""
CABLE_CHECK = """
Secc.Receive_CableCheckReq_001()
Secc.Set_CableCheckRes_EVSEProcessing(EVSEProcessingType.Finished)
Secc.Set_CableCheckRes_DC_EVSEStatus_EVSEIsolationStatus(IsolationLevelType.Invalid)
Secc.Set_CableCheckRes_DC_EVSEStatus_EVSEStatusCode(DC_EVSEStatusCodeType.EVSE_Ready)
Secc.Send_CableCheckRes_001()
"""


@pytest.fixture
def lua():
    bench, engine = Bench(), LuaEngine()
    install(engine, bench)

    def run(source):
        with bench.script():
            values = engine.run(source, "In[1]")
        return values[0] if len(values) == 1 else values

    run.bench = bench
    yield run
    bench.close()


def rules(lua):
    """What the vehicle has found; that no station can mean such values is found by the station itself."""
    return [finding.rule for finding in lua.bench.journal.findings if not finding.rule.startswith("values.")]


@pytest.mark.parametrize(("script", "rule"), [(PRECHARGE, "precharge-voltage"), (CABLE_CHECK, "isolation")])
def test_a_refusal_ends_the_session_in_order_with_a_finding(lua, script, rule):
    lua("Ev.Plug{soc = 79.99}" + script)
    assert lua("return Session.RunToEnd()")[0] == "terminated"
    assert rules(lua) == [rule]
    assert "PowerDeliveryReq" not in [frame.name for frame in lua.bench.journal.frames]


FINISHED = """
Secc.Receive_{0}Req_001()
Secc.Set_{0}Res_EVSEProcessing(EVSEProcessingType.Finished)
Secc.Send_{0}Res_001()
"""


@pytest.mark.parametrize("protocol", ["iso2", "din"])
def test_what_a_script_leaves_out_goes_with_finished(lua, protocol):
    """The station itself would not have finished yet."""
    lua(f"Session.Protocol('{protocol}') Ev.Plug{{soc = 79.99}}")
    names = ["Authorization" if protocol == "iso2" else "ContractAuthentication"]
    names += ["ChargeParameterDiscovery", "CableCheck"]
    for name in names:
        lua(FINISHED.format(name))
        assert [f.name for f in lua.bench.journal.frames].count(f"{name}Res") == 1
    assert lua("return Session.RunToEnd()") == ("terminated", "the vehicle ended the session")
    assert rules(lua) == []
    (checked,) = [f.message.body for f in lua.bench.journal.frames if f.name == "CableCheckRes"]
    assert (checked.DC_EVSEStatus.EVSEIsolationStatus, checked.DC_EVSEStatus.EVSEStatusCode) == ("Valid", "EVSE_Ready")


def test_schedules_are_left_out_where_the_script_says_so(lua):
    lua("""
      Ev.Plug{soc = 79.99}
      Secc.Receive_ChargeParameterDiscoveryReq_001()
      Secc.Set_ChargeParameterDiscoveryRes_EVSEProcessing(EVSEProcessingType.Finished)
      Secc.Set_ChargeParameterDiscoveryRes_SAScheduleListSpecified(false)
      Secc.Send_ChargeParameterDiscoveryRes_001()
    """)
    assert lua("return Session.RunToEnd()")[0] == "terminated"
    assert rules(lua) == ["schedules"]


@pytest.mark.parametrize("option", ["patient = true", "tolerates = {'isolation'}", "tolerates = 'isolation'"])
def test_a_vehicle_is_told_to_let_it_pass(lua, option):
    lua(f"Ev.Plug{{soc = 79.99, {option}}}" + CABLE_CHECK)
    assert lua("return Session.RunToEnd()")[0] == "terminated"
    assert rules(lua) == ["isolation"]
    assert "CurrentDemandReq" in [frame.name for frame in lua.bench.journal.frames]


def test_options_are_kept_until_the_session_is_opened_anew(lua):
    lua("Ev.Plug{patient = true}")
    lua("Ev.Unplug() Ev.Plug{}")
    assert lua.bench.vehicle.patient is True


def test_a_vehicle_can_be_made_stricter_than_its_profile(lua):
    lua("Ev.Plug{profile = 'veteran', tolerates = {}}" + PRECHARGE)
    lua("Session.RunToEnd()")
    assert rules(lua) == ["precharge-voltage"]
    assert "PowerDeliveryReq" not in [frame.name for frame in lua.bench.journal.frames]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Ev.Plug{patient = 'very'}", "patient is true or false, not 'very'"),
        ("Ev.Plug{tolerates = {'isolatoin'}}", "judges by no rule 'isolatoin'; did you mean 'isolation'"),
        ("Ev.Plug{tolerates = 7}", "judges by no rule 7; there are session-id, "),
    ],
)
def test_mistakes_are_told(lua, source, text):
    with pytest.raises(LuaError, match=text):
        lua(source)
