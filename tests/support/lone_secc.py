"""A SECC alone: requests to send it, and the states that it can be brought to by a recorded session."""

from __future__ import annotations

from connection_pair import ConnectionPair, Vehicle

from secc_kernel import codec
from secc_kernel.messages import vocabulary
from secc_kernel.messages.din70121 import msg_data_types as din
from secc_kernel.messages.iso15118_2 import msg_data_types as types
from secc_kernel.messages.xmldsig import X509IssuerSerialType
from secc_kernel.session.handshake import offer
from secc_kernel.session.secc import SECC
from secc_kernel.session.sequence import failed
from secc_kernel.session.station import Station
from secc_kernel.vehicle import SimulatedEV

REQUESTS = {
    schema: [name for name in vocabulary(schema).messages if name.endswith("Req")] for schema in ("iso2", "din")
}
CHAIN = types.CertificateChainType(Certificate=b"\x30")
ROOTS = types.ListOfRootCertificateIDsType(
    RootCertificateID=[X509IssuerSerialType(X509IssuerName="CN=V2G Root", X509SerialNumber=1)]
)
DIN_CHAIN = din.CertificateChainType(Certificate=b"\x30")
DIN_ROOTS = din.ListOfRootCertificateIDsType(RootCertificateID=["CN=V2G Root"])
ISO2_WITH_CONTRACT = {
    "PaymentDetailsReq": {"eMAID": "DE8AA1A2B3C4D5", "ContractSignatureCertChain": CHAIN},
    "CertificateInstallationReq": {"OEMProvisioningCert": b"\x30", "ListOfRootCertificateIDs": ROOTS, "Id": "id1"},
    "CertificateUpdateReq": {
        "ContractSignatureCertChain": CHAIN,
        "eMAID": "DE8AA1A2B3C4D5",
        "ListOfRootCertificateIDs": ROOTS,
        "Id": "id1",
    },
}
UNUSED_IN_DIN = {
    "ServiceDetailReq": {"ServiceID": 1},
    "PaymentDetailsReq": {"ContractID": "DE8AA1A2B3C4D5", "ContractSignatureCertChain": DIN_CHAIN},
    "ChargingStatusReq": {},
    "MeteringReceiptReq": {"SessionID": bytes(8), "MeterInfo": din.MeterInfoType(MeterID="1")},
    "CertificateInstallationReq": {
        "OEMProvisioningCert": b"\x30",
        "ListOfRootCertificateIDs": DIN_ROOTS,
        "DHParams": b"\x30",
    },
    "CertificateUpdateReq": {
        "ContractSignatureCertChain": DIN_CHAIN,
        "ContractID": "DE8AA1A2B3C4D5",
        "ListOfRootCertificateIDs": DIN_ROOTS,
        "DHParams": b"\x30",
    },
}
#: Requests that the simulated vehicle does not make.
BY_HAND = {"iso2": ISO2_WITH_CONTRACT, "din": UNUSED_IN_DIN}


def rules(secc):
    return [finding.rule for finding in secc.journal.findings]


def request(name, session_id, schema="iso2"):
    """A request that a vehicle could send, with that SessionID."""
    if name in BY_HAND[schema]:
        return codec.new(schema, name, session_id=session_id, **BY_HAND[schema][name])
    ev = SimulatedEV(protocols=(schema,))
    ev.session_id = ev.paused_session_id = session_id
    return ev.default_request(name)


def recorded(energy):
    """A whole session's requests, and where each stands: (progress state before it, its EXI)."""
    how = {"protocols": ("din",)} if energy == "DIN" else {"energy": energy}
    pair = ConnectionPair(Station(isolation_time=0.2), soc=79.99, **how).start()
    found = []
    pair.secc.journal.subscribe(
        lambda entry: (
            found.append((pair.secc.progress.state, entry.data))
            if entry.kind == "frame" and entry.layer == "v2gtp" and entry.sender == "EVCC"
            else None
        )
    )
    pair.run()
    assert pair.secc.ended.how == "terminated"
    return found


STATES = [
    ("AC", "supportedAppProtocolRes"),
    ("AC", "SessionSetupRes"),
    ("AC", "ServiceDiscoveryRes"),
    ("AC", "PaymentServiceSelectionRes(ExternalPayment)"),
    ("AC", "AuthorizationRes"),
    ("AC", "AuthorizationRes(Finished)"),
    ("AC", "ChargeParameterDiscoveryRes"),
    ("AC", "ChargeParameterDiscoveryRes(Finished)"),
    ("AC", "PowerDeliveryRes(Start)"),
    ("AC", "ChargingStatusRes"),
    ("AC", "PowerDeliveryRes(Stop)"),
    ("DC", "ChargeParameterDiscoveryRes(Finished)"),
    ("DC", "CableCheckRes"),
    ("DC", "CableCheckRes(Finished)"),
    ("DC", "PreChargeRes"),
    ("DC", "PowerDeliveryRes(Start)"),
    ("DC", "CurrentDemandRes"),
    ("DC", "PowerDeliveryRes(Stop)"),
    ("DC", "WeldingDetectionRes"),
    ("DIN", "supportedAppProtocolRes"),
    ("DIN", "SessionSetupRes"),
    ("DIN", "ServiceDiscoveryRes"),
    ("DIN", "ServicePaymentSelectionRes"),
    ("DIN", "ContractAuthenticationRes"),
    ("DIN", "ContractAuthenticationRes(Finished)"),
    ("DIN", "ChargeParameterDiscoveryRes"),
    ("DIN", "ChargeParameterDiscoveryRes(Finished)"),
    ("DIN", "CableCheckRes"),
    ("DIN", "CableCheckRes(Finished)"),
    ("DIN", "PreChargeRes"),
    ("DIN", "PowerDeliveryRes(ReadyToChargeState)"),
    ("DIN", "CurrentDemandRes"),
    ("DIN", "PowerDeliveryRes(not ReadyToChargeState)"),
    ("DIN", "WeldingDetectionRes"),
]


def at(state, sessions, strict=True):
    """A SECC brought to a state, and the vehicle that brought it there."""
    energy, wanted = state
    schema = "din" if energy == "DIN" else "iso2"
    secc = SECC(Station(isolation_time=0.0, authorization_time=0.0, parameter_time=0.0), strict=strict)
    vehicle = Vehicle(secc).connect()
    vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer([schema])))
    # What had to wait in the recorded session need not wait here, so the loops are left out.
    station = secc.station
    for exi in sessions[state]:
        if secc.progress.state == wanted:
            break
        station.authorization_time = 1e9 if wanted in ("AuthorizationRes", "ContractAuthenticationRes") else 0.0
        station.parameter_time = 1e9 if wanted == "ChargeParameterDiscoveryRes" else 0.0
        station.isolation_time = 1e9 if wanted == "CableCheckRes" else 0.0
        message = codec.decode(exi, schema) if exi[:2] != b"\x80\x00" else None
        if message is None or message.name not in secc.progress.allowed:
            continue
        if message.header is not None and message.name != "SessionSetupReq":
            message.header.SessionID = secc.session_id
        assert not failed(vehicle.ask(message)), message
    assert secc.progress.state == wanted
    return secc, vehicle


def set_up(secc, session_id=bytes(8)):
    vehicle = Vehicle(secc, secc.now).connect()
    vehicle.ask(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(["iso2"])))
    return vehicle, vehicle.ask(request("SessionSetupReq", session_id))
