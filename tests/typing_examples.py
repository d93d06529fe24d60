"""How people write it, for the type checker: mypy --strict must accept all of it, and infer what assert_type says.

Nothing here runs. A change that breaks this file breaks somebody's editor.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from adjudge import (
    Absolute,
    AdjudgeError,
    Document,
    Dropped,
    Dynamic,
    Passage,
    Ranked,
    Ranking,
    Refused,
    Relative,
    Reranker,
    WindowConfig,
    __version__,
)
from adjudge.errors import MissingExtraError
from adjudge.types import Explanation, Sentence


def load() -> None:
    assert_type(Reranker(), Reranker)
    Reranker("BAAI/bge-reranker-v2-m3", revision="main", device="cuda", precision="f16")
    Reranker(Path("models/mine"), backend="openvino", threads=2, max_length=512)
    Reranker("embedded", windows=WindowConfig(aggregation="mean", overlap_tokens=16), max_batch_tokens=4096)
    Reranker("BAAI/bge-reranker-v2-m3", first="embedded", keep=20, budget_ms=300)
    Reranker(backend="tensorflow")  # type: ignore[arg-type]
    Reranker(presicion="int8")  # type: ignore[call-arg]


def rank(judge: Reranker, texts: list[str]) -> None:
    ranking = judge.rank("what do pandas eat", texts, top_n=5, threshold=0.3)
    assert_type(ranking, Ranking)
    assert_type(ranking[0], Ranked)
    assert_type(ranking[:3], tuple[Ranked, ...])
    assert_type(len(ranking), int)
    for result in ranking:
        assert_type(result.score, float)
        assert_type(result.passage, Passage)
        assert_type(result.document.id, str | None)
    assert_type(ranking.dropped, tuple[Dropped, ...])
    assert_type(ranking.refused, tuple[Refused, ...])
    assert_type(ranking.timings.total_ms, float)
    assert_type(ranking.usage.pairs, int)


def rank_anything(judge: Reranker) -> None:
    documents: list[Document] = [Document("bamboo", id="a", metadata={"year": 2024})]
    mappings = [{"text": "bamboo", "id": "a", "source": "web"}]
    judge.rank("q", documents, threshold=Absolute(0.3))
    judge.rank("q", mappings, threshold=Relative(0.5))
    judge.rank("q", ("a", "b"), threshold=Dynamic())
    judge.rank("q", ["a", Document("b"), {"text": "c"}], threshold="dynamic", top_n=None, normalize=False)
    judge.rank("q", ["a"], windows=WindowConfig(mode="truncate"))
    judge.rank("q", ["a"], budget_ms=300)
    judge.rank("q", ["a"], 5)  # type: ignore[call-arg]
    judge.rank("q", [b"bytes"])  # type: ignore[list-item]


def score(judge: Reranker) -> None:
    assert_type(judge.score([("query", "passage")]), list[float])
    assert_type(judge.score([("query", "passage")], normalize=False), list[float])
    assert_type(judge.rank_many(["a", "b"], [["x"], ["y", "z"]], top_n=1), list[Ranking])
    judge.score([("query", "passage", "more")])  # type: ignore[list-item]


def explain(judge: Reranker) -> None:
    explanation = judge.rank("q", ["a", "b"]).explain(0)
    assert_type(explanation, Explanation)
    assert_type(explanation.strongest, Sentence | None)
    assert_type([sentence.effect for sentence in explanation.sentences], list[float])
    assert_type(judge.explain("q", {"text": "a"}, most=10, normalize=False), Explanation)
    judge.explain("q", b"bytes")  # type: ignore[arg-type]


async def answer(judge: Reranker) -> None:
    assert_type(await judge.ascore([("query", "passage")]), list[float])
    assert_type(await judge.arank("query", ["a"]), Ranking)
    assert_type(await judge.arank_many(["query"], [["a"]]), list[Ranking])


def close() -> None:
    with Reranker() as judge:
        assert_type(judge, Reranker)
        assert_type(judge.max_length, int)
        assert_type(judge.traits.backend, str)
        assert_type(judge.traits.notes, tuple[str, ...])
        assert_type(judge.load_ms, float)
        assert_type(judge.warm_up(), float)


def fail() -> None:
    try:
        Reranker("nobody/nothing")
    except MissingExtraError as error:
        assert_type(error.extra, str)
    except AdjudgeError as error:
        assert_type(str(error), str)
    assert_type(__version__, str)
