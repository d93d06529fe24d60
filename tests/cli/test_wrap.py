"""Lines for terminals: within their width, nothing lost, nothing that may not begin or end a line."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from adjudge.cli.wrap import CLOSING, OPENING, wrap

TEXTS = st.text(alphabet=st.sampled_from("ab，。《》熊猫 é«»,.()пя1 "), max_size=80)


def squeezed(text: str) -> str:
    """The text without white space."""
    return "".join(text.split())


@given(TEXTS, st.integers(2, 30))
@settings(deadline=None)
def test_lines_fit_and_nothing_is_lost(text: str, cells: int) -> None:
    lines = wrap(text, cells)
    assert max(cell_len(line) for line in lines) <= cells
    assert squeezed("".join(lines)) == squeezed(text)


@given(TEXTS)
@settings(deadline=None)
def test_what_fits_is_one_line(text: str) -> None:
    assert wrap(text, 200) == [text.rstrip()]


def test_chinese_breaks_anywhere_but_before_its_punctuation() -> None:
    assert wrap("大熊猫，吃竹子。", 6) == ["大熊", "猫，吃", "竹子。"]
    lines = wrap("大熊猫主要分布于四川、陕西和甘肃的山区。《功夫熊猫》是一部电影。" * 3, 20)
    assert not [line for line in lines if line[0] in CLOSING or line[-1] in OPENING]


def test_latin_words_stay_whole() -> None:
    assert wrap("Apple发布了iPhone 15 Pro Max", 14) == ["Apple发布了", "iPhone 15 Pro", "Max"]
    assert wrap("giant pandas eat bamboo", 12) == ["giant pandas", "eat bamboo"]


def test_a_word_longer_than_a_line_is_cut() -> None:
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]


def test_nothing_is_one_empty_line() -> None:
    assert wrap("", 10) == [""]
    assert wrap("   ", 10) == [""]
