"""Qualified names and the namespaces that XML and EXI know in advance."""

from __future__ import annotations

from typing import NamedTuple

XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
XSI_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
XSD_NAMESPACE = "http://www.w3.org/2001/XMLSchema"


class QName(NamedTuple):
    """A namespace URI and a local name."""

    uri: str
    name: str

    def __str__(self) -> str:
        return f"{{{self.uri}}}{self.name}" if self.uri else self.name


def sort_key(qname: QName) -> tuple[str, str]:
    """Order of names in EXI: by local name, then by URI (EXI 1.0, 8.5.1, 8.5.4.1.6)."""
    return (qname.name, qname.uri)


XSI_TYPE = QName(XSI_NAMESPACE, "type")
ANY_TYPE = QName(XSD_NAMESPACE, "anyType")
