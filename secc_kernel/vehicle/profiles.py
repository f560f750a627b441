"""Vehicles to choose from, as data: battery, limits, and how they pace their requests.

The vehicles are not any maker's; their numbers lie where those of real ones of their class do.
"""

from __future__ import annotations

from dataclasses import dataclass

from secc_kernel.vehicle.battery import Battery, Curve

__all__ = [
    "LOOKS_AT_LITTLE",
    "MEASURES_ITSELF",
    "PACE",
    "PACE_OTHERWISE",
    "PROFILES",
    "Profile",
    "profile",
    "usual_pace",
]

PACE_OTHERWISE = 0.1
PACE: dict[tuple[str | None, str], float] = {
    (None, "CurrentDemandReq"): 0.120,
    (None, "CableCheckReq"): 0.122,
    (None, "PreChargeReq"): 0.121,
    (None, "AuthorizationReq"): 0.122,
    (None, "ContractAuthenticationReq"): 0.081,
    (None, "WeldingDetectionReq"): 0.081,
    (None, "SessionSetupReq"): 0.057,
    (None, "ServiceDiscoveryReq"): 0.109,
    (None, "PaymentServiceSelectionReq"): 0.081,
    (None, "ServicePaymentSelectionReq"): 0.081,
    (None, "ChargeParameterDiscoveryReq"): 0.125,
    ("PaymentServiceSelectionRes", "AuthorizationReq"): 0.077,
    ("ServicePaymentSelectionRes", "ContractAuthenticationReq"): 0.075,
    ("ChargeParameterDiscoveryRes", "CableCheckReq"): 0.728,
    ("CableCheckRes", "PreChargeReq"): 0.061,
    ("PreChargeRes", "PowerDeliveryReq"): 0.201,
    ("ChargeParameterDiscoveryRes", "PowerDeliveryReq"): 0.082,
    ("CurrentDemandRes", "PowerDeliveryReq"): 0.071,
    ("ChargingStatusRes", "PowerDeliveryReq"): 0.032,
    ("PowerDeliveryRes", "CurrentDemandReq"): 0.110,
    ("PowerDeliveryRes", "ChargingStatusReq"): 0.757,
    ("PowerDeliveryRes", "WeldingDetectionReq"): 0.422,
    ("WeldingDetectionRes", "SessionStopReq"): 0.061,
    ("PowerDeliveryRes", "SessionStopReq"): 0.581,
    # Real cars ask every 0.12 s here too; a charge of hours would be a hundred thousand equal messages.
    ("ChargingStatusRes", "ChargingStatusReq"): 2.0,
}
"""Seconds from a response to the next request, by both names (None: whatever the response): medians of production cars
at public chargers. What is not listed takes `PACE_OTHERWISE`."""


def usual_pace(name: str, previous: str | None) -> float:
    """How long a car takes from a response (None: it begins) to its next request, in seconds."""
    found = PACE.get((previous, name))
    return found if found is not None else PACE.get((None, name), PACE_OTHERWISE)


MEASURES_ITSELF = frozenset(("precharge-voltage", "present-voltage"))
"""A vehicle that goes by the voltage at its inlet, which it measures itself, whatever the station tells."""
LOOKS_AT_LITTLE = frozenset(("schedules", "schedule-tuple", "evse-status.monitoring"))
"""A vehicle of the first years: it reads of a response what it needs to go on."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A vehicle.

    Attributes
    ----------
    title : str
        What it stands for.
    EVCCID : bytes
        Its MAC address.
    capacity : float
        Usable energy in Wh.
    cells : int
        Cells in series: they make the voltage.
    resistance : float
        Inner resistance of the battery in Ohm.
    dc_current, dc_power : float
        Most current in A, and the power in W that it takes up to half full.
    ac_phases : int
        Phases of its onboard charger; 0 for none.
    ac_current, ac_minimum_current : float
        What it takes at most and at least on each, in A.
    protocols : tuple of str
        Schema keys that it offers, the first with the highest priority.
    welding_detection : bool
        Whether it looks for welded contactors after a DC charge.
    tolerates : frozenset of str
        Rules of `judgements.JUDGEMENTS` that it lets pass.
    """

    title: str
    EVCCID: bytes
    capacity: float
    cells: int
    resistance: float
    dc_current: float
    dc_power: float
    ac_phases: int = 3
    ac_current: float = 16.0
    ac_minimum_current: float = 6.0
    protocols: tuple[str, ...] = ("iso2", "din")
    welding_detection: bool = True
    tolerates: frozenset[str] = frozenset()

    @property
    def maximum_voltage(self) -> float:
        """Charging voltage at the end, in V."""
        return self.cells * _CELL[-1][1]

    def battery(self, soc: float) -> Battery:
        """Its battery at a state of charge in percent."""
        return Battery(
            capacity=self.capacity,
            soc=soc,
            voltage_curve=tuple((percent, volts * self.cells) for percent, volts in _CELL),
            power_curve=tuple((percent, share * self.dc_power) for percent, share in _TAPER),
            resistance=self.resistance,
            maximum_voltage=self.maximum_voltage,
            maximum_current=self.dc_current,
        )


_CELL: Curve = (
    (0, 3.20), (5, 3.40), (10, 3.48), (20, 3.56), (30, 3.61), (40, 3.65), (50, 3.70), (60, 3.80),
    (70, 3.90), (80, 3.99), (90, 4.08), (100, 4.20),
)  # fmt: skip
"""Open-circuit voltage of an NMC cell over its state of charge."""
_TAPER: Curve = ((0, 0.6), (5, 1.0), (50, 1.0), (80, 0.5), (95, 0.15), (100, 0.05))
"""Share of the full charging power over the state of charge."""

PROFILES: dict[str, Profile] = {
    "compact": Profile(
        title="city car with a small 400 V battery",
        EVCCID=bytes.fromhex("020000000001"),
        capacity=16_000.0,
        cells=88,
        resistance=0.09,
        dc_current=150.0,
        dc_power=50_000.0,
    ),
    "sedan": Profile(
        title="long-distance car with an 800 V battery",
        EVCCID=bytes.fromhex("020000000002"),
        capacity=77_000.0,
        cells=192,
        resistance=0.08,
        dc_current=350.0,
        dc_power=230_000.0,
    ),
    "truck": Profile(
        title="heavy truck, DC only",
        EVCCID=bytes.fromhex("020000000003"),
        capacity=450_000.0,
        cells=180,
        resistance=0.02,
        dc_current=500.0,
        dc_power=350_000.0,
        ac_phases=0,
    ),
    "hybrid": Profile(
        title="plug-in hybrid with a 230 V battery that charges on a single phase",
        EVCCID=bytes.fromhex("020000000004"),
        capacity=10_000.0,
        cells=60,
        resistance=0.12,
        dc_current=100.0,
        dc_power=25_000.0,
        ac_phases=1,
    ),
    "veteran": Profile(
        title="early electric car that speaks DIN SPEC 70121 only, skips the welding detection and tolerates much",
        EVCCID=bytes.fromhex("020000000005"),
        capacity=21_000.0,
        cells=88,
        resistance=0.12,
        dc_current=125.0,
        dc_power=40_000.0,
        ac_phases=0,
        protocols=("din",),
        welding_detection=False,
        tolerates=MEASURES_ITSELF | LOOKS_AT_LITTLE,
    ),
}


def profile(name: str) -> Profile:
    """The profile of that name.

    Raises
    ------
    KeyError
        There is none; the message lists those there are.
    """
    found = PROFILES.get(name)
    if found is None:
        raise KeyError(f"no vehicle profile {name!r}; there are {', '.join(PROFILES)}")
    return found
