"""The memory limit of an engine.

Lua turns a refused allocation into an ordinary error, but only while Lua code runs. Where lupa itself allocates, to
hand a value over, a refusal would end the process. So the limit holds while a script runs, and is lifted by a reserve
whenever values are about to cross. A cell that begins with full memory gets the reserve, too: else it could not even
free what an earlier one has piled up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["RESERVE", "Memory"]

#: Bytes that are free whenever Python hands values to Lua.
RESERVE = 8 << 20


class Memory:
    """Watches the memory of one Lua runtime.

    Parameters
    ----------
    runtime : LuaRuntime
        Made with ``max_memory``.
    limit : int
        Bytes that scripts may use.
    """

    def __init__(self, runtime: Any, limit: int) -> None:
        self.limit = limit
        self._runtime = runtime
        self._now = limit
        self._raised = False

    @property
    def used(self) -> int:
        """Bytes in use, garbage included."""
        return int(self._runtime.get_memory_used())

    def begin(self, collect: Callable[[], object]) -> None:
        """Before a cell begins: see what it may use.

        Parameters
        ----------
        collect : callable
            Makes Lua free its garbage.
        """
        self.make_room()
        if self._raised:
            collect()
        self._now = max(self.limit, self.used + RESERVE)

    def make_room(self) -> None:
        """Before values cross: at least the reserve is free."""
        used = self._runtime.get_memory_used()
        if used + RESERVE > self._now:
            self._runtime.set_max_memory(used + RESERVE)
            self._raised = True

    def enforce(self) -> None:
        """Before Lua runs on: the limit holds."""
        if self._raised:
            self._runtime.set_max_memory(self._now)
            self._raised = False
