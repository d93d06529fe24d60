"""The page in a real browser: at every width, in both themes, on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adjudge.evaluate.report import write_report
from tests.evaluate.report.sample import HOSTILE, LOSSES, Shape, evaluation
from tests.server.browser import PATIENCE_MS, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

RERANKERS = (
    ("embedded", 0.16, 41.0),
    ("embedded, depth 6", 0.11, 22.0),
    ("BAAI/bge-reranker-v2-m3", 0.19, 860.0),
    ("cross-encoder/ms-marco-MiniLM-L6-v2", 0.04, 90.0),
    (HOSTILE, 0.155, 130.0),
)

COVERED = """() => [...document.querySelectorAll("svg.plot")].flatMap((drawing) => {
    const texts = [...drawing.querySelectorAll("text")].map((one) => [one.textContent, one.getBoundingClientRect()]);
    const found = [];
    for (const [at, [name, a]] of texts.entries()) for (const [other, b] of texts.slice(at + 1)) {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (a.width && b.width && wide > 2 && high > 4) found.push(`${name} / ${other}`);
    }
    return found;
})"""
"""Texts of one drawing that cover one another, which the reader's font decides."""

SMALLEST = """() => Math.min(
    ...[...document.querySelectorAll("svg.plot text")].map((text) => text.getBoundingClientRect().height).filter((height) => height),
)"""
"""The height in pixels of the smallest text that is shown in a drawing."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = evaluation(Shape(rerankers=RERANKERS, languages=("en", "zh", "Cyrillic script"), losses=LOSSES, warnings=(HOSTILE,)))
    return write_report(Path(tmp_path_factory.mktemp("page")) / "report.html", made).as_uri()


class Opened:
    """The page in a context of its own, and what went wrong in it."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self._context = browser.new_context(**options)
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def ask(self, expression: str) -> Any:
        return self.page.evaluate(expression)


def brightness(colour: str) -> float:
    return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) / (3 * 255)


@pytest.mark.parametrize("width", [320, 375, 800, 1280])
def test_it_fits_and_nothing_covers_anything(browser: Browser, page: str, width: int) -> None:
    with Opened(browser, page, viewport={"width": width, "height": 900}) as opened:
        assert opened.ask("document.documentElement.scrollWidth") <= width
        assert opened.ask(COVERED) == []
        shown = opened.ask("[...document.querySelectorAll('.wide, .narrow')].filter((one) => one.getClientRects().length).length")
        assert 2 * shown == opened.ask("document.querySelectorAll('.wide, .narrow').length"), "each drawing once"
        smallest = (
            "Math.min(...[...document.querySelectorAll('svg.plot text')].map((t) => t.getBoundingClientRect().height).filter((h) => h))"
        )
        assert opened.ask(smallest) >= 10
        assert opened.complaints == []
        assert opened.asked == [page]


def test_both_themes(browser: Browser, page: str) -> None:
    grounds = {}
    for theme in ("light", "dark"):
        with Opened(browser, page, color_scheme=theme) as opened:
            grounds[theme] = brightness(opened.ask("getComputedStyle(document.body).backgroundColor"))
    assert grounds["light"] > 0.9
    assert grounds["dark"] < 0.2


def test_on_paper(browser: Browser, page: str) -> None:
    with Opened(browser, page, color_scheme="dark", viewport={"width": 718, "height": 1000}) as opened:
        opened.page.emulate_media(media="print")
        assert brightness(opened.ask("getComputedStyle(document.body).backgroundColor")) == 1.0, "ink is dear"
        assert opened.ask("getComputedStyle(document.querySelector('.contents')).display") == "none"
        assert len(opened.ask("getComputedStyle(document.querySelector('.sides')).gridTemplateColumns").split()) == 2
        assert opened.ask("document.documentElement.scrollWidth") <= 718
        pdf = opened.page.pdf(format="A4", print_background=True)
        assert pdf.startswith(b"%PDF")
        assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 25


def test_what_is_behind_a_click_opens_without_a_script(browser: Browser, page: str) -> None:
    with Opened(browser, page, java_script_enabled=False) as opened:
        opened.page.get_by_text("These numbers as a table").click()
        assert opened.page.locator("#languages table").is_visible()
        opened.page.get_by_role("link", name="Losses").click()
        assert opened.page.url.endswith("#losses")
