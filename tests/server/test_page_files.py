"""What the page is made of, and how its files are sent. The page at work is in test_page.py."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from adjudge.errors import MissingExtraError
from adjudge.server.page import page_routes
from adjudge.server.page.assets import NAMES
from tests.source import PACKAGE

FOLDER = PACKAGE / "server" / "page"
TEXTS = {name: (FOLDER / name).read_text(encoding="utf-8") for name in NAMES}
SCRIPTS = sorted(name for name in NAMES if name.endswith(".js"))


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=page_routes()))


class Tags(HTMLParser):
    """Every tag with its attributes, and whether text stood inside a script or a style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


TAGS = Tags(TEXTS["index.html"]).found


def address(name: str) -> str:
    return "/" if name == "index.html" else f"/page/{name}"


def words(name: str) -> dict[str, str]:
    """The entries of a dictionary in JavaScript, which are all `key: "text",`."""
    return {key: json.loads(text) for key, text in re.findall(r'^  (\w+):\s+(".*"),$', TEXTS[name], re.MULTILINE)}


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_sent_as_what_it_is_and_under_the_policy(client: TestClient, name: str) -> None:
    sent = client.get(address(name))
    assert sent.status_code == 200
    assert sent.content == (FOLDER / name).read_bytes()
    kind = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[name.rpartition(".")[2]]
    assert sent.headers["content-type"].split(";")[0] == kind
    assert sent.headers["x-content-type-options"] == "nosniff"
    policy = dict(part.split(" ", 1) for part in sent.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in sent.headers["content-security-policy"]


def test_all_files_of_the_folder_are_listed() -> None:
    there = {path.name for path in FOLDER.iterdir() if path.suffix in {".html", ".css", ".js", ".svg"}}
    assert there == set(NAMES)
    assert all(files("adjudge.server.page").joinpath(name).is_file() for name in NAMES)


@pytest.mark.parametrize(
    "path", ["page/", "page/routes.py", "page/__init__.py", "page/../page/assets.py", "page/%2e%2e/asks.py", "page//etc/passwd"]
)
def test_nothing_else_is_there(client: TestClient, path: str) -> None:
    assert client.get(f"/{path}").status_code == 404


@pytest.mark.parametrize("given", ["{etag}", "W/{etag}", '"older", {etag}', "*"])
def test_a_known_version_is_not_sent_again(client: TestClient, given: str) -> None:
    etag = client.get("/page/app.js").headers["etag"]
    again = client.get("/page/app.js", headers={"if-none-match": given.format(etag=etag)})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert "content-security-policy" in again.headers


@pytest.mark.parametrize("given", ['"older"', "", "W/"])
def test_another_version_is_sent(client: TestClient, given: str) -> None:
    assert client.get("/page/app.js", headers={"if-none-match": given}).status_code == 200


def test_versions_differ_by_content(client: TestClient) -> None:
    etags = [client.get(address(name)).headers["etag"] for name in NAMES]
    assert len(set(etags)) == len(NAMES)


def test_head_is_answered_and_post_is_not(client: TestClient) -> None:
    assert client.head("/").headers["content-length"] == str(len(TEXTS["index.html"].encode()))
    assert client.post("/").status_code == 405


def test_the_cases_are_those_of_the_demo_a_question_each(client: TestClient) -> None:
    sent = client.get("/page/cases.json")
    assert sent.headers["content-type"] == "application/json"
    cases = sent.json()["cases"]
    source = json.loads((PACKAGE / "cli" / "demo_cases.json").read_text(encoding="utf-8"))
    assert [case["query"] for case in cases] == [question["text"] for case in source for question in case["questions"]]
    assert len({case["id"] for case in cases}) == len(cases)
    for case in cases:
        assert {document["answers"] for document in case["documents"]} == {True, False}
        assert case["trap"]


def test_what_the_page_loads_is_listed() -> None:
    loaded = [str(attributes.get("src") or attributes.get("href")) for tag, attributes in TAGS if tag in {"script", "link", "img"}]
    imported = [found for name in SCRIPTS for found in re.findall(r'from "\./(.+?)"', TEXTS[name])]
    assert {path.removeprefix("page/") for path in loaded} | set(imported) == set(NAMES) - {"index.html"}


def test_no_markup_carries_script_or_style() -> None:
    assert all(attributes.get("src") for tag, attributes in TAGS if tag == "script")
    assert not [tag for tag, _ in TAGS if tag == "style"]
    assert not [name for _, attributes in TAGS for name in attributes if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_points_elsewhere(name: str) -> None:
    assert set(re.findall(r"\b[a-z]+://[^\s\"'`]*", TEXTS[name])) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in TEXTS[name]
    assert not re.search(r"\burl\(", TEXTS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_text_becomes_markup(name: str) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser|srcdoc", TEXTS[name])


@pytest.mark.parametrize("name", NAMES)
def test_files_are_short(name: str) -> None:
    assert len(TEXTS[name].splitlines()) <= 250
    assert max(map(len, TEXTS[name].splitlines())) <= 200  # sentences are not broken


def test_every_control_has_a_label() -> None:
    labelled = {attributes.get("for") for tag, attributes in TAGS if tag == "label"}
    inside = re.findall(r"<label(?:(?!</label>).)*?<(?:input|select)[^>]* id=\"([\w-]+)\"", TEXTS["index.html"], re.DOTALL)
    controls = {attributes["id"] for tag, attributes in TAGS if tag in {"input", "select", "textarea"}}
    assert controls <= labelled | set(inside)


def test_both_languages_say_the_same_things() -> None:
    english, chinese = words("words.js"), words("words_zh.js")
    static = {str(value) for _, attributes in TAGS for name, value in attributes.items() if name.startswith("data-t")}
    plural = {key for key in english if key.endswith("_one")}  # Chinese has one form
    assert static | set(english) - plural == set(chinese)
    for key, text in english.items():
        if key not in plural:
            assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", chinese[key])), key


def test_every_word_that_is_asked_for_is_there() -> None:
    english = words("words.js")
    asked = {key for name in SCRIPTS for key in re.findall(r'\b(?:t|count)\("(\w+)"', TEXTS[name])}
    assert asked <= set(english)
    for prefix in re.findall(r"t\(`(\w+_)\$\{", "".join(TEXTS[name] for name in SCRIPTS)):
        assert [key for key in english if key.startswith(prefix)], prefix


def test_every_kind_of_fault_has_words() -> None:
    from adjudge.server.protocols.dialect import STATUS

    assert {f"fault_{kind}" for kind in STATUS} <= set(words("words.js"))


def test_starlette_is_asked_for_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette.routing", None)
    with pytest.raises(MissingExtraError, match=r"adjudge\[server\]"):
        page_routes()
