"""Powerline: a modem on a network interface, then TCP with SDP over the same interface.

A `PlcStation` or `PlcVehicle` joins three things, all in the event loop of the session's thread: raw frames of the
modem and of the line (`raw.py`) go to and from a data link (`session/datalink/`), which matches the modems; when they
have a link, the party begins, over the sockets of `tcp.py`. Link-local addresses and neighbours are the system's
affair.

Interfaces go down and modems start anew. Then the data link is lost, the session ends and says why, and as soon as the
interface and the modem are there again they are made ready for the next vehicle.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from functools import partial

from ..session.control_pilot import ControlPilot
from ..session.datalink import DataLink, StationDataLink, VehicleDataLink
from ..session.evcc import EVCC
from ..session.journal import FindingEntry
from ..session.secc import SECC
from ..session.slac import EVMatcher, EVSEMatcher, Tolerances
from ..wire.homeplug import Frame, HomeplugError
from .modem_watch import ModemWatch
from .net import LinkError
from .raw import DOWN, InterfaceWatch, RawSocket, hardware_address, is_up
from .tcp import TcpStation, TcpVehicle
from .tls_contexts import TlsSettings

__all__ = ["PlcStation", "PlcVehicle"]

_LATE = 0.5
"""Seconds by which a frame may have waited to be read and still counts as arrived when the system says."""
_GOODBYE = 0.2
"""Seconds that the end of a connection gets to go out before the network is left (TP_match_leave is 1 s)."""
_AGAIN = 1.0
"""Seconds between attempts to use an interface that has come back."""


class _PlcLink:
    """What both ends have in common.

    Parameters
    ----------
    ip : TcpStation or TcpVehicle
        The sockets above.
    datalink : DataLink
        What is below.
    interface : str
        Where the modem is.
    """

    kind = "plc"
    real = True

    def __init__(self, ip: TcpStation | TcpVehicle, datalink: DataLink, interface: str) -> None:
        self.parties = ip.parties
        self.datalinks: dict[str, DataLink] = {datalink.role: datalink}
        self.interface = interface
        self.datalink = datalink
        self._ip = ip
        self._modem = ModemWatch(datalink)
        self._raw: RawSocket | None = None
        self._watch: InterfaceWatch | None = None
        self._happened: Callable[[Callable[[], object]], None] = lambda call: None
        self._state = datalink.state
        self._alarm: asyncio.TimerHandle | None = None
        self._repair: asyncio.Task[None] | None = None
        self._closing: asyncio.Future[None] | None = None
        self._leaves_at = 0.0

    @property
    def now(self) -> float:
        """Seconds since the epoch; never runs backwards."""
        return self._ip.now

    @property
    def plugged(self) -> bool:
        """Whether the plug is in, as far as this end knows."""
        return self._ip.plugged

    @property
    def place(self) -> str:
        """Where the modem is."""
        raise NotImplementedError

    def advance(self, until: float | None = None) -> bool:
        """Real time passes by itself."""
        return False

    def exchange(self, vehicle: EVCC) -> None:
        """Put another vehicle in the place of the one that is not plugged in (any more).

        Raises
        ------
        LinkError
            The vehicle is real.
        """
        self._ip.exchange(vehicle)
        self.datalink.attach(vehicle)

    # -- opening and closing ------------------------------------------------------------------------------------------

    async def open(self, happened: Callable[[Callable[[], object]], None]) -> None:
        """Open the sockets, and make the modem ready.

        Raises
        ------
        LinkError
            The privilege lacks, or the interface is down or has no link-local address; the text says what to do.
        """
        self._happened = happened
        self._open_raw()
        try:
            if not is_up(self.interface):
                raise LinkError(DOWN.format(self.interface))
            await self._ip.open(self._ip_happened)
        except BaseException:
            self._close_raw()
            raise
        self._watch = InterfaceWatch(self.interface, self._interface_changed)
        happened(lambda: self.datalink.open(self.now))

    def _open_raw(self) -> None:
        # Frames for another address than the interface's own pass its filter only like this.
        foreign = self.datalink.matcher.mac != hardware_address(self.interface)
        self._raw = RawSocket(self.interface, promiscuous=foreign)
        self._raw.listen(self._frame)

    def _close_raw(self) -> None:
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    async def close(self) -> None:
        """End the connection, let out what is still to go, and close all sockets."""
        if self._watch is not None:
            self._watch.close()
        if self._repair is not None:
            self._repair.cancel()
        self._stop_alarm()
        await self._ip.close()
        self._leaves_at = 0.0
        self._send_frames()
        self._close_raw()

    # -- what comes in ------------------------------------------------------------------------------------------------

    def _frame(self, data: bytes, arrived: float) -> None:
        """A management message arrived; the system says when, and by a clock that may have been set since."""
        waited = time.time() - arrived
        now = self.now - (waited if 0.0 < waited < _LATE else 0.0)
        try:
            frame = Frame.parse(data)
        except HomeplugError as error:
            self._find("slac.malformed", "error", f"a frame of the type 0x88E1 cannot be read: {error}")
        else:
            self._happened(partial(self._take, frame, now))

    def _take(self, frame: Frame, now: float) -> None:
        self.datalink.receive(frame, now)
        self._modem.received(frame, now)

    def _ip_happened(self, call: Callable[[], object]) -> None:
        """Something came over the connection, or by SDP; so there is a link, even if the modem has not said so yet."""
        self._happened(partial(self._ip_take, call))

    def _ip_take(self, call: Callable[[], object]) -> None:
        self._modem.heard(self.now)
        if self.datalink.state == "joining":
            self.datalink.linked(self.now)
        call()

    # -- what goes out ------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send what data link and party want to send, and see what has become of the data link."""
        self._ip.flush()
        self._send_frames()
        state, self._state = self._state, self.datalink.state
        if state == "ready" and self._state != "ready" and self.datalink.party.connection is None:
            self._ip.cut()  # nothing to close in order: the party knows of no connection any more
        self._set_alarm()

    def _send_frames(self) -> None:
        if self._ends():
            return
        for frame in self.datalink.outgoing():
            if self._raw is not None:
                self._raw.send(frame.pack())

    def _ends(self) -> bool:
        """Whether the end of a connection is still to go out: leaving the network first would take the link from it."""
        closing = self._ip.closing
        if closing is not None and closing is not self._closing:
            self._closing, self._leaves_at = closing, self.now + _GOODBYE
            asyncio.get_running_loop().call_later(_GOODBYE, self._ended)
        return self.now < self._leaves_at

    def _ended(self) -> None:
        if self._raw is not None:
            self._happened(lambda: None)

    def _set_alarm(self) -> None:
        self._stop_alarm()
        times = [time for time in (self.datalink.next_deadline(), self._modem.next_deadline()) if time is not None]
        if times and self._raw is not None:
            delay = max(min(times) - self.now, 0.0)
            self._alarm = asyncio.get_running_loop().call_later(delay, self._happened, self._pass_time)

    def _stop_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _pass_time(self) -> None:
        self.datalink.advance(self.now)
        self._modem.advance(self.now)

    # -- the interface ------------------------------------------------------------------------------------------------

    def _interface_changed(self, up: bool | None) -> None:
        if self._repair is not None:
            self._repair.cancel()
            self._repair = None
        if up:
            self._repair = asyncio.get_running_loop().create_task(self._reopen())
            return
        what = "has disappeared" if up is None else "has gone down"
        text = f"the interface {self.interface} {what}: the cable to the modem, its power, or somebody's command"
        self._happened(partial(self._lose, text))

    def _lose(self, reason: str) -> None:
        self.datalink.lost(reason, self.now)
        self._stop_alarm()

    async def _reopen(self) -> None:
        """The interface is up again, perhaps as another one: open everything anew, as soon as it has an address."""
        said = False
        while True:
            try:
                self._close_raw()
                await self._ip.close()
                self._open_raw()
                await self._ip.open(self._ip_happened)
            except LinkError as error:
                self._close_raw()
                if not said:
                    self._find("plc.interface", "warning", str(error))
                said = True
                await asyncio.sleep(_AGAIN)
            else:
                break
        self._find("plc.interface", "note", f"the interface {self.interface} is up again")
        self._happened(lambda: self._modem.interface_back(self.now))

    def _find(self, rule: str, severity: str, text: str) -> None:
        self.datalink.journal.append(FindingEntry(self.now, rule, severity, text))


class PlcStation(_PlcLink):
    """A station with a powerline modem.

    Parameters
    ----------
    station : SECC
        The station.
    interface : str
        The network interface at the modem.
    port : int, optional
        The TCP port; a free one out of 49152 to 65535 by default.
    mac : bytes, optional
        The address that it uses on the powerline, instead of the interface's own.
    key : bytes, optional
        The network's key (NMK), 16 bytes, for whoever wants to listen with a modem of their own; by default a fresh
        random one for each vehicle.
    pilot : ControlPilot, optional
        The control pilot, where a board is attached.
    tolerances : Tolerances, optional
        What vehicles and the modem are forgiven in matching.
    receive_attenuation : int
        What is lost between the outlet and the modem, dB; see `EVSEMatcher`.
    tls : TlsSettings, optional
        How it does TLS; by default it does none.

    Raises
    ------
    LinkError
        There is no such interface.
    """

    def __init__(
        self,
        station: SECC,
        *,
        interface: str,
        port: int | None = None,
        mac: bytes | None = None,
        key: bytes | None = None,
        pilot: ControlPilot | None = None,
        tolerances: Tolerances | None = None,
        receive_attenuation: int = 0,
        tls: TlsSettings | None = None,
    ) -> None:
        matcher = EVSEMatcher(
            mac or hardware_address(interface),
            needs_validation=pilot is not None,
            receive_attenuation=receive_attenuation,
            key=key,
            tolerances=tolerances,
            journal=station.journal,
            random=secrets.token_bytes,
        )
        ip = TcpStation(station, interface=interface, port=port, tls=tls)
        super().__init__(ip, StationDataLink(matcher, station, pilot), interface)

    @property
    def place(self) -> str:
        """Where the modem is, and where TCP listens."""
        return f"the modem at {self.interface}, {self._ip.place}"

    def plug(self, fresh: bool = True) -> None:
        """A real vehicle plugs in by itself."""

    def unplug(self) -> None:
        """Act as if the plug had been pulled: the data link ends, and the connection with it."""
        self._ip.cut()
        self.datalink.unplug(self.now)


class PlcVehicle(_PlcLink):
    """A vehicle with a powerline modem.

    Parameters
    ----------
    vehicle : EVCC
        The vehicle.
    interface, mac, pilot, tolerances
        As for `PlcStation`.
    tls : TlsSettings, optional
        How it does TLS; by default it does none.

    Raises
    ------
    LinkError
        There is no such interface.
    """

    def __init__(
        self,
        vehicle: EVCC,
        *,
        interface: str,
        mac: bytes | None = None,
        pilot: ControlPilot | None = None,
        tolerances: Tolerances | None = None,
        tls: TlsSettings | None = None,
    ) -> None:
        matcher = EVMatcher(
            mac or hardware_address(interface),
            validates=pilot is not None,
            tolerances=tolerances,
            journal=vehicle.journal,
            random=secrets.token_bytes,
        )
        ip = TcpVehicle(vehicle, interface=interface, tls=tls)
        super().__init__(ip, VehicleDataLink(matcher, vehicle, pilot), interface)

    @property
    def place(self) -> str:
        """Where the modem is."""
        return f"a station behind the modem at {self.interface}"

    def plug(self, fresh: bool = True) -> None:
        """Plug in: find the station on the powerline, and when the modems have a link, by SDP.

        Not ``fresh``: a vehicle that had paused wakes up.
        """
        self._ip.plugged = True
        if fresh:
            self.datalink.plug(self.now)
        else:
            self.datalink.wake(self.now)

    def unplug(self) -> None:
        """Pull the plug."""
        self._ip.plugged = False
        self._ip.cut()
        self.datalink.unplug(self.now)
