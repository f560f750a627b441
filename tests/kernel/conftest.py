from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from secc_kernel.kernel import spec

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def kernelspec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kernelspecs, installed into a prefix of their own where jupyter_client finds them; that of ``secc``."""
    prefix = tmp_path_factory.mktemp("prefix")
    patch = pytest.MonkeyPatch()
    patch.setenv("JUPYTER_PATH", str(prefix / "share" / "jupyter"))
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])))
    patch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
    spec.install(prefix=str(prefix), name=spec.SAFE)
    yield Path(spec.install(prefix=str(prefix)))
    patch.undo()


@dataclass
class Outcome:
    """What came back for one request."""

    reply: dict[str, Any]
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    seconds: float = 0.0

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [content for name, content in self.messages if name == kind]

    @property
    def status(self) -> str:
        return str(self.reply["status"])

    @property
    def stdout(self) -> str:
        return "".join(content["text"] for content in self.of("stream") if content["name"] == "stdout")

    @property
    def stderr(self) -> str:
        return "".join(content["text"] for content in self.of("stream") if content["name"] == "stderr")

    @property
    def result(self) -> str | None:
        found = self.of("execute_result")
        return found[0]["data"]["text/plain"] if found else None


class Kernel:
    """A running kernel and a client, as a front end has them."""

    def __init__(self, name: str = spec.NAME, **start: Any) -> None:
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel(**start)
        self.connect()

    def connect(self) -> None:
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.drain()

    def drain(self) -> None:
        """Forget answers to the questions whether the kernel is ready."""
        for get in (self.client.get_shell_msg, self.client.get_iopub_msg, self.client.get_control_msg):
            while True:
                try:
                    get(timeout=0.1)
                except queue.Empty:
                    break

    def begin(self, code: str, **options: Any) -> str:
        return str(self.client.execute(code, **options))

    def begin_running(self, code: str, **options: Any) -> str:
        """As `begin`; returns when the kernel runs the cell."""
        request = self.begin(code, **options)
        while True:
            message = self.client.get_iopub_msg(timeout=20)
            if message["parent_header"].get("msg_id") == request and message["msg_type"] == "execute_input":
                # What follows before the cell itself takes some milliseconds.
                time.sleep(0.1)
                return request

    def end(self, request: str, timeout: float = 20) -> Outcome:
        """Collect what belongs to a request, up to the kernel's being idle again and the reply."""
        begun = time.perf_counter()
        outcome = Outcome({})
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status":
                if message["content"]["execution_state"] == "idle":
                    break
            else:
                outcome.messages.append((message["msg_type"], message["content"]))
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == request:
                outcome.reply = reply["content"]
                outcome.seconds = time.perf_counter() - begun
                return outcome

    def run(self, code: str, **options: Any) -> Outcome:
        return self.end(self.begin(code, **options))

    def ask(self, request: str, timeout: float = 20) -> dict[str, Any]:
        """The reply to a request that has been sent on the shell channel."""
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == request:
                return dict(reply["content"])

    def send(self, channel: str, kind: str, content: dict[str, Any] | None = None) -> str:
        message = self.client.session.msg(kind, content or {})
        getattr(self.client, f"{channel}_channel").send(message)
        return str(message["header"]["msg_id"])

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture(scope="module")
def running() -> Iterator[Kernel]:
    """One kernel for the tests of a module: a start takes most of a second."""
    kernel = Kernel()
    yield kernel
    kernel.stop()


@pytest.fixture
def kernel(running: Kernel) -> Iterator[Kernel]:
    """The module's kernel; it has to work after each test, whatever the test did to it."""
    yield running
    assert running.run("1 + 1").result == "2"
