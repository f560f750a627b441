"""The secrets of TLS connections that are known, while a capture is read or a line is overheard."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from secc_kernel.wire.keylog import BEGINNINGS, Secret, secrets_in

__all__ = ["Secrets"]

#: Connections whose secrets are remembered; the oldest makes room.
_MAX_CONNECTIONS = 1 << 14


class Secrets:
    """What key logs, datagrams and secrets blocks have told so far.

    Parameters
    ----------
    search
        Looks for secrets in all of the source, those that come late in a capture included, and adds them. Called at
        most once, when one is missing.
    complete
        Whether no more will come. Otherwise whoever misses one may wait for it.

    Attributes
    ----------
    generation
        Grows with each secret: tells those who wait when to look again.
    waiting
        Bytes that wait for secrets, of all connections.
    """

    def __init__(self, search: Callable[[], object] | None = None, *, complete: bool = False) -> None:
        self.generation = 0
        self.waiting = 0
        self._search = search
        self._complete = complete
        self._known: dict[bytes, dict[str, bytes]] = {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def complete(self) -> bool:
        """Whether no more will come than is known by now."""
        return self._complete and self._search is None

    def add(self, text: bytes) -> bool:
        """Take the lines of a key log; whether there was a secret among them."""
        found = False
        for secret in secrets_in(text):
            found = True
            self._add(secret)
        return found

    def add_datagram(self, payload: bytes) -> bool:
        """Take a UDP datagram: most have no secret."""
        return payload.startswith(BEGINNINGS) and self.add(payload)

    def _add(self, secret: Secret) -> None:
        known = self._known.setdefault(secret.client_random, {})
        if known.get(secret.label) != secret.secret:
            known[secret.label] = secret.secret
            self.generation += 1
            if len(self._known) > _MAX_CONNECTIONS:
                del self._known[next(iter(self._known))]

    def of(self, client_random: bytes, *labels: str) -> Mapping[str, bytes]:
        """The secrets of a connection by label; if one of `labels` is missing, it is searched for."""
        known = self._known.get(client_random, {})
        if self._search is not None and not known.keys() >= set(labels):
            search, self._search = self._search, None
            search()
            known = self._known.get(client_random, {})
        return known
