"""What a certificate is, and what is wrong with it for V2G: for people, and for findings about a peer's chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import get_args

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from secc_kernel.messages.iso15118_2.msg_data_types import certificateType

__all__ = [
    "Problem",
    "common_name",
    "is_authority",
    "key_name",
    "kind_of_key",
    "load_chain",
    "name_of",
    "path_length",
    "problems",
    "usage_of",
]

#: Key and hash of ISO 15118-2 and ISO 15118-20.
_ALGORITHMS = {("secp256r1", "sha256"), ("secp521r1", "sha512"), ("Ed448", "")}
#: Leaf, sub-CA 2, sub-CA 1.
_LONGEST_CHAIN = 3
#: DER bytes of a certificate in messages of ISO 15118-2.
_LONGEST_DER: int = get_args(certificateType)[1].max_length
_SOON = timedelta(days=14)
_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a certificate that a V2G peer may stumble over.

    Parameters
    ----------
    rule
        A short key, such as ``expired``.
    severity
        ``note``, ``warning`` or ``error``.
    index
        Which certificate of the chain, the leaf being 0.
    text
        What it is.
    """

    rule: str
    severity: str
    index: int
    text: str


def load_chain(data: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM file, or the one of a DER file.

    Raises
    ------
    ValueError
        There is none.
    """
    if b"-----BEGIN" in data:
        return x509.load_pem_x509_certificates(data)
    return [x509.load_der_x509_certificate(data)]


def name_of(name: x509.Name) -> str:
    """A subject or issuer in one line: ``CN=..., DC=...``."""
    shown = [f"CN={value.value!s}" for value in name.get_attributes_for_oid(NameOID.COMMON_NAME)]
    shown += [f"DC={value.value!s}" for value in name.get_attributes_for_oid(NameOID.DOMAIN_COMPONENT)]
    return ", ".join(shown) or name.rfc4514_string() or "(no name)"


def common_name(certificate: x509.Certificate) -> str:
    """The subject's CN; '' if there is none."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def key_name(certificate: x509.Certificate) -> str:
    """What kind of key it certifies: ``secp256r1``, ``Ed448``, ``RSA 2048``."""
    return kind_of_key(certificate.public_key())


def kind_of_key(key: object) -> str:
    """What kind of public key it is."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name
    if isinstance(key, ed448.Ed448PublicKey):
        return "Ed448"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519"
    return f"RSA {key.key_size}" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__


def _hash(certificate: x509.Certificate) -> str:
    try:
        found = certificate.signature_hash_algorithm
    except Exception:  # an algorithm that the library does not know
        return "unknown"
    return found.name if found is not None else ""


def usage_of(certificate: x509.Certificate) -> list[str]:
    """Its key usage, as the standards write it."""
    usage = _extension(certificate, x509.KeyUsage)
    return [] if usage is None else [shown for bit, shown in _USAGES.items() if getattr(usage, bit)]


def _extension(certificate: x509.Certificate, kind: type) -> x509.ExtensionType | None:
    try:
        value: x509.ExtensionType = certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    return value


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may issue others."""
    constraints = _extension(certificate, x509.BasicConstraints)
    return isinstance(constraints, x509.BasicConstraints) and constraints.ca


def path_length(certificate: x509.Certificate) -> int | None:
    """How many authorities may stand below it; None where nothing is said."""
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints.path_length if isinstance(constraints, x509.BasicConstraints) else None


def problems(chain: Sequence[x509.Certificate], now: datetime | None = None) -> list[Problem]:
    """What is wrong with a chain for V2G, apart from whether its root is trusted.

    Parameters
    ----------
    chain
        The leaf first.
    now
        The time at which it has to be valid.
    """
    when = now or datetime.now(timezone.utc)
    found: list[Problem] = []
    for index, certificate in enumerate(chain):
        found += _validity(certificate, index, when)
        found += _profile(certificate, index)
        if index + 1 < len(chain):
            found += _issued(certificate, chain[index + 1], index)
    below = len(chain) - (1 if chain and chain[-1].issuer == chain[-1].subject else 0)
    if below > _LONGEST_CHAIN:
        text = f"the chain has {below} certificates below the root; the standards allow {_LONGEST_CHAIN}"
        found.append(Problem("chain-length", "error", 0, text))
    return found


def _validity(certificate: x509.Certificate, index: int, now: datetime) -> Iterator[Problem]:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        yield Problem("expired", "error", index, f"expired on {end:%Y-%m-%d}, {_days(now - end)} ago")
    elif now < begin:
        yield Problem("not-yet-valid", "error", index, f"is valid from {begin:%Y-%m-%d} on, in {_days(begin - now)}")
    elif end - now < _SOON:
        yield Problem("expires-soon", "note", index, f"expires on {end:%Y-%m-%d}, in {_days(end - now)}")


def _days(span: timedelta) -> str:
    return f"{span.days} day{'s' if span.days != 1 else ''}" if span.days else f"{span.seconds // 3600} h"


def _profile(certificate: x509.Certificate, index: int) -> Iterator[Problem]:
    key, hashed = key_name(certificate), _hash(certificate)
    if key not in {known for known, _ in _ALGORITHMS}:
        text = f"has a key of {key}; V2G uses secp256r1 (ISO 15118-2), secp521r1 or Ed448 (ISO 15118-20)"
        yield Problem("key", "error", index, text)
    elif hashed not in {known for _, known in _ALGORITHMS}:
        yield Problem("hash", "error", index, f"is signed with {hashed}; V2G uses SHA-256, SHA-512 or Ed448")
    if not common_name(certificate):
        yield Problem("name", "error", index, "has no CN in its subject")
    if key == "secp256r1" and len(certificate.public_bytes(Encoding.DER)) > _LONGEST_DER:
        size = len(certificate.public_bytes(Encoding.DER))
        text = f"has {size} bytes (DER); a message of ISO 15118-2 carries {_LONGEST_DER} at most"
        yield Problem("size", "warning", index, text)
    yield from _usage(certificate, index)


def _usage(certificate: x509.Certificate, index: int) -> Iterator[Problem]:
    if _extension(certificate, x509.BasicConstraints) is None:
        yield Problem("basic-constraints", "error", index, "has no basic constraints")
    usage, authority = usage_of(certificate), is_authority(certificate)
    if not usage:
        yield Problem("key-usage", "error", index, "says no key usage")
    elif authority and "keyCertSign" not in usage:
        yield Problem("key-usage", "error", index, "is an authority whose key usage lacks keyCertSign")
    elif not authority and "digitalSignature" not in usage:
        yield Problem("key-usage", "error", index, "is a leaf whose key usage lacks digitalSignature")
    length = path_length(certificate)
    if length is not None and length < index - 1:
        text = f"has {index - 1} authorities between itself and the leaf, but its path length is {length}"
        yield Problem("path-length", "error", index, text)
    if index and not authority:
        yield Problem("authority", "error", index, "stands above another certificate, but is no authority")
    if certificate.issuer != certificate.subject and _ocsp_url(certificate) is None:
        yield Problem("ocsp-url", "note", index, "names no OCSP responder: nobody can ask whether it is revoked")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, index: int) -> Iterator[Problem]:
    if certificate.issuer != issuer.subject:
        text = f"was issued by {name_of(certificate.issuer)}, but {name_of(issuer.subject)} follows it"
        yield Problem("order", "error", index, text)
        return
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError) as error:
        why = "" if isinstance(error, InvalidSignature) else f" ({error})"
        yield Problem("signature", "error", index, f"is not signed by the {name_of(issuer.subject)} that follows{why}")


def _ocsp_url(certificate: x509.Certificate) -> str | None:
    access = _extension(certificate, x509.AuthorityInformationAccess)
    if not isinstance(access, x509.AuthorityInformationAccess):
        return None
    found = [entry for entry in access if entry.access_method == AuthorityInformationAccessOID.OCSP]
    return str(found[0].access_location.value) if found else None
