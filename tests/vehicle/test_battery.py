import pytest
from hypothesis import given
from hypothesis import strategies as st

from secc_kernel.vehicle import PROFILES, Battery, profile
from secc_kernel.vehicle.battery import interpolate

CURVE = ((0.0, 300.0), (50.0, 350.0), (100.0, 400.0))


def battery(soc=50.0, **values):
    settings = {
        "capacity": 10_000.0,
        "voltage_curve": CURVE,
        "power_curve": ((0, 40_000.0), (80, 40_000.0), (100, 4_000.0)),
        "resistance": 0.1,
        "maximum_voltage": 400.0,
        "maximum_current": 150.0,
    }
    return Battery(soc=soc, **{**settings, **values})


@pytest.mark.parametrize(
    ("at", "value"), [(-1, 300), (0, 300), (25, 325), (50, 350), (75, 375), (100, 400), (101, 400)]
)
def test_curves_are_linear_between_their_points_and_constant_beyond(at, value):
    assert interpolate(CURVE, at) == value


def test_charging_adds_energy_and_state_of_charge():
    cell = battery(50.0)
    cell.charge(10_000.0, 360.0)
    assert cell.charged == pytest.approx(1000.0)
    assert cell.soc == pytest.approx(60.0)


def test_a_battery_never_takes_more_than_fits():
    cell = battery(99.0)
    cell.charge(100_000.0, 3600.0)
    assert cell.soc == 100.0
    assert cell.charged == pytest.approx(100.0)


def test_the_voltage_rises_with_the_current_up_to_its_limit():
    cell = battery(50.0)
    assert cell.voltage(0.0) == 350.0
    assert cell.voltage(100.0) == 360.0
    assert battery(99.0).voltage(100.0) == 400.0


@pytest.mark.parametrize(
    ("soc", "limit"),
    [
        (0.0, 40_000 / 300),  # its power
        (50.0, 40_000 / 350),
        (99.0, (400 - 399) / 0.1),  # its voltage: the current runs down
        (100.0, 0.0),
    ],
)
def test_the_current_is_limited_by_power_and_then_by_voltage(soc, limit):
    assert battery(soc).current_limit() == pytest.approx(limit)


def test_the_current_never_exceeds_the_cable():
    assert battery(50.0, maximum_current=20.0).current_limit() == 20.0


def test_a_battery_is_full_when_hardly_any_current_flows():
    assert not battery(50.0).full()
    assert battery(99.95).full()


@pytest.mark.parametrize("soc", [-1.0, 100.5])
def test_a_state_of_charge_is_a_percentage(soc):
    with pytest.raises(ValueError, match="between 0 and 100"):
        battery(soc)


def test_energy_to_a_target_is_what_is_missing():
    assert battery(50.0).energy_to(80.0) == pytest.approx(3000.0)
    assert battery(90.0).energy_to(80.0) == 0.0


@given(st.sampled_from(sorted(PROFILES)), st.floats(0, 100), st.floats(0, 600), st.floats(0, 600))
def test_charging_is_monotone_and_within_the_limits(name, soc, current, seconds):
    cell = profile(name).battery(soc)
    assert 0.0 <= cell.current_limit() <= PROFILES[name].dc_current
    assert cell.open_voltage <= cell.voltage(current) <= PROFILES[name].maximum_voltage
    cell.charge(cell.voltage(current) * current, seconds)
    assert soc <= cell.soc <= 100.0


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_are_vehicles(name):
    found = profile(name)
    assert len(found.EVCCID) == 6
    assert found.EVCCID[0] & 2, "a locally administered address: no maker's"
    assert 150.0 < found.battery(0.0).open_voltage < found.maximum_voltage < 920.0
    assert found.ac_phases in (0, 1, 3)
    assert found.title


def test_profiles_have_different_addresses():
    assert len({found.EVCCID for found in PROFILES.values()}) == len(PROFILES) >= 3


def test_an_unknown_profile_names_those_there_are():
    with pytest.raises(KeyError, match="compact"):
        profile("cabrio")
