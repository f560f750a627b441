"""Lua values as a notebook shows them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from secc_kernel.lua.values import PLAIN, LuaObject, LuaTable, field_name, scalar, tree

__all__ = ["LuaResult", "displayed"]

#: Levels of a table's tree that are open at first.
_OPEN = 2
_LEFT = "text-align:left;vertical-align:top"


@dataclass(frozen=True, slots=True)
class LuaResult:
    """The values of a Lua cell, for display.

    Attributes
    ----------
    values : tuple
        Plain values and pictures of tables.
    """

    values: tuple[Any, ...]

    @property
    def python(self) -> Any:
        """What Python cells find as ``_`` and ``Out[n]``."""
        return self.values[0] if len(self.values) == 1 else self.values

    def __repr__(self) -> str:
        return "\t".join(map(tree, self.values))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        if any(isinstance(value, LuaTable) and value.items for value in self.values):
            bundle["text/html"] = "".join(map(_html, self.values))
        return bundle


def displayed(values: tuple[Any, ...]) -> Any:
    """What IPython's display hook gets for a cell's values; None shows nothing.

    A single Python object that Lua has only passed on (a view) is shown by its own means.
    """
    if not values or values == (None,):
        return None
    if len(values) == 1 and type(values[0]) not in PLAIN and not isinstance(values[0], (LuaTable, LuaObject)):
        return values[0]
    return LuaResult(values)


def _html(value: Any, level: int = 0) -> str:
    """A value as a tree to fold, without scripts."""
    if not isinstance(value, LuaTable) or not value.items:
        return f"<code>{escape(tree(value))}</code>"
    rows = []
    expected = 1
    for key, item in value.items:
        listed = type(key) is int and key == expected
        expected += listed
        name = f"[{scalar(key)}]" if listed else field_name(key)
        rows.append(
            f"<tr><th style='{_LEFT}'>{escape(name)}</th><td style='{_LEFT}'>{_html(item, level + 1)}</td></tr>"
        )
    if value.omitted:
        rows.append(f"<tr><td colspan='2'>({value.omitted} more)</td></tr>")
    count = len(value.items) + value.omitted
    return (
        f"<details{' open' if level < _OPEN else ''}><summary>table of {count}</summary>"
        f"<table>{''.join(rows)}</table></details>"
    )
