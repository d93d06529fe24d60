"""The fake: deterministic word overlap on any model's tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.backends.base import DOCUMENT, QUERY, SPECIAL, Batch
from adjudge.backends.fake import HIGHEST, LOWEST, FakeBackend, open_fake
from adjudge.config import BackendConfig, Precision
from adjudge.errors import BackendUnavailableError, ClosedError, UnsupportedModelError
from adjudge.models.load import load_encoder, load_model
from tests.conftest import Folders
from tests.pair_batches import batch_of
from tests.texts import DOCUMENTS
from tests.tiny_models import Tiny


@pytest.fixture(scope="session")
def fake(tiny_model: Path) -> FakeBackend:
    return open_fake(load_model(tiny_model), BackendConfig(backend="fake"))


def row(query: list[int], document: list[int]) -> Batch:
    """<s> query </s> document </s> as one row."""
    ids = [0, *query, 2, *document, 2]
    segments = [SPECIAL, *[QUERY] * len(query), SPECIAL, *[DOCUMENT] * len(document), SPECIAL]
    as_row = np.array([ids], np.int32)
    return Batch(
        input_ids=as_row,
        lengths=np.array([len(ids)], np.int32),
        token_type_ids=np.zeros_like(as_row),
        segments=np.array([segments], np.int32),
    )


@pytest.mark.parametrize(
    ("query", "document", "logit"),
    [
        ([5, 6, 7, 8], [5, 6, 7, 8, 9], 4.0),
        ([5, 6, 7, 8], [6, 8, 20], 0.0),
        ([5, 6, 7, 8], [30, 31], -4.0),
        ([5, 5, 5, 6], [5], 0.0),  # distinct words count, not how often they are said
        ([5], [], -4.0),
        ([], [5], -4.0),
    ],
)
def test_the_logit_is_the_share_of_the_query_that_is_met(fake: FakeBackend, query: list[int], document: list[int], logit: float) -> None:
    assert fake.forward(row(query, document)).tolist() == [[logit]]


@settings(deadline=None)
@given(st.lists(st.integers(5, 60), min_size=1), st.lists(st.integers(5, 60)))
def test_more_text_never_lowers_the_logit(fake: FakeBackend, query: list[int], document: list[int]) -> None:
    less, more = fake.forward(row(query, document))[0, 0], fake.forward(row(query, [*document, query[0]]))[0, 0]
    assert LOWEST <= less <= more <= HIGHEST


def test_it_finds_words_with_the_shipped_tokenizer() -> None:
    model = load_model("embedded")
    fake = open_fake(model, BackendConfig(backend="fake"))
    pairs = [("bamboo forest", "a forest of bamboo"), ("bamboo forest", "bread"), ("bamboo bread", "bread")]
    whole, nothing, part = fake.forward(batch_of(model, pairs))[:, 0].tolist()
    assert (whole, nothing) == (HIGHEST, LOWEST)
    assert LOWEST < part < HIGHEST
    question = fake.forward(batch_of(model, [("giant pandas eat bamboo", document) for document in DOCUMENTS]))
    assert int(question[:, 0].argmax()) == 0


def test_of_several_labels_the_relevant_one_speaks(tiny_folder: Folders) -> None:
    model = load_model(tiny_folder(Tiny(family="bert", labels=3)))
    logits = open_fake(model, BackendConfig(backend="fake")).forward(batch_of(model, [("bread", "bread")]))
    assert logits.tolist() == [[0.0, 0.0, 4.0]]


@pytest.mark.parametrize(("device", "precision"), [("cuda", "auto"), ("auto", "bf16"), ("auto", "int8")])
def test_it_refuses_what_it_has_not(tiny_model: Path, device: str, precision: Precision) -> None:
    with pytest.raises(BackendUnavailableError):
        open_fake(load_model(tiny_model), BackendConfig(backend="fake", device=device, precision=precision))


def test_it_makes_no_embeddings() -> None:
    with pytest.raises(UnsupportedModelError):
        open_fake(load_encoder(), BackendConfig(backend="fake"))


def test_closed_is_closed(tiny_model: Path) -> None:
    fake = open_fake(load_model(tiny_model), BackendConfig(backend="fake"))
    fake.close()
    fake.close()
    with pytest.raises(ClosedError):
        fake.forward(row([5], [5]))
