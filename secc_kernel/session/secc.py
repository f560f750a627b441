"""The SECC, the charging station's side of a session: ISO 15118-2, AC and DC, and DIN SPEC 70121."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address
from typing import Any

from secc_kernel.codec import Message
from secc_kernel.session import autopilot, sdp_security
from secc_kernel.session.absurd import absurdities
from secc_kernel.session.contract import CHALLENGE_BYTES, Contract, remarks
from secc_kernel.session.events import LocalProtocolError
from secc_kernel.session.handshake import PREFERENCES, lacks_security, schema_of
from secc_kernel.session.journal import Journal
from secc_kernel.session.offers import Offers
from secc_kernel.session.party import AWAITS_LINK, Party
from secc_kernel.session.sequence import HANDSHAKE, SEQUENCES, Progress, failed
from secc_kernel.session.signalling import PilotWatch
from secc_kernel.session.signs import Signs
from secc_kernel.session.station import Station, starts
from secc_kernel.session.timers import message_times
from secc_kernel.wire import sdp

__all__ = ["SECC"]

SEQUENCE = "V2G_SECC_Sequence_Timeout"
COMMUNICATION_SETUP = "V2G_SECC_CommunicationSetup_Performance_Time"
CLOSE = "TCP_Close_Timeout"
EVCC_SEQUENCE = "V2G_EVCC_Sequence_Performance_Time"


class SECC(Party):
    """The charging station's side.

    Parameters
    ----------
    station : Station, optional
        What the autopilot's answers are read off.
    protocols : iterable of str
        Schema keys that the station offers, out of `sequence.SEQUENCES`.
    preference : str
        How it chooses among the vehicle's offers; see `handshake.PREFERENCES`.
    strict : bool
        Whether it refuses what its protocol forbids even where vehicles on the road do it (`sequence.Tolerated`);
        otherwise that is a finding.
    entropy : callable, optional
        ``entropy(n)`` gives n random bytes for session ids. By default a generator with a fixed seed, so that a
        simulated session is the same each time; a real station passes ``secrets.token_bytes``.
    journal, records_frames, name, pace
        As for `Party`.

    Attributes
    ----------
    request : Message or None
        The request that waits for its answer.
    verdict : str or None
        The FAILED code that the standard demands for it, whatever the answer would be: a sequence error, an unknown
        session, something wrong with a contract.
    offers : Offers
        What it has offered in this session.
    contract : Contract
        What is known of the vehicle's contract in this session.
    next_challenge : bytes
        The GenChallenge that the answer to a PaymentDetailsReq holds.
    next_session_id : bytes
        The id that the answer to a SessionSetupReq assigns.
    paused_session_id : bytes
        The session that the vehicle may join again: one that it paused, in DIN SPEC 70121 the last; empty if there is
        none.
    """

    role = "SECC"
    peer_role = "EVCC"

    def __init__(
        self,
        station: Station | None = None,
        *,
        protocols: Iterable[str] = tuple(SEQUENCES),
        preference: str = "standard",
        strict: bool = False,
        entropy: Callable[[int], bytes] | None = None,
        journal: Journal | None = None,
        records_frames: bool = True,
        name: str | None = None,
        pace: Callable[[str, str | None], float] | None = None,
    ) -> None:
        super().__init__(journal=journal, records_frames=records_frames, name=name, pace=pace)
        self.station = station or Station()
        self.offer_protocols(protocols)
        if preference not in PREFERENCES:
            raise ValueError(f"preference is one of {', '.join(PREFERENCES)}, not {preference!r}")
        self.preference = preference
        self.strict = strict
        self.entropy = entropy or random.Random(0).randbytes
        self.listen(IPv6Address("fe80::1"), 49152)
        self.progress = Progress()
        self.offers = Offers()
        self.contract = Contract()
        self.next_challenge = bytes(CHALLENGE_BYTES)
        self._signs = Signs()
        self.watch = PilotWatch(self)
        self.verdict: str | None = None
        self.next_session_id = b""
        self.paused_session_id = b""
        self._paused_payment: str | None = None
        self._payment: str | None = None
        self._requests: deque[tuple[Message, float]] = deque()
        self._began = False
        self._asked_security: int | None = None
        self._answered_at: float | None = None
        self._stopped: str | None = None

    # -- settings -----------------------------------------------------------------------------------------------------

    def offer_protocols(self, protocols: Iterable[str]) -> None:
        """Choose what the station takes part in, from the next handshake on.

        Raises
        ------
        ValueError
            A protocol is not known here.
        """
        chosen = tuple(protocols)
        for key in chosen:
            if key not in SEQUENCES:
                raise ValueError(f"the station does not speak {key!r}; it speaks {', '.join(SEQUENCES)}")
        self.protocols = chosen

    def listen(
        self,
        address: IPv6Address,
        port: int,
        security: int = sdp.Security.NoTransportLayerSecurity,
        only: bool = False,
    ) -> None:
        """Say where the station's TCP server is, and whether it does TLS (or ``only`` that): SDP's answer."""
        self.address, self.port, self.security, self.tls_only = address, port, security, only

    # -- what is known of the session ---------------------------------------------------------------------------------

    @property
    def request(self) -> Message | None:
        """The request that waits for its answer."""
        return self._requests[0][0] if self._requests else None

    @property
    def answered_at(self) -> float | None:
        """When the last answer went out; None before the first."""
        return self._answered_at

    @property
    def backlog(self) -> int:
        """How many requests wait, the one that is being answered included."""
        return len(self._requests)

    @property
    def supported(self) -> tuple[str, ...]:
        """The protocols that it takes part in: those chosen, without those that cannot charge as its outputs do."""
        outputs = {mode.partition("_")[0] for mode in self.station.energy_transfer_modes}
        return tuple(key for key in self.protocols if outputs.intersection(SEQUENCES[key].modes))

    @property
    def mode(self) -> str:
        """``AC`` or ``DC``: as the vehicle chose, before that what the station can do."""
        modes = self.station.energy_transfer_modes
        return self.progress.mode or ("DC" if any(mode.startswith("DC") for mode in modes) else "AC")

    @property
    def payment_options(self) -> tuple[str, ...]:
        """What is offered: in a session that was joined again only what was chosen before ([V2G2-741])."""
        joined = bool(self.session_id) and self.session_id == self.paused_session_id
        return (self._paused_payment,) if joined and self._paused_payment else self.station.payment_options

    def default_response(self, request: Message | None = None) -> Message:
        """The autopilot's answer at this moment. Asking changes nothing.

        Parameters
        ----------
        request : Message, optional
            The request to answer; the one that waits by default.

        Raises
        ------
        LocalProtocolError
            No request waits.
        """
        request = request or self.request
        if request is None:
            raise LocalProtocolError("the SECC has nothing to answer: no request of the vehicle waits")
        return autopilot.answer(self, request)

    # -- the link -----------------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """The data link is up: communication set-up begins ([V2G2-716])."""
        self._pass_time(now, including=False)
        self._begin_setup()

    def unplugged(self, now: float) -> None:
        """Tell that the vehicle has gone: the control pilot is in state A ([V2G-DC-962])."""
        self._pass_time(now, including=False)
        if self.connection is not None:
            self.station.interrupt(now)
            self.disconnected(now, "the vehicle was unplugged")
        elif self._began or self.state == AWAITS_LINK:
            self.timers.stop_all(now)
            self._began = False
            self._enter("idle")

    def _without_link(self, reason: str) -> None:
        if self._stopped is not None:  # the vehicle has left the network before the end of its connection was heard
            self._over(self._stopped)
        else:
            self._give_up(reason, "link")

    def _signal(self, message: Message) -> None:
        """The vehicle moves the control pilot; the station's oscillator is the data link's."""

    def _begin_setup(self) -> None:
        if not self._began:
            self._began = True
            self.ended = None
            self._enter("waits for SDP or a connection")
            self._start_timer(COMMUNICATION_SETUP)

    def _datagram(self, message: sdp.Request | sdp.Response, sender: Any) -> None:
        if isinstance(message, sdp.Response):
            self._find("sdp", "note", f"an SDP response came from {sender}: another station is on this link")
            return
        self._begin_setup()
        if message.transport != sdp.TransportProtocol.TCP:
            self._find("sdp", "warning", f"the vehicle asks for transport 0x{message.transport:02X}; it is offered TCP")
        self._asked_security = message.security
        security = sdp_security.answer_to(message.security, self.security, self.tls_only)
        self.discovery.put(sdp.Response(self.address, self.port, security, sdp.TransportProtocol.TCP), sender)

    def send_datagram(self, data: bytes, dest: Any, intended: tuple[str, ...], auto: tuple[str, ...]) -> None:
        """As of `Party`; what goes out, whoever made it, is held against what was asked for."""
        super().send_datagram(data, dest, intended, auto)
        said = sdp.parse(data)
        if isinstance(said, sdp.Response) and self._asked_security is not None:
            remark = sdp_security.remark(self._asked_security, said.security)
            if remark is not None and self.records_frames:  # of two ends with one journal, one says it
                self._find(sdp_security.RULE, *remark)

    def _opened(self) -> None:
        self._begin_setup()
        self.progress = Progress()
        self.offers = Offers()
        self.contract = Contract()
        self._signs = Signs()
        self.session_id = self.next_session_id = b""
        self.verdict = self._stopped = self._payment = self._answered_at = None
        self._requests.clear()
        self.watch.begin()
        self._enter(self.progress.state)
        self._await_request()

    def _closed(self, reason: str) -> None:
        if self.ended is None and self._began:
            if self._stopped is not None:
                self._over(self._stopped)
            else:
                self._give_up(self._lost(reason, self.progress.last), self.peer_role)

    def _over(self, how: str) -> None:
        self._began = False
        self._requests.clear()
        self.watch.over()
        done = "ended" if how == "terminated" else "paused"
        self._end(how, f"the vehicle {done} the session{self._signs.why()}")

    def _give_up(self, reason: str, fault: str) -> None:
        self._began = False
        self._requests.clear()
        self._abort(reason, fault)

    def _expired(self, timer: str) -> None:
        if self.watch.expired(timer):
            return
        limit = self._limit(timer)
        assert limit is not None
        seconds, clause = limit.seconds, f"({limit.clause})"
        if timer == SEQUENCE:
            self._find(SEQUENCE, "error", f"no request within {seconds:g} s after {self.progress.last} {clause}")
            self._give_up(f"{SEQUENCE}: no request within {seconds:g} s after {self.progress.last}", "EVCC")
        elif timer == CLOSE:
            if self._stopped is not None:
                self._note(
                    f"the vehicle left the connection open for {seconds:g} s after the session: the SECC closes it"
                )
                self._close("the session is over")
                self._over(self._stopped)
            else:
                self._give_up(f"{self.progress.last} ended the session", "EVCC")
        elif timer == COMMUNICATION_SETUP:
            heard = self._streams > 0
            text = f"no SessionSetupRes within {seconds:g} s of communication set-up {clause}"
            self._find(timer, "warning" if heard else "note", text)
            # The next vehicle that asks begins anew.
            self._began = self.connection is not None
        elif limit.kind == "timeout":
            text = f"{limit.meaning} took longer than {seconds:g} s"
            self._find(timer, "error", f"{text} {clause}")
            self._give_up(f"{timer}: {text}", "EVCC")
        else:
            self._find(timer, "warning", f"not done within {seconds:g} s in {self.progress.state} {clause}")

    def _await_request(self) -> None:
        self._start_timer(SEQUENCE)

    # -- requests -----------------------------------------------------------------------------------------------------

    def _schemas(self) -> tuple[str, ...]:
        # A vehicle that skips the handshake, or repeats it, is out of sequence but not unreadable.
        return (self.schema, "sap") if self.schema else ("sap", *self.protocols)

    def _undecodable(self, reason: str) -> None:
        """No answer can be given; the vehicle's timeout, or ours, decides."""

    def _message(self, message: Message) -> None:
        if message.name.endswith("Res"):
            self._find("direction", "error", f"the vehicle sent a response, {message.name}: it is ignored")
            return
        self._requests.append((message, self.now))
        if len(self._requests) == 1:
            self._begin()
        else:
            waiting = self._requests[0][0].name
            self._find("turn", "error", f"{message.name} came before the answer to {waiting}: it waits")

    def _begin(self) -> None:
        """It is the SECC's turn: judge the first request and let the station react."""
        request, _ = self._requests[0]
        name = request.name
        self.timers.stop(SEQUENCE, self.now)
        self._signs.heard(request.body)
        self._check_pace(name)
        if name == HANDSHAKE:
            self._check_security(request)
        self.verdict = self._judge(request, name) or self._judge_contract(request)
        if name == "SessionSetupReq" and self.verdict is None:
            self._choose_session_id(request)
        elif name == "PaymentDetailsReq":
            self.next_challenge = self.entropy(CHALLENGE_BYTES)
        if self.verdict is None and self.watch.refuses(request):
            self.verdict = "FAILED"
        if self.verdict is None:
            self.watch.heard(request)
            self.station.observe(request.body, name, self.now)
            self._measure(request)
        self._owe(name, name)

    def _check_pace(self, name: str) -> None:
        allowed = self._limit(EVCC_SEQUENCE)
        if self._answered_at is None or allowed is None:
            return
        waited = self.now - self._answered_at
        if waited > allowed.seconds:
            text = f"{name} came {waited:.3f} s after the response before; the vehicle should take "
            self._find(EVCC_SEQUENCE, "warning", f"{text}{allowed.seconds:g} s at most")

    def _check_security(self, request: Message) -> None:
        """Tell what is offered over a connection that does not allow it."""
        offered = [schema_of(entry) for entry in request.body.AppProtocol]
        found = sorted({key for key in offered if key is not None and lacks_security(key, self.tls)})
        if found:
            over = f"over {self.tls}" if self.tls else "without TLS"
            text = f"the vehicle offers {', '.join(found)} {over}; ISO 15118-20 demands TLS 1.3"
            self._find("tls.iso20", "error", f"{text} ([V2G20-1237], [V2G20-2356])")

    def _judge(self, request: Message, name: str) -> str | None:
        """The FAILED code that the standard demands whatever the request's content, and the finding about it."""
        verdict = None
        progress, rules = self.progress, self.progress.rules
        if name not in progress.allowed:
            tolerated = None if self.strict else progress.tolerates(request)
            text = f"{name} after {progress.state}"
            if tolerated is not None:
                self._find("sequence", "warning", f"{text} is let pass: {tolerated.why}")
            else:
                expected = ", ".join(progress.allowed) or "nothing, the session is over"
                self._find("sequence", "error", f"{text}: expected {expected} {progress.ids}; {rules.sequence_ids}")
                verdict = "FAILED_SequenceError"
        if name not in (HANDSHAKE, "SessionSetupReq") and self.session_id and request.session_id != self.session_id:
            sent = (request.session_id or b"").hex().upper() or "none"
            text = f"{name} has the SessionID {sent}, the session's is {self.session_id.hex().upper()}"
            self._find("session-id", "error", f"{text}; {rules.session_ids}")
            verdict = "FAILED_UnknownSession"
        return verdict

    def _judge_contract(self, request: Message) -> str | None:
        """The FAILED code that the standard demands for what is wrong with a contract, and the findings about it."""
        epoch = self.station.epoch
        code = None
        for remark in remarks(request, self.contract, None if epoch is None else epoch + self.now):
            self._find(remark.rule, remark.severity, remark.text)
            code = code or remark.code or None
        return code

    def _choose_session_id(self, request: Message) -> None:
        """Join the paused session if the vehicle names it, otherwise begin a new one ([V2G2-750..754])."""
        asked = request.session_id or b""
        if asked and asked == self.paused_session_id:
            self.next_session_id = asked
            return
        if any(asked):
            self._note(
                f"the vehicle asks for session {asked.hex().upper()}, which is not paused here: a new one begins"
            )
        self.next_session_id = self.entropy(8)

    def _owed_message(self) -> Message:
        self.station.advance(self.now)
        return self.default_response()

    # -- responses ----------------------------------------------------------------------------------------------------

    def _sent(self, message: Message, by: str) -> None:
        name = message.name
        if not self._requests:
            self._find("turn", "note", f"{name} was sent without a request, on purpose ({by})")
            return
        request, arrived = self._requests.popleft()
        self._owe_nothing()
        self._signs.told(message.body)
        self._check_answer(request, message, name, arrived, by)
        # What is no answer to the request moves nothing: no row of the sequence speaks of it.
        if name == _response(request):
            self.progress.answered(request, message)
            if not failed(message):
                self._measure(message)
            effect = _EFFECTS.get(name)
            if effect is not None and not failed(message):
                effect(self, request, message)
        self._enter(self.progress.state)
        self._answered_at = self.now
        if self.progress.over and failed(message) and self.progress.rules.closes:
            self._give_up(f"{self.progress.last} ended the session", "EVCC" if by == "autopilot" else self.role)
        elif self.progress.over:
            self.timers.stop_all(self.now)
            self._start_timer(CLOSE)
        else:
            self._await_request()
        self.verdict = None
        if self._requests:
            self._begin()

    def _check_answer(self, request: Message, message: Message, name: str, arrived: float, by: str) -> None:
        asked = request.name
        if name != _response(request):
            self._find("turn", "note", f"{asked} was answered with {name}, on purpose ({by})")
        elif self.verdict is not None and not failed(message):
            self._find("sequence", "note", f"{asked} demands {self.verdict}; it was answered with OK on purpose ({by})")
        elif by != "autopilot" and not failed(message):
            for rule, text in absurdities(request, message, self.default_response(request)):
                self._find(rule, "warning", text)
        times = message_times(request.schema, asked)
        if times is None or times.performance is None:
            return
        took = self.now - arrived
        if took > times.performance:
            text = (
                f"{name} was sent {took:.3f} s after {asked}; V2G_SECC_Msg_Performance_Time is {times.performance:g} s"
            )
            late = took > times.timeout
            if late:
                text += f", and the vehicle waits {times.timeout:g} s at most"
            self._find("V2G_SECC_Msg_Performance_Time", "error" if late else "warning", text)

    def _negotiated(self, request: Message, response: Message) -> None:
        taken = next((e for e in request.body.AppProtocol if e.SchemaID == response.body.SchemaID), None)
        schema = None if taken is None else schema_of(taken)
        if schema not in SEQUENCES:
            self._find(
                "handshake", "note", f"the response takes SchemaID {response.body.SchemaID}, which is not spoken here"
            )
            return
        self.schema = schema
        self.progress.negotiated(schema)

    def _set_up(self, request: Message, response: Message) -> None:
        self.session_id = response.session_id or b""
        self.station.begin_session()
        if self.session_id != self.paused_session_id:
            self.paused_session_id, self._paused_payment = b"", None

    def _discovered(self, request: Message, response: Message) -> None:
        self.offers.discovered(response.body)
        self.contract.services = tuple(self.offers.services or ())
        if "Contract" in (self.offers.payment_options or ()) and not self.tls:
            self._find(
                "contract.tls", "warning", "payment by contract is offered without TLS, and is meant for TLS only"
            )

    def _scheduled(self, request: Message, response: Message) -> None:
        self.offers.scheduled(response.body)

    def _selected(self, request: Message, response: Message) -> None:
        self._payment = str(request.body.SelectedPaymentOption)
        self.contract.selected = self._payment == "Contract"

    def _challenged(self, request: Message, response: Message) -> None:
        self.contract.challenge, self.contract.answered = response.body.GenChallenge or b"", False

    def _authorized(self, request: Message, response: Message) -> None:
        self.contract.answered = True

    def _charged(self, request: Message, response: Message) -> None:
        if getattr(response.body, "ReceiptRequired", None):
            self.contract.metered = response.body.SAScheduleTupleID, response.body.MeterInfo

    def _power_delivered(self, request: Message, response: Message) -> None:
        # In DIN SPEC 70121 the profile names the schedule.
        source = request.body if hasattr(request.body, "SAScheduleTupleID") else request.body.ChargingProfile
        if starts(request.body):
            self.offers.chosen(getattr(source, "SAScheduleTupleID", None))

    def _stop(self, request: Message, response: Message) -> None:
        # DIN SPEC 70121 knows no pause: a vehicle that comes back with the last session's id joins it ([V2G-DC-872]).
        wish = getattr(request.body, "ChargingSession", None)
        joins = wish in (None, "Pause")
        self._stopped = "paused" if wish == "Pause" else "terminated"
        self.paused_session_id = self.session_id if joins else b""
        self._paused_payment = self._payment if joins else None


_EFFECTS: dict[str, Callable[[SECC, Message, Message], None]] = {
    "supportedAppProtocolRes": SECC._negotiated,
    "SessionSetupRes": SECC._set_up,
    "ServiceDiscoveryRes": SECC._discovered,
    "PaymentServiceSelectionRes": SECC._selected,
    "ServicePaymentSelectionRes": SECC._selected,
    "PaymentDetailsRes": SECC._challenged,
    "AuthorizationRes": SECC._authorized,
    "ChargingStatusRes": SECC._charged,
    "CurrentDemandRes": SECC._charged,
    "ChargeParameterDiscoveryRes": SECC._scheduled,
    "PowerDeliveryRes": SECC._power_delivered,
    "SessionStopRes": SECC._stop,
}
"""What a response does to the SECC that sent it, besides its place in the sequence."""


def _response(request: Message) -> str:
    return request.name.removesuffix("Req") + "Res"
