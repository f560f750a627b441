"""The careful writer: walks the grammar with a value in hand, and says which value does not fit.

It writes what the compiled writers write, bit by bit, and besides, on request, string-table references. Deviations
from the schema are never written; values outside of their facets are, where their representation has room for them.
"""

from __future__ import annotations

from collections import deque
from operator import index
from typing import Any

from .bits import MAX_INTEGER, MAX_OCTETS, BitWriter
from .datatypes import SimpleType, bits_for, is_no_value
from .declare import AnyElement, Child, Element
from .element_reader import deviations
from .errors import EncodeError, shown
from .generic import write_relaxed
from .grammar import Grammar, Grammars, Production, State
from .names import QName
from .strings import StringTables
from .xml_writer import as_any


class Writer:
    """Writes one stream.

    Parameters
    ----------
    grammars : Grammars
        The schema's grammars.
    string_table : bool
        Write a repeated string as a reference (EXI's default, ruled out by ISO 15118).
    """

    def __init__(self, grammars: Grammars, string_table: bool = False) -> None:
        self.grammars = grammars
        self.output = BitWriter()
        self.tables = StringTables(grammars.schema) if string_table else None
        self.path: list[str] = []

    def document(self, element: Element, value: Any, fragment: bool = False) -> bytes:
        """The stream of a document or fragment.

        Raises
        ------
        EncodeError
            If the value does not fit the schema or cannot be expressed in EXI.
        """
        codes = self.grammars.fragment_codes if fragment else self.grammars.document_codes
        width = self.grammars.fragment_width if fragment else self.grammars.document_width
        code = codes.get(element.qname)
        if code is None:
            kind = "fragment" if fragment else "document"
            raise EncodeError(f"no {kind} of this vocabulary starts with {element.qname}", element.name)
        self.output.bits(0x80, 8)
        self.output.bits(code, width)
        if fragment and self.grammars.schema.fragments[code].element is None:
            self._relaxed(element, value)
        else:
            self.element(element, value)
        if fragment:
            self.output.bits(len(codes) + 1, width)
        return self.output.getvalue()

    @property
    def where(self) -> str:
        """The element being written."""
        return "/".join(self.path)

    def fail(self, reason: str) -> EncodeError:
        """An error at the current element."""
        return EncodeError(reason, self.where)

    def _relaxed(self, element: Element, value: Any) -> None:
        """An element whose name is declared with different types."""
        self.path.append(element.name)
        if not isinstance(value, AnyElement):
            value = as_any(self.grammars.schema, element, value)
        write_relaxed(self, value)
        self.path.pop()

    def child(self, child: Child | AnyElement) -> None:
        """An element within an element of the relaxed grammar."""
        if isinstance(child, Child):
            self.element(child.element, child.value)
        else:
            self._relaxed(Element.named(child.qname, None), child)

    def element(self, element: Element, value: Any, index: int | None = None) -> None:
        self.path.append(element.name if index is None else f"{element.name}[{index}]")
        grammar = self.grammars.of(element.type)
        if grammar.simple is None and type(value) is not grammar.type:
            raise self.fail(f"a {grammar.type.__name__} is needed, not {shown(value)}")
        _ElementWriter(self, element.qname, grammar, value).write()
        self.path.pop()

    def value(self, type_: SimpleType, value: Any, qname: QName) -> None:
        """A value in its type's representation."""
        coding = type_.coding
        try:
            if coding.form == "enumeration":
                self.output.bits(self._enumerated(type_, value), coding.width)
            elif coding.form == "boolean":
                if value not in (True, False):
                    raise ValueError
                self.output.bits(int(value), 1)
            elif coding.form == "binary":
                data = memoryview(value).tobytes()
                self.output.unsigned(len(data))
                self.output.octets(data)
            elif coding.form == "string":
                if not isinstance(value, str):
                    raise TypeError
                self.string(value, qname)
            else:
                self._number(type_, value)
        except EncodeError:
            raise
        except (TypeError, ValueError):
            raise self.fail(f"{shown(value)} cannot be written as {type_.name or type_.kind}") from None

    def _enumerated(self, type_: SimpleType, value: Any) -> int:
        if isinstance(value, str):
            for code, member in enumerate(type_.members):
                if member == value:
                    return code
        elif isinstance(value, int) and len(type_.members) <= value < 1 << type_.coding.width:
            return value  # a number that was read and has no name
        raise self.fail(f"{shown(value)} is no {type_.name or 'value of the enumeration'}")

    def _number(self, type_: SimpleType, number: Any) -> None:
        value = index(number)  # any integer, NumPy's too, and nothing else
        coding = type_.coding
        if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            raise self.fail(f"the number has more than {MAX_OCTETS} bytes in EXI")
        if coding.form == "nbit":
            code = value - coding.offset
            if not 0 <= code < 1 << coding.width:
                high = coding.offset + (1 << coding.width) - 1
                raise self.fail(f"{value} cannot be expressed: EXI has room for {coding.offset} to {high} here")
            self.output.bits(code, coding.width)
        elif coding.form == "integer":
            self.output.integer(value)
        elif value < 0:
            raise self.fail(f"{value} cannot be expressed: only numbers from 0 on")
        else:
            self.output.unsigned(value)

    def string(self, value: str, qname: QName) -> None:
        """A string, as a literal or, with string tables, as a reference to an earlier one."""
        odd = next((c for c in value if "\ud800" <= c <= "\udfff"), None) if not value.isascii() else None
        if odd is not None:
            raise self.fail(f"U+{ord(odd):04X} is half of a surrogate pair and no character")
        if self.tables is not None and value:
            local = self.tables.local_values.get(qname, [])
            if value in local:
                self.output.unsigned(0)
                self.output.bits(local.index(value), bits_for(len(local)))
                return
            if value in self.tables.values:
                self.output.unsigned(1)
                self.output.bits(self.tables.values.index(value), bits_for(len(self.tables.values)))
                return
            self.tables.add_value(qname, value)
        self.output.unsigned(len(value) + 2)
        self.output.characters(value)


class _ElementWriter:
    """Writes one element by the grammar of its type."""

    def __init__(self, writer: Writer, qname: QName, grammar: Grammar, value: Any) -> None:
        self.writer = writer
        self.qname = qname
        self.grammar = grammar
        self.value = value
        self._left: dict[str, deque[Any]] = {}
        self._sizes: dict[str, int] = {}

    def write(self) -> None:
        state = self.grammar.start
        while True:
            code = self._choose(state)
            production = state.productions[code]
            if production.event == "CH" and is_no_value(self._text()):
                return self._end_early(state)
            self.writer.output.bits(code, state.width)
            if production.event == "EE":
                return None
            self._write(production)
            state = state.after(code)

    def _text(self) -> Any:
        """The simple value of the element, if its type has one."""
        field = self.grammar.text_field
        if field is None:
            return self.value if self.grammar.simple is not None else None
        return getattr(self.value, field.name)

    def _end_early(self, state: State) -> None:
        """An empty value without a characters event: the one undeclared event that is written, to keep a stream."""
        options = deviations(state)
        self.writer.output.bits(len(state.productions), state.width)
        self.writer.output.bits(options.index("EE"), bits_for(len(options)))

    def _choose(self, state: State) -> int:
        """The first production for which there is a value left."""
        for code, production in enumerate(state.productions):
            if production.event == "EE":
                if self._done():
                    return code
            elif self._available(production):
                return code
        raise self._misfit(state)

    def _misfit(self, state: State) -> EncodeError:
        """Why the values that are left cannot be written."""
        offered = [p for p in state.productions if p.field is not None]
        for production in offered:
            assert production.field is not None
            if values := self._values(production.field.name):
                allowed = [name for p in offered if p.field is production.field and (name := _type_name(p))]
                reason = f"{production.field.name} cannot be {shown(values[0])}"
                return self.writer.fail(f"{reason}; it takes {_listed(allowed)}" if allowed else reason)
        if not state.ends:
            names = [p.element.name if p.element else p.field.name for p in offered if p.field and not _abstract(p)]
            return self.writer.fail(f"{_listed(names)} is missing")
        name = next(name for name, values in self._left.items() if values)
        more = f" after {self._sizes[name] - len(self._left[name])} of them" if self._sizes[name] > 1 else ""
        return self.writer.fail(f"{name} does not fit here: the schema has no room for it{more}")

    def _values(self, name: str) -> deque[Any]:
        left = self._left.get(name)
        if left is None:
            held = getattr(self.value, name)
            if name not in self.grammar.lists:
                held = () if held is None else (held,)
            elif not isinstance(held, (list, tuple, type(None))):
                raise self.writer.fail(f"{name}: {shown(held)} is no list")
            left = deque(held or ())
            self._sizes[name] = len(left)
            self._left[name] = left
        return left

    def _done(self) -> bool:
        if self.grammar.simple is not None:
            return True
        return not any(f.kind != "text" and self._values(f.name) for f in self.grammar.type.__fields__)

    def _available(self, production: Production) -> bool:
        if production.event == "CH" and self.grammar.value_type is not None:
            return True
        assert production.field is not None
        values = self._values(production.field.name)
        if not values:
            return False
        if production.event == "AT":
            return True
        return self._matches(production, values[0])

    def _matches(self, production: Production, value: Any) -> bool:
        field, element = production.field, production.element
        assert field is not None
        if field.kind == "items":
            if isinstance(value, str):
                return production.event == "CH"
            if isinstance(value, Child):
                return production.event == "SE*" or (element is not None and element.qname == value.element.qname)
            return isinstance(value, AnyElement) and production.event == "SE*"
        if production.event == "CH":
            return False
        assert element is not None
        members = (element,) if field.head is None else self.grammar.schema.members(field.head)
        if not element.concrete:  # what a peer has sent nevertheless is written as it was
            return type(value) is element.type and not any(m.concrete and m.type is element.type for m in members)
        return len(members) == 1 or type(value) is element.type

    def _write(self, production: Production) -> None:
        writer = self.writer
        if production.event == "CH" and self.grammar.value_type is not None:
            writer.value(self.grammar.value_type, self._text(), self.qname)
            return
        field = production.field
        assert field is not None
        value = self._left[field.name].popleft()
        if production.event == "AT":
            writer.path.append(f"@{field.name}")
            writer.value(field.type, value, field.qname)
            writer.path.pop()
        elif production.event == "CH":
            writer.string(value, self.qname)
        elif production.event == "SE*":
            self._wildcard(value)
        elif field.kind == "items":
            writer.element(value.element, value.value)
        else:
            assert production.element is not None
            number = self._sizes[field.name] - len(self._left[field.name]) - 1
            writer.element(production.element, value, number if field.repeated else None)

    def _wildcard(self, value: Any) -> None:
        if not isinstance(value, Child) or self.grammar.schema.element(value.element.qname) is None:
            raise self.writer.fail("an element that the vocabulary does not declare cannot be written")
        _write_qname(self.writer, value.element.qname)
        self.writer.element(value.element, value.value)


def _write_qname(writer: Writer, qname: QName) -> None:
    """A name that the schema knows (EXI 1.0, 7.1.7)."""
    tables = writer.tables or StringTables(writer.grammars.schema)
    names = tables.names(qname.uri)
    writer.output.bits(tables.uris.index(qname.uri) + 1, bits_for(len(tables.uris) + 1))
    writer.output.unsigned(0)
    writer.output.bits(names.index(qname.name), bits_for(len(names)))


def _abstract(production: Production) -> bool:
    return production.element is not None and not production.element.concrete


def _type_name(production: Production) -> str:
    """The complex type that it takes; empty for a simple type and for an abstract element."""
    element = production.element
    if element is None or not element.concrete or element.simple_type is not None:
        return ""
    return str(element.type.__name__)


def _listed(names: list[str]) -> str:
    """Alternatives, for a person."""
    return " or ".join(names) if len(names) <= 8 else f"{', '.join(names[:7])} or one of {len(names) - 7} more"
