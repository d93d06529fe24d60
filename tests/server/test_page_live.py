"""The page's second view in a browser: its headline says what is wrong, and no more good than is known."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest

from adjudge import Reranker
from adjudge.monitor import DriftMonitor, Origin, make_reference
from adjudge.server.metrics import Metrics
from adjudge.server.settings import ModelSource
from tests.server.browser import Visit, chromium
from tests.server.serving import PATIENCE_S, Live, Serve, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

Headline: TypeAlias = Callable[[Live, str], str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def headline(browser: Browser) -> Headline:
    """headline(live, text): what the second view says first, once `text` stands in it."""

    def look(live: Live, text: str) -> str:
        seen = Visit(browser, f"{live.url}/")
        seen.page.click("a[href='#live']")
        seen.page.wait_for_selector(f".overview .word:has-text({text!r})")
        said = seen.page.inner_text(".overview .word")
        seen.leave()  # before its server ends
        assert seen.complaints == []
        return said

    return look


def two(folder: Path, other: Path) -> tuple[ModelSource, ...]:
    return (ModelSource(name="quick", source=str(folder)), ModelSource(name="other", source=str(other)))


def monitored(draws: int) -> Metrics:
    """Scores that are distributed as they were in the reference."""
    chance = np.random.default_rng(7)
    monitor = DriftMonitor(make_reference(chance.beta(0.6, 1.2, (300, 20)), Origin(model="quick", revision="", score_type="sigmoid")))
    for scores in chance.beta(0.6, 1.2, (draws, 20)):
        monitor.observe(scores)
    return Metrics(monitors={"quick": monitor})


def test_a_model_that_failed_is_named(headline: Headline, serve: Serve, quick_folder: Path, tmp_path: Path) -> None:
    live = serve(models=two(quick_folder, tmp_path), ready=False)
    until(lambda: [one.state for one in live.service.registry] == ["ready", "failed"])
    assert live.get("/ready").status_code == 503
    assert live.get("/monitor").json()["states"] == {"quick": "ready", "other": "failed"}
    assert headline(live, "other") == "The model other could not be loaded; the server's log says why."


def test_a_model_that_is_being_loaded_is_named(headline: Headline, serve: Serve, quick_folder: Path, tmp_path: Path) -> None:
    opened = threading.Event()

    def opener(source: str, **options: Any) -> Reranker:
        assert source == str(quick_folder) or opened.wait(PATIENCE_S)
        return Reranker(quick_folder, **options)

    live = serve(models=two(quick_folder, tmp_path), ready=False, app={"opener": opener})
    until(lambda: [one.state for one in live.service.registry] == ["ready", "loading"])
    try:
        assert headline(live, "other") == "The model other is still being loaded."
    finally:
        opened.set()
    assert headline(live, "answer") == "All models answer."


def test_only_where_there_is_a_baseline_have_the_scores_not_moved(headline: Headline, serve: Serve) -> None:
    assert headline(serve(), "answer") == "All models answer."
    assert headline(serve(app={"metrics": monitored(10)}), "answer") == "All models answer."
    assert headline(serve(app={"metrics": monitored(300)}), "answer") == "All models answer, and the scores have not moved."
