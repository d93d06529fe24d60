"""The plain answers keep their form, and the lists made of them say what the module promises."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from adjudge.train.rows import parse_row
from recipes.embedded.common import LANGUAGES
from recipes.embedded.plain import ANSWERS, FOLDER, all_questions, kept_back, lists

SCRIPTS = {"zh": r"[\u4e00-\u9fff]", "ru": r"[\u0400-\u04ff]", "en": r"[A-Za-z]", "es": r"[A-Za-zÀ-ÿ]", "fr": r"[A-Za-zÀ-ÿ]"}
TEXTS = ("queries", "echo", "turned", "short", "aside", "words")

Row = dict[str, Any]


@pytest.fixture(scope="module")
def questions() -> list[Row]:
    return all_questions()


def question(name: str) -> Row:
    return {"name": name, "domain": "test", **{key: {lang: f"{name} {key} {lang}" for lang in LANGUAGES} for key in TEXTS}}


def test_every_question_keeps_the_form(questions: list[Row]) -> None:
    for one in questions:
        assert list(one) == ["name", "domain", *TEXTS]
        for key in TEXTS:
            assert tuple(one[key]) == LANGUAGES, (one["name"], key)
            for lang, text in one[key].items():
                assert text.strip() == text != "", (one["name"], key, lang)
                least = 0.0 if key == "short" else 0.2
                assert len(re.findall(SCRIPTS[lang], text)) >= least * len(text), (one["name"], text)


def test_nothing_stands_twice(questions: list[Row]) -> None:
    names = Counter(one["name"] for one in questions)
    asked = Counter((lang, text.lower()) for one in questions for lang, text in one["queries"].items())
    within = [one["name"] for one in questions for lang in LANGUAGES if len({one[key][lang].lower() for key in TEXTS}) < len(TEXTS)]
    assert not [name for name, count in names.items() if count > 1]
    assert not [text for text, count in asked.items() if count > 1]
    assert not within


def test_about_a_tenth_is_held_back(questions: list[Row]) -> None:
    assert 0.05 < sum(map(kept_back, questions)) / len(questions) < 0.16


def test_each_answer_stands_above_all_that_does_not_answer() -> None:
    given = [question(name) for name in ("one", "two", "three", "four")]
    found = [row for row in lists(given) if row["query"].startswith("one ")]
    assert len(found) == 5 * len(ANSWERS) + 5
    for row in found:
        asked, told = row["lang"].split("-")
        first, *others = parse_row(row).items
        assert row["query"] == f"one queries {asked}"
        assert first.text in {f"one {form} {told}" for form in ANSWERS}
        assert (first.grade, {item.grade for item in others}) == (1.0, {0.0})
        own = [item.text for item in others if item.text.startswith("one ")]
        assert own == [f"one words {lang}" for lang in dict.fromkeys((told, asked))] + [f"one aside {told}"]
        assert len({item.text.split()[0] for item in others}) == 4, "one of each other question"
    assert Counter(row["lang"] for row in found)["en-en"] == len(ANSWERS)
    assert sum(row["lang"][:2] != row["lang"][3:] for row in found) == 5


def test_no_form_of_an_answer_tells_right_from_wrong() -> None:
    given = [question(str(number)) for number in range(12)]
    wrong = Counter(item["text"].split()[1] for row in lists(given) for item in row["documents"][1:])
    assert set(wrong) == {"words", "aside", "short", "echo", "turned"}


def test_the_same_lists_come_out_each_time() -> None:
    given = [question(str(number)) for number in range(5)]
    assert list(lists(given)) == list(lists(given))


def test_the_card_counts_what_is_there(questions: list[Row]) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert card.startswith(f"# Plain answers\n\n{len(questions)} questions")
    for path in sorted(FOLDER.glob("*.jsonl")):
        assert f"| {path.name} | {len(path.read_text(encoding='utf-8').splitlines())} |" in card
