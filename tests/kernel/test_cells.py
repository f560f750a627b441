from __future__ import annotations

import pytest

from secc_kernel.kernel.cells import Cell, split


@pytest.mark.parametrize(
    ("raw", "cell"),
    [
        ("x = 1", Cell(lua="x = 1")),
        ("=x", Cell(lua="=x")),
        ("%%python\nx = 1", Cell(python="#\nx = 1")),
        ("\n%%python  \nx", Cell(python="#\n#\nx")),
        ("%%python", Cell(python="")),
        ("%%python3\nx", Cell(magic="%%python3\nx")),
        ("%%time\nx = 1", Cell(magic="%%time\nx = 1")),
        ("%pwd", Cell(magic="%pwd")),
        ("!ls\n%pwd\n", Cell(magic="!ls\n%pwd\n")),
        ("%pwd\n\nx = 1", Cell(magic="%pwd\n", lua="\n\nx = 1")),
        ("!ls\nprint(1)", Cell(magic="!ls\n", lua="\nprint(1)")),
        ("x = 7\n% 3", Cell(lua="x = 7\n% 3")),
        ("print?", Cell(magic="print?")),
        ("?string.format", Cell(magic="?string.format")),
        ("string.format??", Cell(magic="string.format??")),
        ("x = '?'", Cell(lua="x = '?'")),
        ("  \n", Cell(magic="  \n")),
        ("\nx", Cell(lua="\nx")),
    ],
)
def test_split(raw: str, cell: Cell) -> None:
    assert split(raw) == cell


def test_lines_keep_their_numbers() -> None:
    raw = "%pwd\n!ls\n\nx = 1\ny = = 2"
    assert split(raw).lua.split("\n")[4] == raw.split("\n")[4]
