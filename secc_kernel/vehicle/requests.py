"""What the simulated vehicle asks for, request by request: in the words of ISO 15118-2, and of DIN SPEC 70121.

A function gets the vehicle and returns the fields of the request; it changes nothing. What the two standards say alike
about DC is said once (`_Dc`), in the types of either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from secc_kernel.messages.din70121 import msg_data_types as din
from secc_kernel.messages.iso15118_2 import msg_data_types as iso2
from secc_kernel.session.physical import DIN, ISO2, Quantities

if TYPE_CHECKING:
    from secc_kernel.vehicle.ev import SimulatedEV

__all__ = ["AC_MODES", "DC_MODES", "REQUESTS"]

Fields = dict[str, Any]

DC_MODES = ("DC_extended", "DC_combo_core", "DC_core", "DC_unique")
AC_MODES = ("AC_three_phase_core", "AC_single_phase_core")
FULL_SOC, BULK_SOC = 100, 80
_PMAX = 32767
"""The most that a PMax of DIN SPEC 70121 can say, in W."""


class _Dc:
    """Requests, and parts of them, that are the same in both standards but for the types."""

    def __init__(self, types: Any, quantities: Quantities) -> None:
        self.types = types
        self.quantities = quantities

    def status(self, ev: SimulatedEV) -> Any:
        types = self.types
        return types.DC_EVStatusType(
            EVReady=not ev.leaving, EVErrorCode=types.DC_EVErrorCodeType(ev.error_code), EVRESSSOC=int(ev.battery.soc)
        )

    def charge_parameter(self, ev: SimulatedEV) -> Any:
        profile, battery, of = ev.profile, ev.battery, self.quantities
        return self.types.DC_EVChargeParameterType(
            DC_EVStatus=self.status(ev),
            EVMaximumCurrentLimit=of.amperes(profile.dc_current),
            EVMaximumPowerLimit=of.watts(profile.dc_power),
            EVMaximumVoltageLimit=of.volts(profile.maximum_voltage),
            EVEnergyCapacity=of.watt_hours(battery.capacity),
            EVEnergyRequest=of.watt_hours(battery.energy_to(ev.target_soc)),
            FullSOC=FULL_SOC,
            BulkSOC=BULK_SOC,
        )

    def delivery_parameter(self, ev: SimulatedEV) -> Any:
        return self.types.DC_EVPowerDeliveryParameterType(
            DC_EVStatus=self.status(ev),
            BulkChargingComplete=ev.battery.soc >= BULK_SOC,
            ChargingComplete=ev.satisfied,
        )

    def payment_selection(self, ev: SimulatedEV) -> Fields:
        charging = self.types.SelectedServiceType(ServiceID=ev.told.service_id)
        return {
            "SelectedPaymentOption": "ExternalPayment",
            "SelectedServiceList": self.types.SelectedServiceListType(SelectedService=[charging]),
        }

    def state(self, ev: SimulatedEV) -> Fields:
        return {"DC_EVStatus": self.status(ev)}

    def precharge(self, ev: SimulatedEV) -> Fields:
        return {
            "DC_EVStatus": self.status(ev),
            "EVTargetVoltage": self.quantities.volts(ev.battery.open_voltage),
            "EVTargetCurrent": self.quantities.amperes(1.0),
        }

    def current_demand(self, ev: SimulatedEV) -> Fields:
        battery, told, of = ev.battery, ev.told, self.quantities
        by_power = told.power / max(battery.voltage(told.current), 1.0)
        current = min(battery.current_limit(told.ceiling), told.current, by_power)
        power = battery.voltage(current) * current
        return {
            "DC_EVStatus": self.status(ev),
            "EVTargetCurrent": of.amperes(current),
            "EVMaximumVoltageLimit": of.volts(battery.maximum_voltage),
            "EVMaximumCurrentLimit": of.amperes(battery.maximum_current),
            "EVMaximumPowerLimit": of.watts(ev.profile.dc_power),
            "BulkChargingComplete": battery.soc >= BULK_SOC,
            "ChargingComplete": ev.satisfied,
            "RemainingTimeToFullSoC": self._time(battery.energy_to(FULL_SOC), power),
            "RemainingTimeToBulkSoC": self._time(battery.energy_to(BULK_SOC), power),
            "EVTargetVoltage": of.volts(battery.voltage(current)),
        }

    def _time(self, energy: float, power: float) -> Any:
        """How long so many Wh take at a power in W; None where nobody can tell: hardly any current flows."""
        return self.quantities.seconds(3600.0 * energy / power) if power >= 100.0 else None


_ISO2, _DIN = _Dc(iso2, ISO2), _Dc(din, DIN)


def _session_setup(ev: SimulatedEV) -> Fields:
    return {"EVCCID": ev.profile.EVCCID}


def _nothing(ev: SimulatedEV) -> Fields:
    return {}


# -- ISO 15118-2 ------------------------------------------------------------------------------------------------------


def _service_detail(ev: SimulatedEV) -> Fields:
    return {"ServiceID": ev.told.service_id}


def _iso2_charge_parameters(ev: SimulatedEV) -> Fields:
    mode = ev.mode or (DC_MODES if ev.energy != "AC" else AC_MODES)[0]
    parameter = _ISO2.charge_parameter(ev) if mode.startswith("DC") else _ac_parameter(ev)
    return {"RequestedEnergyTransferMode": mode, "EVChargeParameter": parameter}


def _ac_parameter(ev: SimulatedEV) -> iso2.AC_EVChargeParameterType:
    return iso2.AC_EVChargeParameterType(
        EAmount=ISO2.watt_hours(ev.battery.energy_to(ev.target_soc)),
        EVMaxVoltage=ISO2.volts(400.0 if ev.profile.ac_phases == 3 else 250.0),
        EVMaxCurrent=ISO2.amperes(ev.profile.ac_current),
        EVMinCurrent=ISO2.amperes(ev.profile.ac_minimum_current),
    )


def _iso2_power_delivery(ev: SimulatedEV) -> Fields:
    progress = "Start" if not ev.delivering and not ev.leaving else "Stop"
    if ev.delivering and ev.goal == "renegotiate":
        progress = "Renegotiate"
    fields: Fields = {"ChargeProgress": progress, "SAScheduleTupleID": ev.told.tuple_id}
    direct = (ev.mode or "DC").startswith("DC")
    if progress == "Start":
        fields["ChargingProfile"] = _iso2_charging_profile(ev, direct)
    if direct:
        fields["EVPowerDeliveryParameter"] = _ISO2.delivery_parameter(ev)
    return fields


def _iso2_charging_profile(ev: SimulatedEV, direct: bool) -> iso2.ChargingProfileType:
    phases = None if direct else ev.ac_phases
    own = ev.profile.dc_power if phases is None else phases * ev.told.voltage * ev.ac_current()
    entry = iso2.ProfileEntryType(
        ChargingProfileEntryStart=0,
        ChargingProfileEntryMaxPower=ISO2.watts(min(own, ev.told.schedule or own)),
        ChargingProfileEntryMaxNumberOfPhasesInUse=phases,
    )
    return iso2.ChargingProfileType(ProfileEntry=[entry])


def _metering_receipt(ev: SimulatedEV) -> Fields:
    meter = ev.told.meter or iso2.MeterInfoType(MeterID="unknown")
    return {"SessionID": ev.session_id or bytes(8), "SAScheduleTupleID": ev.told.tuple_id, "MeterInfo": meter}


def _iso2_session_stop(ev: SimulatedEV) -> Fields:
    return {"ChargingSession": "Pause" if ev.goal == "pause" else "Terminate"}


# -- DIN SPEC 70121 ---------------------------------------------------------------------------------------------------


def _din_charge_parameters(ev: SimulatedEV) -> Fields:
    mode = ev.mode if ev.mode in DC_MODES else DC_MODES[0]
    return {"EVRequestedEnergyTransferType": mode, "EVChargeParameter": _DIN.charge_parameter(ev)}


def _din_power_delivery(ev: SimulatedEV) -> Fields:
    ready = not ev.delivering and not ev.leaving
    fields: Fields = {"ReadyToChargeState": ready, "EVPowerDeliveryParameter": _DIN.delivery_parameter(ev)}
    if ready:
        entry = din.ProfileEntryType(
            ChargingProfileEntryStart=0, ChargingProfileEntryMaxPower=min(int(ev.profile.dc_power), _PMAX)
        )
        fields["ChargingProfile"] = din.ChargingProfileType(SAScheduleTupleID=ev.told.tuple_id, ProfileEntry=[entry])
    return fields


REQUESTS: dict[str, dict[str, Callable[[SimulatedEV], Fields]]] = {
    "iso2": {
        "SessionSetupReq": _session_setup,
        "ServiceDiscoveryReq": _nothing,
        "ServiceDetailReq": _service_detail,
        "PaymentServiceSelectionReq": _ISO2.payment_selection,
        "AuthorizationReq": _nothing,
        "ChargeParameterDiscoveryReq": _iso2_charge_parameters,
        "CableCheckReq": _ISO2.state,
        "PreChargeReq": _ISO2.precharge,
        "PowerDeliveryReq": _iso2_power_delivery,
        "CurrentDemandReq": _ISO2.current_demand,
        "ChargingStatusReq": _nothing,
        "MeteringReceiptReq": _metering_receipt,
        "WeldingDetectionReq": _ISO2.state,
        "SessionStopReq": _iso2_session_stop,
    },
    "din": {
        "SessionSetupReq": _session_setup,
        "ServiceDiscoveryReq": _nothing,
        "ServicePaymentSelectionReq": _DIN.payment_selection,
        "ContractAuthenticationReq": _nothing,
        "ChargeParameterDiscoveryReq": _din_charge_parameters,
        "CableCheckReq": _DIN.state,
        "PreChargeReq": _DIN.precharge,
        "PowerDeliveryReq": _din_power_delivery,
        "CurrentDemandReq": _DIN.current_demand,
        "WeldingDetectionReq": _DIN.state,
        "SessionStopReq": _nothing,
    },
}
"""What the vehicle can ask for by itself, by vocabulary."""
