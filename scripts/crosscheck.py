"""Random messages of all vocabularies against the independent codec, EXIficient.

Each message is made from the declarations. Its stream must be the one that the independent codec makes of its XML, and
that stream must decode here to the same message and XML. Every third one goes through the fragment grammar.

Usage: make crosscheck ARGS="--messages 50000 --seed 7"
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("", "tests", "tests/support")]

BATCH = 500
SHOWN = 10


def differences(message: Any, oracle: Any) -> list[str]:
    """What the two codecs do not agree on; empty if they agree."""
    from secc_kernel import codec

    xml = message.to_xml()
    # XML has one form of empty content, general EXI processors' own; this gives the message in that form.
    message = codec.from_xml(xml, message.schema, message.fragment)
    found = []
    if message.to_xml() != xml:
        found.append("XML read and written again differs")
    ours = codec.encode(message)
    theirs = oracle.encode(xml, "f" if message.fragment else "")
    if theirs is None:
        return [*found, "the independent codec refuses the XML"]
    if ours != theirs:
        found.append(f"ours   {ours.hex()}\n    theirs {theirs.hex()}")
    try:
        back = codec.decode(theirs, message.schema, message.fragment)
    except codec.DecodeError as error:
        return [*found, f"their stream {theirs.hex()} does not decode: {error}"]
    if back != message:
        found.append(f"their stream {theirs.hex()} decodes to another message: {back!r}")
    return found


def check(key: str, oracle: Any, count: int, seed: int) -> tuple[int, int, int]:
    """Messages checked, streams that they made, and differences of one vocabulary."""
    from corpus import drawn
    from strategies import fragments, messages

    from secc_kernel import codec

    done = wrong = 0
    streams = set()
    while done < count:
        size = min(BATCH, count - done)
        number = seed * 1_000_003 + done  # each batch has a seed of its own
        batch = drawn(messages(key, xml=True), size - size // 3, number)
        batch += drawn(fragments(key, xml=True), size // 3, number)
        if not batch:
            break
        for message in batch:
            done += 1
            streams.add(codec.encode(message))
            if found := differences(message, oracle):
                wrong += 1
                if wrong <= SHOWN:
                    kind = "fragment" if message.fragment else "message"
                    print(f"{key}, {kind} {message.name}:", *found, message.to_xml(), sep="\n    ", flush=True)
    return done, len(streams), wrong


def main() -> int:
    import schemas

    from secc_kernel.messages import SCHEMAS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=22_500, help="how many over all vocabularies")
    parser.add_argument("--seed", type=int, help="the same seed makes the same messages; fresh ones without")
    parser.add_argument("--schema", action="append", choices=SCHEMAS, help="only this vocabulary; may be repeated")
    options = parser.parse_args()
    shared = Path(os.environ.get("SECC_KERNEL_SHARED", ROOT.parent / "shared"))
    tool = shared / "tools/exi_oracle/exi_oracle"
    if not tool.exists():
        print(f"no independent codec at {tool}: set SECC_KERNEL_SHARED to the folder of the reference material")
        return 2
    if not shutil.which("java") or not shutil.which("javac"):
        print("the independent codec needs java and javac, 17 or newer (openjdk-17-jdk-headless)")
        return 2
    peer = Path(os.environ.get("SECC_KERNEL_PEER_PYTHON", ROOT / ".venv-peer/bin/python"))
    files, reason = schemas.obtain(peer)
    if files is None:
        print(f"{reason}: set SECC_KERNEL_SCHEMAS to a folder that {shared / 'tools/get_schemas'} has written")
        return 2
    seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)
    keys = options.schema or SCHEMAS
    print(f"seed {seed}", flush=True)
    total = different = 0
    for position, key in enumerate(keys):
        count = options.messages // len(keys) + (position < options.messages % len(keys))
        oracle = schemas.Oracle(tool, files, key)
        started = time.monotonic()
        try:
            done, streams, wrong = check(key, oracle, count, seed)
        finally:
            oracle.close()
        total, different = total + done, different + wrong
        seconds = time.monotonic() - started
        print(f"{key:13} {done:6} messages ({streams} streams), {wrong} differences, {seconds:.0f} s", flush=True)
    print(f"{total} messages, {different} differences")
    return 1 if different or not total else 0


if __name__ == "__main__":
    sys.exit(main())
