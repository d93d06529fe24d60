"""Last hidden states: what transformers computes, whatever a text shares its batch with, and never a row for padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from adjudge.backends.base import Backend, Batch, Floats
from adjudge.backends.loader import open_backend
from adjudge.backends.torch_plain import plain_logits
from adjudge.config import BackendConfig, BackendName, Precision
from adjudge.errors import UnsupportedModelError
from adjudge.models.files import Found
from adjudge.models.heads import TokenHead
from adjudge.models.load import load_body
from adjudge.models.model import Model
from tests.conftest import Folders
from tests.pair_batches import batch_of, shuffled, take, with_padding
from tests.texts import LONG, PAIRS, QUERIES
from tests.tiny_models import NATIVE, Tiny, hidden_size, quiet

SOME_PAIRS = (*PAIRS[::9], (QUERIES[1], LONG), (QUERIES[0], ""))
BACKENDS: tuple[BackendName, ...] = ("openvino", "torch")
CLOSE = 2e-4
SAME_TEXT = {"f32": 1e-4, "bf16": 0.25, "int8": 0.25}
"""Largest difference of one text's states in different company; states have a standard deviation of about 1."""


def token_model(folder: Path) -> Model:
    model = load_body(Found(str(folder), folder, ""), {"kind": "embedding", "pool": "first"})
    return replace(model, spec=replace(model.spec, head=TokenHead(outputs=model.spec.hidden_size)))


@dataclass(frozen=True, slots=True)
class Opened:
    model: Model
    backend: Backend
    batch: Batch

    def rows(self, batch: Batch) -> list[Floats]:
        """Each row's states."""
        states = self.backend.forward(batch)
        assert states.shape == (batch.tokens, self.model.spec.hidden_size)
        assert states.dtype == np.float32
        return np.split(states, np.cumsum(batch.lengths)[:-1])


def opened_as(folder: Path, backend: BackendName, precision: Precision) -> Opened:
    model = token_model(folder)
    return Opened(
        model, open_backend(model, BackendConfig(backend=backend, device="cpu", precision=precision)), batch_of(model, SOME_PAIRS)
    )


def reference(folder: Path, batch: Batch) -> Floats:
    """transformers' own last_hidden_state, the real tokens end to end."""
    import torch
    from transformers import AutoModel

    real = np.arange(batch.input_ids.shape[1]) < batch.lengths[:, None]
    with quiet():
        network = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = {"input_ids": torch.from_numpy(batch.input_ids).long(), "attention_mask": torch.from_numpy(real).long()}
    if getattr(network.config, "type_vocab_size", 0) > 1 and network.config.model_type != "distilbert":
        inputs["token_type_ids"] = torch.from_numpy(batch.token_type_ids).long()
    with torch.no_grad():
        states = network(**inputs).last_hidden_state.float().numpy()
    return np.asarray(states[real])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("family", NATIVE)
def test_states_are_those_of_transformers(family: str, backend: BackendName, tiny_folder: Folders) -> None:
    folder = tiny_folder(Tiny(family=family))
    opened = opened_as(folder, backend, "f32")
    states, expected = opened.backend.forward(opened.batch), reference(folder, opened.batch)
    assert expected.std() > 0.3
    difference, to_plain = np.abs(states - expected).max(), np.abs(states - plain_logits(opened.model, opened.batch)).max()
    print(f"{backend} {family}: against transformers {difference:.1e}, against the plain way {to_plain:.1e}")
    assert max(difference, to_plain) <= CLOSE


@pytest.fixture(scope="module", params=[("openvino", "f32"), ("openvino", "int8"), ("torch", "f32"), ("torch", "bf16")], ids="-".join)
def opened(request: pytest.FixtureRequest, tiny_folder: Folders) -> Iterator[Opened]:
    backend, precision = request.param
    subject = opened_as(tiny_folder(Tiny(family="xlm-roberta", config=hidden_size("xlm-roberta", 64))), backend, precision)
    yield subject
    subject.backend.close()


def test_a_text_has_the_same_states_in_any_company(opened: Opened) -> None:
    tolerance = SAME_TEXT[opened.backend.traits.precision]
    together = opened.rows(opened.batch)
    mixed, order = shuffled(opened.batch, seed=3)
    padded = opened.rows(with_padding(opened.batch, 17, pad_id=opened.model.spec.pad_token_id))
    for place, row in enumerate(opened.rows(mixed)):
        assert np.abs(row - together[order[place]]).max() <= tolerance
    for row in range(opened.batch.rows):
        alone = opened.rows(take(opened.batch, [row]))[0]
        assert len(alone) == opened.batch.lengths[row]
        assert max(np.abs(alone - together[row]).max(), np.abs(padded[row] - together[row]).max()) <= tolerance


def test_what_stands_in_the_padding_does_not_matter(opened: Opened) -> None:
    batch = opened.batch
    other = batch.input_ids.copy()
    other[np.arange(other.shape[1]) >= batch.lengths[:, None]] = 7
    assert np.abs(opened.backend.forward(replace(batch, input_ids=other)) - opened.backend.forward(batch)).max() <= 1e-6


@pytest.mark.parametrize("backend", ["fake", "onnx"])
def test_backends_without_states_say_so(backend: BackendName, tiny_model: Path) -> None:
    with pytest.raises(UnsupportedModelError):
        open_backend(token_model(tiny_model), BackendConfig(backend=backend))
