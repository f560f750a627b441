"""ISO 15118-2:2013, V2G_CI_MsgHeader.xsd: the header of every message."""

from __future__ import annotations

from typing import Annotated

from ...exi.declare import ComplexType, Namespace, ref
from ..xmldsig import Signature, SignatureType
from .msg_data_types import NotificationType, sessionIDType

NAMESPACE = Namespace("urn:iso:15118:2:2013:MsgHeader")


class MessageHeaderType(ComplexType):
    SessionID: sessionIDType
    Notification: NotificationType | None = None
    Signature: Annotated[SignatureType | None, ref(Signature)] = None
