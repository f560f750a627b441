"""Make a test PKI for TLS and Plug & Charge, or look at certificates.

  secc-kernel pki new DIR     V2G, CPO, MO, OEM and provisioning chains of ISO 15118-2 and ISO 15118-20, and what is
                              wrong on purpose: expired, not yet valid, revoked, unknown root. DIR/README.txt explains
                              each file.
  secc-kernel pki show FILE   a certificate, chain, CRL, OCSP response or key: what it is, until when, and what is
                              wrong with it for V2G.

The keys of a test PKI are in the clear, readable by their owner only.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from secc_kernel.commands import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    from secc_kernel.pki.profiles import DEFAULTS, STANDARDS

    actions = parser.add_subparsers(dest="action", required=True, metavar="new|show")
    new = actions.add_parser("new", help="make a test PKI in a new folder")
    new.add_argument("folder", metavar="DIR", help="a folder that does not exist, or is empty")
    new.add_argument(
        "--standard",
        action="append",
        choices=tuple(STANDARDS),
        help="make this part only (may be given several times; all)",
    )
    new.add_argument(
        "--layout",
        action="append",
        choices=("josev",),
        default=[],
        help="lay it out for another implementation as well: josev is PyPI's iso15118 (PKI_PATH=DIR)",
    )
    for name, what in (
        ("evse", "the station's CN"),
        ("emaid", "the contract's CN"),
        ("pcid", "the provisioning certificate's CN"),
        ("evccid", "the vehicle certificate's CN (ISO 15118-20)"),
    ):
        new.add_argument(f"--{name}", default=DEFAULTS[name], help=f"{what} ({DEFAULTS[name]})")
    show = actions.add_parser("show", help="look at certificates")
    show.add_argument("files", metavar="FILE", nargs="+", help="PEM or DER")


def main(arguments: argparse.Namespace) -> int:
    """Make a PKI, or show files; 1 if something is wrong with one of them."""
    return _new(arguments) if arguments.action == "new" else _show(arguments.files)


def _new(arguments: argparse.Namespace) -> int:
    from secc_kernel.pki.folder import PkiError, write_new
    from secc_kernel.pki.making import make
    from secc_kernel.pki.profiles import DEFAULTS, STANDARDS

    chosen = arguments.standard or list(STANDARDS)
    names = {name: getattr(arguments, name) for name in DEFAULTS}
    folder = Path(arguments.folder)
    try:
        written = write_new(folder, [make(STANDARDS[key], names) for key in chosen], arguments.layout)
    except (PkiError, ValueError) as error:
        raise CommandError(str(error)) from error
    print(f"{folder}: {len(written)} files, explained in {folder / 'README.txt'}")
    print(f"a station with it: secc-kernel run SCRIPT.lua --link tcp --interface IF --tls {folder}")
    return 0


def _show(files: list[str]) -> int:
    from secc_kernel.pki.showing import show

    wrong = False
    for number, name in enumerate(files):
        path = Path(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror or error}") from error
        try:
            shown = show(data, path)
        except ValueError as error:
            raise CommandError(f"{path}: {error}") from error
        print(("\n" if number else "") + "\n".join(shown.lines))
        wrong = wrong or shown.wrong
    return int(wrong)
