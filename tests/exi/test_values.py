"""How each datatype is represented (EXI 1.0, 7.1), at the edges of its representation."""

from typing import Annotated

import pytest
from declared import bits, codec_of, declare, shown

from secc_kernel.exi.bits import MAX_INTEGER, MAX_OCTETS
from secc_kernel.exi.datatypes import (
    NO_BYTES,
    NO_TEXT,
    Enumeration,
    SimpleType,
    bits_for,
    restrict,
    simple_type,
    string,
    unsignedByte,
)
from secc_kernel.exi.errors import DeclarationError, DecodeError, EncodeError
from secc_kernel.exi.reader import Reader
from secc_kernel.exi.writer import Writer


def root(annotation, before=""):
    module = declare(f"""
        {before}
        class RootType(ComplexType):
            v: {annotation}
        Root = element(RootType)
    """)
    engine = codec_of(module)
    return module, engine, engine.schema.elements[0]


def same(annotation, value, stream, before=""):
    """Both codecs code the value so."""
    module, engine, element = root(annotation, before)
    exi = bits(f"10000000 0  0 0 {stream} 0 0")
    for written in (
        engine.encode(element, module.RootType(v=value)),
        Writer(engine.grammars).document(element, module.RootType(v=value)),
    ):
        assert shown(written) == shown(exi)
    for read in (engine.compiler.decode(exi, False)[1].v, Reader(engine.grammars, exi).document().value.v):
        assert read == value
        assert type(read) is type(value) or isinstance(read, Enumeration)


UNSIGNED = [
    (0, "00000000"),
    (1, "00000001"),
    (127, "01111111"),
    (128, "10000000 00000001"),
    (129, "10000001 00000001"),
    (16383, "11111111 01111111"),
    (16384, "10000000 10000000 00000001"),
    (2**21 - 1, "11111111 11111111 01111111"),
    (2**21, "10000000 10000000 10000000 00000001"),
    (2**64 - 1, "11111111" * 9 + "00000001"),
]


@pytest.mark.parametrize(("value", "stream"), UNSIGNED)
def test_unsigned_integers(value, stream):
    same("unsignedLong", value, stream)


@pytest.mark.parametrize(("value", "stream"), UNSIGNED)
def test_integers(value, stream):
    same("integer", value, "0" + stream)
    same("integer", -value - 1, "1" + stream)


def test_big_integers():
    same("integer", 2**200, "0" + "10000000" * 28 + "00010000")
    same("integer", MAX_INTEGER, "0" + "11111111" * (MAX_OCTETS - 1) + "01111111")
    same("integer", -MAX_INTEGER - 1, "1" + "11111111" * (MAX_OCTETS - 1) + "01111111")


@pytest.mark.parametrize(
    ("low", "high", "value", "stream"),
    [
        (0, 255, 200, "11001000"),
        (-3, 3, -3, "000"),
        (-3, 3, 3, "110"),
        (1, 20, 20, "10011"),
        (0, 4095, 4095, "1" * 12),
        (-2048, 2047, 0, "1" + "0" * 11),
        (5, 5, 5, ""),  # nothing to tell apart
        (0, 4096, 300, "10101100 00000010"),  # too wide: an unsigned integer
        (10, 5000, 300, "10101100 00000010"),
        (-1, 4095, 300, "0 10101100 00000010"),  # too wide, and may be negative
    ],
)
def test_bounded_integers(low, high, value, stream):
    same(f"Annotated[int, restrict(integer, min_inclusive={low}, max_inclusive={high})]", value, stream)


def test_booleans():
    same("boolean", True, "1")
    same("boolean", False, "0")


@pytest.mark.parametrize(("count", "width"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (32, 5), (33, 6)])
def test_enumerations(count, width):
    lines = "\n".join(f"            m{n} = 'v{n}'" for n in range(count))
    before = f"class codeType(Enumeration):\n{lines}"
    for number in {0, count - 1}:
        same("codeType", f"v{number}", f"{number:0{width}b}" if width else "", before)


def test_a_lone_attribute_of_one_value_has_no_bits():
    module = declare("""
        class oneType(Enumeration):
            only = "only"
        class RootType(ComplexType):
            max: Annotated[oneType | None, attribute()] = None
            x: boolean | None = None
        Root = element(RootType)
    """)
    engine = codec_of(module)
    for value, stream in (({"max": "only"}, "00 01"), ({"max": "only", "x": True}, "00 00 010 0"), ({}, "10")):
        exi = bits("10000000 0" + stream)
        assert shown(engine.encode(engine.schema.elements[0], module.RootType(**value))) == shown(exi)
        assert engine.compiler.decode(exi, False)[1] == module.RootType(**value)


@pytest.mark.parametrize("kind", ["hexBinary", "base64Binary"])
@pytest.mark.parametrize(
    ("value", "stream"),
    [(b"", "00000000"), (b"\xa5", "00000001 10100101"), (bytes(128), "10000000 00000001" + "0" * 1024)],
)
def test_binary(kind, value, stream):
    same(kind, value, stream)


@pytest.mark.parametrize(
    ("value", "stream"),
    [
        ("", "00000010"),
        ("A", "00000011 01000001"),
        ("\0", "00000011 00000000"),
        ("\x7f\x80", "00000100 01111111 10000000 00000001"),
        ("ÿ", "00000011 11111111 00000001"),
        ("€", "00000011 10101100 01000001"),  # U+20AC
        ("😀", "00000011 10000000 11101100 00000111"),  # U+1F600
        ("\U0010ffff", "00000011 11111111 11111111 01000011"),
        ("\ufffe\ufdd0", "00000100 11111110 11111111 00000011 11010000 11111011 00000011"),
        ("x" * 125, "01111111" + "01111000" * 125),
        ("x" * 126, "10000000 00000001" + "01111000" * 126),
        ("é" * 126, "10000000 00000001" + "11101001 00000001" * 126),
    ],
)
def test_strings(value, stream):
    same("string", value, stream)


def test_characters_need_not_have_their_shortest_form():
    module, engine, _ = root("string")
    exi = bits("10000000 0  0 0 00000011 11000001 10000000 00000000 0 0")  # 0x41 in three octets
    assert engine.decode(exi).value == module.RootType(v="A")
    assert Reader(engine.grammars, exi).document().value == module.RootType(v="A")


def test_nothing_but_the_end_is_an_empty_value_of_its_own():
    for kind, value, empty in (("string", NO_TEXT, ""), ("hexBinary", NO_BYTES, b"")):
        module, engine, element = root(kind)
        # Within v: its characters have event code 0, its end here is the first of what 1 leads to.
        exi = bits("10000000 0  0 1 000 0")
        read = engine.decode(exi)
        assert read.value.v == empty
        assert type(read.value.v) is type(value)
        assert [(finding.rule, finding.severity) for finding in read.findings] == [("exi.no-characters", "note")]
        assert engine.encode(element, read.value) == exi
        assert engine.encode(element, module.RootType(v=value)) == exi
        assert engine.encode(element, module.RootType(v=empty)) == bits(
            "10000000 0  0 0 00000010 0 0" if kind == "string" else "10000000 0  0 0 00000000 0 0"
        )


# -- what cannot be represented ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        ("boolean", "true", "boolean"),
        ("boolean", 2, "boolean"),
        ("unsignedByte", 256, "room for 0 to 255"),
        ("unsignedByte", -1, "room for 0 to 255"),
        ("unsignedByte", "5", "unsignedByte"),
        ("unsignedByte", 5.0, "unsignedByte"),
        ("unsignedLong", -1, "only numbers from 0 on"),
        ("integer", None, "v is missing"),
        ("integer", 2.5, "integer"),
        ("string", b"abc", "string"),
        ("string", 5, "string"),
        ("string", ["abc"], "string"),
        ("string", "a\ud800", "U\\+D800"),
        ("hexBinary", "00", "hexBinary"),
        ("hexBinary", 3, "hexBinary"),
        ("hexBinary", [1, 2], "hexBinary"),
        ("Annotated[list[boolean], occurs(1, 2)]", True, "True is no list"),
        ("Annotated[list[string], occurs(1, 2)]", "ab", "'ab' is no list"),
        ("Annotated[list[boolean], occurs(1, 2)]", [None], "boolean"),
    ],
)
def test_values_that_do_not_fit_name_their_element(annotation, value, reason):
    module, engine, element = root(annotation)
    for encode in (engine.encode, Writer(engine.grammars).document):
        with pytest.raises(EncodeError, match=reason) as caught:
            encode(element, module.RootType(v=value))
        assert caught.value.path.startswith("Root")
        assert str(caught.value) == f"{caught.value.path}: {caught.value.reason}"


def test_integers_have_a_greatest_magnitude():
    module, engine, element = root("integer")
    for value in (MAX_INTEGER + 1, -MAX_INTEGER - 2, 10**5000, -(10**5000)):  # Python prints none of so many digits
        with pytest.raises(EncodeError, match=f"more than {MAX_OCTETS} bytes"):
            engine.encode(element, module.RootType(v=value))


def test_values_of_related_python_types_fit():
    class Number:
        def __index__(self):
            return 5

    for annotation, given, plain in (
        ("unsignedByte", True, 1),
        ("unsignedByte", Number(), 5),
        ("boolean", 1, True),
        ("hexBinary", bytearray(b"\1\2"), b"\1\2"),
        ("hexBinary", memoryview(b"\1\2"), b"\1\2"),
        ("Annotated[list[boolean], occurs(1, 2)]", (True, False), [True, False]),
    ):
        module, engine, element = root(annotation)
        exi = engine.encode(element, module.RootType(v=given))
        assert exi == engine.encode(element, module.RootType(v=plain))
        assert Writer(engine.grammars).document(element, module.RootType(v=given)) == exi


def test_enumerations_take_plain_strings_and_keep_unknown_numbers():
    before = "class codeType(Enumeration):\n            A = 'a'\n            B = 'b'\n            C = 'c'"
    module, engine, element = root("codeType", before)
    exi = bits("10000000 0  0 0 11 0 0")
    read = engine.decode(exi)
    assert read.value.v == 3
    assert [finding.rule for finding in read.findings] == ["schema.enumeration"]
    assert engine.encode(element, read.value) == exi
    assert engine.encode(element, module.RootType(v="b")) == engine.encode(
        element, module.RootType(v=module.codeType.B)
    )
    assert str(module.codeType.B) == f"{module.codeType.B}" == "b"
    for wrong in ("d", 1, 4, True, None, "B"):
        with pytest.raises(EncodeError, match=r"codeType|missing"):
            engine.encode(element, module.RootType(v=wrong))


@pytest.mark.parametrize(
    ("annotation", "stream", "reason", "offset"),
    [
        ("string", "00000011 11111111 11111111 11111111 00000000", "no character", 19),
        ("string", "00000011 10000000 10110000 00000011", "0xd800 is no character", 19),
        ("string", "00000101 01100001", "3 characters is announced, 1 bytes", 19),
        ("string", "11111111 11111111 11111111 11111111 00001111", "4294967293 characters is announced", 51),
        ("string", "11111111" * 1999 + "00000001", "more than 2\\^64 characters is announced", 11 + 16000),
        ("hexBinary", "10000000 00000001 10100101", "128 bytes is announced, 1 are", 27),
        ("integer", "0" + "11111111" * MAX_OCTETS + "00000000", "more than 2000 bytes", 12),
        ("integer", "0 11111111", "8 bits wanted, 4 left", 20),
    ],
)
def test_streams_that_make_no_sense_name_the_bit(annotation, stream, reason, offset):
    _, engine, _ = root(annotation)
    with pytest.raises(DecodeError, match=reason) as caught:
        engine.decode(bits("10000000 0  0 0 " + stream))
    assert (caught.value.offset, caught.value.path) == (offset, "Root/v")
    assert str(caught.value).startswith(f"bit {offset} (byte {offset // 8}) in Root/v: ")


def test_bits_for():
    assert [bits_for(n) for n in (0, 1, 2, 3, 4, 5, 8, 9)] == [0, 0, 1, 2, 2, 3, 3, 4]


def test_facets_are_inherited_and_the_builtin_type_is_known():
    first = Annotated[int, restrict(unsignedByte, max_inclusive=20)]
    second = simple_type(Annotated[int, restrict(first, min_inclusive=1)])
    assert (second.min_inclusive, second.max_inclusive, second.builtin) == (1, 20, "unsignedByte")
    assert simple_type(Annotated[str, restrict(string, length=4)]).min_length == 4
    with pytest.raises(DeclarationError, match="not a simple type"):
        restrict(int)
    with pytest.raises(DeclarationError, match="'float'"):
        SimpleType("float")
