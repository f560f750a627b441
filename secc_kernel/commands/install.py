"""Register the kernel with Jupyter.

Front ends then offer "EV charging (Lua)" and, for notebooks that you do not trust, "EV charging (Lua, safe)", both
run by the Python that runs this command. Without an option the kernelspecs go to a folder of the whole system.
"""

from __future__ import annotations

import argparse
import sys

from secc_kernel.commands import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="for this user only")
    where.add_argument("--sys-prefix", action="store_true", help="into the environment of this Python (for a venv)")
    where.add_argument("--prefix", metavar="FOLDER", help="into FOLDER/share/jupyter/kernels")


def main(arguments: argparse.Namespace) -> int:
    """Install the kernelspecs; 2 if the folder cannot be written."""
    from secc_kernel.kernel import spec

    prefix = sys.prefix if arguments.sys_prefix else arguments.prefix
    for name in spec.RESOURCES:
        try:
            where = spec.install(arguments.user, prefix, name)
        except OSError as problem:
            raise CommandError(f"cannot install the kernelspec: {problem}; try --user or --sys-prefix") from None
        print(f"kernel '{name}' installed in {where}")
    return 0
