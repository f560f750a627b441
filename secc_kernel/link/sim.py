"""The simulated link: a vehicle and a station in memory, on a clock that moves only when asked to.

`SimLink.advance` goes to whatever comes next, a delivery or a timer, and the clock jumps there. Nothing depends on how
fast the machine is, so a run with the same parties gives the same journal every time, and a charge of half an hour
takes as long as its messages take to code.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from ..session.datalink import DataLink
from ..session.evcc import EVCC
from ..session.events import Close, Connect, Output, SendData, SendDatagram
from ..session.party import Party
from ..session.secc import SECC

__all__ = ["HOP_DELAY", "SimLink", "answering_time"]

HOP_DELAY = 0.0005
"""Seconds that a frame takes from one side to the other: what a HomePlug Green PHY link shows without load."""

_USUAL_ANSWER = 0.005
_ANSWERS = {"CurrentDemandReq": 0.010}


def answering_time(name: str, previous: str | None = None) -> float:
    """How long the simulated station takes to answer a request, in seconds.

    A pace for `Party`: 5 ms for each answer, 10 ms for CurrentDemandReq, whose V2G_SECC_Msg_Performance_Time is 25 ms.
    """
    return _ANSWERS.get(name, _USUAL_ANSWER)


class SimLink:
    """An in-memory link between a vehicle and a station.

    Parameters
    ----------
    station, vehicle : SECC, EVCC
        The two sides; exactly one of them records the frames.
    delay : float
        Seconds from one side to the other.
    start : float
        The clock's first reading.
    prepare : callable, optional
        Called with the vehicle before each plugging in: the place to set its state of charge.
    """

    kind = "sim"
    real = False

    def __init__(
        self,
        station: SECC,
        vehicle: EVCC,
        *,
        delay: float = HOP_DELAY,
        start: float = 0.0,
        prepare: Callable[[EVCC], None] | None = None,
    ) -> None:
        self.station = station
        self.vehicle = vehicle
        self.parties: dict[str, SECC | EVCC] = {"SECC": station, "EVCC": vehicle}
        self.datalinks: dict[str, DataLink] = {}
        self.delay = delay
        self.now = start
        self.plugged = False
        self._prepare = prepare
        self._connection = 0
        self._sequence = 0
        self._queue: list[tuple[float, int, Callable[[float], None]]] = []

    @property
    def place(self) -> str:
        """Where the other side is found, in words."""
        return f"the simulated {'vehicle' if self.plugged else 'vehicle, not plugged in'}"

    def plug(self, fresh: bool = True) -> None:
        """Plug the vehicle in: the data link is up on both sides. Not ``fresh``: one that had paused wakes up."""
        self.plugged = True
        if fresh and self._prepare is not None:
            self._prepare(self.vehicle)
        self.station.start(self.now)
        self.vehicle.start(self.now)

    def exchange(self, vehicle: EVCC) -> None:
        """Put another vehicle in the place of the one that is not plugged in (any more)."""
        self.vehicle = self.parties["EVCC"] = vehicle

    def unplug(self) -> None:
        """Pull the plug: whatever was under way is lost, and each side finds its connection gone."""
        self.plugged = False
        self._queue.clear()
        self._connection += 1
        self.vehicle.unplug(self.now)
        if self.station.connection is not None:
            self.station.disconnected(self.now, "the vehicle was unplugged")
        for party in (self.vehicle, self.station):
            party.outgoing()

    def advance(self, until: float | None = None) -> bool:
        """Go to the next delivery or timer, at most to ``until``; False when nothing is left to come."""
        self.flush()
        deadlines = [(due, order, party) for order, party in enumerate(self.parties.values())
                     if (due := party.next_deadline()) is not None]  # fmt: skip
        soonest = min(deadlines, key=lambda entry: entry[:2]) if deadlines else None
        arrival = self._queue[0][0] if self._queue else None
        # A message that arrives at the instant of a deadline is still in time: it goes first.
        if arrival is not None and (soonest is None or arrival <= soonest[0]) and (until is None or arrival <= until):
            due, _, deliver = heapq.heappop(self._queue)
            self.now = max(self.now, due)
            deliver(self.now)
        elif soonest is not None and (until is None or soonest[0] <= until):
            self.now = max(self.now, soonest[0])
            soonest[2].advance(self.now)
        elif until is not None:
            self.now = max(self.now, until)
        else:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Put what the parties want to send on its way."""
        for sender, receiver in ((self.station, self.vehicle), (self.vehicle, self.station)):
            for output in sender.outgoing():
                self._move(output, sender, receiver)

    async def open(self, happened: Callable[[Callable[[], object]], None]) -> None:
        """There is nothing to open, and nothing comes from outside."""

    async def close(self) -> None:
        """There is nothing to release."""

    # -- outputs ------------------------------------------------------------------------------------------------------

    def _move(self, output: Output, sender: Party, receiver: Party) -> None:
        if isinstance(output, SendData):
            self._on_connection(self.delay, lambda now: receiver.receive_data(output.data, now))
        elif isinstance(output, SendDatagram):
            self._later(self.delay, lambda now: receiver.receive_datagram(output.data, sender.name, now))
        elif isinstance(output, Connect):
            self._connect(sender, receiver)
        else:
            assert isinstance(output, Close)
            reason = f"the {sender.role} closed the connection: {output.reason}"
            self._on_connection(self.delay, lambda now: receiver.disconnected(now, reason))

    def _connect(self, client: Party, server: Party) -> None:
        self._connection += 1

        def arrive(now: float) -> None:
            if server.connection is not None:
                server.refused(client.name, now)
                self._later(self.delay, lambda then: client.disconnected(then, f"the {server.role} refused it: busy"))
                return
            server.connected(client.name, now)
            self._on_connection(self.delay, lambda then: client.connected(server.name, then))

        self._on_connection(self.delay, arrive)

    def _on_connection(self, delay: float, deliver: Callable[[float], Any]) -> None:
        """Schedule what belongs to the present connection: gone with it."""
        connection = self._connection

        def checked(now: float) -> None:
            if connection == self._connection:
                deliver(now)

        self._later(delay, checked)

    def _later(self, delay: float, deliver: Callable[[float], Any]) -> None:
        self._sequence += 1
        heapq.heappush(self._queue, (self.now + delay, self._sequence, deliver))
