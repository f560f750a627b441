"""Which certificates V2G has, who issues them, and how they look: ISO 15118-2, Annex F, and ISO 15118-20, Annex B.

One table for both standards, since they differ in algorithms, extended key usage and the vehicle certificate only.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CASES", "CERTIFICATES", "DEFAULTS", "STANDARDS", "Case", "Kind", "Standard", "kinds"]


@dataclass(frozen=True, slots=True)
class Standard:
    """A variant of the PKI, in a folder of its own.

    Parameters
    ----------
    key
        The folder's name.
    title
        For humans.
    algorithm
        ``secp256r1``, ``secp521r1`` or ``ed448``.
    edition
        The key of the standard: ``iso2`` or ``iso20``.
    """

    key: str
    title: str
    algorithm: str
    edition: str


STANDARDS = {
    standard.key: standard
    for standard in (
        Standard("iso2", "ISO 15118-2: secp256r1, ECDSA with SHA-256", "secp256r1", "iso2"),
        Standard("iso20", "ISO 15118-20: secp521r1, ECDSA with SHA-512", "secp521r1", "iso20"),
        Standard("iso20_ed448", "ISO 15118-20: Ed448 (x448 for key agreement)", "ed448", "iso20"),
    )
}
"""The variants, by folder."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One certificate of the hierarchy.

    Parameters
    ----------
    name
        Of its files.
    issuer
        The `name` of who signs it; its own for a root.
    common_name
        The subject's CN; ``{...}`` takes a value of `DEFAULTS`.
    domain
        The subject's domainComponent, by which a leaf says what it is for; '' for none.
    days
        How long it is valid.
    usage
        Key usage, as cryptography names the bits.
    path_length
        Of an authority: how many authorities may stand below it; -1 says nothing about that; None: no authority.
    purpose
        What it is for, for the README.
    editions
        The standards that have it.
    """

    name: str
    issuer: str
    common_name: str
    domain: str
    days: int
    usage: tuple[str, ...]
    path_length: int | None
    purpose: str
    editions: tuple[str, ...] = ("iso2", "iso20")

    @property
    def is_root(self) -> bool:
        """Whether it signs itself."""
        return self.issuer == self.name

    @property
    def is_leaf(self) -> bool:
        """Whether it is no authority."""
        return self.path_length is None


DEFAULTS = {
    "evse": "DE*ABC*E123456",
    "emaid": "DEABCC12345678",
    "pcid": "WMIABCD1234567890",
    "evccid": "WMIV1234567890ABCDEX",
}
"""What the leaves are called: the SECC, the contract (eMAID), the vehicle as it was made (PCID) and in a session of
ISO 15118-20 (EVCCID)."""

_CA = ("key_cert_sign", "crl_sign")
_YEAR = 365


def _authorities(owner: str, root: str, title: str, domain: str, days: tuple[int, int]) -> tuple[Kind, Kind]:
    return (
        Kind(f"{owner}_sub1", root, f"{title} Sub-CA 1", domain, days[0], _CA, 1, f"{title} sub-CA 1"),
        Kind(f"{owner}_sub2", f"{owner}_sub1", f"{title} Sub-CA 2", domain, days[1], _CA, 0, f"{title} sub-CA 2"),
    )


def _root(owner: str, title: str, domain: str) -> Kind:
    name = f"{owner}_root"
    return Kind(name, name, f"{title} Root CA", domain, 40 * _YEAR, _CA, -1, f"{title} root: a trust anchor")


CERTIFICATES: tuple[Kind, ...] = (
    _root("v2g", "V2G", "V2G"),
    *_authorities("cpo", "v2g_root", "CPO", "V2G", (4 * _YEAR, 2 * _YEAR)),
    Kind(
        "secc", "cpo_sub2", "{evse}", "CPO", 90, ("digital_signature", "key_agreement"), None,
        "the charging station (SECC): what it shows in TLS",
    ),
    *_authorities("cps", "v2g_root", "Provisioning Service", "V2G", (4 * _YEAR, 2 * _YEAR)),
    Kind(
        "cps", "cps_sub2", "Certificate Provisioning Service", "CPS", 90, ("digital_signature",), None,
        "the provisioning service: signs the answer to CertificateInstallationReq and CertificateUpdateReq",
    ),
    _root("mo", "Mobility Operator", "MO"),
    *_authorities("mo", "mo_root", "Mobility Operator", "MO", (4 * _YEAR, 3 * _YEAR)),
    Kind(
        "contract", "mo_sub2", "{emaid}", "MO", 2 * _YEAR,
        ("digital_signature", "content_commitment", "key_encipherment", "key_agreement"), None,
        "the driver's contract: its CN is the eMAID; signs AuthorizationReq and MeteringReceiptReq",
    ),
    _root("oem", "OEM", "OEM"),
    *_authorities("oem", "oem_root", "OEM", "OEM", (35 * _YEAR, 33 * _YEAR)),
    Kind(
        "provisioning", "oem_sub2", "{pcid}", "OEM", 30 * _YEAR, ("digital_signature", "key_agreement"), None,
        "the vehicle as its manufacturer made it: its CN is the PCID; signs CertificateInstallationReq",
    ),
    Kind(
        "vehicle", "oem_sub2", "{evccid}", "OEM", 10 * _YEAR, ("digital_signature", "key_agreement"), None,
        "the vehicle in TLS 1.3: its CN is the EVCCID", ("iso20",),
    ),
)  # fmt: skip
"""The hierarchy, issuers before what they issue."""


def kinds(standard: Standard) -> tuple[Kind, ...]:
    """The certificates that a standard has."""
    return tuple(kind for kind in CERTIFICATES if standard.edition in kind.editions)


@dataclass(frozen=True, slots=True)
class Case:
    """Something that is wrong with a leaf on purpose.

    Parameters
    ----------
    key
        What is appended to the leaf's name.
    what
        What is wrong, for the README.
    """

    key: str
    what: str


CASES = (
    Case("expired", "has expired a day ago"),
    Case("not_yet_valid", "is valid from next week on"),
    Case("revoked", "is revoked: its issuer's CRL lists it, and its OCSP response says so"),
    Case("expired_sub", "is valid itself, but sub-CA 2 above it has expired a day ago"),
    Case("wrong_root", "is in order, but its chain ends in a root that nobody knows (bad/wrong_root.pem)"),
)
"""What the folder ``bad`` holds of each leaf."""
