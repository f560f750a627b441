"""Makes a journal again of a pcapng file that `export` has written.

What packets can carry comes from the packets, by the same machines as that of any capture. The rest stands in the notes
of their blocks (`pcapng_writer`), as the lines of a journal's file: an entry a line, each in the note of the packet
before which, or with which, it was recorded, or of the last packet; where there is none in a block of statistics. Three
lines differ from those of a journal's file:

- the first, in the section's block: ``{"secc-kernel": 1, "source": "charge"}``.
- a frame that packets carry has ``size`` and ``crc`` (CRC-32) in the place of ``data``.
- a secret has ``line`` as the number of that line in the file's secrets blocks: who takes those out, takes it out.

Frames that are no longer among the packets are left out, with a finding; entries go with the packet that they belong
to.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from secc_kernel.link.pcap import SECTION, Record, options
from secc_kernel.link.pcapng_writer import note_in
from secc_kernel.session.journal import Entry, FindingEntry, FrameEntry, entry_from, line_of

if TYPE_CHECKING:
    from secc_kernel.link.capture import Machines

__all__ = ["FORMAT_VERSION", "Restoration", "carried", "header", "is_export"]

#: Of what stands in the notes; what is newer is read as any other capture.
FORMAT_VERSION = 1
_MARK = "secc-kernel"
#: Frames that wait for their packets, and packets' frames that wait to be asked for.
_MAX_WAITING = 4096

_UNREADABLE = "lines of its notes cannot be read and are"
#: What tells frames apart: layer, payload type, length and CRC-32.
_Key = tuple[str, int, int, int]


def header(source: str) -> bytes:
    """The note of a section whose packets have notes."""
    return line_of({_MARK: FORMAT_VERSION, "source": source})


def is_export(body: bytes, order: str) -> bool:
    """Whether a section's block begins a part of a file that has notes."""
    try:
        version = json.loads(note_in(options(SECTION, body, order)))[_MARK]
    except (ValueError, KeyError, TypeError):
        return False
    return isinstance(version, int) and version <= FORMAT_VERSION


def carried(record: dict[str, Any]) -> dict[str, Any]:
    """The record of a frame whose bytes packets carry."""
    data = record.pop("data", b"")
    return {**record, "size": len(data), "crc": zlib.crc32(data)}


class Restoration:
    """A journal that is being put together again."""

    def __init__(self) -> None:
        self._active = False
        self._secrets: list[str] = []
        #: Entries in their order; those of frames as records, until their packets have come.
        self._queue: deque[Entry | dict[str, Any]] = deque()
        #: What packets have brought and no record has asked for.
        self._brought: OrderedDict[_Key, list[bytes]] = OrderedDict()
        self._lost: Counter[str] = Counter()

    def block(self, kind: int, body: bytes, order: str) -> bool:
        """Take a block of the file, packets included; whether it is to be told of them."""
        if kind == SECTION:
            self._active = is_export(body, order)
            self._secrets.clear()
        elif self._active:
            for line in note_in(options(kind, body, order)).splitlines():
                self._line(line)
        return self._active

    def add_secrets(self, text: bytes) -> None:
        """Take the lines of a secrets block."""
        self._secrets += text.decode("ascii", "replace").splitlines()

    def _line(self, line: bytes) -> None:
        try:
            record = json.loads(line.decode("utf-8", "surrogatepass"))
            if "size" in record:
                key = record.get("layer", "v2gtp"), record.get("payload_type", 0), record.pop("size"), record.pop("crc")
                hash(key)
                self._queue.append({**record, "key": key})
                return
            if record["kind"] == "secret" and isinstance(record.get("line"), int):
                if not 0 <= record["line"] < len(self._secrets):
                    self._lost["secrets of TLS are"] += 1
                    return
                record["line"] = self._secrets[record["line"]]
            self._queue.append(entry_from(record))
        except (ValueError, KeyError, TypeError, AttributeError):
            self._lost[_UNREADABLE] += 1

    def entries(self, machines: Machines, records: Iterable[Record]) -> Iterator[Entry]:
        """The journal's entries, out of the file's records."""
        number, time = 0, 0.0
        for number, time, link_type, data, missing in records:
            segment = machines.parser.segment(link_type, data, missing)
            if segment is not None:
                if segment[2] or segment[3] is None:
                    found = machines.exception(segment, time, number)
                else:
                    found = machines.entries(machines.reassembler.segment(segment, time, number))
                yield from self._others(entry for _, entry in found)
            yield from self._due()
        yield from self._others(entry for _, entry in machines.finish(time, number))
        yield from self._due(last=True)
        machines.time = time
        for what, count in self._lost.items():
            text = f"{count} {what} missing in this file, which was changed after it had been written"
            yield FindingEntry(time, "capture.changed", "warning", text)

    def _others(self, found: Iterable[Entry]) -> Iterator[Entry]:
        """Keep the frames that packets have brought; what comes of a section without notes is not for us."""
        for entry in found:
            if not self._active:
                yield entry
            elif isinstance(entry, FrameEntry):
                key = entry.layer, entry.payload_type, len(entry.data), zlib.crc32(entry.data)
                self._brought.setdefault(key, []).append(entry.data)
                if len(self._brought) > _MAX_WAITING:
                    self._brought.popitem(last=False)

    def _due(self, last: bool = False) -> Iterator[Entry]:
        """The entries up to the first frame whose packets are still to come."""
        queue = self._queue
        while queue:
            entry = queue[0]
            if isinstance(entry, Entry):
                yield entry
            elif (data := self._take(entry["key"])) is not None:
                yield from self._frame(entry, data)
            elif last or len(queue) > _MAX_WAITING:
                self._lost["of the journal's frames are"] += 1
            else:
                return
            queue.popleft()

    def _take(self, key: _Key) -> bytes | None:
        waiting = self._brought.get(key)
        if waiting is None:
            return None
        data = waiting.pop(0)
        if not waiting:
            del self._brought[key]
        return data

    def _frame(self, record: dict[str, Any], data: bytes) -> Iterator[Entry]:
        del record["key"]
        try:
            entry = entry_from(record)
        except (ValueError, KeyError, TypeError):
            self._lost[_UNREADABLE] += 1
            return
        if isinstance(entry, FrameEntry):
            entry.data = data
        yield entry
