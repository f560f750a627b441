"""The judge in a vehicle: hears each response, and says what the vehicle thinks of it and does about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import NamedTuple

from secc_kernel.codec import Message
from secc_kernel.messages import vocabulary
from secc_kernel.session.physical import to_float
from secc_kernel.session.sequence import SEQUENCES
from secc_kernel.vehicle.judgement import Hearing, Judgement, Known, Reaction, element_of, is_declared
from secc_kernel.vehicle.judgements import JUDGEMENTS

__all__ = ["Judge", "Verdict", "applicable", "checked", "rules"]


_Key = tuple[str, tuple[str, ...], str]
"""A judgement on the responses of a name: its rule, the elements that it reads, the name."""


class Verdict(NamedTuple):
    """What came of a judgement.

    Attributes
    ----------
    judgement : Judgement
        Whose.
    text : str
        What is wrong.
    reaction : Reaction
        What the vehicle does: the judgement's reaction, or nothing where it lets that pass.
    passes : bool
        Whether it lets that pass.
    repeated : bool
        Whether the last response of this kind was just as wrong: it need not be told again.
    """

    judgement: Judgement
    text: str
    reaction: Reaction
    passes: bool
    repeated: bool


class Judge:
    """Judges the responses of one session, each in the light of what was said before.

    It knows the conversation only by its messages, and what its vehicle tells it (`known`). So it can sit in a
    simulated vehicle, and as well beside a recorded one: real sessions showed that the table is not too strict.

    Parameters
    ----------
    tolerates : collection of str
        Rules that the vehicle lets pass.

    Attributes
    ----------
    known : Known
        What it knows.
    """

    def __init__(self, tolerates: Collection[str] = ()) -> None:
        self.tolerates = tolerates
        self.known = Known()
        self._since: dict[_Key, float] = {}
        self._told: set[_Key] = set()

    def hear(self, request: Message, response: Message, now: float) -> list[Verdict]:
        """Judge a response that answers a request and does not say FAILED, the gravest verdict first."""
        self._learn_request(request)
        hearing = Hearing(self.known, request, response)
        found = []
        for row in applicable(response.schema).get(response.name, ()):
            text = row.finds(hearing)
            key = (row.rule, row.reads, response.name)
            if text is None:
                self._since.pop(key, None)
                self._told.discard(key)
                continue
            waited = now - self._since.setdefault(key, now)
            if waited < row.patience:
                continue
            if row.patience:
                text = f"{text}, for {row.patience:g} s"
            passes = row.rule in self.tolerates or response.schema in row.lenient
            found.append(Verdict(row, text, Reaction.GO_ON if passes else row.reaction, passes, key in self._told))
            self._told.add(key)
        self._learn_response(hearing)
        return sorted(found, key=lambda verdict: -verdict.reaction)

    def _learn_request(self, request: Message) -> None:
        name, body = request.name, request.body
        sequence = SEQUENCES.get(request.schema)  # a script sends what it likes
        request_of_mode, element = ("", "") if sequence is None else sequence.mode_from
        if name == "SessionSetupReq":
            self.known.asked_id = request.session_id or b""
        elif name == request_of_mode:
            self.known.mode = str(getattr(body, element)).partition("_")[0]
        elif name == "PowerDeliveryReq":
            self.known.chosen = element_of(body, "SAScheduleTupleID") or self.known.chosen
        limit = element_of(body, "EVMaximumVoltageLimit")
        if limit is not None:
            self.known.maximum_voltage = to_float(limit)

    def _learn_response(self, hearing: Hearing) -> None:
        if hearing.response.name == "SessionSetupRes":
            self.known.session_id = hearing.response.session_id or b""
        tuples = hearing.value("SAScheduleTuple")
        if tuples is not None:
            self.known.offered = tuple(entry.SAScheduleTupleID for entry in tuples)
            self.known.chosen = None


@cache
def applicable(schema: str) -> Mapping[str, tuple[Judgement, ...]]:
    """The judgements that apply to each response of a vocabulary, by the elements that it is declared with."""
    found = {}
    known = vocabulary(schema)
    for name in filter(lambda name: name.endswith("Res"), known.messages):
        found[name] = tuple(
            judgement
            for judgement in JUDGEMENTS
            if (not judgement.only or name in judgement.only)
            and all(is_declared(known.message_type(name), element) for element in judgement.reads)
        )
    return found


def rules(*severities: str) -> tuple[str, ...]:
    """The names of the judgements of some severities, by default of all, in the table's order."""
    chosen = (row.rule for row in JUDGEMENTS if not severities or row.severity in severities)
    return tuple(dict.fromkeys(chosen))


def checked(tolerates: Iterable[str]) -> frozenset[str]:
    """The rules that a vehicle is to let pass.

    Raises
    ------
    ValueError
        There is no such rule; the text lists those there are.
    """
    chosen = frozenset(tolerates)
    unknown = sorted(chosen.difference(rules()))
    if unknown:
        raise ValueError(f"no vehicle judges by {', '.join(map(repr, unknown))}; the rules are {', '.join(rules())}")
    return chosen
