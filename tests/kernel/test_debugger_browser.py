"""The debugger in a real JupyterLab, by mouse and keyboard in a browser.

``SECC_KERNEL_PICTURES`` names a folder for what was seen; the README's picture is the last.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

CELLS = [
    """\
function check(voltage, limit)
  local margin = limit - voltage
  return margin > 0, margin
end""",
    """\
local request = { EVTargetVoltage = 400, EVTargetCurrent = 125 }
local ok, margin = check(request.EVTargetVoltage, 500)
print("margin", margin)""",
    """\
Session.Open{link='sim'}
Session.Break('PreChargeRes')
print(Session.RunToEnd())""",
]


@pytest.fixture
def lab(tmp_path: Path, kernelspec: Path) -> Iterator[str]:
    """JupyterLab with a notebook of the kernel; gives the notebook's address."""
    cells = [
        {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None, "id": f"cell-{n}"}
        for n, cell in enumerate(CELLS)
    ]
    metadata = {"kernelspec": {"name": "secc", "display_name": "EV charging (Lua)", "language": "lua"}}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "debug.ipynb").write_text(json.dumps(notebook))
    settings = tmp_path / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    log = tmp_path / "lab.log"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0", "--ip=127.0.0.1"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--LabApp.extension_manager=readonly"]
    command += [f"--LabApp.user_settings_dir={tmp_path}/settings", f"--LabApp.workspaces_dir={tmp_path}/workspaces"]
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        yield f"{_address(tmp_path / 'runtime', server, log)}lab/tree/debug.ipynb"
    finally:
        server.terminate()
        server.wait(20)


def _address(runtime: Path, server: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            try:
                address = str(json.loads(file.read_text())["url"])
                urllib.request.urlopen(f"{address}api", timeout=5)
            except (OSError, ValueError):
                continue
            return address
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab does not start: {log.read_text()[-2000:]}")


def test_stop_look_step_and_go_on(lab: str, browser_path: str, tmp_path: Path) -> None:
    from playwright.sync_api import expect, sync_playwright

    pictures = Path(os.environ.get("SECC_KERNEL_PICTURES", tmp_path))
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page: Any = browser.new_page(viewport={"width": 1300, "height": 820}, device_scale_factor=1.5)
        page.set_default_timeout(30_000)
        page.goto(lab)
        cells = page.locator(".jp-Notebook .jp-CodeCell")
        expect(cells).to_have_count(len(CELLS))
        page.keyboard.press("Control+b")
        expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")).to_be_visible()
        cells.nth(0).locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        expect(cells.nth(0).locator(".jp-InputPrompt")).to_have_text("[1]:")

        bug = page.locator(".jp-DebuggerBugButton").first
        bug.click()
        expect(bug).to_have_attribute("aria-pressed", "true")
        gutter = cells.nth(1).locator(".cm-breakpoint-gutter .cm-gutterElement")
        gutter.nth(2).click()
        expect(page.locator(".jp-DebuggerBreakpoint")).to_have_count(1)
        page.screenshot(path=pictures / "1-breakpoint.png")

        cells.nth(1).locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        frames = page.locator(".jp-DebuggerCallstackFrame")
        expect(frames).to_have_count(1)
        variables = page.locator(".jp-DebuggerVariables")
        expect(variables).to_contain_text("EVTargetCurrent = 125")
        page.screenshot(path=pictures / "2-stopped.png")

        page.locator("[data-command='debugger:stepIn']").first.click()
        expect(frames).to_have_count(2)
        expect(frames.nth(0)).to_contain_text("check")
        expect(variables).to_contain_text("voltage")
        expect(variables).to_contain_text("400")
        page.screenshot(path=pictures / "3-stepped-in.png")

        # The current line is marked in the cell that has the function.
        expect(cells.nth(0).locator(".jp-DebuggerEditor-highlight")).to_have_count(1)
        page.locator("[data-command='debugger:next']").first.click()
        expect(variables).to_contain_text("margin")
        page.locator("[data-command='debugger:continue']").first.click()
        expect(frames).to_have_count(0)
        expect(cells.nth(1).locator(".jp-OutputArea-output")).to_contain_text("margin\t100")
        expect(cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[2]:")
        page.screenshot(path=pictures / "4-over.png")

        cells.nth(2).locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        expect(frames).to_have_count(1)
        page.locator(".jp-DebuggerVariables-toolbar select").select_option(label="Message")
        expect(variables).to_contain_text("EVSEPresentVoltage_Value")
        expect(frames).to_contain_text("before PreChargeRes is sent")
        side = page.locator(".jp-DebuggerSidebar, #jp-debugger-sidebar").first.bounding_box()
        page.mouse.move(side["x"] - 2, 300)  # its edge: there is more to see in a wider panel
        page.mouse.down()
        page.mouse.move(side["x"] - 130, 300, steps=5)
        page.mouse.up()
        page.set_viewport_size({"width": 1300, "height": 600})
        page.wait_for_timeout(500)
        page.screenshot(path=pictures / "5-message.png")
        page.locator("[data-command='debugger:continue']").first.click()
        expect(frames).to_have_count(1)  # the next one of these messages
        browser.close()
