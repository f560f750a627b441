"""The messages that makers of modems have added, as far as their fields are known; each begins with the maker's OUI."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from secc_kernel.wire.homeplug.declare import Count, Counted, Integer, Listed, Message, Octets, Record, message, record
from secc_kernel.wire.homeplug.messages import (
    IOTECHA,
    LUMISSIL,
    QUALCOMM,
    U8,
    U16,
    U32,
    U64,
    Address,
    Hertz,
    Megabits,
    Millivolts,
    Octets3,
    Octets7,
    Octets8,
    Percent,
    Role,
)

Text16 = Annotated[bytes, Octets(16, text=True)]
Octets12 = Annotated[bytes, Octets(12)]


@message(0xA000)
class VS_SW_VER_REQ(Message):
    """Ask a modem for its firmware."""

    OUI: Octets3 = QUALCOMM


@message(0xA001)
class VS_SW_VER_CNF(Message):
    """A modem's firmware."""

    OUI: Octets3 = QUALCOMM
    Status: U8 = 0
    DeviceID: U8 = 0
    VersionLength: U8 = 0
    Version: Annotated[bytes, Octets(64, text=True)] = bytes(64)


@message(0xA01C)
class VS_RS_DEV_REQ(Message):
    """Start a modem anew."""

    OUI: Octets3 = QUALCOMM


@message(0xA01D)
class VS_RS_DEV_CNF(Message):
    """A modem starts anew."""

    OUI: Octets3 = QUALCOMM
    Status: U8 = 0


@message(0xA030)
class VS_LNK_STATS_REQ(Message):
    """Ask for the counters of a link."""

    OUI: Octets3 = QUALCOMM
    MControl: U8 = 0
    Direction: U8 = 0
    LinkID: U8 = 0
    MAC: Address = bytes(6)


@record
class ReceiveInterval(Record):
    """The counters of one tone map interval."""

    PHYRate: U8 = 0
    PBsPassed: U64 = 0
    PBsFailed: U64 = 0
    TurboBlocksPassed: U64 = 0
    TurboBlocksFailed: U64 = 0


@message(0xA031)
class VS_LNK_STATS_CNF(Message):
    """The counters of a link, sent and received (Direction 2)."""

    OUI: Octets3 = QUALCOMM
    Status: U8 = 0
    Direction: U8 = 2
    LinkID: U8 = 0
    TEI: U8 = 0
    TXMPDUsAcknowledged: U64 = 0
    TXMPDUsCollided: U64 = 0
    TXMPDUsFailed: U64 = 0
    TXPBsPassed: U64 = 0
    TXPBsFailed: U64 = 0
    RXMPDUsAcknowledged: U64 = 0
    RXMPDUsFailed: U64 = 0
    RXPBsPassed: U64 = 0
    RXPBsFailed: U64 = 0
    RXTurboBlocksPassed: U64 = 0
    RXTurboBlocksFailed: U64 = 0
    NumIntervals: Count = None
    Intervals: Annotated[list[ReceiveInterval], Listed("NumIntervals", ReceiveInterval)] = field(default_factory=list)


@message(0xA038)
class VS_NW_INFO_REQ(Message):
    """Ask for the network of a modem."""

    OUI: Octets3 = QUALCOMM


@record
class QualcommStation(Record):
    """A member of the network; BDA is the first address behind it."""

    DA: Address = bytes(6)
    TEI: U8 = 0
    BDA: Address = bytes(6)
    AvgPHYDataRateTX: Megabits = 0
    AvgPHYDataRateRX: Megabits = 0


@record
class QualcommNetwork(Record):
    """A network; CCo is its central coordinator."""

    NID: Octets7 = bytes(7)
    SNID: U8 = 0
    TEI: U8 = 0
    Role: Role = 0
    CCoMAC: Address = bytes(6)
    CCoTEI: U8 = 0
    NumStations: Count = None
    Stations: Annotated[list[QualcommStation], Listed("NumStations", QualcommStation)] = field(default_factory=list)


@message(0xA039, versions=(0,))
class VS_NW_INFO_CNF(Message):
    """A modem's networks."""

    OUI: Octets3 = QUALCOMM
    NumNetworks: Count = None
    Networks: Annotated[list[QualcommNetwork], Listed("NumNetworks", QualcommNetwork)] = field(default_factory=list)


@record
class QualcommStation_v1(Record):
    """As `QualcommStation`, by later firmware."""

    DA: Address = bytes(6)
    TEI: U8 = 0
    Reserved: Octets3 = bytes(3)
    BDA: Address = bytes(6)
    AvgPHYDataRateTX: U16 = 0
    CouplingTX: U8 = 0
    Reserved2: U8 = 0
    AvgPHYDataRateRX: U16 = 0
    CouplingRX: U8 = 0
    Reserved3: U8 = 0


@record
class QualcommNetwork_v1(Record):
    """As `QualcommNetwork`, by later firmware."""

    NID: Octets7 = bytes(7)
    Reserved: Annotated[bytes, Octets(2)] = bytes(2)
    SNID: U8 = 0
    TEI: U8 = 0
    Reserved2: Annotated[bytes, Octets(4)] = bytes(4)
    Role: Role = 0
    CCoMAC: Address = bytes(6)
    CCoTEI: U8 = 0
    Reserved3: Octets3 = bytes(3)
    NumStations: Count = None
    Reserved4: Annotated[bytes, Octets(5)] = bytes(5)
    Stations: Annotated[list[QualcommStation_v1], Listed("NumStations", QualcommStation_v1)] = field(
        default_factory=list
    )


@message(0xA039, versions=(1,))
class VS_NW_INFO_CNF_v1(Message):
    """As `VS_NW_INFO_CNF`, by later firmware."""

    OUI: Octets3 = QUALCOMM
    SubVersion: U8 = 0
    Reserved: U8 = 0
    Length: U16 = 2
    Reserved2: U8 = 0
    NumNetworks: Count = None
    Networks: Annotated[list[QualcommNetwork_v1], Listed("NumNetworks", QualcommNetwork_v1)] = field(
        default_factory=list
    )


@message(0xA048)
class VS_FR_LBK_REQ(Message):
    """Have a modem send a frame back for some seconds."""

    OUI: Octets3 = QUALCOMM
    Duration: U8 = 0
    Reserved: U8 = 0
    Length: Annotated[int | None, Integer(2)] = None
    Data: Annotated[bytes, Counted("Length")] = b""


@message(0xA049)
class VS_FR_LBK_CNF(Message):
    """Whether it does."""

    OUI: Octets3 = QUALCOMM
    Status: U8 = 0
    Duration: U8 = 0
    Length: U16 = 0


@message(0xA068)
class VS_OP_ATTR_REQ(Message):
    """Ask what a modem is."""

    OUI: Octets3 = QUALCOMM
    Cookie: U32 = 0
    ReportType: U8 = 0


@message(0xA069)
class VS_OP_ATTR_CNF(Message):
    """What a modem is; after the release come attributes of its hardware, as many as `Size` leaves."""

    OUI: Octets3 = QUALCOMM
    Status: U16 = 0
    Cookie: U32 = 0
    ReportType: U8 = 0
    Size: U16 = 0
    Hardware: Text16 = bytes(16)
    Software: Text16 = bytes(16)
    Major: U32 = 0
    Minor: U32 = 0
    Reserved: U32 = 0
    Sub: U32 = 0
    Build: U32 = 0
    Date: Annotated[bytes, Octets(8, text=True)] = bytes(8)
    Release: Annotated[bytes, Octets(12, text=True)] = bytes(12)


@message(0xA06C)
class VS_ENET_SETTINGS_REQ(Message):
    """Ask for the settings of a modem's Ethernet side."""

    OUI: Octets3 = QUALCOMM
    MControl: U8 = 0
    AdvertisedCapabilities: U8 = 0


@message(0xA06D)
class VS_ENET_SETTINGS_CNF(Message):
    """The settings of a modem's Ethernet side."""

    OUI: Octets3 = QUALCOMM
    Status: U8 = 0
    Speed: U8 = 0
    Duplex: U8 = 0


@message(0xA070, versions=(1,))
class VS_TONE_MAP_TX_REQ(Message):
    """Ask with how many bits a carrier a modem sends to another."""

    OUI: Octets3 = QUALCOMM
    SubVersion: U8 = 0
    Reserved: Octets3 = bytes(3)
    MAC: Address = bytes(6)
    Slot: U8 = 0
    Coupling: U8 = 0


@message(0xA071, versions=(1,))
class VS_TONE_MAP_TX_CNF(Message):
    """With how many bits a carrier a modem sends to another; the carriers follow, four bits each."""

    OUI: Octets3 = QUALCOMM
    Status: U8 = 0
    Reserved: U8 = 0
    Length: U16 = 0
    SubVersion: U8 = 0
    Reserved2: U8 = 0
    MAC: Address = bytes(6)
    Slot: U8 = 0
    Coupling: U8 = 0
    NumToneMaps: U16 = 0
    NumActiveCarriers: U16 = 0


@message(0xA090, versions=(1,))
class VS_TONE_MAP_RX_REQ(Message):
    """Ask with how many bits a carrier a modem receives from another."""

    OUI: Octets3 = QUALCOMM
    SubVersion: U8 = 0
    Reserved: Octets3 = bytes(3)
    MAC: Address = bytes(6)
    Slot: U8 = 0
    Coupling: U8 = 0


@message(0xA091, versions=(1,))
class VS_TONE_MAP_RX_CNF(Message):
    """With how many bits a carrier a modem receives from another; the carriers follow, four bits each."""

    OUI: Octets3 = QUALCOMM
    Status: U8 = 0
    Reserved: U8 = 0
    Length: U16 = 0
    SubVersion: U8 = 0
    Reserved2: U8 = 0
    MAC: Address = bytes(6)
    Slot: U8 = 0
    Coupling: U8 = 0
    NumToneMaps: U16 = 0
    NumActiveCarriers: U16 = 0


@message(0xA0B8)
class VS_LINK_STATUS_REQ(Message):
    """Ask whether a modem has a link."""

    OUI: Octets3 = QUALCOMM


@message(0xA0B9)
class VS_LINK_STATUS_CNF(Message):
    """Whether a modem has a link: LinkStatus 1."""

    OUI: Octets3 = QUALCOMM
    Status: U8 = 0
    LinkStatus: U8 = 0


@message(0xA14E)
class VS_ATTENUATION_CHARACTERISTICS_IND(Message):
    """What older modems (AR7420) send in place of CM_ATTEN_PROFILE.IND."""

    OUI: Octets3 = bytes(3)
    PEVMAC: Address = bytes(6)
    NumGroups: Count = None
    Reserved: U8 = 0
    Reserved2: Octets8 = bytes(8)
    AAG: Annotated[bytes, Counted("NumGroups")] = b""


@message(0xA22E, versions=(1,))
class VS_CONTROL_PILOT_IND(Message):
    """What a modem with a control pilot of its own sees there."""

    OUI: Octets3 = IOTECHA
    SubVersion: U8 = 0
    Reserved: Octets3 = bytes(3)
    MessageVersion: U8 = 0
    State: U8 = 0
    PWMDuty: Percent = 0
    PWMFrequency: Hertz = 0
    CPVoltage: Millivolts = 0


# -- Lumissil: after the OUI comes a header, which is zeros but for a number that the answer repeats -------------------


@message(0xAC6C, versions=(1, 0))
class VS_GET_VERSION_REQ(Message):
    """Ask a Lumissil modem for its firmware."""

    OUI: Octets3 = LUMISSIL
    Version: U16 = 0
    Reserved: U32 = 0
    RequestID: U8 = 0
    Reserved2: Octets12 = bytes(12)


@message(0xAC6D, versions=(1, 0))
class VS_GET_VERSION_CNF(Message):
    """A Lumissil modem's firmware."""

    OUI: Octets3 = LUMISSIL
    Version: U16 = 0
    Reserved: U32 = 0
    RequestID: U8 = 0
    Reserved2: Octets12 = bytes(12)
    Major: U16 = 0
    Minor: U16 = 0
    Patch: U16 = 0
    Build: U16 = 0


@message(0xAC70, versions=(1, 0))
class VS_RESET_REQ(Message):
    """Start a Lumissil modem anew; it does not confirm."""

    OUI: Octets3 = LUMISSIL
    Version: U16 = 0
    Reserved: U32 = 0
    RequestID: U8 = 0
    Reserved2: Octets12 = bytes(12)
    Mode: U8 = 0


@message(0xAC9C, versions=(1, 0))
class VS_GET_LINK_STATUS_REQ(Message):
    """Ask whether a Lumissil modem has a link."""

    OUI: Octets3 = LUMISSIL
    Version: U16 = 0
    Reserved: U32 = 0
    RequestID: U8 = 0
    Reserved2: Octets12 = bytes(12)


@message(0xAC9D, versions=(1, 0))
class VS_GET_LINK_STATUS_CNF(Message):
    """Whether a Lumissil modem has a link: LinkStatus 1."""

    OUI: Octets3 = LUMISSIL
    Version: U16 = 0
    Reserved: U32 = 0
    RequestID: U8 = 0
    Reserved2: Octets12 = bytes(12)
    LinkStatus: U8 = 0
