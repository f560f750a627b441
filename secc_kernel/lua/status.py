"""What ``Session.Status()`` gives: a table for scripts, which prints readably and is shown as a table."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from typing import Any

from ..link.live import LiveSession
from .errors import LuaUserError
from .hosting import LazyTable
from .picture import scalar

__all__ = ["StatusTable"]


class StatusTable(LazyTable):
    """Where a session stood when it was asked."""

    __slots__ = ("facts",)
    facts: dict[str, Any]

    @classmethod
    def of(cls, session: LiveSession | None, autopilot: bool) -> StatusTable:
        """Where a session stands; None: there is none."""
        facts: dict[str, Any] = {"state": "closed", "autopilot": autopilot}
        if session is not None:
            facts = {name: value for name, value in asdict(session.status).items() if value is not None}
            if session.breakpoints.stop is not None:
                facts["stopped"] = str(session.breakpoints.stop)
        width = max(map(len, facts))
        text = "\n".join(f"{name:<{width}}  {_shown(value)}" for name, value in facts.items())
        made = cls(text, facts.get, lambda: facts)
        object.__setattr__(made, "facts", facts)
        return made

    def __repr__(self) -> str:
        return self.name

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        left = 'style="text-align:left"'
        rows = (
            f"<tr><th {left}>{escape(name)}</th><td {left}>{escape(_shown(value))}</td></tr>"
            for name, value in self.facts.items()
        )
        return {"text/plain": self.name, "text/html": f"<table>{''.join(rows)}</table>"}

    def refuse(self, key: Any) -> None:
        """Answer an assignment to a member: always an error."""
        raise LuaUserError("what Session.Status gives can be read only", "copy what you need into a table of your own")


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f} s"
    return value if isinstance(value, str) else scalar(value)
