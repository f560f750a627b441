"""Lua's standard streams on Python's: ``io.read`` on a source of lines, ``print`` on ``sys.stdout``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Protocol

from .errors import LuaUserError
from .values import printable

__all__ = ["Reader", "StandardStream", "Writable", "standard_line"]

_NUMBER = re.compile(r"\s*([+-]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?))")


class Writable(Protocol):
    """What an engine prints to."""

    def write(self, text: str, /) -> object:
        """Take some text."""


class StandardStream:
    """``sys.stdout`` or ``sys.stderr`` as it is at the moment of each write: both are replaced to capture output."""

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, text: str, /) -> object:
        """Write text; bytes that are not UTF-8 are shown as escapes."""
        return getattr(sys, self._name).write(printable(text))


def standard_line(prompt: str) -> str:
    """A line of the process's standard input."""
    sys.stdout.write(prompt)
    sys.stdout.flush()
    return sys.stdin.readline()


class Reader:
    """``io.read`` with its formats, and ``input``.

    Parameters
    ----------
    read_line : callable
        From a question ('' for none) to the next line with its line end, or '' at the end of the input.
    """

    def __init__(self, read_line: Callable[[str], str]) -> None:
        self._read_line = read_line
        self._buffer = ""

    def ask(self, prompt: str | float = "") -> str | None:
        """Ask for a line: ``input(prompt)``. What an earlier ``io.read`` has left of its line is not the answer.

        Raises
        ------
        LuaUserError
            The prompt is no text.
        """
        if isinstance(prompt, bool) or not isinstance(prompt, (str, int, float)):
            raise LuaUserError("input takes the text to ask with: input('EVSEID? ')")
        self._buffer = self._read_line(printable(str(prompt)))
        return self._line(keep_end=False) if self._buffer else None

    def read(self, *formats: str | int) -> tuple[str | float | None, ...]:
        """Read by Lua's formats: 'n', 'a', 'l', 'L' (also with a '*' in front) or a number of characters.

        Raises
        ------
        LuaUserError
            For another format.
        """
        results: list[str | float | None] = []
        for format_ in formats or ("l",):
            result = self._one(format_)
            results.append(result)
            if result is None:
                break
        return tuple(results)

    def _one(self, format_: str | int) -> str | float | None:
        if isinstance(format_, int):
            return self._characters(format_)
        kind = str(format_).lstrip("*")[:1]
        if kind in ("l", "L"):
            return self._line(keep_end=kind == "L")
        if kind == "a":
            while self._more():
                pass
            return self._take(len(self._buffer))
        if kind == "n":
            return self._number()
        raise LuaUserError(
            f"bad argument to 'read' (invalid format {format_!r})", "formats are 'n', 'a', 'l', 'L' or a number"
        )

    def _more(self) -> bool:
        line = self._read_line("")
        self._buffer += line
        return bool(line)

    def _take(self, count: int) -> str:
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _line(self, keep_end: bool) -> str | None:
        while "\n" not in self._buffer:
            if not self._more():
                return self._take(len(self._buffer)) if self._buffer else None
        line = self._take(self._buffer.index("\n") + 1)
        return line if keep_end else line[:-1]

    def _characters(self, count: int) -> str | None:
        while len(self._buffer) < count and self._more():
            pass
        if not self._buffer and (count or not self._more()):
            return None
        return self._take(count)

    def _number(self) -> float | None:
        while not self._buffer.strip() and self._more():
            pass
        match = _NUMBER.match(self._buffer)
        if not match:
            return None
        self._take(match.end())
        text = match.group(1)
        if "x" in text.lower():
            return int(text, 16)
        return int(text) if text.lstrip("+-").isdigit() else float(text)
