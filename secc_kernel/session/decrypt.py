"""A TLS connection that is overheard: its handshake as entries, and its plain text where the secrets are known.

TLS 1.2 and 1.3, each direction on its own: records are put together (`wire.tls`), opened (`wire.tls.protection`), and
what they carry is handed on with the frame that completed the record. Secrets may come later than what they open: then
records wait, at most `_MAX_WAITING` bytes of them, unless the source can be searched (`Secrets`). Where bytes are
missing the next record is looked for, by its header and by opening it as any of the numbers that it may have.

What cannot be read is said once a connection: which secret is missing, or that its beginning is, which tells the keys.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from secc_kernel.session.journal import Entry, FindingEntry, FrameEntry, NoteEntry, SecretEntry
from secc_kernel.session.secrets import Secrets
from secc_kernel.wire.keylog import Secret
from secc_kernel.wire.tls import (
    TLS12,
    Alert,
    ContentType,
    Handshake,
    Kind,
    Message,
    MessageDecoder,
    Record,
    RecordDecoder,
    TLSError,
)
from secc_kernel.wire.tls.protection import (
    Protection,
    ProtectionError,
    Suite,
    next_secret,
    tls12_protections,
    tls13_protection,
)

__all__ = ["LAYER", "Decryption", "Plain"]

LAYER = "tls"
"""The layer of TLS records in a journal; `FrameEntry.payload_type` is the content type, `data` the record."""

#: Bytes that wait for their secrets, of a connection and of all.
_MAX_WAITING = 1 << 20
_MAX_WAITING_OF_ALL = 1 << 24
#: Records that may be missing at a place, and how often a direction's records may be opened to find one's number.
_MAX_LOST = 256
_MAX_TRIES = 1 << 14
_HEADER = 5
#: The shortest encrypted record: header, content and what authenticates it.
_SHORTEST = _HEADER + 17
_MASTER = "CLIENT_RANDOM"
_EARLY_DATA = 42


class Plain(NamedTuple):
    """Plain text of one direction, with the time and the number of the frame that made it available."""

    direction: int
    data: bytes
    time: float
    frame: int | None


class _Item(NamedTuple):
    """A record, who has sent it, and the frame that has completed it."""

    direction: int
    record: Record
    time: float
    frame: int | None


class _MissingError(Exception):
    """Records cannot be opened; the text says what is missing. `secret`: it is a secret, which may yet come."""

    def __init__(self, text: str, secret: bool = False) -> None:
        super().__init__(text)
        self.secret = secret


class _Side:
    """One direction: its records, its keys, and how far its handshake is.

    Attributes
    ----------
    decoder, rest
        Of its records; None while the next one is looked for in the rest.
    protection, secret
        Its keys, None as long as nothing is encrypted or they are not known; the traffic secret that they come from.
    encrypted, finished
        Whether it has gone over to encryption (TLS 1.2), and whether its handshake is over.
    ended
        Whether it has been closed.
    blind, early
        Nothing more of it can be read; its first encrypted records may have other keys and are passed over.
    lost, tries
        How many records may be missing before the next one, and how often one may be tried.
    """

    __slots__ = (
        "blind", "decoder", "early", "encrypted", "ended", "finished", "lost", "messages", "protection", "rest",
        "secret", "tries",
    )  # fmt: skip

    def __init__(self) -> None:
        self.decoder: RecordDecoder | None = RecordDecoder()
        self.messages = MessageDecoder()
        self.rest = bytearray()
        self.protection: Protection | None = None
        self.secret = b""
        self.encrypted = self.finished = self.ended = self.blind = self.early = False
        self.lost = 0
        self.tries = _MAX_TRIES

    def records(self, data: bytes) -> list[Record]:
        """Take bytes, give the records that are whole now."""
        if self.decoder is None:
            data = self._found(data)
            if not data:
                return []
            self.decoder = RecordDecoder()
        try:
            return self.decoder.receive_data(data)
        except TLSError as error:
            self.lose(0)
            return list(error.records)

    def lose(self, length: int) -> None:
        """Bytes are missing (0: nobody knows how many), and with them records."""
        self.decoder = None
        self.messages = MessageDecoder()
        self.rest.clear()
        self.lost = min(_MAX_LOST, self.lost + 1 + length // _SHORTEST) if length else _MAX_LOST

    def _found(self, data: bytes) -> bytes:
        """Look for the next record in what comes after a gap; what there is from it on, b'' if it has not come yet."""
        rest = self.rest
        rest += data
        at = 0
        while at + _HEADER <= len(rest):
            length = int.from_bytes(rest[at + 3 : at + 5], "big")
            end = at + _HEADER + length
            if 20 <= rest[at] <= 23 and rest[at + 1] == 3 and rest[at + 2] <= 4 and 0 < length <= 0x4800:
                if end > len(rest):
                    break
                if self._fits(Record(rest[at], TLS12, bytes(rest[at + _HEADER : end]))):
                    found = bytes(rest[at:])
                    rest.clear()
                    return found
            at += 1
        del rest[:at]
        return b""

    def _fits(self, record: Record) -> bool:
        """Whether this is a record of this direction; its number is known then, too."""
        if self.protection is None or self.blind:
            return True
        if self.open(record) is None:
            return False
        self.protection.sequence -= 1  # it will be opened again, as the first of those that follow
        return True

    def open(self, record: Record) -> tuple[int, bytes] | None:
        """What a record carries; None if it cannot be opened as the next one, or as any that it may be."""
        assert self.protection is not None
        number = self.protection.sequence
        for tried in range(number, number + self.lost + 1):
            if self.lost:
                if self.tries <= 0:
                    return None
                self.tries -= 1
            try:
                opened = self.protection.open(record, tried)
            except ProtectionError:
                continue
            self.lost, self.early = 0, False
            return opened
        return None


class Decryption:
    """One TLS connection between two ends.

    Parameters
    ----------
    stream
        The number of the TCP connection.
    ends
        Addresses of the two ends. A direction is the index of the end that sends.
    client
        Index of the end that opened the connection; None if that was not seen: then a ClientHello tells.
    secrets
        What is known, and may yet be told.
    every_record
        Give an entry for each record, not only for those of the handshake.
    """

    def __init__(
        self, stream: int, ends: tuple[str, str], client: int | None, secrets: Secrets, *, every_record: bool = False
    ) -> None:
        self.stream = stream
        self.ends = ends
        self.client = client
        self.handshake = Handshake()
        self._secrets = secrets
        self._every_record = every_record
        self._sides = _Side(), _Side()
        self._waiting: deque[_Item] = deque()
        self._waiting_size = 0
        self._generation = secrets.generation
        self._used: dict[Secret, bool] = {}
        self._told: set[str] = set()

    # -- what comes in ------------------------------------------------------------------------------------------------

    def receive_data(
        self, direction: int, data: bytes, time: float, frame: int | None = None
    ) -> Iterator[Entry | Plain]:
        """Take the next bytes of one direction; entries, and plain text, in the order of their frames.

        Parameters
        ----------
        direction
            Index of the sending end.
        data
            The bytes.
        time
            When they came, in seconds.
        frame
            Number of the captured frame that brought them.
        """
        if self._waiting and self._generation != self._secrets.generation:
            yield from self._retry(final=False)
        side = self._sides[direction]
        if side.blind and not self._every_record:
            return
        for record in side.records(data):
            yield from self._next(_Item(direction, record, time, frame), self._every_record or self._secrets.complete)

    def gap(self, direction: int, length: int) -> None:
        """Bytes of one direction are lost (0: nobody knows how many); its next record is looked for."""
        self._sides[direction].lose(length)

    def end(self, direction: int, how: str) -> bool:
        """A direction has ended ('FIN'; otherwise both have); whether it is time to `finish`."""
        self._sides[direction].ended = True
        return how != "FIN" or all(side.ended for side in self._sides)

    def finish(self, time: float) -> Iterator[Entry | Plain]:
        """Nothing more will come, neither bytes nor secrets."""
        yield from self._retry(final=True)
        for direction, side in enumerate(self._sides):
            if side.rest and side.protection is not None and not side.blind:
                text = f"too much is missing of what {self.ends[direction]} sends: the rest of it cannot be decrypted"
                yield from self._tell(time, "tls.gap", "warning", text)
        if not self._told and not any(side.finished or side.encrypted for side in self._sides):
            hellos = {"ClientHello": self.handshake.client_hello, "ServerHello": self.handshake.server_hello}
            heard = " and ".join(name for name, hello in hellos.items() if hello) or "no hello"
            text = f"its handshake is not finished (seen: {heard})"
            yield from self._tell(time, "tls.unfinished", "note", text)

    def seal(self, direction: int, data: bytes) -> bytes | None:
        """A record of application data, as the direction's next one; None if its keys are not known."""
        side = self._sides[direction]
        if side.blind or not (side.finished or side.encrypted):
            return None
        try:
            protection = side.protection or self._prepare(direction, final=True)
        except _MissingError:
            return None
        return protection.seal(ContentType.ApplicationData, data).pack()

    # -- records that wait for their secrets --------------------------------------------------------------------------

    def _next(self, item: _Item, final: bool) -> Iterator[Entry | Plain]:
        """Take a record, or have it wait behind those that wait already."""
        if not self._waiting:
            yield from self._take(item, final)
            return
        self._wait(item)
        if self._waiting_size > _MAX_WAITING or self._secrets.waiting > _MAX_WAITING_OF_ALL:
            yield from self._retry(final=True)

    def _wait(self, item: _Item) -> None:
        self._waiting.append(item)
        self._waiting_size += len(item.record.fragment)
        self._secrets.waiting += len(item.record.fragment)

    def _retry(self, final: bool) -> Iterator[Entry | Plain]:
        """Go through what waits; `final`: nothing of it waits any longer."""
        self._generation = self._secrets.generation
        self._secrets.waiting -= self._waiting_size
        items, self._waiting, self._waiting_size = self._waiting, deque(), 0
        for item in items:
            yield from self._next(item, final)

    # -- a record -----------------------------------------------------------------------------------------------------

    def _take(self, item: _Item, final: bool) -> Iterator[Entry | Plain]:
        side, record = self._sides[item.direction], item.record
        is_data = record.content_type == ContentType.ApplicationData
        if not (is_data or (side.encrypted and not self.handshake.tls13)):
            yield from self._entry(item, not side.finished)
            yield from self._in_plain(item)
            return
        if side.protection is None and not side.blind:
            try:
                self._prepare(item.direction, final)
            except _MissingError as missing:
                if missing.secret and not final:
                    self._wait(item)
                    return
                side.blind = True
                yield from self._tell(item.time, "tls.encrypted", "note", f"{missing}")
            yield from self._use(item.time)
        opened = None if side.protection is None or side.blind else side.open(record)
        if opened is not None:
            yield from self._entry(item, opened[0] != ContentType.ApplicationData and not side.finished)
            yield from self._opened(item, *opened)
            return
        # Without keys a record of application data may be one of the handshake of TLS 1.3, but nobody can tell.
        side.finished = side.finished or is_data
        yield from self._entry(item, not side.finished)
        if not (side.protection is None or side.early or side.blind):
            side.blind = True
            text = f"a record of {self.ends[item.direction]} cannot be opened with the secrets that are known for it"
            yield from self._tell(item.time, "tls.secrets", "warning", f"{text}: what follows of it cannot be read")

    def _entry(self, item: _Item, wanted: bool) -> Iterator[Entry]:
        """The record as an entry, if it is to be one."""
        if wanted or self._every_record:
            src, dst = self.ends if item.direction == 0 else self.ends[::-1]
            sender = "" if self.client is None else "EVCC" if item.direction == self.client else "SECC"
            kind, data = item.record.content_type, item.record.pack()
            yield FrameEntry(item.time, LAYER, sender, src, dst, self.stream, item.frame, kind, data)

    def _in_plain(self, item: _Item) -> Iterator[Entry]:
        side, record = self._sides[item.direction], item.record
        if record.content_type == ContentType.ChangeCipherSpec:
            side.encrypted = not self.handshake.tls13
        elif record.content_type == ContentType.Alert and len(record.fragment) == 2:
            yield from self._alert(item, record.fragment)
        elif record.content_type == ContentType.Handshake:
            yield from self._messages(item, record.fragment)

    def _opened(self, item: _Item, kind: int, data: bytes) -> Iterator[Entry | Plain]:
        side = self._sides[item.direction]
        if kind == ContentType.ApplicationData:
            yield Plain(item.direction, data, item.time, item.frame)
        elif kind == ContentType.Handshake:
            yield from self._messages(item, data)
        elif kind == ContentType.Alert:
            yield from self._alert(item, data)
        elif kind == ContentType.ChangeCipherSpec and not self.handshake.tls13:
            side.protection = None  # a handshake within the encrypted connection: what follows has its keys

    def _messages(self, item: _Item, fragment: bytes) -> Iterator[Entry]:
        """The handshake's messages."""
        side = self._sides[item.direction]
        try:
            for message in side.messages.receive_data(fragment):
                if message.kind == Kind.ClientHello and self.client is None:
                    self.client = item.direction
                self._hear(item.direction, message)
                if message.kind == Kind.Finished:
                    side.finished = True
                    if self.handshake.tls13:
                        side.protection = None  # those of the application follow
                elif message.kind == Kind.KeyUpdate and self.handshake.tls13 and side.protection is not None:
                    suite = self._suite()
                    side.secret = next_secret(suite, side.secret)
                    side.protection = tls13_protection(suite, side.secret)
                    yield NoteEntry(
                        item.time, f"stream {self.stream}: {self.ends[item.direction]} changes its keys (KeyUpdate)"
                    )
        except TLSError as error:
            side.messages = MessageDecoder()
            text = f"what {self.ends[item.direction]} says in the handshake of TLS cannot be read: {error}"
            yield from self._tell(item.time, "tls.damage", "warning", text)

    def _hear(self, direction: int, message: Message) -> None:
        try:
            self.handshake.receive_message(self._role(direction), message)
        except TLSError:
            if message.kind in (Kind.ClientHello, Kind.ServerHello):  # the others do not tell the keys
                raise

    def _alert(self, item: _Item, fragment: bytes) -> Iterator[Entry]:
        who = self.ends[item.direction]
        try:
            alert = Alert.parse(fragment)
        except TLSError:
            return
        self.handshake.alerts.append((self._role(item.direction), alert))
        if alert.description == 0:
            yield NoteEntry(item.time, f"stream {self.stream}: {who} closes TLS (close_notify)")
        else:
            yield from self._tell(item.time, "tls.alert", "warning", f"{who} ends TLS with the alert {alert}")

    # -- keys ---------------------------------------------------------------------------------------------------------

    def _role(self, direction: int) -> str:
        return "client" if direction == (self.client or 0) else "server"

    def _suite(self) -> Suite:
        suite = Suite.of(self.handshake.suite)
        if suite is None:
            raise _MissingError(f"how {self.handshake.suite} encrypts is not known here")
        return suite

    def _prepare(self, direction: int, final: bool) -> Protection:
        """Make the keys of a direction from the secrets."""
        hello, answer, side = self.handshake.client_hello, self.handshake.server_hello, self._sides[direction]
        if hello is None or answer is None or answer.retry:
            which = "ClientHello" if hello is None else "ServerHello"
            raise _MissingError(f"its messages cannot be read without its beginning: the capture lacks the {which}")
        if answer.version < TLS12:
            raise _MissingError("its messages cannot be read: only those of TLS 1.2 and 1.3 are")
        suite = self._suite()
        if self.handshake.tls13:
            side.protection = self._prepare13(direction, suite, final)
            return side.protection
        (master,) = self._secret(_MASTER)
        made = tls12_protections(suite, master, hello.random, answer.random, answer.encrypt_then_mac)
        side.protection = made[self._role(direction) == "server"]
        return side.protection

    def _prepare13(self, direction: int, suite: Suite, final: bool) -> Protection:
        hello, side = self.handshake.client_hello, self._sides[direction]
        assert hello is not None
        role = self._role(direction)
        handshake, application = f"{role.upper()}_HANDSHAKE_TRAFFIC_SECRET", f"{role.upper()}_TRAFFIC_SECRET_0"
        if side.finished:
            (side.secret,) = self._secret(application)
        else:
            try:
                (side.secret,) = self._secret(handshake)
                side.early = role == "client" and _EARLY_DATA in hello.extensions
            except _MissingError:
                if not final:
                    raise
                (side.secret,) = self._secret(application, handshake)
                side.early = side.finished = True  # what comes before has keys that nobody knows
        return tls13_protection(suite, side.secret)

    def _secret(self, label: str, *others: str) -> tuple[bytes]:
        hello = self.handshake.client_hello
        assert hello is not None
        found = self._secrets.of(hello.random, label, *others).get(label)
        if found is None:
            raise _MissingError(self._wanted(" and ".join((*others, label)), hello.random), secret=True)
        self._used.setdefault(Secret(label, hello.random, found), False)
        return (found,)

    # -- what is said about it ----------------------------------------------------------------------------------------

    def _wanted(self, labels: str, random: bytes) -> str:
        hello = f"the ClientHello {random.hex()[:16]}…"
        others = f" (but secrets of {len(self._secrets)} other connections)" if len(self._secrets) else ""
        text = f"its messages need the session's secrets, and no {labels} is known for {hello}{others}"
        return f"{text}: give the file with the key log (decode --keylog FILE, read_capture's keylog=)"

    def _use(self, time: float) -> Iterator[Entry]:
        """The secrets that were used, once each."""
        fresh = [secret for secret, told in self._used.items() if not told]
        if fresh and len(fresh) == len(self._used):
            yield NoteEntry(time, f"stream {self.stream} is {self._what()}: it is decrypted with its secrets")
        for secret in fresh:
            self._used[secret] = True
            yield SecretEntry(time, secret.line, self.stream)

    def _what(self) -> str:
        """Version, suite and server name, as far as they are known."""
        hello = self.handshake.client_hello
        details = [self.handshake.suite, f"server name {hello.server_name}" if hello and hello.server_name else ""]
        known = ", ".join(filter(None, details))
        return (self.handshake.version or "TLS") + (f" ({known})" if known else "")

    def _tell(self, time: float, rule: str, severity: str, text: str) -> Iterator[Entry]:
        """A finding, once a rule."""
        if rule not in self._told:
            self._told.add(rule)
            yield FindingEntry(time, rule, severity, f"stream {self.stream} is {self._what()}: {text}")
