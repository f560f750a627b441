"""The whole way on virtual interfaces, frame by frame: emulated modems, matching, SDP, TCP and a charge."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import peer_slac
from cable import ROOT, settle
from testbed import Bed, entries_of, wait_for

import secc_kernel
from secc_kernel import views
from secc_kernel.cli import main
from secc_kernel.commands._testbed import network
from secc_kernel.link.export import write_capture
from secc_kernel.session.journal import FrameEntry, Journal
from secc_kernel.session.plug_ins import plug_ins
from secc_kernel.wire.homeplug import type_name

pytestmark = [pytest.mark.root, pytest.mark.netns, pytest.mark.timeout(180)]

#: A plug-in's messages of matching, in the order in which each first appears.
MATCHING = [
    "CM_SLAC_PARM.REQ",
    "CM_SLAC_PARM.CNF",
    "CM_START_ATTEN_CHAR.IND",
    "CM_MNBC_SOUND.IND",
    "CM_ATTEN_PROFILE.IND",
    "CM_ATTEN_CHAR.IND",
    "CM_ATTEN_CHAR.RSP",
    "CM_SLAC_MATCH.REQ",
    "CM_SLAC_MATCH.CNF",
]

OPENED = "Session.Open{link='plc', interface='plc0', journal='station.jsonl'}"
OPENED_WITH_TLS = "Session.Open{link='plc', interface='plc0', journal='station.jsonl', tls=true, keylog='keys'}"
#: As a display filter.
# Linux writes a TCP checksum that comes to 0 as 0xFFFF, which is the same number (RFC 1624).
UNSOUND = "_ws.malformed || (tcp.checksum.status == 0 && !tcp.checksum.ffff) || udp.checksum.status == 0"

SERVE = """
local how, why = Session.RunToEnd()
Session.Check(how == 'terminated', 'it ended in order: ' .. why)
"""


def management(journal):
    """The names of the management messages in a journal."""
    frames = [entry for entry in journal.entries if isinstance(entry, FrameEntry) and entry.layer == "homeplug"]
    return [type_name(frame.payload_type, frame.data[0]) for frame in frames]


@pytest.fixture
def bed(tmp_path):
    with Bed(tmp_path) as made:
        yield made


class KernelThere:
    """A kernel at a host of a testbed, and a client; they meet on Unix sockets, which namespaces do not separate."""

    def __init__(self, bed, host):
        self._manager = KernelManager(transport="ipc", ip=f"{bed.runtime}/kernel")
        argv = [*bed.inside(host), sys.executable, "-m", "secc_kernel.kernel", "-f", "{connection_file}"]
        self._manager._kernel_spec = KernelSpec(argv=argv, display_name="secc", language="lua")
        self._manager.start_kernel(cwd=str(bed.folder), env={**os.environ, "PYTHONPATH": str(ROOT)})
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def run(self, cell, meanwhile=lambda: None):
        """Run a cell; what it printed."""
        printed = []

        def shown(message):
            content = message["content"]
            if message["msg_type"] == "stream":
                printed.append(content["text"])
            elif message["msg_type"] == "error":
                printed.append("\n".join(content["traceback"]))

        request = self._client.execute(cell)
        meanwhile()
        reply = self._client._recv_reply(request, timeout=60)
        while (message := self._client.get_iopub_msg(timeout=20))["content"].get("execution_state") != "idle" or (
            message["parent_header"].get("msg_id") != request
        ):
            if message["parent_header"].get("msg_id") == request:
                shown(message)
        assert reply["content"]["status"] == "ok", "".join(printed)
        return "".join(printed)

    def stop(self):
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()


def tshark(path, *arguments):
    command = ["tshark", "-n", "-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


@pytest.mark.tshark
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_whole_charge_from_the_cell_of_a_notebook(bed, tmp_path, tls):
    captured, exported = tmp_path / "charge.pcapng", tmp_path / "exported.pcapng"
    recorder = bed.record("station", captured)
    kernel = KernelThere(bed, "station")
    try:
        kernel.run(OPENED_WITH_TLS if tls else OPENED)
        said = kernel.run(
            "Secc.Receive_SessionSetupReq_001()\n"
            "Secc.Set_SessionSetupRes_EVSEID('KR*TC1*ISO1*001')\n"
            "print(Secc.Get_SessionSetupReq_EVCCID(), Session.RunToEnd())",
            meanwhile=lambda: bed.plug(tls=tls, hurry=20.0),
        )
        assert "terminated" in said
        assert bed.outcome().startswith("terminated")
        kernel.run("Session.Close()")
    finally:
        kernel.stop()
    settle(captured)
    recorder.stop()

    # What was on the wire is sound, by Wireshark's judgement ...
    assert tshark(captured, "-Y", UNSOUND) == []
    # ... and tells the same as the journal, message by message.
    journal = Journal.load(tmp_path / "station.jsonl")
    recorded = secc_kernel.read_capture(captured, keylog=tmp_path / "keys" if tls else None)
    sent = [(frame.sender, frame.data) for frame in journal.frames]
    assert [(frame.sender, frame.data) for frame in recorded.frames] == sent
    assert len({frame.name for frame in journal.frames}) >= 24
    names = management(journal)
    assert [name for name in dict.fromkeys(names) if name in MATCHING] == MATCHING
    assert names.count("CM_MNBC_SOUND.IND") == names.count("CM_ATTEN_PROFILE.IND") == 10
    (plug_in,) = plug_ins(journal.entries)
    assert (plug_in.matching, plug_in.how.how) == ("matched", "terminated")
    assert plug_in.energy.joules > 0
    assert plug_in.security == ("TLS 1.2" if tls else "none")
    # As a capture it is sound, too, and the same again.
    write_capture(journal, exported)
    assert tshark(exported, "-Y", UNSOUND) == []
    assert secc_kernel.read_capture(exported).entries == journal.entries


def test_what_testbed_builds_it_takes_away_also_after_a_crash(tmp_path, capsys):
    def testbed(action, *arguments):
        """Status and output of ``secc-kernel testbed``."""
        capsys.readouterr()
        status = main(["testbed", action, "--name", bed.name, *arguments])
        return status, "".join(capsys.readouterr())

    with Bed(tmp_path) as bed:
        status, said = testbed("up")
        assert (status, f"there is a testbed '{bed.name}' already" in said) == (2, True)

        station = bed.run_script("station", SERVE)
        station.wait_for("listening on")
        status, said = testbed("plug", "--hurry", "10")
        assert (status, "car1 is plugged in; its journal: " in said) == (0, True)
        station.wait_for("SessionSetupRes")
        status, said = testbed("unplug")
        assert (status, "car1 is not plugged in; its last session: aborted" in said) == (0, True)
        assert station.end() == 1, station.text  # the session did not end in order
        status, said = testbed("status")
        assert (status, "car1: plc0" in said) == (0, True)

        # Now the powerline's process dies, and leaves all behind.
        os.kill(bed.plan.processes["line"][0], signal.SIGKILL)
        status, said = testbed("status")
        assert (status, "line does not answer" in said) == (2, True)
        pids = [pid for pid, _ in bed.plan.processes.values()]
        for _ in range(2):
            assert testbed("down") == (0, "")
        assert not [space for space in network.namespaces() if space.startswith(f"{bed.name}-")]
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.pyslac
def test_the_vehicle_of_pyslac_matches_with_our_station(tmp_path, slac_peer_python):
    def change(plan):
        plan.cars[0].interface = peer_slac.INTERFACES["ev"]
        plan.cars[0].mac = plan.station.mac  # its example sends to a station with its own address

    with Bed(tmp_path, simulated=False, change=change) as bed:
        station = bed.run_script("station", SERVE, "--journal", tmp_path / "station.jsonl")
        station.wait_for("listening on")
        wait_for(lambda: "CM_SET_KEY.CNF" in names_in(tmp_path / "station.jsonl"), "the modem did not take its key")
        bed.start("car1", "pyslac", slac_peer_python, peer_slac.__file__, "ev")
        wait_for(lambda: "CM_SLAC_MATCH.CNF" in names_in(tmp_path / "station.jsonl"), "they did not match")


@pytest.mark.pyslac
def test_the_station_of_pyslac_matches_with_our_vehicle(tmp_path, slac_peer_python):
    def change(plan):
        plan.station.interface = peer_slac.INTERFACES["evse"]

    with Bed(tmp_path, simulated=False, change=change) as bed:
        station = bed.start("station", "pyslac", slac_peer_python, peer_slac.__file__, "evse")
        station.wait_for("CM_SLAC_PARM: Started")
        record = tmp_path / "car.jsonl"
        bed.run_script("car1", "Ev.Plug{} Session.RunToEnd()", "--side", "evcc", "--journal", record)
        station.wait_for("PEV-EVSE MATCHED Successfully")
        # The modems have a link, and what follows is more than pyslac does.
        wait_for(lambda: any(e.layer == "sdp" for e in frames_in(record)), "the vehicle does not look for a station")


def frames_in(path):
    return [entry for entry in entries_of(path) if isinstance(entry, FrameEntry)]


def names_in(path):
    return [type_name(frame.payload_type, frame.data[0]) for frame in frames_in(path) if frame.layer == "homeplug"]


def test_charging_works_on_a_bad_line(bed, tmp_path):
    bed.bed.line("line", loss=0.1, duplicates=0.05, jitter=0.05)
    charge(bed, tmp_path / "station.jsonl")


@pytest.mark.netem
def test_charging_works_on_a_bad_network(bed, tmp_path):
    what = ["loss", "10%", "duplicate", "5%", "reorder", "25%", "50%", "delay", "25ms", "25ms"]
    for host in ("station", "car1"):
        run = [*bed.inside(host), "tc", "qdisc", "add", "dev", bed.bed.host(host).interface, "root", "netem", *what]
        subprocess.run(run, check=True, timeout=20)
    charge(bed, tmp_path / "station.jsonl")


def charge(bed, record):
    """A charge by AC, whose times admit that TCP repeats what was lost: some hundred milliseconds each time."""
    station = bed.run_script("station", "while true do Session.RunToEnd() end", "--journal", record)
    station.wait_for("listening on")
    for _ in range(3):  # a message in a thousand is lost four times in a row, and then the vehicle's patience ends
        path = bed.plug(energy="AC", hurry=2.0)["journal"]
        if bed.outcome().startswith("terminated"):
            break
    vehicle = Journal.load(path)
    assert "ChargingStatusRes" in {frame.name for frame in vehicle.frames}
    (plug_in,) = plug_ins(vehicle.entries)
    assert plug_in.how.how == "terminated"
    # The timing shows it from the vehicle's end; at the station's the answers are as quick as ever.
    there, here = vehicle.timing()["latency"], Journal.load(record).timing()["latency"]
    assert there.median() > max(0.02, 2 * here.median())
    assert there.max() > 0.1
    assert "ChargingStatusReq" in str(views.timing(vehicle))


def test_plug_ins_that_are_cut_at_random_leave_nothing_but_their_journals():
    run = [sys.executable, ROOT / "scripts" / "soak.py", "--plug-ins", "4", "--cuts", "2", "--seed", "4"]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all held" in done.stdout
