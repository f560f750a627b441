import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))


@pytest.fixture(scope="session")
def sessions():
    """(mode, state of the sequence) -> the requests of a whole session that lead there."""
    from lone_secc import recorded

    states = {}
    for energy in ("AC", "DC", "DIN"):
        so_far = []
        for state, exi in recorded(energy):
            states.setdefault((energy, state), list(so_far))
            so_far.append(exi)
    return states
