"""The process of a testbed that is its powerline: a modem at each host's cable."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from secc_kernel.commands._testbed.control import serve
from secc_kernel.commands._testbed.plan import LINE, Plan, end_of, socket_of
from secc_kernel.link.emulator import Emulator
from secc_kernel.link.modem import Powerline

_DISTURBANCES = ("join_time", "loss", "duplicates", "jitter")
"""Attributes of `Powerline` that can be set."""


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


class _Line:
    def __init__(self, plan: Plan) -> None:
        self._macs = {host.name: _mac(host.mac) for host in plan.hosts}
        self._cars = [host.name for host in plan.cars]
        self._powerline = Powerline(**{key: plan.line[key] for key in _DISTURBANCES})
        self._attenuate(plan.line["attenuation"], self._cars)
        hosts = {host.name: (end_of(host), self._macs[host.name]) for host in plan.hosts}
        self._emulator = Emulator(hosts, self._powerline)

    def _attenuate(self, profile: list[int], cars: list[str]) -> None:
        station = self._macs["station"]
        for car in cars:
            self._powerline.attenuation[self._macs[car], station] = profile

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What `control.ask` is answered."""
        do = asked["do"]
        if do == "modem":
            self._emulator.disturb(asked["host"], asked["what"])
        elif do == "trip":
            self._emulator.trip(asked["host"], asked["what"], int(asked["after"]))
        elif do == "line":
            self._change(asked)
        elif do != "status":
            raise ValueError(f"the line cannot {do!r}")
        return {"modems": self._emulator.status(), **{key: getattr(self._powerline, key) for key in _DISTURBANCES}}

    def _change(self, asked: dict[str, Any]) -> None:
        for key in _DISTURBANCES:
            if asked.get(key) is not None:
                setattr(self._powerline, key, float(asked[key]))
        if asked.get("attenuation") is not None:
            car = asked.get("car")
            if car is not None and car not in self._cars:
                raise ValueError(f"there is no car {car!r}: there are {', '.join(self._cars)}")
            self._attenuate(asked["attenuation"], [car] if car else self._cars)

    def close(self) -> None:
        self._emulator.close()


async def _run(name: str) -> None:
    plan = Plan.load(name)
    assert plan is not None
    line = _Line(plan)
    try:
        await serve(socket_of(plan, LINE), line.answer)
    finally:
        line.close()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1]))
