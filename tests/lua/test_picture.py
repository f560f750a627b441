"""What is shown of a Lua value: bounded, and the same each time."""

from __future__ import annotations

import re
from typing import Any

import pytest

from secc_kernel.lua import LuaEngine, LuaObject, LuaTable

from .conftest import interrupted, send_signal

GROW = """
local function grow(n)
  if n == 0 then return 1 end
  local t = {}
  for i = 1, 10 do t[i] = grow(n - 1) end
  return t
end
return grow(5)
"""


def shown(engine: LuaEngine, source: str) -> str:
    (value,) = engine.run(source, "In[1]")
    return repr(value)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{}", "{}"),
        (
            "{1, 'a', {2}, x = true, ['end'] = 0.5, [true] = 1}",
            "{ 1, 'a', { 2 }, ['end'] = 0.5, x = true, [true] = 1 }",
        ),
        ("{1, nil, 3}", "{ 1, [3] = 3 }"),
        ("local t = {} t.a = t return t", "{ a = { (contains itself) } }"),
        ("local t = {1} return {t, t}", "{ { 1 }, { 1 } }"),
        ("print", "function print (built in)"),
        ("string.format", "function string.format (built in)"),
        ("function own() end return own", "function own (In[1]:1)"),
        ("function() end", "function (In[1]:1)"),
        ("{f = print}", "{ f = function print (built in) }"),
        ("coroutine.create(print)", "coroutine (suspended)"),
        ("io.stdout, 1", "file (stdout)"),
        ("setmetatable({balance = 5}, {__name = 'Account'})", "Account { balance = 5 }"),
        ("setmetatable({5}, {__tostring = function(t) return t[1] .. ' V' end})", "5 V"),
        (
            "{setmetatable({}, {__tostring = function() error('x') end})}",
            "{ (an error object whose __tostring fails) }",
        ),
        ("{[print] = 1, [{}] = 2}", "{ [function print (built in)] = 1, [table] = 2 }"),
    ],
)
def test_text(engine: LuaEngine, source: str, text: str) -> None:
    assert repr(engine.run(source, "In[1]")[0]) == text


def test_a_table_that_is_too_wide_has_an_item_a_line(engine: LuaEngine) -> None:
    assert shown(engine, "{name = ('x'):rep(60), other = {('y'):rep(60), 1}}") == (
        "{\n  name = '" + "x" * 60 + "',\n  other = { '" + "y" * 60 + "', 1 },\n}"
    )


def test_a_long_list_shows_its_ends_in_few_lines(engine: LuaEngine) -> None:
    text = shown(engine, "local t = {} for i = 1, 5000 do t[i] = i end return t")
    assert text.startswith("{\n  1, 2, 3, ")
    assert "48,\n  … 4,940 more items, 4989," in text
    assert text.endswith("5000,\n}")
    assert text.count("\n") < 12


@pytest.mark.parametrize(
    "source",
    [
        "local t = {} for i = 1, 1e6 do t[i] = i end return t",
        "local t = {} for i = 1, 3e5 do t['key' .. i] = i end return t",
        GROW,
        "local t = {} for i = 1, 200 do t = {t, t, x = t} end return t",
        "{('x'):rep(1e7), [('k'):rep(1e6)] = 1}",
        "local t = {} for i = 1, 50 do t[i] = {a = {b = {c = {('x'):rep(3000)}}}} end return t",
    ],
)
def test_pictures_are_bounded(engine: LuaEngine, source: str) -> None:
    text = shown(engine, source)
    assert len(text) < 60_000
    assert text.count("\n") <= 1100
    assert "…" in text


def test_the_order_of_fields_does_not_depend_on_the_run(engine: LuaEngine) -> None:
    source = "local t = {[2.5] = 1, [-1] = 2} for c in ('wavelength'):gmatch('.') do t[c] = 1 end return t"
    keys = [key for key, _ in engine.run(source, "In[1]")[0]]
    assert keys == [-1, 2.5, *sorted(set("wavelength"))]


def test_a_cut_string_says_how_long_it_is(engine: LuaEngine) -> None:
    text = shown(engine, "{('ä'):rep(1000)}")
    assert re.fullmatch(r"\{\n  'ä+'… \(2000 bytes\),\n\}", text)


def test_a_whole_picture_becomes_python_data(engine: LuaEngine) -> None:
    def python(source: str) -> Any:
        (value,) = engine.run(source, "In[1]")
        return value.python

    assert python("{1, {a = 2}, 'x'}") == [1, {"a": 2}, "x"]
    assert python("{}") == []
    assert python("{1, x = 2}") == {1: 1, "x": 2}
    assert isinstance(python("{print}"), LuaTable)
    assert isinstance(python("local t = {} for i = 1, 500 do t[i] = i end return t"), LuaTable)


def test_tostring_of_a_script_can_be_interrupted(engine: LuaEngine, run: Any) -> None:
    interrupted(engine, run, "setmetatable({}, {__tostring = function() while true do end end})", send_signal)


def test_globals_of_the_script_are_not_called_for_a_picture(engine: LuaEngine) -> None:
    text = shown(engine, "setmetatable({1}, {__index = error, __pairs = error, __len = error, __lt = error})")
    assert text == "{ 1 }"
    assert isinstance(engine.run("print", "In[1]")[0], LuaObject)
