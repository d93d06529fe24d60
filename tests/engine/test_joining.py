"""Two rankings of one list become one: every document once, in a lawful order, marked with who judged it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.engine.joining import Judges, Readings, join
from adjudge.engine.ranking import RankOptions
from adjudge.engine.scores import score_type, to_scores
from adjudge.engine.thresholds import Absolute, Gap, Relative
from adjudge.models.calibration import Calibration
from adjudge.models.model import Model
from adjudge.types import Document, Passage, Ranked, Ranking, Refused, Timings, Usage

REFUSED = (Refused(index=99, reason="empty", message="nothing"),)
PLAIN = RankOptions(top_n=None, threshold=None, normalize=True)


@pytest.fixture(scope="module")
def bare(words: Model) -> Judges:
    return Judges(replace(words, name="small"), replace(words, name="large", revision="7"))


@pytest.fixture(scope="module")
def judges(bare: Judges) -> Judges:
    return Judges(fitted(bare.first, temperature=2.0, bias=-1.0), fitted(bare.strong, temperature=0.5, bias=0.5))


def fitted(model: Model, *, temperature: float, bias: float) -> Model:
    return replace(model, calibration=Calibration(temperature=temperature, bias=bias, fitted=True))


def ranking(model: Model, logits: dict[int, float], *, normalize: bool = True) -> Ranking:
    """What build_ranking makes of one judge's logits, by index."""
    values = np.array(list(logits.values()), np.float32)
    scores = to_scores(values, model.calibration, normalize=normalize)
    results = [
        Ranked(index=i, document=Document(f"{i}"), score=float(s), logit=float(x), passage=Passage("", 0, 0), judge=model.name)
        for i, s, x in zip(logits, scores, values, strict=True)
    ]
    return Ranking(
        query="q",
        results=tuple(sorted(results, key=lambda r: (-r.logit, r.index))),
        refused=REFUSED,
        score_type=score_type(model.spec.head, model.config, model.calibration, normalize=normalize),
        model=model.name,
        revision=model.revision,
        usage=Usage(documents=len(logits) + 1, pairs=len(logits), tokens=10 * len(logits), batches=1, computed=len(logits)),
        timings=Timings(tokenise_ms=1.0, forward_ms=2.0, total_ms=4.0),
    )


def joined(judges: Judges, first: dict[int, float] | None, strong: dict[int, float] | None, options: RankOptions = PLAIN) -> Ranking:
    parts = [
        None if logits is None else ranking(model, logits, normalize=options.normalize)
        for model, logits in ((judges.first, first), (judges.strong, strong))
    ]
    return join(Readings(*parts), judges, options)


def test_calibrated_logits_decide(judges: Judges) -> None:
    # small: x / 2 - 1; large: 2 x + 0.5
    found = joined(judges, {0: 8.0, 1: 4.0, 2: 6.0, 3: -2.0}, {0: 0.2, 2: 2.0})
    assert [(r.index, r.judge) for r in found] == [(2, "large"), (1, "small"), (0, "large"), (3, "small")]
    assert [r.score for r in found] == pytest.approx([1 / (1 + np.exp(-x)) for x in (4.5, 1.0, 0.9, -2.0)])
    assert [r.logit for r in found] == pytest.approx([2.0, 4.0, 0.2, -2.0])
    assert (found.score_type, found.warnings) == ("calibrated", ())
    assert (found.model, found.revision) == ("large", "7")


@pytest.mark.parametrize("which", ["first", "strong", "both", "raw"])
def test_without_a_common_scale_the_strong_ones_come_first_and_it_says_so(bare: Judges, judges: Judges, which: str) -> None:
    pair = {
        "first": replace(judges, first=bare.first),
        "strong": replace(judges, strong=bare.strong),
        "both": bare,
        "raw": judges,
    }[which]
    found = joined(pair, {0: 8.0, 1: 9.0, 2: 6.0, 3: 7.0}, {0: -3.0, 2: -2.0}, replace(PLAIN, normalize=which != "raw"))
    assert [(r.index, r.judge) for r in found] == [(2, "large"), (0, "large"), (1, "small"), (3, "small")]
    reason = {"first": "small has no", "strong": "large has no", "both": "small and large have no", "raw": "normalize=False"}[which]
    assert len(found.warnings) == 1
    assert reason in found.warnings[0]
    assert "cannot be compared" in found.warnings[0]


def test_one_judge_alone_needs_no_common_scale(bare: Judges) -> None:
    for first, strong, judge in (
        ({0: 1.0, 1: 2.0}, None, "small"),
        (None, {0: 1.0, 1: 2.0}, "large"),
        ({0: 3.0, 1: 2.0}, {0: 1.0, 1: 2.0}, "large"),
    ):
        found = joined(bare, first, strong)
        assert [(r.index, r.judge) for r in found] == [(1, judge), (0, judge)]
        assert found.warnings == ()


def test_equal_calibrated_logits(judges: Judges) -> None:
    # 2 x 0.25 + 0.5 = 1 = 4 / 2 - 1
    found = joined(judges, {0: 4.0, 1: 4.0, 2: 9.0, 3: 4.0, 4: 9.0}, {4: 0.25, 2: 0.25})
    assert [r.index for r in found] == [2, 4, 0, 1, 3], "the strong judge's first, then the order of the input"


def test_logits_that_meet_when_calibrated_stay_apart(bare: Judges) -> None:
    flat = Judges(fitted(bare.first, temperature=1e6, bias=1e6), fitted(bare.strong, temperature=1e6, bias=1e6))
    found = joined(flat, {0: 1.0, 1: 2.0, 2: 3.0}, {0: 1.0, 1: 2.0})
    assert [r.index for r in found] == [1, 0, 2]


def test_costs_add_up(judges: Judges) -> None:
    found = joined(judges, {0: 1.0, 1: 2.0, 2: 3.0}, {2: 1.0})
    assert found.usage == Usage(documents=4, pairs=4, tokens=40, batches=2, computed=4)
    assert found.timings == Timings(tokenise_ms=2.0, forward_ms=4.0, total_ms=8.0)
    assert found.refused == REFUSED


def test_what_was_cut_counts_as_the_last_judge_saw_it(judges: Judges) -> None:
    first, strong = ranking(judges.first, {0: 2.0, 1: 1.0}), ranking(judges.strong, {0: 2.0})
    first = replace(first, results=tuple(replace(r, truncated=True) for r in first), warnings=("2 of 2 documents were cut",))
    found = join(Readings(first, strong), judges, PLAIN, ["budget"])
    assert found.usage.truncated == 1
    assert found.warnings == ("budget", "small: 2 of 2 documents were cut")
    alone = join(Readings(first, None), judges, PLAIN)
    assert alone.warnings == ("2 of 2 documents were cut",)


def test_thresholds_act_on_scores_also_where_they_do_not_fall(bare: Judges) -> None:
    first, strong = {0: 3.0, 1: 2.0, 2: -5.0, 3: 1.0}, {0: -1.0, 2: 2.5}
    found = joined(bare, first, strong, replace(PLAIN, threshold=Absolute(0.5)))
    assert [r.index for r in found] == [2, 1, 3]
    assert [(d.index, d.judge, d.rule) for d in found.dropped] == [(0, "large", "absolute:0.5 (cut-off 0.500)")]
    both = joined(bare, first, strong, replace(PLAIN, threshold=Relative(0.5), top_n=2))
    assert [r.index for r in both] == [2, 1]
    assert [(d.index, d.rule) for d in both.dropped] == [(0, "relative:0.5 (cut-off 0.462)"), (3, "top_n=2")]
    assert [r.index for r in joined(bare, first, strong, replace(PLAIN, threshold=Gap()))] == [2, 1, 3], (
        "a gap is looked for in falling scores"
    )


def test_nothing_at_all(judges: Judges) -> None:
    for parts in ({}, None), (None, {}), ({}, {}):
        found = joined(judges, *parts)
        assert (found.results, found.refused, found.score_type) == ((), REFUSED, "calibrated")


logit = st.floats(-30, 30, width=32)


@st.composite
def two_readings(draw: st.DrawFn) -> tuple[dict[int, float], dict[int, float]]:
    values = draw(st.lists(logit, max_size=12))
    order = sorted(range(len(values)), key=lambda i: (-values[i], i))
    kept = order[: draw(st.integers(0, len(values)))]
    again = {i: draw(st.one_of(logit, st.sampled_from([0.0, values[i]]))) for i in kept}
    return dict(enumerate(values)), again


options = st.builds(
    RankOptions,
    top_n=st.one_of(st.none(), st.integers(0, 12)),
    threshold=st.one_of(st.none(), st.floats(0, 1).map(Absolute)),
    normalize=st.booleans(),
)


@given(two_readings(), options, st.booleans())
def test_the_laws_of_joining(
    judges: Judges, bare: Judges, readings: tuple[dict[int, float], dict[int, float]], options: RankOptions, calibrated: bool
) -> None:
    first, strong = readings
    pair = judges if calibrated else bare
    found = joined(pair, first, strong, options)
    everything = [*found.results, *found.dropped]
    assert sorted(r.index for r in everything) == sorted(first), "every document exactly once"
    assert all((r.judge, np.float32(r.logit)) == ("large", np.float32(strong[r.index])) for r in everything if r.index in strong)
    assert all((r.judge, np.float32(r.logit)) == ("small", np.float32(first[r.index])) for r in everything if r.index not in strong)
    uncut = joined(pair, first, strong, replace(options, top_n=None, threshold=None))
    ranks = {r.index: rank for rank, r in enumerate(uncut)}
    assert [r.index for r in found] == sorted((r.index for r in found), key=lambda i: ranks[i]), "cutting changes no order"
    for judge in ("large", "small"):
        own = [(-r.logit, r.index) for r in uncut if r.judge == judge]
        assert own == sorted(own), "one judge's documents stand by its logit, equals as they came"
    if calibrated and options.normalize:
        scores = [r.score for r in uncut]
        assert scores == sorted(scores, reverse=True), "on one scale, scores never rise"
        assert uncut.warnings == ()
    else:
        assert [r.index in strong for r in uncut] == [True] * len(strong) + [False] * (len(first) - len(strong))
        assert len(uncut.warnings) == (0 < len(strong) < len(first))
