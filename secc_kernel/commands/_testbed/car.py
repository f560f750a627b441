"""The process of a testbed that is a car: it is plugged in and out by what its socket is told."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from secc_kernel.commands._testbed.control import serve
from secc_kernel.commands._testbed.plan import Host, Plan, socket_of
from secc_kernel.link.live import LiveSession, SessionError
from secc_kernel.link.plc import PlcVehicle
from secc_kernel.link.tls_contexts import TlsSettings
from secc_kernel.session.events import Ended
from secc_kernel.session.journal import Journal, JournalError
from secc_kernel.session.sequence import SEQUENCES
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.vehicle.profiles import usual_pace
from secc_kernel.wire import sdp

_OPTIONS = {
    "profile": "compact",
    "soc": 40.0,
    "target_soc": 80.0,
    "energy": None,
    "protocols": None,
    "patient": False,
    "hurry": 1.0,
    "tls": False,
}
"""What can be said of the vehicle that is plugged in, as `SimulatedEV` takes it; how much faster than cars it is; and
whether it wants TLS, with the PKI of a folder or one that is thrown away."""


class _Car:
    def __init__(self, plan: Plan, host: Host) -> None:
        self._host = host
        self._journals = Path(plan.journals) if plan.journals else plan.folder
        self._session: LiveSession | None = None
        self._journal: Path | None = None
        self._plugged = 0
        self._outcome = ""

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What `control.ask` is answered."""
        do = asked.pop("do")
        if do == "plug":
            self._plug(asked)
        elif do == "unplug":
            self._unplug()
        elif do != "status":
            raise ValueError(f"a car cannot {do!r}")
        return self._status()

    def _plug(self, options: dict[str, Any]) -> None:
        if self._session is not None and not self._outcome:
            raise ValueError(f"{self._host.name} is plugged in: unplug it first")
        self._unplug()
        unknown = set(options) - set(_OPTIONS)
        if unknown:
            raise ValueError(f"a vehicle has no {', '.join(sorted(unknown))}: it has {', '.join(_OPTIONS)}")
        path = self._journals / f"{self._host.name}-{self._plugged + 1:03}.jsonl"
        try:
            journal = Journal(path, overwrite=True)
        except JournalError as error:
            raise ValueError(str(error)) from error
        try:
            self._session = self._vehicle_with({**_OPTIONS, **options}, journal)
        except BaseException:
            journal.close()
            path.unlink()
            raise
        self._plugged += 1
        self._outcome, self._journal = "", path
        self._session.plug()
        self._session.run_to_end().add_done_callback(self._ended)

    def _vehicle_with(self, chosen: dict[str, Any], journal: Journal) -> LiveSession:
        hurry, tls = float(chosen.pop("hurry")), chosen.pop("tls")
        if hurry <= 0:
            raise ValueError(f"a vehicle is some times as fast as cars, more than 0 times, not {hurry:g}")
        unknown = set(chosen["protocols"] or ()) - set(SEQUENCES)
        if unknown:
            raise ValueError(f"no vehicle speaks {', '.join(sorted(unknown))}: it offers {', '.join(SEQUENCES)}")
        if tls:
            chosen["security"] = sdp.Security.TLS
        try:
            vehicle = SimulatedEV(
                **chosen, journal=journal, pace=lambda name, previous: usual_pace(name, previous) / hurry
            )
        except KeyError as error:  # there is no such profile
            raise ValueError(error.args[0]) from error
        settings = TlsSettings(pki=tls if isinstance(tls, str) else None) if tls else None
        link = PlcVehicle(vehicle, interface=self._host.interface, tls=settings)
        return LiveSession(link, side="EVCC")

    def _ended(self, done: Future[Any]) -> None:
        """In the link's thread: the wait for the end is over."""
        error = None if done.cancelled() else done.exception()
        if done.cancelled():
            self._outcome = "unplugged"
        elif error is not None:
            self._outcome = f"failed: {error}"
        else:
            ended = done.result()
            self._outcome = f"{ended.how}: {ended.reason}" if isinstance(ended, Ended) else str(ended)

    def _unplug(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        try:
            session.unplug()
        except SessionError:
            pass  # its link has gone already
        session.close()
        session.journal.close()
        self._outcome = self._outcome or "unplugged"

    def _status(self) -> dict[str, Any]:
        session = self._session
        status = session.status if session is not None else None
        return {
            "plugged": session is not None,
            "plug_ins": self._plugged,
            "outcome": self._outcome,
            "state": "" if status is None else status.state,
            "protocol": None if status is None else status.protocol,
            "messages": 0 if status is None else status.messages,
            "journal": None if self._journal is None else str(self._journal),
            "threads": threading.active_count(),
        }

    def close(self) -> None:
        self._unplug()


async def _run(name: str, car: str) -> None:
    plan = Plan.load(name)
    assert plan is not None
    here = _Car(plan, next(host for host in plan.cars if host.name == car))
    try:
        await serve(socket_of(plan, car), here.answer)
    finally:
        here.close()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], sys.argv[2]))
