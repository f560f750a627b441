"""How time passes on a session's link: the simulated clock runs while somebody waits, a real one sets an alarm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .pilot import Pilot

__all__ = ["Pace"]

_SLICE = 0.01
"""Seconds that the simulated link runs before it lets the thread do something else."""


class Pace:
    """Brings a pilot to what happens next.

    Parameters
    ----------
    pilot : Pilot
        Whom.
    loop : asyncio loop
        Of the link's thread.
    """

    def __init__(self, pilot: Pilot, loop: asyncio.AbstractEventLoop) -> None:
        self._pilot = pilot
        self._loop = loop
        self._alarm: asyncio.TimerHandle | None = None

    def go(self) -> None:
        """Arrange for what comes next."""
        if self._pilot.link.real:
            self._set_alarm()
        elif self._pilot.wait is not None:
            self._run_slice()

    def stop(self) -> None:
        """Nothing is to come any more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _run_slice(self) -> None:
        """Run the simulated link for a moment; other calls of the thread, and an interrupt, get through in between."""
        pilot, loop = self._pilot, self._loop
        link = pilot.link
        deadline = loop.time() + _SLICE
        while (wait := pilot.wait) is not None and not pilot.stops.held and loop.time() < deadline:
            if wait.future.cancelled():
                pilot.wait = None
            elif wait.until is not None and link.now >= wait.until:
                pilot.finish(wait)
            elif link.advance(self._next_act()):
                pilot.settle()
            elif wait.kind == "end" and (ended := pilot.plugging.how_it_ended()) is not None:
                pilot.finish(wait, pilot.plugging.ending(ended))
            else:
                pilot.fail(wait, f"{wait} cannot come: {pilot.plugging.why_nothing_comes()}")
        if pilot.wait is not None and not pilot.stops.held:
            loop.call_soon(pilot.happened, _nothing)

    def _set_alarm(self) -> None:
        self.stop()
        link = self._pilot.link
        due = [self._next_act(), *(party.next_deadline() for party in link.parties.values())]
        times = [time for time in due if time is not None]
        if times:
            self._alarm = self._loop.call_later(max(min(times) - link.now, 0.0), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._pilot.happened(self._advance)

    def _advance(self) -> None:
        link = self._pilot.link
        for party in link.parties.values():
            party.advance(link.now)

    def _next_act(self) -> float | None:
        pilot = self._pilot
        times = [seat.acts_at for seat in pilot.seats.values() if seat.acts_at is not None]
        if pilot.wait is not None and pilot.wait.until is not None:
            times.append(pilot.wait.until)
        below = pilot.lower.next_act()
        if below is not None:
            times.append(below)
        return min(times) if times else None


def _nothing() -> None:
    """What has happened when only time has passed."""
