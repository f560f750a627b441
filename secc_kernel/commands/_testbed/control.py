"""How the processes of a testbed are spoken to: a line of JSON each way on a Unix socket."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["ControlError", "ask", "serve", "wait_until_there"]

_PATIENCE = 30.0
"""Seconds for an answer, and for a process to begin: machines are busy."""


class ControlError(Exception):
    """A process of the testbed does not answer, or says that it cannot do what it was asked for."""


def ask(path: Path, do: str, **what: Any) -> dict[str, Any]:
    """Ask a process for something.

    Parameters
    ----------
    path : Path
        Its socket.
    do : str
        What it shall do.
    **what
        The particulars.

    Returns
    -------
    dict
        Its answer.

    Raises
    ------
    ControlError
        There is none, or it is an error; the text says which.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps({"do": do, **what}).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
        except OSError as error:
            raise ControlError(f"{path.stem} does not answer: {error.strerror or error}") from error
    answer: dict[str, Any] = json.loads(line) if line else {"error": f"{path.stem} has ended"}
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer


def wait_until_there(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process that was started answers.

    Raises
    ------
    ControlError
        It has ended instead, or takes too long.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            ask(path, "status")
            return
        except ControlError as error:
            if process.poll() is not None:
                raise ControlError(f"{path.stem} has ended as soon as it was started") from error
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


async def serve(path: Path, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer what is asked on a socket, until SIGTERM or SIGINT.

    Parameters
    ----------
    path : Path
        The socket to be made.
    answer : callable
        Gives the answer to a question; a ValueError of it is the answer, too.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    reply = answer(json.loads(line))
                except (ValueError, OSError) as error:
                    reply = {"error": str(error)}
                except Exception as error:
                    # A mistake of ours in one answer must not cost a car its session: its log has the whole of it.
                    traceback.print_exc()
                    reply = {"error": f"{type(error).__name__}: {error}"}
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass  # whoever asked has gone
        finally:
            writer.close()

    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(connected, path)
    await ended.wait()
    server.close()
    path.unlink(missing_ok=True)
