"""The answers of DIN SPEC 70121, DC with external payment: one function a request.

The schema is an early draft of ISO 15118-2's and has its AC, contracts, metering receipts and value-added services; the
specification uses none of them. Such requests are out of sequence wherever they come, and are refused (`refusals`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from secc_kernel.messages.din70121 import msg_data_types as types
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
from secc_kernel.session.physical import DIN

if TYPE_CHECKING:
    from secc_kernel.session.secc import SECC
    from secc_kernel.session.station import Station

__all__ = ["ANSWERS"]

_EVSEID_BYTES = 32
_PMAX = 32767
"""The most that a PMax can say, in W: it is a short without a multiplier. Vehicles ignore it ([V2G-DC-882])."""
_OFFERS = ("DC_extended", "DC_combo_core", "DC_core")
"""What a station may offer as its one EnergyTransferType, the best first."""
_DEAD = frozenset(("EVSE_NotReady", "EVSE_Shutdown", "EVSE_UtilityInterruptEvent", "EVSE_EmergencyShutdown",
                   "EVSE_Malfunction"))  # fmt: skip


class _DcAnswers(DcAnswers):
    def notice(self, station: Station) -> tuple[str, int, str]:
        # EVSENotification is always None here ([V2G-DC-500]): a station that wants to stop says so in its status code.
        wish = "EVSE_Shutdown" if station.notification == "StopCharging" else "EVSE_Ready"
        return "None", 0, station.status_code or wish


_DC = _DcAnswers(types, DIN)


def _energy_transfer_type(station: Station) -> str:
    return next((offer for offer in _OFFERS if offer in station.energy_transfer_modes), _OFFERS[0])


def _is_offered(secc: SECC, requested: str) -> bool:
    """Whether an energy transfer type was offered; an offer may name several connectors (AC_core3p_DC_extended)."""
    sent = secc.offers.modes
    if sent is None:
        return requested == _energy_transfer_type(secc.station)
    return any(requested == offer or offer.endswith(f"_{requested}") for offer in sent)


def _session_setup(secc: SECC, request: Any) -> Fields:
    joined = secc.next_session_id == secc.paused_session_id
    fields: Fields = {
        # As [V2G-DC-393], [V2G-DC-872] and [V2G-DC-993] say.
        "ResponseCode": "OK_OldSessionJoined" if joined else "OK_NewSessionEstablished",
        "EVSEID": _evse_id(secc),
    }
    if secc.station.epoch is not None:
        fields["DateTimeNow"] = int(secc.station.epoch + secc.now)
    return fields


def _evse_id(secc: SECC) -> bytes:
    """The EVSEID, hexBinary here: the bytes of its characters."""
    return secc.station.EVSEID.encode("ascii", "replace")[:_EVSEID_BYTES]


def _service_discovery(secc: SECC, request: Any) -> Fields:
    # Neither ServiceName and ServiceScope nor a ServiceList ([V2G-DC-549], [V2G-DC-628], [V2G-DC-629]).
    tag = types.ServiceTagType(ServiceID=CHARGE_SERVICE, ServiceCategory=types.serviceCategoryType.EVCharging)
    service = types.ServiceChargeType(
        ServiceTag=tag,
        FreeService=secc.station.free,
        EnergyTransferType=types.EVSESupportedEnergyTransferType(_energy_transfer_type(secc.station)),
    )
    options = [types.paymentOptionType(option) for option in secc.payment_options]
    return {
        "ResponseCode": "OK",
        "PaymentOptions": types.PaymentOptionsType(PaymentOption=options),
        "ChargeService": service,
    }


def _service_payment_selection(secc: SECC, request: Any) -> Fields:
    selected = {entry.ServiceID for entry in getattr(request.SelectedServiceList, "SelectedService", ())}
    if selected != set(secc.offers.services or {CHARGE_SERVICE}):
        return {"ResponseCode": "FAILED_ServiceSelectionInvalid"}  # [V2G-DC-396], [V2G-DC-635]
    if not takes_payment(secc, request):
        return {"ResponseCode": "FAILED_PaymentSelectionInvalid"}  # [V2G-DC-395]
    return {"ResponseCode": "OK"}


def _contract_authentication(secc: SECC, request: Any) -> Fields:
    # There is no word for waiting for the customer, as ISO 15118-2 has one.
    return {"ResponseCode": "OK", "EVSEProcessing": "Finished" if authorized(secc) else "Ongoing"}


def _charge_parameter_discovery(secc: SECC, request: Any) -> Fields:
    parameter = request.EVChargeParameter
    fields: Fields = {
        "ResponseCode": "OK",
        "EVSEProcessing": "Finished",
        # Mandatory, also while the vehicle has to ignore it ([V2G-DC-493]).
        "SASchedules": _schedules(secc),
        "EVSEChargeParameter": _DC.parameters(secc),
    }
    if isinstance(parameter, types.AC_EVChargeParameterType) or not _DC.fits(secc, parameter):
        fields["ResponseCode"] = "FAILED_WrongChargeParameter"  # [V2G-DC-398]
    elif not _is_offered(secc, str(request.EVRequestedEnergyTransferType)):
        fields["ResponseCode"] = "FAILED_WrongEnergyTransferType"  # [V2G-DC-397]
    elif not scheduled(secc):
        fields["EVSEProcessing"] = "Ongoing"
    return fields


def _schedules(secc: SECC) -> types.SAScheduleListType:
    """One schedule for 24 hours ([V2G-DC-559])."""
    entry = types.PMaxScheduleEntryType(
        TimeInterval=types.RelativeTimeIntervalType(start=0, duration=DAY),
        PMax=min(int(secc.station.maximum_power), _PMAX),
    )
    schedule = types.PMaxScheduleType(PMaxScheduleID=TUPLE_ID, PMaxScheduleEntry=[entry])
    return types.SAScheduleListType(
        SAScheduleTuple=[types.SAScheduleTupleType(SAScheduleTupleID=TUPLE_ID, PMaxSchedule=schedule)]
    )


def _power_delivery(secc: SECC, request: Any) -> Fields:
    fields: Fields = {"ResponseCode": "OK", "EVSEStatus": _DC.status(secc)}
    profile = request.ChargingProfile
    schedules = schedules_of(secc, secc.station.maximum_power)
    schedule = None if profile is None else schedules.get(profile.SAScheduleTupleID)
    if request.ReadyToChargeState and secc.station.status_code in _DEAD:
        fields["ResponseCode"] = "FAILED_PowerDeliveryNotApplied"  # [V2G-DC-401]
    elif profile is not None and schedule is None:
        fields["ResponseCode"] = "FAILED_TariffSelectionInvalid"  # [V2G-DC-400]
    elif schedule is not None and any((e.ChargingProfileEntryStart or 0) > schedule.end for e in profile.ProfileEntry):
        fields["ResponseCode"] = "FAILED_ChargingProfileInvalid"  # [V2G-DC-399]
    return fields


def _session_stop(secc: SECC, request: Any) -> Fields:
    return {"ResponseCode": "OK"}


ANSWERS: dict[str, Callable[[Any, Any], Fields]] = {
    "SessionSetupReq": _session_setup,
    "ServiceDiscoveryReq": _service_discovery,
    "ServicePaymentSelectionReq": _service_payment_selection,
    "ContractAuthenticationReq": _contract_authentication,
    "ChargeParameterDiscoveryReq": _charge_parameter_discovery,
    "CableCheckReq": _DC.cable_check,
    "PreChargeReq": _DC.voltage,
    "PowerDeliveryReq": _power_delivery,
    "CurrentDemandReq": _DC.current_demand,
    "WeldingDetectionReq": _DC.voltage,
    "SessionStopReq": _session_stop,
}
"""What answers which request."""
