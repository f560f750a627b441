"""Python cells and Lua's globals: ``lua.x``, plain names, and the way back."""

from __future__ import annotations

import re

import pytest

from secc_kernel.kernel.bridge import Given, names_in_python, names_in_text

from .conftest import Kernel


def python(kernel: Kernel, code: str) -> str | None:
    outcome = kernel.run(f"%%python\n{code}")
    assert outcome.status == "ok", outcome.reply
    return outcome.result


def traceback(kernel: Kernel, code: str) -> list[str]:
    outcome = kernel.run(f"%%python\n{code}")
    assert outcome.status == "error"
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(outcome.reply["traceback"])).split("\n")


@pytest.fixture
def lua(kernel: Kernel) -> Kernel:
    kernel.run(
        "voltage, name, flag = 400, 'KR*TC1', true\n"
        "samples = {1.5, 2, {a = {}}}\n"
        "function add(a, b) return a + b end\n"
        "function two() return 1, 'x' end\n"
        "tool = {limit = 3, half = function(x) return x / 2 end, [1] = 'first'}"
    )
    return kernel


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (
            "lua.voltage, lua.name, lua.flag, lua.samples, lua.nothing",
            "(400, 'KR*TC1', True, [1.5, 2, {'a': []}], None)",
        ),
        ("voltage * 2", "800"),
        ("[name for _ in samples]", "['KR*TC1', 'KR*TC1', 'KR*TC1']"),
        ("lua.add(1, 2.5), lua.two(), lua.print", "(3.5, (1, 'x'), <Lua function print>)"),
        ("lua['voltage'], lua['add'](1, 2)", "(400, 3)"),
        ("lua.tool.limit, lua.tool.half(3), lua.tool[1]", "(3, 1.5, 'first')"),
        ("lua.Session.Status()['state']", "'closed'"),
        ("lua.ResponseCodeType.FAILED", "'FAILED'"),
        ("lua.Secc.Check_Received_SessionSetupReq()", "False"),
        ("'voltage' in lua, 'nothing' in lua, 'voltage' in dir(lua)", "(True, False, True)"),
        ("lua.samples.append(4) or len(lua.samples)", "3"),
        ("'CurrentDemandReq' in ''.join(dir(lua.Evcc))", "True"),
    ],
)
def test_reading(lua: Kernel, code: str, result: str) -> None:
    assert python(lua, code) == result


@pytest.mark.parametrize(
    ("code", "expression", "value"),
    [
        ("lua.x = 3", "x", "3"),
        ("lua.x = {'a': [1, 2, (3,)], 5: None}", "x", "{ a = { 1, 2, { 3 } } }"),
        ("import numpy\nlua.x = numpy.arange(3) * 0.5", "x[2] + x[3]", "1.5"),
        ("import pandas\nlua.x = pandas.Series([1, 2])", "#x", "2"),
        ("lua['x'] = 8", "x", "8"),
        ("lua.x = lambda a, b: a * b", "x(6, 7)", "42"),
        ("lua.x = b'\\x00\\xff'", "x:byte(2)", "255"),
        ("del lua.voltage", "voltage == nil", "true"),
    ],
)
def test_writing(lua: Kernel, code: str, expression: str, value: str) -> None:
    python(lua, code)
    assert lua.run(expression).result == value


def test_a_value_that_lua_has_nothing_like(lua: Kernel) -> None:
    text = traceback(lua, "x = 1\nlua.x = object()")
    assert text[-1] == "TypeError: Lua has nothing like a Python object"
    assert "----> 3 lua.x = object()" in text
    assert not any("bridge.py" in line or "secc_kernel" in line for line in text)


def test_an_error_in_lua_shows_both_paths(lua: Kernel) -> None:
    text = traceback(lua, "lua.add({}, 2)")
    assert "----> 2 lua.add({}, 2)" in text
    assert any(
        re.match(r"LuaCallError: In\[\d+\]:3: attempt to perform arithmetic on a table value", line) for line in text
    )
    assert any("function add(a, b)" in line for line in text)
    assert not any("bridge.py" in line for line in text)
    assert "did you mean" not in text[-1]
    text = traceback(lua, "lua.Secc.Set_SessionSetupRes_EVSEID(5)")
    assert text[-1].startswith("LuaCallError: Secc.Set_SessionSetupRes_EVSEID takes a string")
    assert traceback(lua, "lua.Secc.Set_SessionSetupRes_EVSEIDD")[-1].startswith("AttributeError: there is no Secc.")


def test_plain_names_follow_lua_until_python_sets_them(lua: Kernel) -> None:
    python(lua, "def power():\n    return voltage * 2\npower()")
    lua.run("voltage = 10")
    assert python(lua, "power()") == "20"
    assert python(lua, "voltage = 1\nvoltage") == "1"
    assert lua.run("voltage").result == "10"
    assert python(lua, "power()") == "2"
    python(lua, "del voltage")
    assert python(lua, "voltage") == "10"
    lua.run("voltage = nil")
    assert "NameError: name 'voltage' is not defined" in traceback(lua, "voltage")


@pytest.mark.parametrize("name", ["string", "Secc", "add", "tool"])
def test_functions_and_libraries_are_not_given_by_plain_names(lua: Kernel, name: str) -> None:
    assert f"NameError: name '{name}' is not defined" in traceback(lua, name)


def test_builtins_and_names_of_the_session_stay_python_s(lua: Kernel) -> None:
    lua.run("len, session, In = 1, 2, 3")
    assert python(lua, "len('ab'), type(session).__name__, type(In).__name__") == "(2, 'LiveSession', 'list')"
    lua.run("len, session, In = nil")


def test_a_widget_s_callback_reaches_lua_while_a_cell_waits(lua: Kernel) -> None:
    python(
        lua,
        "import asyncio\n"
        "async def later():\n"
        "    await asyncio.sleep(0.05)\n"
        "    lua.limit = lua.voltage + 1\n"
        "def nap():\n"
        "    asyncio.ensure_future(later())\n"
        "    return asyncio.sleep(0.3)\n"
        "lua.nap = nap",
    )
    assert lua.run("nap() return limit").result == "401"


class TestMagicsInPython:
    @pytest.mark.parametrize("code", ["%time sum([1, 2])", "%%time\nsum([1, 2])"])
    def test_what_they_run_is_python(self, kernel: Kernel, code: str) -> None:
        outcome = kernel.run(f"%%python\n{code}")
        assert outcome.result == "3"
        assert "Wall time" in outcome.stdout

    def test_a_python_cell_in_a_magic(self, kernel: Kernel) -> None:
        assert kernel.run("%%time\n%%python\nsum([1, 2])").result == "3"
        assert kernel.run("%%capture kept\n%%python\nprint([1][0])").status == "ok"
        assert kernel.run("kept.stdout").result == "'1\\n'"
        assert kernel.run("1 + 1").result == "2"

    def test_text_behind_the_marker_is_refused(self, kernel: Kernel) -> None:
        outcome = kernel.run("%%python print(1)\nprint(2)")
        assert outcome.status == "error"
        assert "begins on the next" in outcome.stderr
        assert outcome.stdout == ""


class TestNames:
    @pytest.mark.parametrize(
        ("code", "read", "own"),
        [
            ("x = y + 1", {"y"}, {"x"}),
            ("for i in n: print(i)", {"n", "i", "print"}, {"i"}),
            ("[n for n in m]", {"n", "m"}, set()),
            ("def f(a):\n    b = a\n    return c", {"a", "c"}, set()),
            ("lambda: (z := 1)", set(), set()),
            ("await x", {"x"}, set()),
            ("x y", set(), set()),
        ],
    )
    def test_in_python(self, code: str, read: set[str], own: set[str]) -> None:
        assert names_in_python(code) == (read, own)

    def test_in_text(self) -> None:
        assert names_in_text("!echo {x + y1} $z") == {"echo", "x", "y1", "z"}

    def test_given(self) -> None:
        values: dict[str, object] = {"a": 1, "b": [1], "len": 5}
        namespace: dict[str, object] = {"b": "own"}
        given = Given(values.get)
        given.update({"a", "b", "len", "missing"}, (), namespace)
        assert namespace == {"a": 1, "b": "own"}
        values["a"] = 2
        given.update((), (), namespace)
        assert namespace["a"] == 2
        given.update({"a"}, {"a"}, namespace)
        values["a"] = 3
        given.update({"a"}, (), namespace)
        assert namespace["a"] == 2
