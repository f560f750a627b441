"""The pages in docs/api are what the declarations and texts give."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def generator():
    specification = importlib.util.spec_from_file_location("api_docs", ROOT / "scripts" / "api_docs.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(generator):
    return generator.wanted(everything=False)


def test_the_kept_pages_are_current(pages):
    stale = [
        str(path.relative_to(ROOT))
        for path, text in pages.items()
        if not path.is_file() or path.read_text("utf-8") != text
    ]
    assert stale == [], "run make docs, and commit docs/api"


def test_no_page_is_left_of_what_is_gone(generator, pages):
    assert {path for schema in generator.KEPT for path in (generator.FOLDER / schema).glob("*.md")} <= set(pages)


def test_links_between_pages_hold(pages):
    for path, text in pages.items():
        for link in re.findall(r"\]\(([^)#]+\.md)\)", text):
            assert (path.parent / link).resolve() in pages, f"{path.name}: {link}"


def test_each_message_has_a_page_with_its_functions(generator, pages):
    page = pages[generator.FOLDER / "iso2" / "SessionSetupRes.md"]
    assert "`Secc.Set_SessionSetupRes_EVSEID(evseId)` | `evseId` (string) | - |" in page
    assert "`Secc.Set_SessionSetupRes_ResponseCode(responseCode)` | `responseCode` (ResponseCodeType) | - |" in page
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.count(" | ") - line.count("\\|") in (3, 4), line
