"""What messages say, remembered."""

import pytest

from secc_kernel import codec
from secc_kernel.session import decoding
from secc_kernel.session.decoding import Text, name_of, text_of
from secc_kernel.session.journal import FrameEntry, Journal

SETUP_RES = bytes.fromhex("8098022bfbb6f3fefbdffed1e020491114a9413960a914c4c8ccd0d4d8a8c480")


@pytest.fixture(autouse=True)
def decoded(monkeypatch):
    """Nothing is remembered at first; the list of what is decoded."""
    calls = []
    real = codec.decode
    monkeypatch.setattr(codec, "decode", lambda *args: calls.append(args) or real(*args))
    monkeypatch.setattr(decoding, "_named", {})
    monkeypatch.setattr(decoding, "_written", {})
    return calls


def test_the_same_bytes_are_decoded_once(decoded):
    xml = codec.decode(SETUP_RES, "iso2").to_xml()
    decoded.clear()
    assert [text_of("iso2", bytes(bytearray(SETUP_RES))) for _ in range(3)] == [Text("SessionSetupRes", xml, None)] * 3
    assert name_of("iso2", SETUP_RES).name == "SessionSetupRes"
    assert len(decoded) == 1


def test_a_name_needs_no_xml(decoded):
    assert [name_of("iso2", SETUP_RES) for _ in range(2)] == [Text("SessionSetupRes", None, None)] * 2
    assert len(decoded) == 1
    assert text_of("iso2", SETUP_RES).xml
    assert len(decoded) == 2


def test_errors_are_remembered_too(decoded):
    for read in (name_of, name_of, text_of, text_of):
        assert read("iso2", SETUP_RES[:9])[:2] == (None, None)
        assert "bit" in read("iso2", SETUP_RES[:9]).error
    assert len(decoded) == 2


def test_the_same_bytes_in_another_vocabulary_are_another_message():
    assert text_of("iso2", SETUP_RES).error is None
    assert text_of("din", SETUP_RES).error is not None


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(decoding, "_MAX_COUNT", 10)
    for number in range(95):
        text_of("iso2", b"\x80" + bytes((number,)))
        assert len(decoding._written) <= 10
    long = codec.encode(codec.new("iso2", "CertificateUpdateRes", ResponseCode="OK", **certificate_update(b"x" * 600)))
    assert name_of("iso2", long).name == "CertificateUpdateRes"
    assert decoding._named == {}


def certificate_update(certificate: bytes) -> dict:
    fields = {f.name: f for f in codec.vocabulary("iso2").message_type("CertificateUpdateRes").__fields__}
    chain = fields["ContractSignatureCertChain"].type(Certificate=certificate)
    return {
        "SAProvisioningCertificateChain": chain,
        "ContractSignatureCertChain": chain,
        "ContractSignatureEncryptedPrivateKey": fields["ContractSignatureEncryptedPrivateKey"].type(value=b"", Id="a"),
        "DHpublickey": fields["DHpublickey"].type(value=b"", Id="b"),
        "eMAID": fields["eMAID"].type(value="DE", Id="c"),
    }


def test_tables_keep_no_message_and_decode_each_distinct_one_once(decoded):
    journal = Journal()
    for _ in range(20):
        journal.append(FrameEntry(0.0, payload_type=0x8001, data=SETUP_RES, schema="iso2"))
    assert len(journal.messages()) == 20
    assert journal.timing().empty
    assert [entry.name for entry in journal.frames] == ["SessionSetupRes"] * 20
    assert {entry.error for entry in journal.frames} == {None}
    assert {entry.decoded for entry in journal.frames} == {None}
    assert len(decoded) == 1
    assert journal.message(3) is journal.message(3)
    assert journal.message(3) is not journal.message(4)
    assert len(decoded) == 3
