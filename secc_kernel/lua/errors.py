"""Errors of Lua code, with what a user needs to find them: place, source line, stack and a hint."""

from __future__ import annotations

import re
import traceback
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent

__all__ = ["Frame", "LuaError", "LuaExit", "LuaInterrupted", "LuaLimit", "LuaSyntaxError", "LuaUserError"]


class LuaUserError(Exception):
    """Raised by a Python function that Lua calls, for a mistake of the caller.

    The script gets it as an ordinary Lua error with the place of the calling line in front (``In[3]:2: message``), as
    ``error`` would give it; no Python frame is shown.

    Parameters
    ----------
    message : str
        What happened, and where (message, field, frame).
    hint : str, optional
        What to do; shown below the error.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class LuaExit(Exception):  # noqa: N818 - an end, not an error
    """The script called ``os.exit``.

    Attributes
    ----------
    code : int
        The exit status that it asked for.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"os.exit({code})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Frame:
    """One level of a Lua call stack.

    Attributes
    ----------
    source : str
        Chunk name (``In[3]``), file name, or ``[C]``.
    line : int
        Line in the source; 0 where there is none.
    function : str
        What ran there: ``main chunk``, ``function 'f'``, ``function <In[1]:3>``.
    """

    source: str
    line: int
    function: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line > 0 else self.source
        return f"{place}: in {self.function}" if self.function else place

    @property
    def name(self) -> str:
        """The function's name as Lua quotes it; '' if it has none."""
        found = re.search(r"'.*'", self.function)
        return found[0] if found else ""


@dataclass(eq=False)
class LuaError(Exception):
    """A Lua error that nobody caught.

    Attributes
    ----------
    message : str
        The error message as Lua gives it, with its place in front.
    source, line : str, int
        Where it happened; empty and 0 when unknown.
    text : str
        That line of the source; empty when unknown.
    column, length : int
        What to mark in it; length 0 marks nothing.
    frames : list of Frame
        The call stack, innermost first.
    hint : str or None
        What to do about it.
    value : Any
        The error value as Python data: the message, or what the script gave to ``error``.
    file_name : callable
        From the file name of a Python frame to what it is called.

    The Python exception that a called function raised, if that is what it was, is ``__cause__``.
    """

    message: str
    source: str = ""
    line: int = 0
    text: str = ""
    column: int = 0
    length: int = 0
    frames: list[Frame] = field(default_factory=list)
    hint: str | None = None
    value: Any = None
    file_name: Callable[[str], str] = str

    def __str__(self) -> str:
        return self.message

    def render(self, color: bool = False) -> list[str]:
        """Lines that show the error: message, source line with caret, hint, stack.

        Parameters
        ----------
        color : bool
            Mark the parts with ANSI colours. Nothing is said by colour alone.
        """
        red, dim, bold, off = ("\x1b[31m", "\x1b[2m", "\x1b[1m", "\x1b[0m") if color else ("", "", "", "")
        title = type(self).__name__
        lines = [f"{red}{title}{off}: {self.message}" if self.message else f"{red}{title}{off}"]
        if self.text:
            number = str(self.line)
            lines.append(f"{dim}{number:>5} |{off} {self.text}")
            if self.length:
                before, marked = self.text[: self.column], self.text[self.column : self.column + self.length]
                carets = "^" * max(len(_blank(marked)), 1)
                lines.append(f"{dim}      |{off} {_blank(before)}{red}{carets}{off}")
        if not isinstance(self.value, (str, int, float, BaseException, type(None))):
            # A table that was thrown; of a short one the message is made.
            value = repr(self.value)
            if value not in self.message:
                lines.append(f"value: {value}")
        if self.hint:
            lines += [f"{bold}hint:{off} {self.hint}"]
        # A stack of one level says nothing that the message does not, nor does the C function that the message names.
        frames = [frame for frame in self.frames if frame.source != "[C]" or f"to {frame.name}" not in self.message]
        if len(frames) > 1 or (frames and not self.text):
            lines.append("stack:")
            lines += _levels(frames)
        if self.__cause__ is not None:
            lines += self._python_lines(self.__cause__)
        return lines

    def _python_lines(self, problem: BaseException) -> list[str]:
        """The Python stack below the call from Lua, without lupa's part and the engine's."""
        lines = []
        for frame in traceback.extract_tb(problem.__traceback__):
            if not frame.filename.startswith("lupa") and Path(frame.filename).parent != _HERE:
                code = f": {frame.line}" if frame.line else ""
                lines.append(f"  {self.file_name(frame.filename)}:{frame.lineno}: in {frame.name}{code}")
        return ["python:", *lines] if lines else []

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of the Python stack, which would be ours and not the user's."""
        return self.render(color=True)


def _blank(text: str) -> str:
    """As many columns of blanks as a terminal needs for a text: two for Korean and other wide characters."""
    return "".join("\t" if c == "\t" else "  " if unicodedata.east_asian_width(c) in "WF" else " " for c in text)


def _levels(frames: list[Frame]) -> list[str]:
    """The stack, a line a level; of a function that calls itself one line says how often."""
    lines = []
    for frame, same in groupby(frames):
        count = sum(1 for _ in same)
        lines.append(f"  {frame}" + (f" ({count} times)" if count > 1 else ""))
    return lines


class LuaSyntaxError(LuaError):
    """The source is not Lua."""


class LuaInterrupted(LuaError):  # noqa: N818 - an event, not an error
    """The user stopped the cell. Front ends know this by the name KeyboardInterrupt."""


LuaInterrupted.__name__ = "KeyboardInterrupt"


class LuaLimit(LuaInterrupted):
    """The cell was stopped because it has reached a limit: of time, memory or output."""


LuaLimit.__name__ = "CellLimit"
