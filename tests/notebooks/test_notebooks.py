"""The notebooks run, in time, and show what is saved in them.

If this fails after a change: run ``make notebooks``, look at the difference, and commit the notebooks with the change.
"""

import importlib.util
import re
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

from secc_kernel.kernel import spec

ROOT = Path(__file__).resolve().parents[2]
HINT = "what is saved differs: run `make notebooks`, look at the difference, commit both"
SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.md"))
#: The snippets of the documentation's SessionSetup page, as they stand there.
EVSE_ID = "local evseId = 'KR*TC1*ISO1*001'\nSecc.Set_SessionSetupRes_EVSEID(evseId)"
RESPONSE_CODE = (
    "local responseCode = ResponseCodeType.FAILED_SequenceError\nSecc.Set_SessionSetupRes_ResponseCode(responseCode)"
)
SEND = "Secc.Send_SessionSetupRes_001()"
DOCUMENTED = (
    "Secc.Receive_SessionSetupReq_001()",
    "local expectedEvccId = '1020304050607080'\nlocal receivedEvccId = Secc.Get_SessionSetupReq_EVCCID()",
    EVSE_ID,
    RESPONSE_CODE,
    f"{EVSE_ID}\n\n{RESPONSE_CODE}\n\n{SEND}",
)


def saved(source: Path) -> Any:
    return nbformat.read(source.parents[1] / f"{source.stem}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    """scripts/notebooks.py."""
    found = importlib.util.spec_from_file_location("build_notebooks", ROOT / "scripts" / "notebooks.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def kernelspec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel of this checkout, run by this Python, whatever is installed."""
    spec.install(prefix=str(tmp_path))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


def comparable(output: Any) -> Any:
    """An output without what depends on the versions of matplotlib and pandas: pictures, tables not of our making."""
    data = output.get("data", {})
    if "image/png" in data:
        return "a picture"
    if 'class="dataframe"' in data.get("text/html", ""):
        return "a DataFrame"
    return output


@pytest.mark.usefixtures("kernelspec")
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_runs_and_shows_what_is_saved(source: Path, builder: ModuleType) -> None:
    start = time.monotonic()
    built = builder.build(source)
    assert time.monotonic() - start < 60
    kept = saved(source)
    assert built.metadata == kept.metadata
    for new, old in zip(built.cells, kept.cells, strict=True):
        assert new.id == old.id
        assert new.source == old.source, HINT
        if new.cell_type == "code":
            assert new.execution_count == old.execution_count
            assert list(map(comparable, new.outputs)) == list(map(comparable, old.outputs)), f"{new.source}\n{HINT}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_saved_notebook_is_small_and_static(source: Path) -> None:
    path = source.parents[1] / f"{source.stem}.ipynb"
    assert path.stat().st_size < 500_000
    notebook = saved(source)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            assert output.output_type != "error"
            for mime, content in output.get("data", {}).items():
                assert mime in ("text/plain", "text/html", "image/png")
                if mime == "text/html" and 'class="dataframe"' not in content:
                    assert not re.search(r"<(script|style|link|iframe)|\sid=|\son\w+=", content)


def test_the_documented_snippets_are_cells_of_the_first_notebook() -> None:
    cells = [cell.source for cell in saved(SOURCES[0]).cells]
    assert [snippet for snippet in DOCUMENTED if snippet not in cells] == []
