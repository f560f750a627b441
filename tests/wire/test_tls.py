"""TLS records and handshakes, made by OpenSSL."""

from __future__ import annotations

import contextlib
import ssl
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from handshakes import OpenSslServer, Relay, client_context, in_memory, needs_openssl, s_client, server_context

from secc_kernel import cli
from secc_kernel.pki.inspect import load_chain
from secc_kernel.wire.tls import (
    Certificate,
    CertificateStatus,
    ClientHello,
    ContentType,
    Handshake,
    Kind,
    Message,
    MessageDecoder,
    Record,
    RecordDecoder,
    ServerHello,
    TLSError,
)
from secc_kernel.wire.tls.names import EXTENSIONS, GROUPS, SUITES, name_of


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki") / "made"
    assert cli.main(["pki", "new", str(folder), "--standard", "iso2", "--standard", "iso20"]) == 0
    return folder


def der(path):
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in load_chain(path.read_bytes()))


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_tls_12_shows_the_whole_negotiation(pki, step):
    server, client = server_context(pki), client_context(pki)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384")
    server.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    server.set_ecdh_curve("prime256v1")
    seen, errors = in_memory(server, client, "secc.example", step)
    assert not errors
    assert seen.established
    assert (seen.version, seen.suite, seen.group_name) == (
        "TLS 1.2",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        "secp256r1",
    )
    hello = seen.client_hello
    assert hello.server_name == "secc.example"
    assert [name_of(SUITES, number) for number in hello.suites][:2] == [
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    ]
    assert "secp521r1" in [name_of(GROUPS, number) for number in hello.groups]
    assert (hello.status_request, hello.trusted_ca_keys, hello.authorities) == (False, None, ())
    assert seen.certificates["server"].chain == der(pki / "iso2" / "secc_chain.pem")
    assert seen.request is None
    assert seen.ocsp is None


def test_tls_13_shows_the_hellos_and_a_retry(pki):
    server, client = server_context(pki, "iso20"), client_context(pki, "iso20")
    server.set_ecdh_curve("secp521r1")
    seen, errors = in_memory(server, client)
    assert not errors
    assert seen.tls13
    assert seen.retried
    assert (seen.version, seen.suite, seen.group_name) == ("TLS 1.3", "TLS_AES_256_GCM_SHA384", "secp521r1")
    assert [name_of(GROUPS, number) for number in seen.client_hello.key_shares] == ["secp521r1"]
    assert seen.established
    assert not seen.certificates


def test_a_request_for_the_clients_certificate(pki):
    server, client = server_context(pki), client_context(pki)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    server.verify_mode = ssl.CERT_OPTIONAL
    server.load_verify_locations(pki / "iso2" / "oem_root.pem")
    client.load_cert_chain(pki / "iso2" / "provisioning_chain.pem", pki / "iso2" / "provisioning.key")
    seen, errors = in_memory(server, client)
    assert not errors
    assert "ecdsa_secp256r1_sha256" in [name_of({0x0403: "ecdsa_secp256r1_sha256"}, n) for n in seen.request.signatures]
    assert seen.certificates["client"].chain == der(pki / "iso2" / "provisioning_chain.pem")


@pytest.mark.parametrize(
    ("change", "sender", "alert"),
    [
        (lambda s, c: c.set_ciphers("ECDHE-ECDSA-AES256-SHA384"), "server", "handshake_failure"),
        (lambda s, c: setattr(s, "minimum_version", ssl.TLSVersion.TLSv1_3), "server", "protocol_version"),
        (lambda s, c: setattr(s, "verify_mode", ssl.CERT_REQUIRED), "server", "handshake_failure"),
    ],
)
def test_alerts_are_named(pki, change, sender, alert):
    server, client = server_context(pki), client_context(pki)
    server.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    change(server, client)
    seen, errors = in_memory(server, client)
    assert set(errors) == {"server", "client"}
    assert [(who, found.name) for who, found in seen.alerts] == [(sender, alert)]


def test_an_unknown_root_is_the_clients_alert(pki):
    client = client_context(pki, "iso20")
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    seen, _ = in_memory(server_context(pki), client)
    assert [(who, str(found)) for who, found in seen.alerts] == [("client", "unknown_ca (48)")]


@needs_openssl
def test_a_stapled_ocsp_response(pki, tmp_path):
    place = pki / "iso2"
    chain, key, status = place / "secc_chain.pem", place / "secc.key", place / "ocsp" / "secc.der"
    options = ("-cert", chain, "-cert_chain", chain, "-key", key, "-status_file", status, "-tls1_2")
    with OpenSslServer(tmp_path / "server.log", *options) as server:
        relay = Relay(server.port)
        text = s_client(relay.port, "-status", "-tls1_2", "-CAfile", place / "v2g_root.pem", sends=b"Q\n")
        assert b"Cert Status: good" in text
        seen = relay.handshake()
    assert seen.client_hello.status_request
    assert seen.ocsp == status.read_bytes()


# -- messages that OpenSSL's programs do not make ---------------------------------------------------------------------


def vector(width, data):
    return len(data).to_bytes(width, "big") + data


def hello_with(extension, data):
    extensions = vector(2, extension.to_bytes(2, "big") + vector(2, data))
    return b"\3\3" + bytes(32) + b"\0" + vector(2, b"\xc0\x23") + b"\1\0" + extensions


def test_the_roots_that_a_vehicle_has():
    keys = vector(2, b"\0" + b"\1" + b"k" * 20 + b"\2" + vector(2, b"name") + b"\3" + b"c" * 20)
    hello = ClientHello.parse(hello_with(3, keys))
    assert hello.trusted_ca_keys == ((0, b""), (1, b"k" * 20), (2, b"name"), (3, b"c" * 20))
    assert ClientHello.parse(hello_with(3, b"")).trusted_ca_keys == ()
    assert ClientHello.parse(hello_with(47, vector(2, vector(2, b"root")))).authorities == (b"root",)
    assert ClientHello.parse(hello_with(17, b"")).status_request_v2
    (grease,) = ClientHello.parse(hello_with(0x1A1A, b"")).extensions
    assert name_of(EXTENSIONS, grease) == "GREASE"


def test_stapled_responses_of_version_2_and_of_tls_13():
    both = CertificateStatus.parse(b"\2" + vector(3, vector(3, b"leaf") + vector(3, b"")))
    assert both.responses == (b"leaf", b"")
    status = (5).to_bytes(2, "big") + vector(2, b"\1" + vector(3, b"good"))
    body = vector(1, b"") + vector(3, vector(3, b"first") + vector(2, status) + vector(3, b"second") + vector(2, b""))
    assert Certificate.parse(body, tls13=True) == Certificate((b"first", b"second"), b"good")


def test_hellos_of_old_versions_have_no_extensions():
    hello = ClientHello.parse(b"\3\2" + bytes(32) + b"\0" + vector(2, b"\x00\x2f\x00\xff") + b"\1\0")
    assert hello.versions == (0x0302,)
    assert [name_of(SUITES, number) for number in hello.suites] == [
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
    ]


# -- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x01\xfe\x80\x01", "begins with its content type, 20 to 24, not with 0x01"),
        (b"\x16\x04\x00", "has version 3.x, not 4"),
        (b"\x16\x03\x03\xff\xff", "has at most 18432 bytes, not 65535"),
    ],
)
def test_what_is_no_record_is_refused_with_what_came_before(data, text):
    good = Record(ContentType.Alert, 0x0303, b"\1\0")
    with pytest.raises(TLSError, match=text) as caught:
        RecordDecoder().receive_data(good.pack() + data)
    assert caught.value.records == (good,)


def test_a_message_longer_than_any_is_refused():
    with pytest.raises(TLSError, match="a handshake message of 16777215 bytes is longer than any"):
        MessageDecoder().receive_data(b"\x0b\xff\xff\xff")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    for kind in Kind:
        with contextlib.suppress(TLSError):
            Handshake().receive_message("client", Message(kind, data))


@given(st.lists(st.tuples(st.sampled_from(list(ContentType)), st.binary(max_size=50)), max_size=5), st.data())
def test_records_survive_any_segmentation(content, data):
    records = [Record(kind, 0x0303, fragment) for kind, fragment in content]
    stream = b"".join(record.pack() for record in records)
    decoder, found = RecordDecoder(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += decoder.receive_data(stream[:cut])
        stream = stream[cut:]
    assert found == records
    assert decoder.buffered == 0


def test_a_hello_that_breaks_off_says_where():
    whole = hello_with(10, vector(2, b"\0\x17"))
    without_extensions = len(whole) - 2 - 8
    for end in set(range(len(whole))) - {without_extensions}:
        with pytest.raises(TLSError, match="in the middle of a field"):
            ClientHello.parse(whole[:end])
    with pytest.raises(TLSError, match="the ClientHello's supported_groups ends after 3 bytes"):
        ClientHello.parse(hello_with(10, b"\0\4\0"))
    with pytest.raises(TLSError, match="the ServerHello ends after 3 bytes"):
        ServerHello.parse(b"\3\3\0")
