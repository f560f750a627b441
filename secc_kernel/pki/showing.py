"""Certificates, CRLs, OCSP responses and keys as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import ocsp

from secc_kernel.pki import inspect

__all__ = ["Shown", "show"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a file holds, as text, and whether something is wrong with it."""

    lines: list[str]
    wrong: bool = False


def show(data: bytes, path: Path, now: datetime | None = None) -> Shown:
    """Show a file.

    Parameters
    ----------
    data
        Its content.
    path
        Its name; a root beside it is found.
    now
        The time at which certificates have to be valid.

    Raises
    ------
    ValueError
        It is none of what is known here.
    """
    when = now or datetime.now(timezone.utc)
    if b"PRIVATE KEY-----" in data:
        return _key(data, path)
    for read in (_certificates, _crl, _ocsp):
        try:
            return read(data, path, when)
        except (ValueError, TypeError):
            continue
    raise ValueError("no certificate, CRL, OCSP response or key (PEM or DER)")


def _key(data: bytes, path: Path) -> Shown:
    try:
        key = load_pem_private_key(data, None)
    except TypeError:
        return Shown([f"{path.name}: a private key, encrypted with a password"])
    return Shown([f"{path.name}: a private key of {inspect.kind_of_key(key.public_key())}, in the clear"])


def _certificates(data: bytes, path: Path, now: datetime) -> Shown:
    chain = inspect.load_chain(data)
    found = inspect.problems(chain, now)
    many = f"{len(chain)} certificates, the leaf first" if len(chain) > 1 else "a certificate"
    lines = [f"{path.name}: {many}"]
    for index, certificate in enumerate(chain):
        lines.append(f"{index}  {inspect.name_of(certificate.subject)}")
        lines += [f"   {what:10} {text}" for what, text in _facts(certificate, now)]
        lines += [
            f"   {'wrong' if problem.severity == 'error' else problem.severity:10} {problem.text}"
            for problem in found
            if problem.index == index
        ]
    lines.append(f"   {'root':10} {_root(chain, path)}")
    return Shown(lines, any(problem.severity == "error" for problem in found))


def _facts(certificate: x509.Certificate, now: datetime) -> Iterator[tuple[str, str]]:
    itself = certificate.issuer == certificate.subject
    yield "issued by", "itself" if itself else inspect.name_of(certificate.issuer)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    left = f" ({(end - now).days} days left)" if begin <= now <= end else ""
    yield "valid", f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC{left}"
    algorithm = certificate.signature_algorithm_oid._name
    yield "key", f"{inspect.key_name(certificate)}; signed with {algorithm}"
    yield "usage", ", ".join(inspect.usage_of(certificate)) or "none said"
    length = inspect.path_length(certificate)
    below = "" if length is None else f", {length} more below it" if length else ", of leaves only"
    yield "role", f"authority{below}" if inspect.is_authority(certificate) else "leaf"
    yield "serial", f"{certificate.serial_number:X}"


def _root(chain: Sequence[x509.Certificate], path: Path) -> str:
    """Where the chain ends, and whether a root beside the file has signed it."""
    last = chain[-1]
    if last.issuer == last.subject:
        return "in the file"
    for folder in (path.parent, path.parent.parent):
        for candidate in sorted(folder.glob("*root*.pem")):
            try:
                root = inspect.load_chain(candidate.read_bytes())[0]
                last.verify_directly_issued_by(root)
            except (OSError, ValueError, TypeError, InvalidSignature):
                continue
            return f"{inspect.name_of(root.subject)} ({candidate.name})"
    return f"{inspect.name_of(last.issuer)}, which is not in the file nor beside it"


def _crl(data: bytes, path: Path, now: datetime) -> Shown:
    listed = x509.load_pem_x509_crl(data) if data.startswith(b"-----") else x509.load_der_x509_crl(data)
    lines = [f"{path.name}: what {inspect.name_of(listed.issuer)} has revoked"]
    late = listed.next_update_utc is not None and listed.next_update_utc < now
    until = f" to {listed.next_update_utc:%Y-%m-%d %H:%M} UTC" if listed.next_update_utc else ""
    lines.append(f"   {'valid':10} {listed.last_update_utc:%Y-%m-%d %H:%M}{until}{', which is over' if late else ''}")
    lines += [f"   {'revoked':10} {entry.serial_number:X} on {entry.revocation_date_utc:%Y-%m-%d}" for entry in listed]
    return Shown(lines, late)


def _ocsp(data: bytes, path: Path, now: datetime) -> Shown:
    said = ocsp.load_der_ocsp_response(data)
    lines = [f"{path.name}: an OCSP response ({said.response_status.name.lower()})"]
    if said.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return Shown(lines, True)
    status = said.certificate_status.name.lower()
    late = said.next_update_utc is not None and said.next_update_utc < now
    until = f" to {said.next_update_utc:%Y-%m-%d %H:%M} UTC" if said.next_update_utc else ""
    lines += [
        f"   {'serial':10} {said.serial_number:X}",
        f"   {'status':10} {status}",
        f"   {'valid':10} {said.this_update_utc:%Y-%m-%d %H:%M}{until}{', which is over' if late else ''}",
    ]
    return Shown(lines, late or status != "good")
