"""What goes on between others, as it goes on: from a network interface, or from a capture file that somebody writes.

A source is asked again and again for what there is by now (`Source.entries`), and never waits. It reads with the
machines that read captures, so what is overheard is recorded as a capture of it would be. Nothing here can send: the
socket on an interface is one that only listens, and a file is only read.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from time import time

from ..session.journal import Entry, FindingEntry, FrameEntry, NoteEntry
from ..session.secrets import Secrets
from .capture import Machines
from .net import LinkError
from .pcap import PAUSE, CaptureError, Reader, Record

__all__ = ["FollowedFile", "FollowedInterface", "Source", "followed"]

#: Seconds after the first record of a TLS connection when it is said that its secrets are missing.
_PATIENCE = 2.0
#: Seconds after which a file to which nothing was added is one that nobody seems to write.
_STILL = 3.0
_ETHERNET = 1


def followed(interface: str | None = None, file: Path | str | None = None, keylog: Path | str | None = None) -> Source:
    """What is to be listened to: an interface or a file.

    Parameters
    ----------
    interface, file
        One of both.
    keylog
        A file with secrets of TLS connections, which may grow as well.

    Raises
    ------
    LinkError
        Neither or both are given, the file cannot be read, or the interface cannot be listened to; the text says what
        to do.
    """
    if interface is not None and file is not None:
        raise LinkError("interface= and file= cannot both be listened to: say which one")
    if interface is None and file is None:
        raise LinkError("listening needs interface= (a network interface) or file= (a capture that is being written)")
    if file is not None:
        return FollowedFile(file, keylog)
    assert interface is not None
    return FollowedInterface(interface, keylog)


class Source(ABC):
    """Something to listen to.

    Parameters
    ----------
    keylog
        A file with secrets of TLS connections, which may grow as well.
    """

    def __init__(self, keylog: Path | str | None = None) -> None:
        self._secrets = Secrets()
        self._keylog = None if keylog is None else _Growing(Path(keylog))
        self._machines = Machines(self._secrets)
        self._told: deque[Entry] = deque()
        self._encrypted: dict[int, float] = {}
        self._entries = self._overheard()

    @property
    @abstractmethod
    def place(self) -> str:
        """What is listened to, in a few words."""

    @property
    def still(self) -> str:
        """Why nothing more may come by itself, to whoever waits for it; '' where there is no reason to think so."""
        return ""

    @abstractmethod
    def _records(self) -> Iterator[Record]:
        """The records, with `PAUSE` whenever there are no more for now."""

    @abstractmethod
    def watch(self, ready: Callable[[], object]) -> float | None:
        """Have ``ready`` called in the running event loop when there may be more, or say how many seconds to wait."""

    @abstractmethod
    def close(self) -> None:
        """Listen no more."""

    def entries(self) -> Iterator[Entry]:
        """What there is by now that was not given before.

        Raises
        ------
        CaptureError
            What is followed is no capture.
        """
        for entry in self._entries:
            while self._told:
                yield self._told.popleft()
            if entry is None:
                yield from self._missing_secrets()
                return
            yield entry

    def _overheard(self) -> Iterator[Entry | None]:
        for entry in self._machines.entries_in(self._paused()):
            if isinstance(entry, FrameEntry):
                if entry.layer == "tls":
                    self._encrypted.setdefault(entry.stream, time())
                elif entry.layer == "v2gtp":
                    self._encrypted.pop(entry.stream, None)
            yield entry

    def _paused(self) -> Iterator[Record]:
        self._read_keylog()  # before what needs it
        for record in self._records():
            if record is PAUSE:
                self._read_keylog()
            yield record

    def _read_keylog(self) -> None:
        if self._keylog is not None:
            self._secrets.add(self._keylog.more())

    def _missing_secrets(self) -> Iterator[Entry]:
        """Say of connections whose secrets should have come by now that they have not."""
        now = time()
        for stream in [number for number, since in self._encrypted.items() if now - since > _PATIENCE]:
            self._encrypted[stream] = float("inf")
            how = "none have come so far" if self._keylog is None else f"{self._keylog.path} has none of it so far"
            text = f"stream {stream} is TLS: its messages can be read with the session's secrets only, and {how}"
            hint = "; keylog= names a file with them" if self._keylog is None else ""
            yield FindingEntry(now, "tls.encrypted", "note", text + hint)


class FollowedInterface(Source):
    """Everything on a network interface, also what this machine itself sends there.

    Raises
    ------
    LinkError
        There is no such interface, or the privilege lacks: then the text says how to get it.
    """

    def __init__(self, interface: str, keylog: Path | str | None = None) -> None:
        super().__init__(keylog)
        from .raw import ALL_TYPES, RawSocket

        self._socket = RawSocket(interface, ethertype=ALL_TYPES, promiscuous=True)
        self._socket.mute()
        self._interface = interface
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._ready: Callable[[], object] = lambda: None

    def fileno(self) -> int:
        """The socket's, for whoever waits without an event loop."""
        return self._socket.fileno()

    @property
    def place(self) -> str:
        """The interface."""
        return self._interface

    def _records(self) -> Iterator[Record]:
        number = 0
        while True:
            self._waiting.extend(self._socket.read())
            if not self._waiting:
                yield PAUSE
            while self._waiting:
                number += 1
                data, moment = self._waiting.popleft()
                yield number, moment, _ETHERNET, data, 0

    def watch(self, ready: Callable[[], object]) -> float | None:
        """The socket says when there is more."""

        def received(data: bytes, moment: float) -> None:
            self._waiting.append((data, moment))
            ready()

        self._socket.listen(received)
        return None

    def told_of_interface(self, up: bool | None) -> None:
        """The interface has gone down, is gone, or is up again."""
        state = "is gone" if up is None else "is up again" if up else "is down"
        self._told.append(NoteEntry(time(), f"the interface {self._interface} {state}"))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class FollowedFile(Source):
    """A capture file that somebody writes; what it has already comes first.

    It may be cut, or be replaced by another one (as tools do that write a new file each hour under the same name); that
    is said, and the new one is read from its beginning.

    Raises
    ------
    LinkError
        There is no such file and no folder for it, or it has begun, and not as a capture does.
    """

    #: Seconds between two looks.
    INTERVAL = 0.1

    def __init__(self, path: Path | str, keylog: Path | str | None = None) -> None:
        super().__init__(keylog)
        self._path = Path(path)
        self._read = 0
        if not self._path.absolute().parent.is_dir():
            raise LinkError(f"{self._path} cannot be followed: there is no folder {self._path.absolute().parent}")
        if self._path.exists() and not os.access(self._path, os.R_OK):
            raise LinkError(f"{self._path} cannot be followed: it may not be read")
        self._check()

    def _check(self) -> None:
        """Refuse what is no capture before anybody waits for it."""
        try:
            if self._path.exists():
                next(iter(Reader(self._path, growing=True)), None)
        except CaptureError as error:
            raise LinkError(str(error)) from error

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    @property
    def still(self) -> str:
        """The file is not there yet, or nobody has written to it for some time."""
        try:
            written = self._path.stat().st_mtime
        except OSError:
            return f"{self._path} does not exist yet: waiting for it"
        if time() - written < _STILL:
            return ""
        return f"nothing more in {self._path} so far, and nobody writes to it: waiting for more"

    def watch(self, ready: Callable[[], object]) -> float | None:
        """A file does not tell: it is looked at."""
        return self.INTERVAL

    def close(self) -> None:
        """Close the file."""
        self._entries = iter(())

    def _records(self) -> Iterator[Record]:
        before: tuple[int, int] | None = None
        while True:
            which = self._which()
            while which is None:
                yield PAUSE
                which = self._which()
            if before not in (None, which):
                self._say("capture.rotated", "note", f"{self._path} is another file now: read from its beginning")
            before = which
            yield from self._records_of(which)

    def _records_of(self, which: tuple[int, int]) -> Iterator[Record]:
        """The records of the file until it has been replaced or cut."""
        reader = Reader(self._path, self._have_read, self._machines.block, growing=True)
        self._read = 0
        for record in reader:
            if record is PAUSE and (why := self._changed(which)):
                if why == "cut":
                    text = f"{self._path} was cut by its writer after {self._read} bytes: read from its beginning"
                    self._say("capture.truncated", "warning", text)
                return
            yield record
        self._say("capture.damaged", "warning", f"{self._path.name}: {reader.damage}")
        while not self._changed(which):
            yield PAUSE

    def _have_read(self, done: int) -> None:
        self._read = done

    def _which(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _changed(self, which: tuple[int, int]) -> str:
        """'replaced', 'cut', or '' for neither; a file that is gone may be one whose successor is still to come."""
        try:
            found = self._path.stat()
        except OSError:
            return ""
        if (found.st_dev, found.st_ino) != which:
            return "replaced"
        return "cut" if found.st_size < self._read else ""

    def _say(self, rule: str, severity: str, text: str) -> None:
        self._told.append(FindingEntry(time(), rule, severity, text))


class _Growing:
    """A text file that may grow, or may not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0

    def more(self) -> bytes:
        """The lines that have come since the last call."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._at)
                text = file.read()
        except OSError:
            return b""
        whole = text[: text.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole
