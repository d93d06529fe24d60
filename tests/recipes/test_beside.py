"""Passages of the question's own language in lists across languages: which may stand there, and what they are taught to be worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adjudge.retrieval.dense import Embedder
from recipes.embedded.across import Asked
from recipes.embedded.beside import Wording, drawn, lists, nearest, pool, wordings
from recipes.embedded.common import read_rows, settings, write_rows
from recipes.embedded.translations import key
from tests.recipes.said import Said
from tests.tiny_own import build_own

WANTED: dict[str, Any] = settings()["beside"]
DOCUMENTS = [{"text": "Rome fell in 476.", "grade": 1.0, "score": 4.0}, {"text": "Rome is old.", "grade": 0.0, "score": 1.0}]
ROME = {
    "query": "When did Rome fall?",
    "positive": "Rome fell in 476.",
    "answer": "476",
    "query_lang": "en",
    "passage_lang": "en",
    "source": "tydi",
}
ASKED = Asked(key(ROME), ROME["query"], ROME["positive"], "en", "476", (("ru", "Когда пал Рим?"), ("en", "fall of Rome year")))
IN_RUSSIAN = Asked(f"{key(ROME)}-ru", "Когда пал Рим?", "Рим пал в 476 году.", "ru", "", (("en", "When did Rome fall?"),))


def russian(documents: list[dict[str, Any]] = DOCUMENTS) -> Wording:
    return Wording(
        "Когда пал Рим?", "ru", ROME["positive"], "en", documents, frozenset({ROME["positive"], "Рим пал в 476 году."}), key(ROME)
    )


def test_a_wording_knows_every_passage_that_answers_it() -> None:
    made = {one.name: {"documents": DOCUMENTS} for one in (ASKED, IN_RUSSIAN)}
    elsewhere = ROME | {"query": "Когда пал Рим?", "positive": "Об этом: 476 год."}
    found = wordings([ASKED, IN_RUSSIAN], made, [ROME, elsewhere])
    assert [(one.query, one.lang, one.passage_lang) for one in found] == [
        ("Когда пал Рим?", "ru", "en"),
        ("When did Rome fall?", "en", "ru"),
    ]
    assert all(one.forbidden == {"Rome fell in 476.", "Рим пал в 476 году.", "Об этом: 476 год."} for one in found)


def test_lists_without_a_wrong_passage_and_questions_that_nobody_judged_take_no_part() -> None:
    assert wordings([ASKED], {ASKED.name: {"documents": DOCUMENTS[:1]}}, [ROME]) == []
    assert wordings([ASKED], {}, [ROME]) == []


def test_directions_come_in_equal_parts_as_far_as_they_reach() -> None:
    many = [russian() for _ in range(9)]
    few = [Wording("q", "zh", "p", "es", DOCUMENTS, frozenset(), "n") for _ in range(2)]
    assert sorted(one.lang for one in drawn([*many, *few], 5, 1)) == ["ru", "ru", "ru", "zh", "zh"]
    assert len(drawn([*many, *few], 0, 1)) == 11


def test_the_pool_is_cut_by_language_and_keeps_nothing_back() -> None:
    rows = [ROME | {"positive": f"Page {n} of a book.", "source": "tydi"} for n in range(30)] + [
        ROME | {"positive": "A cure.", "source": "medquad"}
    ]
    found = pool(rows, [ASKED, IN_RUSSIAN], ["tydi"], 10_000, 3)
    assert "Рим пал в 476 году." in found["ru"]
    assert {f"Page {n} of a book." for n in range(30)} <= set(found["en"])
    assert "A cure." not in found["en"]
    assert {lang: len(texts) for lang, texts in pool(rows, [ASKED], ["tydi"], 10, 3).items()} == dict.fromkeys(sorted(found), 10)


def test_nearest_leaves_out_answers_and_twins() -> None:
    texts = {"ru": ["Рим пал в 476 году.", "Рим — древний город.", "Хлеб пекут в печи.", ROME["positive"]]}
    with Embedder("embedded") as embedder:
        vectors = {lang: embedder.embed(own, kind="document") for lang, own in texts.items()}
        ((first, *rest),) = nearest([russian()], texts, vectors, WANTED, embedder)
        assert nearest([Wording("q", "fr", "p", "en", DOCUMENTS, frozenset(), "n")], texts, vectors, WANTED, embedder) == [[]]
    assert (first, rest) == ("Рим — древний город.", ["Хлеб пекут в печи."])


def made(one: Wording, *logits: float) -> list[dict[str, Any]]:
    near = [[f"текст {n}" for n in range(len(logits))]]
    (row,) = lists([one], near, WANTED, Said(*logits))  # type: ignore[arg-type]
    assert (row["query"], row["lang"], row["source"]) == (one.query, "ru-en", "beside")
    assert row["documents"][: len(one.documents)] == one.documents
    added: list[dict[str, Any]] = row["documents"][len(one.documents) :]
    return added


def test_the_hardest_that_are_no_answers_stand_beside() -> None:
    added = made(russian(), 3.6, 3.4, 1.0, 2.0, -1.0)
    assert [document["text"] for document in added[:2]] == ["текст 1", "текст 3"], "3.6 lies too near the answer's 4.0"
    assert [document["score"] for document in added[:2]] == [3.4, 2.0]
    assert added[2]["score"] in (1.0, -1.0)
    assert made(russian(), 3.6, 5.0) == []


def test_beside_a_list_that_the_judge_misread_only_what_is_surely_no_answer() -> None:
    plain = [{name: value for name, value in document.items() if name != "score"} for document in DOCUMENTS]
    assert made(russian(plain), 3.4, 0.0, -0.6) == [{"text": "текст 2", "grade": 0.0}]


@pytest.mark.slow
def test_the_step_as_a_user_starts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from recipes.embedded import beside

    write_rows(tmp_path / "data" / "positives.jsonl.gz", [ROME])
    write_rows(tmp_path / "across.jsonl", [{"name": key(ROME), "documents": DOCUMENTS}])
    base = build_own(tmp_path / "base")
    monkeypatch.setattr(beside, "written_items", lambda: [{"of": key(ROME), "queries": {"ru": ["Когда пал Рим?"]}}])
    monkeypatch.setattr(beside, "held_texts", lambda *_: frozenset())
    monkeypatch.setattr(beside, "all_pages", list)
    monkeypatch.setattr(beside, "all_pairs", list)
    monkeypatch.setattr("sys.argv", ["beside", str(tmp_path / "data"), str(tmp_path), "--judge", str(base), "--model", str(base)])
    beside.main()
    (row,) = read_rows(tmp_path / "groups" / "beside.jsonl.gz")
    assert row["documents"] == DOCUMENTS, "the pool has nothing in Russian"
    assert "beside-held-out: 0 lists" in capsys.readouterr().out
