"""Examples of Lua: how a function of the API is called, and a message's whole exchange."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ..exi.datatypes import SimpleType
from ..exi.declare import ComplexType
from ..messages import vocabulary
from ..messages.meanings import meaning
from .convert import is_text, member_key, table_name
from .functions import SIDES, Function, keys, listing, sends, variable
from .names import Item

__all__ = ["call", "exchange", "exchanges", "is_part", "value"]

#: Functions for the values of one message that a snippet of a whole exchange shows.
_SHOWN = 8
#: The largest number of a physical value before its exponent.
_SHORT = 32767


def call(function: Function) -> str:
    """A line of a script that calls a function of the API with sensible values."""
    values = ", ".join(arguments(function))
    called = f"{function.side}.{function.name}({values})"
    if function.verb == "Get":
        return f"local {_local(function)} = {called}"
    if function.verb in ("Check", "Exist", "Check_Received"):
        return f"Session.Check({called}, '{function.path}')"
    return called


def _local(function: Function) -> str:
    """A name for what a getter reads: ``evccId``, ``evTargetVoltageValue``, ``selectedServiceListCount``."""
    assert function.item is not None
    steps = [step.element for step in function.item.steps if step.element]
    if function.what != "value":
        return f"{variable(steps[-1])}{function.what.capitalize()}"
    return f"{variable(steps[-2])}{steps[-1]}" if is_part(function.item) else variable(steps[-1])


def arguments(function: Function) -> Iterator[str]:
    """An example of each argument, as Lua."""
    if function.item is None:
        return
    if function.what == "keys":
        yield from (value(type_) for _, type_ in keys(function))
        return
    for (name, _), type_ in zip(function.parameters, function.parameter_types, strict=True):
        if function.verb == "Get" or name != function.parameters[-1][0]:
            yield "0"
        elif function.what == "value":
            ready = function.item.type.kind == "boolean" and name.endswith("Ready")
            yield _example(function) or ("true" if ready else value(function.item.type))
        else:
            yield {"count": "1", "specified": "true"}.get(function.what, type_)


def _example(function: Function) -> str:
    """The catalogue's example of a value; of a part of a physical value, that part of the example."""
    assert function.item is not None
    item, at = function.item, function.message
    examples = []
    for step in item.steps:
        said = None if step.field == "Header" else meaning(function.schema, at, step.element or step.field)
        examples.append(said.example if said is not None else "")
        at = getattr(step.type, "__name__", "")
    parts = item.steps[-2].type._quantity_ if is_part(item) else None
    number, _, unit = examples[-2].partition(" ") if parts is not None else ("", "", "")
    if parts is not None and unit:
        if item.steps[-1].field == parts.unit:
            known = [member_key(item.type, str(member)) for member in item.type.members]
            unit_key = next((key for key in known if key.removeprefix("Unit_") == unit), known[0])
            return f"{table_name(item.type)}.{unit_key}"
        exponent = -len(number.partition(".")[2])
        mantissa = int(number.replace(".", ""))
        while abs(mantissa) > _SHORT:
            mantissa, exponent = mantissa // 10, exponent + 1
        return str(mantissa if item.steps[-1].field == parts.number else exponent)
    return examples[-1] if item.type.kind != "enumeration" else ""


def value(type_: SimpleType) -> str:
    """Some value of a type, as Lua."""
    if type_.kind == "enumeration":
        literals = [str(member) for member in type_.members]
        usual = next((literal for literal in literals if "Not" not in literal), literals[0])
        return f"{table_name(type_)}.{member_key(type_, usual)}"
    if type_.kind == "boolean":
        return "false"
    if type_.kind == "integer":
        low, high = type_.min_inclusive, type_.max_inclusive
        return str(low if low is not None and low > 0 else min(1, high) if high is not None else 1)
    length = type_.min_length or min(type_.max_length or 4, 4)
    if type_.kind == "string" or is_text(type_):
        return f"'{'A' * length}'"
    return f"'{''.join(f'{n % 256:02X}' for n in range(1, length + 1))}'"


def is_part(item: Item | None) -> bool:
    """Whether an item is part of a number with a unit, such as its ``Multiplier``."""
    if item is None or len(item.steps) < 2 or not isinstance(item.steps[-2].type, type):
        return False
    above: type[ComplexType] = item.steps[-2].type
    return above._quantity_ is not None


# -- whole exchanges --------------------------------------------------------------------------------------------------


def exchanges(schema: str) -> list[str]:
    """What a vocabulary's exchanges are called: SessionSetup, ServiceDiscovery, ..."""
    messages = vocabulary(schema).messages
    return [name[:-3] for name in messages if name.endswith("Req") and f"{name[:-3]}Res" in messages]


def exchange(side: str, schema: str, name: str) -> str:
    """A request and its response as a script of one side.

    Parameters
    ----------
    side : str
        The table, ``Secc`` or ``Evcc``.
    schema : str
        The vocabulary.
    name : str
        The exchange: ``SessionSetup``.
    """
    request, response = f"{name}Req", f"{name}Res"
    asked = not sends(SIDES[side], request)
    lines = [f"{side}.{'Receive' if asked else 'Send'}_{request}_001()"]
    if asked:
        lines += _lines(side, schema, request, "Get")
        lines += ["", *_lines(side, schema, response, "Set"), f"{side}.Send_{response}_001()"]
    else:
        lines = [*_lines(side, schema, request, "Set"), *lines, ""]
        lines += [f"{side}.Receive_{response}_001()", *_lines(side, schema, response, "Get")]
    return "\n".join(lines)


def _lines(side: str, schema: str, message: str, verb: str) -> list[str]:
    """Calls for the values that a message always has."""
    of_message = (
        found
        for found in listing(side, schema)
        if found.message == message and found.verb == verb and found.what == "value"
    )
    always = [found for found in of_message if found.item is not None and _always(schema, message, found.item)]
    shown = always[:_SHOWN]
    # A number with a unit is shown whole: its parts have one name but for the last word.
    rest = itertools.takewhile(lambda found: _whole(found) == _whole(shown[-1]), always[_SHOWN:])
    return [call(found) for found in (*shown, *rest)]


def _whole(found: Function) -> str:
    return found.name.rpartition("_")[0]


def _always(schema: str, message: str, item: Item) -> bool:
    """Whether each element on the way to an item is mandatory, single, and the only one that may stand there."""
    words = vocabulary(schema)
    at: type[ComplexType] = words.message_type(message)
    for step in item.steps:
        declared = next((each for each in at.__fields__ if each.name == step.field), None)
        if step.field == "Header" or declared is None or step.repeated or not declared.min:
            return False
        if step.slot and len(words.members(declared)) > 1:
            return False
        at = step.type
    return True
