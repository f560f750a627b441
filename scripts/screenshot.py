"""Take a picture of a saved notebook in JupyterLab, for the README and to see what a change looks like.

    python scripts/screenshot.py notebooks/01_session_setup.ipynb docs/images/session_setup.png --cell 13 --unfold

Needs JupyterLab, playwright (`pip install playwright`; no browser of its own), Pillow and Chromium, beside secc-kernel.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
#: Without these the browser asks its maker's hosts for updates at every start.
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
PORT = 18888


@contextmanager
def jupyterlab(folder: Path, theme: str) -> Iterator[str]:
    """JupyterLab on a folder, with settings of its own; gives its address."""
    with tempfile.TemporaryDirectory() as own:
        for name, settings in {
            "apputils-extension/themes": {"theme": f"JupyterLab {theme}"},
            "apputils-extension/notification": {"fetchNews": "false"},
            "notebook-extension/tracker": {"windowingMode": "none"},  # otherwise cells out of sight are not there
        }.items():
            path = Path(own) / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings))
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={PORT}"]
        command += ["--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]
        command += [f"--LabApp.user_settings_dir={own}/settings", f"--LabApp.workspaces_dir={own}/workspaces"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{PORT}"
            for _ in range(150):
                try:
                    urllib.request.urlopen(f"{address}/api", timeout=1)
                    break
                except OSError:
                    time.sleep(0.2)
            yield address
        finally:
            server.terminate()
            server.wait()


def picture(options: argparse.Namespace) -> None:
    from playwright.sync_api import sync_playwright

    notebook = options.notebook.resolve()
    browser_path = next(path for path in map(shutil.which, BROWSERS) if path)
    with jupyterlab(notebook.parent, options.theme) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        size = {"width": options.width, "height": options.height}
        page = browser.new_page(viewport=size, device_scale_factor=options.scale)
        page.goto(f"{address}/lab/tree/{notebook.name}")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_timeout(3000)
        page.keyboard.press("Control+b")  # the file browser takes a third of the width
        page.wait_for_timeout(800)
        cell = page.locator(".jp-Notebook .jp-Cell").nth(options.cell)
        if options.unfold:
            cell.evaluate("element => element.querySelectorAll('details').forEach(fold => { fold.open = true })")
        cell.evaluate("element => element.scrollIntoView({block: 'start'})")
        page.wait_for_timeout(800)
        options.picture.parent.mkdir(parents=True, exist_ok=True)
        if options.whole_window:
            page.screenshot(path=options.picture)
        else:
            page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden)").first.screenshot(path=options.picture)
        browser.close()
    # A page has few colours: a palette makes the file a third as large.
    image = Image.open(options.picture).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    image.save(options.picture, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--theme", choices=("Light", "Dark"), default="Light")
    parser.add_argument("--width", type=int, default=1060)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--scale", type=float, default=2.0, help="pixels of the picture for one of the page")
    parser.add_argument("--cell", type=int, default=0, help="the cell at the top, counted from 0")
    parser.add_argument("--unfold", action="store_true", help="open what is folded in that cell")
    parser.add_argument("--whole-window", action="store_true", help="with JupyterLab's menus and bars")
    picture(parser.parse_args())


if __name__ == "__main__":
    main()
