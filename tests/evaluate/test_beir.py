"""Labelled pairs out of a BEIR folder: positives from the qrels, counterexamples from BM25."""

from __future__ import annotations

from pathlib import Path

import pytest

from adjudge.errors import ConfigError, InputError
from adjudge.evaluate.data import read_labelled
from adjudge.evaluate.labelled import ReadConfig
from tests.evaluate.beir_folder import RIVERS, write_beir


def test_positives_are_judged_and_the_rest_is_what_bm25_found(tmp_path: Path) -> None:
    found = read_labelled([write_beir(tmp_path / "rivers")], ReadConfig(candidates=5))
    assert (found.queries, found.relevant, found.notes) == (RIVERS, RIVERS, ())
    asked = [pair for pair in found.pairs if pair.query == "Where does river 7 end?"]
    assert [pair.passage for pair in asked if pair.relevant] == ["River 7\nThe river 7 ends in lake 21."]
    wrong = [pair.passage for pair in asked if not pair.relevant]
    assert "Where does it rise? The river 7 rises in valley 49." in wrong
    assert 3 < len(wrong) <= 5


@pytest.mark.parametrize("qrels", ["qrels.tsv", "qrels/dev.tsv"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", [False, True])
def test_every_layout_gives_the_same(tmp_path: Path, qrels: str, packed: bool, header: bool) -> None:
    plain = read_labelled([write_beir(tmp_path / "plain")])
    assert read_labelled([write_beir(tmp_path / "other", qrels=qrels, packed=packed, header=header)]).pairs == plain.pairs


def test_a_split_can_be_named_and_must_be_where_there_are_several(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "rivers", qrels="qrels/test.tsv")
    (folder / "qrels" / "dev.tsv").write_text("q1\tend1\t1\n", encoding="utf-8")
    assert read_labelled([folder], ReadConfig(split="dev")).queries == 1
    with pytest.raises(ConfigError, match="several splits: dev, test"):
        read_labelled([folder])
    with pytest.raises(InputError, match=r"holds no qrels/train\.tsv"):
        read_labelled([folder], ReadConfig(split="train"))


def test_grades(tmp_path: Path) -> None:
    """A passage that was judged is taken with its judgement, found or not; 0 is an honest counterexample."""
    folder = write_beir(tmp_path / "rivers", grades=["q1\trise2\t0", "q1 0 rise3 2"])
    usual, strict = (read_labelled([folder], ReadConfig(relevant_from=least, candidates=1)) for least in (None, 2))
    labels = {pair.passage[-18:]: pair.relevant for pair in usual.pairs if pair.query == "Where does river 1 end?"}
    assert labels["rises in valley 14."[-18:]] is False
    assert labels["rises in valley 21."[-18:]] is True
    assert (strict.queries, strict.relevant) == (1, 1)
    assert strict.notes == (f"{RIVERS - 1} of {RIVERS} queries of rivers have no relevant passage in the corpus, and are left out",)


@pytest.mark.parametrize("header", [False, True])
def test_a_grade_may_be_written_with_a_point_also_in_the_first_row(tmp_path: Path, header: bool) -> None:
    folder = write_beir(tmp_path / "rivers", header=header)
    plain = read_labelled([folder])
    text = (folder / "qrels.tsv").read_text(encoding="utf-8")
    (folder / "qrels.tsv").write_text(text.replace("\tend0\t1\n", "\tend0\t1.0\n"), encoding="utf-8")
    assert read_labelled([folder]) == plain
    (folder / "qrels.tsv").write_text(text.replace("\tend0\t1\n", "\tend0\t0.5\n"), encoding="utf-8")
    with pytest.raises(InputError, match=rf"qrels\.tsv:{1 + header}: the grade '0\.5' is no whole number"):
        read_labelled([folder])


def test_queries_are_drawn(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "rivers")
    few, more = (read_labelled([folder], ReadConfig(queries=count)) for count in (5, 9))
    assert (few.queries, more.queries) == (5, 9)
    assert {pair.query for pair in few.pairs} < {pair.query for pair in more.pairs}


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("corpus.jsonl", '{"_id": "a"}', r"corpus\.jsonl:1: a row needs"),
        ("corpus.jsonl", "[]", r"corpus\.jsonl:1: a row must be an object"),
        ("corpus.jsonl", "{", r"corpus\.jsonl:1: not JSON"),
        ("queries.jsonl", '{"_id": [], "text": "a"}', r"queries\.jsonl:1: a row needs"),
        ("qrels.tsv", "q1\tend1\t1\nq2\tend2\tyes", r"qrels\.tsv:2: a row needs"),
        ("qrels.tsv", "q1", r"qrels\.tsv:1: a row needs"),
        ("qrels.tsv", "x\ty\t1", "no query has a relevant passage"),
        ("qrels.tsv", "q1\tend1\t0", "no query has a relevant passage"),
        ("qrels.tsv", None, "holds neither qrels"),
        ("queries.jsonl", None, r"holds no queries\.jsonl"),
        ("corpus.jsonl", None, r"holds no corpus\.jsonl: name a file"),
    ],
)
def test_folders_that_are_broken(tmp_path: Path, file: str, content: str | None, message: str) -> None:
    folder = write_beir(tmp_path / "rivers")
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_labelled([folder])
