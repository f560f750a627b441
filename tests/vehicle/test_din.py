"""Whole charges by DIN SPEC 70121, and the vehicle's side of it."""

import time
from itertools import pairwise

import pytest
from connection_pair import ConnectionPair

from secc_kernel.messages.din70121 import msg_data_types as types
from secc_kernel.session.events import LocalProtocolError
from secc_kernel.session.physical import to_float
from secc_kernel.session.station import Station
from secc_kernel.session.timers import message_times
from secc_kernel.vehicle import PROFILES, SimulatedEV

ORDER = [
    "supportedAppProtocolReq",
    "SessionSetupReq",
    "ServiceDiscoveryReq",
    "ServicePaymentSelectionReq",
    "ContractAuthenticationReq",
    "ChargeParameterDiscoveryReq",
    "CableCheckReq",
    "PreChargeReq",
    "PowerDeliveryReq",
    "CurrentDemandReq",
    "PowerDeliveryReq",
    "WeldingDetectionReq",
    "SessionStopReq",
]
DC_PROFILES = [name for name, profile in PROFILES.items() if "din" in profile.protocols]


def charge(station=None, **vehicle):
    return ConnectionPair(station, **{"protocols": ("din",), **vehicle}).start().run()


def held(name, **station):
    """A session in which the station has received ``name`` and not answered it."""
    settings = {"authorization_time": 0.0, "parameter_time": 0.0, "isolation_time": 0.0, **station}
    pair = ConnectionPair(Station(**settings), soc=79.99, protocols=("din",)).start()
    return pair.run_to_answer(name)


def in_loop(after=5, **vehicle):
    pair = ConnectionPair(soc=50.0, **{"protocols": ("din",), **vehicle}).start()
    return pair.run(lambda: pair.names.count("CurrentDemandRes") == after)


@pytest.fixture(scope="module")
def whole():
    """A charge from 74 to 80 percent, and the processor time that it took."""
    begin = time.process_time()
    pair = charge(soc=74.0)
    return pair, time.process_time() - begin


def values(pair, message, element):
    return [to_float(getattr(body, element)) for body in pair.bodies(message)]


# -- whole charges ----------------------------------------------------------------------------------------------------


def test_a_charge_goes_from_the_handshake_to_the_session_stop(whole):
    pair, _ = whole
    assert pair.order() == ORDER
    assert pair.journal.findings == []
    assert (pair.ev.ended.how, pair.secc.ended.how) == ("terminated", "terminated")
    assert pair.names.count("CurrentDemandRes") > 300
    assert {frame.schema for frame in pair.journal.frames} == {"sap", "din"}
    assert all(not frame.message.findings for frame in pair.journal.frames)
    assert all(b.ResponseCode.startswith("OK") for name in ORDER[1:] for b in pair.bodies(name[:-3] + "Res"))


def test_a_charge_is_fast(whole):
    assert whole[1] < 3.0


def test_battery_and_meter_agree(whole):
    pair, _ = whole
    assert pair.ev.battery.soc == pytest.approx(80.0, abs=0.05)
    assert pair.secc.station.energy == pytest.approx(pair.ev.battery.charged, rel=0.02)


def test_what_the_vehicle_says_of_its_battery(whole):
    pair, _ = whole
    shown = [body.DC_EVStatus.EVRESSSOC for body in pair.bodies("CurrentDemandReq")]
    assert (shown[0], shown[-1]) == (74, 79)
    assert all(0 <= b - a <= 1 for a, b in pairwise(shown))
    (asked,) = {(p.FullSOC, p.BulkSOC, to_float(p.EVEnergyCapacity))
                for b in pair.bodies("ChargeParameterDiscoveryReq") if (p := b.EVChargeParameter)}  # fmt: skip
    assert asked == (100, 80, 16_000.0)
    ready = [body.ReadyToChargeState for body in pair.bodies("PowerDeliveryReq")]
    assert ready == [True, False]
    started, stopped = pair.bodies("PowerDeliveryReq")
    assert started.ChargingProfile.SAScheduleTupleID == 1
    assert started.ChargingProfile.ProfileEntry[0].ChargingProfileEntryMaxPower == 32767
    assert stopped.ChargingProfile is None
    assert stopped.EVPowerDeliveryParameter.ChargingComplete is True
    assert [b.EVPowerDeliveryParameter.DC_EVStatus.EVReady for b in (started, stopped)] == [True, True]


def test_voltage_and_current_stay_within_both_sides_limits(whole):
    pair, _ = whole
    car, station = pair.ev.profile, pair.secc.station
    voltages = values(pair, "CurrentDemandRes", "EVSEPresentVoltage")
    currents = values(pair, "CurrentDemandRes", "EVSEPresentCurrent")
    assert max(voltages) <= min(car.maximum_voltage, station.maximum_voltage)
    assert max(currents) <= min(car.dc_current, station.maximum_current)
    assert max(values(pair, "CurrentDemandReq", "EVTargetCurrent")) > 40.0


def test_the_same_charge_gives_the_same_journal_byte_for_byte(tmp_path):
    for name in ("first", "second"):
        charge(soc=79.0).journal.save(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert (tmp_path / "first").stat().st_size > 50_000


@pytest.mark.parametrize("name", DC_PROFILES)
def test_every_profile_charges(name):
    pair = charge(profile=name, soc=79.9)
    assert pair.order() == [step for step in ORDER if PROFILES[name].welding_detection or "Welding" not in step]
    assert pair.journal.findings == []
    assert pair.ev.battery.soc >= 80.0


@pytest.mark.parametrize("welding", [True, False])
def test_welding_detection_is_the_vehicles_choice(welding):
    pair = charge(soc=79.99, welding_detection=welding)
    assert ("WeldingDetectionReq" in pair.names) is welding
    assert pair.ev.ended.how == "terminated"
    assert pair.journal.findings == []


def test_the_old_car_offers_nothing_else():
    pair = ConnectionPair(profile="veteran", soc=79.99).start().run()
    (offered,) = pair.bodies("supportedAppProtocolReq")
    assert [entry.ProtocolNamespace for entry in offered.AppProtocol] == ["urn:din:70121:2012:MsgDef"]
    assert pair.ev.ended.how == "terminated"


@pytest.mark.parametrize(("energy", "expected"), [(None, ("iso2", "din")), ("DC", ("iso2", "din")), ("AC", ("iso2",))])
def test_for_ac_only_what_can_do_ac_is_offered(energy, expected):
    assert SimulatedEV(energy=energy).protocols == expected


def test_where_nothing_can_do_ac_the_vehicle_leaves_in_order():
    pair = ConnectionPair(profile="veteran", energy="AC").start().run()
    assert pair.order() == [*ORDER[:3], "SessionStopReq"]
    assert pair.ev.ended.how == "terminated"


@pytest.mark.parametrize(
    ("offer", "mode"),
    [
        ("DC_core", "DC_core"),
        ("DC_combo_core", "DC_combo_core"),
        ("AC_core3p_DC_extended", "DC_extended"),
        ("AC_single_DC_core", "DC_core"),
        ("AC_single_phase_core", None),
    ],
)
def test_the_one_type_that_a_station_offers_is_understood(offer, mode):
    pair = held("ServiceDiscoveryReq")
    answer = pair.secc.default_response()
    answer.body.ChargeService.EnergyTransferType = types.EVSESupportedEnergyTransferType(offer)
    pair.secc.send(answer, pair.now)
    pair.release()
    pair.run(lambda: len(pair.order()) > 5 or pair.ev.ended is not None)
    assert pair.ev.mode == mode
    if mode is None:
        assert pair.order()[-1] == "SessionStopReq"
    else:
        assert pair.bodies("ChargeParameterDiscoveryReq")[0].EVRequestedEnergyTransferType == mode


# -- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(dict.fromkeys(ORDER)))
def test_each_request_has_its_message_timeout(name):
    pair = held(name)
    seconds = message_times("din" if name != ORDER[0] else "sap", name).timeout
    pair.wait(seconds - 0.001)
    assert pair.ev.ended is None
    pair.wait_until(pair.now + 0.002)
    assert pair.ev.ended.reason.startswith(f"V2G_EVCC_Msg_Timeout: no response to {name}")
    assert pair.ev.ended.fault == "SECC"


@pytest.mark.parametrize(
    ("setting", "timer", "request_", "seconds"),
    [
        ({"authorization_time": None}, "V2G_EVCC_Ongoing_Timeout", "ContractAuthenticationRes", 60.0),
        ({"parameter_time": 1e6}, "V2G_EVCC_Ongoing_Timeout", "ChargeParameterDiscoveryRes", 60.0),
        ({"isolation_time": 1e6}, "V2G_EVCC_CableCheck_Timeout", "CableCheckReq", 40.0),
        ({"voltage_rate": 1.0}, "V2G_EVCC_PreCharge_Timeout", "PreChargeReq", 7.0),
    ],
)
def test_the_vehicle_waits_so_long_and_no_longer(setting, timer, request_, seconds):
    pair = ConnectionPair(Station(**setting), protocols=("din",)).start().run()
    begin = pair.frames(request_)[0].time
    assert pair.timers(timer)[-2:] == [(begin, "start"), (begin + seconds, "expired")]
    assert pair.ev.ended.reason.startswith(timer)
    assert pair.secc.ended.fault == "EVCC"


def test_from_plugging_in_to_power_delivery_there_are_a_hundred_and_fifty_seconds():
    slow = Station(authorization_time=59.0, parameter_time=59.0, isolation_time=39.0)
    pair = ConnectionPair(slow, protocols=("din",)).start().run()
    assert pair.ev.ended.reason.startswith("V2G_EVCC_ReadyToCharge_Timeout")
    assert pair.now == 150.0
    quick = ConnectionPair(Station(authorization_time=50.0, isolation_time=39.0), soc=79.9, protocols=("din",))
    quick.start().run()
    assert quick.ev.ended.how == "terminated"
    ((begin, _), (stopped, what)) = quick.timers("V2G_EVCC_ReadyToCharge_Timeout")
    assert what == "stop"
    assert begin == quick.frames("supportedAppProtocolRes")[0].time
    assert stopped == quick.frames("PowerDeliveryRes")[0].time


def test_iso_15118_2_has_no_such_time():
    pair = ConnectionPair(soc=79.9, protocols=("iso2", "din")).start().run()
    assert pair.timers("V2G_EVCC_ReadyToCharge_Timeout") == []


def test_in_a_regular_session_every_timer_is_stopped_and_none_expires(whole):
    pair, _ = whole
    running = {}
    for entry in pair.journal.entries:
        if entry.kind == "timer":
            assert entry.what != "expired"
            running[entry.name] = entry.what == "start"
    assert running
    assert not any(running.values())


# -- what the station says, and the driver ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(dict.fromkeys(ORDER[1:])))
def test_a_failed_response_ends_the_session_on_both_sides(name):
    pair = held(name)
    answer = pair.secc.default_response()
    answer.body.ResponseCode = types.responseCodeType.FAILED
    pair.secc.send(answer, pair.now)
    pair.settle()
    assert (pair.ev.ended.how, pair.ev.ended.fault) == ("aborted", "SECC")
    assert (pair.secc.ended.how, pair.secc.ended.fault) == ("aborted", "SECC")
    assert pair.secc.connection is None


@pytest.mark.parametrize("how", ["notification", "status_code"])
def test_the_vehicle_stops_when_the_station_wants_to(how):
    pair = in_loop()
    setattr(pair.secc.station, how, "StopCharging" if how == "notification" else "EVSE_EmergencyShutdown")
    pair.run()
    assert pair.order() == ORDER
    assert pair.names.count("CurrentDemandReq") == 6
    assert pair.bodies("PowerDeliveryReq")[-1].EVPowerDeliveryParameter.DC_EVStatus.EVReady is False


def test_the_notification_of_a_station_that_uses_it_is_heeded():
    pair = in_loop()
    pair.run_to_answer("CurrentDemandReq")
    answer = pair.secc.default_response()
    answer.body.DC_EVSEStatus.EVSENotification = types.EVSENotificationType.StopCharging
    pair.secc.send(answer, pair.now)
    pair.release().run()
    assert pair.order() == ORDER


def test_there_is_no_renegotiation():
    pair = in_loop()
    with pytest.raises(LocalProtocolError, match="DIN SPEC 70121 knows no renegotiation"):
        pair.ev.renegotiate(pair.now)
    pair.run_to_answer("CurrentDemandReq")
    answer = pair.secc.default_response()
    answer.body.DC_EVSEStatus.EVSENotification = types.EVSENotificationType.ReNegotiation
    pair.secc.send(answer, pair.now)
    pair.release()
    pair.run(lambda: pair.names.count("CurrentDemandReq") == 10)
    assert pair.ev.goal == "charge"


@pytest.mark.parametrize("name", ORDER[2:9])
def test_the_driver_may_stop_before_energy_flows(name):
    pair = ConnectionPair(protocols=("din",)).start()
    pair.run(lambda: name in pair.names)
    pair.ev.stop(pair.now)
    pair.run()
    assert pair.order()[-1] == "SessionStopReq"
    assert (pair.ev.ended.how, pair.secc.ended.how) == ("terminated", "terminated")
    assert pair.journal.findings == []


def test_a_pause_is_joined_again_with_the_same_id():
    pair = in_loop()
    first = pair.ev.session_id
    pair.ev.pause(pair.now)
    pair.run()
    assert (pair.ev.ended.how, pair.secc.ended.how) == ("paused", "terminated")
    pair.start().run(lambda: pair.names.count("PowerDeliveryRes") == 3)
    assert pair.ev.session_id == first
    assert pair.bodies("SessionSetupRes")[-1].ResponseCode == "OK_OldSessionJoined"
    pair.ev.stop(pair.now)
    pair.run()
    assert pair.ev.ended.how == "terminated"
    assert pair.ev.paused_session_id == b""


def test_the_next_session_may_be_by_the_other_standard():
    pair = ConnectionPair(soc=79.99, secc={"protocols": ["din"]}).start().run()
    pair.secc.offer_protocols(["iso2"])
    pair.ev.target_soc = 80.1
    pair.start().run()
    assert [frame.schema for frame in pair.frames("SessionStopRes")] == ["din", "iso2"]
    assert pair.journal.findings == []


# -- real stations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["OK", "OK_NewSessionEstablished"])
@pytest.mark.parametrize("session_id", [bytes.fromhex("06ef0071"), bytes.fromhex("000000003bc13513")])
def test_a_session_id_of_four_bytes_and_a_plain_ok_will_do(code, session_id):
    """As a Supercharger and an ABB have answered."""
    pair = held("SessionSetupReq")
    answer = pair.secc.default_response()
    answer.header.SessionID, answer.body.EVSEID = session_id, b"\0"
    answer.body.ResponseCode = types.responseCodeType(code)
    pair.secc.send(answer, pair.now)
    pair.release().run()
    assert pair.ev.ended.how == "terminated"
    assert {frame.message.session_id for frame in pair.frames("SessionStopReq")} == {session_id}


def test_a_station_that_does_not_answer_the_welding_detection_is_left():
    """As ABB's do."""
    pair = held("WeldingDetectionReq")
    pair.wait(2.0)
    assert pair.ev.ended.reason.startswith("V2G_EVCC_Msg_Timeout: no response to WeldingDetectionReq")


def test_an_empty_schedule_will_do():
    """As an open station sends it."""
    pair = held("ChargeParameterDiscoveryReq")
    answer = pair.secc.default_response()
    answer.body.SASchedules = types.SASchedulesType()
    pair.ev.observe(pair.secc.request, answer)
    assert (pair.ev.told.tuple_id, pair.ev.told.schedule) == (1, 0.0)
    assert pair.ev.told.current == pair.secc.station.maximum_current


def test_every_request_of_the_vehicle_keeps_to_the_schema():
    for name in DC_PROFILES:
        ev = SimulatedEV(name, protocols=("din",))
        for request in ORDER:
            assert ev.default_request(request).findings == []
