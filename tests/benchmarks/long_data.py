"""Two small sets of made-up articles for the tests of the long-document study: one tells its articles by ids, one does not."""

from __future__ import annotations

import json
import random
from pathlib import Path

__all__ = ["COPIES", "SETS", "write_sets"]

SETS = {"en": ("told", "untold"), "fr": ("untold",)}
COPIES = {0: 4}
"""In each article of "told" the last passage repeats most of the first one."""

_SYLLABLES = ("ba", "ri", "no", "tel", "mu", "sha", "ki", "lon", "ver", "do", "pe", "gan")


def write_sets(root: Path) -> Path:
    """Write both sets in BEIR layout under `root`: 40 articles of 5 passages, and 12 of 16. Each passage answers one question."""
    for name, articles, passages in (("told", 40, 5), ("untold", 12, 16)):
        folder = root / name
        folder.mkdir(parents=True)
        corpus, queries, grades = _rows(name, articles, passages)
        (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus), encoding="utf-8")
        (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries), encoding="utf-8")
        (folder / "qrels.tsv").write_text("".join(grades), encoding="utf-8")
    return root


def _rows(name: str, articles: int, passages: int) -> tuple[list[dict[str, str]], list[dict[str, str]], list[str]]:
    chance = random.Random(name)
    common = [_word(chance, 1) for _ in range(12)]
    corpus, queries, grades = [], [], []
    for article in range(articles):
        topic = [_word(chance, 3) for _ in range(14)]
        first: list[str] = []
        for passage in range(passages):
            key = f"{_word(chance, 4)}{article}x{passage}"
            sentences = [" ".join(chance.sample(topic, 5) + chance.sample(common, 3)).capitalize() + "." for _ in range(4)]
            if passage == 0:
                first = sentences
            if name == "told" and passage == COPIES[0]:
                sentences = [*first[:3], sentences[3]]
            sentences[chance.randrange(4)] += f" The {key} is here."
            identity = f"{article}-{passage}" if name == "told" else f"{name}{article * 100 + passage:05d}"
            corpus.append({"_id": identity, "text": " ".join(sentences)})
            queries.append({"_id": f"q{article:02d}_{passage:02d}", "text": f"Where is the {key} of {topic[0]} and {topic[1]}?"})
            grades.append(f"q{article:02d}_{passage:02d}\t{identity}\t1\n")
    grades.append("q00_01\t" + corpus[2]["_id"] + "\t1\n")  # a question with two answers
    return corpus, queries, grades


def _word(chance: random.Random, syllables: int) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(syllables))
