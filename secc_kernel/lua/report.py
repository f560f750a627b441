"""From what ``boot.lua`` reports of an error to a `LuaError`: place, source line, what to mark, stack, hint."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import hints
from .errors import Frame, LuaError, LuaInterrupted, LuaLimit, LuaUserError
from .interrupt import Interrupts
from .picture import brief, line, picture
from .source import top_level_locals
from .values import printable

__all__ = ["Reporter"]

#: Characters shown of a message, and of a source line.
_MESSAGE, _LINE = 4000, 120
#: Bytes of a chunk's name in messages.
_LONGEST = 59
_PLACE = re.compile(r"(?P<source>[^\n]+?):(?P<line>\d+): ")


class Reporter:
    """Knows the sources that have run, and what their errors need.

    Parameters
    ----------
    members : callable
        The names in the table at a path of global names, for suggestions.
    limit : int
        The memory limit in bytes, for its message.
    interrupts : Interrupts
        Tells why a cell was stopped.
    """

    def __init__(self, members: Callable[[tuple[str, ...]], list[str]], limit: int, interrupts: Interrupts) -> None:
        self._members = members
        self._limit = limit
        self._interrupts = interrupts
        self._sources: dict[str, str] = {}
        self._locals: dict[str, str] = {}
        self._lost: dict[str, str] = {}

    def remember(self, name: str, source: str) -> None:
        """Keep a source text, to show its lines."""
        self._sources[name] = self._sources[_short(name)] = source

    def begin(self) -> None:
        """A cell begins."""
        self._lost.clear()

    def end(self, name: str, source: str) -> None:
        """A cell has ended, and its locals with it."""
        self._locals.update(dict.fromkeys(top_level_locals(source), name))

    def undefined(self, name: str) -> None:
        """Code has read a global that does not exist."""
        if name in self._locals:
            self._lost[name] = self._locals[name]

    def lost_locals(self) -> str | None:
        """What to tell about locals of earlier cells that the cell has tried to read."""
        return "; ".join(hints.lost_local(*lost) for lost in self._lost.items()) or None

    def locate(self, error: LuaError, function: str = "") -> LuaError:
        """Add the place, the source line with what to mark, and a hint.

        Parameters
        ----------
        error : LuaError
            With message and frames.
        function : str
            The registered function that complained, if it was one.
        """
        place = _PLACE.match(error.message)
        if place:
            error.source, error.line = place["source"], int(place["line"])
        else:
            known = (frame for frame in error.frames if frame.source in self._sources and frame.line > 0)
            frame = next(known, None)
            if frame is not None:
                error.source, error.line = frame.source, frame.line
        lines = self._sources.get(error.source, "").split("\n")
        if 0 < error.line <= len(lines):
            text = printable(lines[error.line - 1].rstrip())
            column, error.length = hints.mark(error.message, text, function)
            error.text, error.column = _window(text, column)
            error.length = min(error.length, len(error.text) - error.column) or error.length
            error.hint = error.hint or hints.hint(error.message, text, self._locals, self._members)
        return error

    def failure(self, report: Any, complaint: LuaUserError | None, function: str) -> LuaError:
        """The exception for an error that nobody caught.

        Parameters
        ----------
        report : lupa table
            As ``boot.lua`` makes it.
        complaint : LuaUserError or None
            The last mistake that a registered function reported.
        function : str
            The name of that function.
        """
        frames = stack(report)
        message, value = report["message"], picture(report["value"])
        if isinstance(value, KeyboardInterrupt):
            return self.interruption(report)
        if isinstance(value, BaseException):
            message = f"{type(value).__name__}: {value}"
        elif message is None:
            message = f"error value: {brief(line(value))}"
        if "not enough memory" in message:
            return self.out_of_memory(frames)
        error = LuaError(brief(printable(message), _MESSAGE), frames=frames, value=message if value is None else value)
        if isinstance(value, BaseException):
            error.__cause__ = value
        if complaint is not None and message.endswith(complaint.message):
            error.hint = complaint.hint
        else:
            function = ""
        error.hint = error.hint or self.lost_locals()
        return self.locate(error, function)

    def out_of_memory(self, frames: list[Frame]) -> LuaError:
        """The exception for a refused allocation."""
        message = f"Lua has used up its memory ({self._limit >> 20} MiB)"
        hint = "set large tables that you no longer need to nil, or restart the kernel"
        return self.locate(LuaError(message, frames=frames, hint=hint))

    def interruption(self, report: Any) -> LuaInterrupted:
        """The exception for a cell that was interrupted; the report is None if Lua had no time to make one."""
        limit = self._interrupts.limit
        kind = LuaInterrupted if limit is None else LuaLimit
        error = kind("", frames=stack(report) if report is not None else [])
        self.locate(error)
        error.length = 0
        if limit is None:
            error.message = f"interrupted in {error.source}:{error.line}" if error.source else "interrupted"
            if self._interrupts.waited:
                error.message += f", while it waited in {self._interrupts.waited}"
        else:
            error.message = f"{error.source}:{error.line}: {limit.message}" if error.source else limit.message
            error.hint = limit.hint
        return error


def _window(text: str, column: int) -> tuple[str, int]:
    """A source line without its indentation, of a long one the part around a column; and that column there."""
    start = len(text) - len(text.lstrip())
    if len(text) - start <= _LINE:
        return text[start:], column - start
    first = max(start, min(column - _LINE // 3, len(text) - _LINE))
    before = "…" if first > start else ""
    after = "…" if first + _LINE < len(text) else ""
    return f"{before}{text[first : first + _LINE]}{after}", column - first + len(before)


def _short(name: str) -> str:
    """How Lua writes the name of a file in messages: of a long path the end."""
    data = name.encode("utf-8", "surrogateescape")
    return name if len(data) <= _LONGEST else "..." + data[3 - _LONGEST :].decode("utf-8", "surrogateescape")


def stack(report: Any) -> list[Frame]:
    """The frames of a report, innermost first: those of a coroutine before those of who resumed it."""
    frames = []
    for part in (report["inner"], report["frames"]):
        for facts in part.values() if part is not None else ():
            frame = _frame(facts)
            if frame is not None:
                frames.append(frame)
                if facts["tail"]:  # "return f()" leaves no level of its own
                    frames.append(Frame("(...tail calls...)", 0, ""))
    return frames


def _frame(facts: Any) -> Frame | None:
    if facts["skipped"]:
        return Frame(f"... {facts['skipped']} more levels", 0, "")
    name, kind = facts["name"], facts["namewhat"]
    if facts["what"] == "C":
        # What raises and what catches says nothing about where the error is.
        return (
            None if name in (None, "error", "assert") or kind == "metamethod" else Frame("[C]", 0, f"function '{name}'")
        )
    if facts["what"] == "main":
        function = "main chunk"
    elif name is not None:
        function = f"{kind if kind in ('local', 'method', 'field', 'upvalue') else 'function'} '{name}'"
    else:
        function = f"function <{facts['source']}:{facts['defined']}>"
    return Frame(facts["source"], facts["line"], function)
