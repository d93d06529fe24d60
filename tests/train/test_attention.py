"""Attention written out: what torch's own computes, forward and backward."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adjudge.train.attention import NAME, attend
from adjudge.train.settings import ModelConfig
from adjudge.train.student import load_student
from tests.conftest import Folders
from tests.pair_batches import batch_of
from tests.texts import PAIRS
from tests.tiny_models import NATIVE, Tiny

ROWS, HEADS, TOKENS, SIZE = 3, 2, 7, 8
LENGTHS = (7, 4, 1)


def inputs(*, dtype: str = "float32") -> tuple[Any, Any, Any]:
    import torch

    draw = torch.Generator().manual_seed(0)
    shape = (ROWS, HEADS, TOKENS, SIZE)
    q, k, v = (torch.randn(shape, generator=draw).to(getattr(torch, dtype)).requires_grad_() for _ in range(3))
    return q, k, v


def masks() -> dict[str, Any]:
    """None; True for real tokens (of 7, 4 and 1); a window that looks two tokens to either side; the same as numbers to add."""
    import torch

    real = torch.arange(TOKENS)[None, :] < torch.tensor(LENGTHS)[:, None]
    padding = real[:, None, None, :].expand(ROWS, 1, TOKENS, TOKENS)
    near = (torch.arange(TOKENS)[:, None] - torch.arange(TOKENS)[None, :]).abs() <= 2
    added = torch.zeros(ROWS, 1, TOKENS, TOKENS).masked_fill(~padding, torch.finfo(torch.float32).min)
    return {"none": None, "padding": padding, "window": near[None, None].expand(ROWS, 1, TOKENS, TOKENS), "added": added}


@pytest.mark.parametrize("name", ["none", "padding", "window", "added"])
@pytest.mark.parametrize("scaling", [None, 0.3])
def test_it_is_torchs_attention_forward_and_backward(name: str, scaling: float | None) -> None:
    import torch

    mask = masks()[name]
    mine, theirs = inputs(), inputs()
    found, weights = attend(None, *mine, mask, scaling=scaling)
    expected = torch.nn.functional.scaled_dot_product_attention(*theirs, attn_mask=mask, scale=scaling).transpose(1, 2)
    assert weights is None
    assert found.shape == (ROWS, TOKENS, HEADS, SIZE)
    torch.testing.assert_close(found, expected)
    weight = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    gradients = [torch.autograd.grad((y * weight).sum(), x) for y, x in ((found, mine), (expected, theirs))]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_what_padding_holds_changes_nothing() -> None:
    import torch

    q, k, v = inputs()
    other_k, other_v = k.detach().clone(), v.detach().clone()
    for row, length in enumerate(LENGTHS):
        other_k[row, :, length:], other_v[row, :, length:] = 1e3, -1e3
    mask = masks()["padding"]
    for row, length in enumerate(LENGTHS):
        one, other = (attend(None, q, *kv, mask)[0][row, :length] for kv in ((k, v), (other_k, other_v)))
        torch.testing.assert_close(one, other)


def test_a_row_of_padding_alone_is_finite() -> None:
    import torch

    q, k, v = inputs()
    found, _ = attend(None, q, k, v, torch.zeros(ROWS, 1, TOKENS, TOKENS, dtype=torch.bool))
    assert torch.isfinite(found).all()
    assert all(torch.isfinite(g).all() for g in torch.autograd.grad(found.sum(), (q, k, v)))


def test_bfloat16_stays_bfloat16_also_under_autocast() -> None:
    import torch

    q, k, v = inputs(dtype="bfloat16")
    exact = torch.nn.functional.scaled_dot_product_attention(*(x.float() for x in (q, k, v))).transpose(1, 2)
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = attend(None, q, k, v, masks()["added"].to(torch.bfloat16)[:1] * 0)
    assert found.dtype == torch.bfloat16
    assert (found.float() - exact).abs().max() < 0.05


def test_dropout_acts_in_training_alone() -> None:
    import torch

    q, k, v = inputs()
    plain = attend(None, q, k, v, None)[0]
    torch.testing.assert_close(attend(SimpleNamespace(training=False), q, k, v, None, dropout=0.5)[0], plain)
    torch.manual_seed(0)
    many = torch.stack([attend(SimpleNamespace(training=True), q, k, v, None, dropout=0.5)[0] for _ in range(400)])
    assert (many[0] - plain).abs().max() > 0.1
    assert (many.mean(0) - plain).abs().mean() < 0.1 * plain.abs().mean() + 0.05  # what is dropped is made up for


@pytest.mark.parametrize("family", NATIVE)
def test_every_family_of_adjudge_trains_with_it_and_scores_the_same(tiny_folder: Folders, family: str) -> None:
    """ModernBERT's windows and padded batches included."""
    import torch

    folder = tiny_folder(Tiny(family=family))
    found = []
    for plain in (True, False):
        student = load_student(ModelConfig(base=str(folder)), plain_attention=plain)
        assert (student.network.config._attn_implementation == NAME) is plain
        with torch.no_grad():
            found.append(student.forward(batch_of(student.model, PAIRS[::5]), torch.device("cpu")).logits.numpy())
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)
