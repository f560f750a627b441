"""The control pilot: one wire between the vehicle and the station, seen from both ends (IEC 61851-1, annex A).

The vehicle's resistor says A (no vehicle), B (plugged in), C or D (it wants energy; D with ventilation). The station's
oscillator says how: no oscillation, 5 % (talk to me), or another duty, which is a limit of the current; or it takes the
wire to 0 V (E) or -12 V (F), which tells the vehicle that something is wrong. No threads and no I/O: a board, or
nothing but the simulation, stands behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from secc_kernel.session.journal import Journal, StateEntry

__all__ = ["DIGITAL", "MACHINE", "OFF", "ControlPilot", "PilotChange"]

MACHINE = "control pilot"
"""What its changes are called in a journal."""
OFF = 100.0
"""The duty, in percent, of an oscillator that does not oscillate."""
DIGITAL = 5.0
"""The duty, in percent, that asks the vehicle to talk."""

_VEHICLE = ("A", "B", "C", "D")
_ERRORS = ("E", "F")


@dataclass(frozen=True, slots=True)
class PilotChange:
    """Something on the wire has changed.

    Attributes
    ----------
    time : float
        When.
    before, state : str
        The states, ``A`` to ``F``.
    duty_before, duty : float
        The duties, in percent.
    """

    time: float
    before: str
    state: str
    duty_before: float
    duty: float


class ControlPilot:
    """What is on the control pilot.

    Parameters
    ----------
    journal : Journal, optional
        Where each change is recorded, once, however many ends share the wire.

    Attributes
    ----------
    vehicle : str
        What the vehicle's end says, ``A`` to ``D``, whatever the station's end makes of it.
    duty : float
        Of the station's oscillator in percent; 100 where it does not oscillate.
    error : str
        ``E`` or ``F`` while the station's end signals it, else ``''``.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self.journal = journal
        self.vehicle = "A"
        self.duty = OFF
        self.error = ""
        self._subscribers: list[Callable[[PilotChange], object]] = []

    @property
    def state(self) -> str:
        """The state, ``A`` to ``F``."""
        return self.error or self.vehicle

    @property
    def digital(self) -> bool:
        """Whether the station asks the vehicle to talk: 5 %, between 3 and 7 % as IEC 61851-1 has it."""
        return not self.error and 3.0 <= self.duty <= 7.0

    @property
    def text(self) -> str:
        """State and duty, as people write them: ``B``, ``B 5 %``."""
        return _text(self.state, self.duty)

    def set_vehicle(self, state: str, now: float) -> None:
        """The vehicle's end: A, B, C or D."""
        if state not in _VEHICLE:
            raise ValueError(f"the vehicle's end says {', '.join(_VEHICLE)}, not {state!r}")
        self._change(now, vehicle=state, duty=self.duty, error=self.error)

    def set_duty(self, percent: float, now: float) -> None:
        """The station's end: the duty of its oscillator, 100 where it does not oscillate. Ends state E or F."""
        if not 0.0 < percent <= OFF:
            raise ValueError(f"a duty is more than 0 and at most 100 %, not {percent!r}")
        self._change(now, vehicle=self.vehicle, duty=float(percent), error="")

    def set_error(self, state: str, now: float) -> None:
        """The station's end: E (0 V) or F (-12 V); `set_duty` ends it."""
        if state not in _ERRORS:
            raise ValueError(f"the station's end signals {' or '.join(_ERRORS)}, not {state!r}")
        self._change(now, vehicle=self.vehicle, duty=OFF, error=state)

    def subscribe(self, call: Callable[[PilotChange], object]) -> Callable[[], None]:
        """Have ``call`` called with each change, in the thread that makes it, until what is returned is called."""
        self._subscribers.append(call)

        def end() -> None:
            if call in self._subscribers:
                self._subscribers.remove(call)

        return end

    def _change(self, now: float, *, vehicle: str, duty: float, error: str) -> None:
        before, duty_before, text = self.state, self.duty, self.text
        self.vehicle, self.duty, self.error = vehicle, duty, error
        if self.text == text:
            return
        if self.journal is not None:
            self.journal.append(StateEntry(now, MACHINE, text, self.text))
        change = PilotChange(now, before, self.state, duty_before, duty)
        for call in tuple(self._subscribers):
            call(change)


def _text(state: str, duty: float) -> str:
    return state if duty == OFF or state in _ERRORS else f"{state} {duty:g} %"
