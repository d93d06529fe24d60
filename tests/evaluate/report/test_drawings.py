"""Each drawing shows what it was given: looked up in the SVG, with the shapes counted and measured."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from adjudge.evaluate.report.drawings import colour
from adjudge.evaluate.report.drawings.cutoffs import best_f1, draw_cutoffs
from adjudge.evaluate.report.drawings.distribution import draw_distribution
from adjudge.evaluate.report.drawings.gains import draw_gains
from adjudge.evaluate.report.drawings.languages import LanguageBars, draw_languages
from adjudge.evaluate.report.drawings.queries import draw_queries
from adjudge.evaluate.report.drawings.reliability import draw_reliability_diagram
from adjudge.evaluate.report.drawings.tradeoff import Timed, draw_tradeoff, pareto_front
from adjudge.evaluate.result import CutOffPoint, Distribution, Estimate, ReliabilityBin
from tests.evaluate.report.sample import HOSTILE, Shape, evaluation

WIDTHS = (344.0, 960.0)


def parsed(drawn: str) -> ET.Element:
    """As XML, which is stricter than a browser."""
    return ET.fromstring(drawn)


def of(root: ET.Element, name: str, class_: str) -> list[ET.Element]:
    return [one for one in root.iter(name) if class_ in (one.get("class") or "").split()]


def number(one: ET.Element, name: str) -> float:
    return float(one.get(name, "nan"))


def words_of(root: ET.Element) -> list[str]:
    return ["".join(one.itertext()) for one in root.iter("text")]


def estimate(mean: float, reach: float = 0.02, queries: int = 100) -> Estimate:
    return Estimate(mean=mean, low=max(0.0, mean - reach), high=min(1.0, mean + reach), queries=queries)


def timed(name: str, quality: float, p50: float, position: int = 1) -> Timed:
    return Timed(name=name, position=position, quality=estimate(quality), p50=p50, p95=1.5 * p50)


def inside(root: ET.Element) -> bool:
    """Whether all marks stand within the drawing."""
    _, _, width, height = map(float, root.get("viewBox", "").split())
    xs = [number(one, key) for one in root.iter() for key in ("x", "x1", "x2", "cx") if one.get(key) is not None]
    ys = [number(one, key) for one in root.iter() for key in ("y", "y1", "y2", "cy") if one.get(key) is not None]
    return all(-0.5 <= x <= width + 0.5 for x in xs) and all(-0.5 <= y <= height + 0.5 for y in ys)


@pytest.mark.parametrize("width", WIDTHS)
def test_gains(width: float) -> None:
    made = evaluation(Shape(rerankers=(("good", 0.16, 40.0), ("bad", -0.1, 40.0), ("alike", 0.0, 40.0))))
    gains = [found for found in made.comparisons if found.kind == "gain"]
    root = parsed(draw_gains(gains, "nDCG@10", least_gain=0.01, width=width))
    zeros = of(root, "line", "zero")
    zero = zeros[0]
    assert {number(one, "x1") for one in zeros} == {number(zero, "x1")}
    for value in of(root, "text", "value") if width < 500 else ():  # these stand above their rows, and nothing runs through them
        assert not any(number(one, "y1") - 3 < number(value, "y") < number(one, "y2") + 3 for one in zeros)
    places = [number(one, "cx") for kind in ("gain", "harm", "open") for one in of(root, "circle", kind)]
    assert [len(of(root, "circle", kind)) for kind in ("gain", "harm", "open")] == [1, 1, 1]
    assert places[0] > number(zero, "x1") > places[1]
    (band,) = of(root, "rect", "worthless")
    assert number(band, "x") < number(zero, "x1") < number(band, "x") + number(band, "width")
    for interval, change in zip(of(root, "line", "interval"), (found.changes["nDCG@10"] for found in gains), strict=True):
        assert (number(interval, "x1") > number(zero, "x1")) == (change.low > 0)
    assert inside(root)
    assert "good: +0." in root.get("aria-label", "")


def test_a_verdict_decides_the_colour_not_the_interval_alone() -> None:
    """Corrected for several comparisons, an interval beside zero may not be enough."""
    from dataclasses import replace

    (found,) = evaluation(Shape(rerankers=(("one", 0.16, 40.0),))).comparisons
    doubtful = replace(found, verdict=replace(found.verdict, kind="cannot_tell"))
    assert of(parsed(draw_gains([doubtful], "nDCG@10", least_gain=0.0, width=960.0)), "circle", "open")


@pytest.mark.parametrize(
    ("points", "baseline", "expected"),
    [
        ([("slow", 0.7, 900), ("quick", 0.5, 20), ("between", 0.6, 100)], 0.4, ["quick", "between", "slow"]),
        ([("slow and worse", 0.5, 900), ("quick", 0.6, 20)], 0.4, ["quick"]),
        ([("worse than nothing", 0.3, 5), ("quick", 0.6, 20)], 0.4, ["quick"]),
        ([("worse than nothing", 0.3, 5)], 0.4, []),
        ([("as good as nothing", 0.4, 5)], 0.4, []),
        ([("first", 0.6, 20), ("its twin", 0.6, 20)], 0.4, ["first"]),
        ([("as quick, worse", 0.5, 20), ("better", 0.6, 20)], 0.4, ["better"]),
        ([], 0.4, []),
    ],
)
def test_the_pareto_front(points: list[tuple[str, float, float]], baseline: float, expected: list[str]) -> None:
    assert [one.name for one in pareto_front([timed(*point) for point in points], baseline)] == expected


@pytest.mark.parametrize("width", WIDTHS)
def test_quality_against_time(width: float) -> None:
    points = [timed("quick", 0.5, 20, 1), timed("beaten", 0.45, 90, 2), timed("slow", 0.7, 900, 3)]
    root = parsed(draw_tradeoff(points, estimate(0.4), names=("nDCG@10", "bm25"), width=width))
    places = {one.find("title").text.split(":")[0]: one for one in root.iter("circle")}  # type: ignore[union-attr]
    assert number(places["quick"], "cx") < number(places["beaten"], "cx") < number(places["slow"], "cx")
    assert number(places["slow"], "cy") < number(places["quick"], "cy") < number(places["beaten"], "cy"), "better is higher"
    assert [name for name, one in places.items() if "hollow" in one.get("class", "")] == ["beaten"]
    (front,) = of(root, "path", "front")
    assert len(front.get("d", "").split("L")) == 6, "up to the first, across and up to the second, on to the edge"
    (baseline,) = of(root, "line", "baseline")
    assert number(baseline, "y1") > number(places["beaten"], "cy")
    assert {"quick", "beaten", "slow", "bm25 alone"} <= set(words_of(root))
    assert inside(root)


def test_no_reranker_is_worth_it() -> None:
    root = parsed(draw_tradeoff([timed("bad", 0.3, 20)], estimate(0.4), names=("AP", "bm25"), width=960.0))
    assert not of(root, "path", "front")
    assert "On the Pareto front: none" in root.get("aria-label", "")


def test_labels_of_near_points_stand_apart() -> None:
    points = [timed(f"system {n}", 0.5 + 0.004 * n, 20 + 0.4 * n, n + 1) for n in range(4)]
    root = parsed(draw_tradeoff(points, estimate(0.4), names=("nDCG@10", "bm25"), width=960.0))
    spots = [(one.get("x"), one.get("y")) for one in root.iter("text") if (one.text or "").startswith("system")]
    assert len(set(spots)) == 4


@pytest.mark.parametrize("width", WIDTHS)
def test_queries(width: float) -> None:
    root = parsed(draw_queries([0.5, 0.0, 0.0, -0.25, 0.1], name="x", reach=(-0.25, 0.5), width=width))
    assert words_of(root)[-3:] == ["2 better", "2 as before", "1 worse"]
    heights = [float(pair.split()[1]) for pair in of(root, "path", "lost")[0].get("d", "").strip("MZ").split("L")]
    zero = number(of(root, "line", "zero")[0], "y1")
    assert min(heights) == pytest.approx(zero, abs=0.1)
    assert max(heights) > zero
    assert inside(root)


def test_many_queries_make_no_larger_drawing() -> None:
    differences = np.random.default_rng(2).normal(0.1, 0.2, 20_000).tolist()
    drawn = draw_queries(differences, name="x", reach=(-1.0, 1.0), width=960.0)
    assert len(drawn) < 40_000
    root = parsed(drawn)
    assert f"{sum(d > 0 for d in differences):,} better" in words_of(root)


@pytest.mark.parametrize("differences", [[0.0], [0.3], [-0.3], [0.0, 0.0]])
def test_queries_of_one_kind(differences: list[float]) -> None:
    root = parsed(draw_queries(differences, name="x", reach=(min(differences), max(differences)), width=344.0))
    assert len(of(root, "path", "won")) == (differences[0] > 0)
    assert len(of(root, "path", "lost")) == (differences[0] < 0)


@pytest.mark.parametrize("width", WIDTHS)
def test_languages(width: float) -> None:
    languages = [
        LanguageBars("zh", 200, (("bm25", 0, estimate(0.4)), ("embedded", 1, estimate(0.8)))),
        LanguageBars("Latin script", 1, (("bm25", 0, estimate(0.0)), ("embedded", 1, estimate(0.4)))),
    ]
    root = parsed(draw_languages(languages, "nDCG@10", width=width))
    first, judge = ([number(bar, "width") for bar in of(root, "rect", f"s{n}")] for n in (0, 1))
    assert judge[0] == pytest.approx(2 * first[0], rel=1e-3), "bars begin at zero"
    assert judge[1] == pytest.approx(first[0], rel=1e-3)
    assert first[1] == 0.0
    assert "1 query" in " ".join(words_of(root))
    assert inside(root)


def spread(relevant: tuple[int, ...], irrelevant: tuple[int, ...], unjudged: tuple[int, ...]) -> Distribution:
    edges = tuple(n / len(relevant) for n in range(len(relevant) + 1))
    return Distribution(edges=edges, relevant=relevant, irrelevant=irrelevant, unjudged=unjudged)


def test_distribution() -> None:
    root = parsed(draw_distribution(spread((1, 0, 3), (90, 10, 0), (5, 5, 0)), name="x", width=310.0))
    above, below = of(root, "rect", "relevant"), of(root, "rect", "irrelevant")
    zero = number(of(root, "line", "zero")[0], "y1")
    assert [round(number(bar, "height") / number(above[0], "height")) for bar in above] == [1, 3]
    assert all(number(bar, "y") + number(bar, "height") == pytest.approx(zero, abs=0.02) for bar in above)
    assert all(number(bar, "y") == pytest.approx(zero, abs=0.02) for bar in below)
    assert number(below[0], "height") == pytest.approx(9 * number(below[1], "height"), rel=1e-3)
    assert len(of(root, "path", "unjudged")) == 1
    assert inside(root)


def test_where_nobody_judged_a_document_irrelevant_those_not_judged_take_their_place() -> None:
    root = parsed(draw_distribution(spread((1, 3), (0, 0), (90, 10)), name="x", width=310.0))
    assert len(of(root, "rect", "irrelevant")) == 2
    assert not of(root, "path", "unjudged")
    assert "not judged" in words_of(root)
    assert "irrelevant" not in words_of(root)


def test_relevant_ones_alone() -> None:
    assert len(of(parsed(draw_distribution(spread((1, 3), (0, 0), (0, 0)), name="x", width=310.0)), "rect", "relevant")) == 2


def bin_of(said: float, found: float, pairs: int) -> ReliabilityBin:
    return ReliabilityBin(low=said - 0.05, high=said + 0.05, pairs=pairs, said=said, found=found, least=found - 0.1, most=found + 0.1)


def test_reliability() -> None:
    bins = [bin_of(0.1, 0.1, 900), bin_of(0.8, 0.5, 100)]
    root = parsed(draw_reliability_diagram(bins, name="x", expected_error=0.03, width=310.0))
    (diagonal,) = of(root, "line", "diagonal")
    slope = (number(diagonal, "y2") - number(diagonal, "y1")) / (number(diagonal, "x2") - number(diagonal, "x1"))
    right, over = root.iter("circle")
    at = [number(diagonal, "y1") + slope * (number(one, "cx") - number(diagonal, "x1")) for one in (right, over)]
    assert number(right, "cy") == pytest.approx(at[0], abs=0.02), "on the diagonal"
    assert number(over, "cy") > at[1] + 5, "below it: it says more than is found"
    assert number(right, "r") > number(over, "r")
    assert "0.030" in root.get("aria-label", "")


CUTOFFS = (
    CutOffPoint(score=0.1, precision=0.2, recall=1.0, f1=0.333, kept_per_query=100.0),
    CutOffPoint(score=0.5, precision=0.6, recall=0.9, f1=0.72, kept_per_query=12.0),
    CutOffPoint(score=0.9, precision=0.9, recall=0.4, f1=0.55, kept_per_query=0.0),
)


def test_cutoffs() -> None:
    root = parsed(draw_cutoffs(CUTOFFS, (0.0, 1.0), name="x", width=310.0))
    assert best_f1(CUTOFFS) is CUTOFFS[1]
    (best,) = of(root, "line", "best")
    (left, right) = (number(line, "x1") for line in (of(root, "line", "grid")[-6], of(root, "line", "grid")[-1]))
    assert number(best, "x1") == pytest.approx((left + right) / 2, abs=0.1)
    (recall,) = of(root, "path", "recall")
    corners = [tuple(map(float, pair.split())) for pair in recall.get("d", "").strip("M").split("L")]
    assert corners[0][1] == corners[1][1] < corners[2][1], "a cut-off between two scores keeps what the higher one keeps"
    assert inside(root)


def test_of_equal_f1_the_lowest_cutoff_is_named() -> None:
    twins = [CutOffPoint(score=score, precision=0.5, recall=0.5, f1=0.5, kept_per_query=1.0) for score in (0.3, 0.2, 0.4)]
    assert best_f1(twins).score == 0.2


def test_one_cutoff() -> None:
    root = parsed(draw_cutoffs(CUTOFFS[:1], (-4.0, 9.0), name="x", width=310.0))
    assert len(of(root, "line", "best")) == 1
    assert inside(root)


def test_names_of_anybody_stay_text() -> None:
    made = evaluation(Shape(rerankers=((HOSTILE, 0.1, 40.0), ("x" * 300, 0.1, 50.0))))
    gains = [found for found in made.comparisons if found.kind == "gain"]
    points = [timed(HOSTILE, 0.5, 20.0), timed("x" * 300, 0.6, 30.0)]
    for drawn in (
        draw_gains(gains, "nDCG@10", least_gain=0.0, width=344.0),
        draw_tradeoff(points, estimate(0.4), names=("nDCG@10", HOSTILE), width=344.0),
        draw_languages([LanguageBars(HOSTILE, 3, ((HOSTILE, 1, estimate(0.4)),))], "AP", width=344.0),
    ):
        root = parsed(drawn)
        assert not list(root.iter("script"))
        assert inside(root)
        assert max(len(one) for one in words_of(root)) < 80


def test_colours() -> None:
    assert [colour(n) for n in (0, 1, 7, 8)] == ["s0", "s1", "s7", "s1"]
