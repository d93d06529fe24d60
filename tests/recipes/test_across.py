"""Lists that teach across languages: which questions belong together, whose negatives they get, and when the judge is no teacher."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.train.negatives import Source
from recipes.embedded.across import Asked, judged, lists, near, questions
from recipes.embedded.common import settings
from recipes.embedded.translations import key
from tests.recipes.said import Said
from tests.tiny_own import build_own

WANTED: dict[str, Any] = settings()["across"] | {"hardest": 2, "drawn": 1}
ROME = {
    "query": "When did Rome fall?",
    "positive": "The city of Rome fell in 476, as most say. " * 3,
    "answer": "476",
    "query_lang": "en",
    "passage_lang": "en",
    "source": "tydi",
}
TEA = {
    "query": "¿De dónde viene el té?",
    "positive": "El té viene de China y se bebe en todo el mundo.",
    "query_lang": "es",
    "passage_lang": "es",
    "source": "mlqa-test",
}
TEA_ASKED_IN_CHINESE = TEA | {"query": "茶来自哪里？", "query_lang": "zh", "source": "mlqa-test-x"}
WRITTEN = {"of": key(ROME), "queries": {"ru": ["Когда пал Рим?"], "en": ["fall of Rome year"]}, "passage": {"ru": "Рим пал в 476 году."}}


def asked(*rows: dict[str, Any], held: tuple[str, ...] = (), items: tuple[dict[str, Any], ...] = (WRITTEN,)) -> dict[str, Asked]:
    return {one.name: one for one in questions(rows, items, frozenset(held))}


def test_a_question_and_its_wordings() -> None:
    found = asked(ROME, TEA, TEA_ASKED_IN_CHINESE)
    assert set(found) == {key(ROME), f"{key(ROME)}-ru", key(TEA)}
    assert found[key(ROME)] == Asked(key(ROME), ROME["query"], ROME["positive"], "en", "476", (("ru", "Когда пал Рим?"),))
    russian = found[f"{key(ROME)}-ru"]
    assert (russian.query, russian.lang, russian.answer) == ("Когда пал Рим?", "ru", "")
    assert russian.others == (("en", "When did Rome fall?"), ("en", "fall of Rome year"))
    assert found[key(TEA)].others == (("zh", "茶来自哪里？"),)


def test_two_questions_on_one_passage_cannot_be_told_apart() -> None:
    assert key(TEA) not in asked(TEA, TEA | {"query": "¿Dónde se bebe?"}, TEA_ASKED_IN_CHINESE)


@pytest.mark.parametrize("held", [ROME["positive"], ROME["query"]])
def test_what_is_held_back_stays_so_in_every_language(held: str) -> None:
    found = asked(ROME, TEA, TEA_ASKED_IN_CHINESE, held=(held,))
    assert {name: one.kept for name, one in found.items()} == {key(TEA): False, key(ROME): True, f"{key(ROME)}-ru": True}


def test_a_wording_that_is_held_back_elsewhere_is_used_for_nothing() -> None:
    """Its row is trained on by other steps, so it can measure nothing either."""
    assert set(asked(ROME, TEA, TEA_ASKED_IN_CHINESE, held=("Когда пал Рим?",))) == {key(TEA)}


def test_other_sources_and_unknown_rows_take_no_part() -> None:
    assert asked(ROME | {"source": "medquad"}) == {}
    assert asked(ROME, items=({"of": "000000000000", "queries": {"ru": ["?"]}},)) == {}


def test_negatives_are_of_the_passages_language_and_hold_no_answer(embedded: Reranker) -> None:
    others = [ROME | {"positive": text, "passage_lang": lang} for text, lang in (
        ("The fall of Rome is dated to 476.", "en"), ("Rome fell, and nobody wrote when.", "en"), ("Roma cayó, y nadie sabe cuándo.", "es"),
        ("Bread is baked.", "en"),
    )]  # fmt: skip
    one = asked(ROME)[key(ROME)]
    corpus, candidates = near([one], others, WANTED, "embedded")
    assert {corpus[at].text for at in candidates[0]} == {"Rome fell, and nobody wrote when.", "Bread is baked."}


CORPUS = [Source(text=text, lang="en") for text in ("one thing", "another thing", "a third thing", "a fourth thing")]


def made(one: Asked, *logits: float) -> list[dict[str, Any]]:
    (row,) = judged([one], CORPUS, [[0, 1, 2, 3]], WANTED, Said(*logits))  # type: ignore[arg-type]
    documents: list[dict[str, Any]] = row["documents"]
    return documents


def test_the_hardest_by_the_judge_and_one_more() -> None:
    one = asked(ROME)[key(ROME)]
    documents = made(one, 5.0, 1.0, 3.0, -2.0, -4.0)
    assert [document["score"] for document in documents[:3]] == [5.0, 3.0, 1.0]
    assert [document["grade"] for document in documents] == [1.0, 0.0, 0.0, 0.0]
    assert documents[3]["score"] in (-2.0, -4.0)
    assert "476" in documents[0]["text"]
    assert [document["score"] for document in made(replace(one, kept=True), 5.0, 1.0, 3.0, -2.0, -4.0)] == [5, 3, 1, -2, -4]


def test_a_judge_that_is_wrong_teaches_nothing() -> None:
    """A marked answer proves that the passage above it is none; then the list is asked in its own language too."""
    one = asked(ROME)[key(ROME)]
    documents = made(one, 2.0, 3.0, 1.0, 0.0, 0.0)
    assert [document["text"] for document in documents[1:3]] == ["one thing", "another thing"]
    assert not any("score" in document for document in documents)
    assert [row["lang"] for row in lists([one], {one.name: {"documents": documents}})] == ["en-en", "ru-en"]


def test_without_a_marked_answer_the_judge_may_veto() -> None:
    one = asked(TEA, TEA_ASKED_IN_CHINESE)[key(TEA)]
    documents = made(one, 2.0, 3.0, 1.8, 0.0, -1.0)
    assert [document["text"] for document in documents[1:]] == ["a third thing", "a fourth thing"]
    rows = list(lists([one], {one.name: {"documents": documents}}))
    assert [(row["query"], row["lang"], row["source"]) for row in rows] == [("茶来自哪里？", "zh-es", "across")]
    assert list(lists([one], {one.name: {"documents": documents[:1]}})) == [], "an answer alone teaches nothing"


@pytest.mark.slow
def test_the_step_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from recipes.embedded import across
    from recipes.embedded.common import read_rows, write_rows

    rows = [ROME, TEA, TEA_ASKED_IN_CHINESE, *(ROME | {"positive": f"The city number {n} fell long ago."} for n in range(5))]
    write_rows(tmp_path / "data" / "positives.jsonl.gz", rows)
    base = build_own(tmp_path / "base")
    monkeypatch.setattr(across, "written_items", lambda: [WRITTEN])
    monkeypatch.setattr(across, "select", lambda *_: type("Chosen", (), {"held_out": []})())
    monkeypatch.setattr("sys.argv", ["across", str(tmp_path / "data"), str(tmp_path), "--judge", str(base), "--model", str(base)])
    across.main()
    path = tmp_path / "across.jsonl"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.splitlines(keepends=True)[0], encoding="utf-8")
    across.main()
    again = {row["name"]: row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    assert set(again) == {json.loads(line)["name"] for line in whole.splitlines()}
    found = list(read_rows(tmp_path / "groups" / "across.jsonl.gz"))
    assert {row["query"] for row in found} >= {"Когда пал Рим?"}
    assert all(row["documents"][0]["grade"] == 1.0 for row in found)
    assert "across-held-out.jsonl.gz: 0 lists" in capsys.readouterr().out
