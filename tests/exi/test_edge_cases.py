"""What real devices sent and what issues report: each row of the reference, with what is to become of it."""

import base64
import hashlib
import json
from functools import cache

import pytest
from infoset import infoset
from lxml import etree

from secc_kernel import codec
from secc_kernel.exi.declare import AnyElement, Child, ComplexType
from secc_kernel.exi.xml_writer import slot_element
from secc_kernel.messages import vocabulary

pytestmark = pytest.mark.shared

VOCABULARY = {
    "DIN70121": "din",
    "ISO15118-2": "iso2",
    "ISO15118-2(2016 draft)": "iso2",
    "ISO15118-2 signed fragment": "iso2",
    "ISO15118-20/AC": "iso20_ac",
    "ISO15118-20/CommonMessages": "iso20_common",
    "XMLDSig SignedInfo (xmldsig-core-schema fragment grammar)": "xmldsig",
}
EMPTY_CERTIFICATES = {"value.empty", "facet.min-length"}

#: Row -> the rules of its findings; the message is written again to the bit.
EXACT = {
    0: set(),  # signed fragments as they should be
    2: set(),
    4: set(),
    6: set(),
    8: set(),
    9: set(),
    10: {"v2g.session-id"},  # a SessionID of one byte
    11: EMPTY_CERTIFICATES,  # a refusal with nothing in its mandatory elements
    12: {"xml.character", "v2g.session-id"},  # control characters in the EVSEID
    15: set(),
    18: set(),  # an element without content
    23: {"value.empty"},  # a meter without identifier
    24: {"value.empty"},
    25: {"value.empty"},
    26: {"facet.max"},  # four phases, and a power beyond its type
    27: {"value.empty"},  # an empty SessionID
    28: {"xml.character"},  # 64 NUL characters
    29: {"xml.character"},
    30: {"value.empty"},
    31: {"value.empty"},
    32: set(),
    34: EMPTY_CERTIFICATES,
}
#: Signed fragments whose element is in no namespace: read as an undeclared element, and never written.
UNDECLARED = (1, 3, 5, 7)
#: Messages of one vehicle with a byte after their end.
SURPLUS = (19, 20, 21, 22)
#: Row -> the bit where it stops making sense, and a word of the reason.
REFUSED = {
    13: (69, "string-table"),  # a draft that was never released
    14: (247, "ends"),  # a byte too many in the middle
    16: (160, "ends"),  # cut short
    17: (300, "ends"),
    33: (33, "string of 103 characters"),  # simple content without its attribute's event
}


@cache
def all_rows(shared):
    with (shared / "vectors/edge_cases.jsonl").open() as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture
def row(shared, number):
    found = dict(all_rows(shared)[number])
    found["exi"] = bytes.fromhex(found["exi"])
    found["schema"] = VOCABULARY[found["standard"]]
    found["fragment"] = "fragment" in found["standard"]
    return found


def decoded(row):
    return codec.decode(row["exi"], row["schema"], row["fragment"])


def test_every_row_is_expected_somewhere(shared):
    assert sorted((*EXACT, *UNDECLARED, *SURPLUS, *REFUSED)) == list(range(len(all_rows(shared))))


@pytest.mark.parametrize("number", EXACT)
def test_oddities_are_kept_and_written_again_to_the_bit(number, row):
    message = decoded(row)
    assert {finding.rule for finding in message.findings} == EXACT[number]
    assert codec.encode(message) == row["exi"]
    assert codec.from_xml(message.to_xml(), row["schema"], row["fragment"]) == message
    assert codec.from_xml(row["xml"], row["schema"], row["fragment"]) == message
    try:
        expected = infoset(row["xml"])
    except etree.XMLSyntaxError:
        assert "xml.character" in EXACT[number], "only characters that XML lacks keep other parsers from reading it"
    else:
        assert infoset(message.to_xml()) == expected


@pytest.mark.parametrize("number", UNDECLARED)
def test_elements_of_another_namespace_are_read_and_not_written(number, row):
    message = decoded(row)
    assert [finding.rule for finding in message.findings] == ["schema.undeclared-element"]
    assert isinstance(message.value, AnyElement)
    assert infoset(message.to_xml()) == infoset(row["xml"])
    with pytest.raises(codec.EncodeError, match="starts with"):
        codec.encode(message)


@pytest.mark.parametrize("number", SURPLUS)
def test_a_surplus_byte_is_a_finding(number, row):
    message = decoded(row)
    (finding,) = message.findings
    assert (finding.rule, finding.severity) == ("exi.surplus-bytes", "warning")
    assert "1 surplus byte" in finding.text
    assert "00" in finding.text
    assert codec.encode(message) == row["exi"][:-1]
    assert infoset(message.to_xml()) == infoset(row["xml"])


@pytest.mark.parametrize("number", REFUSED)
def test_what_makes_no_sense_is_refused_with_its_place(number, row):
    offset, reason = REFUSED[number]
    with pytest.raises(codec.DecodeError, match=reason) as caught:
        decoded(row)
    assert caught.value.offset == offset
    assert caught.value.path
    steps, error = vocabulary(row["schema"]).codec.trace(row["exi"], row["fragment"])
    assert (error.offset, error.reason) == (offset, caught.value.reason)
    assert sum(step.length for step in steps) <= offset


@pytest.mark.parametrize("number", [28])
def test_nul_characters_stay_in_the_value(number, row):
    assert decoded(row).body.ServiceScope == "\0" * 64


@pytest.mark.parametrize("number", [26])
def test_a_value_out_of_range_stays_what_it_is(number, row):
    (entry,) = decoded(row).body.ChargingProfile.ProfileEntry
    assert entry.ChargingProfileEntryMaxNumberOfPhasesInUse == 4


@pytest.mark.parametrize("number", [32])
def test_a_sales_tariff_has_the_digest_of_the_issue(number, row):
    digest = "ralwRkiB/uBn2TU6Q/IQq1ey1MVxvmK8cm/Rg2YmXT0="
    assert digest in row["note"]
    assert hashlib.sha256(codec.encode(decoded(row))).digest() == base64.b64decode(digest)


# -- signatures -------------------------------------------------------------------------------------------------------


@cache
def all_signatures(shared):
    with (shared / "vectors/signatures.jsonl").open() as lines:
        return [json.loads(line) for line in lines]


def identified(schema, element, value, wanted):
    """The element within a value that has that Id, and its value."""
    if isinstance(value, Child):
        element, value = value.element, value.value
    if not isinstance(value, ComplexType):
        return None
    if getattr(value, "Id", None) == wanted:
        return element, value
    for field in type(value).__fields__:
        held = getattr(value, field.name)
        if field.kind == "element" and held is not None:
            for one in held if field.repeated else (held,):
                if found := identified(schema, slot_element(schema, field, one), one, wanted):
                    return found
    return None


@pytest.mark.parametrize("number", range(13))
def test_signed_elements_and_signed_info_are_what_was_digested_and_signed(shared, number):
    row = all_signatures(shared)[number]
    exi = bytes.fromhex(row["exi_hex"])
    message = codec.decode(exi, "iso2")
    assert message.name == row["message"]
    assert codec.encode(message) == exi
    schema = message.vocabulary.schema
    references = message.header.Signature.SignedInfo.Reference
    assert len(references) == len(row["references"])
    for reference, expected in zip(references, row["references"], strict=True):
        assert reference.URI.removeprefix("#") == expected["id"]
        found = identified(schema, message.element, message.value.Body, expected["id"])
        if "error" in expected:  # a stale signature, repeated in a later message
            assert found is None
            continue
        element, value = found
        assert element.name == expected["element"]
        fragment = codec.encode(codec.Message("iso2", element, value, fragment=True))
        assert fragment.hex() == expected["fragment_hex"]
        assert hashlib.sha256(fragment).digest() == reference.DigestValue
        assert codec.decode(fragment, "iso2", fragment=True).value == value
    words = vocabulary("xmldsig")
    signed = codec.Message(
        "xmldsig", words.schema.global_element("SignedInfo"), message.header.Signature.SignedInfo, fragment=True
    )
    assert codec.encode(signed).hex() == row["signedinfo_exi_hex"]
    assert codec.decode(codec.encode(signed), "xmldsig", fragment=True) == signed
    assert message.header.Signature.SignatureValue.value.hex() == row["signature_value_hex"]


def test_every_signature_is_looked_at(shared):
    assert len(all_signatures(shared)) == 13
