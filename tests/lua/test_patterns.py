"""Lua's patterns once more, in Lua: the same results as the original's, and quick limits that hold."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
from lupa import lua54

import secc_kernel.lua
from secc_kernel.lua import LuaEngine

from .conftest import interrupted, send_signal

SOURCE = Path(secc_kernel.lua.__file__).with_name("patterns.lua").read_bytes()

#: Calls a function of both libraries; gives all that can be seen of it, as text.
BOTH = b"""
local own = ...
local function seen(ok, ...)
  local parts = { tostring(ok) }
  for i = 1, select("#", ...) do
    local value = (select(i, ...))
    parts[#parts + 1] = type(value) .. " " .. tostring(value)
  end
  return (table.concat(parts, ", "):gsub("%[string.-%]:%d+: ", ""))
end
local function collect(iterator)
  local found = {}
  for a, b in iterator do
    found[#found + 1] = tostring(a) .. "/" .. tostring(b)
    if #found > 100 then break end
  end
  return table.concat(found, " ")
end
local function call(library, name, s, pattern, extra)
  if name == "gmatch" then return seen(pcall(function() return collect(library.gmatch(s, pattern)) end)) end
  return seen(pcall(library[name], s, pattern, extra))
end
return function(...) return call(string, ...), call(own, ...) end
"""


@pytest.fixture(scope="module")
def runtime() -> Any:
    return lua54.LuaRuntime(encoding=None)


@pytest.fixture(scope="module")
def own(runtime: Any) -> Any:
    return runtime.execute(SOURCE)


@pytest.fixture(scope="module")
def both(runtime: Any, own: Any) -> Any:
    return runtime.execute(BOTH, own)


ATOMS = [b"a", b"b", b".", b"%a", b"%d", b"%s", b"[ab]", b"[^a]", b"[a-c%d]", b"%w", b"x", b"%.", b"[]]", b"[^]]", b"-"]
PARTS = [b"(", b"(", b")", b")", b"()", b"%bab", b"%bxx", b"%f[%w]", b"%f[^a]", b"%0", b"%1", b"%2", b"$", b"^"]
BROKEN = [b"%", b"[", b"[a", b"%f", b"%b", b"%ba", b")"]
REPLACEMENTS = [b"<%0>", b"%1", b"%%", b"", b"%2%1", b"%x", b"z%"]


def random_pattern(choose: random.Random) -> bytes:
    parts = [b"^"] if choose.random() < 0.2 else []
    for _ in range(choose.randint(0, 6)):
        kind = choose.random()
        if kind < 0.25:
            parts.append(choose.choice(PARTS))
        elif kind < 0.27:
            parts.append(choose.choice(BROKEN))
        else:
            parts.append(choose.choice(ATOMS) + choose.choice([b"", b"", b"*", b"+", b"-", b"?"]))
    open_ = sum(part == b"(" for part in parts) - sum(part == b")" for part in parts)
    parts += [b")"] * max(0, open_)
    return b"".join(parts) + choose.choice([b"", b"", b"", b"$"])


@pytest.mark.parametrize("seed", range(4))
def test_as_the_original(both: Any, runtime: Any, seed: int) -> None:
    choose = random.Random(seed)
    made = runtime.eval(b"{a = 'A', b = 2, x = false, [1] = 'one'}")
    computed = runtime.eval(b"function(a, b) if a ~= 'a' then return tostring(b) end end")
    wrong = runtime.eval(b"function() return {} end")
    for _ in range(5000):
        subject = bytes(choose.choice(b"aabbxc1 .()]-\x00\xff") for _ in range(choose.randint(0, 12)))
        pattern = random_pattern(choose)
        name = choose.choice([b"find", b"match", b"gmatch", b"gsub"])
        extra: Any = choose.choice([None, 1, 2, -2, 0, 50])
        if name == b"gsub":
            extra = choose.choice([*REPLACEMENTS, made, computed, wrong])
        if name == b"find" and not set(b"^$*+?.([%-") & set(pattern):
            continue  # the original does not take it for a pattern
        one, other = both(name, subject, pattern, extra)
        assert one == other, (name, subject, pattern, extra)


SLOW = [
    "x*x*x*y",
    "^x*x*y",
    "(.-)%s*$y",
    ".-.-y",
    "x?" * 12 + "x" * 12 + "y",
    "%b()",
    "x*y",
    "^(%w+)%s*=%s*(%w+)$",
    "(x*)%1y",
]


@pytest.mark.parametrize("pattern", SLOW)
def test_the_original_is_quick_up_to_the_limit(runtime: Any, own: Any, pattern: str) -> None:
    find = runtime.eval(b"function(s, p) local begun = os.clock() string.find(s, p) return os.clock() - begun end")
    longest = min(own[b"limit"](pattern.encode()), 1_000_000)
    for character in b"x (":
        assert find(bytes([character]) * longest, pattern.encode()) < 2.0


@pytest.mark.parametrize(
    ("pattern", "at_least"), [("%d+", 5000), ("^(%w+)%s*=%s*(%w+)$", 1_000_000), ("hello", 1_000_000), ("a?b", 1000)]
)
def test_usual_patterns_are_left_to_the_original(own: Any, pattern: str, at_least: int) -> None:
    assert own[b"limit"](pattern.encode()) >= at_least


CATASTROPHES = {
    "find": "('x'):rep(2000):find('x*x*x*x*x*y')",
    "match": "('x'):rep(30):match(('x?'):rep(30) .. ('x'):rep(31))",
    "gmatch": "for _ in ('x'):rep(2000):gmatch('x*x*x*x*x*y') do end",
    "gsub": "('x'):rep(2000):gsub('x*x*x*x*x*y', '')",
    "gsub with a function": "('x'):rep(2000):gsub('x*x*x*x*x*y', function() end)",
    "balance": "('('):rep(1000000):find('%b()')",
    "plain": "('x'):rep(20000000):find(('x'):rep(10000000) .. 'y', 1, true)",
    "text": "('x'):rep(20000000):find(('x'):rep(10000000) .. 'y')",
    "pcall": "while true do pcall(string.find, ('x'):rep(2000), 'x*x*x*x*x*y') end",
}


@pytest.mark.parametrize("source", CATASTROPHES.values(), ids=CATASTROPHES)
def test_a_catastrophe_can_be_interrupted(engine: LuaEngine, run: Any, source: str) -> None:
    begun = time.process_time()
    interrupted(engine, run, source, send_signal)
    assert time.process_time() - begun < 3.0
    assert run(engine, "1 + 1") == (2,)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("local s = ('x'):rep(9000)\ns:find('x*x*[')", "In[1]:2: malformed pattern (missing ']')"),
        ("local s = ('x'):rep(9000)\ns:gsub('x*x*', '%9')", "In[1]:2: invalid capture index %9"),
        ("local s = ('x'):rep(9000)\ns:gsub('x*x*', {})\ns:gsub('x*x*', true)", "In[1]:3: bad argument #3 to 'gsub'"),
        ("('x'):find('[')", "In[1]:1: malformed pattern (missing ']')"),
        ("local ok, text = pcall(string.rep, 'x', -1, {})\nerror(text, 0)", "bad argument #3 to 'rep'"),
    ],
)
def test_errors_have_the_place_of_the_call(engine: LuaEngine, run: Any, source: str, message: str) -> None:
    with pytest.raises(secc_kernel.lua.LuaError) as caught:
        run(engine, source)
    assert str(caught.value).startswith(message) or message in str(caught.value)
    assert "[secc]" not in str(caught.value)


def test_an_interrupt_in_a_callback_says_where(engine: LuaEngine, run: Any) -> None:
    engine.define("stop", engine.interrupt)
    with pytest.raises(secc_kernel.lua.LuaInterrupted) as caught:
        run(engine, "local s = ('x'):rep(9000)\ns:gsub('x*x*', function()\n  stop()\nend)")
    assert str(caught.value) == "interrupted in In[1]:3"
