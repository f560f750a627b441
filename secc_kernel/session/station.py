"""A small model of a charging station: what it can do, and how its output moves with time.

The SECC's autopilot reads its answers off this model. It has no link to a battery: as real power electronics do, it
follows the voltage and current that the vehicle asks for, within its limits and not faster than its ramps. All times
are passed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from secc_kernel.messages.iso15118_2.msg_data_types import ServiceParameterListType, ServiceType
from secc_kernel.session.physical import to_float

__all__ = ["Station", "starts"]


def _towards(value: float, target: float, step: float) -> float:
    return min(value + step, target) if value < target else max(value - step, target)


@dataclass(slots=True)
class Station:
    """A charging station: settings first, then the state of its output.

    Attributes
    ----------
    EVSEID : str
        In the form of ISO 15118-2, annex H; in DIN SPEC 70121 the bytes of its characters.
    energy_transfer_modes : tuple of str
        What its connectors offer, by the names of ISO 15118-2.
    payment_options : tuple of str
        In order of preference.
    free : bool
        FreeService of the charge service.
    services : tuple of (ServiceType, ServiceParameterListType or None)
        Value-added services and what ServiceDetail tells of them.
    maximum_voltage, minimum_voltage, maximum_current, minimum_current, maximum_power : float
        Limits of the DC output, in V, A and W.
    nominal_voltage, phase_current : float
        The AC output: voltage to neutral in V, current of each phase in A.
    authorization_time : float or None
        Seconds from the first AuthorizationReq until the customer is authorised; None: never.
    parameter_time, isolation_time : float
        Seconds that schedules and the isolation test take.
    voltage_rate, current_rate : float
        Ramps of the DC output in V/s and A/s.
    notification, notification_max_delay : str, int
        What EVSEStatus tells the vehicle: ``None``, ``StopCharging`` or ``ReNegotiation``, and within how many seconds.
        Back to ``None`` as soon as the vehicle has done it. In DIN SPEC 70121 the first is told as EVSE_Shutdown, the
        second not at all.
    status_code : str or None
        DC_EVSEStatusCode to show in place of the regular one, such as ``EVSE_EmergencyShutdown``.
    receipt_interval : float or None
        Seconds between two metering receipts in the charge loop; None asks for none.
    meter_id : str
        MeterID.
    epoch : float or None
        Unix time of the link's time zero, where that is known; messages then carry time stamps.
    """

    EVSEID: str = "DE*SEC*E00001"
    energy_transfer_modes: tuple[str, ...] = ("AC_single_phase_core", "AC_three_phase_core", "DC_core", "DC_extended")
    payment_options: tuple[str, ...] = ("ExternalPayment",)
    free: bool = True
    services: tuple[tuple[ServiceType, ServiceParameterListType | None], ...] = ()
    maximum_voltage: float = 920.0
    minimum_voltage: float = 150.0
    maximum_current: float = 400.0
    minimum_current: float = 0.0
    maximum_power: float = 150_000.0
    nominal_voltage: float = 230.0
    phase_current: float = 32.0
    authorization_time: float | None = 0.5
    parameter_time: float = 0.2
    isolation_time: float = 1.0
    voltage_rate: float = 400.0
    current_rate: float = 100.0
    notification: str = "None"
    notification_max_delay: int = 0
    status_code: str | None = None
    receipt_interval: float | None = None
    meter_id: str = "SECC-KERNEL-1"
    epoch: float | None = None

    # The output
    voltage: float = field(default=0.0, init=False)
    current: float = field(default=0.0, init=False)
    energy: float = field(default=0.0, init=False)
    """What the meter has counted, in Wh, over all sessions."""
    closed: bool = field(default=False, init=False)
    """Whether the contactor is closed: energy may flow."""
    isolated: bool = field(default=False, init=False)
    """Whether the isolation test has passed."""
    target_voltage: float = field(default=0.0, init=False)
    target_current: float = field(default=0.0, init=False)
    _ac_current: float = field(default=0.0, init=False)
    _phases: int = field(default=3, init=False)
    _time: float = field(default=0.0, init=False)
    _since: dict[str, float] = field(default_factory=dict, init=False)

    def begin_session(self) -> None:
        """A vehicle's session begins: nothing has been asked for yet, the output is off."""
        self._since.clear()
        self.isolated = self.closed = False
        self.voltage = self.current = self.target_voltage = self.target_current = 0.0

    def elapsed(self, what: str, now: float) -> float:
        """Seconds since ``what`` was first asked for in this session (or since its restart)."""
        return now - self._since.setdefault(what, now)

    def restart(self, *names: str) -> None:
        """Let the time of these begin anew when they are next asked for."""
        for name in names:
            self._since.pop(name, None)

    def current_limit(self) -> float:
        """What the DC output can deliver at its present voltage, in A."""
        return min(self.maximum_current, self.maximum_power / max(self.voltage, self.minimum_voltage))

    def ac_power(self) -> float:
        """What the AC output can deliver on the phases in use, in W."""
        return self.nominal_voltage * self.phase_current * self._phases

    def receipt_due(self, now: float) -> bool:
        """Whether the vehicle has to sign for what it was given."""
        return self.receipt_interval is not None and self.elapsed("receipt", now) >= self.receipt_interval

    def advance(self, now: float) -> None:
        """Let the output follow its targets and the meter count, up to ``now``."""
        passed = now - self._time
        if passed <= 0.0:
            return
        self._time = now
        before = self.voltage * self.current
        self.voltage = _towards(self.voltage, self.target_voltage, self.voltage_rate * passed)
        self.current = _towards(self.current, self.target_current, self.current_rate * passed)
        if self.closed:
            power = (before + self.voltage * self.current) / 2 if self.target_voltage else self._ac_drawn()
            self.energy += power * passed / 3600.0

    def _ac_drawn(self) -> float:
        return self.nominal_voltage * min(self._ac_current, self.phase_current) * self._phases

    def observe(self, request: Any, name: str, now: float) -> None:
        """React to a request as the power electronics do: set targets, switch the contactor.

        Parameters
        ----------
        request : declared type
            The request's body.
        name : str
            Its name.
        now : float
            When it arrived.
        """
        self.advance(now)
        reaction = _REACTIONS.get(name)
        if reaction is not None:
            reaction(self, request, now)

    def interrupt(self, now: float) -> None:
        """Open the contactor at once: the vehicle wants no energy any more, or is gone."""
        self.advance(now)
        self.closed = False
        self.current = self.target_current = 0.0

    def _authorization(self, request: Any, now: float) -> None:
        self.elapsed("Authorization", now)

    def _parameters(self, request: Any, now: float) -> None:
        self.elapsed("ChargeParameterDiscovery", now)
        mode = str(getattr(request, "RequestedEnergyTransferMode", None))  # always DC in DIN SPEC 70121
        self._phases = 1 if "single_phase" in mode else 3
        self._ac_current = to_float(getattr(request.EVChargeParameter, "EVMaxCurrent", None))

    def _cable_check(self, request: Any, now: float) -> None:
        self.isolated = self.elapsed("CableCheck", now) >= self.isolation_time

    def _precharge(self, request: Any, now: float) -> None:
        self._follow(to_float(request.EVTargetVoltage), 0.0)

    def _power_delivery(self, request: Any, now: float) -> None:
        self.closed = starts(request)
        self.restart("receipt")
        if self.closed:
            self.elapsed("receipt", now)
        else:
            self.target_current = self.current = 0.0
            if getattr(request, "ChargeProgress", None) == "Renegotiate" and self.notification == "ReNegotiation":
                self.notification = "None"
            # After a renegotiation the schedules are made and the cable is checked once more.
            self.restart("ChargeParameterDiscovery", "CableCheck")

    def _current_demand(self, request: Any, now: float) -> None:
        # Through an open contactor nothing flows, whatever is asked for.
        wanted = to_float(request.EVTargetCurrent) if self.closed else 0.0
        self._follow(to_float(request.EVTargetVoltage), wanted)

    def _welding(self, request: Any, now: float) -> None:
        self._follow(0.0, 0.0)

    def _receipt(self, request: Any, now: float) -> None:
        self.restart("receipt")
        self.elapsed("receipt", now)

    def _session_stop(self, request: Any, now: float) -> None:
        self.notification = "None"
        self.closed = False
        self.current = 0.0
        self._follow(0.0, 0.0)

    def _follow(self, voltage: float, current: float) -> None:
        self.target_voltage = min(max(voltage, 0.0), self.maximum_voltage)
        self.target_current = min(max(current, 0.0), self.current_limit())


def starts(request: Any) -> bool:
    """Whether a PowerDeliveryReq asks for energy: ChargeProgress Start, in DIN SPEC 70121 ReadyToChargeState true."""
    return getattr(request, "ChargeProgress", None) == "Start" or getattr(request, "ReadyToChargeState", None) is True


_REACTIONS = {
    "AuthorizationReq": Station._authorization,
    "ContractAuthenticationReq": Station._authorization,
    "ChargeParameterDiscoveryReq": Station._parameters,
    "CableCheckReq": Station._cable_check,
    "PreChargeReq": Station._precharge,
    "PowerDeliveryReq": Station._power_delivery,
    "CurrentDemandReq": Station._current_demand,
    "WeldingDetectionReq": Station._welding,
    "MeteringReceiptReq": Station._receipt,
    "SessionStopReq": Station._session_stop,
}
