"""A headless Chromium, and one visit to the page in it. Skips where there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.server.serving import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Request

__all__ = ["PATIENCE_MS", "Visit", "chromium"]

PATIENCE_MS = 120_000
"""Nothing here takes long; a machine may."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Inside, it runs."""
    sync = pytest.importorskip("playwright.sync_api", reason="the page is tested with playwright, which is not installed")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("the page is tested in Chromium, which is not installed (apt-get install chromium)")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


class Visit:
    """The page in a context of its own, what was asked from it, and what went wrong in it."""

    def __init__(self, browser: Browser, url: str, *, motion: bool = False, troubled: bool = False, **options: Any) -> None:
        """`motion`: rows may travel. `troubled`: requests are meant to fail, which the console complains of. `options`: of the context."""
        self.url = url
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.sent: list[Any] = []
        self._troubled = troubled
        self._context = browser.new_context(reduced_motion="no-preference" if motion else "reduce", **options)
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._watch)
        self.page.goto(url)
        self.page.wait_for_selector("#cases button")

    def leave(self) -> None:
        """Close it; everything that was heard until now stays."""
        self._context.close()

    def judge_case(self, name: str) -> dict[str, Any]:
        """Click a demo case; the server's answer, once it is shown."""
        return self._answered(f'[data-case="{name}"]')

    def judge(self, query: str, documents: Sequence[Any]) -> dict[str, Any]:
        """Fill the form and press Judge; the server's answer, once it is shown."""
        self.fill(query, documents)
        return self._answered("#run")

    def fill(self, query: str, documents: Sequence[Any]) -> None:
        """Fill the form."""
        self.page.fill("#query", query)
        self.page.select_option("#form", "json")
        self.page.fill("#documents", json.dumps(documents))

    def submit(self) -> dict[str, Any]:
        """Press Judge; the server's answer, once it is shown."""
        return self._answered("#run")

    def until(self, expression: str) -> None:
        """Wait until it is true, asked from outside: Playwright's wait_for_function needs eval in the page, which the policy forbids."""
        until(lambda: bool(self.page.evaluate(expression)))

    def rows(self) -> list[int]:
        """The positions of the documents as their rows stand, from top to bottom."""
        found: list[int] = self.page.eval_on_selector_all(".row", "rows => rows.map(row => Number(row.dataset.index))")
        return found

    def tab_to(self, name: str) -> bool:
        """Press Tab until the element with this id has the focus; whether that happens within all there are."""
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("document.activeElement.id") == name:
                return True
        return False

    def width(self) -> int:
        """Of everything, beyond the edge of the screen too."""
        found: int = self.page.evaluate("document.documentElement.scrollWidth")
        return found

    def brightness(self) -> float:
        """Of the ground, 0 to 1."""
        colour: str = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) / (3 * 255)

    def _answered(self, button: str) -> dict[str, Any]:
        self.page.evaluate("document.getElementById('result').replaceChildren()")
        with self.page.expect_response("**/rerank") as waiting:
            self.page.click(button)
        found: dict[str, Any] = waiting.value.json()
        self.page.wait_for_selector("#result .timings")
        return found

    def _hear(self, message: ConsoleMessage) -> None:
        expected = self._troubled and message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(message.text)

    def _watch(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.url).netloc:
            self.foreign.append(request.url)
        if request.url.endswith("/rerank"):
            self.sent.append(request.post_data_json)
