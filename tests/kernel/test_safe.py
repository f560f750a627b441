"""The kernel ``secc-safe`` runs a stranger's Lua and nothing else, within limits, and answers the next cell."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packets import EXI, Connection, pcap_of
from tls_sessions import talk

from secc_kernel.kernel import spec
from secc_kernel.wire.v2gtp import pack

from .conftest import Kernel

pytestmark = pytest.mark.skipif(os.name == "nt", reason="files and signals of POSIX")

#: Seconds that a cell may take here.
TIMEOUT = 1.5
#: Modules that the kernel imports sooner or later, and files that Jupyter would read as its configuration.
PLANTED = [
    "secc_kernel",
    "pandas",
    "random",
    "sitecustomize",
    "ipython_config",
    "ipython_kernel_config",
    "jupyter_config",
]


def pcap(records: int = 0, size: int = 0) -> bytes:
    """A capture with records that hold nothing of ours."""
    record = bytes(8) + size.to_bytes(4, "little") * 2 + bytes(size)
    return bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000") + record * records


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stranger's folder."""
    folder = tmp_path_factory.mktemp("stranger") / "notebook"
    (folder / "sub").mkdir(parents=True)
    outside = folder.parent / "outside.pcap"
    outside.write_bytes(pcap(2, 60))
    for name in PLANTED:
        (folder / f"{name}.py").write_text(f"open({str(folder.parent / 'planted')!r}, 'a').write('{name}')\n")
    (folder / "some.pcap").write_bytes(pcap(2, 60))
    (folder / "sub" / "some.pcap.gz").write_bytes(gzip.compress(pcap(2, 60)))
    (folder / "text").write_text("secret")
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "up").symlink_to("..")
    (folder / "circle").symlink_to("circle")
    os.mkfifo(folder / "pipe")
    with (folder / "huge.pcap").open("wb") as file:
        file.truncate(300 << 20)
    return folder


@pytest.fixture(scope="module")
def running(folder: Path, kernelspec: Path) -> Iterator[Kernel]:
    environment = {**os.environ, "SECC_CELL_TIMEOUT": str(TIMEOUT), "SECRET": "s3cr3t"}
    kernel = Kernel(spec.SAFE, cwd=str(folder), env=environment)
    before = sorted(folder.rglob("*"))
    yield kernel
    kernel.stop()
    assert sorted(folder.rglob("*")) == before, "a cell has left a file"
    assert not (folder.parent / "planted").exists(), "a module of the folder was imported"


# -- what runs ---------------------------------------------------------------------------------------------------------


def test_lua_and_the_simulated_link(kernel: Kernel) -> None:
    source = (
        "Session.Open{prefer = 'latest'} Secc.Receive_SessionSetupReq_001() return #Secc.Get_SessionSetupReq_EVCCID()"
    )
    outcome = kernel.run(source)
    assert outcome.result == "12"
    assert any("SessionSetupReq" in data["data"]["text/plain"] for data in outcome.of("display_data"))
    kernel.run("Session.Close()")


@pytest.mark.parametrize(
    "cell",
    [
        "%%python\nopen('made', 'w')",
        "  %%python\nopen('made', 'w')",
        "%%bash\ntouch made",
        "%%script touch made",
        "%%writefile made\nx",
        "%%time\nprint(1)",
        "%%capture\nprint(1)",
        "%%lua --x\nprint(1)",
        "!touch made",
        "!!touch made",
        "%time open('made', 'w')",
        "%run made",
        "%config SafeKernel.cell_timeout = 0",
        "%load_ext autoreload",
        "%pip install x",
        "x = !touch made\nreturn x",
        "x = %pwd\nreturn x",
        "\n\n!touch made\nreturn 1",
        "%env SECRET\nreturn 1",
        "open?",
        "%%python?",
        "?os.system",
        "*cwd*?",
    ],
)
def test_nothing_but_lua(kernel: Kernel, cell: str) -> None:
    outcome = kernel.run(cell)
    if "?" in cell:  # questions are answered, about Lua
        text = str(outcome.reply)
        assert outcome.status == "error" or "Lua has no" in text or "Docstring" not in text
        return
    assert outcome.reply["ename"] in ("Refused", "LuaSyntaxError")
    if outcome.reply["ename"] == "Refused":
        assert "Lua only" in outcome.reply["evalue"]
        assert "EV charging (Lua)" in "".join(outcome.reply["traceback"])


@pytest.mark.parametrize(
    "cell",
    [
        "x = 1\n%%python\nopen('made', 'w')",
        "')\nopen('made', 'w')\n('",
        '"""\nopen(\'made\', \'w\')\n"""',
        "\\'); open('made', 'w') #",
        "\x00open('made', 'w')",
        "\u2028open('made', 'w')",
        "return 1 --\r\nopen('made', 'w')",
    ],
)
def test_no_word_of_a_cell_becomes_python(kernel: Kernel, cell: str) -> None:
    outcome = kernel.run(cell)
    assert outcome.status == "ok" or outcome.reply["ename"].startswith("Lua")


def test_a_question_about_the_api(kernel: Kernel) -> None:
    (page,) = kernel.run("?Session.Wait").reply["payload"]
    assert "Session.Wait(" in page["data"]["text/plain"]


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["%%python\nimport o", "get_ipython().", "__import__('os').pa", "%%python\nopen", "!l"]
)
def test_python_is_neither_completed_nor_explained(kernel: Kernel, code: str) -> None:
    asked = {"code": code, "cursor_pos": len(code), "detail_level": 1}
    assert kernel.ask(kernel.send("shell", "complete_request", asked))["matches"] == []
    assert not kernel.ask(kernel.send("shell", "inspect_request", asked))["found"]
    assert kernel.ask(kernel.send("shell", "is_complete_request", asked))["status"] in ("complete", "incomplete")


def test_user_expressions_are_lua(kernel: Kernel) -> None:
    expressions = {"a": "open('made', 'w')", "b": "__import__('os').getpid()", "c": "6 * 7", "d": "while true do end"}
    values = kernel.run("x = 1", user_expressions=expressions).reply["user_expressions"]
    assert [values[key]["status"] for key in "abcd"] == ["error", "error", "ok", "error"]
    assert values["c"]["data"]["text/plain"] == "42"


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_execution_on_any_channel(kernel: Kernel, channel: str) -> None:
    content = {"code": "%%python\nopen('made', 'w')", "silent": True, "user_expressions": {}, "allow_stdin": False}
    request = kernel.send(channel, "execute_request", content)
    get = getattr(kernel.client, f"get_{channel}_msg")
    while (reply := get(timeout=20))["parent_header"].get("msg_id") != request:
        pass
    assert reply["content"]["ename"] == "Refused"
    kernel.drain()


@pytest.mark.parametrize(
    "command", ["initialize", "attach", "evaluate", "richInspectVariables", "dumpCell", "copyToGlobals"]
)
def test_no_debugger_of_the_python_below(kernel: Kernel, command: str) -> None:
    arguments = {"expression": "open('made', 'w')", "code": "x", "variableName": "get_ipython", "frameId": 0}
    kernel.send("control", "debug_request", {"type": "request", "seq": 1, "command": command, "arguments": arguments})
    assert kernel.client.get_control_msg(timeout=20)["content"].get("success") is not True
    kernel.drain()


@pytest.mark.parametrize("target", ["jupyter.widget", "anything"])
def test_a_front_end_makes_no_python_objects(kernel: Kernel, target: str) -> None:
    state = {"_model_module": "@jupyter-widgets/controls", "_model_name": "ButtonModel"}
    content = {"comm_id": f"id-{target}", "target_name": target, "target_module": "os", "data": {"state": state}}
    request = kernel.send("shell", "comm_open", content)
    while True:
        message = kernel.client.get_iopub_msg(timeout=20)
        if message["parent_header"].get("msg_id") == request and message["msg_type"] == "comm_close":
            break
    assert message["content"]["comm_id"] == f"id-{target}"
    kernel.drain()


# -- files, the network, the environment -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attempt",
    [
        "Session.Open{link = 'tcp'}",
        "Session.Open{link = 'tcp', host = '127.0.0.1', port = 1}",
        "Session.Open{link = 'plc'}",
        "Session.Open{link = 'sim', journal = 'made'}",
        "Session.Open{interface = 'lo'}",
        "Session.Open{tls = true}",
        "Session.Open{tls = '/etc'}",
        "Session.Open{keylog = 'made'}",
        "Session.Open{link = 'tcp', tls = true, keylog = 'made'}",
        "io.open('made', 'w')",
        "io.open('/etc/passwd')",
        "os.getenv('SECRET')",
        "os.execute('touch made')",
        "os.remove('some.pcap')",
        "dofile('text')",
        "require('random')",
    ],
)
def test_no_way_out(kernel: Kernel, attempt: str) -> None:
    outcome = kernel.run(attempt)
    assert outcome.status == "error"
    assert "s3cr3t" not in str(outcome.messages)


@pytest.mark.parametrize("path", ["some.pcap", "./some.pcap", "sub/../some.pcap", "sub/some.pcap.gz"])
def test_captures_beside_the_notebook(kernel: Kernel, path: str) -> None:
    outcome = kernel.run(f"read_capture('{path}')")
    assert outcome.result is not None
    assert outcome.result.startswith("0 messages")


def test_a_capture_of_tls_with_its_key_log(kernel: Kernel, folder: Path, tmp_path: Path) -> None:
    made = talk(tmp_path, [("EV", pack(0x8001, EXI.sap_req))])
    tcp = Connection()
    packets = tcp.open() + [tcp.packet(who, "PA", data) for who, data in made.flights]
    files = {"tls.pcap": pcap_of(packets), "keys.txt": made.keylog}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    try:
        outcome = kernel.run("read_capture('tls.pcap', 'keys.txt')")
        outside = kernel.run("read_capture('tls.pcap', '/etc/hostname')")
    finally:
        for name in files:
            (folder / name).unlink()
    assert outcome.result is not None
    assert "supportedAppProtocolReq" in outcome.result
    assert outside.status == "error"


def test_a_capture_by_its_absolute_path(kernel: Kernel, folder: Path) -> None:
    assert kernel.run(f"read_capture('{folder}/some.pcap')").status == "ok"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../outside.pcap", "outside"),
        ("../never", "outside"),
        ("up/outside.pcap", "outside"),
        ("link", "outside"),
        ("/etc/passwd", "outside"),
        ("/etc/never", "outside"),
        ("/proc/self/environ", "outside"),
        ("/dev/zero", "outside"),
        ("..", "outside"),
        (".", "no regular file"),
        ("sub", "no regular file"),
        ("pipe", "no regular file"),
        ("circle", "no file"),
        ("a\\0b", "no file"),
        ("never", "No such file"),
        ("~/x", "No such file"),
        ("huge.pcap", "too large"),
        ("text", "neither pcap nor pcapng"),
    ],
)
def test_no_other_files(kernel: Kernel, folder: Path, path: str, why: str) -> None:
    outcome = kernel.run(f"read_capture('{path}')")
    assert why in outcome.reply["evalue"]
    assert str(folder) not in outcome.reply["evalue"]


# -- limits ------------------------------------------------------------------------------------------------------------

ENDLESS = {
    "pcall": "while true do pcall(function() while true do end end) end",
    "close": "local x <close> = setmetatable({}, {__close = function() while true do end end})",
    "pattern": "('x'):rep(5000):find('x*x*x*x*y')",
    "wait": "Session.Open{} Session.Autopilot(false) while true do pcall(Session.Wait, 1) end",
    "globals": "setmetatable(_G, {__index = function() while true do end end}) return nothing",
    "sessions": "while true do Session.Open{} Secc.Receive_SessionSetupReq_001() end",
}


@pytest.mark.parametrize("cell", ENDLESS.values(), ids=ENDLESS)
def test_time(kernel: Kernel, cell: str) -> None:
    outcome = kernel.run(cell)
    assert outcome.reply["ename"] == "CellLimit"
    assert f"stopped after {TIMEOUT} s" in outcome.reply["evalue"]
    assert "SECC_CELL_TIMEOUT" in "".join(outcome.reply["traceback"])
    kernel.run("setmetatable(_G, nil) Session.Autopilot(true) Session.Close()")


@pytest.mark.parametrize(
    "call", ["Session.Wait(0/0)", "Session.Wait(1/0)", "Session.RunFor(0/0)", "Session.RunFor(-1)"]
)
def test_times_that_never_come(kernel: Kernel, call: str) -> None:
    assert "takes a number of seconds" in kernel.run(call).reply["evalue"]


FLOODS = {
    "print": "while true do print(('x'):rep(10000)) end",
    "pcall": "while true do pcall(print, ('x'):rep(10000)) end",
    "stderr": "while true do io.stderr:write(('x'):rep(10000)) end",
    "verdicts": "while true do Session.Check(false, ('x'):rep(100000)) end",
}


@pytest.mark.parametrize("cell", FLOODS.values(), ids=FLOODS)
def test_output(kernel: Kernel, cell: str) -> None:
    outcome = kernel.run(cell)
    assert outcome.reply["ename"] == "CellLimit"
    assert "written more than" in outcome.reply["evalue"]
    assert sum(len(stream["text"]) for stream in outcome.of("stream")) < 10 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="who else tells the memory of a process?")
def test_memory_of_the_process(kernel: Kernel) -> None:
    """What scripts give to Python is not in Lua's memory: remarks in the journal."""
    outcome = kernel.run("while true do Session.Note(('x'):rep(4000000)) end")
    assert outcome.reply["ename"] == "CellLimit"
    assert "grown" in outcome.reply["evalue"] or "stopped after" in outcome.reply["evalue"]
    assert kernel.run("Session.Status().state").result == "'closed'" or "stopped after" in outcome.reply["evalue"]


def test_memory_of_lua(kernel: Kernel) -> None:
    outcome = kernel.run("local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end")
    assert outcome.reply["evalue"].endswith("Lua has used up its memory (64 MiB)")


# -- what is shown -----------------------------------------------------------------------------------------------------

TAG = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    "cell",
    [
        f"return {{'{TAG}'}}",
        f"return {{['{TAG}'] = 1}}",
        f"return {{{{a = '{TAG}', ['{TAG}'] = 2}}, {{a = 1, ['{TAG}'] = 2}}}}",
        f"display({{'{TAG}'}}, '{TAG}')",
        f"return setmetatable({{1}}, {{__name = '{TAG}'}})",
        f"return setmetatable({{}}, {{__tostring = function() return '{TAG}' end}})",
        f"error({{'{TAG}'}})",
        f"Session.Check(true, '{TAG}')",
        f"Secc.Receive_SessionSetupReq_001() Secc.Set_SessionSetupRes_EVSEID('{TAG}') Secc.Send_SessionSetupRes_001()",
        f"Session.Note('{TAG}') return Session.Status()",
    ],
)
def test_text_stays_text(kernel: Kernel, cell: str) -> None:
    outcome = kernel.run(cell)
    shown = [*outcome.of("display_data"), *outcome.of("execute_result"), *outcome.of("update_display_data")]
    for data in (message["data"] for message in shown):
        assert set(data) <= {"text/plain", "text/html"}
        assert "<script" not in data.get("text/html", "")
        assert "<img" not in data.get("text/html", "")
    kernel.run("Session.Close()")


# -- the second wall ---------------------------------------------------------------------------------------------------

ARMED = """
import sys
from secc_kernel.kernel.safe import arm
arm({mine!r})
try:
    {attempt}
except (PermissionError, MemoryError) as problem:
    print(type(problem).__name__)
"""


@pytest.mark.parametrize(
    ("attempt", "printed"),
    [
        ("open('made', 'w')", "PermissionError"),
        ("open('made', 'r+')", "PermissionError"),
        ("import os; os.open('made', os.O_CREAT)", "PermissionError"),
        ("import pathlib; pathlib.Path('there').unlink()", "PermissionError"),
        ("import os; os.rename('there', 'elsewhere')", "PermissionError"),
        ("import os; os.system('touch made')", "PermissionError"),
        ("import os; os.fork()", "PermissionError"),
        ("import subprocess; subprocess.run(['touch', 'made'])", "PermissionError"),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "PermissionError"),
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", "PermissionError"),
        ("import sqlite3; sqlite3.connect('made')", "PermissionError"),
        ("import os; os.unlink('mine')", ""),
        ("print(open('there').read())", "here"),
        pytest.param("bytearray(3 << 30)", "MemoryError", marks=pytest.mark.skipif("sys.platform != 'linux'")),
    ],
)
def test_the_process_does_nothing_outside(tmp_path: Path, attempt: str, printed: str) -> None:
    (tmp_path / "there").write_text("here")
    (tmp_path / "mine").write_text("")
    code = ARMED.format(mine="mine", attempt=attempt)
    root = Path(__file__).resolve().parents[2]
    done: Any = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True
    )
    assert done.stdout.decode().strip() == printed, done.stderr.decode()
    assert {path.name for path in tmp_path.iterdir()} - {"mine"} == {"there"}
