"""The charger's end of matching: hears sounds, averages them, and gives its network's key to the EV that chooses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from secc_kernel.session.slac.attenuation import Average
from secc_kernel.session.slac.matcher import Failed, Matched, Matcher
from secc_kernel.session.slac.record import mac_text
from secc_kernel.session.slac.times import C_EV_MATCH_MNBC, seconds
from secc_kernel.wire.homeplug import Frame, Message, Unknown
from secc_kernel.wire.homeplug.messages import (
    CM_AMP_MAP_CNF,
    CM_AMP_MAP_REQ,
    CM_ATTEN_CHAR_IND,
    CM_ATTEN_CHAR_RSP,
    CM_ATTEN_PROFILE_IND,
    CM_MNBC_SOUND_IND,
    CM_SLAC_MATCH_CNF,
    CM_SLAC_MATCH_REQ,
    CM_SLAC_PARM_CNF,
    CM_SLAC_PARM_REQ,
    CM_START_ATTEN_CHAR_IND,
    CM_VALIDATE_CNF,
    CM_VALIDATE_REQ,
    GROUPS,
    ValidationResult,
)
from secc_kernel.wire.homeplug.vendor import VS_ATTENUATION_CHARACTERISTICS_IND

__all__ = ["EVSEMatcher"]

_HUNDRED_MS = 0.1


@dataclass(slots=True)
class _Attempt:
    """One EV's attempt, told from others by its address and run id.

    ``step`` is ``parameters``, ``sounding``, ``averaged``, ``chosen`` (it has our average) or ``matched``.
    """

    ev: bytes
    run_id: bytes
    step: str = "parameters"
    num_sounds: int = C_EV_MATCH_MNBC
    sounds: int = 0
    average: Average = field(default_factory=Average)
    by_vendor: Average = field(default_factory=Average)
    """By the message of the modem's maker, which some send as well as the standard's, and some instead."""
    empty: int = 0
    """Sounds that the modem has reported without a measurement."""
    toggles: int = 0
    told: int = 0
    """How many sounds the average is said to be of."""
    heard: float = 0.0
    """When the last message came whose successor has a time."""

    @property
    def key(self) -> str:
        """What tells its timers from those of others."""
        return f"{mac_text(self.ev)} {self.run_id.hex()}"


class EVSEMatcher(Matcher):
    """The charger's end of matching (ISO 15118-3, annex A; sans-IO).

    Several EVs on one line are served at the same time; the one that chooses this EVSE gets it.

    Parameters
    ----------
    mac : bytes
        The host's address.
    needs_validation : bool
        Whether the EVSE can watch the control pilot, and so can validate; otherwise it says that it need not.
    amplitude_map : bytes, optional
        What the EV's modem shall lower its carriers by, four bits each; sent when the link stands.
    receive_attenuation : int
        What is lost between the EVSE's outlet and its modem, dB: it is not the cable's, and taken off.
    key : bytes, optional
        The network's key (NMK), 16 bytes; by default a fresh one each time.
    **options
        As of `Matcher`.

    Attributes
    ----------
    matched : bytes or None
        The EV that has been matched.
    """

    role: ClassVar[str] = "SECC"

    def __init__(
        self,
        mac: bytes,
        *,
        needs_validation: bool = True,
        amplitude_map: bytes | None = None,
        receive_attenuation: int = 0,
        key: bytes | None = None,
        **options: Any,
    ) -> None:
        super().__init__(mac, **options)
        self.needs_validation = needs_validation
        self.amplitude_map = amplitude_map
        self.receive_attenuation = receive_attenuation
        self.key = key
        self.matched: bytes | None = None
        self.pilot = "A"
        self._plugged = self._map_sent = 0.0
        self._attempts: dict[str, _Attempt] = {}
        self._serves: dict[type[Message], Callable[[Frame, Any], None]] = {
            CM_SLAC_PARM_REQ: self._parameters,
            CM_START_ATTEN_CHAR_IND: self._start,
            CM_MNBC_SOUND_IND: self._sound,
            CM_ATTEN_PROFILE_IND: self._profile,
            VS_ATTENUATION_CHARACTERISTICS_IND: self._vendor_profile,
            CM_ATTEN_CHAR_RSP: self._average_received,
            CM_VALIDATE_REQ: self._validate,
            CM_SLAC_MATCH_REQ: self._match,
            CM_AMP_MAP_REQ: lambda frame, _: self.send(CM_AMP_MAP_CNF(), frame.source),
            CM_AMP_MAP_CNF: self._map_confirmed,
        }

    @property
    def rematching(self) -> bool:
        """Whether an EV is in the middle of matching, be it the one that has been matched."""
        return self.state == "matching" and any(attempt.step != "matched" for attempt in self._attempts.values())

    # -- from outside -------------------------------------------------------------------------------------------------

    def start(self, now: float, nmk: bytes | None = None) -> None:
        """Give the modem a fresh key, so that whoever had the last one is out; then EVs may come."""
        self._pass_time(now, including=False)
        if self.state != "idle":
            self.give_up("the modem is given another key")
        self.set_key(nmk or self._fresh_key())

    def _fresh_key(self) -> bytes:
        return self.key or super()._fresh_key()

    def give_up(self, reason: str) -> None:
        """End the link or the attempts at one."""
        self._attempts.clear()
        self.matched = None
        super().give_up(reason)

    def invite(self, now: float) -> None:
        """The EV is asked to begin: the control pilot is in state B, and says 5 %."""
        self._pass_time(now, including=False)
        self._enter("matching")
        self._plugged = self.now
        self._await_ev()

    def _await_ev(self) -> None:
        self.timers.start("TT_EVSE_SLAC_init", seconds("TT_EVSE_SLAC_init"), self.now)

    def control_pilot(self, state: str, now: float) -> None:
        """Tell the state of the control pilot, A to F. In A, E and F the network is left."""
        self._pass_time(now, including=False)
        old, self.pilot = self.pilot, state
        if old == "C" and state == "B":
            for attempt in self._attempts.values():
                if self.timers.running(f"TT_EVSE_vald_toggle {attempt.key}"):
                    attempt.toggles += 1
        if state in ("A", "E", "F") and self.state != "idle":
            self.leave(f"the control pilot went to state {state}", self.now)

    def _key_set(self) -> None:
        self.note(f"the modem has the key of the network {self.nid.hex()}")

    # -- what arrives -------------------------------------------------------------------------------------------------

    def _message(self, frame: Frame, message: Message) -> None:
        serve = self._serves.get(type(message))
        if serve is not None:
            serve(frame, message)

    def _attempt(self, frame: Frame, run_id: bytes) -> _Attempt | None:
        """The attempt that a message belongs to; others are neighbours', or were given up."""
        return self._attempts.get(_Attempt(frame.source, run_id).key)

    def _parameters(self, frame: Frame, message: CM_SLAC_PARM_REQ) -> None:
        if self.matched == frame.source:
            text = f"{mac_text(frame.source)} begins matching anew after it has been matched"
            self.find("slac.rematch", "note" if self.tolerances.rematch else "error", text)
            if not self.tolerances.rematch:
                return
            self.matched = None
        if self.timers.stop("TT_EVSE_SLAC_init", self.now):
            self.check_pace("TP_EV_SLAC_init", self._plugged, frame)
        attempt = _Attempt(frame.source, message.RunID, heard=self.now)
        self._attempts[attempt.key] = attempt
        self._enter("matching")
        self.timers.start(f"TT_match_sequence {attempt.key}", seconds("TT_match_sequence"), self.now)
        self.send(CM_SLAC_PARM_CNF(ForwardingSTA=frame.source, RunID=message.RunID), frame.source)

    def _start(self, frame: Frame, message: CM_START_ATTEN_CHAR_IND) -> None:
        attempt = self._attempt(frame, message.RunID)
        if attempt is None or attempt.step != "parameters":
            return
        usual = seconds("TT_EVSE_match_MNBC")
        window = message.TimeOut * _HUNDRED_MS
        if abs(window - usual) > _HUNDRED_MS / 2:
            text = (
                f"{mac_text(attempt.ev)} announces sounds within {window * 1000:.0f} ms instead of {usual * 1000:.0f}"
            )
            self.find("slac.time-out", "warning", text)
            if not self.tolerances.other_time_out:
                return
        self.check_pace("TP_match_sequence", attempt.heard, frame)
        attempt.step, attempt.num_sounds = "sounding", message.NumSounds
        self.timers.stop(f"TT_match_sequence {attempt.key}", self.now)
        self.timers.start(f"TT_EVSE_match_MNBC {attempt.key}", window or usual, self.now)

    def _sound(self, frame: Frame, message: CM_MNBC_SOUND_IND) -> None:
        attempt = self._attempt(frame, message.RunID)
        if attempt is not None and attempt.step == "sounding":
            if attempt.sounds:
                self.check_pace("TP_EV_batch_msg_interval", attempt.heard, frame)
            attempt.sounds += 1
            attempt.heard = self.now

    def _profile(self, frame: Frame, message: CM_ATTEN_PROFILE_IND) -> None:
        """The modem has measured a sound: it knows the EV's address, and nothing of runs."""
        for attempt in self._sounding(message.PEVMAC):
            if not attempt.average.add(message.AAG):
                attempt.empty += 1
            if attempt.average.count + attempt.empty >= attempt.num_sounds:
                self._sounded(attempt)

    def _vendor_profile(self, frame: Frame, message: VS_ATTENUATION_CHARACTERISTICS_IND) -> None:
        for attempt in self._sounding(message.PEVMAC):
            attempt.by_vendor.add(message.AAG)

    def _sounding(self, ev: bytes) -> list[_Attempt]:
        return [attempt for attempt in self._attempts.values() if attempt.ev == ev and attempt.step == "sounding"]

    def _sounded(self, attempt: _Attempt) -> None:
        """All sounds have been heard, or their time is over: tell the EV how well."""
        self.timers.stop(f"TT_EVSE_match_MNBC {attempt.key}", self.now)
        ev = mac_text(attempt.ev)
        if not attempt.average.count and attempt.by_vendor.count and self.tolerances.vendor_profile:
            self.find(
                "slac.vendor-profile", "note", "the modem reports attenuation by a message of its maker's (AR7420)"
            )
            attempt.average = attempt.by_vendor
        heard = attempt.average.count
        if not heard and self.tolerances.assumed_attenuation is not None:
            level = self.tolerances.assumed_attenuation
            self.find("slac.assumed", "warning", f"the modem has not measured {ev}: {level} dB are assumed")
            attempt.average.add(bytes([level] * GROUPS))
            heard = attempt.num_sounds
        if heard < attempt.num_sounds:
            text = f"of {attempt.num_sounds} sounds of {ev} the modem has measured {heard}"
            if attempt.empty:
                text += f" and reported {attempt.empty} without a measurement (Tolerances.assumed_attenuation)"
            self.find("slac.sounds", "warning" if heard else "error", text)
            if not heard or not self.tolerances.missing_sounds:
                self._end(attempt, "its sounds were not heard")
                return
        attempt.step, attempt.told = "averaged", heard
        self._tell_average(attempt)

    def _tell_average(self, attempt: _Attempt) -> None:
        message = CM_ATTEN_CHAR_IND(
            SourceAddress=attempt.ev,
            RunID=attempt.run_id,
            NumSounds=min(attempt.told, 255),
            AAG=bytes(max(level - self.receive_attenuation, 0) for level in attempt.average.groups()),
        )
        text = "it does not confirm the average"
        self.ask(message, attempt.ev, "TT_match_response", lambda: self._end(attempt, text), attempt.key)

    def _average_received(self, frame: Frame, message: CM_ATTEN_CHAR_RSP) -> None:
        attempt = self._attempt(frame, message.RunID)
        if attempt is None or attempt.step != "averaged":
            return
        self.answered("TT_match_response", attempt.key)
        if message.Result:
            self._end(attempt, f"it refuses the average: Result {message.Result}")
            return
        attempt.step, attempt.heard = "chosen", self.now
        self.timers.start(f"TT_EVSE_match_session {attempt.key}", seconds("TT_EVSE_match_session"), self.now)

    def _validate(self, frame: Frame, message: CM_VALIDATE_REQ) -> None:
        attempt = next((a for a in self._attempts.values() if a.ev == frame.source and a.step == "chosen"), None)
        if attempt is None:
            return
        self.check_pace("TP_EV_match_session", attempt.heard, frame)
        attempt.heard = self.now
        self.timers.start(f"TT_EVSE_match_session {attempt.key}", seconds("TT_EVSE_match_session"), self.now)
        if not self.needs_validation:
            self.send(CM_VALIDATE_CNF(Result=ValidationResult.NotRequired), attempt.ev)
        elif not message.Timer:
            ready = ValidationResult.Ready if self.pilot in "BC" else ValidationResult.NotReady
            self.send(CM_VALIDATE_CNF(Result=ready), attempt.ev)
        else:
            attempt.toggles = 0
            within = min((message.Timer + 1) * _HUNDRED_MS, seconds("TT_EVSE_vald_toggle"))
            self.timers.start(f"TT_EVSE_vald_toggle {attempt.key}", within, self.now)

    def _match(self, frame: Frame, message: CM_SLAC_MATCH_REQ) -> None:
        attempt = self._attempt(frame, message.RunID)
        if attempt is None or self.mac != message.EVSEMAC or attempt.step not in ("chosen", "matched"):
            return
        if attempt.step == "chosen":  # otherwise it has not heard the first answer
            self.check_pace("TP_EV_match_session", attempt.heard, frame)
            attempt.step, self.matched = "matched", attempt.ev
            self._attempts = {attempt.key: attempt}
        for timer in ("TT_EVSE_match_session", "TT_EVSE_vald_toggle"):
            self.timers.stop(f"{timer} {attempt.key}", self.now)
        confirmation = CM_SLAC_MATCH_CNF(
            PEVMAC=attempt.ev, EVSEMAC=self.mac, RunID=attempt.run_id, NID=self.nid, NMK=self.nmk
        )
        self.send(confirmation, attempt.ev)

    def _said(self, message: Message | Unknown) -> None:
        # Joining begins when the EV is given the key, not when that is owed.
        attempt = next((each for each in self._attempts.values() if each.step == "matched"), None)
        if isinstance(message, CM_SLAC_MATCH_CNF) and attempt is not None and self.state == "matching":
            self._events.append(Matched(self.now, attempt.ev, self.nid, self.nmk, attempt.average.mean))
            self.join()

    def _linked(self) -> None:
        super()._linked()
        if self.amplitude_map is not None and self.matched is not None:
            text = "the EV does not confirm the amplitude map"
            self._map_sent = self.now
            self.ask(
                CM_AMP_MAP_REQ(AMData=self.amplitude_map),
                self.matched,
                "TT_amp_map_exchange",
                lambda: self.find("slac.amplitude-map", "warning", text),
            )

    def _map_confirmed(self, frame: Frame, message: CM_AMP_MAP_CNF) -> None:
        if not self.answered("TT_amp_map_exchange"):
            return
        self.check_pace("TP_amp_map_exchange", self._map_sent, frame)
        if message.ResType:
            self.find("slac.amplitude-map", "warning", f"the EV refuses the amplitude map: ResType {message.ResType}")

    def _scripted(self, message: Message | Unknown) -> None:
        super()._scripted(message)
        if isinstance(message, CM_SLAC_MATCH_CNF) and self.nmk != message.NMK:
            self.note("the EV was given another key than the modem has: the modem is given it, too")
            self.set_key(message.NMK, message.NID)

    # -- time ---------------------------------------------------------------------------------------------------------

    def _expired(self, timer: str) -> None:
        name, _, key = timer.partition(" ")
        if name == "TT_EVSE_SLAC_init":
            text = "no EV has begun matching within TT_EVSE_SLAC_init: it may speak no powerline, or not be heard"
            self.find("slac.init", "error", text)
            self._enter("failed")
            self._events.append(Failed(self.now, text))
            return
        attempt = self._attempts.get(key)
        if attempt is None:
            return
        if name == "TT_EVSE_match_MNBC":
            self._sounded(attempt)
        elif name == "TT_EVSE_vald_toggle":
            result = ValidationResult.Success if attempt.toggles else ValidationResult.Failure
            self.send(CM_VALIDATE_CNF(ToggleNum=attempt.toggles, Result=result), attempt.ev)
        elif name == "TT_match_sequence":
            self._end(attempt, "it does not announce its sounds")
        elif name == "TT_EVSE_match_session":
            self._end(attempt, "it neither validates nor chooses this EVSE: it has probably chosen another one")

    def _end(self, attempt: _Attempt, reason: str) -> None:
        self._attempts.pop(attempt.key, None)
        self.find("slac.attempt", "warning", f"the attempt of {mac_text(attempt.ev)} has ended: {reason}")
        if not self._attempts and self.state == "matching" and self.pilot in ("B", "C", "D"):
            self._await_ev()  # whoever is plugged in may try again
