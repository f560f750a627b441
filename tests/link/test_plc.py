"""Sessions on powerline: emulated modems on virtual interfaces, a station and a vehicle each behind one."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from secc_kernel.link import modem_survey
from secc_kernel.link.live import LiveSession
from secc_kernel.link.net import LinkError
from secc_kernel.link.plc import PlcStation
from secc_kernel.session.journal import FrameEntry, Journal, StateEntry
from secc_kernel.session.secc import SECC
from secc_kernel.session.station import Station
from secc_kernel.wire.homeplug import Frame, nid_of

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from cable import ROOT, Process, ip
from testbed import PATIENCE, Bed

pytestmark = [pytest.mark.root, pytest.mark.netns, pytest.mark.timeout(120)]


@pytest.fixture
def bed(tmp_path):
    """A station's interface in this namespace, and a car in one of its own, with modems that join quickly."""

    def change(plan):
        plan.station.namespace, plan.station.interface = None, f"{plan.name}0"
        plan.line["attenuation"] = [7]

    with Bed(tmp_path, change=change) as made:
        yield made


@pytest.fixture
def station(bed):
    """A session of a station behind the testbed's modem."""
    journal = Journal()
    secc = SECC(Station(epoch=None), journal=journal)
    with LiveSession(PlcStation(secc, interface=bed.plan.station.interface)) as session:
        yield session


def homeplug_names(journal):
    frames = [entry for entry in journal.entries if isinstance(entry, FrameEntry) and entry.layer == "homeplug"]
    return [Frame.parse_payload(entry.data).name for entry in frames]


def wait_for(journal, rule, text):
    deadline = time.monotonic() + PATIENCE
    while not any(found.rule == rule and text in found.text for found in journal.findings):
        assert time.monotonic() < deadline, [str(found) for found in journal.findings]
        time.sleep(0.05)


def states(journal, machine):
    return [e.new for e in journal.entries if isinstance(e, StateEntry) and e.machine == machine]


# -- whole plug-ins ---------------------------------------------------------------------------------------------------

STATION = """
Secc.Receive_SessionSetupReq_001()
Session.Check(Session.Status().data_link:match('^ready, network [%x:]+, 7.0 dB$'), Session.Status().data_link)
Secc.Set_SessionSetupRes_EVSEID('KR*TC1*ISO1*001')
Secc.Send_SessionSetupRes_001()
local how, why = Session.RunToEnd()
Session.Check(how == 'terminated', 'it ended in order: ' .. why)
"""

VEHICLE = """
Ev.Plug{profile = 'compact', soc = 79.99, mode = 'DC'}
Evcc.Receive_SessionSetupRes_001()
Session.Check(Evcc.Get_SessionSetupRes_EVSEID() == 'KR*TC1*ISO1*001', 'the EVSEID is that of the script')
local how, why = Session.RunToEnd()
Session.Check(how == 'terminated', 'it ended in order: ' .. why)
"""


def run(bed, end, script, folder, *options):
    """Start ``secc-kernel run`` with a script at one end of the testbed."""
    host = bed.plan.station if end == "secc" else bed.plan.cars[0]
    path = folder / f"{end}.lua"
    path.write_text(script)
    inside = ["ip", "netns", "exec", host.namespace] if host.namespace else []
    return Process(
        [*inside, sys.executable, "-m", "secc_kernel.cli", "run", str(path), "--link", "plc", "--side", end,
         "--interface", host.interface, *map(str, options)],
        folder / f"{end}.log",
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_two_scripts_with_modems_between(bed, tmp_path):
    record = tmp_path / "station.jsonl"
    key = "000102030405060708090a0b0c0d0e0f"
    station = run(bed, "secc", STATION, tmp_path, "--journal", record, "--key", key)
    try:
        station.wait_for("found by SDP")
        vehicle = run(bed, "evcc", VEHICLE, tmp_path)
        try:
            assert vehicle.end() == 0, vehicle.text
            assert station.end() == 0, station.text
        finally:
            vehicle.stop()
    finally:
        station.stop()
    assert "2 passed, 0 failed" in vehicle.text
    assert "2 passed, 0 failed" in station.text

    journal = Journal.load(record)
    names = homeplug_names(journal)
    steps = ["CM_SET_KEY.REQ", "CM_SLAC_PARM.REQ", "CM_SLAC_PARM.CNF", "CM_ATTEN_CHAR.IND", "CM_SLAC_MATCH.CNF"]
    assert [name for name in names if name in steps][:5] == steps
    assert names.count("CM_MNBC_SOUND.IND") >= 10
    assert names.count("CM_ATTEN_PROFILE.IND") >= 10
    frames = [entry for entry in journal.entries if isinstance(entry, FrameEntry)]
    layers = [layer for layer, _ in itertools.groupby(frames, lambda entry: entry.layer)]
    assert layers[:3] == ["homeplug", "sdp", "v2gtp"]
    messages = [Frame.parse_payload(entry.data).message for entry in frames if entry.layer == "homeplug"]
    match = next(message for message in messages if message.name == "CM_SLAC_MATCH.CNF")
    assert bytes.fromhex(key) == match.NMK
    assert nid_of(match.NMK) == match.NID
    errors = [finding for finding in journal.findings if finding.severity == "error"]
    assert errors == []


# -- what goes away, and comes back -----------------------------------------------------------------------------------


def test_it_comes_back_after_interface_and_modem_were_gone(bed, station):
    interface = bed.plan.station.interface
    journal = station.journal

    bed.plug()
    station.run_to("ServiceDiscoveryReq").result(PATIENCE)
    ending = station.run_to_end()
    ip("link", "set", interface, "down")
    ended = ending.result(PATIENCE)
    assert ended.how == "aborted"
    assert f"the interface {interface} has gone down" in ended.reason
    assert states(journal, "SECC data link")[-1] in ("error", "unplugged")
    ip("link", "set", interface, "up")
    wait_for(journal, "plc.interface", "is up again")

    plug_again(bed)
    station.receive("SessionSetupReq").result(PATIENCE)
    bed.bed.line("modem", host="station", what="kill")
    ended = station.run_to_end().result(PATIENCE)
    assert ended.how == "aborted"
    assert "the modem does not answer any more" in ended.reason
    bed.bed.line("modem", host="station", what="on")
    wait_for(journal, "plc.modem", "the modem is there again")

    plug_again(bed)
    station.receive("SessionSetupReq").result(PATIENCE)

    # Each vehicle had a network of its own.
    frames = [entry for entry in journal.entries if isinstance(entry, FrameEntry) and entry.layer == "homeplug"]
    messages = [Frame.parse_payload(entry.data).message for entry in frames]
    keys = [message.NMK for message in messages if message.name == "CM_SLAC_MATCH.CNF"]
    assert len(keys) == len(set(keys)) == 3


def plug_again(bed):
    bed.bed.car("car1", "unplug")
    bed.plug()


def test_nothing_is_left_of_a_session(bed):
    interface = bed.plan.station.interface
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for end in ("closed", "gone"):
        with LiveSession(PlcStation(SECC(), interface=interface)) as session:
            plug_again(bed)
            session.run_to("ServiceDiscoveryReq").result(PATIENCE)
            if end == "gone":
                ip("link", "del", interface)
                assert "has disappeared" in session.run_to_end().result(PATIENCE).reason
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == files


# -- what cannot be opened --------------------------------------------------------------------------------------------


def test_an_interface_that_is_down_is_said(bed):
    interface = bed.plan.station.interface
    ip("link", "set", interface, "down")
    with pytest.raises(LinkError, match=f"{interface} is down: switch it on"):
        LiveSession(PlcStation(SECC(), interface=interface))


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (["--bounding-set=-net_raw"], "--cap-add=NET_RAW"),
        (["--securebits=+noroot", "--inh-caps=-all"], f"sudo setcap cap_net_raw+ep {Path(sys.executable).resolve()}"),
    ],
)
def test_without_the_privilege_it_says_what_to_do(without, said, tmp_path):
    script = tmp_path / "script.lua"
    script.write_text("Session.Check(true, 'never')")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = ["setpriv", *without, sys.executable, "-m", "secc_kernel.cli"]
    options = {"env": environment, "capture_output": True, "text": True, "check": False, "timeout": PATIENCE}
    done = subprocess.run([*command, "run", script, "--link", "plc", "--interface", _ethernet()], **options)
    assert done.returncode == 2
    assert said in done.stderr
    done = subprocess.run([*command, "modems", _ethernet()], **options)
    assert done.returncode == 2
    assert said in done.stderr
    # Everything else works.
    done = subprocess.run([*command, "run", script], **options)
    assert done.returncode == 0, done.stderr


def _ethernet():
    folder = Path("/sys/class/net")
    names = [path.name for path in folder.iterdir() if (path / "type").read_text().strip() == "1"]
    if not names:
        pytest.skip("needs an Ethernet interface")
    return names[0]


# -- the modems -------------------------------------------------------------------------------------------------------


def test_modems_say_what_they_are(bed, station):
    bed.plug()
    station.receive("SessionSetupReq").result(PATIENCE)
    interface = bed.plan.station.interface
    known = bed.bed.line("status")["modems"]
    own, other = modem_survey.survey(interface)
    assert (own.mac, other.mac) == (known["station"]["mac"], known["car1"]["mac"])
    assert (own.own, other.own) == (True, False)
    assert own.network == other.network == bytes.fromhex(known["station"]["network"]).hex(":")
    assert (own.role, other.role) == ("CCo", "Station")
    assert own.hardware == "QCA7000"
    assert own.link
    assert [(member.mac, member.behind) for member in own.members] == [(other.mac, bed.plan.cars[0].mac)]

    done = secc_kernel("modems", interface)
    assert "central coordinator (CCo)" in done.stdout
    assert other.mac in done.stdout


def test_attenuation_is_that_of_the_line(bed, station):
    car = bed.plan.cars[0]
    done = secc_kernel("modems", car.interface, "--attenuation", "--json", namespace=car.namespace)
    (heard,) = json.loads(done.stdout)
    assert heard["average"] == 7.0
    assert heard["by"] == bed.plan.station.mac
    assert heard["sounds"] >= 5  # of ten, on a machine that may be slow


def test_a_key_is_set_or_silence_said(bed):
    interface = bed.plan.station.interface
    key = bytes(range(16))
    assert modem_survey.set_key(interface, key) == nid_of(key).hex(":")
    done = secc_kernel("modems", interface, "--set-key", "random", "--json")
    given = json.loads(done.stdout)
    assert given["network"] == nid_of(bytes.fromhex(given["key"])).hex(":")
    assert modem_survey.survey(interface)[0].network == given["network"]

    bed.bed.line("modem", host="station", what="kill")
    done = secc_kernel("modems", bed.plan.station.interface, "--wait", "0.1", status=2)
    assert "no modem answers" in done.stderr
    done = secc_kernel("modems", bed.plan.station.interface, "--set-key", "random", "--wait", "0.1", status=2)
    assert "has confirmed the key" in done.stderr


def secc_kernel(*arguments, namespace=None, status=0):
    inside = ["ip", "netns", "exec", namespace] if namespace else []
    done = subprocess.run(
        [*inside, sys.executable, "-m", "secc_kernel.cli", *arguments],
        capture_output=True, text=True, check=False, timeout=PATIENCE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done
