"""Jupyter's debug requests, which are those of the Debug Adapter Protocol and a few of Jupyter's own.

Requests come on the control channel, in its thread; events go out as ``debug_event``. What needs Lua is asked of the
engine (`secc_kernel.lua.debugging`), whose thread answers also while a cell has stopped. There is one thread for the
front end: coroutines are shown as parts of one stack.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, ClassVar

from secc_kernel.kernel.debug.points import LinePoints
from secc_kernel.kernel.debug.sources import SUFFIX, Sources
from secc_kernel.kernel.debug.variables import variable
from secc_kernel.kernel.display import LuaResult, displayed
from secc_kernel.lua.debugging import JobError, Row, StoppedAt, read_picture, read_row, read_rows, read_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secc_kernel.kernel.debug.protocol import ProtocolBreakpoints
    from secc_kernel.lua import LuaEngine

__all__ = ["DebugAdapter"]

THREAD = 1
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_FILTERS = [
    {"filter": "uncaught", "label": "Uncaught Errors", "description": "Stops where an error ends the cell."},
    {"filter": "all", "label": "All Errors", "description": "Stops at every error, also those that pcall catches."},
]
_CAPABILITIES = {
    **dict.fromkeys(
        [
            "supportsConfigurationDoneRequest",
            "supportsFunctionBreakpoints",
            "supportsConditionalBreakpoints",
            "supportsHitConditionalBreakpoints",
            "supportsLogPoints",
            "supportsEvaluateForHovers",
            "supportsSetVariable",
            "supportsExceptionInfoRequest",
            "supportsModulesRequest",
            "supportsTerminateRequest",
            "supportsDelayedStackTraceLoading",
            "supportsClipboardContext",
        ],
        True,
    ),
    "exceptionBreakpointFilters": _FILTERS,
}
#: What may be asked before a debugger was started.
_ALWAYS = frozenset(["initialize", "debugInfo", "inspectVariables", "richInspectVariables", "modules", "variables"])
_WORDS = {"breakpoint": "Paused on breakpoint", "pause": "Paused", "step": "Paused after a step"}


class DebugAdapter:
    """The debugger of one kernel.

    Parameters
    ----------
    engine : LuaEngine
        Runs the cells.
    cells : mapping
        The texts of the cells that have run, by their names in Lua.
    publish : callable
        Sends an event.
    protocol : callable
        Gives, as a future, the breakpoints of messages; they may need imports in the engine's thread.
    render : callable
        Gives the mime bundle of a displayed object, and its metadata.
    """

    def __init__(
        self,
        engine: LuaEngine,
        cells: Mapping[str, str],
        publish: Callable[[dict[str, Any]], object],
        protocol: Callable[[], Future[ProtocolBreakpoints]],
        render: Callable[[Any], tuple[dict[str, Any], dict[str, Any]]],
    ) -> None:
        self._debugger = engine.debugger
        self._sources = Sources(cells)
        self._points = LinePoints(self._sources)
        self._publish = publish
        self._get_protocol = protocol
        self._protocol: ProtocolBreakpoints | None = None
        self._render = render
        self._sequence = itertools.count(1)
        self._started = False
        self._lab = True
        debugger = self._debugger
        debugger.breakpoints, debugger.lines = self._points.of_chunk, self._points.lines
        debugger.on_stop = self._stopped
        debugger.on_go = self._continued
        debugger.on_log = lambda text: self._event("output", {"category": "console", "output": f"{text}\n"})

    async def process(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a request."""
        command = str(request.get("command", ""))
        reply = {
            "type": "response",
            "seq": next(self._sequence),
            "request_seq": request.get("seq", 0),
            "command": command,
        }
        handler = self._handlers.get(command)
        try:
            if handler is None:
                raise JobError(f"the debugger has no request {command!r}")
            if not self._started and command not in _ALWAYS:
                raise JobError("the debugger is not started")
            body = await handler(self, request.get("arguments") or {})
        except (JobError, KeyError, TypeError, ValueError) as problem:
            text = str(problem) if isinstance(problem, JobError) else f"bad arguments of {command}: {problem!r}"
            empty = _EMPTY.get(command, {})
            return {**reply, "success": False, "message": text, "body": {**empty, "error": {"id": 1, "format": text}}}
        return {**reply, "success": True, "body": body or {}}

    def close(self) -> None:
        """End what is being debugged: the kernel shuts down."""
        if self._started:
            self._end()

    # Events --------------------------------------------------------------------------------------------------------

    def _event(self, event: str, body: dict[str, Any] | None = None) -> None:
        self._publish({"type": "event", "seq": next(self._sequence), "event": event, "body": body or {}})

    def _stopped(self, stop: StoppedAt) -> None:
        body: dict[str, Any] = {"reason": stop.reason, "threadId": THREAD, "allThreadsStopped": True}
        body["description"] = stop.text or _WORDS.get(stop.reason, stop.reason)
        if stop.reason == "exception":
            body["description"], body["text"] = "Paused on error", stop.text
        if stop.breakpoints:
            body["hitBreakpointIds"] = list(stop.breakpoints)
        self._event("stopped", body)

    def _continued(self) -> None:
        self._event("continued", {"threadId": THREAD, "allThreadsContinued": True})

    # Starting and ending -------------------------------------------------------------------------------------------

    async def _initialize(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._started = True
        self._lab = asked.get("clientID", "jupyterlab") == "jupyterlab"
        return _CAPABILITIES

    async def _attach(self, asked: dict[str, Any]) -> None:
        self._debugger.attach()
        self._event("initialized")
        with contextlib.suppress(JobError):  # the kernel is busy: asked again for the first of these breakpoints
            await self._protocol_breakpoints()

    async def _protocol_breakpoints(self) -> ProtocolBreakpoints:
        if self._protocol is None:
            self._protocol = await self._debugger.patiently(self._get_protocol())
        if self._started:
            self._protocol.attach()
        return self._protocol

    async def _disconnect(self, asked: dict[str, Any]) -> None:
        self._end()

    def _end(self) -> None:
        self._started = False
        self._points.clear()
        was_stopped = self._debugger.stopped is not None
        if was_stopped:
            self._continued()
        self._debugger.detach()
        if self._protocol is not None:
            self._protocol.detach()
        self._event("terminated")

    async def _configuration_done(self, asked: dict[str, Any]) -> None:
        """Nothing waits for it: a kernel runs already."""

    async def _debug_info(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {
            "isStarted": self._started,
            "hashMethod": "Murmur2",
            "hashSeed": self._sources.seed,
            "tmpFilePrefix": self._sources.prefix,
            "tmpFileSuffix": SUFFIX,
            "breakpoints": self._points.all(),
            "stoppedThreads": [THREAD] if self._debugger.stopped is not None else [],
            "richRendering": True,
            "exceptionPaths": ["Lua errors"],
            "copyToGlobals": True,
            "debugged": "Lua cells; %%python cells are not",
        }

    # Breakpoints ---------------------------------------------------------------------------------------------------

    async def _dump_cell(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"sourcePath": self._sources.add(asked["code"])}

    async def _set_breakpoints(self, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = asked.get("breakpoints")
        if wanted is None:
            wanted = [{"line": line} for line in asked.get("lines", [])]
        made = self._points.replace(asked["source"]["path"], wanted)
        self._debugger.refresh()
        return {"breakpoints": made}

    async def _set_function_breakpoints(self, asked: dict[str, Any]) -> dict[str, Any]:
        protocol = await self._protocol_breakpoints()
        wanted = asked["breakpoints"]
        return {"breakpoints": protocol.set(wanted, self._points.numbers(len(wanted)))}

    async def _set_exception_breakpoints(self, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = [*asked.get("filters", []), *(option["filterId"] for option in asked.get("filterOptions", []))]
        known = {str(each["filter"]) for each in _FILTERS}
        self._debugger.submit("errors", "all" in wanted, "uncaught" in wanted)
        return {"breakpoints": [{"verified": name in known} for name in wanted]}

    async def _exception_info(self, asked: dict[str, Any]) -> dict[str, Any]:
        stop = self._debugger.stopped
        if stop is None or stop.reason != "exception":
            raise JobError("the cell has not stopped at an error")
        return {"exceptionId": "Lua error", "description": stop.text, "breakMode": "always"}

    # Going on ------------------------------------------------------------------------------------------------------

    def _go(self, how: str) -> None:
        if self._debugger.stopped is None:
            raise JobError("no cell has stopped")
        self._continued()
        self._debugger.go(how)

    async def _continue(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._go("continue")
        return {"allThreadsContinued": True}

    async def _next(self, asked: dict[str, Any]) -> None:
        self._go("over")

    async def _step_in(self, asked: dict[str, Any]) -> None:
        self._go("in")

    async def _step_out(self, asked: dict[str, Any]) -> None:
        self._go("out")

    async def _pause(self, asked: dict[str, Any]) -> None:
        if self._debugger.stopped is None:
            self._debugger.pause()

    # Looking -------------------------------------------------------------------------------------------------------

    async def _threads(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"threads": [{"id": THREAD, "name": "Lua"}]}

    async def _stack_trace(self, asked: dict[str, Any]) -> dict[str, Any]:
        frames = await self._debugger.ask("stack", read=read_tables) if self._debugger.stopped is not None else []
        first, count = asked.get("startFrame") or 0, asked.get("levels") or len(frames)
        shown = [self._frame(each) for each in frames[first : first + count]]
        stop = self._debugger.stopped
        if self._lab and stop is not None and stop.text and shown and not first:
            shown[0]["name"] += f": {stop.text}"  # JupyterLab shows no other text of a stop
        return {"stackFrames": shown, "totalFrames": len(frames)}

    def _frame(self, facts: dict[str, Any]) -> dict[str, Any]:
        chunk = facts["source"]
        path = self._sources.path(chunk)
        title = chunk[1:] if chunk.startswith(("=", "@")) else "text of load"
        frame = {"id": facts["id"], "line": facts["line"], "column": 1, "name": facts.get("name")}
        if facts["what"] == "main":
            frame["name"] = title
        elif not frame["name"]:
            frame["name"] = f"function <{title}:{facts['defined']}>"
        frame["source"] = {"name": title, "path": path} if path else {"name": title, "presentationHint": "deemphasize"}
        return frame

    async def _scopes(self, asked: dict[str, Any]) -> dict[str, Any]:
        message = self._protocol.message() if self._protocol is not None else None
        extra = () if message is None else ("Message", message)
        found = await self._debugger.ask("scopes", asked["frameId"], *extra, read=read_tables)
        return {
            "scopes": [
                {"name": each["name"], "variablesReference": each["ref"], "expensive": False}
                | ({"presentationHint": each["hint"]} if each.get("hint") else {})
                for each in found
            ]
        }

    async def _variables(self, asked: dict[str, Any]) -> dict[str, Any]:
        which = asked["variablesReference"], asked.get("filter"), asked.get("start"), asked.get("count")
        return self._shown(await self._debugger.ask("children", *which, read=read_rows))

    def _shown(self, rows: list[Row]) -> dict[str, Any]:
        return {"variables": [variable(row, self._lab) for row in rows]}

    def _value(self, row: Row) -> dict[str, Any]:
        """A value that has no name of its own."""
        shown = variable(row, self._lab)
        return {key: value for key, value in shown.items() if key not in ("name", "evaluateName")}

    async def _inspect_variables(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self._debugger.stopped is not None:
            return {"variables": []}
        return self._shown(await self._debugger.ask("globals", read=read_rows))

    async def _rich_inspect_variables(self, asked: dict[str, Any]) -> dict[str, Any]:
        def render(facts: Any) -> dict[str, Any]:
            values = (read_picture(facts),)
            data, metadata = self._render(displayed(values) or LuaResult(values))
            return {"data": data, "metadata": metadata}

        frame = asked.get("frameId") if self._debugger.stopped is not None else None
        return dict(await self._debugger.ask("picture", frame, asked["variableName"], read=render))

    async def _set_variable(self, asked: dict[str, Any]) -> dict[str, Any]:
        which = asked["variablesReference"], asked["name"], asked["value"]
        return self._value(await self._debugger.ask("assign", *which, read=read_row))

    async def _evaluate(self, asked: dict[str, Any]) -> dict[str, Any]:
        frame = asked.get("frameId") if self._debugger.stopped is not None else None
        row = await self._debugger.ask("evaluate", frame, asked["expression"], read=read_row)
        found = self._value(row)
        return {"result": found.pop("value"), **found}

    async def _copy_to_globals(self, asked: dict[str, Any]) -> dict[str, Any]:
        names = asked["srcVariableName"], asked["dstVariableName"]
        for name in names:
            if not _NAME.fullmatch(name):
                raise JobError(f"{name!r} is not the name of a variable")
        return self._value(await self._debugger.ask("copy", asked["srcFrameId"], *names, read=read_row))

    async def _source(self, asked: dict[str, Any]) -> dict[str, Any]:
        text = self._sources.text(str(asked["source"].get("path", "")))
        if text is None:
            raise JobError("this source text is not known here")
        return {"content": text, "mimeType": "text/x-lua"}

    async def _modules(self, asked: dict[str, Any]) -> dict[str, Any]:
        texts = enumerate(self._sources.known())
        known = [{"id": number, "name": name, "path": path} for number, (name, path) in texts]
        first = asked.get("startModule") or 0
        shown = known[first : first + (asked.get("moduleCount") or len(known))]
        return {"modules": shown, "totalModules": len(known)}

    _handlers: ClassVar[dict[str, Callable[..., Awaitable[Any]]]] = {
        "initialize": _initialize,
        "attach": _attach,
        "disconnect": _disconnect,
        "terminate": _disconnect,
        "configurationDone": _configuration_done,
        "debugInfo": _debug_info,
        "dumpCell": _dump_cell,
        "setBreakpoints": _set_breakpoints,
        "setFunctionBreakpoints": _set_function_breakpoints,
        "setExceptionBreakpoints": _set_exception_breakpoints,
        "exceptionInfo": _exception_info,
        "continue": _continue,
        "next": _next,
        "stepIn": _step_in,
        "stepOut": _step_out,
        "pause": _pause,
        "threads": _threads,
        "stackTrace": _stack_trace,
        "scopes": _scopes,
        "variables": _variables,
        "inspectVariables": _inspect_variables,
        "richInspectVariables": _rich_inspect_variables,
        "setVariable": _set_variable,
        "evaluate": _evaluate,
        "copyToGlobals": _copy_to_globals,
        "source": _source,
        "modules": _modules,
    }


#: What front ends expect to find also in a reply that has failed.
_EMPTY: dict[str, dict[str, Any]] = {
    "inspectVariables": {"variables": []},
    "variables": {"variables": []},
    "richInspectVariables": {"data": {}, "metadata": {}},
    "setBreakpoints": {"breakpoints": []},
}
