"""What every test and every notebook runs under: a bare `pytest` gives the same answer everywhere.

nbval starts one kernel per notebook with this process's environment, and compares every output with
the stored one except `image/png`, `image/jpeg`, tracebacks and the (random) ids of widget views.
The rules for what may be stored at all are in tests/test_notebooks.py.
"""

import os
import tempfile
from pathlib import Path

import matplotlib
import pytest

from execution import kernel_environment

matplotlib.use("Agg")  # no window, whatever the machine; kernels have their own backend

SCRATCH = tempfile.TemporaryDirectory(prefix="dgm-tests-", ignore_cleanup_errors=True)
os.environ.update(kernel_environment(Path(SCRATCH.name)))

FAILED_AT = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Leave nothing behind; xdist's workers are ended right after this."""
    SCRATCH.cleanup()


def pytest_unconfigure() -> None:
    """Nor where there was no session, as of --help."""
    SCRATCH.cleanup()


def is_cell(item: pytest.Item) -> bool:
    """Whether a test is a notebook cell (nbval has no public class to ask for)."""
    return type(item).__name__ == "IPyNbCell"


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Let a kernel's stderr and SVG differ: both depend on the machine; neither may be stored."""
    if type(collector).__name__ == "IPyNbFile":
        collector.skip_compare += ("stderr", "image/svg+xml")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what follows a broken cell; give each notebook a fresh home for saved answers."""
    if not is_cell(item):
        return
    if (cell := item.parent.stash.get(FAILED_AT, None)) is not None:
        pytest.skip(f"code cell {cell} of this notebook failed")
    if item.parent.kernel is None:
        os.environ.update(kernel_environment(Path(tempfile.mkdtemp(dir=SCRATCH.name))))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> pytest.TestReport:
    """Remember a cell that raised, hung or lost its kernel; a mere difference stops nothing."""
    report = yield
    if is_cell(item) and report.failed and str(call.excinfo.value) != "Cell outputs differ":
        item.parent.stash.setdefault(FAILED_AT, item.cell_num)
    return report
