"""HomePlug Green PHY's management messages: those of SLAC (ISO 15118-3, annex A), and what else lines carry.

Numbers, names and the order of the fields are those of the HomePlug AV specification; of the vendors' messages those
that modems in chargers and vehicles are seen to send. Nonces, lengths and counts are little-endian numbers; addresses,
keys and identifiers are bytes in the order of the wire.
"""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum
from typing import Annotated

from secc_kernel.wire.homeplug.declare import Count, Counted, Integer, Listed, Message, Octets, Record, message, record

U8 = Annotated[int, Integer(1)]
U16 = Annotated[int, Integer(2)]
U32 = Annotated[int, Integer(4)]
U64 = Annotated[int, Integer(8)]
Percent = Annotated[int, Integer(1, "%")]
Hertz = Annotated[int, Integer(2, "Hz")]
Millivolts = Annotated[int, Integer(2, "mV")]
Hundred_ms = Annotated[int, Integer(1, "100 ms")]
Megabits = Annotated[int, Integer(1, "Mbit/s")]
Address = Annotated[bytes, Octets(6)]
Octets8 = Annotated[bytes, Octets(8)]
Octets17 = Annotated[bytes, Octets(17)]
Octets7 = Annotated[bytes, Octets(7)]
Octets16 = Annotated[bytes, Octets(16)]
Octets3 = Annotated[bytes, Octets(3)]

BROADCAST = b"\xff" * 6
GROUPS = 58
"""Groups of carriers whose attenuation is averaged."""

QUALCOMM = b"\x00\xb0\x52"
LUMISSIL = b"\x00\x16\xe8"
IOTECHA = b"\x00\x80\xe1"
VENDORS = {QUALCOMM: "Qualcomm Atheros", LUMISSIL: "Lumissil", IOTECHA: "IoTecha", b"\x64\x4d\x70": "dSPACE"}
"""Those who have added messages of their own, by their OUI."""


class ValidationResult(IntEnum):
    """How a validation stands (CM_VALIDATE)."""

    NotReady = 0
    Ready = 1
    Success = 2
    Failure = 3
    NotRequired = 4


Validation = Annotated[int, Integer(1, members=ValidationResult)]


class NetworkRole(IntEnum):
    """What a modem is in its network."""

    Station = 0
    Proxy = 1
    CCo = 2


Role = Annotated[int, Integer(1, members=NetworkRole)]


# -- SLAC -------------------------------------------------------------------------------------------------------------


@message(0x6064, sender="EVCC")
class CM_SLAC_PARM_REQ(Message):
    """The EV asks who is on the line and how to sound."""

    ApplicationType: U8 = 0
    SecurityType: U8 = 0
    RunID: Octets8 = bytes(8)


@message(0x6065, sender="SECC")
class CM_SLAC_PARM_CNF(Message):
    """An EVSE answers: so many sounds, in so much time."""

    MSoundTarget: Address = BROADCAST
    NumSounds: U8 = 10
    TimeOut: Hundred_ms = 6
    RespType: U8 = 1
    ForwardingSTA: Address = bytes(6)
    ApplicationType: U8 = 0
    SecurityType: U8 = 0
    RunID: Octets8 = bytes(8)


@message(0x606A, sender="EVCC")
class CM_START_ATTEN_CHAR_IND(Message):
    """The EV announces its sounds."""

    ApplicationType: U8 = 0
    SecurityType: U8 = 0
    NumSounds: U8 = 10
    TimeOut: Hundred_ms = 6
    RespType: U8 = 1
    ForwardingSTA: Address = bytes(6)
    RunID: Octets8 = bytes(8)


@message(0x6076, sender="EVCC")
class CM_MNBC_SOUND_IND(Message):
    """A sound of the EV: each modem that hears it measures its attenuation."""

    ApplicationType: U8 = 0
    SecurityType: U8 = 0
    SenderID: Octets17 = bytes(17)
    Cnt: U8 = 0
    RunID: Octets8 = bytes(8)
    Reserved: Octets8 = bytes(8)
    Rnd: Octets16 = bytes(16)


@message(0x6086, sender="modem")
class CM_ATTEN_PROFILE_IND(Message):
    """A modem tells its host how loud it has heard a sound: dB a group of carriers."""

    PEVMAC: Address = bytes(6)
    NumGroups: Count = None
    Reserved: U8 = 0
    AAG: Annotated[bytes, Counted("NumGroups")] = b""


@message(0x606E, sender="SECC")
class CM_ATTEN_CHAR_IND(Message):
    """The EVSE tells the EV the average of what it has heard."""

    ApplicationType: U8 = 0
    SecurityType: U8 = 0
    SourceAddress: Address = bytes(6)
    RunID: Octets8 = bytes(8)
    SourceID: Octets17 = bytes(17)
    RespID: Octets17 = bytes(17)
    NumSounds: U8 = 10
    NumGroups: Count = None
    AAG: Annotated[bytes, Counted("NumGroups")] = b""


@message(0x606F, sender="EVCC")
class CM_ATTEN_CHAR_RSP(Message):
    """The EV has got an EVSE's average."""

    ApplicationType: U8 = 0
    SecurityType: U8 = 0
    SourceAddress: Address = bytes(6)
    RunID: Octets8 = bytes(8)
    SourceID: Octets17 = bytes(17)
    RespID: Octets17 = bytes(17)
    Result: U8 = 0


@message(0x6078, sender="EVCC")
class CM_VALIDATE_REQ(Message):
    """The EV asks whether the EVSE sees its toggling of the control pilot."""

    SignalType: U8 = 0
    Timer: Hundred_ms = 0
    Result: Validation = 1


@message(0x6079, sender="SECC")
class CM_VALIDATE_CNF(Message):
    """How many toggles of the control pilot the EVSE has seen."""

    SignalType: U8 = 0
    ToggleNum: U8 = 0
    Result: Validation = 1


@message(0x607C, sender="EVCC")
class CM_SLAC_MATCH_REQ(Message):
    """The EV has chosen this EVSE."""

    ApplicationType: U8 = 0
    SecurityType: U8 = 0
    MVFLength: U16 = 0x3E
    PEVID: Octets17 = bytes(17)
    PEVMAC: Address = bytes(6)
    EVSEID: Octets17 = bytes(17)
    EVSEMAC: Address = bytes(6)
    RunID: Octets8 = bytes(8)
    Reserved: Octets8 = bytes(8)


@message(0x607D, sender="SECC")
class CM_SLAC_MATCH_CNF(Message):
    """The EVSE gives the EV its network and the key to it."""

    ApplicationType: U8 = 0
    SecurityType: U8 = 0
    MVFLength: U16 = 0x56
    PEVID: Octets17 = bytes(17)
    PEVMAC: Address = bytes(6)
    EVSEID: Octets17 = bytes(17)
    EVSEMAC: Address = bytes(6)
    RunID: Octets8 = bytes(8)
    Reserved: Octets8 = bytes(8)
    NID: Octets7 = bytes(7)
    Reserved2: U8 = 0
    NMK: Octets16 = bytes(16)


@message(0x601C, sender="either")
class CM_AMP_MAP_REQ(Message):
    """How much the other one shall lower each carrier: four bits a carrier, in steps of 2 dB."""

    AMLen: Annotated[int | None, Integer(2)] = None
    AMData: Annotated[bytes, Counted("AMLen", per=2)] = b""


@message(0x601D, sender="either")
class CM_AMP_MAP_CNF(Message):
    """Whether the map is taken: 0 yes."""

    ResType: U8 = 0


# -- a host and its modem ---------------------------------------------------------------------------------------------


@message(0x6008, sender="host")
class CM_SET_KEY_REQ(Message):
    """Give a modem a network key (KeyType 1: NMK)."""

    KeyType: U8 = 1
    MyNonce: U32 = 0
    YourNonce: U32 = 0
    PID: U8 = 4
    PRN: U16 = 0
    PMN: U8 = 0
    CCoCapability: U8 = 0
    NID: Octets7 = bytes(7)
    NewEKS: U8 = 1
    NewKey: Octets16 = bytes(16)


@message(0x6009, sender="modem")
class CM_SET_KEY_CNF(Message):
    """Whether it has taken the key: by the specification Result 0 is success; Qualcomm's modems say 1."""

    Result: U8 = 0
    MyNonce: U32 = 0
    YourNonce: U32 = 0
    PID: U8 = 4
    PRN: U16 = 0
    PMN: U8 = 0
    CCoCapability: U8 = 0


@message(0x600C)
class CM_GET_KEY_REQ(Message):
    """Ask for a key."""

    RequestType: U8 = 0
    RequestedKeyType: U8 = 1
    NID: Octets7 = bytes(7)
    MyNonce: U32 = 0
    PID: U8 = 4
    PRN: U16 = 0
    PMN: U8 = 0


@message(0x600D)
class CM_GET_KEY_CNF(Message):
    """The key asked for."""

    Result: U8 = 0
    RequestedKeyType: U8 = 1
    MyNonce: U32 = 0
    YourNonce: U32 = 0
    NID: Octets7 = bytes(7)
    EKS: U8 = 1
    PID: U8 = 4
    PRN: U16 = 0
    PMN: U8 = 0
    Key: Octets16 = bytes(16)


@message(0x6007)
class CM_ENCRYPTED_PAYLOAD_RSP(Message):
    """What became of an encrypted payload."""

    Result: U8 = 0
    PID: U8 = 0
    PRN: U16 = 0


# -- networks ---------------------------------------------------------------------------------------------------------


@message(0x0014)
class CC_DISCOVER_LIST_REQ(Message):
    """Ask a modem for the stations and networks that it hears."""


@record
class DiscoveredStation(Record):
    """A station that a modem hears."""

    MAC: Address = bytes(6)
    TEI: U8 = 0
    SameNetwork: U8 = 0
    SNID: U8 = 0
    Capabilities: U8 = 0
    SignalLevel: U8 = 0
    AvgBLE: U8 = 0


@record
class DiscoveredNetwork(Record):
    """A network that a modem hears."""

    NID: Octets7 = bytes(7)
    SNID: U8 = 0
    HybridMode: U8 = 0
    NumBeaconSlots: U8 = 0
    CCoStatus: U8 = 0
    BeaconOffset: U16 = 0


@message(0x0015)
class CC_DISCOVER_LIST_CNF(Message):
    """The stations and networks that a modem hears."""

    NumStations: Count = None
    Stations: Annotated[list[DiscoveredStation], Listed("NumStations", DiscoveredStation)] = field(default_factory=list)
    NumNetworks: Count = None
    Networks: Annotated[list[DiscoveredNetwork], Listed("NumNetworks", DiscoveredNetwork)] = field(default_factory=list)


@message(0x6020)
class CM_BRG_INFO_REQ(Message):
    """Ask a modem for whom it is a bridge."""


@message(0x6021)
class CM_BRG_INFO_CNF(Message):
    """The addresses behind a modem."""

    Bridging: U8 = 0
    TEI: U8 = 0
    NumAddresses: Count = None
    Addresses: Annotated[list[bytes], Listed("NumAddresses", Octets(6))] = field(default_factory=list)


@message(0x6038)
class CM_NW_INFO_REQ(Message):
    """Ask a modem for its networks."""


@record
class Network(Record):
    """A network that a modem belongs to; CCo is its central coordinator."""

    NID: Octets7 = bytes(7)
    SNID: U8 = 0
    TEI: U8 = 0
    Role: Role = 0
    CCoMAC: Address = bytes(6)
    Access: U8 = 0
    NumCoordinated: U8 = 0


@message(0x6039)
class CM_NW_INFO_CNF(Message):
    """A modem's networks."""

    NumNetworks: Count = None
    Networks: Annotated[list[Network], Listed("NumNetworks", Network)] = field(default_factory=list)


@message(0x6048)
class CM_NW_STATS_REQ(Message):
    """Ask a modem for the members of its network."""


@record
class MemberStatistics(Record):
    """A member of the network, and how fast the line to it is."""

    DA: Address = bytes(6)
    AvgPHYDataRateTX: Megabits = 0
    AvgPHYDataRateRX: Megabits = 0


@message(0x6049)
class CM_NW_STATS_CNF(Message):
    """The members of a modem's network."""

    NumStations: Count = None
    Stations: Annotated[list[MemberStatistics], Listed("NumStations", MemberStatistics)] = field(default_factory=list)
