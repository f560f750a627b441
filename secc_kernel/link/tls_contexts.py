"""With what a side does TLS: certificates, versions, suites and groups, chosen for each connection.

A station reads a vehicle's ClientHello before it decides (`station`): TLS 1.2 with the certificates of ISO 15118-2, or
TLS 1.3 with those of ISO 15118-20, which asks for the vehicle's certificate as well; and the group out of those that
the vehicle has. So both run on one port, and each looks as its standard wants it.

What Python's ssl cannot do with the OpenSSL below it:

* TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA256 (static ECDH) of ISO 15118-2 is no longer in OpenSSL; the other suite is,
* the suites of TLS 1.3 cannot be chosen: TLS_AES_128_GCM_SHA256 is offered besides the two of ISO 15118-20 (a station
  takes it only from a vehicle that has nothing else),
* OCSP responses cannot be stapled, nor asked for; trusted_ca_keys and certificate_authorities cannot be sent,
* a vehicle offers one group: secp256r1 in TLS 1.2, secp521r1 in TLS 1.3.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from secc_kernel.link.net import LinkError
from secc_kernel.pki.folder import Credentials, PkiError, credentials, roots
from secc_kernel.wire.tls import TLS12, TLS13, ClientHello
from secc_kernel.wire.tls.names import GROUPS

if TYPE_CHECKING:
    from secc_kernel.pki.making import Entity

__all__ = ["VERSIONS", "KeyTap", "Plan", "Tls", "TlsSettings"]

VERSIONS = ("1.2", "1.3")
"""What ``version`` may be."""

_SUITES_OF_TLS12 = "ECDHE-ECDSA-AES128-SHA256"
_GROUP_OF_TLS12 = 0x0017
#: In the order of preference.
_GROUPS_OF_TLS13 = (0x0019, 0x001E)
#: OpenSSL's names, where they are others than IANA's.
_OPENSSL = {"secp256r1": "prime256v1", "x448": "X448", "x25519": "X25519"}
#: Folder of the PKI -> the signature that its leaves make, in the order of preference.
_LEAVES_OF_TLS13 = {"iso20": 0x0603, "iso20_ed448": 0x0808, "iso2": 0x0403}


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How a side does TLS.

    Attributes
    ----------
    pki : str or None
        The folder of a PKI as ``secc-kernel pki new`` makes it; None for one that is made on the fly, and thrown away.
    certificate : str or None
        Which leaf is shown, such as ``secc_expired``; ``secc`` or ``vehicle`` by default.
    version : str or None
        ``1.2`` or ``1.3`` for that one only; by default what the peer and the protocols ask for.
    only : bool
        Whether a peer that goes without TLS is refused; otherwise that is a finding.
    verify : bool
        Whether the peer's chain is checked, where the PKI is not thrown away.
    keylog : str or None
        A file to which the secrets are written, a line each.
    disclose : bool
        Whether the secrets are sent as UDP datagrams on the interface, so that a capture has them.
    """

    pki: str | None = None
    certificate: str | None = None
    version: str | None = None
    only: bool = False
    verify: bool = True
    keylog: str | None = None
    disclose: bool = False

    @property
    def verifies(self) -> bool:
        """Whether the peer's chain is checked."""
        return self.verify and self.pki is not None


@dataclass(frozen=True, slots=True)
class Plan:
    """A context for one connection, and what tells its secrets."""

    context: ssl.SSLContext
    tap: KeyTap


class KeyTap:
    """Hears the secrets of a connection.

    OpenSSL tells them to a callback that Python lets write to a file only; so there is a file, for its owner only and
    deleted at once, that is read again.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        handle, path = tempfile.mkstemp(prefix="secc-tls-")
        self._file = os.fdopen(handle, "r", encoding="ascii")
        try:
            context.keylog_filename = path
        finally:
            os.unlink(path)

    def lines(self) -> list[str]:
        """The lines that have come since the last call."""
        if self._file.closed:
            return []
        return [line.strip() for line in self._file if line.strip() and not line.startswith("#")]

    def close(self) -> None:
        """Hear no more."""
        self._file.close()


class Tls:
    """How a side of a link does TLS: makes the context of each connection.

    Parameters
    ----------
    settings : TlsSettings
        How.
    role : str
        ``SECC`` or ``EVCC``.

    Raises
    ------
    LinkError
        The PKI or the key log cannot be used.
    """

    def __init__(self, settings: TlsSettings, role: str) -> None:
        if settings.version is not None and settings.version not in VERSIONS:
            raise LinkError(f"tls_version is one of {', '.join(VERSIONS)}, not {settings.version!r}")
        self.settings = settings
        self.role = role
        self._name = (settings.pki and settings.certificate) or ("secc" if role == "SECC" else "vehicle")
        self._made: dict[str, Entity] = {}
        if settings.pki is None:
            self._make()
        else:
            self._open_pki(settings.pki)
        if settings.keylog is not None:
            self._log("")

    def _make(self) -> None:
        """Make certificates that nobody knows, one a standard; they are in files for a moment only."""
        from secc_kernel.pki.making import make
        from secc_kernel.pki.profiles import STANDARDS

        for standard in STANDARDS.values():
            if self._name == "secc" or standard.edition == "iso20":
                self._made[standard.key] = make(standard, only=[self._name]).entities[self._name]

    def _open_pki(self, pki: str) -> None:
        self._folder = Path(pki).expanduser()
        if not self._folder.is_dir():
            raise LinkError(f"there is no folder {pki!r} with a PKI: secc-kernel pki new {pki} makes one")
        try:
            # A vehicle shows a certificate in TLS 1.3 only, and may do without one.
            if self.role == "SECC" or self.settings.certificate is not None:
                for found in credentials(self._folder, self._name, _LEAVES_OF_TLS13):
                    _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), found)
            self._check_roots()
        except PkiError as error:
            raise LinkError(str(error)) from error

    def _check_roots(self) -> None:
        if self.role == "EVCC" and self.settings.verifies and not self._roots("v2g_root"):
            raise LinkError(
                f"the PKI {self._folder} has no v2g_root.pem to check the station's chain with: put the root there, "
                "or do not check it (tls_verify=false)"
            )

    # -- secrets ------------------------------------------------------------------------------------------------------

    def log(self, lines: Iterable[str]) -> None:
        """Write secrets to the key log, if there is one.

        Raises
        ------
        LinkError
            It cannot be written (any more).
        """
        if self.settings.keylog is not None:
            self._log("".join(f"{line}\n" for line in lines))

    def _log(self, text: str) -> None:
        assert self.settings.keylog is not None
        path = Path(self.settings.keylog).expanduser()
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
        except OSError as error:
            raise LinkError(f"the key log {path} cannot be written: {error.strerror or error}") from error

    # -- contexts -----------------------------------------------------------------------------------------------------

    def station(self, hello: ClientHello, protocols: Iterable[str], strict: bool = False) -> Plan:
        """How a station answers a ClientHello.

        TLS 1.3 is taken where the station speaks ISO 15118-20, or the vehicle offers nothing else: the certificates
        are other ones than those of ISO 15118-2, and a vehicle that has only the latter's root would not accept them.

        Parameters
        ----------
        hello : ClientHello
            What the vehicle offers.
        protocols : iterable of str
            Schema keys that the station offers.
        strict : bool
            Whether a vehicle without a certificate is refused in TLS 1.3.
        """
        modern = TLS13 in hello.versions and (_speaks_20(protocols) or TLS12 not in hello.versions)
        if self.settings.version is not None:
            modern = self.settings.version == "1.3"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _fix(context, modern)
        if modern:
            group = _pick(_GROUPS_OF_TLS13, hello.key_shares) or _pick(_GROUPS_OF_TLS13, hello.groups)
            leaves = sorted(_LEAVES_OF_TLS13, key=lambda leaf: _LEAVES_OF_TLS13[leaf] not in hello.signatures)
            context.num_tickets = 0
            if self.settings.verifies:
                self._trust(context, "oem_root", "v2g_root")
                context.verify_mode = ssl.CERT_REQUIRED if strict else ssl.CERT_OPTIONAL
        else:
            group = _pick((_GROUP_OF_TLS12,), hello.groups)
            leaves = ["iso2"]
        if group is not None:
            _take_group(context, group)
        self._show(context, leaves)
        return Plan(context, KeyTap(context))

    def vehicle(self, protocols: Iterable[str]) -> Plan:
        """How a vehicle asks: TLS 1.3 where it offers ISO 15118-20, otherwise TLS 1.2."""
        modern = _speaks_20(protocols) if self.settings.version is None else self.settings.version == "1.3"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # stations have no names; the chain is what counts
        if self.settings.verifies:
            self._trust(context, "v2g_root")
        else:
            context.verify_mode = ssl.CERT_NONE
        _fix(context, modern)
        _take_group(context, _GROUPS_OF_TLS13[0] if modern else _GROUP_OF_TLS12)
        if modern:
            self._show(context, list(_LEAVES_OF_TLS13), needed=self.settings.certificate is not None)
        return Plan(context, KeyTap(context))

    def _show(self, context: ssl.SSLContext, standards: list[str], needed: bool = True) -> None:
        """Load the first certificate that there is."""
        if self.settings.pki is None:
            with tempfile.TemporaryDirectory(prefix="secc-tls-") as folder:  # the ssl module reads files only
                made = self._made[next(standard for standard in standards if standard in self._made)]
                chain, key = Path(folder, "chain.pem"), Path(folder, "leaf.key")
                chain.write_bytes(made.chain_pem)
                key.write_bytes(made.key_pem())
                _load(context, Credentials(chain, key, ""))
            return
        try:
            found = credentials(self._folder, self._name, standards)[0]
        except PkiError as error:
            if needed:
                raise LinkError(str(error)) from error
            return
        _load(context, found)

    def _trust(self, context: ssl.SSLContext, *names: str) -> None:
        for name in names:
            for path in self._roots(name):
                try:
                    context.load_verify_locations(path)
                except (OSError, ssl.SSLError) as error:
                    raise LinkError(f"{path} is no root certificate (PEM): {error.strerror or error}") from error

    def _roots(self, name: str) -> list[Path]:
        return roots(self._folder, name)


def _load(context: ssl.SSLContext, found: Credentials) -> None:
    """Let a context show a certificate.

    Raises
    ------
    LinkError
        Certificate and key cannot be read, or are not each other's.
    """
    try:
        # A password would be asked for at the terminal, where there may be none.
        context.load_cert_chain(found.chain, found.key, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        why = error.reason.replace("_", " ").lower() if isinstance(error, ssl.SSLError) and error.reason else str(error)
        raise LinkError(
            f"{found.chain} with {found.key} cannot be used: {why}; the key has to be the leaf's, and in the clear"
        ) from error


def _speaks_20(protocols: Iterable[str]) -> bool:
    return any(key.startswith("iso20") for key in protocols)


def _fix(context: ssl.SSLContext, modern: bool) -> None:
    """One version and its suites; no resumption and no renegotiation: V2G has neither."""
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3 if modern else ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    if not modern:
        context.set_ciphers(_SUITES_OF_TLS12)


def _pick(wanted: Iterable[int], offered: Iterable[int]) -> int | None:
    had = set(offered)
    return next((number for number in wanted if number in had), None)


def _take_group(context: ssl.SSLContext, group: int) -> None:
    """Take this group and no other."""
    name = GROUPS[group]
    try:
        context.set_ecdh_curve(_OPENSSL.get(name, name))
    except (ValueError, ssl.SSLError):
        # Python before 3.11 knows no x448 here; it is among those that OpenSSL takes unasked.
        return
