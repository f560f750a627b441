"""List the V2G messages of capture files.

A row a message, in the order of the frames, with the columns file, frame (the one that completes the message), time,
stream, src, dst, payload_type, payload_length, schema, message, exi (hex), xml and error. The table leaves out the xml;
the other formats have every column. What is missing or damaged in a capture is said on the error stream.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from secc_kernel.commands import CommandError
from secc_kernel.link.capture import CaptureError, iterate
from secc_kernel.session.journal import FindingEntry, FrameEntry
from secc_kernel.session.tables import MESSAGE_COLUMNS, message_row

Row = dict[str, Any]
Writer = Callable[[Row], object]

#: Rows of a Parquet row group: enough to compress well, few enough to keep in memory.
_PARQUET_ROWS = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="pcap or pcapng, also compressed by gzip")
    parser.add_argument("--format", choices=sorted(_FORMATS), default="table", help="of the rows (table)")
    parser.add_argument("--output", "-o", metavar="FILE", help="write there instead of to the standard output")
    parser.add_argument("--quiet", "-q", action="store_true", help="say nothing about what is missing or damaged")


def main(arguments: argparse.Namespace) -> int:
    """Decode the files; 2 if any of them could not be read."""
    failed = False
    names = _names(arguments.files)
    with _output(arguments.output) as file, _FORMATS[arguments.format](file) as write:
        for path in arguments.files:
            try:
                _decode(path, names[path], write, arguments.quiet)
            except CaptureError as error:
                failed = True
                print(f"secc-kernel decode: {error}", file=sys.stderr)
    return 2 if failed else 0


def _names(paths: list[str]) -> dict[str, str]:
    """What the column `file` says of each: the file's name, or all that was given where two have the same."""
    count = Counter(Path(path).name for path in set(paths))
    return {path: name if count[name := Path(path).name] == 1 else path for path in paths}


def _decode(path: str, name: str, write: Writer, quiet: bool) -> None:
    for entry in iterate(path):
        if isinstance(entry, FrameEntry):
            if entry.layer == "v2gtp":
                write(dict(zip(MESSAGE_COLUMNS, message_row(name, entry), strict=True)))
        elif isinstance(entry, FindingEntry) and not quiet:
            print(f"{name}: {entry.severity}: {entry.text} [{entry.rule}]", file=sys.stderr)


@contextmanager
def _output(path: str | None) -> Iterator[IO[bytes]]:
    if path is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(path).open("wb"))
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror or error}") from error
        yield file


@contextmanager
def _table(file: IO[bytes]) -> Iterator[Writer]:
    """Columns of fixed width, because the rows are written as they are found."""

    def write(row: Row) -> None:
        time = datetime.fromtimestamp(row["time"], timezone.utc)
        cells = (
            f"{row['file'][-24:]:<24}",
            f"{row['frame']:>7}",
            f"{time:%Y-%m-%d %H:%M:%S.%f}",
            f"{row['stream']:>3}",
            f"{row['src']:<36}",
            f"{row['dst']:<36}",
            f"0x{row['payload_type']:04X}",
            f"{row['payload_length']:>6}",
            f"{row['schema'] or '?':<12}",
            f"{row['message'] or row['error']:<32}",
            row["exi"],
        )
        file.write("  ".join(cells).encode() + b"\n")

    titles = [f"{'file':<24}", f"{'frame':>7}", f"{'time (UTC)':<26}", "str", f"{'src':<36}", f"{'dst':<36}"]
    titles += ["type  ", "length", f"{'schema':<12}", f"{'message':<32}", "exi"]
    file.write("  ".join(titles).encode() + b"\n")
    yield write


@contextmanager
def _jsonl(file: IO[bytes]) -> Iterator[Writer]:
    encode = json.JSONEncoder().encode
    yield lambda row: file.write(encode(row).encode() + b"\n")


@contextmanager
def _csv(file: IO[bytes]) -> Iterator[Writer]:
    class Lines:
        def write(self, text: str) -> None:
            file.write(text.encode("utf-8", "backslashreplace"))

    writer = csv.DictWriter(Lines(), MESSAGE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    yield writer.writerow


@contextmanager
def _parquet(file: IO[bytes]) -> Iterator[Writer]:
    if file.isatty():
        raise CommandError("Parquet is no text for a terminal: name a file with --output")
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise CommandError("the format parquet needs pyarrow: pip install 'secc-kernel[parquet]'") from None
    kinds = dict.fromkeys(MESSAGE_COLUMNS, pa.string())
    kinds |= {"frame": pa.int64(), "time": pa.float64(), "stream": pa.int32()}
    kinds |= {"payload_type": pa.int32(), "payload_length": pa.int64()}
    schema = pa.schema(list(kinds.items()))
    rows: list[Row] = []

    with pq.ParquetWriter(file, schema) as writer:

        def flush() -> None:
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows.clear()

        def write(row: Row) -> None:
            rows.append(row)
            if len(rows) >= _PARQUET_ROWS:
                flush()

        yield write
        flush()


_FORMATS = {"table": _table, "jsonl": _jsonl, "csv": _csv, "parquet": _parquet}
