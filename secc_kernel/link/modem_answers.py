"""What a modelled modem says of itself: what a QCA7000 answers whoever asks for its firmware and its network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..wire.homeplug import Message
from ..wire.homeplug.messages import (
    CM_NW_INFO_CNF,
    CM_NW_INFO_REQ,
    CM_NW_STATS_CNF,
    CM_NW_STATS_REQ,
    MemberStatistics,
    Network,
    NetworkRole,
)
from ..wire.homeplug.vendor import (
    VS_NW_INFO_CNF,
    VS_NW_INFO_REQ,
    VS_OP_ATTR_CNF,
    VS_OP_ATTR_REQ,
    VS_SW_VER_CNF,
    VS_SW_VER_REQ,
    QualcommNetwork,
    QualcommNetwork_v1,
    QualcommStation,
    QualcommStation_v1,
    VS_NW_INFO_CNF_v1,
)

if TYPE_CHECKING:
    from .modem import Modem

__all__ = ["describe"]

_FIRMWARE = b"MAC-QCA7000-0.0.0.0-00-19700101-EMULATED"
_QCA7000 = 0x22
_RATE = 9
"""Mbit/s between any two modems."""


def describe(modem: Modem, message: object, version: int, now: float) -> Message | None:
    """The answer to a question about the modem itself; None where it is another message.

    Parameters
    ----------
    modem : Modem
        Who is asked.
    message : object
        What arrived.
    version : int
        Its MMV byte: some answers have a form for each.
    now : float
        The time.
    """
    answer = _ANSWERS.get(type(message))
    return None if answer is None else answer(modem, message, version, now)


def _firmware(modem: Modem, asked: VS_SW_VER_REQ, version: int, now: float) -> Message:
    return VS_SW_VER_CNF(DeviceID=_QCA7000, VersionLength=len(_FIRMWARE), Version=_FIRMWARE.ljust(64, b"\0"))


def _attributes(modem: Modem, asked: VS_OP_ATTR_REQ, version: int, now: float) -> Message:
    hardware, software = b"QCA7000".ljust(16, b"\0"), b"MAC".ljust(16, b"\0")
    return VS_OP_ATTR_CNF(Cookie=asked.Cookie, ReportType=asked.ReportType, Hardware=hardware, Software=software)


def _place(modem: Modem, now: float) -> dict[str, Any]:
    """Where a modem is in its network: whoever was given the key first coordinates it."""
    members = sorted([modem, *modem.members(now)], key=lambda member: member.keyed_at)
    coordinates = members[0] is modem
    return {
        "NID": modem.nid,
        "TEI": members.index(modem) + 1,
        "Role": NetworkRole.CCo if coordinates else NetworkRole.Station,
        "CCoMAC": members[0].mac,
    }


def _network(modem: Modem, asked: VS_NW_INFO_REQ, version: int, now: float) -> Message:
    network: Any = QualcommNetwork if version == 0 else QualcommNetwork_v1
    station: Any = QualcommStation if version == 0 else QualcommStation_v1
    others = [
        station(
            DA=other.mac, TEI=_place(other, now)["TEI"], BDA=other.host, AvgPHYDataRateTX=_RATE, AvgPHYDataRateRX=_RATE
        )
        for other in modem.members(now)
    ]
    networks = [network(**_place(modem, now), CCoTEI=1, Stations=others)] if others else []
    return VS_NW_INFO_CNF(Networks=networks) if version == 0 else VS_NW_INFO_CNF_v1(Networks=networks)


def _standard_network(modem: Modem, asked: CM_NW_INFO_REQ, version: int, now: float) -> Message:
    return CM_NW_INFO_CNF(Networks=[] if modem.nmk is None else [Network(**_place(modem, now))])


def _statistics(modem: Modem, asked: CM_NW_STATS_REQ, version: int, now: float) -> Message:
    return CM_NW_STATS_CNF(Stations=[MemberStatistics(other.mac, _RATE, _RATE) for other in modem.members(now)])


_ANSWERS: dict[type, Callable[[Modem, Any, int, float], Message]] = {
    VS_SW_VER_REQ: _firmware,
    VS_OP_ATTR_REQ: _attributes,
    VS_NW_INFO_REQ: _network,
    CM_NW_INFO_REQ: _standard_network,
    CM_NW_STATS_REQ: _statistics,
}
