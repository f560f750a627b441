"""The functions of ``Session`` that let the autopilot work, and those that say where it stops."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..codec import Message
from ..link.breakpoints import Condition, Stop, check_message
from ..link.reach import known_requests
from ..link.reasons import what_the_other_did
from ..session.events import Ended
from ..session.journal import FrameEntry, Journal
from .conditions import holds, values_of
from .errors import LuaUserError
from .functions import layer_messages, sends, suggest
from .hosting import Ask, LuaFunction, Pending
from .picture import scalar as shown

if TYPE_CHECKING:
    from .bench import Bench

__all__ = [
    "Run",
    "add_break",
    "announce",
    "breaks",
    "remove_break",
    "run_for",
    "run_to",
    "run_to_end",
    "run_until",
    "run_with",
    "wait_for",
]


@dataclass(frozen=True, slots=True)
class Run:
    """What the autopilot did in one call.

    Attributes
    ----------
    journal : Journal
        The session's.
    what : str
        The call, ``RunTo('CurrentDemandReq')``.
    first, last : int
        The entries of the journal that it has made: from, and up to but not including.
    outcome : str
        How it came out, in a sentence.
    """

    journal: Journal
    what: str
    first: int
    last: int
    outcome: str


def run_with(
    bench: Bench, what: str, begin: Callable[[], Future[Any]], result: Callable[[Any], tuple[Any, str]]
) -> Pending:
    """Let the autopilot work; what it did is shown when it is done.

    Parameters
    ----------
    bench : Bench
        Where.
    what : str
        The call.
    begin : callable
        Begins it.
    result : callable
        From its result to what the script gets, and how it came out.
    """
    session = bench.ensure()
    first = session.position

    def then(outcome: Any) -> Any:
        given, said = result(outcome)
        tell(bench, what, first, said)
        return given

    def failed() -> None:
        passed = session.journal.entries[first : session.position]
        if any(isinstance(entry, FrameEntry) and entry.layer == "v2gtp" for entry in passed):
            tell(bench, what, first, "it did not come to that")

    announce(bench, what)
    return bench.pending(begin, then, failed)


def tell(bench: Bench, what: str, first: int, outcome: str) -> None:
    """Show what the autopilot did since an entry of the journal."""
    session = bench.session
    if session is not None:
        bench.on_run(Run(session.journal, what, first, session.position, outcome))


def announce(bench: Bench, what: str) -> None:
    """Say, once for each session on a real link, where it waits for the other side to connect."""
    session = bench.session
    if session is None or session is bench.announced or not session.link.real or session.party.connection is not None:
        return
    bench.announced = session
    doing = "listening at" if session.side == "SECC" and not session.refusal else "connecting to"
    if session.refusal:
        doing = "listening to"
    tell(bench, what, session.position, f"{doing} {session.link.place}")


def wait_for(bench: Bench, seconds: float) -> Pending:
    """Let time pass; an end that comes meanwhile is shown. Gives where the session stopped, if it did before."""
    session = bench.ensure()
    first, began, before = session.position, session.now, session.ended

    def passed(stop: Stop | None) -> str | None:
        ended = session.ended
        if ended is not None and ended is not before:
            said = f"{what_the_other_did(ended, session.side)} after {max(ended.time - began, 0):.3g} s"
            tell(bench, f"Wait {seconds:g} s", first, f"{said}: {ended.reason}")
        return None if stop is None else str(stop)

    return bench.pending(lambda: session.wait(seconds), passed)


def run_to(bench: Bench, request: Any) -> Pending:
    """Run up to the answer to a request, or the request itself; gives where it stopped, if it did before."""
    known = known_requests()
    if request not in known and request not in layer_messages():
        near = suggest(str(request), sorted({*known, *layer_messages()}))
        hint = f"; did you mean {near}?" if near else f"; it is one of {', '.join(sorted(known))}"
        raise LuaUserError(f"Session.RunTo takes the name of a request, not {request!r}{hint}")
    session = bench.ensure()
    ready = f"it is your turn to {'send' if sends(session.side, request) else 'answer'} {request}"
    if session.refusal:
        ready = f"{request} was overheard"
    return run_with(
        bench,
        f"RunTo {request}",
        lambda: session.run_to(request),
        lambda stop: (None, ready) if stop is None else (str(stop), str(stop)),
    )


def run_to_end(bench: Bench) -> Pending:
    """Run until the session has ended; gives how it ended and why."""
    session = bench.ensure()
    before = session.ended if session.party.connection is None else None

    def result(outcome: Ended | Stop) -> tuple[tuple[str, str], str]:
        given, said = _end(outcome)
        # Who listens may have come to the end of the next one.
        again = before is not None and (outcome is before or not session.refusal)
        return given, f"the session had ended before ({said})" if again else said

    return run_with(bench, "RunToEnd", session.run_to_end, result)


def _end(outcome: Ended | Stop) -> tuple[tuple[str, str], str]:
    if isinstance(outcome, Stop):
        return ("stopped", str(outcome)), str(outcome)
    return (outcome.how, outcome.reason), f"{outcome.how}: {outcome.reason}"


def run_for(bench: Bench, seconds: Any) -> Pending:
    """Run for some time; gives how the session ended and why, if it did."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
        raise LuaUserError(f"Session.RunFor takes a number of seconds, not {seconds!r}")
    session = bench.ensure()
    passed = f"{seconds:g} s have passed"
    return run_with(
        bench,
        f"RunFor {seconds:g} s",
        lambda: session.run_for(seconds),
        lambda outcome: (None, passed) if outcome is None else _end(outcome),
    )


def run_until(bench: Bench, function: Any) -> Pending:
    """Run until a function of the script, asked after each message, says so; gives how the session ended, if it did."""
    if not isinstance(function, LuaFunction):
        raise LuaUserError(
            "Session.RunUntil takes a function, which gets each message's fields and its name",
            "Session.RunUntil(function(fields, message) return message == 'CurrentDemandReq' end)",
        )
    first = bench.ensure().position

    def step() -> Pending:
        return bench.pending(bench.ensure().run_on, then)

    def then(outcome: Message | Ended | Stop) -> Any:
        if isinstance(outcome, (Ended, Stop)):
            given, said = _end(outcome)
            tell(bench, "RunUntil", first, said)
            return given

        def answered(holds: Any = None, *_: Any) -> Any:
            if holds is None or holds is False:
                return step()
            tell(bench, "RunUntil", first, f"the function said so of {outcome.name}")
            return None

        return Ask(function, (values_of(outcome), outcome.name), answered)

    return step()


# -- breakpoints ------------------------------------------------------------------------------------------------------


def add_break(bench: Bench, name: Any = None, condition: Any = None, hits: Any = None) -> Any:
    """Set a breakpoint of a message and give its number; without arguments a table of those there are."""
    if name is None:
        return breaks(bench)
    if type(condition) is int and hits is None:
        condition, hits = None, condition
    if condition is not None and not isinstance(condition, (LuaFunction, dict)):
        raise LuaUserError(
            f"Session.Break takes a table of field values or a function as condition, not {condition!r}",
            f"Session.Break('{name}', {{ResponseCode = 'OK'}}, 3) stops the third time",
        )
    try:
        check_message(name)
        made, text = _condition(bench, name, condition)
        return bench.breakpoints.add(name, made, hits, text)
    except ValueError as error:
        raise LuaUserError(f"Session.Break: {error}") from None


def _condition(bench: Bench, name: str, condition: Any) -> tuple[Condition | None, str]:
    """A condition, and in words."""
    if condition is None:
        return None, ""
    if isinstance(condition, LuaFunction):
        return bench.questions.condition(condition), "a function says so"
    return holds(name, condition), ", ".join(f"{field} = {shown(value)}" for field, value in sorted(condition.items()))


def breaks(bench: Bench) -> list[dict[str, Any]]:
    """The breakpoints, a table each."""
    return [
        {
            key: value
            for key, value in {
                "id": entry.id,
                "message": entry.message,
                "condition": entry.text or None,
                "hits": entry.hits,
                "met": entry.count,
            }.items()
            if value is not None
        }
        for entry in bench.breakpoints.list()
    ]


def remove_break(bench: Bench, which: Any = None) -> None:
    """Take a breakpoint away, by its number, those of a message, or all."""
    breakpoints = bench.breakpoints
    if which is None:
        breakpoints.clear()
    elif not (breakpoints.clear(which) if isinstance(which, str) else breakpoints.remove(which)):
        there = "; ".join(map(str, breakpoints.list())) or "none"
        raise LuaUserError(f"Session.Unbreak: there is no breakpoint {which!r}; there is {there}")
