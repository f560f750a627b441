from __future__ import annotations

import pytest

from secc_kernel.lua.source import last_expression, strip_prefix, tokens, top_level_locals


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("x=1 -- note\ny", ["x", "=", "1", "y"]),
        ("s = [[ a ]] .. [==[ ]] ]==]", ["s", "=", "[[ a ]]", "..", "[==[ ]] ]==]"]),
        ("--[[ long\ncomment ]] f('a\\'b')", ["f", "(", "'a\\'b'", ")"]),
        ("0x1F, 1e-3, .5, a..b", ["0x1F", ",", "1e-3", ",", ".5", ",", "a", "..", "b"]),
        ("a//b::c::", ["a", "//", "b", "::", "c", "::"]),
        ("[[ never closed", ["[[ never closed"]),
    ],
)
def test_tokens(source: str, texts: list[str]) -> None:
    assert [token.text for token in tokens(source)] == texts


@pytest.mark.parametrize(
    ("source", "is_valid", "expression"),
    [
        ("x = 5\nx + 1", False, "x + 1"),
        ("x = 5\n42", False, "42"),
        ("x = 5\n'text'", False, "'text'"),
        ("x = 5\n#t", False, "#t"),
        ("x = 5\nnot x", False, "not x"),
        ("f() g(1,\n 2)", True, "g(1,\n 2)"),
        ("x = 5; {1, 2}", False, "{1, 2}"),
        ("local function f() return 1 end\nf()", True, "f()"),
        ("function f() end function(x) return x end", False, "function(x) return x end"),
        ("if a then b() elseif c then d() else e() end f(function() end)", True, "f(function() end)"),
        ("x = 1 y", False, "y"),
    ],
)
def test_last_expression(source: str, is_valid: bool, expression: str) -> None:
    cut = last_expression(source, is_valid)
    assert cut is not None
    assert source[cut:] == expression


@pytest.mark.parametrize(
    ("source", "is_valid"),
    [
        ("a = b\n(c or d)(e)", True),  # one statement: a = b(c or d)(e)
        ("a = b\n-c", True),
        ("a = f\n'text'", True),
        ("local x = 1", True),
        ("for i = 1, 3 do f(i) end", True),
        ("end", False),
    ],
)
def test_no_last_expression_where_lua_reads_on(source: str, is_valid: bool) -> None:
    cut = last_expression(source, is_valid)
    # Where there is a candidate after all, it is no expression: the compiler will refuse it.
    assert cut is None or "=" in source[cut:] or source[cut:].endswith("end")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("local a, b = 1, 2", {"a", "b"}),
        ("local x <const>, y <close> = 1, 2", {"x", "y"}),
        ("local function f() local inner = 1 end", {"f"}),
        ("do local hidden = 1 end local seen", {"seen"}),
        ("if a then local hidden = 1 elseif b then local too = 2 else local three end local seen = {x = 1}", {"seen"}),
        ("for i = 1, 2 do local hidden end while a do local hidden end repeat local hidden until x", set()),
        ("x = 'local y'  -- local z", set()),
        ("local t = { f = function() local hidden end }", {"t"}),
    ],
)
def test_top_level_locals(source: str, names: set[str]) -> None:
    assert top_level_locals(source) == names


@pytest.mark.parametrize(
    ("source", "stripped"),
    [
        ("\ufeffx", "x"),
        ("#!/usr/bin/lua\nx", "\nx"),
        ("=x", "x"),
        ("\n  = x", "\n   x"),
        ("== x", "== x"),
    ],
)
def test_strip_prefix(source: str, stripped: str) -> None:
    assert strip_prefix(source) == stripped
