"""Records of TLS, and the handshake messages in them (RFC 5246, 6.2 and 7.4; RFC 8446, 5.1 and 4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["TLS12", "TLS13", "ContentType", "Kind", "Message", "MessageDecoder", "Record", "RecordDecoder", "TLSError"]

TLS12, TLS13 = 0x0303, 0x0304
#: What a record may hold: 2^14 bytes and what encryption adds.
_LONGEST_RECORD = (1 << 14) + 2048
#: Of a handshake message: certificate chains of V2G take some kilobytes.
_LONGEST_MESSAGE = 1 << 18


class TLSError(ValueError):
    """The bytes are no TLS; the text says why.

    Attributes
    ----------
    records
        What was whole before them, of a `RecordDecoder`.
    """

    def __init__(self, text: str, records: tuple[Record, ...] = ()) -> None:
        super().__init__(text)
        self.records = records


class ContentType(IntEnum):
    """What a record carries."""

    ChangeCipherSpec = 20
    Alert = 21
    Handshake = 22
    ApplicationData = 23


class Kind(IntEnum):
    """The handshake messages."""

    HelloRequest = 0
    ClientHello = 1
    ServerHello = 2
    NewSessionTicket = 4
    EndOfEarlyData = 5
    EncryptedExtensions = 8
    Certificate = 11
    ServerKeyExchange = 12
    CertificateRequest = 13
    ServerHelloDone = 14
    CertificateVerify = 15
    ClientKeyExchange = 16
    Finished = 20
    CertificateStatus = 22
    KeyUpdate = 24


@dataclass(frozen=True, slots=True)
class Record:
    """A record.

    Parameters
    ----------
    content_type
        A `ContentType`, or any other number of the same range.
    version
        As in its header: 0x0303 in TLS 1.2 and 1.3, lower in a first ClientHello.
    fragment
        What it carries, as it was: encrypted where the connection is.
    """

    content_type: int
    version: int
    fragment: bytes

    def pack(self) -> bytes:
        """The record as it goes over TCP."""
        header = bytes((self.content_type,)) + self.version.to_bytes(2, "big")
        return header + len(self.fragment).to_bytes(2, "big") + self.fragment


@dataclass(frozen=True, slots=True)
class Message:
    """A handshake message: its kind (see `Kind`), and what follows its length."""

    kind: int
    body: bytes

    def pack(self) -> bytes:
        """The message as it stands in records."""
        return bytes((self.kind,)) + len(self.body).to_bytes(3, "big") + self.body


class RecordDecoder:
    """Bytes of one direction of a TCP connection, in any segmentation, into records."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def buffered(self) -> int:
        """How many bytes of a record that is not whole yet wait here."""
        return len(self._buffer)

    def receive_data(self, data: bytes) -> list[Record]:
        """Take bytes, give the records that are whole now.

        Raises
        ------
        TLSError
            They are no records; the decoder is of no further use, and the error has the records before.
        """
        buffer = self._buffer
        buffer += data
        records: list[Record] = []
        while buffer:
            problem = _header_problem(buffer)
            if problem:
                raise TLSError(problem, tuple(records))
            if len(buffer) < 5:
                break
            end = 5 + int.from_bytes(buffer[3:5], "big")
            if len(buffer) < end:
                break
            records.append(Record(buffer[0], int.from_bytes(buffer[1:3], "big"), bytes(buffer[5:end])))
            del buffer[:end]
        return records


def _header_problem(header: bytearray) -> str:
    """Why this cannot be the beginning of a record; '' if it can."""
    if not 20 <= header[0] <= 24:
        return f"a TLS record begins with its content type, 20 to 24, not with 0x{header[0]:02X}"
    if len(header) > 1 and header[1] != 3:
        return f"a TLS record has version 3.x, not {header[1]}"
    if len(header) > 4 and int.from_bytes(header[3:5], "big") > _LONGEST_RECORD:
        return f"a TLS record has at most {_LONGEST_RECORD} bytes, not {int.from_bytes(header[3:5], 'big')}"
    return ""


class MessageDecoder:
    """Fragments of the handshake's records of one direction into messages: they may be cut anywhere, or share one."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive_data(self, fragment: bytes) -> list[Message]:
        """Take a record's fragment, give the messages that are whole now.

        Raises
        ------
        TLSError
            A message claims to be longer than any.
        """
        buffer = self._buffer
        buffer += fragment
        messages: list[Message] = []
        while len(buffer) >= 4:
            length = int.from_bytes(buffer[1:4], "big")
            if length > _LONGEST_MESSAGE:
                raise TLSError(f"a handshake message of {length} bytes is longer than any")
            if len(buffer) < 4 + length:
                break
            messages.append(Message(buffer[0], bytes(buffer[4 : 4 + length])))
            del buffer[: 4 + length]
        return messages
