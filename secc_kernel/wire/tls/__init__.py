"""TLS as it is on the wire (RFC 5246, RFC 8446): records, and what a handshake says before it is encrypted.

Nothing here encrypts or decrypts. TLS 1.2 shows its whole negotiation: what the client offers, what the server takes,
the certificates, a stapled OCSP response, alerts. TLS 1.3 shows the two hellos; whoever has the keys brings the rest
as plain `Message`s.

`RecordDecoder` turns bytes into records, `MessageDecoder` records into handshake messages, `parse` a message into an
object, and `Handshake` puts together what both sides have said.
"""

from __future__ import annotations

from secc_kernel.wire.tls.handshake import Handshake
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
from secc_kernel.wire.tls.records import (
    TLS12,
    TLS13,
    ContentType,
    Kind,
    Message,
    MessageDecoder,
    Record,
    RecordDecoder,
    TLSError,
)

__all__ = [
    "TLS12",
    "TLS13",
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
