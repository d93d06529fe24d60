"""Real questions and passages of natural length, read from folders in BEIR layout (gzipped or not)."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DATA_VARIABLE", "Passages", "add_data_argument", "draw_pairs", "draw_request", "read_passages", "read_texts"]

DATA_VARIABLE = "ADJUDGE_BENCH_DATA"

PASSAGES_A_QUERY = 20
"""A reranker sees few questions and many passages each; the drawn pairs keep that shape."""


@dataclass(frozen=True, slots=True)
class Passages:
    """One set: what was asked, what may answer, and what does."""

    name: str
    queries: dict[str, str]  # id -> text
    corpus: dict[str, str]  # id -> title and text
    relevant: dict[str, tuple[str, ...]]  # query id -> ids of passages with a grade above 0


def add_data_argument(parser: ArgumentParser, *, required: bool = True, with_set: bool = True) -> None:
    """Add --data, which is required unless the environment variable ADJUDGE_BENCH_DATA is set, and --set."""
    default = os.environ.get(DATA_VARIABLE)
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=None if default is None else Path(default),
        required=required and default is None,
        help=f"folder that holds sets in BEIR layout, one folder a set (or set {DATA_VARIABLE})",
    )
    if with_set:
        parser.add_argument(
            "--set", dest="set_name", default="mlqa-dev-en", metavar="NAME", help="the set to draw from (default: %(default)s)"
        )


def read_passages(folder: Path) -> Passages:
    """Read corpus.jsonl, queries.jsonl and qrels.tsv of `folder`, each with or without .gz."""
    corpus = {row["_id"]: f"{row.get('title', '')} {row['text']}".strip() for row in _json_rows(folder / "corpus.jsonl")}
    queries = {row["_id"]: row["text"] for row in _json_rows(folder / "queries.jsonl")}
    relevant: dict[str, list[str]] = defaultdict(list)
    for row in csv.reader(_lines(folder / "qrels.tsv"), delimiter="\t"):
        query, document, grade = row[0], row[-2], row[-1]
        if grade.lstrip("-").isdigit() and int(grade) > 0:  # the header line of some sets is no grade
            relevant[query].append(document)
    return Passages(folder.name, queries, corpus, {query: tuple(ids) for query, ids in relevant.items()})


def read_texts(folder: Path) -> list[str]:
    """All texts of one set, questions and passages."""
    found = read_passages(folder)
    return [*found.queries.values(), *found.corpus.values()]


def draw_pairs(passages: Passages, count: int, *, seed: int) -> list[tuple[str, str]]:
    """Draw `count` different (question, passage) pairs: 20 passages a question, what answers it first, the others at random."""
    chance = random.Random(seed)
    pairs: list[tuple[str, str]] = []
    for query in chance.sample(sorted(passages.relevant), len(passages.relevant)):
        room = min(PASSAGES_A_QUERY, count - len(pairs))
        pairs.extend((passages.queries[query], text) for text in _candidates(passages, query, room, chance))
        if len(pairs) == count:
            return pairs
    raise SystemExit(f"{passages.name} holds only {len(pairs)} pairs, {count} were asked for")


def draw_request(passages: Passages, count: int, *, seed: int) -> tuple[str, list[str]]:
    """Draw one question and `count` different passages, the one that answers it among them."""
    chance = random.Random(seed)
    query = chance.choice(sorted(passages.relevant))
    documents = _candidates(passages, query, count, chance)
    chance.shuffle(documents)
    return passages.queries[query], documents


def _candidates(passages: Passages, query: str, count: int, chance: random.Random) -> list[str]:
    relevant = [document for document in passages.relevant[query] if document in passages.corpus][:count]
    others = sorted(set(passages.corpus) - set(relevant))
    chosen = relevant + chance.sample(others, min(count - len(relevant), len(others)))
    return list(dict.fromkeys(passages.corpus[document] for document in chosen))


def _json_rows(path: Path) -> Iterator[dict[str, str]]:
    return (json.loads(line) for line in _lines(path))


def _lines(path: Path) -> Iterator[str]:
    packed = path.with_name(path.name + ".gz")
    if packed.is_file():
        with gzip.open(packed, "rt", encoding="utf-8") as file:
            yield from file
        return
    if not path.is_file():
        raise SystemExit(f"neither {path} nor {packed.name} beside it exists; give a folder of sets in BEIR layout with --data")
    with path.open(encoding="utf-8") as file:
        yield from file
