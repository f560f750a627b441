"""The data link: from the plug to IPv6 and back, both ends on a modelled line; each time and count of ISO 15118-3."""

from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from powerline import Line, repeatable

from secc_kernel.session.control_pilot import MACHINE, ControlPilot
from secc_kernel.session.datalink import LinkDown, LinkReady, StationDataLink, VehicleDataLink
from secc_kernel.session.journal import FindingEntry, Journal, NoteEntry, StateEntry, TimerEntry
from secc_kernel.session.secc import SECC
from secc_kernel.session.slac import LIMITS, EVMatcher, EVSEMatcher
from secc_kernel.session.slac.times import C_CONN_MAX_MATCH
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire.homeplug.messages import CM_VALIDATE_REQ

EVSE, EVSE2 = bytes.fromhex("02 00 00 00 00 01"), bytes.fromhex("02 00 00 00 00 02")
EV, EV2 = bytes.fromhex("02 00 00 00 00 0a"), bytes.fromhex("02 00 00 00 00 0b")


def station(line, pilot, mac=EVSE, **options):
    journal = Journal()
    if pilot is not None:
        pilot.journal = journal
    matcher = EVSEMatcher(mac, journal=journal, random=repeatable(mac[5]), **options)
    end = line.add(StationDataLink(matcher, SECC(journal=journal), pilot))
    end.open(line.now)
    return end


def vehicle(line, pilot, mac=EV, **options):
    journal = Journal()
    matcher = EVMatcher(mac, journal=journal, random=repeatable(mac[5]), **options)
    return line.add(VehicleDataLink(matcher, SimulatedEV(journal=journal), pilot))


class Cable:
    """A station and a vehicle on a line of their own."""

    def __init__(self, attenuation=5, changes=None, pilot=True, **options):
        self.line = Line({(EV, EVSE): attenuation}, changes=changes)
        self.pilot = ControlPilot() if pilot else None
        self.station = station(self.line, self.pilot, **options)
        self.vehicle = vehicle(self.line, self.pilot)
        self.line.run(0.1)

    def plug(self, until=10.0):
        self.vehicle.plug(self.line.now)
        self.line.run(until)
        return self

    @property
    def states(self):
        return self.station.state, self.vehicle.state


def found(end, rule=""):
    return [e for e in end.journal.entries if isinstance(e, FindingEntry) and e.rule.startswith(rule)]


def on_the_pilot(cable):
    return [e.new for e in cable.station.journal.entries if isinstance(e, StateEntry) and e.machine == MACHINE]


def expired(*ends):
    return [e.name for end in ends for e in end.journal.entries if isinstance(e, TimerEntry) and e.what == "expired"]


def events(cable, kind):
    return [event for event in cable.line.events if isinstance(event, kind)]


def losing(name, times=10**6):
    left = [times]

    def changes(frame):
        if frame.name == name and left[0]:
            left[0] -= 1
            return []
        return [(0.0, frame)]

    return changes


def late(name, seconds):
    return lambda frame: [(seconds if frame.name == name else 0.0, frame)]


def end_session(cable, how):
    """Both parties come to this end, as after a session."""
    for end in (cable.vehicle, cable.station):
        end.party.now = cable.line.now
        end.party._end(how, "for the test")


# -- as it should be --------------------------------------------------------------------------------------------------


def test_a_plug_in_from_the_plug_to_the_party():
    cable = Cable().plug()
    assert cable.states == ("ready", "ready")
    assert on_the_pilot(cable) == ["B", "B 5 %"]
    assert len(events(cable, LinkReady)) == 2
    assert cable.station.party.state == "waits for SDP or a connection"
    assert cable.vehicle.party.state == "discovery"
    assert not found(cable.station, "datalink")
    sent = [frame.name for _, frame in cable.line.frames]
    assert sent.index("CM_SET_KEY.CNF") < sent.index("CM_SLAC_PARM.REQ")  # the key is there before anybody asks


def test_without_a_control_pilot_it_begins_with_what_is_heard():
    cable = Cable(pilot=False).plug()
    assert cable.states == ("ready", "ready")
    notes = [e.text for e in cable.station.journal.entries if isinstance(e, NoteEntry)]
    assert any("no control pilot is attached" in text for text in notes)
    cable.vehicle.unplug(cable.line.now)
    cable.station.unplug(cable.line.now)
    cable.line.run(12)
    assert cable.states == ("unplugged", "unplugged")
    assert cable.plug(30).states == ("ready", "ready")


def test_unplugging_ends_everything_and_the_next_plug_in_has_another_key():
    cable = Cable().plug()
    key = cable.station.matcher.nmk
    cable.vehicle.unplug(cable.line.now)
    assert cable.states == ("unplugged", "unplugged")
    assert cable.pilot.text == "A"
    assert cable.vehicle.party.ended.reason == "the cable was pulled"
    assert cable.station.party.state == "idle"
    assert cable.plug(20).states == ("ready", "ready")
    assert cable.line.keys[EV] == cable.line.keys[EVSE] == cable.station.matcher.nmk != key
    # The vehicle takes a key that nobody knows as soon as it is out ([V2G3-A09-121]).
    assert [f.name for t, f in cable.line.frames if t >= 10.0][:2] == ["CM_SET_KEY.REQ", "CM_SET_KEY.REQ"]


def test_where_it_is_not_sure_the_control_pilot_is_toggled():
    cable = Cable(attenuation=15).plug(15)
    assert cable.states == ("ready", "ready")
    assert on_the_pilot(cable) == ["B", "B 5 %", *["C 5 %", "B 5 %"] * 3]
    changes = [e for e in cable.station.journal.entries if isinstance(e, StateEntry) and e.machine == MACHINE][2:]
    lasted = [b.time - a.time for a, b in pairwise(changes)]
    assert all(0.2 <= each <= 0.4 for each in lasted)  # T_vald_state_duration
    asked = [f.message for _, f in cable.line.frames if isinstance(f.message, CM_VALIDATE_REQ)]
    assert changes[-1].time - changes[0].time <= (asked[-1].Timer + 1) / 10  # what it has announced


def test_a_neighbour_whose_pilot_is_not_toggled_is_not_taken():
    """The neighbour's station hears the vehicle better than its own; what is on the control pilot tells."""
    line = Line({(EV, EVSE): 15, (EV, EVSE2): 12})
    mine, theirs = ControlPilot(), ControlPilot()
    own, neighbour = station(line, mine), station(line, theirs, EVSE2)
    theirs.set_vehicle("B", 0.0)  # somebody is plugged in there as well
    car = vehicle(line, mine)
    line.run(0.1)
    car.plug(line.now)
    line.run(20)
    assert (own.state, car.state) == ("ready", "ready")
    assert neighbour.matcher.matched is None
    assert any("not seen the control pilot toggle" in e.text for e in found(car, "slac.validation"))


def test_several_vehicles_and_stations_on_one_line():
    near, far = 4, 26
    line = Line({(v, s): near if v[5] - 10 == s[5] - 1 else far for v, s in product((EV, EV2), (EVSE, EVSE2))})
    pilots = ControlPilot(), ControlPilot()
    stations = station(line, pilots[0]), station(line, pilots[1], EVSE2)
    cars = vehicle(line, pilots[0]), vehicle(line, pilots[1], EV2)
    line.run(0.1)
    for car in cars:
        car.plug(line.now)
    line.run(15)
    assert {end.state for end in (*stations, *cars)} == {"ready"}
    assert line.keys[EV] == line.keys[EVSE] != line.keys[EV2] == line.keys[EVSE2]
    cars[0].unplug(line.now)
    line.run(17)
    assert (stations[0].state, stations[1].state, cars[1].state) == ("unplugged", "ready", "ready")


# -- the end of a session ---------------------------------------------------------------------------------------------


def test_terminate_leaves_the_network_and_switches_the_oscillator_off():
    cable = Cable().plug()
    end_session(cable, "terminated")
    cable.line.run(12)
    assert cable.states == ("plugged", "plugged")
    assert cable.pilot.text == "B"
    assert not cable.line.modems[EVSE].members(cable.line.now)
    assert cable.line.keys[EV] != cable.line.keys[EVSE]
    assert len(events(cable, LinkDown)) == 2
    cable.vehicle.wake(cable.line.now)  # without unplugging: B-C-B, and matching anew
    cable.line.run(25)
    assert cable.states == ("ready", "ready")
    assert sum(f.name == "CM_SLAC_MATCH.CNF" for _, f in cable.line.frames) == 2


def test_in_din_the_oscillator_is_kept_for_a_while():
    cable = Cable().plug()
    cable.station.party.schema = "din"
    cable.station.party._answered_at = cable.line.now
    end_session(cable, "terminated")
    cable.line.run(11.4)
    assert cable.pilot.text == "B 5 %"
    cable.line.run(11.6)
    assert cable.pilot.text == "B"
    assert "V2G_SECC_CPOscillator_Retain_Time" in expired(cable.station)


@pytest.mark.parametrize("who", ["station", "vehicle"])
def test_after_a_pause_either_end_wakes_the_other_up_and_the_network_is_still_there(who):
    cable = Cable().plug()
    end_session(cable, "paused")
    cable.line.run(100)
    assert (cable.states, cable.pilot.text) == (("plugged", "plugged"), "B")
    assert cable.line.keys[EV] == cable.line.keys[EVSE]
    getattr(cable, who).wake(cable.line.now)
    cable.line.run(103)
    assert cable.states == ("ready", "ready")
    toggled = on_the_pilot(cable)[3:]
    assert toggled == (["B 5 %"] if who == "station" else ["C", "B", "B 5 %"])
    assert sum(f.name == "CM_SLAC_PARM.REQ" for _, f in cable.line.frames) == 1  # not matched anew


def test_an_aborted_session_begins_anew_by_way_of_state_e():
    cable = Cable().plug()
    end_session(cable, "aborted")
    cable.line.run(30)
    assert on_the_pilot(cable)[2:] == ["B", "E", "B", "B 5 %"]
    assert cable.station.state == "matching"
    assert cable.vehicle.state == "error"  # its driver has to do something
    times = {e.new: e.time for e in cable.station.journal.entries if isinstance(e, StateEntry) and e.machine == MACHINE}
    entered = next(e.time for e in cable.station.journal.entries if isinstance(e, StateEntry) and e.new == "E")
    assert times["B"] - entered == pytest.approx(4.0)  # T_step_EF
    assert cable.station.party.ended.how == "aborted"  # until another one is matched
    cable.vehicle.unplug(cable.line.now)
    assert cable.plug(45).states == ("ready", "ready")
    assert cable.station.party.ended is None


@pytest.mark.parametrize("pilot", [True, False])
@pytest.mark.parametrize("end", ["station", "vehicle"])
def test_an_interface_that_goes_down_and_comes_back(end, pilot):
    cable = Cable(pilot=pilot).plug()
    broken = getattr(cable, end)
    broken.lost("the interface is down", cable.line.now)
    assert broken.state == "error"
    assert found(broken, "datalink.lost")
    assert broken.party.ended is None or broken.party.ended.fault == "link"
    cable.line.run(15)
    broken.open(cable.line.now)
    cable.vehicle.unplug(cable.line.now)
    if not pilot:
        cable.station.unplug(cable.line.now)
    cable.line.run(20)
    assert cable.plug(40).states == ("ready", "ready")


# -- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_station_without_a_working_modem_says_so_and_comes_back_with_the_next_plug_in():
    cable = Cable()
    cable.line.dead_modems.add(EVSE)
    cable.station.open(cable.line.now)
    cable.plug(60)
    assert cable.station.state == "error"
    assert "T_conn_max_comm" in expired(cable.station)
    (given_up,) = found(cable.station, "datalink.failed")
    assert "C_conn_max_match" in given_up.text
    assert on_the_pilot(cable).count("E") == C_CONN_MAX_MATCH
    assert cable.station.party.ended.fault == "link"
    cable.vehicle.unplug(cable.line.now)
    cable.line.dead_modems.clear()
    assert cable.plug(75).states == ("ready", "ready")


def test_modems_that_get_no_link_are_matched_anew_as_often_as_it_is_sensible():
    cable = Cable()
    cable.line.join_time = 1000.0
    cable.plug(120)
    assert cable.states == ("error", "error")
    assert on_the_pilot(cable).count("E") == C_CONN_MAX_MATCH
    assert sum(f.name == "CM_SLAC_MATCH.CNF" for _, f in cable.line.frames) == C_CONN_MAX_MATCH
    assert cable.vehicle.party.ended.how == cable.station.party.ended.how == "aborted"
    assert cable.vehicle.party.ended.fault == "link"


def test_a_vehicle_that_matches_at_the_second_attempt():
    cable = Cable()
    cable.line.join_time = 1000.0
    cable.line.at(14.5, lambda: setattr(cable.line, "join_time", 1.8))
    cable.plug(60)
    assert cable.states == ("ready", "ready")
    assert on_the_pilot(cable).count("E") == 1
    assert cable.vehicle.party.ended is None


def test_a_vehicle_that_is_no_talker_is_left():
    cable = Cable()
    cable.pilot.set_vehicle("B", cable.line.now)
    cable.line.run(300)
    assert cable.station.state == "error"
    assert expired(cable.station).count("TT_EVSE_SLAC_init") == C_CONN_MAX_MATCH
    assert cable.pilot.text == "B"
    assert cable.station.next_deadline() is None


def test_plug_and_unplug_at_any_moment():
    """Whatever was under way when the plug was pulled, the next plug-in is as good as the first."""
    for tenths in range(0, 45, 3):
        cable = Cable().plug(0.1 + tenths / 10)
        cable.vehicle.unplug(cable.line.now)
        cable.vehicle.unplug(cable.line.now)
        if tenths % 2:
            cable.line.run(cable.line.now + 0.05)
        assert cable.plug(cable.line.now + 15).states == ("ready", "ready"), tenths
        assert cable.line.keys[EV] == cable.line.keys[EVSE]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_a_bad_line_does_to_frames_costs_time_and_nothing_else(data):
    """Lost, doubled and reordered: in the end both ends agree, and a link means one key."""
    fates = st.sampled_from(["", "", "", "", "", "", "lost", "twice", "late"])

    def changes(frame):
        fate = data.draw(fates)
        if fate == "lost":
            return []
        if fate == "twice":
            return [(0.0, frame), (data.draw(st.sampled_from([0.0, 0.002, 0.05])), frame)]
        return [(0.06 if fate == "late" else 0.0, frame)]

    cable = Cable(changes=changes)
    cable.plug(25)
    if cable.vehicle.state == "ready":
        assert cable.station.matcher.matched == EV
        assert cable.line.keys[EV] == cable.line.keys[EVSE]
    cable.line.changes = lambda frame: [(0.0, frame)]
    cable.vehicle.unplug(cable.line.now)
    cable.line.run(cable.line.now + 5)
    assert cable.station.state == "unplugged"
    assert cable.plug(cable.line.now + 20).states == ("ready", "ready")


# -- every time and count of the standard -----------------------------------------------------------------------------


def plugged(**options):
    return Cable(**options).plug(70)


def joins_late():
    cable = Cable()
    cable.line.join_time = 1000.0
    return cable.plug(30)


def silent_modem():
    cable = Cable()
    cable.line.join_time = 1000.0
    cable.plug(1.0)
    cable.line.dead_modems.add(EVSE)
    cable.line.run(12)
    return cable


def plugged_and_silent():
    cable = Cable()
    cable.pilot.set_vehicle("B", cable.line.now)
    cable.line.run(60)
    return cable


def begins_late():
    cable = Cable()
    cable.pilot.set_vehicle("B", cable.line.now)
    cable.line.run(12)
    return cable.plug(20)


def no_modem():
    cable = Cable()
    cable.line.dead_modems.add(EVSE)
    cable.station.open(cable.line.now)
    return cable.plug(20)


def aborted():
    cable = Cable().plug()
    end_session(cable, "aborted")
    cable.line.run(30)
    return cable


def woken_without_a_network():
    cable = Cable().plug()
    end_session(cable, "paused")
    cable.line.run(12)
    cable.line.modems[EV].nmk = bytes(16)
    cable.vehicle.wake(cable.line.now)
    cable.line.run(60)
    assert cable.states == ("ready", "ready")  # matched anew
    return cable


def unplugged_and_slow():
    cable = Cable().plug()
    cable.line.changes = losing("CM_SET_KEY.REQ", 2)
    cable.vehicle.unplug(cable.line.now)
    cable.line.run(15)
    return cable


def keeps_trying():
    cable = Cable(changes=losing("CM_SLAC_PARM.CNF"))
    cable.vehicle.matcher.attempts = 1000
    cable.plug(15)
    asked = [at for at, frame in cable.line.frames if frame.name == "CM_SLAC_PARM.REQ"]
    assert 9.0 < asked[-1] - asked[0] < 10.7  # the last attempt begins before it is over
    return cable


def sounds_apart():
    count = iter(range(1000))
    return plugged(changes=lambda f: [(0.03 * next(count) if f.name == "CM_MNBC_SOUND.IND" else 0.0, f)])


#: Each time of ISO 15118-3 -> what makes it run out (or, of one that others have to keep, what makes it a finding).
FIRES = {
    "TT_EVSE_SLAC_init": plugged_and_silent,
    "TP_EV_SLAC_init": begins_late,
    "TT_match_response": lambda: plugged(changes=losing("CM_SLAC_PARM.CNF")),
    "TP_match_response": lambda: plugged(changes=late("CM_SLAC_PARM.CNF", 0.15)),
    "TT_match_sequence": lambda: plugged(changes=losing("CM_START_ATTEN_CHAR.IND")),
    "TP_match_sequence": lambda: plugged(changes=late("CM_START_ATTEN_CHAR.IND", 0.15)),
    "TP_EV_batch_msg_interval": sounds_apart,
    "TT_EVSE_match_MNBC": lambda: plugged(changes=losing("CM_MNBC_SOUND.IND", 2)),
    "TP_EVSE_avg_atten_calc": lambda: plugged(changes=late("CM_ATTEN_CHAR.IND", 0.5)),
    "TT_EV_atten_results": lambda: plugged(changes=losing("CM_ATTEN_CHAR.IND")),
    "TP_EV_match_session": lambda: plugged(changes=late("CM_SLAC_MATCH.REQ", 0.55)),
    "TT_EVSE_match_session": lambda: plugged(changes=losing("CM_SLAC_MATCH.REQ")),
    "TT_EVSE_vald_toggle": lambda: plugged(attenuation=15),
    "TP_EV_vald_toggle": lambda: plugged(attenuation=15),
    "T_vald_state_duration": lambda: plugged(attenuation=15),
    "TT_match_join": joins_late,
    "TP_link_ready_notification": plugged,
    "TP_amp_map_exchange": lambda: plugged(amplitude_map=bytes(4), changes=late("CM_AMP_MAP.CNF", 0.15)),
    "TT_amp_map_exchange": lambda: plugged(amplitude_map=bytes(4), changes=losing("CM_AMP_MAP.CNF")),
    "TT_matching_rate": lambda: plugged(changes=losing("CM_SLAC_PARM.CNF", 9)),
    "TT_matching_repetition": keeps_trying,
    "TP_match_leave": unplugged_and_slow,
    "TT_link_status_response": silent_modem,
    "T_step_X1": aborted,
    "T_step_EF": aborted,
    "T_conn_max_comm": no_modem,
    "T_conn_resume": woken_without_a_network,
    "SET_KEY_Response": no_modem,
}


def test_no_time_is_left_out():
    assert set(FIRES) == set(LIMITS)


@pytest.mark.parametrize("name", FIRES)
def test_each_time_is_seen_to_fire(name):
    cable = FIRES[name]()
    ends = cable.station, cable.vehicle
    texts = [entry.text for end in ends for entry in found(end, "slac.late")]
    assert name in expired(*ends) or any(name in text for text in texts)
    timers = [e for end in ends for e in end.journal.entries if isinstance(e, TimerEntry) and e.name == name]
    # What runs as a timer has the length that the table says, or that was announced in its place.
    assert all(e.limit == pytest.approx(LIMITS[name].seconds) for e in timers if name != "TT_EVSE_vald_toggle")


#: Each count -> what shows it: the message, and how often it goes out in all.
COUNTS = {
    "C_EV_start_atten_char_inds": (lambda: plugged(), "CM_START_ATTEN_CHAR.IND", 3),
    "C_EV_match_MNBC": (lambda: plugged(), "CM_MNBC_SOUND.IND", 10),
    "C_EV_match_retry": (lambda: Cable(changes=losing("CM_SLAC_MATCH.CNF")).plug(2.0), "CM_SLAC_MATCH.REQ", 3),
    # Nobody hears the EV well enough: so often it tries, until the station signals E, and again.
    "C_conn_max_match": (lambda: Cable(attenuation=30).plug(20.0), "CM_SLAC_PARM.REQ", 3),
    "C_EV_match_signalattn_direct": (lambda: plugged(attenuation=10), "CM_VALIDATE.REQ", 0),
    "C_EV_match_signalattn_indirect": (lambda: plugged(attenuation=20), "CM_SLAC_MATCH.CNF", 1),
}


@pytest.mark.parametrize("name", COUNTS)
def test_each_count_is_kept(name):
    scenario, message, count = COUNTS[name]
    cable = scenario()
    assert [frame.name for _, frame in cable.line.frames].count(message) == count
