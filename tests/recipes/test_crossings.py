"""The crossings keep their form, and the lists made of them say what the module promises."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from adjudge.train.rows import parse_row
from recipes.embedded.crossings import FOLDER, all_crossings, kept_back, lists

SCRIPTS = {"zh": r"[\u4e00-\u9fff]", "ru": r"[\u0400-\u04ff]", "en": r"[A-Za-z]", "es": r"[A-Za-zÀ-ÿ]", "fr": r"[A-Za-zÀ-ÿ]"}

Row = dict[str, Any]


@pytest.fixture(scope="module")
def crossings() -> list[Row]:
    return all_crossings()


def crossing() -> Row:
    kinds = {"en": ("answer", "trap", "contradiction", "related"), "ru": ("answer", "trap", "near_term", "related")}
    passages = [{"lang": lang, "kind": kind, "text": f"{lang} {kind}"} for lang, listed in kinds.items() for kind in listed]
    return {"name": "one", "langs": ["en", "ru"], "domain": "test", "queries": {"zh": "问", "en": "ask"}, "passages": passages}


def test_every_crossing_keeps_the_form(crossings: list[Row]) -> None:
    for one in crossings:
        where = one["name"]
        assert set(one) == {"name", "langs", "domain", "queries", "passages"}, where
        assert len(set(one["langs"])) == 2, where
        assert set(one["queries"]) == set(SCRIPTS), where
        for lang in one["langs"]:
            kinds = Counter(passage["kind"] for passage in one["passages"] if passage["lang"] == lang)
            assert (kinds["answer"], kinds["trap"], kinds["related"], kinds["contradiction"] + kinds["near_term"]) == (1, 1, 1, 1), where
        assert len(one["passages"]) == 8, where
        for lang, text in [*one["queries"].items(), *((passage["lang"], passage["text"]) for passage in one["passages"])]:
            assert len(re.findall(SCRIPTS[lang], text)) > 0.2 * len(text), (where, text)


def test_nothing_stands_twice(crossings: list[Row]) -> None:
    names = Counter(one["name"] for one in crossings)
    queries = Counter(query.lower() for one in crossings for query in one["queries"].values())
    texts = Counter(passage["text"].lower() for one in crossings for passage in one["passages"])
    assert not [text for counted in (names, queries, texts) for text, count in counted.items() if count > 1]


def test_about_a_tenth_is_held_back_with_every_language(crossings: list[Row]) -> None:
    kept = [one for one in crossings if kept_back(one)]
    assert 0.05 < len(kept) / len(crossings) < 0.16
    assert {lang for one in kept for lang in one["langs"]} == set(SCRIPTS)


def test_each_answer_stands_above_all_that_does_not_answer() -> None:
    found = list(lists([crossing()]))
    assert [(row["query"], row["lang"]) for row in found] == [("问", "zh-en"), ("问", "zh-ru"), ("ask", "en-en"), ("ask", "en-ru")]
    for row in found:
        first, *others = parse_row(row).items
        assert first.text == f"{row['lang'][3:]} answer"
        assert [item.grade for item in others] == [0.0] * 6
        assert not any("answer" in item.text for item in others)


def test_the_heads_are_told_what_kind_a_passage_is() -> None:
    documents = {document["text"]: document for document in next(lists([crossing()]))["documents"]}
    assert documents["en answer"] == {"text": "en answer", "grade": 1.0, "coverage": 1.0, "contradiction": 0.0, "terminology": 1.0}
    assert documents["en contradiction"] == {"text": "en contradiction", "grade": 0.0, "coverage": 0.0, "contradiction": 1.0}
    assert documents["ru near_term"]["terminology"] == 0.0
    assert documents["ru trap"] == {"text": "ru trap", "grade": 0.0, "coverage": 0.0, "contradiction": 0.0}


def test_the_card_counts_what_is_there(crossings: list[Row]) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert card.startswith(f"# Crossings\n\n{len(crossings)} questions")
    for path in sorted(FOLDER.glob("*.jsonl")):
        assert f"| {path.name} | {len(path.read_text(encoding='utf-8').splitlines())} |" in card
