"""What messages, fields and enumeration members mean, in English and Korean, for people who test with them.

The declarations say what a message is made of; the texts beside this page say what it is for. There is one file a
declaring module and language (``en/iso15118_2/msg_body.txt``), read when somebody first asks for something in it::

    # A comment.
    fallback: iso15118_2.msg_body

    [elements]
    SessionSetupReq: What the message is for.

    [*]
    ResponseCode: What fields of this name mean in all types of the module that say nothing else.

    [CurrentDemandReqType]
      clause: ISO 15118-2:2014, 8.4.5.4
    EVTargetCurrent: What the field means, in one line.
      unit: A
      example: 120 A

    [responseCodeType]
    OK: What this member of the enumeration means.

Keys are the declarations' own: the type that declares a field (not those that inherit it), and the field. What a file
does not hold is looked for in the one that it names as its ``fallback``. Units, clauses and examples are the same in
all languages, so the English files alone hold them. An example is written as in a script; that of a physical value as
``120 A``. A unit that the declaration itself knows (`SimpleType.unit`) is not repeated here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ...exi.datatypes import SimpleType
from ...exi.declare import ComplexType, Element, Field, Model
from .. import vocabulary

__all__ = ["LANGUAGES", "Meaning", "field_meaning", "meaning", "member_meaning"]

LANGUAGES = ("en", "ko")
"""The languages of the texts. The first has all of them, and is what another falls back on."""

_TEXTS = Path(__file__).parent
_DECLARATIONS = __package__.rpartition(".")[0]
_PACKAGE = _DECLARATIONS.rpartition(".")[0]
#: The sections that are not named after a type: global elements, and fields of any type of the module.
_ELEMENTS, _ANY = "elements", "*"

Entry = dict[str, str]
"""One key of a file: ``text`` and, in English, perhaps ``unit``, ``clause`` and ``example``."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a message, a field or a member of an enumeration means.

    Attributes
    ----------
    text : str
        One or two sentences: what it is for and what a tester must know.
    unit : str
        The unit of the value, ``V`` or ``%``; '' if it has none. That of a physical value is the one it must carry.
    clause : str
        Where the standard says it, ``ISO 15118-2:2014, 8.4.3.2``; '' where that is not certain.
    example : str
        A typical value as a script writes it; '' if there is none, as for enumerations, which list their members.
    """

    text: str
    unit: str = ""
    clause: str = ""
    example: str = ""


def meaning(schema: str, type_name: str, field: str, language: str = LANGUAGES[0]) -> Meaning | None:
    """What a field, a message or another element means.

    Parameters
    ----------
    schema : str
        Key of the vocabulary: ``iso2``.
    type_name : str
        A declared type, or a message or other element that has it.
    field : str
        A field that the type declares or inherits, or an element that its content may hold: a member of a substitution
        group in place of its head. '' for the message (or other element) itself.
    language : str
        One of `LANGUAGES`; a text that is missing there is given in English.

    Returns
    -------
    Meaning or None
        None if the declarations have no such thing, or there is nothing to say about it.

    Raises
    ------
    KeyError
        There is no such vocabulary.
    """
    types, elements = _declared(schema)
    element = elements.get(type_name)
    owner = types.get(type_name) if element is None else element.type
    if not field:
        element = element or next((e for e in elements.values() if e.type is owner and owner is not None), None)
        return None if element is None else _of_element(element, language)
    if not isinstance(owner, type) or not issubclass(owner, ComplexType):
        return None
    for declared in owner.__fields__:
        if declared.name == field:
            return field_meaning(declared, language)
        if any(member.name == field for member in vocabulary(schema).members(declared)):
            return _of_element(elements[field], language)
    if field not in _children(owner):
        return None
    return _of_element(elements[field], language) if field in elements else _found(owner, field, language)


def field_meaning(declared: Field, language: str = LANGUAGES[0]) -> Meaning | None:
    """What a declared field means; for who has the field itself at hand."""
    found = _found(declared.owner, declared.name, language)
    if found is None:
        return None if declared.head is None else _of_element(declared.head, language)
    if isinstance(declared.type, SimpleType):
        return replace(found, unit=found.unit or declared.type.unit)
    # Fields of one name may be a value here and a type that holds it there, which has no value of its own.
    return found if declared.type is not None and declared.type._quantity_ else replace(found, example="")


def member_meaning(schema: str, enum_name: str, literal: str, language: str = LANGUAGES[0]) -> Meaning | None:
    """What a member of an enumeration means.

    Parameters
    ----------
    schema : str
        Key of the vocabulary.
    enum_name : str
        The enumeration's name in the schema: ``responseCodeType``.
    literal : str
        The member as the schema spells it: ``FAILED_SequenceError``.
    language : str
        One of `LANGUAGES`; a text that is missing there is given in English.

    Raises
    ------
    KeyError
        There is no such vocabulary.
    """
    for module in vocabulary(schema).declaring:
        found = _look_up(_module(module), (enum_name,), literal, language)
        if found is not None:
            return found
    return None


@cache
def _declared(schema: str) -> tuple[dict[str, type[ComplexType]], dict[str, Element]]:
    """The complex types and the global elements of a vocabulary, by name."""
    found = vocabulary(schema).schema
    return {cls.__name__: cls for cls in found.types()}, {element.name: element for element in found.elements}


def _children(owner: type[ComplexType]) -> set[str]:
    """Names of the elements within a type's content in document order."""

    def leaves(model: Model) -> Iterator[str]:
        for part in model.parts:
            if isinstance(part, Model):
                yield from (part.parts[0],) if part.op == "leaf" else leaves(part)

    return set() if owner._content_ is None else set(leaves(owner._content_))


def _of_element(element: Element, language: str) -> Meaning | None:
    found = _look_up(_module(element.module), (_ELEMENTS,), element.name, language)
    if found is None or found.clause or not isinstance(element.type, type):
        return found
    return replace(found, clause=_clause(element.type))


def _found(owner: type, name: str, language: str) -> Meaning | None:
    found = _look_up(_module(owner.__module__), (owner.__name__, _ANY), name, language)
    if found is None or found.clause:
        return found
    return replace(found, clause=_clause(owner))


def _module(module: str) -> str:
    # Those of the lower layers are declared beside their bytes.
    return module.removeprefix(f"{_DECLARATIONS}.").removeprefix(f"{_PACKAGE}.")


def _clause(owner: type) -> str:
    return _texts(LANGUAGES[0], _module(owner.__module__)).get(owner.__name__, {}).get("", {}).get("clause", "")


def _look_up(module: str, sections: tuple[str, ...], key: str, language: str) -> Meaning | None:
    """What a module's file, or one that it falls back on, has under a key of the first section that has it."""
    standard, here = module.partition(".")[0], module
    while here:
        english = _texts(LANGUAGES[0], here)
        for section in sections:
            entry = english.get(section, {}).get(key)
            if entry is not None and "text" in entry:
                translated = _texts(language, here).get(section, {}).get(key, entry)
                # A clause is one of the standard that the text was written for.
                clause = entry.get("clause", "") if here.partition(".")[0] == standard else ""
                return Meaning(translated["text"], entry.get("unit", ""), clause, entry.get("example", ""))
        here = english.get("", {}).get("fallback", {}).get("text", "")
    return None


@cache
def _texts(language: str, module: str) -> dict[str, dict[str, Entry]]:
    """A file's sections, their keys and what they say; empty if there is no such file."""
    try:
        lines = (_TEXTS / language / f"{module.replace('.', '/')}.txt").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    entry: Entry = {}
    section: dict[str, Entry] = {}
    found = {"": section}
    for line in lines:
        if not line or line[0] == "#":
            continue
        if line[0] == "[":
            entry = {}
            section = found[line[1:-1]] = {"": entry}
            continue
        name, _, said = line.strip().partition(": ")
        if line[0] == " ":
            entry[name] = said
        else:
            entry = section[name] = {"text": said}
    return found
