"""XML out and in: what it carries, what it refuses, and that nothing is lost on the way."""

import time

import pytest
from declared import codec_of, declare
from infoset import infoset
from lxml import etree

from secc_kernel.exi import xml_reader, xml_writer
from secc_kernel.exi.datatypes import NO_TEXT
from secc_kernel.exi.declare import AnyElement, Child, Element
from secc_kernel.exi.errors import EncodeError
from secc_kernel.exi.names import QName

TEXT = """
    class RootType(ComplexType):
        i: Annotated[string | None, attribute()] = None
        v: string | None = None
        n: integer | None = None
        b: boolean | None = None
        h: hexBinary | None = None
        d: base64Binary | None = None
        l: Annotated[list[string], occurs(0, UNBOUNDED)]
    Root = element(RootType)
"""


@pytest.fixture
def module():
    return declare(TEXT)


@pytest.fixture
def schema(module):
    return codec_of(module).schema


def root(content, attributes=""):
    return f'<Root xmlns="urn:t" {attributes}>{content}</Root>'


def there_and_back(schema, value):
    text = xml_writer.serialize(schema, schema.elements[0], value)
    element, back = xml_reader.parse(schema, text)
    assert element is schema.elements[0]
    assert back == value
    return text


def test_the_layout(schema, module):
    text = there_and_back(schema, module.RootType(i="x", v="a", h=b"\xab", l=["", "b"]))
    assert text == (
        '<?xml version="1.0" ?>\n'
        '<s0:Root xmlns:xml="http://www.w3.org/XML/1998/namespace" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:s0="urn:t" s0:i="x">\n'
        "  <s0:v>a</s0:v>\n"
        "  <s0:h>AB</s0:h>\n"
        "  <s0:l/>\n"
        "  <s0:l>b</s0:l>\n"
        "</s0:Root>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        " leading and trailing ",
        "a\tb\nc",
        "\r",
        "a\r\nb",
        "<&>\"'",
        "]]>",
        "é€😀\U0010ffff",
        "\x85\u2028\u00a0",
        "<![CDATA[x]]>",
        "<!-- no comment -->",
        "&#0;",
        "&amp;",
    ],
)
def test_text_that_xml_can_carry(schema, module, text):
    value = module.RootType(i=text, v=text)
    shown = there_and_back(schema, value)
    tree = etree.fromstring(shown.encode())
    assert (tree.get("{urn:t}i"), tree[0].text) == (text, text), "another parser reads the same"


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "\0" * 64,
        "".join(map(chr, range(0x20))),
        "\ufffe\uffff",
        "\U000f0000\U000f001f",
        "\U0010fffd",
        "\U0010fffd\U0010fffd\0\U0010fffd",
        "\ue000\ue01f\ue0fe",
    ],
)
def test_text_that_xml_cannot_carry_or_that_hides_such_text(schema, module, text):
    there_and_back(schema, module.RootType(i=text, v=text, l=[text, "x" + text]))


def test_references_in_comments_and_cdata_are_plain_text(schema):
    content = "<v><![CDATA[&#0;\U0010fffd]]><!-- &#0; \U0010fffd --></v>"
    assert xml_reader.parse(schema, root(content))[1].v == "&#0;\U0010fffd"
    assert xml_reader.parse(schema, root("<v>&#x0;&#00;&#x1F;&#65;&#0000000000000065;</v>"))[1].v == "\0\0\x1fAA"


@pytest.mark.parametrize(
    "reference", ["&#xD800;", "&#1114112;", "&#99999999999999999999;", "&#x;", "&nbsp;", "&x;", "&"]
)
def test_references_to_nothing_are_refused(schema, reference):
    with pytest.raises(EncodeError, match="not well-formed"):
        xml_reader.parse(schema, root(f"<v>{reference}</v>"))


def test_prefixes_white_space_and_comments_do_not_matter(schema, module):
    expected = module.RootType(i="1", v="a", l=["b", "c"])
    for text in (
        '<Root xmlns="urn:t" i="1"><v>a</v><l>b</l><l>c</l></Root>',
        (
            '\ufeff <?xml version="1.0" encoding="ASCII"?>\n<q:Root xmlns:q="urn:t" q:i="1">\n<q:v>a</q:v><!-- - -->\n'
            "<?target data?><q:l>b</q:l><q:l>c</q:l> </q:Root>\n<!-- end -->"
        ),
        '<Root xmlns="urn:t" i="1"><l>b</l><v>a</v><l>c</l></Root>',
    ):
        assert xml_reader.parse(schema, text)[1] == expected
        assert xml_reader.parse(schema, text.encode())[1] == expected
    hint = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:t t.xsd" i="1"'
    assert xml_reader.parse(schema, root("<v>a</v><l>b</l><l>c</l>", hint))[1] == expected


def test_elements_without_characters_keep_their_form(schema):
    value = xml_reader.parse(schema, root("<v/><l></l><h/>"))[1]
    assert [type(v) for v in (value.v, value.l[0])] == [type(NO_TEXT)] * 2
    assert (value.v, value.h) == ("", b"")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("n", " +12 ", 12),
        ("n", "-0", 0),
        ("n", "00012", 12),
        ("b", "1", True),
        ("b", " false\n", False),
        ("h", "aBcD", b"\xab\xcd"),
        ("d", "q 8 0 =", b"\xab\xcd"),
    ],
)
def test_lexical_forms(schema, name, text, value):
    assert getattr(xml_reader.parse(schema, root(f"<{name}>{text}</{name}>"))[1], name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("n", ""),
        ("n", "1_000"),
        ("n", "٣"),
        ("n", "1.0"),
        ("n", "0x10"),
        ("n", "1 2"),
        ("n", "9" * 5000),
        ("n", "\u00a05"),
        ("b", "True"),
        ("b", "yes"),
        ("h", "abc"),
        ("h", "0g"),
        ("d", "!!!!"),
        ("d", "abc"),
    ],
)
def test_lexical_forms_of_no_value(schema, name, text):
    with pytest.raises(EncodeError, match="is no ") as caught:
        xml_reader.parse(schema, root(f"<{name}>{text}</{name}>"))
    assert caught.value.path == f"Root/{name}"


@pytest.mark.parametrize(
    ("text", "reason", "path"),
    [
        ("", "not well-formed", ""),
        ("<Root", "not well-formed", ""),
        ("no xml", "not well-formed", ""),
        ('<Root xmlns="urn:t"/><Root/>', "not well-formed", ""),
        (b"\xff\xfe<\0", "not UTF-8", ""),
        ("<\ud800/>", "not UTF-8", ""),
        ('<Other xmlns="urn:t"/>', "is no message of this vocabulary", "Other"),
        ("<Root/>", "is no message of this vocabulary", "Root"),
        (root("<w/>"), "has no element {urn:t}w", "Root"),
        (root("<v>a</v><v>b</v>"), "v appears twice", "Root"),
        (root("<v><v/></v>"), "a value is expected here, not elements", "Root/v"),
        (root("<v x='1'/>"), "no attribute x", "Root/v"),
        (root("text"), "elements are expected here, not text", "Root"),
        (root("<v/>text"), "elements are expected here, not text", "Root"),
        (root("", "j='1'"), "no attribute j", "Root"),
        (
            root("", "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil='true'"),
            "no attribute .*nil",
            "Root",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(schema, text, reason, path):
    with pytest.raises(EncodeError, match=reason) as caught:
        xml_reader.parse(schema, text)
    assert caught.value.path == path


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE Root><Root xmlns="urn:t"/>',
        '<!DOCTYPE Root [<!ENTITY e "x">]><Root xmlns="urn:t"><v>&e;</v></Root>',
        '<!DOCTYPE Root [<!ENTITY e SYSTEM "file:///etc/passwd">]><Root xmlns="urn:t"><v>&e;</v></Root>',
        '<!DOCTYPE Root SYSTEM "http://127.0.0.1:9/root.dtd"><Root xmlns="urn:t"/>',
        '<!DOCTYPE Root [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p">%p;]><Root xmlns="urn:t"/>',
        f'<!DOCTYPE Root [<!ENTITY l0 "ha">{LAUGHS}]><Root xmlns="urn:t"><v>&l11;</v></Root>',
        f'<!DOCTYPE Root [<!ENTITY long "{"x" * 10000}">]><Root xmlns="urn:t"><v>{"&long;" * 10000}</v></Root>',
        '<!DOCTYPE Root [<!ATTLIST Root i CDATA "default">]><Root xmlns="urn:t"/>',
    ],
)
def test_documents_with_a_dtd_are_refused_at_once(schema, text):
    started = time.perf_counter()
    with pytest.raises(EncodeError, match="DTD, entities or external references"):
        xml_reader.parse(schema, text)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize("part", ["<!--", "<![CDATA[", "<v>&#", "&#0;"])
def test_hostile_repetition_takes_no_time(schema, part):
    started = time.perf_counter()
    with pytest.raises(EncodeError):
        xml_reader.parse(schema, root(part * 100_000))
    assert time.perf_counter() - started < 1


def test_depth_is_limited():
    module = declare("""
        class RootType(ComplexType):
            content: Annotated[list[Any], items()]
            _content_ = mixed(sequence(wildcard(min=0, max=None)))
        Root = element(RootType)
    """)
    schema = codec_of(module).schema
    for depth in (65, 5000, 100_000):
        with pytest.raises(EncodeError, match="nested deeper than 64"):
            xml_reader.parse(schema, '<Root xmlns="urn:t">' * depth + "</Root>" * depth)
    xml_reader.parse(schema, '<Root xmlns="urn:t">' * 64 + "</Root>" * 64)


MIXED = """
    class BoldType(ComplexType):
        x: string
    class RootType(ComplexType):
        content: Annotated[list[Any], items()]
        _content_ = mixed(sequence(child("b", "BoldType", min=0, max=None), child("i", "string", min=0, max=None)))
    Root = element(RootType)
"""


def test_mixed_content_gets_no_white_space():
    module = declare(MIXED)
    schema = codec_of(module).schema
    b, i = (next(f.element for f in schema.fragments if f.qname.name == name) for name in "bi")
    bold = Child(b, module.BoldType(x="y"))
    for content in ([bold], [bold, bold], [Child(i, "z")], ["\n  ", bold, " ", bold, "\n"], ["text"], []):
        text = there_and_back(schema, module.RootType(content=content))
        assert text.count("<s0:b>") == content.count(bold)


def test_names_that_xml_does_not_know_are_spelt_differently(schema):
    """An undeclared element's name is any string; the text stays well-formed."""
    odd = ["", "1", "a b", "<a>", "x:y", "a\0", "é", "ünï", "😀", "-", "xmlns", "a" * 1000]
    children = [AnyElement(QName("urn:x", name), {QName("urn:y", name): name, QName("", "p"): "q"}) for name in odd]
    value = AnyElement(
        QName("urn:z", "top"), {QName("urn:z", "own"): "1"}, [*children, "text", AnyElement(QName("", "e"))]
    )
    text = xml_writer.serialize(schema, Element.named(value.qname, None), value)
    # Their values hold characters that only our own parser takes back.
    tree = infoset(text.replace("&#0;", ""))
    assert tree[0] == "{urn:z}top"
    assert len(tree[2]) == len(odd) + 2


def test_unknown_names_do_not_pile_up(schema):
    for number in range(10_000):
        value = AnyElement(QName("", f"name{number}"))
        xml_writer.serialize(schema, Element.named(value.qname, None), value)
    assert len(xml_writer._SERIALIZERS[schema]._tags) <= xml_writer._MANY
