"""From verdicts to the answer: order, threshold, top_n, and the account of everything else."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.config import WindowConfig
from adjudge.engine.documents import Accepted
from adjudge.engine.engine import Judgement, Verdict
from adjudge.engine.ranking import RankOptions, build_ranking
from adjudge.engine.scores import sigmoid
from adjudge.engine.thresholds import Absolute, Threshold, parse_threshold
from adjudge.errors import BackendError, ConfigError, InvalidLogitsError
from adjudge.models.heads import ClassificationHead
from adjudge.models.model import Model
from adjudge.types import Document, Ranking, Refused, Timings
from tests.engine.stand_ins import Answers, FailsAt, StandIn, Told, judge_with
from tests.texts import DOCUMENTS, LONG, QUERIES

LOGITS = st.lists(st.floats(-40, 40, width=32), max_size=25)


def verdict(logit: float, **changes: int) -> Verdict:
    counts = {"start": 0, "end": 1, "windows": 1, "pair_tokens": 9, "padded_tokens": 12, "document_tokens": 4, "tokens_unseen": 0}
    return Verdict(logit=logit, **(counts | {"query_tokens_unseen": 0} | changes))


def ranked(
    model: Model,
    logits: list[float],
    *,
    top_n: int | None = None,
    threshold: float | str | Threshold | None = None,
    normalize: bool = True,
) -> Ranking:
    """Documents "0", "1", ... with these logits."""
    options = RankOptions(top_n=top_n, threshold=parse_threshold(threshold), normalize=normalize)
    accepted = Accepted(tuple((i, Document(str(i))) for i in range(len(logits))), ())
    verdicts = [verdict(float(x)) for x in logits]
    return build_ranking("q", accepted, verdicts, Judgement(verdicts=tuple(verdicts), batches=1, timings=Timings()), model, options)


def indices(ranking: Ranking) -> list[int]:
    return [r.index for r in ranking]


def test_ties_keep_input_order(words: Model) -> None:
    assert indices(ranked(words, [1.0, 2.0, 1.0, 2.0, 1.0, -0.0, 0.0])) == [1, 3, 0, 2, 4, 5, 6]


def test_saturated_scores_stay_apart(words: Model) -> None:
    ranking = ranked(words, [40.0, 60.0, 50.0, 45.0])
    assert [r.score for r in ranking] == [1.0] * 4
    assert indices(ranking) == [1, 2, 3, 0]


def test_saturated_scores_stay_apart_on_the_whole_way(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Told(words)
    judge = judge_with(monkeypatch, words, lambda _: backend)
    texts = list(DOCUMENTS[:5])
    backend.tell(judge.engine, texts, [38.0, 60.0, 38.0, 50.0, 37.5])
    assert indices(judge.rank("q", texts)) == [1, 3, 0, 2, 4]
    backend.tell(judge.engine, texts, [-50.0, -60.0, -50.0, -45.0, -90.0])
    assert indices(judge.rank("q", texts)) == [3, 0, 2, 1, 4]


@given(logits=LOGITS)
def test_order_is_that_of_the_logits_and_scores_follow(words: Model, logits: list[float]) -> None:
    ranking = ranked(words, logits)
    assert indices(ranking) == sorted(range(len(logits)), key=lambda i: -np.float32(logits[i]))
    scores = [r.score for r in ranking]
    assert scores == sorted(scores, reverse=True)
    assert scores == sigmoid(np.array([r.logit for r in ranking])).tolist()


@given(
    logits=LOGITS,
    top_n=st.none() | st.integers(0, 30),
    threshold=st.sampled_from([None, 0.0, 0.3, 1, "relative:0.5", "relative:0", "relative:1", "dynamic"]),
)
def test_what_is_not_kept_is_accounted_for(words: Model, logits: list[float], top_n: int | None, threshold: Any) -> None:
    ranking = ranked(words, logits, top_n=top_n, threshold=threshold)
    everything = ranked(words, logits)
    assert [r.index for r in (*ranking.results, *ranking.dropped)] == indices(everything)
    assert top_n is None or len(ranking) <= top_n
    rule = parse_threshold(threshold)
    lowest = -math.inf if rule is None or not logits else rule.cut([r.score for r in everything])
    good = sum(r.score >= lowest for r in everything)
    assert len(ranking) == (good if top_n is None else min(good, top_n))
    for place, dropped in enumerate(ranking.dropped, start=len(ranking)):
        assert dropped.rule == (f"top_n={top_n}" if place < good else f"{rule} (cut-off {lowest:.3f})")
        assert (dropped.score, dropped.document.text) == (everything[place].score, str(dropped.index))


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top_n": 0}, []),
        ({"top_n": None}, [1, 0, 2]),
        ({"threshold": 0}, [1, 0, 2]),
        ({"threshold": 0.0}, [1, 0, 2]),
        ({"threshold": None}, [1, 0, 2]),
        ({"threshold": 0, "normalize": False}, [1, 0]),
        ({"threshold": 0.0, "normalize": False, "top_n": 1}, [1]),
        ({"threshold": 0.5}, [1, 0]),
        ({"threshold": "relative:0"}, [1, 0, 2]),
        ({"threshold": "relative:1"}, [1]),
        ({"threshold": 1}, []),
        ({"threshold": 1.5, "normalize": False}, [1]),
        ({"threshold": -5, "normalize": False}, [1, 0, 2]),
    ],
    ids=str,
)
def test_nothing_and_zero_mean_what_they_say(words: Model, options: dict[str, Any], kept: list[int]) -> None:
    assert indices(ranked(words, [1.0, 2.0, -1.0], **options)) == kept


@pytest.mark.parametrize(("threshold", "side"), [(1.5, "above"), (-0.1, "below"), (Absolute(40), "above")], ids=str)
def test_a_cut_that_no_probability_can_meet_or_miss(words: Model, threshold: Any, side: str) -> None:
    """It would keep nothing, or everything, of every question: most likely a logit was meant."""
    with pytest.raises(ConfigError, match=f"lies {side} every score, for scores lie in 0..1; give a probability, or normalize=False"):
        ranked(words, [1.0, 2.0], threshold=threshold)


def test_normalize_false_gives_the_logits(words: Model) -> None:
    ranking = ranked(words, [1.0, -2.5], normalize=False)
    assert [(r.score, r.logit) for r in ranking] == [(1.0, 1.0), (-2.5, -2.5)]
    assert (ranking.score_type, ranked(words, [1.0]).score_type) == ("logit", "sigmoid")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_documents_have_the_same_shape(words: Model, count: int) -> None:
    for threshold in (None, 0.5, "relative:0.5", "dynamic"):
        ranking = ranked(words, [5.0] * count, threshold=threshold)
        assert isinstance(ranking.results, tuple)
        assert len(ranking) == count
        assert ranking.dropped == ()
    assert ranked(words, []).usage.pairs == 0


@pytest.mark.parametrize("top_n", [-1, 1.5, "3", True, math.nan, [1]], ids=repr)
def test_top_n_that_makes_no_sense(top_n: Any) -> None:
    with pytest.raises(ConfigError, match="top_n"):
        RankOptions(top_n=top_n, threshold=None, normalize=True)


@pytest.mark.parametrize("threshold", ["relative:0.5", "dynamic"])
def test_thresholds_that_need_probabilities(threshold: str) -> None:
    with pytest.raises(ConfigError, match="probabilities"):
        RankOptions(top_n=None, threshold=parse_threshold(threshold), normalize=False)


def test_account(words: Model) -> None:
    documents = ((1, Document("a")), (3, Document("b")))
    refused = (Refused(index=0, reason="empty", message=""), Refused(index=2, reason="not_text", message=""))
    verdicts = [verdict(1.0, windows=3, tokens_unseen=7), verdict(2.0, query_tokens_unseen=5)]
    judgement = Judgement(verdicts=tuple(verdicts), batches=2, timings=Timings(total_ms=5.0))
    options = RankOptions(top_n=None, threshold=None, normalize=True)
    ranking = build_ranking("q", Accepted(documents, refused), verdicts, judgement, words, options)
    assert [(r.index, r.truncated, r.tokens_unseen, r.windows) for r in ranking] == [(3, False, 0, 1), (1, True, 7, 3)]
    assert ranking.refused == refused
    usage = ranking.usage
    assert (usage.documents, usage.pairs, usage.tokens, usage.padded_tokens, usage.batches, usage.truncated) == (4, 4, 18, 24, 2, 1)
    assert [w for w in ranking.warnings if "last 5 tokens" in w]
    assert [w for w in ranking.warnings if "1 of 2 documents were cut" in w]
    assert (ranking.model, ranking.revision, ranking.timings.total_ms) == (words.name, "1", 5.0)


@pytest.mark.parametrize("labels", [1, 2, 3])
def test_one_label_or_several_rank_alike(words: Model, monkeypatch: pytest.MonkeyPatch, labels: int) -> None:
    expected = indices(judge_with(monkeypatch, words).rank(QUERIES[0], DOCUMENTS))
    head = ClassificationHead(labels=labels, relevant=labels - 1)
    judge = judge_with(monkeypatch, replace(words, spec=replace(words.spec, head=head)))
    ranking = judge.rank(QUERIES[0], DOCUMENTS)
    assert indices(ranking) == expected
    assert ranking.score_type == ("sigmoid" if labels == 1 else "softmax")
    assert len(judge.score([(QUERIES[0], DOCUMENTS[0])])) == 1
    assert judge.score([]) == []


def test_one_failed_request_among_others(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = judge_with(monkeypatch, words, lambda m: FailsAt(m, 2))
    best = judge.rank(QUERIES[0], DOCUMENTS)[0]
    with pytest.raises(BackendError):
        judge.rank(QUERIES[0], DOCUMENTS)
    assert judge.rank(QUERIES[0], DOCUMENTS)[0] == best


def test_not_a_number_is_no_rank(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = judge_with(monkeypatch, words, lambda m: Answers(m, lambda logits: logits * np.float32(math.nan)))
    with pytest.raises(InvalidLogitsError):
        judge.rank(QUERIES[0], DOCUMENTS)


def test_wrong_options_are_refused_before_anything_is_computed(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = StandIn(words)
    judge = judge_with(monkeypatch, words, lambda _: backend)
    for options in ({"top_n": -1}, {"threshold": "high"}, {"threshold": "dynamic", "normalize": False}, {"windows": "truncate"}):
        with pytest.raises(ConfigError):
            judge.rank("q", DOCUMENTS, **options)
        with pytest.raises(ConfigError):
            judge.rank_many(["q"], [DOCUMENTS], **options)
    assert backend.shapes == []


def test_truncation_is_reported(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = judge_with(monkeypatch, words, max_length=64)
    cut = judge.rank("bamboo", [LONG, "short"], windows=WindowConfig(mode="truncate"))
    by_index = {r.index: r for r in cut}
    assert (by_index[0].truncated, by_index[1].truncated) == (True, False)
    seen = judge.engine.judge([("bamboo", by_index[0].passage.text)]).verdicts[0].document_tokens
    assert by_index[0].tokens_unseen == by_index[0].tokens - seen > 0
    assert cut.usage.truncated == 1
    assert cut.warnings
    whole = judge.rank("bamboo", [LONG, "short"])
    assert not any(r.truncated for r in whole)
    assert whole.warnings == ()
    some = judge.rank("bamboo", [LONG], windows=WindowConfig(max_windows=2))
    assert (some[0].windows, some[0].truncated) == (2, True)
