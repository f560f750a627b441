"""The vehicle's end of the data link."""

from __future__ import annotations

from secc_kernel.session.control_pilot import ControlPilot, PilotChange
from secc_kernel.session.datalink.base import DataLink
from secc_kernel.session.evcc import EVCC
from secc_kernel.session.signalling import ENERGY
from secc_kernel.session.slac import EVMatcher, TogglePilot
from secc_kernel.session.slac.times import C_CONN_MAX_MATCH

__all__ = ["VehicleDataLink"]

_TOGGLE = "TP_EV_vald_toggle"
_TOGGLE_STATE = "T_vald_state_duration"


class VehicleDataLink(DataLink):
    """The vehicle's end: finds the station at the other end of the cable.

    Parameters
    ----------
    matcher : EVMatcher
    party : EVCC
    pilot : ControlPilot, optional
        As for `DataLink`.
    """

    role = "EVCC"
    matcher: EVMatcher
    party: EVCC

    def __init__(self, matcher: EVMatcher, party: EVCC, pilot: ControlPilot | None = None) -> None:
        super().__init__(matcher, party, pilot)
        self._toggles: list[str] = []

    def plug(self, now: float) -> None:
        """Put the plug in: state B, and when the station asks for it, matching."""
        self._pass_time(now, including=False)
        if self.state not in ("unplugged", "error"):
            return
        self.failures = 0
        self._enter("plugged")
        self.party.plugged_in(self.now)
        if self.pilot is None:
            self._match()
        else:
            self.pilot.set_vehicle("B", self.now)
            self._perhaps_match()

    def unplug(self, now: float) -> None:
        """Pull the plug."""
        self._pass_time(now, including=False)
        known = self.state in ("joining", "ready") or self.paused
        self.timers.stop_all(self.now)
        self.paused = False
        self._toggles.clear()
        self._enter("unplugged")
        self.party.unplug(self.now)
        if known:
            self.matcher.leave("unplugged", self.now)
        elif self.matcher.state != "idle":
            self.matcher.give_up("unplugged")
        if self.pilot is not None:
            self.pilot.set_vehicle("A", self.now)
        self._look()

    def wake(self, now: float) -> None:
        """Wake the station up by toggling the control pilot (B-C-B), or, without one, see whether the link stands."""
        self._pass_time(now, including=False)
        if self.state != "plugged" or self._toggles:
            return
        self.party.plugged_in(self.now)
        if self.pilot is None or self.pilot.digital:
            self._match()
        else:
            self._toggles = ["C", "B"]
            self._next_toggle()

    def _make_ready(self) -> None:
        """The key is the station's."""

    def _perhaps_match(self) -> None:
        if self.pilot is not None and self.pilot.digital and self.state == "plugged" and not self._toggles:
            self._match()

    def _match(self) -> None:
        if self.paused:
            self._enter("joining")
            self.party.plugged_in(self.now)
            self.matcher.resume(self.now)
        else:
            self._enter("matching")
            self.matcher.start(self.now)
        self._look()

    def _pilot_changed(self, change: PilotChange) -> None:
        self._pass_time(change.time, including=False)
        if change.state in ("E", "F"):
            self._told_to_begin_anew()
        elif self.state == "error" and change.before in ("E", "F") and 0 < self.failures < C_CONN_MAX_MATCH:
            self._enter("plugged")
        self._perhaps_match()

    def _told_to_begin_anew(self) -> None:
        """The station signals E or F: leave its network ([V2G3-M09-19])."""
        if self.state in ("unplugged", "error"):
            return
        state = self.state
        self.timers.stop_all(self.now)
        self.paused = False
        self.failures += 1
        self._enter("error")
        self.matcher.leave("the station signals state E or F", self.now)
        if state == "ready":
            self.party.link_lost(self.now, "the station signals state E or F on the control pilot")
            self.failures = 0
        self._give_up_perhaps("the station signals state E or F on the control pilot")

    def _failed(self, reason: str) -> None:
        if self.paused:
            self.paused = False
            self._note("the modems have lost their network meanwhile: they are matched anew")
            self._enter("plugged")
            self.wake(self.now)
            return
        self.failures = C_CONN_MAX_MATCH if self.pilot is None else self.failures + 1
        joining = self.state == "joining"
        self._enter("error")
        if joining:
            self.matcher.leave(reason, self.now)
        else:
            self.matcher.give_up(reason)
        self._give_up_perhaps(reason)

    def _give_up_perhaps(self, reason: str) -> None:
        """After the last attempt it is left; before that the vehicle waits for the station to begin anew."""
        if self.failures >= C_CONN_MAX_MATCH:
            self.party.link_lost(self.now, reason)
            self._down(reason)

    def _terminated(self) -> None:
        if not self.paused:
            self.matcher.leave("the session is over", self.now)
        self._rest()

    def _error(self, reason: str) -> None:
        """The vehicle waits for its driver: it does not begin anew by itself."""
        self._enter("error")
        self.failures = C_CONN_MAX_MATCH
        self._down(reason)
        self.matcher.leave(reason, self.now)
        self._rest()

    def _rest(self) -> None:
        if self.pilot is not None and self.pilot.vehicle in ENERGY:
            self.pilot.set_vehicle("B", self.now)

    # -- toggling the control pilot -----------------------------------------------------------------------------------

    def _toggle(self, event: TogglePilot) -> None:
        if self.pilot is None:
            return
        self._toggles = ["C", "B"] * event.count
        self.timers.start(_TOGGLE, event.within, self.now)
        self._next_toggle()

    def _next_toggle(self) -> None:
        if not self._toggles or self.pilot is None:
            return
        self.pilot.set_vehicle(self._toggles.pop(0), self.now)
        if self._toggles:
            self._start(_TOGGLE_STATE)
        self._perhaps_match()

    def _expired(self, timer: str) -> None:
        if timer == _TOGGLE_STATE:
            self._next_toggle()
