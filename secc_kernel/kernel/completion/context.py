"""What stands at a cursor in Lua source: a name, a member of a table, a string, an option's name; and in which call."""

from __future__ import annotations

import re
from dataclasses import dataclass

from secc_kernel.lua.source import Token, lexemes, visible_locals

__all__ = ["Call", "Context", "chain", "context"]

_MAGIC = re.compile(r"[ \t]*(%{1,2}[A-Za-z_]?\w*)\Z")
_CLOSED = {")": "(", "]": "[", "}": "{"}
#: A name behind these is a new one.
_NEW = frozenset(["local", "for", "goto", "function", "::"])


@dataclass(frozen=True, slots=True)
class Call:
    """The call whose arguments a place belongs to.

    Attributes
    ----------
    function : tuple of str
        The function: ``("Session", "Open")``.
    argument : int
        Which argument, from 0.
    option : str or None
        Within a table of options the one whose value this is; '' where its name stands. None outside of such a table.
    given : tuple of str
        The options that the table has already.
    """

    function: tuple[str, ...]
    argument: int = 0
    option: str | None = None
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What stands at a cursor.

    Attributes
    ----------
    kind : str
        ``name``, ``member`` (behind a dot or colon), ``text`` (in a string), ``option`` (the name of one), ``magic``,
        or ``nothing`` (a comment, a number, a new name).
    prefix : str
        What is written of it.
    start : int
        Where it begins.
    path : tuple of str
        Of a member: the table's name and where it is found; () where it is no name.
    method : bool
        Of a member: whether it stands behind a colon.
    call : Call or None
        The innermost call around it.
    locals : tuple of str
        The local variables that can be seen, the nearest first.
    begins : bool
        Whether a statement begins here, as far as the line tells.
    indent : str
        The white space at the beginning of the line.
    """

    kind: str
    prefix: str = ""
    start: int = 0
    path: tuple[str, ...] = ()
    method: bool = False
    call: Call | None = None
    locals: tuple[str, ...] = ()
    begins: bool = False
    indent: str = ""


def context(code: str, cursor: int) -> Context:
    """What stands at a position of a cell.

    Parameters
    ----------
    code : str
        The cell.
    cursor : int
        The position, in characters.
    """
    text = code[:cursor]
    line = text.rpartition("\n")[2]
    magic = _MAGIC.fullmatch(line)
    if magic and all(not above.strip() or above.lstrip().startswith("%") for above in text.split("\n")[:-1]):
        return Context("magic", magic[1], cursor - len(magic[1]))
    found = list(lexemes(text))
    last = found[-1] if found else None
    at_end = last is not None and last.start + len(last.text) == cursor
    if last is not None and at_end and last.kind == "comment":
        return Context("nothing")
    found = [token for token in found if token.kind != "comment"]
    if last is not None and at_end and last.kind in ("number", "string"):
        return _in_text(found) if last.kind == "string" else Context("nothing", call=_call(found))
    prefix, start = "", cursor
    if last is not None and at_end and last.kind in ("name", "keyword"):
        prefix, start = last.text, last.start
        found = found[:-1]
    before = found[-1] if found else None
    if before is not None and before.text in (".", ":") and before.kind == "symbol":
        path = chain(found[:-1])
        begins = _begins(line, prefix, path)
        known = tuple(visible_locals(found))
        return Context("member", prefix, start, path, before.text == ":", _call(found), known, begins, _indent(line))
    if before is not None and before.text in _NEW:
        return Context("nothing")
    call = _call(found)
    kind = "option" if call is not None and call.option == "" else "name"
    begins = not line[: len(line) - len(prefix)].strip()
    return Context(kind, prefix, start, (), False, call, tuple(visible_locals(found)), begins, _indent(line))


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _begins(line: str, prefix: str, path: tuple[str, ...]) -> bool:
    """Whether nothing but a member's own path stands before it on its line."""
    return "".join(line[: len(line) - len(prefix)].split()).rstrip(".:") == ".".join(path)


def _in_text(found: list[Token]) -> Context:
    """The context of a string that ends at the cursor: none if it is closed."""
    last = found[-1]
    quote = last.text[0]
    if quote == "[" or (len(last.text) > 1 and re.search(rf"(?<!\\)(?:\\\\)*{quote}\Z", last.text[1:])):
        return Context("nothing", call=_call(found))
    before = found[:-1]
    call = _call(before)
    if before and before[-1].kind == "name":  # f'text'
        call = Call(chain(before))
    return Context("text", last.text[1:], last.start + 1, call=call)


def chain(found: list[Token]) -> tuple[str, ...]:
    """The names at the end of some tokens that dots (or a colon) join: ``Session.Open``; () if there are none."""
    if not found or found[-1].kind != "name":
        return ()
    names = [found[-1].text]
    at = len(found) - 2
    while at >= 1 and found[at].text in (".", ":") and found[at].kind == "symbol":
        if found[at - 1].kind != "name":
            return ()
        names.insert(0, found[at - 1].text)
        at -= 2
    return tuple(names)


def _call(found: list[Token]) -> Call | None:
    """The innermost call that is still open behind some tokens, through tables in its arguments."""
    opened: list[int] = []
    for index, token in enumerate(found):
        if token.kind != "symbol":
            continue
        if token.text in ("(", "[", "{"):
            opened.append(index)
        elif token.text in _CLOSED and opened:
            opened.pop()
    option: str | None = None
    given: tuple[str, ...] = ()
    while opened:
        index = opened.pop()
        function = chain(found[:index])
        if found[index].text == "(":
            return Call(function, _commas(found, index), option, given) if function else None
        if found[index].text == "[":
            return None
        *before, option = _keys(found, index)
        given = tuple(filter(None, before))
        if function:
            return Call(function, 0, option, given)
    return None


def _commas(found: list[Token], opening: int) -> int:
    """The commas between an opening bracket and the end, outside of inner brackets."""
    depth = commas = 0
    for token in found[opening + 1 :]:
        if token.kind != "symbol":
            continue
        depth += (token.text in ("(", "[", "{")) - (token.text in _CLOSED)
        commas += token.text == "," and depth == 0
    return commas


def _keys(found: list[Token], opening: int) -> list[str]:
    """The keys of a table constructor's fields; '' where there is none, or none yet."""
    keys = [""]
    depth = 0
    for index, token in enumerate(found[opening + 1 :], opening + 1):
        if token.kind != "symbol":
            continue
        depth += (token.text in ("(", "[", "{")) - (token.text in _CLOSED)
        if depth == 0 and token.text in (",", ";"):
            keys.append("")
        elif depth == 0 and token.text == "=" and found[index - 1].kind == "name":
            keys[-1] = found[index - 1].text
    return keys
