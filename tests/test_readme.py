"""What the README says is so."""

import re
from pathlib import Path

import nbformat

from secc_kernel.lua import LuaEngine
from secc_kernel.lua.api import install
from secc_kernel.lua.bench import Bench

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_links_and_pictures_are_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)|(?:src|srcset)=\"([^\"]+)\"", README)
    local = [link or picture for link, picture in targets if "://" not in (link or picture)]
    assert len(local) > 6
    assert [target for target in local if not (ROOT / target).is_file()] == []


def test_the_text_form_is_what_the_first_notebook_shows() -> None:
    notebook = nbformat.read(ROOT / "notebooks" / "01_session_setup.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    shown = [output.data["text/plain"] for output in outputs]
    assert blocks("text")[0].rstrip("\n") in shown


def test_the_lua_cell_does_what_it_says() -> None:
    engine, bench = LuaEngine(), Bench()
    install(engine, bench)
    try:
        with bench.script():
            engine.run(blocks("lua")[0], "README")
        assert bench.journal is not None
        assert bench.journal.message(-1).body.ResponseCode == "FAILED_SequenceError"
        assert bench.journal.message(-1).body.EVSEID == "KR*TC1*ISO1*001"
    finally:
        bench.close()


def test_the_cell_below_v2g_does_what_it_says() -> None:
    engine, bench = LuaEngine(), Bench()
    install(engine, bench)
    try:
        with bench.script():
            engine.run(next(block for block in blocks("lua") if "CM_SLAC" in block), "README")
            assert engine.run("return Session.RunTo('SessionSetupReq')", "README") in ((), (None,))
        assert bench.session is not None
        assert bench.session.sent("CM_SLAC_MATCH_CNF").body.NMK.hex() == "00112233445566778899aabbccddeeff"
        assert not [entry for entry in bench.session.journal.findings if entry.severity == "error"]
    finally:
        bench.close()


def test_the_library_example_runs(capsys) -> None:
    example = next(block for block in blocks("python") if "codec.decode" in block)
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)
    assert "<s1:EVSEID>KR*TC1*ISO1*001</s1:EVSEID>" in capsys.readouterr().out
    assert names["message"].body.ResponseCode == "OK"
