"""Emulated powerline modems: interfaces of this machine behave as if a QCA7000 were behind each.

An `Emulator` puts the modems of `modem.Powerline` on interfaces: on veth pairs, the ends that the hosts (a station, its
cars) do not use. A host talks to its modem and over the line as it would with the real thing, down to the frame. The
line can lose frames, the modems can be killed, started anew and made deaf, and a `Trip` cuts a host off at a frame that
was counted beforehand: tests of what happens when the line fails.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ..wire.homeplug import Frame, HomeplugError
from .forged import reset_of
from .modem import Modem, Powerline
from .raw import ALL_TYPES, RawSocket, switch

__all__ = ["TRIPS", "Emulator", "Trip"]

TRIPS = {
    "kill": "the modem dies",
    "reset": "the modem starts anew",
    "deaf": "the modem hears nothing on the line",
    "down": "the cable between host and modem is pulled: the host's interface goes down",
    "silence": "nothing passes between host and modem",
    "rst": "both ends of the TCP connection get a RST",
}
"""What may happen at a frame that was counted beforehand."""
_IPV6 = b"\x86\xdd"
_TCP = 6


@dataclass(slots=True)
class Trip:
    """Something that happens to a host after so many of its frames.

    Attributes
    ----------
    what : str
        One of `TRIPS`.
    after : int
        How many frames that the host sends or is sent still pass.
    """

    what: str
    after: int


class _Port:
    """An interface, and the modem behind it."""

    def __init__(self, name: str, interface: str, sock: RawSocket, modem: Modem) -> None:
        self.name = name
        self.interface = interface
        self.socket = sock
        self.modem = modem
        self.silent = False
        self.trip: Trip | None = None
        self.frames = 0
        self.last_segment = b""
        """The last frame with TCP for the host."""


class Emulator:
    """Modems on interfaces; for the thread of an event loop.

    Parameters
    ----------
    hosts : mapping
        What each host is called -> (the interface at its modem, the host's own address).
    line : Powerline, optional
        What they are on.

    Raises
    ------
    LinkError
        An interface cannot be used; the text says why.
    """

    def __init__(self, hosts: Mapping[str, tuple[str, bytes]], line: Powerline | None = None) -> None:
        self.line = line or Powerline()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._ports: dict[str, _Port] = {}
        try:
            for name, (interface, mac) in hosts.items():
                sock = RawSocket(interface, ethertype=ALL_TYPES, promiscuous=True)
                self._ports[name] = _Port(name, interface, sock, self.line.add(mac))
        except BaseException:
            self.close()
            raise
        self._of = {port.modem: port for port in self._ports.values()}
        for port in self._ports.values():
            port.socket.listen(lambda frame, _, port=port: self._from_host(port, frame))  # type: ignore[misc]

    @property
    def now(self) -> float:
        """The line's clock."""
        return time.monotonic()

    def port(self, name: str) -> _Port:
        """A host's port.

        Raises
        ------
        ValueError
            There is no such host.
        """
        if name not in self._ports:
            raise ValueError(f"there is no {name!r} on this line: there are {', '.join(self._ports)}")
        return self._ports[name]

    # -- what can be done to it ---------------------------------------------------------------------------------------

    def disturb(self, name: str, what: str) -> None:
        """Do something to a host's modem at once: one of `TRIPS`, or ``on`` for a modem as new.

        Raises
        ------
        ValueError
            There is no such host, or nothing of that name can be done.
        """
        port = self.port(name)
        if what == "on":
            if port.modem.dead:
                port.modem.dead = False
                port.modem.reset(self.now)
            port.silent = port.modem.deaf = False
            port.trip = None
            switch(port.interface, True)
        elif what == "kill":
            port.modem.dead = True
        elif what == "reset":
            port.modem.reset(self.now)
        elif what == "deaf":
            port.modem.deaf = True
        elif what == "silence":
            port.silent = True
        elif what == "down":
            switch(port.interface, False)
        elif what == "rst":
            self._reset_connection(port)
        else:
            raise ValueError(f"a modem can be made {', '.join(TRIPS)} or on, not {what!r}")

    def trip(self, name: str, what: str, after: int) -> None:
        """Have something happen to a host after so many frames from now on.

        Raises
        ------
        ValueError
            There is no such host, or nothing of that name can be done.
        """
        port = self.port(name)
        if what not in TRIPS:
            raise ValueError(f"what happens is one of {', '.join(TRIPS)}, not {what!r}")
        port.trip = Trip(what, after)

    def status(self) -> dict[str, dict[str, object]]:
        """How each modem is, by its host."""
        return {
            port.name: {
                "modem": "dead" if port.modem.dead else "deaf" if port.modem.deaf else "on",
                "mac": port.modem.mac.hex(":"),
                "host": port.modem.host.hex(":"),
                "silent": port.silent,
                "network": port.modem.nid.hex() if port.modem.members(self.now) else None,
                "frames": port.frames,
                "trip": None if port.trip is None else port.trip.what,
            }
            for port in self._ports.values()
        }

    def close(self) -> None:
        """Take the modems off the interfaces."""
        if self._timer is not None:
            self._timer.cancel()
        for port in self._ports.values():
            port.socket.close()

    # -- frames -------------------------------------------------------------------------------------------------------

    def _from_host(self, port: _Port, frame: bytes) -> None:
        if self._passes(port):
            try:
                port.modem.receive(frame, self.now)
            except HomeplugError:  # not even a message's number: a modem has no use for it
                return
        self._go_on()

    def _to_host(self, port: _Port, frame: Frame | bytes) -> None:
        data = frame if isinstance(frame, bytes) else frame.pack()
        if self._passes(port):
            port.socket.send(data)
            if data[12:14] == _IPV6 and data[20] == _TCP:
                port.last_segment = data

    def _passes(self, port: _Port) -> bool:
        """Count a frame between host and modem; False where it does not get through."""
        port.frames += 1
        if port.trip is not None:
            if port.trip.after <= 0:
                what, port.trip = port.trip.what, None
                self.disturb(port.name, what)
            else:
                port.trip.after -= 1
        return not port.silent

    def _go_on(self) -> None:
        """Deliver what is due, and come back when the next thing is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.line.advance(self.now)
        for modem, frame in self.line.outgoing():
            self._to_host(self._of[modem], frame)
        due = self.line.next_deadline()
        if due is not None:
            self._timer = self._loop.call_at(due, self._go_on)

    def _reset_connection(self, port: _Port) -> None:
        """Give both ends of the connection that a host has a RST in the other one's name."""
        peers = [other for other in self._ports.values() if other.modem.host == port.last_segment[6:12]]
        for end in (port, *peers):
            forged = reset_of(end.last_segment)
            if forged is not None:
                end.socket.send(forged)
