"""The DataFrame of plug-ins: a row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from secc_kernel.session.plug_ins import PlugIn, plug_ins
from secc_kernel.session.slac.record import mac_text
from secc_kernel.wire import sdp

if TYPE_CHECKING:
    import pandas as pd

    from secc_kernel.session.journal import Journal

__all__ = ["COLUMNS", "table"]

_SEVERITIES = ("error", "warning", "note")
_SECURITY = {int(sdp.Security.TLS): "TLS", int(sdp.Security.NoTransportLayerSecurity): "none"}

#: Columns of `table`; the index is the number of the plug-in.
COLUMNS = (
    "file",
    "begin",
    "end",
    "vehicle",  # its address in matching
    "evccid",
    "station",  # the address of the one that it has matched with
    "slac",  # 'matched', 'failed', or '' where no matching was seen
    "attenuation",  # dB, as the station has reported it
    "slac_seconds",  # from the first CM_SLAC_PARM.REQ to CM_SLAC_MATCH.CNF
    "slac_requests",  # CM_SLAC_PARM.REQ of the vehicle
    "stations",  # that have answered
    "security_asked",  # in SDP: 'TLS', 'none', or None
    "security_answered",
    "security",  # what was spoken: 'TLS 1.3', 'none', ...
    "downgrade",
    "protocol",  # key of the vocabulary
    "messages",
    "energy",  # kWh
    "energy_by",  # 'meter' or 'voltage x current'
    "soc_begin",  # percent
    "soc_end",
    "ended",  # 'terminated', 'paused', 'aborted', 'failed' (before there was a session), '' where no end was seen
    "by",  # 'EVCC', 'SECC' or ''
    "reason",
    "errors",
    "warnings",
    "notes",
)


def _row(source: str, plug_in: PlugIn) -> tuple[Any, ...]:
    """The columns of one plug-in."""
    slac, how = plug_in.slac, plug_in.how
    begin, end = plug_in.soc or (None, None)
    return (
        source,
        plug_in.begin,
        plug_in.end,
        mac_text(plug_in.vehicle) if plug_in.vehicle else "",
        plug_in.evccid,
        mac_text(slac.chosen) if slac is not None and slac.chosen else "",
        plug_in.matching,
        None if slac is None else slac.attenuation,
        None if slac is None else slac.seconds,
        0 if slac is None else slac.requests,
        0 if slac is None else len(slac.stations),
        _security(plug_in.asked),
        _security(plug_in.answered),
        plug_in.security,
        plug_in.downgraded,
        plug_in.protocol,
        plug_in.messages,
        plug_in.energy.kwh,
        plug_in.energy.source,
        begin,
        end,
        how.how,
        how.who,
        how.why,
        *(plug_in.findings(severity) for severity in _SEVERITIES),
    )


def _security(value: int | None) -> str | None:
    if value is None:
        return None
    return _SECURITY.get(value, f"0x{value:02X}")


def table(journal: Journal, found: Sequence[PlugIn] | None = None) -> pd.DataFrame:
    """A row a plug-in of a journal: `COLUMNS`."""
    import pandas as pd

    rows = [_row(journal.source, each) for each in (plug_ins(journal.entries) if found is None else found)]
    index = pd.RangeIndex(1, len(rows) + 1, name="plug_in")
    made = pd.DataFrame(rows, columns=list(COLUMNS), index=index)
    numbers = ("begin", "end", "attenuation", "slac_seconds", "energy", "soc_begin", "soc_end")
    return made.astype(dict.fromkeys(numbers, "float64"))
