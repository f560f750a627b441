"""The careful reader: any EXI stream, schema-valid or not, event by event.

It walks the grammar's states. An event code beyond the declared ones leads to the productions that non-strict mode
adds (EXI 1.0, 8.5.4.4.1): their outcome is a `Finding`, and the message is read on. It stops with a `DecodeError` only
where no event code, value or name makes sense any more.

With ``steps`` it records what every bit stands for; the trace and the explanation of errors are made of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

from .bits import BitReader
from .datatypes import SimpleType, bits_for
from .declare import Child, Element
from .element_reader import ElementReader
from .errors import DecodeError, Finding, short
from .generic import GenericReader
from .grammar import Grammar, Grammars
from .names import ANY_TYPE, XSD_NAMESPACE, QName
from .strings import StringTables

MAX_DEPTH = 64
"""Elements within elements; a stream that nests deeper is refused before it exhausts the interpreter's stack."""

MAX_EXPANSION = 1 << 20
"""Characters that references to names and values may repeat, all together: what a message stands for stays in
proportion to its length."""

MAX_FINDINGS = 1000
"""Findings of one stream; who has seen so many need not see the rest."""

COOKIE = b"$EXI"


class Step(NamedTuple):
    """Bits of a stream that stand for one thing."""

    offset: int
    """First bit."""
    length: int
    """Number of bits."""
    event: str
    """``header``, ``SE``, ``AT``, ``CH``, ``EE``, ``ED``, ``value``, ``name``, ``padding`` or ``surplus``."""
    code: str
    """The event code, its parts joined by dots; empty where the bits are no event code."""
    alternatives: int
    """How many values the last part of the event code could have had."""
    path: str
    value: Any


class Document(NamedTuple):
    """What a stream contained."""

    element: Element
    value: Any
    findings: list[Finding]


class Reader:
    """Reads one stream.

    Parameters
    ----------
    grammars : Grammars
        The schema's grammars.
    data : bytes
        The stream, from the EXI header on.
    steps : list of Step, optional
        Filled with what the bits stand for.
    """

    def __init__(self, grammars: Grammars, data: bytes, steps: list[Step] | None = None) -> None:
        self.grammars = grammars
        self.schema = grammars.schema
        self.input = BitReader(data)
        self.tables = StringTables(self.schema)
        self.findings: list[Finding] = []
        self.steps = steps
        self.path: list[str] = []
        self._where: str | None = ""
        self._expanded = 0

    # -- the stream as a whole ----------------------------------------------------------------------------------

    def document(self, fragment: bool = False) -> Document:
        """Read the whole stream.

        Raises
        ------
        DecodeError
            Where nothing sensible can follow.
        """
        try:
            self._header()
            found = self._fragment() if fragment else self._root()
        except DecodeError as error:
            raise DecodeError(error.reason, error.offset, error.path or self.where) from None
        self._end()
        return Document(found[0], found[1], self.findings)

    @property
    def learned(self) -> bool:
        """Whether the stream has taught its reader names or grammars, on which the reading of what follows depends."""
        return self.tables.grown or "generic" in self.__dict__

    @property
    def where(self) -> str:
        """The element being read."""
        if self._where is None:
            self._where = "/".join(self.path)
        return self._where

    def step(self, start: int, event: str, value: Any = None, code: str = "", alternatives: int = 0) -> None:
        if self.steps is not None:
            self.steps.append(Step(start, self.input.offset - start, event, code, alternatives, self.where, value))

    def finding(self, rule: str, severity: str, text: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(rule, severity, self.where, text))
        elif len(self.findings) == MAX_FINDINGS:
            text = f"more than {MAX_FINDINGS} findings; the others are left out"
            self.findings.append(Finding("exi.more-findings", "warning", "", text))

    def _header(self) -> None:
        start = self.input.offset
        if self.input.data.startswith(COOKIE):
            self.input.octets(len(COOKIE))
            self.finding("exi.cookie", "note", "the stream starts with the EXI cookie, which ISO 15118 does not use")
        octet = self.input.bits(8)
        if octet >> 6 != 0b10:
            raise DecodeError(
                f"no EXI stream: the first byte is {octet:#04x}, an EXI header starts with bits 10", start
            )
        if octet & 0x20:
            raise DecodeError("the header announces an options document, which ISO 15118 does not use", start + 2)
        if octet & 0x1F:
            raise DecodeError(f"EXI version bits {octet & 0x1F:05b} instead of 00000 (final version 1)", start + 3)
        self.step(start, "header", "EXI 1, no options")

    def _root(self) -> tuple[Element, Any]:
        start = self.input.offset
        elements = self.schema.elements
        code = self.input.bits(self.grammars.document_width)
        if code > len(elements):
            raise DecodeError(f"element number {code} of {len(elements)}: not a message of this vocabulary", start)
        self.step(start, "SE", elements[code].name if code < len(elements) else "*", str(code), len(elements) + 1)
        if code < len(elements):
            return elements[code], self.element(elements[code])
        found = self.any("an element that the vocabulary does not declare")
        return found.element, found.value

    def _fragment(self) -> tuple[Element, Any]:
        found: tuple[Element, Any] | None = None
        names = self.schema.fragments
        while True:
            start = self.input.offset
            code = self.input.bits(self.grammars.fragment_width)
            if code == len(names) + 1:
                self.step(start, "ED", None, str(code), len(names) + 2)
                if found is None:
                    raise DecodeError("an empty fragment", start)
                return found
            if code > len(names) + 1:
                raise DecodeError(f"element number {code} of {len(names)}: not a fragment of this vocabulary", start)
            self.step(start, "SE", names[code].qname.name if code < len(names) else "*", str(code), len(names) + 2)
            if code == len(names):
                child = self.any("an element that the vocabulary does not declare")
                read = (child.element, child.value)
            else:
                declared = names[code].element
                if declared is not None:
                    read = (declared, self.element(declared))
                else:
                    with self.inside(names[code].qname.name):
                        read = (Element.named(names[code].qname, None), self.generic.relaxed(names[code].qname))
            if found is not None:
                self.finding("exi.fragment-elements", "warning", f"a further element {read[0].name} in the fragment")
            else:
                found = read

    def _end(self) -> None:
        start = self.input.offset
        padding = -start & 7
        if padding:
            rest = self.input.bits(padding)
            self.step(start, "padding", rest)
            if rest:
                self.finding("exi.padding", "note", f"the last byte is padded with {rest:0{padding}b} instead of zeros")
        surplus = self.input.left // 8
        if surplus:
            start = self.input.offset
            data = self.input.octets(surplus)
            self.step(start, "surplus", data)
            plural = "byte" if surplus == 1 else "bytes"
            self.finding(
                "exi.surplus-bytes", "warning", f"{surplus} surplus {plural} after the message: {data[:16].hex()}"
            )

    # -- elements -----------------------------------------------------------------------------------------------

    def element(self, element: Element, index: int | None = None) -> Any:
        with self.inside(element.name if index is None else f"{element.name}[{index}]"):
            if not element.concrete:
                self.finding("schema.abstract", "error", f"{element.name} is abstract and cannot appear in a message")
            return self.content(element.qname, self.grammars.of(element.type))

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Within an element of that name. After an error the path still says where it happened."""
        if len(self.path) >= MAX_DEPTH:
            raise DecodeError(f"elements nested deeper than {MAX_DEPTH}", self.input.offset)
        self.path.append(short(name))
        self._where = None
        yield
        self.path.pop()
        self._where = None

    @cached_property
    def generic(self) -> GenericReader:
        """Reads elements that are not read by their declaration."""
        return GenericReader(self)

    def content(self, qname: QName, grammar: Grammar) -> Any:
        return ElementReader(self, qname, grammar).read()

    def any(self, why: str) -> Child:
        """An element under an arbitrary name: by its global declaration, else by EXI's built-in grammar."""
        start = self.input.offset
        qname = self.qname()
        self.step(start, "name", str(qname))
        self.finding("schema.undeclared-element", "warning", f"{why}: {short(str(qname))}")
        return self.wildcard(qname)

    def wildcard(self, qname: QName) -> Child:
        """The content of an element whose name is known but not expected here."""
        declared = self.schema.element(qname)
        if declared is not None:
            return Child(declared, self.element(declared))
        with self.inside(qname.name):
            return Child(Element.named(qname, None), self.generic.built_in(qname))

    # -- values and names ---------------------------------------------------------------------------------------

    def value(self, type_: SimpleType, qname: QName) -> Any:
        """A value in its type's representation."""
        start = self.input.offset
        value = self._typed(type_, qname)
        self.step(start, "value", value)
        return value

    def _typed(self, type_: SimpleType, qname: QName) -> Any:
        coding = type_.coding
        if coding.form == "enumeration":
            code = self.input.bits(coding.width)
            if code < len(type_.members):
                return type_.members[code]
            self.finding(
                "schema.enumeration", "error", f"value number {code}: {type_.name} has {len(type_.members)} values"
            )
            return code
        if coding.form == "nbit":
            return self.input.bits(coding.width) + coding.offset
        if coding.form == "boolean":
            return bool(self.input.bits(1))
        if coding.form == "unsigned":
            return self.input.unsigned()
        if coding.form == "integer":
            return self.input.integer()
        if coding.form == "binary":
            return self.input.octets(self.input.unsigned())
        return self._string(qname)

    def untyped(self, qname: QName) -> str:
        """A value written as a string."""
        start = self.input.offset
        value = self._string(qname)
        self.step(start, "value", value)
        return value

    def _string(self, qname: QName) -> str:
        start = self.input.offset
        length = self.input.unsigned()
        if length >= 2:
            value = self.input.characters(length - 2)
            self.tables.add_value(qname, value)
            return value
        table = self.tables.values if length else self.tables.local_values.get(qname, [])
        number = self.input.bits(bits_for(len(table)))
        if number >= len(table):
            raise DecodeError(f"string-table entry {number} of {len(table)}", start)
        self.finding(
            "exi.string-table",
            "warning",
            f"{short(repr(table[number]))} is written as a string-table reference, which ISO 15118 rules out "
            "(valuePartitionCapacity 0)",
        )
        self._expand(len(table[number]), start)
        return table[number]

    def _expand(self, length: int, start: int) -> None:
        """Account for characters that stand in the stream once and in the message again."""
        self._expanded += length
        if self._expanded > MAX_EXPANSION:
            raise DecodeError(f"references stand for more than {MAX_EXPANSION} characters", start)

    def qname(self) -> QName:
        """A qualified name (EXI 1.0, 7.1.7)."""
        start = self.input.offset
        uris = self.tables.uris
        number = self.input.bits(bits_for(len(uris) + 1))
        if number > len(uris):
            raise DecodeError(f"namespace number {number} of {len(uris)}", start)
        if number == 0:
            self.tables.add_uri(self.input.characters(self.input.unsigned()))
            number = len(uris)
        uri = uris[number - 1]
        names = self.tables.names(uri)
        length = self.input.unsigned()
        if length:
            self.tables.add_name(uri, self.input.characters(length - 1))
            return QName(uri, names[-1])
        number = self.input.bits(bits_for(len(names)))
        if number >= len(names):
            raise DecodeError(f"name number {number} of {len(names)} in namespace {short(uri)!r}", start)
        self._expand(len(uri) + len(names[number]), start)
        return QName(uri, names[number])

    def type_value(self) -> tuple[QName, Any]:
        """The value of xsi:type, and the type if it is known; one that is not known changes nothing."""
        start = self.input.offset
        found = self.qname()
        self.step(start, "value", str(found))
        known = self.schema.named_type(found)
        if known is None and found.uri == XSD_NAMESPACE and found != ANY_TYPE:
            raise DecodeError(f"xsi:type {found.name}: values of this type cannot be read", start)
        return found, known
