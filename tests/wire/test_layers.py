"""The vocabularies of the layers below V2G: derived from the declarations, and true to the bytes of real devices."""

from __future__ import annotations

import gzip
import json
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secc_kernel import codec
from secc_kernel.lua.convert import ValueMismatchError, from_script, to_script
from secc_kernel.messages import vocabulary
from secc_kernel.wire import homeplug, sdp
from secc_kernel.wire.homeplug.declare import MESSAGES
from secc_kernel.wire.homeplug.messages import CM_VALIDATE_CNF
from secc_kernel.wire.layers import LAYERS, from_wire, home, to_wire

SLAC, SDP = LAYERS["slac"], LAYERS["sdp"]


def test_each_message_with_a_sender_is_there_and_no_other():
    declared = {kind.__name__: kind for kinds in MESSAGES.values() for kind in kinds}
    assert {name for name, kind in declared.items() if kind.SENDER} == set(SLAC.messages)
    for name in SLAC.messages:
        fields = [field.name for field in SLAC.message_type(name).__fields__]
        assert fields == [field.name for field in homeplug.fields(declared[name])]


@pytest.mark.parametrize(
    ("message", "sent_by", "received_by"),
    [
        ("CM_SLAC_PARM_REQ", ["EVCC"], ["SECC"]),
        ("CM_SLAC_MATCH_CNF", ["SECC"], ["EVCC"]),
        ("CM_AMP_MAP_REQ", ["EVCC", "SECC"], ["EVCC", "SECC"]),
        ("CM_SET_KEY_REQ", ["EVCC", "SECC"], []),
        ("CM_ATTEN_PROFILE_IND", [], ["EVCC", "SECC"]),
        ("SECC_DiscoveryReq", ["EVCC"], ["SECC"]),
        ("SECC_DiscoveryRes", ["SECC"], ["EVCC"]),
    ],
)
def test_who_speaks(message, sent_by, received_by):
    words = home(message)
    assert [role for role in ("EVCC", "SECC") if words.sends(role, message)] == sent_by
    assert [role for role in ("EVCC", "SECC") if words.receives(role, message)] == received_by


def test_v2g_is_not_below():
    assert home("SessionSetupReq") is None
    assert home("supportedAppProtocolReq") is None


@pytest.mark.shared
def test_recorded_management_messages_come_back_byte_for_byte(shared):
    seen, whole = set(), 0
    with gzip.open(shared / "vectors" / "homeplug.jsonl.gz", "rt") as lines:
        for line in lines:
            payload = bytes.fromhex(json.loads(line)["payload_hex"])
            frame = homeplug.Frame.parse_payload(payload)
            if type(frame.message).__name__ not in SLAC.messages:
                with pytest.raises(codec.DecodeError):
                    codec.decode(payload, "slac")
                continue
            message = codec.decode(payload, "slac")
            seen.add(message.name)
            assert to_wire(message) == frame.message
            if payload[0] == 1 and not any(frame.trailing) and len(payload) == 46:
                assert codec.encode(message) == payload
                whole += 1
    assert {"CM_SLAC_PARM_REQ", "CM_MNBC_SOUND_IND", "CM_ATTEN_CHAR_IND", "CM_SLAC_MATCH_CNF"} <= seen
    assert whole > 100


@given(st.binary(min_size=16, max_size=16), st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(0, 255))
def test_any_response_of_sdp_can_be_said(address, port, security, transport):
    payload = address + port.to_bytes(2, "big") + bytes((security, transport))
    message = codec.decode(payload, "sdp")
    assert codec.encode(message) == payload
    assert IPv6Address(message.body.IPAddress).packed == address
    assert message.body.Port == port


def test_a_number_without_a_name_stays_a_number():
    known, unknown = (from_wire(CM_VALIDATE_CNF(Result=number)) for number in (2, 9))
    assert known.body.Result == "Success"
    assert unknown.body.Result == 9
    assert to_wire(unknown).Result == 9
    type_ = next(field.type for field in type(known.body).__fields__ if field.name == "Result")
    assert [from_script(type_, value) for value in ("Failure", 2, 9)] == ["Failure", "Success", 9]
    assert to_script(type_, unknown.body.Result) == 9
    with pytest.raises(ValueMismatchError, match=r"did you mean ValidationResult\.Success"):
        from_script(type_, "Sucess")


@pytest.mark.parametrize(
    ("message", "field", "good", "bad"),
    [
        ("CM_SLAC_PARM_CNF", "NumSounds", 255, [256, -1, 1.5, "8", True]),
        ("CM_SLAC_PARM_CNF", "RunID", "0011223344556677", ["00", "001122334455667788", "xx", 3]),
        ("CM_ATTEN_CHAR_IND", "AAG", "0A0B", ["00" * 256]),
        ("CM_SET_KEY_REQ", "MyNonce", 2**32 - 1, [2**32]),
        ("SECC_DiscoveryRes", "IPAddress", "fe80::1", ["fe80", "10.0.0.1", 3]),
        ("SECC_DiscoveryRes", "Port", 65535, [65536]),
        ("SECC_DiscoveryRes", "Security", 0x20, [256, "tls"]),
    ],
)
def test_what_the_wire_has_no_room_for_is_refused_where_it_is_set(message, field, good, bad):
    type_ = next(each.type for each in home(message).message_type(message).__fields__ if each.name == field)
    from_script(type_, good)
    for value in bad:
        with pytest.raises(ValueMismatchError, match="takes"):
            from_script(type_, value)


def test_counts_are_made_unless_they_are_said():
    for count, said in ((None, 3), (7, 7)):
        body = SLAC.message_type("CM_ATTEN_PROFILE_IND")(PEVMAC=bytes(6), NumGroups=count, Reserved=0, AAG=b"abc")
        message = codec.Message("slac", SLAC.message_element("CM_ATTEN_PROFILE_IND"), body)
        assert codec.encode(message)[11] == said


def test_what_is_no_message_says_why():
    with pytest.raises(codec.DecodeError, match=r"VS_LINK_STATUS\.REQ is no message of matching"):
        codec.decode(bytes.fromhex("00b8a000b052"), "slac")
    with pytest.raises(codec.DecodeError, match="RunID needs 8 bytes"):
        codec.decode(bytes.fromhex("0164600000000001"), "slac")
    with pytest.raises(codec.DecodeError, match="this one has 3"):
        codec.decode(bytes(3), "sdp")
    assert vocabulary("sdp") is SDP
    assert to_wire(codec.decode(b"\x10\x00", "sdp")) == sdp.Request(0x10)
