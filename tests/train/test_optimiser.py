"""Learning rates over the steps, and who gets which."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.train.optimiser import build_optimiser, learning_rate, set_learning_rate
from adjudge.train.settings import ModelConfig, OptimiserConfig, Schedule
from adjudge.train.student import load_student, trainable
from tests.conftest import Folders
from tests.tiny_models import Tiny

SCHEDULES: tuple[Schedule, ...] = ("linear", "cosine", "constant", "stable_decay")


def rates(steps: int, **settings: object) -> list[float]:
    config = OptimiserConfig(learning_rate=1.0, **settings)
    return [learning_rate(step, steps, config) for step in range(steps)]


def test_warm_up_is_a_line_that_ends_at_the_full_rate() -> None:
    assert rates(10, warmup=0.4, schedule="constant") == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1])


def test_linear_falls_to_where_the_next_step_would_be_zero() -> None:
    assert rates(5, warmup=0.0, schedule="linear") == pytest.approx([1, 0.8, 0.6, 0.4, 0.2])


def test_cosine_is_at_half_in_the_middle() -> None:
    found = rates(101, warmup=0.0, schedule="cosine")
    assert found[0] == 1.0
    assert found[25] > 0.75 + 0.05  # slower than a line at first
    assert found[50] == pytest.approx(0.5, abs=0.02)
    assert 0 < found[-1] < 0.001


def test_stable_decay_falls_over_its_last_share_alone() -> None:
    found = rates(10, warmup=0.0, schedule="stable_decay", decay=0.4)
    assert found == pytest.approx([1, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_a_stable_run_can_be_prolonged_from_before_its_fall() -> None:
    short, long = (rates(steps, warmup=0.0, schedule="stable_decay", decay=0.25) for steps in (100, 200))
    assert short[:75] == long[:75]


@given(st.sampled_from(SCHEDULES), st.integers(1, 300), st.floats(0, 0.9), st.floats(0.01, 1))
def test_rates_rise_then_never_rise_again_and_stay_above_zero(schedule: Schedule, steps: int, warmup: float, decay: float) -> None:
    found = rates(steps, warmup=warmup, schedule=schedule, decay=decay)
    assert all(0 < rate <= 1 + 1e-12 for rate in found)
    warm = round(warmup * steps)
    assert all(a < b for a, b in pairwise(found[:warm]))
    assert all(a >= b for a, b in pairwise(found[warm:]))


def names_by_group(folder: Path, config: OptimiserConfig) -> list[tuple[set[str], float, float]]:
    """(names, decay, factor) of each group of the optimiser."""
    student = load_student(ModelConfig(base=str(folder)))
    names = {id(parameter): name for name, parameter in trainable(student)}
    optimiser = build_optimiser(student, config)
    return [({names[id(p)] for p in g["params"]}, g["weight_decay"], g["factor"]) for g in optimiser.param_groups]


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "modernbert", "electra", "deberta-v2"])
def test_matrices_decay_and_the_head_has_its_own_rate(tiny_folder: Folders, family: str) -> None:
    decayed, plain, head = names_by_group(tiny_folder(Tiny(family=family)), OptimiserConfig(weight_decay=0.1, head_factor=7.0))
    assert (decayed[1:], plain[1:], head[1:]) == ((0.1, 1.0), (0.0, 1.0), (0.0, 7.0))
    assert all(name.endswith("weight") for name in decayed[0])
    assert not any("norm" in name.lower() for name in decayed[0])
    assert all(name.endswith("bias") or "norm" in name.lower() for name in plain[0])
    own = {"head.aspects.weight", "head.aspects.bias"}
    outside = {"classifier", "pre_classifier", "head", "pooler"}
    assert own < head[0]
    assert all(outside & set(name.split(".")) for name in head[0] - own)
    assert not any(outside & set(name.split(".")) for name in decayed[0] | plain[0])


def test_the_match_heads_numbers_are_a_head(own_folder: Path) -> None:
    *_, head = names_by_group(own_folder, OptimiserConfig(head_factor=7.0))
    numbers = {f"head.numbers.{part}" for part in ("cosine", "max_similarity", "offset")}
    assert numbers | {"head.pooled.weight", "head.pooled.bias"} < head[0]


def test_what_is_frozen_is_not_optimised(own_folder: Path) -> None:
    student = load_student(ModelConfig(base=str(own_folder), freeze_embeddings=True, freeze_layers=2))
    optimised = [p for group in build_optimiser(student, OptimiserConfig()).param_groups for p in group["params"]]
    assert len(optimised) == len(list(student.head.parameters()))


def test_every_group_gets_the_rate_times_its_factor(tiny_model: Path) -> None:
    student = load_student(ModelConfig(base=str(tiny_model)))
    optimiser = build_optimiser(student, OptimiserConfig(learning_rate=1e-4, head_factor=10.0))
    set_learning_rate(optimiser, 3e-5)
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([3e-5, 3e-5, 3e-4])
