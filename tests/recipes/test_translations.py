"""Written questions and translated passages as rows for mining."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from recipes.embedded.common import read_rows, write_rows
from recipes.embedded.mine import Groups, build_corpus, origin
from recipes.embedded.translations import FOLDER, SOURCE, key, translated

TYDI = {
    "query": "When did Rome fall?",
    "positive": "The city fell in 476. Others say 1453.",
    "answer": "476",
    "query_lang": "en",
    "passage_lang": "en",
    "source": "tydi",
    "licence": "Apache-2.0",
}
LANGUAGES = {"zh", "en", "es", "fr", "ru"}


def made(folder: Path, *items: dict[str, Any]) -> list[dict[str, Any]]:
    write_rows(folder / "a.jsonl", items)
    return list(translated([TYDI], folder).rows)


def test_a_written_question_asks_for_the_same_passage(tmp_path: Path) -> None:
    rows = made(tmp_path, {"of": key(TYDI), "queries": {"ru": ["Когда пал Рим?"], "zh": ["罗马何时灭亡？", "罗马 灭亡 年份"]}})
    assert [row["query"] for row in rows] == ["Когда пал Рим?", "罗马何时灭亡？", "罗马 灭亡 年份"]
    assert [row["query_lang"] for row in rows] == ["ru", "zh", "zh"]
    for row in rows:
        assert {name: row[name] for name in ("positive", "passage_lang", "answer", "licence")} == {
            name: TYDI[name] for name in ("positive", "passage_lang", "answer", "licence")
        }
        assert (row["source"], origin(row)) == (SOURCE, "tydi")


def test_a_translated_passage_answers_every_question_of_its_row(tmp_path: Path) -> None:
    rows = made(tmp_path, {"of": key(TYDI), "queries": {"ru": ["Когда пал Рим?"]}, "passage": {"ru": "Город пал в 476 году."}})
    found = {(row["query_lang"], row["passage_lang"]) for row in rows}
    assert found == {("ru", "en"), ("en", "ru"), ("ru", "ru")}
    assert all(("answer" in row) is (row["passage_lang"] == "en") for row in rows)  # the answer's words stand in the original only


def test_what_belongs_to_other_data_is_counted(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", [{"of": "000000000000", "queries": {"ru": ["?"]}}, {"of": key(TYDI), "queries": {"ru": ["?"]}}])
    found = translated([TYDI], tmp_path)
    assert (len(found.rows), found.unknown) == (1, 1)


def test_a_passage_keeps_the_source_it_came_from(tmp_path: Path) -> None:
    """Its negatives are cut out of anywhere, as its positives are; the name of the written question would hide that."""
    rows = made(tmp_path, {"of": key(TYDI), "queries": {"ru": ["Когда пал Рим?"]}})
    corpus, _, origins = build_corpus(type("Chosen", (), {"train": rows, "held_out": [], "distractors": []})())
    assert origins == ["tydi"]
    group = Groups(corpus, origins, {"latin": 25, "han": 20}).plain(rows[0], [], 0)
    assert group["documents"] == [{"text": "The city fell in 476.", "grade": 1.0}]


def test_the_files_are_what_the_card_says() -> None:
    counts: Counter[str] = Counter()
    for path in sorted(FOLDER.glob("*.jsonl")):
        for item in read_rows(path):
            assert set(item) <= {"of", "queries", "passage"}
            assert len(item["of"]) == 12
            assert set(item["queries"]) | set(item.get("passage", {})) <= LANGUAGES
            texts = [text for queries in item["queries"].values() for text in queries] + list(item.get("passage", {}).values())
            assert texts
            assert all(isinstance(text, str) and text == text.strip() and text for text in texts), json.dumps(item, ensure_ascii=False)
            counts["questions"] += sum(map(len, item["queries"].values()))
            counts["passages"] += len(item.get("passage", {}))
    card = FOLDER.joinpath("README.md").read_text(encoding="utf-8")
    assert f"{counts['questions']:,} questions" in card
    assert f"{counts['passages']:,} passages" in card
