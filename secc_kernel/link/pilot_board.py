"""A control pilot board on a serial line: one end of the control pilot wire as hardware.

`PilotBoard` keeps a `ControlPilot` and a board in step, in the event loop of the session's thread. What our end drives
goes to the board (the station's oscillator, or the vehicle's resistor), what the board measures of the other end goes
to the control pilot, whose subscribers react. The lines are those of `wire/pilot_board.py`; a board that disappears is
told in the journal, and taken up again when it comes back.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..session.bare_pilot import BareStationPilot
from ..session.control_pilot import OFF, ControlPilot, PilotChange
from ..session.evcc import EVCC
from ..session.journal import FindingEntry, NoteEntry
from ..session.secc import SECC
from ..wire.pilot_board import BAUD, ENDS, VERSION, Answer, Hello, Lines, PilotBoardError, Report, pack, parse
from .net import LinkError

if TYPE_CHECKING:
    from ..session.journal import Journal
    from .base import Link

__all__ = ["BoardedLink", "PilotBoard"]

_RULE = "control-pilot.board"
_BEAT = 1.0
"""Seconds between two times that the board is told what is wanted."""
_SILENCE = 3.0
"""Seconds of silence after which a board counts as gone."""
_GREETING = 0.5
"""Seconds between two HELLO to a board that has not answered; one that starts anew when it is opened needs some."""
_PATIENCE = 5.0
"""Seconds that a board gets to answer when the session is opened."""
_SETTLED = 1.0
"""Seconds after which what a board measures should be what was asked for."""
_TOLERANCE = 1.0
"""Percent by which a measured duty may differ from the one that was asked for."""
_JITTER = 0.5
"""Percent by which a measured duty may move and is still the same."""
_ERRORS = ("E", "F")
"""The states that the station's end signals."""


class BoardedLink:
    """A link with a control pilot board beside it: opened, closed and plugged in together.

    Parameters
    ----------
    link : Link
        The link; with one party, the end that the board is.
    board : PilotBoard
        The board.
    """

    def __init__(self, link: Link, board: PilotBoard) -> None:
        self.link = link
        self.board = board
        self.kind = link.kind
        self.real = link.real
        self.parties = link.parties
        self.datalinks = link.datalinks
        if not self.datalinks:
            for party in self.parties.values():
                party.pilot = board.pilot
                if isinstance(party, SECC):
                    BareStationPilot(party, board.pilot)

    @property
    def now(self) -> float:
        """The link's clock."""
        return self.link.now

    @property
    def plugged(self) -> bool:
        """Whether the plug is in, as far as this end knows."""
        return self.link.plugged

    @property
    def place(self) -> str:
        """Where the link is, and the board."""
        return f"{self.link.place}, control pilot at {self.board.device}"

    async def open(self, happened: Callable[[Callable[[], object]], None]) -> None:
        """Open the board, then the link: a vehicle that is plugged in already is noticed at once."""
        await self.board.open(happened, lambda: self.link.now)
        try:
            await self.link.open(happened)
        except BaseException:
            self.board.close()
            raise

    async def close(self) -> None:
        """Close the link, then the board."""
        try:
            await self.link.close()
        finally:
            self.board.close()

    def plug(self, fresh: bool = True) -> None:
        """Plug in; where no data link does it, on the control pilot as well."""
        if "EVCC" in self.parties and not self.datalinks:
            self.board.pilot.set_vehicle("B", self.now)
        self.link.plug(fresh)

    def unplug(self) -> None:
        """Pull the plug."""
        self.link.unplug()
        if "EVCC" in self.parties and not self.datalinks:
            self.board.pilot.set_vehicle("A", self.now)

    def exchange(self, vehicle: EVCC) -> None:
        """Put another vehicle in the place of the one that is not plugged in (any more)."""
        self.link.exchange(vehicle)
        vehicle.pilot = self.board.pilot

    def advance(self, until: float | None = None) -> bool:
        """Real time passes by itself."""
        return self.link.advance(until)

    def flush(self) -> None:
        """Send what is to be sent."""
        self.link.flush()


class PilotBoard:
    """A board that is one end of a control pilot.

    Parameters
    ----------
    device : str
        The serial device, such as ``/dev/ttyACM0``.
    pilot : ControlPilot
        What is kept in step with it.
    role : str
        Our end: ``SECC`` or ``EVCC``.
    journal : Journal
        Where is told what becomes of the board.
    """

    def __init__(self, device: str, pilot: ControlPilot, role: str, journal: Journal) -> None:
        self.device = device
        self.pilot = pilot
        self.name = ""
        self._role = role
        self._journal = journal
        self._happened: Callable[[Callable[[], object]], None] = lambda call: None
        self._clock: Callable[[], float] = lambda: 0.0
        self._port: Any = None
        self._lines = Lines()
        self._greeted: asyncio.Event = asyncio.Event()
        self._refused = ""
        self._gone = False
        self._heard_at = 0.0
        self._wanted = ""
        self._odd_since: float | None = None
        self._told: set[str] = set()
        self._damaged = False
        self._beat: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    # -- opening and closing ------------------------------------------------------------------------------------------

    async def open(self, happened: Callable[[Callable[[], object]], None], clock: Callable[[], float]) -> None:
        """Open the device and wait for the board to say who it is.

        Parameters
        ----------
        happened : callable
            As for `Link.open`: what the board reports comes in by it.
        clock : callable
            The link's time.

        Raises
        ------
        LinkError
            pyserial lacks, the device cannot be opened, or no board of our end answers; the text says what to do.
        """
        self._happened, self._clock = happened, clock
        self._connect()
        try:
            await asyncio.wait_for(self._greet(), _PATIENCE)
            if self._refused:
                raise LinkError(self._refused)
        except asyncio.TimeoutError:
            self._disconnect()
            text = f"nothing at {self.device} answers as a control pilot board within {_PATIENCE:g} s: is it the right "
            raise LinkError(f"{text}device, and does it speak docs/control-pilot-board.md at {BAUD} baud?") from None
        except BaseException:
            self._disconnect()
            raise
        self._unsubscribe = self.pilot.subscribe(self._changed)
        self._command()
        self._beat = asyncio.get_running_loop().create_task(self._keep())

    def close(self) -> None:
        """Take the wire to where no energy flows, and let go of the device."""
        self._unsubscribe()
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        self._write(f"DUTY {OFF:.1f}" if self._role == "SECC" else "STATE A")
        self._disconnect()

    def _connect(self) -> None:
        """Open the device."""
        try:
            import serial
        except ImportError:
            raise LinkError(
                "a control pilot board needs pyserial, which is not installed: pip install secc-kernel[serial]"
            ) from None
        try:
            self._port = serial.Serial(self.device, BAUD, timeout=0, exclusive=True)
        except (OSError, ValueError) as error:
            raise LinkError(f"the control pilot board cannot be opened: {_why(self.device, error)}") from None
        self._lines = Lines()
        self._greeted.clear()
        self._told.clear()
        self._damaged = False
        self._heard_at = self._clock()
        asyncio.get_running_loop().add_reader(self._port.fileno(), self._readable)

    def _disconnect(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            asyncio.get_running_loop().remove_reader(port.fileno())
            port.close()

    async def _greet(self) -> None:
        """Say hello until the board answers."""
        while not self._greeted.is_set():
            self._write(f"HELLO {VERSION}")
            try:
                await asyncio.wait_for(self._greeted.wait(), _GREETING)
            except asyncio.TimeoutError:
                if self._port is None:
                    raise LinkError(f"the control pilot board at {self.device} was unplugged") from None

    # -- the board's life ---------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Tell the board what is wanted, again and again, and look after one that has gone."""
        while True:
            await asyncio.sleep(_BEAT)
            if self._port is None:
                try:
                    self._connect()
                except LinkError:
                    continue
            if not self._greeted.is_set():
                self._write(f"HELLO {VERSION}")
            elif self._refused:
                continue
            elif self._clock() - self._heard_at > _SILENCE:
                self._lose(f"has said nothing for {_SILENCE:g} s")
            else:
                self._command()

    def _lose(self, what: str) -> None:
        self._greeted.clear()
        if not self._gone:
            self._gone = True
            text = f"the control pilot board at {self.device} {what}: what is on the wire is not known until it is back"
            self._find("error", text)

    def _find(self, severity: str, text: str) -> None:
        self._journal.append(FindingEntry(self._clock(), _RULE, severity, text))

    def _find_once(self, severity: str, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._find(severity, text)

    def _note(self, text: str) -> None:
        self._journal.append(NoteEntry(self._clock(), text))

    def _find_damage(self, text: str) -> None:
        """A line was damaged: told once for each time that the board was opened, since there may be many."""
        if not self._damaged:
            self._damaged = True
            self._find("warning", f"the control pilot board sent what is no line of it: {text}")

    # -- to the board -------------------------------------------------------------------------------------------------

    def _changed(self, change: PilotChange) -> None:
        """The control pilot has changed: where that is our end's doing, the board has to do it."""
        if self._greeted.is_set() and self._command_of_now() != self._wanted:
            self._command()

    def _command_of_now(self) -> str:
        pilot = self.pilot
        if self._role == "EVCC":
            return f"STATE {pilot.vehicle}"
        return f"ERROR {pilot.error}" if pilot.error else f"DUTY {pilot.duty:.1f}"

    def _command(self) -> None:
        wanted = self._command_of_now()
        if wanted != self._wanted:
            self._wanted, self._odd_since = wanted, None
        self._write(wanted)

    def _write(self, text: str) -> None:
        if self._port is None:
            return
        try:
            # Not by pyserial, which waits as long as a board that does not read keeps the line full.
            os.write(self._port.fileno(), pack(text))
        except BlockingIOError:
            self._find_once(
                "warning", f"the control pilot board at {self.device} does not take {text!r}: it reads nothing"
            )
        except OSError as error:
            self._unplugged(error)

    def _unplugged(self, error: OSError) -> None:
        self._disconnect()
        self._lose(f"was unplugged ({error.strerror or error})")

    # -- from the board -----------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        try:
            data = os.read(self._port.fileno(), 4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._unplugged(error)
            return
        if not data:
            self._unplugged(OSError(errno.EIO, os.strerror(errno.EIO)))
            return
        for line in self._lines.receive(data):
            self._line(line)

    def _line(self, line: bytes) -> None:
        try:
            said = parse(line)
        except PilotBoardError as error:
            # Before it has said hello, a board may still be starting, or have been in the middle of a line.
            if self._greeted.is_set():
                self._find_damage(str(error))
            return
        self._heard_at = self._clock()
        if isinstance(said, Hello):
            self._hello(said)
        elif not self._greeted.is_set():
            return
        elif isinstance(said, Answer):
            if said.error:
                self._find_once("warning", f"the control pilot board says: {said.error}")
        else:
            self._happened(partial(self._report, said))

    def _hello(self, said: Hello) -> None:
        self._refused = ""
        if said.version != VERSION:
            self._refused = f"speaks version {said.version} of its lines, and this is version {VERSION}"
        elif ENDS[said.end] != self._role:
            needed = next(end for end, role in ENDS.items() if role == self._role)
            self._refused = f"is the end {said.end}; the {self._role} needs one that is {needed}"
        known, self.name = self.name, said.name
        self._greeted.set()
        if self._refused:
            self._refused = f"the control pilot board at {self.device} ({said.name}) {self._refused}"
            if known:
                self._find("error", self._refused)
        elif self._gone:
            self._gone = False
            self._note(f"the control pilot board at {self.device} is back")
            self._command()
        elif not known:
            self._note(f"the control pilot board at {self.device} is {said.name}, the end {said.end}")

    def _report(self, report: Report) -> None:
        """What the board measures, in the link's turn: whoever has subscribed to the control pilot acts on it."""
        of_other_end = self._of_vehicle if self._role == "SECC" else self._of_station
        odd = of_other_end(report)
        if not odd:
            self._odd_since = None
        elif self._odd_since is None:
            self._odd_since = self._clock()
        elif self._clock() - self._odd_since >= _SETTLED:
            self._odd_since = float("inf")  # told
            self._find("warning", f"the control pilot board measures {odd}")

    def _of_vehicle(self, report: Report) -> str:
        """Take the vehicle's state; gives what the station's own end does otherwise than it was told."""
        pilot = self.pilot
        if report.state not in _ERRORS:
            pilot.set_vehicle(report.state, self._clock())
            if pilot.error:
                return f"state {report.state}, and the station signals {pilot.error}"
        elif report.state != pilot.error:
            return f"state {report.state}, and the station signals {pilot.error or 'no error'}: is the wire shorted?"
        if not pilot.error and abs(report.duty - pilot.duty) > _TOLERANCE:
            return f"a duty of {report.duty:g} %, and the station's is {pilot.duty:g} %"
        return ""

    def _of_station(self, report: Report) -> str:
        """Take the station's duty or error; gives what the vehicle's own end does otherwise than it was told."""
        pilot, now = self.pilot, self._clock()
        if report.state in _ERRORS:
            if report.state != pilot.error:
                pilot.set_error(report.state, now)
            return ""
        if report.duty > 0.0 and (pilot.error or abs(report.duty - pilot.duty) >= _JITTER):
            pilot.set_duty(report.duty, now)
        return "" if report.state == pilot.vehicle else f"state {report.state}, and the vehicle's is {pilot.vehicle}"


def _why(device: str, error: Exception) -> str:
    """Why a device cannot be opened, and what to do."""
    from serial.tools.list_ports import comports

    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM):
        return f"{device} is not for this user: sudo usermod -aG dialout $USER, then log in again"
    if number in (errno.EAGAIN, errno.EBUSY):
        return f"{device} is in use: by another session, or another program"
    if number != errno.ENOENT:
        return f"{device}: {getattr(error, 'strerror', None) or error}"
    there = ", ".join(sorted(port.device for port in comports()))
    return f"there is no {device}; this machine has {there or 'no serial device: is the board connected?'}"
