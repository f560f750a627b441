"""Whether a request can still come, by the sequence's own table."""

from __future__ import annotations

from collections.abc import Iterable

from ..messages import vocabulary
from ..session.sequence import HANDSHAKE, SEQUENCES, Progress, Row

__all__ = ["begins_session", "can_come", "is_foreign", "known_requests"]


def begins_session(request: str) -> bool:
    """Whether a request stands at the beginning of a session: the handshake, or what comes first after it."""
    return request == HANDSHAKE or any(request in sequence.first.follow for sequence in SEQUENCES.values())


def can_come(progress: Progress, request: str, ahead: Iterable[str] | None = None) -> bool:
    """Whether a conversation that stands here may still arrive at a request.

    A request of the session's vocabulary that no sequence knows may always come: a vehicle sends what it likes.

    Parameters
    ----------
    progress : Progress
        Where the conversation stands.
    request : str
        The request in question.
    ahead : iterable of str, optional
        What comes next; by default all that is allowed.
    """
    rows = _rows(progress)
    if is_foreign(progress, request):
        return False
    if request not in known_requests():
        return True
    return request in _closure(rows, progress.mode, progress.allowed if ahead is None else ahead)


def known_requests() -> set[str]:
    """The requests that the sequences know."""
    return {HANDSHAKE, *(request for row in _all_rows() for request in row.follow)}


def is_foreign(progress: Progress, request: str) -> bool:
    """Whether a request is no message of the protocol that was agreed on."""
    sequence = progress.sequence
    return sequence is not None and request != HANDSHAKE and request not in vocabulary(sequence.schema).elements


def _all_rows() -> list[Row]:
    return [row for sequence in SEQUENCES.values() for row in (sequence.first, *sequence.rows)]


def _rows(progress: Progress) -> list[Row]:
    """The rows that may apply: those of the negotiated sequence, before the handshake those of all."""
    if progress.sequence is None:
        return _all_rows()
    return [progress.sequence.first, *progress.sequence.rows]


def _closure(rows: list[Row], mode: str, ahead: Iterable[str]) -> set[str]:
    """Some requests, and all that may follow them in this mode."""
    reached: set[str] = set()
    left = list(ahead)
    while left:
        name = left.pop()
        if name in reached:
            continue
        reached.add(name)
        response = name[:-3] + "Res"
        for row in rows:
            if row.after == response and (not mode or row.mode in ("", mode)):
                left.extend(row.follow)
    return reached
