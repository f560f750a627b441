"""A powerline to try things on: a station's outlet, cars, and emulated modems between.

  secc-kernel testbed up                 builds it and says how to work with it
  secc-kernel testbed plug --soc 60      plugs the car in, as often as you like
  secc-kernel testbed unplug             pulls the plug
  secc-kernel testbed modem car1 kill    kills the car's modem; also reset, deaf, down, silence, rst, and on
  secc-kernel testbed line --loss 5      changes the line
  secc-kernel testbed status             tells how things are
  secc-kernel testbed down               takes all of it away, also after a crash

Everything is virtual, down to the frame: pairs of network interfaces, with a process between them that behaves as
QCA7000 modems do. The cars are simulated vehicles, each in a network namespace of its own. The station is yours: a
notebook or script with link 'plc' on the interface that "up" names.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from secc_kernel.commands import CommandError
from secc_kernel.commands._testbed import network
from secc_kernel.commands._testbed.bed import Testbed
from secc_kernel.commands._testbed.plan import NAME, Plan, parse_profile
from secc_kernel.link.emulator import TRIPS
from secc_kernel.link.modem import JOIN_TIME


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--name", default=NAME, help=f"which testbed, where there are several ({NAME})")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    up = actions.add_parser("up", help="build it")
    up.add_argument("--cars", type=int, default=1, metavar="N", help="how many cars (1)")
    up.add_argument("--isolated", action="store_true", help="put the station into a network namespace, too")
    up.add_argument("--empty", action="store_true", help="leave the cars empty: a vehicle of your own drives them")
    up.add_argument("--journals", type=Path, metavar="DIR", help="keep the cars' journals there")
    up.add_argument(
        "--join-time", type=float, default=JOIN_TIME, metavar="S", help=f"until modems have a link ({JOIN_TIME:g})"
    )
    _add_line(up, 0.0, attenuation=parse_profile("5"))

    plug = actions.add_parser("plug", help="plug a car in")
    plug.add_argument("--profile", default="compact", help="which vehicle (compact)")
    plug.add_argument("--soc", type=float, default=40.0, help="its state of charge in percent (40)")
    plug.add_argument("--target", type=float, default=80.0, help="at which it stops (80)")
    plug.add_argument("--mode", choices=("AC", "DC"), help="what it wants (DC where it is to be had)")
    plug.add_argument("--protocols", metavar="KEY,...", help="what it offers: iso2, din (as its profile does)")
    plug.add_argument("--patient", action="store_true", help="it charges on whatever the station does wrong")
    plug.add_argument(
        "--tls", nargs="?", const=True, default=False, metavar="DIR", help="it wants TLS, with this PKI (any)"
    )
    plug.add_argument("--hurry", type=float, default=1.0, metavar="N", help="so many times faster than cars are")
    unplug = actions.add_parser("unplug", help="pull the plug")
    for subparser in (plug, unplug):
        subparser.add_argument("--car", type=int, default=1, metavar="N", help="which car (1)")

    modem = actions.add_parser("modem", help="do something to a modem")
    modem.add_argument("host", help="whose: station, car1, ...")
    modem.add_argument("what", choices=("on", *TRIPS), help="what happens to it; on: it is as new")

    line = actions.add_parser("line", help="change the line")
    _add_line(line)
    line.add_argument("--car", type=int, metavar="N", help="the car whose attenuation it is (all)")
    line.add_argument("--join-time", type=float, metavar="S", help="until modems have a link")

    actions.add_parser("status", help="tell how things are")
    actions.add_parser("down", help="take it away")
    for subparser in actions.choices.values():
        subparser.add_argument("--name", default=argparse.SUPPRESS, help=argparse.SUPPRESS)  # wherever it is said


def _add_line(parser: argparse.ArgumentParser, none: float | None = None, attenuation: list[int] | None = None) -> None:
    parser.add_argument("--loss", type=_percent, default=none, metavar="PERCENT", help="of the frames that get lost")
    parser.add_argument("--duplicates", type=_percent, default=none, metavar="PERCENT", help="of those that come twice")
    parser.add_argument(
        "--jitter", type=float, default=none, metavar="MS", help="by which frames are late, some more than others"
    )
    parser.add_argument(
        "--attenuation",
        type=_profile,
        default=attenuation,
        metavar="DB",
        help="between car and station: 8, or from the lowest to the highest carriers: 4-16 (5)",
    )


def _percent(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is no share of 0 to 100 %")
    return value


def _profile(text: str) -> list[int]:
    try:
        return parse_profile(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(arguments: argparse.Namespace) -> int:
    """Do what was asked for; 0 when it is done."""
    if not sys.platform.startswith("linux"):
        raise CommandError("testbeds are made of Linux's network namespaces")
    network.require()
    if os.geteuid():
        raise CommandError(
            "testbeds need root, for network namespaces and interfaces: "
            f"sudo {sys.executable} -m secc_kernel.cli testbed {arguments.action}"
        )
    return _ACTIONS[arguments.action](arguments)


def _up(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.cars <= 32:
        raise CommandError("a testbed has 1 to 32 cars")
    journals = arguments.journals
    if journals is not None:
        journals.mkdir(parents=True, exist_ok=True)
        journals = str(journals.resolve())
    line = {
        "join_time": arguments.join_time,
        **_disturbances(arguments),
        "attenuation": arguments.attenuation,
    }
    simulated, isolated = not arguments.empty, arguments.isolated
    plan = Plan.new(arguments.name, arguments.cars, line, isolated=isolated, simulated=simulated, journals=journals)
    bed = Testbed(plan)
    bed.up()
    print(_how_to(bed))
    return 0


def _how_to(bed: Testbed) -> str:
    plan = bed.plan
    station, named = plan.station, "" if plan.name == NAME else f" --name {plan.name}"
    inside = f"ip netns exec {station.namespace} " if station.namespace else ""
    cars = ", ".join(f"{host.name} in the namespace {host.namespace}" for host in plan.cars)
    where = f" in the namespace {station.namespace}" if station.namespace else ""
    return "\n".join(
        (
            f"testbed {plan.name}: the station's interface is {station.interface}{where}; {cars}",
            "the station in a notebook:",
            *((f"  {inside}jupyter lab --allow-root",) if inside else ()),
            f"  Session.Open{{link='plc', interface='{station.interface}'}}",
            "or in a terminal:",
            f"  {inside}secc-kernel run SCRIPT.lua --link plc --interface {station.interface}",
            *(
                ("then plug in, and take it all away when you are done:", f"  secc-kernel testbed{named} plug")
                if plan.simulated
                else ("a vehicle of your own there, and when you are done:",)
            ),
            f"  secc-kernel testbed{named} down",
        )
    )


def _plug(arguments: argparse.Namespace) -> int:
    options: dict[str, Any] = {
        "profile": arguments.profile,
        "soc": arguments.soc,
        "target_soc": arguments.target,
        "energy": arguments.mode,
        "patient": arguments.patient,
        "hurry": arguments.hurry,
        "tls": str(Path(arguments.tls).resolve()) if isinstance(arguments.tls, str) else arguments.tls,
    }
    if arguments.protocols:
        options["protocols"] = arguments.protocols.split(",")
    answer = Testbed.found(arguments.name).car(f"car{arguments.car}", "plug", **options)
    print(f"car{arguments.car} is plugged in; its journal: {answer['journal']}")
    return 0


def _unplug(arguments: argparse.Namespace) -> int:
    answer = Testbed.found(arguments.name).car(f"car{arguments.car}", "unplug")
    print(f"car{arguments.car} is not plugged in; its last session: {answer['outcome'] or 'there was none'}")
    return 0


def _modem(arguments: argparse.Namespace) -> int:
    Testbed.found(arguments.name).line("modem", host=arguments.host, what=arguments.what)
    return 0


def _line(arguments: argparse.Namespace) -> int:
    changes = {
        "join_time": arguments.join_time,
        **_disturbances(arguments),
        "attenuation": arguments.attenuation,
        "car": None if arguments.car is None else f"car{arguments.car}",
    }
    answer = Testbed.found(arguments.name).line("line", **changes)
    print(
        f"modems join within {answer['join_time']:g} s; of the frames {answer['loss'] * 100:g} % get lost and "
        f"{answer['duplicates'] * 100:g} % come twice, up to {answer['jitter'] * 1000:g} ms late"
    )
    return 0


def _disturbances(arguments: argparse.Namespace) -> dict[str, float | None]:
    """What is asked for, in the units of `Powerline`; None: as it is."""
    asked = {
        "loss": (arguments.loss, 100),
        "duplicates": (arguments.duplicates, 100),
        "jitter": (arguments.jitter, 1000),
    }
    return {key: None if value is None else value / unit for key, (value, unit) in asked.items()}


def _status(arguments: argparse.Namespace) -> int:
    bed = Testbed.found(arguments.name)
    modems = bed.line("status")["modems"]
    for host in bed.plan.hosts:
        modem = modems[host.name]
        network_id = modem["network"] or "none"
        where = f"{host.interface} in {host.namespace}" if host.namespace else host.interface
        print(f"{host.name}: {where}, modem {modem['mac']} {modem['modem']}, network {network_id}")
        if host is not bed.plan.station and bed.plan.simulated:
            car = bed.car(host.name, "status")
            doing = (
                car["outcome"] or f"{car['state']}, {car['messages']} messages" if car["plugged"] else "not plugged in"
            )
            print(f"  {doing}")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    for text in Testbed.down(arguments.name):
        print(text, file=sys.stderr)
    return 0


_ACTIONS = {
    "up": _up,
    "plug": _plug,
    "unplug": _unplug,
    "modem": _modem,
    "line": _line,
    "status": _status,
    "down": _down,
}
