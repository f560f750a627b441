"""The station's end of the data link."""

from __future__ import annotations

from secc_kernel.session.control_pilot import DIGITAL, OFF, ControlPilot, PilotChange
from secc_kernel.session.datalink.base import DataLink
from secc_kernel.session.secc import SECC
from secc_kernel.session.signalling import ENERGY, RETAIN
from secc_kernel.session.slac import EVSEMatcher
from secc_kernel.session.slac.times import C_CONN_MAX_MATCH, seconds
from secc_kernel.session.timers import LIMITS

__all__ = ["StationDataLink"]

_STEP = "T_step_EF"
_STEP_X1 = "T_step_X1"
_MAX_COMM = "T_conn_max_comm"


class StationDataLink(DataLink):
    """The station's end: keeps the network's key fresh and its own, and drives the control pilot's oscillator.

    Parameters
    ----------
    matcher : EVSEMatcher
    party : SECC
    pilot : ControlPilot, optional
        As for `DataLink`.
    """

    role = "SECC"
    matcher: EVSEMatcher
    party: SECC

    def __init__(self, matcher: EVSEMatcher, party: SECC, pilot: ControlPilot | None = None) -> None:
        super().__init__(matcher, party, pilot)
        self._why = ""
        self._vehicle = "A" if pilot is None else pilot.vehicle

    def plug(self, now: float) -> None:
        """A vehicle is there: as soon as the modem is ready, ask it to talk."""
        self._pass_time(now, including=False)
        if self.state in ("unplugged", "error"):
            self.failures = 0
            self.party.plugged_in(self.now)
            self._begin()

    def unplug(self, now: float) -> None:
        """The vehicle has gone: its session ends, and whoever has the network's key is left outside."""
        self._pass_time(now, including=False)
        if self.state == "unplugged":
            return
        self.timers.stop_all(self.now)
        self.paused = False
        self._enter("unplugged")
        if self.pilot is not None:
            self.pilot.set_duty(OFF, self.now)
        self.party.unplugged(self.now)
        if self.matcher.state != "idle":
            self.matcher.leave("the vehicle was unplugged", self.now)
        self._down("the vehicle was unplugged")
        self._look()

    def wake(self, now: float) -> None:
        """Ask the vehicle to talk again, by 5 % on the control pilot."""
        self._pass_time(now, including=False)
        if self.state == "plugged":
            self._invite()

    def _make_ready(self) -> None:
        self.matcher.start(self.now)

    def _begin(self) -> None:
        """Somebody is plugged in."""
        self._enter("plugged")
        self._start(_MAX_COMM)
        if self.matcher.keyed:
            self._invite()
        elif self.matcher.state == "failed":
            self.matcher.start(self.now)

    @property
    def _rematching(self) -> bool:
        return self.matcher.rematching

    def _matched(self) -> None:
        if self.state == "ready":
            reason = "the vehicle has been matched anew"
            self._enter("joining")
            if self.party.connection is not None:
                self.party.disconnected(self.now, reason)
            self._down(reason)
        self.party.plugged_in(self.now)  # how the last session has ended, perhaps without unplugging, counts no more
        super()._matched()

    def _look(self) -> None:
        super()._look()
        if self.state == "plugged" and self.matcher.keyed and self.timers.running(_MAX_COMM):
            self._invite()
        elif self.matcher.state == "matching" and self.state == ("unplugged" if self.pilot is None else "plugged"):
            # The vehicle has begun by itself: there is no control pilot, or it still says 5 % after a session.
            self.timers.stop(RETAIN, self.now)
            self._enter("matching")

    def _invite(self) -> None:
        """Ask the vehicle to talk; after a pause the modems may still have their network."""
        self.timers.stop_all(self.now)
        self._enter("joining" if self.paused else "matching")
        if self.paused:
            self.party.plugged_in(self.now)
            self.matcher.resume(self.now)
        else:
            self.matcher.invite(self.now)
        if self.pilot is not None:
            self.pilot.set_duty(DIGITAL, self.now)

    def _pilot_changed(self, change: PilotChange) -> None:
        self._pass_time(change.time, including=False)
        self.party.watch.changed(change)
        # In state E or F nobody sees what the vehicle does; it is noticed when that ends.
        before = self._vehicle
        if change.state not in ("E", "F"):
            self._vehicle = change.state
        if before == "A" != self._vehicle:
            self.matcher.control_pilot(change.state, self.now)
            self.plug(self.now)
        elif before != "A" == self._vehicle:
            self.unplug(self.now)
            self.matcher.control_pilot("A", self.now)
        else:
            self.matcher.control_pilot(change.state, self.now)
            woken = (
                change.before in ENERGY and change.state == "B" and self.pilot is not None and not self.pilot.digital
            )
            if woken and self.state == "plugged" and not self.timers.running(_MAX_COMM):
                self._note("the vehicle wakes the station up: it has toggled the control pilot (B-C-B)")
                self._invite()
        self._look()

    def _failed(self, reason: str) -> None:
        if self.paused:
            self.paused = False
            self._note("the modems have lost their network meanwhile: they are matched anew")
            self.matcher.leave(reason, self.now)
            self._enter("plugged")
            self._start(_MAX_COMM)
        elif self.state == "plugged":
            self.matcher.start(self.now)  # no key yet: T_conn_max_comm says how long that is tried
        else:
            self.failures += 1
            self._step(reason)

    def _error(self, reason: str) -> None:
        self._note(f"{self.role}: D-LINK_ERROR: the network is left, and everything begins anew")
        self._leave(reason)
        if self.pilot is not None:
            self._start(_STEP_X1)
            self.pilot.set_duty(OFF, self.now)

    def _step(self, reason: str) -> None:
        """Leave the network, and tell the vehicle by state E that everything begins anew."""
        self._why = reason
        self._leave(reason)
        if self.pilot is not None:
            self._start(_STEP)
            self.pilot.set_error("E", self.now)

    def _leave(self, reason: str) -> None:
        self.timers.stop_all(self.now)
        self._enter("unplugged" if self.pilot is None else "error")
        self._down(reason)
        self.matcher.leave(reason, self.now)

    def _terminated(self) -> None:
        retain = LIMITS.get(self.party.schema or "", {}).get(RETAIN)
        if not self.paused:
            self.matcher.leave("the session is over", self.now)
        if retain is not None:
            self.timers.start(RETAIN, retain.seconds, self.now, self.party.answered_at)
        elif self.pilot is not None:
            self.pilot.set_duty(OFF, self.now)
        if self.pilot is None and not self.paused:
            self._enter("unplugged")

    def _expired(self, timer: str) -> None:
        if timer == RETAIN and self.pilot is not None:
            self.pilot.set_duty(OFF, self.now)
        elif timer == _MAX_COMM:
            text = (
                f"the station cannot be matched within {_MAX_COMM} ({seconds(_MAX_COMM):g} s): its modem is not ready"
            )
            self._find("datalink.not-ready", "error", text)
            self.failures += 1
            self._step(text)
        elif timer == _STEP_X1 and self.pilot is not None:
            self._start(_STEP)
            self.pilot.set_error("E", self.now)
        elif timer == _STEP and self.pilot is not None:
            self.pilot.set_duty(OFF, self.now)
            if self.failures < C_CONN_MAX_MATCH:
                self._begin()
            else:
                text = (
                    f"matching has failed {self.failures} times (C_conn_max_match), it is left until the next "
                    f"plug-in: {self._why}"
                )
                self._find("datalink.failed", "error", text)
                self.party.link_lost(self.now, text)
