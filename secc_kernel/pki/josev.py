"""The layout in which PyPI's iso15118 (Josev Community) looks for its certificates: PKI_PATH names the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

if TYPE_CHECKING:
    from secc_kernel.pki.making import Hierarchy

__all__ = ["PASSWORD", "files"]

#: Of all its private keys; it reads it from text files beside them.
PASSWORD = b"12345"

_FOLDER = "iso15118_2"
#: Our name -> its name.
_NAMES = {
    "v2g_root": "v2gRootCA",
    "cpo_sub1": "cpoSubCA1",
    "cpo_sub2": "cpoSubCA2",
    "secc": "seccLeaf",
    "cps_sub1": "cpsSubCA1",
    "cps_sub2": "cpsSubCA2",
    "cps": "cpsLeaf",
    "mo_root": "moRootCA",
    "mo_sub1": "moSubCA1",
    "mo_sub2": "moSubCA2",
    "contract": "contractLeaf",
    "oem_root": "oemRootCA",
    "oem_sub1": "oemSubCA1",
    "oem_sub2": "oemSubCA2",
    "provisioning": "oemLeaf",
}
_CHAINS = {"secc": "cpoCertChain", "provisioning": "oemCertChain"}
_PASSWORDS = ("seccLeaf", "oemLeaf", "contractLeaf", "cpsLeaf", "moSubCA2Leaf")


def files(made: Hierarchy) -> dict[str, tuple[bytes, str, bool]]:
    """Its files of an ISO 15118-2 hierarchy: path -> content, what it is, and whether it is secret."""
    found: dict[str, tuple[bytes, str, bool]] = {}
    certificates, keys = f"{_FOLDER}/certs", f"{_FOLDER}/private_keys"
    for name, theirs in _NAMES.items():
        entity = made.entities[name]
        found[f"{certificates}/{theirs}Cert.pem"] = entity.pem, f"iso2/{name}.pem", False
        found[f"{certificates}/{theirs}Cert.der"] = entity.der, f"iso2/{name}.pem as DER", False
    for name, theirs in _CHAINS.items():
        found[f"{certificates}/{theirs}.pem"] = made.entities[name].chain_pem, f"iso2/{name}_chain.pem", False
    said = f"with the password {PASSWORD.decode()}"
    for name, theirs in _NAMES.items():
        found[f"{keys}/{theirs}.key"] = made.entities[name].key_pem(PASSWORD), f"iso2/{name}.key, {said}", True
    found[f"{keys}/moSubCA2.pkcs8.der"] = (
        made.entities["mo_sub2"].key.private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD)
        ),
        f"iso2/mo_sub2.key as DER, {said}",
        True,
    )
    for theirs in _PASSWORDS:
        found[f"{keys}/{theirs}Password.txt"] = PASSWORD + b"\n", "the password", True
    return found
