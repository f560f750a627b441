"""What is between the simulated vehicle and station: the wire of the control pilot, and a powerline with two modems."""

from __future__ import annotations

from random import Random

from ..session.control_pilot import ControlPilot
from ..session.datalink import DataLink, StationDataLink, VehicleDataLink
from ..session.evcc import EVCC
from ..session.secc import SECC
from ..session.slac import EVMatcher, EVSEMatcher
from ..wire.homeplug import Frame
from .modem import Modem, Powerline

__all__ = ["STATION_MAC", "PlugIn"]

STATION_MAC = bytes.fromhex("02000000ff01")
"""The address of the simulated station's host."""


class PlugIn:
    """The data links of both sides, on one line in memory.

    Nothing in it is random but by generators with a fixed seed: keys, run ids and sounds are the same each time.

    Parameters
    ----------
    station, vehicle : SECC, EVCC
        The two sides; the one that records frames records those of the powerline as well.
    line : Powerline, optional
        The line; by default a short cable.
    """

    def __init__(self, station: SECC, vehicle: EVCC, line: Powerline | None = None) -> None:
        self.line = line or Powerline()
        self.pilot = ControlPilot(station.journal)
        self._random = Random(15118)
        matcher = EVSEMatcher(
            STATION_MAC,
            journal=station.journal,
            records_frames=station.records_frames,
            random=self._random.randbytes,
        )
        self.station = StationDataLink(matcher, station, self.pilot)
        self.modem = self._modem(STATION_MAC)
        self.vehicle = self._connect(vehicle)

    def _connect(self, vehicle: EVCC) -> VehicleDataLink:
        matcher = EVMatcher(
            vehicle.mac,
            journal=vehicle.journal,
            records_frames=vehicle.records_frames,
            random=self._random.randbytes,
        )
        self._vehicle_modem = self._modem(vehicle.mac)
        return VehicleDataLink(matcher, vehicle, self.pilot)

    def _modem(self, host: bytes) -> Modem:
        modem = self.line.add(host)
        modem.key_result = 0  # by the text: Qualcomm's 1 is a finding, which says nothing of a simulation
        return modem

    @property
    def datalinks(self) -> dict[str, DataLink]:
        """Both ends, by role."""
        return {"SECC": self.station, "EVCC": self.vehicle}

    def exchange(self, vehicle: EVCC) -> None:
        """Another vehicle takes the place of the one that is not plugged in (any more), with a modem of its own."""
        self.vehicle.close()
        self.line.remove(self._vehicle_modem)
        self.vehicle = self._connect(vehicle)

    def linked(self, now: float) -> bool:
        """Whether the modems let IP through."""
        return self._vehicle_modem in self.modem.members(now)

    def flush(self, now: float) -> None:
        """Put on its way what everybody has to send, and hand over what has arrived."""
        hosts = ((self.station, self.modem), (self.vehicle, self._vehicle_modem))
        for datalink, modem in hosts:
            for frame in datalink.outgoing():
                modem.receive(frame, now)
        for receiver, arrived in self.line.outgoing():
            for datalink, modem in hosts:
                if modem is receiver and isinstance(arrived, Frame):
                    datalink.receive(arrived, now)
