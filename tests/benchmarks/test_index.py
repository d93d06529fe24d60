"""The benchmarks of the index and of Chinese full text: a small run of each, and what their figures mean."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import chinese_text, index
from benchmarks.index import mixed, passages_of

ROWS = {"a": "大熊猫几乎只吃竹子。", "b": "面包是用面粉、水和盐做的。", "c": "埃菲尔铁塔高三百多米。"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small Chinese set in BEIR's layout."""
    folder = tmp_path / "data" / "small-zh"
    folder.mkdir(parents=True)
    corpus = [{"_id": name, "text": f"{text}它在第{number}页。" * 3} for number, (name, text) in enumerate(ROWS.items())]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus), encoding="utf-8")
    queries = [{"_id": "q1", "text": "熊猫吃竹子吗？"}, {"_id": "q2", "text": "铁塔有多高？"}]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries), encoding="utf-8")
    (folder / "qrels.tsv").write_text("q1\ta\t1\nq2\tc\t1\n", encoding="utf-8")
    return tmp_path / "data"


def test_passages_and_vectors_are_new_each_time_and_the_same_again() -> None:
    sentences = [f"Sentence {number}." for number in range(50)]
    blocks = list(passages_of(sentences, 5000, seed=3))
    assert sum(map(len, blocks)) == 5000
    assert blocks == list(passages_of(sentences, 5000, seed=3))
    real = np.eye(8, dtype=np.float32)
    vectors = mixed(real, 100, np.random.default_rng(0))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(100), abs=1e-5)


@pytest.mark.slow
def test_an_index_is_measured(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lancedb")
    monkeypatch.setattr(index, "QUERIES", 4)
    out = tmp_path / "out.json"
    index.main(["--data", str(data), "--passages", "60,120", "--embed", "8", "--folder", str(tmp_path), "--out", str(out)])
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [size["passages"] for size in found["sizes"]] == [60, 120]
    assert all(size["recall_10"] == 1 and size["disk_mib"] > 0 and size["vector"]["median_ms"] > 0 for size in found["sizes"])


@pytest.mark.slow
def test_ways_to_cut_chinese_are_compared(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("lancedb")
    out = tmp_path / "out.json"
    chinese_text.main(["--data", str(data), "--set", "small-zh", "--out", str(out)])
    ways = {row["way"]: row for row in json.loads(out.read_text(encoding="utf-8"))["ways"]}
    assert set(ways) == {way.name for way in chinese_text.WAYS} - {"jieba"}
    assert ways["bigrams"]["RR@10"] == 1
    assert ways["simple"]["RR@10"] < 1  # a sentence is one word there
