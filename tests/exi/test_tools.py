"""The long checks, a moment each: `make fuzz` and `make crosscheck` run them for as long as one likes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def run(script, *arguments, **environment):
    return subprocess.run(
        [sys.executable, SCRIPTS / script, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_damaged_input_breaks_no_promise():
    done = run("fuzz.py", "--engine", "damage", "--seconds", "8", "--made", "8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ": 0 failures" in done.stdout


@pytest.mark.skipif(not shutil.which("javac"), reason="needs javac")
@pytest.mark.usefixtures("shared", "schema_files")
def test_random_messages_agree_with_the_independent_codec():
    done = run("crosscheck.py", "--messages", "120", "--seed", "1", "--schema", "iso2", "--schema", "iso20_dc")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "120 messages, 0 differences" in done.stdout


def test_crosscheck_says_what_it_lacks(tmp_path):
    done = run("crosscheck.py", SECC_KERNEL_SHARED=str(tmp_path))
    assert done.returncode == 2
    assert "SECC_KERNEL_SHARED" in done.stdout
