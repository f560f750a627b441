"""A session that ended while the script was at work on it: what is told of it, and what does not begin another one."""

from __future__ import annotations

from dataclasses import dataclass

from ..session.events import Ended
from ..wire.layers import home
from .base import Wait
from .reach import begins_session
from .reasons import how_it_ended, what_the_other_did

__all__ = ["Lapse"]


@dataclass(slots=True)
class Lapse:
    """An end that stands between the script and the next session, until something asks for that one.

    What a script sends is meant for the session that it knows. After an abort it therefore opens no other one, however
    often it is sent: a late answer would pass for one in time. A wait for a message that only the old session could
    bring is refused once, so that the script is told of the end.

    Attributes
    ----------
    ended : Ended
        The end.
    taken : str or None
        The turn that the script held then.
    since : float
        Since when.
    told : bool
        Whether the script knows.
    """

    ended: Ended
    taken: str | None
    since: float
    told: bool = False

    def refuses(self, wait: Wait) -> bool:
        """Whether a wait is for the session that is no more."""
        if wait.kind not in ("receive", "turn"):
            return False
        if home(wait.name) is not None and not wait.sends:
            return False  # what only another plug-in brings asks for that one
        late = bool(wait.sends) and wait.request == self.taken
        if wait.sends and wait.role == "SECC" and self.ended.how == "aborted":
            return True
        if wait.sends and self.ended.how == "aborted" and not begins_session(wait.request):
            return True
        return not self.told and (late or not begins_session(wait.request))

    def tell(self, wait: Wait, now: float) -> str:
        """Why the wait is refused; the script knows then."""
        self.told = True
        held = "" if self.taken is None else f"held {self.taken}" + ("" if home(self.taken) else " without an answer")
        if wait.role == "EVCC" and self.taken is not None:
            held = f"had the turn of {self.taken}"
        if wait.sends and wait.request == self.taken:
            after = f"{self.ended.time - self.since:.3g} s (waited {now - self.since:.3g} s)"
            what = what_the_other_did(self.ended, wait.role)
            return f"too late: {what} after {after}; nothing was sent\n{how_it_ended(self.ended)}"
        what = f"{wait.sends} cannot be sent" if wait.sends else f"{wait} cannot come"
        return f"{what}: {how_it_ended(self.ended)}" + (held and f"; the script {held}")
