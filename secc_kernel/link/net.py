"""Sockets of IPv6 link-local links: interfaces, addresses, and errors that say what to do."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import struct

from ..wire import sdp

__all__ = [
    "EPHEMERAL",
    "Interface",
    "LinkError",
    "check_port",
    "listening_socket",
    "sdp_client_socket",
    "sdp_server_socket",
]

EPHEMERAL = range(49152, 65536)
"""TCP ports of a station ([V2G2-155]: dynamic ports)."""

_ADDRESS_WAIT = 3.0
"""Seconds that an interface gets to finish duplicate address detection, which takes one to two."""
_TRIES = 20


class LinkError(OSError):
    """A link cannot be opened; the text says why and what to do."""


class Interface:
    """A network interface and its link-local address.

    Parameters
    ----------
    name : str
        Its name, such as ``eth1``.

    Attributes
    ----------
    index : int
        Its number: the scope of its link-local addresses.
    address : str
        Its link-local address, once `find_address` has found it.

    Raises
    ------
    LinkError
        There is no such interface.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.address = ""
        self.index = self._find_index()

    def _find_index(self) -> int:
        try:
            return socket.if_nametoindex(self.name)
        except OSError:
            known = ", ".join(self.names())
            raise LinkError(f"there is no network interface {self.name!r}; this machine has {known}") from None

    @staticmethod
    def names() -> list[str]:
        """The names of this machine's interfaces."""
        return [name for _, name in socket.if_nameindex()]

    async def find_address(self) -> None:
        """Find the link-local address; wait a moment for one that is still being checked.

        An interface that was gone meanwhile may come back with another number and another address.

        Raises
        ------
        LinkError
            It has none, or is gone.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _ADDRESS_WAIT
        self.index, self.address = self._find_index(), ""
        while not self.address:
            self.address = self._source_address()
            if not self.address:
                if loop.time() > deadline:
                    raise LinkError(
                        f"{self.name} has no usable IPv6 link-local address: is the link up (ip link set {self.name} "
                        f"up), the cable plugged in, and IPv6 on (sysctl net.ipv6.conf.{self.name}.disable_ipv6=0)?"
                    )
                await asyncio.sleep(0.1)

    def _source_address(self) -> str:
        """The address that the system would send from, to all nodes of this link; '' if there is none."""
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((str(sdp.MULTICAST_ADDRESS), sdp.SERVER_PORT, 0, self.index))
            except OSError:
                return ""
            found = str(probe.getsockname()[0]).partition("%")[0]
        return found if found.startswith("fe80") else ""


def check_port(port: int | None) -> None:
    """Refuse what is no TCP port.

    Raises
    ------
    LinkError
        It is outside of 0 to 65535.
    """
    if port is not None and not 0 <= port <= 0xFFFF:
        raise LinkError(f"a TCP port is a number from 0 to 65535, not {port}")


def listening_socket(host: str, port: int | None, interface: Interface | None) -> socket.socket:
    """A TCP socket that listens.

    Parameters
    ----------
    host : str
        The address.
    port : int or None
        None chooses a free one of `EPHEMERAL`.
    interface : Interface or None
        The scope of a link-local address.

    Raises
    ------
    LinkError
        The port is none or is taken, or the address is not of this machine.
    """
    check_port(port)
    family, address = _resolve(host)
    wanted = [port] if port is not None else random.sample(EPHEMERAL, _TRIES)
    for number in wanted:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        scope = (0, interface.index if interface is not None else 0) if family == socket.AF_INET6 else ()
        try:
            sock.bind((address, number, *scope))
            sock.listen(4)
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRINUSE and port is None:
                continue
            raise _bind_error(error, f"TCP port {number} of {host}") from error
        return sock
    raise LinkError(f"found no free TCP port on {host} in {_TRIES} tries; give one with port=")


def sdp_server_socket(interface: Interface) -> socket.socket:
    """A UDP socket that hears SDP requests on an interface.

    Raises
    ------
    LinkError
        The port is taken.
    """
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        _bind_to_device(sock, interface)
        sock.bind(("::", sdp.SERVER_PORT))
        group = sdp.MULTICAST_ADDRESS.packed + struct.pack("@I", interface.index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
    except OSError as error:
        sock.close()
        raise _bind_error(error, f"UDP port {sdp.SERVER_PORT} for SDP on {interface.name}") from error
    return sock


def _bind_to_device(sock: socket.socket, interface: Interface) -> None:
    """Hear this interface only, so that several stations fit on a machine; needs a privilege on older systems."""
    if hasattr(socket, "SO_BINDTODEVICE"):
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.name.encode() + b"\0")
        except PermissionError:
            return


def sdp_client_socket(interface: Interface) -> socket.socket:
    """A UDP socket that asks for a station on an interface."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface.index)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
    return sock


def _resolve(host: str) -> tuple[socket.AddressFamily, str]:
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError as error:
        raise LinkError(f"{host!r} is no address: {error.strerror or error}") from error
    family, _, _, _, address = found[0]
    return family, str(address[0])


def _bind_error(error: OSError, what: str) -> LinkError:
    if error.errno == errno.EADDRINUSE:
        return LinkError(f"{what} is in use: another station runs on this machine; close it, or choose another port")
    if error.errno == errno.EADDRNOTAVAIL:
        return LinkError(f"{what}: this machine has no such address")
    return LinkError(f"{what}: {error.strerror or error}")
