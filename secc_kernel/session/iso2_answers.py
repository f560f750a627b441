"""The answers of ISO 15118-2, AC and DC: one function a request.

What is wrong with a contract is judged before (`contract`, the SECC's verdict).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from secc_kernel.messages.iso15118_2 import msg_data_types as types
from secc_kernel.session.dc_answers import (
    CHARGE_SERVICE,
    DAY,
    TUPLE_ID,
    DcAnswers,
    Fields,
    authorized,
    scheduled,
    schedules_of,
    takes_payment,
)
from secc_kernel.session.physical import ISO2, to_float

if TYPE_CHECKING:
    from secc_kernel.session.secc import SECC

__all__ = ["ANSWERS"]

_DC = DcAnswers(types, ISO2)


def _session_setup(secc: SECC, request: Any) -> Fields:
    joined = secc.next_session_id == secc.paused_session_id
    fields: Fields = {
        "ResponseCode": "OK_OldSessionJoined" if joined else "OK_NewSessionEstablished",
        "EVSEID": secc.station.EVSEID,
    }
    if secc.station.epoch is not None:
        fields["EVSETimeStamp"] = int(secc.station.epoch + secc.now)
    return fields


def _service_discovery(secc: SECC, request: Any) -> Fields:
    station = secc.station
    fields: Fields = {
        "ResponseCode": "OK",
        "PaymentOptionList": types.PaymentOptionListType(
            PaymentOption=[types.paymentOptionType(option) for option in secc.payment_options]
        ),
        "ChargeService": types.ChargeServiceType(
            ServiceID=CHARGE_SERVICE,
            ServiceCategory=types.serviceCategoryType.EVCharging,
            FreeService=station.free,
            SupportedEnergyTransferMode=types.SupportedEnergyTransferModeType(
                EnergyTransferMode=[types.EnergyTransferModeType(mode) for mode in station.energy_transfer_modes]
            ),
        ),
    }
    scope, category = request.ServiceScope, request.ServiceCategory
    chosen = [
        service
        for service, _ in station.services
        if category in (None, service.ServiceCategory) and (not scope or scope == service.ServiceScope)
    ]
    if chosen:
        fields["ServiceList"] = types.ServiceListType(Service=chosen)
    return fields


def _offered_services(secc: SECC) -> dict[int, bool]:
    """The ServiceIDs that were offered, and whether each is the charge service."""
    own = {CHARGE_SERVICE: True, **{service.ServiceID: False for service, _ in secc.station.services}}
    return own if secc.offers.services is None else secc.offers.services


def _service_detail(secc: SECC, request: Any) -> Fields:
    if request.ServiceID not in _offered_services(secc):
        return {"ResponseCode": "FAILED_ServiceIDInvalid", "ServiceID": request.ServiceID or 0}  # [V2G2-425]
    details = {service.ServiceID: more for service, more in secc.station.services}
    parameters = details.get(request.ServiceID)
    return {"ResponseCode": "OK", "ServiceID": request.ServiceID, "ServiceParameterList": parameters}


def _payment_service_selection(secc: SECC, request: Any) -> Fields:
    selected = {entry.ServiceID for entry in getattr(request.SelectedServiceList, "SelectedService", ())}
    services = _offered_services(secc)
    if not takes_payment(secc, request):
        return {"ResponseCode": "FAILED_PaymentSelectionInvalid"}  # [V2G2-465]
    if not selected <= services.keys():
        return {"ResponseCode": "FAILED_ServiceSelectionInvalid"}  # [V2G2-467]
    if not any(services[service] for service in selected):
        return {"ResponseCode": "FAILED_NoChargeServiceSelected"}  # [V2G2-804]
    return {"ResponseCode": "OK"}


def _certificate(secc: SECC, request: Any) -> Fields:
    # The station has no backend that could issue one.
    return {"ResponseCode": "FAILED_NoCertificateAvailable"}


def _payment_details(secc: SECC, request: Any) -> Fields:
    # A station without a date counts from its link's beginning.
    stamp = int((secc.station.epoch or 0.0) + secc.now)
    return {"ResponseCode": "OK", "GenChallenge": secc.next_challenge, "EVSETimeStamp": stamp}


def _authorization(secc: SECC, request: Any) -> Fields:
    # As [V2G2-854], [V2G2-855] and [V2G2-856] say: with a contract no customer is waited for.
    waiting = "Ongoing" if secc.contract.selected else "Ongoing_WaitingForCustomerInteraction"
    processing = "Finished" if authorized(secc) else waiting
    return {"ResponseCode": "OK", "EVSEProcessing": processing}


def _charge_parameter_discovery(secc: SECC, request: Any) -> Fields:
    station, parameter = secc.station, request.EVChargeParameter
    direct = isinstance(parameter, types.DC_EVChargeParameterType) or (
        parameter is None and str(request.RequestedEnergyTransferMode).startswith("DC")
    )
    fields: Fields = {
        "ResponseCode": "OK",
        "EVSEProcessing": "Finished",
        "EVSEChargeParameter": _DC.parameters(secc) if direct else _ac_parameters(secc),
    }
    modes = secc.offers.modes
    if str(request.RequestedEnergyTransferMode) not in (station.energy_transfer_modes if modes is None else modes):
        fields["ResponseCode"] = "FAILED_WrongEnergyTransferMode"  # [V2G2-476]
    elif not _parameters_fit(secc, request, direct):
        fields["ResponseCode"] = "FAILED_WrongChargeParameter"  # [V2G2-477]
    elif not scheduled(secc):
        fields["EVSEProcessing"] = "Ongoing"
    else:
        power = station.maximum_power if direct else station.ac_power()
        fields["SASchedules"] = types.SAScheduleListType(SAScheduleTuple=[_schedule(power)])
    return fields


def _parameters_fit(secc: SECC, request: Any, direct: bool) -> bool:
    if str(request.RequestedEnergyTransferMode).startswith("DC") != direct:
        return False
    parameter = request.EVChargeParameter
    if direct:
        return _DC.fits(secc, parameter)
    return to_float(getattr(parameter, "EVMinCurrent", None)) <= secc.station.phase_current


def _schedule(power: float) -> types.SAScheduleTupleType:
    """One schedule: so much power for 24 hours, as long as a vehicle that names no departure must be given."""
    entry = types.PMaxScheduleEntryType(
        TimeInterval=types.RelativeTimeIntervalType(start=0, duration=DAY), PMax=ISO2.watts(power)
    )
    return types.SAScheduleTupleType(
        SAScheduleTupleID=TUPLE_ID, PMaxSchedule=types.PMaxScheduleType(PMaxScheduleEntry=[entry])
    )


def _ac_parameters(secc: SECC) -> types.AC_EVSEChargeParameterType:
    return types.AC_EVSEChargeParameterType(
        AC_EVSEStatus=_ac_status(secc),
        EVSENominalVoltage=ISO2.volts(secc.station.nominal_voltage),
        EVSEMaxCurrent=ISO2.amperes(secc.station.phase_current),
    )


def _ac_status(secc: SECC) -> types.AC_EVSEStatusType:
    return types.AC_EVSEStatusType(
        NotificationMaxDelay=secc.station.notification_max_delay,
        EVSENotification=types.EVSENotificationType(secc.station.notification),
        RCD=False,
    )


def _status(secc: SECC) -> types.EVSEStatusType:
    return _ac_status(secc) if secc.mode == "AC" else cast("types.EVSEStatusType", _DC.status(secc))


def _meter(secc: SECC) -> types.MeterInfoType:
    station = secc.station
    info = types.MeterInfoType(MeterID=station.meter_id, MeterReading=int(station.energy))
    if station.epoch is not None:
        info.TMeter = int(station.epoch + secc.now)
    return info


def _power_delivery(secc: SECC, request: Any) -> Fields:
    fields: Fields = {"ResponseCode": "OK", "EVSEStatus": _status(secc)}
    power = secc.station.ac_power() if secc.mode == "AC" else secc.station.maximum_power
    entries = getattr(request.ChargingProfile, "ProfileEntry", ())
    schedules = schedules_of(secc, power)
    schedule = schedules.get(request.SAScheduleTupleID)
    if schedule is None:
        fields["ResponseCode"] = "FAILED_TariffSelectionInvalid"  # [V2G2-479]
    elif any(to_float(entry.ChargingProfileEntryMaxPower) > schedule.power for entry in entries):
        fields["ResponseCode"] = "FAILED_ChargingProfileInvalid"  # [V2G2-478]
    return fields


def _metering_receipt(secc: SECC, request: Any) -> Fields:
    return {"ResponseCode": "OK", "EVSEStatus": _status(secc)}


def _session_stop(secc: SECC, request: Any) -> Fields:
    return {"ResponseCode": "OK"}


def _charging_status(secc: SECC, request: Any) -> Fields:
    return {
        "ResponseCode": "OK",
        "EVSEID": secc.station.EVSEID,
        "SAScheduleTupleID": TUPLE_ID if secc.offers.tuple_id is None else secc.offers.tuple_id,
        "EVSEMaxCurrent": ISO2.amperes(secc.station.phase_current),
        "MeterInfo": _meter(secc),
        "ReceiptRequired": secc.station.receipt_due(secc.now),
        "AC_EVSEStatus": _ac_status(secc),
    }


def _current_demand(secc: SECC, request: Any) -> Fields:
    return {
        **_DC.current_demand(secc, request),
        "EVSEID": secc.station.EVSEID,
        "SAScheduleTupleID": TUPLE_ID if secc.offers.tuple_id is None else secc.offers.tuple_id,
        "MeterInfo": _meter(secc),
        "ReceiptRequired": secc.station.receipt_due(secc.now),
    }


ANSWERS: dict[str, Callable[[Any, Any], Fields]] = {
    "SessionSetupReq": _session_setup,
    "ServiceDiscoveryReq": _service_discovery,
    "ServiceDetailReq": _service_detail,
    "PaymentServiceSelectionReq": _payment_service_selection,
    "PaymentDetailsReq": _payment_details,
    "CertificateInstallationReq": _certificate,
    "CertificateUpdateReq": _certificate,
    "AuthorizationReq": _authorization,
    "ChargeParameterDiscoveryReq": _charge_parameter_discovery,
    "PowerDeliveryReq": _power_delivery,
    "MeteringReceiptReq": _metering_receipt,
    "SessionStopReq": _session_stop,
    "ChargingStatusReq": _charging_status,
    "CableCheckReq": _DC.cable_check,
    "PreChargeReq": _DC.voltage,
    "CurrentDemandReq": _current_demand,
    "WeldingDetectionReq": _DC.voltage,
}
"""What answers which request."""
