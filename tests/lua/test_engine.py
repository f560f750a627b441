from __future__ import annotations

import threading
from typing import Any

import pytest

from secc_kernel.lua import LuaEngine, LuaError, LuaExit, LuaTable

from .conftest import Output


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("1 + 1", (2,)),
        ("7 / 2, 7 // 2, 2^53", (3.5, 3, 2.0**53)),
        ("'a', nil, true", ("a", None, True)),
        ("nil", (None,)),
        ("x = 5", ()),
        ("local y = 2\ny * 3", (6,)),
        ("math.max(\n  1,\n  2\n)", (2,)),
        ("=6*7", (42,)),
        ("1 + 1;", ()),
        ("return 7", (7,)),
        ("return 7, 8", (7, 8)),
        ("for i = 1, 3 do string.rep('x', i) end", ()),
        ("local f = function() return 1, 2 end\nf()", (1, 2)),
        ("-- only a comment", ()),
        ("", ()),
        ("#!/usr/bin/env lua\nprint ~= nil", (True,)),
        ("a = 1 a", (1,)),
        ("print", "function"),
    ],
)
def test_value_of_a_cell(engine: LuaEngine, run: Any, source: str, values: Any) -> None:
    result = run(engine, source)
    if values == "function":
        assert "function" in repr(result[0])
    else:
        assert result == values
        assert [type(value) for value in result] == [type(value) for value in values]


def test_globals_survive_and_locals_do_not(engine: LuaEngine, run: Any) -> None:
    run(engine, "kept = 1; local lost = 2")
    assert run(engine, "kept, lost") == (1, None)


def test_tables_come_as_pictures(engine: LuaEngine) -> None:
    (table,) = engine.run("local t = {10, 20, name = 'x', [2.5] = {}} t.self = t return t", "In[1]")
    assert isinstance(table, LuaTable)
    assert [key for key, _ in table] == [1, 2, 2.5, "name", "self"]
    assert repr(table) == "{ 10, 20, [2.5] = {}, name = 'x', self = { (contains itself) } }"


def test_a_picture_of_a_large_table_is_small(engine: LuaEngine) -> None:
    (table,) = engine.run("local t = {} for i = 1, 5000 do t[i] = i end return t", "In[1]")
    assert (len(table), table.skipped) == (5000, 4940)
    assert [key for key, _ in table][46:50] == [47, 48, 4989, 4990]
    assert repr(table).count("\n") < 30
    assert "… 4,940 more items" in repr(table)
    (deep,) = engine.run("local t = {} for i = 1, 100 do t = {t} end return t", "In[1]")
    assert repr(deep).count("{") < 20


def test_print_and_write_go_to_one_stream(engine: LuaEngine, run: Any, stdout: Output, stderr: Output) -> None:
    run(
        engine,
        "print('a', 1, nil, true) io.write('b', 2.5, '\\n') io.stdout:write('c'):write('d') io.stderr:write('e')",
    )
    assert stdout.text == "a\t1\tnil\ttrue\nb2.5\ncd"
    assert stderr.text == "e"
    assert run(engine, "io.write('x')") == ()
    assert len(stdout.pieces) == 5


def test_binary_strings_survive(engine: LuaEngine, run: Any) -> None:
    (text,) = run(engine, r"'\xff\x00\x80ä'")
    assert text.encode("utf-8", "surrogateescape") == b"\xff\x00\x80" + "ä".encode()
    engine.define("raw", b"\xfe\x01")
    assert run(engine, "#raw, raw:byte(1)") == (2, 0xFE)


@pytest.mark.parametrize(
    ("lines", "source", "values"),
    [
        (["one\n", "two\n"], "io.read(), io.read('L'), io.read()", ("one", "two\n", None)),
        (["12 0x1F\n", "x\n"], "io.read('n', 'n', 'l', 'n')", (12, 31, "", None)),
        (["a\n", "b\n"], "io.read('a')", ("a\nb\n",)),
        (["abc\n"], "io.read(2), io.read(0), io.read(9), io.read(1)", ("ab", "", "c\n", None)),
        (["1\n", "2\n"], "local s = '' for line in io.lines() do s = s .. line .. ';' end return s", ("1;2;",)),
        (["a\n"], "io.stdin:read('*l')", ("a",)),
    ],
)
def test_io_read(lines: list[str], source: str, values: tuple[Any, ...]) -> None:
    rest = iter(lines)
    engine = LuaEngine(read_line=lambda prompt: next(rest, ""))
    assert engine.run(source, "In[1]") == values


def test_input_asks_with_a_text_and_for_a_line_of_its_own() -> None:
    asked: list[str] = []
    rest = iter(["12 volts\n", "KR*TC1\n", "\n"])

    def read_line(prompt: str) -> str:
        asked.append(prompt)
        return next(rest, "")

    engine = LuaEngine(read_line=read_line)
    values = engine.run("io.read('n'), input('EVSEID? '), input(2), input(), input('again')", "In[1]")
    assert values == (12, "KR*TC1", "", None, None)
    assert asked == ["", "EVSEID? ", "2", "", "again"]
    with pytest.raises(LuaError, match="input takes the text to ask with"):
        engine.run("input{}", "In[2]")


def test_arguments_of_a_script(engine: LuaEngine) -> None:
    assert engine.run("local a, b = ... return a .. b, select('#', ...)", "x.lua", ["1", "2"]) == ("12", 2)


@pytest.mark.parametrize(
    ("call", "code"), [("os.exit()", 0), ("os.exit(true)", 0), ("os.exit(false)", 1), ("os.exit(3)", 3)]
)
def test_exit_ends_the_script_and_nothing_catches_it(engine: LuaEngine, run: Any, call: str, code: int) -> None:
    with pytest.raises(LuaExit) as caught:
        run(engine, f"while true do pcall(function() {call} end) end")
    assert caught.value.code == code
    assert run(engine, "1 + 1") == (2,)


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("1", "complete"),
        ("local function f() return 1 end", "complete"),
        ("x = 5\nx", "complete"),
        ("", "complete"),
        ("for i=1,3 do", "incomplete"),
        ("x = {1,", "incomplete"),
        ("print('a'", "incomplete"),
        ("1 +", "incomplete"),
        ("--[[ open", "incomplete"),
        ("s = [[ open", "incomplete"),
        ("x = = 1", "invalid"),
        ("end", "invalid"),
        ("x = 'open\ny", "invalid"),
    ],
)
def test_is_complete(engine: LuaEngine, source: str, status: str) -> None:
    assert engine.is_complete(source) == status


def test_members_run_no_user_code(engine: LuaEngine) -> None:
    engine.run("t = setmetatable({a = {b = 1}, [1] = 2}, {__index = function() error('run') end})", "In[1]")
    assert engine.members(("t",)) == ["a"]
    assert engine.members(("t", "a")) == ["b"]
    assert engine.members(("t", "missing")) == []
    assert "format" in engine.members(("string",))
    assert {"print", "t"} <= set(engine.members())


def test_files_and_modules(engine: LuaEngine, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "helper.lua").write_text("local M = {}\nfunction M.twice(x) return x * 2 end\nreturn M\n")
    (tmp_path / "main.lua").write_text("#!/usr/bin/lua\nreturn 40 + 2\n")
    assert engine.run("require('helper').twice(4), require('helper') == require 'helper'", "In[1]") == (8, True)
    assert engine.run("dofile('main.lua')", "In[1]") == (42,)
    assert engine.run("local f <close> = assert(io.open('helper.lua')) return f:read('l')", "In[1]") == (
        "local M = {}",
    )
    ok, message = engine.run("return pcall(require, 'absent')", "In[1]")
    assert not ok
    assert "absent.lua" in message


def test_coroutines_are_lua_s(engine: LuaEngine, run: Any) -> None:
    source = """
        local co = coroutine.create(function(a)
          local b = coroutine.yield(a + 1)
          return b * 2
        end)
        local _, first = coroutine.resume(co, 1)
        local _, second = coroutine.resume(co, 10)
        local dead, why = coroutine.resume(co)
        local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
        return first, second, dead, why, gen() + gen() + gen(), coroutine.status(co), coroutine.isyieldable(),
          select(2, coroutine.running()), select('#', coroutine.resume(coroutine.create(function() end)))
    """
    assert run(engine, source) == (2, 20, False, "cannot resume dead coroutine", 6, "dead", False, True, 1)


def test_yield_outside_of_a_coroutine(engine: LuaEngine, run: Any) -> None:
    ok, message = run(engine, "pcall(coroutine.yield, 1)")
    assert not ok
    assert "outside a coroutine" in message


def test_lua_belongs_to_its_thread(engine: LuaEngine) -> None:
    problems: list[BaseException] = []

    def elsewhere() -> None:
        try:
            engine.run("1", "In[1]")
        except RuntimeError as problem:
            problems.append(problem)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "thread" in str(problems[0])


def test_one_cell_at_a_time(engine: LuaEngine) -> None:
    engine.define("nested", lambda: engine.run("1", "In[2]"))
    with pytest.raises(Exception, match="Lua is running"):
        engine.run("nested()", "In[1]")
    assert engine.run("1 + 1", "In[3]") == (2,)


def test_debug_and_warn(engine: LuaEngine, run: Any, stderr: Output) -> None:
    assert run(engine, "local x\nreturn debug.getinfo(1, 'Sl').currentline, debug.getinfo(1).short_src") == (2, "In[1]")
    assert run(engine, "debug.getinfo(print).what, debug.getinfo(1e6)") == ("Lua", None)
    run(engine, "warn('careful', '!')")
    assert stderr.text == "Lua warning: careful!\n"
