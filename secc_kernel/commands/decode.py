"""List SLAC, SDP and V2G messages of captures and journals.

As a table, which is for people: one timeline of all three, in which runs that differ in nothing but their numbers are
folded, and at the end of each file a line for each plug-in (matching and attenuation, security, protocol, energy, how
it ended); --summary shows only these. The other formats have a row a V2G message, in the order of the frames, with
the columns file, frame (the one that completes the message; none in a journal), time, stream, src, dst, payload_type,
payload_length, schema, message, exi (hex), xml and error; --layers adds rows of the other layers. What is missing or
damaged is said on the error stream.

The format pcapng is another thing: it makes a capture for Wireshark of a journal (or of a capture), which can be
decoded as any other and has everything that the journal has.

Several files are decoded at the same time and written in the order in which they are given. Files may be larger than
the memory.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from secc_kernel.commands import CommandError
from secc_kernel.commands._progress import Progress
from secc_kernel.commands._rows import FORMATS, Sink, Table
from secc_kernel.commands._timeline import LAYERS, Timeline, layer_of
from secc_kernel.link.capture import CaptureError, iterate
from secc_kernel.session.journal import Entry, FindingEntry, FrameEntry, JournalError, is_journal, recorded
from secc_kernel.session.tables import frame_row

#: The format that is no rows: packets, for Wireshark.
_PCAPNG = "pcapng"
#: Bytes that are worth a process of their own, which needs a moment to start.
_BYTES_A_PROCESS = 1 << 22
#: The layers that a table shows unless others are asked for.
SHOWN = frozenset(("slac", "sdp", "v2gtp"))
#: Those of the other formats.
_LISTED = frozenset(("v2gtp",))


class Job(NamedTuple):
    """A file to decode.

    Attributes
    ----------
    path
        As it was given.
    name
        What the column `file` says.
    quiet
        Whether nothing is to be said about what is missing or damaged.
    layers
        Which of `LAYERS` are asked for; None for all that there is, and an empty set for those of the format.
    summary
        Whether only the plug-ins are asked for.
    keylog
        The file with the secrets of its TLS connections.
    """

    path: str
    name: str
    quiet: bool
    layers: frozenset[str] | None = frozenset()
    summary: bool = False
    keylog: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="pcap or pcapng, also compressed by gzip; or a journal"
    )
    parser.add_argument(
        "--format",
        choices=sorted((*FORMATS, _PCAPNG)),
        help="of the rows, or pcapng for Wireshark (by the ending of --output: .csv, .jsonl, .parquet, .pcapng; else "
        "table)",
    )
    parser.add_argument(
        "--layers",
        type=layers_argument,
        default=frozenset(),
        metavar="LAYERS",
        help=f"which rows: {', '.join(LAYERS)} or all, separated by commas (a table: slac,sdp,v2gtp; others: v2gtp)",
    )
    parser.add_argument("--summary", action="store_true", help="show only the plug-ins, a line each")
    parser.add_argument(
        "--keylog", metavar="FILE", help="the secrets of TLS connections (a key log), where the captures have none"
    )
    parser.add_argument("--output", "-o", metavar="FILE", help="write there instead of to the standard output")
    parser.add_argument(
        "--jobs", "-j", type=_count, metavar="N", help="processes that decode files at the same time (one a core)"
    )
    parser.add_argument(
        "--quiet", "-q", action="store_true", help="show no progress and say nothing about what is missing or damaged"
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one process is needed")
    return number


def layers_argument(text: str) -> frozenset[str] | None:
    """The layers that an argument names; None for all that there is."""
    chosen = frozenset(name.strip() for name in text.split(","))
    if chosen == {"all"}:
        return None
    if unknown := chosen - set(LAYERS):
        known = ", ".join((*LAYERS, "all"))
        raise argparse.ArgumentTypeError(f"there is no layer {', '.join(sorted(unknown))}: there are {known}")
    return chosen


def main(arguments: argparse.Namespace) -> int:
    """Decode the files; 2 if any of them could not be read."""
    names = _names(arguments.files)
    how = arguments.quiet, arguments.layers, arguments.summary, arguments.keylog
    jobs = [Job(path, names[path], *how) for path in arguments.files]
    sizes = [_size(path) for path in arguments.files]
    processes = _processes(arguments.jobs, sizes)
    format_ = arguments.format or _format_of(arguments.output)
    if format_ == _PCAPNG:
        return _write_capture(arguments)
    if arguments.summary and format_ != "table":
        raise CommandError(f"--summary is text: leave --format {format_} away, or ask Journal.plug_ins() in Python")
    with (
        _output(arguments.output, arguments.files) as file,
        FORMATS[format_](file, part=arguments.summary) as sink,
        # Where the rows are printed, they are the progress.
        Progress(sum(filter(None, sizes)), sys.stderr, not arguments.quiet and not file.isatty()) as progress,
    ):
        if processes == 1:
            good = _decode_in_turn(jobs, sizes, sink, progress)
        else:
            from secc_kernel.commands._parallel import decode_parallel

            folder = None if arguments.output is None else Path(arguments.output).absolute().parent
            good = decode_parallel(jobs, processes, sink, format_, folder, progress)
    return 0 if good else 2


def _format_of(path: str | None) -> str:
    """The format that a file's ending names; that for people otherwise."""
    ending = Path(path or "").suffix[1:].lower()
    return ending if ending in FORMATS or ending == _PCAPNG else "table"


def _write_capture(arguments: argparse.Namespace) -> int:
    """Write a file as a capture instead of rows."""
    from secc_kernel.link.export import entries_of, export

    path, *others = arguments.files
    if others or _size(path) is None:
        raise CommandError("--format pcapng writes one capture of one file, which is read twice (no pipe)")
    if arguments.summary or arguments.layers != frozenset():
        raise CommandError("--format pcapng writes everything: leave --summary and --layers away")
    with _output(arguments.output, arguments.files) as file:
        if file.isatty():
            raise CommandError("pcapng is no text for a terminal: name a file with --output")
        try:
            export(entries_of(path, arguments.keylog), Path(path).name, file)
        except (CaptureError, JournalError) as error:
            raise CommandError(f"{error}") from None
    return 0


def _names(paths: list[str]) -> dict[str, str]:
    """What the column `file` says of each: the file's name, or all that was given where two have the same."""
    count = Counter(Path(path).name for path in set(paths))
    return {path: name if count[name := Path(path).name] == 1 else path for path in paths}


def _size(path: str) -> int | None:
    """Bytes of a file; 0 if it cannot be read, None if it is a pipe, which has no size and can be opened once."""
    try:
        return os.stat(path).st_size if os.path.isfile(path) or not os.path.exists(path) else None
    except OSError:
        return 0


def _processes(asked: int | None, sizes: list[int | None]) -> int:
    """How many processes are to decode: as many as asked for, or as are of use."""
    if None in sizes:
        return 1
    if asked is None:
        asked = min(_cores(), 1 + sum(filter(None, sizes)) // _BYTES_A_PROCESS)
    return min(asked, len(sizes))


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _decode_in_turn(jobs: list[Job], sizes: list[int | None], sink: Sink, progress: Progress) -> bool:
    good = True
    before = 0
    for job, size in zip(jobs, sizes, strict=True):

        def update(done: int, before: int = before) -> None:
            progress.update(before + done)

        good = decode_file(job, sink, progress.say, update) and good
        before += size or 0
    return good


def decode_file(
    job: Job, sink: Sink, remark: Callable[[str], object], progress: Callable[[int], object] | None = None
) -> bool:
    """Write the rows of a file.

    Parameters
    ----------
    job
        The file.
    sink
        Where the rows go.
    remark
        Called with a line about what is missing or damaged.
    progress
        Called now and then with the number of bytes that have been read.

    Returns
    -------
    bool
        Whether the file could be read.
    """
    # A pipe can be opened once, and a journal is a file.
    journal = os.path.isfile(job.path) and is_journal(job.path)
    entries = recorded if journal else partial(iterate, keylog=job.keylog)
    take, finish = _for_people(job, sink) if isinstance(sink, Table) else _for_machines(job, sink)
    try:
        for entry in entries(job.path, progress=progress):
            take(entry)
            if isinstance(entry, FindingEntry) and not job.quiet:
                remark(f"{job.name}: {entry.severity}: {entry.text} [{entry.rule}]")
        finish()
    except (CaptureError, JournalError) as error:
        remark(f"secc-kernel decode: {error}")
        return False
    return True


def _for_people(job: Job, sink: Sink) -> tuple[Callable[[Entry], object], Callable[[], object]]:
    """What takes the entries for a table, and what ends it."""
    layers = SHOWN if job.layers == frozenset() else job.layers
    timeline = Timeline(job.name, layers, sink.text, rows=not job.summary)
    return timeline.take, timeline.finish


def _for_machines(job: Job, sink: Sink) -> tuple[Callable[[Entry], object], Callable[[], object]]:
    """As `_for_people`, for the other formats."""
    layers = _LISTED if job.layers == frozenset() else job.layers

    def take(entry: Entry) -> None:
        if isinstance(entry, FrameEntry) and (layers is None or layer_of(entry) in layers):
            sink.write(frame_row(job.name, entry))

    return take, lambda: None


@contextmanager
def _output(path: str | None, sources: list[str]) -> Iterator[IO[bytes]]:
    if path is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    with ExitStack() as stack:
        try:
            if os.path.exists(path) and any(
                os.path.exists(other) and os.path.samefile(path, other) for other in sources
            ):
                raise CommandError(f"{path} is one of the files to decode: name another with --output")
            file = stack.enter_context(Path(path).open("wb"))
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror or error}") from error
        yield file
