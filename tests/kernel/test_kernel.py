"""What a front end sees of the kernel, beyond the checks of jupyter_kernel_test."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Kernel


def test_kernel_info(kernel: Kernel) -> None:
    info = kernel.ask(kernel.client.kernel_info())
    assert info["implementation"] == "secc-kernel"
    assert info["language_info"]["mimetype"] == "text/x-lua"
    assert "debugger" in info["supported_features"]
    assert "kernel subshells" in info["supported_features"]
    assert "Lua 5.4" in info["banner"]


def test_the_banner_tells_where_the_session_stands(tmp_path: Path) -> None:
    own = Kernel()
    try:
        first = own.ask(own.client.kernel_info())["banner"]
        words = [line.split()[0] for line in first.splitlines()]
        assert words == ["secc-kernel", "link", "protocol", "journal", "help"]
        assert "the simulated EV" in first
        assert "in memory" in first
        path = tmp_path / "journal.jsonl"
        assert own.run(f"Session.Open{{journal='{path}'}} Secc.Receive_SessionSetupReq_001()").status == "ok"
        again = re.sub(" +", " ", own.ask(own.client.kernel_info())["banner"]).splitlines()
        assert again[1:3] == ["link sim, the simulated vehicle; the script is the SECC", "protocol iso2"]
        assert again[4] == f"journal {path}, 3 messages"
    finally:
        own.stop()


def test_counts(kernel: Kernel) -> None:
    first = kernel.run("1 + 1").reply["execution_count"]
    shown = kernel.run("2 + 2")
    assert shown.reply["execution_count"] == first + 1
    assert shown.of("execute_result")[0]["execution_count"] == first + 1
    assert shown.of("execute_input")[0]["execution_count"] == first + 1
    failed = kernel.run("error('x')")
    assert failed.reply["execution_count"] == first + 2
    assert f"In[{first + 2}]:1: x" in failed.reply["evalue"]
    assert kernel.run("1").reply["execution_count"] == first + 3


def test_silent_and_without_history(kernel: Kernel) -> None:
    before = kernel.run("1").reply["execution_count"]
    silent = kernel.run("silently = 5; 1 + 1", silent=True)
    assert silent.messages == []
    unrecorded = kernel.run("silently", store_history=False)
    assert unrecorded.result == "5"
    assert kernel.run("1").reply["execution_count"] == before + 1


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("x = 5", None),
        ("x = 5\nx * 2", "10"),
        ("'text', nil, true, 0.5, 1e15", "'text'\tnil\ttrue\t0.5\t1e+15"),
        ("nil", None),
        ("1;", None),
        ("{1, {a = 2}}", "{ 1, { a = 2 } }"),
        ("=6*7", "42"),
        ("os.exit()", None),
    ],
)
def test_values(kernel: Kernel, code: str, text: str | None) -> None:
    outcome = kernel.run(code)
    assert outcome.status == "ok"
    assert outcome.result == text


def test_a_table_is_also_shown_as_html_without_scripts(kernel: Kernel) -> None:
    data = kernel.run("{name = '<script>', {1}}").of("execute_result")[0]["data"]
    assert "<details" in data["text/html"]
    assert "&lt;script&gt;" in data["text/html"]
    assert "<script" not in data["text/html"]


def test_a_view_that_lua_passes_on_brings_its_own_display(kernel: Kernel) -> None:
    kernel.run(
        "%%python\n"
        "from IPython.display import HTML\n"
        "get_ipython().kernel.host.engine.define('view', lambda: HTML('<b>view</b>'))"
    )
    assert kernel.run("view()").of("execute_result")[0]["data"]["text/html"] == "<b>view</b>"
    shown = kernel.run("display(view(), {1}, 'a', nil)").of("display_data")
    assert [data["data"].get("text/html", data["data"]["text/plain"])[:5] for data in shown] == [
        "<b>vi",
        "<div ",
        "'a'",
        "nil",
    ]


def test_prints_are_few_messages(kernel: Kernel) -> None:
    outcome = kernel.run("for i = 1, 50000 do print(i) end")
    assert outcome.stdout.count("\n") == 50000
    assert outcome.stdout.endswith("50000\n")
    assert len(outcome.of("stream")) <= 20
    assert outcome.seconds < 5


def test_output_keeps_its_order(kernel: Kernel) -> None:
    outcome = kernel.run("print('a') display('b') print('c') return 'd'")
    kinds = [kind for kind, _ in outcome.messages if kind != "execute_input"]
    assert kinds == ["stream", "display_data", "stream", "execute_result"]


def test_bytes_that_are_no_text_are_shown_as_escapes(kernel: Kernel) -> None:
    assert kernel.run(r"print('a\xffb ä')").stdout == "a\\xffb ä\n"
    assert kernel.run(r"'a\xff'").result == "'a\\xff'"


def test_errors_show_cell_line_and_mark(kernel: Kernel) -> None:
    outcome = kernel.run("local x = 1\nprnt(x)")
    count = outcome.reply["execution_count"]
    error = outcome.of("error")[0]
    assert error["ename"] == outcome.reply["ename"] == "LuaError"
    assert error["evalue"] == f"In[{count}]:2: attempt to call a nil value (global 'prnt')"
    text = re.sub(r"\x1b\[\d*m", "", "\n".join(error["traceback"]))
    assert text.split("\n")[1:4] == ["    2 | prnt(x)", "      | ^^^^", "hint: did you mean 'print'?"]
    assert ".py" not in text


def test_an_error_of_an_earlier_cell_s_function_names_that_cell(kernel: Kernel) -> None:
    count = kernel.run("function broken()\n  error('here')\nend").reply["execution_count"]
    outcome = kernel.run("broken()")
    assert outcome.reply["evalue"] == f"In[{count}]:2: here"
    assert f"In[{count + 1}]:1: in main chunk" in "\n".join(outcome.reply["traceback"])


def test_a_failed_cell_stops_those_behind_it(kernel: Kernel) -> None:
    # The second has arrived when the first fails: what comes later runs, as ipykernel has it.
    failing = "local begun = os.clock() while os.clock() < begun + 0.3 do end error('x')"
    requests = [kernel.begin(code) for code in (failing, "reached = true")]
    assert kernel.end(requests[0]).status == "error"
    kernel.end(requests[1])
    assert kernel.run("reached").result is None


class TestPython:
    def test_state_is_shared_among_python_cells(self, kernel: Kernel) -> None:
        assert kernel.run("%%python\nvalue = 20").status == "ok"
        assert kernel.run("value").result is None
        assert kernel.run("%%python\nvalue + 1").result == "21"

    def test_same_process_and_top_level_await(self, kernel: Kernel) -> None:
        assert kernel.run("%%python\nimport asyncio\nawait asyncio.sleep(0)\n'here'").result == "'here'"

    def test_errors_have_the_cell_s_lines(self, kernel: Kernel) -> None:
        outcome = kernel.run("%%python\nx = 1\n1 / 0")
        assert outcome.reply["ename"] == "ZeroDivisionError"
        text = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(outcome.reply["traceback"]))
        assert "line 3" in text

    def test_values_of_lua_cells_are_at_hand(self, kernel: Kernel) -> None:
        kernel.run("6 * 7")
        assert kernel.run("%%python\n_ + 1").result == "43"

    def test_session_and_journal_are_at_hand(self, kernel: Kernel) -> None:
        assert kernel.run("%%python\nsession.journal is journal").result == "True"
        assert kernel.run("%%python\nsecc_kernel.__version__").status == "ok"

    def test_a_name_of_one_s_own_stays(self, kernel: Kernel) -> None:
        kernel.run("%%python\nsession = 'mine'")
        assert kernel.run("%%python\nsession").result == "'mine'"
        kernel.run("%%python\ndel session")
        assert kernel.run("%%python\ntype(session).__name__").result == "'LiveSession'"


class TestMagics:
    @pytest.mark.parametrize(
        ("code", "text"),
        [
            ("%pwd", "/"),
            ("!echo from the shell", "from the shell"),
            ("%%python\nprint('x')", "x"),
            ("!echo one\nprint('two')", "two"),
        ],
    )
    def test_pass_through(self, kernel: Kernel, code: str, text: str) -> None:
        outcome = kernel.run(code)
        assert outcome.status == "ok"
        assert text in outcome.stdout + (outcome.result or "")

    def test_lua_behind_a_line_magic_keeps_its_lines(self, kernel: Kernel) -> None:
        outcome = kernel.run("%pwd\n\nerror('x')")
        assert f"In[{outcome.reply['execution_count']}]:3: x" in outcome.reply["evalue"]

    def test_capture_and_time_of_lua(self, kernel: Kernel) -> None:
        assert kernel.run("%%capture captured\nprint('inside')").stdout == ""
        assert kernel.run("%%python\ncaptured.stdout").result == "'inside\\n'"
        assert "Wall time" in kernel.run("%%time\nlocal s = 0 for i = 1, 1000 do s = s + i end").stdout

    def test_help_is_ipython_s(self, kernel: Kernel) -> None:
        outcome = kernel.run("len?")
        assert "len" in outcome.reply["payload"][0]["data"]["text/plain"]


class TestStdin:
    def test_io_read_asks_the_front_end(self, kernel: Kernel) -> None:
        request = kernel.begin("io.write('name? ') return io.read() .. '!'", allow_stdin=True)
        assert kernel.client.get_stdin_msg(timeout=20)["msg_type"] == "input_request"
        kernel.client.input("KR*TC1")
        outcome = kernel.end(request)
        assert outcome.result == "'KR*TC1!'"
        assert outcome.stdout == "name? "

    def test_numbers_and_the_end_of_the_input(self, kernel: Kernel) -> None:
        request = kernel.begin("io.read('n', 'l')", allow_stdin=True)
        kernel.client.get_stdin_msg(timeout=20)
        kernel.client.input("12 volts")
        assert kernel.end(request).result == "12\t' volts'"
        request = kernel.begin("io.read()", allow_stdin=True)
        kernel.client.get_stdin_msg(timeout=20)
        kernel.client.input("\x04")
        assert kernel.end(request).result is None

    def test_a_front_end_without_input(self, kernel: Kernel) -> None:
        outcome = kernel.run("io.read()", allow_stdin=False)
        assert f"In[{outcome.reply['execution_count']}]:1: there is nobody to ask" in outcome.reply["evalue"]

    def test_input_asks_with_a_text(self, kernel: Kernel) -> None:
        request = kernel.begin("local id = input('EVSEID? ') print(id)", allow_stdin=True)
        asked = kernel.client.get_stdin_msg(timeout=20)["content"]
        assert asked == {"prompt": "EVSEID? ", "password": False}
        kernel.client.input("KR*TC1")
        assert kernel.end(request).stdout == "KR*TC1\n"


class TestQuestions:
    def complete(self, kernel: Kernel, code: str) -> list[str]:
        reply = kernel.ask(kernel.client.complete(code, len(code)))
        assert all(match.startswith(code[reply["cursor_start"] :]) for match in reply["matches"])
        return list(reply["matches"])

    def test_completion(self, kernel: Kernel) -> None:
        kernel.run("my_table = {alpha = {beta = 1}, alps = 2}")
        assert self.complete(kernel, "my_table.al") == ["alpha", "alps"]
        assert self.complete(kernel, "x = my_table.alpha.") == ["beta"]
        assert "my_table" in self.complete(kernel, "my_t")
        assert "function" in self.complete(kernel, "func")
        assert "Set_SessionSetupRes_EVSEID" in self.complete(kernel, "Secc.Set_SessionSetupRes_")
        assert "FAILED_SequenceError" in self.complete(kernel, "ResponseCodeType.FAILED_S")
        assert self.complete(kernel, "nothing.") == []

    def test_python_is_completed_in_python_cells(self, kernel: Kernel) -> None:
        code = "%%python\nle"
        assert "len" in kernel.ask(kernel.client.complete(code, len(code)))["matches"]

    def test_inspection_does_not_mistake_lua_for_python(self, kernel: Kernel) -> None:
        assert "tabs" in kernel.ask(kernel.client.inspect("print", 3))["data"]["text/plain"]
        assert kernel.ask(kernel.client.inspect("len", 3))["found"] is False
        code = "%%python\nlen"
        assert kernel.ask(kernel.client.inspect(code, len(code)))["found"] is True

    def test_is_complete(self, kernel: Kernel) -> None:
        assert kernel.ask(kernel.client.is_complete("for i = 1, 3 do")) == {"status": "incomplete", "indent": "  "}
        assert kernel.ask(kernel.client.is_complete("x = 5\nx"))["status"] == "complete"
        assert kernel.ask(kernel.client.is_complete("%%python\nfor i in x:"))["status"] == "incomplete"


def test_nothing_heavy_is_imported_before_it_is_used(running: Kernel) -> None:
    kernel = Kernel()
    try:
        loaded = (
            "%%python\nimport sys\nsorted({'pandas', 'numpy', 'scapy', 'ipywidgets', 'matplotlib'} & set(sys.modules))"
        )
        assert kernel.run("Secc.Receive_SessionSetupReq_001()").of("display_data")
        assert kernel.run(loaded).result == "[]"
        assert kernel.run("%%python\nlen(journal.messages())").status == "ok"
        assert kernel.run(loaded).result == "['numpy', 'pandas']"
    finally:
        kernel.stop()


def test_a_start_imports_neither_the_api_nor_what_it_works_on() -> None:
    """They take longer than the rest of the kernel's own modules; they come when the front end has its first answer."""
    code = "import sys, secc_kernel.kernel.kernel; print([name for name in sys.modules if name in %r])"
    late = ["secc_kernel.codec", "secc_kernel.messages", "secc_kernel.session.journal", "secc_kernel.lua.api", "lxml"]
    found = subprocess.run([sys.executable, "-c", code % late], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_restart_begins_anew(running: Kernel) -> None:
    kernel = Kernel()
    try:
        kernel.run("kept = 1")
        kernel.client.stop_channels()
        kernel.manager.restart_kernel(now=False)
        kernel.connect()
        outcome = kernel.run("kept, 1")
        assert outcome.reply["execution_count"] == 1
        assert outcome.result == "nil\t1"
    finally:
        kernel.stop()


def test_shutdown_is_answered_and_ends_the_process(running: Kernel) -> None:
    kernel = Kernel()
    try:
        kernel.run("Session.Open{link = 'sim'}")
        kernel.client.shutdown()
        assert kernel.client.get_control_msg(timeout=20)["msg_type"] == "shutdown_reply"
        deadline = time.monotonic() + 10
        while kernel.manager.is_alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not kernel.manager.is_alive()
    finally:
        kernel.stop()
