"""The values that come out: frozen, small, and a ranking that is a sequence."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from adjudge import types
from adjudge.types import Document, Dropped, Explanation, Passage, Ranked, Ranking, Refused, Sentence, Timings, Usage

VALUES = (
    Document("a"),
    Passage("a", 0, 1),
    Ranked(index=0, document=Document("a"), score=0.5, logit=0.0, passage=Passage("a", 0, 1)),
    Dropped(index=0, document=Document("a"), score=0.5, logit=0.0, rule="top_n=0"),
    Refused(index=0, reason="empty", message=""),
    Usage(),
    Timings(),
    Ranking(query="q", results=()),
    Sentence(text="a", start=0, end=1, score_without=0.5, logit_without=0.0, effect=0.0),
    Explanation(query="q", index=0, passage=Passage("a", 0, 1), score=0.5, logit=0.0, sentences=()),
)


def ranking(count: int) -> Ranking:
    text = Document("a")
    results = tuple(Ranked(index=i, document=text, score=0.5, logit=0.0, passage=Passage("a", 0, 1)) for i in range(count))
    return Ranking(query="q", results=results)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_are_frozen_and_slotted(value: object) -> None:
    field = dataclasses.fields(value)[0].name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, None)
    assert not hasattr(value, "__dict__")


def test_every_value_is_tried() -> None:
    classes = {name for name in types.__all__ if dataclasses.is_dataclass(getattr(types, name))}
    assert classes == {type(value).__name__ for value in VALUES}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_ranking_is_a_sequence_of_its_results(count: int) -> None:
    found = ranking(count)
    assert isinstance(found, Sequence)
    assert len(found) == count
    assert bool(found) is bool(count)
    assert tuple(found) == found.results == found[:]
    assert tuple(reversed(found)) == found.results[::-1]
    assert found[:2] == found.results[:2]
    assert all(r in found for r in found.results)
    with pytest.raises(IndexError):
        found[count]


def test_places_count_from_both_ends() -> None:
    found = ranking(3)
    assert (found[0].index, found[-1].index, found.index(found[1])) == (0, 2, 1)


def test_documents_do_not_share_their_metadata() -> None:
    first, second = Document("a"), Document("b")
    assert first.metadata == {}
    assert first.metadata is not second.metadata
