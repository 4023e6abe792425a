"""The sampler gallery in a real JupyterLab: one proposal at a time, and a law drawn by hand."""

from __future__ import annotations

import pytest

from tests.browser.notebook import Notebook

CELLS = [
    """
from dgm_lib import demo, targets
from dgm_lib.samplers import mcmc
""",
    """
kernels = {
    "random walk": lambda p, step: mcmc.random_walk(p.log_prob, step),
    "HMC": lambda p, step: mcmc.hmc(p.log_prob, step, 15, p.score, keep_path=True),
}
demo.sampler_gallery(kernels, {name: targets.GALLERY[name] for name in ("banana", "ring")})
""",
]


@pytest.fixture(scope="module")
def notebook(server, open_notebook):
    Notebook.write(server, "samplers.ipynb", CELLS)
    opened = open_notebook("samplers.ipynb")
    opened.run_all()
    return opened


@pytest.fixture
def gallery(notebook):
    found = notebook.demo("sampler-gallery")
    yield found
    assert found.error() == "" and notebook.console == []


def press(notebook, gallery, name):
    """Press a button and wait for the next picture."""
    before = gallery.pixels()
    gallery.root.get_by_role("button", name=name).click()
    notebook.wait(lambda: gallery.changed(before))


def choose(notebook, gallery, label, option):
    """Choose from a menu and wait for the next picture."""
    before = gallery.pixels()
    gallery.root.get_by_label(label).select_option(option)
    notebook.wait(lambda: gallery.changed(before))


def has_colour(gallery, wanted, share=1e-4):
    """Whether the picture has pixels of this colour."""
    numbers = gallery.pixels()
    pixels = zip(numbers[0::4], numbers[1::4], numbers[2::4], strict=True)
    near = sum(sum(abs(a - b) for a, b in zip(pixel, wanted)) < 120 for pixel in pixels)
    return near > share * len(numbers) / 4


def test_each_proposal_is_seen_before_its_verdict(notebook, gallery):
    choose(notebook, gallery, "sampler", "HMC")
    press(notebook, gallery, "Step")
    assert has_colour(gallery, (0xE6, 0x9F, 0x00))
    notebook.screenshot("samplers-proposed")
    press(notebook, gallery, "Step")
    assert not has_colour(gallery, (0xE6, 0x9F, 0x00))
    notebook.screenshot("samplers-verdict")


def test_a_thousand_chains_play(notebook, gallery):
    gallery.slider(1).focus()
    before = gallery.pixels()
    gallery.slider(1).press("End")
    notebook.wait(lambda: gallery.changed(before))
    gallery.play_button().click()
    for _ in range(3):
        before = gallery.pixels()
        notebook.wait(lambda before=before: gallery.changed(before))
    gallery.play_button().click()
    notebook.wait(lambda: "Play" in gallery.play_button().text_content())
    notebook.screenshot("samplers-thousand")


def test_a_drawing_is_chosen_as_the_target(notebook, gallery):
    before = gallery.pixels()
    gallery.draw([(0.2, 0.2), (0.5, 0.8), (0.8, 0.2)])
    notebook.wait(lambda: gallery.changed(before, share=0.005))
    menu = gallery.root.get_by_label("target")
    notebook.wait(lambda: menu.locator("option:checked").text_content() == "drawn")
    press(notebook, gallery, "Step")
    notebook.screenshot("samplers-drawn")
    choose(notebook, gallery, "target", "ring")
    choose(notebook, gallery, "target", "drawn")
