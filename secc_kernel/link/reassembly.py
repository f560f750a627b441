"""TCP streams out of captured segments: bytes in order, each with the frame that made them available.

Retransmitted bytes are dropped, segments that came early wait for those before them, and bytes that the capture lacks
are a gap, once that is certain: the other end has acknowledged them, they are long overdue, or too much waits behind.
A new SYN on the same ports begins a new connection.

What is remembered is bounded, however long the capture: bytes that wait, and connections. Those that have ended are
forgotten after a while, and of the others the ones that have been silent for longest, when there are too many.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from secc_kernel.link.packet import ACK, FIN, RST, SYN, Segment, endpoints, opposite

#: How long a segment may wait for those before it, in seconds: when the other end has acknowledged what is missing
#: (then the capture lacks it, or has it in another order), and when it has not (then it will be retransmitted).
PATIENCE_ACKNOWLEDGED = 0.1
PATIENCE = 3.0
#: How often, in seconds of the capture, connections are looked at for which nothing comes.
_LOOK = 0.05
#: How many bytes, and how many segments, may wait in one direction, and in how many connections.
MAX_WAITING = 1 << 20
_MAX_WAITING_SEGMENTS = 4096
_MAX_WAITING_STREAMS = 64
#: How many connections are remembered at least; twice as many at most.
MAX_STREAMS = 4096
#: How many are remembered that have ended: what is said twice, or late, still belongs to them.
_MAX_ENDED = 256
#: A segment this far behind what is expected is no retransmission: the connection is another one.
_FAR_BEHIND = 1 << 20
_FLAGS = SYN | FIN | RST | ACK


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
    """A direction has ended.

    By 'FIN' or 'RST'; 'capture' when it is the capture that has ended; 'silence' when nothing was seen of the
    connection for so long that it is forgotten.
    """

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


def _after(a: int, b: int) -> int:
    """How far the sequence number `a` is after `b`, in the arithmetic of 32 bits; negative when before."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class _Way:
    """One direction of a connection."""

    __slots__ = ("acknowledged", "direction", "early", "ended", "expected", "other", "size", "stream")

    other: _Way

    def __init__(self, stream: TCPStream, direction: int) -> None:
        self.stream = stream
        self.direction = direction
        #: Sequence number of the next byte; None until a segment was seen.
        self.expected: int | None = None
        #: The highest number that the other end has acknowledged.
        self.acknowledged: int | None = None
        #: What came early, by its sequence number, and how many bytes that is.
        self.early: list[_Piece] = []
        self.size = 0
        self.ended = False

    def acknowledge(self, number: int) -> None:
        """The other end has everything before this number."""
        if self.acknowledged is None or _after(number, self.acknowledged) > 0:
            self.acknowledged = number

    def accept(self, piece: _Piece) -> Iterator[Event]:
        """Take a piece and give what it makes available."""
        assert self.expected is not None
        distance = _after(piece.sequence, self.expected)
        if distance < -_FAR_BEHIND:
            self.early.clear()
            self.size = 0
            self.expected = piece.sequence
            yield Gap(self.stream, self.direction, 0, piece.time, piece.frame)
            distance = 0
        if distance > 0:
            base = self.expected
            insort(self.early, piece, key=lambda other: _after(other.sequence, base))
            self.size += len(piece.data)
            return
        yield from self._deliver(piece, piece)
        yield from self._early(piece)

    def _early(self, by: _Piece | None) -> Iterator[Event]:
        """Deliver what waited and is next now; `by` is the piece that made it available, None for itself."""
        assert self.expected is not None
        while self.early and _after(self.early[0].sequence, self.expected) <= 0:
            piece = self.early.pop(0)
            self.size -= len(piece.data)
            yield from self._deliver(piece, by or piece)

    def _deliver(self, piece: _Piece, by: _Piece) -> Iterator[Event]:
        """Give what of a piece is new. It is not ahead of what is expected."""
        assert self.expected is not None
        time, frame = by.time, by.frame
        known = -_after(piece.sequence, self.expected)
        new = piece.length - known
        if new <= 0:
            return
        self.expected = (self.expected + new) & 0xFFFFFFFF
        if known < len(piece.data):
            yield Data(self.stream, self.direction, piece.data[known:], time, frame)
        if piece.missing:
            yield Gap(self.stream, self.direction, min(new, piece.missing), time, frame)
        if piece.fin and not self.ended:
            self.ended = True
            yield End(self.stream, self.direction, "FIN", time, frame)

    def give_up_waiting(self, now: float) -> Iterator[Event]:
        """The gaps that are certain by now, and what waited behind them."""
        while self.early and self._is_gap(now):
            yield from self.skip()

    def _is_gap(self, now: float) -> bool:
        assert self.expected is not None
        if self.size > MAX_WAITING or len(self.early) > _MAX_WAITING_SEGMENTS:
            return True
        acknowledged = self.acknowledged is not None and _after(self.acknowledged, self.expected) > 0
        patience = PATIENCE_ACKNOWLEDGED if acknowledged else PATIENCE
        return any(now - piece.time > patience for piece in self.early)

    def skip(self) -> Iterator[Event]:
        """Give up what is missing before the first piece that waits; give it and those that follow without a gap."""
        assert self.expected is not None
        first = self.early[0]
        yield Gap(self.stream, self.direction, _after(first.sequence, self.expected), first.time, first.frame)
        self.expected = first.sequence
        yield from self._early(None)

    def finish(self, how: str, time: float, frame: int) -> Iterator[Event]:
        """Nothing more will come."""
        while self.early:
            yield from self.skip()
        if self.ended:
            return
        self.ended = True
        if self.expected is not None and self.acknowledged is not None:
            lost = _after(self.acknowledged, self.expected)
            if lost > 1:  # one may be a FIN that was not captured
                yield Gap(self.stream, self.direction, lost, time, frame)
        yield End(self.stream, self.direction, how, time, frame)


class TCPStream:
    """One connection.

    Parameters
    ----------
    number
        Counted from 0, in the order in which connections first appear in the capture.
    flow
        The direction of its first segment, which is direction 0.
    client
        Index of the end that opened the connection; None if that was not captured.

    Attributes
    ----------
    owner
        Whatever the reader of the events keeps for this connection; forgotten with it.
    """

    __slots__ = ("client", "flow", "initial", "number", "owner", "ways")

    def __init__(self, number: int, flow: bytes, client: int | None) -> None:
        self.number = number
        self.flow = flow
        self.client = client
        self.owner: Any = None
        #: The sequence number of the client's SYN, by which a repetition is told from a new connection.
        self.initial: int | None = None
        self.ways = _Way(self, 0), _Way(self, 1)
        self.ways[0].other, self.ways[1].other = self.ways[1], self.ways[0]

    @property
    def ends(self) -> tuple[str, str]:
        """The two ends, as they are written; the one that sends in direction 0 first."""
        return endpoints(self.flow)

    @property
    def waiting(self) -> bool:
        """Whether segments wait for those before them."""
        return bool(self.ways[0].early or self.ways[1].early)

    def segment(self, way: _Way, segment: Segment, time: float, frame: int) -> Iterator[Event]:
        """Take a segment of one direction and give what it makes available."""
        _, data, missing, number, acknowledgement, flags = segment
        sequence = number or 0
        if flags & SYN:
            sequence = (sequence + 1) & 0xFFFFFFFF
            way.expected = sequence
        elif way.expected is None:
            way.expected = sequence
        if flags & ACK:
            way.other.acknowledge(acknowledgement)
        length = len(data) + missing
        if length:
            yield from way.accept(_Piece(sequence, data, missing, False, time, frame))
        if flags & FIN:
            yield from way.accept(_Piece((sequence + length) & 0xFFFFFFFF, b"", 0, True, time, frame))
        yield from self.give_up_waiting(time)
        if flags & RST:
            yield from way.finish("RST", time, frame)
            yield from way.other.finish("RST", time, frame)

    def give_up_waiting(self, now: float) -> Iterator[Event]:
        """The gaps that are certain by now, and what waited behind them."""
        for way in self.ways:
            yield from way.give_up_waiting(now)

    def finish(self, how: str, time: float, frame: int) -> Iterator[Event]:
        """Nothing more will come: what still waits will wait for ever."""
        for way in self.ways:
            yield from way.finish(how, time, frame)


class Reassembler:
    """All TCP connections of a capture."""

    def __init__(self) -> None:
        #: By flow, and apart from them those of which nothing has come since the last time that some were forgotten.
        self._ways: dict[bytes, _Way] = {}
        self._silent: dict[bytes, _Way] = {}
        self._ended: dict[TCPStream, None] = {}
        self._count = 0
        #: Connections that have segments waiting for earlier ones: later frames may yet complete earlier messages.
        self.waiting: set[TCPStream] = set()
        self._looked = 0.0

    def segment(self, segment: Segment, time: float, frame: int) -> Sequence[Event]:
        """Take a TCP segment of any connection and give what it makes available."""
        flow, data, missing, sequence, acknowledgement, flags = segment
        way = self._ways.get(flow)
        if (
            way is None
            or sequence != way.expected
            or sequence is None
            or missing
            or flags & _FLAGS != ACK
            or self.waiting
        ):
            return self._carefully(segment, time, frame)
        # Nearly all segments come here: those that bring what is expected, while nothing waits anywhere.
        other = way.other
        if acknowledgement != other.acknowledged:
            other.acknowledge(acknowledgement)
        if not data:
            return ()
        way.expected = (sequence + len(data)) & 0xFFFFFFFF
        return (Data(way.stream, way.direction, data, time, frame),)

    def _carefully(self, segment: Segment, time: float, frame: int) -> list[Event]:
        events: list[Event] = []
        way = self._way(segment, events, time, frame)
        stream = way.stream
        events.extend(stream.segment(way, segment, time, frame))
        if stream.waiting:
            self.waiting.add(stream)
        else:
            self.waiting.discard(stream)
            if way.ended and way.other.ended:
                self._ended[stream] = None
                if len(self._ended) > _MAX_ENDED:
                    self._forget(next(iter(self._ended)))
        if len(self.waiting) > _MAX_WAITING_STREAMS:
            events.extend(self.give_up())
        elif self.waiting and not self._looked <= time < self._looked + _LOOK:
            self._looked = time
            for other in sorted(self.waiting, key=lambda stream: stream.number):
                events.extend(other.give_up_waiting(time))
                if not other.waiting:
                    self.waiting.discard(other)
        return events

    def give_up(self) -> Iterator[Event]:
        """Call everything a gap that segments wait for, and give them."""
        for stream in sorted(self.waiting, key=lambda stream: stream.number):
            for way in stream.ways:
                while way.early:
                    yield from way.skip()
        self.waiting.clear()

    def finish(self, time: float, frame: int) -> Iterator[Event]:
        """The capture has ended."""
        streams = self.waiting.union(way.stream for way in (*self._silent.values(), *self._ways.values()))
        for stream in sorted(streams, key=lambda stream: stream.number):
            yield from stream.finish("capture", time, frame)
        self.waiting.clear()

    def _way(self, segment: Segment, events: list[Event], time: float, frame: int) -> _Way:
        """The direction of the connection that the segment belongs to; a new connection's, where there is none."""
        flow, _, _, sequence, _, flags = segment
        way = self._ways.get(flow) or self._remembered(flow)
        opening = flags & (SYN | ACK) == SYN
        # The ports may be used again. The old connection may have been cut off without a word.
        if way is not None and not (opening and way.stream.initial != sequence):
            return way
        if len(self._ways) >= 2 * MAX_STREAMS:
            events.extend(self._forget_silent(time, frame))
        client = 0 if opening else (1 if flags & SYN else None)
        stream = TCPStream(self._count, flow, client)
        stream.initial = sequence if opening else None
        self._count += 1
        self._ways[flow], self._ways[opposite(flow)] = stream.ways
        return stream.ways[0]

    def _remembered(self, flow: bytes) -> _Way | None:
        """A connection that had been silent and no longer is."""
        way = self._silent.pop(flow, None)
        if way is not None:
            self._ways[flow] = way
            back = opposite(flow)
            self._ways[back] = self._silent.pop(back)
        return way

    def _forget_silent(self, time: float, frame: int) -> Iterator[Event]:
        """Forget the connections that have been silent since this was last done."""
        for stream in {way.stream: None for way in self._silent.values()}:
            yield from stream.finish("silence", time, frame)
            self._forget(stream)
        self._silent, self._ways = self._ways, {}

    def _forget(self, stream: TCPStream) -> None:
        self._ended.pop(stream, None)
        self.waiting.discard(stream)
        for flow in (stream.flow, opposite(stream.flow)):
            for ways in (self._ways, self._silent):
                if flow in ways and ways[flow].stream is stream:  # and not of a later one on the same ports
                    del ways[flow]
