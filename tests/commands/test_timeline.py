"""The table of `decode`: every layer in one timeline, what repeats folded, and a line a plug-in."""

import re

import pytest

from secc_kernel.cli import main
from secc_kernel.commands._timeline import TITLES, Timeline
from secc_kernel.link.capture import iterate
from secc_kernel.session.journal import FrameEntry, NoteEntry, StateEntry, TimerEntry
from secc_kernel.session.plug_ins import plug_ins
from secc_kernel.session.slac.record import management_entry
from secc_kernel.wire.homeplug import BROADCAST, Frame
from secc_kernel.wire.homeplug.messages import CM_NW_INFO_REQ, CM_SLAC_PARM_REQ

KIA = "everest/Kia_EV6_2023-04-25-kia-ev6-iso2.pcap"
SHOWN = frozenset(("slac", "sdp", "v2gtp"))


def lines_of(entries, layers=SHOWN, **how):
    written = []
    timeline = Timeline("made.pcap", layers, written.append, **how)
    for entry in entries:
        timeline.take(entry)
    timeline.finish()
    return "".join(written).splitlines()


def counted(lines):
    """How many rows a table stands for: its lines with a frame, and those that were folded."""
    folded = sum(int(found[1]) for line in lines if (found := re.match(r" +…  (\d+) more", line)))
    return folded + sum(bool(re.match(r" *\d+  ", line)) for line in lines)


def test_every_capture_has_all_its_rows_and_a_line_for_each_plug_in(shared):
    """Shown or counted, none is lost; and a charge fits on a few screens."""
    for path in sorted((shared / "captures").rglob("*.pcap*")):
        entries = list(iterate(path))
        lines = lines_of(entries)
        frames = [entry for entry in entries if isinstance(entry, FrameEntry)]
        every = lines_of(entries, None)
        assert counted(every) == len(frames), path.name
        assert sum(line.startswith("  plug-in ") for line in lines) == len(plug_ins(entries))
        messages = sum(entry.layer in ("v2gtp", "sdp") for entry in frames)
        assert messages <= counted(lines) <= len(frames)
        assert len(lines) < 250, path.name


def test_a_timeline_has_the_three_layers_in_the_order_of_the_frames(shared, capsysbinary):
    assert main(["decode", str(shared / "captures" / KIA)]) == 0
    out = capsysbinary.readouterr().out.decode()
    lines = out.splitlines()
    frames = [int(found[0]) for line in lines[1:] if (found := re.match(r" *\d+(?=  )", line))]
    assert frames == sorted(frames)
    assert len(lines) < 120
    firsts = [next(n for n, line in enumerate(lines) if name in line) for name in ("SLAC_PARM", "Discovery", "Setup")]
    assert firsts == sorted(firsts)
    assert "27.3 dB 10 sounds" in next(line for line in lines if "CM_ATTEN_CHAR.IND" in line)
    assert "2774 more like these" in out
    assert lines[-2].startswith(
        "  plug-in 1 | 2023-04-25 07:25:46, 291.194 s | vehicle 04:e7:7e:00:f3:98 | SLAC matched"
    )
    assert "27.3 dB | security none | ISO 15118-2 | 3134 messages | 0.394 kWh | SOC 35 % | terminated" in lines[-2]


def test_the_summary_alone(shared, capsysbinary):
    assert main(["decode", "--summary", "--quiet", str(shared / "captures" / KIA)]) == 0
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert [line.split(" | ")[0].strip() for line in lines if line] == [
        f"{KIA.split('/')[1]}: 1 plug-in",
        "plug-in 1",
    ]
    assert main(["decode", "--summary", "--format", "csv", str(shared / "captures" / KIA)]) == 2
    assert b"leave --format csv away" in capsysbinary.readouterr().err


@pytest.mark.parametrize(
    ("layers", "schemas"),
    [
        (None, {"sap", "iso2"}),
        ("v2gtp", {"sap", "iso2"}),
        ("slac,sdp", {"slac", "sdp"}),
        ("all", {"slac", "sdp", "sap", "iso2"}),
    ],
)
def test_layers_of_machine_formats(shared, capsysbinary, layers, schemas):
    import csv
    import io

    more = [] if layers is None else ["--layers", layers]
    assert main(["decode", "--format", "csv", *more, str(shared / "captures" / KIA)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode(), newline="")))
    assert {row["schema"] for row in rows} == schemas
    assert [int(row["frame"]) for row in rows] == sorted(int(row["frame"]) for row in rows)
    assert all(int(row["payload_length"]) == len(row["exi"]) / 2 for row in rows)
    below = [row for row in rows if row["schema"] in ("slac", "sdp")]
    assert {row["stream"] for row in below} <= {"-1"}
    if below:
        assert {"CM_SLAC_PARM.REQ", "CM_SLAC_MATCH.CNF", "SECC_DiscoveryReq"} <= {row["message"] for row in below}


def test_an_unknown_layer_is_refused(capsys):
    with pytest.raises(SystemExit) as exit:
        main(["decode", "--layers", "slack", "x.pcap"])
    assert exit.value.code == 2
    assert "there is no layer slack: there are slac, sdp" in capsys.readouterr().err


# -- made ones --------------------------------------------------------------------------------------------------------


def asked(number, run=bytes(8), step=0.2):
    car = bytes.fromhex("020000000001")
    frame = Frame(BROADCAST, car, CM_SLAC_PARM_REQ(RunID=run))
    return management_entry(frame.payload(), BROADCAST, car, 2e9 + number * step, number + 1)


def test_what_repeats_is_folded_and_what_is_different_is_not():
    polls = [asked(number) for number in range(30)]
    lines = lines_of(polls)
    assert [line.split()[0] for line in lines[:6]] == ["1", "2", "3", "…", "29", "30"]
    assert "25 more like these in 5 s: CM_SLAC_PARM.REQ ×25" in lines[3]
    between = NoteEntry(2e9 + 3.1, "the driver is here")
    lines = lines_of([*polls[:15], between, *polls[15:]])
    assert counted(lines) == 30
    assert any("the driver is here" in line for line in lines)


def test_a_few_are_not_worth_folding():
    lines = lines_of([asked(number) for number in range(8)])
    assert [line.split()[0] for line in lines[:8]] == [str(number) for number in range(1, 9)]


def test_after_a_silence_nothing_is_a_repetition():
    lines = lines_of([asked(number, step=6.0) for number in range(12)])
    assert counted(lines) == 12
    assert not any("more like these" in line for line in lines)


def test_what_modems_and_their_hosts_say_is_counted():
    host = bytes.fromhex("020000000009")
    chatter = management_entry(Frame(BROADCAST, host, CM_NW_INFO_REQ()).payload(), BROADCAST, host, 2e9, 7)
    assert lines_of([chatter])[-2] == "  1 message between modems and their hosts left out: --layers all shows them"
    assert "CM_NW_INFO.REQ" in lines_of([chatter], None)[0]


def test_remarks_stand_in_the_timeline():
    lines = lines_of(
        [
            StateEntry(1.0, "control pilot", "A", "B 5 %"),
            StateEntry(1.5, "SECC", "idle", "waiting"),
            TimerEntry(2.0, "TT_match_join", "expired", 12.0),
            TimerEntry(2.0, "TT_match_join", "start", 12.0),
            TimerEntry(2.0, "TP_EV_batch_msg_interval", "expired", 0.04),
        ]
    )
    assert [line.strip() for line in lines[:3]] == [
        "1.000000 s                       control pilot A → B 5 %",
        "2.000000 s                       TT_match_join has expired after 12 s",
        "",
    ]


def test_titles_and_lines_have_the_same_columns():
    line = lines_of([asked(0)])[0]
    for title, cell in (("message", "CM_SLAC_PARM.REQ"), ("src", "02:00:00:00:00:01"), ("schema", "slac")):
        assert line.index(cell) == TITLES.index(title)
