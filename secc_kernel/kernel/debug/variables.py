"""Rows of the engine as variables of the Debug Adapter Protocol."""

from __future__ import annotations

from typing import Any

from secc_kernel.lua import LuaObject, LuaTable
from secc_kernel.lua.debugging import Row
from secc_kernel.lua.picture import line
from secc_kernel.lua.values import PLAIN

__all__ = ["text_of", "variable"]


def text_of(value: Any) -> str:
    """A value on one line; of a Python object that Lua only holds, what it is."""
    if isinstance(value, tuple):
        return ", ".join(map(text_of, value))
    if type(value) in PLAIN or isinstance(value, (LuaObject, LuaTable)):
        return line(value)
    return type(value).__name__


def variable(row: Row) -> dict[str, Any]:
    """A variable for a front end."""
    found: dict[str, Any] = {
        "name": row.name,
        "value": text_of(row.value),
        "type": row.type,
        "variablesReference": row.reference,
    }
    if row.expression:
        found["evaluateName"] = row.expression
    if row.reference and row.items is not None:
        found["indexedVariables"], found["namedVariables"] = row.items, row.fields
    return found
