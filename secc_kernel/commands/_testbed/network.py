"""Network namespaces and cables between them, by iproute2."""

from __future__ import annotations

import array
import fcntl
import shutil
import socket
import struct
import subprocess
from pathlib import Path

from secc_kernel.commands import CommandError

__all__ = ["Cable", "interfaces", "ip", "namespaces", "no_offload", "processes", "require"]

_SIOCETHTOOL = 0x8946
_ETHTOOL_STXCSUM, _ETHTOOL_STSO, _ETHTOOL_SGSO = 0x17, 0x1F, 0x24


def require() -> None:
    """Refuse where the tools are not there.

    Raises
    ------
    CommandError
        There is no iproute2.
    """
    if shutil.which("ip") is None:
        raise CommandError("needs the program 'ip' (package iproute2)")


def ip(*arguments: str, check: bool = True) -> str:
    """Run ``ip``.

    Raises
    ------
    CommandError
        It has failed; with what it said.
    """
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False, timeout=60)
    if check and done.returncode:
        raise CommandError(f"ip {' '.join(arguments)}: {done.stderr.strip() or done.returncode}")
    return done.stdout if not done.returncode else ""


def namespaces() -> list[str]:
    """The named network namespaces of this machine."""
    folder = Path("/run/netns")
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def interfaces() -> list[str]:
    """The interfaces of this process's namespace."""
    return [name for _, name in socket.if_nameindex()]


def processes(namespace: str) -> list[int]:
    """The processes in a namespace."""
    return [int(pid) for pid in ip("netns", "pids", namespace, check=False).split()]


def no_offload(interface: str) -> None:
    """Have an interface's checksums made and its segments cut before its frames leave.

    Otherwise a packet socket at the other end sees TCP segments of 64 KiB without a checksum, as a cable never carries.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in (_ETHTOOL_STXCSUM, _ETHTOOL_STSO, _ETHTOOL_SGSO):
            value = array.array("B", struct.pack("II", command, 0))
            request = struct.pack("16sP", interface.encode(), value.buffer_info()[0]).ljust(40, b"\0")
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request)


class Cable:
    """A pair of interfaces: one at a host, the other one at its modem.

    Parameters
    ----------
    host, modem : tuple of str or None, str
        Namespace (None: this process's) and name of either end.
    mac : bytes
        The host's address.
    temporary : str
        What the pair is called until each end is in its place; nine letters at most.
    """

    def __init__(self, host: tuple[str | None, str], modem: tuple[str | None, str], mac: bytes, temporary: str) -> None:
        self.host = host
        self.modem = modem
        self.mac = mac
        self.temporary = (f"{temporary}h", f"{temporary}m")

    def make(self) -> None:
        """Lay the cable."""
        near, far = self.temporary
        ip("link", "add", near, "address", self.mac.hex(":"), "type", "veth", "peer", "name", far)
        for end in self.temporary:
            no_offload(end)
        self._place(near, *self.host)
        self._place(far, *self.modem)
        # No duplicate address detection: nobody else is there, and it would take a second. The modem has no IPv6.
        self._set(*self.host, "accept_dad", 0)
        self._set(*self.modem, "disable_ipv6", 1)
        for namespace, name in (self.modem, self.host):
            ip(*_in(namespace), "link", "set", name, "up")

    @staticmethod
    def _place(end: str, namespace: str | None, name: str) -> None:
        ip("link", "set", end, *(("netns", namespace) if namespace else ()), "name", name)

    @staticmethod
    def _set(namespace: str | None, name: str, setting: str, value: int) -> None:
        path = f"/proc/sys/net/ipv6/conf/{name}/{setting}"
        if namespace is None:
            Path(path).write_text(f"{value}\n", "ascii")
        else:
            subprocess.run(["ip", "netns", "exec", namespace, "sh", "-c", f"echo {value} > {path}"], check=True)

    def cut(self) -> None:
        """Take the cable away, as far as it was laid."""
        for namespace, name in (self.host, self.modem, *((None, end) for end in self.temporary)):
            ip(*_in(namespace), "link", "del", name, check=False)


def _in(namespace: str | None) -> tuple[str, ...]:
    return ("-n", namespace) if namespace else ()
