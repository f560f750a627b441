"""From the bytes of one TCP connection to journal entries: frames, and which vocabulary codes each message.

The V2GTP payload type 0x8001 says only "EXI": the handshake, all of DIN SPEC 70121 and all of ISO 15118-2 share it.
Which of them a message belongs to is what the handshake agreed on. A capture may begin after it, or break the
agreement; then the vocabularies are tried, and a finding says which one is used.

`Conversation` serves whoever overhears both directions: the reader of captures, and a listener on a live line. It has
no sockets and no clock; bytes come in with the time and the number of the captured frame that brought them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from secc_kernel import codec
from secc_kernel.codec import Finding
from secc_kernel.messages import SCHEMAS, by_namespace, vocabulary
from secc_kernel.messages.sap import AppProtocolType, supportedAppProtocolReqType, supportedAppProtocolResType
from secc_kernel.session.journal import Entry, FindingEntry, FrameEntry, NoteEntry
from secc_kernel.session.secrets import Secrets
from secc_kernel.wire import sdp
from secc_kernel.wire.v2gtp import HEADER_LENGTH, Decoder, Frame, PayloadType, V2GTPError, find_header

if TYPE_CHECKING:
    from secc_kernel.codec import Message
    from secc_kernel.session.decrypt import Decryption, Plain

#: The payload type that does not tell the vocabulary.
_EXI = int(PayloadType.EXIEncodedV2GMessage)
#: Payload types of the side streams of ISO 15118-20, whose messages belong to the vocabularies of the main streams.
_SIDE_STREAMS = range(0x8101, 0x8200)
#: How the V2GTP header of SDP's datagrams begins.
SDP_BEGINNING = b"\x01\xfe\x90"
#: Vehicles whose SDP request is remembered at a time; the oldest makes room.
_MAX_WISHES = 1024


@dataclass(slots=True)
class Verdict:
    """Which vocabulary codes a message.

    Attributes
    ----------
    schema
        Its key; None where none is known to fit.
    message
        The decoded message, where it had to be decoded to know; kept so that nobody decodes it again.
    findings
        What was noticed on the way.
    """

    schema: str | None
    message: Message | None = None
    findings: Sequence[Finding] = ()


class SchemaTracker:
    """Follows the handshake of one connection and tells each message's vocabulary."""

    def __init__(self) -> None:
        self._offers: dict[int, str] = {}
        self._handshake = False
        #: What the handshake agreed on: a vocabulary that travels in 0x8001; None before, without, or for ISO 15118-20.
        self.negotiated: str | None = None
        #: Payload type -> the vocabulary that its messages were seen to have; nothing is decoded to tell it again.
        self._seen: dict[int, Verdict] = {}
        # All messages of DIN SPEC 70121, and all of ISO 15118-2, have one root element and so begin with the same
        # bytes. While they do, there is nothing to examine; a new handshake begins otherwise.
        self._beginning = b""

    def schema_of(self, payload_type: int, data: bytes) -> Verdict:
        """The vocabulary of the connection's next message."""
        seen = self._seen.get(payload_type)
        if seen is not None and (payload_type != _EXI or data[:2] == self._beginning):
            return seen
        if payload_type != _EXI:
            candidates = _vocabularies(payload_type)
            return self._try(payload_type, data, candidates, candidates[0] if len(candidates) == 1 else None)
        handshake = _decode(data, "sap")
        if handshake is not None:
            return Verdict("sap", handshake, self._follow(handshake))
        verdict = self._try(payload_type, data, _vocabularies(payload_type), self.negotiated)
        if verdict.message is not None:
            self._beginning = data[:2]
            verdict.findings = self._judge(verdict.message)
        return verdict

    def _try(self, payload_type: int, data: bytes, candidates: Sequence[str], likeliest: str | None) -> Verdict:
        """The first vocabulary that has the message: the likeliest, then those that fit, the best first."""
        message = None if likeliest is None else _decode(data, likeliest)
        if message is None and len(candidates) > 1:
            fitting = (
                found.schema for found in codec.identify(data) if found.schema in candidates and not found.reason
            )
            message = next(filter(None, (_decode(data, key) for key in fitting)), None)
        if message is None:
            return Verdict(likeliest)
        self._seen[payload_type] = Verdict(message.schema)
        return Verdict(message.schema, message)

    def _judge(self, message: Message) -> list[Finding]:
        """What there is to say about the first message after the handshake, or without one."""
        used, agreed = message.schema, self.negotiated
        if used == agreed:
            return []
        title = vocabulary(used).title
        if agreed is not None:
            text = f"the handshake agreed on {vocabulary(agreed).title}, but the messages are of {title}"
            return [Finding("schema.not-agreed", "error", "", text)]
        if self._handshake:
            text = f"the handshake agreed on nothing that is known here; the messages are read as {title}, which fits"
            return [Finding("schema.tried", "warning", "", text)]
        text = f"no handshake was seen: the messages are read as {title} ({used}), found by trying"
        return [Finding("schema.tried", "note", "", text)]

    def _follow(self, message: Message) -> list[Finding]:
        """Take note of a message of the handshake."""
        self._handshake = True
        self._seen.pop(_EXI, None)
        self.negotiated = None
        body = message.body
        if isinstance(body, supportedAppProtocolReqType):
            offers: list[Any] = body.AppProtocol
            found = [offer for offer in offers if isinstance(offer, AppProtocolType)]
            self._offers = {offer.SchemaID: offer.ProtocolNamespace or "" for offer in found}
            return []
        if not isinstance(body, supportedAppProtocolResType):  # an element without content, or with another's
            return []
        offered = ", ".join(self._offers.values()) or "not seen"
        if not str(body.ResponseCode).startswith("OK"):
            text = f"{body.ResponseCode}: the station supports nothing that the vehicle offers (offered: {offered})"
            return [Finding("sap.no-negotiation", "warning", "", text)]
        namespace = None if body.SchemaID is None else self._offers.get(body.SchemaID)
        if namespace is None:
            text = f"the station chose SchemaID {body.SchemaID}, which no offer has that was seen (offered: {offered})"
            return [Finding("sap.unknown-protocol", "warning", "", text)]
        chosen = by_namespace(namespace)
        if chosen is None:
            text = f"the handshake agreed on {namespace}, which is not known here"
            return [Finding("sap.unknown-protocol", "warning", "", text)]
        if chosen.payload_type == _EXI:
            self.negotiated = chosen.key
        return []


@lru_cache(maxsize=64)
def _vocabularies(payload_type: int) -> tuple[str, ...]:
    """Keys of the vocabularies whose messages travel in a payload type, the handshake's apart."""
    known = [vocabulary(key) for key in SCHEMAS if vocabulary(key).namespace]
    if payload_type in _SIDE_STREAMS:
        return tuple(entry.key for entry in known if entry.payload_type != _EXI)
    return tuple(entry.key for entry in known if entry.payload_type == payload_type)


def _decode(data: bytes, schema: str) -> Message | None:
    """The message, if the bytes are one of that vocabulary's own (not a part of one, which also is EXI)."""
    try:
        message = codec.decode(data, schema)
    except codec.DecodeError:
        return None
    envelope = vocabulary(schema).envelope
    own = message.name in vocabulary(schema).elements if envelope is None else message.element is envelope
    return message if own else None


@dataclass(slots=True)
class _Way:
    """One direction of a connection."""

    decoder: Decoder | None = field(default_factory=lambda: Decoder(types=None))
    #: Bytes since the last frame that belong to none.
    skipped: int = 0
    #: Are these bytes already explained by a finding?
    reported: bool = False
    ended: bool = False


class Conversation:
    """One TCP connection between two ends, overheard.

    Parameters
    ----------
    stream
        The number of the connection.
    ends
        Addresses of the two ends. A direction is the index of the end that sends.
    client
        Index of the end that opened the connection, which is the EVCC; None if that was not seen.
    secrets
        With which TLS is decrypted; None if none are known.
    every_record
        Give an entry for each TLS record, not only for those of the handshake.
    """

    def __init__(
        self,
        stream: int,
        ends: tuple[str, str],
        client: int | None = None,
        secrets: Secrets | None = None,
        every_record: bool = False,
    ) -> None:
        self.stream = stream
        self.ends = ends
        self.evcc = client
        self.tracker = SchemaTracker()
        #: Messages so far; a connection without any is somebody else's and is not reported on.
        self.messages = 0
        #: Where the connection is encrypted: what decrypts it.
        self.tls: Decryption | None = None
        self._secrets = secrets
        self._every_record = every_record
        self._ways = (_Way(), _Way())
        self._from_start = client is not None

    def receive_data(
        self, direction: int, data: bytes, time: float, frame: int | None = None, plain: bool = False
    ) -> list[Entry]:
        """Take the next bytes of one direction and give what they complete.

        Parameters
        ----------
        direction
            Index of the sending end.
        data
            The bytes.
        time
            When they came, in seconds.
        frame
            Number of the captured frame that brought them.
        plain
            They have been decrypted.
        """
        way = self._ways[direction]
        entries: list[Entry] = []
        if not plain and (self.tls is not None or (not self.messages and self._begins_tls(way, data))):
            assert self.tls is not None
            return self._decrypted(self.tls.receive_data(direction, data, time, frame))
        while data:
            if way.decoder is None:
                start = find_header(data)
                if start < 0:
                    way.skipped += len(data)
                    break
                way.skipped += start
                data = data[start:]
                way.decoder = Decoder()
            damage = None
            frames: Sequence[Frame]
            try:
                frames = way.decoder.receive_data(data)
                data = b""
            except V2GTPError as error:
                damage, frames, data = error, error.frames, error.rest
            if frames and (way.skipped or way.reported):
                entries.extend(self._explain_skipped(direction, time))
            for item in frames:
                self._frame(entries, direction, item, time, frame)
            if damage:
                entries.extend(self._damaged(direction, damage, time))
                data = data[1:]
        return entries

    def _begins_tls(self, way: _Way, data: bytes) -> bool:
        """Whether the connection turns out to be TLS."""
        if way.skipped or not _is_tls(data):
            return False
        from secc_kernel.session.decrypt import Decryption  # late: few captures have any

        secrets = Secrets(complete=True) if self._secrets is None else self._secrets
        self.tls = Decryption(self.stream, self.ends, self.evcc, secrets, every_record=self._every_record)
        return True

    def _decrypted(self, outputs: Iterable[Entry | Plain]) -> list[Entry]:
        """What comes of TLS: its own entries, and those of its plain text."""
        assert self.tls is not None
        entries: list[Entry] = []
        for output in outputs:
            if self.evcc is None:
                self.evcc = self.tls.client
            if isinstance(output, Entry):
                entries.append(output)
            else:
                entries += self.receive_data(*output, plain=True)
        return entries

    def _damaged(self, direction: int, damage: V2GTPError, time: float) -> Iterator[Entry]:
        """What follows is no header: from its second byte on the next one is looked for."""
        way = self._ways[direction]
        way.decoder = None
        way.skipped += 1
        if self.messages and not way.reported:
            way.reported = True
            text = f"stream {self.stream}, from {self.ends[direction]}: {damage}; looking for the next header"
            yield FindingEntry(time, "v2gtp.damage", "error", text)

    def _explain_skipped(self, direction: int, time: float) -> Iterator[Entry]:
        way = self._ways[direction]
        way.reported = False
        if not way.skipped:
            return
        if self.messages or self._from_start:
            text = f"{way.skipped} bytes that belong to no V2GTP frame were skipped"
        else:
            text = f"the capture begins inside a message, of which {way.skipped} bytes are left out"
        yield FindingEntry(time, "v2gtp.resync", "note", f"stream {self.stream}, from {self.ends[direction]}: {text}")
        way.skipped = 0

    def _frame(self, entries: list[Entry], direction: int, item: Frame, time: float, frame: int | None) -> None:
        verdict = self.tracker.schema_of(item.payload_type, item.payload)
        if self.evcc is None and verdict.message is not None:
            self.evcc = direction if verdict.message.name.endswith("Req") else 1 - direction
        for found in verdict.findings:
            entries += [FindingEntry(time, found.rule, found.severity, f"stream {self.stream}: {found.text}")]
        self.messages += 1
        sender = "" if self.evcc is None else "EVCC" if direction == self.evcc else "SECC"
        src, dst = self.ends if direction == 0 else self.ends[::-1]
        schema, data = verdict.schema, item.payload
        entry = FrameEntry(time, "v2gtp", sender, src, dst, self.stream, frame, item.payload_type, data, schema)
        entry.decoded = verdict.message
        entries.append(entry)

    def gap(self, direction: int, length: int, time: float, frame: int | None = None) -> Iterator[Entry]:
        """Bytes of one direction are lost; what follows is looked through for the next header.

        Parameters
        ----------
        direction
            Index of the sending end.
        length
            How many bytes.
        time, frame
            Where the loss was noticed.
        """
        way = self._ways[direction]
        part = way.decoder.buffered if way.decoder else 0
        way.decoder = None
        way.skipped += part
        if self.tls is not None:
            self.tls.gap(direction, length)
        if not self.messages:
            return
        way.reported = True
        text = f"stream {self.stream}, from {self.ends[direction]}: {length} bytes are missing in the capture"
        if part:
            text += f", and with them the rest of a message of which {part} bytes are there"
        if frame is not None:
            text += f" (noticed at frame {frame})"
        yield FindingEntry(time, "tcp.gap", "warning", text)

    def end(self, direction: int, how: str, time: float) -> Iterator[Entry]:
        """One direction has ended, or with 'RST' both.

        Parameters
        ----------
        direction
            Index of the end that does it.
        how
            'FIN', 'RST', or, when it is not the connection that ends: 'capture' (nothing more was captured), or
            'silence' (nothing was seen of it for so long that it is no longer followed).
        time
            When.
        """
        if self.tls is not None and self.tls.end(direction, how):
            yield from self._decrypted(self.tls.finish(time))
        if not self.messages or self._ways[direction].ended:
            return
        who = f"stream {self.stream}: {self.ends[direction]}"
        if how == "FIN":
            yield NoteEntry(time, f"{who} closes its side of the connection (FIN)")
        elif how == "RST":
            yield NoteEntry(time, f"{who} resets the connection (RST)")
        for ending in (0, 1) if how == "RST" else (direction,):
            if not self._ways[ending].ended:
                self._ways[ending].ended = True
                yield from self._incomplete(ending, how, time)

    def _incomplete(self, direction: int, how: str, time: float) -> Iterator[Entry]:
        decoder = self._ways[direction].decoder
        if decoder is None or not decoder.buffered:
            return
        why = _NOT_ENDED.get(how) or f"the connection ends ({how})"
        part, missing = decoder.buffered, decoder.missing
        what = "header" if part < HEADER_LENGTH else "message"
        text = f"{why} in the middle of a {what}: after its first {part} bytes at least {missing} are missing"
        severity = "note" if how in _NOT_ENDED else "warning"
        text = f"stream {self.stream}, from {self.ends[direction]}: {text}"
        yield FindingEntry(time, "v2gtp.incomplete", severity, text)


#: What a conversation breaks off with when the connection has not ended, as far as is known.
_NOT_ENDED = {"capture": "the capture ends", "silence": "the connection falls silent"}


def _is_tls(data: bytes) -> bool:
    """Whether these bytes begin with a TLS record (RFC 8446, 5.1)."""
    return len(data) >= 5 and 20 <= data[0] <= 23 and data[1] == 3 and data[2] <= 4 and data[3] <= 0x48


class Discovery:
    """The SDP exchanges, overheard: entries for its datagrams, and the downgrade that a station may impose."""

    def __init__(self) -> None:
        self._wished: dict[str, int] = {}

    def receive_datagram(
        self, payload: bytes, src: str, dst: str, time: float, frame: int | None = None
    ) -> Iterator[Entry]:
        """Take a UDP datagram; what is no SDP gives nothing."""
        if payload[:3] != SDP_BEGINNING or len(payload) < HEADER_LENGTH:
            return
        payload_type = int.from_bytes(payload[2:4], "big")
        findings = []
        sender = ""
        try:
            message = sdp.parse(payload)
        except sdp.SDPError as error:
            findings.append(Finding("sdp.damage", "warning", "", f"from {src}: {error}"))
        else:
            if isinstance(message, sdp.Request):
                sender = "EVCC"
                if len(self._wished) >= _MAX_WISHES:
                    del self._wished[next(iter(self._wished))]
                self._wished[src] = message.security
            else:
                sender = "SECC"
                findings.extend(self._compare(message, src, dst))
        yield FrameEntry(
            time, layer="sdp", sender=sender, src=src, dst=dst, frame=frame, payload_type=payload_type,
            data=payload[HEADER_LENGTH:],
        )  # fmt: skip
        for finding in findings:
            yield FindingEntry(time, finding.rule, finding.severity, finding.text)

    def _compare(self, response: sdp.Response, src: str, dst: str) -> Iterator[Finding]:
        if self._wished.get(dst) == sdp.Security.TLS and response.security == sdp.Security.NoTransportLayerSecurity:
            text = f"the vehicle {dst} asked for TLS, the station {src} offers none: what follows is in the clear"
            yield Finding("sdp.downgrade", "warning", "", text)
