"""Damaged and random input for the codec: nothing but DecodeError and EncodeError, quickly, in bounded memory.

Messages of all vocabularies, made from the declarations and taken from the reference material where it is, are damaged
and go through everything that reads what others wrote. Two engines do the damage: ``damage``, random and quick, and
``coverage``, atheris, which keeps what reaches new code. An input that breaks a promise is printed as a call to repeat.

Usage: make fuzz ARGS="--inputs 10000000 --engine damage"
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("", "tests", "tests/support")]

LIMIT = 0.050
"""Seconds of the processor for any one call."""

GROWTH = 64 * 1024
"""KiB by which the process may grow after warming up."""

TRACE, XML, IDENTIFY, TABLE = 8, 16, 64, 1024
"""One input of so many goes through what is slower than decoding."""


class BrokenPromiseError(Exception):
    """What an input did that none may."""


class Checks:
    """Puts inputs through the codec and keeps count."""

    def __init__(self, limit: float = LIMIT) -> None:
        from secc_kernel import codec
        from secc_kernel.messages import vocabulary

        self.limit = limit
        self.codec = codec
        self.vocabulary = vocabulary
        self.inputs = 0
        self.outcomes: Counter[str] = Counter()
        self.slowest = (0.0, "")

    def call(self, text: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """The call's result, or None if it raised what it may; measured, and again if it seemed slow."""
        taken, result = self._measured(text, function, *arguments)
        for _ in range(2):
            if taken > self.limit:  # the collector, or types compiled on first use
                taken = min(taken, self._measured(text, function, *arguments)[0])
        if taken > self.slowest[0]:
            self.slowest = (taken, text)
        if taken > self.limit:
            raise BrokenPromiseError(f"{taken * 1000:.0f} ms")
        return result

    def _measured(self, text: str, function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
        started = time.thread_time()
        try:
            result = function(*arguments)
        except (self.codec.DecodeError, self.codec.EncodeError):
            result = None
        except Exception as error:
            raise BrokenPromiseError(f"{text} raised {error!r}") from error
        return time.thread_time() - started, result

    def stream(self, exi: bytes, schema: str, fragment: bool) -> None:
        """Everything that may be done with a stream."""
        number = self.inputs = self.inputs + 1
        message = self.call("decode", self.codec.decode, exi, schema, fragment)
        self.outcomes["decoded" if message is not None else "refused"] += 1
        if number % TRACE == 0:
            self.call("trace", self.vocabulary(schema).codec.trace, exi, fragment)
        if number % IDENTIFY == 0:
            self.call("identify", self.codec.identify, exi, True)
        if number % TABLE == 0:
            self.call("trace as a table", self.codec.trace, exi, schema, fragment)
        if message is not None:
            self.message(message)

    def message(self, message: Any) -> None:
        """What decoded can be looked at and written; what was written is read as the same."""
        self.call("to_xml", message.to_xml)
        self.call("findings", lambda: (message.name, message.session_id, message.findings))
        again = self.call("encode", self.codec.encode, message)
        if again is not None:
            back = self.call("decode again", self.codec.decode, again, message.schema, message.fragment)
            if back != message:
                raise BrokenPromiseError(f"was written as {again.hex()}, which reads differently")

    def xml(self, text: bytes, schema: str, fragment: bool) -> None:
        """A damaged XML text."""
        self.inputs += 1
        message = self.call("from_xml", self.codec.from_xml, text, schema, fragment)
        self.outcomes["XML read" if message is not None else "XML refused"] += 1
        if message is not None:
            self.message(message)


# -- damage -----------------------------------------------------------------------------------------------------------


def damaged(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """A stream with a few bits or bytes changed, moved, cut, or replaced by another's."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if not found:
            return bytes(found)
        kind, at = chance.randrange(8), chance.randrange(len(found))
        if kind < 3:
            found[at] ^= 1 << chance.randrange(8)
        elif kind == 3:
            found[at] = chance.choice((0x00, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif kind == 4:
            del found[at:]
        elif kind == 5:
            del found[at : at + chance.randrange(1, 9)]
        elif kind == 6:
            found[at:at] = chance.choice((b"\x00", b"\xff", b"\x80")) * chance.randrange(1, 12)
        else:
            found[at:] = other[chance.randrange(len(other) + 1) :]
    return bytes(found)


def random_stream(chance: random.Random) -> bytes:
    """No message at all; zeros and ones lead further into the grammars than evenly mixed bits."""
    length = int(2 ** chance.uniform(0, 9))
    bits = chance.getrandbits(8 * length)
    for _ in range(chance.randrange(3)):
        bits = bits & chance.getrandbits(8 * length) if chance.random() < 0.5 else bits | chance.getrandbits(8 * length)
    return b"\x80" * (chance.random() < 0.8) + bits.to_bytes(length, "big")


def damage(checks: Checks, streams: list[Any], options: argparse.Namespace) -> int:
    """Random damage until the inputs or the seconds are used up; returns the number of failures."""
    chance = random.Random(options.seed)
    started = told = time.monotonic()
    size = 0
    failures = 0
    while checks.inputs < options.inputs and time.monotonic() - started < options.seconds:
        schema, fragment, data = chance.choice(streams)
        other = chance.choice(streams).exi
        if chance.random() < 0.02:  # what is meant for another grammar
            schema, fragment = chance.choice(streams)[:2]
        exi = random_stream(chance) if chance.random() < 0.1 else damaged(chance, data, other)
        call = f'codec.decode(bytes.fromhex("{exi.hex()}"), "{schema}", fragment={fragment})'
        try:
            checks.stream(exi, schema, fragment)
            if checks.inputs % XML == 0 and (source := _xml(checks, data, schema, fragment)):
                text = damaged(chance, source, b"<x/>&#0;\xff" + source)
                call = f'codec.from_xml({text!r}, "{schema}", fragment={fragment})'
                checks.xml(text, schema, fragment)
        except BrokenPromiseError as failure:
            failures += 1
            print(f"{failure}\n    {call}", flush=True)
        if checks.inputs == 2000:
            size = _size()
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(_figures(checks, told - started, failures), flush=True)
    print(_figures(checks, time.monotonic() - started, failures), flush=True)
    if size and (grown := _size() - size) > GROWTH:
        print(f"the process has grown by {grown // 1024} MiB")
        failures += 1
    return failures


def _xml(checks: Checks, exi: bytes, schema: str, fragment: bool) -> bytes:
    try:
        return checks.codec.decode(exi, schema, fragment).to_xml().encode()
    except checks.codec.DecodeError:
        return b""


def _size() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _figures(checks: Checks, seconds: float, failures: int) -> str:
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(checks.outcomes.items()))
    taken, call = checks.slowest
    return (
        f"{checks.inputs} inputs in {seconds:.0f} s ({outcomes}): {failures} failures, "
        f"slowest call {taken * 1000:.1f} ms ({call}), {_size() // 1024} MiB at most"
    )


# -- coverage ---------------------------------------------------------------------------------------------------------


def coverage(options: argparse.Namespace) -> None:
    """Atheris: the first byte chooses vocabulary and grammar, the rest is the stream. Ends the process."""
    import os
    import tempfile

    import atheris

    os.environ["SECC_KERNEL_PURE"] = "1"  # nothing is known of what is reached in C

    with atheris.instrument_imports(include=["secc_kernel"]):
        import secc_kernel.codec  # noqa: F401 (instrumented as it is imported)
    from corpus import LONGEST, made, recorded

    from secc_kernel.messages import SCHEMAS

    checks = Checks(limit=10 * LIMIT)  # code that keeps count of what it reaches is slower
    grammars = [(schema, fragment) for schema in SCHEMAS for fragment in (False, True)]

    def one(data: bytes) -> None:
        if data:
            schema, fragment = grammars[data[0] % len(grammars)]
            checks.stream(data[1:], schema, fragment)

    folder = Path(tempfile.mkdtemp(prefix="secc-kernel-fuzz-"))
    for number, stream in enumerate((*made(options.made, options.seed), *recorded())):
        first = grammars.index((stream.schema, stream.fragment))
        (folder / str(number)).write_bytes(bytes([first]) + stream.exi)
    arguments = [f"-seed={options.seed or 1}", f"-max_len={LONGEST}", f"-artifact_prefix={folder}/", "-timeout=5"]
    if options.inputs != float("inf"):
        arguments.append(f"-runs={int(options.inputs)}")
    if options.seconds != float("inf"):
        arguments.append(f"-max_total_time={int(options.seconds)}")
    print(f"corpus and findings in {folder}", flush=True)
    atheris.Setup([sys.argv[0], *arguments, str(folder)], one)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=float, default=float("inf"), help="end after so many inputs")
    parser.add_argument("--seconds", type=float, help="end after so many seconds (60, unless --inputs are given)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed does the same damage")
    parser.add_argument("--made", type=int, default=60, help="messages of each vocabulary to start from")
    parser.add_argument("--engine", choices=("damage", "coverage"), help="coverage where atheris is installed")
    options = parser.parse_args()
    if options.seconds is None:
        options.seconds = 60.0 if options.inputs == float("inf") else float("inf")
    engine = options.engine or ("coverage" if importlib.util.find_spec("atheris") else "damage")
    print(f"engine {engine}, seed {options.seed}", flush=True)
    if engine == "coverage":
        coverage(options)
    from corpus import made, recorded

    streams = [*made(options.made, options.seed), *recorded()]
    checks = Checks()
    loops = "C" if checks.codec.compiled else "Python"
    print(f"{len(streams)} streams to start from, the codec's loops in {loops}", flush=True)
    for schema, fragment, exi in streams:  # compiles the types, which is no input's fault
        _xml(checks, exi, schema, fragment)
    gc.collect()
    gc.freeze()
    return 1 if damage(checks, streams, options) else 0


if __name__ == "__main__":
    sys.exit(main())
