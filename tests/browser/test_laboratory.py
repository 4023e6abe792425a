"""The GAN laboratory in a real JupyterLab: turns, slow motion, live rates, mistakes."""

from __future__ import annotations

import pytest

from tests.browser.notebook import Notebook

CELLS = [
    """
from dgm_lib import demo, objectives, targets
""",
    """
laws = {name: targets.GALLERY[name] for name in ("ring", "moons")}
losses = dict(
    standard=(objectives.discriminator_loss, objectives.non_saturating),
    broken=(objectives.discriminator_loss, lambda fake_logits: -fake_logits),
)
demo.gan_laboratory(losses, laws, poster=(0, 30, 60))
""",
]


@pytest.fixture(scope="module")
def notebook(server, open_notebook):
    Notebook.write(server, "laboratory.ipynb", CELLS)
    opened = open_notebook("laboratory.ipynb")
    opened.run_all()
    return opened


@pytest.fixture
def laboratory(notebook):
    found = notebook.demo("GAN-laboratory")
    yield found
    assert notebook.console == []


def press(notebook, laboratory, name):
    """Press a button and wait for the next picture."""
    before = laboratory.pixels()
    laboratory.root.get_by_role("button", name=name).click()
    notebook.wait(lambda: laboratory.changed(before))


def choose(notebook, laboratory, label, option):
    """Choose from a menu and wait for the next picture."""
    before = laboratory.pixels()
    laboratory.root.get_by_label(label).select_option(option)
    notebook.wait(lambda: laboratory.changed(before))


def is_paused(laboratory):
    """Whether the button would play."""
    return "Play" in laboratory.play_button().text_content()


def test_a_click_on_a_turn_is_one_step_of_it(notebook, laboratory):
    for name in ("D learns", "G learns", "both learn"):
        press(notebook, laboratory, name)
        assert is_paused(laboratory) and laboratory.error() == ""
    notebook.screenshot("laboratory-steps")


def test_it_plays_while_rates_move(notebook, laboratory):
    laboratory.play_button().click()
    notebook.wait(lambda: not is_paused(laboratory))
    print(f"{laboratory.frames_per_second():.1f} pictures per second")
    for slider in (0, 1):
        before = laboratory.pixels()
        laboratory.slider(slider).focus()
        laboratory.slider(slider).press("ArrowRight")
        notebook.wait(lambda before=before: laboratory.changed(before))
    assert not is_paused(laboratory)
    laboratory.play_button().click()
    notebook.wait(lambda: is_paused(laboratory))
    assert laboratory.error() == ""
    notebook.screenshot("laboratory-played")


def test_a_layer_is_shown(notebook, laboratory):
    before = laboratory.pixels()
    laboratory.root.get_by_label("best D*").check()
    notebook.wait(lambda: laboratory.changed(before, share=0.01))
    notebook.screenshot("laboratory-best")
    laboratory.root.get_by_label("best D*").uncheck()


def test_a_drawing_is_chosen_as_the_target(notebook, laboratory):
    before = laboratory.pixels()
    laboratory.draw([(0.2, 0.2), (0.5, 0.8), (0.8, 0.2)])
    notebook.wait(lambda: laboratory.changed(before, share=0.005))
    menu = laboratory.root.get_by_label("target")
    notebook.wait(lambda: menu.locator("option:checked").text_content() == "drawn")
    press(notebook, laboratory, "Step")
    notebook.screenshot("laboratory-drawn")


def test_a_mistake_is_told_and_mended(notebook, laboratory):
    laboratory.root.get_by_label("losses").select_option("broken")
    notebook.wait(lambda: "must return a scalar tensor" in laboratory.error())
    notebook.screenshot("laboratory-broken")
    choose(notebook, laboratory, "losses", "standard")
    press(notebook, laboratory, "both learn")
    notebook.wait(lambda: laboratory.error() == "")
