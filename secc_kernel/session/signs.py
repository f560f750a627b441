"""Signs of why a vehicle ends a session: what it said of itself, and what the station had told it."""

from __future__ import annotations

from typing import Any

__all__ = ["Signs", "trouble_said", "trouble_told"]

_NO_ERROR = "NO_ERROR"
_HOLDERS = ("EVPowerDeliveryParameter", "DC_EVPowerDeliveryParameter", "EVChargeParameter")
_STATUSES = ("DC_EVSEStatus", "AC_EVSEStatus", "EVSEStatus")
_TROUBLE = ("EVSE_Shutdown", "EVSE_UtilityInterruptEvent", "EVSE_EmergencyShutdown", "EVSE_Malfunction")


class Signs:
    """What a station has seen. A real vehicle does not say why it stops; this is what there is to go by."""

    __slots__ = ("_error", "_wish")

    def __init__(self) -> None:
        self._error = ""
        self._wish = ""

    def heard(self, request: Any) -> None:
        """A request came: DC_EVStatus has the vehicle's error code."""
        said = trouble_said(request)
        if said is not None:
            self._error = said

    def told(self, response: Any) -> None:
        """A response was sent: its status may ask the vehicle to stop."""
        wish = trouble_told(response)
        if wish:
            self._wish = wish

    def why(self) -> str:
        """The end of a sentence; empty where nothing is known."""
        told = f"the station had told it {self._wish}" if self._wish else ""
        said = f"it reported {self._error}" if self._error else ""
        both = " and ".join(filter(None, (told, said)))
        return f": {both}" if both else ""


def trouble_said(request: Any) -> str | None:
    """The vehicle's error code in a request; '' for none, None where a request does not speak of it."""
    status = getattr(request, "DC_EVStatus", None)
    for holder in _HOLDERS if status is None else ():
        status = status or getattr(getattr(request, holder, None), "DC_EVStatus", None)
    code = getattr(status, "EVErrorCode", None)
    if code is None:
        return None
    return "" if code == _NO_ERROR else f"EVErrorCode {code}"


def trouble_told(response: Any) -> str | None:
    """What a response's status asks the vehicle to stop for; '' for nothing, None where it has no status."""
    status = next((found for name in _STATUSES if (found := getattr(response, name, None)) is not None), None)
    if status is None:
        return None
    code, notification = getattr(status, "EVSEStatusCode", None), getattr(status, "EVSENotification", None)
    if code in _TROUBLE:
        return f"EVSEStatusCode {code}"
    return "EVSENotification StopCharging" if notification == "StopCharging" else ""
