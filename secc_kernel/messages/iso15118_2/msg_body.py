"""ISO 15118-2:2013, V2G_CI_MsgBody.xsd: the messages."""

from __future__ import annotations

from typing import Annotated

from ...exi.datatypes import ID, boolean, long, short, unsignedShort
from ...exi.declare import ComplexType, Namespace, attribute, element, ref
from .msg_data_types import (
    AC_EVSEStatusType,
    CertificateChainType,
    ChargeServiceType,
    ChargingProfileType,
    ContractSignatureEncryptedPrivateKeyType,
    DC_EVSEStatusType,
    DC_EVStatusType,
    DiffieHellmanPublickeyType,
    EMAIDType,
    EnergyTransferModeType,
    EVChargeParameter,
    EVChargeParameterType,
    EVPowerDeliveryParameter,
    EVPowerDeliveryParameterType,
    EVSEChargeParameter,
    EVSEChargeParameterType,
    EVSEProcessingType,
    EVSEStatus,
    EVSEStatusType,
    ListOfRootCertificateIDsType,
    MeterInfoType,
    PaymentOptionListType,
    PhysicalValueType,
    SAIDType,
    SASchedules,
    SASchedulesType,
    SelectedServiceListType,
    ServiceListType,
    ServiceParameterListType,
    certificateType,
    chargeProgressType,
    chargingSessionType,
    eMAIDType,
    evccIDType,
    evseIDType,
    genChallengeType,
    paymentOptionType,
    responseCodeType,
    serviceCategoryType,
    serviceIDType,
    serviceScopeType,
    sessionIDType,
)

NAMESPACE = Namespace("urn:iso:15118:2:2013:MsgBody")


class BodyType(ComplexType):
    BodyElement: Annotated[BodyBaseType | None, ref(BodyElement)] = None


class BodyBaseType(ComplexType):
    _abstract_ = True


BodyElement = element(BodyBaseType, abstract=True)


class SessionSetupReqType(BodyBaseType):
    EVCCID: evccIDType


SessionSetupReq = element(SessionSetupReqType, substitutes=BodyElement)


class SessionSetupResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEID: evseIDType
    EVSETimeStamp: long | None = None


SessionSetupRes = element(SessionSetupResType, substitutes=BodyElement)


class ServiceDiscoveryReqType(BodyBaseType):
    ServiceScope: serviceScopeType | None = None
    ServiceCategory: serviceCategoryType | None = None


ServiceDiscoveryReq = element(ServiceDiscoveryReqType, substitutes=BodyElement)


class ServiceDiscoveryResType(BodyBaseType):
    ResponseCode: responseCodeType
    PaymentOptionList: PaymentOptionListType
    ChargeService: ChargeServiceType
    ServiceList: ServiceListType | None = None


ServiceDiscoveryRes = element(ServiceDiscoveryResType, substitutes=BodyElement)


class ServiceDetailReqType(BodyBaseType):
    ServiceID: serviceIDType


ServiceDetailReq = element(ServiceDetailReqType, substitutes=BodyElement)


class ServiceDetailResType(BodyBaseType):
    ResponseCode: responseCodeType
    ServiceID: serviceIDType
    ServiceParameterList: ServiceParameterListType | None = None


ServiceDetailRes = element(ServiceDetailResType, substitutes=BodyElement)


class PaymentServiceSelectionReqType(BodyBaseType):
    SelectedPaymentOption: paymentOptionType
    SelectedServiceList: SelectedServiceListType


PaymentServiceSelectionReq = element(PaymentServiceSelectionReqType, substitutes=BodyElement)


class PaymentServiceSelectionResType(BodyBaseType):
    ResponseCode: responseCodeType


PaymentServiceSelectionRes = element(PaymentServiceSelectionResType, substitutes=BodyElement)


class PaymentDetailsReqType(BodyBaseType):
    eMAID: eMAIDType
    ContractSignatureCertChain: CertificateChainType


PaymentDetailsReq = element(PaymentDetailsReqType, substitutes=BodyElement)


class PaymentDetailsResType(BodyBaseType):
    ResponseCode: responseCodeType
    GenChallenge: genChallengeType
    EVSETimeStamp: long


PaymentDetailsRes = element(PaymentDetailsResType, substitutes=BodyElement)


class AuthorizationReqType(BodyBaseType):
    Id: Annotated[ID | None, attribute()] = None
    GenChallenge: genChallengeType | None = None


AuthorizationReq = element(AuthorizationReqType, substitutes=BodyElement)


class AuthorizationResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEProcessing: EVSEProcessingType


AuthorizationRes = element(AuthorizationResType, substitutes=BodyElement)


class ChargeParameterDiscoveryReqType(BodyBaseType):
    MaxEntriesSAScheduleTuple: unsignedShort | None = None
    RequestedEnergyTransferMode: EnergyTransferModeType
    EVChargeParameter: Annotated[EVChargeParameterType, ref(EVChargeParameter)]


ChargeParameterDiscoveryReq = element(ChargeParameterDiscoveryReqType, substitutes=BodyElement)


class ChargeParameterDiscoveryResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEProcessing: EVSEProcessingType
    SASchedules: Annotated[SASchedulesType | None, ref(SASchedules)] = None
    EVSEChargeParameter: Annotated[EVSEChargeParameterType, ref(EVSEChargeParameter)]


ChargeParameterDiscoveryRes = element(ChargeParameterDiscoveryResType, substitutes=BodyElement)


class PowerDeliveryReqType(BodyBaseType):
    ChargeProgress: chargeProgressType
    SAScheduleTupleID: SAIDType
    ChargingProfile: ChargingProfileType | None = None
    EVPowerDeliveryParameter: Annotated[EVPowerDeliveryParameterType | None, ref(EVPowerDeliveryParameter)] = None


PowerDeliveryReq = element(PowerDeliveryReqType, substitutes=BodyElement)


class PowerDeliveryResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEStatus: Annotated[EVSEStatusType, ref(EVSEStatus)]


PowerDeliveryRes = element(PowerDeliveryResType, substitutes=BodyElement)


class MeteringReceiptReqType(BodyBaseType):
    Id: Annotated[ID | None, attribute()] = None
    SessionID: sessionIDType
    SAScheduleTupleID: SAIDType | None = None
    MeterInfo: MeterInfoType


MeteringReceiptReq = element(MeteringReceiptReqType, substitutes=BodyElement)


class MeteringReceiptResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEStatus: Annotated[EVSEStatusType, ref(EVSEStatus)]


MeteringReceiptRes = element(MeteringReceiptResType, substitutes=BodyElement)


class SessionStopReqType(BodyBaseType):
    ChargingSession: chargingSessionType


SessionStopReq = element(SessionStopReqType, substitutes=BodyElement)


class SessionStopResType(BodyBaseType):
    ResponseCode: responseCodeType


SessionStopRes = element(SessionStopResType, substitutes=BodyElement)


class CertificateUpdateReqType(BodyBaseType):
    Id: Annotated[ID, attribute()]
    ContractSignatureCertChain: CertificateChainType
    eMAID: eMAIDType
    ListOfRootCertificateIDs: ListOfRootCertificateIDsType


CertificateUpdateReq = element(CertificateUpdateReqType, substitutes=BodyElement)


class CertificateUpdateResType(BodyBaseType):
    ResponseCode: responseCodeType
    SAProvisioningCertificateChain: CertificateChainType
    ContractSignatureCertChain: CertificateChainType
    ContractSignatureEncryptedPrivateKey: ContractSignatureEncryptedPrivateKeyType
    DHpublickey: DiffieHellmanPublickeyType
    eMAID: EMAIDType
    RetryCounter: short | None = None


CertificateUpdateRes = element(CertificateUpdateResType, substitutes=BodyElement)


class CertificateInstallationReqType(BodyBaseType):
    Id: Annotated[ID, attribute()]
    OEMProvisioningCert: certificateType
    ListOfRootCertificateIDs: ListOfRootCertificateIDsType


CertificateInstallationReq = element(CertificateInstallationReqType, substitutes=BodyElement)


class CertificateInstallationResType(BodyBaseType):
    ResponseCode: responseCodeType
    SAProvisioningCertificateChain: CertificateChainType
    ContractSignatureCertChain: CertificateChainType
    ContractSignatureEncryptedPrivateKey: ContractSignatureEncryptedPrivateKeyType
    DHpublickey: DiffieHellmanPublickeyType
    eMAID: EMAIDType


CertificateInstallationRes = element(CertificateInstallationResType, substitutes=BodyElement)


class ChargingStatusReqType(BodyBaseType):
    pass


ChargingStatusReq = element(ChargingStatusReqType, substitutes=BodyElement)


class ChargingStatusResType(BodyBaseType):
    ResponseCode: responseCodeType
    EVSEID: evseIDType
    SAScheduleTupleID: SAIDType
    EVSEMaxCurrent: PhysicalValueType | None = None
    MeterInfo: MeterInfoType | None = None
    ReceiptRequired: boolean | None = None
    AC_EVSEStatus: AC_EVSEStatusType


ChargingStatusRes = element(ChargingStatusResType, substitutes=BodyElement)


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
    EVSEID: evseIDType
    SAScheduleTupleID: SAIDType
    MeterInfo: MeterInfoType | None = None
    ReceiptRequired: boolean | None = None


CurrentDemandRes = element(CurrentDemandResType, substitutes=BodyElement)


class WeldingDetectionReqType(BodyBaseType):
    DC_EVStatus: DC_EVStatusType


WeldingDetectionReq = element(WeldingDetectionReqType, substitutes=BodyElement)


class WeldingDetectionResType(BodyBaseType):
    ResponseCode: responseCodeType
    DC_EVSEStatus: DC_EVSEStatusType
    EVSEPresentVoltage: PhysicalValueType


WeldingDetectionRes = element(WeldingDetectionResType, substitutes=BodyElement)
