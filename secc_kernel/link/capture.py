"""Capture files as journals: what a live session records, read from a pcap or pcapng file.

One pass, four small machines one behind the other: records (`pcap`), segments (`packet`), bytes in order
(`reassembly`), and messages (`session.dissect`). Entries come in the order of the captured frames; they are held back
only while a segment waits for an earlier one, because that may complete an earlier message.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from secc_kernel.link.packet import PacketParser, endpoint
from secc_kernel.link.pcap import CaptureError, Reader
from secc_kernel.link.reassembly import Data, Event, Gap, Reassembler, TCPStream
from secc_kernel.session.dissect import Conversation, Discovery
from secc_kernel.session.journal import Entry, FindingEntry, Journal

__all__ = ["CaptureError", "iterate", "read_capture"]


def read_capture(path: Path | str) -> Journal:
    """Read a capture file into a journal.

    Parameters
    ----------
    path
        A pcap or pcapng file, also compressed by gzip.

    Returns
    -------
    Journal
        Its messages, SDP datagrams, and findings about what is missing or damaged.

    Raises
    ------
    CaptureError
        The file cannot be read, or is no capture.
    """
    journal = Journal(source=Path(path).name)
    for entry in iterate(path):
        journal.append(entry)
    return journal


def iterate(path: Path | str) -> Iterator[Entry]:
    """The entries of a capture one by one, for files that are too large to keep; raises as `read_capture`."""
    capture = _Capture()
    reader = Reader(path)
    held: list[tuple[int, Entry]] = []
    number, time = 0, 0.0
    for number, time, link_type, data, missing in reader:
        held.extend(capture.packet(number, time, link_type, data, missing))
        if held and not capture.waiting:
            yield from _in_order(held)
            held.clear()
    held.extend(capture.finish(time, number))
    yield from _in_order(held)
    if reader.damage:
        yield FindingEntry(time, "capture.damaged", "warning", f"{reader.path.name}: {reader.damage}")


def _in_order(held: list[tuple[int, Entry]]) -> Iterator[Entry]:
    """The entries by the number of their frame; those of one frame stay as they are."""
    if len(held) > 1:
        held.sort(key=lambda item: item[0])
    return (entry for _, entry in held)


class _Capture:
    """Packets in, numbered entries out."""

    def __init__(self) -> None:
        self._parser = PacketParser()
        self._reassembler = Reassembler()
        self._discovery = Discovery()
        self._conversations: dict[TCPStream, Conversation] = {}
        self._cut = False

    @property
    def waiting(self) -> bool:
        return self._reassembler.waiting

    def packet(
        self, number: int, time: float, link_type: int, data: bytes, missing: int
    ) -> Iterator[tuple[int, Entry]]:
        segment = self._parser.segment(link_type, data, missing)
        if segment is None:
            return
        if segment.missing and not self._cut:
            self._cut = True
            text = f"frame {number} was not captured whole (snap length): such messages cannot be shown"
            yield number, FindingEntry(time, "capture.snap-length", "warning", text)
        if segment.sequence is None:
            src, dst = endpoint(*segment.src), endpoint(*segment.dst)
            for entry in self._discovery.receive_datagram(segment.data, src, dst, time, number):
                yield number, entry
            return
        for event in self._reassembler.segment(segment, time, number):
            yield from self._entries(event)

    def _entries(self, event: Event) -> Iterator[tuple[int, Entry]]:
        stream, direction = event.stream, event.direction
        conversation = self._conversations.get(stream)
        if conversation is None:
            ends = endpoint(*stream.ends[0]), endpoint(*stream.ends[1])
            conversation = self._conversations[stream] = Conversation(stream.number, ends, stream.client)
        if isinstance(event, Data):
            entries = conversation.receive_data(direction, event.data, event.time, event.frame)
        elif isinstance(event, Gap):
            entries = conversation.gap(direction, event.length, event.time, event.frame)
        else:
            entries = conversation.end(direction, event.how, event.time)
        for entry in entries:
            yield event.frame, entry

    def finish(self, time: float, number: int) -> Iterator[tuple[int, Entry]]:
        for event in self._reassembler.finish(time, number):
            yield from self._entries(event)
        if lost := self._parser.incomplete_datagrams:
            text = f"{lost} IP datagrams are incomplete: fragments of them are missing"
            yield number, FindingEntry(time, "ip.fragment", "warning", text)
        for link_type, count in self._parser.unknown_links.items():
            text = f"{count} packets have the link type {link_type}, which is not known here"
            yield number, FindingEntry(time, "capture.link-type", "warning", text)
