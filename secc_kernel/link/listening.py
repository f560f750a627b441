"""A session in which a script listens to somebody else's: everything is overheard, and nothing is sent.

`ListenSession` has the surface of a live session, so scripts, views and the kernel work on it as on any other: each
message was sent by one party and has arrived at the other. What is overheard is recorded at once, whatever a script
does; the script goes through the record from wait to wait, so that it misses nothing between two of them, and what it
asks (what has arrived, where the session stands) is as of where it has come to. What it would send, set or plug in is
refused, because nobody would hear it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from typing import Any, NoReturn

from ..codec import Message
from ..session.control_pilot import ControlPilot
from ..session.evcc import EVCC
from ..session.events import Ended
from ..session.gist import gist_of
from ..session.journal import Entry, FindingEntry, FrameEntry, NoteEntry
from ..session.secc import SECC
from ..session.sequence import SEQUENCES, Progress
from ..session.talk import Talk, connection_end
from ..session.tls_judgement import WAITS
from ..wire.layers import LAYERS, home
from .base import CLOSED, Answer, Link, Maker, SessionEndedError, SessionError
from .breakpoints import Breakpoints, Stop
from .listen import ListenLink
from .live import LiveSession
from .loop import LoopThread
from .reach import begins_session
from .reasons import how_it_ended, last_messages

__all__ = ["ListenSession"]

#: Entries that a wait goes through at a time before the thread does something else.
_SLICE = 256
_ADVICE = "Receive, Session.RunTo(…) and Session.RunToEnd() wait for what is overheard"
#: Rules of findings that say that nothing of a connection can be read.
_UNREADABLE = ("tls.encrypted", "tls.secrets")


@dataclass(slots=True)
class _Heard:
    """What one party has received and sent."""

    arrived: dict[str, Message] = field(default_factory=dict)
    sent: dict[str, Message] = field(default_factory=dict)
    unreceived: set[str] = field(default_factory=set)

    def forget(self) -> None:
        """Another conversation begins; what has matched the modems and found the station belongs to it."""
        for held in (self.arrived, self.sent):
            for name in [name for name in held if home(name) is None]:
                del held[name]
        self.unreceived = {name for name in self.unreceived if home(name) is not None}


@dataclass(slots=True, eq=False)
class _Wait:
    role: str
    kind: str
    name: str = ""
    until: float = inf
    told: bool = False
    future: Answer = field(default_factory=Answer)

    def __str__(self) -> str:
        return self.name or {"end": "the end of the session", "message": "the next message"}.get(self.kind, "the time")

    def resolve(self, result: Any = None) -> None:
        if not self.future.done():
            self.future.set_result(result)


def _overheard(entry: Entry) -> bool:
    """Whether an entry has the time of what was overheard, and not of when somebody said something of it."""
    return isinstance(entry, FrameEntry) or (isinstance(entry, NoteEntry) and connection_end(entry.text) is not None)


class ListenSession(LiveSession):
    """A session in which a script listens.

    Parameters
    ----------
    link : ListenLink
        What is listened to.
    side : str
        Whose receiving is meant where a script does not say.
    on_end : callable, optional
        As for `LiveSession`.
    breakpoints : Breakpoints, optional
        Nothing stops at them: whom we listen to waits for nobody.

    Raises
    ------
    OSError
        The link cannot be opened; the text says what to do.
    """

    def __init__(
        self,
        link: Link,
        *,
        side: str = "SECC",
        on_end: Callable[[Ended, bool], None] | None = None,
        breakpoints: Breakpoints | None = None,
    ) -> None:
        assert isinstance(link, ListenLink)
        self.link: ListenLink = link
        self.side = side
        self.breakpoints = breakpoints or Breakpoints()
        self._parties = link.overheard
        self.begins = len(self.journal)
        self._on_end = on_end or (lambda ended, goes_on: None)
        self._closed = False
        self._closing = threading.Lock()
        self._heard = {role: _Heard() for role in link.overheard}
        self._at = self.begins
        self._wait: _Wait | None = None
        self._talk: Talk | None = None
        self._request: Message | None = None
        self._unreadable = ""
        self._tls: int | None = None
        self._on = True
        self._thread = LoopThread("secc-kernel listen link")
        link.heard = self._take
        link.looked = self._go
        try:
            asyncio.run_coroutine_threadsafe(link.open(self._happened), self._thread.loop).result()
        except BaseException:
            self._thread.close()
            raise

    def begin(self) -> None:
        """Begin to listen."""
        self._thread.post(self.link.begin)

    # -- what a script asks -------------------------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """How far the script has come in the journal: the index of the first entry that no wait has gone through."""
        return self._at

    @property
    def ended(self) -> Ended | None:
        """How the last session ended that the script has come to the end of."""
        return self.party.ended

    @property
    def party(self) -> SECC | EVCC:
        """The party whose receiving is meant where a script does not say."""
        return self.link.parties[self.side]

    @property
    def autopilot(self) -> bool:
        """What was set; there is nothing for it to do."""
        return self._on

    @autopilot.setter
    def autopilot(self, on: bool) -> None:
        self._on = on

    def receive(self, name: str, role: str | None = None) -> Future[Message]:
        """Wait until a message is overheard; one that was overheard already and not received yet is given at once."""
        return self._ask_for(_Wait(self._role(role), "receive", name))

    def run_to(self, name: str, role: str | None = None) -> Future[Stop | None]:
        """Wait until a message is overheard."""
        return self._ask_for(_Wait(self._role(role), "run to", name))

    def run_to_end(self) -> Future[Ended | Stop]:
        """Wait until the session has ended; gives how."""
        return self._ask_for(_Wait(self.side, "end"))

    def run_for(self, seconds: float) -> Future[Ended | Stop | None]:
        """Listen for some time; gives how the session ended, if it did."""
        return self._ask_for(_Wait(self.side, "run"), seconds)

    def run_on(self) -> Future[Message | Ended | Stop]:
        """Wait until the next message is overheard; gives it, or how the session ended."""
        return self._ask_for(_Wait(self.side, "message"))

    def wait(self, seconds: float, role: str | None = None) -> Future[Stop | None]:
        """Let time pass."""
        return self._ask_for(_Wait(self._role(role), "time"), seconds)

    def run_to_pilot(self, wire: ControlPilot, state: str, seconds: float) -> Future[Ended | Stop | bool | None]:
        """Refused."""
        self._refuse("there is no control pilot here")

    @property
    def below(self) -> tuple[str, ...]:
        """Nothing is owed here."""
        return ()

    def preview(self, name: str, role: str | None = None) -> Message | None:
        """Nothing: no message of ours is about to be sent."""
        return None

    def send(
        self, message: Message | str, role: str | None = None, make: Maker | None = None, **fields: Any
    ) -> Future[Message]:
        """Refused."""
        self._refuse(f"{message if isinstance(message, str) else message.name} cannot be sent")

    def plug(self, vehicle: EVCC | None = None) -> None:
        """Refused."""
        self._refuse("no vehicle can be plugged in")

    def unplug(self) -> None:
        """Refused."""
        self._refuse("no vehicle can be unplugged")

    def act(self, call: Callable[[Any, float], Any], role: str | None = None) -> Any:
        """Refused."""
        self._refuse("nothing can be set or done")

    def _refuse(self, what: str) -> NoReturn:
        raise SessionError(f"{what}: {self.refusal}")

    advice = _ADVICE

    @property
    def refusal(self) -> str:  # type: ignore[override]  # of others it is never another
        """Why nothing can be done here but listen, and what else there is."""
        return (
            f"{self.link.place} is only listened to, nothing is sent there; Session.Open{{link='sim'}}, 'tcp' or 'plc' "
            "takes part in a session"
        )

    def check_received(self, name: str, role: str | None = None) -> bool:
        """Whether a message was overheard in this session."""
        return name in self._heard[self._role(role)].arrived

    def arrived(self, name: str, role: str | None = None) -> Message | None:
        """The last message of that name that a party has received."""
        return self._heard[self._role(role)].arrived.get(name)

    def sent(self, name: str, role: str | None = None) -> Message | None:
        """The last message of that name that a party has sent."""
        return self._heard[self._role(role)].sent.get(name)

    @contextmanager
    def script(self) -> Iterator[None]:
        """Say that a script runs meanwhile: nothing is held for it, and nothing is lost."""
        yield

    def close(self) -> None:
        """Listen no more. The journal stays."""
        with self._closing:
            closed, self._closed = self._closed, True
        if closed:
            return
        if self._thread.inside:
            ending = self._thread.loop.create_task(self._shut())
            ending.add_done_callback(lambda done: self._thread.close())
            return
        asyncio.run_coroutine_threadsafe(self._shut(), self._thread.loop).result()
        self._thread.close()

    async def _shut(self) -> None:
        if self._wait is not None:
            self._fail(f"{self._wait} did not come: the session was closed")
        await self.link.close()

    def _role(self, role: str | None) -> str:
        return role or self.side

    # -- waits, in the link's thread ----------------------------------------------------------------------------------

    def _ask_for(self, wait: _Wait, seconds: float | None = None) -> Future[Any]:
        if not self._thread.post(self._begin, wait, seconds):
            wait.future.set_exception(SessionError(CLOSED))
        return wait.future

    def _begin(self, wait: _Wait, seconds: float | None) -> None:
        if self._wait is not None and not self._wait.future.done():
            wait.future.set_exception(SessionError(f"the session already waits for {self._wait}: one wait at a time"))
            return
        self._wait = wait
        if seconds is not None:
            wait.until = self._until(seconds)
            self._thread.loop.call_later(seconds, wait.resolve)
        elif wait.kind == "receive":
            heard = self._heard[wait.role]
            if wait.name in heard.unreceived:
                heard.unreceived.discard(wait.name)
                wait.resolve(heard.arrived[wait.name])
        self._go()
        if not wait.future.done():
            self._tell_unreadable(wait)

    def _until(self, seconds: float) -> float:
        """Until when a script goes through what is recorded already, if it lets so many seconds pass."""
        recorded = islice(self.journal.entries, self._at, None)
        return next((entry.time + seconds for entry in recorded if _overheard(entry)), inf)

    def _go(self) -> None:
        """Let the script's wait go on through what is recorded, as far as it asks."""
        entries = self.journal.entries
        for _ in range(_SLICE):
            wait = self._wait
            if wait is None or wait.future.done():
                return
            if self._at >= len(entries):
                self._come_to_the_end(wait)
                return
            entry = entries[self._at]
            if entry.time > wait.until and _overheard(entry):
                wait.resolve()
                return
            self._at += 1
            self._pass(entry)
        self._thread.loop.call_soon(self._happened, self._go)

    def _come_to_the_end(self, wait: _Wait) -> None:
        """Nothing more is recorded so far: who may wait for long is told where nobody writes any more."""
        wait.until = inf
        if not self.link.drained or wait.kind in ("time", "run"):
            return
        ended = self._parties[self.side].ended
        if wait.kind == "end" and ended is not None:
            self._pass_by()
            wait.resolve(ended)
        elif not wait.told and (still := self.link.source.still):
            wait.told = True
            moment = self.journal.entries[-1].time if self._at > self.begins else self.now
            self.journal.append(FindingEntry(moment, WAITS, "note", still))

    def _pass_by(self) -> None:
        """The script knows that the session has ended: what it has not waited for of it is no news any more."""
        for heard in self._heard.values():
            heard.unreceived = {name for name in heard.unreceived if home(name) is not None}

    def _fail(self, reason: str, ended: bool = False) -> None:
        wait, self._wait = self._wait, None
        text = reason + last_messages(self.journal, self._at)
        if ended:
            self._pass_by()
        if wait is not None and not wait.future.done():
            wait.future.set_exception(SessionEndedError(text, _ADVICE) if ended else SessionError(text))

    # -- what is overheard, in the link's thread ----------------------------------------------------------------------

    def _happened(self, call: Callable[[], object]) -> None:
        """Something was overheard; whatever goes wrong with it is said, and ends the wait."""
        try:
            call()
        except Exception as error:
            text = f"{self.link.place} can no longer be listened to: {error}"
            self.journal.append(FindingEntry(self.now, "link.listen", "error", text))
            if self._wait is not None:
                self._fail(text)

    def _take(self, entries: Iterator[Entry]) -> None:
        for entry in entries:
            self.journal.append(entry)

    def _pass(self, entry: Entry) -> None:
        """The script's wait goes on behind an entry."""
        if isinstance(entry, FrameEntry):
            self._frame(entry)
        elif isinstance(entry, NoteEntry) and (closed := connection_end(entry.text)) is not None:
            self._closed_by(entry.time, *closed)
        elif isinstance(entry, FindingEntry) and entry.rule in _UNREADABLE:
            self._cannot_read(entry.text)

    def _cannot_read(self, why: str) -> None:
        """Nothing of a connection can be read: who waits for its messages is told so, and who begins to, once."""
        self._unreadable = why
        if self._wait is not None and not self._wait.future.done():
            self._tell_unreadable(self._wait)

    def _tell_unreadable(self, wait: _Wait) -> None:
        if self._unreadable and wait.kind not in ("time", "run") and home(wait.name) is None:
            why, self._unreadable = self._unreadable, ""
            self._fail(f"{wait} cannot be overheard: {why}")

    def _frame(self, entry: FrameEntry) -> None:
        if entry.layer == "v2gtp":
            self._message(entry)
            return
        if entry.layer == "tls":
            self._tls = entry.stream
        found = entry.message if entry.layer in ("homeplug", "sdp") else None
        if found is not None:
            words = LAYERS[found.schema]
            sent = [role for role in self._heard if words.sends(role, found.name)]
            self._deliver(found, sent, [role for role in self._heard if words.receives(role, found.name)])

    def _message(self, entry: FrameEntry) -> None:
        if self._talk is None or self._talk.stream != entry.stream:
            self._connected(entry)
        assert self._talk is not None
        self._unreadable = ""
        message = entry.message
        if message is None or entry.schema is None:
            return
        self._talk.take(gist_of(entry.schema, entry.data), entry.schema)
        asks = message.name.endswith("Req")
        self._follow(message, asks)
        role, peer = ("EVCC", "SECC") if asks else ("SECC", "EVCC")
        self._deliver(message, [role], [peer])

    def _connected(self, entry: FrameEntry) -> None:
        """A conversation begins, or is overheard from here on."""
        self._talk = Talk(entry.stream, entry.src if entry.sender == "EVCC" else entry.dst)
        self._request = None
        for role, party in self._parties.items():
            self._heard[role].forget()
            party.connection, party.ended, party.schema = self._talk, None, None
            party.session_id, party.state, party.progress = b"", "handshake", Progress()
            party.tls = "TLS" if self._tls == entry.stream else ""

    def _follow(self, message: Message, asks: bool) -> None:
        """Keep up with where the conversation stands."""
        assert self._talk is not None
        for party in self._parties.values():
            party.session_id = message.session_id or party.session_id
            if self._talk.protocol and party.schema != self._talk.protocol:
                party.schema = self._talk.protocol
                if party.schema in SEQUENCES:
                    party.progress.negotiated(party.schema)
            if not asks and message.schema != "sap":
                party.progress.answered(self._request, message)
            party.state = message.name
        if asks:
            self._request = message

    def _deliver(self, message: Message, senders: list[str], receivers: list[str]) -> None:
        """Let it have been sent and have arrived, and end the wait for it."""
        name = message.name
        for role in senders:
            self._heard[role].sent[name] = message
        for role in receivers:
            self._heard[role].arrived[name] = message
            self._heard[role].unreceived.add(name)
        wait = self._wait
        if wait is None:
            return
        if wait.kind == "receive" and wait.name == name and wait.role in receivers:
            self._heard[wait.role].unreceived.discard(name)
            wait.resolve(message)
        elif wait.kind == "message":
            wait.resolve(message)
        elif wait.kind == "run to" and wait.name == name:
            wait.resolve()

    def _closed_by(self, moment: float, stream: int, address: str, how: str) -> None:
        """An end closes the connection; the first one to do so ends the session."""
        talk = self._talk
        if talk is None or talk.stream != stream or self._parties[self.side].ended is not None:
            return
        talk.close(address, how)
        end = talk.how("nothing more was overheard")
        ended = Ended(moment, "aborted" if end.how not in ("terminated", "paused") else end.how, end.why, end.who)
        for party in self._parties.values():
            party.ended, party.connection, party.state = ended, None, f"ended ({ended.how})"
        wait = self._wait
        assert wait is not None  # only a wait goes through what was recorded
        goes_on = self._survives(wait)
        self._on_end(ended, goes_on)
        if wait.kind in ("end", "message", "run"):
            self._pass_by()
            wait.resolve(ended)
        elif not goes_on and wait.kind != "time":
            self._fail(f"{wait} was not overheard: {how_it_ended(ended)}", ended=True)

    @staticmethod
    def _survives(wait: _Wait) -> bool:
        """Whether a wait goes on into the next session: it is for what begins one."""
        return home(wait.name) is not None or begins_session(wait.name.removesuffix("Res").removesuffix("Req") + "Req")
