"""Lua tables as a notebook shows them: records as a table, everything else as a tree to fold.

Built of the same blocks as the views, so it looks like them, and survives where they do: no script, no style sheet.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from secc_kernel.lua.picture import LuaTable, brief, field_name, left_out, line, scalar
from secc_kernel.views.look import Block, Column, Fold, Para, Pre, Span, Table, counted

__all__ = ["blocks", "records"]

#: Characters of a table that is shown on a line of its parent's, and of a cell.
_LEAF = 60
#: Columns of a table of records.
_COLUMNS = 30
#: Tables inside of a table that are open at first.
_OPEN = 3


def blocks(value: Any) -> Iterator[Block]:
    """A value of a cell as blocks."""
    if isinstance(value, LuaTable) and len(value):
        yield _fold(value, "", is_open=True)
    else:
        yield Pre(line(value))


def records(table: LuaTable) -> Table | None:
    """A list of tables with the same fields, or one with a name for each, as a table of rows; None for any other."""
    rows = list(table)
    if len(rows) < 2 or (table.fields and table.listed) or not all(_is_record(value) for _, value in rows):
        return None
    names = sorted({key for _, value in rows for key, _ in value.fields})
    # Of an optional field some rows have none; tables that differ more are no records.
    if len(names) > _COLUMNS or any(len(value.fields) * 2 < len(names) for _, value in rows):
        return None
    found = [dict(value.fields) for _, value in rows]
    if any(isinstance(item, LuaTable) and not _is_leaf(item) for fields in found for item in fields.values()):
        return None
    columns = [Column("", align="right" if table.listed else "left", mono=True)]
    for name in names:
        numbers = all(_is_number(each[name]) for each in found if name in each)
        columns.append(Column(name, align="right" if numbers else "left", mono=True, flexible=not numbers))
    cells: list[tuple[str, ...] | str] = [
        (_key(key, bool(table.listed)), *(_cell(each[name]) if name in each else "" for name in names))
        for (key, _), each in zip(rows, found, strict=True)
    ]
    if table.skipped:
        cells.insert(table.head, left_out(table.skipped, "row", table.listed))
    if table.more:
        cells.append(left_out(table.more, "row", table.fields))
    return Table(tuple(columns), cells)


def _is_record(value: Any) -> bool:
    return (
        isinstance(value, LuaTable)
        and bool(value.fields)
        and not (value.listed or value.skipped or value.more or value.repeated)
        and all(isinstance(key, str) for key, _ in value.fields)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_leaf(value: Any) -> bool:
    return not isinstance(value, LuaTable) or not len(value) or len(line(value)) <= _LEAF


def _key(key: Any, listed: bool) -> str:
    return str(key) if listed or isinstance(key, str) else scalar(key)


def _cell(value: Any) -> str:
    """A value in a table of records: text without quotation marks, as its column tells what it is."""
    return value if isinstance(value, str) and value else line(value)


def _fold(table: LuaTable, name: str, is_open: bool) -> Fold:
    summary = [Span(name, "mono"), f" {_count(table)}"] if name else [_count(table)]
    found = records(table)
    return Fold(Para.of(*summary), (found,) if found else tuple(_tree(table)), is_open)


def _count(table: LuaTable) -> str:
    items = len(table.listed) + table.skipped
    fields = len(table.fields) + table.more
    parts = [counted(count, thing) for count, thing in ((items, "item"), (fields, "field")) if count]
    return f"{table.name or 'table'} of {' and '.join(parts)}"


def _tree(table: LuaTable) -> Iterator[Block]:
    """The items: neighbours that fit on a line in a table of names and values, each other one as a fold."""
    shown: list[tuple[Any, Any] | str] = list(table)
    if table.skipped:
        shown.insert(table.head, left_out(table.skipped, "item", table.listed))
    if table.more:
        shown.append(left_out(table.more, "field", table.fields))
    folds = sum(not _is_leaf(value) for _, value in table)
    for flat, group in groupby(shown, lambda each: isinstance(each, str) or _is_leaf(each[1])):
        if flat:
            rows = [each if isinstance(each, str) else (_name(each[0]), line(each[1])) for each in group]
            yield Table((Column("", mono=True), Column("", mono=True, flexible=True)), rows, titles=False)
        else:
            for key, value in (each for each in group if not isinstance(each, str)):
                yield _fold(value, _name(key), is_open=folds <= _OPEN)


def _name(key: Any) -> str:
    return brief(f"[{key}]" if isinstance(key, int) and not isinstance(key, bool) else field_name(key), _LEAF)
