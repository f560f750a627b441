"""Management messages as entries of a journal."""

from __future__ import annotations

from functools import lru_cache

from secc_kernel.session.journal import FrameEntry
from secc_kernel.wire.homeplug.messages import (
    CM_ATTEN_CHAR_IND,
    CM_ATTEN_CHAR_RSP,
    CM_MNBC_SOUND_IND,
    CM_SLAC_MATCH_CNF,
    CM_SLAC_MATCH_REQ,
    CM_SLAC_PARM_CNF,
    CM_SLAC_PARM_REQ,
    CM_START_ATTEN_CHAR_IND,
    CM_VALIDATE_CNF,
    CM_VALIDATE_REQ,
)

__all__ = ["LAYER", "mac_text", "management_entry", "sender_of"]

LAYER = "homeplug"
"""The layer of such frames in a journal; `FrameEntry.payload_type` is the MMTYPE, `data` begins with the MMV byte."""

_SENDERS = {
    kind.MMTYPE: sender
    for sender, kinds in (
        (
            "EVCC",
            (
                CM_SLAC_PARM_REQ,
                CM_START_ATTEN_CHAR_IND,
                CM_MNBC_SOUND_IND,
                CM_ATTEN_CHAR_RSP,
                CM_VALIDATE_REQ,
                CM_SLAC_MATCH_REQ,
            ),
        ),
        ("SECC", (CM_SLAC_PARM_CNF, CM_ATTEN_CHAR_IND, CM_VALIDATE_CNF, CM_SLAC_MATCH_CNF)),
    )
    for kind in kinds
}


def sender_of(mmtype: int) -> str:
    """Which end sends a message: 'EVCC', 'SECC', or '' where either may, or a modem."""
    return _SENDERS.get(mmtype, "")


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
    who = _SENDERS.get(mmtype, "") if sender is None else sender
    return FrameEntry(time, LAYER, who, mac_text(source), mac_text(destination), -1, frame, mmtype, payload)
