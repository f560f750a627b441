"""Lua: the engine that runs cells and scripts, and the testers' API in it.

`runtime` tells how the engine works and how an API is registered.
"""

from __future__ import annotations

from .errors import Frame, LuaError, LuaExit, LuaInterrupted, LuaLimit, LuaSyntaxError, LuaUserError
from .hosting import HostFunction, LazyTable, Pending
from .picture import LuaObject, LuaTable
from .runtime import LuaEngine

__all__ = [
    "Frame",
    "HostFunction",
    "LazyTable",
    "LuaEngine",
    "LuaError",
    "LuaExit",
    "LuaInterrupted",
    "LuaLimit",
    "LuaObject",
    "LuaSyntaxError",
    "LuaTable",
    "LuaUserError",
    "Pending",
]
