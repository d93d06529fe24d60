"""The same row is computed once, and everybody gets it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adjudge.backends.base import DOCUMENT, QUERY
from adjudge.engine.distinct import distinct
from adjudge.engine.tokenise import PairIds

ROWS = st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=3), st.lists(st.integers(0, 3), max_size=3)), max_size=30)


def row(query: list[int], document: list[int]) -> PairIds:
    ids = np.array([*query, *document], np.int32)
    segments = np.array([QUERY] * len(query) + [DOCUMENT] * len(document), np.int32)
    return PairIds(ids, np.zeros(len(ids), np.int32), segments)


@given(ROWS)
def test_every_row_finds_its_like(pairs: list[tuple[list[int], list[int]]]) -> None:
    rows = [row(*pair) for pair in pairs]
    found = distinct(rows)
    assert len(found.rows) == len({(tuple(q), tuple(d)) for q, d in pairs})
    for given_row, place in zip(rows, found.places, strict=True):
        np.testing.assert_array_equal(found.rows[place].ids, given_row.ids)
        np.testing.assert_array_equal(found.rows[place].segments, given_row.segments)
    assert sorted(found.firsts) == list(found.firsts)
    assert [found.places[first] for first in found.firsts] == list(range(len(found.rows)))


def test_the_same_tokens_cut_elsewhere_are_another_pair() -> None:
    assert len(distinct([row([1, 2], [3]), row([1], [2, 3])]).rows) == 2
