"""Pictures of Lua values: what is shown of them, however large they are, and as text.

``picture.lua`` takes a picture where the script runs; `picture` reads it. A picture holds plain values, Python objects
that Lua has only passed on, `LuaObject` and `LuaTable`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lupa import lua54

from .source import KEYWORDS
from .values import PLAIN, number, printable

__all__ = [
    "LuaObject",
    "LuaTable",
    "brief",
    "counted",
    "field_name",
    "left_out",
    "line",
    "picture",
    "quote",
    "scalar",
    "tree",
]

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
#: Columns that a table on one line may take.
_WIDTH = 100
#: Characters of an item of a list that shares its line with others.
_SHORT = 24
#: Characters shown of a string.
_TEXT = 4000


@dataclass(frozen=True, slots=True)
class LuaObject:
    """A function, coroutine or file of Lua, a cut string, or a table with a ``__tostring``: its text."""

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(slots=True, repr=False)
class LuaTable:
    """A picture of a Lua table: what it held when it was taken.

    Attributes
    ----------
    listed : list
        The values of the keys 1, 2, ...: the first `head` of them, then those behind the ones left out.
    fields : list of (key, value)
        The other keys: numbers, then strings, each in their order.
    head, skipped : int
        How many of `listed` come before those left out, and how many these are.
    more : int
        Fields that are left out.
    name : str
        What its metatable calls it (``__name``).
    repeated : bool
        Whether this is a table that contains itself, shown further up.
    """

    listed: list[Any] = field(default_factory=list)
    fields: list[tuple[Any, Any]] = field(default_factory=list)
    head: int = 0
    skipped: int = 0
    more: int = 0
    name: str = ""
    repeated: bool = False

    def __len__(self) -> int:
        return len(self.listed) + self.skipped + len(self.fields) + self.more

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Keys and values of what is shown."""
        for position, value in enumerate(self.listed, 1):
            yield position if position <= self.head else position + self.skipped, value
        yield from self.fields

    def __repr__(self) -> str:
        return tree(self)

    @property
    def python(self) -> Any:
        """The table as a list or dict; where that would not be all of it, the picture itself."""
        if self.skipped or self.more or self.repeated:
            return self
        pairs = {}
        for key, value in self:
            plain = value.python if isinstance(value, LuaTable) else value
            if isinstance(key, LuaObject) or isinstance(plain, (LuaObject, LuaTable)):
                return self
            pairs[key] = plain
        return pairs if self.fields else list(pairs.values())


def picture(value: Any) -> Any:
    """Read what ``picture.lua`` has made of a value."""
    if type(value) in PLAIN or lua54.lua_type(value) is None:
        return value
    facts = [value[index] for index in range(1, len(value) + 1)]
    what = facts[0]
    if what == "object":
        return LuaObject(brief(printable(facts[1]), _TEXT))
    if what == "text":
        return LuaObject(f"{quote(facts[1])}… ({facts[2]} bytes)")
    if what == "again":
        return LuaTable(repeated=True)
    _, name, shown, head, skipped, count, more = facts[:7]
    inner = [picture(fact) for fact in facts[7:]]
    pairs = list(zip(inner[shown::2], inner[shown + 1 :: 2], strict=True))
    assert len(pairs) == count
    return LuaTable(inner[:shown], pairs, head, skipped, more, name)


def quote(text: str) -> str:
    """A string as a Lua literal, for display."""
    mark = '"' if "'" in text and '"' not in text else "'"
    escapes = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", mark: "\\" + mark}
    shown = "".join(escapes.get(c, c if c.isprintable() or c > "\x7f" else f"\\x{ord(c):02x}") for c in text)
    return mark + printable(shown) + mark


def field_name(key: Any) -> str:
    """A key as a table constructor writes it."""
    if isinstance(key, str) and _NAME.fullmatch(key) and key not in KEYWORDS:
        return key
    return f"[{scalar(key)}]"


def scalar(value: Any) -> str:
    """A value that is not a table, as Lua writes it; of a long text the beginning."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number(value)
    if not isinstance(value, str):
        return value.text if isinstance(value, LuaObject) else brief(str(value).partition("\n")[0])
    if len(value) <= _TEXT:
        return quote(value)
    return f"{quote(value[:_TEXT])}… ({len(value)} characters)"


def brief(text: str, limit: int = 200) -> str:
    """A text, or its beginning."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def line(value: Any) -> str:
    """A value as Lua writes it, on one line."""
    if not isinstance(value, LuaTable):
        return scalar(value)
    if value.repeated:
        return "{ (contains itself) }"
    return _on_one_line(value, _parts(value, [line(item) for _, item in value]))


def tree(value: Any, indent: int = 0) -> str:
    """A value as Lua writes it; a table on one line where it is short, otherwise an item a line.

    Parameters
    ----------
    value : Any
        A plain value or a picture.
    indent : int
        Columns at which the text will begin.
    """
    if not isinstance(value, LuaTable) or value.repeated:
        return line(value)
    parts = _parts(value, [tree(item, indent + 2) for _, item in value])
    whole = _on_one_line(value, parts)
    if len(whole) + indent <= _WIDTH and "\n" not in whole:
        return whole
    space = " " * (indent + 2)
    listed = len(parts) - len(value.fields) - bool(value.more)
    lines = "".join(f"{space}{each},\n" for each in _filled(parts, listed, _WIDTH - indent - 3))
    return f"{_label(value)}{{\n{lines}{' ' * indent}}}"


def _filled(parts: list[str], listed: int, width: int) -> Iterator[str]:
    """The parts as lines: short ones of the list side by side, every other on its own."""
    current = ""
    for position, part in enumerate(parts):
        if position >= listed or len(part) > _SHORT or "\n" in part:
            if current:
                yield current
            current = ""
            yield part
        elif current and len(current) + 2 + len(part) > width:
            yield current
            current = part
        else:
            current = f"{current}, {part}" if current else part
    if current:
        yield current


def _label(table: LuaTable) -> str:
    return f"{table.name} " if table.name else ""


def _on_one_line(table: LuaTable, parts: list[str]) -> str:
    return _label(table) + (f"{{ {', '.join(parts)} }}" if parts else "{}")


def _parts(table: LuaTable, shown: list[str]) -> list[str]:
    """What stands between the commas, for the texts of the items that are shown."""
    parts = shown[: len(table.listed)]
    names = [field_name(key) for key, _ in table.fields]
    parts += [f"{name} = {text}" for name, text in zip(names, shown[len(table.listed) :], strict=True)]
    if table.more:
        parts.append(left_out(table.more, "field", table.fields))
    if table.skipped:
        parts.insert(table.head, left_out(table.skipped, "item", table.listed))
    return parts


def left_out(count: int, thing: str, shown: list[Any]) -> str:
    """What stands for items that are not in the picture."""
    return f"… {counted(count, f'more {thing}' if shown else thing)}"


def counted(count: int, thing: str) -> str:
    """A number of things: ``'1 item'``, ``'5,000 items'``."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
