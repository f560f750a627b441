"""Writes journals as captures that Wireshark opens: `write_capture`.

Frames become packets with the addresses, numbers and checksums that they would have had (`synthesis`, `hosts`), at
their times; a simulated clock begins in 1970. SLAC's frames are as they were. A TCP connection begins right before its
first frame and ends right after its last one. Connections that were TLS are TLS again: of the records that the journal
has, or, where it has those of the handshake only (as captures give them), with the messages sealed anew under the same
secrets; these stand in the file, so Wireshark decrypts it. Findings are comments of the packets that they are about.

`read_capture` makes the same journal of it, entry by entry: `restoration` tells how that is written. Frames that
packets cannot carry (a number that does not fit its field, messages of TLS without secrets) stand there, too.

The entries are gone through twice and never held, so a journal may be larger than the memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import IO

from secc_kernel.link import restoration
from secc_kernel.link.capture import iterate
from secc_kernel.link.export_plan import Plan, TcpLine
from secc_kernel.link.pcap import CaptureError
from secc_kernel.link.pcapng_writer import PcapngWriter
from secc_kernel.link.synthesis import Connection, Endpoint, datagram, management
from secc_kernel.session.decrypt import LAYER as TLS
from secc_kernel.session.journal import (
    Entry,
    FindingEntry,
    FrameEntry,
    Journal,
    SecretEntry,
    is_journal,
    line_of,
    record_of,
    recorded,
)
from secc_kernel.wire import v2gtp

__all__ = ["export", "write_capture"]

#: Bytes of notes that wait for a packet, and findings that are shown with one.
_MAX_NOTE = 1 << 20
_MAX_COMMENTS = 50
#: Payload types of the datagrams that are taken for SDP.
_DISCOVERY = range(0x9000, 0x9100)
_MAX_DATAGRAM = 1 << 15
_MAX_ETHERNET = 1500


def write_capture(journal: Journal | Path | str, path: Path | str, *, keylog: Path | str | None = None) -> None:
    """Write a journal as a pcapng file, for Wireshark and for `read_capture`, which gives the same journal again.

    Parameters
    ----------
    journal
        A journal, or the file of one, or a capture; files may be larger than the memory.
    path
        The file to write; one that exists is replaced when everything has been written.
    keylog
        Where a capture is given: the file with the secrets of its TLS connections.

    Raises
    ------
    CaptureError
        The file cannot be written, or the capture cannot be read.
    JournalError
        The journal's file cannot be read.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            if isinstance(journal, Journal):
                count = len(journal)  # what is recorded meanwhile is left out
                export(lambda: islice(journal.entries, count), journal.source, file)
            else:
                export(entries_of(journal, keylog), Path(journal).name, file)
        os.replace(part, path)
    except OSError as error:
        raise CaptureError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def entries_of(path: Path | str, keylog: Path | str | None = None) -> Callable[[], Iterable[Entry]]:
    """Gives a file's entries, a journal's or a capture's, each time that it is called."""
    return (lambda: recorded(path)) if is_journal(path) else (lambda: iterate(path, keylog=keylog))


def export(entries: Callable[[], Iterable[Entry]], source: str, file: IO[bytes]) -> None:
    """Write entries as pcapng.

    Parameters
    ----------
    entries
        Gives them, each time that it is called: it is called twice.
    source
        What they are about.
    file
        What to write to.
    """
    plan = Plan(entries())
    writer = PcapngWriter(file, f"secc-kernel {_version()}".strip())
    writer.section(
        f"The journal of {source or 'a session'}, with packets made for its frames", restoration.header(source)
    )
    writer.interface("secc-kernel", "Packets made for the frames of a journal")
    if plan.lines:
        writer.secrets(plan.lines)
    exporter = _Exporter(plan, writer)
    for entry in entries():
        exporter.take(entry)
    exporter.finish()


def _version() -> str:
    try:
        return version("secc-kernel")
    except PackageNotFoundError:  # run from a folder
        return ""


class _Exporter:
    """Writes entry after entry. A packet is held back until the next one, because findings about it may follow."""

    def __init__(self, plan: Plan, writer: PcapngWriter) -> None:
        self._plan = plan
        self._writer = writer
        self._held: tuple[float, bytes, bytes] | None = None
        #: What follows the packet that is held: the end of its connection.
        self._after: list[tuple[float, bytes]] = []
        self._comments: list[str] = []
        #: Lines for the next packet's note.
        self._note: list[bytes] = []
        self._note_size = 0
        self._messages = 0
        self._time = 0.0
        self._open: dict[int, tuple[Connection, frozenset[Endpoint]]] = {}

    def take(self, entry: Entry) -> None:
        """Write an entry."""
        record = record_of(entry)
        packets: list[bytes] = []
        if isinstance(entry, FrameEntry):
            found = self._packets(entry)
            if found is not None:
                record, packets = restoration.carried(record), found
            self._messages += entry.layer == "v2gtp"
        elif isinstance(entry, SecretEntry) and entry.line in self._plan.lines:
            record["line"] = self._plan.lines[entry.line]
        elif isinstance(entry, FindingEntry):
            self._comment(entry)
        self._time = entry.time
        line = line_of(record)
        self._note.append(line)
        self._note_size += len(line)
        if packets:
            self._flush()
            for packet in packets[:-1]:
                self._writer.packet(entry.time, packet)
            self._held = entry.time, packets[-1], self._taken_note()
        if isinstance(entry, FrameEntry):
            self._count(entry)
        if self._note_size > _MAX_NOTE:
            self._flush()
            self._writer.statistics(entry.time, self._taken_note())

    def finish(self) -> None:
        """Write what is held, and with it what was recorded after the last packet."""
        if self._held is not None:
            time, packet, note = self._held
            self._held = time, packet, note + self._taken_note()
        self._flush()
        if self._note:
            self._writer.statistics(self._time, self._taken_note())

    def _taken_note(self) -> bytes:
        note = b"".join(self._note)
        self._note.clear()
        self._note_size = 0
        return note

    def _flush(self) -> None:
        if self._held is not None:
            time, packet, note = self._held
            self._writer.packet(time, packet, self._comments, note)
            self._comments.clear()
            self._held = None
        for time, packet in self._after:
            self._writer.packet(time, packet)
        self._after.clear()

    def _comment(self, finding: FindingEntry) -> None:
        """Show a finding with the packet that is held, or, before the first one, with that."""
        about = finding.message
        where = "" if about is None or about == self._messages - 1 else f"about message {about}: "
        if len(self._comments) < _MAX_COMMENTS:
            self._comments.append(f"{finding.severity}: {where}{finding.text} [{finding.rule}]")

    # -- frames -------------------------------------------------------------------------------------------------------

    def _packets(self, entry: FrameEntry) -> list[bytes] | None:
        """The packets of a frame, [] if others have it; None if none can carry it."""
        if entry.layer == "homeplug":
            payload = entry.data
            if len(payload) > _MAX_ETHERNET or int.from_bytes(payload[1:3], "little") != entry.payload_type:
                return None
            return [management(*self._plan.hosts.macs(entry), payload)] if len(payload) >= 3 else None
        if entry.layer == "sdp":
            if entry.payload_type not in _DISCOVERY or len(entry.data) > _MAX_DATAGRAM:
                return None
            return [datagram(*self._plan.hosts.of_datagram(entry), v2gtp.pack(entry.payload_type, entry.data))]
        line = self._plan.connection(entry)
        if line is None:
            return None
        data = self._bytes(line, entry)
        return self._sent(line, entry, data) if data else None if data is None else []

    def _bytes(self, line: TcpLine, entry: FrameEntry) -> bytes | None:
        """What goes over TCP for a frame: b'' if that has gone or will go with others, None if nothing can."""
        if line.tls is None:
            return v2gtp.pack(entry.payload_type, entry.data)
        assert line.unsealed is not None
        way = line.direction(entry)
        if entry.layer == TLS:
            if line.tls == "sealed":
                line.unsealed.record(way, entry)
            return entry.data
        if line.tls == "records":
            return b""
        if line.tls == "notes":
            return None
        if line.unsealed.has(entry):
            line.unsealed.message(entry)
            return b""
        return line.unsealed.decryption.seal(way, v2gtp.pack(entry.payload_type, entry.data))

    def _sent(self, line: TcpLine, entry: FrameEntry, data: bytes) -> list[bytes]:
        packets: list[bytes] = []
        if line.number not in self._open:
            client, server = self._plan.hosts.of_connection(line.client, line.server, line.number)
            taken = [ends for _, ends in self._open.values()]
            while frozenset((client, server)) in taken:  # two connections at the same time need other ports
                client = client._replace(port=0xC000 + (client.port + 1) % 0x4000)
            connection = Connection(client, server, line.number)
            self._open[line.number] = connection, frozenset((client, server))
            packets += connection.open()
        return packets + self._open[line.number][0].send(line.direction(entry), data)

    def _count(self, entry: FrameEntry) -> None:
        """Close the connection of a frame if that was its last one."""
        line = self._plan.connection(entry)
        if line is None:
            return
        line.left -= 1
        if not line.left and line.number in self._open:
            connection, _ = self._open.pop(line.number)
            self._after += [(entry.time, packet) for packet in connection.close()]
