"""How quick a station answers: part of `make bench`.

A station and a vehicle at the two ends of a veth pair, each in a network namespace of its own. The vehicle is the same
for all stations: the simulated one, which asks its next question as soon as it has the answer, without the pauses of a
real car. Measured at its socket: from the last byte of CurrentDemandReq handed to the system to the first byte of the
response that the system hands out, so both ways through the system are part of it. The stations: ours with a Lua script
that answers each request itself, ours with the autopilot, and the one of PyPI's iso15118 (with its EXI codec in Java),
where .venv-peer has it. They take turns, so that whatever else the machine does meets all of them alike. Nothing here
passes or fails; the goal is a median below 5 ms, and 99 of 100 below 20 ms.

Needs root, and iproute2.

    python benchmarks/turnaround.py [--requests N] [--turns N]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from secc_kernel.link.net import Interface, sdp_client_socket
from secc_kernel.session.events import Close, Connect, SendData, SendDatagram
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire import sdp

ROOT = Path(__file__).resolve().parent.parent
PEER = Path(os.environ.get("SECC_KERNEL_PEER_PYTHON", ROOT / ".venv-peer" / "bin" / "python"))
PEER_STATION = ROOT / "tests" / "support" / "peer_secc.py"
#: Requests that are not counted: the first ones find cold caches.
COLD = 10
PATIENCE = 60.0
#: Seconds of charging after which a slow station has answered enough.
ENOUGH = 20.0
MEASURED = "CurrentDemandReq"

SCRIPT = """
local demanded = 0
while true do
  Secc.Receive_CurrentDemandReq_001()
  local amperes = Secc.Get_CurrentDemandReq_EVTargetCurrent_Value()
  Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Multiplier(Secc.Get_CurrentDemandReq_EVTargetCurrent_Multiplier())
  Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Unit(UnitSymbolType.Unit_A)
  Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Value(amperes)
  Secc.Send_CurrentDemandRes_001()
  demanded = demanded + 1
end
"""
AUTOPILOT = "Session.RunToEnd()"
OURS, PILOT, PYPI = "secc-kernel, Lua script", "secc-kernel, autopilot", "iso15118 of PyPI"


# -- the vehicle ------------------------------------------------------------------------------------------------------


class Vehicle:
    """The simulated vehicle at a blocking socket; its clock is ahead by the pauses that it leaves out."""

    def __init__(self, interface: str, requests: int) -> None:
        self._interface = Interface(interface)
        self._requests = requests
        self._party = SimulatedEV("compact", soc=20.0, target_soc=99.0, energy="DC", protocols=("iso2",), patient=True)
        self._skipped = 0.0
        self._tcp: socket.socket | None = None
        self.times: list[float] = []

    def _now(self) -> float:
        return time.monotonic() + self._skipped

    def drive(self) -> list[float]:
        """Charge until so many requests were answered; gives the seconds of each, without the cold ones."""
        self._party.start(self._now())
        until = time.monotonic() + PATIENCE
        while len(self.times) < self._requests + COLD and not (len(self.times) > COLD and sum(self.times) > ENOUGH):
            if self._party.ended is not None:
                raise SystemExit(f"the session ended early: {self._party.ended.reason}")
            if time.monotonic() > until:
                raise SystemExit(f"only {len(self.times)} answers within {PATIENCE:g} s")
            self._party.events()
            outputs = self._party.outgoing()
            for output in outputs:
                self._do(output)
            if not outputs:
                self._skip()
        if self._tcp is not None:
            self._tcp.close()
        return self.times[COLD:]

    def _skip(self) -> None:
        """Nothing to send: let the autopilot act, and time jump to whatever it waits for."""
        if self._party.turn is not None:
            self._party.take_turn(self._now())
        due = self._party.next_deadline()
        if due is not None:
            pause = max(due - self._now(), 0.0)
            if self.times:
                self._skipped += pause
            else:
                time.sleep(pause)  # a station takes its time for isolation and precharge
            self._party.advance(self._now())

    def _do(self, output: object) -> None:
        if isinstance(output, SendDatagram):
            self._discover(output.data)
        elif isinstance(output, Connect):
            address = (output.address, output.port, 0, self._interface.index)
            self._tcp = self._connected(address)
            self._party.connected(address, self._now(), self._tcp.getsockname())
        elif isinstance(output, SendData):
            self._exchange(output.data)
        else:
            assert isinstance(output, Close)

    def _connected(self, address: tuple[str, int, int, int]) -> socket.socket:
        made = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.settimeout(PATIENCE)
        made.connect(address)
        return made

    def _discover(self, request: bytes) -> None:
        with sdp_client_socket(self._interface) as asked:
            asked.settimeout(0.5)
            asyncio.run(self._interface.find_address())
            for _ in range(40):
                with contextlib.suppress(TimeoutError):
                    asked.sendto(request, (str(sdp.MULTICAST_ADDRESS), sdp.SERVER_PORT, 0, self._interface.index))
                    answer, sender = asked.recvfrom(100)
                    self._party.receive_datagram(answer, sender, self._now())
                    return
        raise SystemExit("no station answers SDP requests")

    def _exchange(self, data: bytes) -> None:
        """Send a request and take its whole answer; the time of the first byte is what counts."""
        assert self._tcp is not None
        waiting, now = self._party.awaiting, self._now()
        self._tcp.sendall(data)
        sent = time.perf_counter()
        answer = self._tcp.recv(65536)
        took = time.perf_counter() - sent
        if not answer:
            raise SystemExit("the station has closed the connection")
        if waiting is not None and waiting.name == MEASURED:
            self.times.append(took)
        while len(answer) < 8 or len(answer) < 8 + int.from_bytes(answer[4:8], "big"):
            answer += self._tcp.recv(65536)
        self._skipped -= self._now() - now  # a slow station is measured, not left
        self._party.receive_data(answer, now)


# -- the cable --------------------------------------------------------------------------------------------------------


def ip(*arguments: str) -> None:
    """Run ``ip``."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextlib.contextmanager
def cable() -> Iterator[dict[str, tuple[str, str]]]:
    """Two namespaces with a veth pair between; gives namespace and interface of either end."""
    ends = {end: (f"bench{os.getpid()}{end}", f"bench{end}") for end in ("secc", "evcc")}
    with contextlib.ExitStack() as undo:
        for space, _ in ends.values():
            ip("netns", "add", space)
            undo.callback(ip, "netns", "del", space)
        (near_space, near), (far_space, far) = ends.values()
        ip("link", "add", near, "netns", near_space, "type", "veth", "peer", "name", far, "netns", far_space)
        for space, interface in ends.values():
            ip("-n", space, "link", "set", "lo", "up")
            setting = f"net.ipv6.conf.{interface}.accept_dad=0"
            subprocess.run(["ip", "netns", "exec", space, "sysctl", "-qw", setting], check=True)
            ip("-n", space, "link", "set", interface, "up")
        yield ends


# -- the stations -----------------------------------------------------------------------------------------------------


def command(station: str, interface: str, folder: Path) -> list[str]:
    """How a station is started."""
    if station == PYPI:
        return [str(PEER), str(PEER_STATION), "350"]
    script = folder / "station.lua"
    script.write_text(SCRIPT if station == OURS else AUTOPILOT)
    return [sys.executable, "-m", "secc_kernel.cli", "run", str(script), "--link", "tcp", "--interface", interface]


def measure(station: str, ends: dict[str, tuple[str, str]], requests: int, folder: Path) -> list[float]:
    """The answering times of a station in one session, in seconds."""
    (space, interface), (far_space, far) = ends["secc"], ends["evcc"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NETWORK_INTERFACE": interface,
        "SECC_ENFORCE_TLS": "False",
        "PROTOCOLS": "ISO_15118_2",
        "AUTH_MODES": "EIM",
        "LOG_LEVEL": "WARNING",
    }
    with (folder / "station.log").open("wb") as log:
        running = subprocess.Popen(
            ["ip", "netns", "exec", space, *command(station, interface, folder)],
            stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder, start_new_session=True,
        )  # fmt: skip
    try:
        vehicle = subprocess.run(
            ["ip", "netns", "exec", far_space, sys.executable, __file__, "--vehicle", far, "--requests", str(requests)],
            capture_output=True, text=True, check=False, env=environment, timeout=2 * PATIENCE,
        )  # fmt: skip
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        running.wait(10)
    if vehicle.returncode:
        said = (folder / "station.log").read_text(errors="replace")[-800:]
        raise RuntimeError(f"{station}: {vehicle.stderr.strip()}\n{said}")
    found: list[float] = json.loads(vehicle.stdout)
    return found


def available() -> list[str]:
    """The stations that can be measured here."""
    stations = [OURS, PILOT]
    lacking = "" if shutil.which("java") else "Java"
    if not PEER.exists():
        lacking = f"{PEER} with the package iso15118"
    if lacking:
        print(f"without {PYPI}: {lacking} is not here")
        return stations
    return [*stations, PYPI]


def show(times: dict[str, list[float]]) -> None:
    """Show the times in a table."""
    print(f"\nfrom the last byte of {MEASURED} to the first of the response, at the vehicle's socket, in ms")
    print(f"{'':<26}{'requests':>9}{'median':>9}{'p99':>9}{'max':>9}")
    for station, seconds in times.items():
        if seconds:
            ranked = sorted(1000 * value for value in seconds)
            p99 = ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]
            print(f"{station:<26}{len(ranked):>9}{statistics.median(ranked):>9.2f}{p99:>9.2f}{ranked[-1]:>9.2f}")
    print("goal: median below 5 ms, p99 below 20 ms")


def main() -> int:
    """Measure the stations in turn, and show the times."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--requests", type=int, default=300, help="requests of each turn that count (300)")
    parser.add_argument("--turns", type=int, default=3, help="sessions with each station (3)")
    parser.add_argument("--vehicle", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.vehicle:
        print(json.dumps(Vehicle(arguments.vehicle, arguments.requests).drive()))
        return 0
    if os.geteuid() or not shutil.which("ip"):
        print("turnaround: needs root and iproute2, for network namespaces")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # whatever was built is taken away
    times: dict[str, list[float]] = {station: [] for station in available()}
    with tempfile.TemporaryDirectory() as folder, cable() as ends:
        for _ in range(arguments.turns):
            for station in times:
                try:
                    times[station] += measure(station, ends, arguments.requests, Path(folder))
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    print(error)
    show(times)
    return 0


if __name__ == "__main__":
    sys.exit(main())
