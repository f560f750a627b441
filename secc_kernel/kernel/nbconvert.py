"""``nbconvert --to script`` for Lua notebooks; JupyterLab's "Save and Export Notebook As", too.

nbconvert finds this by the entry point ``lua`` of the group ``nbconvert.exporters.script``; it is no dependency, and
without it nobody imports this module. By itself it would write the Python of a notebook into the script as it is.
"""

from __future__ import annotations

from typing import Any

from nbconvert.exporters import Exporter
from nbformat import NotebookNode

from secc_kernel.kernel import percent

__all__ = ["LuaExporter"]


class LuaExporter(Exporter):
    """Writes a notebook as a Lua script with cells."""

    file_extension = ".lua"
    output_mimetype = "text/x-lua"

    def from_notebook_node(  # type: ignore[override]  # the base gives a notebook, as no exporter does
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """The script, and what nbconvert wants to know of it."""
        notebook, found = super().from_notebook_node(nb, resources, **kw)
        script = percent.write((cell.cell_type, cell.source) for cell in notebook.cells)
        name = found["metadata"].get("name", "notebook")
        return f"-- {name}, a notebook as a script: secc-kernel run {name}.lua\n\n{script}", found
