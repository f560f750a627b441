"""The debugger of Lua cells: Jupyter's debug messages over `secc_kernel.lua.debugging`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from secc_kernel.kernel.debug.adapter import DebugAdapter
from secc_kernel.kernel.debug.protocol import ProtocolBreakpoints

if TYPE_CHECKING:
    from secc_kernel.kernel.kernel import SeccKernel

__all__ = ["DebugAdapter", "connect"]

_T = TypeVar("_T")


def connect(kernel: SeccKernel) -> DebugAdapter:
    """The debugger of a kernel. Called in the control channel's thread, when a front end first asks for it."""
    engine, shell = kernel.host.engine, kernel.shell
    assert shell is not None
    loop = kernel.io_loop

    def in_main_thread(function: Callable[[], _T]) -> Future[_T]:
        done: Future[_T] = Future()

        def run() -> None:
            if done.set_running_or_notify_cancel():
                try:
                    done.set_result(function())
                except Exception as problem:
                    done.set_exception(problem)

        loop.add_callback(run)
        return done

    def protocol() -> Future[ProtocolBreakpoints]:
        bench = kernel.host.live_bench
        if bench is None:
            return in_main_thread(lambda: ProtocolBreakpoints(engine, kernel.host.bench))
        ready: Future[ProtocolBreakpoints] = Future()
        ready.set_result(ProtocolBreakpoints(engine, bench))
        return ready

    def render(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = shell.display_formatter.format(value)
        return data, metadata

    engine.debugger.wake = functools.partial(loop.add_callback, engine.attend)
    return DebugAdapter(engine, shell.cells, kernel._publish_debug_event, protocol, render)
