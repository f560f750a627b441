"""What a testbed consists of, and the file that remembers it, so that whatever was built can be found and removed."""

from __future__ import annotations

import json
import os
import re
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from secc_kernel.commands import CommandError
from secc_kernel.wire.homeplug.messages import GROUPS

__all__ = ["LINE", "NAME", "Host", "Plan", "end_of", "folder", "parse_profile", "root", "socket_of"]

NAME = "secc"
"""What a testbed is called where nothing else is said."""
LINE = "line"
"""What the powerline's process is called."""
_FILE = "plan.json"
_NAMES = re.compile(r"[a-z][a-z0-9-]{0,8}")
_INTERFACE = "plc0"
"""What the interface at the modem is called in a namespace."""


def root() -> Path:
    """The folder of all testbeds of this machine: gone with its next start, as they are."""
    return Path(os.environ.get("SECC_KERNEL_RUNTIME", "/run/secc-kernel")) / "testbed"


def folder(name: str) -> Path:
    """The folder of a testbed.

    Raises
    ------
    CommandError
        No testbed can be called like that.
    """
    if not _NAMES.fullmatch(name):
        raise CommandError(f"a testbed is called by at most nine small letters, digits and hyphens, not {name!r}")
    return root() / name


@dataclass(slots=True)
class Host:
    """A computer with a modem: the station, or a car.

    Attributes
    ----------
    name : str
        ``station``, ``car1``, ...
    namespace : str or None
        Where it is; None for the namespace in which the testbed was built.
    interface : str
        Its interface at the modem.
    mac : str
        That interface's address.
    """

    name: str
    namespace: str | None
    interface: str
    mac: str


@dataclass(slots=True)
class Plan:
    """What a testbed consists of.

    Attributes
    ----------
    name : str
        What it is called.
    hosts : list of Host
        The station first, then the cars.
    line : dict
        What the modems are like: ``join_time`` and ``jitter`` in seconds, ``loss`` and ``duplicates`` from 0 to 1,
        ``attenuation`` in dB by group.
    simulated : bool
        Whether there is a simulated vehicle in each car; otherwise it is left to its own.
    journals : str or None
        The folder for the cars' journals; None for one that goes with the testbed.
    processes : dict
        Name -> process id and the time at which it was started, in the system's ticks.
    """

    name: str
    hosts: list[Host]
    line: dict[str, Any]
    simulated: bool = True
    journals: str | None = None
    processes: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def new(cls, name: str, cars: int, line: dict[str, Any], *, isolated: bool = False, **options: Any) -> Plan:
        """Plan a testbed; ``isolated``: with the station in a namespace, too. Options are attributes of the plan."""
        unique = zlib.crc32(name.encode()).to_bytes(4, "big")
        names = ["station", *(f"car{number}" for number in range(1, cars + 1))]
        hosts = [
            Host(
                host,
                f"{name}-{host}" if number or isolated else None,
                _INTERFACE if number or isolated else f"{name}0",
                bytes((0x02, *unique, number)).hex(":"),
            )
            for number, host in enumerate(names)
        ]
        return cls(name, hosts, line, **options)

    @property
    def folder(self) -> Path:
        """Where its sockets, logs and this plan are."""
        return folder(self.name)

    @property
    def cars(self) -> list[Host]:
        """The cars."""
        return self.hosts[1:]

    @property
    def station(self) -> Host:
        """The station."""
        return self.hosts[0]

    @property
    def line_namespace(self) -> str:
        """Where the modems are."""
        return f"{self.name}-line"

    def save(self) -> None:
        """Remember it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / _FILE
        written = path.with_suffix(".new")
        written.write_text(json.dumps(asdict(self), indent=1), "utf-8")
        written.replace(path)

    @classmethod
    def load(cls, name: str) -> Plan | None:
        """The plan of a testbed that was built, or is half built; None where there is none."""
        try:
            found = json.loads((folder(name) / _FILE).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        hosts = [Host(**host) for host in found.pop("hosts")]
        processes = {key: (pid, start) for key, (pid, start) in found.pop("processes").items()}
        return cls(**found, hosts=hosts, processes=processes)


def end_of(host: Host) -> str:
    """The interface at a host's modem."""
    return f"m-{host.name}"


def socket_of(plan: Plan, process: str) -> Path:
    """Where a process of a testbed is asked."""
    return plan.folder / f"{process}.sock"


def parse_profile(text: str) -> list[int]:
    """An attenuation profile as people write it.

    Parameters
    ----------
    text : str
        ``8``: the same for all groups of carriers; ``4-16``: rising from the lowest to the highest; ``4,5,5,...``: one
        for each of the 58.

    Raises
    ------
    ValueError
        It is none of these.
    """
    first, to, last = text.partition("-")
    try:
        values = _rising(int(first), int(last)) if to else [int(value) for value in text.split(",")]
    except ValueError:
        values = []
    if len(values) == 1:
        values *= GROUPS
    if len(values) != GROUPS or not all(0 <= value <= 255 for value in values):
        which = f"a number of dB, two (4-16), or one for each of the {GROUPS} groups of carriers"
        raise ValueError(f"an attenuation is {which}, not {text!r}")
    return values


def _rising(first: int, last: int) -> list[int]:
    return [round(first + (last - first) * number / (GROUPS - 1)) for number in range(GROUPS)]
