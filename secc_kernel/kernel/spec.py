"""The kernelspec ``secc``: how a front end starts the kernel."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["NAME", "RESOURCES", "install", "specification"]

#: Name of the kernelspec.
NAME = "secc"

#: The kernelspec as the wheel installs it, with its logos. There the interpreter is ``python``: the one of whoever
#: installs.
RESOURCES = Path(__file__).parent / "kernelspec"


def specification(executable: str = sys.executable) -> dict[str, Any]:
    """The content of ``kernel.json`` for an interpreter."""
    spec: dict[str, Any] = json.loads((RESOURCES / "kernel.json").read_text("utf-8"))
    spec["argv"][0] = executable
    return spec


def install(user: bool = False, prefix: str | None = None) -> str:
    """Install the kernelspec for the running interpreter.

    Parameters
    ----------
    user : bool
        For this user only.
    prefix : str, optional
        Into ``<prefix>/share/jupyter/kernels``; without it and without `user` into a folder of the whole system.

    Returns
    -------
    str
        Where it is now.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / NAME
        shutil.copytree(RESOURCES, source)
        (source / "kernel.json").write_text(json.dumps(specification(), indent=1) + "\n", "utf-8")
        return str(KernelSpecManager().install_kernel_spec(str(source), NAME, user=user, prefix=prefix))
