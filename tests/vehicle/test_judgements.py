"""What a script gets wrong on purpose, and what the vehicle does about it.

The numbers are those of the compact car: 88 cells, so 369.6 V at most, 321 V at 40 % (88 x 3.65 V), 351 V at 80 %.
"""

import pytest
from connection_pair import ConnectionPair

from secc_kernel import codec
from secc_kernel.messages import vocabulary
from secc_kernel.messages.din70121 import msg_data_types as din
from secc_kernel.messages.iso15118_2 import msg_data_types as iso2
from secc_kernel.session.journal import NoteEntry
from secc_kernel.session.station import Station
from secc_kernel.vehicle import PROFILES, Judge, SimulatedEV
from secc_kernel.vehicle.judge import applicable, rules

TYPES = {"iso2": iso2, "din": din}
ORDERLY, CLOSED, GOES_ON = "orderly", "closed", "goes on"


def volts(schema, value):
    types = TYPES[schema]
    return types.PhysicalValueType(Multiplier=0, Unit=types.unitSymbolType.V, Value=value)


def amperes(schema, value):
    types = TYPES[schema]
    return types.PhysicalValueType(Multiplier=0, Unit=types.unitSymbolType.A, Value=value)


def tampered(request, change, *, schema="iso2", energy="DC", profile="compact", times=1, soc=79.99, **vehicle):
    """A session in which the first answers to a request are changed by a script."""
    quick = {"authorization_time": 0.0, "parameter_time": 0.0, "isolation_time": 0.0}
    pair = ConnectionPair(Station(**quick), profile=profile, protocols=(schema,), energy=energy, soc=soc, **vehicle)
    left = times

    def holds(party):
        nonlocal left
        if party is not pair.secc or party.turn != request or left == 0:
            return False
        left -= 1
        answer = pair.secc.default_response()
        change(answer, TYPES[schema])
        pair.secc.send(answer, pair.now)
        return False

    pair.holds = holds
    return pair.start()


def outcome(pair):
    """How the vehicle took it."""
    if pair.ev.ended.how == "aborted":
        assert pair.ev.ended.fault == "SECC"
        return CLOSED
    stopped = any(isinstance(e, NoteEntry) and e.text.startswith("the EV stops: ") for e in pair.journal.entries)
    return ORDERLY if stopped else GOES_ON


def found(pair):
    """The vehicle's findings: rule and severity, without those of the station about itself."""
    return [(f.rule, f.severity) for f in pair.journal.findings if f.rule in rules()]


def status(answer):
    body = answer.body
    holder = getattr(body, "EVSEChargeParameter", body)
    return next(s for name in ("DC_EVSEStatus", "AC_EVSEStatus", "EVSEStatus") if (s := getattr(holder, name, None)))


def set_isolation(level):
    return lambda answer, types: setattr(
        status(answer), "EVSEIsolationStatus", level and types.isolationLevelType(level)
    )


def set_status(code):
    return lambda answer, types: setattr(status(answer), "EVSEStatusCode", types.DC_EVSEStatusCodeType(code))


def set_notification(wish):
    return lambda answer, types: setattr(status(answer), "EVSENotification", types.EVSENotificationType(wish))


def set_value(name, value):
    return lambda answer, types: setattr(answer.body, name, value)


def set_voltage(name, value):
    return lambda answer, types: setattr(answer.body, name, volts(answer.schema, value))


def set_limit(name, make, value):
    return lambda answer, types: setattr(answer.body.EVSEChargeParameter, name, make(answer.schema, value))


def ac_status(answer, types):
    return iso2.AC_EVSEStatusType(NotificationMaxDelay=0, EVSENotification=iso2.EVSENotificationType.None_, RCD=False)


def ac_parameters(answer, types):
    answer.body.EVSEChargeParameter = iso2.AC_EVSEChargeParameterType(
        AC_EVSEStatus=ac_status(answer, types),
        EVSENominalVoltage=volts("iso2", 230),
        EVSEMaxCurrent=amperes("iso2", 16),
    )


def dc_parameters(answer, types):
    wrong = types.DC_EVSEStatusType(
        NotificationMaxDelay=0,
        EVSENotification=types.EVSENotificationType.None_,
        EVSEStatusCode=types.DC_EVSEStatusCodeType.EVSE_Ready,
    )
    answer.body.EVSEChargeParameter = iso2.DC_EVSEChargeParameterType(
        DC_EVSEStatus=wrong,
        EVSEMaximumCurrentLimit=amperes("iso2", 100),
        EVSEMaximumPowerLimit=types.PhysicalValueType(Multiplier=3, Unit=types.unitSymbolType.W, Value=50),
        EVSEMaximumVoltageLimit=volts("iso2", 500),
        EVSEMinimumCurrentLimit=amperes("iso2", 0),
        EVSEMinimumVoltageLimit=volts("iso2", 150),
        EVSEPeakCurrentRipple=amperes("iso2", 1),
    )


def charge_service(answer):
    service = answer.body.ChargeService
    return getattr(service, "ServiceTag", service)


def set_category(answer, types):
    charge_service(answer).ServiceCategory = types.serviceCategoryType.Internet


def no_schedules(answer, types):
    answer.body.SASchedules = None


# -- what is wrong, in both standards ----------------------------------------------------------------------------------

#: Name: request, change, what the vehicle does, rule, severity.
DC_CASES = {
    "isolation invalid": ("CableCheckReq", set_isolation("Invalid"), ORDERLY, "isolation", "error"),
    "isolation fault": ("CableCheckReq", set_isolation("Fault"), ORDERLY, "isolation.fault", "error"),
    "isolation warning": ("CableCheckReq", set_isolation("Warning"), GOES_ON, "isolation.warning", "warning"),
    "isolation fault in the loop": ("CurrentDemandReq", set_isolation("Fault"), ORDERLY, "isolation.fault", "error"),
    "monitoring stays": (
        "CableCheckReq", set_status("EVSE_IsolationMonitoringActive"), ORDERLY, "evse-status.monitoring", "warning",
    ),
    "monitoring in the loop": (
        "CurrentDemandReq", set_status("EVSE_IsolationMonitoringActive"), ORDERLY, "evse-status.monitoring", "warning",
    ),
    "malfunction": ("CurrentDemandReq", set_status("EVSE_Malfunction"), ORDERLY, "evse-status", "warning"),
    "emergency": ("PreChargeReq", set_status("EVSE_EmergencyShutdown"), ORDERLY, "evse-status", "warning"),
    "utility": ("PowerDeliveryReq", set_status("EVSE_UtilityInterruptEvent"), ORDERLY, "evse-status", "warning"),
    "shutdown": ("CurrentDemandReq", set_status("EVSE_Shutdown"), ORDERLY, None, None),
    "stop charging": ("CurrentDemandReq", set_notification("StopCharging"), ORDERLY, None, None),
    "voltage limit below the battery": (
        "ChargeParameterDiscoveryReq", set_limit("EVSEMaximumVoltageLimit", volts, 300), ORDERLY, "voltage-limit",
        "warning",
    ),
    "minimum voltage above the battery": (
        "ChargeParameterDiscoveryReq", set_limit("EVSEMinimumVoltageLimit", volts, 400), ORDERLY,
        "voltage-limit.minimum", "warning",
    ),
    "no current": (
        "ChargeParameterDiscoveryReq", set_limit("EVSEMaximumCurrentLimit", amperes, 0), ORDERLY, "current-limit",
        "warning",
    ),
    "pre-charge with 900 V": (
        "PreChargeReq", set_voltage("EVSEPresentVoltage", 900), ORDERLY, "precharge-voltage", "error",
    ),
    "pre-charge begins with the isolation test's 500 V": (
        "PreChargeReq", set_voltage("EVSEPresentVoltage", 500), GOES_ON, None, None,
    ),
    "a stale voltage": (
        "CurrentDemandReq", set_voltage("EVSEPresentVoltage", 500), GOES_ON, None, None,
    ),
    "no charge service": ("ServiceDiscoveryReq", set_category, ORDERLY, "charge-service", "error"),
    "no session id": (
        "SessionSetupReq", lambda answer, types: setattr(answer.header, "SessionID", bytes(8)), CLOSED,
        "session-id.zero", "error",
    ),
    "another session id": (
        "CableCheckReq", lambda answer, types: setattr(answer.header, "SessionID", b"\x0f" * 8), CLOSED, "session-id",
        "error",
    ),
    "joined unasked": (
        "SessionSetupReq", set_value("ResponseCode", "OK_OldSessionJoined"), CLOSED, "session-joined", "error",
    ),
    "a code that says nothing": (
        "SessionSetupReq", set_value("ResponseCode", "OK"), GOES_ON, "session-code", "warning",
    ),
    "failed": ("CableCheckReq", set_value("ResponseCode", "FAILED"), CLOSED, None, None),
}  # fmt: skip


@pytest.mark.parametrize("schema", ["iso2", "din"])
@pytest.mark.parametrize("name", DC_CASES)
def test_what_a_vehicle_does_about_a_wrong_response_by_dc(name, schema):
    request, change, expected, rule, severity = DC_CASES[name]
    pair = tampered(request, change, schema=schema).run()
    assert outcome(pair) == expected
    assert found(pair) == ([(rule, severity)] if rule else [])
    if rule:
        (finding,) = [f for f in pair.journal.findings if f.rule == rule]
        assert pair.journal.frames[finding.message].name == request[:-3] + "Res"
        assert finding.text.startswith(request[:-3] + "Res")


@pytest.mark.parametrize("schema", ["iso2", "din"])
def test_a_charge_service_of_another_number_is_selected_by_it(schema):
    """As a Supercharger of the recorded sessions has it."""
    pair = tampered("ServiceDiscoveryReq", lambda a, t: setattr(charge_service(a), "ServiceID", 4660), schema=schema)
    asks = "PaymentServiceSelectionReq" if schema == "iso2" else "ServicePaymentSelectionReq"
    pair.run(lambda: asks in pair.names)
    (selected,) = pair.bodies(asks)[0].SelectedServiceList.SelectedService
    assert selected.ServiceID == 4660
    assert found(pair) == [("charge-service.id", "warning")]


@pytest.mark.parametrize("schema", ["iso2", "din"])
def test_a_cable_check_that_says_nothing_of_the_isolation(schema):
    """Cars of three makers went on: test_judged_recordings.py."""
    pair = tampered("CableCheckReq", set_isolation(None), schema=schema).run()
    assert outcome(pair) == GOES_ON
    assert found(pair) == [("isolation.unsaid", "warning")]


@pytest.mark.parametrize(
    ("energy", "request_", "change", "rule"),
    [
        ("DC", "ChargeParameterDiscoveryReq", ac_parameters, "energy-kind"),
        ("AC", "ChargeParameterDiscoveryReq", dc_parameters, "energy-kind"),
        ("DC", "PowerDeliveryReq", lambda a, t: setattr(a.body, "EVSEStatus", ac_status(a, t)), "energy-kind"),
        ("DC", "CurrentDemandReq", set_value("SAScheduleTupleID", 7), "schedule-tuple"),
        ("AC", "ChargingStatusReq", set_value("SAScheduleTupleID", 7), "schedule-tuple"),
        ("AC", "ChargeParameterDiscoveryReq", no_schedules, "schedules"),
        ("AC", "ChargeParameterDiscoveryReq", set_limit("EVSEMaxCurrent", amperes, 0), "current-limit"),
        ("AC", "ChargeParameterDiscoveryReq", lambda a, t: setattr(status(a), "RCD", True), "rcd"),
        ("AC", "ChargingStatusReq", lambda a, t: setattr(status(a), "RCD", True), "rcd"),
        ("AC", "PowerDeliveryReq", lambda a, t: setattr(status(a), "RCD", True), "rcd"),
        ("DC", "CableCheckReq", set_isolation("No_IMD"), "isolation"),
    ],
)  # fmt: skip
def test_what_only_iso_15118_2_can_say(energy, request_, change, rule):
    pair = tampered(request_, change, energy=energy).run()
    assert outcome(pair) == ORDERLY
    assert [name for name, _ in found(pair)] == [rule]


@pytest.mark.parametrize("energy", ["AC", "DC"])
def test_in_the_loop_an_orderly_end_is_power_delivery_and_session_stop(energy):
    loop = "CurrentDemandReq" if energy == "DC" else "ChargingStatusReq"
    pair = tampered(loop, set_value("SAScheduleTupleID", 7), energy=energy, soc=50.0).run()
    end = ["PowerDeliveryReq", "WeldingDetectionReq", "SessionStopReq"]
    assert pair.order()[pair.order().index(loop) + 1 :] == [
        step for step in end if energy == "DC" or "Welding" not in step
    ]
    assert pair.names.count(loop) == 1
    assert pair.bodies("PowerDeliveryReq")[-1].ChargeProgress == "Stop"
    assert pair.ev.battery.soc < 51.0


def test_before_energy_flows_an_orderly_end_is_session_stop():
    pair = tampered("PreChargeReq", set_voltage("EVSEPresentVoltage", 900)).run()
    assert pair.order()[-2:] == ["PreChargeReq", "SessionStopReq"]
    assert pair.names.count("PreChargeReq") == 1


@pytest.mark.parametrize(
    ("request_", "change", "code"),
    [
        ("CurrentDemandReq", set_isolation("Fault"), "NO_ERROR"),
        ("PowerDeliveryReq", set_status("EVSE_Malfunction"), "NO_ERROR"),
        ("PowerDeliveryReq", lambda a, t: setattr(a.body, "EVSEStatus", ac_status(a, t)),
         "FAILED_ChargingSystemIncompatibility"),
    ],
)  # fmt: skip
def test_the_vehicle_says_what_is_wrong_with_it_and_is_not_ready(request_, change, code):
    pair = tampered(request_, change).run()
    said = pair.bodies("PowerDeliveryReq")[-1].EVPowerDeliveryParameter.DC_EVStatus
    assert (said.EVReady, said.EVErrorCode) == (False, code)


# -- voltages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("present", "high"), [(500, True), (407, True), (406, False), (290, False), (10, True)])
@pytest.mark.parametrize("schema", ["iso2", "din"])
def test_a_wrong_voltage_may_stay_for_five_seconds(present, high, schema):
    """369.6 V + 10 % are 406.6 V; 90 % of the battery's 321 V are 289 V."""
    wrong = set_voltage("EVSEPresentVoltage", present)
    pair = tampered("CurrentDemandReq", wrong, schema=schema, soc=40.0, times=-1)
    pair.run(lambda: pair.ev.leaving or pair.names.count("CurrentDemandReq") > 60)
    assert pair.ev.leaving is high
    if high:
        begin = pair.frames("CurrentDemandRes")[0].time
        assert pair.now - begin == pytest.approx(5.0, abs=0.2)
        pair.run()
        assert pair.ev.ended.reason.startswith("the vehicle ended the session: CurrentDemandRes: EVSEPresentVoltage")
        assert pair.ev.ended.reason.endswith(", for 5 s")
        stopped = pair.bodies("PowerDeliveryReq")[-1].EVPowerDeliveryParameter.DC_EVStatus
        assert stopped.EVErrorCode == "FAILED_ChargingVoltageOutOfRange"
    assert len(found(pair)) == int(high)


def test_a_voltage_that_never_comes_ends_the_pre_charge():
    pair = tampered("PreChargeReq", set_voltage("EVSEPresentVoltage", 450), times=-1, soc=40.0).run()
    begin = pair.frames("PreChargeReq")[0].time
    assert pair.now == pytest.approx(begin + 7.0, abs=0.1)
    assert outcome(pair) == CLOSED
    assert "the station's voltage is 450 V, the battery's 321.2 V" in pair.ev.ended.reason


@pytest.mark.parametrize(
    ("limit", "expected", "rule"),
    [(349.0, ORDERLY, "voltage-limit"), (350.0, GOES_ON, "voltage-limit.short"), (352.0, GOES_ON, None)],
)
def test_the_voltage_limit_is_held_against_the_battery(limit, expected, rule):
    """Its cells have 3.972 V at 78 % and 3.99 V at 80 %: below 349.5 V nothing flows, below 351.1 V not up to 80 %."""
    pair = ConnectionPair(Station(maximum_voltage=limit), soc=78.0, energy="DC").start().run()
    assert outcome(pair) == expected
    assert found(pair) == ([(rule, "warning")] if rule else [])
    assert pair.ev.ended.how == "terminated"
    asked = [body.EVTargetVoltage.Value / 10 for body in pair.bodies("CurrentDemandReq")]
    assert all(voltage <= limit for voltage in asked)
    assert (pair.ev.battery.soc >= 80.0) is (rule is None)


@pytest.mark.parametrize("schema", ["iso2", "din"])
def test_a_current_limit_of_nothing_in_the_loop_is_a_pause(schema):
    pause = lambda answer, types: setattr(answer.body, "EVSEMaximumCurrentLimit", amperes(schema, 0))  # noqa: E731
    pair = tampered("CurrentDemandReq", pause, schema=schema, times=3).run()
    assert found(pair) == [("current-limit.pause", "note")]
    asked = [body.EVTargetCurrent.Value for body in pair.bodies("CurrentDemandReq")]
    assert asked[1:4] == [0, 0, 0]
    assert asked[4] > 0
    assert outcome(pair) == GOES_ON


# -- sessions ----------------------------------------------------------------------------------------------------------


def paused(schema="iso2"):
    pair = ConnectionPair(soc=50.0, protocols=(schema,)).start()
    pair.run(lambda: pair.names.count("CurrentDemandRes") == 3)
    pair.ev.pause(pair.now)
    return pair.run()


@pytest.mark.parametrize("schema", ["iso2", "din"])
def test_a_session_that_is_begun_anew_instead_of_joined_is_a_note(schema):
    pair = paused(schema)
    pair.secc.paused_session_id = b""
    pair.start().run(lambda: pair.names[-1] == "ServiceDiscoveryRes")
    assert found(pair) == [("session-renewed", "note")]
    assert pair.ev.ended is None


def test_a_session_that_is_joined_under_another_id_is_not_the_one():
    pair = paused()
    pair.start().run_to_answer("SessionSetupReq")
    answer = pair.secc.default_response()
    answer.header.SessionID = b"\x0f" * 8
    pair.secc.send(answer, pair.now)
    pair.release()
    assert found(pair) == [("session-joined", "error")]
    assert outcome(pair) == CLOSED


def test_other_schedules_than_the_chosen_one():
    def two(answer, types):
        (first,) = answer.body.SASchedules.SAScheduleTuple
        second = types.SAScheduleTupleType(SAScheduleTupleID=2, PMaxSchedule=first.PMaxSchedule)
        answer.body.SASchedules.SAScheduleTuple = [first, second]

    pair = tampered("ChargeParameterDiscoveryReq", two)
    pair.run(lambda: pair.secc.station.closed)
    pair.run_to_answer("CurrentDemandReq")
    answer = pair.secc.default_response()
    answer.body.SAScheduleTupleID = 2
    pair.secc.send(answer, pair.now)
    pair.release().run()
    assert found(pair) == [("schedule-tuple.other", "warning")]
    assert outcome(pair) == GOES_ON


# -- what the station may ask for --------------------------------------------------------------------------------------


def test_a_renegotiation_is_asked_for_in_the_charge_loop():
    pair = tampered("ChargingStatusReq", set_notification("ReNegotiation"), energy="AC", soc=50.0)
    pair.run(lambda: pair.names.count("PowerDeliveryReq") == 3)
    assert [body.ChargeProgress for body in pair.bodies("PowerDeliveryReq")] == ["Start", "Renegotiate", "Start"]
    assert pair.journal.findings == []


@pytest.mark.parametrize("request_", ["ChargeParameterDiscoveryReq", "PowerDeliveryReq"])
def test_elsewhere_it_means_nothing(request_):
    """[V2G2-841]"""
    pair = tampered(request_, set_notification("ReNegotiation"), energy="AC").run()
    assert [body.ChargeProgress for body in pair.bodies("PowerDeliveryReq")] == ["Start", "Stop"]


def test_in_din_it_means_nothing_at_all():
    """[V2G-DC-500]"""
    pair = tampered("CurrentDemandReq", set_notification("ReNegotiation"), schema="din").run()
    assert outcome(pair) == GOES_ON
    assert found(pair) == []


@pytest.mark.parametrize("energy", ["AC", "DC"])
def test_a_receipt_that_asks_to_stop_is_heeded(energy):
    pair = ConnectionPair(Station(receipt_interval=1.0), soc=50.0, energy=energy).start()
    pair.run_to_answer("MeteringReceiptReq")
    answer = pair.secc.default_response()
    answer.body.EVSEStatus.EVSENotification = iso2.EVSENotificationType.StopCharging
    pair.secc.send(answer, pair.now)
    pair.release().run()
    assert pair.order()[-1] == "SessionStopReq"
    assert pair.ev.battery.soc < 51.0
    assert pair.journal.findings == []


# -- tolerance ---------------------------------------------------------------------------------------------------------

HARD = {
    "isolation": ("CableCheckReq", set_isolation("Invalid")),
    "precharge-voltage": ("PreChargeReq", set_voltage("EVSEPresentVoltage", 900)),
    "schedule-tuple": ("CurrentDemandReq", set_value("SAScheduleTupleID", 7)),
    "session-id": ("CableCheckReq", lambda answer, types: setattr(answer.header, "SessionID", b"\x0f" * 8)),
    "session-joined": ("SessionSetupReq", set_value("ResponseCode", "OK_OldSessionJoined")),
    "energy-kind": ("ChargeParameterDiscoveryReq", ac_parameters),
    "schedules": ("ChargeParameterDiscoveryReq", no_schedules),
}


@pytest.mark.parametrize("rule", HARD)
@pytest.mark.parametrize("settings", ["patient", "tolerates"])
def test_a_patient_vehicle_lets_pass_what_it_finds(rule, settings):
    request, change = HARD[rule]
    vehicle = {"patient": True} if settings == "patient" else {"tolerates": [rule]}
    pair = tampered(request, change, **vehicle).run()
    assert outcome(pair) == GOES_ON
    assert (pair.ev.ended.reason, pair.ev.battery.soc >= 80.0) == ("the vehicle ended the session", True)
    (finding,) = [f for f in pair.journal.findings if f.rule == rule]
    assert finding.text.endswith("; the vehicle lets it pass")


def test_a_patient_vehicle_takes_any_voltage_for_any_time():
    pair = tampered("CurrentDemandReq", set_voltage("EVSEPresentVoltage", 0), times=-1, soc=50.0, patient=True)
    pair.run(lambda: pair.names.count("CurrentDemandReq") > 100)
    assert pair.now > 12.0
    assert not pair.ev.leaving
    low = ConnectionPair(Station(maximum_voltage=40.0, minimum_voltage=40.0), soc=79.9, patient=True).start().run()
    assert low.ev.battery.soc >= 80.0
    dead = ConnectionPair(Station(voltage_rate=0.0, current_rate=1e6), soc=79.9, patient=True).start().run()
    assert dead.ev.ended.reason == "the vehicle ended the session"


@pytest.mark.parametrize("wish", [set_notification("StopCharging"), set_status("EVSE_Shutdown")])
def test_a_patient_vehicle_does_what_it_is_asked_to(wish):
    assert outcome(tampered("CurrentDemandReq", wish, soc=50.0, patient=True).run()) == ORDERLY


def test_a_patient_vehicle_cannot_go_on_after_failed():
    pair = tampered("CableCheckReq", set_value("ResponseCode", "FAILED"), patient=True).run()
    assert outcome(pair) == CLOSED


def test_the_veteran_tolerates_what_its_profile_says():
    assert {"schedules", "present-voltage"} <= PROFILES["veteran"].tolerates <= set(rules())
    wrong = set_voltage("EVSEPresentVoltage", 900)
    assert outcome(tampered("PreChargeReq", wrong, schema="din", profile="veteran").run()) == GOES_ON
    strict = tampered("PreChargeReq", wrong, schema="din", profile="veteran", tolerates=()).run()
    assert outcome(strict) == ORDERLY


def test_all_profiles_tolerate_rules_that_there_are():
    assert all(profile.tolerates <= set(rules()) for profile in PROFILES.values())


def test_a_rule_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r"'isolatoin'; the rules are .*isolation"):
        SimulatedEV(tolerates=["isolatoin"])


def test_a_vehicle_that_leaves_finds_no_fault_any_more():
    pair = tampered("PowerDeliveryReq", set_isolation("Fault"), times=-1).run()
    assert pair.names.count("PowerDeliveryRes") == 2
    assert found(pair) == [("isolation.fault", "error")]


# -- the table ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", ["iso2", "din"])
def test_every_judgement_applies_to_some_response(schema):
    applied = {row.rule for rows in applicable(schema).values() for row in rows}
    assert applied == set(rules())
    assert set(applicable(schema)) == {name for name in vocabulary(schema).messages if name.endswith("Res")}


def test_where_a_judgement_applies_the_declarations_say():
    where = {}
    for name, rows in applicable("iso2").items():
        for row in rows:
            where.setdefault(row.rule, set()).add(name)
    assert where["rcd"] == {
        "ChargeParameterDiscoveryRes",
        "ChargingStatusRes",
        "PowerDeliveryRes",
        "MeteringReceiptRes",
    }
    assert where["schedule-tuple"] == {"ChargingStatusRes", "CurrentDemandRes"}
    assert where["isolation.fault"] == {
        "ChargeParameterDiscoveryRes", "CableCheckRes", "PreChargeRes", "CurrentDemandRes", "WeldingDetectionRes",
        "PowerDeliveryRes", "MeteringReceiptRes",
    }  # fmt: skip
    assert where["isolation"] == {"CableCheckRes"}
    assert "schedule-tuple" not in {row.rule for row in applicable("din")["CurrentDemandRes"]}


def test_messages_of_other_vocabularies_are_no_concern():
    request = codec.new("sap", "supportedAppProtocolReq", AppProtocol=[])
    response = codec.new("sap", "supportedAppProtocolRes", ResponseCode="OK_SuccessfulNegotiation", SchemaID=1)
    assert Judge().hear(request, response, 0.0) == []


def test_two_sessions_with_the_same_faults_give_the_same_journal(tmp_path):
    for name in ("first", "second"):
        pair = tampered("CurrentDemandReq", set_voltage("EVSEPresentVoltage", 500), times=-1, soc=50.0).run()
        pair.journal.save(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_the_note_says_what_the_vehicle_does():
    notes = {}
    for request, change in (
        ("CableCheckReq", set_isolation("Invalid")),
        ("CurrentDemandReq", set_isolation("Fault")),
        ("CableCheckReq", set_value("ResponseCode", "FAILED")),
    ):
        pair = tampered(request, change).run()
        (note,) = [e for e in pair.journal.entries if isinstance(e, NoteEntry) and e.text.startswith("the EV stops: ")]
        notes[request, outcome(pair)] = note.text
    assert notes["CableCheckReq", ORDERLY] == (
        "the EV stops: CableCheckRes: EVSEProcessing is Finished, EVSEIsolationStatus Invalid: the cable was not found "
        "to be sound; it ends the session in order, by SessionStop"
    )
    assert notes["CurrentDemandReq", ORDERLY].endswith(
        "; it ends the session in order, by PowerDelivery and SessionStop"
    )
    assert notes["CableCheckReq", CLOSED] == "the EV stops: CableCheckRes says FAILED; it closes the connection"
