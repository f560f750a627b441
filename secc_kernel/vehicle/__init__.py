"""The simulated EV: a battery, named profiles, and the EVCC of ISO 15118-2 and DIN SPEC 70121 on top."""

from secc_kernel.vehicle.battery import Battery
from secc_kernel.vehicle.ev import SimulatedEV
from secc_kernel.vehicle.judge import Judge, rules
from secc_kernel.vehicle.profiles import PROFILES, Profile, profile

__all__ = ["PROFILES", "Battery", "Judge", "Profile", "SimulatedEV", "profile", "rules"]
