"""Fixtures and the markers' prerequisites.

A marked test runs where its prerequisite is present and is skipped with the reason elsewhere. ``SECC_KERNEL_REQUIRE``
(names of markers, separated by commas) turns the skips of these groups into failures: CI names what it has provided.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SECC_KERNEL_SHARED", ROOT.parent / "shared"))
PEER_PYTHON = Path(os.environ.get("SECC_KERNEL_PEER_PYTHON", ROOT / ".venv-peer" / "bin" / "python"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Two cores and a shared machine: a slow example is no failure, and the same examples run each time.
settings.register_profile("repository", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("repository")


def _lacks_shared() -> str:
    return "" if SHARED.is_dir() else f"no reference captures and vectors at {SHARED} (set SECC_KERNEL_SHARED)"


def _lacks_root() -> str:
    return "" if os.geteuid() == 0 else "needs root"


def _lacks_netns() -> str:
    if not shutil.which("ip") or not shutil.which("unshare"):
        return "needs iproute2 and unshare"
    made = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return "" if made.returncode == 0 else "may not create network namespaces"


def _lacks_java() -> str:
    if not shutil.which("java"):
        return "needs Java"
    if not PEER_PYTHON.exists():
        return f"no Python with the iso15118 package at {PEER_PYTHON} (set SECC_KERNEL_PEER_PYTHON)"
    found = subprocess.run([PEER_PYTHON, "-c", "import iso15118, aiofile, psutil"], capture_output=True, check=False)
    return "" if found.returncode == 0 else f"{PEER_PYTHON} lacks iso15118, aiofile or psutil"


def _lacks_browser() -> str:
    if not any(map(shutil.which, BROWSERS)):
        return "needs Chromium"
    return "" if find_spec("playwright") else "needs playwright"


def _lacks_tshark() -> str:
    return "" if shutil.which("tshark") else "needs tshark"


#: marker -> what its tests lack here ('' when nothing); asked at most once a run, and only when such a test is chosen.
PREREQUISITES: dict[str, Callable[[], str]] = {
    "shared": functools.cache(_lacks_shared),
    "root": functools.cache(_lacks_root),
    "netns": functools.cache(_lacks_netns),
    "java": functools.cache(_lacks_java),
    "browser": functools.cache(_lacks_browser),
    "tshark": functools.cache(_lacks_tshark),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)


def pytest_runtest_setup(item: pytest.Item) -> None:
    required = {name for name in os.environ.get("SECC_KERNEL_REQUIRE", "").split(",") if name}
    for marker, lacks in PREREQUISITES.items():
        if item.get_closest_marker(marker) and (reason := lacks()):
            if marker in required:
                pytest.fail(f"the group {marker!r} is required here, but: {reason}", pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference captures and vectors; tests that use it are skipped where it is not."""
    if reason := _lacks_shared():
        pytest.skip(reason)
    return SHARED


@pytest.fixture(scope="session")
def peer_python() -> Path:
    """The Python that has the independent iso15118 package (tests that use it are marked ``java``)."""
    return PEER_PYTHON


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Chromium's executable (tests that use it are marked ``browser``)."""
    return next(path for path in map(shutil.which, BROWSERS) if path)
