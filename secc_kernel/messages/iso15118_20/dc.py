"""ISO 15118-20:2022, V2G_CI_DC.xsd: DC energy transfer."""

from __future__ import annotations

from typing import Annotated

from ...exi.datatypes import boolean
from ...exi.declare import ComplexType, Namespace, element, ref
from .common_types import (
    ChargeLoopReqType,
    ChargeLoopResType,
    ChargeParameterDiscoveryReqType,
    ChargeParameterDiscoveryResType,
    CLReqControlMode,
    CLReqControlModeType,
    CLResControlMode,
    CLResControlModeType,
    Dynamic_CLReqControlModeType,
    Dynamic_CLResControlModeType,
    RationalNumberType,
    Scheduled_CLReqControlModeType,
    Scheduled_CLResControlModeType,
    V2GRequestType,
    V2GResponseType,
    percentValueType,
    processingType,
)

NAMESPACE = Namespace("urn:iso:std:iso:15118:-20:DC")


class DC_ChargeParameterDiscoveryReqType(ChargeParameterDiscoveryReqType):
    DC_CPDReqEnergyTransferMode: Annotated[DC_CPDReqEnergyTransferModeType, ref(DC_CPDReqEnergyTransferMode)]


DC_ChargeParameterDiscoveryReq = element(DC_ChargeParameterDiscoveryReqType)


class DC_ChargeParameterDiscoveryResType(ChargeParameterDiscoveryResType):
    DC_CPDResEnergyTransferMode: Annotated[DC_CPDResEnergyTransferModeType, ref(DC_CPDResEnergyTransferMode)]


DC_ChargeParameterDiscoveryRes = element(DC_ChargeParameterDiscoveryResType)


class DC_CableCheckReqType(V2GRequestType):
    pass


DC_CableCheckReq = element(DC_CableCheckReqType)


class DC_CableCheckResType(V2GResponseType):
    EVSEProcessing: processingType


DC_CableCheckRes = element(DC_CableCheckResType)


class DC_PreChargeReqType(V2GRequestType):
    EVProcessing: processingType
    EVPresentVoltage: RationalNumberType
    EVTargetVoltage: RationalNumberType


DC_PreChargeReq = element(DC_PreChargeReqType)


class DC_PreChargeResType(V2GResponseType):
    EVSEPresentVoltage: RationalNumberType


DC_PreChargeRes = element(DC_PreChargeResType)


class DC_ChargeLoopReqType(ChargeLoopReqType):
    EVPresentVoltage: RationalNumberType
    CLReqControlMode: Annotated[CLReqControlModeType, ref(CLReqControlMode)]


DC_ChargeLoopReq = element(DC_ChargeLoopReqType)


class DC_ChargeLoopResType(ChargeLoopResType):
    EVSEPresentCurrent: RationalNumberType
    EVSEPresentVoltage: RationalNumberType
    EVSEPowerLimitAchieved: boolean
    EVSECurrentLimitAchieved: boolean
    EVSEVoltageLimitAchieved: boolean
    CLResControlMode: Annotated[CLResControlModeType, ref(CLResControlMode)]


DC_ChargeLoopRes = element(DC_ChargeLoopResType)


class DC_WeldingDetectionReqType(V2GRequestType):
    EVProcessing: processingType


DC_WeldingDetectionReq = element(DC_WeldingDetectionReqType)


class DC_WeldingDetectionResType(V2GResponseType):
    EVSEPresentVoltage: RationalNumberType


DC_WeldingDetectionRes = element(DC_WeldingDetectionResType)


class DC_CPDReqEnergyTransferModeType(ComplexType):
    EVMaximumChargePower: RationalNumberType
    EVMinimumChargePower: RationalNumberType
    EVMaximumChargeCurrent: RationalNumberType
    EVMinimumChargeCurrent: RationalNumberType
    EVMaximumVoltage: RationalNumberType
    EVMinimumVoltage: RationalNumberType
    TargetSOC: percentValueType | None = None


DC_CPDReqEnergyTransferMode = element(DC_CPDReqEnergyTransferModeType)


class DC_CPDResEnergyTransferModeType(ComplexType):
    EVSEMaximumChargePower: RationalNumberType
    EVSEMinimumChargePower: RationalNumberType
    EVSEMaximumChargeCurrent: RationalNumberType
    EVSEMinimumChargeCurrent: RationalNumberType
    EVSEMaximumVoltage: RationalNumberType
    EVSEMinimumVoltage: RationalNumberType
    EVSEPowerRampLimitation: RationalNumberType | None = None


DC_CPDResEnergyTransferMode = element(DC_CPDResEnergyTransferModeType)


class BPT_DC_CPDReqEnergyTransferModeType(DC_CPDReqEnergyTransferModeType):
    EVMaximumDischargePower: RationalNumberType
    EVMinimumDischargePower: RationalNumberType
    EVMaximumDischargeCurrent: RationalNumberType
    EVMinimumDischargeCurrent: RationalNumberType


BPT_DC_CPDReqEnergyTransferMode = element(BPT_DC_CPDReqEnergyTransferModeType, substitutes=DC_CPDReqEnergyTransferMode)


class BPT_DC_CPDResEnergyTransferModeType(DC_CPDResEnergyTransferModeType):
    EVSEMaximumDischargePower: RationalNumberType
    EVSEMinimumDischargePower: RationalNumberType
    EVSEMaximumDischargeCurrent: RationalNumberType
    EVSEMinimumDischargeCurrent: RationalNumberType


BPT_DC_CPDResEnergyTransferMode = element(BPT_DC_CPDResEnergyTransferModeType, substitutes=DC_CPDResEnergyTransferMode)


class Scheduled_DC_CLReqControlModeType(Scheduled_CLReqControlModeType):
    EVTargetCurrent: RationalNumberType
    EVTargetVoltage: RationalNumberType
    EVMaximumChargePower: RationalNumberType | None = None
    EVMinimumChargePower: RationalNumberType | None = None
    EVMaximumChargeCurrent: RationalNumberType | None = None
    EVMaximumVoltage: RationalNumberType | None = None
    EVMinimumVoltage: RationalNumberType | None = None


Scheduled_DC_CLReqControlMode = element(Scheduled_DC_CLReqControlModeType, substitutes=CLReqControlMode)


class Scheduled_DC_CLResControlModeType(Scheduled_CLResControlModeType):
    EVSEMaximumChargePower: RationalNumberType | None = None
    EVSEMinimumChargePower: RationalNumberType | None = None
    EVSEMaximumChargeCurrent: RationalNumberType | None = None
    EVSEMaximumVoltage: RationalNumberType | None = None


Scheduled_DC_CLResControlMode = element(Scheduled_DC_CLResControlModeType, substitutes=CLResControlMode)


class BPT_Scheduled_DC_CLReqControlModeType(Scheduled_DC_CLReqControlModeType):
    EVMaximumDischargePower: RationalNumberType | None = None
    EVMinimumDischargePower: RationalNumberType | None = None
    EVMaximumDischargeCurrent: RationalNumberType | None = None


BPT_Scheduled_DC_CLReqControlMode = element(
    BPT_Scheduled_DC_CLReqControlModeType, substitutes=Scheduled_DC_CLReqControlMode
)


class BPT_Scheduled_DC_CLResControlModeType(Scheduled_DC_CLResControlModeType):
    EVSEMaximumDischargePower: RationalNumberType | None = None
    EVSEMinimumDischargePower: RationalNumberType | None = None
    EVSEMaximumDischargeCurrent: RationalNumberType | None = None
    EVSEMinimumVoltage: RationalNumberType | None = None


BPT_Scheduled_DC_CLResControlMode = element(
    BPT_Scheduled_DC_CLResControlModeType, substitutes=Scheduled_DC_CLResControlMode
)


class Dynamic_DC_CLReqControlModeType(Dynamic_CLReqControlModeType):
    EVMaximumChargePower: RationalNumberType
    EVMinimumChargePower: RationalNumberType
    EVMaximumChargeCurrent: RationalNumberType
    EVMaximumVoltage: RationalNumberType
    EVMinimumVoltage: RationalNumberType


Dynamic_DC_CLReqControlMode = element(Dynamic_DC_CLReqControlModeType, substitutes=CLReqControlMode)


class Dynamic_DC_CLResControlModeType(Dynamic_CLResControlModeType):
    EVSEMaximumChargePower: RationalNumberType
    EVSEMinimumChargePower: RationalNumberType
    EVSEMaximumChargeCurrent: RationalNumberType
    EVSEMaximumVoltage: RationalNumberType


Dynamic_DC_CLResControlMode = element(Dynamic_DC_CLResControlModeType, substitutes=CLResControlMode)


class BPT_Dynamic_DC_CLReqControlModeType(Dynamic_DC_CLReqControlModeType):
    EVMaximumDischargePower: RationalNumberType
    EVMinimumDischargePower: RationalNumberType
    EVMaximumDischargeCurrent: RationalNumberType
    EVMaximumV2XEnergyRequest: RationalNumberType | None = None
    EVMinimumV2XEnergyRequest: RationalNumberType | None = None


BPT_Dynamic_DC_CLReqControlMode = element(BPT_Dynamic_DC_CLReqControlModeType, substitutes=Dynamic_DC_CLReqControlMode)


class BPT_Dynamic_DC_CLResControlModeType(Dynamic_DC_CLResControlModeType):
    EVSEMaximumDischargePower: RationalNumberType
    EVSEMinimumDischargePower: RationalNumberType
    EVSEMaximumDischargeCurrent: RationalNumberType
    EVSEMinimumVoltage: RationalNumberType


BPT_Dynamic_DC_CLResControlMode = element(BPT_Dynamic_DC_CLResControlModeType, substitutes=Dynamic_DC_CLResControlMode)
