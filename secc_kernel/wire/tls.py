"""TLS as it is on the wire (RFC 5246, RFC 8446): records, and what a handshake says before it is encrypted.

Nothing here encrypts or decrypts. TLS 1.2 shows its whole negotiation: what the client offers, what the server takes,
the certificates, a stapled OCSP response, alerts. TLS 1.3 shows the two hellos; whoever has the keys brings the rest
as plain `Message`s.

`RecordDecoder` turns bytes into records, `MessageDecoder` records into handshake messages, `parse` a message into an
object, and `Handshake` puts together what both sides have said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from secc_kernel.wire.tls_names import (
    ALERTS,
    EXTENSIONS,
    GROUPS,
    SUITES,
    VERSIONS,
    name_of,
)

__all__ = [
    "Alert",
    "Certificate",
    "CertificateRequest",
    "CertificateStatus",
    "ClientHello",
    "ContentType",
    "Handshake",
    "Kind",
    "Message",
    "MessageDecoder",
    "Parsed",
    "Record",
    "RecordDecoder",
    "ServerHello",
    "ServerKeyExchange",
    "TLSError",
    "parse",
]

TLS12, TLS13 = 0x0303, 0x0304
#: What a record may hold: 2^14 bytes and what encryption adds.
_LONGEST_RECORD = (1 << 14) + 2048
#: Of a handshake message: certificate chains of V2G take some kilobytes.
_LONGEST_MESSAGE = 1 << 18
#: The random of a ServerHello that asks for another ClientHello (RFC 8446, 4.1.3).
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


class TLSError(ValueError):
    """The bytes are no TLS; the text says why.

    Attributes
    ----------
    records
        What was whole before them, of a `RecordDecoder`.
    """

    def __init__(self, text: str, records: tuple[Record, ...] = ()) -> None:
        super().__init__(text)
        self.records = records


class ContentType(IntEnum):
    """What a record carries."""

    ChangeCipherSpec = 20
    Alert = 21
    Handshake = 22
    ApplicationData = 23


class Kind(IntEnum):
    """The handshake messages."""

    HelloRequest = 0
    ClientHello = 1
    ServerHello = 2
    NewSessionTicket = 4
    EndOfEarlyData = 5
    EncryptedExtensions = 8
    Certificate = 11
    ServerKeyExchange = 12
    CertificateRequest = 13
    ServerHelloDone = 14
    CertificateVerify = 15
    ClientKeyExchange = 16
    Finished = 20
    CertificateStatus = 22
    KeyUpdate = 24


# -- records and messages ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """A record.

    Parameters
    ----------
    content_type
        A `ContentType`, or any other number of the same range.
    version
        As in its header: 0x0303 in TLS 1.2 and 1.3, lower in a first ClientHello.
    fragment
        What it carries, as it was: encrypted where the connection is.
    """

    content_type: int
    version: int
    fragment: bytes

    def pack(self) -> bytes:
        """The record as it goes over TCP."""
        header = bytes((self.content_type,)) + self.version.to_bytes(2, "big")
        return header + len(self.fragment).to_bytes(2, "big") + self.fragment


@dataclass(frozen=True, slots=True)
class Message:
    """A handshake message: its kind (see `Kind`), and what follows its length."""

    kind: int
    body: bytes

    def pack(self) -> bytes:
        """The message as it stands in records."""
        return bytes((self.kind,)) + len(self.body).to_bytes(3, "big") + self.body


class RecordDecoder:
    """Bytes of one direction of a TCP connection, in any segmentation, into records."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def buffered(self) -> int:
        """How many bytes of a record that is not whole yet wait here."""
        return len(self._buffer)

    def receive_data(self, data: bytes) -> list[Record]:
        """Take bytes, give the records that are whole now.

        Raises
        ------
        TLSError
            They are no records; the decoder is of no further use, and the error has the records before.
        """
        buffer = self._buffer
        buffer += data
        records: list[Record] = []
        while buffer:
            problem = _header_problem(buffer)
            if problem:
                raise TLSError(problem, tuple(records))
            if len(buffer) < 5:
                break
            end = 5 + int.from_bytes(buffer[3:5], "big")
            if len(buffer) < end:
                break
            records.append(Record(buffer[0], int.from_bytes(buffer[1:3], "big"), bytes(buffer[5:end])))
            del buffer[:end]
        return records


def _header_problem(header: bytearray) -> str:
    """Why this cannot be the beginning of a record; '' if it can."""
    if not 20 <= header[0] <= 24:
        return f"a TLS record begins with its content type, 20 to 24, not with 0x{header[0]:02X}"
    if len(header) > 1 and header[1] != 3:
        return f"a TLS record has version 3.x, not {header[1]}"
    if len(header) > 4 and int.from_bytes(header[3:5], "big") > _LONGEST_RECORD:
        return f"a TLS record has at most {_LONGEST_RECORD} bytes, not {int.from_bytes(header[3:5], 'big')}"
    return ""


class MessageDecoder:
    """Fragments of the handshake's records of one direction into messages: they may be cut anywhere, or share one."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive_data(self, fragment: bytes) -> list[Message]:
        """Take a record's fragment, give the messages that are whole now.

        Raises
        ------
        TLSError
            A message claims to be longer than any.
        """
        buffer = self._buffer
        buffer += fragment
        messages: list[Message] = []
        while len(buffer) >= 4:
            length = int.from_bytes(buffer[1:4], "big")
            if length > _LONGEST_MESSAGE:
                raise TLSError(f"a handshake message of {length} bytes is longer than any")
            if len(buffer) < 4 + length:
                break
            messages.append(Message(buffer[0], bytes(buffer[4 : 4 + length])))
            del buffer[: 4 + length]
        return messages


# -- what messages say ------------------------------------------------------------------------------------------------


class _Reader:
    """Reads big-endian numbers and vectors; a message that ends too early is an error."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._at, self._what = data, 0, what

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise TLSError(f"{self._what} ends after {len(self._data)} bytes, in the middle of a field")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> _Reader:
        """What follows its own length of so many bytes."""
        return _Reader(self.opaque(width), self._what)

    def opaque(self, width: int) -> bytes:
        return self.take(self.number(width))

    def numbers(self, width: int, each: int = 2) -> tuple[int, ...]:
        """A vector of numbers."""
        inner = self.vector(width)
        found = []
        while inner:
            found.append(inner.number(each))
        return tuple(found)

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)


def _extensions(reader: _Reader) -> dict[int, bytes]:
    if not reader:
        return {}
    inner = reader.vector(2)
    found: dict[int, bytes] = {}
    while inner:
        number = inner.number(2)
        found.setdefault(number, inner.opaque(2))
    return found


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client offers.

    Attributes
    ----------
    versions
        What it speaks, from supported_versions; without that extension its highest version alone.
    suites, groups, signatures, key_shares
        Numbers, in its order; `tls_names` names them.
    server_name
        SNI, '' for none.
    trusted_ca_keys
        The roots that it has ([V2G2-651]): kind of the identifier (0 pre-agreed, 1 SHA-1 of the key, 2 a name,
        3 SHA-1 of the certificate) and the identifier. None where the extension is not there.
    authorities
        Names (DER) of the roots that it has (certificate_authorities of TLS 1.3).
    status_request, status_request_v2
        Whether it wants OCSP responses stapled.
    extensions
        All of them, as they were.
    """

    legacy_version: int
    random: bytes
    session_id: bytes
    suites: tuple[int, ...]
    versions: tuple[int, ...]
    groups: tuple[int, ...]
    signatures: tuple[int, ...]
    key_shares: tuple[int, ...]
    server_name: str
    trusted_ca_keys: tuple[tuple[int, bytes], ...] | None
    authorities: tuple[bytes, ...]
    status_request: bool
    status_request_v2: bool
    extensions: dict[int, bytes]

    @classmethod
    def parse(cls, body: bytes) -> ClientHello:
        """Read the message's body; raises TLSError."""
        reader = _Reader(body, "the ClientHello")
        version, random, session_id = reader.number(2), reader.take(32), reader.opaque(1)
        suites = reader.numbers(2)
        reader.opaque(1)  # compression: none is in use
        found = _extensions(reader)

        def of(number: int) -> _Reader:
            return _Reader(found[number], f"the ClientHello's {name_of(EXTENSIONS, number)}")

        return cls(
            version,
            random,
            session_id,
            suites,
            of(43).numbers(1) if 43 in found else (version,),
            of(10).numbers(2) if 10 in found else (),
            of(13).numbers(2) if 13 in found else (),
            tuple(_key_shares(of(51))) if 51 in found else (),
            _server_name(of(0)) if 0 in found else "",
            tuple(_trusted_ca_keys(of(3))) if 3 in found else None,
            tuple(_names(of(47))) if 47 in found else (),
            5 in found,
            17 in found,
            found,
        )


def _key_shares(reader: _Reader) -> Iterator[int]:
    inner = reader.vector(2)
    while inner:
        yield inner.number(2)
        inner.opaque(2)


def _server_name(reader: _Reader) -> str:
    inner = reader.vector(2) if reader else reader
    while inner:
        kind, name = inner.number(1), inner.opaque(2)
        if kind == 0:
            return name.decode("ascii", "backslashreplace")
    return ""


def _trusted_ca_keys(reader: _Reader) -> Iterator[tuple[int, bytes]]:
    inner = reader.vector(2) if reader else reader
    while inner:
        kind = inner.number(1)
        if kind == 0:
            yield kind, b""
        elif kind == 2:
            yield kind, inner.opaque(2)
        else:
            yield kind, inner.take(20)


def _names(reader: _Reader) -> Iterator[bytes]:
    inner = reader.vector(2)
    while inner:
        yield inner.opaque(2)


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What a server takes.

    Attributes
    ----------
    version
        The one that was chosen: of supported_versions where that is there.
    suite, group
        Numbers; the group is TLS 1.3's (0: none is said here; TLS 1.2 says it in `ServerKeyExchange`).
    retry
        Whether it asks for another ClientHello instead (HelloRetryRequest).
    extensions
        All of them, as they were.
    """

    version: int
    random: bytes
    session_id: bytes
    suite: int
    group: int
    retry: bool
    extensions: dict[int, bytes]

    @classmethod
    def parse(cls, body: bytes) -> ServerHello:
        """Read the message's body; raises TLSError."""
        reader = _Reader(body, "the ServerHello")
        version, random, session_id = reader.number(2), reader.take(32), reader.opaque(1)
        suite = reader.number(2)
        reader.number(1)
        found = _extensions(reader)
        chosen = int.from_bytes(found[43], "big") if 43 in found else version
        group = int.from_bytes(found[51][:2], "big") if 51 in found else 0
        return cls(chosen, random, session_id, suite, group, random == _RETRY, found)

    @property
    def encrypt_then_mac(self) -> bool:
        """Whether the MAC of TLS 1.2 is over the ciphertext (RFC 7366)."""
        return 22 in self.extensions


@dataclass(frozen=True, slots=True)
class Certificate:
    """A side's certificates: DER, the leaf first; `ocsp` is what TLS 1.3 staples to the leaf."""

    chain: tuple[bytes, ...]
    ocsp: bytes | None = None

    @classmethod
    def parse(cls, body: bytes, tls13: bool = False) -> Certificate:
        """Read the message's body; raises TLSError."""
        reader = _Reader(body, "the Certificate")
        if tls13:
            reader.opaque(1)
        inner = reader.vector(3)
        chain: list[bytes] = []
        ocsp = None
        while inner:
            chain.append(inner.opaque(3))
            if tls13:
                status = _extensions(inner).get(5)
                if status is not None and len(chain) == 1:
                    ocsp = _stapled(_Reader(status, "a certificate's status"))
        return cls(tuple(chain), ocsp)


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """OCSP responses (DER) that a server of TLS 1.2 staples: of its leaf, or (v2) one a certificate, b'' for none."""

    responses: tuple[bytes, ...]

    @classmethod
    def parse(cls, body: bytes) -> CertificateStatus:
        """Read the message's body; raises TLSError."""
        reader = _Reader(body, "the CertificateStatus")
        kind = body[:1]
        if kind == b"\2":
            reader.number(1)
            inner = reader.vector(3)
            found = []
            while inner:
                found.append(inner.opaque(3))
            return cls(tuple(found))
        response = _stapled(reader)
        return cls(() if response is None else (response,))


def _stapled(reader: _Reader) -> bytes | None:
    return reader.opaque(3) if reader.number(1) == 1 else None


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A server wants the client's certificate: names (DER) of roots that it has, and signatures that it can check."""

    authorities: tuple[bytes, ...]
    signatures: tuple[int, ...]

    @classmethod
    def parse(cls, body: bytes, tls13: bool = False) -> CertificateRequest:
        """Read the message's body; raises TLSError."""
        reader = _Reader(body, "the CertificateRequest")
        reader.opaque(1)
        if not tls13:
            signatures = reader.numbers(2)
            return cls(tuple(_names(reader)), signatures)
        found = _extensions(reader)
        what = "the CertificateRequest's extensions"
        return cls(
            tuple(_names(_Reader(found[47], what))) if 47 in found else (),
            _Reader(found[13], what).numbers(2) if 13 in found else (),
        )


@dataclass(frozen=True, slots=True)
class ServerKeyExchange:
    """The server's part of an ECDHE agreement of TLS 1.2: the group, and with what it is signed (0: not known)."""

    group: int
    signature: int

    @classmethod
    def parse(cls, body: bytes) -> ServerKeyExchange:
        """Read the message's body; raises TLSError."""
        reader = _Reader(body, "the ServerKeyExchange")
        if reader.number(1) != 3:  # no named group
            return cls(0, 0)
        group = reader.number(2)
        reader.opaque(1)
        return cls(group, reader.number(2) if reader else 0)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: 1 (warning) or 2 (fatal), and its number."""

    level: int
    description: int

    @classmethod
    def parse(cls, fragment: bytes) -> Alert:
        """Read an alert record's fragment that is not encrypted; raises TLSError."""
        if len(fragment) != 2:
            raise TLSError(f"an alert has 2 bytes, this one has {len(fragment)}: it is encrypted")
        return cls(*fragment)

    @property
    def name(self) -> str:
        """Its name, such as 'unknown_ca'."""
        return name_of(ALERTS, self.description)

    def __str__(self) -> str:
        return f"{self.name} ({self.description})"


Parsed = (
    ClientHello
    | ServerHello
    | Certificate
    | CertificateStatus
    | CertificateRequest
    | ServerKeyExchange
    | Message
    | Alert
)


def parse(message: Message, tls13: bool = False) -> Parsed:
    """Read a handshake message; what says nothing to a reader (Finished and others) stays as it is.

    Parameters
    ----------
    message
        The message, in plain text.
    tls13
        Whether the connection is one of TLS 1.3, where some messages are other ones.

    Raises
    ------
    TLSError
        Its content breaks off.
    """
    body = message.body
    if message.kind == Kind.ClientHello:
        return ClientHello.parse(body)
    if message.kind == Kind.ServerHello:
        return ServerHello.parse(body)
    if message.kind == Kind.Certificate:
        return Certificate.parse(body, tls13)
    if message.kind == Kind.CertificateRequest:
        return CertificateRequest.parse(body, tls13)
    if message.kind == Kind.CertificateStatus:
        return CertificateStatus.parse(body)
    if message.kind == Kind.ServerKeyExchange:
        return ServerKeyExchange.parse(body)
    return message


# -- both sides -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Side:
    """One direction: what of its handshake is not whole yet, and whether its records are encrypted."""

    messages: MessageDecoder = field(default_factory=MessageDecoder)
    encrypted: bool = False


class Handshake:
    """What client and server of a connection have said to each other, as far as it was not encrypted.

    Attributes
    ----------
    client_hello, server_hello : ClientHello or None, ServerHello or None
        The last ones: after a retry the second.
    retried : bool
        Whether the server wanted another ClientHello.
    certificates : dict
        ``'server'`` and ``'client'`` to the `Certificate` that it showed.
    request : CertificateRequest or None
        The server wanted the client's certificate.
    ocsp : bytes or None
        The OCSP response for the server's certificate that was stapled.
    group : int
        The group of the key agreement, 0 where it is not known.
    alerts : list
        (``'client'`` or ``'server'``, `Alert`), those that were not encrypted.
    established : bool
        Both sides have gone over to encryption: nothing more can be read without keys.
    """

    def __init__(self) -> None:
        self.client_hello: ClientHello | None = None
        self.server_hello: ServerHello | None = None
        self.retried = False
        self.certificates: dict[str, Certificate] = {}
        self.request: CertificateRequest | None = None
        self.ocsp: bytes | None = None
        self.group = 0
        self.alerts: list[tuple[str, Alert]] = []
        self._sides = {"client": _Side(), "server": _Side()}

    @property
    def tls13(self) -> bool:
        """Whether TLS 1.3 was agreed on."""
        return self.server_hello is not None and self.server_hello.version >= TLS13

    @property
    def established(self) -> bool:
        """Whether both sides have gone over to encryption."""
        return all(side.encrypted for side in self._sides.values())

    @property
    def version(self) -> str:
        """The version agreed on, 'TLS 1.2'; '' before."""
        return name_of(VERSIONS, self.server_hello.version) if self.server_hello else ""

    @property
    def suite(self) -> str:
        """The cipher suite agreed on, by its name; '' before."""
        return name_of(SUITES, self.server_hello.suite) if self.server_hello else ""

    @property
    def group_name(self) -> str:
        """The group of the key agreement, by its name; '' where it is not known."""
        return name_of(GROUPS, self.group) if self.group else ""

    def receive(self, sender: str, record: Record) -> list[Parsed]:
        """Take a record of ``'client'`` or ``'server'``; what it completes is noted, and given back.

        Raises
        ------
        TLSError
            A message that is not encrypted cannot be read.
        """
        side = self._sides[sender]
        if record.content_type == ContentType.ChangeCipherSpec:
            side.encrypted = not self.tls13  # there it means nothing, and may come before the second ClientHello
            return []
        if record.content_type == ContentType.ApplicationData:
            side.encrypted = True
            return []
        if side.encrypted:
            return []
        if record.content_type == ContentType.Alert:
            if len(record.fragment) != 2:
                return []
            alert = Alert.parse(record.fragment)
            self.alerts.append((sender, alert))
            return [alert]
        if record.content_type != ContentType.Handshake:
            return []
        return [self.receive_message(sender, message) for message in side.messages.receive_data(record.fragment)]

    def receive_message(self, sender: str, message: Message) -> Parsed:
        """Take a message in plain text: read by `receive`, or decrypted by somebody who has the keys.

        Raises
        ------
        TLSError
            It cannot be read.
        """
        said = parse(message, self.tls13)
        if isinstance(said, ClientHello):
            self.client_hello = said
        elif isinstance(said, ServerHello):
            self.server_hello, self.group = said, said.group
            self.retried = self.retried or said.retry
        elif isinstance(said, Certificate):
            self.certificates[sender] = said
            if sender == "server":
                self.ocsp = self.ocsp or said.ocsp
        elif isinstance(said, CertificateStatus):
            self.ocsp = next(filter(None, said.responses), None)
        elif isinstance(said, CertificateRequest):
            self.request = said
        elif isinstance(said, ServerKeyExchange):
            self.group = said.group
        return said
