"""TLS in captures: sessions that OpenSSL has encrypted, with the key log that it has written."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packets import EXI, Connection, pcap_of
from tls_sessions import NO_ENCRYPT_THEN_MAC, TLS12, TLS13, certificate, talk

from secc_kernel.link.capture import CaptureError, iterate, read_capture
from secc_kernel.session.journal import FindingEntry, FrameEntry, Journal, NoteEntry, SecretEntry
from secc_kernel.wire.v2gtp import pack

SAID = [
    ("EV", pack(0x8001, EXI.sap_req)),
    ("SECC", pack(0x8001, EXI.sap_res)),
    ("EV", pack(0x8001, EXI.setup_req)),
    ("SECC", pack(0x8001, EXI.setup_res)),
]
NAMES = ["supportedAppProtocolReq", "supportedAppProtocolRes", "SessionSetupReq", "SessionSetupRes"]
SIZE = 1200


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def talk12(folder):
    return talk(folder / "", SAID, suite="ECDHE-ECDSA-AES128-SHA256")


@pytest.fixture(scope="module")
def talk13(tmp_path_factory):
    return talk(tmp_path_factory.mktemp("tls13"), SAID, TLS13)


def packets_of(flights, size=SIZE):
    """A connection that carries the flights, in segments of that size."""
    tcp = Connection()
    packets = tcp.open()
    for who, data in flights:
        packets += [tcp.packet(who, "PA", data[at : at + size]) for at in range(0, len(data), size)]
    return packets + tcp.close()


def datagrams(keylog):
    """Key log lines as a test station sends them: a datagram each."""
    from scapy.layers.inet import UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether

    ether = Ether(src="02:00:00:00:00:02", dst="33:33:00:00:00:01")
    over = ether / IPv6(src="fe80::2", dst="ff02::1") / UDP(sport=52345, dport=52345)
    return [bytes(over / line) for line in keylog.splitlines(keepends=True) if not line.startswith(b"#")]


def rules(entries):
    return [entry.rule for entry in entries if isinstance(entry, FindingEntry)]


def names(journal):
    return [entry.name for entry in journal.frames]


SUITES = [
    (TLS12, "ECDHE-ECDSA-AES128-SHA256", 0),
    (TLS12, "ECDHE-ECDSA-AES128-SHA256", NO_ENCRYPT_THEN_MAC),
    (TLS12, "ECDHE-ECDSA-AES128-SHA", NO_ENCRYPT_THEN_MAC),
    (TLS12, "ECDHE-ECDSA-AES256-SHA384", 0),
    (TLS12, "ECDHE-ECDSA-AES128-GCM-SHA256", 0),
    (TLS12, "ECDHE-ECDSA-AES256-GCM-SHA384", 0),
    (TLS12, "ECDHE-ECDSA-CHACHA20-POLY1305", 0),
    (TLS12, "ECDHE-ECDSA-AES128-CCM", 0),
    (TLS12, "ECDHE-ECDSA-AES128-CCM8", 0),
    (TLS13, None, 0),
]


@pytest.mark.parametrize(("version", "suite", "options"), SUITES)
@pytest.mark.parametrize("size", [SIZE, 7])
def test_what_openssl_encrypts_is_decrypted(capture_file, tmp_path, version, suite, options, size):
    made = talk(tmp_path, SAID, version, suite, options, mutual=True)
    assert suite in (None, made.suite)
    journal = read_capture(capture_file(packets_of(made.flights, size)), keylog=tmp_path / "keylog.txt")
    assert names(journal) == NAMES
    assert [entry.data for entry in journal.frames] == [EXI.sap_req, EXI.sap_res, EXI.setup_req, EXI.setup_res]
    assert [entry.sender for entry in journal.frames] == ["EVCC", "SECC"] * 2
    assert rules(journal) == []
    assert [entry.text for entry in journal if isinstance(entry, NoteEntry) and "close_notify" in entry.text]
    records = [entry for entry in journal if isinstance(entry, FrameEntry) and entry.layer == "tls"]
    sent = [data for who, data in made.flights if who == "EV"]
    assert b"".join(sent).startswith(b"".join(entry.data for entry in records if entry.sender == "EVCC"))
    used = {entry.line.split()[0] for entry in journal if isinstance(entry, SecretEntry)}
    assert used == ({"CLIENT_RANDOM"} if version == TLS12 else {
        f"{who}_{what}" for who in ("CLIENT", "SERVER") for what in ("HANDSHAKE_TRAFFIC_SECRET", "TRAFFIC_SECRET_0")
    })  # fmt: skip


@pytest.mark.parametrize("suite", ["TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"])
@pytest.mark.timeout(60)
def test_tls13_with_a_key_update_by_the_openssl_program(capture_file, tmp_path, suite):
    flights, keylog = openssl_talk(tmp_path, suite)
    journal = read_capture(capture_file(packets_of(flights)), keylog=keylog)
    assert b"".join(entry.data for entry in journal.frames) == b"before" + b"between" + b"after"
    assert [e for e in journal if isinstance(e, NoteEntry) and "KeyUpdate" in e.text]
    assert suite in next(e.text for e in journal if isinstance(e, NoteEntry))
    assert rules(journal) == ["schema.tried"] or rules(journal) == []


def openssl_talk(folder, suite):
    """Two messages with a change of keys between them, by openssl's s_client and s_server and a relay between them."""
    pem, keylog, flights = certificate(folder), folder / "keylog.txt", []
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", str(port), "-cert", pem, "-key", pem, "-tls1_3", "-quiet", "-naccept", "1"],
        stdin=subprocess.PIPE, **quiet,
    )  # fmt: skip
    relay = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{relay.getsockname()[1]}"
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", address, "-tls1_3", "-ciphersuites", suite, "-keylogfile", keylog],
        stdin=subprocess.PIPE, **quiet,
    )  # fmt: skip

    def carry(who, source, sink):
        try:
            while data := source.recv(1 << 16):
                flights.append((who, data))
                sink.sendall(data)
        except OSError:  # the other end is gone
            return

    def until(condition):
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.02)

    def said(who, data):
        before = len(flights)
        keyboard = client.stdin if who == "EV" else server.stdin
        keyboard.write(data)
        keyboard.flush()
        until(lambda: any(sender == who for sender, _ in flights[before:]))

    threads = []
    with relay:
        try:
            relay.settimeout(20)
            near, _ = relay.accept()
            far = connected(port, until)
            with near, far:
                threads += [
                    threading.Thread(target=carry, args=way) for way in (("EV", near, far), ("SECC", far, near))
                ]
                for thread in threads:
                    thread.start()
                until(lambda: [who for who, _ in flights].count("EV") >= 2)  # the ClientHello, and its Finished
                said("EV", pack(0x8001, b"before"))
                said("EV", b"K\n")  # changes the keys, and has the server change its own before it says more
                said("SECC", pack(0x8001, b"between"))
                said("EV", pack(0x8001, b"after"))
        finally:
            for process in (client, server):
                process.stdin.close()
                process.kill()
                process.wait()
            for thread in threads:
                thread.join()
    return flights, keylog


def connected(port, until):
    """A connection to a server that is about to listen."""
    found = []

    def tried():
        try:
            found.append(socket.create_connection(("127.0.0.1", port)))
        except OSError:
            return False
        return True

    until(tried)
    return found[0]


@pytest.mark.parametrize("where", ["before", "after", "between"])
@pytest.mark.parametrize("which", ["talk12", "talk13"])
def test_secrets_in_datagrams_may_come_at_any_time(capture_file, request, where, which):
    made = request.getfixturevalue(which)
    packets, told = packets_of(made.flights), datagrams(made.keylog)
    at = {"before": 0, "after": len(packets), "between": len(packets) // 2}[where]
    mixed = packets[:at] + told + packets[at:]
    journal = read_capture(capture_file(mixed))
    assert names(journal) == NAMES
    assert rules(journal) == []
    assert [entry.frame for entry in journal.frames] == [mixed.index(packet) + 1 for packet in carriers(packets, made)]


def carriers(packets, made):
    """The packets that hold the records of what was said: the last ones of the flights but the two that close."""
    said = [data for _, data in made.flights[:-2]][-4:]
    return [next(packet for packet in packets if packet.endswith(data[-30:])) for data in said]


def pcapng(packets, secrets=b"", late=False):
    """A pcapng file with a Decryption Secrets Block."""

    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack(">II", kind, len(body) + 12) + body + struct.pack(">I", len(body) + 12)

    told = block(10, struct.pack(">II", 0x544C534B, len(secrets)) + secrets) if secrets else b""
    records = [block(6, struct.pack(">IIIII", 0, 0, n * 10**5, len(p), len(p)) + p) for n, p in enumerate(packets)]
    head = block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack(">HHI", 1, 0, 0))
    return head + (b"" if late else told) + b"".join(records) + (told if late else b"")


@pytest.mark.parametrize("late", [False, True])
def test_a_secrets_block(capture_file, talk13, late):
    path = capture_file(pcapng(packets_of(talk13.flights), talk13.keylog, late))
    assert names(read_capture(path)) == NAMES


def test_a_capture_that_comes_by_a_pipe(tmp_path, talk12):
    """It can be read once only: what came before its secrets waits for them."""
    packets = packets_of(talk12.flights)
    content = pcap_of(packets[:-1] + datagrams(talk12.keylog) + packets[-1:])
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(content,))
    writer.start()
    journal = read_capture(path)
    writer.join()
    assert names(journal) == NAMES
    assert rules(journal) == []
    assert [entry.frame for entry in journal.frames] == sorted(entry.frame for entry in journal.frames)


@pytest.mark.parametrize("which", ["talk12", "talk13"])
def test_without_secrets_it_says_what_is_needed(capture_file, request, which):
    made = request.getfixturevalue(which)
    journal = read_capture(capture_file(packets_of(made.flights)))
    assert names(journal) == []
    assert [(f.rule, f.severity) for f in journal.findings] == [("tls.encrypted", "note")]
    text = journal.findings[0].text
    wanted = "no CLIENT_RANDOM" if which == "talk12" else "SERVER_HANDSHAKE_TRAFFIC_SECRET"
    assert wanted in text
    assert (
        f"stream 0 is {'TLS 1.2 (TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256' if which == 'talk12' else 'TLS 1.3'}" in text
    )
    assert "server name secc.example" in text
    assert "--keylog" in text
    kinds = [entry.payload_type for entry in journal if isinstance(entry, FrameEntry)]
    assert 22 in kinds
    assert 23 not in kinds


def test_secrets_of_another_session_do_not_help(capture_file, talk12, talk13, tmp_path):
    other = tmp_path / "other.txt"
    other.write_bytes(talk13.keylog)
    journal = read_capture(capture_file(packets_of(talk12.flights)), keylog=other)
    assert names(journal) == []
    assert "secrets of 1 other connections" in journal.findings[0].text


def test_wrong_secrets_are_named_as_such(capture_file, talk12, tmp_path):
    label, random, secret = talk12.keylog.split()[-3:]
    wrong = tmp_path / "wrong.txt"
    wrong.write_bytes(b" ".join((label, random, secret[::-1])))
    journal = read_capture(capture_file(packets_of(talk12.flights)), keylog=wrong)
    assert names(journal) == []
    assert rules(journal) == ["tls.secrets"]


def test_only_the_application_secrets_of_tls13(capture_file, talk13, tmp_path):
    some = tmp_path / "some.txt"
    some.write_bytes(b"".join(line for line in talk13.keylog.splitlines(True) if b"TRAFFIC_SECRET_0" in line))
    assert names(read_capture(capture_file(packets_of(talk13.flights)), keylog=some)) == NAMES


@pytest.mark.parametrize(("content", "why"), [(b"once upon a time", "is no key log"), (None, "cannot be read")])
def test_what_is_no_key_log_is_refused(capture_file, tmp_path, talk12, content, why):
    path = tmp_path / "story.txt"
    if content:
        path.write_bytes(content)
    with pytest.raises(CaptureError, match=why):
        read_capture(capture_file(packets_of(talk12.flights)), keylog=path)


@pytest.mark.parametrize("which", ["talk12", "talk13"])
def test_a_lost_packet_costs_its_message_only(capture_file, request, tmp_path, which):
    made = request.getfixturevalue(which)
    keylog = tmp_path / "keylog.txt"
    keylog.write_bytes(made.keylog)
    packets = packets_of(made.flights)
    for number, lost in enumerate(carriers(packets, made)):
        journal = read_capture(capture_file([packet for packet in packets if packet != lost]), keylog=keylog)
        assert names(journal) == [name for n, name in enumerate(NAMES) if n != number]
        assert set(rules(journal)) <= {"tcp.gap", "v2gtp.resync", "schema.tried", "sap.unknown-protocol"}


def test_a_capture_without_the_handshake(capture_file, talk12, tmp_path):
    keylog = tmp_path / "keylog.txt"
    keylog.write_bytes(talk12.keylog)
    journal = read_capture(capture_file(packets_of(talk12.flights[4:])), keylog=keylog)
    assert names(journal) == []
    assert rules(journal) == ["tls.encrypted"]
    assert "the capture lacks the ClientHello" in journal.findings[0].text


def test_a_handshake_that_fails_says_why(capture_file, talk12):
    flights = [*talk12.flights[:2], ("EV", bytes.fromhex("15030300020230"))]
    journal = read_capture(capture_file(packets_of(flights)))
    assert rules(journal) == ["tls.alert"]
    assert "unknown_ca (48)" in journal.findings[0].text
    assert rules(iterate(capture_file(packets_of(talk12.flights[:1])))) == ["tls.unfinished"]


def test_a_long_connection_takes_little_memory(capture_file, tmp_path):
    import tracemalloc

    said = SAID + [("EV", pack(0x8001, EXI.setup_req)), ("SECC", pack(0x8001, EXI.setup_res))] * 1500
    made = talk(tmp_path, said, TLS13)
    path, keylog = capture_file(packets_of(made.flights)), tmp_path / "keylog.txt"
    sum(1 for _ in iterate(path, keylog=keylog))  # what is loaded late is not to be counted
    tracemalloc.start()
    count = sum(isinstance(entry, FrameEntry) and entry.layer == "v2gtp" for entry in iterate(path, keylog=keylog))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 3004
    assert peak < 5_000_000
    # Nor does what waits for secrets that never come grow: here after a pipe, which cannot be searched.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(path.read_bytes(),))
    writer.start()
    assert rules(iterate(pipe)) == ["tls.encrypted"]
    writer.join()


def test_entries_of_tls_survive_the_journals_file(capture_file, talk12, tmp_path):
    with Journal(tmp_path / "j.jsonl") as journal:
        read_capture(capture_file(packets_of(talk12.flights) + datagrams(talk12.keylog)), journal=journal)
    assert Journal.load(tmp_path / "j.jsonl").entries == journal.entries
    assert any(isinstance(entry, SecretEntry) for entry in journal)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@pytest.mark.parametrize("which", ["talk12", "talk13"])
def test_damage_of_any_kind_costs_what_it_hits_and_nothing_else_happens(capture_file, request, folder, which, data):
    made = request.getfixturevalue(which)
    flights = [(who, bytearray(content)) for who, content in made.flights]
    for _ in range(data.draw(st.integers(1, 6))):
        _, content = data.draw(st.sampled_from(flights))
        kind = data.draw(st.sampled_from(["change", "cut", "insert", "clear"]))
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        if kind == "change" and content:
            content[at] ^= data.draw(st.integers(1, 255))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 200))]
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(max_size=20))
        else:
            content.clear()
    packets = packets_of(flights)
    lost = data.draw(st.sets(st.integers(0, len(packets) - 1), max_size=4))
    packets = [packet for n, packet in enumerate(packets) if n not in lost]
    journal = read_capture(capture_file(datagrams(made.keylog) + packets))
    for entry in journal.frames:
        assert entry.data in (EXI.sap_req, EXI.sap_res, EXI.setup_req, EXI.setup_res)
