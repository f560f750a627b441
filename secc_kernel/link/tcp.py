"""TCP with SDP: a station that vehicles find and connect to, and a vehicle that finds and connects to a station.

Both live in the event loop of the session's thread. Times are seconds since the epoch, taken from the monotonic clock.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypeAlias

from ..session.datalink import DataLink
from ..session.evcc import EVCC
from ..session.events import Close, Connect, SendData, SendDatagram
from ..session.secc import SECC
from ..wire import sdp
from .disclosure import Disclosure
from .net import Interface, LinkError, check_port, listening_socket, sdp_client_socket, sdp_server_socket
from .streams import Datagrams, PlainStream
from .tls import TlsStream
from .tls_contexts import Tls, TlsSettings

Stream: TypeAlias = "PlainStream | TlsStream"

__all__ = ["LinkError", "TcpStation", "TcpVehicle"]

_CLOSING = 1.0
"""Seconds that the last bytes get to leave when a link is closed."""
_WAITING = 16
"""Messages that may wait for their answer. A peer that sends more is not read until there are fewer."""
_HANDSHAKES = 8
"""TLS handshakes that may go on at a time; the oldest makes room."""
_PIECE = 4096
"""Bytes that a party is given at a time: hardly more than one message, so that few come above the limit."""


class TcpLink:
    """What both ends have in common: one connection at a time, the clock, the SDP socket."""

    kind = "tcp"
    real = True

    def __init__(self, party: SECC | EVCC, interface: str | None, tls: TlsSettings | None) -> None:
        self.parties: dict[str, SECC | EVCC] = {party.role: party}
        self.datalinks: dict[str, DataLink] = {}
        self._party = party
        self._interface = Interface(interface) if interface is not None else None
        self._epoch = time.time() - time.monotonic()
        self._happened: Callable[[Callable[[], object]], None] = lambda call: None
        self._stream: Stream | None = None
        self._shaking: dict[TlsStream, None] = {}
        """Connections whose TLS handshake is going on."""
        self._disclosure: Disclosure | None = None
        if tls is not None and tls.disclose and self._interface is None:
            raise LinkError("TLS secrets can be disclosed on an interface only: give one with interface=")
        self.tls = None if tls is None else Tls(tls, party.role)
        self._transport: Any = None
        self._udp: Any = None
        self._closing: set[asyncio.Future[None]] = set()
        self._unread = bytearray()
        """What has arrived and the party has not been given yet: it has enough to do."""
        self._paused = False

    @property
    def party(self) -> SECC | EVCC:
        """The party at this end."""
        return self._party

    @property
    def now(self) -> float:
        """Seconds since the epoch; never runs backwards."""
        return self._epoch + time.monotonic()

    def advance(self, until: float | None = None) -> bool:
        """Real time passes by itself."""
        return False

    def exchange(self, vehicle: EVCC) -> None:
        """The other side of this link is real, or the vehicle is the script's own.

        Raises
        ------
        LinkError
            Always.
        """
        raise LinkError(f"there is no simulated vehicle to exchange on {self.place}")

    @property
    def place(self) -> str:
        """Where the link is."""
        raise NotImplementedError

    @property
    def _with_tls(self) -> str:
        return "" if self.tls is None else ", with TLS"

    async def _open_udp(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: Datagrams(self), sock=sock)

    def flush(self) -> None:
        """Send what the party wants to send."""
        for output in self._party.outgoing():
            if isinstance(output, SendData):
                if self._transport is not None:
                    self._transport.write(output.data)
            elif isinstance(output, SendDatagram):
                self._send_datagram(output.data, output.dest)
            elif isinstance(output, Connect):
                self._open_connection(output)
            else:
                assert isinstance(output, Close)
                self._let_go()
        if self._paused and self._party.backlog < _WAITING:
            self._paused = False  # told once; reading goes on when the party has taken what is here
            asyncio.get_running_loop().call_soon(self._deliver)

    def _send_datagram(self, data: bytes, dest: Any) -> None:
        if self._udp is None:
            return
        if dest is None:
            assert self._interface is not None
            dest = (str(sdp.MULTICAST_ADDRESS), sdp.SERVER_PORT, 0, self._interface.index)
        self._udp.sendto(data, dest)

    def _open_connection(self, output: Connect) -> None:
        if output.tls and self.tls is None:
            why = f"[{output.address}]:{output.port} is to be reached by TLS, which this vehicle does not do (tls=true)"
            asyncio.get_running_loop().call_soon(self._happened, lambda: self._party.disconnected(self.now, why))
        else:
            self._connect(output.address, output.port, self.tls if output.tls else None)

    def _connect(self, address: str, port: int, tls: Tls | None) -> None:
        raise NotImplementedError

    def _let_go(self) -> None:
        """Close the connection from this side; what was written still goes out."""
        transport, stream = self._transport, self._stream
        self._forget()
        if transport is not None and stream is not None:
            self._closing.add(stream.closed)
            stream.closed.add_done_callback(self._closing.discard)
            transport.close()

    # -- what the sockets report ------------------------------------------------------------------------------------

    def datagram(self, data: bytes, sender: Any) -> None:
        """An SDP datagram arrived."""
        if self._interface is None or sender[3] == self._interface.index:
            self._happened(lambda: self._party.receive_datagram(data, sender, self.now))

    def _new_stream(self, tls: Tls | None) -> Stream:
        return PlainStream(self) if tls is None else TlsStream(self, tls)

    def stream_begun(self, stream: TlsStream) -> None:
        """A connection stands whose TLS handshake is still to come."""
        if len(self._shaking) >= _HANDSHAKES:
            next(iter(self._shaking)).abort()
        self._shaking[stream] = None
        stream.closed.add_done_callback(lambda _: self._shaking.pop(stream, None))

    def stream_failed(self, stream: TlsStream, reason: str) -> None:
        """TLS has ended a connection, or did not let it begin."""
        if stream is self._stream:
            self._forget()
        if self._stream is None:
            self._happened(lambda: self._party.disconnected(self.now, reason))

    def stream_made(self, stream: Stream, transport: Any) -> None:
        """A connection stands."""
        self._forget()
        if isinstance(stream, TlsStream):
            self._shaking.pop(stream, None)
        peer, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._stream, self._transport = stream, transport
        self._happened(lambda: self._party.connected(peer, self.now, local, tls=stream.tls, stream=stream.number))

    def _open_disclosure(self) -> None:
        if self.tls is not None and self.tls.settings.disclose and self._interface is not None:
            self._disclosure = Disclosure(self._interface)

    def disclose(self, lines: list[str]) -> None:
        """Send the secrets of a connection to everybody on the interface."""
        if self._disclosure is not None:
            self._disclosure.send(lines)

    def stream_data(self, stream: Stream, data: bytes) -> None:
        """Bytes arrived."""
        if stream is self._stream:
            self._unread += data
            self._deliver()

    def _deliver(self) -> None:
        """Give the party what has arrived, as long as it keeps up; then stop reading, and TCP holds the peer back."""
        while self._unread and self._party.backlog < _WAITING:
            piece = bytes(self._unread[:_PIECE])
            del self._unread[:_PIECE]
            self._happened(partial(self._take, piece))
        transport, self._paused = self._transport, bool(self._unread)
        if transport is None:
            return
        if self._paused:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _take(self, data: bytes) -> None:
        self._party.receive_data(data, self.now)

    def _forget(self) -> None:
        """There is no connection (any more)."""
        self._transport = self._stream = None
        self._unread.clear()
        self._paused = False

    def stream_lost(self, stream: Stream, exc: Exception | None) -> None:
        """The connection is gone, without our doing."""
        if stream is self._stream:
            self._forget()
            reason = f"the {self._party.peer_role} closed the connection" if exc is None else _said(exc)
            self._happened(lambda: self._party.disconnected(self.now, reason))

    @property
    def closing(self) -> asyncio.Future[None] | None:
        """A connection whose end is still to go out."""
        return next(iter(self._closing), None)

    def cut(self) -> None:
        """The line is gone, and the connection with it: nothing goes out any more, nobody is told."""
        self._stop_shaking()
        transport = self._transport
        self._forget()
        if transport is not None:
            transport.abort()

    def _stop_shaking(self) -> None:
        for stream in tuple(self._shaking):
            self._closing.add(stream.closed)
            stream.closed.add_done_callback(self._closing.discard)
            stream.abort()

    async def close(self) -> None:
        """Close connection and sockets; what was written still goes out."""
        if self._party.connection is not None:
            self._party.link_lost(self.now, f"the {self._party.role}'s end was closed")
        self._stop_shaking()
        self._let_go()
        if self._closing:
            await asyncio.wait(self._closing, timeout=_CLOSING)
        if self._udp is not None:
            self._udp.close()
            self._udp = None
        if self._disclosure is not None:
            self._disclosure.close()
            self._disclosure = None


class TcpStation(TcpLink):
    """A station: listens for vehicles, one at a time, one after the other.

    Parameters
    ----------
    station : SECC
        The station.
    interface : str, optional
        The network interface: SDP requests to ff02::1 port 15118 are answered there, with its link-local address.
    host : str
        Without an interface: the address to listen on; no SDP then.
    port : int, optional
        The TCP port; a free one out of 49152 to 65535 by default.
    tls : TlsSettings, optional
        How it does TLS; by default it does none.

    Raises
    ------
    LinkError
        There is no such interface, or the PKI cannot be used.
    """

    plugged = True

    def __init__(
        self,
        station: SECC,
        *,
        interface: str | None = None,
        host: str = "::1",
        port: int | None = None,
        tls: TlsSettings | None = None,
    ) -> None:
        super().__init__(station, interface, tls)
        self._station = station
        self._host = host
        self.port = port
        self._server: asyncio.Server | None = None

    @property
    def place(self) -> str:
        """Where it listens."""
        if self._interface is not None:
            return f"[{self._host}%{self._interface.name}]:{self.port}, found by SDP{self._with_tls}"
        return f"[{self._host}]:{self.port}{self._with_tls}"

    async def open(self, happened: Callable[[Callable[[], object]], None]) -> None:
        """Listen.

        Raises
        ------
        LinkError
            The interface has no link-local address, or a port is taken.
        """
        self._happened = happened
        if self._interface is not None:
            await self._interface.find_address()
            self._host = self._interface.address
        sock = listening_socket(self._host, self.port, self._interface)
        try:
            if self._interface is not None:
                await self._open_udp(sdp_server_socket(self._interface))
        except BaseException:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        self._open_disclosure()
        self._station.listen(_as_ipv6(sock.getsockname()[0]), self.port, *self._security())
        new = partial(self._new_stream, self.tls)
        self._server = await asyncio.get_running_loop().create_server(new, sock=sock)

    def _security(self) -> tuple[sdp.Security, bool]:
        """What SDP tells of TLS, and whether it tells nothing else."""
        if self.tls is None:
            return sdp.Security.NoTransportLayerSecurity, False
        return sdp.Security.TLS, self.tls.settings.only

    def plug(self, fresh: bool = True) -> None:
        """A real vehicle plugs in by itself."""

    def unplug(self) -> None:
        """Cut the connection, as if the cable had been pulled."""
        if self._transport is not None:
            self._transport.abort()

    def stream_made(self, stream: Stream, transport: Any) -> None:
        """A vehicle connected: take it, unless another one is connected."""
        if self._transport is not None:
            peer = transport.get_extra_info("peername")
            if peer[0] != self._transport.get_extra_info("peername")[0]:
                transport.abort()
                self._happened(lambda: self._party.refused(peer, self.now))
                return
            # The vehicle came back, and its old connection never ended: a lost link leaves such a half behind.
            old = self._transport
            self._forget()
            old.abort()
            self._happened(lambda: self._party.superseded(peer, self.now))
        super().stream_made(stream, transport)

    def _connect(self, address: str, port: int, tls: Tls | None) -> None:
        raise AssertionError("a station does not connect")

    async def close(self) -> None:
        """Stop listening and close the connection."""
        if self._server is not None:
            self._server.close()
        await super().close()


class TcpVehicle(TcpLink):
    """A vehicle: looks for a station by SDP on an interface, or connects to a known one.

    Parameters
    ----------
    vehicle : EVCC
        The vehicle.
    interface : str, optional
        The network interface where SDP requests are sent.
    host, port : str, int, optional
        The station, where it is known; no SDP then.
    tls : TlsSettings, optional
        How it does TLS; the vehicle then asks for it. By default it does none.

    Raises
    ------
    LinkError
        There is no such interface or port, the PKI cannot be used, or neither an interface nor a host and port were
        given.
    """

    def __init__(
        self,
        vehicle: EVCC,
        *,
        interface: str | None = None,
        host: str | None = None,
        port: int | None = None,
        tls: TlsSettings | None = None,
    ) -> None:
        if interface is None and (host is None or port is None):
            raise LinkError(
                "a vehicle needs an interface (SDP finds the station there), or the station's host and port"
            )
        check_port(port)
        super().__init__(vehicle, interface, tls)
        self._vehicle = vehicle
        self._tell_security()
        self._known = (host, port) if host is not None and port is not None else None
        self._attempt: asyncio.Task[None] | None = None
        self.plugged = False

    @property
    def place(self) -> str:
        """Where it looks for a station."""
        if self._known is not None:
            return f"the station at [{self._known[0]}]:{self._known[1]}{self._with_tls}"
        assert self._interface is not None
        return f"a station on {self._interface.name}, by SDP{self._with_tls}"

    async def open(self, happened: Callable[[Callable[[], object]], None]) -> None:
        """Open the SDP socket.

        Raises
        ------
        LinkError
            The interface has no link-local address.
        """
        self._happened = happened
        if self._interface is not None and self._known is None:
            await self._interface.find_address()
            await self._open_udp(sdp_client_socket(self._interface))
            self._open_disclosure()

    def exchange(self, vehicle: EVCC) -> None:
        """Put another vehicle in the place of the one that is not plugged in (any more)."""
        self._party = self._vehicle = self.parties["EVCC"] = vehicle
        self._tell_security()

    def _tell_security(self) -> None:
        """A vehicle that can do TLS asks for it."""
        if self.tls is not None:
            self._vehicle.security, self._vehicle.tls_only = sdp.Security.TLS, self.tls.settings.only

    def plug(self, fresh: bool = True) -> None:
        """Plug in: look for the station."""
        self.plugged = True
        self._vehicle.start(self.now, self._known)

    def unplug(self) -> None:
        """Pull the plug."""
        self.plugged = False
        self.cut()
        self._vehicle.unplug(self.now)

    def cut(self) -> None:
        """The line is gone, and the connection with it, or the attempt at one."""
        self._give_up_connecting()
        super().cut()

    def _connect(self, address: str, port: int, tls: Tls | None) -> None:
        self._attempt = asyncio.get_running_loop().create_task(self._try(address, port, tls))

    async def _try(self, address: str, port: int, tls: Tls | None) -> None:
        scoped = address
        if self._interface is not None and address.startswith("fe80"):
            scoped = f"{address}%{self._interface.name}"
        try:
            await asyncio.get_running_loop().create_connection(lambda: self._new_stream(tls), scoped, port)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            self._happened(lambda: self._vehicle.disconnected(self.now, f"[{scoped}]:{port}: {why}"))

    def stream_made(self, stream: Stream, transport: Any) -> None:
        """The station took the connection; a vehicle that has given up meanwhile leaves at once."""
        if self._vehicle.ended is not None:
            transport.abort()
        else:
            super().stream_made(stream, transport)

    def _give_up_connecting(self) -> None:
        if self._attempt is not None:
            self._attempt.cancel()

    async def close(self) -> None:
        """Close the connection."""
        self._give_up_connecting()
        await super().close()


def _as_ipv6(host: str) -> IPv6Address:
    """An address as SDP can tell it: IPv4 is mapped."""
    found = ip_address(host.partition("%")[0])
    return IPv6Address(f"::ffff:{found}") if isinstance(found, IPv4Address) else found


def _said(error: Exception) -> str:
    """What the system says of an error, without its number."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
