"""What a message's bytes say, remembered: a vehicle that polls sends the same bytes a hundred times.

In real captures nine of ten messages have been seen before, byte for byte. Tables show each of them, so they ask here;
who wants to work with a message has it decoded for themselves (`FrameEntry.message`). What is remembered is text, never
changed, and bounded in number and length.
"""

from __future__ import annotations

from typing import NamedTuple

from secc_kernel import codec


class Text(NamedTuple):
    """A message as the tables show it.

    Attributes
    ----------
    name
        Of the message's element, such as 'SessionSetupReq'; None where the bytes cannot be decoded.
    xml
        The message; None where the bytes cannot be decoded, or where only the name was asked for.
    error
        Why they cannot; None where they can.
    """

    name: str | None
    xml: str | None
    error: str | None


#: How many messages are remembered. More than one session has, as a rule, and some ten megabytes.
_MAX_COUNT = 4096
#: Bytes and characters of a message that is remembered. Longer ones are rare, and sent once.
_MAX_LENGTH = 512
_MAX_XML = 1 << 14

_named: dict[tuple[str, bytes], Text] = {}
_written: dict[tuple[str, bytes], Text] = {}


def name_of(schema: str, data: bytes) -> Text:
    """A message without its XML.

    Parameters
    ----------
    schema
        Key of the vocabulary.
    data
        The EXI stream.
    """
    key = schema, data
    return _written.get(key) or _named.get(key) or _read(schema, data, False)


def text_of(schema: str, data: bytes) -> Text:
    """A message with its XML; parameters as of `name_of`."""
    return _written.get((schema, data)) or _read(schema, data, True)


def _read(schema: str, data: bytes, xml: bool) -> Text:
    try:
        message = codec.decode(data, schema)
    except codec.DecodeError as error:
        text = Text(None, None, str(error))
    else:
        text = Text(message.name, message.to_xml() if xml else None, None)
    if len(data) <= _MAX_LENGTH and len(text.xml or "") <= _MAX_XML:
        memory = _written if xml else _named
        if len(memory) >= _MAX_COUNT:
            memory.clear()
        memory[schema, data] = text
    return text
