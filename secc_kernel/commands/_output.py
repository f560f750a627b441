"""The standard output of a command whose session must not wait for whoever reads it."""

from __future__ import annotations

import threading
from queue import Queue

from secc_kernel.lua.streams import StandardStream

__all__ = ["Output"]


class Output:
    """Lines and text in the order in which they were given, some of them written by a thread of its own.

    What a link's thread says is written later (`later`): a terminal that is stopped, a pager that has enough for now,
    must not hold up a charge. What the script and the command say is written at once, after all that waits (`now`,
    `write`).
    """

    def __init__(self) -> None:
        self._waiting: Queue[str | None] = Queue()
        self._stream = StandardStream("stdout")
        self._thread = threading.Thread(target=self._write_on, name="output", daemon=True)
        self._thread.start()

    def later(self, line: str) -> None:
        """Write a line as soon as it can be written; does not wait."""
        self._waiting.put(line)

    def now(self, line: str) -> None:
        """Write a line, after all that waits."""
        self._waiting.join()
        print(line, flush=True)

    def write(self, text: str, /) -> object:
        """Write text as Lua's streams do, after all that waits."""
        self._waiting.join()
        return self._stream.write(text)

    def end(self) -> None:
        """Write all that waits; nothing follows."""
        self._waiting.put(None)
        self._thread.join()

    def _write_on(self) -> None:
        gone = False
        while (line := self._waiting.get()) is not None:
            try:
                if not gone:
                    print(line, flush=True)
            except (OSError, ValueError):  # nobody reads any more: the command finds out when it says something itself
                gone = True
            finally:
                self._waiting.task_done()
