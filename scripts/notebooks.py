"""Build the notebooks: execute each text of notebooks/src against the simulated EV and keep what it shows.

The Markdown in notebooks/src (jupytext's format) is what people edit and review; the .ipynb beside it is what people
read and run, with its outputs, and is only ever built. Nothing in it depends on when or where it was built: cells are
numbered, times of execution are not kept, and the simulated link's clock is virtual. So building twice gives the same
file, and a difference is a difference in what the kernel shows.

    python scripts/notebooks.py [NAME...]       # all, or the ones of these names (01_session_setup)
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
SOURCES = FOLDER / "src"
#: Seconds that one cell may take; a whole notebook stays under a minute.
TIMEOUT = 60


def execute(notebook: Any, folder: Path | str) -> Any:
    """Run all cells of a notebook with its kernel, with ``folder`` as working directory; gives the notebook back."""
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name=notebook.metadata.kernelspec.name,
        extra_arguments=["--log-level=ERROR"],  # ipykernel warns of unencrypted ports at each start
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
    )
    with tempfile.TemporaryDirectory() as own:
        # Neither the user's IPython settings and startup files change what a notebook does, nor the other way round.
        return client.execute(env={**os.environ, "IPYTHONDIR": own})


def read_source(path: Path) -> Any:
    """The notebook that a text of notebooks/src stands for, without outputs, its cells numbered."""
    import jupytext

    notebook = jupytext.read(path, fmt="md")
    del notebook.metadata["jupytext"]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def build(source: Path) -> Any:
    """Execute a text; gives the notebook as it is to be saved."""
    notebook = read_source(source)
    with tempfile.TemporaryDirectory() as folder:
        notebook = execute(notebook, folder)
    nbformat.validate(notebook)
    return notebook


def main(names: list[str]) -> None:
    for source in sorted(SOURCES.glob("*.md")):
        if names and source.stem not in names:
            continue
        start = time.monotonic()
        notebook = build(source)
        target = FOLDER / f"{source.stem}.ipynb"
        nbformat.write(notebook, target)
        size = target.stat().st_size
        print(f"{target.relative_to(FOLDER.parent)}: {time.monotonic() - start:.1f} s, {size / 1000:.0f} KB")


if __name__ == "__main__":
    main(sys.argv[1:])
