from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))


@pytest.fixture(scope="session")
def exi() -> SimpleNamespace:
    from packets import EXI

    return EXI


@pytest.fixture
def connection() -> type[Any]:
    from packets import Connection

    return Connection


@pytest.fixture
def pcap() -> Callable[..., bytes]:
    from packets import pcap_of

    return pcap_of


@pytest.fixture
def capture_file(tmp_path: Path, pcap: Callable[..., bytes]) -> Callable[..., Path]:
    """Writes packets, or bytes as they are, into a file."""

    def write(content: Iterable[bytes] | bytes, name: str = "made.pcap", compress: bool = False, **how: object) -> Path:
        data = content if isinstance(content, bytes) else pcap(content, **how)
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if compress else data)
        return path

    return write
