"""A schema's codec: the compiled reader and writer where they can, the careful ones where they must."""

from __future__ import annotations

from typing import Any

from .declare import Element
from .errors import DecodeError
from .grammar import Grammars
from .native import compiler
from .reader import Document, Reader, Step
from .schema import Schema
from .writer import Writer

__all__ = ["Codec", "DecodeError", "Document"]


class Codec:
    """Reads and writes the EXI streams of a schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.grammars = Grammars(schema)
        self.compiler = compiler(self.grammars)

    def decode(self, data: bytes, fragment: bool = False) -> Document:
        """The content of a stream.

        Raises
        ------
        DecodeError
            Where nothing sensible can follow.
        """
        found = self.compiler.decode(data, fragment)
        if found is not None:
            return Document(found[0], found[1], [])
        return Reader(self.grammars, data).document(fragment)

    def trace(self, data: bytes, fragment: bool = False) -> tuple[list[Step], DecodeError | None]:
        """What every bit of a stream stands for, and where reading stopped if it did."""
        steps: list[Step] = []
        try:
            Reader(self.grammars, data, steps).document(fragment)
        except DecodeError as error:
            return steps, error
        return steps, None

    def encode(self, element: Element, value: Any, fragment: bool = False, string_table: bool = False) -> bytes:
        """The stream of a document or fragment.

        Raises
        ------
        EncodeError
            If the value does not fit the schema or cannot be expressed in EXI.
        """
        if not string_table:
            found = self.compiler.encode(element, value, fragment)
            if found is not None:
                return found
        return Writer(self.grammars, string_table).document(element, value, fragment)
