"""Make the certificates, CRLs and OCSP responses of a test PKI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from secc_kernel.pki.profiles import CASES, DEFAULTS, Kind, Standard, kinds

__all__ = ["Entity", "Hierarchy", "Key", "make"]

Key = ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey

_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
#: How far back validity begins: clocks of vehicles are wrong.
_SLACK = timedelta(days=1)
#: How long OCSP responses and CRLs are good for.
STATUS_DAYS = 7
_RESPONDER = "http://ocsp.v2g.example/{}"


@dataclass(frozen=True, slots=True)
class Entity:
    """A certificate, its key, and who issued it (itself, if it is a root)."""

    name: str
    certificate: x509.Certificate
    key: Key
    issuer: Entity | None = None

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def chain(self) -> list[Entity]:
        """It and who stands above it, without the root."""
        found: list[Entity] = []
        at: Entity | None = self
        while at is not None and at.issuer is not None:
            found.append(at)
            at = at.issuer
        return found

    @property
    def root(self) -> Entity:
        """Where its chain ends."""
        return self if self.issuer is None else self.issuer.root

    @property
    def chain_pem(self) -> bytes:
        """The chain as a TLS side shows it: the leaf first, without the root."""
        return b"".join(entity.pem for entity in self.chain)

    def key_pem(self, password: bytes | None = None) -> bytes:
        """The private key as PEM (PKCS #8), encrypted if there is a password."""
        how: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


@dataclass(slots=True)
class Hierarchy:
    """All certificates of one standard.

    Attributes
    ----------
    standard
        Which.
    entities
        By name.
    bad
        What is wrong on purpose, by name.
    responses, lists
        OCSP responses by the certificate's name; CRLs by the issuer's. Both DER.
    """

    standard: Standard
    entities: dict[str, Entity] = field(default_factory=dict)
    bad: dict[str, Entity] = field(default_factory=dict)
    responses: dict[str, bytes] = field(default_factory=dict)
    lists: dict[str, bytes] = field(default_factory=dict)


def make(
    standard: Standard,
    names: Mapping[str, str] | None = None,
    *,
    only: Iterable[str] | None = None,
    now: datetime | None = None,
) -> Hierarchy:
    """Make a hierarchy.

    Parameters
    ----------
    standard
        Algorithms, and which certificates there are.
    names
        What the leaves are called, beside `profiles.DEFAULTS`.
    only
        Names of leaves: these and their issuers, and nothing that is wrong; everything by default.
    now
        When validity begins.
    """
    made = Hierarchy(standard)
    when = now or datetime.now(timezone.utc)
    called = {**DEFAULTS, **(names or {})}
    wanted = None if only is None else _with_issuers(standard, only)
    for kind in kinds(standard):
        if wanted is None or kind.name in wanted:
            made.entities[kind.name] = _issue(made, kind, called, when)
    if wanted is None:
        _go_wrong(made, called, when)
        _tell_status(made, when)
    return made


def _with_issuers(standard: Standard, leaves: Iterable[str]) -> set[str]:
    table = {kind.name: kind for kind in kinds(standard)}
    found: set[str] = set()
    for name in leaves:
        at = table[name]
        found.add(at.name)
        while not at.is_root:
            at = table[at.issuer]
            found.add(at.name)
    return found


def _issue(
    made: Hierarchy,
    kind: Kind,
    called: Mapping[str, str],
    now: datetime,
    *,
    name: str = "",
    issuer: Entity | None = None,
    valid: tuple[timedelta, timedelta] | None = None,
) -> Entity:
    """Make one certificate; of its kind, unless the issuer or the validity is another one on purpose."""
    if issuer is None and not kind.is_root:
        issuer = made.entities[kind.issuer]
    key = _new_key(made.standard)
    subject = _name(kind, called)
    begin, end = valid or (-_SLACK, timedelta(days=kind.days))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + end)
    )
    for extension, critical in _extensions(made.standard, kind, key, issuer):
        builder = builder.add_extension(extension, critical)
    signer = key if issuer is None else issuer.key
    return Entity(name or kind.name, builder.sign(signer, _hash(made.standard)), key, issuer)


def _new_key(standard: Standard) -> Key:
    if standard.algorithm == "ed448":
        return ed448.Ed448PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if standard.algorithm == "secp256r1" else ec.SECP521R1())


def _hash(standard: Standard) -> hashes.SHA256 | hashes.SHA512 | None:
    """What is hashed with before signing; Ed448 does it itself."""
    return {"secp256r1": hashes.SHA256(), "secp521r1": hashes.SHA512(), "ed448": None}[standard.algorithm]


def _name(kind: Kind, called: Mapping[str, str]) -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COMMON_NAME, kind.common_name.format_map(called)),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "secc-kernel test PKI"),
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
    ]
    if kind.domain:
        parts.append(x509.NameAttribute(NameOID.DOMAIN_COMPONENT, kind.domain))
    return x509.Name(parts)


def _extensions(
    standard: Standard, kind: Kind, key: Key, issuer: Entity | None
) -> list[tuple[x509.ExtensionType, bool]]:
    """The extensions of a certificate, and which are critical."""
    length = None if kind.path_length in (None, -1) else kind.path_length
    bits = {bit: bit in kind.usage for bit in _USAGES}
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=not kind.is_leaf, path_length=length), True),
        (x509.KeyUsage(**bits), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]
    if issuer is None:
        return found
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    found.append((x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False))
    where = x509.UniformResourceIdentifier(_RESPONDER.format(issuer.name))
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where)
    found.append((x509.AuthorityInformationAccess([access]), False))
    if kind.name in ("secc", "vehicle") and standard.edition == "iso20":
        roles = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        found.append((x509.ExtendedKeyUsage(roles[:] if kind.name == "secc" else roles[1:]), False))
    return found


# -- what is wrong on purpose -----------------------------------------------------------------------------------------


def _go_wrong(made: Hierarchy, called: Mapping[str, str], now: datetime) -> None:
    """Make each leaf once more for each of `profiles.CASES`."""
    table = {kind.name: kind for kind in kinds(made.standard)}
    day = timedelta(days=1)
    over = (-400 * day, -day)
    strange_root = _strange(made, table["v2g_root"], called, now)
    made.bad["wrong_root"] = strange_root
    for kind in table.values():
        if not kind.is_leaf:
            continue
        sub1, sub2 = table[table[kind.issuer].issuer], table[kind.issuer]
        old = _issue(made, sub2, called, now, valid=over)
        strange = _issue(made, sub2, called, now, issuer=_issue(made, sub1, called, now, issuer=strange_root))
        issuers = {"expired_sub": old, "wrong_root": strange}
        periods = {"expired": over, "not_yet_valid": (7 * day, timedelta(days=7 + kind.days))}
        for case in CASES:
            name = f"{kind.name}_{case.key}"
            issuer, valid = issuers.get(case.key), periods.get(case.key)
            made.bad[name] = _issue(made, kind, called, now, name=name, issuer=issuer, valid=valid)


def _strange(made: Hierarchy, kind: Kind, called: Mapping[str, str], now: datetime) -> Entity:
    """A root that nobody knows."""
    return _issue(made, replace(kind, common_name="Unknown Root CA"), called, now, name="wrong_root")


# -- revocation -------------------------------------------------------------------------------------------------------


def _tell_status(made: Hierarchy, now: datetime) -> None:
    """OCSP responses for all that is in order or revoked, and each issuer's CRL."""
    revoked = {name: entity for name, entity in made.bad.items() if name.endswith("_revoked")}
    listed: dict[str, list[x509.Certificate]] = {}
    for name, entity in (*made.entities.items(), *revoked.items()):
        if entity.issuer is not None:
            made.responses[name] = _response(made.standard, entity, entity.issuer, name in revoked, now)
            of_issuer = listed.setdefault(entity.issuer.name, [])
            of_issuer += [entity.certificate] if name in revoked else []
    for name, certificates in listed.items():
        made.lists[name] = _list(made.standard, made.entities[name], certificates, now)


def _response(standard: Standard, entity: Entity, issuer: Entity, revoked: bool, now: datetime) -> bytes:
    """An OCSP response about a certificate, signed by its issuer."""
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=entity.certificate,
            issuer=issuer.certificate,
            algorithm=hashes.SHA1(),  # names the certificate, in all profiles of OCSP that devices implement (RFC 5019)
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=now - timedelta(hours=1),
            next_update=now + timedelta(days=STATUS_DAYS),
            revocation_time=now - _SLACK if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
    )
    return builder.sign(issuer.key, _hash(standard)).public_bytes(Encoding.DER)


def _list(standard: Standard, issuer: Entity, revoked: list[x509.Certificate], now: datetime) -> bytes:
    """A CRL."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - timedelta(hours=1))
        .next_update(now + timedelta(days=STATUS_DAYS))
        .add_extension(x509.CRLNumber(1), False)
    )
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now - _SLACK)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, _hash(standard)).public_bytes(Encoding.DER)
