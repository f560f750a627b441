"""The engine's part of the debugger, without a kernel: what it costs, and which lines can be stopped at."""

from __future__ import annotations

import asyncio
import textwrap
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from lupa import lua54

from secc_kernel.lua import LuaEngine
from secc_kernel.lua.active_lines import active_lines
from secc_kernel.lua.debugging import Breakpoint, StoppedAt, read_row, read_tables

WORK = """
local function f(i) return i % 7 end
local co = coroutine.wrap(function() while true do coroutine.yield() end end)
local s = 0
for i = 1, 200000 do s = s + f(i) end
for i = 1, 20000 do pcall(f, i); co() end
return s
"""


def cost(engine: LuaEngine) -> float:
    """Seconds of the processor that some work takes at best."""

    def once() -> float:
        begun = time.thread_time()
        engine.run(WORK, "In[1]")
        return time.thread_time() - begun

    return min(once() for _ in range(7))


def attach(engine: LuaEngine, change: Callable[[], Any]) -> None:
    done = change()
    engine.attend()
    done.result(5)


def test_a_debugger_costs_nothing_before_it_is_attached_and_after() -> None:
    engine = LuaEngine()
    before = cost(engine)
    attach(engine, engine.debugger.attach)
    during = cost(engine)
    engine.debugger.lines = lambda: [1]
    engine.debugger.refresh()
    stopping = cost(engine)
    attach(engine, engine.debugger.detach)
    after = cost(engine)
    assert after < 1.25 * before
    assert during < 1.5 * before  # without a breakpoint, nothing is asked of Lua but what interrupts need
    assert stopping > 2 * before  # so the measurement would tell a hook that was left behind


def test_breakpoints_of_the_engine() -> None:
    engine = LuaEngine()
    debugger = engine.debugger
    points = [Breakpoint(1, 2, condition="i > 2")]
    debugger.breakpoints = lambda source: points if source == "=In[1]" else ()
    debugger.lines = lambda: [2]
    found: list[tuple[StoppedAt, int, Any]] = []

    def look() -> None:
        frame = debugger.submit("stack", read=read_tables).result(5)[0]
        value = debugger.submit("evaluate", frame["id"], "i * 10", read=read_row).result(5).value
        found.append((stops[-1], frame["line"], value))
        debugger.go("continue")

    stops: list[StoppedAt] = []

    def stopped(stop: StoppedAt) -> None:
        stops.append(stop)
        threading.Thread(target=look).start()

    debugger.on_stop = stopped
    attach(engine, debugger.attach)
    values = asyncio.run(engine.run_cell("for i = 1, 4 do\n  n = i\nend\nreturn n", "In[1]"))
    assert values == (4,)
    assert found == [(StoppedAt("breakpoint", "", (1,)), 2, 30), (StoppedAt("breakpoint", "", (1,)), 2, 40)]


SOURCES = [
    "print(1)",
    """
    -- a comment, and nothing on the next line

    local t = {
      a = 1,
      [2] = function(x)
        return x
      end,
    }
    t[2](1)
    """,
    """
    local function f(...)
      local a, b = ...
      if a then
        return b
      elseif b then
        return a
      else
        goto out
      end
      ::out::
      for k, v in pairs({ 1, 2 }) do
        local w = k .. v
      end
      while a do
        a = nil
      end
      repeat
        local z = 1.5
      until z
      return "a long text, longer than what Lua keeps as a short one: forty characters", 123456789012
    end
    f()
    f(1, 2)
    """,
    "local s = 0\n" + "\n" * 300 + "s = s + 1\nlocal f = function() return s end\nf()",
]


@pytest.mark.parametrize("source", list(map(textwrap.dedent, SOURCES)))
def test_lines_with_code_are_those_that_lua_tells_of(source: str) -> None:
    runtime: Any = lua54.LuaRuntime()
    told = runtime.execute(
        """
        return function(text)
          local lines = {}
          debug.sethook(function()
            local info = debug.getinfo(2, "SL")
            if info.source == "=text" then for line in pairs(info.activelines) do lines[line] = true end end
          end, "c")
          load("local print = function() end " .. text, "=text")()
          debug.sethook()
          return lines
        end
        """
    )(source)
    assert active_lines("local print = function() end " + source) == tuple(sorted(told))


def test_lines_of_what_is_not_a_chunk() -> None:
    assert active_lines("x = = 1") is None
    assert active_lines("-- nothing") == (1,)
    assert active_lines("\n1 + 1") == (2,)
    assert active_lines("x = 1\n\nx + 1") == (1, 3)
    assert active_lines("=\n1 +\n1") == (3,)
