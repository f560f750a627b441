import subprocess
import sys

import pytest

import secc_kernel


def test_the_facade_is_lazy():
    script = (
        "import sys, secc_kernel\n"
        "before = {name for name in sys.modules if name.startswith('secc_kernel.')}\n"
        "assert callable(secc_kernel.read_capture) and secc_kernel.codec.decode and secc_kernel.Journal\n"
        "print(sorted(before))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_its_names_are_listed_and_others_refused():
    assert set(secc_kernel.__all__) <= set(dir(secc_kernel))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = secc_kernel.nothing
