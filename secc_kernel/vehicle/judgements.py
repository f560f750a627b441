"""What production cars look at in a station's responses: one table of judgements, and what each finds wrong.

What ends the session of any vehicle, whatever it thinks, is the protocol's business (`session/evcc.py`): a response to
another request, one that says FAILED or breaks its schema, time that runs out.
"""

from __future__ import annotations

from collections.abc import Callable

from secc_kernel.session.physical import to_float
from secc_kernel.session.sequence import SEQUENCES
from secc_kernel.vehicle.judgement import Hearing, Judgement, Reaction, element_of

__all__ = ["CHARGE_SERVICE", "JUDGEMENTS", "OVERVOLTAGE", "UNDERVOLTAGE"]

OVERVOLTAGE = 1.1
"""A station's voltage may overshoot the vehicle's maximum by so much (IEC 61851-23, load dump)."""
ISOLATION_TEST = 500.0
"""In V. The cable check leaves this voltage at the station's output: cars of 400 V find it when the pre-charge begins,
and wait until it has fallen."""
UNDERVOLTAGE = 0.9
"""In the charge loop the station's voltage is the battery's; below this share of it a contactor has opened."""
STALE = 5.0
"""Seconds that a voltage out of range may stay. Cars of BMW, Tesla and Volkswagen went on while a station told 18 to
25 % more than their maximum for up to 3 s: it told what was no longer so."""
NOTHING, WANTED = 0.5, 5.0
"""Amperes: less than the one flows though more than the other is asked for; a car at its end asks for little."""
PAUSE = 180.0
"""Seconds for which a station may deliver nothing: recorded cars waited for up to 160 s."""
CHARGE_SERVICE = 1
"""ServiceID of the charge service (ISO 15118-2, Table 105)."""


# -- what is wrong ----------------------------------------------------------------------------------------------------


def _hex(session_id: bytes) -> str:
    return session_id.hex().upper() or "none"


def _other_session(at: Hearing) -> str | None:
    sent, ours = at.response.session_id or b"", at.known.session_id
    if at.response.name == "SessionSetupRes" or sent == ours:
        return None
    return f"the SessionID is {_hex(sent)}, the session's is {_hex(ours)}"


def _no_session_id(at: Hearing) -> str | None:
    given = at.response.session_id or b""
    return None if any(given) else f"the new session's SessionID is {_hex(given)}, which stands for no session"


def _joined(at: Hearing) -> str | None:
    asked, given = at.known.asked_id, at.response.session_id or b""
    if at.value("ResponseCode") != "OK_OldSessionJoined" or asked == given != b"":
        return None
    if not any(asked):
        return "OK_OldSessionJoined: the vehicle asked for a new session"
    return f"OK_OldSessionJoined with the SessionID {_hex(given)}: the vehicle asked for {_hex(asked)}"


def _begun_anew(at: Hearing) -> str | None:
    if not any(at.known.asked_id) or at.value("ResponseCode") == "OK_OldSessionJoined":
        return None
    return f"{at.value('ResponseCode')}: the vehicle asked to go on with session {_hex(at.known.asked_id)}"


def _setup_code(at: Hearing) -> str | None:
    code = at.value("ResponseCode")
    if code in ("OK_NewSessionEstablished", "OK_OldSessionJoined"):
        return None
    return f"ResponseCode {code} does not say whether the session is a new one"


def _no_charging(at: Hearing) -> str | None:
    category = at.value("ServiceCategory")
    return None if category == "EVCharging" else f"ServiceCategory {category}: the charge service is not offered"


def _other_service(at: Hearing) -> str | None:
    number = at.value("ServiceID")
    return None if number == CHARGE_SERVICE else f"ServiceID {number}: the charge service has {CHARGE_SERVICE}"


def _no_mode(at: Hearing) -> str | None:
    # DIN SPEC 70121: one value, which may name several connectors (AC_core3p_DC_extended).
    found = at.value("EnergyTransferMode") or at.value("EnergyTransferType") or ()
    offered = [str(mode) for mode in ([found] if isinstance(found, str) else found)]
    wished = at.known.modes
    if wished is None or any(mode.endswith(wished) for mode in offered):
        return None
    takes = " or ".join(wished) or "nothing that this protocol has"
    return f"the station offers {', '.join(offered) or 'nothing'}; the vehicle takes {takes}"


def _no_payment(at: Hearing) -> str | None:
    offered, ways = [str(option) for option in at.value("PaymentOption") or ()], at.known.payments
    if ways is None or any(way in offered for way in ways):
        return None
    return f"the station takes {', '.join(offered) or 'nothing'}; the vehicle pays by {' or '.join(ways)}"


def _kind(at: Hearing, name: str) -> str | None:
    """Parameters or status of the other energy: the members of these groups are named AC_ and DC_."""
    kind = type(at.value(name)).__name__.partition("_")[0]
    mode = at.known.mode
    if kind == mode or "" in (kind, mode) or kind not in ("AC", "DC"):
        return None
    return f"{kind}_{name} in a session that charges by {mode}"


def _no_schedule(at: Hearing) -> str | None:
    missing = at.finished and not at.value("SAScheduleTuple")
    return "EVSEProcessing is Finished, and there is no SAScheduleTuple" if missing else None


def _unknown_tuple(at: Hearing) -> str | None:
    number, offered = at.value("SAScheduleTupleID"), at.known.offered
    if not offered or number in offered:
        return None
    return f"SAScheduleTupleID {number} was not offered; offered was {', '.join(map(str, offered))}"


def _other_tuple(at: Hearing) -> str | None:
    number, chosen = at.value("SAScheduleTupleID"), at.known.chosen
    if chosen in (None, number) or number not in at.known.offered:
        return None
    return f"SAScheduleTupleID {number} was offered, but the vehicle chose {chosen}"


def _low_voltage_limit(at: Hearing) -> str | None:
    limit, voltage = at.number("EVSEMaximumVoltageLimit"), at.known.battery_voltage
    if limit is None or limit >= voltage or not at.finished:
        return None
    return f"EVSEMaximumVoltageLimit {limit:g} V is below the battery's present {voltage:.1f} V"


def _short_voltage_limit(at: Hearing) -> str | None:
    limit, known = at.number("EVSEMaximumVoltageLimit"), at.known
    if limit is None or not known.battery_voltage <= limit < known.needed_voltage or not at.finished:
        return None
    return f"EVSEMaximumVoltageLimit {limit:g} V is below the {known.needed_voltage:.1f} V of the charge's end"


def _high_minimum(at: Hearing) -> str | None:
    limit, most = at.number("EVSEMinimumVoltageLimit"), at.known.maximum_voltage
    if limit is None or limit <= most or not at.finished:
        return None
    return f"EVSEMinimumVoltageLimit {limit:g} V is above the vehicle's maximum, {most:g} V"


def _no_current(name: str) -> Callable[[Hearing], str | None]:
    def finds(at: Hearing) -> str | None:
        limit = at.number(name)
        return None if limit is None or limit > 0 or not at.finished else f"{name} is {limit:g} A: no current can flow"

    return finds


def _precharge_voltage(at: Hearing) -> str | None:
    # Another voltage than the vehicle asked for is no fault: it waits for it, until V2G_EVCC_PreCharge_Timeout.
    present, most = at.number("EVSEPresentVoltage") or 0.0, at.known.maximum_voltage
    if present <= OVERVOLTAGE * max(most, ISOLATION_TEST):
        return None
    asked = to_float(element_of(at.request.body, "EVTargetVoltage"))
    return f"EVSEPresentVoltage {present:g} V, where the vehicle asked for {asked:g} V and takes {most:g} V at most"


def _present_voltage(at: Hearing) -> str | None:
    present, most, battery = at.number("EVSEPresentVoltage") or 0.0, at.known.maximum_voltage, at.known.battery_voltage
    if present > OVERVOLTAGE * most:
        return f"EVSEPresentVoltage {present:g} V is more than {OVERVOLTAGE - 1:.0%} above the maximum, {most:g} V"
    current = to_float(element_of(at.request.body, "EVTargetCurrent"))
    if present < UNDERVOLTAGE * battery and current > 0:
        return f"EVSEPresentVoltage {present:g} V is not that of the battery, {battery:.1f} V, though it is connected"
    return None


def _nothing_flows(at: Hearing) -> str | None:
    present, asked = at.number("EVSEPresentCurrent"), to_float(element_of(at.request.body, "EVTargetCurrent"))
    if present is None or present >= NOTHING or asked < WANTED:
        return None
    return f"EVSEPresentCurrent {present:g} A, where the vehicle asked for {asked:g} A"


def _residual_current(at: Hearing) -> str | None:
    return "RCD is true: the residual current device has tripped" if at.value("RCD") is True else None


def _unsound(at: Hearing) -> str | None:
    level = at.value("EVSEIsolationStatus")
    if not at.finished or level not in ("Invalid", "No_IMD"):  # a fault is one at any time
        return None
    return f"EVSEProcessing is Finished, EVSEIsolationStatus {level}: the cable was not found to be sound"


def _unsaid(at: Hearing) -> str | None:
    missing = at.finished and at.value("EVSEIsolationStatus") is None
    return "EVSEProcessing is Finished, and there is no EVSEIsolationStatus" if missing else None


def _isolation_warning(at: Hearing) -> str | None:
    warns = at.value("EVSEIsolationStatus") == "Warning"
    return "EVSEIsolationStatus Warning: the isolation is weak" if warns else None


def _isolation_fault(at: Hearing) -> str | None:
    fault = at.value("EVSEIsolationStatus") == "Fault"
    return "EVSEIsolationStatus Fault: there is no isolation" if fault else None


def _status(*codes: str) -> Callable[[Hearing], str | None]:
    def finds(at: Hearing) -> str | None:
        code = at.value("EVSEStatusCode")
        return f"EVSEStatusCode {code}" if code in codes else None

    return finds


def _still_monitoring(at: Hearing) -> str | None:
    still = at.finished and at.value("EVSEStatusCode") == "EVSE_IsolationMonitoringActive"
    return "EVSEStatusCode EVSE_IsolationMonitoringActive stays when the cable check has finished" if still else None


def _notification(wish: str) -> Callable[[Hearing], str | None]:
    def finds(at: Hearing) -> str | None:
        return f"EVSENotification {wish}" if at.value("EVSENotification") == wish else None

    return finds


# -- the table --------------------------------------------------------------------------------------------------------

_GO_ON, _RENEGOTIATE, _STOP, _CLOSE = Reaction.GO_ON, Reaction.RENEGOTIATE, Reaction.STOP, Reaction.CLOSE
_OUT_OF_RANGE, _INCOMPATIBLE = "FAILED_ChargingVoltageOutOfRange", "FAILED_ChargingSystemIncompatibility"
_CHECKED = {"iso2": "[V2G2-584]", "din": "[V2G-DC-455]"}
_PARAMETERS = ("ChargeParameterDiscoveryRes",)

JUDGEMENTS: tuple[Judgement, ...] = (
    # Which session it is
    Judgement("session-id", "error", _CLOSE, (), _other_session,
              ids={key: sequence.session_ids for key, sequence in SEQUENCES.items()}),
    Judgement("session-id.zero", "error", _CLOSE, (), _no_session_id, only=("SessionSetupRes",),
              ids={"iso2": "[V2G2-750]"}),
    Judgement("session-joined", "error", _CLOSE, (), _joined, only=("SessionSetupRes",),
              ids={"iso2": "[V2G2-463], [V2G2-754]", "din": "[V2G-DC-393]"}),
    Judgement("session-renewed", "note", _GO_ON, (), _begun_anew, only=("SessionSetupRes",),
              ids={"iso2": "[V2G2-462]", "din": "[V2G-DC-393]"}),
    # An ABB charger says OK.
    Judgement("session-code", "warning", _GO_ON, (), _setup_code, only=("SessionSetupRes",),
              ids={"iso2": "[V2G2-462], [V2G2-463]", "din": "[V2G-DC-393]"}),
    # What the station offers
    Judgement("charge-service", "error", _STOP, ("ChargeService", "ServiceCategory"), _no_charging),
    # A Supercharger says 4660.
    Judgement("charge-service.id", "warning", _GO_ON, ("ChargeService", "ServiceID"), _other_service,
              ids={"iso2": "Table 105"}),
    Judgement("energy-transfer-mode", "note", _STOP, ("ChargeService",), _no_mode),
    Judgement("payment-option", "note", _STOP, ("PaymentOption",), _no_payment),
    # What it can
    Judgement("energy-kind", "error", _STOP, ("EVSEChargeParameter",), lambda at: _kind(at, "EVSEChargeParameter"),
              error=_INCOMPATIBLE),
    Judgement("energy-kind", "error", _STOP, ("EVSEStatus",), lambda at: _kind(at, "EVSEStatus"),
              error=_INCOMPATIBLE),
    # An Ioniq and other cars go on without schedules, which DIN SPEC 70121 makes no use of.
    Judgement("schedules", "error", _STOP, ("SASchedules",), _no_schedule, ids={"iso2": "[V2G2-905]"},
              lenient=("din",)),
    Judgement("schedule-tuple", "error", _STOP, ("SAScheduleTupleID",), _unknown_tuple),
    Judgement("schedule-tuple.other", "warning", _GO_ON, ("SAScheduleTupleID",), _other_tuple),
    Judgement("voltage-limit", "warning", _STOP, ("EVSEMaximumVoltageLimit",), _low_voltage_limit,
              error=_INCOMPATIBLE),
    Judgement("voltage-limit.short", "warning", _GO_ON, ("EVSEMaximumVoltageLimit",), _short_voltage_limit,
              only=_PARAMETERS),
    Judgement("voltage-limit.minimum", "warning", _STOP, ("EVSEMinimumVoltageLimit",), _high_minimum,
              error=_INCOMPATIBLE),
    Judgement("current-limit", "warning", _STOP, ("EVSEMaximumCurrentLimit",), _no_current("EVSEMaximumCurrentLimit"),
              only=_PARAMETERS, error=_INCOMPATIBLE),
    Judgement("current-limit", "warning", _STOP, ("EVSEMaxCurrent",), _no_current("EVSEMaxCurrent"),
              only=_PARAMETERS),
    # In the charge loop it is a pause: an EV6 went on asking, for a while.
    Judgement("current-limit.pause", "note", _GO_ON, ("EVSEMaximumCurrentLimit",),
              _no_current("EVSEMaximumCurrentLimit"), only=("CurrentDemandRes",)),
    # Whether it is safe
    Judgement("isolation", "error", _STOP, ("EVSEIsolationStatus",), _unsound, only=("CableCheckRes",), ids=_CHECKED),
    # The schema lets it be absent; cars of Hyundai, Tesla and Polestar went on.
    Judgement("isolation.unsaid", "warning", _GO_ON, ("EVSEIsolationStatus",), _unsaid, only=("CableCheckRes",),
              ids=_CHECKED),
    Judgement("isolation.warning", "warning", _GO_ON, ("EVSEIsolationStatus",), _isolation_warning),
    Judgement("isolation.fault", "error", _STOP, ("EVSEIsolationStatus",), _isolation_fault),
    Judgement("precharge-voltage", "error", _STOP, ("EVSEPresentVoltage",), _precharge_voltage,
              only=("PreChargeRes",), error=_OUT_OF_RANGE),
    Judgement("present-voltage", "error", _STOP, ("EVSEPresentVoltage",), _present_voltage,
              only=("CurrentDemandRes",), error=_OUT_OF_RANGE, patience=STALE),
    # An Ioniq gave up with this code. Without it a vehicle would ask for ever.
    Judgement("no-current", "warning", _STOP, ("EVSEPresentCurrent",), _nothing_flows, only=("CurrentDemandRes",),
              error="FAILED_ChargingCurrentdifferential", patience=PAUSE),
    Judgement("rcd", "error", _STOP, ("RCD",), _residual_current),
    Judgement("evse-status", "warning", _STOP, ("EVSEStatusCode",),
              _status("EVSE_Malfunction", "EVSE_EmergencyShutdown", "EVSE_UtilityInterruptEvent")),
    # Within the pre-charge a station may still be changing over.
    Judgement("evse-status.monitoring", "warning", _STOP, ("EVSEStatusCode",), _still_monitoring,
              only=("CableCheckRes", "PowerDeliveryRes", "CurrentDemandRes")),
    # What it asks for
    Judgement("shutdown", "", _STOP, ("EVSEStatusCode",), _status("EVSE_Shutdown")),
    Judgement("stop-charging", "", _STOP, ("EVSENotification",), _notification("StopCharging"),
              ids={"iso2": "[V2G2-679]"}),
    Judgement("renegotiation", "", _RENEGOTIATE, ("EVSENotification",), _notification("ReNegotiation"),
              only=("ChargingStatusRes", "CurrentDemandRes", "MeteringReceiptRes"),
              ids={"iso2": "[V2G2-680], [V2G2-841]", "din": "[V2G-DC-500]"}, lenient=("din",)),
)  # fmt: skip
"""What production cars look at, the order in which they would say so."""
