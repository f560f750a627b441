"""The control pilot: what is on the wire, from both ends."""

import pytest

from secc_kernel.session.control_pilot import MACHINE, ControlPilot
from secc_kernel.session.journal import Journal, StateEntry


@pytest.fixture
def wire():
    journal = Journal()
    return ControlPilot(journal), journal


def test_state_and_duty_are_recorded_once_a_change(wire):
    pilot, journal = wire
    pilot.set_vehicle("B", 1.0)
    pilot.set_vehicle("B", 1.5)
    pilot.set_duty(5, 2.0)
    pilot.set_vehicle("C", 3.0)
    pilot.set_duty(26.67, 4.0)
    pilot.set_duty(100, 5.0)
    pilot.set_vehicle("A", 6.0)
    entries = [(e.time, e.machine, e.old, e.new) for e in journal.entries if isinstance(e, StateEntry)]
    assert entries == [
        (1.0, MACHINE, "A", "B"),
        (2.0, MACHINE, "B", "B 5 %"),
        (3.0, MACHINE, "B 5 %", "C 5 %"),
        (4.0, MACHINE, "C 5 %", "C 26.67 %"),
        (5.0, MACHINE, "C 26.67 %", "C"),
        (6.0, MACHINE, "C", "A"),
    ]
    assert len(journal.entries) == len(entries)


def test_the_station_takes_the_wire_away_and_gives_it_back(wire):
    pilot, _ = wire
    pilot.set_vehicle("B", 0.0)
    pilot.set_duty(5, 0.0)
    pilot.set_error("E", 1.0)
    assert (pilot.state, pilot.duty, pilot.text, pilot.digital) == ("E", 100.0, "E", False)
    pilot.set_vehicle("C", 2.0)  # its resistor can be whatever it likes
    assert (pilot.state, pilot.vehicle) == ("E", "C")
    pilot.set_error("F", 3.0)
    assert pilot.text == "F"
    pilot.set_duty(5, 4.0)
    assert pilot.text == "C 5 %"


@pytest.mark.parametrize(
    ("duty", "digital"), [(2.9, False), (3, True), (5, True), (7, True), (7.1, False), (100, False)]
)
def test_which_duties_ask_the_vehicle_to_talk(wire, duty, digital):
    pilot, _ = wire
    pilot.set_duty(duty, 0.0)
    assert pilot.digital is digital


def test_those_who_follow_it_hear_each_change_until_they_stop(wire):
    pilot, _ = wire
    heard, others = [], []
    stop = pilot.subscribe(lambda change: heard.append((change.before, change.state, change.duty_before, change.duty)))
    pilot.subscribe(others.append)
    pilot.set_vehicle("B", 0.0)
    pilot.set_duty(5, 0.0)
    stop()
    stop()
    pilot.set_vehicle("A", 1.0)
    assert heard == [("A", "B", 100.0, 100.0), ("B", "B", 100.0, 5.0)]
    assert [change.time for change in others] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("call", [
    lambda pilot: pilot.set_vehicle("E", 0.0), lambda pilot: pilot.set_vehicle("", 0.0),
    lambda pilot: pilot.set_duty(0, 0.0), lambda pilot: pilot.set_duty(100.1, 0.0),
    lambda pilot: pilot.set_error("D", 0.0),
])  # fmt: skip
def test_what_no_end_can_do_is_refused(wire, call):
    pilot, journal = wire
    with pytest.raises(ValueError, match=r"says|duty|signals"):
        call(pilot)
    assert not journal.entries
