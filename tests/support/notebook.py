"""Cells of a notebook, without Jupyter."""

from __future__ import annotations

from secc_kernel.lua import LuaEngine
from secc_kernel.lua.api import install
from secc_kernel.lua.bench import Bench


class Notebook:
    """An engine with the API, cell by cell."""

    def __init__(self):
        self.runs = []
        self.bench = Bench(on_run=self.runs.append)
        self.engine = LuaEngine()
        install(self.engine, self.bench)
        self.cells = 0

    def __call__(self, source):
        self.cells += 1
        with self.bench.script():
            values = self.engine.run(source, f"In[{self.cells}]")
        return values[0] if len(values) == 1 else values

    @property
    def names(self):
        return [frame.name for frame in self.bench.journal.frames]

    @property
    def last(self):
        return self.bench.journal.frames[-1]
