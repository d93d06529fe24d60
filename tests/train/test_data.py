"""The files of a run: dev groups held apart, shares worked out, bad rows reported or refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.errors import InputError
from adjudge.train.data import Data, load_data
from adjudge.train.settings import DataConfig, RunConfig, TrainConfig


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def triples(count: int, name: str = "q", *, each: int = 1) -> list[dict[str, str]]:
    """`each` rows a query, as many collections of triples have them."""
    return [{"query": f"{name}{i}", "positive": f"yes {n}", "negative": f"no {n}"} for i in range(count) for n in range(each)]


def load(folder: Path, *train: Path, seed: int = 0, **settings: object) -> Data:
    return load_data(TrainConfig(data=DataConfig(train=train, **settings), run=RunConfig(output=folder / "out", seed=seed)))


def test_files_are_sources_and_weigh_by_their_size(tmp_path: Path) -> None:
    data = load(tmp_path, write(tmp_path / "a.jsonl", *triples(6)), write(tmp_path / "b.jsonl", *triples(2, "r")))
    assert [len(source) for source in data.sources] == [6, 2]
    assert data.shares == pytest.approx((0.75, 0.25))
    assert data.dev == data.bad == ()


def test_shares_are_what_the_settings_say(tmp_path: Path) -> None:
    files = write(tmp_path / "a.jsonl", *triples(6)), write(tmp_path / "b.jsonl", *triples(2, "r"))
    assert load(tmp_path, *files, shares=(1.0, 3.0)).shares == pytest.approx((0.25, 0.75))


def test_grades_are_divided_by_the_best(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"query": "q", "documents": ["a", "b"], "grades": [3, 1]})
    assert [item.grade for item in load(tmp_path, path, best_grade=3.0).sources[0][0].items] == pytest.approx([1, 1 / 3])


def test_dev_files_are_watched_whole_and_dev_share_is_then_idle(tmp_path: Path) -> None:
    train, dev = write(tmp_path / "a.jsonl", *triples(6)), write(tmp_path / "d.jsonl", *triples(3, "d"))
    data = load(tmp_path, train, dev=(dev,), dev_share=0.5)
    assert len(data.sources[0]) == 6
    assert [group.query for group in data.dev] == ["d0", "d1", "d2"]


def test_a_share_of_every_file_is_held_back(tmp_path: Path) -> None:
    data = load(tmp_path, write(tmp_path / "a.jsonl", *triples(20)), write(tmp_path / "b.jsonl", *triples(10, "r")), dev_share=0.2)
    assert [len(source) for source in data.sources] == [16, 8]
    assert sorted(group.query[0] for group in data.dev) == ["q"] * 4 + ["r"] * 2


def test_what_is_held_back_is_a_matter_of_the_seed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", *triples(50))
    one, same, other = (load(tmp_path, path, dev_share=0.2, seed=seed).dev for seed in (1, 1, 2))
    assert one == same != other


@settings(max_examples=30)
@given(queries=st.integers(1, 8), each=st.integers(1, 4), share=st.floats(0.01, 0.5), seed=st.integers(0, 5))
def test_no_query_is_both_trained_on_and_held_back(
    tmp_path_factory: pytest.TempPathFactory, queries: int, each: int, share: float, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("split")
    files = [write(folder / f"{name}.jsonl", *triples(queries, each=each)) for name in "ab"]  # the same queries in both
    data = load(folder, *files, dev_share=share, seed=seed)
    assert all(data.sources)
    trained, held = {group.query for source in data.sources for group in source}, {group.query for group in data.dev}
    assert not trained & held
    assert sum(map(len, data.sources)) + len(data.dev) == 2 * queries * each


@pytest.mark.parametrize("seed", range(10))
def test_a_file_is_never_held_back_whole(tmp_path: Path, seed: int) -> None:
    """Its only query may be one that another file gives up."""
    many, one = write(tmp_path / "a.jsonl", *triples(4)), write(tmp_path / "b.jsonl", *triples(1, each=3))
    data = load(tmp_path, many, one, dev_share=0.5, seed=seed)
    assert len(data.sources[1]) == 3
    assert "q0" not in {group.query for group in data.dev}
    assert 1 <= len(data.dev) <= 2


def test_dev_files_that_repeat_training_queries_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train, dev = write(tmp_path / "a.jsonl", *triples(6)), write(tmp_path / "d.jsonl", *triples(2))
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        load(tmp_path, train, dev=(dev,))
    assert "2 training queries are dev queries too" in caplog.text


def test_dev_groups_that_nothing_can_be_measured_on_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train, dev = write(tmp_path / "a.jsonl", *triples(2)), write(tmp_path / "d.jsonl", {"query": "d", "positive": ["a", "b"]})
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        load(tmp_path, train, dev=(dev,))
    assert "1 of the 1 dev groups hold no two passages of different grades" in caplog.text


def test_bad_rows_stop_a_run_with_their_places(tmp_path: Path) -> None:
    rows = triples(3)
    path = write(tmp_path / "a.jsonl", rows[0], "{", *rows[1:], {"query": "q"})
    with pytest.raises(InputError, match=r'(?s)2 rows.*on_bad_rows = "report".*a\.jsonl:2: not JSON.*a\.jsonl:5: none of'):
        load(tmp_path, path)


def test_of_many_bad_rows_ten_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", *triples(1), *["{"] * 25)
    with pytest.raises(InputError) as caught:
        load(tmp_path, path)
    assert str(caught.value).count("a.jsonl:") == 10
    assert "and 15 more" in str(caught.value)


def test_bad_rows_are_left_out_where_asked_each_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "a.jsonl", *triples(1), *["{"] * 25)
    dev = write(tmp_path / "d.jsonl", *triples(1, "d"), "[]")
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        data = load(tmp_path, path, dev=(dev,), on_bad_rows="report")
    assert len(data.bad) == 26
    assert sum("left out" in record.message for record in caplog.records) == 26
    assert f"left out {dev}:2: a row must be an object" in caplog.text


@pytest.mark.parametrize("content", [(), ("", ""), ("{",)])
@pytest.mark.parametrize("on_bad_rows", ["raise", "report"])
def test_a_file_without_a_usable_row_is_refused(tmp_path: Path, content: tuple[str, ...], on_bad_rows: str) -> None:
    path = write(tmp_path / "a.jsonl", *content)
    with pytest.raises(InputError, match=r"a\.jsonl holds no usable row"):
        load(tmp_path, path, on_bad_rows=on_bad_rows)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl cannot be read"):
        load(tmp_path, tmp_path / "none.jsonl")
