"""Plug a car in again and again on a testbed, and cut some of the plug-ins at a random frame: `make soak`.

Everything is as with hardware, down to the frame: matching over emulated modems, SDP, TCP, a charge by DC. A plug-in is
cut by taking an interface down, killing or restarting a modem, deafening it, a RST, or silence. Each plug-in, cut or
not, must leave a journal on either side that says how it ended, and the next one must find everything ready. Afterwards
no namespace, process, thread or socket may be left, and memory must not have grown. Needs root.

    python scripts/soak.py [--plug-ins 200] [--cuts 20] [--seed N]

Exit status 0 when all of it held; otherwise what did not is listed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from secc_kernel.commands._testbed import network
from secc_kernel.commands._testbed.bed import Testbed
from secc_kernel.commands._testbed.plan import Plan, parse_profile
from secc_kernel.link.emulator import TRIPS
from secc_kernel.link.live import LiveSession
from secc_kernel.session.journal import Journal
from secc_kernel.session.plug_ins import PlugIn, plug_ins

LINE = {"join_time": 0.1, "loss": 0.0, "duplicates": 0.0, "jitter": 0.0, "attenuation": parse_profile("4-12")}
#: A charge of a few messages: how it ends is what this is about.
VEHICLE = {"soc": 79.99, "target_soc": 80.0, "energy": "DC", "hurry": 20.0}
STATION = {"parameter_time": 0.0, "isolation_time": 0.2, "voltage_rate": 4000.0, "current_rate": 4000.0}
PATIENCE = 60.0
#: Seconds that a car is given to find out by itself that it was cut, before its plug is pulled.
UNTIL_UNPLUGGED = 6.0
#: A station's session, and its journal, are for so many plug-ins.
BLOCK = 10
#: Frames of a host until it is matched, at most.
MATCHING = 60
#: Memory that may come and go: caches fill, and what the interpreter frees is not at once the system's again.
SLACK_KB = 6 * 1024


# -- the station's process --------------------------------------------------------------------------------------------


def station(folder: Path) -> None:
    """Serve vehicles; a new session, with a new journal, for each line that is read."""
    from secc_kernel.link.plc import PlcStation
    from secc_kernel.session.secc import SECC
    from secc_kernel.session.station import Station

    session = None
    for number, line in enumerate(sys.stdin):
        if session is not None:
            session.close()
            session.journal.close()
            session = party = None
            gc.collect()  # what counts is what is kept, not what waits to be collected
        if line.strip() == "end":
            print("ended", flush=True)
            continue
        party = SECC(journal=Journal(folder / f"station-{number:03}.jsonl"), station=Station(**STATION))
        session = LiveSession(PlcStation(party, interface="plc0"))
        _serve(session)
        print("ready", flush=True)


def _serve(session: LiveSession) -> None:
    """Let the autopilot work, as while a cell waits for the end of a session, and again for the next one."""
    session.run_to_end().add_done_callback(lambda done: done.exception() or _serve(session))


class StationProcess:
    """The station's process, from outside."""

    def __init__(self, namespace: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, sys.executable, __file__, "--station", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def tell(self, word: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        if not answer:
            raise SystemExit("the station's process has ended")

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


# -- plug-ins ---------------------------------------------------------------------------------------------------------


@dataclass
class Cut:
    """What happens to a plug-in, whose modem it concerns, and after how many frames of that host."""

    what: str
    host: str
    after: int

    def __str__(self) -> str:
        return f"{self.what} at {self.host} after {self.after} frames"


class Soak:
    """A run of plug-ins."""

    def __init__(self, bed: Testbed, folder: Path, choose: random.Random) -> None:
        self.bed = bed
        self.folder = folder
        self.choose = choose
        self.usual = 0
        self.wrong: list[str] = []
        self.ends: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()

    def frames(self, host: str) -> int:
        count: int = self.bed.line("status")["modems"][host]["frames"]
        return count

    def plug(self, number: int, cut: Cut | None) -> None:
        """One plug-in, from plug to unplug."""
        before = self.frames("car1")
        if cut is not None:
            self.bed.line("trip", host=cut.host, what=cut.what, after=cut.after)
        began = time.monotonic()
        self.bed.car("car1", "plug", **VEHICLE)
        outcome = self._wait(began + (PATIENCE if cut is None else UNTIL_UNPLUGGED))
        answer = self.bed.car("car1", "unplug")
        took = time.monotonic() - began
        for host in ("station", "car1"):
            self.bed.line("modem", host=host, what="on")
        self.usual = self.usual or self.frames("car1") - before
        self._judge(number, cut, outcome, Path(answer["journal"]))
        print(f"{number:4} {took:5.1f} s  {outcome or 'unplugged'}" + (f"  [{cut}]" if cut else ""), flush=True)

    def _wait(self, until: float) -> str:
        while time.monotonic() < until:
            outcome: str = self.bed.car("car1", "status")["outcome"]
            if outcome:
                return outcome
            time.sleep(0.05)
        return ""

    def _judge(self, number: int, cut: Cut | None, outcome: str, path: Path) -> None:
        journal = Journal.load(path)
        found = plug_ins(journal.entries)
        if cut is None and not outcome.startswith("terminated"):
            self.wrong.append(f"plug-in {number} was not cut and ended with {outcome or 'nothing'}: {path}")
        if not _told(found):
            self.wrong.append(f"plug-in {number} ({cut or 'not cut'}): {path} does not say how it ended")
        self.ends.update(f"{plug_in.how.how}: {plug_in.how.why}" for plug_in in found)

    def judge_station(self, path: Path, expected: int, early: int) -> None:
        """The station's journal of a block: each vehicle that came through to it (early cuts may not), and its end."""
        found = plug_ins(Journal.load(path).entries)
        untold = [plug_in for plug_in in found if not _told([plug_in])]
        if untold:
            self.wrong.append(f"{path} does not say how {len(untold)} of {len(found)} plug-ins ended")
        if not expected - early <= len(found) <= expected:
            self.wrong.append(f"{path} tells of {len(found)} plug-ins, not of {expected}")


def _told(found: list[PlugIn]) -> bool:
    return bool(found) and all(plug_in.how.how and plug_in.how.why for plug_in in found)


def measured(processes: dict[str, int]) -> dict[str, dict[str, int]]:
    """Memory, threads and descriptors of processes."""
    return {name: _measure(Path(f"/proc/{pid}")) for name, pid in processes.items()}


def _measure(process: Path) -> dict[str, int]:
    lines = (process / "status").read_text().splitlines()
    kb = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return {"kB": kb, "threads": len([*(process / "task").iterdir()]), "files": len([*(process / "fd").iterdir()])}


def compare(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> Iterator[str]:
    """What has grown."""
    for name, then in before.items():
        now = after[name]
        print(f"{name}: {then} -> {now}")
        if now["kB"] > then["kB"] + SLACK_KB:
            yield f"{name} has grown from {then['kB']} to {now['kB']} kB"
        for what in ("threads", "files"):
            if now[what] > then[what]:
                yield f"{name} has {now[what]} {what}, and had {then[what]}"


# -- a run ------------------------------------------------------------------------------------------------------------


def cuts(plugs: int, wanted: int, usual: int, choose: random.Random) -> dict[int, Cut]:
    """Which plug-ins are cut, and how; each way as often as others.

    Not the first, by which the frames are counted, nor the last: a station that is cut off keeps its half of the
    connection until the next vehicle comes.
    """
    which = sorted(choose.sample(range(2, plugs), wanted))
    ways = [[*TRIPS][number % len(TRIPS)] for number in range(wanted)]
    choose.shuffle(ways)
    return {
        number: Cut(what, choose.choice(("station", "car1")), choose.randrange(usual))
        for number, what in zip(which, ways, strict=True)
    }


def run(arguments: argparse.Namespace) -> int:
    choose = random.Random(arguments.seed)
    name = f"k{os.getpid()}"
    with contextlib.ExitStack() as undo:
        folder = Path(tempfile.mkdtemp(prefix="soak"))
        os.environ["SECC_KERNEL_RUNTIME"] = str(folder / "run")
        undo.callback(Testbed.down, name)
        bed = Testbed(Plan.new(name, 1, LINE, isolated=True, journals=str(folder)))
        bed.up()
        place = StationProcess(f"{name}-station", folder)
        undo.callback(place.end)
        processes = {"station": place.pid, **{what: pid for what, (pid, _) in bed.plan.processes.items()}}
        soak = Soak(bed, folder, choose)
        began = time.monotonic()
        play(soak, place, arguments, processes)
        place.tell("end")
        print(f"{arguments.plug_ins} plug-ins, {arguments.cuts} of them cut, in {time.monotonic() - began:.0f} s")
        for text, count in soak.ends.most_common():
            print(f"{count:5}  {text}")
        place.end()
        Testbed.down(name)
        soak.wrong += left(name, processes)
    if soak.wrong:
        print(f"the journals are in {folder}")
    else:
        shutil.rmtree(folder)
    return report(soak.wrong)


def play(soak: Soak, place: StationProcess, arguments: argparse.Namespace, processes: dict[str, int]) -> None:
    """All plug-ins, the station's session anew after each block."""
    planned: dict[int, Cut] = {}
    before = None
    for first in range(1, arguments.plug_ins + 1, BLOCK):
        block = range(first, min(first + BLOCK, arguments.plug_ins + 1))
        place.tell("session")
        for number in block:
            soak.plug(number, planned.get(number))
            if number == 1:
                planned = cuts(arguments.plug_ins, arguments.cuts, soak.usual, soak.choose)
        if before is None and number >= min(2 * BLOCK, arguments.plug_ins // 2):
            before = measured(processes)
    assert before is not None
    after = measured(processes)
    place.tell("end")
    for path in sorted(soak.folder.glob("station-*.jsonl")):
        first = 1 + BLOCK * int(path.stem[-3:])
        block = range(first, min(first + BLOCK, arguments.plug_ins + 1))
        early = sum(cut.after < MATCHING for number, cut in planned.items() if number in block)
        soak.judge_station(path, len(block), early)
    soak.wrong += compare(before, after)


def left(name: str, processes: dict[str, int]) -> Iterator[str]:
    """What is left after the end."""
    for namespace in network.namespaces():
        if namespace.startswith(f"{name}-"):
            yield f"the namespace {namespace} is left"
    for what, pid in processes.items():
        if Path(f"/proc/{pid}/fd").is_dir():
            yield f"the process of {what} is left"


def report(wrong: list[str]) -> int:
    for text in wrong:
        print(f"WRONG: {text}")
    print("all held" if not wrong else f"{len(wrong)} things did not hold")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plug-ins", type=int, default=200, metavar="N", help="how many plug-ins (200)")
    parser.add_argument("--cuts", type=int, default=20, metavar="N", help="how many of them are cut (20)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="for which, how and when (1)")
    parser.add_argument("--station", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.station is not None:
        station(arguments.station)
        return 0
    if arguments.cuts > max(arguments.plug_ins - 2, 0):
        parser.error("the first and the last plug-in are not cut: there have to be two more plug-ins than cuts")
    if os.geteuid():
        print("needs root, for network namespaces", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
