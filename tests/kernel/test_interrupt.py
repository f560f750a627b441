"""An interrupt ends what a cell does, however it is sent, and leaves a kernel that works with its session."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle

import pytest

from .conftest import Kernel, Outcome

#: Seconds; what hangs would take for ever, and the machine may be busy.
LIMIT = 2.0

SETUP = """%%python
import asyncio, threading, time
from concurrent.futures import Future
engine = get_ipython().kernel.host.engine
engine.define("sleep", time.sleep)
engine.define("event", lambda: threading.Event().wait(60))
engine.define("later", lambda: Future())
async def coroutine_():
    await asyncio.sleep(60)
engine.define("coroutine_", coroutine_)
"""

CELLS = {
    "loop": "while true do end",
    "pcall": "while true do pcall(function() while true do end end) end",
    "xpcall": "while true do xpcall(function() while true do end end, function(e) return e end) end",
    "wrap": "coroutine.wrap(function() while true do end end)()",
    "resume": "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "print": "while true do print('x') end",
    "sleep": "sleep(60)",
    "event": "event()",
    "pcall(sleep)": "while true do pcall(sleep, 60) end",
    "future": "later()",
    "pcall(future)": "while true do pcall(later) end",
    "coroutine": "coroutine_()",
    "future where Lua cannot yield": "table.sort({2, 1}, function() later() end)",
    "inside of a magic": "%%time\nwhile true do end",
    "python": "%%python\nwhile True: pass",
    "python await": "%%python\nawait asyncio.sleep(60)",
}


CLOSING = "local x <close> = setmetatable({}, {__close = function() while true do end end})"
#: Each is stopped in one of the ways only.
MORE = {
    "charge": "while true do Session.Open{} Session.RunToEnd() end",
    "display": "while true do display(1) end",
    "pattern": "('x'):rep(5000):find('x*x*x*x*y')",
    "gsub": "('x'):rep(1000):gsub('x', function() while true do end end)",
    "sort": "local t = {} for i = 1, 3e5 do t[i] = i % 1000 end while true do table.sort(t) end",
    "comparison": "while true do pcall(table.sort, {3, 2, 1}, function() while true do end end) end",
    "upper": "local s = ('x'):rep(1e7) while true do s:upper() end",
    "concat": "local t = {} for i = 1, 1e5 do t[i] = ('x'):rep(100) end while true do table.concat(t) end",
    "rep": "while true do pcall(string.rep, 'x', 1e8) end",
    "recursion": "while true do pcall(function() local function f() return 1 + f() end f() end) end",
    "index": "return setmetatable({}, {__index = function() while true do end end}).x",
    "newindex": "setmetatable({}, {__newindex = function() while true do end end}).x = 1",
    "close": f"while true do pcall(function() {CLOSING} error('x') end) end",
    "tostring": "while true do pcall(print, setmetatable({}, {__tostring = function() while true do end end})) end",
    "coroutine.close": f"local co = coroutine.create(function() {CLOSING} coroutine.yield() end) "
    "coroutine.resume(co) coroutine.close(co)",
    "load": "while true do load(function() while true do end end) end",
    "magics": "%%time\n%%capture\nwhile true do end",
    "Lua called by Python": "%%python\nlua.print\nwhile True: lua.tostring(1)",
}


def by_signal(kernel: Kernel) -> None:
    kernel.manager.interrupt_kernel()


def by_message(kernel: Kernel) -> None:
    kernel.send("control", "interrupt_request")
    assert kernel.client.get_control_msg(timeout=10)["msg_type"] == "interrupt_reply"


def by_shell_message(kernel: Kernel) -> None:
    """As VS Code sends it: on the channel where the cell's own reply is still to come."""
    request = kernel.send("shell", "interrupt_request")
    assert kernel.ask(request) == {"status": "ok"}


@pytest.fixture(scope="module", autouse=True)
def functions(running: Kernel) -> None:
    assert running.run(SETUP).status == "ok"


def interrupted(kernel: Kernel, code: str, send: Callable[[Kernel], None]) -> Outcome:
    request = kernel.begin_running(code)
    asked = time.perf_counter()
    send(kernel)
    outcome = kernel.end(request)
    outcome.seconds = time.perf_counter() - asked
    return outcome


@pytest.mark.parametrize("send", [by_signal, by_message, by_shell_message])
@pytest.mark.parametrize("code", CELLS.values(), ids=CELLS)
def test_interrupt(kernel: Kernel, code: str, send: Callable[[Kernel], None]) -> None:
    outcome = interrupted(kernel, code, send)
    assert outcome.status == "error"
    assert outcome.reply["ename"] in ("KeyboardInterrupt", "CancelledError")
    assert outcome.seconds < LIMIT
    assert kernel.run("local s = 0 for i = 1, 1e6 do s = s + i end return s").result == "500000500000"


@pytest.mark.parametrize(("name", "send"), list(zip(MORE, cycle([by_signal, by_message, by_shell_message]))))
def test_more(kernel: Kernel, name: str, send: Callable[[Kernel], None]) -> None:
    outcome = interrupted(kernel, MORE[name], send)
    if not MORE[name].startswith("%%time"):
        assert outcome.reply["ename"] in ("KeyboardInterrupt", "CancelledError")
    assert outcome.seconds < LIMIT
    assert kernel.run("local s = 0 for i = 1, 1e6 do s = s + i end return s").result == "500000500000"
    kernel.run("Session.Close()")


def test_says_where(kernel: Kernel) -> None:
    outcome = interrupted(kernel, "local x = 1\n\nlater()", by_signal)
    place = f"In[{outcome.reply['execution_count']}]:3"
    assert outcome.reply["evalue"] == f"interrupted in {place}, while it waited in later"


def test_io_read(kernel: Kernel) -> None:
    request = kernel.begin("io.read()", allow_stdin=True)
    kernel.client.get_stdin_msg(timeout=20)
    kernel.manager.interrupt_kernel()
    assert kernel.end(request).reply["ename"] == "KeyboardInterrupt"


def test_an_idle_kernel_does_not_mind(kernel: Kernel) -> None:
    by_signal(kernel)
    by_message(kernel)
    by_shell_message(kernel)
    assert kernel.run("local s = 0 for i = 1, 1e5 do s = s + 1 end return s").result == "100000"


def test_a_burst_of_interrupts(kernel: Kernel) -> None:
    request = kernel.begin_running("while true do pcall(sleep, 60) end")
    for _ in range(10):
        kernel.manager.interrupt_kernel()
        time.sleep(0.01)
    assert kernel.end(request).reply["ename"] == "KeyboardInterrupt"


def test_the_session_lives_on(kernel: Kernel) -> None:
    """A cell that waits for a vehicle that does not come, on a real link; then the vehicle comes."""
    place = kernel.run("Session.Open{link = 'tcp'}").result
    assert place is not None
    outcome = interrupted(kernel, "Secc.Receive_SessionSetupReq_001()", by_signal)
    assert outcome.reply["ename"] == "KeyboardInterrupt"
    assert outcome.seconds < LIMIT
    assert kernel.run("Session.Status().link").result == "'tcp'"
    kernel.run("Session.Open{link = 'sim'}")
    assert kernel.run("Secc.Receive_SessionSetupReq_001() return #Secc.Get_SessionSetupReq_EVCCID()").result == "12"
    kernel.run("Session.Close()")


def test_other_threads_do_not_delay_it(kernel: Kernel) -> None:
    kernel.run(
        "%%python\n"
        "stop = threading.Event()\n"
        "def work():\n"
        "    while not stop.is_set(): sum(range(1000))\n"
        "threading.Thread(target=work).start()"
    )
    assert interrupted(kernel, "while true do end", by_signal).seconds < LIMIT
    kernel.run("%%python\nstop.set()")
