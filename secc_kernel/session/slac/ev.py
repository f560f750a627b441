"""The vehicle's end of matching: makes sounds, is told how they were heard, and chooses the EVSE it is plugged to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from secc_kernel.session.slac.attenuation import mean
from secc_kernel.session.slac.matcher import Failed, Matched, Matcher, TogglePilot
from secc_kernel.session.slac.record import mac_text
from secc_kernel.session.slac.times import (
    ATTENUATION_DIRECT,
    ATTENUATION_INDIRECT,
    C_CONN_MAX_MATCH,
    C_EV_MATCH_MNBC,
    C_EV_MATCH_RETRY,
    C_EV_START_ATTEN_CHAR_INDS,
    C_EV_VALD_NB_TOGGLES,
    seconds,
)
from secc_kernel.wire.homeplug import BROADCAST, Frame, Message, Unknown, nid_of
from secc_kernel.wire.homeplug.messages import (
    CM_AMP_MAP_CNF,
    CM_AMP_MAP_REQ,
    CM_ATTEN_CHAR_IND,
    CM_ATTEN_CHAR_RSP,
    CM_MNBC_SOUND_IND,
    CM_SLAC_MATCH_CNF,
    CM_SLAC_MATCH_REQ,
    CM_SLAC_PARM_CNF,
    CM_SLAC_PARM_REQ,
    CM_START_ATTEN_CHAR_IND,
    CM_VALIDATE_CNF,
    CM_VALIDATE_REQ,
    ValidationResult,
)

__all__ = ["EVMatcher"]

_TOGGLES = C_EV_VALD_NB_TOGGLES
_TOGGLE_TIME = round(seconds("TP_EV_vald_toggle") * 10) - 1
"""Hundreds of milliseconds, less one, that the EV gives itself for toggling the pilot: as the message has it."""


@dataclass(slots=True)
class _Candidate:
    """An EVSE that has answered, and what it has heard."""

    mac: bytes
    num_sounds: int
    time_out: int
    attenuation: float | None = None


class EVMatcher(Matcher):
    """The vehicle's end of matching (ISO 15118-3, annex A; sans-IO).

    Parameters
    ----------
    mac : bytes
        The host's address.
    validates : bool
        Whether it can toggle the control pilot, which a `TogglePilot` event asks for.
    attempts : int
        How often it tries (C_conn_max_match is the least).
    **options
        As of `Matcher`.

    Attributes
    ----------
    run_id : bytes
        Of the last attempt.
    evse : bytes or None
        The EVSE that has been chosen.
    """

    role: ClassVar[str] = "EVCC"

    def __init__(self, mac: bytes, *, validates: bool = True, attempts: int = C_CONN_MAX_MATCH, **options: Any) -> None:
        super().__init__(mac, **options)
        self.validates = validates
        self.attempts = attempts
        self.run_id = bytes(8)
        self.evse: bytes | None = None
        self._candidates: dict[bytes, _Candidate] = {}
        self._choices: list[_Candidate] = []
        self._left = 0
        self._again = 0
        self._step = ""
        self._announcements = 0
        self._sounds = self._wanted = 0
        self._asked = 0.0
        self._heard_until = 0.0
        self._serves: dict[type[Message], Callable[[Frame, Any], None]] = {
            CM_SLAC_PARM_CNF: self._answer,
            CM_ATTEN_CHAR_IND: self._average,
            CM_VALIDATE_CNF: self._validated,
            CM_SLAC_MATCH_CNF: self._match_confirmed,
            CM_AMP_MAP_REQ: lambda frame, _: self.send(CM_AMP_MAP_CNF(), frame.source),
        }

    # -- from outside -------------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Begin matching: the control pilot is in state B."""
        self._pass_time(now, including=False)
        self.timers.stop_all(self.now)
        self._left = self.attempts
        self.timers.start("TT_matching_repetition", seconds("TT_matching_repetition"), self.now)
        self._attempt()

    def give_up(self, reason: str) -> None:
        """End the link or the attempt at one."""
        self._step = ""
        super().give_up(reason)

    # -- an attempt, step by step -------------------------------------------------------------------------------------

    def _attempt(self) -> None:
        self._left -= 1
        self._enter("matching")
        self.run_id = self.random(8)
        self.evse = None
        self._candidates.clear()
        self._again = C_EV_MATCH_RETRY
        self._ask_for_parameters()

    def _ask_for_parameters(self) -> None:
        """Whoever is on the line may answer, so it is the time that ends this step, not an answer."""
        self._step = "parameters"
        self.send(CM_SLAC_PARM_REQ(RunID=self.run_id), BROADCAST)

    def _answer(self, frame: Frame, message: CM_SLAC_PARM_CNF) -> None:
        if self._step != "parameters" or message.RunID != self.run_id:
            return
        self.check_pace("TP_match_response", self._asked, frame)
        self._candidates[frame.source] = _Candidate(frame.source, message.NumSounds, message.TimeOut)

    def _parameters_known(self) -> None:
        if not self._candidates:
            if self._again:
                self._again -= 1
                self._ask_for_parameters()
            else:
                self._fail("no EVSE answers CM_SLAC_PARM.REQ")
            return
        self._step = "sounding"
        window = max(candidate.time_out for candidate in self._candidates.values()) / 10
        self._heard_until = self.now + window
        self._announcements = C_EV_START_ATTEN_CHAR_INDS
        # The EVSE says how many it wants to hear; one that wants none is told how many there are.
        self._wanted = self._sounds = max(c.num_sounds for c in self._candidates.values()) or C_EV_MATCH_MNBC
        self.timers.start("TT_EV_atten_results", seconds("TT_EV_atten_results"), self.now)
        self._next_of_batch()

    def _next_of_batch(self) -> None:
        """An announcement or a sound; the next one follows after TP_EV_batch_msg_interval."""
        first = next(iter(self._candidates.values()))
        if self._announcements:
            self._announcements -= 1
            announcement = CM_START_ATTEN_CHAR_IND(
                NumSounds=self._wanted, TimeOut=first.time_out, ForwardingSTA=self.mac, RunID=self.run_id
            )
            self.send(announcement, BROADCAST)
        else:
            self._sounds -= 1
            self.send(CM_MNBC_SOUND_IND(Cnt=self._sounds, RunID=self.run_id, Rnd=self.random(16)), BROADCAST)
        if not self._sounds:
            self._step = "results"
            self._perhaps_all_known()

    def _average(self, frame: Frame, message: CM_ATTEN_CHAR_IND) -> None:
        candidate = self._candidates.get(frame.source)
        if message.RunID != self.run_id:
            return
        if candidate is None or self._step not in ("sounding", "results", "validating", "matching"):
            return
        self.check_pace("TP_EVSE_avg_atten_calc", self._heard_until, frame)
        if message.SourceAddress != self.mac:  # cars are seen to go on; the run id is theirs alone
            text = f"{mac_text(frame.source)} names {mac_text(message.SourceAddress)} as the source of the sounds"
            self.find("slac.source-address", "warning", text)
        candidate.attenuation = mean(message.AAG)
        response = CM_ATTEN_CHAR_RSP(SourceAddress=self.mac, RunID=self.run_id)
        self.send(response, frame.source)
        self._perhaps_all_known()

    def _perhaps_all_known(self) -> None:
        if self._step == "results" and all(c.attenuation is not None for c in self._candidates.values()):
            self._choose()

    def _choose(self) -> None:
        self.timers.stop("TT_EV_atten_results", self.now)
        heard = [c for c in self._candidates.values() if c.attenuation is not None]
        self._choices = sorted(heard, key=_attenuation)
        for candidate in self._choices:
            self.note(f"{mac_text(candidate.mac)} hears the EV with {candidate.attenuation:.1f} dB")
        self._choices = [c for c in self._choices if _attenuation(c) <= ATTENUATION_INDIRECT]
        if not heard:
            self._fail("no EVSE says how it has heard the EV")
        elif not self._choices:
            self._fail(
                f"no EVSE hears the EV with {ATTENUATION_INDIRECT:.0f} dB or less: it is plugged to none of them"
            )
        else:
            self._next_choice()

    def _next_choice(self) -> None:
        if not self._choices:
            self._fail("no EVSE is left to choose")
            return
        candidate = self._choices.pop(0)
        self.evse = candidate.mac
        if _attenuation(candidate) <= ATTENUATION_DIRECT or not self.validates:
            if _attenuation(candidate) > ATTENUATION_DIRECT:
                text = f"{mac_text(candidate.mac)} is chosen with {candidate.attenuation:.1f} dB, without validation"
                self.find("slac.validation", "note", text)
            self._match()
        else:
            self._step = "validating"
            self._ask_to_validate(CM_VALIDATE_REQ(Result=ValidationResult.Ready))

    def _ask_to_validate(self, message: CM_VALIDATE_REQ, timer: str = "TT_match_response") -> None:
        assert self.evse is not None
        text = f"{mac_text(self.evse)} does not answer CM_VALIDATE.REQ"
        self.ask(message, self.evse, timer, lambda: self._pass_over(text))

    def _validated(self, frame: Frame, message: CM_VALIDATE_CNF) -> None:
        if self._step not in ("validating", "toggling") or frame.source != self.evse:
            return
        if not (self.answered("TT_match_response") or self.answered("TT_EVSE_vald_toggle")):
            return
        if message.Result == ValidationResult.Ready and self._step == "validating":
            self._step = "toggling"
            self._ask_to_validate(
                CM_VALIDATE_REQ(Timer=_TOGGLE_TIME, Result=ValidationResult.Ready), "TT_EVSE_vald_toggle"
            )
            self._events.append(TogglePilot(self.now, _TOGGLES, (_TOGGLE_TIME + 1) / 10))
        elif message.Result == ValidationResult.NotRequired or (
            message.Result == ValidationResult.Success and message.ToggleNum == _TOGGLES
        ):
            self._match()
        elif message.Result == ValidationResult.Success:
            self._pass_over(f"{mac_text(frame.source)} has seen {message.ToggleNum} toggles of {_TOGGLES}")
        elif message.Result == ValidationResult.NotReady:
            self._pass_over(f"{mac_text(frame.source)} is not ready to validate")
        else:
            self._pass_over(f"{mac_text(frame.source)} has not seen the control pilot toggle")

    def _pass_over(self, reason: str) -> None:
        """Not this one; perhaps the next."""
        self.find("slac.validation", "warning", reason)
        self._next_choice()

    def _match(self) -> None:
        self._step = "matching"
        assert self.evse is not None
        request = CM_SLAC_MATCH_REQ(PEVMAC=self.mac, EVSEMAC=self.evse, RunID=self.run_id)
        text = f"{mac_text(self.evse)} does not answer CM_SLAC_MATCH.REQ"
        self.ask(request, self.evse, "TT_match_response", lambda: self._fail(text))

    def _match_confirmed(self, frame: Frame, message: CM_SLAC_MATCH_CNF) -> None:
        if self._step != "matching" or frame.source != self.evse or message.RunID != self.run_id:
            return
        if not self.answered("TT_match_response"):
            return
        if nid_of(message.NMK) != message.NID:
            text = f"the network {message.NID.hex()} of {mac_text(frame.source)} is not named after its key"
            self.find("slac.nid", "note", text)
        self._step = "joining"
        attenuation = self._candidates[frame.source].attenuation
        self._events.append(Matched(self.now, frame.source, message.NID, message.NMK, attenuation))
        self.set_key(message.NMK, message.NID)

    def _key_set(self) -> None:
        if self._step == "joining":
            self.join()

    # -- what goes wrong ----------------------------------------------------------------------------------------------

    def _fail(self, reason: str) -> None:
        """The attempt has failed; there may be another one."""
        self._step = ""
        self._held = [frame for frame in self._held if frame.mmtype & 1]  # what was asked is answered all the same
        self._drop_requests()
        repeats = self.timers.running("TT_matching_repetition")
        for timer in ("TT_match_response", "TT_EV_atten_results", "TP_EV_batch_msg_interval"):
            self.timers.stop(timer, self.now)
        self.find("slac.attempt", "warning", f"the attempt {self.run_id.hex()} has failed: {reason}")
        if self._left and repeats:
            self.timers.start("TT_matching_rate", seconds("TT_matching_rate"), self.now)
            return
        text = f"matching has failed: {reason}"
        self.find("slac.failed", "error", text)
        self.timers.stop_all(self.now)
        self._enter("failed")
        self._events.append(Failed(self.now, text))

    def _expired(self, timer: str) -> None:
        if timer == "TT_match_response":
            self._parameters_known()
        elif timer == "TP_EV_batch_msg_interval":
            self._next_of_batch()
        elif timer == "TT_EV_atten_results":
            self._step = "results"
            self._choose()
        elif timer == "TT_matching_rate":
            self._attempt()

    def _said(self, message: Message | Unknown) -> None:
        # Times begin when a message goes out, not when it is owed.
        if isinstance(message, CM_SLAC_PARM_REQ):
            self.run_id, self._asked = message.RunID, self.now
            if self._step == "parameters":
                self.timers.start("TT_match_response", seconds("TT_match_response"), self.now)
        elif isinstance(message, CM_START_ATTEN_CHAR_IND | CM_MNBC_SOUND_IND) and self._sounds:
            self.timers.start("TP_EV_batch_msg_interval", seconds("TP_EV_batch_msg_interval"), self.now)

    # -- the record ---------------------------------------------------------------------------------------------------

    def _message(self, frame: Frame, message: Message) -> None:
        serve = self._serves.get(type(message))
        if serve is not None:
            serve(frame, message)


def _attenuation(candidate: _Candidate) -> float:
    assert candidate.attenuation is not None
    return candidate.attenuation
