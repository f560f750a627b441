"""Python for Lua: what can be registered with an engine, and how a call from Lua reaches it.

Lua gets nothing but its own closures and tables. Behind a closure stands a bound function (`Binder.bind`) that
converts the arguments, calls, and answers with a status and values: ``(None, values...)`` when all is well, or one
of the statuses that ``boot.lua`` knows (``error``, ``await``, ``interrupt``, ``ask``, ``closure``, ``lazy``). No
Python exception has to cross Lua for the expected cases, so the error that a script sees has the place of the script's
own line.
"""

from __future__ import annotations

import concurrent.futures
import inspect
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .errors import LuaUserError
from .interrupt import Interrupts
from .memory import Memory
from .picture import picture
from .values import PLAIN, fits, is_displayable, to_lua, to_python

__all__ = ["Ask", "Binder", "HostFunction", "LazyTable", "LuaFunction", "Pending"]

#: A bound function's answer: a status and what goes with it.
Answer = tuple[Any, ...]

_INTERRUPTED: Answer = ("interrupt",)


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A Python function with more to say about how Lua calls it.

    Parameters
    ----------
    function : callable
        Called with the converted arguments.
    name : str
        Its name in Lua, for error messages.
    raw : bool
        Whether tables arrive as pictures (`LuaTable`) and functions as `LuaObject`, for functions that display what
        they get. Otherwise tables arrive as lists and dicts, and functions are refused.
    calls : bool
        Whether it takes functions of the script, as `LuaFunction`, and may ask for calls of them (`Ask`).
    placed : bool
        Whether its first argument, ``place``, is where the script calls it: ``In[3]:2``, and in a
        function ``In[3]:2, from In[4]:1``.
    """

    function: Callable[..., Any]
    name: str = ""
    raw: bool = False
    placed: bool = False
    calls: bool = False


class LuaFunction:
    """A function of the script. It stays in Lua, by number; an `Ask` has it called.

    Attributes
    ----------
    number : int
        Which one; free for another function when nobody has this any more.
    """

    __slots__ = ("__weakref__", "number")

    def __init__(self, number: int) -> None:
        self.number = number


@dataclass(frozen=True, slots=True)
class Ask:
    """Something to ask a function of the script: returned by a function that Lua calls, or by a `Pending.then`.

    Parameters
    ----------
    function : LuaFunction
        The function. It is called in the script's own coroutine: its errors, and interrupts, are the script's.
    arguments : tuple
        What it gets.
    then : callable
        Called with its results; gives the result of the Lua call, or something more to wait for or ask.
    """

    function: LuaFunction
    arguments: tuple[Any, ...]
    then: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Pending:
    """Something to wait for, and what to do with it: returned by a function that Lua calls.

    Parameters
    ----------
    future : concurrent.futures.Future or awaitable
        What the Lua call waits for.
    then : callable
        Called with its result on the engine's thread, before Lua goes on: the place to show something in the order
        of the script. It gives the result of the Lua call and may raise `LuaUserError`.
    """

    future: Any
    then: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, eq=False)
class LazyTable:
    """A Lua table whose members are made when a script first names them.

    Parameters
    ----------
    name : str
        Its name in Lua, for error messages.
    resolve : callable
        From a member's name to what it is: a callable, a value, or another `LazyTable`. It is asked once for each
        name; it raises `LuaUserError`, with a suggestion, for a name that does not exist.
    names : callable
        Gives all member names, in the order in which ``pairs`` and completion show them.
    """

    name: str
    resolve: Callable[[str], Any]
    names: Callable[[], Iterable[str]]

    def __repr__(self) -> str:
        return f"{self.name}: a table of {sum(1 for _ in self.names())} names"

    def refuse(self, key: Any) -> None:
        """Answer an assignment to a member: always an error.

        Raises
        ------
        LuaUserError
            Always.
        """
        if isinstance(key, str) and key in set(self.names()):
            raise LuaUserError(
                f"{self.name}.{key} is part of the API and cannot be assigned",
                f"functions are called: {self.name}.{key}(value)" if "Set_" in key else None,
            )
        raise LuaUserError(
            f"{self.name} has no field {key!r} to assign to",
            "keep values and functions of your own in a table of your own",
        )


class Binder:
    """Makes bound functions, and remembers what the engine has to know of the last call.

    Attributes
    ----------
    pending : Pending or None
        What the last call returned to be waited for, until the engine has done so.
    pending_name : str
        The function that returned it.
    complaint, complaint_name : LuaUserError or None, str
        The last mistake that was reported to a script, and by which function: its hint is shown if nobody catches it.
    """

    def __init__(self, interrupts: Interrupts, memory: Memory, runtime: Any) -> None:
        self.pending: Pending | None = None
        self.pending_name = ""
        self.complaint: LuaUserError | None = None
        self.complaint_name = ""
        self._interrupts = interrupts
        self._memory = memory
        self._runtime = runtime
        self._unused: list[int] = []
        self._kept = 0

    def keep(self) -> tuple[LuaFunction, int]:
        """Stand for a function of the script; with its number."""
        if not self._unused:
            self._kept += 1
            self._unused.append(self._kept)
        made = LuaFunction(self._unused.pop())
        weakref.finalize(made, self._unused.append, made.number).atexit = False
        return made, made.number

    def bind(self, function: Callable[..., Any], name: str, raw: bool = False) -> Callable[..., Answer]:
        """The bound function that ``boot.lua`` wraps into a closure."""
        interrupts = self._interrupts
        make_room = self._memory.make_room
        convert = picture if raw else to_python

        def bound(*args: Any) -> Answer:
            make_room()
            if not PLAIN.issuperset(map(type, args)):
                try:
                    # Rebinding drops the wrappers: nothing that fails below may keep one alive in a traceback.
                    args = tuple(map(convert, args))
                except LuaUserError as problem:
                    return self.complain(LuaUserError(f"{name}: {problem.message}"), name)
            outer = interrupts.enter()
            already = interrupts.requested
            if already:
                # Asked before this call could be seen: nobody would ask again while it blocks.
                interrupts.leave(outer)
                return _INTERRUPTED
            try:
                result = function(*args)
                interrupts.leave(outer)
            except KeyboardInterrupt:
                interrupts.leave(outer)
                interrupts.requested = True
                return _INTERRUPTED
            except LuaUserError as problem:
                interrupts.leave(outer)
                return self.complain(problem, name)
            except TypeError as problem:
                interrupts.leave(outer)
                return self.complain(_wrong_arguments(problem, function, name, args), name)
            except BaseException:
                interrupts.leave(outer)
                raise
            if interrupts.requested:
                return _INTERRUPTED
            kind = type(result)
            if kind in PLAIN and (kind is not int or fits(result)):
                return (None, result)
            return self.answer(result, name)

        return bound

    def complain(self, problem: LuaUserError, name: str) -> Answer:
        """The answer that makes Lua raise a user's mistake at the calling line."""
        problem.__traceback__ = None
        self.complaint, self.complaint_name = problem, name
        return ("error", problem.message)

    def answer(self, result: Any, name: str) -> Answer:
        """The answer for what a function returned, in Lua's values.

        Raises
        ------
        TypeError
            If Lua has nothing like the result: a mistake of the function, not of the script.
        """
        if isinstance(result, tuple):
            return (None, *[self.value(item, name) for item in result])
        if isinstance(result, LazyTable):
            return ("lazy", *self.parts(result))
        if isinstance(result, concurrent.futures.Future) or inspect.isawaitable(result):
            result = Pending(result, _unchanged)
        if isinstance(result, Pending):
            self.pending, self.pending_name = result, name
            return ("await",)
        if isinstance(result, Ask):
            arguments = [self.value(item, name) for item in result.arguments]
            return ("ask", self.bind(result.then, name), result.function.number, *arguments)
        if isinstance(result, HostFunction):
            kind = "raw_closure" if result.raw else "placed_closure" if result.placed else "closure"
            return (kind, self.bind(result.function, result.name or name, result.raw))
        if is_function(result):
            return ("closure", self.bind(result, name))
        return (None, self.value(result, name))

    def value(self, value: Any, name: str) -> Any:
        """A value for Lua, or a TypeError that names the function which made it."""
        try:
            return to_lua(value, self._runtime)
        except TypeError as problem:
            raise TypeError(f"{name} returned what Lua cannot hold: {problem}") from None

    def parts(self, table: LazyTable) -> Answer:
        """What ``boot.lua`` makes a lazy table of."""

        def resolve(key: Any) -> Any:
            if not isinstance(key, str):
                raise LuaUserError(f"{table.name} has names, no {type(key).__name__} {key!r}")
            member = table.resolve(key)
            return HostFunction(member, f"{table.name}.{key}") if is_function(member) else member

        return (
            table.name,
            self.bind(resolve, table.name),
            self.bind(lambda: list(table.names()), table.name),
            self.bind(table.refuse, table.name),
            table,
        )


def _unchanged(result: Any) -> Any:
    return result


def is_function(value: Any) -> bool:
    """Whether Lua gets a value as a function: what is callable, but not a class or something to display."""
    return callable(value) and not isinstance(value, type) and not is_displayable(value)


def _wrong_arguments(problem: TypeError, function: Callable[..., Any], name: str, args: Answer) -> LuaUserError:
    """A TypeError of the call itself becomes the caller's mistake; any other goes on."""
    traceback = problem.__traceback__
    if traceback is not None and traceback.tb_next is not None:
        raise problem
    try:
        parameters = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        raise problem from None
    if parameters[:1] == ["place"]:
        parameters, args = parameters[1:], args[1:]
    count = f"{len(args)} value{'' if len(args) == 1 else 's'}"
    return LuaUserError(f"{name} takes ({', '.join(parameters)}), not {count}")
