"""A client of Jupyter's debugger, as a front end is one."""

from __future__ import annotations

import time
from typing import Any

from .conftest import Kernel, Outcome

__all__ = ["DebugClient"]


class DebugClient:
    """Sends debug requests on the control channel and reads events from the output channel."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._number = 0
        self._seen: list[dict[str, Any]] = []

    def start(self) -> dict[str, Any]:
        """Begin as JupyterLab does; gives the debugger's abilities."""
        abilities = self.ask("initialize", clientID="tests", linesStartAt1=True)
        self.ask("attach")
        self.event("initialized")
        self.ask("configurationDone")
        return abilities

    def request(self, command: str, timeout: float = 20, **arguments: Any) -> dict[str, Any]:
        self._number += 1
        content = {"type": "request", "seq": self._number, "command": command, "arguments": arguments}
        sent = self.kernel.send("control", "debug_request", content)
        while True:
            reply = self.kernel.client.get_control_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == sent:
                content = reply["content"]
                assert (content["type"], content["request_seq"]) == ("response", self._number)
                assert content["command"] == command
                return dict(content)

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The body of the reply to a request that succeeds."""
        reply = self.request(command, **arguments)
        assert reply["success"], reply
        return dict(reply["body"])

    def refused(self, command: str, **arguments: Any) -> str:
        """Why a request fails."""
        reply = self.request(command, **arguments)
        assert not reply["success"], reply
        return str(reply["message"])

    def event(self, name: str, timeout: float = 20) -> dict[str, Any]:
        """The body of the next event of a kind; output that comes before it is kept for `end`."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            message = self.kernel.client.get_iopub_msg(timeout=timeout)
            if message["msg_type"] == "debug_event" and message["content"]["event"] == name:
                return dict(message["content"]["body"])
            self._seen.append(message)
        raise AssertionError(f"no event {name}")

    def begin(self, code: str, lines: list[int] | None = None, **more: Any) -> str:
        """Run a cell with breakpoints."""
        if lines is not None:
            self.breakpoints(code, *({"line": line} | more for line in lines))
        return self.kernel.begin(code)

    def breakpoints(self, code: str, *points: dict[str, Any]) -> list[dict[str, Any]]:
        path = self.ask("dumpCell", code=code)["sourcePath"]
        return list(self.ask("setBreakpoints", source={"path": path}, breakpoints=list(points))["breakpoints"])

    def stopped(self, reason: str = "breakpoint") -> dict[str, Any]:
        body = self.event("stopped")
        assert body["reason"] == reason, body
        return body

    def frames(self) -> list[dict[str, Any]]:
        return list(self.ask("stackTrace", threadId=1)["stackFrames"])

    def where(self) -> list[tuple[str, int]]:
        return [(frame["name"], frame["line"]) for frame in self.frames()]

    def line(self) -> int:
        return int(self.frames()[0]["line"])

    def scopes(self, frame: int = 0) -> dict[str, int]:
        found = self.ask("scopes", frameId=self.frames()[frame]["id"])["scopes"]
        return {scope["name"]: scope["variablesReference"] for scope in found}

    def variables(self, reference: int, **page: Any) -> dict[str, str]:
        found = self.ask("variables", variablesReference=reference, **page)["variables"]
        return {each["name"]: each["value"] for each in found}

    def locals(self, frame: int = 0) -> dict[str, str]:
        return self.variables(self.scopes(frame)["Locals"])

    def evaluate(self, expression: str, frame: int = 0) -> str:
        return str(self.ask("evaluate", expression=expression, frameId=self.frames()[frame]["id"])["result"])

    def step(self, how: str) -> int:
        """Step; gives the line where that ends."""
        self.ask(how, threadId=1)
        self.event("continued")
        self.stopped("step")
        return self.line()

    def go(self) -> None:
        self.ask("continue", threadId=1)
        self.event("continued")

    def end(self, request: str) -> Outcome:
        """Let the cell end, and give what it has put out."""
        outcome = self.kernel.end(request)
        before = [
            (seen["msg_type"], seen["content"]) for seen in self._seen if seen["parent_header"].get("msg_id") == request
        ]
        outcome.messages[:0] = [message for message in before if message[0] != "status"]
        self._seen.clear()
        return outcome
