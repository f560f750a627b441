"""Where the secrets of captured TLS connections come from: the capture itself, and a file with a key log beside it."""

from __future__ import annotations

import os
from pathlib import Path

from secc_kernel.link.packet import MANAGEMENT, PacketParser
from secc_kernel.link.pcap import SECRETS, CaptureError, Reader, tls_secrets
from secc_kernel.session.secrets import Secrets

__all__ = ["secrets_of"]

#: The longest line of a key log that is read as one.
_MAX_LINE = 1 << 12


def secrets_of(path: Path | str, keylog: Path | str | None = None) -> Secrets:
    """The secrets for a capture's connections.

    Those that the capture has itself are found when one of them is missing, wherever they are in the file: it is then
    read once more, ahead. What can be read only once (a pipe) tells them as it goes.

    Parameters
    ----------
    path
        The capture.
    keylog
        A key log, as many programs write it where SSLKEYLOGFILE says.

    Raises
    ------
    CaptureError
        The key log cannot be read, or has no secrets.
    """
    if os.path.isfile(path):
        secrets = Secrets(lambda: _search(path, secrets), complete=True)
    else:
        secrets = Secrets()
    if keylog is not None:
        _read(Path(keylog), secrets)
    return secrets


def _read(path: Path, secrets: Secrets) -> None:
    told = empty = True
    try:
        with path.open("rb") as file:
            while line := file.readline(_MAX_LINE):
                told, empty = secrets.add(line) or (told and not empty), False
    except OSError as error:
        raise CaptureError(f"the key log {path} cannot be read: {error.strerror or error}") from error
    if not told:
        raise CaptureError(
            f"{path} is no key log: no line of it is a label (such as CLIENT_RANDOM), the random of a ClientHello "
            "and a secret, both in hexadecimal"
        )


def _search(path: Path | str, secrets: Secrets) -> None:
    """Read a capture for nothing but its secrets."""

    def block(kind: int, body: bytes, order: str) -> bool:
        if kind == SECRETS:
            secrets.add(tls_secrets(body, order))
        return False

    parser = PacketParser()
    try:
        for _, _, link_type, data, missing in Reader(path, blocks=block):
            segment = parser.segment(link_type, data, missing)
            if segment is not None and segment[3] is None and segment[5] != MANAGEMENT:
                secrets.add_datagram(segment[1])
    except CaptureError:
        return  # whoever reads the messages will find out, too, and say so
