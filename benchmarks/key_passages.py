"""What it costs, and what it saves, to judge key passages instead of whole documents.

    python -m benchmarks.key_passages --data DIR [--queries N] [--model MODEL]     --queries: for each of five languages

Each query has eight documents of about twenty passages, one of which answers (long_set.py). They are judged whole (in windows, joined
by max), cut at 512 tokens, and reduced to 256 tokens without and with the bi-encoder. Each query goes through all methods in turn, in
an order that moves on, so that noise hits all alike. A second round asks the same documents in another language, where the sets have
the question in several (XQuAD). What is done is kept in build/key-passages.jsonl, and a run that was stopped goes on from there.
"""

from __future__ import annotations

import json
import math
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adjudge import Reranker
from adjudge.config import WindowConfig
from adjudge.engine.cache import identity
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.key_passages import KeyPassageConfig, KeyPassages, original_ranges

from .harness import ROOT
from .long_set import SETS, LongQuery, long_documents
from .passages import add_data_argument, read_passages
from .results import RESULTS, spread, write_results

__all__ = ["Method", "Outcome", "across", "judge", "main", "make_methods", "summary"]

REFERENCE = "everything"
LEAST_MATCHED = 0.3
MEASURES = ("Success@1", "nDCG@10", "found", "seconds", "cpu_seconds", "reduce_seconds", "tokens")


@dataclass(frozen=True, slots=True)
class Method:
    """One way of coming from a query and long documents to a ranking."""

    name: str
    windows: WindowConfig
    reducer: KeyPassages | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one method made of one query."""

    rank: int  # of the right document, from 1
    found: bool  # whether the passage that speaks for it has part of the answering one
    seconds: float  # wall clock, reducing and judging
    cpu_seconds: float  # the same, of all threads of this process
    reduce_seconds: float  # wall clock of reducing alone
    tokens: int  # of all pairs judged, the bi-encoder's not counted

    def measure(self, name: str) -> float:
        """One of MEASURES; there is one right document, so nDCG@10 is the discount of its rank."""
        if name == "nDCG@10":
            return 1 / math.log2(1 + self.rank) if self.rank <= 10 else 0.0
        return float(self.rank == 1) if name == "Success@1" else float(getattr(self, name))


def make_methods(judge: Reranker, embedder: Embedder) -> list[Method]:
    """All that is compared. The bi-encoder remembers nothing, so every query pays for its documents."""
    whole = WindowConfig(aggregation="max")
    plain = KeyPassages(counter=judge)
    unsure = KeyPassages(KeyPassageConfig(least_matched=LEAST_MATCHED), counter=judge)
    vectors = KeyPassages(KeyPassageConfig(vectors=True, remembered=0), counter=judge, embedder=embedder)
    return [
        Method(REFERENCE, whole),
        Method("truncated at 512", WindowConfig(mode="truncate")),
        Method("key passages", whole, plain),
        Method(f"key passages, least_matched={LEAST_MATCHED}", whole, unsure),
        Method("key passages with vectors", whole, vectors),
    ]


def judge(reranker: Reranker, query: LongQuery, method: Method) -> Outcome:
    """Rank the documents of one query by one method."""
    began, cpu = time.perf_counter(), time.process_time()
    documents = list(query.documents) if method.reducer is None else method.reducer.reduce(query.query, query.documents)
    reduced = time.perf_counter()
    ranking = reranker.rank(query.query, documents, windows=method.windows)
    ended, cpu_ended = time.perf_counter(), time.process_time()
    place = next(i for i, result in enumerate(ranking) if result.index == query.answer)
    return Outcome(
        rank=place + 1,
        found=any(start < query.span[1] and query.span[0] < end for start, end in original_ranges(ranking[place])),
        seconds=ended - began,
        cpu_seconds=cpu_ended - cpu,
        reduce_seconds=reduced - began if method.reducer is not None else 0.0,
        tokens=ranking.usage.tokens,
    )


def across(queries: Iterable[LongQuery], data: Path) -> list[LongQuery]:
    """Those queries whose question is known in other languages too (the XQuAD sets share their ids), asked in the next of these."""
    langs = [lang for lang, names in SETS.items() if f"xquad-{lang}" in names]
    texts = {lang: read_passages(data / f"xquad-{lang}").queries for lang in langs}
    ids = {lang: {text: key for key, text in asked.items()} for lang, asked in texts.items()}
    found: list[LongQuery] = []
    for query in queries:
        if query.source == f"xquad-{query.lang}":
            key = ids[query.lang][query.query]
            others = langs[langs.index(query.lang) + 1 :] + langs[: langs.index(query.lang)]
            found.append(replace(query, query=texts[others[len(found) % len(others)]][key]))
    return found


def summary(rows: Sequence[Mapping[str, Outcome]], langs: Sequence[str]) -> dict[str, Any]:
    """Means of each method over all queries and by language, and paired differences to judging everything."""
    if not rows:
        return {"queries": 0, "methods": {}}
    return {"queries": len(rows), "methods": {name: _of_method(name, rows, langs) for name in rows[0]}}


def _of_method(name: str, rows: Sequence[Mapping[str, Outcome]], langs: Sequence[str]) -> dict[str, Any]:
    values = {m: np.array([row[name].measure(m) for row in rows]) for m in MEASURES}
    reference = {m: np.array([row[REFERENCE].measure(m) for row in rows]) for m in MEASURES}
    of = np.array(langs)
    return {
        **{m: float(found.mean()) for m, found in values.items()},
        "less_reference": {m: _difference(values[m] - reference[m]) for m in ("Success@1", "nDCG@10")},
        "times_faster": float(reference["seconds"].sum() / values["seconds"].sum()),
        "times_less_cpu": float(reference["cpu_seconds"].sum() / values["cpu_seconds"].sum()),
        "by_language": {lang: {m: float(values[m][of == lang].mean()) for m in MEASURES[:3]} for lang in dict.fromkeys(langs)},
    }


def _difference(differences: NDArray[np.float64]) -> dict[str, float]:
    """Mean of paired differences and its standard error (0 for one query alone)."""
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return {"mean": float(differences.mean()), "standard_error": error}


def _measure(arguments: Namespace) -> dict[str, Any]:
    queries = long_documents(arguments.data, per_language=arguments.queries, seed=arguments.seed)
    rounds = {"same_language": queries, "across_languages": across(queries, arguments.data)}
    with ExitStack() as stack:
        reranker = stack.enter_context(Reranker(arguments.model, backend=arguments.backend, precision=arguments.precision))
        methods = make_methods(reranker, stack.enter_context(Embedder()))
        about = {
            "model": reranker.model.name,
            "revision": reranker.model.revision,
            "weights": identity(reranker.model, reranker.traits).hex(),  # a new model of the same name is another one
            "runs_in": f"{reranker.traits.backend} {reranker.traits.device} {reranker.traits.precision}",
            "max_tokens": KeyPassageConfig().max_tokens,
            "per_language": arguments.queries,
            "seed": arguments.seed,
            "methods": [method.name for method in methods],
        }
        asked = [query for asked in rounds.values() for query in asked]
        rows = _judge_all(reranker, methods, asked, about, arguments.kept)
    described = {"documents": len(queries[0].documents), "characters": spread([len(d) for q in queries for d in q.documents])}
    found = {}
    for name, part in rounds.items():
        found[name] = summary(rows[: len(part)], [query.lang for query in part])
        rows = rows[len(part) :]
    return {**about, "set": described, **found}


def _judge_all(
    reranker: Reranker, methods: Sequence[Method], queries: Sequence[LongQuery], about: dict[str, Any], kept: Path
) -> list[dict[str, Outcome]]:
    """A row for each query, read from `kept` where it was done before under the same settings."""
    done = _read_kept(kept, about)
    for method in methods:  # the first call of a method would pay for what is set up once
        judge(reranker, replace(queries[0], documents=queries[0].documents[: queries[0].answer + 1]), method)
    with kept.open("a", encoding="utf-8") as file:
        for number, query in enumerate(queries[len(done) :], start=len(done)):
            shift = number % len(methods)
            row = {method.name: judge(reranker, query, method) for method in [*methods[shift:], *methods[:shift]]}
            done.append({method.name: row[method.name] for method in methods})
            file.write(json.dumps({name: list(_fields(outcome)) for name, outcome in done[-1].items()}) + "\n")
            file.flush()
            seen = "  ".join(f"{name}: rank {o.rank} {o.seconds:.1f} s" for name, o in done[-1].items())
            print(f"  {number + 1}/{len(queries)} {query.source}  {seen}", flush=True)
    return done


def _fields(outcome: Outcome) -> tuple[Any, ...]:
    return outcome.rank, outcome.found, outcome.seconds, outcome.cpu_seconds, outcome.reduce_seconds, outcome.tokens


def _read_kept(kept: Path, about: dict[str, Any]) -> list[dict[str, Outcome]]:
    """Rows of an earlier run with the same settings; a new file where there is none. Raises SystemExit for another run's file."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    text = kept.read_text(encoding="utf-8") if kept.is_file() else ""
    lines = [line for line in text.splitlines(keepends=True) if line.endswith("\n")] or [json.dumps(about) + "\n"]
    if json.loads(lines[0]) != about:
        raise SystemExit(f"{kept} holds a run with other settings ({lines[0][:200]}); delete it, or name another file with --kept")
    kept.write_text("".join(lines), encoding="utf-8")  # without the line that was being written when the run was stopped
    return [{name: Outcome(*fields) for name, fields in json.loads(line).items()} for line in lines[1:]]


def main() -> None:
    """Measure and write."""
    parser = ArgumentParser(description=__doc__)
    add_data_argument(parser, with_set=False)
    parser.add_argument("--queries", type=int, default=40, metavar="N", help="for each of the five languages (default: %(default)s)")
    parser.add_argument("--model", default="embedded", help="what Reranker() takes (default: %(default)s)")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--kept", type=Path, default=ROOT / "build" / "key-passages.jsonl", metavar="FILE", help="what is done so far")
    parser.add_argument("--out", type=Path, default=RESULTS / "key-passages.json", metavar="FILE")
    arguments = parser.parse_args()
    print(f"written: {write_results('key-passages', _measure(arguments), out=arguments.out)}")


if __name__ == "__main__":
    main()
