"""Against an independent codec, EXIficient: random messages both ways, and XML that breaks the schema on purpose."""

import copy
import json
import random
from functools import cache

import pytest
from hypothesis import given
from infoset import infoset
from lxml import etree
from strategies import examples, fragments, messages

from secc_kernel import codec
from secc_kernel.exi.declare import AnyElement
from secc_kernel.messages import SCHEMAS, vocabulary

pytestmark = [pytest.mark.java, pytest.mark.shared, pytest.mark.schemas]
of_every_vocabulary = pytest.mark.parametrize("key", SCHEMAS)
XSI = "http://www.w3.org/2001/XMLSchema-instance"


# -- valid messages ---------------------------------------------------------------------------------------------------


def agrees(oracle, message, mode=""):
    text = message.to_xml()
    from_text = codec.from_xml(text, message.schema, message.fragment)
    theirs = oracle.encode(text, mode)
    assert theirs is not None, text
    assert codec.encode(from_text, string_table=mode == "s").hex() == theirs.hex(), text
    assert codec.decode(theirs, message.schema, message.fragment) == from_text
    back = oracle.decode(codec.encode(message, string_table=mode == "s"), mode)
    assert back is not None, text
    assert infoset(back) == infoset(text)


@of_every_vocabulary
def test_random_messages(key, oracle):
    codec_of_others = oracle(key)

    @examples(6)
    @given(messages(key, xml=True))
    def check(message):
        agrees(codec_of_others, message)
        agrees(codec_of_others, message, "s")

    check()


@of_every_vocabulary
def test_random_fragments(key, oracle):
    codec_of_others = oracle(key)

    @examples(5)
    @given(fragments(key, xml=True))
    def check(message):
        agrees(codec_of_others, message, "f")

    check()


# -- what breaks the schema -------------------------------------------------------------------------------------------


class Breaker:
    """Ways to break an instance; one that does not apply leaves it as it is."""

    def __init__(self, root, chance: random.Random) -> None:
        self.root = root
        self.chance = chance
        self.all = [node for node in root.iter() if isinstance(node.tag, str)]
        self.inner = [node for node in self.all if len(node)]
        self.leaves = [node for node in self.all if not len(node)]

    def pick(self, nodes):
        return self.chance.choice(nodes)

    def insert(self, node, child):
        node.insert(self.chance.randint(0, len(node)), child)

    def undeclared_attributes(self):
        for name in ("foo", "{urn:x}foo", "Id"):
            self.pick(self.all).set(name, "bar")

    def undeclared_element(self):
        child = etree.Element("unknown")
        child.text = "text"
        self.insert(self.pick(self.all), child)

    def unknown_elements_twice(self):
        """The second time, a built-in grammar has learned."""
        node = self.pick(self.all)
        for _ in range(2):
            child = etree.Element("{urn:y}unknown")
            for text in "ab":
                inner = etree.SubElement(child, "{urn:y}inner", {"a": text})
                inner.text = text
            etree.SubElement(child, "empty")
            self.insert(node, child)

    def known_element_elsewhere(self):
        self.insert(self.pick(self.all), copy.deepcopy(self.pick(self.leaves)))

    def missing_element(self):
        if not self.inner:
            return
        node = self.pick(self.inner)
        node.remove(self.pick(list(node)))

    def repeated_element(self):
        if not self.inner:
            return
        node = self.pick(self.inner)
        self.insert(node, copy.deepcopy(self.pick(list(node))))

    def wrong_order(self):
        several = [node for node in self.inner if len(node) > 1]
        if not several:
            return
        node = self.pick(several)
        children = list(node)
        self.chance.shuffle(children)
        node[:] = children

    def ill_typed_text(self):
        self.pick(self.leaves).text = self.pick(["junk", "-99999999999", "1" + "0" * 30, "", "1.5", "zz", " 5 "])

    def stray_text(self):
        self.pick(self.all).text = "stray"
        if self.inner:
            self.pick(list(self.pick(self.inner))).tail = "stray"

    def nil(self):
        self.pick(self.all).set(f"{{{XSI}}}nil", self.pick(["true", "false"]))

    def nil_and_empty(self):
        node = self.pick(self.all)
        node.set(f"{{{XSI}}}nil", "true")
        node[:] = []
        node.text = None

    def other_type(self):
        names = ["xs:string", "xs:anyType", "xs:int", "xs:hexBinary", "xs:token", "t:PhysicalValueType", "t:NoSuchType"]
        self.pick(self.all).set(f"{{{XSI}}}type", self.pick(names))

    def attributes_lost_or_ill_typed(self):
        carrying = [node for node in self.all if node.attrib]
        if not carrying:
            return
        node = self.pick(carrying)
        name = self.pick(list(node.attrib))
        if self.chance.random() < 0.5:
            del node.attrib[name]
        else:
            node.set(name, "junk")

    def unknown_root(self):
        self.root.tag = "{urn:z}Root"


WAYS = [name for name in vars(Breaker) if not name.startswith("_") and name not in ("pick", "insert")]


@cache
def vectors(shared, key):
    with (shared / "vectors/exi_vectors.jsonl").open() as lines:
        return [row for row in map(json.loads, lines) if row["schema"] == key]


def broken(row, way, chance):
    """The row's XML, broken."""
    spaces = {"xs": "http://www.w3.org/2001/XMLSchema", "t": vocabulary(row["schema"]).schema.namespaces[-3:][0]}
    old = etree.fromstring(row["xml"].encode())
    root = etree.Element(old.tag, dict(old.attrib), {**old.nsmap, **spaces})
    root.text = old.text
    root[:] = list(old)
    getattr(Breaker(root, chance), way)()
    return etree.tostring(root)


def described(row, way, exi):
    return f"{row['schema']} {row['message']}: {way}: {exi.hex()}"


@of_every_vocabulary
@pytest.mark.parametrize("mode", ["", "s"], ids=["as ISO 15118 has it", "with string tables and learning"])
def test_deviations_are_read_wherever_the_other_codec_reads_them(key, mode, oracle, shared):
    codec_of_others = oracle(key)
    chance = random.Random(f"{key}{mode}")
    read = 0
    for way in WAYS:
        for _ in range(4):
            row = chance.choice([r for r in vectors(shared, key) if not (mode and r.get("fragment"))] or [None])
            if row is None:  # no documents in this vocabulary
                continue
            fragment = row.get("fragment", False)
            text = broken(row, way, chance)
            exi = codec_of_others.encode(text, "f" if fragment else mode)
            if exi is None or codec_of_others.decode(exi, "f" if fragment else mode) is None:
                continue
            message = codec.decode(exi, key, fragment)
            rules = {finding.rule for finding in message.findings}
            assert not rules & {"exi.surplus-bytes", "exi.padding"}, described(row, way, exi)
            if exi.hex() != row["exi"] and mode == "":
                known = codec.from_xml(row["xml"], key, fragment)
                assert message._deviations or message != known, described(row, way, exi)
            steps, error = vocabulary(key).codec.trace(exi, fragment)
            assert error is None
            position = 0
            for step in steps:
                assert step.offset == position, described(row, way, exi)
                position += step.length
            assert position == 8 * len(exi), described(row, way, exi)
            assert message.to_xml()
            if isinstance(message.value, AnyElement):
                assert infoset(message.to_xml()) == infoset(codec_of_others.decode(exi, "f" if fragment else mode))
            read += 1
    assert read > 30 or (key == "xmldsig" and mode)


def test_deviations_of_an_element_that_is_declared_twice(oracle, shared):
    """A fragment of eMAID, whose declarations differ, is read by a grammar of its own."""
    codec_of_others = oracle("iso2")
    with (shared / "vectors/edge_cases.jsonl").open() as lines:
        row = {**[json.loads(line) for line in lines][6], "schema": "iso2", "fragment": True}
    chance = random.Random("eMAID")
    for way in WAYS:
        for _ in range(6):
            exi = codec_of_others.encode(broken(row, way, chance), "f")
            if exi is not None and codec_of_others.decode(exi, "f") is not None:
                message = codec.decode(exi, "iso2", fragment=True)
                assert not {finding.rule for finding in message.findings} & {"exi.surplus-bytes", "exi.padding"}
                steps, error = vocabulary("iso2").codec.trace(exi, fragment=True)
                assert error is None
                assert sum(step.length for step in steps) == 8 * len(exi)


def test_what_is_refused_here_is_refused_there(oracle, shared):
    with (shared / "vectors/edge_cases.jsonl").open() as lines:
        rows = [json.loads(line) for line in lines]
    for number, key, mode in (
        (13, "iso2", ""),
        (14, "iso20_ac", ""),
        (16, "iso20_common", ""),
        (17, "iso20_common", ""),
        (33, "iso2", "f"),
    ):
        assert oracle(key).decode(bytes.fromhex(rows[number]["exi"]), mode) is None
