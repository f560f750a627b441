"""A powerline in memory: hosts with their modems, a virtual clock, and whatever a test wants to go wrong."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

from secc_kernel.session.slac import EVMatcher, EVSEMatcher
from secc_kernel.session.slac.matcher import LOCAL_MODEM
from secc_kernel.wire.homeplug import BROADCAST, Frame
from secc_kernel.wire.homeplug.messages import CM_ATTEN_PROFILE_IND, CM_MNBC_SOUND_IND, CM_SET_KEY_CNF, CM_SET_KEY_REQ
from secc_kernel.wire.homeplug.vendor import VS_LINK_STATUS_CNF, VS_LINK_STATUS_REQ


class Line:
    """Carries frames between matchers, each with a modem of its own.

    Parameters
    ----------
    attenuation : mapping
        (EV's address, EVSE's address) -> dB, 5 where nothing is said.
    latency : float
        Seconds that a frame takes.
    changes : callable
        Gives what becomes of a frame: a list of (delay, frame), empty for one that is lost.
    """

    def __init__(self, attenuation=None, latency=0.001, changes: Callable[[Frame], list] | None = None):
        self.attenuation = attenuation or {}
        self.latency = latency
        self.changes = changes or (lambda frame: [(0.0, frame)])
        self.now = 0.0
        self.ends: dict[bytes, EVMatcher | EVSEMatcher] = {}
        self.keys: dict[bytes, bytes] = {}
        self.key_result = 1
        self.join_time = 2.0
        self.joins: dict[bytes, float] = {}
        self.dead_modems: set[bytes] = set()
        self.events: list = []
        self.frames: list[tuple[float, Frame]] = []
        self.on_toggle: Callable[[object], None] | None = None
        self._due: list = []
        self._number = itertools.count()

    def add(self, end):
        self.ends[end.mac] = end
        return end

    def at(self, time: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time, next(self._number), action))

    def run(self, until: float) -> None:
        """Let time pass."""
        while True:
            self._collect()
            deadlines = [d for end in self.ends.values() if (d := end.next_deadline()) is not None]
            times = deadlines + ([self._due[0][0]] if self._due else [])
            if not times or min(times) > until:
                self.now = until
                return
            self.now = max(self.now, min(times))
            if self._due and self._due[0][0] <= self.now:
                heapq.heappop(self._due)[2]()
                continue
            for end in self.ends.values():
                if (d := end.next_deadline()) is not None and d <= self.now:
                    end.advance(self.now)

    def _collect(self) -> None:
        for end in self.ends.values():
            for frame in end.outgoing():
                self.frames.append((self.now, frame))
                for delay, carried in self.changes(frame):
                    self.at(self.now + self.latency + delay, lambda f=carried: self._deliver(f))
            for event in end.events():
                self.events.append(event)
                if self.on_toggle and type(event).__name__ == "TogglePilot":
                    self.on_toggle(event)

    def _deliver(self, frame: Frame) -> None:
        frame = Frame.parse(frame.pack())
        if frame.destination == LOCAL_MODEM:
            self._modem(frame)
            return
        for mac, end in self.ends.items():
            if mac != frame.source and frame.destination in (mac, BROADCAST):
                end.receive(frame, self.now)
                if isinstance(frame.message, CM_MNBC_SOUND_IND) and isinstance(end, EVSEMatcher):
                    self._measure(frame, end)

    def _modem(self, frame: Frame) -> None:
        """The host's own modem answers."""
        host = self.ends[frame.source]
        if host.mac in self.dead_modems:
            return
        message = frame.message
        if isinstance(message, CM_SET_KEY_REQ):
            self.keys[host.mac] = message.NewKey
            self.joins[host.mac] = self.now + self.join_time
            reply = CM_SET_KEY_CNF(Result=self.key_result, YourNonce=message.MyNonce)
        elif isinstance(message, VS_LINK_STATUS_REQ):
            shared = [m for m, key in self.keys.items() if key == self.keys.get(host.mac)]
            up = len(shared) > 1 and all(self.joins[m] <= self.now for m in shared)
            reply = VS_LINK_STATUS_CNF(LinkStatus=int(up))
        else:
            return
        answer = Frame(host.mac, LOCAL_MODEM, reply)
        self.frames.append((self.now, answer))
        self.at(self.now + self.latency, lambda: host.receive(answer, self.now))

    def _measure(self, sound: Frame, evse: EVSEMatcher) -> None:
        if evse.mac in self.dead_modems:
            return
        level = self.attenuation.get((sound.source, evse.mac), 5)
        profile = Frame(evse.mac, LOCAL_MODEM, CM_ATTEN_PROFILE_IND(PEVMAC=sound.source, AAG=bytes([level] * 58)))
        self.frames.append((self.now, profile))
        self.at(self.now + 0.005, lambda: evse.receive(profile, self.now))

    def names(self) -> list[str]:
        """The names of the frames, in order."""
        return [frame.name for _, frame in self.frames]


def repeatable(seed: int) -> Callable[[int], bytes]:
    """Random bytes that are the same in each run."""
    return random.Random(seed).randbytes
