"""Management messages as entries of a journal."""

from __future__ import annotations

from functools import lru_cache

from secc_kernel.session.journal import FrameEntry
from secc_kernel.wire.homeplug import declared

__all__ = ["LAYER", "mac_text", "management_entry"]

LAYER = "homeplug"
"""The layer of such frames in a journal; `FrameEntry.payload_type` is the MMTYPE, `data` begins with the MMV byte."""


@lru_cache(maxsize=256)
def _sender_of(mmtype: int) -> str:
    kind = declared(mmtype)
    return kind.SENDER if kind is not None and kind.SENDER in ("EVCC", "SECC") else ""


@lru_cache(maxsize=256)
def mac_text(mac: bytes) -> str:
    """An address as people write it."""
    return mac.hex(":")


def management_entry(
    payload: bytes, destination: bytes, source: bytes, time: float, frame: int | None = None, sender: str | None = None
) -> FrameEntry:
    """The entry of a management message.

    Parameters
    ----------
    payload
        From the MMV byte on.
    destination, source
        Addresses, six bytes each.
    time
        Seconds.
    frame
        The number of the captured frame.
    sender
        Who has sent it, where that is known better than by the message.
    """
    mmtype = int.from_bytes(payload[1:3], "little")
    who = _sender_of(mmtype) if sender is None else sender
    return FrameEntry(time, LAYER, who, mac_text(source), mac_text(destination), -1, frame, mmtype, payload)
