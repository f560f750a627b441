"""What a script works at: the live session, opened when first needed, and what the script has set for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from .. import codec
from ..codec import Message
from ..link.base import Composed, Link, Maker
from ..link.breakpoints import Breakpoints
from ..link.live import LiveSession
from ..link.modem import TRANSIT
from ..link.net import LinkError
from ..link.sim import SimLink
from ..messages import vocabulary
from ..session import autopilot
from ..session.evcc import EVCC
from ..session.events import Ended
from ..session.journal import FrameEntry, Journal, JournalError
from ..session.secc import SECC
from ..vehicle import SimulatedEV
from ..wire.layers import LAYERS, home
from .compose import Assignment, Composition, compose
from .conditions import Questions
from .convert import ValueMismatchError, listed
from .errors import LuaUserError
from .functions import SIDES, catalogue, preference, sends
from .hosting import Pending
from .links import make_link, make_vehicle
from .options import Options, Vehicle
from .refused import begun
from .runs import Run, announce
from .sheets import Sheet, Sheets
from .verdicts import Comparisons

__all__ = ["Bench", "make_message"]


@dataclass(eq=False)
class Bench:
    """A script's place of work.

    Parameters
    ----------
    options : Options
        How a session is opened where the script does not say.
    on_open : callable, optional
        Called with each session that is opened, before anything happens on it.
    on_exchange : callable, optional
        Called with each message that the script has sent or received, on the script's thread and before it goes on.
    on_run : callable, optional
        Called with what the autopilot did in a call such as ``Session.RunToEnd``, likewise.
    permit : callable, optional
        Called with the options of a session before it is opened; raises `LuaUserError` for what scripts may not do.

    Attributes
    ----------
    session : LiveSession or None
        The live one.
    sheets : Sheets
        What the script has set.
    vehicle : Vehicle
        Which simulated vehicle is plugged in next.
    station : dict
        What the script has set of the station, by the settings of `Station`.
    protocols : tuple of str or None
        What the script restricts the offer to.
    autopilot : bool
        Whether the autopilot does what the script does not.
    breakpoints : Breakpoints
        Where the sessions stop.
    questions : Questions
        What conditions of breakpoints ask the script.
    announced : LiveSession or None
        The session of which it was said where it waits for the other side.
    comparisons : Comparisons
        What a verdict that fails has to tell.
    """

    options: Options = field(default_factory=Options)
    on_open: Callable[[LiveSession], object] = lambda session: None
    on_exchange: Callable[[FrameEntry], object] = lambda entry: None
    on_run: Callable[[Run], object] = lambda run: None
    permit: Callable[[Options], object] = lambda options: None
    session: LiveSession | None = field(default=None, init=False)
    sheets: Sheets = field(default_factory=Sheets, init=False)
    vehicle: Vehicle = field(default_factory=Vehicle, init=False)
    station: dict[str, Any] = field(default_factory=dict, init=False)
    protocols: tuple[str, ...] | None = field(default=None, init=False)
    autopilot: bool = field(default=True, init=False)
    breakpoints: Breakpoints = field(default_factory=Breakpoints, init=False)
    questions: Questions = field(default_factory=Questions, init=False)
    comparisons: Comparisons = field(default_factory=Comparisons, init=False)
    _scripts: list[ExitStack] = field(default_factory=list, init=False)
    _journal: Journal | None = field(default=None, init=False)
    _seen: WeakKeyDictionary[Journal, dict[str, int]] = field(default_factory=WeakKeyDictionary, init=False)
    announced: LiveSession | None = field(default=None, init=False)

    @property
    def schema(self) -> str | None:
        """The vocabulary in which names are looked up first: the negotiated one, or the only one that is offered."""
        if self.session is not None and self.session.protocol is not None:
            return self.session.protocol
        return self.protocols[0] if self.protocols else None

    @property
    def journal(self) -> Journal | None:
        """The live session's record."""
        return None if self.session is None else self.session.journal

    def ensure(self, role: str | None = None) -> LiveSession:
        """The live session; the default one is opened for whoever needs it first, who then plays that party."""
        if self.session is None:
            self.open(replace(self.options, side=role or self.options.side))
        assert self.session is not None
        return self.session

    def open(self, options: Options) -> LiveSession:
        """Open a session; one that is open is closed before.

        Raises
        ------
        LuaUserError
            The link is not to be had; the text says why.
        """
        self.permit(options)
        self.close()
        try:
            journal = self.new_journal(options)
            link = make_link(self, options, journal)
            self.session = self._listening(link, options) or LiveSession(
                link,
                side=options.side,
                autopilot=self.autopilot,
                overrides=self._overrides,
                on_end=self._ended,
                on_changed=lambda message: self.sheets.of(message).sent(),
                breakpoints=self.breakpoints,
            )
        except (LinkError, JournalError, OSError, ValueError) as error:
            raise LuaUserError(str(error)) from error
        try:
            self.on_open(self.session)
            self.session.begin()
            for running in self._scripts:
                running.enter_context(self.session.script())
        except BaseException:
            self.close()  # nobody would know that it is open
            raise
        return self.session

    def _listening(self, link: Link, options: Options) -> LiveSession | None:
        """The session in which a script only listens; None if the link is one to take part on."""
        if link.kind != "listen":
            return None
        from ..link.listening import ListenSession  # not needed by most sessions

        return ListenSession(link, side=options.side, on_end=self._ended, breakpoints=self.breakpoints)

    def takes_part(self, what: str) -> None:
        """Refuse what is of no use where a script only listens.

        Raises
        ------
        LuaUserError
            It does; the text says that, and what there is instead.
        """
        session = self.session
        if session is not None and session.refusal:
            raise LuaUserError(f"{what} does nothing here: {session.refusal}", session.advice)

    def new_journal(self, options: Options) -> Journal:
        """A journal for a session; sessions that name the same file go into the same journal.

        Raises
        ------
        JournalError, OSError
            The file exists already, or cannot be written.
        """
        path = Path(options.journal) if options.journal else None
        if self._journal is None or path is None or self._journal.path != path:
            self._journal = Journal(path)
        return self._journal

    @contextmanager
    def script(self) -> Iterator[None]:
        """Say that a script (a cell) runs meanwhile: what arrives on a real link is held for it."""
        self.comparisons.clear()
        with ExitStack() as running:
            if self.session is not None:
                running.enter_context(self.session.script())
            self._scripts.append(running)
            try:
                yield
            finally:
                self._scripts.remove(running)

    def close(self) -> None:
        """Close the session, if one is open, and forget what was set for it."""
        if self.session is not None:
            session, self.session = self.session, None
            session.close()
            self.sheets.clear()

    def reset(self) -> None:
        """Close the session, and choose vehicle, station, protocols and autopilot anew; breakpoints stay."""
        self.close()
        self.vehicle, self.protocols, self.autopilot = Vehicle(), None, True
        self.station.clear()

    def forget(self) -> None:
        """Close the session, and let go of its journal."""
        self.close()
        self._journal = None

    def restrict(self, protocols: Sequence[str]) -> None:
        """Offer only these protocols, from the next handshake on: as the station, or as the vehicle if that is ours."""
        self.takes_part("Session.Protocol")
        try:
            SECC().offer_protocols(protocols)
        except ValueError as error:
            raise LuaUserError(str(error)) from None
        self.protocols = tuple(protocols)
        if self.session is not None:
            party = self.session.party
            if isinstance(party, SECC):
                party.offer_protocols(protocols)
            else:
                party.protocols = self.protocols

    def make_vehicle(self, journal: Journal, records_frames: bool) -> SimulatedEV:
        """The vehicle as it is set now. Of two parties with one journal, the script's side records the frames."""
        return make_vehicle(self, journal, records_frames)

    # -- messages -----------------------------------------------------------------------------------------------------

    @property
    def spoken(self) -> str | None:
        """The vocabulary that what is set now is for, where that is known: the agreed one, or the only one on offer."""
        party = None if self.session is None else self.session.party
        if party is not None and party.schema is not None and party.ended is None:
            return party.schema
        return self.protocols[0] if self.protocols is not None and len(self.protocols) == 1 else None

    def stands_before(self, message: str) -> bool:
        """Whether the session has stopped right before this message is sent: what is set now changes that one."""
        stop = self.breakpoints.stop
        return stop is not None and (stop.message, stop.direction) == (message, "send")

    def send(self, role: str, message: str) -> Pending:
        """Send a message with what was set."""
        self.takes_part(f"Send {message}")
        sheet = self.sheets.of(message)
        session = self.ensure(role)
        make, entries, first = self._maker(message), session.journal.entries, 0

        def making(schema: str | None, automatic: Message | None, fills: bool) -> Composed:
            nonlocal first
            first = len(entries)  # what goes out now is recorded from here on
            return make(schema, automatic, fills)

        def shown() -> bool:
            entry = next((e for e in entries[first:] if isinstance(e, FrameEntry) and e.name == message), None)
            if entry is not None:
                self.on_exchange(entry)
            return entry is not None

        def sent(result: Message) -> Pending | None:
            sheet.sent()
            if shown() or not isinstance(session.link, SimLink):
                return None
            # The simulated other side has sent it: it is recorded when it arrives. The clock stands still until then.
            way = session.link.delay if home(message) is None else TRANSIT
            return self.pending(lambda: session.wait(way), lambda stop: shown() and None)

        return self.pending(lambda: session.send(message, role=role, make=making), sent)

    def receive(self, role: str, message: str) -> Pending:
        """Wait for a message."""
        session = self.ensure(role)
        announce(self, f"Receive {message}")
        return self.pending(lambda: session.receive(message, role=role), self._received)

    def pending(
        self,
        begin: Callable[[], Future[Any]],
        then: Callable[[Any], Any],
        failed: Callable[[], object] = lambda: None,
    ) -> Pending:
        """Wait for what a session does; meanwhile the conditions of breakpoints may ask the script.

        Parameters
        ----------
        begin : callable
            Begins it.
        then : callable
            As `Pending.then`.
        failed : callable, optional
            Called likewise before the script gets an error.
        """

        def settled(outcome: Any) -> Any:
            if isinstance(outcome, LuaUserError):
                failed()
                raise outcome
            return then(outcome)

        return self.questions.pending(lambda: begun(begin), settled)

    def _received(self, message: Message) -> None:
        """Tell `on_exchange` of a message that the script has just received: below V2G there may be several alike."""
        session, journal = self.session, self.journal
        if session is None or journal is None:
            return
        if message.schema not in LAYERS:
            passed = (journal.entries[number] for number in range(session.position - 1, -1, -1))
            entry = next((e for e in passed if isinstance(e, FrameEntry) and e.name == message.name), None)
        else:
            seen = self._seen.setdefault(journal, {})
            found = (
                (number, entry)
                for number, entry in enumerate(journal.entries)
                if number > seen.get(message.name, -1) and isinstance(entry, FrameEntry) and entry.message == message
            )
            seen[message.name], entry = next(found, (seen.get(message.name, -1), None))
        if entry is not None:
            self.on_exchange(entry)

    def _ended(self, ended: Ended, goes_on: bool) -> None:
        vehicle = None if self.session is None else self.session.link.parties.get("EVCC")
        if isinstance(vehicle, EVCC):
            vehicle.moves_pilot = True  # what a script does with the control pilot is for this session
        self.sheets.clear(keep_unsent=goes_on)

    def _overrides(self, message: str) -> Maker | None:
        return None if self.sheets.overrides(message) is None else self._maker(message)

    def _maker(self, message: str) -> Maker:
        sheet = self.sheets.of(message)

        def make(schema: str | None, automatic: Message | None, fills: bool) -> Composed:
            session_id = b"" if self.session is None else self.session.party.session_id
            if automatic is not None and sheet.get("value", "EVSEProcessing", ()) == "Finished":
                automatic = self._finished() or automatic
            try:
                return make_message(message, sheet, schema, automatic, fills, session_id)
            except LuaUserError as error:
                raise self._of_turn(message, error) if automatic is None else error from None

        return make

    def _of_turn(self, message: str, error: LuaUserError) -> LuaUserError:
        """What is wrong with a message that the autopilot has none of: first of all that it is another one's turn."""
        party = None if self.session is None else self.session.party
        turn = None if party is None else party.turn
        if party is None or turn is None or turn == (message if party.role == "EVCC" else message[:-3] + "Req"):
            return error
        text = f"{turn} is yours: {message} would be out of turn, and is sent all the same when its fields are set"
        return LuaUserError(f"{text}\n{error.message}", error.hint)

    def _finished(self) -> Message | None:
        """The autopilot's answer of a station that has finished, where a script says that it has."""
        station = None if self.session is None else self.session.link.parties.get("SECC")
        if not isinstance(station, SECC) or station.request is None:
            return None
        return autopilot.finished(station, station.request)


def make_message(
    name: str, sheet: Sheet, schema: str | None, automatic: Message | None, fills: bool, session_id: bytes = b""
) -> Composed:
    """A message of what a script has set over the autopilot's message.

    Parameters
    ----------
    name : str
        The message.
    sheet : Sheet
        What was set.
    schema : str or None
        The vocabulary that was negotiated.
    automatic : Message or None
        The autopilot's message for this moment.
    fills : bool
        Whether mandatory fields may come from it; the header's session id does in any case.
    session_id : bytes
        The session's, for the header of a message that the autopilot has none of.

    Raises
    ------
    LuaUserError
        Mandatory fields are missing, or what was set does not fit.
    """
    key = next(k for k in preference(schema) if name in vocabulary(k).elements)
    words = vocabulary(key)
    try:
        assignments = sheet.assignments(key, name)
    except ValueMismatchError as error:
        raise LuaUserError(f"what was set does not fit: {error}", _LEFT_OUT) from None
    if automatic is not None and automatic.schema != key:
        automatic = None
    header_type = catalogue(key, name).header_type
    of_header = [a for a in assignments if header_type is not None and a.item.steps[0].field == "Header"]
    body = compose(
        words.message_type(name),
        [a for a in assignments if a not in of_header],
        automatic.body if automatic is not None and fills else None,
        needed=_needed(name, assignments),
    )
    header = Composition()
    if header_type is not None:
        stripped = [Assignment(replace(a.item, steps=a.item.steps[1:]), a.indices, a.what, a.value) for a in of_header]
        known = automatic.header if automatic is not None else header_type(SessionID=session_id or bytes(8))
        header = compose(header_type, stripped, known, ("Header",))
    missing = [*body.missing, *header.missing]
    if missing:
        raise LuaUserError(*_what_is_missing(key, name, missing, fills))
    fields = {f.name: getattr(body.value, f.name) for f in type(body.value).__fields__}
    if header_type is not None:
        fields["Header"] = header.value
    intended, auto = header.intended + body.intended, header.auto + body.auto
    if key in LAYERS:  # what is left open there is counted when it is written
        auto += [name for name, value in fields.items() if value is None]
    return Composed(codec.new(key, name, **fields), tuple(intended), tuple(auto))


_LEFT_OUT = (
    "it is left out from now on in sessions of this protocol: call again to go on without it; "
    "in a script for several protocols set it only where Session.Protocol() says which one was agreed on"
)


def _needed(name: str, assignments: list[Assignment]) -> tuple[str, ...]:
    """What the schema lets be absent, and the other side cannot do without unless the answer is FAILED.

    The SchemaID of the handshake; the schedules, with EVSEProcessing Finished ([V2G2-905]).
    """
    failed = any(a.item.name == "ResponseCode" and str(a.value).lower().startswith("failed") for a in assignments)
    return () if failed else _NEEDED.get(name, ())


_NEEDED = {"supportedAppProtocolRes": ("SchemaID",), "ChargeParameterDiscoveryRes": ("SASchedules",)}


def _what_is_missing(key: str, message: str, paths: list[str], fills: bool) -> tuple[str, str]:
    side = next(table for table, role in SIDES.items() if sends(role, message))
    them = "it" if len(paths) == 1 else "them"
    why = f"the autopilot has no value for {them}" if fills else "the autopilot is off and fills nothing in"
    text = f"{message} cannot be sent: it lacks {listed(paths)}; {why}"
    items = catalogue(key, message)
    names = dict.fromkeys(f"{side}.Set_{message}_{setter}" for path in paths for setter in items.setters(path))
    return text, f"set {them} first: {listed(list(names))}"
