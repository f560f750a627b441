"""What every view function returns: HTML for a notebook, text for a terminal, a DataFrame to go on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from secc_kernel.views.look import Block, to_html, to_text

if TYPE_CHECKING:
    from pandas import DataFrame


class View:
    """Part of a journal, to look at and to work with.

    A notebook shows it as HTML without scripts, ``print()`` and a terminal as text. It is a snapshot: what comes into
    the journal later is not in it.
    """

    __slots__ = ("_blocks", "_data", "_make_data")

    def __init__(self, blocks: Sequence[Block], data: Callable[[], DataFrame]) -> None:
        self._blocks = tuple(blocks)
        self._make_data = data
        self._data: DataFrame | None = None

    @property
    def data(self) -> DataFrame:
        """The same facts as a pandas DataFrame with typed columns; names tell the unit. Made when first asked for."""
        if self._data is None:
            self._data = self._make_data()
        return self._data

    def _repr_html_(self) -> str:
        return to_html(self._blocks)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Both forms, whatever front end asks (it takes the richest that it can show)."""
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def __repr__(self) -> str:
        return to_text(self._blocks)
