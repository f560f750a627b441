"""The plug-ins in a record: of every recorded session, held against tshark and the expected messages; and made ones."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections import Counter

import pytest

from secc_kernel.link.capture import iterate, read_capture
from secc_kernel.link.live import LiveSession
from secc_kernel.link.sim import SimLink
from secc_kernel.session.control_pilot import ControlPilot
from secc_kernel.session.journal import FrameEntry, Journal, NoteEntry
from secc_kernel.session.plug_in_table import COLUMNS
from secc_kernel.session.plug_ins import plug_ins
from secc_kernel.session.secc import SECC
from secc_kernel.session.slac.record import management_entry
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.views import plug_ins as view
from secc_kernel.wire.homeplug import BROADCAST, Frame
from secc_kernel.wire.homeplug.messages import (
    CM_ATTEN_CHAR_IND,
    CM_ATTEN_CHAR_RSP,
    CM_MNBC_SOUND_IND,
    CM_SLAC_MATCH_CNF,
    CM_SLAC_MATCH_REQ,
    CM_SLAC_PARM_CNF,
    CM_SLAC_PARM_REQ,
    CM_START_ATTEN_CHAR_IND,
    CM_VALIDATE_CNF,
)

CAR, OTHER_CAR = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
STATION, NEIGHBOUR = bytes.fromhex("020000000011"), bytes.fromhex("020000000012")


# -- recorded ones ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(shared):
    """The plug-ins of every capture, by its name."""
    paths = [path for path in sorted((shared / "captures").rglob("*.pcap*")) if path.is_file()]
    assert len(paths) > 60
    return {path.name: plug_ins(iterate(path)) for path in paths}


@pytest.fixture(scope="module")
def expected(shared):
    """The expected messages of every capture, by its name and connection."""
    found = {}
    for path in sorted((shared / "captures").rglob("expected.jsonl.gz")):
        with gzip.open(path, "rt") as lines:
            for row in map(json.loads, lines):
                found.setdefault(row["file"], {}).setdefault(row["stream"], []).append(row)
    return found


def test_every_message_belongs_to_one_plug_in(recorded, expected):
    for name, found in recorded.items():
        clear = [row for rows in expected.get(name, {}).values() for row in rows if not row.get("tls")]
        inside = [row for rows in expected.get(name, {}).values() for row in rows if row.get("tls")]
        messages = sum(each.messages for each in found)
        assert messages in (len(clear), len(clear) + len(inside)), name


def test_the_protocols_are_those_that_were_spoken(recorded, expected):
    compared = 0
    for name, found in recorded.items():
        spoken = [
            {row["schema"] for row in rows} - {"sap", "iso20_common"}
            for rows in expected.get(name, {}).values()
            if not rows[0].get("tls")
        ]
        seen = [talk.protocol for each in found for talk in each.talks if not each.tls]
        assert sorted(seen) == sorted(next(iter(keys), "") for keys in spoken), name
        compared += len(seen)
    assert compared > 60


def test_who_has_stopped_in_order_is_said_to_have(recorded, expected):
    """By the last messages: a SessionStopRes that is not a failure."""
    for name, found in recorded.items():
        talks = [(each, talk) for each in found for talk in each.talks if not each.tls]
        conversations = [rows for rows in expected.get(name, {}).values() if not rows[0].get("tls")]
        for (each, talk), rows in zip(talks, conversations, strict=True):
            assert talk.stopped == (rows[-1]["message"] == "SessionStopRes"), name
            if talk is each.talks[-1] and talk.stopped:
                assert each.how.how in ("terminated", "paused", "aborted")
                assert (each.how.how == "aborted") == ("SessionStopRes says FAILED" in each.how.why), (name, each.how)


@pytest.mark.tshark
def test_matches_are_those_that_tshark_sees(recorded, shared):
    for path in sorted((shared / "captures").rglob("*.pcap*"))[::3]:  # each takes tshark a quarter of a second
        shown = subprocess.run(
            ["tshark", "-r", path, "-Y", "homeplug_av.mmhdr.mmtype == 0x607d", "-T", "fields", "-e", "eth.dst"],
            capture_output=True,
            text=True,
            check=False,  # of a file that was cut it says so with its exit status
        ).stdout.splitlines()
        matched = [each for each in recorded[path.name] if each.slac is not None and each.slac.matched is not None]
        assert [each.vehicle.hex(":") for each in matched] == shown, path.name


#: name -> (vehicle, SLAC, attenuation, protocol, how, part of why) of its plug-ins, as a person reads the capture.
BY_HAND = {
    "2023-05-03_TaycanRightside_slacFail.pcapng": [
        ("00:18:87:00:a1:d6", "failed", None, "", "failed", "no station answers any of 2 CM_SLAC_PARM.REQ"),
        *(
            ("00:18:87:00:a1:d6", "failed", None, "", "failed", f"RunID 00188700a1d60000, the vehicle has {run}")
            for run in ("151501d711a97380", "2516722f3d165a3e", "59a82b5e626b5f90")
        ),
    ],
    "2022-11-17_Dehner_Alpitronic_until_SdpRequest.pcapng": [
        ("dc:0e:a1:11:67:08", "matched", 11.4, "", "failed", "no station answers the SDP request"),
        ("dc:0e:a1:11:67:08", "failed", None, "", "", "in the middle of matching"),
    ],
    "2025-01-21_listenMode_02_mac_spoofing_some_frames_visible.pcapng": [
        ("02:35:30:69:20:43", "matched", 9.6, "din", "aborted", "the station closes the connection"),
    ],
    "ISO-2_DC_multi_EVSE_SLAC_DS5366_Josev.pcapng": [
        ("a0:ce:c8:ca:5f:a2", "matched", 25.8, "iso2", "terminated", "the vehicle ends the session"),
    ],
    "IEC61851_AC_PWM_Basic.pcapng": [],
    "ISO-2_DC_Pause_DS5366.pcapng": [
        ("64:4d:70:01:02:c8", "matched", 15.4, "iso2", "terminated", "the vehicle ends the session"),
    ],
    "Mercedes-Benz_EQC_iso-15118-2-DC_2023-04-12-eqc-iso15118-2-DC_not_supported.pcap": [
        ("cc:88:26:37:8f:3a", "matched", 31.0, "", "failed", "supports no protocol that the vehicle offers"),
    ],
    "BMW_iX_fw_11_2022.64_2023-03-30_car_stops_soc_too_close_to_target.pcap": [
        ("00:30:ab:29:c5:be", "matched", 41.1, "iso2", "aborted", "the vehicle resets the connection after CableCheck"),
    ],
    "2024-06-18_Griffigroen_pyPLC_polestar2_discharging_with_additional_prechargeCircuit.pcapng": [
        ("48:c5:8d:b1:e4:3e", "matched", 9.6, "din", "terminated", "EVSEStatusCode EVSE_Shutdown"),
    ],
    "Mercedes-Benz_EQE_2023-04-18-3_config-ac-iso2.pcap": [
        ("00:18:23:37:23:40", "matched", 31.1, "iso2", "", "nothing more was recorded after ChargingStatusRes"),
    ],
}


@pytest.mark.parametrize("name", BY_HAND)
def test_plug_ins_as_a_person_reads_them(recorded, name):
    found = recorded[name]
    assert len(found) == len(BY_HAND[name])
    for each, (vehicle, slac, attenuation, protocol, how, why) in zip(found, BY_HAND[name], strict=True):
        assert (each.vehicle.hex(":"), each.matching, each.protocol, each.how.how) == (vehicle, slac, protocol, how)
        heard = None if each.slac is None else each.slac.attenuation
        assert heard == (None if attenuation is None else pytest.approx(attenuation, abs=0.05))
        assert why in each.how.why


def test_a_car_that_matches_with_a_neighbour_is_no_failure_of_this_station(recorded):
    found = recorded["Mercedes-Benz_EQE_2023-10-04_iso2-AC.pcap"]
    assert Counter(each.matching for each in found)["elsewhere"] == 10
    assert all(each.how.how == "" for each in found if each.matching == "elsewhere")


def test_a_downgrade_is_told(recorded):
    downgraded = {name for name, found in recorded.items() if any(each.downgraded for each in found)}
    assert {"Audi_Q4_dc-iso2.pcap", "VW_id.4_fw_3.5_2023-04-18-2_config-dc-iso2.pcap"} <= downgraded
    assert all(each.security == "none" for name in downgraded for each in recorded[name] if each.downgraded)


def test_tls_is_told_with_its_version(recorded):
    spoken = {name: found[-1].security for name, found in recorded.items() if "TLS" in name}
    assert len(spoken) == 4
    assert {name.partition("_")[0]: version for name, version in spoken.items()} == {
        "ISO-20": "TLS 1.3",
        "ISO-2": "TLS 1.2",
    }


def test_energy_by_the_meter_and_by_voltage_and_current(recorded):
    """Sums by hand of MeterReading, and of EVSEPresentVoltage times EVSEPresentCurrent."""
    (metered,) = recorded["Kia_EV6_2023-04-25-kia-ev6-iso2.pcap"]
    assert (metered.energy.kwh, metered.energy.source) == (pytest.approx(0.394), "meter")
    (measured,) = recorded["ISO-2_DC_DS5366.pcapng"]
    assert measured.energy.source == "voltage x current"
    assert measured.energy.kwh == pytest.approx(1.055, abs=0.002)
    assert measured.soc == (20, 21)


def test_energy_is_what_the_messages_say(shared):
    journal = read_capture(shared / "captures/dsv2gshark/ISO-2_DC_DS5366.pcapng")
    before, joules = None, 0.0
    for frame in journal.frames:
        if frame.name == "CurrentDemandRes":
            volts, amperes = frame.message.body.EVSEPresentVoltage, frame.message.body.EVSEPresentCurrent
            watts = volts.Value * 10.0**volts.Multiplier * amperes.Value * 10.0**amperes.Multiplier
            if before is not None:
                joules += (before[1] + watts) / 2 * (frame.time - before[0])
            before = frame.time, watts
    (plug_in,) = plug_ins(journal.entries)
    assert plug_in.energy.kwh == pytest.approx(joules / 3.6e6, rel=0.01)


def test_the_table_and_the_view(shared):
    journal = read_capture(shared / "captures/2023-05-03_TaycanRightside_slacFail.pcapng")
    table = journal.plug_ins()
    assert tuple(table.columns) == COLUMNS
    assert list(table.index) == [1, 2, 3, 4]
    assert list(table.slac) == ["failed"] * 4
    assert table.energy.isna().all()
    shown = view(journal)
    assert shown.data.equals(table)
    assert "SLAC failed, 6 requests" in repr(shown)
    assert shown._repr_html_().count("<tr>") == 5


# -- made ones --------------------------------------------------------------------------------------------------------


def said(*messages, begin=100.0, step=0.1):
    """Entries of management messages: (from, to, message), one after the other."""
    return [
        management_entry(Frame(to, source, message).payload(), to, source, begin + number * step)
        for number, (source, to, message) in enumerate(messages)
    ]


def matching(car=CAR, station=STATION, run=b"run-no-1", level=12, until=9, **how):
    """A matching up to one of its steps."""
    steps = [
        (car, BROADCAST, CM_SLAC_PARM_REQ(RunID=run)),
        (station, car, CM_SLAC_PARM_CNF(ForwardingSTA=car, RunID=run)),
        (car, BROADCAST, CM_START_ATTEN_CHAR_IND(RunID=run)),
        (car, BROADCAST, CM_MNBC_SOUND_IND(RunID=run)),
        (station, car, CM_ATTEN_CHAR_IND(SourceAddress=car, RunID=run, AAG=bytes([level]) * 58)),
        (car, station, CM_ATTEN_CHAR_RSP(SourceAddress=car, RunID=run)),
        (car, station, CM_SLAC_MATCH_REQ(PEVMAC=car, EVSEMAC=station, RunID=run)),
        (station, car, CM_SLAC_MATCH_CNF(PEVMAC=car, EVSEMAC=station, RunID=run)),
    ]
    return said(*steps[:until], **how)


LATER = NoteEntry(1000.0, "much later")


@pytest.mark.parametrize(
    ("until", "why"),
    [
        (1, "no station answers CM_SLAC_PARM.REQ"),
        (2, "does not go on after CM_SLAC_PARM.CNF"),
        (3, "announces sounds, and sends none"),
        (4, "no station reports what it has heard of 1 sounds"),
        (5, "does not take the station's attenuation"),
        (6, "asks no station for a match"),
        (7, f"{STATION.hex(':')} does not answer CM_SLAC_MATCH.REQ"),
        (8, "matched, and nothing follows: no SDP request"),
    ],
)
def test_how_far_matching_has_come(until, why):
    (found,) = plug_ins([*matching(until=until), LATER])
    assert found.how.how == "failed"
    assert why in found.how.why
    (cut,) = plug_ins(matching(until=until))
    assert cut.how.how == ""


def test_a_validation_that_fails_is_the_reason():
    entries = matching(until=6) + said((STATION, CAR, CM_VALIDATE_CNF(Result=3)), begin=101)
    (found,) = plug_ins([*entries, LATER])
    assert "control pilot" in found.how.why


def test_two_cars_on_one_line_are_two_plug_ins():
    ours, others = matching(), matching(OTHER_CAR, NEIGHBOUR, b"run-no-2", level=70, until=7, begin=100.05)
    mixed = sorted([*ours, *others], key=lambda entry: entry.time)
    first, second = plug_ins([*mixed, LATER])
    assert (first.vehicle, first.matching, first.slac.attenuation) == (CAR, "matched", 12)
    assert (second.vehicle, second.matching, second.slac.attenuation) == (OTHER_CAR, "failed", 70)
    assert set(first.slac.stations) == {STATION}


def test_the_station_that_was_chosen_counts_of_several_that_answer():
    run = b"run-no-1"
    neighbour = said(
        (NEIGHBOUR, CAR, CM_SLAC_PARM_CNF(ForwardingSTA=CAR, RunID=run)),
        (NEIGHBOUR, CAR, CM_ATTEN_CHAR_IND(SourceAddress=CAR, RunID=run, AAG=b"\x05" * 58)),
        begin=100.15,
        step=0.3,
    )
    (found,) = plug_ins(sorted([*matching(), *neighbour], key=lambda entry: entry.time))
    assert len(found.slac.stations) == 2
    assert (found.slac.chosen, found.slac.attenuation) == (STATION, 12)


def test_tries_in_a_row_are_one_plug_in_and_after_a_silence_another():
    tries = [matching(until=1, begin=100.0 + 5 * number, run=bytes([number]) * 8)[0] for number in range(4)]
    again = matching(until=8, begin=200.0)
    first, second = plug_ins([*tries, *again])
    assert (first.slac.requests, first.matching) == (4, "failed")
    assert (second.matching, second.begin) == ("matched", 200.0)


def test_a_frame_seen_on_two_interfaces_is_one():
    once = matching()
    (found,) = plug_ins([entry for entry in once for _ in range(2)])
    assert (found.slac.requests, found.matching) == (1, "matched")


def test_the_control_pilot_begins_and_ends_a_plug_in():
    journal = Journal()
    pilot = ControlPilot(journal)
    pilot.set_vehicle("B", 90.0)
    journal.extend(matching())
    pilot.set_vehicle("A", 150.0)
    pilot.set_vehicle("B", 160.0)
    pilot.set_vehicle("A", 170.0)
    matched, silent = plug_ins(journal.entries)
    assert (matched.begin, matched.end, matched.vehicle) == (90.0, 150.0, CAR)
    assert (silent.begin, silent.end, silent.how.why) == (160.0, 170.0, "the vehicle begins no matching")


@pytest.fixture
def live():
    """A session that is driven, and each of its plug-ins."""
    station = SECC(journal=Journal(source="live"))
    vehicle = SimulatedEV(soc=60, journal=station.journal, records_frames=False)
    with LiveSession(SimLink(station, vehicle)) as session:
        yield session


def test_a_live_session_that_ends_in_order(live):
    live.plug()
    live.run_to_end().result(60)
    (found,) = plug_ins(live.journal.entries)
    assert (found.how.how, found.how.who) == ("terminated", "EVCC")
    assert found.protocol == "iso2"
    assert found.messages == len(live.journal.frames)
    assert found.soc[1] > found.soc[0] == 60
    assert found.energy.kwh > 1
    assert (found.asked, found.answered, found.security) == (16, 16, "none")


def test_each_time_that_a_simulated_vehicle_is_plugged_in(live):
    for name in ("CableCheckReq", "PreChargeReq"):
        live.plug()
        live.run_to(name).result(60)
        live.unplug()
    first, second = plug_ins(live.journal.entries)
    assert first.how.how == second.how.how == "aborted"
    assert first.messages < second.messages
    assert first.end <= second.begin


def test_findings_are_counted_once_each(live):
    live.plug()
    live.run_to("CurrentDemandReq").result(60)
    live.check(True, "no finding")
    (found,) = plug_ins(live.journal.entries)
    entries = [entry for entry in live.journal.findings if entry.rule != "check"]
    assert found.findings("error") + found.findings("warning") + found.findings("note") == len(
        {(entry.severity, entry.rule, entry.text) for entry in entries}
    )


def test_whatever_is_in_a_record_is_no_reason_to_fail():
    broken = FrameEntry(1.0, "homeplug", "", "no address", "", -1, None, 0x6064, b"\x01")
    strange = FrameEntry(2.0, "sdp", "", "", "", payload_type=0x9000, data=b"")
    undecodable = FrameEntry(3.0, src="a", dst="b", data=b"\xff", stream=0)
    (found,) = plug_ins([broken, strange, undecodable])
    assert (found.messages, found.how.how) == (1, "")
