"""Why a session ended, in words that say it once and name no row of a table."""

from __future__ import annotations

import pytest
from live_sessions import WAIT, names, session_of

from secc_kernel.messages.iso15118_2 import msg_data_types as types
from secc_kernel.session.signs import Signs
from secc_kernel.session.station import Station


def test_the_vehicle_says_why_it_ended_the_session():
    with session_of(station=Station(status_code="EVSE_Malfunction"), soc=40) as session:
        ended = session.run_to_end().result(WAIT)
        assert ended.how == "terminated"
        assert ended.reason.startswith("the vehicle ended the session: ")
        assert "EVSE_Malfunction" in ended.reason
        assert "CurrentDemandReq" not in names(session)


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("ServiceDiscoveryRes", "FAILED", "the EVCC closed the connection: ServiceDiscoveryRes says FAILED"),
        (
            "CableCheckRes",
            "FAILED_UnknownSession",
            "the EVCC closed the connection: CableCheckRes says FAILED_UnknownSession",
        ),
    ],
)
def test_a_refusal_is_told_once(message, code, reason):
    with session_of() as session:
        session.send(message, ResponseCode=code).result(WAIT)
        assert session.run_to_end().result(WAIT).reason == reason


def test_a_pulled_plug_is_told_with_the_last_response():
    with session_of() as session:
        session.run_to("CurrentDemandReq").result(WAIT)
        session.unplug()
        assert session.run_to_end().result(WAIT).reason == "the vehicle was unplugged after PowerDeliveryRes"


def test_of_a_real_vehicle_there_are_signs():
    signs = Signs()
    assert signs.why() == ""

    def status(code, notification="None"):
        return types.DC_EVSEStatusType(
            NotificationMaxDelay=0, EVSENotification=notification, EVSEStatusCode=types.DC_EVSEStatusCodeType(code)
        )

    demand = types.DC_EVStatusType(EVReady=True, EVErrorCode=types.DC_EVErrorCodeType.NO_ERROR, EVRESSSOC=5)
    body = type("Body", (), {"DC_EVStatus": demand})
    signs.heard(body)
    signs.told(type("Body", (), {"DC_EVSEStatus": status("EVSE_Ready")}))
    assert signs.why() == ""
    signs.told(type("Body", (), {"DC_EVSEStatus": status("EVSE_Ready", "StopCharging")}))
    assert signs.why() == ": the station had told it EVSENotification StopCharging"
    demand.EVErrorCode = types.DC_EVErrorCodeType.FAILED_RESSTemperatureInhibit
    signs.heard(type("Body", (), {"EVPowerDeliveryParameter": body}))
    assert signs.why().endswith(" and it reported EVErrorCode FAILED_RESSTemperatureInhibit")
