"""TLS on live sessions over the loopback interface: our two sides with each other, and with the openssl program."""

from __future__ import annotations

import contextlib
import socket
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from handshakes import OpenSslServer, client_context, needs_openssl

from secc_kernel import cli, codec
from secc_kernel.link import tls
from secc_kernel.link.live import LiveSession, SessionError
from secc_kernel.link.net import LinkError
from secc_kernel.link.tcp import TcpStation, TcpVehicle
from secc_kernel.link.tls_contexts import TlsSettings
from secc_kernel.session.handshake import offer
from secc_kernel.session.journal import FindingEntry, FrameEntry, Journal, NoteEntry, SecretEntry
from secc_kernel.session.secc import SECC
from secc_kernel.session.station import Station
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire import v2gtp
from secc_kernel.wire.tls import ContentType, Handshake, RecordDecoder

WAIT = 30.0
QUICK = Station(authorization_time=0.0, parameter_time=0.0, isolation_time=0.0, voltage_rate=1e5, current_rate=1e5)
HELLO = v2gtp.pack(0x8001, codec.encode(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(("iso2",)))))


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki") / "made"
    assert cli.main(["pki", "new", str(folder)]) == 0
    return folder


def station_with(tls, strict=False, protocols=("iso2", "din")):
    return LiveSession(TcpStation(SECC(QUICK, strict=strict, protocols=protocols), tls=tls))


def vehicle_at(port, tls, **options):
    car = SimulatedEV(soc=79.9999, pace=lambda name, previous: 0.0, **options)
    return LiveSession(TcpVehicle(car, host="::1", port=port, tls=tls), side="EVCC")


def settings(pki, **options):
    return TlsSettings(str(pki), **options)


def of(session, kind):
    return [entry for entry in session.journal.entries if isinstance(entry, kind)]


def found(session, rule):
    """The texts of findings of a rule; waits for one."""
    deadline = time.monotonic() + WAIT
    while not (texts := [entry.text for entry in of(session, FindingEntry) if entry.rule == rule]):
        assert time.monotonic() < deadline, of(session, FindingEntry)
        time.sleep(0.01)
    return texts


def meet(station, vehicle):
    """Let them talk; the station's autopilot need not wait for a script."""
    over = station.run_to_end()
    vehicle.receive("SessionSetupRes").result(WAIT)
    over.cancel()


def has_ended(sock):
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def agreed(session):
    (text,) = [entry.text for entry in of(session, NoteEntry) if entry.text.startswith("TLS with ")]
    return text


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.2", "TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, secp256r1; the station shows CN=DE*ABC*E123456"),
        ("1.3", "TLS 1.3, TLS_AES_256_GCM_SHA384, secp521r1; the station shows CN=DE*ABC*E123456"),
    ],
)
def test_a_charge_under_tls_and_what_the_journal_has_of_it(pki, tmp_path, version, said):
    with station_with(settings(pki)) as station:
        with vehicle_at(station.link.port, settings(pki, version=version)) as vehicle:
            over = station.run_to_end()
            assert vehicle.run_to_end().result(WAIT).how == "terminated"
            assert over.result(WAIT).how == "terminated"
        assert said in agreed(vehicle)
        assert station.party.ended is not None
    messages = [frame.name for frame in vehicle.journal.frames]
    assert messages[0] == "supportedAppProtocolReq"
    assert messages[-1] == "SessionStopRes"
    assert [frame.data for frame in station.journal.frames] == [frame.data for frame in vehicle.journal.frames]
    assert not [entry for entry in of(station, FindingEntry) if entry.severity != "note"]
    # The records are the bytes that went over TCP: a reader that has nothing else sees the same handshake.
    seen, decoders = Handshake(), {"EVCC": RecordDecoder(), "SECC": RecordDecoder()}
    station.journal.save(tmp_path / "journal.jsonl")
    for entry in Journal.load(tmp_path / "journal.jsonl"):
        if isinstance(entry, FrameEntry) and entry.layer == "tls":
            assert entry.stream == 0
            (record,) = decoders[entry.sender].receive_data(entry.data)
            assert record.content_type == entry.payload_type
            seen.receive("client" if entry.sender == "EVCC" else "server", record)
    assert seen.version == f"TLS {version}"
    encrypted = [
        entry
        for entry in of(station, FrameEntry)
        if entry.layer == "tls" and entry.payload_type == ContentType.ApplicationData
    ]
    assert len(encrypted) >= len(station.journal.frames)
    assert not any(HELLO[8:] in entry.data for entry in encrypted)
    assert {entry.line for entry in of(station, SecretEntry)} == {entry.line for entry in of(vehicle, SecretEntry)}


def test_the_vehicle_shows_its_certificate_in_tls_13(pki):
    with station_with(settings(pki), strict=True) as station:
        with vehicle_at(station.link.port, settings(pki, version="1.3")) as vehicle:
            meet(station, vehicle)
        assert "the vehicle shows CN=WMIV1234567890ABCDEX, DC=OEM" in agreed(station)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_without_a_pki_nothing_is_checked_and_that_is_said(version):
    with station_with(TlsSettings()) as station:
        with vehicle_at(station.link.port, TlsSettings(version=version)) as vehicle:
            meet(station, vehicle)
        assert "is not checked: there is no root" in found(vehicle, "tls.unverified")[0]
        assert "the vehicle does not say which roots it has" in found(station, "tls.roots")[0]


@pytest.mark.parametrize(
    ("certificate", "alert", "why"),
    [
        ("secc_expired", "certificate_expired", "for expired or not valid yet"),
        ("secc_not_yet_valid", "bad_certificate", "not yet valid"),
        ("secc_expired_sub", "certificate_expired", "or one above it"),
        ("secc_wrong_root", "unknown_ca", "knows no root under which the station's certificate stands"),
    ],
)
def test_a_station_that_shows_what_is_wrong_on_purpose(pki, certificate, alert, why):
    with station_with(settings(pki, certificate=certificate)) as station:
        with vehicle_at(station.link.port, settings(pki)) as vehicle:
            with pytest.raises(SessionError, match=rf"no TLS: the vehicle sent the alert {alert}"):
                vehicle.receive("SessionSetupRes").result(WAIT)
            ours = found(vehicle, "tls.handshake")[0]
        theirs = found(station, "tls.handshake")[0]
        assert why in ours
        for text in (ours, theirs):
            assert f"the vehicle sent the alert {alert}: the vehicle " in text
            assert "CN=DE*ABC*E123456, DC=CPO, valid " in text
        # The station waits for the next one.
        with vehicle_at(station.link.port, settings(pki, verify=False)) as again:
            meet(station, again)
            assert "is not checked: it was said so" in found(again, "tls.unverified")[0]


@pytest.mark.parametrize(
    ("certificate", "strict", "alert"),
    [
        ("vehicle_expired", False, "certificate_expired"),
        ("vehicle_wrong_root", False, "unknown_ca"),
        ("vehicle_expired_sub", True, "certificate_expired"),
    ],
)
def test_a_vehicle_that_shows_what_is_wrong_on_purpose(pki, certificate, strict, alert):
    with station_with(settings(pki), strict=strict) as station:
        with vehicle_at(station.link.port, settings(pki, version="1.3", certificate=certificate)) as vehicle:
            with pytest.raises(SessionError, match=rf"the station sent the alert {alert}: the station"):
                vehicle.receive("SessionSetupRes").result(WAIT)
            assert f"the station sent the alert {alert}" in found(vehicle, "tls.handshake")[0]
        assert f"the station sent the alert {alert}" in found(station, "tls.handshake")[0]


def test_versions_that_do_not_meet(pki):
    with (
        station_with(settings(pki, version="1.2")) as station,
        vehicle_at(station.link.port, settings(pki, version="1.3")) as vehicle,
    ):
        with pytest.raises(SessionError, match="the two have no version of TLS in common"):
            vehicle.receive("SessionSetupRes").result(WAIT)
        assert "(unsupported protocol; the vehicle offers TLS 1.3)" in found(station, "tls.handshake")[0]


def test_one_port_for_both_versions_and_for_none(pki):
    with station_with(settings(pki)) as station:
        for version in ("1.3", "1.2", None):
            tls = settings(pki, version=version) if version else None
            with vehicle_at(station.link.port, tls) as vehicle:
                meet(station, vehicle)
        assert "goes without TLS, though the station does TLS" in found(station, "tls.plain")[0]


def test_a_vehicle_without_tls_is_refused_by_a_station_that_does_nothing_else(pki):
    with station_with(settings(pki, only=True)) as station:
        with vehicle_at(station.link.port, None) as vehicle, pytest.raises(SessionError, match="the SECC closed"):
            vehicle.receive("SessionSetupRes").result(WAIT)
        assert (
            "speaks V2GTP without TLS, and is refused: the station does TLS here only (tls_only)"
            in (found(station, "tls.plain")[0])
        )
        assert not station.journal.frames


def test_tls_at_a_station_that_does_none_is_named(pki):
    with station_with(None) as station, vehicle_at(station.link.port, settings(pki)) as vehicle:
        with pytest.raises(SessionError, match="no TLS"):
            vehicle.receive("SessionSetupRes").result(WAIT)
        assert "begins a TLS handshake, and TLS is not done here" in found(station, "tls.unexpected")[0]


# -- peers that are not ours ------------------------------------------------------------------------------------------


def ask(port, context, data=HELLO):
    """What a client of Python's ssl module is answered; it is another user of OpenSSL than ours."""
    with socket.create_connection(("::1", port), WAIT) as raw, context.wrap_socket(raw) as secured:
        secured.sendall(data)
        return secured.version(), secured.cipher()[0], secured.recv(1000)


def test_suites_that_do_not_meet_are_compared(pki):
    context = client_context(pki)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    with station_with(settings(pki)) as station:
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
            ask(station.link.port, context)
        (text,) = found(station, "tls.handshake")
        assert "the vehicle offers the suites TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, the groups x25519" in text
        assert "no shared cipher" in text


def test_a_vehicle_that_offers_both_versions_gets_that_of_its_protocol(pki):
    with station_with(settings(pki)) as station:
        version, suite, answer = ask(station.link.port, client_context(pki))
        assert (version, suite) == ("TLSv1.2", "ECDHE-ECDSA-AES128-SHA256")
        assert answer.startswith(b"\x01\xfe\x80\x01")


def test_a_vehicle_without_a_certificate_in_tls_13(pki):
    context = client_context(pki, "iso20")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with station_with(settings(pki)) as station:
        assert ask(station.link.port, context)[0] == "TLSv1.3"
        assert (
            "the vehicle showed no certificate, which ISO 15118-20 demands" in found(station, "tls.no-certificate")[0]
        )
    with station_with(settings(pki), strict=True) as station:
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
            ask(station.link.port, context)
        assert "the station sent the alert certificate_required" in found(station, "tls.handshake")[0]


def test_iso15118_20_is_not_offered_over_less_than_tls_13(pki):
    offers = offer(("iso2", "iso20_dc"))
    data = v2gtp.pack(0x8001, codec.encode(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offers)))
    with station_with(settings(pki)) as station:
        ask(station.link.port, client_context(pki), data)
        text = "the vehicle offers iso20_dc over TLS 1.2; ISO 15118-20 demands TLS 1.3"
        assert text in found(station, "tls.iso20")[0]


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", r"sent what is no TLS (first byte 0x47)"),
        (b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", "the ClientHello ends after 0 bytes"),
        (b"\x16\x03\x01\xff\xff", "a TLS record has at most 18432 bytes"),
        (b"\x16\x03\x01\x00\x02\x01\x00", "closed the connection"),
    ],
)
def test_nonsense_is_named_and_does_not_hurt(pki, sent, text):
    with station_with(settings(pki)) as station:
        with socket.create_connection(("::1", station.link.port), WAIT) as raw:
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            try:
                while raw.recv(1000):
                    pass
            except ConnectionResetError:
                pass
        deadline = time.monotonic() + WAIT
        while not any(text in entry.text for entry in of(station, FindingEntry)):
            assert time.monotonic() < deadline, of(station, FindingEntry)
            time.sleep(0.01)
        with vehicle_at(station.link.port, settings(pki)) as vehicle:
            meet(station, vehicle)


def test_handshakes_that_do_not_go_on_do_not_keep_the_station(pki):
    with station_with(settings(pki)) as station, contextlib.ExitStack() as idle:
        waiting = [idle.enter_context(socket.create_connection(("::1", station.link.port), WAIT)) for _ in range(20)]
        for sock in waiting:
            sock.sendall(b"\x16\x03\x01")
        assert has_ended(waiting[0])  # the oldest has made room
        with vehicle_at(station.link.port, settings(pki)) as vehicle:
            meet(station, vehicle)


def test_a_handshake_has_its_time(pki, monkeypatch):
    monkeypatch.setattr(tls, "_HANDSHAKE_TIME", 0.1)
    with station_with(settings(pki)) as station, socket.create_connection(("::1", station.link.port), WAIT) as idle:
        assert has_ended(idle)
        assert "did not finish the TLS handshake within 0.1 s" in found(station, "tls.handshake")[0]


@needs_openssl
@pytest.mark.parametrize("standard", ["iso20", "iso20_ed448"])
def test_openssls_client_under_mutual_authentication(pki, standard):
    place = pki / standard
    with station_with(settings(pki), strict=True) as station:
        answer = talk(
            station.link.port,
            *("-tls1_3", "-CAfile", place / "v2g_root.pem", "-verify_return_error", "-brief"),
            *("-cert", place / "vehicle_chain.pem", "-cert_chain", place / "vehicle_chain.pem"),
            *("-key", place / "vehicle.key", "-groups", "X448" if standard == "iso20_ed448" else "P-521"),
            *("-sigalgs", "ed448" if standard == "iso20_ed448" else "ECDSA+SHA512"),
            *("-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
        )
        assert v2gtp.unpack(answer).payload_type == 0x8001
        text = agreed(station)
        assert (
            "TLS 1.3, TLS_CHACHA20_POLY1305_SHA256, " + ("x448" if standard == "iso20_ed448" else "secp521r1") in text
        )
        assert "the vehicle shows CN=WMIV1234567890ABCDEX" in text


def talk(port, *options):
    """What ``openssl s_client`` receives as an answer to our first message."""
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"[::1]:{port}", "-quiet", *map(str, options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.stdin.write(HELLO)
        process.stdin.flush()
        return process.stdout.read1(1000)
    finally:
        process.kill()
        process.communicate()


@needs_openssl
@pytest.mark.parametrize(("version", "standard"), [("1.2", "iso2"), ("1.3", "iso20"), ("1.3", "iso20_ed448")])
def test_openssls_server(pki, tmp_path, version, standard):
    place = pki / standard
    chain = place / "secc_chain.pem"
    options = ["-cert", chain, "-cert_chain", chain, "-key", place / "secc.key", "-status_file"]
    options += [place / "ocsp" / "secc.der"]
    if version == "1.3":
        options += ["-tls1_3", "-Verify", "3", "-verify_return_error", "-CAfile", pki / "iso20" / "oem_root.pem"]
    with (
        OpenSslServer(tmp_path / "server.log", *options, host="::1") as server,
        vehicle_at(server.port, settings(pki, version=version)) as vehicle,
    ):
        vehicle.receive("SessionSetupRes")
        server.wait_for("CIPHER is")
        assert vehicle.journal.frames[0].name == "supportedAppProtocolReq"
        assert f"TLS {version}" in agreed(vehicle)


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_the_key_log_is_for_its_owner_and_grows(pki, tmp_path):
    path = tmp_path / "keys.log"
    with station_with(settings(pki, keylog=str(path))) as station:
        for version in ("1.2", "1.3"):
            with vehicle_at(station.link.port, settings(pki, version=version)) as vehicle:
                meet(station, vehicle)
        lines = path.read_text().splitlines()
        assert lines == [entry.line for entry in of(station, SecretEntry)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    labels = [line.split()[0] for line in lines]
    assert labels[0] == "CLIENT_RANDOM"
    assert {"CLIENT_TRAFFIC_SECRET_0", "SERVER_HANDSHAKE_TRAFFIC_SECRET"} <= set(labels[1:])


def test_a_key_log_that_can_no_longer_be_written_ends_no_charge(pki, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    with station_with(settings(pki, keylog=str(folder / "keys"))) as station:
        (folder / "keys").unlink()
        folder.rmdir()
        with vehicle_at(station.link.port, settings(pki)) as vehicle:
            meet(station, vehicle)
        assert "cannot be written: No such file" in found(station, "tls.keylog")[0]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda pki, tmp: TlsSettings(str(tmp / "none")), "there is no folder"),
        (lambda pki, tmp: TlsSettings(str(tmp)), "has no secc_chain.pem with secc.key"),
        (
            lambda pki, tmp: settings(pki, certificate="secc_expird"),
            r"has no secc_expird_chain\.pem .*: did you mean secc_expired\?",
        ),
        (lambda pki, tmp: settings(pki, keylog=str(tmp)), "the key log .* cannot be written: Is a directory"),
        (lambda pki, tmp: settings(pki, disclose=True), "on an interface only"),
    ],
)
def test_what_cannot_be_used_is_said_before_anybody_connects(pki, tmp_path, make, text):
    with pytest.raises(LinkError, match=text):
        station_with(make(pki, tmp_path))


def test_files_of_ones_own_need_no_folders(pki, tmp_path):
    for name, source in (("secc_chain.pem", "secc_chain.pem"), ("secc.key", "secc.key"), ("v2g_root.pem",) * 2):
        (tmp_path / name).write_bytes((pki / "iso2" / source).read_bytes())
    with station_with(settings(tmp_path)) as station, vehicle_at(station.link.port, settings(tmp_path)) as vehicle:
        meet(station, vehicle)


def test_a_pki_that_has_gone_is_said(pki, tmp_path):
    for name in ("secc_chain.pem", "secc.key"):
        (tmp_path / name).write_bytes((pki / "iso2" / name).read_bytes())
    with station_with(settings(tmp_path)) as station:
        (tmp_path / "secc.key").unlink()
        with pytest.raises(OSError):
            ask(station.link.port, client_context(pki))
        assert "has no secc_chain.pem with secc.key" in found(station, "tls.failed")[0]


def test_a_key_of_another_certificate_is_named(pki, tmp_path):
    (tmp_path / "secc_chain.pem").write_bytes((pki / "iso2" / "secc_chain.pem").read_bytes())
    (tmp_path / "secc.key").write_bytes((pki / "iso2" / "cps.key").read_bytes())
    with pytest.raises(LinkError, match=r"secc\.key cannot be used: key values mismatch; the key has to be the leaf's"):
        station_with(settings(tmp_path))
