import subprocess
import sys

import pytest

import secc_kernel
from secc_kernel import cli
from secc_kernel.commands import CommandError, decode


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"secc-kernel {secc_kernel.__version__}\n"


def test_help_lists_the_commands_by_what_they_do(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "decode" in (out := capsys.readouterr().out)
    assert decode.__doc__.splitlines()[0] in out


@pytest.mark.parametrize("arguments", [[], ["unheard-of"], ["decode"], ["decode", "--format", "docx", "x.pcap"]])
def test_unusable_arguments_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2
    assert "usage: secc-kernel" in capsys.readouterr().err


@pytest.mark.parametrize("error", [CommandError("no such thing"), OSError(28, "No space left on device")])
def test_errors_are_one_line(monkeypatch, capsys, error):
    def fail(_):
        raise error

    monkeypatch.setattr(decode, "main", fail)
    assert cli.main(["decode", "x.pcap"]) == 2
    assert capsys.readouterr().err == f"secc-kernel decode: {error}\n"


def test_an_interrupt_has_no_traceback(monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(decode, "main", interrupt)
    assert cli.main(["decode", "x.pcap"]) == 130


def test_one_command_does_not_load_the_others():
    script = "import sys; from secc_kernel import cli; cli._parser(['decode'])\nprint(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "secc_kernel.commands.decode" in modules
    assert not {"pandas", "scapy", "ipywidgets", "ipykernel", "lupa", "secc_kernel.commands.run"} & set(modules)
