"""Which hosts a journal's frames went between, as packets need it: an Ethernet address, an IP address, a port.

A journal writes ends as '[fe80::1]:49152', as the names of a simulated session ('EVCC'), or as Ethernet addresses
(SLAC). What is not written there is taken from what is: an Ethernet address from the link-local address made of it
(EUI-64), a side's Ethernet address from its SLAC frames, a station's address and port from its SDP response. The rest
is invented, the same each time: 02:45:56:43:43:00 for 'EVCC' and 02:53:45:43:43:00 for 'SECC' (their letters), for
other names and addresses 02: and five bytes of their SHA-256; link-local addresses are made of these by EUI-64.
"""

from __future__ import annotations

import re
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address

from secc_kernel.link.synthesis import Endpoint
from secc_kernel.session.journal import FrameEntry
from secc_kernel.wire import sdp

__all__ = ["Hosts"]

_SIDES = {"EVCC": "SECC", "SECC": "EVCC"}
_END = re.compile(r"(?:\[([^\]%]+)(?:%[^\]]*)?\]|([0-9.]+))(?::(\d+))?$")
_MAC = re.compile(r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$")
_LINK_LOCAL = bytes.fromhex("fe80000000000000")
#: The first of a client's ports (RFC 6335, 6), and where none is known a station's.
_EPHEMERAL = 49152
_STATION = 61341
_ALL_NODES = Endpoint(bytes.fromhex("333300000001"), sdp.MULTICAST_ADDRESS.packed, sdp.SERVER_PORT)


class Hosts:
    """The hosts of a journal, learnt from its frames and then asked for."""

    def __init__(self) -> None:
        self._macs: dict[str, bytes] = {}
        self._addresses: dict[str, bytes] = {}
        self._ports: dict[str, int] = {}

    def learn(self, entry: FrameEntry) -> None:
        """Take note of what a frame of SLAC or SDP says about its sender; what is known already stays."""
        side = entry.sender
        if side not in _SIDES:
            return
        if entry.layer == "homeplug" and side not in self._macs and _MAC.match(entry.src):
            self._macs[side] = _mac(entry.src)
        elif entry.layer == "sdp" and side == "SECC" and side not in self._addresses:
            try:
                said = sdp.parse_payload(entry.payload_type, entry.data)
            except sdp.SDPError:
                return
            if isinstance(said, sdp.Response):
                self._addresses[side], self._ports[side] = said.address.packed, said.port

    def macs(self, entry: FrameEntry) -> tuple[bytes, bytes]:
        """Destination and source of a management message."""
        source = _mac(entry.src) if _MAC.match(entry.src) else self._mac_of(entry.src, entry.sender, b"")
        other = _SIDES.get(entry.sender, "")
        target = _mac(entry.dst) if _MAC.match(entry.dst) else self._mac_of(entry.dst, other, b"")
        return target, source

    def of_datagram(self, entry: FrameEntry) -> tuple[Endpoint, Endpoint]:
        """Source and destination of an SDP datagram; what an EV asks goes to all nodes, unless an address is known."""
        asks = entry.sender != "SECC"
        source = self._endpoint(entry.src, entry.sender, _EPHEMERAL if asks else sdp.SERVER_PORT)
        if asks and not _END.match(entry.dst):
            target = _ALL_NODES
        else:
            port = sdp.SERVER_PORT if asks else _EPHEMERAL
            target = self._endpoint(entry.dst, _SIDES.get(entry.sender, ""), port)
            if target.address[:1] == b"\xff":
                target = target._replace(mac=b"\x33\x33" + target.address[-4:])
        return _alike(source, target)

    def of_connection(self, client: str, server: str, number: int) -> tuple[Endpoint, Endpoint]:
        """Client and server of a TCP connection, whose number chooses a port where none is known."""
        made = _alike(
            self._endpoint(client, "EVCC", _EPHEMERAL + number % 0x4000),
            self._endpoint(server, "SECC", self._ports.get("SECC", _STATION)),
        )
        if made[0][1:] == made[1][1:]:  # one text for both ends
            return made[0], made[1]._replace(port=made[1].port ^ 1)
        return made

    def _endpoint(self, text: str, side: str, port: int) -> Endpoint:
        """An end as the journal writes it; `side` has sent or received, `port` is taken where the text has none."""
        found = _END.match(text)
        address = b""
        if found is not None:
            try:
                address = ip_address(found[1] or found[2]).packed
            except ValueError:
                pass
            port = int(found[3] or port) % 0x10000
        if address:
            return Endpoint(self._mac_of(text, side, address), address, port)
        mac = self._mac_of(text, side, b"")
        side = text if text in _SIDES else side
        return Endpoint(mac, self._addresses.get(side) or _eui64(mac), port)

    def _mac_of(self, text: str, side: str, address: bytes) -> bytes:
        if address[:8] == _LINK_LOCAL and address[11:13] == b"\xff\xfe":
            return bytes((address[8] ^ 2,)) + address[9:11] + address[13:]
        side = text if text in _SIDES else side
        if side in self._macs:
            return self._macs[side]
        if side in _SIDES and not address:
            return b"\x02" + side.encode() + b"\0"
        return b"\x02" + sha256(address or text.encode("utf-8", "surrogatepass")).digest()[:5]


def _alike(one: Endpoint, other: Endpoint) -> tuple[Endpoint, Endpoint]:
    """Two ends with addresses of one kind: an IPv4 address beside an IPv6 one is mapped into it."""
    if len(one.address) != len(other.address):
        one, other = (end._replace(address=_mapped(end.address)) for end in (one, other))
    return one, other


def _mapped(address: bytes) -> bytes:
    return IPv6Address(f"::ffff:{IPv4Address(address)}").packed if len(address) == 4 else address


def _eui64(mac: bytes) -> bytes:
    """The link-local address that is made of an Ethernet address (RFC 4291, appendix A)."""
    return _LINK_LOCAL + bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:]


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
