"""Lua's globals for Python cells: ``lua.x``, and ``x`` itself where Python has no ``x`` of its own."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterable, MutableMapping
from types import TracebackType
from typing import Any

from secc_kernel.lua import HostFunction, LazyTable, LuaEngine, LuaError, LuaInterrupted, LuaUserError

__all__ = ["Given", "LuaCallError", "LuaFunction", "LuaGlobals", "hide_bridge", "names_in_python", "names_in_text"]

_WORD = re.compile(r"[^\W\d]\w*")


class LuaCallError(Exception):
    """A Lua function that Python has called has failed; the text is the Lua error with its place and hint."""


class LuaFunction:
    """A Lua function, by the names that lead to it: calling it runs what has that name then.

    Parameters
    ----------
    engine : LuaEngine
        Where it is.
    path : tuple
        A global's name, and keys in tables from there.
    """

    def __init__(self, engine: LuaEngine, path: tuple[Any, ...]) -> None:
        self._engine = engine
        self._path = path

    def __call__(self, *args: Any) -> Any:
        """Call it and wait for its end; gives its result, or a tuple of several."""
        try:
            results = self._engine.call(self._path, tuple(map(_plain, args)))
        except LuaInterrupted as problem:
            raise KeyboardInterrupt(str(problem)) from None
        except LuaError as problem:
            raise LuaCallError(_told(problem, ".".join(map(str, self._path)))) from None
        found = [LuaNamespace(None, "", each) if isinstance(each, LazyTable) else each for each in results]
        return found[0] if len(found) == 1 else tuple(found) or None

    def __repr__(self) -> str:
        return f"<Lua function {'.'.join(map(str, self._path))}>"


def _told(problem: LuaError, name: str) -> str:
    """An error as text; where the call itself is at fault, without the place of the line that made it for Python."""
    problem.frames = [frame for frame in problem.frames if frame.source != name]
    if problem.source == name:
        problem.text = ""
        problem.message = problem.message.removeprefix(f"{name}:{problem.line}: ")
    return "\n".join([problem.message, *problem.render()[1:]])


class LuaNamespace:
    """A table of the API: ``lua.Secc`` with its functions, what a function has returned with its values.

    Parameters
    ----------
    engine : LuaEngine or None
        Where its functions run; None for a table that is no global, which shows its values only.
    name : str
        The global's name.
    table : LazyTable
        What it stands for.
    """

    def __init__(self, engine: LuaEngine | None, name: str, table: LazyTable) -> None:
        self._engine = engine
        self._name = name
        self._table = table

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            member = self._table.resolve(name)
        except LuaUserError as problem:
            raise AttributeError(problem.message) from None
        if not callable(member) and not isinstance(member, HostFunction):
            return member
        if self._engine is None:
            raise AttributeError(f"{name} is a function of a Lua value that Python does not hold: call it in Lua")
        return LuaFunction(self._engine, (self._name, name))

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __dir__(self) -> Iterable[str]:
        return self._table.names()

    def __repr__(self) -> str:
        return repr(self._table)


class LuaModule(dict[Any, Any]):
    """The copy of a table that holds functions: they are called as attributes, ``lua.Session.Status()``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the table has no {name!r}; it has {', '.join(map(str, self))}") from None

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *map(str, self)]


class LuaGlobals:
    """The globals of the Lua cells.

    ``lua.x`` is the value of the Lua global ``x`` now: a number, a string, a boolean, None for nil, for a table a list
    (keys 1 to n) or a dict, a copy in either case, and for a function something to call. ``lua.x = value`` sets it;
    lists, dicts, arrays and Python functions become what Lua has for them. A name that Python does not have is also
    found without ``lua.``, with the value that it had when the cell began.
    """

    def __init__(self, engine: LuaEngine, prepare: Callable[[], object]) -> None:
        self.__dict__.update(_engine=engine, _prepare=prepare)

    def _fetch(self, name: str) -> Any:
        engine: LuaEngine = self._engine
        value = engine.get(name, lambda keys: LuaFunction(engine, (name, *keys)))
        if isinstance(value, LazyTable):
            return LuaNamespace(engine, name, value)
        if isinstance(value, dict) and any(isinstance(item, LuaFunction) for item in value.values()):
            return LuaModule(value)
        return value

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("__", "_repr_", "_ipython_")):
            raise AttributeError(name)
        self._prepare()
        return self._fetch(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._engine.define(name, _plain(value))

    __getitem__, __setitem__ = __getattr__, __setattr__  # names that Python keeps for itself: lua["is"]

    def __delattr__(self, name: str) -> None:
        self._engine.define(name, None)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._engine.members()

    def __dir__(self) -> Iterable[str]:
        return list(self._engine.members())

    def __repr__(self) -> str:
        return "<Lua globals: lua.x reads x, lua.x = 3 sets it>"

    def data(self, name: str) -> Any:
        """The value of a global that is plain data; None for a function, for a table that holds some, and for nil."""
        try:
            value = self._engine.get(name)
        except LuaUserError:
            return None
        return None if isinstance(value, LazyTable) or callable(value) else value


def hide_bridge(traceback: TracebackType | None) -> None:
    """Cut a traceback below the line of the user's that has used this module: what is there is ours."""
    while traceback is not None and traceback.tb_next is not None:
        if traceback.tb_next.tb_frame.f_code.co_filename == __file__:
            traceback.tb_next = None
        traceback = traceback.tb_next


def _plain(value: Any) -> Any:
    """An array as a list, for Lua; anything else as it is."""
    to_list = getattr(value, "tolist", None)
    return to_list() if callable(to_list) else value


class Given:
    """Names that Python cells get for the time that they run, unless they have set them themselves.

    Parameters
    ----------
    provide : callable
        From a name to its value; None for one that is not to be given.
    """

    def __init__(self, provide: Callable[[str], Any]) -> None:
        self._provide = provide
        self._given: dict[str, Any] = {}

    def update(self, names: Iterable[str], own: Iterable[str], namespace: MutableMapping[str, Any]) -> None:
        """Before a cell: give the names that it reads, and bring up to date what earlier cells have got.

        Parameters
        ----------
        names : iterable of str
            What the cell reads.
        own : iterable of str
            What it sets: from then on that is Python's.
        namespace : mutable mapping
            Where it will run.
        """
        for name in {*names, *self._given}:
            if name in namespace and namespace[name] is not self._given.get(name):
                self._given.pop(name, None)
                continue
            value = None if hasattr(builtins, name) else self._provide(name)
            if value is not None:
                self._given[name] = namespace[name] = value
            elif self._given.pop(name, None) is not None:
                del namespace[name]
        for name in own:
            self._given.pop(name, None)


#: What has variables of its own.
_INNER = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


def _collect(node: ast.AST, inner: bool, read: set[str], own: set[str]) -> None:
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load):
            read.add(node.id)
        elif not inner:
            own.add(node.id)
    for child in ast.iter_child_nodes(node):
        _collect(child, inner or isinstance(node, _INNER), read, own)


def names_in_python(code: str) -> tuple[set[str], set[str]]:
    """The names that Python code reads anywhere, and those that it sets outside of functions and comprehensions."""
    read: set[str] = set()
    own: set[str] = set()
    try:
        _collect(ast.parse(code), False, read, own)
    except (SyntaxError, ValueError, RecursionError):
        return set(), set()
    return read, own


def names_in_text(code: str) -> set[str]:
    """The words of a magic or a shell command, of which some may be names in ``{...}`` or behind ``$``."""
    return set(_WORD.findall(code))
