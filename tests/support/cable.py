"""A charging cable for tests: a veth pair between two network namespaces, and processes at its ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0


class Process:
    """A process whose output goes to a file."""

    def __init__(self, command, log, **options):
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, **options)

    @property
    def text(self):
        return self.log.read_text("utf-8", "replace")

    def wait_for(self, text):
        """Wait until the process has written a text."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.text:
            assert self._process.poll() is None, f"ended without {text!r}:\n{self.text}"
            assert time.monotonic() < deadline, f"no {text!r} in {PATIENCE:g} s:\n{self.text}"
            time.sleep(0.05)

    def end(self, timeout=PATIENCE):
        """Wait for its end; the exit status."""
        return self._process.wait(timeout)

    def stop(self):
        """End it, if it has not ended by itself."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def settle(path, quiet=1.0, longest=15.0):
    """Wait until a recorder has written what it has seen: one that is stopped earlier throws it away."""
    size, since, begun = -1, time.monotonic(), time.monotonic()
    while time.monotonic() - since < quiet and time.monotonic() - begun < longest:
        if path.stat().st_size != size:
            size, since = path.stat().st_size, time.monotonic()
        time.sleep(0.1)


class Cable:
    """The station's and the vehicle's end, each an interface in a namespace of its own."""

    def __init__(self, folder):
        self._folder = folder
        self._spaces = {end: f"sk{os.getpid()}{end}" for end in ("secc", "evcc")}
        self.interfaces = {end: f"sk{end}" for end in self._spaces}
        self._processes = []

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            for space in self._spaces.values():
                ip("netns", "add", space)
                undo.callback(ip, "netns", "del", space)
            (secc, secc_space), (evcc, evcc_space) = zip(self.interfaces.values(), self._spaces.values(), strict=True)
            ip("link", "add", secc, "netns", secc_space, "type", "veth", "peer", "name", evcc, "netns", evcc_space)
            for interface, space in ((secc, secc_space), (evcc, evcc_space)):
                ip("-n", space, "link", "set", "lo", "up")
                # No duplicate address detection: there is nobody else on this cable.
                run("ip", "netns", "exec", space, "sysctl", "-qw", f"net.ipv6.conf.{interface}.accept_dad=0")
                ip("-n", space, "link", "set", interface, "up")
            for interface, space in ((secc, secc_space), (evcc, evcc_space)):
                wait_for_address(interface, space)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.stop()
        self._undo.close()

    def start(self, end, name, *command, **environment):
        """Start a command at an end."""
        process = Process(
            ["ip", "netns", "exec", self._spaces[end], *map(str, command)],
            self._folder / f"{name}.log",
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            cwd=self._folder,
        )
        self._processes.append(process)
        return process

    def run_script(self, end, script, *options, program=("-m", "secc_kernel.cli")):
        """Start ``secc-kernel run`` with a script at an end."""
        path = self._folder / f"{end}.lua"
        path.write_text(script)
        return self.start(
            end,
            f"our-{end}",
            *(sys.executable, *program, "run", path, "--link", "tcp", "--side", end),
            *("--interface", self.interfaces[end], *options),
            PYTHONPATH=str(ROOT),
        )


def wait_for_address(interface, space):
    """Wait until an interface has a link-local address that can be used."""
    deadline = time.monotonic() + PATIENCE
    shown = b""
    while b"fe80::" not in shown or b"tentative" in shown:
        assert time.monotonic() < deadline, f"{interface} got no link-local address"
        shown = ip("-n", space, "-6", "addr", "show", "dev", interface, "scope", "link")
        time.sleep(0.02)


def ip(*arguments):
    return run("ip", *arguments)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, timeout=20).stdout
