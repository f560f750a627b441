"""The debugger as a front end drives it: requests on a real kernel's control channel, events on its output channel."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator

import pytest

from .conftest import Kernel
from .debug_client import DebugClient

ADD = """\
local function add(a, b)
  -- nothing to stop at here
  local c = a + b
  return c
end
local sum = 0
for i = 1, 3 do
  sum = add(sum, i)
end
print(sum)"""


@pytest.fixture
def client(kernel: Kernel) -> Iterator[DebugClient]:
    found = DebugClient(kernel)
    found.start()
    yield found
    found.ask("disconnect")


def test_a_kernel_says_that_it_has_a_debugger(kernel: Kernel) -> None:
    kernel.client.kernel_info()
    info = kernel.client.get_shell_msg(timeout=20)["content"]
    assert "debugger" in info["supported_features"]
    spec = kernel.manager.kernel_spec
    assert spec is not None
    assert spec.metadata["debugger"] is True


def test_what_a_front_end_asks_first(kernel: Kernel) -> None:
    client = DebugClient(kernel)
    info = client.ask("debugInfo")
    assert (info["isStarted"], info["breakpoints"], info["stoppedThreads"]) == (False, [], [])
    assert "%%python cells are not" in info["debugged"]
    assert client.refused("stackTrace", threadId=1) == "the debugger is not started"
    abilities = client.start()
    assert [each["filter"] for each in abilities["exceptionBreakpointFilters"]] == ["uncaught", "all"]
    assert client.ask("debugInfo")["isStarted"]
    assert "no request 'reverseContinue'" in client.refused("reverseContinue")
    assert "bad arguments of scopes" in client.refused("scopes")
    client.ask("disconnect")
    client.event("terminated")
    assert not client.ask("debugInfo")["isStarted"]


def test_a_front_end_finds_a_cell_by_the_hash_of_its_text(client: DebugClient) -> None:
    info = client.ask("debugInfo")
    path = client.ask("dumpCell", code="x = 1\nprint(x)  -- ü")["sourcePath"]
    assert info["hashMethod"] == "Murmur2"
    assert path.startswith(info["tmpFilePrefix"])
    assert path.endswith(info["tmpFileSuffix"])
    assert client.ask("source", source={"path": path})["content"] == "x = 1\nprint(x)  -- ü"
    assert "not known" in client.refused("source", source={"path": info["tmpFilePrefix"] + "1.lua"})


def test_stop_look_step_and_go_on(client: DebugClient) -> None:
    request = client.begin(ADD, [3])
    stop = client.stopped()
    assert stop["threadId"] == 1
    assert len(stop["hitBreakpointIds"]) == 1
    (inner, _), (outer, line) = client.where()
    assert inner == "add"
    assert outer.startswith("In[")
    assert line == 8
    assert client.locals() == {"a": "0", "b": "1"}
    assert list(client.locals(1)) == ["add", "sum", "i"]
    assert client.step("next") == 4
    assert client.locals() == {"a": "0", "b": "1", "c": "1"}
    assert client.step("next") == 8  # back amid the line that has called
    assert client.step("next") == 7
    client.breakpoints(ADD)
    assert client.step("next") == 8
    assert client.step("stepIn") == 3
    assert client.step("stepOut") == 8
    assert client.locals()["sum"] == "1"
    client.go()
    assert client.end(request).stdout == "6\n"


def test_frames_lead_to_the_cells_of_their_functions(client: DebugClient) -> None:
    earlier = "function double(x)\n  return 2 * x\nend"
    assert client.kernel.run(earlier).status == "ok"
    cell = "local y = double(21)\nprint(y)"
    request = client.begin(cell, [1])
    client.stopped()
    paths = {text: client.ask("dumpCell", code=text)["sourcePath"] for text in (earlier, cell)}
    assert [frame["source"]["path"] for frame in client.frames()] == [paths[cell]]
    assert client.step("stepIn") == 2
    assert [frame["source"]["path"] for frame in client.frames()] == [paths[earlier], paths[cell]]
    modules = client.ask("modules")["modules"]
    assert set(paths.values()) <= {module["path"] for module in modules}
    client.go()
    assert client.end(request).stdout == "42\n"


def test_breakpoints_move_to_lines_with_code(client: DebugClient) -> None:
    made = client.breakpoints(ADD, {"line": 2}, {"line": 8}, {"line": 99})
    assert [(each["line"], each["verified"]) for each in made] == [(3, True), (8, True), (10, True)]
    assert [each["line"] for each in client.ask("debugInfo")["breakpoints"][0]["breakpoints"]] == [3, 8, 10]
    (python,) = client.breakpoints("%%python\nx = 1", {"line": 2})
    assert (python["verified"], python["message"]) == (False, "only Lua is debugged")
    (wrong,) = client.breakpoints("x = = 1", {"line": 1})
    assert (wrong["verified"], wrong["message"]) == (False, "this is not valid Lua")
    (timed,) = client.breakpoints("%%time\nlocal x = 1", {"line": 2})
    assert timed["verified"]


def test_conditions_hit_counts_and_log_messages(client: DebugClient) -> None:
    cell = "for i = 1, 10 do\n  local square = i * i\n  total = square\nend"
    request = client.begin(cell, [3], condition="i % 2 == 0", hitCondition="2")
    client.stopped()
    assert client.locals() == {"i": "4", "square": "16"}
    client.breakpoints(cell, {"line": 3, "hitCondition": ">= 5"})
    client.go()
    client.stopped()
    assert client.locals()["i"] == "9"
    client.breakpoints(cell, {"line": 3, "logMessage": "{i}: {square}, {nothing.there} {{}"})
    client.go()
    out = client.end(request).stdout
    assert out.startswith("10: 100, {")
    assert "attempt to index a nil value" in out
    request = client.begin(cell, [3], condition="i + nil")
    assert "the condition i + nil failed: attempt to perform arithmetic" in client.stopped()["description"]
    client.breakpoints(cell)
    client.go()
    client.end(request)
    (refused,) = client.breakpoints(cell, {"line": 3, "hitCondition": "often"})
    assert not refused["verified"]
    assert "a hit count is a number" in refused["message"]


def test_variables_are_pages_of_sorted_keys(client: DebugClient) -> None:
    cell = """\
local up = { deep = { deeper = { deepest = true } } }
local function f(...)
  local t = { 10, 20, zoo = 1, apple = 2, [2.5] = "x", ["not a name"] = up, [false] = 0 }
  local long, text = {}, ("ü"):rep(3000)
  for i = 1, 1000 do long[i] = i end
  return t, long, up, text
end
f("first", nil)"""
    request = client.begin(cell, [6])
    client.stopped()
    scopes = client.scopes()
    assert list(scopes) == ["Locals", "Upvalues", "Globals"]
    found = {each["name"]: each for each in client.ask("variables", variablesReference=scopes["Locals"])["variables"]}
    assert list(found) == ["t", "long", "text", "...[1]", "...[2]"]
    assert (found["...[1]"]["value"], found["...[2]"]["value"]) == ("'first'", "nil")
    assert found["t"]["value"] == "{ 10, 20, [2.5] = 'x', apple = 2, ['not a name'] = {…}, zoo = 1, [false] = 0 }"
    assert (found["t"]["indexedVariables"], found["t"]["namedVariables"]) == (2, 5)
    assert len(found["text"]["value"]) < 1100
    assert found["text"]["value"].endswith("(6000 bytes)")
    table = found["t"]["variablesReference"]
    assert list(client.variables(table)) == ["[1]", "[2]", "[2.5]", "apple", '["not a name"]', "zoo", "[false]"]
    assert list(client.variables(table, filter="indexed", start=1, count=1)) == ["[2]"]
    assert list(client.variables(table, filter="named", start=1, count=2)) == ["apple", '["not a name"]']
    inner = {each["name"]: each for each in client.ask("variables", variablesReference=table)["variables"]}
    nested = inner['["not a name"]']
    assert nested["evaluateName"] == 't["not a name"]'
    assert client.evaluate(nested["evaluateName"] + ".deep.deeper.deepest") == "true"
    assert client.variables(nested["variablesReference"]) == {"deep": "{ deeper = {…} }"}

    long = found["long"]["variablesReference"]
    page = client.ask("variables", variablesReference=long)["variables"]
    assert len(page) == 301
    assert page[-1]["value"] == "700 more"
    assert list(client.variables(page[-1]["variablesReference"]))[:2] == ["[301]", "[302]"]
    assert list(client.variables(long, start=990, count=100)) == [f"[{n}]" for n in range(991, 1001)]
    upvalues = client.variables(scopes["Upvalues"])
    assert upvalues == {"up": "{ deep = {…} }"}
    client.go()
    client.end(request)
    assert "gone" in client.refused("variables", variablesReference=table)


def test_variables_are_set_where_they_are(client: DebugClient) -> None:
    cell = """\
local up, result = 1, nil
counter = 5
local t = { x = 1, { 7 } }
local function f(a)
  up = up + 0
  return a + up + t.x + counter + t[1][1]
end
print(f(100))"""
    request = client.begin(cell, [6])
    client.stopped()
    scopes = client.scopes()
    reply = client.ask("setVariable", variablesReference=scopes["Locals"], name="a", value="a + 900")
    assert (reply["value"], reply["type"]) == ("1000", "number")
    client.ask("setVariable", variablesReference=scopes["Upvalues"], name="up", value="20000")
    client.ask("setVariable", variablesReference=scopes["Globals"], name="counter", value="300000")
    table = client.ask("evaluate", expression="t", frameId=client.frames()[0]["id"])["variablesReference"]
    client.ask("setVariable", variablesReference=table, name="x", value="4000000")
    assert "no field nothing" in client.refused("setVariable", variablesReference=table, name="nothing", value="1")
    assert "no local b" in client.refused("setVariable", variablesReference=scopes["Locals"], name="b", value="1")
    client.evaluate("t[1][1] = 50000000")
    client.go()
    assert client.end(request).stdout == "54321000\n"


def test_a_name_that_an_expression_does_not_find_is_no_mistake_of_the_script(client: DebugClient) -> None:
    client.kernel.run("local lost = 1")
    request = client.begin("local x = 1\nprint(x)", [2])
    client.stopped()
    assert client.evaluate("lost") == "nil"
    client.go()
    assert client.end(request).stderr == ""


def test_expressions_see_what_the_frame_sees(client: DebugClient) -> None:
    cell = "local x = 1\ndo\n  local x = 2\n  local function g(y) return y, x end\n  g(3)\n  g(4)\nend\ncopied = copied"
    request = client.begin(cell, [5])
    client.stopped()
    assert client.evaluate("x") == "2"
    assert client.evaluate("= x, 'a', nil") == "2, 'a', nil"
    assert client.evaluate("local z = x * 10 return z") == "20"
    assert client.evaluate("x = 5") == ""
    assert client.evaluate("(function() return x end)()") == "5"
    frame = client.frames()[0]["id"]
    assert "attempt to index a nil value" in client.refused("evaluate", expression="nope.x", frameId=frame)
    assert "near" in client.refused("evaluate", expression="x +", frameId=frame)
    assert "frame is gone" in client.refused("evaluate", expression="x", frameId=10**9)
    assert client.evaluate("type(Session.Status)") == "'function'"
    client.ask("copyToGlobals", srcVariableName="x", dstVariableName="copied", srcFrameId=frame)
    rich = client.ask("richInspectVariables", variableName="{ {1, 2}, {3, 4} }", frameId=frame)
    assert "<table" in rich["data"]["text/html"]
    assert "{" in rich["data"]["text/plain"]
    client.breakpoints(cell)
    client.go()
    client.end(request)
    assert client.kernel.run("copied").result == "5"


def test_an_expression_that_does_not_end_is_stopped(client: DebugClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.kernel.run("%%python\nimport secc_kernel.lua.debugging as d\nd.LIMIT = 0.5")
    request = client.begin("local x = 1\nprint(x)", [2])
    client.stopped()
    frame = client.frames()[0]["id"]
    for endless in ("while true do end", "while true do pcall(error) end"):
        assert "takes too long" in client.refused("evaluate", expression=endless, frameId=frame)
    assert client.evaluate("x + 1") == "2"
    client.go()
    assert client.end(request).stdout == "1\n"


@pytest.mark.parametrize("how", ["signal", "message"])
def test_an_interrupt_ends_a_cell_that_has_stopped(client: DebugClient, how: str) -> None:
    request = client.begin("x = 0\npcall(function()\n  x = 1\nend)\nx = 2", [3])
    client.stopped()
    if how == "signal":
        client.kernel.manager.interrupt_kernel()
    else:
        client.kernel.send("shell", "interrupt_request")
    client.event("continued")
    reply = client.end(request)
    assert reply.reply["ename"] in ("LuaInterrupted", "KeyboardInterrupt"), reply.reply
    assert client.kernel.run("x").result == "0"
    assert client.kernel.run("local s = 0 for i = 1, 1e5 do s = s + i end return s").status == "ok"


def test_a_running_cell_can_be_paused_and_watched(client: DebugClient) -> None:
    request = client.kernel.begin_running("n = 0\nwhile not done do\n  n = n + 1\nend")
    client.ask("pause", threadId=1)
    client.stopped("pause")
    assert client.line() in (2, 3)
    client.evaluate("done = true")
    client.go()
    assert client.end(request).status == "ok"


def test_what_the_front_end_asks_elsewhere_meanwhile(client: DebugClient) -> None:
    request = client.begin("local apple = 1\nprint(apple)", [2])
    client.stopped()
    asked = client.kernel.client.complete("Session.Sta")
    assert "Status" in client.kernel.ask(asked)["matches"]
    opened = client.kernel.send("shell", "comm_info_request")  # is answered when the cell has ended
    with pytest.raises(queue.Empty):
        client.kernel.client.get_shell_msg(timeout=0.3)
    client.go()
    outcome = client.kernel.client
    reply = outcome.get_shell_msg(timeout=20)
    assert {reply["parent_header"]["msg_id"], outcome.get_shell_msg(timeout=20)["parent_header"]["msg_id"]} == {
        opened,
        request,
    }


def test_vs_code_learns_that_there_is_a_debugger(kernel: Kernel) -> None:
    asked = kernel.run("import ipykernel\nprint(ipykernel.__version__)", silent=True, store_history=False)
    assert int(asked.stdout.partition(".")[0]) >= 6


def test_the_time_limit_of_cells_does_not_run_at_a_breakpoint(client: DebugClient) -> None:
    client.kernel.run("%config SeccKernel.cell_timeout = 1")
    request = client.begin("local x = 1\nprint(x)", [2])
    client.stopped()
    time.sleep(1.5)
    client.go()
    outcome = client.end(request)
    client.kernel.run("%config SeccKernel.cell_timeout = 0")
    assert outcome.stdout == "1\n"


def test_globals_are_shown_between_cells(client: DebugClient) -> None:
    client.kernel.run("alpha, beta = 1, { 1, 2 }")
    found = {each["name"]: each for each in client.ask("inspectVariables")["variables"]}
    assert found["alpha"]["value"] == "1"
    assert found["beta"]["value"] == "{ 1, 2 }"
    assert not {"print", "string", "Secc", "display", "Session"} & set(found)
    assert client.variables(found["beta"]["variablesReference"]) == {"[1]": "1", "[2]": "2"}
    assert client.ask("richInspectVariables", variableName="beta")["data"]["text/plain"] == "{ 1, 2 }"
    assert client.ask("evaluate", expression="alpha + 1")["result"] == "2"


def test_a_debugger_that_leaves_lets_the_cell_go_on(kernel: Kernel) -> None:
    for command in ("disconnect", "terminate"):
        client = DebugClient(kernel)
        client.start()
        request = client.begin("for i = 1, 3 do\n  print(i)\nend", [2])
        client.stopped()
        client.ask(command)
        client.event("continued")
        client.event("terminated")
        assert client.end(request).stdout == "1\n2\n3\n"
        assert kernel.run("for i = 1, 3 do\n  print(i)\nend").stdout == "1\n2\n3\n"


def test_cells_inside_of_magics_and_files_stop_too(client: DebugClient, tmp_path: object) -> None:
    request = client.begin("%%capture\nlocal x = 1\nprint(x)", [3])
    client.stopped()
    assert client.line() == 3
    assert client.locals() == {"x": "1"}
    client.go()
    client.end(request)
    module = f"{tmp_path}/helper.lua"
    with open(module, "w") as file:
        file.write("local M = {}\nfunction M.f(x)\n  return x + 1\nend\nreturn M\n")
    made = client.ask("setBreakpoints", source={"path": module}, breakpoints=[{"line": 3}])["breakpoints"]
    assert made[0]["verified"]
    request = client.kernel.begin(f"local M = dofile('{module}')\nprint(M.f(1))")
    client.stopped()
    assert client.frames()[0]["source"] == {"name": module, "path": module}
    client.go()
    assert client.end(request).stdout == "2\n"


def test_a_kernel_that_has_stopped_shuts_down_at_once() -> None:
    kernel = Kernel()
    try:
        client = DebugClient(kernel)
        client.start()
        client.begin("local x = 1\nprint(x)", [2])
        client.stopped()
        begun = time.monotonic()
        kernel.manager.restart_kernel()
        assert time.monotonic() - begun < 4  # after 5 s the manager would have killed it
        kernel.client.stop_channels()
        kernel.connect()
        assert kernel.run("1 + 1").result == "2"
    finally:
        kernel.stop()


def test_the_safe_kernel_has_no_debugger() -> None:
    kernel = Kernel("secc-safe")
    try:
        kernel.client.kernel_info()
        assert "debugger" not in kernel.client.get_shell_msg(timeout=20)["content"]["supported_features"]
        sent = kernel.send("control", "debug_request", {"type": "request", "seq": 1, "command": "source"})
        reply = kernel.client.get_control_msg(timeout=20)
        assert reply["parent_header"]["msg_id"] == sent
        assert reply["content"]["success"] is False
    finally:
        kernel.stop()
