"""What becomes of a data link when its modem goes away, on a virtual clock."""

from __future__ import annotations

import random

import pytest

from secc_kernel.link.modem import Powerline
from secc_kernel.link.modem_watch import ModemWatch
from secc_kernel.session.datalink import StationDataLink, VehicleDataLink
from secc_kernel.session.journal import FrameEntry, Journal
from secc_kernel.session.secc import SECC
from secc_kernel.session.slac import EVMatcher, EVSEMatcher
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire.homeplug import Frame
from secc_kernel.wire.homeplug.vendor import (
    VS_GET_LINK_STATUS_CNF,
    VS_GET_LINK_STATUS_REQ,
    VS_LINK_STATUS_REQ,
)

STATION, CAR = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


class Bed:
    """A station and a car, their modems, and a watch of the station's; no control pilot."""

    def __init__(self, lumissil=False):
        self.now = 0.0
        self.line = Powerline(join_time=1.0)
        self.modems = {mac: self.line.add(mac) for mac in (STATION, CAR)}
        self.lumissil = lumissil
        secc, self.vehicle = SECC(journal=Journal()), SimulatedEV(journal=Journal())
        rolls = random.Random(1).randbytes
        self.station = StationDataLink(
            EVSEMatcher(STATION, journal=secc.journal, random=rolls, needs_validation=False), secc
        )
        self.car = VehicleDataLink(
            EVMatcher(CAR, journal=self.vehicle.journal, random=rolls, validates=False), self.vehicle
        )
        self.watch = ModemWatch(self.station)
        self.station.open(0.0)
        self.car.open(0.0)

    @property
    def ends(self):
        return {STATION: self.station, CAR: self.car}

    def run(self, seconds, until=lambda: False):
        end = self.now + seconds
        while True:
            self._carry()
            times = [e.next_deadline() for e in (self.station, self.car, self.watch, self.line)]
            due = min((time for time in times if time is not None), default=None)
            if due is None or due > end or until():
                break
            self.now = max(self.now, due)
            self.line.advance(self.now)
            for end_ in (self.station, self.car, self.watch):
                end_.advance(self.now)
        if not until():
            self.now = end

    def _carry(self):
        for mac, end in self.ends.items():
            for frame in end.outgoing():
                if not (self.lumissil and self._answered_by_lumissil(mac, frame)):
                    self.modems[mac].receive(Frame.parse(frame.pack()), self.now)
        for modem, frame in self.line.outgoing():
            if isinstance(frame, Frame):
                self.ends[modem.host].receive(frame, self.now)
                if modem.host == STATION:
                    self.watch.received(frame, self.now)

    def _answered_by_lumissil(self, mac, frame):
        """A modem that knows nothing of Qualcomm's question, and answers its own."""
        if mac != STATION or self.modems[mac].dead:
            return False
        if isinstance(frame.message, VS_GET_LINK_STATUS_REQ):
            up = bool(self.modems[mac].members(self.now))
            answer = Frame(mac, frame.destination, VS_GET_LINK_STATUS_CNF(LinkStatus=int(up)))
            self.line.later(self.now + 0.001, self.modems[mac], answer)
            return True
        return isinstance(frame.message, VS_LINK_STATUS_REQ)

    def plug(self):
        self.car.plug(self.now)
        self.run(10.0, until=lambda: self.station.state == "ready" == self.car.state)
        assert self.station.state == "ready"

    def found(self, rule="plc.modem"):
        return [finding.text for finding in self.station.journal.findings if finding.rule == rule]


@pytest.fixture(params=[False, True], ids=["qualcomm", "lumissil"])
def bed(request):
    made = Bed(lumissil=request.param)
    made.run(0.5)
    made.plug()
    return made


def test_nothing_is_asked_while_messages_come(bed):
    frames = len(bed.station.journal.entries)
    for _ in range(40):
        bed.watch.heard(bed.now)
        bed.run(0.25)
    new = [entry for entry in bed.station.journal.entries[frames:] if isinstance(entry, FrameEntry)]
    assert new == []
    assert bed.station.state == "ready"


def test_silence_alone_does_no_harm(bed):
    bed.run(60.0)
    assert bed.station.state == "ready"
    assert bed.found() == bed.found("datalink.lost") == []


def test_a_modem_without_power_is_noticed_and_made_ready_when_it_is_back(bed):
    bed.modems[STATION].dead = True
    bed.run(6.0)
    assert bed.station.state != "ready"
    assert any("does not answer any more" in text for text in bed.found("datalink.lost"))
    bed.modems[STATION].dead = False
    before = bed.station.matcher.nmk
    bed.run(10.0)
    assert any("is there again" in text for text in bed.found())
    assert bed.modems[STATION].nmk == bed.station.matcher.nmk != before
    bed.car.unplug(bed.now)
    bed.run(1.0)
    bed.plug()


def test_a_modem_that_has_lost_its_network_is_noticed(bed):
    bed.modems[STATION].nmk = None
    bed.run(6.0)
    assert any("has lost its link" in text for text in bed.found("datalink.lost"))
    bed.car.unplug(bed.now)
    bed.run(1.0)
    bed.plug()


def test_a_modem_that_is_connected_later_gets_its_key():
    bed = Bed()
    bed.modems[STATION].dead = True
    bed.run(20.0)
    assert not bed.station.matcher.keyed
    asked = [entry for entry in bed.station.journal.entries if isinstance(entry, FrameEntry)]
    assert len(asked) < 20, "a modem that is not there is not asked all the time"
    bed.modems[STATION].dead = False
    bed.run(10.0)
    assert bed.station.matcher.keyed
    bed.plug()
