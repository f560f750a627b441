"""The compiled codec with its loops in C, where the extension is installed; in Python where it is not.

Both take the same streams and values and leave the same ones to the careful codec, and are under the same tests.
``SECC_KERNEL_PURE=1`` in the environment chooses Python.
"""

from __future__ import annotations

import os
from typing import Any

from .compiler import UNUSUAL, Compiler
from .declare import Element
from .grammar import Grammars

_engine: Any = None
if not os.environ.get("SECC_KERNEL_PURE"):
    try:
        from . import _engine  # type: ignore[attr-defined,no-redef]
    except ImportError:
        pass

compiled: bool = _engine is not None
"""Whether the extension is used."""


class NativeCompiler(Compiler):
    """A compiler whose streams are read and written by the extension."""

    def __init__(self, grammars: Grammars) -> None:
        super().__init__(grammars)
        self._engine = _engine.Engine(self)

    def decode(self, data: bytes, fragment: bool) -> tuple[Element, Any] | None:
        try:
            found: tuple[Element, Any] = self._engine.decode(data, fragment)
            return found
        except UNUSUAL:
            return None

    def _written(self, type_: Any, value: Any, code: int, width: int, closing: int) -> bytes:
        found: bytes = self._engine.encode(type_, value, code, width, closing)
        return found


def compiler(grammars: Grammars) -> Compiler:
    """The quickest compiler at hand."""
    return NativeCompiler(grammars) if compiled else Compiler(grammars)
