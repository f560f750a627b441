"""What the pieces of a live session share: the link's surface, and what is known of each party and each wait."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from .. import codec
from ..codec import Message
from ..session.evcc import EVCC
from ..session.events import LocalProtocolError
from ..session.handshake import offer
from ..session.secc import SECC
from ..session.sequence import HANDSHAKE

__all__ = ["CLOSED", "Answer", "Composed", "Link", "Maker", "Seat", "SessionError", "Wait"]


CLOSED = "the session is closed; open another one"
"""What is said to whoever asks something of a session that is no more."""


class SessionError(Exception):
    """A wait or a send cannot end as asked; the text says which, why, and what the last messages were."""


class Link(Protocol):
    """What `LiveSession` needs of a link. All methods are called in the session's thread."""

    kind: str
    real: bool
    parties: dict[str, SECC | EVCC]

    @property
    def now(self) -> float: ...
    @property
    def plugged(self) -> bool: ...
    @property
    def place(self) -> str: ...
    async def open(self, happened: Callable[[Callable[[], object]], None]) -> None: ...
    def plug(self, fresh: bool = True) -> None: ...
    def exchange(self, vehicle: EVCC) -> None: ...
    def unplug(self) -> None: ...
    def advance(self, until: float | None) -> bool: ...
    def flush(self) -> None: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Composed:
    """A message to send, and where its values come from: paths set against the schema, paths of the autopilot."""

    message: Message
    intended: tuple[str, ...] = ()
    auto: tuple[str, ...] = ()


Maker = Callable[["str | None", "Message | None", bool], Composed]
"""Makes a message when its time has come, of the session's vocabulary, the autopilot's message (None where it has
none), and whether values may be taken from that (not while the autopilot is off)."""


class Answer(Future[Any]):
    """What a script waits with. Whoever is interrupted while it waits waits no more."""

    def result(self, timeout: float | None = None) -> Any:
        """As `concurrent.futures.Future.result`; a KeyboardInterrupt ends the wait, not only the call."""
        try:
            return super().result(timeout)
        except KeyboardInterrupt:
            self.cancel()
            raise


@dataclass(slots=True, eq=False)
class Wait:
    """Something that a script waits for: ``kind`` is receive, turn, end, or time (so many ``seconds``)."""

    role: str
    kind: str
    name: str = ""
    seconds: float = 0.0
    future: Answer = field(default_factory=Answer)
    then: Callable[[], Any] | None = None
    restarts: int = 0
    until: float | None = None

    @property
    def request(self) -> str:
        """The request whose coming (or whose answer's coming) is waited for."""
        return self.name[:-3] + "Req"

    def __str__(self) -> str:
        if self.kind in ("end", "time"):
            return "the end of the session" if self.kind == "end" else "the time to pass"
        return self.name if self.kind == "receive" else f"the turn of {self.name}"


@dataclass(slots=True)
class Seat:
    """A party and what the session remembers of its conversation."""

    party: SECC | EVCC
    arrived: dict[str, Message] = field(default_factory=dict)
    sent: dict[str, Message] = field(default_factory=dict)
    unreceived: set[str] = field(default_factory=set)
    latest: str | None = None
    """The last message that arrived."""
    taken: str | None = None
    """The message whose turn the script has taken: it waited for it."""
    used: bool = False
    """Whether the script has taken part in this session."""
    turn_since: float = 0.0
    acts_at: float | None = None

    def forget(self) -> None:
        self.arrived.clear()
        self.sent.clear()
        self.unreceived.clear()
        self.latest = self.taken = self.acts_at = None
        self.used = False

    def owed(self) -> str | None:
        """The message that the party owes; taken back from the autopilot if it has not acted yet."""
        self.party.hold()
        return self.party.turn

    def draft(self, name: str) -> Message | None:
        """The autopilot's message of that name for this moment; None if it has none."""
        party = self.party
        try:
            if isinstance(party, EVCC):
                if name == HANDSHAKE:
                    return codec.new("sap", HANDSHAKE, AppProtocol=offer(party.protocols))
                return party.default_request(name)
            request = party.request
            if request is None or request.name[:-3] != name[:-3]:
                request = self.arrived.get(name[:-3] + "Req")  # another answer than the one that is due, on purpose
            return None if request is None else party.default_response(request)
        except (LocalProtocolError, KeyError):
            return None
