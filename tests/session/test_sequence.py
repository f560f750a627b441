import gzip
import json
from collections import Counter, defaultdict

import pytest

from secc_kernel import codec
from secc_kernel.messages import vocabulary
from secc_kernel.messages.iso15118_2 import msg_data_types as types
from secc_kernel.session.sequence import SEQUENCES, Progress, failed

STOP = "SessionStop"
#: What may follow what, transcribed apart from the code from the state tables of another station (EvseV2G) with the
#: requirements that it names: (response, what counts about it) -> AC, DC, requirement.
EXPECTED = [
    ("SessionSetup", {}, {"ServiceDiscovery", STOP}, {"ServiceDiscovery", STOP}, "543"),
    ("ServiceDiscovery", {}, {"ServiceDetail", "PaymentServiceSelection", STOP}, "AC", "545"),
    ("ServiceDetail", {}, {"ServiceDetail", "PaymentServiceSelection", STOP}, "AC", "545"),
    ("PaymentServiceSelection", {"SelectedPaymentOption": "ExternalPayment"}, {"Authorization", STOP}, "AC", "551"),
    (
        "PaymentServiceSelection",
        {"SelectedPaymentOption": "Contract"},
        {"PaymentDetails", "CertificateInstallation", "CertificateUpdate", STOP},
        "AC",
        "551",
    ),
    ("CertificateInstallation", {}, {"PaymentDetails", STOP}, "AC", "554"),
    ("CertificateUpdate", {}, {"PaymentDetails", STOP}, "AC", "558"),
    ("PaymentDetails", {}, {"Authorization", STOP}, "AC", "560"),
    ("Authorization", {"EVSEProcessing": "Ongoing"}, {"Authorization", STOP}, "AC", "687"),
    (
        "Authorization",
        {"EVSEProcessing": "Ongoing_WaitingForCustomerInteraction"},
        {"Authorization", STOP},
        "AC",
        "687",
    ),
    ("Authorization", {"EVSEProcessing": "Finished"}, {"ChargeParameterDiscovery", STOP}, "AC", "573"),
    ("ChargeParameterDiscovery", {"EVSEProcessing": "Ongoing"}, {"ChargeParameterDiscovery", STOP}, "AC", "688"),
    ("ChargeParameterDiscovery", {"EVSEProcessing": "Finished"}, {"PowerDelivery", STOP}, {"CableCheck", STOP}, ""),
    ("CableCheck", {"EVSEProcessing": "Ongoing"}, None, {"CableCheck", STOP}, "621"),
    ("CableCheck", {"EVSEProcessing": "Finished"}, None, {"PreCharge", STOP}, "584"),
    ("PreCharge", {}, None, {"PreCharge", "PowerDelivery", STOP}, "587"),
    ("PowerDelivery", {"ChargeProgress": "Start"}, {"ChargingStatus"}, {"CurrentDemand"}, ""),
    ("PowerDelivery", {"ChargeProgress": "Renegotiate"}, {"ChargeParameterDiscovery", STOP}, "AC", "813"),
    ("PowerDelivery", {"ChargeProgress": "Stop"}, {STOP}, {"WeldingDetection", STOP}, ""),
    ("ChargingStatus", {"ReceiptRequired": False}, {"ChargingStatus", "PowerDelivery"}, None, ""),
    ("ChargingStatus", {"ReceiptRequired": True}, {"MeteringReceipt"}, None, ""),
    ("CurrentDemand", {"ReceiptRequired": False}, None, {"CurrentDemand", "PowerDelivery"}, "797"),
    ("CurrentDemand", {"ReceiptRequired": None}, None, {"CurrentDemand", "PowerDelivery"}, "797"),
    ("CurrentDemand", {"ReceiptRequired": True}, None, {"MeteringReceipt"}, "795"),
    ("MeteringReceipt", {}, {"ChargingStatus", "PowerDelivery"}, {"CurrentDemand", "PowerDelivery"}, "797"),
    ("WeldingDetection", {}, None, {"WeldingDetection", STOP}, "597"),
    ("SessionStop", {}, set(), set(), "571"),
]
CASES = [
    pytest.param(pair, elements, dc if mode == "DC" and dc != "AC" else ac, mode, requirement)
    for pair, elements, ac, dc, requirement in EXPECTED
    for mode in ("AC", "DC")
    if (ac if mode == "AC" else dc) is not None
]


def message(name, **fields):
    known = {field.name for field in vocabulary("iso2").message_type(name).__fields__}
    return codec.new("iso2", name, **{key: value for key, value in fields.items() if key in known})


def progress_in(mode):
    progress = Progress()
    progress.negotiated("iso2")
    progress.mode = mode
    return progress


@pytest.mark.parametrize(("pair", "elements", "expected", "mode", "requirement"), CASES)
def test_the_successors_are_the_standards(pair, elements, expected, mode, requirement):
    progress = progress_in(mode)
    energy = {"RequestedEnergyTransferMode": f"{mode}_core"}
    progress.answered(
        message(pair + "Req", **elements, **energy), message(pair + "Res", ResponseCode="OK", **elements, **energy)
    )
    assert {name.removesuffix("Req") for name in progress.allowed} == expected
    assert requirement in progress.ids
    assert progress.over is (expected == set())


#: Messages of the schema of DIN SPEC 70121 that the specification does not use.
UNUSED = {
    "iso2": set(),
    "din": {"ServiceDetail", "PaymentDetails", "ChargingStatus", "MeteringReceipt", "CertificateInstallation",
            "CertificateUpdate"},
}  # fmt: skip


def test_the_table_has_a_row_for_every_response_and_no_other_names():
    for key, sequence in SEQUENCES.items():
        messages = {name for name in vocabulary(key).messages if name[:-3] not in UNUSED[key]}
        assert {row.after for row in sequence.rows} == {name for name in messages if name.endswith("Res")}
        assert {name for row in sequence.rows for name in row.follow} | set(sequence.first.follow) == {
            name for name in messages if name.endswith("Req")
        }
        assert sequence.mode_from[0] in messages


def test_every_row_names_a_requirement():
    for key, sequence in SEQUENCES.items():
        prefix = {"iso2": "[V2G2-", "din": "[V2G-DC-"}[key]
        assert all(prefix in row.ids for row in (sequence.first, *sequence.rows))
        assert all(prefix in ids for ids in (sequence.final_ids, sequence.sequence_ids, sequence.session_ids))


def test_the_handshake_comes_first_and_session_setup_after_it():
    progress = Progress()
    assert progress.allowed == ("supportedAppProtocolReq",)
    progress.negotiated("iso2")
    assert progress.allowed == ("SessionSetupReq",)


@pytest.mark.parametrize("code", ["FAILED", "FAILED_ServiceIDInvalid"])
def test_a_failed_response_moves_nothing_and_lets_the_vehicle_stop(code):
    progress = progress_in("DC")
    progress.answered(None, message("SessionSetupRes", ResponseCode="OK_NewSessionEstablished"))
    progress.answered(message("ServiceDiscoveryReq"), message("ServiceDiscoveryRes", ResponseCode=code))
    assert progress.allowed == ("ServiceDiscoveryReq", "SessionStopReq")
    assert progress.state == "SessionSetupRes"


def test_a_failed_session_setup_leaves_no_session_to_stop():
    progress = progress_in("")
    progress.answered(message("SessionSetupReq"), message("SessionSetupRes", ResponseCode="FAILED"))
    assert progress.allowed == ("SessionSetupReq",)


def test_a_failed_answer_in_the_charge_loop_lets_the_vehicle_stop():
    progress = progress_in("DC")
    progress.answered(message("CurrentDemandReq"), message("CurrentDemandRes", ResponseCode="OK"))
    progress.answered(message("CurrentDemandReq"), message("CurrentDemandRes", ResponseCode="FAILED"))
    progress.answered(message("CurrentDemandReq"), message("CurrentDemandRes", ResponseCode="FAILED"))
    assert progress.allowed == ("CurrentDemandReq", "PowerDeliveryReq", "SessionStopReq")


@pytest.mark.parametrize("code", ["FAILED_SequenceError", "FAILED_UnknownSession"])
def test_a_sequence_error_and_an_unknown_session_end_the_session(code):
    progress = progress_in("DC")
    progress.answered(message("ServiceDiscoveryReq"), message("ServiceDiscoveryRes", ResponseCode=code))
    assert progress.allowed == ()
    assert progress.over
    assert progress.state == f"ServiceDiscoveryRes({code})"


@pytest.mark.parametrize(
    ("code", "expected"),
    [("OK", False), ("OK_OldSessionJoined", False), ("FAILED", True), ("FAILED_ContactorError", True)],
)
def test_what_counts_as_failed(code, expected):
    assert failed(message("SessionSetupRes", ResponseCode=code)) is expected
    assert failed(message("SessionSetupRes", ResponseCode=types.responseCodeType(code))) is expected


def test_the_handshake_fails_in_its_own_words():
    assert failed(codec.new("sap", "supportedAppProtocolRes", ResponseCode="Failed_NoNegotiation"))


#: Two cars that gave up right after PowerDelivery(Start), which the standard does not let them do.
KNOWN_DEVIATIONS = {
    ("VW_id.4_fw_3.5_2023-04-18-3_config-ac-iso2.pcap", "PowerDeliveryRes(Start)", "SessionStopReq"): 1,
    ("VW_id.4_iso_15118-2_AC_2023-04-14-3_config-ac-iso2.pcap", "PowerDeliveryRes(Start)", "SessionStopReq"): 1,
}


def test_the_sessions_of_production_cars_follow_the_table(shared):
    with gzip.open(shared / "captures/everest/expected.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    streams = defaultdict(list)
    for row in rows:
        streams[row["file"], row["stream"]].append(row)
    deviations, followed = Counter(), 0
    for (file, _), messages in streams.items():
        if not any(row["schema"] == "iso2" for row in messages):
            continue
        progress, request = Progress(), None
        for row in messages:
            found = codec.decode(bytes.fromhex(row["exi"]), row["schema"])
            if found.name.endswith("Req"):
                request = found
                followed += 1
                if found.name not in progress.allowed:
                    deviations[file, progress.state, found.name] += 1
            elif row["schema"] == "sap":
                progress = Progress()
                progress.negotiated("iso2")
            else:
                progress.answered(request, found)
    assert deviations == KNOWN_DEVIATIONS
    assert followed > 5000
