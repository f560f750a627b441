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
from .datatypes import NO_BYTES, NO_TEXT, SimpleType, bits_for
from .declare import Child, Element, Field
from .errors import DecodeError, Finding
from .generic import GenericReader
from .grammar import Grammar, Grammars, State
from .names import ANY_TYPE, XSD_NAMESPACE, QName
from .strings import StringTables

MAX_DEPTH = 64
"""Elements within elements; a stream that nests deeper is refused before it exhausts the interpreter's stack."""

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
        return "/".join(self.path)

    def step(self, start: int, event: str, value: Any = None, code: str = "", alternatives: int = 0) -> None:
        if self.steps is not None:
            self.steps.append(Step(start, self.input.offset - start, event, code, alternatives, self.where, value))

    def finding(self, rule: str, severity: str, text: str) -> None:
        self.findings.append(Finding(rule, severity, self.where, text))

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
            if element.abstract:
                self.finding("schema.abstract", "error", f"{element.name} is abstract and cannot appear in a message")
            return self.content(element.qname, self.grammars.of(element.type))

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Within an element of that name. After an error the path still says where it happened."""
        if len(self.path) >= MAX_DEPTH:
            raise DecodeError(f"elements nested deeper than {MAX_DEPTH}", self.input.offset)
        self.path.append(name)
        yield
        self.path.pop()

    @cached_property
    def generic(self) -> GenericReader:
        """Reads elements that are not read by their declaration."""
        return GenericReader(self)

    def content(self, qname: QName, grammar: Grammar) -> Any:
        return _ElementReader(self, qname, grammar).read()

    def any(self, why: str) -> Child:
        """An element under an arbitrary name: by its global declaration, else by EXI's built-in grammar."""
        start = self.input.offset
        qname = self.qname()
        self.step(start, "name", str(qname))
        self.finding("schema.undeclared-element", "warning", f"{why}: {qname}")
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
            f"{table[number]!r} is written as a string-table reference, which ISO 15118 rules out "
            "(valuePartitionCapacity 0)",
        )
        return table[number]

    def qname(self) -> QName:
        """A qualified name (EXI 1.0, 7.1.7)."""
        uris = self.tables.uris
        number = self.input.bits(bits_for(len(uris) + 1))
        if number > len(uris):
            raise DecodeError(f"namespace number {number} of {len(uris)}", self.input.offset)
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
            raise DecodeError(f"name number {number} of {len(names)} in namespace {uri!r}", self.input.offset)
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


class _ElementReader:
    """Reads one element by the grammar of its declared type."""

    def __init__(self, reader: Reader, qname: QName, grammar: Grammar) -> None:
        self.reader = reader
        self.input = reader.input
        self.qname = qname
        self.grammar = grammar
        self.value: Any = grammar.type() if grammar.simple is None else None

    def read(self) -> Any:
        state: State | None = self.grammar.start
        while state is not None:
            state = self._event(state)
        return self.value

    def _event(self, state: State) -> State | None:
        start = self.input.offset
        code = self.input.bits(state.width)
        count = len(state.productions)
        if code > count:
            raise DecodeError(f"event code {code}, but only 0 to {count} are defined here ({expected(state)})", start)
        if code == count:
            return self._deviation(state, start)
        production = state.productions[code]
        name = production.element.name if production.element else production.field.name if production.field else None
        self.reader.step(start, production.event, name, str(code), count + 1)
        if production.event == "EE":
            return None
        if production.event == "AT":
            assert production.field is not None
            setattr(self.value, production.field.name, self._attribute(production.field))
        elif production.event == "CH":
            self._characters()
        else:
            self._child(production.field, production.element)
        return state.after(code)

    def _attribute(self, field: Field) -> Any:
        self.reader.path.append(f"@{field.name}")
        value = self.reader.value(field.type, field.qname)
        self.reader.path.pop()
        return value

    def _characters(self) -> None:
        declared = self.grammar.value_type
        if declared is None:
            self._add_item(self.reader.untyped(self.qname))
        else:
            self._set_text(self.reader.value(declared, self.qname))

    def _set_text(self, value: Any) -> None:
        if self.grammar.simple is not None:
            self.value = value
        elif self.grammar.text_field is not None:
            setattr(self.value, self.grammar.text_field.name, value)

    def _add_item(self, item: Any) -> None:
        assert self.grammar.items_field is not None
        getattr(self.value, self.grammar.items_field.name).append(item)

    def _child(self, field: Field | None, element: Element | None) -> None:
        assert field is not None
        if element is None:
            start = self.input.offset
            qname = self.reader.qname()
            self.reader.step(start, "name", str(qname))
            self._add_item(self.reader.wildcard(qname))
        elif field.kind == "items":
            self._add_item(Child(element, self.reader.element(element)))
        elif field.repeated:
            values = getattr(self.value, field.name)
            values.append(self.reader.element(element, len(values)))
        else:
            setattr(self.value, field.name, self.reader.element(element))

    # -- what the schema does not foresee (EXI 1.0, 8.5.4.4.1) ----------------------------------------------------

    def _deviation(self, state: State, start: int) -> State | None:
        options = deviations(state)
        at = self.input.offset
        number = self.input.bits(bits_for(len(options)))
        if number >= len(options):
            raise DecodeError(
                f"undeclared event {number}, but only 0 to {len(options) - 1} are defined ({expected(state)})", at
            )
        option = options[number]
        self.reader.step(start, option, "not declared", f"{len(state.productions)}.{number}", len(options))
        if option == "EE":
            self._early_end(state)
            return None
        if option == "AT xsi:type":
            return self._change_type(state)
        if option == "AT xsi:nil":
            return self._nil(state)
        if option == "AT *":
            self._undeclared_attribute()
            return state
        if option == "AT untyped":
            return self._untyped_attribute(state)
        if option == "SE *":
            self.reader.any(f"an undeclared element in {self.qname.name}")
        else:
            self._untyped_characters()
        return state.content()

    def _early_end(self, state: State) -> None:
        name = self.qname.name
        declared = self.grammar.value_type
        if declared is None:
            self.reader.finding("schema.incomplete", "error", f"{name} ends early: {expected(state)}")
        elif state.productions[-1].event == "CH" and self._text() is None:
            if declared.coding.form in ("string", "binary"):
                self._set_text(NO_TEXT if declared.coding.form == "string" else NO_BYTES)
                self.reader.finding("exi.no-characters", "note", f"{name} is empty, without a characters event")
            else:
                self.reader.finding("schema.incomplete", "error", f"{name} has no value")

    def _text(self) -> Any:
        field = self.grammar.text_field
        return self.value if field is None else getattr(self.value, field.name)

    def _change_type(self, state: State) -> State | None:
        wanted, known = self.reader.type_value()
        self.reader.finding("schema.xsi-type", "warning", f"{self.qname.name} changes its type to {wanted} (xsi:type)")
        if wanted == ANY_TYPE:
            self.value = self.reader.generic.anything(self.qname)
            return None
        if known is None:
            return state
        self.grammar = self.reader.grammars.of(known)
        self.value = self.grammar.type() if self.grammar.simple is None else None
        return self.grammar.start

    def _nil(self, state: State) -> State | None:
        start = self.input.offset
        nil = bool(self.input.bits(1))
        self.reader.step(start, "value", nil)
        self.reader.finding("schema.nil", "error", f"{self.qname.name} carries xsi:nil={str(nil).lower()}")
        if not nil:
            return state
        self.grammar = self.grammar.nil
        return self.grammar.start

    def _undeclared_attribute(self) -> None:
        start = self.input.offset
        name = self.reader.qname()
        self.reader.step(start, "name", str(name))
        value = self.reader.untyped(name)
        self.reader.finding("schema.undeclared-attribute", "warning", f"undeclared attribute {name}={value!r}")

    def _untyped_attribute(self, state: State) -> State:
        declared = [(code, p) for code, p in enumerate(state.productions) if p.event == "AT"]
        start = self.input.offset
        number = self.input.bits(bits_for(len(declared) + 1))
        if number > len(declared):
            raise DecodeError(f"undeclared attribute event {number} of {len(declared) + 1}", start)
        code, field = (declared[number][0], declared[number][1].field) if number < len(declared) else (0, None)
        self.reader.step(start, "AT", field.name if field else "*", str(number), len(declared) + 1)
        if field is None:
            self._undeclared_attribute()
            return state
        value = self.reader.untyped(field.qname)
        setattr(self.value, field.name, value)
        self.reader.finding("schema.untyped", "error", f"attribute {field.name}={value!r} is no {field.type.name}")
        return state.after(code)

    def _untyped_characters(self) -> None:
        value = self.reader.untyped(self.qname)
        declared = self.grammar.value_type
        if declared is None:
            self.reader.finding("schema.undeclared-text", "warning", f"text in {self.qname.name}: {value!r}")
        else:
            self.reader.finding("schema.untyped", "error", f"{value!r} is no {declared.name or declared.kind}")
            self._set_text(value)


def deviations(state: State) -> list[str]:
    """The undeclared events of a state, in the order of their second event code."""
    found = [] if state.ends else ["EE"]
    if state.start:
        found += ["AT xsi:type", "AT xsi:nil"]
    if state.before_content:
        found += ["AT *", "AT untyped"]
    return [*found, "SE *", "CH"]


def expected(state: State) -> str:
    """What a state allows, for a person."""
    names = []
    for production in state.productions:
        if production.event == "EE":
            names.append(f"the end of {state.grammar.name}")
        elif production.event == "CH":
            names.append("a value" if state.grammar.value_type else "text")
        elif production.event == "AT" and production.field is not None:
            names.append(f"attribute {production.field.name}")
        else:
            names.append(production.element.name if production.element else "any element")
    shown = names if len(names) <= 8 else [*names[:7], f"{len(names) - 7} more"]
    return "expected: " + " or ".join(shown)
