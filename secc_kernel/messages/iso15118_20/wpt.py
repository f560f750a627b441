"""ISO 15118-20:2022, V2G_CI_WPT.xsd: wireless power transfer."""

from __future__ import annotations

from typing import Annotated

from ...exi.datatypes import Enumeration, base64Binary, boolean, restrict, short, string, unsignedByte, unsignedShort
from ...exi.declare import ComplexType, Namespace, choice, element, occurs, sequence
from .common_types import (
    ChargeLoopReqType,
    ChargeLoopResType,
    ChargeParameterDiscoveryReqType,
    ChargeParameterDiscoveryResType,
    RationalNumberType,
    V2GRequestType,
    V2GResponseType,
    identifierType,
    numericIDType,
    processingType,
)

NAMESPACE = Namespace("urn:iso:std:iso:15118:-20:WPT")


class WPT_FinePositioningMethodType(Enumeration):
    Manual = "Manual"
    LF_TxEV = "LF_TxEV"
    LF_TxPrimaryDevice = "LF_TxPrimaryDevice"
    LPE = "LPE"
    Proprietary = "Proprietary"


class WPT_PairingMethodType(Enumeration):
    External_confirmation = "External confirmation"
    LPE = "LPE"
    LF_TxEV = "LF_TxEV"
    LF_TxPrimaryDevice = "LF_TxPrimaryDevice"
    Optical = "Optical"
    Proprietary = "Proprietary"


class WPT_AlignmentCheckMethodType(Enumeration):
    PowerCheck = "PowerCheck"
    LPE = "LPE"
    Proprietary = "Proprietary"


class WPT_EVPCChargeDiagnosticsType(Enumeration):
    EVPCNoIssue = "EVPCNoIssue"
    EVPCTempOverheatDetected = "EVPCTempOverheatDetected"
    EVPCPowerTransferAnomalyDetected = "EVPCPowerTransferAnomalyDetected"
    EVPCAnomalyDetected = "EVPCAnomalyDetected"


class WPT_SPCChargeDiagnosticsType(Enumeration):
    SPCNoIssue = "SPCNoIssue"
    SPCFODDetected = "SPCFODDetected"
    SPCLOPDetected = "SPCLOPDetected"
    SPCTempOverheatDetected = "SPCTempOverheatDetected"
    SPCPowerTransferAnomalyDetected = "SPCPowerTransferAnomalyDetected"
    SPCAnomalyDetected = "SPCAnomalyDetected"


class WPT_PowerClassType(Enumeration):
    MF_WPT1 = "MF-WPT1"
    MF_WPT2 = "MF-WPT2"
    MF_WPT3 = "MF-WPT3"
    MF_WPT4 = "MF-WPT4"


class WPT_EVResultType(Enumeration):
    EVResultUnknown = "EVResultUnknown"
    EVResultSuccess = "EVResultSuccess"
    EVResultFailed = "EVResultFailed"


bssidType = Annotated[str, restrict(string, max_length=12)]
ipaddressType = Annotated[str, restrict(string, max_length=39)]
WPT_DataContainerType = Annotated[bytes, restrict(base64Binary, max_length=256)]


class WPT_FinePositioningSetupReqType(V2GRequestType):
    EVProcessing: processingType
    EVDeviceFinePositioningMethodList: WPT_FinePositioningMethodListType
    EVDevicePairingMethodList: WPT_PairingMethodListType
    EVDeviceAlignmentCheckMethodList: WPT_AlignmentCheckMethodListType
    NaturalOffset: unsignedShort
    VendorSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]
    LF_SystemSetupData: WPT_LF_SystemSetupDataType | None = None


WPT_FinePositioningSetupReq = element(WPT_FinePositioningSetupReqType)


class WPT_FinePositioningSetupResType(V2GResponseType):
    PrimaryDeviceFinePositioningMethodList: WPT_FinePositioningMethodListType
    PrimaryDevicePairingMethodList: WPT_PairingMethodListType
    PrimaryDeviceAlignmentCheckMethodList: WPT_AlignmentCheckMethodListType
    NaturalOffset: unsignedShort
    VendorSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]
    LF_SystemSetupData: WPT_LF_SystemSetupDataType | None = None


WPT_FinePositioningSetupRes = element(WPT_FinePositioningSetupResType)


class WPT_FinePositioningReqType(V2GRequestType):
    EVProcessing: processingType
    EVResultCode: WPT_EVResultType
    VendorSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]
    WPT_LF_DataPackageList: WPT_LF_DataPackageListType | None = None


WPT_FinePositioningReq = element(WPT_FinePositioningReqType)


class WPT_FinePositioningResType(V2GResponseType):
    EVSEProcessing: processingType
    VendorSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]
    WPT_LF_DataPackageList: WPT_LF_DataPackageListType | None = None


WPT_FinePositioningRes = element(WPT_FinePositioningResType)


class WPT_PairingReqType(V2GRequestType):
    EVProcessing: processingType
    ObservedIDCode: numericIDType | None = None
    EVResultCode: WPT_EVResultType
    VendorSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]


WPT_PairingReq = element(WPT_PairingReqType)


class WPT_PairingResType(V2GResponseType):
    EVSEProcessing: processingType
    ObservedIDCode: numericIDType | None = None
    AlternativeSECCList: AlternativeSECCListType | None = None
    VendorSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]


WPT_PairingRes = element(WPT_PairingResType)


class WPT_ChargeParameterDiscoveryReqType(ChargeParameterDiscoveryReqType):
    EVPCMaxReceivablePower: RationalNumberType
    SDMaxGroundClearence: unsignedShort
    SDMinGroundClearence: unsignedShort
    EVPCNaturalFrequency: RationalNumberType
    EVPCDeviceLocalControl: boolean
    VendorSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]


WPT_ChargeParameterDiscoveryReq = element(WPT_ChargeParameterDiscoveryReqType)


class WPT_ChargeParameterDiscoveryResType(ChargeParameterDiscoveryResType):
    PDInputPowerClass: WPT_PowerClassType
    SDMinOutputPower: RationalNumberType
    SDMaxOutputPower: RationalNumberType
    SDMaxGroundClearanceSupport: unsignedShort
    SDMinGroundClearanceSupport: unsignedShort
    PDMinCoilCurrent: RationalNumberType
    PDMaxCoilCurrent: RationalNumberType
    SDManufacturerSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]


WPT_ChargeParameterDiscoveryRes = element(WPT_ChargeParameterDiscoveryResType)


class WPT_AlignmentCheckReqType(V2GRequestType):
    EVProcessing: processingType
    TargetCoilCurrent: RationalNumberType | None = None
    EVResultCode: WPT_EVResultType
    VendorSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]


WPT_AlignmentCheckReq = element(WPT_AlignmentCheckReqType)


class WPT_AlignmentCheckResType(V2GResponseType):
    EVSEProcessing: processingType
    PowerTransmitted: RationalNumberType | None = None
    SupplyDeviceCurrent: RationalNumberType | None = None
    VendorSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]


WPT_AlignmentCheckRes = element(WPT_AlignmentCheckResType)


class WPT_ChargeLoopReqType(ChargeLoopReqType):
    EVPCPowerRequest: RationalNumberType
    EVPCPowerOutput: RationalNumberType
    EVPCChargeDiagnostics: WPT_EVPCChargeDiagnosticsType
    EVPCOperatingFrequency: RationalNumberType | None = None
    EVPCPowerControlParameter: WPT_EVPCPowerControlParameterType | None = None
    ManufacturerSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]


WPT_ChargeLoopReq = element(WPT_ChargeLoopReqType)


class WPT_ChargeLoopResType(ChargeLoopResType):
    EVPCPowerRequest: RationalNumberType
    SDPowerInput: RationalNumberType | None = None
    SPCMaxOutputPowerLimit: RationalNumberType
    SPCMinOutputPowerLimit: RationalNumberType
    SPCChargeDiagnostics: WPT_SPCChargeDiagnosticsType
    SPCOperatingFrequency: RationalNumberType | None = None
    SPCPowerControlParameter: WPT_SPCPowerControlParameterType | None = None
    ManufacturerSpecificDataContainer: Annotated[list[WPT_DataContainerType], occurs(0, 16)]


WPT_ChargeLoopRes = element(WPT_ChargeLoopResType)


class WPT_FinePositioningMethodListType(ComplexType):
    WPT_FinePositioningMethod: Annotated[list[WPT_FinePositioningMethodType], occurs(1, 8)]


class WPT_PairingMethodListType(ComplexType):
    WPT_PairingMethod: Annotated[list[WPT_PairingMethodType], occurs(1, 8)]


class WPT_AlignmentCheckMethodListType(ComplexType):
    WPT_AlignmentCheckMethod: Annotated[list[WPT_AlignmentCheckMethodType], occurs(1, 8)]


class WPT_EVPCPowerControlParameterType(ComplexType):
    EVPCCoilCurrentRequest: RationalNumberType
    EVPCCoilCurrentInformation: RationalNumberType
    EVPCCurrentOutputInformation: RationalNumberType
    EVPCVoltageOutputInformation: RationalNumberType


class WPT_SPCPowerControlParameterType(ComplexType):
    SPCPrimaryDeviceCoilCurrentInformation: RationalNumberType


class WPT_LF_SystemSetupDataType(ComplexType):
    LF_TransmitterSetupData: WPT_LF_TransmitterDataType | None = None
    LF_ReceiverSetupData: WPT_LF_ReceiverDataType | None = None
    _content_ = sequence(choice("LF_TransmitterSetupData", "LF_ReceiverSetupData"))


class WPT_LF_TransmitterDataType(ComplexType):
    NumberOfTransmitters: unsignedByte
    SignalFrequency: RationalNumberType
    TxSpecData: Annotated[list[WPT_TxRxSpecDataType], occurs(2, 255)]
    TxPackageSpecData: WPT_TxRxPackageSpecDataType | None = None


class WPT_LF_ReceiverDataType(ComplexType):
    NumberOfReceivers: unsignedByte
    RxSpecData: Annotated[list[WPT_TxRxSpecDataType], occurs(2, 255)]


class WPT_TxRxSpecDataType(ComplexType):
    TxRxIdentifier: numericIDType
    TxRxPosition: WPT_CoordinateXYZType
    TxRxOrientation: WPT_CoordinateXYZType


class WPT_CoordinateXYZType(ComplexType):
    Coord_X: short
    Coord_Y: short
    Coord_Z: short


class WPT_TxRxPackageSpecDataType(ComplexType):
    PulseSequenceOrder: Annotated[list[WPT_TxRxPulseOrderType], occurs(2, 255)]
    PulseSeparationTime: unsignedShort
    PulseDuration: unsignedShort
    PackageSeparationTime: unsignedShort


class WPT_TxRxPulseOrderType(ComplexType):
    IndexNumber: unsignedShort
    TxRxIdentifier: numericIDType


class WPT_LF_TxDataListType(ComplexType):
    WPT_LF_TxDataList: WPT_LF_TxDataType


class WPT_LF_TxDataType(ComplexType):
    TxIdentifier: numericIDType
    EIRP: RationalNumberType


class WPT_LF_RxDataListType(ComplexType):
    WPT_LF_RxDataList: WPT_LF_RxDataType


class WPT_LF_RxDataType(ComplexType):
    RxIdentifier: numericIDType
    RSSIData: WPT_LF_RxRSSIListType


class WPT_LF_RxRSSIListType(ComplexType):
    RSSIDataList: WPT_LF_RxRSSIType


class WPT_LF_RxRSSIType(ComplexType):
    TxIdentifier: numericIDType
    RSSI: RationalNumberType


class WPT_LF_DataPackageListType(ComplexType):
    NumPackages: unsignedByte
    WPT_LF_DataPackage: WPT_LF_DataPackageType


class WPT_LF_DataPackageType(ComplexType):
    PackageIndex: unsignedByte
    LF_TxData: WPT_LF_TxDataListType | None = None
    LF_RxData: WPT_LF_RxDataListType | None = None
    _content_ = sequence("PackageIndex", choice("LF_TxData", "LF_RxData"))


class AlternativeSECCListType(ComplexType):
    AlternativeSECC: Annotated[list[AlternativeSECCType], occurs(1, 8)]


class AlternativeSECCType(ComplexType):
    SSID: identifierType | None = None
    BSSID: bssidType | None = None
    IPAddress: ipaddressType | None = None
    Port: unsignedShort | None = None
