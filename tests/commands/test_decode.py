import csv
import gzip
import io
import json
import subprocess
import sys

import pytest
from packets import EXI, Connection, pcap_of
from tls_sessions import talk

from secc_kernel.cli import main
from secc_kernel.link.live import LiveSession
from secc_kernel.link.sim import SimLink
from secc_kernel.session.journal import Journal
from secc_kernel.session.secc import SECC
from secc_kernel.session.tables import MESSAGE_COLUMNS
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire.v2gtp import pack

NAME = "BMW_iX_fw_11_2022.64_2023-03-30_car_stops_soc_too_close_to_target.pcap"


@pytest.fixture
def capture(shared):
    return shared / "captures" / "everest" / NAME


def rows_of(capsysbinary, *arguments) -> list[dict]:
    assert main(["decode", "--format", "jsonl", *map(str, arguments)]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def test_jsonl_has_every_message_and_column(capture, capsysbinary):
    rows = rows_of(capsysbinary, capture)
    with gzip.open(capture.parent / "expected.jsonl.gz", "rt") as lines:
        expected = [row for row in map(json.loads, lines) if row["file"] == NAME]
    assert all(tuple(row) == MESSAGE_COLUMNS for row in rows)
    keys = ("file", "frame", "stream", "schema", "message", "exi")
    assert [[row[key] for key in keys] for row in rows] == [[row[key] for key in keys] for row in expected]
    assert [row["time"] for row in rows] == [row["t"] for row in expected]
    assert all(row["payload_length"] == len(row["exi"]) / 2 for row in rows)
    assert all(row["xml"].startswith("<?xml") and row["error"] is None for row in rows)


def test_csv_says_the_same(capture, capsysbinary):
    rows = rows_of(capsysbinary, capture)
    assert main(["decode", "--format", "csv", str(capture)]) == 0
    table = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode(), newline="")))
    assert [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows] == table


def test_parquet_says_the_same(capture, capsysbinary, tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    rows = rows_of(capsysbinary, capture)
    path = tmp_path / "rows.parquet"
    assert main(["decode", "--format", "parquet", "--output", str(path), str(capture)]) == 0
    table = pd.read_parquet(path)
    assert tuple(table.columns) == MESSAGE_COLUMNS
    assert json.loads(table.drop(columns="error").to_json(orient="records", double_precision=6)) == [
        {key: value for key, value in row.items() if key != "error"} for row in rows
    ]
    assert table.error.isna().all()


def test_the_table_is_for_people(capture, capsysbinary):
    assert main(["decode", str(capture)]) == 0
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert lines[0].split()[:3] == ["frame", "time", "(UTC)"]
    setup = next(line for line in lines if "SessionSetupReq" in line)
    assert "0x8001" in setup
    assert "0030AB29C5BE" in setup


def test_several_files_in_their_order_and_told_apart(capture, capsysbinary, tmp_path):
    copy = tmp_path / NAME
    copy.write_bytes(capture.read_bytes())
    other = tmp_path / "other.pcap"
    other.write_bytes(capture.read_bytes())
    files = [row["file"] for row in rows_of(capsysbinary, other, capture, copy)]
    assert files == ["other.pcap"] * 22 + [str(capture)] * 22 + [str(copy)] * 22


def test_what_is_no_capture_is_one_line_and_the_others_are_decoded(capture, capsysbinary, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no capture")
    status = main(["decode", "--format", "jsonl", str(text), str(capture), str(tmp_path / "absent.pcap")])
    out, err = capsysbinary.readouterr()
    assert status == 2
    assert len(out.splitlines()) == 22
    assert [line.split(": ")[0] for line in err.decode().splitlines()] == ["secc-kernel decode"] * 2
    assert b"neither pcap nor pcapng" in err
    assert b"No such file" in err


def test_findings_go_to_the_error_stream_unless_unwanted(shared, capsysbinary):
    path = shared / "captures" / "everest" / "VW_id.4_fw_3.5_2023-04-18-3_config-ac-iso2.pcap"
    assert main(["decode", str(path)]) == 0
    err = capsysbinary.readouterr().err
    assert b"[sdp.downgrade]" in err
    assert b"[capture.damaged]" in err
    assert main(["decode", "--quiet", str(path)]) == 0
    assert capsysbinary.readouterr().err == b""


def test_an_output_that_cannot_be_written(capture, capsysbinary, tmp_path):
    assert main(["decode", str(capture), "--output", str(tmp_path / "no" / "where")]) == 2
    assert b"cannot be written" in capsysbinary.readouterr().err


def test_a_reader_who_has_had_enough(shared):
    path = shared / "captures" / "everest" / "Kia_EV6_2023-04-25-kia-ev6-iso2.pcap"
    command = [sys.executable, "-m", "secc_kernel.cli", "decode", "--format", "jsonl", path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"{")
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 2


# -- journals ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path):
    """The journal of a whole session, and its file."""
    path = tmp_path / "session.journal"
    station = SECC(journal=Journal(path, source="session"))
    vehicle = SimulatedEV(soc=79.5, journal=station.journal, records_frames=False)
    with LiveSession(SimLink(station, vehicle)) as session:
        session.plug()
        session.run_to_end().result(60)
    station.journal.close()
    return station.journal, path


def test_a_journal_is_decoded_like_a_capture(journal, capsysbinary):
    live, path = journal
    rows = rows_of(capsysbinary, path)
    assert [row["message"] for row in rows] == [frame.name for frame in live.frames]
    assert [bytes.fromhex(row["exi"]) for row in rows] == [frame.data for frame in live.frames]
    assert [row["xml"] for row in rows] == [live.xml(i) for i in range(len(live.frames))]
    assert {row["frame"] for row in rows} == {None}
    assert {row["file"] for row in rows} == {path.name}


def test_the_table_of_a_journal_has_the_clock_of_its_session(journal, capsysbinary):
    live, path = journal
    assert main(["decode", str(path)]) == 0
    lines = capsysbinary.readouterr().out.decode().splitlines()
    first = next(line for line in lines if "supportedAppProtocolReq" in line)
    assert f"{live.frames[0].time:.6f} s" in first


def test_a_journal_whose_writer_was_killed_is_decoded_up_to_there(journal, capsysbinary):
    live, path = journal
    path.write_bytes(path.read_bytes()[:-20])
    assert main(["decode", "--format", "csv", str(path)]) == 0
    out, err = capsysbinary.readouterr()
    assert len(list(csv.DictReader(io.StringIO(out.decode(), newline="")))) == len(live.frames)
    assert b"[journal.cut]" in err


def test_a_damaged_journal_says_where(journal, capsysbinary):
    _, path = journal
    lines = path.read_bytes().splitlines(keepends=True)
    lines[5] = b"no entry\n"
    path.write_bytes(b"".join(lines))
    assert main(["decode", str(path)]) == 2
    assert b"line 6: no entry of a journal" in capsysbinary.readouterr().err


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("x.csv", b"file,frame,"), ("x.jsonl", b'{"file": '), ("x.CSV", b"file,"), ("x.txt", b"  frame  time")],
)
def test_the_ending_of_the_output_says_the_format(journal, tmp_path, name, beginning):
    path = tmp_path / name
    assert main(["decode", "--output", str(path), str(journal[1])]) == 0
    assert path.read_bytes().startswith(beginning)
    assert main(["decode", "--format", "csv", "--output", str(path), str(journal[1])]) == 0
    assert path.read_bytes().startswith(b"file,frame,")


def test_tls_sessions_give_what_tshark_decrypts(shared, capsysbinary):
    """All of this folder, in processes of their own; the secrets are in the captures, behind what they open."""
    folder = shared / "captures" / "dsv2gshark"
    with gzip.open(folder / "expected.jsonl.gz", "rt") as lines:
        expected = [json.loads(line) for line in lines]
    names = sorted({row["file"] for row in expected})
    rows = rows_of(capsysbinary, "--jobs", "2", *(str(folder / name) for name in names))
    columns = "file", "frame", "stream", "schema", "message", "exi"
    in_order = [row for name in names for row in expected if row["file"] == name]
    assert [[row[name] for name in columns] for row in rows] == [[row[name] for name in columns] for row in in_order]
    assert [row["payload_type"] for row in rows] == [int(row["payload_type"], 16) for row in in_order]
    assert sum(row["tls"] for row in expected) > 500


def test_a_key_log_is_given_beside_the_capture(tmp_path, capsysbinary):
    made = talk(tmp_path, [("EV", pack(0x8001, EXI.sap_req))])
    tcp, path = Connection(), tmp_path / "tls.pcap"
    path.write_bytes(pcap_of(tcp.open() + [tcp.packet(who, "PA", data) for who, data in made.flights]))
    assert main(["decode", "--format", "jsonl", str(path)]) == 0
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert b"stream 0 is TLS 1.2 (TLS_ECDHE_ECDSA" in err
    assert b"--keylog FILE" in err
    assert [row["message"] for row in rows_of(capsysbinary, "--keylog", str(tmp_path / "keylog.txt"), str(path))] == [
        "supportedAppProtocolReq"
    ]
    assert main(["decode", "--keylog", str(tmp_path / "nowhere"), str(path)]) == 2
    assert b"cannot be read" in capsysbinary.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["{0}", "{0}"], "writes one capture of one file"),
        (["{0}", "--summary"], "leave --summary and --layers away"),
        (["{1}/nowhere.jsonl"], "cannot be read"),
    ],
)
def test_what_no_capture_can_be_made_of(journal, tmp_path, capsysbinary, arguments, why):
    output = tmp_path / "x.pcapng"
    assert main(["decode", "-o", str(output), *(text.format(journal, tmp_path) for text in arguments)]) == 2
    assert why in capsysbinary.readouterr().err.decode()
