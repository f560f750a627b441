"""Several files in several processes: what comes out is what one process would have written."""

import io
import json
import os
import sys
import threading

import pytest

from secc_kernel.cli import main
from secc_kernel.commands import _parallel, _progress, decode


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    """Three captures, the first the largest, and a file that is none between them."""
    from packets import EXI, Connection, pcap_of

    folder = tmp_path_factory.mktemp("captures")
    for name, count in (("large.pcap", 400), ("small.pcap", 1), ("middle.pcap", 40)):
        connection = Connection()
        packets = connection.session() + [connection.message("EV", EXI.setup_req) for _ in range(count)]
        (folder / name).write_bytes(pcap_of(packets)[: -1 if name.startswith("small") else None])
    (folder / "notes.txt").write_text("no capture")
    return [str(folder / name) for name in ("large.pcap", "notes.txt", "small.pcap", "middle.pcap")]


def run(capsysbinary, *arguments: str) -> tuple[int, bytes, bytes]:
    status = main(["decode", *arguments])
    return status, *capsysbinary.readouterr()


def test_output_and_remarks_are_those_of_one_process(captures, capsysbinary):
    alone = run(capsysbinary, "--format", "csv", "--jobs", "1", *captures)
    assert run(capsysbinary, "--format", "csv", "--jobs", "3", *captures) == alone
    status, out, err = alone
    assert status == 2
    assert out.count(b"SessionSetupReq") >= 441
    assert [line.split(b": ")[0] for line in err.splitlines()] == [b"secc-kernel decode", b"small.pcap"]


def test_parquet(captures, capsysbinary, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    files = captures[2:]
    _, out, _ = run(capsysbinary, "--format", "jsonl", "-q", *files)
    path = tmp_path / "rows.parquet"
    assert run(capsysbinary, "--format", "parquet", "-q", "-j", "2", "-o", str(path), *files) == (0, b"", b"")
    assert pq.read_table(path).to_pylist() == [json.loads(line) for line in out.splitlines()]
    assert os.listdir(tmp_path) == ["rows.parquet"]


def test_how_many_processes(monkeypatch, capsys):
    monkeypatch.setattr(decode, "_cores", lambda: 8)
    large = 1 << 30
    assert decode._processes(None, [large] * 20) == 8
    assert decode._processes(None, [large] * 3) == 3
    assert decode._processes(None, [1000] * 20) == 1
    assert decode._processes(None, [1 << 20] * 20) == 6
    assert decode._processes(2, [1000] * 20) == 2
    assert decode._processes(64, [0, 1000]) == 2
    assert decode._processes(4, [large, None]) == 1
    for number in ("0", "-1", "many"):
        with pytest.raises(SystemExit):
            main(["decode", "--jobs", number, "x.pcap"])
    assert decode._cores() >= 1


def test_sizes(captures, tmp_path):
    assert decode._size(captures[1]) == len("no capture")
    assert decode._size(str(tmp_path / "absent")) == 0
    os.mkfifo(tmp_path / "pipe")
    assert decode._size(str(tmp_path / "pipe")) is None


def test_pipes_are_read_here(captures, capsysbinary, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with open(captures[3], "rb") as file:
        content = file.read()
    writer = threading.Thread(target=lambda: pipe.write_bytes(content))
    writer.start()
    status, out, _ = run(capsysbinary, "--format", "jsonl", "--jobs", "2", str(pipe), captures[2])
    writer.join()
    assert status == 0
    assert {json.loads(line)["file"] for line in out.splitlines()} == {"pipe", "small.pcap"}


def test_the_output_is_none_of_the_captures(captures, capsysbinary):
    size = os.path.getsize(captures[0])
    status, _, err = run(capsysbinary, "--output", captures[0], *captures)
    assert status == 2
    assert b"is one of the files to decode" in err
    assert os.path.getsize(captures[0]) == size


def test_a_process_that_is_killed_is_an_error_in_one_line(captures, monkeypatch, capsysbinary):
    from killed import decode_part

    monkeypatch.setattr(_parallel, "_decode_part", decode_part)
    status, _, err = run(capsysbinary, "--jobs", "2", *captures)
    assert status == 2
    assert err.decode().splitlines() == [
        "secc-kernel decode: a process was killed, probably for its memory: try again with --jobs 1"
    ]


def test_a_process_stops_when_nobody_wants_its_part(captures, tmp_path, monkeypatch):
    read, stop = [0], threading.Event()
    monkeypatch.setattr(_parallel, "_shared", (read, stop), raising=False)
    job = decode.Job(captures[0], "large.pcap", True)
    part = _parallel._Part(job, 0, "jsonl", tmp_path / "rows", tmp_path / "remarks")
    assert _parallel._decode_part(part)
    assert read == [os.path.getsize(captures[0])]
    assert part.rows.read_bytes().count(b"\n") == 404
    stop.set()
    with pytest.raises(_parallel._StopError):
        _parallel._decode_part(part)
    assert part.rows.read_bytes() == b""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_bar_on_a_terminal(captures, monkeypatch, tmp_path, jobs):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(_progress, "_PATIENCE", 0.0)
    monkeypatch.setattr(_progress, "_PAUSE", 0.0)
    for quiet in (False, True) if jobs == "1" else (False,):
        monkeypatch.setattr(sys, "stderr", Terminal())
        arguments = ["--output", str(tmp_path / "rows"), *["--quiet"] * quiet, "--jobs", jobs, *captures[2:]]
        assert main(["decode", *arguments]) == 0
        assert ("[#" in sys.stderr.getvalue() and "MB/s" in sys.stderr.getvalue()) is not quiet
