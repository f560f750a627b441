"""What the messages of a handshake say (RFC 5246, 7.4; RFC 8446, 4): hellos, certificates, requests, alerts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from secc_kernel.wire.tls.names import ALERTS, EXTENSIONS, name_of
from secc_kernel.wire.tls.records import Kind, Message, TLSError

__all__ = [
    "Alert",
    "Certificate",
    "CertificateRequest",
    "CertificateStatus",
    "ClientHello",
    "Parsed",
    "ServerHello",
    "ServerKeyExchange",
    "parse",
]

#: The random of a ServerHello that asks for another ClientHello (RFC 8446, 4.1.3).
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


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
        Numbers, in its order; `names` names them.
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
