"""What is below the messages of a session: layers whose messages scripts receive, change and send as those of V2G.

A `Layer` is one end's part in such a layer. By itself it sends what it has to say. Who attends to it (`attend`) takes
that over: what is to be sent is *owed* until it is released, changed or not, and what has arrived is told. So script,
autopilot and hold are the same here as above, and neither matching nor SDP knows of scripts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from secc_kernel.codec import Message
from secc_kernel.wire.layers import LAYERS, LayerVocabulary

__all__ = ["Layer", "Owed"]


@dataclass(frozen=True, slots=True, eq=False)
class Owed:
    """A message that an end would send now.

    Attributes
    ----------
    message : Message
        As it would go out. Who changes it sends another one in its place.
    since : float
        When it was to be sent.
    to : Any
        Where it goes; what that is, the layer knows.
    """

    message: Message
    since: float
    to: Any = None


class Layer(ABC):
    """One end's part in a layer below V2G.

    Attributes
    ----------
    schema : str
        The vocabulary of its messages.
    role : str
        ``EVCC`` or ``SECC``.
    """

    schema: ClassVar[str]
    role: str

    def __init__(self) -> None:
        self.attended = False
        self._arrivals: list[Message] = []

    @property
    def words(self) -> LayerVocabulary:
        """The vocabulary of its messages."""
        return LAYERS[self.schema]

    def attend(self) -> None:
        """Leave what is to be sent to whoever calls this, and tell what arrives."""
        self.attended = True

    def arrivals(self) -> list[Message]:
        """What has arrived since the last call, in order; drained by the call."""
        found, self._arrivals = self._arrivals, []
        return found

    @property
    def busy(self) -> bool:
        """Whether anything has arrived, or is owed."""
        return bool(self._arrivals or self.owed)

    @property
    @abstractmethod
    def owed(self) -> tuple[Owed, ...]:
        """What would be sent now, in order."""

    @property
    @abstractmethod
    def patience(self) -> float:
        """Seconds for which the other end can be kept waiting without harm."""

    @abstractmethod
    def draft(self, name: str) -> Message | None:
        """What this end would say by that name now; None if it has nothing to say, or nobody to say it to."""

    def completed(self, message: Message, auto: tuple[str, ...]) -> Message:
        """A script's message, with what follows from its values in fields that the autopilot (``auto``) filled in."""
        return message

    @abstractmethod
    def drop(self) -> None:
        """Owe nothing any more: the other end has gone."""

    @abstractmethod
    def over(self, name: str) -> str:
        """Why no message of that name comes any more before everything begins anew; '' where it may come."""

    @abstractmethod
    def release(self, owed: Owed, now: float) -> None:
        """Send what is owed."""

    @abstractmethod
    def send(self, message: Message, now: float, intended: tuple[str, ...] = (), auto: tuple[str, ...] = ()) -> None:
        """Send a message in place of the first of its name that is owed, or of its own accord.

        Parameters
        ----------
        message : Message
            What to send.
        now : float
            The time.
        intended, auto : tuple of str
            Paths of values that break a rule on purpose, and of those that the autopilot filled in.

        Raises
        ------
        LocalProtocolError
            There is nobody to send it to.
        """
