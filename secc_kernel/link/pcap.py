"""Capture files: pcap and pcapng, as records with time, link type and bytes.

One pass over the file, one block of it in memory. Both byte orders, times in micro- or nanoseconds or whatever
resolution a pcapng interface states, several interfaces and sections. A file that ends in the middle of a record, as
one does whose writer was killed or still writes, is read up to there; `Reader.damage` says so afterwards.

Formats: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/ and draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple


class CaptureError(Exception):
    """The file cannot be read as a capture; the text says why."""


#: One captured packet: its number (from 1, as in every analyser), its time in seconds since the epoch (0.0 in the rare
#: records that have none), its LINKTYPE_ number, what was captured, and how many bytes of it were on the wire and not
#: captured (snap length). A tuple without names: there are a hundred million of them in a large file.
Record = tuple[int, float, int, bytes, int]

#: What stands for "nothing more for now" among the records of a file that grows: there is no link of that type.
PAUSE: Record = (0, 0.0, -1, b"", 0)

#: magic number, as it reads in big-endian -> (byte order, ticks a second)
_PCAP = {
    0xA1B2C3D4: (">", 10**6),
    0xD4C3B2A1: ("<", 10**6),
    0xA1B23C4D: (">", 10**9),
    0x4D3CB2A1: ("<", 10**9),
}
#: Kinds of pcapng's blocks.
SECTION, INTERFACE, STATISTICS, ENHANCED_PACKET, SECRETS = 0x0A0D0D0A, 1, 5, 6, 10
_PACKET, _SIMPLE_PACKET = 2, 3
#: In each of these blocks, where its options begin.
_OPTIONS = {SECTION: 16, INTERFACE: 8, STATISTICS: 12}
TLS_KEY_LOG = 0x544C534B
BYTE_ORDER_MAGIC = 0x1A2B3C4D
_OPTION_TSRESOL, _OPTION_TSOFFSET = 9, 14
_GZIP = b"\x1f\x8b"
#: No packet and no block is longer; a length beyond it is damage, and must not be allocated.
_MAX_BLOCK = 1 << 26
#: How much of the file is read at a time.
_READ = 1 << 18


class _DamageError(Exception):
    """The file cannot be read any further; the text says where and why."""


class _Interface(NamedTuple):
    link_type: int
    snap_length: int
    ticks: int
    offset: int  # in ticks


class Reader:
    """The records of a capture file, by iteration.

    Parameters
    ----------
    path
        A pcap or pcapng file, also compressed by gzip.
    progress
        Called now and then with the number of bytes of the file that have been read.
    blocks
        Called with the kind, the body and the byte order of each block of a pcapng file that is neither a packet nor an
        interface. While it returns True, it is called with packets as well, each before its record is given.
    growing
        Whether somebody still writes the file: where it ends, `PAUSE` is given, again and again, until there is more.

    Attributes
    ----------
    damage
        After the last record: why not all of the file could be read; '' if it could.
    """

    def __init__(
        self,
        path: Path | str,
        progress: Callable[[int], object] | None = None,
        blocks: Callable[[int, bytes, str], bool] | None = None,
        growing: bool = False,
    ) -> None:
        self.path = Path(path)
        self._growing = growing
        self.damage = ""
        self._progress = progress
        self._blocks = blocks
        self._read: Callable[[int], bytes] = lambda _: b""
        self._tell: Callable[[], int] = lambda: self._base
        #: A part of the (decompressed) file, where it begins there, and why nothing more can be read.
        self._buffer = b""
        self._base = 0
        self._trouble = ""

    def __iter__(self) -> Iterator[Record]:
        with ExitStack() as stack:
            self._open(stack)
            self.damage, self._buffer, self._base, self._trouble = "", b"", 0, ""
            while self._growing and not self._more(0, 4):
                yield PAUSE
            try:
                yield from self._records()
            except _DamageError as error:
                self.damage = str(error)

    def _open(self, stack: ExitStack) -> None:
        try:
            file = stack.enter_context(self.path.open("rb"))
            compressed = file.peek(2)[:2] == _GZIP
            if compressed and self._growing:
                raise CaptureError(f"{self.path} is compressed: it can be read when it is complete, and not followed")
            if file.seekable():  # a pipe does not know where it is
                self._tell = file.tell
        except OSError as error:
            raise CaptureError(f"{self.path} cannot be read: {error.strerror or error}") from error
        # read1, because it loses nothing that was read before an error.
        self._read = stack.enter_context(gzip.GzipFile(fileobj=file)).read1 if compressed else file.read1

    def _records(self) -> Iterator[Record]:
        """The records, by the file's magic number."""
        if not self._more(0, 4):
            why = self._trouble or ("it ends inside its first record" if self._buffer else "it is empty")
            raise CaptureError(f"{self.path} is neither pcap nor pcapng: {why}")
        head = self._buffer[:4]
        magic = int.from_bytes(head, "big")
        if magic in _PCAP:
            return self._pcap(*_PCAP[magic])
        if magic == SECTION:
            return self._pcapng()
        raise CaptureError(f"{self.path} is neither pcap nor pcapng: it begins with {head.hex(' ')}")

    def _more(self, at: int, length: int) -> bool:
        """Have the buffer begin at its position `at`, with that many bytes; False if there are not so many."""
        self._base += at
        pieces = [self._buffer[at:]]
        have = len(pieces[0])
        while have < length and not self._trouble:
            try:
                piece = self._read(_READ)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                self._trouble = f"the compressed file is damaged after byte {self._base + have}: {error}"
                break
            except OSError as error:
                self._trouble = f"the file cannot be read after byte {self._base + have}: {error}"
                break
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        self._buffer = b"".join(pieces)
        if self._progress is not None:
            self._progress(self._tell())
        return have >= length

    def _finish(self) -> None:
        """No further record is whole: which is damage, unless the last one ended where the file does."""
        if self._trouble:
            raise _DamageError(self._trouble)
        if self._buffer:
            why = "it was cut, or its writer was killed or is still writing"
            raise _DamageError(f"the file ends inside the record at byte {self._base}: {why}")

    def _stop(self, at: int, what: str) -> _DamageError:
        return _DamageError(f"the record at byte {self._base + at} {what}; nothing after it was read")

    def _pcap(self, order: str, ticks: int) -> Iterator[Record]:
        header = struct.Struct(order + "IIII").unpack_from
        while not self._more(0, 24):
            if not self._growing:
                return self._finish()
            yield PAUSE
        link_type: int = struct.unpack_from(order + "I", self._buffer, 20)[0] & 0xFFFF  # above it: about checksums
        number = 0
        buffer, at = self._buffer, 24
        while True:
            if at + 16 > len(buffer):
                while not self._more(at, 16):
                    if not self._growing:
                        return self._finish()
                    at = 0
                    yield PAUSE
                buffer, at = self._buffer, 0
            seconds, fraction, captured, length = header(buffer, at)
            end = at + 16 + captured
            if end > len(buffer):
                if captured > _MAX_BLOCK:
                    raise self._stop(at, f"claims {captured} bytes")
                while not self._more(at, 16 + captured):
                    if not self._growing:
                        return self._finish()
                    at = 0
                    yield PAUSE
                buffer, at, end = self._buffer, 0, 16 + captured
            number += 1
            missing = length - captured if length > captured else 0
            yield number, (seconds * ticks + fraction) / ticks, link_type, buffer[at + 16 : end], missing
            at = end

    def _pcapng(self) -> Iterator[Record]:
        interfaces: list[_Interface] = []
        order, number = ">", 0
        blocks, wanted = self._blocks, False
        head, fields = struct.Struct(">II").unpack_from, struct.Struct(">IIIII").unpack_from
        buffer, at = self._buffer, 0
        while True:
            if at + 12 > len(buffer):
                while not self._more(at, 12):
                    if not self._growing:
                        return self._finish()
                    at = 0
                    yield PAUSE
                buffer, at = self._buffer, 0
            kind, length = head(buffer, at)
            if kind == SECTION:  # reads the same in both byte orders
                order, interfaces = self._order(at), []
                head, fields = struct.Struct(order + "II").unpack_from, struct.Struct(order + "IIIII").unpack_from
                kind, length = head(buffer, at)
            if length % 4 or length > _MAX_BLOCK or length < (16 if kind == SECTION else 12):
                raise self._stop(at, f"claims {length} bytes")
            if at + length > len(buffer):
                while not self._more(at, length):
                    if not self._growing:
                        return self._finish()
                    at = 0
                    yield PAUSE
                buffer, at = self._buffer, 0
            end = at + length
            if buffer[end - 4 : end] != buffer[at + 4 : at + 8]:
                raise self._stop(at, "gives two lengths that differ")
            try:
                if kind == ENHANCED_PACKET:
                    index, high, low, captured, original = fields(buffer, at + 8)
                    link_type, _, ticks, offset = interfaces[index]
                    if captured > length - 32:
                        raise IndexError
                    number += 1
                    missing = original - captured if original > captured else 0
                    data = buffer[at + 28 : at + 28 + captured]
                    if wanted and blocks is not None:
                        blocks(kind, buffer[at + 8 : end - 4], order)
                    yield number, ((high << 32 | low) + offset) / ticks, link_type, data, missing
                elif kind == INTERFACE:
                    interfaces.append(_interface(buffer[at + 8 : end - 4], order))
                elif kind in (_SIMPLE_PACKET, _PACKET):
                    number += 1
                    yield _packet(kind, buffer[at + 8 : end - 4], order, interfaces, number)
                elif blocks is not None:
                    wanted = blocks(kind, buffer[at + 8 : end - 4], order)
            except (struct.error, IndexError):
                raise self._stop(at, "holds less than it says, or names an interface that is not there") from None
            at = end

    def _order(self, at: int) -> str:
        """The byte order of the section at that position of the buffer."""
        magic = self._buffer[at + 8 : at + 12]
        for order in "<>":
            if struct.unpack(order + "I", magic)[0] == BYTE_ORDER_MAGIC:
                return order
        raise self._stop(at, f"has the byte order {magic.hex()}, which is none")


def _interface(body: bytes, order: str) -> _Interface:
    link_type, _, snap_length = struct.unpack_from(order + "HHI", body)
    ticks, offset = 10**6, 0
    for code, value in _options(body, 8, order):
        if code == _OPTION_TSRESOL and len(value) == 1:
            ticks = 1 << (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        elif code == _OPTION_TSOFFSET and len(value) == 8:
            offset = struct.unpack(order + "q", value)[0]
    return _Interface(link_type, snap_length, ticks, offset * ticks)


def _packet(kind: int, body: bytes, order: str, interfaces: list[_Interface], number: int) -> Record:
    """The record of the kinds of blocks that are rare: without a time, or of the format's first days."""
    if kind == _SIMPLE_PACKET:
        interface = interfaces[0]
        (length,) = struct.unpack_from(order + "I", body)
        captured = min(length, interface.snap_length or length, len(body) - 4)
        return number, 0.0, interface.link_type, body[4 : 4 + captured], length - captured
    index, _, high, low, captured, length = struct.unpack_from(order + "HHIIII", body)
    interface = interfaces[index]
    if captured > len(body) - 20:
        raise IndexError
    time = ((high << 32 | low) + interface.offset) / interface.ticks
    return number, time, interface.link_type, body[20 : 20 + captured], max(0, length - captured)


def _options(body: bytes, position: int, order: str) -> Iterator[tuple[int, bytes]]:
    while position + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, position)
        if code == 0:
            break
        yield code, body[position + 4 : position + 4 + length]
        position += 4 + length + -length % 4


def options(kind: int, body: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """The options of a block, with their codes.

    Parameters
    ----------
    kind, body, order
        As `Reader` gives them to its `blocks`.
    """
    if kind == ENHANCED_PACKET and len(body) >= 20:
        (captured,) = struct.unpack_from(order + "I", body, 12)
        return _options(body, 20 + captured + -captured % 4, order)
    return _options(body, _OPTIONS.get(kind, len(body)), order)


def tls_secrets(body: bytes, order: str) -> bytes:
    """The key log in a block of the kind `SECRETS`; b'' where the secrets are of another kind."""
    if len(body) < 8:
        return b""
    kind, length = struct.unpack_from(order + "II", body)
    return body[8 : 8 + length] if kind == TLS_KEY_LOG else b""
