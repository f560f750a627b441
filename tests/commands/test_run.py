"""``secc-kernel run``: exit statuses, verdicts, reports, notebooks, and sessions on TCP."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from secc_kernel.cli import main
from secc_kernel.kernel import percent
from secc_kernel.link.live import LiveSession
from secc_kernel.link.tcp import TcpVehicle
from secc_kernel.session.journal import Journal
from secc_kernel.vehicle import SimulatedEV

ROOT = Path(__file__).resolve().parents[2]
PASSING = """
Secc.Receive_SessionSetupReq_001()
Session.Check(Secc.Get_SessionSetupReq_EVCCID() == '020000000001', 'the compact car came')
Secc.Send_SessionSetupRes_001()
"""


@pytest.fixture
def run(tmp_path, capsys):
    def run_script(source, *options, name="script.lua"):
        path = tmp_path / name
        path.write_text(source, "utf-8")
        status = main(["run", str(path), *map(str, options)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run_script


def notebook(*cells):
    return json.dumps({
        "cells": [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in cells]
        + [{"cell_type": "markdown", "source": "not code"}],
        "nbformat": 4,
    })  # fmt: skip


def test_a_script_that_passes(run):
    assert run(PASSING) == (0, "PASS the compact car came\n1 passed, 0 failed\n", "")


def test_a_script_without_verdicts_passes_when_it_comes_to_its_end(run):
    assert run("Secc.Receive_SessionSetupReq_001() return 7") == (0, "no verdicts\n", "")


def test_what_a_script_shows_is_printed(run):
    script = "local d = display({1}, 'a') print('between') d:update({2}, 'b') clear(true) display(nil)"
    assert run(script) == (0, "{ 1 }\n'a'\nbetween\n{ 2 }\n'b'\nnil\nno verdicts\n", "")


@pytest.mark.parametrize(
    ("source", "summary"),
    [
        ("Session.Check(true, 'one') error('no')", "1 passed, 0 failed, 1 error"),
        ("error('no')", "no verdicts, 1 error"),
        ("os.exit(3)", "no verdicts, 1 error"),
        ("os.exit(0)", "no verdicts"),
        (
            "Ev.Plug{soc=79.99, mode='AC'} Session.RunToEnd() Session.Check(true, 'one')",
            "1 passed, 0 failed; the session ended (terminated): the vehicle ended the session",
        ),
        (
            "Secc.Receive_SessionSetupReq_001() pcall(Session.Wait, 30)",
            (
                "no verdicts; the session ended (aborted): the EVCC closed the connection: V2G_EVCC_Msg_Timeout: "
                "no response to SessionSetupReq within 2 s"
            ),
        ),
        ("Secc.Receive_SessionSetupReq_001() Session.Check(true) Session.Close()", "1 passed, 0 failed"),
    ],
)
def test_the_last_line_sums_up(run, source, summary):
    assert run(source)[1].splitlines()[-1] == summary


def test_a_failed_verdict(run):
    status, out, _ = run("Session.Check(true, 'one') Session.Check(false, 'two')")
    assert status == 1
    assert out == "PASS one\nFAIL two (script.lua:1)\n1 passed, 1 failed\n"


def test_verdicts_stand_where_they_were_found(run):
    status, out, _ = run(
        """
local function check(text) Session.Check(text ~= 'bad', text) end
print('before')
for i = 1, 74 do check('loop') end
check('bad')
pcall(function() Session.Check(nil) end)
Session.Check(true)
print('after')
"""
    )
    assert status == 1
    assert out.splitlines() == [
        "before",
        "PASS loop",
        "PASS … 73 more times",
        "FAIL bad (script.lua:2, from script.lua:5)",
        "FAIL (no text) (script.lua:6)",
        "PASS (no text)",
        "after",
        "75 passed, 2 failed",
    ]


def test_modules_are_found_beside_the_script(run, tmp_path):
    (tmp_path / "common.lua").write_text("return {check = function() Session.Check(false, 'in a module') end}")
    status, out, err = run("require('common').check()")
    assert err == ""
    assert status == 1
    assert out.startswith("FAIL in a module (")
    assert "common.lua:1, from script.lua:1)" in out


def test_every_message_is_shown_where_it_is_asked_for(run):
    status, out, _ = run(PASSING, "--verbose")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "     2.992  EVCC -> SECC  supportedAppProtocolReq"
    assert lines[-2] == "     3.055  EVCC <- SECC  SessionSetupRes OK_NewSessionEstablished"
    assert lines[-3] == "PASS the compact car came"


def test_an_error_in_the_script(run):
    status, _, err = run("\nSecc.Set_SessionSetupRes_EVSEID(5)")
    assert status == 1
    assert "script.lua:2: Secc.Set_SessionSetupRes_EVSEID takes a string" in err


@pytest.mark.parametrize(
    ("source", "status"), [("error('no')", 1), ("x = = 1", 1), ("os.exit(0)", 0), ("os.exit(3)", 1)]
)
def test_ends_of_scripts(run, source, status):
    found, _, err = run(source)
    assert found == status
    assert bool(err) == bool(status)  # nothing fails without a word


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--link", "plc"], "link 'plc' needs interface="),
        (["--tls"], "--tls belongs to --link tcp and plc"),
        (["--link", "tcp", "--interface", "nonesuch"], "there is no network interface 'nonesuch'"),
        (["--interface", "lo"], "belong to --link tcp"),
        (["--side", "evcc", "--link", "tcp"], "a vehicle needs an interface"),
    ],
)
def test_unusable_links(run, options, text):
    status, _, err = run(PASSING, *options)
    assert status == 2
    assert text in err


def test_unusable_arguments(run, tmp_path, capsys):
    assert main(["run", str(tmp_path / "nonesuch.lua")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["run", "x.lua", "--link", "pigeon"])
    assert caught.value.code == 2
    assert run("not JSON", name="x.ipynb")[0] == 2
    for option in ("--report", "--journal"):
        status, out, err = run(PASSING, option, tmp_path / "no" / "such" / "folder.x")
        assert (status, out) == (2, "")
        assert "folder.x cannot be written: No such file or directory" in err


def test_a_failed_verdict_has_the_same_name_in_each_report(run, tmp_path):
    cases = []
    for value in ("01", "02"):
        report = tmp_path / f"{value}.xml"
        check = f"Session.Check(Secc.Check_SessionSetupReq_EVCCID('{value}'), 'the id')"
        run(f"Secc.Receive_SessionSetupReq_001() {check}", "--report", report)
        cases.append(ET.parse(report).getroot()[0])
    assert [case.get("name") for case in cases] == ["the id", "the id"]
    assert "01" in cases[0][0].get("message")
    assert cases[0][0].get("message") != cases[1][0].get("message")


def test_the_report_is_junit(run, tmp_path):
    path = tmp_path / "report.xml"
    run(PASSING + "Session.Check(false, 'a <bad> \\1 thing') error('stop\\there')", "--report", path)
    suite = ET.parse(path).getroot()
    assert suite.tag == "testsuite"
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors")} == {
        "name": "script.lua",
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert list(cases["the compact car came"]) == []
    failure = cases["a <bad> � thing"].find("failure")
    assert failure.text.startswith("script.lua:5, at 3.")
    assert "stop\there" in cases["runs to its end"].find("error").get("message")
    assert "EVCC <- SECC  SessionSetupRes OK_NewSessionEstablished" in suite.find("system-out").text


def test_the_journal_is_written(run, tmp_path):
    path = tmp_path / "session.jsonl"
    assert run(PASSING + "Session.Open{} Secc.Receive_SessionSetupReq_001()", "--journal", path)[0] == 0
    journal = Journal.load(path)
    # Sessions that follow each other are in one journal.
    assert [frame.name for frame in journal.frames].count("SessionSetupReq") == 2
    status, _, err = run(PASSING, "--journal", path)
    assert status == 2
    assert "exists" in err


def test_a_notebook_runs_cell_by_cell(run):
    status, out, err = run(
        notebook(
            "x = 6\nSecc.Receive_SessionSetupReq_001()",
            "%%python\nname = journal.frames[-1].name\nprint(name, session.side)",
            "x * 7",
            "Session.Check(x == 6, 'cells share globals')",
        ),
        name="test.ipynb",
    )
    assert err == ""
    assert status == 0
    assert out.splitlines() == [
        "SessionSetupReq SECC",
        "42",
        "PASS cells share globals",
        "true",
        "1 passed, 0 failed",
    ]


@pytest.mark.parametrize("as_script", [False, True])
def test_what_a_command_or_a_magic_gives_is_a_global_of_lua(run, as_script):
    cells = ["files = !echo a; echo b\nhere = %pwd", "#files, files[2], here:sub(1, 1)"]
    source = percent.write(("code", cell) for cell in cells) if as_script else notebook(*cells)
    status, out, err = run(source, name="test.lua" if as_script else "test.ipynb")
    assert (status, out.splitlines()[0], err) == (0, "2\t'b'\t'/'", "")


@pytest.mark.parametrize(
    ("cell", "status", "text"),
    [
        ("\n\nerror('no')", 1, "In[2]:3: no"),
        ("%%python\n1 / 0", 1, "ZeroDivisionError"),
        ("%nothing", 1, "UsageError"),
        ("%%time\nerror('no')", 1, "In[2]:1: no"),
        ("%%capture told\nos.exit(3)", 1, "os.exit(3)"),
    ],
)
def test_errors_in_a_notebook(run, cell, status, text):
    found, out, err = run(notebook("x = 1", cell, "Session.Check(false, 'not reached')"), name="test.ipynb")
    assert found == status
    assert text in out + err
    assert "not reached" not in out


CELLS = """\
-- A notebook as a script.

-- %% [markdown]
-- # Not code

-- %%
local gone = 1
x = 6

-- %% language="python"
-- twice = 2
--
-- print(twice, session.side, lua.x + x)

-- %%
-- %%time
x = x + 1

-- %% language="bash"
-- echo from the shell

-- %%
x * 6
"""


def test_a_script_with_cells_runs_as_the_notebook_that_it_was(run):
    status, out, err = run(CELLS)
    assert err == ""
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "2 SECC 12"
    assert any(line.startswith("Wall time") for line in lines)
    assert lines[-3:] == ["from the shell", "42", "no verdicts"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("-- %%\n\nerror('no')", "script.lua:26: no"),
        ('-- %% language="python"\n-- 1 / 0', "----> 2 1 / 0"),
        ('-- %% language="bash"\n-- exit 3', "CalledProcessError"),
        ("-- %%\nprint(gone + 1)", "script.lua:25: attempt to perform arithmetic on a nil value (global 'gone')"),
    ],
)
def test_errors_in_a_script_with_cells(run, cell, text):
    status, out, err = run(f"{CELLS}{cell}\n\n-- %%\nprint('not reached')\n")
    assert status == 1
    assert text in re.sub(r"\x1b\[[\d;]*m", "", out + err)
    assert "not reached" not in out


def free_port():
    with socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return probe.getsockname()[1]


def drive(port, **options):
    """A vehicle that charges at a port as soon as there is a station."""

    def whole_session():
        while True:
            link = TcpVehicle(SimulatedEV(pace=lambda name, previous: 0.0, **options), host="::1", port=port)
            with LiveSession(link, side="EVCC") as vehicle:
                if vehicle.run_to_end().result(60).fault != "link":
                    return

    thread = threading.Thread(target=whole_session)
    thread.start()
    return thread


def test_on_tcp_every_message_is_a_line_and_the_autopilot_ends_the_session(run):
    port = free_port()
    vehicle = drive(port, energy="AC", soc=79.999)
    status, out, err = run(PASSING, "--link", "tcp", "--port", port)
    vehicle.join()
    assert err == ""
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == f"listening on [::1]:{port}"
    assert re.fullmatch(r" +\d\.\d{3}  EVCC -> SECC  supportedAppProtocolReq", lines[1])
    assert any(line.endswith("EVCC <- SECC  SessionSetupRes OK_NewSessionEstablished") for line in lines)
    assert lines[-2].endswith("EVCC <- SECC  SessionStopRes OK")
    assert lines[-1] == "1 passed, 0 failed; the session ended (terminated): the vehicle ended the session"
    assert "the script has ended; the autopilot goes on to the end of the session" in lines


def test_without_the_autopilot_the_end_of_the_script_is_the_end(run):
    port = free_port()
    vehicle = drive(port)
    status, out, _ = run(PASSING + "Session.Autopilot(false)", "--link", "tcp", "--port", port)
    vehicle.join()
    assert status == 0
    assert "SessionStopRes" not in out


def test_a_charge_does_not_wait_for_who_reads_the_output(tmp_path):
    """A pager that has enough for now, a terminal that is stopped: the station goes on answering."""
    script = tmp_path / "station.lua"
    script.write_text("Session.RunToEnd()\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "secc_kernel.cli", "run", str(script), "--link", "tcp", "--host", "127.0.0.1"]
    command += ["--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, pipesize=4096, cwd=ROOT) as station:
        assert station.stdout.readline().startswith(b"listening on")
        car = SimulatedEV(soc=79.99, energy="AC", pace=lambda name, previous: 0.0)
        link = TcpVehicle(car, host="127.0.0.1", port=port)
        with LiveSession(link, side="EVCC") as vehicle:
            ended = vehicle.run_to_end().result(60)
            sent = [frame.name for frame in vehicle.journal.frames]
        assert ended.how == "terminated"
        shown = station.stdout.read().decode().splitlines()
        assert station.wait(60) == 0
    assert sum(map(len, shown)) > 4096  # more than the pipe holds
    assert [line.split()[4] for line in shown if " SECC  " in line] == sent
