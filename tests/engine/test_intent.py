"""Which window meets the query, from tokens and their embeddings alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.backends.base import DOCUMENT, QUERY, SPECIAL
from adjudge.engine.intent import Intent
from adjudge.engine.tokenise import PairIds
from adjudge.models.load import load_model
from tests.tiny_own import build_own

IDS = st.lists(st.integers(4, 60), max_size=8)


@pytest.fixture(scope="module")
def intent(tmp_path_factory: pytest.TempPathFactory) -> Intent:
    return Intent(load_model(build_own(tmp_path_factory.mktemp("own") / "judge")))


def window(query: list[int], document: list[int]) -> PairIds:
    ids = [0, *query, 2, *document, 2]
    segments = [SPECIAL, *[QUERY] * len(query), SPECIAL, *[DOCUMENT] * len(document), SPECIAL]
    return PairIds(np.array(ids, np.int32), np.zeros(len(ids), np.int32), np.array(segments, np.int32))


def test_the_window_with_the_question_s_words_is_strongest(intent: Intent) -> None:
    query = [10, 11, 12]
    windows = [window(query, [20, 21, 22, 23]), window(query, [20, 10, 11, 12]), window(query, [20, 10, 24, 25])]
    strengths = intent.of(windows)
    assert list(np.argsort(-strengths)) == [1, 2, 0]


def test_a_word_of_every_window_tells_less_than_a_rare_one(intent: Intent) -> None:
    query = [10, 11]
    everywhere = [window(query, [10, 30, 31]), window(query, [10, 32, 33]), window(query, [10, 11, 35])]
    assert int(np.argmax(intent.of(everywhere))) == 2


@given(IDS, st.lists(IDS, min_size=1, max_size=6))
def test_any_windows_get_finite_numbers(intent: Intent, query: list[int], documents: list[list[int]]) -> None:
    strengths = intent.of([window(query, document) for document in documents])
    assert strengths.shape == (len(documents),)
    assert strengths.dtype == np.float32
    assert np.isfinite(strengths).all()


@given(IDS, st.lists(IDS, min_size=2, max_size=6), st.randoms())
def test_the_order_of_windows_does_not_matter(intent: Intent, query: list[int], documents: list[list[int]], random: object) -> None:
    order = list(range(len(documents)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight = intent.of([window(query, document) for document in documents])
    shuffled = intent.of([window(query, documents[i]) for i in order])
    np.testing.assert_allclose(shuffled, straight[order], atol=1e-4)


def test_a_model_without_a_table_goes_by_its_words(tmp_path: Path) -> None:
    model = load_model(build_own(tmp_path / "judge"))
    bare = Intent(model)
    bare._table = None
    strengths = bare.of([window([10], [20]), window([10], [10])])
    assert strengths[1] > strengths[0]
