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
from .modem import Powerline
from .plug_in import PlugIn

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
    powerline : bool or Powerline
        Whether there is a control pilot and a powerline between them (this one, if it is given), on which the modems
        are matched before anything else; otherwise the data link stands as soon as the plug is in.
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
        powerline: bool | Powerline = False,
    ) -> None:
        self.station = station
        self.vehicle = vehicle
        self.parties: dict[str, SECC | EVCC] = {"SECC": station, "EVCC": vehicle}
        self.datalinks: dict[str, DataLink] = {}
        self.plug_in: PlugIn | None = None
        if powerline:
            self.plug_in = PlugIn(station, vehicle, powerline if isinstance(powerline, Powerline) else None)
            self.datalinks = self.plug_in.datalinks
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
        """Plug the vehicle in. Not ``fresh``: one that had paused wakes up.

        Without powerline, the data link is up on both sides at once.
        """
        self.plugged = True
        if fresh and self._prepare is not None:
            self._prepare(self.vehicle)
        if self.plug_in is None:
            self.station.start(self.now)
            self.vehicle.start(self.now)
        elif fresh:
            self.plug_in.vehicle.plug(self.now)
        else:
            self.plug_in.vehicle.wake(self.now)

    def exchange(self, vehicle: EVCC) -> None:
        """Put another vehicle in the place of the one that is not plugged in (any more)."""
        self.vehicle = self.parties["EVCC"] = vehicle
        if self.plug_in is not None:
            self.plug_in.exchange(vehicle)
            self.datalinks["EVCC"] = self.plug_in.vehicle

    def unplug(self) -> None:
        """Pull the plug: whatever was under way is lost, and each side finds its connection gone."""
        self.plugged = False
        self._queue.clear()
        self._connection += 1
        if self.plug_in is not None:
            self.plug_in.vehicle.unplug(self.now)
        else:
            self.vehicle.unplug(self.now)
            if self.station.connection is not None:
                self.station.disconnected(self.now, "the vehicle was unplugged")
        for party in (self.vehicle, self.station):
            party.outgoing()

    def advance(self, until: float | None = None) -> bool:
        """Go to the next delivery or timer, at most to ``until``; False when nothing is left to come."""
        self.flush()
        ends = (*self.parties.values(), *self.datalinks.values())
        deadlines = [(due, order, end) for order, end in enumerate(ends)
                     if (due := end.next_deadline()) is not None]  # fmt: skip
        soonest = min(deadlines, key=lambda entry: entry[:2]) if deadlines else None
        arrival, deliver = self._next_arrival()
        # A message that arrives at the instant of a deadline is still in time: it goes first.
        if arrival is not None and (soonest is None or arrival <= soonest[0]) and (until is None or arrival <= until):
            self.now = max(self.now, arrival)
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

    def _next_arrival(self) -> tuple[float | None, Callable[[float], object]]:
        """When something arrives next, between the parties or on the powerline, and how it is delivered."""
        line = self.plug_in.line if self.plug_in is not None else None
        carried = line.next_deadline() if line is not None else None
        arrival = self._queue[0][0] if self._queue else None
        if line is not None and carried is not None and (arrival is None or carried <= arrival):
            return carried, line.advance
        return arrival, self._deliver

    def _deliver(self, now: float) -> None:
        heapq.heappop(self._queue)[2](now)

    def flush(self) -> None:
        """Put what the parties want to send on its way."""
        for sender, receiver in ((self.station, self.vehicle), (self.vehicle, self.station)):
            for output in sender.outgoing():
                if self.plug_in is None or self.plug_in.linked(self.now):
                    self._move(output, sender, receiver)
        if self.plug_in is not None:
            self.plug_in.flush(self.now)

    async def open(self, happened: Callable[[Callable[[], object]], None]) -> None:
        """Let the station give its modem a key; nothing comes from outside."""
        if self.plug_in is not None:
            self.plug_in.station.open(self.now)

    async def close(self) -> None:
        """There is nothing to release."""

    # -- outputs ------------------------------------------------------------------------------------------------------

    def _move(self, output: Output, sender: Party, receiver: Party) -> None:
        if isinstance(output, SendData):
            self._on_connection(self.delay, lambda now: receiver.receive_data(output.data, now))
        elif isinstance(output, SendDatagram):
            self._later(self.delay, lambda now: receiver.receive_datagram(output.data, sender.name, now))
        elif isinstance(output, Connect):
            self._connect(sender, receiver, output)
        else:
            assert isinstance(output, Close)
            reason = f"the {sender.role} closed the connection: {output.reason}"
            self._on_connection(self.delay, lambda now: receiver.disconnected(now, reason))

    def _connect(self, client: Party, server: Party, output: Connect) -> None:
        self._connection += 1
        at = f"[{output.address}]:{output.port}"

        def arrive(now: float) -> None:
            if isinstance(server, SECC) and (output.address, output.port) != (str(server.address), server.port):
                self._later(self.delay, lambda then: client.disconnected(then, f"{at}: nobody listens there"))
                return
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
