"""A notebook that is open in the browser, its demos, and what a reader does with them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from tests.browser.lab import Lab

# Notes the time of every key press and every new picture that the browser has shown.
WATCH = """(image) => {
    window.pressed = []; window.shown = [];
    if (image.watched) return;
    image.watched = true;
    document.addEventListener("keydown", () => window.pressed.push(performance.now()), true);
    image.addEventListener("load", () => window.shown.push(performance.now()));
}"""

# How much of a picture differs from the one before it, from 0 to 1.
PIXELS = """(image) => {
    const canvas = document.createElement("canvas");
    canvas.width = 200; canvas.height = 100;
    const ink = canvas.getContext("2d");
    ink.drawImage(image, 0, 0, 200, 100);
    return Array.from(ink.getImageData(0, 0, 200, 100).data);
}"""


@dataclass
class Notebook:
    """An open notebook, and what a reader does with it."""

    page: Any
    console: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, page: Any, server: Lab, path: str) -> Notebook:
        """Open `path` below the folder of the server and wait for its kernel."""
        notebook = cls(page)
        page.on("pageerror", lambda error: notebook.console.append(str(error)))
        space = path.replace("/", "-").removesuffix(".ipynb")
        page.goto(f"{server.url}/lab/workspaces/{space}/tree/{path}?token={server.token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        notebook.wait_until_idle()
        time.sleep(1.5)  # the first idle comes before the session's channels are all there
        return notebook

    def menu(self, top: str, entry: str) -> None:
        """Choose an entry of the menu bar."""
        self.page.click(f'.lm-MenuBar-itemLabel:text-is("{top}")')
        self.page.click(f'.lm-Menu-itemLabel:text-is("{entry}")')

    def run_all(self, seconds: float = 120) -> None:
        """Run all cells and wait until each has a number."""
        self.menu("Run", "Run All Cells")
        self.page.wait_for_function(
            """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
                .every((prompt) => /\\[\\d+\\]/.test(prompt.textContent))""",
            timeout=seconds * 1000,
        )
        self.wait_until_idle(seconds)

    def start_cell(self, index: int) -> None:
        """Run one code cell without waiting for its end."""
        prompt = self.page.locator(".jp-CodeCell").nth(index).locator(".jp-InputPrompt").first
        before = prompt.text_content()
        self.page.locator(".jp-CodeCell").nth(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        self.wait(lambda: prompt.text_content() != before)

    def run_cell(self, index: int, seconds: float = 60) -> None:
        """Run one code cell and wait for its end."""
        self.start_cell(index)
        self.wait_until_idle(seconds)

    def outputs(self, index: int) -> str:
        """The text below a code cell."""
        return self.page.locator(".jp-CodeCell").nth(index).locator(".jp-OutputArea").inner_text()

    def replace(self, index: int, source: str) -> None:
        """Write `source` into a code cell, in place of what is there."""
        self.page.locator(".jp-CodeCell").nth(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def wait_until_idle(self, seconds: float = 90) -> None:
        """Wait until no cell is running."""
        self.page.wait_for_function(
            """() => document.querySelector(
                    '.jp-Notebook-ExecutionIndicator[data-status="idle"]')
                && ![...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
                    .some((prompt) => /\\[\\*\\]/.test(prompt.textContent))""",
            timeout=seconds * 1000,
        )

    def wait(self, condition: Any, seconds: float = 10) -> None:
        """Wait until `condition()` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing came of it in {seconds} s; console: {self.console}")
            self.page.wait_for_timeout(50)

    @staticmethod
    def write(server: Lab, path: str, cells: Iterable[str]) -> None:
        """Write a notebook of code cells below the folder of the server."""
        kernel = dict(name="python3", display_name="Python 3", language="python")
        notebook = nbformat.v4.new_notebook(metadata=dict(kernelspec=kernel))
        notebook.cells = [nbformat.v4.new_code_cell(source.strip()) for source in cells]
        nbformat.write(notebook, server.folder / path)

    def demos(self) -> list[LiveDemo]:
        """All demos on the page."""
        return [LiveDemo(self, root) for root in self.page.locator(".dgm-demo").all()]

    def demo(self, name: str) -> LiveDemo:
        """The demo of this name, scrolled into view."""
        found = LiveDemo(self, self.page.locator(f".dgm-demo-{name}").first)
        found.root.wait_for(timeout=30_000)
        found.root.scroll_into_view_if_needed()
        return found

    def screenshot(self, name: str) -> Path:
        """Store what the page looks like in `$DGM_SCREENSHOTS`, if that is set."""
        folder = os.environ.get("DGM_SCREENSHOTS")
        path = Path(folder or ".") / f"{name}.png"
        if folder:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(path))
        return path


@dataclass
class LiveDemo:
    """A demo on the page."""

    notebook: Notebook
    root: Any

    @property
    def picture(self) -> Any:
        """The image element."""
        return self.root.locator("img").first

    def pixels(self) -> list[int]:
        """The picture, scaled down, as numbers from 0 to 255."""
        return self.picture.evaluate(PIXELS)

    def changed(self, before: list[int], share: float = 1e-4) -> bool:
        """Whether more than a share of the numbers differ clearly from those of `before`."""
        now = self.pixels()
        differ = sum(abs(a - b) > 24 for a, b in zip(before, now, strict=True))
        return differ > share * len(now)

    def slider(self, index: int = 0) -> Any:
        """The handle of a slider, which listens to the arrow keys."""
        return self.root.locator(".noUi-handle").nth(index)

    def play_button(self) -> Any:
        """The button that plays and pauses."""
        return self.root.locator(".dgm-demo-play")

    def error(self) -> str:
        """What the error box says; empty while it is hidden."""
        box = self.root.locator(".dgm-demo-error")
        return (box.text_content() or "") if box.is_visible() else ""

    def draw(self, points: list[tuple[float, float]]) -> None:
        """Drag the mouse over the pad through points given as shares of its width and height."""
        pad = self.root.locator(".dgm-pad canvas")
        pad.scroll_into_view_if_needed()  # the mouse reaches only what is in sight
        frame = pad.bounding_box()
        places = [
            (frame["x"] + across * frame["width"], frame["y"] + down * frame["height"])
            for across, down in points
        ]
        mouse = self.notebook.page.mouse
        mouse.move(*places[0])
        mouse.down()
        for place in places[1:]:
            mouse.move(*place, steps=4)
        mouse.up()

    def latencies(self, presses: int = 20, slider: int = 0, key: str = "ArrowRight") -> list[float]:
        """Milliseconds from each press of an arrow key to the next picture on the page."""
        self.picture.evaluate(WATCH)
        handle, evaluate = self.slider(slider), self.notebook.page.evaluate
        handle.focus()
        found = []
        for _ in range(presses):
            known = evaluate("window.shown.length")
            handle.press(key)
            self.notebook.wait(lambda known=known: evaluate("window.shown.length") > known)
            found.append(evaluate("(k) => window.shown[k] - window.pressed.at(-1)", known))
            self.notebook.page.wait_for_timeout(120)  # let the rest of a burst pass
        return found

    def frames_per_second(self, seconds: float = 3.0) -> float:
        """New pictures on the page per second, while it plays."""
        self.picture.evaluate(WATCH)
        self.notebook.page.wait_for_timeout(seconds * 1000)
        times = self.notebook.page.evaluate("window.shown")
        return (len(times) - 1) / (times[-1] - times[0]) * 1000 if len(times) > 1 else 0.0
