"""What stands between the Lua engine, the live session and the notebook's output.

The engine knows nothing of sessions, the session nothing of notebooks: here they meet. Nothing heavy is imported
before a cell needs it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from secc_kernel.kernel.display import displayed
from secc_kernel.lua import HostFunction, LuaEngine

__all__ = ["EXCHANGES_SHOWN", "KernelHost"]

#: Exchanges that one cell shows in full. A cell that charges a car has hundreds: they are in the journal.
EXCHANGES_SHOWN = 20


class KernelHost:
    """The engine of a kernel and what its cells work with.

    Parameters
    ----------
    read_line : callable
        Asks the front end for a line.
    """

    def __init__(self, read_line: Callable[[], str]) -> None:
        self.engine = LuaEngine(read_line=read_line)
        self.engine.define("display", HostFunction(show, "display", raw=True))

    @contextlib.contextmanager
    def cell(self) -> Iterator[None]:
        """Surround a Lua cell."""
        yield

    def provide_names(self, code: str, namespace: MutableMapping[str, Any]) -> None:
        """Before a Python cell runs: give it what it names."""

    def close(self) -> None:
        """End what the cells have begun."""


def show(*values: Any) -> None:
    """Show values below the cell, as the last value of a cell is shown: ``display(...)`` in Lua."""
    from IPython.display import display

    for value in values:
        display(displayed((value,)) if value is not None else None)
