"""Plugging the vehicle in, and how a session ended: what begins a session of a `Pilot`, and what is told of its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..session.evcc import EVCC
from ..session.events import Ended
from .base import Seat, Wait
from .lapse import Lapse
from .reasons import how_it_ended, whole_story

if TYPE_CHECKING:
    from .pilot import Pilot

__all__ = ["Plugging"]


class Plugging:
    """The plug of a simulated vehicle, or of one that a script plays. Everything here happens in the link's thread.

    Parameters
    ----------
    pilot : Pilot
        Whose vehicle.

    Attributes
    ----------
    again : bool
        Whether a wait goes on into the next session, which is to begin at once.
    pulls : bool
        Whether the plug is just being pulled to be put in again: what ends by that is what has been before.
    """

    def __init__(self, pilot: Pilot) -> None:
        self.again = self.pulls = False
        self._pilot = pilot

    def ensure(self, wait: Wait) -> None:
        """Plug in what can be plugged in: by the first wait, and by one that begins when a session is over."""
        pilot = self._pilot
        party = pilot.seats[wait.role].party
        over = self.how_it_ended() is not None and party.connection is None
        if "EVCC" in pilot.link.parties and (not pilot.link.plugged or over):
            self.plug(fresh=party.ended is None or party.ended.how != "paused")

    def perhaps_again(self) -> None:
        """Plug in for a wait that goes on."""
        if self.again:
            self.again = False
            self.plug()

    def plug(self, fresh: bool = True) -> None:
        """Plug the vehicle in; one that has paused (not ``fresh``) was never unplugged, and wakes up."""
        pilot = self._pilot
        if pilot.link.plugged and fresh:
            self._pull()
        pilot.lapse = None
        for seat in pilot.seats.values():
            seat.forget()
        pilot.lower.forget()
        pilot.link.plug(fresh)

    def _pull(self) -> None:
        self.pulls = True
        try:
            self._pilot.link.unplug()
            self._pilot.settle()
        finally:
            self.pulls = False

    def exchange(self, vehicle: EVCC) -> None:
        """Put another vehicle in the place of this one."""
        pilot = self._pilot
        if pilot.link.plugged:
            self._pull()
        pilot.link.exchange(vehicle)
        pilot.seats["EVCC"] = Seat(vehicle)
        pilot.lower.attend("EVCC")

    def gone(self, event: Ended) -> None:
        """The vehicle has left before there was a connection, and perhaps the script holds what would have answered it.

        The station itself does not know; whatever the script sends then would go to nobody, or to another vehicle.
        """
        pilot = self._pilot
        held = pilot.lower.held(pilot.side)
        if pilot.party.connection is None and held is not None and not self.pulls:
            pilot.lapse = Lapse(event, held.message.name, held.since)
            pilot.lower.drop(pilot.side)

    def how_it_ended(self) -> Ended | None:
        """How the session ended: for the script's side, or else for a vehicle that gave up unnoticed."""
        if self._pilot.lapse is not None:
            return self._pilot.lapse.ended
        seats = self._pilot.seats.values()
        return self._pilot.party.ended or next((seat.party.ended for seat in seats if seat.party.ended), None)

    def why_nothing_comes(self) -> str:
        """Why nothing more happens on the simulated link, as far as either end knows."""
        pilots = (datalink.pilot for datalink in self._pilot.link.datalinks.values())
        error = next((pilot.error for pilot in pilots if pilot is not None and pilot.error), "")
        if error:
            return (
                f"the control pilot is in state {error}, by which the station says that it is not available; "
                "Session.ControlPilot{error=false} ends that"
            )
        nothing = "nothing more happens on the link"
        ended = self.how_it_ended()
        return nothing if ended is None else f"{nothing}, {how_it_ended(ended)}"

    def ending(self, ended: Ended | None) -> Ended | None:
        """How the session ended, as it is told to the script."""
        seats = self._pilot.seats
        vehicle = seats["EVCC"].party.ended if "EVCC" in seats else None
        return ended and whole_story(ended, vehicle)
