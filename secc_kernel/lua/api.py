"""The testers' API in a Lua engine: the tables ``Secc`` and ``Evcc``, the enumerations, ``Session`` and ``Ev``.

`install` registers them. A function is made when a script first names it, from what `functions.find` says of it; what
it sets goes to a `sheets.Sheet`, what it reads comes from the messages of the live session (`bench.Bench`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..codec import Message
from ..messages import vocabulary
from . import enumerations
from .bench import Bench
from .convert import ValueMismatchError, expectation, from_script, to_script
from .errors import LuaUserError
from .functions import (
    SIDES,
    Function,
    UnknownNameError,
    catalogue,
    find,
    in_use,
    keys,
    names,
    preference,
    receives,
    sends,
)
from .hosting import HostFunction, LazyTable, Pending
from .names import Item, Step
from .picture import brief, scalar
from .runtime import LuaEngine
from .session_table import ev_table, session_table
from .sheets import Sheet

__all__ = ["SideApi", "install"]

Indices = tuple[int, ...]

MOST_ITEMS = 1 << 16
"""No list of a message is longer than this, whatever a script miscounts."""


def install(engine: LuaEngine, bench: Bench) -> None:
    """Register the API with an engine.

    Parameters
    ----------
    engine : LuaEngine
        Where scripts run.
    bench : Bench
        The live session, and what scripts set for it.
    """
    for side in SIDES:
        api = SideApi(side, bench)
        engine.define(side, LazyTable(side, api.member, api.names))
        engine.alias(side.upper(), side)
    engine.add_globals(lambda name: _enumeration(name, bench), lambda: enumerations.tables(_active(bench)))
    engine.register_table("Session", session_table(bench))
    engine.register_table("Ev", ev_table(bench))
    for name in (*SIDES, *map(str.upper, SIDES), "Session", "Ev"):
        engine.keep(name)


def _active(bench: Bench) -> tuple[str, ...]:
    """The vocabularies whose names are listed: the session's and the handshake's."""
    return in_use(preference(bench.schema))


def _enumeration(name: str, bench: Bench) -> LazyTable | None:
    if not enumerations.find_table(name):
        return None

    def resolve(key: str) -> str:
        try:
            return enumerations.member(name, key)
        except UnknownNameError as error:
            raise LuaUserError(str(error)) from None

    return LazyTable(name, resolve, lambda: enumerations.members(name, _active(bench)) or enumerations.members(name))


class SideApi:
    """The functions of one side.

    Parameters
    ----------
    side : str
        ``Secc`` or ``Evcc``.
    bench : Bench
        Where they work.
    """

    def __init__(self, side: str, bench: Bench) -> None:
        self.side = side
        self.role = SIDES[side]
        self._bench = bench

    def names(self) -> list[str]:
        """The names of all functions of the vocabularies in use."""
        return list(names(self.side, _active(self._bench)))

    def describe(self, name: str) -> Function:
        """What is known of a function: signature, parameters, range, path.

        Raises
        ------
        UnknownNameError
            There is no such function; the text names the nearest one.
        """
        return find(self.side, name, preference(self._bench.schema))

    def member(self, name: str) -> Callable[..., Any] | HostFunction:
        """As `resolve`, for Lua: what sets something is told where the script does so."""
        function = self.resolve(name)
        if not name.startswith(("Set_", "Add_")):
            return function
        return HostFunction(lambda place, *args: function(*args, place=place), f"{self.side}.{name}", placed=True)

    def resolve(self, name: str) -> Callable[..., Any]:
        """The function of that name.

        Raises
        ------
        LuaUserError
            There is none; the text names the nearest one.
        """
        try:
            function = self.describe(name)
        except UnknownNameError as error:
            raise LuaUserError(str(error)) from None
        if function.what == "message":
            return self._of_message(function)
        make: dict[str, Callable[[_Lookup], Callable[..., Any]]] = {
            "Set": self._setter,
            "Get": self._getter,
            "Check": self._checker,
            "Add": self._adder,
            "Exist": self._finder,
        }
        return make[function.verb](_Lookup(self, function))

    # -- messages -----------------------------------------------------------------------------------------------------

    def _of_message(self, function: Function) -> Callable[[], Any]:
        bench, role, message = self._bench, self.role, function.message

        def receive() -> Pending:
            return bench.receive(role, message)

        def send() -> Pending:
            return bench.send(role, message)

        def check_received() -> bool:
            return bench.session is not None and bench.session.check_received(message, role)

        return {"Receive": receive, "Send": send, "Check_Received": check_received}[function.verb]

    def message(self, name: str) -> Message | None:
        """The last message of that name that this side sent or received, or is about to send at a breakpoint."""
        session = self._bench.session
        if session is None or self.role not in session.link.parties:
            return None
        if not sends(self.role, name) or (receives(self.role, name) and session.arrived(name, self.role)):
            return session.arrived(name, self.role)
        return session.preview(name, self.role) or session.sent(name, self.role)

    # -- items --------------------------------------------------------------------------------------------------------

    def _setter(self, lookup: _Lookup) -> Callable[..., None]:
        bench, sheets = self._bench, self._bench.sheets
        message, what, count = lookup.message, lookup.what, lookup.indices

        def set_(*args: Any, place: str = "") -> None:
            bench.takes_part(lookup.full_name)
            if len(args) != count + 1:
                raise lookup.wrong_arguments(args)
            indices = args[:count]
            if count:
                lookup.check_indices(indices)
            value, sheet = lookup.checked(args[-1]), sheets.of(message)
            if count:
                lookup.check_counts(sheet, indices)
            sheet.set(what, lookup.item_name, indices, value, bench.stands_before(message), place)

        return set_

    def _adder(self, lookup: _Lookup) -> Callable[..., None]:
        bench, sheets = self._bench, self._bench.sheets
        message, outer = lookup.message, lookup.indices - 1

        def add(*args: Any, place: str = "") -> None:
            bench.takes_part(lookup.full_name)
            if len(args) != outer + 1:
                raise lookup.wrong_arguments(args)
            lookup.check_indices(args[:outer])
            value, sheet = lookup.checked(args[-1]), sheets.of(message)
            lookup.check_counts(sheet, (*args[:outer], sheet.next_index(lookup.item_name, args[:outer])))
            sheet.append(lookup.item_name, args[:outer], value, bench.stands_before(message), place)

        return add

    def _getter(self, lookup: _Lookup) -> Callable[..., Any]:
        message, count = lookup.message, lookup.indices
        own = sends(self.role, message)
        sheets = self._bench.sheets

        def get(*args: Any) -> Any:
            if len(args) != count:
                raise lookup.wrong_arguments(args)
            if count:
                lookup.check_indices(args)
            if own:
                sheet = sheets.of(message)
                if lookup.what == "count":
                    said = sheet.count(lookup.item, lookup.schema, message, args)
                else:
                    said = sheet.get(lookup.what, lookup.item_name, args)
                if said is not None:
                    return lookup.read_back(said)
            found = self.message(message)
            if found is None and not own:
                raise LuaUserError(
                    f"{lookup.full_name}: no {message} has arrived in this session",
                    f"{self.side}.Receive_{message}_001() waits for it",
                )
            return lookup.read(found, args)

        return get

    def _checker(self, lookup: _Lookup) -> Callable[..., bool]:
        comparisons, count = self._bench.comparisons, lookup.indices

        def check(*args: Any) -> bool:
            if len(args) != count + 1:
                raise lookup.wrong_arguments(args)
            lookup.check_indices(args[:count])
            expected = lookup.converted(args[-1])
            message = self.message(lookup.message)
            found = lookup.value(message, args[:count])
            if found == expected:
                comparisons.met(lookup.full_name)
                return True
            element = lookup.item.path(args[:count])
            wanted = lookup.said(expected)
            if message is None:
                said = f"no {lookup.message} so far, so {element} is not {wanted}"
            else:
                said = f"{element} is {lookup.said(found)}, not {wanted}"
            comparisons.unmet(lookup.full_name, element, said)
            return False

        return check

    def _finder(self, lookup: _Lookup) -> Callable[..., bool]:
        wanted = keys(lookup.function)

        def exist(*args: Any) -> bool:
            if len(args) > len(wanted):
                raise lookup.wrong_arguments(args)
            expected = {}
            for (name, type_), arg in zip(wanted, args, strict=False):
                if arg is not None:
                    try:
                        expected[name] = from_script(type_, arg)
                    except ValueMismatchError as error:
                        raise LuaUserError(f"{lookup.full_name}: {name} {error}") from None
            return any(_fits(item, expected) for item in lookup.all_items(self.message(lookup.message)))

        return exist

    @property
    def spoken(self) -> str | None:
        """The vocabulary that what is set now is for, where that is known."""
        return self._bench.spoken

    @property
    def preference(self) -> tuple[str, ...]:
        """The vocabularies in the order in which names are looked up now."""
        return preference(self._bench.schema)


def _fits(item: Any, expected: dict[str, Any]) -> bool:
    if hasattr(item, "__fields__") or hasattr(type(item), "__fields__"):
        return all(getattr(item, name) == value for name, value in expected.items())
    return all(item == value for value in expected.values())


class _Lookup:
    """An item as the session's vocabulary has it: looked up anew when another protocol is agreed on."""

    def __init__(self, api: SideApi, function: Function) -> None:
        self._api = api
        self.function = function
        self.full_name = f"{function.side}.{function.name}"
        self.message = function.message
        self.what = function.what
        assert function.item is not None
        self.item_name = function.item.name
        self.indices = function.item.indices
        self._preference = api.preference

    @property
    def schema(self) -> str:
        """The vocabulary that the item is from."""
        return self.function.schema

    @property
    def item(self) -> Item:
        """The item in the vocabulary that counts now."""
        now = self._api.preference
        if now is not self._preference:
            self.function = find(self.function.side, self.function.name, now)
            self._preference = now
        assert self.function.item is not None
        return self.function.item

    def wrong_arguments(self, args: tuple[Any, ...]) -> LuaUserError:
        """The error for a wrong number of arguments."""
        parameters = [*self.function.parameters]
        if self.what == "value" and self.function.verb != "Get":
            parameters[-1] = (parameters[-1][0], expectation(self.item.type, brief=True))
        takes = ", ".join(f"{name} ({meaning})" for name, meaning in parameters) or "nothing"
        return LuaUserError(f"{self.full_name} takes {takes}; it got {len(args)} value{'' if len(args) == 1 else 's'}")

    def check_indices(self, indices: tuple[Any, ...]) -> None:
        """Refuse what is no list index."""
        for index in indices:
            if type(index) is not int or not 0 <= index < MOST_ITEMS:
                raise LuaUserError(
                    f"{self.full_name}: an index is a whole number from 0 to {MOST_ITEMS - 1}, not {index!r}"
                )

    def check_counts(self, sheet: Sheet, indices: Indices) -> None:
        """Refuse an index beyond the Count that the script has set: perhaps it counts from 1."""
        item = self.item
        lists = catalogue(self.schema, self.message).lists.values()
        repeated = [item.steps[: n + 1] for n, step in enumerate(item.steps) if step.repeated]
        for depth, (index, steps) in enumerate(zip(indices, repeated, strict=False)):
            name = next(found.name for found in lists if found.steps == steps)
            count = sheet.get("count", name, indices[:depth])
            if count is not None and index >= count:
                raise LuaUserError(
                    f"{self.full_name}: index {index}, but Count is {count}: "
                    + ("indices start at 0" if count else "the list has no items"),
                    f"{self.function.side}.Set_{self.message}_{name}_Count sizes the list, and begins it anew for Add",
                )

    def converted(self, value: Any) -> Any:
        """A value of the script as the declarations have it; a mistake names the function and what it takes."""
        item = self.item
        if self.what == "value":
            try:
                return from_script(item.type, value)
            except ValueMismatchError as error:
                raise LuaUserError(f"{self.full_name} {error}") from None
        if self.what == "specified":
            if not isinstance(value, bool):
                raise LuaUserError(f"{self.full_name} takes true or false, not {value!r}")
        elif type(value) is not int or not 0 <= value <= MOST_ITEMS:
            raise LuaUserError(f"{self.full_name} takes the number of items, {MOST_ITEMS} at most, not {value!r}")
        return value

    def checked(self, value: Any) -> Any:
        """A value that the item can take, as the script wrote it."""
        self.converted(value)
        spoken = self._api.spoken
        if spoken not in (None, self.schema) and self.message in vocabulary(spoken).elements:
            ours = vocabulary(self.schema).title
            raise LuaUserError(
                f"{self.full_name}: {self.message} of {vocabulary(spoken).title} has no {self.item_name}, "
                f"only that of {ours} has"
            )
        return value

    def read_back(self, said: Any) -> Any:
        """What a script set, as it would read it from a message."""
        return to_script(self.item.type, self.converted(said)) if self.what == "value" else said

    def said(self, value: Any) -> str:
        """A value of the declarations in the text of a verdict, as the script would write it, without quotes."""
        read = to_script(self.item.type, value)
        return "absent" if read is None else brief(read) if isinstance(read, str) else scalar(read)

    def all_items(self, message: Message | None) -> Iterator[Any]:
        """The items of a list in a message; of a list in a list, those of all."""
        if message is None:
            return
        found, steps = self._begin(message)
        at = [found]
        for step in steps:
            below = [getattr(value, step.field, None) for value in at]
            at = [item for value in below if value is not None for item in (value if step.repeated else [value])]
            if step.slot:
                at = [value for value in at if type(value) is step.type]
        yield from at

    def _begin(self, message: Message) -> tuple[Any, tuple[Step, ...]]:
        """Where the way to the item begins in a message, and its steps from there."""
        steps = self.item.steps
        if steps[0].field == "Header" and catalogue(message.schema, self.message).header_type is not None:
            return message.header, steps[1:]
        return message.body, steps

    def value(self, message: Message | None, indices: Indices) -> Any:
        """The item's value in a message; None where it is absent."""
        if message is None:
            return None
        at, steps = self._begin(message)
        left = iter(indices)
        for step in steps:
            if at is None:
                return None
            at = getattr(at, step.field, None)
            if step.repeated:
                index = next(left, None)
                if index is None:
                    return at
                at = at[index] if at is not None and index < len(at) else None
            if step.slot and type(at) is not step.type:
                return None
        return at

    def read(self, message: Message | None, indices: Indices) -> Any:
        """What a script reads of a message."""
        found = self.value(message, indices)
        if self.what == "count":
            return len(found or ())
        if self.what == "specified":
            return found is not None
        return to_script(self.item.type, found)
