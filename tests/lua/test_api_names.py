"""The names of the API: the documented ones, the rules they follow, and what is said of wrong ones."""

from __future__ import annotations

import re

import pytest

from secc_kernel.lua.bench import Bench
from secc_kernel.lua.enumerations import find_table, member, members, tables
from secc_kernel.lua.functions import UnknownNameError, catalogue, find, names, preference, suggest
from secc_kernel.lua.session_table import DOCUMENTATION, ev_table, session_table

STANDARDS = {"DIN70121": "din", "ISO15118-2": "iso2", "ISO15118-20": "iso20_common"}
SIDES = {"SECC": "Secc", "EVCC": "Evcc"}


def documented(shared):
    """(standard, side, function, parameters) of the documented API; the file is plain enough to be read by lines."""
    text = (shared / "api" / "documented_api.yaml").read_text("utf-8")
    for page in text.split("- standard: ")[1:]:
        standard = page.partition("\n")[0]
        for entry in page.split("\n  - name: ")[1:]:
            side, _, name = entry.partition("\n")[0].partition(".")
            yield standard, SIDES.get(side, side), name, entry.count("\n    - name: "), entry


def test_every_documented_function_is_there(shared):
    count = 0
    for standard, side, name, parameters, entry in documented(shared):
        function = find(side, name, preference(STANDARDS[standard]))
        assert function.schema in (STANDARDS[standard], "iso20_dc", "iso20_ac"), name
        assert len(function.parameters) == parameters, function.signature
        returns = re.search(r"\n    returns: (\w+)\n", entry)
        if returns and standard != "ISO15118-20":  # that page speaks of C#: Byte[], UInt16
            assert function.returns == returns.group(1), name
        for type_ in re.findall(r"\n      type: (\w+Type)\n", entry):
            assert type_ in (function.type_name, *members_of_tables(type_)), name
        count += 1
    assert count == (shared / "api" / "documented_api.yaml").read_text("utf-8").count("\n  - name: ")


def members_of_tables(name):
    return [name] if find_table(name) else []


def test_every_documented_sample_is_a_member(shared):
    for table, key in re.findall(r"sample: (\w+Type)\.(\w+)", (shared / "api" / "documented_api.yaml").read_text()):
        assert key in members(table)


@pytest.mark.parametrize("side", ["Secc", "Evcc"])
def test_every_name_is_found_and_describes_itself(side):
    seen = set()
    for name in names(side, ("sap", "iso2")):
        function = find(side, name, preference(None))
        assert function.name == name
        assert function.signature.startswith(f"{side}.{name}(")
        assert function.text.endswith(".")
        seen.add(function.verb)
    assert seen == {"Receive", "Send", "Check_Received", "Set", "Get", "Check", "Add", "Exist"}


@pytest.mark.parametrize(
    ("message", "name", "indices"),
    [
        ("PaymentServiceSelectionReq", "SelectedServiceList_ServiceID", 1),
        ("ServiceDiscoveryRes", "PaymentOptionList_PaymentOption", 1),
        ("ServiceDiscoveryRes", "ChargeService_SupportedEnergyTransferMode_EnergyTransferMode", 1),
        ("ServiceDetailRes", "ServiceParameterList_Parameter_physicalValue_Value", 2),
        ("ChargeParameterDiscoveryRes", "SAScheduleList_PMaxSchedule_RelativeTimeInterval_start", 2),
        ("ChargeParameterDiscoveryRes", "SAScheduleList_SalesTariff_SalesTariffEntry_ConsumptionCost_Cost_amount", 4),
        ("ChargeParameterDiscoveryRes", "DC_EVSEChargeParameter_DC_EVSEStatus_EVSEIsolationStatus", 0),
        ("ChargeParameterDiscoveryReq", "AC_EVChargeParameter_EAmount_Value", 0),
        ("PowerDeliveryRes", "AC_EVSEStatus_RCD", 0),
        ("SessionSetupRes", "Header_SessionID", 0),
        ("SessionSetupRes", "Header_Notification_FaultCode", 0),
        ("AuthorizationReq", "Header_Signature_SignatureValue", 0),
        ("AuthorizationReq", "Header_Signature_SignedInfo_CanonicalizationMethod", 0),
        ("AuthorizationReq", "Header_Signature_SignedInfo_Reference_Transforms_Algorithm", 2),
        ("CertificateInstallationRes", "eMAID", 0),
        ("CertificateInstallationRes", "eMAID_Id", 0),
        ("CertificateInstallationRes", "SAProvisioningCertificateChain_SubCertificates_Certificate", 1),
    ],
)
def test_paths_follow_the_rules(message, name, indices):
    assert catalogue("iso2", message).values[name].indices == indices


def test_the_handshake_has_its_own_names():
    items = catalogue("sap", "supportedAppProtocolReq")
    assert items.values["AppProtocol_ProtocolNamespace"].indices == 1
    assert "AppProtocol" in items.lists
    assert not any(name.startswith("Header") for name in items.values)


def test_a_function_says_what_it_takes():
    function = find("Secc", "Set_SessionSetupRes_EVSEID", preference(None))
    assert function.takes == "a string (7 to 37 characters)"
    assert function.path == "SessionSetupRes.EVSEID"
    assert not function.optional
    function = find("Evcc", "Set_PaymentServiceSelectionReq_SelectedServiceList_ParameterSetID", preference(None))
    assert function.signature.endswith("(index, parameterSetID)")
    assert function.takes == "a whole number from -32768 to 32767"
    assert function.optional
    assert function.path == "PaymentServiceSelectionReq.SelectedServiceList.SelectedService.ParameterSetID"


@pytest.mark.parametrize(
    ("side", "wrong", "text"),
    [
        ("Secc", "Set_SessionSetupRes_EVSEId", "did you mean Secc.Set_SessionSetupRes_EVSEID?"),
        ("Secc", "Recieve_SessionSetupReq_001", "did you mean Secc.Receive_SessionSetupReq_001?"),
        ("Secc", "Receive_SessionSetupReq", "did you mean Secc.Receive_SessionSetupReq_001?"),
        ("Secc", "Receive_SupportedAppProtocolReq_001", "did you mean Secc.Receive_supportedAppProtocolReq_001?"),
        ("Secc", "Set_SessionSetupReq_EVCCID", "is sent by the EVCC; the function is Evcc.Set_SessionSetupReq_EVCCID"),
        ("Evcc", "Send_SessionSetupRes_001", "is sent by the SECC; the function is Secc.Send_SessionSetupRes_001"),
        ("Secc", "Frobnicate", "there is no Secc.Frobnicate"),
    ],
)
def test_wrong_names_suggest_the_nearest(side, wrong, text):
    with pytest.raises(UnknownNameError, match=re.escape(text)):
        find(side, wrong, preference(None))


def test_enumerations_are_named_after_their_types():
    assert member("ResponseCodeType", "FAILED_SequenceError") == "FAILED_SequenceError"
    assert member("EVSENotificationType", "None") == "None"
    assert member("UnitSymbolType", "Unit_V") == "V"
    assert member("DC_EVSEStatusCodeType", "EVSE_Ready") == "EVSE_Ready"
    assert {"ResponseCodeType", "UnitSymbolType", "PaymentOptionType"} <= set(tables(("sap", "iso2")))
    assert not find_table("responseCodeType")
    assert not find_table("NoSuchType")


@pytest.mark.parametrize(
    ("table", "key", "text"),
    [
        ("ResponseCodeType", "FAILD", "did you mean ResponseCodeType.FAILED? It has OK, OK_NewSessionEstablished"),
        ("UnitSymbolType", "V", "did you mean UnitSymbolType.Unit_V?"),
        ("EVSEProcessingType", "Nonsense", "EVSEProcessingType has no member Nonsense; it has Finished, Ongoing"),
    ],
)
def test_wrong_members_suggest_the_nearest(table, key, text):
    with pytest.raises(UnknownNameError, match=re.escape(text)):
        member(table, key)


def test_suggestions_forgive_case_and_prefixes():
    assert suggest("currentdemandreq", ["CurrentDemandReq", "CableCheckReq"]) == "CurrentDemandReq"
    assert suggest("W", ["Unit_Wh", "Unit_W"]) == "Unit_W"
    assert suggest("zzz", ["CurrentDemandReq"]) is None


def test_every_function_of_session_and_ev_is_documented():
    bench = Bench()
    there = {f"Session.{name}" for name in session_table(bench)} | {f"Ev.{name}" for name in ev_table(bench)}
    assert set(DOCUMENTATION) == there
    assert all(signature.startswith(name) for name, (signature, _) in DOCUMENTATION.items())
