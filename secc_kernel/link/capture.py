"""Capture files as journals: what a live session records, read from a pcap or pcapng file.

One pass, four small machines one behind the other: records (`pcap`), segments (`packet`), bytes in order
(`reassembly`), and messages (`session.dissect`). Entries come in the order of the captured frames; they are held back
only while a segment waits for an earlier one, because that may complete an earlier message.

Memory does not grow with the file: each machine bounds what it remembers, and `iterate` keeps nothing. Nor is a message
decoded here, but for those that tell which vocabulary a connection speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import cast

from secc_kernel.link.keylog import secrets_of
from secc_kernel.link.packet import MANAGEMENT, PacketParser, Segment, endpoints
from secc_kernel.link.pcap import SECRETS, SECTION, CaptureError, Reader, Record, tls_secrets
from secc_kernel.link.reassembly import Data, Event, Gap, Reassembler
from secc_kernel.link.restoration import Restoration, is_export
from secc_kernel.session.dissect import SDP_BEGINNING, Conversation, Discovery
from secc_kernel.session.journal import Entry, FindingEntry, FrameEntry, Journal
from secc_kernel.session.secrets import Secrets

__all__ = ["CaptureError", "Machines", "iterate", "read_capture"]

#: Entries that are held back at most until what a segment waits for has come.
_MAX_HELD = 4096


def read_capture(
    path: Path | str,
    *,
    journal: Journal | None = None,
    decode: bool = False,
    progress: Callable[[int], object] | None = None,
    keylog: Path | str | None = None,
) -> Journal:
    """Read a capture file into a journal.

    Parameters
    ----------
    path
        A pcap or pcapng file, also compressed by gzip.
    journal
        Append to this one, which may have a file or subscribers; otherwise a new one is made.
    decode
        Decode all messages now. Otherwise each is decoded when somebody looks at it.
    progress
        Called now and then with the number of bytes of the file that have been read.
    keylog
        A file with the secrets of its TLS connections (a key log, as SSLKEYLOGFILE has programs write it), where the
        capture does not have them itself.

    Returns
    -------
    Journal
        Its messages, SDP datagrams, HomePlug's management messages, the handshakes of TLS, and findings about what is
        missing or damaged.

    Raises
    ------
    CaptureError
        The file or the key log cannot be read, or the file is no capture.
    """
    if journal is None:
        journal = Journal(source=Path(path).name)
    entries = iterate(path, progress=progress, keylog=keylog)
    journal.extend(map(_looked_at, entries) if decode else entries)
    return journal


def _looked_at(entry: Entry) -> Entry:
    if isinstance(entry, FrameEntry):
        entry.message  # noqa: B018  decoded by being looked at
    return entry


def iterate(
    path: Path | str, *, progress: Callable[[int], object] | None = None, keylog: Path | str | None = None
) -> Iterator[Entry]:
    """The entries of a capture one by one, for files that are too large to keep.

    Parameters
    ----------
    path, progress, keylog
        As in `read_capture`.

    Raises
    ------
    CaptureError
        The file or the key log cannot be read, or the file is no capture.
    """
    machines = Machines(secrets_of(path, keylog))
    reader = Reader(path, progress, machines.block)
    records = iter(reader)
    records = chain(list(islice(records, 1)), records)  # before its first packet the file has said what it is
    if machines.restoration is not None:
        yield from machines.restoration.entries(machines, records)
    else:
        yield from cast("Iterator[Entry]", machines.entries_in(records))  # a file that does not grow has no pauses
    if reader.damage:
        yield FindingEntry(machines.time, "capture.damaged", "warning", f"{reader.path.name}: {reader.damage}")


#: An entry and the number of the frame that it belongs to.
_Numbered = tuple[int, Entry]


def _in_order(held: list[_Numbered]) -> Iterator[Entry]:
    """The entries by the number of their frame; those of one frame stay as they are."""
    if len(held) > 1:
        held.sort(key=lambda item: item[0])
    return (entry for _, entry in held)


class Machines:
    """The machines, and what one makes of the last one's output.

    Parameters
    ----------
    secrets
        Of the TLS connections.

    Attributes
    ----------
    time
        Of the last record, when all have been read.
    restoration
        What puts a journal together again; None for a capture.
    """

    def __init__(self, secrets: Secrets) -> None:
        self.parser = PacketParser()
        self.reassembler = Reassembler()
        self.time = 0.0
        self.restoration: Restoration | None = None
        self._begun = False
        self._discovery = Discovery()
        self._secrets = secrets
        self._cut = False

    def entries_in(self, records: Iterable[Record]) -> Iterator[Entry | None]:
        """The entries of records, in the order of their frames; for each `PAUSE` among the records None."""
        segment_in, take, waiting = self.parser.segment, self.reassembler.segment, self.reassembler.waiting
        held: list[_Numbered] = []
        number, time = 0, 0.0
        for number, time, link_type, data, missing in records:
            segment = segment_in(link_type, data, missing)
            if segment is None:
                if link_type < 0:
                    yield None
                continue
            if segment[2] or segment[3] is None:
                held += self.exception(segment, time, number)
            elif events := take(segment, time, number):
                if len(events) == 1 and not held and not waiting:
                    yield from self.entries_of(events[0])
                else:
                    held += self.entries(events)
            if held:
                if len(held) > _MAX_HELD:
                    held += self.entries(self.reassembler.give_up())
                if not waiting:
                    yield from _in_order(held)
                    held.clear()
        self.time = time
        held += self.finish(time, number)
        yield from _in_order(held)

    def block(self, kind: int, body: bytes, order: str) -> bool:
        """Take a block of the file that is no packet."""
        if not self._begun:
            self._begun = True
            if kind == SECTION and is_export(body, order):
                self.restoration = Restoration()
        if kind == SECRETS:
            text = tls_secrets(body, order)
            self._secrets.add(text)
            if self.restoration is not None:
                self.restoration.add_secrets(text)
        return self.restoration is not None and self.restoration.block(kind, body, order)

    def exception(self, segment: Segment, time: float, number: int) -> Iterator[_Numbered]:
        """What a datagram says, or a segment that was not captured whole completes."""
        flow, data, missing, sequence, _, flags = segment
        if missing and not self._cut:
            self._cut = True
            text = f"frame {number} was not captured whole (snap length): such messages cannot be shown"
            yield number, FindingEntry(time, "capture.snap-length", "warning", text)
        if sequence is not None:
            yield from self.entries(self.reassembler.segment(segment, time, number))
            return
        if flags == MANAGEMENT:
            from secc_kernel.session.slac.record import management_entry  # late: few captures have any

            yield number, management_entry(data, flow[:6], flow[6:], time, number)
            return
        if data[:3] != SDP_BEGINNING:
            self._secrets.add_datagram(data)
            return
        for entry in self._discovery.receive_datagram(data, *endpoints(flow), time, number):
            yield number, entry

    def entries(self, events: Iterable[Event]) -> Iterator[_Numbered]:
        """What comes of events, with the numbers of their frames."""
        return ((event.frame, entry) for event in events for entry in self.entries_of(event))

    def entries_of(self, event: Event) -> Iterable[Entry]:
        """What comes of a connection's bytes, gap or end."""
        stream, direction = event.stream, event.direction
        conversation: Conversation | None = stream.owner
        if conversation is None:
            conversation = stream.owner = Conversation(
                stream.number, stream.ends, stream.client, self._secrets, self.restoration is not None
            )
        if isinstance(event, Data):
            return conversation.receive_data(direction, event.data, event.time, event.frame)
        if isinstance(event, Gap):
            return conversation.gap(direction, event.length, event.time, event.frame)
        return conversation.end(direction, event.how, event.time)

    def finish(self, time: float, number: int) -> Iterator[_Numbered]:
        """What there is to say when the capture has ended."""
        yield from self.entries(self.reassembler.finish(time, number))
        if lost := self.parser.incomplete_datagrams:
            text = f"{lost} IP datagrams are incomplete: fragments of them are missing"
            yield number, FindingEntry(time, "ip.fragment", "warning", text)
        for link_type, count in self.parser.unknown_links.items():
            text = f"{count} packets have the link type {link_type}, which is not known here"
            yield number, FindingEntry(time, "capture.link-type", "warning", text)
