"""What scores are worth, counted again by hand."""

from __future__ import annotations

import numpy as np
import pytest

from adjudge.evaluate.score_worth import UNJUDGED, worth_of

SCORES = np.array([0.1, 0.2, 0.9, 0.95, 0.15, 0.99])
LABELS = np.array([0.0, 1.0, 1.0, 1.0, UNJUDGED, UNJUDGED])


def test_by_hand() -> None:
    worth = worth_of(SCORES, LABELS, queries=2, score_type="sigmoid")
    assert worth is not None
    assert worth.probabilities
    spread = worth.distribution
    assert (len(spread.edges), spread.edges[0], spread.edges[-1]) == (41, 0.0, 1.0)
    assert (sum(spread.relevant), sum(spread.irrelevant), sum(spread.unjudged)) == (3, 1, 2)
    assert spread.unjudged[39] == 1, "0.99 is in the last bin"
    assert worth.auc == pytest.approx(6 / 9)
    at = {round(point.score, 2): point for point in worth.cutoffs}
    assert (at[0.9].precision, at[0.9].recall, at[0.9].kept_per_query) == (pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(1.5))
    assert (at[0.1].recall, at[0.1].kept_per_query) == (1.0, 3.0)
    assert [point.score for point in worth.cutoffs] == sorted(at)
    assert sum(b.pairs for b in worth.reliability) == 6
    assert worth.expected_error is not None


def test_logits_are_no_probabilities_even_where_they_lie_between_0_and_1() -> None:
    for scores, kind in ((SCORES, "logit"), (SCORES * 10, "sigmoid"), (SCORES - 1, "as served")):
        worth = worth_of(scores, LABELS, queries=2, score_type=kind)
        assert worth is not None
        assert (worth.probabilities, worth.reliability, worth.expected_error) == (False, (), None)
        spread = worth.distribution
        assert (spread.edges[0], spread.edges[-1]) == (pytest.approx(scores.min()), pytest.approx(scores.max()))
        assert sum(spread.relevant) + sum(spread.irrelevant) + sum(spread.unjudged) == 6


@pytest.mark.parametrize("labels", [[0.0, 0.0], [1.0, 1.0], [UNJUDGED, 0.0]])
def test_one_kind_alone_says_nothing(labels: list[float]) -> None:
    assert worth_of(np.array([0.1, 0.2]), np.array(labels), queries=1, score_type="sigmoid") is None
    assert worth_of(np.array([]), np.array([]), queries=1, score_type="sigmoid") is None


def test_scores_that_are_all_alike() -> None:
    worth = worth_of(np.full(4, 3.0), np.array([0.0, 1.0, 0.0, 1.0]), queries=1, score_type="logit")
    assert worth is not None
    assert (worth.auc, len(worth.cutoffs)) == (0.5, 1)
    assert sum(worth.distribution.relevant) == 2
