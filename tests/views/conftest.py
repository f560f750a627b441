"""Journals made by hand, of real messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from secc_kernel import codec
from secc_kernel.messages import vocabulary
from secc_kernel.messages.sap import AppProtocolType
from secc_kernel.session.journal import FindingEntry, FrameEntry, Journal, NoteEntry

#: The response on the page that the project was started from.
SEED_EXI = bytes.fromhex("809802306986f7ab7e919551e0a0452d48a9510cc4a9254d3cc4a8c0c0c480")


def _add(journal: Journal, time: float, message: codec.Message | bytes, sender: str = "", **more: Any) -> None:
    """Append a message: EVCC's if it is a request."""
    if isinstance(message, codec.Message):
        sender = sender or ("EVCC" if message.name.endswith("Req") else "SECC")
        more.setdefault("schema", message.schema)
        more.setdefault("payload_type", vocabulary(message.schema).payload_type)
        message = codec.encode(message)
    more.setdefault("payload_type", 0x8001)
    peer = "SECC" if sender == "EVCC" else "EVCC"
    journal.append(FrameEntry(time, sender=sender, src=sender, dst=peer, stream=0, data=message, **more))


@pytest.fixture
def seed() -> Journal:
    """The handshake and the seed's exchange; the EVCCID is longer than the schema allows, as on the page."""
    journal = Journal(source="seed")
    journal.append(NoteEntry(10.0, "plugged in"))
    offer = AppProtocolType(
        ProtocolNamespace="urn:iso:15118:2:2013:MsgDef",
        VersionNumberMajor=2,
        VersionNumberMinor=0,
        SchemaID=1,
        Priority=1,
    )
    _add(journal, 10.262, codec.new("sap", "supportedAppProtocolReq", AppProtocol=[offer]))
    _add(journal, 10.263, bytes.fromhex("80400040"), "SECC", schema="sap")
    _add(journal, 10.28, codec.new("iso2", "SessionSetupReq", EVCCID=bytes.fromhex("1020304050607080")))
    text = "SessionSetupReq V2G_Message/Body/SessionSetupReq/EVCCID: 8 bytes, evccIDType has at most 6"
    journal.append(FindingEntry(10.28, "facet.max-length", "warning", text, 2))
    journal.append(FindingEntry(10.28, "sequence", "error", "not expected <here>", 2))
    _add(journal, 10.283, SEED_EXI, "SECC", schema="iso2", auto=("Header.SessionID",), intended=("EVSEID",))
    return journal


def _charge(exchanges: int) -> Journal:
    """A charge loop of so many exchanges of CurrentDemand, 0.1 s apart; each answer takes 20 ms, every tenth 30 ms."""
    from secc_kernel.messages.iso15118_2 import msg_data_types as types

    def value(number: int, unit: str, multiplier: int = 0) -> types.PhysicalValueType:
        return types.PhysicalValueType(Multiplier=multiplier, Unit=unit, Value=number)

    journal = Journal(source="charge")
    for n in range(exchanges):
        ev = types.DC_EVStatusType(EVReady=True, EVErrorCode="NO_ERROR", EVRESSSOC=40 + n % 60)
        evse = types.DC_EVSEStatusType(NotificationMaxDelay=0, EVSENotification="None", EVSEStatusCode="EVSE_Ready")
        request = codec.new(
            "iso2",
            "CurrentDemandReq",
            DC_EVStatus=ev,
            EVTargetCurrent=value(125, "A"),
            ChargingComplete=False,
            EVTargetVoltage=value(3900 + n, "V", -1),
        )
        response = codec.new(
            "iso2",
            "CurrentDemandRes",
            ResponseCode="OK",
            DC_EVSEStatus=evse,
            EVSEPresentVoltage=value(3895 + n, "V", -1),
            EVSEPresentCurrent=value(1249, "A", -1),
            EVSECurrentLimitAchieved=False,
            EVSEVoltageLimitAchieved=False,
            EVSEPowerLimitAchieved=False,
            EVSEID="KR*TC1*ISO1*001",
            SAScheduleTupleID=1,
        )
        _add(journal, n * 0.1, request)
        _add(journal, n * 0.1 + (0.03 if n % 10 == 9 else 0.02), response)
    return journal


@pytest.fixture
def add() -> Callable[..., None]:
    """Appends a message to a journal."""
    return _add


@pytest.fixture
def charge() -> Callable[[int], Journal]:
    """Makes a journal of a charge loop."""
    return _charge
