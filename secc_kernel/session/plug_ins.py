"""The plug-ins in a journal: what became of each vehicle, from the first message of matching to its session's last.

`plug_ins` takes the entries of a live session, of a capture, or of a file of either, one pass and in order, and keeps
none of them. A plug-in begins with a vehicle's first CM_SLAC_PARM.REQ (or with its control pilot, where that was
recorded) and ends when the vehicle begins anew. What a record does not have is left out: a capture may begin in the
middle of a session, or have no matching in it.

Other vehicles and stations on the line are told apart by their addresses: each vehicle has plug-ins of its own.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from secc_kernel.session.control_pilot import MACHINE as CONTROL_PILOT
from secc_kernel.session.gist import Gist, gist_of
from secc_kernel.session.journal import CHECK, Entry, FindingEntry, FrameEntry, NoteEntry, StateEntry
from secc_kernel.session.slac.overheard import Overheard, belongs_to_matching, vehicle_of
from secc_kernel.session.slac.record import LAYER as HOMEPLUG
from secc_kernel.session.talk import Energy, How, Talk, connection_end, session_end, tls_version
from secc_kernel.wire import sdp
from secc_kernel.wire.homeplug import Frame, HomeplugError
from secc_kernel.wire.homeplug.messages import CM_SLAC_PARM_CNF, CM_SLAC_PARM_REQ

if TYPE_CHECKING:
    pass

__all__ = ["Observer", "PlugIn", "plug_ins"]

#: Seconds of silence after which a vehicle that has not matched, and asks again, is plugged in anew.
_SILENCE = 30.0
#: Seconds after its matching in which a conversation can belong to a vehicle of which no match was seen.
_SOON = 60.0
#: Plug-ins that are looked through for the one that a conversation belongs to, and findings that are told apart.
_RECENT = 64
_MAX_FINDINGS = 1 << 12
_STREAM = re.compile(r"stream (\d+)\b")
#: What is said where no end was seen: the record may just have ended.
CUT = "nothing more was recorded"
#: Seconds: what was under way so shortly before the record's end might have gone on.
_AT_THE_END = 1.2
_NO_TLS = int(sdp.Security.NoTransportLayerSecurity)


@dataclass(slots=True, eq=False)
class PlugIn:
    """One plug-in.

    Attributes
    ----------
    begin, end
        Times of its first and last entry.
    vehicle
        The vehicle's address in matching; b'' where none was seen.
    evccid
        What it calls itself in SessionSetupReq.
    slac
        Its matching; None where none was seen.
    asked, answered
        The security of its first SDP request and of the last response; None where there was none.
    requests
        SDP requests.
    tls, version
        Whether TLS was spoken, and which, such as 'TLS 1.3', where that is known.
    talks
        Its conversations.
    energy
        What has flowed.
    soc
        State of charge at the beginning and at the end, percent; None where the vehicle does not say.
    reason
        Why it ended before there was a conversation, by an end of it that knows; '' where none has told.
    pilot, unplugged
        Whether the control pilot told of its beginning, and of its end.
    cut
        Whether the record ended with it.
    """

    begin: float
    end: float
    vehicle: bytes = b""
    evccid: str = ""
    slac: Overheard | None = None
    asked: int | None = None
    answered: int | None = None
    requests: int = 0
    tls: bool = False
    version: str = ""
    talks: list[Talk] = field(default_factory=list)
    energy: Energy = field(default_factory=Energy)
    soc: tuple[float, float] | None = None
    reason: str = ""
    pilot: bool = False
    unplugged: bool = False
    cut: bool = False
    hosts: set[str] = field(default_factory=set)
    found: dict[tuple[str, str, str], None] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        """How many V2G messages it has."""
        return sum(talk.messages for talk in self.talks)

    @property
    def protocol(self) -> str:
        """Key of the vocabulary that was agreed on; '' where none was."""
        return next((talk.protocol for talk in reversed(self.talks) if talk.protocol), "")

    @property
    def title(self) -> str:
        """The protocol, as people call it."""
        return next((talk.title for talk in reversed(self.talks) if talk.protocol), "")

    @property
    def matching(self) -> str:
        """How matching came out: 'matched', 'failed', 'elsewhere' (with a neighbour), or '' where none was seen."""
        if self.slac is None:
            return ""
        if self.slac.matched is not None or self.hosts:  # what talks by IP has a link
            return "matched"
        return "elsewhere" if self.slac.elsewhere else "failed"

    @property
    def downgraded(self) -> bool:
        """Whether the vehicle asked for TLS and was offered none."""
        return self.asked == sdp.Security.TLS and self.answered == _NO_TLS

    @property
    def security(self) -> str:
        """'TLS 1.3' (or what else it was), 'none', or '' where nothing tells."""
        if self.tls or (self.answered == sdp.Security.TLS and not self.messages):
            return self.version or "TLS"
        return "none" if self.messages or self.answered is not None else ""

    @property
    def how(self) -> How:
        """How it ended."""
        if self.talks:
            return self._how_talked()
        if self.tls:
            return How("", "", "its messages are inside of TLS, and no secrets are at hand")
        if self.reason:
            return How("failed", "", self.reason)
        if self.answered is not None:
            return How("failed", "EVCC", "no message follows the station's SDP response")
        if self.requests:
            asked = "the SDP request" if self.requests == 1 else f"any of {self.requests} SDP requests"
            return How("failed", "SECC", f"no station answers {asked}")
        if self.slac is None:
            return How("failed", "EVCC", "the vehicle begins no matching")
        if self.cut and not self.slac.misunderstood:
            return How("", "", "the record ends in the middle of matching" if self.matching != "matched" else CUT)
        if self.slac.matched is None:
            return How("" if self.slac.elsewhere else "failed", "", self.slac.lacks)
        return How("failed", "", "matched, and nothing follows: no SDP request")

    def _how_talked(self) -> How:
        """By its last conversation in which something was agreed on; what was tried after it is told as well."""
        real = [n for n, talk in enumerate(self.talks) if talk.protocol] or [len(self.talks) - 1]
        how = self.talks[real[-1]].how(CUT)
        if real[-1] + 1 == len(self.talks):
            return how
        return How(how.how, how.who, f"{how.why}; connected again, {self.talks[-1].how(CUT).why}")

    def findings(self, severity: str) -> int:
        """How many different findings of a severity it has."""
        return sum(held == severity for held, _, _ in self.found)


def plug_ins(entries: Iterable[Entry]) -> list[PlugIn]:
    """The plug-ins in the entries of a journal, in the order in which they began."""
    observer = Observer()
    for entry in entries:
        observer.take(entry)
    observer.finish()
    return observer.plug_ins


class Observer:
    """Sums up plug-ins as entries go by.

    Attributes
    ----------
    plug_ins : list of PlugIn
        Those that have been seen so far.
    """

    def __init__(self) -> None:
        self.plug_ins: list[PlugIn] = []
        self._recent: deque[PlugIn] = deque(maxlen=_RECENT)
        self._vehicles: dict[bytes, PlugIn] = {}
        self._streams: dict[int, tuple[PlugIn, Talk]] = {}
        self._last: PlugIn | None = None
        self._plugged: float | None = None
        self._now = 0.0
        #: Rules of what the codec found in the last message, which a live session repeats as entries.
        self._repeated: frozenset[str] = frozenset()
        #: Since when a vehicle has asked for matching in the middle of its session.
        self._stray: dict[bytes, float] = {}

    def finish(self) -> None:
        """The record has ended, and whatever was going on may have gone on."""
        for each in self._recent:
            each.cut = self._now - each.end < _AT_THE_END

    def take(self, entry: Entry) -> None:
        """Take note of the next entry."""
        self._now = entry.time
        if isinstance(entry, FrameEntry):
            if entry.layer == "v2gtp":
                self._message(entry)
            elif entry.layer == HOMEPLUG:
                self._management(entry)
            elif entry.layer == "sdp":
                self._discovery(entry)
            elif entry.layer == "tls":
                self._encrypted(entry)
        elif isinstance(entry, FindingEntry):
            self._finding(entry)
        elif isinstance(entry, NoteEntry):
            self._note(entry)
        elif isinstance(entry, StateEntry) and entry.machine == CONTROL_PILOT:
            self._control_pilot(entry)

    # -- where plug-ins begin -----------------------------------------------------------------------------------------

    def _begin(self, time: float, vehicle: bytes = b"") -> PlugIn:
        begin, self._plugged = (time if self._plugged is None else self._plugged), None
        made = PlugIn(begin, time, vehicle, pilot=begin != time)
        self.plug_ins.append(made)
        self._recent.append(made)
        self._last = made
        return made

    def _control_pilot(self, entry: StateEntry) -> None:
        plugged, before = not entry.new.startswith("A"), not entry.old.startswith("A")
        if plugged and not before and not entry.old.startswith(("E", "F")):
            self._plugged = entry.time
        elif not plugged and before:
            if self._plugged is not None:
                self._begin(self._plugged)
            elif self._last is None:
                return
            assert self._last is not None
            self._last.unplugged = True
            self._last.end = max(self._last.end, entry.time)

    # -- matching -----------------------------------------------------------------------------------------------------

    def _management(self, entry: FrameEntry) -> None:
        try:
            frame = Frame.parse_payload(entry.data, _mac(entry.dst), _mac(entry.src))
        except (HomeplugError, ValueError):
            return
        vehicle = vehicle_of(frame) if belongs_to_matching(frame) else b""
        if not any(vehicle):
            return
        plug_in = self._matching(vehicle, frame, entry.time)
        if plug_in is None:
            return
        if plug_in.slac is None:
            plug_in.slac = Overheard()
        if plug_in.slac.matched is None:
            plug_in.end = entry.time
            self._last = plug_in
        plug_in.slac.take(frame, entry.data, entry.time)

    def _matching(self, vehicle: bytes, frame: Frame, time: float) -> PlugIn | None:
        """The plug-in that a message of matching belongs to; None for one in the middle of a session."""
        known = self._vehicles.get(vehicle)
        asks = isinstance(frame.message, CM_SLAC_PARM_REQ)
        if known is not None and known.talks and not known.talks[-1].over and not known.unplugged:
            # Nobody answers, and the session goes on: the vehicle is not plugged in anew.
            if asks:
                self._stray.setdefault(vehicle, time)
            if not isinstance(frame.message, CM_SLAC_PARM_CNF) or vehicle not in self._stray:
                return known if not asks and known.slac is not None else None
            known, time = None, self._stray[vehicle]
        elif known is not None:
            silent = known.matching != "matched" and time - known.end > _SILENCE and not known.pilot
            if silent or (asks and (known.matching == "matched" or known.unplugged)):
                known = None
        if known is None:
            self._stray.pop(vehicle, None)
            known = self._vehicles[vehicle] = self._begin(time, vehicle)
        return known

    # -- SDP and sessions ---------------------------------------------------------------------------------------------

    def _discovery(self, entry: FrameEntry) -> None:
        try:
            message = sdp.parse_payload(entry.payload_type, entry.data)
        except sdp.SDPError:
            return
        asks = isinstance(message, sdp.Request)
        plug_in = self._of_host(_host(entry.src if asks else entry.dst), entry.time)
        if asks:
            plug_in.requests += 1
            plug_in.asked = message.security if plug_in.asked is None else plug_in.asked
        else:
            plug_in.answered = message.security

    def _message(self, entry: FrameEntry) -> None:
        plug_in, talk = self._talk(entry)
        plug_in.end = entry.time
        self._last = plug_in
        gist = Gist("") if entry.schema is None else gist_of(entry.schema, entry.data)
        talk.take(gist, entry.schema if gist.name else None)
        plug_in.energy.take(gist, entry.time)
        plug_in.evccid = plug_in.evccid or gist.evccid
        if gist.soc is not None:
            plug_in.soc = (gist.soc if plug_in.soc is None else plug_in.soc[0]), gist.soc
        for finding in gist.findings:
            _add(plug_in, finding.severity, finding.rule, finding.text)
        self._repeated = frozenset(finding.rule for finding in gist.findings)

    def _talk(self, entry: FrameEntry) -> tuple[PlugIn, Talk]:
        """The conversation that a message belongs to, and its plug-in."""
        known = self._streams.get(entry.stream)
        if known is not None:
            return known
        vehicle, other = (entry.src, entry.dst) if entry.sender == "EVCC" else (entry.dst, entry.src)
        if not entry.sender and any(_host(other) in each.hosts for each in self._recent):
            vehicle = other
        plug_in = self._of_host(_host(vehicle), entry.time)
        plug_in.energy.pause()
        talk = Talk(entry.stream, vehicle)
        plug_in.talks.append(talk)
        if len(self._streams) >= _RECENT:
            del self._streams[next(iter(self._streams))]
        self._streams[entry.stream] = plug_in, talk
        return plug_in, talk

    def _encrypted(self, entry: FrameEntry) -> None:
        known = self._streams.get(entry.stream)
        vehicle = entry.src if entry.sender == "EVCC" else entry.dst
        plug_in = self._of_host(_host(vehicle), entry.time) if known is None else known[0]
        plug_in.tls = True
        plug_in.end = max(plug_in.end, entry.time)

    def _of_host(self, host: str, time: float) -> PlugIn:
        """The plug-in of a vehicle that has this IP address."""
        found = self._candidate(host, time) or self._begin(time)
        found.hosts.add(host)
        found.end = max(found.end, time)
        self._last = found
        return found

    def _candidate(self, host: str, time: float) -> PlugIn | None:
        recent = [each for each in reversed(self._recent) if not each.unplugged]
        mac = _mac_of(host)
        for each in recent:
            if mac and each.vehicle == mac:
                return each
            if host in each.hosts:
                return each if _goes_on(each) and self._plugged is None else None
            # An address does not tell which vehicle has it: one that has just been heard, and has none yet.
            heard = each.slac is not None and bool(each.slac.stations) and time - each.end < _SOON
            if not each.hosts and (each.matching == "matched" or heard):
                return each
        return None

    # -- what is said about them --------------------------------------------------------------------------------------

    def _finding(self, entry: FindingEntry) -> None:
        stream = _STREAM.match(entry.text)
        known = None if stream is None else self._streams.get(int(stream[1]))
        plug_in = self._last if known is None else known[0]
        if plug_in is None or entry.rule == CHECK or entry.rule in self._repeated:
            return
        if entry.rule == "tls.encrypted":
            plug_in.tls = True
        _add(plug_in, entry.severity, entry.rule, entry.text)

    def _note(self, entry: NoteEntry) -> None:
        if version := tls_version(entry.text):
            if self._last is not None:
                self._last.tls, self._last.version = True, version
        elif (closed := connection_end(entry.text)) is not None:
            known = self._streams.get(closed[0])
            if known is not None:
                known[1].close(*closed[1:])
        elif (ended := session_end(entry.text)) is not None and self._last is not None:
            role, how, why = ended
            # A vehicle may ask to be matched anew before its last connection is known to have gone.
            talked = self._last if self._last.talks else next((p for p in reversed(self._recent) if p.talks), None)
            if talked is not None and (talked is self._last or role not in talked.talks[-1].told):
                talked.talks[-1].told.setdefault(role, (how, why))
                talked.talks[-1].paused = how == "paused"
            elif not self._last.reason:
                self._last.reason = why
            self._last.end = max(self._last.end, entry.time)


def _add(plug_in: PlugIn, severity: str, rule: str, text: str) -> None:
    if len(plug_in.found) < _MAX_FINDINGS:
        plug_in.found[severity, rule, text] = None


def _goes_on(plug_in: PlugIn) -> bool:
    """Whether a vehicle that comes again with the same address is still plugged in, as far as is known."""
    if plug_in.slac is not None or not plug_in.talks:
        return True
    last = plug_in.talks[-1]
    return last.paused or last.refused or not last.over


def _host(address: str) -> str:
    """An address without its port."""
    return address.rpartition(":")[0].strip("[]") if address.endswith(tuple("0123456789")) else address


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _mac_of(host: str) -> bytes:
    """The hardware address in a link-local address that was made of it (EUI-64); b'' where it was not."""
    try:
        tail = IPv6Address(host.partition("%")[0]).packed[8:]
    except ValueError:
        return b""
    return bytes((tail[0] ^ 2,)) + tail[1:3] + tail[5:] if tail[3:5] == b"\xff\xfe" else b""
