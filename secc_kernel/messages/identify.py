"""Which vocabulary a message belongs to, when nobody says so; and why one does not fit."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..exi.errors import DecodeError, Finding
from ..exi.facets import check
from . import SCHEMAS, Vocabulary, vocabulary

_WEIGHTS = {"note": 0.01, "warning": 0.05, "error": 0.15}
"""What a finding takes from the score of a message that decodes."""

_PART = 0.3
"""What it takes from the score that the stream is an element of the vocabulary, but no message."""


_PLAUSIBLE = 2048
"""The longest announced length, in bytes, that is rather that of a certificate cut short than misread bits."""


class Candidate(NamedTuple):
    """A vocabulary that a stream may be in."""

    schema: str
    """Key of the vocabulary."""
    fragment: bool
    """Whether it was read with the fragment grammar."""
    message: str
    """Name of the message or element; empty where the stream does not decode."""
    score: float
    """From 1, a message without findings, over 0.5, decodable, down to 0, not even its first bits fit."""
    findings: tuple[Finding, ...]
    """What is noteworthy about it, read so."""
    offset: int
    """The bit up to which it makes sense."""
    reason: str
    """Why it does not decode; empty where it does."""


def identify(exi: bytes, fragments: bool = False) -> list[Candidate]:
    """All vocabularies, the likeliest for this stream first.

    Parameters
    ----------
    exi : bytes
        The stream, from the EXI header on.
    fragments : bool
        Try the fragment grammars too, which signatures are made over.
    """
    tries = [(key, False) for key in SCHEMAS] + ([(key, True) for key in SCHEMAS] if fragments else [])
    found = [_try(vocabulary(key), bytes(exi), fragment) for key, fragment in tries]
    return sorted(found, key=lambda c: -c.score)


def _try(words: Vocabulary, exi: bytes, fragment: bool) -> Candidate:
    try:
        found = words.codec.decode(exi, fragment)
    except DecodeError as error:
        score = round(0.5 * error.offset / max(8 * len(exi), 1), 4)
        return Candidate(words.key, fragment, "", score, (), error.offset, str(error))
    findings = (*found.findings, *check(words.codec.grammars, found.element, found.value))
    score = 1.0 - sum(_WEIGHTS[f.severity] for f in findings)
    whole = fragment or found.element is words.envelope or found.element.name in words.elements
    if not whole:
        score -= _PART
    name = found.element.name
    if found.element is words.envelope:
        body = getattr(getattr(found.value, "Body", None), "BodyElement", None)  # a deviating stream may lack either
        name = words.names.get(type(body), name)
    return Candidate(words.key, fragment, name, round(max(score, 0.5), 4), findings, 8 * len(exi), "")


def likely_reason(exi: bytes, schema: str, error: DecodeError, fragment: bool = False) -> str:
    """Why a stream does not decode, as far as its bytes tell: a sentence for a person."""
    ranked = identify(exi, fragments=True)
    best = next((c for c in ranked if not c.reason), None)
    if best is not None and best.score > 0.96:
        kind = "fragment" if best.fragment else "message"
        return f"another vocabulary: as a {kind} of {vocabulary(best.schema).title} it is a complete {best.message}"
    announced = re.search(r"(\d+) (?:characters|bytes) is announced", error.reason)
    if "the stream ends" in error.reason or (announced and int(announced[1]) <= _PLAUSIBLE):
        return "truncated: everything up to here makes sense, and then the stream is too short"
    if announced:
        return (
            "a length that the stream cannot hold: bits before it were misread (another draft, or damage), or it is cut"
        )
    if "string-table" in error.reason:
        return (
            "a string-table reference to a string that never was: usually an encoder of another draft or schema, "
            "whose bits mean something else here"
        )
    if error.offset <= 16:
        return "no message of a known vocabulary starts like this: another draft, other EXI options, or no EXI at all"
    return "another draft of the schema, or a faulty encoder: the bits follow the grammar up to here and not beyond"
