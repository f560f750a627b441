"""HomePlug Green PHY management messages (MMEs): Ethernet frames of type 0x88E1, and back.

`Frame.parse` takes a frame and `Frame.pack` gives it; a body that is not declared is kept as bytes (`Unknown`), and so
is what follows the declared fields, so whatever was parsed is packed to the byte. `nid_of` makes the network identifier
that belongs to a key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from secc_kernel.wire.homeplug.declare import (
    MESSAGES,
    Cursor,
    HomeplugError,
    Message,
    fields,
    read,
    write,
)
from secc_kernel.wire.homeplug.messages import BROADCAST, VENDORS

__all__ = [
    "BROADCAST",
    "ETHERTYPE",
    "Frame",
    "HomeplugError",
    "Message",
    "Unknown",
    "declared",
    "fields",
    "nid_of",
    "type_name",
]

ETHERTYPE = 0x88E1
_HEADER = 14
#: Bytes after the Ethernet header below which senders fill up with zeros.
MIN_PAYLOAD = 46
_MODES = ("REQ", "CNF", "IND", "RSP")
#: The first message number of manufacturers (with an OUI before their fields), by what such messages are called.
_RANGES = ((0xA000, "VS"), (0x8000, "MS"), (0x6000, "CM"), (0x4000, "NN"), (0x2000, "CP"), (0x0000, "CC"))
_VENDOR = 0x8000


@dataclass(slots=True)
class Unknown:
    """A message that is not declared, or whose bytes do not fit its declaration.

    Attributes
    ----------
    mmtype
        Its number.
    data
        Its body: what follows the number and, where there is one, the fragmentation field.
    error
        Why the body does not fit the declaration of that number; None where there is no declaration.
    """

    mmtype: int
    data: bytes = b""
    error: HomeplugError | None = None

    @property
    def name(self) -> str:
        """What can be said of it: the kind by its number, and the mode."""
        return type_name(self.mmtype)

    @property
    def vendor(self) -> str:
        """Who has declared it, where the OUI tells."""
        return VENDORS.get(self.data[:3], self.data[:3].hex(":")) if self.mmtype >= _VENDOR else ""


def declared(mmtype: int, version: int = 1) -> type[Message] | None:
    """The declaration of a message number, for a value of the MMV byte."""
    from secc_kernel.wire.homeplug import vendor  # noqa: F401  (declares them)

    # AV 2.0 (2) has changed nothing that is declared here.
    return next((cls for cls in MESSAGES.get(mmtype, ()) if min(version, 1) in cls.VERSIONS), None)


def type_name(mmtype: int, version: int = 1) -> str:
    """A message's name: ``CM_SLAC_PARM.REQ``, and ``VS_0xA0F8.REQ`` where it has none."""
    cls = declared(mmtype, version)
    if cls is not None:
        return cls().name
    kind = next(name for first, name in _RANGES if mmtype >= first)
    return f"{kind}_0x{mmtype & ~3:04X}.{_MODES[mmtype & 3]}"


@dataclass(slots=True)
class Frame:
    """One management message on the line.

    Parameters
    ----------
    destination, source
        Addresses, six bytes each.
    message
        The body: a declared `Message`, or `Unknown`.
    version
        The MMV byte: 0 (HomePlug AV 1.0) or 1 (AV 1.1). By default 1, and 0 for the messages of Qualcomm's own, which
        its modems do not understand otherwise.
    fragmentation
        The FMI field, two bytes, which version 0 does not have; other than zero in messages of several frames.
    trailing
        What follows the declared fields. None: zeros as far as Ethernet asks for them.
    """

    destination: bytes
    source: bytes
    message: Message | Unknown
    version: int = -1
    fragmentation: bytes = field(default=bytes(2))
    trailing: bytes | None = None

    def __post_init__(self) -> None:
        if self.version < 0:
            self.version = 1 if isinstance(self.message, Unknown) else self.message.version

    @property
    def name(self) -> str:
        """The message's name."""
        return self.message.name

    @property
    def mmtype(self) -> int:
        """The message's number."""
        return self.message.mmtype if isinstance(self.message, Unknown) else self.message.MMTYPE

    def pack(self) -> bytes:
        """The Ethernet frame.

        Raises
        ------
        HomeplugError
            A value does not fit its field.
        """
        if len(self.destination) != 6 or len(self.source) != 6:
            raise HomeplugError("addresses have six bytes")
        return self.destination + self.source + ETHERTYPE.to_bytes(2, "big") + self.payload()

    def payload(self) -> bytes:
        """What follows the Ethernet header: the message from its MMV byte on."""
        head = bytes((self.version,)) + self.mmtype.to_bytes(2, "little")
        if self.version:
            head += self.fragmentation
        body = self.message.data if isinstance(self.message, Unknown) else write(self.message)
        if self.trailing is not None:
            return head + body + self.trailing
        return (head + body).ljust(MIN_PAYLOAD, b"\0")

    @classmethod
    def parse(cls, data: bytes) -> Frame:
        """A frame that was received.

        Raises
        ------
        HomeplugError
            It is too short, or no HomePlug frame.
        """
        if len(data) < _HEADER or data[12:14] != ETHERTYPE.to_bytes(2, "big"):
            raise HomeplugError("no Ethernet frame of the type 0x88E1")
        return cls.parse_payload(data[_HEADER:], data[:6], data[6:12])

    @classmethod
    def parse_payload(cls, payload: bytes, destination: bytes = BROADCAST, source: bytes = bytes(6)) -> Frame:
        """A message from its MMV byte on.

        Raises
        ------
        HomeplugError
            It ends before its number.
        """
        cursor = Cursor(payload, 0)
        version = cursor.take(1, "MMV")[0]
        mmtype = int.from_bytes(cursor.take(2, "MMTYPE"), "little")
        fragmentation = cursor.take(2, "FMI") if version else bytes(2)
        body = payload[cursor.position :]
        kind = declared(mmtype, version)
        # A part of a message that came in several frames has no fields of its own.
        if kind is None or fragmentation != bytes(2):
            return cls(destination, source, Unknown(mmtype, body), version, fragmentation, b"")
        try:
            message = read(kind, cursor)
        except HomeplugError as error:
            return cls(destination, source, Unknown(mmtype, body, error), version, fragmentation, b"")
        return cls(destination, source, message, version, fragmentation, payload[cursor.position :])


def nid_of(nmk: bytes, security_level: int = 0) -> bytes:
    """The identifier of the network that a key makes (HomePlug AV, 4.4.3.1).

    Parameters
    ----------
    nmk
        The network membership key, 16 bytes.
    security_level
        0 simple connect, 1 secure.

    Returns
    -------
    bytes
        Seven bytes: the first 52 bits of five times SHA-256, below two bits of the security level.
    """
    if len(nmk) != 16:
        raise HomeplugError(f"a network membership key has 16 bytes, not {len(nmk)}")
    digest = nmk
    for _ in range(5):
        digest = hashlib.sha256(digest).digest()
    return digest[:6] + bytes((security_level << 4 | digest[6] >> 4,))
