"""The standards' times by name, and the few timers that a party has running.

Two kinds (ISO 15118-2, 8.7): a *timeout* is an error threshold, its expiry ends the session; a *performance time* is a
quality threshold: an answer after it is late, not wrong. Both are data here, one table a standard, each with the clause
that states it. A timer that a standard's table does not have is not run in its sessions.

Most times begin and end with messages: the table says which, and a party that sends or receives one runs them by it
(`Party._measure`). What else begins or ends a time (the plug, a connection, silence) is the party's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secc_kernel.codec import Message

__all__ = ["LIMITS", "MESSAGES", "Limit", "MessageTimes", "Moment", "Timers", "limit", "measured", "message_times"]


@dataclass(frozen=True, slots=True)
class Moment:
    """When one of some messages goes over the wire.

    Attributes
    ----------
    messages : tuple of str
        Their names.
    element, values : str, tuple of str
        What one of its elements has to say, if that counts.
    """

    messages: tuple[str, ...]
    element: str = ""
    values: tuple[str, ...] = ()

    def met(self, message: Message) -> bool:
        """Whether a message is one of them."""
        if message.name not in self.messages:
            return False
        return not self.element or str(getattr(message.body, self.element, None)) in self.values


@dataclass(frozen=True, slots=True)
class Limit:
    """A named time of a standard.

    Attributes
    ----------
    name : str
        The standard's name of the timer.
    seconds : float
        Its value.
    kind : str
        ``timeout`` (an error threshold) or ``performance`` (a quality threshold).
    side : str
        Who runs it: ``EVCC`` or ``SECC``.
    clause : str
        Requirement or table of the standard.
    meaning : str
        From when to when.
    begins : Moment, optional
        The message that begins it; a further one changes nothing until it has ended.
    ends : tuple of Moment
        The messages that end it.
    """

    name: str
    seconds: float
    kind: str
    side: str
    clause: str
    meaning: str
    begins: Moment | None = None
    ends: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageTimes:
    """The two limits of a request and its response, in seconds.

    ``timeout`` is the EVCC's V2G_EVCC_Msg_Timeout, ``performance`` the SECC's V2G_SECC_Msg_Performance_Time (None
    where the standard has none).
    """

    timeout: float
    performance: float | None


def _processing(authorization: str) -> dict[str, Any]:
    """Begin and end of the Ongoing times: EVSEProcessing Ongoing. Waiting for the customer is not ([V2G2-854])."""
    working = (authorization, "ChargeParameterDiscoveryRes")
    done = Moment(working, "EVSEProcessing", ("Finished", "Ongoing_WaitingForCustomerInteraction"))
    return {"begins": Moment(working, "EVSEProcessing", ("Ongoing",)), "ends": (done,)}


_SET_UP = Moment(("SessionSetupRes",))
_CABLE_CHECK: dict[str, Any] = {
    "begins": Moment(("CableCheckReq",)),
    "ends": (
        Moment(("CableCheckRes",), "EVSEProcessing", ("Finished",)),
        Moment(("PreChargeReq", "PowerDeliveryReq", "SessionStopReq")),
    ),
}
_PRECHARGE: dict[str, Any] = {
    "begins": Moment(("PreChargeReq",)),
    "ends": (Moment(("PowerDeliveryReq", "SessionStopReq")),),
}

_ISO2 = (
    Limit(
        "V2G_SECC_Sequence_Timeout", 60.0, "timeout", "SECC", "[V2G2-443], Table 109",
        "a response was sent (or the connection made) -> the next request",
    ),
    Limit(
        "V2G_EVCC_Sequence_Performance_Time", 40.0, "performance", "EVCC", "Table 109",
        "a response was received -> the next request is sent",
    ),
    Limit(
        "V2G_EVCC_Ongoing_Timeout", 60.0, "timeout", "EVCC", "[V2G2-710..713], Table 109",
        "the first response with EVSEProcessing Ongoing -> Finished",
        **_processing("AuthorizationRes"),
    ),
    Limit(
        "V2G_SECC_Ongoing_Performance_Time", 55.0, "performance", "SECC", "[V2G2-710..713], Table 109",
        "the first response with EVSEProcessing Ongoing -> Finished",
        **_processing("AuthorizationRes"),
    ),
    Limit(
        "V2G_EVCC_CommunicationSetup_Timeout", 20.0, "timeout", "EVCC", "[V2G2-446], [V2G2-605], Table 111",
        "plugged in -> SessionSetupRes received",
        ends=(_SET_UP,),
    ),
    Limit(
        "V2G_SECC_CommunicationSetup_Performance_Time", 18.0, "performance", "SECC", "[V2G2-716], Table 111",
        "plugged in -> SessionSetupRes sent",
        ends=(_SET_UP,),
    ),
    Limit(
        "V2G_EVCC_CableCheck_Timeout", 40.0, "timeout", "EVCC", "[V2G2-700..703], Table 111",
        "the first CableCheckReq -> CableCheckRes with Finished",
        **_CABLE_CHECK,
    ),
    Limit(
        "V2G_SECC_CableCheck_Performance_Time", 38.0, "performance", "SECC", "[V2G2-700..703], Table 111",
        "the first CableCheckReq -> CableCheckRes with Finished",
        **_CABLE_CHECK,
    ),
    Limit(
        "V2G_EVCC_PreCharge_Timeout", 7.0, "timeout", "EVCC", "[V2G2-704..707], Table 111",
        "the first PreChargeReq -> PowerDeliveryReq",
        **_PRECHARGE,
    ),
    Limit(
        "V2G_SECC_PreCharge_Performance_Time", 5.0, "performance", "SECC", "[V2G2-704..707], Table 111",
        "the first PreChargeReq -> the voltage that the vehicle asked for",
        **_PRECHARGE,
    ),
    # Of the control pilot: run where one is attached (session/signalling.py).
    Limit(
        "V2G_SECC_CPState_Detection_Timeout", 1.5, "timeout", "SECC", "[V2G2-920..922]",
        "CableCheckReq -> CP state C or D; the request after PowerDelivery with ChargeProgress Stop -> CP state B",
    ),
    Limit(
        "CP_State_Change_Time", 0.25, "performance", "SECC", "[V2G2-847], [V2G2-848]",
        "PowerDeliveryReq of an AC charge -> CP state C or D, at its end B",
    ),
)  # fmt: skip

_DIN = (
    Limit(
        "V2G_SECC_Sequence_Timeout", 60.0, "timeout", "SECC", "Table 75",
        "a response was sent (or the connection made) -> the next request",
    ),
    Limit(
        "V2G_EVCC_Ongoing_Timeout", 60.0, "timeout", "EVCC", "[V2G-DC-863], [V2G-DC-864]",
        "the first response with EVSEProcessing Ongoing -> Finished",
        **_processing("ContractAuthenticationRes"),
    ),
    Limit(
        "V2G_EVCC_CommunicationSetup_Timeout", 20.0, "timeout", "EVCC", "Table 77",
        "plugged in -> SessionSetupRes received",
        ends=(_SET_UP,),
    ),
    # Runs from before a protocol is agreed on, so a station has one value for both standards.
    Limit(
        "V2G_SECC_CommunicationSetup_Performance_Time", 18.0, "performance", "SECC", "ISO 15118-2, [V2G2-716]",
        "plugged in -> SessionSetupRes sent",
        ends=(_SET_UP,),
    ),
    # The sources disagree: 150 s in a vehicle's stack that transcribes Table 77 (PyPI iso15118) and in the error list
    # of a supplier of production EVCCs ("plug-in to PowerDelivery"), 250 s in a remark in a station's code (EVerest).
    # Two against one, and a vehicle that waits less is the harder test of a station. Production cars have been seen to
    # arrive at PowerDelivery 66 s after the handshake.
    Limit(
        "V2G_EVCC_ReadyToCharge_Timeout", 150.0, "timeout", "EVCC", "Table 77",
        "plugged in -> PowerDeliveryRes to ReadyToChargeState true",
        ends=(Moment(("PowerDeliveryRes",)),),
    ),
    Limit(
        "V2G_EVCC_CableCheck_Timeout", 40.0, "timeout", "EVCC", "Table 77",
        "the first CableCheckReq -> CableCheckRes with Finished",
        **_CABLE_CHECK,
    ),
    Limit(
        "V2G_EVCC_PreCharge_Timeout", 7.0, "timeout", "EVCC", "Table 77",
        "the first PreChargeReq -> PowerDeliveryReq",
        **_PRECHARGE,
    ),
    Limit(
        "V2G_SECC_PowerDelivery_Timeout", 20.0, "timeout", "SECC", "[V2G-DC-969], Table 77",
        "the first PreChargeReq -> PowerDeliveryRes",
        begins=Moment(("PreChargeReq",)), ends=(Moment(("PowerDeliveryRes",)),),
    ),
    Limit(
        "V2G_SECC_WeldingDetection_Timeout", 20.0, "timeout", "SECC", "[V2G-DC-925], [V2G-DC-926]",
        "the first WeldingDetectionReq -> SessionStopReq",
        begins=Moment(("WeldingDetectionReq",)), ends=(Moment(("SessionStopReq",)),),
    ),
    # Of the control pilot: run where one is attached (session/signalling.py, session/datalink/).
    Limit(
        "V2G_SECC_CPState_Detection_Timeout", 1.5, "timeout", "SECC", "[V2G-DC-556], [V2G-DC-967], [V2G-DC-988]",
        "CableCheckReq -> CP state C or D; the request after PowerDelivery with ReadyToChargeState false -> CP state B",
    ),
    Limit(
        "V2G_SECC_CPOscillator_Retain_Time", 1.5, "timeout", "SECC", "[V2G-DC-968], Table 77",
        "SessionStopRes was sent -> the CP oscillator is switched off",
    ),
)  # fmt: skip

_EVERY = (
    Limit(
        "SDP_Response_Timeout", 0.25, "timeout", "EVCC", "[V2G2-159]",
        "an SDP request -> its response, else the request is repeated (at most 50 times, [V2G2-161])",
    ),
    Limit(
        "TCP_Close_Timeout", 5.0, "timeout", "SECC", "not in the standard; stations in the field wait 5 s",
        "the session is over -> the vehicle closes the connection, else the station does",
    ),
)  # fmt: skip

LIMITS: dict[str, dict[str, Limit]] = {
    key: {entry.name: entry for entry in (*entries, *_EVERY)} for key, entries in (("iso2", _ISO2), ("din", _DIN))
}
"""The named times of each standard, by schema key."""

SDP_REQUESTS = 50
"""How many SDP requests without a response a vehicle sends ([V2G2-161])."""

_USUAL = MessageTimes(2.0, 1.5)
_SLOW = MessageTimes(5.0, 4.5)
_LOOP = MessageTimes(0.5, 0.25)

MESSAGES: dict[str, tuple[MessageTimes, dict[str, MessageTimes]]] = {
    "sap": (_USUAL, {}),
    "iso2": (
        _USUAL,
        {
            "ServiceDetail": _SLOW,
            "PaymentDetails": _SLOW,
            "CertificateInstallation": _SLOW,
            "CertificateUpdate": _SLOW,
            "PowerDelivery": _SLOW,
            "CurrentDemand": MessageTimes(0.25, 0.025),
        },
    ),
    # Table 75; DIN SPEC 70121 has no performance times for the SECC.
    "din": (MessageTimes(2.0, None), {"CurrentDemand": MessageTimes(0.25, None)}),
    # Tables 214 to 217, which say nothing of WPT and ACDP. PowerDelivery is as fast as the others here.
    "iso20_common": (_USUAL, {"CertificateInstallation": _SLOW, "ServiceDetail": _SLOW}),
    "iso20_ac": (_USUAL, {"AC_ChargeLoop": _LOOP}),
    "iso20_dc": (_USUAL, {"DC_ChargeLoop": _LOOP}),
}
"""Times of a request and its response by schema (ISO 15118-2, Table 109): the usual ones, and the exceptions."""


def limit(name: str, schema: str = "iso2") -> Limit:
    """The named time of a standard.

    Raises
    ------
    KeyError
        The standard has no timer of this name.
    """
    return LIMITS[schema][name]


@cache
def measured(schema: str, side: str, message: str) -> tuple[tuple[Limit, ...], tuple[Limit, ...]]:
    """The times of one side that a message may begin, and those that it may end."""
    ours = [entry for entry in LIMITS[schema].values() if entry.side == side]
    begun = tuple(entry for entry in ours if entry.begins is not None and message in entry.begins.messages)
    ended = tuple(entry for entry in ours if any(message in moment.messages for moment in entry.ends))
    return begun, ended


def message_times(schema: str, message: str) -> MessageTimes | None:
    """Timeout and performance time of a message pair, by the name of its request or response.

    None where the standard's times are not known here.
    """
    found = MESSAGES.get(schema)
    if found is None:
        return None
    usual, exceptions = found
    return exceptions.get(message.removesuffix("Req").removesuffix("Res"), usual)


@dataclass(slots=True)
class Timers:
    """The running timers of one party.

    A handful at most, so a dict serves better than a heap. A timer has expired when the time has *reached* its
    deadline; whether a message of that very instant still counts is decided by the order in which the link delivers
    both, and links deliver the message first.

    Parameters
    ----------
    record : callable
        Called with (time, name, what, limit) where ``what`` is ``start``, ``stop`` or ``expired``.
    """

    record: Callable[[float, str, str, float], None]
    _deadlines: dict[str, tuple[float, float]] = field(default_factory=dict)

    def start(self, name: str, seconds: float, now: float, since: float | None = None) -> None:
        """Start a timer, or start it again; ``since``: what it measures began earlier."""
        self._deadlines[name] = ((now if since is None else since) + seconds, seconds)
        self.record(now, name, "start", seconds)

    def stop(self, name: str, now: float) -> bool:
        """Stop a timer; False when it was not running."""
        found = self._deadlines.pop(name, None)
        if found is None:
            return False
        self.record(now, name, "stop", found[1])
        return True

    def stop_all(self, now: float) -> None:
        """Stop every timer, in the order in which they were started."""
        for name in list(self._deadlines):
            self.stop(name, now)

    def running(self, name: str) -> bool:
        """Whether the timer is running."""
        return name in self._deadlines

    def next_deadline(self) -> float | None:
        """When the next timer expires."""
        return min(self._deadlines.values())[0] if self._deadlines else None

    def expire(self, now: float) -> tuple[str, float] | None:
        """Take the next timer that has expired by ``now``: its name and limit. None when there is none."""
        if not self._deadlines:
            return None
        name = min(self._deadlines, key=self._deadlines.__getitem__)
        deadline, seconds = self._deadlines[name]
        if now < deadline:
            return None
        del self._deadlines[name]
        self.record(now, name, "expired", seconds)
        return name, seconds
