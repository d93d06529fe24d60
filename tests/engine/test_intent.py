"""Which window meets the query, from tokens and their embeddings alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge import Reranker
from adjudge.backends.base import DOCUMENT, QUERY, SPECIAL
from adjudge.config import WindowConfig
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


def silent(windows: list[PairIds]) -> np.ndarray:
    """The judge says nothing."""
    return np.zeros(len(windows), np.float32)


def test_where_words_do_not_meet_the_judge_is_the_guide(intent: Intent) -> None:
    """As across languages; where they do meet, it is not."""
    logits = np.array([-4.0, 3.0, -4.0], np.float32)
    foreign = [window([10, 11], [20, 21]), window([10, 11], [22, 23]), window([10, 11], [24, 25])]
    assert int(np.argmax(intent.of(foreign, logits))) == 1
    native = [window([10, 11], [10, 11]), *foreign[1:]]
    assert int(np.argmax(intent.of(native, logits))) == 0
    np.testing.assert_array_equal(intent.of(native, logits), intent.of(native, silent(native)))


def test_the_window_with_the_question_s_words_is_strongest(intent: Intent) -> None:
    query = [10, 11, 12]
    windows = [window(query, [20, 21, 22, 23]), window(query, [20, 10, 11, 12]), window(query, [20, 10, 24, 25])]
    strengths = intent.of(windows, silent(windows))
    assert list(np.argsort(-strengths)) == [1, 2, 0]


def test_a_word_of_every_window_tells_less_than_a_rare_one(intent: Intent) -> None:
    query = [10, 11]
    everywhere = [window(query, [10, 30, 31]), window(query, [10, 32, 33]), window(query, [10, 11, 35])]
    assert int(np.argmax(intent.of(everywhere, silent(everywhere)))) == 2


@given(IDS, st.lists(IDS, min_size=1, max_size=6))
def test_any_windows_get_finite_numbers(intent: Intent, query: list[int], documents: list[list[int]]) -> None:
    windows = [window(query, document) for document in documents]
    strengths = intent.of(windows, silent(windows))
    assert strengths.shape == (len(documents),)
    assert strengths.dtype == np.float32
    assert np.isfinite(strengths).all()


@given(IDS, st.lists(IDS, min_size=2, max_size=6), st.randoms())
def test_the_order_of_windows_does_not_matter(intent: Intent, query: list[int], documents: list[list[int]], random: object) -> None:
    order = list(range(len(documents)))
    random.shuffle(order)  # type: ignore[attr-defined]
    logits = np.arange(len(documents), dtype=np.float32)
    straight = intent.of([window(query, document) for document in documents], logits)
    shuffled = intent.of([window(query, documents[i]) for i in order], logits[order])
    np.testing.assert_allclose(shuffled, straight[order], atol=1e-4)


def test_a_model_without_a_table_goes_by_its_words(tmp_path: Path) -> None:
    model = load_model(build_own(tmp_path / "judge"))
    bare = Intent(model)
    bare._table = None
    windows = [window([10], [20]), window([10], [10])]
    strengths = bare.of(windows, silent(windows))
    assert strengths[1] > strengths[0]


LIGHTHOUSE = {
    "en": (
        "When was the lighthouse on the northern pier rebuilt?",
        "The lighthouse on the northern pier was rebuilt in 1893.",
    ),
    "es": ("¿Cuándo se reconstruyó el faro del muelle norte?", "El faro del muelle norte se quemó y fue reconstruido en 1893."),
    "zh": ("北码头的灯塔是哪一年重建的？", "北码头的灯塔在一次风暴中烧毁，1893年重建。"),
    "ru": ("Когда восстановили маяк на северном пирсе?", "Маяк на северном пирсе сгорел в бурю и был восстановлен в 1893 году."),
    "fr": ("Quand le phare de la jetée nord a-t-il été reconstruit ?", "Le phare de la jetée nord a brûlé et fut reconstruit en 1893."),
}
AROUND = (
    "The museum opens at ten and closes at six, and tickets are sold at the door.",
    "Trams run every seven minutes along the river, and at night buses take their place.",
    "The market hall was built of iron and glass and sells fish, cheese and flowers.",
    "In the park there are chess tables, an old bandstand and a pond with carp.",
)


def test_the_shipped_model_finds_the_answering_window_in_and_across_languages() -> None:
    """Its coverage head, which was the guide once, found none of these ten but one."""
    around = "\n\n".join(" ".join(AROUND[(at + k) % 4] for k in range(4)) for at in range(8))
    with Reranker(max_length=128, windows=WindowConfig(aggregation="importance")) as judge:
        for question, answer in LIGHTHOUSE.values():
            for asked in (question, LIGHTHOUSE["en"][0]):
                (found,) = judge.rank(asked, [f"{around}\n\n{answer}\n\n{around}"]).results
                assert "1893" in found.passage.text, asked
