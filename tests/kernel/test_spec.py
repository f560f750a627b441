from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from secc_kernel import cli
from secc_kernel.kernel import spec


def test_install_into_a_prefix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["install", "--prefix", str(tmp_path)]) == 0
    folder = tmp_path / "share" / "jupyter" / "kernels" / "secc"
    assert str(folder) in capsys.readouterr().out
    installed = json.loads((folder / "kernel.json").read_text())
    assert installed["argv"] == [sys.executable, "-m", "secc_kernel.kernel", "-f", "{connection_file}"]
    assert installed["language"] == "lua"
    assert installed["interrupt_mode"] == "signal"
    assert installed["metadata"]["debugger"] is True
    assert {"logo-32x32.png", "logo-64x64.png", "logo-svg.svg"} <= {file.name for file in folder.iterdir()}


def test_install_brings_the_safe_kernel_along(tmp_path: Path) -> None:
    assert cli.main(["install", "--prefix", str(tmp_path)]) == 0
    folder = tmp_path / "share" / "jupyter" / "kernels" / "secc-safe"
    installed = json.loads((folder / "kernel.json").read_text())
    assert installed["argv"][0] == sys.executable
    assert installed["language"] == "lua"
    assert installed["display_name"] == "EV charging (Lua, safe)"
    assert installed["metadata"]["debugger"] is False
    assert {"logo-32x32.png", "logo-64x64.png", "logo-svg.svg"} <= {file.name for file in folder.iterdir()}


def test_install_again_replaces(tmp_path: Path) -> None:
    assert cli.main(["install", "--prefix", str(tmp_path)]) == 0
    assert cli.main(["install", "--prefix", str(tmp_path)]) == 0


def test_the_environment_s_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert cli.main(["install", "--sys-prefix"]) == 0
    assert (tmp_path / "share" / "jupyter" / "kernels" / "secc" / "kernel.json").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "share").write_text("a file")
    assert cli.main(["install", "--prefix", str(tmp_path)]) == 2
    assert "--sys-prefix" in capsys.readouterr().err


def test_a_front_end_finds_it(kernelspec: Path) -> None:
    found = KernelSpecManager().get_kernel_spec("secc")
    assert found.display_name == "EV charging (Lua)"
    assert Path(found.resource_dir) == kernelspec


@pytest.mark.parametrize("name", [spec.NAME, spec.SAFE])
def test_the_wheel_s_kernelspec_names_no_machine(name: str) -> None:
    """Whoever installs the wheel replaces ``python`` by its own interpreter."""
    assert json.loads((spec.RESOURCES[name] / "kernel.json").read_text())["argv"][0] == "python"
