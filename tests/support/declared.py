"""Schemas declared within a test, and streams written as bits."""

from __future__ import annotations

import itertools
import sys
import textwrap
from types import ModuleType

from secc_kernel.exi.codec import Codec
from secc_kernel.exi.schema import Schema

_HEAD = """
from __future__ import annotations
from typing import Annotated, Any
from secc_kernel.exi.datatypes import *
from secc_kernel.exi.declare import *
from secc_kernel.exi.declare import UNBOUNDED
"""
_numbers = itertools.count()


def declare(text: str, uri: str = "urn:t", **names: object) -> ModuleType:
    """A module of declarations; ``names`` are what it imports from another."""
    module = ModuleType(f"declared_{next(_numbers)}")
    sys.modules[module.__name__] = module
    vars(module).update(names)
    source = textwrap.dedent(text)
    namespace = "" if "NAMESPACE" in source else f"NAMESPACE = Namespace({uri!r})\n"
    exec(compile(_HEAD + namespace + source, module.__name__, "exec", dont_inherit=True), vars(module))
    return module


def codec_of(*modules: ModuleType) -> Codec:
    """The codec of the modules as one schema."""
    return Codec(Schema(*modules))


def bits(text: str) -> bytes:
    """A stream from its bits; spaces and what follows a # on a line are for the reader. Padded with zeros."""
    digits = "".join("".join(line.partition("#")[0].split()) for line in text.splitlines())
    assert set(digits) <= {"0", "1"}, digits
    digits += "0" * (-len(digits) % 8)
    return int(digits, 2).to_bytes(len(digits) // 8, "big") if digits else b""


def shown(exi: bytes) -> str:
    """A stream's bits, to be compared."""
    return f"{int.from_bytes(exi, 'big'):0{8 * len(exi)}b}"
