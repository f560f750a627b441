"""The plug-ins of a journal: a line each, and one for the eyes of whoever reads a terminal."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from secc_kernel.session.plug_in_table import table
from secc_kernel.session.plug_ins import PlugIn
from secc_kernel.session.plug_ins import plug_ins as found_in
from secc_kernel.session.slac.record import mac_text
from secc_kernel.views.look import Block, Column, Either, Para, Span, Table, counted, duration
from secc_kernel.views.reading import marked, since_start
from secc_kernel.views.view import View

if TYPE_CHECKING:
    from secc_kernel.session.journal import Journal

__all__ = ["line", "plug_ins"]

#: Seconds up to which a time is one of a simulated clock, which begins at 0.
_SIMULATED = 10**8
_SEVERITIES = ("error", "warning", "note")
_HOW = {"terminated": "ok", "paused": "ok", "aborted": "error", "failed": "error", "": "note"}


def plug_ins(journal: Journal) -> View:
    """A line a plug-in: which vehicle, matching, security, protocol, energy, state of charge, and how it ended.

    ``data``: ``journal.plug_ins()``.
    """
    found = found_in(journal.entries)
    columns = (
        Column("Plug-in", "right"),
        Column("Begins", "right"),
        Column("Took", "right"),
        Column("Vehicle"),
        Column("SLAC"),
        Column("Security"),
        Column("Protocol"),
        Column("Energy", "right"),
        Column("SOC", "right"),
        Column("Messages", "right"),
        Column("Ended", flexible=True),
        Column("Findings"),
    )
    rows = [
        (
            str(number),
            f"{since_start(journal, each.begin):.3f} s",
            duration(each.end - each.begin),
            vehicle(each) or "not known",
            slac(each) or "not recorded",
            security(each) or "not recorded",
            each.title,
            energy(each),
            soc(each),
            str(each.messages),
            f"{marked(_HOW[each.how.how])[0]} {each.how.how or 'open'}: {each.how.why}",
            findings(each),
        )
        for number, each in enumerate(found, 1)
    ]
    title = Para.of(Span(counted(len(found), "plug-in"), "strong"))
    blocks: list[Block] = [title]
    if rows:  # as text the table would be wider than any terminal
        lines = (Para.of(line(number, each)) for number, each in enumerate(found, 1))
        blocks.append(Either((Table(columns, rows),), tuple(lines)))
    return View(blocks, lambda: table(journal, found))


def line(number: int, plug_in: PlugIn) -> str:
    """A plug-in in one line of text."""
    how = plug_in.how
    matching = slac(plug_in)
    parts = [
        f"plug-in {number}",
        f"{moment(plug_in.begin)}, {duration(plug_in.end - plug_in.begin)}",
        f"vehicle {vehicle(plug_in)}" if vehicle(plug_in) else "",
        f"SLAC {matching}" if matching else "no SLAC recorded",
        f"security {spoken}" if (spoken := security(plug_in)) else "",
        plug_in.title,
        counted(plug_in.messages, "message") if plug_in.talks else "",
        energy(plug_in),
        f"SOC {charge}" if (charge := soc(plug_in)) else "",
        f"{how.how or 'open'}: {how.why}",
        findings(plug_in),
    ]
    return " | ".join(filter(None, parts))


def vehicle(plug_in: PlugIn) -> str:
    """Which vehicle: its address in matching, and what it calls itself where that is something else."""
    address = mac_text(plug_in.vehicle) if plug_in.vehicle else ""
    named = plug_in.evccid
    return f"{address} ({named})" if named and address and named != address else named or address


def slac(plug_in: PlugIn) -> str:
    """How matching came out, how loud the station has heard the vehicle, and how long it took; '' for no matching."""
    seen = plug_in.slac
    if seen is None:
        return ""
    took = "" if seen.seconds is None else f"in {duration(round(seen.seconds, 3))}"
    how = "with another station" if plug_in.matching == "elsewhere" else plug_in.matching
    if how == "matched" and seen.matched is None:
        took = "(not recorded)"
    said = [f"{how} {took}".rstrip()]
    if seen.attenuation is not None:
        said.append(f"{seen.attenuation:.1f} dB")
    if seen.requests > 1:
        said.append(f"{seen.requests} requests")
    if len(seen.stations) > 1:
        said.append(f"{len(seen.stations)} stations")
    return ", ".join(said)


def security(plug_in: PlugIn) -> str:
    """What was spoken, and whether the vehicle had asked for more; '' where nothing tells."""
    if plug_in.downgraded:
        return f"{plug_in.security} (asked for TLS)"
    return plug_in.security


def energy(plug_in: PlugIn) -> str:
    """Energy with its unit; '' where nothing tells."""
    kwh = plug_in.energy.kwh
    return "" if kwh is None else f"{kwh + 0.0:.3f} kWh"


def soc(plug_in: PlugIn) -> str:
    """State of charge, from and to."""
    if plug_in.soc is None:
        return ""
    begin, end = (f"{value:g}" for value in plug_in.soc)
    return f"{begin} %" if begin == end else f"{begin} → {end} %"


def findings(plug_in: PlugIn) -> str:
    """How many different findings of each severity."""
    counts = ((plug_in.findings(severity), severity) for severity in _SEVERITIES)
    return ", ".join(counted(count, severity) for count, severity in counts if count)


def moment(time: float) -> str:
    """A time of day, or of a simulated clock."""
    if 0 <= time < _SIMULATED:
        return f"{time:.3f} s"
    try:
        return f"{datetime.fromtimestamp(time, timezone.utc):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):  # a damaged time, millions of years away
        return f"{time:.6g} s"
