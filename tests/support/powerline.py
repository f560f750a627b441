"""A powerline in memory: hosts with their modems, a virtual clock, and whatever a test wants to go wrong."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

from secc_kernel.link.modem import JOIN_TIME, Modem, Powerline
from secc_kernel.session.slac import EVMatcher, EVSEMatcher
from secc_kernel.session.slac.matcher import LOCAL_MODEM
from secc_kernel.wire.homeplug import Frame


class Line:
    """Carries frames between hosts (matchers, or data links), each with a modem of its own.

    Parameters
    ----------
    attenuation : mapping
        (EV's address, EVSE's address) -> dB, 5 where nothing is said.
    latency : float
        Seconds that a frame takes more.
    changes : callable
        Gives what becomes of a frame that a host sends: a list of (delay, frame), empty for one that is lost.
    """

    def __init__(self, attenuation=None, latency=0.0, changes: Callable[[Frame], list] | None = None):
        self.powerline = Powerline(attenuation)
        self.latency = latency
        self.changes = changes or (lambda frame: [(0.0, frame)])
        self.now = 0.0
        self.ends: dict[bytes, EVMatcher | EVSEMatcher] = {}
        self.modems: dict[bytes, Modem] = {}
        self.key_result = 1
        self.join_time = JOIN_TIME
        self.dead_modems: set[bytes] = set()
        self.events: list = []
        self.frames: list[tuple[float, Frame]] = []
        self.on_toggle: Callable[[object], None] | None = None
        self._due: list = []
        self._number = itertools.count()

    @property
    def keys(self) -> dict[bytes, bytes]:
        """The key of each host's modem."""
        return {mac: modem.nmk for mac, modem in self.modems.items() if modem.nmk is not None}

    def add(self, end, mac: bytes | None = None):
        """A host, with its modem; a data link is told by its matcher's address."""
        mac = mac or getattr(end, "mac", None) or end.matcher.mac
        self.ends[mac] = end
        self.modems[mac] = self.powerline.add(mac)
        return end

    def at(self, time: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time, next(self._number), action))

    def run(self, until: float) -> None:
        """Let time pass."""
        while True:
            self._collect()
            ends = [d for end in self.ends.values() if (d := end.next_deadline()) is not None]
            carried = self.powerline.next_deadline()
            times = ends + ([self._due[0][0]] if self._due else []) + ([] if carried is None else [carried])
            if not times or min(times) > until:
                self.now = until
                return
            self.now = max(self.now, min(times))
            if self._due and self._due[0][0] <= self.now:
                heapq.heappop(self._due)[2]()
            elif carried is not None and carried <= self.now:
                self.powerline.advance(self.now)
            else:
                for end in self.ends.values():
                    if (d := end.next_deadline()) is not None and d <= self.now:
                        end.advance(self.now)

    def _collect(self) -> None:
        """Take what everybody has to send, until nobody has."""
        self.powerline.join_time = self.join_time
        for modem in self.modems.values():
            modem.key_result = self.key_result
        self._collect_hosts()
        for modem, frame in self.powerline.outgoing():
            frame = Frame.parse(frame.pack())
            if frame.source == LOCAL_MODEM:
                if modem.host in self.dead_modems:
                    continue
                self.frames.append((self.now, frame))
            self.ends[modem.host].receive(frame, self.now)
        self._collect_hosts()

    def _collect_hosts(self) -> None:
        for mac, end in self.ends.items():
            for frame in end.outgoing():
                self.frames.append((self.now, frame))
                for delay, carried in self.changes(frame):
                    self.at(self.now + self.latency + delay, lambda f=carried, m=mac: self._put(m, f))
            for event in end.events():
                self.events.append(event)
                if self.on_toggle and type(event).__name__ == "TogglePilot":
                    self.on_toggle(event)

    def _put(self, mac: bytes, frame: Frame) -> None:
        if not (mac in self.dead_modems and frame.destination == LOCAL_MODEM):
            self.modems[mac].receive(Frame.parse(frame.pack()), self.now)

    def names(self) -> list[str]:
        """The names of the frames, in order."""
        return [frame.name for _, frame in self.frames]


def repeatable(seed: int) -> Callable[[int], bytes]:
    """Random bytes that are the same in each run."""
    return random.Random(seed).randbytes
