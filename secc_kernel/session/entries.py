"""The entries of a journal: what can be recorded, and how it stands in a line of a file."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from secc_kernel import codec
from secc_kernel.session import decoding
from secc_kernel.wire.layers import LAYERS

if TYPE_CHECKING:
    from secc_kernel.codec import Message

#: The vocabulary of each layer below V2G whose messages scripts can work at.
BELOW = {"sdp": LAYERS["sdp"].key, "homeplug": LAYERS["slac"].key}


@dataclass(slots=True)
class Entry:
    """What all entries have.

    Parameters
    ----------
    time
        Seconds: since the epoch in captures and on real links, since the session's beginning on the simulated one.
    """

    kind: ClassVar[str] = ""
    time: float


@dataclass(slots=True)
class FrameEntry(Entry):
    """A frame that was sent or received.

    Parameters
    ----------
    layer
        'v2gtp' for the messages on TCP; 'sdp', 'tls' and others for what surrounds them.
    sender
        'EVCC', 'SECC', or '' where it is not known.
    src, dst
        Addresses, '[fe80::1]:49152', or names.
    stream
        Which TCP connection, counted from 0; -1 for none.
    frame
        In a capture, the number (from 1) of the captured frame that completes this one.
    payload_type
        The number in the V2GTP header; of a TLS record its content type.
    data
        The payload: EXI, or the SDP message; a TLS record whole, with its header.
    schema
        Key of the vocabulary, None where none is known to fit.
    intended
        Paths of values that break the schema because the script wants it so.
    auto
        Paths of values that the autopilot filled in.
    """

    kind: ClassVar[str] = "frame"
    layer: str = "v2gtp"
    sender: str = ""
    src: str = ""
    dst: str = ""
    stream: int = -1
    frame: int | None = None
    payload_type: int = 0
    data: bytes = b""
    schema: str | None = None
    intended: tuple[str, ...] = ()
    auto: tuple[str, ...] = ()
    #: The message, where whoever made the entry has it already; otherwise decoded from `data` on the first look.
    decoded: Message | None = field(default=None, repr=False, compare=False)
    _error: str | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def message(self) -> Message | None:
        """The decoded message; None where it cannot be decoded, and `error` says why."""
        if self.decoded is None and self._error is None:
            self._decode()
        return self.decoded

    @property
    def error(self) -> str | None:
        """Why the message cannot be decoded; None where it can."""
        if self.decoded is None and self._error is None:
            self._error = self.text(xml=False).error
        return self._error

    @property
    def name(self) -> str:
        """The message's element name, such as 'SessionSetupReq'; '' where it cannot be decoded."""
        return (self.text(xml=False).name if self.decoded is None else self.decoded.name) or ""

    def text(self, xml: bool = True) -> decoding.Text:
        """The message as the tables show it, from the bytes that were on the wire; nothing is kept for it here.

        Parameters
        ----------
        xml
            Whether its XML is asked for.
        """
        if self.schema is not None and self.layer == "v2gtp":
            return decoding.text_of(self.schema, self.data) if xml else decoding.name_of(self.schema, self.data)
        message = self.message
        if message is None:
            return decoding.Text(None, None, self._error)
        return decoding.Text(message.name, message.to_xml() if xml else None, None)

    def _decode(self) -> None:
        schema = self.schema if self.layer == "v2gtp" else BELOW.get(self.layer)
        if self.layer != "v2gtp" and schema is None:
            self._error = f"a frame of the layer {self.layer!r} carries no EXI message"
        elif schema is None:
            self._error = "no vocabulary is known for this message: no handshake was seen, and none that was tried fits"
        else:
            try:
                self.decoded = codec.decode(self.data, schema)
            except codec.DecodeError as error:
                self._error = str(error)


@dataclass(slots=True)
class TimerEntry(Entry):
    """A named timer of the standard was started, stopped, or has expired.

    Parameters
    ----------
    name
        The standard's name, such as 'V2G_SECC_Sequence_Timeout'.
    what
        'start', 'stop' or 'expired'.
    limit
        Its length in seconds.
    """

    kind: ClassVar[str] = "timer"
    name: str = ""
    what: str = "start"
    limit: float | None = None


@dataclass(slots=True)
class StateEntry(Entry):
    """A state machine has changed its state."""

    kind: ClassVar[str] = "state"
    machine: str = ""
    old: str = ""
    new: str = ""


@dataclass(slots=True)
class FindingEntry(Entry):
    """Something that breaks a rule of a standard, or that a reader of the record has to know.

    Parameters
    ----------
    rule
        Id of the rule, such as 'tcp.gap'.
    severity
        'note', 'warning' or 'error'.
    text
        What happened, where, and what it means.
    message
        Index of the message that it is about.
    place
        Where a script found it: 'script.lua:12', or 'common.lua:3, from script.lua:12'.
    subject
        Of a script's verdict what was checked, in its own words: the same in each run, while the text of a failed one
        has the values of this one.
    """

    kind: ClassVar[str] = "finding"
    rule: str = ""
    severity: str = "note"
    text: str = ""
    message: int | None = None
    place: str = ""
    subject: str = ""


@dataclass(slots=True)
class NoteEntry(Entry):
    """A remark, by the program or by the script."""

    kind: ClassVar[str] = "note"
    text: str = ""


@dataclass(slots=True)
class SecretEntry(Entry):
    """A secret of a TLS connection, with which whoever has its records can read them.

    Parameters
    ----------
    line
        As a line of a key log (NSS): label, the client's random and the secret, the last two in hexadecimal.
    stream
        Which TCP connection; -1 where it is not known.
    """

    kind: ClassVar[str] = "secret"
    line: str = ""
    stream: int = -1


_KINDS: dict[str, type[Entry]] = {
    cls.kind: cls for cls in (FrameEntry, TimerEntry, StateEntry, FindingEntry, NoteEntry, SecretEntry)
}
#: kind -> (field, default) of what is written; a value that equals its default is left out of the line.
_WRITTEN: dict[str, tuple[tuple[str, Any], ...]] = {
    kind: tuple((f.name, f.default) for f in dataclasses.fields(cls) if f.compare) for kind, cls in _KINDS.items()
}
_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=bytes.hex).encode


def record_of(entry: Entry) -> dict[str, Any]:
    """An entry as what is written of it, by field; what equals its default is left out."""
    record: dict[str, Any] = {"kind": entry.kind}
    for name, default in _WRITTEN[entry.kind]:
        value = getattr(entry, name)
        if value != default:
            record[name] = value
    return record


def line_of(record: dict[str, Any]) -> bytes:
    """A record as a line of JSON; bytes are written in hexadecimal."""
    # Text from the wire may hold lone surrogates; they come back as they were.
    return _to_json(record).encode("utf-8", "surrogatepass") + b"\n"


def entry_of(line: bytes) -> Entry:
    """The entry that a line tells of.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is no such line.
    """
    return entry_from(json.loads(line.decode("utf-8", "surrogatepass")))


def entry_from(record: dict[str, Any]) -> Entry:
    """The entry of a record as it was read; raises as `entry_of`."""
    cls = _KINDS[record.pop("kind")]
    for name in ("intended", "auto"):
        if name in record:
            record[name] = tuple(record[name])
    if "data" in record:
        record["data"] = bytes.fromhex(record["data"])
    return cls(**record)
