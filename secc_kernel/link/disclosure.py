"""TLS secrets as UDP datagrams: whoever captures the session captures them with it (dSPACE's V2Gshark reads them).

A datagram holds a line of a key log, and goes from a port out of 49152 to 65535 to the same port of all nodes on the
link (ff02::1), as the devices do that it was made for.
"""

from __future__ import annotations

import random

from ..wire import sdp
from .net import EPHEMERAL, Interface, LinkError, sdp_client_socket

__all__ = ["Disclosure"]

_TRIES = 20


class Disclosure:
    """Sends secrets on an interface.

    Parameters
    ----------
    interface : Interface
        Where; its link-local address is known.

    Raises
    ------
    LinkError
        No socket is to be had.
    """

    def __init__(self, interface: Interface) -> None:
        self._index = interface.index
        self._socket = sdp_client_socket(interface)
        self._socket.setblocking(False)
        for port in random.sample(EPHEMERAL, _TRIES):
            try:
                self._socket.bind((interface.address, port, 0, interface.index))
            except OSError as error:
                reason = error
                continue
            self.port = port
            return
        self._socket.close()
        raise LinkError(f"no UDP port for TLS secrets on {interface.name}: {reason}")

    def send(self, lines: list[str]) -> None:
        """Send each line as a datagram; one that cannot leave now is lost, as any datagram may be."""
        for line in lines:
            try:
                self._socket.sendto(line.encode("ascii"), (str(sdp.MULTICAST_ADDRESS), self.port, 0, self._index))
            except OSError:
                return

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
