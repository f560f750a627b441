"""Views of one message, and of a request with its response."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from secc_kernel.exi.declare import ComplexType
from secc_kernel.session.journal import FrameEntry
from secc_kernel.session.tables import MESSAGE_COLUMNS, is_request, message_row
from secc_kernel.views.below import Below, frame_table
from secc_kernel.views.fields import Path, key_fields, leaves, quantities
from secc_kernel.views.look import (
    Beside,
    Block,
    Column,
    Either,
    Fold,
    Para,
    Pre,
    Span,
    Table,
    counted,
    duration,
    limited,
)
from secc_kernel.views.reading import MARKS, Pace, Reading, Remark, marked
from secc_kernel.views.view import View
from secc_kernel.wire import v2gtp

if TYPE_CHECKING:
    from pandas import DataFrame

    from secc_kernel.session.journal import Journal

#: Bytes in a row of the EXI view: with their bits, what fits a terminal and a notebook.
_ROW = 8
_EXI_ROWS = 64
_XML_LINES = 60
_XML_CHARACTERS = 60_000
#: Characters of a message's headline: about what fits a notebook's usual width.
_HEADLINE = 112
_FIELDS = 40


def header(journal: Journal, i: int = -1) -> View:
    """The V2GTP header of message ``i`` (ISO 15118-2, 7.8.3).

    ``data``: a row a field with `value` as the standards print it and the plain `number` (the payload has none).

    Raises
    ------
    IndexError
        The journal has no such message.
    """
    reading = Reading(journal, i)
    return View([_header_table([reading])], lambda: _header_data(reading))


def exi(journal: Journal, i: int = -1) -> View:
    """The EXI bytes of message ``i``, with their bits: EXI packs values without regard to bytes.

    ``data``: a row a byte with `byte` (number), `hex`, `bits` and `ascii`; the index is the offset.

    Raises
    ------
    IndexError
        The journal has no such message.
    """
    reading = Reading(journal, i)
    content = reading.entry.data
    return View([_section("EXI", reading), Pre(_dump(content), wrap=False)], lambda: _exi_data(content))


def xml(journal: Journal, i: int = -1) -> View:
    """Message ``i`` as XML.

    ``data``: a row an element or attribute that has a value: its `path`, the `value` as text and the schema's `type`.

    Raises
    ------
    IndexError
        The journal has no such message.
    """
    reading = Reading(journal, i)
    return View([_section("XML", reading), *_xml_blocks(reading)], lambda: _leaf_data(reading))


def message(journal: Journal, i: int | FrameEntry = -1) -> View:
    """Message ``i`` in one line, and everything about it behind that line: what a cell shows for a Send or Receive.

    In place of an index it may be an entry of the journal: so are those of SLAC and SDP shown, which have none.

    ``data``: as of `xml`.

    Raises
    ------
    IndexError
        The journal has no such message.
    """
    if isinstance(i, FrameEntry):
        return _below(Below(journal, i))
    reading = Reading(journal, i)
    entry, remarks = reading.entry, reading.remarks
    head = v2gtp.pack(entry.payload_type, entry.data)[: v2gtp.HEADER_LENGTH].hex()
    in_a_line = Para.of(f"V2GTP header: {head}, {v2gtp.payload_name(entry.payload_type)}")
    details: list[Block] = [Beside((_field_table(reading), Either((_header_table([reading]),), (in_a_line,))))]
    if remarks:
        details.append(_remark_table([(reading, remark) for remark in remarks]))
    details.append(Para.of(f"EXI, {counted(len(entry.data), 'byte')}: ", Span(_hex(entry.data), "mono")))
    if reading.message is not None:
        # The text form has each value in the table above; what XML adds is for those who look closer.
        details.append(Either((Fold(Para.of("XML"), tuple(_xml_blocks(reading))),), ()))
    return View([Fold(_headline(reading, remarks), tuple(details))], lambda: _leaf_data(reading))


def _below(reading: Below) -> View:
    """A message of SLAC or SDP."""
    entry, remarks = reading.entry, reading.remarks
    around = _header_table([reading]) if entry.layer == "sdp" else frame_table(reading)
    details: list[Block] = [Beside((_field_table(reading), Either((around,), ())))]
    if remarks:
        details.append(_remark_table([(reading, remark) for remark in remarks]))
    details.append(Para.of(f"{counted(len(entry.data), 'byte')}: ", Span(_hex(entry.data), "mono")))
    return View([Fold(_headline(reading, remarks), tuple(details))], lambda: _leaf_data(reading))


def exchange(journal: Journal, i: int = -1) -> View:
    """A request and its response, whichever of the two message ``i`` is: headers, XML, EXI, times and findings.

    ``data``: the rows of ``journal.messages()`` for the two.

    Raises
    ------
    IndexError
        The journal has no such message.
    """
    request = Reading(journal, i).request
    response = request.response
    pair = [request] if response is None or response.index == request.index else [request, response]
    blocks: list[Block] = [Para.of(Span(" → ".join(reading.name for reading in pair), "strong"))]
    pace = request.pace
    if pace is not None:
        blocks.append(_verdict(request, pace))
    remarks = [(reading, remark) for reading in pair for remark in reading.remarks]
    blocks.append(_remark_table(remarks) if remarks else Para.of("Findings: none"))
    blocks.append(_header_table(pair))
    for reading in pair:
        blocks.append(Fold(_section("XML", reading), tuple(_xml_blocks(reading)), open=True))
        blocks.append(Fold(_section("EXI", reading), (Pre(_dump(reading.entry.data), wrap=False),), open=True))
    return View(blocks, lambda: _message_data(pair))


# The pieces


def _headline(reading: Reading, remarks: list[Remark]) -> Para:
    """Time, direction, name, the fields that say most, and what is wrong; the response also tells how fast it was."""
    place = f"{reading.time:8.3f} s  {reading.direction}  "
    end = []
    latency = pace.latency if (pace := reading.pace) and not is_request(reading.entry) else None
    if pace and latency is not None:
        word = MARKS["ok"] if pace.verdict == "ok" else marked(pace.verdict)
        end.append(f"{word} {duration(latency)}")
    if remarks:
        worst = min(remarks, key=lambda remark: ("error", "warning", "note").index(remark.severity)).word
        others = f" and {len(remarks) - 1} more" if len(remarks) > 1 else ""
        end.append(f"{marked(worst)}{others}")
    message = reading.message
    room = _HEADLINE - len(place) - len(reading.name) - sum(len(piece) + 3 for piece in end)
    say = key_fields(message, room) if message else _shortened(reading.entry.error or "", room)
    facts = [fact for fact in (say, *end) if fact]
    return Para.of(Span(place, "mono"), Span(reading.name, "strong"), "  " + " · ".join(facts) if facts else "")


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _section(what: str, reading: Reading) -> Para:
    size = f", {counted(len(reading.entry.data), 'byte')}" if what == "EXI" else ""
    return Para.of(Span(what, "strong"), f" of {reading.name}, message {reading.index}{size}")


def _verdict(request: Reading, pace: Pace) -> Para:
    """The line that says how fast the answer was and what it may be."""
    how = "" if (latency := pace.latency) is None else f"answered after {duration(latency)}: "
    limits = []
    if pace.limits:
        named = (("performance time", pace.limits.performance), ("timeout", pace.limits.timeout))
        limits = [f"{name} {duration(seconds)}" for name, seconds in named if seconds is not None]
    allowed = f" ({', '.join(limits)})" if limits else ""
    return Para.of(f"{request.name} at {request.time:.3f} s, {how}{marked(pace.verdict)}{allowed}")


def _header_fields(reading: Reading) -> list[tuple[str, str, int | None]]:
    """Name, value as the standards print it, and number of each header field; then what the payload is."""
    entry = reading.entry
    return [
        ("Protocol Version", f"0x{v2gtp.PROTOCOL_VERSION:02X}", v2gtp.PROTOCOL_VERSION),
        ("Inverse Version", f"0x{v2gtp.INVERSE_PROTOCOL_VERSION:02X}", v2gtp.INVERSE_PROTOCOL_VERSION),
        ("Payload Type", f"0x{entry.payload_type:04X}", entry.payload_type),
        ("Payload Length", f"0x{len(entry.data):08X}", len(entry.data)),
        ("Payload", v2gtp.payload_name(entry.payload_type), None),
    ]


def _header_table(readings: list[Reading]) -> Table:
    """The headers side by side; a single one has no titles, its rows say all."""
    fields = [_header_fields(reading) for reading in readings]
    rows = [(same[0][0], *(value for _, value, _ in same)) for same in zip(*fields, strict=True)]
    columns = (Column("Field"), *(Column(reading.name, mono=True) for reading in readings))
    return Table(columns, rows, caption="V2GTP Header", titles=len(readings) > 1)


def _header_data(reading: Reading) -> DataFrame:
    import pandas as pd

    names, values, numbers = zip(*_header_fields(reading), strict=True)
    number = pd.array(numbers, dtype="Int64")
    return pd.DataFrame({"field": list(names), "value": list(values), "number": number})


def _dump(content: bytes) -> str:
    """Rows of offset, bytes and bits."""
    rows = [
        f"{offset:04x}  {row.hex(' '):<{3 * _ROW}} {' '.join(f'{byte:08b}' for byte in row)}"
        for offset in range(0, min(len(content), _EXI_ROWS * _ROW), _ROW)
        for row in (content[offset : offset + _ROW],)
    ]
    if len(content) > _EXI_ROWS * _ROW:
        rows.append(f"… {len(content) - _EXI_ROWS * _ROW} bytes more: .data has all {len(content)}")
    return "\n".join(rows) or "(empty)"


def _hex(content: bytes) -> str:
    """The bytes as hex digits to copy, unless they are more than anybody reads."""
    room = _EXI_ROWS * _ROW
    rest = f" … {len(content) - room} bytes more" if len(content) > room else ""
    return content[:room].hex() + rest


def _exi_data(content: bytes) -> DataFrame:
    import pandas as pd

    data = pd.DataFrame(
        {
            "byte": pd.array(list(content), dtype="UInt8"),
            "hex": [f"{byte:02x}" for byte in content],
            "bits": [f"{byte:08b}" for byte in content],
            "ascii": [chr(byte) if 0x20 <= byte < 0x7F else "." for byte in content],
        }
    )
    data.index.name = "offset"
    return data


def _xml_blocks(reading: Reading) -> list[Block]:
    """The XML text, exactly; of a long one the beginning, and the rest behind a line."""
    if reading.message is None:
        return [Para.of(f"✗ no XML: {reading.entry.error}")]
    text = reading.message.to_xml()
    note: list[Block] = []
    if len(text) > _XML_CHARACTERS:
        note = [Para.of(f"… {len(text) - _XML_CHARACTERS} characters more: journal.xml({reading.index}) has all")]
        text = text[:_XML_CHARACTERS]
    lines = text.split("\n")
    if len(lines) <= _XML_LINES + 10:
        return [_xml_text(text), *note]
    first, rest = "\n".join(lines[:_XML_LINES]), "\n".join(lines[_XML_LINES:])
    return [_xml_text(first), Fold(Para.of(f"… {len(lines) - _XML_LINES} lines more"), (_xml_text(rest),)), *note]


_LONG_CONTENT = re.compile(r"(?<=>)([^<]{80})([^<]+)(?=</)")


def _xml_text(text: str) -> Either:
    """XML as it is; in a terminal, contents too long for a line (certificates) are cut, and namespaces wrap."""
    cut = _LONG_CONTENT.sub(lambda match: f"{match[1]}… {len(match[2])} characters more", text)
    return Either((Pre(text),), (Pre(cut),))


_SESSION_ID = "Header.SessionID"


def _field_table(reading: Reading) -> Table | Para:
    """The message's values; what the autopilot filled in, and what breaks the schema on purpose, is said beside it."""
    message = reading.message
    if message is None:
        return Para.of(f"✗ cannot be decoded: {reading.entry.error}")
    entry = reading.entry
    rows: list[tuple[Path, str, Any]] = [(leaf.path, leaf.shown, leaf.value) for leaf in quantities(message)]
    if message.session_id is not None:
        rows.insert(0, (("Header", "SessionID"), message.session_id.hex().upper(), None))
    said = any(path != _SESSION_ID for path in entry.auto) or bool(entry.intended)
    columns = [Column("Field", flexible=True, path=True), Column("Value", mono=True, flexible=True)]

    def cells(row: tuple[Path, str, Any]) -> tuple[str, ...]:
        path, value, held = row
        name = "/".join(path)
        shown = value if len(value) <= 200 else f"{value[:200]}… {len(value) - 200} characters more"
        origin = "autopilot" if _covered(name, entry.auto) else _of_parts(name, held, entry.auto)
        if name == "Header/SessionID" and _SESSION_ID in entry.auto:
            origin = "session"  # the id that was agreed on, with the autopilot off as well
        if _covered(name, entry.intended) or _holds(name, entry.intended):
            origin += ", breaks the schema on purpose"
        return (name, shown, origin) if said else (name, shown)

    if said:
        columns.append(Column("Set by"))
    table_rows = limited(rows, cells, lambda row: row[:2], limit=_FIELDS)
    return Table(tuple(columns), table_rows, caption=f"{message.name} ({message.schema})", titles=said)


def _of_parts(name: str, value: Any, auto: tuple[str, ...]) -> str:
    """Who has set a field that the script has a part in: of a physical value what counts, but is not the script's."""
    parts = value._quantity_ if isinstance(value, ComplexType) else None
    if parts is None:
        return "script"
    filled = [part for part in (parts.exponent, parts.number) if part and _covered(f"{name}/{part}", auto)]
    said = ", ".join(f"{part} {getattr(value, part)}" for part in filled)
    return f"script; {said} from the autopilot" if said else "script"


def _covered(name: str, paths: tuple[str, ...]) -> bool:
    """Whether one of the paths (a script's, with dots) is this field or holds it."""
    held = (path.replace(".", "/") for path in paths)
    return any(name == path or name.startswith((f"{path}/", f"{path}[")) for path in held)


def _message_data(readings: list[Reading]) -> DataFrame:
    """The rows of ``journal.messages()`` for some messages, without decoding all the others."""
    import pandas as pd

    rows = [message_row(reading.journal.source, reading.entry) for reading in readings]
    index = pd.Index([reading.index for reading in readings], name="i", dtype="int64")
    return pd.DataFrame(rows, columns=list(MESSAGE_COLUMNS), index=index).astype({"frame": "Int64"})


def _holds(name: str, paths: tuple[str, ...]) -> bool:
    """Whether one of the paths is below this field: the Value of a physical value, which is one row."""
    return any(path.replace(".", "/").startswith(f"{name}/") for path in paths)


def _leaf_data(reading: Reading) -> DataFrame:
    import pandas as pd

    found = leaves(reading.message) if reading.message else ()
    rows = [("/".join(leaf.path), leaf.text, leaf.type_name) for leaf in found]
    return pd.DataFrame(rows, columns=["path", "value", "type"], dtype="str")


def _remark_table(remarks: list[tuple[Reading, Remark]]) -> Either:
    """Findings; in a terminal as lines, which wrap."""
    several = len({reading.index for reading, _ in remarks}) > 1
    rows: list[tuple[str, ...]] = []
    lines: list[Block] = []
    for reading, remark in remarks:
        what = f"{remark.path}: {remark.text}" if remark.path else remark.text
        rows.append((marked(remark.word), *((reading.name,) if several else ()), what, remark.rule))
        of = f" {reading.name}," if several else ""
        lines.append(Para.of(f"{marked(remark.word)}:{of} {what} ({remark.rule})"))
    columns = (
        Column("Finding"),
        *((Column("Message"),) if several else ()),
        Column("What", flexible=True),
        Column("Rule"),
    )
    return Either((Table(columns, rows, caption="Findings"),), tuple(lines))
