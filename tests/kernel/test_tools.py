"""What users do with a notebook outside of a front end: parameters, text forms, exports, tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell
from papermill.translators import papermill_translators

from secc_kernel.kernel import percent, spec
from secc_kernel.lua import LuaEngine

LuaTranslator = papermill_translators.find_translator(spec.NAME, "lua")
SOURCES = [
    "soc = 40 -- percent\nmode = 'DC'\nlimits = {volts = 400}",
    "%%python\nimport math\nname = 'python'  # -- with a comment\n\nprint(name)",
    "Secc.Receive_SessionSetupReq_001()\nSession.Check(soc > 0, 'soc is set')",
    "%%time\nlocal s = 0 for i = 1, 100 do s = s + i end\nsum = s",
    "-- %% looks like a cell\nsum",
]


@pytest.fixture
def notebook() -> Any:
    cells = [new_markdown_cell("# Title\n\n%%python is only text here"), *map(new_code_cell, SOURCES)]
    cells[1].metadata["tags"] = ["parameters"]
    kernelspec = {"name": spec.NAME, "language": "lua", "display_name": "EV charging (Lua)"}
    language = {"name": "lua", "file_extension": ".lua", "nbconvert_exporter": "script"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernelspec, "language_info": language})


def tool(*arguments: object, cwd: Path | None = None) -> str:
    """Run a Python tool as a user does; gives what it wrote."""
    command = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def outputs(path: Path) -> str:
    """Everything that the cells of an executed notebook show, as text."""
    found = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", [])]
    return "\n".join(str(output.get("text", output.get("data", {}).get("text/plain"))) for output in found)


class TestPapermill:
    def test_parameters_reach_lua_and_python(self, notebook: Any, tmp_path: Path) -> None:
        notebook.cells.append(new_code_cell("soc, mode, limits.volts, #list, missing, limits.none"))
        nbformat.write(notebook, tmp_path / "in.ipynb")
        given = {"soc": 20, "limits": {"volts": 500.5, "none": None}, "list": [1, "two"], "missing": None}
        (tmp_path / "given.json").write_text(json.dumps(given), "utf-8")
        tool("papermill", tmp_path / "in.ipynb", tmp_path / "out.ipynb", "-f", tmp_path / "given.json")
        assert outputs(tmp_path / "out.ipynb").splitlines()[-1] == "20\t'DC'\t500.5\t2\tnil\tnil"

    def test_the_parameters_of_a_notebook_are_listed(self, notebook: Any, tmp_path: Path) -> None:
        nbformat.write(notebook, tmp_path / "in.ipynb")
        told = tool("papermill", "--help-notebook", tmp_path / "in.ipynb")
        assert "soc: number (default 40)" in told
        assert "percent" in told
        assert "limits: table (default {volts = 400})" in told

    @pytest.mark.parametrize(
        "value",
        [
            None, True, 0, -5, 2**63 - 1, -(2**63), 1.5, -1e300, 1e16, float("inf"), float("-inf"), "", "quo'te \" \\",
            "line\nand\0nul\x7f", "한국어 €", [], [1, [2.0, "x"]], {"a": 1, "end": {"two words": False}}, {7: "seven"},
        ],
    )  # fmt: skip
    def test_lua_reads_what_is_written(self, value: object) -> None:
        engine = LuaEngine()
        engine.run(LuaTranslator.codify({"value": value, "end": 2, "a.b": 3}), "parameters")
        expected = [] if value == {} else value
        assert engine.get("value") == expected
        assert type(engine.get("value")) is type(expected)
        assert engine.run("_G['end'], _G['a.b']", "test") == (2, 3)

    def test_no_number_and_numbers_that_do_not_fit(self) -> None:
        engine = LuaEngine()
        assert engine.run(LuaTranslator.translate(float("nan")) + " ~= 0", "test") == (True,)
        with pytest.raises(ValueError, match="does not fit"):
            LuaTranslator.translate(2**63)

    def test_inspection_of_a_cell(self) -> None:
        source = (
            "-- the parameters\na = 'x -- y' -- first\nlocal no = 1\nb = {c = 1,\n  d = -2} -- second\n"
            "e = -3.5; f, g = 1, 2\nh = function() i = 1 end\nj = true -- third\nk ="
        )
        found = [tuple(parameter) for parameter in LuaTranslator.inspect({"source": source})]
        assert found == [
            ("a", "string", "'x -- y'", "first"),
            ("b", "table", "{c = 1,\n  d = -2}", "second"),
            ("e", "number", "-3.5", ""),
            ("h", "None", "function() i = 1 end", ""),
            ("j", "boolean", "true", "third"),
        ]


class TestTextForms:
    @pytest.mark.parametrize("form", ["lua:percent", "md"])
    def test_jupytext_there_and_back(self, notebook: Any, form: str) -> None:
        notebook.cells.pop()  # a line that looks like a cell's beginning is one in jupytext's percent format
        back = jupytext.reads(jupytext.writes(notebook, fmt=form), fmt=form)
        assert [(cell.cell_type, cell.source) for cell in back.cells] == [
            (cell.cell_type, cell.source) for cell in notebook.cells
        ]
        assert back.cells[1].metadata["tags"] == ["parameters"]

    def test_our_script_is_a_notebook_to_jupytext(self, notebook: Any) -> None:
        script = percent.write((cell.cell_type, cell.source) for cell in notebook.cells)
        back = jupytext.reads(script, fmt="lua:percent")
        assert [cell.source for cell in back.cells[:-1]] == [cell.source for cell in notebook.cells[:-1]]
        assert back.cells[-1].source == "--- %% looks like a cell\nsum"

    def test_cells_of_a_script(self, notebook: Any) -> None:
        notebook.cells += [
            new_raw_cell("raw"),
            new_code_cell("%%bash\necho x"),
            new_code_cell("!ls\nx = 1"),
            new_code_cell('%%script sh -c "x"\n1'),
        ]
        for text in (
            percent.write((cell.cell_type, cell.source) for cell in notebook.cells),
            jupytext.writes(notebook, fmt="lua:percent"),
        ):
            sources = [cell.source for cell in percent.read(text)]
            assert sources[:4] == SOURCES[:4]
            assert "%%bash\necho x" in sources
            lines = text.splitlines()
            assert [lines[cell.line - 1] for cell in percent.read(text)][2] == SOURCES[2].splitlines()[0]

    def test_what_sets_a_global_is_written_as_it_was_typed(self) -> None:
        source = "!ls\nfiles = !echo a; echo b\n\nhere = %pwd\n#files"
        script = percent.write([("code", source)])
        assert [line for line in script.splitlines() if line.startswith("-- ") and "%%" not in line] == [
            "-- !ls",
            "-- files = !echo a; echo b",
            "-- here = %pwd",
        ]
        cells = ["%%python\n!ls", "files = !echo a; echo b\nhere = %pwd", "#files"]
        assert [cell.source for cell in percent.read(script)] == cells
        assert [cell.source for cell in percent.read("-- %%\n-- x = %d\ny = 1")] == ["-- x = %d\ny = 1"]

    def test_a_script_without_cells(self) -> None:
        assert not percent.is_notebook("local x = 1 -- %%\n-- %%%% a rule %%%%\n--%%%%%%%%\n")
        assert percent.is_notebook("x = 1\n--%% titled\nx")
        assert [cell.source for cell in percent.read("x = 1\n-- %% title\nx\n")] == ["x = 1", "x"]


class TestNbconvert:
    def test_the_script_runs(self, notebook: Any, tmp_path: Path) -> None:
        nbformat.write(notebook, tmp_path / "mine.ipynb")
        tool("nbconvert", "--to", "script", tmp_path / "mine.ipynb")
        script = tmp_path / "mine.lua"
        told = tool("secc_kernel.cli", "run", script)
        assert "python\n" in told
        assert "PASS soc is set" in told
        assert "5050" in told.splitlines()
        assert all(line.startswith("--") for line in script.read_text().splitlines() if "python" in line)

    def test_exports_for_readers(self, notebook: Any, tmp_path: Path) -> None:
        with_outputs = NotebookClient(notebook, kernel_name=spec.NAME, timeout=60).execute()
        nbformat.write(with_outputs, tmp_path / "mine.ipynb")
        for form, suffix in (("html", "html"), ("markdown", "md")):
            tool("nbconvert", "--to", form, tmp_path / "mine.ipynb")
            text = (tmp_path / f"mine.{suffix}").read_text("utf-8")
            assert "SessionSetupReq" in text
            assert "5050" in text


def test_nbmake(notebook: Any, tmp_path: Path) -> None:
    nbformat.write(notebook, tmp_path / "mine.ipynb")
    assert "1 passed" in tool("pytest", "--nbmake", "-p", "no:cacheprovider", tmp_path / "mine.ipynb", cwd=tmp_path)
