"""Builds the codec's extension, `secc_kernel.exi._engine`: in place by ``make compiled``, and for wheels as a hook.

A wheel has it if the hook is enabled: ``HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 pip wheel .``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("secc_kernel/exi/_engine.pyx")


class ExtensionHook(BuildHookInterface[Any]):
    """Adds the extension to a wheel, which is then one for this Python and platform."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        made = build(Path(self.root))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["artifacts"].append(str(made.relative_to(self.root)))


def build(root: Path) -> Path:
    """Compile the extension beside its source; returns its path."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    with tempfile.TemporaryDirectory() as folder:
        extension = Extension("secc_kernel.exi._engine", [str(root / SOURCE)], extra_compile_args=["-O2", "-g0"])
        modules = cythonize([extension], build_dir=folder, quiet=True)
        command = build_ext(Distribution({"ext_modules": modules}))
        command.build_lib, command.build_temp = folder, folder
        command.ensure_finalized()
        command.run()
        found = Path(command.get_ext_fullpath("secc_kernel.exi._engine"))
        made = root / SOURCE.parent / found.name
        made.write_bytes(found.read_bytes())
    return made


if __name__ == "__main__":
    print(f"built {build(Path(__file__).resolve().parents[1])}", file=sys.stderr)
