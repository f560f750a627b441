"""What happened in a part of a journal, in a few lines: how many messages of which kind, how long, what was found."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from secc_kernel.session.journal import FindingEntry, FrameEntry
from secc_kernel.views.look import Block, Column, Either, Fold, Para, Span, Table, counted, duration
from secc_kernel.views.plugged import plugged
from secc_kernel.views.reading import marked, since_start
from secc_kernel.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame

    from secc_kernel.session.journal import Journal

_SEVERITIES = ("error", "warning", "note")
#: Findings that are shown; the others are behind a line.
_SHOWN = 3


def run(journal: Journal, first: int = 0, last: int | None = None, title: str = "", outcome: str = "") -> View:
    """What happened: the messages by kind, the time that they took, and the findings by severity.

    Parameters
    ----------
    journal : Journal
        The record.
    first, last : int
        Its entries: from, and up to but not including; by default all.
    title, outcome : str
        What was asked for, and how it came out.

    ``data``: the rows of ``journal.messages()``.
    """
    entries = journal.entries[first:last]
    frames = [entry for entry in entries if isinstance(entry, FrameEntry) and entry.layer == "v2gtp"]
    start = next((n for n in range(len(journal.frames) - 1, -1, -1) if frames and journal.frames[n] is frames[0]), 0)
    findings = [entry for entry in entries if isinstance(entry, FindingEntry)]
    headline = [Span(title, "strong"), ": " if title else "", outcome] if outcome else [Span(title, "strong")]
    blocks: list[Block] = [Para.of(*headline)] if title or outcome else []
    names = [entry.name or "undecodable" for entry in frames]
    if before := plugged(journal.entries, first, last):
        blocks.append(Para.of(before))
    if frames:
        took = duration(frames[-1].time - frames[0].time)
        blocks.append(Para.of(f"{counted(len(frames), 'message')} in {took}: {_kinds(names)}"))
    elif not blocks:
        blocks.append(Para.of("no message was exchanged"))
    blocks += _findings(findings)
    if frames:
        blocks.append(Fold(Para.of("the messages in their order"), (_table(journal, frames, names, start),)))
    return View(_without_folds(blocks), lambda: _data(journal, start, len(frames)))


def _without_folds(blocks: list[Block]) -> list[Block]:
    """What text cannot fold it leaves out: the journal has it."""
    return [Either((block,), ()) if isinstance(block, Fold) else block for block in blocks]


def _kinds(names: Sequence[str]) -> str:
    """How many of each kind, a request and its response together, the first that came first."""
    count = Counter(names)
    kinds = dict.fromkeys(name.removesuffix("Req").removesuffix("Res") for name in names)
    said = []
    for kind in kinds:
        requests, responses = count[f"{kind}Req"], count[f"{kind}Res"]
        most = max(requests, responses)
        if requests and responses and abs(requests - responses) > 1:
            said.append(f"{kind}Req ×{requests} and {kind}Res ×{responses}")
        elif requests and responses:  # a run may begin or end between the two
            said.append(f"{kind} ×{most}" if most > 1 else kind)
        else:
            name = next(name for name in (f"{kind}Req", f"{kind}Res", kind) if count[name])
            said.append(f"{name} ×{count[name]}" if count[name] > 1 else name)
    return ", ".join(said)


def _findings(findings: Sequence[FindingEntry]) -> list[Block]:
    """How many findings of each severity, and the first of them, the worst first; the others are behind a line."""
    if not findings:
        return []
    count = Counter(entry.severity for entry in findings)
    said = ", ".join(counted(count[severity], severity) for severity in _SEVERITIES if count[severity])
    ordered = sorted(findings, key=lambda entry: _SEVERITIES.index(entry.severity))
    unlike = list({entry.text: entry for entry in ordered}.values())
    lines = [
        Para.of(
            f"  {marked(entry.severity)}: {entry.text}",
            *([] if entry.message is None else [f" (message {entry.message})"]),
        )
        for entry in unlike
    ]
    shown: list[Block] = [Para.of(f"{said}:"), *lines[:_SHOWN]]
    if len(lines) > _SHOWN:
        shown.append(Fold(Para.of(f"{len(lines) - _SHOWN} more"), tuple(lines[_SHOWN:])))
    return shown


def _table(journal: Journal, frames: Sequence[FrameEntry], names: Sequence[str], start: int) -> Table:
    """The messages in order, a line for each run of one kind."""
    rows = []
    at = 0
    for kind, members in groupby(names, lambda name: name.removesuffix("Req").removesuffix("Res")):
        size = len(list(members))
        begin, end = since_start(journal, frames[at].time), since_start(journal, frames[at + size - 1].time)
        span = str(start + at) if size == 1 else f"{start + at}-{start + at + size - 1}"
        rows.append((span, kind if size > 1 else names[at], str(size), f"{begin:.3f} s", duration(end - begin)))
        at += size
    columns = (
        Column("i"),
        Column("Messages", flexible=True),
        Column("Number", "right"),
        Column("From", "right"),
        Column("Took", "right"),
    )
    return Table(columns, rows, names=False)


def _data(journal: Journal, start: int, count: int) -> DataFrame:
    return journal.messages().iloc[start : start + count]
