"""V2GTP, the transfer protocol that frames every V2G message.

ISO 15118-2, 7.8.3; ISO 15118-20, 7.8.3; DIN SPEC 70121, 8.7.3.

A frame is a header of eight bytes and the payload::

    protocol version 0x01 | inverse 0xFE | payload type, u16 | payload length, u32 | payload

Both numbers are big-endian. TCP keeps no message boundaries: a segment can hold a part of a frame or several frames.
`Decoder` takes the bytes as they come and gives the frames as they complete.
"""

from __future__ import annotations

import struct
from collections.abc import Container
from enum import IntEnum
from typing import NamedTuple

#: The only version there is, in all of the standards.
PROTOCOL_VERSION = 0x01
INVERSE_PROTOCOL_VERSION = 0xFE
HEADER_LENGTH = 8
#: How long a payload may claim to be before the decoder refuses to wait for it. The largest one in real traffic is a
#: CertificateInstallationRes of 4,595 bytes; the certificate chains of ISO 15118-20 reach some ten thousand.
MAX_LENGTH = 1 << 20

_HEADER = struct.Struct(">BBHI")
_TYPE = struct.Struct(">H")
_LENGTH = struct.Struct(">I")
_TYPE_AND_LENGTH = struct.Struct(">HI")
_START = bytes((PROTOCOL_VERSION, INVERSE_PROTOCOL_VERSION))
#: A TLS record of the handshake, any version: what a station that expects plain TCP gets from an EV that does TLS.
_TLS_HANDSHAKE = b"\x16\x03"


class PayloadType(IntEnum):
    """What a frame carries (ISO 15118-2, Table 10; ISO 15118-20, Table 12)."""

    #: supportedAppProtocol of every standard; all messages of DIN SPEC 70121 and ISO 15118-2
    EXIEncodedV2GMessage = 0x8001
    #: ISO 15118-20: CommonMessages
    MainStream = 0x8002
    AC_MainStream = 0x8003
    DC_MainStream = 0x8004
    ACDP_MainStream = 0x8005
    WPT_MainStream = 0x8006
    #: ISO 15118-20 Amendment 1: AC with distributed energy resources, by the grid codes of IEC and SAE
    AC_DER_IEC_MainStream = 0x8010
    AC_DER_SAE_MainStream = 0x8011
    #: ISO 15118-20: the side streams beside a charge loop
    ScheduleRenegotiation = 0x8101
    MeteringConfirmation = 0x8102
    ACDP_SystemStatus = 0x8103
    ParkingStatus = 0x8104
    SDPRequest = 0x9000
    SDPResponse = 0x9001
    #: SDP for wireless power transfer and automated connection devices
    SDPRequestWireless = 0x9002
    SDPResponseWireless = 0x9003


_NAMES = {int(member): member.name for member in PayloadType}
KNOWN_TYPES: frozenset[int] = frozenset(_NAMES)
_MANUFACTURER = range(0xA000, 0x10000)


def payload_name(payload_type: int) -> str:
    """The name of a payload type, also of the ranges that the standards leave open."""
    return _NAMES.get(payload_type) or ("ManufacturerSpecific" if payload_type in _MANUFACTURER else "Reserved")


class Frame(NamedTuple):
    """One V2GTP frame.

    Attributes
    ----------
    payload_type
        A `PayloadType`, or any other number that was on the wire.
    payload
        The bytes after the header: the EXI stream, or an SDP message.
    """

    payload_type: int
    payload: bytes


class V2GTPError(ValueError):
    """The bytes are no V2GTP frame.

    Attributes
    ----------
    reason
        What is wrong, and what was expected.
    offset
        Where: bytes since the beginning of the stream.
    frames
        The frames of the same call that were complete before the damage.
    rest
        What was received from the header on that is none.
    """

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"no V2GTP header at byte {offset}: {reason}")
        self.reason = reason
        self.offset = offset
        self.frames: tuple[Frame, ...] = ()
        self.rest = b""


def pack(payload_type: int, payload: bytes) -> bytes:
    """The frame's bytes: header and payload."""
    return _HEADER.pack(PROTOCOL_VERSION, INVERSE_PROTOCOL_VERSION, payload_type, len(payload)) + payload


def unpack(datagram: bytes) -> Frame:
    """The frame that fills a datagram.

    Raises
    ------
    V2GTPError
        The header is none, or its length is not the datagram's.
    """
    if not datagram:
        raise V2GTPError("the datagram is empty", 0)
    _check_header(datagram, 0, 0, MAX_LENGTH, None)
    if len(datagram) < HEADER_LENGTH:
        raise V2GTPError(f"the datagram ends after {len(datagram)} of {HEADER_LENGTH} bytes", 0)
    payload_type, length = _TYPE_AND_LENGTH.unpack_from(datagram, 2)
    if length != len(datagram) - HEADER_LENGTH:
        raise V2GTPError(f"payload length is {length}, but {len(datagram) - HEADER_LENGTH} bytes follow the header", 4)
    return Frame(payload_type, datagram[HEADER_LENGTH:])


def find_header(
    data: bytes | bytearray, start: int = 0, *, max_length: int = MAX_LENGTH, types: Container[int] = KNOWN_TYPES
) -> int:
    """Where the next plausible header begins, or -1: to pick up a stream of which bytes were lost.

    The last bytes of `data` count as plausible as long as they may still become a header.
    """
    while (start := data.find(_START, start)) >= 0:
        try:
            _check_header(data, start, start, max_length, types)
        except V2GTPError:
            start += 1
        else:
            return start
    return len(data) - 1 if data.endswith(_START[:1]) else -1


def _check_header(
    data: bytes | bytearray, start: int, offset: int, max_length: int, types: Container[int] | None
) -> None:
    """Check as much of a header as is there; each field is judged as soon as its bytes are known.

    `start` is its place in `data`, `offset` its place in the stream.
    """
    available = len(data) - start
    version = data[start]
    if version != PROTOCOL_VERSION:
        tls = bytes(data[start : start + 2]) == _TLS_HANDSHAKE
        hint = "; this is a TLS handshake, the peer expects TLS here" if tls else ""
        raise V2GTPError(f"protocol version is 0x{version:02X}, not 0x{PROTOCOL_VERSION:02X}{hint}", offset)
    if available >= 2 and (inverse := data[start + 1]) != INVERSE_PROTOCOL_VERSION:
        raise V2GTPError(f"inverse version is 0x{inverse:02X}, not 0x{INVERSE_PROTOCOL_VERSION:02X}", offset + 1)
    if available >= 4 and types is not None:
        payload_type: int = _TYPE.unpack_from(data, start + 2)[0]
        if payload_type not in types:
            name = payload_name(payload_type)
            raise V2GTPError(f"payload type 0x{payload_type:04X} ({name}) is not accepted", offset + 2)
    if available >= HEADER_LENGTH:
        length: int = _LENGTH.unpack_from(data, start + 4)[0]
        if length > max_length:
            raise V2GTPError(f"payload length is {length} bytes, more than the accepted {max_length}", offset + 4)


class Decoder:
    """Frames out of a stream of bytes, in any segmentation.

    Parameters
    ----------
    max_length
        The longest payload that is accepted, in bytes.
    types
        The payload types that are accepted; None accepts any number.

    Notes
    -----
    A stream that was damaged once cannot be trusted again: after a V2GTPError every further call raises it again.
    Whoever wants to go on looks for `find_header` and starts a new decoder there.
    """

    __slots__ = ("_buffer", "_error", "_max_length", "_offset", "_types")

    def __init__(self, max_length: int = MAX_LENGTH, types: Container[int] | None = KNOWN_TYPES) -> None:
        self._buffer = bytearray()
        self._offset = 0
        self._max_length = max_length
        self._types = types
        self._error: V2GTPError | None = None

    @property
    def buffered(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._buffer)

    @property
    def missing(self) -> int:
        """Bytes that the frame (or, before its length is known, its header) still lacks; 0 between two frames."""
        if not self._buffer:
            return 0
        if len(self._buffer) < HEADER_LENGTH:
            return HEADER_LENGTH - len(self._buffer)
        length: int = _LENGTH.unpack_from(self._buffer, 4)[0]
        return HEADER_LENGTH + length - len(self._buffer)

    def receive_data(self, data: bytes) -> list[Frame]:
        """Take the next bytes of the stream and give the frames that they complete.

        Raises
        ------
        V2GTPError
            What follows is no header of a frame that is accepted here. Nothing was allocated for what it claims.
        """
        if self._error is not None:
            raise V2GTPError(self._error.reason, self._error.offset)
        buffer = self._buffer
        if not buffer and len(data) >= HEADER_LENGTH:  # nearly always a segment is one frame
            version, inverse, payload_type, length = _HEADER.unpack_from(data)
            if (
                length == len(data) - HEADER_LENGTH
                and length <= self._max_length
                and version == PROTOCOL_VERSION
                and inverse == INVERSE_PROTOCOL_VERSION
                and (self._types is None or payload_type in self._types)
            ):
                self._offset += len(data)
                return [Frame(payload_type, bytes(data[HEADER_LENGTH:]))]
        buffer += data
        frames: list[Frame] = []
        position = 0
        try:
            while position < len(buffer):
                _check_header(buffer, position, self._offset + position, self._max_length, self._types)
                if len(buffer) - position < HEADER_LENGTH:
                    break
                payload_type, length = _TYPE_AND_LENGTH.unpack_from(buffer, position + 2)
                end = position + HEADER_LENGTH + length
                if end > len(buffer):
                    break
                frames.append(Frame(payload_type, bytes(buffer[position + HEADER_LENGTH : end])))
                position = end
        except V2GTPError as error:
            error.frames = tuple(frames)
            error.rest = bytes(buffer[position:])
            self._error = error
            buffer.clear()
            raise
        del buffer[:position]
        self._offset += position
        return frames
