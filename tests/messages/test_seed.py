"""The exchange that the project starts from, and messages that everybody meets."""

import pytest

from secc_kernel import codec
from secc_kernel.messages import SCHEMAS, by_namespace, vocabulary
from secc_kernel.wire import v2gtp

EXI = bytes.fromhex("809802306986f7ab7e919551e0a0452d48a9510cc4a9254d3cc4a8c0c0c480")
XML = """<?xml version="1.0" ?>
<s3:V2G_Message xmlns:xml="http://www.w3.org/XML/1998/namespace" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:s0="http://www.w3.org/2000/09/xmldsig#" \
xmlns:s1="urn:iso:15118:2:2013:MsgBody" xmlns:s2="urn:iso:15118:2:2013:MsgDataTypes" \
xmlns:s3="urn:iso:15118:2:2013:MsgDef" xmlns:s4="urn:iso:15118:2:2013:MsgHeader">
  <s3:Header>
    <s4:SessionID>C1A61BDEADFA4655</s4:SessionID>
  </s3:Header>
  <s3:Body>
    <s1:SessionSetupRes>
      <s1:ResponseCode>FAILED_SequenceError</s1:ResponseCode>
      <s1:EVSEID>KR*TC1*ISO1*001</s1:EVSEID>
    </s1:SessionSetupRes>
  </s3:Body>
</s3:V2G_Message>"""


@pytest.fixture
def seed():
    return codec.new(
        "iso2",
        "SessionSetupRes",
        session_id=bytes.fromhex("C1A61BDEADFA4655"),
        ResponseCode="FAILED_SequenceError",
        EVSEID="KR*TC1*ISO1*001",
    )


def test_the_seed_to_the_bit_and_the_character(seed):
    assert codec.encode(seed) == EXI
    frame = v2gtp.pack(vocabulary("iso2").payload_type, EXI)
    assert frame[:8].hex() == "01fe80010000001f"
    assert frame[8:] == EXI
    assert seed.to_xml() == XML
    assert codec.decode(EXI, "iso2") == seed
    assert codec.from_xml(XML, "iso2") == seed
    assert codec.decode(EXI, "iso2").to_xml() == XML
    assert not seed.findings


def test_what_a_message_tells_of_itself(seed):
    assert (seed.schema, seed.fragment, seed.name) == ("iso2", False, "SessionSetupRes")
    assert (seed.element.name, seed.element.namespace) == ("V2G_Message", "urn:iso:15118:2:2013:MsgDef")
    assert seed.session_id == bytes.fromhex("C1A61BDEADFA4655")
    assert seed.body.ResponseCode == "FAILED_SequenceError"
    assert seed.header.SessionID == seed.session_id
    assert "SessionSetupRes" in repr(seed)
    with pytest.raises(TypeError):
        hash(seed)


@pytest.mark.parametrize(
    ("key", "exi", "name"),
    [
        ("sap", "80400040", "supportedAppProtocolRes"),
        ("sap", "8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040040", "supportedAppProtocolReq"),
        ("din", "809a004011d01bb19732da177000", "SessionSetupReq"),
        ("iso20_ac", "800c041e9869d6a61dc1ef895b9b4a806200484180180418018041801980", "AC_ChargeLoopRes"),
        ("iso20_common", "80540402479ad7c263fda60a2a7e4a70620000000480e04007c2a924", "PowerDeliveryReq"),
    ],
)
def test_messages_that_others_coded(key, exi, name):
    message = codec.decode(bytes.fromhex(exi), key)
    assert message.name == name
    assert codec.encode(message).hex() == exi
    assert codec.from_xml(message.to_xml(), key) == message


def test_the_vocabularies_and_how_they_are_offered():
    counts = {key: len(vocabulary(key).messages) for key in SCHEMAS}
    assert counts == {
        "sap": 2,
        "din": 34,
        "iso2": 34,
        "iso20_common": 26,
        "iso20_ac": 4,
        "iso20_dc": 10,
        "iso20_wpt": 12,
        "iso20_acdp": 8,
        "xmldsig": 0,
    }
    for key in SCHEMAS:
        words = vocabulary(key)
        if words.envelope is not None:
            assert len({words.message_type(name) for name in words.messages}) == 34, "the body's type tells the message"
        found = by_namespace(words.namespace)
        assert found is (words if words.offered else None)
    assert by_namespace("urn:tesla:din:2018:MsgDef") is None
    assert [vocabulary(key).payload_type for key in SCHEMAS] == [
        0x8001, 0x8001, 0x8001, 0x8002, 0x8003, 0x8004, 0x8006, 0x8005, 0x8001,
    ]  # fmt: skip
    assert vocabulary("iso2").message_type("SessionSetupRes").__name__ == "SessionSetupResType"


def test_names_that_do_not_exist_are_explained():
    with pytest.raises(KeyError, match="no vocabulary 'iso3'; there are sap, din"):
        vocabulary("iso3")
    with pytest.raises(KeyError, match="no vocabulary 'iso3'"):
        codec.decode(EXI, "iso3")
    with pytest.raises(KeyError, match="no message 'SessionSetupRequest'; there is SessionSetupRe"):
        codec.new("iso2", "SessionSetupRequest")
    with pytest.raises(TypeError, match="SessionSetupResType has no field EVSEId"):
        codec.new("iso2", "SessionSetupRes", EVSEId="x")
    with pytest.raises(AttributeError):
        codec.new("iso2", "SessionSetupRes").body.EVSEId = "x"
    with pytest.raises(KeyError):
        codec.new("xmldsig", "SignedInfo")


def test_strictness_is_a_choice(seed):
    seed.body.EVSEID = "short"
    assert [finding.rule for finding in seed.findings] == ["facet.min-length"]
    exi = codec.encode(seed)
    assert codec.decode(exi, "iso2") == seed
    for refused in (lambda: codec.encode(seed, strict=True), lambda: codec.decode(exi, "iso2", strict=True)):
        with pytest.raises(codec.InvalidMessageError, match=r"SessionSetupRes breaks its schema: .*EVSEID") as caught:
            refused()
        assert caught.value.findings == seed.findings


def refusal(message):
    """Why a message cannot be written; empty if it can."""
    try:
        codec.encode(message)
    except codec.EncodeError as error:
        return str(error)
    return ""


def test_every_message_can_be_made_empty_and_says_what_it_lacks():
    complete = set()
    for key in SCHEMAS:
        for name in vocabulary(key).messages:
            message = codec.new(key, name)
            assert message.name == name
            assert message.to_xml()
            reason = refusal(message)
            assert not reason or reason.endswith("is missing")
            if not reason:
                complete.add(name)
    assert {"ServiceDiscoveryReq", "AuthorizationReq", "ChargingStatusReq"} <= complete
    assert "SessionSetupRes" not in complete


def test_source_can_be_read():
    for name in ("SessionSetupRes", "PhysicalValueType"):
        text = codec.source("iso2", name)
        assert "def read_" in text
        assert "def write_" in text
        compile(text, name, "exec")
    assert "walks the grammar" in codec.source("xmldsig", "TransformType")
    with pytest.raises(KeyError):
        codec.source("iso2", "NoSuchType")
