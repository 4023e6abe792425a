"""The site in a browser: without a network it shows, searches, and fits a narrow screen."""

from pathlib import Path

import pytest

pytest.importorskip("math_core", reason="the Python package math-core is not installed")

import website
from course import lectures
from test_site import site, toy  # noqa: F401  (a fixture)

from tests.browser import lab


@pytest.fixture
def browser() -> None:
    """Skip what needs one, where there is none."""
    pytest.importorskip("playwright", reason="the Python package playwright is not installed")
    if lab.chromium() is None:
        pytest.skip("no Chromium: install Debian's chromium, or name one in $CHROMIUM")


@pytest.mark.usefixtures("browser")
def test_a_browser_without_a_network_shows_and_searches(site: Path) -> None:
    first = lectures()[0]
    asked, errors = [], []
    with lab.page() as page:
        page.context.set_offline(True)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((site / f"{first.name}.html").as_uri())
        formula = page.locator("math[display=block]").first.bounding_box()
        assert formula["width"] > 50 and formula["height"] > 15
        page.wait_for_function("document.fonts.check('16px \"STIX Two Math\"')")

        page.keyboard.press("/")  # the keyboard alone finds a section
        page.keyboard.type("jensen logarithm")
        page.locator("#_found a").first.wait_for()
        link = page.locator("#_found a").first
        heading = link.evaluate("a => a.firstChild.textContent").strip()
        assert "jensen" in page.locator("#_found mark").first.text_content().lower()
        page.keyboard.press("Enter")
        page.wait_for_url("**/*#*")
        assert page.locator(":target").text_content() == heading

        page.locator("input[type=search]").fill("zyzzyva")
        page.locator("[role=status]", has_text="0 sections").wait_for()
    assert not errors
    assert asked and all(url.startswith("file:") for url in asked)


@pytest.mark.usefixtures("browser")
def test_a_search_finds_the_phrase_first_and_then_whole_words(tmp_path: Path) -> None:
    texts = ("A model, a model; it may collapse.", "Mode by mode to a collapse.", "Mode collapse!")
    sections = [f"## Section {number}\n\n{text}" for number, text in enumerate(texts)]
    website.build(tmp_path / "site", toy(tmp_path / "course", *sections))
    with lab.page() as page:
        page.goto((tmp_path / "site" / "index.html").as_uri())
        page.locator("input[type=search]").fill("mode collapse")
        page.locator("[role=status]", has_text="3 sections").wait_for()
        assert page.locator("#_found a").first.text_content().startswith("Section 2")
        marked = page.locator("#_found mark").all_text_contents()
        assert sorted(marked) == ["Mode", "Mode collapse", "collapse"]


@pytest.mark.usefixtures("browser")
def test_every_page_fits_a_narrow_screen(site: Path) -> None:
    with lab.page(width=390, height=700) as page:
        page.route("**/*.png", lambda route: route.abort())  # the page knows their sizes
        for path in sorted(site.glob("*.html")):
            page.goto(path.as_uri(), wait_until="domcontentloaded")
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 390, f"{path.name} is {width} pixels wide"
