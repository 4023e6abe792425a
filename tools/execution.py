"""Run a notebook in a clean kernel, and keep of it what a reader needs."""

import base64
import io
import os
import subprocess
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image, ImageChops

ROOT = Path(__file__).resolve().parents[1]
CELL_SECONDS = 240
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class NotebookError(Exception):
    """A notebook that cannot be built; the message names it and the cell."""


def kernel_environment(home: Path) -> dict[str, str]:
    """What a notebook runs under: one thread, the CPU, nobody's own settings or saved answers."""
    return {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(ROOT),
        "TQDM_DISABLE": "1",
        "DGM_DEVICE": "cpu",
        "DGM_HOME": str(home / "answers"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(home / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter-runtime"),
        "MATPLOTLIBRC": os.devnull,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run every cell in a fresh kernel; raise a NotebookError that shows the cell that failed."""
    current = NotebookNode(source="(the kernel did not start)")
    with tempfile.TemporaryDirectory(prefix="dgm-build-") as home:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=CELL_SECONDS,
            store_widget_state=False,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(folder)}},
            on_cell_start=lambda cell, cell_index: current.update(
                number=cell_index + 1, source=cell.source
            ),
        )
        try:
            environment = {**os.environ, **kernel_environment(Path(home))}
            client.execute(env=environment, stderr=subprocess.DEVNULL)  # the kernel's own log
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            where = f"cell {current.get('number')}:\n{current.source}"
            raise NotebookError(f"{where}\n\n{error}") from error
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":  # a demo shows errors, raising nothing
                trace = "\n".join(output.traceback)
                raise NotebookError(f"cell {number}:\n{cell.source}\n\n{trace}")


def normalise(notebook: NotebookNode) -> None:
    """Keep what a reader needs: text, pictures, tags. Widgets live only while a kernel does."""
    notebook.metadata = nbformat.from_dict(METADATA)
    code_cells = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type != "code":
            continue
        code_cells += 1
        cell.execution_count = code_cells
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET_VIEW, None)
            if output.output_type == "execute_result":
                output.execution_count = code_cells
        cell.outputs = [output for output in cell.outputs if output.get("data") != {}]


def looks_like(a: str, b: str) -> bool:
    """Whether two pictures (PNG in base 64) look the same: alike in every 4 × 4 block."""
    first, second = (
        Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB") for picture in (a, b)
    )
    if first.size != second.size:
        return False
    difference = ImageChops.difference(first, second).reduce(4)
    return max(high for _, high in difference.getextrema()) <= 12


def keep_old_pictures(new: NotebookNode, old: NotebookNode) -> None:
    """Give a picture that has not visibly changed its old bytes: a rebuild makes no diff."""
    before = {cell.id: pictures(cell) for cell in old.cells}
    for cell in new.cells:
        for data, old_data in zip(pictures(cell), before.get(cell.id, []), strict=False):
            if looks_like(data["image/png"], old_data["image/png"]):
                data["image/png"] = old_data["image/png"]


def pictures(cell: NotebookNode) -> list[NotebookNode]:
    """The data of the outputs of a cell that hold a picture."""
    return [out.data for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
