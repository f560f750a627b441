"""What asyncio reports of a link's sockets: a TCP connection without TLS, and SDP's datagrams."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tcp import TcpLink

__all__ = ["Datagrams", "PlainStream"]


class PlainStream(asyncio.Protocol):
    """A TCP connection of a link, without TLS."""

    tls = ""
    number = None

    def __init__(self, link: TcpLink) -> None:
        self._link = link
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link.stream_made(self, transport)

    def data_received(self, data: bytes) -> None:
        self._link.stream_data(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)
        self._link.stream_lost(self, exc)


class Datagrams(asyncio.DatagramProtocol):
    """The SDP socket of a link."""

    def __init__(self, link: TcpLink) -> None:
        self._link = link

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._link.datagram(data, addr)

    def error_received(self, exc: Exception) -> None:
        """An SDP datagram could not be delivered; the vehicle asks again by itself."""
