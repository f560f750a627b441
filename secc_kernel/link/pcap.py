"""Capture files: pcap and pcapng, as records with time, link type and bytes.

One pass over the file, one record in memory. Both byte orders, times in micro- or nanoseconds or whatever resolution a
pcapng interface states, several interfaces and sections. A file that ends in the middle of a record, as one does whose
writer was killed, is read up to there; `Reader.damage` says so afterwards.

Formats: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/ and draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterator
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
_GZIP = 0x1F8B
#: No packet and no block is longer; a length beyond it is damage, and must not be allocated.
_MAX_BLOCK = 1 << 26


class _TruncatedError(Exception):
    """The file ends inside a record."""


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
        self._position = 0

    def __iter__(self) -> Iterator[Record]:
        with self._open() as file:
            read = self._reading(file)
            self._position = 0
            head = file.read(4)
            magic = int.from_bytes(head, "big") if len(head) == 4 else 0
            self._position = len(head)
            if magic in _PCAP:
                records = self._pcap(read, *_PCAP[magic])
            elif magic == _SECTION:
                records = self._pcapng(read)
            else:
                what = f"it begins with {head.hex(' ')}" if head else "it is empty"
                raise CaptureError(f"{self.path} is neither pcap nor pcapng: {what}")
            try:
                yield from records
            except _TruncatedError:
                self.damage = (
                    f"the file ends inside the record at byte {self._start}, its writer was killed or it was cut"
                )
            except (EOFError, gzip.BadGzipFile) as error:
                self.damage = f"the compressed file is damaged after byte {self._position}: {error}"

    def _open(self) -> IO[bytes]:
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise CaptureError(f"{self.path} cannot be read: {error.strerror or error}") from error
        if int.from_bytes(file.peek(2)[:2], "big") == _GZIP:
            return cast("IO[bytes]", gzip.open(file))
        return file

    def _reading(self, file: IO[bytes]) -> Callable[[int], bytes]:
        """A function that reads exactly so many bytes."""

        def read(length: int) -> bytes:
            data = file.read(length)
            self._position += len(data)
            if len(data) < length:
                raise _TruncatedError
            return data

        return read

    def _pcap(self, read: Callable[[int], bytes], order: str, ticks: int) -> Iterator[Record]:
        link_type: int = struct.unpack(order + "HHiIII", read(20))[5] & 0xFFFF  # the upper bits tell of checksums
        header = struct.Struct(order + "IIII")
        number = 0
        while True:
            self._start = self._position
            first = self._next(read, 16)
            if first is None:
                return
            seconds, fraction, captured, length = header.unpack(first)
            if captured > _MAX_BLOCK:
                self.damage = f"the record at byte {self._start} claims {captured} bytes; nothing after it was read"
                return
            number += 1
            time = (seconds * ticks + fraction) / ticks
            yield Record(number, time, link_type, read(captured), max(0, length - captured))

    def _next(self, read: Callable[[int], bytes], length: int) -> bytes | None:
        """The next record's header; None at the file's regular end."""
        try:
            return read(length)
        except _TruncatedError:
            if self._position == self._start:
                return None
            raise

    def _pcapng(self, read: Callable[[int], bytes]) -> Iterator[Record]:
        interfaces: list[_Interface] = []
        number = 0
        order = ""
        self._start = 0
        head: bytes | None = _SECTION.to_bytes(4, "big") + read(4)
        while head is not None:
            kind = struct.unpack_from((order or ">") + "I", head)[0]
            if kind == _SECTION:  # reads the same in both byte orders
                magic = read(4)
                order = _order(magic)
                if not order:
                    self.damage = f"the section at byte {self._start} has the byte order {magic.hex()}, which is none"
                    return
                interfaces = []
            length = struct.unpack_from(order + "I", head, 4)[0]
            overhead = 16 if kind == _SECTION else 12
            if length % 4 or length < overhead or length > _MAX_BLOCK:
                self.damage = f"the block at byte {self._start} claims {length} bytes; nothing after it was read"
                return
            body = read(length - overhead)
            if read(4) != head[4:8]:
                self.damage = f"the two lengths of the block at byte {self._start} differ; nothing after it was read"
                return
            try:
                if kind == _INTERFACE:
                    interfaces.append(_interface(body, order))
                elif kind in (_ENHANCED_PACKET, _SIMPLE_PACKET, _PACKET):
                    number += 1
                    yield _packet(kind, body, order, interfaces, number)
            except (struct.error, IndexError):
                self.damage = f"the block at byte {self._start} is damaged; nothing after it was read"
                return
            self._start = self._position
            head = self._next(read, 8)


def _order(magic: bytes) -> str:
    """The byte order of a section, '' if its magic number is none."""
    for order in "<>":
        if struct.unpack(order + "I", magic)[0] == _BYTE_ORDER_MAGIC:
            return order
    return ""


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
