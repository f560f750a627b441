"""While a cell waits, the kernel serves the front end: widgets work, and so do futures of other threads."""

from __future__ import annotations

import time

import ipykernel
import pytest

from .conftest import Kernel

#: Before, a message for a widget waits for the end of the cell.
pytestmark = pytest.mark.skipif(ipykernel.version_info < (7, 4), reason="needs ipykernel 7.4 (Python 3.11)")

BUTTON = """%%python
import ipywidgets
from concurrent.futures import Future
button = ipywidgets.Button(description="go")
clicked = Future()
button.on_click(lambda _: clicked.set_result("clicked"))
get_ipython().kernel.host.engine.define("wait_for_click", lambda: clicked)
print(button.comm.comm_id)
"""


def test_a_click_is_handled_while_a_cell_waits(kernel: Kernel) -> None:
    comm = kernel.run(BUTTON).stdout.strip()
    request = kernel.begin_running("local what = wait_for_click() return what .. '!'")
    begun = time.perf_counter()
    kernel.send("shell", "comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": {"event": "click"}}})
    outcome = kernel.end(request)
    assert outcome.result == "'clicked!'"
    assert time.perf_counter() - begun < 1


def test_a_widget_works_in_a_python_cell_that_awaits(kernel: Kernel) -> None:
    kernel.run(BUTTON)
    comm = kernel.run("%%python\nprint(button.comm.comm_id)").stdout.strip()
    request = kernel.begin_running("%%python\nimport asyncio\nawait asyncio.wrap_future(clicked)")
    kernel.send("shell", "comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": {"event": "click"}}})
    assert kernel.end(request).result == "'clicked'"


def test_output_of_another_thread_appears_below_the_cell_that_waits(kernel: Kernel) -> None:
    kernel.run(
        "%%python\n"
        "import threading, time\n"
        "def background():\n"
        "    future = Future()\n"
        "    def work():\n"
        "        print('from the thread')\n"
        "        time.sleep(0.1)\n"
        "        future.set_result('done')\n"
        "    threading.Thread(target=work).start()\n"
        "    return future\n"
        "get_ipython().kernel.host.engine.define('background', background)"
    )
    outcome = kernel.run("background()")
    assert outcome.result == "'done'"
    assert outcome.stdout == "from the thread\n"


def test_subshells_serve_while_lua_is_busy(kernel: Kernel) -> None:
    """A front end that asks for comms on a subshell gets its answer from another thread."""
    kernel.send("control", "create_subshell_request")
    subshell = kernel.client.get_control_msg(timeout=10)["content"]["subshell_id"]
    request = kernel.begin_running("local t = os.time() while os.time() < t + 2 do end")
    message = kernel.client.session.msg("comm_info_request", {})
    message["header"]["subshell_id"] = subshell
    begun = time.perf_counter()
    kernel.client.shell_channel.send(message)
    assert kernel.ask(message["header"]["msg_id"])["status"] == "ok"
    assert time.perf_counter() - begun < 1
    assert kernel.end(request).status == "ok"
    kernel.send("control", "delete_subshell_request", {"subshell_id": subshell})
    kernel.client.get_control_msg(timeout=10)


def test_lua_in_a_subshell_is_refused_and_harms_nothing(kernel: Kernel) -> None:
    kernel.send("control", "create_subshell_request")
    subshell = kernel.client.get_control_msg(timeout=10)["content"]["subshell_id"]
    message = kernel.client.session.msg("execute_request", {"code": "1 + 1", "silent": False, "stop_on_error": False})
    message["header"]["subshell_id"] = subshell
    kernel.client.shell_channel.send(message)
    outcome = kernel.end(message["header"]["msg_id"])
    assert "thread" in outcome.reply["evalue"]
    kernel.send("control", "delete_subshell_request", {"subshell_id": subshell})
    kernel.client.get_control_msg(timeout=10)
