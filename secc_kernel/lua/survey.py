"""What scripts have made of the globals, as it stood when Lua was last asked: data that any thread may read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from .picture import quote

__all__ = ["Known", "Survey"]


@dataclass(frozen=True, slots=True)
class Known:
    """A global of a script, or a field of one.

    Attributes
    ----------
    kind : str
        ``integer``, ``float``, ``boolean``, ``string``, ``function``, ``table``, ``thread`` or ``userdata``.
    text : str
        Its value; of a string the beginning, of a function its parameters and where it was defined, of a table how many
        entries it has.
    """

    kind: str
    text: str

    @property
    def value(self) -> str:
        """The value as Lua writes it."""
        if self.kind == "string":
            return quote(self.text)
        return "" if self.kind in ("function", "table", "thread", "userdata") else self.text

    @property
    def parameters(self) -> str:
        """Of a function: ``(a, b)``."""
        return self.text.partition(")")[0] + ")" if self.kind == "function" else ""

    @property
    def place(self) -> str:
        """Of a function: ``In[3]:2``."""
        return self.text.partition(")")[2].strip() if self.kind == "function" else ""


class Survey(Mapping[str, Known]):
    """The globals by their path (``t``, ``t.field``), from what ``survey.lua`` gives; read when first looked at.

    Parameters
    ----------
    text : str
        A record for each name.
    """

    def __init__(self, text: str = "") -> None:
        self._text = text

    @cached_property
    def _found(self) -> dict[str, Known]:
        found: dict[str, Known] = {}
        for record in self._text.split("\x1e") if self._text else ():
            path, kind, shown = record.split("\x1f", 2)
            found.setdefault(path, Known(kind, shown))
        return found

    def __getitem__(self, path: str) -> Known:
        return self._found[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
