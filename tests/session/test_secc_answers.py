"""The answers of the autopilot, request by request."""

import pytest
from lone_secc import UNUSED_IN_DIN, at, request, set_up

from secc_kernel import codec
from secc_kernel.messages import SCHEMAS, vocabulary
from secc_kernel.messages.iso15118_2 import msg_data_types as types
from secc_kernel.session.autopilot import ANSWERS
from secc_kernel.session.journal import Journal
from secc_kernel.session.refusals import fill, refusal
from secc_kernel.session.secc import SECC
from secc_kernel.session.station import Station
from secc_kernel.vehicle import SimulatedEV

#: What the station has no use for: it refuses it, by what the declarations say.
REFUSED = {"sap": set(), "iso2": set(), "din": set(UNUSED_IN_DIN)}
ANSWERED = [
    (key, name)
    for key in SCHEMAS
    for name in vocabulary(key).messages
    if name.endswith("Req") and f"{name[:-3]}Res" in vocabulary(key).elements
]


def test_there_is_a_rule_for_every_request_that_is_of_use_and_no_other():
    for schema, refused in REFUSED.items():
        requests = {name for name in vocabulary(schema).messages if name.endswith("Req")}
        assert set(ANSWERS[schema]) == requests - refused


@pytest.mark.parametrize(("schema", "name"), ANSWERED)
def test_a_request_without_a_rule_is_refused_as_the_schema_wants_it(schema, name):
    fields = fill(schema, f"{name[:-3]}Res", refusal(schema, name))
    header = vocabulary(schema).header_type()
    if "Header" in {field.name for field in vocabulary(schema).message_type(f"{name[:-3]}Res").__fields__}:
        fields["Header"] = header(SessionID=bytes(8), TimeStamp=0)
        message = codec.new(schema, f"{name[:-3]}Res", **fields)
    else:
        message = codec.new(schema, f"{name[:-3]}Res", session_id=bytes(8) if header else None, **fields)
    read = codec.decode(codec.encode(message), schema)
    assert read.body.ResponseCode.lower().startswith("failed")
    assert not read.findings


def test_a_session_outlives_a_request_without_a_rule(sessions, monkeypatch):
    monkeypatch.delitem(ANSWERS["iso2"], "ServiceDetailReq")
    secc, vehicle = at(("AC", "ServiceDiscoveryRes"), sessions)
    detail = codec.new("iso2", "ServiceDetailReq", session_id=secc.session_id, ServiceID=1)
    assert vehicle.ask(detail).body.ResponseCode == "FAILED"
    assert vehicle.ask(selection(secc)).body.ResponseCode == "OK"


def test_the_vehicle_is_judged_by_what_it_was_sent(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    vehicle.send(request("ServiceDiscoveryReq", secc.session_id))
    told = secc.default_response()
    told.body.ChargeService.ServiceID = 9
    told.body.ChargeService.SupportedEnergyTransferMode.EnergyTransferMode = ["DC_unique"]
    told.body.PaymentOptionList.PaymentOption = ["Contract", "ExternalPayment"]
    secc.send(told, secc.now)
    vehicle.received()
    assert vehicle.ask(selection(secc)).body.ResponseCode == "FAILED_ServiceSelectionInvalid"
    assert vehicle.ask(selection(secc, services=(9,))).body.ResponseCode == "OK"
    secc.station.authorization_time = 0.0
    vehicle.ask(request("AuthorizationReq", secc.session_id))
    assert vehicle.ask(parameters(secc, "DC_core")).body.ResponseCode == "FAILED_WrongEnergyTransferMode"
    secc.station.parameter_time = 0.0
    vehicle.send(parameters(secc, "DC_unique"))
    told = secc.default_response()
    assert told.body.ResponseCode == "OK"
    (schedule,) = told.body.SASchedules.SAScheduleTuple
    schedule.SAScheduleTupleID = 7
    schedule.PMaxSchedule.PMaxScheduleEntry[0].PMax = types.PhysicalValueType(Multiplier=3, Unit="W", Value=20)
    secc.send(told, secc.now)
    vehicle.received()
    assert (secc.offers.tuple_id, secc.offers.schedules[7].power) == (7, 20_000.0)
    secc.progress.allowed = ("PowerDeliveryReq",)
    message = request("PowerDeliveryReq", secc.session_id)
    assert vehicle.ask(message).body.ResponseCode == "FAILED_TariffSelectionInvalid"
    message.body.SAScheduleTupleID = 7
    (step,) = message.body.ChargingProfile.ProfileEntry
    step.ChargingProfileEntryMaxPower = types.PhysicalValueType(Multiplier=3, Unit="W", Value=21)
    assert vehicle.ask(message).body.ResponseCode == "FAILED_ChargingProfileInvalid"
    step.ChargingProfileEntryMaxPower.Value = 20
    assert vehicle.ask(message).body.ResponseCode == "OK"


def selection(secc, option="ExternalPayment", services=(1,)):
    chosen = [types.SelectedServiceType(ServiceID=service) for service in services]
    return codec.new(
        "iso2",
        "PaymentServiceSelectionReq",
        session_id=secc.session_id,
        SelectedPaymentOption=option,
        SelectedServiceList=types.SelectedServiceListType(SelectedService=chosen),
    )


INTERNET = types.ServiceType(ServiceID=3, ServiceCategory=types.serviceCategoryType.Internet, FreeService=True)
PARAMETERS = types.ServiceParameterListType(
    ParameterSet=[
        types.ParameterSetType(ParameterSetID=1, Parameter=[types.ParameterType(Name="Protocol", stringValue="http")])
    ]
)


@pytest.mark.parametrize(
    ("option", "services", "code"),
    [
        ("ExternalPayment", (1,), "OK"),
        ("ExternalPayment", (1, 3), "OK"),
        ("Contract", (1,), "FAILED_PaymentSelectionInvalid"),
        ("ExternalPayment", (1, 9), "FAILED_ServiceSelectionInvalid"),
        ("ExternalPayment", (3,), "FAILED_NoChargeServiceSelected"),
    ],
)
def test_payment_and_services_have_to_be_offered(option, services, code, sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    secc.station.services = ((INTERNET, PARAMETERS),)
    vehicle.ask(request("ServiceDiscoveryReq", secc.session_id))
    assert vehicle.ask(selection(secc, option, services)).body.ResponseCode == code


def test_value_added_services_are_listed_filtered_and_told_in_detail(sessions):
    secc, vehicle = at(("AC", "SessionSetupRes"), sessions)
    secc.station.services = ((INTERNET, PARAMETERS),)

    def discovery(**filters):
        secc.progress.allowed = ("ServiceDiscoveryReq",)
        return vehicle.ask(codec.new("iso2", "ServiceDiscoveryReq", session_id=secc.session_id, **filters)).body

    assert [s.ServiceID for s in discovery().ServiceList.Service] == [3]
    assert discovery(ServiceCategory="OtherCustom").ServiceList is None
    assert discovery(ServiceScope="elsewhere").ServiceList is None
    assert discovery(ServiceCategory="Internet").ServiceList is not None

    def detail(service):
        return vehicle.ask(codec.new("iso2", "ServiceDetailReq", session_id=secc.session_id, ServiceID=service)).body

    assert detail(3).ServiceParameterList == PARAMETERS
    assert detail(1).ServiceParameterList is None
    assert detail(8).ResponseCode == "FAILED_ServiceIDInvalid"


def test_plug_and_charge_that_was_forced_upon_the_station_fails_in_its_own_words(sessions):
    secc, vehicle = at(("AC", "ServiceDiscoveryRes"), sessions)
    vehicle.send(selection(secc, "Contract"))
    secc.send(codec.new("iso2", "PaymentServiceSelectionRes", session_id=secc.session_id, ResponseCode="OK"), secc.now)
    vehicle.received()
    for name, code in (
        ("CertificateInstallationReq", "FAILED_NoCertificateAvailable"),
        ("CertificateUpdateReq", "FAILED_NoCertificateAvailable"),
        ("PaymentDetailsReq", "FAILED"),
    ):
        answer = vehicle.ask(request(name, secc.session_id))
        assert answer.body.ResponseCode == code
        assert not [finding for finding in answer.findings if finding.severity != "note"]


def test_customers_are_waited_for(sessions):
    secc, vehicle = at(("AC", "PaymentServiceSelectionRes(ExternalPayment)"), sessions)
    secc.station.authorization_time = None
    for _ in range(3):
        vehicle.now = secc.now + 30.0
        body = vehicle.ask(request("AuthorizationReq", secc.session_id)).body
        assert body.EVSEProcessing == "Ongoing_WaitingForCustomerInteraction"
    secc.station.authorization_time = 0.0
    assert vehicle.ask(request("AuthorizationReq", secc.session_id)).body.EVSEProcessing == "Finished"


def parameters(secc, mode, parameter=None):
    ev = SimulatedEV("sedan")
    ev.session_id, ev.mode = secc.session_id, mode
    message = ev.default_request("ChargeParameterDiscoveryReq")
    if parameter is not None:
        ev.mode = parameter
        message.body.EVChargeParameter = ev.default_request("ChargeParameterDiscoveryReq").body.EVChargeParameter
    return message


@pytest.mark.parametrize(
    ("mode", "parameter", "code"),
    [
        ("DC_extended", None, "OK"),
        ("AC_three_phase_core", None, "OK"),
        ("DC_unique", None, "FAILED_WrongEnergyTransferMode"),
        ("DC_extended", "AC_three_phase_core", "FAILED_WrongChargeParameter"),
        ("AC_three_phase_core", "DC_extended", "FAILED_WrongChargeParameter"),
    ],
)
def test_the_energy_transfer_mode_has_to_be_offered_and_to_fit_its_parameters(mode, parameter, code, sessions):
    secc, vehicle = at(("AC", "AuthorizationRes(Finished)"), sessions)
    assert vehicle.ask(parameters(secc, mode, parameter)).body.ResponseCode == code


def test_a_vehicle_below_the_stations_least_voltage_is_refused(sessions):
    secc, vehicle = at(("AC", "AuthorizationRes(Finished)"), sessions)
    secc.station.minimum_voltage = 900.0
    assert vehicle.ask(parameters(secc, "DC_core")).body.ResponseCode == "FAILED_WrongChargeParameter"


def test_schedules_come_when_they_are_finished(sessions):
    secc, vehicle = at(("AC", "AuthorizationRes(Finished)"), sessions)
    secc.station.parameter_time = 1.0
    body = vehicle.ask(parameters(secc, "DC_core")).body
    assert (body.EVSEProcessing, body.SASchedules) == ("Ongoing", None)
    vehicle.now = secc.now + 1.0
    body = vehicle.ask(parameters(secc, "DC_core")).body
    assert body.EVSEProcessing == "Finished"
    (schedule,) = body.SASchedules.SAScheduleTuple
    (step,) = schedule.PMaxSchedule.PMaxScheduleEntry
    assert (step.TimeInterval.start, step.TimeInterval.duration) == (0, 86400)
    assert step.PMax.Value * 10**step.PMax.Multiplier == 150_000


def test_schedule_and_profile_have_to_be_the_stations(sessions):
    secc, vehicle = at(("AC", "ChargeParameterDiscoveryRes(Finished)"), sessions)
    message = request("PowerDeliveryReq", secc.session_id)
    message.body.SAScheduleTupleID = 7
    assert vehicle.ask(message).body.ResponseCode == "FAILED_TariffSelectionInvalid"
    message.body.SAScheduleTupleID = 1
    (step,) = message.body.ChargingProfile.ProfileEntry
    step.ChargingProfileEntryMaxPower = types.PhysicalValueType(Multiplier=3, Unit="W", Value=400)
    assert vehicle.ask(message).body.ResponseCode == "FAILED_ChargingProfileInvalid"
    step.ChargingProfileEntryMaxPower.Value = 11
    assert vehicle.ask(message).body.ResponseCode == "OK"


def test_time_stamps_appear_where_the_time_is_known():
    _, answer = set_up(SECC())
    assert answer.body.EVSETimeStamp is None
    _, answer = set_up(SECC(Station(epoch=1_700_000_000.0)))
    assert answer.body.EVSETimeStamp == 1_700_000_000


def test_two_parties_of_one_journal_record_each_frame_once():
    journal = Journal()
    secc = SECC(journal=journal, records_frames=False)
    set_up(secc)
    assert journal.frames == []
    assert journal.entries
