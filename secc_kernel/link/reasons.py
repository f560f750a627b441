"""Why a wait cannot end as a script asked, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from ..codec import Message
from ..messages import vocabulary
from ..session.evcc import CLOSES, STOP, STOPS
from ..session.events import Ended
from ..session.journal import BELOW, FrameEntry, Journal, NoteEntry, StateEntry
from .base import Seat, Wait
from .reach import begins_session, can_come, is_foreign

__all__ = [
    "how_it_ended",
    "how_to_go_on",
    "last_messages",
    "owed_below",
    "stands_still",
    "what_the_other_did",
    "whole_story",
    "why_not",
]

_SHOWN = 4
_IMPATIENT = {"V2G_EVCC_": "the EV", "no SDP response": "the EV", "V2G_SECC_": "the station"}
"""Who gives up, by what it says then: a timer is the one's in whose name it is."""


def last_messages(journal: Journal, end: int | None = None) -> str:
    """The end of an error: why the simulated vehicle stops, if it does, and what was exchanged last.

    Times are since the journal's beginning, as views tell them. Who listens may have come to the entry ``end`` only.
    """
    frames = list(islice(_latest(journal, end), _SHOWN))[::-1]
    if not frames:
        return "; no message was exchanged"
    start = journal.entries[0].time
    shown = []
    for frame in frames:
        code = getattr(getattr(frame.message, "body", None), "ResponseCode", None)
        shown.append(f"{frame.name or 'undecodable'}{f' ({code})' if code else ''} at {frame.time - start:.3f} s")
    return _why_the_vehicle_stops(journal) + "\nthe last messages:" + "".join(f"\n  {line}" for line in shown)


def _latest(journal: Journal, end: int | None) -> Iterator[FrameEntry]:
    """The messages from the last one back; below V2G, those that scripts can work at."""
    for entry in reversed(journal.entries if end is None else journal.entries[:end]):
        if isinstance(entry, FrameEntry) and (entry.layer == "v2gtp" or (entry.layer in BELOW and entry.name)):
            yield entry


def _why_the_vehicle_stops(journal: Journal) -> str:
    """What the vehicle said of it in this session; a closed connection says so itself."""
    for entry in reversed(journal.entries):
        if isinstance(entry, NoteEntry) and entry.text.startswith(STOPS):
            return "" if entry.text.endswith(CLOSES) else f"; {entry.text}"
        if isinstance(entry, StateEntry) and (entry.machine, entry.new) == ("TCP", "connected"):
            break
    return ""


def how_it_ended(ended: Ended) -> str:
    """How a session ended, and why."""
    return f"the session ended ({ended.how}): {ended.reason}"


def how_to_go_on(real: bool, side: str) -> str:
    """What a script does after the end of a session, to get another one."""
    if not real:
        begins = "begins a new session, and Ev.Plug{} plugs the simulated vehicle in anew"
    elif side == "SECC":
        begins = "waits for the EV's next session"
    else:
        begins = "connects to the station again"
    return f"Session.RunTo(…) or Receive {begins}; Session.RunToEnd() tells how the last one ended"


def what_the_other_did(ended: Ended, role: str) -> str:
    """What ended a session, in a few words, for a script that plays this party."""
    other = "the EV" if role == "SECC" else "the station"
    gave_up = next((who for said, who in _IMPATIENT.items() if said in ended.reason), None)
    if gave_up is not None:
        return f"{gave_up} gave up"
    if "Timeout" in ended.reason and ended.fault != role:
        return f"{other} gave up"
    return f"{other} closed the connection" if "closed" in ended.reason else "the session ended"


def whole_story(ended: Ended, vehicle: Ended | None) -> Ended:
    """How a session ended, in the words of the simulated vehicle where it ended it: it knows why."""
    if vehicle is not None and vehicle.how == ended.how == "aborted" and vehicle.time < ended.time:
        # A station that hears nothing more can only say that.
        told = "closed" in ended.reason or vehicle.reason in ended.reason
        return ended if told else replace(ended, reason=f"{ended.reason}; the vehicle had given up: {vehicle.reason}")
    if vehicle is None or vehicle.how != ended.how or ended.how == "aborted" or ": " not in vehicle.reason:
        return ended
    return replace(ended, reason=vehicle.reason)


def stands_still(seat: Seat, wait: Wait, turn: str) -> str:
    """Why nothing moves while the autopilot is off."""
    advice = f"run to {wait.request} first, then switch it off"
    if seat.party.role == "SECC":
        return f"{turn} arrived, not {wait}; the autopilot is off, so nothing answers it: {advice}"
    return f"{wait} cannot come: the EVCC is to send {turn}, and the autopilot is off: {advice}"


def owed_below(wait: Wait, owed: Message, arrived: dict[str, Message]) -> str:
    """Why nothing moves below V2G while the autopilot is off."""
    after = f" ({next(reversed(arrived))} has arrived)" if arrived else ""
    first = f", or run to {wait.request} before you switch it off" if wait.kind in ("receive", "turn") else ""
    return f"{wait} cannot come: {owed.name} is to be sent{after}, and the autopilot is off: send it{first}"


def why_not(seat: Seat, request: str) -> str:
    """Why a request cannot come any more."""
    progress = seat.party.progress
    if progress.sequence is not None and is_foreign(progress, request):
        return f"{request} is no message of {vocabulary(progress.sequence.schema).title}, which this session speaks"
    if can_come(progress, request, [seat.party.turn] if seat.party.turn else None):
        here = f"you hold {seat.party.turn}" if seat.holds else f"the session is at {progress.last}"
        return f"{here}; {request} comes again only after a renegotiation, and none was asked for"
    if request[:-3] + "Res" in seat.sent:
        return f"{request} was answered already, and none comes after {progress.last}"
    if seat.party.role == "SECC" and seat.party.turn == STOP:
        return "the vehicle ends the session with SessionStopReq"
    if begins_session(request):
        return f"{request} begins a session, and this one is at {progress.last}"
    mode = f" {progress.mode}" if progress.mode else ""
    return f"in this{mode} session no {request} follows {progress.last}"
