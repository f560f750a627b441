"""One message of a journal with all that views tell about it: who, when, what, how long, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from secc_kernel.session.journal import CHECK, FindingEntry
from secc_kernel.session.tables import is_request, may_be_answered, verdict
from secc_kernel.session.timers import MessageTimes, message_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secc_kernel.codec import Message
    from secc_kernel.session.journal import FrameEntry, Journal

#: A mark beside each word, so that neither colour nor reading is needed to find what is wrong.
MARKS = {
    # verdicts on the time
    "ok": "✓",
    "late": "△",
    "timeout": "✗",
    "no response": "✗",
    "not answered yet": "…",
    # severities of findings
    "note": "•",
    "warning": "△",
    "error": "✗",
    # checks of a script
    "passed": "✓",
    "failed": "✗",
}


def marked(word: str) -> str:
    """A verdict or severity with its mark."""
    return f"{MARKS[word]} {word}"


def since_start(journal: Journal, time: float) -> float:
    """Seconds since the journal's first entry: what a reader wants of a capture, whose times count from 1970."""
    return time - journal.entries[0].time


class Remark(NamedTuple):
    """A finding about a message."""

    severity: str
    rule: str
    path: str
    text: str

    @property
    def word(self) -> str:
        """Its severity; of a script's check, whether it passed."""
        if self.rule == CHECK:
            return "failed" if self.severity == "error" else "passed"
        return self.severity


class Pace(NamedTuple):
    """How long an answer took (seconds; None: it never came) and what the standard allows."""

    latency: float | None
    limits: MessageTimes | None
    verdict: str


class Reading:
    """Message ``i`` of a journal; a negative ``i`` counts from the end.

    Raises
    ------
    IndexError
        The journal has no such message.
    """

    def __init__(self, journal: Journal, i: int) -> None:
        self.journal = journal
        self.entry: FrameEntry = journal.frame(i)
        self.index = i if i >= 0 else len(journal.frames) + i

    @property
    def message(self) -> Message | None:
        """The decoded message; None where it cannot be decoded."""
        return self.entry.message

    @property
    def name(self) -> str:
        """The message's name, or that it has none."""
        return self.entry.name or "undecodable message"

    @property
    def time(self) -> float:
        """Seconds since the journal's beginning."""
        return since_start(self.journal, self.entry.time)

    @property
    def direction(self) -> str:
        """Who sent it to whom. The vehicle stands on the left, as in a sequence diagram."""
        name = self.entry.name
        sender = self.entry.sender or ("EVCC" if name.endswith("Req") else "SECC" if name.endswith("Res") else "")
        if not sender:
            return f"{self.entry.src} → {self.entry.dst}"
        return "EVCC → SECC" if sender == "EVCC" else "EVCC ← SECC"

    @property
    def remarks(self) -> list[Remark]:
        """What the codec and the session found, each once."""
        findings = []
        for entry in reversed(self.journal.entries):  # they come after the message
            if entry is self.entry:
                break
            if isinstance(entry, FindingEntry) and entry.message == self.index:
                findings.append(entry)
        return merge(self.message, findings[::-1])

    @property
    def request(self) -> Reading:
        """The request of this exchange: this message, or the one that it answers; itself where there is none."""
        before = self._neighbour(range(self.index - 1, -1, -1))
        return self if is_request(self.entry) or before is None or not is_request(before.entry) else before

    @property
    def response(self) -> Reading | None:
        """The response of this exchange; None where it never came."""
        if not is_request(self.entry):
            return self
        after = self._neighbour(range(self.index + 1, len(self.journal.frames)))
        return None if after is None or is_request(after.entry) else after

    def _neighbour(self, indices: range) -> Reading | None:
        """The next message in the same stream and of the same payload type (ISO 15118-20 has side streams)."""
        key = self.entry.stream, self.entry.payload_type
        for i in indices:
            entry = self.journal.frames[i]
            if (entry.stream, entry.payload_type) == key:
                return Reading(self.journal, i)
        return None

    @property
    def pace(self) -> Pace | None:
        """How fast this exchange was answered; None where there is no request."""
        request, response = self.request, self.response
        if not is_request(request.entry):
            return None
        limits = message_times(request.entry.schema or "", request.entry.name)
        # The difference of two times since 1970 has microseconds, not more.
        latency = None if response is None else round(response.entry.time - request.entry.time, 6)
        allowed = (limits.performance, limits.timeout) if limits else (None, None)
        judged = "not answered yet" if request.waits else verdict(latency, *allowed)
        return Pace(latency, limits, judged)

    @property
    def waits(self) -> bool:
        """Whether this is a request of a live session that can still be answered: a script holds it, say."""
        if not is_request(self.entry) or self._neighbour(range(self.index + 1, len(self.journal.frames))) is not None:
            return False
        return may_be_answered(self.journal, self.entry)


def short(message: Message, path: str) -> str:
    """A path without the envelope and the message's own name, which a reader has before him: ``EVCCID``."""
    steps = path.split("/")
    if message.header is not None and steps[1:2] == ["Body"]:
        steps = steps[2:]
    return "/".join(steps[1:])


def merge(message: Message | None, findings: Sequence[FindingEntry]) -> list[Remark]:
    """The codec's findings about a message and the journal's, in which a live session repeats the codec's."""
    found = [Remark(f.severity, f.rule, short(message, f.path), f.text) for f in message.findings] if message else []
    return found + [
        Remark(entry.severity, entry.rule, "", entry.text)
        for entry in findings
        if not any(entry.rule == remark.rule and entry.text.endswith(remark.text) for remark in found)
    ]
