"""ISO 15118-20:2022, V2G_CI_CommonMessages.xsd: messages common to all energy transfers."""

from __future__ import annotations

from typing import Annotated

from ...exi.datatypes import (
    ID,
    Enumeration,
    base64Binary,
    boolean,
    byte,
    int_,
    restrict,
    short,
    string,
    unsignedByte,
    unsignedInt,
    unsignedLong,
    unsignedShort,
)
from ...exi.declare import ComplexType, Namespace, attribute, choice, element, occurs, sequence
from .common_types import (
    EVSEStatusType,
    ListOfRootCertificateIDsType,
    MeterInfoType,
    RationalNumberType,
    ReceiptType,
    V2GRequestType,
    V2GResponseType,
    descriptionType,
    identifierType,
    nameType,
    numericIDType,
    percentValueType,
    processingType,
    sessionIDType,
)

NAMESPACE = Namespace("urn:iso:std:iso:15118:-20:CommonMessages")


class authorizationType(Enumeration):
    EIM = "EIM"
    PnC = "PnC"


genChallengeType = Annotated[bytes, restrict(base64Binary, length=16)]
serviceIDType = Annotated[int, restrict(unsignedShort)]
maxSupportingPointsScheduleTupleType = Annotated[int, restrict(unsignedShort, min_inclusive=12, max_inclusive=1024)]


class chargeProgressType(Enumeration):
    Start = "Start"
    Stop = "Stop"
    Standby = "Standby"
    ScheduleRenegotiation = "ScheduleRenegotiation"


class channelSelectionType(Enumeration):
    Charge = "Charge"
    Discharge = "Discharge"


class ecdhCurveType(Enumeration):
    SECP521 = "SECP521"
    X448 = "X448"


dhPublicKeyType = Annotated[bytes, restrict(base64Binary, length=133)]
secp521_EncryptedPrivateKeyType = Annotated[bytes, restrict(base64Binary, length=94)]
x448_EncryptedPrivateKeyType = Annotated[bytes, restrict(base64Binary, length=84)]
tpm_EncryptedPrivateKeyType = Annotated[bytes, restrict(base64Binary, length=206)]


class chargingSessionType(Enumeration):
    Pause = "Pause"
    Terminate = "Terminate"
    ServiceRenegotiation = "ServiceRenegotiation"


class evCheckInStatusType(Enumeration):
    CheckIn = "CheckIn"
    Processing = "Processing"
    Completed = "Completed"


class evCheckOutStatusType(Enumeration):
    CheckOut = "CheckOut"
    Processing = "Processing"
    Completed = "Completed"


class evseCheckOutStatusType(Enumeration):
    Scheduled = "Scheduled"
    Completed = "Completed"


class parkingMethodType(Enumeration):
    AutoParking = "AutoParking"
    MVGuideManual = "MVGuideManual"
    Manual = "Manual"


currencyType = Annotated[str, restrict(string, max_length=3)]
languageType = Annotated[str, restrict(string, max_length=3)]


class powerToleranceAcceptanceType(Enumeration):
    PowerToleranceNotConfirmed = "PowerToleranceNotConfirmed"
    PowerToleranceConfirmed = "PowerToleranceConfirmed"


certificateType = Annotated[bytes, restrict(base64Binary, max_length=1600)]


class SessionSetupReqType(V2GRequestType):
    EVCCID: identifierType


SessionSetupReq = element(SessionSetupReqType)


class SessionSetupResType(V2GResponseType):
    EVSEID: identifierType


SessionSetupRes = element(SessionSetupResType)


class AuthorizationSetupReqType(V2GRequestType):
    pass


AuthorizationSetupReq = element(AuthorizationSetupReqType)


class AuthorizationSetupResType(V2GResponseType):
    AuthorizationServices: Annotated[list[authorizationType], occurs(1, 2)]
    CertificateInstallationService: boolean
    EIM_ASResAuthorizationMode: EIM_ASResAuthorizationModeType | None = None
    PnC_ASResAuthorizationMode: PnC_ASResAuthorizationModeType | None = None
    _content_ = sequence(
        "AuthorizationServices",
        "CertificateInstallationService",
        choice("EIM_ASResAuthorizationMode", "PnC_ASResAuthorizationMode"),
    )


AuthorizationSetupRes = element(AuthorizationSetupResType)


class AuthorizationReqType(V2GRequestType):
    SelectedAuthorizationService: authorizationType
    EIM_AReqAuthorizationMode: EIM_AReqAuthorizationModeType | None = None
    PnC_AReqAuthorizationMode: PnC_AReqAuthorizationModeType | None = None
    _content_ = sequence(
        "SelectedAuthorizationService", choice("EIM_AReqAuthorizationMode", "PnC_AReqAuthorizationMode")
    )


AuthorizationReq = element(AuthorizationReqType)


class AuthorizationResType(V2GResponseType):
    EVSEProcessing: processingType


AuthorizationRes = element(AuthorizationResType)


class ServiceDiscoveryReqType(V2GRequestType):
    SupportedServiceIDs: ServiceIDListType | None = None


ServiceDiscoveryReq = element(ServiceDiscoveryReqType)


class ServiceDiscoveryResType(V2GResponseType):
    ServiceRenegotiationSupported: boolean
    EnergyTransferServiceList: ServiceListType
    VASList: ServiceListType | None = None


ServiceDiscoveryRes = element(ServiceDiscoveryResType)


class ServiceDetailReqType(V2GRequestType):
    ServiceID: serviceIDType


ServiceDetailReq = element(ServiceDetailReqType)


class ServiceDetailResType(V2GResponseType):
    ServiceID: serviceIDType
    ServiceParameterList: ServiceParameterListType


ServiceDetailRes = element(ServiceDetailResType)


class ServiceSelectionReqType(V2GRequestType):
    SelectedEnergyTransferService: SelectedServiceType
    SelectedVASList: SelectedServiceListType | None = None


ServiceSelectionReq = element(ServiceSelectionReqType)


class ServiceSelectionResType(V2GResponseType):
    pass


ServiceSelectionRes = element(ServiceSelectionResType)


class ScheduleExchangeReqType(V2GRequestType):
    MaximumSupportingPoints: maxSupportingPointsScheduleTupleType
    Dynamic_SEReqControlMode: Dynamic_SEReqControlModeType | None = None
    Scheduled_SEReqControlMode: Scheduled_SEReqControlModeType | None = None
    _content_ = sequence("MaximumSupportingPoints", choice("Dynamic_SEReqControlMode", "Scheduled_SEReqControlMode"))


ScheduleExchangeReq = element(ScheduleExchangeReqType)


class ScheduleExchangeResType(V2GResponseType):
    EVSEProcessing: processingType
    GoToPause: boolean | None = None
    Dynamic_SEResControlMode: Dynamic_SEResControlModeType | None = None
    Scheduled_SEResControlMode: Scheduled_SEResControlModeType | None = None
    _content_ = sequence(
        "EVSEProcessing", "GoToPause", choice("Dynamic_SEResControlMode", "Scheduled_SEResControlMode")
    )


ScheduleExchangeRes = element(ScheduleExchangeResType)


class PowerDeliveryReqType(V2GRequestType):
    EVProcessing: processingType
    ChargeProgress: chargeProgressType
    EVPowerProfile: EVPowerProfileType | None = None
    BPT_ChannelSelection: channelSelectionType | None = None


PowerDeliveryReq = element(PowerDeliveryReqType)


class PowerDeliveryResType(V2GResponseType):
    EVSEStatus: EVSEStatusType | None = None


PowerDeliveryRes = element(PowerDeliveryResType)


class MeteringConfirmationReqType(V2GRequestType):
    SignedMeteringData: SignedMeteringDataType


MeteringConfirmationReq = element(MeteringConfirmationReqType)


class MeteringConfirmationResType(V2GResponseType):
    pass


MeteringConfirmationRes = element(MeteringConfirmationResType)


class SessionStopReqType(V2GRequestType):
    ChargingSession: chargingSessionType
    EVTerminationCode: nameType | None = None
    EVTerminationExplanation: descriptionType | None = None


SessionStopReq = element(SessionStopReqType)


class SessionStopResType(V2GResponseType):
    pass


SessionStopRes = element(SessionStopResType)


class CertificateInstallationReqType(V2GRequestType):
    OEMProvisioningCertificateChain: SignedCertificateChainType
    ListOfRootCertificateIDs: ListOfRootCertificateIDsType
    MaximumContractCertificateChains: unsignedByte
    PrioritizedEMAIDs: EMAIDListType | None = None


CertificateInstallationReq = element(CertificateInstallationReqType)


class CertificateInstallationResType(V2GResponseType):
    EVSEProcessing: processingType
    CPSCertificateChain: CertificateChainType
    SignedInstallationData: SignedInstallationDataType
    RemainingContractCertificateChains: unsignedByte


CertificateInstallationRes = element(CertificateInstallationResType)


class VehicleCheckInReqType(V2GRequestType):
    EVCheckInStatus: evCheckInStatusType
    ParkingMethod: parkingMethodType
    VehicleFrame: short | None = None
    DeviceOffset: short | None = None
    VehicleTravel: short | None = None


VehicleCheckInReq = element(VehicleCheckInReqType)


class VehicleCheckInResType(V2GResponseType):
    ParkingSpace: short | None = None
    DeviceLocation: short | None = None
    TargetDistance: short | None = None


VehicleCheckInRes = element(VehicleCheckInResType)


class VehicleCheckOutReqType(V2GRequestType):
    EVCheckOutStatus: evCheckOutStatusType
    CheckOutTime: unsignedLong


VehicleCheckOutReq = element(VehicleCheckOutReqType)


class VehicleCheckOutResType(V2GResponseType):
    EVSECheckOutStatus: evseCheckOutStatusType


VehicleCheckOutRes = element(VehicleCheckOutResType)


class PnC_ASResAuthorizationModeType(ComplexType):
    GenChallenge: genChallengeType
    SupportedProviders: SupportedProvidersListType | None = None


class SupportedProvidersListType(ComplexType):
    ProviderID: Annotated[list[nameType], occurs(1, 128)]


class EIM_ASResAuthorizationModeType(ComplexType):
    pass


class PnC_AReqAuthorizationModeType(ComplexType):
    Id: Annotated[ID, attribute()]
    GenChallenge: genChallengeType
    ContractCertificateChain: ContractCertificateChainType


class EIM_AReqAuthorizationModeType(ComplexType):
    pass


class ServiceIDListType(ComplexType):
    ServiceID: Annotated[list[serviceIDType], occurs(1, 16)]


class ServiceType(ComplexType):
    ServiceID: serviceIDType
    FreeService: boolean


class ServiceListType(ComplexType):
    Service: Annotated[list[ServiceType], occurs(1, 8)]


class SelectedServiceType(ComplexType):
    ServiceID: serviceIDType
    ParameterSetID: serviceIDType


class SelectedServiceListType(ComplexType):
    SelectedService: Annotated[list[SelectedServiceType], occurs(1, 16)]


class ParameterType(ComplexType):
    Name: Annotated[nameType, attribute()]
    boolValue: boolean | None = None
    byteValue: byte | None = None
    shortValue: short | None = None
    intValue: int_ | None = None
    rationalNumber: RationalNumberType | None = None
    finiteString: nameType | None = None
    _content_ = choice("boolValue", "byteValue", "shortValue", "intValue", "rationalNumber", "finiteString")


class ParameterSetType(ComplexType):
    ParameterSetID: serviceIDType
    Parameter: Annotated[list[ParameterType], occurs(1, 32)]


class ServiceParameterListType(ComplexType):
    ParameterSet: Annotated[list[ParameterSetType], occurs(1, 32)]


class ScheduleTupleType(ComplexType):
    ScheduleTupleID: numericIDType
    ChargingSchedule: ChargingScheduleType
    DischargingSchedule: ChargingScheduleType | None = None


class ChargingScheduleType(ComplexType):
    PowerSchedule: PowerScheduleType
    AbsolutePriceSchedule: AbsolutePriceScheduleType | None = None
    PriceLevelSchedule: PriceLevelScheduleType | None = None
    _content_ = sequence("PowerSchedule", choice("AbsolutePriceSchedule", "PriceLevelSchedule", min=0))


class Scheduled_SEReqControlModeType(ComplexType):
    DepartureTime: unsignedInt | None = None
    EVTargetEnergyRequest: RationalNumberType | None = None
    EVMaximumEnergyRequest: RationalNumberType | None = None
    EVMinimumEnergyRequest: RationalNumberType | None = None
    EVEnergyOffer: EVEnergyOfferType | None = None


class Scheduled_SEResControlModeType(ComplexType):
    ScheduleTuple: Annotated[list[ScheduleTupleType], occurs(1, 3)]


class Dynamic_SEReqControlModeType(ComplexType):
    DepartureTime: unsignedInt
    MinimumSOC: percentValueType | None = None
    TargetSOC: percentValueType | None = None
    EVTargetEnergyRequest: RationalNumberType
    EVMaximumEnergyRequest: RationalNumberType
    EVMinimumEnergyRequest: RationalNumberType
    EVMaximumV2XEnergyRequest: RationalNumberType | None = None
    EVMinimumV2XEnergyRequest: RationalNumberType | None = None


class Dynamic_SEResControlModeType(ComplexType):
    DepartureTime: unsignedInt | None = None
    MinimumSOC: percentValueType | None = None
    TargetSOC: percentValueType | None = None
    AbsolutePriceSchedule: AbsolutePriceScheduleType | None = None
    PriceLevelSchedule: PriceLevelScheduleType | None = None
    _content_ = sequence(
        "DepartureTime", "MinimumSOC", "TargetSOC", choice("AbsolutePriceSchedule", "PriceLevelSchedule", min=0)
    )


class SignedInstallationDataType(ComplexType):
    Id: Annotated[ID, attribute()]
    ContractCertificateChain: ContractCertificateChainType
    ECDHCurve: ecdhCurveType
    DHPublicKey: dhPublicKeyType
    SECP521_EncryptedPrivateKey: secp521_EncryptedPrivateKeyType | None = None
    X448_EncryptedPrivateKey: x448_EncryptedPrivateKeyType | None = None
    TPM_EncryptedPrivateKey: tpm_EncryptedPrivateKeyType | None = None
    _content_ = sequence(
        "ContractCertificateChain",
        "ECDHCurve",
        "DHPublicKey",
        choice("SECP521_EncryptedPrivateKey", "X448_EncryptedPrivateKey", "TPM_EncryptedPrivateKey"),
    )


SignedInstallationData = element(SignedInstallationDataType)


class SignedMeteringDataType(ComplexType):
    Id: Annotated[ID, attribute()]
    SessionID: sessionIDType
    MeterInfo: MeterInfoType
    Receipt: ReceiptType | None = None
    Dynamic_SMDTControlMode: Dynamic_SMDTControlModeType | None = None
    Scheduled_SMDTControlMode: Scheduled_SMDTControlModeType | None = None
    _content_ = sequence(
        "SessionID", "MeterInfo", "Receipt", choice("Dynamic_SMDTControlMode", "Scheduled_SMDTControlMode")
    )


SignedMeteringData = element(SignedMeteringDataType)


class Scheduled_SMDTControlModeType(ComplexType):
    SelectedScheduleTupleID: numericIDType


class Dynamic_SMDTControlModeType(ComplexType):
    pass


class TargetPositionType(ComplexType):
    TargetOffsetX: unsignedShort
    TargetOffsetY: unsignedShort


class PowerScheduleType(ComplexType):
    TimeAnchor: unsignedLong
    AvailableEnergy: RationalNumberType | None = None
    PowerTolerance: RationalNumberType | None = None
    PowerScheduleEntries: PowerScheduleEntryListType


class PowerScheduleEntryListType(ComplexType):
    PowerScheduleEntry: Annotated[list[PowerScheduleEntryType], occurs(1, 1024)]


class PowerScheduleEntryType(ComplexType):
    Duration: unsignedInt
    Power: RationalNumberType
    Power_L2: RationalNumberType | None = None
    Power_L3: RationalNumberType | None = None


class PriceScheduleType(ComplexType):
    _abstract_ = True
    TimeAnchor: unsignedLong
    PriceScheduleID: numericIDType
    PriceScheduleDescription: descriptionType | None = None


class PriceLevelScheduleType(PriceScheduleType):
    Id: Annotated[ID | None, attribute()] = None
    NumberOfPriceLevels: unsignedByte
    PriceLevelScheduleEntries: PriceLevelScheduleEntryListType


class PriceLevelScheduleEntryListType(ComplexType):
    PriceLevelScheduleEntry: Annotated[list[PriceLevelScheduleEntryType], occurs(1, 1024)]


class PriceLevelScheduleEntryType(ComplexType):
    Duration: unsignedInt
    PriceLevel: unsignedByte


class AbsolutePriceScheduleType(PriceScheduleType):
    Id: Annotated[ID | None, attribute()] = None
    Currency: currencyType
    Language: languageType
    PriceAlgorithm: identifierType
    MinimumCost: RationalNumberType | None = None
    MaximumCost: RationalNumberType | None = None
    TaxRules: TaxRuleListType | None = None
    PriceRuleStacks: PriceRuleStackListType
    OverstayRules: OverstayRuleListType | None = None
    AdditionalSelectedServices: AdditionalServiceListType | None = None


class TaxRuleListType(ComplexType):
    TaxRule: Annotated[list[TaxRuleType], occurs(1, 10)]


class TaxRuleType(ComplexType):
    TaxRuleID: numericIDType
    TaxRuleName: nameType | None = None
    TaxRate: RationalNumberType
    TaxIncludedInPrice: boolean | None = None
    AppliesToEnergyFee: boolean
    AppliesToParkingFee: boolean
    AppliesToOverstayFee: boolean
    AppliesMinimumMaximumCost: boolean


class PriceRuleStackListType(ComplexType):
    PriceRuleStack: Annotated[list[PriceRuleStackType], occurs(1, 1024)]


class PriceRuleStackType(ComplexType):
    Duration: unsignedInt
    PriceRule: Annotated[list[PriceRuleType], occurs(1, 8)]


class PriceRuleType(ComplexType):
    EnergyFee: RationalNumberType
    ParkingFee: RationalNumberType | None = None
    ParkingFeePeriod: unsignedInt | None = None
    CarbonDioxideEmission: unsignedShort | None = None
    RenewableGenerationPercentage: unsignedByte | None = None
    PowerRangeStart: RationalNumberType


class OverstayRuleListType(ComplexType):
    OverstayTimeThreshold: unsignedInt | None = None
    OverstayPowerThreshold: RationalNumberType | None = None
    OverstayRule: Annotated[list[OverstayRuleType], occurs(1, 5)]


class OverstayRuleType(ComplexType):
    OverstayRuleDescription: descriptionType | None = None
    StartTime: unsignedInt
    OverstayFee: RationalNumberType
    OverstayFeePeriod: unsignedInt


class AdditionalServiceListType(ComplexType):
    AdditionalService: Annotated[list[AdditionalServiceType], occurs(1, 5)]


class AdditionalServiceType(ComplexType):
    ServiceName: nameType
    ServiceFee: RationalNumberType


class EVPowerProfileEntryListType(ComplexType):
    EVPowerProfileEntry: Annotated[list[PowerScheduleEntryType], occurs(1, 2048)]


class EVPowerProfileType(ComplexType):
    TimeAnchor: unsignedLong
    Dynamic_EVPPTControlMode: Dynamic_EVPPTControlModeType | None = None
    Scheduled_EVPPTControlMode: Scheduled_EVPPTControlModeType | None = None
    EVPowerProfileEntries: EVPowerProfileEntryListType
    _content_ = sequence(
        "TimeAnchor", choice("Dynamic_EVPPTControlMode", "Scheduled_EVPPTControlMode"), "EVPowerProfileEntries"
    )


class Scheduled_EVPPTControlModeType(ComplexType):
    SelectedScheduleTupleID: numericIDType
    PowerToleranceAcceptance: powerToleranceAcceptanceType | None = None


class Dynamic_EVPPTControlModeType(ComplexType):
    pass


class EVEnergyOfferType(ComplexType):
    EVPowerSchedule: EVPowerScheduleType
    EVAbsolutePriceSchedule: EVAbsolutePriceScheduleType


class EVPowerScheduleType(ComplexType):
    TimeAnchor: unsignedLong
    EVPowerScheduleEntries: EVPowerScheduleEntryListType


class EVPowerScheduleEntryListType(ComplexType):
    EVPowerScheduleEntry: Annotated[list[EVPowerScheduleEntryType], occurs(1, 1024)]


class EVPowerScheduleEntryType(ComplexType):
    Duration: unsignedInt
    Power: RationalNumberType


class EVAbsolutePriceScheduleType(ComplexType):
    TimeAnchor: unsignedLong
    Currency: currencyType
    PriceAlgorithm: identifierType
    EVPriceRuleStacks: EVPriceRuleStackListType


class EVPriceRuleStackListType(ComplexType):
    EVPriceRuleStack: Annotated[list[EVPriceRuleStackType], occurs(1, 1024)]


class EVPriceRuleStackType(ComplexType):
    Duration: unsignedInt
    EVPriceRule: Annotated[list[EVPriceRuleType], occurs(1, 8)]


class EVPriceRuleType(ComplexType):
    EnergyFee: RationalNumberType
    PowerRangeStart: RationalNumberType


class EMAIDListType(ComplexType):
    EMAID: Annotated[list[identifierType], occurs(1, 8)]


class SubCertificatesType(ComplexType):
    Certificate: Annotated[list[certificateType], occurs(1, 3)]


class CertificateChainType(ComplexType):
    Certificate: certificateType
    SubCertificates: SubCertificatesType | None = None


class SignedCertificateChainType(ComplexType):
    Id: Annotated[ID, attribute()]
    Certificate: certificateType
    SubCertificates: SubCertificatesType | None = None


class ContractCertificateChainType(ComplexType):
    Certificate: certificateType
    SubCertificates: SubCertificatesType
