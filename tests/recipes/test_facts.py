"""The simple facts keep their form, and the lists made of them say what the module promises."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from adjudge.train.rows import parse_row
from recipes.embedded.common import LANGUAGES
from recipes.embedded.facts import ANSWERS, FOLDER, all_facts, kept_back, lists

SCRIPTS = {"zh": r"[\u4e00-\u9fff]", "ru": r"[\u0400-\u04ff]", "en": r"[A-Za-z]", "es": r"[A-Za-zÀ-ÿ]", "fr": r"[A-Za-zÀ-ÿ]"}
TEXTS = ("queries", "keywords", "first", "last", "longer", "about")

Row = dict[str, Any]


@pytest.fixture(scope="module")
def facts() -> list[Row]:
    return all_facts()


def fact(name: str, relation: str) -> Row:
    return {"name": name, "relation": relation, **{key: {lang: f"{name} {key} {lang}" for lang in LANGUAGES} for key in TEXTS}}


def test_every_fact_keeps_the_form(facts: list[Row]) -> None:
    for one in facts:
        assert list(one) == ["name", "relation", *TEXTS]
        for key in TEXTS:
            assert tuple(one[key]) == LANGUAGES, (one["name"], key)
            for lang, text in one[key].items():
                assert text.strip() == text != "", (one["name"], key, lang)
                assert len(re.findall(SCRIPTS[lang], text)) >= 0.2 * len(text), (one["name"], text)


def test_nothing_stands_twice(facts: list[Row]) -> None:
    names = Counter(one["name"] for one in facts)
    texts = Counter((key, lang, text.lower()) for one in facts for key in TEXTS for lang, text in one[key].items())
    assert not [name for name, count in names.items() if count > 1]
    assert not [text for text, count in texts.items() if count > 1]


def test_a_relation_has_enough_facts_to_tell_apart_and_is_held_back_whole(facts: list[Row]) -> None:
    relations = Counter(one["relation"] for one in facts)
    assert min(relations.values()) >= 5
    kept = {one["relation"] for one in facts if kept_back(one)}
    assert 0.03 < len(kept) / len(relations) < 0.2


def test_each_answer_stands_above_its_neighbours() -> None:
    given = [fact(f"{relation}{number}", relation) for relation in ("a", "b") for number in range(5)]
    found = [row for row in lists(given) if row["query"].startswith("a0 ")]
    assert len(found) == 5 * len(ANSWERS) + 5
    assert {row["query"].split()[1] for row in found} == {"queries", "keywords"}
    for row in found:
        asked, told = row["lang"].split("-")
        first, *others = parse_row(row).items
        assert row["query"].endswith(asked)
        assert first.text in {f"a0 {form} {told}" for form in ANSWERS}
        assert (first.grade, {item.grade for item in others}) == (1.0, {0.0})
        assert [item.text for item in others if item.text.startswith("a0 ")] == [
            f"a0 about {lang}" for lang in dict.fromkeys((told, asked))
        ]
        assert Counter(item.text[0] for item in others if not item.text.startswith("a0 ")) == {"a": 3, "b": 1}
        form = first.text.split()[1]
        assert sum(item.text.split()[1:] == [form, told] for item in others) >= 1, "the same sentence about a neighbour"


def test_the_same_lists_come_out_each_time() -> None:
    given = [fact(str(number), "a") for number in range(5)]
    assert list(lists(given)) == list(lists(given))


def test_the_card_counts_what_is_there(facts: list[Row]) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert card.startswith(f"# Simple facts\n\n{len(facts)} facts of {len({one['relation'] for one in facts})} relations")
    for path in sorted(FOLDER.glob("*.jsonl")):
        assert f"| {path.name} | {len(path.read_text(encoding='utf-8').splitlines())} |" in card
