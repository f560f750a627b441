"""What a cell shows: tables as trees and records, Python views, displays that are updated or cleared."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest

from secc_kernel.kernel.display import LuaResult, displayed
from secc_kernel.kernel.tables import blocks
from secc_kernel.lua import LuaEngine
from secc_kernel.views.look import to_html

from .conftest import Kernel


def result(source: str) -> LuaResult:
    shown = displayed(LuaEngine().run(source, "In[1]"))
    assert isinstance(shown, LuaResult)
    return shown


def text(source: str) -> str:
    return repr(result(source))


def html(source: str) -> str:
    return result(source)._repr_mimebundle_()["text/html"]


class _Outline(HTMLParser):
    """Tags and text of a fragment; fails where they are not nested."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def outline(fragment: str) -> _Outline:
    found = _Outline()
    found.feed(fragment)
    assert found.open == []
    return found


class TestRecords:
    RECORDS = "{{name = 'SessionSetup', ms = 12.5, ok = true}, {name = 'ServiceDiscovery', ms = 7}}"

    def test_as_text(self) -> None:
        assert text(self.RECORDS).split("\n") == [
            "     ms  name              ok",
            "─  ────  ────────────────  ────",
            "1  12.5  SessionSetup      true",
            "2     7  ServiceDiscovery",
        ]

    def test_as_html(self) -> None:
        found = outline(html(self.RECORDS))
        assert found.tags.count("table") == 1
        assert found.tags.count("tr") == 3
        assert "ServiceDiscovery" in found.words
        assert "'ServiceDiscovery'" not in found.words

    def test_with_names_instead_of_numbers(self) -> None:
        assert text("{b = {u = 1, i = 2}, a = {u = 3, i = 4}}").split("\n")[2:] == ["a  4  3", "b  2  1"]

    def test_what_is_left_out_of_a_long_list(self) -> None:
        source = "local t = {} for i = 1, 500 do t[i] = {n = i, square = i * i} end return t"
        lines = text(source).split("\n")
        assert "… 440 more rows" in lines
        assert lines[-1].split() == ["500", "500", "250000"]
        assert len(lines) == 63
        assert html(source).count("<tr>") == 62

    @pytest.mark.parametrize(
        "source",
        [
            "{{a = 1}}",
            "{{a = 1}, {b = 2}, {c = 3}}",
            "{{a = 1}, 5}",
            "{{a = 1}, {1}}",
            "{{a = 1}, {a = 2}, x = {a = 3}}",
            "{{a = 1}, {[2.5] = 2}}",
            "local t = {{a = 1}} t[2] = t return t",
            "{{a = {b = {('x'):rep(80)}}}, {a = {b = {('x'):rep(80)}}}}",
        ],
    )
    def test_other_tables_are_none(self, source: str) -> None:
        assert "──" not in text(source)
        assert '<th scope="col"' not in html(source)


class TestTrees:
    def test_branches_fold_and_leaves_stand_in_a_table(self) -> None:
        found = outline(html("{1, 'a', {deep = {('x'):rep(70), 2}}, name = '<b>'}"))
        assert found.tags.count("details") == 3
        assert "table of 3 items and 1 field" in found.words
        assert "'<b>'" in found.words
        assert "script" not in found.tags

    def test_a_table_in_itself(self) -> None:
        found = outline(html("local t = {1} t.t = t return t"))
        assert "{ (contains itself) }" in found.words

    def test_names_of_metatables(self) -> None:
        assert "Account of 1 field" in outline(html("setmetatable({balance = 1}, {__name = 'Account'})")).words

    @pytest.mark.parametrize("count", [1, 4])
    def test_few_branches_are_open_many_are_not(self, count: int) -> None:
        source = f"local t = {{}} for i = 1, {count} do t[i] = {{('x'):rep(70)}} end return t"
        assert html(source).count("<details") == count + 1
        assert html(source).count(" open>") == (2 if count == 1 else 1)

    def test_no_table_no_html(self) -> None:
        assert list(result("1, 'a'")._repr_mimebundle_()) == ["text/plain"]
        assert list(result("{}, 1")._repr_mimebundle_()) == ["text/plain"]

    def test_several_values(self) -> None:
        assert text("{1}, nil, 'x'") == "{ 1 }\tnil\t'x'"
        assert outline(html("{1}, nil, 'x'")).tags.count("pre") == 2

    def test_any_value_is_a_block(self) -> None:
        for source in ("nil, 1", "print, 1", "{}, 1"):
            for value in LuaEngine().run(source, "In[1]"):
                assert to_html(blocks(value)).startswith("<div")


class TestBounds:
    @pytest.mark.parametrize(
        "source",
        [
            "('x'):rep(2e7)",
            "local t = {} for i = 1, 1e6 do t[i] = i end return t",
            "local t = {} for i = 1, 2e5 do t[i] = {a = i, b = {i}, c = 'x'} end return t",
            "local t = {} for i = 1, 300 do t = {t, t, x = t} end return t",
            "local t = {} for i = 1, 60 do t[i] = {a = ('x'):rep(1e5)} end return t",
        ],
    )
    def test_of_what_is_sent(self, kernel: Kernel, source: str) -> None:
        data = kernel.run(source).of("execute_result")[0]["data"]
        assert len(data["text/plain"]) < 60_000
        assert len(data.get("text/html", "")) < 350_000
        assert "…" in data["text/plain"]

    def test_a_long_string_is_whole_for_python(self, kernel: Kernel) -> None:
        kernel.run("('x'):rep(100000)")
        assert kernel.run("%%python\nlen(_)").result == "100000"

    def test_an_error_s_long_line_and_message(self, kernel: Kernel) -> None:
        outcome = kernel.run(f"local s = '{'x' * 50_000}' .. nothing.y")
        assert len("".join(outcome.reply["traceback"])) < 2_000
        assert "nothing" in "".join(outcome.reply["traceback"])
        outcome = kernel.run("error(('x'):rep(1e6))")
        assert len("".join(outcome.reply["traceback"])) < 30_000


class TestUpdates:
    def test_a_display_is_replaced(self, kernel: Kernel) -> None:
        outcome = kernel.run("shown = display('first', {1}) shown:update('second', {2, 3})")
        first, second = outcome.of("display_data")
        again, other = outcome.of("update_display_data")
        assert first["transient"] == again["transient"] != second["transient"] == other["transient"]
        assert again["data"]["text/plain"] == "'second'"
        assert "<table" in other["data"]["text/html"]
        assert outcome.result is None
        later = kernel.run("shown:update(1, 2)").of("update_display_data")
        assert [each["transient"] for each in later] == [first["transient"], second["transient"]]

    def test_the_handle_is_not_shown(self, kernel: Kernel) -> None:
        outcome = kernel.run("display('x')")
        assert len(outcome.of("display_data")) == 1
        assert outcome.result is None
        assert kernel.run("display(nil)").of("display_data")[0]["data"]["text/plain"] == "nil"

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("d.update(2)", "update is called with a colon: d:update(value)"),
            ("d:update()", "update takes as many values as display has shown: 1, not 0"),
            ("d:close()", "what display returned has no 'close'"),
            ("d.x = 1", "what display returned has no field 'x' to assign to"),
        ],
    )
    def test_mistakes(self, kernel: Kernel, code: str, message: str) -> None:
        outcome = kernel.run(f"local d = display(1)\n{code}")
        assert f"]:2: {message}" in outcome.reply["evalue"]

    def test_an_update_while_the_cell_waits(self, kernel: Kernel) -> None:
        kernel.run("%%python\nimport asyncio\nlua.nap = lambda: asyncio.sleep(0.02)")
        outcome = kernel.run("local d = display(0) for i = 1, 3 do nap() d:update(i) end")
        assert [each["data"]["text/plain"] for each in outcome.of("update_display_data")] == ["1", "2", "3"]

    @pytest.mark.parametrize(("code", "wait"), [("clear()", False), ("clear(true)", True)])
    def test_clear(self, kernel: Kernel, code: str, wait: bool) -> None:
        outcome = kernel.run(f"print('before') {code} print('after')")
        kinds = [kind for kind, _ in outcome.messages if kind != "execute_input"]
        assert kinds == ["stream", "clear_output", "stream"]
        assert outcome.of("clear_output") == [{"wait": wait}]


def test_a_python_view_keeps_its_whole_bundle(kernel: Kernel) -> None:
    kernel.run(
        "%%python\n"
        "class View:\n"
        "    def _repr_mimebundle_(self, **kwargs):\n"
        "        return {'text/plain': 'p', 'text/html': '<i>', 'application/vnd.own+json': {'a': 1}}, {'own': 2}\n"
        "lua.view = lambda: View()"
    )
    shown = kernel.run("view()").of("execute_result")[0]
    assert shown["data"] == {"text/plain": "p", "text/html": "<i>", "application/vnd.own+json": {"a": 1}}
    assert shown["metadata"] == {"own": 2}
    handle = kernel.run("local d = display(view()) d:update(view())")
    assert handle.of("update_display_data")[0]["data"] == shown["data"]
    assert kernel.run("%%python\ntype(_).__name__").result == "'View'"


def test_data_frames_and_several_python_objects(kernel: Kernel) -> None:
    kernel.run("%%python\nimport pandas\nlua.frame = pandas.DataFrame({'volt': [400, 410]})")
    shown = kernel.run("frame").of("execute_result")[0]["data"]
    assert "volt" in shown["text/plain"]
    assert "<table" in shown["text/html"]
    several = kernel.run("frame, {1}, 'a', nil").of("execute_result")[0]["data"]
    assert several["text/plain"].split("\n")[1:] == ["0   400", "1   410", "{ 1 }", "'a'", "nil"]
    assert shown["text/html"] in several["text/html"]
    assert several["text/html"].count("<details") == 1
    assert kernel.run("display(frame)").of("display_data")[0]["data"] == shown
    assert kernel.run("%%python\nint(frame.volt.sum())").result == "810"


def test_the_same_cell_gives_the_same_output_twice(kernel: Kernel) -> None:
    source = "local t = {} for c in ('wavelength'):gmatch('.') do t[c] = {print, function() end, c} end return t"
    first, second = (kernel.run(source).of("execute_result")[0]["data"] for _ in range(2))
    assert re.sub(r"In\[\d+\]", "", str(first)) == re.sub(r"In\[\d+\]", "", str(second))
    assert "0x" not in str(first)


def test_a_flood_of_output_is_quick_and_few_messages(kernel: Kernel) -> None:
    kernel.run("print('warm')")
    before = float(kernel.run("%%python\nimport time\ntime.process_time()").result or 0)
    begun = time.perf_counter()
    outcome = kernel.run("for i = 1, 50000 do if i % 2 == 0 then print(i) else io.write(i, '\\n') end end")
    elapsed = time.perf_counter() - begun
    used = float(kernel.run("%%python\ntime.process_time()").result or 0) - before
    assert outcome.stdout.split() == [str(i) for i in range(1, 50001)]
    assert len(outcome.of("stream")) <= 20 + 5 * elapsed  # one each 0.2 s, however slow the machine
    assert used < 2
