"""Letting the autopilot work until the control pilot is in a state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..session.control_pilot import ControlPilot, PilotChange

if TYPE_CHECKING:
    from .base import Wait
    from .pilot import Pilot

__all__ = ["until_pilot"]


def until_pilot(pilot: Pilot, wire: ControlPilot, state: str, wait: Wait) -> None:
    """Begin a wait of the kind ``run`` that also ends, with True, when the control pilot is in a state.

    Parameters
    ----------
    pilot : Pilot
        Who lets the autopilot work.
    wire : ControlPilot
        What is watched.
    state : str
        The state, ``A`` to ``F``.
    wait : Wait
        The wait.
    """
    if wire.state == state:
        wait.resolve(True)
        return

    def changed(change: PilotChange) -> None:
        if change.state == state and pilot.wait is wait:
            pilot.finish(wait, True)

    end = wire.subscribe(changed)
    wait.future.add_done_callback(lambda future: end())
    pilot.begin(wait)
