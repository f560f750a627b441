"""A handshake as both sides have said it, as far as it was not encrypted."""

from __future__ import annotations

from dataclasses import dataclass, field

from secc_kernel.wire.tls.messages import (
    Alert,
    Certificate,
    CertificateRequest,
    CertificateStatus,
    ClientHello,
    Parsed,
    ServerHello,
    ServerKeyExchange,
    parse,
)
from secc_kernel.wire.tls.names import GROUPS, SUITES, VERSIONS, name_of
from secc_kernel.wire.tls.records import TLS13, ContentType, Message, MessageDecoder, Record

__all__ = ["Handshake"]


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
