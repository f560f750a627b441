"""Views of a whole journal: its messages, their values over time, and how fast each answer was."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from secc_kernel.exi.declare import ComplexType
from secc_kernel.views.fields import Leaf, key_fields, physical, quantities
from secc_kernel.views.look import Block, Column, Para, Span, Table, counted, duration, limited
from secc_kernel.views.reading import Reading, marked, merge, since_start
from secc_kernel.views.view import View

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pandas import DataFrame

    from secc_kernel.session.journal import FindingEntry, Journal


def messages(journal: Journal) -> View:
    """A line a message: when, who, what, its key fields, its findings. Of many alike in a row, only some are shown.

    ``data``: ``journal.messages()``.
    """
    noted: defaultdict[int | None, list[FindingEntry]] = defaultdict(list)
    for finding in journal.findings:
        noted[finding.message].append(finding)
    columns = [
        Column("i", "right"),
        Column("Time", "right"),
        Column("Direction"),
        Column("Message"),
        Column("Key fields", flexible=True),
        Column("Bytes", "right"),
    ]

    readings = [Reading(journal, i) for i in range(len(journal.frames))]
    remarks = [merge(reading.message, noted[reading.index]) for reading in readings]

    def cells(reading: Reading) -> tuple[str, ...]:
        message = reading.message
        words = Counter(remark.word for remark in remarks[reading.index])
        return (
            str(reading.index),
            f"{reading.time:.3f} s",
            reading.direction,
            reading.name,
            key_fields(message, 46) if message else reading.entry.error or "",
            str(len(reading.entry.data)),
            ", ".join(f"{marked(word)} ({count})" for word, count in words.items()),
        )

    def alike(reading: Reading) -> Hashable:
        kind = reading.entry.name.removesuffix("Req").removesuffix("Res")
        return kind, reading.entry.error, tuple(remarks[reading.index])

    rows = limited(readings, cells, alike)
    if any(remarks):
        columns.append(Column("Findings"))
    else:
        rows = [row if isinstance(row, str) else row[:-1] for row in rows]
    found = sum(map(len, remarks)) + len(noted[None])
    title = Para.of(Span(counted(len(readings), "message"), "strong"), f", {counted(found, 'finding')}")
    # What is not about one message: a gap in a capture, a journal that was cut off.
    others = [Para.of(f"{marked(entry.severity)}: {entry.text} ({entry.rule})") for entry in noted[None]]
    return View([*_titled(title, Table(tuple(columns), rows)), *others], journal.messages)


def timing(journal: Journal) -> View:
    """A line a request: how long its answer took, what the standard allows, and the verdict (ISO 15118-2, 8.7).

    An answer after the *performance time* is late, which is a matter of quality; the EV gives up at the *timeout*. Of
    many alike in a row, only some are shown.

    ``data``: ``journal.timing()`` with the units in the columns' names.
    """
    table = journal.timing()
    columns = (
        Column("i", "right"),
        Column("Request"),
        Column("Response"),
        Column("Time", "right"),
        Column("Latency", "right"),
        Column("Performance", "right"),
        Column("Timeout", "right"),
        Column("Verdict"),
    )

    def cells(row: Any) -> tuple[str, ...]:
        times = (row.latency, row.performance, row.timeout)
        shown = ["" if time != time else duration(time) for time in times]  # NaN: not known
        moment = f"{since_start(journal, row.time):.3f} s"
        response = row.response if isinstance(row.response, str) else "none"
        return (str(row.Index), row.request, response, moment, *shown, marked(row.verdict))

    rows = limited(list(table.itertuples()), cells, lambda row: (row.request, row.response, row.verdict), ends=1)
    verdicts = Counter(table["verdict"])
    summary = ", ".join(f"{count} {marked(verdict)}" for verdict, count in verdicts.items()) or "none"
    title = Para.of(Span("Timing", "strong"), f" of {counted(len(table), 'request')}: {summary}")
    in_seconds = {name: f"{name} (s)" for name in ("time", "latency", "performance", "timeout")}
    return View(_titled(title, Table(columns, rows)), lambda: table.rename(columns=in_seconds))


def fields(journal: Journal, name: str) -> View:
    """The values of every message of one name, over time: ``fields(journal, "CurrentDemandReq")``.

    Fields that never change are not shown as columns but once.

    ``data``: a row a message and a column a field, named by its path joined with ``_`` as in the Lua functions.
    Physical values are numbers, their unit is in the column's name: ``EVTargetVoltage (V)``.

    Raises
    ------
    ValueError
        The journal has no message of this name.
    """
    found = {i: entry.message for i, entry in enumerate(journal.frames) if entry.name == name and entry.message}
    if not found:
        there = sorted({entry.name for entry in journal.frames} - {""})
        near = difflib.get_close_matches(name, there, 1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(there) or 'no messages'}"
        raise ValueError(f"the journal has no {name}; {hint}")
    times = {i: journal.frames[i].time for i in found}
    values: dict[str, dict[int, Any]] = defaultdict(dict)
    for i, message in found.items():
        for leaf in quantities(message):
            title, value = _value(leaf)
            values[title][i] = value

    constant = {title: of for title, of in values.items() if len(found) > 1 and _constant(of, len(found))}
    varying = {title: of for title, of in values.items() if title not in constant}

    def cells(i: int) -> tuple[str, ...]:
        held = ("" if (value := of.get(i)) is None else _shown(value) for of in varying.values())
        return (str(i), f"{since_start(journal, times[i]):.3f} s", *held)

    columns = (Column("i", "right"), Column("Time", "right"), *(Column(title, "right") for title in varying))
    blocks: list[Block] = [
        Para.of(Span(name, "strong"), f": {counted(len(found), 'message')}"),
        Table(columns, limited(list(found), cells, lambda i: i, limit=24)),
    ]
    if constant:
        said = " · ".join(f"{title} {_shown(next(iter(of.values())))}".rstrip() for title, of in constant.items())
        blocks.append(Para.of(f"In all of them: {said}"))
    return View(blocks, lambda: _field_data(times, values))


def _constant(values: dict[int, Any], messages: int) -> bool:
    return len(values) == messages and len(set(values.values())) == 1


def _titled(title: Para, table: Table) -> list[Block]:
    return [title, table] if table.rows else [title]


def _value(leaf: Leaf) -> tuple[str, Any]:
    """A field's column and its value: bool, int, Decimal or text."""
    title = "_".join(leaf.path)
    if isinstance(leaf.value, ComplexType):
        number = physical(leaf.value)
        if number is None:
            return title, ""
        return (f"{title} ({number[1]})" if number[1] else title), number[0]
    if leaf.type is not None and leaf.type.unit:
        title += f" ({leaf.type.unit})"
    return title, leaf.value if isinstance(leaf.value, int) else leaf.shown


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _field_data(times: dict[int, float], values: dict[str, dict[int, Any]]) -> DataFrame:
    import pandas as pd

    kinds = {bool: "boolean", int: "Int64", Decimal: "float64"}
    index = pd.Index(list(times), name="i", dtype="int64")
    columns = {"time (s)": pd.Series(list(times.values()), index=index, dtype="float64")}
    for title, held in values.items():
        kind = kinds.get(type(next(iter(held.values()))), "str")
        columns[title] = pd.Series([held.get(i) for i in times], index=index, dtype=kind)
    return pd.DataFrame(columns)
