"""The kernel ``secc-safe``: Lua only, for notebooks of people whom one does not know.

It is the kernel ``secc`` without the ways to Python, files, the network and the machine. What remains is the Lua
engine's sandbox (`secc_kernel.lua.runtime`, `restricted`), the simulated link, and capture files below the notebook's
folder. Each way is closed where it begins:

* cells: only Lua is run; ``%%python``, magics, ``!`` and IPython's help get an error (`SafeShell.transform_cell`),
* messages of the front end: user expressions, Python names to complete or inspect, comms that would make a Python
  object, the debugger of the Python below (`SafeKernel`),
* the API: `permit` for sessions, `Folder` for files,
* what a cell uses up: its time, Lua's memory, the process's memory, and its output (`secc_kernel.kernel.limits`).

Behind all that, `arm` lets the process write no file, start no process and open no connection, whoever asks. That is a
second wall, not the first: what runs in a process is kept from the rest of it only as well as the process is free of
mistakes.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipykernel.kernelapp import IPKernelApp
from IPython.core import page
from traitlets import Type, default

from secc_kernel.kernel.captures import Folder
from secc_kernel.kernel.cells import Cell, split
from secc_kernel.kernel.host import KernelHost
from secc_kernel.kernel.kernel import SeccKernel
from secc_kernel.kernel.limits import default_timeout
from secc_kernel.kernel.shell import SeccDisplayHook, SeccShell
from secc_kernel.lua import LuaError, LuaUserError

if TYPE_CHECKING:
    from secc_kernel.lua.options import Options

__all__ = ["SafeKernel", "SafeShell", "arm", "main", "permit"]

#: Seconds for a cell, if the environment does not say (``SECC_CELL_TIMEOUT``).
TIMEOUT = 60.0
#: Seconds that a cell gets which does not stop at its limit; then the process ends, and Jupyter starts another.
PATIENCE = 5.0
#: Bytes for Lua's values; for what the process grows by in a cell and after it; for what it may hold at all.
LUA_MEMORY, GROWTH, HARD_GROWTH = 64 << 20, 512 << 20, 2 << 30
#: Characters that a cell may write and display; bytes of a capture file.
OUTPUT, CAPTURE = 8 << 20, 256 << 20

#: ``Secc.Get_…?`` and ``?Session.*``
_QUESTION = re.compile(r"\s*\?{0,2}\s*([\w.*:]+)\s*\?{0,2}\s*", re.ASCII)
_TRUST = 'To run it, choose the kernel "EV charging (Lua)", once you trust this notebook'


class Refused(LuaError):  # noqa: N818 - an answer, not an error
    """A cell asks for what the safe kernel does not do."""


class SafeDisplayHook(SeccDisplayHook):
    """Keeps no values: there are no Python cells that could read them, and they may be large."""

    def update_user_ns(self, result: Any) -> None:
        """Forget the value."""


class SafeShell(SeccShell):
    """Runs Lua cells, and nothing else."""

    displayhook_class = Type(SafeDisplayHook)

    def transform_cell(self, raw_cell: str) -> str:
        """The Python that runs a Lua cell, or that refuses any other: no word of a cell is ever Python."""
        cell = split(raw_cell)
        question = _QUESTION.fullmatch(raw_cell)
        if question and not cell.lua:
            return f"get_ipython().answer({question[1]!r})\n"
        if cell.python or cell.magic.strip():
            return f"get_ipython().refuse({raw_cell.split(None, 1)[0][:40]!r})\n"
        return f"await get_ipython().run_lua({cell.lua!r})\n" if cell.lua else ""

    def _provide(self, cell: Cell, raw_cell: str) -> None:
        """Python cells would get names; here are none."""

    def refuse(self, what: str) -> None:
        """Say why a cell is not run."""
        raise Refused(
            f"{what} is not run: this kernel is for notebooks that are not trusted, and runs Lua only. "
            "Magics, shell commands and Python can do whatever you can.",
            hint=_TRUST,
        )

    def answer(self, name: str) -> None:
        """Explain a name of Lua, or list the names that fit a pattern."""
        assistant = self.kernel.assistant
        said = assistant.bundle(name.replace(":", "."))
        names = [] if said else assistant.names_like(name)
        page.page(said or {"text/plain": "\n".join(names) or f"Lua has no {name} here."})

    def user_expressions(self, expressions: Mapping[str, str]) -> dict[str, Any]:
        """The values of Lua expressions, within the limits of a cell."""
        with self.host.watch.cell():
            return super().user_expressions(expressions)


class SafeKernel(SeccKernel):
    """Runs Lua cells that nobody has to trust."""

    shell_class = Type(SafeShell)
    safe = True
    has_debugger = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        assert self.shell is not None
        # What notebooks that are not trusted do is not mixed into the history of those that are.
        self.shell.history_manager.enabled = False
        self._open_comm = self.shell_handlers["comm_open"]
        self.shell_handlers["comm_open"] = self._comm_open
        watch = self.host.watch
        watch.memory, watch.output, watch.patience = GROWTH, OUTPUT, PATIENCE
        self.shell.display_pub.register_hook(self._count_output)
        watch.how_to_change = "whoever starts the kernel sets the limit of time: SECC_CELL_TIMEOUT in its environment"

    @default("cell_timeout")
    def _default_timeout(self) -> float:
        return default_timeout(os.environ, TIMEOUT)

    def _make_host(self) -> KernelHost:
        return KernelHost(self._read_line, LUA_MEMORY, permit, Folder(Path.cwd(), CAPTURE).locate)

    def _assistance(self, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
        """As the kernel ``secc``, but with an answer to everything: nothing is passed on to Python's own assistance."""
        answer = super()._assistance(kind, asked)
        if answer is not None:
            return answer
        at = asked.get("cursor_pos") or 0
        empty: dict[str, dict[str, Any]] = {
            "complete_request": {"status": "ok", "matches": [], "cursor_start": at, "cursor_end": at, "metadata": {}},
            "inspect_request": {"status": "ok", "found": False, "data": {}, "metadata": {}},
            "is_complete_request": {"status": "complete"},
        }
        return empty[kind]

    def _count_output(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Let a message with output pass, up to the limit of a cell."""
        data = message["content"].get("data", {})
        return message if self.host.watch.spend(sum(map(len, map(str, data.values())))) else None

    def _comm_open(self, stream: Any, ident: Any, message: Any) -> None:
        """Open a comm that asks after widgets; any other would have the front end make Python objects."""
        content = message["content"]
        if content.get("target_name") == "jupyter.widget.control":
            self._open_comm(stream, ident, message)
            return
        assert self.session is not None
        closing = {"comm_id": content.get("comm_id", ""), "data": {}}
        self.session.send(self.iopub_socket, "comm_close", closing, parent=message)


# -- what scripts may open ---------------------------------------------------------------------------------------------

#: Options of a session that touch nothing outside of the process.
_FREE = frozenset(["side", "prefer", "strict"])


def permit(options: Options) -> None:
    """See whether a script may open such a session: only on the simulated link, without a file.

    Raises
    ------
    LuaUserError
        It may not.
    """
    if options.link != "sim":
        raise LuaUserError(f"Session.Open: the link {options.link!r} is not available in secc-safe, only 'sim'", _TRUST)
    for option in fields(options):
        if option.name in _FREE or option.name == "link":
            continue
        usual = option.default_factory() if option.default_factory is not MISSING else option.default
        if getattr(options, option.name) != usual:
            raise LuaUserError(f"Session.Open: {option.name} is not available in secc-safe", _TRUST)


# -- the process -------------------------------------------------------------------------------------------------------

#: What the process does not do, by the names of Python's audit events (or their beginnings).
_REFUSED = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.startfile", "pty.spawn", "subprocess.Popen",
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostby",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.kill", "os.setxattr", "shutil.", "sqlite3.connect", "ftplib.", "smtplib.", "urllib.Request",
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def arm(connection_file: str) -> None:
    """Let this process write no file, start no process and open no connection from now on; this cannot be undone.

    Also bounds its memory, where the system can: what the watch is too slow for ends in a MemoryError.

    Parameters
    ----------
    connection_file : str
        What it may remove when it ends.
    """

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING and not isinstance(path, int) and path != os.devnull:
                raise PermissionError(f"secc-safe writes no files: {path!r}")
        elif event.startswith(_REFUSED):
            if event == "os.remove" and str(arguments[0]) == connection_file:
                return
            raise PermissionError(f"secc-safe does not do {event}")

    sys.addaudithook(audit)
    _bound_memory()


def _bound_memory() -> None:
    if sys.platform != "linux":
        return
    import resource

    used = int(Path("/proc/self/statm").read_text("ascii").split()[5]) * os.sysconf("SC_PAGE_SIZE")
    _, highest = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = used + HARD_GROWTH
    if highest == resource.RLIM_INFINITY or wanted < highest:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, highest))


class SafeApp(IPKernelApp):
    """ipykernel's application, for the safe kernel."""

    kernel_class = Type(SafeKernel)

    def initialize(self, argv: Any = None) -> None:
        """Initialize, and close what the kernel does not need from then on."""
        # A file of the notebook's folder must not stand in for a module that is imported later.
        self.ignore_cwd = True
        super().initialize(argv)
        tempfile.gettempdir()  # found by writing; ipykernel names cells after it, without writing
        arm(self.abs_connection_file)


def main() -> None:
    """Start the kernel: what the kernelspec's argv runs."""
    SafeApp.launch_instance()
