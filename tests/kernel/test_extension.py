"""``%load_ext secc_kernel`` in ipykernel's own kernel and in IPython in a terminal."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from .conftest import Kernel


@pytest.fixture(scope="module")
def running(kernelspec: Path) -> Iterator[Kernel]:
    """A Python kernel with the extension."""
    specs = kernelspec.parent / "plain"
    specs.mkdir(exist_ok=True)
    argv = f'["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (specs / "kernel.json").write_text(f'{{"argv": {argv}, "display_name": "plain", "language": "python"}}', "utf-8")
    kernel = Kernel("plain")
    outcome = kernel.run("%load_ext secc_kernel")
    assert (outcome.status, outcome.messages[1:]) == ("ok", [])
    yield kernel
    kernel.stop()


def test_lua_and_python_share_a_session(kernel: Kernel) -> None:
    outcome = kernel.run("%%lua\nx = 20\nSecc.Receive_SessionSetupReq_001()\nx + 1")
    assert outcome.result == "21"
    assert "SessionSetupReq" in outcome.of("display_data")[0]["data"]["text/html"]
    assert kernel.run("journal.frames[-1].name, session.side").result == "('SessionSetupReq', 'SECC')"
    assert kernel.run("lua.x = lua.x + 2; lua.x").result == "22"
    assert kernel.run("%%lua\nx").result == "22"


def test_a_line_gives_python_a_value(kernel: Kernel) -> None:
    kernel.run("%%lua\nt = {volts = 400, list = {1, 'two'}}")
    assert kernel.run("value = %lua t\nvalue['list']").result == "[1, 'two']"
    assert kernel.run("%lua 6 * 7, 'x'").result == "(42, 'x')"
    assert kernel.run("%lua nil").result is None
    assert kernel.run("for i in range(3):\n    %lua sum = (sum or 0) + 1\nlua.sum").result == "3"


def test_a_console_ends_a_cell_with_a_blank_line(kernel: Kernel) -> None:
    asked = {"": "complete", "%%lua\n": "incomplete", "%%lua\nx = 1\n": "incomplete", "%%lua\nx = 1\n\n": "complete"}
    assert {code: kernel.ask(kernel.client.is_complete(code))["status"] for code in asked} == asked


def test_names_of_one_s_own_stay(kernel: Kernel) -> None:
    assert kernel.run("session = 'mine'\nlen(session)").result == "4"
    kernel.run("%%lua\n1")
    assert kernel.run("session").result == "'mine'"
    kernel.run("del session")
    assert kernel.run("session.side").result == "'SECC'"


def test_errors_name_cell_and_line(kernel: Kernel) -> None:
    outcome = kernel.run("%%lua\n\nSecc.Set_SessionSetupRes_EVSEID(5)")
    assert outcome.reply["ename"] == "LuaError"
    count = outcome.reply["execution_count"]
    shown = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(outcome.reply["traceback"]))
    assert f"In[{count}]:2: Secc.Set_SessionSetupRes_EVSEID takes a string" in shown
    assert "^" in shown.splitlines()[-1]
    assert "extension.py" not in shown
    assert "nothing on its line" in kernel.run("%%lua x = 1\ny = 2").stderr


@pytest.mark.parametrize(
    "code",
    [
        "%%lua\nwhile true do end",
        "%%lua\nSession.Open{link='tcp'}\nSecc.Receive_SessionSetupReq_001()",
        "%%time\n%%lua\nwhile true do end",
    ],
    ids=["loop", "waiting", "in a magic"],
)
def test_interrupt(kernel: Kernel, code: str) -> None:
    request = kernel.begin_running(code)
    kernel.manager.interrupt_kernel()
    outcome = kernel.end(request)
    assert "KeyboardInterrupt" in str(outcome.messages)
    assert kernel.run("%%lua\nlocal s = 0 for i = 1, 1000000 do s = s + i end return s").result == "500000500000"


def test_inside_of_magics(kernel: Kernel) -> None:
    assert kernel.run("%%capture told\n%%lua\nprint('inside')").stdout == ""
    assert kernel.run("told.stdout").result == "'inside\\n'"


def test_io_read_asks_the_front_end(kernel: Kernel) -> None:
    request = kernel.begin("%%lua\nio.read() .. '!'", allow_stdin=True)
    assert kernel.client.get_stdin_msg(timeout=20)["msg_type"] == "input_request"
    kernel.client.input("KR*TC1")
    assert kernel.end(request).result == "'KR*TC1!'"
    assert "nobody to ask" in kernel.run("%%lua\nio.read()", allow_stdin=False).reply["evalue"]


@pytest.mark.skipif(version("ipykernel") < "7.4", reason="needs ipykernel 7.4 (Python 3.11)")
def test_widgets_work_while_a_cell_waits(kernel: Kernel) -> None:
    kernel.run(
        "import asyncio, ipywidgets\nbutton = ipywidgets.Button()\n"
        "from secc_kernel.kernel import extension\n"
        "clicked = asyncio.get_running_loop().create_future()\n"
        "button.on_click(lambda _: clicked.set_result('clicked'))\n"
        "next(iter(extension._loaded.values())).host.engine.define('click', lambda: clicked)"
    )
    comm = kernel.run("button.comm.comm_id").result
    request = kernel.begin_running("%%lua\nclick()")
    content = {"comm_id": (comm or "").strip("'"), "data": {"method": "custom", "content": {"event": "click"}}}
    kernel.send("shell", "comm_msg", content)
    assert kernel.end(request).result == "'clicked'"


def test_unload_and_load_again(kernel: Kernel) -> None:
    assert kernel.run("old = session\n%unload_ext secc_kernel").status == "ok"
    assert "not found" in kernel.run("%lua 1").stderr
    assert kernel.run("lua").reply["ename"] == "NameError"
    assert kernel.run("%load_ext secc_kernel\n%lua x").result is None
    assert kernel.run("session is old").result == "False"


def test_the_lua_kernel_needs_no_extension() -> None:
    lua = Kernel()
    try:
        assert "are Lua already" in lua.run("%load_ext secc_kernel").stderr
    finally:
        lua.stop()


def test_a_terminal(tmp_path: Path) -> None:
    script = tmp_path / "cells.ipy"
    script.write_text(
        "%load_ext secc_kernel\n"
        "get_ipython().run_cell('%%lua\\nprint(\"from Lua\")\\nSecc.Receive_SessionSetupReq_001()')\n"
        "print(journal.frames[-1].name)\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", script]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert time.monotonic() - began < 90
    assert "from Lua\n" in done.stdout
    assert "EVCC → SECC  SessionSetupReq" in done.stdout
    assert done.stderr == ""
