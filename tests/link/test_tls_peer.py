"""TLS on a veth pair with independent implementations: PyPI's iso15118 at the other end, tshark beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from cable import Cable, settle

from secc_kernel import cli, read_capture, views
from secc_kernel.session.journal import FindingEntry, Journal, NoteEntry, SecretEntry

SUPPORT = Path(__file__).resolve().parent.parent / "support"

pytestmark = [pytest.mark.root, pytest.mark.netns, pytest.mark.timeout(180)]

STATION = """
Session.Station{{energy_transfer_modes={{'AC_three_phase_core'}}, payment_options={{'{payment}'}}, free=false}}
Secc.Receive_PaymentServiceSelectionReq_001()
Session.Check(Secc.Get_PaymentServiceSelectionReq_SelectedPaymentOption() == '{payment}', 'it pays by {payment}')
Secc.Receive_SessionStopReq_001()
Secc.Send_SessionStopRes_001()
local how, why = Session.RunToEnd()
Session.Check(how == 'terminated', 'the session ended in order: ' .. why)
"""

VEHICLE = """
Ev.Plug{soc=79.99, mode='AC'}
local how, why = Session.RunToEnd()
Session.Check(how == 'terminated', 'the session ended in order: ' .. why)
"""


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki") / "made"
    assert cli.main(["pki", "new", str(folder), "--layout", "josev"]) == 0
    return folder


@pytest.fixture
def cable(tmp_path):
    with Cable(tmp_path) as made:
        yield made


def config(path, **options):
    """A vehicle of the iso15118 package that charges AC."""
    wanted = {
        "supportedProtocols": ["ISO_15118_2"],
        "supportedEnergyServices": ["AC"],
        "energyTransferMode": "AC_three_phase_core",
        "isCertInstallNeeded": False,
        "useTls": True,
        "chargeLoopCycle": 3,
    }
    path.write_text(json.dumps({**wanted, **options}))
    return path


@pytest.mark.java
@pytest.mark.parametrize("payment", ["ExternalPayment", "Contract"])
def test_its_vehicle_charges_at_our_station(cable, peer_python, pki, tmp_path, payment):
    journal = tmp_path / "journal.jsonl"
    station = cable.run_script(
        "secc", STATION.format(payment=payment), "--tls", pki, "--tls-only", "--journal", journal
    )
    station.wait_for("found by SDP")
    vehicle = cable.start(
        "evcc",
        "vehicle",
        *(peer_python, "-m", "iso15118.evcc.main"),
        config(tmp_path / "evcc.json"),
        NETWORK_INTERFACE=cable.interfaces["evcc"],
        PKI_PATH=str(pki),
    )
    vehicle.wait_for("SessionStopRes received")
    assert station.end() == 0, station.text
    assert "The data link will SessionStopAction.TERMINATE" in vehicle.text
    entries = Journal.load(journal)
    (agreed,) = [entry.text for entry in entries if isinstance(entry, NoteEntry) and "TLS 1.2" in entry.text]
    assert "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, secp256r1" in agreed
    assert "CN=DE*ABC*E123456, DC=CPO" in agreed
    assert any(isinstance(entry, SecretEntry) for entry in entries)
    errors = [entry.text for entry in entries if isinstance(entry, FindingEntry) and entry.severity == "error"]
    assert not errors


@pytest.mark.java
def test_our_vehicle_charges_at_its_station(cable, peer_python, pki):
    station = cable.start(
        "secc",
        "station",
        *(peer_python, SUPPORT / "peer_secc.py", "230"),
        NETWORK_INTERFACE=cable.interfaces["secc"],
        PROTOCOLS="ISO_15118_2",
        AUTH_MODES="EIM",
        PKI_PATH=str(pki),
        SECC_ENFORCE_TLS="True",
    )
    station.wait_for("UDP server started")
    vehicle = cable.run_script("evcc", VEHICLE, "--tls", pki, "--tls-only", program=(SUPPORT / "patient_run.py",))
    assert vehicle.end() == 0, vehicle.text + station.text
    assert "SessionStopRes OK" in vehicle.text
    assert "1 passed, 0 failed" in vehicle.text


CHARGE = """
Secc.Receive_SessionStopReq_001()
Secc.Send_SessionStopRes_001()
local how, why = Session.RunToEnd()
Session.Check(how == 'terminated', 'the session ended in order: ' .. why)
"""


@pytest.mark.tshark
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_disclosed_secrets_open_the_capture(cable, pki, tmp_path, version):
    """As tshark records it: what our reader opens with the datagrams, tshark opens with the key log."""
    capture, keys = tmp_path / "wire.pcapng", tmp_path / "keys.log"
    shark = cable.start("evcc", "tshark", "tshark", "-i", cable.interfaces["evcc"], "-w", capture)
    shark.wait_for("Capturing on")
    station = cable.run_script("secc", CHARGE, "--tls", pki, "--tls-only", "--disclose", "--keylog", keys)
    station.wait_for("found by SDP")
    vehicle = cable.run_script("evcc", VEHICLE, "--tls", pki, "--tls-version", version)
    assert vehicle.end() == 0, vehicle.text
    assert station.end() == 0, station.text
    settle(capture)
    shark.stop()

    journal = read_capture(capture)
    names = [frame.name for frame in journal.frames]
    assert names[0] == "supportedAppProtocolReq"
    assert names[-1] == "SessionStopRes"
    assert views.handshake(journal).data.station[0] == f"TLS {version}"
    command = ["tshark", "-r", capture, "-o", f"tls.keylog_file:{keys}", "-T", "fields"]
    shown = subprocess.run(
        [*command, "-e", "data.data", "-Y", "tls.app_data"], capture_output=True, text=True, check=True, timeout=60
    )
    opened = shown.stdout.replace(",", "").split()
    assert len(opened) >= len(names)
    assert opened[0].startswith("01fe8001")
    assert all(frame.data.hex() in "".join(opened) for frame in journal.frames)
