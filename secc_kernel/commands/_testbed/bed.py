"""Building a testbed, and taking it down whatever has become of it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import secc_kernel
from secc_kernel.commands import CommandError
from secc_kernel.commands._testbed import network
from secc_kernel.commands._testbed.control import ControlError, ask, wait_until_there
from secc_kernel.commands._testbed.plan import LINE, Host, Plan, end_of, folder, root, socket_of

__all__ = ["Testbed"]

_GRACE = 5.0
"""Seconds that a process gets to end by itself."""


_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""The processes that this one has started, by their numbers: usually none, for they outlive the command."""


class Testbed:
    """Namespaces, cables, modems and cars.

    Parameters
    ----------
    plan : Plan
        What it consists of.
    """

    #: pytest is not to take it for a test.
    __test__ = False

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    @classmethod
    def found(cls, name: str) -> Testbed:
        """A testbed that was built.

        Raises
        ------
        CommandError
            There is none of that name.
        """
        plan = Plan.load(name)
        if plan is None:
            known = ", ".join(cls.names())
            which = f"there are: {known}" if known else "there is none; build one with: secc-kernel testbed up"
            raise CommandError(f"there is no testbed {name!r}: {which}")
        return cls(plan)

    @staticmethod
    def names() -> list[str]:
        """The testbeds of this machine, those that are half built included."""
        return sorted(path.name for path in root().iterdir()) if root().is_dir() else []

    # -- up -----------------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Build it; what was built is removed again when something fails, or the user gives up.

        Raises
        ------
        CommandError
            It cannot be built, or there is one of that name.
        """
        plan = self.plan
        if Plan.load(plan.name) is not None:
            raise CommandError(
                f"there is a testbed {plan.name!r} already: take it down (secc-kernel testbed down), or choose "
                "another --name"
            )
        taken = sorted({*_spaces(plan), plan.line_namespace} & {*network.namespaces()})
        if plan.station.namespace is None and plan.station.interface in network.interfaces():
            taken.append(plan.station.interface)
        if taken:
            raise CommandError(f"{', '.join(taken)} is there already, and not of a testbed: choose another --name")
        plan.save()
        try:
            for namespace in (*_spaces(plan), plan.line_namespace):
                network.ip("netns", "add", namespace)
                network.ip("-n", namespace, "link", "set", "lo", "up")
            for cable in self._cables():
                cable.make()
            self._start(LINE, plan.line_namespace, "line")
            for host in plan.cars if plan.simulated else ():
                assert host.namespace is not None
                self._start(host.name, host.namespace, "car", host.name)
            self._wait()
        except BaseException:
            self.down(plan.name)
            raise

    def _cables(self) -> Iterator[network.Cable]:
        for number, host in enumerate(self.plan.hosts):
            mac = bytes.fromhex(host.mac.replace(":", ""))
            near = (host.namespace, host.interface)
            yield network.Cable(near, (self.plan.line_namespace, end_of(host)), mac, f"{self.plan.name}{number}")

    def _start(self, name: str, namespace: str, module: str, *arguments: str) -> None:
        """Start one of its processes; it goes on when we have gone."""
        home = str(Path(secc_kernel.__file__).resolve().parent.parent)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))}
        with (self.plan.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, sys.executable, "-m", f"{__package__}.{module}", self.plan.name,
                 *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd="/",
                start_new_session=True,
            )  # fmt: skip
        _CHILDREN[process.pid] = process
        self.plan.processes[name] = (process.pid, _started(process.pid))
        self.plan.save()

    def _wait(self) -> None:
        for name, (pid, _) in self.plan.processes.items():
            try:
                wait_until_there(socket_of(self.plan, name), _CHILDREN[pid])
            except ControlError as error:
                said = (self.plan.folder / f"{name}.log").read_text("utf-8", "replace").strip()
                raise CommandError(f"{error}\n{said}" if said else str(error)) from error

    # -- what can be asked of it --------------------------------------------------------------------------------------

    def line(self, do: str, **what: Any) -> dict[str, Any]:
        """Ask the line for something."""
        return self._ask(LINE, do, what)

    def car(self, car: str, do: str, **what: Any) -> dict[str, Any]:
        """Ask a car for something."""
        names = [host.name for host in self.plan.cars]
        if not self.plan.simulated:
            raise CommandError(f"the cars of the testbed {self.plan.name!r} are empty: what drives them is yours")
        if car not in names:
            raise CommandError(f"there is no {car!r} on the testbed {self.plan.name!r}: there are {', '.join(names)}")
        return self._ask(car, do, what)

    def _ask(self, name: str, do: str, what: dict[str, Any]) -> dict[str, Any]:
        try:
            return ask(socket_of(self.plan, name), do, **what)
        except ControlError as error:
            raise CommandError(str(error)) from error

    def host(self, name: str) -> Host:
        """One of its hosts."""
        return next(host for host in self.plan.hosts if host.name == name)

    # -- down ---------------------------------------------------------------------------------------------------------

    @staticmethod
    def down(name: str) -> list[str]:
        """Take down the testbed of a name, whole or in pieces; nothing happens where there is none.

        Returns
        -------
        list of str
            What could not be removed, and why; what the user has to be told.
        """
        plan = Plan.load(name)
        if plan is not None:
            for pid, start in plan.processes.values():
                _end(pid, start)
            for cable in Testbed(plan)._cables():
                cable.cut()
        left = []
        pattern = re.compile(rf"{re.escape(name)}-(station|line|car[0-9]+)")
        for namespace in filter(pattern.fullmatch, network.namespaces()):
            others = network.processes(namespace)
            network.ip("netns", "del", namespace)
            if others:
                which = ", ".join(f"{pid} ({_command(pid)})" for pid in others)
                left.append(f"the namespace {namespace} goes with the processes that still run in it: {which}")
        shutil.rmtree(folder(name), ignore_errors=True)
        for parent in (root(), root().parent):
            with contextlib.suppress(OSError):  # others are in use
                parent.rmdir()
        return left


def _spaces(plan: Plan) -> list[str]:
    return [host.namespace for host in plan.hosts if host.namespace is not None]


def _started(pid: int) -> int:
    """When a process was started, in ticks: with its number, what tells it from any other one. 0: it has gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return 0
    state, *rest = stat.rpartition(")")[2].split()
    return 0 if state in "ZX" else int(rest[18])


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    except OSError:
        return "gone"


def _end(pid: int, start: int) -> None:
    """End a process of ours, and wait until it has gone; another one that has got its number is left alone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _GRACE
        if not start or _started(pid) != start:
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        while _started(pid) == start and time.monotonic() < deadline:
            time.sleep(0.01)
    if pid in _CHILDREN:
        _CHILDREN.pop(pid).wait(_GRACE)
