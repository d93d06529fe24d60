"""Measures are those of ir_measures, query by query."""

from __future__ import annotations

import math

import pytest

from adjudge.errors import ConfigError, InputError
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


ODD = ["\ud800x", "caf\udce9.txt", "a\0b", "a\0c", "a b", "a\tb\n", "", "\U0001f43c", "7"]
"""Ids that C libraries cut short, or cannot take: half a character, a NUL, white space, nothing."""


@pytest.mark.parametrize("measure", ["nDCG@10", "RR@10", "P@2", "SetP", "Judged@10", "ERR@20"])
def test_ids_mean_nothing_to_a_measure(measure: str) -> None:
    plain = per_query(parse_measures([measure]), {str(n): {"x": 1, "y": 0} for n in range(9)}, {str(n): ["y", "x"] for n in range(9)})
    grades = {query: {ODD[n]: 1, ODD[n - 1]: 0} for n, query in enumerate(ODD)}
    found = per_query(parse_measures([measure]), grades, {query: [ODD[n - 1], ODD[n]] for n, query in enumerate(ODD)})
    assert list(found[measure]) == ODD
    assert list(found[measure].values()) == list(plain[measure].values())
    assert all(found[measure].values())


@pytest.mark.parametrize("grade", [2**31, 2**40, -(2**31), 10**300, 1001, -1001, 0.5, "1"])
def test_a_grade_that_a_measure_cannot_take_is_refused(grade: int) -> None:
    with pytest.raises(InputError, match=r"the grade .* of 'd' for 'q' must be a whole number from -1000 to 1000"):
        per_query(parse_measures(["nDCG@10"]), {"q": {"d": grade}}, {"q": ["d"]})


def test_the_largest_grades_are_no_trouble() -> None:
    found = per_query(parse_measures(["nDCG@10", "RR(rel=1000)@10"]), {"q": {"a": 1000, "b": -1000}}, {"q": ["b", "a"]})
    assert found == {"nDCG@10": {"q": pytest.approx(1 / math.log2(3))}, "RR(rel=1000)@10": {"q": 0.5}}


@pytest.mark.parametrize("name", ["nDGC@10", "nDCG@", "__import__('os')", "", "nDCG@10; 1", "RR(rel=)"])
def test_a_name_that_is_no_measure(name: str) -> None:
    with pytest.raises(ConfigError, match="no measure that ir_measures knows"):
        parse_measures([name])


@pytest.mark.parametrize("name", ["nDCG(foo=1)", "BPM", "INSQ", "SDCG@10", "R@1e9", "P(rel='a')@5"])
def test_a_parameter_that_is_none(name: str) -> None:
    with pytest.raises(ConfigError, match="has a parameter that ir_measures does not know there, or lacks one that it needs"):
        parse_measures([name])


@pytest.mark.parametrize("name", ["nDCG@0", "AP@0", "RR@0", "Success@0", "Judged@0"])
def test_a_measure_that_looks_at_no_document(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name!r} looks at no document: after the @ stands how many, 1 or more"):
        parse_measures([name])


@pytest.mark.parametrize("name", ["P(rel=2147483648)@5", "nDCG(gains={1:2147483648})@10", "nDCG(gains={1:1e300})@10"])
def test_a_measure_of_grades_that_there_cannot_be(name: str) -> None:
    with pytest.raises(ConfigError, match=r"asks for a grade .*; grades are whole numbers from -1000 to 1000"):
        parse_measures([name])


@pytest.mark.parametrize("name", ["Accuracy", "P(rel=0)@5", "P@True"])
def test_a_measure_that_cannot_be_computed_is_told_before_the_work(name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be computed \(\w+: .*\); name another measure"):
        parse_measures([name])


def test_none_at_all() -> None:
    with pytest.raises(ConfigError, match="one measure at least"):
        parse_measures([])


def test_the_usual_ones_can_be_computed() -> None:
    assert list(parse_measures(default_measures(50))) == ["nDCG@10", "RR@10", "Success@1", "Success@3", "R@50", "AP"]
