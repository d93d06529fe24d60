"""What goes into the page: texts in every form, files, keys; and what it says where the server refuses."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from adjudge.server.auth import Keys
from adjudge.server.settings import Limits, ModelSource
from tests.server.browser import Visit, chromium
from tests.server.serving import Gate, Live, Serve, quick_settings, serving, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

Visits: TypeAlias = Callable[..., Visit]


@pytest.fixture(scope="module")
def quick(quick_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Word overlap behind the real application, under two names."""
    other = shutil.copytree(quick_folder, tmp_path_factory.mktemp("page") / "other")
    models = (ModelSource(name="quick", source=str(quick_folder)), ModelSource(name="other", source=str(other)))
    with serving(quick_settings(quick_folder, models=models)) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, quick: Live) -> Iterator[Visits]:
    """Open the page in a context of its own. Afterwards: no errors on the console, and nothing asked of another origin."""
    opened: list[Visit] = []

    def open_page(live: Live = quick, **options: Any) -> Visit:
        opened.append(Visit(browser, f"{live.url}/", **options))
        return opened[-1]

    yield open_page
    for one in opened:
        one.leave()
        assert one.complaints == []
        assert one.foreign == []


def module(seen: Visit, name: str, use: str, given: Any) -> Any:
    """What `use`, a function of (module, given), makes of one of the page's own modules."""
    return seen.page.evaluate(f"async (given) => ({use})(await import('/page/{name}'), given)", given)


def test_documents_come_back_as_they_went_in(visit: Visits) -> None:
    chance = random.Random(11)
    pieces = ["apple", " ", "\n", "\n\n", "\n \n", "\t", "[", '{"a": 1}', "🐼", "\u2028", '"', "\\", "文"]
    lists: list[list[Any]] = [
        ["".join(chance.choices(pieces, k=chance.randrange(1, 6))) for _ in range(chance.randrange(1, 5))] for _ in range(400)
    ]
    lists += [[{"text": "a", "id": "1"}, "b"], [None, 3, ""], [{"a": 1}], [[]], []]
    forms = module(
        visit(),
        "documents.js",
        "(m, lists) => lists.map(l => m.writeDocuments(l)).map(w => [w.form, m.readDocuments(w.text, w.form).documents])",
        lists,
    )
    assert [documents for _, documents in forms] == lists
    assert {form for form, _ in forms} == {"lines", "paragraphs", "json"}


@pytest.mark.parametrize(
    ("text", "form", "documents"),
    [
        ("one\n two \n\n", "lines", ["one", "two"]),
        ("one\n\ntwo\nand more\n \nthree", "paragraphs", ["one", "two\nand more", "three"]),
        ('["one", {"text": "two"}]', "json", ["one", {"text": "two"}]),
        ('{"text": "one"}\n{"text": "two"}\n', "json", [{"text": "one"}, {"text": "two"}]),
        ("[1] a footnote\n[2] another", "lines", ["[1] a footnote", "[2] another"]),
        ("", "lines", []),
    ],
)
def test_the_form_of_a_text_is_recognised(visit: Visits, text: str, form: str, documents: list[Any]) -> None:
    found = module(visit(), "documents.js", "(m, text) => m.readDocuments(text)", text)
    assert (found["form"], found["documents"]) == (form, documents)


def test_offsets_count_characters_as_python_does(visit: Visits) -> None:
    chance = random.Random(5)
    texts = ["".join(chance.choices(["a", "é", "文", "🐼", "👩‍🔬", "\n"], k=chance.randrange(1, 30))) for _ in range(200)]
    spans = [(text, *sorted(chance.choices(range(len(text) + 1), k=2))) for text in texts]
    use = "(m, spans) => spans.map(([t, a, b]) => t.slice(m.codeUnits(t, a), m.codeUnits(t, b)))"
    assert module(visit(), "passage.js", use, spans) == [text[start:end] for text, start, end in spans]


FILES = {
    "lines.txt": ("one\r\ntwo\r\n", ["one", "two"]),
    "paragraphs.md": ("one\nand\n\ntwo\n", ["one\nand", "two"]),
    "marked.txt": (b"\xff\xfe" + "eins\nzwei".encode("utf-16-le"), ["eins", "zwei"]),
    "list.json": (json.dumps(["one\n\ntwo", {"text": "three", "id": "3"}]), ["one\n\ntwo", {"text": "three", "id": "3"}]),
    "request.json": (json.dumps({"query": "What?", "documents": ["one", "two"]}), ["one", "two"]),
    "rows.jsonl": ('{"text": "one"}\n"two"\n', [{"text": "one"}, "two"]),
    "table.csv": ('text,label\n"one, ""and"" a\nhalf",1\ntwo,2\n', ['one, "and" a\nhalf', "two"]),
    "bare.tsv": ("one\t1\ntwo\t2", ["one", "two"]),
}


def test_files_are_read_by_what_they_are(visit: Visits) -> None:
    seen = visit()
    seen.page.fill("#query", "one?")
    asked = {}
    for name, (content, documents) in FILES.items():
        data = content if isinstance(content, bytes) else content.encode()
        seen.page.fill("#documents", "")
        seen.page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": data})
        seen.until("document.getElementById('documents').value !== ''")
        seen.submit()
        assert seen.sent[-1]["documents"] == documents, name
        assert seen.sent[-1]["query"] == seen.page.input_value("#query")
        asked[name] = seen.sent[-1]["query"]
    assert (asked["list.json"], asked["request.json"]) == ("one?", "What?")
    seen.page.set_input_files("#file", {"name": "broken.json", "mimeType": "application/json", "buffer": b'["one"'})
    seen.page.wait_for_selector("#documents-fault:visible")
    assert "not the JSON it should be" in seen.page.inner_text("#documents-fault")


def test_an_empty_field_is_named_and_nothing_is_sent(visit: Visits) -> None:
    seen = visit()
    seen.page.click("#run")
    assert seen.page.evaluate("document.activeElement.id") == "query"
    assert seen.page.inner_text("#query-fault") == "Type a question first."
    assert seen.page.get_attribute("#documents", "aria-invalid") == "true"
    seen.page.fill("#query", "apples?")
    seen.page.click("#run")
    assert seen.page.evaluate("document.activeElement.id") == "documents"
    seen.page.select_option("#form", "json")
    seen.page.fill("#documents", '["one"')
    seen.page.click("#run")
    assert "not the JSON" in seen.page.inner_text("#documents-fault")
    assert seen.sent == []


def test_a_closed_server_is_opened_with_a_key_that_stays_in_the_tab(visit: Visits, serve: Serve) -> None:
    seen = visit(serve(keys=Keys(["let-me-in"])), troubled=True)
    seen.page.wait_for_selector("[data-fault=unauthorized]")
    assert "wants an API key" in seen.page.inner_text("#fault")
    seen.page.fill("#key", "wrong")
    seen.page.press("#key", "Enter")
    seen.until("document.getElementById('key')?.value === ''")  # a new field: that one was not accepted
    seen.page.fill("#key", "let-me-in")
    seen.page.press("#key", "Enter")
    seen.page.wait_for_selector("#serving:not(:empty)")
    assert seen.page.inner_text("#fault") == ""
    answer = seen.judge("red apples", ["red apples", "bread"])
    assert len(answer["ranked_results"]) == 2
    assert "let-me-in" not in (seen.page.text_content("#snippet") or "")
    assert '-H "Authorization: Bearer $ADJUDGE_API_KEY"' in (seen.page.text_content("#snippet") or "")
    assert "let-me-in" not in seen.page.evaluate("JSON.stringify(localStorage)")
    assert "let-me-in" in seen.page.evaluate("JSON.stringify(sessionStorage)")


def test_a_full_server_says_when_to_come_back(visit: Visits, serve: Serve, gate: Gate) -> None:
    live = serve(limits=Limits(pairs=4))
    seen = visit(live, troubled=True)
    gate.shut()
    other = threading.Thread(target=live.rank, args=("red", ["red apples", "bread", "wine"]))
    other.start()
    until(lambda: gate.waiting > 0)
    seen.fill("red apples", ["red apples", "bread"])
    seen.page.click("#run")
    seen.page.wait_for_selector("[data-fault=overloaded]")
    gate.open()
    other.join()
    assert "all it can do. Try again in " in seen.page.inner_text("#fault")
    assert seen.page.is_enabled("#run")


def test_a_deadline_that_passed_is_explained(visit: Visits, serve: Serve, gate: Gate) -> None:
    seen = visit(serve(limits=Limits(timeout_s=0.5)), troubled=True)
    gate.shut()
    seen.fill("red apples", ["red apples", "bread"])
    seen.page.click("#run")
    seen.page.wait_for_selector("[data-fault=timeout]")
    assert "The deadline passed" in seen.page.inner_text("#fault")


def test_a_wrong_setting_is_named(visit: Visits) -> None:
    seen = visit(troubled=True)
    seen.fill("red apples", ["red apples", "bread"])
    seen.page.select_option("#threshold", "own")
    seen.page.fill("#own", "nonsense")
    seen.page.click("#run")
    seen.page.wait_for_selector("[data-fault=invalid]")
    said = seen.page.inner_text("#fault")
    assert "nonsense" in said
    assert "“threshold”" in said


@pytest.mark.parametrize(
    ("written", "sent"),
    [("0.3", 0.3), (" .5 ", 0.5), ("2e-1", 0.2), ("Infinity", "Infinity"), ("1e999", "1e999"), ("0x1", "0x1"), ("gap", "gap")],
)
def test_a_threshold_is_a_number_only_where_it_is_written_as_one(visit: Visits, written: str, sent: float | str) -> None:
    seen = visit(troubled=True)
    seen.fill("red apples", ["red apples", "bread"])
    seen.page.select_option("#threshold", "own")
    seen.page.fill("#own", written)
    with seen.page.expect_response("**/rerank") as waiting:
        seen.page.click("#run")
    assert seen.sent[-1]["threshold"] == sent
    assert waiting.value.status == (422 if sent in ("Infinity", "1e999", "0x1") else 200)


def test_a_refusal_says_what_is_there_once(visit: Visits) -> None:
    seen = visit()
    seen.judge("red apples", ["red apples", " ", 7, {"text": None}, {"id": "x"}, {}])
    assert seen.page.locator(".refused li").all_inner_texts() == [
        "document 2 holds no text.",
        "document 3 is no text. It is a number.",
        "document 4 is no text. It is an object whose text is null.",
        "document 5 is an object without a text. Its keys: id.",
        "document 6 is an object without a text.",
    ]


def test_a_bound_stands_on_one_line_and_one_place_is_one(visit: Visits) -> None:
    seen = visit()
    entry = {"index": 0, "before": 2, "after": 1, "score": 0.0001, "similarity": 0.9999, "logit": -9, "text": "red", "tokens_unseen": 0}
    use = """async (m, entry) => {
        const list = document.createElement("ul");
        list.dataset.order = "judge";
        list.append(m.row(entry));
        const result = document.getElementById("result");
        result.hidden = false;
        result.replaceChildren(list);
        const number = list.querySelector(".score .number");
        const line = document.createRange();
        line.selectNodeContents(number);
        const [figures, name] = [".figures", ".score .name"].map((one) => list.querySelector(one).getBoundingClientRect());
        const lines = new Set([...line.getClientRects()].map((one) => one.top)).size;
        return [number.textContent, lines, name.right <= figures.right + 1, list.querySelector(".moved").textContent];
    }"""
    assert module(seen, "row.js", use, entry) == ["<0.001", 1, True, "▲ 1up 1 place"]


def test_a_server_out_of_reach_is_not_blamed_on_the_reader(visit: Visits) -> None:
    seen = visit(troubled=True)
    seen.fill("red apples", ["red apples", "bread"])
    seen.page.context.set_offline(True)
    seen.page.click("#run")
    seen.page.wait_for_selector("[data-fault=unreachable]")
    assert "does not answer" in seen.page.inner_text("#fault")
    seen.page.context.set_offline(False)
    assert seen.submit()["ranked_results"]


def test_a_request_can_be_stopped(visit: Visits, serve: Serve, gate: Gate) -> None:
    live = serve()
    seen = visit(live, troubled=True)
    gate.shut()
    seen.fill("red apples", ["red apples", "bread"])
    seen.page.click("#run")
    until(lambda: gate.waiting > 0)
    seen.page.click("#stop")
    seen.page.wait_for_selector("#run:enabled")
    assert seen.page.inner_text("#fault") == ""
    assert seen.page.is_hidden("#result")


def test_models_that_are_there_can_be_chosen(visit: Visits) -> None:
    seen = visit()
    seen.page.wait_for_selector("#serving:not(:empty)")
    assert seen.page.locator("#model option").all_inner_texts() == ["quick", "other"]
    seen.judge("red apples", ["red apples", "bread"])
    assert "model" not in seen.sent[-1]
    seen.page.select_option("#model", "other")
    assert seen.submit()["model"] == "other"
