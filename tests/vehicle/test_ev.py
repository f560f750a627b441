"""Whole charges, and how the vehicle reacts to what the station says."""

import time
from itertools import pairwise
from math import inf

import pytest
from connection_pair import ANSWER, ConnectionPair

from secc_kernel.messages.iso15118_2 import msg_data_types as types
from secc_kernel.session.physical import to_float
from secc_kernel.session.station import Station
from secc_kernel.vehicle import PROFILES, SimulatedEV, profile
from secc_kernel.vehicle.profiles import PACE, PACE_OTHERWISE

DC_ORDER = [
    "supportedAppProtocolReq",
    "SessionSetupReq",
    "ServiceDiscoveryReq",
    "PaymentServiceSelectionReq",
    "AuthorizationReq",
    "ChargeParameterDiscoveryReq",
    "CableCheckReq",
    "PreChargeReq",
    "PowerDeliveryReq",
    "CurrentDemandReq",
    "PowerDeliveryReq",
    "WeldingDetectionReq",
    "SessionStopReq",
]
AC_ORDER = [
    *DC_ORDER[:6],
    "PowerDeliveryReq",
    "ChargingStatusReq",
    "PowerDeliveryReq",
    "SessionStopReq",
]


def charge(station=None, **vehicle):
    return ConnectionPair(station, **vehicle).start().run()


@pytest.fixture(scope="module")
def dc():
    """The default vehicle's whole DC charge, and the processor time that it took."""
    begin = time.process_time()
    pair = charge()
    return pair, time.process_time() - begin


def values(pair, message, element):
    return [to_float(getattr(body, element)) for body in pair.bodies(message)]


# -- DC ----------------------------------------------------------------------------------------------------------------


def test_a_dc_charge_goes_from_the_handshake_to_the_session_stop(dc):
    pair, _ = dc
    assert pair.order() == DC_ORDER
    assert pair.journal.findings == []
    for party in (pair.secc, pair.ev):
        assert (party.ended.how, party.ended.fault) == ("terminated", "")
    assert pair.names.count("CurrentDemandRes") > 600
    assert all(body.ResponseCode.startswith("OK") for frame in pair.journal.frames if
               (body := frame.message.body) and frame.name.endswith("Res"))  # fmt: skip


def test_a_dc_charge_takes_less_than_five_seconds_here(dc):
    assert dc[1] < 5.0


def test_the_battery_ends_at_its_target_and_the_meter_agrees(dc):
    pair, _ = dc
    assert pair.ev.battery.soc == pytest.approx(80.0, abs=0.05)
    expected = 0.4 * pair.ev.profile.capacity
    assert pair.ev.battery.charged == pytest.approx(expected, rel=0.001)
    assert pair.secc.station.energy == pytest.approx(expected, rel=0.01)
    assert pair.bodies("CurrentDemandRes")[-1].MeterInfo.MeterReading == int(pair.secc.station.energy)


def test_the_state_of_charge_rises_steadily(dc):
    pair, _ = dc
    shown = [body.DC_EVStatus.EVRESSSOC for body in pair.bodies("CurrentDemandReq")]
    assert shown[0] == 40
    assert shown[-1] == 79
    assert all(0 <= b - a <= 1 for a, b in pairwise(shown))


def test_voltage_and_current_stay_within_both_sides_limits(dc):
    pair, _ = dc
    car, station = pair.ev.profile, pair.secc.station
    voltages = values(pair, "CurrentDemandRes", "EVSEPresentVoltage")
    currents = values(pair, "CurrentDemandRes", "EVSEPresentCurrent")
    assert max(voltages) <= min(car.maximum_voltage, station.maximum_voltage)
    assert min(voltages) > station.minimum_voltage
    assert max(currents) <= min(car.dc_current, station.maximum_current)
    assert max(v * c for v, c in zip(voltages, currents, strict=True)) <= min(car.dc_power * 1.1, station.maximum_power)
    assert all(abs(b - a) <= station.current_rate * 0.2 for a, b in pairwise(currents))


def test_the_current_tapers_towards_the_end(dc):
    currents = values(dc[0], "CurrentDemandRes", "EVSEPresentCurrent")
    middle = len(currents) // 10
    assert currents[-1] < 0.75 * currents[middle]


def test_precharge_brings_the_voltage_near_the_batterys(dc):
    pair, _ = dc
    wanted = values(pair, "PreChargeReq", "EVTargetVoltage")[-1]
    reached = values(pair, "PreChargeRes", "EVSEPresentVoltage")
    assert len(reached) > 2
    assert reached == sorted(reached)
    assert abs(reached[-1] - wanted) <= 20.0 < abs(reached[-2] - wanted)


def test_the_cable_check_takes_some_polls_and_welding_detection_waits_for_a_safe_voltage(dc):
    pair, _ = dc
    processing = [body.EVSEProcessing for body in pair.bodies("CableCheckRes")]
    assert processing == ["Ongoing"] * (len(processing) - 1) + ["Finished"]
    assert len(processing) > 3
    isolation = [body.DC_EVSEStatus.EVSEIsolationStatus for body in pair.bodies("CableCheckRes")]
    assert isolation == ["Invalid"] * (len(processing) - 1) + ["Valid"]
    falling = values(pair, "WeldingDetectionRes", "EVSEPresentVoltage")
    assert falling[-1] < 60.0 <= falling[-2]


def test_requests_come_at_the_pace_of_real_cars(dc):
    pair, _ = dc
    frames = pair.journal.frames
    for before, frame in pairwise(frames):
        took = frame.time - before.time
        if frame.name.endswith("Res"):
            assert took == pytest.approx(ANSWER)
        else:
            pace = PACE.get((before.name, frame.name), PACE.get((None, frame.name), PACE_OTHERWISE))
            assert took == pytest.approx(pace)


def test_the_same_charge_gives_the_same_journal_byte_for_byte(tmp_path):
    for name in ("first", "second"):
        charge(soc=78.0).journal.save(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert (tmp_path / "first").stat().st_size > 100_000


@pytest.mark.parametrize("name", [name for name, chosen in PROFILES.items() if "iso2" in chosen.protocols])
def test_every_profile_charges_by_dc(name):
    pair = charge(profile=name, soc=79.9, energy="DC")
    assert pair.order() == DC_ORDER
    assert pair.ev.ended.how == "terminated"
    assert pair.journal.findings == []
    assert pair.ev.battery.soc >= 80.0


def test_a_weak_station_is_not_asked_for_more_than_it_has():
    pair = charge(Station(maximum_current=20.0, maximum_power=5_000.0), soc=79.9)
    assert max(values(pair, "CurrentDemandReq", "EVTargetCurrent")) <= 20.0
    assert max(values(pair, "CurrentDemandRes", "EVSEPresentCurrent")) <= 5_000.0 / 300.0
    assert pair.ev.ended.how == "terminated"


def test_charging_to_the_very_end_comes_to_an_end():
    pair = charge(soc=98.0, target_soc=100.0)
    assert pair.ev.ended.how == "terminated"
    assert pair.ev.battery.soc > 99.0
    voltages = values(pair, "CurrentDemandRes", "EVSEPresentVoltage")
    assert voltages[-1] == pytest.approx(profile("compact").maximum_voltage, abs=1.0)


def test_a_vehicle_that_is_full_already_stops_at_once():
    pair = charge(soc=90.0, energy="DC")
    assert pair.order() == DC_ORDER
    assert pair.names.count("CurrentDemandReq") == 1


def test_a_station_that_simulates_no_voltage_needs_a_patient_vehicle():
    dead = Station(voltage_rate=0.0, current_rate=1e6)
    assert charge(dead, soc=79.9).ev.ended.reason.startswith("V2G_EVCC_PreCharge_Timeout")
    pair = charge(Station(voltage_rate=0.0, current_rate=1e6), soc=79.9, precharge_tolerance=inf)
    assert pair.order() == DC_ORDER
    assert pair.names.count("PreChargeReq") == 1
    assert pair.ev.ended.reason == "the vehicle ended the session"
    assert pair.ev.battery.soc >= 80.0


# -- AC ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mode", "phases", "power"),
    [
        ("compact", "AC_three_phase_core", 3, 11_040.0),
        ("sedan", "AC_three_phase_core", 3, 11_040.0),
        ("hybrid", "AC_single_phase_core", 1, 3_680.0),
    ],
)
def test_an_ac_charge_is_complete(name, mode, phases, power):
    pair = charge(profile=name, soc=79.0, energy="AC")
    assert pair.order() == AC_ORDER
    assert pair.journal.findings == []
    assert (pair.ev.ended.how, pair.secc.ended.how) == ("terminated", "terminated")
    assert pair.bodies("ChargeParameterDiscoveryReq")[0].RequestedEnergyTransferMode == mode
    (step,) = pair.bodies("PowerDeliveryReq")[0].ChargingProfile.ProfileEntry
    assert step.ChargingProfileEntryMaxNumberOfPhasesInUse == phases
    assert to_float(step.ChargingProfileEntryMaxPower) == power
    begin, end = pair.frames("ChargingStatusReq")[0].time, pair.frames("ChargingStatusRes")[-1].time
    expected = 0.01 * pair.ev.profile.capacity
    assert pair.ev.battery.charged == pytest.approx(expected, rel=0.2)
    assert pair.ev.battery.charged == pytest.approx(power * (end - begin) / 3600.0, rel=0.1)
    assert pair.secc.station.energy == pytest.approx(pair.ev.battery.charged, rel=0.05)


def test_a_whole_ac_charge_meters_what_the_battery_takes():
    pair = charge(energy="AC")
    assert pair.ev.battery.soc == pytest.approx(80.0, abs=0.1)
    assert pair.secc.station.energy == pytest.approx(pair.ev.battery.charged, rel=0.001)
    readings = [body.MeterInfo.MeterReading for body in pair.bodies("ChargingStatusRes")]
    assert readings == sorted(readings)
    assert pair.now == pytest.approx(3600 * 6400 / 11_040, rel=0.02)


def test_without_a_wish_the_vehicle_takes_dc_where_there_is_dc():
    assert charge(soc=79.99).order() == DC_ORDER
    assert charge(Station(energy_transfer_modes=("AC_three_phase_core",)), soc=79.99).order() == AC_ORDER


@pytest.mark.parametrize(
    ("station", "vehicle"),
    [
        (Station(energy_transfer_modes=("AC_three_phase_core",)), {"energy": "DC"}),
        (Station(energy_transfer_modes=("AC_three_phase_core",)), {"profile": "truck"}),
        (Station(energy_transfer_modes=("DC_extended",)), {"energy": "AC"}),
        (Station(payment_options=("Contract",)), {}),
    ],
)
def test_where_nothing_fits_the_vehicle_leaves_in_order(station, vehicle):
    pair = charge(station, **vehicle)
    assert pair.order() == [*DC_ORDER[:3], "SessionStopReq"]
    assert (pair.ev.ended.how, pair.secc.ended.how) == ("terminated", "terminated")


# -- what the station says ---------------------------------------------------------------------------------------------


def in_loop(energy, after=5, **station):
    """A session in the charge loop."""
    pair = ConnectionPair(Station(**station), soc=50.0, energy=energy).start()
    loop = "CurrentDemandRes" if energy == "DC" else "ChargingStatusRes"
    pair.run(lambda: pair.names.count(loop) == after)
    return pair


@pytest.mark.parametrize("energy", ["AC", "DC"])
def test_the_vehicle_stops_when_it_is_told_to(energy):
    pair = in_loop(energy)
    pair.secc.station.notification = "StopCharging"
    pair.run()
    assert pair.order() == (AC_ORDER if energy == "AC" else DC_ORDER)
    assert pair.ev.battery.soc < 51.0
    assert pair.ev.ended.how == "terminated"
    loop = "ChargingStatusReq" if energy == "AC" else "CurrentDemandReq"
    assert pair.names.count(loop) == 6


@pytest.mark.parametrize(
    ("energy", "again"),
    [("AC", ["ChargeParameterDiscoveryReq", "PowerDeliveryReq", "ChargingStatusReq"]),
     ("DC", ["ChargeParameterDiscoveryReq", "CableCheckReq", "PreChargeReq", "PowerDeliveryReq", "CurrentDemandReq"])],
)  # fmt: skip
def test_the_vehicle_renegotiates_when_it_is_told_to(energy, again):
    pair = in_loop(energy)
    pair.secc.station.notification = "ReNegotiation"
    before = len(pair.order())
    pair.run(lambda: pair.names.count("PowerDeliveryReq") == 3)
    pair.secc.station.notification = "StopCharging"
    pair.run()
    assert pair.order()[before:][: len(again) + 1] == ["PowerDeliveryReq", *again]
    progress = [body.ChargeProgress for body in pair.bodies("PowerDeliveryReq")]
    assert progress == ["Start", "Renegotiate", "Start", "Stop"]
    assert pair.ev.ended.how == "terminated"
    assert pair.journal.findings == []


@pytest.mark.parametrize("energy", ["AC", "DC"])
def test_the_driver_may_renegotiate(energy):
    pair = in_loop(energy)
    pair.ev.renegotiate(pair.now)
    pair.run(lambda: pair.names.count("PowerDeliveryReq") == 3)
    pair.ev.stop(pair.now)
    pair.run()
    assert [body.ChargeProgress for body in pair.bodies("PowerDeliveryReq")] == [
        "Start",
        "Renegotiate",
        "Start",
        "Stop",
    ]
    assert pair.journal.findings == []


@pytest.mark.parametrize("code", ["EVSE_Shutdown", "EVSE_EmergencyShutdown", "EVSE_Malfunction"])
def test_trouble_in_the_charge_loop_ends_it(code):
    pair = in_loop("DC")
    pair.secc.station.status_code = code
    pair.run()
    assert pair.ev.ended.how == "terminated"
    assert pair.names.count("CurrentDemandReq") == 6
    assert pair.bodies("PowerDeliveryReq")[-1].ChargeProgress == "Stop"
    assert pair.bodies("PowerDeliveryReq")[-1].EVPowerDeliveryParameter.DC_EVStatus.EVReady is False


@pytest.mark.parametrize("name", ["ChargeParameterDiscoveryReq", "CableCheckReq", "PreChargeReq"])
def test_trouble_before_energy_flows_ends_with_session_stop(name):
    pair = ConnectionPair(energy="DC").start()
    pair.run(lambda: name in pair.names)
    pair.secc.station.status_code = "EVSE_Malfunction"
    pair.run()
    assert pair.order()[-2:] == [name, "SessionStopReq"]
    assert pair.ev.ended.how == "terminated"


def test_an_isolation_fault_ends_with_session_stop():
    pair = ConnectionPair(energy="DC").start().run_to_answer("CableCheckReq")
    answer = pair.secc.default_response()
    answer.body.EVSEProcessing = types.EVSEProcessingType.Finished
    answer.body.DC_EVSEStatus.EVSEIsolationStatus = types.isolationLevelType.Fault
    pair.secc.send(answer, pair.now)
    pair.release().run()
    assert pair.order()[-2:] == ["CableCheckReq", "SessionStopReq"]


@pytest.mark.parametrize("energy", ["AC", "DC"])
def test_the_vehicle_signs_for_energy_when_it_is_asked_to(energy):
    pair = in_loop(energy, after=20, receipt_interval=5.0 if energy == "AC" else 1.0)
    pair.secc.station.notification = "StopCharging"
    pair.run()
    loop = "ChargingStatusRes" if energy == "AC" else "CurrentDemandRes"
    asked = [body for body in pair.bodies(loop) if body.ReceiptRequired]
    receipts = pair.bodies("MeteringReceiptReq")
    assert receipts
    assert len(receipts) == len(asked)
    assert [r.MeterInfo for r in receipts] == [body.MeterInfo for body in asked]
    assert receipts[0].SessionID == pair.ev.session_id
    assert pair.journal.findings == []
    assert pair.ev.ended.how == "terminated"


def test_a_voltage_between_two_phases_is_understood():
    pair = charge(Station(nominal_voltage=400.0), soc=79.9, energy="AC")
    (step,) = pair.bodies("PowerDeliveryReq")[0].ChargingProfile.ProfileEntry
    assert to_float(step.ChargingProfileEntryMaxPower) == pytest.approx(11_085, abs=10)


def test_less_current_in_the_ac_loop_is_obeyed():
    pair = in_loop("AC")
    pair.secc.station.phase_current = 10.0
    before, begin = pair.ev.battery.charged, pair.now
    pair.wait(600.0)
    assert (pair.ev.battery.charged - before) == pytest.approx(3 * 230 * 10 * (pair.now - begin) / 3600, rel=0.02)
    pair.secc.station.phase_current = 5.0
    pair.wait(10.0)
    before = pair.ev.battery.charged
    pair.wait(100.0)
    assert pair.ev.battery.charged == before


# -- pause, stop, unplug -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("energy", ["AC", "DC"])
def test_a_pause_is_joined_again_with_the_same_id_and_the_whole_sequence(energy):
    pair = in_loop(energy)
    first = pair.ev.session_id
    pair.ev.pause(pair.now)
    pair.run()
    assert (pair.ev.ended.how, pair.secc.ended.how) == ("paused", "paused")
    soc, before = pair.ev.battery.soc, len(pair.order())
    pair.start()
    pair.run(lambda: pair.names.count("PowerDeliveryRes") == 3)
    assert pair.ev.session_id == first
    assert pair.bodies("SessionSetupRes")[-1].ResponseCode == "OK_OldSessionJoined"
    assert pair.ev.battery.soc >= soc
    assert pair.order()[before:][:6] == DC_ORDER[:6]
    pair.ev.stop(pair.now)
    pair.run()
    assert pair.ev.ended.how == "terminated"
    assert pair.journal.findings == []


def test_a_station_that_has_forgotten_the_pause_begins_anew():
    pair = in_loop("DC")
    first = pair.ev.session_id
    pair.ev.pause(pair.now)
    pair.run()
    pair.secc.paused_session_id = b""
    pair.start().run(lambda: "PowerDeliveryRes" in pair.names[-1:])
    assert pair.bodies("SessionSetupRes")[-1].ResponseCode == "OK_NewSessionEstablished"
    assert pair.ev.session_id != first


@pytest.mark.parametrize("name", DC_ORDER[2:9])
def test_the_driver_may_stop_before_energy_flows(name):
    pair = ConnectionPair(energy="DC").start()
    pair.run(lambda: name in pair.names)
    pair.ev.stop(pair.now)
    pair.run()
    assert pair.order()[-1] == "SessionStopReq"
    assert "CurrentDemandReq" not in pair.order() or name == "PowerDeliveryReq"
    assert (pair.ev.ended.how, pair.secc.ended.how) == ("terminated", "terminated")
    assert pair.journal.findings == []


@pytest.mark.parametrize("energy", ["AC", "DC"])
def test_the_driver_may_stop_in_the_charge_loop(energy):
    pair = in_loop(energy)
    pair.ev.stop(pair.now)
    pair.run()
    assert pair.order() == (AC_ORDER if energy == "AC" else DC_ORDER)
    assert pair.ev.ended.how == "terminated"


def test_the_next_session_of_the_same_pair_is_a_new_one():
    pair = charge(soc=79.99)
    first = pair.secc.session_id
    pair.ev.target_soc = 80.1
    pair.start().run()
    assert pair.ev.ended.how == "terminated"
    assert pair.secc.session_id != first
    assert pair.names.count("SessionStopRes") == 2
    assert {frame.stream for frame in pair.journal.frames} == {0, 1}


# -- settings ----------------------------------------------------------------------------------------------------------


def test_wishes_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="'AC' or 'DC'"):
        SimulatedEV(energy="gas")
    with pytest.raises(ValueError, match="between 0 and 100"):
        SimulatedEV(soc=120.0)
    with pytest.raises(KeyError, match="compact"):
        SimulatedEV("cabrio")


def test_a_profile_of_ones_own_will_do():
    from dataclasses import replace

    own = replace(profile("compact"), capacity=1000.0, dc_current=10.0)
    pair = charge(profile=own, soc=79.0)
    assert max(values(pair, "CurrentDemandReq", "EVTargetCurrent")) <= 10.0
    assert pair.ev.ended.how == "terminated"


def test_every_request_of_the_vehicle_keeps_to_the_schema():
    for name in PROFILES:
        ev = SimulatedEV(name)
        for request in (*DC_ORDER, "ServiceDetailReq", "ChargingStatusReq", "MeteringReceiptReq"):
            assert [f for f in ev.default_request(request).findings if f.severity != "note"] == []
