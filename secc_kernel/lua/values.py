"""Values between Lua and Python.

Strings are UTF-8 with ``surrogateescape``: any byte string of Lua survives the way to Python and back, and
``s.encode("utf-8", "surrogateescape")`` gives its bytes. Tables cross as copies. A wrapper of a Lua table or function
never outlives the call that brought it to Python: lupa ties it to the coroutine that was running, and using it after
Lua has collected that coroutine would crash the process.
"""

from __future__ import annotations

import codecs
import math
import numbers
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from lupa import lua54

from .errors import LuaUserError

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["ENCODING", "PLAIN", "fits", "is_displayable", "number", "printable", "to_lua", "to_python"]

#: Name of the codec between Lua strings and ``str``.
ENCODING = "secc_kernel_lua"

#: Types that lupa converts by itself, exactly and both ways.
PLAIN = frozenset([type(None), bool, int, float, str, bytes])

_MAX_DEPTH = 50


def _encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
    return codecs.utf_8_encode(text, "surrogateescape")


def _decode(data: Buffer, errors: str = "strict") -> tuple[str, int]:
    return codecs.utf_8_decode(data, "surrogateescape", True)


def _search(name: str) -> codecs.CodecInfo | None:
    return codecs.CodecInfo(_encode, _decode, name=ENCODING) if name == ENCODING else None


codecs.register(_search)


def printable(text: str) -> str:
    r"""Text that every terminal and browser takes: bytes that are not UTF-8 as ``\xff``."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def to_python(value: Any, function: Callable[[tuple[Any, ...]], Any] | None = None, most: int = 200_000) -> Any:
    """The Python copy of a value that has just come from Lua.

    A table with the keys 1 to n, and an empty one, becomes a list; any other a dict.

    Parameters
    ----------
    value : Any
        A plain value or a lupa wrapper.
    function : callable, optional
        From the keys that lead to a function to what stands for it; without it functions are refused.
    most : int
        Items of all tables in the value. A table that is in many places is copied in each, so a few can stand
        for more items than there are atoms.

    Raises
    ------
    LuaUserError
        For a function, thread or file, for a table that contains itself, and for one with too many items.
    """
    return value if type(value) in PLAIN else _copy(value, function, (), [most])


def _copy(value: Any, function: Callable[..., Any] | None, keys: tuple[Any, ...], left: list[int]) -> Any:
    if type(value) in PLAIN:
        return value
    kind = lua54.lua_type(value)
    if kind is None:
        return value
    if kind == "function" and function is not None:
        return function(keys)
    if kind != "table":
        raise LuaUserError(f"a {kind} cannot be passed to Python")
    if len(keys) > _MAX_DEPTH:
        raise LuaUserError(
            f"a table that contains itself, or is nested deeper than {_MAX_DEPTH} levels, cannot be passed"
        )
    pairs = {}
    for key, item in value.items():
        left[0] -= 1
        if left[0] < 0:
            raise LuaUserError("a table with so many items, those of the tables in it included, cannot be passed")
        pairs[key] = _copy(item, function, (*keys, key), left)
    if all(type(key) is int for key in pairs) and set(pairs) == set(range(1, len(pairs) + 1)):
        return [pairs[index] for index in range(1, len(pairs) + 1)]
    return pairs


def to_lua(value: Any, runtime: Any) -> Any:
    """What to hand to lupa so that Lua gets the value itself and never a live Python object.

    Enumeration members become their literals, numbers of numpy plain numbers, lists and dicts tables. An object that
    knows how to display itself is passed on as an opaque value.

    Raises
    ------
    TypeError
        If Lua has nothing like it.
    """
    if type(value) is int and not fits(value):
        raise TypeError(f"{value} does not fit into Lua's 64-bit integers: it is passed as hex digits")
    if type(value) in PLAIN or lua54.lua_type(value) is not None:
        return value
    if isinstance(value, Enum):
        return to_lua(value.value, runtime)
    if isinstance(value, (str, bytes)):
        return bytes(value) if isinstance(value, bytes) else str(value)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, numbers.Integral):
        return to_lua(int(value), runtime)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, Mapping):
        return runtime.table_from({to_lua(key, runtime): to_lua(item, runtime) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return runtime.table_from([to_lua(item, runtime) for item in value])
    if is_displayable(value):
        return value
    raise TypeError(f"Lua has nothing like a Python {type(value).__name__}")


def fits(value: int) -> bool:
    """Whether Lua can hold an integer: it has 64 bits and a sign."""
    return -0x8000_0000_0000_0000 <= value < 0x8000_0000_0000_0000


def is_displayable(value: Any) -> bool:
    """Whether an object brings its own display, as IPython understands it."""
    return any(hasattr(type(value), name) for name in ("_repr_mimebundle_", "_repr_html_", "_ipython_display_"))


def number(value: float) -> str:
    """A number as Lua prints it."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "nan" if math.copysign(1, value) > 0 else "-nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = f"{value:.14g}"
    return text if any(c in text for c in ".en") else text + ".0"
