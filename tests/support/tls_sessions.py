"""TLS connections as bytes, made by OpenSSL in memory, with the key log that it writes."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
#: OpenSSL's option of that name, which Python does not give.
NO_ENCRYPT_THEN_MAC = 1 << 19


def certificate(folder: Path, name: str = "SECC") -> Path:
    """A self-signed certificate and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


class Talk(NamedTuple):
    """What went over the line, in order: who ('EV', 'SECC'), and the bytes; and the key log."""

    flights: list[tuple[str, bytes]]
    keylog: bytes
    suite: str


def talk(
    folder: Path,
    said: list[tuple[str, bytes]],
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    suite: str | None = None,
    options: int = 0,
    mutual: bool = False,
    close: bool = True,
) -> Talk:
    """A handshake, and what is said then; each element of `said` is one record."""
    pem = certificate(folder)
    keylog = folder / "keylog.txt"
    contexts = {"EV": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "SECC": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}
    for context in contexts.values():
        context.minimum_version = context.maximum_version = version
        context.options |= options
        if suite and version == ssl.TLSVersion.TLSv1_2:
            context.set_ciphers(f"{suite}:@SECLEVEL=0")
    contexts["EV"].check_hostname = False
    contexts["EV"].load_verify_locations(pem)
    contexts["EV"].keylog_filename = str(keylog)
    contexts["SECC"].load_cert_chain(pem)
    if mutual:
        contexts["SECC"].verify_mode = ssl.CERT_REQUIRED
        contexts["SECC"].load_verify_locations(pem)
        contexts["EV"].load_cert_chain(pem)
    pipes = {who: (ssl.MemoryBIO(), ssl.MemoryBIO()) for who in contexts}
    ends = {
        "EV": contexts["EV"].wrap_bio(*pipes["EV"], server_hostname="secc.example"),
        "SECC": contexts["SECC"].wrap_bio(*pipes["SECC"], server_side=True),
    }
    flights: list[tuple[str, bytes]] = []

    def move() -> None:
        for who, other in (("EV", "SECC"), ("SECC", "EV")):
            if data := pipes[who][1].read():
                flights.append((who, data))
                pipes[other][0].write(data)

    done: set[str] = set()
    while len(done) < 2:
        for who, end in ends.items():
            try:
                end.do_handshake()
                done.add(who)
            except ssl.SSLWantReadError:
                pass
        move()
    for who, data in said:
        ends[who].write(data)
        move()
        assert ends["SECC" if who == "EV" else "EV"].read(1 << 20) == data
    if close:
        for who in ("EV", "SECC"):
            try:
                ends[who].unwrap()
            except ssl.SSLWantReadError:
                pass
            move()
    cipher = ends["EV"].cipher()
    del ends, contexts
    return Talk(flights, keylog.read_bytes(), cipher[0] if cipher else "")
