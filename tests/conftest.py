"""Fixtures and the markers' prerequisites.

A marked test runs where its prerequisite is present and is skipped with the reason elsewhere. ``SECC_KERNEL_REQUIRE``
(names of markers, separated by commas) turns the skips of these groups into failures: CI names what it has provided.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import schemas
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SECC_KERNEL_SHARED", ROOT.parent / "shared"))
PEER_PYTHON = Path(os.environ.get("SECC_KERNEL_PEER_PYTHON", ROOT / ".venv-peer" / "bin" / "python"))
SLAC_PEER_PYTHON = Path(os.environ.get("SECC_KERNEL_SLAC_PEER", ROOT / ".venv-peer-slac" / "bin" / "python"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Tests leave nothing in the user's folders, and do not find there what another version compiled.
os.environ.setdefault("SECC_KERNEL_CACHE", "")

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


def _lacks_netem() -> str:
    if not shutil.which("tc") or not shutil.which("unshare"):
        return "needs iproute2 and unshare"
    bad = ["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]
    made = subprocess.run(bad, capture_output=True, check=False)
    return "" if made.returncode == 0 else "may not emulate bad networks, or the system's kernel cannot (sch_netem)"


def _lacks_java() -> str:
    if not shutil.which("java"):
        return "needs Java"
    if not PEER_PYTHON.exists():
        return f"no Python with the iso15118 package at {PEER_PYTHON} (set SECC_KERNEL_PEER_PYTHON)"
    found = subprocess.run([PEER_PYTHON, "-c", "import iso15118, aiofile, psutil"], capture_output=True, check=False)
    return "" if found.returncode == 0 else f"{PEER_PYTHON} lacks iso15118, aiofile or psutil"


def _lacks_pyslac() -> str:
    if not SLAC_PEER_PYTHON.exists():
        return f"no Python with the pyslac package at {SLAC_PEER_PYTHON} (set SECC_KERNEL_SLAC_PEER)"
    found = subprocess.run([SLAC_PEER_PYTHON, "-c", "import pyslac.session, scapy"], capture_output=True, check=False)
    return "" if found.returncode == 0 else f"{SLAC_PEER_PYTHON} lacks pyslac or scapy"


def _lacks_schemas() -> str:
    return schemas.obtain(PEER_PYTHON)[1]


def _lacks_browser() -> str:
    if not any(map(shutil.which, BROWSERS)):
        return "needs Chromium"
    lacking = [name for name in ("playwright", "jupyterlab") if not find_spec(name)]
    return f"needs {' and '.join(lacking)}" if lacking else ""


def _lacks_tshark() -> str:
    return "" if shutil.which("tshark") else "needs tshark"


def _lacks_compiled() -> str:
    from secc_kernel import codec

    return "" if codec.compiled else "the codec's extension is not built (make compiled), or SECC_KERNEL_PURE is set"


#: marker -> what its tests lack here ('' when nothing); asked at most once a run, and only when such a test is chosen.
PREREQUISITES: dict[str, Callable[[], str]] = {
    "shared": functools.cache(_lacks_shared),
    "root": functools.cache(_lacks_root),
    "netns": functools.cache(_lacks_netns),
    "netem": functools.cache(_lacks_netem),
    "java": functools.cache(_lacks_java),
    "pyslac": functools.cache(_lacks_pyslac),
    "schemas": functools.cache(_lacks_schemas),
    "browser": functools.cache(_lacks_browser),
    "compiled": functools.cache(_lacks_compiled),
    "tshark": functools.cache(_lacks_tshark),
}


#: fixture -> marker of the tests that use it.
FIXTURES = {"shared": pytest.mark.shared, "schema_files": pytest.mark.schemas}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for name, marker in FIXTURES.items():
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


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
def schema_files() -> Path:
    """The folder of the standards' schemas; tests that use it are skipped where they cannot be had."""
    folder, reason = schemas.obtain(PEER_PYTHON)
    if folder is None:
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def oracle(shared: Path, schema_files: Path) -> Iterator[Callable[[str], schemas.Oracle]]:
    """An independent EXI codec by vocabulary (tests that use it are marked ``java``); each is started once."""
    if not shutil.which("javac"):
        pytest.skip("needs a Java compiler")
    started: dict[str, schemas.Oracle] = {}

    def of(vocabulary: str) -> schemas.Oracle:
        if vocabulary not in started:
            started[vocabulary] = schemas.Oracle(shared / "tools/exi_oracle/exi_oracle", schema_files, vocabulary)
        return started[vocabulary]

    yield of
    for running in started.values():
        running.close()


@pytest.fixture(scope="session")
def peer_python() -> Path:
    """The Python that has the independent iso15118 package (tests that use it are marked ``java``)."""
    return PEER_PYTHON


@pytest.fixture(scope="session")
def slac_peer_python() -> Path:
    """The Python that has the independent pyslac package (tests that use it are marked ``pyslac``)."""
    return SLAC_PEER_PYTHON


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Chromium's executable (tests that use it are marked ``browser``)."""
    return next(path for path in map(shutil.which, BROWSERS) if path)
