"""Compiled code kept on disk, so that a new process has to write the source of readers and writers but not compile it.

A piece is found by the digest of its source, and the source follows from the declarations alone: declarations that
have changed find nothing old. There is a file for each vocabulary and version of Python. Whatever is wrong with it, it
is as if there were none: nothing depends on it but some milliseconds.
"""

from __future__ import annotations

import atexit
import marshal
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import CodeType

__all__ = ["CodeCache", "folder"]

_DIGEST = 16
#: Bytes of code in a file that is added to; a vocabulary has some hundred thousand.
_MOST = 4 << 20


def folder() -> Path | None:
    """Where the files are: ``SECC_KERNEL_CACHE``, else the user's cache folder; None if that is set to nothing."""
    chosen = os.environ.get("SECC_KERNEL_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~/.cache"))) / "secc-kernel"


class CodeCache:
    """Code objects by their source.

    Parameters
    ----------
    subject : iterable of str
        What the sources are made from: the names of a schema's namespaces.
    """

    def __init__(self, subject: Iterable[str]) -> None:
        self._name = f"{_digest(chr(0).join(subject).encode()).hex()}.{sys.implementation.cache_tag}"
        self._known: dict[bytes, bytes] | None = None
        self._new: dict[bytes, bytes] = {}

    def code(self, source: str, name: str) -> CodeType:
        """The code of a module's source; ``name`` stands for the file in tracebacks."""
        if self._known is None:
            self._known = self._read()
        key = _digest(f"{name}\n{source}".encode())
        kept = self._known.get(key)
        if kept is not None:
            found: CodeType = marshal.loads(kept)  # bytes of our own making: a digest was compared
            return found
        code = compile(source, name, "exec")
        if not self._new:
            atexit.register(self.write)
        self._new[key] = self._known[key] = marshal.dumps(code)
        return code

    def _path(self) -> Path | None:
        """The file; None if its folder is not the user's own: what it holds is run."""
        found = folder()
        if found is None:
            return None
        try:
            about = found.stat()
        except FileNotFoundError:
            return found / self._name
        except OSError:
            return None
        if hasattr(os, "getuid") and (about.st_uid != os.getuid() or about.st_mode & 0o022):
            return None
        return found / self._name

    def _read(self) -> dict[bytes, bytes]:
        path = self._path()
        try:
            data = path.read_bytes() if path is not None else b""
        except OSError:
            data = b""
        if len(data) <= _DIGEST or _digest(data[_DIGEST:]) != data[:_DIGEST]:
            return {}
        found: dict[bytes, bytes] = marshal.loads(data[_DIGEST:])
        return found

    def write(self) -> None:
        """Write what is new beside what other processes have written meanwhile; called when the process ends."""
        path = self._path()
        if path is None or not self._new:
            return
        import tempfile  # late: a process that finds all it needs does not write

        kept = self._read()
        if sum(map(len, kept.values())) > _MOST:  # of many versions of the declarations
            kept.clear()
        data = marshal.dumps(kept | self._new)
        try:
            path.parent.mkdir(0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                try:
                    file.write(_digest(data) + data)
                    file.close()
                    os.replace(file.name, path)
                except BaseException:
                    os.unlink(file.name)
                    raise
        except OSError:
            return  # a full disk, a home that is read-only
        self._new.clear()


def _digest(data: bytes) -> bytes:
    from hashlib import blake2b  # late: importing the codec needs none

    return blake2b(data, digest_size=_DIGEST).digest()
