"""DIN SPEC 70121:2012, V2G_CI_MsgBody.xsd: the messages."""

from __future__ import annotations

from typing import Annotated

from ...exi.datatypes import IDREF, boolean, long, short
from ...exi.declare import Namespace, attribute, element, ref
from .msg_data_types import (
    AC_EVSEStatusType,
    CertificateChainType,
    ChargingProfileType,
    DC_EVSEStatusType,
    DC_EVStatusType,
    EVChargeParameter,
    EVChargeParameterType,
    EVPowerDeliveryParameter,
    EVPowerDeliveryParameterType,
    EVRequestedEnergyTransferType,
    EVSEChargeParameter,
    EVSEChargeParameterType,
    EVSEProcessingType,
    EVSEStatus,
    EVSEStatusType,
    ListOfRootCertificateIDsType,
    MeterInfoType,
    PaymentOptionsType,
    PhysicalValueType,
    SAIDType,
    SASchedules,
    SASchedulesType,
    SelectedServiceListType,
    ServiceChargeType,
    ServiceParameterListType,
    ServiceTagListType,
    certificateType,
    contractIDType,
    dHParamsType,
    evccIDType,
    evseIDType,
    genChallengeType,
    paymentOptionType,
    privateKeyType,
    responseCodeType,
    serviceCategoryType,
    serviceIDType,
    serviceScopeType,
    sessionIDType,
)
from .msg_def import BodyBaseType, BodyElement

NAMESPACE = Namespace("urn:din:70121:2012:MsgBody", attributes=False)


class SessionSetupReqType(BodyBaseType):
    EVCCID: evccIDType


SessionSetupReq = element(SessionSetupReqType, substitutes=BodyElement)


class SessionSetupResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEID: evseIDType
    DateTimeNow: long | None = None


SessionSetupRes = element(SessionSetupResType, substitutes=BodyElement)


class ServiceDiscoveryReqType(BodyBaseType):
    ServiceScope: serviceScopeType | None = None
    ServiceCategory: serviceCategoryType | None = None


ServiceDiscoveryReq = element(ServiceDiscoveryReqType, substitutes=BodyElement)


class ServiceDiscoveryResType(BodyBaseType):
    ResponseCode: responseCodeType
    PaymentOptions: PaymentOptionsType
    ChargeService: ServiceChargeType
    ServiceList: ServiceTagListType | None = None


ServiceDiscoveryRes = element(ServiceDiscoveryResType, substitutes=BodyElement)


class ServiceDetailReqType(BodyBaseType):
    ServiceID: serviceIDType


ServiceDetailReq = element(ServiceDetailReqType, substitutes=BodyElement)


class ServiceDetailResType(BodyBaseType):
    ResponseCode: responseCodeType
    ServiceID: serviceIDType
    ServiceParameterList: ServiceParameterListType | None = None


ServiceDetailRes = element(ServiceDetailResType, substitutes=BodyElement)


class ServicePaymentSelectionReqType(BodyBaseType):
    SelectedPaymentOption: paymentOptionType
    SelectedServiceList: SelectedServiceListType


ServicePaymentSelectionReq = element(ServicePaymentSelectionReqType, substitutes=BodyElement)


class ServicePaymentSelectionResType(BodyBaseType):
    ResponseCode: responseCodeType


ServicePaymentSelectionRes = element(ServicePaymentSelectionResType, substitutes=BodyElement)


class PaymentDetailsReqType(BodyBaseType):
    ContractID: contractIDType
    ContractSignatureCertChain: CertificateChainType


PaymentDetailsReq = element(PaymentDetailsReqType, substitutes=BodyElement)


class PaymentDetailsResType(BodyBaseType):
    ResponseCode: responseCodeType
    GenChallenge: genChallengeType
    DateTimeNow: long


PaymentDetailsRes = element(PaymentDetailsResType, substitutes=BodyElement)


class ContractAuthenticationReqType(BodyBaseType):
    Id: Annotated[IDREF | None, attribute()] = None
    GenChallenge: genChallengeType | None = None


ContractAuthenticationReq = element(ContractAuthenticationReqType, substitutes=BodyElement)


class ContractAuthenticationResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEProcessing: EVSEProcessingType


ContractAuthenticationRes = element(ContractAuthenticationResType, substitutes=BodyElement)


class ChargeParameterDiscoveryReqType(BodyBaseType):
    EVRequestedEnergyTransferType: EVRequestedEnergyTransferType
    EVChargeParameter: Annotated[EVChargeParameterType, ref(EVChargeParameter)]


ChargeParameterDiscoveryReq = element(ChargeParameterDiscoveryReqType, substitutes=BodyElement)


class ChargeParameterDiscoveryResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEProcessing: EVSEProcessingType
    SASchedules: Annotated[SASchedulesType, ref(SASchedules)]
    EVSEChargeParameter: Annotated[EVSEChargeParameterType, ref(EVSEChargeParameter)]


ChargeParameterDiscoveryRes = element(ChargeParameterDiscoveryResType, substitutes=BodyElement)


class PowerDeliveryReqType(BodyBaseType):
    ReadyToChargeState: boolean
    ChargingProfile: ChargingProfileType | None = None
    EVPowerDeliveryParameter: Annotated[EVPowerDeliveryParameterType | None, ref(EVPowerDeliveryParameter)] = None


PowerDeliveryReq = element(PowerDeliveryReqType, substitutes=BodyElement)


class PowerDeliveryResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEStatus: Annotated[EVSEStatusType, ref(EVSEStatus)]


PowerDeliveryRes = element(PowerDeliveryResType, substitutes=BodyElement)


class ChargingStatusReqType(BodyBaseType):
    pass


ChargingStatusReq = element(ChargingStatusReqType, substitutes=BodyElement)


class ChargingStatusResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEID: evseIDType
    SAScheduleTupleID: SAIDType
    EVSEMaxCurrent: PhysicalValueType | None = None
    MeterInfo: MeterInfoType | None = None
    ReceiptRequired: boolean
    AC_EVSEStatus: AC_EVSEStatusType


ChargingStatusRes = element(ChargingStatusResType, substitutes=BodyElement)


class MeteringReceiptReqType(BodyBaseType):
    Id: Annotated[IDREF | None, attribute()] = None
    SessionID: sessionIDType
    SAScheduleTupleID: SAIDType | None = None
    MeterInfo: MeterInfoType


MeteringReceiptReq = element(MeteringReceiptReqType, substitutes=BodyElement)


class MeteringReceiptResType(BodyBaseType):
    ResponseCode: responseCodeType
    AC_EVSEStatus: AC_EVSEStatusType


MeteringReceiptRes = element(MeteringReceiptResType, substitutes=BodyElement)


class SessionStopType(BodyBaseType):
    pass


SessionStopReq = element(SessionStopType, substitutes=BodyElement)


class SessionStopResType(BodyBaseType):
    ResponseCode: responseCodeType


SessionStopRes = element(SessionStopResType, substitutes=BodyElement)


class CertificateUpdateReqType(BodyBaseType):
    Id: Annotated[IDREF | None, attribute()] = None
    ContractSignatureCertChain: CertificateChainType
    ContractID: contractIDType
    ListOfRootCertificateIDs: ListOfRootCertificateIDsType
    DHParams: dHParamsType


CertificateUpdateReq = element(CertificateUpdateReqType, substitutes=BodyElement)


class CertificateUpdateResType(BodyBaseType):
    Id: Annotated[IDREF, attribute()]
    ResponseCode: responseCodeType
    ContractSignatureCertChain: CertificateChainType
    ContractSignatureEncryptedPrivateKey: privateKeyType
    DHParams: dHParamsType
    ContractID: contractIDType
    RetryCounter: short


CertificateUpdateRes = element(CertificateUpdateResType, substitutes=BodyElement)


class CertificateInstallationReqType(BodyBaseType):
    Id: Annotated[IDREF | None, attribute()] = None
    OEMProvisioningCert: certificateType
    ListOfRootCertificateIDs: ListOfRootCertificateIDsType
    DHParams: dHParamsType


CertificateInstallationReq = element(CertificateInstallationReqType, substitutes=BodyElement)


class CertificateInstallationResType(BodyBaseType):
    Id: Annotated[IDREF, attribute()]
    ResponseCode: responseCodeType
    ContractSignatureCertChain: CertificateChainType
    ContractSignatureEncryptedPrivateKey: privateKeyType
    DHParams: dHParamsType
    ContractID: contractIDType


CertificateInstallationRes = element(CertificateInstallationResType, substitutes=BodyElement)


class CableCheckReqType(BodyBaseType):
    DC_EVStatus: DC_EVStatusType


CableCheckReq = element(CableCheckReqType, substitutes=BodyElement)


class CableCheckResType(BodyBaseType):
    ResponseCode: responseCodeType
    DC_EVSEStatus: DC_EVSEStatusType
    EVSEProcessing: EVSEProcessingType


CableCheckRes = element(CableCheckResType, substitutes=BodyElement)


class PreChargeReqType(BodyBaseType):
    DC_EVStatus: DC_EVStatusType
    EVTargetVoltage: PhysicalValueType
    EVTargetCurrent: PhysicalValueType


PreChargeReq = element(PreChargeReqType, substitutes=BodyElement)


class PreChargeResType(BodyBaseType):
    ResponseCode: responseCodeType
    DC_EVSEStatus: DC_EVSEStatusType
    EVSEPresentVoltage: PhysicalValueType


PreChargeRes = element(PreChargeResType, substitutes=BodyElement)


class CurrentDemandReqType(BodyBaseType):
    DC_EVStatus: DC_EVStatusType
    EVTargetCurrent: PhysicalValueType
    EVMaximumVoltageLimit: PhysicalValueType | None = None
    EVMaximumCurrentLimit: PhysicalValueType | None = None
    EVMaximumPowerLimit: PhysicalValueType | None = None
    BulkChargingComplete: boolean | None = None
    ChargingComplete: boolean
    RemainingTimeToFullSoC: PhysicalValueType | None = None
    RemainingTimeToBulkSoC: PhysicalValueType | None = None
    EVTargetVoltage: PhysicalValueType


CurrentDemandReq = element(CurrentDemandReqType, substitutes=BodyElement)


class CurrentDemandResType(BodyBaseType):
    ResponseCode: responseCodeType
    DC_EVSEStatus: DC_EVSEStatusType
    EVSEPresentVoltage: PhysicalValueType
    EVSEPresentCurrent: PhysicalValueType
    EVSECurrentLimitAchieved: boolean
    EVSEVoltageLimitAchieved: boolean
    EVSEPowerLimitAchieved: boolean
    EVSEMaximumVoltageLimit: PhysicalValueType | None = None
    EVSEMaximumCurrentLimit: PhysicalValueType | None = None
    EVSEMaximumPowerLimit: PhysicalValueType | None = None


CurrentDemandRes = element(CurrentDemandResType, substitutes=BodyElement)


class WeldingDetectionReqType(BodyBaseType):
    DC_EVStatus: DC_EVStatusType


WeldingDetectionReq = element(WeldingDetectionReqType, substitutes=BodyElement)


class WeldingDetectionResType(BodyBaseType):
    ResponseCode: responseCodeType
    DC_EVSEStatus: DC_EVSEStatusType
    EVSEPresentVoltage: PhysicalValueType


WeldingDetectionRes = element(WeldingDetectionResType, substitutes=BodyElement)
