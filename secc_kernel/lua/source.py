"""Lua source text, as far as a notebook needs to understand it before Lua does.

Lua itself decides what is valid; this module only cuts a cell into tokens to find two things that the compiler does not
tell: where the expression begins that ends the cell (its value is shown), and which locals the cell declares at its top
level (they are gone in the next cell, and users trip over it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Token", "last_expression", "lexemes", "strip_prefix", "tokens", "top_level_locals", "visible_locals"]

# fmt: off
KEYWORDS = frozenset({
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
})
# fmt: on
_OPENING = frozenset(["function", "do", "then", "repeat", "(", "[", "{"])
_CLOSING = frozenset(["end", "until", ")", "]", "}"])
#: Keywords and symbols that can end an expression or a statement: before a name, they end it.
_ENDS = frozenset(["end", "false", "nil", "true", "break", "...", ")", "]", "}", ";", "::"])
#: What can begin an expression and is not also an operator between two.
_BEGINS = frozenset(["nil", "true", "false", "function", "not", "#", "..."])

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--\[(?P<c>=*)\[.*?(?:\](?P=c)\]|\Z)|--[^\n]*)
  | (?P<string>\[(?P<s>=*)\[.*?(?:\](?P=s)\]|\Z)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)
  | (?P<number>0[xX][0-9a-fA-F.]*(?:[pP][+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<symbol>\.\.\.|\.\.|==|~=|<=|>=|//|::|<<|>>|.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class Token(NamedTuple):
    """A token and where it starts: ``kind`` is name, keyword, string, number or symbol."""

    kind: str
    text: str
    start: int


def tokens(source: str) -> list[Token]:
    """The tokens of a source text, without white space and comments."""
    return [token for token in lexemes(source) if token.kind != "comment"]


def lexemes(source: str) -> Iterator[Token]:
    """The tokens of a source text, and comments as tokens of the kind ``comment``."""
    for match in _TOKEN.finditer(source):
        if match.group("space"):
            continue
        kind = next(k for k in ("comment", "string", "number", "name", "symbol") if match.group(k) is not None)
        text = match.group()
        if kind == "name" and text in KEYWORDS:
            kind = "keyword"
        yield Token(kind, text, match.start())


def _ends_expression(token: Token) -> bool:
    return token.kind in ("name", "string", "number") or token.text in _ENDS


def _begins_expression(token: Token, before: Token | None) -> bool:
    if token.kind == "string" or token.text in ("(", "{"):
        # Behind what can be called these are its arguments, wherever the line breaks.
        return before is None or not (before.kind in ("name", "string") or before.text in (")", "]", "}"))
    return token.kind == "number" or token.text in _BEGINS


def last_expression(source: str, is_valid: bool) -> int | None:
    """Where the expression begins that may be the cell's last statement.

    Parameters
    ----------
    source : str
        The cell, which is not one expression as a whole.
    is_valid : bool
        Whether Lua compiles the cell as it is. Its last statement is then a call, if it is an expression at all, so it
        begins with a name: a bracket, a string or a minus sign would belong to the expression before it.

    Returns
    -------
    int or None
        A candidate, for the compiler to judge: cut there, both parts have to be valid.
    """
    found = tokens(source)
    depth = 0
    for index in range(len(found) - 1, -1, -1):
        token = found[index]
        if token.kind != "string":
            # Each "end" has one of function, do and then; a "then" behind "elseif" belongs to the same "end".
            depth += (token.text in _CLOSING or token.text == "elseif") - (token.text in _OPENING)
        if depth < 0:
            return None
        if depth:
            continue
        before = found[index - 1] if index else None
        begins = token.kind == "name" or (not is_valid and _begins_expression(token, before))
        if begins and (before is None or _ends_expression(before)):
            return token.start
    return None


def top_level_locals(source: str) -> set[str]:
    """Names that a cell declares ``local`` outside of any block: those that the next cell does not see."""
    found = tokens(source)
    names: set[str] = set()
    depth = 0
    for index, token in enumerate(found):
        if token.kind in ("string", "number", "name"):
            continue
        if token.text in _OPENING:
            depth += 1
        elif token.text in _CLOSING or token.text == "elseif":
            depth -= 1
        elif token.text == "local" and depth == 0:
            names |= _declared(found[index + 1 : index + 200])
    return names


def visible_locals(found: list[Token]) -> list[str]:
    """The local variables that can be seen behind the last of some tokens, the nearest first."""
    scopes: list[list[str]] = [[]]
    loop: list[str] = []  # of a "for" whose "do" is still to come
    for index, token in enumerate(found):
        if token.kind != "keyword":
            continue
        if token.text == "local":
            scopes[-1] += _declared(found[index + 1 : index + 200])
        elif token.text == "for":
            loop = _names(found[index + 1 : index + 200])
        elif token.text in ("end", "until", "else", "elseif") and len(scopes) > 1:
            scopes.pop()
        if token.text in ("do", "then", "else", "repeat", "function"):
            scopes.append(_parameters(found[index + 1 : index + 200]) if token.text == "function" else loop)
            loop = []
    return list(dict.fromkeys(name for scope in reversed(scopes) for name in reversed(scope)))


def _parameters(after: list[Token]) -> list[str]:
    """The parameters of the function whose keyword these tokens follow."""
    opening = next((index for index, token in enumerate(after) if token.text == "("), len(after))
    return _names(after[opening + 1 :])


def _names(after: list[Token]) -> list[str]:
    """Names separated by commas, up to anything else."""
    names = []
    for token in after:
        if token.kind == "name":
            names.append(token.text)
        elif token.text != ",":
            break
    return names


def _declared(after: list[Token]) -> set[str]:
    if after and after[0].text == "function":
        return {after[1].text} if len(after) > 1 else set()
    names: set[str] = set()
    expect_name = True
    for token in after:
        if token.text == "<" or token.text == ">" or (not expect_name and names and token.text in ("const", "close")):
            continue
        if expect_name and token.kind == "name":
            names.add(token.text)
            expect_name = False
        elif not expect_name and token.text == ",":
            expect_name = True
        else:
            break
    return names


def strip_prefix(source: str) -> str:
    """The source without a byte order mark, the text of a first line ``#!...``, and a leading ``=``.

    ``=expression`` is how the interactive ``lua`` prints a value. ``#t`` stays: as a cell it is the length of ``t``.
    Lines keep their numbers.
    """
    source = source.removeprefix("\ufeff")
    if source.startswith("#!"):
        return re.sub(r"\A#![^\n]*", "", source)
    return re.sub(r"\A(\s*)=(?!=)", r"\1", source)
