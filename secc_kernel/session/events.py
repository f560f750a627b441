"""What a party reports to whoever owns it, and what it asks that owner to do.

Events are facts in the order in which they happened; outputs are the bytes to move. Both are drained by the link (or a
test); neither is kept: the record is the journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secc_kernel.codec import Message

__all__ = [
    "Close",
    "Connect",
    "Connected",
    "Disconnected",
    "Ended",
    "Event",
    "Expired",
    "LocalProtocolError",
    "Output",
    "Received",
    "SendData",
    "SendDatagram",
    "Sent",
    "Undecodable",
]


class LocalProtocolError(Exception):
    """Our side was asked for what cannot be done now: our caller's fault, never the peer's.

    What the peer does wrong is no exception: it becomes a finding in the journal, and the session goes on as the
    standard says.
    """


# -- outputs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendDatagram:
    """Send an SDP datagram; ``dest`` None stands for the multicast group of SDP (ff02::1, port 15118)."""

    data: bytes
    dest: Any = None


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a TCP connection; report it with `Party.connected` or `Party.disconnected`."""

    address: str
    port: int
    tls: bool = False


@dataclass(frozen=True, slots=True)
class SendData:
    """Send bytes on the TCP connection."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close the TCP connection, after what was sent. The party already counts it as closed."""

    reason: str


Output = SendDatagram | Connect | SendData | Close


# -- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at ``time`` (seconds on the link's clock)."""

    time: float


@dataclass(frozen=True, slots=True)
class Connected(Event):
    """The TCP connection stands."""

    peer: str


@dataclass(frozen=True, slots=True)
class Received(Event):
    """A message arrived and was decoded."""

    message: Message


@dataclass(frozen=True, slots=True)
class Undecodable(Event):
    """A V2GTP payload arrived that no known grammar decodes."""

    data: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Sent(Event):
    """A message went out, by the autopilot or by the script."""

    message: Message
    by: str


@dataclass(frozen=True, slots=True)
class Expired(Event):
    """A timer ran out."""

    timer: str
    limit: float


@dataclass(frozen=True, slots=True)
class Disconnected(Event):
    """The TCP connection is gone; ``by`` is the side that closed it, or 'link'."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The charging session is over for this side.

    Attributes
    ----------
    how : str
        ``terminated`` or ``paused`` (by SessionStop), or ``aborted``.
    reason : str
        One sentence for a human.
    fault : str
        ``EVCC``, ``SECC`` or ``link``: whose doing an abort was; '' for a regular end.
    """

    how: str
    reason: str
    fault: str = ""
