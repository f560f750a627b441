"""Conditions of breakpoints: a table of field values, or a function of the script, which is asked while it waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from typing import Any

from ..codec import Message
from ..link.breakpoints import Condition
from ..messages import SCHEMAS, vocabulary
from ..wire.layers import LAYERS
from .convert import ValueMismatchError, from_script, to_script
from .errors import LuaUserError
from .functions import catalogue, suggest
from .hosting import Ask, LuaFunction, Pending
from .names import Item

__all__ = ["Questions", "holds", "values_of"]


def values_of(message: Message) -> dict[str, Any]:
    """A message's values, by the names that they have in the API: ``{'EVSEPresentVoltage_Value': 4000}``.

    Items of lists, which the API counts, are not among them; what is absent is not either.
    """
    found = {}
    for name, item in catalogue(message.schema, message.name).values.items():
        value = None if item.indices else _at(item, message)
        if value is not None:
            found[name] = to_script(item.type, value)
    return found


def _at(item: Item, message: Message) -> Any:
    steps = item.steps
    of_header = steps[0].field == "Header" and message.header is not None
    at = message.header if of_header else message.body
    for step in steps[1:] if of_header else steps:
        at = getattr(at, step.field, None)
        if at is None or (step.slot and type(at) is not step.type):
            return None
    return at


def holds(name: str, wanted: Mapping[Any, Any]) -> Condition:
    """The condition that a message has these values.

    Raises
    ------
    LuaUserError
        The message has no such field, or the field takes no such value.
    """
    for field, value in wanted.items():
        _check(name, str(field), value)
    # A condition sees a message of the session's vocabulary, in which a field may be missing: then it does not hold.
    return lambda message: wanted.items() <= values_of(message).items()


def _check(name: str, field: str, value: Any) -> None:
    known = [catalogue(key, name).values for key in (*SCHEMAS, *LAYERS) if name in vocabulary(key).elements]
    items = [values[field] for values in known if field in values and not values[field].indices]
    if not items:
        names = [other for values in known for other, item in values.items() if not item.indices]
        near = suggest(field, names)
        hint = f"did you mean {near}?" if near else f"it has {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"
        raise LuaUserError(f"Session.Break: {name} has no field {field}; {hint}")
    problem = None
    for item in items:
        try:
            from_script(item.type, value)
        except ValueMismatchError as error:
            problem = error
        else:
            return
    raise LuaUserError(f"Session.Break: {name}_{field} {problem}")


_QUESTION = object()


class Questions:
    """What a session asks of functions of the script. They are called on the script's thread, while it waits.

    A wait that may be asked something is made of steps: each ends with what was waited for, or with a question, after
    whose answer the wait goes on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tell: Callable[[], object] | None = None
        self._question: tuple[LuaFunction, Message, Future[bool]] | None = None
        self._waited: Future[Any] | None = None

    def condition(self, function: LuaFunction) -> Condition:
        """The condition that a function of the script says so of a message's values (`values_of`)."""

        def ask(message: Message) -> bool | Future[bool]:  # in the link's thread
            answer: Future[bool] = Future()
            with self._lock:
                if self._tell is None:
                    return True  # nobody waits who could ask: rather stop than pass by
                self._question = function, message, answer
                tell = self._tell
            tell()
            return answer

        return ask

    def abandon(self) -> None:
        """End the wait whose question was never answered: the script's function has failed, or was interrupted."""
        waited, self._waited = self._waited, None
        if waited is not None:
            waited.cancel()

    def pending(self, begin: Callable[[], Future[Any]], then: Callable[[Any], Any]) -> Pending:
        """Wait for what a session does, and meanwhile ask the script what the session asks.

        Parameters
        ----------
        begin : callable
            Begins it; gives its future.
        then : callable
            As `Pending.then`.
        """
        self.abandon()
        step = self._listen()  # before anything can be asked
        try:
            waited = begin()
        except BaseException:
            step.cancel()
            raise
        return self._step(step, waited, then)

    def _listen(self) -> Future[Any]:
        """Listen for questions, with a future that the next one ends."""
        step: Future[Any] = Future()

        def tell() -> None:
            _settle(step, result=_QUESTION)

        def ended(done: Future[Any]) -> None:
            if done.cancelled():
                with self._lock:
                    self._tell = None if self._tell is tell else self._tell

        with self._lock:
            self._tell = tell
        step.add_done_callback(ended)
        return step

    def _step(self, step: Future[Any], waited: Future[Any], then: Callable[[Any], Any]) -> Pending:
        """Wait for the end of what was begun, or for a question."""
        step.add_done_callback(lambda done: waited.cancel() if done.cancelled() else None)
        waited.add_done_callback(lambda done: _copy(done, step))

        def settled(outcome: Any) -> Any:
            with self._lock:
                question, self._question, self._tell = self._question, None, None
            if question is None:
                return then(outcome)
            function, message, answer = question
            self._waited = waited

            def answered(holds: Any = None, *_: Any) -> Pending:
                self._waited = None
                again = self._step(self._listen(), waited, then)
                _settle(answer, result=holds is not None and holds is not False)
                return again

            return Ask(function, (values_of(message),), answered)

        return Pending(step, settled)


def _settle(future: Future[Any], result: Any = None, error: BaseException | None = None) -> None:
    try:
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
    except InvalidStateError:  # it has ended otherwise
        return


def _copy(done: Future[Any], step: Future[Any]) -> None:
    if done.cancelled():
        step.cancel()
    else:
        _settle(step, None if done.exception() else done.result(), done.exception())
