"""Every row of the reference vectors: messages and fragments of all vocabularies, coded by another implementation."""

import json
from functools import cache

import pytest
from infoset import infoset

from secc_kernel import codec
from secc_kernel.exi.reader import Reader
from secc_kernel.exi.writer import Writer
from secc_kernel.messages import SCHEMAS, vocabulary

pytestmark = pytest.mark.shared
of_every_vocabulary = pytest.mark.parametrize("key", SCHEMAS)

#: Without an event for empty characters the compiled codec leaves the stream to the careful one.
EMPTY = "exi.no-characters"


@cache
def all_rows(shared):
    found = {key: [] for key in SCHEMAS}
    with (shared / "vectors/exi_vectors.jsonl").open() as lines:
        for line in lines:
            row = json.loads(line)
            row["fragment"] = row.get("fragment", False)
            row["exi"] = bytes.fromhex(row["exi"])
            found[row["schema"]].append(row)
    return found


@pytest.fixture
def rows(shared, key):
    found = all_rows(shared)[key]
    assert found
    return found


def described(row):
    return f"{row['message']}{' (fragment)' * row['fragment']}, case {row['case']}"


@of_every_vocabulary
def test_decoded_messages_say_what_the_xml_says(key, rows):
    for row in rows:
        message = codec.decode(row["exi"], key, row["fragment"])
        assert message.name == row["message"]
        local = key == "sap"  # the reference XML of the handshake is spelt without namespaces
        assert infoset(message.to_xml(), local=local) == infoset(row["xml"], local=local), described(row)
        assert {finding.rule for finding in message._deviations} <= {EMPTY}, described(row)


@of_every_vocabulary
def test_messages_are_written_as_they_were_read(key, rows):
    for row in rows:
        message = codec.decode(row["exi"], key, row["fragment"])
        assert codec.encode(message) == row["exi"], described(row)


@of_every_vocabulary
def test_messages_from_xml_are_written_to_the_bit(key, rows):
    for row in rows:
        message = codec.from_xml(row["xml"], key, row["fragment"])
        assert codec.encode(message) == row["exi"], described(row)
        assert codec.from_xml(message.to_xml(), key, row["fragment"]) == message, described(row)


@of_every_vocabulary
def test_compiled_and_careful_codecs_agree(key, rows):
    engine = vocabulary(key).codec
    compiled_ones = 0
    for row in rows:
        careful = Reader(engine.grammars, row["exi"]).document(row["fragment"])
        compiled = engine.compiler.decode(row["exi"], row["fragment"])
        simple = careful.element.simple_type is not None or careful.element.type is None
        assert (compiled is None) == (bool(careful.findings) or simple), described(row)
        if compiled is not None:
            compiled_ones += 1
            assert compiled == (careful.element, careful.value), described(row)
        assert Writer(engine.grammars).document(careful.element, careful.value, row["fragment"]) == row["exi"]
        written = engine.compiler.encode(careful.element, careful.value, row["fragment"])
        assert written in (None, row["exi"]), described(row)
        assert written is not None or compiled is None, described(row)
    assert compiled_ones


@of_every_vocabulary
def test_string_tables_are_read_and_written_on_request(key, rows):
    for row in rows:
        message = codec.decode(row["exi"], key, row["fragment"])
        if "exi_string_table" not in row:
            # The reference has them for documents only; for what it lacks, both forms are the same.
            assert row["fragment"] or codec.encode(message, string_table=True) == row["exi"], described(row)
            continue
        other = bytes.fromhex(row["exi_string_table"])
        read = codec.decode(other, key)
        assert read == message, described(row)
        found = [finding for finding in read.findings if finding.rule == "exi.string-table"]
        assert found
        assert all(finding.severity == "warning" and finding.path for finding in found)
        assert codec.encode(read) == row["exi"], described(row)
        assert codec.encode(read, string_table=True) == other, described(row)


@of_every_vocabulary
def test_a_trace_accounts_for_every_bit(key, rows):
    for row in rows:
        steps, error = vocabulary(key).codec.trace(row["exi"], row["fragment"])
        assert error is None
        position = 0
        for step in steps:
            assert step.offset == position, described(row)
            position += step.length
        assert position == 8 * len(row["exi"]), described(row)


def test_no_row_is_missing(shared):
    assert sum(map(len, all_rows(shared).values())) == 862
