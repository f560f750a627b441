"""What is said about a TLS handshake that was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from secc_kernel.pki.making import make
from secc_kernel.pki.profiles import STANDARDS
from secc_kernel.session.tls_judgement import failure, judge, summary
from secc_kernel.wire.tls import Certificate, ClientHello, Handshake, ServerHello


@pytest.fixture(scope="module")
def pki():
    return make(STANDARDS["iso2"])


def hello(**changes):
    plain = ClientHello(
        0x0303, bytes(32), b"", (0xC023,), (0x0303,), (0x17,), (0x0403,), (), "", None, (), False, False, {}
    )
    return replace(plain, **changes)


def seen(pki, offer, suite=0xC023, group=0x17, leaf="secc"):
    found = Handshake()
    found.client_hello = offer
    found.server_hello = ServerHello(0x0303, bytes(32), b"", suite, 0, False, {})
    found.group = group
    entity = pki.entities.get(leaf) or pki.bad[leaf]
    found.certificates["server"] = Certificate(tuple(one.der for one in entity.chain))
    return found


def said(found, now=None):
    return [(one.rule, one.severity) for one in judge(found, now)]


def test_nothing_is_said_of_what_is_as_it_should_be(pki):
    root = pki.entities["v2g_root"].certificate.subject.public_bytes()
    assert said(seen(pki, hello(trusted_ca_keys=((2, root),)))) == []


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        ({}, ("tls.roots", "note")),
        ({"trusted_ca_keys": ((2, b"other"),)}, ("tls.roots", "warning")),
        ({"trusted_ca_keys": ((1, bytes(20)),)}, ("tls.roots", "warning")),
        ({"trusted_ca_keys": ((3, bytes(20)),)}, None),
        ({"trusted_ca_keys": (), "status_request_v2": True}, ("tls.ocsp", "warning")),
        ({"trusted_ca_keys": (), "suites": (0x1301,)}, ("tls.suite", "error")),
    ],
)
def test_what_a_vehicle_says_and_does_not_say(pki, offer, expected):
    assert said(seen(pki, hello(**offer))) == ([] if expected is None else [expected])


def test_a_root_is_known_by_the_hash_of_its_key(pki):
    from cryptography.x509 import SubjectKeyIdentifier

    root = pki.entities["v2g_root"].certificate
    key = root.extensions.get_extension_for_class(SubjectKeyIdentifier).value.digest
    assert said(seen(pki, hello(trusted_ca_keys=((1, key),)))) == []


def test_what_was_taken_and_the_chain(pki):
    offer = hello(trusted_ca_keys=(), suites=(0xC023, 0xC02B))
    assert said(seen(pki, offer, suite=0xC02B, group=0x1D)) == [("tls.suite", "error"), ("tls.group", "warning")]
    late = datetime.now(timezone.utc) + timedelta(days=100)
    found = judge(seen(pki, offer), late)
    assert [one.rule for one in found] == ["tls.certificate.expired"]
    assert found[0].text.startswith("the station's certificate CN=DE*ABC*E123456, DC=CPO expired on ")
    assert "CN=DE*ABC*E123456, DC=CPO, valid until" in summary(seen(pki, offer))


@pytest.mark.parametrize(
    ("sender", "alert", "text"),
    [
        ("client", "unknown_ca", "under CN=V2G Root CA, DC=V2G); give the vehicle the root"),
        (
            "client",
            "",
            "the vehicle closed the connection after the station's certificate, without an alert; vehicles do",
        ),
        (
            "server",
            "handshake_failure",
            "(the vehicle offers the suites TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, the groups",
        ),
        ("server", "protocol_version", "(the vehicle offers TLS 1.2); compare the versions"),
        ("client", "no_renegotiation", "the vehicle broke off with no_renegotiation; look at the vehicle's log"),
    ],
)
def test_failures_say_who_why_and_what_to_do(pki, sender, alert, text):
    assert text in str(failure(seen(pki, hello()), sender, alert))
