"""The project's own training data keeps its form, and its held-back tenth stays apart."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from adjudge.train.rows import parse_row
from recipes.embedded.judgements import FOLDER, all_groups, easy_lists, held_back, paraphrase_lists

LANGUAGES = {"zh", "en", "es", "fr", "ru"}
KINDS = {"answer", "partial", "trap", "contradiction", "near_term", "related", "cross"}
GRADES = {"answer": {3}, "cross": {2, 3}, "partial": {1, 2}, "trap": {0}, "contradiction": {0}, "near_term": {0, 1}, "related": {0, 1}}


@pytest.fixture(scope="module")
def groups() -> list[dict[str, Any]]:
    return all_groups()


def test_there_are_two_thousand_groups_in_five_languages(groups: list[dict[str, Any]]) -> None:
    assert len(groups) >= 2000
    by_language = Counter(group["lang"] for group in groups)
    assert set(by_language) == LANGUAGES
    assert min(by_language.values()) >= 350


def test_every_group_keeps_the_form(groups: list[dict[str, Any]]) -> None:
    for group in groups:
        passages, intents = group["passages"], range(len(group["intents"]))
        where = group["query"]
        assert set(group) == {"query", "lang", "domain", "intents", "passages", "source"}, where
        assert 4 <= len(passages) <= 8, where
        assert 1 <= len(intents) <= 4, where
        assert {p["kind"] for p in passages} <= KINDS, where
        assert {p["lang"] for p in passages} <= LANGUAGES, where
        assert {0, 3} <= {p["relevance"] for p in passages}, where
        for passage in passages:
            covered = set(passage["covered"])
            assert covered <= set(intents), where
            if passage["relevance"] == 3:
                assert covered == set(intents), where
            if passage["relevance"] == 0:
                assert not covered, where
            if passage["kind"] in ("trap", "contradiction"):
                assert passage["relevance"] == 0, where


def test_no_query_stands_twice(groups: list[dict[str, Any]]) -> None:
    twice = [query for query, count in Counter(group["query"].strip().lower() for group in groups).items() if count > 1]
    assert not twice


def test_the_kit_reads_every_group(groups: list[dict[str, Any]]) -> None:
    for group in groups:
        read = parse_row(group)
        assert len(read.items) == len(group["passages"])
        assert max(item.grade for item in read.items if item.grade is not None) == 1.0


def test_a_tenth_is_held_back_in_every_language(groups: list[dict[str, Any]]) -> None:
    for language in LANGUAGES:
        own = [group for group in groups if group["lang"] == language]
        assert 0.05 < sum(held_back(group["query"]) for group in own) / len(own) < 0.15


def test_the_card_counts_what_is_there(groups: list[dict[str, Any]]) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    kinds = Counter(p["kind"] for group in groups for p in group["passages"])
    for language, count in Counter(group["lang"] for group in groups).items():
        assert f"| {language}.jsonl | {count} |" in card
    assert f"{len(groups):,} questions with {sum(kinds.values()):,} passages" in card
    for kind, count in kinds.items():
        assert any(f"| {kind}" in line and f" {count:,} " in line for line in card.splitlines()), kind


def test_near_copies_stand_below_the_sentence_itself() -> None:
    import random

    rows = [{"a": f"a{i}", "b": f"b{i}", "label": i % 2, "lang": "en"} for i in range(10)]
    lists = list(paraphrase_lists(rows, random.Random(1)))
    assert len(lists) == 10
    for found in lists:
        number = int(found["query"][1:])
        grades = {document["text"]: document["grade"] for document in found["documents"]}
        assert grades[f"b{number}"] == number % 2
        if number % 2 == 0:
            assert grades[f"a{number}"] == 1.0


def test_easy_lists_hold_an_answer_among_answers_to_other_questions() -> None:
    groups = [group for group in all_groups() if not held_back(group["query"])][:400]
    answers = {p["text"]: g["query"] for g in groups for p in g["passages"] if p["relevance"] == 3}
    lists = list(easy_lists(groups, random.Random(1)))
    assert sorted(row["query"] for row in lists) == sorted(group["query"] for group in groups)
    for row in lists:
        first, *others = row["documents"]
        assert (first["grade"], answers[first["text"]]) == (1.0, row["query"])
        assert len(others) == 6
        assert {d["grade"] for d in others} == {0.0}
        assert row["query"] not in {answers[d["text"]] for d in others}
