"""How fast captures are read, and in how much memory: part of `make bench`.

Messages a second of processor time, from file to journal and on to the DataFrame of `journal.messages()`, in one
process, over all recorded captures; and the peak memory of `secc-kernel decode` over a capture made of the same
sessions, and over one ten times as long. Without recorded captures a charge of the simulated EV serves, in which no two
messages are alike. Nothing here passes or fails.
"""

from __future__ import annotations

import itertools
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from secc_kernel.link.capture import iterate, read_capture
from secc_kernel.session import decoding
from secc_kernel.session.journal import Entry, FrameEntry
from secc_kernel.wire.v2gtp import pack

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SECC_KERNEL_SHARED", ROOT.parent / "shared"))
#: Megabytes of the smaller capture whose memory is measured: longer than anything that is kept in memory.
SIZE = 20
RUNS = 5

Session = list[FrameEntry]


def recorded() -> list[Path]:
    """The recorded captures."""
    return sorted((SHARED / "captures").rglob("*.pcap*"))


def sessions(entries: Iterable[Entry]) -> list[Session]:
    """The messages of each connection."""
    found: dict[int, Session] = {}
    for entry in entries:
        if isinstance(entry, FrameEntry) and entry.layer == "v2gtp":
            found.setdefault(entry.stream, []).append(entry)
    return list(found.values())


def simulated() -> Iterable[Entry]:
    """A whole charge of the simulated EV."""
    from secc_kernel.link.live import LiveSession
    from secc_kernel.link.sim import SimLink
    from secc_kernel.session.secc import SECC
    from secc_kernel.vehicle import SimulatedEV

    station = SECC()
    vehicle = SimulatedEV(soc=20.0, journal=station.journal, records_frames=False)
    with LiveSession(SimLink(station, vehicle)) as session:
        session.plug()
        session.run_to_end().result()
    return station.journal.entries


def packets(session: Session, random_: random.Random) -> Iterator[bytes]:
    """A connection as Ethernet packets, between ends that no other has."""
    ends = [random_.randbytes(16) for _ in range(2)]
    ports = [random_.randbytes(2) for _ in range(2)]
    numbers = [random_.getrandbits(32) for _ in range(2)]

    def packet(way: int, flags: int, data: bytes = b"") -> bytes:
        back = 1 - way
        sequence, acknowledgement = numbers[way] % 2**32, numbers[back] % 2**32
        tcp = ports[way] + ports[back] + struct.pack(">IIBBHHH", sequence, acknowledgement, 0x50, flags, 65535, 0, 0)
        ip = struct.pack(">IHBB", 0x60000000, len(tcp) + len(data), 6, 64) + ends[way] + ends[back]
        numbers[way] += len(data) + bool(flags & 3)
        return bytes(12) + b"\x86\xdd" + ip + tcp + data

    yield from (packet(0, 0x02), packet(1, 0x12), packet(0, 0x10))
    for entry in session:
        way = 0 if entry.sender == "EVCC" else 1
        yield packet(way, 0x18, pack(entry.payload_type, entry.data))
        yield packet(1 - way, 0x10)
    yield from (packet(0, 0x11), packet(1, 0x11), packet(0, 0x10))


def write(path: Path, told: list[Session], size: int) -> None:
    """A pcap file of at least that many bytes, of these sessions again and again."""
    random_ = random.Random(1)
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        clock = 0
        for session in itertools.cycle(told):
            if file.tell() >= size:
                return
            for packet in packets(session, random_):
                clock += 50_000  # microseconds
                file.write(struct.pack("<IIII", *divmod(clock, 10**6), len(packet), len(packet)) + packet)


def speed(paths: list[Path]) -> str:
    """Messages a second, the best of some runs."""
    best = [float("inf")] * 3
    count = 0
    for _ in range(RUNS):
        decoding._written.clear()  # each run decodes as much as the first
        read = made = 0.0
        count = 0
        for path in paths:
            start = time.process_time()
            journal = read_capture(path)
            between = time.process_time()
            count += len(journal.messages())
            read += between - start
            made += time.process_time() - between
        best = [min(pair) for pair in zip(best, (read, made, read + made), strict=True)]
    to_journal, to_table, whole = (f"{count / seconds:,.0f}" for seconds in best)
    text = f"{count} messages of {len(paths)} captures, a second: {whole} from file to DataFrame"
    return f"{text} ({to_journal} from file to journal, {to_table} from journal to DataFrame)"


def memory(path: Path) -> int:
    """Peak memory of decoding a capture in a process of its own, megabytes (Linux)."""
    code = (
        "import re, sys; from pathlib import Path; from secc_kernel.cli import main; "
        "status = main(['decode', '--quiet', '--format', 'jsonl', '--output', '/dev/null', sys.argv[1]]); "
        "print(int(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True, cwd=ROOT)
    return int(done.stdout)


def main() -> None:
    """Measure and print."""
    import pandas  # noqa: F401  not to be counted below

    paths = recorded()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "made.pcap")
        told = [session for path in paths for session in sessions(iterate(path))] or sessions(simulated())
        write(made, told, SIZE << 20)
        print(speed(paths or [made]))
        if sys.platform != "linux":
            return
        once = memory(made)
        write(made, told, 10 * SIZE << 20)
        print(f"memory of decode: {once} MB for a capture of {SIZE} MB, {memory(made)} MB for one of {10 * SIZE} MB")


if __name__ == "__main__":
    main()
