"""The kernel: ipykernel's, with Lua in its cells and interrupts that arrive.

Three things differ from ipykernel in how messages are handled, each because the original was measured not to work: an
interrupt while a cell awaits wakes the event loop, an ``interrupt_request`` on the shell channel is answered at
once, and neither ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from ipykernel.ipkernel import IPythonKernel
from IPython.core.error import StdinNotImplementedError
from traitlets import Enum, Float, Type, default

from secc_kernel import __version__
from secc_kernel.kernel.assistant import Assistant, default_language
from secc_kernel.kernel.banner import banner
from secc_kernel.kernel.cells import split
from secc_kernel.kernel.host import KernelHost
from secc_kernel.kernel.limits import default_timeout
from secc_kernel.kernel.shell import SeccShell
from secc_kernel.lua import LuaUserError
from secc_kernel.lua.interrupt import interrupt_main_thread

if TYPE_CHECKING:
    from secc_kernel.kernel.debug import DebugAdapter

__all__ = ["SeccKernel"]

#: Seconds after the start when there is time for the imports that the first cell would wait for.
_PREPARE = 0.5
#: Requests of a front end in which somebody types.
_ASSISTANCE = frozenset(["complete_request", "inspect_request", "is_complete_request"])


class SeccKernel(IPythonKernel):
    """Runs Lua cells (and ``%%python`` cells) for Jupyter."""

    shell_class = Type(SeccShell)
    implementation = "secc-kernel"
    implementation_version = __version__
    language_info = {  # noqa: RUF012 - ipykernel declares it so
        "name": "lua",
        "version": "5.4",
        "mimetype": "text/x-lua",
        "file_extension": ".lua",
        "codemirror_mode": "lua",
        "pygments_lexer": "lua",
        "nbconvert_exporter": "script",
    }
    #: Whether it runs notebooks that are not trusted.
    safe = False
    #: Whether a front end may debug Lua cells.
    has_debugger = True
    language = Enum(
        ("en", "ko"), help="In which language names are explained; by default that of the locale (LC_ALL, LANG)."
    ).tag(config=True)
    cell_timeout = Float(
        min=0.0,
        help="Seconds after which a cell is stopped, as by an interrupt; 0 is never. SECC_CELL_TIMEOUT sets it, too.",
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        self._status = threading.Lock()
        self._busy: dict[str, tuple[str, Any]] = {}
        super().__init__(**kwargs)
        self.host = self._make_host()
        assert self.shell is not None
        self.shell.attach(self.host)
        self.shell.configurables.append(self)  # for %config
        watch = self.host.watch
        watch.how_to_change = "%config SeccKernel.cell_timeout = 0 lifts the limit of time"
        watch.seconds = self.cell_timeout
        self.observe(lambda change: setattr(watch, "seconds", change["new"]), "cell_timeout")
        self.assistant = Assistant(self.host, self.shell, runs_magics=not self.safe)
        self.assistant.language = self.language
        self.observe(lambda change: setattr(self.assistant, "language", change["new"]), "language")
        self.shell.events.register("post_execute", self.assistant.survey)

    _debugger: DebugAdapter | None = None

    def _make_host(self) -> KernelHost:
        return KernelHost(self._read_line)

    @default("language")
    def _default_language(self) -> str:
        return default_language(os.environ)

    @default("cell_timeout")
    def _default_timeout(self) -> float:
        return default_timeout(os.environ)

    @property
    def banner(self) -> str:  # type: ignore[override]  # as IPythonKernel has it
        """What a console shows when it connects."""
        bench = self.host.live_bench
        return banner(None if bench is None else bench.session, self.safe)

    @property
    def kernel_info(self) -> dict[str, Any]:
        """What ipykernel tells, with a debugger of our own: it needs no package of Python's."""
        info: dict[str, Any] = dict(super().kernel_info)
        features = [feature for feature in info["supported_features"] if feature != "debugger"]
        info["supported_features"] = [*features, *(["debugger"] if self.has_debugger else [])]
        info["help_links"] = [{"text": "Lua 5.4 Reference Manual", "url": "https://www.lua.org/manual/5.4/"}]
        return info

    def start(self) -> None:
        """Start, and make the API ready once the front end has got its first answers."""
        super().start()
        self.io_loop.call_later(_PREPARE, self.assistant.prepare)

    def _read_line(self, prompt: str) -> str:
        """A line from the front end, for ``io.read`` and ``input``."""
        try:
            return f"{self.raw_input(prompt)}\n"
        except EOFError:
            return ""
        except StdinNotImplementedError:
            raise LuaUserError("there is nobody to ask: this front end takes no input while a cell runs") from None

    # Requests --------------------------------------------------------------------------------------------------------

    async def do_complete(self, code: str, cursor_pos: int | None) -> dict[str, Any]:
        """Complete Lua names; in ``%%python`` cells and magics, what IPython completes."""
        answer = self._assistance("complete_request", {"code": code, "cursor_pos": cursor_pos})
        return answer or dict(super().do_complete(code, cursor_pos))

    async def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Any = ()
    ) -> dict[str, Any]:
        """Explain Lua names; in Python cells those of Python. In a Lua cell a Python namesake would mislead."""
        asked = {"code": code, "cursor_pos": cursor_pos, "detail_level": detail_level}
        answer = self._assistance("inspect_request", asked)
        return answer or dict(super().do_inspect(code, cursor_pos, detail_level, omit_sections))

    async def do_is_complete(self, code: str) -> dict[str, Any]:
        """Whether Enter runs the cell in a console, or adds a line."""
        answer = self._assistance("is_complete_request", {"code": code})
        return answer or dict(super().do_is_complete(code))

    def _assistance(self, kind: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        """The reply to a request about Lua, on any thread and at any time; None if it is not about Lua."""
        code = asked.get("code", "")
        cell = split(code)
        cursor = asked.get("cursor_pos")
        if kind == "is_complete_request":
            return self.assistant.is_complete(cell.lua) if cell.lua else None
        if not (cell.lua or not code.strip() or self.assistant.is_lua(code, cursor)):
            return None
        if kind == "complete_request":
            return self.assistant.complete(code, cursor)
        return self.assistant.inspect(code, cursor, asked.get("detail_level", 0))

    async def do_history(  # as ipykernel's: front ends name what they want
        self,
        hist_access_type: str,
        output: bool,
        raw: bool,
        session: int = 0,
        start: int = 0,
        stop: int | None = None,
        n: int | None = None,
        pattern: str | None = None,
        unique: bool = False,
    ) -> dict[str, Any]:
        """Cells of the past; of this session with its number and its values as text (ipykernel: 0, and the objects)."""
        assert self.shell is not None
        found = super().do_history(hist_access_type, output, raw, session, start, stop, n, pattern, unique)
        reply = dict(found)
        current = self.shell.history_manager.session_number
        entries = []
        for number, line, content in reply["history"]:
            told = (content[0], None if content[1] is None else str(content[1])) if output else content
            entries.append((number or current, line, told))
        return {**reply, "history": entries}

    async def do_debug_request(self, msg: dict[str, Any]) -> dict[str, Any]:
        """Answer the debugger of a front end, in the thread of the control channel."""
        if not self.has_debugger:
            return {"type": "response", "success": False, "message": "this kernel has no debugger", "body": {}}
        if self._debugger is None:
            from secc_kernel.kernel.debug import connect

            self._debugger = connect(self)
        return await self._debugger.process(msg)

    async def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """Close the session before the process ends."""
        if self._debugger is not None and self.host.engine.debugger.stopped is not None:
            self.host.engine.interrupt()  # a cell that stands at a breakpoint ends
        self.host.close()
        return dict(super().do_shutdown(restart))

    # Interrupts ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _cancel_on_sigint(self, future: asyncio.Future[Any]) -> Iterator[None]:
        """Handle SIGINT while an async cell runs.

        ipykernel's own handler schedules the cancellation in a way that does not wake the event loop: a cell that
        awaits would go on until something else happened (ipykernel issue 881).
        """
        loop = asyncio.get_running_loop()
        engine = self.host.engine
        stopped = False

        def handle(signum: int, frame: FrameType | None) -> None:
            nonlocal stopped
            if engine.running:
                stopped = True
                engine.interrupts.on_signal(signum, frame)
            elif not stopped:  # otherwise the cell is ending: a burst must not cut its error off
                loop.call_soon_threadsafe(future.cancel)

        signal.signal(signal.SIGINT, handle)
        try:
            yield
        finally:
            # What is left of the request is ipykernel's: its reply must go out. Then its own hook sets the handler.
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def shell_channel_thread_main(self, msg: Any) -> None:
        """Hand a message of the shell channel on, but answer at once what must not wait for the running cell.

        VS Code sends an interrupt request on this channel, where it would be queued behind the cell that it is to stop
        (vscode-jupyter issue 17143). And a front end asks for completions while the user types the next cell.
        """
        assert self.session is not None
        identities, parts = self.session.feed_identities(msg, copy=False)
        request = self.session.deserialize(parts, content=False, copy=False)
        kind = request["header"]["msg_type"]
        answer: dict[str, Any] | None = None
        if kind == "interrupt_request":
            answer = {"status": "ok"}
        elif kind in _ASSISTANCE:
            answer = self._assisted(kind, self.session.unpack(request["content"]))
        if answer is None:
            await super().shell_channel_thread_main(msg)
            return
        self._publish_status("busy", "shell", parent=request)
        if kind == "interrupt_request":
            interrupt_main_thread()
        reply = kind.replace("_request", "_reply")
        self.session.send(self.shell_stream, reply, answer, parent=request, ident=identities)
        self._publish_status("idle", "shell", parent=request)

    def _publish_status(self, status: str, channel: str, parent: Any = None) -> None:
        """Publish a status; after an answer beside a running cell say again that the kernel is busy.

        JupyterLab shows the last status that it got, whatever request it belongs to.
        """
        parent = parent or self.get_parent(channel)
        request = parent.get("header", {}).get("msg_id")
        with self._status:  # the threads of the cells and of the channel: what is said last must be so
            super()._publish_status(status, channel, parent)
            if status == "busy":
                self._busy[request] = channel, parent
                return
            self._busy.pop(request, None)
            if status == "idle" and self._busy:
                super()._publish_status("busy", *list(self._busy.values())[-1])

    def _assisted(self, kind: str, content: Any) -> dict[str, Any] | None:
        """As `_assistance`; what goes wrong there must not stop the channel."""
        try:
            return self._assistance(kind, content)
        except Exception:
            self.log.exception("%s was not answered", kind)
            return {"status": "error", "ename": "AssistanceError", "evalue": "see the kernel's log", "traceback": []}
