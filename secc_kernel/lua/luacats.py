"""The testers' API as annotations for editors: LuaCATS, which the Lua language server reads.

An editor with that server then completes the API in any ``.lua`` file, shows what a function is for, and marks calls
with values of a wrong type. What is written here is valid Lua and does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields

from ..messages import vocabulary
from . import enumerations
from .documentation import OPTIONS, described, documented, options
from .functions import SIDES, Function, listing
from .help import always, enumeration, function, standard_name
from .phrases import bounds, say
from .source import KEYWORDS
from .standard import OURS

__all__ = ["api", "base"]

#: What the functions of ``Session`` and ``Ev`` take, by the name of the parameter, and what comes back.
_TYPES = {
    "protocol": "string",
    "on": "boolean",
    "request": "string",
    "message": "string",
    "seconds": "number",
    "state": "string",
    "text": "string",
    "name": "string",
    "hits": "integer",
    "path": "string",
    "prompt": "string",
    "wait": "boolean",
    "function": "fun(fields: table<string, any>, name: string): boolean?",
}
_RETURNS = {
    "Session.Open": "string",
    "Session.Protocol": "string?",
    "Session.Autopilot": "boolean",
    "Session.RunToEnd": "string, string",
    "Session.Status": "table<string, any>",
    "Session.RunToPilot": "boolean, string?",
    "Session.ControlPilot": "table<string, any>",
    "Session.Station": "table<string, any>",
    "Session.Check": "boolean",
    "Ev.ControlPilot": "table<string, any>",
    "Ev.Profile": "string",
    "Ev.Profiles": "table<string, string>",
}
_OPTION_TYPES = {"bool": "boolean", "int": "integer", "float": "number", "tuple": "string[]|string"}


def base(schemas: Iterable[str], language: str = "en") -> Iterator[str]:
    """The lines for what all standards share: ``Session``, ``Ev``, the sides' tables, and the enumerations.

    Parameters
    ----------
    schemas : iterable of str
        The vocabularies whose enumerations are wanted.
    language : str
        One of `messages.meanings.LANGUAGES`.
    """
    schemas = tuple(schemas)
    yield "---@meta"
    yield ""
    for side, role in SIDES.items():
        yield from _comment(say(f"side {role}", language))
        yield f"---@class {side}"
        yield f"{side} = {{}}"
        yield f"{role} = {side}"
        yield ""
    for table in ("Session", "Ev"):
        yield from _table(table, language)
    for name in OURS:
        said = standard_name(name, language)
        assert said is not None
        yield from _comment(said.deed)
        parameters = re.findall(r"\w+|\.\.\.", said.title.partition("(")[2])
        for parameter in parameters:
            yield f"---@param {parameter}{'' if parameter == '...' else '?'} {_TYPES.get(parameter, 'any')}"
        yield "---@return any"
        yield f"function {name}({', '.join(parameters)}) end"
        yield ""
    for name in enumerations.tables(schemas):
        yield from _enumeration(name, schemas, language)


def api(
    side: str, schema: str, language: str = "en", without: Iterable[str] = (), headers: bool = False
) -> Iterator[str]:
    """The lines for the functions of one side that a vocabulary has.

    Parameters
    ----------
    side : str
        ``Secc`` or ``Evcc``.
    schema : str
        The vocabulary.
    language : str
        One of `messages.meanings.LANGUAGES`.
    without : iterable of str
        Vocabularies that are declared elsewhere: what they have, too, is left out.
    headers : bool
        Whether the functions for the fields of headers are wanted, or all others. With those of their signatures they
        are most of the API; their names say what there is to say.
    """
    yield "---@meta"
    seen = {found.name for other in without for found in listing(side, other)}
    message = ""
    for found in listing(side, schema):
        of_header = found.item is not None and found.item.steps[0].field == "Header"
        if found.name in seen or of_header is not headers:
            continue
        if found.message != message:
            message = found.message
            yield ""
            yield f"-- {message} ({vocabulary(schema).title})"
        yield from _function(found, language)


def _function(found: Function, language: str) -> Iterator[str]:
    if found.item is None or found.item.steps[0].field != "Header":
        yield from _comment(_line(found, language))
    # nil compares with nothing, so an argument of Exist that is left out is nil.
    left_out = "?" if found.verb == "Exist" else ""
    types = found.parameter_types
    for (name, _), type_ in zip(found.parameters, types, strict=True):
        yield f"---@param {name}{left_out} {type_}"
    if found.returns:
        absent = "?" if found.verb == "Get" and found.what == "value" and not always(found) else ""
        yield f"---@return {'integer' if found.returns == 'number' else found.returns}{absent}"
    parameters = ", ".join(name for name, _ in found.parameters)
    yield f"function {found.side}.{found.name}({parameters}) end"


def _line(found: Function, language: str) -> str:
    """What a field means, with its unit and range, in a line."""
    text = function(found, language).line
    if found.what != "value" or found.item is None or found.verb == "Get":
        return text
    limits = bounds(found.item.type, language)
    return f"{text} ({limits})" if limits else text


def _comment(text: str) -> Iterator[str]:
    yield from (f"---{line}" for line in text.split("\n") if line)


def _table(table: str, language: str) -> Iterator[str]:
    yield from _comment(say(table, language))
    yield f"---@class {table}"
    yield f"{table} = {{}}"
    yield ""
    for name in documented(table):
        yield from _documented(f"{table}.{name}", language)


def _documented(name: str, language: str) -> Iterator[str]:
    said = described(name, language)
    assert said is not None
    known = options(name, language)
    class_ = f"{name.replace('.', '')}Options"
    if known:
        yield f"---@class {class_}"
        for option, text in known:
            yield f"---@field {option}? {_option_type(name, option)} {text}"
        yield ""
    yield from _comment(said.text)
    takes_table = "{" in said.signature
    parameters = ["options"] if takes_table else re.findall(r"\w+|\.\.\.", said.signature.partition("(")[2])
    for parameter in parameters:
        type_ = class_ if known else "table" if takes_table else _TYPES.get(parameter, "any")
        if parameter == "...":
            type_ = _TYPES.get(parameters[0], "any")
        # Whatever may be left out is said in words; no call is marked for it.
        optional = "" if parameter == "..." or parameter in ("request", "seconds") else "?"
        yield f"---@param {_name(parameter)}{optional} {type_}"
    yield f"---@return {_RETURNS.get(name, 'any')}"
    yield f"function {name}({', '.join(map(_name, parameters))}) end"
    yield ""


def _name(parameter: str) -> str:
    return f"{parameter}_" if parameter in KEYWORDS else parameter


def _option_type(function: str, option: str) -> str:
    """The Lua type of an option, by the annotation of the field that declares it."""
    declared = (field for declaring in OPTIONS[function] for field in fields(declaring) if field.name == option)
    python = [kind.partition("[")[0] for kind in str(next(declared).type).split(" | ") if kind != "None"]
    return "|".join(_OPTION_TYPES.get(kind, "string") for kind in python)


def _enumeration(name: str, schemas: tuple[str, ...], language: str) -> Iterator[str]:
    said = enumeration(name, schemas, language=language)
    assert said is not None
    texts = dict(said.members)
    yield from _comment(said.deed)
    yield f"---@enum {name}"
    yield f"{name} = {{"
    for key, literal in enumerations.members(name, schemas).items():
        text = texts.get(f"{name}.{key}", "")
        field = key if re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII) else f'["{key}"]'
        yield f'  {field} = "{literal}",' + (f" -- {text}" if text else "")
    yield "}"
    yield ""
