"""The page at work, in a real browser against a real server: what a reader sees, does and is told."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest

import adjudge
from adjudge import Reranker
from adjudge.monitor import DriftMonitor, Origin, make_reference
from adjudge.server.metrics import Metrics
from adjudge.server.settings import Settings
from tests.server.browser import Visit, chromium
from tests.server.serving import Live, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

Visits: TypeAlias = Callable[..., Visit]
Moving: TypeAlias = tuple[dict[str, Any], dict[str, Any]]

QUESTION = "Why does my Jaguar XF keep losing coolant?"
LONG = (
    "".join(f"Section {i} is about the museum 🐼, its halls and the price of a ticket on day {i} of the month.\n" for i in range(30))
    + "The thermostat housing of the Jaguar XF cracks, and coolant leaks out when the engine is hot. "
    + "".join(f"Visitors of hall {i} are asked to leave their coats and bags at the door.\n" for i in range(30))
)


WATCH = """() => {
    const seen = (window.seen = []);
    const look = () => {
        const list = document.querySelector(".rows");
        const rows = [...(list?.querySelectorAll(".row") ?? [])];
        const moving = document.getAnimations().filter((one) => rows.includes(one.effect.target));
        if (list !== null) seen.push([list.dataset.order, rows.map((row) => Number(row.dataset.index)), moving.length]);
    };
    const what = {childList: true, subtree: true, attributes: true, attributeFilter: ["data-moving"]};
    new MutationObserver(look).observe(document.getElementById("result"), what);
}"""
"""Notes every order in which rows stand, and how many of them travel: looked at whenever the result changes, before it is drawn."""


@pytest.fixture(scope="module")
def monitor() -> DriftMonitor:
    """Fed with another distribution than its reference's, so that it alarms."""
    draws = np.random.default_rng(7)
    reference = make_reference(draws.beta(0.6, 1.2, (200, 20)), Origin(model="embedded", revision="1", score_type="sigmoid"))
    drift = DriftMonitor(reference)
    for scores in draws.beta(1.4, 1.0, (300, 20)):
        drift.observe(scores)
    assert drift.state().drifting
    return drift


@pytest.fixture(scope="module")
def live(monitor: DriftMonitor) -> Iterator[Live]:
    """The shipped judge behind the real application."""
    with serving(Settings(options={"threads": 1}), metrics=Metrics(monitors={"embedded": monitor})) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, live: Live) -> Iterator[Visits]:
    """Open the page in a context of its own. Afterwards: no errors on the console, and nothing asked of another origin."""
    opened: list[Visit] = []

    def open_page(**options: Any) -> Visit:
        opened.append(Visit(browser, f"{live.url}/", **options))
        return opened[-1]

    yield open_page
    for one in opened:
        one.leave()
        assert one.complaints == []
        assert one.foreign == []


@pytest.fixture(scope="module")
def moving(live: Live) -> Moving:
    """A demo case whose documents the judge puts in another order than the vectors do, and the server's answer."""
    for case in live.get("/page/cases.json").json()["cases"]:
        answer = live.rank(case["query"], [document["text"] for document in case["documents"]], return_similarity=True).json()
        if by_similarity(answer) != [one["index"] for one in answer["ranked_results"]]:
            return case, answer
    raise AssertionError("the judge agrees with the vectors on every demo case")


def by_similarity(answer: dict[str, Any]) -> list[int]:
    judged = [*answer["ranked_results"], *answer["dropped"]]
    return [one["index"] for one in sorted(judged, key=lambda one: (-one["similarity"], one["index"]))]


def test_rows_move_from_the_order_of_the_vectors_to_the_judges(visit: Visits, moving: Moving) -> None:
    case, answer = moving
    seen = visit(motion=True)
    seen.page.evaluate(WATCH)
    seen.page.click(f'[data-case="{case["id"]}"]')
    seen.until("window.seen.some(([order, , moving]) => order === 'judge' && moving > 0)")
    stages = seen.page.evaluate("window.seen")
    judged = [one["index"] for one in answer["ranked_results"]]
    assert ["before", by_similarity(answer), 0] in stages
    assert seen.rows() == judged
    assert max(moving for order, rows, moving in stages if order == "judge" and rows == judged) >= 2
    seen.until("document.getAnimations().length === 0")
    for place, result in enumerate(answer["ranked_results"]):
        row = seen.page.locator(".row").nth(place)
        assert row.locator(".score .number").inner_text() == f"{result['score']:.3f}"
        assert row.locator(".similarity .number").inner_text() == f"{result['similarity']:.3f}"
        filled = row.locator(".score .bar").evaluate("bar => new DOMMatrix(getComputedStyle(bar, '::after').transform).a")
        assert filled == pytest.approx(result["score"], abs=0.02)
    assert seen.page.locator(".verdict").is_visible()
    assert seen.page.locator(".row[data-answers=true]").count() == sum(document["answers"] for document in case["documents"])


def test_either_order_is_a_key_away_and_stillness_is_respected(visit: Visits, moving: Moving) -> None:
    case, answer = moving
    seen = visit()
    seen.judge_case(case["id"])
    assert seen.page.evaluate("document.getAnimations().length") == 0
    judged = [one["index"] for one in answer["ranked_results"]]
    assert seen.rows() == judged
    seen.page.focus("input[value=judge]")
    seen.page.keyboard.press("ArrowLeft")
    assert seen.rows() == by_similarity(answer)
    seen.page.keyboard.press("ArrowRight")
    assert seen.rows() == judged


def test_the_winning_passage_is_marked_in_its_document(visit: Visits) -> None:
    seen = visit()
    answer = seen.judge(QUESTION, [LONG, "Something else."])
    result = next(one for one in answer["ranked_results"] if one["index"] == 0)
    assert result["windows"] > 1
    assert result["passage"]["start"] > 0
    row = seen.page.locator('.row[data-index="0"]')
    assert len(row.locator(".text").inner_text()) < len(LONG)
    row.get_by_role("button", name="Show the whole document").click()
    assert row.locator("mark").evaluate("mark => mark.textContent") == LONG[result["passage"]["start"] : result["passage"]["end"]]
    assert row.locator(".text").evaluate("text => text.textContent").startswith(LONG)
    assert f"best of {result['windows']} windows" in row.inner_text()
    row.get_by_role("button", name="Show less").click()
    assert row.get_by_role("button", name="Show the whole document").evaluate("button => button === document.activeElement")


def test_what_is_dropped_stands_under_its_rule(visit: Visits) -> None:
    seen = visit()
    documents = [
        "The thermostat housing cracks, so the coolant leaks out.",
        "A Jaguar is a cat.",
        "Coolant is sold in cans.",
        "Bananas are yellow.",
    ]
    scores = [one["score"] for one in seen.judge(QUESTION, documents)["ranked_results"]]
    cut = round((scores[-2] + scores[-1]) / 2, 6)
    seen.page.select_option("#threshold", "own")
    seen.page.fill("#own", str(cut))
    seen.page.fill("#top-n", "1")
    answer = seen.submit()
    assert seen.sent[-1]["threshold"] == cut
    assert [one["rule"] for one in answer["dropped"]] == ["top_n=1", "top_n=1", f"absolute:{cut} (cut-off {cut:.3f})"]
    texts = seen.page.locator(".rows > li").all_inner_texts()
    lines = {place: text for place, text in enumerate(texts) if text.startswith("dropped")}
    assert list(lines) == [1, 4]
    assert "top_n=1" in lines[1]
    assert f"below {cut:.3f}" in lines[4]
    assert seen.page.locator(".row[data-kept=false]").count() == 3
    assert seen.page.locator(".cut-off").inner_text() == f"{cut:.3f}"
    assert "3 dropped" in (seen.page.text_content("#said") or "")


def test_refusals_and_timings_are_told(visit: Visits) -> None:
    seen = visit()
    answer = seen.judge(QUESTION, ["The housing leaks.", " ", None, {"id": "x"}, {"text": "It drips.", "id": "forum-17"}])
    refused = seen.page.locator(".refused li").all_inner_texts()
    assert [text.split(".")[0] for text in refused] == [
        "document 2 holds no text",
        "document 3 is no text",
        "document 4 is an object without a text",
    ]
    assert "forum-17" in seen.page.inner_text(".rows")
    shown = seen.page.inner_text(".timings")
    for name in ("queue", "tokenise", "forward"):
        assert f"{name}\n" in shown
    total = answer["timings"]["total_ms"]
    assert seen.page.inner_text(".total .number") == (f"{total:.1f}" if total < 10 else f"{round(total):,}")


def test_a_question_that_is_too_long_is_warned_of(visit: Visits) -> None:
    seen = visit()
    answer = seen.judge("leak " * 600, ["The housing leaks."])
    assert len(answer["warnings"]) == 1
    assert seen.page.locator("#result .notice li").all_inner_texts() == answer["warnings"]


def test_the_sentence_that_carried_a_score_is_underlined(visit: Visits) -> None:
    seen = visit()
    seen.page.check("#explain")
    answer = seen.judge(
        QUESTION, ["Our fair opens on Monday. A Jaguar XF loses coolant because the thermostat housing cracks. Bring a friend."]
    )
    assert seen.sent[-1]["explain"] == 3
    best = max(answer["ranked_results"][0]["explanation"]["sentences"], key=lambda sentence: float(sentence["effect"]))
    assert best["effect"] > 0
    assert seen.page.inner_text(".carried").strip() == best["text"].strip()


def test_the_request_runs_as_curl_and_as_python(visit: Visits, embedded: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    seen = visit(permissions=["clipboard-read", "clipboard-write"])
    seen.page.select_option("#aggregation", "mean")
    documents = ['It\'s the $HOME `housing` "cracked" \\n 100 % 🐼', "第一行\n第二行", {"text": "drips", "id": "a", "ok": True, "no": None}]
    answer = seen.judge("What's leaking, $USER?", documents)
    wanted = [(one["index"], one["score"]) for one in answer["ranked_results"]]
    seen.page.click("#code summary")
    curl = seen.page.text_content("#snippet") or ""
    seen.page.click("#copy")
    seen.until("document.getElementById('copied').textContent === 'Copied.'")
    assert seen.page.evaluate("navigator.clipboard.readText()").strip() == curl.strip()
    done = subprocess.run(["bash", "-c", curl.replace("curl ", "curl -s ", 1)], capture_output=True, check=True, timeout=120)
    assert [(one["index"], one["score"]) for one in json.loads(done.stdout)["ranked_results"]] == wanted
    lines = [f"{one['score']:.3f} {one['passage']['text']}" for one in answer["ranked_results"]]
    monkeypatch.setattr(adjudge, "Reranker", Lent(embedded))
    for tongue in ("Python", "httpx"):
        seen.page.click(f"[data-tongue={tongue}]")
        said = io.StringIO()
        with redirect_stdout(said):
            exec(compile((seen.page.text_content("#snippet") or ""), tongue, "exec"), {})
        assert said.getvalue().splitlines() == "\n".join(lines).splitlines(), tongue


class Lent:
    """Stands for the class Reranker, and lends a judge that is loaded."""

    def __init__(self, judge: Reranker) -> None:
        self._judge = judge

    def __call__(self) -> Lent:
        return self

    def __enter__(self) -> Reranker:
        return self._judge

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """It goes on living."""


def test_texts_are_never_markup(visit: Visits) -> None:
    seen = visit()
    attacks = [
        "<img src=x onerror=\"window.hacked = 'img'\">",
        "<script>window.hacked = 'script'</script>",
        "</p></li><svg onload=\"window.hacked = 'svg'\">",
        "{{constructor.constructor('window.hacked = 1')()}} javascript:alert(1)",
    ]
    documents: list[Any] = [*attacks, {"text": "named", "id": attacks[0]}, {attacks[1]: attacks[2]}]
    seen.judge(attacks[0], documents)
    assert [seen.page.locator(f'.row[data-index="{i}"] .text').inner_text() for i in range(4)] == attacks
    assert seen.page.inner_text("#result h1") == attacks[0]
    assert seen.page.locator("#result :is(img, script, [onload], [onerror])").count() == 0
    assert attacks[1] in seen.page.inner_text(".refused")
    assert seen.page.evaluate("window.hacked") is None
    # The policy stands behind that: markup from text throws, whoever should try.
    thrown = seen.page.evaluate("() => { try { document.body.innerHTML = 'x' } catch (error) { return error.message } }")
    assert "TrustedHTML" in thrown
    assert "TrustedHTML" in seen.complaints.pop()  # so says the console, once


def test_the_keyboard_is_enough(visit: Visits) -> None:
    seen = visit()
    keys = seen.page.keyboard
    keys.press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    assert seen.tab_to("query")
    keys.type(QUESTION)
    assert seen.tab_to("documents")
    assert seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    keys.insert_text("The housing cracks.\nA cat sleeps.")
    assert seen.page.inner_text("#count") == "2 documents (one a line)"
    with seen.page.expect_response("**/rerank"):
        keys.press("Control+Enter")
    seen.page.wait_for_selector("#result .row")
    assert "2 documents judged" in (seen.page.text_content("#said") or "")
    assert seen.page.get_attribute("#said", "aria-live") == "polite"
    assert seen.tab_to("run")
    with seen.page.expect_response("**/rerank"):
        keys.press("Enter")


def test_a_phone_shows_it_without_scrolling_sideways(visit: Visits, moving: Moving) -> None:
    seen = visit(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert seen.width() <= 360
    seen.judge_case(moving[0]["id"])
    assert seen.width() <= 360
    seen.page.tap("#code summary")
    assert seen.width() <= 360
    seen.page.tap("a[href='#live']")
    seen.page.wait_for_selector(".model")
    assert seen.width() <= 360


def test_light_and_dark(visit: Visits) -> None:
    seen = visit(color_scheme="dark")
    assert seen.brightness() < 0.2
    seen.page.click("#theme")
    assert seen.page.inner_text("#theme") == "Light theme"
    assert seen.brightness() > 0.8
    seen.page.reload()
    assert seen.brightness() > 0.8
    seen.page.click("#theme")
    seen.page.click("#theme")
    assert seen.page.inner_text("#theme") == "System theme"
    assert seen.brightness() < 0.2


def test_it_speaks_chinese_and_remembers(visit: Visits, moving: Moving) -> None:
    seen = visit()
    seen.judge_case(moving[0]["id"])
    seen.page.click("#language")
    assert seen.page.get_attribute("html", "lang") == "zh"
    assert seen.page.inner_text("#run span") == "评判"
    assert "向量" in seen.page.inner_text("#result")
    seen.page.reload()
    assert seen.page.inner_text("label[for=query]") == "问题"
    seen.page.click("#language")
    assert seen.page.inner_text("label[for=query]") == "Question"


def test_the_second_view_tells_how_the_service_is_doing(visit: Visits, monitor: DriftMonitor) -> None:
    seen = visit()
    seen.judge(QUESTION, ["The housing cracks."])
    seen.page.clock.install()
    seen.page.click("a[href='#live']")
    seen.page.wait_for_selector(".model")
    assert "have moved" in seen.page.inner_text(".overview .word")
    assert "moved away from the baseline" in seen.page.inner_text(".drift")
    worst = monitor.state().quantities["score"].worst
    assert f"{worst.psi:.2f} alarm above {worst.psi_threshold:.2f}" in seen.page.inner_text(".drift tbody tr >> nth=0")
    assert seen.page.locator(".column").count() == 20
    assert re.search(r"\d+ scores?; \d+ % at 0.5 or above", seen.page.inner_text(".histogram"))
    assert "ms" in seen.page.inner_text(".percentiles")
    asked: list[str] = []
    # Chromium fetches the icon whenever it likes.
    seen.page.on("request", lambda request: None if request.url.endswith("icon.svg") else asked.append(request.url))
    while len(asked) < 2:  # the clock stands still but for this
        seen.page.clock.run_for(2000)
        seen.page.wait_for_timeout(20)
    assert set(asked) == {f"{seen.url}monitor"}
    seen.page.click("a[href='#judge']")
    seen.page.wait_for_selector("#judge-view", state="visible")
    seen.page.wait_for_load_state("networkidle")  # what was asked before the view changed may be told late
    asked.clear()
    seen.page.clock.run_for(10_000)
    assert asked == []
