"""Cut-offs against counting, and when none separates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.evaluate.separation import LEAST_KEPT, ROWS, auc, auc_error, best_cutoff, cutoff_table, kept_at, why_not
from tests.evaluate.drawn import drawn, slow_precision_recall

PAIRS = st.lists(st.tuples(st.sampled_from([n / 16 for n in range(17)]), st.booleans()), min_size=LEAST_KEPT, max_size=80).filter(
    lambda pairs: any(right for _, right in pairs)
)


def arrays(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([p for p, _ in pairs]), np.array([float(r) for _, r in pairs])


@settings(max_examples=60)
@given(PAIRS)
def test_the_table_says_what_was_counted(pairs: list[tuple[float, bool]]) -> None:
    scores, relevant = arrays(pairs)
    table = cutoff_table(scores, relevant)
    assert table
    for row in table:
        precision, recall = slow_precision_recall(row.score, scores, relevant)
        assert precision - 1e-4 <= row.precision <= precision + 1e-12
        assert recall - 1e-4 <= row.recall <= recall + 1e-12
        assert sum(scores >= row.score) >= LEAST_KEPT


@settings(max_examples=60)
@given(PAIRS)
def test_no_cut_off_is_better_than_a_row_in_both(pairs: list[tuple[float, bool]]) -> None:
    scores, relevant = arrays(pairs)
    table = cutoff_table(scores, relevant)
    assert [r.score for r in table] == sorted({r.score for r in table})
    every = [slow_precision_recall(s, scores, relevant) for s in set(scores) if sum(scores >= s) >= LEAST_KEPT]
    for row in table:
        found = slow_precision_recall(row.score, scores, relevant)
        assert not [other for other in every if other != found and other[0] >= found[0] and other[1] >= found[1]]
    assert max(precision for precision, _ in every) == pytest.approx(table[-1].precision, abs=1e-4)
    assert table[0].recall == 1.0


def test_a_long_table_is_thinned_and_keeps_its_ends() -> None:
    made = drawn(20_000)
    scores = 1 / (1 + np.exp(-(made.logits / 2 - 0.7)))
    table = cutoff_table(scores, made.relevant)
    assert 50 < len(table) <= ROWS
    assert table[0].recall > 0.999
    assert table[-1].precision > 0.95
    steps = -np.diff([row.recall for row in table])
    assert steps.max() < 0.1


def test_scores_that_saturate_share_a_row() -> None:
    scores = np.concatenate([np.full(40, 1 - 1e-9), np.full(40, 1 - 1e-8), np.full(40, 0.2)])
    relevant = np.concatenate([np.ones(40), np.ones(20), np.zeros(60)])
    table = cutoff_table(scores, relevant)
    assert [row.score for row in table] == sorted({row.score for row in table})
    assert all(row.score <= score for row, score in zip(table[-1:], [1 - 1e-9], strict=True))


def test_nothing_relevant_or_too_few_pairs_make_no_table() -> None:
    assert cutoff_table(np.linspace(0, 1, 50), np.zeros(50)) == ()
    assert cutoff_table(np.linspace(0, 1, LEAST_KEPT - 1), np.ones(LEAST_KEPT - 1)) == ()
    assert len(cutoff_table(np.linspace(0, 1, LEAST_KEPT), np.ones(LEAST_KEPT))) == 1


@settings(max_examples=40)
@given(PAIRS)
def test_the_best_cut_off_has_the_best_f1(pairs: list[tuple[float, bool]]) -> None:
    scores, relevant = arrays(pairs)
    best = kept_at(best_cutoff(scores, relevant), scores, relevant).f1
    assert best == pytest.approx(max(kept_at(float(s), scores, relevant).f1 for s in set(scores)))


def test_keeping_by_hand() -> None:
    scores, relevant = np.array([0.9, 0.8, 0.3, 0.1]), np.array([1.0, 0.0, 1.0, 0.0])
    kept = kept_at(0.5, scores, relevant)
    assert (kept.precision, kept.recall, kept.f1, kept.share) == (0.5, 0.5, 0.5, 0.5)
    nothing = kept_at(0.95, scores, relevant)
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.share) == (None, 0.0, 0.0, 0.0)


@settings(max_examples=40)
@given(PAIRS)
def test_auc_counts_pairs_in_order_and_ties_as_half(pairs: list[tuple[float, bool]]) -> None:
    scores, relevant = arrays(pairs)
    right, wrong = scores[relevant == 1], scores[relevant == 0]
    counted = [(r > w) + 0.5 * (r == w) for r in right for w in wrong]
    found = auc(scores, relevant)
    assert math.isnan(found) if not counted else found == pytest.approx(np.mean(counted))


def test_the_error_of_an_auc_is_that_of_repeated_draws() -> None:
    areas = []
    for seed in range(200):
        draw = np.random.default_rng(seed)
        scores = np.concatenate([draw.normal(1, 1, 60), draw.normal(0, 1, 90)])
        areas.append(auc(scores, np.repeat([1.0, 0.0], [60, 90])))
    assert auc_error(float(np.mean(areas)), 60, 90) == pytest.approx(np.std(areas), rel=0.2)


def judged(shift: float, *, pairs: int = 4000, share: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of relevant pairs lie `shift` standard deviations above the others'."""
    draw = np.random.default_rng(seed)
    relevant = (draw.random(pairs) < share).astype(float)
    return 1 / (1 + np.exp(-(draw.normal(0, 1, pairs) + shift * relevant))), relevant


@pytest.mark.parametrize(
    ("shift", "share", "pairs", "seed", "reason"),
    [
        (2.0, 0.1, 4000, 0, ""),
        (1.0, 0.1, 4000, 0, ""),
        (0.0, 0.1, 4000, 0, "50% is chance"),
        (0.2, 0.1, 4000, 0, "50% is chance"),
        (-2.0, 0.1, 4000, 0, "upside down"),
        (0.6, 0.9, 4000, 0, "keeping everything"),  # nine in ten are relevant: dropping anything loses more than it gains
        (0.5, 0.5, 30, 1, "give or take"),  # too few to tell from chance
    ],
)
def test_when_no_cut_off_separates(shift: float, share: float, pairs: int, seed: int, reason: str) -> None:
    scores, relevant = judged(shift, pairs=pairs, share=share, seed=seed)
    said = why_not(scores, relevant, cutoff=best_cutoff(*judged(shift, share=share, seed=7)))
    assert (reason in said) if reason else said == ""
