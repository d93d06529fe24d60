"""MaxSim: against a loop in plain Python; nothing that is padding, special or of another document counts; bge-m3 by its formulas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from adjudge.retrieval import late_interaction
from adjudge.retrieval.dense_retriever import DenseRetriever
from adjudge.retrieval.late_interaction import LateInteractionRetriever, max_similarity
from adjudge.retrieval.sparse import SparseRetriever
from adjudge.retrieval.token_encoder import TokenEncoder
from tests.conftest import Folders
from tests.retrieval.bge_m3 import build_m3, reference_scores
from tests.texts import DOCUMENTS, LONG, QUERIES
from tests.tiny_models import Tiny

UNITS = arrays.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(-1, 1, width=16))


def slow(query: np.ndarray, texts: list[np.ndarray]) -> np.ndarray:
    """The definition."""
    scores = [np.mean([max(float(q @ d) for d in text) for q in query]) if len(query) and len(text) else -np.inf for text in texts]
    return np.array(scores, np.float32)


@settings(max_examples=200, deadline=None)
@given(query=UNITS, texts=st.lists(UNITS, max_size=6), block=st.integers(1, 12))
def test_it_is_its_definition(query: np.ndarray, texts: list[np.ndarray], block: int) -> None:
    starts = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    tokens = np.concatenate([np.zeros((0, 3), np.float32), *texts])
    before, late_interaction.BLOCK_TOKENS = late_interaction.BLOCK_TOKENS, block
    try:
        found = max_similarity(query, tokens, starts)
    finally:
        late_interaction.BLOCK_TOKENS = before
    np.testing.assert_allclose(found, slow(query, texts), atol=1e-6)


def test_only_unlike_tokens_give_a_score_below_zero() -> None:
    """Where padding counts as 0, it is the most similar token of such a text."""
    query = np.array([[1.0, 0.0]], np.float32)
    tokens = np.array([[-1.0, 0.0], [-0.8, 0.6], [1.0, 0.0]], np.float32)
    np.testing.assert_allclose(max_similarity(query, tokens, np.array([0, 2, 3])), [-0.8, 1.0], atol=1e-6)


@pytest.fixture(scope="module")
def exact() -> Iterator[TokenEncoder]:
    with TokenEncoder(precision="f32") as encoder:
        yield encoder


def scores_by_text(encoder: TokenEncoder, documents: list[str], query: str) -> dict[str, float]:
    found = LateInteractionRetriever.from_documents(documents, encoder).retrieve(query, len(documents))
    return {one.document.text: one.score for one in found.candidates}


def test_a_documents_score_is_its_own(exact: TokenEncoder) -> None:
    """Alone, among others, beside a far longer one that makes it be padded, and in another order."""
    together = scores_by_text(exact, [*DOCUMENTS, LONG * 2], QUERIES[0])
    turned = scores_by_text(exact, [*DOCUMENTS][::-1], QUERIES[0])
    assert len(together) == len(DOCUMENTS) + 1
    for text in DOCUMENTS:
        alone = scores_by_text(exact, [text], QUERIES[0])[text]
        assert alone == pytest.approx(together[text], abs=2e-5)
        assert alone == pytest.approx(turned[text], abs=2e-5)


def test_special_tokens_and_prefix_match_nothing(exact: TokenEncoder) -> None:
    """A text that says nothing but the marks around every text has no token that could be met."""
    states = next(exact.encode([""], kind="document"))
    assert not states.own.any()
    assert exact.vectors(states).shape == (0, exact.size)


def test_half_precision_vectors_hardly_differ(exact: TokenEncoder) -> None:
    query = exact.vectors(next(exact.encode([QUERIES[0]], kind="query")))
    texts = [exact.vectors(states) for states in exact.encode(DOCUMENTS, kind="document")]
    expected = slow(query, texts)
    held = scores_by_text(exact, [*DOCUMENTS], QUERIES[0])
    difference = max(abs(held[text] - score) for text, score in zip(DOCUMENTS, expected.tolist(), strict=True))
    print(f"largest difference of a score by float16: {difference:.1e}")
    assert difference <= 5e-4


def test_a_second_look_gives_the_same_scores(exact: TokenEncoder) -> None:
    whole = LateInteractionRetriever.from_documents(DOCUMENTS, exact).retrieve(QUERIES[0], 5)
    first = DenseRetriever.from_documents(DOCUMENTS, exact)
    over = LateInteractionRetriever.from_retriever(first, exact, depth=len(DOCUMENTS)).retrieve(QUERIES[0], 5)
    assert [one.document.text for one in over.candidates] == [one.document.text for one in whole.candidates]
    np.testing.assert_allclose([one.score for one in over.candidates], [one.score for one in whole.candidates], atol=2e-5)
    few = LateInteractionRetriever.from_retriever(first, exact, depth=2).retrieve(QUERIES[0], 5)
    nearest = first.retrieve(QUERIES[0], 5).candidates
    assert {one.document.text for one in few.candidates} <= {one.document.text for one in nearest}


@pytest.fixture(scope="module")
def m3_folder(tiny_folder: Folders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_m3(tiny_folder(Tiny(family="xlm-roberta")), tmp_path_factory.mktemp("m3") / "tiny-m3")


@pytest.mark.parametrize("query", QUERIES[:3])
def test_bge_m3_scores_by_its_own_formulas(query: str, m3_folder: Path) -> None:
    expected = reference_scores(m3_folder, query)
    with TokenEncoder(m3_folder, precision="f32") as encoder:
        for name, stage in (("dense", DenseRetriever), ("sparse", SparseRetriever), ("colbert", LateInteractionRetriever)):
            found = stage.from_documents(DOCUMENTS, encoder).retrieve(query, len(DOCUMENTS)).candidates
            scores = {one.document.text: one.score for one in found}
            mine = np.array([scores.get(text, 0.0) for text in DOCUMENTS])
            difference = float(np.abs(mine - expected[name]).max())
            print(f"{name}: largest difference {difference:.1e}, scores {expected[name].min():.2f} to {expected[name].max():.2f}")
            assert expected[name].std() > 0.02
            assert difference <= 5e-4
