"""Magics and shell commands as users of IPython expect them, for Lua."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Kernel


def usage(kernel: Kernel, code: str) -> str:
    outcome = kernel.run(code)
    assert outcome.status == "error"
    assert outcome.stderr.startswith("UsageError: ")
    return outcome.stderr


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("%nosuch", ["there is no magic %nosuch;", "%%python, %%time, %%capture", "%lsmagic lists all"]),
        ("%tim 1", ["(did you mean %time?)"]),
        ("%%tme\n1", ["there is no magic %%tme (did you mean %%time?)"]),
        ("%python x", ["%%python stands above a whole cell"]),
        ("%%who\n1", ["%who stands in a line of its own"]),
        ("%%lua x = 1", ["behind %%lua there is nothing on its line"]),
        ("%run nowhere.lua", ["%run: nowhere.lua: No such file"]),
        ("%load nowhere.lua", ["%load: 'nowhere.lua' was not found"]),
    ],
)
def test_mistakes_say_what_is_right(kernel: Kernel, code: str, parts: list[str]) -> None:
    text = usage(kernel, code)
    assert all(part in text for part in parts), text


def test_lua_is_what_the_cell_is_anyway(kernel: Kernel) -> None:
    assert kernel.run("%%lua\n6 * 7").result == "42"
    assert kernel.run("%%lua").status == "ok"
    outcome = kernel.run("%%lua\n\nerror('x')")
    assert outcome.reply["evalue"].endswith(":3: x")


def test_lsmagic_explains_those_for_lua_and_lists_all(kernel: Kernel) -> None:
    text = kernel.run("%lsmagic").stdout
    assert text.startswith("%%python ")
    assert "%load x.lua" in text
    assert "%%writefile" in text
    assert "%alias" in text


def test_commands_and_magics_give_lua_their_output(kernel: Kernel) -> None:
    assert kernel.run("lines = !echo one; echo two\n#lines, lines[2]").result == "2\t'two'"
    assert kernel.run("here = %pwd\nhere:sub(1, 1)").result == "'/'"
    assert kernel.run("none = !true").status == "ok"
    assert kernel.run("#none").result == "0"
    kernel.run("n = 5")
    assert kernel.run("!echo {n + 1} $n").stdout.split() == ["6", "5"]


@pytest.mark.parametrize("code", ["x = 1\n!ls", "x = 1\n%time f()", "x = 1\nfiles = !ls"])
def test_a_command_behind_lua_is_an_error_that_says_where_it_belongs(kernel: Kernel, code: str) -> None:
    outcome = kernel.run(code)
    assert outcome.reply["ename"].startswith("Lua")
    assert "stand in front of Lua" in "\n".join(outcome.reply["traceback"])


def test_a_file_is_run_in_the_same_lua(kernel: Kernel, tmp_path: Path) -> None:
    script = tmp_path / "own.lua"
    script.write_text(
        "#!/usr/bin/lua\nfrom_file = (from_file or 0) + 1\nprint('ran')\nif fail then nothing.x = 1 end\n"
    )
    assert kernel.run(f"%run {script}\nfrom_file").result == "1"
    assert kernel.run(f"%run '{script}'").stdout == "ran\n"
    assert kernel.run("from_file").result == "2"
    outcome = kernel.run(f"%%python\nlua.fail = True\n%run {script}")
    assert outcome.reply["ename"] == "LuaError"
    assert "own.lua:4: attempt to index a nil value" in outcome.reply["evalue"]
    assert "if fail then nothing.x = 1 end" in "\n".join(outcome.reply["traceback"])
    kernel.run("fail = nil")
    (tmp_path / "own.py").write_text("from_python_file = 3\n")
    kernel.run(f"%run {tmp_path / 'own.py'}")
    assert kernel.run("%%python\nfrom_python_file").result == "3"


@pytest.mark.parametrize(("name", "begin"), [("own.lua", "-- %load {}\n"), ("own.py", "%%python\n# %load {}\n")])
def test_a_loaded_file_is_a_cell_that_runs(kernel: Kernel, tmp_path: Path, name: str, begin: str) -> None:
    path = tmp_path / name
    path.write_text("loaded = 7\n")
    outcome = kernel.run(f"%load {path}")
    (payload,) = outcome.reply["payload"]
    assert payload["source"] == "set_next_input"
    assert payload["replace"] is True
    assert payload["text"] == begin.format(path) + "loaded = 7\n"
    assert kernel.run(payload["text"]).status == "ok"
    assert kernel.run("loaded" if name == "own.lua" else "%%python\nloaded").result == "7"


def test_who_lists_what_cells_have_set(kernel: Kernel) -> None:
    kernel.run("%%python\npy_own = 1")
    kernel.run("own_number, own_table, own_function = 5, {1, 2}, function() end")
    lua, python = kernel.run("%who").stdout.splitlines()
    assert {"own_number", "own_table", "own_function"} <= set(lua.split())
    assert not {"print", "Secc", "Session", "ResponseCodeType", "display", "_G"} & set(lua.split())
    assert "py_own" in python
    rows = [line.split(maxsplit=2) for line in kernel.run("%whos").stdout.splitlines()]
    assert rows[0] == ["name", "type", "value"]
    assert ["own_number", "number", "5"] in rows
    assert ["own_table", "table", "{ 1, 2 }"] in rows
    assert kernel.run("%who function").stdout.split() == ["own_function"]


def test_captured_output_is_there_for_lua_and_python(kernel: Kernel) -> None:
    outcome = kernel.run("%%capture kept\nprint('out') io.stderr:write('err') display({1})\n5")
    assert [kind for kind, _ in outcome.messages] == ["execute_input"]
    assert kernel.run("kept.stdout, kept.stderr").result == "'out\\n'\t'err'"
    assert kernel.run("%%python\nlen(kept.outputs)").result == "2"


def test_time_shows_the_value_and_errors_have_the_cell_s_lines(kernel: Kernel) -> None:
    outcome = kernel.run("%%time\nlocal x = 20\nx + 1")
    assert outcome.result == "21"
    assert "Wall time" in outcome.stdout
    assert kernel.run("%time 6 * 7").result == "42"
    outcome = kernel.run("%%time\nlocal x = 20\nerror('late')")
    assert outcome.reply["evalue"] == f"In[{outcome.reply['execution_count']}]:3: late"
    assert "Wall time" in outcome.stdout


def test_a_cell_whose_time_is_taken_can_wait(kernel: Kernel) -> None:
    kernel.run("%%python\nimport asyncio\nlua.nap = asyncio.sleep")
    outcome = kernel.run("%%time\nnap(0.1)\nreturn 5")
    assert outcome.result == "5"
    assert re.search(r"CPU times: total: [\d.]+ [mµ]?s\nWall time: \d+ ms\n", outcome.stdout)


def test_post_mortem_debugging_is_python_s(kernel: Kernel) -> None:
    kernel.run("error('x')")
    assert "for Lua switch on the debugger" in usage(kernel, "%debug")
