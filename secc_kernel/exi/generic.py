"""Elements that are not read or written by their declaration.

There are three grammars for them: EXI's built-in one for elements without a declaration, which learns from what it
reads (EXI 1.0, 8.4.3); the one of xsd:anyType (8.5.4.1.3.3); and the relaxed one for fragments whose element is
declared with different types in different places (8.5.3), such as eMAID of ISO 15118-2. All three give an `AnyElement`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .datatypes import bits_for
from .declare import AnyElement, Child
from .errors import DecodeError, short
from .names import ANY_TYPE, XSI_TYPE, QName

if TYPE_CHECKING:
    from .reader import Reader
    from .writer import Writer

_SECOND = {True: ("EE", "AT", "SE", "CH"), False: ("SE", "CH")}
"""Undeclared events of the built-in grammar, before and after the first content."""


class _Events:
    """The events that one state of a built-in grammar knows; the latest has event code 0."""

    def __init__(self, *initial: tuple[str, QName | None]) -> None:
        self._events = list(initial)
        self._known = set(initial)

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, code: int) -> tuple[str, QName | None]:
        return self._events[-1 - code]

    def learn(self, event: str, name: QName | None) -> None:
        if (event, name) not in self._known:
            self._events.append((event, name))
            self._known.add((event, name))


class _BuiltIn:
    """The built-in grammar of one element name, which learns from what it reads."""

    def __init__(self) -> None:
        self.opening = _Events()
        self.content = _Events(("EE", None))


class GenericReader:
    """Reads elements without a usable declaration from the careful reader's stream."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.input = reader.input
        self._learned: dict[QName, _BuiltIn] = {}

    def built_in(self, qname: QName) -> Any:
        """An element that no declaration describes, by the built-in grammar."""
        grammar = self._learned.setdefault(qname, _BuiltIn())
        found = AnyElement(qname)
        opening = True
        while True:
            event, name = self._built_in_event(grammar.opening if opening else grammar.content, opening)
            if event == "EE":
                return found
            if event == "AT":
                assert name is not None
                if name == XSI_TYPE:
                    wanted, known = self.reader.type_value()
                    if wanted == ANY_TYPE:
                        return self.anything(qname)
                    if known is not None:
                        return self.reader.content(qname, self.reader.grammars.of(known))
                else:
                    found.attributes[name] = self.reader.untyped(name)
                continue
            opening = False
            if event == "CH":
                found.children.append(self.reader.untyped(qname))
            else:
                assert name is not None
                found.children.append(_plain(self.reader.wildcard(name)))

    def _built_in_event(self, known: _Events, opening: bool) -> tuple[str, QName | None]:
        start = self.input.offset
        code = self.input.bits(bits_for(len(known) + 1))
        if code < len(known):
            self.reader.step(start, known[code][0], str(known[code][1] or ""), str(code), len(known) + 1)
            return known[code]
        if code > len(known):
            raise DecodeError(f"event code {code}, but only 0 to {len(known)} are defined here", start)
        second = _SECOND[opening]
        number = self.input.bits(bits_for(len(second)))
        event = second[number]
        self.reader.step(start, event, None, f"{code}.{number}", len(second))
        name = self.name() if event in ("AT", "SE") else None
        known.learn(event, name)
        return event, name

    def anything(self, qname: QName) -> Any:
        """An element of type xsd:anyType: any attributes, any content."""
        found = AnyElement(qname, {XSI_TYPE: f"xsd:{ANY_TYPE.name}"})
        return _AnyContent(self, found, [], []).read()

    def relaxed(self, qname: QName) -> Any:
        """An element whose declarations differ, by the schema-informed element fragment grammar."""
        schema = self.reader.schema
        names = [f.qname for f in schema.fragments]
        return _AnyContent(self, AnyElement(qname), list(schema.attribute_names), names).read()

    def name(self) -> QName:
        """A name that stands in the stream."""
        start = self.input.offset
        found = self.reader.qname()
        self.reader.step(start, "name", str(found))
        return found


class _AnyContent:
    """Reads attributes, then elements and characters; those that the schema names have an event code of their own."""

    def __init__(
        self, generic: GenericReader, found: AnyElement, attributes: list[QName], elements: list[QName]
    ) -> None:
        self.generic = generic
        self.reader = generic.reader
        self.input = generic.input
        self.found = found
        self.attributes = attributes
        self.elements = elements
        self.opening = True
        self.nil = False

    def read(self) -> Any:
        """The element, or a value of another type where xsi:type changes it."""
        while True:
            first = len(self.attributes) + 1 if self.opening else 0
            count = first + (1 if self.nil else len(self.elements) + 3)
            start = self.input.offset
            code = self.input.bits(bits_for(count + 1))
            if code > count:
                raise DecodeError(f"event code {code}, but only 0 to {count} are defined here", start)
            if code == count:
                event = self._undeclared_event(code, start)
            else:
                event = "EE" if self.nil and code >= first else _any_event(code, first, len(self.elements))
                self.reader.step(start, event, None, str(code), count + 1)
            if event == "EE":
                return self.found
            if event == "xsi:type":
                changed = self._change_type()
                if changed is not None:
                    return changed
            elif event == "xsi:nil":
                self._nil()
            elif event == "AT":
                known = code < len(self.attributes)
                name = self.attributes[code] if known else self.generic.name()
                self.found.attributes[name] = self.reader.untyped(name)
            else:
                self._content(event, code - first if code < count else len(self.elements))

    def _content(self, event: str, number: int) -> None:
        self.opening = False
        if event == "CH":
            self.found.children.append(self.reader.untyped(self.found.qname))
        else:
            self.found.children.append(self._child(number))

    def _undeclared_event(self, code: int, start: int) -> str:
        """One of the events that non-strict mode adds (EXI 1.0, 8.5.4.4.1)."""
        options = ["xsi:type", "xsi:nil", "AT", "AT untyped", "SE", "CH"] if self.opening else ["SE", "CH"]
        number = self.input.bits(bits_for(len(options)))
        if number >= len(options):
            raise DecodeError(f"undeclared event {number}, but only 0 to {len(options) - 1} are defined", start)
        event = options[number]
        self.reader.step(start, event, "not declared", f"{code}.{number}", len(options))
        if event == "AT untyped":
            raise DecodeError("an ill-typed attribute where all are strings", start)
        return event

    def _change_type(self) -> Any:
        wanted, known = self.reader.type_value()
        text = f"{self.found.qname.name} changes its type to {short(str(wanted))}"
        self.reader.finding("schema.xsi-type", "warning", text)
        if wanted == ANY_TYPE:
            return self.generic.anything(self.found.qname)
        return None if known is None else self.reader.content(self.found.qname, self.reader.grammars.of(known))

    def _nil(self) -> None:
        start = self.input.offset
        self.nil = bool(self.input.bits(1))
        self.reader.step(start, "value", self.nil)
        text = f"{self.found.qname.name} carries xsi:nil={str(self.nil).lower()}"
        self.reader.finding("schema.nil", "warning", text)

    def _child(self, number: int) -> Any:
        if number == len(self.elements):
            return _plain(self.reader.wildcard(self.generic.name()))
        declared = self.reader.schema.fragments[number]
        if declared.element is not None:
            return Child(declared.element, self.reader.element(declared.element))
        with self.reader.inside(declared.qname.name):
            return self.generic.relaxed(declared.qname)


def _any_event(code: int, first: int, elements: int) -> str:
    if code < first:
        return "AT"
    return ("SE", "EE", "CH")[max(code - first - elements, 0)]


def _plain(child: Child) -> Any:
    return child.value if isinstance(child.value, AnyElement) else child


def write_relaxed(writer: Writer, element: AnyElement) -> None:
    """Write an element whose declarations differ by the schema-informed element fragment grammar.

    Raises
    ------
    EncodeError
        If an attribute or child is not declared in the schema.
    """
    schema = writer.grammars.schema
    attributes = list(schema.attribute_names)
    elements = schema.fragments
    first = len(attributes) + 1
    opening = bits_for(first + len(elements) + 4)
    width = opening
    for name in sorted(element.attributes, key=lambda q: attributes.index(q) if q in attributes else -1):
        if name not in attributes:
            raise writer.fail(f"attribute {name} is not declared in this vocabulary")
        writer.output.bits(attributes.index(name), opening)
        writer.string(element.attributes[name], name)
    for child in element.children:
        if isinstance(child, str):
            writer.output.bits(first + len(elements) + 2, width)
            writer.string(child, element.qname)
        else:
            qname = child.qname if isinstance(child, AnyElement) else child.element.qname
            number = next((n for n, f in enumerate(elements) if f.qname == qname), None)
            if number is None:
                raise writer.fail(f"element {qname} is not declared in this vocabulary")
            writer.output.bits(first + number, width)
            writer.child(child)
        first, width = 0, bits_for(len(elements) + 4)
    writer.output.bits(first + len(elements) + 1, width)
