"""Do quoted answers hold the answer? Passages whose answering words are known, quoted in the ways that one could.

    python -m benchmarks.quotes ROWS.jsonl[.gz] [--model embedded] [--rows 260] [--skip 0]     --rows: for each language

A row has `query`, `positive` (the passage) and `answer` (words of it); rows are taken in the order of their hash, `--skip` of them left
out first. Passages of 4 to 16 sentences, of which exactly one holds the answer. Each way quotes at most two sentences; figures mean:

    holds      share of quotes that hold the answering sentence, with half the width of the 95 % interval
    sentences  of the passage that the quotes are part of, on average

`as shipped` is what `adjudge ask` quotes; `effect` is the rule before it: the sentences that the passage misses most.
"""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adjudge import Ranking, Reranker
from adjudge.answer.extractive import extract
from adjudge.answer.prompt import numbered_sources
from adjudge.engine.sentences import sentence_spans
from recipes.embedded.common import read_rows

from .results import write_results

__all__ = ["WAYS", "Case", "cases", "main", "overlap", "run"]

MOST = 2
SHARE = 0.25  # of the strongest effect, in the rule before
LENGTHS = range(4, 17)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Case:
    """A question, a passage, and where the sentence that answers lies in it."""

    query: str
    passage: str
    answer: Span
    language: str


def cases(rows: Sequence[Mapping[str, Any]], count: int, skip: int) -> Iterator[Case]:
    """`count` usable rows of each language after the first `skip`."""
    seen: Counter[str] = Counter()
    for row in sorted(rows, key=lambda r: hashlib.sha256(f"{r['query']}\n{r['positive']}".encode()).digest()):
        spans = sentence_spans(row["positive"])
        holding = [(a, b) for a, b in spans if row["answer"] in row["positive"][a:b]]
        language = str(row.get("passage_lang", ""))
        if len(spans) in LENGTHS and len(holding) == 1:
            seen[language] += 1
            if skip < seen[language] <= skip + count:
                yield Case(row["query"], row["positive"], holding[0], language)


def first(ranking: Ranking) -> list[Span]:
    """The first sentences of the passage."""
    return [(s.start, s.end) for s in ranking.explain(0).sentences[:MOST]]


def effect(ranking: Ranking) -> list[Span]:
    """Those that the passage misses most."""
    best = sorted(ranking.explain(0).sentences, key=lambda s: -s.effect)[:MOST]
    return [(s.start, s.end) for s in best if s is best[0] or s.effect > max(0.0, SHARE * best[0].effect)]


def alone(ranking: Ranking) -> list[Span]:
    """Those that answer best by themselves."""
    sentences = ranking.explain(0).sentences
    logits = [] if ranking.explainer is None else ranking.explainer.alone(ranking.query, ranking[0], sentences)
    return [(sentences[i].start, sentences[i].end) for i in np.argsort(-np.array(logits), kind="stable")[:MOST]]


def shipped(ranking: Ranking) -> list[Span]:
    """What `adjudge ask` quotes."""
    sources, _ = numbered_sources(ranking, 10**9)
    return [(quote.start, quote.end) for quote in extract(ranking, sources, sentences=MOST, most=1).quotes]


WAYS: Mapping[str, Callable[[Ranking], list[Span]]] = {
    "first two sentences": first,
    "effect": effect,
    "alone, two sentences": alone,
    "as shipped": shipped,
}


def overlap(passage: str, sentence: Span, quoted: Sequence[Span]) -> bool:
    """Whether the sentence, white space behind it apart, is quoted."""
    start = sentence[0]
    end = start + len(passage[start : sentence[1]].rstrip())
    return any(a < end and start < b for a, b in quoted)


def run(judge: Reranker, given: Sequence[Case]) -> dict[str, Any]:
    """Every way on every case."""
    found: dict[str, list[tuple[bool, int, str]]] = {name: [] for name in WAYS}
    for case in given:
        ranking = judge.rank(case.query, [case.passage])
        for name, way in WAYS.items():
            quoted = way(ranking)
            sentences = sum(overlap(case.passage, span, quoted) for span in sentence_spans(case.passage))
            found[name].append((overlap(case.passage, case.answer, quoted), sentences, case.language))
    return {name: _figures(outcomes) for name, outcomes in found.items()}


def _figures(outcomes: Sequence[tuple[bool, int, str]]) -> dict[str, Any]:
    hits = np.array([hit for hit, _, _ in outcomes], np.float64)
    languages = sorted({language for _, _, language in outcomes})
    return {
        "holds": [round(float(hits.mean()), 4), round(float(1.96 * hits.std(ddof=1) / len(hits) ** 0.5), 4)],
        "sentences": round(float(np.mean([count for _, count, _ in outcomes])), 3),
        "by_language": {lang: round(float(np.mean([hit for hit, _, one in outcomes if one == lang])), 4) for lang in languages},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments, run, show and store."""
    asked = _arguments(arguments)
    rows = [row for row in read_rows(asked.rows_file) if row.get("answer")]
    given = list(cases(rows, asked.rows, asked.skip))
    if len(given) < 2:
        raise SystemExit(f"{asked.rows_file}: {len(given)} of {len(rows)} rows with an answer are usable; two are needed for an interval")
    with Reranker(asked.model) as judge:
        figures = run(judge, given)
    print(f"{len(given)} passages, {asked.model}")
    for name, one in figures.items():
        share, interval = one["holds"]
        print(f"{name:22} holds the answer {share:.3f} ± {interval:.3f}   {one['sentences']:.2f} sentences   {one['by_language']}")
    content = {"model": asked.model, "passages": len(given), "skip": asked.skip, "ways": figures}
    print(write_results("quotes", content, out=asked.out))


def _arguments(given: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.quotes", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("rows_file", type=Path, metavar="ROWS")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--rows", type=int, default=260)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--out", type=Path, help="results/quotes-MACHINE-DATE.json unless named")
    return parser.parse_args(given)


if __name__ == "__main__":
    main()
