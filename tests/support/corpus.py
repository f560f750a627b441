"""Streams to start from: messages and fragments made from the declarations, and those of the reference material."""

from __future__ import annotations

import gzip
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from strategies import fragments, messages

from secc_kernel import codec
from secc_kernel.codec import Message
from secc_kernel.messages import SCHEMAS

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SECC_KERNEL_SHARED", ROOT.parent / "shared"))
LONGEST = 4096


class Stream(NamedTuple):
    """An EXI stream and how to read it."""

    schema: str
    fragment: bool
    exi: bytes


def drawn(strategy: st.SearchStrategy[Message], count: int, number: int) -> list[Message]:
    """So many examples of a strategy, always the same ones for a seed's number."""
    found: list[Message] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        derandomize=False,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(message: Message) -> None:
        found.append(message)

    collect()
    return found


def made(count: int, number: int) -> list[Stream]:
    """So many messages, and half as many fragments, of each vocabulary."""
    found = []
    for key in SCHEMAS:
        both = [*drawn(messages(key), count, number), *drawn(fragments(key), count // 2, number)]
        found += [Stream(key, m.fragment, codec.encode(m)) for m in both]
    return [stream for stream in found if len(stream.exi) <= LONGEST]


def recorded() -> list[Stream]:
    """Streams of real devices and of other implementations; none where there is no reference material."""
    found = {stream: None for stream in _recorded() if len(stream.exi) <= LONGEST}
    return list(found)


def _recorded() -> Iterator[Stream]:
    for row in _rows(SHARED / "vectors/exi_vectors.jsonl"):
        yield Stream(row["schema"], row.get("fragment", False), bytes.fromhex(row["exi"]))
    for row in _rows(SHARED / "vectors/edge_cases.jsonl"):
        exi = bytes.fromhex(row["exi"])
        best = codec.identify(exi, fragments=True)[0]
        yield Stream(best.schema, best.fragment, exi)
    for path in sorted((SHARED / "captures").glob("*/expected.jsonl.gz")):
        for row in itertools.islice(_rows(path), 0, None, 7):
            if row.get("exi") and row.get("schema") in SCHEMAS:
                yield Stream(row["schema"], False, bytes.fromhex(row["exi"]))


def _rows(path: Path) -> Iterator[dict]:
    if path.exists():
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            yield from map(json.loads, lines)
