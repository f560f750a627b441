"""Hints for what people write who come from Python, or who paste from elsewhere."""

from __future__ import annotations

import pytest
from notebook import Notebook

from secc_kernel.lua.errors import LuaError

PYTHON = "Python belongs into a cell of its own, whose first line is %%python"
WAIT = "Session.Wait(seconds) waits"


@pytest.fixture(scope="module")
def lua():
    notebook = Notebook()
    yield notebook
    notebook.bench.close()


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("Session.Open(soc=40)", "options stand in braces: Session.Open{name = value}"),
        (
            "-- a comment\n%%python\nprint(1)",
            "%%python and the like have to be a cell's first line, above comments, too",
        ),
        ("# a comment\n%%python\nprint(1)", f"a comment begins with -- in Lua; {PYTHON}"),
        ("print(\u201chi\u201d)", "curly quotes are no quotes in Lua: write ' or \""),
        ("import json", PYTHON),
        ("from os import path", PYTHON),
        ("def f():\n  return 1", PYTHON),
        ("if x == 1:\n  y = 1", PYTHON),
        ("sleep(1)", WAIT),
        ("time.sleep(1)", WAIT),
        ("Session.Sleep(1)", WAIT),
        ("Session.Protocol('ISO15118-2')", "did you mean 'iso2'?"),
        ("Session.Protocol('DIN SPEC 70121')", "did you mean 'din'?"),
        ("Session.Protocol('iso15118-20')", None),
        (
            "Secc.Set_SessionSetupRes_ResponseCode(FAILED_SequenceError)",
            "did you mean ResponseCodeType.FAILED_SequenceError?",
        ),
        ("Secc.Set_SessionSetupRes_ResponseCode(ResponseCodeType.OK and nil)", None),
    ],
)
def test_hints(lua, cell, hint):
    with pytest.raises(LuaError) as caught:
        lua(cell)
    assert caught.value.hint == hint


def test_where_no_function_is_alike_it_says_what_lists_them(lua):
    with pytest.raises(LuaError, match=r"there is no Secc\.Blah; Tab after `Secc\.` lists all$"):
        lua("Secc.Blah()")
