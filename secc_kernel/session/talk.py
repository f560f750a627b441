"""One V2G conversation of a plug-in, summed up as its messages go by: protocol, energy, state of charge, its end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from secc_kernel.messages import vocabulary
from secc_kernel.session.gist import Gist

__all__ = ["Energy", "How", "Talk", "connection_end", "session_end", "tls_version"]

#: Longest time, in seconds, for which what a station has measured is taken to go on flowing.
_MAX_STEP = 60.0
_CLOSED = re.compile(r"stream (\d+): (\S+) (?:(?:closes its side of)|(?:resets)) the connection \((FIN|RST)\)$")
_ENDED = re.compile(r"(EVCC|SECC): the session ended \((\w+)\): (.*)", re.DOTALL)
_TLS = re.compile(r"(?:stream \d+ is|TLS with [^,]*:) (TLS [\d.]+)")
_WHO = {"EVCC": "the vehicle", "SECC": "the station", "": "one side"}


def connection_end(note: str) -> tuple[int, str, str] | None:
    """Stream, address and 'FIN' or 'RST' of a note that says that an end closes a connection."""
    found = _CLOSED.match(note)
    return None if found is None else (int(found[1]), found[2], found[3])


def session_end(note: str) -> tuple[str, str, str] | None:
    """Role, 'terminated', 'paused' or 'aborted', and the reason, of a note by which a party ends its session."""
    found = _ENDED.match(note)
    return None if found is None else (found[1], found[2], found[3])


def tls_version(note: str) -> str:
    """The version of TLS that a note about a handshake tells, such as 'TLS 1.3'; '' for any other note."""
    found = _TLS.match(note)
    return "" if found is None else found[1]


@dataclass(frozen=True, slots=True)
class How:
    """How something ended.

    Attributes
    ----------
    how
        'terminated', 'paused', 'failed' (before there was a session), 'aborted', or '' where no end was seen.
    who
        Whose doing: 'EVCC', 'SECC', or '' where that is not known.
    why
        A sentence.
    """

    how: str
    who: str
    why: str


class Energy:
    """Energy that has flowed, by the meter or by voltage and current over time.

    Attributes
    ----------
    joules : float
        By what the station has measured; negative where the vehicle has discharged.
    """

    def __init__(self) -> None:
        self.joules = 0.0
        self._measured = False
        self._power: tuple[float, float] | None = None
        self._meter: tuple[float, float] | None = None

    def take(self, gist: Gist, time: float) -> None:
        """Take note of what a message says."""
        if gist.watts is not None:
            if self._power is not None:
                since, watts = self._power
                self.joules += (watts + gist.watts) / 2 * min(max(time - since, 0.0), _MAX_STEP)
                self._measured = True
            self._power = time, gist.watts
        if gist.meter is not None:
            self._meter = (gist.meter if self._meter is None else self._meter[0]), gist.meter

    def pause(self) -> None:
        """Nothing flows until the next message says so."""
        self._power = None

    @property
    def kwh(self) -> float | None:
        """By the meter where it has moved, else by voltage and current; None where nothing was said of either."""
        metered = self.metered
        if metered:
            return metered
        return self.joules / 3.6e6 if self._measured else metered

    @property
    def metered(self) -> float | None:
        """By the meter alone."""
        return None if self._meter is None else (self._meter[1] - self._meter[0]) / 1000

    @property
    def source(self) -> str:
        """What the energy was found by: 'meter', 'voltage x current', or '' where it is not known."""
        return "" if self.kwh is None else "meter" if self.metered or not self._measured else "voltage x current"


@dataclass(slots=True)
class Talk:
    """A conversation.

    Parameters
    ----------
    stream
        The number of its TCP connection.
    vehicle
        The vehicle's address in it.
    """

    stream: int
    vehicle: str
    messages: int = 0
    protocol: str = ""
    refused: bool = False
    paused: bool = False
    stopped: bool = False
    closed: tuple[str, str] | None = None
    told: dict[str, tuple[str, str]] = field(default_factory=dict)
    _last: str = ""
    _code: str = ""
    _pauses: bool = False
    _undecodable: int = 0
    _said: str = ""
    _wish: str = ""

    def take(self, gist: Gist, schema: str | None) -> None:
        """Take note of a message."""
        self.messages += 1
        if not gist.name:
            self._undecodable += 1
            return
        self._last, self._code = gist.name, gist.code
        if schema not in (None, "sap"):
            assert schema is not None
            self._speak(schema)
        if gist.name == "supportedAppProtocolRes":
            self.refused = gist.code.startswith("Failed")
        if gist.trouble is not None:
            if gist.name.endswith("Req"):
                self._said = gist.trouble
            else:
                self._wish = gist.trouble or self._wish
        if gist.name == "SessionStopReq":
            self._pauses = gist.pauses
        elif gist.name == "SessionStopRes":
            self.stopped, self.paused = True, self._pauses

    def _speak(self, schema: str) -> None:
        """Of ISO 15118-20, whose sessions speak two vocabularies, the one that says what is charged."""
        if not self.protocol or self.protocol == "iso20_common":
            self.protocol = schema

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.closed is not None or self.stopped or bool(self.told)

    @property
    def title(self) -> str:
        """The protocol, as people call it."""
        return vocabulary(self.protocol).title if self.protocol else ""

    def close(self, address: str, how: str) -> None:
        """An end closes the connection; of two the first one counts."""
        if self.closed is None:
            self.closed = ("EVCC" if address == self.vehicle else "SECC"), how

    def how(self, nothing_follows: str) -> How:
        """How it ended.

        Parameters
        ----------
        nothing_follows
            What is said where no end was seen.
        """
        signs = " and ".join(
            filter(
                None,
                (
                    f"the station had told it {self._wish}" if self._wish else "",
                    f"it reported {self._said}" if self._said else "",
                ),
            )
        )
        signs = f": {signs}" if signs else ""
        if self.told:
            return self._as_told()
        if self.stopped and self._code.startswith("FAILED"):
            return How("aborted", "EVCC", f"the vehicle ends the session, and {self._last} says {self._code}{signs}")
        if self.stopped:
            what = "pauses" if self.paused else "ends"
            return How("paused" if self.paused else "terminated", "EVCC", f"the vehicle {what} the session{signs}")
        if self.refused:
            return How("failed", "SECC", "the station supports no protocol that the vehicle offers")
        if self._code.startswith("FAILED"):
            closer = f"; {self._closer()} the connection" if self.closed else ""
            return How("aborted", "SECC", f"{self._last} says {self._code}{closer}")
        if self.closed:
            return How("aborted", self.closed[0], f"{self._closing()}{signs}")
        after = f" after {self._last}" if self._last else ""
        return How("", "", f"{nothing_follows}{after}")

    def _closing(self) -> str:
        waiting = ", which is not answered" if self._last.endswith("Req") else ""
        return f"{self._closer()} the connection after {self._last or 'what cannot be decoded'}{waiting}"

    def _closer(self) -> str:
        assert self.closed is not None
        who, how = self.closed
        return f"{_WHO[who]} {'resets' if how == 'RST' else 'closes'}"

    def _as_told(self) -> How:
        """By what a live party has said: the vehicle knows best why it ends a session in order."""
        ordinary = [role for role, (how, _) in self.told.items() if how != "aborted"]
        role = "EVCC" if "EVCC" in ordinary else next(iter(self.told))
        how, why = self.told[role]
        who = "EVCC" if how != "aborted" or "the vehicle" in why or "the EV " in why else ""
        return How(how, who, why)
