"""The lines that a control pilot board and its host exchange: text to objects and back, incrementally.

docs/control-pilot-board.md describes them for whoever builds a board. A line is words, a check and a line feed:
``PILOT B 5.0 8.9*28``. The check is the exclusive or of the bytes before the star, two hex digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import xor

__all__ = [
    "BAUD",
    "ENDS",
    "LONGEST",
    "VERSION",
    "Answer",
    "Hello",
    "Lines",
    "PilotBoardError",
    "Report",
    "pack",
    "parse",
]

VERSION = 1
"""The version of these lines."""
BAUD = 115200
LONGEST = 80
"""Bytes that a line may have, without its line feed."""
ENDS = {"EVSE": "SECC", "EV": "EVCC"}
"""The ends of the control pilot that a board can be, and the party of each."""

_STATES = "ABCDEF"


class PilotBoardError(ValueError):
    """A line that is none of the protocol's; the text says why."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What a board says of itself: ``BOARD 1 EVSE name``."""

    version: int
    end: str
    name: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a board measures: ``PILOT B 5.0 8.9``.

    Attributes
    ----------
    state : str
        ``A`` to ``F``, by the high (F: the low) voltage.
    duty : float
        In percent; 100 where nothing oscillates.
    volts : float or None
        The high voltage, where the board tells it.
    """

    state: str
    duty: float
    volts: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: ``OK``, or ``ERR`` and why."""

    error: str = ""


def pack(text: str) -> bytes:
    """A line of these words, with its check."""
    line = text.encode("ascii")
    return line + b"*%02X\n" % _check(line)


def _check(line: bytes) -> int:
    return reduce(xor, line, 0)


def parse(line: bytes) -> Hello | Report | Answer:
    """A board's line, without its line feed.

    Raises
    ------
    PilotBoardError
        It is none: damaged, or not of this protocol.
    """
    text, star, given = line.strip().rpartition(b"*")
    if not star:
        raise PilotBoardError(f"{_shown(line)} has no check (*hh)")
    try:
        said = int(given, 16)
        words = text.decode("ascii").split()
    except ValueError:
        raise PilotBoardError(f"{_shown(line)} is not text with a check (*hh)") from None
    if len(given) != 2 or said != _check(text):
        raise PilotBoardError(
            f"{_shown(line)} is damaged: its check is {_shown(given)}, and should be {_check(text):02X}"
        )
    try:
        return _READERS[words[0]](words[1:])
    except (KeyError, IndexError, ValueError):
        raise PilotBoardError(f"{_shown(line)} is no line that a board sends") from None


def _hello(words: list[str]) -> Hello:
    version, end, *name = words
    if end not in ENDS:
        raise ValueError(end)
    return Hello(int(version), end, " ".join(name) or "a board without a name")


def _report(words: list[str]) -> Report:
    state, duty, *volts = words
    percent = float(duty)
    if state not in _STATES or not 0.0 <= percent <= 100.0 or len(volts) > 1:
        raise ValueError(words)
    return Report(state, percent, float(volts[0]) if volts else None)


def _answer(words: list[str]) -> Answer:
    return Answer(" ".join(words) or "no reason given")


_READERS: dict[str, Callable[[list[str]], Hello | Report | Answer]] = {
    "BOARD": _hello,
    "PILOT": _report,
    "OK": lambda words: Answer(),
    "ERR": _answer,
}


def _shown(line: bytes) -> str:
    return repr(line.decode("ascii", "backslashreplace")[:LONGEST])


class Lines:
    """Cuts what arrives into lines, whatever pieces it comes in; what is too long for one is dropped up to its end."""

    def __init__(self) -> None:
        self._rest = b""
        self._skips = False

    def receive(self, data: bytes) -> list[bytes]:
        """The lines that are whole now; empty ones are left out."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines and self._skips:
            del lines[0]
            self._skips = False
        if len(self._rest) > LONGEST:
            self._rest, self._skips = b"", True
        return [line.rstrip(b"\r") for line in lines if line.strip() and len(line) <= LONGEST + 1]
