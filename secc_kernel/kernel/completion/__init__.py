"""Completion of Lua: what may stand at a cursor, from the declarations and a picture of the kernel.

Nothing here asks Lua or the session, so completion is answered at any time, also while a cell runs, and never runs code
of a user.
"""

from __future__ import annotations

from .candidates import Candidate, Completion, complete
from .context import Context, context
from .world import World

__all__ = ["Candidate", "Completion", "Context", "World", "complete", "context"]
