"""The FAQ pages keep their form, and the lists made of them say what the module promises."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from adjudge.retrieval.dense import Embedder
from adjudge.train.rows import parse_row
from recipes.embedded.common import write_rows
from recipes.embedded.faq import FOLDER, LIMIT, READ, all_pages, crossed, crossed_lists, kept_back, own_lists

SCRIPTS = {"zh": r"[\u4e00-\u9fff]", "ru": r"[\u0400-\u04ff]", "en": r"[A-Za-z]", "es": r"[A-Za-zÀ-ÿ]", "fr": r"[A-Za-zÀ-ÿ]"}

Page = dict[str, Any]


@pytest.fixture(scope="module")
def pages() -> list[Page]:
    return all_pages()


def page(name: str, lang: str, *answers: str) -> Page:
    entries = [
        {
            "answer": a,
            "questions": [f"{name} {a}?", f"about {name}, {a}"],
            "elsewhere": {"es": f"¿{name} {a}?", "zh": f"{name} {a}？"},
            "also": [],
        }
        for a in answers
    ]
    return {"name": name, "lang": lang, "domain": "test", "matter": name, "entries": entries}


def test_every_page_keeps_the_form(pages: list[Page]) -> None:
    for one in pages:
        where = one["name"]
        assert set(one) == {"name", "lang", "domain", "matter", "entries"}, where
        assert one["lang"] in SCRIPTS, where
        assert 7 <= len(one["entries"]) <= 9, where
        for number, entry in enumerate(one["entries"]):
            assert set(entry) == {"answer", "questions", "elsewhere", "also"}, where
            assert len(entry["questions"]) == len(entry["elsewhere"]) == 2, where
            assert set(entry["elsewhere"]) <= set(SCRIPTS) - {one["lang"]}, where
            assert set(entry["also"]) <= set(range(len(one["entries"]))) - {number}, where
            assert 8 <= len(entry["answer"]) <= 2200, where
            assert len(re.findall(SCRIPTS[one["lang"]], entry["answer"])) > len(entry["answer"]) * 0.2, where


def test_nothing_stands_twice(pages: list[Page]) -> None:
    entries = [entry for one in pages for entry in one["entries"]]
    asked = Counter(q.strip().lower() for entry in entries for q in (*entry["questions"], *entry["elsewhere"].values()))
    assert not [query for query, count in asked.items() if count > 1]
    assert not [answer for answer, count in Counter(entry["answer"] for entry in entries).items() if count > 1]
    assert not [name for name, count in Counter(one["name"] for one in pages).items() if count > 1]


def test_about_a_tenth_is_held_back_and_every_language_is_in_both_parts(pages: list[Page]) -> None:
    kept = [one["lang"] for one in pages if kept_back(one)]
    assert 0.05 < len(kept) / len(pages) < 0.16
    assert set(kept) == set(SCRIPTS)
    assert {one["lang"] for one in pages if not kept_back(one)} == set(SCRIPTS)


def test_an_answer_stands_above_its_pages_others() -> None:
    one = page("plasma", "en", "Yes.", "No, never.", "Twice a year.")
    one["entries"][0]["also"] = [2]
    lists = list(own_lists([one]))
    assert [row["query"] for row in lists[:2]] == ["plasma Yes.?", "about plasma, Yes."]
    assert [[document["text"] for document in row["documents"]] for row in lists[::2]] == [
        ["Yes.", "No, never."],  # the third answers this one too
        ["No, never.", "Yes.", "Twice a year."],
        ["Twice a year.", "Yes.", "No, never."],
    ]
    for row in lists:
        assert [item.grade for item in parse_row(row).items] == [1.0] + [0.0] * (len(row["documents"]) - 1)
        assert row["lang"] == "en-en"


class Said:
    """A judge that gives every pair the same logit."""

    def __init__(self, logit: float) -> None:
        self._logit = logit

    def score(self, pairs: list[tuple[str, str]], *, normalize: bool) -> list[float]:
        assert not normalize
        return [self._logit] * len(pairs)


def test_across_languages_the_questions_own_language_stands_beside() -> None:
    pages = [
        page("plasma", "en", "Yes, it is.", "No, never.", "Twice a year."),
        page("pan", "es", "Con harina y agua.", "Se hornea una hora."),
    ]
    with Embedder("embedded") as embedder:
        lists = list(crossed_lists(pages, embedder, Said(LIMIT - 5)))  # type: ignore[arg-type]
    assert [(row["query"], row["lang"]) for row in lists] == [(query, f"{lang}-{one['lang']}") for one, _, lang, query in crossed(pages)]
    spanish = [row for row in lists if row["lang"] == "es-en"]
    beside = [
        document["text"]
        for row in spanish
        for document in row["documents"]
        if document["text"] in ("Con harina y agua.", "Se hornea una hora.")
    ]
    assert len(beside) == 6
    assert all(len(row["documents"]) == 3 for row in lists if row["lang"] == "zh-en"), "no page is in Chinese"


@pytest.mark.parametrize(("logit", "beside"), [(LIMIT - 0.1, READ), (LIMIT, 0)])
def test_what_the_judge_takes_for_an_answer_does_not_stand_beside_one(logit: float, beside: int) -> None:
    pages = [page("plasma", "en", "Yes, it is.", "No, never."), page("pan", "es", "Harina.", "Agua clara.", "Sal gorda.", "Un horno.")]
    with Embedder("embedded") as embedder:
        lists = list(crossed_lists(pages, embedder, Said(logit)))  # type: ignore[arg-type]
    assert [len(row["documents"]) for row in lists if row["lang"] == "es-en"] == [2 + beside] * 2


def test_the_card_counts_what_is_there(pages: list[Page]) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    entries = [entry for one in pages for entry in one["entries"]]
    assert card.startswith(f"# FAQ pages\n\n{len(pages)} pages, {len(entries):,} answers, {4 * len(entries):,} questions")
    for path in sorted(FOLDER.glob("*.jsonl")):
        assert f"| {path.name} | {len(path.read_text(encoding='utf-8').splitlines())} |" in card


def test_files_are_read_in_order(tmp_path: Path) -> None:
    write_rows(tmp_path / "b.jsonl", [page("two", "en", "x")])
    write_rows(tmp_path / "a.jsonl", [page("one", "en", "y")])
    assert [one["name"] for one in all_pages(tmp_path)] == ["one", "two"]
