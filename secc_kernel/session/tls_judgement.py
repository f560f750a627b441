"""What a TLS handshake says to somebody who investigates charging: a line about it, what is odd, and why it failed.

Works on what `wire.tls.Handshake` has seen, of a live connection or of a capture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from secc_kernel.session.journal import FindingEntry, NoteEntry
from secc_kernel.session.sdp_security import RULE
from secc_kernel.wire.tls.names import GROUPS, SIGNATURES, SUITES, VERSIONS, name_of

if TYPE_CHECKING:
    from cryptography import x509

    from secc_kernel.session.journal import Entry
    from secc_kernel.wire.tls import ClientHello, Handshake

__all__ = ["ANNOUNCEMENT", "WAITS", "Failure", "Judgement", "certificates", "failure", "judge", "summary", "told"]

ANNOUNCEMENT = "TLS with "
"""How the note begins that says what was agreed on."""
WAITS = "capture.waits"
"""The rule of the finding that nobody seems to write any more what is listened to."""

_ROLES = {"client": "vehicle", "server": "station"}
#: Cipher suites of the two standards.
SUITES_OF_TLS12 = (0xC023, 0xC025)
SUITES_OF_TLS13 = (0x1302, 0x1303)
GROUPS_OF_TLS12 = (0x0017,)
GROUPS_OF_TLS13 = (0x0019, 0x001E)


def told(entry: Entry) -> str | None:
    """What an entry of a live session says to somebody who waits for a message: about TLS, or that none may come."""
    if isinstance(entry, FindingEntry) and entry.rule == WAITS:
        return entry.text
    if isinstance(entry, NoteEntry):
        return entry.text if entry.text.startswith(ANNOUNCEMENT) else None
    if isinstance(entry, FindingEntry) and entry.severity != "note":
        return f"{entry.severity}: {entry.text}" if entry.rule.startswith("tls.") or entry.rule == RULE else None
    return None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A finding about a handshake: rule, severity and text."""

    rule: str
    severity: str
    text: str


def certificates(handshake: Handshake, side: str) -> list[x509.Certificate]:
    """The chain that ``'client'`` or ``'server'`` showed, as far as it can be read."""
    from cryptography import x509

    found: list[x509.Certificate] = []
    shown = handshake.certificates.get(side)
    for der in shown.chain if shown is not None else ():
        try:
            found.append(x509.load_der_x509_certificate(der))
        except ValueError:
            break
    return found


def summary(handshake: Handshake) -> str:
    """What was agreed on, in one line."""
    parts = [handshake.version or "TLS", handshake.suite, handshake.group_name]
    text = ", ".join(filter(None, parts))
    for side, role in _ROLES.items():
        text += _shown(handshake, side, role)
    if "server" in handshake.certificates and not handshake.tls13:  # there it would be encrypted
        text += "; an OCSP response is stapled" if handshake.ocsp else "; no OCSP response is stapled"
    return text


def _shown(handshake: Handshake, side: str, role: str) -> str:
    if side not in handshake.certificates:
        return ""
    chain = certificates(handshake, side)
    if not chain:
        return f"; the {role} shows no certificate"
    from secc_kernel.pki import inspect

    leaf = chain[0]
    many = f" with {len(chain) - 1} more" if len(chain) > 1 else ""
    until = f"{leaf.not_valid_after_utc:%Y-%m-%d}"
    return f"; the {role} shows {inspect.name_of(leaf.subject)}, valid until {until}{many}"


def judge(handshake: Handshake, now: datetime | None = None) -> list[Judgement]:
    """What is odd about a handshake that came to its end.

    Parameters
    ----------
    handshake
        What was seen of it.
    now
        When it was.
    """
    when = now or datetime.now(timezone.utc)
    return [*_choice(handshake), *_suites(handshake), *_wishes(handshake), *_chains(handshake, when)]


def _choice(handshake: Handshake) -> Iterator[Judgement]:
    """The suite and the group that were taken."""
    chosen = handshake.server_hello
    if chosen is None:
        return
    ours = SUITES_OF_TLS13 if handshake.tls13 else SUITES_OF_TLS12
    standard = "ISO 15118-20" if handshake.tls13 else "ISO 15118-2"
    if chosen.suite not in ours and (handshake.tls13 or _offers(handshake, ours)):
        text = f"{handshake.suite} is none of {standard}'s cipher suites ({_listed(ours, SUITES)})"
        yield Judgement("tls.suite", "error", text)
    groups = GROUPS_OF_TLS13 if handshake.tls13 else GROUPS_OF_TLS12
    if handshake.group and handshake.group not in groups:
        text = f"{handshake.group_name} is none of {standard}'s groups ({_listed(groups, GROUPS)})"
        yield Judgement("tls.group", "warning", text)


def _offers(handshake: Handshake, suites: tuple[int, ...]) -> bool:
    return handshake.client_hello is not None and bool(set(suites) & set(handshake.client_hello.suites))


def _suites(handshake: Handshake) -> Iterator[Judgement]:
    """The suites that a vehicle has to offer in TLS 1.2: one of two."""
    hello = handshake.client_hello
    if hello is None or handshake.tls13 or _offers(handshake, SUITES_OF_TLS12):
        return
    text = f"the vehicle offers none of ISO 15118-2's cipher suites, but {_listed(hello.suites, SUITES)}"
    yield Judgement("tls.suite", "error", text)


def _wishes(handshake: Handshake) -> Iterator[Judgement]:
    """What the vehicle asks for besides."""
    hello = handshake.client_hello
    if hello is None or handshake.server_hello is None:
        return
    asks = hello.status_request or hello.status_request_v2
    if asks and "server" in handshake.certificates and not handshake.tls13 and not handshake.ocsp:
        text = "the vehicle asks for a stapled OCSP response and gets none: it may close the connection"
        yield Judgement("tls.ocsp", "warning", f"{text} ([V2G2-873])")
    yield from _roots(handshake, hello)
    if handshake.tls13 and not hello.authorities:
        text = "the vehicle does not say which roots it has (certificate_authorities, [V2G20-2379])"
        yield Judgement("tls.roots", "note", text)
    elif not handshake.tls13 and hello.trusted_ca_keys is None:
        text = "the vehicle does not say which roots it has (trusted_ca_keys, [V2G2-651])"
        yield Judgement("tls.roots", "note", text)


def _roots(handshake: Handshake, hello: ClientHello) -> Iterator[Judgement]:
    """Whether the root of the station's chain is among those that the vehicle has, as far as both tell."""
    chain = certificates(handshake, "server")
    if not chain:
        return
    from cryptography import x509

    from secc_kernel.pki import inspect

    last = chain[-1]
    keys = hello.trusted_ca_keys or ()
    names = {*hello.authorities, *(known for kind, known in keys if kind == 2)}
    hashes = {known for kind, known in keys if kind == 1}
    if (not names and not hashes) or any(kind in (0, 3) for kind, _ in keys):
        return  # nothing is said, or what cannot be compared without the root itself
    try:
        above = last.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, ValueError):
        above = None
    if last.issuer.public_bytes() not in names and above not in hashes:
        text = f"the station's chain ends under {inspect.name_of(last.issuer)}, which is none of the vehicle's roots"
        yield Judgement(
            "tls.roots", "warning", f"{text}, as its ClientHello tells them: it will hardly accept the chain"
        )


def _chains(handshake: Handshake, now: datetime) -> Iterator[Judgement]:
    from secc_kernel.pki import inspect

    for side, role in _ROLES.items():
        chain = certificates(handshake, side)
        for problem in inspect.problems(chain, now):
            if problem.rule != "ocsp-url":  # of no importance to a handshake
                subject = inspect.name_of(chain[problem.index].subject)
                text = f"the {role}'s certificate {subject} {problem.text}"
                yield Judgement(f"tls.certificate.{problem.rule}", problem.severity, text)


def _listed(numbers: tuple[int, ...], names: dict[int, str]) -> str:
    return ", ".join(name_of(names, number) for number in numbers) or "none"


# -- failures ---------------------------------------------------------------------------------------------------------

#: Alert -> (why, what to do); {sender} has sent it, {other} is the other side.
_ALERTS: dict[str, tuple[str, str]] = {
    "unknown_ca": (
        "the {sender} knows no root under which the {other}'s certificate stands",
        "give the {sender} the root of that chain, or let the {other} show a chain under a root that the {sender} has",
    ),
    "certificate_expired": (
        "the {sender} holds the {other}'s certificate, or one above it, for expired or not valid yet",
        "look at the dates of the chain (secc-kernel pki show FILE) and at the {sender}'s clock",
    ),
    "certificate_revoked": (
        "the {sender} holds the {other}'s certificate for revoked",
        "let the {other} show another one",
    ),
    "certificate_unknown": (
        "the {sender} does not accept the {other}'s certificate, for a reason of its own",
        "compare the chain with the standard's profiles (secc-kernel pki show FILE)",
    ),
    "bad_certificate": (
        "the {sender} finds the {other}'s certificate damaged, or a signature in its chain wrong",
        "look at the chain and its order (secc-kernel pki show FILE)",
    ),
    "unsupported_certificate": (
        "the {sender} cannot use a certificate of that kind (key, algorithm or usage)",
        "let the {other} show a certificate of the profile that the {sender}'s protocol has",
    ),
    "certificate_required": (
        "the {sender} wants the {other}'s certificate, and was shown none ([V2G20-2400])",
        "give the {other} a certificate",
    ),
    "bad_certificate_status_response": (
        "the {sender} does not accept the OCSP response that was stapled, or misses one",
        "look at the OCSP response (secc-kernel pki show FILE)",
    ),
    "handshake_failure": ("the two have no cipher suite, group or signature in common", "compare what both offer"),
    "insufficient_security": ("what the {other} offers is too weak for the {sender}", "compare what both offer"),
    "protocol_version": ("the two have no version of TLS in common", "compare the versions that both offer"),
    "inappropriate_fallback": (
        "the vehicle came back with a lower version than it can",
        "find out why its first attempt failed",
    ),
    "decrypt_error": (
        "a signature of the {other}'s handshake does not fit its certificate, or the keys differ",
        "see that the {other}'s private key belongs to its certificate",
    ),
    "missing_extension": ("the {other} left out an extension that TLS 1.3 demands", "look at its hello"),
    "unsupported_extension": ("the {other} sent an extension that was not asked for", "look at its hello"),
    "unrecognized_name": ("the {sender} does not know the server name that the {other} asked for", "leave SNI away"),
    "internal_error": ("the {sender} failed, for a reason of its own", "look at the {sender}'s log"),
    "close_notify": ("the {sender} closed the connection in the middle of the handshake", "look at the {sender}'s log"),
    "user_canceled": ("the {sender} broke off", "look at the {sender}'s log"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a handshake failed.

    Attributes
    ----------
    reason
        Who gave up and why, in a clause.
    details
        What was offered, which chain it was.
    advice
        What to do.
    """

    reason: str
    details: str
    advice: str

    def __str__(self) -> str:
        return f"{self.reason}{f' ({self.details})' if self.details else ''}; {self.advice}"


def failure(handshake: Handshake, sender: str, alert: str, detail: str = "") -> Failure:
    """Why a handshake failed, and what to do about it.

    Parameters
    ----------
    handshake
        What was seen of it.
    sender
        Who gave up, ``'client'`` or ``'server'``.
    alert
        The alert's name; '' where the connection just ended.
    detail
        What the TLS library says besides.
    """
    roles = {"sender": _ROLES[sender], "other": _ROLES["client" if sender == "server" else "server"]}
    if not alert:
        reason = f"the {roles['sender']} closed the connection {_last_step(handshake)}without an alert"
        return Failure(reason, detail, _silence(handshake, sender))
    why, advice = _ALERTS.get(alert, (f"the {{sender}} broke off with {alert}", "look at the {sender}'s log"))
    reason = f"the {roles['sender']} sent the alert {alert}: {why.format_map(roles)}"
    said = "; ".join(filter(None, (detail, _compared(handshake, alert), _about_chain(handshake, sender, alert))))
    return Failure(reason, said, advice.format_map(roles))


def _last_step(handshake: Handshake) -> str:
    """How far a handshake had come, as a part of a sentence."""
    if handshake.established:
        return "at the end of the handshake, "
    if handshake.certificates:
        return "after the station's certificate, "
    return "after the hellos, " if handshake.server_hello else "after the ClientHello, "


def _silence(handshake: Handshake, sender: str) -> str:
    if sender == "client" and handshake.server_hello is not None:
        return (
            "vehicles do so where they have no root for the station's chain, find it expired, or miss a stapled OCSP "
            "response ([V2G2-873])"
        )
    return "look at its log"


def _compared(handshake: Handshake, alert: str) -> str:
    """What the vehicle offered, where that is what did not fit."""
    hello = handshake.client_hello
    if hello is None:
        return ""
    if alert == "protocol_version":
        return f"the vehicle offers {_listed(hello.versions, VERSIONS)}"
    if alert in ("handshake_failure", "insufficient_security"):
        suites = tuple(number for number in hello.suites if number != 0x00FF)
        return (
            f"the vehicle offers the suites {_listed(suites, SUITES)}, the groups {_listed(hello.groups, GROUPS)}, "
            f"the signatures {_listed(hello.signatures, SIGNATURES)}"
        )
    return ""


def _about_chain(handshake: Handshake, sender: str, alert: str) -> str:
    """The chain that was not accepted."""
    if "certificate" not in alert and alert != "unknown_ca":
        return ""
    other = "client" if sender == "server" else "server"
    chain = certificates(handshake, other)
    if not chain:
        return ""
    from secc_kernel.pki import inspect

    leaf, last = chain[0], chain[-1]
    dates = f"{leaf.not_valid_before_utc:%Y-%m-%d} to {leaf.not_valid_after_utc:%Y-%m-%d}"
    return f"{inspect.name_of(leaf.subject)}, valid {dates}, under {inspect.name_of(last.issuer)}"
