"""A simulated electric vehicle: an EVCC of ISO 15118-2 (AC and DC) and DIN SPEC 70121 with a battery behind it.

It is deterministic: the same profile, state of charge and station give the same messages at the same times. It charges
until its target, as fast as its battery and the station admit, and reacts to what the station says: it stops or
renegotiates when asked, signs for energy when asked, and leaves when something is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

from secc_kernel import codec
from secc_kernel.codec import Message
from secc_kernel.messages import vocabulary
from secc_kernel.messages.iso15118_2 import msg_data_types as types
from secc_kernel.session.evcc import EVCC, PRECHARGE, STOP, STOPS
from secc_kernel.session.events import LocalProtocolError
from secc_kernel.session.journal import Journal
from secc_kernel.session.physical import to_float
from secc_kernel.session.sequence import SEQUENCES
from secc_kernel.session.station import starts
from secc_kernel.vehicle.judge import Judge, Verdict, checked, rules
from secc_kernel.vehicle.judgement import Reaction
from secc_kernel.vehicle.judgements import CHARGE_SERVICE
from secc_kernel.vehicle.profiles import MEASURES_ITSELF, Profile, usual_pace
from secc_kernel.vehicle.profiles import profile as named
from secc_kernel.vehicle.requests import AC_MODES, DC_MODES, REQUESTS
from secc_kernel.wire import sdp

__all__ = ["SimulatedEV", "Told"]

PRECHARGE_TOLERANCE = 20.0
"""How near the station's voltage must come to the battery's before the contactors close, in V (IEC 61851-23)."""
SAFE_VOLTAGE = 60.0
"""Below this the connector may be unlocked, in V."""
WELDING_POLLS = 20
PAYMENTS = ("ExternalPayment",)
"""How it pays: it has no contract."""


@dataclass(slots=True)
class Told:
    """What the station has told the vehicle in this session; nothing limits before it has.

    Attributes
    ----------
    voltage, current, power : float
        Its present voltage (of AC: to neutral), and the most that it gives, in V, A and W.
    ceiling : float
        The most voltage that it gives by DC, in V.
    service_id : int
        ServiceID of its charge service.
    tuple_id : int
        SAScheduleTupleID of its schedule.
    schedule : float
        The power of its schedule in W; 0 where there is none to heed.
    meter : MeterInfoType or None
        Its meter.
    """

    voltage: float = 0.0
    current: float = inf
    power: float = inf
    ceiling: float = inf
    service_id: int = CHARGE_SERVICE
    tuple_id: int = 1
    schedule: float = 0.0
    meter: Any = None


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
        that simulate no voltage: then what they tell of it counts for nothing.
    protocols : iterable of str, optional
        Schema keys that it offers, the first with the highest priority. By default the profile's, for AC without those
        that charge by DC only.
    welding_detection : bool, optional
        Whether it looks for welded contactors before it stops; by default as the profile does.
    tolerates : iterable of str, optional
        Rules of `judgements.JUDGEMENTS` that it lets pass; by default the profile's.
    patient : bool
        Whether it lets all of them pass that find something wrong, and does not look at the voltage before its
        contactors close. What the station may ask for, such as to stop, it does all the same.
    security, tls_only, journal, records_frames, name
        As for `EVCC`.
    pace : callable, optional
        As for `Party`; by default that of production cars (`profiles.PACE`).

    Attributes
    ----------
    battery : Battery
        Its battery, kept from session to session.
    mode : str or None
        The energy transfer mode that it chose.
    delivering : bool
        Whether it has asked for energy.
    error_code : str
        The EVErrorCode that it tells.
    told : Told
        What the station has told it.
    """

    def __init__(
        self,
        profile: str | Profile = "compact",
        *,
        soc: float = 40.0,
        target_soc: float = 80.0,
        energy: str | None = None,
        precharge_tolerance: float = PRECHARGE_TOLERANCE,
        protocols: Iterable[str] | None = None,
        welding_detection: bool | None = None,
        tolerates: Iterable[str] | None = None,
        patient: bool = False,
        security: int = sdp.Security.NoTransportLayerSecurity,
        tls_only: bool = False,
        journal: Journal | None = None,
        records_frames: bool = True,
        name: str | None = None,
        pace: Callable[[str, str | None], float] | None = None,
    ) -> None:
        chosen = named(profile) if isinstance(profile, str) else profile
        super().__init__(
            protocols=_offered(chosen, energy) if protocols is None else protocols,
            security=security,
            tls_only=tls_only,
            journal=journal,
            records_frames=records_frames,
            name=name,
            pace=pace or usual_pace,
        )
        self.profile = chosen
        self.mac = chosen.EVCCID
        self.welding_detection = chosen.welding_detection if welding_detection is None else welding_detection
        if energy not in (None, "AC", "DC"):
            raise ValueError(f"energy is 'AC' or 'DC', not {energy!r}")
        self.energy = energy
        self.precharge_tolerance = inf if patient else precharge_tolerance
        passes = chosen.tolerates if tolerates is None else checked(tolerates)
        if patient:
            passes = frozenset(rules("warning", "error"))
        self.tolerates = passes | MEASURES_ITSELF if self.precharge_tolerance == inf else passes
        self.battery = self.profile.battery(soc)
        self.target_soc = target_soc
        self.begin()

    def begin(self) -> None:
        """Forget the last session; the battery keeps its charge."""
        self.mode: str | None = None
        self.told = Told()
        self.delivering = False
        self.error_code = "NO_ERROR"
        self._judge = Judge(self.tolerates)
        self._judge.known.payments = PAYMENTS
        self._since = self.now
        self._welding_polls = 0

    # -- decisions ----------------------------------------------------------------------------------------------------

    @property
    def satisfied(self) -> bool:
        """Whether it has reached its target."""
        return self.battery.soc >= self.target_soc or self.battery.full(self.told.ceiling)

    def choose(self, allowed: tuple[str, ...], request: Message, response: Message) -> str:
        """Which of the allowed requests comes next."""
        if "WeldingDetectionReq" in allowed:
            return "WeldingDetectionReq" if self.welding_detection and self._still_charged() else STOP
        if self.leaving and STOP in allowed:
            return STOP
        if "PreChargeReq" in allowed:
            near = abs(self.told.voltage - self.battery.open_voltage) <= self.precharge_tolerance
            ready = near and response.name == "PreChargeRes"
            return "PowerDeliveryReq" if ready else "PreChargeReq"
        if "PowerDeliveryReq" in allowed and self.delivering:
            if self.goal != "charge" or self.satisfied:
                return "PowerDeliveryReq"
            return next(name for name in allowed if name != "PowerDeliveryReq")
        return "PaymentServiceSelectionReq" if "PaymentServiceSelectionReq" in allowed else allowed[0]

    def _still_charged(self) -> bool:
        """Whether to look (again) if the voltage has gone: then no contactor has welded."""
        if self._welding_polls == 0:
            return True
        return self.told.voltage >= SAFE_VOLTAGE and self._welding_polls < WELDING_POLLS

    def observe(self, request: Message, response: Message) -> None:
        """Take note of what a response says."""
        reaction = _REACTIONS.get(response.name)
        if reaction is not None:
            reaction(self, request.body, response.body)

    def judge(self, request: Message, response: Message) -> str | None:
        """Do what its judgement of a response asks for; why it closes the connection, if it does."""
        known = self._judge.known
        known.modes = self._wished_modes()
        known.battery_voltage = self.battery.open_voltage
        known.needed_voltage = self.battery.voltage_at(self.target_soc)
        leaving = self.leaving
        for verdict in self._judge.hear(request, response, self.now):
            closing = verdict.reaction == Reaction.CLOSE
            # A vehicle that leaves looks at nothing any more but whether it is still its session.
            if leaving and not closing:
                continue
            what = f"{response.name}: {verdict.text}"
            self._tell(verdict, what, response.schema)
            if closing:
                return what
            if not self.leaving:
                self._react(verdict, what)
        return None

    def _tell(self, verdict: Verdict, what: str, schema: str) -> None:
        """Write a finding about the response, once."""
        row = verdict.judgement
        if verdict.repeated or not row.severity:
            return
        passed = "; the vehicle lets it pass" if verdict.passes and row.reaction > Reaction.GO_ON else ""
        self._find(row.rule, row.severity, " ".join(filter(None, (what, row.ids.get(schema)))) + passed)

    def _react(self, verdict: Verdict, what: str) -> None:
        if verdict.reaction == Reaction.STOP:
            self.error_code = verdict.judgement.error
            self.goal = "stop"
            way = "PowerDelivery and SessionStop" if self.delivering else "SessionStop"
            self.why = what
            self._note(f"{STOPS}{what}; it ends the session in order, by {way}")
        elif verdict.reaction == Reaction.RENEGOTIATE and self._may_renegotiate:
            self.goal = "renegotiate"
            self._note(f"the EV renegotiates: {what}")

    @property
    def _may_renegotiate(self) -> bool:
        return self.goal == "charge" and self.delivering and self.progress.rules.renegotiates

    def describe(self, timer: str) -> str:
        """What the vehicle knows of why a timer ran out."""
        if timer != PRECHARGE:
            return ""
        return f"; the station's voltage is {self.told.voltage:g} V, the battery's {self.battery.open_voltage:.1f} V"

    def _wished_modes(self) -> tuple[str, ...]:
        """The energy transfer modes that it takes, the best first; before the handshake those of ISO 15118-2."""
        wished: tuple[str, ...] = ()
        if self.energy != "AC":
            wished += DC_MODES
        if self.energy != "DC" and "AC" in self.progress.rules.modes:
            wished += {3: AC_MODES, 1: AC_MODES[1:]}.get(self.profile.ac_phases, ())
        return wished

    def _discovered(self, request: Any, response: Any) -> None:
        service = response.ChargeService
        supported = getattr(service, "SupportedEnergyTransferMode", None)
        # DIN SPEC 70121: one type, which may name several connectors (AC_core3p_DC_extended).
        offered = [service.EnergyTransferType] if supported is None else supported.EnergyTransferMode
        wished = self._wished_modes()
        self.mode = next((mode for mode in wished if any(str(offer).endswith(mode) for offer in offered)), None)
        self.told.service_id = getattr(service, "ServiceTag", service).ServiceID

    def _parameters(self, request: Any, response: Any) -> None:
        told = self.told
        schedules = getattr(response.SASchedules, "SAScheduleTuple", None)
        if schedules:
            told.tuple_id = schedules[0].SAScheduleTupleID
            # In DIN SPEC 70121 a plain number, which the vehicle has to ignore ([V2G-DC-882]): it reads as 0 here.
            told.schedule = to_float(schedules[0].PMaxSchedule.PMaxScheduleEntry[0].PMax)
        parameter = response.EVSEChargeParameter
        if isinstance(parameter, types.AC_EVSEChargeParameterType):
            nominal = to_float(parameter.EVSENominalVoltage)
            # To neutral; some stations tell the voltage between two phases.
            told.voltage = nominal if nominal < 300.0 else nominal / sqrt(3.0)
            told.current = to_float(parameter.EVSEMaxCurrent)
        else:
            self._limits(parameter)

    def _limits(self, source: Any) -> None:
        """Take note of the station's DC limits, where it tells them."""
        if source.EVSEMaximumCurrentLimit is not None:
            self.told.current = to_float(source.EVSEMaximumCurrentLimit)
        if source.EVSEMaximumPowerLimit is not None:
            self.told.power = to_float(source.EVSEMaximumPowerLimit)
        if source.EVSEMaximumVoltageLimit is not None and "voltage-limit" not in self.tolerates:
            self.told.ceiling = to_float(source.EVSEMaximumVoltageLimit)

    def _precharged(self, request: Any, response: Any) -> None:
        self.told.voltage = to_float(response.EVSEPresentVoltage)

    def _welding_checked(self, request: Any, response: Any) -> None:
        self._welding_polls += 1
        self.told.voltage = to_float(response.EVSEPresentVoltage)

    def _power_delivered(self, request: Any, response: Any) -> None:
        self.delivering = starts(request)
        self._since = self.now
        if getattr(request, "ChargeProgress", None) == "Renegotiate":
            self.goal = "charge"
        elif not self.delivering and not self.leaving:
            self.goal = "stop"

    def _current_flowed(self, request: Any, response: Any) -> None:
        self.told.voltage = to_float(response.EVSEPresentVoltage)
        current = to_float(response.EVSEPresentCurrent)
        self._take(self.battery.voltage(current) * current)
        self._limits(response)
        self.told.meter = getattr(response, "MeterInfo", None)

    def _status_told(self, request: Any, response: Any) -> None:
        if response.EVSEMaxCurrent is not None:
            self.told.current = to_float(response.EVSEMaxCurrent)
        self._take(self.ac_current() * self.told.voltage * self.ac_phases)
        self.told.meter = response.MeterInfo

    def _take(self, power: float) -> None:
        """Charge the battery with what has come since the last response."""
        self.battery.charge(power, self.now - self._since)
        self._since = self.now

    # -- requests -----------------------------------------------------------------------------------------------------

    def make_request(self, name: str) -> Message:
        """The vehicle's request of that name, at this moment, in the session's protocol where that has it."""
        own = self.schema is not None and name in vocabulary(self.schema).elements
        for schema in (self.schema,) if own else (*self.protocols, *REQUESTS):
            make = REQUESTS.get(schema or "", {}).get(name)
            if make is not None:
                return codec.new(schema or "", name, session_id=self._header_session_id(name), **make(self))
        raise LocalProtocolError(
            f"the simulated vehicle makes no {name} by itself (it has no contract): set all of its mandatory fields"
        )

    def _header_session_id(self, name: str) -> bytes:
        if name == "SessionSetupReq":
            return self.paused_session_id or bytes(8)
        return self.session_id or bytes(8)

    @property
    def ac_phases(self) -> int:
        """Phases that it charges on by AC."""
        return 1 if self.mode == "AC_single_phase_core" else self.profile.ac_phases

    def ac_current(self) -> float:
        """What it draws on each phase, in A; nothing where the station gives less than it needs."""
        current = min(self.profile.ac_current, self.told.current)
        return current if current >= self.profile.ac_minimum_current else 0.0


def _offered(profile: Profile, energy: str | None) -> tuple[str, ...]:
    """What a vehicle of this profile offers when it wants this energy."""
    fitting = tuple(key for key in profile.protocols if energy is None or energy in SEQUENCES[key].modes)
    return fitting or profile.protocols


_REACTIONS: dict[str, Callable[[SimulatedEV, Any, Any], None]] = {
    "ServiceDiscoveryRes": SimulatedEV._discovered,
    "ChargeParameterDiscoveryRes": SimulatedEV._parameters,
    "PreChargeRes": SimulatedEV._precharged,
    "PowerDeliveryRes": SimulatedEV._power_delivered,
    "CurrentDemandRes": SimulatedEV._current_flowed,
    "ChargingStatusRes": SimulatedEV._status_told,
    "WeldingDetectionRes": SimulatedEV._welding_checked,
}
