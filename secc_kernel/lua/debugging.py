"""The debugger's engine: where a script stops, and what a debugger is told of it meanwhile.

It knows nothing of any debugger's protocol. Whoever drives it lives in another thread; Lua belongs to the engine's. So
what is asked is a *job*: it waits in a queue until the engine's thread takes it, and its answer is a future. There are
three places where jobs are taken:

* where the script has stopped. It stands inside of its hook (``debug.lua``), and the engine's thread waits here for the
  next job until one says how to go on;
* in the count hook, between two instructions, while the script runs;
* in `LuaEngine.attend`, which the owner of the engine's event loop calls when `LuaDebugger.wake` asks for it, while
  no Lua runs.

While a script has stopped, an interrupt ends it as it would anywhere else. A wait (``Secc.Receive...``) can be stopped
as well: it returns to Lua, which stops at its line and then waits for the same thing again (`LuaDebugger.hold`).

Nothing of this costs anything while no debugger is attached: ``debug.lua`` is not even loaded, and the only trace is a
test of a field where coroutines are resumed and where ``pcall`` is called.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from .interrupt import Interrupts
from .memory import Memory
from .picture import picture
from .values import printable, to_lua

__all__ = [
    "Breakpoint",
    "JobError",
    "LuaDebugger",
    "Row",
    "StoppedAt",
    "read_picture",
    "read_row",
    "read_rows",
    "read_tables",
]

_T = TypeVar("_T")

#: Seconds that an expression of the user may take.
LIMIT = 10.0
#: Seconds between two looks at the interrupt flag while a script has stopped.
_POLL = 0.05
#: Seconds that a job waits until somebody takes it: Lua may be inside of a long call into Python.
_PATIENCE = 3.0


@dataclass(slots=True)
class Breakpoint:
    """A breakpoint in a source text.

    Attributes
    ----------
    id, line : int
        Its number and its line.
    condition : str
        A Lua expression: it stops where that is true.
    counts : callable
        Whether it stops the time of this number in a cell's run, of those at which the condition holds.
    log : list of str
        What to write instead of stopping: texts that begin with ``"`` and expressions that begin with ``=``.
    hits : int
        How often it was met since the cell began.
    """

    id: int
    line: int
    condition: str = ""
    counts: Callable[[int], bool] | None = None
    log: list[str] = field(default_factory=list)
    hits: int = 0


@dataclass(frozen=True, slots=True)
class StoppedAt:
    """Why a script has stopped: a reason, a text if there is more to say, and the breakpoints that it has met."""

    reason: str
    text: str = ""
    breakpoints: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A variable, or the value of an expression.

    Attributes
    ----------
    name, type : str
        Its name and Lua type.
    value : Any
        A plain value, or a picture (`LuaObject`, `LuaTable`) of which large tables show a few items.
    reference : int
        Gives its children; 0 if it has none.
    items, fields : int or None
        How many of them are in the list part of a table, and how many are not.
    expression : str
        What gives the value, evaluated in its frame; '' if nothing does.
    """

    name: str
    type: str
    value: Any
    reference: int = 0
    items: int | None = None
    fields: int | None = None
    expression: str = ""


class JobError(Exception):
    """A job could not be done; the text says why."""


@dataclass(slots=True)
class _Job:
    command: str
    args: tuple[Any, ...]
    read: Callable[[Any], Any]
    answer: Future[Any] = field(default_factory=Future)


class LuaDebugger:
    """Stops the scripts of one engine, for somebody in another thread.

    Parameters
    ----------
    interrupts, memory, runtime
        The engine's.
    write : callable
        Writes what logpoints say.

    Attributes
    ----------
    attached : bool
        Whether a debugger is attached.
    stopped : StoppedAt or None
        Why the script stands, if it does.
    wanted : bool
        Whether the count hook is to look for jobs.
    breakpoints : callable
        Gives the breakpoints of a chunk by its name (``=In[3]``, ``@file.lua``).
    lines : callable
        Gives all lines that have a breakpoint in any source.
    on_stop, on_go : callable
        Called in the engine's thread with a `StoppedAt` when a script has stopped, and before it goes on by itself,
        because it was interrupted.
    before_going : callable
        Called before a script that was told to go on does.
    on_log : callable
        Called with each text of a logpoint.
    wake : callable
        Asks for a call of `LuaEngine.attend` in the engine's thread.
    extra : callable
        Gives the name and the content of a further scope (the message at a protocol breakpoint), or None.
    """

    def __init__(self, interrupts: Interrupts, memory: Memory, runtime: Any, write: Callable[[str], object]) -> None:
        self.attached = False
        self.stopped: StoppedAt | None = None
        self.wanted = False
        self.breakpoints: Callable[[str], Iterable[Breakpoint]] = lambda source: ()
        self.lines: Callable[[], Iterable[int]] = lambda: ()
        self.on_stop: Callable[[StoppedAt], object] = lambda stop: None
        self.on_go: Callable[[], object] = lambda: None
        self.before_going: Callable[[], object] = lambda: None
        self.on_log: Callable[[str], object] = lambda text: None
        self.wake: Callable[[], object] = lambda: None
        self.extra: Callable[[], tuple[str, Any] | None] = lambda: None
        self._interrupts = interrupts
        self._memory = memory
        self._runtime = runtime
        self._write = write
        self._jobs: queue.SimpleQueue[_Job | str] = queue.SimpleQueue()
        self._taken: _Job | None = None
        self._blocking = False
        self._begun = 0.0
        self._stood = 0.0
        self._deadline = float("inf")
        self._met: dict[int, Breakpoint] = {}
        self._hold: StoppedAt | None = None
        self._holding: StoppedAt | None = None
        self._lock = threading.Lock()
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    # For the other thread ------------------------------------------------------------------------------------------

    def submit(self, command: str, *args: Any, read: Callable[[Any], Any] = lambda answer: None) -> Future[Any]:
        """Have a job done; gives the future of its answer.

        Parameters
        ----------
        command : str
            What ``debug.lua`` or ``inspect.lua`` knows by this name.
        *args : Any
            Plain values for it.
        read : callable
            Makes of the Lua answer what the future holds, in the engine's thread: no Lua table leaves it.
        """
        job = _Job(command, args, read)
        self._jobs.put(job)
        self.wanted = True
        if self.stopped is None:
            self.wake()
        return job.answer

    async def ask(self, command: str, *args: Any, read: Callable[[Any], Any] = lambda answer: None) -> Any:
        """As `submit`, awaited.

        Raises
        ------
        JobError
            It could not be done, or Lua was busy elsewhere.
        """
        return await self.patiently(self.submit(command, *args, read=read))

    async def patiently(self, answer: Future[_T]) -> _T:
        """Await what the engine's thread is to do, if it soon begins to.

        Raises
        ------
        JobError
            It has not.
        """
        wrapped = asyncio.wrap_future(answer)
        done, _ = await asyncio.wait([wrapped], timeout=_PATIENCE)
        if not done and answer.cancel():
            raise JobError("the kernel is busy: something that a cell has called has not returned so far")
        return await wrapped

    def attach(self) -> Future[Any]:
        """Begin to stop scripts at breakpoints."""
        self.attached = True
        return self.submit("attach")

    def detach(self) -> Future[Any]:
        """Stop nothing any more; a script that has stopped goes on."""
        self.attached = False
        with self._lock:
            self._hold = None
        answer = self.submit("detach")
        self.go("continue")
        return answer

    def refresh(self) -> None:
        """The breakpoints have changed."""
        if self.attached:
            self.submit("refresh")

    def pause(self) -> None:
        """Stop a running script at its next line; one that waits stops where it waits."""
        self.submit("pause")
        self.hold(StoppedAt("pause"))

    def hold(self, stop: StoppedAt) -> None:
        """Stop the script where it waits for something, or will next. Callable from any thread."""
        with self._lock:
            self._hold = stop
            if self._waiter is not None:
                loop, event = self._waiter
                loop.call_soon_threadsafe(event.set)

    def go(self, how: str) -> bool:
        """Let a script that has stopped go on: ``continue``, ``over``, ``in`` or ``out``. False if none has."""
        with self._lock:
            if self.stopped is None:
                return False
            self.stopped = None
        self.before_going()
        self._jobs.put(how)
        return True

    @property
    def standing(self) -> float:
        """Seconds that scripts have stood until now, since there is this object."""
        return self._stood + (time.monotonic() - self._begun if self._blocking else 0.0)

    @property
    def evaluating(self) -> bool:
        """Whether what runs is an expression of the debugger's user, not the script."""
        return self._deadline != float("inf")

    # For the engine ------------------------------------------------------------------------------------------------

    def parts(self) -> Any:
        """What ``debug.lua`` is made of and calls."""
        here = Path(__file__)
        return self._runtime.table_from(
            {
                "source": here.with_name("debug.lua").read_text("utf-8"),
                "inspect": here.with_name("inspect.lua").read_text("utf-8"),
                "next_job": self._next_job,
                "stopped": self._stopped,
                "lines_of": self._lines_of,
                "marks": lambda: to_lua(list(self.lines()), self._runtime),
                "met": self._met_again,
                "log": self._log,
                "late": self._late,
            }
        )

    def begin(self) -> None:
        """A cell begins: what was asked of the one before is forgotten, and breakpoints count anew."""
        with self._lock:
            self._hold = None
        for entry in self._met.values():
            entry.hits = 0
        self._met.clear()

    def take_hold(self) -> tuple[str, str] | None:
        """Why the script is to stop where it waits, if it is; asked once."""
        with self._lock:
            hold, self._hold = self._hold, None
            self._holding = hold
        return None if hold is None else (hold.reason, hold.text)

    async def wait(self, future: asyncio.Future[Any]) -> tuple[str, str] | None:
        """Wait for a future, or until the script is to stop; gives why it is."""
        if not self.attached:
            # Whoever attaches later stops the script where it goes on.
            await asyncio.wait([future])
            return None
        event = asyncio.Event()
        with self._lock:
            self._waiter = (asyncio.get_running_loop(), event)
            if self._hold is not None:
                event.set()
        held = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait([future, held], return_when=asyncio.FIRST_COMPLETED)
        finally:
            with self._lock:
                self._waiter = None
            held.cancel()
        return None if future.done() else self.take_hold()

    # What debug.lua calls ------------------------------------------------------------------------------------------

    def _next_job(self, answer: Any = None) -> Any:
        self._settle(answer)
        while True:
            self.wanted = False  # before the look: a job that comes after it is seen at the next one
            try:
                job = self._jobs.get(timeout=_POLL) if self._blocking else self._jobs.get_nowait()
            except queue.Empty:
                if not self._blocking:
                    return "go"
                if self._interrupts.requested:
                    self._give_up()
                    return None
                continue
            if isinstance(job, str):
                if not self._blocking:
                    continue
                self._end_stop()
                return ("go", job)
            if not job.answer.set_running_or_notify_cancel():
                continue
            if self._blocking and self._interrupts.requested:
                job.answer.set_exception(JobError("interrupted"))
                continue
            self._taken = job
            self._memory.make_room()
            return (job.command, *(to_lua(arg, self._runtime) for arg in job.args))

    def _settle(self, answer: Any) -> None:
        """Give the job that was taken its answer."""
        job, self._taken = self._taken, None
        if job is None:
            return
        self._memory.make_room()
        try:
            failure = answer["failure"] if answer is not None else "interrupted"
            if failure is not None:
                job.answer.set_exception(JobError(printable(str(failure))))
            else:
                job.answer.set_result(job.read(answer["result"]))
        except Exception as problem:
            # Its frames have wrappers of Lua values, which are not to be kept.
            job.answer.set_exception(problem.with_traceback(None))

    def _stopped(self, reason: str, text: str | None = None, ids: Any = None) -> None:
        stop = StoppedAt(reason, printable(text or ""), tuple(ids.values()) if ids is not None else ())
        with self._lock:
            if self._holding is not None and self._holding.reason == reason:
                stop = self._holding
            self._holding = None
            if self._hold is not None and self._hold.reason == "pause":
                self._hold = None
            self.stopped = stop
        self._blocking = True
        self._begun = time.monotonic()
        self.on_stop(stop)

    def _end_stop(self) -> None:
        self._blocking = False
        self._stood += time.monotonic() - self._begun

    def _give_up(self) -> None:
        """The script is interrupted where it has stopped."""
        with self._lock:
            gone = self.stopped is None
            self.stopped = None
        self._end_stop()
        if not gone:
            self.on_go()

    def _lines_of(self, source: str) -> Any:
        found: dict[int, list[dict[str, Any]]] = {}
        for entry in self.breakpoints(source):
            self._met[entry.id] = entry
            facts: dict[str, Any] = {"id": entry.id}
            if entry.condition:
                facts["condition"] = entry.condition
            if entry.log:
                facts["log"] = entry.log
            found.setdefault(entry.line, []).append(facts)
        return to_lua(found, self._runtime) if found else None

    def _met_again(self, number: int) -> bool:
        entry = self._met[number]
        entry.hits += 1
        return entry.counts is None or entry.counts(entry.hits)

    def _log(self, text: str) -> None:
        self._write(text + "\n")
        self.on_log(printable(text))

    def _late(self, begins: bool | None = None) -> bool:
        if begins is not None:
            self._deadline = time.monotonic() + LIMIT if begins else float("inf")
        return time.monotonic() > self._deadline


# Readers of answers: called in the engine's thread, with Lua tables --------------------------------------------------


def read_row(facts: Any) -> Row:
    """A row of ``inspect.lua``."""
    several = facts["several"]
    if several is not None:
        value: Any = tuple(picture(several[n]) for n in range(1, facts["count"] + 1))
    else:
        value = picture(facts["picture"])
    return Row(
        printable(facts["name"]),
        facts["type"],
        value,
        facts["ref"] or 0,
        facts["items"],
        facts["fields"],
        facts["expression"] or "",
    )


def read_rows(facts: Any) -> list[Row]:
    """A list of rows."""
    return [read_row(facts[n]) for n in range(1, len(facts) + 1)]


def read_picture(facts: Any) -> Any:
    """A value's whole picture."""
    return picture(facts["picture"])


def read_tables(facts: Any) -> list[dict[str, Any]]:
    """A list of tables of plain values: frames, scopes."""
    return [dict(facts[n].items()) for n in range(1, len(facts) + 1)]
