"""Which sentences carried a score: the passage is judged again with each of them left out.

Occlusion, as Zeiler and Fergus did it with patches of pictures (Visualizing and understanding convolutional networks, ECCV 2014) and
Li, Monroe and Jurafsky with words (Understanding neural networks through representation erasure, 2016, arXiv:1612.08220).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..config import WindowConfig
from ..errors import ConfigError
from ..types import Explanation, Passage, Ranked, Sentence
from .engine import Engine
from .scores import to_scores
from .sentences import sentence_spans
from .verdicts import Verdict

__all__ = ["MOST_SENTENCES", "Explainer", "Span", "gather"]

MOST_SENTENCES = 40
"""Above this many, neighbours are left out together, so that one explanation costs at most one pair more than this."""

_SPARE_TOKENS = 4


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring sentences that are left out together; characters of the passage."""

    start: int
    end: int
    count: int  # sentences


class Explainer:
    """Explains results of rank(): Ranking.explainer. Works as long as the reranker is open."""

    # No dataclass: asdict() of a ranking would take it, and the model in it, to pieces.

    def __init__(self, engine: Engine, *, normalize: bool = True, most: int = MOST_SENTENCES, others: Sequence[Engine] = ()) -> None:
        """`normalize`: as in rank(). `others`: engines that may have judged a result in the place of `engine`.

        Raises ConfigError for a `most` below 2.
        """
        if isinstance(most, bool) or not isinstance(most, int) or most < 2:
            raise ConfigError(f"most must be a whole number of 2 or more sentences, not {most!r}; with one, nothing is left")
        self._engines = (engine, *others)
        self._normalize = normalize
        self._most = most

    def __call__(self, query: str, result: Ranked) -> Explanation:
        """Judge the passage as it is, and without each of its sentences, in one call, with the model that judged it before.

        Raises ClosedError when the reranker was closed, BackendError as rank() does.
        """
        began = time.perf_counter()
        engine = self._engine_of(result)
        spans = gather(sentence_spans(result.passage.text), self._most)
        texts = [result.passage.text, *_left_out(result.passage.text, spans)]
        verdicts, pairs = _judge(engine, [(query, text) for text in texts])
        logits = np.array([verdict.logit for verdict in verdicts], np.float32)
        scores = [float(s) for s in to_scores(logits, engine.model.calibration, normalize=self._normalize)]
        return Explanation(
            query=query,
            index=result.index,
            passage=result.passage,
            score=scores[0],
            logit=verdicts[0].logit,
            sentences=_sentences(result.passage, spans, verdicts, scores),
            aspects=dict(result.aspects),
            pairs=pairs,
            milliseconds=(time.perf_counter() - began) * 1e3,
        )

    def alone(self, query: str, result: Ranked, sentences: Sequence[Sentence]) -> list[float]:
        """The logit of each sentence as if it were the whole passage, in one call. Raises as __call__ does."""
        verdicts = self._engine_of(result).judge([(query, s.text) for s in sentences]).verdicts
        return [verdict.logit for verdict in verdicts]

    def _engine_of(self, result: Ranked) -> Engine:
        return next((e for e in self._engines if e.model.name == result.judge), self._engines[0])

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Nothing: a ranking that is pickled, deep-copied or made a dict leaves its loaded model behind."""
        return type(None), ()


def _judge(engine: Engine, pairs: Sequence[tuple[str, str]]) -> tuple[Sequence[Verdict], int]:
    """Verdicts, the whole passage's first, and the pairs they took.

    A passage is a window, and so one pair. Cut out of its document it may come to a token or two more than there is room for; to split
    it for them would compare halves with wholes, so they are let go. What is really longer (nothing that rank() made) is split.
    """
    verdicts = engine.judge(pairs, windows=WindowConfig(mode="truncate")).verdicts
    if verdicts[0].tokens_unseen <= _SPARE_TOKENS:
        return verdicts, len(verdicts)
    split = engine.judge(pairs, windows=WindowConfig()).verdicts
    return split, len(verdicts) + sum(verdict.windows for verdict in split)


def gather(sentences: Sequence[tuple[int, int]], most: int) -> tuple[Span, ...]:
    """At most `most` spans of neighbouring sentences, their counts as even as can be; a sentence each where there are so few."""
    groups = min(most, len(sentences))
    borders = [len(sentences) * i // groups for i in range(groups + 1)] if groups else [0]
    pairs = zip(borders, borders[1:], strict=False)
    return tuple(Span(sentences[first][0], sentences[last - 1][1], last - first) for first, last in pairs)


def _left_out(text: str, spans: Sequence[Span]) -> list[str]:
    """The text without each span; nothing for a single one, which would leave nothing."""
    return [text[: span.start] + text[span.end :] for span in spans] if len(spans) > 1 else []


def _sentences(passage: Passage, spans: Sequence[Span], verdicts: Sequence[Verdict], scores: Sequence[float]) -> tuple[Sentence, ...]:
    """Those whose absence was judged: verdicts[0] and scores[0] are the whole passage's."""
    whole, *without = verdicts
    return tuple(
        _sentence(passage, span, whole.logit - verdict.logit, verdict.logit, score)
        for span, verdict, score in zip(spans, without, scores[1:], strict=False)
    )


def _sentence(passage: Passage, span: Span, effect: float, logit: float, score: float) -> Sentence:
    text = passage.text[span.start : span.end]
    start = passage.start + span.start + len(text) - len(text.lstrip())
    text = text.strip()
    return Sentence(
        text=text,
        start=start,
        end=start + len(text),
        score_without=score,
        logit_without=logit,
        effect=effect,
        count=span.count,
    )
