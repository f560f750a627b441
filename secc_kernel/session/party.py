"""What both sides of a charging session have in common.

A `Party` is one end of the conversation, without sockets and without a clock: whoever owns it (a link, or a test)
brings bytes, datagrams and the time, and takes away `Output`s (bytes to move) and `Event`s (what happened). The
package's docstring tells how the pieces work together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from secc_kernel import codec
from secc_kernel.codec import Message
from secc_kernel.messages import vocabulary
from secc_kernel.session.control_pilot import ControlPilot
from secc_kernel.session.discovery import Discovery
from secc_kernel.session.events import (
    Close,
    Connected,
    Disconnected,
    Ended,
    Event,
    Expired,
    LocalProtocolError,
    Output,
    Received,
    SendData,
    SendDatagram,
    Sent,
    Undecodable,
)
from secc_kernel.session.journal import FindingEntry, FrameEntry, Journal, NoteEntry, StateEntry, TimerEntry
from secc_kernel.session.timers import LIMITS, Limit, Timers, measured
from secc_kernel.wire import sdp, v2gtp

__all__ = ["AWAITS_LINK", "LONGEST", "Connection", "Party", "endpoint"]

_INFINITY = float("inf")
AWAITS_LINK = "waits for the data link"
"""The state of a party that is plugged in, before its modem has a link."""
_TLS = b"\x16\x03"
"""How a TLS handshake begins."""
LONGEST = 32 * 1024
"""Bytes that a message may have. The longest honest ones, with certificate chains, have less than 20 KiB; to find out
that a longer one is none takes its time, in which nobody else is served."""
_SHOWN = 32
"""How many bytes of what cannot be read a finding shows."""


def endpoint(address: Any) -> str:
    """A socket address as the journal writes it: ``[host]:port``; a name stays a name."""
    return f"[{address[0]}]:{address[1]}" if isinstance(address, tuple) else str(address)


@dataclass(slots=True)
class Connection:
    """A TCP connection of a party: who is at its ends, its number, and the V2GTP frames that arrive on it.

    `tls` is the version of transport security below it, such as ``TLS 1.2``; '' for none.
    """

    peer: str
    local: str
    stream: int
    decoder: v2gtp.Decoder
    tls: str = ""


class Party(ABC):
    """One side of a charging session (sans-IO).

    Parameters
    ----------
    journal : Journal, optional
        Where everything that happens is recorded; a new one in memory by default.
    records_frames : bool
        Whether this party records frames. Two parties that share a journal (the simulated link) must not both do so:
        each frame is one entry.
    name : str, optional
        How this side is called where it has no socket address; the role by default.
    pace : callable, optional
        How long the autopilot takes: ``pace(name, previous)`` seconds for the message ``name`` after ``previous`` (the
        request that is answered, the response that was received; None for the first). At once by default.

    Attributes
    ----------
    turn : str or None
        The message that this side owes: the SECC the *request to answer*, the EVCC the *request to send next*.
        None while the other side is at work, or after `take_turn` gave the turn to the autopilot.
    turn_at : float or None
        When the autopilot would send (its pace): a script may send earlier or later.
    ended : Ended or None
        How the last session ended.
    schema : str or None
        The vocabulary that the handshake agreed on.
    session_id : bytes
        The session's id, as both sides agreed; empty before.
    pilot : ControlPilot or None
        The control pilot, where one is attached.
    on_end : callable
        Told how a session has ended; the data link's.
    """

    role: ClassVar[str]
    peer_role: ClassVar[str]

    def __init__(
        self,
        *,
        journal: Journal | None = None,
        records_frames: bool = True,
        name: str | None = None,
        pace: Callable[[str, str | None], float] | None = None,
    ) -> None:
        self.journal = Journal() if journal is None else journal
        self.records_frames = records_frames
        self.name = name or self.role
        self.pace = pace or (lambda name, previous: 0.0)
        self.timers = Timers(self._record_timer)
        self.discovery = Discovery(self)
        self.now = 0.0
        self.state = "idle"
        self.schema: str | None = None
        self.session_id = b""
        self.connection: Connection | None = None
        self.ended: Ended | None = None
        self.pilot: ControlPilot | None = None
        self.on_end: Callable[[Ended], object] = lambda ended: None
        self._streams = 0
        self._running: set[str] = set()
        self._owed: str | None = None
        self._owed_at = 0.0
        self._autopilot = False
        self._outputs: list[Output] = []
        self._events: list[Event] = []

    # -- what the link calls ------------------------------------------------------------------------------------------

    @abstractmethod
    def start(self, now: float) -> None:
        """Tell that the data link is up (to the vehicle: it is plugged in). Links that cannot know need not call it."""

    def plugged_in(self, now: float) -> None:
        """Tell that the plug is in, and that the data link is still to come: then `start`, or `link_lost`."""
        self._pass_time(now, including=False)
        if self.connection is None:
            self.ended = None
            self._enter(AWAITS_LINK)

    def link_lost(self, now: float, reason: str) -> None:
        """Tell that the data link is gone, or could not be made: there is no session without one."""
        self._pass_time(now, including=False)
        if self.connection is not None:
            self._record_state("TCP", "connected", "closed")
            self._drop("link", reason)
        if self.ended is None and self.state != "idle":
            self._without_link(reason)

    @abstractmethod
    def _without_link(self, reason: str) -> None:
        """What was under way has ended: there is no data link."""

    def receive_datagram(self, data: bytes, sender: Any, now: float) -> None:
        """Take an SDP datagram; ``sender`` comes back as `SendDatagram.dest` of the answer."""
        self._pass_time(now, including=False)
        try:
            message = sdp.parse(data)
        except sdp.SDPError as error:
            self._record_datagram(data, endpoint(sender), self.name, self.peer_role)
            self._find("sdp", "warning", f"the datagram from {endpoint(sender)} was ignored: {error}")
            return
        self._record_datagram(data, endpoint(sender), self.name, self.peer_role)
        self.discovery.arrived(message, sender)
        self._datagram(message, sender)

    def new_stream(self) -> int:
        """The number of a TCP connection that has just been made: what happens on it before `connected` has it too."""
        self._streams += 1
        return self._streams - 1

    @property
    def tls(self) -> str:
        """The version of transport security that the connection has, such as ``TLS 1.2``; '' for none."""
        return self.connection.tls if self.connection is not None else ""

    def connected(self, peer: Any, now: float, local: Any = None, *, tls: str = "", stream: int | None = None) -> None:
        """Tell that the connection to ``peer`` stands.

        Parameters
        ----------
        peer, local : Any
            The addresses of its ends.
        now : float
            The time.
        tls : str
            The version of transport security that was agreed on; '' for none.
        stream : int, optional
            Its number, where `new_stream` has given it one already.

        Raises
        ------
        LocalProtocolError
            There is one already: a party talks to one peer at a time.
        """
        self._pass_time(now, including=False)
        if self.connection is not None:
            raise LocalProtocolError(
                f"{self.role} is connected to {self.connection.peer}: refuse {endpoint(peer)}, "
                "or report the old connection's end first"
            )
        here = self.name if local is None else endpoint(local)
        # Of any payload type: one that nobody knows is a finding, and the message after it is read all the same.
        number = self.new_stream() if stream is None else stream
        self.connection = Connection(endpoint(peer), here, number, v2gtp.Decoder(LONGEST, types=None), tls)
        self.schema = None
        self.ended = None
        self.discovery.drop()
        self._running.clear()
        self._record_state("TCP", "closed", "connected")
        self._events.append(Connected(self.now, self.connection.peer))
        self._opened()

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes of the TCP connection, in any segmentation. Bytes after the end of a connection are dropped."""
        self._pass_time(now, including=False)
        connection = self.connection
        if connection is None:
            return
        damage: v2gtp.V2GTPError | None = None
        frames: Iterable[v2gtp.Frame]
        try:
            frames = connection.decoder.receive_data(data)
        except v2gtp.V2GTPError as error:
            damage, frames = error, error.frames
        for frame in frames:
            self._frame(frame)
            if self.connection is not connection:  # what it said has ended the connection
                return
        if damage is not None:
            shown = damage.rest[:_SHOWN].hex(" ") + (" …" if len(damage.rest) > _SHOWN else "")
            if damage.rest.startswith(_TLS):
                text = f"{self.peer_role} begins a TLS handshake, and TLS is not done here (tls=true does it)"
                self._find("tls.unexpected", "error", text)
            self._find("v2gtp", "error", f"{self.peer_role} sent what is no V2GTP: {damage}; the bytes are {shown}")
            self._abort(f"{self.peer_role} sent what is no V2GTP: {damage.reason}", self.peer_role)

    def disconnected(self, now: float, reason: str) -> None:
        """Tell that the TCP connection ended (or could not be made) without our doing."""
        self._pass_time(now, including=False)
        if self.connection is not None:
            self._record_state("TCP", "connected", "closed")
            self._drop(self.peer_role, reason)
        self._closed(reason)

    def refused(self, peer: Any, now: float) -> None:
        """Tell that the link turned ``peer`` away, because this side talks to another one."""
        self._pass_time(now, including=False)
        talks = f" while {self.connection.peer} is connected" if self.connection else ""
        self._find("tcp.refused", "warning", f"{endpoint(peer)} connected{talks}, and was refused")

    def superseded(self, peer: Any, now: float) -> None:
        """Tell that ``peer`` connected anew: the connection that it had before is gone, without having ended."""
        self._pass_time(now, including=False)
        had = self.connection.peer if self.connection else "none"
        text = f"{endpoint(peer)} connected while its connection {had} was open"
        self._find("tcp.superseded", "warning", f"{text}: the old one was closed, the new one counts")
        told, self.on_end = self.on_end, lambda ended: None  # the new one uses the same data link: it is to stay
        try:
            self.disconnected(now, f"{self.peer_role} connected anew from {endpoint(peer)}")
        finally:
            self.on_end = told

    @property
    def backlog(self) -> int:
        """How many messages of the peer wait for their answer: a link that sees many lets the peer wait."""
        return 0

    def next_deadline(self) -> float | None:
        """When `advance` has to be called next, if nothing arrives before."""
        deadline = self.timers.next_deadline()
        if self._autopilot and self._owed is not None:
            return self._owed_at if deadline is None else min(self._owed_at, deadline)
        return deadline

    def advance(self, now: float) -> None:
        """Let time pass: timers expire, and the autopilot does what it was given to do at its pace."""
        self._pass_time(now, including=True)

    def outgoing(self) -> list[Output]:
        """What is to be sent and done, in order; drained by the call."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def events(self) -> list[Event]:
        """What happened since the last call, in order; drained by the call."""
        events, self._events = self._events, []
        return events

    # -- whose turn it is ---------------------------------------------------------------------------------------------

    @property
    def turn(self) -> str | None:
        """The message that this side owes, as long as nobody has taken it up."""
        return None if self._autopilot else self._owed

    @property
    def turn_at(self) -> float | None:
        """When the autopilot's pace lets it send what is owed."""
        return None if self._owed is None else self._owed_at

    def take_turn(self, now: float) -> None:
        """Give the turn to the autopilot: it sends at once, or at `turn_at` from `advance` if that is still to come."""
        self.now = max(self.now, now)
        if self._owed is None:
            return
        if now >= self._owed_at:
            self._act()
        else:
            self._autopilot = True

    def hold(self) -> None:
        """Take the turn back from the autopilot, if it has not acted yet."""
        self._autopilot = False

    def send(self, message: Message, now: float, intended: tuple[str, ...] = (), auto: tuple[str, ...] = ()) -> None:
        """Send a message that a script made. It goes out even where the standard forbids it.

        Parameters
        ----------
        message : Message
            What to send.
        now : float
            The time.
        intended : tuple of str
            Paths of values that break the schema on purpose.
        auto : tuple of str
            Paths of values that the autopilot filled in.

        Raises
        ------
        LocalProtocolError
            There is no connection.
        codec.EncodeError
            EXI cannot express the message.
        """
        self._pass_time(now, including=False)
        self._transmit(message, "script", intended, auto)

    # -- for the two sides --------------------------------------------------------------------------------------------

    @abstractmethod
    def _datagram(self, message: sdp.Request | sdp.Response, sender: Any) -> None:
        """An SDP message arrived."""

    @abstractmethod
    def _opened(self) -> None:
        """The connection stands."""

    @abstractmethod
    def _message(self, message: Message) -> None:
        """A decoded message arrived."""

    @abstractmethod
    def _undecodable(self, reason: str) -> None:
        """A frame arrived that is no message."""

    @abstractmethod
    def _closed(self, reason: str) -> None:
        """The peer or the link ended the connection, or it could not be made."""

    @abstractmethod
    def _expired(self, timer: str) -> None:
        """A timer ran out."""

    @abstractmethod
    def _owed_message(self) -> Message:
        """The autopilot's message for the turn."""

    @abstractmethod
    def _sent(self, message: Message, by: str) -> None:
        """A message went out."""

    @abstractmethod
    def _signal(self, message: Message) -> None:
        """A message is about to go out: move the control pilot, where that goes with it."""

    @abstractmethod
    def _schemas(self) -> tuple[str, ...]:
        """The vocabularies in which an arriving message may be, the likeliest first."""

    def _owe(self, name: str, previous: str | None) -> None:
        """It is this side's turn to send ``name`` (or to answer it)."""
        self._owed, self._autopilot = name, False
        self._owed_at = self.now + self.pace(name, previous)

    def _owe_nothing(self) -> None:
        self._owed, self._autopilot = None, False

    def _act(self) -> None:
        self._transmit(self._owed_message(), "autopilot")

    def _transmit(self, message: Message, by: str, intended: tuple[str, ...] = (), auto: tuple[str, ...] = ()) -> None:
        if self.connection is None:
            why = f"; the session ended: {self.ended.reason}" if self.ended else ""
            raise LocalProtocolError(f"{self.role} cannot send {message.name}: there is no TCP connection{why}")
        exi = codec.encode(message)
        self._signal(message)
        payload_type = vocabulary(message.schema).payload_type
        self._outputs.append(SendData(v2gtp.pack(payload_type, exi)))
        if self.records_frames:
            self._record_frame(self.role, payload_type, exi, message.schema, intended=intended, auto=auto)
        self._events.append(Sent(self.now, message, by))
        self._sent(message, by)

    def send_datagram(self, data: bytes, dest: Any, intended: tuple[str, ...], auto: tuple[str, ...]) -> None:
        """Send an SDP datagram: for `Discovery`, which decides when."""
        self._outputs.append(SendDatagram(data, dest))
        to = "SDP" if dest is None else endpoint(dest)
        self._record_datagram(data, self.name, to, self.role, intended=intended, auto=auto)

    def _close(self, reason: str) -> None:
        """Close the connection from this side."""
        self._outputs.append(Close(reason))
        self._record_state("TCP", "connected", "closed")
        self._drop(self.role, reason)

    def _drop(self, by: str, reason: str) -> None:
        assert self.connection is not None
        decoder = self.connection.decoder
        if decoder.buffered:
            text = f"of the last message {decoder.buffered} bytes had come, and at least {decoder.missing} are missing"
            self._find("v2gtp.incomplete", "warning", text)
        self.connection = None
        self._owe_nothing()
        self._events.append(Disconnected(self.now, by, reason))

    def _end(self, how: str, reason: str, fault: str = "") -> None:
        """The session is over: no timer runs on, nothing is owed any more."""
        self.timers.stop_all(self.now)
        self._owe_nothing()
        self.discovery.drop()
        self.ended = Ended(self.now, how, reason, fault)
        self._events.append(self.ended)
        self._enter(f"ended ({how})")
        self._note(f"{self.role}: the session ended ({how}): {reason}")
        self.on_end(self.ended)

    @staticmethod
    def _lost(reason: str, last: str) -> str:
        """Why a connection has gone, with the last response where nobody says more."""
        if ": " in reason:
            return reason
        return f"{reason}, before anything was agreed on" if last == "handshake" else f"{reason} after {last}"

    def _abort(self, reason: str, fault: str) -> None:
        """Give up: close the connection, if there is one, and end the session."""
        if self.connection is not None:
            self._close(reason)
        self._end("aborted", reason, fault)

    # -- time ---------------------------------------------------------------------------------------------------------

    def _limit(self, timer: str) -> Limit | None:
        """A named time of the standard that counts: before the handshake, when they do not differ, ISO 15118-2's."""
        return LIMITS.get(self.schema or "", LIMITS["iso2"]).get(timer)

    def _start_timer(self, timer: str, since: float | None = None) -> None:
        """Start a named timer, if the standard has it."""
        found = self._limit(timer)
        if found is not None:
            self.timers.start(timer, found.seconds, self.now, since)

    def _measure(self, message: Message) -> None:
        """Begin and end the times that a message begins and ends, by the table of the standard.

        A time that has run out is late, and not begun again until it has ended.
        """
        begun, ended = measured(self.schema if self.schema in LIMITS else "iso2", self.role, message.name)
        for limit in ended:
            if any(moment.met(message) for moment in limit.ends):
                self._running.discard(limit.name)
                self.timers.stop(limit.name, self.now)
        for limit in begun:
            if limit.name not in self._running and limit.begins is not None and limit.begins.met(message):
                self._running.add(limit.name)
                self.timers.start(limit.name, limit.seconds, self.now)

    def _pass_time(self, now: float, *, including: bool) -> None:
        """Do what was due before ``now`` (and, with ``including``, at ``now``), in order.

        What arrives at the very instant of a deadline is still in time, so arrivals come with ``including`` False.
        """
        self.now = max(self.now, now)
        while True:
            timer = self.timers.next_deadline()
            turn = self._owed_at if self._autopilot and self._owed is not None else _INFINITY
            due = turn if timer is None else min(timer, turn)
            if due > now or (due == now and not including):
                return
            if due == turn:
                self._act()
            else:
                self._expire()

    def _expire(self) -> None:
        expired = self.timers.expire(self.now)
        if expired is not None:
            self._events.append(Expired(self.now, *expired))
            self._expired(expired[0])

    # -- frames in ----------------------------------------------------------------------------------------------------

    def _frame(self, frame: v2gtp.Frame) -> None:
        message, reason = self._decode(frame)
        expected = self._likeliest(frame.payload_type)
        if self.records_frames:
            schema = message.schema if message else expected
            # As bytes: the message belongs to whoever receives it, who may change it.
            self._record_frame(self.peer_role, frame.payload_type, frame.payload, schema)
        if message is None:
            self._find("codec", "error", f"{self.peer_role} sent what is no message: {reason}")
            self._events.append(Undecodable(self.now, frame.payload, reason or ""))
            if expected is not None:  # what is in a payload type that nobody asked for concerns nobody
                self._undecodable(reason or "")
            return
        for finding in message.findings:
            self._find(finding.rule, finding.severity, f"{message.name} {finding.path}: {finding.text}")
        self._events.append(Received(self.now, message))
        if self.connection is not None:
            self._message(message)

    def _likeliest(self, payload_type: int) -> str | None:
        """The vocabulary that a message of this payload type should be in; None where none is expected."""
        return next((key for key in self._schemas() if vocabulary(key).payload_type == payload_type), None)

    def _decode(self, frame: v2gtp.Frame) -> tuple[Message | None, str | None]:
        first: str | None = None
        for schema in self._schemas():
            known = vocabulary(schema)
            if known.payload_type != frame.payload_type:
                continue
            try:
                message = codec.decode(frame.payload, schema)
            except codec.DecodeError as error:
                first = first or f"as {schema}: {error}"
                continue
            # Any global element of the schema decodes; only a message of the vocabulary is one.
            if message.name in known.messages:
                return message, None
            first = first or f"as {schema}: a lone {message.name} element, not a message"
        return None, first or f"no message is expected in payload type 0x{frame.payload_type:04X}"

    # -- the journal --------------------------------------------------------------------------------------------------

    def _record_frame(
        self,
        sender: str,
        payload_type: int,
        data: bytes,
        schema: str | None,
        *,
        intended: tuple[str, ...] = (),
        auto: tuple[str, ...] = (),
    ) -> None:
        connection = self.connection
        assert connection is not None
        ends = (connection.local, connection.peer)
        src, dst = ends if sender == self.role else ends[::-1]
        self.journal.append(
            FrameEntry(
                time=self.now,
                layer="v2gtp",
                sender=sender,
                src=src,
                dst=dst,
                stream=connection.stream,
                payload_type=payload_type,
                data=data,
                schema=schema,
                intended=intended,
                auto=auto,
            )
        )

    def _record_datagram(
        self,
        data: bytes,
        src: str,
        dst: str,
        sender: str,
        *,
        intended: tuple[str, ...] = (),
        auto: tuple[str, ...] = (),
    ) -> None:
        if not self.records_frames:
            return
        try:
            frame = v2gtp.unpack(data)
        except v2gtp.V2GTPError:
            frame = v2gtp.Frame(0, data)
        self.journal.append(
            FrameEntry(
                time=self.now,
                layer="sdp",
                sender=sender,
                src=src,
                dst=dst,
                payload_type=frame.payload_type,
                data=frame.payload,
                intended=intended,
                auto=auto,
            )
        )

    def _record_timer(self, time: float, name: str, what: str, seconds: float) -> None:
        self.journal.append(TimerEntry(time=time, name=name, what=what, limit=seconds))

    def _record_state(self, machine: str, old: str, new: str) -> None:
        self.journal.append(StateEntry(time=self.now, machine=machine, old=old, new=new))

    def _enter(self, state: str) -> None:
        """Go to another state of this side; the journal hears of it."""
        if state != self.state:
            self._record_state(self.role, self.state, state)
            self.state = state

    def _find(self, rule: str, severity: str, text: str) -> None:
        """A finding about the last frame."""
        frames = len(self.journal.frames)
        self.journal.append(
            FindingEntry(time=self.now, rule=rule, severity=severity, text=text, message=frames - 1 if frames else None)
        )

    def _note(self, text: str) -> None:
        self.journal.append(NoteEntry(time=self.now, text=text))
