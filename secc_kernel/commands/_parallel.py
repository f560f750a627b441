"""Several captures decoded at the same time, a process each, and their rows in the order of the files.

A process writes the rows of its file into a part on disk: the output waits for its turn, not the process, and no memory
does. The part whose turn it is is handed on while it is being written.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, NamedTuple

from secc_kernel.commands import CommandError
from secc_kernel.commands._progress import Progress
from secc_kernel.commands._rows import FORMATS, Sink
from secc_kernel.commands.decode import Job, decode_file

#: How often a part that is being written is looked at, in seconds.
_PAUSE = 0.1


class _Part(NamedTuple):
    job: Job
    number: int
    format: str
    rows: Path
    remarks: Path


class _StopError(Exception):
    """Nobody wants the part any more."""


def decode_parallel(
    jobs: Sequence[Job], processes: int, sink: Sink, format_: str, folder: Path | None, progress: Progress
) -> bool:
    """Decode files in processes and write their rows in order.

    Parameters
    ----------
    jobs
        The files.
    processes
        How many at a time.
    sink, format_
        Where the rows go, and its name in `FORMATS`.
    folder
        Where the parts lie until then; None for the system's place for such files.
    progress
        Is told how much has been read, and prints the remarks.

    Returns
    -------
    bool
        Whether all files could be read.

    Raises
    ------
    CommandError
        A process was killed.
    """
    context = get_context("spawn")  # a fork would copy whatever threads a library has
    read = context.Array("q", len(jobs), lock=False)
    stop = context.Event()
    with (
        tempfile.TemporaryDirectory(prefix=".secc-kernel-", dir=folder) as name,
        ProcessPoolExecutor(processes, context, _begin, (read, stop)) as pool,
    ):
        parts = [
            _Part(job, number, format_, Path(name, f"{number}.rows"), Path(name, f"{number}.remarks"))
            for number, job in enumerate(jobs)
        ]
        try:
            futures = [pool.submit(_decode_part, part) for part in parts]
            good = [_hand_on(*item, sink, read, progress) for item in zip(parts, futures, strict=True)]
        except BrokenProcessPool:
            raise CommandError("a process was killed, probably for its memory: try again with --jobs 1") from None
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
    return all(good)


def _hand_on(part: _Part, future: Future[bool], sink: Sink, read: Any, progress: Progress) -> bool:
    """Wait for a part, and write what it has."""
    part.rows.touch()
    with part.rows.open("rb") as rows:
        while not future.done():
            if sink.grows:
                sink.append(rows)
            progress.update(sum(read))
            wait((future,), _PAUSE)
        good = future.result()
        sink.append(rows)
    progress.update(sum(read))
    with part.remarks.open(encoding="utf-8") as remarks:
        for line in remarks:
            progress.say(line.rstrip("\n"))
    part.rows.unlink()
    part.remarks.unlink()
    return good


#: In a process of the pool: how much of each file has been read, and whether to stop.
_shared: tuple[Any, Any]


def _begin(read: Any, stop: Any) -> None:
    """What a process of the pool does first."""
    global _shared
    _shared = read, stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and says when to stop
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _decode_part(part: _Part) -> bool:
    """Decode a file into its part; False if it could not be read."""
    read, stop = _shared

    def progress(done: int) -> None:
        read[part.number] = done
        if stop.is_set():
            raise _StopError

    with (
        part.rows.open("wb") as rows,
        part.remarks.open("w", encoding="utf-8", errors="backslashreplace") as remarks,
        FORMATS[part.format](rows, part=True) as sink,
    ):
        return decode_file(part.job, sink, lambda line: remarks.write(line + "\n"), progress)
