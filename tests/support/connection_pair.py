"""A SECC and a vehicle that talk to each other in virtual time, without any link.

The helper does what a link does (moves outputs, lets time pass, gives turns to the autopilot) and nothing else, so a
test that fails here is about the protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secc_kernel import codec
from secc_kernel.session.events import Close, Connect, Event, SendData, SendDatagram
from secc_kernel.session.journal import FrameEntry, Journal, StateEntry, TimerEntry
from secc_kernel.session.party import Party
from secc_kernel.session.secc import SECC
from secc_kernel.session.station import Station
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire import v2gtp

ANSWER = 0.01


class ConnectionPair:
    """Both sides with one journal.

    Parameters
    ----------
    station : Station, optional
        The station behind the SECC.
    secc : dict, optional
        Further arguments of the SECC.
    **vehicle
        Arguments of the `SimulatedEV`.
    """

    def __init__(self, station: Station | None = None, secc: dict[str, Any] | None = None, **vehicle: Any) -> None:
        self.journal = Journal()
        arguments = {"pace": lambda name, previous: ANSWER, **(secc or {})}
        self.secc = SECC(station, journal=self.journal, **arguments)
        self.ev = SimulatedEV(journal=self.journal, records_frames=False, **vehicle)
        self.now = 0.0
        self.events: list[tuple[str, Event]] = []
        self.holds: Callable[[Party], bool] = lambda party: False
        self.delivers: Callable[[Party, bytes], bool] = lambda sender, data: True
        self.answers_sdp = True

    def start(self) -> ConnectionPair:
        self.secc.start(self.now)
        self.ev.start(self.now)
        self.settle()
        return self

    def _move(self, sender: Party) -> bool:
        receiver: Party = self.secc if sender is self.ev else self.ev
        outputs = sender.outgoing()
        for output in outputs:
            if isinstance(output, SendDatagram) and (self.answers_sdp or sender is self.secc):
                receiver.receive_datagram(output.data, sender.role, self.now)
            elif isinstance(output, Connect):
                self.secc.connected("EVCC", self.now)
                self.ev.connected("SECC", self.now)
            elif isinstance(output, SendData) and self.delivers(sender, output.data):
                receiver.receive_data(output.data, self.now)
            elif isinstance(output, Close):
                receiver.disconnected(self.now, output.reason)
        return bool(outputs)

    def settle(self) -> None:
        """Do everything that is to be done at this time."""
        busy = True
        while busy:
            busy = self._move(self.ev) | self._move(self.secc)
            for party in (self.ev, self.secc):
                self.events += [(party.role, event) for event in party.events()]
                if party.turn is not None and not self.holds(party):
                    party.take_turn(self.now)
                    busy = True

    def step(self) -> bool:
        """Go to the next deadline; False when there is none."""
        deadlines = [d for d in (self.ev.next_deadline(), self.secc.next_deadline()) if d is not None]
        if not deadlines:
            return False
        self.wait_until(min(deadlines))
        return True

    def wait_until(self, time: float) -> None:
        """Go to a time at or before the next deadline."""
        self.now = time
        self.ev.advance(time)
        self.secc.advance(time)
        self.settle()

    def wait(self, seconds: float) -> None:
        """Let time pass, deadline by deadline."""
        end = self.now + seconds
        while (
            deadline := min((d for d in (self.ev.next_deadline(), self.secc.next_deadline()) if d), default=end)
        ) < end:
            self.wait_until(deadline)
        self.wait_until(end)

    def run(self, until: Callable[[], bool] = lambda: False) -> ConnectionPair:
        """Run until a condition holds, or nothing more can happen."""
        while not until() and self.step():
            pass
        return self

    def run_to(self, party: Party, name: str) -> ConnectionPair:
        """Run until a party owes ``name``, and hold it there."""
        self.holds = lambda other: other is party and other.turn == name
        self.run(lambda: party.turn == name)
        assert party.turn == name, f"never came to {name}: {self.secc.ended}, {self.ev.ended}"
        return self

    def run_to_answer(self, name: str) -> ConnectionPair:
        """Run until the station has to answer ``name``, and hold it there."""
        return self.run_to(self.secc, name)

    def release(self) -> ConnectionPair:
        self.holds = lambda party: False
        self.settle()
        return self

    # -- what happened ------------------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """The messages in order."""
        return [frame.name for frame in self.journal.frames]

    def order(self) -> list[str]:
        """The requests in order, repeats left out."""
        found: list[str] = []
        for name in self.names:
            if name.endswith("Req") and found[-1:] != [name]:
                found.append(name)
        return found

    def frames(self, name: str) -> list[FrameEntry]:
        return [frame for frame in self.journal.frames if frame.name == name]

    def bodies(self, name: str) -> list[Any]:
        return [frame.message.body for frame in self.frames(name) if frame.message]

    def timers(self, name: str) -> list[tuple[float, str]]:
        return [(e.time, e.what) for e in self.journal.entries if isinstance(e, TimerEntry) and e.name == name]

    def states(self, machine: str) -> list[str]:
        return [e.new for e in self.journal.entries if isinstance(e, StateEntry) and e.machine == machine]

    def rules(self) -> list[str]:
        return [finding.rule for finding in self.journal.findings]


class Vehicle:
    """A peer for a lone SECC: sends what it is told and decodes the answer."""

    def __init__(self, secc: SECC, now: float = 0.0) -> None:
        self.secc = secc
        self.now = now
        self.closed: str | None = None
        self._decoder = v2gtp.Decoder()

    def connect(self) -> Vehicle:
        self.secc.connected("EVCC", self.now)
        self._decoder, self.closed = v2gtp.Decoder(), None
        return self

    def send(self, message: codec.Message) -> None:
        exi = codec.encode(message)
        self.secc.receive_data(v2gtp.pack(0x8001, exi), self.now)

    def ask(self, message: codec.Message) -> codec.Message:
        """Send a request and give the autopilot's answer."""
        self.send(message)
        self.secc.take_turn(self.now)
        return self.answer()

    def answer(self) -> codec.Message:
        answers = self.received()
        assert len(answers) == 1
        return answers[0]

    def received(self) -> list[codec.Message]:
        found = []
        for output in self.secc.outgoing():
            if isinstance(output, SendData):
                for frame in self._decoder.receive_data(output.data):
                    handshake = frame.payload[:2] in (b"\x80\x40", b"\x80\x44", b"\x80\x48")
                    schema = "sap" if handshake else self.secc.schema or "iso2"
                    found.append(codec.decode(frame.payload, schema))
            elif isinstance(output, Close):
                self.closed = output.reason
        return found

    def replay(self, frames: list[bytes]) -> Vehicle:
        """Send recorded requests, each answered by the autopilot."""
        for exi in frames:
            self.secc.receive_data(v2gtp.pack(0x8001, exi), self.now)
            self.secc.take_turn(self.now)
            self.secc.outgoing()
        return self
