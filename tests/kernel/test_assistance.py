"""Completion, inspection and is_complete in a running kernel: fresh between cells, and answered while one runs."""

from __future__ import annotations

import queue
import re
import time

import pytest

HANGUL = re.compile("[가-힣]")


def complete(kernel, code: str) -> list[str]:
    reply = kernel.ask(kernel.client.complete(code, len(code)))
    assert reply["status"] == "ok"
    assert len(reply["matches"]) == len(reply["metadata"]["_jupyter_types_experimental"])
    return list(reply["matches"])


def told(kernel, code: str, detail: int = 0) -> str:
    reply = kernel.ask(kernel.client.inspect(code, len(code), detail))
    assert reply["status"] == "ok"
    if not reply["found"]:
        return ""
    assert set(reply["data"]) == {"text/plain", "text/markdown", "text/html"}
    return str(reply["data"]["text/plain"])


def paged(kernel, question: str) -> str:
    payload = kernel.run(question).reply["payload"]
    assert [page["source"] for page in payload] == ["page"]
    return str(payload[0]["data"]["text/plain"])


def test_what_a_cell_has_set_is_known_when_it_has_ended(kernel) -> None:
    for number in range(3):
        kernel.run(f"fresh_{number} = {{inner_{number} = {number}}}")
        assert complete(kernel, f"fresh_{number}.inn") == [f"inner_{number}"]
        assert f"inner_{number}  {number}" in told(kernel, f"fresh_{number}")
    kernel.run("fresh_1 = nil")
    assert complete(kernel, "fresh_1.") == []


def test_silent_cells_count_too(kernel) -> None:
    kernel.run("set_in_silence = 1", silent=True)
    assert complete(kernel, "set_in_sil") == ["set_in_silence"]


def test_a_metamethod_of_a_script_is_not_run(kernel) -> None:
    kernel.run("asked = 0; trap = setmetatable({}, {__index = function() asked = asked + 1 return {} end})")
    assert complete(kernel, "trap.") == []
    assert complete(kernel, "trap.deep.") == []
    told(kernel, "trap.anything")
    assert kernel.run("asked").result == "0"


def test_the_live_session_decides_what_comes_first(kernel) -> None:
    kernel.run("Session.Open{link='sim'} Secc.Receive_SessionSetupReq_001()")
    assert complete(kernel, "Secc.Set_")[0].startswith("Set_SessionSetupRes_")
    kernel.run("Session.RunTo('CurrentDemandReq')")
    assert complete(kernel, "Secc.Set_")[0].startswith("Set_CurrentDemandRes_")
    assert complete(kernel, "Session.RunTo('")[0] == "CurrentDemandReq"
    kernel.run("Session.Close()")


def test_python_cells_and_magics_have_ipythons_answers(kernel) -> None:
    assert "len" in complete_python(kernel, "%%python\nle")
    assert "%%python" in complete(kernel, "%%pyth")
    assert "%config" in complete(kernel, "%conf")
    for magic in ("%%time", "%%capture out", "%time", "%%lua"):
        assert complete(kernel, f"{magic}\nSecc.evseid")[0].endswith("EVSEID")
    reply = kernel.ask(kernel.client.inspect("%%python\nlen", 12))
    assert "items in a container" in reply["data"]["text/plain"]


def complete_python(kernel, code: str) -> list[str]:
    return list(kernel.ask(kernel.client.complete(code, len(code)))["matches"])


def test_questions(kernel) -> None:
    assert paged(kernel, "Secc.Set_SessionSetupRes_EVSEID?").startswith("Secc.Set_SessionSetupRes_EVSEID(evseId)")
    assert paged(kernel, "?Session.RunTo").startswith("Session.RunTo(request)")
    assert "EVSETimeStamp" in paged(kernel, "Secc.Set_SessionSetupRes_EVSEID??")
    assert "Secc.Set_SessionSetupRes_EVSEID\n" in paged(kernel, "Secc.*EVSEID*?")
    assert "Time execution" in paged(kernel, "%time?")
    kernel.run("my_own = 7")
    assert "7" in paged(kernel, "my_own?")


def test_the_language_can_be_changed(kernel) -> None:
    assert not HANGUL.search(told(kernel, "Secc.Set_SessionSetupRes_EVSEID"))
    assert kernel.run("%config SeccKernel.language = 'ko'").status == "ok"
    try:
        assert HANGUL.search(told(kernel, "Secc.Set_SessionSetupRes_EVSEID"))
        assert HANGUL.search(told(kernel, "Session.Open{"))
        assert HANGUL.search(told(kernel, "string.format"))
    finally:
        kernel.run("%config SeccKernel.language = 'en'")
    assert "any of ['en', 'ko']" in kernel.run("%config SeccKernel.language = 'xx'").stderr


BUSY = {
    "a Lua loop": "while true do end",
    "a wait in Python": "%%python\nimport asyncio\nawait asyncio.sleep(60)",
    "a call that blocks Python": "%%python\nimport time\ntime.sleep(60)",
    "a loop of calls": "while true do pcall(string.format, '%d', 1) end",
}


@pytest.mark.parametrize("cell", BUSY.values(), ids=BUSY)
def test_answers_do_not_wait_for_a_cell(kernel, cell: str) -> None:
    kernel.run("before = 1")
    request = kernel.begin_running(cell)
    try:
        assert complete(kernel, "Secc.evseid")[0] == "Set_SessionSetupRes_EVSEID"
        assert complete(kernel, "befo") == ["before"]
        assert "evseId" in told(kernel, "Secc.Set_SessionSetupRes_EVSEID(")
        reply = kernel.ask(kernel.client.is_complete("for i = 1, 3 do"))
        assert reply == {"status": "incomplete", "indent": "  "}
        assert kernel.ask(kernel.client.is_complete("x = = 1"))["status"] == "invalid"
    finally:
        kernel.manager.interrupt_kernel()
        assert kernel.end(request).status == "error"


def test_the_kernel_is_busy_until_the_cell_ends(kernel) -> None:
    """JupyterLab shows the last status: it must not be that of a completion."""
    request = kernel.begin_running("while true do end")
    complete(kernel, "Secc.evseid")
    asked = kernel.client.complete("Secc.", 5)
    kernel.ask(asked)
    seen = []
    while ("idle", asked) not in seen:
        message = kernel.client.get_iopub_msg(timeout=20)
        if message["msg_type"] == "status":
            seen.append((message["content"]["execution_state"], message["parent_header"]["msg_id"]))
    last = kernel.client.get_iopub_msg(timeout=20)
    assert (last["content"]["execution_state"], last["parent_header"]["msg_id"]) == ("busy", request)
    kernel.manager.interrupt_kernel()
    kernel.end(request)
    begun = kernel.begin("1 + 1")
    kernel.end(begun)
    with pytest.raises(queue.Empty):
        kernel.client.get_iopub_msg(timeout=0.3)


def test_a_cell_that_waits_shows_what_it_has_set(kernel) -> None:
    """On a clock of its own a wait passes at once, so the cell waits for a real link."""
    kernel.run("Session.Open{link='tcp', host='::1'}")
    request = kernel.begin_running("set_before_the_wait = {now = 1} Secc.Receive_SessionSetupReq_001()")
    try:
        assert complete(kernel, "set_before_the_wait.") == ["now"]
    finally:
        kernel.manager.interrupt_kernel()
        kernel.end(request)
        kernel.run("Session.Close()")


def test_answers_are_in_time(kernel) -> None:
    """Far below what a person notices, also beside a loop: 20 ms are measured, the bound leaves room for other work."""
    request = kernel.begin_running("while true do end")
    spent = []
    for _ in range(20):
        begun = time.perf_counter()
        complete(kernel, "Secc.evseid")
        spent.append(time.perf_counter() - begun)
    kernel.manager.interrupt_kernel()
    kernel.end(request)
    assert sorted(spent)[len(spent) // 2] < 0.25


def test_the_locale_chooses_the_language(running, monkeypatch) -> None:
    monkeypatch.setenv("LC_ALL", "")
    monkeypatch.setenv("LC_MESSAGES", "")
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    kernel = type(running)()
    try:
        # Asked before the kernel has prepared anything: then it does so now.
        assert HANGUL.search(told(kernel, "Secc.Set_SessionSetupRes_EVSEID"))
        assert complete(kernel, "Secc.evseid")[0] == "Set_SessionSetupRes_EVSEID"
    finally:
        kernel.stop()


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ko_KR"}, "ko"),
        ({"LANG": "", "LC_ALL": ""}, "en"),
        ({"LANG": "de_DE"}, "en"),
    ],
)
def test_the_language_of_a_locale(environment: dict[str, str], language: str) -> None:
    from secc_kernel.kernel.assistant import default_language

    assert default_language(environment) == language
