"""The test PKI, judged by the openssl program; and what is said about certificates."""

from __future__ import annotations

import shutil
import ssl
import stat
import subprocess
from datetime import datetime, timedelta, timezone

import pytest

from secc_kernel import cli
from secc_kernel.pki.inspect import load_chain, problems
from secc_kernel.pki.josev import PASSWORD
from secc_kernel.pki.profiles import CASES, STANDARDS, kinds

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")

LEAVES = [(key, kind.name) for key, standard in STANDARDS.items() for kind in kinds(standard) if kind.is_leaf]
ROOTS = {
    "secc": "v2g_root",
    "cps": "v2g_root",
    "contract": "mo_root",
    "provisioning": "oem_root",
    "vehicle": "oem_root",
}


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki") / "made"
    assert cli.main(["pki", "new", str(folder), "--layout", "josev", "--emaid", "DETSTC00000001"]) == 0
    return folder


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def verify(pki, standard, name, *options, folder=""):
    place = pki / standard
    chain = place / folder / f"{name}_chain.pem"
    root = place / f"{ROOTS[name.partition('_')[0]]}.pem"
    return run("openssl", "verify", "-CAfile", root, "-untrusted", chain, "-x509_strict", *options, chain)


@openssl
@pytest.mark.parametrize(("standard", "name"), LEAVES)
def test_chains_hold(pki, standard, name):
    status, text = verify(pki, standard, name)
    assert status == 0, text


@openssl
@pytest.mark.parametrize(("standard", "name"), [leaf for leaf in LEAVES if leaf[1] in ("secc", "contract", "vehicle")])
@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("expired", "error 10 at 0 depth lookup: certificate has expired"),
        ("not_yet_valid", "error 9 at 0 depth lookup: certificate is not yet valid"),
        ("expired_sub", "error 10 at 1 depth lookup: certificate has expired"),
        ("wrong_root", "unable to get"),
    ],
)
def test_what_is_wrong_on_purpose_is_wrong_in_that_way(pki, standard, name, case, reason):
    status, text = verify(pki, standard, f"{name}_{case}", folder="bad")
    assert status != 0
    assert reason in text


@openssl
@pytest.mark.parametrize("standard", list(STANDARDS))
def test_the_revoked_one_is_on_the_list(pki, standard, tmp_path):
    place = pki / standard
    lists = tmp_path / "crl.pem"
    status, text = run("openssl", "crl", "-inform", "DER", "-in", place / "crl" / "cpo_sub2.der", "-out", lists)
    assert status == 0, text
    options = ("-CRLfile", lists, "-crl_check")
    assert verify(pki, standard, "secc", *options)[0] == 0
    assert "certificate revoked" in verify(pki, standard, "secc_revoked", *options, folder="bad")[1]


@openssl
@pytest.mark.parametrize(("name", "folder", "word"), [("secc", "", "good"), ("secc_revoked", "bad", "revoked")])
@pytest.mark.parametrize("standard", list(STANDARDS))
def test_ocsp_responses_are_signed_and_say_so(pki, standard, name, folder, word):
    place = pki / standard
    status, text = run(
        *("openssl", "ocsp", "-respin", place / "ocsp" / f"{name}.der", "-no_nonce"),
        *("-issuer", place / "cpo_sub2.pem", "-cert", place / folder / f"{name}.pem"),
        *("-CAfile", place / "v2g_root.pem", "-verify_other", place / "secc_chain.pem"),
    )
    assert status == 0, text
    assert "Response verify OK" in text
    assert f": {word}" in text


def test_keys_are_for_their_owner_only_and_fit_their_certificates(pki):
    keys = list(pki.rglob("*.key")) + list(pki.rglob("*Password.txt"))
    assert len(keys) > 50
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for chain in pki.rglob("*_chain.pem"):
        context.load_cert_chain(chain, chain.with_name(chain.name.replace("_chain.pem", ".key")))


def test_the_other_layout_opens_with_its_password(pki):
    place = pki / "iso15118_2"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for chain, key in (("cpoCertChain", "seccLeaf"), ("oemCertChain", "oemLeaf")):
        password = (place / "private_keys" / f"{key}Password.txt").read_text().strip()
        assert password.encode() == PASSWORD
        context.load_cert_chain(
            place / "certs" / f"{chain}.pem", place / "private_keys" / f"{key}.key", password=password
        )
    assert (place / "certs" / "v2gRootCACert.pem").read_text() == (pki / "iso2" / "v2g_root.pem").read_text()


def test_the_readme_names_every_file(pki):
    text = (pki / "README.txt").read_text()
    place, named = "", set()
    for line in text.splitlines():
        if line and not line.startswith(" ") and line.split()[0].endswith("/"):
            place = line.split()[0]
        elif line.startswith("  ") and place:
            named.add(place + line.split()[0])
    held = {path.relative_to(pki).as_posix() for path in pki.rglob("*") if path.is_file()}
    assert held - {"README.txt"} == named


def test_show_tells_what_a_chain_is(pki, capsys):
    assert cli.main(["pki", "show", str(pki / "iso2" / "contract_chain.pem")]) == 0
    text = capsys.readouterr().out
    assert "CN=DETSTC00000001, DC=MO" in text
    assert "issued by  CN=Mobility Operator Sub-CA 2" in text
    assert "usage      digitalSignature, nonRepudiation, keyEncipherment, keyAgreement" in text
    assert "root       CN=Mobility Operator Root CA, DC=MO (mo_root.pem)" in text
    assert "wrong" not in text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("iso2/bad/secc_expired_chain.pem", "wrong      expired on "),
        ("iso20/bad/vehicle_not_yet_valid.pem", "wrong      is valid from "),
        ("iso20_ed448/bad/secc_expired_sub_chain.pem", "wrong      expired on "),
        ("iso2/ocsp/contract_revoked.der", "status     revoked"),
    ],
)
def test_show_tells_what_is_wrong(pki, capsys, path, said):
    assert cli.main(["pki", "show", str(pki / path)]) == 1
    assert said in capsys.readouterr().out


def test_show_knows_the_other_files(pki, capsys):
    paths = ("iso2/secc.key", "iso2/crl/cpo_sub2.der", "iso15118_2/certs/seccLeafCert.der")
    assert cli.main(["pki", "show", *(str(pki / path) for path in paths)]) == 0
    text = capsys.readouterr().out
    assert "secc.key: a private key of secp256r1, in the clear" in text
    assert "cpo_sub2.der: what CN=CPO Sub-CA 2, DC=V2G has revoked" in text
    assert "0  CN=DE*ABC*E123456, DC=CPO" in text
    assert cli.main(["pki", "show", str(pki / "iso15118_2/private_keys/seccLeaf.key")]) == 0
    assert "encrypted with a password" in capsys.readouterr().out


def test_a_chain_in_the_wrong_order_or_of_strangers_is_told(pki):
    chain = load_chain((pki / "iso2" / "secc_chain.pem").read_bytes())
    assert [(p.rule, p.index) for p in problems(chain)] == []
    swapped = problems([chain[0], chain[2], chain[1]])
    assert {"order", "path-length"} <= {problem.rule for problem in swapped}
    other = load_chain((pki / "iso2" / "bad" / "secc_wrong_root_chain.pem").read_bytes())
    assert [(p.rule, p.index) for p in problems([chain[0], *other[1:]])] == [("signature", 0)]
    leaf_on_top = problems([chain[0], chain[0]])
    assert "authority" in {problem.rule for problem in leaf_on_top}
    late = problems(chain, datetime.now(timezone.utc) + timedelta(days=80))
    assert [(p.rule, p.severity) for p in late] == [("expires-soon", "note")]


def test_cases_exist_for_every_leaf(pki):
    for standard, name in LEAVES:
        for case in CASES:
            assert (pki / standard / "bad" / f"{name}_{case.key}_chain.pem").is_file()


def test_nothing_is_overwritten_and_nonsense_is_refused(pki, tmp_path, capsys):
    assert cli.main(["pki", "new", str(pki)]) == 2
    assert "is not empty: name a new folder, keys are never overwritten" in capsys.readouterr().err
    (tmp_path / "x.pem").write_text("nothing")
    assert cli.main(["pki", "show", str(tmp_path / "x.pem")]) == 2
    assert "no certificate, CRL, OCSP response or key" in capsys.readouterr().err
    assert cli.main(["pki", "show", str(tmp_path / "absent")]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
    assert cli.main(["pki", "new", str(tmp_path / "y"), "--standard", "iso20", "--layout", "josev"]) == 2
    assert "needs the certificates of ISO 15118-2" in capsys.readouterr().err
