"""The link of a session, with the parties on it, as the script has chosen and set them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from ..link.base import Link
from ..link.net import Interface, LinkError
from ..link.sim import SimLink, answering_time
from ..link.tcp import TcpStation, TcpVehicle
from ..session.control_pilot import ControlPilot
from ..session.evcc import EVCC
from ..session.journal import Journal
from ..session.secc import SECC
from ..session.slac import Tolerances
from ..session.station import Station
from ..vehicle import SimulatedEV
from .errors import LuaUserError
from .options import Options
from .tls_options import tls_settings

if TYPE_CHECKING:
    from .bench import Bench

__all__ = ["LINKS", "check_belonging", "make_link", "make_vehicle"]


def make_link(bench: Bench, options: Options, journal: Journal) -> Link:
    """A link with its parties; not open yet.

    Raises
    ------
    LuaUserError
        There is no such link.
    LinkError
        It is not to be had as the options say.
    """
    if options.link not in LINKS:
        raise LuaUserError(f"there is no link {options.link!r}: there are {', '.join(map(repr, LINKS))}")
    if options.link == "listen" and options.pilot is not None:
        raise LuaUserError("a script that listens drives no control pilot: open it without pilot")
    tls_settings(options)  # what is wrong with them is said whatever the link
    link = LINKS[options.link](bench, options, journal)
    return link if options.pilot is None else _with_board(link, options.pilot, journal)


_BELONG: dict[str, tuple[str, ...]] = {
    "interface": ("tcp", "plc", "listen"),
    "file": ("listen",),
    "host": ("tcp",),
    "port": ("tcp", "plc"),
    "mac": ("plc",),
    "key": ("plc",),
    "assumed_attenuation": ("plc",),
}
"""The links that know an option, where not all do."""


def check_belonging(link: str, given: Iterable[str]) -> None:
    """Refuse what a script gives and the link would only ignore: whoever gives it means another link.

    Parameters
    ----------
    link
        The link that is to be opened.
    given
        The names of the options that the script has given.

    Raises
    ------
    LuaUserError
        An option belongs to other links; the text names them.
    """
    for name in given:
        links = _BELONG.get(name, (link,))
        if link in LINKS and link not in links:
            known = " or ".join(map(repr, links))
            raise LuaUserError(f"Session.Open: {name}= belongs to link={known}, and this is link={link!r}")


def _with_board(link: Link, device: str, journal: Journal) -> Link:
    """The link with a control pilot board beside it."""
    from ..link.pilot_board import BoardedLink, PilotBoard  # few have one

    if not link.real:
        raise LuaUserError("the simulated link has a control pilot of its own: open it without pilot")
    (role,) = link.parties
    pilot = link.datalinks[role].pilot if role in link.datalinks else ControlPilot(journal)
    assert pilot is not None
    return BoardedLink(link, PilotBoard(device, pilot, role, journal))


def _pilot(options: Options, journal: Journal) -> ControlPilot | None:
    """The control pilot of a data link, where a board is there to be one."""
    return None if options.pilot is None else ControlPilot(journal)


def _simulated(bench: Bench, options: Options, journal: Journal) -> Link:
    station = _station(bench, options, journal, real=False)
    vehicle = make_vehicle(bench, journal, options.side == "EVCC")
    return SimLink(station, vehicle, prepare=partial(_prepare, bench), powerline=options.slac)


def _tcp(bench: Bench, options: Options, journal: Journal) -> Link:
    if options.side == "EVCC":
        vehicle = make_vehicle(bench, journal, records_frames=True)
        return TcpVehicle(
            vehicle, interface=options.interface, host=options.host, port=options.port, tls=tls_settings(options)
        )
    return TcpStation(
        _station(bench, options, journal, real=True),
        interface=options.interface,
        host=options.host or "::1",
        port=options.port,
        tls=tls_settings(options),
    )


def _powerline(bench: Bench, options: Options, journal: Journal) -> Link:
    from ..link.plc import PlcStation, PlcVehicle  # not needed by most sessions, and not to be had on all systems

    if options.interface is None:
        raise LinkError(
            f"link 'plc' needs interface=, the network interface at the powerline modem; this machine has "
            f"{', '.join(Interface.names())}"
        )
    mac = _octets("mac", options.mac, 6)
    if options.side == "EVCC":
        vehicle = make_vehicle(bench, journal, records_frames=True)
        return PlcVehicle(
            vehicle, interface=options.interface, mac=mac, pilot=_pilot(options, journal), tls=tls_settings(options)
        )
    return PlcStation(
        _station(bench, options, journal, real=True),
        interface=options.interface,
        port=options.port,
        mac=mac,
        key=_octets("key", options.key, 16),
        tolerances=Tolerances(assumed_attenuation=options.assumed_attenuation),
        receive_attenuation=options.receive_attenuation,
        pilot=_pilot(options, journal),
        tls=tls_settings(options),
    )


def _octets(name: str, text: str | None, size: int) -> bytes | None:
    """An option that is given as hex digits."""
    if text is None:
        return None
    try:
        found = bytes.fromhex(text.replace(":", " ").replace("-", " "))
    except ValueError:
        found = b""
    if len(found) != size:
        raise LuaUserError(f"{name} is {size} bytes as {2 * size} hex digits, not {text!r}")
    return found


def _listen(bench: Bench, options: Options, journal: Journal) -> Link:
    from ..link.follow import followed  # not needed by most sessions
    from ..link.listen import ListenLink

    return ListenLink(followed(options.interface, options.file, options.keylog), journal)


LINKS: dict[str, Callable[[Bench, Options, Journal], Link]] = {
    "sim": _simulated,
    "tcp": _tcp,
    "plc": _powerline,
    "listen": _listen,
}
"""What each kind of link is made by."""


def _station(bench: Bench, options: Options, journal: Journal, real: bool) -> SECC:
    station = SECC(
        journal=journal,
        records_frames=options.side != "EVCC",
        station=Station(**bench.station, epoch=0.0 if real else None),
        pace=None if real else answering_time,
        entropy=secrets.token_bytes if real else None,
        preference=options.prefer,
        strict=options.strict,
    )
    if bench.protocols is not None and options.side == "SECC":
        station.offer_protocols(bench.protocols)
    return station


def make_vehicle(bench: Bench, journal: Journal, records_frames: bool) -> SimulatedEV:
    """The vehicle as it is set now. Of two parties with one journal, the script's side records the frames."""
    chosen = bench.vehicle
    restricted = bench.protocols if records_frames else None  # the vehicle is the script's own
    return SimulatedEV(
        chosen.profile,
        soc=chosen.soc,
        target_soc=chosen.target,
        energy=chosen.mode,
        protocols=chosen.protocols or restricted,
        patient=chosen.patient,
        tolerates=chosen.tolerates,
        journal=journal,
        records_frames=records_frames,
    )


def _prepare(bench: Bench, vehicle: EVCC) -> None:
    """A vehicle that is plugged in comes with the state of charge that was set, however the last session ended."""
    assert isinstance(vehicle, SimulatedEV)
    vehicle.battery = vehicle.profile.battery(bench.vehicle.soc)
