"""How the windows of a long document are best joined to one score, and how large they should be.

    python -m benchmarks.long_documents --data DIR [--queries N] [--model MODEL]     measure; --queries for each of five languages
    python -m benchmarks.long_documents --data DIR --windows plain                   only windows of 512 tokens: a tenth of the time
    python -m benchmarks.long_documents --tables                                     write the stored figures into docs/long-documents.md

Each query has eight documents of about twenty passages, one of which answers (long_set.py). Every window is computed once; all ways of
joining are applied to the same numbers by the engine itself, over its cache. What is done is kept in build/long-documents.jsonl, and a
run that was stopped goes on from there.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adjudge import Reranker
from adjudge.config import EngineConfig, WindowConfig
from adjudge.engine.cache import MemoryCache, identity
from adjudge.engine.engine import Engine
from adjudge.engine.order import order
from adjudge.engine.scores import relevance
from adjudge.engine.windows import character_range, plan_windows

from .harness import ROOT
from .long_report import CHOOSE, REFERENCE, REPORT, Outcome, Row, model_name, summary, write_block
from .long_set import LongQuery, long_documents
from .passages import add_data_argument
from .results import RESULTS, spread, write_results

__all__ = ["METHODS", "Method", "hard_cuts", "is_plain", "judge", "main"]

TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0)
LENGTHS = (512, 256, 128)
CACHED_WINDOWS = 20_000
"""Of one query, all methods together, there are about a thousand."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way of judging a long document."""

    name: str
    max_length: int
    windows: WindowConfig
    hard: bool = False  # True: cut after just so many tokens, in the middle of a sentence where it comes so


def _methods() -> Iterator[Method]:
    yield Method("truncate", LENGTHS[0], WindowConfig(mode="truncate"))
    for length in LENGTHS:
        behind = "" if length == LENGTHS[0] else f" {length}"
        for aggregation in ("first", "max", "mean", "top_k_mean"):
            yield Method(f"{aggregation}{behind}", length, WindowConfig(aggregation=aggregation))
        for temperature in TEMPERATURES if length == LENGTHS[0] else (1.0,):
            windows = WindowConfig(aggregation="importance", temperature=temperature)
            yield Method(f"importance T={temperature:g}{behind}", length, windows)
    for overlap in (0, 64):
        yield Method(f"max overlap {overlap}", LENGTHS[0], WindowConfig(overlap_tokens=overlap))
    yield Method("max hard cuts", LENGTHS[0], WindowConfig(), hard=True)


METHODS = tuple(_methods())


def is_plain(method: Method) -> bool:
    """Whether it reads the windows that are the default, and only joins them in its own way: one pass for all of these, not seven."""
    return method.max_length == LENGTHS[0] and method.windows.overlap_tokens is None and not method.hard


@dataclass(frozen=True, slots=True)
class _Judged:
    """One document as one method sees it."""

    logit: float
    passage: tuple[int, int]  # characters of the window that speaks for it
    tokens: int  # of all its windows, query and specials included


def judge(engine: Engine, query: LongQuery, methods: Sequence[Method]) -> dict[str, Outcome]:
    """{method's name: what came out}. The first method of a length pays for its windows; the others find them in the engine's cache."""
    pairs = [(query.query, document) for document in query.documents]
    outcomes = {}
    for method in methods:
        if method.hard:
            judged = hard_cuts(engine, query, method)
        else:
            verdicts = engine.judge(pairs, windows=method.windows, max_length=method.max_length).verdicts
            judged = [_Judged(v.logit, (v.start, v.end), v.pair_tokens) for v in verdicts]
        ranked = order(np.array([d.logit for d in judged], np.float32))
        start, end = judged[query.answer].passage
        hit = start < query.span[1] and query.span[0] < end
        outcomes[method.name] = Outcome(ranked.index(query.answer) + 1, hit, sum(d.tokens for d in judged))
    return outcomes


def hard_cuts(engine: Engine, query: LongQuery, method: Method) -> list[_Judged]:
    """Windows that end after just so many tokens, joined by max: what the search for sentence ends is to be compared with."""
    tokeniser, model = engine.tokeniser, engine.model
    question, *texts = tokeniser.encode([query.query, *query.documents], short=0)
    room = method.max_length - tokeniser.specials - len(question.ids)
    judged = []
    for text, encoded in zip(query.documents, texts, strict=True):
        ranges = plan_windows(len(encoded.ids), room, method.windows, None).ranges
        rows = [tokeniser.join(question.ids, encoded.ids[a:b]) for a, b in ranges]
        outputs = [engine.backend.forward(tokeniser.batch(rows[i : i + 4], length=method.max_length)) for i in range(0, len(rows), 4)]
        logits = relevance(np.concatenate(outputs), model.spec.head, model.config)
        best = int(np.argmax(logits))
        span = character_range(encoded.offsets, ranges[best], len(text))
        judged.append(_Judged(float(logits[best]), span, sum(len(r.ids) for r in rows)))
    return judged


def _measure(arguments: Namespace) -> dict[str, Any]:
    methods = [method for method in METHODS if arguments.windows == "all" or is_plain(method)]
    queries = long_documents(arguments.data, per_language=arguments.queries, seed=arguments.seed)
    with Reranker(arguments.model, backend=arguments.backend, precision=arguments.precision) as reranker:
        engine = Engine(reranker.model, reranker.backend, reranker.engine.tokeniser, EngineConfig(), cache=MemoryCache(CACHED_WINDOWS))
        traits = reranker.traits
        about = {
            "model": model_name(arguments.model),
            "revision": reranker.model.revision,
            "weights": identity(reranker.model, traits).hex(),  # a new model of the same name is another one
            "runs_in": f"{traits.backend} {traits.device} {traits.precision}",
            "per_language": arguments.queries,
            "seed": arguments.seed,
            "methods": [method.name for method in methods],
        }
        rows = _judge_all(engine, queries, methods, about, arguments.kept)
    described = {
        "documents": len(queries[0].documents),
        "characters": spread([len(text) for query in queries for text in query.documents]),
        "sources": dict(Counter(query.source for query in queries)),
    }
    return {**about, "set": described, **summary(rows)}


def _judge_all(engine: Engine, queries: Sequence[LongQuery], methods: Sequence[Method], about: dict[str, Any], kept: Path) -> list[Row]:
    """A row for each query, read from `kept` where it was done before under the same settings."""
    done = _read_kept(kept, about)
    with kept.open("a", encoding="utf-8") as file:
        for number, query in enumerate(queries[len(done) :], start=len(done)):
            began = time.perf_counter()
            half = CHOOSE if number % about["per_language"] < about["per_language"] / 2 else REPORT
            row = Row(query.lang, query.source, query.third, half, judge(engine, query, methods))
            file.write(json.dumps(row.as_json()) + "\n")
            file.flush()
            done.append(row)
            ranks = " ".join(f"{name}={row.outcomes[name].rank}" for name in ("truncate", REFERENCE))
            print(f"  {number + 1}/{len(queries)} {query.source:20} {time.perf_counter() - began:6.1f} s  {ranks}", flush=True)
    return done


def _read_kept(kept: Path, about: dict[str, Any]) -> list[Row]:
    """Rows of an earlier run with the same settings; a new file where there is none. Raises SystemExit for another run's file."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    text = kept.read_text(encoding="utf-8") if kept.is_file() else ""
    lines = [line for line in text.splitlines(keepends=True) if line.endswith("\n")] or [json.dumps(about) + "\n"]
    if json.loads(lines[0]) != about:
        raise SystemExit(f"{kept} holds a run with other settings ({lines[0][:200]}); delete it, or name another file with --kept")
    kept.write_text("".join(lines), encoding="utf-8")  # without the line that was being written when the run was stopped
    return [Row.from_json(json.loads(line)) for line in lines[1:]]


def main() -> None:
    """Measure and write, or with --tables write what was measured into the documentation."""
    parser = ArgumentParser(description=__doc__)
    add_data_argument(parser, with_set=False, required=False)
    parser.add_argument("--queries", type=int, default=60, metavar="N", help="for each of the five languages (default: %(default)s)")
    parser.add_argument("--windows", choices=("all", "plain"), default="all", help="plain: no other lengths, overlaps and cuts")
    parser.add_argument("--model", default="embedded", help="what Reranker() takes (default: %(default)s)")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kept", type=Path, default=ROOT / "build" / "long-documents.jsonl", metavar="FILE", help="what is done so far")
    parser.add_argument("--out", type=Path, default=RESULTS / "long-documents.json", metavar="FILE")
    parser.add_argument("--tables", action="store_true", help="measure nothing; write tables of what is stored into the documentation")
    arguments = parser.parse_args()
    if not arguments.tables:
        if arguments.data is None:
            parser.error("--data DIR is needed to measure")
        if arguments.queries < 2:
            parser.error(f"--queries {arguments.queries}: at least 2, because half of them choose and half are reported")
        print(f"written: {write_results('long-documents', _measure(arguments), out=arguments.out)}")
        return
    print(f"written: {write_block('long-documents', arguments.out)}")


if __name__ == "__main__":
    main()
