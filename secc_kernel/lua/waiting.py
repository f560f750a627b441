"""What a script waits for: on the event loop, or blocking where neither Lua nor Python can let go of the thread.

A registered function that returned something to wait for has left it with the `Binder`. `Waits` takes it from there and
gives the answer with which Lua goes on. A debugger may stop a script where it waits: Lua does so, and then waits for
the same thing again.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any

from .debugging import LuaDebugger
from .errors import LuaUserError
from .hosting import Answer, Binder, Pending
from .interrupt import Interrupts

__all__ = ["Waits"]

#: Seconds between two looks at the interrupt flag while a wait blocks.
_POLL = 0.05


class Waits:
    """The waits of an engine's cells, one at a time.

    Parameters
    ----------
    binder : Binder
        Has what the last function returned.
    interrupts : Interrupts
        Ends a wait.
    debugger : LuaDebugger
        Stops a script where it waits.
    """

    def __init__(self, binder: Binder, interrupts: Interrupts, debugger: LuaDebugger) -> None:
        self._binder = binder
        self._interrupts = interrupts
        self._debugger = debugger
        #: What the script waits for, and the function's name, while a debugger has stopped it there: expressions may
        #: wait for something else meanwhile.
        self._held: tuple[Pending, str] | None = None

    async def on_loop(self) -> Answer:
        """Await what the last function returned; gives the answer with which Lua goes on."""
        pending, then, name = self._take()
        if isinstance(pending, concurrent.futures.Future):
            future: asyncio.Future[Any] = asyncio.wrap_future(pending)
        else:
            future = asyncio.ensure_future(pending)
        try:
            with self._interrupts.waiting(future):
                hold = await self._debugger.wait(future)
        except asyncio.CancelledError:
            future.cancel()
            raise
        if hold is not None:
            return self._hold(hold, future, then, name)
        return self._settled(future, then, name)

    def blocking(self) -> Answer:
        """As `on_loop`, where neither Lua nor Python can let go of the thread."""
        pending, then, name = self._take()
        if isinstance(pending, concurrent.futures.Future):
            while not self._interrupts.requested and not pending.done():
                concurrent.futures.wait([pending], _POLL)
                hold = None if pending.done() else self._debugger.take_hold()
                if hold is not None:
                    return self._hold(hold, pending, then, name)
            if not pending.done():
                pending.cancel()
            return self._settled(pending, then, name)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._settled(asyncio.run(self._poll(pending)), then, name)
        pending.close() if asyncio.iscoroutine(pending) else pending.cancel()
        return self._binder.complain(
            LuaUserError(
                f"{name} has to wait, and Lua cannot wait here",
                "call it outside of functions that table.sort, string.gsub and the like call back",
            ),
            name,
        )

    def drop(self) -> None:
        """Call off what a script waited for when a debugger stopped it: its cell has ended."""
        if self._held is not None:
            self._held[0].future.cancel()
            self._held = None

    async def _poll(self, pending: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.ensure_future(pending)
        while not self._interrupts.requested and not future.done():
            await asyncio.wait([future], timeout=_POLL)
        if not future.done():
            future.cancel()
            await asyncio.wait([future])
        return future

    def _hold(self, hold: tuple[str, str], future: Any, then: Callable[[Any], Any], name: str) -> Answer:
        self._held = Pending(future, then), name
        return ("hold", *hold)

    def _take(self) -> tuple[Any, Callable[[Any], Any], str]:
        binder = self._binder
        pending, binder.pending = binder.pending, None
        if pending is None:
            assert self._held is not None
            (pending, name), self._held = self._held, None
            return pending.future, pending.then, name
        return pending.future, pending.then, binder.pending_name

    def _settled(self, future: Any, then: Callable[[Any], Any], name: str) -> Answer:
        """What a future has come to, as an answer for Lua."""
        if self._interrupts.requested:
            self._interrupts.waited = name
            return ("interrupt",)
        if future.cancelled():
            return self._binder.complain(LuaUserError(f"{name} was called off"), name)
        try:
            return self._binder.answer(then(future.result()), name)
        except LuaUserError as problem:
            return self._binder.complain(problem, name)
        except Exception as problem:
            return ("raise", problem)
