"""Scripts against the simulated vehicle: what a tester writes, and what happens."""

from __future__ import annotations

import pytest
from notebook import Notebook

from secc_kernel.lua.errors import LuaError
from secc_kernel.lua.options import Options
from secc_kernel.session.journal import FindingEntry

SEED = """
local evseId = 'KR*TC1*ISO1*001'
Secc.Set_SessionSetupRes_EVSEID(evseId)

local responseCode = ResponseCodeType.FAILED_SequenceError
Secc.Set_SessionSetupRes_ResponseCode(responseCode)

Secc.Send_SessionSetupRes_001()
"""
SEED_EXI = "809802306986f7ab7e919551e0a0452d48a9510cc4a9254d3cc4a8c0c0c480"


@pytest.fixture
def lua():
    notebook = Notebook()
    yield notebook
    notebook.bench.close()


# -- the seed ---------------------------------------------------------------------------------------------------------


def test_the_seeds_script_gives_the_seeds_bytes(lua):
    lua("Secc.Set_SessionSetupRes_Header_SessionID('C1A61BDEADFA4655')")
    lua(SEED)
    assert lua.last.data.hex() == SEED_EXI
    assert lua.last.auto == ()
    assert lua.last.intended == ()
    assert lua.names[-2:] == ["SessionSetupReq", "SessionSetupRes"]


def test_the_seeds_xml_is_the_seeds(lua, shared):
    lua("Secc.Set_SessionSetupRes_Header_SessionID('C1A61BDEADFA4655')")
    lua(SEED)
    (page,) = (shared / "seed").iterdir()
    expected = page.read_text("utf-8").partition("XML Example")[2].strip()
    assert lua.bench.journal.xml(len(lua.bench.journal.frames) - 1) == expected


def test_the_seeds_cell_can_be_run_again(lua):
    for _ in range(3):
        lua(SEED)
        assert lua.last.name == "SessionSetupRes"
        assert lua.last.message.body.ResponseCode == "FAILED_SequenceError"
        assert lua.last.message.body.EVSEID == "KR*TC1*ISO1*001"
    assert lua.names.count("SessionSetupReq") == 3


def test_the_first_receive_opens_the_default_session(lua):
    assert lua.bench.session is None
    lua("Secc.Receive_SessionSetupReq_001()")
    assert lua.bench.session.link.kind == "sim"
    assert lua("return Secc.Get_SessionSetupReq_EVCCID()") == "020000000001"


def test_both_spellings_are_one_object(lua):
    assert lua("return SECC == Secc, EVCC == Evcc") == (True, True)


# -- setting and sending ----------------------------------------------------------------------------------------------


def test_optional_fields_are_absent_and_mandatory_ones_are_the_autopilots(lua):
    lua("Secc.Receive_CurrentDemandReq_001()\nSecc.Set_CurrentDemandRes_EVSEPresentCurrent_Value(17)")
    lua("Secc.Send_CurrentDemandRes_001()")
    body = lua.last.message.body
    assert body.EVSEPresentCurrent.Value == 17
    assert body.MeterInfo is None
    assert body.ReceiptRequired is None
    assert "EVSEPresentCurrent.Unit" in lua.last.auto
    assert "EVSEPresentCurrent.Value" not in lua.last.auto
    assert "ResponseCode" in lua.last.auto


def test_the_sessions_id_is_not_the_scripts(lua):
    lua("Secc.Receive_SessionSetupReq_001()\nSecc.Send_SessionSetupRes_001()")
    assert "Header.SessionID" in lua.last.auto
    lua("Secc.Set_ServiceDiscoveryRes_Header_SessionID('C1A61BDEADFA4655')")
    lua("Secc.Receive_ServiceDiscoveryReq_001()\nSecc.Send_ServiceDiscoveryRes_001()")
    assert "Header.SessionID" not in lua.last.auto


def test_what_is_set_stays_set_until_the_session_ends(lua):
    lua("Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Value(17)")
    for _ in range(2):
        lua("Secc.Receive_CurrentDemandReq_001() Secc.Send_CurrentDemandRes_001()")
        assert lua.last.message.body.EVSEPresentCurrent.Value == 17
    lua("Ev.Stop() Session.RunToEnd()")
    assert lua("return Secc.Get_CurrentDemandRes_EVSEPresentVoltage_Unit()") == "V"
    lua("Secc.Receive_CurrentDemandReq_001() Secc.Send_CurrentDemandRes_001()")
    assert lua.last.message.body.EVSEPresentCurrent.Value != 17


def test_what_is_set_counts_whoever_sends_the_message(lua):
    lua("Secc.Receive_CurrentDemandReq_001() Secc.Set_CurrentDemandRes_EVSEPresentVoltage_Value(1234)")
    for cell in ("Session.RunFor(0.5)", "Secc.Send_CurrentDemandRes_001()") * 2:
        lua(cell)
    lua("Session.RunFor(0.5) Secc.Set_CurrentDemandRes_EVSEPresentVoltage_Value(1235) Session.RunFor(0.5)")
    journal = lua.bench.journal
    sent = [i for i, name in enumerate(lua.names) if name == "CurrentDemandRes"]
    values = [journal.message(i).body.EVSEPresentVoltage.Value for i in sent]
    assert sorted(set(values)) == [1234, 1235]
    assert values == sorted(values)
    assert all("EVSEPresentVoltage.Value" not in journal.frames[i].auto for i in sent)
    assert all("EVSEPresentVoltage.Multiplier" in journal.frames[i].auto for i in sent)


def test_what_was_set_in_a_session_that_has_ended_is_not_of_the_next(lua):
    lua("Secc.Receive_SessionSetupReq_001() Secc.Set_SessionSetupRes_EVSEID('DE*OLD*E1')")
    lua("Session.RunTo('ServiceDiscoveryReq')")  # the autopilot has sent it
    assert lua.bench.session.sent("SessionSetupRes").body.EVSEID == "DE*OLD*E1"
    lua("Secc.Set_ServiceDiscoveryRes_ResponseCode('FAILED') Secc.Send_ServiceDiscoveryRes_001()")
    lua("Secc.Receive_SessionSetupReq_001() Secc.Send_SessionSetupRes_001()")
    assert lua.names.count("SessionSetupReq") == 2
    assert lua.last.message.body.EVSEID != "DE*OLD*E1"


def test_what_the_other_side_sends_is_shown_itself(lua):
    shown = []
    lua.bench.on_exchange = shown.append
    lua("Session.RunTo('CableCheckReq')")
    lua("Evcc.Set_CableCheckReq_DC_EVStatus_EVReady(false) Evcc.Send_CableCheckReq_001()")
    (entry,) = shown
    assert entry is lua.last
    assert entry.message.body.DC_EVStatus.EVReady is False
    assert lua.names[-2:] == ["CableCheckReq", "CableCheckReq"]
    lua("Session.Open{side='EVCC'} Evcc.Send_SessionSetupReq_001() Evcc.Receive_SessionSetupRes_001()")
    del shown[:]
    lua("Secc.Set_ServiceDiscoveryRes_ResponseCode('FAILED') Secc.Send_ServiceDiscoveryRes_001()")
    assert [(entry.name, entry.message.body.ResponseCode) for entry in shown] == [("ServiceDiscoveryRes", "FAILED")]


def test_what_was_set_before_any_message_overrides_the_autopilot(lua):
    lua("""
      Secc.Set_SessionSetupRes_EVSEID('DE*ABC*E00001')
      Session.RunTo('ServiceDiscoveryReq')
    """)
    answer = lua.bench.session.sent("SessionSetupRes")
    assert answer.body.EVSEID == "DE*ABC*E00001"
    assert answer.body.ResponseCode == "OK_NewSessionEstablished"


def test_the_autopilot_finishes_where_the_script_says_so(lua):
    lua("""
      Secc.Receive_AuthorizationReq_001()
      Secc.Set_AuthorizationRes_EVSEProcessing(EVSEProcessingType.Ongoing)
      Secc.Send_AuthorizationRes_001()
      Session.RunFor(5)
    """)
    assert lua.bench.session.sent("AuthorizationRes").body.EVSEProcessing == "Ongoing"
    assert lua.bench.session.status.state == "AuthorizationRes"
    lua("""
      Secc.Set_AuthorizationRes_EVSEProcessing(EVSEProcessingType.Finished)
      Session.RunTo('ChargeParameterDiscoveryReq')
    """)
    assert lua.bench.session.sent("AuthorizationRes").body.EVSEProcessing == "Finished"
    lua("Secc.Set_CableCheckRes_EVSEProcessing(EVSEProcessingType.Finished) Session.RunToEnd()")
    assert lua.names.count("CableCheckRes") == 1
    assert lua("return Session.RunToEnd()")[0] == "terminated"


def test_a_part_of_an_optional_value_is_completed(lua):
    lua("""
      Session.Open{mode='AC'}
      Secc.Receive_ChargingStatusReq_001()
      Secc.Set_ChargingStatusRes_EVSEMaxCurrent_Value(16)
      Secc.Send_ChargingStatusRes_001()
    """)
    current = lua.last.message.body.EVSEMaxCurrent
    assert (current.Unit, current.Value) == ("A", 16)
    assert lua.last.message.body.MeterInfo is None


def test_units_of_values_that_the_autopilot_does_not_send_follow_their_names(lua):
    lua("""
      Secc.Receive_ChargeParameterDiscoveryReq_001()
      Secc.Set_ChargeParameterDiscoveryRes_DC_EVSEChargeParameter_EVSEEnergyToBeDelivered_Value(5000)
      Secc.Send_ChargeParameterDiscoveryRes_001()
    """)
    energy = lua.last.message.body.EVSEChargeParameter.EVSEEnergyToBeDelivered
    assert (energy.Multiplier, energy.Unit, energy.Value) == (0, "Wh", 5000)


def test_setting_a_field_of_a_member_selects_it(lua):
    with pytest.raises(LuaError) as caught:
        lua("""
          Secc.Receive_ChargeParameterDiscoveryReq_001()
          Secc.Set_ChargeParameterDiscoveryRes_AC_EVSEChargeParameter_EVSENominalVoltage_Value(230)
          Secc.Send_ChargeParameterDiscoveryRes_001()
        """)
    assert "lacks AC_EVSEChargeParameter.AC_EVSEStatus, AC_EVSEChargeParameter.EVSEMaxCurrent" in caught.value.message
    lua("""
      Secc.Set_ChargeParameterDiscoveryRes_AC_EVSEChargeParameter_AC_EVSEStatus_RCD(false)
      Secc.Set_ChargeParameterDiscoveryRes_AC_EVSEChargeParameter_AC_EVSEStatus_NotificationMaxDelay(0)
      Secc.Set_ChargeParameterDiscoveryRes_AC_EVSEChargeParameter_AC_EVSEStatus_EVSENotification(
        EVSENotificationType.None)
      Secc.Set_ChargeParameterDiscoveryRes_AC_EVSEChargeParameter_EVSEMaxCurrent_Value(16)
      Secc.Send_ChargeParameterDiscoveryRes_001()
    """)
    parameter = lua.last.message.body.EVSEChargeParameter
    assert type(parameter).__name__ == "AC_EVSEChargeParameterType"
    assert (parameter.EVSENominalVoltage.Unit, parameter.EVSEMaxCurrent.Unit) == ("V", "A")


def test_lists_by_index_count_and_append(lua):
    lua("""
      Secc.Receive_ServiceDiscoveryReq_001()
      Secc.Set_ServiceDiscoveryRes_ResponseCode(ResponseCodeType.OK)
      Secc.Set_ServiceDiscoveryRes_ServiceList_Count(2)
      for i, id in ipairs{3, 4} do
        Secc.Add_ServiceDiscoveryRes_ServiceList_ServiceID(id)
        Secc.Add_ServiceDiscoveryRes_ServiceList_ServiceCategory(ServiceCategoryType.Internet)
        Secc.Set_ServiceDiscoveryRes_ServiceList_FreeService(i - 1, i == 1)
      end
      Secc.Set_ServiceDiscoveryRes_PaymentOptionList_PaymentOption(0, PaymentOptionType.ExternalPayment)
    """)
    assert lua("return Secc.Get_ServiceDiscoveryRes_ServiceList_Count()") == 2
    assert lua("return Secc.Get_ServiceDiscoveryRes_ServiceList_ServiceID(1)") == 4
    lua("Secc.Send_ServiceDiscoveryRes_001()")
    services = lua.last.message.body.ServiceList.Service
    assert [(s.ServiceID, s.ServiceCategory, s.FreeService) for s in services] == [
        (3, "Internet", True),
        (4, "Internet", False),
    ]
    lua("Secc.Receive_PaymentServiceSelectionReq_001()")
    exist = "return Secc.Exist_PaymentServiceSelection_SelectedService"
    assert lua(f"{exist}(1)") is True
    assert lua(f"{exist}(1, 7)") is False
    assert lua(f"{exist}(nil, nil)") is True


def test_removing_what_was_set(lua):
    lua("""
      Secc.Receive_SessionSetupReq_001()
      Secc.Set_SessionSetupRes_EVSETimeStamp(1700000000)
      Secc.Set_SessionSetupRes_EVSETimeStampSpecified(false)
      Secc.Send_SessionSetupRes_001()
    """)
    assert lua.last.message.body.EVSETimeStamp is None
    assert lua("return Secc.Get_SessionSetupRes_EVSETimeStampSpecified()") is False


def test_forbidden_values_are_sent_and_marked(lua):
    lua("Secc.Set_SessionSetupRes_EVSEID('x')" + " Secc.Send_SessionSetupRes_001()")
    assert lua.last.message.body.EVSEID == "x"
    assert lua.last.intended == ("EVSEID",)


def test_the_wrong_session_id_is_sent_on_purpose(lua):
    lua("""
      Secc.Receive_ServiceDiscoveryReq_001()
      Secc.Set_ServiceDiscoveryRes_Header_SessionID('00112233')
      Secc.Send_ServiceDiscoveryRes_001()
    """)
    assert lua.last.message.session_id.hex() == "00112233"


def test_with_the_autopilot_off_everything_missing_is_listed(lua):
    lua("Secc.Receive_SessionSetupReq_001() Session.Autopilot(false)")
    with pytest.raises(LuaError) as caught:
        lua("Secc.Send_SessionSetupRes_001()")
    assert caught.value.message == (
        "In[2]:1: SessionSetupRes cannot be sent: it lacks ResponseCode, EVSEID; "
        "the autopilot is off and fills nothing in"
    )
    assert caught.value.hint == "set them first: Secc.Set_SessionSetupRes_ResponseCode, Secc.Set_SessionSetupRes_EVSEID"
    lua(SEED)
    assert lua.last.message.body.EVSEID == "KR*TC1*ISO1*001"


def test_what_is_missing_is_told_with_the_functions_that_set_it(lua):
    lua("Secc.Receive_ChargeParameterDiscoveryReq_001() Session.Autopilot(false)")
    lua("""
      Secc.Set_ChargeParameterDiscoveryRes_ResponseCode(ResponseCodeType.OK)
      Secc.Set_ChargeParameterDiscoveryRes_EVSEProcessing(EVSEProcessingType.Finished)
      Secc.Set_ChargeParameterDiscoveryRes_SAScheduleList_SAScheduleTupleID(0, 1)
      Secc.Set_ChargeParameterDiscoveryRes_SAScheduleList_PMaxSchedule_Count(0, 2)
    """)
    with pytest.raises(LuaError) as caught:
        lua("Secc.Send_ChargeParameterDiscoveryRes_001()")
    entry = "SAScheduleList.SAScheduleTuple[0].PMaxSchedule.PMaxScheduleEntry[1]"
    assert f"{entry}.TimeInterval, {entry}.PMax, EVSEChargeParameter; the autopilot is off" in caught.value.message
    functions = "Secc.Set_ChargeParameterDiscoveryRes"
    for name in (
        "SAScheduleList_PMaxSchedule_RelativeTimeInterval_…(0, 0, …)",
        "SAScheduleList_PMaxSchedule_PMax_…(0, 1, …)",
        "AC_EVSEChargeParameter_…",
        "DC_EVSEChargeParameter_…",
    ):
        assert f"{functions}_{name}" in caught.value.hint
    lua("Session.Open() Session.Autopilot(true) Secc.Receive_ServiceDiscoveryReq_001()")
    lua("Secc.Set_ServiceDiscoveryRes_PaymentOptionList_PaymentOption(2, PaymentOptionType.Contract)")
    with pytest.raises(LuaError, match=r"it lacks PaymentOptionList.PaymentOption\[1\]; .* no value for it") as caught:
        lua("Secc.Send_ServiceDiscoveryRes_001()")
    setter = "Secc.Set_ServiceDiscoveryRes_PaymentOptionList_PaymentOption(1, …)"
    assert caught.value.hint == f"set it first: {setter}"


def test_a_list_that_exi_cannot_express_is_refused_when_it_is_sent(lua):
    lua("Secc.Receive_ServiceDiscoveryReq_001() Secc.Set_ServiceDiscoveryRes_PaymentOptionList_Count(0)")
    with pytest.raises(LuaError, match=r"cannot be sent: EXI has no way to write it: .*PaymentOption is missing"):
        lua("Secc.Send_ServiceDiscoveryRes_001()")


def test_the_length_of_a_list_is_read_back_as_it_was_set(lua):
    count = "Secc.Get_ChargeParameterDiscoveryRes_SAScheduleList_Count()"
    inner = "Secc.Get_ChargeParameterDiscoveryRes_SAScheduleList_PMaxSchedule_Count"
    assert lua(count) == 0
    lua("Secc.Set_ChargeParameterDiscoveryRes_SAScheduleList_PMaxSchedule_PMax_Value(1, 4, 7)")
    assert lua(f"{count}, {inner}(0), {inner}(1)") == (2, 0, 5)
    lua("Secc.Set_ChargeParameterDiscoveryRes_SAScheduleList_PMaxSchedule_Count(1, 2)")
    assert lua(f"{count}, {inner}(1)") == (2, 2)
    lua("Secc.Set_ChargeParameterDiscoveryRes_SAScheduleList_Count(1)")
    assert lua(count) == 1
    lua("Secc.Set_ChargeParameterDiscoveryRes_SAScheduleList_SAScheduleTupleID(0, 3)")
    assert lua(count) == 1


@pytest.mark.parametrize(
    ("cell", "index", "count"),
    [
        ("Secc.Set_ServiceDiscoveryRes_PaymentOptionList_PaymentOption(1, 'Contract')", 1, 1),
        ("for i = 1, 2 do Secc.Add_ServiceDiscoveryRes_PaymentOptionList_PaymentOption('Contract') end", 1, 1),
        ("Secc.Set_ChargeParameterDiscoveryRes_SAScheduleList_PMaxSchedule_PMax_Value(0, 2, 7)", 2, 2),
        ("Secc.Set_ChargeParameterDiscoveryRes_SAScheduleList_PMaxSchedule_Count(1, 1)", 1, 1),
    ],
)
def test_an_index_beyond_the_count_is_an_error_where_it_is_set(lua, cell, index, count):
    lua("""
      Secc.Set_ServiceDiscoveryRes_PaymentOptionList_Count(1)
      Secc.Set_ChargeParameterDiscoveryRes_SAScheduleList_Count(1)
      Secc.Set_ChargeParameterDiscoveryRes_SAScheduleList_PMaxSchedule_Count(0, 2)
    """)
    with pytest.raises(LuaError, match=f"index {index}, but Count is {count}: indices start at 0"):
        lua(cell)
    assert lua("return Secc.Get_ServiceDiscoveryRes_PaymentOptionList_Count()") == 1


def test_items_that_an_index_leaves_out_are_all_missing(lua):
    lua("Secc.Receive_ServiceDiscoveryReq_001()")
    lua("Secc.Set_ServiceDiscoveryRes_PaymentOptionList_PaymentOption(3, PaymentOptionType.Contract)")
    with pytest.raises(LuaError, match=r"lacks PaymentOptionList.PaymentOption\[1\], .*PaymentOption\[2\];"):
        lua("Secc.Send_ServiceDiscoveryRes_001()")


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("Secc:Receive_SessionSetupReq_001()", "it is called with a dot: Secc.Receive_SessionSetupReq_001(…)"),
        (
            "Secc:Set_SessionSetupRes_EVSEID('KR*TC1*ISO1*001')",
            "it is called with a dot: Secc.Set_SessionSetupRes_EVSEID(…)",
        ),
        ("Ev:Unplug()", "it is called with a dot: Ev.Unplug(…)"),
        ("Session.Chek(true)", "did you mean 'Session.Check'?"),
    ],
)
def test_hints(lua, cell, hint):
    with pytest.raises(LuaError) as caught:
        lua(cell)
    assert caught.value.hint == hint


def test_where_nothing_is_alike_all_names_are_told(lua):
    with pytest.raises(LuaError) as caught:
        lua("Session.Qqqq(3)")
    assert caught.value.hint.startswith("Session has ")
    assert "Wait" in caught.value.hint


def test_what_the_autopilot_never_sends_has_the_sessions_id(lua):
    lua("Session.Open{side='EVCC'} Evcc.Send_SessionSetupReq_001() Evcc.Receive_SessionSetupRes_001()")
    lua("""
      Session.Autopilot(false)
      Evcc.Set_PaymentDetailsReq_eMAID('DE-ABC-C12345-6')
      Evcc.Set_PaymentDetailsReq_ContractSignatureCertChain_Certificate('3084')
      Evcc.Send_PaymentDetailsReq_001()
    """)
    assert lua.last.message.session_id == lua.bench.session.party.session_id != bytes(8)


def test_an_item_of_any_list_in_a_list_exists(lua):
    lua("Session.Open{side='EVCC'} Evcc.Send_SessionSetupReq_001() Evcc.Receive_SessionSetupRes_001()")
    lua("Session.Autopilot(false) Evcc.Set_ServiceDetailReq_ServiceID(3) Evcc.Send_ServiceDetailReq_001()")
    lua("""
      Secc.Receive_ServiceDetailReq_001()
      Secc.Set_ServiceDetailRes_ResponseCode(ResponseCodeType.OK)
      Secc.Set_ServiceDetailRes_ServiceID(3)
      for set, name in ipairs{'Port', 'Protocol'} do
        Secc.Set_ServiceDetailRes_ServiceParameterList_ParameterSetID(set - 1, set)
        Secc.Set_ServiceDetailRes_ServiceParameterList_Parameter_Name(set - 1, 0, name)
        Secc.Set_ServiceDetailRes_ServiceParameterList_Parameter_intValue(set - 1, 0, 80)
      end
      Secc.Send_ServiceDetailRes_001()
      Evcc.Receive_ServiceDetailRes_001()
    """)
    exist = "Evcc.Exist_ServiceDetail_Parameter"
    assert lua(f"{exist}('Port'), {exist}('Protocol', nil), {exist}('Host')") == (True, True, False)
    assert lua("Evcc.Exist_ServiceDetail_ParameterSet(2), Evcc.Exist_ServiceDetail_ParameterSet(3)") == (True, False)


@pytest.mark.parametrize(
    ("cell", "schema_id", "how"),
    [
        ("", 0, "terminated"),
        ("Secc.Set_supportedAppProtocolRes_ResponseCode('OK_SuccessfulNegotiation')", 0, "terminated"),
        ("Secc.Set_supportedAppProtocolRes_SchemaIDSpecified(false)", None, "aborted"),
        ("Secc.Set_supportedAppProtocolRes_SchemaID(9)", 9, "aborted"),
        ("Secc.Set_supportedAppProtocolRes_ResponseCode('Failed_NoNegotiation')", None, "aborted"),
    ],
)
def test_the_handshake_has_the_schema_id_that_it_needs(lua, cell, schema_id, how):
    lua("Ev.Plug{mode='AC', soc=79.9}")
    lua(f"Secc.Receive_supportedAppProtocolReq_001() {cell} Secc.Send_supportedAppProtocolRes_001()")
    assert lua.last.message.body.SchemaID == schema_id
    assert ("SchemaID" in lua.last.auto) == (how == "terminated")
    assert lua("Session.RunToEnd()")[0] == how


# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (
            "Secc.Set_SessionSetupRes_EVSEID(5)",
            "EVSEID takes a string (7 to 37 characters), not 5",
        ),
        ("Secc.Set_SessionSetupRes_EVSEID()", "takes evseId (a string (7 to 37 characters)); it got 0 values"),
        ("Secc.Set_SessionSetupRes_EVSEID('a', 'b')", "it got 2 values"),
        (
            "Secc.Set_SessionSetupRes_ResponseCode('FAILD')",
            "takes a ResponseCodeType, not 'FAILD'; did you mean ResponseCodeType.FAILED? It has OK, ",
        ),
        (
            "Secc.Set_CurrentDemandRes_EVSEPresentVoltage_Value('4')",
            "a whole number from -32768 to 32767, not '4'",
        ),
        (
            "Secc.Set_CurrentDemandRes_EVSEPresentVoltage_Value(1.5)",
            "a whole number from -32768 to 32767, not 1.5",
        ),
        ("Secc.Set_CurrentDemandRes_EVSEPresentVoltage_Value(true)", "not true"),
        ("Secc.Set_CurrentDemandRes_EVSEPresentVoltage_Multiplier(9)", "not 9 (EXI writes it in 3 bits)"),
        ("Secc.Set_CurrentDemandRes_SAScheduleTupleID(-1)", "not -1 (EXI writes it in 8 bits)"),
        ("Secc.Set_CurrentDemandRes_MeterInfo_MeterReading(-1)", "not -1 (EXI writes it without a sign)"),
        ("Secc.Set_CurrentDemandRes_ReceiptRequired(1)", "takes true or false, not 1"),
        (
            "Secc.Set_SessionSetupRes_Header_SessionID('XY')",
            "a string of hex digits such as '0102FF' (at most 8 bytes)",
        ),
        ("Secc.Set_SessionSetupRes_ResponseCode(ResponseCodeType.FAILD)", "ResponseCodeType has no member FAILD"),
        (
            "Secc.Set_ServiceDiscoveryRes_ServiceList_ServiceID(-1, 2)",
            "an index is a whole number from 0 to 65535, not -1",
        ),
        ("Secc.Set_ServiceDiscoveryRes_ServiceList_Count(-1)", "takes the number of items, 65536 at most, not -1"),
        ("Secc.Set_SessionSetupRes_EVSETimeStampSpecified('no')", "takes true or false, not 'no'"),
        ("Secc.Get_SessionSetupReq_EVCCID()", "no SessionSetupReq has arrived in this session"),
        ("Secc.Exist_PaymentServiceSelection_SelectedService('x')", "ServiceID takes a whole number from 0 to 65535"),
        ("Secc.Set_ServiceDiscoveryRes_ServiceList_Count(100000000)", "takes the number of items, 65536 at most"),
        ("Secc.Set_ServiceDiscoveryRes_ServiceList_ServiceID(100000000, 1)", "a whole number from 0 to 65535"),
        (
            "Secc.Set_ServiceDiscoveryRes_ResponseCode(3)",
            "OK_OldSessionJoined, OK_CertificateExpiresSoon, FAILED, … 26 in all), not 3",
        ),
        (
            "Secc.Set_ServiceDiscoveryRes_ResponseCode()",
            "OK_OldSessionJoined, OK_CertificateExpiresSoon, FAILED, … 26 in all)); it got 0 values",
        ),
        (
            "Secc.Set_SessionSetupRes_EVSEIDSpecified(false)",
            "SessionSetupRes.EVSEID is mandatory in the schema, so it is always there",
        ),
        ("Secc.Get_CurrentDemandReq_EVTargetVoltage()", "its parts have functions: …_Multiplier, …_Unit, …_Value"),
        ("Session.Open{side='car'}", "Session.Open: side is 'SECC' or 'EVCC', not 'car'"),
        ("Session.Open{side=1}", "Session.Open: side is 'SECC' or 'EVCC', not 1"),
        ("Session.Open{link='tcp', port=70000}", "a TCP port is a number from 0 to 65535, not 70000"),
        (
            "Session.Open{link='tcp', side='evcc', host='::1', port=-1}",
            "a TCP port is a number from 0 to 65535, not -1",
        ),
        ("Session.Open{link='tcp', port='30001'}", "Session.Open: port is a whole number, not '30001'"),
        ("Session.Open{link='tcp', host=5}", "Session.Open: host is a string, not 5"),
        ("Session.Open{journal=5}", "Session.Open: journal is a string, not 5"),
        ("Session.Open{lnk='sim'}", "Session.Open has no option 'lnk'; did you mean link?"),
        ("Session.Open('sim')", "Session.Open takes a table of options"),
        ("Session.Open{link='serial'}", "there is no link 'serial'"),
        ("Session.Open{tls=true}", "the simulated link has no TCP connection that TLS could secure"),
        ("Session.Open{link='tcp', tls=1}", "tls is true, false or the folder of a PKI, not 1"),
        ("Session.Open{link='tcp', tls='/nowhere'}", "there is no folder '/nowhere' with a PKI: secc-kernel pki new"),
        ("Session.Open{link='tcp', keylog='keys'}", "keylog belongs to TLS: say tls=true"),
        ("Session.Open{link='tcp', tls=true, tls_version='1.1'}", "tls_version is '1.2' or '1.3', not '1.1'"),
        ("Session.Open{link='tcp', tls=true, tls_only='yes'}", "tls_only is true or false, not 'yes'"),
        ("Session.Open{link='tcp', tls=true, certificate='secc_expired'}", "certificate names one of a PKI's"),
        ("Session.Open{link='tcp', tls=true, keylog='/nowhere/keys'}", "the key log /nowhere/keys cannot be written"),
        ("Session.Open{link='tcp', tls=true, disclose=true}", "on an interface only: give one with interface="),
        ("Session.Open{link='carrier pigeon'}", "there is no link 'carrier pigeon'"),
        ("Session.Open{link='tcp', interface='nonesuch'}", "there is no network interface 'nonesuch'"),
        ("Session.Protocol('iso3')", "the station does not speak 'iso3'"),
        ("Session.RunTo('CurrentDemandRq')", "did you mean CurrentDemandReq?"),
        ("Session.Autopilot('on')", "takes true or false"),
        ("Session.Wait('long')", "takes a number of seconds"),
        ("Ev.Plug{profile='compat'}", "did you mean 'compact'?"),
        ("Ev.Plug{soc=400}", "soc is a state of charge in percent, 0 to 100, not 400"),
        ("Ev.Plug{mode='XC'}", "mode is 'AC' or 'DC', not 'XC'"),
    ],
)
def test_mistakes_name_the_place_and_what_is_taken(lua, cell, text):
    with pytest.raises(LuaError) as caught:
        lua(f"\n{cell}")
    assert caught.value.message.startswith("In[1]:2: ")
    assert text in caught.value.message


def test_a_receive_that_cannot_end_says_which_and_why(lua):
    with pytest.raises(LuaError) as caught:
        lua("Session.Open{mode='AC'}\nSecc.Receive_CurrentDemandReq_001()")
    assert caught.value.message.startswith("In[1]:2: CurrentDemandReq cannot come any more: in this AC session no")
    assert "\nthe last messages:\n  " in caught.value.message


def test_a_message_of_another_protocol_cannot_come(lua):
    with pytest.raises(LuaError) as caught:
        lua("Secc.Receive_ServicePaymentSelectionReq_001()")
    assert "is no message of ISO 15118-2, which this session speaks" in caught.value.message
    assert len(lua.names) <= 3


def test_a_failed_wait_can_be_caught(lua):
    lua("Session.Open{mode='AC'}")
    good, message = lua("return pcall(Secc.Receive_CurrentDemandReq_001)")
    assert good is False
    assert "CurrentDemandReq cannot come any more" in message
    assert lua("return Session.RunToEnd()")[0] == "terminated"


# -- the tables Session and Ev ----------------------------------------------------------------------------------------


def test_run_to_and_to_the_end(lua):
    lua("Session.RunTo('CurrentDemandReq')")
    assert lua.names[-1] == "CurrentDemandReq"
    assert lua("return Secc.Check_Received_CurrentDemandReq(), Secc.Check_Received_SessionStopReq()") == (True, False)
    assert lua("return Session.RunToEnd()") == ("terminated", "the vehicle ended the session")
    assert lua.names[-1] == "SessionStopRes"


def test_status_tells_where_the_session_stands(lua):
    assert lua("return Session.Status().state, Session.Status().autopilot") == ("closed", True)
    lua("Secc.Receive_ServiceDiscoveryReq_001() status = Session.Status()")
    assert lua("return status.protocol, status.waiting, #status.session_id") == ("iso2", "ServiceDiscoveryReq", 16)
    assert lua("return status.nonsense") is None
    assert lua("local names = {} for name in pairs(status) do names[name] = true end return names.link, names.x") == (
        True,
        None,
    )
    text = lua("return tostring(status)")
    assert "\nwaiting     ServiceDiscoveryReq\n" in text
    shown = lua("return status")
    assert repr(shown) == text
    assert '<td style="text-align:left">ServiceDiscoveryReq</td>' in shown._repr_mimebundle_()["text/html"]
    with pytest.raises(LuaError, match="can be read only"):
        lua("status.waiting = 'x'")


def test_verdicts_go_to_the_journal(lua):
    assert lua("return Session.Check(1 == 1, 'equal'), Session.Check(nil, 'nothing'), Session.Check(0, 'zero')") == (
        True,
        False,
        True,
    )
    found = [entry for entry in lua.bench.journal.entries if isinstance(entry, FindingEntry)]
    assert [(entry.text, entry.severity) for entry in found] == [
        ("equal", "note"),
        ("nothing", "error"),
        ("zero", "note"),
    ]


def test_the_vehicle_is_chosen_before_it_is_plugged_in(lua):
    profiles = dict(lua("return Ev.Profiles()"))
    assert "compact" in profiles
    lua("Ev.Profile('hybrid')\nEv.Plug{soc=79.9, mode='AC'}")
    assert lua("return Ev.Profile()") == "hybrid"
    lua("Secc.Receive_ChargeParameterDiscoveryReq_001()")
    mode = lua("return Secc.Get_ChargeParameterDiscoveryReq_RequestedEnergyTransferMode()")
    assert mode == "AC_single_phase_core"
    lua("Ev.Unplug()")
    assert lua.bench.session.party.ended.how == "aborted"


def test_a_driver_stops_and_pauses(lua):
    lua("Session.RunTo('CurrentDemandReq') Ev.Pause()")
    assert lua("return Session.RunToEnd()")[0] == "paused"
    paused = lua.bench.session.party.session_id
    lua("Secc.Receive_ServiceDiscoveryReq_001()")
    assert lua.bench.session.sent("SessionSetupRes").body.ResponseCode == "OK_OldSessionJoined"
    assert lua.bench.session.party.session_id == paused
    lua("Session.RunTo('CurrentDemandReq') Ev.Stop()")
    assert lua("return Session.RunToEnd()")[0] == "terminated"


def test_waiting_lets_timers_expire(lua):
    with pytest.raises(LuaError, match="V2G_EVCC_Msg_Timeout"):
        lua("Secc.Receive_SessionSetupReq_001() Session.Wait(2.1) Secc.Send_SessionSetupRes_001()")


def test_opening_again_forgets_what_was_set(lua):
    lua("Secc.Receive_SessionSetupReq_001() Secc.Set_SessionSetupRes_EVSEID('DE*OLD*E1')")
    first = lua.bench.journal
    lua("Session.Open{} Secc.Receive_SessionSetupReq_001() Secc.Send_SessionSetupRes_001()")
    assert lua.bench.journal is not first
    assert lua.last.message.body.EVSEID != "DE*OLD*E1"


def test_restricting_the_protocols(lua):
    lua("Session.Protocol('iso2') Secc.Receive_SessionSetupReq_001()")
    assert lua("return Session.Protocol()") == "iso2"


# -- the vehicle's side -----------------------------------------------------------------------------------------------


def test_a_script_plays_the_vehicle(lua):
    lua("""
      Evcc.Set_SessionSetupReq_EVCCID('1020304050607080')
      Evcc.Send_SessionSetupReq_001()
    """)
    assert lua.bench.session.side == "EVCC"
    assert lua.last.name == "SessionSetupReq"
    assert lua.last.message.body.EVCCID.hex() == "1020304050607080"
    assert lua.last.intended == ("EVCCID",)
    lua("Evcc.Receive_SessionSetupRes_001()")
    assert lua("return Evcc.Check_SessionSetupRes_ResponseCode(ResponseCodeType.OK_NewSessionEstablished)") is True
    lua("""
      Evcc.Receive_ServiceDiscoveryRes_001()
      Evcc.Set_PaymentServiceSelectionReq_SelectedPaymentOption(PaymentOptionType.ExternalPayment)
      Evcc.Set_PaymentServiceSelectionReq_SelectedServiceList_Count(1)
      Evcc.Set_PaymentServiceSelectionReq_SelectedServiceList_ServiceID(0, 61000)
      Evcc.Send_PaymentServiceSelectionReq_001()
      Evcc.Receive_PaymentServiceSelectionRes_001()
    """)
    assert lua("return Evcc.Get_PaymentServiceSelectionRes_ResponseCode()").startswith("FAILED")


def test_the_documented_din_script(lua):
    lua("""
      Session.Protocol('din')
      Secc.Receive_SessionSetupReq_001()
      Secc.Set_SessionSetupRes_EVSEID('KR*TC1*DIN*001')
      Secc.Set_SessionSetupRes_ResponseCode(ResponseCodeType.FAILED_SequenceError)
      Secc.Send_SessionSetupRes_001()
    """)
    assert len(lua.last.data) == 30  # as the page of the example says
    assert lua.last.message.body.EVSEID == b"KR*TC1*DIN*001"
    assert lua("return Secc.Get_SessionSetupRes_EVSEID()") == "KR*TC1*DIN*001"


def test_din_lists_are_appended_to(lua):
    lua("""
      Session.Protocol('din')
      Session.Open{side='EVCC'}
      Evcc.Set_ServicePaymentSelectionReq_SelectedPaymentOption(PaymentOptionType.ExternalPayment)
      Evcc.Set_ServicePaymentSelectionReq_SelectedServiceList_Count(1)
      Evcc.Add_ServicePaymentSelectionReq_SelectedServiceList_ServiceID(1)
      Evcc.Send_ServicePaymentSelectionReq_001()
      Evcc.Receive_ServicePaymentSelectionRes_001()
    """)
    assert lua("return Evcc.Get_ServicePaymentSelectionRes_ResponseCode()") == "OK"
    assert lua("return Session.RunToEnd()")[0] == "terminated"


def test_what_was_set_for_another_protocol_follows_the_one_that_is_agreed_on(lua):
    lua("""
      Secc.Set_SessionSetupRes_EVSEID('KR*TC1*DIN*001')
      Ev.Plug{protocols={'din'}}
      Secc.Receive_SessionSetupReq_001()
      Secc.Send_SessionSetupRes_001()
    """)
    assert lua.bench.session.protocol == "din"
    assert lua.last.message.body.EVSEID == b"KR*TC1*DIN*001"


def test_both_sides_can_be_scripted(lua):
    lua("""
      Secc.Receive_ServiceDiscoveryReq_001()
      Secc.Send_ServiceDiscoveryRes_001()
      Evcc.Receive_ServiceDiscoveryRes_001()
    """)
    assert lua("return Evcc.Get_ServiceDiscoveryRes_ResponseCode()") == "OK"
    assert lua("return Evcc.Get_ServiceDiscoveryRes_PaymentOptionList_Count()") == 1


def test_a_real_link_has_no_simulated_vehicle(lua):
    lua.bench.options = Options(link="tcp")
    with pytest.raises(LuaError, match="is a real one"):
        lua("Ev.Plug{}")
    with pytest.raises(LuaError, match="the EVCC is not ours on this link"):
        lua("Evcc.Receive_SessionSetupRes_001()")
    place = lua.bench.session.link.place
    assert place.startswith("[::1]:")


def test_a_scripted_charge_loop_is_fast(lua):
    import time

    lua("Session.RunTo('CurrentDemandReq')")
    began = time.perf_counter()
    lua("""
      for i = 1, 600 do
        Secc.Receive_CurrentDemandReq_001()
        Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Value(i)
        Secc.Send_CurrentDemandRes_001()
      end
    """)
    assert time.perf_counter() - began < 5
    assert lua.last.message.body.EVSEPresentCurrent.Value == 600


def test_what_another_protocol_lacks_is_an_error_where_it_is_set(lua):
    lua("Session.Protocol('din') Session.RunTo('CurrentDemandReq')")
    with pytest.raises(LuaError, match=r"In\[2\]:1: .*: CurrentDemandRes of DIN SPEC 70121.* has no EVSEID"):
        lua("Secc.Set_CurrentDemandRes_EVSEID('X')")
    lua("Secc.Send_CurrentDemandRes_001() Session.RunFor(1)")


def test_what_was_set_before_the_protocol_was_known_is_told_once_and_left_out(lua):
    lua("Ev.Plug{protocols={'din'}}\nSecc.Set_SessionSetupRes_EVSETimeStamp(5)")
    with pytest.raises(LuaError) as caught:
        lua("Session.RunTo('ServiceDiscoveryReq')")
    assert "SessionSetupRes of DIN" in caught.value.message
    assert "has no EVSETimeStamp (set at In[1]:2)" in caught.value.message
    assert "left out from now on" in caught.value.hint
    lua("Session.RunTo('ServiceDiscoveryReq')")
    assert lua.names[-1] == "ServiceDiscoveryReq"
