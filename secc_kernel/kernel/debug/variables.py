"""Rows of the engine as variables of the Debug Adapter Protocol."""

from __future__ import annotations

import math
from typing import Any

from secc_kernel.lua import LuaObject, LuaTable
from secc_kernel.lua.debugging import Row
from secc_kernel.lua.picture import line
from secc_kernel.lua.values import PLAIN

__all__ = ["text_of", "variable"]

_LAB_TYPES = {bool: "bool", int: "int", float: "float", str: "str"}


def text_of(value: Any) -> str:
    """A value on one line; of a Python object that Lua only holds, what it is."""
    if isinstance(value, tuple):
        return ", ".join(map(text_of, value))
    if type(value) in PLAIN or isinstance(value, (LuaObject, LuaTable)):
        return line(value)
    return type(value).__name__


def variable(row: Row, lab: bool = False) -> dict[str, Any]:
    """A variable for a front end.

    Parameters
    ----------
    row : Row
        The variable.
    lab : bool
        Whether it is for JupyterLab: that shows the value of what has no type, or one of a few of Python's types; of
        anything else it shows only the type.
    """
    type_ = _lab_type(row.value) if lab else row.type
    found: dict[str, Any] = {"name": row.name, "value": text_of(row.value), "variablesReference": row.reference}
    if type_:
        found["type"] = type_
    if row.expression:
        found["evaluateName"] = row.expression
    if row.reference and row.items is not None:
        found["indexedVariables"], found["namedVariables"] = row.items, row.fields
    return found


def _lab_type(value: Any) -> str:
    # What is not finite it would make "NaN" of.
    return "" if isinstance(value, float) and not math.isfinite(value) else _LAB_TYPES.get(type(value), "")
