"""One JupyterLab and one browser for all tests of this folder; skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.browser import lab
from tests.browser.notebook import Notebook


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Lab]:
    """JupyterLab over a copy of the lectures in a temporary folder."""
    pytest.importorskip("playwright", reason="the Python package playwright is not installed")
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    if lab.chromium() is None:
        pytest.skip("no Chromium: install Debian's chromium, or name one in $CHROMIUM")
    folder = tmp_path_factory.mktemp("browser") / "notebooks"
    folder.mkdir()
    if (lab.ROOT / "lectures").is_dir():
        shutil.copytree(lab.ROOT / "lectures", folder / "lectures")
    with lab.lab(folder) as running:
        yield running


@pytest.fixture(scope="module")
def open_notebook(server: lab.Lab) -> Iterator[Callable[[str], Notebook]]:
    """A function that opens a notebook below the server's folder in a browser."""
    with lab.page() as page:
        yield lambda path: Notebook.open(page, server, path)
