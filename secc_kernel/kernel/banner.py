"""What a console says when it connects: what runs here, where the session stands, and how to get help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secc_kernel import __version__

if TYPE_CHECKING:
    from secc_kernel.link.live import LiveSession

__all__ = ["banner"]

_HELP = "Tab completes, name? explains a name, %lsmagic lists the magics, Session.Status() tells where the session is"
#: What is so as long as no session is open.
_BEFORE = {
    "link": "the simulated EV, unless Session.Open{link='tcp', interface='eth1'} opens another",
    "protocol": "what the handshake agrees on, unless Session.Protocol('din') restricts it",
    "journal": "in memory, unless Session.Open{journal='session.jsonl'} names a file",
}


#: The same where notebooks are not trusted.
_SAFE = {**_BEFORE, "link": "the simulated EV", "journal": "in memory"}
_SAFETY = "Lua only, and of the machine's files only captures below this notebook's folder"


def banner(session: LiveSession | None, safe: bool = False) -> str:
    """The text for a front end that connects, be it the first or one that comes back.

    Parameters
    ----------
    session : LiveSession or None
        The one that is open.
    safe : bool
        Whether notebooks are not trusted.
    """
    facts = (_SAFE if safe else _BEFORE) if session is None else _standing(session)
    facts = {**facts, **({"safe": _SAFETY} if safe else {}), "help": _HELP}
    lines = [f"secc-kernel {__version__}: EV charging communication, scripted in Lua 5.4"]
    lines += [f"{name:<8}  {text}" for name, text in facts.items()]
    return "\n".join(lines) + "\n"


def _standing(session: LiveSession) -> dict[str, str]:
    status = session.status
    kept = "in memory" if session.journal.path is None else str(session.journal.path)
    return {
        "link": f"{status.link}, {status.place}; the script is the {status.side}",
        "protocol": status.protocol or "none so far",
        "state": status.ended or status.state,
        "journal": f"{kept}, {status.messages} messages",
    }
