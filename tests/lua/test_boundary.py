"""Lua reaches Python only through what is registered, and cannot get around interrupts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from secc_kernel.lua import LazyTable, LuaEngine, LuaError

from .conftest import Output, interrupted, send_signal


class View:
    secret = "secret"

    def _repr_html_(self) -> str:
        return ""

    def __call__(self) -> str:
        return self.secret

    def __getitem__(self, key: object) -> str:
        return self.secret

    def __len__(self) -> int:
        return 1


@pytest.fixture(params=[False, True], ids=["secc", "secc-safe"])
def guarded(request: pytest.FixtureRequest, stdout: Output, stderr: Output) -> LuaEngine:
    """An engine as each of the two kernels has it."""
    engine = LuaEngine(stdout=stdout, stderr=stderr, max_memory=64 << 20, restricted=request.param)
    engine.define("view", lambda: View())
    engine.define("f", lambda *args: None)
    engine.define("fail", _fail)
    engine.define("Api", LazyTable("Api", lambda name: lambda: None, lambda: ["a"]))
    return engine


def _fail() -> None:
    raise ValueError("inner")


@pytest.mark.parametrize(
    "name",
    [
        "python",
        *(f"debug.{name}" for name in ("getregistry", "sethook", "gethook", "getupvalue", "setupvalue", "upvaluejoin")),
        *(f"debug.{name}" for name in ("getmetatable", "setmetatable", "getlocal", "setlocal", "upvalueid", "debug")),
        *("string.dump", "package.loadlib", "package.cpath", "package.searchers", "os.setlocale"),
    ],
)
def test_absent(guarded: LuaEngine, name: str) -> None:
    assert guarded.run(name, "In[1]") == (None,)


@pytest.mark.parametrize(
    "attempt",
    [
        "view().secret",
        "view()['__class__']",
        "view()()",
        "view().x = 1",
        "#view()",
        "view() .. ''",
        "view() + 1",
        "for x in view() do end",
        "for x in pairs(view()) do end",
        "rawget(view(), 'secret')",
        "setmetatable(view(), {})",
        "getmetatable(view()).__call",
        "getmetatable(f).__index",
        "string.format('%d', view())",
        "load(string.char(27) .. 'Lua')()",
        "load('return 1', 'x', 'b')()",
        "select(2, pcall(fail)).args",
        "select(2, pcall(fail))()",
        "select(2, pcall(fail)).__traceback__",
        "Api()",
        "getmetatable(Api).__index",
        "setmetatable(Api, {})",
        "rawset(Api, 'a', 1) Api.a()",
        "os.execute('true')",
        "io.popen('true')",
        "coroutine.wrap(view())()",
        "table.concat({view()})",
        "view():secret()",
        "setmetatable({}, {__gc = f})",
        "setmetatable({}, {__gc = true})",
        "string.format('%q', view())",
        "string.format('%99999d', 1)",
        "string.dump(f)",
        "assert(load(function() return string.char(27) .. 'Lua' end))",
        "assert(load(string.char(27) .. 'Lua', 'x', 'bt'))",
        "select(2, pcall(fail)).__class__",
        "error(select(2, pcall(fail)))",
        "local t = view() t.__gc = f",
        "coroutine.create(view())",
        "coroutine.close(coroutine.running())",
        "debug.getinfo(f).func()",
        "getmetatable(Api).__metatable.x = 1",
        "getmetatable(io.stdout).__index = f",
        "Api.a.x",
        "Api[1]",
        "Api[view()]",
        "Api[{}]",
        "f(print)",
        "f({f})",
        "f(coroutine.create(print))",
        "local t = {} t.t = t f(t)",
        "for i = view(), 1 do end",
        "local x <close> = view()",
        "view() < view()",
        "next(view())",
        "local t = {} t[0/0] = 1",
        "string.rep(view(), 2)",
        "('x'):rep(1e15)",
        "('x'):rep(1 << 62)",
        "string.rep('x', 1 << 40)",
        "table.concat({}, 'x', 1, 1 << 60)",
        "table.unpack({}, 1, 1e8)",
        "table.move({}, 1, 1 << 62, 2)",
        "table.move({}, 1.0, 2.0 ^ 62, 2)",
        "table.move({}, '1', '4611686018427387904', 2)",
        "table.insert(setmetatable({}, {__len = function() return 2.0 ^ 62 end}), 1, 2)",
        "table.insert(setmetatable({}, {__len = function() return 1 << 62 end}), 1, 2)",
        "table.remove(setmetatable({}, {__len = function() return 1 << 62 end}), 1)",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
        "local t = {} while true do t[#t + 1] = function() return t end end",
        "local t = {} while true do t[#t + 1] = coroutine.create(f) end",
        "('x'):rep(30000000):gsub('x', 'yyyyyyyy')",
        "('%s%s'):rep(10000000):format()",
        "local function g() return g() + 1 end g()",
        "local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x",
        "local t = setmetatable({}, {__newindex = function(t, k, v) t[k] = v end}) t.x = 1",
        "local t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. t",
        "local t = setmetatable({}, {__tostring = function() return {} end}) tostring(t)",
        "local function g() return coroutine.wrap(g)() end g()",
        "string.gsub('x', 'x', function() return {} end)",
        "table.sort({3, 1, 2, 5, 4}, function() error('no') end)",
        "assert(load(('('):rep(300)))",
        "assert(load('return ' .. ('{'):rep(300)))",
        "local s = 'local a = 1 ' for i = 1, 300 do s = s .. 'local a' .. i .. ' ' end assert(load(s))",
        "goto nowhere",
        "os.exit('x')",
        "os.exit(0/0)",
        "os.date('%Ez')",
        "os.time{year = 1 << 40, month = 1, day = 1}",
        "require('lupa')",
        "require('debug').sethook()",
        "package.loaded.debug.getregistry()",
    ],
)
def test_refused(guarded: LuaEngine, attempt: str) -> None:
    with pytest.raises(LuaError) as caught:
        guarded.run(attempt, "In[1]")
    assert View.secret not in str(caught.value).replace("'secret'", "").replace("view().secret", "")
    assert guarded.run("1 + 1", "In[2]") == (2,)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("rawget(Api, 'a'), rawlen(Api), #Api, next(Api)", (None, 0, 0, None)),
        ("getmetatable(view()), getmetatable(select(2, pcall(fail)))", (False, False)),
        ("getmetatable(Api), getmetatable(io.stdout), getmetatable(f)", (False, False, None)),
        ("tostring(select(2, pcall(fail)))", ("inner",)),
        ("view() == view(), math.type(view()), select('#', view())", (False, None, 1)),
        ("string.rep('', 1 << 62), string.rep('x', -1), ('').rep('', 1 << 62, '')", ("", "", "")),
        ("string.rep('', 2.0 ^ 62), string.rep('', '1000000000000'), string.rep('x', '2')", ("", "", "xx")),
        ("math.tointeger(view()), tonumber(view()), rawequal(view(), view())", (None, None, False)),
        ("pcall(coroutine.wrap(f)), coroutine.wrap(f)()", (True, None)),
        ("select('#', table.unpack({}, 1, 200000))", (200000,)),
        ("_G.python, _ENV.python, lupa, package.loadlib, package.searchers", (None,) * 5),
        ("setmetatable({}, {__name = {}}) ~= nil, pcall(tostring, setmetatable({}, {__name = 1})) ", (True, True)),
    ],
)
def test_harmless(guarded: LuaEngine, run: Any, source: str, expected: tuple[Any, ...]) -> None:
    found = run(guarded, source)
    assert found[: len(expected)] == expected
    assert run(guarded, "1 + 1") == (2,)


ODD = [
    "0/0",
    "1/0",
    "-1/0",
    "math.mininteger",
    "math.maxinteger",
    "1e308",
    "'\\xff\\xfe'",
    "'\\0'",
    "''",
    "{}",
    "{{}}",
    "true",
]


@pytest.mark.parametrize("value", ODD)
def test_odd_values_reach_python_and_come_back(guarded: LuaEngine, run: Any, value: str) -> None:
    guarded.define("same", lambda value: value)
    source = (
        f"local v, w = {value}, same({value}) return type(w) == type(v) and (type(v) == 'table' or v == w or v ~= v)"
    )
    assert run(guarded, source) == (True,)


def test_a_small_table_that_stands_for_a_large_one(guarded: LuaEngine) -> None:
    """Each table is copied wherever it is found: this one would be copied 2^49 times."""
    with pytest.raises(LuaError, match="so many items"):
        guarded.run("local t = {} for _ = 1, 49 do t = {t, t} end f(t)", "In[1]")
    assert guarded.run("1 + 1", "In[2]") == (2,)


def test_the_memory_of_a_bomb_is_free_for_the_next_cell(guarded: LuaEngine, run: Any) -> None:
    for _ in range(3):
        with pytest.raises(LuaError, match="used up its memory"):
            run(guarded, "bomb = {} while true do bomb[#bomb + 1] = ('x'):rep(1000) .. #bomb end")
        run(guarded, "bomb = nil")
        assert run(guarded, "#('x'):rep(10000000)") == (10000000,)


def test_user_code_does_not_run_in_lua_s_own_globals(guarded: LuaEngine) -> None:
    """lupa looks up functions there by name, outside of any protected call: an error would end the process."""
    guarded.run("debug = {traceback = print} x = 1", "In[1]")
    assert list(guarded._runtime.globals()) == []


@pytest.mark.parametrize("event", ["__index", "__newindex"])
def test_metamethods_of_the_globals_do_not_run_for_python(guarded: LuaEngine, event: str) -> None:
    """lupa would call them unprotected: an error, or a loop, would be the end."""
    guarded.run(f"setmetatable(_G, {{{event} = function() while true do end end}})", "In[1]")
    guarded.define("late", 5)
    guarded.alias("later", "late")
    guarded.look_in(Path("/nowhere"))
    assert guarded.get("later") == 5
    assert guarded.get("never") is None
    assert "late" in guarded.members()


def test_a_python_object_can_only_be_passed_on(guarded: LuaEngine) -> None:
    (value,) = guarded.run("view()", "In[1]")
    assert isinstance(value, View)
    assert guarded.run("type(view()), getmetatable(view())", "In[1]") == ("userdata", False)


@pytest.mark.parametrize(
    "call", ["debug.getinfo(1)", "debug.getinfo(1, 'fSl')", "debug.getinfo(f, 'f')", "debug.getinfo(print, 'LfSnu')"]
)
def test_getinfo_gives_facts_and_no_functions(guarded: LuaEngine, call: str) -> None:
    source = f"local kinds = {{}} for _, value in pairs({call}) do kinds[type(value)] = true end return kinds"
    (kinds,) = guarded.run(source, "In[1]")
    assert {kind for kind, _ in kinds} <= {"string", "number", "boolean"}


def test_the_engine_s_frames_are_not_shown(guarded: LuaEngine) -> None:
    (text,) = guarded.run("local t pcall(function() t = debug.traceback('here') end) return t", "In[1]")
    assert text.startswith("here\nstack traceback:")
    assert "secc" not in text
    with pytest.raises(LuaError) as caught:
        guarded.run("coroutine.wrap(function() pcall(error) error('x') end)()", "In[1]")
    assert all("secc" not in str(frame) for frame in caught.value.frames)


@pytest.mark.parametrize(
    "sabotage",
    [
        "pcall, error, type, tostring, select, next, setmetatable, rawequal = nil",
        "local g = _G for name in pairs(g) do g[name] = nil end",
        "debug = nil setmetatable(_G, {__index = function(_, k) error('no ' .. k) end})",
        "setmetatable(_G, {__newindex = function() error('frozen') end})",
        "coroutine.resume, coroutine.create, table.concat, string.gsub, string.find = nil",
        "string.format = function() error('x') end table.unpack = nil",
        "debug.traceback = function() error('x') end",
    ],
)
def test_user_code_cannot_break_the_engine(guarded: LuaEngine, run: Any, sabotage: str) -> None:
    """It has captured what it needs; and lupa, which looks up debug.traceback by name, does so in other globals."""
    run(guarded, sabotage)
    assert run(guarded, "1 + 1") == (2,)
    with pytest.raises(LuaError):
        run(guarded, "local t = nil\nt.x = 1")
    interrupted(guarded, run, "while true do end", send_signal)
    assert run(guarded, "1 + 1") == (2,)


@pytest.mark.parametrize(
    "trap",
    [
        "while true do pcall(function() view().x = 1 end) end",
        "local v = view() while true do pcall(v) end",
        "while true do pcall(fail) end",
        "while true do local _, e = pcall(fail) pcall(error, e) end",
        "setmetatable(_G, {__index = function() while true do end end}) return undefined",
        "string.gsub(('x'):rep(9), 'x', function() pcall(fail) while true do end end)",
        "while true do for name, member in pairs(Api) do member() end end",
        "while true do Api.nothing_else() end",
        "while true do pcall(function() Api.x = 1 end) end",
        "while true do coroutine.close(coroutine.create(f)) pcall(coroutine.wrap(function() fail() end)) end",
    ],
)
def test_closed_objects_and_interrupts_together(guarded: LuaEngine, run: Any, trap: str) -> None:
    interrupted(guarded, run, trap, send_signal)
    assert run(guarded, "1 + 1") == (2,)


@pytest.fixture
def restricted(stdout: Output, stderr: Output) -> LuaEngine:
    return LuaEngine(stdout=stdout, stderr=stderr, restricted=True)


@pytest.mark.parametrize(
    "attempt",
    [
        "io.open('/etc/passwd')",
        "io.open('made', 'w')",
        "io.lines('/etc/passwd')",
        "io.tmpfile()",
        "io.popen('true')",
        "io.output('made')",
        "io.input('/etc/passwd')",
        "loadfile('/etc/passwd')",
        "dofile('/etc/passwd')",
        "require('passwd')",
        "package.path = '/etc/?' require('passwd')",
        "package.cpath = '/lib/?.so' require('libc')",
        "os.getenv('HOME')",
        "os.remove('/nowhere')",
        "os.rename('/nowhere', '/never')",
        "os.tmpname()",
        "os.execute('true')",
        "collectgarbage('stop')",
        "collectgarbage('generational')",
        "collectgarbage({})",
        "getmetatable('').__index = nil",
    ],
)
def test_restricted(
    restricted: LuaEngine, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attempt: str
) -> None:
    monkeypatch.chdir(tmp_path)
    standard_output = "io.output" in attempt or "io.input" in attempt
    if standard_output:
        run(restricted, attempt)  # these are the front end's, whatever is asked for
    else:
        with pytest.raises(LuaError):
            run(restricted, attempt)
    assert list(tmp_path.iterdir()) == []
    assert run(restricted, "1 + 1") == (2,)


def test_restricted_scripts_find_what_they_put_there(restricted: LuaEngine, run: Any) -> None:
    run(restricted, "package.preload.mine = function(name) return {name = name} end")
    assert run(restricted, "require('mine').name, require('string') == string") == ("mine", True)
    assert run(restricted, "collectgarbage() return collectgarbage('count') > 0, os.time() > 0") == (True, True)
