"""ISO 15118-20:2022, V2G_CI_CommonTypes.xsd: what all its namespaces share."""

from __future__ import annotations

from typing import Annotated

from ...exi.datatypes import (
    Enumeration,
    base64Binary,
    boolean,
    byte,
    hexBinary,
    restrict,
    short,
    string,
    unsignedInt,
    unsignedLong,
    unsignedShort,
)
from ...exi.declare import ComplexType, Namespace, element, occurs, ref
from ...exi.quantity import Quantity
from ..xmldsig import Signature, SignatureType, X509IssuerSerialType

NAMESPACE = Namespace("urn:iso:std:iso:15118:-20:CommonTypes")

numericIDType = Annotated[int, restrict(unsignedInt, min_inclusive=1, max_inclusive=4294967295)]
sessionIDType = Annotated[bytes, restrict(hexBinary, length=8)]


class evseNotificationType(Enumeration):
    Pause = "Pause"
    ExitStandby = "ExitStandby"
    Terminate = "Terminate"
    ScheduleRenegotiation = "ScheduleRenegotiation"
    ServiceRenegotiation = "ServiceRenegotiation"
    MeteringConfirmation = "MeteringConfirmation"


class processingType(Enumeration):
    Finished = "Finished"
    Ongoing = "Ongoing"
    Ongoing_WaitingForCustomerInteraction = "Ongoing_WaitingForCustomerInteraction"


class responseCodeType(Enumeration):
    OK = "OK"
    OK_CertificateExpiresSoon = "OK_CertificateExpiresSoon"
    OK_NewSessionEstablished = "OK_NewSessionEstablished"
    OK_OldSessionJoined = "OK_OldSessionJoined"
    OK_PowerToleranceConfirmed = "OK_PowerToleranceConfirmed"
    WARNING_AuthorizationSelectionInvalid = "WARNING_AuthorizationSelectionInvalid"
    WARNING_CertificateExpired = "WARNING_CertificateExpired"
    WARNING_CertificateNotYetValid = "WARNING_CertificateNotYetValid"
    WARNING_CertificateRevoked = "WARNING_CertificateRevoked"
    WARNING_CertificateValidationError = "WARNING_CertificateValidationError"
    WARNING_ChallengeInvalid = "WARNING_ChallengeInvalid"
    WARNING_EIMAuthorizationFailure = "WARNING_EIMAuthorizationFailure"
    WARNING_eMSPUnknown = "WARNING_eMSPUnknown"
    WARNING_EVPowerProfileViolation = "WARNING_EVPowerProfileViolation"
    WARNING_GeneralPnCAuthorizationError = "WARNING_GeneralPnCAuthorizationError"
    WARNING_NoCertificateAvailable = "WARNING_NoCertificateAvailable"
    WARNING_NoContractMatchingPCIDFound = "WARNING_NoContractMatchingPCIDFound"
    WARNING_PowerToleranceNotConfirmed = "WARNING_PowerToleranceNotConfirmed"
    WARNING_ScheduleRenegotiationFailed = "WARNING_ScheduleRenegotiationFailed"
    WARNING_StandbyNotAllowed = "WARNING_StandbyNotAllowed"
    WARNING_WPT = "WARNING_WPT"
    FAILED = "FAILED"
    FAILED_AssociationError = "FAILED_AssociationError"
    FAILED_ContactorError = "FAILED_ContactorError"
    FAILED_EVPowerProfileInvalid = "FAILED_EVPowerProfileInvalid"
    FAILED_EVPowerProfileViolation = "FAILED_EVPowerProfileViolation"
    FAILED_MeteringSignatureNotValid = "FAILED_MeteringSignatureNotValid"
    FAILED_NoEnergyTransferServiceSelected = "FAILED_NoEnergyTransferServiceSelected"
    FAILED_NoServiceRenegotiationSupported = "FAILED_NoServiceRenegotiationSupported"
    FAILED_PauseNotAllowed = "FAILED_PauseNotAllowed"
    FAILED_PowerDeliveryNotApplied = "FAILED_PowerDeliveryNotApplied"
    FAILED_PowerToleranceNotConfirmed = "FAILED_PowerToleranceNotConfirmed"
    FAILED_ScheduleRenegotiation = "FAILED_ScheduleRenegotiation"
    FAILED_ScheduleSelectionInvalid = "FAILED_ScheduleSelectionInvalid"
    FAILED_SequenceError = "FAILED_SequenceError"
    FAILED_ServiceIDInvalid = "FAILED_ServiceIDInvalid"
    FAILED_ServiceSelectionInvalid = "FAILED_ServiceSelectionInvalid"
    FAILED_SignatureError = "FAILED_SignatureError"
    FAILED_UnknownSession = "FAILED_UnknownSession"
    FAILED_WrongChargeParameter = "FAILED_WrongChargeParameter"


percentValueType = Annotated[int, restrict(byte, min_inclusive=0, max_inclusive=100, unit="%")]
identifierType = Annotated[str, restrict(string, max_length=255)]
nameType = Annotated[str, restrict(string, max_length=80)]
descriptionType = Annotated[str, restrict(string, max_length=160)]
meterIDType = Annotated[str, restrict(string, max_length=32)]
meterSignatureType = Annotated[bytes, restrict(base64Binary, max_length=64)]


class MessageHeaderType(ComplexType):
    SessionID: sessionIDType
    TimeStamp: unsignedLong
    Signature: Annotated[SignatureType | None, ref(Signature)] = None


class V2GMessageType(ComplexType):
    _abstract_ = True
    Header: MessageHeaderType


class V2GRequestType(V2GMessageType):
    _abstract_ = True


class V2GResponseType(V2GMessageType):
    _abstract_ = True
    ResponseCode: responseCodeType


class ChargeParameterDiscoveryReqType(V2GRequestType):
    _abstract_ = True


class ChargeParameterDiscoveryResType(V2GResponseType):
    _abstract_ = True


class ChargeLoopReqType(V2GRequestType):
    _abstract_ = True
    DisplayParameters: DisplayParametersType | None = None
    MeterInfoRequested: boolean


class ChargeLoopResType(V2GResponseType):
    _abstract_ = True
    EVSEStatus: EVSEStatusType | None = None
    MeterInfo: MeterInfoType | None = None
    Receipt: ReceiptType | None = None


class CLReqControlModeType(ComplexType):
    _abstract_ = True


CLReqControlMode = element(CLReqControlModeType)


class CLResControlModeType(ComplexType):
    _abstract_ = True


CLResControlMode = element(CLResControlModeType)


class Scheduled_CLReqControlModeType(CLReqControlModeType):
    _abstract_ = True
    EVTargetEnergyRequest: RationalNumberType | None = None
    EVMaximumEnergyRequest: RationalNumberType | None = None
    EVMinimumEnergyRequest: RationalNumberType | None = None


class Scheduled_CLResControlModeType(CLResControlModeType):
    _abstract_ = True


class Dynamic_CLReqControlModeType(CLReqControlModeType):
    _abstract_ = True
    DepartureTime: unsignedInt | None = None
    EVTargetEnergyRequest: RationalNumberType
    EVMaximumEnergyRequest: RationalNumberType
    EVMinimumEnergyRequest: RationalNumberType


class Dynamic_CLResControlModeType(CLResControlModeType):
    _abstract_ = True
    DepartureTime: unsignedInt | None = None
    MinimumSOC: percentValueType | None = None
    TargetSOC: percentValueType | None = None
    AckMaxDelay: unsignedShort | None = None


class DisplayParametersType(ComplexType):
    PresentSOC: percentValueType | None = None
    MinimumSOC: percentValueType | None = None
    TargetSOC: percentValueType | None = None
    MaximumSOC: percentValueType | None = None
    RemainingTimeToMinimumSOC: unsignedInt | None = None
    RemainingTimeToTargetSOC: unsignedInt | None = None
    RemainingTimeToMaximumSOC: unsignedInt | None = None
    ChargingComplete: boolean | None = None
    BatteryEnergyCapacity: RationalNumberType | None = None
    InletHot: boolean | None = None


class EVSEStatusType(ComplexType):
    NotificationMaxDelay: unsignedShort
    EVSENotification: evseNotificationType


class RationalNumberType(ComplexType):
    Exponent: byte
    Value: short
    _quantity_ = Quantity("Value", "Exponent")


class MeterInfoType(ComplexType):
    MeterID: meterIDType
    ChargedEnergyReadingWh: unsignedLong
    BPT_DischargedEnergyReadingWh: unsignedLong | None = None
    CapacitiveEnergyReadingVARh: unsignedLong | None = None
    BPT_InductiveEnergyReadingVARh: unsignedLong | None = None
    MeterSignature: meterSignatureType | None = None
    MeterStatus: short | None = None
    MeterTimestamp: unsignedLong | None = None


class DetailedCostType(ComplexType):
    Amount: RationalNumberType
    CostPerUnit: RationalNumberType


class DetailedTaxType(ComplexType):
    TaxRuleID: numericIDType
    Amount: RationalNumberType


class ReceiptType(ComplexType):
    TimeAnchor: unsignedLong
    EnergyCosts: DetailedCostType | None = None
    OccupancyCosts: DetailedCostType | None = None
    AdditionalServicesCosts: DetailedCostType | None = None
    OverstayCosts: DetailedCostType | None = None
    TaxCosts: Annotated[list[DetailedTaxType], occurs(0, 10)]


class ListOfRootCertificateIDsType(ComplexType):
    RootCertificateID: Annotated[list[X509IssuerSerialType], occurs(1, 20)]
