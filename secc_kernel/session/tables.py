"""The journal's DataFrames: messages, their V2GTP headers, and the time that each answer took.

The index of each is `i`, a message's place in the journal. pandas is imported when a table is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from secc_kernel.session.timers import message_times
from secc_kernel.wire import homeplug, sdp, v2gtp

if TYPE_CHECKING:
    import pandas as pd

    from secc_kernel.session.journal import FrameEntry, Journal

#: Columns of `messages` and of `secc-kernel decode`.
MESSAGE_COLUMNS = (
    "file",  # the journal's source: the capture's file name
    "frame",  # the captured frame that completes the message
    "time",  # seconds
    "stream",  # TCP connection
    "src",
    "dst",
    "payload_type",  # number
    "payload_length",  # bytes
    "schema",  # key of the vocabulary
    "message",  # element name
    "exi",  # hex
    "xml",
    "error",  # why there is no message; None where there is
)
HEADER_COLUMNS = ("protocol_version", "inverse_version", "payload_type", "payload_length", "payload")
TIMING_COLUMNS = ("request", "response", "time", "latency", "performance", "timeout", "verdict")


def message_row(source: str, entry: FrameEntry, xml: bool = True) -> tuple[Any, ...]:
    """The columns of one message; `xml` None if that is not asked for."""
    name, text, error = entry.text(xml)
    return (
        source,
        entry.frame,
        entry.time,
        entry.stream,
        entry.src,
        entry.dst,
        entry.payload_type,
        len(entry.data),
        entry.schema,
        name,
        entry.data.hex(),
        text,
        error,
    )


def frame_row(source: str, entry: FrameEntry) -> tuple[Any, ...]:
    """The columns of a frame of any layer: schema and message say what it is, `exi` has its bytes."""
    if entry.layer == "v2gtp":
        return message_row(source, entry)
    schema, name, error = _below(entry)
    where = (source, entry.frame, entry.time, entry.stream, entry.src, entry.dst, entry.payload_type)
    return (*where, len(entry.data), schema, name, entry.data.hex(), None, error)


def _below(entry: FrameEntry) -> tuple[str, str | None, str | None]:
    """Layer, name and error of a frame below V2GTP: its layer is 'slac' where it is a message of matching."""
    if entry.layer == "homeplug":
        try:
            message = homeplug.Frame.parse_payload(entry.data).message
        except homeplug.HomeplugError as error:
            return entry.layer, homeplug.type_name(entry.payload_type), str(error)
        if isinstance(message, homeplug.Unknown):
            return entry.layer, message.name, None if message.error is None else str(message.error)
        return ("slac" if message.SENDER else entry.layer), message.name, None
    if entry.layer == "sdp":
        try:
            return entry.layer, _DISCOVERY[type(sdp.parse_payload(entry.payload_type, entry.data))], None
        except sdp.SDPError as error:
            return entry.layer, None, str(error)
    return entry.layer, _RECORDS.get(entry.payload_type, f"record of type {entry.payload_type}"), None


#: Names of SDP's messages.
_DISCOVERY: dict[type, str] = {sdp.Request: "SECC_DiscoveryReq", sdp.Response: "SECC_DiscoveryRes"}
#: Names of TLS records by their content type (RFC 8446, 5.1).
_RECORDS = {20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data"}


def messages(journal: Journal) -> pd.DataFrame:
    """A row a V2GTP message, in order: `MESSAGE_COLUMNS`."""
    return _table([message_row(journal.source, entry) for entry in journal.frames], MESSAGE_COLUMNS)


def headers(journal: Journal) -> pd.DataFrame:
    """The V2GTP header of each message, as numbers, and the name of the payload type (`payload`)."""
    rows = [
        (
            v2gtp.PROTOCOL_VERSION,
            v2gtp.INVERSE_PROTOCOL_VERSION,
            entry.payload_type,
            len(entry.data),
            v2gtp.payload_name(entry.payload_type),
        )
        for entry in journal.frames
    ]
    return _table(rows, HEADER_COLUMNS)


def timing(journal: Journal) -> pd.DataFrame:
    """A row a request; the index is the request's.

    `latency` is the time in seconds from the request to its response, `performance` what the station may take
    (V2G_SECC_Msg_Performance_Time) and `timeout` when the EV gives up (V2G_EVCC_Msg_Timeout); NaN where the standard or
    the capture does not say. The verdict is 'ok', 'late' (over the performance time: a matter of quality), 'timeout',
    'no response', or 'not answered yet' where a session goes on and still can.
    """
    rows: list[tuple[Any, ...]] = []
    index: list[int] = []
    found = list(exchanges(journal))
    for i, request, response in found:
        allowed = message_times(request.schema or "", request.name)
        # Captures have microseconds at best, and the difference of two epoch times no more than that.
        latency = None if response is None else round(response.time - request.time, 6)
        performance = allowed.performance if allowed else None
        timeout = allowed.timeout if allowed else None
        index.append(i)
        answer = response.name if response else None
        waits = response is None and i == found[-1][0] and may_be_answered(journal, request)
        judged = "not answered yet" if waits else verdict(latency, performance, timeout)
        rows.append((request.name, answer, request.time, latency, performance, timeout, judged))
    table = _table(rows, TIMING_COLUMNS, index)
    return table.astype({"time": float, "latency": float, "performance": float, "timeout": float})


def verdict(latency: float | None, performance: float | None, timeout: float | None) -> str:
    """How an answer that took `latency` seconds (None: that never came) stands to the standard's two limits."""
    if latency is None:
        return "no response"
    if timeout is not None and latency > timeout:
        return "timeout"
    if performance is not None and latency > performance:
        return "late"
    return "ok"


def may_be_answered(journal: Journal, request: FrameEntry) -> bool:
    """Whether a request that has no answer is that of a session which goes on: a script holds it, say."""
    from secc_kernel.session.journal import StateEntry

    after = True
    for entry in reversed(journal.entries):
        after = after and entry is not request
        if not isinstance(entry, StateEntry):
            continue
        if not after:
            return True
        # A capture has no states; of a session that goes on none says that it has ended.
        if entry.new.startswith("ended") or entry.new == "closed":
            return False
    return False


def exchanges(journal: Journal) -> Iterator[tuple[int, FrameEntry, FrameEntry | None]]:
    """Each request with its index and its response, in the order of the requests.

    The response is the next message the other way in the same stream and of the same payload type (ISO 15118-20 runs
    side streams beside its charge loop), whatever its name: a station may answer the wrong thing, and then this is it.
    """
    waiting: dict[tuple[int, int], int] = {}
    answered: dict[int, FrameEntry] = {}
    requests: list[int] = []
    for i, entry in enumerate(journal.frames):
        key = entry.stream, entry.payload_type
        if is_request(entry):
            waiting[key] = i
            requests.append(i)
        elif (request := waiting.pop(key, None)) is not None:
            answered[request] = entry
    for i in requests:
        yield i, journal.frames[i], answered.get(i)


def is_request(entry: FrameEntry) -> bool:
    """Is this a request? By its name; where it cannot be decoded, by who sent it."""
    name = entry.name
    return name.endswith("Req") if name else entry.sender == "EVCC"


def _table(rows: Sequence[tuple[Any, ...]], names: tuple[str, ...], index: list[int] | None = None) -> pd.DataFrame:
    import pandas as pd

    # By columns, whose types pandas finds out twice as fast as those of rows.
    values = map(list, zip(*rows, strict=True)) if rows else ([] for _ in names)
    columns: dict[str, Any] = dict(zip(names, values, strict=True))
    if "frame" in columns:
        columns["frame"] = pd.array(columns["frame"], dtype="Int64")  # a live session has no frame numbers
    label = pd.Index(range(len(rows)) if index is None else index, name="i", dtype="int64")
    return pd.DataFrame(columns, index=label)
