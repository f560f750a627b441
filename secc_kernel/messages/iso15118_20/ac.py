"""ISO 15118-20:2022, V2G_CI_AC.xsd: AC energy transfer."""

from __future__ import annotations

from typing import Annotated

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
)

NAMESPACE = Namespace("urn:iso:std:iso:15118:-20:AC")


class AC_ChargeParameterDiscoveryReqType(ChargeParameterDiscoveryReqType):
    AC_CPDReqEnergyTransferMode: Annotated[AC_CPDReqEnergyTransferModeType, ref(AC_CPDReqEnergyTransferMode)]


AC_ChargeParameterDiscoveryReq = element(AC_ChargeParameterDiscoveryReqType)


class AC_ChargeParameterDiscoveryResType(ChargeParameterDiscoveryResType):
    AC_CPDResEnergyTransferMode: Annotated[AC_CPDResEnergyTransferModeType, ref(AC_CPDResEnergyTransferMode)]


AC_ChargeParameterDiscoveryRes = element(AC_ChargeParameterDiscoveryResType)


class AC_ChargeLoopReqType(ChargeLoopReqType):
    CLReqControlMode: Annotated[CLReqControlModeType, ref(CLReqControlMode)]


AC_ChargeLoopReq = element(AC_ChargeLoopReqType)


class AC_ChargeLoopResType(ChargeLoopResType):
    EVSETargetFrequency: RationalNumberType | None = None
    CLResControlMode: Annotated[CLResControlModeType, ref(CLResControlMode)]


AC_ChargeLoopRes = element(AC_ChargeLoopResType)


class AC_CPDReqEnergyTransferModeType(ComplexType):
    EVMaximumChargePower: RationalNumberType
    EVMaximumChargePower_L2: RationalNumberType | None = None
    EVMaximumChargePower_L3: RationalNumberType | None = None
    EVMinimumChargePower: RationalNumberType
    EVMinimumChargePower_L2: RationalNumberType | None = None
    EVMinimumChargePower_L3: RationalNumberType | None = None


AC_CPDReqEnergyTransferMode = element(AC_CPDReqEnergyTransferModeType)


class AC_CPDResEnergyTransferModeType(ComplexType):
    EVSEMaximumChargePower: RationalNumberType
    EVSEMaximumChargePower_L2: RationalNumberType | None = None
    EVSEMaximumChargePower_L3: RationalNumberType | None = None
    EVSEMinimumChargePower: RationalNumberType
    EVSEMinimumChargePower_L2: RationalNumberType | None = None
    EVSEMinimumChargePower_L3: RationalNumberType | None = None
    EVSENominalFrequency: RationalNumberType
    MaximumPowerAsymmetry: RationalNumberType | None = None
    EVSEPowerRampLimitation: RationalNumberType | None = None
    EVSEPresentActivePower: RationalNumberType | None = None
    EVSEPresentActivePower_L2: RationalNumberType | None = None
    EVSEPresentActivePower_L3: RationalNumberType | None = None


AC_CPDResEnergyTransferMode = element(AC_CPDResEnergyTransferModeType)


class BPT_AC_CPDReqEnergyTransferModeType(AC_CPDReqEnergyTransferModeType):
    EVMaximumDischargePower: RationalNumberType
    EVMaximumDischargePower_L2: RationalNumberType | None = None
    EVMaximumDischargePower_L3: RationalNumberType | None = None
    EVMinimumDischargePower: RationalNumberType
    EVMinimumDischargePower_L2: RationalNumberType | None = None
    EVMinimumDischargePower_L3: RationalNumberType | None = None


BPT_AC_CPDReqEnergyTransferMode = element(BPT_AC_CPDReqEnergyTransferModeType, substitutes=AC_CPDReqEnergyTransferMode)


class BPT_AC_CPDResEnergyTransferModeType(AC_CPDResEnergyTransferModeType):
    EVSEMaximumDischargePower: RationalNumberType
    EVSEMaximumDischargePower_L2: RationalNumberType | None = None
    EVSEMaximumDischargePower_L3: RationalNumberType | None = None
    EVSEMinimumDischargePower: RationalNumberType
    EVSEMinimumDischargePower_L2: RationalNumberType | None = None
    EVSEMinimumDischargePower_L3: RationalNumberType | None = None


BPT_AC_CPDResEnergyTransferMode = element(BPT_AC_CPDResEnergyTransferModeType, substitutes=AC_CPDResEnergyTransferMode)


class Scheduled_AC_CLReqControlModeType(Scheduled_CLReqControlModeType):
    EVMaximumChargePower: RationalNumberType | None = None
    EVMaximumChargePower_L2: RationalNumberType | None = None
    EVMaximumChargePower_L3: RationalNumberType | None = None
    EVMinimumChargePower: RationalNumberType | None = None
    EVMinimumChargePower_L2: RationalNumberType | None = None
    EVMinimumChargePower_L3: RationalNumberType | None = None
    EVPresentActivePower: RationalNumberType
    EVPresentActivePower_L2: RationalNumberType | None = None
    EVPresentActivePower_L3: RationalNumberType | None = None
    EVPresentReactivePower: RationalNumberType | None = None
    EVPresentReactivePower_L2: RationalNumberType | None = None
    EVPresentReactivePower_L3: RationalNumberType | None = None


Scheduled_AC_CLReqControlMode = element(Scheduled_AC_CLReqControlModeType, substitutes=CLReqControlMode)


class Scheduled_AC_CLResControlModeType(Scheduled_CLResControlModeType):
    EVSETargetActivePower: RationalNumberType | None = None
    EVSETargetActivePower_L2: RationalNumberType | None = None
    EVSETargetActivePower_L3: RationalNumberType | None = None
    EVSETargetReactivePower: RationalNumberType | None = None
    EVSETargetReactivePower_L2: RationalNumberType | None = None
    EVSETargetReactivePower_L3: RationalNumberType | None = None
    EVSEPresentActivePower: RationalNumberType | None = None
    EVSEPresentActivePower_L2: RationalNumberType | None = None
    EVSEPresentActivePower_L3: RationalNumberType | None = None


Scheduled_AC_CLResControlMode = element(Scheduled_AC_CLResControlModeType, substitutes=CLResControlMode)


class BPT_Scheduled_AC_CLReqControlModeType(Scheduled_AC_CLReqControlModeType):
    EVMaximumDischargePower: RationalNumberType | None = None
    EVMaximumDischargePower_L2: RationalNumberType | None = None
    EVMaximumDischargePower_L3: RationalNumberType | None = None
    EVMinimumDischargePower: RationalNumberType | None = None
    EVMinimumDischargePower_L2: RationalNumberType | None = None
    EVMinimumDischargePower_L3: RationalNumberType | None = None


BPT_Scheduled_AC_CLReqControlMode = element(
    BPT_Scheduled_AC_CLReqControlModeType, substitutes=Scheduled_AC_CLReqControlMode
)


class BPT_Scheduled_AC_CLResControlModeType(Scheduled_AC_CLResControlModeType):
    pass


BPT_Scheduled_AC_CLResControlMode = element(
    BPT_Scheduled_AC_CLResControlModeType, substitutes=Scheduled_AC_CLResControlMode
)


class Dynamic_AC_CLReqControlModeType(Dynamic_CLReqControlModeType):
    EVMaximumChargePower: RationalNumberType
    EVMaximumChargePower_L2: RationalNumberType | None = None
    EVMaximumChargePower_L3: RationalNumberType | None = None
    EVMinimumChargePower: RationalNumberType
    EVMinimumChargePower_L2: RationalNumberType | None = None
    EVMinimumChargePower_L3: RationalNumberType | None = None
    EVPresentActivePower: RationalNumberType
    EVPresentActivePower_L2: RationalNumberType | None = None
    EVPresentActivePower_L3: RationalNumberType | None = None
    EVPresentReactivePower: RationalNumberType
    EVPresentReactivePower_L2: RationalNumberType | None = None
    EVPresentReactivePower_L3: RationalNumberType | None = None


Dynamic_AC_CLReqControlMode = element(Dynamic_AC_CLReqControlModeType, substitutes=CLReqControlMode)


class Dynamic_AC_CLResControlModeType(Dynamic_CLResControlModeType):
    EVSETargetActivePower: RationalNumberType
    EVSETargetActivePower_L2: RationalNumberType | None = None
    EVSETargetActivePower_L3: RationalNumberType | None = None
    EVSETargetReactivePower: RationalNumberType | None = None
    EVSETargetReactivePower_L2: RationalNumberType | None = None
    EVSETargetReactivePower_L3: RationalNumberType | None = None
    EVSEPresentActivePower: RationalNumberType | None = None
    EVSEPresentActivePower_L2: RationalNumberType | None = None
    EVSEPresentActivePower_L3: RationalNumberType | None = None


Dynamic_AC_CLResControlMode = element(Dynamic_AC_CLResControlModeType, substitutes=CLResControlMode)


class BPT_Dynamic_AC_CLReqControlModeType(Dynamic_AC_CLReqControlModeType):
    EVMaximumDischargePower: RationalNumberType
    EVMaximumDischargePower_L2: RationalNumberType | None = None
    EVMaximumDischargePower_L3: RationalNumberType | None = None
    EVMinimumDischargePower: RationalNumberType
    EVMinimumDischargePower_L2: RationalNumberType | None = None
    EVMinimumDischargePower_L3: RationalNumberType | None = None
    EVMaximumV2XEnergyRequest: RationalNumberType | None = None
    EVMinimumV2XEnergyRequest: RationalNumberType | None = None


BPT_Dynamic_AC_CLReqControlMode = element(BPT_Dynamic_AC_CLReqControlModeType, substitutes=Dynamic_AC_CLReqControlMode)


class BPT_Dynamic_AC_CLResControlModeType(Dynamic_AC_CLResControlModeType):
    pass


BPT_Dynamic_AC_CLResControlMode = element(BPT_Dynamic_AC_CLResControlModeType, substitutes=Dynamic_AC_CLResControlMode)
