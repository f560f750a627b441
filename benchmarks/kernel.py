"""How quick the kernel is, beside others in the same run: part of `make bench`.

Start to first idle, `x=1` in a running kernel, 50,000 prints, and a tight loop, each beside ipykernel or the bare Lua
of lupa; and beside ILua and xeus-python where `make bench` could install them (.venv-peer-kernels). The kernels take
turns, so that whatever else the machine does meets all of them alike: medians with the middle half of the values
behind them, the minimum, the processor time of the process, and the ratio to what the goal compares with. Nothing here
passes or fails.

    python benchmarks/kernel.py [--runs N]
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from lupa import lua54

ROOT = Path(__file__).resolve().parent.parent
PEERS = Path(os.environ.get("SECC_KERNEL_PEER_KERNELS", ROOT / ".venv-peer-kernels"))
#: Cells of `x=1` that one started kernel is asked to run, after as many that are not counted.
CELLS = 40
PRINTS = 50_000
#: Seconds that a kernel has for what it does when the first cell has run.
SETTLE = 1.0
LOOP = "local s = 0 for i = 1, 10000000 do s = s + i % 7 end"
OURS, PLAIN, BARE = "secc", "ipykernel", "bare lupa"


@dataclass
class Peer:
    """A kernel to measure.

    Attributes
    ----------
    argv : list of str
        Starts it.
    prints : str
        A cell that prints many lines. Empty for kernels that send each line as a message of its own: the channel drops
        what a client is too slow for, so they lose thousands of lines, and now and then the message that they are done.
    """

    argv: list[str]
    prints: str = ""


def peers() -> dict[str, Peer]:
    """The kernels that are here, ours first."""
    connection = ["-f", "{connection_file}"]
    found = {
        OURS: Peer([sys.executable, "-m", "secc_kernel.kernel", *connection], f"for i = 1, {PRINTS} do print(i) end"),
        PLAIN: Peer([sys.executable, "-m", "ipykernel_launcher", *connection], f"for i in range({PRINTS}): print(i)"),
    }
    theirs = str(PEERS / "bin" / "python")
    if (PEERS / "share/jupyter/kernels/lua").is_dir() and shutil.which("lua"):
        found["ILua"] = Peer([theirs, "-m", "ilua.app", "-c", "{connection_file}"])
    if (PEERS / "share/jupyter/kernels/xpython").is_dir():
        found["xeus-python"] = Peer([theirs, "-m", "xpython_launcher", *connection])
    return found


@dataclass
class Times:
    """What was measured of one thing, in seconds."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


Table = dict[str, dict[str, Times]]


class Kernel:
    """A kernel that has just been started, and its client."""

    def __init__(self, name: str, peer: Peer) -> None:
        self._manager = KernelManager()
        self._manager._kernel_spec = KernelSpec(argv=peer.argv, display_name=name, language="")
        begun = time.perf_counter()
        # What they warn of at the start (unencrypted ports) is not for here.
        self._manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = self._manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.ready = time.perf_counter() - begun
        self.ready_processor = self.processor()

    def processor(self) -> float:
        """Seconds of processor time so far, without those of child processes; 0 where there is no /proc."""
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{self._manager.provisioner.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def run(self, code: str) -> tuple[float, list[dict[str, Any]]]:
        """Run a cell: seconds from the request to idle, and what came meanwhile."""
        begun = time.perf_counter()
        request = self.client.execute(code)
        came = []
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            came.append(message)
        seconds = time.perf_counter() - begun
        while (reply := self.client.get_shell_msg(timeout=120))["parent_header"].get("msg_id") != request:
            pass
        if reply["content"]["status"] != "ok":
            raise SystemExit(f"{code!r} failed: {reply['content']}")
        return seconds, came

    def stop(self) -> None:
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()


@contextlib.contextmanager
def started(name: str, peer: Peer) -> Iterator[Kernel]:
    """A kernel, started and in the end stopped."""
    kernel = Kernel(name, peer)
    try:
        yield kernel
    finally:
        kernel.stop()


def printed(came: list[dict[str, Any]]) -> str:
    """What a cell printed."""
    return "".join(message["content"]["text"] for message in came if message["msg_type"] == "stream")


def loop_here() -> float:
    """Processor seconds of the loop in a Lua that nobody watches."""
    runtime = lua54.LuaRuntime()
    begun = time.process_time()
    runtime.execute(LOOP)
    return time.process_time() - begun


def note(table: Table, what: str, name: str, wall: float, processor: float = 0.0) -> None:
    """Add a value to the table."""
    times = table.setdefault(what, {}).setdefault(name, Times())
    times.wall.append(wall)
    if processor:
        times.processor.append(processor)


def measure_once(here: dict[str, Peer], table: Table) -> None:
    """Start each kernel, then let all of them run in turn what is measured in a running one."""
    with contextlib.ExitStack() as stack:
        running: dict[str, Kernel] = {}
        for name, peer in here.items():
            kernel = running[name] = stack.enter_context(started(name, peer))
            note(table, "start to first idle", name, kernel.ready, kernel.ready_processor)
            note(table, "its first cell", name, kernel.run("x=1")[0])
            time.sleep(SETTLE)  # what a kernel does when it has started must not be counted for the next
        before = {}
        for count in range(2 * CELLS):
            for name, kernel in running.items():
                if count == CELLS:
                    before[name] = kernel.processor()
                seconds = kernel.run("x=1")[0]
                if count >= CELLS:
                    note(table, "x=1", name, seconds)
        for name, kernel in running.items():
            table["x=1"][name].processor.append((kernel.processor() - before[name]) / CELLS)
        for name, peer in here.items():
            if peer.prints:
                measure_prints(running[name], name, peer, table)
        measure_loop(running[OURS], table)


def measure_prints(kernel: Kernel, name: str, peer: Peer, table: Table) -> None:
    """Many prints; every line has to arrive."""
    before = kernel.processor()
    seconds, came = kernel.run(peer.prints)
    note(table, f"{PRINTS} prints", name, seconds, kernel.processor() - before)
    arrived = printed(came).count("\n")
    if arrived != PRINTS:
        raise SystemExit(f"{name}: {PRINTS - arrived} of {PRINTS} lines were lost")


def measure_loop(kernel: Kernel, table: Table) -> None:
    """The loop in the kernel and in bare Lua, in turn; of each the time that its own process took."""
    timed = f"local t = os.clock() {LOOP} print(os.clock() - t)"
    rows = table.setdefault("tight loop", {OURS: Times(), BARE: Times()})
    for _ in range(3):
        rows[OURS].wall.append(float(printed(kernel.run(timed)[1])))
        rows[BARE].wall.append(loop_here())


#: What is measured, what it is compared with, and the goal: a ratio of medians, or seconds.
GOALS: dict[str, tuple[str | None, float]] = {
    "start to first idle": (PLAIN, 1.15),
    "x=1": (PLAIN, 1.3),
    f"{PRINTS} prints": (None, 1.0),
    "tight loop": (BARE, 3.0),
}


def scaled(seconds: float) -> str:
    """Seconds, readable."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def report(table: Table) -> None:
    """Print the table, the goals beside it."""
    for what, rows in table.items():
        reference, goal = GOALS.get(what, (PLAIN, 0.0))
        aim = "" if not goal else f", goal {goal:g} x {reference}" if reference else f", goal {scaled(goal)}"
        print(f"\n{what}{aim}")
        for name, times in rows.items():
            low, median, high = statistics.quantiles(times.wall, n=4) if len(times.wall) > 1 else times.wall * 3
            line = (
                f"  {name:<12} {scaled(median):>9}  ({scaled(low)} to {scaled(high)}, best {scaled(min(times.wall))})"
            )
            if times.processor:
                line += f"  processor {scaled(statistics.median(times.processor))}"
            if reference and name != reference and name == OURS:
                other = rows[reference]
                ratio = median / statistics.median(other.wall)
                line += f"  {ratio:.2f} x {reference} (best {min(times.wall) / min(other.wall):.2f}"
                if times.processor:
                    line += f", processor {statistics.median(times.processor) / statistics.median(other.processor):.2f}"
                line += ")"
            print(line)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="starts of each kernel (7)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        # Of nobody's settings and history; ILua does not make the runtime folder itself.
        os.environ.update(IPYTHONDIR=folder, JUPYTER_RUNTIME_DIR=str(Path(folder, "runtime")))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        Path(folder, "runtime").mkdir()
        # As pip installs a package: compiled, which an editable one need not be.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        compileall.compile_dir(ROOT / "secc_kernel", quiet=1)
        table: Table = {}
        here = peers()
        for _ in range(runs):
            measure_once(here, table)
    report(table)


if __name__ == "__main__":
    main()
