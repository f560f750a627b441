"""Live sessions on the simulated link, for tests."""

from __future__ import annotations

from secc_kernel.link.live import LiveSession
from secc_kernel.link.sim import SimLink, answering_time
from secc_kernel.session.journal import Journal
from secc_kernel.session.secc import SECC
from secc_kernel.vehicle import SimulatedEV

WAIT = 20.0
"""Seconds after which a test gives up on what takes milliseconds."""


def session_of(*, side="SECC", autopilot=True, energy=None, soc=79.9, station=None, **options):
    """A session of a station and a vehicle that is nearly full."""
    journal = Journal()
    secc = SECC(station, journal=journal, pace=answering_time, records_frames=side == "SECC")
    vehicle = SimulatedEV("compact", soc=soc, energy=energy, journal=journal, records_frames=side == "EVCC")
    return LiveSession(SimLink(secc, vehicle, **options), side=side, autopilot=autopilot)


def names(session):
    """The names of the messages so far."""
    return [frame.name for frame in session.journal.frames]
