"""Heads: which of several labels means "relevant", and the heads of adjudge's own."""

from __future__ import annotations

from typing import Any

import pytest

from adjudge.errors import ModelFilesError, NotARerankerError
from adjudge.models.heads import ClassificationHead, EmbeddingHead, MatchHead, parse_head, relevant_label


def config(*names: object, **more: Any) -> dict[str, Any]:
    """A config.json with these labels."""
    return {"id2label": {str(index): name for index, name in enumerate(names)}, "hidden_size": 8, **more}


@pytest.mark.parametrize(
    ("names", "relevant"),
    [
        (("LABEL_0",), 0),
        (("anything at all",), 0),
        (("LABEL_0", "LABEL_1"), 1),
        (("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"), 3),
        ((0, 1, 2), 2),  # some configs have numbers for names
        (("contradiction", "entailment", "neutral"), 1),
        (("ENTAILMENT", "NEUTRAL", "CONTRADICTION"), 0),
        (("relevant", "irrelevant"), 0),
        (("no", "yes"), 1),
        (("True", "False"), 0),
        (("negative", "positive"), 1),
        (("neutral", "positive", "relevant"), 2),  # relevant is the plainer word
    ],
)
def test_which_label_is_relevant(names: tuple[object, ...], relevant: int) -> None:
    head = parse_head(config(*names), family="bert")
    assert isinstance(head, ClassificationHead)
    assert (head.labels, head.relevant, head.outputs) == (len(names), relevant, len(names))


def test_labels_that_mean_something_else_are_refused() -> None:
    with pytest.raises(NotARerankerError, match=r"sadness, joy, love.*relevant_label"):
        parse_head(config("sadness", "joy", "love"), family="bert")


@pytest.mark.parametrize("chosen", [2, "love"])
def test_config_may_choose_the_label(chosen: object) -> None:
    assert relevant_label(config("sadness", "joy", "love", adjudge={"relevant_label": chosen}), 3) == 2


def test_a_chosen_label_wins_over_names() -> None:
    assert relevant_label(config("no", "yes", adjudge={"relevant_label": 0}), 2) == 0


@pytest.mark.parametrize("chosen", [3, -1, "hate", 1.0, True, [1]])
def test_a_choice_that_is_none(chosen: object) -> None:
    with pytest.raises(ModelFilesError, match="sadness, joy, love"):
        relevant_label(config("sadness", "joy", "love", adjudge={"relevant_label": chosen}), 3)


def test_without_names_two_labels_are_assumed() -> None:
    assert parse_head({}, family="bert").outputs == 2
    assert parse_head({"num_labels": 1}, family="bert").outputs == 1
    assert parse_head({"num_labels": 5, "id2label": {}}, family="bert").outputs == 5
    assert parse_head(config("LABEL_0", num_labels=7), family="bert").outputs == 1, "names win, as in transformers"


@pytest.mark.parametrize("labels", [0, -1, True, "1", 1.0])
def test_senseless_number_of_labels(labels: object) -> None:
    with pytest.raises(NotARerankerError, match="labels"):
        parse_head({"num_labels": labels}, family="bert")


@pytest.mark.parametrize(
    ("family", "activation"),
    [("bert", "tanh"), ("roberta", "tanh"), ("xlm-roberta", "tanh"), ("electra", "gelu"), ("distilbert", "relu"), ("deberta-v2", "none")],
)
def test_activation_of_the_dense_layer(family: str, activation: str) -> None:
    head = parse_head(config("LABEL_0"), family=family)
    assert isinstance(head, ClassificationHead)
    assert head.dense_activation == activation


def test_own_heads() -> None:
    assert parse_head(config("LABEL_0", adjudge={"head": {"kind": "match"}}), family="bert") == MatchHead()
    embedding = {"head": {"kind": "embedding", "pool": "first", "normalise": False}}
    assert parse_head(config(adjudge=embedding), family="bert") == EmbeddingHead(outputs=8, pool="first", normalise=False)
    assert parse_head(config("LABEL_0", adjudge={"head": {"kind": "classification"}}), family="bert").outputs == 1
    assert parse_head(config("LABEL_0", adjudge={"head": {}}), family="bert").outputs == 1
