"""Which vocabulary a message has, and what becomes of a stream that is damaged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secc_kernel import codec
from secc_kernel.session.dissect import Conversation, Discovery, SchemaTracker
from secc_kernel.session.journal import FindingEntry, FrameEntry, NoteEntry
from secc_kernel.wire.sdp import Request, Response, Security
from secc_kernel.wire.v2gtp import pack

NAMESPACES = {
    "din": "urn:din:70121:2012:MsgDef",
    "iso2": "urn:iso:15118:2:2013:MsgDef",
    "iso20_dc": "urn:iso:std:iso:15118:-20:DC",
    "draft": "urn:iso:15118:2:2010:MsgDef",
}
SETUP_REQ = {
    "din": bytes.fromhex("809a004011d018038131a0007400"),
    "iso2": bytes.fromhex("8098004011d01801f7e821f21400"),
}
SETUP_RES = bytes.fromhex("8098022bfbb6f3fefbdffed1e020491114a9413960a914c4c8ccd0d4d8a8c480")
EV, STATION = "[fe80::1]:49152", "[fe80::2]:61341"


def offer(*schemas: str) -> bytes:
    entries = [
        codec.new("sap", "supportedAppProtocolReq")
        .body.__class__.__fields__[0]
        .type(
            ProtocolNamespace=NAMESPACES[schema],
            VersionNumberMajor=2,
            VersionNumberMinor=0,
            SchemaID=10 + number,
            Priority=1 + number,
        )
        for number, schema in enumerate(schemas)
    ]
    return codec.encode(codec.new("sap", "supportedAppProtocolReq", AppProtocol=entries))


def answer(code: str = "OK_SuccessfulNegotiation", schema_id: int | None = 10) -> bytes:
    return codec.encode(codec.new("sap", "supportedAppProtocolRes", ResponseCode=code, SchemaID=schema_id))


def follow(*payloads: bytes, payload_type: int = 0x8001):
    """The schemas of a connection's messages, and the rules of what was found."""
    tracker = SchemaTracker()
    verdicts = [tracker.schema_of(payload_type, payload) for payload in payloads]
    return [v.schema for v in verdicts], [f.rule for v in verdicts for f in v.findings]


@pytest.mark.parametrize(("schema", "schema_id"), [("din", 10), ("iso2", 11)])
def test_the_handshake_decides(schema, schema_id):
    got = follow(offer("din", "iso2"), answer(schema_id=schema_id), SETUP_REQ[schema], SETUP_REQ[schema])
    assert got == (["sap", "sap", schema, schema], [])


def test_a_new_handshake_on_the_same_connection_decides_anew():
    first = (offer("din"), answer(), SETUP_REQ["din"])
    second = (offer("iso2"), answer(), SETUP_REQ["iso2"], SETUP_REQ["iso2"])
    assert follow(*first, *second) == (["sap", "sap", "din", "sap", "sap", "iso2", "iso2"], [])


@pytest.mark.parametrize("schema", ["din", "iso2"])
def test_without_a_handshake_the_vocabularies_are_tried_once(schema):
    assert follow(SETUP_REQ[schema], SETUP_REQ[schema]) == ([schema, schema], ["schema.tried"])


def test_messages_that_break_the_agreement_are_read_and_reported():
    assert follow(offer("din"), answer(), SETUP_REQ["iso2"]) == (["sap", "sap", "iso2"], ["schema.not-agreed"])


def test_failed_negotiation_and_unknown_protocols():
    failed = answer("Failed_NoNegotiation", None)
    assert follow(offer("din"), failed) == (["sap", "sap"], ["sap.no-negotiation"])
    assert follow(offer("draft"), answer()) == (["sap", "sap"], ["sap.unknown-protocol"])
    assert follow(offer("din"), answer(schema_id=99)) == (["sap", "sap"], ["sap.unknown-protocol"])
    schemas, rules = follow(offer("draft"), answer(), SETUP_REQ["iso2"])
    assert (schemas[2], rules) == ("iso2", ["sap.unknown-protocol", "schema.tried"])


def test_what_cannot_be_decoded_belongs_to_what_was_agreed():
    broken = b"\x80\x98\x00"
    assert follow(offer("iso2"), answer(), broken)[0] == ["sap", "sap", "iso2"]
    assert follow(b"\xff\xff", b"")[0] == [None, None]


@given(st.lists(st.binary(max_size=30), max_size=4), st.sampled_from([0x8001, 0x8002, 0x8004, 0x8101, 0xA000]))
def test_whatever_bytes_there_are_nothing_is_raised(tails, payload_type):
    tracker = SchemaTracker()
    for tail in tails:
        tracker.schema_of(payload_type, b"\x80" + tail)


@pytest.mark.parametrize("exi", ["8010f1", "8026004f09e35c05fbce"])
def test_offers_without_what_they_must_say(exi):
    payload = bytes.fromhex(exi)
    assert codec.decode(payload, "sap").name == "supportedAppProtocolReq"
    assert follow(payload, answer()) == (["sap", "sap"], ["sap.unknown-protocol"])


def test_payload_types_of_iso_15118_20_name_their_vocabulary():
    tracker = SchemaTracker()
    assert tracker.schema_of(0x8004, b"\xff").schema == "iso20_dc"
    assert tracker.schema_of(0x8002, b"\xff").schema == "iso20_common"
    assert tracker.schema_of(0x8101, b"\xff").schema is None
    assert tracker.schema_of(0xA000, b"\xff").schema is None


def test_the_side_streams_of_iso_15118_20_have_messages_of_the_main_streams(shared):
    import json

    rows = map(json.loads, (shared / "vectors" / "exi_vectors.jsonl").read_text().splitlines())
    row = next(row for row in rows if row["message"] == "MeteringConfirmationReq")
    assert SchemaTracker().schema_of(0x8102, bytes.fromhex(row["exi"])).schema == "iso20_common"


def conversation(client: int | None = 0) -> Conversation:
    return Conversation(3, (EV, STATION), client)


def frames_of(entries) -> list[tuple[str, str]]:
    return [(entry.sender, entry.name) for entry in entries if isinstance(entry, FrameEntry)]


def rules_of(entries) -> list[str]:
    return [entry.rule for entry in entries if isinstance(entry, FindingEntry)]


STREAM = [pack(0x8001, payload) for payload in (offer("iso2"), SETUP_REQ["iso2"])]


def test_a_conversation_gives_frames_with_all_that_is_known_of_them():
    talk = conversation()
    list(talk.receive_data(0, STREAM[0][:20], 1.0, 7))
    [entry] = talk.receive_data(0, STREAM[0][20:], 2.0, 9)
    assert (entry.time, entry.frame, entry.stream, entry.sender) == (2.0, 9, 3, "EVCC")
    assert (entry.src, entry.dst, entry.payload_type, entry.schema) == (EV, STATION, 0x8001, "sap")
    assert entry.decoded is not None


def test_who_is_who_is_learned_from_the_first_message():
    talk = conversation(None)
    entries = [*talk.receive_data(1, pack(0x8001, SETUP_RES), 0.0), *talk.receive_data(0, STREAM[1], 0.1)]
    assert frames_of(entries) == [("SECC", "SessionSetupRes"), ("EVCC", "SessionSetupReq")]


@given(st.binary(max_size=40), st.lists(st.integers(1, 60), max_size=10))
def test_noise_between_messages_costs_no_message(noise, sizes):
    noise = noise.replace(b"\x01", b"\x00")
    stream = STREAM[0] + noise + STREAM[1] + STREAM[1]
    talk = conversation()
    entries = []
    for size in [*sizes, len(stream)]:
        piece, stream = stream[:size], stream[size:]
        entries += talk.receive_data(0, piece, 0.0)
    names = ["supportedAppProtocolReq", "SessionSetupReq", "SessionSetupReq"]
    assert [name for _, name in frames_of(entries)] == names
    assert [r for r in rules_of(entries) if r.startswith("v2gtp")] == ["v2gtp.damage", "v2gtp.resync"][
        : 2 * bool(noise)
    ]


def test_every_damage_is_reported_not_only_the_first():
    talk = conversation()
    entries = list(talk.receive_data(0, STREAM[0] + b"noise" + STREAM[1] + b"again" + STREAM[1], 0.0))
    assert [r for r in rules_of(entries) if r.startswith("v2gtp")] == ["v2gtp.damage", "v2gtp.resync"] * 2
    resync = [e.text for e in entries if isinstance(e, FindingEntry) and e.rule == "v2gtp.resync"]
    assert all("5 bytes" in text for text in resync)


def test_after_a_gap_the_next_header_is_looked_for():
    talk = conversation()
    entries = list(talk.receive_data(0, STREAM[0] + STREAM[1][:10], 0.0, 1))
    entries += talk.gap(0, 500, 1.0, 2)
    entries += talk.receive_data(0, b"rest of something" + STREAM[1], 2.0, 3)
    assert [name for _, name in frames_of(entries)] == ["supportedAppProtocolReq", "SessionSetupReq"]
    gap, resync = (e for e in entries if isinstance(e, FindingEntry) and e.rule in ("tcp.gap", "v2gtp.resync"))
    assert "500 bytes are missing" in gap.text
    assert "of which 10 bytes are there" in gap.text
    assert "27 bytes" in resync.text


def test_a_capture_that_begins_inside_a_message():
    entries = list(conversation(None).receive_data(0, STREAM[0][30:] + STREAM[1], 0.0))
    assert frames_of(entries) == [("EVCC", "SessionSetupReq")]
    assert rules_of(entries) == ["v2gtp.resync", "schema.tried"]
    assert "begins inside a message" in entries[0].text


def test_other_peoples_connections_give_nothing():
    talk = conversation()
    entries = [*talk.receive_data(0, b"GET / HTTP/1.1\r\n\r\n", 0.0), *talk.receive_data(1, b"HTTP/1.1 200 OK", 0.1)]
    entries += [*talk.gap(0, 9, 0.2), *talk.end(0, "FIN", 0.3), *talk.end(1, "RST", 0.4)]
    assert entries == []


def test_tls_is_noted_once():
    talk = conversation()
    hello = bytes.fromhex("1603010200010001fc0303") + bytes(100)
    entries = [*talk.receive_data(0, hello, 0.0), *talk.receive_data(1, b"\x16\x03\x03\x00\x5a" + STREAM[0], 0.1)]
    entries += [*talk.gap(0, 9, 0.2), *talk.end(0, "FIN", 0.3), *talk.end(1, "FIN", 0.4), *talk.end(1, "RST", 0.5)]
    assert rules_of(entries) == ["tls.unfinished"]
    assert "no hello" in entries[0].text


@pytest.mark.parametrize(
    ("how", "kinds", "severity"),
    [("FIN", [NoteEntry, FindingEntry], "warning"), ("capture", [FindingEntry], "note")],
)
def test_an_end_inside_a_message_tells_the_line_from_the_capture(how, kinds, severity):
    talk = conversation()
    list(talk.receive_data(0, STREAM[0] + STREAM[1][:12], 0.0))
    entries = list(talk.end(0, how, 1.0))
    assert [type(entry) for entry in entries] == kinds
    assert entries[-1].severity == severity
    assert "after its first 12 bytes at least 10 are missing" in entries[-1].text
    assert list(talk.end(0, how, 1.0)) == []


def test_a_reset_ends_both_directions():
    talk = conversation()
    list(talk.receive_data(0, STREAM[0], 0.0))
    list(talk.receive_data(1, STREAM[1][:3], 0.0))
    entries = list(talk.end(0, "RST", 1.0))
    assert "resets the connection" in entries[0].text
    assert "in the middle of a header" in entries[1].text
    assert list(talk.end(1, "RST", 1.0)) == []


def test_sdp_and_the_downgrade():
    discovery = Discovery()
    wish = Request(Security.TLS).pack()
    [asked] = discovery.receive_datagram(wish, EV, "[ff02::1]:15118", 0.0, 1)
    assert (asked.layer, asked.sender, asked.payload_type, asked.data) == ("sdp", "EVCC", 0x9000, b"\0\0")
    import ipaddress

    offered = Response(ipaddress.IPv6Address("fe80::2"), 61341, Security.NoTransportLayerSecurity).pack()
    answered, finding = discovery.receive_datagram(offered, STATION, EV, 0.1, 2)
    assert answered.sender == "SECC"
    assert finding.rule == "sdp.downgrade"
    assert [type(e) for e in discovery.receive_datagram(offered, STATION, "[fe80::9]:1", 0.2)] == [FrameEntry]


def test_damaged_sdp_is_shown_and_other_datagrams_are_not():
    discovery = Discovery()
    frame, finding = discovery.receive_datagram(bytes.fromhex("01fe90000000000101"), EV, STATION, 0.0)
    assert (frame.data, finding.rule) == (b"\1", "sdp.damage")
    assert list(discovery.receive_datagram(b"CLIENT_RANDOM 00 11", EV, STATION, 0.0)) == []
    assert list(discovery.receive_datagram(b"", EV, STATION, 0.0)) == []
