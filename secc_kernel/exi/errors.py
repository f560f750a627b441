"""What can go wrong with a stream, a value or a declaration."""

from __future__ import annotations

from typing import Any, NamedTuple


class DeclarationError(Exception):
    """A declaration contradicts itself or uses what XML Schema has and this package does not."""


class DecodeError(ValueError):
    """A stream that cannot be read.

    Attributes
    ----------
    reason : str
        What is wrong.
    offset : int
        Where, in bits from the first bit of the stream.
    path : str
        The element being read, as ``V2G_Message/Body/SessionSetupReq``; empty at the document's start.
    """

    def __init__(self, reason: str, offset: int, path: str = "") -> None:
        self.reason = reason
        self.offset = offset
        self.path = path
        where = f" in {path}" if path else ""
        super().__init__(f"bit {offset} (byte {offset // 8}){where}: {reason}")


class EncodeError(ValueError):
    """A value that cannot be written.

    Attributes
    ----------
    reason : str
        What is wrong.
    path : str
        The element or attribute at fault.
    """

    def __init__(self, reason: str, path: str) -> None:
        self.reason = reason
        self.path = path
        super().__init__(f"{path}: {reason}")


class Finding(NamedTuple):
    """Something noteworthy about a message that was nevertheless understood."""

    rule: str
    """Stable identifier of the rule, such as ``exi.surplus-bytes`` or ``facet.max-length``."""
    severity: str
    """``note``, ``warning`` or ``error``."""
    path: str
    """The element or attribute, as ``V2G_Message/Header/SessionID``; empty for the whole message."""
    text: str
    """One sentence for a person."""


def short(text: str) -> str:
    """A name or value from the stream, for paths and findings: these must not multiply a long one."""
    return text if len(text) <= 80 else text[:77] + "..."


def shown(value: Any) -> str:
    """A value that a program set, for messages to a person."""
    if value is None:
        return "nothing"
    if isinstance(value, int) and value.bit_length() > 200:  # Python refuses to print very long ones
        return f"a number of {value.bit_length()} bits"
    return short(repr(value))
