"""Payment by contract: what a station can tell of it without verifying a signature, and recorded sessions of it."""

import gzip
import json
from datetime import datetime, timedelta, timezone

import pytest
from connection_pair import Vehicle
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lone_secc import CHAIN, at, request

from secc_kernel import codec
from secc_kernel.messages import xmldsig
from secc_kernel.messages.iso15118_2 import msg_data_types as types
from secc_kernel.session.secc import SECC
from secc_kernel.session.station import Station
from secc_kernel.wire import v2gtp

EMAID = "DEABC123456789Y"
TODAY = datetime(2026, 6, 1, tzinfo=timezone.utc)
KEY = ec.generate_private_key(ec.SECP256R1())


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, issuer, days=(-10, 10)):
    made = x509.CertificateBuilder(
        issuer_name=name(issuer), subject_name=name(subject), public_key=KEY.public_key(), serial_number=1
    )
    made = made.not_valid_before(TODAY + timedelta(days[0])).not_valid_after(TODAY + timedelta(days[1]))
    return made.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def chain(leaf, *above):
    sub = types.SubCertificatesType(Certificate=list(above)) if above else None
    return types.CertificateChainType(Certificate=leaf, SubCertificates=sub)


LEAF, SUB2, SUB1 = certificate(EMAID, "sub2"), certificate("sub2", "sub1"), certificate("sub1", "root")
GOOD = chain(LEAF, SUB2, SUB1)


def signature(of="id1"):
    method = xmldsig.DigestMethodType(Algorithm="http://www.w3.org/2001/04/xmlenc#sha256")
    return xmldsig.SignatureType(
        SignedInfo=xmldsig.SignedInfoType(
            CanonicalizationMethod=xmldsig.CanonicalizationMethodType(Algorithm="c"),
            SignatureMethod=xmldsig.SignatureMethodType(Algorithm="s"),
            Reference=[xmldsig.ReferenceType(URI=f"#{of}", DigestMethod=method, DigestValue=bytes(32))],
        ),
        SignatureValue=xmldsig.SignatureValueType(value=bytes(64)),
    )


@pytest.fixture
def contract(sessions):
    """A station whose vehicle has just selected payment by contract, on 2026-06-01."""
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    secc.connection.tls = "TLS 1.2"
    secc.station.payment_options = ("Contract", "ExternalPayment")
    secc.station.epoch = TODAY.timestamp()
    vehicle.ask(request("ServiceDiscoveryReq", secc.session_id))
    selection = request("PaymentServiceSelectionReq", secc.session_id)
    selection.body.SelectedPaymentOption = types.paymentOptionType.Contract
    assert vehicle.ask(selection).body.ResponseCode == "OK"
    return secc, vehicle


def details(secc, certificates=GOOD, emaid=EMAID):
    body = {"eMAID": emaid, "ContractSignatureCertChain": certificates}
    return codec.new("iso2", "PaymentDetailsReq", session_id=secc.session_id, **body)


def authorization(secc, challenge=None, signed=True):
    body = {} if challenge is None else {"GenChallenge": challenge, "Id": "id1"}
    message = codec.new("iso2", "AuthorizationReq", session_id=secc.session_id, **body)
    message.header.Signature = signature() if signed else None
    return message


def found(secc):
    return [finding.rule for finding in secc.journal.findings]


def test_a_contract_is_taken_with_a_fresh_challenge_and_a_note_that_nothing_was_verified(contract):
    secc, vehicle = contract
    answer = vehicle.ask(details(secc)).body
    assert answer.ResponseCode == "OK"
    assert len(answer.GenChallenge) == 16
    assert answer.GenChallenge != bytes(16)
    assert answer.EVSETimeStamp == TODAY.timestamp()
    (finding,) = secc.journal.findings
    assert (finding.rule, finding.severity) == ("signature.unverified", "note")
    assert "valid until 2026-06-11" in finding.text
    secc.station.authorization_time = 0.0
    answer = vehicle.ask(authorization(secc, answer.GenChallenge)).body
    assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Finished")
    assert found(secc) == ["signature.unverified"] * 2


def test_each_challenge_is_another_and_the_answer_can_be_looked_at_as_often_as_one_likes(contract):
    secc, vehicle = contract
    vehicle.send(details(secc))
    first = secc.default_response().body.GenChallenge
    assert secc.default_response().body.GenChallenge == first
    secc.take_turn(secc.now)
    assert vehicle.answer().body.GenChallenge == first
    secc.progress.allowed = ("PaymentDetailsReq",)
    assert vehicle.ask(details(secc)).body.GenChallenge != first


CHAINS = {
    "no certificate": (CHAIN, EMAID, "FAILED", "contract.chain"),
    "a sub-certificate that is none": (chain(LEAF, b"\x30\x03abc"), EMAID, "FAILED", "contract.chain"),
    "one missing between": (chain(LEAF, SUB1), EMAID, "FAILED", "contract.chain"),
    "another one's contract": (GOOD, "DEXYZ123456789Y", "FAILED", "contract.emaid"),
    "the contract has run out": (
        chain(certificate(EMAID, "sub2", (-10, -1)), SUB2), EMAID, "FAILED_CertificateExpired", "contract.expired",
    ),
    "the contract is not valid yet": (
        chain(certificate(EMAID, "sub2", (1, 10)), SUB2), EMAID, "FAILED_CertificateExpired", "contract.expired",
    ),
    "what is above has run out": (
        chain(LEAF, certificate("sub2", "sub1", (-10, -1))), EMAID, "FAILED", "contract.expired",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("certificates", "emaid", "code", "rule"), CHAINS.values(), ids=CHAINS)
def test_what_is_wrong_with_a_contract_is_told_and_refused(certificates, emaid, code, rule, contract):
    secc, vehicle = contract
    answer = vehicle.ask(details(secc, certificates, emaid))
    assert answer.body.ResponseCode == code
    assert not answer.findings
    assert found(secc) == [rule]
    # The vehicle may try another one.
    assert vehicle.ask(details(secc)).body.ResponseCode == "OK"


def test_the_spelling_of_an_emaid_does_not_count(contract):
    secc, vehicle = contract
    assert vehicle.ask(details(secc, emaid="de-abc-123456789-y")).body.ResponseCode == "OK"


def test_a_station_without_a_date_does_not_judge_by_it(contract):
    secc, vehicle = contract
    secc.station.epoch = None
    expired = chain(certificate(EMAID, "sub2", (-10, -1)), SUB2)
    assert vehicle.ask(details(secc, expired)).body.ResponseCode == "OK"
    assert "no date is known" in secc.journal.findings[-1].text


@pytest.mark.parametrize(
    ("challenge", "signed", "code", "rule"),
    [
        (None, True, "FAILED_ChallengeInvalid", "contract.challenge"),
        (bytes(16), True, "FAILED_ChallengeInvalid", "contract.challenge"),
        ("ours", False, "FAILED_SignatureError", "signature.missing"),
    ],
)
def test_the_challenge_has_to_come_back_under_a_signature(challenge, signed, code, rule, contract):
    secc, vehicle = contract
    secc.station.authorization_time = 0.0
    given = vehicle.ask(details(secc)).body.GenChallenge
    sent = given if challenge == "ours" else challenge
    assert vehicle.ask(authorization(secc, sent, signed)).body.ResponseCode == code
    assert rule in found(secc)
    assert vehicle.ask(authorization(secc, given)).body.ResponseCode == "OK"


def test_the_challenge_that_a_script_sends_is_the_one_that_has_to_come_back(contract):
    secc, vehicle = contract
    vehicle.send(details(secc))
    told = secc.default_response()
    told.body.GenChallenge = bytes(range(16))
    secc.send(told, secc.now)
    vehicle.received()
    assert vehicle.ask(authorization(secc, bytes(range(16)))).body.ResponseCode == "OK"


def test_while_the_station_is_at_work_the_vehicle_asks_again_without_a_challenge(contract):
    secc, vehicle = contract
    secc.station.authorization_time = 0.5
    given = vehicle.ask(details(secc)).body.GenChallenge
    assert vehicle.ask(authorization(secc, given)).body.EVSEProcessing == "Ongoing"
    vehicle.now = secc.now + 1.0
    answer = vehicle.ask(authorization(secc, signed=False)).body
    assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Finished")


def test_with_external_payment_nobody_asks_for_a_challenge(sessions):
    secc, vehicle = at(("AC", "PaymentServiceSelectionRes(ExternalPayment)"), sessions)
    assert vehicle.ask(authorization(secc, signed=False)).body.ResponseCode == "OK"
    assert found(secc) == []


@pytest.mark.parametrize("asked", ["CertificateInstallationReq", "CertificateUpdateReq"])
def test_a_certificate_service_that_is_not_offered_is_refused_and_the_contract_may_still_come(asked, contract):
    secc, vehicle = contract
    assert vehicle.ask(request(asked, secc.session_id)).body.ResponseCode == "FAILED_NoCertificateAvailable"
    assert found(secc) == ["contract.service"]
    assert vehicle.ask(details(secc)).body.ResponseCode == "OK"


def test_a_signature_of_another_message_is_told(contract):
    secc, vehicle = contract
    given = vehicle.ask(details(secc)).body.GenChallenge
    vehicle.ask(authorization(secc, given))
    stale = request("SessionStopReq", secc.session_id)
    stale.header.Signature = signature("id7")
    vehicle.ask(stale)
    assert "#id7 is not of this message" in secc.journal.findings[-1].text


def test_contracts_are_for_tls(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    secc.station.payment_options = ("Contract",)
    vehicle.ask(request("ServiceDiscoveryReq", secc.session_id))
    assert found(secc) == ["contract.tls"]


def test_a_receipt_is_compared_with_what_the_vehicle_was_told(sessions):
    secc, vehicle = at(("AC", "PowerDeliveryRes(Start)"), sessions)
    secc.contract.selected = True
    secc.station.receipt_interval = 0.0
    told = vehicle.ask(request("ChargingStatusReq", secc.session_id)).body
    assert told.ReceiptRequired
    body = {"SessionID": secc.session_id, "SAScheduleTupleID": 1, "MeterInfo": told.MeterInfo, "Id": "id1"}
    receipt = codec.new("iso2", "MeteringReceiptReq", session_id=secc.session_id, **body)
    receipt.header.Signature = signature()
    assert vehicle.ask(receipt).body.ResponseCode == "OK"
    assert found(secc) == ["signature.unverified"]
    vehicle.ask(request("ChargingStatusReq", secc.session_id))
    receipt.body.MeterInfo.MeterReading = 4711
    receipt.body.SAScheduleTupleID = 3
    receipt.header.Signature = None
    assert vehicle.ask(receipt).body.ResponseCode == "OK"
    assert found(secc)[1:] == ["signature.missing", "contract.receipt", "contract.receipt"]
    assert "MeterReading 4711" in secc.journal.findings[-2].text


# -- recorded sessions ------------------------------------------------------------------------------------------------

PNC = "ISO-2_{}_DS5366_RiseV2G.pcapng"
RECORDED = {
    "AC_PnC_TLS_Contract_MeteringReceipt": {"contract.receipt": 2},
    "DC_PnC_TLS_CertInstallation": {},
    "DC_PnC_TLS_Contract": {},
}
SERVICE = types.ServiceType(
    ServiceID=2, ServiceCategory=types.serviceCategoryType.ContractCertificate, FreeService=True
)


def recorded(shared, file):
    with gzip.open(shared / "captures/dsv2gshark/expected.jsonl.gz", "rt") as lines:
        rows = [row for row in map(json.loads, lines) if row["file"] == PNC.format(file)]
    requests = [row for row in rows if row["message"].endswith("Req")]
    responses = [row for row in rows if row["message"].endswith("Res")]
    assert len(requests) == len(responses) > 30
    for asked, answered in zip(requests, responses, strict=True):
        yield asked["t"], bytes.fromhex(asked["exi"]), codec.decode(bytes.fromhex(answered["exi"]), answered["schema"])


def exchanged(exi, old, new):
    """The same message, to the bit, with other bytes in place of some."""
    bits = f"{int.from_bytes(exi, 'big'):0{8 * len(exi)}b}"
    changed = bits.replace(
        f"{int.from_bytes(old, 'big'):0{8 * len(old)}b}", f"{int.from_bytes(new, 'big'):0{8 * len(new)}b}"
    )
    return int(changed, 2).to_bytes(len(exi), "big")


def said(message):
    body = message.body
    return message.name, str(body.ResponseCode), str(getattr(body, "EVSEProcessing", None))


@pytest.mark.parametrize(("file", "findings"), RECORDED.items(), ids=RECORDED)
def test_a_recorded_vehicle_with_a_contract_gets_the_answers_that_it_got(file, findings, shared):
    rows = list(recorded(shared, file))
    station = Station(epoch=0.0, payment_options=("Contract",), services=((SERVICE, None),), phase_current=250.0)
    secc = SECC(station, protocols=["iso2"])
    vehicle = Vehicle(secc, rows[0][0]).connect()
    secc.connection.tls = "TLS 1.2"
    theirs, ours, changes = [], [], []
    for time, exi, recorded_answer in rows:
        body = recorded_answer.body
        wait = 0.0 if getattr(body, "EVSEProcessing", None) == "Finished" else 1e9
        station.authorization_time = station.parameter_time = station.isolation_time = wait
        station.receipt_interval = 0.0 if getattr(body, "ReceiptRequired", False) else None
        for old, new in changes:
            exi = exchanged(exi, old, new)
        vehicle.now = time
        secc.receive_data(v2gtp.pack(0x8001, exi), time)
        secc.take_turn(time)
        answer = vehicle.answer()
        theirs.append(said(recorded_answer))
        ours.append(said(answer))
        if answer.name == "SessionSetupRes":
            changes.append((recorded_answer.session_id, answer.session_id))
        if answer.name == "PaymentDetailsRes":
            changes.append((body.GenChallenge, answer.body.GenChallenge))
    secc.disconnected(rows[-1][0], "the recording ends")
    different = [(a, b) for a, b in zip(theirs, ours, strict=True) if a != b]
    no_backend = ("CertificateInstallationRes", "FAILED_NoCertificateAvailable", "None")
    assert different == ([((*no_backend[:1], "OK", "None"), no_backend)] if "CertInstallation" in file else [])
    assert secc.ended.how == "terminated"
    counted = {rule: found(secc).count(rule) for rule in found(secc) if rule != "signature.unverified"}
    assert counted == findings
    assert found(secc).count("signature.unverified") >= 2
