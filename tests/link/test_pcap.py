import os
import struct
import threading

import pytest

from secc_kernel.link import pcap
from secc_kernel.link.pcap import CaptureError, Reader

PACKETS = [b"one", b"", b"three and more"]


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str = "<") -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(order: str = "<", link_type: int = 1, options: bytes = b"", snap_length: int = 0) -> bytes:
    return block(order, 1, struct.pack(order + "HHI", link_type, 0, snap_length) + options)


def enhanced(packet: bytes, ticks: int, order: str = "<", index: int = 0, length: int | None = None) -> bytes:
    head = struct.pack(order + "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), length or len(packet))
    return block(order, 6, head + packet)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
@pytest.mark.parametrize("compress", [False, True])
def test_pcap(capture_file, order, nanoseconds, compress):
    path = capture_file(PACKETS, order=order, nanoseconds=nanoseconds, compress=compress)
    assert list(Reader(path)) == [(n, 1000 + n / 10, 1, p, 0) for n, p in enumerate(PACKETS, 1)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_all_kinds_of_packets(capture_file, order):
    simple = block(order, 3, struct.pack(order + "I", 50) + b"snapped!")
    obsolete = block(order, 2, struct.pack(order + "HHIIII", 1, 0, 0, 2_000_000_000, 3, 3) + b"old")
    content = (
        section(order)
        + block(order, 0x0A0A, b"of no interest")
        + interface(order, snap_length=8)
        + interface(order, 113, option(order, 2, b"eth0") + option(order, 9, b"\x09") + option(order, 0, b""))
        + enhanced(b"first", 1_500_000, order)
        + simple
        + obsolete
        + enhanced(b"last", 3_250_000_000, order, index=1, length=60)
    )
    assert list(Reader(capture_file(content))) == [
        (1, 1.5, 1, b"first", 0),
        (2, 0.0, 1, b"snapped!", 42),
        (3, 2.0, 113, b"old", 0),
        (4, 3.25, 113, b"last", 56),
    ]


def test_pcapng_resolutions_and_sections(capture_file):
    binary = option("<", 9, b"\x8a") + option("<", 14, struct.pack("<q", 1000))
    content = (
        section("<")
        + interface("<", 1, binary)
        + enhanced(b"a", 512)
        + section(">")
        + interface(">", 101)
        + enhanced(b"b", 10**6, ">")
    )
    assert list(Reader(capture_file(content))) == [(1, 1000.5, 1, b"a", 0), (2, 1.0, 101, b"b", 0)]


@pytest.mark.parametrize("lost", range(1, 30))
def test_a_file_that_was_cut_gives_what_is_whole(capture_file, lost):
    for content in (
        capture_file(PACKETS).read_bytes(),
        section() + interface() + b"".join(enhanced(packet, 0) for packet in PACKETS),
    ):
        reader = Reader(capture_file(content[:-lost]))
        records = list(reader)
        assert [record[3] for record in records] == PACKETS[: len(records)]
        assert len(records) == 2
        assert "ends inside the record" in reader.damage


def test_a_compressed_file_that_was_cut(capture_file):
    content = capture_file([os.urandom(1000) for _ in range(100)], compress=True).read_bytes()
    reader = Reader(capture_file(content[: len(content) // 2]))
    assert 0 < len(list(reader)) < 100
    assert "compressed file is damaged" in reader.damage


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (struct.pack("<II", 6, 0xFFFFFFF0), "claims 4294967280 bytes"),
        (struct.pack("<II", 6, 13), "claims 13 bytes"),
        (struct.pack("<II", 6, 4), "claims 4 bytes"),
        (enhanced(b"x", 0)[:-4] + b"\0\0\0\0", "two lengths"),
        (enhanced(b"x", 0, index=7), "holds less than it says"),
        (block("<", 6, b"short"), "holds less than it says"),
        (block("<", 6, struct.pack("<IIIII", 0, 0, 0, 500, 500)), "holds less than it says"),
        (struct.pack("<III", 0x0A0D0D0A, 28, 0x12345678), "byte order 78563412"),
    ],
)
def test_damage_inside_a_pcapng_ends_the_reading_there(capture_file, damage, reason):
    reader = Reader(capture_file(section() + interface() + enhanced(b"good", 0) + damage + enhanced(b"never", 0)))
    assert [record[3] for record in reader] == [b"good"]
    assert reason in reader.damage
    assert "nothing after it was read" in reader.damage


def test_an_absurd_length_in_a_pcap_is_not_allocated(capture_file):
    content = capture_file([b"good"]).read_bytes() + struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 0xFFFFFFF0)
    reader = Reader(capture_file(content))
    assert [record[3] for record in reader] == [b"good"]
    assert "claims 4294967280 bytes" in reader.damage


@pytest.mark.parametrize("compress", [False, True])
def test_blocks_of_the_file_end_anywhere(capture_file, monkeypatch, compress):
    packets = [bytes((n,)) * (n % 97) for n in range(250)]
    expected = list(Reader(capture_file(packets)))
    ng = section() + interface() + b"".join(enhanced(packet, 0) for packet in packets)
    for size in (1, 7, 16, 100, 1 << 20):
        monkeypatch.setattr(pcap, "_READ", size)
        assert list(Reader(capture_file(packets, compress=compress))) == expected
        assert [record[3] for record in Reader(capture_file(ng, "x.pcapng", compress))] == packets


def test_progress_is_told_in_bytes_of_the_file(capture_file):
    for compress in (False, True):
        path = capture_file([os.urandom(1000) for _ in range(2000)], compress=compress)
        told: list[int] = []
        assert len(list(Reader(path, told.append))) == 2000
        assert told == sorted(told)
        assert len(told) > 5
        assert told[-1] == path.stat().st_size


def test_a_file_that_grows_is_read_as_far_as_it_is_there(capture_file):
    content = capture_file(PACKETS * 100).read_bytes()
    path = capture_file(content[:-7])
    reader = Reader(path)
    assert len(list(reader)) == 299
    assert "still writing" in reader.damage
    path.write_bytes(content)
    assert len(list(reader)) == 300
    assert reader.damage == ""


def test_what_is_written_while_it_is_read_is_read_too(capture_file):
    content = capture_file(PACKETS * 20000).read_bytes()
    path = capture_file(content[: 1 << 19])
    got = []
    with path.open("ab") as file:
        for record in Reader(path):
            if not got:
                file.write(content[1 << 19 :])
                file.flush()
            got.append(record[3])
    assert got == PACKETS * 20000


def test_a_pipe(capture_file, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = capture_file(PACKETS * 1000).read_bytes()
    writer = threading.Thread(target=lambda: pipe.write_bytes(content))
    writer.start()
    assert len(list(Reader(pipe, lambda _: None))) == 3000
    writer.join()


def test_a_disk_that_fails_costs_what_is_behind(capture_file, monkeypatch):
    path = capture_file(PACKETS * 100)
    reader = Reader(path)
    monkeypatch.setattr(pcap, "_READ", 1000)
    records = iter(reader)
    next(records)

    def fail(_: int) -> bytes:
        raise OSError(5, "Input/output error")

    reader._read = fail
    assert 0 < len(list(records)) < 299
    assert "cannot be read after byte 1000: [Errno 5]" in reader.damage


def test_what_is_no_capture_is_said_in_one_line(capture_file, tmp_path):
    for content, reason in [
        (b"", "it is empty"),
        (b"\x1f\x8b", "compressed file is damaged"),
        (b"abc", "ends inside"),
        (b"PK\3\4....", "begins with 50 4b 03 04"),
    ]:
        with pytest.raises(CaptureError, match=reason):
            list(Reader(capture_file(content, "what.bin")))
    with pytest.raises(CaptureError, match="No such file"):
        list(Reader(tmp_path / "absent.pcap"))
    with pytest.raises(CaptureError, match="directory"):
        list(Reader(tmp_path))
