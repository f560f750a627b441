"""Calls that may be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secc_kernel.codec import DecodeError, EncodeError


def attempt(function: Callable[..., Any], *arguments: Any) -> tuple[Any, DecodeError | EncodeError | None]:
    """Result and None, or None and the error that the codec says it raises."""
    try:
        return function(*arguments), None
    except (DecodeError, EncodeError) as error:
        return None, error
