"""HomePlug management messages: the fields that tshark shows of recorded ones, and every byte back."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secc_kernel.wire import homeplug
from secc_kernel.wire.homeplug import BROADCAST, Frame, HomeplugError, Unknown, declared, fields, nid_of, type_name
from secc_kernel.wire.homeplug.declare import MESSAGES, Counted, Integer, Listed, Octets
from secc_kernel.wire.homeplug.messages import (
    CM_AMP_MAP_REQ,
    CM_ATTEN_PROFILE_IND,
    CM_SET_KEY_REQ,
    CM_SLAC_MATCH_CNF,
    CM_SLAC_PARM_CNF,
    CM_SLAC_PARM_REQ,
)
from secc_kernel.wire.homeplug.vendor import VS_GET_LINK_STATUS_REQ, VS_LINK_STATUS_REQ

declared(0)  # all messages are declared from here on


# -- what tshark shows ------------------------------------------------------------------------------------------------

#: tshark's name of a field (without "homeplug_av.") -> where it is in our message; of groups it shows the last.
SHOWN = {
    "gp.cm_slac_parm.apptype": "ApplicationType",
    "gp.cm_slac_parm.sectype": "SecurityType",
    "gp.cm_slac_parm.runid": "RunID",
    "gp.cm_slac_parm.sound_target": "MSoundTarget",
    "gp.cm_slac_parm.sound_count": "NumSounds",
    "gp.cm_slac_parm.time_out": "TimeOut",
    "gp.cm_slac_parm.resptype": "RespType",
    "gp.cm_slac_parm.forwarding_sta": "ForwardingSTA",
    "gp.cm_atten_char.apptype": "ApplicationType",
    "gp.cm_atten_char.sectype": "SecurityType",
    "gp.cm_start_atten_char.sounds_count": "NumSounds",
    "gp.cm_start_atten_char.time_out": "TimeOut",
    "gp.cm_start_atten_char.resptype": "RespType",
    "gp.cm_start_atten_char.sound_forwarding_sta": "ForwardingSTA",
    "gp.cm_start_atten_char.runid": "RunID",
    "gp.cm_atten_char.source_mac": "SourceAddress",
    "gp.cm_atten_char.runid": "RunID",
    "gp.cm_atten_char.source_id": "SourceID",
    "gp.cm_atten_char.resp_id": "RespID",
    "gp.cm_atten_char.sounds_count": "NumSounds",
    "gp.cm_atten_char.groups_count": "NumGroups",
    "gp.cm_atten_char.aag": "AAG[-1]",
    "gp.cm_atten_char.result": "Result",
    "gp.cm_mnbc_sound.apptype": "ApplicationType",
    "gp.cm_mnbc_sound.sectype": "SecurityType",
    "gp.cm_mnbc_sound.sender_id": "SenderID",
    "gp.cm_mnbc_sound.countdown": "Cnt",
    "gp.cm_mnbc_sound.runid": "RunID",
    "gp.cm_mnbc_sound.rnd": "Rnd",
    "gp.cm_slac_match.apptype": "ApplicationType",
    "gp.cm_slac_match.sectype": "SecurityType",
    "gp.cm_slac_match.length": "MVFLength",
    "gp.cm_slac_match.pev_id": "PEVID",
    "gp.cm_slac_match.pev_mac": "PEVMAC",
    "gp.cm_slac_match.evse_id": "EVSEID",
    "gp.cm_slac_match.evse_mac": "EVSEMAC",
    "gp.cm_slac_match.runid": "RunID",
    "gp.cm_slac_match.nid": "NID",
    "gp.cm_slac_match.nmk": "NMK",
    "gp.cm_atten_profile_ind.pev_mac": "PEVMAC",
    "gp.cm_atten_profile_ind.groups_count": "NumGroups",
    "gp.cm_atten_profile_ind.aag": "AAG[-1]",
    "nw_info.key_type": ("KeyType", "RequestedKeyType"),
    "nw_info.my_nonce": "MyNonce",
    "nw_info.your_nonce": "YourNonce",
    "nw_info.pid": "PID",
    "nw_info.prn": "PRN",
    "nw_info.pmn": "PMN",
    "nw_info.peks": ("NewEKS", "EKS"),
    "nw_info.nid": ("NID", "Networks[-1].NID"),
    "cc_disc_list_cnf.sta_info:nw_info.snid": "Stations[-1].SNID",
    "cc_disc_list_cnf.net_info:nw_info.snid": "Networks[-1].SNID",
    "nw_info_cnf.net_info:nw_info.snid": "Networks[-1].SNID",
    "nw_info.tei": "Networks[-1].TEI",
    "nw_info.sta_role": "Networks[-1].Role",
    "nw_info.num_avlns": "NumNetworks",
    "nw_info.cco_cap": "CCoCapability",
    "nw_info_cnf.cco_mac": "Networks[-1].CCoMAC",
    "nw_info_cnf.cco_tei": "Networks[-1].CCoTEI",
    "nw_info_cnf.access": "Networks[-1].Access",
    "nw_info_cnf.num_coord": "Networks[-1].NumCoordinated",
    "nw_info_cnf.num_stas": "Networks[-1].NumStations",
    "nw_info_cnf.sta_info.da": "Networks[-1].Stations[-1].DA",
    "nw_info_cnf.sta_indo.tei": "Networks[-1].Stations[-1].TEI",
    "nw_info_cnf.sta_indo.bda": "Networks[-1].Stations[-1].BDA",
    "nw_info_cnf.sta_indo.phy_dr_tx": "Networks[-1].Stations[-1].AvgPHYDataRateTX",
    "nw_info_cnf.sta_indo.phy_dr_rx": "Networks[-1].Stations[-1].AvgPHYDataRateRX",
    "nw_info_cnf.sta_info.phy_coupling_tx": "Networks[-1].Stations[-1].CouplingTX",
    "nw_info_cnf.sta_info.phy_coupling_rx": "Networks[-1].Stations[-1].CouplingRX",
    "cm_set_key_req.nw_key": "NewKey",
    "cm_set_key_cnf.result": "Result",
    "cm_get_key_req.type": "RequestType",
    "cm_get_key_cnf.result": "Result",
    "cm_get_key_cnf.rtype": "RequestedKeyType",
    "cm_enc_pld_rsp.result": "Result",
    "cc_disc_list_cnf.sta_cnt": "NumStations",
    "cc_disc_list_cnf.sta_info.mac": "Stations[-1].MAC",
    "cc_disc_list_cnf.sta_info.tei": "Stations[-1].TEI",
    "cc_disc_list_cnf.sta_info.same_net": "Stations[-1].SameNetwork",
    "cc_disc_list_cnf.sta_info.sig_level": "Stations[-1].SignalLevel",
    "cc_disc_list_cnf.sta_info.avg_ble": "Stations[-1].AvgBLE",
    "cc_disc_list_cnf.net_cnt": "NumNetworks",
    "cc_disc_list_cnf.net_info.hyb_mode": "Networks[-1].HybridMode",
    "cc_disc_list_cnf.net_info.bcn_slots": "Networks[-1].NumBeaconSlots",
    "cc_disc_list_cnf.net_info.cco_status": "Networks[-1].CCoStatus",
    "brg_infos_cnf.brd": "Bridging",
    "brg_infos_cnf.btei": "TEI",
    "brg_infos_cnf.num_stas": "NumAddresses",
    "brg_infos_cnf.mac": "Addresses[-1]",
    "vendor.oui": "OUI",
    "get_sw_cnf.status": "Status",
    "get_sw_cnf.dev_id": "DeviceID",
    "get_sw_cnf.ver_len": "VersionLength",
    "get_sw_cnf.ver_str": "Version",
    "lnk_stats_req.mcontrol": "MControl",
    "lnk_stats_req.dir": "Direction",
    "lnk_stats_req.lid": "LinkID",
    "lnk_stats_req.macaddr": "MAC",
    "lnk_stats_cnf.status": "Status",
    "lnk_stats_cnf.dir": "Direction",
    "lnk_stats_cnf.lid": "LinkID",
    "lnk_stats_cnf.tei": "TEI",
    "lnk_stats.tx.mpdu_ack": "TXMPDUsAcknowledged",
    "lnk_stats.tx.mpdu_col": "TXMPDUsCollided",
    "lnk_stats.tx.mpdu_fail": "TXMPDUsFailed",
    "lnk_stats.tx.pbs_pass": "TXPBsPassed",
    "lnk_stats.tx.pbs_fail": "TXPBsFailed",
    "lnk_stats.rx.mdpu_ack": "RXMPDUsAcknowledged",
    "lnk_stats.rx.mdpu_fail": "RXMPDUsFailed",
    "lnk_stats.rx.pbs_pass": "RXPBsPassed",
    "lnk_stats.rx.pbs_fail": "RXPBsFailed",
    "lnk_stats.rx.tb_pass": "RXTurboBlocksPassed",
    "lnk_stats.rx.tb_fail": "RXTurboBlocksFailed",
    "lnk_stats.rx.num_int": "NumIntervals",
    "lnk_stats.rx.inv.phy_rate": "Intervals[-1].PHYRate",
    "lnk_stats.rx.inv.pbs_pass": "Intervals[-1].PBsPassed",
    "lnk_stats.rx.inv.pbs_fail": "Intervals[-1].PBsFailed",
    "lnk_stats.rx.inv.tb_pass": "Intervals[-1].TurboBlocksPassed",
    "lnk_stats.rx.inv.tb_fail": "Intervals[-1].TurboBlocksFailed",
    "lbk.duration": "Duration",
    "fr_lbk_cnf.status": "Status",
    "op_attr.cookie": "Cookie",
    "op_attr.rep_type": "ReportType",
    "op_attr_cnf.status": "Status",
    "op_attr_cnf.size": "Size",
    "op_attr_cnf.data.hw": "Hardware",
    "op_attr_cnf.data.sw": "Software",
    "op_attr_cnf.data.sw_major": "Major",
    "op_attr_cnf.data.sw_minor": "Minor",
    "op_attr_cnf.data.sw_sub": "Sub",
    "op_attr_cnf.data.sw_date": "Date",
    "op_attr_cnf.data.sw_rel": "Release",
    "enet_phy_req.mcontrol": "MControl",
    "enet_phy_req.addcaps": "AdvertisedCapabilities",
    "enet_phy_cnf.status": "Status",
    "enet_phy.speed": "Speed",
    "enet_phy.duplex": "Duplex",
    "tone_map_tx_req.mac": "MAC",
    "tone_map_tx_req.slot": "Slot",
    "tone_map_tx_req.coupling": "Coupling",
    "tone_map_tx_cnf.status": "Status",
    "tone_map_tx_cnf.len": "Length",
    "tone_map_tx_cnf.mac": "MAC",
    "tone_map_tx_cnf.slot": "Slot",
    "tone_map_tx_cnf.num_tms": "NumToneMaps",
    "tone_map_tx_cnf.num_act": "NumActiveCarriers",
    "tone_map_rx_req.mac": "MAC",
    "tone_map_rx_req.slot": "Slot",
    "tone_map_rx_req.coupling": "Coupling",
    "tone_map_rx_cnf.status": "Status",
    "tone_map_rx_cnf.len": "Length",
    "tone_map_rx_cnf.mmesubversion": "SubVersion",
    "tone_map_rx_cnf.mac": "MAC",
    "tone_map_rx_cnf.slot": "Slot",
    "tone_map_rx_cnf.coupling": "Coupling",
    "tone_map_rx_cnf.num_tms": "NumToneMaps",
    "tone_map_rx_cnf.num_act": "NumActiveCarriers",
    "st_iotecha.mmever": "SubVersion",
    "st_iotecha.rsvd": "Reserved",
    "st_iotecha.mver": "MessageVersion",
    "st_iotecha.cpstate.state": "State",
    "st_iotecha.cpstate.pwm_duty": "PWMDuty",
    "st_iotecha.cpstate.pwm_freq": "PWMFrequency",
    "st_iotecha.cpstate.cp_volatge": "CPVoltage",
}

#: What tshark shows and is not compared, and why.
LEFT_OUT = {
    "cc_disc_list_cnf.net_info.bcn_ofs": "it shows the bytes in the other order",
    "lbk.len": "it shows the bytes in the other order: 3588 of 1038 bytes that follow",
    "cm_get_key_cnf.key": "it takes the padding for the key",
    "get_sw_cnf.upg": "it looks for it behind 253 characters, where there are 64",
    "op_attr_cnf.data.sw_sdram_type": "the hardware's attributes are not declared",
    "op_attr_cnf.data.sw_linefreq": "the hardware's attributes are not declared",
    "op_attr_cnf.data.sw_zerocross": "the hardware's attributes are not declared",
    "op_attr_cnf.data.sw_sdram_size": "the hardware's attributes are not declared",
    "op_attr_cnf.data.sw_auth_mode": "the hardware's attributes are not declared",
    "tone_map_cnf.carrier.lo": "the carriers are not declared",
    "tone_map_cnf.carrier.hi": "the carriers are not declared",
}


def shown_by_tshark(tree, group=""):
    """Names and values of the leaves, without what is the frame's and what has no value."""
    for name, value in tree.items():
        short = name.removeprefix("homeplug_av.")
        if isinstance(value, dict):
            if short != "mmhdr":
                yield from shown_by_tshark(value, short)
        elif value and not short.startswith("_ws"):
            where = f"{group}:{short}" if short == "nw_info.snid" else short
            yield where, value[-1] if isinstance(value, list) else value


def found_at(message, paths):
    for path in (paths,) if isinstance(paths, str) else paths:
        value = message
        try:
            for step in path.replace("[-1]", ".-1").split("."):
                value = value[-1] if step == "-1" else getattr(value, step)
        except (AttributeError, IndexError):
            continue
        return value
    raise AssertionError(f"{message} has no {paths}")


def as_tshark(value, shown):
    """A value of ours, spelt as tshark spells that field."""
    if isinstance(value, int):
        return int(shown, 0) == value
    if ":" in shown:
        return shown == value.hex(":")
    if shown.startswith("0x"):
        return shown == f"0x{value.hex()}"
    return shown == value.rstrip(b"\0").split(b"\0")[0].decode()


@pytest.fixture(scope="module")
def recorded(shared):
    with gzip.open(shared / "vectors" / "homeplug.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def frame_of(row):
    return Frame.parse_payload(*(bytes.fromhex(row[key]) for key in ("payload_hex", "dst", "src")))


def test_every_recorded_message_is_written_again_to_the_byte(recorded):
    assert len(recorded) > 700
    for row in recorded:
        frame = frame_of(row)
        assert frame.payload().hex() == row["payload_hex"]
        assert frame.pack() == bytes.fromhex(row["dst"] + row["src"] + "88e1" + row["payload_hex"])
        assert Frame.parse(frame.pack()) == frame
        assert frame.mmtype == int(row["mmtype"], 16)
        if "?" not in row["name"]:
            assert frame.name == row["name"] or isinstance(frame.message, Unknown)


def test_the_fields_are_what_tshark_shows(recorded):
    compared = 0
    for row in recorded:
        message = frame_of(row).message
        for name, shown in shown_by_tshark(row["wireshark"]):
            if name in LEFT_OUT or (name.endswith(("reserved", "rsvd")) and name != "st_iotecha.rsvd"):
                continue
            if isinstance(message, Unknown):
                assert name == "vendor.oui", (row["mmtype"], name)
                assert shown == f"0x{message.data[:3].hex()}"
                continue
            if name == "nw_info.cco_cap" and row["mmtype"] == "0x0015":
                continue  # some bits of Capabilities
            value = found_at(message, SHOWN[name])
            if name.endswith(":nw_info.snid"):
                value &= 0x0F  # the upper bits are reserved
            assert as_tshark(value, shown), (row["payload_hex"], name, shown, value)
            compared += 1
    assert compared > 4500


def test_what_is_left_out_is_shown(recorded):
    """No name in these tables is there for nothing."""
    names = {name for row in recorded for name, _ in shown_by_tshark(row["wireshark"])}
    assert set(LEFT_OUT) <= names
    assert set(SHOWN) <= names


# -- any message ------------------------------------------------------------------------------------------------------


def values(form):
    if isinstance(form, Integer):
        return st.integers(0, (1 << 8 * form.size) - 1)
    if isinstance(form, Octets):
        return st.binary(min_size=form.size, max_size=form.size)
    if isinstance(form, Counted):
        return st.binary(max_size=60)
    assert isinstance(form, Listed)
    return st.lists(values(form.of) if isinstance(form.of, Octets) else records(form.of), max_size=4)


def records(cls):
    """Records and messages of a class, with the counts left to be counted."""
    return st.builds(lambda **held: cls(**held), **{f.name: values(f.form) for f in fields(cls) if f.count_of is None})


ALL = [(cls, version) for kinds in MESSAGES.values() for cls in kinds for version in cls.VERSIONS]


@given(st.data())
def test_any_message_is_read_as_it_was_written(data):
    cls, version = data.draw(st.sampled_from(ALL))
    message = data.draw(records(cls))
    payload = Frame(BROADCAST, bytes(6), message, version).payload()
    back = Frame.parse_payload(payload)
    assert type(back.message) is cls
    for name, _, count_of in fields(cls):
        if count_of is None and not isinstance(getattr(message, name), list):
            assert getattr(back.message, name) == getattr(message, name)
    assert back.payload() == payload
    assert len(payload) >= 46


@given(st.binary(max_size=120))
def test_any_bytes_are_kept(payload):
    if len(payload) < 3 or (payload[0] and len(payload) < 5):
        with pytest.raises(HomeplugError, match=r"byte [013]: "):
            Frame.parse_payload(payload)
        return
    frame = Frame.parse_payload(payload)
    assert frame.payload() == payload
    assert frame.name


@given(st.sampled_from(ALL), st.integers(0, 90), st.binary(max_size=90))
def test_a_message_that_was_cut_says_where(kind, length, noise):
    cls, version = kind
    payload = (Frame(BROADCAST, bytes(6), cls(), version, trailing=b"").payload() + noise)[: max(5, length)]
    frame = Frame.parse_payload(payload)
    assert frame.payload() == payload
    if isinstance(frame.message, Unknown):
        assert frame.message.error is not None
        assert "are left" in str(frame.message.error)


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_the_standards_layout():
    """CM_SLAC_PARM of a recorded plug-in, byte by byte."""
    run = bytes.fromhex("37f6d85a6ca34fcf")
    request = Frame(BROADCAST, bytes.fromhex("007dfa087c85"), CM_SLAC_PARM_REQ(RunID=run))
    assert request.pack().hex() == "ffffffffffff007dfa087c8588e1" + "0164600000000037f6d85a6ca34fcf".ljust(92, "0")
    answer = CM_SLAC_PARM_CNF(ForwardingSTA=request.source, RunID=run)
    assert Frame(request.source, bytes(6), answer, trailing=b"").payload().hex() == (
        "0165600000ffffffffffff0a0601007dfa087c85000037f6d85a6ca34fcf"
    )


def test_counts_are_counted_unless_said():
    assert Frame(BROADCAST, bytes(6), CM_ATTEN_PROFILE_IND(AAG=b"\x14" * 58)).payload()[11] == 58
    lying = Frame(BROADCAST, bytes(6), CM_ATTEN_PROFILE_IND(NumGroups=9, AAG=b"\x14" * 58))
    assert Frame.parse_payload(lying.payload()).message.AAG == b"\x14" * 9
    assert Frame(BROADCAST, bytes(6), CM_AMP_MAP_REQ(AMData=bytes(459))).payload()[5:7] == (918).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (CM_SLAC_PARM_REQ(RunID=bytes(7)), "CM_SLAC_PARM_REQ.RunID takes 8 bytes"),
        (CM_SLAC_PARM_REQ(SecurityType=256), "CM_SLAC_PARM_REQ.SecurityType takes numbers from 0 to 255, not 256"),
        (CM_SET_KEY_REQ(NewKey="key"), "CM_SET_KEY_REQ.NewKey takes 16 bytes, not 'key'"),
    ],
)
def test_what_does_not_fit_is_named(message, text):
    with pytest.raises(HomeplugError, match=text.replace(".", r"\.")):
        Frame(BROADCAST, bytes(6), message).pack()


def test_a_part_of_a_message_has_no_fields():
    frame = Frame.parse_payload(bytes.fromhex("01646000110000") + bytes(40))
    assert isinstance(frame.message, Unknown)
    assert frame.fragmentation == b"\x00\x11"


def test_what_is_no_frame_is_said():
    with pytest.raises(HomeplugError, match="0x88E1"):
        Frame.parse(bytes(60))
    with pytest.raises(HomeplugError, match="byte 1: MMTYPE needs 2 bytes, and 1 are left"):
        Frame.parse_payload(b"\x01\x64")


def test_names():
    assert type_name(0x6064) == "CM_SLAC_PARM.REQ"
    assert type_name(0xA039, 0) == type_name(0xA039, 1) == "VS_NW_INFO.CNF"
    assert type_name(0xA0F9) == "VS_0xA0F8.CNF"
    assert type_name(0x0042) == "CC_0x0040.IND"
    assert Unknown(0xAD00, bytes.fromhex("0016e8")).vendor == "Lumissil"
    assert all(cls().name.endswith(("REQ", "CNF", "IND", "RSP")[cls.MMTYPE & 3]) for cls, _ in ALL)


def test_the_network_of_a_key(recorded):
    """Stations that name their networks by the rule, among the recorded ones, and one of the report's."""
    assert nid_of(b"K1A28EFAYGQ9FDHZ").hex() == "7e7298c7272d00"
    pairs = {
        (message.NMK, message.NID)
        for message in (frame_of(row).message for row in recorded)
        if isinstance(message, CM_SLAC_MATCH_CNF)
    }
    assert sum(nid_of(nmk) == nid for nmk, nid in pairs) > len(pairs) / 2
    with pytest.raises(HomeplugError, match="16 bytes"):
        nid_of(b"short")


def test_the_room_knows_no_sockets():
    assert not {"socket", "scapy"} & set(vars(homeplug))


def test_makers_own_messages_go_out_in_the_form_that_their_modems_understand():
    # Qualcomm's have no fragmentation field (the report's 3.7, and every such request in the captures).
    asked = Frame(BROADCAST, bytes(6), VS_LINK_STATUS_REQ()).payload()
    assert asked[:6] == bytes.fromhex("00b8a000b052")
    asked = Frame(BROADCAST, bytes(6), VS_GET_LINK_STATUS_REQ(RequestID=7)).payload()
    assert asked[:15] == bytes.fromhex("019cac0000 0016e8 0000 00000000 07".replace(" ", ""))
    assert Frame(BROADCAST, bytes(6), CM_SLAC_PARM_REQ()).payload()[:5] == bytes.fromhex("0164600000")


def test_a_lumissil_modem_tells_its_firmware():
    answer = bytes.fromhex(
        "016dac0000 0016e8 0000 00000000 00 000000000000000000000000 0100 0200 0300 0400".replace(" ", "")
    )
    message = Frame.parse_payload(answer.ljust(46, b"\0")).message
    assert (message.Major, message.Minor, message.Patch, message.Build) == (1, 2, 3, 4)


def test_the_form_of_av_2_is_read_as_that_of_av_1_1():
    stats = bytes.fromhex("0249600000 01 00b052000001 0a0b".replace(" ", ""))
    frame = Frame.parse_payload(stats)
    assert (frame.name, frame.version, frame.message.NumStations) == ("CM_NW_STATS.CNF", 2, 1)
    assert frame.payload() == stats
