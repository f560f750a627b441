"""What stands between the Lua engine, the live session and the notebook's output.

The engine knows nothing of notebooks, the session nothing of Lua: here they meet. The API and the session are
imported when the first cell needs them or the kernel has time (`KernelHost.prepare`), views with the first message that
is shown; pandas, scapy and ipywidgets come with what uses them.
"""

from __future__ import annotations

import contextlib
import gc
import re
import sys
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secc_kernel.kernel.captures import reader
from secc_kernel.kernel.display import clear, display_function
from secc_kernel.kernel.limits import Metered, Watch
from secc_kernel.kernel.runs import Runs
from secc_kernel.kernel.transcript import Transcript
from secc_kernel.lua import LuaEngine, LuaUserError
from secc_kernel.lua.streams import StandardStream
from secc_kernel.lua.verdicts import Verdicts

if TYPE_CHECKING:
    from secc_kernel.link.live import LiveSession
    from secc_kernel.lua.bench import Bench
    from secc_kernel.lua.options import Options
    from secc_kernel.lua.runs import Run
    from secc_kernel.session.journal import Entry, FrameEntry, Journal

__all__ = ["KernelHost"]

_NAMES = re.compile(r"\b(?:session|journal|secc_kernel)\b")


class KernelHost:
    """The engine of a kernel, and what its cells work at.

    Parameters
    ----------
    read_line : callable
        Asks the front end for a line, with a text in front of it.
    max_memory : int
        Bytes that Lua may use.
    permit : callable, optional
        For notebooks that are not trusted: raises `LuaUserError` for the options of a session that they may not open.
    locate : callable, optional
        From the name of a capture to its file; raises `LuaUserError` for one that may not be read.

    Attributes
    ----------
    engine : LuaEngine
        Runs the Lua cells.
    standard_names : set of str
        The globals that no cell has set.
    watch : Watch
        Stops a cell that reaches a limit.
    """

    def __init__(
        self,
        read_line: Callable[[str], str],
        max_memory: int = 256 << 20,
        permit: Callable[[Options], object] | None = None,
        locate: Callable[[str], Path] = Path,
    ) -> None:
        stdout, stderr = Metered(StandardStream("stdout")), Metered(StandardStream("stderr"))
        self.engine = LuaEngine(stdout, stderr, read_line, max_memory, restricted=permit is not None)
        self._stdout = stdout
        self.watch = stdout.watch = stderr.watch = Watch(self.engine)
        self._permit = permit
        self.engine.define("display", display_function())
        self.engine.define("clear", clear)
        self.engine.define("read_capture", reader(locate))
        self.standard_names: set[str] = set()
        self._bench: Bench | None = None
        self._given: dict[str, Any] = {}
        self._journals: list[Journal] = []
        self._transcript = Transcript(self._show_message, tell)
        self._runs = Runs(self._show_run, tell)
        self._verdicts = Verdicts(self._print)
        self._unsubscribe: Callable[[], object] = lambda: None
        self._in_cell = False

    def prepare(self) -> None:
        """Make the testers' API ready; cells need it, starting does not."""
        if self._bench is None:
            from secc_kernel.lua.api import install
            from secc_kernel.lua.bench import Bench

            self._bench = Bench(
                on_open=self._opened,
                on_exchange=self._exchanged,
                on_run=lambda run: self._runs.add(run),
            )
            if self._permit is not None:
                self._bench.permit = self._permit
            install(self.engine, self._bench)
            self.standard_names = set(self.engine.members())

    def _print(self, line: str) -> None:
        self._stdout.write(f"{line}\n")

    def _opened(self, session: LiveSession) -> None:
        self._unsubscribe()
        self._unsubscribe = session.journal.subscribe(self._heard, session.begins)

    def _heard(self, entry: Entry) -> None:
        """Print verdicts, and what comes of TLS while a cell waits for a message under it."""
        self._verdicts.add(entry)
        if self._in_cell:
            from secc_kernel.session.tls_judgement import told

            said = told(entry)
            if said is not None:
                self._print(said)

    @property
    def live_bench(self) -> Bench | None:
        """Where the scripts work, if something has needed it so far."""
        return self._bench

    @property
    def bench(self) -> Bench:
        """Where the scripts work: the live session and what was set for it."""
        self.prepare()
        assert self._bench is not None
        return self._bench

    @contextlib.contextmanager
    def cell(self, needs_api: bool) -> Iterator[None]:
        """Surround a cell: meanwhile a peer on a real link is kept waiting for what the cell does.

        Parameters
        ----------
        needs_api : bool
            Whether it is Lua. A Python cell gets the session only if it names it.
        """
        if needs_api:
            self.prepare()
        self._transcript = Transcript(self._show_message, tell)
        self._runs = Runs(self._show_run, tell)
        self._verdicts = Verdicts(self._print)
        self._in_cell = True
        try:
            with self.watch.cell(), self._bench.script() if self._bench is not None else contextlib.nullcontext():
                yield
        finally:
            self._in_cell = False
            self.conclude()
            if self.watch.exhausted:
                self._forget()

    def _forget(self) -> None:
        """Close the session and free what it has recorded: the next cell is measured by what is still there."""
        if self._bench is not None:
            self._bench.forget()
        self._unsubscribe()
        self._unsubscribe = lambda: None
        self._journals.clear()
        self._transcript, self._verdicts = Transcript(self._show_message, tell), Verdicts(self._print)
        gc.collect()

    def conclude(self) -> None:
        """Show what is still to be shown of the messages and verdicts, before the cell's value or error."""
        self._transcript.end()
        self._verdicts.end()

    def provide_names(self, code: str, namespace: MutableMapping[str, Any]) -> None:
        """Give a Python cell what it names of ``session``, ``journal`` and ``secc_kernel``.

        Parameters
        ----------
        code : str
            The cell.
        namespace : mutable mapping
            Where it will run. A name that a cell has set itself stays its own.
        """
        for name in () if self._permit else set(_NAMES.findall(code)):
            if name in namespace and namespace[name] is not self._given.get(name):
                continue
            try:
                self._given[name] = namespace[name] = self._provided(name)
            except LuaUserError as problem:
                sys.stderr.write(f"{name} is not to be had: {problem}\n")

    def withdraw_names(self, namespace: MutableMapping[str, Any]) -> None:
        """Take back what `provide_names` has given, where it is still there."""
        for name, value in self._given.items():
            if namespace.get(name) is value:
                del namespace[name]
        self._given.clear()

    def _provided(self, name: str) -> Any:
        if name == "session":
            return self.bench.ensure()
        if name == "journal":
            return self.bench.ensure().journal
        import secc_kernel

        return secc_kernel

    def _exchanged(self, entry: FrameEntry) -> None:
        """Show a message. The transcript may hold the last one back, and that may be one of the session before."""
        journal = self.bench.journal
        if journal is not None and (not self._journals or journal is not self._journals[-1]):
            self._journals = [*self._journals[-1:], journal]
        self._transcript.add(entry)

    def _show_message(self, entry: FrameEntry) -> None:
        from IPython.display import display

        from secc_kernel import views

        for journal in reversed(self._journals):
            # From the end, by identity: entries compare by content.
            if entry.layer != "v2gtp":
                if any(other is entry for other in reversed(journal.entries)):
                    display(views.message(journal, entry))
                    return
                continue
            for index in range(len(journal.frames) - 1, -1, -1):
                if journal.frames[index] is entry:
                    display(views.message(journal, index))
                    return

    def said(self, values: tuple[Any, ...]) -> bool:
        """Whether the cell has shown its values already, as the outcome of its last run."""
        return self._runs.said(values)

    @staticmethod
    def _show_run(run: Run) -> None:
        from IPython.display import display

        from secc_kernel import views

        display(views.run(run.journal, run.first, run.last, run.what, run.outcome))

    def close(self) -> None:
        """Close the session."""
        if self._bench is not None:
            self._bench.close()


def tell(text: str) -> Callable[[str], object]:
    """Show a line of text below the cell; gives a function that replaces it."""
    from IPython.display import display

    handle = display({"text/plain": text}, raw=True, display_id=True)
    return lambda text: handle.update({"text/plain": text}, raw=True)
