"""What `secc-kernel` can do: a module a command.

A command's module has a docstring (its help), `add_arguments(parser)`, and `main(arguments)`, which returns the exit
status. `secc_kernel.cli` finds the modules here and imports the one that is asked for. A module whose name begins with
an underscore is no command but a part of one.
"""

from __future__ import annotations


class CommandError(Exception):
    """What was asked for cannot be done; the text is one line for the user. Exit status 2."""
