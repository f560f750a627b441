import json
import os
import subprocess
import sys
import threading
import time

import pytest

from secc_kernel import codec
from secc_kernel.session.journal import (
    Entry,
    FindingEntry,
    FrameEntry,
    Journal,
    JournalError,
    NoteEntry,
    StateEntry,
    TimerEntry,
)

#: An EV's offer of ISO 15118-2, and the seed's SessionSetupRes.
SAP_REQ = bytes.fromhex("8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040040")
SESSION_SETUP_RES = bytes.fromhex("809802306986f7ab7e919551e0a0452d48a9510cc4a9254d3cc4a8c0c0c480")


def frame(time: float, data: bytes = SESSION_SETUP_RES, schema: str | None = "iso2", **more: object) -> FrameEntry:
    return FrameEntry(time, payload_type=0x8001, data=data, schema=schema, **more)


def entries() -> list[Entry]:
    return [
        NoteEntry(0.0, "plugged in – ü"),
        FrameEntry(0.1, layer="sdp", sender="EVCC", payload_type=0x9000, data=b"\x10\0"),
        frame(0.25, SAP_REQ, "sap", sender="EVCC", src="[fe80::1]:50000", dst="[fe80::2]:15118", stream=0, frame=7),
        TimerEntry(0.25, "V2G_SECC_Sequence_Timeout", "stop", 60.0),
        StateEntry(0.25, "SECC", "wait for SessionSetupReq", "SessionSetupReq"),
        frame(0.3, sender="SECC", stream=0, intended=("Body.SessionSetupRes.EVSEID",), auto=("Header.SessionID",)),
        FindingEntry(0.31, "schema", "warning", "EVSEID is too short", 1),
        NoteEntry(0.4, "a lone surrogate \udc80 from the wire"),
    ]


def test_what_is_written_is_what_is_loaded(tmp_path):
    path = tmp_path / "charge.jsonl"
    with Journal(path) as journal:
        for entry in entries():
            journal.append(entry)
    assert Journal.load(path).entries == entries()
    assert Journal.load(path).source == "charge.jsonl"

    journal.save(tmp_path / "copy.jsonl")
    assert (tmp_path / "copy.jsonl").read_bytes() == path.read_bytes()


def test_each_line_is_on_disk_when_append_returns(tmp_path):
    path = tmp_path / "charge.jsonl"
    journal = Journal(path)
    for number, entry in enumerate(entries(), 1):
        journal.append(entry)
        assert Journal.load(path).entries == entries()[:number]
    journal.close()
    journal.append(NoteEntry(1.0, "after the end"))
    assert len(Journal.load(path)) == len(entries())


def test_only_the_v2gtp_frames_have_an_index():
    journal = Journal()
    for entry in entries():
        journal.append(entry)
    assert [entry.time for entry in journal.frames] == [0.25, 0.3]
    assert [entry.text for entry in journal.findings] == ["EVSEID is too short"]
    assert journal.exi(1) == SESSION_SETUP_RES
    with pytest.raises(IndexError, match="no message 2: the journal holds messages 0 to 1"):
        journal.exi(2)


def test_a_killed_writer_loses_nothing(tmp_path):
    path = tmp_path / "killed.jsonl"
    script = (
        "import os, sys\n"
        "from secc_kernel.session.journal import Journal, NoteEntry\n"
        "journal = Journal(sys.argv[1])\n"
        "for i in range(1000):\n"
        "    journal.append(NoteEntry(float(i), 'x' * 100))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, path], check=False, cwd=os.getcwd())
    assert [entry.time for entry in Journal.load(path)] == [float(i) for i in range(1000)]


@pytest.mark.parametrize("lost", [1, 10, 40])
def test_a_last_line_that_was_cut_off_is_left_out(tmp_path, lost):
    path = tmp_path / "cut.jsonl"
    with Journal(path) as journal:
        for entry in entries()[:6]:
            journal.append(entry)
    path.write_bytes(path.read_bytes()[:-lost])
    loaded = Journal.load(path)
    if lost == 1:  # only the end of the line is missing: the entry is whole
        assert loaded.entries == entries()[:6]
    else:
        assert loaded.entries[:-1] == entries()[:5]
        assert isinstance(loaded.entries[-1], FindingEntry)
        assert "middle of line 7" in loaded.entries[-1].text


def test_files_that_are_no_journals(tmp_path):
    path = tmp_path / "x.jsonl"
    for content, reason in [
        ("", "first line"),
        ("[]\n", "first line"),
        ('{"journal": 99, "source": ""}\n', "format 99"),
        ('{"journal": 1, "source": ""}\n{"kind": "frame", "time": 1.0, "data": "zz"}\n{}\n', "line 2"),
        ('{"journal": 1, "source": ""}\n{"kind": "unheard of"}\n{}\n', "line 2"),
    ]:
        path.write_text(content)
        with pytest.raises(JournalError, match=reason):
            Journal.load(path)


def test_a_journal_is_not_overwritten_by_accident(tmp_path):
    path = tmp_path / "charge.jsonl"
    Journal(path).close()
    with pytest.raises(JournalError, match="exists"):
        Journal(path)
    with Journal(path, overwrite=True, source="again") as journal:
        journal.append(NoteEntry(0.0, "new"))
    assert Journal.load(path).source == "again"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_does_not_end_the_session(tmp_path):
    journal = Journal(tmp_path / "charge.jsonl")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._file)
    os.close(full)
    journal.append(NoteEntry(1.0, "first"))
    journal.append(NoteEntry(2.0, "second"))
    assert [type(entry) for entry in journal] == [NoteEntry, FindingEntry, NoteEntry]
    assert "memory only" in journal.findings[0].text


def test_a_subscriber_that_fails_is_told_nothing_more_and_nobody_else_is_hurt():
    def fail(entry):
        raise BrokenPipeError("nobody reads")

    journal, seen = Journal(), []
    journal.subscribe(fail)
    journal.subscribe(seen.append)
    journal.append(NoteEntry(1.0, "one"))
    journal.append(NoteEntry(2.0, "two"))
    assert [entry for entry in seen if isinstance(entry, NoteEntry)] == [NoteEntry(1.0, "one"), NoteEntry(2.0, "two")]
    (finding,) = journal.findings
    assert (finding.rule, finding.severity, finding.time) == ("journal.subscriber", "error", 1.0)
    assert "BrokenPipeError: nobody reads" in finding.text


def test_subscribers_get_each_entry_until_they_leave():
    journal = Journal()
    seen: list[Entry] = []
    leave = journal.subscribe(seen.append)
    journal.append(NoteEntry(1.0, "a"))
    leave()
    leave()
    journal.append(NoteEntry(2.0, "b"))
    assert [entry.time for entry in seen] == [1.0]


def test_a_subscriber_may_be_told_of_what_was_before():
    journal = Journal()
    for number in range(3):
        journal.append(NoteEntry(float(number), f"{number}"))
    seen = []
    journal.subscribe(seen.append, since=1)
    journal.append(NoteEntry(3.0, "3"))
    assert [entry.text for entry in seen] == ["1", "2", "3"]


def test_a_subscriber_may_wait_for_a_thread_that_looks_at_the_journal(tmp_path):
    journal = Journal(tmp_path / "seen.jsonl")
    lengths = []

    def look(entry):
        def save():
            journal.save(tmp_path / "copy.jsonl")
            journal.append(NoteEntry(2.0, "from the other thread"))
            lengths.append(len(journal))

        if entry.time < 2:
            helper = threading.Thread(target=save, daemon=True)
            helper.start()
            helper.join(20)
            assert not helper.is_alive()

    journal.subscribe(look)
    journal.append(NoteEntry(1.0, "a"))
    assert lengths == [2]
    assert journal.findings == []


def test_what_subscribers_append_is_told_after_what_was_there(tmp_path):
    journal = Journal()
    seen = []

    def answer(entry):
        seen.append(entry.time)
        if entry.time < 3:
            journal.append(NoteEntry(entry.time + 1, "next"))

    journal.subscribe(answer)
    other = []
    journal.subscribe(lambda entry: other.append(entry.time))
    journal.append(NoteEntry(1.0, "first"))
    assert seen == other == [1.0, 2.0, 3.0]


def test_subscribers_see_what_several_threads_append_once_and_in_order():
    journal = Journal()
    seen = []
    journal.subscribe(seen.append)
    threads = [
        threading.Thread(target=lambda: [journal.append(NoteEntry(float(i), "n")) for i in range(300)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(map(id, seen)) == list(map(id, journal.entries))


def test_threads_may_append_at_the_same_time(tmp_path):
    path = tmp_path / "threads.jsonl"
    journal = Journal(path)
    threads = [
        threading.Thread(target=lambda: [journal.append(NoteEntry(float(i), "n")) for i in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert Journal.load(path).entries == journal.entries
    assert len(journal) == 2000


def test_recording_a_charge_costs_next_to_nothing(tmp_path):
    journal = Journal(tmp_path / "charge.jsonl")
    start = time.perf_counter()
    for i in range(1400):
        journal.append(frame(i / 10, sender="EVCC", src="[fe80::1]:50000", dst="[fe80::2]:15118", stream=0))
        journal.append(TimerEntry(i / 10, "V2G_SECC_Sequence_Timeout", "start", 60.0))
    assert time.perf_counter() - start < 0.5
    assert (tmp_path / "charge.jsonl").read_bytes().count(b"\n") == 2801


def test_the_journal_is_readable_without_the_program(tmp_path):
    path = tmp_path / "charge.jsonl"
    with Journal(path, source="a charge") as journal:
        journal.append(frame(0.3, sender="SECC", stream=0))
    first, second = map(json.loads, path.read_text().splitlines())
    assert first == {"journal": 1, "source": "a charge"}
    assert second == {
        "kind": "frame", "time": 0.3, "sender": "SECC", "stream": 0, "payload_type": 0x8001,
        "data": SESSION_SETUP_RES.hex(), "schema": "iso2",
    }  # fmt: skip


def test_a_message_is_decoded_on_the_first_look_and_kept(monkeypatch):
    journal = Journal()
    journal.append(frame(0.3))
    calls = []
    real = codec.decode
    monkeypatch.setattr(codec, "decode", lambda *args: calls.append(args) or real(*args))
    assert calls == []
    assert journal.message(0).name == "SessionSetupRes"
    assert journal.message(0).body.EVSEID == "KR*TC1*ISO1*001"
    assert "<s1:EVSEID>KR*TC1*ISO1*001</s1:EVSEID>" in journal.xml(0)
    assert len(calls) == 1


def test_what_cannot_be_decoded_says_why():
    journal = Journal()
    journal.append(frame(0.3, b"\x80\x98", "iso2"))
    journal.append(frame(0.4, SESSION_SETUP_RES, None))
    journal.append(FrameEntry(0.5, layer="sdp"))
    assert journal.frames[0].message is None
    assert journal.frames[0].name == ""
    assert "vocabulary" in journal.frames[1].error
    assert "SDP" in journal.entries[2].error
    with pytest.raises(JournalError, match="message 0 cannot be decoded"):
        journal.xml(0)


def test_a_message_that_is_at_hand_is_not_decoded_again():
    message = codec.decode(SESSION_SETUP_RES, "iso2")
    assert frame(0.0, decoded=message).message is message


def test_repr_tells_what_is_in_it():
    journal = Journal(source="a.pcap")
    journal.append(frame(0.0))
    assert repr(journal) == "<Journal 'a.pcap': 1 messages, 0 findings>"
