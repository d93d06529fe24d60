"""Windows: every token in at least one, in order, within the room; every character too."""

from __future__ import annotations

import itertools
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adjudge.config import WindowConfig
from adjudge.engine.borders import Borders
from adjudge.engine.windows import DEFAULT_OVERLAP, character_range, plan_windows
from adjudge.errors import ConfigError

Places: TypeAlias = NDArray[np.int64]

COUNTS, ROOMS = st.integers(0, 500), st.integers(1, 80)
PLACES = st.lists(st.integers(1, 510), unique=True, max_size=60).map(lambda e: np.array(sorted(e), np.int64))
BORDERS = st.none() | st.builds(Borders, paragraphs=PLACES, sentences=PLACES, lines=PLACES)


@st.composite
def configs(draw: st.DrawFn, room: int) -> WindowConfig:
    overlap = draw(st.none() | st.integers(0, room - room // 2 - 1))
    return WindowConfig(overlap_tokens=overlap, max_windows=draw(st.none() | st.integers(1, 7)))


@given(COUNTS, ROOMS, BORDERS, st.data())
def test_every_token_is_covered_in_order_within_the_room(count: int, room: int, borders: Borders | None, data: st.DataObject) -> None:
    config = data.draw(configs(room))
    plan = plan_windows(count, room, config, borders)
    overlap = min(DEFAULT_OVERLAP, room // 4) if config.overlap_tokens is None else config.overlap_tokens
    assert plan.ranges[0][0] == 0
    assert all(0 < end - start <= room for start, end in plan.ranges) or count == 0
    for (start, end), (following, later) in itertools.pairwise(plan.ranges):
        assert (following, start < following, end < later) == (end - overlap, True, True)
    assert plan.unseen == count - plan.ranges[-1][1] >= 0
    assert config.max_windows is not None or plan.unseen == 0
    assert config.max_windows is None or len(plan.ranges) <= config.max_windows


@given(COUNTS, ROOMS, BORDERS, st.data())
def test_most_windows_are_the_first_of_all_windows(count: int, room: int, borders: Borders | None, data: st.DataObject) -> None:
    config = data.draw(configs(room))
    every = plan_windows(count, room, WindowConfig(overlap_tokens=config.overlap_tokens), borders)
    assert plan_windows(count, room, config, borders).ranges == every.ranges[: config.max_windows]


def last(places: Places, after: int, until: int) -> int | None:
    return max((int(p) for p in places if after < p <= until), default=None)


@given(COUNTS, ROOMS, BORDERS, st.data())
def test_a_window_ends_at_a_paragraph_else_a_sentence_else_a_line(
    count: int, room: int, borders: Borders | None, data: st.DataObject
) -> None:
    for start, end in plan_windows(count, room, data.draw(configs(room)), borders).ranges:
        if end == count:
            continue
        half, third, most = start + room // 2, start + max(room // 2, 2 * room // 3), start + room
        wanted = None
        if borders is not None:
            choices = (last(borders.paragraphs, third, most), last(borders.sentences, half, most), last(borders.lines, half, most))
            wanted = next((choice for choice in choices if choice is not None), None)
        assert end == (most if wanted is None else wanted)


@given(COUNTS, ROOMS, st.none() | st.integers(0, 30))
def test_truncation_keeps_the_beginning_and_counts_the_rest(count: int, room: int, overlap: int | None) -> None:
    plan = plan_windows(count, room, WindowConfig(mode="truncate", overlap_tokens=overlap))
    assert plan.ranges == ((0, min(count, room)),)
    assert plan.unseen == max(0, count - room)


def test_last_window_covers_the_last_token() -> None:
    for count, room in itertools.product(range(1, 120), range(1, 30)):
        for overlap in range(room - room // 2):
            plan = plan_windows(count, room, WindowConfig(overlap_tokens=overlap))
            assert (plan.ranges[-1][1], plan.unseen) == (count, 0), (count, room, overlap)


@given(st.integers(1, 80), st.integers(0, 80))
def test_an_overlap_of_half_a_window_is_refused_where_it_matters(room: int, overlap: int) -> None:
    config = WindowConfig(overlap_tokens=overlap)
    assert plan_windows(room, room, config).ranges == ((0, room),)
    if overlap < room - room // 2:
        assert plan_windows(room + 1, room, config).unseen == 0
    else:
        with pytest.raises(ConfigError, match="overlap_tokens"):
            plan_windows(room + 1, room, config)


@pytest.mark.parametrize("room", range(1, 65))
def test_the_default_overlap_suits_every_room(room: int) -> None:
    assert plan_windows(1000, room, WindowConfig()).unseen == 0


def test_no_overlap_means_none() -> None:
    assert plan_windows(10, 4, WindowConfig(overlap_tokens=0)).ranges == ((0, 4), (4, 8), (8, 10))


def tokens_of(text: str, pieces: list[str]) -> Places:
    """Offsets of pieces that stand in the text in this order, what lies between them left out."""
    offsets, at = [], 0
    for piece in pieces:
        start = text.index(piece, at)
        at = start + len(piece)
        offsets.append((start, at))
    return np.array(offsets, np.int64).reshape(-1, 2)


def test_characters_reach_to_the_next_token() -> None:
    text = "One.\n\n Two. "
    offsets = tokens_of(text, ["One", ".", "Two", "."])
    assert [text[slice(*character_range(offsets, span, len(text)))] for span in ((0, 2), (2, 4), (0, 4), (1, 2))] == [
        "One.\n\n ",
        "Two. ",
        text,
        ".\n\n ",
    ]
    assert character_range(None, (0, 3), 12) == (0, 12)


def test_characters_of_tokens_that_share_one() -> None:
    offsets = np.array([(0, 1), (0, 1), (0, 1), (1, 2)], np.int64)  # three bytes of one character, then another
    assert [character_range(offsets, span, 2) for span in ((0, 2), (2, 4))] == [(0, 1), (0, 2)]
