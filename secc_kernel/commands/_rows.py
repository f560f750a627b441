"""The formats in which `secc-kernel decode` writes its rows.

Rows are written as they come, so the memory does not depend on how many there are. A file may also be put together from
parts that other processes have written: of the same format, without what stands at its beginning.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterable
from types import SimpleNamespace
from typing import IO, Any, ClassVar

from secc_kernel.commands import CommandError
from secc_kernel.commands._timeline import TITLES, table_line
from secc_kernel.session.tables import MESSAGE_COLUMNS

#: The values of `MESSAGE_COLUMNS`.
Row = tuple[Any, ...]

#: Rows of a Parquet row group, and characters: enough to compress well, few enough to keep in memory.
_GROUP_ROWS = 1 << 12
_GROUP_TEXT = 1 << 24
#: Bytes of a group's distinct XML texts, up to which each is written once.
_DICTIONARY = 1 << 22


class Sink:
    """Where rows go; a context manager, whose end completes the file.

    Parameters
    ----------
    file
        What to write to.
    part
        Whether it will be a part of another file.

    Attributes
    ----------
    grows
        Whether a part may be appended while it is still being written.
    """

    grows: ClassVar[bool] = True
    #: The lines at the beginning of the file.
    titles: ClassVar[str] = ""

    def __init__(self, file: IO[bytes], part: bool = False) -> None:
        self._file = file
        if not part:
            self.text(self.titles)

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def text(self, text: str) -> None:
        """Write text; what UTF-8 cannot hold (a lone surrogate from the wire) as an escape."""
        self._file.write(text.encode("utf-8", "backslashreplace"))

    def write(self, row: Row) -> None:
        """Write a row."""
        raise NotImplementedError

    def append(self, part: IO[bytes]) -> None:
        """Add what there is in a part, from its position on."""
        shutil.copyfileobj(part, self._file)


class Table(Sink):
    """Columns of fixed width, for people, without the XML: first what fits a terminal, when and what."""

    titles = TITLES

    def write(self, row: Row) -> None:
        self.text(table_line(row))


class Lines(Sink):
    """JSON lines: an object a row."""

    _encode = staticmethod(json.JSONEncoder().encode)

    def write(self, row: Row) -> None:
        self.text(self._encode(dict(zip(MESSAGE_COLUMNS, row, strict=True))) + "\n")


class CSV(Sink):
    """Comma-separated values, as in RFC 4180 but for the line ends."""

    titles = ",".join(MESSAGE_COLUMNS) + "\n"

    def __init__(self, file: IO[bytes], part: bool = False) -> None:
        super().__init__(file, part)
        # Python 3.10 cannot write a NUL without an escape character: one that no text here can hold.
        escape = None if sys.version_info >= (3, 11) else "\ud800"
        self._writer = csv.writer(SimpleNamespace(write=self.text), lineterminator="\n", escapechar=escape)

    def write(self, row: Row) -> None:
        self._writer.writerow(row)


class Parquet(Sink):
    """Parquet, a row group at a time."""

    grows = False

    def __init__(self, file: IO[bytes], part: bool = False) -> None:
        if file.isatty():
            raise CommandError("Parquet is no text for a terminal: name a file with --output")
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise CommandError("the format parquet needs pyarrow: pip install 'secc-kernel[parquet]'") from None
        self._arrow = pyarrow
        kinds = dict.fromkeys(MESSAGE_COLUMNS, pyarrow.string())
        kinds |= {"frame": pyarrow.int64(), "time": pyarrow.float64(), "stream": pyarrow.int32()}
        kinds |= {"payload_type": pyarrow.int32(), "payload_length": pyarrow.int64()}
        self._schema = pyarrow.schema(list(kinds.items()))
        # Of what each group says of its columns, the least and greatest XML would be the longest, and of no use.
        counted = [name for name in MESSAGE_COLUMNS if name not in ("exi", "xml", "error")]
        self._writer = pyarrow.parquet.ParquetWriter(
            file,
            self._schema,
            compression="zstd" if pyarrow.Codec.is_available("zstd") else "snappy",
            dictionary_pagesize_limit=_DICTIONARY,
            write_statistics=counted,
        )
        self._rows: list[Row] = []
        #: What `append` was given too little of for a row group.
        self._pieces: list[Any] = []
        self._size = 0

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()

    def write(self, row: Row) -> None:
        self._rows.append(row)
        self._size += len(row[_EXI]) + len(row[_XML] or "")
        if len(self._rows) >= _GROUP_ROWS or self._size >= _GROUP_TEXT:
            self._flush()

    def append(self, part: IO[bytes]) -> None:
        source = self._arrow.parquet.ParquetFile(part)
        for number in range(source.num_row_groups):
            piece = source.read_row_group(number)
            self._pieces.append(piece)
            self._size += piece.nbytes
            if self._size >= _GROUP_TEXT or sum(piece.num_rows for piece in self._pieces) >= _GROUP_ROWS:
                self._flush()

    def _flush(self) -> None:
        """Write a row group."""
        if self._rows:
            columns = zip(*self._rows, strict=True)
            arrays = [self._array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
            self._pieces.append(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        if self._pieces:
            self._writer.write_table(self._arrow.concat_tables(self._pieces).combine_chunks())
        self._rows.clear()
        self._pieces.clear()
        self._size = 0

    def _array(self, values: Iterable[Any], kind: Any) -> Any:
        try:
            return self._arrow.array(values, kind)
        except UnicodeEncodeError:
            safe = (value and value.encode("utf-8", "backslashreplace").decode() for value in values)
            return self._arrow.array(list(safe), kind)


_EXI, _XML = MESSAGE_COLUMNS.index("exi"), MESSAGE_COLUMNS.index("xml")

FORMATS: dict[str, type[Sink]] = {"table": Table, "jsonl": Lines, "csv": CSV, "parquet": Parquet}
