"""What a refusal has to hold besides its code: the mandatory fields of a response, with values that say nothing.

ISO 15118-2 wants a response with a FAILED code to be valid ([V2G2-736]), and lets the vehicle ignore what else it says.
So the fields follow from the declarations: the least that each type admits.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from secc_kernel.exi.datatypes import SimpleType
from secc_kernel.exi.declare import ComplexType, Field, Model
from secc_kernel.messages import Vocabulary, vocabulary

__all__ = ["RESPONSE_CODE", "fill", "refusal"]

RESPONSE_CODE = "ResponseCode"
"""The field that tells a refusal."""


def refusal(schema: str, request: str) -> dict[str, Any]:
    """The fields of the answer to a request for which there is no rule: its response with a FAILED code.

    Parameters
    ----------
    schema : str
        Key of the vocabulary.
    request : str
        The request's name.

    Raises
    ------
    KeyError
        The vocabulary has no response to it.
    """
    type_ = vocabulary(schema).message_type(request[:-3] + "Res")
    code = next(field.type for field in type_.__fields__ if field.name == RESPONSE_CODE)
    return {RESPONSE_CODE: next(member for member in code.members if str(member).lower().startswith("failed"))}


def fill(schema: str, response: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A response's fields, and for each mandatory one that is not among them a value that says nothing.

    Parameters
    ----------
    schema : str
        Key of the vocabulary.
    response : str
        The response's name.
    fields : dict
        What it says.
    """
    least = _Least(vocabulary(schema))
    needed = _mandatory(vocabulary(schema).message_type(response))
    return {**{f.name: least.of(f) for f in needed if f.name not in fields and f.name != "Header"}, **fields}


def _mandatory(type_: type[ComplexType]) -> Iterator[Field]:
    """The fields that a value of a type must have; of a choice, those of its first branch."""
    chosen = {name for base in type_.__mro__ if (model := base.__dict__.get("_content_")) for name in _first(model)}
    for field in type_.__fields__:
        if field.kind != "items" and (field.min > 0 or field.name in chosen):
            yield field


def _first(model: Model) -> Iterator[str]:
    """The fields that a content model asks for, where of each choice the first branch is taken."""
    if model.min == 0:
        return
    for part in model.parts[:1] if model.op == "choice" else model.parts:
        if isinstance(part, Model):
            yield from _first(part)
        elif isinstance(part, str):
            yield part


class _Least:
    """Makes the least value that a field of a vocabulary admits."""

    def __init__(self, words: Vocabulary) -> None:
        self._words = words
        self._ids = count(1)

    def of(self, field: Field) -> Any:
        # Of a slot of a substitution group, the first member.
        member = next(iter(self._words.members(field)), None)
        type_ = field.type if member is None else member.simple_type or member.type
        if field.repeated:
            return [self._value(type_) for _ in range(max(field.min, 1))]
        return self._value(type_)

    def _value(self, type_: Any) -> Any:
        if isinstance(type_, SimpleType):
            return self._plain(type_)
        return type_(**{field.name: self.of(field) for field in _mandatory(type_)})

    def _plain(self, type_: SimpleType) -> Any:
        if type_.kind == "enumeration":
            return type_.members[0]
        if type_.kind == "boolean":
            return False
        if type_.kind == "integer":
            low, high = type_.min_inclusive, type_.max_inclusive
            return max(0 if high is None else min(0, high), 0 if low is None else low)
        if type_.kind == "string":
            return f"id{next(self._ids)}" if type_.builtin in ("ID", "IDREF") else "0" * (type_.min_length or 1)
        return bytes(type_.min_length or 1)
