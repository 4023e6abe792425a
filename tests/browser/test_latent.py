"""The latent plane explorer in a real JupyterLab: it plays, and z and β answer at once."""

from __future__ import annotations

import pytest

from tests.browser.notebook import Notebook

CELLS = [
    """
from dgm_lib import demo, objectives, targets
""",
    """
laws = {name: targets.GALLERY[name] for name in ("moons", "ring")}
losses = dict(
    ELBO=lambda model, x, beta: objectives.negative_elbo(model, x, beta),
    broken=lambda model, x, beta: objectives.elbo(model, x),
)
demo.latent_explorer(losses, laws, poster=(0, 50, 100))
""",
]
BETA, Z1, Z2 = range(3)  # the sliders in their order


@pytest.fixture(scope="module")
def notebook(server, open_notebook):
    Notebook.write(server, "latent.ipynb", CELLS)
    opened = open_notebook("latent.ipynb")
    opened.run_all()
    return opened


@pytest.fixture
def explorer(notebook):
    found = notebook.demo("latent-explorer")
    yield found
    assert notebook.console == []


def choose(notebook, explorer, label, option):
    """Choose from a menu and wait for the next picture."""
    before = explorer.pixels()
    explorer.root.get_by_label(label).select_option(option)
    notebook.wait(lambda: explorer.changed(before))


def is_paused(explorer):
    """Whether the button would play."""
    return "Play" in explorer.play_button().text_content()


def test_z_answers_while_the_demo_stands_still(notebook, explorer):
    for slider, key in ((Z1, "End"), (Z2, "Home"), (Z1, "Home")):
        before = explorer.pixels()
        explorer.slider(slider).focus()
        explorer.slider(slider).press(key)
        notebook.wait(lambda before=before: explorer.changed(before))
    assert is_paused(explorer) and explorer.error() == ""
    notebook.screenshot("latent-paused")


def test_it_plays_while_beta_and_z_move(notebook, explorer):
    explorer.play_button().click()
    notebook.wait(lambda: not is_paused(explorer))
    print(f"{explorer.frames_per_second():.1f} pictures per second")
    for slider in (Z1, BETA):
        before = explorer.pixels()
        explorer.slider(slider).focus()
        explorer.slider(slider).press("End")
        notebook.wait(lambda before=before: explorer.changed(before))
    assert not is_paused(explorer)
    explorer.play_button().click()
    notebook.wait(lambda: is_paused(explorer))
    assert explorer.error() == ""
    notebook.screenshot("latent-played")


def test_a_drawing_is_chosen_as_the_target(notebook, explorer):
    before = explorer.pixels()
    explorer.draw([(0.2, 0.2), (0.5, 0.8), (0.8, 0.2)])
    notebook.wait(lambda: explorer.changed(before, share=0.005))
    menu = explorer.root.get_by_label("target")
    notebook.wait(lambda: menu.locator("option:checked").text_content() == "drawn")
    notebook.screenshot("latent-drawn")
    choose(notebook, explorer, "target", "ring")


def test_a_broken_objective_is_told_and_another_mends_it(notebook, explorer):
    explorer.root.get_by_label("objective").select_option("broken")
    explorer.play_button().click()
    notebook.wait(lambda: "must return a scalar tensor" in explorer.error())
    assert is_paused(explorer)
    notebook.screenshot("latent-broken")
    explorer.root.get_by_label("objective").select_option("ELBO")
    explorer.play_button().click()
    notebook.wait(lambda: not is_paused(explorer) and explorer.error() == "")
    explorer.play_button().click()
    notebook.wait(lambda: is_paused(explorer))
