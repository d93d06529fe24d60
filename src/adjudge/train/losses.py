"""Losses over lists of passages. Logits (groups, width) with a mask of the real ones; every loss is a mean over groups that it applies to.

All take float32 and return a scalar. A group that teaches a loss nothing (no positive, no pair, no teacher) counts as nothing in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Lists",
    "aspect_loss",
    "aspect_sums",
    "distil_kl",
    "lambda_loss",
    "listwise_softmax",
    "margin_mse",
    "pairwise_logistic",
    "pointwise_bce",
]

_OUT = -1e9
"""Stands for a logit that takes no part. Not -infinity: a row of nothing else would have NaN as its gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What the model said about some groups, and what it should have said; NaN where nobody knows."""

    logits: Tensor  # (groups, width) float32
    gains: Tensor  # (groups, width) -1..1
    teacher: Tensor  # (groups, width) logits of a teacher
    mask: Tensor  # (groups, width) bool: True for a real passage


def listwise_softmax(lists: Lists) -> Tensor:
    """ListNet with gains as target (Cao et al., 2007): cross entropy between gain / sum of gains and softmax(logits).

    With one positive it is the usual contrastive loss. Gains below 0 count as 0 here.
    """
    import torch

    known = lists.mask & ~lists.gains.isnan()
    target = torch.where(known, lists.gains, 0.0).clamp(min=0)
    total = target.sum(1, keepdim=True)
    log_share = torch.log_softmax(lists.logits.masked_fill(~known, _OUT), 1)
    each = -(target / total.clamp(min=1e-9) * log_share).sum(1)
    return _mean(each, (total[:, 0] > 0) & (known.sum(1) > 1))


def pairwise_logistic(lists: Lists) -> Tensor:
    """RankNet (Burges et al., 2005) over all pairs of different gain, each weighted by the difference."""
    better, difference = _pairs(lists)
    weight = better * difference
    cost = _softplus(-(lists.logits[:, :, None] - lists.logits[:, None, :])) * weight
    total = weight.sum((1, 2))
    return _mean(cost.sum((1, 2)) / total.clamp(min=1e-9), total > 0)


def lambda_loss(lists: Lists) -> Tensor:
    """LambdaLoss, its NDCG-Loss2++ (Wang et al., 2018), mu = 10: RankNet, each pair weighted by what swapping it does to nDCG.

    Ranks are those of the logits as they stand; no gradient flows through them. nDCG wants gains of 0 and more: where a group has lower
    ones (a contradiction), all of its gains are counted from its lowest.
    """
    import torch

    better, _ = _pairs(lists)
    known = lists.mask & ~lists.gains.isnan()
    with torch.no_grad():
        order = lists.logits.masked_fill(~known, -torch.inf).argsort(dim=1, descending=True, stable=True)
        rank = torch.empty_like(order).scatter_(1, order, torch.arange(1, order.shape[1] + 1, device=order.device).expand_as(order)).float()
        power = torch.where(known, torch.exp2(lists.gains.nan_to_num() * 3) - 1, 0.0)  # gains 0..1 as grades 0..3, as nDCG is mostly told
        power = torch.where(known, power - power.amin(1, keepdim=True).clamp(max=0), 0.0)
        ideal = power.sort(1, descending=True).values
        best = (ideal / torch.log2(torch.arange(2, ideal.shape[1] + 2, device=ideal.device).float())).sum(1).clamp(min=1e-9)
        change = (power[:, :, None] - power[:, None, :]).abs() / best[:, None, None]
        apart = (rank[:, :, None] - rank[:, None, :]).abs()
        near = (1 / torch.log2(1 + apart.clamp(min=1)) - 1 / torch.log2(2 + apart.clamp(min=1))).abs()
        discount = (1 / torch.log2(1 + rank[:, :, None]) - 1 / torch.log2(1 + rank[:, None, :])).abs()
        weight = better * (10 * near + discount) * change
    cost = _softplus(-(lists.logits[:, :, None] - lists.logits[:, None, :])) * weight
    return _mean(cost.sum((1, 2)), better.sum((1, 2)) > 0)


def pointwise_bce(lists: Lists) -> Tensor:
    """Binary cross entropy between sigmoid(logit) and the gain, clamped to 0..1: it gives scores a meaning of their own."""
    import torch

    known = lists.mask & ~lists.gains.isnan()
    target = torch.where(known, lists.gains, 0.0).clamp(0, 1)
    cost = torch.nn.functional.binary_cross_entropy_with_logits(lists.logits, target, reduction="none") * known
    return _mean(cost.sum(1) / known.sum(1).clamp(min=1), known.any(1))


def margin_mse(lists: Lists) -> Tensor:
    """Margin-MSE (Hofstätter et al., 2020): squared error of the distance to the teacher's best passage, over all others."""
    import torch

    known = lists.mask & ~lists.teacher.isnan()
    teacher = torch.where(known, lists.teacher, 0.0)
    best = teacher.masked_fill(~known, -torch.inf).argmax(1, keepdim=True)
    error = (lists.logits.gather(1, best) - lists.logits) - (teacher.gather(1, best) - teacher)
    count = known.sum(1)
    return _mean((error.square() * known).sum(1) / (count - 1).clamp(min=1), count > 1)


def distil_kl(lists: Lists, *, temperature: float = 1.0) -> Tensor:
    """KL(softmax(teacher / T) || softmax(logits / T)) * T^2 over the passages that the teacher scored (Hinton et al., 2015)."""
    import torch

    known = lists.mask & ~lists.teacher.isnan()
    hidden = ~known
    target = torch.log_softmax(torch.where(known, lists.teacher, 0.0).masked_fill(hidden, _OUT) / temperature, 1)
    said = torch.log_softmax(lists.logits.masked_fill(hidden, _OUT) / temperature, 1)
    each = (target.exp() * (target - said) * known).sum(1) * temperature**2
    return _mean(each, known.sum(1) > 1)


def aspect_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy of the auxiliary heads: logits and labels (passages, aspects), NaN where nobody labelled.

    A mean for each aspect, then the mean of these, so that the rarest is not drowned.
    """
    known = ~labels.isnan()
    return _mean(aspect_sums(logits, labels) / known.sum(0).clamp(min=1), known.any(0))


def aspect_sums(logits: Tensor, labels: Tensor) -> Tensor:
    """(aspects,): the binary cross entropies of each aspect added over the passages that are labelled."""
    import torch

    known = ~labels.isnan()
    cost = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.where(known, labels, 0.0), reduction="none")
    return (cost * known).sum(0)


def _pairs(lists: Lists) -> tuple[Tensor, Tensor]:
    """(groups, width, width): 1 where row's passage should stand above column's, and by how much."""
    known = lists.mask & ~lists.gains.isnan()
    gains = lists.gains.nan_to_num()
    difference = gains[:, :, None] - gains[:, None, :]
    better = (difference > 0) & known[:, :, None] & known[:, None, :]
    return better.float(), difference.clamp(min=0)


def _softplus(x: Tensor) -> Tensor:
    import torch

    return torch.nn.functional.softplus(x)


def _mean(each: Tensor, counted: Tensor) -> Tensor:
    """Mean over the counted ones; an honest zero, with a gradient of zero, where none is."""
    return (each * counted).sum() / counted.sum().clamp(min=1)
