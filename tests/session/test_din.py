"""DIN SPEC 70121 at the station: sequence, times, answers, and how a session ends there."""

import pytest
from connection_pair import ConnectionPair, Vehicle
from lone_secc import STATES, at, request, rules

from secc_kernel import codec
from secc_kernel.messages import vocabulary
from secc_kernel.messages.din70121 import msg_data_types as types
from secc_kernel.messages.sap import AppProtocolType
from secc_kernel.session.events import Close, SendData
from secc_kernel.session.handshake import choose, offer
from secc_kernel.session.physical import DIN, to_float
from secc_kernel.session.secc import SECC
from secc_kernel.session.sequence import SEQUENCES, Progress
from secc_kernel.session.station import Station
from secc_kernel.session.timers import LIMITS, limit, message_times
from secc_kernel.vehicle import SimulatedEV

STOP = "SessionStop"
#: What may follow what, transcribed apart from the code from the table of yet another station (a charger maker's, after
#: 9.7.4.2.4 of the edition of 2014): response, what counts about it, requests, requirement.
EXPECTED = [
    ("SessionSetup", {}, {STOP, "ServiceDiscovery"}, "439"),
    ("ServiceDiscovery", {}, {STOP, "ServicePaymentSelection"}, "441"),
    ("ServicePaymentSelection", {}, {STOP, "ContractAuthentication"}, "444"),
    ("ContractAuthentication", {"EVSEProcessing": "Ongoing"}, {STOP, "ContractAuthentication"}, "497"),
    ("ContractAuthentication", {"EVSEProcessing": "Finished"}, {STOP, "ChargeParameterDiscovery"}, "495"),
    ("ChargeParameterDiscovery", {"EVSEProcessing": "Ongoing"}, {STOP, "ChargeParameterDiscovery"}, "498"),
    ("ChargeParameterDiscovery", {"EVSEProcessing": "Finished"}, {STOP, "CableCheck"}, "453"),
    ("CableCheck", {"EVSEProcessing": "Ongoing"}, {STOP, "CableCheck"}, "499"),
    ("CableCheck", {"EVSEProcessing": "Finished"}, {STOP, "PreCharge"}, "455"),
    ("PreCharge", {}, {STOP, "PreCharge", "PowerDelivery"}, "458"),
    ("PowerDelivery", {"ReadyToChargeState": True}, {"CurrentDemand"}, "462"),
    ("CurrentDemand", {}, {"CurrentDemand", "PowerDelivery"}, "465"),
    ("PowerDelivery", {"ReadyToChargeState": False}, {STOP, "WeldingDetection"}, "459"),
    ("WeldingDetection", {}, {STOP, "WeldingDetection"}, "469"),
    ("SessionStop", {}, set(), "451"),
]


def message(name, **fields):
    known = {field.name for field in vocabulary("din").message_type(name).__fields__}
    return codec.new("din", name, **{key: value for key, value in fields.items() if key in known})


def in_din():
    progress = Progress()
    progress.negotiated("din")
    return progress


@pytest.mark.parametrize(("pair", "elements", "expected", "requirement"), EXPECTED)
def test_the_successors_are_the_standards(pair, elements, expected, requirement):
    progress = in_din()
    progress.answered(message(pair + "Req", **elements), message(pair + "Res", ResponseCode="OK", **elements))
    assert {name.removesuffix("Req") for name in progress.allowed} == expected
    assert progress.ids == f"[V2G-DC-{requirement}]"
    assert progress.over is (expected == set())


def test_every_row_of_the_table_is_expected():
    assert len(SEQUENCES["din"].rows) == len(EXPECTED)
    assert in_din().allowed == ("SessionSetupReq",)
    assert in_din().ids == "[V2G-DC-437]"


@pytest.mark.parametrize("code", [code for code in types.responseCodeType if code.startswith("FAILED")])
def test_any_failed_response_ends_the_session(code):
    progress = in_din()
    progress.answered(message("ServiceDiscoveryReq"), message("ServiceDiscoveryRes", ResponseCode=code))
    assert progress.over
    assert progress.allowed == ()
    assert progress.ids == "[V2G-DC-665], [V2G-DC-940]"


# -- what vehicles do all the same ------------------------------------------------------------------------------------

IN_LOOP = [("DIN", "PowerDeliveryRes(ReadyToChargeState)"), ("DIN", "CurrentDemandRes")]
IN_CABLE_CHECK = [("DIN", "CableCheckRes"), ("DIN", "CableCheckRes(Finished)")]


@pytest.mark.parametrize("state", IN_LOOP, ids=" ".join)
def test_session_stop_in_the_charge_loop_is_let_pass_with_a_finding(state, sessions):
    secc, vehicle = at(state, sessions, strict=False)
    answer = vehicle.ask(request("SessionStopReq", secc.session_id, "din"))
    assert answer.body.ResponseCode == "OK"
    (finding,) = secc.journal.findings
    assert (finding.rule, finding.severity) == ("sequence", "warning")
    assert "[V2G-DC-462]" in finding.text
    assert not secc.station.closed
    secc.disconnected(secc.now, "closed by the vehicle")
    assert secc.ended.how == "terminated"


@pytest.mark.parametrize("state", IN_CABLE_CHECK, ids=" ".join)
def test_a_vehicle_may_switch_off_in_the_cable_check(state, sessions):
    secc, vehicle = at(state, sessions, strict=False)
    asked = request("PowerDeliveryReq", secc.session_id, "din")
    asked.body.ReadyToChargeState = False
    assert vehicle.ask(asked).body.ResponseCode == "OK"
    assert rules(secc) == ["sequence"]
    assert secc.progress.allowed == ("WeldingDetectionReq", "SessionStopReq")


@pytest.mark.parametrize("state", IN_CABLE_CHECK, ids=" ".join)
def test_a_vehicle_may_not_switch_on_in_the_cable_check(state, sessions):
    secc, vehicle = at(state, sessions, strict=False)
    answer = vehicle.ask(request("PowerDeliveryReq", secc.session_id, "din"))
    assert answer.body.ResponseCode == "FAILED_SequenceError"


@pytest.mark.parametrize("state", [state for state in STATES if state[0] == "DIN"], ids=" ".join)
def test_nothing_else_out_of_sequence_is_let_pass(state, sessions):
    passed = set()
    for name in vocabulary("din").messages:
        secc, vehicle = at(state, sessions, strict=False)
        if name.endswith("Req") and name not in secc.progress.allowed:
            answer = vehicle.ask(request(name, secc.session_id or bytes(8), "din"))
            if answer.body.ResponseCode != "FAILED_SequenceError":
                passed.add(name)
    assert passed == ({"SessionStopReq"} if state in IN_LOOP else set())


# -- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CurrentDemandReq", "ServiceDetailReq"])
def test_after_a_failed_response_the_station_closes_at_once(name, sessions):
    secc, vehicle = at(("DIN", "CableCheckRes"), sessions)
    vehicle.send(request(name, secc.session_id, "din"))
    secc.take_turn(secc.now)
    response, close = secc.outgoing()
    assert isinstance(response, SendData)
    assert isinstance(close, Close)
    assert secc.connection is None
    assert (secc.ended.how, secc.ended.fault) == ("aborted", "EVCC")
    assert secc.next_deadline() is None


def test_a_failed_response_of_a_script_ends_the_session_by_the_stations_fault(sessions):
    secc, vehicle = at(("DIN", "CableCheckRes"), sessions)
    vehicle.send(request("CableCheckReq", secc.session_id, "din"))
    answer = secc.default_response()
    answer.body.ResponseCode = types.responseCodeType.FAILED
    secc.send(answer, secc.now)
    assert (secc.ended.how, secc.ended.fault) == ("aborted", "SECC")


def test_requests_that_wait_when_the_session_fails_are_forgotten(sessions):
    secc, vehicle = at(("DIN", "SessionSetupRes"), sessions)
    vehicle.send(request("CurrentDemandReq", secc.session_id, "din"))
    vehicle.send(request("ServiceDiscoveryReq", secc.session_id, "din"))
    secc.take_turn(secc.now)
    assert [m.name for m in vehicle.received()] == ["CurrentDemandRes"]
    assert secc.turn is None
    assert secc.request is None


def set_up(secc, session_id=bytes(8)):
    vehicle = Vehicle(secc, secc.now).connect()
    vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["din"])))
    return vehicle, vehicle.ask(request("SessionSetupReq", session_id, "din"))


def test_the_last_session_can_be_joined_again_by_its_id():
    secc = SECC()
    vehicle, answer = set_up(secc)
    first = answer.session_id
    assert answer.body.ResponseCode == "OK_NewSessionEstablished"
    vehicle.ask(request("SessionStopReq", first, "din"))
    secc.disconnected(secc.now, "closed by the vehicle")
    assert secc.ended.how == "terminated"
    vehicle, answer = set_up(secc, first)
    assert (answer.body.ResponseCode, answer.session_id) == ("OK_OldSessionJoined", first)
    vehicle.ask(request("SessionStopReq", first, "din"))
    secc.disconnected(secc.now, "closed by the vehicle")
    _, answer = set_up(secc, b"\x11" * 8)
    assert answer.body.ResponseCode == "OK_NewSessionEstablished"
    assert answer.session_id not in (first, b"\x11" * 8)


# -- times ------------------------------------------------------------------------------------------------------------

#: Tables 75 and 77, transcribed apart from the code: seconds.
TIMES = {
    "V2G_SECC_Sequence_Timeout": (60, "SECC"),
    "V2G_EVCC_CommunicationSetup_Timeout": (20, "EVCC"),
    "V2G_EVCC_ReadyToCharge_Timeout": (150, "EVCC"),
    "V2G_EVCC_CableCheck_Timeout": (40, "EVCC"),
    "V2G_EVCC_PreCharge_Timeout": (7, "EVCC"),
    "V2G_EVCC_Ongoing_Timeout": (60, "EVCC"),
    "V2G_SECC_PowerDelivery_Timeout": (20, "SECC"),
    "V2G_SECC_WeldingDetection_Timeout": (20, "SECC"),
    "V2G_SECC_CPState_Detection_Timeout": (1.5, "SECC"),
    "V2G_SECC_CPOscillator_Retain_Time": (1.5, "SECC"),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_named_time_is_the_standards(name):
    found = limit(name, "din")
    assert (found.seconds, found.side) == TIMES[name]
    assert found.kind == "timeout"


def test_the_station_has_no_performance_times_but_one_from_before_the_handshake():
    late = [name for name, entry in LIMITS["din"].items() if entry.kind == "performance"]
    assert late == ["V2G_SECC_CommunicationSetup_Performance_Time"]
    with pytest.raises(KeyError):
        limit("V2G_SECC_Ongoing_Performance_Time", "din")


@pytest.mark.parametrize("name", vocabulary("din").messages)
def test_every_request_and_response_has_the_vehicles_timeout(name):
    times = message_times("din", name)
    assert (times.timeout, times.performance) == (0.25 if name.startswith("CurrentDemand") else 2.0, None)


@pytest.mark.parametrize(
    ("state", "timer"),
    [("PreChargeRes", "V2G_SECC_PowerDelivery_Timeout"), ("WeldingDetectionRes", "V2G_SECC_WeldingDetection_Timeout")],
)
def test_the_vehicle_has_twenty_seconds_from_the_first_request_on(state, timer, sessions):
    secc, vehicle = at(("DIN", state), sessions)
    begin = secc.now
    for seconds in (8.0, 16.0, 19.999):
        vehicle.now = begin + seconds
        vehicle.ask(request(state[:-3] + "Req", secc.session_id, "din"))
    assert secc.connection is not None
    secc.advance(begin + 20.0)
    assert secc.connection is None
    assert secc.ended.fault == "EVCC"
    assert secc.ended.reason.startswith(timer)
    (finding,) = secc.journal.findings
    assert (finding.rule, finding.severity) == (timer, "error")


def test_power_delivery_in_time_ends_that_time(sessions):
    secc, vehicle = at(("DIN", "PreChargeRes"), sessions)
    vehicle.ask(request("PowerDeliveryReq", secc.session_id, "din"))
    assert not secc.timers.running("V2G_SECC_PowerDelivery_Timeout")
    secc.advance(secc.now + 59.0)
    assert secc.connection is not None


def test_no_time_of_iso_15118_2_is_measured(sessions):
    secc, vehicle = at(("DIN", "CableCheckRes"), sessions)
    vehicle.now = secc.now + 45.0
    vehicle.send(request("CableCheckReq", secc.session_id, "din"))
    secc.take_turn(secc.now + 1.9)
    assert rules(secc) == []
    started = {entry.name for entry in secc.journal.entries if entry.kind == "timer"}
    assert started <= set(LIMITS["din"])


# -- answers ----------------------------------------------------------------------------------------------------------


def test_session_setup_tells_the_evse_id_as_the_bytes_of_its_text():
    _, answer = set_up(SECC(Station(EVSEID="KR*TC1*DIN*001")))
    assert answer.body.EVSEID == b"KR*TC1*DIN*001"
    assert answer.body.DateTimeNow is None
    _, answer = set_up(SECC(Station(EVSEID="+49*810*" + "0" * 40, epoch=1_700_000_000.0)))
    assert answer.body.EVSEID.decode() == "+49*810*" + "0" * 24
    assert answer.body.DateTimeNow == 1_700_000_000
    assert not answer.findings


def test_session_setup_has_the_documented_size():
    answer = codec.new(
        "din", "SessionSetupRes", session_id=bytes(8), ResponseCode="FAILED_SequenceError", EVSEID=b"KR*TC1*DIN*001"
    )
    assert len(codec.encode(answer)) == 30


def test_service_discovery_names_one_service_and_no_more_than_that(sessions):
    secc, vehicle = at(("DIN", "SessionSetupRes"), sessions)
    body = vehicle.ask(request("ServiceDiscoveryReq", secc.session_id, "din")).body
    service = body.ChargeService
    assert body.PaymentOptions.PaymentOption == ["ExternalPayment"]
    assert (service.ServiceTag.ServiceID, service.ServiceTag.ServiceCategory) == (1, "EVCharging")
    assert (service.ServiceTag.ServiceName, service.ServiceTag.ServiceScope, body.ServiceList) == (None, None, None)
    assert service.EnergyTransferType == "DC_extended"


@pytest.mark.parametrize(
    ("option", "services", "code"),
    [
        ("ExternalPayment", (1,), "OK"),
        ("Contract", (1,), "FAILED_PaymentSelectionInvalid"),
        ("ExternalPayment", (1, 3), "FAILED_ServiceSelectionInvalid"),
        ("ExternalPayment", (3,), "FAILED_ServiceSelectionInvalid"),
        ("Contract", (3,), "FAILED_ServiceSelectionInvalid"),
    ],
)
def test_payment_and_service_have_to_be_offered(option, services, code, sessions):
    secc, vehicle = at(("DIN", "ServiceDiscoveryRes"), sessions)
    chosen = [types.SelectedServiceType(ServiceID=service) for service in services]
    asked = codec.new(
        "din",
        "ServicePaymentSelectionReq",
        session_id=secc.session_id,
        SelectedPaymentOption=option,
        SelectedServiceList=types.SelectedServiceListType(SelectedService=chosen),
    )
    assert vehicle.ask(asked).body.ResponseCode == code
    assert (secc.connection is None) is (code != "OK")


def parameters(secc, **changes):
    asked = request("ChargeParameterDiscoveryReq", secc.session_id, "din")
    for name, value in changes.items():
        setattr(asked.body if hasattr(asked.body, name) else asked.body.EVChargeParameter, name, value)
    return asked


AC = types.AC_EVChargeParameterType(
    DepartureTime=0, EAmount=DIN.watt_hours(1), EVMaxVoltage=DIN.volts(230), EVMaxCurrent=DIN.amperes(16),
    EVMinCurrent=DIN.amperes(6),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "OK"),
        ({"EVRequestedEnergyTransferType": "DC_core"}, "FAILED_WrongEnergyTransferType"),
        ({"EVRequestedEnergyTransferType": "AC_three_phase_core"}, "FAILED_WrongEnergyTransferType"),
        ({"EVChargeParameter": AC}, "FAILED_WrongChargeParameter"),
        ({"EVMaximumVoltageLimit": DIN.volts(100)}, "FAILED_WrongChargeParameter"),
        ({"EVMaximumCurrentLimit": DIN.amperes(-1)}, "FAILED_WrongChargeParameter"),
    ],
)
def test_type_and_parameters_have_to_fit(changes, code, sessions):
    secc, vehicle = at(("DIN", "ContractAuthenticationRes(Finished)"), sessions)
    assert vehicle.ask(parameters(secc, **changes)).body.ResponseCode == code


def test_the_schedule_covers_a_day_and_is_there_while_the_station_is_not_done(sessions):
    secc, vehicle = at(("DIN", "ContractAuthenticationRes(Finished)"), sessions)
    secc.station.parameter_time = 1.0
    body = vehicle.ask(parameters(secc)).body
    assert body.EVSEProcessing == "Ongoing"
    assert secc.progress.allowed == ("ChargeParameterDiscoveryReq", "SessionStopReq")
    (schedule,) = body.SASchedules.SAScheduleTuple
    (step,) = schedule.PMaxSchedule.PMaxScheduleEntry
    assert (schedule.SAScheduleTupleID, schedule.PMaxSchedule.PMaxScheduleID, schedule.SalesTariff) == (1, 1, None)
    assert (step.TimeInterval.start, step.TimeInterval.duration, step.PMax) == (0, 86400, 32767)
    vehicle.now = secc.now + 1.0
    assert vehicle.ask(parameters(secc)).body.EVSEProcessing == "Finished"


@pytest.mark.parametrize(
    ("tuple_id", "start", "code"),
    [
        (1, 0, "OK"),
        (1, 86400, "OK"),
        (2, 0, "FAILED_TariffSelectionInvalid"),
        (1, 86401, "FAILED_ChargingProfileInvalid"),
    ],
)
def test_a_charging_profile_has_to_be_of_the_schedule(tuple_id, start, code, sessions):
    secc, vehicle = at(("DIN", "PreChargeRes"), sessions)
    asked = request("PowerDeliveryReq", secc.session_id, "din")
    asked.body.ChargingProfile.SAScheduleTupleID = tuple_id
    asked.body.ChargingProfile.ProfileEntry[0].ChargingProfileEntryStart = start
    assert vehicle.ask(asked).body.ResponseCode == code


@pytest.mark.parametrize(
    ("status", "ready", "code"),
    [
        ("EVSE_Malfunction", True, "FAILED_PowerDeliveryNotApplied"),
        ("EVSE_Malfunction", False, "OK"),
        ("EVSE_Ready", True, "OK"),
    ],
)
def test_a_station_out_of_order_delivers_nothing(status, ready, code, sessions):
    secc, vehicle = at(("DIN", "PreChargeRes"), sessions)
    secc.station.status_code = status
    asked = request("PowerDeliveryReq", secc.session_id, "din")
    asked.body.ReadyToChargeState = ready
    body = vehicle.ask(asked).body
    assert (body.ResponseCode, body.EVSEStatus.EVSEStatusCode) == (code, status)


@pytest.mark.parametrize("notification", ["StopCharging", "ReNegotiation"])
def test_a_wish_to_stop_is_a_status_code_and_never_a_notification(notification, sessions):
    secc, vehicle = at(("DIN", "CurrentDemandRes"), sessions)
    secc.station.notification, secc.station.notification_max_delay = notification, 30
    status = vehicle.ask(request("CurrentDemandReq", secc.session_id, "din")).body.DC_EVSEStatus
    assert (status.EVSENotification, status.NotificationMaxDelay) == ("None", 0)
    assert status.EVSEStatusCode == ("EVSE_Shutdown" if notification == "StopCharging" else "EVSE_Ready")


def test_the_charge_loop_tells_all_limits(sessions):
    secc, vehicle = at(("DIN", "CurrentDemandRes"), sessions)
    body = vehicle.ask(request("CurrentDemandReq", secc.session_id, "din")).body
    station = secc.station
    told = (body.EVSEMaximumVoltageLimit, body.EVSEMaximumCurrentLimit, body.EVSEMaximumPowerLimit)
    limits = (station.maximum_voltage, station.maximum_current, station.maximum_power)
    assert tuple(map(to_float, told)) == limits


# -- handshake --------------------------------------------------------------------------------------------------------


def entry(namespace, major, minor, schema_id, priority):
    return AppProtocolType(
        ProtocolNamespace=namespace, VersionNumberMajor=major, VersionNumberMinor=minor, SchemaID=schema_id,
        Priority=priority,
    )  # fmt: skip


TESLA = [entry("urn:din:70121:2012:MsgDef", 2, 0, 1, 2), entry("urn:tesla:din:2018:MsgDef", 0, 7, 2, 1)]


@pytest.mark.parametrize("preference", ["standard", "latest", "oldest"])
@pytest.mark.parametrize("supported", [["din"], ["iso2", "din"]])
def test_teslas_own_protocol_is_neither_chosen_nor_in_the_way(supported, preference):
    found = choose(TESLA, supported, preference)
    assert (found.ResponseCode, found.SchemaID, found.schema) == ("OK_SuccessfulNegotiation", 1, "din")
    assert choose(TESLA, ["iso2"], preference).ResponseCode == "Failed_NoNegotiation"
    assert choose(TESLA[1:], supported, preference).ResponseCode == "Failed_NoNegotiation"


def test_a_station_without_dc_takes_no_part():
    secc = SECC(Station(energy_transfer_modes=("AC_three_phase_core",)))
    assert secc.supported == ("iso2",)
    vehicle = Vehicle(secc).connect()
    answer = vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=TESLA))
    assert answer.body.ResponseCode == "Failed_NoNegotiation"
    assert answer.body.SchemaID is None


CARS = {"din only": ("din",), "both, 15118 first": ("iso2", "din"), "both, DIN first": ("din", "iso2")}


@pytest.mark.parametrize("preference", ["standard", "latest", "oldest"])
@pytest.mark.parametrize("station", [("din",), ("iso2",), ("iso2", "din"), ("din", "iso2")])
@pytest.mark.parametrize("car", CARS)
def test_vehicle_and_station_agree_or_part_in_order(car, station, preference):
    offers = CARS[car]
    common = [key for key in offers if key in station]
    pair = ConnectionPair(secc={"protocols": station, "preference": preference}, protocols=offers, soc=79.99)
    pair.start().run(lambda: pair.ev.schema is not None)
    if not common:
        assert pair.names == ["supportedAppProtocolReq", "supportedAppProtocolRes"]
        assert "Failed_NoNegotiation" in pair.ev.ended.reason
        assert pair.secc.ended.how == "aborted"
        return
    newest = [key for key in ("iso2", "din") if key in common]
    expected = {"standard": common[0], "latest": newest[0], "oldest": newest[-1]}[preference]
    assert pair.ev.schema == pair.secc.schema == expected


def test_a_lone_vehicle_makes_its_requests_in_the_words_that_it_prefers():
    assert SimulatedEV(protocols=("din", "iso2")).default_request("SessionSetupReq").schema == "din"
    assert SimulatedEV(protocols=("din",)).default_request("AuthorizationReq").schema == "iso2"
