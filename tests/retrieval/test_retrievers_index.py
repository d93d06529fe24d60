"""First stages over an index on disk: the same passages as over a list, filtered by the database, with the model it was made with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("lancedb")

from adjudge.errors import IndexMismatchError
from adjudge.retrieval.base import Retriever
from adjudge.retrieval.bm25 import BM25Retriever
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.dense_retriever import DenseRetriever
from adjudge.retrieval.hybrid import HybridRetriever
from adjudge.retrieval.index.base import Index
from adjudge.retrieval.index.build import build_index
from adjudge.retrieval.index.open import open_index
from adjudge.retrieval.late_interaction import LateInteractionRetriever
from adjudge.retrieval.recall import recall_at
from adjudge.retrieval.sparse import SparseRetriever
from adjudge.retrieval.token_encoder import TokenEncoder
from tests.conftest import Folders
from tests.retrieval.bge_m3 import build_m3
from tests.retrieval.corpora import ANSWERS, CORPUS, QRELS, QUERIES
from tests.tiny_models import Tiny


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    root = tmp_path_factory.mktemp("index")
    rows = [json.dumps({"text": one.text, "name": one.id, **one.metadata}, ensure_ascii=False) for one in CORPUS]
    (root / "corpus").mkdir()
    (root / "corpus" / "corpus.jsonl").write_text("\n".join(rows), encoding="utf-8")
    build_index([root / "corpus"], root / "index")
    opened = open_index(root / "index")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def m3(tiny_folder: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenEncoder]:
    with TokenEncoder(build_m3(tiny_folder(Tiny(family="xlm-roberta")), tmp_path_factory.mktemp("m3") / "tiny-m3")) as encoder:
        yield encoder


@pytest.fixture(scope="module", params=["bm25", "dense", "hybrid", "late_interaction", "sparse"])
def retriever(request: pytest.FixtureRequest, index: Index, m3: TokenEncoder) -> Iterator[Retriever]:
    if request.param == "hybrid":
        made: Retriever = HybridRetriever([BM25Retriever.from_index(index), DenseRetriever.from_index(index)])
    elif request.param == "sparse":
        made = SparseRetriever.from_index(index, m3)
    else:
        stages = {"bm25": BM25Retriever, "dense": DenseRetriever, "late_interaction": LateInteractionRetriever}
        made = stages[request.param].from_index(index)
    assert made.name == request.param
    yield made
    made.close()


def names(retriever: Retriever, query: str, k: int, **where: object) -> list[str]:
    found = retriever.retrieve(query, k, where=where or None).candidates  # type: ignore[arg-type]
    return [str(one.document.metadata["name"]) for one in found]


def test_answers_are_near_the_top(retriever: Retriever) -> None:
    found = {query: names(retriever, QUERIES[query], 14 if retriever.name == "sparse" else 3) for query in ANSWERS}
    assert not [query for query, answer in ANSWERS.items() if answer not in found[query]]


def test_the_database_filters(retriever: Retriever) -> None:
    expected = {one.id for one in CORPUS if one.metadata["lang"] == "en" and one.metadata["year"] >= 2021}
    found = names(retriever, "giant pandas eat bamboo and fruit, a new phone", 14, lang="en", year={">=": 2021})
    assert found
    assert set(found) <= expected
    assert not names(retriever, "pandas", 5, lang="eo")


def test_scores_are_those_of_the_list(index: Index) -> None:
    """Cosines; not BM25's, whose databases count words in their own way."""
    with TokenEncoder(precision="f32") as encoder:
        stored = DenseRetriever.from_index(index, encoder).retrieve(QUERIES["q-panda"], 14)
        listed = DenseRetriever.from_documents(CORPUS, encoder).retrieve(QUERIES["q-panda"], 14)
    scores = {str(one.document.id): one.score for one in listed.candidates}
    assert len(stored.candidates) == len(CORPUS)
    for one in stored.candidates:
        assert one.score == pytest.approx(scores[str(one.document.metadata["name"])], abs=0.02)


def test_another_model_is_refused(index: Index, m3: TokenEncoder) -> None:
    with pytest.raises(IndexMismatchError):
        DenseRetriever.from_index(index, m3)
    over = LateInteractionRetriever.from_retriever(DenseRetriever.from_index(index), m3)
    assert len(names(over, QUERIES["q-panda"], 3)) == 3


@pytest.mark.parametrize(("stage", "model"), [(DenseRetriever, Embedder), (LateInteractionRetriever, TokenEncoder)])
def test_a_model_that_was_loaded_for_nothing_is_freed(
    index: Index, stage: type[DenseRetriever], model: type[Embedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that the index names may hold another model by now."""
    closed: list[Embedder] = []
    close = model.close
    monkeypatch.setattr(model, "close", lambda self: (closed.append(self), close(self)))
    changed = SimpleNamespace(facts=replace(index.facts, dimensions=5))
    with pytest.raises(IndexMismatchError):
        stage.from_index(changed)  # type: ignore[arg-type]
    assert len(closed) == 1


def test_the_index_stays_open(index: Index) -> None:
    for stage in (BM25Retriever, DenseRetriever, LateInteractionRetriever):
        stage.from_index(index).close()
    assert index.count() == len(CORPUS)


def test_recall_over_an_index(index: Index) -> None:
    retriever = HybridRetriever([BM25Retriever.from_index(index), DenseRetriever.from_index(index)])
    assert recall_at(retriever, QUERIES, QRELS, 14, identify=lambda document: str(document.metadata["name"])).mean == 1.0
    retriever.close()
