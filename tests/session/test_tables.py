import subprocess
import sys

import pandas as pd
import pytest

from secc_kernel.session.journal import FrameEntry, Journal
from secc_kernel.session.tables import HEADER_COLUMNS, MESSAGE_COLUMNS, TIMING_COLUMNS, verdict

SETUP_REQ = bytes.fromhex("8098004011d01801f7e821f21400")
SETUP_RES = bytes.fromhex("8098022bfbb6f3fefbdffed1e020491114a9413960a914c4c8ccd0d4d8a8c480")
EV, STATION = "[fe80::1]:49152", "[fe80::2]:61341"


def journal(*frames: tuple[float, bytes, str], **more: object) -> Journal:
    made = Journal(source="made.pcap")
    for time, data, sender in frames:
        src, dst = (EV, STATION) if sender == "EVCC" else (STATION, EV)
        made.append(
            FrameEntry(
                time, sender=sender, src=src, dst=dst, stream=0, payload_type=0x8001, data=data, schema="iso2", **more
            )
        )
    return made


def test_messages():
    table = journal((10.0, SETUP_REQ, "EVCC"), (10.1, b"\x80", "SECC"), frame=7).messages()
    assert tuple(table.columns) == MESSAGE_COLUMNS
    assert table.index.name == "i"
    row = table.loc[0].to_dict()
    assert row.pop("xml").endswith("</s3:V2G_Message>")
    assert pd.isna(row.pop("error"))
    assert row == {
        "file": "made.pcap", "frame": 7, "time": 10.0, "stream": 0, "src": EV, "dst": STATION,
        "payload_type": 0x8001, "payload_length": 14, "schema": "iso2", "message": "SessionSetupReq",
        "exi": SETUP_REQ.hex(),
    }  # fmt: skip
    assert table.loc[1, ["message", "xml"]].isna().all()
    assert "bit" in table.loc[1, "error"]


def test_messages_of_a_live_session_have_no_frame_numbers():
    assert journal((10.0, SETUP_REQ, "EVCC")).messages().frame.isna().all()


def test_headers():
    table = journal((10.0, SETUP_REQ, "EVCC")).headers()
    assert tuple(table.columns) == HEADER_COLUMNS
    assert table.loc[0].tolist() == [0x01, 0xFE, 0x8001, 14, "EXIEncodedV2GMessage"]


def test_an_empty_journal_gives_empty_tables_with_their_columns():
    empty = Journal()
    assert tuple(empty.messages().columns) == MESSAGE_COLUMNS
    assert tuple(empty.headers().columns) == HEADER_COLUMNS
    assert tuple(empty.timing().columns) == TIMING_COLUMNS
    assert len(empty.timing()) == 0


def test_timing():
    table = journal(
        (10.0, SETUP_REQ, "EVCC"), (10.2, SETUP_RES, "SECC"),
        (11.0, SETUP_REQ, "EVCC"), (12.6, SETUP_RES, "SECC"),
        (13.0, SETUP_REQ, "EVCC"), (15.1, SETUP_RES, "SECC"),
        (16.0, SETUP_REQ, "EVCC"), (17.0, SETUP_REQ, "EVCC"), (17.1, SETUP_RES, "SECC"),
    ).timing()  # fmt: skip
    assert tuple(table.columns) == TIMING_COLUMNS
    assert table.index.tolist() == [0, 2, 4, 6, 7]
    assert table.verdict.tolist() == ["ok", "late", "timeout", "no response", "ok"]
    assert table.latency.tolist()[:3] == [0.2, 1.6, 2.1]
    assert pd.isna(table.latency[6])
    assert pd.isna(table.response[6])
    assert table.loc[0, ["request", "response", "performance", "timeout"]].tolist() == [
        "SessionSetupReq", "SessionSetupRes", 1.5, 2.0,
    ]  # fmt: skip


def test_a_response_is_whatever_comes_back_even_if_nobody_can_read_it():
    table = journal((10.0, SETUP_REQ, "EVCC"), (10.2, b"\x80", "SECC"), (11.0, b"\x80", "EVCC")).timing()
    assert table.latency.tolist()[0] == 0.2
    assert table.request.tolist() == ["SessionSetupReq", ""]
    assert table.verdict.tolist() == ["ok", "no response"]


def test_connections_and_side_streams_are_paired_apart():
    made = Journal()
    for stream, payload_type, data, sender in (
        (0, 0x8001, SETUP_REQ, "EVCC"),
        (1, 0x8001, SETUP_REQ, "EVCC"),
        (0, 0x8101, SETUP_REQ, "EVCC"),
        (1, 0x8001, SETUP_RES, "SECC"),
        (0, 0x8101, SETUP_RES, "SECC"),
        (0, 0x8001, SETUP_RES, "SECC"),
    ):
        made.append(
            FrameEntry(
                float(len(made)), stream=stream, payload_type=payload_type, data=data, schema="iso2", sender=sender
            )
        )
    assert made.timing().latency.tolist() == [5.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("latency", "performance", "timeout", "expected"),
    [
        (0.025, 0.025, 0.25, "ok"),
        (0.0251, 0.025, 0.25, "late"),
        (0.25, 0.025, 0.25, "late"),
        (0.2501, 0.025, 0.25, "timeout"),
        (1.0, None, 2.0, "ok"),
        (9.0, None, None, "ok"),
        (None, 1.5, 2.0, "no response"),
    ],
)
def test_the_limits_themselves_are_kept(latency, performance, timeout, expected):
    assert verdict(latency, performance, timeout) == expected


def test_no_table_no_pandas():
    script = (
        "import sys, secc_kernel.session.journal as j, secc_kernel.link.capture\n"
        "journal = j.Journal(); journal.append(j.FrameEntry(0.0, schema='iso2', data=b'')); journal.frames[0].error\n"
        "print(sorted({'pandas', 'numpy', 'scapy', 'ipywidgets'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
