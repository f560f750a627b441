"""How a management message's body is declared: fields one after the other, numbers little-endian.

A message is a class whose annotations say how each field is on the wire::

    @message(0x6064)
    class CM_SLAC_PARM_REQ(Message):
        ApplicationType: U8 = 0
        SecurityType: U8 = 0
        RunID: Octets8 = bytes(8)

    @message(0x6086)
    class CM_ATTEN_PROFILE_IND(Message):
        PEVMAC: Address = bytes(6)
        NumGroups: Count = None                             # None: counted when it is written
        Reserved: U8 = 0
        AAG: Annotated[bytes, Counted("NumGroups")] = b""

What a device sends may be shorter or longer than declared. Where it is shorter there is a `HomeplugError`; what
follows the last field is kept beside the message, so that everything read can be written again.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """`typing.dataclass_transform`, which type checkers read and Python has only from 3.11 on."""
        return lambda decorated: decorated


__all__ = [
    "MESSAGES",
    "Count",
    "Counted",
    "Field",
    "HomeplugError",
    "Integer",
    "Listed",
    "Message",
    "Octets",
    "Record",
    "fields",
    "message",
    "record",
]


class HomeplugError(ValueError):
    """The bytes are no management message, or a value does not fit its field.

    Attributes
    ----------
    reason
        What is wrong, and what was expected.
    offset
        Where, in bytes from the MMV byte on; None for a value that was to be written.
    """

    def __init__(self, reason: str, offset: int | None = None) -> None:
        super().__init__(reason if offset is None else f"byte {offset}: {reason}")
        self.reason = reason
        self.offset = offset


# -- how fields are on the wire ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Integer:
    """A number of so many bytes; ``unit`` says of what, ``members`` what some numbers stand for."""

    size: int
    unit: str = ""
    members: type[IntEnum] | None = None


@dataclass(frozen=True)
class Octets:
    """So many bytes; those that stand for text are filled up with NUL."""

    size: int
    text: bool = False


@dataclass(frozen=True)
class Counted:
    """As many bytes as an earlier field says; ``per`` of its units are in one byte."""

    by: str
    per: int = 1


@dataclass(frozen=True)
class Listed:
    """As many records, or addresses of six bytes, as an earlier field says."""

    by: str
    of: Any


Form = Integer | Octets | Counted | Listed

Count = Annotated[int | None, Integer(1)]
"""The number of what follows; None when it is to be counted."""


class Field(NamedTuple):
    """A declared field."""

    name: str
    form: Form
    count_of: str | None
    """The field whose items it counts."""


class Record:
    """A group of fields."""

    __slots__ = ()


class Message(Record):
    """A management message's body.

    Attributes
    ----------
    MMTYPE
        Its number; the two low bits are 0 for a request, 1 for its confirmation, 2 for an indication, 3 for a response.
    VERSIONS
        The values of the MMV byte with which the body looks like this; of a maker's own, the first is what is sent.
    SENDER
        Who sends it in matching: 'EVCC', 'SECC', 'either', 'host' (one of them to its own modem), 'modem' (to its
        host); '' where it is no part of matching.
    """

    __slots__ = ()
    MMTYPE: ClassVar[int]
    VERSIONS: ClassVar[tuple[int, ...]]
    SENDER: ClassVar[str]

    @property
    def version(self) -> int:
        """The value of the MMV byte with which it is sent: of the standard's messages 1, of others what they say."""
        return 1 if self.MMTYPE < _VENDORS and 1 in self.VERSIONS else self.VERSIONS[0]

    @property
    def name(self) -> str:
        """The standard's spelling: ``CM_SLAC_PARM.REQ``."""
        return ".".join(type(self).__name__.split("_v")[0].rsplit("_", 1))


_VENDORS = 0x8000
"""The first message number of manufacturers."""

MESSAGES: dict[int, list[type[Message]]] = {}
"""The declared messages by their number."""

_C = TypeVar("_C", bound=type[Record])


@dataclass_transform(kw_only_default=False)
def record(cls: _C) -> _C:
    """Declare a group of fields."""
    return dataclass(slots=True)(cls)  # type: ignore[return-value]  # a class of the same kind


@dataclass_transform(kw_only_default=False)
def message(mmtype: int, versions: tuple[int, ...] = (0, 1), sender: str = "") -> Callable[[_C], _C]:
    """Declare a message.

    Parameters
    ----------
    mmtype
        Its number.
    versions
        The values of the MMV byte with which its body looks like this: vendors have changed theirs.
    sender
        Who sends it in matching; see `Message`.
    """

    def declared(cls: _C) -> _C:
        made: Any = dataclass(slots=True)(cls)
        made.MMTYPE, made.VERSIONS, made.SENDER = mmtype, versions, sender
        MESSAGES.setdefault(mmtype, []).append(made)
        return made  # type: ignore[no-any-return]

    return declared


def fields(cls: type[Record]) -> tuple[Field, ...]:
    """The declared fields of a message or record, in the order of the wire."""
    found = _FIELDS.get(cls)
    if found is None:
        found = _FIELDS[cls] = tuple(_declared_fields(cls))
    return found


_FIELDS: dict[type[Record], tuple[Field, ...]] = {}


def _declared_fields(cls: type[Record]) -> Iterator[Field]:
    # Some fields are called as their types are, so names stand for what the module says.
    hints = inspect.get_annotations(cls, globals=vars(sys.modules[cls.__module__]), locals={}, eval_str=True)
    forms: dict[str, Form] = {name: hint.__metadata__[0] for name, hint in hints.items()}
    counts = {form.by: name for name, form in forms.items() if isinstance(form, (Counted, Listed))}
    return (Field(name, form, counts.get(name)) for name, form in forms.items())


# -- reading ----------------------------------------------------------------------------------------------------------


class Cursor:
    """Bytes that are read from the front.

    Parameters
    ----------
    data
        A message, from the MMV byte on.
    position
        The byte to begin with.
    """

    def __init__(self, data: bytes, position: int) -> None:
        self.data = data
        self.position = position

    def take(self, size: int, what: str) -> bytes:
        """The next bytes.

        Raises
        ------
        HomeplugError
            There are not so many.
        """
        left = len(self.data) - self.position
        if size > left:
            raise HomeplugError(f"{what} needs {size} bytes, and {left} are left", self.position)
        self.position += size
        return self.data[self.position - size : self.position]


def read(cls: type[Record], cursor: Cursor, where: str = "") -> Any:
    """The fields of a message or record.

    Raises
    ------
    HomeplugError
        The bytes end before it does.
    """
    found: dict[str, Any] = {}
    for name, form, _ in fields(cls):
        path = f"{where}{name}"
        if isinstance(form, Integer):
            found[name] = int.from_bytes(cursor.take(form.size, path), "little")
        elif isinstance(form, Octets):
            found[name] = cursor.take(form.size, path)
        elif isinstance(form, Counted):
            found[name] = cursor.take(-(-found[form.by] // form.per), path)
        else:
            found[name] = list(_items(form, found[form.by], cursor, path))
    return cls(**found)


def _items(form: Listed, count: int, cursor: Cursor, path: str) -> Iterator[Any]:
    for number in range(count):
        if isinstance(form.of, Octets):
            yield cursor.take(form.of.size, f"{path}[{number}]")
        else:
            yield read(form.of, cursor, f"{path}[{number}].")


# -- writing ----------------------------------------------------------------------------------------------------------


def write(value: Record, where: str = "") -> bytes:
    """The bytes of a message or record.

    Raises
    ------
    HomeplugError
        A value does not fit its field.
    """
    parts = []
    for name, form, count_of in fields(type(value)):
        held = getattr(value, name)
        path = f"{where or type(value).__name__ + '.'}{name}"
        if isinstance(form, Integer):
            parts.append(_number(_counted(value, count_of) if held is None and count_of else held, form, path))
        elif isinstance(form, Listed):
            parts += [
                _octets(item, form.of.size, f"{path}[{number}]")
                if isinstance(form.of, Octets)
                else write(item, f"{path}[{number}].")
                for number, item in enumerate(held)
            ]
        else:
            parts.append(_octets(held, form.size if isinstance(form, Octets) else None, path))
    return b"".join(parts)


def _counted(value: Record, name: str) -> int:
    form = next(field.form for field in fields(type(value)) if field.name == name)
    return len(getattr(value, name)) * (form.per if isinstance(form, Counted) else 1)


def _number(held: Any, form: Integer, path: str) -> bytes:
    if not isinstance(held, int) or not 0 <= held < 1 << 8 * form.size:
        raise HomeplugError(f"{path} takes numbers from 0 to {(1 << 8 * form.size) - 1}, not {held!r}")
    return held.to_bytes(form.size, "little")


def _octets(held: Any, size: int | None, path: str) -> bytes:
    if not isinstance(held, bytes) or size not in (None, len(held)):
        raise HomeplugError(f"{path} takes {'' if size is None else f'{size} '}bytes, not {held!r}")
    return held
