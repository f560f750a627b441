"""Views of one message below V2G: of SLAC, whose frames carry no V2GTP, and of SDP, which is on no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secc_kernel.session.journal import FindingEntry, FrameEntry
from secc_kernel.session.slac.matcher import LOCAL_MODEM
from secc_kernel.session.slac.record import mac_text
from secc_kernel.views.look import Column, Table
from secc_kernel.views.reading import Pace, Reading, Remark, merge
from secc_kernel.wire.homeplug import BROADCAST
from secc_kernel.wire.layers import LAYERS

if TYPE_CHECKING:
    from secc_kernel.session.journal import Journal

__all__ = ["Below", "frame_table"]

_VERSIONS = {0: "HomePlug AV 1.0", 1: "HomePlug AV 1.1"}
_FOUND = ("slac.", "sdp", "turn")


class Below(Reading):
    """A message of SLAC or SDP: an entry of a journal, without an index among its messages.

    Parameters
    ----------
    journal : Journal
        Where it is.
    entry : FrameEntry
        The message.
    """

    def __init__(self, journal: Journal, entry: FrameEntry) -> None:
        self.journal = journal
        self.entry = entry
        self.index = -1

    @property
    def direction(self) -> str:
        """Who sent it to whom; a modem and its host talk to each other as well."""
        entry = self.entry
        words = LAYERS["slac"]
        if entry.layer == "homeplug" and words.place(entry.name) < 0:
            host = entry.sender or "host"
            return f"{host} → modem" if entry.dst == mac_text(LOCAL_MODEM) else f"modem → {host}"
        return super().direction

    @property
    def remarks(self) -> list[Remark]:
        """What was found about it: what is recorded right after it."""
        findings = []
        entries = self.journal.entries
        # From the end, by identity: entries compare by content.
        place = next((n for n in range(len(entries) - 1, -1, -1) if entries[n] is self.entry), len(entries))
        for entry in entries[place + 1 :]:
            if isinstance(entry, FrameEntry):
                break
            if isinstance(entry, FindingEntry) and entry.rule.startswith(_FOUND):
                findings.append(entry)
        return merge(self.message, findings)

    @property
    def pace(self) -> Pace | None:
        """Nothing: which answer belongs to which question is matching's affair."""
        return None


def frame_table(reading: Below) -> Table:
    """What is around the message: the frame of a management message."""
    entry = reading.entry
    version = entry.data[0] if entry.data else 0
    rows = [
        ("Destination", f"{entry.dst}{' (all)' if entry.dst == mac_text(BROADCAST) else ''}"),
        ("Source", entry.src),
        ("MMV", f"0x{version:02X} ({_VERSIONS.get(version, 'unknown')})"),
        ("MMTYPE", f"0x{entry.payload_type:04X}"),
    ]
    return Table((Column("Field"), Column("Value", mono=True)), rows, caption="HomePlug frame", titles=False)
