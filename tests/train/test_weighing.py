"""A step's loss is the step's own mean, however its groups were cut into chunks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from adjudge.engine.tokenise import PairIds
from adjudge.train.feed import Chunk
from adjudge.train.losses import Lists
from adjudge.train.settings import LossConfig
from adjudge.train.weighing import count, total, weigh

NAN = math.nan
LOSSES = ("listwise", "pairwise", "pointwise", "lambda_rank", "margin_mse", "kl", "aspects")
GAINS = [[1.0, 0.0, -0.5], [NAN, NAN, NAN], [0.0, 0.0, 0.0], [0.5, NAN, 1.0], [1.0, NAN, NAN]]
TEACHER = [[NAN, NAN, NAN], [3.0, 1.0, -2.0], [NAN, NAN, NAN], [2.0, 2.5, NAN], [NAN, 1.0, NAN]]
LOGITS = [[0.3, -0.2, 0.9], [1.5, 0.1, 0.0], [0.4, 0.2, -1.0], [0.0, 1.0, 0.5], [2.0, 0.0, 0.1]]


def chunk(rows: list[int]) -> Chunk:
    """Groups `rows` of the table above; aspects are labelled in the second and the fourth group only."""
    labels = np.array([[1.0, NAN, 0.0] if g in (1, 3) else [NAN, NAN, NAN] for g in rows for _ in range(3)], np.float32)
    empty = np.zeros(1, np.int32)
    return Chunk(
        pairs=tuple(PairIds(empty, empty, empty) for _ in labels),
        rows=np.array([(g, at) for g in range(len(rows)) for at in range(3)], np.int64),
        gains=np.array([GAINS[g] for g in rows], np.float32),
        teacher=np.array([TEACHER[g] for g in rows], np.float32),
        mask=np.ones((len(rows), 3), bool),
        aspects=labels,
    )


def step_loss(cut: list[list[int]], config: LossConfig) -> tuple[float, np.ndarray]:
    """The loss of a step cut so, and its gradient by the logits of the five groups."""
    logits = torch.tensor(LOGITS, requires_grad=True)
    chunks = [chunk(rows) for rows in cut]
    counted = [count(c) for c in chunks]
    found = 0.0
    for rows, c, counts in zip(cut, chunks, counted, strict=True):
        lists = Lists(
            logits=logits[rows],
            gains=torch.from_numpy(c.gains),
            teacher=torch.from_numpy(c.teacher),
            mask=torch.from_numpy(c.mask),
        )
        said = logits[rows].reshape(-1, 1).expand(-1, 3) * torch.tensor([1.0, 2.0, -1.0])
        loss = weigh(lists, said, torch.from_numpy(c.aspects), config, (counts, total(counted)))
        loss.backward()
        found += float(loss.detach())
    assert logits.grad is not None
    return found, logits.grad.numpy()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("cut", [[[0], [1], [2], [3], [4]], [[0, 1], [2, 3, 4]], [[4, 2], [3], [1, 0]]])
def test_how_a_step_is_cut_changes_no_loss(name: str, cut: list[list[int]]) -> None:
    config = LossConfig(**({other: 0.0 for other in LOSSES} | {name: 1.0}))
    whole, gradient = step_loss([[0, 1, 2, 3, 4]], config)
    parts, added = step_loss(cut, config)
    assert whole > 0
    assert parts == pytest.approx(whole, rel=1e-5)
    np.testing.assert_allclose(added, gradient, atol=1e-6)


def test_counts_are_those_of_the_losses() -> None:
    counts = count(chunk([0, 1, 2, 3, 4]))
    assert (counts.listwise, counts.paired, counts.graded, counts.taught) == (2, 2, 4, 2)
    assert counts.aspects == (6, 0, 6)


def test_a_step_that_teaches_nothing_has_a_gradient_of_zero() -> None:
    found, gradient = step_loss([[2]], LossConfig(listwise=1.0, pointwise=0.0))
    assert found == 0
    assert not gradient.any()
