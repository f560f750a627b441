"""What has to be known of a journal before the first packet of it can be written: hosts, secrets, TCP connections."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from secc_kernel.link.hosts import Hosts
from secc_kernel.session.decrypt import LAYER as TLS
from secc_kernel.session.decrypt import Decryption, Plain
from secc_kernel.session.journal import Entry, FrameEntry, SecretEntry
from secc_kernel.session.secrets import Secrets
from secc_kernel.wire import v2gtp
from secc_kernel.wire.tls import ContentType, RecordDecoder, TLSError

__all__ = ["Plan", "TcpLine", "Unsealed"]

_HIGHEST_TYPE = 0xFFFF
#: The second byte of a record's version, in TLS 1.3 at most.
_LAST_VERSION = 4
#: A connection: its number in the journal, and its ends.
_Key = tuple[int, frozenset[str]]


class Unsealed:
    """Which messages a TLS connection's records have had, as far as they can be opened."""

    def __init__(self, decryption: Decryption) -> None:
        self.decryption = decryption
        self._decoders = v2gtp.Decoder(types=None), v2gtp.Decoder(types=None)
        #: By payload type, length and CRC-32: how many more there were in records than in the journal, so far.
        self.surplus: Counter[tuple[int, int, int]] = Counter()

    def record(self, direction: int, entry: FrameEntry) -> None:
        """Take a record."""
        self.take(self.decryption.receive_data(direction, entry.data, entry.time))

    def take(self, outputs: Iterable[Entry | Plain]) -> None:
        """Take what comes of decrypting."""
        for output in outputs:
            if isinstance(output, Plain):
                try:
                    frames = self._decoders[output.direction].receive_data(output.data)
                except v2gtp.V2GTPError as error:
                    frames = list(error.frames)
                for frame in frames:
                    self._count(frame.payload_type, frame.payload, 1)

    def message(self, entry: FrameEntry) -> None:
        """Take a message as the journal has it."""
        self._count(entry.payload_type, entry.data, -1)

    def has(self, entry: FrameEntry) -> bool:
        """Whether a record has already had this message."""
        return self.surplus[entry.payload_type, len(entry.data), zlib.crc32(entry.data)] > 0

    def _count(self, payload_type: int, data: bytes, by: int) -> None:
        key = payload_type, len(data), zlib.crc32(data)
        self.surplus[key] += by
        if not self.surplus[key]:
            del self.surplus[key]


@dataclass
class TcpLine:
    """A TCP connection to be written.

    Attributes
    ----------
    number
        In the order of their first frames.
    client, server
        Its ends as the journal has them.
    left
        How many frames of it are still to come.
    tls
        None in the clear; otherwise where its messages are: in the 'records' that the journal has, to be 'sealed' anew,
        or in the 'notes' because their secrets are not known.
    """

    number: int
    client: str
    server: str
    left: int = 0
    tls: str | None = None
    unsealed: Unsealed | None = field(default=None, repr=False)
    _messages: int = 0
    _later_data: bool = False

    def direction(self, entry: FrameEntry) -> int:
        """0 if the client has sent it, 1 if the server has."""
        if self.client == self.server:
            return int(entry.sender == "SECC")
        return int(entry.src != self.client)

    def survey(self, entry: FrameEntry) -> None:
        """Take note of a frame of the connection."""
        self.left += 1
        if self.unsealed is None:
            return
        if entry.layer != TLS:
            self._messages += 1
            self.unsealed.message(entry)
            return
        self._later_data |= bool(self._messages) and entry.payload_type == ContentType.ApplicationData
        self.unsealed.record(self.direction(entry), entry)

    def decide(self) -> None:
        """Find out where the messages are, when all frames have been surveyed."""
        if self.unsealed is None:
            return
        decryption = self.unsealed.decryption
        self.unsealed.take(decryption.finish(0.0))
        if not self.unsealed.surplus:
            self.tls = "records"
        elif not self._later_data and all(decryption.seal(way, b"") is not None for way in (0, 1)):
            self.tls = "sealed"
        else:
            self.tls = "notes"
        self.unsealed = None


class Plan:
    """Goes through a journal once.

    Attributes
    ----------
    hosts
        Which host is which.
    lines
        Lines of a key log, with their places.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.hosts = Hosts()
        self.lines: dict[str, int] = {}
        self._connections: dict[_Key, TcpLine] = {}
        self._secrets = Secrets()
        for entry in entries:
            if isinstance(entry, SecretEntry):
                self._secret(entry.line)
            elif isinstance(entry, FrameEntry):
                self.hosts.learn(entry)
                line = self._line(entry)
                if line is not None:
                    line.survey(entry)
        for line in self._connections.values():
            line.decide()
            if line.tls is not None:
                line.unsealed = Unsealed(self._decryption(line, Secrets(complete=True)))

    def _secret(self, line: str) -> None:
        """Keep a secret; a line that is none stays in the notes."""
        if line.isascii() and line.isprintable() and self._secrets.add(line.encode()):
            self.lines.setdefault(line, len(self.lines))

    def _decryption(self, line: TcpLine, secrets: Secrets) -> Decryption:
        if secrets is not self._secrets:
            secrets.add("\n".join(self.lines).encode())
        return Decryption(line.number, (line.client, line.server), 0, secrets)

    def connection(self, entry: FrameEntry) -> TcpLine | None:
        """The connection that carries a frame; None if packets cannot."""
        line = self._connections.get(_key(entry))
        return line if line is not None and _fits(entry) and (entry.layer != TLS or line.tls is not None) else None

    def _line(self, entry: FrameEntry) -> TcpLine | None:
        """The connection of a frame, a new one if it is its first."""
        if entry.layer not in (TLS, "v2gtp") or not _fits(entry):
            return None
        line = self._connections.get(_key(entry))
        if line is None:
            client, server = (entry.src, entry.dst) if entry.sender != "SECC" else (entry.dst, entry.src)
            line = self._connections[_key(entry)] = TcpLine(len(self._connections), client, server)
            if entry.layer == TLS:
                line.tls = "records"
                line.unsealed = Unsealed(self._decryption(line, self._secrets))
        return line if entry.layer != TLS or line.tls is not None else None


def _key(entry: FrameEntry) -> _Key:
    return entry.stream, frozenset((entry.src, entry.dst))


def _fits(entry: FrameEntry) -> bool:
    """Whether the frame is one that TCP can carry, and that is found in it again."""
    if entry.layer == "v2gtp":
        return 0 <= entry.payload_type <= _HIGHEST_TYPE and len(entry.data) <= v2gtp.MAX_LENGTH
    if entry.layer != TLS:
        return False
    decoder = RecordDecoder()
    try:
        records = decoder.receive_data(entry.data)
    except TLSError:
        return False
    whole = len(records) == 1 and not decoder.buffered and records[0].content_type == entry.payload_type
    return whole and entry.payload_type <= ContentType.ApplicationData and entry.data[2] <= _LAST_VERSION
