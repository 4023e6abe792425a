"""The sliders and the Pause button answer while a cell trains, and leave what it plots alone."""

from __future__ import annotations

import pytest

from tests.browser.notebook import Notebook

CELLS = {
    "imports": """
import time
from dgm_lib.demo import *

def decay(p, rng):
    x = 1.0
    while True:
        yield dict(x=x, rate=p.rate)
        x = x * (1 - p.rate) + p.rate * abs(x - 0.5)
        time.sleep(0.005)

demo = Demo(decay, Scene([Curve("x")], [Bars({"rate": "rate"})]), dict(rate=(0.0, 1.0, 0.5)))
board = Demo(None, Scene([Curve("loss")]), name="board")
""",
    "awaited": "await demo.go(10**9)\nprint('awaited and ended')",
    "blocking": """
for k in board.live(range(10**9)):
    board.log(loss=1 / (k + 1))
    time.sleep(0.005)
print("looped and ended")
""",
    "plotting": """
import matplotlib.pyplot as plt
figure, ax = plt.subplots()
for k in range(30):
    ax.plot([0, k])
    time.sleep(0.1)
print("ended with", plt.get_fignums())
""",
}
PLACE = {name: index for index, name in enumerate(CELLS)}


@pytest.fixture(scope="module")
def notebook(server, open_notebook):
    Notebook.write(server, "loops.ipynb", CELLS.values())
    opened = open_notebook("loops.ipynb")
    opened.run_cell(PLACE["imports"])
    return opened


def grows(notebook, demo):
    for _ in range(2):
        before = demo.pixels()
        notebook.wait(lambda before=before: demo.changed(before))


def test_an_awaited_run_listens(notebook):
    notebook.start_cell(PLACE["awaited"])
    demo = notebook.demo("decay")
    grows(notebook, demo)
    before = demo.pixels()
    demo.slider().focus()
    for _ in range(20):
        demo.slider().press("PageUp")
    notebook.wait(lambda: float(demo.slider().get_attribute("aria-valuenow")) > 0.65)
    notebook.wait(lambda: demo.changed(before, share=0.01))  # the bar got longer
    demo.play_button().click()
    notebook.wait(lambda: "awaited and ended" in notebook.outputs(PLACE["awaited"]))
    notebook.wait_until_idle()


def test_a_loop_of_the_learners_own_can_be_stopped(notebook):
    notebook.start_cell(PLACE["blocking"])
    demo = notebook.demo("board")
    grows(notebook, demo)
    demo.play_button().click()
    notebook.wait(lambda: "looped and ended" in notebook.outputs(PLACE["blocking"]))
    notebook.wait_until_idle()
    assert notebook.console == []


def test_a_slider_leaves_the_figure_of_a_running_cell_alone(notebook):
    demo = notebook.demo("decay")
    notebook.start_cell(PLACE["plotting"])
    demo.slider().focus()
    for _ in range(10):
        demo.slider().press("ArrowDown")
        notebook.page.wait_for_timeout(100)
    notebook.wait(lambda: "ended with [1]" in notebook.outputs(PLACE["plotting"]))
    notebook.wait_until_idle()
    cell = notebook.page.locator(".jp-CodeCell").nth(PLACE["plotting"])
    assert cell.locator(".jp-RenderedImage img").count() == 1
