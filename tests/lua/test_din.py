"""DIN SPEC 70121 in a script: which protocol is spoken, and the documented functions in a whole charge."""

from __future__ import annotations

import re

import pytest

from secc_kernel.lua import LuaEngine
from secc_kernel.lua.api import install
from secc_kernel.lua.bench import Bench
from secc_kernel.lua.errors import LuaError
from secc_kernel.lua.functions import find, preference

STATION = """
Session.Protocol('din')
Ev.Plug{profile = 'compact', soc = 79.99}

Secc.Receive_SessionSetupReq_001()
assert(Secc.Check_Received_SessionSetupReq())
assert(Secc.Get_SessionSetupReq_EVCCID() == '020000000001')
Secc.Set_SessionSetupRes_EVSEID('KR*TC1*DIN*001')
Secc.Set_SessionSetupRes_ResponseCode(ResponseCodeType.OK_NewSessionEstablished)
assert(Secc.Get_SessionSetupRes_ResponseCode() == ResponseCodeType.OK_NewSessionEstablished)
assert(Secc.Get_SessionSetupRes_EVSEID() == 'KR*TC1*DIN*001')
Secc.Send_SessionSetupRes_001()

Secc.Receive_ServicePaymentSelectionReq_001()
assert(Secc.Check_Received_ServicePaymentSelectionReq())
assert(Secc.Get_ServicePaymentSelectionReq_SelectedPaymentOption() == PaymentOptionType.ExternalPayment)
assert(Secc.Exist_ServicePaymentSelection_SelectedService(1))
Secc.Set_ServicePaymentSelectionRes_ResponseCode(ResponseCodeType.OK)
assert(Secc.Get_ServicePaymentSelectionRes_ResponseCode() == ResponseCodeType.OK)
Secc.Send_ServicePaymentSelectionRes_001()

for _, processing in ipairs{EVSEProcessingType.Ongoing, EVSEProcessingType.Finished} do
  Secc.Receive_ContractAuthenticationReq_001()
  assert(Secc.Check_Received_ContractAuthenticationReq())
  Secc.Set_ContractAuthenticationRes_ResponseCode(ResponseCodeType.OK)
  Secc.Set_ContractAuthenticationRes_EVSEProcessing(processing)
  assert(Secc.Get_ContractAuthenticationRes_ResponseCode() == ResponseCodeType.OK)
  assert(Secc.Get_ContractAuthenticationRes_EVSEProcessing() == processing)
  Secc.Send_ContractAuthenticationRes_001()
end

Secc.Receive_ChargeParameterDiscoveryReq_001()
assert(Secc.Get_ChargeParameterDiscoveryReq_DC_EVChargeParameter_DC_EVStatus_EVRESSSOC() == 79)
assert(Secc.Check_ChargeParameterDiscoveryReq_EVRequestedEnergyTransferType(EVRequestedEnergyTransferType.DC_extended))

Secc.Receive_PreChargeReq_001()
local volts = Secc.Get_PreChargeReq_EVTargetVoltage_Value()
assert(volts > 3000 and Secc.Get_PreChargeReq_EVTargetCurrent_Value() == 10)
Secc.Set_PreChargeRes_ResponseCode(ResponseCodeType.OK)
Secc.Set_PreChargeRes_DC_EVSEStatus_EVSEStatusCode(DC_EVSEStatusCodeType.EVSE_Ready)
Secc.Set_PreChargeRes_EVSEPresentVoltage_Value(volts)
Secc.Send_PreChargeRes_001()

Secc.Receive_PowerDeliveryReq_001()
assert(Secc.Get_PowerDeliveryReq_ReadyToChargeState() == true)
Secc.Receive_WeldingDetectionReq_001()
assert(Secc.Get_PowerDeliveryReq_ReadyToChargeState() == false)

Secc.Receive_SessionStopReq_001()
Secc.Set_SessionStopRes_ResponseCode(ResponseCodeType.OK)
Secc.Send_SessionStopRes_001()
return Session.RunToEnd()
"""

VEHICLE = """
Session.Open{side = 'EVCC', soc = 79.99}
Session.Protocol('din')

Evcc.Receive_SessionSetupRes_001()
assert(Evcc.Get_SessionSetupRes_EVSEID() == 'DE*SEC*E00001')
Evcc.Receive_ServiceDiscoveryRes_001()
assert(Evcc.Exist_ServiceDiscovery_PaymentOption(PaymentOptionType.ExternalPayment))

Evcc.Set_ServicePaymentSelectionReq_SelectedPaymentOption(PaymentOptionType.ExternalPayment)
assert(Evcc.Get_ServicePaymentSelectionReq_SelectedPaymentOption() == PaymentOptionType.ExternalPayment)
Evcc.Set_ServicePaymentSelectionReq_SelectedServiceList_Count(1)
Evcc.Add_ServicePaymentSelectionReq_SelectedServiceList_ServiceID(1)
Evcc.Send_ServicePaymentSelectionReq_001()
Evcc.Receive_ServicePaymentSelectionRes_001()
assert(Evcc.Get_ServicePaymentSelectionRes_ResponseCode() == ResponseCodeType.OK)

repeat
  Evcc.Send_ContractAuthenticationReq_001()
  Evcc.Receive_ContractAuthenticationRes_001()
  assert(Evcc.Get_ContractAuthenticationRes_ResponseCode() == ResponseCodeType.OK)
until Evcc.Get_ContractAuthenticationRes_EVSEProcessing() == EVSEProcessingType.Finished
return Session.RunToEnd()
"""


class Notebook:
    """An engine with the API, cell by cell."""

    def __init__(self):
        self.bench = Bench()
        self.engine = LuaEngine()
        install(self.engine, self.bench)

    def __call__(self, source):
        with self.bench.script():
            values = self.engine.run(source, "In[1]")
        return values[0] if len(values) == 1 else values

    def bodies(self, name):
        return [frame.message.body for frame in self.bench.journal.frames if frame.name == name]


@pytest.fixture
def lua():
    notebook = Notebook()
    yield notebook
    notebook.bench.close()


def test_a_whole_charge_with_the_documented_names_of_the_station(lua):
    assert lua(STATION) == ("terminated", "the vehicle ended the session")
    assert lua.bench.journal.findings == []
    assert {frame.schema for frame in lua.bench.journal.frames} == {"sap", "din"}
    (setup,) = lua.bodies("SessionSetupRes")
    assert setup.EVSEID == b"KR*TC1*DIN*001"
    assert [b.EVSEProcessing for b in lua.bodies("ContractAuthenticationRes")] == ["Ongoing", "Finished"]
    assert len(lua.bodies("SessionStopRes")) == 1


def test_a_whole_charge_with_the_documented_names_of_the_vehicle(lua):
    assert lua(VEHICLE) == ("terminated", "the vehicle ended the session")
    (selected,) = lua.bodies("ServicePaymentSelectionReq")
    assert [service.ServiceID for service in selected.SelectedServiceList.SelectedService] == [1]
    assert len(lua.bodies("ContractAuthenticationReq")) > 1
    (offered,) = lua.bodies("supportedAppProtocolReq")
    assert len(offered.AppProtocol) == 1


def test_the_scripts_use_every_documented_function_of_these_messages(shared):
    pages = (shared / "api" / "documented_api.yaml").read_text("utf-8").split("- standard: ")
    names = [name for page in pages if page.startswith("DIN70121") for name in re.findall(r"\n  - name: (\S+)", page)]
    assert len(names) > 40
    assert [name for name in names if name not in STATION + VEHICLE] == []
    for name in names:
        side, _, function = name.partition(".")
        assert find(side, function, preference("din")).schema == "din"


# -- which protocol is spoken -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", "iso2"),
        ("Session.Protocol('din')", "din"),
        ("Session.Protocol('din', 'iso2')", "iso2"),
        ("Ev.Plug{protocols = {'din'}}", "din"),
        ("Ev.Plug{protocols = 'din'}", "din"),
        ("Ev.Plug{protocols = {'din', 'iso2'}}", "din"),
        ("Ev.Plug{protocols = {'iso2', 'din'}}", "iso2"),
        ("Session.Protocol('iso2') Ev.Plug{protocols = {'din', 'iso2'}}", "iso2"),
        ("Session.Open{prefer = 'latest', protocols = {'din', 'iso2'}}", "iso2"),
        ("Session.Open{prefer = 'oldest'}", "din"),
        ("Ev.Plug{profile = 'veteran'}", "din"),
        ("Ev.Plug{mode = 'AC'}", "iso2"),
    ],
)
def test_vehicle_and_station_agree_on_a_protocol(lua, source, expected):
    lua(source)
    lua("Secc.Receive_ServiceDiscoveryReq_001()")
    assert lua("return Session.Protocol()") == expected


def test_without_a_common_protocol_there_is_no_session(lua):
    lua("Session.Protocol('iso2')")
    lua("Ev.Plug{protocols = {'din'}}")
    how, why = lua("return Session.RunToEnd()")
    assert how == "aborted"
    (answer,) = lua.bodies("supportedAppProtocolRes")
    assert (answer.ResponseCode, answer.SchemaID) == ("Failed_NoNegotiation", None)
    assert why


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Ev.Plug{protocols = {'iso3'}}", "protocols are 'iso2', 'din', not 'iso3'"),
        ("Session.Open{prefer = 'newest'}", "preference is one of standard, latest, oldest"),
        ("Session.Protocol('din') Session.RunTo('CurrentDemandReq') Ev.Renegotiate()", "knows no renegotiation"),
    ],
)
def test_mistakes_are_told_at_their_line(lua, source, text):
    with pytest.raises(LuaError, match=re.escape(text)):
        lua(source)


def test_one_name_means_the_field_of_the_protocol_at_hand(lua):
    lua("Session.Protocol('din') Secc.Receive_SessionSetupReq_001() Secc.Set_SessionSetupRes_EVSEID('A*1')")
    lua("Secc.Send_SessionSetupRes_001() Session.Close()")
    assert lua.bench.session is None
    lua("Session.Protocol('iso2') Secc.Receive_SessionSetupReq_001() Secc.Set_SessionSetupRes_EVSEID('DE*A23*E1')")
    lua("Secc.Send_SessionSetupRes_001()")
    assert lua.bodies("SessionSetupRes")[-1].EVSEID == "DE*A23*E1"


def test_a_strict_station_refuses_what_vehicles_do(lua):
    for strict, code in (("false", "OK"), ("true", "FAILED_SequenceError")):
        lua(f"Session.Open{{side = 'EVCC', soc = 50, strict = {strict}}} Session.Protocol('din')")
        lua("Evcc.Receive_PowerDeliveryRes_001() Session.Autopilot(false) Evcc.Send_SessionStopReq_001()")
        lua("Session.Autopilot(true) Evcc.Receive_SessionStopRes_001()")
        assert lua.bodies("SessionStopRes")[-1].ResponseCode == code
