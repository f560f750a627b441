"""Any message of any vocabulary, made from the declarations: what both codecs and XML have to keep."""

import copy
import pickle
from types import SimpleNamespace

import pytest
from attempts import attempt
from hypothesis import given
from hypothesis import strategies as st
from strategies import documents, examples, fragments, messages

from secc_kernel import codec
from secc_kernel.exi import facets
from secc_kernel.exi.datatypes import NO_BYTES, NO_TEXT
from secc_kernel.exi.declare import AnyElement, ComplexType
from secc_kernel.exi.names import QName
from secc_kernel.exi.reader import Reader
from secc_kernel.exi.writer import Writer
from secc_kernel.messages import SCHEMAS, vocabulary

of_every_vocabulary = pytest.mark.parametrize("key", SCHEMAS)


def both_ways(message):
    """Encode and decode by both codecs; returns the stream."""
    engine = vocabulary(message.schema).codec
    careful = Writer(engine.grammars).document(message.element, message.value, message.fragment)
    compiled = engine.compiler.encode(message.element, message.value, message.fragment)
    assert compiled in (None, careful)
    exi = codec.encode(message)
    assert exi == careful
    read = Reader(engine.grammars, exi).document(message.fragment)
    assert (read.element.qname, read.value) == (message.element.qname, message.value)
    assert {finding.rule for finding in read.findings} <= {"exi.no-characters"}
    fast = engine.compiler.decode(exi, message.fragment)
    assert fast is None or fast[1] == message.value
    if not read.findings and message.element.simple_type is None:
        assert fast is not None, "what follows the schema is read by the compiled codec"
        assert compiled is not None, "what follows the schema is written by the compiled codec"
    return exi


@of_every_vocabulary
def test_messages(key):
    @examples()
    @given(messages(key))
    def check(message):
        exi = both_ways(message)
        assert codec.decode(exi, key) == message
        assert codec.encode(codec.decode(exi, key)) == exi
        keeps_everything_in_xml(message)
        reads_string_tables_back(message, exi)
        traces_every_bit(key, exi)

    check()


def keeps_everything_in_xml(message):
    text = message.to_xml()
    back = codec.from_xml(text, message.schema)
    assert back == message
    assert back.to_xml() == text
    assert codec.decode(codec.encode(back), message.schema) == message


def reads_string_tables_back(message, plain):
    exi = codec.encode(message, string_table=True)
    back = codec.decode(exi, message.schema)
    assert back == message
    assert codec.encode(back) == plain
    assert codec.encode(back, string_table=True) == exi
    assert (exi == plain) == all(finding.rule != "exi.string-table" for finding in back.findings)


def traces_every_bit(key, exi):
    steps, error = vocabulary(key).codec.trace(exi)
    assert error is None
    position = 0
    for step in steps:
        assert step.offset == position
        position += step.length
    assert position == 8 * len(exi)


@of_every_vocabulary
def test_any_global_element_can_be_a_document(key):
    schema = vocabulary(key).schema

    @examples(15)
    @given(documents(schema))
    def check(document):
        both_ways(codec.Message(key, *document))

    check()


@of_every_vocabulary
def test_fragments(key):
    @examples(15)
    @given(fragments(key))
    def check(message):
        exi = both_ways(message)
        assert codec.encode(codec.decode(exi, key, fragment=True)) == exi

    check()


@examples(50)
@given(messages())
def test_copies_are_messages_of_their_own(message):
    exi = codec.encode(message)
    for other in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert other == message
        assert other.name == message.name
        assert codec.encode(other) == exi
    assert message.element.simple_type is not None or copy.deepcopy(message).value is not message.value


@examples(50)
@given(messages())
def test_findings_are_the_same_the_quick_way_and_the_thorough_one(message):
    engine = vocabulary(message.schema).codec
    thorough = list(facets._check(engine.grammars, message.element, message.value, message.element.name))
    assert list(facets.check(engine.grammars, message.element, message.value)) == thorough
    assert all(finding.severity == "note" or finding.rule == "xml.character" for finding in thorough)


WRONG = [
    None, 0, 5, -1, 300, 2**70, -(2**70), 10**5000, 1.5, True, "", "x", "\ud800", "0", "OK", b"", b"x", bytearray(b"y"),
    NO_TEXT, NO_BYTES, [], [1], ["x"], (), (None,), {}, object(), SimpleNamespace(Value=1), AnyElement(QName("", "x")),
]  # fmt: skip


@st.composite
def spoilt(draw, key):
    """A message with values somewhere in it that belong elsewhere or nowhere."""
    message = draw(messages(key))
    for _ in range(draw(st.integers(1, 3))):
        value = message.value
        while True:
            fields = type(value).__fields__
            field = draw(st.sampled_from(fields)) if fields else None
            if field is None:
                break
            held = getattr(value, field.name)
            inner = held[0] if isinstance(held, list) and held else held
            if isinstance(inner, ComplexType) and draw(st.integers(0, 3)):
                value = inner
                continue
            if isinstance(held, list) and held and draw(st.booleans()):
                held[draw(st.integers(0, len(held) - 1))] = draw(st.sampled_from(WRONG))
            else:
                setattr(value, field.name, draw(st.sampled_from(WRONG)))
            break
    return message


@pytest.mark.parametrize("key", [key for key in SCHEMAS if vocabulary(key).messages])
def test_wrong_values_are_refused_alike_by_both_codecs(key):
    @examples(20)
    @given(spoilt(key))
    def check(message):
        engine = vocabulary(key).codec
        compiled = engine.compiler.encode(message.element, message.value, False)
        careful, error = attempt(Writer(engine.grammars).document, message.element, message.value)
        assert error is None or (error.path.startswith(message.element.name) and error.reason)
        assert compiled in (None, careful)
        assert careful is None or codec.encode(message) == careful
        assert isinstance(message.findings, list)

    check()
