"""Losses: equal to the formulas written out slowly, finite where there is nothing to learn, blind to padding and order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.train import losses
from adjudge.train.losses import Lists
from tests.train import slow_losses as slow

NAN = float("nan")


@dataclass(frozen=True)
class Loss:
    fast: Callable[[Lists], object]
    slow: Callable[[Sequence[slow.Group]], float]
    taught_by: str  # what a group must have for it


LOSSES = {
    "listwise": Loss(losses.listwise_softmax, slow.listwise, "gains"),
    "pairwise": Loss(losses.pairwise_logistic, slow.pairwise, "gains"),
    "lambda": Loss(losses.lambda_loss, slow.lambda_rank, "gains"),
    "pointwise": Loss(losses.pointwise_bce, slow.pointwise, "gains"),
    "margin_mse": Loss(losses.margin_mse, slow.margin_mse, "teacher"),
    "kl": Loss(losses.distil_kl, lambda groups: slow.kl(groups, 1.0), "teacher"),
    "kl at 2.5": Loss(lambda lists: losses.distil_kl(lists, temperature=2.5), lambda groups: slow.kl(groups, 2.5), "teacher"),
}
EACH = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())

LOGIT = st.floats(-30, 30, width=32)
GAIN = st.sampled_from([NAN, -1.0, -0.5, 0.0, 0.0, 1 / 3, 0.5, 1.0, 1.0])
PASSAGE = st.tuples(LOGIT, GAIN, LOGIT | st.just(NAN))
GROUPS = st.lists(st.lists(PASSAGE, min_size=1, max_size=6), min_size=1, max_size=4)
Passages = list[list[tuple[float, float, float]]]


def plain(passages: Passages) -> list[slow.Group]:
    found = []
    for group in passages:
        logits, gains, teacher = np.array(group, np.float64).T
        found.append((logits, gains, teacher))
    return found


def lists(passages: Passages, *, width: int = 0, filling: float = 0.0) -> Lists:
    """As the trainer hands them over; `filling` stands where the padding is."""
    import torch

    width = max(width, *(len(group) for group in passages))
    table = np.full((len(passages), width, 3), NAN, np.float32)
    table[:, :, 0] = filling
    mask = np.zeros((len(passages), width), bool)
    for row, group in enumerate(passages):
        table[row, : len(group)] = group
        mask[row, : len(group)] = True
    logits, gains, teacher = (torch.tensor(table[:, :, i]) for i in range(3))
    return Lists(logits=logits.requires_grad_(), gains=gains, teacher=teacher, mask=torch.tensor(mask))


def value_and_gradient(loss: Loss, given_lists: Lists) -> tuple[float, np.ndarray]:
    import torch

    value = loss.fast(given_lists)
    assert isinstance(value, torch.Tensor)
    assert value.shape == ()
    assert value.dtype == torch.float32
    (gradient,) = torch.autograd.grad(value, given_lists.logits)
    return value.item(), gradient.numpy()


@EACH
@settings(max_examples=25)
@given(passages=GROUPS)
def test_it_is_the_formula(loss: Loss, passages: Passages) -> None:
    value, gradient = value_and_gradient(loss, lists(passages))
    expected = loss.slow(plain(passages))
    assert value == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert value > -1e-4
    assert np.isfinite(gradient).all()


@EACH
@settings(max_examples=25)
@given(passages=GROUPS, width=st.integers(6, 9), filling=st.sampled_from([0.0, 1e4, -1e4]))
def test_padding_is_not_seen(loss: Loss, passages: Passages, width: int, filling: float) -> None:
    value, gradient = value_and_gradient(loss, lists(passages))
    padded_value, padded_gradient = value_and_gradient(loss, lists(passages, width=width, filling=filling))
    assert padded_value == pytest.approx(value, rel=1e-5, abs=1e-6)
    old = gradient.shape[1]
    np.testing.assert_allclose(padded_gradient[:, :old], gradient, rtol=1e-4, atol=1e-6)
    assert not padded_gradient[:, old:].any()
    assert not padded_gradient[~lists(passages, width=width).mask.numpy()].any()


@EACH
@settings(max_examples=25)
@given(passages=GROUPS, seed=st.integers(0, 99))
def test_the_order_of_groups_and_passages_does_not_matter(loss: Loss, passages: Passages, seed: int) -> None:
    distinct = [[(logit + 0.01 * i, gain, teacher) for i, (logit, gain, teacher) in enumerate(g)] for g in passages]  # ties have an order
    if any(len({logit for logit, _, _ in g}) < len(g) or len({t for *_, t in g}) < len(g) for g in distinct):
        return
    draw = np.random.default_rng(seed)
    shuffled = [[distinct[g][int(i)] for i in draw.permutation(len(distinct[g]))] for g in draw.permutation(len(distinct))]
    one, _ = value_and_gradient(loss, lists(distinct))
    other, _ = value_and_gradient(loss, lists(shuffled))
    assert other == pytest.approx(one, rel=1e-4, abs=1e-4)


@EACH
def test_a_perfect_order_costs_less_than_a_reversed_one(loss: Loss) -> None:
    gains = [1.0, 2 / 3, 1 / 3, 0.0]
    right = [[(4.0 * g - 2, g, 4.0 * g - 2) for g in gains]]
    wrong = [[(2 - 4.0 * g, g, 4.0 * g - 2) for g in gains]]
    assert value_and_gradient(loss, lists(right))[0] < value_and_gradient(loss, lists(wrong))[0]


@EACH
def test_a_step_against_the_gradient_costs_less(loss: Loss) -> None:
    import torch

    passages: Passages = [[(0.3, 1.0, 2.0), (0.9, 0.0, -1.0), (0.1, 0.5, 0.5)], [(1.0, 0.0, -3.0), (-1.0, 1.0, 3.0)]]
    value, gradient = value_and_gradient(loss, lists(passages))
    assert np.abs(gradient).max() > 1e-3
    there = lists(passages)
    moved = Lists(
        logits=(there.logits.detach() - 0.01 * torch.tensor(gradient)).requires_grad_(),
        gains=there.gains,
        teacher=there.teacher,
        mask=there.mask,
    )
    assert value_and_gradient(loss, moved)[0] < value


NOTHING: dict[str, Passages] = {
    "one passage": [[(1.0, 1.0, 1.0)]],
    "nobody knows": [[(1.0, NAN, NAN), (2.0, NAN, NAN)]],
    "one is known": [[(1.0, 0.5, 0.5), (2.0, NAN, NAN)]],
}


@EACH
@pytest.mark.parametrize("passages", NOTHING.values(), ids=NOTHING.keys())
def test_a_group_that_teaches_nothing_counts_as_nothing(loss: Loss, passages: Passages) -> None:
    if loss is LOSSES["pointwise"] and passages[0][0][1] == passages[0][0][1]:
        return  # to which one passage is enough
    value, gradient = value_and_gradient(loss, lists(passages))
    assert value == 0
    assert not gradient.any()
    good: Passages = [[(0.3, 1.0, 2.0), (0.9, 0.0, -1.0)]]
    assert value_and_gradient(loss, lists([*good, *passages]))[0] == pytest.approx(value_and_gradient(loss, lists(good))[0])


@pytest.mark.parametrize("name", ["listwise", "pairwise", "lambda"])
@pytest.mark.parametrize("gain", [0.0, -0.5])
def test_a_group_without_a_positive_has_a_finite_gradient(name: str, gain: float) -> None:
    _, gradient = value_and_gradient(LOSSES[name], lists([[(1.0, gain, NAN), (2.0, gain, NAN)]]))
    assert not gradient.any()


@EACH
def test_a_row_that_is_all_padding_has_a_finite_gradient(loss: Loss) -> None:
    import torch

    empty = Lists(
        logits=torch.zeros(2, 3, requires_grad=True),
        gains=torch.full((2, 3), NAN),
        teacher=torch.full((2, 3), NAN),
        mask=torch.zeros(2, 3, dtype=torch.bool),
    )
    value, gradient = value_and_gradient(loss, empty)
    assert value == 0
    assert not gradient.any()


@EACH
def test_extreme_logits_stay_finite(loss: Loss) -> None:
    value, gradient = value_and_gradient(loss, lists([[(3e4, 0.0, -3e4), (-3e4, 1.0, 3e4), (0.0, 0.5, 0.0)]]))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_with_one_positive_listwise_is_the_contrastive_loss() -> None:
    import torch

    passages: Passages = [[(0.5, 1.0, NAN), (1.5, 0.0, NAN), (-0.5, 0.0, NAN)]]
    expected = torch.nn.functional.cross_entropy(torch.tensor([[0.5, 1.5, -0.5]]), torch.tensor([0]))
    assert value_and_gradient(LOSSES["listwise"], lists(passages))[0] == pytest.approx(float(expected))


def test_a_contradiction_is_pushed_below_an_unrelated_passage_by_pairs_only() -> None:
    passages: Passages = [[(0.0, 1.0, NAN), (0.0, 0.0, NAN), (0.0, -0.5, NAN)]]
    _, by_pairs = value_and_gradient(LOSSES["pairwise"], lists(passages))
    assert by_pairs[0, 2] > by_pairs[0, 1] > 0 > by_pairs[0, 0]
    _, by_list = value_and_gradient(LOSSES["listwise"], lists(passages))
    assert by_list[0, 1] == pytest.approx(by_list[0, 2])


def test_distillation_from_itself_costs_nothing() -> None:
    passages: Passages = [[(0.5, NAN, 0.5), (1.5, NAN, 1.5), (-0.5, NAN, -0.5)]]
    for name in ("margin_mse", "kl"):
        value, gradient = value_and_gradient(LOSSES[name], lists(passages))
        assert value == pytest.approx(0, abs=1e-6)
        np.testing.assert_allclose(gradient, 0, atol=1e-6)


@given(st.lists(st.tuples(*[LOGIT] * 3, *[st.sampled_from([NAN, 0.0, 0.5, 1.0])] * 3), min_size=1, max_size=5))
def test_aspect_loss_is_the_formula(rows: list[tuple[float, ...]]) -> None:
    import torch

    table = np.array(rows, np.float64)
    logits = torch.tensor(table[:, :3], dtype=torch.float32, requires_grad=True)
    value = losses.aspect_loss(logits, torch.tensor(table[:, 3:], dtype=torch.float32))
    value.backward()
    assert value.item() == pytest.approx(slow.aspects(table[:, :3], table[:, 3:]), rel=1e-4, abs=1e-4)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert not logits.grad[torch.tensor(np.isnan(table[:, 3:]))].any()


def test_a_rare_aspect_is_not_drowned() -> None:
    import torch

    labels = torch.full((101, 2), NAN)
    labels[:100, 0], labels[100, 1] = 1.0, 1.0
    logits = torch.zeros(101, 2, requires_grad=True)
    losses.aspect_loss(logits, labels).backward()
    assert logits.grad is not None
    often, rarely = logits.grad.abs().sum(0).tolist()
    assert often == pytest.approx(rarely)


def test_a_group_without_an_answer_weighs_no_more_than_another() -> None:
    """Nothing in it is worth more than 0, so its ideal would be 0, which the weights are divided by."""
    values = [value_and_gradient(LOSSES["lambda"], lists([[(0.0, high, NAN), (0.0, low, NAN)]])) for high, low in ((1.0, 0.0), (0.0, -0.5))]
    (answered, _), (empty, gradient) = values
    assert empty == pytest.approx(answered, rel=1e-5)
    assert 0 < abs(gradient).max() < 10
