from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from secc_kernel.lua import LuaEngine, LuaInterrupted


class Output:
    """A stream that remembers what was written, and in how many pieces."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces.append(text)
        return len(text)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@pytest.fixture
def stdout() -> Output:
    return Output()


@pytest.fixture
def stderr() -> Output:
    return Output()


@pytest.fixture
def engine(stdout: Output, stderr: Output) -> LuaEngine:
    return LuaEngine(stdout=stdout, stderr=stderr)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def _run_cell(engine: LuaEngine, source: str, name: str = "In[1]") -> tuple[Any, ...]:
    async def cell() -> tuple[Any, ...]:
        with engine.interrupts.installed():
            return await engine.run_cell(source, name)

    return asyncio.run(cell())


def _run_script(engine: LuaEngine, source: str, name: str = "In[1]") -> tuple[Any, ...]:
    return engine.run(source, name)


def interrupted(engine: LuaEngine, run: Callable[..., Any], source: str, stop: Callable[[], object]) -> float:
    """Run the source and stop it a moment after it has begun; gives the seconds from there to its end."""
    asked = [0.0]

    def ask() -> None:
        asked[0] = time.perf_counter()
        stop()

    engine.define("begun", lambda: threading.Timer(0.03, ask).start())
    with pytest.raises(LuaInterrupted):
        run(engine, f"begun(); {source}")
    return time.perf_counter() - asked[0]


def send_signal() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(params=[_run_cell, _run_script], ids=["cell", "script"])
def run(request: pytest.FixtureRequest) -> Iterator[Callable[..., tuple[Any, ...]]]:
    """Runs a source in an engine, as a cell on an event loop and as a script that blocks."""
    before = signal.getsignal(signal.SIGINT)
    yield request.param
    assert signal.getsignal(signal.SIGINT) is before
