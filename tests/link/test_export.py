"""Journals written as captures: each comes back as it was, and tshark finds nothing to object to."""

from __future__ import annotations

import json
import shutil
import subprocess
import tracemalloc
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_sessions import WAIT, session_of
from packets import EXI, Connection, pcap_of
from tls_sessions import TLS12, TLS13, talk

import secc_kernel
from secc_kernel import cli
from secc_kernel.link.capture import CaptureError, iterate
from secc_kernel.link.live import LiveSession
from secc_kernel.link.pcap import Reader
from secc_kernel.link.sim import SimLink
from secc_kernel.session.journal import (
    FindingEntry,
    FrameEntry,
    Journal,
    NoteEntry,
    SecretEntry,
    StateEntry,
    TimerEntry,
)
from secc_kernel.session.secc import SECC
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire.tls import RecordDecoder
from secc_kernel.wire.v2gtp import pack

SAID = [("EV", EXI.sap_req), ("SECC", EXI.sap_res), ("EV", EXI.setup_req), ("SECC", EXI.setup_res)]


def charge(powerline=False, **car):
    station = SECC()
    vehicle = SimulatedEV(soc=79.5, journal=station.journal, records_frames=False, **car)
    with LiveSession(SimLink(station, vehicle, powerline=powerline)) as session:
        session.plug()
        session.run_to_end().result(WAIT)
    return station.journal


def live_tls(folder, version=TLS12, keep=lambda record: True):
    """The journal of a live station: all records, its own messages before their records, the vehicle's after them."""
    made = talk(folder, [(who, pack(0x8001, data)) for who, data in SAID], version)
    journal, decoders, said = Journal(), {"EV": RecordDecoder(), "SECC": RecordDecoder()}, list(SAID)
    ends = {"EV": "[fe80::a8bb:ccff:fedd:eeff%eth1]:50001", "SECC": "[fe80::2]:61000"}
    secrets = [line.decode() for line in made.keylog.splitlines() if not line.startswith(b"#")]
    for number, (who, data) in enumerate(made.flights):
        other = "SECC" if who == "EV" else "EV"
        common = {
            "sender": "EVCC" if who == "EV" else "SECC",
            "src": ends[who],
            "dst": ends[other],
            "stream": 3,
        }
        frames = []
        if made.flights[number:][:-2] and len(made.flights) - number - 2 <= len(said):
            _, exi = said.pop(0)
            schema = "sap" if len(exi) < 14 or exi == EXI.sap_req else "iso2"
            frames = [FrameEntry(1e9 + number, payload_type=0x8001, data=exi, schema=schema, **common)]
        records = [
            FrameEntry(1e9 + number, "tls", payload_type=record.content_type, data=record.pack(), **common)
            for record in decoders[who].receive_data(data)
            if keep(record)
        ]
        journal.extend([*frames, *records] if who == "SECC" else [*records, *frames])
        if number == 1:
            journal.extend(SecretEntry(1e9 + number, line, 3) for line in secrets)
    assert not said
    return journal


@pytest.fixture(scope="module")
def journals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journals")
    (folder / "12").mkdir()
    (folder / "13").mkdir()
    made = {
        "DC": charge(),
        "AC": charge(energy="AC"),
        "powerline": charge(powerline=True),
        "DIN": charge(protocols=("din",)),
        "TLS 1.2": live_tls(folder / "12"),
        "TLS 1.3": live_tls(folder / "13", TLS13),
    }
    tcp, talked = Connection(), talk(folder, [(who, pack(0x8001, data)) for who, data in SAID], TLS13)
    packets = tcp.open() + [tcp.packet(who, "PA", data) for who, data in talked.flights] + tcp.close()
    (folder / "tls.pcap").write_bytes(pcap_of(packets))
    (folder / "keys.txt").write_bytes(talked.keylog)
    made["captured TLS"] = secc_kernel.read_capture(folder / "tls.pcap", keylog=folder / "keys.txt")
    made["captured"] = secc_kernel.read_capture(captured(folder))
    return made


def captured(folder):
    """A capture with gaps, another vocabulary than agreed on, and a connection that is reset."""
    tcp, other = Connection(), Connection(sport=50000)
    lost = tcp.session()
    packets = (
        lost[:4] + lost[5:] + other.open() + [other.message("EV", EXI.sap_req), other.message("SECC", EXI.sap_res)]
    )
    packets += [other.message("EV", EXI.din_setup_req), other.packet("SECC", "R"), *tcp.close()]
    (folder / "made.pcap").write_bytes(pcap_of(packets))
    return folder / "made.pcap"


def blocks(content):
    """The blocks of a pcapng file."""
    found, at = [], 0
    while at < len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        found.append(content[at : at + length])
        at += length
    return found


KINDS = ["DC", "AC", "DIN", "powerline", "TLS 1.2", "TLS 1.3", "captured TLS", "captured"]


def written(journal, tmp_path):
    path = tmp_path / "made.pcapng"
    secc_kernel.write_capture(journal, path)
    assert [name.name for name in tmp_path.iterdir() if name.name.endswith(".part")] == []
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_journal_comes_back_entry_by_entry(journals, tmp_path, kind):
    journal = journals[kind]
    back = secc_kernel.read_capture(written(journal, tmp_path))
    assert back.entries == journal.entries
    assert len({type(entry) for entry in journal}) >= 2
    assert [entry.name for entry in back.frames] == [entry.name for entry in journal.frames]


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_in_the_packets_and_not_in_what_only_we_read(journals, tmp_path, kind):
    """The file without our notes has the same messages for everybody."""
    journal = journals[kind]
    path = written(journal, tmp_path)
    path.write_bytes(path.read_bytes().replace(b"secc-kernel\n", b"others note\n"))
    frames = [entry for entry in iterate(path) if isinstance(entry, FrameEntry) and entry.layer == "v2gtp"]
    assert [(entry.payload_type, entry.data) for entry in frames] == [(e.payload_type, e.data) for e in journal.frames]
    assert [entry.sender for entry in frames] == [entry.sender for entry in journal.frames]
    assert all(b'"data"' not in line for line in path.read_bytes().splitlines())


def test_recorded_sessions_come_back(shared, tmp_path):
    seen = Counter()
    for path in [*(shared / "captures").glob("*.pcap*"), *(shared / "captures" / "dsv2gshark").glob("*.pcap*")]:
        journal = secc_kernel.read_capture(path)
        secc_kernel.write_capture(path, tmp_path / "made.pcapng")  # from the file, not from the journal
        assert secc_kernel.read_capture(tmp_path / "made.pcapng").entries == journal.entries, path.name
        seen += Counter(entry.layer for entry in journal if isinstance(entry, FrameEntry))
    assert {"v2gtp", "sdp", "homeplug", "tls"} <= set(seen)


TEXT = st.text(max_size=20)
SIDES = st.sampled_from(["EVCC", "SECC", ""])
ENDS = st.sampled_from(
    ["EVCC", "SECC", "", "[fe80::1]:49152", "[fe80::2%eth1]:61341", "10.0.0.1:5", "[10.0.0.2]:6", "02:00:00:00:00:0a"]
) | TEXT  # fmt: skip
TIMES = st.floats(allow_nan=False) | st.floats(0, 100) | st.floats(1.7e9, 1.8e9)
RECORDS = st.builds(
    lambda kind, body: bytes((kind, 3, 3)) + len(body).to_bytes(2, "big") + body,
    st.integers(20, 23),
    st.binary(max_size=40) | st.just(bytes(200)),
)
FRAMES = st.builds(
    FrameEntry,
    TIMES,
    layer=st.sampled_from(["v2gtp", "v2gtp", "sdp", "homeplug", "tls", "other"]),
    sender=SIDES,
    src=ENDS,
    dst=ENDS,
    stream=st.integers(-1, 2),
    frame=st.none() | st.integers(1, 9),
    payload_type=st.sampled_from([0x8001, 0x9000, 0x9001, 20, 22, 23, 0x6064]) | st.integers(-1, 0x10001),
    data=st.binary(max_size=60) | st.just(b"\x01\x64\x60\x00\x00" * 9) | RECORDS | st.just(bytes(300)),
    schema=st.sampled_from([None, "sap", "iso2", "din"]),
    intended=st.lists(TEXT, max_size=2).map(tuple),
    auto=st.lists(TEXT, max_size=2).map(tuple),
)
TLS_FRAMES = st.builds(
    lambda time, way, data: FrameEntry(
        time, "tls", "EVCC", *(("a", "b") if way else ("b", "a")), 1, None, data[0], data
    ),
    TIMES, st.booleans(), RECORDS,
)  # fmt: skip
SECRETS = st.builds(
    lambda random, secret: f"CLIENT_RANDOM {random.hex()} {secret.hex()}",
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=1, max_size=48),
)
ENTRIES = st.lists(
    FRAMES
    | TLS_FRAMES
    | st.builds(TimerEntry, TIMES, TEXT, TEXT, st.none() | st.floats(0, 99))
    | st.builds(StateEntry, TIMES, TEXT, TEXT, TEXT)
    | st.builds(FindingEntry, TIMES, TEXT, TEXT, TEXT, st.none() | st.integers(0, 9), TEXT)
    | st.builds(NoteEntry, TIMES, TEXT | st.just("ü\udc80\n" * 30))
    | st.builds(SecretEntry, TIMES, SECRETS | TEXT, st.integers(-1, 2)),
    max_size=12,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(ENTRIES)
def test_whatever_a_journal_holds_comes_back(tmp_path, entries):
    journal = Journal()
    journal.extend(entries)
    assert secc_kernel.read_capture(written(journal, tmp_path)).entries == journal.entries


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_never_raises_anything_but_a_capture_error(journals, tmp_path, data):
    content = bytearray(written(journals[data.draw(st.sampled_from(["TLS 1.3", "captured"]))], tmp_path).read_bytes())
    for position, value in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)))):
        content[position] = value
    (tmp_path / "made.pcapng").write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        secc_kernel.read_capture(tmp_path / "made.pcapng")
    except CaptureError:
        assert content[:4] != b"\n\r\r\n" or (tmp_path / "made.pcapng").stat().st_size < 4


def test_a_file_whose_writer_was_killed_has_everything_before(journals, tmp_path):
    journal = journals["DC"]
    path = written(journal, tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    back = secc_kernel.read_capture(path)
    assert back.entries[-1].rule == "capture.damaged"
    assert len(back) > len(journal) // 3
    assert back.entries[:-1] == journal.entries[: len(back) - 1]


def test_packets_that_were_taken_out_take_what_belongs_to_them(journals, tmp_path):
    """As `editcap` and Wireshark's export of selected packets do: blocks are kept or left away as a whole."""
    journal = journals["captured"]
    path = written(journal, tmp_path)
    content = path.read_bytes()
    kept = blocks(content)
    lost = next(block for block in kept if EXI.setup_res in block)
    path.write_bytes(b"".join(block for block in kept if block is not lost))
    back = secc_kernel.read_capture(path)
    assert "SessionSetupRes" not in [entry.name for entry in back.frames]
    assert {entry.data for entry in back.frames} == {e.data for e in journal.frames} - {EXI.setup_res}
    # What has lost its bytes alone is said to be missing.
    path.write_bytes(content.replace(EXI.setup_res, bytes(len(EXI.setup_res))))
    assert [f.rule for f in secc_kernel.read_capture(path).findings][-1] == "capture.changed"


def test_secrets_can_be_taken_out(journals, tmp_path):
    """They are nowhere but in the secrets block, and with it goes what they open."""
    path = written(journals["captured TLS"], tmp_path)
    content = path.read_bytes()
    secret = next(e for e in journals["captured TLS"] if isinstance(e, SecretEntry)).line.split()[-1]
    assert content.count(secret.encode()) == 1
    path.write_bytes(b"".join(block for block in blocks(content) if block[:4] != bytes((10, 0, 0, 0))))
    assert EXI.setup_res not in path.read_bytes()
    back = secc_kernel.read_capture(path)
    assert back.frames == []
    assert not [entry for entry in back if isinstance(entry, SecretEntry)]
    assert {f.rule for f in back.findings} == {"capture.changed"}


def test_messages_of_tls_without_secrets_stand_in_the_notes(journals, tmp_path):
    journal = Journal()
    journal.extend(entry for entry in journals["TLS 1.2"] if not isinstance(entry, SecretEntry))
    assert secc_kernel.read_capture(written(journal, tmp_path)).entries == journal.entries


def test_a_live_journal_of_the_handshake_only_is_sealed_again(tmp_path):
    handshake = live_tls(tmp_path, keep=lambda record: record.content_type != 23)
    path = written(handshake, tmp_path)
    assert secc_kernel.read_capture(path).entries == handshake.entries
    assert EXI.setup_res not in path.read_bytes()


def test_an_intended_value_and_the_scripts_findings_survive(tmp_path):
    with session_of() as session:
        session.plug()
        session.run_to("SessionSetupReq").result(WAIT)
        journal = session.journal
        journal.append(FindingEntry(session.link.now, "check", "error", "too late", len(journal.frames) - 1, "a.lua:3"))
    marked = [entry for entry in journal.frames if entry.auto or entry.intended]
    back = secc_kernel.read_capture(written(journal, tmp_path))
    assert [entry for entry in back.frames if entry.auto or entry.intended] == marked
    assert back.findings == journal.findings


def test_a_journals_file_larger_than_memory_goes_through(tmp_path):
    path = tmp_path / "long.jsonl"
    with path.open("w") as file:
        file.write('{"journal":1,"source":"long"}\n')
        for number in range(2_500):
            sender, data = [("EVCC", EXI.setup_req), ("SECC", EXI.setup_res)][number % 2]
            ends = ["EVCC", "SECC"] if number % 2 == 0 else ["SECC", "EVCC"]
            record = {"kind": "frame", "time": number / 10, "sender": sender, "src": ends[0], "dst": ends[1]}
            record |= {"stream": 0, "payload_type": 0x8001, "data": data.hex(), "schema": "iso2"}
            file.write(json.dumps(record) + "\n")
    made = tmp_path / "long.pcapng"
    secc_kernel.write_capture(path, made)  # what is loaded late is not to be counted
    tracemalloc.start()
    secc_kernel.write_capture(path, made)
    _, writing = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    count = sum(isinstance(entry, FrameEntry) for entry in iterate(made))
    _, reading = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 2_500
    assert writing < 500_000
    assert reading < 1_300_000  # hardly more than what is read of the file at a time
    assert len(list(Reader(made))) == 2_500 + 6


def test_what_cannot_be_written_says_so_and_leaves_nothing(journals, tmp_path):
    with pytest.raises(CaptureError, match="cannot be written"):
        secc_kernel.write_capture(journals["captured"], tmp_path / "nowhere" / "x.pcapng")
    with pytest.raises(CaptureError, match="neither pcap nor pcapng"):
        (tmp_path / "story.txt").write_text("once upon a time")
        secc_kernel.write_capture(tmp_path / "story.txt", tmp_path / "x.pcapng")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["story.txt"]


# -- what others make of it -------------------------------------------------------------------------------------------

CHECKED = [f"{name}.check_checksum:TRUE" for name in ("tcp", "udp", "ip")]


def tshark(path, *arguments):
    options = [part for option in CHECKED for part in ("-o", option)]
    done = subprocess.run(["tshark", "-r", path, *options, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.tshark
@pytest.mark.parametrize("kind", KINDS)
def test_tshark_has_no_complaint_and_the_same_messages(journals, tmp_path, kind):
    journal = journals[kind]
    path = written(journal, tmp_path)
    complaints = (
        "_ws.malformed || _ws.expert.severity >= warning || tcp.checksum.status == 0 || udp.checksum.status == 0"
    )
    assert tshark(path, "-Y", complaints) == ""
    wanted = "data.data", "frame.comment", "frame.time_epoch", "tcp.stream"
    fields = ["-T", "fields", *(part for field in wanted for part in ("-e", field))]
    rows = [line.split("\t") for line in tshark(path, *fields).splitlines()]
    streams = {
        stream: "".join(data.replace(",", "") for data, _, _, number in rows if number == stream)
        for stream in {row[3] for row in rows}
    }
    for entry in journal.frames:
        assert any(pack(entry.payload_type, entry.data).hex() in data for data in streams.values())
    comments = "".join(row[1] for row in rows)
    assert all(finding.text in comments for finding in journal.findings)
    management = [entry for entry in journal if isinstance(entry, FrameEntry) and entry.layer == "homeplug"]
    assert bool(management) == (kind == "powerline")
    assert len(tshark(path, "-Y", "homeplug-av").splitlines()) == len(management)
    times = {float(row[2]) for row in rows}
    assert all(any(abs(time - entry.time) < 2e-6 for time in times) for entry in journal.frames)


@pytest.mark.tshark
def test_tshark_sees_slac_and_sdp_as_they_were(shared, tmp_path):
    source = shared / "captures" / "dsv2gshark" / "ISO-20_TLS13_DC_DS5366_Josev.pcapng"
    secc_kernel.write_capture(source, tmp_path / "made.pcapng")
    fields = [
        "-T",
        "fields",
        "-e",
        "eth.src",
        "-e",
        "eth.dst",
        "-e",
        "homeplug_av.mmhdr.mmtype",
        "-e",
        "frame.time_epoch",
    ]
    before, after = (
        [line[:-3] for line in tshark(path, "-Y", "homeplug-av", *fields).splitlines()]
        for path in (source, tmp_path / "made.pcapng")
    )
    assert after == before
    assert len(after) > 100
    packets = [tshark(path, "-Y", "udp.port == 15118", "-T", "fields", "-e", "data.data", "-e", "ipv6.src")
               for path in (source, tmp_path / "made.pcapng")]  # fmt: skip
    assert packets[0] == packets[1]


@pytest.mark.tshark
def test_the_notes_survive_editcap(journals, tmp_path):
    if not shutil.which("editcap"):
        pytest.skip("needs editcap")
    path, copy = written(journals["captured TLS"], tmp_path), tmp_path / "copy.pcapng"
    subprocess.run(["editcap", path, copy], check=True, capture_output=True)
    assert secc_kernel.read_capture(copy).entries == journals["captured TLS"].entries


def test_decode_writes_and_reads_it(journals, tmp_path, capsys):
    journal, path = tmp_path / "charge.jsonl", tmp_path / "charge.pcapng"
    journals["DC"].save(journal)
    assert cli.main(["decode", str(journal), "--output", str(path)]) == 0
    assert secc_kernel.read_capture(path).entries == journals["DC"].entries
    capsys.readouterr()
    rows = []
    for file in (journal, path):
        assert cli.main(["decode", "--format", "jsonl", str(file)]) == 0
        rows.append([json.loads(line) | {"file": ""} for line in capsys.readouterr().out.splitlines()])
    assert rows[0] == rows[1]
    assert len(rows[0]) == len(journals["DC"].frames)
