"""Write the reference of the Lua API: a page for each message, from the declarations and the catalogue of meanings.

python scripts/api_docs.py                  what is kept: docs/api, ISO 15118-2, SDP and SLAC in English
python scripts/api_docs.py --all            every standard, and Korean below docs/api/ko
python scripts/api_docs.py --check          tells whether what is kept is what would be written
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from secc_kernel.lua import enumerations
from secc_kernel.lua.documentation import described, documented, options
from secc_kernel.lua.functions import SIDES, Function, listing, senders, sends
from secc_kernel.lua.help import enumeration, fields_of, message, standard_name
from secc_kernel.lua.phrases import say
from secc_kernel.lua.snippets import exchange, exchanges
from secc_kernel.lua.standard import OURS
from secc_kernel.messages import SCHEMAS, vocabulary
from secc_kernel.messages.meanings import LANGUAGES
from secc_kernel.wire.layers import LAYERS

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "api"
#: The vocabularies whose pages are kept; all are 4 MB.
KEPT = ("iso2", *LAYERS)
STANDARDS = (*(key for key in SCHEMAS if vocabulary(key).modules[-1] != "xmldsig"), *LAYERS)


def pages(schemas: Iterable[str], language: str) -> Iterator[tuple[str, str]]:
    """Path below the folder and text of each page in a language."""
    schemas = tuple(schemas)
    yield "README.md", _index(schemas, language)
    yield "session.md", _session(language)
    for schema in schemas:
        for name in vocabulary(schema).messages:
            yield f"{schema}/{name}.md", _message(schema, name, language)
        if schema not in LAYERS:
            yield f"{schema}/header.md", _header(schema, language)
        yield f"{schema}/enumerations.md", _enumerations(schema, language)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("*", "\\*")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _table(head: Iterable[str], rows: Iterable[str]) -> list[str]:
    titles = list(head)
    return [_row(*titles), _row(*("---" for _ in titles)), *rows]


def _index(schemas: tuple[str, ...], language: str) -> str:
    lines = [f"# {say('reference', language)}", "", say("about the reference", language), ""]
    lines += [f"- [Session, Ev]({'session.md'}): {say('Session', language)}"]
    for schema in STANDARDS:
        words = vocabulary(schema)
        if schema not in schemas:
            continue
        lines += ["", f"## {words.title}", ""]
        header = "" if schema in LAYERS else f"[{say('header', language)}]({schema}/header.md), "
        lines += [f"{header}[{say('members', language)}]({schema}/enumerations.md)", ""]
        rows = []
        for name in words.messages:
            said = message(schema, name, language)
            rows.append(_row(f"[{name}]({schema}/{name}.md)", senders(name), _cell(said.meaning)))
        lines += _table((say("message", language), "", say("meaning", language)), rows)
    left = [vocabulary(schema).title for schema in STANDARDS if schema not in schemas]
    if left:
        lines += ["", say("other standards", language, standards=", ".join(left))]
    return "\n".join(lines) + "\n"


def _message(schema: str, name: str, language: str) -> str:
    said = message(schema, name, language)
    lines = [f"# {name}", "", _cell(said.meaning), ""]
    lines += [f"- **{label}**: {_cell(value)}" for label, value in said.facts]
    lines += ["", f"## {say('fields', language).capitalize()}", ""]
    head = [say(key, language) for key in ("element", "type", "unit", "presence", "meaning")]
    rows = [
        _row(
            f"{'&emsp;' * (node.level - 1)}`{node.name}`", _cell(node.type), node.unit, node.presence, _cell(node.text)
        )
        for node in fields_of(schema, name, language)
    ]
    lines += _table(head, rows)
    of_message = {side: [f for f in listing(side, schema) if f.message == name] for side in SIDES}
    for side in sorted(SIDES, key=lambda side: not sends(SIDES[side], name)):
        if of_message[side]:
            lines += ["", f"## {side}", "", *_functions(of_message[side], language)]
    if schema not in LAYERS:
        lines += ["", say("header functions", language)]
    if name[:-3] in exchanges(schema):
        side = next(table for table, role in SIDES.items() if role == "SECC")
        lines += [
            "",
            f"## {say('example', language).capitalize()}",
            "",
            "```lua",
            exchange(side, schema, name[:-3]),
            "```",
        ]
    return "\n".join(lines) + "\n"


def _functions(found: list[Function], language: str) -> list[str]:
    head = [say(key, language) for key in ("function", "parameters", "returns", "meaning")]
    rows = []
    for each in found:
        if each.item is not None and each.item.steps[0].field == "Header":
            continue
        parameters = ", ".join(
            f"`{name}` ({type_})" for (name, _), type_ in zip(each.parameters, each.parameter_types, strict=True)
        )
        rows.append(_row(f"`{each.signature}`", parameters or "-", each.returns or "-", _cell(each.text_in(language))))
    return _table(head, rows)


def _header(schema: str, language: str) -> str:
    """The functions for the header's fields: the same for each message."""
    words = vocabulary(schema)
    lines = [f"# {say('header', language)}: {words.title}", "", say("header functions", language), ""]
    for name in words.messages[:2]:
        side = next(table for table, role in SIDES.items() if sends(role, name))
        found = [f for f in listing(side, schema) if f.message == name and f.item and f.item.steps[0].field == "Header"]
        ending = name[-3:]
        rows = [
            _row(f"`{each.signature.replace(name, f'…{ending}')}`", each.returns or "-", _cell(each.text_in(language)))
            for each in found
        ]
        head = [say(key, language) for key in ("function", "returns", "meaning")]
        lines += [f"## …{ending}", "", *_table(head, rows), ""]
    return "\n".join(lines)


def _enumerations(schema: str, language: str) -> str:
    lines = [f"# {say('members', language)}: {vocabulary(schema).title}"]
    for table in enumerations.tables((schema,)):
        said = enumeration(table, (schema,), language=language)
        assert said is not None
        lines += ["", f"## {table}", ""]
        lines += [f"- `{name}`" + (f": {_cell(text)}" if text else "") for name, text in said.members]
    return "\n".join(lines) + "\n"


def _session(language: str) -> str:
    lines = ["# Session, Ev"]
    for table in ("Session", "Ev"):
        lines += ["", f"## {table}", "", say(table, language)]
        for name in documented(table):
            said = described(f"{table}.{name}", language)
            assert said is not None
            lines += ["", f"### {table}.{name}", "", f"```lua\n{said.signature}\n```", "", _cell(said.text)]
            known = options(f"{table}.{name}", language)
            if known:
                head = (say("options", language), say("meaning", language))
                lines += ["", *_table(head, (_row(f"`{key}`", _cell(text)) for key, text in known))]
    for name in OURS:
        explained = standard_name(name, language)
        assert explained is not None
        lines += ["", f"## {name}", "", f"```lua\n{explained.title}\n```", "", _cell(explained.deed)]
    return "\n".join(lines) + "\n"


def wanted(everything: bool) -> dict[Path, str]:
    """What is written, by file."""
    found = {FOLDER / path: text for path, text in pages(STANDARDS if everything else KEPT, LANGUAGES[0])}
    if everything:
        # The index that is kept speaks of what is kept.
        found[FOLDER / "all.md"] = found.pop(FOLDER / "README.md")
        for language in LANGUAGES[1:]:
            found |= {FOLDER / language / path: text for path, text in pages(STANDARDS, language)}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--all", action="store_true", help="every standard, in every language")
    parser.add_argument("--check", action="store_true", help="write nothing; tell what would change")
    arguments = parser.parse_args()
    found = wanted(everything=False)
    if arguments.check:
        stale = [path for path, text in found.items() if not path.is_file() or path.read_text("utf-8") != text]
        kept = [*FOLDER.glob("*.md"), *(path for schema in KEPT for path in (FOLDER / schema).glob("*.md"))]
        stale += [path for path in kept if path not in found and path.name != "all.md"]
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what the declarations and texts give: run make docs")
        return 1 if stale else 0
    if arguments.all:
        found |= wanted(everything=True)
    for path, text in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    print(f"{len(found)} pages written to {FOLDER.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
