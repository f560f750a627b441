"""A TLS handshake: what the vehicle offered, what the station took, the certificates, and what is odd about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from itertools import islice
from typing import TYPE_CHECKING

from secc_kernel.session import tls_judgement
from secc_kernel.session.decrypt import LAYER, Decryption
from secc_kernel.session.journal import FrameEntry, SecretEntry
from secc_kernel.session.secrets import Secrets
from secc_kernel.views.look import Block, Column, Either, Para, Span, Table
from secc_kernel.views.reading import marked, since_start
from secc_kernel.views.view import View
from secc_kernel.wire.tls import ClientHello, Handshake
from secc_kernel.wire.tls.names import EXTENSIONS, GROUPS, SIGNATURES, SUITES, VERSIONS, name_of

if TYPE_CHECKING:
    from pandas import DataFrame

    from secc_kernel.session.journal import Journal

__all__ = ["handshake"]

#: Records at the beginning of a connection among which its handshake is.
_RECORDS = 64
_SIDES = {"client": "vehicle", "server": "station"}
#: Extensions whose content has a row of its own.
_SHOWN = {0, 3, 5, 10, 13, 17, 43, 47, 51}
#: Seconds up to which a time is one of a simulated clock, which begins at 0.
_SIMULATED = 10**8
_ROOTS = {0: "agreed on before", 1: "by SHA-1 of the key", 2: "by name", 3: "by SHA-1 of the certificate"}

Row = tuple[str, str, str]


def handshake(journal: Journal, stream: int | None = None) -> View:
    """What was agreed on in TLS, and what both sides had to say: offers, choice, certificates, OCSP, alerts.

    Parameters
    ----------
    journal : Journal
        The record. What TLS 1.3 encrypts is shown where the journal has the secrets.
    stream : int, optional
        The TCP connection; the last one with TLS by default.

    ``data``: a row for each thing that was said, with the columns ``what``, ``vehicle`` and ``station``.
    """
    records = [entry for entry in journal.entries if isinstance(entry, FrameEntry) and entry.layer == LAYER]
    if stream is None and records:
        stream = records[-1].stream
    mine = list(islice((entry for entry in records if entry.stream == stream), _RECORDS))
    if not mine:
        where = "in this journal" if stream is None else f"on connection {stream}"
        return View([Para.of(f"there is no TLS {where}")], lambda: _data([]))
    seen = _read(journal, mine)
    rows = list(_rows(seen))
    when = None if mine[0].time < _SIMULATED else datetime.fromtimestamp(mine[0].time, timezone.utc)
    title = f"TLS on connection {stream}"
    at = f" at {since_start(journal, mine[0].time):.3f} s, {mine[0].src} to {mine[0].dst}"
    blocks: list[Block] = [Para.of(Span(title, "strong"), f"{at}: {_outcome(seen)}")]
    columns = (Column(""), Column("Vehicle", flexible=True), Column("Station", flexible=True))
    blocks.append(Either((Table(columns, rows),), tuple(map(_line, rows))))
    chains = list(_certificates(seen))
    if chains:
        who = (Column("Shown by"), Column("Subject", flexible=True), Column("Issuer", flexible=True))
        blocks.append(Table((*who, Column("Valid until"), Column("Key")), chains, caption="Certificates"))
    blocks += [Para.of(f"{marked(said.severity)} {said.text}") for said in tls_judgement.judge(seen, when)]
    return View(blocks, lambda: _data(rows))


def _read(journal: Journal, records: Iterable[FrameEntry]) -> Handshake:
    """What the records say, opened where there are secrets."""
    secrets = Secrets(complete=True)
    for entry in journal.entries:
        if isinstance(entry, SecretEntry):
            secrets.add(entry.line.encode("ascii", "replace"))
    reader: Decryption | None = None
    for entry in records:
        if reader is None:
            reader = Decryption(entry.stream, (entry.src, entry.dst), None, secrets)
        list(reader.receive_data(int(entry.src != reader.ends[0]), entry.data, entry.time))
    assert reader is not None
    return reader.handshake


def _line(row: Row) -> Para:
    """A row as text: lists of suites are longer than the columns of a terminal."""
    what, vehicle, station = row
    sides = (("vehicle", vehicle), ("station", station))
    return Para.of(f"{what}: " + "; ".join(f"{side} {said}" for side, said in sides if said))


def _outcome(seen: Handshake) -> str:
    fatal = [(sender, alert) for sender, alert in seen.alerts if alert.level == 2]
    if fatal:
        sender, alert = fatal[0]
        return str(tls_judgement.failure(seen, sender, alert.name))
    parts = filter(None, (seen.version, seen.suite, seen.group_name))
    return ", ".join(parts) if seen.server_hello else "nothing was agreed on"


def _rows(seen: Handshake) -> Iterator[Row]:
    hello, answer = seen.client_hello, seen.server_hello
    if hello is not None:
        yield "Version", _named(hello.versions, VERSIONS), seen.version
        yield "Cipher suite", _named(hello.suites, SUITES), seen.suite
        yield "Group", _named(hello.groups, GROUPS), seen.group_name
        if hello.key_shares:
            yield "Key share", _named(hello.key_shares, GROUPS), "asked for another" if seen.retried else ""
        yield "Signatures", _named(hello.signatures, SIGNATURES), ""
        yield "Server name", hello.server_name or "none", ""
        yield "Roots", _roots(hello), ""
        yield "OCSP response", _asks(hello), _stapled(seen)
        others = [name_of(EXTENSIONS, number) for number in hello.extensions if number not in _SHOWN]
        taken = [name_of(EXTENSIONS, number) for number in answer.extensions if number not in _SHOWN] if answer else []
        yield "Other extensions", ", ".join(others), ", ".join(taken)
    if seen.request is not None:
        yield "Client's certificate", "shown" if _shows(seen) else "none", "asked for"
    for sender, alert in seen.alerts:
        if alert.description:
            yield "Alert", str(alert) if sender == "client" else "", str(alert) if sender == "server" else ""


def _named(numbers: Iterable[int], names: dict[int, str]) -> str:
    return ", ".join(name_of(names, number) for number in numbers)


def _roots(hello: ClientHello) -> str:
    if hello.authorities:
        return ", ".join(map(_name, hello.authorities))
    if hello.trusted_ca_keys is None:
        return "not said"
    shown = [
        _name(known) if kind == 2 else f"{_ROOTS.get(kind, f'kind {kind}')} {known.hex()}".rstrip()
        for kind, known in hello.trusted_ca_keys
    ]
    return ", ".join(shown) or "trusted_ca_keys, empty"


def _name(der: bytes) -> str:
    """A distinguished name; as bytes where it cannot be read, or the library is too old to."""
    from cryptography import x509

    from secc_kernel.pki import inspect

    try:
        return inspect.name_of(x509.Name.from_bytes(der))
    except (ValueError, AttributeError):
        return der.hex()


def _asks(hello: ClientHello) -> str:
    ways = ("status_request", hello.status_request), ("status_request_v2", hello.status_request_v2)
    return " and ".join(name for name, asked in ways if asked) or "not asked for"


def _stapled(seen: Handshake) -> str:
    if seen.ocsp is not None:
        return "stapled"
    return "none" if "server" in seen.certificates else "encrypted" if seen.tls13 else ""


def _shows(seen: Handshake) -> bool:
    return "client" in seen.certificates and bool(seen.certificates["client"].chain)


def _certificates(seen: Handshake) -> Iterator[tuple[str, ...]]:
    from secc_kernel.pki import inspect

    for side, role in _SIDES.items():
        for certificate in tls_judgement.certificates(seen, side):
            yield (
                role,
                inspect.name_of(certificate.subject),
                inspect.name_of(certificate.issuer),
                f"{certificate.not_valid_after_utc:%Y-%m-%d}",
                inspect.key_name(certificate),
            )


def _data(rows: list[Row]) -> DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=["what", "vehicle", "station"], dtype="string")
