"""Matching as somebody sees it who only listens: how far one vehicle has come, and what it lacks.

A line has more than one vehicle and more than one station on it. What belongs together is told by the vehicle's
address, which is in each message of matching or is its source or destination; `vehicle_of` finds it.
"""

from __future__ import annotations

from secc_kernel.session.slac.attenuation import mean
from secc_kernel.session.slac.record import mac_text
from secc_kernel.wire.homeplug import BROADCAST, Frame, Message
from secc_kernel.wire.homeplug.messages import (
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
    ValidationResult,
)

__all__ = ["Overheard", "belongs_to_matching", "vehicle_of"]

#: Seconds within which the same bytes are one frame, seen on its way through two interfaces.
_TWICE = 0.01
_ENDS = ("EVCC", "SECC")


def belongs_to_matching(frame: Frame) -> bool:
    """Whether a management message is one of matching, and not between a host and its modem."""
    message = frame.message
    return isinstance(message, Message) and (message.SENDER in _ENDS or isinstance(message, CM_ATTEN_PROFILE_IND))


def vehicle_of(frame: Frame) -> bytes:
    """The address of the vehicle that a message of matching is about; empty where it does not tell."""
    message = frame.message
    if isinstance(message, CM_ATTEN_PROFILE_IND):
        return bytes(message.PEVMAC)
    if not isinstance(message, Message):
        return b""
    if message.SENDER == "EVCC":
        return frame.source
    if message.SENDER != "SECC":
        return b""
    if frame.destination == BROADCAST:
        named = bytes(getattr(message, "SourceAddress", b"") or getattr(message, "PEVMAC", b""))
        return b"" if named == BROADCAST else named
    return frame.destination


class Overheard:
    """What one vehicle and the stations that hear it have said of a matching.

    Attributes
    ----------
    begun, matched : float or None
        When the first CM_SLAC_PARM.REQ was seen, and the CM_SLAC_MATCH.CNF.
    requests : int
        How many CM_SLAC_PARM.REQ the vehicle has sent.
    stations : dict
        The addresses of the stations that have answered, and the attenuation that each has reported, dB.
    chosen : bytes
        The station that the vehicle has asked for a match.
    elsewhere : bool
        Whether the vehicle talks to a station of which nothing was seen: a neighbour, who is out of earshot.
    """

    def __init__(self) -> None:
        self.begun: float | None = None
        self.matched: float | None = None
        self.requests = 0
        self.stations: dict[bytes, float | None] = {}
        self.chosen = b""
        self.elsewhere = False
        self._run = b""
        self._strangers: dict[bytes, bytes] = {}
        self._seen: dict[str, int] = {}
        self._refused = ""
        self._sounds_left = 0
        self._last: tuple[float, bytes] = (0.0, b"")

    def take(self, frame: Frame, data: bytes, time: float) -> None:
        """Take note of a message of this vehicle's matching; once it has matched, nothing changes that.

        Parameters
        ----------
        frame
            The message.
        data
            Its bytes.
        time
            When it was seen.
        """
        before, self._last = self._last, (time, data)
        message = frame.message
        twice = before[1] == data and time - before[0] < _TWICE
        if self.matched is not None or twice or not isinstance(message, Message):
            return
        if self.begun is None:
            self.begun = time
        self._seen[message.name] = self._seen.get(message.name, 0) + 1
        if isinstance(message, CM_SLAC_PARM_REQ):
            self._requested(message)
        elif isinstance(message, CM_SLAC_PARM_CNF):
            self._answered(frame.source, message.RunID)
        elif isinstance(message, CM_MNBC_SOUND_IND):
            self._sounds_left = message.Cnt
        elif isinstance(message, CM_ATTEN_CHAR_IND):
            self.stations[frame.source] = mean(message.AAG)
        elif isinstance(message, CM_ATTEN_CHAR_RSP):
            self._addressed(frame.destination)
        elif isinstance(message, CM_VALIDATE_CNF) and message.Result == ValidationResult.Failure:
            self._refused = f"{mac_text(frame.source)} has not seen the vehicle on its control pilot (CM_VALIDATE.CNF)"
        elif isinstance(message, CM_SLAC_MATCH_REQ):
            self.chosen = message.EVSEMAC if frame.destination == BROADCAST else frame.destination
            self._addressed(self.chosen)
        elif isinstance(message, CM_SLAC_MATCH_CNF):
            self.chosen, self.matched, self.elsewhere = frame.source, time, False
            self.stations.setdefault(frame.source, None)

    def _requested(self, message: CM_SLAC_PARM_REQ) -> None:
        self.requests += 1
        if message.RunID != self._run:  # a new attempt: what the last one had come to is no more
            self._run = message.RunID
            self._seen = {message.name: 1}
            self.elsewhere = False
            self._strangers.clear()

    def _addressed(self, station: bytes) -> None:
        self.elsewhere = station != BROADCAST and station not in self.stations

    def _answered(self, station: bytes, run: bytes) -> None:
        if self._run and run != self._run:
            self._strangers[station] = run
        else:
            self.stations.setdefault(station, None)

    @property
    def attenuation(self) -> float | None:
        """What the chosen station has reported, dB, the average of all groups; of the best one while none is chosen."""
        if self.chosen in self.stations:
            return self.stations[self.chosen]
        return min((value for value in self.stations.values() if value is not None), default=None)

    @property
    def seconds(self) -> float | None:
        """From the first request to the match."""
        return None if self.matched is None or self.begun is None else self.matched - self.begun

    @property
    def lacks(self) -> str:
        """Why there is no match, from what was not seen."""
        if self.matched is not None:
            return ""
        if self._refused:
            return self._refused
        return self._stopped_at()

    @property
    def comes_next(self) -> str:
        """The message that is next in a matching that goes on; '' in one that is over."""
        if self.matched is not None:
            return ""
        following: tuple[tuple[type[Message], type[Message]], ...] = (
            (CM_SLAC_MATCH_REQ, CM_SLAC_MATCH_CNF),
            (CM_VALIDATE_REQ, CM_VALIDATE_CNF),
            (CM_ATTEN_CHAR_RSP, CM_SLAC_MATCH_REQ),
            (CM_ATTEN_CHAR_IND, CM_ATTEN_CHAR_RSP),
            (CM_MNBC_SOUND_IND, CM_MNBC_SOUND_IND if self._sounds_left else CM_ATTEN_CHAR_IND),
            (CM_START_ATTEN_CHAR_IND, CM_MNBC_SOUND_IND),
            (CM_SLAC_PARM_CNF, CM_START_ATTEN_CHAR_IND),
        )
        after = next((then for seen, then in following if self._has(seen)), CM_SLAC_PARM_CNF)
        if after is CM_VALIDATE_CNF and self._seen.get(after().name, 0) >= self._seen[CM_VALIDATE_REQ().name]:
            after = CM_SLAC_MATCH_REQ
        return after.__name__

    def _has(self, kind: type[Message]) -> bool:
        return kind().name in self._seen

    @property
    def misunderstood(self) -> bool:
        """Whether what was seen explains why there is no match, and not only what was not seen."""
        return bool(self._refused or (self._strangers and not self.stations))

    def _stopped_at(self) -> str:
        """What did not come, from the last step backwards."""
        if self.elsewhere:
            whom = f" ({mac_text(self.chosen)})" if self.chosen else ""
            return (
                f"the vehicle talks to a station{whom} of which nothing was recorded: a neighbour's, or out of earshot"
            )
        if self._has(CM_SLAC_MATCH_REQ):
            return f"{mac_text(self.chosen)} does not answer CM_SLAC_MATCH.REQ"
        if self._has(CM_ATTEN_CHAR_RSP):
            return "the vehicle takes the attenuation, and asks no station for a match (CM_SLAC_MATCH.REQ)"
        if self._has(CM_ATTEN_CHAR_IND):
            return "the vehicle does not take the station's attenuation (CM_ATTEN_CHAR.RSP)"
        if sounds := self._seen.get(CM_MNBC_SOUND_IND().name, 0):
            return f"no station reports what it has heard of {sounds} sounds (CM_ATTEN_CHAR.IND)"
        if self._has(CM_START_ATTEN_CHAR_IND):
            return "the vehicle announces sounds, and sends none (CM_MNBC_SOUND.IND)"
        if self._strangers and not self.stations:
            who, run = next(iter(self._strangers.items()))
            return (
                f"{mac_text(who)} answers with the RunID {run.hex()}, the vehicle has {self._run.hex()}: "
                "it takes no such answer"
            )
        if not self.stations:
            how = "CM_SLAC_PARM.REQ" if self.requests == 1 else f"any of {self.requests} CM_SLAC_PARM.REQ"
            return f"no station answers {how}"
        return "the vehicle does not go on after CM_SLAC_PARM.CNF"
