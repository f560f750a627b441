"""Source of compiled writers.

Constant bits and values of known width are collected and appended in one go. After an element that may be left out the
state is kept in two variables: ``b``, the number of its first alternative, and ``w``, the width of its event code.
Values that do not fit raise `Odd` or a Python error; the careful writer then says what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .datatypes import SimpleType
from .linear import Item, Linear

if TYPE_CHECKING:
    from .compiler import Compiler


class WriterSource:
    """Writes the writer of one complex type; parameters as of `ReaderSource`."""

    def __init__(self, compiler: Compiler, name: str, type_: type, content: Linear) -> None:
        self.compiler = compiler
        self.content = content
        self.lines = [
            f"def {name}(a, o):",
            f"    if o.__class__ is not {compiler.constant(type_.__name__, type_)}: raise Odd",
        ]
        self.indent = 1
        self._fixed: list[tuple[int, str]] = []
        self._variables = 0

    def line(self, text: str) -> None:
        """A line of source at the current indentation."""
        self.lines.append("    " * self.indent + text)

    def put(self, width: int, value: str) -> None:
        """Bits of known width; ``value`` is an expression."""
        self._fixed.append((width, value))

    def flush(self) -> None:
        """Append the bits collected so far."""
        if not self._fixed:
            return
        total = constant = 0
        parts = []
        for width, value in reversed(self._fixed):
            if value.isdigit():
                constant |= int(value) << total
            else:
                parts.append(f"({value}) << {total}" if total else f"({value})")
            total += width
        if constant or not parts:
            parts.append(str(constant))
        self._fixed = []
        terms = " | ".join(reversed(parts))
        self.line(f"a = a << {total}" + (f" | {terms}" if terms != "0" else ""))

    # -- the type -----------------------------------------------------------------------------------------------

    def source(self) -> str:
        """The function's text."""
        sure = True
        for number, item in enumerate(self.content.items):
            sure = self._item(number, item, sure)
        self._code(len(self.content.items), self.content.end, sure)
        self.flush()
        self.line("return a")
        return "\n".join(self.lines) + "\n"

    def _code(self, number: int, alternative: int | str, sure: bool) -> None:
        """The event code of an alternative, from the state before an item or from the one in b and w."""
        if not sure:
            self.flush()
            self.line(f"a = a << w | {alternative} - b")
            return
        first = self.content.first(number)
        code = str(alternative - first) if isinstance(alternative, int) else f"{alternative} - {first}"
        self.put(self.content.width(number), code)

    def _state(self, number: int) -> None:
        self.line(f"b = {self.content.first(number)}; w = {self.content.width(number)}")

    def _item(self, number: int, item: Item, sure: bool) -> bool:
        """One item; returns whether the state after it is known when the source is made."""
        if item.repeated:
            return self._repeated(number, item, sure)
        if not item.one_field:
            return self._choice(number, item, sure)
        field = item.field
        assert field is not None
        if item.min > 0:
            self._one(number, item, f"o.{field.name}", sure)
            return True
        self._before(number, sure)
        self.line(f"v = o.{field.name}")
        self.line("if v is not None:")
        self.indent += 1
        self._one(number, item, "v", sure)
        self.flush()
        self._state(number + 1)
        self.indent -= 1
        return False

    def _before(self, number: int, sure: bool) -> None:
        """Keep the state in variables before a part that may be skipped."""
        self.flush()
        if sure:
            self._state(number)

    def _one(self, number: int, item: Item, value: str, sure: bool) -> None:
        if len(item.alternatives) == 1:
            self._code(number, item.first, sure)
            self._value(item, 0, value)
            return
        table = self.compiler.writer_table(tuple(e for e, _ in item.alternatives if e is not None))
        self.flush()
        if value != "v":
            self.line(f"v = {value}")
        self.line(f"c, f = {table}[v.__class__]")
        self._code(number, f"{item.first} + c" if item.first else "c", sure)
        self.flush()
        self.line("a = f(a, v)")

    def _choice(self, number: int, item: Item, sure: bool) -> bool:
        """Alternatives in fields of their own."""
        if item.min > 0:
            self.flush()
        else:
            self._before(number, sure)
        names = [f.name for _, f in item.alternatives if f is not None]
        for position, name in enumerate(names):
            self.line(f"{'el' if position else ''}if o.{name} is not None:")
            self.indent += 1
            others = [f"o.{n} is not None" for n in names[position + 1 :]]
            if others:
                self.line(f"if {' or '.join(others)}: raise Odd")
            self._code(number, item.first + position, sure)
            self._value(item, position, f"o.{name}")
            self.flush()
            if item.min == 0:
                self._state(number + 1)
            self.indent -= 1
        if item.min > 0:
            self.line("else: raise Odd")
            return True
        return False

    def _repeated(self, number: int, item: Item, sure: bool) -> bool:
        field = item.field
        assert field is not None
        self._before(number, sure)
        self.line(f"l = o.{field.name}")
        least = f" or len(l) < {item.min}" if item.min > 0 else ""
        most = f" or len(l) > {item.max}" if item.max is not None else ""
        self.line(f"if l.__class__ is not list{least}{most}: raise Odd")
        again = (self.content.choices_again(number)).bit_length()
        self.line("i = 0; s = []" if item.long else "i = 0")
        self.line("for v in l:")
        self.indent += 1
        if item.min > 1:
            self.line(f"if 0 < i < {item.min}: w = 1; b = {item.first}")
        self._code(number, item.first, False)
        self._value(item, 0, "v")
        self.flush()
        self.line("i += 1")
        self.line(f"b = {item.first}; w = {again}")
        if item.long:  # what has been written costs time with each shift
            self.line("if not i & 63: s.append(a); a = 1")
        self.indent -= 1
        if item.long:
            self.line("if s: a = joined(s, a)")
        if item.max is not None:
            self.line(f"if i == {item.max}:")
            self.indent += 1
            self._state(number + 1)
            self.indent -= 1
        return False

    def _value(self, item: Item, position: int, value: str) -> None:
        """One occurrence's value, after its event code."""
        element, field = item.alternatives[position]
        if item.kind != "SE":
            assert field is not None
            self._simple(field.type, value)
            return
        assert element is not None
        simple = element.simple_type
        if simple is not None:
            self.put(1, "0")
            self._simple(simple, value)
            self.put(1, "0")
            return
        inner = self.compiler.plain(element.type)
        if inner is not None:
            self._inline(element.type, inner, value)
            return
        self.flush()
        self.line(f"a = {self.compiler.writer(element.type)}(a, {value})")

    def _inline(self, type_: type, content: Linear, value: str) -> None:
        """An element of a few mandatory values, written in place: its constant bits join those around it."""
        source = self._variable_name("p")
        self.line(f"{source} = {value}")
        self.line(f"if {source}.__class__ is not {self.compiler.constant(type_.__name__, type_)}: raise Odd")
        for item in content.items:
            assert item.field is not None
            self.put(1, "0")
            self._value(item, 0, f"{source}.{item.field.name}")
        self.put(1, "0")

    def _variable_name(self, letter: str) -> str:
        """A name of its own for a value that is put to the bits later."""
        self._variables += 1
        return f"{letter}{self._variables}"

    def _simple(self, type_: SimpleType, value: str) -> None:
        coding = type_.coding
        if coding.form == "enumeration":
            codes = {member: code for code, member in enumerate(type_.members)}
            self.put(coding.width, f"{self.compiler.constant('code_' + type_.name, codes)}[{value}]")
        elif coding.form == "boolean":
            self.put(1, f"BOOLEAN[{value}]")
        elif coding.form == "nbit":
            self._variable(value, f"0 <= k < {1 << coding.width}", coding.width, None, coding.offset)
        elif coding.form == "unsigned":
            self._variable(value, "0 <= k < 128", 8, "put_unsigned")
        elif coding.form == "integer":
            self._variable(value, "0 <= k < 128", 9, "put_integer")
        else:
            self.flush()
            self.line(f"a = put_{coding.form}(a, {value})")

    def _variable(self, value: str, small: str, width: int, call: str | None, offset: int = 0) -> None:
        shifted = value + (f" - {offset}" if offset > 0 else f" + {-offset}" if offset else "")
        if call is None:
            name = self._variable_name("k")
            self.line(f"{name} = {shifted}")
            self.line(f"if not {small.replace('k', name)}: raise Odd")
            self.put(width, name)
        else:
            self.flush()
            self.line(f"k = {shifted}")
            self.line(f"a = a << {width} | k if {small} else {call}(a, k)")
