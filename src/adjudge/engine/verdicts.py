"""From the model's rows to what it said of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..backends.base import Floats
from ..config import WindowConfig
from ..models.model import Model
from .aggregate import aggregate
from .encode import Item
from .intent import Intent
from .known import Answers
from .scores import relevance

__all__ = ["Judging", "Verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the model said of one (query, document) pair."""

    logit: float
    start: int  # characters of the document that the deciding window covers
    end: int
    windows: int
    pair_tokens: int  # real tokens of all its windows, query and specials included
    padded_tokens: int
    document_tokens: int
    tokens_unseen: int
    query_tokens_unseen: int
    unseen: tuple[tuple[int, int], ...] = ()  # characters in no window
    aspects: tuple[float, ...] = ()  # logits of the auxiliary heads, of the deciding window
    computed: int = 0  # of the windows, those that went through the model; the others were known


class Judging:
    """Joins the rows of each pair's windows. Knows the model, because its heads decide what the rows mean."""

    def __init__(self, model: Model) -> None:
        """Nothing is read before windows are weighed by importance."""
        self._model = model
        self._aspects: tuple[str, ...] = getattr(model.spec.head, "aspects", ())
        self._intent: Intent | None = None

    def verdicts(self, items: Sequence[Item], answers: Answers, windows: WindowConfig) -> list[Verdict]:
        """One for each item; `answers` holds a row for each of their windows, in order."""
        logits = relevance(answers.outputs, self._model.spec.head, self._model.config)
        verdicts, at = [], 0
        for item in items:
            rows = slice(at, at + len(item.pairs))
            at = rows.stop
            outputs = answers.outputs[rows]
            joined = aggregate(logits[rows], windows, lambda item=item, own=logits[rows]: self._intents(item, own))  # type: ignore[misc]
            start, end = item.spans[joined.window]
            verdicts.append(
                Verdict(
                    logit=joined.logit,
                    start=start,
                    end=end,
                    windows=len(item.pairs),
                    pair_tokens=sum(len(p.ids) for p in item.pairs),
                    padded_tokens=int(answers.padded[rows].sum()),
                    document_tokens=item.document_tokens,
                    tokens_unseen=item.tokens_unseen,
                    query_tokens_unseen=item.query_tokens_unseen,
                    unseen=item.unseen,
                    aspects=tuple(float(v) for v in outputs[joined.window, 1:]) if self._aspects else (),
                    computed=int(answers.computed[rows].sum()),
                )
            )
        return verdicts

    def _intents(self, item: Item, logits: Floats) -> Floats:
        if self._intent is None:
            self._intent = Intent(self._model)
        return self._intent.of(item.pairs, logits)
