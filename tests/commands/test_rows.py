"""The formats of `decode`, without captures."""

import csv
import io
import json
import sys
from types import SimpleNamespace

import pytest

from secc_kernel.commands import CommandError, _rows
from secc_kernel.commands._rows import FORMATS
from secc_kernel.session.tables import MESSAGE_COLUMNS


def row(number: int = 1, **other: object) -> tuple:
    values = {
        "file": "a.pcap", "frame": number, "time": 1e9 + number, "stream": 0, "src": "[fe80::1]:1", "dst": "[::2]:2",
        "payload_type": 0x8001, "payload_length": 2, "schema": "iso2", "message": "SessionStopReq", "exi": "8098",
        "xml": "<a>\n</a>", "error": None,
    }  # fmt: skip
    return tuple((values | other)[name] for name in MESSAGE_COLUMNS)


ROWS = [row(1), row(2, schema=None, message=None, xml=None, error="no, “nothing”"), row(3, xml="\udc80\0")]


def written(format_: str, rows: list[tuple], part: bool = False) -> bytes:
    file = io.BytesIO()
    with FORMATS[format_](file, part) as sink:
        for item in rows:
            sink.write(item)
    return file.getvalue()


@pytest.mark.parametrize("format_", ["table", "jsonl", "csv"])
def test_parts_put_together_are_the_whole(format_):
    file = io.BytesIO()
    with FORMATS[format_](file) as sink:
        for item in ROWS:
            sink.append(io.BytesIO(written(format_, [item], part=True)))
    assert file.getvalue() == written(format_, ROWS)


def test_jsonl_and_csv_hold_everything():
    values = [dict(zip(MESSAGE_COLUMNS, item, strict=True)) for item in ROWS]
    assert [json.loads(line) for line in written("jsonl", ROWS).splitlines()] == values
    values[2]["xml"] = "\\udc80\0"
    read = csv.DictReader(io.StringIO(written("csv", ROWS[:2]).decode(), newline=""))
    assert list(read) == [{k: "" if v is None else str(v) for k, v in value.items()} for value in values[:2]]
    assert b"\\udc80\0" in written("csv", ROWS)


def test_the_table_is_one_line_a_row_whatever_the_time_is():
    lines = written("table", [*ROWS, row(4, time=1e18), row(5, time=-1e300)]).decode().splitlines()
    assert len(lines) == 6
    assert "no, “nothing”" in lines[2]
    assert "1e+18 s" in lines[4]


def test_the_table_begins_with_what_fits_a_terminal():
    long = "[fe80::1122:33ff:fe44:5566%eth0]:61341"
    answer = row(8, message="SessionStopRes", xml="<a>\n<b:ResponseCode>FAILED</b:ResponseCode></a>", dst=long)
    titles, line, answered = written("table", [row(7, src=long), answer]).decode().splitlines()
    assert titles.split()[:8] == ["frame", "time", "(UTC)", "str", "message", "response", "code,", "values"]
    assert answered.split()[:6] == ["8", "2001-09-09", "01:46:48.000000", "0", "SessionStopRes", "FAILED"]
    assert line.split()[:6] == ["7", "2001-09-09", "01:46:47.000000", "0", "SessionStopReq", f"…{long[-19:]}"]
    assert titles.index("dst") <= 121


def test_parquet_is_written_in_groups(monkeypatch):
    pq = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(_rows, "_GROUP_ROWS", 100)
    many = [row(number) for number in range(950)] + ROWS
    content = io.BytesIO(written("parquet", many))
    file = pq.ParquetFile(content)
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [100] * 9 + [53]
    table = pq.read_table(content).to_pylist()
    assert tuple(table[0]) == MESSAGE_COLUMNS
    assert [tuple(item.values()) for item in table[:-1]] == many[:-1]
    assert table[-1]["xml"] == "\\udc80\0"

    monkeypatch.setattr(_rows, "_GROUP_TEXT", 1000)
    content = io.BytesIO(written("parquet", [row(number, xml="x" * 300) for number in range(12)]))
    assert pq.ParquetFile(content).num_row_groups == 3


def test_parts_of_parquet_become_groups_of_a_sensible_size(monkeypatch):
    pq = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(_rows, "_GROUP_ROWS", 100)
    file = io.BytesIO()
    with FORMATS["parquet"](file) as sink:
        for start in range(0, 300, 30):
            part = written("parquet", [row(number) for number in range(start, start + 30)], part=True)
            sink.append(io.BytesIO(part))
        sink.append(io.BytesIO(written("parquet", [], part=True)))
    assert pq.read_table(file).column("frame").to_pylist() == list(range(300))
    assert pq.ParquetFile(file).num_row_groups == 3


def test_parquet_says_what_it_needs(monkeypatch):
    with pytest.raises(CommandError, match="name a file with --output"):
        FORMATS["parquet"](SimpleNamespace(isatty=lambda: True))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CommandError, match="pip install"):
        FORMATS["parquet"](io.BytesIO())
