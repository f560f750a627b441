"""Whole Ethernet frames on a network interface: AF_PACKET sockets, which need the privilege CAP_NET_RAW.

The sockets are scapy's, which is imported when the first one is opened.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import shlex
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..wire import homeplug
from .net import Interface, LinkError

__all__ = [
    "ALL_TYPES",
    "DOWN",
    "InterfaceWatch",
    "RawSocket",
    "hardware_address",
    "is_up",
    "privilege_advice",
    "switch",
]

ALL_TYPES = 0x0003
"""As an Ethernet type: frames of all types."""

DOWN = "{0} is down: switch it on (ip link set {0} up) and connect the modem"
"""What is said of an interface that is of no use as it is."""

_ETHERNET = 1  # ARPHRD_ETHER
_CAP_NET_RAW = 13
_GET_FLAGS = 0x8913  # SIOCGIFFLAGS
_GET_ADDRESS = 0x8927  # SIOCGIFHWADDR
_SET_FLAGS = 0x8914  # SIOCSIFFLAGS
_UP = 0x1  # IFF_UP
_UP_AND_RUNNING = _UP | 0x40  # IFF_UP, IFF_RUNNING: switched on, and the other end of the cable is alive
_LINK_GROUP = 1  # RTMGRP_LINK
_LONGEST = 65535
_ROOM = 1 << 22
"""Bytes that may wait for a listener."""
_AT_ONCE = 256
"""Frames that are read before the event loop does something else."""
_GONE = (errno.ENETDOWN, errno.ENXIO, errno.ENODEV)


class RawSocket:
    """Sends and receives Ethernet frames on an interface; for the thread of an event loop, or for a plain loop.

    Parameters
    ----------
    interface : str
        Its name.
    ethertype : int
        What is received: frames of this type (HomePlug's by default), or `ALL_TYPES`. What this machine sends itself
        is not received.
    promiscuous : bool
        Whether frames for other machines are received, too.

    Attributes
    ----------
    mac : bytes
        The interface's address.

    Raises
    ------
    LinkError
        There is no such interface, it is none of Ethernet, or the privilege lacks: then the text says how to get it.
    """

    def __init__(self, interface: str, *, ethertype: int = homeplug.ETHERTYPE, promiscuous: bool = False) -> None:
        if not hasattr(socket, "AF_PACKET"):
            raise LinkError("raw Ethernet frames need Linux (AF_PACKET sockets); everything else works here")
        self.interface = Interface(interface)
        self._socket = _open(interface, ethertype, promiscuous)
        _, _, _, kind, self.mac = self._socket.ins.getsockname()
        if kind != _ETHERNET:
            self._socket.close()
            raise LinkError(_NO_ETHERNET.format(interface))
        self._socket.ins.setblocking(False)
        self._loop: asyncio.AbstractEventLoop | None = None

    def fileno(self) -> int:
        """The descriptor, for whoever waits for frames with a selector."""
        number: int = self._socket.fileno()
        return number

    def listen(self, received: Callable[[bytes, float], object]) -> None:
        """Have the running event loop call ``received(frame, seconds since the epoch)`` for each frame."""
        self._loop = asyncio.get_running_loop()

        def ready() -> None:
            for data, time in self.read(_AT_ONCE):
                received(data, time)

        self._loop.add_reader(self.fileno(), ready)

    def read(self, most: int = _AT_ONCE) -> Iterator[tuple[bytes, float]]:
        """The frames that have arrived, with their times; none while the interface is down."""
        for _ in range(most):
            if self._socket.closed:
                return
            try:
                _, data, time = self._socket.recv_raw(_LONGEST)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _GONE:  # told once, by whichever call comes first
                    return
                raise
            if data is not None:
                yield data, float(time)

    def send(self, frame: bytes) -> bool:
        """Send a frame; False where the interface is down or gone, or has no room for it: it is lost, as on a line."""
        try:
            self._socket.outs.send(frame)
        except OSError as error:
            if error.errno in (*_GONE, errno.ENOBUFS, errno.EAGAIN):
                return False
            raise LinkError(f"{self.interface.name} does not take a frame: {error.strerror or error}") from error
        return True

    def mute(self) -> None:
        """From now on only listen: nothing can be sent, and what this machine itself sends is received as well."""
        self._socket.outs = None
        self._socket.ins.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)

    def close(self) -> None:
        """Close the socket."""
        if self._loop is not None and not self._socket.closed:
            self._loop.remove_reader(self.fileno())
        self._socket.close()


def _open(interface: str, ethertype: int, promiscuous: bool) -> Any:
    try:
        # Before scapy is loaded: that takes a third of a second, for nothing where the privilege lacks.
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
        import scapy.layers.l2  # noqa: F401  (tells the socket what Ethernet is)
        from scapy.arch.linux import L2Socket

        return L2Socket(iface=interface, type=ethertype, promisc=promiscuous, nofilter=1)
    except PermissionError as error:
        raise LinkError(privilege_advice(interface)) from error
    except OSError as error:
        if error.errno == errno.ENETDOWN:
            raise LinkError(DOWN.format(interface)) from error
        raise LinkError(f"{interface} cannot be opened for raw frames: {error.strerror or error}") from error


# -- the privilege ----------------------------------------------------------------------------------------------------


def privilege_advice(interface: str) -> str:
    """What to do where AF_PACKET sockets are not allowed: sentences for the user, with the commands to run."""
    head = f"raw Ethernet frames on {interface} need the privilege CAP_NET_RAW, which this process does not have"
    if not _bounding() >> _CAP_NET_RAW & 1:
        return (
            f"{head} and cannot get: the container or service that it runs in excludes it. Start that with it: "
            "docker run --cap-add=NET_RAW --network=host, or AmbientCapabilities=CAP_NET_RAW in a systemd unit."
        )
    python = Path(sys.executable)
    real = python.resolve()
    copy = python.with_name(f"{real.name}-raw")
    file, raw = shlex.quote(str(real)), shlex.quote(str(copy))
    which = f" ({python} is a link to it)" if real != python else ""
    if _has_capability(real):
        return (
            f"{head}, though {real} has it. It counts from the next start on: restart the kernel or the command. If "
            "that does not help, the file system is mounted nosuid, or the process runs under no_new_privs (sandboxes "
            "and some services): start it otherwise."
        )
    return (
        f"{head}. One of these gives it:\n"
        f"  for all users of this Python{which}:\n"
        f"    sudo setcap cap_net_raw+ep {file}\n"
        f"  for the members of a group, by a Python of their own (here netdev; then start the kernel or command with "
        f"it):\n"
        f"    sudo install -o root -g netdev -m 750 {file} {raw} && sudo setcap cap_net_raw+ep {raw}\n"
        f"  for one command (run, modems, ...), as root:\n"
        f"    sudo {shlex.quote(str(python))} -m secc_kernel.cli ...\n"
        f"Restart the kernel afterwards. Everything else (--link sim, --link tcp, captures) works without."
    )


def _bounding() -> int:
    """The privileges that this process could ever have, as bits; all where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except OSError:
        return -1
    return next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:")), -1)


def _has_capability(file: Path) -> bool:
    try:
        return bool(os.getxattr(file, "security.capability"))
    except OSError:
        return False


# -- whether an interface is up ---------------------------------------------------------------------------------------


def is_up(interface: str) -> bool | None:
    """Whether an interface is switched on and has a carrier; None where there is none of that name."""
    try:
        flags = int.from_bytes(_ask(interface, _GET_FLAGS)[:2], sys.byteorder)
    except OSError:
        return None
    return flags & _UP_AND_RUNNING == _UP_AND_RUNNING


def switch(interface: str, on: bool) -> None:
    """Switch an interface on or off; needs the privilege CAP_NET_ADMIN."""
    answer = bytearray(_ask(interface, _GET_FLAGS))
    flags = int.from_bytes(answer[:2], sys.byteorder)
    answer[:2] = (flags | _UP if on else flags & ~_UP).to_bytes(2, sys.byteorder)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as told:
        fcntl.ioctl(told, _SET_FLAGS, struct.pack("16s24s", interface.encode(), bytes(answer)))


def hardware_address(interface: str) -> bytes:
    """The address of an Ethernet interface, six bytes.

    Raises
    ------
    LinkError
        There is no such interface, or it is none of Ethernet.
    """
    Interface(interface)
    try:
        answer = _ask(interface, _GET_ADDRESS)
    except OSError as error:
        raise LinkError(f"{interface} tells no address: {error.strerror or error}") from error
    if int.from_bytes(answer[:2], sys.byteorder) != _ETHERNET:
        raise LinkError(_NO_ETHERNET.format(interface))
    return answer[2:8]


_NO_ETHERNET = "{} is no Ethernet interface: a modem needs one"


def _ask(interface: str, what: int) -> bytes:
    """What the system says of an interface: the part after the name."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asked:
        return fcntl.ioctl(asked, what, struct.pack("16s24x", interface.encode()))[16:]


class InterfaceWatch:
    """Tells when an interface goes down, comes up, disappears or is there again, as the system says it (rtnetlink).

    Parameters
    ----------
    interface : str
        Its name.
    changed : callable
        Called in the running event loop with what `is_up` says now, when that has changed; and likewise with True when
        another interface has taken the name.
    """

    def __init__(self, interface: str, changed: Callable[[bool | None], object]) -> None:
        self._interface = interface
        self._changed = changed
        self._known = self._look()
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.setblocking(False)
        self._socket.bind((0, _LINK_GROUP))
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._ready)

    def _look(self) -> tuple[bool | None, int]:
        up = is_up(self._interface)
        try:
            return up, socket.if_nametoindex(self._interface)
        except OSError:
            return None, 0

    def _ready(self) -> None:
        """Something has changed about some interface: what it is, is asked of the system, not read out of this."""
        try:
            while self._socket.recv(_LONGEST):
                pass
        except OSError:  # nothing more; or more than there was room for
            pass
        before, self._known = self._known, self._look()
        if self._known != before:
            self._changed(self._known[0])

    def close(self) -> None:
        """Watch no longer."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
