"""Modems on a powerline, modelled at the level of frames, without I/O: what an emulator or a simulation is made of.

A `Powerline` carries what its `Modem`s put on it. Each modem has a host: management messages for the modem itself are
answered (keys, link status, firmware, networks), all other frames go over the line as a Qualcomm QCA7000 sends them:
management messages to everybody, everything else only to modems in the same network. Frames and the time go in, frames
for the hosts come out::

    line = Powerline(attenuation={(car, station): 5})
    modem = line.add(host_mac)
    modem.receive(frame, now)                 # from the host; a `Frame`, or the bytes of any Ethernet frame
    for modem, frame in line.outgoing(): ...  # to the hosts
    line.advance(now)                         # at the latest at line.next_deadline()
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random

from secc_kernel.session.slac.matcher import LOCAL_MODEM
from secc_kernel.wire.homeplug import BROADCAST, ETHERTYPE, Frame, nid_of
from secc_kernel.wire.homeplug.messages import (
    CM_ATTEN_PROFILE_IND,
    CM_MNBC_SOUND_IND,
    CM_SET_KEY_CNF,
    CM_SET_KEY_REQ,
    GROUPS,
)
from secc_kernel.wire.homeplug.vendor import VS_LINK_STATUS_CNF, VS_LINK_STATUS_REQ

from .modem_answers import describe

__all__ = ["JOIN_TIME", "Modem", "Powerline"]

JOIN_TIME = 1.8
"""Seconds from the key to the network, for modems that find a partner."""
HOST_DELAY = 0.0005
LINE_DELAY = 0.001
TRANSIT = 2 * HOST_DELAY + LINE_DELAY
"""Seconds from one host to another, by way of their modems."""
_DEFAULT_ATTENUATION = 5


class Modem:
    """One modem: its host on one side, the line on the other.

    Parameters
    ----------
    line : Powerline
        The line that it is on.
    host : bytes
        The address of its host.
    mac : bytes
        Its own address.

    Attributes
    ----------
    nmk : bytes or None
        Its key.
    dead, deaf : bool
        Whether it does nothing at all; whether it hears nothing on the line.
    key_result : int
        What it answers to a key: 1, as Qualcomm's do, or 0, as the text says.
    """

    def __init__(self, line: Powerline, host: bytes, mac: bytes) -> None:
        self.line = line
        self.host = host
        self.mac = mac
        self.nmk: bytes | None = None
        self.keyed_at = 0.0
        self.dead = False
        self.deaf = False
        self.key_result = 1

    @property
    def nid(self) -> bytes:
        """The identifier of its network."""
        return bytes(7) if self.nmk is None else nid_of(self.nmk)

    def receive(self, frame: Frame | bytes, now: float) -> None:
        """Take a frame from the host."""
        if isinstance(frame, bytes) and frame[12:14] == ETHERTYPE.to_bytes(2, "big"):
            frame = Frame.parse(frame)
        if self.dead:
            return
        if isinstance(frame, Frame) and frame.destination in (LOCAL_MODEM, self.mac):
            self._answer(frame, now)
            return
        if isinstance(frame, Frame) and frame.destination == BROADCAST:
            self._describe(frame, now)
        self.line.carry(self, frame, now)

    def members(self, now: float) -> list[Modem]:
        """The other modems of its network; empty while it has none."""
        return self.line.network(self, now)

    def reset(self, now: float) -> None:
        """Start anew: the key is kept, the link is gone until the modems have found each other again."""
        self.keyed_at = now

    def _answer(self, frame: Frame, now: float) -> None:
        message = frame.message
        if isinstance(message, CM_SET_KEY_REQ):
            self.nmk, self.keyed_at = message.NewKey, now
            self._tell(frame, CM_SET_KEY_CNF(Result=self.key_result, YourNonce=message.MyNonce), now)
        elif isinstance(message, VS_LINK_STATUS_REQ):
            self._tell(frame, VS_LINK_STATUS_CNF(LinkStatus=int(bool(self.members(now)))), now)
        else:
            self._describe(frame, now)

    def _describe(self, frame: Frame, now: float) -> None:
        """Answer the host's question for what this modem is."""
        answer = describe(self, frame.message, frame.version, now)
        if answer is not None:
            self.line.later(now + HOST_DELAY, self, Frame(frame.source, self.mac, answer, frame.version))

    def _tell(self, request: Frame, answer: CM_SET_KEY_CNF | VS_LINK_STATUS_CNF, now: float) -> None:
        # By the address that every modem of this kind has, or by its own: as it was asked.
        reply = Frame(request.source, request.destination, answer)
        self.line.later(now + HOST_DELAY, self, reply)

    def heard(self, frame: Frame | bytes, sender: Modem, now: float) -> None:
        """Something was on the line."""
        if self.dead or self.deaf:
            return
        if isinstance(frame, Frame):
            if frame.destination in (self.mac, BROADCAST) and self in sender.members(now):
                answer = describe(self, frame.message, frame.version, now)
                if answer is not None:
                    self.line.carry(self, Frame(frame.source, self.mac, answer, frame.version), now)
            if frame.destination == self.mac:
                return
            self.line.later(now, self, frame)
            if isinstance(frame.message, CM_MNBC_SOUND_IND):
                profile = CM_ATTEN_PROFILE_IND(PEVMAC=frame.source, AAG=self.line.profile_between(sender, self))
                self.line.later(now + 0.004, self, Frame(self.host, LOCAL_MODEM, profile))
        else:
            self.line.later(now, self, frame)


class Powerline:
    """A line with modems on it.

    Parameters
    ----------
    attenuation : mapping, optional
        (host's address of the sender, of the receiver) -> dB, or a profile: dB for each group of carriers. 5 dB where
        nothing is said.
    join_time : float
        Seconds from the key to the network.
    loss : float
        The share of what is on the line that a modem does not hear, 0 to 1.
    duplicates : float
        The share of what is heard that is heard twice.
    jitter : float
        Seconds by which a frame may be late, one more, another less: so they overtake each other.
    random : callable, optional
        Gives numbers from 0 to 1 that decide what happens to what; the same ones each time unless another is given.
    """

    def __init__(
        self,
        attenuation: Mapping[tuple[bytes, bytes], int | Sequence[int]] | None = None,
        join_time: float = JOIN_TIME,
        loss: float = 0.0,
        duplicates: float = 0.0,
        jitter: float = 0.0,
        random: Callable[[], float] | None = None,
    ):
        self.attenuation = dict(attenuation or {})
        self.join_time = join_time
        self.loss = loss
        self.duplicates = duplicates
        self.jitter = jitter
        self._random = random or Random(0).random
        self.modems: list[Modem] = []
        self._due: list[tuple[float, int, Callable[[float], None]]] = []
        self._number = itertools.count()
        self._outputs: list[tuple[Modem, Frame | bytes]] = []

    def add(self, host: bytes, mac: bytes | None = None) -> Modem:
        """Put a modem on the line, with this host."""
        modem = Modem(self, host, mac or bytes((host[0] | 2, *host[1:5], host[5] ^ 0x80)))
        self.modems.append(modem)
        return modem

    def remove(self, modem: Modem) -> None:
        """Take a modem off the line."""
        self.modems.remove(modem)

    def next_deadline(self) -> float | None:
        """When `advance` has to be called next."""
        return self._due[0][0] if self._due else None

    def advance(self, now: float) -> None:
        """Let time pass."""
        while self._due and self._due[0][0] <= now:
            due, _, act = heapq.heappop(self._due)
            act(due)

    def outgoing(self) -> list[tuple[Modem, Frame | bytes]]:
        """The frames for the hosts, in order; drained by the call."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def carry(self, sender: Modem, frame: Frame | bytes, now: float) -> None:
        """A modem puts a frame on the line: a management message for all, anything else for its present network."""
        for modem in self.modems if isinstance(frame, Frame) else self.network(sender, now):
            if modem is not sender and _concerns(frame, modem):
                for delay in self._disturbed():
                    self._schedule(now + LINE_DELAY + delay, partial(modem.heard, frame, sender))

    def _disturbed(self) -> list[float]:
        """The delays with which a modem hears something: usually once, without any."""
        if not (self.loss or self.duplicates or self.jitter):
            return [0.0]
        if self._random() < self.loss:
            return []
        times = 2 if self._random() < self.duplicates else 1
        return [self._random() * self.jitter for _ in range(times)]

    def network(self, modem: Modem, now: float) -> list[Modem]:
        """The modems that share a key with one, and have had the time to find each other."""
        if modem.nmk is None or now < modem.keyed_at + self.join_time:
            return []
        return [
            other
            for other in self.modems
            if other is not modem
            and not other.dead
            and other.nmk == modem.nmk
            and now >= other.keyed_at + self.join_time
        ]

    def profile_between(self, sender: Modem, receiver: Modem) -> bytes:
        """How much of what one sends is lost on the way to another: dB for each group of carriers."""
        found = self.attenuation.get((sender.host, receiver.host), _DEFAULT_ATTENUATION)
        return bytes([found] * GROUPS) if isinstance(found, int) else bytes(found)

    def later(self, when: float, modem: Modem, frame: Frame | bytes) -> None:
        """Give a frame to a modem's host, later."""
        self._schedule(when, lambda then: self._outputs.append((modem, frame)))

    def _schedule(self, when: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._due, (when, next(self._number), act))


def _concerns(frame: Frame | bytes, modem: Modem) -> bool:
    destination = frame.destination if isinstance(frame, Frame) else frame[:6]
    return bool(destination[0] & 1) or destination in (BROADCAST, modem.host, modem.mac)
