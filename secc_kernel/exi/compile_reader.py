"""Source of compiled readers.

Consecutive bits of known width, event codes that can only be 0 among them, are fetched as one integer: the constant
ones are compared under a mask, values are cut out by shifts. Only what has a variable length, and event codes with a
choice, start a new fetch. Anything but a declared event raises `Odd`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .datatypes import SimpleType
from .linear import Item, Linear

if TYPE_CHECKING:
    from .compiler import Compiler


class ReaderSource:
    """Writes the reader of one complex type.

    Parameters
    ----------
    compiler : Compiler
        Names the objects that the source refers to.
    name : str
        Name of the function.
    type_ : type
        The declared class.
    content : Linear
        Its items.
    """

    def __init__(self, compiler: Compiler, name: str, type_: type, content: Linear) -> None:
        self.compiler = compiler
        self.content = content
        self.lines = [f"def {name}(n, r):", f"    o = new({compiler.constant(type_.__name__, type_)})"]
        self.indent = 1
        self._fixed: list[tuple[int, str | None]] = []
        self._inlined = 0

    # -- fixed-width runs ---------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """A line of source at the current indentation."""
        self.lines.append("    " * self.indent + text)

    def zero(self, width: int) -> None:
        """Bits that must be zero."""
        self._fixed.append((width, None))

    def take(self, width: int, template: str) -> None:
        """Bits that hold a value; ``template`` is a statement with ``{}`` for it."""
        self._fixed.append((width, template))

    def flush(self) -> None:
        """Fetch the bits collected so far."""
        if not self._fixed:
            return
        total = sum(width for width, _ in self._fixed)
        if total:
            self.line(f"r -= {total}")
        if [template is not None for _, template in self._fixed] == [True] and total:
            cuts = [str(self._fixed[0][1]).format(f"n >> r & {(1 << total) - 1}")]
        else:
            cuts = self._cuts(total)
        self._fixed = []
        for cut in cuts:
            self.line(cut)

    def _cuts(self, total: int) -> list[str]:
        """Statements that fetch several things at once and part them."""
        found = []
        mask = 0
        shift = total
        for width, template in self._fixed:
            shift -= width
            if template is None:
                mask |= ((1 << width) - 1) << shift
            elif width == 0:
                found.append(template.format("0"))
            else:
                part = f"x >> {shift}" if shift else "x"
                found.append(template.format(f"{part} & {(1 << width) - 1}"))
        if mask:
            found.insert(0, f"if x & {mask:#x}: raise Odd")
        if total:
            found.insert(0, f"x = n >> r & {(1 << total) - 1:#x}")
        return found

    # -- the type -----------------------------------------------------------------------------------------------

    def source(self) -> str:
        """The function's text."""
        items = self.content.items
        unset = [item for item in items if item.kind != "CH" and (item.min == 0 or not item.one_field)]
        for item in unset:
            for field in {id(f): f for _, f in item.alternatives if f}.values():
                self.line(f"o.{field.name} = {'[]' if field.repeated else 'None'}")
        sure = True
        for number, item in enumerate(items):
            sure = self._item(number, item, sure)
        if sure:
            self.zero(1)
        self.flush()
        self.line("return o, r")
        return "\n".join(self.lines) + "\n"

    def _item(self, number: int, item: Item, sure: bool) -> bool:
        """One item; returns whether the event that follows is not read yet.

        Where it is, variable ``e`` holds its number.
        """
        if sure and self.content.choices(number) == 1:
            self.zero(1)
            return self._occurrences(number, item)
        if sure:
            self._event(number)
        if item.min > 0:
            return self._occurrences(number, item)
        last = item.first + len(item.alternatives) - 1
        self.line(f"if e == {item.first}:" if last == item.first else f"if e <= {last}:")
        self.indent += 1
        if self._occurrences(number, item):
            self._event(number + 1)
        self.flush()
        self.indent -= 1
        return False

    def _event(self, number: int) -> None:
        """Read the event in the state before an item into ``e``."""
        first, choices = self.content.first(number), self.content.choices(number)
        if choices == 1:
            self.zero(1)
            self.flush()
            self.line(f"e = {first}")
            return
        self.take(self.content.width(number), f"e = {first} + ({{}})" if first else "e = {}")
        self.flush()
        self.line(f"if e >= {first + choices}: raise Odd")

    def _occurrences(self, number: int, item: Item) -> bool:
        if not item.repeated:
            self._alternatives(item)
            return True
        field = item.field
        assert field is not None
        self.flush()
        self.line(f"v = o.{field.name} = []")
        self.line("while True:")
        self.indent += 1
        if item.long:  # what has been read costs time with each shift
            self.line("if len(v) & 63 == 63: n &= (1 << r) - 1")
        self._value(item, 0, "v.append({})")
        self.flush()
        if item.min > 1:
            self.line(f"if len(v) < {item.min}:")
            self.indent += 1
            self.zero(1)
            self.flush()
            self.line("continue")
            self.indent -= 1
        if item.max is not None:
            self.line(f"if len(v) == {item.max}:")
            self.indent += 1
            self._event(number + 1)
            self.flush()
            self.line("break")
            self.indent -= 1
        choices = self.content.choices_again(number)
        self.take((choices).bit_length(), "e = {}")
        self.flush()
        self.line("if e:")
        self.line(f"    if e >= {choices}: raise Odd")
        self.line(f"    e += {self.content.first(number + 1) - 1}")
        self.line("    break")
        self.indent -= 1
        return False

    def _alternatives(self, item: Item) -> None:
        if len(item.alternatives) == 1:
            field = item.field
            assert field is not None
            self._value(item, 0, f"o.{field.name} = {{}}")
            return
        if item.one_field:
            field = item.field
            assert field is not None
            table = self.compiler.reader_table(tuple(e for e, _ in item.alternatives if e is not None))
            self.flush()
            index = f"e - {item.first}" if item.first else "e"
            self.line(f"o.{field.name}, r = {table}[{index}](n, r)")
            return
        self.flush()
        for position, (_, field) in enumerate(item.alternatives):
            assert field is not None
            last = position == len(item.alternatives) - 1
            word = "if" if position == 0 else "else" if last else "elif"
            self.line("else:" if last else f"{word} e == {item.first + position}:")
            self.indent += 1
            self._value(item, position, f"o.{field.name} = {{}}")
            self.flush()
            self.indent -= 1

    def _value(self, item: Item, position: int, store: str) -> None:
        """One occurrence's value, after its event."""
        element, field = item.alternatives[position]
        if item.kind != "SE":
            assert field is not None
            self._simple(field.type, store)
            return
        assert element is not None
        simple = element.simple_type
        if simple is not None:
            self.zero(1)
            self._simple(simple, store)
            self.zero(1)
            return
        inner = self.compiler.plain(element.type)
        if inner is not None:
            self._inline(element.type, inner, store)
            return
        self.flush()
        self._call(f"{self.compiler.reader(element.type)}(n, r)", store)

    def _inline(self, type_: type, content: Linear, store: str) -> None:
        """An element of a few mandatory values, read in place: its constant bits join those around it."""
        self._inlined += 1
        target = f"p{self._inlined}"
        self.line(f"{target} = new({self.compiler.constant(type_.__name__, type_)})")
        self.line(store.format(target))
        for item in content.items:
            assert item.field is not None
            self.zero(1)
            self._value(item, 0, f"{target}.{item.field.name} = {{}}")
        self.zero(1)

    def _call(self, call: str, store: str) -> None:
        """A function that gives a value and the bits left."""
        if store.endswith(" = {}"):
            self.line(f"{store.removesuffix(' = {}')}, r = {call}")
        else:
            self.line(f"w, r = {call}")
            self.line(store.format("w"))

    def _simple(self, type_: SimpleType, store: str) -> None:
        coding = type_.coding
        if coding.form == "enumeration":
            self.take(coding.width, store.format(f"{self.compiler.constant(type_.name, type_.members)}[{{}}]"))
        elif coding.form == "nbit":
            self.take(coding.width, store.format(f"({{}}) + {coding.offset}" if coding.offset else "{}"))
        elif coding.form == "boolean":
            self.take(1, store.format("({}) == 1"))
        elif coding.form == "unsigned":
            self._octet("k")
            self.line(store.format("k"))
        elif coding.form == "integer":
            self.take(1, "s = {}")
            self._octet("k")
            self.line(store.format("-k - 1 if s else k"))
        else:
            self._octet("k")
            self._call(f"{'octets' if coding.form == 'binary' else 'characters'}(n, r, k)", store)

    def _octet(self, name: str) -> None:
        """An unsigned integer, its first octet fetched with what stands before it."""
        self.take(8, f"{name} = {{}}")
        self.flush()
        self.line(f"if {name} > 127: {name}, r = more(n, r, {name})")
