"""Every feature of the declarations on a tiny schema, with streams put together by hand from the EXI specification."""

import pytest
from declared import bits, codec_of, declare, shown

from secc_kernel.exi.datatypes import boolean
from secc_kernel.exi.declare import AnyElement, Child, Element
from secc_kernel.exi.linear import linear
from secc_kernel.exi.names import QName
from secc_kernel.exi.reader import Reader
from secc_kernel.exi.writer import Writer

HEADER = "10000000 0 "  # EXI 1 without options, then the only global element of one


def check(module, value, stream, *, element="Root", compiled=True):
    """Both codecs read and write that value as that stream, and every bit of it is accounted for."""
    engine = codec_of(module)
    root = engine.schema.global_element(element)
    exi = bits(HEADER + stream)
    assert shown(Writer(engine.grammars).document(root, value)) == shown(exi)
    assert shown(engine.encode(root, value)) == shown(exi)
    read = Reader(engine.grammars, exi).document()
    assert (read.element, read.value, read.findings) == (root, value, [])
    assert engine.decode(exi).value == value
    assert engine.compiler.decode(exi, False) == (root, value)
    assert (engine.compiler.encode(root, value, False) is not None) == (root.simple_type is None)
    if root.simple_type is None:
        assert (linear(engine.grammars.of(root.type)) is not None) == compiled
    steps, error = engine.trace(exi)
    assert error is None
    assert "".join(shown(exi)[s.offset : s.offset + s.length] for s in steps) == shown(exi)
    return engine


SEQUENCE = """
    class RootType(ComplexType):
        a: unsignedByte
        b: string
    Root = element(RootType)
"""


def test_a_sequence():
    module = declare(SEQUENCE)
    stream = """
        0  0 00000101 0                     # a: its element, its characters, 5, its end
        0  0 00000100 01001000 01101001 0   # b: two characters
        0                                   # end of Root
    """
    check(module, module.RootType(a=5, b="Hi"), stream)


OPTIONAL = """
    class RootType(ComplexType):
        a: boolean
        b: boolean | None = None
        c: boolean | None = None
        d: boolean
        e: boolean | None = None
    Root = element(RootType)
"""


@pytest.mark.parametrize(
    ("fields", "stream"),
    [
        ({"a": True, "d": False}, "0 010  10 000  01"),
        ({"a": False, "b": True, "d": True}, "0 000  00 010  01 010  01"),
        ({"a": False, "c": True, "d": True}, "0 000  01 010  0 010  01"),
        ({"a": True, "b": False, "c": True, "d": True, "e": True}, "0 010  00 000  00 010  0 010  00 010  0"),
    ],
)
def test_optional_elements(fields, stream):
    module = declare(OPTIONAL)
    check(module, module.RootType(**fields), stream)


@pytest.mark.parametrize(
    ("fields", "stream"),
    [({"a": True}, "00 010 0"), ({"b": 3}, "01 0 00000011 0 0"), ({"c": "x"}, "10 0 00000011 01111000 0 0")],
)
def test_a_choice(fields, stream):
    module = declare("""
        class RootType(ComplexType):
            a: boolean | None = None
            b: unsignedByte | None = None
            c: string | None = None
            _content_ = choice("a", "b", "c")
        Root = element(RootType)
    """)
    check(module, module.RootType(**fields), stream)


@pytest.mark.parametrize(
    ("fields", "stream"),
    [
        ({}, "011"),  # z, a, b, the end, and whatever the schema does not foresee
        ({"a": False}, "001 000 0"),
        ({"z": True}, "000 010 10"),
        ({"z": True, "b": True}, "000 010 01 010 0"),
    ],
)
def test_an_optional_choice(fields, stream):
    module = declare("""
        class RootType(ComplexType):
            z: boolean | None = None
            a: boolean | None = None
            b: boolean | None = None
            _content_ = sequence("z", choice("a", "b", min=0))
        Root = element(RootType)
    """)
    check(module, module.RootType(**fields), stream)


@pytest.mark.parametrize(
    ("fields", "stream"),
    [
        ({"c": True}, "01 010 0"),
        ({"a": True, "b": False, "c": True}, "00 010  0 000  0 010  0"),
    ],
)
def test_an_optional_group(fields, stream):
    module = declare("""
        class RootType(ComplexType):
            a: boolean | None = None
            b: boolean | None = None
            c: boolean
            _content_ = sequence(sequence("a", "b", min=0), "c")
        Root = element(RootType)
    """)
    engine = check(module, module.RootType(**fields), stream, compiled=False)
    with pytest.raises(ValueError, match="b is missing"):
        engine.encode(engine.schema.elements[0], module.RootType(a=True, c=True))


@pytest.mark.parametrize(
    ("fields", "stream"),
    [
        ({"a": True, "b": False}, "00 010  00 000  0"),  # after a: b or c, for b is optional in its branch
        ({"a": True, "b": False, "c": True}, "00 010  00 000  0 010 0"),
        ({"a": True, "c": True}, "00 010  01 010  0"),
        ({"d": True}, "01 010 0"),
    ],
)
def test_groups_within_a_choice(fields, stream):
    module = declare("""
        class RootType(ComplexType):
            a: boolean | None = None
            b: boolean | None = None
            c: boolean | None = None
            d: boolean | None = None
            _content_ = choice(sequence("a", sequence("b", min=0), "c"), "d")
        Root = element(RootType)
    """)
    if "c" not in fields and "d" not in fields:
        engine = codec_of(module)
        with pytest.raises(ValueError, match="c is missing"):
            engine.encode(engine.schema.elements[0], module.RootType(**fields))
        return
    check(module, module.RootType(**fields), stream, compiled=False)


@pytest.mark.parametrize(
    ("values", "stream"),
    [
        ([True, False], "0 010  0 000  01 010  0"),  # after two there may be a third, or b
        ([True, False, True], "0 010  0 000  00 010  0 010  0"),  # after three there is b
    ],
)
def test_bounds(values, stream):
    module = declare("""
        class RootType(ComplexType):
            a: Annotated[list[boolean], occurs(2, 3)]
            b: boolean
        Root = element(RootType)
    """)
    engine = check(module, module.RootType(a=values, b=True), stream)
    for count in (1, 4):
        with pytest.raises(ValueError, match="a is missing" if count == 1 else "after 3 of them"):
            engine.encode(engine.schema.elements[0], module.RootType(a=[True] * count, b=True))


@pytest.mark.parametrize(
    ("values", "stream"),
    [([], "01"), ([7], "00 0 00000111 0  01"), ([7, 8], "00 0 00000111 0  00 0 00001000 0  01")],
)
def test_no_upper_bound(values, stream):
    module = declare("""
        class RootType(ComplexType):
            a: Annotated[list[unsignedByte], occurs(0, UNBOUNDED)]
        Root = element(RootType)
    """)
    check(module, module.RootType(a=values), stream)


@pytest.mark.parametrize("count", [63, 64, 65, 127, 128, 129, 1000])
@pytest.mark.parametrize("kind", ["unsignedByte", "PairType"])
def test_long_lists_are_written_and_read_in_pieces(count, kind):
    module = declare(f"""
        class PairType(ComplexType):
            x: boolean
            y: string
        class RootType(ComplexType):
            a: boolean
            l: Annotated[list[{kind}], occurs(1, 1024)]
            z: boolean
        Root = element(RootType)
    """)
    one = (lambda n: n % 256) if kind == "unsignedByte" else (lambda n: module.PairType(x=n % 2 == 0, y=str(n)))
    part = "0 {:08b} 0" if kind == "unsignedByte" else "0 0{}0 0 0 {} 0 0"

    def item(n):
        if kind == "unsignedByte":
            return part.format(n % 256)
        text = "".join(f"{byte:08b}" for byte in (len(str(n)) + 2, *str(n).encode()))
        return part.format(int(n % 2 == 0), text)

    items = " ".join(("0" if n == 0 else "00") + item(n) for n in range(count))
    stream = f"0 010 {items} 01 010 0"
    check(module, module.RootType(a=True, l=[one(n) for n in range(count)], z=True), stream)


SHAPES = """
    class ShapeType(ComplexType):
        size: unsignedByte
    class CircleType(ShapeType):
        round: boolean
    class BoxType(ShapeType):
        pass
    Shape = element(ShapeType, abstract={abstract})
    Circle = element(CircleType, substitutes=Shape)
    Box = element(BoxType, substitutes=Shape)
    class RootType(ComplexType):
        before: boolean | None = None
        Shape: Annotated[ShapeType, ref(Shape)]
    Root = element(RootType)
"""


def test_substitution_and_extension():
    module = declare(SHAPES.format(abstract=True))
    engine = codec_of(module)
    # Globally Box, Circle, Root, Shape and any other: three bits. Within Root before, Box, Circle, Shape: three bits.
    root = engine.schema.global_element("Root")
    for value, stream in (
        (module.BoxType(size=7), "001 0 0 00000111 0 0"),
        (module.CircleType(size=7, round=True), "010 0 0 00000111 0 0 0 1 0 0"),
    ):
        exi = bits("10000000 010 " + stream + "0")
        assert shown(engine.encode(root, module.RootType(Shape=value))) == shown(exi)
        assert engine.decode(exi).value == module.RootType(Shape=value)
        assert engine.compiler.decode(exi, False) is not None
    exi = bits("10000000 010 011 0 0 00000111 0 0 0")
    read = engine.decode(exi)
    assert [finding.rule for finding in read.findings] == ["schema.abstract"]
    assert read.value == module.RootType(Shape=module.ShapeType(size=7))
    assert shown(engine.encode(root, read.value)) == shown(exi)  # chargers do send it: what was read can be written
    with pytest.raises(ValueError, match="it takes BoxType or CircleType"):
        engine.encode(root, module.RootType(Shape=module.RootType()))


def test_a_head_that_is_not_abstract_stands_for_itself():
    module = declare(SHAPES.format(abstract=False))
    engine = codec_of(module)
    exi = bits("10000000 010 011 0 0 00000111 0 0 0")
    value = module.RootType(Shape=module.ShapeType(size=7))
    assert engine.decode(exi).value == value
    assert engine.encode(engine.schema.global_element("Root"), value) == exi
    (slot,) = (f for f in module.RootType.__fields__ if f.head is not None)
    assert slot.members == (("Shape", module.ShapeType), ("Circle", module.CircleType), ("Box", module.BoxType))


@pytest.mark.parametrize(
    ("fields", "stream"),
    [
        ({"m": 5, "x": True}, "01 00000101  01 010 0"),
        ({"a": 1, "m": 5, "x": True}, "00 00000001  0 00000101  01 010 0"),
        ({"m": 5, "z": 9, "x": True}, "01 00000101  00 00001001  0 010 0"),
        ({"a": 1, "m": 5, "z": 9, "x": True}, "00 00000001  0 00000101  00 00001001  0 010 0"),
    ],
)
def test_attributes_come_by_name(fields, stream):
    module = declare("""
        class RootType(ComplexType):
            z: Annotated[unsignedByte | None, attribute()] = None
            m: Annotated[unsignedByte, attribute()]
            a: Annotated[unsignedByte | None, attribute()] = None
            x: boolean
        Root = element(RootType)
    """)
    check(module, module.RootType(**fields), stream)


@pytest.mark.parametrize(
    ("fields", "stream"),
    [({"value": "x"}, "01 00000011 01111000 0"), ({"Id": "i", "value": ""}, "00 00000011 01101001  0 00000010 0")],
)
def test_simple_content_with_an_optional_attribute(fields, stream):
    module = declare("""
        class RootType(ComplexType):
            Id: Annotated[string | None, attribute()] = None
            value: Annotated[string, text()]
        Root = element(RootType)
    """)
    check(module, module.RootType(**fields), stream)


def test_simple_content_with_a_required_attribute():
    module = declare("""
        class RootType(ComplexType):
            Id: Annotated[string, attribute()]
            value: Annotated[unsignedByte, text()]
        Root = element(RootType)
    """)
    check(module, module.RootType(Id="i", value=3), "0 00000011 01101001  0 00000011 0")


def test_an_element_without_content():
    module = declare("""
        class RootType(ComplexType):
            pass
        Root = element(RootType)
    """)
    check(module, module.RootType(), "0")


def test_a_simple_root():
    module = declare("Root = element(unsignedByte)")
    engine = codec_of(module)
    exi = bits(HEADER + "0 00000111 0")
    assert engine.encode(engine.schema.elements[0], 7) == exi
    assert engine.decode(exi)[:2] == (engine.schema.elements[0], 7)


def leaf(name):
    """A local element of content in document order."""
    return Element.named(QName("urn:t", name), boolean)


MIXED = """
    class RootType(ComplexType):
        content: Annotated[list[Any], items()]
        _content_ = mixed(sequence(child("b", "boolean", min=0, max=None)))
    Root = element(RootType)
"""


def test_mixed_content():
    module = declare(MIXED)
    child = Child(leaf("b"), True)
    # Each time: b, the end, text.
    check(module, module.RootType(content=[]), "01", compiled=False)
    check(module, module.RootType(content=["x", child]), "10 00000011 01111000  00 010  01", compiled=False)


WILDCARD = """
    class RootType(ComplexType):
        content: Annotated[list[Any], items()]
        _content_ = sequence(wildcard(min=0, max=1), child("b", "boolean", min=0, max=1))
    Root = element(RootType)
    Other = element(boolean)
"""


def test_a_wildcard_comes_after_what_is_named():
    module = declare(WILDCARD)
    engine = codec_of(module)
    root, other = engine.schema.global_element("Root"), engine.schema.global_element("Other")
    # Other, Root and any other: two bits. In Root: b, any element, the end. A name: its namespace (five are known, and
    # there is an escape), 0 for a known local name, its number (Other, Root, RootType, b).
    exi = bits("10000000 01  01 101 00000000 00  010  00 010  0")
    value = module.RootType(content=[Child(other, True), Child(leaf("b"), True)])
    assert shown(engine.encode(root, value)) == shown(exi)
    assert engine.decode(exi) == (root, value, [])
    assert engine.compiler.decode(exi, False) == (root, value)
    # An element that nobody declares: a name of two characters, then the built-in grammar: its text, its end.
    exi = bits("10000000 01  01 001 00000011 01111000 01111001  11 00000011 01111010 0  01")
    (unknown,) = engine.decode(exi).value.content
    assert (unknown.element.qname, unknown.value) == (QName("", "xy"), AnyElement(QName("", "xy"), {}, ["z"]))
    with pytest.raises(ValueError, match="not declare"):
        engine.encode(root, engine.decode(exi).value)


def test_repeated_groups_keep_their_order():
    module = declare("""
        class RootType(ComplexType):
            content: Annotated[list[Any], items()]
            _content_ = sequence(child("b", "boolean"), child("c", "boolean", min=0, max=1), min=1, max=None)
        Root = element(RootType)
    """)
    b, c = leaf("b"), leaf("c")
    value = module.RootType(content=[Child(b, True), Child(b, False), Child(c, True)])
    # First b; after b: c, b, the end; after c: b, the end.
    check(module, value, "0 010  01 000  00 010  01", compiled=False)


def test_global_elements_are_numbered_by_name_then_namespace():
    one = declare("B = element(boolean)\nA = element(boolean)\nM = element(boolean)", "urn:2")
    other = declare("A = element(boolean)\nC = element(boolean)", "urn:1")
    engine = codec_of(one, other)
    order = ["{urn:1}A", "{urn:2}A", "{urn:2}B", "{urn:1}C", "{urn:2}M"]
    assert [str(element.qname) for element in engine.schema.elements] == order
    for number, element in enumerate(engine.schema.elements):
        exi = bits(f"10000000 {number:03b} 010")
        assert engine.encode(element, True) == exi
        assert engine.decode(exi)[:2] == (element, True)


def test_fragments_start_with_any_element_of_the_schema():
    module = declare("""
        class PartType(ComplexType):
            x: boolean
            y: string
        class RootType(ComplexType):
            part: PartType
            x: boolean
            y: boolean
        Root = element(RootType)
    """)
    engine = codec_of(module)
    # Root, part, x, y, any other, the end: three bits. x has one type everywhere, y has two.
    assert [f.qname.name for f in engine.schema.fragments] == ["Root", "part", "x", "y"]
    part = engine.schema.fragments[1].element
    exi = bits("10000000 001  0 010  0 0 00000011 01100001 0  0  101")
    assert engine.encode(part, module.PartType(x=True, y="a"), fragment=True) == exi
    assert engine.decode(exi, fragment=True).value == module.PartType(x=True, y="a")
    assert engine.compiler.decode(exi, True) is not None
    x = engine.schema.fragments[2].element
    exi = bits("10000000 010  0 1 0  101")
    assert engine.encode(x, True, fragment=True) == exi
    assert engine.decode(exi, fragment=True).value is True
    # y, whose declarations differ: no attribute is declared, so AT(*), Root, part, x, y, SE(*), EE, CH and an escape.
    assert engine.schema.fragments[3].element is None
    exi = bits("10000000 011  0111 00000011 01100001  101  101")
    read = engine.decode(exi, fragment=True)
    assert read.value == AnyElement(QName("urn:t", "y"), {}, ["a"])
    assert shown(engine.encode(read.element, read.value, fragment=True)) == shown(exi)


def test_a_fragment_of_several_elements_is_read_and_noted():
    module = declare("Root = element(boolean)\nOther = element(unsignedByte)")
    engine = codec_of(module)
    exi = bits("10000000 01 010  00 0 00000111 0  11")
    read = engine.decode(exi, fragment=True)
    assert read.value is True
    assert [(f.rule, f.severity) for f in read.findings] == [("exi.fragment-elements", "warning")]
    with pytest.raises(ValueError, match="empty fragment"):
        engine.decode(bits("10000000 11"), fragment=True)


def test_qualified_and_unqualified_local_names():
    module = declare("""
        NAMESPACE = Namespace("urn:t", elements=False, attributes=False)
        class RootType(ComplexType):
            i: Annotated[boolean, attribute()]
            a: boolean
        Root = element(RootType)
    """)
    names = {field.name: str(field.qname) for field in module.RootType.__fields__}
    assert names == {"i": "i", "a": "a"}
    check(module, module.RootType(i=True, a=False), "0 1  0 000  0")


def test_types_of_one_name_in_two_modules_do_not_mix():
    text = """
        class codeType(Enumeration):
            A = "A"
            B = "B"
            C = "C"
        class PartType(ComplexType):
            code: codeType
        Part = element(PartType)
    """
    first = declare(text, "urn:1")
    text = """
        class codeType(Enumeration):
            X = "X"
            Y = "Y"
        class PartType(ComplexType):
            code: codeType
        class RootType(ComplexType):
            Part: Annotated[FirstPartType, ref(Part)]
            own: PartType
        Root = element(RootType)
    """
    second = declare(text, "urn:2", Part=first.Part, FirstPartType=first.PartType)
    engine = codec_of(first, second)
    value = second.RootType(Part=first.PartType(code="C"), own=second.PartType(code="Y"))
    exi = bits("10000000 01  0 0 0 10 0 0  0 0 0 1 0 0  0")
    root = engine.schema.global_element("Root")
    assert shown(engine.encode(root, value)) == shown(exi)
    read = engine.decode(exi).value
    assert (type(read.Part.code), type(read.own.code)) == (first.codeType, second.codeType)
    assert read == value
