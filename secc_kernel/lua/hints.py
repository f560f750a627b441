"""What to do about a Lua error, from its message and the line it happened in."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

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

_PYTHON_CELL = "Python belongs into a cell of its own, whose first line is %%python"
#: What a line that Lua does not understand looks like -> what to do; before the words of the message are looked at.
_FOREIGN = (
    (re.compile(r"\s*%%\w"), "%%python and the like have to be a cell's first line, above comments, too"),
    (re.compile(r"\s*#"), f"a comment begins with -- in Lua; {_PYTHON_CELL}"),
    (
        re.compile(
            r"\s*(?:import\s+\w|from\s+[\w.]+\s+import\b|(?:async\s+)?def\s+\w"
            r"|(?:class|for|while|if|elif|else|try|except|with)\b.*:\s*$)"
        ),
        _PYTHON_CELL,
    ),
    (re.compile(r".*[\u2018-\u201f]"), "curly quotes are no quotes in Lua: write ' or \""),
)
#: A call with options, as Python writes it.
_OPTIONS = re.compile(r"\b(?P<function>[A-Za-z_][\w.]*)\s*\(\s*\w+\s*=[^=]")
#: What other languages call waiting.
_WAIT = re.compile(r"sleep|wait|delay|pause", re.IGNORECASE)
_WAITS = "Session.Wait(seconds) waits"
#: A function that takes a member of an enumeration has got nil; or a protocol that nobody calls so.
_MEMBER = re.compile(r"takes a (?P<table>\w+) \(.*, not nil$")
_PROTOCOL = re.compile(r"does not speak '(?P<said>[^']*)'; it speaks (?P<known>[\w, ]+)$")

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
    member = _MEMBER.search(message)
    if member:
        return _member_hint(member["table"], line, members)
    protocol = _PROTOCOL.search(message)
    if protocol:
        return _protocol_hint(protocol["said"], protocol["known"].split(", "))
    if "near" in message or "expected" in message:
        foreign = next((advice for pattern, advice in _FOREIGN if pattern.match(line)), None)
        if foreign:
            return foreign
        options = _OPTIONS.search(line)
        if options and "')' expected near '='" in message:
            return f"options stand in braces: {options['function']}{{name = value}}"
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


def _member_hint(table: str, line: str, members: Callable[[tuple[str, ...]], list[str]]) -> str | None:
    """The member of an enumeration that a line names without its table."""
    found = tokens(line)
    bare = {token.text for before, token in pairwise(found) if before.text not in (".", ":")}
    name = next((name for name in members((table,)) if name in bare), None)
    return f"did you mean {table}.{name}?" if name else None


def _protocol_hint(said: str, known: list[str]) -> str | None:
    """The key of the protocol that a standard's name means: 'ISO15118-2' is iso2."""
    digits = re.findall(r"\d+", said)
    key = "din" if "din" in said.lower() or "70121" in digits else f"iso{digits[-1]}" if digits else said.lower()
    return f"did you mean '{key}'?" if key in known else None


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
        if _WAIT.fullmatch(name) or re.search(rf"\b{re.escape(name)}\s*\.\s*sleep\b", line):
            return _WAITS
        guess = nearest(name, [*members(()), "nil", "true", "false"])
        return f"did you mean '{guess}'?" if guess else f"nothing has set '{name}' so far"
    if kind in ("field", "method"):
        owner = re.search(rf"([A-Za-z_][\w.]*)\s*[.:]\s*{re.escape(name)}\b", line)
        known = members(tuple(owner[1].split("."))) if owner else []
        guess = nearest(name, known)
        if owner and owner[1] == "Session" and not guess and _WAIT.fullmatch(name):
            return _WAITS
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
