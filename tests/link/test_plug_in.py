"""The simulated link with control pilot and powerline: whole plug-ins, and the control pilot during the charge."""

import pytest
from live_sessions import WAIT, names

from secc_kernel.link.live import LiveSession, SessionError
from secc_kernel.link.modem import Powerline
from secc_kernel.link.plug_in import STATION_MAC
from secc_kernel.link.sim import SimLink, answering_time
from secc_kernel.session.control_pilot import MACHINE
from secc_kernel.session.datalink import VehicleDataLink
from secc_kernel.session.journal import FindingEntry, FrameEntry, Journal, StateEntry
from secc_kernel.session.secc import SECC
from secc_kernel.session.station import Station
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.vehicle.profiles import PROFILES
from secc_kernel.wire.homeplug import type_name


def session_of(*, side="SECC", station=None, powerline=True, profile="compact", soc=79.9, **options):
    journal = Journal()
    secc = SECC(station, journal=journal, pace=answering_time, records_frames=side == "SECC")
    vehicle = SimulatedEV(profile, soc=soc, journal=journal, records_frames=side == "EVCC", **options)
    return LiveSession(SimLink(secc, vehicle, powerline=powerline), side=side)


@pytest.fixture
def sessions():
    opened = []

    def make(**options):
        opened.append(session_of(**options))
        return opened[-1]

    yield make
    for session in opened:
        session.close()


def steps(session, *layers):
    """What happened, in order: names of messages, and states of the control pilot in brackets; repetitions once."""
    found = []
    for entry in session.journal.entries:
        if isinstance(entry, StateEntry) and entry.machine == MACHINE:
            step = f"[{entry.new}]"
        elif isinstance(entry, FrameEntry) and (not layers or entry.layer in layers):
            step = (
                type_name(entry.payload_type, entry.data[0]) if entry.layer == "homeplug" else entry.name or entry.layer
            )
        else:
            continue
        if not found or found[-1] != step:
            found.append(step)
    return found


def rules(session):
    return [e.rule for e in session.journal.entries if isinstance(e, FindingEntry)]


def pilot_of(session):
    return session.link.plug_in.pilot


def test_a_script_sees_the_whole_plug_in(sessions):
    session = sessions()
    session.receive("SessionSetupReq").result(WAIT)
    seen = steps(session)
    first = list(dict.fromkeys(seen))
    assert first == [
        "[B]", "CM_SET_KEY.REQ", "CM_SET_KEY.CNF", "[B 5 %]", "CM_SLAC_PARM.REQ", "CM_SLAC_PARM.CNF",
        "CM_START_ATTEN_CHAR.IND", "CM_MNBC_SOUND.IND", "CM_ATTEN_PROFILE.IND", "CM_ATTEN_CHAR.IND",
        "CM_ATTEN_CHAR.RSP", "CM_SLAC_MATCH.REQ", "CM_SLAC_MATCH.CNF", "VS_LINK_STATUS.REQ", "VS_LINK_STATUS.CNF",
        "SECC_DiscoveryReq", "SECC_DiscoveryRes", "supportedAppProtocolReq", "supportedAppProtocolRes",
        "SessionSetupReq",
    ]  # fmt: skip
    assert not rules(session)
    assert session.now < 5.0  # recorded ones: 4.9 s from the match to SDP in the middle


def test_the_vehicle_is_the_same_below_and_above(sessions):
    session = sessions()
    request = session.receive("SessionSetupReq").result(WAIT)
    asked = next(e for e in session.journal.entries if isinstance(e, FrameEntry) and e.sender == "EVCC")
    assert bytes.fromhex(asked.src.replace(":", "")) == request.body.EVCCID


@pytest.mark.parametrize("side", ["SECC", "EVCC"])
def test_it_is_the_same_each_time(sessions, side):
    runs = [sessions(side=side) for _ in range(2)]
    for session in runs:
        assert session.run_to_end().result(WAIT).how == "terminated"
    assert runs[0].journal.entries == runs[1].journal.entries
    own = [e for e in runs[0].journal.entries if isinstance(e, FrameEntry) and e.layer == "homeplug"]
    host = STATION_MAC if side == "SECC" else PROFILES["compact"].EVCCID
    told = {e.dst for e in own if e.src == "00:b0:52:00:00:01"}
    assert told == {host.hex(":")}  # what a modem tells is told to its own host only


def test_without_powerline_nothing_of_it_is_there(sessions):
    session = sessions(powerline=False)
    assert session.run_to_end().result(WAIT).how == "terminated"
    assert not any("CM_" in step or "[" in step for step in steps(session))


# -- the control pilot during the charge ------------------------------------------------------------------------------


CHARGES = {
    "iso2 DC": ({"protocols": ("iso2",), "energy": "DC"}, "CableCheckReq", "WeldingDetectionReq"),
    "iso2 DC, no welding detection": (
        {"protocols": ("iso2",), "energy": "DC", "welding_detection": False}, "CableCheckReq", "SessionStopReq",
    ),
    "iso2 AC": ({"protocols": ("iso2",), "energy": "AC"}, "PowerDeliveryReq", "PowerDeliveryReq"),
    "din": ({"protocols": ("din",)}, "CableCheckReq", "WeldingDetectionReq"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHARGES)
def test_the_vehicle_wants_energy_on_the_control_pilot_as_well(sessions, name):
    options, first, last = CHARGES[name]
    session = sessions(**options)
    assert session.run_to_end().result(WAIT).how == "terminated"
    seen = steps(session, "v2gtp")
    wants = seen.index("[C 5 %]")
    assert seen[wants + 1] == first
    assert seen[seen.index("[B 5 %]", wants) + 1] == last
    assert seen.count("[C 5 %]") == 1
    assert "control-pilot" not in rules(session)
    assert not pilot_of(session).error


def test_a_renegotiation_stays_in_state_c(sessions):
    session = sessions(soc=70.0, energy="AC")
    session.run_to("ChargingStatusReq").result(WAIT)
    session.act(lambda vehicle, now: vehicle.renegotiate(now), "EVCC")
    session.run_to_end().result(WAIT)
    assert names(session).count("ChargeParameterDiscoveryRes") > 2
    assert steps(session, "v2gtp").count("[C 5 %]") == 1
    assert "control-pilot" not in rules(session)


def test_a_cable_check_without_state_c_is_refused(sessions):
    """[V2G-DC-967]: no CP state C or D within V2G_SECC_CPState_Detection_Timeout."""
    session = sessions(protocols=("din",), station=Station(isolation_time=10.0))
    session.act(lambda vehicle, now: setattr(vehicle, "moves_pilot", False), "EVCC")
    assert session.run_to_end().result(WAIT).how == "aborted"
    assert names(session)[-1] == "CableCheckRes"
    assert session.journal.frames[-1].message.body.ResponseCode == "FAILED"
    (finding,) = [e for e in session.journal.findings if e.rule == "control-pilot"]
    assert finding.text.startswith("1.5 s after CableCheckReq the control pilot is in B 5 % and not in C or D")
    checks = [e.time for e in session.journal.frames if e.name == "CableCheckReq"]
    assert finding.time - checks[0] == pytest.approx(1.5, abs=0.01)


def test_state_c_that_comes_late_but_in_time(sessions):
    session = sessions(station=Station(isolation_time=3.0))
    session.act(lambda vehicle, now: setattr(vehicle, "moves_pilot", False), "EVCC")
    session.run_to("CableCheckReq").result(WAIT)
    session.wait(1.0).result(WAIT)
    session.act(lambda vehicle, now: vehicle.pilot.set_vehicle("D", now), "EVCC")
    session.run_to("PreChargeReq").result(WAIT)
    assert "control-pilot" not in rules(session)


def test_ac_without_state_c_is_a_finding_within_a_quarter_of_a_second(sessions):
    session = sessions(energy="AC")
    session.act(lambda vehicle, now: setattr(vehicle, "moves_pilot", False), "EVCC")
    session.run_to("ChargingStatusReq").result(WAIT)
    session.run_for(2.0).result(WAIT)
    (finding,) = [e for e in session.journal.findings if e.rule == "control-pilot"]
    asked = next(e.time for e in session.journal.frames if e.name == "PowerDeliveryReq")
    assert finding.time - asked == pytest.approx(0.25, abs=0.01)
    assert "[V2G2-847]" in finding.text


def test_state_b_in_the_middle_of_the_charge_switches_the_output_off(sessions):
    session = sessions(soc=50.0)
    session.run_to("CurrentDemandReq").result(WAIT)
    session.run_for(20.0).result(WAIT)
    assert session.party.station.current > 0.0
    session.act(lambda vehicle, now: vehicle.pilot.set_vehicle("B", now), "EVCC")
    assert (session.party.station.closed, session.party.station.current) == (False, 0.0)
    energy = session.party.station.energy
    session.run_for(5.0).result(WAIT)
    (finding,) = [e for e in session.journal.findings if e.rule == "control-pilot"]
    assert "in the middle of the charge" in finding.text
    assert session.party.station.energy == energy


def test_a_session_that_ends_in_state_c_is_a_finding(sessions, monkeypatch):
    monkeypatch.setattr(VehicleDataLink, "_rest", lambda datalink: None)
    session = sessions()
    session.run_to("CurrentDemandReq").result(WAIT)
    session.act(lambda vehicle, now: setattr(vehicle, "moves_pilot", False), "EVCC")
    assert session.run_to_end().result(WAIT).how == "terminated"
    assert [e.severity for e in session.journal.findings if e.rule == "control-pilot"] == ["warning"]


# -- plugs ------------------------------------------------------------------------------------------------------------


def test_unplugging_in_the_middle_ends_the_session_at_the_station(sessions):
    session = sessions(soc=50.0)
    session.run_to("CurrentDemandReq").result(WAIT)
    session.run_for(10.0).result(WAIT)
    session.unplug()
    assert session.party.ended.reason.startswith("the vehicle was unplugged")
    assert (session.party.station.closed, session.party.station.current) == (False, 0.0)
    assert pilot_of(session).text == "A"
    assert session.link.datalinks["SECC"].state == "unplugged"
    session.plug()
    session.run_to("CurrentDemandReq").result(WAIT)
    assert sum(step == "CM_SLAC_MATCH.CNF" for step in steps(session, "homeplug")) == 2


def test_a_pause_keeps_the_network_and_the_vehicle_wakes_the_station_up(sessions):
    session = sessions()
    session.run_to("CurrentDemandReq").result(WAIT)
    session.act(lambda vehicle, now: vehicle.pause(now), "EVCC")
    assert session.run_to_end().result(WAIT).how == "paused"
    paused = len(session.journal.entries)
    assert pilot_of(session).text == "B"
    request = session.receive("SessionSetupReq").result(WAIT)
    assert session.send("SessionSetupRes").result(WAIT).body.ResponseCode == "OK_OldSessionJoined"
    assert request.session_id == session.party.session_id
    later = [e.new for e in session.journal.entries[paused:] if isinstance(e, StateEntry) and e.machine == MACHINE]
    assert later == ["C", "B", "B 5 %"]
    assert steps(session, "homeplug").count("CM_SLAC_PARM.REQ") == 1
    assert session.run_to_end().result(WAIT).how == "terminated"


def test_in_din_a_vehicle_that_comes_back_is_matched_anew(sessions):
    session = sessions(protocols=("din",))
    session.run_to("CurrentDemandReq").result(WAIT)
    session.act(lambda vehicle, now: vehicle.pause(now), "EVCC")
    session.run_to_end().result(WAIT)
    session.receive("SessionSetupReq").result(WAIT)
    assert session.run_to_end().result(WAIT).how == "terminated"


def test_session_after_session(sessions):
    session = sessions()
    for number in range(1, 4):
        assert session.run_to_end().result(WAIT).how == "terminated"
        assert steps(session, "homeplug").count("CM_SLAC_MATCH.CNF") == number
        session.plug()


def test_another_vehicle_takes_its_place_with_a_modem_of_its_own(sessions):
    session = sessions()
    session.run_to("SessionSetupReq").result(WAIT)
    other = SimulatedEV(
        "suv" if "suv" in PROFILES else list(PROFILES)[1], journal=session.journal, records_frames=False
    )
    session.plug(other)
    request = session.receive("SessionSetupReq").result(WAIT)
    assert request.body.EVCCID == other.profile.EVCCID
    matched = [e for e in session.journal.entries if isinstance(e, FrameEntry) and e.payload_type == 0x607D]
    assert [e.dst for e in matched][1] == other.profile.EVCCID.hex(":")
    assert len(session.link.plug_in.line.modems) == 2


def test_what_the_driver_does_while_matching_is_not_forgotten(sessions):
    session = sessions()
    session.run_for(1.0).result(WAIT)
    assert session.status.state == "waits for the data link"
    session.act(lambda vehicle, now: vehicle.stop(now), "EVCC")
    session.run_to_end().result(WAIT)
    assert "PowerDeliveryReq" not in names(session)


def test_a_vehicle_that_no_station_hears_does_not_charge_and_it_is_said(sessions):
    session = sessions(powerline=Powerline({(PROFILES["compact"].EVCCID, STATION_MAC): 40}))
    with pytest.raises(SessionError, match="matching has failed"):
        session.receive("SessionSetupReq").result(WAIT)
    assert "slac.failed" in rules(session)
    session.link.plug_in.line.attenuation.clear()
    session.plug()
    session.receive("SessionSetupReq").result(WAIT)


def test_a_bad_line_is_slower_and_charges_all_the_same(sessions):
    session = sessions(powerline=Powerline(loss=0.1))
    assert session.run_to_end().result(WAIT).how == "terminated"


def test_a_script_that_waits_keeps_no_host_from_its_modem(sessions):
    """What is the script's turn is held; the key that the modem has to get after an abort is not."""
    session = sessions()
    with session.script():
        session.run_to("ChargeParameterDiscoveryReq").result(WAIT)
        session.wait(20.0).result(WAIT)  # the vehicle gives up, and the station begins anew
    assert session.party.ended.how == "aborted"
    assert session.link.datalinks["SECC"].state == "matching"
    assert "datalink.not-ready" not in rules(session)
