"""A cell that reaches the limit of time is stopped as by an interrupt, and told so."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from secc_kernel.kernel.limits import Watch, default_timeout
from secc_kernel.lua import LuaEngine

from .conftest import Kernel


@pytest.fixture
def limited(kernel: Kernel) -> Kernel:
    assert kernel.run("%config SeccKernel.cell_timeout = 1").status == "ok"
    return kernel


CELLS = {
    "loop": "while true do pcall(function() while true do end end) end",
    "wait": "Session.Open{link = 'tcp'} Secc.Receive_SessionSetupReq_001()",
    "blocked": "blocked()",
    "inside of a magic": "%%capture\nwhile true do end",
}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_lua_cell(limited: Kernel, cell: str) -> None:
    limited.run("%%python\nimport time\nget_ipython().kernel.host.engine.define('blocked', lambda: time.sleep(60))")
    outcome = limited.run(cell)
    if cell.startswith("%%"):
        assert "stopped after 1 s" in str(outcome.reply) + outcome.stderr + str(outcome.messages)
    else:
        assert outcome.reply["ename"] == "CellLimit"
        assert "stopped after 1 s, the time limit of a cell" in outcome.reply["evalue"]
        assert "%config SeccKernel.cell_timeout = 0" in "".join(outcome.reply["traceback"])
    assert limited.run("local s = 0 for i = 1, 1e6 do s = s + i end return s").result == "500000500000"
    limited.run("Session.Close()")


@pytest.mark.parametrize("cell", ["while True: pass", "import asyncio\nawait asyncio.sleep(60)"])
def test_a_python_cell(limited: Kernel, cell: str) -> None:
    outcome = limited.run("%%python\n" + cell)
    assert outcome.reply["ename"] in ("KeyboardInterrupt", "CancelledError")
    assert "stopped after 1 s" in outcome.stderr


def test_the_error_says_where(limited: Kernel) -> None:
    outcome = limited.run("local n = 0\n\nwhile true do n = n + 1 end")
    assert outcome.reply["evalue"].startswith(f"In[{outcome.reply['execution_count']}]:3: stopped")


def test_lifted(limited: Kernel) -> None:
    limited.run("%config SeccKernel.cell_timeout = 0")
    assert limited.run("%config SeccKernel.cell_timeout").result == "0.0"
    assert limited.run("%%python\nimport time\ntime.sleep(1.3)\n1").status == "ok"


def test_a_negative_limit_is_refused(kernel: Kernel) -> None:
    outcome = kernel.run("%config SeccKernel.cell_timeout = -1")
    assert outcome.status == "error" or "cell_timeout" in outcome.stderr


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, 7.0), ("", 7.0), ("0", 0.0), ("2.5", 2.5), ("x", 7.0), ("-1", 7.0), ("inf", 7.0), ("nan", 7.0)],
)
def test_the_environment(value: str | None, seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    assert default_timeout({} if value is None else {"SECC_CELL_TIMEOUT": value}, 7.0) == seconds
    assert ("SECC_CELL_TIMEOUT" in capsys.readouterr().err) == (seconds == 7.0 and bool(value))


def test_no_limit_costs_no_thread() -> None:
    watch = Watch(LuaEngine())
    with watch.cell():
        assert not any(thread.name == "cell limits" for thread in threading.enumerate())


STUCK = """
from secc_kernel.kernel.limits import Watch
from secc_kernel.lua import LuaEngine, interrupt

interrupt.STUCK = 0.2
engine = LuaEngine()
watch = Watch(engine)
watch.seconds, watch.patience = 0.2, 0.2
with watch.cell():
    # Each __call is looked up in C, and each look moves all arguments on: hours, before the stack is full.
    engine.run("local t = setmetatable({}, {}) getmetatable(t).__call = t return t()", "In[1]")
"""


def test_what_cannot_be_stopped_ends_the_process_where_it_must_not_be() -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", STUCK], env=environment, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"The kernel ends itself" in done.stderr


def test_a_cell_that_cannot_be_stopped_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    engine = LuaEngine()
    Watch(engine)
    assert engine.interrupts.on_stuck is not None
    engine.interrupts.on_stuck()
    assert "restart the kernel" in capsys.readouterr().err
