"""From verdicts to the answer: order, cut, account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError
from ..models.model import Model
from ..types import Document, Dropped, Passage, Ranked, Ranking, Usage
from .documents import Accepted
from .engine import Judgement
from .order import order
from .scores import score_type, sigmoid, to_scores
from .thresholds import Threshold, check_scale
from .verdicts import Verdict

__all__ = ["RankOptions", "build_ranking", "cut", "what_was_not_read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankOptions:
    """What rank() may be asked for, checked before anything is computed."""

    top_n: int | None
    threshold: Threshold | None
    normalize: bool

    def __post_init__(self) -> None:
        if self.top_n is not None and (isinstance(self.top_n, bool) or not isinstance(self.top_n, int) or self.top_n < 0):
            raise ConfigError(f"top_n must be a whole number of 0 or more, or None for all, not {self.top_n!r}")
        check_scale(self.threshold, normalize=self.normalize)


def build_ranking(
    query: str, accepted: Accepted, verdicts: Sequence[Verdict], judgement: Judgement, model: Model, options: RankOptions
) -> Ranking:
    """Order the verdicts of one query by logit, then apply the threshold and top_n."""
    logits = np.array([v.logit for v in verdicts], np.float32)
    scores = to_scores(logits, model.calibration, normalize=options.normalize)
    ranked = [_ranked(*accepted.documents[i], verdicts[i], float(scores[i]), model) for i in order(logits)]
    kept, dropped = cut(ranked, options)
    return Ranking(
        query=query,
        results=tuple(kept),
        dropped=tuple(dropped),
        refused=accepted.refused,
        warnings=tuple(what_was_not_read(verdicts)),
        score_type=score_type(model.spec.head, model.config, model.calibration, normalize=options.normalize),
        model=model.name,
        revision=model.revision,
        usage=_usage(verdicts, judgement, len(accepted.refused)),
        timings=judgement.timings,
    )


def cut(ranked: Sequence[Ranked], options: RankOptions) -> tuple[list[Ranked], list[Dropped]]:
    """Threshold and top_n: (kept, dropped), both in the order of `ranked`, whose scores need not fall where two judges gave them."""
    rules: dict[int, str] = {}
    threshold = options.threshold
    if threshold is not None and ranked:
        lowest = threshold.cut(sorted((r.score for r in ranked), reverse=True))
        rules = {i: f"{threshold} (cut-off {lowest:.3f})" for i, r in enumerate(ranked) if not r.score >= lowest}
    if options.top_n is not None:
        left = [i for i in range(len(ranked)) if i not in rules]
        rules |= dict.fromkeys(left[options.top_n :], f"top_n={options.top_n}")
    dropped = [
        Dropped(index=r.index, document=r.document, score=r.score, logit=r.logit, rule=rules[i], judge=r.judge)
        for i, r in enumerate(ranked)
        if i in rules
    ]
    return [r for i, r in enumerate(ranked) if i not in rules], dropped


def _ranked(index: int, document: Document, verdict: Verdict, score: float, model: Model) -> Ranked:
    names: tuple[str, ...] = getattr(model.spec.head, "aspects", ())
    return Ranked(
        index=index,
        document=document,
        score=score,
        logit=verdict.logit,
        passage=Passage(document.text[verdict.start : verdict.end], verdict.start, verdict.end),
        truncated=verdict.tokens_unseen > 0,
        windows=verdict.windows,
        tokens=verdict.document_tokens,
        tokens_unseen=verdict.tokens_unseen,
        unseen=verdict.unseen,
        judge=model.name,
        aspects=dict(zip(names, (float(p) for p in sigmoid(np.array(verdict.aspects))), strict=True)),
    )


def what_was_not_read(verdicts: Sequence[Verdict]) -> list[str]:
    """One sentence for queries that were too long, one for documents that were cut; none where all was read."""
    cut = sum(v.tokens_unseen > 0 for v in verdicts)
    unseen = max((v.query_tokens_unseen for v in verdicts), default=0)
    warnings = []
    if unseen:
        warnings.append(f"the query is too long for the model: its last {unseen} tokens were not read")
    if cut:
        warnings.append(f"{cut} of {len(verdicts)} documents were cut, as asked: see truncated and tokens_unseen of each")
    return warnings


def _usage(verdicts: Sequence[Verdict], judgement: Judgement, refused: int) -> Usage:
    return Usage(
        documents=len(verdicts) + refused,
        pairs=sum(v.windows for v in verdicts),
        tokens=sum(v.pair_tokens for v in verdicts),
        padded_tokens=sum(v.padded_tokens for v in verdicts),
        batches=judgement.batches,
        truncated=sum(v.tokens_unseen > 0 for v in verdicts),
        computed=sum(v.computed for v in verdicts),
    )
