"""Lua reaches Python only through what is registered, and cannot get around interrupts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from secc_kernel.lua import LazyTable, LuaEngine, LuaError

from .conftest import interrupted, send_signal


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


@pytest.fixture
def guarded(engine: LuaEngine) -> LuaEngine:
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
    ],
)
def test_refused(guarded: LuaEngine, run: Any, attempt: str) -> None:
    with pytest.raises(LuaError) as caught:
        run(guarded, attempt)
    assert View.secret not in str(caught.value).replace("'secret'", "").replace("view().secret", "")
    assert run(guarded, "1 + 1") == (2,)


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
