"""What came before the first message of a session, in one line: plug, matching, data link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secc_kernel.session.control_pilot import MACHINE as CONTROL_PILOT
from secc_kernel.session.journal import FrameEntry, StateEntry
from secc_kernel.session.plug_ins import plug_ins
from secc_kernel.session.slac.record import LAYER as HOMEPLUG
from secc_kernel.session.slac.record import mac_text
from secc_kernel.views.look import counted, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secc_kernel.session.journal import Entry
    from secc_kernel.session.plug_ins import PlugIn

__all__ = ["plugged"]

_DATA_LINK = " data link"


def plugged(entries: Sequence[Entry], first: int, last: int | None) -> str:
    """How matching went in a part of a journal, and when the data link stood; '' where there is none in it.

    A plug-in that was begun before the part is told as a whole.

    Parameters
    ----------
    entries
        The journal's.
    first, last
        The part: from, and up to but not including.
    """
    count = sum(each.slac is not None for each in plug_ins(filter(_is_below, entries[first:last])))
    if not count:
        return ""
    below = [entry for entry in entries[:last] if _is_below(entry)]
    text = _told([each for each in plug_ins(below) if each.slac is not None][-1], below)
    return text if count == 1 else f"{counted(count, 'plug-in')}, the last: {text}"


def _is_below(entry: Entry) -> bool:
    if isinstance(entry, FrameEntry):
        return entry.layer == HOMEPLUG
    return isinstance(entry, StateEntry) and (entry.machine == CONTROL_PILOT or entry.machine.endswith(_DATA_LINK))


def _told(found: PlugIn, below: Sequence[Entry]) -> str:
    slac = found.slac
    assert slac is not None
    if slac.matched is None:
        if _goes_on(below):
            return f"plugged in, matching: {slac.comes_next} is next"
        return f"plugged in, not matched: {slac.lacks}"
    station = mac_text(slac.chosen) if slac.chosen else "a station"
    level = slac.stations.get(slac.chosen)
    heard = "" if level is None else f" at {level:.0f} dB"
    ready = next((entry.time for entry in below if entry.time >= slac.matched and _is_ready(entry)), None)
    link = "" if ready is None else f", data link after {duration(ready - found.begin)}"
    return f"plugged in, matched with {station}{heard}{link}"


def _goes_on(below: Sequence[Entry]) -> bool:
    """Whether matching is under way where the part ends: an end whose attempt has failed is in another state."""
    last = next((e for e in reversed(below) if isinstance(e, StateEntry) and e.machine.endswith(_DATA_LINK)), None)
    return last is not None and last.new == "matching"


def _is_ready(entry: Entry) -> bool:
    return isinstance(entry, StateEntry) and entry.machine.endswith(_DATA_LINK) and entry.new == "ready"
