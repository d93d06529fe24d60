"""Borders in text: paragraphs, sentences in five languages, code and tables that stay whole."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adjudge.config import WindowConfig
from adjudge.engine.borders import _STOPS, Borders, find_borders
from adjudge.engine.windows import plan_windows


def tokens_of(text: str, pieces: list[str]) -> NDArray[np.int64]:
    """Offsets of pieces that stand in the text in this order, what lies between them left out."""
    offsets, at = [], 0
    for piece in pieces:
        start = text.index(piece, at)
        at = start + len(piece)
        offsets.append((start, at))
    return np.array(offsets, np.int64).reshape(-1, 2)


def words_of(text: str) -> NDArray[np.int64]:
    """Words, single Chinese characters and punctuation marks as tokens."""
    return np.array([m.span() for m in re.finditer(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+|[^\w\s]", text)], np.int64).reshape(-1, 2)


def cut(text: str, places: NDArray[np.int64]) -> list[str]:
    """The text cut at token positions."""
    offsets = words_of(text)
    starts = [0, *(int(offsets[p, 0]) for p in places if 0 < p < len(offsets)), len(text)]
    return [text[a:b].strip() for a, b in itertools.pairwise(starts)]


@pytest.mark.parametrize(
    ("text", "pieces", "ends"),
    [
        ("One two. Three", ["One", "two", ".", "Three"], [3]),
        ("One two. Three", ["One", " two.", " Three"], [2]),
        ("3.5 percent. No", ["3", ".", "5", "percent", ".", "No"], [5]),
        ("你好。世界！再见", ["你好", "。", "世界", "！", "再见"], [2, 4]),
        ("What?! Yes; no", ["What", "?!", "Yes", ";", "no"], [2, 4]),
        ("Wait… what", ["Wait", "…", "what"], [2]),
        ("line\nnext", ["line", "next"], [1]),  # no token for the break
        ("line\nnext", ["line", "\n", "next"], [2]),
        ("line\nnext", ["line", "\nnext"], [1]),  # the break belongs to the token behind it
        ("a\n\n\nb", ["a", "\n\n", "\n", "b"], [1, 2, 3]),
        ("The end.", ["The", "end", "."], [3]),
        ("The end.\n", ["The", "end", "."], [3]),
        ("none", ["none"], []),
        ("...", [], []),
    ],
)
def test_sentence_ends(text: str, pieces: list[str], ends: list[int]) -> None:
    found = find_borders(text, tokens_of(text, pieces)).sentences
    assert [e for e in found.tolist() if e > 0] == ends


@given(st.text(alphabet="ab. \n。!", max_size=80), st.data())
def test_sentence_ends_are_places_between_tokens(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)) | {0, len(text)})
    spans = [(a, b) for a, b in itertools.pairwise(cuts) if text[a:b].strip(" ")]
    borders = find_borders(text, np.array(spans, np.int64).reshape(-1, 2))
    ends = np.unique(np.concatenate((borders.paragraphs, borders.sentences, borders.lines))).tolist()
    assert ends == sorted(set(ends))
    for end in ends:
        assert 0 <= end <= len(spans)
        before = text[: spans[end][1] if end < len(spans) else len(text)]  # a token may hold a line break
        assert any(stop in before for stop in ".\n。!"), (text, spans, end)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Dr. Smith met J. Cole at 3.14 p.m. sharp. He left.", ["Dr. Smith met J. Cole at 3.14 p.m.", "sharp.", "He left."]),
        ("Il habite av. Foch, c.-à-d. loin. M. Blanc aussi.", ["Il habite av. Foch, c.-à-d.", "loin.", "M. Blanc aussi."]),
        ("La Sra. López vino, p.ej. ayer. ¿Y tú?", ["La Sra. López vino, p.ej. ayer.", "¿Y tú?"]),
        ("Он сказал, т.е. повторил. Проф. Иванов молчал.", ["Он сказал, т.е. повторил.", "Проф. Иванов молчал."]),
        ("他说：“好的。”然后走了。天黑了！", ["他说：“好的。”", "然后走了。", "天黑了！"]),
        ('She said "no." (Really!) Then left.', ['She said "no."', "(Really!)", "Then left."]),
    ],
)
def test_sentences_of_five_languages(text: str, sentences: list[str]) -> None:
    assert cut(text, find_borders(text, words_of(text)).sentences) == sentences


PROSE = "Here is how it goes. Look at the code below.\n\n"
CODE = "```python\nfirst = 1. \nsecond = 2!\n\nthird = 3\n```\n"
TABLE = "| city | people |\n|---|---|\n| Lima. | 10 |\n| Oslo! | 1 |\n"


@pytest.mark.parametrize("block", [CODE, TABLE, "a\tb.\nc\td!\ne\tf\n", "    x = 1.\n    y = 2!\n"])
def test_code_and_tables_have_no_sentences_inside_only_lines(block: str) -> None:
    text = PROSE + block + "And then. It ends."
    borders, offsets = find_borders(text, words_of(text)), words_of(text)
    first = int(np.searchsorted(offsets[:, 0], len(PROSE)))
    behind = int(np.searchsorted(offsets[:, 0], len(PROSE) + len(block)))
    assert not [s for s in borders.sentences if first < s < behind]
    assert first in borders.paragraphs
    assert behind in borders.paragraphs
    inner = [int(line) for line in borders.lines]
    assert inner
    assert all(first < line < behind for line in inner)


def test_a_block_that_fits_is_kept_whole() -> None:
    text = PROSE * 3 + CODE + PROSE * 3
    offsets = words_of(text)
    first = int(np.searchsorted(offsets[:, 0], text.index("```")))
    behind = int(np.searchsorted(offsets[:, 0], text.index("```\nHere") + 4))
    for room in range(behind - first + 10, 80):
        plan = plan_windows(len(offsets), room, WindowConfig(overlap_tokens=0), find_borders(text, offsets))
        cuts = [end for _, end in plan.ranges if first < end < behind]
        reachable = any(start <= first and end >= behind for start, end in plan.ranges)
        assert reachable or not [c for c in cuts if c - first < room // 4], (room, plan)


@pytest.mark.parametrize("text", ["```\nnever closed. \nmore", "|", "\t", "| a |", "\n\n\n", "    ", "~~~", "```\n```", "a\tb"])
def test_odd_blocks_do_no_harm(text: str) -> None:
    borders = find_borders(text, np.array([(i, i + 1) for i in range(len(text))], np.int64))
    for places in (borders.paragraphs, borders.sentences, borders.lines):
        assert all(0 <= p <= len(text) for p in places)


@given(st.text(alphabet="ab.。 \n\t|`~!", max_size=120))
def test_paragraphs_are_borders_of_sentences_and_lines_are_neither(text: str) -> None:
    offsets = np.array([(i, i + 1) for i, c in enumerate(text) if not c.isspace()], np.int64).reshape(-1, 2)
    borders = find_borders(text, offsets)
    assert set(borders.paragraphs.tolist()) <= set(borders.sentences.tolist())
    for places in (borders.paragraphs, borders.sentences, borders.lines):
        assert places.tolist() == sorted(set(places.tolist()))
        assert all(0 <= p <= len(offsets) for p in places)


def test_no_tokens_no_borders() -> None:
    empty = find_borders("...", np.empty((0, 2), np.int64))
    assert isinstance(empty, Borders)
    assert not len(empty.sentences)


SIMPLE_STOPS = re.compile(r"""[。！？!?；;]+["'”’」』）)\]»]*|[.…]+["'”’)\]»]*(?=\s|\Z)""")
"""The pattern as it reads best: it takes time with the square of a run of dots."""


@given(st.text(alphabet=".…!。\"') a\n", max_size=40))
def test_stops_are_those_of_the_simple_pattern(text: str) -> None:
    assert [m.span() for m in _STOPS.finditer(text)] == [m.span() for m in SIMPLE_STOPS.finditer(text)]


@pytest.mark.parametrize("text", ["." * 300_000 + "x", "…" * 300_000 + "x", "." + '"' * 300_000 + "x", "!." * 150_000 + "x"])
def test_a_long_run_of_stops_takes_no_time_of_its_square(text: str) -> None:
    """With the simple pattern the first two take many minutes, in which no other thread runs."""
    assert find_borders(text, np.array([(0, len(text))], np.int64)).paragraphs.tolist() == []
