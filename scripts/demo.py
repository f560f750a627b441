"""Execute the first notebook without a front end and print what happened: make demo."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellExecutionError, DeadKernelError

import secc_kernel
from notebooks import FOLDER, execute

NOTEBOOK = FOLDER / "01_session_setup.ipynb"
#: The cells that carry this tag are printed, with what they showed.
TAG = "demo"


def texts(cell: Any) -> list[str]:
    """What a cell showed, as plain text."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream":
            found.append(output.text)
        elif "text/plain" in output.get("data", {}):
            found.append(output.data["text/plain"])
    return [text.rstrip("\n") for text in found]


def report(notebook: Any) -> None:
    """Print the tagged cells."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and TAG in cell.metadata.get("tags", ()):
            print()
            for number, line in enumerate(cell.source.splitlines()):
                print(f"{f'In [{cell.execution_count}]:' if number == 0 else '':<8} {line}")
            for text in texts(cell):
                print(f"\n{text}")


def main() -> int:
    path = NOTEBOOK.relative_to(Path.cwd()) if NOTEBOOK.is_relative_to(Path.cwd()) else NOTEBOOK
    print(f"secc-kernel {secc_kernel.__version__}: executing {path} against the simulated EV", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            notebook = execute(nbformat.read(NOTEBOOK, as_version=4), folder)
        except (CellExecutionError, DeadKernelError) as error:
            print(f"the notebook did not run to its end:\n{error}", file=sys.stderr)
            return 1
    report(notebook)
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    print(f"\nAll {cells} cells ran in {time.monotonic() - start:.1f} s.")
    print("Open the notebook in JupyterLab:  make lab")
    return 0


if __name__ == "__main__":
    sys.exit(main())
