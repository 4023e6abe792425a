"""Every lecture in a real JupyterLab: all of its cells run, and all of its demos are alive."""

from __future__ import annotations

import pytest

from tests.browser import lab
from tests.browser.notebook import LiveDemo, Notebook

LECTURES = sorted(path.name for path in (lab.ROOT / "lectures").glob("*.ipynb"))


@pytest.mark.parametrize("name", LECTURES or ["00_foundations.ipynb"])
def test_the_demos_of_a_lecture_are_alive(open_notebook, name):
    if name not in LECTURES:
        pytest.skip("there is no lecture yet")
    notebook = open_notebook(f"lectures/{name}")
    notebook.run_all(seconds=390)  # what a slow machine takes for the longest
    assert notebook.page.locator('.jp-OutputArea-output[data-mime-type$="stderr"]').count() == 0
    demos = notebook.demos()
    assert demos, "a lecture has at least one demo"
    for number, demo in enumerate(demos):
        demo.root.scroll_into_view_if_needed()
        assert demo.error() == ""
        if demo.root.get_by_role("button", name="Reset").count():
            listens_and_plays(notebook, demo)
        demo.root.scroll_into_view_if_needed()
        notebook.screenshot(f"{name.removesuffix('.ipynb')}-{number}")
    assert notebook.console == []


def listens_and_plays(notebook: Notebook, demo: LiveDemo) -> None:
    """Any pad changes the picture, a run advances and pauses, and no slider makes an error."""
    if demo.root.locator(".dgm-pad canvas").count():
        before = demo.pixels()
        demo.draw([(0.2, 0.2), (0.5, 0.8), (0.8, 0.2)])
        notebook.wait(lambda: demo.changed(before))
    before = demo.pixels()
    demo.play_button().click()
    notebook.wait(lambda: demo.changed(before))
    if "Pause" in (demo.play_button().text_content() or ""):
        demo.play_button().click()
    notebook.wait(lambda: "Play" in demo.play_button().text_content())
    for index in range(demo.root.locator(".noUi-handle").count()):
        demo.slider(index).press("ArrowRight")
    notebook.page.wait_for_timeout(500)
    assert demo.error() == ""
