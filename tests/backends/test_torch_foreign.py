"""Families run by transformers: none reads past its positions, and no score depends on the company of a pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adjudge.backends.torch import open_torch
from adjudge.config import BackendConfig
from adjudge.errors import BackendError, BackendMemoryError
from adjudge.models.load import load_model
from adjudge.models.model import Model
from tests.pair_batches import batch_of, take
from tests.texts import LONG, PAIRS, QUERIES
from tests.tiny_foreign import BART, GPT2, OPT, XLNET, build_foreign
from tests.tiny_models import edit_config

CPU = BackendConfig(backend="torch", device="cpu")
ENCODER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "max_position_embeddings": 66}
BEHIND_THE_PADDING: dict[str, dict[str, Any]] = {
    "camembert": {},
    "data2vec-text": {},
    "ibert": {},
    "longformer": {"attention_window": 8},
    "luke": {"entity_vocab_size": 8, "entity_emb_size": 8},
    "mpnet": {},
    "roberta-prelayernorm": {},
    "xlm-roberta-xl": {},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
}
"""Families that count positions from the padding's id + 1, and what their configs need beside ENCODER."""


def alone_and_together(model: Model, pairs: list[tuple[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    backend, batch = open_torch(model, CPU), batch_of(model, pairs)
    alone = np.concatenate([backend.forward(take(batch, [row])) for row in range(batch.rows)])
    return alone, backend.forward(batch)


@pytest.mark.parametrize("model_type", BEHIND_THE_PADDING)
def test_a_long_document_has_only_the_positions_behind_the_padding(model_type: str, tmp_path: Path) -> None:
    model = load_model(build_foreign(tmp_path / model_type, model_type, ENCODER | BEHIND_THE_PADDING[model_type]))
    pairs = [(QUERIES[0], LONG), *PAIRS[:2]]
    assert model.max_length == batch_of(model, pairs).lengths.max() == 64
    alone, together = alone_and_together(model, pairs)
    assert np.abs(alone - together).max() <= 1e-5


def test_positions_of_a_decoder_have_a_name_of_their_own(tmp_path: Path) -> None:
    model = load_model(build_foreign(tmp_path / "gpt2", "gpt2", GPT2))
    assert model.max_length == 48
    assert np.isfinite(open_torch(model, CPU).forward(batch_of(model, [(QUERIES[0], LONG)]))).all()


def test_a_text_that_spells_the_end_token_harms_no_other(tmp_path: Path) -> None:
    """BART looks for the end of each row, and refuses a batch whose rows have unlike numbers of ends."""
    model = load_model(build_foreign(tmp_path / "bart", "bart", BART))
    alone, together = alone_and_together(model, [*PAIRS[:2], (QUERIES[0], "the token </s> ends a text"), PAIRS[3]])
    assert np.abs(alone - together).max() <= 1e-5


@pytest.mark.parametrize("failure", [IndexError("index out of range in self"), ValueError("no such shape")], ids=str)
def test_what_a_network_raises_is_a_backend_error(failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(build_foreign(tmp_path / "opt", "opt", OPT))
    backend = open_torch(model, CPU)

    def fail(**inputs: object) -> None:
        raise failure

    monkeypatch.setattr(backend._network, "_network", fail)
    with pytest.raises(BackendError, match=f"2 pairs.*{failure}"):
        backend.forward(batch_of(model, PAIRS[:2]))


def test_a_head_that_reads_the_last_column_is_asked_row_by_row(tmp_path: Path) -> None:
    model = load_model(build_foreign(tmp_path / "xlnet", "xlnet", XLNET))
    alone, together = alone_and_together(model, list(PAIRS[:6]))
    assert np.ptp(alone) > 0.1
    assert np.abs(alone - together).max() <= 1e-5


def test_padding_is_what_the_network_takes_for_it(tmp_path: Path) -> None:
    """A config that leaves the padding's id out means the family's own, not 0."""
    folder = build_foreign(tmp_path / "opt", "opt", OPT)
    expected, _ = alone_and_together(load_model(folder), list(PAIRS[:6]))
    edit_config(folder, pad_token_id=None)
    alone, together = alone_and_together(load_model(folder), list(PAIRS[:6]))
    assert np.abs(alone - expected).max() <= 1e-5
    assert np.abs(together - expected).max() <= 1e-5
    assert alone_notes(folder) == [], "its rows can be asked together"


def alone_notes(folder: Path) -> list[str]:
    """What a backend says of rows that it asks one at a time."""
    return [note for note in open_torch(load_model(folder), CPU).traits.notes if "one at a time" in note]


def test_whoever_waits_for_single_rows_is_told_why(tmp_path: Path) -> None:
    (note,) = alone_notes(build_foreign(tmp_path / "xlnet", "xlnet", XLNET))
    assert "slow: padding changes the scores of the family 'xlnet'" in note
    decoder = build_foreign(tmp_path / "gpt2", "gpt2", GPT2)
    assert alone_notes(decoder) == []
    edit_config(decoder, pad_token_id=None)
    (note,) = alone_notes(decoder)
    assert "slow: the family 'gpt2' has no padding token" in note


def test_memory_that_runs_out_in_the_trial_is_no_verdict_on_padding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import OPTForSequenceClassification

    model = load_model(build_foreign(tmp_path / "opt", "opt", OPT))

    def fail(_network: object, **_inputs: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(OPTForSequenceClassification, "forward", fail)
    with pytest.raises(BackendMemoryError, match="while torch loaded the model"):
        open_torch(model, CPU)


def test_the_trial_leaves_sparse_attention_on(tmp_path: Path) -> None:
    """BigBird turns it off for good where a row is short."""
    sparse = ENCODER | {"max_position_embeddings": 256, "attention_type": "block_sparse", "block_size": 8, "num_random_blocks": 1}
    backend: Any = open_torch(load_model(build_foreign(tmp_path / "big_bird", "big_bird", sparse)), CPU)
    assert backend._network._network.base_model.attention_type == "block_sparse"
