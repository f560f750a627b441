"""Recorded plug-ins: what real EVs and the chargers' modems said, fed to our EVSE, beside what the charger said."""

import pytest

from secc_kernel.link.pcap import Reader
from secc_kernel.session.datalink import StationDataLink
from secc_kernel.session.journal import FindingEntry
from secc_kernel.session.party import AWAITS_LINK
from secc_kernel.session.secc import SECC
from secc_kernel.session.slac import EVSEMatcher, Matched, Tolerances
from secc_kernel.session.slac.matcher import LOCAL_MODEM
from secc_kernel.wire.homeplug import ETHERTYPE, Frame
from secc_kernel.wire.homeplug.messages import (
    CM_ATTEN_CHAR_IND,
    CM_ATTEN_PROFILE_IND,
    CM_SET_KEY_CNF,
    CM_SLAC_MATCH_CNF,
    CM_SLAC_PARM_CNF,
)

ETHERNET = 1


def frames_of(path):
    """Time and frame of each management message of a capture."""
    for _, time, link_type, data, _ in Reader(path, None):
        if link_type == ETHERNET and data[12:14] == ETHERTYPE.to_bytes(2, "big"):
            yield time, Frame.parse(bytes(data))


def told(frames, kind):
    return [frame for _, frame in frames if isinstance(frame.message, kind)]


def replayed(frames, charger, match, **options):
    """What our EVSE says where the charger's messages are left out."""
    start = frames[0][0] - 1.0
    station = EVSEMatcher(charger, random=bytes, tolerances=Tolerances(assumed_attenuation=0), **options)
    station.start(start, match.NMK)
    station.nid = match.NID  # some chargers' networks are not named after their keys
    said = []
    for time, frame in frames:
        while (deadline := station.next_deadline()) is not None and deadline <= time:
            station.advance(deadline)
            said += station.outgoing()
        if frame.source != charger and not isinstance(frame.message, CM_SET_KEY_CNF):
            station.receive(frame, time)
            said += station.outgoing()
    return station, said


@pytest.fixture(scope="module")
def plug_ins(shared):
    """Captures that were taken at a charger's host and hold one plug-in, whole: frames, charger, match."""
    found = {}
    for path in sorted((shared / "captures").rglob("*.pcap*")):
        frames = list(frames_of(path))
        chargers = {frame.source for frame in told(frames, CM_SLAC_PARM_CNF)}
        matches = told(frames, CM_SLAC_MATCH_CNF)
        if len(chargers) == len(matches) == 1 and told(frames, CM_ATTEN_PROFILE_IND):
            found[path.name] = frames, chargers.pop(), matches[0].message
    return found


def test_there_are_many(plug_ins):
    assert len(plug_ins) > 50


#: How many dB less than what its modem has measured a charger tells: from, to. The others tell what was measured.
CORRECTED = {
    "Audi_Q4_dc-dinspec-1.pcap": (10, 11),
    "Audi_Q4_dc-iso2.pcap": (10, 11),
    "Mercedes-Benz_EQE_2023-10-04_dinspec-DC.pcap": (10, 11),
    "Mercedes-Benz_EQE_2023-10-04_iso2-DC.pcap": (10, 11),
    "DIN_DC_DS5366_Josev.pcapng": (4, 7),
    "ISO-20_BPT_AC_DS5366_Josev.pcapng": (3, 4),
    "ISO-20_TLS13_DC_DS5366_Josev.pcapng": (4, 6),
    "ISO-2_AC_PnC_TLS_Contract_MeteringReceipt_DS5366_RiseV2G.pcapng": (3, 4),
    "ISO-2_DC_BatteryDataExchange_DS5366_RiseV2G.pcapng": (5, 8),
    "ISO-2_DC_DS5366.pcapng": (4, 8),
    "ISO-2_DC_Pause_DS5366.pcapng": (3, 4),
    "ISO-2_DC_PnC_TLS_CertInstallation_DS5366_RiseV2G.pcapng": (3, 4),
    "ISO-2_DC_PnC_TLS_Contract_DS5366_RiseV2G.pcapng": (3, 4),
}
#: Chargers whose modem, an adapter for homes, measures nothing: they tell something that they have made up.
MADE_UP = {
    "2023-05-24_pyPlc_with_Ioniq93prcSoc.pcapng",
    "2024-04-20_ModelY_pyPLC_stop_in_precharge.pcapng",
    "2024-06-18_Griffigroen_pyPLC_polestar2_discharging_with_additional_prechargeCircuit.pcapng",
}


def test_our_evse_answers_as_the_charger_did(plug_ins):
    for name, (frames, charger, match) in plug_ins.items():
        station, said = replayed(frames, charger, match)
        assert [f.message for f in said if isinstance(f.message, CM_SLAC_MATCH_CNF)][:1] == [match], name
        ours = next(f.message for f in said if isinstance(f.message, CM_ATTEN_CHAR_IND))
        theirs = [f for f in told(frames, CM_ATTEN_CHAR_IND) if f.source == charger][-1].message
        assert ours.NumSounds == theirs.NumSounds, name
        rules = {entry.rule for entry in station.journal.entries if isinstance(entry, FindingEntry)}
        # Some cars begin again after they have been matched, as if nothing had been.
        matched = {event.peer for event in station.events() if isinstance(event, Matched)}
        assert matched == {match.PEVMAC} or "slac.rematch" in rules, name
        assert ("slac.assumed" in rules) == (name in MADE_UP), name
        assert "slac.sounds" not in rules, name
        if name not in MADE_UP:
            assert ours.SourceAddress == theirs.SourceAddress, name
            lowest, highest = CORRECTED.get(name, (-1, 1))  # rounded or cut off
            assert all(lowest <= a - b <= highest for a, b in zip(ours.AAG, theirs.AAG, strict=True)), name


def test_the_lists_name_captures_that_are_there(plug_ins):
    assert set(CORRECTED) | MADE_UP <= set(plug_ins)


def test_a_receiving_path_of_its_own_is_taken_off(plug_ins):
    frames, charger, match = plug_ins["Audi_Q4_dc-iso2.pcap"]
    _, said = replayed(frames, charger, match, receive_attenuation=10)
    ours = next(f.message for f in said if isinstance(f.message, CM_ATTEN_CHAR_IND))
    theirs = told(frames, CM_ATTEN_CHAR_IND)[-1].message
    assert all(0 <= a - b <= 1 for a, b in zip(ours.AAG, theirs.AAG, strict=True))


def test_the_data_link_goes_with_recorded_vehicles(plug_ins):
    """From a real vehicle's first request to the party that waits for SDP, without a control pilot."""
    for name, (frames, charger, match) in plug_ins.items():
        options = {"random": bytes, "tolerances": Tolerances(assumed_attenuation=0), "key": match.NMK}
        link = StationDataLink(EVSEMatcher(charger, **options), SECC())
        link.open(frames[0][0] - 1.0)
        link.receive(Frame(charger, LOCAL_MODEM, CM_SET_KEY_CNF()), frames[0][0] - 0.9)
        link.matcher.nid = match.NID
        matched = None
        for time, frame in frames:
            if frame.source == charger or isinstance(frame.message, CM_SET_KEY_CNF):
                continue
            link.receive(frame, time)
            if link.state == "joining":
                matched = time
                break
        assert matched is not None, name
        assert link.party.state == AWAITS_LINK, name
        assert [f.name for f in link.outgoing()].count("CM_SLAC_MATCH.CNF") == 1, name
        link.linked(matched + 2.0)
        link.advance(matched + 3.0)
        assert (link.state, link.party.state) == ("ready", "waits for SDP or a connection"), name
        link.unplug(matched + 4.0)
        assert (link.state, link.party.state) == ("unplugged", "idle"), name
