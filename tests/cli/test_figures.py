"""A table of figures that is too wide becomes several, and never loses a figure."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table

from adjudge.cli.figures import Figures
from tests.cli.printed import figures, printed

NAMES = ("bm25", "somebody/a-reranker-with-a-long-name")
TITLES = ("nDCG@10", "nDCG@100", "RR@10", "Success@1", "Success@3", "AP", "R@10", "R@100", "R@1000")


def table() -> Table:
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, caption="what is below", caption_justify="left")
    made.add_column("", overflow="fold", min_width=12)
    for title in TITLES:
        made.add_column(title, justify="right", no_wrap=True)
    for at, name in enumerate(NAMES):
        made.add_row(name, *(f"0.{at}{n}7" for n in range(len(TITLES))))
    return made


def shown(width: int) -> str:
    return printed(lambda console: console.print(Padding(Figures(table()), (0, 0, 0, 2))), width)


@pytest.mark.parametrize("width", range(24, 131))
def test_every_figure_and_every_title_is_whole(width: int) -> None:
    text = shown(width)
    assert figures(text) == figures(shown(300))
    assert [word for word in text.split() if "@" in word or word == "AP"] == list(TITLES)
    assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 60, 80])
def test_each_part_repeats_the_names_and_stands_apart(width: int) -> None:
    text = shown(width)
    parts = text.rstrip().split("\n" + " " * width + "\n")
    assert len(parts) > 1
    for part in parts:
        assert "bm25" in part
        assert "".join(line[2:14].strip() for line in part.splitlines() if "somebody" in line or "-re" in line).startswith("somebody")
    assert "what is below" in parts[-1]
    assert text.count("what is below") == 1


def test_the_columns_are_spread_evenly_so_that_names_have_room() -> None:
    lines = [line for line in shown(80).splitlines() if "@" in line]
    assert [len(line.split()) for line in lines] == [5, 4]


@pytest.mark.parametrize("width", [130, 200])
def test_where_there_is_room_it_is_the_table_itself(width: int) -> None:
    assert shown(width) == printed(lambda console: console.print(Padding(table(), (0, 0, 0, 2))), width)


def test_it_is_no_wider_than_it_needs_to_be() -> None:
    text = printed(lambda console: console.print(Padding(Figures(table()), (0, 0, 0, 2), expand=False)), 300)
    assert max(map(len, text.splitlines())) < 140


def test_a_column_that_fits_nowhere_leaves_the_name_what_is_left() -> None:
    lonely = Table("", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    lonely.add_column("interval", no_wrap=True)
    lonely.add_row("somebody", "+0.123 to +0.456")
    assert "+0.123 to +0.456" in printed(lambda console: console.print(Figures(lonely)), 20)
