"""The modems on an interface: what they are, whether they have a link and with whom, and how they hear each other.

For a notebook as well as for ``secc-kernel modems``::

    from secc_kernel.link import modem_survey
    for modem in modem_survey.survey("eth1"):
        print(modem.mac, modem.firmware, modem.network)

Makers answer different questions, so all are asked, and what comes back is put together by the modem's address.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import mean

from ..session.slac.matcher import LOCAL_MODEM
from ..session.slac.times import C_EV_MATCH_MNBC, C_EV_START_ATTEN_CHAR_INDS, seconds
from ..wire.homeplug import BROADCAST, Frame, HomeplugError, Message, nid_of
from ..wire.homeplug.messages import (
    CC_DISCOVER_LIST_CNF,
    CC_DISCOVER_LIST_REQ,
    CM_ATTEN_CHAR_IND,
    CM_ATTEN_CHAR_RSP,
    CM_ATTEN_PROFILE_IND,
    CM_MNBC_SOUND_IND,
    CM_NW_INFO_CNF,
    CM_NW_INFO_REQ,
    CM_NW_STATS_CNF,
    CM_NW_STATS_REQ,
    CM_SET_KEY_CNF,
    CM_SET_KEY_REQ,
    CM_SLAC_PARM_CNF,
    CM_SLAC_PARM_REQ,
    CM_START_ATTEN_CHAR_IND,
    LUMISSIL,
    QUALCOMM,
    VENDORS,
    Network,
    NetworkRole,
)
from ..wire.homeplug.vendor import (
    VS_ATTENUATION_CHARACTERISTICS_IND,
    VS_GET_LINK_STATUS_CNF,
    VS_GET_LINK_STATUS_REQ,
    VS_GET_VERSION_CNF,
    VS_GET_VERSION_REQ,
    VS_LINK_STATUS_CNF,
    VS_LINK_STATUS_REQ,
    VS_NW_INFO_CNF,
    VS_NW_INFO_REQ,
    VS_OP_ATTR_CNF,
    VS_OP_ATTR_REQ,
    VS_SW_VER_CNF,
    VS_SW_VER_REQ,
    QualcommNetwork,
    QualcommNetwork_v1,
    VS_NW_INFO_CNF_v1,
)
from .raw import RawSocket

__all__ = ["Attenuation", "KeyRefusedError", "Member", "ModemInfo", "attenuation", "set_key", "survey"]

_WAIT = 0.4
"""Seconds that modems get to answer a question; those over the line need longer than the own one."""
_COOKIE = 0x53454343


@dataclass(slots=True)
class Member:
    """Another modem of a modem's network.

    Attributes
    ----------
    mac : str
        Its address.
    sends, receives : int or None
        The average rates to it and from it, Mbit/s.
    behind : str or None
        The first address of the hosts behind it.
    """

    mac: str
    sends: int | None = None
    receives: int | None = None
    behind: str | None = None


@dataclass(slots=True)
class ModemInfo:
    """What a modem says of itself.

    Attributes
    ----------
    mac : str
        Its address.
    own : bool
        Whether it is this host's; otherwise it was heard over the line.
    maker, hardware, firmware : str
        As far as it tells.
    link : bool or None
        Whether it has a link to another modem; None where it does not tell.
    network : str or None
        The identifier (NID) of its network.
    role : str or None
        What it is there: ``CCo`` (central coordinator), ``Proxy`` or ``Station``.
    coordinator : str or None
        The CCo's address.
    tei : int or None
        Its number in the network.
    members : list of Member
        The others in its network.
    neighbours : list of str
        The identifiers of other networks that it hears.
    """

    mac: str
    own: bool = False
    maker: str = ""
    hardware: str = ""
    firmware: str = ""
    link: bool | None = None
    network: str | None = None
    role: str | None = None
    coordinator: str | None = None
    tei: int | None = None
    members: list[Member] = field(default_factory=list)
    neighbours: list[str] = field(default_factory=list)

    def member(self, mac: bytes) -> Member:
        """What is known of another modem of its network."""
        text = mac.hex(":")
        found = next((member for member in self.members if member.mac == text), None)
        if found is None:
            found = Member(text)
            self.members.append(found)
        return found


@dataclass(slots=True)
class Attenuation:
    """How somebody hears somebody's sounds.

    Attributes
    ----------
    by : str
        Who has measured: a station on the line, or the own modem.
    source : str
        Whose sounds.
    groups : bytes
        dB, group by group of carriers, from the lowest frequency to the highest.
    sounds : int
        How many sounds it is the average of.
    """

    by: str
    source: str
    groups: bytes
    sounds: int

    @property
    def average(self) -> float:
        """dB, as matching reckons."""
        return mean(self.groups) if self.groups else 0.0


class KeyRefusedError(Exception):
    """A modem has not taken a key; the text says why."""


# -- what modems are there --------------------------------------------------------------------------------------------


def survey(interface: str, wait: float = _WAIT) -> list[ModemInfo]:
    """Ask all modems that can be reached what they are.

    Parameters
    ----------
    interface : str
        The network interface at the own modem.
    wait : float
        Seconds for the answers to each of the three rounds of questions.

    Returns
    -------
    list of ModemInfo
        The own modem first; empty where nothing answers.

    Raises
    ------
    LinkError
        There is no such interface, or the privilege lacks; the text says what to do.
    """
    found: dict[bytes, ModemInfo] = {}

    def heard(frame: Frame) -> ModemInfo | None:
        read = _READERS.get(type(frame.message))
        if read is None:
            return None
        modem = found.setdefault(frame.source, ModemInfo(frame.source.hex(":")))
        read(modem, frame.message)
        return modem

    with _Talk(interface) as talk:
        for frame in talk.ask(((LOCAL_MODEM, message) for message in _WHO), wait):
            modem = heard(frame)
            if modem is not None:
                modem.own = True
        for frame in talk.ask(((BROADCAST, message) for message in _WHO), wait):
            heard(frame)
        for mac in found:
            talk.send(mac, VS_NW_INFO_REQ(), version=1)  # later firmware answers in the form of the question
        for frame in talk.ask(((mac, message) for mac in found for message in _DETAILS), wait):
            heard(frame)
    return sorted(found.values(), key=lambda modem: (not modem.own, modem.mac))


_WHO = (VS_SW_VER_REQ(), VS_GET_VERSION_REQ())
"""What every modem of its maker's answers."""
_DETAILS = (
    VS_OP_ATTR_REQ(Cookie=_COOKIE),
    VS_LINK_STATUS_REQ(),
    VS_GET_LINK_STATUS_REQ(),
    VS_NW_INFO_REQ(),
    CM_NW_INFO_REQ(),
    CM_NW_STATS_REQ(),
    CC_DISCOVER_LIST_REQ(),
)


_ROLES = {role.value: role.name for role in NetworkRole}


def _text(value: bytes) -> str:
    return value.partition(b"\0")[0].decode("ascii", "replace").strip()


def _by_qualcomm(modem: ModemInfo, answer: VS_SW_VER_CNF) -> None:
    modem.maker = VENDORS[QUALCOMM]
    modem.firmware = _text(answer.Version)
    modem.hardware = modem.hardware or next((part for part in modem.firmware.split("-")[1:2] if part), "")


def _by_lumissil(modem: ModemInfo, answer: VS_GET_VERSION_CNF) -> None:
    modem.maker = VENDORS[LUMISSIL]
    modem.firmware = f"{answer.Major}.{answer.Minor}.{answer.Patch}.{answer.Build}"


def _attributes(modem: ModemInfo, answer: VS_OP_ATTR_CNF) -> None:
    modem.hardware = _text(answer.Hardware) or modem.hardware


def _link(modem: ModemInfo, answer: VS_LINK_STATUS_CNF | VS_GET_LINK_STATUS_CNF) -> None:
    modem.link = bool(answer.LinkStatus)


def _networks(modem: ModemInfo, answer: CM_NW_INFO_CNF | VS_NW_INFO_CNF | VS_NW_INFO_CNF_v1) -> None:
    for network in answer.Networks[:1]:
        modem.network = network.NID.hex(":")
        modem.role = _ROLES.get(network.Role, f"role {network.Role}")
        modem.coordinator = network.CCoMAC.hex(":")
        modem.tei = network.TEI
        _stations(modem, network)


def _stations(modem: ModemInfo, network: Network | QualcommNetwork | QualcommNetwork_v1) -> None:
    if isinstance(network, Network):
        return
    for station in network.Stations:
        member = modem.member(station.DA)
        member.sends, member.receives = station.AvgPHYDataRateTX, station.AvgPHYDataRateRX
        member.behind = station.BDA.hex(":") if any(station.BDA) else None


def _statistics(modem: ModemInfo, answer: CM_NW_STATS_CNF) -> None:
    for station in answer.Stations:
        member = modem.member(station.DA)
        member.sends, member.receives = station.AvgPHYDataRateTX, station.AvgPHYDataRateRX


def _discovered(modem: ModemInfo, answer: CC_DISCOVER_LIST_CNF) -> None:
    for station in answer.Stations:
        if station.SameNetwork:
            modem.member(station.MAC)
    modem.neighbours = [network.NID.hex(":") for network in answer.Networks]


_READERS: dict[type, Callable[[ModemInfo, object], None]] = {
    VS_SW_VER_CNF: _by_qualcomm,  # type: ignore[dict-item]  # each is given what it is filed under
    VS_GET_VERSION_CNF: _by_lumissil,  # type: ignore[dict-item]
    VS_OP_ATTR_CNF: _attributes,  # type: ignore[dict-item]
    VS_LINK_STATUS_CNF: _link,  # type: ignore[dict-item]
    VS_GET_LINK_STATUS_CNF: _link,  # type: ignore[dict-item]
    CM_NW_INFO_CNF: _networks,  # type: ignore[dict-item]
    VS_NW_INFO_CNF: _networks,  # type: ignore[dict-item]
    VS_NW_INFO_CNF_v1: _networks,  # type: ignore[dict-item]
    CM_NW_STATS_CNF: _statistics,  # type: ignore[dict-item]
    CC_DISCOVER_LIST_CNF: _discovered,  # type: ignore[dict-item]
}


# -- keys and attenuation ---------------------------------------------------------------------------------------------


def set_key(interface: str, nmk: bytes, wait: float = 1.0) -> str:
    """Give the own modem a network's key.

    Parameters
    ----------
    interface : str
        The network interface at the modem.
    nmk : bytes
        The key, 16 bytes.
    wait : float
        Seconds for its answer.

    Returns
    -------
    str
        The identifier (NID) of the network that the key makes.

    Raises
    ------
    KeyRefusedError
        The modem refuses, or says nothing.
    LinkError
        As of `survey`.
    """
    nid = nid_of(nmk)
    request = CM_SET_KEY_REQ(MyNonce=int.from_bytes(os.urandom(4), "little"), NID=nid, NewKey=nmk)
    with _Talk(interface) as talk:
        for frame in talk.ask([(LOCAL_MODEM, request)], wait):
            if isinstance(frame.message, CM_SET_KEY_CNF):
                if frame.message.Result > 1:
                    raise KeyRefusedError(f"{frame.source.hex(':')} refuses the key: Result {frame.message.Result}")
                return nid.hex(":")
    raise KeyRefusedError(f"no modem at {interface} has confirmed the key within {wait:g} s")


def attenuation(interface: str, wait: float = 1.5) -> list[Attenuation]:
    """How the stations on the line hear this host's modem, and how this modem hears vehicles meanwhile.

    Sounds are made as a vehicle makes them before matching, and no station is chosen.

    Parameters
    ----------
    interface : str
        The network interface at the modem.
    wait : float
        Seconds to listen after the last sound.

    Raises
    ------
    LinkError
        As of `survey`.
    """
    found: list[Attenuation] = []
    profiles: dict[tuple[str, str], list[bytes]] = {}
    with _Talk(interface) as talk:
        run = os.urandom(8)

        def heard(frames: Iterable[Frame]) -> Iterator[bytes]:
            """Take what comes; gives the stations that have answered."""
            for frame in frames:
                message, by = frame.message, frame.source.hex(":")
                if isinstance(message, CM_SLAC_PARM_CNF) and message.RunID == run:
                    yield frame.source
                elif isinstance(message, CM_ATTEN_CHAR_IND) and message.RunID == run:
                    talk.send(frame.source, CM_ATTEN_CHAR_RSP(SourceAddress=talk.mac, RunID=run))
                    if by not in {known.by for known in found}:
                        found.append(Attenuation(by, talk.mac.hex(":"), message.AAG, message.NumSounds))
                elif isinstance(message, CM_ATTEN_PROFILE_IND | VS_ATTENUATION_CHARACTERISTICS_IND):
                    profiles.setdefault((by, message.PEVMAC.hex(":")), []).append(message.AAG)

        asked: list[tuple[bytes, Message]] = [(BROADCAST, CM_SLAC_PARM_REQ(RunID=run))]
        answered = set(heard(talk.ask(asked, seconds("TT_match_response"))))
        if answered:
            announcement = CM_START_ATTEN_CHAR_IND(ForwardingSTA=talk.mac, RunID=run)
            batch: list[Message] = [announcement] * C_EV_START_ATTEN_CHAR_INDS
            batch += [CM_MNBC_SOUND_IND(Cnt=left, RunID=run) for left in reversed(range(C_EV_MATCH_MNBC))]
            begun, interval = time.monotonic(), seconds("TP_EV_batch_msg_interval")
            for number, message in enumerate(batch, 1):
                # By the clock, not by pauses: the stations listen for TT_EVSE_match_MNBC, and no longer.
                pause = begun + number * interval - time.monotonic()
                list(heard(talk.ask([(BROADCAST, message)], max(pause, 0.0))))
        list(heard(talk.ask((), wait)))
    for (by, source), groups in profiles.items():
        alike = [one for one in groups if len(one) == len(groups[0])]
        found.append(
            Attenuation(by, source, bytes(round(mean(values)) for values in zip(*alike, strict=True)), len(alike))
        )
    return found


# -- the conversation -------------------------------------------------------------------------------------------------


class _Talk:
    """Questions to modems, and whatever comes back within a time."""

    def __init__(self, interface: str) -> None:
        self._socket = RawSocket(interface)
        self.mac = self._socket.mac

    def __enter__(self) -> _Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, destination: bytes, message: Message, version: int = -1) -> None:
        self._socket.send(Frame(destination, self.mac, message, version).pack())

    def ask(self, questions: Iterable[tuple[bytes, Message]], wait: float) -> Iterator[Frame]:
        """Send messages, and give what arrives in the time after that."""
        for destination, message in questions:
            self.send(destination, message)
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left)[0]:
                for data, _ in self._socket.read():
                    try:
                        yield Frame.parse(data)
                    except HomeplugError:  # not even a message's number
                        continue
