"""Explaining the name at a cursor: finds what it means, and renders the explanation as text, Markdown and HTML.

What there is to say comes from `lua.help`; what a script's own variables hold from the picture of the kernel that
completion uses, so nothing here asks Lua or runs code of a user.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from secc_kernel.kernel.completion import Context, World, context
from secc_kernel.kernel.completion.candidates import side_of
from secc_kernel.kernel.completion.context import chain
from secc_kernel.lua import enumerations, help
from secc_kernel.lua.documentation import documented, options
from secc_kernel.lua.functions import SIDES, look_up, names, preference
from secc_kernel.lua.help import Explanation, Node
from secc_kernel.lua.phrases import say
from secc_kernel.lua.source import KEYWORDS, lexemes
from secc_kernel.messages import SCHEMAS, vocabulary
from secc_kernel.wire.layers import LAYERS

__all__ = ["bundle", "explain", "found_names", "html", "inspect", "markdown", "text"]

_WORD = re.compile(r"\w*", re.ASCII)
#: Names that a question with a wildcard (``Secc.*EVSEID*?``) lists.
_LISTED = 200
#: Columns of text, and most of them for a name before what it means.
_WIDTH = 100
_NAMES = 44


def inspect(code: str, cursor: int, world: World, detail: bool = False) -> Explanation | None:
    """What there is to say about what stands at a position of a cell; None if nothing is known.

    Parameters
    ----------
    code : str
        The cell.
    cursor : int
        The position, in characters.
    world : World
        How the kernel stands.
    detail : bool
        Whether a message's whole field tree is wanted.
    """
    at = _WORD.match(code, cursor)
    end = at.end() if at else cursor
    place = context(code, end)
    if place.kind == "text":
        said = _message(code[place.start :].split("'", 1)[0].split('"', 1)[0], world, detail)
        return said or _call(place, world, detail)
    if place.kind == "option" and place.call is not None and place.prefix:
        return _option(place, world)
    found = [token for token in lexemes(code[:end]) if token.kind != "comment"]
    if found and found[-1].kind == "keyword":
        path: tuple[str, ...] = (found[-1].text,)
    else:
        path = chain(found) if found and found[-1].start + len(found[-1].text) == end else ()
    if path:
        said = None if path[0] in place.locals else explain(path, world, detail)
        if said is None and place.method:
            said = help.standard_name(f"string.{path[-1]}", world.language)
        if said is not None:
            return said
        if path[0] in place.locals and len(path) == 1:
            return Explanation(path[0], say("local", world.language))
    return _call(place, world, detail)


def _call(place: Context, world: World, detail: bool) -> Explanation | None:
    """The function whose arguments the place belongs to."""
    return explain(place.call.function, world, detail) if place.call is not None else None


def _option(place: Context, world: World) -> Explanation | None:
    assert place.call is not None
    function = ".".join(place.call.function)
    text = dict(options(function, world.language)).get(place.prefix)
    if text is None:
        return _call(place, world, False)
    return Explanation(f"{function}{{{place.prefix}=}}", say("option", world.language, function=function), text)


def explain(path: tuple[str, ...], world: World, detail: bool = False) -> Explanation | None:
    """What there is to say about a name: ``("Secc", "Set_SessionSetupRes_EVSEID")``, ``("string", "format")``.

    Parameters
    ----------
    path : tuple of str
        The name and the tables in which it is found.
    world : World
        How the kernel stands.
    detail : bool
        Whether a message's whole field tree is wanted.
    """
    name, language = ".".join(path), world.language
    if name in world.globals:
        return _global(name, world)
    order = preference(world.schemas[0] if world.schemas else None)
    side = side_of(path[0])
    if side is not None:
        if len(path) == 1:
            return Explanation(path[0], say(f"side {SIDES[side]}", language), code=_first_lines(side, world))
        found = look_up(side, path[1], order) if len(path) == 2 else None
        return help.function(found, language, detail) if found is not None else None
    if path in (("Session",), ("Ev",)):
        return help.table(name, documented(name), language)
    if enumerations.find_table(path[0]) and len(path) <= 2:
        return help.enumeration(path[0], world.schemas, path[1] if len(path) == 2 else "", language)
    said = help.standard_name(name, language)
    if said is None and len(path) == 1:
        said = _bare(name, world, detail)
    return said


def _bare(name: str, world: World, detail: bool) -> Explanation | None:
    """A name without its table: a message, a function of the API, a keyword."""
    if name in KEYWORDS:
        return Explanation(name, say("keyword", world.language))
    order = preference(world.schemas[0] if world.schemas else None)
    found = next((f for side in sorted(SIDES, key=world.side.__ne__) if (f := look_up(side, name, order))), None)
    return help.function(found, world.language, detail) if found is not None else _message(name, world, detail)


def _message(name: str, world: World, detail: bool) -> Explanation | None:
    """A message by its name, such as that in ``Session.RunTo('CurrentDemandReq')``."""
    order = preference(world.schemas[0] if world.schemas else None)
    schema = next((key for key in order if name in vocabulary(key).elements), None)
    return help.message(schema, name, world.language, detail) if schema is not None else None


def _first_lines(side: str, world: World) -> str:
    from secc_kernel.kernel.completion.api import snippet_names, snippets

    following = snippet_names("", world.schemas, world.coming)
    return snippets(side, following[0][1], following[0][0]) if following else ""


def _global(name: str, world: World) -> Explanation:
    known = world.globals[name]
    language = world.language
    facts = [(say("type", language), known.kind)]
    if known.value:
        facts.append((say("value", language), known.value))
    if known.kind == "table":
        facts.append((say("fields", language), known.text))
    if known.place:
        facts.append((say("defined", language), known.place))
    fields = world.fields(tuple(name.split(".")))
    members = tuple((f"{key}{known.parameters}", known.value or known.kind) for key, known in sorted(fields.items()))
    title = f"{name}{known.parameters}"
    return Explanation(title, say("global", language), "", tuple(facts), members, say("fields", language))


def found_names(pattern: str, world: World) -> list[str]:
    """The names that fit a question with wildcards: ``Secc.*EVSEID*``, ``*Type``; upper and lower case count alike."""
    wanted = re.compile(re.escape(pattern).replace(r"\*", ".*"), re.IGNORECASE)
    table, dot, _ = pattern.rpartition(".")
    side = side_of(table)
    known: Iterator[str] | list[str]
    if side is not None:
        known = (f"{table}.{name}" for name in names(side, world.schemas))
    elif table in ("Session", "Ev"):
        known = [f"{table}.{name}" for name in documented(table)]
    elif enumerations.find_table(table):
        known = [f"{table}.{key}" for key in enumerations.members(table)]
    else:
        mine = [name for name in world.globals if dot or "." not in name]
        known = [*mine, *world.names, *enumerations.tables((*SCHEMAS, *LAYERS))]
    return list(dict.fromkeys(name for name in known if wanted.fullmatch(name)))[:_LISTED]


# -- rendering --------------------------------------------------------------------------------------------------------


def bundle(said: Explanation, language: str) -> dict[str, str]:
    """An explanation as a front end takes it."""
    return {
        "text/plain": text(said, language),
        "text/markdown": markdown(said, language),
        "text/html": html(said, language),
    }


def text(said: Explanation, language: str = "en") -> str:
    """An explanation as plain text."""
    lines = [said.title, "", *_wrapped(said.meaning), *_wrapped(said.deed)]
    if said.facts:
        width = max(_columns(label) for label, _ in said.facts)
        lines.append("")
        for label, value in said.facts:
            first, *more = _wrapped(value, _WIDTH - width - 2) or [""]
            lines.append(f"{label}{' ' * (width - _columns(label))}  {first}")
            lines += [f"{' ' * width}  {line}" for line in more]
    if said.members:
        lines += ["", f"{said.members_label}:"]
        width = min(max(len(name) for name, _ in said.members), _NAMES)
        for name, value in said.members:
            lines += [f"  {name:<{width}}  {value}".rstrip()] if len(name) <= width else [f"  {name}", f"      {value}"]
    if said.code:
        lines += ["", f"{say('example', language)}:", *(f"  {line}" for line in said.code.split("\n"))]
    if said.tree:
        lines += ["", f"{say('fields', language)}:", *map(_node_text, said.tree)]
    return "\n".join(lines)


def _columns(label: str) -> int:
    """How wide a label is on a terminal: a Hangul syllable takes two columns."""
    return sum(2 if "가" <= character <= "힣" else 1 for character in label)


def _wrapped(value: str, width: int = _WIDTH) -> list[str]:
    lines: list[str] = []
    for paragraph in value.split("\n") if value else ():
        line = ""
        for word in paragraph.split(" "):
            if line and len(line) + 1 + len(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines


def _node_text(node: Node) -> str:
    about = ", ".join(filter(None, (node.type, node.unit, node.presence)))
    return f"{'  ' * node.level}{node.name}  {about}".rstrip()


def markdown(said: Explanation, language: str = "en") -> str:
    """An explanation as Markdown."""
    parts = [f"```lua\n{said.title}\n```", *map(_escaped, said.meaning.split("\n")), _escaped(said.deed)]
    if said.facts:
        parts.append("\n".join(f"- **{label}**: {_escaped(value)}" for label, value in said.facts))
    if said.members:
        rows = "\n".join(f"- `{name}`" + (f": {_escaped(value)}" if value else "") for name, value in said.members)
        parts.append(f"**{said.members_label}**\n\n{rows}")
    if said.code:
        parts.append(f"**{say('example', language)}**\n\n```lua\n{said.code}\n```")
    if said.tree:
        rows = "\n".join(f"{'  ' * (node.level - 1)}- {_node_markdown(node)}" for node in said.tree)
        parts.append(f"**{say('fields', language)}**\n\n{rows}")
    return "\n\n".join(filter(None, parts))


def _escaped(value: str) -> str:
    return re.sub(r"([\\`*_<>\[\]|])", r"\\\1", value)


def _node_markdown(node: Node) -> str:
    about = ", ".join(filter(None, (node.type, node.unit, node.presence)))
    return f"`{node.name}` {_escaped(about)}".rstrip() + (f": {_escaped(node.text)}" if node.text else "")


_LEFT = "text-align:left;vertical-align:top"


def html(said: Explanation, language: str = "en") -> str:
    """An explanation as HTML that needs neither scripts nor styles."""
    parts = [f"<pre><b>{escape(said.title)}</b></pre>"]
    parts += [f"<p>{escape(line)}</p>" for line in (*said.meaning.split("\n"), said.deed) if line]
    if said.facts:
        parts.append(_rows(said.facts))
    if said.members:
        marked = [(f"<code>{escape(name)}</code>", escape(value)) for name, value in said.members]
        parts.append(f"<p><b>{escape(said.members_label)}</b></p>{_table(marked)}")
    if said.code:
        parts.append(f"<p><b>{escape(say('example', language))}</b></p><pre>{escape(said.code)}</pre>")
    if said.tree:
        rows = [
            (
                f"{'&emsp;' * (node.level - 1)}<code>{escape(node.name)}</code>",
                escape(", ".join(filter(None, (node.type, node.unit, node.presence)))),
                escape(node.text),
            )
            for node in said.tree
        ]
        parts.append(f"<p><b>{escape(say('fields', language))}</b></p>{_table(rows)}")
    return f"<div>{''.join(parts)}</div>"


def _rows(facts: tuple[tuple[str, str], ...]) -> str:
    return _table([(f"<b>{escape(label)}</b>", escape(value)) for label, value in facts])


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    cells = ("".join(f"<td style='{_LEFT}'>{cell}</td>" for cell in row) for row in rows)
    return f"<table style='margin-left:0'>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"
