"""Messages of the Jupyter protocol that jupyter_kernel_test does not send."""

from __future__ import annotations

from typing import Any

import ipykernel
import pytest

from .conftest import Kernel, Outcome


def expressions(kernel: Kernel, code: str, **sources: str) -> dict[str, Any]:
    return dict(kernel.run(code, user_expressions=sources).reply["user_expressions"])


class TestUserExpressions:
    def test_are_lua(self, kernel: Kernel) -> None:
        found = expressions(kernel, "x, t = 6, {1, {a = 2}}", number="x * 7", table="t", nothing="nil", two="x, 'a'")
        assert {name: each["data"]["text/plain"] for name, each in found.items()} == {
            "number": "42",
            "table": "{ 1, { a = 2 } }",
            "nothing": "nil",
            "two": "6\t'a'",
        }
        assert "<table" in found["table"]["data"]["text/html"]
        assert {each["status"] for each in found.values()} == {"ok"}

    def test_an_error_in_one_does_not_concern_the_others(self, kernel: Kernel) -> None:
        found = expressions(kernel, "x = 1", bad="nothing.y", worse="x =", good="x")
        assert found["bad"]["status"] == found["worse"]["status"] == "error"
        assert (found["bad"]["ename"], found["worse"]["ename"]) == ("LuaError", "LuaSyntaxError")
        assert "attempt to index a nil value (global 'nothing')" in found["bad"]["evalue"]
        assert found["bad"]["traceback"]
        assert found["good"]["data"]["text/plain"] == "1"

    def test_are_not_evaluated_when_the_cell_fails(self, kernel: Kernel) -> None:
        assert expressions(kernel, "touched = nil error('x')", x="(function() touched = true end)()") == {}
        assert kernel.run("touched, 1").result == "nil\t1"


class TestQueue:
    """What becomes of the cells behind one that fails."""

    def outcomes(self, kernel: Kernel, stop_on_error: bool) -> list[Outcome]:
        # The first takes until the others are in the queue.
        codes = ("!sleep 0.3\nreached = nil error('x')", "reached = true", "1 + 1")
        requests = [kernel.begin(code, stop_on_error=stop_on_error) for code in codes]
        return [kernel.end(request) for request in requests]

    def test_they_are_called_off(self, kernel: Kernel) -> None:
        assert [outcome.status for outcome in self.outcomes(kernel, True)] == ["error", "aborted", "aborted"]
        assert kernel.run("reached, 1").result == "nil\t1"

    def test_they_run_if_the_front_end_wants_that(self, kernel: Kernel) -> None:
        failed, second, third = self.outcomes(kernel, False)
        assert (failed.status, second.status, third.result) == ("error", "ok", "2")
        assert kernel.run("reached").result == "true"

    @pytest.mark.parametrize("code", ["error('x')", "x = = 1", "%%python\n1 / 0", "%nosuch", "%run nowhere.lua"])
    def test_every_kind_of_failure_counts_as_one(self, kernel: Kernel, code: str) -> None:
        slow = code.replace("%%python", "%%python\n!sleep 0.3") if "%%" in code else f"!sleep 0.3\n{code}"
        requests = [kernel.begin(each) for each in (slow, "1 + 1")]
        assert kernel.end(requests[0]).status == "error"
        assert kernel.end(requests[1]).status == "aborted"


class TestHistory:
    def asked(self, kernel: Kernel, **wanted: Any) -> list[tuple[int, int, Any]]:
        reply = kernel.ask(kernel.client.history(**wanted))
        return [(session, line, content) for session, line, content in reply["history"]]

    def test_silent_and_unrecorded_cells_are_not_in_it(self, kernel: Kernel) -> None:
        kernel.run("first = 'recorded'")
        kernel.run("hidden = 1", silent=True)
        kernel.run("hidden = 2", store_history=False)
        kernel.run("'last'")
        entries = self.asked(kernel, hist_access_type="tail", n=2, output=False, raw=True)
        assert [content for _, _, content in entries] == ["first = 'recorded'", "'last'"]
        assert kernel.run("hidden").result == "2"

    def test_a_silent_cell_shows_nothing_and_its_error_is_in_the_reply(self, kernel: Kernel) -> None:
        outcome = kernel.run("print('x') display(1) error('quiet')", silent=True)
        assert not outcome.of("execute_input")
        assert outcome.reply["ename"] == "LuaError"
        assert not outcome.of("execute_result")

    def test_values_are_text(self, kernel: Kernel) -> None:
        count = kernel.run("{1, print}").reply["execution_count"]
        session = self.asked(kernel, hist_access_type="tail", n=1, output=False, raw=True)[0][0]
        assert session > 0
        wanted = {"hist_access_type": "range", "session": session, "start": count, "stop": count + 1}
        assert self.asked(kernel, output=True, raw=True, **wanted) == [
            (session, count, ["{1, print}", "{ 1, function print (built in) }"])
        ]

    def test_python_finds_values_by_their_numbers(self, kernel: Kernel) -> None:
        count = kernel.run("{voltage = 400}").reply["execution_count"]
        assert kernel.run(f"%%python\nOut[{count}], _{count}, In[{count}]").result == (
            "({'voltage': 400}, {'voltage': 400}, '{voltage = 400}')"
        )


class TestErrors:
    @pytest.mark.parametrize("code", ["nothing.x = 1", "error({code = 5})", "x = = 1", "%%python\n1 / 0"])
    def test_one_message_and_the_same_in_the_reply(self, kernel: Kernel, code: str) -> None:
        outcome = kernel.run(code)
        (error,) = outcome.of("error")
        assert {key: outcome.reply[key] for key in ("ename", "evalue", "traceback")} == error
        assert outcome.reply["execution_count"] == outcome.of("execute_input")[0]["execution_count"]

    def test_a_function_of_a_python_cell_shows_its_cell(self, kernel: Kernel) -> None:
        count = kernel.run("%%python\ndef half(x):\n    return x / 0\nlua.half = half").reply["execution_count"]
        outcome = kernel.run("local y = 1\nlocal x = half(y)")
        text = "\n".join(outcome.reply["traceback"])
        assert outcome.reply["evalue"] == "ZeroDivisionError: division by zero"
        assert f"In[{count}]:3: in half: return x / 0" in text
        assert "local x = half(y)" in text
        assert "secc_kernel" not in text


class TestStdin:
    def answer(self, kernel: Kernel, code: str, *lines: str) -> tuple[list[str], Outcome]:
        request = kernel.begin(code, allow_stdin=True)
        prompts = []
        for line in lines:
            prompts.append(kernel.client.get_stdin_msg(timeout=20)["content"]["prompt"])
            kernel.client.input(line)
        return prompts, kernel.end(request)

    def test_several_questions_in_one_cell(self, kernel: Kernel) -> None:
        code = "local n = 0\nfor i = 1, 3 do n = n + tonumber(input('value ' .. i .. '? ')) end\nreturn n"
        prompts, outcome = self.answer(kernel, code, "1", "2.5", "3")
        assert prompts == ["value 1? ", "value 2? ", "value 3? "]
        assert outcome.result == "6.5"

    def test_in_a_coroutine_in_a_sort_and_in_python(self, kernel: Kernel) -> None:
        assert self.answer(kernel, "coroutine.wrap(function() return input() end)()", "a")[1].result == "'a'"
        sort = "local t = {1, 2} table.sort(t, function(a, b) return input('?') == 'y' and a > b end) return #t"
        assert self.answer(kernel, sort, "n")[1].result == "2"
        assert self.answer(kernel, "%%python\ninput('p ') + '!'", "b")[1].result == "'b!'"

    def test_output_comes_before_the_question(self, kernel: Kernel) -> None:
        request = kernel.begin("io.write('first') local x = input('?') print(x)", allow_stdin=True)
        kernel.client.get_stdin_msg(timeout=20)
        while True:
            message = kernel.client.get_iopub_msg(timeout=20)
            if message["msg_type"] == "stream":
                break
        assert message["content"]["text"] == "first"
        kernel.client.input("later")
        assert kernel.end(request).stdout == "later\n"

    def test_korean_and_what_is_no_text(self, kernel: Kernel) -> None:
        prompts, outcome = self.answer(kernel, r"input('충전기 \xff? ')", "서울")
        assert prompts == ["충전기 \\xff? "]
        assert outcome.result == "'서울'"


class TestComms:
    @pytest.fixture
    def echo(self, kernel: Kernel) -> Kernel:
        kernel.run(
            "%%python\n"
            "def opened(comm, message):\n"
            "    comm.on_msg(lambda message: comm.send({'echo': message['content']['data'], 'limit': lua.limit}))\n"
            "get_ipython().kernel.comm_manager.register_target('echo', opened)\n"
            "import asyncio\n"
            "lua.nap = asyncio.sleep\n"
            "lua.limit = 5"
        )
        return kernel

    def test_open_message_info_close(self, echo: Kernel) -> None:
        open_ = echo.send("shell", "comm_open", {"comm_id": "c1", "target_name": "echo", "data": {}})
        assert self.of(echo, open_) == []
        info = echo.ask(echo.send("shell", "comm_info_request", {"target_name": "echo"}))
        assert info["comms"] == {"c1": {"target_name": "echo"}}
        message = echo.send("shell", "comm_msg", {"comm_id": "c1", "data": {"a": 1}})
        assert self.of(echo, message) == [{"comm_id": "c1", "data": {"echo": {"a": 1}, "limit": 5}}]
        self.of(echo, echo.send("shell", "comm_close", {"comm_id": "c1", "data": {}}))
        assert echo.ask(echo.send("shell", "comm_info_request", {"target_name": "echo"}))["comms"] == {}

    @pytest.mark.skipif(ipykernel.version_info < (7, 4), reason="needs ipykernel 7.4 (Python 3.11)")
    def test_while_a_cell_waits(self, echo: Kernel) -> None:
        self.of(echo, echo.send("shell", "comm_open", {"comm_id": "c2", "target_name": "echo", "data": {}}))
        request = echo.begin_running("limit = 6 nap(1) return limit")
        message = echo.send("shell", "comm_msg", {"comm_id": "c2", "data": {}})
        first = echo.client.get_iopub_msg(timeout=20)
        assert (first["msg_type"], first["parent_header"]["msg_id"]) == ("comm_msg", message)
        assert first["content"]["data"] == {"echo": {}, "limit": 6}
        assert echo.end(request).result == "6"

    @staticmethod
    def of(kernel: Kernel, request: str) -> list[dict[str, Any]]:
        """The comm messages that a message has caused, up to the kernel's being idle again."""
        found = []
        while True:
            message = kernel.client.get_iopub_msg(timeout=20)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "comm_msg":
                found.append(message["content"])
            elif message["content"].get("execution_state") == "idle":
                return found


class TestSubshells:
    def test_life(self, kernel: Kernel) -> None:
        def control(kind: str, **content: Any) -> dict[str, Any]:
            kernel.send("control", kind, content)
            return dict(kernel.client.get_control_msg(timeout=10)["content"])

        subshell = control("create_subshell_request")["subshell_id"]
        assert control("list_subshell_request")["subshell_id"] == [subshell]
        assert control("delete_subshell_request", subshell_id=subshell)["status"] == "ok"
        assert control("list_subshell_request")["subshell_id"] == []

    def test_python_in_a_subshell_does_not_wait_for_lua(self, kernel: Kernel) -> None:
        kernel.send("control", "create_subshell_request")
        subshell = kernel.client.get_control_msg(timeout=10)["content"]["subshell_id"]
        kernel.run("above, below = 6, 7")
        assert kernel.run("%%python\nabove").result == "6"
        busy = kernel.begin_running("local t = os.time() while os.time() < t + 2 do end return 'end'")
        content = {
            "code": "%%python\ntry:\n    below\nexcept NameError:\n    pass\nabove * 7",
            "silent": False,
            "store_history": False,
            "user_expressions": {},
        }
        message = kernel.client.session.msg(
            "execute_request", {**content, "allow_stdin": False, "stop_on_error": False}
        )
        message["header"]["subshell_id"] = subshell
        kernel.client.shell_channel.send(message)
        answered, statuses = [], set()
        while len(answered) < 2:
            reply = kernel.client.get_shell_msg(timeout=20)
            answered.append(reply["parent_header"]["msg_id"])
            statuses.add(reply["content"]["status"])
        assert answered == [message["header"]["msg_id"], busy]
        assert statuses == {"ok"}
        kernel.send("control", "delete_subshell_request", {"subshell_id": subshell})
        kernel.client.get_control_msg(timeout=10)
        kernel.drain()


def test_the_control_channel_answers_while_lua_is_busy(kernel: Kernel) -> None:
    request = kernel.begin_running("local t = os.time() while os.time() < t + 2 do end return 'end'")
    kernel.send("control", "kernel_info_request")
    assert kernel.client.get_control_msg(timeout=20)["content"]["implementation"] == "secc-kernel"
    assert kernel.end(request).result == "'end'"
