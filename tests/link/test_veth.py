"""Station and vehicle as two processes on a network interface: SDP by multicast, then TCP on link-local addresses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from secc_kernel.session.journal import FrameEntry, Journal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from cable import Cable

pytestmark = [pytest.mark.root, pytest.mark.netns, pytest.mark.timeout(120)]

STATION = """
Secc.Receive_SessionSetupReq_001()
Session.Check(Secc.Get_SessionSetupReq_EVCCID() == '020000000001', 'the compact car came')
Secc.Set_SessionSetupRes_ResponseCode(ResponseCodeType.OK_NewSessionEstablished)
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


@pytest.fixture
def cable(tmp_path):
    with Cable(tmp_path) as made:
        yield made


def test_two_scripts_on_a_cable(cable, tmp_path):
    record = tmp_path / "station.jsonl"
    station = cable.run_script("secc", STATION, "--journal", record)
    station.wait_for("found by SDP")
    vehicle = cable.run_script("evcc", VEHICLE)
    assert vehicle.end() == 0, vehicle.text
    assert station.end() == 0, station.text
    assert "2 passed, 0 failed" in vehicle.text
    assert "2 passed, 0 failed" in station.text

    journal = Journal.load(record)
    frames = [entry for entry in journal.entries if isinstance(entry, FrameEntry)]
    request, response = frames[:2]
    assert (request.layer, request.sender, response.layer, response.sender) == ("sdp", "EVCC", "sdp", "SECC")
    # The answer goes to whoever asked, from and with a link-local address and a dynamic port.
    assert request.src == response.dst
    assert response.data[:2] == b"\xfe\x80"
    port = int.from_bytes(response.data[16:18], "big")
    assert 49152 <= port <= 65535
    first = journal.frames[0]
    assert first.dst.endswith(f"]:{port}")
    assert first.src.startswith("[fe80::")


def test_a_station_on_another_interface_does_not_answer(cable):
    cable.start("secc", "dummy", "ip", "link", "add", "other", "type", "dummy").end()
    cable.start("secc", "up", "ip", "link", "set", "other", "up").end()
    other = cable.start(
        "secc",
        "other",
        *(sys.executable, "-m", "secc_kernel.cli", "run", "/dev/stdin", "--link", "tcp", "--interface", "other"),
        PYTHONPATH=str(Path(__file__).resolve().parent.parent.parent),
    )
    station = cable.run_script("secc", STATION)
    station.wait_for("found by SDP")
    vehicle = cable.run_script("evcc", VEHICLE)
    assert vehicle.end() == 0, vehicle.text
    assert "EVCC ->" not in other.text


def test_sdp_says_when_its_port_is_taken(cable):
    first = cable.run_script("secc", STATION)
    first.wait_for("found by SDP")
    second = cable.run_script("secc", STATION)
    assert second.end() == 2
    assert "UDP port 15118 for SDP on sksecc is in use" in second.text
