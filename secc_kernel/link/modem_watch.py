"""Whether the own modem is there and has a link: asked of it when nothing else tells, without I/O.

While messages come over the line, nothing is asked. After some silence the modem is: one that has started anew says
that it has no link, one that has no power says nothing. Then the data link is lost; and when the modem is heard again,
the data link is opened again, so that the next vehicle finds everything ready.
"""

from __future__ import annotations

from ..session.datalink import DataLink
from ..session.journal import FindingEntry
from ..session.slac.matcher import LOCAL_MODEM
from ..wire.homeplug import Frame
from ..wire.homeplug.vendor import (
    VS_GET_LINK_STATUS_CNF,
    VS_GET_LINK_STATUS_REQ,
    VS_LINK_STATUS_CNF,
    VS_LINK_STATUS_REQ,
)

__all__ = ["ModemWatch"]

_SILENCE = 2.0
"""Seconds without anything from the line after which the modem is asked."""
_INTERVAL = 0.5
_QUESTIONS = 4
"""Questions without an answer after which the modem is gone; with `_INTERVAL` between them."""
_RETURN = 1.0
_LONGEST_RETURN = 8.0
"""Seconds between two questions to a modem that has gone, in the beginning and at last."""

_ASK = {VS_LINK_STATUS_CNF: VS_LINK_STATUS_REQ, VS_GET_LINK_STATUS_CNF: VS_GET_LINK_STATUS_REQ}
"""How a modem says whether it has a link, by its maker's message -> how it is asked."""


class ModemWatch:
    """Watches the modem of a data link.

    Parameters
    ----------
    datalink : DataLink
        Whose; its matcher sends the questions, so that they are recorded as everything else.

    Attributes
    ----------
    gone : str
        Why the modem cannot be used; '' while it can.
    """

    def __init__(self, datalink: DataLink) -> None:
        self.datalink = datalink
        self.gone = ""
        self._speaks: type | None = None
        """The message by which this modem says whether it has a link; None while it has not said so."""
        self._heard = 0.0
        self._asked = 0.0
        self._unanswered = 0
        self._denied = 0
        self._pause = _RETURN

    def heard(self, now: float) -> None:
        """Something came over the line, other than from the modem itself: it works, and has a link."""
        self._heard = now
        self._unanswered = self._denied = 0

    def received(self, frame: Frame, now: float) -> None:
        """A management message came from the modem, or over the line: the modem is there."""
        answer = frame.message
        if isinstance(answer, VS_LINK_STATUS_CNF | VS_GET_LINK_STATUS_CNF):
            self._speaks, self._unanswered = type(answer), 0
            self._denied = 0 if answer.LinkStatus else self._denied + 1
            if answer.LinkStatus and isinstance(answer, VS_GET_LINK_STATUS_CNF):
                self.datalink.linked(now)
        if self.gone:
            self._note(f"the modem is there again ({frame.name})", now)
            self.gone, self._pause = "", _RETURN
            self._unanswered = self._denied = 0
            self.datalink.open(now)
        elif self._denied > 1 and self.datalink.state == "ready":
            self._denied = 0
            text = "the modem has lost its link: it has started anew, or the other side's modem has gone"
            self.datalink.lost(text, now)
            self.datalink.open(now)

    def interface_back(self, now: float) -> None:
        """The interface is up again: the modem is as good as new, until it proves otherwise."""
        self.gone, self._pause = "", _RETURN
        self._unanswered = self._denied = 0
        self._heard = now
        self.datalink.open(now)

    def next_deadline(self) -> float | None:
        """When `advance` has to be called next."""
        if self.gone or self._unkeyed:
            return self._asked + self._pause
        if self.datalink.state == "ready":
            return max(self._heard + _SILENCE, self._asked + _INTERVAL)
        if self.datalink.state == "joining" and self._speaks is not VS_LINK_STATUS_CNF:
            return self._asked + _INTERVAL
        return None

    def advance(self, now: float) -> None:
        """Let time pass: ask the modem, when it is time to."""
        due = self.next_deadline()
        if due is None or due > now:
            return
        if self._unkeyed and not self.gone:
            self.gone = "the modem has not taken its key"
        elif self.gone:
            self._pause = min(self._pause * 2, _LONGEST_RETURN)
        elif self.datalink.state == "ready":
            if self._speaks is not None and self._unanswered >= _QUESTIONS:
                self.gone = "the modem does not answer any more: it has lost its power, or its cable"
                self.datalink.lost(self.gone, now)
            self._unanswered += 1
        self._ask(now)

    def _ask(self, now: float) -> None:
        """Matching asks modems of Qualcomm's itself while they join, so others are asked here."""
        self._asked = now
        wanted = [_ASK[self._speaks]] if self._speaks is not None else list(_ASK.values())
        for question in wanted:
            if question is not VS_LINK_STATUS_REQ or self.datalink.state != "joining":
                self.datalink.matcher.send(question(), LOCAL_MODEM)

    @property
    def _unkeyed(self) -> bool:
        """Whether a station's modem was given a key, and did not say that it has taken it."""
        matcher = self.datalink.matcher
        return matcher.role == "SECC" and matcher.state == "failed" and not matcher.keyed

    def _note(self, text: str, now: float) -> None:
        self.datalink.journal.append(FindingEntry(now, "plc.modem", "note", text))
