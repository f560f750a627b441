"""The command line: `secc-kernel install | run | decode`."""

from __future__ import annotations

import argparse
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib import import_module

from secc_kernel import __version__, commands
from secc_kernel.commands import CommandError

#: Unusable arguments, files or links; argparse's own number too.
UNUSABLE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments
        What follows the program's name; None takes the process's.

    Returns
    -------
    int
        The exit status.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(given).parse_args(given)
    try:
        status: int = options.main(options)
        sys.stdout.flush()
    except CommandError as error:
        print(f"secc-kernel {options.command}: {error}", file=sys.stderr)
        return UNUSABLE
    except BrokenPipeError:
        # Whoever read the output has had enough (`| head`). What is still buffered must not raise once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNUSABLE
    except OSError as error:
        print(f"secc-kernel {options.command}: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return 130
    return status


def _parser(given: list[str]) -> argparse.ArgumentParser:
    """The parser for these arguments: with the one command that they name, or with all to choose from."""
    parser = argparse.ArgumentParser(prog="secc-kernel", description="Investigate EV charging communication.")
    parser.add_argument("--version", action="version", version=f"secc-kernel {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    names = [module.name for module in pkgutil.iter_modules(commands.__path__) if not module.name.startswith("_")]
    for name in given[:1] if given[:1] and given[0] in names else names:
        module = import_module(f"{commands.__name__}.{name}")
        description = (module.__doc__ or "").strip()
        subparser = subparsers.add_parser(
            name,
            help=description.split("\n", 1)[0],
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(main=module.main)
    return parser


if __name__ == "__main__":
    sys.exit(main())
