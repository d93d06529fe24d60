"""What a step sees: shares kept, epochs whole, everything a function of seed and step; chunks within their budget."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.engine.encode import QUERY_SHARE, Encoder
from adjudge.engine.tokenise import Tokeniser
from adjudge.models.load import load_model
from adjudge.train.feed import Chunk, Feed, batches_of, chunks_of, limit_passages
from adjudge.train.rows import Group, Item
from adjudge.train.supervision import Aspects, Shaping
from tests.texts import DOCUMENTS, LONG, QUERIES
from tests.train.groups import graded, many

LENGTH = 48


def feed_of(*sizes: int, shares: Sequence[float] = (), per_step: int = 4, seed: int = 0, passages: int = 8) -> Feed:
    """Sources a, b, ... of so many groups."""
    sources = [many(size, name="abcdef"[number]) for number, size in enumerate(sizes)]
    weights = list(shares) if shares else [float(size) for size in sizes]
    return Feed(sources, [weight / sum(weights) for weight in weights], per_step, seed, passages)


def queries(feed: Feed, steps: range) -> list[str]:
    return [group.query for step in steps for group in feed.step(step)]


@given(st.integers(1, 20), st.integers(1, 7), st.integers(0, 5), st.integers(1, 3))
def test_every_group_is_seen_once_an_epoch(size: int, per_step: int, seed: int, epochs: int) -> None:
    feed = feed_of(size, per_step=per_step, seed=seed)
    seen = queries(feed, range(-(-size * epochs // per_step)))
    assert len(seen) >= size * epochs
    for epoch in range(epochs):
        assert set(seen[epoch * size : (epoch + 1) * size]) == {f"a{i}" for i in range(size)}


@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), st.integers(0, 3))
def test_of_several_files_each_has_whole_epochs_of_its_own(sizes: list[int], seed: int) -> None:
    feed = feed_of(*sizes, seed=seed)
    seen = queries(feed, range(30))
    for number, size in enumerate(sizes):
        own = [query for query in seen if query[0] == "abcdef"[number]]
        for first in range(0, len(own) - size + 1, size):
            assert len(set(own[first : first + size])) == size


@given(st.lists(st.floats(0.05, 10), min_size=1, max_size=4), st.integers(1, 40))
def test_shares_are_kept_at_any_time(weights: list[float], steps: int) -> None:
    feed = feed_of(*[3] * len(weights), shares=weights, per_step=8)
    counts = Counter(query[0] for query in queries(feed, range(steps)))
    for number, weight in enumerate(weights):
        expected = 8 * steps * weight / sum(weights)
        assert abs(counts["abcdef"[number]] - expected) <= 4, (weights, counts)


def test_without_shares_a_file_counts_by_its_size() -> None:
    feed = feed_of(30, 10, per_step=4)
    assert feed.epoch_steps == 10
    counts = Counter(queries(feed, range(10)))
    assert 28 <= sum(query[0] == "a" for query in counts) <= 30


@pytest.mark.parametrize(("size", "per_step", "steps"), [(1, 4, 1), (4, 4, 1), (5, 4, 2), (8, 4, 2)])
def test_an_epoch_is_as_many_steps_as_it_takes(size: int, per_step: int, steps: int) -> None:
    assert feed_of(size, per_step=per_step).epoch_steps == steps


@settings(max_examples=30)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_a_step_is_a_function_of_its_number(numbers: list[int]) -> None:
    """Whatever was asked for before, as after a kill and a resume."""
    used, passages = feed_of(7, 5, passages=2), 2
    for number in numbers:
        assert used.step(number) == feed_of(7, 5, passages=passages).step(number)


def test_another_seed_or_epoch_is_another_order() -> None:
    one, other = feed_of(50, per_step=50), feed_of(50, per_step=50, seed=1)
    first, second = queries(one, range(1)), queries(one, range(1, 2))
    assert first != second
    assert first != queries(other, range(1))
    assert first != [f"a{i}" for i in range(50)]


@given(st.lists(st.sampled_from([0.0, 0.0, 1 / 3, 1.0, None]), min_size=1, max_size=12), st.integers(2, 8), st.integers(0, 9))
def test_of_too_many_passages_the_best_stay(grades: list[float | None], most: int, seed: int) -> None:
    group = graded("q", *grades)
    kept = limit_passages(group, most, random.Random(seed))
    assert len(kept.items) == min(most, len(grades))
    assert (kept.query, kept.source) == (group.query, group.source)
    assert len({item.text for item in kept.items}) == len(kept.items)
    assert set(kept.items) <= set(group.items)
    known = [grade for grade in grades if grade is not None]
    if known and max(known) > 0:
        best = sum(grade == max(known) for grade in known)
        assert sum(item.grade == max(known) for item in kept.items) >= min(best, most - 1)
        if best < len(grades):
            assert any(item.grade != max(known) for item in kept.items), "something to compare with"


def test_of_too_many_positives_each_has_its_turn() -> None:
    group = graded("q", *[1.0] * 12, *[0.0] * 3)
    seen = [limit_passages(group, 4, random.Random(seed)).items for seed in range(60)]
    assert {item.text for items in seen for item in items if item.grade == 1.0} == {f"q {i}" for i in range(12)}
    assert all(sum(item.grade == 0.0 for item in items) >= 1 for items in seen)


def test_where_only_a_teacher_spoke_its_best_stays() -> None:
    group = Group(query="q", items=tuple(Item(text=f"{i}", teacher=float(-abs(i - 5))) for i in range(12)))
    for seed in range(20):
        assert "5" in {item.text for item in limit_passages(group, 3, random.Random(seed)).items}


@pytest.mark.parametrize(
    "others",
    [{"aspects": Aspects(coverage=0.0)}, {"teacher": 5.0}, {"grade": 0.0, "teacher": 7.0}, {}],
    ids=["covering less", "a teacher's alone", "graded and a teacher's", "nothing known"],
)
@pytest.mark.parametrize("best", [{"grade": 1.0}, {"aspects": Aspects(coverage=1.0)}], ids=["grade", "coverage"])
def test_the_answer_stays_whatever_is_known_of_the_others(best: dict[str, Any], others: dict[str, Any]) -> None:
    items = (Item(text="the answer", **best), *(Item(text=f"{i}", **others) for i in range(39)))
    for seed in range(20):
        assert "the answer" in {item.text for item in limit_passages(Group(query="q", items=items), 8, random.Random(seed)).items}


@pytest.fixture(scope="module")
def tokeniser(tiny_model: Path) -> Tokeniser:
    return Tokeniser(load_model(tiny_model))


@pytest.fixture(scope="module")
def encoder(tokeniser: Tokeniser) -> Encoder:
    return Encoder(tokeniser, LENGTH)


TEXT = st.sampled_from([*DOCUMENTS, LONG, "x"])
ASPECTS = st.builds(Aspects, coverage=st.sampled_from([None, 0.5]), contradiction=st.sampled_from([None, 0.0, 1.0]))
ITEM = st.builds(Item, text=TEXT, grade=st.sampled_from([None, 0.0, 1.0]), teacher=st.sampled_from([None, 2.5]), aspects=ASPECTS)
GROUPS = st.lists(
    st.builds(Group, query=st.sampled_from(QUERIES), items=st.lists(ITEM, min_size=1, max_size=4).map(tuple)), min_size=1, max_size=6
)


def chunks(groups: Sequence[Group], encoder: Encoder, budget: int) -> list[Chunk]:
    return list(chunks_of(groups, encoder, max_length=LENGTH, budget=budget, shaping=Shaping()))


@settings(max_examples=40)
@given(groups=GROUPS, budget=st.integers(1, 600))
def test_chunks_hold_every_pair_once_within_their_budget(encoder: Encoder, groups: list[Group], budget: int) -> None:
    found = chunks(groups, encoder, budget)
    assert sum(len(chunk.mask) for chunk in found) == len(groups)
    assert sum(len(chunk.pairs) for chunk in found) == sum(len(group.items) for group in groups)
    for chunk in found:
        assert chunk.tokens == sum(len(pair.ids) for pair in chunk.pairs)
        assert chunk.tokens <= budget or len(chunk.mask) == 1
        assert all(len(pair.ids) <= LENGTH for pair in chunk.pairs)
    for one, other in pairwise(found):  # greedy: what comes next did not fit any more
        first_of_other = sum(len(p.ids) for p, (g, _) in zip(other.pairs, other.rows, strict=True) if g == 0)
        assert one.tokens + first_of_other > budget
    (whole,) = chunks(groups, encoder, 10**9)
    assert sorted(p.ids.tobytes() for chunk in found for p in chunk.pairs) == sorted(p.ids.tobytes() for p in whole.pairs)


@settings(max_examples=40)
@given(groups=GROUPS)
def test_a_chunk_says_of_each_pair_what_its_row_said(encoder: Encoder, groups: list[Group]) -> None:
    (chunk,) = chunks(groups, encoder, 10**9)
    width = max(len(group.items) for group in groups)
    assert chunk.mask.shape == chunk.gains.shape == chunk.teacher.shape == (len(groups), width)
    assert chunk.rows.shape == (len(chunk.pairs), 2)
    assert chunk.aspects.shape == (len(chunk.pairs), 3)
    assert np.isnan(chunk.gains[~chunk.mask]).all()
    assert np.isnan(chunk.teacher[~chunk.mask]).all()
    said = Counter()
    for (g, at), aspects in zip(chunk.rows.tolist(), chunk.aspects.tolist(), strict=True):
        assert chunk.mask[g, at]
        said[repr((at, chunk.gains[g, at].item(), chunk.teacher[g, at].item(), aspects))] += 1
    expected = Counter()
    for group in groups:
        for at, item in enumerate(group.items):
            nan = float("nan")
            gain = item.grade if item.grade is not None else item.aspects.coverage
            if gain is not None:
                covered = 1.0 if item.aspects.coverage is None else item.aspects.coverage
                gain = min(gain, covered) - 0.5 * (item.aspects.contradiction or 0.0)
            row = (at, nan if gain is None else gain, nan if item.teacher is None else item.teacher, list(item.aspects.values()))
            expected[repr(row)] += 1
    assert said == expected


def test_groups_of_like_length_go_together(encoder: Encoder) -> None:
    groups = [Group(query="q", items=(Item(text=text, grade=1.0),)) for text in ("x", LONG, "x", LONG)]
    found = chunks(groups, encoder, 2 * LENGTH)
    assert [{len(p.ids) for p in chunk.pairs} for chunk in found] == [{LENGTH}, {len(found[1].pairs[0].ids)}]


def test_a_long_query_leaves_room_for_the_document(encoder: Encoder, tokeniser: Tokeniser) -> None:
    (chunk,) = chunks([Group(query=LONG, items=(Item(text=LONG, grade=1.0),))], encoder, 10**9)
    (pair,) = chunk.pairs
    assert len(pair.ids) == LENGTH
    assert (pair.segments == 1).sum() <= LENGTH * QUERY_SHARE
    assert (pair.segments == 2).sum() >= LENGTH - LENGTH * QUERY_SHARE - tokeniser.specials


@settings(max_examples=30)
@given(groups=GROUPS, most=st.integers(48, 400))
def test_batches_hold_every_pair_of_a_chunk_once(encoder: Encoder, tokeniser: Tokeniser, groups: list[Group], most: int) -> None:
    (chunk,) = chunks(groups, encoder, 10**9)
    found = list(batches_of(chunk, tokeniser, max_tokens=most))
    assert sorted(row for rows, _ in found for row in rows) == list(range(len(chunk.pairs)))
    for rows, batch in found:
        assert batch.input_ids.size <= most
        for row, ids, length in zip(rows, batch.input_ids, batch.lengths, strict=True):
            np.testing.assert_array_equal(ids[:length], chunk.pairs[row].ids)
