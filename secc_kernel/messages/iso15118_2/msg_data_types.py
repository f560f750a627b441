"""ISO 15118-2:2013, V2G_CI_MsgDataTypes.xsd: the types that messages are made of."""

from __future__ import annotations

from typing import Annotated

from ...exi.datatypes import (
    ID,
    Enumeration,
    base64Binary,
    boolean,
    byte,
    hexBinary,
    int_,
    long,
    restrict,
    short,
    string,
    unsignedByte,
    unsignedInt,
    unsignedLong,
    unsignedShort,
)
from ...exi.declare import ComplexType, Namespace, attribute, choice, element, occurs, ref, text
from ...exi.quantity import Quantity
from ..xmldsig import X509IssuerSerialType

NAMESPACE = Namespace("urn:iso:15118:2:2013:MsgDataTypes")

percentValueType = Annotated[int, restrict(byte, min_inclusive=0, max_inclusive=100, unit="%")]
faultMsgType = Annotated[str, restrict(string, max_length=64)]


class EVSEProcessingType(Enumeration):
    Finished = "Finished"
    Ongoing = "Ongoing"
    Ongoing_WaitingForCustomerInteraction = "Ongoing_WaitingForCustomerInteraction"


class EVSENotificationType(Enumeration):
    None_ = "None"
    StopCharging = "StopCharging"
    ReNegotiation = "ReNegotiation"


class chargeProgressType(Enumeration):
    Start = "Start"
    Stop = "Stop"
    Renegotiate = "Renegotiate"


class chargingSessionType(Enumeration):
    Terminate = "Terminate"
    Pause = "Pause"


serviceNameType = Annotated[str, restrict(string, max_length=32)]


class serviceCategoryType(Enumeration):
    EVCharging = "EVCharging"
    Internet = "Internet"
    ContractCertificate = "ContractCertificate"
    OtherCustom = "OtherCustom"


serviceScopeType = Annotated[str, restrict(string, max_length=64)]
maxNumPhasesType = Annotated[int, restrict(byte, min_inclusive=1, max_inclusive=3)]


class valueType(Enumeration):
    bool = "bool"
    byte = "byte"
    short = "short"
    int = "int"
    physicalValue = "physicalValue"
    string = "string"


meterStatusType = Annotated[int, restrict(short)]


class EnergyTransferModeType(Enumeration):
    AC_single_phase_core = "AC_single_phase_core"
    AC_three_phase_core = "AC_three_phase_core"
    DC_core = "DC_core"
    DC_extended = "DC_extended"
    DC_combo_core = "DC_combo_core"
    DC_unique = "DC_unique"


genChallengeType = Annotated[bytes, restrict(base64Binary, length=16)]
certificateType = Annotated[bytes, restrict(base64Binary, max_length=800)]
dHpublickeyType = Annotated[bytes, restrict(base64Binary, max_length=65)]
privateKeyType = Annotated[bytes, restrict(base64Binary, max_length=48)]
sigMeterReadingType = Annotated[bytes, restrict(base64Binary, max_length=64)]
sessionIDType = Annotated[bytes, restrict(hexBinary, max_length=8)]
evccIDType = Annotated[bytes, restrict(hexBinary, max_length=6)]
evseIDType = Annotated[str, restrict(string, min_length=7, max_length=37)]
serviceIDType = Annotated[int, restrict(unsignedShort)]
eMAIDType = Annotated[str, restrict(string, min_length=14, max_length=15)]
meterIDType = Annotated[str, restrict(string, max_length=32)]
SAIDType = Annotated[int, restrict(unsignedByte, min_inclusive=1, max_inclusive=255)]
tariffDescriptionType = Annotated[str, restrict(string, max_length=32)]


class costKindType(Enumeration):
    relativePricePercentage = "relativePricePercentage"
    RenewableGenerationPercentage = "RenewableGenerationPercentage"
    CarbonDioxideEmission = "CarbonDioxideEmission"


class paymentOptionType(Enumeration):
    Contract = "Contract"
    ExternalPayment = "ExternalPayment"


class faultCodeType(Enumeration):
    ParsingError = "ParsingError"
    NoTLSRootCertificatAvailable = "NoTLSRootCertificatAvailable"
    UnknownError = "UnknownError"


class responseCodeType(Enumeration):
    OK = "OK"
    OK_NewSessionEstablished = "OK_NewSessionEstablished"
    OK_OldSessionJoined = "OK_OldSessionJoined"
    OK_CertificateExpiresSoon = "OK_CertificateExpiresSoon"
    FAILED = "FAILED"
    FAILED_SequenceError = "FAILED_SequenceError"
    FAILED_ServiceIDInvalid = "FAILED_ServiceIDInvalid"
    FAILED_UnknownSession = "FAILED_UnknownSession"
    FAILED_ServiceSelectionInvalid = "FAILED_ServiceSelectionInvalid"
    FAILED_PaymentSelectionInvalid = "FAILED_PaymentSelectionInvalid"
    FAILED_CertificateExpired = "FAILED_CertificateExpired"
    FAILED_SignatureError = "FAILED_SignatureError"
    FAILED_NoCertificateAvailable = "FAILED_NoCertificateAvailable"
    FAILED_CertChainError = "FAILED_CertChainError"
    FAILED_ChallengeInvalid = "FAILED_ChallengeInvalid"
    FAILED_ContractCanceled = "FAILED_ContractCanceled"
    FAILED_WrongChargeParameter = "FAILED_WrongChargeParameter"
    FAILED_PowerDeliveryNotApplied = "FAILED_PowerDeliveryNotApplied"
    FAILED_TariffSelectionInvalid = "FAILED_TariffSelectionInvalid"
    FAILED_ChargingProfileInvalid = "FAILED_ChargingProfileInvalid"
    FAILED_MeteringSignatureNotValid = "FAILED_MeteringSignatureNotValid"
    FAILED_NoChargeServiceSelected = "FAILED_NoChargeServiceSelected"
    FAILED_WrongEnergyTransferMode = "FAILED_WrongEnergyTransferMode"
    FAILED_ContactorError = "FAILED_ContactorError"
    FAILED_CertificateNotAllowedAtThisEVSE = "FAILED_CertificateNotAllowedAtThisEVSE"
    FAILED_CertificateRevoked = "FAILED_CertificateRevoked"


unitMultiplierType = Annotated[int, restrict(byte, min_inclusive=-3, max_inclusive=3)]


class unitSymbolType(Enumeration):
    h = "h"
    m = "m"
    s = "s"
    A = "A"
    V = "V"
    W = "W"
    Wh = "Wh"


class DC_EVSEStatusCodeType(Enumeration):
    EVSE_NotReady = "EVSE_NotReady"
    EVSE_Ready = "EVSE_Ready"
    EVSE_Shutdown = "EVSE_Shutdown"
    EVSE_UtilityInterruptEvent = "EVSE_UtilityInterruptEvent"
    EVSE_IsolationMonitoringActive = "EVSE_IsolationMonitoringActive"
    EVSE_EmergencyShutdown = "EVSE_EmergencyShutdown"
    EVSE_Malfunction = "EVSE_Malfunction"
    Reserved_8 = "Reserved_8"
    Reserved_9 = "Reserved_9"
    Reserved_A = "Reserved_A"
    Reserved_B = "Reserved_B"
    Reserved_C = "Reserved_C"


class isolationLevelType(Enumeration):
    Invalid = "Invalid"
    Valid = "Valid"
    Warning = "Warning"
    Fault = "Fault"
    No_IMD = "No_IMD"


class DC_EVErrorCodeType(Enumeration):
    NO_ERROR = "NO_ERROR"
    FAILED_RESSTemperatureInhibit = "FAILED_RESSTemperatureInhibit"
    FAILED_EVShiftPosition = "FAILED_EVShiftPosition"
    FAILED_ChargerConnectorLockFault = "FAILED_ChargerConnectorLockFault"
    FAILED_EVRESSMalfunction = "FAILED_EVRESSMalfunction"
    FAILED_ChargingCurrentdifferential = "FAILED_ChargingCurrentdifferential"
    FAILED_ChargingVoltageOutOfRange = "FAILED_ChargingVoltageOutOfRange"
    Reserved_A = "Reserved_A"
    Reserved_B = "Reserved_B"
    Reserved_C = "Reserved_C"
    FAILED_ChargingSystemIncompatibility = "FAILED_ChargingSystemIncompatibility"
    NoData = "NoData"


class ServiceType(ComplexType):
    ServiceID: serviceIDType
    ServiceName: serviceNameType | None = None
    ServiceCategory: serviceCategoryType
    ServiceScope: serviceScopeType | None = None
    FreeService: boolean


class ServiceListType(ComplexType):
    Service: Annotated[list[ServiceType], occurs(1, 8)]


class SelectedServiceListType(ComplexType):
    SelectedService: Annotated[list[SelectedServiceType], occurs(1, 16)]


class SelectedServiceType(ComplexType):
    ServiceID: serviceIDType
    ParameterSetID: short | None = None


class ServiceParameterListType(ComplexType):
    ParameterSet: Annotated[list[ParameterSetType], occurs(1, 255)]


class ParameterSetType(ComplexType):
    ParameterSetID: short
    Parameter: Annotated[list[ParameterType], occurs(1, 16)]


class ParameterType(ComplexType):
    Name: Annotated[string, attribute()]
    boolValue: boolean | None = None
    byteValue: byte | None = None
    shortValue: short | None = None
    intValue: int_ | None = None
    physicalValue: PhysicalValueType | None = None
    stringValue: string | None = None
    _content_ = choice("boolValue", "byteValue", "shortValue", "intValue", "physicalValue", "stringValue")


class ChargeServiceType(ServiceType):
    SupportedEnergyTransferMode: SupportedEnergyTransferModeType


class SupportedEnergyTransferModeType(ComplexType):
    EnergyTransferMode: Annotated[list[EnergyTransferModeType], occurs(1, 6)]


class ContractSignatureEncryptedPrivateKeyType(ComplexType):
    Id: Annotated[ID, attribute()]
    value: Annotated[privateKeyType, text()]


class DiffieHellmanPublickeyType(ComplexType):
    Id: Annotated[ID, attribute()]
    value: Annotated[dHpublickeyType, text()]


class EMAIDType(ComplexType):
    Id: Annotated[ID, attribute()]
    value: Annotated[eMAIDType, text()]


class CertificateChainType(ComplexType):
    Id: Annotated[ID | None, attribute()] = None
    Certificate: certificateType
    SubCertificates: SubCertificatesType | None = None


class SubCertificatesType(ComplexType):
    Certificate: Annotated[list[certificateType], occurs(1, 4)]


class ListOfRootCertificateIDsType(ComplexType):
    RootCertificateID: Annotated[list[X509IssuerSerialType], occurs(1, 20)]


class MeterInfoType(ComplexType):
    MeterID: meterIDType
    MeterReading: unsignedLong | None = None
    SigMeterReading: sigMeterReadingType | None = None
    MeterStatus: meterStatusType | None = None
    TMeter: long | None = None


class PhysicalValueType(ComplexType):
    Multiplier: unitMultiplierType
    Unit: unitSymbolType
    Value: short
    _quantity_ = Quantity("Value", "Multiplier", "Unit")


class NotificationType(ComplexType):
    FaultCode: faultCodeType
    FaultMsg: faultMsgType | None = None


class SASchedulesType(ComplexType):
    _abstract_ = True


SASchedules = element(SASchedulesType, abstract=True)


class SAScheduleListType(SASchedulesType):
    SAScheduleTuple: Annotated[list[SAScheduleTupleType], occurs(1, 3)]


SAScheduleList = element(SAScheduleListType, substitutes=SASchedules)


class SAScheduleTupleType(ComplexType):
    SAScheduleTupleID: SAIDType
    PMaxSchedule: PMaxScheduleType
    SalesTariff: SalesTariffType | None = None


class SalesTariffType(ComplexType):
    Id: Annotated[ID | None, attribute()] = None
    SalesTariffID: SAIDType
    SalesTariffDescription: tariffDescriptionType | None = None
    NumEPriceLevels: unsignedByte | None = None
    SalesTariffEntry: Annotated[list[SalesTariffEntryType], ref(SalesTariffEntry), occurs(1, 1024)]


class PMaxScheduleType(ComplexType):
    PMaxScheduleEntry: Annotated[list[PMaxScheduleEntryType], ref(PMaxScheduleEntry), occurs(1, 1024)]


class EntryType(ComplexType):
    _abstract_ = True
    TimeInterval: Annotated[IntervalType, ref(TimeInterval)]


Entry = element(EntryType, abstract=True)


class SalesTariffEntryType(EntryType):
    EPriceLevel: unsignedByte | None = None
    ConsumptionCost: Annotated[list[ConsumptionCostType], occurs(0, 3)]


SalesTariffEntry = element(SalesTariffEntryType, substitutes=Entry)


class PMaxScheduleEntryType(EntryType):
    PMax: PhysicalValueType


PMaxScheduleEntry = element(PMaxScheduleEntryType, substitutes=Entry)


class IntervalType(ComplexType):
    _abstract_ = True


TimeInterval = element(IntervalType, abstract=True)


class RelativeTimeIntervalType(IntervalType):
    start: Annotated[int, restrict(unsignedInt, min_inclusive=0, max_inclusive=16777214)]
    duration: Annotated[int, restrict(unsignedInt, min_inclusive=0, max_inclusive=86400)] | None = None


RelativeTimeInterval = element(RelativeTimeIntervalType, substitutes=TimeInterval)


class ConsumptionCostType(ComplexType):
    startValue: PhysicalValueType
    Cost: Annotated[list[CostType], occurs(1, 3)]


class CostType(ComplexType):
    costKind: costKindType
    amount: unsignedInt
    amountMultiplier: unitMultiplierType | None = None


class EVSEStatusType(ComplexType):
    _abstract_ = True
    NotificationMaxDelay: unsignedShort
    EVSENotification: EVSENotificationType


EVSEStatus = element(EVSEStatusType, abstract=True)


class AC_EVSEStatusType(EVSEStatusType):
    RCD: boolean


AC_EVSEStatus = element(AC_EVSEStatusType, substitutes=EVSEStatus)


class EVStatusType(ComplexType):
    _abstract_ = True


EVStatus = element(EVStatusType, abstract=True)


class DC_EVSEStatusType(EVSEStatusType):
    EVSEIsolationStatus: isolationLevelType | None = None
    EVSEStatusCode: DC_EVSEStatusCodeType


DC_EVSEStatus = element(DC_EVSEStatusType, substitutes=EVSEStatus)


class DC_EVStatusType(EVStatusType):
    EVReady: boolean
    EVErrorCode: DC_EVErrorCodeType
    EVRESSSOC: percentValueType


DC_EVStatus = element(DC_EVStatusType, substitutes=EVStatus)


class EVChargeParameterType(ComplexType):
    _abstract_ = True
    DepartureTime: unsignedInt | None = None


EVChargeParameter = element(EVChargeParameterType, abstract=True)


class AC_EVChargeParameterType(EVChargeParameterType):
    EAmount: PhysicalValueType
    EVMaxVoltage: PhysicalValueType
    EVMaxCurrent: PhysicalValueType
    EVMinCurrent: PhysicalValueType


AC_EVChargeParameter = element(AC_EVChargeParameterType, substitutes=EVChargeParameter)


class DC_EVChargeParameterType(EVChargeParameterType):
    DC_EVStatus: DC_EVStatusType
    EVMaximumCurrentLimit: PhysicalValueType
    EVMaximumPowerLimit: PhysicalValueType | None = None
    EVMaximumVoltageLimit: PhysicalValueType
    EVEnergyCapacity: PhysicalValueType | None = None
    EVEnergyRequest: PhysicalValueType | None = None
    FullSOC: percentValueType | None = None
    BulkSOC: percentValueType | None = None


DC_EVChargeParameter = element(DC_EVChargeParameterType, substitutes=EVChargeParameter)


class EVSEChargeParameterType(ComplexType):
    _abstract_ = True


EVSEChargeParameter = element(EVSEChargeParameterType, abstract=True)


class AC_EVSEChargeParameterType(EVSEChargeParameterType):
    AC_EVSEStatus: AC_EVSEStatusType
    EVSENominalVoltage: PhysicalValueType
    EVSEMaxCurrent: PhysicalValueType


AC_EVSEChargeParameter = element(AC_EVSEChargeParameterType, substitutes=EVSEChargeParameter)


class DC_EVSEChargeParameterType(EVSEChargeParameterType):
    DC_EVSEStatus: DC_EVSEStatusType
    EVSEMaximumCurrentLimit: PhysicalValueType
    EVSEMaximumPowerLimit: PhysicalValueType
    EVSEMaximumVoltageLimit: PhysicalValueType
    EVSEMinimumCurrentLimit: PhysicalValueType
    EVSEMinimumVoltageLimit: PhysicalValueType
    EVSECurrentRegulationTolerance: PhysicalValueType | None = None
    EVSEPeakCurrentRipple: PhysicalValueType
    EVSEEnergyToBeDelivered: PhysicalValueType | None = None


DC_EVSEChargeParameter = element(DC_EVSEChargeParameterType, substitutes=EVSEChargeParameter)


class EVPowerDeliveryParameterType(ComplexType):
    _abstract_ = True


EVPowerDeliveryParameter = element(EVPowerDeliveryParameterType, abstract=True)


class DC_EVPowerDeliveryParameterType(EVPowerDeliveryParameterType):
    DC_EVStatus: DC_EVStatusType
    BulkChargingComplete: boolean | None = None
    ChargingComplete: boolean


DC_EVPowerDeliveryParameter = element(DC_EVPowerDeliveryParameterType, substitutes=EVPowerDeliveryParameter)


class ChargingProfileType(ComplexType):
    ProfileEntry: Annotated[list[ProfileEntryType], occurs(1, 24)]


class ProfileEntryType(ComplexType):
    ChargingProfileEntryStart: unsignedInt
    ChargingProfileEntryMaxPower: PhysicalValueType
    ChargingProfileEntryMaxNumberOfPhasesInUse: maxNumPhasesType | None = None


class PaymentOptionListType(ComplexType):
    PaymentOption: Annotated[list[paymentOptionType], occurs(1, 2)]
