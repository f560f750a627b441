from __future__ import annotations

from typing import Any

import pytest

from secc_kernel.lua import LazyTable, LuaEngine, LuaError, LuaSyntaxError, LuaUserError

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
        ("local a <const> = 1\na = 2", "In[3]:2: attempt to assign to const variable 'a'", "a"),
        ("goto nowhere", "In[3]:1: no visible label 'nowhere' for <goto> at line 1", "nowhere"),
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
    assert rendered[0] == f"{type(error).__name__}: {error}"
    assert rendered[1].endswith(f"| {error.text}")
    assert rendered[2].index("^") == rendered[1].index("|") + 2 + error.column


NO_ITEM = "there is no item of that number: a list begins at 1, and #t is the number of its last item"
COMMANDS = (
    "commands (!), magics (%) and questions (?) have cells of their own; the first two also stand in front of Lua"
)


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
        ("nothing.x = 1", "nothing has set 'nothing' so far"),
        ("Print('x')", "did you mean 'print'?"),
        ("local f = print\nlocal s = 'a' .. f", "it is a function: write () behind its name to call it"),
        ("x\ny = 1", "a name or value alone is no statement: is there a call without () just before?"),
        ("for k, v in {1} do end", "a for loop takes an iterator: for key, value in pairs(t) do, or ipairs(t)"),
        ("if x == 1\n  y = 2\nend", "an if has a then behind its condition: if x == 1 then"),
        ("for i = 1, 3\n  y = 2\nend", "a loop has a do behind its head: for i = 1, 3 do"),
        ("x = 'a\ny = 1", "a text ends with the mark it began with, on the same line; [[ and ]] span lines"),
        ("return 1 < '2'", "tonumber(text) makes a number of a text"),
        ("string.format('%d', 1.5)", "%d takes whole numbers; %g and %.2f take any, math.floor(x) cuts"),
        ("fucntion f() end", "did you mean 'function'?"),
        ("retrun 5", "did you mean 'return'?"),
        ("x = 5 + nill", "did you mean 'nil'?"),
        ("local t = {1} return t[2].x", NO_ITEM),
        ("local t, i = {1}, 0 return t[i].x", NO_ITEM),
        ("print 'a' .. 'b'", "f 'a' .. b is f('a') .. b: write round brackets around what f is to get"),
        ("x = 'a: ' + 5", "texts are joined with two dots: 'a' .. b"),
        ("t = {a = 1 b = 2}", "the items of a table are separated by commas"),
        ("é = 1", "names have the letters a to z, digits and _ only; other characters belong into texts"),
        ("x = 10\n% 3 + limits", "nothing has set 'limits' so far"),
        ("for k in pairs(missing) do end", "what pairs or ipairs gets here is nil: nothing has set it"),
        ("exit()", "os.exit() ends a cell early; the front end shuts the kernel down"),
        ("x = 1\n?x", COMMANDS),
        ("x = 1\n!ls", COMMANDS),
    ],
)
def test_hints(engine: LuaEngine, run: Any, source: str, hint: str | None) -> None:
    assert failure(engine, run, source).hint == hint


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("Api.Sett(1)", "Api.Sett"),
        ("Kind.Ok()", "Kind.Ok"),
        ("Api.Set(1, 'full')", "'full'"),
        ("Api.Set('Set', 5)", "5"),
        ("Api.Set(1.5)", "1.5"),
        ("Api.Set(x)", "Api.Set"),
        ("Api.Set{a = 1, links = 'sim'}", "links"),
    ],
)
def test_what_a_function_refuses_is_marked(engine: LuaEngine, run: Any, source: str, marked: str) -> None:
    def set_(*values: object) -> None:
        value = values[-1]
        if isinstance(value, dict):
            raise LuaUserError("Api.Set has no option 'links'; did you mean link?")
        raise LuaUserError(f"Api.Set takes a number, not {value!r}" if value else "Api.Set takes a number, not nil")

    def resolve(name: str) -> Any:
        if name == "Set":
            return set_
        raise LuaUserError(f"there is no Api.{name}; did you mean Api.Set?")

    def member(name: str) -> Any:
        raise LuaUserError(f"Kind has no member {name}; did you mean Kind.OK?")

    engine.define("Api", LazyTable("Api", resolve, lambda: ["Set"]))
    engine.define("Kind", LazyTable("Kind", member, lambda: ["OK"]))
    error = failure(engine, run, source)
    assert error.text[error.column : error.column + error.length] == marked


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


def test_a_thrown_object_is_shown_with_what_it_holds(engine: LuaEngine, run: Any) -> None:
    source = "error(setmetatable({code = 5}, {__tostring = function(e) return 'code ' .. e.code end}))"
    error = failure(engine, run, source)
    assert str(error) == "code 5"
    assert repr(error.value) == "{ code = 5 }"
    assert "value: { code = 5 }" in error.render()
    assert not any(line.startswith("value:") for line in failure(engine, run, "error({code = 5})").render())
    long = failure(engine, run, "error({code = 5, text = ('x'):rep(300)})")
    assert len(str(long)) < 250
    assert "x" * 300 in "\n".join(long.render())


def test_a_function_that_calls_itself_is_one_line(engine: LuaEngine, run: Any) -> None:
    lines = failure(engine, run, "function f(n) if n == 0 then error('deep') end f(n - 1) end\nf(9)").render()
    assert lines[-2:] == ["  In[3]:1: in function 'f' (10 times)", "  In[3]:2: in main chunk"]


def test_tail_calls_are_noted(engine: LuaEngine, run: Any) -> None:
    source = "local function g() local x = nil + 1 return x end\nlocal function f() return g() end\nf()"
    error = failure(engine, run, source)
    assert [frame.source for frame in error.frames] == ["In[3]", "(...tail calls...)", "In[3]"]


def test_the_carets_stand_below_wide_characters(engine: LuaEngine, run: Any) -> None:
    lines = failure(engine, run, "local s = '한국어' .. nothing.y").render()
    assert lines[2].index("^") == lines[1].index("nothing") + 3


def test_of_a_long_line_the_part_with_the_mistake_is_shown(engine: LuaEngine, run: Any) -> None:
    error = failure(engine, run, f"  local s = '{'x' * 5000}' .. nothing.y .. '{'z' * 5000}'")
    assert len(error.text) < 130
    assert error.text[error.column : error.column + error.length] == "nothing"
    assert error.text.startswith("…x")
    assert error.text.endswith("z…")


def test_names_of_python_files_can_be_told(engine: LuaEngine, run: Any) -> None:
    def fail() -> None:
        raise ValueError("broken inside")

    engine.define("fail", fail)
    error = failure(engine, run, "fail()")
    error.file_name = lambda name: "In[7]" if name == __file__ else name
    assert error.render()[-1].startswith("  In[7]:")
    assert error.render()[-1].endswith('in fail: raise ValueError("broken inside")')


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
