"""A live session: what a script calls ``session``.

`LiveSession` owns a link and the parties on it, and decides who acts: the script or the autopilot. Whatever the
script does not do itself, the autopilot does by the standard. A message that arrives while a script runs is held for
it; one that arrives between two cells on a real link is held for half of its V2G_SECC_Msg_Performance_Time, then the
autopilot answers; on the simulated link nothing happens between cells, because its clock stands still.

Everything about the link happens in one thread. The methods here may be called from any thread; those that wait
return a `concurrent.futures.Future`, and cancelling it (or interrupting who waits for its result) ends the wait and
nothing else::

    session = LiveSession(SimLink(SECC(journal=journal), vehicle))
    request = session.receive("SessionSetupReq").result()
    session.send("SessionSetupRes", EVSEID="DE*ABC*E1", ResponseCode="OK").result()
    ended = session.run_to_end().result()
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from .. import codec
from ..codec import Message
from ..session.control_pilot import ControlPilot
from ..session.evcc import EVCC
from ..session.events import Ended
from ..session.journal import CHECK, FindingEntry, Journal, NoteEntry
from ..session.secc import SECC
from ..wire.layers import home
from .base import CLOSED, Composed, Link, Maker, SessionError, Wait
from .breakpoints import Breakpoints, Stop
from .loop import LoopThread, ThreadEndedError
from .pilot import Pilot
from .watching import until_pilot

__all__ = ["CHECK", "Composed", "Link", "LiveSession", "Maker", "SessionError", "Status"]

T = TypeVar("T")

_TURN = 0.0005
"""Seconds that the script's thread and the link's get in turn, where a real peer waits for the answer: by default ten
times as long, of the 25 ms that a station has for some."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where a session stands.

    Attributes
    ----------
    link : str
        ``sim``, ``tcp``, ``plc`` or ``listen``.
    place : str
        Where it listens, or whom it talks to.
    data_link : str or None
        Where matching and the powerline stand; None on links without.
    security : str or None
        The version of TLS that the connection has; None without TLS.
    side : str
        The party that the script plays.
    protocol : str or None
        The vocabulary that was negotiated.
    session_id : str
        Upper-case hex digits; empty before SessionSetup.
    state : str
        Where the party stands in its sequence.
    waiting : str or None
        The message that the script's side owes: the request to answer, or the one to send (as below V2G).
    time : float
        The link's clock.
    messages : int
        How many messages the journal holds.
    autopilot : bool
        Whether the autopilot does what the script does not.
    ended : str or None
        How the last session ended, and why.
    """

    link: str
    place: str
    data_link: str | None
    security: str | None
    side: str
    protocol: str | None
    session_id: str
    state: str
    waiting: str | None
    time: float
    messages: int
    autopilot: bool
    ended: str | None


class LiveSession:
    """A session under a script's control.

    Parameters
    ----------
    link : Link
        Carries bytes and time; with one party (the other one is real) or both.
    side : str
        The party that the script plays: ``SECC`` or ``EVCC``.
    autopilot : bool
        Whether the autopilot does what the script does not.
    overrides : callable, optional
        ``overrides(message name)`` gives a `Maker` for a message of which the script has set something; the autopilot
        sends what it makes.
    on_end : callable, optional
        Called with the `Ended` of the script's side, and whether a wait goes on into the next session.
    on_changed : callable, optional
        Called with the name of each message of ``overrides`` that the autopilot has sent.
    breakpoints : Breakpoints, optional
        Where it stops; see the module `breakpoints`.

    Attributes
    ----------
    begins : int
        The index of its first entry in the journal, which may hold those of earlier sessions.

    Raises
    ------
    OSError
        The link cannot be opened; the text says what to do.
    """

    refusal = ""
    """Why nothing can be sent here, where a script only listens."""
    advice = ""
    """What it can do instead."""

    def __init__(
        self,
        link: Link,
        *,
        side: str = "SECC",
        autopilot: bool = True,
        overrides: Callable[[str], Maker | None] | None = None,
        on_end: Callable[[Ended, bool], None] | None = None,
        on_changed: Callable[[str], object] | None = None,
        breakpoints: Breakpoints | None = None,
    ) -> None:
        if side not in link.parties:
            raise ValueError(f"the link has {', '.join(link.parties)}; a script cannot play {side}")
        self.link = link
        self.side = side
        self.breakpoints = breakpoints or Breakpoints()
        self.begins = len(link.parties[side].journal)
        self._closed = False
        if link.real:
            sys.setswitchinterval(min(sys.getswitchinterval(), _TURN))
        self._closing = threading.Lock()
        self._thread = LoopThread(f"secc-kernel {link.kind} link")
        self._pilot = Pilot(
            link,
            side,
            autopilot,
            self._thread.loop,
            overrides or (lambda name: None),
            on_end or (lambda ended, goes_on: None),
            on_changed or (lambda name: None),
            self.breakpoints,
        )
        try:
            asyncio.run_coroutine_threadsafe(link.open(self._pilot.happened), self._thread.loop).result()
        except BaseException:
            self._thread.close()
            raise

    # -- what a script asks -------------------------------------------------------------------------------------------

    @property
    def journal(self) -> Journal:
        """The record of everything that happened."""
        return self.party.journal

    @property
    def position(self) -> int:
        """How far the script has come in the journal: an index of its entries."""
        return len(self.journal)

    @property
    def party(self) -> SECC | EVCC:
        """The party that the script plays."""
        return self._pilot.party

    @property
    def protocol(self) -> str | None:
        """The vocabulary that was negotiated, or None."""
        return self.party.schema

    @property
    def autopilot(self) -> bool:
        """Whether the autopilot does what the script does not; may be changed at any time."""
        return self._pilot.autopilot

    @autopilot.setter
    def autopilot(self, on: bool) -> None:
        self._pilot.autopilot = on

    @property
    def now(self) -> float:
        """The link's clock: virtual seconds from 0, or seconds since the epoch."""
        return self.link.now

    def receive(self, name: str, role: str | None = None) -> Future[Message]:
        """Wait until a message arrives; the autopilot does everything else meanwhile.

        A message that arrived already and was not received yet is given at once.
        """
        return self._ask(Wait(self._role(role), "receive", name))

    def run_to(self, name: str, role: str | None = None) -> Future[Stop | None]:
        """Let the autopilot work up to, and not including, the answer to a request (or, as the EVCC, the request).

        This and the other runs give the `Stop` where a breakpoint has ended them.
        """
        return self._ask(Wait(self._role(role), "turn", name))

    def run_to_end(self) -> Future[Ended | Stop]:
        """Let the autopilot work until the session has ended; gives how it ended."""
        return self._ask(Wait(self.side, "end"))

    def run_for(self, seconds: float) -> Future[Ended | Stop | None]:
        """Let the autopilot work for some time; gives how the session ended, if it did."""
        return self._ask(Wait(self.side, "run", seconds=float(seconds)))

    def run_to_pilot(self, wire: ControlPilot, state: str, seconds: float) -> Future[Ended | Stop | bool | None]:
        """Let the autopilot work until the control pilot is in a state: True; or some time has passed, as `run_for`."""
        wait = Wait(self.side, "run", seconds=float(seconds))
        return self._ask(wait, partial(until_pilot, self._pilot, wire, state))

    def run_on(self) -> Future[Message | Ended | Stop]:
        """Let the autopilot work until the next message was sent or received; gives it, or how the session ended."""
        return self._ask(Wait(self.side, "message"))

    def wait(self, seconds: float, role: str | None = None) -> Future[Stop | None]:
        """Let time pass. What is the script's turn is held meanwhile: an answer can be late, or never come."""
        return self._ask(Wait(self._role(role), "time", seconds=float(seconds)))

    def preview(self, name: str, role: str | None = None) -> Message | None:
        """The message before whose sending the session has stopped, as it would go out now; None if it is another."""
        return self._do(self._pilot.preview, self._role(role), name) if self.breakpoints.stop is not None else None

    def send(
        self,
        message: Message | str,
        role: str | None = None,
        make: Maker | None = None,
        **fields: Any,
    ) -> Future[Message]:
        """Send a message when it is its turn; the autopilot works up to there.

        Parameters
        ----------
        message : Message or str
            The message, or the name of one whose other fields are those of the autopilot.
        role : str, optional
            Who sends it; the script's side by default.
        make : Maker, optional
            Makes the named message when its turn has come.
        **fields
            Fields of the message type that differ from the autopilot's.

        Returns
        -------
        Future of Message
            What was sent.
        """
        name = message if isinstance(message, str) else message.name
        if isinstance(message, Message):
            ready = Composed(message)
            make = make or (lambda schema, automatic, fills: ready)
        chosen = make or _replacing(name, fields, lambda: self.party.session_id or None)
        turn = name if home(name) is not None else name[:-3] + "Req"
        wait = Wait(self._role(role), "turn", turn, sends=name, make=chosen)
        return self._ask(wait, self._pilot.begin_send)

    def begin(self) -> None:
        """Whoever follows the journal is ready. What only listens begins to do so now."""

    def check_received(self, name: str, role: str | None = None) -> bool:
        """Whether a message has arrived in this session."""
        return self.arrived(name, role) is not None

    def arrived(self, name: str, role: str | None = None) -> Message | None:
        """The last message of that name that arrived in this session."""
        return self._pilot.arrived(self._role(role), name)

    def sent(self, name: str, role: str | None = None) -> Message | None:
        """The last message of that name that was sent in this session."""
        return self._pilot.sent(self._role(role), name)

    def plug(self, vehicle: EVCC | None = None) -> None:
        """Plug the simulated vehicle in, or in again; or another one in its place."""
        self._do(self._pilot.plug, vehicle)

    def unplug(self) -> None:
        """Pull the plug in the middle of whatever is going on."""
        self._do(self._pilot.unplug)

    def act(self, call: Callable[[Any, float], Any], role: str | None = None) -> Any:
        """Call something with a party and the time, such as ``lambda vehicle, now: vehicle.stop(now)``."""
        return self._do(self._pilot.act, self._role(role), call)

    def check(self, passed: bool, text: str, place: str = "", subject: str = "") -> bool:
        """Record a verdict of the script: a finding of the rule `CHECK`, an error when it failed.

        Parameters
        ----------
        passed : bool
            The verdict.
        text : str
            What was checked, and of a verdict that failed what was found.
        place : str
            Where in the script.
        subject : str
            What was checked, without what was found.
        """
        severity = "note" if passed else "error"
        frames = len(self.journal.frames)
        message = frames - 1 if frames else None
        self.journal.append(FindingEntry(self.now, CHECK, severity, text, message, place, subject))
        return passed

    def note(self, text: str) -> None:
        """Record a remark."""
        self.journal.append(NoteEntry(self.now, text=text))

    @contextmanager
    def script(self) -> Iterator[None]:
        """Say that a script (a cell) runs meanwhile: what arrives is held for it."""
        self._thread.post(self._pilot.script, 1)
        try:
            yield
        finally:
            self._thread.post(self._pilot.script, -1)

    @property
    def below(self) -> tuple[str, ...]:
        """The messages of SLAC and SDP that the script's side owes."""
        return self._pilot.lower.owed(self.side)

    @property
    def ended(self) -> Ended | None:
        """How the last session ended: for the script's side, or for a vehicle that has gone before it was connected."""
        lapse = self._pilot.lapse
        return self.party.ended if lapse is None else lapse.ended

    @property
    def status(self) -> Status:
        """Where the session stands."""
        party = self.party
        ended, below = self.ended, self.link.datalinks.get(self.side)
        return Status(
            link=self.link.kind,
            place=self.link.place,
            data_link=None if below is None else below.text,
            security=party.tls or None,
            side=self.side,
            protocol=party.schema,
            session_id=party.session_id.hex().upper(),
            state=party.state,
            waiting=party.turn or next(iter(self.below), None),
            time=self.now,
            messages=len(self.journal.frames),
            autopilot=self.autopilot,
            ended=None if ended is None else f"{ended.how}: {ended.reason}",
        )

    def close(self) -> None:
        """Close the link: what was sent goes out, connections end. The journal stays.

        In the link's thread (a subscriber of the journal, ``on_end``) it does not wait: the link ends right after.
        """
        with self._closing:
            closed, self._closed = self._closed, True
        if closed:
            return
        if self._thread.inside:
            self._pilot.end()
            ending = self._thread.loop.create_task(self._pilot.shut())
            ending.add_done_callback(lambda done: self._thread.close())
            return
        asyncio.run_coroutine_threadsafe(self._pilot.shut(), self._thread.loop).result()
        self._thread.close()

    def __enter__(self) -> LiveSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _role(self, role: str | None) -> str:
        role = role or self.side
        if role not in self._pilot.seats:
            raise SessionError(f"the {role} is not ours on this link ({self.link.place}): a script cannot act for it")
        return role

    def _ask(self, wait: Wait, begin: Callable[[Wait], None] | None = None) -> Future[Any]:
        if not self._thread.post(self._pilot.enter, wait, begin or self._pilot.begin):
            wait.future.set_exception(SessionError(CLOSED))
        return wait.future

    def _do(self, call: Callable[..., T], *args: Any) -> T:
        """Have something done in the link's thread."""
        try:
            return self._thread.ask(call, *args)
        except ThreadEndedError:
            raise SessionError(CLOSED) from None


def _replacing(name: str, fields: dict[str, Any], session_id: Callable[[], bytes | None]) -> Maker:
    """Make the autopilot's message with some fields replaced; what it has none of, with the session's id."""

    def make(schema: str | None, automatic: Message | None, fills: bool) -> Composed:
        if automatic is None or not fills:
            return Composed(codec.new(schema or "sap", name, session_id(), **fields))
        body = {f.name: getattr(automatic.body, f.name) for f in type(automatic.body).__fields__}
        unknown = [key for key in fields if key not in body and key != "Header"]
        if unknown:
            raise TypeError(f"{name} has no field {', '.join(unknown)}; it has {', '.join(body)}")
        header = fields.get("Header", automatic.header)
        values = {**body, **fields}
        if header is not None:
            values["Header"] = header
        return Composed(codec.new(automatic.schema, name, **values))

    return make
