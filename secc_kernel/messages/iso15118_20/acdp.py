"""ISO 15118-20:2022, V2G_CI_ACDP.xsd: automatic connection device, pantograph."""

from __future__ import annotations

from ...exi.datatypes import Enumeration, boolean, short
from ...exi.declare import ComplexType, Namespace, element
from .common_types import RationalNumberType, V2GRequestType, V2GResponseType, percentValueType, processingType

NAMESPACE = Namespace("urn:iso:std:iso:15118:-20:ACDP")


class cpStatusType(Enumeration):
    StateA = "StateA"
    StateB = "StateB"
    StateC = "StateC"
    StateD = "StateD"
    StateE = "StateE"


class errorCodeType(Enumeration):
    OK_NoEVError = "OK_NoEVError"
    FAILED = "FAILED"
    FAILED_EmergencyEvent = "FAILED_EmergencyEvent"
    FAILED_Breaker = "FAILED_Breaker"
    FAILED_RESSTemperatureInhibit = "FAILED_RESSTemperatureInhibit"
    FAILED_RESS = "FAILED_RESS"
    FAILED_ChargingCurrentDifferential = "FAILED_ChargingCurrentDifferential"
    FAILED_ChargingVoltageOutOfRange = "FAILED_ChargingVoltageOutOfRange"
    FAILED_Reserved1 = "FAILED_Reserved1"
    FAILED_Reserved2 = "FAILED_Reserved2"


class isolationStatusType(Enumeration):
    Invalid = "Invalid"
    Safe = "Safe"
    Warning = "Warning"
    Fault = "Fault"


class electricalChargingDeviceStatusType(Enumeration):
    State_A = "State_A"
    State_B = "State_B"
    State_C = "State_C"
    State_D = "State_D"


class mechanicalChargingDeviceStatusType(Enumeration):
    Home = "Home"
    Moving = "Moving"
    EndPosition = "EndPosition"


class ACDP_VehiclePositioningReqType(V2GRequestType):
    EVMobilityStatus: boolean
    EVPositioningSupport: boolean


ACDP_VehiclePositioningReq = element(ACDP_VehiclePositioningReqType)


class ACDP_VehiclePositioningResType(V2GResponseType):
    EVSEProcessing: processingType
    EVSEPositioningSupport: boolean
    EVRelativeXDeviation: short
    EVRelativeYDeviation: short
    ContactWindowXc: short
    ContactWindowYc: short
    EVInChargePosition: boolean


ACDP_VehiclePositioningRes = element(ACDP_VehiclePositioningResType)


class ACDP_ConnectReqType(V2GRequestType):
    EVElectricalChargingDeviceStatus: electricalChargingDeviceStatusType


ACDP_ConnectReq = element(ACDP_ConnectReqType)


class ACDP_ConnectResType(V2GResponseType):
    EVSEProcessing: processingType
    EVSEElectricalChargingDeviceStatus: electricalChargingDeviceStatusType
    EVSEMechanicalChargingDeviceStatus: mechanicalChargingDeviceStatusType


ACDP_ConnectRes = element(ACDP_ConnectResType)
ACDP_DisconnectReq = element(ACDP_ConnectReqType)
ACDP_DisconnectRes = element(ACDP_ConnectResType)


class ACDP_SystemStatusReqType(V2GRequestType):
    EVTechnicalStatus: EVTechnicalStatusType


ACDP_SystemStatusReq = element(ACDP_SystemStatusReqType)


class ACDP_SystemStatusResType(V2GResponseType):
    EVSEMechanicalChargingDeviceStatus: mechanicalChargingDeviceStatusType
    EVSEReadyToCharge: boolean
    EVSEIsolationStatus: isolationStatusType
    EVSEDisabled: boolean
    EVSEUtilityInterruptEvent: boolean
    EVSEEmergencyShutdown: boolean
    EVSEMalfunction: boolean
    EVInChargePosition: boolean
    EVAssociationStatus: boolean


ACDP_SystemStatusRes = element(ACDP_SystemStatusResType)


class EVTechnicalStatusType(ComplexType):
    EVReadyToCharge: boolean
    EVImmobilizationRequest: boolean
    EVImmobilized: boolean | None = None
    EVWLANStrength: RationalNumberType | None = None
    EVCPStatus: cpStatusType | None = None
    EVSOC: percentValueType | None = None
    EVErrorCode: errorCodeType | None = None
    EVTimeout: boolean | None = None
