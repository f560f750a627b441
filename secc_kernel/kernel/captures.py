"""Capture files in Lua cells: ``read_capture('charge.pcapng')``, and what there is to see of one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secc_kernel.lua import HostFunction, LazyTable, LuaUserError

if TYPE_CHECKING:
    from secc_kernel.session.journal import Journal

__all__ = ["Capture", "Folder", "reader"]

#: What a script finds in a capture: the views of `secc_kernel.views` of the same names.
_VIEWS = ("messages", "timing", "fields", "message", "exchange", "header", "exi", "xml")
#: What those take that take no number of a message.
_ARGUMENT: dict[str, type | None] = {"messages": None, "timing": None, "fields": str}


@dataclass(frozen=True, slots=True, eq=False)
class Capture(LazyTable):
    """A capture that a script has read.

    Attributes
    ----------
    journal : Journal
        What was in the file.
    """

    journal: Journal

    @classmethod
    def of(cls, journal: Journal) -> Capture:
        """What a script gets for a capture."""
        capture = cls("capture", lambda name: capture.member(name), lambda: _VIEWS, journal)
        return capture

    def member(self, name: str) -> HostFunction:
        """The function that shows the capture in one of the ways."""
        if name not in _VIEWS:
            raise LuaUserError(f"a capture has no {name!r}", f"it has {', '.join(_VIEWS)}")
        return HostFunction(partial(self._view, name), f"capture.{name}", raw=True)

    def _view(self, name: str, *args: Any) -> Any:
        from secc_kernel import views

        args = args[1:] if args and args[0] is self else args  # capture:messages() is as good as capture.messages()
        wanted = _ARGUMENT.get(name, int)
        if (args and wanted is None) or len(args) > 1 or any(type(arg) is not wanted for arg in args):
            takes: dict[type | None, str] = {
                None: "nothing",
                str: "the name of a message",
                int: "the number of a message",
            }
            raise LuaUserError(f"capture.{name} takes {takes[wanted]}")
        try:
            return getattr(views, name)(self.journal, *args)
        except (LookupError, TypeError, ValueError) as problem:
            raise LuaUserError(f"capture.{name}: {problem}") from problem

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self._view("messages")._repr_mimebundle_(include, exclude)


def reader(locate: Callable[[str], Path]) -> HostFunction:
    """The function ``read_capture`` of Lua.

    Parameters
    ----------
    locate : callable
        From the name that a script gives to the file; raises `LuaUserError` if the script may not read it.
    """

    def read(path: Any = None, keylog: Any = None) -> Capture:
        from secc_kernel.link.capture import CaptureError, read_capture

        if not isinstance(path, str):
            raise LuaUserError("read_capture takes the name of a pcap or pcapng file, such as 'charge.pcapng'")
        if not isinstance(keylog, str | None):
            raise LuaUserError("read_capture takes as its second argument the name of a file with TLS secrets")
        file = locate(path)
        secrets = None if keylog is None else locate(keylog)
        try:
            return Capture.of(read_capture(file, keylog=secrets))
        except CaptureError as problem:
            # As the script names it: where the notebook's folder is, is not its business.
            text = str(problem).replace(str(file), path).replace(str(secrets), str(keylog))
            raise LuaUserError(f"read_capture: {text}") from problem

    return HostFunction(read, "read_capture")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder whose regular files may be read, up to a size, and nothing outside of it.

    Parameters
    ----------
    root : Path
        The folder.
    most : int
        Bytes that a file may have.
    """

    root: Path
    most: int

    def locate(self, name: str) -> Path:
        """The file of that name in the folder or below, wherever links lead.

        Raises
        ------
        LuaUserError
            It lies outside, whether it exists or not; or it is not there, no regular file, or too large.
        """
        root = self.root.resolve()
        try:
            path = (root / name).resolve()
        except (OSError, ValueError, RuntimeError):  # links in a circle, a zero byte
            raise LuaUserError(f"{name!r} is no file") from None
        if not path.is_relative_to(root):
            raise LuaUserError(
                f"{name!r} lies outside of this notebook's folder",
                "notebooks that are not trusted read only files beside or below them",
            )
        try:
            # Opened only to be looked at: a named pipe must not be waited for.
            file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        except OSError as problem:
            raise LuaUserError(f"{name!r} cannot be read: {problem.strerror}") from None
        try:
            found = os.fstat(file)
        finally:
            os.close(file)
        if not stat.S_ISREG(found.st_mode):
            raise LuaUserError(f"{name!r} is no regular file")
        if found.st_size > self.most:
            raise LuaUserError(f"{name!r} is too large: here a capture may have {self.most >> 20} MiB")
        return path
