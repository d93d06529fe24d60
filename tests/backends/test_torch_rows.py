"""When two tables of logits count as the same: rounding grows with the logits, a wrong score does not shrink to it."""

from __future__ import annotations

import pytest
import torch

from adjudge.backends.torch_rows import alike


@pytest.mark.parametrize(
    ("one", "other", "half", "same"),
    [
        (10.0, 10.125, True, True),  # neighbours of bfloat16 are 1/16 apart there
        (-10.125, -10.0, True, True),
        (10.0, 10.125, False, False),
        (0.1, 0.2, True, False),
        (1.0, 1.0005, False, True),
        (1.0, 1.01, False, False),
        (float("nan"), float("nan"), False, False),
    ],
)
def test_differences_count_beside_the_size_of_the_logits(one: float, other: float, half: bool, same: bool) -> None:
    assert alike(torch.tensor([[one], [0.0]]), torch.tensor([[other], [0.0]]), half=half) is same
