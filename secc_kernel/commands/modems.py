"""Show the powerline modems on a network interface, and set or measure what they can be asked for.

  secc-kernel modems eth1                   what is there: maker, firmware, network, the others in it
  secc-kernel modems eth1 --json            the same for programs
  secc-kernel modems eth1 --set-key random  gives the own modem a fresh network key (NMK), and shows it
  secc-kernel modems eth1 --attenuation     makes sounds as a vehicle does before matching, and shows how the stations
                                            on the line hear them, and how the own modem hears vehicles meanwhile

Raw Ethernet frames need the privilege CAP_NET_RAW; without it, the message says how to get it. In a notebook:
secc_kernel.link.modem_survey.
"""

from __future__ import annotations

import argparse
import json
import secrets
from dataclasses import asdict

from secc_kernel.commands import CommandError
from secc_kernel.link.modem_survey import Attenuation, KeyRefusedError, ModemInfo, attenuation, set_key, survey
from secc_kernel.link.raw import is_up
from secc_kernel.session.slac.times import ATTENUATION_DIRECT, ATTENUATION_INDIRECT

_KEY_SIZE = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("interface", metavar="IF", help="the network interface at the modem, such as eth1")
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument("--wait", type=float, metavar="S", help="seconds for answers (more on a bad line)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--set-key", type=_key, metavar="NMK|random", help="give the own modem this key, 32 hex digits, or a fresh one"
    )
    what.add_argument("--attenuation", action="store_true", help="measure how the stations on the line hear this modem")


def _key(text: str) -> bytes:
    if text == "random":
        return secrets.token_bytes(_KEY_SIZE)
    try:
        key = bytes.fromhex(text.replace(":", " "))
    except ValueError:
        key = b""
    if len(key) != _KEY_SIZE:
        raise argparse.ArgumentTypeError(f"a key is 32 hex digits, or random; not {text!r}")
    return key


def main(arguments: argparse.Namespace) -> int:
    """Do what was asked for; 0 when a modem has answered."""
    wait = {} if arguments.wait is None else {"wait": arguments.wait}
    if arguments.set_key is not None:
        return _set_key(arguments.interface, arguments.set_key, arguments.json, wait)
    if arguments.attenuation:
        return _attenuation(arguments.interface, arguments.json, wait)
    found = survey(arguments.interface, **wait)
    if arguments.json:
        print(json.dumps([asdict(modem) for modem in found], indent=2))
    if not found:
        raise CommandError(_silence(arguments.interface))
    if not arguments.json:
        print("\n\n".join(_described(modem) for modem in found))
    return 0


def _silence(interface: str) -> str:
    up = "it is down" if not is_up(interface) else "it is up, so something is connected"
    return (
        f"no modem answers on {interface} ({up}). Has the modem power, and is it on this interface? Modems that are "
        "told apart by their maker's messages only answer those of Qualcomm (QCA7000, adapters) and Lumissil"
    )


def _described(modem: ModemInfo) -> str:
    lines = [f"{modem.mac}  {'the modem of this host' if modem.own else 'heard over the line'}"]
    facts = {
        "maker": ", ".join(part for part in (modem.maker, modem.hardware) if part),
        "firmware": modem.firmware,
        "link": {True: "yes", False: "no: it is alone in its network", None: ""}[modem.link],
        "network": _network(modem),
        "others": ", ".join(modem.neighbours),
    }
    lines += [f"  {name:<10}{fact}" for name, fact in facts.items() if fact]
    for number, member in enumerate(modem.members):
        rates = "" if member.sends is None else f"  {member.sends} Mbit/s to it, {member.receives} from it"
        behind = f"  (behind it: {member.behind})" if member.behind else ""
        lines.append(f"  {'' if number else 'members':<10}{member.mac}{rates}{behind}")
    return "\n".join(lines)


def _network(modem: ModemInfo) -> str:
    if modem.network is None:
        return ""
    here = "central coordinator (CCo)" if modem.role == "CCo" else f"{modem.role}, CCo {modem.coordinator}"
    return f"{modem.network}, {here}, TEI {modem.tei}"


def _set_key(interface: str, key: bytes, as_json: bool, wait: dict[str, float]) -> int:
    try:
        network = set_key(interface, key, **wait)
    except KeyRefusedError as error:
        raise CommandError(str(error)) from error
    if as_json:
        print(json.dumps({"key": key.hex(), "network": network}))
    else:
        print(f"key      {key.hex().upper()}\nnetwork  {network}")
    return 0


def _attenuation(interface: str, as_json: bool, wait: dict[str, float]) -> int:
    found = attenuation(interface, **wait)
    if as_json:
        print(json.dumps([{**asdict(one), "groups": list(one.groups), "average": one.average} for one in found]))
    if not found:
        raise CommandError(
            f"nobody on the line at {interface} says how it hears this modem: a station answers only while it is not "
            "matched with somebody, and only if its modem can measure"
        )
    if not as_json:
        print("\n\n".join(map(_heard, found)))
    return 0


def _heard(one: Attenuation) -> str:
    level = one.average
    means = (
        "the cable leads there"
        if level <= ATTENUATION_DIRECT
        else "perhaps the cable leads there: a vehicle would validate"
        if level <= ATTENUATION_INDIRECT
        else "the cable leads elsewhere"
    )
    groups = " ".join(map(str, one.groups))
    return (
        f"{one.by} hears {one.source} with {level:.1f} dB ({one.sounds} sounds): {means}\n"
        f"  {min(one.groups, default=0)} to {max(one.groups, default=0)} dB, by groups of carriers: {groups}"
    )
