"""A sketch: merging is the union, memory does not grow, values come back within the stated error."""

from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ConfigError, InputError
from adjudge.monitor import ScoreSketch
from adjudge.monitor.scales import CELLS, RELATIVE_ERROR, Scale, cells_of, value_of

SCALES: tuple[Scale, ...] = ("probability", "real", "positive")

VALUES = {
    "probability": st.floats(0, 1),
    "real": st.floats(allow_nan=False, allow_infinity=False),
    "positive": st.floats(0, allow_nan=False, allow_infinity=False),
}


def sketch_of(values: object, scale: Scale) -> ScoreSketch:
    sketch = ScoreSketch(scale)
    sketch.add(values)  # type: ignore[arg-type]
    return sketch


@given(st.data(), st.sampled_from(SCALES))
def test_merging_is_the_union(data: st.DataObject, scale: Scale) -> None:
    parts = data.draw(st.lists(st.lists(VALUES[scale], max_size=20), min_size=1, max_size=5))
    whole = sketch_of([value for part in parts for value in part], scale)
    sketches = [sketch_of(part, scale) for part in data.draw(st.permutations(parts))]
    assert ScoreSketch.merged(sketches, scale) == whole
    assert sum(sketches[1:], start=sketches[0]) == whole
    assert whole.n == sum(map(len, parts)) == int(whole.counts.sum())


@given(st.data(), st.sampled_from(SCALES))
def test_a_value_comes_back_within_the_stated_error(data: st.DataObject, scale: Scale) -> None:
    value = data.draw({"probability": st.floats(1e-12, 1 - 1e-12), "real": st.floats(-200, 200), "positive": st.floats(1e-12, 1e12)}[scale])
    found = value_of(int(cells_of([value], scale)[0]), scale)
    if scale == "real":
        assert found == pytest.approx(value, abs=1 / 64 * math.cosh(math.asinh(value / 8)) * 1.01)
    elif scale == "positive":
        assert found == pytest.approx(value, rel=RELATIVE_ERROR)
    else:
        assert found / (1 - found) == pytest.approx(value / (1 - value), rel=RELATIVE_ERROR * 1.001)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95, 0.99, 1.0])
def test_quantiles_are_those_of_the_numbers(share: float) -> None:
    milliseconds = np.random.default_rng(3).lognormal(3, 1, 5000)
    exact = float(np.quantile(milliseconds, share, method="inverted_cdf"))
    assert sketch_of(milliseconds, "positive").quantile(share) == pytest.approx(exact, rel=RELATIVE_ERROR)


def test_ends_are_kept_and_nothing_is_infinite() -> None:
    assert sketch_of([0.0, 0.0, 1.0], "probability").quantile(0.5) == pytest.approx(0, abs=1e-13)
    assert sketch_of([1.0], "probability").quantile(0.5) == pytest.approx(1, abs=1e-13)
    assert sketch_of([0.0], "positive").quantile(0.5) == 0
    assert sketch_of([-1e300, 1e300], "real").quantile(1.0) == pytest.approx(218, abs=2)
    assert ScoreSketch().quantile(0.5) is None


def test_scores_that_crowd_at_the_ends_stay_apart() -> None:
    """What a linear histogram, or a relative error at 0 alone, would put into one cell."""
    assert len(set(cells_of([0.0001, 0.001, 0.01, 0.99, 0.999, 0.9999], "probability").tolist())) == 6


def test_memory_does_not_grow() -> None:
    sketch = ScoreSketch()
    before = (sketch.nbytes, sys.getsizeof(sketch), len(json.dumps(ScoreSketch().fields())))
    chance = np.random.default_rng(1)
    for _ in range(20):
        sketch.add(chance.random(50_000))
    assert (sketch.nbytes, sys.getsizeof(sketch)) == before[:2] == (CELLS * 8, sys.getsizeof(sketch))
    assert sketch.n == 1_000_000
    assert len(json.dumps(sketch.fields())) < 20_000


@pytest.mark.parametrize(
    ("scale", "value"),
    [
        ("probability", 1.0001),
        ("probability", -0.1),
        ("positive", -1.0),
        *((scale, bad) for scale in SCALES for bad in (math.nan, math.inf)),
    ],
)
def test_what_a_scale_does_not_hold_is_refused_and_not_counted(scale: Scale, value: float) -> None:
    sketch = ScoreSketch(scale)
    with pytest.raises(InputError, match="scale, which holds"):
        sketch.add([0.5, value])
    assert sketch.n == 0


def test_scales_do_not_mix() -> None:
    with pytest.raises(ConfigError, match="real scale cannot take in one on the positive"):
        ScoreSketch("real").merge(ScoreSketch("positive"))
    with pytest.raises(ConfigError, match="must be one of probability, real, positive"):
        ScoreSketch("logit")  # type: ignore[arg-type]
    assert ScoreSketch("real") != ScoreSketch("positive")
    with pytest.raises(ConfigError, match="share"):
        ScoreSketch().quantile(1.5)


def test_counts_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        sketch_of([0.5], "probability").counts[0] = 1


@given(st.lists(st.floats(0, 1), max_size=50))
def test_fields_are_read_again(values: list[float]) -> None:
    sketch = sketch_of(values, "probability")
    again = ScoreSketch.from_fields(json.loads(json.dumps(sketch.fields())))
    assert (again, again.n) == (sketch, sketch.n)


@pytest.mark.parametrize(
    "change",
    [
        {"scale": "logit"},
        {"scale": None},
        {"first_cell": -1},
        {"first_cell": CELLS},
        {"first_cell": 1.0},
        {"first_cell": True},
        {"counts": [1.5]},
        {"counts": [-1]},
        {"counts": [True]},
        {"counts": [2**60]},
        {"first_cell": 0, "counts": [2**53] * CELLS},
        {"counts": [2**53, 1]},
        {"counts": "11"},
        {"counts": [1] * (CELLS + 1)},
    ],
)
def test_broken_fields_are_refused(change: dict[str, object]) -> None:
    with pytest.raises((InputError, ConfigError)):
        ScoreSketch.from_fields(sketch_of([0.1, 0.2], "probability").fields() | change)


@pytest.mark.parametrize(
    "values", [["x"], [None], [10**400], [[1, 2], [3]], {0.1}, (x for x in [0.1]), [1j]], ids=lambda values: type(values).__name__
)
def test_what_is_no_number_is_refused_and_not_counted(values: object) -> None:
    sketch = ScoreSketch()
    with pytest.raises(InputError, match="numbers"):
        sketch.add(values)  # type: ignore[arg-type]
    assert sketch.n == 0
