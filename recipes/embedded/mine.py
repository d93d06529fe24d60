"""Step 4: choose questions, find hard negatives, write training lists and held-out lists.

    python -m recipes.embedded.mine DATA WORK [--dial 1.0] [--model embedded]

DATA holds positives.jsonl.gz; the written questions of translations/ join it. Writes WORK/groups/{train,varied,held-out}.jsonl.gz in the
form `adjudge train` reads (varied: the lists of train again, from one sentence to 500 tokens), and prints what the filters did. `--model`
names the folder whose bi-encoder proposes negatives. At dial 1: 9 minutes on two CPU cores, most of it vectors.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adjudge import Reranker
from adjudge.retrieval.dense import Embedder
from adjudge.train.alterations import cut_answer, swap_shared_terms
from adjudge.train.negatives import Mined, NegativeConfig, Question, Source, choose, mine
from adjudge.train.sharpen import sharpen
from recipes.embedded.common import excerpt, existing, read_rows, settings, telling_excerpt, write_rows
from recipes.embedded.translations import translated

MARKED = ("tydi", "drcd-dev", "cmrc-trial", "mlqa-test", "mlqa-test-x")
"""Encyclopaedia passages: their answers stand anywhere, so excerpts of all of them, negatives too, begin anywhere."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows of positives.jsonl.gz that became questions, and those that only lend passages."""

    train: list[dict[str, Any]]
    held_out: list[dict[str, Any]]
    distractors: list[dict[str, Any]]


def select(rows: list[dict[str, Any]], mix: dict[str, Any], dial: float) -> Chosen:
    """Draw rows by source; languages of a source in equal parts as far as they reach."""
    draw = random.Random(mix["seed"])
    by_source: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_source.setdefault(row["source"], []).append(row)
    ordered = {source: list(interleave(by_source.get(source, []), draw)) for source in mix["questions"]}
    held_out = [row for source, count in mix["held_out"].items() for row in ordered[source][:count]]
    seen = linked(held_out, rows)
    train, distractors = [], []
    for source, wanted in mix["questions"].items():
        rest = [row for row in ordered[source] if row["positive"] not in seen and row["query"] not in seen]
        count = min(len(rest), round(wanted * dial))
        train += rest[:count]
        distractors += rest[count : count + round(mix["distractors"].get(source, 0) * dial)]
    draw.shuffle(train)
    return Chosen(train, held_out, distractors)


def linked(held_out: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> frozenset[str]:
    """Every question and passage that a chain of rows joins to a held-out one: any of them would show it in training.

    Another question on the same passage, the same question on that passage in another language, and a third question on the latter.
    """
    beside: dict[str, set[str]] = {}
    for row in rows:
        beside.setdefault(row["query"], set()).add(row["positive"])
        beside.setdefault(row["positive"], set()).add(row["query"])
    found = {text for row in held_out for text in (row["query"], row["positive"])}
    fresh = found
    while fresh:
        fresh = {other for text in fresh for other in beside.get(text, ())} - found
        found = found | fresh
    return frozenset(found)


def interleave(rows: list[dict[str, Any]], draw: random.Random) -> Iterator[dict[str, Any]]:
    """Shuffled, one language pair after the other."""
    parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        parts.setdefault((row["query_lang"], row["passage_lang"]), []).append(row)
    queues = [draw.sample(part, len(part)) for _, part in sorted(parts.items())]
    while queues:
        for queue in queues:
            yield queue.pop()
        queues = [queue for queue in queues if queue]


def build_corpus(chosen: Chosen) -> tuple[list[Source], dict[str, int], list[str]]:
    """Every different passage once: sources, {text: position}, and where each came from."""
    corpus, positions, origins = [], {}, []
    for row in (*chosen.train, *chosen.held_out, *chosen.distractors):
        if row["positive"] not in positions:
            positions[row["positive"]] = len(corpus)
            corpus.append(Source(text=row["positive"], lang=row["passage_lang"], group=row.get("group", "")))
            origins.append(origin(row))
    return corpus, positions, origins


def origin(row: dict[str, Any]) -> str:
    """The source of a row's passage; a written question's own source says nothing about it."""
    return str(row.get("origin", row["source"]))


def ask(rows: Sequence[dict[str, Any]], positions: dict[str, int], answers: dict[str, set[int]]) -> list[Question]:
    """Questions with every positive that any row gives for the same words."""
    asked = []
    for row in rows:
        own = positions[row["positive"]]
        asked.append(Question(text=row["query"], lang=row["query_lang"], positives=(own, *sorted(answers[row["query"]] - {own}))))
    return asked


class Groups:
    """Training lists out of questions and the positions of their negatives, all texts as excerpts."""

    def __init__(self, corpus: list[Source], origins: list[str], cut: dict[str, Any]) -> None:
        """`cut`: the table [passages] of the settings."""
        self._corpus, self._origins, self._cut = corpus, origins, cut

    def plain(self, row: dict[str, Any], negatives: Sequence[int], number: int) -> dict[str, Any]:
        """The positive and the negatives."""
        draw = random.Random(f"{number}:{row['query']}")
        documents = [{"text": self._positive(row, draw), "grade": 1.0}]
        documents += [{"text": self._negative(i, draw), "grade": 0.0} for i in negatives]
        lang = f"{row['query_lang']}-{row['passage_lang']}"
        return {"query": row["query"], "documents": documents, "source": row["source"], "lang": lang}

    def training(self, row: dict[str, Any], negatives: Sequence[int], number: int) -> dict[str, Any]:
        """The same, sometimes with altered copies of the positive in place of the last negatives."""
        draw = random.Random(f"altered {number}:{row['query']}")
        return self._altered(self.plain(row, negatives, number), row, draw)

    def varied(self, row: dict[str, Any], negatives: Sequence[int], number: int, lengths: dict[str, Any]) -> dict[str, Any]:
        """The same at a length drawn out of `lengths` (the table [varied]), one for the whole list, so that length gives nothing away.

        A single sentence only where the answer is marked; where it is not, what is cut off might be the answer, so little is.
        """
        draw = random.Random(f"{lengths['seed']} {number}:{row['query']}")
        if row.get("answer") and draw.random() < lengths["sentence_share"]:
            return self._sentences(row, negatives, draw, lengths["sentence"])
        sizes = lengths["sizes"] if row.get("answer") else lengths["sizes"][1:]
        latin, han = draw.choices([size[1:] for size in sizes], [size[0] for size in sizes])[0]
        groups = Groups(self._corpus, self._origins, {**self._cut, "latin": latin, "han": han})
        return groups._altered(groups.plain(row, negatives, number), row, draw)

    def _sentences(self, row: dict[str, Any], negatives: Sequence[int], draw: random.Random, size: Sequence[int]) -> dict[str, Any]:
        """The answer's sentence against those of the negatives that look most like the question."""
        latin, han = size
        right = excerpt(row["positive"], draw, latin=latin, han=han, answer=row["answer"])
        wrong = [telling_excerpt(self._corpus[i].text, row["query"], draw, latin=latin, han=han) for i in negatives]
        documents = [{"text": right, "grade": 1.0}, *({"text": text, "grade": 0.0} for text in dict.fromkeys(wrong) if text != right)]
        return {
            "query": row["query"],
            "documents": documents,
            "source": row["source"],
            "lang": f"{row['query_lang']}-{row['passage_lang']}",
        }

    def _altered(self, group: dict[str, Any], row: dict[str, Any], draw: random.Random) -> dict[str, Any]:
        documents = group["documents"]
        positive, answer = documents[0]["text"], row.get("answer", "")
        altered = []
        if answer and draw.random() < self._cut["cut_answer"] and (rest := cut_answer(positive, answer)):
            altered.append({"text": rest, "grade": 0.0, "coverage": 0.0})
        if draw.random() < self._cut["swap_terms"] and (other := swap_shared_terms(row["query"], positive, draw)):
            altered.append({"text": other, "grade": 0.0, "contradiction": 1.0})
        group["documents"] = documents[: len(documents) - len(altered)] + altered
        return group

    def _positive(self, row: dict[str, Any], draw: random.Random) -> str:
        anywhere = origin(row) in MARKED and "answer" in row
        sizes = {"latin": self._cut["latin"], "han": self._cut["han"]}
        return excerpt(row["positive"], draw, **sizes, answer=row.get("answer", ""), anywhere=anywhere)

    def _negative(self, index: int, draw: random.Random) -> str:
        anywhere = self._origins[index] in MARKED
        return excerpt(self._corpus[index].text, draw, latin=self._cut["latin"], han=self._cut["han"], anywhere=anywhere)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=existing)
    parser.add_argument("work", type=Path)
    parser.add_argument("--dial", type=float, default=1.0)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--judge", default="", help="a trained judge, to mine again with it: it vetoes answers and puts the hardest first")
    arguments = parser.parse_args()
    all_settings = settings()
    config = NegativeConfig(**all_settings["negatives"])
    rows = list(read_rows(arguments.data / "positives.jsonl.gz"))
    written = translated(rows)
    rows += written.rows
    print(f"{len(written.rows)} rows from written questions; {written.unknown} more belong to rows that the data does not hold")
    chosen = select(rows, all_settings["mix"], arguments.dial)
    corpus, positions, origins = build_corpus(chosen)
    answers: dict[str, set[int]] = {}
    for row in rows:
        if row["positive"] in positions:
            answers.setdefault(row["query"], set()).add(positions[row["positive"]])
    asked = [*chosen.train, *chosen.held_out]
    questions = ask(asked, positions, answers)
    print(f"{len(chosen.train)} questions to train on, {len(chosen.held_out)} held out, {len(corpus)} passages", flush=True)
    query_vectors, vectors = embed(questions, corpus, all_settings["passages"], arguments.model)
    mined = mine(questions, corpus, query_vectors=query_vectors, vectors=vectors, config=config)
    print(mined.statistics, flush=True)
    if arguments.judge:
        mined = again(mined, questions, corpus, arguments.judge, all_settings["passages"])
        print(f"with the judge:\n{mined.statistics}", flush=True)
    split, folder = len(chosen.train), arguments.work / all_settings["folders"]["groups"]
    wide = replace(config, per_question=15, hardest=24)
    picked = choose(mined, questions, corpus, config)
    picked_wide = choose(mined, questions, corpus, wide)
    groups = Groups(corpus, origins, all_settings["passages"])
    lengths = all_settings["varied"]
    write_rows(folder / "varied.jsonl.gz", (groups.varied(row, picked[i], i, lengths) for i, row in enumerate(asked[:split])))
    write_rows(folder / "held-out.jsonl.gz", (groups.plain(row, picked_wide[i], i) for i, row in enumerate(asked) if i >= split))
    # The last, because it says that the step is done.
    write_rows(folder / "train.jsonl.gz", (groups.training(row, picked[i], i) for i, row in enumerate(asked[:split])))
    print(Counter(f"{row['query_lang']}-{row['passage_lang']}" for row in asked[:split]).most_common())


def again(mined: Mined, questions: list[Question], corpus: list[Source], judge: str, cut: dict[str, Any]) -> Mined:
    """The candidates as a trained judge sees them, by the beginnings of passages."""
    draw = random.Random(0)
    short = [replace(source, text=excerpt(source.text, draw, latin=cut["latin"], han=cut["han"])) for source in corpus]
    with Reranker(judge) as scorer:
        return sharpen(mined, questions, short, score=lambda pairs: scorer.score(pairs, normalize=False))


def embed(questions: list[Question], corpus: list[Source], cut: dict[str, Any], model: str) -> tuple[Any, Any]:
    """Vectors of questions and of the beginnings of passages."""
    draw = random.Random(0)
    with Embedder(model) as embedder:
        began = time.perf_counter()
        asked = embedder.embed([q.text for q in questions], kind="query")
        told = embedder.embed([excerpt(s.text, draw, latin=cut["latin"], han=cut["han"]) for s in corpus], kind="document")
        print(f"{len(asked) + len(told)} vectors in {time.perf_counter() - began:.0f} s", flush=True)
    return asked, told


if __name__ == "__main__":
    main()
