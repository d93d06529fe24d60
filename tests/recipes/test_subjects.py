"""The subjects keep their form, and the lists made of them say what the module promises."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from adjudge.train.rows import parse_row
from recipes.embedded.common import LANGUAGES, write_rows
from recipes.embedded.subjects import FOLDER, SHORT_LANGUAGES, all_pairs, kept_back, passage_lists, short_lists

SCRIPTS = {"zh": r"[\u4e00-\u9fff]", "ru": r"[\u0400-\u04ff]", "en": r"[A-Za-z]", "es": r"[A-Za-zÀ-ÿ]", "fr": r"[A-Za-zÀ-ÿ]"}

Pairs = list[tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return all_pairs()


def test_every_subject_keeps_the_form(pairs: Pairs) -> None:
    for subject in (subject for pair in pairs for subject in pair):
        where = subject["subject"]
        assert set(subject) == {"subject", "domain", "passages"}, where
        assert sorted(p["lang"] for p in subject["passages"]) == sorted(LANGUAGES), where
        for passage in subject["passages"]:
            assert set(passage) == {"lang", "text", "q", "short"}, where
            assert sorted(passage["q"]) == sorted(LANGUAGES), where
            assert set(passage["short"]) == {"lang", "text"}, where
            assert passage["short"]["lang"] in LANGUAGES, where
            assert len(re.findall(SCRIPTS[passage["lang"]], passage["text"])) > len(passage["text"]) * 0.25, where
            assert 30 <= len(passage["text"]) <= 1500, where


def test_no_question_and_no_subject_stands_twice(pairs: Pairs) -> None:
    subjects = [subject for pair in pairs for subject in pair]
    asked = Counter(q.strip().lower() for s in subjects for p in s["passages"] for q in set(p["q"].values()))
    assert not [query for query, count in asked.items() if count > 1]
    assert not [name for name, count in Counter(s["subject"].lower() for s in subjects).items() if count > 1]


def test_about_a_tenth_is_held_back(pairs: Pairs) -> None:
    assert 0.05 < sum(map(kept_back, pairs)) / len(pairs) < 0.16


def test_a_passage_in_the_questions_own_language_stands_beside_every_answer(pairs: Pairs) -> None:
    own = {(s["subject"], p["lang"]): p["text"] for pair in pairs for s in pair for p in s["passages"]}
    subjects = {p["text"]: s["subject"] for pair in pairs for s in pair for p in s["passages"]}
    lists = list(passage_lists(pairs[:6], random.Random(1)))
    assert len(lists) == 6 * 2 * 5 * 5
    for row in lists:
        texts = [document["text"] for document in row["documents"]]
        assert len(set(texts)) == len(texts) == 7
        assert [document["grade"] for document in row["documents"]] == [1.0] + [0.0] * 6
        assert own[subjects[texts[0]], row["lang"].split("-")[0]] in texts
        assert sum(subjects[text] == subjects[texts[0]] for text in texts) == 5  # and two of the neighbour


def test_short_lists_hold_short_answers_and_whole_passages(pairs: Pairs) -> None:
    whole = {p["text"] for pair in pairs for s in pair for p in s["passages"]}
    lists = list(short_lists(pairs[:6], random.Random(1)))
    assert len(lists) == 6 * 2 * 5 * SHORT_LANGUAGES
    for row in lists:
        right, *wrong = (document["text"] for document in row["documents"])
        assert right not in whole
        assert any(text in whole for text in wrong)
        assert any(text not in whole for text in wrong)
        assert parse_row(row).items[0].grade == 1.0


def test_of_equal_answers_only_the_right_one_stays() -> None:
    def passage(name: str, lang: str, answer: str) -> dict[str, Any]:
        asked = {other: f"{name} {lang} {other}?" for other in LANGUAGES}
        return {"lang": lang, "text": f"{name} {lang}", "q": asked, "short": {"lang": "en", "text": answer}}

    def subject(name: str, answers: list[str]) -> dict[str, Any]:
        return {"subject": name, "passages": [passage(name, *pair) for pair in zip(LANGUAGES, answers, strict=True)]}

    pair = (subject("moon", ["No.", "In 1609.", "No.", "Two.", "No."]), subject("sun", ["No."] * 5))
    for row in short_lists([pair], random.Random(1)):
        texts = [document["text"] for document in row["documents"]]
        assert len(set(texts)) == len(texts)
        assert row["documents"][0]["grade"] == 1.0
        assert [document["grade"] for document in row["documents"][1:]] == [0.0] * (len(texts) - 1)


def test_what_the_heads_learn_of_a_subject_and_its_neighbour(pairs: Pairs) -> None:
    row = next(passage_lists(pairs[:1], random.Random(1)))
    labels = [(d["coverage"], d.get("contradiction"), d["terminology"]) for d in row["documents"]]
    assert labels == [(1.0, 0.0, 1.0)] + [(0.0, None, 1.0)] * 4 + [(0.0, None, 0.0)] * 2


def test_an_odd_number_of_subjects_is_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "odd.jsonl", [{"subject": "alone"}])
    with pytest.raises(ValueError, match=r"odd\.jsonl holds 1 subjects; they come in pairs"):
        all_pairs(tmp_path)


def test_the_card_counts_what_is_there(pairs: Pairs) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    passages = sum(len(s["passages"]) for pair in pairs for s in pair)
    assert f"{2 * len(pairs):,} subjects, {passages:,} passages" in card
    for path in FOLDER.glob("*.jsonl"):
        assert f"| {path.name} | {len(path.read_text(encoding='utf-8').splitlines())} |" in card
