"""What the schema does not foresee (EXI 1.0, 8.5.4.4.1): read with findings, by the bits of the specification."""

import pytest
from declared import bits, codec_of, declare, shown

from secc_kernel.exi.declare import AnyElement
from secc_kernel.exi.errors import DecodeError, EncodeError
from secc_kernel.exi.names import XSI_TYPE, QName
from secc_kernel.exi.reader import MAX_DEPTH, MAX_EXPANSION, MAX_FINDINGS
from secc_kernel.exi.schema import _XSD_NAMES

# Namespaces: "", xml, xsi, xsd, urn:t: three bits, 0 for one that is spelt out.
NO_URI, XSI, XSD, URN_T = "001", "011", "100", "101"
# Local names in urn:t: Root, RootType, a, b (two bits). In xsd there are 46, in xsi nil and type.
XY = NO_URI + "00000011 01111000 01111001"  # xy, spelt out

# At an element's start: its end, xsi:type, xsi:nil, any attribute, an ill-typed attribute, any element, text.
START = {"EE": "000", "type": "001", "nil": "010", "AT": "011", "untyped": "100", "SE": "101", "CH": "110"}
# Later: its end, any element, text; where it may end, there are two.
LATER = {"EE": "00", "SE": "01", "CH": "10"}


def xsd(name):
    """The number of a name in the namespace of XML Schema, all of which EXI knows (EXI 1.0, appendix D.3)."""
    return f"{_XSD_NAMES.split().index(name):06b}"


@pytest.fixture
def module():
    return declare("""
        class RootType(ComplexType):
            a: unsignedByte
            b: string
        Root = element(RootType)
    """)


@pytest.fixture
def engine(module):
    return codec_of(module)


A = "0  0 00000101 0 "
B = "0  0 00000011 01111010 0 "


def read(engine, stream, *rules):
    """The value of Root, which has these findings."""
    exi = bits("10000000 0 " + stream)
    found = engine.decode(exi)
    assert tuple(finding.rule for finding in found.findings) == rules
    assert engine.compiler.decode(exi, False) is None
    steps, error = engine.trace(exi)
    assert error is None
    assert "".join(shown(exi)[s.offset : s.offset + s.length] for s in steps) == shown(exi)
    return found.value


def test_what_the_schema_foresees(engine, module):
    assert engine.decode(bits("10000000 0 " + A + B + "0")) == (
        engine.schema.elements[0],
        module.RootType(a=5, b="z"),
        [],
    )


def test_undeclared_elements(engine, module):
    expected = module.RootType(a=5, b="z")
    unknown = "11 00000011 01111000 0"  # text, then the end of what has learned nothing yet
    value = read(engine, "1" + START["SE"] + XY + unknown + A + B + "0", "schema.undeclared-element")
    assert value == expected
    value = read(engine, A + "1" + LATER["SE"] + XY + unknown + B + "0", "schema.undeclared-element")
    assert value == expected
    # After b the end is declared: of two undeclared events an element is the first.
    value = read(engine, A + B + "1 0" + XY + unknown + "0", "schema.undeclared-element")
    assert value == expected
    # A second one of that name: the name is known (xy is one of one: no bits), and so is that text comes first.
    again = NO_URI + "00000000" + "0 00000011 01111000 0"
    stream = "1" + START["SE"] + XY + unknown + "1" + LATER["SE"] + again + A + B + "0"
    assert read(engine, stream, "schema.undeclared-element", "schema.undeclared-element") == expected


def test_elements_of_the_schema_where_they_do_not_belong(engine, module):
    name = URN_T + "00000000" + "00"  # Root
    inner = A + "0  0 00000011 01111001 0  0"
    value = read(engine, A + "1" + LATER["SE"] + name + inner + B + "0", "schema.undeclared-element")
    assert value == module.RootType(a=5, b="z")


def test_a_missing_element_ends_the_type_early(engine, module):
    assert read(engine, A + "1" + LATER["EE"], "schema.incomplete") == module.RootType(a=5)
    assert read(engine, "1" + START["EE"], "schema.incomplete") == module.RootType()
    (finding,) = engine.decode(bits("10000000 0" + A + "1" + LATER["EE"])).findings
    assert (finding.path, finding.severity) == ("Root", "error")
    assert "expected: b" in finding.text
    with pytest.raises(EncodeError, match="b is missing"):
        engine.encode(engine.schema.elements[0], module.RootType(a=5))


def test_undeclared_attributes_and_text(engine, module):
    expected = module.RootType(a=5, b="z")
    text = "00000011 01111000"
    assert read(engine, "1" + START["AT"] + XY + text + A + B + "0", "schema.undeclared-attribute") == expected
    assert read(engine, "1" + START["CH"] + text + A + B + "0", "schema.undeclared-text") == expected
    assert read(engine, A + "1" + LATER["CH"] + text + B + "0", "schema.undeclared-text") == expected


def test_values_that_are_not_of_their_type(engine, module):
    # In a: its end, xsi:type, xsi:nil, any attribute, an ill-typed one, any element, text.
    value = read(engine, "0 1" + START["CH"] + "00000100 01101110 01101111 1 00" + B + "0", "schema.untyped")
    assert value == module.RootType(a="no", b="z")
    with pytest.raises(EncodeError, match="'no' cannot be written as unsignedByte"):
        engine.encode(engine.schema.elements[0], value)


def test_an_integer_without_characters_is_missing(engine, module):
    assert read(engine, "0 1" + START["EE"] + B + "0", "schema.incomplete") == module.RootType(b="z")


def test_xsi_type(engine, module):
    string = XSD + "00000000" + xsd("string")
    value = read(engine, "0 1" + START["type"] + string + "0 00000011 01111001 0" + B + "0", "schema.xsi-type")
    assert value == module.RootType(a="y", b="z")
    # A type that nobody knows changes nothing.
    value = read(engine, "0 1" + START["type"] + XY + A[1:] + B + "0", "schema.xsi-type")
    assert value == module.RootType(a=5, b="z")
    # anyType: attributes, elements, the end, text; after content elements, the end, text.
    any_type = XSD + "00000000" + xsd("anyType")
    stream = "0 1" + START["type"] + any_type + "000" + XY + "00000011 01111000" + "011 00000011 01111001 01" + B + "0"
    value = read(engine, stream, "schema.xsi-type")
    attributes = {XSI_TYPE: "xsd:anyType", QName("", "xy"): "x"}
    assert value == module.RootType(a=AnyElement(QName("urn:t", "a"), attributes, ["y"]), b="z")
    double = XSD + "00000000" + xsd("double")
    with pytest.raises(DecodeError, match="double: values of this type cannot be read"):
        engine.decode(bits("10000000 0 0 1" + START["type"] + double))


def test_xsi_nil(engine, module):
    # False changes nothing; true leaves attributes (here none) and the end.
    assert read(engine, "1" + START["nil"] + "0" + A + B + "0", "schema.nil") == module.RootType(a=5, b="z")
    assert read(engine, "1" + START["nil"] + "1 0", "schema.nil") == module.RootType()
    assert read(engine, "0 1" + START["nil"] + "1 0" + B + "0", "schema.nil") == module.RootType(b="z")
    # Within a nil element: xsi:type, xsi:nil, any attribute, an ill-typed one, any element, text.
    stream = "1" + START["nil"] + "1" + "1 101 00000011 01111000 0"
    assert read(engine, stream, "schema.nil", "schema.undeclared-text") == module.RootType()


def test_ill_typed_attributes():
    module = declare("""
        class RootType(ComplexType):
            i: Annotated[unsignedByte, attribute()]
            x: boolean
        Root = element(RootType)
    """)
    engine = codec_of(module)
    text = "00000011 01111000"
    # An ill-typed attribute: which, of i and any other.
    assert read(engine, "1" + START["untyped"] + "0" + text + "0 010 0", "schema.untyped") == module.RootType(
        i="x", x=True
    )
    stream = "1" + START["untyped"] + "1" + XY + text + "0 00000111 0 010 0"
    assert read(engine, stream, "schema.undeclared-attribute") == module.RootType(i=7, x=True)
    with pytest.raises(EncodeError, match="'x' cannot be written as unsignedByte") as caught:
        engine.encode(engine.schema.elements[0], module.RootType(i="x", x=True))
    assert caught.value.path == "Root/@i"


def test_an_undeclared_root(engine):
    # The built-in grammar: attribute xz, then (one event known) its end.
    exi = bits("10000000 1" + XY + "01" + NO_URI + "00000011 01111000 01111010" + "00000011 01111000" + "1 00")
    found = engine.decode(exi)
    assert found.value == AnyElement(QName("", "xy"), {QName("", "xz"): "x"}, [])
    assert [finding.rule for finding in found.findings] == ["schema.undeclared-element"]
    with pytest.raises(EncodeError, match="no document of this vocabulary starts with xy"):
        engine.encode(found.element, found.value)


@pytest.mark.parametrize(
    ("stream", "offset", "reason"),
    [
        ("1 111", 10, "undeclared event 7, but only 0 to 6 are defined"),
        (A + "1 11", 21, r"undeclared event 3, but only 0 to 2 are defined \(expected: b\)"),
        ("1" + START["SE"] + "110", 13, "namespace number 6 of 5"),
        (
            "1" + START["SE"] + URN_T + "00000111 01111000",
            24,
            "a string of 6 characters is announced, 1 bytes are left",
        ),
        ("1" + START["SE"] + NO_URI + "00000000", 13, "name number 0 of 0 in namespace ''"),
        ("1" + START["CH"] + "00000000", 13, "string-table entry 0 of 0"),
        ("1" + START["CH"] + "00000001", 13, "string-table entry 0 of 0"),
    ],
)
def test_what_cannot_be_read_on(engine, stream, offset, reason):
    with pytest.raises(DecodeError, match=reason) as caught:
        engine.decode(bits("10000000 0 " + stream))
    assert (caught.value.offset, caught.value.path) == (offset, "Root")


def test_every_cut_is_noticed_where_it_is(engine):
    exi = bits("10000000 0 " + A + B + "0")
    for length in range(len(exi)):
        with pytest.raises(DecodeError, match=r"the stream ends|is announced") as caught:
            engine.decode(exi[:length])
        assert caught.value.offset <= 8 * length
        steps, error = engine.trace(exi[:length])
        assert sum(step.length for step in steps) <= error.offset <= 8 * length


@pytest.mark.parametrize(
    ("first", "reason", "offset"),
    [
        ("", "8 bits wanted, 0 left", 0),
        ("00000000", "starts with bits 10", 0),
        ("10100000", "options document", 2),
        ("10010000", "version bits", 3),
        ("10000001", "version bits", 3),
    ],
)
def test_headers(engine, first, reason, offset):
    with pytest.raises(DecodeError, match=reason) as caught:
        engine.decode(bits(first))
    assert (caught.value.offset, caught.value.path) == (offset, "")


def test_a_cookie_is_a_finding(engine, module):
    found = engine.decode(b"$EXI" + bits("10000000 0 " + A + B + "0"))
    assert found.value == module.RootType(a=5, b="z")
    assert [finding.rule for finding in found.findings] == ["exi.cookie"]


def test_padding_and_surplus_bytes_are_findings(engine, module):
    exi = bits("10000000 0 " + "1" + START["nil"] + "0" + A + B + "0")  # 45 bits, and 3 of padding
    found = engine.decode(exi[:-1] + bytes([exi[-1] | 1]))
    assert [(f.rule, f.severity) for f in found.findings[1:]] == [("exi.padding", "note")]
    found = engine.decode(exi + b"\x01\x02")
    finding = found.findings[-1]
    assert (finding.rule, finding.text) == ("exi.surplus-bytes", "2 surplus bytes after the message: 0102")
    assert found.value == module.RootType(a=5, b="z")


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_depth_is_limited(engine):
    # xy in Root; in its content xy again, at first an undeclared event of it, from then on its only known one: no bits
    # but one for the event, none for the name.
    stream = "1" + START["SE"] + XY + "10" + NO_URI + "00000000" + "0" * 500
    with pytest.raises(DecodeError, match=f"nested deeper than {MAX_DEPTH}") as caught:
        engine.decode(bits("10000000 0 " + stream))
    assert caught.value.path == "Root" + "/xy" * (MAX_DEPTH - 1)


def test_findings_are_limited(engine):
    # Text before a, again and again: an empty string each time.
    stream = "1" + START["CH"] + "00000010" + "1 10 00000010" * (MAX_FINDINGS + 50) + A + B + "0"
    found = engine.decode(bits("10000000 0 " + stream))
    assert len(found.findings) == MAX_FINDINGS + 1
    assert found.findings[-1].rule == "exi.more-findings"
    assert found.value.b == "z"


def test_references_cannot_multiply_a_long_string(engine):
    length = 20000
    size = length + 2
    literal = f"{size & 127 | 128:08b}{size >> 7 & 127 | 128:08b}{size >> 14:08b}" + "01111000" * length
    reference = "1 10 00000000"  # text once more: the only value of Root so far, so its number takes no bits
    stream = "1" + START["CH"] + literal + reference * (MAX_EXPANSION // length + 1)
    with pytest.raises(DecodeError, match="references stand for more than"):
        engine.decode(bits("10000000 0 " + stream))
    stream = "1" + START["CH"] + literal + reference * 10 + A + B + "0"
    found = engine.decode(bits("10000000 0 " + stream))
    assert all(len(finding.text) < 200 for finding in found.findings)
