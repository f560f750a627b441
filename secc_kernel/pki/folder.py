"""A PKI in a folder: how it is laid out, explained and found again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from secc_kernel.pki.profiles import CASES, STANDARDS, kinds

if TYPE_CHECKING:
    from secc_kernel.pki.making import Entity, Hierarchy

__all__ = ["Credentials", "PkiError", "credentials", "roots", "write_new"]

README = "README.txt"


class PkiError(Exception):
    """A PKI cannot be written or used; the text says which file, and what to do."""


# -- writing ----------------------------------------------------------------------------------------------------------


def write_new(folder: Path, hierarchies: Iterable[Hierarchy], layouts: Iterable[str] = ()) -> list[Path]:
    """Lay out a PKI in a new folder.

    Parameters
    ----------
    folder
        A folder that does not exist, or is empty.
    hierarchies
        What it holds, a subfolder each.
    layouts
        Other implementations' layouts to write beside: ``josev``.

    Returns
    -------
    list of Path
        All files.

    Raises
    ------
    PkiError
        The folder holds something, or cannot be written.
    """
    made = list(hierarchies)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise PkiError(f"{folder} is not empty: name a new folder, keys are never overwritten")
        explained: dict[Path, str] = {}
        for hierarchy in made:
            explained.update(_write_hierarchy(folder, hierarchy))
        for layout in layouts:
            explained.update(_write_layout(folder, layout, made))
        _write(folder / README, _readme(folder, explained).encode())
    except OSError as error:
        raise PkiError(f"{folder} cannot be written: {error.strerror or error}") from error
    return [*explained, folder / README]


def _write_hierarchy(folder: Path, made: Hierarchy) -> Iterator[tuple[Path, str]]:
    place = folder / made.standard.key
    for kind in kinds(made.standard):
        if kind.name in made.entities:
            yield from _write_entity(place, made.entities[kind.name], kind.purpose, kind.is_leaf)
    for name, response in made.responses.items():
        yield _write(place / "ocsp" / f"{name}.der", response), f"OCSP response about {name}, to be stapled"
    for name, listed in made.lists.items():
        yield _write(place / "crl" / f"{name}.der", listed), f"what {name} has revoked (CRL)"
    cases = {f"{kind.name}_{case.key}": (kind, case) for kind in kinds(made.standard) for case in CASES}
    for name, entity in made.bad.items():
        if name in cases:
            kind, case = cases[name]
            yield from _write_entity(place / "bad", entity, f"as {kind.name}, but it {case.what}", True)
        else:
            yield from _write_entity(place / "bad", entity, "a root that nobody has as a trust anchor", False)


def _write_entity(place: Path, entity: Entity, purpose: str, is_leaf: bool) -> Iterator[tuple[Path, str]]:
    yield _write(place / f"{entity.name}.pem", entity.pem), purpose
    if is_leaf:
        yield _write(place / f"{entity.name}_chain.pem", entity.chain_pem), f"{entity.name} and its sub-CAs, leaf first"
    yield _write(place / f"{entity.name}.key", entity.key_pem(), secret=True), f"the private key of {entity.name}"


def _write_layout(folder: Path, layout: str, made: list[Hierarchy]) -> Iterator[tuple[Path, str]]:
    from secc_kernel.pki import josev

    if layout != "josev":
        raise PkiError(f"there is no layout {layout!r}: there is josev")
    found = next((one for one in made if one.standard.key == "iso2"), None)
    if found is None:
        raise PkiError("the layout josev needs the certificates of ISO 15118-2")
    for path, (data, what, secret) in josev.files(found).items():
        yield _write(folder / path, data, secret=secret), what


def _write(path: Path, data: bytes, *, secret: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # O_EXCL: nothing is ever replaced, and a secret is never readable for a moment.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return path


def _readme(folder: Path, explained: Mapping[Path, str]) -> str:
    made = datetime.now(timezone.utc)
    lines = [
        "Test PKI for Plug & Charge, made by secc-kernel pki new",
        f"on {made:%Y-%m-%d %H:%M} UTC. The keys are in the clear: for tests only.",
        "",
        "Certificates (.pem, .key, chains) are PEM, keys PKCS #8; OCSP responses and CRLs are DER.",
        "Which certificates are valid until when: secc-kernel pki show FILE",
        "Use it: Session.Open{link='tcp', tls='DIR'}, or secc-kernel run --link tcp --tls DIR",
        "A station that shows a bad chain on purpose: certificate='secc_expired'",
        "",
    ]
    titles = {standard.key: standard.title for standard in STANDARDS.values()}
    place = None
    width = max(len(path.name) for path in explained)
    for path, what in explained.items():
        if path.parent != place:
            place = path.parent
            name = place.relative_to(folder).as_posix()
            title = titles.get(name, "")
            lines += ["", f"{name}/" + (f"  {title}" if title else "")]
        lines.append(f"  {path.name:{width}}  {what}")
    return "\n".join(lines) + "\n"


# -- using ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a side of TLS shows and signs with: files.

    Parameters
    ----------
    chain, key
        PEM files: the leaf and its sub-CAs, and the leaf's private key.
    standard
        The folder that they were found in.
    """

    chain: Path
    key: Path
    standard: str


def credentials(folder: Path, name: str, standards: Iterable[str]) -> list[Credentials]:
    """Find a leaf of that name, such as ``secc`` or ``secc_expired``, in each of the standards' folders.

    A folder of one's own may also hold the files (``secc_chain.pem``, ``secc.key``) themselves.

    Raises
    ------
    PkiError
        There is none at all.
    """
    found = []
    wanted = list(standards)
    for standard in wanted:
        places = (folder / standard, folder / standard / "bad", folder)
        for place in places:
            chain, key = place / f"{name}_chain.pem", place / f"{name}.key"
            if chain.is_file() and key.is_file():
                found.append(Credentials(chain, key, standard))
                break
    if not found:
        where = ", ".join(f"{standard}/" for standard in wanted)
        held = {path.name.removesuffix("_chain.pem") for path in folder.rglob("*_chain.pem")}
        near = get_close_matches(name, held, 1)
        advice = f"did you mean {near[0]}?" if near else "secc-kernel pki new DIR makes a PKI"
        raise PkiError(f"the PKI {folder} has no {name}_chain.pem with {name}.key, in {where} or in itself: {advice}")
    return found


def roots(folder: Path, name: str, standards: Iterable[str] = tuple(STANDARDS)) -> list[Path]:
    """The trust anchors of that name, such as ``v2g_root``, in a PKI: PEM files, one a standard that has it."""
    places = [folder / standard for standard in standards]
    return [path for place in (*places, folder) if (path := place / f"{name}.pem").is_file()]
