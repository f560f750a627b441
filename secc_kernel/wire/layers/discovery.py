"""The messages of SDP as declared types: from those of `wire.sdp`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any

from secc_kernel.exi.declare import Namespace, element
from secc_kernel.wire.layers.derive import address, complex_type, number, numbered
from secc_kernel.wire.sdp import Request, Response

NAMESPACE = Namespace("urn:secc-kernel:sdp")

DECLARED: dict[str, type[Request] | type[Response]] = {"SECC_DiscoveryReq": Request, "SECC_DiscoveryRes": Response}
"""What the standards call the messages, and their classes."""

_PORT = 2
_ENUMERATIONS: dict[str, Any] = {}


def _annotation(declared: Field[Any]) -> Any:
    members = declared.metadata.get("members")
    if members is not None:
        return _ENUMERATIONS.setdefault(members.__name__, numbered(members, __name__))
    return number(_PORT) if declared.type == "int" else address()


def _types() -> Iterator[tuple[str, Any]]:
    for name, kind in DECLARED.items():
        annotations = {field.metadata["element"]: _annotation(field) for field in fields(kind)}
        made = complex_type(__name__, name, annotations)
        yield made.__name__, made
        yield name, element(made)
    yield from _ENUMERATIONS.items()


globals().update(_types())
