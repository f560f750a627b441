"""The standards' schemas and an independent codec, as PyPI's iso15118 package carries them; this repository does not.

They are taken from SECC_KERNEL_SCHEMAS, from the Python that has the package, or from PyPI, and kept in a folder for
temporary files between runs.
"""

from __future__ import annotations

import base64
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "iso15118==0.31.2"
#: Vocabulary -> the schema document that brings in all its namespaces.
MAIN = {
    "sap": "sap/V2G_CI_AppProtocol.xsd",
    "din": "din_spec/V2G_CI_MsgDef.xsd",
    "iso2": "iso15118_2/V2G_CI_MsgDef.xsd",
    "iso20_common": "iso15118_20/V2G_CI_CommonMessages.xsd",
    "iso20_ac": "iso15118_20/V2G_CI_AC.xsd",
    "iso20_dc": "iso15118_20/V2G_CI_DC.xsd",
    "iso20_wpt": "iso15118_20/V2G_CI_WPT.xsd",
    "iso20_acdp": "iso15118_20/V2G_CI_ACDP.xsd",
    "xmldsig": "xmldsig-core-schema.xsd",
}
JAR = "EXICodec.jar"


@functools.cache
def obtain(peer_python: Path) -> tuple[Path | None, str]:
    """The folder with the schemas and the jar, or None and the reason."""
    given = os.environ.get("SECC_KERNEL_SCHEMAS")
    folder = Path(given) if given else Path(tempfile.gettempdir()) / f"secc-kernel-schemas-{os.getuid()}"
    if all((folder / name).exists() for name in (*MAIN.values(), JAR)):
        return folder, ""
    if given:
        return None, f"no schemas in SECC_KERNEL_SCHEMAS ({given})"
    try:
        files = _installed(peer_python) or _downloaded()
    except (subprocess.SubprocessError, OSError) as error:
        return None, f"{PACKAGE} can neither be found nor downloaded: {error}"
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        _lay_out(files, Path(made))
        shutil.copytree(made, folder, dirs_exist_ok=True)
    return folder, ""


def _installed(peer_python: Path) -> dict[str, bytes]:
    if not peer_python.exists():
        return {}
    where = "import iso15118, pathlib; print(pathlib.Path(iso15118.__file__).parent / 'shared')"
    found = subprocess.run([peer_python, "-c", where], capture_output=True, text=True, check=False)
    root = Path(found.stdout.strip())
    if found.returncode or not root.is_dir():
        return {}
    files = (*root.glob("schemas/**/*.xsd"), root / JAR)
    return {str(f.relative_to(root)): f.read_bytes() for f in files}


def _downloaded() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as made:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "1", "--dest", made]
        subprocess.run([*command, PACKAGE], capture_output=True, check=True, timeout=90)
        with zipfile.ZipFile(next(Path(made).glob("*.whl"))) as wheel:
            prefix = "iso15118/shared/"
            names = [n for n in wheel.namelist() if n.startswith(prefix) and n.endswith((".xsd", ".jar"))]
            return {n.removeprefix(prefix): wheel.read(n) for n in names}


def _lay_out(files: dict[str, bytes], folder: Path) -> None:
    """As parsers without a network find them: one folder a standard, xmldsig beside each, without its DOCTYPE."""
    signature = ""
    for name, content in files.items():
        relative = name.removeprefix("schemas/")
        if "xmldsig" in relative:
            signature = re.sub(r"<!DOCTYPE.*?\]>", "", content.decode(), flags=re.DOTALL)
            continue
        path = folder / (relative if "/" in relative or name == JAR else f"sap/{relative}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for standard in ("", "din_spec/", "iso15118_2/", "iso15118_20/"):
        (folder / f"{standard}xmldsig-core-schema.xsd").write_text(signature)


class Oracle:
    """EXIficient on one vocabulary: ``exi_oracle`` of the reference material, a line asked, a line answered."""

    def __init__(self, tool: Path, schemas: Path, vocabulary: str) -> None:
        self._process = subprocess.Popen(
            [tool, schemas, vocabulary],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )

    def _ask(self, command: str, argument: str) -> str | None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command} {argument}\n")
        answer = self._process.stdout.readline().strip()
        assert answer, "the oracle has ended"
        return None if answer.startswith("ERR") else answer

    def encode(self, xml: bytes | str, mode: str = "") -> bytes | None:
        """EXI of an XML text, or None; ``mode`` is ``f`` for fragments, ``s`` for string tables."""
        text = xml.encode() if isinstance(xml, str) else xml
        answer = self._ask(f"{mode}enc", base64.b64encode(text).decode())
        return None if answer is None else bytes.fromhex(answer)

    def decode(self, exi: bytes, mode: str = "") -> bytes | None:
        """XML of an EXI stream, or None."""
        answer = self._ask(f"{mode}dec", exi.hex())
        return None if answer is None else base64.b64decode(answer)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
