"""The EVCC, the vehicle's side of a session: the protocol, without the vehicle.

`EVCC` discovers the station, connects, offers its protocols, asks one request after the other, supervises the answers
and gives up where the standard says so. What a request says, and which of several possible requests comes next, is the
vehicle's: a subclass decides it (`secc_kernel.vehicle.SimulatedEV`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from secc_kernel import codec
from secc_kernel.codec import Message
from secc_kernel.messages import vocabulary
from secc_kernel.session import sdp_security
from secc_kernel.session.events import Connect, LocalProtocolError
from secc_kernel.session.handshake import lacks_security, offer, schema_of
from secc_kernel.session.journal import Journal
from secc_kernel.session.party import AWAITS_LINK, Party
from secc_kernel.session.sequence import HANDSHAKE, SEQUENCES, Progress, failed
from secc_kernel.session.signalling import moved_by
from secc_kernel.session.timers import SDP_REQUESTS, message_times
from secc_kernel.wire import sdp

__all__ = ["EVCC"]

MAC = bytes.fromhex("020000000001")

COMMUNICATION_SETUP = "V2G_EVCC_CommunicationSetup_Timeout"
MESSAGE = "V2G_EVCC_Msg_Timeout"
PRECHARGE = "V2G_EVCC_PreCharge_Timeout"
READY_TO_CHARGE = "V2G_EVCC_ReadyToCharge_Timeout"
DISCOVERY = "SDP_Response_Timeout"
STOP = "SessionStopReq"
STOPS = "the EV stops: "
CLOSES = "; it closes the connection"
"""How the note begins that says why the vehicle ends a session, and how it ends where there is no order to keep."""


class EVCC(Party):
    """The vehicle's side.

    Parameters
    ----------
    protocols : iterable of str
        Schema keys that the vehicle offers, the first with the highest priority.
    security : int
        The `sdp.Security` that it asks for.
    tls_only : bool
        Whether it gives up where the station does no TLS.
    journal, records_frames, name, pace
        As for `Party`.

    Attributes
    ----------
    goal : str
        What the vehicle is after: ``charge``, ``stop``, ``pause`` or ``renegotiate``.
    why : str
        Why it stops, where that is the station's doing.
    paused_session_id : bytes
        The session that `start` joins again; empty if there is none.
    mac : bytes
        Its address on the powerline, where it is no interface's.
    moves_pilot : bool
        Whether it moves the control pilot as its messages ask for (C before CableCheckReq and so on).
    """

    role = "EVCC"
    peer_role = "SECC"

    def __init__(
        self,
        *,
        protocols: Iterable[str] = tuple(SEQUENCES),
        security: int = sdp.Security.NoTransportLayerSecurity,
        tls_only: bool = False,
        journal: Journal | None = None,
        records_frames: bool = True,
        name: str | None = None,
        pace: Callable[[str, str | None], float] | None = None,
    ) -> None:
        super().__init__(journal=journal, records_frames=records_frames, name=name, pace=pace)
        self.protocols = tuple(protocols)
        self.security = self._asked_security = security
        self.tls_only = tls_only
        self.progress = Progress()
        self.goal = "charge"
        self.why = ""
        self._awaiting: deque[Message] = deque()
        self.paused_session_id = b""
        self.moves_pilot = True
        self.mac = MAC
        self._offers: list[Any] = []
        self._asked = 0
        self._plugged_at = 0.0

    # -- the vehicle --------------------------------------------------------------------------------------------------

    def default_request(self, name: str) -> Message:
        """The autopilot's request of that name, at this moment. Asking changes nothing.

        Raises
        ------
        LocalProtocolError
            The vehicle cannot make such a request, for example one that needs a contract.
        """
        if name == HANDSHAKE:
            return codec.new("sap", HANDSHAKE, AppProtocol=offer(self.protocols))
        return self.make_request(name)

    @abstractmethod
    def make_request(self, name: str) -> Message:
        """As `default_request`, for all but the handshake."""

    @abstractmethod
    def choose(self, allowed: tuple[str, ...], request: Message, response: Message) -> str:
        """Which of several allowed requests comes next.

        Asked only where there is a choice: more than one way on, or the vehicle is `leaving`.
        """

    @abstractmethod
    def judge(self, request: Message, response: Message) -> str | None:
        """Judge a response that answers its request and is not FAILED: why to close the connection, if it is so bad.

        What it thinks besides (findings, that it wants to stop) is its own affair.
        """

    @abstractmethod
    def observe(self, request: Message, response: Message) -> None:
        """React to a response that is not FAILED: battery, goal."""

    def describe(self, timer: str) -> str:
        """What the vehicle knows of why a timer ran out, to end the sentence that says so; '' for nothing."""
        return ""

    def begin(self) -> None:
        """A session begins."""

    @property
    def awaiting(self) -> Message | None:
        """The request that the station has to answer."""
        return self._awaiting[0] if self._awaiting else None

    @property
    def leaving(self) -> bool:
        """Whether the vehicle is on its way out of the session."""
        return self.goal in ("stop", "pause")

    def stop(self, now: float) -> None:
        """The driver stops: the session ends in order at the next occasion."""
        self._set_goal("stop", now)

    def pause(self, now: float) -> None:
        """Pause: end the session in order, to be joined again by `start`."""
        self._set_goal("pause", now)

    def renegotiate(self, now: float) -> None:
        """Negotiate schedules and parameters again, out of the charge loop.

        Raises
        ------
        LocalProtocolError
            The session's protocol has no renegotiation.
        """
        if not self.progress.rules.renegotiates:
            title = vocabulary(self.progress.rules.schema).title
            raise LocalProtocolError(f"{title} knows no renegotiation: the vehicle can stop, and charge anew")
        self._set_goal("renegotiate", now)

    def unplug(self, now: float) -> None:
        """The cable is pulled: no message, the link is gone."""
        self._pass_time(now, including=False)
        if self.ended is None and self.state != "idle":
            self._abort("the cable was pulled", self.role)
        self.paused_session_id = b""
        self._enter("idle")

    def _without_link(self, reason: str) -> None:
        self._awaiting.clear()
        self._abort(reason, "link")

    def _signal(self, message: Message) -> None:
        if self.pilot is None or not self.moves_pilot:
            return
        state = moved_by(self.pilot, self.schema, self.progress.mode, message)
        if state is not None:
            self.pilot.set_vehicle(state, self.now)

    def _set_goal(self, goal: str, now: float) -> None:
        self._pass_time(now, including=False)
        self.goal = goal

    # -- the link -----------------------------------------------------------------------------------------------------

    def plugged_in(self, now: float) -> None:
        """As `Party.plugged_in`; what the driver wishes from now on is for the session to come."""
        super().plugged_in(now)
        if self.state == AWAITS_LINK:
            self._set_out()

    def _set_out(self) -> None:
        self.ended = None
        self.goal = "charge"
        self.why = ""

    def start(self, now: float, station: tuple[str, int] | None = None) -> None:
        """Plug in: look for the station, or connect to ``station`` (address, port) if that is known.

        After a pause this joins the paused session.

        Raises
        ------
        LocalProtocolError
            It is plugged in already.
        """
        self._pass_time(now, including=False)
        if self.state not in ("idle", AWAITS_LINK) and self.ended is None:
            raise LocalProtocolError(f"the vehicle is plugged in ({self.state}): unplug it first")
        if self.state != AWAITS_LINK:
            self._set_out()
        self.session_id = b""
        self.schema = None
        self._asked = 0
        self._plugged_at = self.now
        self.begin()
        self._start_timer(COMMUNICATION_SETUP)
        if station is None:
            self._enter("discovery")
            self._ask()
        else:
            self._enter("connecting")
            self._outputs.append(Connect(*station, tls=self.security == sdp.Security.TLS))

    def _ask(self) -> None:
        self._asked += 1
        self.discovery.put(sdp.Request(self.security, sdp.TransportProtocol.TCP))

    def send_datagram(self, data: bytes, dest: Any, intended: tuple[str, ...], auto: tuple[str, ...]) -> None:
        """As of `Party`; the time for an answer begins when the request goes out, not when it is owed."""
        super().send_datagram(data, dest, intended, auto)
        said = sdp.parse(data)
        if isinstance(said, sdp.Request):
            self._asked_security = said.security
        if self.state == "discovery":
            self._start_timer(DISCOVERY)

    def _datagram(self, message: sdp.Request | sdp.Response, sender: Any) -> None:
        if isinstance(message, sdp.Request):
            self._find("sdp", "note", f"an SDP request came from {sender}: another vehicle is on this link")
            return
        if self.state != "discovery":
            self._find("sdp", "note", "an SDP response came late or twice: it is ignored")
            return
        self.timers.stop(DISCOVERY, self.now)
        remark = sdp_security.remark(self._asked_security, message.security)
        if remark is not None and self.records_frames:  # of two ends with one journal, one says it
            self._find(sdp_security.RULE, *remark)
        if self.tls_only and message.security != sdp.Security.TLS:
            self._give_up(f"the station answers {sdp_security.named(message.security)}, and the vehicle does TLS only")
            return
        self._enter("connecting")
        tls = message.security == sdp.Security.TLS
        self._outputs.append(Connect(str(message.address), message.port, tls=tls))

    def _opened(self) -> None:
        self.progress = Progress()
        self._awaiting.clear()
        self._enter("handshake")
        self._owe(HANDSHAKE, "")

    def _closed(self, reason: str) -> None:
        self._awaiting.clear()
        if self.ended is not None:
            return
        if self.state == "connecting":
            self._end("aborted", f"no connection to the station: {reason}", "link")
        else:
            said = reason if "closed the connection" in reason else f"the station closed the connection: {reason}"
            self._end("aborted", self._lost(said, self.progress.last), self.peer_role)

    def _expired(self, timer: str) -> None:
        if timer == DISCOVERY:
            if self._asked < SDP_REQUESTS:
                self._ask()
                return
            text = f"no SDP response to {self._asked} requests ([V2G2-161])"
        elif timer == MESSAGE:
            assert self.awaiting is not None
            times = message_times(self.awaiting.schema, self.awaiting.name)
            within = f" within {times.timeout:g} s" if times else ""
            text = f"{MESSAGE}: no response to {self.awaiting.name}{within}"
        else:
            limit = self._limit(timer)
            assert limit is not None
            text = f"{timer}: {limit.meaning} took longer than {limit.seconds:g} s ({limit.clause})"
            text += self.describe(timer)
        self._find(timer, "error", text)
        self._give_up(text)

    # -- requests -----------------------------------------------------------------------------------------------------

    def _owed_message(self) -> Message:
        assert self._owed is not None
        return self.default_request(self._owed)

    def _sent(self, message: Message, by: str) -> None:
        name = message.name
        if name.endswith("Res"):
            self._find("direction", "note", f"{name}, a response, was sent to the station on purpose ({by})")
            return
        if self.awaiting is not None:
            self._find(
                "turn", "note", f"{name} was sent before the response to {self.awaiting.name}, on purpose ({by})"
            )
        if name not in self.progress.allowed:
            expected = ", ".join(self.progress.allowed) or "nothing"
            text = f"{name} was sent on purpose ({by}) where {expected} may follow {self.progress.ids}"
            self._find("sequence", "note", text)
        self._awaiting.append(message)
        self._owe_nothing()
        if name == HANDSHAKE:
            self._offers = message.body.AppProtocol
        times = message_times(message.schema, name)
        if times is not None:
            self.timers.start(MESSAGE, times.timeout, self.now)
        self._measure(message)

    # -- responses ----------------------------------------------------------------------------------------------------

    def _schemas(self) -> tuple[str, ...]:
        return (self.schema, "sap") if self.schema else ("sap",)

    def _undecodable(self, reason: str) -> None:
        self._give_up(f"the station's message cannot be decoded: {reason}")

    def _message(self, message: Message) -> None:
        name = message.name
        if name.endswith("Req"):
            self._find("direction", "error", f"the station sent a request, {name}: it is ignored")
            return
        request = self.awaiting
        if request is None:
            self._find("turn", "error", f"{name} came without a request: it is ignored")
            return
        self._awaiting.popleft()
        if not self._awaiting:
            self.timers.stop(MESSAGE, self.now)
        problem = self._problem(request, message, name)
        if problem is not None:
            self._give_up(problem)
            return
        self.progress.answered(request, message)
        self._measure(message)
        effect = _EFFECTS.get(name)
        if effect is not None:
            effect(self, request, message)
        if self.connection is not None:
            self._go_on(request, message, name)

    def _problem(self, request: Message, response: Message, name: str) -> str | None:
        """Why a response ends the session; None if it does not."""
        if name != request.name[:-3] + "Res":
            text = f"{request.name} was answered with {name}"
            self._find("turn", "error", text)
            return text
        if failed(response):  # no fault of the response: the station's own finding about the request
            return f"{name} says {response.body.ResponseCode}"
        lack = _lack(response)
        if lack is not None or name == "supportedAppProtocolRes":
            return lack
        return self.judge(request, response)

    def _give_up(self, why: str) -> None:
        """End the session without the station's doing: close the connection, if there is one."""
        self._awaiting.clear()
        if self.connection is not None:
            self._note(f"{STOPS}{why}{CLOSES}")
        self._abort(why, self.peer_role)

    def _go_on(self, request: Message, response: Message, name: str) -> None:
        """Decide what comes next, from what the sequence allows."""
        if name != "supportedAppProtocolRes":
            self.observe(request, response)
        self._enter(self.progress.state)
        allowed = self.progress.allowed
        onward = [other for other in allowed if other != STOP]
        if not allowed or self._awaiting:
            return
        if len(allowed) == 1:
            following = allowed[0]
        elif len(onward) == 1 and not self.leaving:
            following = onward[0]
        else:
            following = self.choose(allowed, request, response)
        self._owe(following, name)

    def _negotiated(self, request: Message, response: Message) -> None:
        taken = next((entry for entry in self._offers if entry.SchemaID == response.body.SchemaID), None)
        schema = None if taken is None else schema_of(taken)
        if lacks_security(schema, self.tls):
            over = f"over {self.tls}" if self.tls else "without TLS"
            text = f"the station takes {schema} {over}; ISO 15118-20 demands TLS 1.3"
            self._find("tls.iso20", "error", f"{text} ([V2G20-1805])")
        if schema is None or schema not in SEQUENCES:
            text = f"the station took SchemaID {response.body.SchemaID}, which the vehicle did not offer"
            self._find("handshake", "error", text)
            self._give_up(text)
            return
        self.schema = schema
        self.progress.negotiated(schema)
        self._start_timer(READY_TO_CHARGE, self._plugged_at)

    def _set_up(self, request: Message, response: Message) -> None:
        self.session_id = response.session_id or b""
        if self.paused_session_id and response.body.ResponseCode != "OK_OldSessionJoined":
            self._note("the station did not join the paused session: everything begins anew")
        self.paused_session_id = b""

    def _stopped(self, request: Message, response: Message) -> None:
        # In DIN SPEC 70121 a pause is the vehicle's own affair: it comes back with the session's id.
        pause = getattr(request.body, "ChargingSession", "Pause" if self.goal == "pause" else None) == "Pause"
        self.paused_session_id = self.session_id if pause else b""
        self._close("the session is over")
        how, done = ("paused", "paused") if pause else ("terminated", "ended")
        self._end(how, f"the vehicle {done} the session" + (f": {self.why}" if self.why else ""))


def _lack(response: Message) -> str | None:
    """Why a vehicle can do nothing with a response that was read: an element that it needs is not there, or another."""
    if not response.deviations:
        return None
    try:
        codec.encode(response)  # what is not as the schema has it cannot be written
    except codec.EncodeError as error:
        return f"{response.name} breaks its schema: {error}"
    return None


_EFFECTS: dict[str, Callable[[EVCC, Message, Message], None]] = {
    "supportedAppProtocolRes": EVCC._negotiated,
    "SessionSetupRes": EVCC._set_up,
    "SessionStopRes": EVCC._stopped,
}
"""What a response does to the EVCC besides its place in the sequence."""
