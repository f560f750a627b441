from __future__ import annotations

import asyncio
import enum
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from secc_kernel.lua import (
    HostFunction,
    LazyTable,
    LuaEngine,
    LuaError,
    LuaInterrupted,
    LuaObject,
    LuaTable,
    LuaUserError,
    Pending,
)
from secc_kernel.lua.hosting import Ask, LuaFunction


class Code(str, enum.Enum):
    OK = "OK"


class View:
    def _repr_html_(self) -> str:
        return "<b>view</b>"

    def __str__(self) -> str:
        return "a view"


VIEW = View()


@pytest.mark.parametrize(
    ("result", "source", "values"),
    [
        (None, "f()", (None,)),
        ((), "select('#', f())", (0,)),
        ((1, "a", None), "f()", (1, "a", None)),
        ([1, [2, 3]], "f()[2][1]", (2,)),
        ({"a": {"b": True}}, "f().a.b", (True,)),
        (Code.OK, "f() == 'OK'", (True,)),
        (bytearray(b"\x00\xff"), "f():byte(1, 2)", (0, 255)),
        (VIEW, "f()", (VIEW,)),
        (VIEW, "tostring(f())", ("a view",)),
        (lambda x: x + 1, "f()(2)", (3,)),
        (HostFunction(lambda x: x * 2, "double"), "f()(2)", (4,)),
        (-(2**63), "f()", (-(2**63),)),
    ],
)
def test_results_become_lua_values(engine: LuaEngine, result: Any, source: str, values: tuple[Any, ...]) -> None:
    engine.define("f", lambda: result)
    assert engine.run(source, "In[1]") == values


def test_numpy_numbers_become_numbers(engine: LuaEngine) -> None:
    numpy = pytest.importorskip("numpy")
    engine.define("f", lambda: (numpy.int64(5), numpy.float32(0.5)))
    assert engine.run("f()", "In[1]") == (5, 0.5)


@pytest.mark.parametrize("result", [object(), 2**63, {"a": object()}, int])
def test_a_result_that_lua_cannot_hold(engine: LuaEngine, result: Any) -> None:
    engine.define("f", lambda: result)
    with pytest.raises(LuaError, match="f returned what Lua cannot hold"):
        engine.run("f()", "In[1]")


def test_arguments_become_python_values(engine: LuaEngine, run: Callable[..., Any]) -> None:
    got: list[Any] = []
    engine.define("f", lambda *args: got.extend(args))
    run(engine, "f(1, 2.5, 'a', nil, true, {1, 2}, {a = {b = 1}}, {})")
    assert got == [1, 2.5, "a", None, True, [1, 2], {"a": {"b": 1}}, []]


@pytest.mark.parametrize("argument", ["print", "coroutine.create(print)", "{f = print}"])
def test_functions_are_not_passed(engine: LuaEngine, argument: str) -> None:
    engine.define("f", lambda *args: None)
    with pytest.raises(LuaError, match=r"In\[1\]:1: f: a (function|thread) cannot be passed to Python"):
        engine.run(f"f({argument})", "In[1]")


def test_a_table_that_contains_itself_is_refused(engine: LuaEngine) -> None:
    engine.define("f", lambda *args: None)
    with pytest.raises(LuaError, match=r"In\[1\]:1: f: a table that contains itself"):
        engine.run("t = {} t.t = t f(t)", "In[1]")


def test_raw_functions_get_pictures(engine: LuaEngine) -> None:
    got: list[Any] = []
    engine.define("show", HostFunction(lambda *args: got.extend(args), "show", raw=True))
    engine.define("Api", LazyTable("Api", lambda name: 1, lambda: ["a", "b"]))
    engine.run("t = {1} t.t = t show(t, print, 'x', Api)", "In[1]")
    assert isinstance(got[0], LuaTable)
    assert isinstance(got[1], LuaObject)
    assert got[2] == "x"
    assert repr(got[3]) == "Api: a table of 2 names"


def test_registered_tables_and_aliases(engine: LuaEngine) -> None:
    engine.register_table("Session", {"Open": lambda: "open", "version": 2, "Inner": {"f": lambda: 3}})
    engine.alias("SESSION", "Session")
    assert engine.run("Session.Open(), SESSION.version, SESSION == Session, Session.Inner.f()", "In[1]") == (
        "open",
        2,
        True,
        3,
    )


def test_registration_waits_for_the_end_of_the_cell(engine: LuaEngine) -> None:
    engine.define("f", lambda: engine.define("g", 1))
    with pytest.raises(LuaError, match="do this between cells"):
        engine.run("f()", "In[1]")


class TestLazyTables:
    @pytest.fixture
    def asked(self, engine: LuaEngine) -> list[str]:
        asked: list[str] = []

        def resolve(name: str) -> Any:
            asked.append(name)
            if name == "Enum":
                return LazyTable("Enum", lambda key: key.lower(), lambda: ["A", "B"])
            if name.startswith("Get_"):
                return lambda *args: (name, *args)
            raise LuaUserError(f"Secc has no {name}", "did you mean Get_A?")

        engine.define("Secc", LazyTable("Secc", resolve, lambda: ["Get_A", "Get_B", "Enum"]))
        engine.alias("SECC", "Secc")
        return asked

    def test_members_are_made_once_and_when_named(self, engine: LuaEngine, asked: list[str]) -> None:
        assert asked == []
        source = "for i = 1, 3 do Secc.Get_A(i) end return Secc.Get_A(1, 'x'), SECC.Get_A == Secc.Get_A"
        assert engine.run("local r = {Secc.Get_A(1, 'x')} return r[1], r[2], r[3]", "In[1]") == ("Get_A", 1, "x")
        assert engine.run(source, "In[2]")[-1] is True
        assert asked == ["Get_A"]

    def test_a_wrong_name_is_an_error_at_its_line(self, engine: LuaEngine, asked: list[str]) -> None:
        with pytest.raises(LuaError) as caught:
            engine.run("local x = 1\nSecc.Nothing()", "In[1]")
        error = caught.value
        assert str(error) == "In[1]:2: Secc has no Nothing"
        assert (error.line, error.text, error.hint) == (2, "Secc.Nothing()", "did you mean Get_A?")
        assert engine.run("pcall(function() return Secc[1] end)", "In[2]")[0] is False

    def test_pairs_shows_all_names_in_order(self, engine: LuaEngine, asked: list[str]) -> None:
        source = "local s = '' for name, member in pairs(Secc) do s = s .. name .. type(member) .. ' ' end return s"
        assert engine.run(source, "In[1]") == ("Get_Afunction Get_Bfunction Enumtable ",)

    def test_completion_sees_names_and_resolves_nothing(self, engine: LuaEngine, asked: list[str]) -> None:
        assert engine.members(("Secc",)) == ["Get_A", "Get_B", "Enum"]
        assert asked == []

    def test_nested(self, engine: LuaEngine, asked: list[str]) -> None:
        assert engine.run("Secc.Enum.A, Secc.Enum.B", "In[1]") == ("a", "b")

    @pytest.mark.parametrize(
        "statement", ["Secc.Get_A = 1", "Secc.mine = 1", "function Secc.helper() end", "Secc[1] = 2"]
    )
    def test_cannot_be_assigned(self, engine: LuaEngine, asked: list[str], statement: str) -> None:
        with pytest.raises(LuaError, match=r"In\[1\]:1: Secc"):
            engine.run(statement, "In[1]")

    def test_is_shown_as_what_it_is(self, engine: LuaEngine, asked: list[str]) -> None:
        (value,) = engine.run("Secc", "In[1]")
        assert isinstance(value, LazyTable)
        assert engine.run("tostring(Secc), type(Secc), getmetatable(Secc)", "In[2]") == ("Secc", "table", False)


def test_globals_on_demand(engine: LuaEngine) -> None:
    asked: list[str] = []

    def resolve(name: str) -> Any:
        asked.append(name)
        if name == "fn":
            return lambda: 1
        return LazyTable(name, lambda key: name + key, lambda: ["X"]) if name.endswith("Type") else None

    engine.add_globals(resolve, lambda: ["ResponseCodeType"])
    assert engine.run("ResponseCodeType.OK, unknown, fn()", "In[1]") == ("ResponseCodeTypeOK", None, 1)
    engine.run("for i = 1, 10 do local x = ResponseCodeType.OK end", "In[2]")
    assert asked == ["ResponseCodeType", "unknown", "fn"]
    assert "ResponseCodeType" in engine.members()
    assert engine.run("FooType = 5 return FooType", "In[3]") == (5,)


class TestWaiting:
    @pytest.fixture(autouse=True)
    def functions(self, engine: LuaEngine, pool: ThreadPoolExecutor) -> None:
        def later(value: Any) -> Future[Any]:
            return pool.submit(lambda: (time.sleep(0.01), value)[1])

        async def coroutine(value: Any) -> Any:
            await asyncio.sleep(0.01)
            return value

        def failing(kind: str) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(LuaUserError("too late", "be quick") if kind == "user" else ValueError("broken"))
            return future

        engine.define("later", later)
        engine.define("coroutine_", coroutine)
        engine.define("failing", failing)
        engine.define("then_", lambda value: Pending(later(value), lambda result: (result, threading.get_ident())))

    @pytest.mark.parametrize(
        ("source", "values"),
        [
            ("later(7)", (7,)),
            ("coroutine_('a')", ("a",)),
            ("local t = {later(1), later(2), (coroutine_(3))} return t[1] + t[2] + t[3]", (6,)),
            ("pcall(later, 1)", (True, 1)),
            ("coroutine.wrap(function() return later(1) + 1 end)()", (2,)),
            (
                "f = coroutine.wrap(function() coroutine.yield(later(1)) return coroutine_(2) end) return f(), f()",
                (1, 2),
            ),
            ("coroutine.wrap(function() return coroutine.wrap(function() return later(5) end)() end)()", (5,)),
            ("local s = ('ab'):gsub('.', function(c) return later(c .. c) end) return s", ("aabb",)),
            ("setmetatable({}, {__index = function(_, k) return later(k) end}).x", ("x",)),
        ],
    )
    def test_waits_wherever_it_is_called(self, engine: LuaEngine, run: Any, source: str, values: Any) -> None:
        assert run(engine, source) == values

    def test_what_follows_happens_on_the_engine_s_thread(self, engine: LuaEngine, run: Any) -> None:
        assert run(engine, "then_(3)") == (3, threading.get_ident())

    def test_a_mistake_that_comes_late_has_its_line(self, engine: LuaEngine, run: Any) -> None:
        with pytest.raises(LuaError) as caught:
            run(engine, "local a = 1\nfailing('user')")
        assert str(caught.value) == "In[1]:2: too late"
        assert caught.value.hint == "be quick"
        assert run(engine, "pcall(failing, 'user')") == (False, "In[1]:1: too late")

    def test_an_exception_keeps_its_type(self, engine: LuaEngine, run: Any) -> None:
        with pytest.raises(LuaError, match="ValueError: broken") as caught:
            run(engine, "failing('bug')")
        assert isinstance(caught.value.__cause__, ValueError)

    def test_the_loop_goes_on_while_a_cell_waits(self, engine: LuaEngine) -> None:
        future: Future[str] = Future()
        engine.define("wait", lambda: future)

        async def click() -> None:
            await asyncio.sleep(0.01)
            future.set_result("clicked")

        async def both() -> Any:
            cell = asyncio.create_task(engine.run_cell("wait()", "In[1]"))
            await click()
            return await cell

        assert asyncio.run(both()) == ("clicked",)

    def test_a_future_that_is_called_off(self, engine: LuaEngine, run: Any) -> None:
        future: Future[None] = Future()
        future.cancel()
        engine.define("off", lambda: future)
        with pytest.raises(LuaError, match="off was called off"):
            run(engine, "off()")

    def test_where_lua_cannot_yield_an_awaitable_of_the_loop_cannot_be_awaited(self, engine: LuaEngine) -> None:
        async def cell() -> Any:
            return await engine.run_cell("table.sort({2, 1}, function() coroutine_(1) end)", "In[1]")

        with pytest.raises(LuaError, match="coroutine_ has to wait, and Lua cannot wait here"):
            asyncio.run(cell())

    def test_a_cancelled_task_closes_what_lua_has_open(self, engine: LuaEngine, stdout: Any) -> None:
        never: Future[None] = Future()
        engine.define("never", lambda: never)
        source = "local x <close> = setmetatable({}, {__close = function() print('closed') end}) never()"

        async def cell() -> None:
            task = asyncio.create_task(engine.run_cell(source, "In[1]"))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cell())
        assert never.cancelled()
        assert engine.run("1 + 1", "In[2]") == (2,)


def test_wrong_number_of_arguments(engine: LuaEngine, run: Any) -> None:
    def set_value(index: int, value: str) -> None:
        """Set."""

    engine.register_table("Secc", {"Set": set_value})
    with pytest.raises(LuaError) as caught:
        run(engine, "Secc.Set(1)")
    assert str(caught.value) == "In[1]:1: Secc.Set takes (index, value), not 1 value"


def test_a_type_error_inside_is_no_wrong_call(engine: LuaEngine) -> None:
    engine.define("f", lambda: len(5))  # type: ignore[arg-type]
    with pytest.raises(LuaError, match="TypeError: object of type 'int' has no len") as caught:
        engine.run("f()", "In[1]")
    assert isinstance(caught.value.__cause__, TypeError)


def test_nothing_of_a_call_outlives_it(engine: LuaEngine) -> None:
    """lupa's wrappers of tables are tied to the coroutine that ran: using one after its end would be a crash."""
    kept: list[Any] = []

    def keep(*args: Any) -> None:
        kept.append(args)
        raise ValueError("with a traceback")

    engine.define("keep", keep)
    engine.define("bad", lambda: object())
    for _ in range(50):
        engine.run(
            "coroutine.wrap(function() pcall(keep, {1, {2}}, 'x') pcall(bad, {1}) end)() collectgarbage()", "In[1]"
        )
    del kept[:25]
    engine.run("collectgarbage() collectgarbage()", "In[2]")
    assert kept[-1] == ([1, [2]], "x")


class TestFunctionsOfTheScript:
    @pytest.fixture
    def kept(self, engine: LuaEngine) -> list[Any]:
        kept: list[Any] = []

        def count(function: Any, limit: int, so_far: int = 0) -> Any:
            kept.append(function)

            def answered(more: Any = None, *rest: Any) -> Any:
                return count(function, limit, so_far + 1) if more and so_far < limit else (so_far, *rest)

            return Ask(function, (so_far, {"at": [so_far]}), answered)

        engine.define("count", HostFunction(count, "count", calls=True))
        return kept

    def test_they_are_asked_with_values_and_asked_again(
        self, run: Callable[..., Any], engine: LuaEngine, kept: Any
    ) -> None:
        source = "seen = {} return count(function(n, t) seen[#seen + 1] = t.at[1] return n < 3, n end, 10)"
        assert run(engine, source) == (3, 3)
        assert run(engine, "return #seen, seen[4]") == (4, 3)
        assert isinstance(kept[0], LuaFunction)

    def test_their_errors_are_the_scripts(self, engine: LuaEngine, kept: Any) -> None:
        with pytest.raises(LuaError, match=r"In\[1\]:2: attempt to index a nil value"):
            engine.run("count(function()\n return nothing.here end, 1)", "In[1]")
        assert engine.run("return pcall(count, function() error('no', 0) end, 1)", "In[2]") == (False, "no")

    def test_they_may_wait(self, engine: LuaEngine, kept: Any, pool: ThreadPoolExecutor) -> None:
        engine.define("slow", lambda: pool.submit(time.sleep, 0.01))
        assert engine.run("return count(function(n) slow() return n < 2 end, 5)", "In[1]") == (2,)

    def test_an_endless_one_is_interrupted(self, engine: LuaEngine, kept: Any) -> None:
        engine.define("begun", lambda: threading.Timer(0.05, engine.interrupt).start())
        with pytest.raises(LuaInterrupted):
            engine.run("begun() count(function() while true do end end, 1)", "In[1]")

    def test_they_are_let_go(self, engine: LuaEngine, kept: list[Any]) -> None:
        for _ in range(50):
            kept.clear()
            engine.run("collectgarbage() count(function() end, 1)", "In[1]")
        engine.run("count(function() end, 1)", "In[1]")
        assert kept[0].number < 10

    def test_what_is_no_function_is_passed_as_ever(self, engine: LuaEngine) -> None:
        got: list[Any] = []
        engine.define("f", HostFunction(lambda *args: got.extend(args), "f", calls=True))
        engine.run("f(nil, {1, 2}, 'x', nil)", "In[1]")
        assert got == [None, [1, 2], "x", None]
