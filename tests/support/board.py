"""A control pilot board on a pseudo-terminal: the firmware that docs/control-pilot-board.md asks for, and nothing else.

Written from that page, not from the code that it talks to.
"""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from pathlib import Path


def checked(text: str) -> bytes:
    value = 0
    for byte in text.encode():
        value ^= byte
    return f"{text}*{value:02X}\n".encode()


class Board:
    """A board of one end; the other end of its wire is in the test's hands.

    Attributes
    ----------
    path : Path
        The device. A symbolic link, so that a board that is plugged in again has the same name.
    state, duty : str, float
        What it measures of the other end: an EVSE's the vehicle's state, an EV's the duty (or ``E``, ``F`` as state).
    driven : list of str
        What its own end was made to do, each change.
    lines : list of str
        The lines that came, with their check.
    """

    def __init__(self, folder: Path, end: str = "EVSE", name: str = "test board 1.0") -> None:
        self.path = folder / "board"
        self.end, self.name = end, name
        self.state, self.duty = "A", 100.0
        self.measured_duty: float | None = None
        self.driven: list[str] = []
        self.lines: list[str] = []
        self.silent = False
        self._greeted = False
        self._running = True
        self._lock = threading.RLock()
        self._master = -1
        self.plug_in()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def plug_in(self) -> None:
        """The USB cable goes in."""
        with self._lock:
            self._master, slave = pty.openpty()
            tty.setraw(slave)
            os.set_blocking(self._master, False)
            self._slave = slave
            self.path.unlink(missing_ok=True)
            self.path.symlink_to(os.ttyname(slave))
            self._greeted = False

    def pull_out(self) -> None:
        """The USB cable is pulled."""
        with self._lock:
            for fd in (self._master, self._slave):
                os.close(fd)
            self._master = -1
            self.path.unlink()

    def close(self) -> None:
        self._running = False
        self._thread.join()
        if self._master >= 0:
            self.pull_out()

    def set(self, state: str | None = None, duty: float | None = None) -> None:
        """The other end does something."""
        with self._lock:
            self.state = self.state if state is None else state
            self.duty = self.duty if duty is None else duty
            self._report()

    def raw(self, data: bytes) -> None:
        """The board sends what is no line of it."""
        with self._lock:
            os.write(self._master, data)

    def say(self, text: str) -> None:
        with self._lock:
            if self._master >= 0 and not self.silent:
                os.write(self._master, checked(text))

    def _report(self) -> None:
        if not self._greeted:
            return
        state, duty = self.state, self.duty
        own = self.driven[-1].split() if self.driven else []
        if self.end == "EVSE":
            duty = float(own[1]) if own[:1] == ["DUTY"] else 100.0
            state = own[1] if own[:1] == ["ERROR"] else state
        elif state not in "EF":
            state = own[1] if own else "A"
        self.say(f"PILOT {state} {duty if self.measured_duty is None else self.measured_duty:.1f} 9.0")

    def _run(self) -> None:
        rest, reported = b"", time.monotonic()
        while self._running:
            with self._lock:
                if self._master >= 0 and select.select([self._master], [], [], 0)[0]:
                    *lines, rest = (rest + os.read(self._master, 4096)).split(b"\n")
                    for line in lines:
                        self._line(line.decode())
                if time.monotonic() - reported > 1.0:
                    self._report()
                    reported = time.monotonic()
            time.sleep(0.005)

    def _line(self, line: str) -> None:
        self.lines.append(line)
        text, star, _ = line.rpartition("*")
        if star and checked(text).decode().strip() != line.strip():
            self.say("ERR check")
            return
        words = text.split()
        if words[0] == "HELLO":
            self.say(f"BOARD 1 {self.end} {self.name}")
            self._greeted = True
        elif words[0] in (("DUTY", "ERROR") if self.end == "EVSE" else ("STATE",)):
            if not self.driven or self.driven[-1] != text:
                self.driven.append(text)
            self.say("OK")
        else:
            self.say("ERR not known")
        self._report()
