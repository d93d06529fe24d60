"""Texts in the cells of a table."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from adjudge.cli.bars import Bar, share
from adjudge.cli.console import visible
from adjudge.cli.excerpt import Excerpt, fold

TEXTS = st.text(st.sampled_from("abc 的，。🐼é\u0301\t\n\x1b\u200d"), max_size=120)


@given(TEXTS, st.integers(2, 30), st.integers(1, 4))
@settings(deadline=None)
def test_folded_lines_fit_and_lose_nothing_but_space(text: str, width: int, lines: int) -> None:
    folded = fold(text, width, lines)
    assert 1 <= len(folded) <= lines
    assert max(map(cell_len, folded)) <= width
    joined, whole = "".join(folded).replace(" ", ""), visible(text).replace(" ", "")
    assert joined == whole or (joined.endswith("…") and whole.startswith(joined[:-1]))


def test_a_text_that_fits_is_left_alone() -> None:
    assert fold("大熊猫吃竹子。", 14, 1) == ["大熊猫吃竹子。"]
    assert fold("大熊猫吃竹子。", 13, 1) == ["大熊猫吃竹…"]
    assert fold("giant pandas eat bamboo", 12, 2) == ["giant pandas", "eat bamboo"]


def test_a_huge_text_costs_little() -> None:
    assert fold("x" * 50_000_000, 10, 2)[1] == "x" * 9 + "…"


@given(TEXTS, st.integers(1, 40))
@settings(deadline=None)
def test_an_excerpt_prints_in_the_room_it_gets(text: str, width: int) -> None:
    console = Console(file=io.StringIO(), width=max(width, 2))
    console.print(Excerpt(text, lines=2))
    assert all(cell_len(line) <= console.width for line in console.file.getvalue().splitlines())


@given(st.floats(0, 1), st.integers(1, 30), st.booleans())
def test_a_bar_has_its_width(filled: float, width: int, plain: bool) -> None:
    text = Bar(filled, width).text(plain=plain)
    assert cell_len(text) == width
    assert not plain or text.isascii()


def test_bars_tell_scores_apart() -> None:
    assert [Bar(value, 4).text(plain=False) for value in (0.0, 0.5, 1.0)] == ["    ", "██  ", "████"]
    assert Bar(0.98, 8).text(plain=False) != Bar(1.0, 8).text(plain=False)


def test_logits_fill_bars_too() -> None:
    assert share(0.0, logit=True) == 0.5
    assert share(-1e9, logit=True) < 1e-9
    assert share(1e9, logit=True) == 1.0
    assert (share(-0.5, logit=False), share(1.5, logit=False)) == (0.0, 1.0)
