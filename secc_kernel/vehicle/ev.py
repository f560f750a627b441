"""A simulated electric vehicle: the EVCC of ISO 15118-2 with a battery behind it, AC and DC.

It is deterministic: the same profile, state of charge and station give the same messages at the same times. It charges
until its target, as fast as its battery and the station admit, and reacts to what the station says: it stops or
renegotiates when asked, signs for energy when asked, and leaves when something is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf, sqrt
from typing import Any

from secc_kernel import codec
from secc_kernel.codec import Message
from secc_kernel.messages.iso15118_2 import msg_data_types as types
from secc_kernel.session.evcc import EVCC, STOP
from secc_kernel.session.events import LocalProtocolError
from secc_kernel.session.journal import Journal
from secc_kernel.session.physical import amperes, seconds, to_float, volts, watt_hours, watts
from secc_kernel.session.sequence import SEQUENCES
from secc_kernel.vehicle.profiles import PACE, PACE_OTHERWISE, Profile
from secc_kernel.vehicle.profiles import profile as named
from secc_kernel.wire import sdp

__all__ = ["SimulatedEV"]

DC_MODES = ("DC_extended", "DC_combo_core", "DC_core", "DC_unique")
AC_MODES = ("AC_three_phase_core", "AC_single_phase_core")
PRECHARGE_TOLERANCE = 20.0
"""How near the station's voltage must come to the battery's before the contactors close, in V (IEC 61851-23)."""
SAFE_VOLTAGE = 60.0
"""Below this the connector may be unlocked, in V."""
WELDING_POLLS = 20
FULL_SOC, BULK_SOC = 100, 80
_TROUBLE = frozenset(("EVSE_Shutdown", "EVSE_UtilityInterruptEvent", "EVSE_EmergencyShutdown", "EVSE_Malfunction"))


def _pace(name: str, previous: str | None) -> float:
    found = PACE.get((previous, name))
    return found if found is not None else PACE.get((None, name), PACE_OTHERWISE)


def _time(energy: float, power: float) -> types.PhysicalValueType | None:
    """How long so many Wh take at a power in W; None where the vehicle cannot tell: hardly any current flows."""
    return seconds(3600.0 * energy / power) if power >= 100.0 else None


class SimulatedEV(EVCC):
    """A whole vehicle.

    Parameters
    ----------
    profile : str or Profile
        Which one; see `profiles.PROFILES`.
    soc : float
        State of charge when it is plugged in, in percent.
    target_soc : float
        State of charge at which it stops.
    energy : str, optional
        ``AC`` or ``DC``: what it wants. By default DC where the station has it.
    precharge_tolerance : float
        How far, in V, the station's voltage may be from the battery's when the contactors close. Infinite for stations
        that simulate no voltage.
    protocols, security, journal, records_frames, name
        As for `EVCC`.
    pace : callable, optional
        As for `Party`; by default that of production cars (`profiles.PACE`).

    Attributes
    ----------
    battery : Battery
        Its battery, kept from session to session.
    mode : str or None
        The energy transfer mode that it chose.
    """

    def __init__(
        self,
        profile: str | Profile = "compact",
        *,
        soc: float = 40.0,
        target_soc: float = 80.0,
        energy: str | None = None,
        precharge_tolerance: float = PRECHARGE_TOLERANCE,
        protocols: Iterable[str] = tuple(SEQUENCES),
        security: int = sdp.Security.NoTransportLayerSecurity,
        journal: Journal | None = None,
        records_frames: bool = True,
        name: str | None = None,
        pace: Callable[[str, str | None], float] | None = None,
    ) -> None:
        super().__init__(
            protocols=protocols,
            security=security,
            journal=journal,
            records_frames=records_frames,
            name=name,
            pace=pace or _pace,
        )
        self.profile = named(profile) if isinstance(profile, str) else profile
        if energy not in (None, "AC", "DC"):
            raise ValueError(f"energy is 'AC' or 'DC', not {energy!r}")
        self.energy = energy
        self.precharge_tolerance = precharge_tolerance
        self.battery = self.profile.battery(soc)
        self.target_soc = target_soc
        self.begin()

    def begin(self) -> None:
        """Forget the last session; the battery keeps its charge."""
        self.mode: str | None = None
        self._tuple: int = 1
        self._power_offered = 0.0
        # Unlimited until the station tells.
        self._station_current = self._station_power = inf
        self._station_voltage = 0.0
        self._delivering = False
        self._since = self.now
        self._welding_polls = 0
        self._meter: Any = None

    # -- decisions ----------------------------------------------------------------------------------------------------

    @property
    def satisfied(self) -> bool:
        """Whether it has reached its target."""
        return self.battery.soc >= self.target_soc or self.battery.full

    def choose(self, allowed: tuple[str, ...], request: Message, response: Message) -> str:
        """Which of the allowed requests comes next."""
        if "WeldingDetectionReq" in allowed:
            return "WeldingDetectionReq" if self._still_charged() else STOP
        if self.leaving and STOP in allowed:
            return STOP
        if "PreChargeReq" in allowed:
            near = abs(self._station_voltage - self.battery.open_voltage) <= self.precharge_tolerance
            ready = near and response.name == "PreChargeRes"
            return "PowerDeliveryReq" if ready else "PreChargeReq"
        if "PowerDeliveryReq" in allowed and self._delivering:
            if self.goal != "charge" or self.satisfied:
                return "PowerDeliveryReq"
            return next(name for name in allowed if name != "PowerDeliveryReq")
        return "PaymentServiceSelectionReq" if "PaymentServiceSelectionReq" in allowed else allowed[0]

    def _still_charged(self) -> bool:
        """Whether to look (again) if the voltage has gone: then no contactor has welded."""
        if self._welding_polls == 0:
            return True
        return self._station_voltage >= SAFE_VOLTAGE and self._welding_polls < WELDING_POLLS

    def observe(self, request: Message, response: Message) -> None:
        """Take note of what a response says."""
        reaction = _REACTIONS.get(response.name)
        if reaction is not None:
            reaction(self, request.body, response.body)

    def _discovered(self, request: Any, response: Any) -> None:
        offered = response.ChargeService.SupportedEnergyTransferMode.EnergyTransferMode
        wished: tuple[str, ...] = ()
        if self.energy != "AC":
            wished += DC_MODES
        if self.energy != "DC":
            wished += {3: AC_MODES, 1: AC_MODES[1:]}.get(self.profile.ac_phases, ())
        self.mode = next((mode for mode in wished if mode in offered), None)
        if self.mode is None:
            self._leave(f"the station offers {', '.join(map(str, offered)) or 'nothing'}, the vehicle takes {wished}")
        elif "ExternalPayment" not in response.PaymentOptionList.PaymentOption:
            self._leave("the station takes no external payment, the vehicle has no contract")

    def _leave(self, why: str) -> None:
        if not self.leaving:
            self.goal = "stop"
            self._note(f"the vehicle leaves: {why}")

    def _parameters(self, request: Any, response: Any) -> None:
        schedules = getattr(response.SASchedules, "SAScheduleTuple", None)
        if schedules:
            self._tuple = schedules[0].SAScheduleTupleID
            entries = schedules[0].PMaxSchedule.PMaxScheduleEntry
            self._power_offered = to_float(entries[0].PMax)
        parameter = response.EVSEChargeParameter
        if isinstance(parameter, types.AC_EVSEChargeParameterType):
            nominal = to_float(parameter.EVSENominalVoltage)
            # To neutral; some stations tell the voltage between two phases.
            self._station_voltage = nominal if nominal < 300.0 else nominal / sqrt(3.0)
            self._station_current = to_float(parameter.EVSEMaxCurrent)
            self._heed(parameter.AC_EVSEStatus)
        else:
            self._limits(parameter)
            self._heed(parameter.DC_EVSEStatus)

    def _limits(self, told: Any) -> None:
        """Take note of the station's DC limits, where it tells them."""
        if told.EVSEMaximumCurrentLimit is not None:
            self._station_current = to_float(told.EVSEMaximumCurrentLimit)
        if told.EVSEMaximumPowerLimit is not None:
            self._station_power = to_float(told.EVSEMaximumPowerLimit)

    def _cable_checked(self, request: Any, response: Any) -> None:
        status = response.DC_EVSEStatus
        if response.EVSEProcessing == "Finished" and status.EVSEIsolationStatus == "Fault":
            self._leave("the station reports an isolation fault")
        self._heed(status)

    def _precharged(self, request: Any, response: Any) -> None:
        self._station_voltage = to_float(response.EVSEPresentVoltage)
        self._heed(response.DC_EVSEStatus)

    def _welding_checked(self, request: Any, response: Any) -> None:
        self._welding_polls += 1
        self._station_voltage = to_float(response.EVSEPresentVoltage)

    def _power_delivered(self, request: Any, response: Any) -> None:
        self._delivering = request.ChargeProgress == "Start"
        self._since = self.now
        if request.ChargeProgress == "Renegotiate":
            self.goal = "charge"
        elif request.ChargeProgress == "Stop" and not self.leaving:
            self.goal = "stop"
        self._heed(response.EVSEStatus)

    def _current_flowed(self, request: Any, response: Any) -> None:
        self._station_voltage = to_float(response.EVSEPresentVoltage)
        current = to_float(response.EVSEPresentCurrent)
        self._take(self.battery.voltage(current) * current)
        self._limits(response)
        self._loop(response, response.DC_EVSEStatus)

    def _status_told(self, request: Any, response: Any) -> None:
        if response.EVSEMaxCurrent is not None:
            self._station_current = to_float(response.EVSEMaxCurrent)
        self._take(self._ac_current() * self._station_voltage * self._ac_phases())
        self._loop(response, response.AC_EVSEStatus)

    def _take(self, power: float) -> None:
        """Charge the battery with what has come since the last response."""
        self.battery.charge(power, self.now - self._since)
        self._since = self.now

    def _loop(self, response: Any, status: Any) -> None:
        self._meter = response.MeterInfo
        self._heed(status)

    def _heed(self, status: Any) -> None:
        """Do what EVSEStatus asks for."""
        notification = str(status.EVSENotification)
        if notification == "StopCharging":
            self._leave("the station asks it to stop (EVSENotification StopCharging)")
        elif notification == "ReNegotiation" and self.goal == "charge" and self._delivering:
            self.goal = "renegotiate"
            self._note("the vehicle renegotiates: the station asks for it (EVSENotification ReNegotiation)")
        code = getattr(status, "EVSEStatusCode", None)
        if code in _TROUBLE:
            self._leave(f"the station reports {code}")

    # -- requests -----------------------------------------------------------------------------------------------------

    def make_request(self, name: str) -> Message:
        """The vehicle's request of that name, at this moment."""
        make = _REQUESTS.get(name)
        if make is None:
            raise LocalProtocolError(
                f"the simulated vehicle makes no {name} by itself (it has no contract): set all of its mandatory fields"
            )
        return codec.new("iso2", name, session_id=self._header_session_id(name), **make(self))

    def _header_session_id(self, name: str) -> bytes:
        if name == "SessionSetupReq":
            return self.paused_session_id or bytes(8)
        return self.session_id or bytes(8)

    def _session_setup(self) -> dict[str, Any]:
        return {"EVCCID": self.profile.EVCCID}

    def _nothing(self) -> dict[str, Any]:
        return {}

    def _service_detail(self) -> dict[str, Any]:
        return {"ServiceID": 1}

    def _payment_selection(self) -> dict[str, Any]:
        charging = types.SelectedServiceType(ServiceID=1)
        return {
            "SelectedPaymentOption": "ExternalPayment",
            "SelectedServiceList": types.SelectedServiceListType(SelectedService=[charging]),
        }

    def _charge_parameters(self) -> dict[str, Any]:
        mode = self.mode or (DC_MODES if self.energy != "AC" else AC_MODES)[0]
        parameter = self._dc_parameter() if mode.startswith("DC") else self._ac_parameter()
        return {"RequestedEnergyTransferMode": mode, "EVChargeParameter": parameter}

    def _dc_parameter(self) -> types.DC_EVChargeParameterType:
        profile, battery = self.profile, self.battery
        return types.DC_EVChargeParameterType(
            DC_EVStatus=self._status(),
            EVMaximumCurrentLimit=amperes(profile.dc_current),
            EVMaximumPowerLimit=watts(profile.dc_power),
            EVMaximumVoltageLimit=volts(profile.maximum_voltage),
            EVEnergyCapacity=watt_hours(battery.capacity),
            EVEnergyRequest=watt_hours(battery.energy_to(self.target_soc)),
            FullSOC=FULL_SOC,
            BulkSOC=BULK_SOC,
        )

    def _ac_parameter(self) -> types.AC_EVChargeParameterType:
        return types.AC_EVChargeParameterType(
            EAmount=watt_hours(self.battery.energy_to(self.target_soc)),
            EVMaxVoltage=volts(400.0 if self.profile.ac_phases == 3 else 250.0),
            EVMaxCurrent=amperes(self.profile.ac_current),
            EVMinCurrent=amperes(self.profile.ac_minimum_current),
        )

    def _ac_phases(self) -> int:
        return 1 if self.mode == "AC_single_phase_core" else self.profile.ac_phases

    def _ac_current(self) -> float:
        """What it draws on each phase, in A; nothing where the station gives less than it needs."""
        current = min(self.profile.ac_current, self._station_current)
        return current if current >= self.profile.ac_minimum_current else 0.0

    def _status(self) -> types.DC_EVStatusType:
        return types.DC_EVStatusType(
            EVReady=not self.leaving, EVErrorCode=types.DC_EVErrorCodeType.NO_ERROR, EVRESSSOC=int(self.battery.soc)
        )

    def _dc_status(self) -> dict[str, Any]:
        return {"DC_EVStatus": self._status()}

    def _precharge(self) -> dict[str, Any]:
        return {
            "DC_EVStatus": self._status(),
            "EVTargetVoltage": volts(self.battery.open_voltage),
            "EVTargetCurrent": amperes(1.0),
        }

    def _current_demand(self) -> dict[str, Any]:
        battery = self.battery
        by_power = self._station_power / max(battery.voltage(self._station_current), 1.0)
        current = min(battery.current_limit(), self._station_current, by_power)
        power = battery.voltage(current) * current
        return {
            "DC_EVStatus": self._status(),
            "EVTargetCurrent": amperes(current),
            "EVMaximumVoltageLimit": volts(battery.maximum_voltage),
            "EVMaximumCurrentLimit": amperes(battery.maximum_current),
            "EVMaximumPowerLimit": watts(self.profile.dc_power),
            "BulkChargingComplete": battery.soc >= BULK_SOC,
            "ChargingComplete": self.satisfied,
            "RemainingTimeToFullSoC": _time(battery.energy_to(FULL_SOC), power),
            "RemainingTimeToBulkSoC": _time(battery.energy_to(BULK_SOC), power),
            "EVTargetVoltage": volts(battery.voltage(current)),
        }

    def _power_delivery(self) -> dict[str, Any]:
        progress = "Start" if not self._delivering and not self.leaving else "Stop"
        if self._delivering and self.goal == "renegotiate":
            progress = "Renegotiate"
        fields: dict[str, Any] = {"ChargeProgress": progress, "SAScheduleTupleID": self._tuple}
        direct = (self.mode or "DC").startswith("DC")
        if progress == "Start":
            fields["ChargingProfile"] = self._charging_profile(direct)
        if direct:
            fields["EVPowerDeliveryParameter"] = types.DC_EVPowerDeliveryParameterType(
                DC_EVStatus=self._status(),
                BulkChargingComplete=self.battery.soc >= BULK_SOC,
                ChargingComplete=self.satisfied,
            )
        return fields

    def _charging_profile(self, direct: bool) -> types.ChargingProfileType:
        phases = None if direct else self._ac_phases()
        own = self.profile.dc_power if phases is None else phases * self._station_voltage * self._ac_current()
        entry = types.ProfileEntryType(
            ChargingProfileEntryStart=0,
            ChargingProfileEntryMaxPower=watts(min(own, self._power_offered or own)),
            ChargingProfileEntryMaxNumberOfPhasesInUse=phases,
        )
        return types.ChargingProfileType(ProfileEntry=[entry])

    def _metering_receipt(self) -> dict[str, Any]:
        meter = self._meter or types.MeterInfoType(MeterID="unknown")
        return {"SessionID": self.session_id or bytes(8), "SAScheduleTupleID": self._tuple, "MeterInfo": meter}

    def _session_stop(self) -> dict[str, Any]:
        return {"ChargingSession": "Pause" if self.goal == "pause" else "Terminate"}


_REACTIONS: dict[str, Callable[[SimulatedEV, Any, Any], None]] = {
    "ServiceDiscoveryRes": SimulatedEV._discovered,
    "ChargeParameterDiscoveryRes": SimulatedEV._parameters,
    "CableCheckRes": SimulatedEV._cable_checked,
    "PreChargeRes": SimulatedEV._precharged,
    "PowerDeliveryRes": SimulatedEV._power_delivered,
    "CurrentDemandRes": SimulatedEV._current_flowed,
    "ChargingStatusRes": SimulatedEV._status_told,
    "WeldingDetectionRes": SimulatedEV._welding_checked,
}

_REQUESTS: dict[str, Callable[[SimulatedEV], dict[str, Any]]] = {
    "SessionSetupReq": SimulatedEV._session_setup,
    "ServiceDiscoveryReq": SimulatedEV._nothing,
    "ServiceDetailReq": SimulatedEV._service_detail,
    "PaymentServiceSelectionReq": SimulatedEV._payment_selection,
    "AuthorizationReq": SimulatedEV._nothing,
    "ChargeParameterDiscoveryReq": SimulatedEV._charge_parameters,
    "CableCheckReq": SimulatedEV._dc_status,
    "PreChargeReq": SimulatedEV._precharge,
    "PowerDeliveryReq": SimulatedEV._power_delivery,
    "CurrentDemandReq": SimulatedEV._current_demand,
    "ChargingStatusReq": SimulatedEV._nothing,
    "MeteringReceiptReq": SimulatedEV._metering_receipt,
    "WeldingDetectionReq": SimulatedEV._dc_status,
    "SessionStopReq": SimulatedEV._session_stop,
}
