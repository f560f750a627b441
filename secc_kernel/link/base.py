"""What the pieces of a live session share: the link's surface, and what is known of each party and each wait."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any, Protocol

from .. import codec
from ..codec import Message
from ..session.datalink import DataLink
from ..session.evcc import EVCC
from ..session.events import LocalProtocolError
from ..session.handshake import offer
from ..session.secc import SECC
from ..session.sequence import HANDSHAKE
from ..session.timers import limit, message_times
from ..wire.layers import home

__all__ = ["CLOSED", "Answer", "Composed", "Link", "Maker", "Seat", "SessionEndedError", "SessionError", "Wait"]

_PATIENCE = limit("V2G_EVCC_Sequence_Performance_Time").seconds / 2
"""How long a vehicle that a script plays waits for it between two cells."""

CLOSED = "the session is closed; open another one"
"""What is said to whoever asks something of a session that is no more."""


class SessionError(Exception):
    """A wait or a send cannot end as asked; the text says which, why, and what the last messages were."""


class SessionEndedError(SessionError):
    """What was asked for cannot come, or be sent, because the session has ended.

    Attributes
    ----------
    advice : str
        How to go on.
    """

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


class Link(Protocol):
    """What `LiveSession` needs of a link. All methods are called in the session's thread."""

    kind: str
    real: bool
    parties: dict[str, SECC | EVCC]
    datalinks: dict[str, DataLink]
    """What is below the parties of this link, by their role: empty on links without powerline."""

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


_WAITS = {
    "end": "the end of the session",
    "time": "the time to pass",
    "run": "the time to pass",
    "message": "the next message",
}


@dataclass(slots=True, eq=False)
class Wait:
    """Something that a script waits for.

    Attributes
    ----------
    role : str
        The party that it concerns.
    kind : str
        ``receive`` (a message), ``turn`` (of a message), ``end``, ``time`` (while what is the script's turn is held),
        ``run`` (time, while the autopilot works), or ``message`` (the next one, sent or received).
    name : str
        The message.
    sends, make : str, Maker or None
        What is sent when the turn has come, and how it is made.
    seconds, until : float, float or None
        How long, and until when.
    restarts : int
        How often it went on into a new session.
    """

    role: str
    kind: str
    name: str = ""
    sends: str = ""
    make: Maker | None = None
    seconds: float = 0.0
    future: Answer = field(default_factory=Answer)
    restarts: int = 0
    until: float | None = None

    def resolve(self, result: Any = None, error: BaseException | None = None) -> None:
        """Tell whoever waits; nothing happens where nobody does any more."""
        try:
            if error is not None:
                self.future.set_exception(error)
            else:
                self.future.set_result(result)
        except InvalidStateError:  # cancelled meanwhile
            return

    @property
    def request(self) -> str:
        """The request whose coming (or whose answer's coming) is waited for; below V2G, the message itself."""
        return self.name if home(self.name) is not None else self.name[:-3] + "Req"

    def __str__(self) -> str:
        if self.kind in _WAITS:
            return _WAITS[self.kind]
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

    @property
    def below(self) -> bool:
        """Whether its messages are those of a layer below V2G."""
        return False

    def moment(self, direction: str) -> int:
        """What tells the message that arrives or is about to be sent from the next of its name."""
        return len(self.party.journal.frames) - (direction == "receive")

    @property
    def holds(self) -> bool:
        """Whether the turn is the script's: it has received what is to be answered, or has run up to here."""
        return self.taken is not None and self.taken == self.party.turn

    def is_latest(self, name: str) -> bool:
        """Whether a message that arrived is the one to answer now, or (the vehicle) to follow up."""
        owed = self.owed()
        return owed == name if self.party.role == "SECC" else owed is not None and self.latest == name

    def patience(self) -> float:
        """How long a message waits for a script between two cells on a real link, in seconds."""
        party = self.party
        if isinstance(party, EVCC):
            deadline = party.next_deadline()
            return _PATIENCE if deadline is None else min(_PATIENCE, max(deadline - party.now, 0.0) / 2)
        times = message_times(party.schema or "sap", party.turn or "")
        if times is None:
            return 0.0
        # DIN SPEC 70121 gives the station no time of its own, but the vehicle one to wait.
        return (times.performance or times.timeout / 2) / 2

    def draft(self, name: str, now: float) -> Message | None:
        """The autopilot's message of that name for this moment; None if it has none."""
        party = self.party
        try:
            if isinstance(party, EVCC):
                if name == HANDSHAKE:
                    return codec.new("sap", HANDSHAKE, AppProtocol=offer(party.protocols))
                return party.default_request(name)
            party.station.advance(now)
            request = party.request
            if request is None or request.name[:-3] != name[:-3]:
                request = self.arrived.get(name[:-3] + "Req")  # another answer than the one that is due, on purpose
            return None if request is None else party.default_response(request)
        except (LocalProtocolError, KeyError):
            return None
