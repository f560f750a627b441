"""What is known of a script's globals without asking Lua again, and that no code of the script runs for it."""

from __future__ import annotations

from secc_kernel.lua import LuaEngine


def survey(source):
    engine = LuaEngine()
    engine.run(source, "In[1]")
    return engine.survey()


def test_names_kinds_and_values():
    found = survey(
        "n = 1 x = 1.5 b = true s = 'a\\nb' co = coroutine.create(print)\n"
        "function f(a, b, ...) end t = {k = 1, [1] = 2}"
    )
    assert {name: known.kind for name, known in found.items()} == {
        "n": "integer", "x": "float", "b": "boolean", "s": "string", "co": "thread", "f": "function", "t": "table",
        "t.k": "integer",
    }  # fmt: skip
    assert (found["n"].value, found["x"].value, found["b"].value, found["s"].value) == ("1", "1.5", "true", "'a.b'")
    assert (found["f"].parameters, found["f"].place) == ("(a, b, ...)", "In[1]:2")
    assert found["t"].text == "2"


def test_what_is_there_from_the_start_is_no_scripts():
    engine = LuaEngine()
    assert engine.survey() == {}
    engine.define("given", {"a": 1})
    assert engine.survey() == {}
    engine.run("print = function(own) end", "In[1]")
    assert engine.survey()["print"].parameters == "(own)"


def test_no_code_of_the_script_runs():
    found = survey(
        """
        calls = 0
        local function count() calls = calls + 1 error('user code ran') end
        trap = setmetatable({inside = 1}, {__index = count, __pairs = count, __len = count, __tostring = count,
          __name = setmetatable({}, {__tostring = count}), __eq = count, __close = count})
        loud = setmetatable({}, {__metatable = 'locked', __index = count})
        """
    )
    assert found["calls"].value == "0"
    assert found["trap.inside"].value == "1"
    assert found["loud"].kind == "table"


def test_methods_of_a_class_are_known_of_its_objects():
    found = survey("Car = {} Car.__index = Car function Car:plug(at) end own = setmetatable({soc = 40}, Car)")
    assert found["own.plug"].parameters == "(self, at)"
    assert found["own.soc"].value == "40"


def test_a_survey_is_bounded():
    found = survey(
        """
        for i = 1, 5000 do _G['name' .. i] = {a = {b = {c = {d = 1}}}} end
        big = {} for i = 1, 100000 do big['k' .. i] = i end
        me = {} me.me = me
        text = ('x'):rep(1e6)
        """
    )
    assert len(found) <= 2000
    deep = survey(
        "deep = {a = {b = {c = {d = 1}}}} me = {} me.me = me wide = {} for i = 1, 1e5 do wide['k' .. i] = i end"
    )
    assert "deep.a.b" in deep
    assert "deep.a.b.c.d" not in deep
    assert "me.me" in deep
    assert sum(name.startswith("wide.") for name in deep) == 200
    assert deep["wide"].text == "1000+"
