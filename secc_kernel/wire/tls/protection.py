"""How TLS protects records, for whoever has been told the secrets (RFC 5246, RFC 7366, RFC 5288, RFC 7905, RFC 8446).

A `Protection` is one direction of a connection under one set of keys: it opens records that were overheard, in their
order, and seals others like them. Keys come from the secrets that a key log has: the master secret of TLS 1.2, the
traffic secrets of TLS 1.3. What a suite uses is read off its name.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from secc_kernel.wire.tls import ContentType, Record

__all__ = ["Protection", "ProtectionError", "Suite", "next_secret", "tls12_protections", "tls13_protection"]

_SUITE = re.compile(r"(?:_WITH_|^TLS_)(?:AES_(128|256)_(CBC|GCM|CCM_8|CCM)|(CHACHA20)_POLY1305)(?:_(SHA\d*))?$")
_BLOCK = 16
_TLS12 = 0x0303


class ProtectionError(ValueError):
    """A record cannot be opened: other keys, another place in the sequence, or damage."""


class Suite(NamedTuple):
    """What a cipher suite protects records with.

    Attributes
    ----------
    mode
        'CBC', 'GCM', 'CCM', 'CCM_8' or 'CHACHA20'.
    key_length
        Bytes of the cipher's key.
    digest
        The hash of its MAC (CBC), as `hashlib` names it.
    prf
        The hash that keys are derived with.
    """

    mode: str
    key_length: int
    digest: str
    prf: str

    @classmethod
    def of(cls, name: str) -> Suite | None:
        """The suite of that name, None if it is not known here how it protects records."""
        found = _SUITE.search(name)
        if found is None:
            return None
        size, mode, chacha, digest = found.groups()
        prf = "sha384" if digest == "SHA384" else "sha256"
        mac = "sha1" if digest == "SHA" else prf
        return cls(chacha or mode, 32 if chacha else int(size) // 8, mac, prf)

    @property
    def mac_length(self) -> int:
        """Bytes of the key of the MAC; 0 where the cipher authenticates by itself."""
        return len(hmac.digest(b"", b"", self.digest)) if self.mode == "CBC" else 0

    @property
    def iv_length(self) -> int:
        """Bytes of the nonce that TLS 1.2 derives; the records bring the rest of it."""
        return {"CBC": 0, "CHACHA20": 12}.get(self.mode, 4)

    def aead(self, key: bytes) -> AESGCM | AESCCM | ChaCha20Poly1305:
        """The cipher, of a suite that is not CBC."""
        if self.mode == "CHACHA20":
            return ChaCha20Poly1305(key)
        if self.mode == "GCM":
            return AESGCM(key)
        return AESCCM(key, tag_length=8 if self.mode == "CCM_8" else 16)


@dataclass
class Protection:
    """One direction under one set of keys.

    Attributes
    ----------
    sequence
        The number of the next record.
    """

    sequence: int = 0

    def open(self, record: Record, sequence: int | None = None) -> tuple[int, bytes]:
        """What a record carries: its content type and the plain text; the next one is then expected.

        Parameters
        ----------
        record
            The record, as it was on the wire.
        sequence
            Its number, where records before it are missing; that of the next one otherwise.

        Raises
        ------
        ProtectionError
            It was protected with other keys, is another one of the sequence, or is damaged.
        """
        number = self.sequence if sequence is None else sequence
        try:
            opened = self._open(record, number)
        except (InvalidTag, ValueError, IndexError) as error:
            raise ProtectionError(f"record {number} cannot be opened with these keys") from error
        self.sequence = number + 1
        return opened

    def seal(self, content_type: int, data: bytes) -> Record:
        """A record that carries data, as the next of the sequence."""
        record = self._seal(content_type, data, self.sequence)
        self.sequence += 1
        return record

    def _open(self, record: Record, sequence: int) -> tuple[int, bytes]:
        raise NotImplementedError

    def _seal(self, content_type: int, data: bytes, sequence: int) -> Record:
        raise NotImplementedError


def _header(sequence: int, content_type: int, length: int) -> bytes:
    """What the MAC of TLS 1.2 covers beside the content."""
    return sequence.to_bytes(8, "big") + bytes((content_type, 3, 3)) + length.to_bytes(2, "big")


class _Cbc(Protection):
    """AES-CBC with HMAC: the MAC inside of the encryption, or around it (RFC 7366)."""

    def __init__(self, suite: Suite, key: bytes, mac_key: bytes, encrypt_then_mac: bool) -> None:
        super().__init__()
        self._cipher = algorithms.AES(key)
        self._key, self._digest, self._size = mac_key, suite.digest, suite.mac_length
        self._outside = encrypt_then_mac

    def _mac(self, sequence: int, content_type: int, data: bytes) -> bytes:
        return hmac.digest(self._key, _header(sequence, content_type, len(data)) + data, self._digest)

    def _check(self, sequence: int, content_type: int, data: bytes) -> bytes:
        """Take a MAC off the end of what it covers."""
        content, mac = data[: -self._size], data[-self._size :]
        if len(mac) != self._size or not hmac.compare_digest(mac, self._mac(sequence, content_type, content)):
            raise ValueError("MAC")
        return content

    def _open(self, record: Record, sequence: int) -> tuple[int, bytes]:
        kind, data = record.content_type, record.fragment
        if self._outside:
            data = self._check(sequence, kind, data)
        decryptor = Cipher(self._cipher, modes.CBC(data[:_BLOCK])).decryptor()
        plain = decryptor.update(data[_BLOCK:]) + decryptor.finalize()
        padding = plain[-1] + 1
        if padding > len(plain) or plain[-padding:] != bytes((padding - 1,)) * padding:
            raise ValueError("padding")
        plain = plain[:-padding]
        return kind, plain if self._outside else self._check(sequence, kind, plain)

    def _seal(self, content_type: int, data: bytes, sequence: int) -> Record:
        plain = data if self._outside else data + self._mac(sequence, content_type, data)
        padding = _BLOCK - len(plain) % _BLOCK
        plain += bytes((padding - 1,)) * padding
        # Not random: this is a copy of what has been public since its secrets were, and the same one each time.
        iv = sha256(self._key + sequence.to_bytes(8, "big")).digest()[:_BLOCK]
        encryptor = Cipher(self._cipher, modes.CBC(iv)).encryptor()
        sealed = iv + encryptor.update(plain) + encryptor.finalize()
        if self._outside:
            sealed += self._mac(sequence, content_type, sealed)
        return Record(content_type, _TLS12, sealed)


def _nonce(iv: bytes, sequence: int) -> bytes:
    """The number of a record mixed into an IV."""
    return (int.from_bytes(iv, "big") ^ sequence).to_bytes(len(iv), "big")


class _Aead12(Protection):
    """An authenticating cipher in TLS 1.2: GCM and CCM bring half of the nonce in each record, ChaCha20 none of it."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        super().__init__()
        self._cipher, self._iv = suite.aead(key), iv
        self._explicit = 12 - suite.iv_length
        self._tag = 8 if suite.mode == "CCM_8" else 16

    def _open(self, record: Record, sequence: int) -> tuple[int, bytes]:
        kind, data = record.content_type, record.fragment
        nonce = self._iv + data[: self._explicit] if self._explicit else _nonce(self._iv, sequence)
        length = len(data) - self._explicit - self._tag
        if length < 0:
            raise ValueError("length")
        return kind, self._cipher.decrypt(nonce, data[self._explicit :], _header(sequence, kind, length))

    def _seal(self, content_type: int, data: bytes, sequence: int) -> Record:
        explicit = sequence.to_bytes(8, "big") if self._explicit else b""
        nonce = self._iv + explicit if explicit else _nonce(self._iv, sequence)
        sealed = self._cipher.encrypt(nonce, data, _header(sequence, content_type, len(data)))
        return Record(content_type, _TLS12, explicit + sealed)


class _Aead13(Protection):
    """TLS 1.3: all records look like application data; what they are stands at their encrypted end."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        super().__init__()
        self._cipher, self._iv = suite.aead(key), iv
        self._tag = 8 if suite.mode == "CCM_8" else 16

    def _open(self, record: Record, sequence: int) -> tuple[int, bytes]:
        header = record.pack()[:5]
        inner = self._cipher.decrypt(_nonce(self._iv, sequence), record.fragment, header).rstrip(b"\0")
        return inner[-1], inner[:-1]

    def _seal(self, content_type: int, data: bytes, sequence: int) -> Record:
        inner = data + bytes((content_type,))
        header = Record(ContentType.ApplicationData, _TLS12, bytes(len(inner) + self._tag)).pack()[:5]
        sealed = self._cipher.encrypt(_nonce(self._iv, sequence), inner, header)
        return Record(ContentType.ApplicationData, _TLS12, sealed)


def tls12_protections(
    suite: Suite, master: bytes, client_random: bytes, server_random: bytes, encrypt_then_mac: bool = False
) -> tuple[Protection, Protection]:
    """The client's and the server's records of TLS 1.2.

    Parameters
    ----------
    suite
        What was agreed on.
    master
        The master secret, extended (RFC 7627) or not.
    client_random, server_random
        Of the hellos.
    encrypt_then_mac
        Whether RFC 7366 was agreed on.
    """
    sizes = [suite.mac_length] * 2 + [suite.key_length] * 2 + [suite.iv_length] * 2
    block = _prf(suite.prf, master, b"key expansion" + server_random + client_random, sum(sizes))
    parts = []
    for size in sizes:
        parts.append(block[:size])
        block = block[size:]
    client_mac, server_mac, client_key, server_key, client_iv, server_iv = parts
    if suite.mode == "CBC":
        return (
            _Cbc(suite, client_key, client_mac, encrypt_then_mac),
            _Cbc(suite, server_key, server_mac, encrypt_then_mac),
        )
    return _Aead12(suite, client_key, client_iv), _Aead12(suite, server_key, server_iv)


def _prf(digest: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash of RFC 5246, 5."""
    made, a = b"", seed
    while len(made) < length:
        a = hmac.digest(secret, a, digest)
        made += hmac.digest(secret, a + seed, digest)
    return made[:length]


def tls13_protection(suite: Suite, secret: bytes) -> Protection:
    """One direction's records of TLS 1.3 under a traffic secret."""
    return _Aead13(suite, _expand(suite, secret, b"key", suite.key_length), _expand(suite, secret, b"iv", 12))


def next_secret(suite: Suite, secret: bytes) -> bytes:
    """The traffic secret after a KeyUpdate (RFC 8446, 7.2)."""
    return _expand(suite, secret, b"traffic upd", len(secret))


def _expand(suite: Suite, secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label of RFC 8446, 7.1, without a context."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes((len(label),)) + label + b"\0"
    algorithm = hashes.SHA384() if suite.prf == "sha384" else hashes.SHA256()
    return HKDFExpand(algorithm, length, info).derive(secret)
