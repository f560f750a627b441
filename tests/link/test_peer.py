"""Sessions with an independent implementation, PyPI's iso15118: its vehicle here, and our vehicle at its station."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from cable import Cable

pytestmark = [pytest.mark.root, pytest.mark.netns, pytest.mark.java, pytest.mark.timeout(180)]

SUPPORT = Path(__file__).resolve().parent.parent / "support"

STATION_DC = """
Secc.Receive_SessionSetupReq_001()
Session.Check(#Secc.Get_SessionSetupReq_EVCCID() == 12, 'the EVCCID is a MAC address')
Secc.Set_SessionSetupRes_ResponseCode(ResponseCodeType.OK_NewSessionEstablished)
Secc.Set_SessionSetupRes_EVSEID('KR*TC1*ISO1*001')
Secc.Send_SessionSetupRes_001()

Secc.Receive_AuthorizationReq_001()
Secc.Set_AuthorizationRes_ResponseCode(ResponseCodeType.OK)
Secc.Set_AuthorizationRes_EVSEProcessing(EVSEProcessingType.Finished)
Secc.Send_AuthorizationRes_001()

Secc.Receive_ChargeParameterDiscoveryReq_001()
Session.Check(Secc.Check_ChargeParameterDiscoveryReq_RequestedEnergyTransferMode(EnergyTransferModeType.DC_extended),
  'it wants DC_extended')

for i = 1, 3 do
  Secc.Receive_CurrentDemandReq_001()
  Session.Check(Secc.Get_CurrentDemandReq_EVTargetVoltage_Unit() == UnitSymbolType.Unit_V, 'volts are volts')
  Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Multiplier(-1)
  Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Unit(UnitSymbolType.Unit_A)
  Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Value(10)
  Secc.Send_CurrentDemandRes_001()
end

Secc.Receive_SessionStopReq_001()
Session.Check(Secc.Check_SessionStopReq_ChargingSession(ChargingSessionType.Terminate), 'it terminates')
Secc.Set_SessionStopRes_ResponseCode(ResponseCodeType.OK)
Secc.Send_SessionStopRes_001()
local how, why = Session.RunToEnd()
Session.Check(how == 'terminated', 'the session ended in order: ' .. why)
"""

STATION_AC = """
Secc.Receive_ServiceDiscoveryReq_001()
Secc.Set_ServiceDiscoveryRes_ResponseCode(ResponseCodeType.OK)
Secc.Send_ServiceDiscoveryRes_001()
Secc.Receive_PaymentServiceSelectionReq_001()
Session.Check(Secc.Exist_PaymentServiceSelection_SelectedService(1), 'it selects the charge service')
Secc.Receive_ChargingStatusReq_001()
Secc.Set_ChargingStatusRes_EVSEMaxCurrent_Multiplier(-1)
Secc.Set_ChargingStatusRes_EVSEMaxCurrent_Unit(UnitSymbolType.Unit_A)
Secc.Set_ChargingStatusRes_EVSEMaxCurrent_Value(160)
Secc.Send_ChargingStatusRes_001()
-- The rest is the autopilot's: the script ends in the middle of the session.
"""

STATION_DIN = """
Secc.Receive_SessionSetupReq_001()
Session.Check(Session.Protocol() == 'din', 'DIN SPEC 70121 was agreed on')
Secc.Set_SessionSetupRes_ResponseCode(ResponseCodeType.OK_NewSessionEstablished)
Secc.Set_SessionSetupRes_EVSEID('KR*TC1*DIN*001')
Secc.Send_SessionSetupRes_001()

Secc.Receive_ContractAuthenticationReq_001()
Secc.Set_ContractAuthenticationRes_ResponseCode(ResponseCodeType.OK)
Secc.Set_ContractAuthenticationRes_EVSEProcessing(EVSEProcessingType.Finished)
Secc.Send_ContractAuthenticationRes_001()

for i = 1, 3 do
  Secc.Receive_CurrentDemandReq_001()
  Session.Check(Secc.Get_CurrentDemandReq_EVTargetVoltage_Unit() == UnitSymbolType.Unit_V, 'volts are volts')
  Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Multiplier(-1)
  Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Unit(UnitSymbolType.Unit_A)
  Secc.Set_CurrentDemandRes_EVSEPresentCurrent_Value(10)
  Secc.Send_CurrentDemandRes_001()
end
Secc.Receive_WeldingDetectionReq_001()
local how, why = Session.RunToEnd()
Session.Check(how == 'terminated', 'the session ended in order: ' .. why)
"""

# Patient, as the package's station offers 40 V at most.
VEHICLE = """
Ev.Plug{{profile = '{profile}', soc = {soc}, mode = '{mode}', patient = true}}
Evcc.Receive_ServiceDiscoveryRes_001()
Session.Check(Evcc.Exist_ServiceDiscovery_PaymentOption(PaymentOptionType.ExternalPayment), 'it takes external payment')
local how, why = Session.RunToEnd()
Session.Check(how == 'terminated', 'the session ended in order: ' .. why)
"""


@pytest.fixture
def cable(tmp_path):
    with Cable(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def package(peer_python):
    """Where the independent package is installed."""
    command = [peer_python, "-c", "import iso15118; print(iso15118.__path__[0])"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


@pytest.mark.parametrize(
    ("script", "config"),
    [
        (STATION_DC, "iso15118_2/evcc_config_eim_dc.json"),
        (STATION_AC, "iso15118_2/evcc_config_eim_ac.json"),
        (STATION_DIN, "DIN/evcc_config.json"),
    ],
    ids=["DC", "AC", "DIN"],
)
def test_its_vehicle_charges_at_our_station(cable, peer_python, package, script, config):
    station = cable.run_script("secc", script)
    station.wait_for("found by SDP")
    vehicle = cable.start(
        "evcc",
        "vehicle",
        *(peer_python, "-m", "iso15118.evcc.main"),
        package / "shared" / "examples" / "evcc" / config,
        NETWORK_INTERFACE=cable.interfaces["evcc"],
    )
    vehicle.wait_for("SessionStopRes received")
    assert station.end() == 0, station.text
    lines = station.text.splitlines()
    assert any(line.endswith("EVCC <- SECC  SessionStopRes OK") for line in lines)
    assert not any("FAILED" in line or "FAIL " in line for line in lines)
    assert "The data link will SessionStopAction.TERMINATE" in vehicle.text


@pytest.mark.parametrize(
    ("protocol", "profile", "mode", "soc"),
    [
        ("ISO_15118_2", "compact", "DC", 79.999),
        ("ISO_15118_2", "compact", "AC", 79.99),
        ("DIN_SPEC_70121", "compact", "DC", 79.999),
        ("ISO_15118_2,DIN_SPEC_70121", "veteran", "DC", 79.999),
    ],
)
def test_our_vehicle_charges_at_its_station(cable, peer_python, protocol, profile, mode, soc):
    station = cable.start(
        "secc",
        "station",
        *(peer_python, SUPPORT / "peer_secc.py", "350"),
        NETWORK_INTERFACE=cable.interfaces["secc"],
        PROTOCOLS=protocol,
        AUTH_MODES="EIM",
    )
    station.wait_for("UDP server started")
    vehicle = cable.run_script(
        "evcc", VEHICLE.format(profile=profile, soc=soc, mode=mode), program=(SUPPORT / "patient_run.py",)
    )
    assert vehicle.end() == 0, vehicle.text + station.text
    assert "SessionStopRes OK" in vehicle.text
    assert "2 passed, 0 failed" in vehicle.text
