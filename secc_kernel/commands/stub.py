"""Write the Lua API as a stub for editors.

With it any editor that runs the Lua language server (VS Code, Neovim, JetBrains, ...) completes and checks scripts:

  secc-kernel stub > secc.lua                    one file, beside the scripts
  secc-kernel stub --folder stubs                a file for each standard and side, each small enough to be
                                                 read without changing the server's settings

The server skips files above 500 kB unless its setting Lua.workspace.preloadFileSize says otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from secc_kernel.commands import CommandError
from secc_kernel.messages import SCHEMAS, vocabulary
from secc_kernel.messages.meanings import LANGUAGES
from secc_kernel.wire.layers import LAYERS

#: The vocabularies with messages; the first of those that have a name describes it.
_OFFERED = (
    *(key for key in dict.fromkeys(("iso2", *SCHEMAS)) if vocabulary(key).modules[-1] != "xmldsig"),
    *LAYERS,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--standard",
        action="append",
        choices=[*_OFFERED, "all"],
        help="whose messages are wanted; may be given several times (sap, iso2, din, sdp and slac, if it is not given)",
    )
    parser.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0], help="of the descriptions")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="write one file for each standard and side there")


def main(arguments: argparse.Namespace) -> int:
    """Write the stub to the standard output, or as files into a folder."""
    from secc_kernel.lua.functions import SIDES
    from secc_kernel.lua.luacats import api, base

    chosen = arguments.standard or ["iso2", "sap", "din", *LAYERS]
    schemas = tuple(key for key in _OFFERED if key in chosen or "all" in chosen)
    files = {"secc": [*base(schemas, arguments.language)]}
    for side in SIDES:
        for number, schema in enumerate(schemas):
            for headers in (False, True):
                lines = [*api(side, schema, arguments.language, schemas[:number], headers)]
                if len(lines) > 1:
                    files[f"{side.lower()}_{schema}{'_headers' if headers else ''}"] = lines
    if arguments.folder is None:
        lines = [line for text in files.values() for line in (*text, "")]
        _write(sys.stdout, ["---@meta", *(line for line in lines if line != "---@meta")])
        return 0
    try:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with (arguments.folder / f"{name}.lua").open("w", encoding="utf-8") as file:
                _write(file, text)
    except OSError as problem:
        raise CommandError(f"cannot write the stub: {problem}") from None
    print(f"{len(files)} files written to {arguments.folder}")
    return 0


def _write(file: TextIO, lines: Iterable[str]) -> None:
    file.writelines(f"{line}\n" for line in lines)
