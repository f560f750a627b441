"""Contract payment (Plug & Charge) of ISO 15118-2 at the station, as far as no signature has to be verified.

The vehicle shows its contract (PaymentDetailsReq), is given a challenge, and sends it back under its signature
(AuthorizationReq); in the charge loop it signs for what it was given (MeteringReceiptReq). What can be told from the
messages alone is judged here: whether the certificates can be read, belong together, to this contract and to this day,
whether the challenge came back, whether a signature is there. A signature itself is taken as it is, with a note that
says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from secc_kernel.codec import Message

__all__ = ["CERTIFICATE_SERVICE", "CHALLENGE_BYTES", "Contract", "Remark", "remarks"]

CHALLENGE_BYTES = 16
"""How long a GenChallenge is ([V2G2-697])."""
CERTIFICATE_SERVICE = 2
"""ServiceID of installing and updating contract certificates (ISO 15118-2, Table 105)."""
UNVERIFIED = "signature.unverified"


@dataclass(slots=True)
class Contract:
    """What station and vehicle have told each other about a contract in this session.

    Attributes
    ----------
    selected : bool
        Whether the vehicle pays by contract.
    challenge : bytes
        The GenChallenge that was sent; empty before.
    answered : bool
        Whether it came back: later AuthorizationReq have neither challenge nor signature ([V2G2-684]).
    metered : tuple or None
        The SAScheduleTupleID and the MeterInfo that were sent last.
    services : tuple of int
        The ServiceIDs that were offered.
    """

    selected: bool = False
    challenge: bytes = b""
    answered: bool = False
    metered: tuple[Any, Any] | None = None
    services: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a request.

    Attributes
    ----------
    rule, severity, text : str
        As in a finding.
    code : str
        The response code that it demands; empty where it demands none.
    """

    rule: str
    severity: str
    text: str
    code: str = ""


def remarks(request: Message, contract: Contract, when: float | None) -> Iterator[Remark]:
    """What there is to say about a request, before it is answered.

    Parameters
    ----------
    request : Message
        The request; of one that has nothing to do with contracts only a signature is told.
    contract : Contract
        What is known of the session.
    when : float or None
        Unix time; None where the station has no date.
    """
    rule = _RULES.get(request.name)
    if rule is not None and request.schema == "iso2":
        yield from rule(request, contract, when)
    signature = getattr(request.header, "Signature", None)
    if signature is not None:
        yield Remark(UNVERIFIED, "note", f"the signature of {request.name} {_signed(signature, request.body)}")


def _signed(signature: Any, body: Any) -> str:
    """What a signature says it is of, as the end of a sentence."""
    uris = [str(reference.URI) for reference in getattr(signature.SignedInfo, "Reference", ()) if reference.URI]
    named = f"of {', '.join(uris)} " if uris else ""
    own = getattr(body, "Id", None)
    if uris and f"#{own}" not in uris:
        # As a known vehicle does, which leaves the last one in its header.
        return f"{named}is not of this message, and was not verified"
    return f"{named}was not verified"


def _payment_details(request: Message, contract: Contract, when: float | None) -> Iterator[Remark]:
    chain, emaid = request.body.ContractSignatureCertChain, request.body.eMAID
    read = _read(chain)
    if isinstance(read, Remark):
        yield read
        return
    leaf, others = read[0], read[1:]
    faults = [*_of_contract(leaf, emaid), *_together(read)]
    if when is not None:
        now = datetime.fromtimestamp(when, timezone.utc)
        faults += _dates(leaf, now, "the contract certificate", "FAILED_CertificateExpired")
        for number, certificate in enumerate(others, 1):
            # The code of its own is for the contract certificate; a link of the chain has none.
            faults += _dates(certificate, now, f"sub-certificate {number}", "FAILED")
    yield from faults
    if not faults:
        until = min(certificate.not_valid_after_utc for certificate in read)
        dates = f"valid until {until:%Y-%m-%d}" if when is not None else "without a look at its dates: no date is known"
        text = f"the contract certificate of {emaid} and {len(others)} above it are taken, {dates}"
        yield Remark(UNVERIFIED, "note", f"{text}; their signatures were not verified")


def _read(chain: Any) -> list[Certificate] | Remark:
    """The certificates, the contract's first; or what is wrong with one."""
    from cryptography import x509

    above = getattr(getattr(chain, "SubCertificates", None), "Certificate", None) or ()
    found = []
    for number, der in enumerate((getattr(chain, "Certificate", None), *above)):
        name = f"sub-certificate {number}" if number else "the contract certificate"
        try:
            found.append(x509.load_der_x509_certificate(der or b""))
        except ValueError as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            return Remark("contract.chain", "error", f"{name} cannot be read: {reason}", "FAILED")
    return found


def _of_contract(leaf: Certificate, emaid: Any) -> Iterator[Remark]:
    """The certificate's common name is the contract's id; hyphens and case do not count."""
    from cryptography.x509.oid import NameOID

    names = [str(attribute.value) for attribute in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if _plain(str(emaid)) not in map(_plain, names):
        named = " and ".join(names) or "nobody"
        text = f"the eMAID is {emaid}, and the contract certificate is that of {named}"
        yield Remark("contract.emaid", "error", text, "FAILED")


def _plain(emaid: str) -> str:
    return emaid.replace("-", "").upper()


def _together(chain: list[Certificate]) -> Iterator[Remark]:
    """Each certificate names the next one as its issuer."""
    for number, (lower, upper) in enumerate(pairwise(chain), 1):
        if lower.issuer != upper.subject:
            name = f"sub-certificate {number - 1}" if number > 1 else "the contract certificate"
            text = f"{name} was issued by {lower.issuer.rfc4514_string()}, and sub-certificate {number} is that of "
            yield Remark("contract.chain", "error", text + upper.subject.rfc4514_string(), "FAILED")


def _dates(certificate: Certificate, now: datetime, name: str, code: str) -> Iterator[Remark]:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not first <= now <= last:
        text = f"{name} is valid from {first:%Y-%m-%d} until {last:%Y-%m-%d}, and it is {now:%Y-%m-%d}"
        yield Remark("contract.expired", "error", text, code)


def _authorization(request: Message, contract: Contract, when: float | None) -> Iterator[Remark]:
    if not contract.selected or contract.answered:
        return
    given = request.body.GenChallenge
    if given != contract.challenge:
        said = f"has the GenChallenge {bytes(given).hex().upper()}" if given else "has no GenChallenge"
        text = f"AuthorizationReq {said}, and PaymentDetailsRes had {contract.challenge.hex().upper() or 'none'}"
        yield Remark("contract.challenge", "error", f"{text}; [V2G2-475]", "FAILED_ChallengeInvalid")
    elif getattr(request.header, "Signature", None) is None:
        text = "AuthorizationReq is not signed, and the vehicle pays by contract; [V2G2-684]"
        yield Remark("signature.missing", "error", text, "FAILED_SignatureError")


def _receipt(request: Message, contract: Contract, when: float | None) -> Iterator[Remark]:
    if contract.selected and getattr(request.header, "Signature", None) is None:
        # The station need not verify it, so it does not refuse it either ([V2G2-904]).
        yield Remark("signature.missing", "warning", "MeteringReceiptReq is not signed; [V2G2-903]")
    if contract.metered is None:
        return
    schedule, meter = contract.metered
    body = request.body
    if body.MeterInfo != meter:
        text = f"the vehicle signs for {_reading(body.MeterInfo)}, and was told {_reading(meter)}"
        yield Remark("contract.receipt", "warning", text)
    if body.SAScheduleTupleID not in (None, schedule):
        text = f"the vehicle signs for SAScheduleTupleID {body.SAScheduleTupleID}, and was told {schedule}"
        yield Remark("contract.receipt", "warning", text)


def _reading(meter: Any) -> str:
    if meter is None:
        return "no MeterInfo"
    shown = [f"{name} {value}" for name in ("MeterReading", "MeterStatus", "TMeter") if (value := getattr(meter, name))]
    return " ".join((f"meter {meter.MeterID}", *shown))


def _certificate_service(request: Message, contract: Contract, when: float | None) -> Iterator[Remark]:
    if CERTIFICATE_SERVICE not in contract.services:
        text = f"{request.name} came, and the station offers no certificate service (ServiceID {CERTIFICATE_SERVICE})"
        yield Remark("contract.service", "warning", text, "FAILED_NoCertificateAvailable")


_RULES = {
    "PaymentDetailsReq": _payment_details,
    "AuthorizationReq": _authorization,
    "MeteringReceiptReq": _receipt,
    "CertificateInstallationReq": _certificate_service,
    "CertificateUpdateReq": _certificate_service,
}
