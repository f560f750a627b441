"""Lua values as a notebook shows them, and the functions that show them: ``display`` and ``clear``."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from secc_kernel.lua import HostFunction, LazyTable, LuaObject, LuaTable, LuaUserError
from secc_kernel.lua.picture import tree
from secc_kernel.lua.values import PLAIN, is_displayable

__all__ = ["LuaResult", "Shown", "clear", "display_function", "displayed"]


@dataclass(frozen=True, slots=True)
class LuaResult:
    """The values of a Lua cell, for display.

    Attributes
    ----------
    values : tuple
        Plain values, pictures of tables, and Python objects that Lua has only passed on.
    """

    values: tuple[Any, ...]

    @property
    def python(self) -> Any:
        """What Python cells find as ``_`` and ``Out[n]``."""
        values = tuple(value.python if isinstance(value, LuaTable) else value for value in self.values)
        return values[0] if len(values) == 1 else values

    def __repr__(self) -> str:
        if len(self.values) == 1 and isinstance(self.values[0], LuaTable):
            # Imported when there is a table to show: a kernel starts without views.
            from secc_kernel.kernel.tables import records
            from secc_kernel.views.look import to_text

            found = records(self.values[0])
            return to_text([found]) if found else tree(self.values[0])
        pieces = [str(value) if is_displayable(value) else tree(value) for value in self.values]
        text = ("\n" if any("\n" in piece for piece in pieces) else "\t").join(pieces)
        # The value of a cell is a function where somebody has forgotten to call it.
        return f"{text}: write () behind it to call it" if _is_function(self.values) else text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        if any((isinstance(value, LuaTable) and len(value)) or is_displayable(value) for value in self.values):
            bundle["text/html"] = "".join(map(_html, self.values))
        return bundle


@dataclass(frozen=True, slots=True, eq=False)
class Shown(LazyTable):
    """What ``display`` returns to Lua: values that are on the page and can be replaced there.

    Attributes
    ----------
    ids : tuple of str
        By which the front end knows them.
    sink : callable
        Shows a value under such an id; whether it replaces one.
    """

    ids: tuple[str, ...]
    sink: Callable[[Any, str, bool], object]

    def member(self, name: str) -> HostFunction:
        """What a script finds in it."""
        if name == "update":
            return HostFunction(self.update, "update", raw=True)
        raise LuaUserError(f"what display returned has no {name!r}", "it has update: local d = display(1) d:update(2)")

    def update(self, this: Any = None, *values: Any) -> None:
        """Replace the values: ``d:update(...)`` in Lua."""
        if this is not self:
            raise LuaUserError("update is called with a colon: d:update(value)")
        if len(values) != len(self.ids):
            raise LuaUserError(f"update takes as many values as display has shown: {len(self.ids)}, not {len(values)}")
        self.put(values, update=True)

    def put(self, values: tuple[Any, ...], update: bool = False) -> None:
        """Show the values, or replace those that are shown."""
        for value, id_ in zip(values, self.ids, strict=True):
            found = displayed((value,))
            self.sink(LuaResult((value,)) if found is None else found, id_, update)


def _is_function(values: tuple[Any, ...]) -> bool:
    return len(values) == 1 and isinstance(values[0], LuaObject) and values[0].text.startswith("function ")


def _html(value: Any) -> str:
    """One of several values: a Python object by its own means, as far as these are HTML."""
    from secc_kernel.kernel.tables import blocks
    from secc_kernel.views.look import Pre, to_html

    own = None
    if hasattr(type(value), "_repr_mimebundle_"):
        made = value._repr_mimebundle_()
        own = (made[0] if isinstance(made, tuple) else made).get("text/html")
    elif hasattr(type(value), "_repr_html_"):
        own = value._repr_html_()
    if own is not None:
        return str(own)
    return to_html([Pre(str(value))] if is_displayable(value) else blocks(value))


def displayed(values: tuple[Any, ...]) -> Any:
    """What IPython's display hook gets for a cell's values; None shows nothing.

    A single Python object that Lua has only passed on (a view) is shown by its own means.
    """
    # By identity: what Python objects compare with is theirs to say.
    if not values or (len(values) == 1 and values[0] is None) or isinstance(values[0], Shown):
        return None
    if len(values) == 1 and type(values[0]) not in PLAIN and not isinstance(values[0], (LuaTable, LuaObject)):
        return values[0]
    return LuaResult(values)


def on_page(value: Any, id_: str, update: bool) -> None:
    """Show a value below the cell, or replace what is there."""
    from IPython.display import display, update_display

    (update_display if update else display)(value, display_id=id_)


def display_function(sink: Callable[[Any, str, bool], object] = on_page) -> HostFunction:
    """The function ``display`` of Lua: shows values as the last value of a cell is shown; gives a handle.

    Parameters
    ----------
    sink : callable
        As for `Shown`.
    """

    def display(*values: Any) -> Shown:
        ids = tuple(secrets.token_hex(8) for _ in values)
        shown = Shown("what display returned", lambda name: shown.member(name), lambda: ["update"], ids, sink)
        shown.put(values)
        return shown

    return HostFunction(display, "display", raw=True)


def clear(wait: bool = False) -> None:
    """Remove what the cell has shown; with `wait`, when something new is there: ``clear(...)`` in Lua."""
    from IPython.display import clear_output

    clear_output(wait=bool(wait))
