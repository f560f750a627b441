"""Commands are meant to have a process of their own; here they share one with all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))


@pytest.fixture(autouse=True)
def _plots_stay_off_screen(monkeypatch):
    """`run` sets the backend of plots for its process: what it finds set it leaves, and this is taken back."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
