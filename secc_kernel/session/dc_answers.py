"""What a station says of its DC output: the same in ISO 15118-2 and DIN SPEC 70121, but for the types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secc_kernel.session.offers import Schedule
from secc_kernel.session.physical import Quantities, to_float

if TYPE_CHECKING:
    from secc_kernel.session.secc import SECC
    from secc_kernel.session.station import Station

__all__ = [
    "CHARGE_SERVICE",
    "DAY",
    "TUPLE_ID",
    "DcAnswers",
    "Fields",
    "authorized",
    "scheduled",
    "schedules_of",
    "takes_payment",
]

Fields = dict[str, Any]

CHARGE_SERVICE = 1
"""ServiceID of the charge service (ISO 15118-2, Table 105)."""
TUPLE_ID = 1
"""SAScheduleTupleID of the one schedule that the station offers."""
DAY = 86400
"""Seconds that a schedule covers: as long as a vehicle that names no departure must be given."""


def authorized(secc: SECC) -> bool:
    """Whether the customer has been authorised by now."""
    needed = secc.station.authorization_time
    return needed is not None and secc.station.elapsed("Authorization", secc.now) >= needed


def scheduled(secc: SECC) -> bool:
    """Whether the station has its schedules and parameters by now."""
    return secc.station.elapsed("ChargeParameterDiscovery", secc.now) >= secc.station.parameter_time


def takes_payment(secc: SECC, request: Any) -> bool:
    """Whether the vehicle has selected a payment option that it was offered."""
    offered = secc.offers.payment_options
    return str(request.SelectedPaymentOption) in (secc.payment_options if offered is None else offered)


def schedules_of(secc: SECC, power: float) -> dict[int, Schedule]:
    """The schedules that the vehicle was given; before that the station's own, of so many W."""
    sent = secc.offers.schedules
    return {TUPLE_ID: Schedule(power, DAY)} if sent is None else sent


class DcAnswers:
    """The parts of answers that tell of the DC output, in the types of a standard.

    Parameters
    ----------
    types : module
        The standard's data types.
    quantities : Quantities
        Its physical values.
    """

    def __init__(self, types: Any, quantities: Quantities) -> None:
        self.types = types
        self.quantities = quantities

    def notice(self, station: Station) -> tuple[str, int, str]:
        """EVSENotification, NotificationMaxDelay and EVSEStatusCode: what the station wants, and how it is."""
        return station.notification, station.notification_max_delay, station.status_code or "EVSE_Ready"

    def status(self, secc: SECC) -> Any:
        """DC_EVSEStatus."""
        types = self.types
        notification, delay, code = self.notice(secc.station)
        return types.DC_EVSEStatusType(
            NotificationMaxDelay=delay,
            EVSENotification=types.EVSENotificationType(notification),
            EVSEIsolationStatus=types.isolationLevelType("Valid" if secc.station.isolated else "Invalid"),
            EVSEStatusCode=types.DC_EVSEStatusCodeType(code),
        )

    def parameters(self, secc: SECC) -> Any:
        """DC_EVSEChargeParameter."""
        station, of = secc.station, self.quantities
        return self.types.DC_EVSEChargeParameterType(
            DC_EVSEStatus=self.status(secc),
            EVSEMaximumCurrentLimit=of.amperes(station.maximum_current),
            EVSEMaximumPowerLimit=of.watts(station.maximum_power),
            EVSEMaximumVoltageLimit=of.volts(station.maximum_voltage),
            EVSEMinimumCurrentLimit=of.amperes(station.minimum_current),
            EVSEMinimumVoltageLimit=of.volts(station.minimum_voltage),
            EVSECurrentRegulationTolerance=of.amperes(1.0),
            EVSEPeakCurrentRipple=of.amperes(1.0),
        )

    def fits(self, secc: SECC, parameter: Any) -> bool:
        """Whether a DC_EVChargeParameter and the station's limits have anything in common."""
        voltage = to_float(getattr(parameter, "EVMaximumVoltageLimit", None))
        current = to_float(getattr(parameter, "EVMaximumCurrentLimit", None))
        return voltage >= secc.station.minimum_voltage and current >= secc.station.minimum_current

    def cable_check(self, secc: SECC, request: Any) -> Fields:
        """The answer to CableCheckReq."""
        status = self.status(secc)
        if not secc.station.isolated and status.EVSEStatusCode == "EVSE_Ready":
            status.EVSEStatusCode = self.types.DC_EVSEStatusCodeType.EVSE_IsolationMonitoringActive
        processing = "Finished" if secc.station.isolated else "Ongoing"
        return {"ResponseCode": "OK", "DC_EVSEStatus": status, "EVSEProcessing": processing}

    def voltage(self, secc: SECC, request: Any) -> Fields:
        """The answer to PreChargeReq and WeldingDetectionReq."""
        present = self.quantities.volts(secc.station.voltage)
        return {"ResponseCode": "OK", "DC_EVSEStatus": self.status(secc), "EVSEPresentVoltage": present}

    def current_demand(self, secc: SECC, request: Any) -> Fields:
        """The answer to CurrentDemandReq."""
        station, of = secc.station, self.quantities
        voltage, current = to_float(request.EVTargetVoltage), to_float(request.EVTargetCurrent)
        return {
            "ResponseCode": "OK",
            "DC_EVSEStatus": self.status(secc),
            "EVSEPresentVoltage": of.volts(station.voltage),
            "EVSEPresentCurrent": of.amperes(station.current),
            "EVSECurrentLimitAchieved": current >= station.maximum_current,
            "EVSEVoltageLimitAchieved": voltage >= station.maximum_voltage,
            "EVSEPowerLimitAchieved": voltage * current >= station.maximum_power,
            "EVSEMaximumVoltageLimit": of.volts(station.maximum_voltage),
            "EVSEMaximumCurrentLimit": of.amperes(station.maximum_current),
            "EVSEMaximumPowerLimit": of.watts(station.maximum_power),
        }
