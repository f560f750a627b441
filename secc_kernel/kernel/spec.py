"""The kernelspecs ``secc`` and ``secc-safe``: how a front end starts the kernel."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["NAME", "RESOURCES", "SAFE", "install", "specification"]

#: Names of the kernelspecs: that of the kernel, and that of the one for notebooks that are not trusted.
NAME, SAFE = "secc", "secc-safe"

#: The kernelspecs as the wheel installs them, where the interpreter is ``python``: the one of whoever installs. Both
#: have the logos of the first.
RESOURCES = {NAME: Path(__file__).parent / "kernelspec", SAFE: Path(__file__).parent / "kernelspec-safe"}


def specification(executable: str = sys.executable, name: str = NAME) -> dict[str, Any]:
    """The content of ``kernel.json`` for an interpreter."""
    spec: dict[str, Any] = json.loads((RESOURCES[name] / "kernel.json").read_text("utf-8"))
    spec["argv"][0] = executable
    return spec


def install(user: bool = False, prefix: str | None = None, name: str = NAME) -> str:
    """Install a kernelspec for the running interpreter.

    Parameters
    ----------
    user : bool
        For this user only.
    prefix : str, optional
        Into ``<prefix>/share/jupyter/kernels``; without it and without `user` into a folder of the whole system.
    name : str
        Which of the kernelspecs.

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
        source = Path(folder) / name
        shutil.copytree(RESOURCES[NAME], source)
        (source / "kernel.json").write_text(json.dumps(specification(name=name), indent=1) + "\n", "utf-8")
        return str(KernelSpecManager().install_kernel_spec(str(source), name, user=user, prefix=prefix))
