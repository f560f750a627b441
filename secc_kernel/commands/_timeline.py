"""What happened on the line, for people: matching, SDP and messages in one table, and a line a plug-in at its end.

Vehicles and modems say the same thing hundreds of times. Of a run of rows that differ in nothing but their numbers the
beginning and the end are shown, and between them how many more there were: a charge of an hour fits on a screen, and
what is different in it is not among them.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from datetime import datetime, timezone
from typing import Any

from secc_kernel.exi.declare import ComplexType
from secc_kernel.messages import by_namespace
from secc_kernel.session.control_pilot import MACHINE as CONTROL_PILOT
from secc_kernel.session.gist import gist_of
from secc_kernel.session.journal import Entry, FrameEntry, NoteEntry, StateEntry, TimerEntry
from secc_kernel.session.plug_ins import Observer
from secc_kernel.session.slac.attenuation import mean
from secc_kernel.session.tables import frame_row
from secc_kernel.views.fields import physical, quantities
from secc_kernel.views.look import counted, duration
from secc_kernel.views.plug_ins import line as summary
from secc_kernel.wire import homeplug, sdp
from secc_kernel.wire.homeplug.messages import CM_SLAC_PARM_CNF

__all__ = ["LAYERS", "TITLES", "Timeline", "layer_of", "moment", "table_line"]

#: Layers that can be chosen, by what the column `schema` says of their rows.
LAYERS = ("slac", "sdp", "tls", "v2gtp")
#: The rows of a run that are shown at each of its ends, and those within which something is looked for that it repeats.
_ENDS = 2
#: Rows for which a run is not folded.
_WORTH = 3
#: Seconds of silence after which nothing is a repetition of what was before.
_SILENCE = 5.0
_WINDOW = 16
_WIDTH = 26
#: Seconds up to which a time is one of a simulated clock, which begins at 0.
_SIMULATED = 10**8
#: Members of enumerations that say that there is nothing to say.
_NOTHING = ("None", "NO_ERROR")
_UNITS = (("Voltage", "V"), ("Current", "A"), ("Energy", "Wh"), ("ReactivePower", "var"), ("Power", "W"))
_CODE = re.compile(r"ResponseCode>([^<]*)<")
_FORMAT = "{:>7}  {:<26}  {:>3}  {:<27}  {:<26}  {:<20}  {:<20}  {:<6}  {:>6}  {:<6}  {:<24}  {}\n"
#: The first line of the table.
TITLES = _FORMAT.format(
    "frame",
    "time (UTC)",
    "str",
    "message",
    "response code, values",
    "src",
    "dst",
    "type",
    "length",
    "schema",
    "file",
    "exi",
)


def table_line(row: tuple[Any, ...], says: str | None = None) -> str:
    """A row of `MESSAGE_COLUMNS` as a line of the table; ``says`` is what the message says, in a few words."""
    file, frame, time, stream, src, dst, kind, length, schema, message, exi, xml, error = row
    if says is None:
        code = _CODE.search(xml or "")
        says = code[1] if code else ""
    shown = (
        frame or "",
        moment(time),
        stream if stream >= 0 else "",
        message or error,
        says,
        _ending(src),
        _ending(dst),
        f"0x{kind:04X}",
        length,
    )
    return _FORMAT.format(*shown, schema or "?", file[-24:], exi)


def _ending(address: str, width: int = 20) -> str:
    """An address, of a long one the end: there they differ."""
    return address if len(address) <= width else f"…{address[1 - width :]}"


def moment(time: float) -> str:
    """A time of day in UTC, or of a simulated clock."""
    if 0 <= time < _SIMULATED:
        return f"{time:.6f} s"
    try:
        return f"{datetime.fromtimestamp(time, timezone.utc):%Y-%m-%d %H:%M:%S.%f}"
    except (ValueError, OverflowError, OSError):  # a damaged time, millions of years away
        return f"{time:.6g} s"


def layer_of(entry: FrameEntry) -> str:
    """Which of `LAYERS` an entry belongs to; '' for what modems and their hosts say to each other besides."""
    if entry.layer != "homeplug":
        return entry.layer
    kind = homeplug.declared(entry.payload_type, entry.data[0] if entry.data else 1)
    return "slac" if kind is not None and kind.SENDER else ""


class Timeline:
    """Lines of the table out of entries, as they go by.

    Parameters
    ----------
    name
        What the column `file` says.
    layers
        Which of `LAYERS` are shown; None for all that there is.
    write
        Called with text.
    rows
        Whether the messages are shown, and not only the plug-ins.
    """

    def __init__(
        self, name: str, layers: frozenset[str] | None, write: Callable[[str], object], *, rows: bool = True
    ) -> None:
        self._name = name
        self._layers = layers
        self._write = write
        self._rows = rows
        self._observer = Observer()
        self._left_out = 0
        #: Kinds of the last rows, and of the present run: its last rows, and how many of which were dropped before.
        self._recent: deque[Hashable] = deque(maxlen=_WINDOW)
        self._held: deque[tuple[FrameEntry, str]] = deque()
        self._dropped: Counter[str] = Counter()
        self._since: float | None = None
        self._last = 0.0

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        self._observer.take(entry)
        if not self._rows:
            return
        if isinstance(entry, FrameEntry):
            if self._layers is None or layer_of(entry) in self._layers:
                self._frame(entry)
            elif entry.layer == "homeplug":
                self._left_out += 1
        elif text := _remark(entry):
            self.flush()
            self._write(f"{'':>7}  {moment(entry.time):<26}  {'':>3}  {text}\n")

    def _frame(self, entry: FrameEntry) -> None:
        name, kind = _kind(entry)
        silent, self._last = not self._last - _SILENCE < entry.time < self._last + _SILENCE, entry.time
        if kind not in self._recent or silent:
            self.flush()
            if silent:
                self._recent.clear()
            self._recent.append(kind)
            self._write(self._line(entry))
            return
        self._recent.remove(kind)
        self._recent.append(kind)
        self._held.append((entry, name))
        if self._dropped or len(self._held) > 2 * _ENDS + _WORTH:
            if not self._dropped:  # the run is worth folding: its beginning is shown, and from here on its end is kept
                for _ in range(_ENDS):
                    self._write(self._line(self._held.popleft()[0]))
                self._since = self._held[0][0].time
            while len(self._held) > _ENDS:
                self._dropped[self._held.popleft()[1]] += 1

    def flush(self) -> None:
        """Show the end of a run, whatever comes next."""
        if self._dropped:
            assert self._since is not None
            took = duration(round(self._held[0][0].time - self._since, 3))
            kinds = ", ".join(f"{name} ×{count}" for name, count in self._dropped.most_common())
            number = sum(self._dropped.values())
            self._write(f"{'…':>7}  {number} more like these in {took}: {kinds}\n")
            self._dropped.clear()
        while self._held:
            self._write(self._line(self._held.popleft()[0]))

    def finish(self) -> None:
        """The record has ended: a line a plug-in."""
        self.flush()
        self._observer.finish()
        found = self._observer.plug_ins
        lines = [f"{self._name}: {counted(len(found), 'plug-in') if found else 'no plug-in'}"]
        lines += [f"  {summary(number, each)}" for number, each in enumerate(found, 1)]
        if self._left_out:
            what = counted(self._left_out, "message")
            lines.append(f"  {what} between modems and their hosts left out: --layers all shows them")
        self._write("\n" + "\n".join(lines) + "\n\n")

    def _line(self, entry: FrameEntry) -> str:
        return table_line(frame_row(self._name, entry), _says(entry))


def _kind(entry: FrameEntry) -> tuple[str, Hashable]:
    """What a row is called in a run, and what it must have in common with another one to be like it."""
    if entry.layer == "v2gtp":
        if entry.schema is None:
            return "undecodable", (entry.stream, entry.sender, None)
        gist = gist_of(entry.schema, entry.data)
        return gist.name or "undecodable", (entry.stream, gist.name, gist.code, gist.states)
    name = homeplug.type_name(entry.payload_type) if entry.layer == "homeplug" else entry.layer
    return name, (entry.layer, entry.payload_type, entry.src, entry.dst)


def _remark(entry: Entry) -> str:
    """What a table of messages says of other entries; '' for most."""
    if isinstance(entry, NoteEntry):
        return entry.text
    # Performance times (TP_...) expire where somebody waits on purpose, as between two sounds.
    if isinstance(entry, TimerEntry) and entry.what == "expired" and not entry.name.startswith("TP_"):
        return f"{entry.name} has expired after {entry.limit or 0:g} s"
    if isinstance(entry, StateEntry) and entry.machine == CONTROL_PILOT:
        return f"control pilot {entry.old} → {entry.new}"
    return ""


# -- what a message says, in a few words ------------------------------------------------------------------------------


def _says(entry: FrameEntry) -> str:
    parts = {"v2gtp": _of_message, "homeplug": _of_management, "sdp": _of_discovery}.get(entry.layer)
    said = ""
    for part in parts(entry) if parts is not None else ():
        if said and len(said) + 1 + len(part) > _WIDTH:
            break
        said = f"{said} {part}".lstrip()
    return said


def _of_message(entry: FrameEntry) -> Iterator[str]:
    """The response code, then what is wanted or measured, then states; what stands deeper comes later."""
    message = entry.message
    if message is None:
        return
    if message.schema == "sap":
        yield from _of_handshake(message.body)
        return
    leaves = sorted((leaf for leaf in quantities(message) if leaf.path), key=lambda leaf: len(leaf.path))
    yield from (leaf.text for leaf in leaves if leaf.path[-1] == "ResponseCode")
    for leaf in leaves:
        name = leaf.path[-1]
        if isinstance(leaf.value, ComplexType):
            number = physical(leaf.value)
            if number is not None and name.startswith(("EVTarget", "EVSEPresent", "EVPresent")):
                yield leaf.text if number[1] else f"{number[0].normalize():f} {_unit(name)}".rstrip()
        elif name in ("EVRESSSOC", "PresentSOC"):
            yield f"SOC {leaf.text} %"
        elif name in ("EVCCID", "EVSEID") and message.name.startswith("SessionSetup"):
            yield leaf.shown
    for leaf in leaves:
        enumerated = leaf.type is not None and leaf.type.kind == "enumeration"
        if enumerated and leaf.path[-1] != "ResponseCode" and leaf.text not in _NOTHING:
            yield leaf.text


def _unit(name: str) -> str:
    """The unit of a quantity of ISO 15118-20, whose type has none: the element's name tells."""
    return next((unit for word, unit in _UNITS if word in name), "")


def _of_handshake(body: Any) -> Iterator[str]:
    offers = getattr(body, "AppProtocol", None)
    if offers is None:
        yield str(getattr(body, "ResponseCode", ""))
        chosen = getattr(body, "SchemaID", None)
        if chosen is not None:
            yield f"SchemaID {chosen}"
        return
    for offer in sorted(offers, key=lambda offer: getattr(offer, "Priority", None) or 0):
        yield f"{getattr(offer, 'SchemaID', '?')}:{_short(getattr(offer, 'ProtocolNamespace', '') or '')}"


def _short(namespace: str) -> str:
    """A namespace as the key of its vocabulary, where it is known."""
    found = by_namespace(namespace)
    return namespace if found is None else found.key


def _of_management(entry: FrameEntry) -> Iterator[str]:
    try:
        message = homeplug.Frame.parse_payload(entry.data).message
    except homeplug.HomeplugError:
        return
    if isinstance(message, homeplug.Unknown):
        yield message.vendor
        return
    names = {field.name for field in homeplug.fields(type(message))}
    if isinstance(message, CM_SLAC_PARM_CNF):  # whose request it answers is what goes wrong
        yield f"RunID {message.RunID.hex()}"
    for name, text in _MANAGEMENT:
        if name in names and (said := text(getattr(message, name))):
            yield said


def _version(value: bytes) -> str:
    return value.rstrip(b"\0").decode("ascii", "replace")


#: Fields of management messages that tell a reader something, the most telling first, and how they are said.
_MANAGEMENT: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("AAG", lambda groups: "" if (level := mean(groups)) is None else f"{level:.1f} dB"),
    ("Result", lambda number: f"Result {int(number)}"),
    ("Cnt", lambda number: f"{number} to come"),
    ("NumSounds", lambda number: f"{number} sounds"),
    ("TimeOut", lambda number: f"{number * 100} ms"),
    ("NID", lambda octets: f"NID {octets.hex()}"),
    ("Version", _version),
    ("RunID", lambda octets: f"RunID {octets.hex()}"),
)


def _of_discovery(entry: FrameEntry) -> Iterator[str]:
    try:
        message = sdp.parse_payload(entry.payload_type, entry.data)
    except sdp.SDPError:
        return
    if isinstance(message, sdp.Request):
        yield "asks for"
    yield {int(sdp.Security.TLS): "TLS", int(sdp.Security.NoTransportLayerSecurity): "no TLS"}.get(
        message.security, f"security 0x{message.security:02X}"
    )
    if isinstance(message, sdp.Response):
        yield f"at port {message.port}"
