"""What SDP's security byte comes to: what a station answers, and what is to be said about an answer."""

from __future__ import annotations

from secc_kernel.wire import sdp

__all__ = ["RULE", "answer_to", "named", "remark"]

RULE = "sdp-security"
"""The rule of findings about it."""


def named(security: int) -> str:
    """A security byte in words."""
    if security == sdp.Security.TLS:
        return "TLS"
    return "no TLS" if security == sdp.Security.NoTransportLayerSecurity else f"security 0x{security:02X}"


def answer_to(asked: int, offered: int, only: bool) -> int:
    """What a station answers a request.

    Parameters
    ----------
    asked : int
        What the vehicle asks for.
    offered : int
        The best that the station has.
    only : bool
        Whether it has nothing else.
    """
    if offered == sdp.Security.TLS and asked == sdp.Security.NoTransportLayerSecurity and not only:
        return asked
    return offered


def remark(asked: int, answered: int) -> tuple[str, str] | None:
    """Severity and text of the finding about an answer that is another than what was asked for.

    A vehicle that asks for TLS and gets none goes on in the clear, or gives up; nobody has authenticated the answer, so
    somebody on the line may have given it.
    """
    if asked == answered:
        return None
    text = f"the vehicle asked for {named(asked)} and is answered {named(answered)}"
    if asked == sdp.Security.TLS:
        return "warning", f"{text}: a downgrade, what follows can be read and changed by anybody on the line"
    return "note", f"{text}: a vehicle that does no TLS gives up here"
