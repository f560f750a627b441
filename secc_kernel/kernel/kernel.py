"""The kernel: ipykernel's, with Lua in its cells and interrupts that arrive.

Three things differ from ipykernel in how messages are handled, each because the original was measured not to work: an
interrupt while a cell awaits wakes the event loop, an ``interrupt_request`` on the shell channel is answered at
once, and neither ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from IPython.core.error import StdinNotImplementedError
from traitlets import Type

from secc_kernel import __version__
from secc_kernel.kernel.cells import split
from secc_kernel.kernel.complete import complete
from secc_kernel.kernel.host import KernelHost
from secc_kernel.kernel.shell import SeccShell
from secc_kernel.lua import LuaUserError
from secc_kernel.lua.interrupt import interrupt_main_thread

__all__ = ["SeccKernel"]

#: Seconds after the start when there is time for the imports that the first cell would wait for.
_PREPARE = 0.5


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
    banner = (
        f"secc-kernel {__version__}: EV charging communication, scripted in Lua 5.4\n"
        "Secc.* and Evcc.* drive a session: the simulated one, if no other is opened.\n"
        "%%python cells find it as session, and its record as journal.\n"
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.host = KernelHost(self._read_line)
        assert self.shell is not None
        self.shell.attach(self.host)

    @property
    def kernel_info(self) -> dict[str, Any]:
        """What ipykernel tells, without the debugger: it would debug the Python below."""
        info: dict[str, Any] = dict(super().kernel_info)
        info["supported_features"] = [feature for feature in info["supported_features"] if feature != "debugger"]
        info["help_links"] = [{"text": "Lua 5.4 Reference Manual", "url": "https://www.lua.org/manual/5.4/"}]
        return info

    def start(self) -> None:
        """Start, and make the API ready once the front end has got its first answers."""
        super().start()
        self.io_loop.call_later(_PREPARE, self.host.prepare)

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
        if not split(code).lua:
            return dict(super().do_complete(code, cursor_pos))
        self.host.prepare()
        found = complete(code, len(code) if cursor_pos is None else cursor_pos, self.host.engine.members)
        return {
            "matches": found.matches,
            "cursor_start": found.start,
            "cursor_end": found.end,
            "metadata": {},
            "status": "ok",
        }

    async def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Any = ()
    ) -> dict[str, Any]:
        """Explain Python names in Python cells; nothing is known of a Lua name, and a Python namesake would mislead."""
        if split(code).lua:
            return {"status": "ok", "found": False, "data": {}, "metadata": {}}
        return dict(super().do_inspect(code, cursor_pos, detail_level, omit_sections))

    async def do_is_complete(self, code: str) -> dict[str, Any]:
        """Whether Enter runs the cell in a console, or adds a line."""
        cell = split(code)
        if not cell.lua:
            return dict(super().do_is_complete(code))
        status = self.host.engine.is_complete(cell.lua)
        return {"status": status, "indent": "  "} if status == "incomplete" else {"status": status}

    async def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """Close the session before the process ends."""
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
        """Hand a message of the shell channel on, but answer an interrupt request at once.

        VS Code sends it on this channel, where it would be queued behind the cell that it is to stop (vscode-jupyter
        issue 17143).
        """
        assert self.session is not None
        identities, parts = self.session.feed_identities(msg, copy=False)
        request = self.session.deserialize(parts, content=False, copy=False)
        if request["header"]["msg_type"] != "interrupt_request":
            await super().shell_channel_thread_main(msg)
            return
        self._publish_status("busy", "shell", parent=request)
        interrupt_main_thread()
        self.session.send(self.shell_stream, "interrupt_reply", {"status": "ok"}, parent=request, ident=identities)
        self._publish_status("idle", "shell", parent=request)
