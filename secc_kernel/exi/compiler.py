"""Compiled readers and writers: Python functions made from the grammars, one per type, when first needed.

The functions refer to each other by name. Until a type is used, its name stands for a stub that compiles it and takes
its place, so that reading one message compiles that message's types and no others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .bits import finished
from .cache import CodeCache
from .compile_reader import ReaderSource
from .compile_writer import WriterSource
from .declare import Element
from .errors import DecodeError, EncodeError
from .grammar import Grammars
from .linear import Linear, linear
from .names import QName
from .reader import Reader
from .runtime import Odd, characters, joined, more, octets, put_binary, put_integer, put_string, put_unsigned
from .writer import Writer

UNUSUAL = (Odd, ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError)
"""What compiled code raises when a stream or value is not quite what the schema says."""


class Compiler:
    """Makes and keeps the compiled functions of a schema.

    Parameters
    ----------
    grammars : Grammars
        The schema's grammars.
    """

    def __init__(self, grammars: Grammars) -> None:
        self.grammars = grammars
        self.sources: dict[str, str] = {}
        self._cache = CodeCache(grammars.schema.namespaces)
        self._lock = threading.RLock()
        self._names: dict[Any, str] = {}
        self._space: dict[str, Any] = {
            "Odd": Odd,
            "new": object.__new__,
            "more": more,
            "octets": octets,
            "characters": characters,
            "put_unsigned": put_unsigned,
            "put_integer": put_integer,
            "put_string": put_string,
            "put_binary": put_binary,
            "joined": joined,
            "len": len,
            "BOOLEAN": {True: 1, False: 0},
        }
        elements = grammars.schema.elements
        self._document_readers = self._space[self.reader_table(elements)]
        self._fragment_readers: list[Any] | None = None

    # -- streams ------------------------------------------------------------------------------------------------

    def decode(self, data: bytes, fragment: bool) -> tuple[Element, Any] | None:
        """Element and value of a stream that follows the schema; None for any other stream."""
        if not data or data[0] != 0x80:
            return None
        n = int.from_bytes(data, "big")
        try:
            if fragment:
                return self._decode_fragment(n, 8 * len(data) - 8)
            r = 8 * len(data) - 8 - self.grammars.document_width
            code = n >> r & (1 << self.grammars.document_width) - 1
            value, r = self._document_readers[code](n, r)
            if r > 7 or n & (1 << r) - 1:
                return None  # surplus bytes or odd padding
            return self.grammars.schema.elements[code], value
        except UNUSUAL:
            return None

    def _decode_fragment(self, n: int, r: int) -> tuple[Element, Any] | None:
        width = self.grammars.fragment_width
        names = self.grammars.schema.fragments
        r -= width
        code = n >> r & (1 << width) - 1
        declared = names[code].element
        if declared is None or declared.simple_type is not None:
            return None
        value, r = self._space[self.reader(declared.type)](n, r)
        r -= width
        if n >> r & (1 << width) - 1 != len(names) + 1 or r > 7 or n & (1 << r) - 1:
            return None
        return declared, value

    def encode(self, element: Element, value: Any, fragment: bool) -> bytes | None:
        """The stream of a value that fits the schema; None for any other value."""
        codes = self.grammars.fragment_codes if fragment else self.grammars.document_codes
        code = codes.get(element.qname)
        if code is None or element.type is None or element.simple_type is not None:
            return None
        if fragment and self.grammars.schema.fragments[code].element is None:
            return None
        width = self.grammars.fragment_width if fragment else self.grammars.document_width
        try:
            return self._written(element.type, value, code, width, len(codes) + 1 if fragment else -1)
        except UNUSUAL:
            return None

    def _written(self, type_: Any, value: Any, code: int, width: int, closing: int) -> bytes:
        """The stream of a root's value: its code, and after a fragment the closing one (else -1), have this width."""
        a = self._space[self.writer(type_)](0x180 << width | code, value)
        return finished(a << width | closing if closing >= 0 else a)

    # -- functions ----------------------------------------------------------------------------------------------

    def source(self, type_: Any) -> str:
        """The generated source of a type's reader and writer."""
        names = (self.reader(type_), self.writer(type_))
        for name in names:
            self.compiled(name, type_)
        return "\n\n".join(
            self.sources.get(n, f"# {n} walks the grammar: the type's content is not a list\n") for n in names
        )

    def plain(self, type_: Any) -> Linear | None:
        """The content of a complex type that is read and written in place, not by a function of its own."""
        content = linear(self.grammars.of(type_))
        return content if content is not None and content.plain else None

    def reader(self, type_: Any) -> str:
        """Name of the function that reads elements of a complex type."""
        return self._function("read", type_)

    def writer(self, type_: Any) -> str:
        """Name of the function that writes elements of a complex type."""
        return self._function("write", type_)

    def _function(self, verb: str, type_: Any) -> str:
        key = (verb, type_)
        with self._lock:
            name = self._names.get(key)
            if name is None:
                name = self._names[key] = self._free(f"{verb}_{type_.__name__}")
                if linear(self.grammars.of(type_)) is None:
                    self._space[name] = self.careful_reader(type_) if verb == "read" else self.careful_writer(type_)
                else:
                    self._space[name] = self._stub(name, type_)
        return name

    def _stub(self, name: str, type_: Any) -> Callable[[int, Any], Any]:
        def compile_first(bits: int, argument: Any) -> Any:
            return self.compiled(name, type_)(bits, argument)

        return compile_first

    def compiled(self, name: str, type_: Any) -> Callable[[int, Any], Any]:
        """The function itself, no longer a stub.

        Sessions and notebooks decode in threads of their own, so a name stands for one thing from when it is given.
        """
        with self._lock:
            if name not in self.sources and (content := linear(self.grammars.of(type_))) is not None:
                maker = ReaderSource if name.startswith("read_") else WriterSource
                source = maker(self, name, type_, content).source()
                exec(self._cache.code(source, f"<{name}>"), self._space)
                self.sources[name] = source
            found: Callable[[int, Any], Any] = self._space[name]
            return found

    def constant(self, name: str, value: Any) -> str:
        """The name under which generated source finds an object."""
        key = (name, tuple(value.items()) if type(value) is dict else id(value))
        with self._lock:
            found = self._names.get(key)
            if found is None:
                found = self._names[key] = self._free(name or "anonymous")
                self._space[found] = value
        return found

    def _free(self, wanted: str) -> str:
        """A name that stands for nothing yet; those of one letter are the generated functions' own variables."""
        name, number = wanted if len(wanted) > 1 else f"{wanted}_", 2
        while name in self._space:
            name, number = f"{wanted}_{number}", number + 1
        return name

    # -- substitution groups ------------------------------------------------------------------------------------

    def reader_table(self, elements: tuple[Element, ...]) -> str:
        """A list of readers in the order of the elements' event codes."""
        table: list[Any] = []

        def first_use(position: int) -> Callable[[int, int], Any]:
            def compile_first(n: int, r: int) -> Any:
                element = elements[position]
                if not element.concrete or element.simple_type is not None:
                    raise Odd
                table[position] = self.compiled(self.reader(element.type), element.type)
                return table[position](n, r)

            return compile_first

        table += [first_use(position) for position in range(len(elements))]
        return self.constant("readers", table)

    def writer_table(self, elements: tuple[Element, ...]) -> str:
        """A mapping from classes to (position, writer)."""
        return self.constant("writers", _Writers(self, elements))

    # -- types whose content is not a list ----------------------------------------------------------------------

    def careful_reader(self, type_: Any) -> Callable[[int, int], Any]:
        """Reads one element as compiled functions do, whatever its type's grammar."""
        grammar = self.grammars.of(type_)
        qname = _NO_NAME

        def read(n: int, r: int) -> Any:
            reader = Reader(self.grammars, (n & (1 << r) - 1).to_bytes(r + 7 >> 3, "big"))
            reader.input.offset = -r & 7
            try:
                value = reader.content(qname, grammar)
            except DecodeError:
                raise Odd from None
            if reader.findings or reader.learned:
                raise Odd
            return value, reader.input.left

        return read

    def careful_writer(self, type_: Any) -> Callable[[int, Any], int]:
        """Writes one element as compiled functions do, whatever its type's grammar."""
        element = Element.named(_NO_NAME, type_)

        def write(a: int, value: Any) -> int:
            writer = Writer(self.grammars)
            try:
                writer.element(element, value)
            except EncodeError:
                raise Odd from None
            return writer.output.after(a)

        return write


_NO_NAME = QName("", "")
"""Names matter to string tables and findings; where either appears, the careful codec takes over with the real one."""


class _Writers(dict[type, tuple[int, Callable[[int, Any], int]]]):
    """Writers of a substitution group's members by class, made when first asked for."""

    def __init__(self, compiler: Compiler, elements: tuple[Element, ...]) -> None:
        super().__init__()
        self._compiler = compiler
        self._elements = elements

    def __missing__(self, cls: type) -> tuple[int, Callable[[int, Any], int]]:
        for position, element in enumerate(self._elements):
            if element.type is cls and element.concrete:
                self[cls] = (position, self._compiler.compiled(self._compiler.writer(cls), cls))
                return self[cls]
        raise Odd
