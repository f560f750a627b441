"""Breakpoints in lines: what a front end asks for, and what the engine looks at."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from secc_kernel.kernel.debug.sources import Sources
from secc_kernel.lua.debugging import Breakpoint

__all__ = ["LinePoints", "hit_condition", "log_parts"]

_COMPARISONS = {
    "==": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "%": lambda hits, number: hits % number == 0,
}
_HITS = re.compile(r"\s*(==|=|>=|<=|>|<|%)?\s*(\d+)\s*")


def hit_condition(text: str) -> Callable[[int], bool]:
    """Whether a breakpoint stops the time of a number: ``3``, ``>= 3``, ``% 3`` (each third).

    Raises
    ------
    ValueError
        The text says nothing of the kind.
    """
    found = _HITS.fullmatch(text)
    if not found or (found[1] == "%" and not int(found[2])):
        raise ValueError(f"a hit count is a number, perhaps behind ==, >, >=, <, <= or %; not {text!r}")
    compare, number = _COMPARISONS[found[1] or "=="], int(found[2])
    return lambda hits: bool(compare(hits, number))


def log_parts(message: str) -> list[str]:
    """The parts of a log message: ``"`` before a text, ``=`` before an expression that stood in braces."""
    parts = []
    for position, part in enumerate(re.split(r"\{((?:[^{}]|\{[^{}]*\})*)\}", message)):
        if part:
            parts.append(("=" if position % 2 else '"') + part)
    return parts


class LinePoints:
    """The breakpoints of a debugger.

    Parameters
    ----------
    sources : Sources
        The texts that they are in.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._by_path: dict[str, list[Breakpoint]] = {}
        self._shown: dict[str, list[dict[str, Any]]] = {}
        self._next = 1

    def numbers(self, count: int) -> int:
        """The first of so many numbers that no breakpoint has had."""
        self._next += count
        return self._next - count

    def replace(self, path: str, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Replace the breakpoints of a text; gives what became of them, as in the protocol."""
        code = self._sources.code(path)
        first = self.numbers(len(wanted))
        points, shown = [], []
        for number, asked in enumerate(wanted, first):
            line = code.line(int(asked["line"]))
            facts: dict[str, Any] = {"id": number, "verified": line is not None, "line": line or asked["line"]}
            facts["source"] = {"path": path}
            problem = code.why_not
            hits = str(asked.get("hitCondition") or "").strip()
            try:
                counts = hit_condition(hits) if hits else None
            except ValueError as error:
                problem, counts = str(error), None
                facts["verified"] = False
            # A text that is not known yet may come to run: what was asked for then holds as it is.
            points.append(
                Breakpoint(
                    number,
                    facts["line"],
                    str(asked.get("condition") or "").strip(),
                    counts,
                    log_parts(str(asked.get("logMessage") or "")),
                )
            )
            shown.append(facts | ({"message": problem} if problem else {}))
        # The engine's thread reads these: each is replaced, none is changed.
        self._by_path = {**self._by_path, path: points}
        self._shown = {**self._shown, path: shown}
        if not wanted:
            del self._by_path[path], self._shown[path]
        return shown

    def clear(self) -> None:
        """Take all away."""
        self._by_path, self._shown = {}, {}

    def all(self) -> list[dict[str, Any]]:
        """All of them, by source."""
        return [{"source": path, "breakpoints": shown} for path, shown in self._shown.items()]

    def lines(self) -> set[int]:
        """The lines that have one in any source."""
        return {point.line for points in self._by_path.values() for point in points}

    def of_chunk(self, chunk: str) -> Iterator[Breakpoint]:
        """Those in a chunk of Lua."""
        path = self._sources.path(chunk) if self._by_path else None
        yield from self._by_path.get(path or "", ())
