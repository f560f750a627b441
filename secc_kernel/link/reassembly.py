"""TCP streams out of captured segments: bytes in order, each with the frame that made them available.

Retransmitted bytes are dropped, segments that came early wait for those before them, and bytes that the capture lacks
are a gap, once that is certain: the other end has acknowledged them, they are long overdue, or too much waits behind.
A new SYN on the same ports begins a new connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from secc_kernel.link.packet import ACK, FIN, RST, SYN, Segment

#: How long a segment may wait for those before it, in seconds: when the other end has acknowledged what is missing
#: (then the capture lacks it, or has it in another order), and when it has not (then it will be retransmitted).
PATIENCE_ACKNOWLEDGED = 0.1
PATIENCE = 3.0
#: How many bytes may wait in one direction.
MAX_WAITING = 1 << 20
#: A segment this far behind what is expected is no retransmission: the connection is another one.
_FAR_BEHIND = 1 << 20


class Data(NamedTuple):
    """The next bytes of a direction, with the time and number of the frame that made them available."""

    stream: TCPStream
    direction: int
    data: bytes
    time: float
    frame: int


class Gap(NamedTuple):
    """Bytes of a direction that the capture lacks; `length` 0 where nobody knows how many."""

    stream: TCPStream
    direction: int
    length: int
    time: float
    frame: int


class End(NamedTuple):
    """A direction has ended, by 'FIN' or 'RST'; 'capture' when it is the capture that has ended."""

    stream: TCPStream
    direction: int
    how: str
    time: float
    frame: int


Event = Data | Gap | End


class _Piece(NamedTuple):
    """A segment's payload; a FIN is a piece of its own that counts as one byte, as in the sequence numbers."""

    sequence: int
    data: bytes
    missing: int
    fin: bool
    time: float
    frame: int

    @property
    def length(self) -> int:
        return len(self.data) + self.missing + self.fin


@dataclass(slots=True)
class _Direction:
    #: Sequence number of the next byte; None until a segment was seen.
    expected: int | None = None
    #: The highest number that the other end has acknowledged.
    acknowledged: int | None = None
    early: list[_Piece] = field(default_factory=list)
    ended: bool = False


def _after(a: int, b: int) -> int:
    """How far the sequence number `a` is after `b`, in the arithmetic of 32 bits; negative when before."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class TCPStream:
    """One connection.

    Parameters
    ----------
    number
        Counted from 0, in the order in which connections first appear in the capture.
    ends
        The two ends: address bytes and port.
    client
        Index of the end that opened the connection; None if that was not captured.
    """

    __slots__ = ("_ways", "client", "ends", "initial", "number")

    def __init__(self, number: int, ends: tuple[tuple[bytes, int], tuple[bytes, int]], client: int | None) -> None:
        self.number = number
        self.ends = ends
        self.client = client
        #: The sequence number of the client's SYN, by which a repetition is told from a new connection.
        self.initial: int | None = None
        self._ways = (_Direction(), _Direction())

    @property
    def waiting(self) -> bool:
        """Whether segments wait for those before them."""
        return bool(self._ways[0].early or self._ways[1].early)

    def segment(self, direction: int, segment: Segment, time: float, frame: int) -> Iterator[Event]:
        """Take a segment and give what it makes available."""
        way = self._ways[direction]
        sequence = segment.sequence or 0
        if segment.flags & SYN:
            sequence = (sequence + 1) & 0xFFFFFFFF
            way.expected = sequence
        elif way.expected is None:
            way.expected = sequence
        if segment.flags & ACK:
            other = self._ways[1 - direction]
            acknowledgement = segment.acknowledgement
            if other.acknowledged is None or _after(acknowledgement, other.acknowledged) > 0:
                other.acknowledged = acknowledgement
        length = len(segment.data) + segment.missing
        if length:
            piece = _Piece(sequence, segment.data, segment.missing, False, time, frame)
            yield from self._accept(direction, way, piece)
        if segment.flags & FIN:
            piece = _Piece((sequence + length) & 0xFFFFFFFF, b"", 0, True, time, frame)
            yield from self._accept(direction, way, piece)
        yield from self.give_up_waiting(time)
        if segment.flags & RST:
            yield from self._finish(direction, "RST", time, frame)
            yield from self._finish(1 - direction, "RST", time, frame)

    def give_up_waiting(self, now: float) -> Iterator[Event]:
        """The gaps that are certain by now, and what waited behind them."""
        for direction, way in enumerate(self._ways):
            while way.early and self._is_gap(way, now):
                yield from self._skip(direction, way)

    def finish(self, time: float, frame: int) -> Iterator[Event]:
        """The capture has ended: what still waits will wait for ever."""
        for direction in (0, 1):
            yield from self._finish(direction, "capture", time, frame)

    def _finish(self, direction: int, how: str, time: float, frame: int) -> Iterator[Event]:
        way = self._ways[direction]
        while way.early:
            yield from self._skip(direction, way)
        if way.ended:
            return
        way.ended = True
        if way.expected is not None and way.acknowledged is not None:
            lost = _after(way.acknowledged, way.expected)
            if lost > 1:  # one may be a FIN that was not captured
                yield Gap(self, direction, lost, time, frame)
        yield End(self, direction, how, time, frame)

    def _accept(self, direction: int, way: _Direction, piece: _Piece) -> Iterator[Event]:
        assert way.expected is not None
        distance = _after(piece.sequence, way.expected)
        if distance < -_FAR_BEHIND:
            way.early.clear()
            way.expected = piece.sequence
            yield Gap(self, direction, 0, piece.time, piece.frame)
            distance = 0
        if distance > 0:
            way.early.append(piece)
            way.early.sort(key=lambda other: _after(other.sequence, piece.sequence))
            return
        yield from self._deliver(direction, way, piece, piece.time, piece.frame)
        while way.early and _after(way.early[0].sequence, way.expected) <= 0:
            yield from self._deliver(direction, way, way.early.pop(0), piece.time, piece.frame)

    def _deliver(self, direction: int, way: _Direction, piece: _Piece, time: float, frame: int) -> Iterator[Event]:
        """Give what of a piece is new. It is not ahead of what is expected."""
        assert way.expected is not None
        known = -_after(piece.sequence, way.expected)
        new = piece.length - known
        if new <= 0:
            return
        way.expected = (way.expected + new) & 0xFFFFFFFF
        if known < len(piece.data):
            yield Data(self, direction, piece.data[known:], time, frame)
        if piece.missing:
            yield Gap(self, direction, min(new, piece.missing), time, frame)
        if piece.fin and not way.ended:
            way.ended = True
            yield End(self, direction, "FIN", time, frame)

    def _is_gap(self, way: _Direction, now: float) -> bool:
        assert way.expected is not None
        acknowledged = way.acknowledged is not None and _after(way.acknowledged, way.expected) > 0
        waited = now - min(piece.time for piece in way.early)
        if waited > (PATIENCE_ACKNOWLEDGED if acknowledged else PATIENCE):
            return True
        return sum(len(piece.data) for piece in way.early) > MAX_WAITING

    def _skip(self, direction: int, way: _Direction) -> Iterator[Event]:
        """Give up what is missing before the first piece that waits; give it and those that follow without a gap."""
        assert way.expected is not None
        first = way.early[0]
        yield Gap(self, direction, _after(first.sequence, way.expected), first.time, first.frame)
        way.expected = first.sequence
        while way.early and _after(way.early[0].sequence, way.expected) <= 0:
            piece = way.early.pop(0)
            yield from self._deliver(direction, way, piece, piece.time, piece.frame)


class Reassembler:
    """All TCP connections of a capture."""

    def __init__(self) -> None:
        self._streams: dict[tuple[tuple[bytes, int], tuple[bytes, int]], TCPStream] = {}
        self._count = 0
        #: Connections that have segments waiting.
        self._waiting: set[TCPStream] = set()

    @property
    def waiting(self) -> bool:
        """Whether any segment waits for those before it: then later frames may yet complete earlier ones."""
        return bool(self._waiting)

    def segment(self, segment: Segment, time: float, frame: int) -> Iterator[Event]:
        """Take a segment of any connection and give what it makes available."""
        stream, direction = self._stream(segment)
        yield from stream.segment(direction, segment, time, frame)
        if stream.waiting:
            self._waiting.add(stream)
        else:
            self._waiting.discard(stream)
        if self._waiting:
            for other in sorted(self._waiting, key=lambda stream: stream.number):
                yield from other.give_up_waiting(time)
                if not other.waiting:
                    self._waiting.discard(other)

    def finish(self, time: float, frame: int) -> Iterator[Event]:
        """The capture has ended."""
        for stream in self._streams.values():
            yield from stream.finish(time, frame)
        self._waiting.clear()

    def _stream(self, segment: Segment) -> tuple[TCPStream, int]:
        """The segment's connection, and its direction there."""
        ends = segment.src, segment.dst
        opening = segment.flags & (SYN | ACK) == SYN
        for key, direction in ((ends, 0), (ends[::-1], 1)):
            stream = self._streams.get(key)
            if stream is None:
                continue
            if opening and stream.initial != segment.sequence:
                # The ports are used again. The old connection may have been cut off without a word.
                del self._streams[key]
                break
            return stream, direction
        client = 0 if opening else (1 if segment.flags & SYN else None)
        stream = TCPStream(self._count, ends, client)
        stream.initial = segment.sequence if opening else None
        self._count += 1
        self._streams[ends] = stream
        return stream, 0
