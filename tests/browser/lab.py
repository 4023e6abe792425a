"""A JupyterLab on a free port of this machine, and a page of Chromium that drives it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ROOT = Path(__file__).resolve().parents[2]


def chromium() -> str | None:
    """The browser: `$CHROMIUM`, else one on the path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@dataclass
class Lab:
    """A running JupyterLab: where it listens, what it asks for, and the folder it serves."""

    url: str
    token: str
    folder: Path


@contextlib.contextmanager
def lab(folder: Path, seconds: float = 90) -> Iterator[Lab]:
    """JupyterLab over `folder`, with all of its own files below that folder's neighbour."""
    port, token = _free_port(), secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
    command += [f"--IdentityProvider.token={token}", "--allow-root"]
    _ask_for_no_news(folder.parent / "config")
    with open(folder.parent / "lab.log", "wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=_environment(folder.parent), stdout=log, stderr=log
        )
        try:
            found = Lab(f"http://127.0.0.1:{port}", token, folder)
            _wait_for(found, server, folder.parent / "lab.log", seconds)
            yield found
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()


@contextlib.contextmanager
def page(width: int = 1400, height: int = 1500) -> Iterator[Any]:
    """A page of a fresh, headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=list(ARGUMENTS), headless=True
        )
        try:
            yield browser.new_page(viewport=dict(width=width, height=height))
        finally:
            browser.close()


def _environment(home: Path) -> dict[str, str]:
    folders = dict(
        DGM_HOME="dgm", JUPYTER_CONFIG_DIR="config", JUPYTER_RUNTIME_DIR="runtime", IPYTHONDIR="ip"
    )
    paths = {name: str(home / folder) for name, folder in folders.items()}
    python = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, **paths, "PYTHONPATH": python, "OMP_NUM_THREADS": "1"}


def _ask_for_no_news(config: Path) -> None:
    settings = config / "lab/user-settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    quiet = dict(fetchNews="false", checkForUpdates=False)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(server: Lab, process: subprocess.Popen, log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"JupyterLab ended: {log.read_text()[-2000:]}")
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"{server.url}/api?token={server.token}", timeout=5).close()
            return
        time.sleep(0.3)
    raise TimeoutError(f"JupyterLab did not answer within {seconds} s: {log.read_text()[-2000:]}")
