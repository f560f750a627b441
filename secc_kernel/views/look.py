"""The one look of all views: a view is written once, as blocks, and rendered to HTML and to plain text.

The HTML has to survive where notebooks are read: JupyterLab in a light or a dark theme, GitHub (which drops styles and
scripts), nbviewer, print. So structure carries the meaning (tables with header cells, ``<details>``, words and marks
beside each other), colours are inherited, and inline styles only make it prettier. Nothing here is heavier than a
string: pandas is not needed to show a message.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

__all__ = [
    "WIDTH",
    "Beside",
    "Block",
    "Column",
    "Either",
    "Fold",
    "Para",
    "Pre",
    "Span",
    "Table",
    "counted",
    "duration",
    "limited",
    "to_html",
    "to_text",
    "visible",
]

#: No line of a text form is longer than this.
WIDTH = 120

# Characters that would vanish, break the markup or reorder the line around them: controls (but for tab and newline),
# zero-width and bidirectional formatting characters, lone surrogates.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

# Between the columns of a text table, and how narrow one may become before others are left out.
_GAP = "  "
_NARROWEST = 12

# A grey that has enough contrast as a line, not as text, on white and on black.
_LINE = "1px solid rgba(128,128,128,.45)"
_CELL = "padding:.15em .6em;vertical-align:top;"
_PRE = "margin:.3em 0;line-height:1.45;"
_SUMMARY = "cursor:pointer;padding-left:1.2em;text-indent:-1.2em"
# Long lines break between words if that is possible at all (JupyterLab's own style breaks them anywhere), or scroll.
_WRAP = "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
_SCROLL = "white-space:pre;overflow-x:auto"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line: plain, strong, or in a monospaced font."""

    text: str
    style: Literal["", "strong", "mono"] = ""


@dataclass(frozen=True, slots=True)
class Para:
    """One line of running text."""

    spans: tuple[Span, ...]

    @classmethod
    def of(cls, *pieces: str | Span) -> Para:
        """Make a line of strings and spans."""
        return cls(tuple(piece if isinstance(piece, Span) else Span(piece) for piece in pieces))


@dataclass(frozen=True, slots=True)
class Pre:
    """Text that keeps its line breaks, in a monospaced font."""

    content: str
    #: Whether HTML may wrap its lines; where they hold columns they scroll instead.
    wrap: bool = True


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    align: Literal["left", "right"] = "left"
    mono: bool = False
    #: Whether it gives way where there is too little room: cells wrap in HTML and are cut in text.
    flexible: bool = False
    #: Whether cells that are cut keep their end, as paths should: they begin alike.
    path: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text cells. A row that is a plain string spans all columns (rows left out are noted so)."""

    columns: tuple[Column, ...]
    rows: Sequence[tuple[str, ...] | str]
    caption: str = ""
    #: Whether the titles of the columns are shown; a table of names and values needs none.
    titles: bool = True
    #: Whether the first column names its row.
    names: bool = True


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks behind a line that opens them (``<details>``)."""

    summary: Para
    blocks: tuple[Block, ...]
    open: bool = False


@dataclass(frozen=True, slots=True)
class Beside:
    """Blocks side by side where there is room, otherwise one below the other."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Blocks of which HTML and plain text, which cannot fold or wrap cells, have different ones."""

    html: tuple[Block, ...]
    text: tuple[Block, ...]


Block = Para | Pre | Table | Fold | Beside | Either


def visible(text: str) -> str:
    """Text with each character that could not be seen replaced by one that can (NUL by ␀, others by their escape)."""
    return _INVISIBLE.sub(_picture, text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\u{code:04x}"


def counted(number: int, thing: str) -> str:
    """A number of things: ``'1 message'``, ``'2 messages'``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def duration(seconds: float) -> str:
    """A duration to read: ``'25 ms'``, ``'1.5 s'``, ``'60 s'``."""
    if abs(seconds) >= 0.9995:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    return f"{seconds * 1000:.1f}".rstrip("0").rstrip(".") + " ms"


Row = TypeVar("Row")


def limited(
    rows: Sequence[Row],
    render: Callable[[Row], tuple[str, ...]],
    alike: Callable[[Row], Hashable],
    *,
    ends: int = 2,
    limit: int = 120,
) -> list[tuple[str, ...] | str]:
    """Cells of the rows that are worth reading, and a line for those left out, with their number.

    Of a run of rows that are alike, only its ends are shown (``ends`` rows each): a vehicle polls a hundred times and
    then does something else. What remains is cut to ``limit`` rows, the beginning and the end of it.
    """
    kinds = [alike(row) for row in rows]
    kept = [n for n in range(len(rows)) if not _inside_run(kinds, n, ends)]
    if len(kept) > limit:
        kept = kept[: limit * 3 // 4] + kept[len(kept) - limit // 4 :]
    cells: list[tuple[str, ...] | str] = []
    previous = -1
    for n in kept:
        missing = n - previous - 1
        if missing == 1:  # the row itself takes no more room than the line that it is missing
            cells.append(render(rows[n - 1]))
        elif missing:
            like = " like these" if len(set(kinds[previous : n + 1])) == 1 else f"; .data has all {len(rows)}"
            cells.append(f"… {missing} more{like}")
        cells.append(render(rows[n]))
        previous = n
    return cells


def _inside_run(kinds: Sequence[Hashable], n: int, ends: int) -> bool:
    """Whether row ``n`` and the ``ends`` rows on both sides of it, and one more at least, are of one kind."""
    before, after = kinds[max(n - ends, 0) : n], kinds[n + 1 : n + ends + 1]
    return len(before) == len(after) == ends and set(before) | set(after) == {kinds[n]}


# HTML


def to_html(blocks: Iterable[Block]) -> str:
    """The blocks as one HTML fragment: no script, no style sheet, no id."""
    return f'<div style="text-align:left">{"".join(map(_block_html, blocks))}</div>'


def _block_html(block: Block) -> str:
    if isinstance(block, Para):
        return f'<p style="margin:.3em 0">{_spans_html(block.spans)}</p>'
    if isinstance(block, Pre):
        style = _PRE + (_WRAP if block.wrap else _SCROLL)
        return f'<pre style="{style}">{_escape(block.content)}</pre>'
    if isinstance(block, Table):
        return _table_html(block)
    if isinstance(block, Beside):
        inner = "".join(f"<div>{_block_html(each)}</div>" for each in block.blocks)
        return f'<div style="display:flex;flex-wrap:wrap;column-gap:2em">{inner}</div>'
    if isinstance(block, Either):
        return "".join(map(_block_html, block.html))
    inner = "".join(map(_block_html, block.blocks))
    return (
        f'<details style="margin:.3em 0"{" open" if block.open else ""}>'
        f'<summary style="{_SUMMARY}">{_spans_html(block.summary.spans)}</summary>'
        f'<div style="margin:.2em 0 .6em .45em;padding-left:.9em;border-left:{_LINE}">{inner}</div></details>'
    )


def _escape(text: str) -> str:
    return _html.escape(visible(text))


def _spans_html(spans: Iterable[Span]) -> str:
    return "".join(map(_span_html, spans))


def _span_html(span: Span) -> str:
    text = _escape(span.text)
    if span.style == "strong":
        return f"<b>{text}</b>"
    if span.style == "mono":
        return f'<samp style="{_WRAP}">{text}</samp>'
    return text


def _table_html(table: Table) -> str:
    caption = f"<caption{_CAPTION}><b>{_escape(table.caption)}</b></caption>" if table.caption else ""
    head = ""
    if table.titles:
        cells = (f'<th scope="col"{_cell_style(each)}>{_escape(each.title)}</th>' for each in table.columns)
        head = f"<thead><tr>{''.join(cells)}</tr></thead>"
    body = "".join(_row_html(table, row) for row in table.rows)
    style = f"border-collapse:collapse;border:{_LINE};margin:.4em 0;text-align:left"
    return f'<table style="{style}">{caption}{head}<tbody>{body}</tbody></table>'


_CAPTION = ' style="caption-side:top;text-align:left;padding:.15em 0"'


def _cell_style(column: Column) -> str:
    wrap = "" if column.flexible else ";white-space:nowrap"
    return f' style="{_CELL}border:{_LINE};text-align:{column.align}{wrap}"'


def _row_html(table: Table, row: tuple[str, ...] | str) -> str:
    if isinstance(row, str):
        return f'<tr><td colspan="{len(table.columns)}"{_cell_style(Column(""))}><i>{_escape(row)}</i></td></tr>'
    cells = []
    for number, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
        content = _span_html(Span(cell, "mono" if column.mono and cell else ""))
        if number == 0 and table.names:
            cells.append(f'<th scope="row"{_cell_style(column)}>{content}</th>')
        else:
            cells.append(f"<td{_cell_style(column)}>{content}</td>")
    return f"<tr>{''.join(cells)}</tr>"


# Text


def to_text(blocks: Iterable[Block], width: int = WIDTH) -> str:
    """The blocks as plain text, no line longer than ``width`` columns of a terminal."""
    lines: list[str] = []
    for block in blocks:
        if lines and isinstance(block, (Table, Fold)):
            lines.append("")
        lines += (line.rstrip() for line in _block_lines(block, width))
    return "\n".join(lines)


def _block_lines(block: Block, width: int) -> Iterator[str]:
    if isinstance(block, Para):
        yield from _wrap(visible("".join(span.text for span in block.spans)), width)
    elif isinstance(block, Pre):
        for line in visible(block.content).split("\n"):
            yield from _wrap(line, width)
    elif isinstance(block, Table):
        yield from _table_lines(block, width)
    elif isinstance(block, (Beside, Either)):
        for inner in block.blocks if isinstance(block, Beside) else block.text:
            yield from _block_lines(inner, width)
    else:
        yield from _block_lines(block.summary, width)
        for inner in block.blocks:
            yield from ("    " + line for line in _block_lines(inner, width - 4))


def _table_lines(table: Table, width: int) -> Iterator[str]:
    rows = [row if isinstance(row, str) else tuple(_one_line(cell) for cell in row) for row in table.rows]
    cells = [row for row in rows if not isinstance(row, str)]
    if table.titles:
        cells.insert(0, tuple(column.title for column in table.columns))
    widths = [max(map(_columns, each)) for each in zip(*cells, strict=True)]
    left_out = _fit(widths, [column.flexible for column in table.columns], width)
    columns = table.columns[: len(widths)]
    if table.caption:
        yield _cut(visible(table.caption), width)
    if table.titles:
        yield _join(cells[0], widths, columns)
        yield _GAP.join("─" * each for each in widths)
    for row in rows:
        yield _cut(row, width) if isinstance(row, str) else _join(row, widths, columns)
    if left_out:
        yield _cut(f"… {counted(left_out, 'column')} more", width)


def _fit(widths: list[int], flexible: list[bool], width: int) -> int:
    """Make columns narrower, in place, until a row fits; if that is not enough, drop the last ones and say how many."""
    left_out = 0
    while (excess := sum(widths) + len(_GAP) * (len(widths) - 1) - width) > 0:
        candidates = [n for n in range(len(widths)) if flexible[n] and widths[n] > _NARROWEST]
        if candidates:
            widest = max(candidates, key=widths.__getitem__)
            widths[widest] = max(_NARROWEST, widths[widest] - excess)
        elif len(widths) > 1:
            widths.pop()
            left_out += 1
        else:
            widths[0] = width
    return left_out


def _join(cells: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    pieces = []
    for cell, width, column in zip(cells, widths, columns, strict=False):  # columns that did not fit are left out
        text = _cut_path(cell, width) if column.path else _cut(cell, width)
        space = " " * (width - _columns(text))
        pieces.append(space + text if column.align == "right" else text + space)
    return _GAP.join(pieces)


def _one_line(text: str) -> str:
    return visible(text).replace("\n", " ").replace("\t", " ")


def _columns(text: str) -> int:
    """Columns a terminal needs: two for Korean and other wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _cut(text: str, width: int) -> str:
    if _columns(text) <= width:
        return text
    kept = text[: max(width - 1, 0)]
    while _columns(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…"


def _cut_path(text: str, width: int) -> str:
    if _columns(text) <= width:
        return text
    kept = text[max(len(text) - width + 1, 0) :]
    while _columns(kept) > width - 1:
        kept = kept[1:]
    return "…" + kept


def _wrap(line: str, width: int) -> Iterator[str]:
    """The line in pieces that fit; further pieces are indented two deeper than the first."""
    indent = " " * min(len(line) - len(line.lstrip(" ")) + 2, width // 2)
    while _columns(line) > width:
        end = width
        while _columns(line[:end]) > width:
            end -= 1
        space = line.rfind(" ", len(indent), end + 1)
        end = space if space > width // 2 else end
        yield line[:end]
        line = indent + line[end:].lstrip(" ")
    yield line
