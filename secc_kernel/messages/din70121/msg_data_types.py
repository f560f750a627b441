"""DIN SPEC 70121:2012, V2G_CI_MsgDataTypes.xsd: the types that messages are made of."""

from __future__ import annotations

from typing import Annotated

from ...exi.datatypes import (
    IDREF,
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
    unsignedShort,
)
from ...exi.declare import UNBOUNDED, ComplexType, Namespace, attribute, choice, element, occurs, ref
from ...exi.quantity import Quantity

NAMESPACE = Namespace("urn:din:70121:2012:MsgDataTypes", attributes=False)


class valueType(Enumeration):
    bool = "bool"
    byte = "byte"
    short = "short"
    int = "int"
    physicalValue = "physicalValue"
    string = "string"


meterStatusType = Annotated[int, restrict(short)]
PMaxType = Annotated[int, restrict(short)]
percentValueType = Annotated[int, restrict(byte, min_inclusive=0, max_inclusive=100, unit="%")]
faultMsgType = Annotated[str, restrict(string, max_length=64)]


class EVSEProcessingType(Enumeration):
    Finished = "Finished"
    Ongoing = "Ongoing"


class EVSENotificationType(Enumeration):
    None_ = "None"
    StopCharging = "StopCharging"
    ReNegotiation = "ReNegotiation"


serviceNameType = Annotated[str, restrict(string, max_length=32)]


class serviceCategoryType(Enumeration):
    EVCharging = "EVCharging"
    Internet = "Internet"
    ContractCertificate = "ContractCertificate"
    OtherCustom = "OtherCustom"


serviceScopeType = Annotated[str, restrict(string, max_length=32)]


class EVSESupportedEnergyTransferType(Enumeration):
    AC_single_phase_core = "AC_single_phase_core"
    AC_three_phase_core = "AC_three_phase_core"
    DC_core = "DC_core"
    DC_extended = "DC_extended"
    DC_combo_core = "DC_combo_core"
    DC_dual = "DC_dual"
    AC_core1p_DC_extended = "AC_core1p_DC_extended"
    AC_single_DC_core = "AC_single_DC_core"
    AC_single_phase_three_phase_core_DC_extended = "AC_single_phase_three_phase_core_DC_extended"
    AC_core3p_DC_extended = "AC_core3p_DC_extended"


class EVRequestedEnergyTransferType(Enumeration):
    AC_single_phase_core = "AC_single_phase_core"
    AC_three_phase_core = "AC_three_phase_core"
    DC_core = "DC_core"
    DC_extended = "DC_extended"
    DC_combo_core = "DC_combo_core"
    DC_unique = "DC_unique"


genChallengeType = Annotated[str, restrict(string)]
certificateType = Annotated[bytes, restrict(base64Binary, max_length=1200)]
rootCertificateIDType = Annotated[str, restrict(string, max_length=40)]
dHParamsType = Annotated[bytes, restrict(base64Binary, max_length=256)]
privateKeyType = Annotated[bytes, restrict(base64Binary, max_length=128)]
sigMeterReadingType = Annotated[bytes, restrict(base64Binary, max_length=32)]
sessionIDType = Annotated[bytes, restrict(hexBinary, max_length=8)]
evccIDType = Annotated[bytes, restrict(hexBinary, max_length=8)]
evseIDType = Annotated[bytes, restrict(hexBinary, max_length=32, ascii=True)]
serviceIDType = Annotated[int, restrict(unsignedShort)]
contractIDType = Annotated[str, restrict(string, max_length=24)]
meterIDType = Annotated[str, restrict(string, max_length=32)]
SAIDType = Annotated[int, restrict(short)]
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
    FAILED_EVSEPresentVoltageToLow = "FAILED_EVSEPresentVoltageToLow"
    FAILED_MeteringSignatureNotValid = "FAILED_MeteringSignatureNotValid"
    FAILED_WrongEnergyTransferType = "FAILED_WrongEnergyTransferType"


unitMultiplierType = Annotated[int, restrict(byte, min_inclusive=-3, max_inclusive=3)]


class unitSymbolType(Enumeration):
    h = "h"
    m = "m"
    s = "s"
    A = "A"
    Ah = "Ah"
    V = "V"
    VA = "VA"
    W = "W"
    W_s = "W/s"
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
    ServiceTag: ServiceTagType
    FreeService: boolean


class ServiceTagListType(ComplexType):
    Service: Annotated[list[ServiceType], occurs(1, UNBOUNDED)]


class ServiceTagType(ComplexType):
    ServiceID: serviceIDType
    ServiceName: serviceNameType | None = None
    ServiceCategory: serviceCategoryType
    ServiceScope: serviceScopeType | None = None


class SelectedServiceListType(ComplexType):
    SelectedService: Annotated[list[SelectedServiceType], occurs(1, UNBOUNDED)]


class SelectedServiceType(ComplexType):
    ServiceID: serviceIDType
    ParameterSetID: short | None = None


class ServiceParameterListType(ComplexType):
    ParameterSet: Annotated[list[ParameterSetType], occurs(1, UNBOUNDED)]


class ParameterSetType(ComplexType):
    ParameterSetID: short
    Parameter: Annotated[list[ParameterType], occurs(1, UNBOUNDED)]


class ParameterType(ComplexType):
    Name: Annotated[string, attribute()]
    ValueType: Annotated[valueType, attribute()]
    boolValue: boolean | None = None
    byteValue: byte | None = None
    shortValue: short | None = None
    intValue: int_ | None = None
    physicalValue: PhysicalValueType | None = None
    stringValue: string | None = None
    _content_ = choice("boolValue", "byteValue", "shortValue", "intValue", "physicalValue", "stringValue")


class ServiceChargeType(ServiceType):
    EnergyTransferType: EVSESupportedEnergyTransferType


ServiceCharge = element(ServiceChargeType)


class CertificateChainType(ComplexType):
    Certificate: certificateType
    SubCertificates: SubCertificatesType | None = None


class SubCertificatesType(ComplexType):
    Certificate: Annotated[list[certificateType], occurs(1, UNBOUNDED)]


class ListOfRootCertificateIDsType(ComplexType):
    RootCertificateID: Annotated[list[rootCertificateIDType], occurs(1, UNBOUNDED)]


class MeterInfoType(ComplexType):
    MeterID: meterIDType
    MeterReading: PhysicalValueType | None = None
    SigMeterReading: sigMeterReadingType | None = None
    MeterStatus: meterStatusType | None = None
    TMeter: long | None = None


class PhysicalValueType(ComplexType):
    Multiplier: unitMultiplierType
    Unit: unitSymbolType | None = None
    Value: short
    _quantity_ = Quantity("Value", "Multiplier", "Unit")


class NotificationType(ComplexType):
    FaultCode: faultCodeType
    FaultMsg: faultMsgType | None = None


class SASchedulesType(ComplexType):
    _abstract_ = True


SASchedules = element(SASchedulesType)


class SAScheduleListType(SASchedulesType):
    SAScheduleTuple: Annotated[list[SAScheduleTupleType], occurs(1, UNBOUNDED)]


SAScheduleList = element(SAScheduleListType, substitutes=SASchedules)


class SAScheduleTupleType(ComplexType):
    SAScheduleTupleID: SAIDType
    PMaxSchedule: PMaxScheduleType
    SalesTariff: SalesTariffType | None = None


class SalesTariffType(ComplexType):
    Id: Annotated[IDREF, attribute()]
    SalesTariffID: SAIDType
    SalesTariffDescription: tariffDescriptionType | None = None
    NumEPriceLevels: unsignedByte
    SalesTariffEntry: Annotated[list[SalesTariffEntryType], ref(SalesTariffEntry), occurs(1, UNBOUNDED)]


class PMaxScheduleType(ComplexType):
    PMaxScheduleID: SAIDType
    PMaxScheduleEntry: Annotated[list[PMaxScheduleEntryType], ref(PMaxScheduleEntry), occurs(1, UNBOUNDED)]


class EntryType(ComplexType):
    _abstract_ = True
    TimeInterval: Annotated[IntervalType, ref(TimeInterval)]


Entry = element(EntryType)


class SalesTariffEntryType(EntryType):
    EPriceLevel: unsignedByte
    ConsumptionCost: Annotated[list[ConsumptionCostType], occurs(0, UNBOUNDED)]


SalesTariffEntry = element(SalesTariffEntryType, substitutes=Entry)


class PMaxScheduleEntryType(EntryType):
    PMax: PMaxType


PMaxScheduleEntry = element(PMaxScheduleEntryType, substitutes=Entry)


class IntervalType(ComplexType):
    _abstract_ = True


TimeInterval = element(IntervalType)


class RelativeTimeIntervalType(IntervalType):
    start: unsignedInt
    duration: unsignedInt | None = None


RelativeTimeInterval = element(RelativeTimeIntervalType, substitutes=TimeInterval)


class ConsumptionCostType(ComplexType):
    startValue: unsignedInt
    Cost: Annotated[list[CostType], occurs(0, UNBOUNDED)]


class CostType(ComplexType):
    costKind: costKindType
    amount: unsignedInt
    amountMultiplier: unitMultiplierType | None = None


class EVSEStatusType(ComplexType):
    _abstract_ = True


EVSEStatus = element(EVSEStatusType)


class AC_EVSEStatusType(EVSEStatusType):
    PowerSwitchClosed: boolean
    RCD: boolean
    NotificationMaxDelay: unsignedInt
    EVSENotification: EVSENotificationType


AC_EVSEStatus = element(AC_EVSEStatusType, substitutes=EVSEStatus)


class EVStatusType(ComplexType):
    _abstract_ = True


EVStatus = element(EVStatusType)


class DC_EVSEStatusType(EVSEStatusType):
    EVSEIsolationStatus: isolationLevelType | None = None
    EVSEStatusCode: DC_EVSEStatusCodeType
    NotificationMaxDelay: unsignedInt
    EVSENotification: EVSENotificationType


DC_EVSEStatus = element(DC_EVSEStatusType, substitutes=EVSEStatus)


class DC_EVStatusType(EVStatusType):
    EVReady: boolean
    EVCabinConditioning: boolean | None = None
    EVRESSConditioning: boolean | None = None
    EVErrorCode: DC_EVErrorCodeType
    EVRESSSOC: percentValueType


DC_EVStatus = element(DC_EVStatusType, substitutes=EVStatus)


class EVChargeParameterType(ComplexType):
    _abstract_ = True


EVChargeParameter = element(EVChargeParameterType)


class AC_EVChargeParameterType(EVChargeParameterType):
    DepartureTime: unsignedInt
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


EVSEChargeParameter = element(EVSEChargeParameterType)


class AC_EVSEChargeParameterType(EVSEChargeParameterType):
    AC_EVSEStatus: AC_EVSEStatusType
    EVSEMaxVoltage: PhysicalValueType
    EVSEMaxCurrent: PhysicalValueType
    EVSEMinCurrent: PhysicalValueType


AC_EVSEChargeParameter = element(AC_EVSEChargeParameterType, substitutes=EVSEChargeParameter)


class DC_EVSEChargeParameterType(EVSEChargeParameterType):
    DC_EVSEStatus: DC_EVSEStatusType
    EVSEMaximumCurrentLimit: PhysicalValueType
    EVSEMaximumPowerLimit: PhysicalValueType | None = None
    EVSEMaximumVoltageLimit: PhysicalValueType
    EVSEMinimumCurrentLimit: PhysicalValueType
    EVSEMinimumVoltageLimit: PhysicalValueType
    EVSECurrentRegulationTolerance: PhysicalValueType | None = None
    EVSEPeakCurrentRipple: PhysicalValueType
    EVSEEnergyToBeDelivered: PhysicalValueType | None = None


DC_EVSEChargeParameter = element(DC_EVSEChargeParameterType, substitutes=EVSEChargeParameter)


class EVPowerDeliveryParameterType(ComplexType):
    _abstract_ = True


EVPowerDeliveryParameter = element(EVPowerDeliveryParameterType)


class DC_EVPowerDeliveryParameterType(EVPowerDeliveryParameterType):
    DC_EVStatus: DC_EVStatusType
    BulkChargingComplete: boolean | None = None
    ChargingComplete: boolean


DC_EVPowerDeliveryParameter = element(DC_EVPowerDeliveryParameterType, substitutes=EVPowerDeliveryParameter)


class ChargingProfileType(ComplexType):
    SAScheduleTupleID: SAIDType
    ProfileEntry: Annotated[list[ProfileEntryType], occurs(1, UNBOUNDED)]


class ProfileEntryType(ComplexType):
    ChargingProfileEntryStart: unsignedInt
    ChargingProfileEntryMaxPower: PMaxType


class PaymentOptionsType(ComplexType):
    PaymentOption: Annotated[list[paymentOptionType], occurs(1, UNBOUNDED)]
