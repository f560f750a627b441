"""supportedAppProtocol, the handshake that chooses the protocol (ISO 15118-2:2013, V2G_CI_AppProtocol.xsd)."""

from __future__ import annotations

from typing import Annotated

from ..exi.datatypes import Enumeration, anyURI, restrict, string, unsignedByte, unsignedInt
from ..exi.declare import ComplexType, Namespace, element, occurs

NAMESPACE = Namespace("urn:iso:15118:2:2010:AppProtocol", elements=False, attributes=False)

idType = Annotated[int, restrict(unsignedByte)]
protocolNameType = Annotated[str, restrict(string, max_length=30)]
protocolNamespaceType = Annotated[str, restrict(anyURI, max_length=100)]
priorityType = Annotated[int, restrict(unsignedByte, min_inclusive=1, max_inclusive=20)]


class responseCodeType(Enumeration):
    OK_SuccessfulNegotiation = "OK_SuccessfulNegotiation"
    OK_SuccessfulNegotiationWithMinorDeviation = "OK_SuccessfulNegotiationWithMinorDeviation"
    Failed_NoNegotiation = "Failed_NoNegotiation"


class supportedAppProtocolReqType(ComplexType):
    _anonymous_ = True
    AppProtocol: Annotated[list[AppProtocolType], occurs(1, 20)]


supportedAppProtocolReq = element(supportedAppProtocolReqType)


class supportedAppProtocolResType(ComplexType):
    _anonymous_ = True
    ResponseCode: responseCodeType
    SchemaID: idType | None = None


supportedAppProtocolRes = element(supportedAppProtocolResType)


class AppProtocolType(ComplexType):
    ProtocolNamespace: protocolNamespaceType
    VersionNumberMajor: unsignedInt
    VersionNumberMinor: unsignedInt
    SchemaID: idType
    Priority: priorityType
