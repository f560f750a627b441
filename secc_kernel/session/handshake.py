"""supportedAppProtocol: what the vehicle offers and which offer the station takes (ISO 15118-2, 8.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from secc_kernel.messages import SCHEMAS, by_namespace, vocabulary
from secc_kernel.messages.sap import AppProtocolType

__all__ = ["PREFERENCES", "Choice", "choose", "lacks_security", "offer", "schema_of"]

PREFERENCES = ("standard", "latest", "oldest")
"""How a station chooses among the offers that it supports: by the vehicle's Priority, as [V2G2-169] demands, or by the
protocol's age: vehicles that know ISO 15118 and still rank DIN first are common."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a station answers: the response code, and the offer that it takes."""

    ResponseCode: str
    SchemaID: int | None = None
    schema: str | None = None


def schema_of(offered: Any) -> str | None:
    """The vocabulary that an AppProtocol entry offers; None where it is unknown, or of another major version."""
    found = by_namespace(str(offered.ProtocolNamespace))
    return found.key if found is not None and found.version[0] == offered.VersionNumberMajor else None


def lacks_security(schema: str | None, tls: str) -> bool:
    """Whether a protocol must not be used over such a connection: ISO 15118-20 demands TLS 1.3 or later.

    Parameters
    ----------
    schema : str or None
        The vocabulary of the protocol.
    tls : str
        The version of transport security; '' for none.
    """
    return schema is not None and schema.startswith("iso20") and tls < "TLS 1.3"


def choose(offers: Iterable[Any], supported: Iterable[str], preference: str = "standard") -> Choice:
    """The station's choice: a filter by what it supports, then the vehicle's ranking ([V2G2-167], [V2G2-169]).

    Parameters
    ----------
    offers : iterable of AppProtocolType
        The vehicle's list.
    supported : iterable of str
        Schema keys that the station supports.
    preference : str
        One of `PREFERENCES`.
    """
    known = set(supported)
    candidates = [(entry, key) for entry in offers if (key := schema_of(entry)) in known and key is not None]
    if not candidates:
        return Choice("Failed_NoNegotiation")
    age = {"standard": 0, "latest": -1, "oldest": 1}[preference]
    entry, key = min(candidates, key=lambda c: (age * SCHEMAS.index(c[1]), _priority(c[0])))
    same = vocabulary(key).version[1] == entry.VersionNumberMinor
    code = "OK_SuccessfulNegotiation" if same else "OK_SuccessfulNegotiationWithMinorDeviation"
    return Choice(code, entry.SchemaID, key)


def _priority(entry: Any) -> int:
    """1 is the highest; an entry without one comes last."""
    return entry.Priority if isinstance(entry.Priority, int) else 256


def offer(schemas: Iterable[str]) -> list[AppProtocolType]:
    """The vehicle's list for these protocols, the first with Priority 1."""
    entries = []
    for number, key in enumerate(schemas):
        words = vocabulary(key)
        entries.append(
            AppProtocolType(
                ProtocolNamespace=words.namespace,
                VersionNumberMajor=words.version[0],
                VersionNumberMinor=words.version[1],
                SchemaID=number,
                Priority=number + 1,
            )
        )
    return entries
