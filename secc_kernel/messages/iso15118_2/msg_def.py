"""ISO 15118-2:2013, V2G_CI_MsgDef.xsd: the message as a whole."""

from __future__ import annotations

from ...exi.declare import ComplexType, Namespace, element
from .msg_body import BodyType
from .msg_header import MessageHeaderType

NAMESPACE = Namespace("urn:iso:15118:2:2013:MsgDef")


class V2G_MessageType(ComplexType):
    _anonymous_ = True
    Header: MessageHeaderType
    Body: BodyType


V2G_Message = element(V2G_MessageType)
