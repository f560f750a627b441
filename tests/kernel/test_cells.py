from __future__ import annotations

import pytest

from secc_kernel.kernel.cells import Cell, split, timed


@pytest.mark.parametrize(
    ("raw", "cell"),
    [
        ("x = 1", Cell(lua="x = 1")),
        ("=x", Cell(lua="=x")),
        ("%%python\nx = 1", Cell(python="# %%python\nx = 1")),
        ("\n%%python  \nx", Cell(python="#\n# %%python\nx")),
        ("%%python", Cell(python="# %%python\n")),
        ("%%python\n%%time\nx", Cell(python="%%time\nx")),
        ("%%lua\nx", Cell(lua="\nx")),
        ("\n%%lua \n\nx", Cell(lua="\n\n\nx")),
        ("%%lua", Cell(lua="\n")),
        ("%%python3\nx", Cell(magic="%%python3\nx")),
        ("%%time\nx = 1", Cell(magic="%%time\nx = 1")),
        ("%pwd", Cell(magic="%pwd")),
        ("!ls\n%pwd\n", Cell(magic="!ls\n%pwd\n")),
        ("%pwd\n\nx = 1", Cell(magic="%pwd\n", lua="\n\nx = 1")),
        ("!ls\nprint(1)", Cell(magic="!ls\n", lua="\nprint(1)")),
        ("x = !ls -l {d}", Cell(magic="get_ipython().set_lua('x', get_ipython().getoutput('ls -l {d}'))\n")),
        (
            "x = %pwd\ny = x",
            Cell(magic="get_ipython().set_lua('x', get_ipython().run_line_magic('pwd', ''))\n", lua="\ny = x"),
        ),
        ("y = 1\nx = !ls", Cell(lua="y = 1\nx = !ls")),
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


@pytest.mark.parametrize(
    ("raw", "lua"),
    [
        ("%%time\nx = 1", "\nx = 1"),
        ("\n%%time \n\nx", "\n\n\nx"),
        ("%%time\n%%lua\nx", "\n\nx"),
        ("%%time\n%%python\nx", ""),
        ("%%time\n!ls\nx", ""),
        ("%%time", ""),
        ("%%time --no-raise-error\nx", ""),
        ("x = 1", ""),
    ],
)
def test_timed(raw: str, lua: str) -> None:
    assert timed(raw) == lua


def test_lines_keep_their_numbers() -> None:
    raw = "%pwd\n!ls\n\nx = 1\ny = = 2"
    assert split(raw).lua.split("\n")[4] == raw.split("\n")[4]
