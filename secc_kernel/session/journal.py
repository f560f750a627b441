"""The journal: the one record of what happened, in the order in which it happened.

Every frame in or out, every timer, state change and finding is an entry with its time. Live sessions, captures and
replays all give a journal; tables, views and reports all read one, and nothing else remembers.

Entries are appended and never changed. With a file, each is written through as one line of JSON before `Journal.append`
returns, so a killed process loses at most the entry that it was writing. The first line of the file says what it is::

    {"journal": 1, "source": "charge"}
    {"kind": "note", "time": 0.0, "text": "plugged in"}
    {"kind": "frame", "time": 0.3, "sender": "EVCC", "payload_type": 32769, "data": "8000...", "schema": "sap", ...}

A frame is recorded as bytes. Its message is decoded when someone first looks, and kept.
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from secc_kernel.session import tables
from secc_kernel.session.entries import (
    BELOW,
    Entry,
    FindingEntry,
    FrameEntry,
    NoteEntry,
    SecretEntry,
    StateEntry,
    TimerEntry,
    entry_from,
    entry_of,
    line_of,
    record_of,
)
from secc_kernel.session.news import News

if TYPE_CHECKING:
    import pandas as pd

    from secc_kernel.codec import Message

__all__ = [
    "BELOW",
    "CHECK",
    "FORMAT_VERSION",
    "Entry",
    "FindingEntry",
    "FrameEntry",
    "Journal",
    "JournalError",
    "NoteEntry",
    "SecretEntry",
    "StateEntry",
    "TimerEntry",
    "entry_from",
    "entry_of",
    "is_journal",
    "line_of",
    "record_of",
    "recorded",
]

#: Of the file's layout; a reader refuses what is newer than itself.
FORMAT_VERSION = 1

#: Entries that `Journal.extend` records at a time.
_BLOCK = 256

#: The rule of the findings that are verdicts of a script: a note where its check passed, an error where it failed.
CHECK = "check"


class JournalError(Exception):
    """A journal's file cannot be read, or what was asked for is not in the journal; the text says where and why."""


#: How every journal's file begins.
_BEGINNING = b'{"journal":'


def _line(entry: Entry) -> bytes:
    return line_of(record_of(entry))


class Journal:
    """An append-only list of entries, written through to a file if it has one.

    Parameters
    ----------
    path
        The file to write (a new one); None keeps the journal in memory.
    source
        What the entries are about, the tables' column `file`: a capture's file name, a session's name.
    overwrite
        Replace a file that exists. Otherwise that is an error: it may be the only record of a car that has driven off.

    Notes
    -----
    Entries may be appended in one thread while others read.
    """

    def __init__(self, path: Path | str | None = None, *, source: str = "", overwrite: bool = False) -> None:
        self.path = None if path is None else Path(path)
        self.source = source or (self.path.name if self.path else "")
        #: Everything, in order.
        self.entries: list[Entry] = []
        #: The V2GTP messages on TCP alone; a message's index `i` everywhere is its place here.
        self.frames: list[FrameEntry] = []
        self._news: News[Entry] = News()
        self._lock = threading.RLock()
        self._file: int | None = None
        self._close: Callable[[], object] = lambda: None
        if self.path is not None:
            self._open(self.path, overwrite)

    def _open(self, path: Path, overwrite: bool) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if overwrite else os.O_EXCL)
        try:
            self._file = os.open(path, flags, 0o644)
        except FileExistsError:
            raise JournalError(f"the journal {path} exists: choose another name, or move it away") from None
        except OSError as error:
            raise JournalError(f"the journal {path} cannot be written: {error.strerror or error}") from error
        self._close = weakref.finalize(self, os.close, self._file)
        _write(self._file, self._header())

    def _header(self) -> bytes:
        return line_of({"journal": FORMAT_VERSION, "source": self.source})

    def append(self, entry: Entry) -> None:
        """Record an entry: in memory, on disk, and then to the subscribers.

        They are called without the journal's lock, one after the other and in order; see `News`.
        """
        self._record((entry,))

    def extend(self, entries: Iterable[Entry]) -> None:
        """Record entries that are no news, such as those of a capture, as they come, some hundred at a time."""
        source = iter(entries)
        while block := list(islice(source, _BLOCK)):
            self._record(block)

    def _record(self, block: Sequence[Entry]) -> None:
        with self._lock:
            self.entries += block
            self.frames += [entry for entry in block if isinstance(entry, FrameEntry) and entry.layer == "v2gtp"]
            problem = self._write_through(block) if self._file is not None else None
            self._news.put(block)
        self._news.tell(self._deaf)
        if problem is not None:
            self.append(problem)

    def _deaf(self, entry: Entry, error: Exception) -> None:
        """A subscriber has failed: whoever looks on must not end the charge that is being recorded."""
        text = f"what followed this journal has failed and is told nothing more ({type(error).__name__}: {error})"
        self.append(FindingEntry(entry.time, "journal.subscriber", "error", text))

    def _write_through(self, block: Sequence[Entry]) -> FindingEntry | None:
        assert self._file is not None
        try:
            _write(self._file, b"".join(map(_line, block)))
        except OSError as error:
            # A full disk must not end the charge that is being recorded; but nobody may believe that the file is whole.
            self.close()
            text = f"{self.path} can no longer be written ({error}): the journal goes on in memory only"
            return FindingEntry(block[-1].time, "journal.file", "error", text)
        return None

    def subscribe(self, callback: Callable[[Entry], object], since: int | None = None) -> Callable[[], None]:
        """Have `callback` called with each new entry, until what is returned is called or it raises an error.

        Parameters
        ----------
        callback
            Called with one entry after the other, in their order.
        since
            The index of the first entry that it is told of; by default the next one to come.
        """
        with self._lock:
            past = () if since is None else self.entries[since:]
            unsubscribe = self._news.subscribe(callback, past)
        self._news.tell(self._deaf)
        return unsubscribe

    def close(self) -> None:
        """End the writing to the file; the journal stays readable."""
        with self._lock:
            self._file = None
            self._close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __repr__(self) -> str:
        return f"<Journal {self.source!r}: {len(self.frames)} messages, {len(self.findings)} findings>"

    @property
    def findings(self) -> list[FindingEntry]:
        """The findings, in order."""
        return [entry for entry in self.entries if isinstance(entry, FindingEntry)]

    def save(self, path: Path | str) -> None:
        """Write everything so far to a file, replacing it."""
        with self._lock, Path(path).open("wb") as file:
            file.write(self._header())
            file.writelines(map(_line, self.entries))

    @classmethod
    def load(cls, path: Path | str) -> Journal:
        """Read a journal's file; further entries are kept in memory only.

        A last line that was cut off (the writer was killed) is left out, and a finding says so.

        Raises
        ------
        JournalError
            The file is no journal, is of a newer format, or is damaged before its last line.
        """
        path = Path(path)
        with path.open("rb") as file:
            journal = cls(source=_source(path, file.readline()))
        journal.extend(recorded(path))
        return journal

    # What was exchanged, message by message

    def frame(self, i: int) -> FrameEntry:
        """The entry of message `i`."""
        try:
            return self.frames[i]
        except IndexError:
            held = f"messages 0 to {len(self.frames) - 1}" if self.frames else "no messages"
            raise IndexError(f"there is no message {i}: the journal holds {held}") from None

    def message(self, i: int) -> Message:
        """Message `i`, decoded.

        Raises
        ------
        JournalError
            Its bytes cannot be decoded.
        """
        entry = self.frame(i)
        message = entry.message
        if message is None:
            raise JournalError(f"message {i} cannot be decoded: {entry.error}")
        return message

    def xml(self, i: int) -> str:
        """Message `i` as XML text; raises as `message`."""
        return self.message(i).to_xml()

    def exi(self, i: int) -> bytes:
        """The EXI bytes of message `i`, as they were on the wire."""
        return self.frame(i).data

    def messages(self) -> pd.DataFrame:
        """A row a V2GTP message; see `tables.messages`."""
        return tables.messages(self)

    def headers(self) -> pd.DataFrame:
        """The V2GTP headers; see `tables.headers`."""
        return tables.headers(self)

    def timing(self) -> pd.DataFrame:
        """A row a request: how long its answer took, and what the standard allows; see `tables.timing`."""
        return tables.timing(self)

    def plug_ins(self) -> pd.DataFrame:
        """A row a plug-in: matching, security, protocol, energy, how it ended; see `session.plug_ins`."""
        from secc_kernel.session import plug_in_table  # late: it needs entries, which are declared here

        return plug_in_table.table(self)


def is_journal(path: Path | str) -> bool:
    """Whether a file begins as a journal's does; False also for one that cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    except OSError:
        return False


def recorded(path: Path | str, progress: Callable[[int], object] | None = None) -> Iterator[Entry]:
    """The entries of a journal's file one by one, for files that are too large to keep.

    A last line that was cut off (the writer was killed) is left out, and a finding says so.

    Parameters
    ----------
    path
        The file.
    progress
        Called now and then with the number of bytes of the file that have been read.

    Raises
    ------
    JournalError
        The file is no journal, is of a newer format, or is damaged before its last line.
    """
    path = Path(path)
    time = 0.0
    with path.open("rb") as file:
        first = file.readline()
        done = len(first)
        _source(path, first)
        for number, line in enumerate(file, 2):
            done += len(line)
            if progress is not None and not number % _BLOCK:
                progress(done)
            try:
                entry = entry_of(line)
            except (ValueError, KeyError, TypeError) as error:
                if line.endswith(b"\n"):
                    raise JournalError(f"{path}, line {number}: no entry of a journal ({error})") from error
                text = f"{path.name} ends in the middle of line {number}, which is left out: its writer was killed"
                entry = FindingEntry(time, "journal.cut", "warning", text)
            time = entry.time
            yield entry


def _write(file: int, data: bytes) -> None:
    """One system call an entry, without a buffer that could be lost with the process."""
    while data:
        data = data[os.write(file, data) :]


def _source(path: Path, first_line: bytes) -> str:
    """What a journal's first line says of its source."""
    try:
        header = json.loads(first_line)
        version, source = header["journal"], header["source"]
    except (ValueError, KeyError, TypeError):
        raise JournalError(f"{path} is no journal: its first line is not a journal's") from None
    if version > FORMAT_VERSION:
        raise JournalError(f"{path} is a journal of format {version}; this version reads up to {FORMAT_VERSION}")
    return str(source)
