"""The link of a listener: a source that is followed in a thread of its own, and what is known of the parties on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from time import time
from typing import TYPE_CHECKING, cast

from ..codec import Message
from ..session.evcc import EVCC
from ..session.events import Ended
from ..session.journal import Entry, Journal
from ..session.secc import SECC
from ..session.sequence import Progress
from .follow import FollowedInterface, Source
from .net import LinkError

if TYPE_CHECKING:
    from ..session.datalink import DataLink

__all__ = ["ListenLink", "Overheard"]

#: Entries that are taken at a time before the thread does something else.
_SLICE = 256
#: Seconds after which a source that tells by itself is looked at all the same.
_PAUSE = 1.0


class Overheard:
    """A party that others play, as far as anybody asks a party: what was agreed on, where it stands, how it ended."""

    def __init__(self, role: str, journal: Journal) -> None:
        self.role = role
        self.peer_role = "SECC" if role == "EVCC" else "EVCC"
        self.name = role
        self.journal = journal
        self.turn: str | None = None
        self.request: Message | None = None
        self.connection: object | None = None
        self.ended: Ended | None = None
        self.schema: str | None = None
        self.session_id = b""
        self.tls = ""
        self.state = "listening"
        self.progress = Progress()


class ListenLink:
    """What is listened to, as a link.

    Parameters
    ----------
    source : Source
        Where the frames come from.
    journal : Journal
        Where they are recorded.

    Attributes
    ----------
    heard : callable
        Called with entries, which nobody has recorded yet.
    looked : callable
        Called after each look, whether it has found something or not.
    drained : bool
        Whether the last look has found all that there was.
    """

    kind = "listen"
    real = True
    plugged = True

    def __init__(self, source: Source, journal: Journal) -> None:
        self.source = source
        self.datalinks: dict[str, DataLink] = {}
        self.heard: Callable[[Iterator[Entry]], object] = lambda entries: None
        self.looked: Callable[[], object] = lambda: None
        self.drained = False
        self.overheard = {role: Overheard(role, journal) for role in ("SECC", "EVCC")}
        self.parties = cast("dict[str, SECC | EVCC]", self.overheard)  # as far as anybody asks them
        self._happened: Callable[[Callable[[], object]], None] = lambda call: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watches: list[Callable[[], object]] = []
        self._interval: float | None = None
        self._begun = False

    @property
    def place(self) -> str:
        """What is listened to."""
        return self.source.place

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return time()

    async def open(self, happened: Callable[[Callable[[], object]], None]) -> None:
        """Get ready to listen."""
        self._happened = happened
        self._loop = asyncio.get_running_loop()
        self._interval = self.source.watch(self._look)
        source = self.source
        if isinstance(source, FollowedInterface):
            from .raw import InterfaceWatch

            def changed(up: bool | None) -> None:
                source.told_of_interface(up)
                self._look()

            self._watches.append(InterfaceWatch(source.place, changed).close)

    def begin(self) -> None:
        """Take what there is by now, and from now on."""
        self._begun = True
        self._look()

    def _look(self) -> None:
        """Take what there is by now, a slice at a time, and arrange for the next look."""
        if self._loop is None or not self._begun:
            return
        if self._timer is not None:
            self._timer.cancel()
        taken = 0

        def entries() -> Iterator[Entry]:
            nonlocal taken
            for entry in islice(self.source.entries(), _SLICE):
                taken += 1
                yield entry

        self._happened(lambda: self.heard(entries()))
        self.drained = taken < _SLICE
        self._happened(self.looked)
        # An interface tells of frames by itself, but nobody tells of secrets that do not come.
        pause = 0.0 if taken == _SLICE else self._interval or _PAUSE
        self._timer = self._loop.call_later(pause, self._look)

    async def close(self) -> None:
        """Listen no more."""
        if self._timer is not None:
            self._timer.cancel()
        for close in self._watches:
            close()
        self.source.close()

    # -- what a link of our own would do ------------------------------------------------------------------------------

    def flush(self) -> None:
        """There is nothing to send."""

    def advance(self, until: float | None) -> bool:
        """Time passes by itself."""
        return False

    def plug(self, fresh: bool = True) -> None:
        """Refused: see `exchange`."""
        self.exchange(None)

    def unplug(self) -> None:
        """Refused: see `exchange`."""
        self.exchange(None)

    def exchange(self, vehicle: EVCC | None) -> None:
        """There is no vehicle of ours.

        Raises
        ------
        LinkError
            Always.
        """
        raise LinkError(f"the vehicle is somebody else's: {self.place} is only listened to")
