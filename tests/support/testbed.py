"""A testbed for tests: built under a name of its own, with processes at its hosts, and gone afterwards."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest
from cable import ROOT, Process

from secc_kernel.commands._testbed import network
from secc_kernel.commands._testbed.bed import Testbed
from secc_kernel.commands._testbed.plan import Plan, parse_profile

PATIENCE = 60.0
_NUMBERS = itertools.count()


class Bed:
    """A testbed whose station is in a namespace, too.

    Parameters
    ----------
    change : callable, optional
        Given the plan before anything is built.
    """

    def __init__(self, folder, *, cars=1, join_time=0.1, change=lambda plan: None, **options):
        self.folder = folder
        self.name = f"t{os.getpid() % 1000000}{chr(ord('a') + next(_NUMBERS) % 26)}"
        line = {
            "join_time": join_time,
            "loss": 0.0,
            "duplicates": 0.0,
            "jitter": 0.0,
            "attenuation": parse_profile("4-12"),
        }
        self.plan = Plan.new(self.name, cars, line, isolated=True, **options)
        change(self.plan)
        self.bed = Testbed(self.plan)
        self._processes = []

    def __enter__(self):
        # Not below pytest's folder: the names of Unix sockets have to be short.
        self.runtime = tempfile.mkdtemp(prefix="sk")
        self._patch = pytest.MonkeyPatch()
        self._patch.setenv("SECC_KERNEL_RUNTIME", self.runtime)
        self.bed.up()
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.stop()
        left = Testbed.down(self.name)
        self._patch.undo()
        shutil.rmtree(self.runtime, ignore_errors=True)
        assert not left
        assert not [space for space in network.namespaces() if space.startswith(f"{self.name}-")]

    def inside(self, host):
        """The beginning of a command that runs at a host: 'station', 'car1', ..."""
        return ["ip", "netns", "exec", self.bed.host(host).namespace]

    def start(self, host, name, *command, **environment):
        """Start a command at a host."""
        process = Process(
            [*self.inside(host), *map(str, command)],
            self.folder / f"{name}.log",
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            cwd=self.folder,
        )
        self._processes.append(process)
        return process

    def run_script(self, host, script, *options):
        """Start ``secc-kernel run`` with a script at a host."""
        path = self.folder / f"{host}.lua"
        path.write_text(script)
        link = ("--link", "plc", "--interface", self.bed.host(host).interface)
        return self.start(
            host,
            f"our-{host}",
            *(sys.executable, "-m", "secc_kernel.cli", "run", path, *link, *options),
            PYTHONPATH=str(ROOT),
        )

    def record(self, host, path):
        """Record what goes over a host's interface; the process is to be stopped."""
        process = self.start(host, "dumpcap", "dumpcap", "-q", "-i", self.bed.host(host).interface, "-w", path)
        process.wait_for("File:")
        return process

    def plug(self, car="car1", **options):
        """Plug a car in that is nearly full and in a hurry."""
        return self.bed.car(car, "plug", **{"soc": 79.99, "energy": "DC", "hurry": 10.0, **options})

    def outcome(self, car="car1"):
        """How a car's session has ended, once it has."""
        return wait_for(lambda: self.bed.car(car, "status")["outcome"], "the car's session did not end")


def wait_for(found, problem):
    """What a function gives as soon as it gives something."""
    deadline = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < deadline, problem
        time.sleep(0.05)
    return result


def entries_of(path):
    """The entries of a journal that may still be written; none where there is none yet."""
    from secc_kernel.session.journal import Journal

    return Journal.load(path).entries if Path(path).exists() else []
