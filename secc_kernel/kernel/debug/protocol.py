"""Protocol breakpoints for a debugger: stops before a message is sent, or after one was received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secc_kernel.lua.debugging import StoppedAt

if TYPE_CHECKING:
    from secc_kernel.link.breakpoints import Breakpoints, Stop
    from secc_kernel.lua import LuaEngine
    from secc_kernel.lua.bench import Bench

__all__ = ["ProtocolBreakpoints"]


class ProtocolBreakpoints:
    """Where sessions stop while a debugger is attached: at its own breakpoints and those of the script.

    Parameters
    ----------
    engine : LuaEngine
        Runs the scripts.
    bench : Bench
        Where they work.
    """

    def __init__(self, engine: LuaEngine, bench: Bench) -> None:
        self._engine = engine
        self._bench = bench
        self._numbers: dict[int, int] = {}
        self._scope: tuple[Stop, dict[str, Any]] | None = None

    @property
    def _breakpoints(self) -> Breakpoints:
        return self._bench.breakpoints

    def attach(self) -> None:
        """Have sessions stop for the debugger."""
        self._breakpoints.on_break = self._met
        self._engine.debugger.before_going = self._breakpoints.go_on

    def detach(self) -> None:
        """Take the debugger's breakpoints away; those of scripts stay, and end their waits again."""
        self._breakpoints.on_break = None
        self.set([])
        self._breakpoints.go_on()

    def set(self, wanted: list[dict[str, Any]], first: int = 0) -> list[dict[str, Any]]:
        """Replace the debugger's breakpoints.

        Parameters
        ----------
        wanted : list of dict
            As in the protocol: ``name`` is that of a message.
        first : int
            The number of the first one for the front end.

        Returns
        -------
        list of dict
            As in the protocol.
        """
        for number in self._numbers:
            self._breakpoints.remove(number)
        self._numbers.clear()
        return [self._add(asked, first + offset) for offset, asked in enumerate(wanted)]

    def _add(self, asked: dict[str, Any], number: int) -> dict[str, Any]:
        name, hits = str(asked.get("name", "")).strip(), str(asked.get("hitCondition") or "").strip()
        problem = ""
        if asked.get("condition"):
            problem = f"a condition is set by the script: Session.Break({name!r}, {{field=value}})"
        elif hits and not hits.isdecimal():
            problem = f"a message stops the time of a number from 1, not {hits!r}"
        else:
            try:
                made = self._breakpoints.add(name, hits=int(hits) if hits else None)
            except ValueError as error:
                problem = str(error)
            else:
                self._numbers[made] = number
                return {"id": number, "verified": True}
        return {"id": number, "verified": False, "message": problem}

    def _met(self, stop: Stop) -> bool:
        """A session stops, in the link's thread: so does the script, if it is Lua that waits."""
        if not self._engine.running:
            return False
        how = f"before {stop.message} is sent" if stop.direction == "send" else f"after {stop.message} was received"
        number = self._numbers.get(stop.breakpoint)
        self._engine.debugger.hold(StoppedAt("function breakpoint", how, () if number is None else (number,)))
        return True

    def message(self) -> dict[str, Any] | None:
        """The values of the message at which the session stands."""
        stop, session = self._breakpoints.stop, self._bench.session
        if stop is None or session is None:
            return None
        if self._scope is None or self._scope[0] is not stop:
            from secc_kernel.lua.conditions import values_of

            find = session.preview if stop.direction == "send" else session.arrived
            found = find(stop.message)
            self._scope = stop, {} if found is None else values_of(found)
        return self._scope[1]
