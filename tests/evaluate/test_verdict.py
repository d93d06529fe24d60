"""The verdict says what the numbers say, and no more."""

from __future__ import annotations

import pytest

from adjudge.evaluate.result import Change
from adjudge.evaluate.verdict import LEAST_QUERIES, judge_change, not_reranked, rival_verdict


def change(before: float, after: float, low: float, high: float, queries: int = 400) -> Change:
    return Change(before=before, after=after, difference=after - before, low=low, high=high, queries=queries)


@pytest.mark.parametrize(
    ("seen", "p", "kind", "sentence"),
    [
        (
            change(0.52, 0.68, 0.13, 0.19),
            0.0001,
            "helps",
            "Reranking helps here: nDCG@10 0.52 -> 0.68 (+0.16, 95 % interval 0.13 to 0.19), 41 ms per query",
        ),
        (
            change(0.80, 0.70, -0.14, -0.06),
            0.001,
            "hurts",
            "Reranking hurts here: nDCG@10 0.80 -> 0.70 (-0.10, 95 % interval -0.14 to -0.06), 41 ms per query",
        ),
        (
            change(0.70, 0.702, -0.004, 0.008),
            0.4,
            "does_not_help",
            "Reranking does not help here: nDCG@10 0.700 -> 0.702 (+0.002, 95 % interval -0.004 to 0.008), 41 ms per query",
        ),
        (change(0.70, 0.704, 0.001, 0.007), 0.01, "does_not_help", ""),  # sure, and not worth having
        (change(0.70, 0.75, 0.01, 0.09), 0.2, "cannot_tell", ""),  # the interval alone would say yes; corrected for five systems, no
        (change(0.70, 0.66, -0.09, 0.01), 0.2, "cannot_tell", ""),
    ],
)
def test_kinds(seen: Change, p: float, kind: str, sentence: str) -> None:
    verdict = judge_change("m", "nDCG@10", seen, p_corrected=p, least_gain=0.01, differences=[0.1, -0.2, 0.3], query_ms=41.2)
    assert verdict.kind == kind
    assert verdict.system == "m"
    if sentence:
        assert verdict.sentence == sentence


def test_what_cannot_be_told_says_with_how_many_and_how_many_would_tell() -> None:
    seen = change(0.5, 0.55, -0.05, 0.15, queries=40)
    differences = [0.4, -0.3] * 20
    verdict = judge_change("m", "AP", seen, p_corrected=0.3, least_gain=0.01, differences=differences, query_ms=None)
    assert verdict.sentence.startswith("Cannot tell with 40 queries: AP 0.50 -> 0.55 (+0.05, 95 % interval -0.05 to 0.15); about ")
    assert verdict.queries_needed is not None
    assert verdict.queries_needed > 40
    one = judge_change("m", "AP", change(0, 1, 1, 1, 1), p_corrected=1.0, least_gain=0.01, differences=[1.0], query_ms=0.25)
    assert (one.kind, one.queries_needed) == ("cannot_tell", None)
    assert one.sentence == "Cannot tell with 1 query: AP 0.000 -> 1.000 (+1.000, 95 % interval 1.000 to 1.000), 0.2 ms per query"


def test_a_handful_of_queries_rules_nothing_out_even_where_their_interval_has_no_width() -> None:
    for queries, kind in ((LEAST_QUERIES - 1, "cannot_tell"), (LEAST_QUERIES, "does_not_help")):
        seen = change(0.63, 0.39, -0.24, -0.24, queries=queries)
        verdict = judge_change("m", "AP", seen, p_corrected=0.125, least_gain=0.01, differences=[-0.24] * queries, query_ms=None)
        assert verdict.kind == kind


def test_of_two_rerankers() -> None:
    better = rival_verdict("a", "b", "AP", change(0.5, 0.6, 0.05, 0.15), p_corrected=0.01, least_gain=0.01)
    assert better.sentence == "a is better than b: AP 0.50 -> 0.60 (+0.10, 95 % interval 0.05 to 0.15)"
    unsure = rival_verdict("a", "b", "AP", change(0.5, 0.52, -0.05, 0.09), p_corrected=0.5, least_gain=0.01)
    assert unsure.sentence.startswith("Cannot tell a from b with 400 queries: ")


def test_without_a_reranker() -> None:
    assert not_reranked("AP", 0.5, 1).sentence == "No reranker was named; the first stage reaches AP 0.500 on 1 query"
