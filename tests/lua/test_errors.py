from __future__ import annotations

from typing import Any

import pytest

from secc_kernel.lua import LuaEngine, LuaError, LuaSyntaxError, LuaUserError

from .conftest import Output


def failure(engine: LuaEngine, run: Any, source: str, name: str = "In[3]") -> LuaError:
    with pytest.raises(LuaError) as caught:
        run(engine, source, name)
    return caught.value


@pytest.mark.parametrize(
    ("source", "message", "marked"),
    [
        ("prnt('x')", "In[3]:1: attempt to call a nil value (global 'prnt')", "prnt"),
        ("local t\n\nt.x = 1", "In[3]:3: attempt to index a nil value (local 't')", "t"),
        ("\n\n  error('bad')", "In[3]:3: bad", "error('bad')"),
        ("error('bad', 0)", "bad", "error('bad', 0)"),
        ("x = {}\nx.y.z = 2", "In[3]:2: attempt to index a nil value (field 'y')", "y"),
        ("assert(false, 'refused')", "In[3]:1: refused", "assert(false, 'refused')"),
        ("string.rep()", "In[3]:1: bad argument #1 to 'rep' (string expected, got no value)", "string.rep()"),
        (
            "setmetatable(1, {})",
            "In[3]:1: bad argument #1 to 'setmetatable' (table expected, got number)",
            "setmetatable(1, {})",
        ),
        (
            "io.lines('/nowhere')",
            "In[3]:1: cannot open file '/nowhere' (No such file or directory)",
            "io.lines('/nowhere')",
        ),
    ],
)
def test_place_line_and_mark(engine: LuaEngine, run: Any, source: str, message: str, marked: str) -> None:
    error = failure(engine, run, source)
    assert str(error) == message
    line = source.split("\n")[error.line - 1]
    assert error.text == line.strip()
    assert error.text[error.column : error.column + error.length] == marked
    rendered = error.render()
    assert rendered[0] == f"LuaError: {error}"
    assert rendered[1].endswith(f"| {error.text}")
    assert rendered[2].index("^") == rendered[1].index("|") + 2 + error.column


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("prnt('x')", "did you mean 'print'?"),
        ("string.fromat('x')", "did you mean 'string.format'?"),
        ("('x'):uper()", None),
        ("if x != 2 then end", "Lua writes ~= for 'not equal'"),
        ("x += 1", "Lua has no += and the like: write x = x + 1"),
        ("if a && b then end", "Lua writes 'and' and 'or'"),
        ("if a == 1 then b() else if c then d() end", "Lua writes elseif, in one word"),
        ("qqqqqq()", "nothing has set 'qqqqqq' so far"),
        ("error('plain')", None),
    ],
)
def test_hints(engine: LuaEngine, run: Any, source: str, hint: str | None) -> None:
    assert failure(engine, run, source).hint == hint


class TestLocalsOfEarlierCells:
    def test_an_error_says_which_cell_had_it(self, engine: LuaEngine, run: Any) -> None:
        run(engine, "local evseId = 'KR*TC1'", "In[1]")
        error = failure(engine, run, "evseId:upper()", "In[2]")
        assert error.hint is not None
        assert error.hint.startswith("'evseId' was a local of In[1]")

    def test_also_where_a_function_complains(self, engine: LuaEngine, run: Any) -> None:
        def set_(value: object) -> None:
            raise LuaUserError("EVSEID takes a string, not nil")

        engine.define("set", set_)
        run(engine, "local evseId = 'KR*TC1'", "In[1]")
        error = failure(engine, run, "set(evseId)", "In[2]")
        assert str(error) == "In[2]:1: EVSEID takes a string, not nil"
        assert error.hint is not None
        assert "was a local of In[1]" in error.hint

    def test_without_an_error_a_note_does(self, engine: LuaEngine, run: Any, stderr: Output) -> None:
        run(engine, "local a = 1", "In[1]")
        run(engine, "local b = a", "In[2]")
        assert stderr.text.startswith("In[2]: 'a' was a local of In[1]")

    def test_a_global_of_that_name_is_none_of_it(self, engine: LuaEngine, run: Any, stderr: Output) -> None:
        run(engine, "local a = 1", "In[1]")
        run(engine, "a = 2 return a", "In[2]")
        run(engine, "unknown = unknown or 1", "In[3]")
        assert stderr.text == ""


def test_error_tables_keep_their_value(engine: LuaEngine, run: Any) -> None:
    error = failure(engine, run, "error({code = 5, list = {1, 2}})")
    assert repr(error.value) == "{ code = 5, list = { 1, 2 } }"
    assert "code = 5" in str(error)
    assert error.line == 1
    named = failure(engine, run, "error(setmetatable({}, {__tostring = function() return 'by name' end}))")
    assert str(named) == "by name"
    broken = failure(engine, run, "error(setmetatable({}, {__tostring = function() error('x') end}))")
    assert "__tostring fails" in str(broken)
    assert str(failure(engine, run, "error()")) == "error value: nil"
    assert run(engine, "select(2, pcall(error, {code = 5})).code") == (5,)
    assert run(engine, "coroutine.wrap(function() return select(2, pcall(error, {code = 6})).code end)()") == (6,)


def test_stack(engine: LuaEngine, run: Any) -> None:
    run(engine, "function outer()\n  inner()\nend\nfunction inner()\n  error('deep')\nend", "In[1]")
    error = failure(engine, run, "local function here()\n  outer()\nend\n\nhere()", "In[2]")
    assert [(frame.source, frame.line, frame.function) for frame in error.frames] == [
        ("In[1]", 5, "function 'inner'"),
        ("In[1]", 2, "function 'outer'"),
        ("In[2]", 2, "local 'here'"),
        ("In[2]", 5, "main chunk"),
    ]
    assert (error.source, error.line, error.text) == ("In[1]", 5, "error('deep')")


def test_stack_through_coroutines(engine: LuaEngine, run: Any) -> None:
    error = failure(engine, run, "local co = coroutine.wrap(function()\n  error('inside')\nend)\nco()")
    assert [frame.line for frame in error.frames] == [2, 4]


def test_the_last_call_of_a_cell_has_its_line(engine: LuaEngine, run: Any) -> None:
    """As a tail call it would be no level of the stack any more."""

    def fail() -> None:
        raise LuaUserError("refused")

    engine.define("fail", fail)
    assert str(failure(engine, run, "fail()")) == "In[3]:1: refused"
    assert str(failure(engine, run, "local x = 1\n\nfail()")) == "In[3]:3: refused"


def test_a_deep_stack_is_cut_in_the_middle(engine: LuaEngine, run: Any) -> None:
    error = failure(engine, run, "local function r() return 1 + r() end\nr()")
    assert "stack overflow" in str(error)
    assert len(error.frames) < 30
    assert any("more levels" in str(frame) for frame in error.frames)
    assert run(engine, "1 + 1") == (2,)


def test_a_python_exception_shows_its_lua_path(engine: LuaEngine, run: Any) -> None:
    def fail() -> None:
        raise ValueError("broken inside")

    engine.define("fail", fail)
    error = failure(engine, run, "local function f()\n  fail()\nend\nf()")
    assert str(error) == "ValueError: broken inside"
    assert isinstance(error.__cause__, ValueError)
    assert [frame.line for frame in error.frames] == [2, 4]
    text = "\n".join(error.render())
    assert "test_errors.py" in text
    assert "hosting.py" not in text
    assert "lupa" not in text


def test_hint_of_a_caught_mistake_is_not_shown_for_another(engine: LuaEngine, run: Any) -> None:
    def fail() -> None:
        raise LuaUserError("refused", "a hint")

    engine.define("fail", fail)
    assert failure(engine, run, "pcall(fail) error('other')").hint is None
    assert failure(engine, run, "local ok, e = pcall(fail) error(e, 0)").hint == "a hint"


def test_syntax_errors(engine: LuaEngine, run: Any) -> None:
    error = failure(engine, run, "x = 1\nfor i = 1, 3 do\n  y = = 2\nend")
    assert isinstance(error, LuaSyntaxError)
    assert str(error) == "In[3]:3: unexpected symbol near '='"
    assert (error.line, error.text) == (3, "y = = 2")
    unfinished = failure(engine, run, "for i = 1, 3 do")
    assert unfinished.render()[2].endswith("                ^")


def test_colour_adds_nothing_but_colour(engine: LuaEngine, run: Any) -> None:
    import re

    error = failure(engine, run, "prnt('x')")
    assert [re.sub(r"\x1b\[\d*m", "", line) for line in error.render(color=True)] == error.render()
    assert "\x1b" in "".join(error.render(color=True))


class TestMemory:
    @pytest.fixture
    def small(self) -> LuaEngine:
        return LuaEngine(stdout=Output(), max_memory=32 << 20)

    @pytest.mark.parametrize(
        "bomb",
        [
            "t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end",
            "t = {} while true do t[#t + 1] = {} end",
            "s = 'x' while true do s = s .. s end",
            "('x'):rep(1e9)",
            "t = {} while true do t[#t + 1] = function() return t end end",
            "t = {} while true do t[#t + 1] = coroutine.create(print) end",
            "t = {} while true do t[#t + 1] = echo(('x'):rep(1e5) .. #t) end",
            "local s = ('x'):rep(2e7) t = {} while true do t[#t + 1] = tostring(#t) end",
        ],
    )
    def test_bombs_end_in_an_error(self, small: LuaEngine, run: Any, bomb: str) -> None:
        small.define("echo", lambda text: text)
        with pytest.raises(LuaError, match=r"used up its memory \(32 MiB\)") as caught:
            run(small, bomb)
        assert caught.value.hint is not None
        for _ in range(20):
            assert run(small, "1 + 1") == (2,)
        run(small, "t = nil s = nil collectgarbage()")
        assert run(small, "#('x'):rep(1e6)") == (1000000,)

    def test_it_can_be_caught(self, small: LuaEngine, run: Any) -> None:
        assert run(small, "pcall(string.rep, 'x', 1e9)")[0] is False
