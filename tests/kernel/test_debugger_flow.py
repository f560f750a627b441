"""Where the debugger stops: errors, coroutines, waits, and messages of the protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import Kernel
from .debug_client import DebugClient


@pytest.fixture
def client(kernel: Kernel) -> Iterator[DebugClient]:
    found = DebugClient(kernel)
    found.start()
    yield found
    found.ask("disconnect")


ERRORS = """\
local function fail(x)
  error("failed at " .. x)
end
pcall(fail, "one")
local ok = coroutine.resume(coroutine.create(fail), "two")
local step = coroutine.wrap(fail)
pcall(step, "three")
xpcall(fail, function() end, "four")
fail("five")"""


def stops(client: DebugClient, request: str) -> list[tuple[str, str]]:
    """The errors at which a cell stops, each with the argument of the innermost function."""
    found: list[tuple[str, str]] = []
    while True:
        message = client.kernel.client.get_iopub_msg(timeout=20)
        if message["msg_type"] == "status" and message["parent_header"].get("msg_id") == request:
            if message["content"]["execution_state"] == "idle":
                client.kernel.ask(request)
                return found
        elif message["msg_type"] == "debug_event" and message["content"]["event"] == "stopped":
            body = message["content"]["body"]
            assert body["reason"] == "exception"
            assert client.ask("exceptionInfo", threadId=1)["description"] == body["text"]
            assert client.line() == 2
            found.append((body["text"].partition(": ")[2], client.evaluate("x")))
            client.go()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [([], []), (["uncaught"], ["five"]), (["all"], ["one", "two", "three", "four", "five"])],
)
def test_errors_stop_where_they_are_thrown(client: DebugClient, filters: list[str], expected: list[str]) -> None:
    client.ask("setExceptionBreakpoints", filters=filters)
    request = client.kernel.begin(ERRORS)
    assert stops(client, request) == [(f"failed at {word}", f"'{word}'") for word in expected]


def test_an_error_that_leaves_a_coroutine_stops_once(client: DebugClient) -> None:
    client.ask("setExceptionBreakpoints", filters=["uncaught"])
    request = client.kernel.begin("""\
local function fail(x)
  error("failed at " .. x)
end
local walk = coroutine.wrap(function() fail("six") end)
local outer = coroutine.wrap(function() walk() end)
outer()""")
    assert stops(client, request) == [("failed at six", "'six'")]


def test_an_endless_recursion_can_be_looked_at(client: DebugClient) -> None:
    client.ask("setExceptionBreakpoints", filters=["uncaught"])
    request = client.kernel.begin("local function deep(n) return 1 + deep(n + 1) end\ndeep(1)")
    assert "stack overflow" in client.stopped("exception")["text"]
    reply = client.ask("stackTrace", threadId=1, startFrame=0, levels=3)
    assert [frame["name"] for frame in reply["stackFrames"]] == ["deep"] * 3
    assert reply["totalFrames"] == 500
    client.go()
    assert "stack overflow" in client.end(request).reply["evalue"]


COROUTINES = """\
local function numbers(n)
  for i = 1, n do
    coroutine.yield(i)
  end
end
local next_number = coroutine.wrap(numbers)
local total = next_number(3)
for i = 1, 2 do
  total = total + next_number()
end
print(total)"""


def test_steps_cross_coroutines(client: DebugClient) -> None:
    request = client.begin(COROUTINES, [7])
    client.stopped()
    assert client.step("stepIn") == 2
    assert [frame["line"] for frame in client.frames()] == [2, 7]  # one stack: who has resumed whom
    assert client.locals(1)["next_number"].startswith("function")
    assert client.step("next") == 3
    assert client.step("next") == 8  # a yield goes back to who has resumed
    assert client.step("next") == 9
    assert client.step("next") == 8  # over a resume, whatever runs in it
    assert client.step("next") == 9
    assert client.step("stepIn") == 2
    assert client.step("stepOut") == 9
    client.go()
    assert client.end(request).stdout == "6\n"


def test_steps_follow_calls_by_their_depth(client: DebugClient) -> None:
    cell = """\
local function down(n)
  if n == 0 then return 0 end
  return down(n - 1)
end
local function up(n)
  if n == 0 then
    return 0
  end
  local below = up(n - 1)
  return below + 1
end
local function less(a, b) return a < b end
local function bad() local x; x.y = 1 end
local list = { 3, 1, 2 }
down(3)
up(3)
table.sort(list, less)
pcall(bad)
print(table.concat(list))"""
    request = client.begin(cell, [14])
    client.stopped()
    assert [client.step("next") for _ in range(5)] == [15, 16, 17, 18, 19]
    client.go()
    assert client.end(request).stdout == "123\n"
    request = client.begin(cell, [9])
    client.stopped()
    client.breakpoints(cell)
    assert client.step("next") == 10  # not into the recursion, nor where that comes to this line
    assert client.locals() == {"n": "3", "below": "2"}
    assert client.step("stepOut") == 17
    assert client.step("stepIn") == 12
    assert client.step("stepOut") == 18  # also out of sort, which calls it again and again
    client.go()
    client.end(request)


def test_a_breakpoint_in_a_single_line_stops_each_time_it_is_reached(client: DebugClient) -> None:
    request = client.begin("for i = 1, 3001 do n = i end", [1], condition="i", hitCondition="% 1000")
    seen = []
    for _ in range(3):
        client.stopped()
        seen.append(client.locals().get("i"))
        client.go()
    assert client.end(request).status == "ok"
    assert seen == ["1001", "2001", "3001"]  # Lua tells of a line again where it jumps back


def test_a_cell_that_waits_can_be_paused(client: DebugClient) -> None:
    cell = (
        "Session.Open{link='tcp', port=0, host='::1'}\nlocal x = 1\nSecc.Receive_SessionSetupReq_001()\nprint('never')"
    )
    request = client.kernel.begin_running(cell)
    client.ask("pause", threadId=1)
    client.stopped("pause")
    assert client.locals().get("x") == "1"
    assert client.line() == 3
    client.go()
    client.kernel.manager.interrupt_kernel()
    assert client.end(request).status == "error"
    client.kernel.run("Session.Close()")


def test_messages_stop_before_they_are_sent_and_after_they_were_received(client: DebugClient) -> None:
    made = client.ask(
        "setFunctionBreakpoints",
        breakpoints=[{"name": "ServiceDiscoveryRes"}, {"name": "PowerDeliveryReq"}, {"name": "PowerDlivery"}],
    )["breakpoints"]
    assert [each["verified"] for each in made] == [True, True, False]
    assert "did you mean PowerDeliver" in made[2]["message"]
    request = client.kernel.begin("Session.Open{link='sim'}\nlocal before = 1\nSession.RunToEnd()\nprint('over')")
    stop = client.stopped("function breakpoint")
    assert stop["description"] == "before ServiceDiscoveryRes is sent"
    assert stop["hitBreakpointIds"] == [made[0]["id"]]
    assert client.line() == 3
    assert client.locals() == {"before": "1"}
    scopes = client.scopes()
    assert list(scopes) == ["Locals", "Message", "Globals"]
    message = client.variables(scopes["Message"])
    assert message["ResponseCode"] == "'OK'"
    assert "picture" in client.refused(
        "setVariable", variablesReference=scopes["Message"], name="ResponseCode", value="1"
    )
    assert client.evaluate("Secc.Get_ServiceDiscoveryRes_ResponseCode()") == "'OK'"
    client.go()
    assert client.stopped("function breakpoint")["description"] == "after PowerDeliveryReq was received"
    client.ask("setFunctionBreakpoints", breakpoints=[])
    assert client.step("next") == 4
    client.go()
    assert client.end(request).stdout.endswith("over\n")


def test_an_interrupt_ends_a_cell_that_stands_at_a_message(client: DebugClient) -> None:
    client.ask("setFunctionBreakpoints", breakpoints=[{"name": "CableCheckRes"}])
    request = client.kernel.begin("Session.Open{link='sim'}\nSession.RunToEnd()")
    client.stopped("function breakpoint")
    client.kernel.manager.interrupt_kernel()
    client.event("continued")
    assert client.end(request).status == "error"
    client.ask("setFunctionBreakpoints", breakpoints=[])
    assert client.kernel.run("Secc.Receive_CableCheckReq_001()").status == "ok"


def test_breakpoints_of_the_script_stop_in_the_debugger(client: DebugClient) -> None:
    request = client.kernel.begin("Session.Open{link='sim'}\nSession.Break('CableCheckReq')\nSession.RunToEnd()")
    assert client.stopped("function breakpoint")["description"] == "after CableCheckReq was received"
    client.ask("disconnect")
    assert client.end(request).status == "ok"
    client.kernel.run("Session.Unbreak()")
    client.start()


def test_an_expression_that_waits_leaves_what_the_cell_waits_for(client: DebugClient) -> None:
    client.ask("setFunctionBreakpoints", breakpoints=[{"name": "CableCheckRes"}])
    request = client.kernel.begin("Session.Open{link='sim'}\nSession.RunToEnd()\nprint('over')")
    client.stopped("function breakpoint")
    frame = client.frames()[0]["id"]
    assert "one wait at a time" in client.refused(
        "evaluate", expression="Secc.Receive_PreChargeReq_001()", frameId=frame
    )
    client.ask("setFunctionBreakpoints", breakpoints=[])
    client.go()
    outcome = client.end(request)
    assert outcome.stdout.endswith("over\n"), outcome.reply


def test_a_front_end_that_comes_back_finds_the_cell_where_it_stands(client: DebugClient) -> None:
    request = client.begin("local x = 1\nprint(x)", [2])
    client.stopped()
    again = DebugClient(client.kernel)  # the page was loaded anew
    info = again.ask("debugInfo")
    assert (info["isStarted"], info["stoppedThreads"]) == (True, [1])
    again.start()
    assert again.locals() == {"x": "1"}
    assert info["breakpoints"][0]["breakpoints"][0]["line"] == 2
    again.go()
    assert again.end(request).stdout == "1\n"
