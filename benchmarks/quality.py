"""Quality of the shipped models on real questions: two generations of judge, bi-encoder, BM25 and fusion; one question across languages.

python -m benchmarks.quality --data DIR --work FOLDER [--judge "edition 2=embedded" --judge "float32=FOLDER@f32"] [--out FILE]

Everything is measured by adjudge.evaluate: each set once for BM25 and for the bi-encoder alone, once for their fusion (reciprocal ranks)
with every judge on the fusion's candidates. Across languages: questions of one xquad language over the passages of another, candidates by
the bi-encoder, since words do not meet. The keyword traps are those of `adjudge demo`. What is done is kept in FOLDER, so that a run that
is stopped goes on. Writes results/quality-MACHINE-DATE.json, or FILE; `python -m benchmarks.quality_tables FILE` makes tables of it.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any, get_args

import numpy as np

from adjudge import Reranker
from adjudge.cli.demo_run import load_cases
from adjudge.config import Precision
from adjudge.evaluate import (
    DatasetConfig,
    Evaluation,
    ExperimentConfig,
    MeasureConfig,
    RerankerSpec,
    evaluate,
    load_evaluation,
    read_dataset,
)
from adjudge.evaluate.dataset import Dataset
from adjudge.evaluate.significance import bootstrap_intervals

from .passages import add_data_argument
from .results import write_results

__all__ = ["LANGUAGES", "MEASURES", "SETS", "main", "read_judge"]

SETS = (
    "cmrc-dev-zh", "mlqa-dev-zh", "mlqa-dev-en", "tydi-en-dev", "mediqa-qa-en",
    "mlqa-dev-es", "cnil-besoindaide-fr", "fquad-valid-A-fr", "xquad-ru",
)  # fmt: skip
JUDGED_ONLY = ("mediqa-qa-en",)
"""Each question was asked of a search engine, and only what that brought was judged: what others' questions brought is no wrong answer."""

LANGUAGES = ("en", "es", "ru", "zh")
MEASURES = ("nDCG@10", "RR@10", "Success@1", "Success@3")
RESAMPLES = 2000


def read_judge(written: str) -> RerankerSpec:
    """NAME=MODEL, or NAME=MODEL@PRECISION."""
    name, _, model = written.partition("=")
    folder, at, precision = model.rpartition("@")
    known = bool(at) and precision in get_args(Precision)
    options = {"precision": precision} if known else {}
    return RerankerSpec(name=name, adapter="adjudge", model=folder if known else model, options=options)


def traps(judges: Sequence[RerankerSpec]) -> list[dict[str, Any]]:
    """Each question of the demo, with the best score that each judge gives to a passage that answers, and to one that does not."""
    found: list[dict[str, Any]] = []
    opened = {judge.name: Reranker(judge.model, **judge.options) for judge in judges}
    for case in load_cases():
        for question in case.questions:
            row: dict[str, Any] = {"question": question.text, "language": question.lang}
            for name, judge in opened.items():
                scores = judge.score([(question.text, passage.text) for passage in case.passages])
                sides = {side: [s for s, p in zip(scores, case.passages, strict=True) if p.answers is side] for side in (True, False)}
                row[name] = {"answer": max(sides[True]), "worst_answer": min(sides[True]), "other": max(sides[False])}
            found.append(row)
    for judge in opened.values():
        judge.close()
    return found


def measure(data: Dataset, retriever: str, judges: Sequence[RerankerSpec], candidates: int, kept: Path) -> Evaluation:
    """One evaluation, or what an earlier run kept of the same."""
    if kept.is_file() and _is_of(found := load_evaluation(kept), data, retriever, judges, candidates):
        return found
    experiment = ExperimentConfig(retriever=retriever, rerankers=tuple(judges), candidates=candidates, journal=kept.with_suffix(".journal"))
    return evaluate(data, experiment, MeasureConfig(measures=MEASURES, resamples=RESAMPLES), out=kept)


def _is_of(found: Evaluation, data: Dataset, retriever: str, judges: Sequence[RerankerSpec], candidates: int) -> bool:
    """Whether an evaluation is one of these queries with these systems. A folder with another model in it looks the same: mind --work."""
    settings = found.settings
    return (
        found.data.digest == data.digest
        and {query.id for query in found.queries} == set(data.queries)
        and (settings.retriever, settings.candidates, settings.measures) == (Path(retriever).name, candidates, MEASURES)
        and [(system.name, system.model) for system in found.rerankers] == [(judge.name, judge.model) for judge in judges]
    )


def set_row(folder: Path, arguments: Namespace, judges: Sequence[RerankerSpec]) -> dict[str, Any]:
    """All systems on one set."""
    data = read_dataset(folder, DatasetConfig(queries=arguments.queries))
    if folder.name in JUDGED_ONLY:
        data = replace(data, pools={query: tuple(grades) for query, grades in data.grades.items()})
    names = {"bm25": "BM25", "dense": "bi-encoder"}
    alone = {
        label: measure(data, name, (), arguments.candidates, arguments.work / f"{folder.name}-{name}.json") for name, label in names.items()
    }
    both = measure(data, "hybrid", judges, arguments.candidates, arguments.work / f"{folder.name}-judged.json")
    systems = {label: _system(found, 0) for label, found in alone.items()} | {"fusion": _system(both, 0)}
    systems |= {system.name: _system(both, at) for at, system in enumerate(both.systems) if at}
    values = {label: found.systems[0].per_query[MEASURES[0]] for label, found in alone.items()}
    differences = {
        f"{judge.name} - {label}": _difference(both.system(judge.name).per_query[MEASURES[0]], values[label])
        for judge in judges
        for label in values
    }
    facts = {"set": folder.name, "queries": both.data.queries, "passages": both.data.documents, "recall": both.data.recall_of_candidates}
    return facts | {"systems": systems, "differences": differences}


def across_row(asked: str, held: str, arguments: Namespace, judges: Sequence[RerankerSpec]) -> dict[str, Any]:
    """Questions in one language, passages in another."""
    config = DatasetConfig(queries=arguments.across)
    questions, passages = (read_dataset(arguments.data / f"xquad-{language}", config) for language in (asked, held))
    data = replace(questions, name=f"xquad-{asked}-{held}", documents=passages.documents, digest=f"{questions.digest}-{passages.digest}")
    found = measure(data, "dense", judges, arguments.across_candidates, arguments.work / f"xquad-{asked}-{held}.json")
    systems = {"bi-encoder" if at == 0 else system.name: _system(found, at) for at, system in enumerate(found.systems)}
    return {"asked": asked, "held": held, "queries": found.data.queries, "recall": found.data.recall_of_candidates, "systems": systems}


def _system(found: Evaluation, at: int) -> dict[str, Any]:
    system = found.systems[at]
    row: dict[str, Any] = {name: [mean.mean, mean.low, mean.high] for name, mean in system.means.items()}
    if system.cost is not None:
        row["query_ms"] = {"p50": system.cost.query_ms.p50, "p95": system.cost.query_ms.p95}
    return row


def _difference(after: Sequence[float], before: Sequence[float]) -> list[float]:
    """Mean and 95 % interval of a paired difference."""
    table = (np.array(after) - np.array(before))[:, None]
    low, high = bootstrap_intervals(table, resamples=RESAMPLES, seed=0)
    return [float(table.mean()), float(low[0]), float(high[0])]


def _arguments(given: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.quality", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    add_data_argument(parser, with_set=False)
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER", help="where each evaluation is kept")
    parser.add_argument("--judge", action="append", metavar="NAME=MODEL[@PRECISION]", help="again for more (default: embedded)")
    parser.add_argument("--sets", default=",".join(SETS), metavar="NAMES")
    parser.add_argument("--queries", type=int, default=60, help="of each set, drawn by their hash")
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--across", type=int, default=30, help="questions of each direction; 0 leaves languages out")
    parser.add_argument("--across-candidates", type=int, default=30)
    parser.add_argument("--out", type=Path, metavar="FILE")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, and write down what was seen."""
    arguments = _arguments(given)
    arguments.work.mkdir(parents=True, exist_ok=True)
    judges = [read_judge(written) for written in arguments.judge or ["judge=embedded"]]
    content: dict[str, Any] = {
        "settings": {name: getattr(arguments, name) for name in ("queries", "candidates", "across", "across_candidates")}
    }
    content |= {"judges": [judge.name for judge in judges], "traps": traps(judges), "sets": [], "across": []}
    for name in filter(None, arguments.sets.split(",")):
        content["sets"].append(set_row(arguments.data / name, arguments, judges))
        print({label: round(row[MEASURES[0]][0], 3) for label, row in content["sets"][-1]["systems"].items()}, name, flush=True)
    for asked, held in permutations(LANGUAGES, 2) if arguments.across else ():
        content["across"].append(across_row(asked, held, arguments, judges))
        print({label: round(row["Success@1"][0], 3) for label, row in content["across"][-1]["systems"].items()}, asked, held, flush=True)
    print(f"written to {write_results('quality', content, out=arguments.out)}")


if __name__ == "__main__":
    main()
