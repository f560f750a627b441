"""What to do about a Lua error, from its message and the line it happened in."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping

from .source import KEYWORDS, tokens

__all__ = ["hint", "mark", "nearest"]

_NIL = re.compile(r"attempt to (?P<deed>[a-z ]+?) a nil value(?: \((?P<kind>\w+) '(?P<name>[^']+)'\))?")
_NEAR = re.compile(r"near '(?P<token>.+)'$", re.DOTALL)

_COLON = re.compile(r"\b(?P<table>Secc|SECC|Evcc|EVCC|Session|Ev):(?P<name>\w+)")

_PLACE = re.compile(r"^[^\n]+?:\d+: ")

#: What a message says -> what to do, whatever the line.
_KINDS = (
    ("a function value", "it is a function: write () behind its name to call it"),
    ("attempt to add a 'string'", "texts are joined with two dots: 'a' .. b"),
    ("to 'format' (no value)", "each % in the text takes a value behind it"),
    ("'}' expected near '", "the items of a table are separated by commas"),
    (
        "unexpected symbol near '<\\",
        "names have the letters a to z, digits and _ only; other characters belong into texts",
    ),
    ("syntax error near", "a name or value alone is no statement: is there a call without () just before?"),
    ("'then' expected", "an if has a then behind its condition: if x == 1 then"),
    ("'do' expected", "a loop has a do behind its head: for i = 1, 3 do"),
    ("unfinished string", "a text ends with the mark it began with, on the same line; [[ and ]] span lines"),
    ("(for iterator 'for iterator')", "a for loop takes an iterator: for key, value in pairs(t) do, or ipairs(t)"),
    ("to 'for iterator' (table expected, got nil)", "what pairs or ipairs gets here is nil: nothing has set it"),
    ("attempt to compare string with number", "tonumber(text) makes a number of a text"),
    ("attempt to compare number with string", "tonumber(text) makes a number of a text"),
    ("number has no integer representation", "%d takes whole numbers; %g and %.2f take any, math.floor(x) cuts"),
    ("attempt to concatenate a table value", "display(t) shows a table, table.concat(t, ', ') joins its items"),
    ("attempt to concatenate a boolean value", "tostring(value) makes a text of it"),
    ("break outside", "return ends a cell early, os.exit() from inside a function"),
)

#: A function that is called with a text without brackets, and ".." behind it.
_CALL_WITH_TEXT = re.compile(r"[\w.]\s*(['\"]).*?\1\s*\.\.")

#: What IPython takes in place of a line of code.
_COMMANDS = (
    "commands (!), magics (%) and questions (?) have cells of their own; the first two also stand in front of Lua"
)
_COMMAND = re.compile(r"\s*(?:(?:\w+\s*=\s*)?(?:!|%(?P<magic>[A-Za-z]\w*))|\?{1,2}\s*\w|[\w.:]+\?{1,2}\s*$)")

#: A mistake of people who come from other languages, in the source line -> what Lua writes.
_HABITS = (
    (re.compile(r"!="), "Lua writes ~= for 'not equal'"),
    (re.compile(r"[-+*/]="), "Lua has no += and the like: write x = x + 1"),
    (re.compile(r"\+\+|--$"), "Lua has no ++: write x = x + 1"),
    (re.compile(r"&&|\|\|"), "Lua writes 'and' and 'or'"),
    (re.compile(r"\b(?:elif|else\s+if)\b"), "Lua writes elseif, in one word"),
    (re.compile(r"^\s*(?:if|while)\b[^=]*[^=~<>]=[^=]"), "a comparison is written =="),
)


#: Names of a table that are all told where none is like what was written.
_NAMES_SHOWN = 20


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was most likely meant, or None if none is similar.

    Parameters
    ----------
    name : str
        What was written.
    names : iterable of str
        What exists.
    """
    known = list(names)
    alike = [candidate for candidate in known if candidate.lower() == name.lower()]
    if alike:
        return max(alike, key=lambda candidate: sum(a == b for a, b in zip(candidate, name, strict=True)))
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.78)
    return close[0] if close else None


def hint(
    message: str,
    line: str,
    cells_of: Mapping[str, str],
    members: Callable[[tuple[str, ...]], list[str]],
) -> str | None:
    """A sentence that helps, or None.

    Parameters
    ----------
    message : str
        The error as Lua gives it.
    line : str
        The source line.
    cells_of : mapping
        Name of a local at the top level of an earlier cell -> that cell.
    members : callable
        The names in the table at a path of global names; () for the globals.
    """
    command = _COMMAND.match(line)
    # A line of Lua may begin with %, the modulo, but not with a name that is nil behind it.
    if command and ("near" in message or f"global '{command['magic']}'" in message):
        return _COMMANDS
    nil = _NIL.search(message)
    if nil:
        return _nil_hint(nil, line, cells_of, members)
    colon = _COLON.search(line)
    if colon and f"{colon['table']}.{colon['name']}".lower() in message.lower():
        return f"it is called with a dot: {colon['table']}.{colon['name']}(…)"
    if "near" in message or "expected" in message:
        habit = next((advice for pattern, advice in _HABITS if pattern.search(line)), None)
        if habit:
            return habit
        misspelt = _misspelt_keyword(line, members)
        if misspelt:
            return f"did you mean '{misspelt}'?"
    return next((advice for words, advice in _KINDS if words in message), None)


def _misspelt_keyword(line: str, members: Callable[[tuple[str, ...]], list[str]]) -> str | None:
    """The keyword that a word of a line with a syntax error was to be; None if each word may stand there."""
    words = [token.text for token in tokens(line) if token.kind == "name"]
    known = {*members(()), *KEYWORDS}
    for word in words:
        close = (
            difflib.get_close_matches(word, KEYWORDS, n=1, cutoff=0.8) if word not in known and len(word) > 2 else []
        )
        if close:
            return close[0]
    return None


def lost_local(name: str, cell: str) -> str:
    """What to tell about a name that was local to an earlier cell."""
    return f"'{name}' was a local of {cell} and is gone: write it there without 'local' to keep it for later cells"


def _nil_hint(
    nil: re.Match[str], line: str, cells_of: Mapping[str, str], members: Callable[[tuple[str, ...]], list[str]]
) -> str | None:
    name, kind = nil["name"], nil["kind"]
    if name is None:
        if nil["deed"] == "concatenate" and _CALL_WITH_TEXT.search(line):
            return "f 'a' .. b is f('a') .. b: write round brackets around what f is to get"
        return None
    if name in ("?", "integer index"):
        return "there is no item of that number: a list begins at 1, and #t is the number of its last item"
    if kind == "global":
        if name in cells_of:
            return lost_local(name, cells_of[name])
        if name in ("exit", "quit"):
            return "os.exit() ends a cell early; the front end shuts the kernel down"
        guess = nearest(name, [*members(()), "nil", "true", "false"])
        return f"did you mean '{guess}'?" if guess else f"nothing has set '{name}' so far"
    if kind in ("field", "method"):
        owner = re.search(rf"([A-Za-z_][\w.]*)\s*[.:]\s*{re.escape(name)}\b", line)
        known = members(tuple(owner[1].split("."))) if owner else []
        guess = nearest(name, known)
        if guess or not owner or not 0 < len(known) <= _NAMES_SHOWN:
            return f"did you mean '{owner[1]}.{guess}'?" if owner and guess else None
        return f"{owner[1]} has {', '.join(known)}"
    return None


def mark(message: str, line: str, name: str = "") -> tuple[int, int]:
    """What to mark in the source line: column and length.

    Parameters
    ----------
    message : str
        The error.
    line : str
        The source line.
    name : str
        The function that complained, if it was one.
    """
    if message.endswith("<eof>"):
        return len(line), 1
    for pattern in _marks(message, name):
        found = re.search(pattern, line)
        if found:
            start, end = found.span("mark" if "mark" in found.re.groupindex else 0)
            return start, end - start
    stripped = line.strip()
    return len(line) - len(line.lstrip()), len(stripped)


def _marks(message: str, name: str) -> Iterable[str]:
    """Patterns of what to mark, the best first."""
    text = _PLACE.sub("", message)
    absent = re.search(r"there is no (\w+)\.(\w+)|(\w+) has no member (\w+)", text)
    if absent:
        owner, member = (part for part in absent.groups() if part)
        yield rf"\b{owner}\s*[.:]\s*{member}\b"
    if name:
        # What was refused, in the call: a value, or the name of an option.
        refused = re.search(r"\bnot ('[^']*'|-?[\w.]+)$|\bno option '(\w+)'|there is no \w+ ('[^']*')", text)
        if refused:
            value = re.escape(next(part for part in refused.groups() if part))
            yield rf"(?<={re.escape(name.rpartition('.')[2])})(?:\W.*?)??(?<!\w)(?P<mark>{value})(?!\w)"
    if name:
        yield re.escape(name)
        yield rf"\b{re.escape(name.rpartition('.')[2])}\b"
    named = re.search(r"\((?:global|local|field|method|upvalue|constant) '([^']+)'\)", message)
    if named:
        yield rf"\b{re.escape(named[1])}\b"
    variable = re.search(r"(?:variable|label) '(\w+)'", message)
    if variable:
        yield rf"\b{variable[1]}\b"
    near = _NEAR.search(message)
    if near:
        yield re.escape(near["token"])
