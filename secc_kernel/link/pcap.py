"""Capture files: pcap and pcapng, as records with time, link type and bytes.

One pass over the file, one record in memory. Both byte orders, times in micro- or nanoseconds or whatever resolution a
pcapng interface states, several interfaces and sections. A file that ends in the middle of a record, as one does whose
writer was killed, is read up to there; `Reader.damage` says so afterwards.

Formats: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/ and draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple, cast


class CaptureError(Exception):
    """The file cannot be read as a capture; the text says why."""


class Record(NamedTuple):
    """One captured packet.

    Attributes
    ----------
    number
        From 1, as in every analyser.
    time
        Seconds since the epoch; 0.0 in the rare records that have no time.
    link_type
        LINKTYPE_ number.
    data
        What was captured.
    missing
        Bytes of the packet that were on the wire and not captured (snap length).
    """

    number: int
    time: float
    link_type: int
    data: bytes
    missing: int


#: magic number, as it reads in big-endian -> (byte order, ticks a second)
_PCAP = {
    0xA1B2C3D4: (">", 10**6),
    0xD4C3B2A1: ("<", 10**6),
    0xA1B23C4D: (">", 10**9),
    0x4D3CB2A1: ("<", 10**9),
}
_SECTION, _INTERFACE, _PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_OPTION_TSRESOL, _OPTION_TSOFFSET = 9, 14
_GZIP = b"\x1f\x8b"
#: No packet and no block is longer; a length beyond it is damage, and must not be allocated.
_MAX_BLOCK = 1 << 26


class _DamageError(Exception):
    """The file cannot be read any further; the text says where and why."""


class _Interface(NamedTuple):
    link_type: int
    snap_length: int
    ticks: int
    offset: int


class Reader:
    """The records of a capture file, by iteration.

    Parameters
    ----------
    path
        A pcap or pcapng file, also compressed by gzip.

    Attributes
    ----------
    damage
        After the last record: why not all of the file could be read; '' if it could.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.damage = ""
        self._file: IO[bytes] = io.BytesIO()
        #: Bytes read so far, and how many before the record at hand.
        self._position = 0
        self._start = 0

    def __iter__(self) -> Iterator[Record]:
        with ExitStack() as stack:
            self._open(stack)
            self.damage, self._position, self._start = "", 0, 0
            try:
                yield from self._records()
            except _DamageError as error:
                self.damage = str(error)

    def _open(self, stack: ExitStack) -> None:
        try:
            file = stack.enter_context(self.path.open("rb"))
        except OSError as error:
            raise CaptureError(f"{self.path} cannot be read: {error.strerror or error}") from error
        self._file = file
        if file.peek(2)[:2] == _GZIP:
            self._file = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=file)))

    def _records(self) -> Iterator[Record]:
        """The records, by the file's magic number."""
        try:
            head = self._read(4)
        except _DamageError as error:
            raise CaptureError(f"{self.path} is neither pcap nor pcapng: {error}") from None
        magic = int.from_bytes(head, "big")
        if magic in _PCAP:
            return self._pcap(*_PCAP[magic])
        if magic == _SECTION:
            return self._pcapng(head)
        raise CaptureError(f"{self.path} is neither pcap nor pcapng: it begins with {head.hex(' ')}")

    def _read(self, length: int) -> bytes:
        """Exactly so many bytes."""
        try:
            data = self._file.read(length)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise _DamageError(f"the compressed file is damaged after byte {self._position}: {error}") from error
        self._position += len(data)
        if len(data) < length:
            if self._position == 0:
                raise _DamageError("it is empty")
            raise _DamageError(
                f"the file ends inside the record at byte {self._start}: it was cut, or its writer killed"
            )
        return data

    def _next(self, length: int) -> bytes | None:
        """The beginning of the next record; None at the file's regular end."""
        self._start = self._position
        try:
            return self._read(length)
        except _DamageError:
            if self._position == self._start and not self._file.read(1):
                return None
            raise

    def _stop(self, what: str) -> _DamageError:
        return _DamageError(f"the record at byte {self._start} {what}; nothing after it was read")

    def _pcap(self, order: str, ticks: int) -> Iterator[Record]:
        link_type: int = struct.unpack(order + "HHiIII", self._read(20))[5] & 0xFFFF  # the upper bits tell of checksums
        header = struct.Struct(order + "IIII")
        number = 0
        while (first := self._next(16)) is not None:
            seconds, fraction, captured, length = header.unpack(first)
            if captured > _MAX_BLOCK:
                raise self._stop(f"claims {captured} bytes")
            number += 1
            time = (seconds * ticks + fraction) / ticks
            yield Record(number, time, link_type, self._read(captured), max(0, length - captured))

    def _pcapng(self, first: bytes) -> Iterator[Record]:
        interfaces: list[_Interface] = []
        number = 0
        order = ">"
        head: bytes | None = first + self._read(4)
        while head is not None:
            kind = struct.unpack_from(order + "I", head)[0]
            if kind == _SECTION:  # reads the same in both byte orders
                order = self._order(self._read(4))
                interfaces = []
            length = struct.unpack_from(order + "I", head, 4)[0]
            overhead = 16 if kind == _SECTION else 12
            if length % 4 or length < overhead or length > _MAX_BLOCK:
                raise self._stop(f"claims {length} bytes")
            body = self._read(length - overhead)
            if self._read(4) != head[4:8]:
                raise self._stop("gives two lengths that differ")
            try:
                if kind == _INTERFACE:
                    interfaces.append(_interface(body, order))
                elif kind in (_ENHANCED_PACKET, _SIMPLE_PACKET, _PACKET):
                    number += 1
                    yield _packet(kind, body, order, interfaces, number)
            except (struct.error, IndexError):
                raise self._stop("holds less than it says, or names an interface that is not there") from None
            head = self._next(8)

    def _order(self, magic: bytes) -> str:
        """The byte order of a section."""
        for order in "<>":
            if struct.unpack(order + "I", magic)[0] == _BYTE_ORDER_MAGIC:
                return order
        raise self._stop(f"has the byte order {magic.hex()}, which is none")


def _interface(body: bytes, order: str) -> _Interface:
    link_type, _, snap_length = struct.unpack_from(order + "HHI", body)
    ticks, offset = 10**6, 0
    position = 8
    while position + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, position)
        if code == 0:
            break
        value = body[position + 4 : position + 4 + length]
        if code == _OPTION_TSRESOL and length == 1:
            ticks = 1 << (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        elif code == _OPTION_TSOFFSET and length == 8:
            offset = struct.unpack(order + "q", value)[0]
        position += 4 + length + -length % 4
    return _Interface(link_type, snap_length, ticks, offset)


def _packet(kind: int, body: bytes, order: str, interfaces: list[_Interface], number: int) -> Record:
    if kind == _SIMPLE_PACKET:
        interface = interfaces[0]
        (length,) = struct.unpack_from(order + "I", body)
        captured = min(length, interface.snap_length or length, len(body) - 4)
        return Record(number, 0.0, interface.link_type, body[4 : 4 + captured], length - captured)
    if kind == _ENHANCED_PACKET:
        index, high, low, captured, length = struct.unpack_from(order + "IIIII", body)
    else:
        index, _, high, low, captured, length = struct.unpack_from(order + "HHIIII", body)
    interface = interfaces[index]
    if captured > len(body) - 20:
        raise struct.error
    ticks = (high << 32 | low) + interface.offset * interface.ticks
    data = body[20 : 20 + captured]
    return Record(number, ticks / interface.ticks, interface.link_type, data, max(0, length - captured))
