"""Signs of why a vehicle ends a session: what it said of itself, and what the station had told it."""

from __future__ import annotations

from typing import Any

__all__ = ["Signs"]

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
        status = getattr(request, "DC_EVStatus", None)
        for holder in _HOLDERS if status is None else ():
            status = status or getattr(getattr(request, holder, None), "DC_EVStatus", None)
        code = getattr(status, "EVErrorCode", None)
        if code is not None:
            self._error = "" if code == _NO_ERROR else str(code)

    def told(self, response: Any) -> None:
        """A response was sent: its status may ask the vehicle to stop."""
        status = next((found for name in _STATUSES if (found := getattr(response, name, None)) is not None), None)
        if status is None:
            return
        code, notification = getattr(status, "EVSEStatusCode", None), getattr(status, "EVSENotification", None)
        if code in _TROUBLE:
            self._wish = f"EVSEStatusCode {code}"
        elif notification == "StopCharging":
            self._wish = "EVSENotification StopCharging"

    def why(self) -> str:
        """The end of a sentence; empty where nothing is known."""
        told = f"the station had told it {self._wish}" if self._wish else ""
        said = f"it reported EVErrorCode {self._error}" if self._error else ""
        both = " and ".join(filter(None, (told, said)))
        return f": {both}" if both else ""
