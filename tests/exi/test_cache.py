"""Compiled code on disk: found again, and never worth an error."""

import os
import subprocess
import sys

import pytest

from secc_kernel.exi.cache import CodeCache, folder

SOURCE = "def answer(n, r):\n    return n * 6, r\n"


def run(code):
    space = {}
    exec(code, space)
    return space["answer"](7, 0)[0]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The folder of the files."""
    monkeypatch.setenv("SECC_KERNEL_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def compiled(monkeypatch):
    """Sources as they are compiled."""
    found = []
    monkeypatch.setattr(
        "secc_kernel.exi.cache.compile", lambda *args: found.append(args[0]) or compile(*args), raising=False
    )
    return found


def test_what_one_process_compiled_the_next_one_finds(kept, compiled):
    first = CodeCache(["urn:a"])
    assert run(first.code(SOURCE, "<answer>")) == 42
    assert not kept.exists()  # nothing is written while there is work to do
    first.write()
    assert run(CodeCache(["urn:a"]).code(SOURCE, "<answer>")) == 42
    assert compiled == [SOURCE]


def test_other_declarations_find_nothing_old(kept, compiled):
    first = CodeCache(["urn:a"])
    first.code(SOURCE, "<answer>")
    first.write()
    assert run(CodeCache(["urn:a"]).code(SOURCE.replace("6", "5"), "<answer>")) == 35
    assert run(CodeCache(["urn:b"]).code(SOURCE, "<answer>")) == 42
    assert len(compiled) == 3


def test_what_two_processes_compiled_is_kept_of_both(kept, compiled):
    one, other = CodeCache(["urn:a"]), CodeCache(["urn:a"])
    one.code(SOURCE, "<one>")
    other.code(SOURCE, "<other>")
    one.write()
    other.write()
    third = CodeCache(["urn:a"])
    third.code(SOURCE, "<one>")
    third.code(SOURCE, "<other>")
    assert len(compiled) == 2
    assert len(list(kept.iterdir())) == 1  # no temporary file stays


@pytest.mark.parametrize(
    "harm", [lambda d: d[:-1], lambda d: d[:-1] + bytes([d[-1] ^ 1]), lambda d: b"", lambda d: d[:7]]
)
def test_a_damaged_file_is_as_none(kept, compiled, harm):
    first = CodeCache(["urn:a"])
    first.code(SOURCE, "<answer>")
    first.write()
    (path,) = kept.iterdir()
    path.write_bytes(harm(path.read_bytes()))
    again = CodeCache(["urn:a"])
    assert run(again.code(SOURCE, "<answer>")) == 42
    again.write()
    CodeCache(["urn:a"]).code(SOURCE, "<answer>")
    assert len(compiled) == 2  # the second time because of the damage; after that the file is good


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX")
def test_code_from_a_folder_that_others_may_write_is_not_run(kept, compiled):
    first = CodeCache(["urn:a"])
    first.code(SOURCE, "<answer>")
    first.write()
    kept.chmod(0o777)
    CodeCache(["urn:a"]).code(SOURCE, "<answer>")
    assert len(compiled) == 2


def test_where_nothing_can_be_written_nothing_fails(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for place in (str(tmp_path / "file" / "below"), "/proc/nowhere", ""):
        monkeypatch.setenv("SECC_KERNEL_CACHE", place)
        cache = CodeCache(["urn:a"])
        assert run(cache.code(SOURCE, "<answer>")) == 42
        cache.write()


def test_the_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv("SECC_KERNEL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == tmp_path / "secc-kernel"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, says the specification of these folders
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert folder() == tmp_path / "home" / ".cache" / "secc-kernel"


def test_a_new_process_compiles_nothing(kept):
    """Reading and writing one message, in two processes one after the other."""
    script = (
        "import secc_kernel.exi.cache as c; n = []; "
        "c.compile = lambda *a: n.append(a) or compile(*a); "
        "from secc_kernel import codec; "
        "exi = bytes.fromhex('809802306986f7ab7e919551e0a0452d48a9510cc4a9254d3cc4a8c0c0c480'); "
        "codec.encode(codec.decode(exi, 'iso2')); "
        "print(len(n))"
    )
    environment = os.environ | {"SECC_KERNEL_PURE": "1"}
    counts = [
        int(subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True).stdout)
        for _ in range(2)
    ]
    assert counts[0] > 0
    assert counts[1] == 0
