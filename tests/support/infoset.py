"""XML infosets, compared with an independent parser: names, attributes and text, whatever the prefixes."""

from __future__ import annotations

from typing import Any

from lxml import etree

#: Name, attributes, content.
Node = tuple[str, tuple[tuple[str, str], ...], tuple[Any, ...]]


def infoset(xml: str | bytes, *, local: bool = False) -> Node:
    """What an XML text says; with ``local``, names without their namespaces."""
    parser = etree.XMLParser(resolve_entities=False, huge_tree=True)
    return _of(etree.fromstring(xml.encode() if isinstance(xml, str) else xml, parser), local)


def _name(name: str, local: bool) -> str:
    return etree.QName(name).localname if local else name


def _of(node: Any, local: bool) -> Node:
    children = [child for child in node if isinstance(child.tag, str)]
    texts = [node.text or "", *(child.tail or "" for child in children)]
    if children and not "".join(texts).strip():
        texts = [""] * len(texts)  # layout
    content: list[Any] = [texts[0]] if texts[0] else []
    for child, tail in zip(children, texts[1:], strict=True):
        content.append(_of(child, local))
        if tail:
            content.append(tail)
    attributes = tuple(sorted((_name(name, local), _value(name, value)) for name, value in node.attrib.items()))
    return _name(node.tag, local), attributes, tuple(content)


def _value(name: str, value: str) -> str:
    """An attribute's value; that of xsi:type is a name, and the reference does not declare each prefix."""
    return value.rpartition(":")[2] if name == "{http://www.w3.org/2001/XMLSchema-instance}type" else value
