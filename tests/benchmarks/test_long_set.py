"""Long documents are built as they are said to be: one answer, hard neighbours, balanced places."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import long_set
from benchmarks.long_articles import Collection, article_numbers, read_collection
from benchmarks.long_set import LONGEST, SHORTEST, LongQuery, long_documents
from tests.benchmarks.long_data import COPIES, SETS, write_sets


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sets(tmp_path_factory.mktemp("long"))


@pytest.fixture(scope="module")
def told(data: Path) -> Collection:
    return read_collection(data / "told")


@pytest.fixture(autouse=True)
def small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_set, "SETS", SETS)


@pytest.fixture(scope="module")
def queries(data: Path) -> list[LongQuery]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_set, "SETS", SETS)
        return long_documents(data, per_language=12, seed=1)


def parts(document: str) -> list[str]:
    return document.split("\n\n")


def test_the_same_seed_gives_the_same_queries(data: Path, queries: list[LongQuery]) -> None:
    assert long_documents(data, per_language=12, seed=1) == queries
    assert long_documents(data, per_language=12, seed=2) != queries


def test_the_span_is_the_answering_passage_and_stands_nowhere_else(data: Path, queries: list[LongQuery]) -> None:
    answers = {q: [c.texts[i] for i in found] for c in (read_collection(data / s) for s in ("told", "untold")) for q, found in c.questions}
    for query in queries:
        right = query.documents[query.answer]
        assert query.passage in answers[query.query]
        assert query.passage in parts(right), "blank lines before and behind"
        assert query.position == pytest.approx(sum(query.span) / 2 / len(right))
        everywhere = [part for document in query.documents for part in parts(document)]
        assert sum(everywhere.count(text) for text in answers[query.query]) == 1, (
            "another passage that answers would be a second right document"
        )
        assert len(set(everywhere)) == len(everywhere), "no passage stands in two documents"


def test_documents_are_alike(queries: list[LongQuery]) -> None:
    for query in queries:
        assert len(query.documents) == 8
        assert all(SHORTEST <= len(d) <= LONGEST for d in query.documents)
        assert {len(parts(d)) for d in query.documents} == {20}
    assert len({query.answer for query in queries}) > 4, "the right document has no usual place"


def test_places_are_balanced_over_sets_and_thirds(queries: list[LongQuery]) -> None:
    for lang, sets in SETS.items():
        counts = Counter((q.source, q.third) for q in queries if q.lang == lang)
        assert counts == {(name, third): 12 // (3 * len(sets)) for name in sets for third in range(3)}
    for query in queries:
        assert query.third == min(2, int(3 * query.position))
    assert len({query.query for query in queries if query.lang == "en"}) == 12


def test_copies_of_the_answer_are_left_out(told: Collection) -> None:
    assert told.copies(0) == {0, COPIES[0]}
    assert told.copies(1) == {1}


def test_an_article_stands_in_its_order(told: Collection, queries: list[LongQuery]) -> None:
    where = {text: i for i, text in enumerate(told.texts)}
    beside = 0
    for query in (q for q in queries if q.source == "told"):
        found = [where[part] for part in parts(query.documents[query.answer])]
        own = where[query.passage]
        barred = set().union(*(told.copies(i) for i in dict(told.questions)[query.query]))
        for step in (-1, 1):
            neighbour, place = own + step, found.index(own) + step
            if 0 <= place < len(found) and neighbour // 5 == own // 5 and neighbour not in barred:
                assert found[place] == neighbour
                beside += 1
    assert beside > 3


def test_the_best_rivals_stand_in_wrong_documents(data: Path, queries: list[LongQuery]) -> None:
    collections = {name: read_collection(data / name) for name in ("told", "untold")}
    for query in queries:
        collection = collections[query.source]
        where = {text: i for i, text in enumerate(collection.texts)}
        barred = set().union(*(collection.copies(i) for i in dict(collection.questions)[query.query]))
        right = {where[part] for part in parts(query.documents[query.answer])}
        rival = next(i for i in collection.near(query.query) if i not in barred and i not in right)
        wrong = {where[part] for n, d in enumerate(query.documents) if n != query.answer for part in parts(d)}
        assert rival in wrong


def test_long_texts_are_cut_at_the_far_end(data: Path, monkeypatch: pytest.MonkeyPatch, queries: list[LongQuery]) -> None:
    whole = max(len(d) for q in queries for d in q.documents)
    monkeypatch.setattr(long_set, "LONGEST", whole // 2)
    for query in long_documents(data, per_language=3, seed=1):
        assert max(len(d) for d in query.documents) <= whole // 2
        assert query.passage in parts(query.documents[query.answer])


def test_a_set_that_does_not_suffice_is_no_silent_shortfall(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="gives only 0 queries with 60 documents of 20 passages"):
        long_documents(data, per_language=1, documents=60, seed=1)
    monkeypatch.setattr(long_set, "SETS", {"ru": ("nowhere",)})
    with pytest.raises(SystemExit, match="nowhere"):
        long_documents(data, per_language=1, seed=1)


def test_articles_are_told_by_ids_else_by_words(data: Path, told: Collection) -> None:
    assert told.articles == tuple(i // 5 for i in range(200))
    assert read_collection(data / "untold").articles == tuple(i // 16 for i in range(192)), "other words, another article"
    assert list(article_numbers([], [])) == [0]
    assert list(article_numbers(["7", "7", "3", "7"], [])) == [0, 0, 1, 2]


@given(
    passage=st.integers(0, 199),
    free=st.frozensets(st.integers(0, 199)),
    before=st.integers(0, 20),
    after=st.integers(0, 20),
)
def test_a_stretch_is_of_one_article_and_free(told: Collection, passage: int, free: frozenset[int], before: int, after: int) -> None:
    found = told.stretch(passage, free, before=before, after=after)
    at = found.index(passage)
    assert found == list(range(found[0], found[-1] + 1))
    assert at <= before
    assert len(found) - 1 - at <= after
    assert {told.articles[i] for i in found} == {told.articles[passage]}
    assert set(found) - {passage} <= free
