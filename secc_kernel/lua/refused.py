"""What a session refuses, as a mistake of the script: with its place there, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from .. import codec
from ..link.base import SessionEndedError, SessionError
from ..link.net import LinkError
from ..link.stops import StoppedError
from ..session.events import LocalProtocolError
from .errors import LuaUserError

__all__ = ["begun"]

_MISTAKES = (SessionError, LocalProtocolError, LinkError, codec.EncodeError)


def _mistake(error: BaseException) -> LuaUserError:
    """A refusal as the script's mistake, with its place in the script."""
    if isinstance(error, LuaUserError):
        return error
    if isinstance(error, StoppedError):
        return LuaUserError(str(error), "look with Get, change with Set; then Session.RunTo or RunToEnd goes on")
    if isinstance(error, SessionEndedError):
        return LuaUserError(str(error), error.advice)
    if isinstance(error, codec.EncodeError):
        return LuaUserError(f"the message cannot be sent: EXI has no way to write it: {error}")
    return LuaUserError(str(error))


def begun(begin: Callable[[], Future[Any]]) -> Future[Any]:
    """Begin to wait for what a session does; a mistake that it ends with is the result, for whoever raises it.

    Parameters
    ----------
    begin : callable
        Asks the session.

    Raises
    ------
    LuaUserError
        The session refuses at once.
    """
    try:
        future = begin()
    except _MISTAKES as error:
        raise _mistake(error) from error
    outcome: Future[Any] = Future()

    def done(inner: Future[Any]) -> None:
        if inner.cancelled() or not outcome.set_running_or_notify_cancel():
            return
        error = inner.exception()
        if error is None or isinstance(error, (LuaUserError, *_MISTAKES)):
            outcome.set_result(inner.result() if error is None else _mistake(error))
        else:
            outcome.set_exception(error)

    def cancelled(outer: Future[Any]) -> None:
        if outer.cancelled():
            future.cancel()

    outcome.add_done_callback(cancelled)
    future.add_done_callback(done)
    return outcome
