"""The view of a TLS handshake, of records that OpenSSL has made."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from handshakes import client_context, in_memory

from secc_kernel import cli, views
from secc_kernel.session.journal import FrameEntry, Journal, SecretEntry


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki") / "made"
    assert cli.main(["pki", "new", str(folder)]) == 0
    return folder


def shake(pki, tmp_path, standard="iso2", leaf="secc", newest=ssl.TLSVersion.TLSv1_2, secrets=False):
    """A journal with the records of a handshake, of connection 3."""
    journal = Journal()
    ends = {"client": ("EVCC", "[::1]:50000"), "server": ("SECC", "[::1]:15118")}

    def note(side, record):
        (sender, src), (_, dst) = ends[side], ends["server" if side == "client" else "client"]
        entry = FrameEntry(0.1, "tls", sender, src, dst, 3, payload_type=record.content_type, data=record.pack())
        journal.append(entry)

    folder = pki / standard / ("bad" if "_" in leaf else "")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / f"{leaf}_chain.pem", folder / f"{leaf}.key")
    client = client_context(pki, standard)
    client.maximum_version = newest
    log = tmp_path / "keys"
    client.keylog_filename = str(log)
    in_memory(server, client, "secc.example", note=note)
    for line in log.read_text().splitlines() if secrets else ():
        journal.append(SecretEntry(0.1, line, 3))
    return journal


def rows(view):
    return {what: (vehicle, station) for what, vehicle, station in view.data.itertuples(index=False)}


def test_tls_12(pki, tmp_path):
    view = views.handshake(shake(pki, tmp_path))
    said = rows(view)
    assert said["Version"] == ("TLS 1.2", "TLS 1.2")
    offered, taken = said["Cipher suite"]
    assert taken in offered.split(", ")
    assert said["Server name"] == ("secc.example", "")
    assert said["Roots"] == ("not said", "")
    assert said["OCSP response"] == ("not asked for", "none")
    text = repr(view)
    assert "TLS on connection 3 at 0.000 s, [::1]:50000 to [::1]:15118: TLS 1.2, TLS_ECDHE_ECDSA_" in text.replace(
        "\n ", ""
    )
    assert text.count("CN=CPO Sub-CA 1, DC=V2G") == 2
    assert "is none of ISO 15118-2's groups" in text
    assert "<table" in view._repr_html_()


@pytest.mark.parametrize("secrets", [False, True])
def test_what_tls_13_encrypts_takes_the_secrets(pki, tmp_path, secrets):
    view = views.handshake(shake(pki, tmp_path, "iso20", newest=ssl.TLSVersion.TLSv1_3, secrets=secrets))
    said = rows(view)
    assert said["Version"][1] == "TLS 1.3"
    assert said["OCSP response"] == ("not asked for", "none" if secrets else "encrypted")
    assert ("CN=DE*ABC*E123456, DC=CPO" in repr(view)) == secrets


def test_a_failed_one_says_why(pki, tmp_path):
    view = views.handshake(shake(pki, tmp_path, leaf="secc_expired"))
    assert rows(view)["Alert"] == ("certificate_expired (45)", "")
    text = " ".join(repr(view).split())
    assert "the vehicle sent the alert certificate_expired: the vehicle holds the station's certificate" in text


def test_where_there_is_none(pki, tmp_path):
    assert repr(views.handshake(Journal())) == "there is no TLS in this journal"
    assert views.handshake(Journal()).data.empty
    assert repr(views.handshake(shake(pki, tmp_path), 7)) == "there is no TLS on connection 7"
