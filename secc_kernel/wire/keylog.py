"""The secrets of TLS connections as lines of text, as NSS once began and everybody now writes them (RFC 9850).

A line is a label, the random of the ClientHello and the secret, the last two in hexadecimal. Such lines are found in
files (SSLKEYLOGFILE), in the Decryption Secrets Blocks of a pcapng file, and in UDP datagrams that a test station sends
beside its session so that they are captured with it; they hold one line or several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["BEGINNINGS", "LABELS", "Secret", "secrets_in"]

#: What a secret can be: the master secret of TLS 1.2, and the traffic secrets of TLS 1.3.
LABELS = (
    "CLIENT_RANDOM",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
    "CLIENT_EARLY_TRAFFIC_SECRET",
    "EARLY_EXPORTER_SECRET",
    "EXPORTER_SECRET",
)
#: How lines begin: a datagram that begins otherwise has none.
BEGINNINGS = tuple(label[:5].encode() for label in LABELS)
_LINE = re.compile(rb"^\s*(" + "|".join(LABELS).encode() + rb")[ \t]+([0-9a-fA-F]{64})[ \t]+((?:[0-9a-fA-F]{2})+)\s*$")


class Secret(NamedTuple):
    """A secret of a connection: what it is, the random of its ClientHello, and the secret itself."""

    label: str
    client_random: bytes
    secret: bytes

    @property
    def line(self) -> str:
        """As a line of a key log."""
        return f"{self.label} {self.client_random.hex()} {self.secret.hex()}"


def secrets_in(data: bytes) -> Iterator[Secret]:
    """The secrets in a text; lines that are none (comments, other labels, broken ones) are passed over."""
    for line in data.replace(b"\0", b"\n").splitlines():
        found = _LINE.match(line)
        if found is not None:
            label, random, secret = found.groups()
            yield Secret(label.decode(), bytes.fromhex(random.decode()), bytes.fromhex(secret.decode()))
