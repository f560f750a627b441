"""EXI messages of all vocabularies: bytes to objects to XML, and back.

>>> from secc_kernel import codec
>>> message = codec.decode(bytes.fromhex("80400040"), "sap")
>>> message.name, message.body.ResponseCode
('supportedAppProtocolRes', 'OK_SuccessfulNegotiation')
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .exi import difference, facets, xml_reader, xml_writer
from .exi.declare import ComplexType, Element
from .exi.errors import DecodeError, EncodeError, Finding
from .exi.native import compiled
from .exi.reader import Step
from .messages import SCHEMAS, Vocabulary, vocabulary
from .messages.identify import Candidate, identify, likely_reason

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "SCHEMAS",
    "Candidate",
    "DecodeError",
    "EncodeError",
    "Finding",
    "InvalidMessageError",
    "Message",
    "compiled",
    "decode",
    "diff",
    "encode",
    "from_xml",
    "identify",
    "new",
    "source",
    "trace",
]


SESSION_ID_LENGTH = 8
"""Bytes of a SessionID. The schemas of DIN SPEC 70121 and ISO 15118-2 allow fewer, and many vehicles start with one."""


class InvalidMessageError(ValueError):
    """A message that breaks its schema, where a valid one was asked for.

    Attributes
    ----------
    findings : list of Finding
        What is wrong.
    """

    def __init__(self, name: str, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__(f"{name} breaks its schema: " + "; ".join(f"{f.path}: {f.text}" for f in findings))


class Message:
    """A message, or a fragment of one.

    Parameters
    ----------
    schema : str
        Key of the vocabulary.
    element : Element
        The root element's declaration.
    value : ComplexType or simple value
        The root element's value.
    fragment : bool
        Whether it is coded with the fragment grammar.
    findings : list of Finding
        What decoding noticed.
    """

    __slots__ = ("_deviations", "element", "fragment", "schema", "value")

    def __init__(
        self, schema: str, element: Element, value: Any, fragment: bool = False, findings: list[Finding] | None = None
    ) -> None:
        self.schema = schema
        self.element = element
        self.value = value
        self.fragment = fragment
        self._deviations = findings or []

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary that the message belongs to."""
        return vocabulary(self.schema)

    @property
    def body(self) -> Any:
        """The message proper: within V2G_Message the body's element, otherwise the root's value."""
        if self.element is self.vocabulary.envelope and isinstance(self.value, ComplexType):
            held = getattr(getattr(self.value, "Body", None), "BodyElement", None)
            return held if isinstance(held, ComplexType) else None
        return self.value

    @property
    def header(self) -> Any:
        """The message header, or None if the message has none."""
        held = getattr(self.value, "Header", None) if isinstance(self.value, ComplexType) else None
        return held if isinstance(held, ComplexType) else None

    @property
    def session_id(self) -> bytes | None:
        """SessionID of the header, as many bytes as the wire had."""
        held = getattr(self.header, "SessionID", None)
        return held if isinstance(held, bytes) else None

    @property
    def name(self) -> str:
        """Name of the message, such as ``SessionSetupReq``."""
        if self.element is not self.vocabulary.envelope:
            return self.element.name
        body = self.body
        if body is None:
            return self.element.name
        return self.vocabulary.names.get(type(body), self.element.name)

    @property
    def deviations(self) -> list[Finding]:
        """Where the stream departs from the schema's structure, as decoding noticed; empty for a message made here."""
        return list(self._deviations)

    @property
    def findings(self) -> list[Finding]:
        """Everything noteworthy: deviations met while decoding, then violated facets."""
        found = [*self._deviations, *facets.check(self.vocabulary.codec.grammars, self.element, self.value)]
        length = len(self.session_id or b"")
        if 0 < length < SESSION_ID_LENGTH:
            text = f"{length} {'byte' if length == 1 else 'bytes'}; a session's identifier has {SESSION_ID_LENGTH}"
            found.append(Finding("v2g.session-id", "note", f"{self.element.name}/Header/SessionID", text))
        return found

    def to_xml(self) -> str:
        """XML text, in a fixed layout with prefixes s0, s1, ... on the root."""
        return xml_writer.serialize(self.vocabulary.schema, self.element, self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and (self.schema, self.fragment, self.element.qname, self.value) == (
            other.schema,
            other.fragment,
            other.element.qname,
            other.value,
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self.schema} {'fragment ' if self.fragment else ''}{self.name}: {self.body!r}>"


def decode(exi: bytes, schema: str, fragment: bool = False, *, strict: bool = False) -> Message:
    """The message in an EXI stream.

    Parameters
    ----------
    exi : bytes
        The stream, from the EXI header (0x80) on.
    schema : str
        Key of the vocabulary, such as ``iso2``; see `SCHEMAS`.
    fragment : bool
        Use the fragment grammar, which signatures are made over.
    strict : bool
        Refuse what breaks the schema.

    Raises
    ------
    DecodeError
        If the stream cannot be read; ``offset`` is the bit, ``reason`` says why.
    InvalidMessageError
        With ``strict``, if the message has findings other than notes.
    KeyError
        If there is no such vocabulary.
    """
    found = vocabulary(schema).codec.decode(bytes(exi), fragment)
    message = Message(schema, found.element, found.value, fragment, found.findings)
    return _checked(message) if strict else message


def encode(message: Message, string_table: bool = False, *, strict: bool = False) -> bytes:
    """The EXI stream of a message.

    Parameters
    ----------
    message : Message
        Knows its vocabulary and whether it is a fragment.
    string_table : bool
        Write repeated strings as string-table references. ISO 15118 rules that out (valuePartitionCapacity 0); some
        stacks do it, and a test may want to.
    strict : bool
        Refuse what breaks the schema.

    Raises
    ------
    EncodeError
        If a value does not fit the schema's structure or cannot be expressed; ``path`` names it.
    InvalidMessageError
        With ``strict``, if a facet is violated.
    """
    if strict:
        _checked(message)
    engine = vocabulary(message.schema).codec
    return engine.encode(message.element, message.value, message.fragment, string_table)


def _checked(message: Message) -> Message:
    serious = [f for f in message.findings if f.severity != "note"]
    if serious:
        raise InvalidMessageError(message.name, serious)
    return message


def from_xml(text: str | bytes, schema: str, fragment: bool = False) -> Message:
    """The message that an XML text stands for; prefixes and white space between elements do not matter.

    Only in mixed content, which XML signatures have in places, white space is content too.

    An element without characters, such as ``<MeterID/>``, becomes `exi.datatypes.NO_TEXT`: it is written as general
    EXI processors write it, without a characters event. Set the field to ``""`` for the form of charging stacks.

    Raises
    ------
    EncodeError
        If the text is no well-formed XML without DTD, or does not fit the schema; ``path`` says where.
    """
    element, value = xml_reader.parse(vocabulary(schema).schema, text, fragment)
    return Message(schema, element, value, fragment)


def new(schema: str, name: str, session_id: bytes | None = None, **fields: Any) -> Message:
    """A message made from its fields.

    Parameters
    ----------
    schema : str
        Key of the vocabulary.
    name : str
        The message's name, such as ``SessionSetupRes``.
    session_id : bytes
        SessionID of the header; without it the header's SessionID is eight zero bytes.
    **fields
        Fields of the message's type; ``Header`` replaces the header.

    Raises
    ------
    KeyError
        If the vocabulary has no such message.
    TypeError
        If the message has no such field.
    """
    words = vocabulary(schema)
    element = words.message_element(name)
    header_type = words.header_type()
    header = fields.pop("Header", None)
    if header_type is not None and header is None:
        header = header_type(SessionID=session_id if session_id is not None else bytes(8))
    if words.envelope is None:
        if header is not None:
            fields["Header"] = header
        return Message(schema, element, element.type(**fields))
    envelope = words.envelope
    body_type = next(f.type for f in envelope.type.__fields__ if f.name == "Body")
    body = body_type(BodyElement=element.type(**fields))
    return Message(schema, envelope, envelope.type(Header=header, Body=body))


def trace(exi: bytes, schema: str, fragment: bool = False) -> DataFrame:
    """What every bit of a stream stands for.

    Returns
    -------
    DataFrame
        A row for each run of bits with one meaning, in the order of the stream: ``offset`` and ``length`` in bits,
        ``bits`` as a string of 0 and 1, ``event`` (header, SE, AT, CH, EE, ED, value, name, padding, surplus), ``code``
        (the event code) out of ``alternatives``, ``path`` of the element, and ``value``. Where a stream stops making
        sense the last row has event ``error``, the bits that are left, and the reason as its value; ``attrs["likely"]``
        of the table then says what is probably the matter.

    Raises
    ------
    KeyError
        If there is no such vocabulary.
    """
    from pandas import DataFrame

    data = bytes(exi)
    steps, error = vocabulary(schema).codec.trace(data, fragment)
    digits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}" if data else ""
    rows = [
        (s.offset, s.length, digits[s.offset : s.offset + s.length], s.event, s.code, s.alternatives, s.path, s.value)
        for s in steps
    ]
    if error is not None:
        read = steps[-1].offset + steps[-1].length if steps else 0
        rows.append((read, len(digits) - read, digits[read:], "error", "", 0, error.path, error.reason))
    columns = ["offset", "length", "bits", "event", "code", "alternatives", "path", "value"]
    table = DataFrame(rows, columns=columns)
    if error is not None:
        table.attrs["error"] = str(error)
        table.attrs["likely"] = likely_reason(data, schema, error, fragment)
    return table


def diff(a: Message | bytes, b: Message | bytes, schema: str | None = None, fragment: bool = False) -> DataFrame:
    """Two messages value by value and bit by bit.

    Parameters
    ----------
    a, b : Message or bytes
        Messages, or EXI streams.
    schema : str, optional
        Vocabulary of the streams; the other side's, or the likeliest, if not given.
    fragment : bool
        Whether streams are fragments.

    Returns
    -------
    DataFrame
        A row a value: ``path``, ``change`` (same, changed, only a, only b), ``a`` and ``b``, their first bits
        ``offset_a`` and ``offset_b``, and their bits. A stream that does not decode is compared as far as it goes.

    Raises
    ------
    EncodeError
        If a message cannot be expressed in EXI.
    """
    from pandas import DataFrame

    known = next((m for m in (a, b) if isinstance(m, Message)), None)
    rows = difference.difference(*(_steps(side, schema, fragment, known) for side in (a, b)))
    table = DataFrame(rows, columns=list(difference.Difference._fields))
    return table.astype({"offset_a": "Int64", "offset_b": "Int64"})


def _steps(
    side: Message | bytes, schema: str | None, fragment: bool, known: Message | None
) -> tuple[list[Step], bytes]:
    if isinstance(side, Message):
        data, schema, fragment = encode(side), side.schema, side.fragment
    else:
        data = bytes(side)
        if schema is None:
            schema = known.schema if known is not None else identify(data)[0].schema
            fragment = known.fragment if known is not None else fragment
    return vocabulary(schema).codec.trace(data, fragment)[0], data


def source(schema: str, name: str) -> str:
    """The generated Python source of the functions that read and write a type.

    Parameters
    ----------
    schema : str
        Key of the vocabulary.
    name : str
        A message, such as ``CurrentDemandRes``, or a type, such as ``PhysicalValueType``.

    Raises
    ------
    KeyError
        If the vocabulary has neither.
    """
    words = vocabulary(schema)
    types = {t.__name__: t for t in words.schema.types()}
    return words.codec.compiler.source(words.elements[name].type if name in words.elements else types[name])
