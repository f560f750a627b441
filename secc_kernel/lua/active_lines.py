"""On which lines of a Lua source text a breakpoint can stop: those that the compiled code has instructions on.

Lua tells this of functions that exist, not of those that a text will make when it runs. But its compiler's output says
it of all of them: the text is compiled in a Lua state of its own (nothing runs), and the line tables are read from what
``string.dump`` writes of Lua 5.4.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lupa import lua54

from .source import last_expression, strip_prefix

__all__ = ["active_lines"]

#: Bytes in front of the main function: the header of Lua 5.4, and its number of upvalues.
_HEADER = 32
_DUMP = b"""
local load, dump = load, string.dump
return function(text)
  local f = load(text, "=text", "t")
  return f and dump(f)
end
"""
#: A line that is too far from the one before to be told as a difference.
_ABSOLUTE = -0x80
#: What a constant that is followed by more than its type is.
_INTEGER, _FLOAT, _SHORT_STRING, _LONG_STRING = 0x03, 0x13, 0x04, 0x14


@lru_cache(maxsize=64)
def active_lines(source: str) -> tuple[int, ...] | None:
    """The lines that have code, in order; None if the text is not Lua.

    Parameters
    ----------
    source : str
        A cell or file: statements of which the last may be an expression.
    """
    runtime: Any = lua54.LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
    dump = runtime.execute(_DUMP)
    text = strip_prefix(source)
    for form in _forms(text):
        compiled = dump(form.encode("utf-8", "surrogateescape"))
        if compiled is not None:
            return tuple(sorted(_Reader(compiled).lines()))
    return None


def _forms(text: str) -> list[str]:
    """A text in the forms in which the engine compiles it."""
    forms = ["return " + text, text]
    cut = last_expression(text, is_valid=False)
    if cut is not None:
        forms.append(f"{text[:cut]} return {text[cut:]}")
    return forms


class _Reader:
    """Reads the line tables of compiled functions."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = _HEADER

    def lines(self) -> set[int]:
        """The lines of the function at the present place, and of those inside of it."""
        self._string()
        defined = self._size()
        self._size()
        self._skip(1)
        is_vararg = bool(self._data[self._at])
        self._skip(2)
        self._skip(4 * self._size())
        self._constants()
        self._skip(3 * self._size())
        found: set[int] = set()
        for _ in range(self._size()):
            found |= self.lines()
        differences = self._take(self._size())
        absolute = {self._size(): self._size() for _ in range(self._size())}
        for _ in range(self._size()):
            self._string()
            self._size()
            self._size()
        for _ in range(self._size()):
            self._string()
        line = defined
        for position, byte in enumerate(differences):
            difference = byte - 256 if byte > 127 else byte
            line = absolute[position] if difference == _ABSOLUTE else line + difference
            if position or not is_vararg:  # the first instruction of such a function prepares its arguments
                found.add(line)
        return found

    def _take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def _skip(self, count: int) -> None:
        self._at += count

    def _size(self) -> int:
        """A number in groups of seven bits, of which the last is marked."""
        value = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            value = value << 7 | byte & 0x7F
            if byte & 0x80:
                return value

    def _string(self) -> None:
        length = self._size()
        if length:
            self._skip(length - 1)

    def _constants(self) -> None:
        for _ in range(self._size()):
            kind = self._take(1)[0]
            if kind in (_INTEGER, _FLOAT):
                self._skip(8)
            elif kind in (_SHORT_STRING, _LONG_STRING):
                self._string()
