"""What a script has set: one sheet per message, kept until the session ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from ..messages import vocabulary
from .compose import Assignment
from .convert import ValueMismatchError, from_script
from .functions import catalogue
from .names import Catalogue, Item

__all__ = ["Key", "Sheet", "Sheets"]

Key = tuple[str, str, tuple[int, ...]]
"""What was set: ``value``, ``count`` or ``specified``; of which item, by its API name; with which list indices."""


class Sheet:
    """What a script has set of one message, as it was written; vocabularies come into play when it is read.

    Attributes
    ----------
    said : dict
        Values by key, in the order in which they were last set.
    unsent : set
        Keys that were set since the message was last sent: they are for the session that begins, if one ends now.
    """

    __slots__ = ("_before", "_cursors", "_left_out", "_lock", "_places", "said", "unsent")

    def __init__(self) -> None:
        self.said: dict[Key, Any] = {}
        self.unsent: set[Key] = set()
        self._before: dict[Key, Any] | None = None
        self._places: dict[Key, str] = {}
        self._left_out: set[tuple[str, Key]] = set()
        self._cursors: dict[tuple[str, tuple[int, ...]], int] = {}
        self._lock = threading.Lock()  # the script sets, the link's thread composes

    def set(
        self, what: str, name: str, indices: tuple[int, ...], value: Any, once: bool = False, place: str = ""
    ) -> None:
        """Remember a value; what is set last counts.

        Parameters
        ----------
        what, name, indices, value
            See `Key`, and the value as the script wrote it.
        once : bool
            For the next message only: then all is as it was before.
        place : str
            Where the script has said so: ``In[3]:2``.
        """
        key = (what, name, indices)
        with self._lock:
            if once and self._before is None:
                self._before = dict(self.said)
            self._places[key] = place
            self._left_out = {(schema, other) for schema, other in self._left_out if other != key}
            self.said.pop(key, None)
            self.said[key] = value
            self.unsent.add(key)
            if what == "count":  # a list sized anew is filled from its beginning
                prefix = name + "_"
                self._cursors = {
                    (field, outer): next_
                    for (field, outer), next_ in self._cursors.items()
                    if not (field.startswith(prefix) and outer[: len(indices)] == indices)
                }

    def append(self, name: str, outer: tuple[int, ...], value: Any, once: bool = False, place: str = "") -> None:
        """Remember a value for the next item of a list, counted field by field."""
        index = self.next_index(name, outer)
        self._cursors[name, outer] = index + 1
        self.set("value", name, (*outer, index), value, once, place)

    def next_index(self, name: str, outer: tuple[int, ...]) -> int:
        """The index of the item that is appended next."""
        return self._cursors.get((name, outer), 0)

    def get(self, what: str, name: str, indices: tuple[int, ...]) -> Any:
        """What was set, or None."""
        return self.said.get((what, name, indices))

    def count(self, item: Item, schema: str, message: str, indices: tuple[int, ...]) -> int | None:
        """How many items a list has by what was set, or None if nothing was.

        Parameters
        ----------
        item : Item
            The list.
        schema, message : str
            Where it is.
        indices : tuple of int
            Which of the lists of that name: the indices above it.
        """
        values = catalogue(schema, message).values
        depth, length = len(indices), None
        with self._lock:
            keys = list(self.said.items())
        for (what, name, at), value in keys:
            if (what, name, at) == ("count", item.name, indices):
                length = value
            elif what == "value" and at[:depth] == indices and len(at) > depth and _is_in(item, values.get(name)):
                length = max(length or 0, at[depth] + 1)
        return length

    def sent(self) -> None:
        """The message went out: what was set for it alone is forgotten, and what is appended next begins a new list."""
        with self._lock:
            self.unsent.clear()
            self._cursors.clear()
            if self._before is not None:
                self.said, self._before = self._before, None

    def keep_unsent(self) -> bool:
        """The session has ended: forget all but what was set since the message was last sent; whether any is left."""
        with self._lock:
            said = self.said if self._before is None else self._before
            self.said, self._before = {key: value for key, value in said.items() if key in self.unsent}, None
        return bool(self.said)

    def assignments(self, schema: str, message: str) -> list[Assignment]:
        """What was set, in terms of a vocabulary.

        Raises
        ------
        ValueMismatchError
            The vocabulary's message has no such element, or it does not take the value; the text names it and where it
            was set. That is said once: from then on it is left out.
        """
        items = catalogue(schema, message)
        with self._lock:
            said = [(key, value) for key, value in self.said.items() if (schema, key) not in self._left_out]
        found, problems = [], []
        for key, value in said:
            try:
                found.append(_assignment(items, schema, message, key, value))
            except ValueMismatchError as error:
                self._left_out.add((schema, key))
                problems.append(f"{error} (set at {self._places.get(key) or 'an unknown place'})")
        if problems:
            raise ValueMismatchError("; ".join(problems))
        return found


def _is_in(list_: Item, value: Item | None) -> bool:
    return value is not None and value.steps[: len(list_.steps)] == list_.steps


def _assignment(items: Catalogue, schema: str, message: str, key: Key, value: Any) -> Assignment:
    what, name, indices = key
    item = _item(items, what, name)
    if item is None:
        raise ValueMismatchError(f"{message} of {vocabulary(schema).title} has no {name}")
    if what == "value":
        try:
            value = from_script(item.type, value)
        except ValueMismatchError as error:
            raise ValueMismatchError(f"{message}_{name} {error}") from None
    return Assignment(item, indices, what, value)


def _item(items: Catalogue, what: str, name: str) -> Item | None:
    if what == "value":
        return items.values.get(name)
    return items.lists.get(name) if what == "count" else items.optional(name)


class Sheets:
    """The sheets of a session, by message."""

    def __init__(self) -> None:
        self._sheets: dict[str, Sheet] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._sheets))

    def of(self, message: str) -> Sheet:
        """The sheet of a message; an empty one at first."""
        found = self._sheets.get(message)
        return self._sheets.setdefault(message, Sheet()) if found is None else found

    def overrides(self, message: str) -> Sheet | None:
        """The sheet of a message of which something was set: it counts, whoever sends the message."""
        found = self._sheets.get(message)
        return found if found is not None and found.said else None

    def clear(self, keep_unsent: bool = False) -> None:
        """The session has ended: forget what was set.

        Parameters
        ----------
        keep_unsent : bool
            Keep what has not been sent yet: it was set for the session that begins.
        """
        for message, sheet in list(self._sheets.items()):
            if not keep_unsent or not sheet.keep_unsent():
                del self._sheets[message]
