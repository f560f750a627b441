"""A control pilot without a powerline: the station and the vehicle talk over another network.

What `datalink` does for a station whose modem has to be matched, here without a modem: a vehicle that plugs in is asked
to talk, and when its session is over the oscillator stops.
"""

from __future__ import annotations

from secc_kernel.session.control_pilot import DIGITAL, OFF, ControlPilot, PilotChange
from secc_kernel.session.events import Ended
from secc_kernel.session.secc import SECC
from secc_kernel.session.signalling import ENERGY

__all__ = ["BareStationPilot"]


class BareStationPilot:
    """The station's end of a control pilot that has no data link beside it.

    Parameters
    ----------
    party : SECC
        The station.
    pilot : ControlPilot
        Its control pilot.
    """

    def __init__(self, party: SECC, pilot: ControlPilot) -> None:
        self.party = party
        self.pilot = pilot
        party.pilot = pilot
        party.on_end = self._ended
        self._vehicle = pilot.vehicle
        pilot.subscribe(self._changed)

    def _changed(self, change: PilotChange) -> None:
        self.party.watch.changed(change)
        # In state E or F nobody sees what the vehicle does; it is noticed when that ends.
        before = self._vehicle
        if change.state not in ("E", "F"):
            self._vehicle = change.state
        if self._vehicle == "A" != before:
            self.party.unplugged(change.time)
            self.pilot.set_duty(OFF, change.time)
        elif before == "A" != self._vehicle:
            self._ask(change.time)
        elif change.before in ENERGY and change.state == "B" and self._rests():
            self._ask(change.time)  # the vehicle wakes the station up (B-C-B)

    def _rests(self) -> bool:
        return self.party.connection is None and not self.pilot.error and self.pilot.duty == OFF

    def _ask(self, now: float) -> None:
        """Ask the vehicle to talk."""
        self.pilot.set_duty(DIGITAL, now)
        self.party.start(now)

    def _ended(self, ended: Ended) -> None:
        if not self.pilot.error:
            self.pilot.set_duty(OFF, ended.time)
