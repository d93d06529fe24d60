"""Measures are those of ir_measures, query by query."""

from __future__ import annotations

import math

import pytest

from adjudge.errors import ConfigError
from adjudge.evaluate.measures import default_measures, parse_measures, per_query

GRADES = {"q1": {"a": 1, "b": 0}, "q2": {"c": 2, "d": 1}, "q3": {"a": 1}, "q4": {"a": 1}}
ORDER = {"q1": ["b", "a"], "q2": ["d", "x", "c"], "q3": [], "unjudged": ["a"]}


def test_values_by_hand() -> None:
    found = per_query(parse_measures(["nDCG@10", "RR@10", "Success@1", "Success@3", "R@2", "AP"]), GRADES, ORDER)
    ideal = 2 + 1 / math.log2(3)
    assert found["nDCG@10"] == pytest.approx({"q1": 1 / math.log2(3), "q2": (1 + 2 / math.log2(4)) / ideal, "q3": 0, "q4": 0})
    assert found["RR@10"] == {"q1": 0.5, "q2": 1, "q3": 0, "q4": 0}
    assert found["Success@1"] == {"q1": 0, "q2": 1, "q3": 0, "q4": 0}
    assert found["Success@3"] == {"q1": 1, "q2": 1, "q3": 0, "q4": 0}
    assert found["R@2"] == {"q1": 1, "q2": 0.5, "q3": 0, "q4": 0}
    assert found["AP"] == pytest.approx({"q1": 0.5, "q2": (1 + 2 / 3) / 2, "q3": 0, "q4": 0})


def test_a_judged_query_without_results_counts_as_zero_and_an_unjudged_one_not_at_all() -> None:
    found = per_query(parse_measures(["nDCG@10"]), GRADES, {})
    assert found["nDCG@10"] == dict.fromkeys(GRADES, 0.0)


def test_the_lowest_relevant_grade_is_that_of_the_data_unless_the_name_says_so() -> None:
    measures = parse_measures(["RR@10", "RR(rel=1)@10", "nDCG@10"], relevant_from=2)
    found = per_query(measures, GRADES, ORDER)
    assert found["RR@10"]["q2"] == pytest.approx(1 / 3)
    assert found["RR(rel=1)@10"]["q2"] == 1
    assert found["nDCG@10"]["q2"] > 0


def test_two_names_of_one_measure_have_one_value() -> None:
    names = ["MRR@10", "RR@10", "nDCG@10", "NDCG@10", "AP", "AP(rel=2)", "MAP"]
    found = per_query(parse_measures(names, relevant_from=2), GRADES, ORDER)
    assert list(found) == names
    assert found["MRR@10"] == found["RR@10"] == pytest.approx({"q1": 0, "q2": 1 / 3, "q3": 0, "q4": 0})
    assert found["nDCG@10"] == found["NDCG@10"]
    assert found["AP"] == found["AP(rel=2)"] == found["MAP"]
    assert found["nDCG@10"]["q2"] > 0 < found["AP"]["q2"]


@pytest.mark.parametrize("name", ["nDGC@10", "nDCG@", "__import__('os')", "", "nDCG@10; 1", "RR(rel=)"])
def test_a_name_that_is_no_measure(name: str) -> None:
    with pytest.raises(ConfigError, match="no measure that ir_measures knows"):
        parse_measures([name])


def test_none_at_all() -> None:
    with pytest.raises(ConfigError, match="one measure at least"):
        parse_measures([])


def test_the_usual_ones_can_be_computed() -> None:
    assert list(parse_measures(default_measures(50))) == ["nDCG@10", "RR@10", "Success@1", "Success@3", "R@50", "AP"]
