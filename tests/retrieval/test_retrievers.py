"""What every first stage over a list of documents must do. One suite: words, vectors, tokens, hybrids, and others' retrievers as ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from adjudge.errors import ClosedError, ConfigError, InputError
from adjudge.retrieval.adapters import as_langchain, as_llama_index, from_langchain, from_llama_index
from adjudge.retrieval.base import Retriever
from adjudge.retrieval.bm25 import BM25Retriever
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.dense_retriever import DenseRetriever
from adjudge.retrieval.fusion import Weighted
from adjudge.retrieval.hybrid import HybridRetriever
from adjudge.retrieval.late_interaction import LateInteractionRetriever
from adjudge.retrieval.sparse import SparseRetriever
from adjudge.retrieval.token_encoder import TokenEncoder
from adjudge.types import DocumentLike
from tests.conftest import Folders
from tests.retrieval.bge_m3 import build_m3
from tests.retrieval.corpora import ANSWERS, CORPUS, QUERIES
from tests.tiny_models import Tiny

Maker = Callable[[Iterable[DocumentLike]], Retriever]


@pytest.fixture(scope="module")
def makers(tiny_folder: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Maker]]:
    m3 = build_m3(tiny_folder(Tiny(family="xlm-roberta")), tmp_path_factory.mktemp("m3") / "tiny-m3")
    with Embedder() as embedder, TokenEncoder() as tokens, TokenEncoder(m3) as encoder:

        def bm25(documents: Iterable[DocumentLike]) -> Retriever:
            return BM25Retriever.from_documents(documents)

        def dense(documents: Iterable[DocumentLike]) -> Retriever:
            return DenseRetriever.from_documents(documents, embedder)

        yield {
            "bm25": bm25,
            "dense": dense,
            "dense-m3": lambda documents: DenseRetriever.from_documents(documents, encoder),
            "sparse": lambda documents: SparseRetriever.from_documents(documents, encoder),
            "sparse-over": lambda documents: SparseRetriever.from_retriever(bm25(documents), encoder),
            "late": lambda documents: LateInteractionRetriever.from_documents(documents, tokens),
            "late-over": lambda documents: LateInteractionRetriever.from_retriever(dense(documents), tokens),
            "hybrid": lambda documents: HybridRetriever([bm25(documents), dense(documents)]),
            "weighted": lambda documents: HybridRetriever([bm25(documents), dense(documents)], Weighted({"bm25": 0.3, "dense": 0.7})),
            "langchain": lambda documents: from_langchain(as_langchain(bm25(documents))),
            "llama_index": lambda documents: from_llama_index(as_llama_index(bm25(documents))),
        }


ALL = (
    "bm25", "dense", "dense-m3", "sparse", "sparse-over", "late", "late-over", "hybrid", "weighted", "langchain", "llama_index",
)  # fmt: skip
TRAINED = tuple(name for name in ALL if "m3" not in name and "sparse" not in name)
"""Those whose model means something: the tiny bge-m3 has random weights."""


@pytest.fixture(scope="module")
def retriever(request: pytest.FixtureRequest, makers: dict[str, Maker]) -> Retriever:
    return makers[request.param](CORPUS)


def every(names: Iterable[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("retriever", names, indirect=True)


@every(ALL)
def test_candidates_come_best_first_with_an_account(retriever: Retriever) -> None:
    assert isinstance(retriever, Retriever)
    found = retriever.retrieve(QUERIES["q-panda"], 5)
    assert found.query == QUERIES["q-panda"]
    assert 1 <= len(found.candidates) <= 5
    assert [one.rank for one in found.candidates] == list(range(1, len(found.candidates) + 1))
    assert [one.score for one in found.candidates] == sorted((one.score for one in found.candidates), reverse=True)
    for one in found.candidates:
        assert one.document in CORPUS or one.document.id in {document.id for document in CORPUS}
        assert one.scores[retriever.name] == one.score
        assert one.ranks[retriever.name] == one.rank
    assert found.timings
    assert all(spent >= 0 for spent in found.timings.values())


@every(TRAINED)
@pytest.mark.parametrize("query", ANSWERS)
def test_the_answer_is_near_the_top(query: str, retriever: Retriever) -> None:
    found = [one.document.id for one in retriever.retrieve(QUERIES[query], 3).candidates]
    assert ANSWERS[query] in found


@every(ALL)
def test_a_shorter_list_is_the_beginning_of_a_longer_one(retriever: Retriever) -> None:
    long = [one.document.id for one in retriever.retrieve(QUERIES["q-panda"], 14).candidates]
    assert [one.document.id for one in retriever.retrieve(QUERIES["q-panda"], 3).candidates] == long[:3]
    assert len(set(long)) == len(long)


@every(ALL)
def test_filters_choose_before_the_list_is_cut(retriever: Retriever) -> None:
    whole = [one.document for one in retriever.retrieve(QUERIES["q-panda"], 14).candidates]
    found = retriever.retrieve(QUERIES["q-panda"], 2, where={"year": {">=": 2020}, "lang": ["en", "fr"]})
    expected = [document.id for document in whole if document.metadata["year"] >= 2020 and document.metadata["lang"] in ("en", "fr")]
    names = [one.document.id for one in found.candidates]
    assert len(names) == min(2, len(expected))
    assert set(names) <= set(expected)
    if retriever.name != "hybrid":  # ranks within the filtered lists are others, and with them what fusion makes of them
        assert names == expected[:2]
    assert not retriever.retrieve(QUERIES["q-panda"], 2, where={"lang": "eo"}).candidates


@every(ALL)
def test_wrong_questions_are_refused(retriever: Retriever) -> None:
    for query in ("", "  \n", None, 3):
        with pytest.raises(InputError):
            retriever.retrieve(query)  # type: ignore[arg-type]
    for k in (0, -1, True, 2.5):
        with pytest.raises(ConfigError):
            retriever.retrieve("pandas", k)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        retriever.retrieve("pandas", where={"year": {"~": 3}})


@every(ALL)
@pytest.mark.parametrize("query", ["🐼🐼", "\x00", "half \ud83d of UTF-16", "?!", "zzzz qqqq", "bamboo " * 700])
def test_odd_questions_are_answered(query: str, retriever: Retriever) -> None:
    for one in retriever.retrieve(query, 3).candidates:
        assert one.score == one.score


@every(ALL)
def test_threads_get_the_same_answers(retriever: Retriever) -> None:
    texts = list(QUERIES.values()) * 3

    def ids(query: str) -> list[str | None]:
        return [one.document.id for one in retriever.retrieve(query, 4).candidates]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ids, texts)) == [ids(query) for query in texts]


@pytest.mark.parametrize("name", ALL)
def test_one_bad_document_does_not_fail_the_others(name: str, makers: dict[str, Maker], caplog: pytest.LogCaptureFixture) -> None:
    texts: list[object] = ["Pandas eat bamboo.", "", None, {"text": "Bread needs yeast.", "id": "b"}, "🐼\x00 \ud83d", "  "]
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        retriever = makers[name](texts)  # type: ignore[arg-type]
    assert "3 documents cannot be searched" in caplog.text
    assert {one.document.text for one in retriever.retrieve("pandas bamboo yeast", 10).candidates} <= {
        texts[0],
        "Bread needs yeast.",
        texts[4],
    }


@pytest.mark.parametrize("name", ALL)
def test_nothing_to_search_is_an_error(name: str, makers: dict[str, Maker]) -> None:
    for documents in ([], ["", None]):
        with pytest.raises(InputError, match="nothing to search"):
            makers[name](documents)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="two documents have the id 'a'"):
        makers[name]([{"text": "one", "id": "a"}, {"text": "two", "id": "a"}])


@pytest.mark.parametrize("name", ALL)
def test_after_close_there_is_nothing(name: str, makers: dict[str, Maker]) -> None:
    retriever = makers[name](["Pandas eat bamboo."])
    retriever.close()
    retriever.close()
    with pytest.raises(ClosedError):
        retriever.retrieve("pandas")


def test_models_that_were_handed_in_stay_open(makers: dict[str, Maker]) -> None:
    for name in ("dense", "late", "sparse", "hybrid", "late-over"):
        makers[name](["Pandas eat bamboo."]).close()
        assert makers[name](["Pandas eat bamboo."]).retrieve("pandas").candidates


def test_models_that_were_opened_are_closed() -> None:
    retriever = DenseRetriever.from_documents(["Pandas eat bamboo."])
    assert retriever.retrieve("What do pandas eat?").candidates[0].rank == 1
    assert retriever.release is not None
    embedder = retriever.release.__self__  # type: ignore[attr-defined]
    retriever.close()
    with pytest.raises(ClosedError):
        embedder.embed(["a"], kind="query")


def test_a_long_question_is_cut_and_said_to_be(makers: dict[str, Maker]) -> None:
    for name in ("dense", "late", "sparse", "late-over"):
        assert any("longer than" in warning for warning in makers[name](CORPUS).retrieve("bamboo " * 700).warnings), name


def test_stages_over_stages_keep_what_was_said_before(makers: dict[str, Maker]) -> None:
    best = makers["late-over"](CORPUS).retrieve(QUERIES["q-panda"], 1).candidates[0]
    assert set(best.scores) == {"dense", "late_interaction"}
    assert set(best.ranks) == {"dense", "late_interaction"}
    fused = makers["hybrid"](CORPUS).retrieve(QUERIES["q-panda"], 14)
    assert set(fused.candidates[0].scores) == {"bm25", "dense", "hybrid"}
    assert {"bm25", "embed", "dense", "fuse"} <= set(fused.timings)
    crossed = next(one for one in fused.candidates if one.document.id == "panda-ru")
    assert "bm25" not in crossed.ranks  # no word in common


def test_names_must_differ(makers: dict[str, Maker]) -> None:
    one = makers["bm25"](CORPUS)
    for retrievers, name in (([one, one], "hybrid"), ([], "hybrid"), ([one], "bm25")):
        with pytest.raises(ConfigError):
            HybridRetriever(retrievers, name=name)
    with pytest.raises(ConfigError, match="weight for dense"):
        HybridRetriever([one], Weighted({"dense": 1.0}))
