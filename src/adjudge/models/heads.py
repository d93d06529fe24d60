"""What turns hidden states into a logit. A head is data: its kind and the names of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..errors import ModelFilesError, NotARerankerError
from .reader import Reader

__all__ = ["OWN_SETTINGS", "ClassificationHead", "EmbeddingHead", "HeadSpec", "MatchHead", "TokenHead", "parse_head", "relevant_label"]

OWN_SETTINGS = "adjudge"
"""The key of config.json under which adjudge's own settings stand: "head" and "relevant_label"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationHead:
    """pool -> [dense -> activation] -> [norm] -> out. With several labels, `relevant` is the column that counts."""

    labels: int
    relevant: int
    pool: Literal["first", "mean"] = "first"
    dense_activation: Literal["gelu", "gelu_tanh", "relu", "silu", "tanh", "none"] = "none"
    norm: bool = False

    @property
    def outputs(self) -> int:
        """Columns of the backend's answer."""
        return self.labels


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchHead:
    """The embedded judge's head, on the last hidden states h (tokens x size), Q and D the query's and the document's tokens:

    pooled.weight . mean(h) + pooled.bias + cosine * cos(mean(h[Q]), mean(h[D]))
    + max_similarity * mean over q in Q of max over d in D of cos(h[q], h[d]) + offset

    and, where it has auxiliary heads, one logit an aspect: aspects.weight . mean(h) + aspects.bias
    """

    aspects: tuple[str, ...] = ()  # names of the auxiliary heads, in the order of their rows
    labels = 1

    @property
    def outputs(self) -> int:
        """Columns of the backend's answer: relevance, then the aspects."""
        return 1 + len(self.aspects)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingHead:
    """A bi-encoder: mean over all tokens (or the first token), then length 1. Not a judge; used for the first stage."""

    outputs: int
    pool: Literal["first", "mean"] = "mean"
    normalise: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHead:
    """No head at all: the last hidden states, a row a token, for late interaction and for weights of single tokens."""

    outputs: int  # the hidden size


HeadSpec: TypeAlias = ClassificationHead | MatchHead | EmbeddingHead | TokenHead

_DENSE: Mapping[str, Literal["gelu", "relu", "tanh"]] = {
    "bert": "tanh",  # the pooler
    "roberta": "tanh",
    "xlm-roberta": "tanh",
    "electra": "gelu",
    "distilbert": "relu",
}
_RELEVANT_NAMES = ("relevant", "entailment", "positive", "yes", "true")


def parse_head(config: Mapping[str, Any], *, family: str) -> HeadSpec:
    """The head that config.json describes; adjudge's own heads stand under its key "adjudge".

    Raises ModelFilesError for values that make no sense, NotARerankerError where no label means "relevant".
    """
    own = Reader(Reader(config).mapping(OWN_SETTINGS)).mapping("head")
    if own.get("kind", "classification") != "classification":
        return _parse_own(Reader(own), config)
    labels = _label_count(config)
    relevant = relevant_label(config, labels)
    if family == "modernbert":
        return _modernbert_head(Reader(config), labels, relevant)
    return ClassificationHead(labels=labels, relevant=relevant, dense_activation=_DENSE.get(family, "none"))


def relevant_label(config: Mapping[str, Any], labels: int) -> int:
    """Which of several labels means "relevant", as a column number.

    A reranker has one label, and that is it. Classifiers with several are used as judges too (two labels "no" and "yes",
    an NLI model, grades 0 to 3), and nothing in their format says which label is the good one. The choice is, in this order:

    1. what config.json says under {"adjudge": {"relevant_label": ...}}, a column number or a name out of id2label;
    2. the label that id2label calls relevant, entailment, positive, yes or true (any case, in this order);
    3. the last one, where the labels have no names of their own ("LABEL_0", "0", or no id2label): negative before
       positive and worse before better is how such heads are numbered (monoBERT, graded relevance);
    4. otherwise there is no honest guess (moods, topics): NotARerankerError, which names the labels and rule 1.
    """
    if labels == 1:
        return 0
    names = _label_names(config)
    chosen = Reader(config).mapping(OWN_SETTINGS).get("relevant_label")
    if chosen is not None:
        return _chosen_label(chosen, names, labels)
    for wanted in _RELEVANT_NAMES:
        for index, name in names.items():
            if name.lower() == wanted and index < labels:
                return index
    if all(_nameless(name) for name in names.values()):
        return labels - 1
    raise NotARerankerError(
        f"config.json declares {labels} labels ({', '.join(list(names.values())[:6])}), and none of them says that a document is relevant. "
        'If one does, name it in config.json: "adjudge": {"relevant_label": 1}; otherwise this classifier is no reranker'
    )


def _label_names(config: Mapping[str, Any]) -> dict[int, str]:
    try:
        return {int(index): str(name) for index, name in Reader(config).mapping("id2label").items()}
    except ValueError:
        raise ModelFilesError(f"config.json: the keys of id2label must be numbers, not {list(config['id2label'])[:5]}") from None


def _chosen_label(chosen: object, names: Mapping[int, str], labels: int) -> int:
    if isinstance(chosen, int) and not isinstance(chosen, bool) and 0 <= chosen < labels:
        return chosen
    for index, name in names.items():
        if name == chosen and 0 <= index < labels:
            return index
    known = ", ".join(list(names.values())[:6])
    raise ModelFilesError(f'config.json: "relevant_label" is {chosen!r}; it must be a number from 0 to {labels - 1} or one of {known}')


def _nameless(name: str) -> bool:
    return name.lower().removeprefix("label_").isdigit()


def _label_count(config: Mapping[str, Any]) -> int:
    named = Reader(config).mapping("id2label")
    labels = len(named) if named else config.get("num_labels")
    labels = 2 if labels is None else labels  # transformers' own default
    if isinstance(labels, bool) or not isinstance(labels, int) or labels < 1:
        raise NotARerankerError(f"config.json declares {labels!r} labels; a reranker has one (or a few, see models/heads.py)")
    return labels


def _modernbert_head(read: Reader, labels: int, relevant: int) -> ClassificationHead:
    activation = read.text("classifier_activation", default="gelu")
    pooling = read.text("classifier_pooling", default="cls")
    if activation not in ("gelu", "relu", "silu", "tanh") or pooling not in ("cls", "mean"):
        raise ModelFilesError(f"config.json: classifier_activation {activation!r} / classifier_pooling {pooling!r} is not known")
    return ClassificationHead(
        labels=labels,
        relevant=relevant,
        pool="mean" if pooling == "mean" else "first",
        dense_activation=activation,  # type: ignore[arg-type]  # checked in the line above
        norm=True,
    )


def _parse_own(own: Reader, config: Mapping[str, Any]) -> HeadSpec:
    kind = own.text("kind")
    if kind == "match":
        return MatchHead(aspects=tuple(own.strings("aspects")))
    if kind == "embedding":
        pool = own.text("pool", default="mean")
        if pool not in ("first", "mean"):
            raise ModelFilesError(f"the pooling {pool!r} of an embedding head is not known; known are first and mean")
        outputs = Reader(config).size("dim" if config.get("model_type") == "distilbert" else "hidden_size")
        return EmbeddingHead(outputs=outputs, pool="mean" if pool == "mean" else "first", normalise=own.flag("normalise", default=True))
    raise ModelFilesError(f"the head kind {kind!r} is not known to this version of adjudge; known are classification, match and embedding")
