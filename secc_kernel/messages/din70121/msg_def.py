"""DIN SPEC 70121:2012, V2G_CI_MsgDef.xsd: the message as a whole."""

from __future__ import annotations

from typing import Annotated

from ...exi.declare import ComplexType, Namespace, element, ref
from .msg_header import MessageHeaderType

NAMESPACE = Namespace("urn:din:70121:2012:MsgDef", attributes=False)


class V2G_MessageType(ComplexType):
    _anonymous_ = True
    Header: MessageHeaderType
    Body: BodyType


V2G_Message = element(V2G_MessageType)


class BodyType(ComplexType):
    BodyElement: Annotated[BodyBaseType | None, ref(BodyElement)] = None


class BodyBaseType(ComplexType):
    _abstract_ = True


BodyElement = element(BodyBaseType)
