"""What is left of a kernel: nothing but its journal, however it ends; and kernels beside each other."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from secc_kernel.session.journal import Journal

from .conftest import Kernel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

LISTEN = "Session.Open{link='tcp', host='::1', journal='%s'} Session.Note('open')"
#: Plays the vehicle, so that messages go over a socket.
CHARGE = """%%python
from secc_kernel.link.live import LiveSession
from secc_kernel.link.tcp import TcpVehicle
from secc_kernel.vehicle import SimulatedEV
car = LiveSession(TcpVehicle(SimulatedEV(), host='::1', port=session.link.port), side='EVCC')
car.plug()
end = car.run_to_end()
"""


def free_port_is(port: int) -> bool:
    """Whether somebody else can listen at a port."""
    with contextlib.closing(socket.socket(socket.AF_INET6)) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            one.bind(("::1", port))
            return True
    return False


def processes(group: int) -> list[int]:
    """The processes of a session of processes, as the kernel's own one is."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def within(seconds: float, holds) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For temporary files; nothing may be left in it."""
    found = tmp_path / "temporary"
    found.mkdir()
    return found


@pytest.fixture
def own(folder: Path) -> Iterator[Kernel]:
    kernel = Kernel(env=os.environ | {"TMPDIR": str(folder)})
    yield kernel
    kernel.stop()


def port_of(kernel: Kernel) -> int:
    return int(kernel.run("%%python\nsession.link.port").result or 0)


def pid_of(kernel: Kernel) -> int:
    return int(kernel.run("%%python\nimport os; os.getpid()").result or 0)


@pytest.mark.parametrize("how", ["restart", "shutdown", "kill"])
def test_whatever_ends_a_kernel_its_journal_opens_and_nothing_else_is_left(
    own: Kernel, tmp_path: Path, folder: Path, how: str
) -> None:
    path = tmp_path / "journal.jsonl"
    assert own.run(LISTEN % path).status == "ok"
    port, pid = port_of(own), pid_of(own)
    assert own.run(CHARGE).status == "ok"
    assert own.run("Secc.Receive_SessionSetupReq_001()").status == "ok"
    assert not free_port_is(port)
    own.begin_running("Secc.Receive_CurrentDemandReq_001() while true do end")  # in the middle of something
    if how == "kill":
        os.kill(pid, signal.SIGKILL)
    else:
        own.client.stop_channels()
        getattr(own.manager, f"{how}_kernel")(now=False)
    assert within(20, lambda: not processes(pid))
    assert within(10, lambda: free_port_is(port))
    journal = Journal.load(path)
    assert [frame.name for frame in journal.frames][:4] == [
        "supportedAppProtocolReq", "supportedAppProtocolRes", "SessionSetupReq", "SessionSetupRes",
    ]  # fmt: skip
    if how == "restart":
        own.connect()
        assert own.run(LISTEN % (tmp_path / "second.jsonl")).status == "ok"
        own.client.stop_channels()
        own.manager.shutdown_kernel(now=False)
    assert within(10, lambda: not list(folder.iterdir())), list(folder.iterdir())


def test_sessions_one_after_the_other_leave_no_thread_and_no_file_open(own: Kernel) -> None:
    count = "%%python\nimport os, threading\nlen(os.listdir('/proc/self/fd')), threading.active_count()"
    once = "Session.Open{link='tcp', host='::1'} Session.Close() Secc.Receive_SessionSetupReq_001() Session.Close()"
    assert own.run(once).status == "ok"
    before = own.run(count).result
    for _ in range(5):
        assert own.run(once).status == "ok"
    assert within(5, lambda: own.run(count).result == before), own.run(count).result


def test_two_kernels_side_by_side(own: Kernel) -> None:
    other = Kernel()
    try:
        charge = "local how = Session.RunToEnd()\nreturn how"
        requests = [(kernel, kernel.begin(charge)) for kernel in (own, other)]
        results = [kernel.end(request, 60).result for kernel, request in requests]
        assert results[0] == results[1]
        assert "terminated" in (results[0] or "")
        assert own.run("x = 'own'").status == other.run("x = 'other'").status == "ok"
        request = other.begin_running("while true do end")
        assert own.run("x").result == "'own'"
        other.manager.interrupt_kernel()
        assert other.end(request).status == "error"
        for kernel in (own, other):
            assert kernel.run("Session.Open{link='tcp', host='::1'}").status == "ok"
        assert port_of(own) != port_of(other)
    finally:
        other.stop()


def test_a_front_end_that_comes_back_sees_the_session(own: Kernel, tmp_path: Path) -> None:
    """As a browser whose page is loaded again: other sockets, the same kernel, a cell that still waits."""
    path = tmp_path / "journal.jsonl"
    assert own.run(LISTEN % path).status == "ok"
    own.begin_running("Secc.Receive_SessionSetupReq_001()")  # nobody comes
    own.client.stop_channels()
    again = own.manager.client()
    again.start_channels()
    try:
        control = again.session.msg("kernel_info_request", {})
        again.control_channel.send(control)
        banner = again.get_control_msg(timeout=20)["content"]["banner"]
        assert re.search(r"link +tcp", banner)
        assert str(path) in banner
    finally:
        again.stop_channels()
    own.manager.interrupt_kernel()
    own.connect()
    assert own.run("Session.Status().link").result == "'tcp'"
