"""XML Signature (W3C, xmldsig-core-schema of 2002), as ISO 15118 and DIN SPEC 70121 embed it."""

from __future__ import annotations

from typing import Annotated, Any

from ..exi.datatypes import ID, anyURI, base64Binary, integer, restrict, string
from ..exi.declare import (
    UNBOUNDED,
    ComplexType,
    Namespace,
    attribute,
    child,
    child_ref,
    choice,
    element,
    items,
    mixed,
    occurs,
    ref,
    sequence,
    text,
    wildcard,
)

NAMESPACE = Namespace("http://www.w3.org/2000/09/xmldsig#", attributes=False)

CryptoBinary = Annotated[bytes, restrict(base64Binary)]
DigestValueType = Annotated[bytes, restrict(base64Binary)]
HMACOutputLengthType = Annotated[int, restrict(integer)]


class SignatureType(ComplexType):
    Id: Annotated[ID | None, attribute()] = None
    SignedInfo: Annotated[SignedInfoType, ref(SignedInfo)]
    SignatureValue: Annotated[SignatureValueType, ref(SignatureValue)]
    KeyInfo: Annotated[KeyInfoType | None, ref(KeyInfo)] = None
    Object: Annotated[list[ObjectType], ref(Object), occurs(0, UNBOUNDED)]


Signature = element(SignatureType)


class SignatureValueType(ComplexType):
    Id: Annotated[ID | None, attribute()] = None
    value: Annotated[base64Binary, text()]


SignatureValue = element(SignatureValueType)


class SignedInfoType(ComplexType):
    Id: Annotated[ID | None, attribute()] = None
    CanonicalizationMethod: Annotated[CanonicalizationMethodType, ref(CanonicalizationMethod)]
    SignatureMethod: Annotated[SignatureMethodType, ref(SignatureMethod)]
    Reference: Annotated[list[ReferenceType], ref(Reference), occurs(1, UNBOUNDED)]


SignedInfo = element(SignedInfoType)


class CanonicalizationMethodType(ComplexType):
    Algorithm: Annotated[anyURI, attribute()]
    content: Annotated[list[Any], items()]
    _content_ = mixed(sequence(wildcard(min=0, max=None)))


CanonicalizationMethod = element(CanonicalizationMethodType)


class SignatureMethodType(ComplexType):
    Algorithm: Annotated[anyURI, attribute()]
    content: Annotated[list[Any], items()]
    _content_ = mixed(
        sequence(child("HMACOutputLength", "HMACOutputLengthType", min=0, max=1), wildcard(min=0, max=None))
    )


SignatureMethod = element(SignatureMethodType)


class ReferenceType(ComplexType):
    Id: Annotated[ID | None, attribute()] = None
    URI: Annotated[anyURI | None, attribute()] = None
    Type: Annotated[anyURI | None, attribute()] = None
    Transforms: Annotated[TransformsType | None, ref(Transforms)] = None
    DigestMethod: Annotated[DigestMethodType, ref(DigestMethod)]
    DigestValue: Annotated[DigestValueType, ref(DigestValue)]


Reference = element(ReferenceType)


class TransformsType(ComplexType):
    Transform: Annotated[list[TransformType], ref(Transform), occurs(1, UNBOUNDED)]


Transforms = element(TransformsType)


class TransformType(ComplexType):
    Algorithm: Annotated[anyURI, attribute()]
    content: Annotated[list[Any], items()]
    _content_ = mixed(choice(wildcard(), child("XPath", "string"), min=0, max=None))


Transform = element(TransformType)


class DigestMethodType(ComplexType):
    Algorithm: Annotated[anyURI, attribute()]
    content: Annotated[list[Any], items()]
    _content_ = mixed(sequence(wildcard(min=0, max=None)))


DigestMethod = element(DigestMethodType)


class KeyInfoType(ComplexType):
    Id: Annotated[ID | None, attribute()] = None
    content: Annotated[list[Any], items()]
    _content_ = mixed(
        choice(
            child_ref("KeyName"),
            child_ref("KeyValue"),
            child_ref("RetrievalMethod"),
            child_ref("X509Data"),
            child_ref("PGPData"),
            child_ref("SPKIData"),
            child_ref("MgmtData"),
            wildcard(),
            min=1,
            max=None,
        )
    )


DigestValue = element(DigestValueType)
KeyInfo = element(KeyInfoType)
KeyName = element(string)
MgmtData = element(string)


class KeyValueType(ComplexType):
    content: Annotated[list[Any], items()]
    _content_ = mixed(choice(child_ref("DSAKeyValue"), child_ref("RSAKeyValue"), wildcard()))


KeyValue = element(KeyValueType)


class RetrievalMethodType(ComplexType):
    URI: Annotated[anyURI | None, attribute()] = None
    Type: Annotated[anyURI | None, attribute()] = None
    Transforms: Annotated[TransformsType | None, ref(Transforms)] = None


RetrievalMethod = element(RetrievalMethodType)


class X509DataType(ComplexType):
    content: Annotated[list[Any], items()]
    _content_ = sequence(
        choice(
            child("X509IssuerSerial", "X509IssuerSerialType"),
            child("X509SKI", "base64Binary"),
            child("X509SubjectName", "string"),
            child("X509Certificate", "base64Binary"),
            child("X509CRL", "base64Binary"),
            wildcard(),
        ),
        min=1,
        max=None,
    )


X509Data = element(X509DataType)


class X509IssuerSerialType(ComplexType):
    X509IssuerName: string
    X509SerialNumber: integer


class PGPDataType(ComplexType):
    content: Annotated[list[Any], items()]
    _content_ = choice(
        sequence(
            child("PGPKeyID", "base64Binary"),
            child("PGPKeyPacket", "base64Binary", min=0, max=1),
            wildcard(min=0, max=None),
        ),
        sequence(child("PGPKeyPacket", "base64Binary"), wildcard(min=0, max=None)),
    )


PGPData = element(PGPDataType)


class SPKIDataType(ComplexType):
    content: Annotated[list[Any], items()]
    _content_ = sequence(child("SPKISexp", "base64Binary"), wildcard(min=0, max=1), min=1, max=None)


SPKIData = element(SPKIDataType)


class ObjectType(ComplexType):
    Id: Annotated[ID | None, attribute()] = None
    MimeType: Annotated[string | None, attribute()] = None
    Encoding: Annotated[anyURI | None, attribute()] = None
    content: Annotated[list[Any], items()]
    _content_ = mixed(sequence(wildcard(), min=0, max=None))


Object = element(ObjectType)


class ManifestType(ComplexType):
    Id: Annotated[ID | None, attribute()] = None
    Reference: Annotated[list[ReferenceType], ref(Reference), occurs(1, UNBOUNDED)]


Manifest = element(ManifestType)


class SignaturePropertiesType(ComplexType):
    Id: Annotated[ID | None, attribute()] = None
    SignatureProperty: Annotated[list[SignaturePropertyType], ref(SignatureProperty), occurs(1, UNBOUNDED)]


SignatureProperties = element(SignaturePropertiesType)


class SignaturePropertyType(ComplexType):
    Target: Annotated[anyURI, attribute()]
    Id: Annotated[ID | None, attribute()] = None
    content: Annotated[list[Any], items()]
    _content_ = mixed(choice(wildcard(), min=1, max=None))


SignatureProperty = element(SignaturePropertyType)


class DSAKeyValueType(ComplexType):
    P: CryptoBinary | None = None
    Q: CryptoBinary | None = None
    G: CryptoBinary | None = None
    Y: CryptoBinary
    J: CryptoBinary | None = None
    Seed: CryptoBinary | None = None
    PgenCounter: CryptoBinary | None = None
    _content_ = sequence(sequence("P", "Q", min=0), "G", "Y", "J", sequence("Seed", "PgenCounter", min=0))


DSAKeyValue = element(DSAKeyValueType)


class RSAKeyValueType(ComplexType):
    Modulus: CryptoBinary
    Exponent: CryptoBinary


RSAKeyValue = element(RSAKeyValueType)
