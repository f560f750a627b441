"""What both ends of matching have in common: frames in and out, timers, retries, the journal, and holding back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from os import urandom
from typing import ClassVar

from secc_kernel.session.events import Event, LocalProtocolError
from secc_kernel.session.journal import FindingEntry, Journal, NoteEntry, StateEntry, TimerEntry
from secc_kernel.session.slac.record import mac_text, management_entry
from secc_kernel.session.slac.times import C_EV_MATCH_RETRY, LIMITS, Tolerances, seconds
from secc_kernel.session.timers import Timers
from secc_kernel.wire.homeplug import BROADCAST, Frame, Message, Unknown, nid_of
from secc_kernel.wire.homeplug.messages import CM_SET_KEY_CNF, CM_SET_KEY_REQ
from secc_kernel.wire.homeplug.vendor import VS_LINK_STATUS_CNF, VS_LINK_STATUS_REQ

__all__ = ["LOCAL_MODEM", "Failed", "Linked", "Matched", "Matcher", "Request", "TogglePilot", "Unlinked"]

LOCAL_MODEM = bytes.fromhex("00b052000001")
"""The address at which a modem of Qualcomm's answers its own host, whatever its own is."""
_POLL = 0.5
_ANSWERING = "TT_link_status_response"
#: An EV may wait for all answers (TT_match_response) before it goes on, and may space its sounds by up to 50 ms.
_GRACE = {"TP_match_sequence": 0.2, "TP_EV_batch_msg_interval": 0.01}


@dataclass(frozen=True, slots=True)
class Matched(Event):
    """The EV and the EVSE have found each other; their modems are about to join."""

    peer: bytes
    nid: bytes
    nmk: bytes
    attenuation: float | None


@dataclass(frozen=True, slots=True)
class Linked(Event):
    """The modems have a link: IPv6 may begin."""


@dataclass(frozen=True, slots=True)
class Unlinked(Event):
    """The link, or the attempt at one, is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """Matching has failed and is not tried again by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class TogglePilot(Event):
    """The EV is to toggle the control pilot (B-C-B) so many times within so many seconds."""

    count: int
    within: float


class Request:
    """A request that is repeated until it is answered.

    Parameters
    ----------
    frame
        What is sent.
    timer
        The named time for the answer.
    exhausted
        Called when it has been sent for the last time without an answer.
    """

    def __init__(self, frame: Frame, timer: str, exhausted: Callable[[], None]) -> None:
        self.frame = frame
        self.timer = timer
        self.exhausted = exhausted
        self.left = C_EV_MATCH_RETRY


class Matcher(ABC):
    """One end of matching (sans-IO).

    Parameters
    ----------
    mac : bytes
        The host's address.
    journal : Journal, optional
        Where frames, timers, states and findings go.
    records_frames : bool
        Whether this end records frames; two that share a journal must not both do so.
    tolerances : Tolerances, optional
        What the other end is forgiven.
    random : callable, optional
        Gives so many random bytes: keys, nonces, run ids. The simulated link passes one that repeats itself.

    Attributes
    ----------
    state : str
        ``idle``, ``matching``, ``joining``, ``linked`` or ``failed``.
    keyed : bool
        Whether the own modem has confirmed its key.
    """

    role: ClassVar[str]

    def __init__(
        self,
        mac: bytes,
        *,
        journal: Journal | None = None,
        records_frames: bool = True,
        tolerances: Tolerances | None = None,
        random: Callable[[int], bytes] = urandom,
    ) -> None:
        self.mac = mac
        self.journal = Journal() if journal is None else journal
        self.records_frames = records_frames
        self.tolerances = tolerances or Tolerances()
        self.random = random
        self.now = 0.0
        self.state = "idle"
        self.nid = bytes(7)
        self.nmk = bytes(16)
        self.timers = Timers(self._record_timer)
        self._requests: dict[str, Request] = {}
        self.keyed = False
        self._left_at: float | None = None
        self._holds: Callable[[Frame], bool] = lambda frame: False
        self._held: list[Frame] = []
        self.heard: Callable[[Frame], object] = lambda frame: None
        self._outputs: list[Frame] = []
        self._events: list[Event] = []

    # -- what the link calls ------------------------------------------------------------------------------------------

    def receive(self, frame: Frame, now: float) -> None:
        """Take a frame from the line; what is meant for others is only recorded."""
        self._pass_time(now, including=False)
        if self.records_frames:
            self._record_frame(frame)
        message = frame.message
        if isinstance(message, Unknown):
            if message.error is not None:
                self.find("slac.malformed", "error", f"{frame.name} of {mac_text(frame.source)}: {message.error}")
            return
        if frame.destination not in (self.mac, BROADCAST) and not frame.destination[0] & 1:
            return
        self.heard(frame)
        if isinstance(message, CM_SET_KEY_CNF):
            self._key_confirmed(message)
        elif isinstance(message, VS_LINK_STATUS_CNF):
            self._link_status(message)
        else:
            self._message(frame, message)

    def next_deadline(self) -> float | None:
        """When `advance` has to be called next, if nothing arrives before."""
        return self.timers.next_deadline()

    def advance(self, now: float) -> None:
        """Let time pass: timers expire, and what is due is sent."""
        self._pass_time(now, including=True)

    def outgoing(self) -> list[Frame]:
        """The frames to send, in order; drained by the call."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def events(self) -> list[Event]:
        """What happened since the last call, in order; drained by the call."""
        events, self._events = self._events, []
        return events

    def link(self, up: bool, now: float) -> None:
        """Tell that the modem has got or lost its link, where the host learns it otherwise than by asking."""
        self._pass_time(now, including=False)
        if up and self.state == "joining":
            self._linked()
        elif not up and self.state == "linked":
            self.give_up("the modem has lost its link")

    # -- who sends ----------------------------------------------------------------------------------------------------

    def hold(self, holds: Callable[[Frame], bool] | None) -> None:
        """Hold back frames for a script: those for which ``holds`` is true are owed until `release`; None for none."""
        self._holds = holds or (lambda frame: False)

    @property
    def owed(self) -> tuple[Frame, ...]:
        """What is held back, in order."""
        return tuple(self._held)

    def drop(self, drops: Callable[[Frame], bool]) -> None:
        """Send what is held back, and for which ``drops`` is true, no more."""
        self._held = [frame for frame in self._held if not drops(frame)]

    def release(
        self,
        held: Frame,
        now: float,
        message: Message | None = None,
        intended: tuple[str, ...] = (),
        auto: tuple[str, ...] = (),
    ) -> None:
        """Send a frame that was held back; with ``message``, that in place of its own.

        Raises
        ------
        LocalProtocolError
            It is not held back (any more).
        """
        self._pass_time(now, including=False)
        place = next((n for n, frame in enumerate(self._held) if frame is held), None)
        if place is None:
            names = ", ".join(frame.name for frame in self._held) or "nothing"
            raise LocalProtocolError(f"the {self.role} does not owe this {held.name}: {names} is held back")
        del self._held[place]
        if message is not None:
            self._scripted(message)
        self._put(held if message is None else replace(held, message=message), intended, auto)

    def say(self, frame: Frame, now: float, intended: tuple[str, ...] = (), auto: tuple[str, ...] = ()) -> None:
        """Send a frame of a script's own accord: it goes out as it is, whether anybody expects it or not."""
        self._pass_time(now, including=False)
        self._scripted(frame.message)
        self._put(frame, intended, auto)

    # -- for the two ends ---------------------------------------------------------------------------------------------

    @abstractmethod
    def _message(self, frame: Frame, message: Message) -> None:
        """A message of the other end, or of this end's modem, arrived."""

    @abstractmethod
    def _expired(self, timer: str) -> None:
        """A timer ran out that belongs to no request."""

    @abstractmethod
    def _key_set(self) -> None:
        """The own modem has taken the key."""

    def _linked(self) -> None:
        self.timers.stop_all(self.now)
        self._drop_requests()
        self._enter("linked")
        self._events.append(Linked(self.now))

    def give_up(self, reason: str) -> None:
        """End the link or the attempt at one; what comes next begins anew."""
        self.timers.stop_all(self.now)
        self._requests.clear()
        self._held.clear()
        self._enter("idle")
        self._events.append(Unlinked(self.now, reason))

    def leave(self, reason: str, now: float) -> None:
        """Leave the network, within TP_match_leave: a key that nobody else has makes the modem a stranger there."""
        self._pass_time(now, including=False)
        if self.state != "idle":
            self.give_up(reason)
        self._left_at = self.now
        self.set_key(self._fresh_key())

    def _fresh_key(self) -> bytes:
        return self.random(16)

    def resume(self, now: float) -> None:
        """Woken up: see whether the modems still have their link, or have it again within T_conn_resume."""
        self._pass_time(now, including=False)
        self.join("T_conn_resume")

    # -- frames -------------------------------------------------------------------------------------------------------

    def send(self, message: Message, destination: bytes) -> None:
        """Send a message, or hold it back for the script."""
        self._hand_out(Frame(destination, self.mac, message))

    def _hand_out(self, frame: Frame) -> None:
        if self._holds(frame):
            if frame.mmtype & 1:  # who asks again, because the first answer was held back, gets one
                same = frame.name, frame.destination
                self._held = [held for held in self._held if (held.name, held.destination) != same]
            self._held.append(frame)
        else:
            self._put(frame)

    def _put(self, frame: Frame, intended: tuple[str, ...] = (), auto: tuple[str, ...] = ()) -> None:
        self._outputs.append(frame)
        # The time for an answer begins when the request goes out, not when it is owed.
        for key, request in self._requests.items():
            if (request.frame.name, request.frame.destination) == (frame.name, frame.destination):
                self.timers.start(key, seconds(request.timer), self.now)
        if self.records_frames:
            self._record_frame(frame, self.role, intended, auto)
        self._said(frame.message)

    def _said(self, message: Message | Unknown) -> None:  # noqa: B027  (not every end has times that begin so)
        """A message went out: what begins with it begins now."""

    def _scripted(self, message: Message | Unknown) -> None:
        """A script's message goes out: the values that it has put into it count from now on."""
        if isinstance(message, CM_SET_KEY_REQ):
            self.nmk, self.nid = message.NewKey, message.NID

    def ask(
        self, message: Message, destination: bytes, timer: str, exhausted: Callable[[], None], key: str = ""
    ) -> None:
        """Send a request, again when nobody answers in the named time; ``key`` tells several such requests apart."""
        self._requests[f"{timer} {key}"] = Request(Frame(destination, self.mac, message), timer, exhausted)
        self.send(message, destination)

    def _drop_requests(self) -> None:
        for key in self._requests:
            self.timers.stop(key, self.now)
        self._requests.clear()

    def answered(self, timer: str, key: str = "") -> bool:
        """The answer to what was asked with that timer has come; False if nothing was asked."""
        self.timers.stop(f"{timer} {key}", self.now)
        return self._requests.pop(f"{timer} {key}", None) is not None

    def check_pace(self, name: str, since: float, frame: Frame) -> None:
        """Record a finding when the other end was slower than a performance time asks for."""
        took = self.now - since
        # What is waited for in steps of a timer arrives a step later; and clocks are no better than a millisecond.
        if took > seconds(name) + _GRACE.get(name, 0.0) + 0.001:
            text = f"{frame.name} of {mac_text(frame.source)} came after {took * 1000:.0f} ms ({LIMITS[name].meaning})"
            self.find("slac.late", "note", f"{text}; {name} is {seconds(name) * 1000:.0f} ms")

    # -- the own modem ------------------------------------------------------------------------------------------------

    def set_key(self, nmk: bytes, nid: bytes | None = None) -> None:
        """Give the own modem a key."""
        self.keyed = False
        self.nmk, self.nid = nmk, nid_of(nmk) if nid is None else nid
        nonce = int.from_bytes(self.random(4), "little")
        request = CM_SET_KEY_REQ(MyNonce=nonce, NID=self.nid, NewKey=nmk)
        self.ask(request, LOCAL_MODEM, "SET_KEY_Response", self._no_modem)

    def _no_modem(self) -> None:
        text = "the modem does not confirm its key: is it connected to this interface, and has it power?"
        self.find("slac.set-key", "error", text)
        self._enter("failed")
        self._events.append(Failed(self.now, text))

    def _key_confirmed(self, message: CM_SET_KEY_CNF) -> None:
        if message.Result > 1 or (message.Result == 1 and not self.tolerances.set_key_result_1):
            self.find("slac.set-key", "error", f"the modem refuses its key: Result {message.Result}")
            return
        if message.Result == 1:
            self.find("slac.set-key", "note", "the modem confirms its key with Result 1, as Qualcomm's do")
        if self.answered("SET_KEY_Response"):
            self.keyed = True
            self._check_leaving()
            self._key_set()

    def _check_leaving(self) -> None:
        if self._left_at is not None and self.now - self._left_at > seconds("TP_match_leave"):
            took = f"{self.now - self._left_at:.1f} s"
            self.find("slac.late", "warning", f"the modem has left its network after {took}; TP_match_leave is 1 s")
        self._left_at = None

    def join(self, timer: str = "TT_match_join") -> None:
        """Wait for the modem's link, and ask it now and then, as long as the named time allows."""
        self._enter("joining")
        self.timers.start(timer, seconds(timer), self.now)
        self._poll()

    def _poll(self) -> None:
        if not self.timers.running(_ANSWERING):
            self.timers.start(_ANSWERING, seconds(_ANSWERING), self.now)
        self.timers.start("link poll", _POLL, self.now)
        self.send(VS_LINK_STATUS_REQ(), LOCAL_MODEM)

    def _link_status(self, message: VS_LINK_STATUS_CNF) -> None:
        self.timers.stop(_ANSWERING, self.now)
        if message.LinkStatus and self.state == "joining":
            self._linked()

    # -- time ---------------------------------------------------------------------------------------------------------

    def _pass_time(self, now: float, including: bool) -> None:
        """Expire timers up to ``now``; what arrives at the very deadline still counts."""
        while True:
            deadline = self.timers.next_deadline()
            if deadline is None or deadline > now or (deadline == now and not including):
                break
            self.now = max(self.now, deadline)
            found = self.timers.expire(deadline)
            assert found is not None
            self._timer(found[0])
        self.now = max(self.now, now)

    def _timer(self, name: str) -> None:
        request = self._requests.get(name)
        if request is not None:
            if request.left:
                request.left -= 1
                self._hand_out(request.frame)
            else:
                del self._requests[name]
                request.exhausted()
        elif name == "link poll":
            self._poll()
        elif name in ("TT_match_join", "T_conn_resume"):
            text = f"the modems got no link within {name}"
            self.find("slac.join", "error" if name == "TT_match_join" else "warning", text)
            self.give_up(f"{text} ({seconds(name):g} s)")
        elif name == _ANSWERING:
            text = f"the modem has not answered for {name} ({seconds(name):g} s): is it still connected?"
            self.find("slac.link-status", "warning", text)
        else:
            self._expired(name)

    # -- the record ---------------------------------------------------------------------------------------------------

    def find(self, rule: str, severity: str, text: str) -> None:
        """Record a finding."""
        self.journal.append(FindingEntry(self.now, rule, severity, text))

    def note(self, text: str) -> None:
        """Record a remark."""
        self.journal.append(NoteEntry(self.now, text))

    def _enter(self, state: str) -> None:
        if state != self.state:
            self.journal.append(StateEntry(self.now, f"{self.role} SLAC", self.state, state))
            self.state = state

    def _record_timer(self, now: float, name: str, what: str, limit: float) -> None:
        name = name.partition(" ")[0]  # without what tells those of several devices apart
        if name in LIMITS:
            self.journal.append(TimerEntry(now, name, what, limit))

    def _record_frame(
        self,
        frame: Frame,
        sender: str | None = None,
        intended: tuple[str, ...] = (),
        auto: tuple[str, ...] = (),
    ) -> None:
        entry = management_entry(frame.payload(), frame.destination, frame.source, self.now, sender=sender)
        entry.intended, entry.auto = intended, auto
        self.journal.append(entry)
