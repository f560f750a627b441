"""Whatever Lua code does, an interrupt ends it, and the engine works on."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from secc_kernel.lua import LuaEngine, LuaError, LuaInterrupted, interrupt

from .conftest import Output, interrupted, send_signal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are sent by os.kill")

#: Seconds. The grace period of a Python function is in it; the machine may be busy.
LIMIT = 1.0

LOOPS = {
    "loop": "while true do end",
    "goto": "::again:: goto again",
    "pcall": "while true do pcall(function() while true do end end) end",
    "xpcall": "while true do xpcall(function() while true do end end, function(e) return e end) end",
    "handler": "xpcall(error, function() while true do end end)",
    "wrap": "coroutine.wrap(function() while true do end end)()",
    "resume": "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "nested": "coroutine.wrap(function() pcall(coroutine.wrap(function() while true do end end)) end)()",
    "load": "while true do load(function() while true do end end) end",
    "close": "local x <close> = setmetatable({}, {__close = function() while true do end end}) error('x')",
    "tostring": "while true do pcall(tostring, setmetatable({}, {__tostring = function() while true do end end})) end",
    "sort": "while true do pcall(table.sort, {3, 2, 1}, function() while true do end end) end",
    "gsub": "('x'):rep(1000):gsub('x', function() while true do end end)",
    "print": "while true do print('x') end",
    "allocate": "while true do local s = ('x'):rep(1e5) end",
    "calls": "while true do pcall(brief) end",
}
BLOCKED = {
    "sleep": "sleep(30)",
    "pcall(sleep)": "while true do pcall(sleep, 30) end",
    "event": "event()",
    "socket": "recv()",
}
WAITS = {
    "future": "later()",
    "pcall(future)": "while true do pcall(later) end",
    "future in a coroutine": "coroutine.wrap(function() later() end)()",
    "future where Lua cannot yield": "table.sort({2, 1}, function() later() end)",
    "coroutine": "coroutine_()",
    "pcall(coroutine)": "while true do pcall(coroutine_) end",
}


@pytest.fixture
def busy_engine(engine: LuaEngine, pool: ThreadPoolExecutor) -> Iterator[LuaEngine]:
    import socket

    stop = threading.Event()
    here, there = socket.socketpair()

    async def coroutine() -> None:
        await asyncio.sleep(30)

    engine.define("sleep", time.sleep)
    engine.define("brief", lambda: time.sleep(0.001))
    engine.define("event", lambda: stop.wait(30))
    engine.define("recv", lambda: here.recv(1))
    engine.define("later", lambda: pool.submit(stop.wait, 30))
    engine.define("coroutine_", coroutine)
    yield engine
    stop.set()
    here.close()
    there.close()


@pytest.mark.parametrize(
    "source", [*LOOPS.values(), *BLOCKED.values(), *WAITS.values()], ids=[*LOOPS, *BLOCKED, *WAITS]
)
def test_by_signal(busy_engine: LuaEngine, run: Any, source: str) -> None:
    took = interrupted(busy_engine, run, source, send_signal)
    assert took < LIMIT
    assert run(busy_engine, "1 + 1") == (2,)
    assert run(busy_engine, "local s = 0 for i = 1, 1e6 do s = s + i end return s") == (500000500000,)


@pytest.mark.parametrize("source", [*LOOPS.values(), *WAITS.values()], ids=[*LOOPS, *WAITS])
def test_from_another_thread(busy_engine: LuaEngine, run: Any, source: str) -> None:
    """Without a signal: all but a Python function that blocks."""
    assert interrupted(busy_engine, run, source, busy_engine.interrupt) < LIMIT
    assert run(busy_engine, "1 + 1") == (2,)


def test_a_short_function_is_not_torn(engine: LuaEngine, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that returns within the grace period does so, and what it did is done."""
    monkeypatch.setattr(interrupt, "GRACE", 5.0)
    done = []

    def work() -> None:
        send_signal()
        time.sleep(0.02)
        done.append(True)

    engine.define("work", work)
    with pytest.raises(LuaInterrupted):
        run(engine, "while true do work() end")
    assert done == [True]


def test_comes_through_while_a_thread_is_being_started(engine: LuaEngine, run: Any) -> None:
    """The handler runs wherever the main thread is, so it may take no lock that the main thread can hold."""

    def locked() -> None:
        with threading._active_limbo_lock:  # type: ignore[attr-defined]
            send_signal()
            time.sleep(30)

    engine.define("locked", locked)
    begun = time.perf_counter()
    with pytest.raises(LuaInterrupted):
        run(engine, "locked()")
    assert time.perf_counter() - begun < LIMIT


def test_a_request_just_before_a_function_would_block(engine: LuaEngine) -> None:
    """Lua has not looked at the flag yet, and nobody asks a second time: the function is not called."""
    called: list[bool] = []
    bound = engine._binder.bind(lambda: called.append(True), "f")
    engine.interrupt()
    assert bound() == ("interrupt",)
    assert called == []


def test_says_where(engine: LuaEngine, run: Any) -> None:
    engine.define("stop", engine.interrupt)
    with pytest.raises(LuaInterrupted) as caught:
        run(engine, "local function f()\n  stop()\nend\nlocal function g() f() end\ng()", "In[4]")
    error = caught.value
    assert str(error) == "interrupted in In[4]:2"
    assert type(error).__name__ == "KeyboardInterrupt"
    assert [frame.line for frame in error.frames] == [2, 4, 5]


def test_inside_of_a_coroutine_says_where(engine: LuaEngine, run: Any) -> None:
    engine.define("stop", engine.interrupt)
    with pytest.raises(LuaInterrupted) as caught:
        run(engine, "coroutine.wrap(function()\n  stop()\nend)()")
    assert [frame.line for frame in caught.value.frames] == [2, 3]


def test_a_request_between_cells_stops_nothing(engine: LuaEngine, run: Any) -> None:
    engine.interrupt()
    assert run(engine, "local s = 0 for i = 1, 1e5 do s = s + 1 end return s") == (100000,)


def test_a_coroutine_that_outlives_the_cell_works_on(engine: LuaEngine, run: Any) -> None:
    """The hook that unwinds a cell stays with the coroutines of that cell."""
    run(engine, "gen = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end) gen()")
    engine.define("stop", engine.interrupt)
    with pytest.raises(LuaInterrupted):
        run(engine, "gen() while true do stop() end")
    assert run(engine, "local x for i = 1, 5000 do x = gen() end return x") == (5002,)


def test_lua_cannot_forge_or_keep_the_interrupt(engine: LuaEngine, run: Any, stdout: Output) -> None:
    engine.define("stop", engine.interrupt)
    source = """
        caught = nil
        local ok, err = pcall(function()
          local ok, err = pcall(stop)
          caught = err
        end)
        caught = err
        print('survived')
    """
    with pytest.raises(LuaInterrupted):
        run(engine, source)
    assert run(engine, "caught") == (None,)
    assert stdout.text == ""


def test_an_error_after_the_interrupt_does_not_hide_it(engine: LuaEngine, run: Any) -> None:
    def stop_and_fail() -> None:
        engine.interrupt()
        raise ValueError("also wrong")

    engine.define("stop_and_fail", stop_and_fail)
    with pytest.raises(LuaError):
        run(engine, "stop_and_fail()")
    with pytest.raises(LuaInterrupted):
        run(engine, "pcall(stop_and_fail) while true do end")
