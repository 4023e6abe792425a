"""The pictures of README.md, taken from the product itself in a headless Chromium.

    python tools/pictures.py [NAME...]    `make pictures` takes all of them, into .github/

Each is a demo after some seconds of play, or a cell after it has run with an answer.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from course import ROOT

from tests.browser import lab
from tests.browser.notebook import Notebook

FOLDER = ROOT / ".github"
SIGMA_FOR_VARIANCE = '''\
def gaussian_kl(mu_p, sigma_p, mu_q, sigma_q):
    """mu_p, mu_q (*batch, d), sigma_p, sigma_q (*batch,) -> KL(p‖q) in nats (*batch,)"""
    d = mu_p.shape[-1]
    ratio = sigma_p / sigma_q
    distance = (mu_p - mu_q).square().sum(-1) / sigma_q
    return 0.5 * (d * ratio - d - d * ratio.log() + distance)


gaussian_kl = check("foundations.gaussian_kl", gaussian_kl)'''


@dataclass(frozen=True)
class Played:
    """A demo that has played for some seconds with these entries of its menus, or to its end.

    Afterwards `back` presses of the arrow key take its last slider to an earlier moment.
    """

    lecture: str
    demo: str
    seconds: float
    chosen: tuple[tuple[str, str], ...] = ()
    back: int = 0

    def take(self, notebook: Notebook, path: Path) -> None:
        """Run the lecture, play, and store what is seen, without the pad that nobody drew on."""
        notebook.run_all(seconds=900)
        demo = notebook.demo(self.demo)
        for menu, entry in self.chosen:
            demo.root.get_by_role("combobox", name=menu).select_option(entry)
        demo.play_button().click()
        notebook.page.wait_for_timeout(1000 * self.seconds)
        for _ in range(self.back):
            demo.root.locator(".noUi-handle").last.press("ArrowRight")
        demo.root.locator(".dgm-pad").evaluate_all("pads => pads.forEach(pad => pad.remove())")
        notebook.page.wait_for_timeout(1000)
        demo.root.screenshot(path=str(path))


@dataclass(frozen=True)
class Answered:
    """A cell that has run with this answer, after the first cell of the lecture."""

    lecture: str
    cell: str  # its id
    answer: str

    def take(self, notebook: Notebook, path: Path) -> None:
        """Run the two cells, and store what is seen of the second."""
        cells = nbformat.read(ROOT / "lectures" / f"{self.lecture}.ipynb", as_version=4).cells
        number = [cell.id for cell in cells if cell.cell_type == "code"].index(self.cell)
        notebook.run_cell(0)
        notebook.replace(number, self.answer)
        notebook.run_cell(number)
        notebook.page.mouse.move(0, 0)  # else the cell shows its buttons
        notebook.page.locator(".jp-CodeCell").nth(number).screenshot(path=str(path))


PICTURES = {
    "demo": Played("00_foundations", "divergences", 4),
    "check": Answered("00_foundations", "gaussian-kl-exercise", SIGMA_FOR_VARIANCE),
    "laboratory": Played("07a_gan", "GAN-laboratory", 40),
    "denoiser": Played("13b_diffusion", "denoiser", 60, (("who steers", "learned"),), back=40),
}


@contextmanager
def opened(lecture: str) -> Iterator[Notebook]:
    """A lecture, untouched, in a browser."""
    with tempfile.TemporaryDirectory() as home, lab.page(width=1250, height=1100) as page:
        folder = Path(home) / "notebooks"
        folder.mkdir()
        shutil.copy(ROOT / "lectures" / f"{lecture}.ipynb", folder)
        with lab.lab(folder) as server:
            yield Notebook.open(page, server, f"{lecture}.ipynb")


def main(names: list[str]) -> None:
    """Take the pictures of these names, or all."""
    if unknown := set(names) - PICTURES.keys():
        raise SystemExit(f"no picture {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    for name in names or PICTURES:
        with opened(PICTURES[name].lecture) as notebook:
            PICTURES[name].take(notebook, FOLDER / f"{name}.png")
        print((FOLDER / f"{name}.png").relative_to(ROOT), file=sys.stderr)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1:])
