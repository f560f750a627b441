"""Papermill: parameters as Lua.

Papermill asks installed packages for engines (entry points of the group ``papermill.engine``), not for languages; but
an engine's module is imported when papermill starts, and this one tells it how Lua is written. Papermill is no
dependency: without it nobody imports this module.

A parameter becomes a global: ``-p soc 20`` writes ``soc = 20``. None is ``nil``: such a global is not set, and in a
table the key, or the place of a list, is empty.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

from secc_kernel.lua.picture import field_name, quote
from secc_kernel.lua.source import KEYWORDS, Token, lexemes
from secc_kernel.lua.values import fits

__all__ = ["Engine", "LuaTranslator"]

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OPENING, _CLOSING = frozenset(["(", "{", "[", "function"]), frozenset([")", "}", "]", "end"])


class Engine(NBClientEngine):  # type: ignore[misc]  # papermill is untyped
    """Papermill's own, by another name: what counts is that this module is imported."""


class LuaTranslator(Translator):  # type: ignore[misc]  # papermill is untyped
    """How Lua writes parameters, and which ones a cell has."""

    @classmethod
    def translate(cls, val: Any) -> str:
        """A value as a Lua expression.

        Raises
        ------
        ValueError
            For an integer that Lua cannot hold.
        """
        if val is None:
            return "nil"
        if isinstance(val, bool):
            return "true" if val else "false"
        if isinstance(val, int):
            return _integer(val)
        if isinstance(val, float):
            return repr(val) if math.isfinite(val) else "(0/0)" if math.isnan(val) else f"{'-' * (val < 0)}math.huge"
        if isinstance(val, Mapping):
            pairs = [f"{field_name(key)} = {cls.translate(item)}" for key, item in val.items() if item is not None]
            return f"{{{', '.join(pairs)}}}"
        if isinstance(val, Sequence) and not isinstance(val, str):
            return f"{{{', '.join(map(cls.translate, val))}}}"
        return quote(str(val))

    @classmethod
    def comment(cls, cmt_str: str) -> str:
        return f"-- {cmt_str}".rstrip()

    @classmethod
    def assign(cls, name: str, str_val: str) -> str:
        """An assignment to a global, whatever it is called."""
        plain = _NAME.fullmatch(name) and name not in KEYWORDS
        return f"{name if plain else f'_G[{quote(name)}]'} = {str_val}"

    @classmethod
    def inspect(cls, parameters_cell: Mapping[str, Any]) -> list[Parameter]:
        """The parameters of a cell, for ``papermill --help-notebook``: a comment behind one is its help."""
        source = parameters_cell["source"]
        found = list(lexemes(source))
        parameters = []
        for start in _assignments(found):
            value = list(_value(source, found[start + 2 :]))
            if value:
                end = value[-1].start + len(value[-1].text)
                note = re.match(r"[ \t;]*--[ \t]*(.*)", source[end:])
                default = source[value[0].start : end]
                parameters.append(Parameter(found[start].text, _kind(value), default, note[1] if note else ""))
        return parameters


def _integer(value: int) -> str:
    if not fits(value):
        raise ValueError(f"{value} does not fit into Lua's 64-bit integers: pass it as text")
    return str(value) if value > -(2**63) else "math.mininteger"


def _assignments(found: Sequence[Token]) -> list[int]:
    """Where the assignments to one global begin that are no part of another value."""
    starts = []
    depth = 0
    for index, token in enumerate(found[:-1]):
        if token.kind in ("symbol", "keyword"):
            depth += (token.text in _OPENING or token.text == "function") - (
                token.text in _CLOSING or token.text == "end"
            )
        before = found[index - 1].text if index else ""
        if depth == 0 and token.kind == "name" and found[index + 1].text == "=" and before not in (".", ",", "local"):
            starts.append(index)
    return starts


def _value(source: str, behind: Sequence[Token]) -> Iterator[Token]:
    """The tokens of a value: to the end of its line, or of the brackets that are open there."""
    depth = end = 0
    for token in behind:
        on_another_line = end and "\n" in source[end : token.start]
        if depth == 0 and (on_another_line or token.text == ";" or token.kind == "comment"):
            return
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        end = token.start + len(token.text)
        yield token


def _kind(value: Sequence[Token]) -> str:
    """Lua's name for the type of a value, as far as its text tells; "None" for papermill where it does not."""
    first, last = value[0], value[-1]
    if first.text == "{":
        return "table"
    if len(value) == 1 or (first.text == "-" and len(value) == 2):
        if last.kind in ("number", "string"):
            return last.kind
        return {"true": "boolean", "false": "boolean", "nil": "NoneType"}.get(last.text, "None")
    return "None"


papermill_translators.register("lua", LuaTranslator)
