"""Listening: a capture that grows gives what the whole one gives, scripts wait for what is heard, nothing is sent."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from scapy.layers.inet import UDP
from scapy.utils import PcapNgReader, wrpcap

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from cable import Cable
from notebook import Notebook
from packets import Connection, pcap_of

from secc_kernel.kernel.host import KernelHost
from secc_kernel.link import follow
from secc_kernel.link.base import SessionEndedError, SessionError
from secc_kernel.link.capture import read_capture
from secc_kernel.link.follow import FollowedFile, followed
from secc_kernel.link.listen import ListenLink
from secc_kernel.link.listening import ListenSession
from secc_kernel.link.net import LinkError
from secc_kernel.lua.bench import Bench
from secc_kernel.lua.errors import LuaError
from secc_kernel.lua.options import Options
from secc_kernel.session.events import Ended
from secc_kernel.session.journal import FindingEntry, Journal
from secc_kernel.session.tls_judgement import told

ROOT = Path(__file__).resolve().parents[2]
KIA = "captures/everest/Kia_EV6_2023-04-25-kia-ev6-iso2.pcap"
TLS = "captures/dsv2gshark/ISO-20_TLS13_DC_DS5366_Josev.pcapng"
LONG = 30


def facts(entries):
    """Entries but for what a capture says when it ends."""
    return [entry for entry in entries if not (isinstance(entry, FindingEntry) and entry.rule == "capture.damaged")]


# -- a file that grows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 7, 13, 100])
def test_whatever_pieces_a_capture_is_written_in(tmp_path, step):
    whole = tmp_path / "whole.pcap"
    connection = Connection()
    whole.write_bytes(pcap_of([*connection.session(), *connection.close()]))
    growing = tmp_path / "growing.pcap"
    source = FollowedFile(growing)
    data, found = whole.read_bytes(), list(source.entries())
    with growing.open("wb", buffering=0) as file:
        for at in range(0, len(data), step):
            file.write(data[at : at + step])
            found += source.entries()
    source.close()
    assert facts(found) == facts(read_capture(whole).entries)
    assert len(found) == 6


@pytest.mark.parametrize(
    "name",
    [
        KIA,
        "captures/2023-05-24_pyPlc_with_Ioniq93prcSoc.pcapng",
        "captures/dsv2gshark/ISO-20_BPT_AC_DS5366_Josev.pcapng",
    ],
)
def test_recorded_sessions_that_grow(shared, tmp_path, name):
    data = (shared / name).read_bytes()
    growing = tmp_path / Path(name).name
    source, found = FollowedFile(growing), []
    with growing.open("wb", buffering=0) as file:
        for at in range(0, len(data), 4999):
            file.write(data[at : at + 4999])
            found += source.entries()
    assert facts(found) == facts(read_capture(shared / name).entries)


def test_a_block_that_is_half_written_waits_for_its_rest(tmp_path):
    path = tmp_path / "x.pcap"
    data = pcap_of(Connection().session())
    path.write_bytes(data[:-10])
    source = FollowedFile(path)
    assert len(list(source.entries())) == 3
    assert list(source.entries()) == []
    with path.open("ab") as file:
        file.write(data[-10:])
    (last,) = source.entries()
    assert last.name == "SessionSetupRes"


def test_a_file_that_is_replaced_and_one_that_is_cut(tmp_path):
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap_of(Connection().session()))
    source = FollowedFile(path)
    assert len(list(source.entries())) == 4
    path.rename(tmp_path / "x.pcap.1")
    assert list(source.entries()) == []
    path.write_bytes(pcap_of(Connection(sport=50000).session()))
    told, *messages = source.entries()
    assert (told.rule, len(messages)) == ("capture.rotated", 4)
    path.write_bytes(pcap_of(Connection(sport=50001).session()[:4]))
    told, *messages = source.entries()
    assert (told.rule, told.severity, len(messages)) == ("capture.truncated", "warning", 1)
    assert str(path) in told.text


@pytest.mark.parametrize(
    ("content", "text"),
    [(gzip.compress(pcap_of([])), "is compressed"), (b"no capture", "neither pcap nor pcapng")],
)
def test_what_cannot_be_followed_is_said_at_once(tmp_path, content, text):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(LinkError, match=text):
        followed(file=path)


def test_what_is_missing_is_said_at_once(tmp_path):
    with pytest.raises(LinkError, match="there is no folder"):
        followed(file=tmp_path / "no" / "x.pcap")
    with pytest.raises(LinkError, match=r"interface= .* or file="):
        followed()
    with pytest.raises(LinkError, match="cannot both be listened to"):
        followed(interface="lo", file=tmp_path / "x.pcap")
    with pytest.raises(LinkError, match="nosuch"):
        followed(interface="nosuch")


def test_what_is_damaged_is_said_and_what_follows_it_waits_for_another_file(tmp_path):
    path = tmp_path / "x.pcap"
    data = pcap_of(Connection().session())
    path.write_bytes(data + b"\xff" * 40)
    source = FollowedFile(path)
    *_, told = [*source.entries(), *source.entries()]
    assert told.rule == "capture.damaged"


# -- a session --------------------------------------------------------------------------------------------------------


class Writer:
    """Writes packets into a capture, one call after the other."""

    def __init__(self, path):
        self.path = path
        self.car = Connection()
        path.write_bytes(pcap_of([]))

    def write(self, packets):
        with self.path.open("ab") as file:
            file.write(pcap_of(packets)[24:])


def listening(**where):
    session = ListenSession(ListenLink(followed(**where), Journal()))
    session.begin()
    return session


@pytest.fixture
def writer(tmp_path):
    return Writer(tmp_path / "x.pcap")


@pytest.fixture
def session(writer):
    with listening(file=writer.path) as made:
        yield made


def test_a_script_waits_for_what_is_overheard_of_both(session, writer):
    request = session.receive("SessionSetupReq")
    writer.write(writer.car.session())
    assert request.result(LONG).name == "SessionSetupReq"
    assert session.receive("SessionSetupRes", "EVCC").result(LONG).body.EVSEID
    assert session.check_received("supportedAppProtocolReq")
    assert not session.check_received("supportedAppProtocolReq", "EVCC")
    assert session.sent("SessionSetupRes", "SECC") is session.arrived("SessionSetupRes", "EVCC")
    assert (session.protocol, session.status.state, session.status.link) == ("iso2", "SessionSetupRes", "listen")
    assert [frame.name for frame in session.journal.frames][-1] == "SessionSetupRes"


def test_nothing_is_missed_between_two_waits(session, writer):
    session.run_to("supportedAppProtocolReq")
    writer.write([*writer.car.session(), *writer.car.close()])
    deadline = time.monotonic() + LONG
    while len(session.journal.frames) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    heard = [session.run_on().result(LONG) for _ in range(4)]
    assert [message.name for message in heard[:3]] == ["supportedAppProtocolRes", "SessionSetupReq", "SessionSetupRes"]
    assert isinstance(heard[3], Ended)
    assert heard[3].how == "aborted"
    assert "the vehicle closes the connection after SessionSetupRes" in heard[3].reason


def test_the_end_fails_a_wait_for_what_can_no_longer_come(session, writer):
    writer.write(writer.car.session())
    late = session.receive("CurrentDemandReq")
    ends = writer.car.close()
    writer.write(ends)
    with pytest.raises(SessionEndedError, match="CurrentDemandReq was not overheard: the session ended"):
        late.result(LONG)
    assert session.run_to_end().result(LONG).how == "aborted"


def test_the_next_session_is_another_one(session, writer):
    writer.write([*writer.car.session(), *writer.car.close()])
    session.run_to_end().result(LONG)
    again = session.receive("supportedAppProtocolReq")
    other = Connection(sport=50001)
    writer.write(other.session()[:4])
    again.result(LONG)
    assert session.party.ended is None
    assert not session.check_received("SessionSetupReq")


def test_a_script_goes_through_what_is_recorded_from_wait_to_wait(writer):
    """Also where all of it was there before the script began: two sessions, of which the second has no end."""
    other = Connection(sport=50001)
    writer.write([*writer.car.session(), *writer.car.close(), *other.session()])
    lua = Notebook()

    def shown():
        run = lua.runs[-1]
        return [entry.name for entry in run.journal.entries[run.first : run.last] if entry.kind == "frame"]

    try:
        lua(f"Session.Open{{link = 'listen', file = '{writer.path}'}}")
        deadline = time.monotonic() + LONG
        while len(lua.bench.journal.frames) < 8 and time.monotonic() < deadline:
            time.sleep(0.02)
        lua("Session.RunTo('SessionSetupReq')")
        assert shown() == ["supportedAppProtocolReq", "supportedAppProtocolRes", "SessionSetupReq"]
        assert lua("return Evcc.Check_Received_SessionSetupRes()") is False
        assert lua("return Session.RunFor(0)") is None
        assert shown() == ["SessionSetupRes"]
        how, _ = lua("return Session.RunToEnd()")
        assert (how, lua.runs[-1].outcome.split(":")[0]) == ("aborted", "aborted")
        lua("Evcc.Receive_supportedAppProtocolRes_001()")
        assert lua.bench.session.party.ended is None
        lua("Session.Wait(0.01) Evcc.Receive_SessionSetupRes_001()")
        assert lua.bench.session.position >= lua.bench.journal.entries.index(lua.last)
    finally:
        lua.bench.close()


def test_the_end_of_a_session_is_met_before_what_comes_behind_it(session, writer):
    """However much of it is there already: a wait for what this session has not said fails, the next goes on."""
    other = Connection(sport=50001)
    writer.write([*writer.car.session(), *writer.car.close(), *other.session(), *other.close()])
    with pytest.raises(SessionEndedError, match="CurrentDemandReq was not overheard: the session ended"):
        session.receive("CurrentDemandReq").result(LONG)
    assert session.receive("SessionSetupReq").result(LONG).name == "SessionSetupReq"
    assert session.run_to_end().result(LONG) is session.run_to_end().result(LONG)


def test_who_waits_for_a_file_that_nobody_writes_is_told_once(writer):
    writer.write(writer.car.session())
    os.utime(writer.path, (1000, 1000))
    with listening(file=writer.path) as session:
        waiting = session.receive("CurrentDemandReq")
        deadline = time.monotonic() + LONG
        while not session.journal.findings and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(3 * FollowedFile.INTERVAL)
        (finding,) = session.journal.findings
        assert told(finding) == f"nothing more in {writer.path} so far, and nobody writes to it: waiting for more"
        writer.write(writer.car.close())
        with pytest.raises(SessionEndedError):
            waiting.result(LONG)


def test_nothing_can_be_sent_or_plugged_in(session):
    for refused in (
        lambda: session.send("SessionSetupRes"),
        session.plug,
        session.unplug,
        lambda: session.act(lambda party, now: None),
    ):
        with pytest.raises(SessionError, match=r"is only listened to, nothing is sent there; Session\.Open"):
            refused()


def test_one_wait_at_a_time_and_a_call_that_is_off(session):
    first = session.receive("SessionSetupReq")
    with pytest.raises(SessionError, match="one wait at a time"):
        session.run_on().result(LONG)
    assert first.cancel()
    assert session.run_for(0.05).result(LONG) is None
    waiting = session.run_to_end()
    session.close()
    with pytest.raises(SessionError, match="the session was closed"):
        waiting.result(LONG)
    with pytest.raises(SessionError, match="closed"):
        session.run_on().result(LONG)


def test_tls_without_secrets_is_said(shared, tmp_path, monkeypatch):
    monkeypatch.setattr(follow, "_PATIENCE", 0.0)
    path = tmp_path / "x.pcapng"
    packets = list(PcapNgReader(str(shared / TLS)))
    secret = [packet for packet in packets if UDP in packet and b"_TRAFFIC_SECRET" in bytes(packet[UDP].payload)]
    wrpcap(str(path), [packet for packet in packets if packet not in secret])
    with listening(file=path) as session:
        with pytest.raises(SessionError, match=r"SessionSetupReq cannot be overheard: stream 0 is TLS.*keylog="):
            session.receive("SessionSetupReq").result(LONG)
        assert session.journal.frames == []
    lines = b"\n".join(bytes(packet[UDP].payload).strip(b"\0") for packet in secret) + b"\n"
    (tmp_path / "keys").write_bytes(lines)
    with listening(file=path, keylog=tmp_path / "keys") as session:
        assert session.receive("SessionSetupReq").result(LONG).schema == "iso20_common"
        assert session.status.security == "TLS"


# -- scripts and commands ---------------------------------------------------------------------------------------------

SCRIPT = """
Secc.Receive_CM_SLAC_PARM_REQ_001()
Session.Check(Secc.Get_CM_SLAC_PARM_REQ_RunID() == '04E77E00F3980000', 'the run id of the recorded plug-in')
Secc.Receive_SECC_DiscoveryReq_001()
Secc.Receive_SessionSetupReq_001()
Session.Check(Secc.Get_SessionSetupReq_EVCCID() == '04E77E00F398', 'the recorded vehicle')
Session.Check(Evcc.Get_SessionSetupReq_EVCCID() == '04E77E00F398', 'as it has sent it')
Evcc.Receive_SessionSetupRes_001()
Session.RunTo('CurrentDemandReq')
local heard = 0
Session.RunUntil(function(fields, message) heard = heard + 1; return message == 'PowerDeliveryReq' end)
Session.Check(heard == 2800, 'each message of the charge loop was asked about, not ' .. heard)
local how, why = Session.RunToEnd()
Session.Check(how == 'terminated', why)
"""


def written_slowly(data, path):
    """A thread that writes a capture in pieces."""

    def write():
        with path.open("wb", buffering=0) as file:
            for n in range(50):
                file.write(data[len(data) * n // 50 : len(data) * (n + 1) // 50])
                time.sleep(0.01)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_a_script_follows_a_recorded_session(shared, tmp_path):
    path = tmp_path / "x.pcap"
    script = tmp_path / "listen.lua"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, "-m", "secc_kernel.cli", "run", script, "--link", "listen", "--file", path],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    writing = written_slowly((shared / KIA).read_bytes(), path)
    out, _ = process.communicate(timeout=60)
    writing.join()
    assert process.returncode == 0, out
    assert "listening, without sending anything, to" in out
    assert "5 passed, 0 failed; the session ended (terminated): the vehicle ends the session" in out
    assert out.count("EVCC -> SECC") > 1500


@pytest.mark.parametrize(
    "line",
    [
        "Secc.Set_SessionSetupRes_EVSEID('X')",
        "Secc.Send_SessionSetupRes_001()",
        "Evcc.Send_SessionSetupReq_001()",
        "Ev.Plug{profile = 'sedan'}",
        "Ev.Unplug()",
        "Ev.Stop()",
        "Session.Protocol('din')",
        "Session.Station{free = true}",
        "Session.ControlPilot()",
        "Session.ControlPilot{duty = 5}",
        "Ev.ControlPilot()",
        "Ev.ControlPilot('B')",
        "Session.RunToPilot('C', 3)",
    ],
)
def test_what_a_script_cannot_do_says_why(writer, line):
    lua = Notebook()
    try:
        lua(f"Session.Open{{link = 'listen', file = '{writer.path}'}}")
        with pytest.raises(LuaError, match=r"does nothing here: .* is only listened to, nothing is sent there"):
            lua(line)
    finally:
        lua.bench.close()


def test_a_cell_of_the_kernel_listens(writer):
    """The kernel follows the journal of whatever session is opened, from where that begins."""
    host = KernelHost(lambda prompt: "")
    writer.write(writer.car.session())
    try:
        with host.cell(needs_api=True):
            host.engine.run(f"Session.Open{{link = 'listen', file = '{writer.path}'}}", "In[1]")
            host.engine.run("Secc.Receive_SessionSetupReq_001()", "In[1]")
        assert host.bench.session.begins == 0
    finally:
        host.close()


def test_a_session_of_which_nobody_can_be_told_is_not_left_open(writer):
    def fails(session):
        opened.append(session)
        raise RuntimeError("cannot be shown")

    opened = []
    bench = Bench(on_open=fails)
    with pytest.raises(RuntimeError, match="cannot be shown"):
        bench.open(Options(link="listen", file=str(writer.path)))
    assert bench.session is None
    with pytest.raises(SessionError, match="closed"):
        opened[0].run_on().result(LONG)


def test_a_listener_reads_secrets_from_a_file_and_does_no_tls_itself(shared, tmp_path):
    keys = tmp_path / "keys"
    packets = PcapNgReader(str(shared / TLS))
    secret = [bytes(packet[UDP].payload).strip(b"\0") for packet in packets if UDP in packet]
    keys.write_bytes(b"\n".join(line for line in secret if b"_TRAFFIC_SECRET" in line) + b"\n")
    script = tmp_path / "x.lua"
    script.write_text("Secc.Receive_SessionSetupReq_001()")
    made = subprocess.run(
        [sys.executable, "-m", "secc_kernel.cli", "run", script, "--link", "listen", "--file", shared / TLS,
         "--keylog", keys],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=60,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    assert "SessionSetupReq" in made.stdout
    for option in ("tls = true", "certificate = 'secc'", "tls_only = true", "tls_verify = false"):
        with pytest.raises(LuaError, match=rf"{option.split()[0]} is for who takes part .* keylog='FILE'"):
            Notebook()(f"Session.Open{{link = 'listen', file = '{shared / TLS}', {option}, keylog = '{keys}'}}")
    with pytest.raises(LuaError, match="drives no control pilot"):
        Notebook()(f"Session.Open{{link = 'listen', file = '{shared / TLS}', pilot = '/dev/null'}}")


def test_a_file_that_is_not_there_yet_is_said_to_be_waited_for(tmp_path):
    script, path = tmp_path / "x.lua", tmp_path / "nix.pcap"
    script.write_text("Secc.Receive_SessionSetupReq_001()")
    process = subprocess.Popen(
        [sys.executable, "-m", "secc_kernel.cli", "run", script, "--link", "listen", "--file", path],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout.readline().startswith("listening, without sending anything, to")
    assert process.stdout.readline().endswith(f"{path} does not exist yet: waiting for it\n")
    Writer(path).write(Connection().session())
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert " 0.300  EVCC <- SECC  SessionSetupRes" in out


def test_the_command_shows_what_is_overheard(shared, tmp_path):
    path, record = tmp_path / "x.pcap", tmp_path / "x.journal"
    process = subprocess.Popen(
        [sys.executable, "-m", "secc_kernel.cli", "listen", path, "--journal", record],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stderr.readline().startswith("listening, without sending anything, to")
    written_slowly((shared / KIA).read_bytes(), path).join()
    line = ""
    while "SessionStopRes" not in line:
        line = process.stdout.readline()
        assert line
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "plug-in 1 | 2023-04-25 07:25:46" in out
    assert len(Journal.load(record).frames) == 3134


def test_a_place_that_is_none_is_said():
    made = subprocess.run(
        [sys.executable, "-m", "secc_kernel.cli", "listen", "eth99"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert made.returncode == 2
    assert "there is no interface and no file eth99: this machine has the interfaces" in made.stderr


# -- an interface -----------------------------------------------------------------------------------------------------

SENDER = """
import socket, sys
from secc_kernel.link.pcap import Reader
line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
line.bind((sys.argv[1], 0))
for record in Reader(sys.argv[2]):
    line.send(record[3])
"""
LISTENER = """
Session.Open{link = 'listen', interface = '%s'}
Secc.Receive_SessionSetupReq_001()
Session.Check(Secc.Get_SessionSetupReq_EVCCID() ~= nil, 'heard')
Evcc.Receive_SessionSetupRes_001()
local how, why = Session.RunToEnd()
Session.Check(how == 'aborted', why)
"""


@pytest.mark.root
@pytest.mark.netns
@pytest.mark.timeout(120)
@pytest.mark.parametrize("end", ["other", "same"])
def test_an_interface_is_overheard_and_no_packet_leaves_it(tmp_path, end):
    """Also what the machine itself sends there is heard; of its own the kernel has nothing to say without IPv6."""
    packets = tmp_path / "sent.pcap"
    car = Connection()
    packets.write_bytes(pcap_of([*car.session(), *car.close()]))
    script, sender = tmp_path / "listen.lua", tmp_path / "send.py"
    sender.write_text(SENDER)
    with Cable(tmp_path) as cable:
        name = cable.interfaces["secc"]
        script.write_text(LISTENER % name)
        for space in ("secc", "evcc"):
            quiet = f"net.ipv6.conf.{cable.interfaces[space]}.disable_ipv6=1"
            assert cable.start(space, f"quiet-{space}", "sysctl", "-qw", quiet).end() == 0
        path = f"/sys/class/net/{name}/statistics/tx_packets"

        def sent(what):
            shown = cable.start("secc", what, "cat", path)
            assert shown.end() == 0
            return int(shown.text)

        before = sent("before")
        listener = cable.start(
            "secc", "listener", sys.executable, "-m", "secc_kernel.cli", "run", script, PYTHONPATH=str(ROOT)
        )
        listener.wait_for("listening, without sending anything, to")
        where = "evcc" if end == "other" else "secc"
        assert (
            cable.start(
                where, "sender", sys.executable, sender, cable.interfaces[where], packets, PYTHONPATH=str(ROOT)
            ).end()
            == 0
        )
        assert listener.end() == 0, listener.text
        assert "2 passed, 0 failed" in listener.text
        own = 9 if end == "same" else 0
        assert sent("after") - before == own
