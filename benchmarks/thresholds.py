"""Which rule knows that nothing answers? Thresholds on lists of which half have lost every answer.

    python -m benchmarks.thresholds DATA [--model embedded] [--sets NAME,NAME] [--queries 200] [--candidates 20] [--scores FOLDER]

Each query of a set gets BM25's best candidates. For half of the queries, chosen by hash, all passages judged relevant are taken out and the
next candidates move up, so that the lists look alike and only the answers lack. A query counts as answered where a rule keeps anything.
Rules are applied to the scores as the model ships, and once more after calibrating it on all other sets, which precision:0.8 needs.

Reports, for each set and as the mean over sets: F1 of "answerable", the share of kept passages that are noise, and the share of relevant
passages that are kept; intervals are of 1,000 resamples of the queries. Nothing is tuned here; `--scores` keeps the logits (and reads what
recipes.embedded.evaluate kept), so that a second run costs seconds.
"""

from __future__ import annotations

import hashlib
import json
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from adjudge import Reranker
from adjudge.engine.scores import to_scores
from adjudge.engine.thresholds import bind_threshold, parse_threshold
from adjudge.errors import ConfigError
from adjudge.evaluate.calibration import fit
from adjudge.evaluate.draw import draw
from adjudge.evaluate.separation import cutoff_table
from adjudge.models.calibration import Calibration
from adjudge.retrieval.lexical import Lexical
from recipes.embedded.common import kept_rows

from .passages import Passages, read_passages
from .results import RESULTS, write_results

__all__ = [
    "Case",
    "Outcomes",
    "apply_rule",
    "cases_of",
    "compare",
    "fit_on",
    "intervals",
    "loses_answers",
    "main",
    "measure",
    "run",
    "score_set",
    "show",
]

SETS = (
    "cnil-besoindaide-fr", "mlqa-dev-zh", "mlqa-dev-es", "mlqa-dev-en", "tydi-en-dev", "fquad-valid-A-fr", "cmrc-dev-zh",
    "drcd-test-zh_hant", "squad-es-dev", "xquad-ru", "xquad-en", "xquad-es", "xquad-zh",
)  # fmt: skip
"""All but mediqa-qa-en, whose candidates are nearly all relevant."""

RULES = ("keep all", "0.3", "0.5", "relative:0.5", "dynamic", "gap", "precision:0.8")
MEASURES = ("f1_answerable", "noise_share", "relevant_kept")
RESAMPLES = 1000
BLOCK = 16  # queries scored together

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One query with its candidates."""

    query: str
    documents: tuple[str, ...]
    relevant: NDArray[np.bool_]  # of each candidate
    logits: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a rule did, one number for each query."""

    answerable: Floats
    answered: Floats
    kept: Floats
    noise: Floats  # of what was kept, passages that are not relevant
    found: Floats  # of what was kept, relevant ones
    relevant: Floats  # among the candidates


def cases_of(passages: Passages, *, queries: int, candidates: int) -> Iterator[tuple[str, tuple[str, ...], NDArray[np.bool_]]]:
    """(query, candidates, which of them are relevant) for each drawn query; half of them hold none."""
    ids = list(passages.corpus)
    lexical = Lexical([passages.corpus[i] for i in ids])
    drawn = draw(sorted(passages.relevant), queries if queries else len(passages.relevant))
    depth = candidates + max(len(found) for found in passages.relevant.values())
    for query in drawn:
        hits = [ids[i] for i in lexical.search([passages.queries[query]], k=depth).indices[0] if i >= 0]
        relevant = set(passages.relevant[query])
        listed = tuple([d for d in hits if d not in relevant] if loses_answers(query) else hits)[:candidates]
        if listed:
            yield query, listed, np.array([d in relevant for d in listed])


def loses_answers(query: str) -> bool:
    """Whether the query is one of the half whose answers are taken out."""
    return hashlib.sha256(f"unanswerable{query}".encode()).digest()[0] % 2 == 1


def score_set(passages: Passages, judge: Reranker, kept: Path | None, *, queries: int, candidates: int) -> list[Case]:
    """The cases of one set with their logits; those in FOLDER/SET.jsonl are not computed again."""
    path = None if kept is None else kept / f"{passages.name}.jsonl"
    known = _read_scores(path)
    wanted = list(cases_of(passages, queries=queries, candidates=candidates))
    missing = [(q, [d for d in listed if d not in known.get(q, {})]) for q, listed, _ in wanted]
    missing = [(q, documents) for q, documents in missing if documents]
    for first in range(0, len(missing), BLOCK):
        block = missing[first : first + BLOCK]
        pairs = [(passages.queries[q], passages.corpus[d]) for q, documents in block for d in documents]
        logits = iter(judge.score(pairs, normalize=False))
        for q, documents in block:
            known[q] = known.get(q, {}) | {d: next(logits) for d in documents}
            if path is not None:
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"query": q, "judge": known[q]}) + "\n")
    return [
        Case(query=q, documents=listed, relevant=relevant, logits=np.array([known[q][d] for d in listed], np.float32))
        for q, listed, relevant in wanted
    ]


def _read_scores(path: Path | None) -> dict[str, dict[str, float]]:
    if path is None:
        return {}
    return {row["query"]: row["judge"] for row in kept_rows(path)}


def fit_on(cases: Sequence[Case]) -> Calibration:
    """Temperature, bias and cut-offs from these cases."""
    logits = np.concatenate([case.logits for case in cases])
    relevant = np.concatenate([case.relevant for case in cases]).astype(np.float64)
    temperature, bias = fit(logits.astype(np.float64), relevant)
    plain = Calibration(temperature=temperature, bias=bias, fitted=True)
    table = cutoff_table(to_scores(logits, plain, normalize=True), relevant)
    return Calibration(temperature=temperature, bias=bias, fitted=True, cutoffs=table)


def apply_rule(cases: Sequence[Case], rule: str, calibration: Calibration) -> Outcomes:
    """What the rule keeps of each case. Raises ConfigError where the calibration cannot serve it."""
    threshold = None if rule == "keep all" else bind_threshold(parse_threshold(rule), calibration)
    rows = []
    for case in cases:
        scores = to_scores(case.logits, calibration, normalize=True)
        lowest = -1.0 if threshold is None else threshold.cut(sorted((float(s) for s in scores), reverse=True))
        kept = scores >= lowest
        found = kept & case.relevant
        rows.append((case.relevant.any(), kept.any(), kept.sum(), kept.sum() - found.sum(), found.sum(), case.relevant.sum()))
    return Outcomes(*np.array(rows, np.float64).T)


def measure(outcomes: Outcomes, chosen: NDArray[np.intp]) -> Floats:
    """MEASURES (columns) of each resample: `chosen` is (resamples, n) positions of queries. NaN where a share has no base."""
    answerable, answered = outcomes.answerable[chosen], outcomes.answered[chosen]
    right = (answerable * answered).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = 2 * right / (answerable.sum(1) + answered.sum(1))
        noise = outcomes.noise[chosen].sum(1) / outcomes.kept[chosen].sum(1)
        kept = outcomes.found[chosen].sum(1) / outcomes.relevant[chosen].sum(1)
    return np.stack([f1, noise, kept], 1)


def intervals(found: Mapping[str, Outcomes], *, seed: int = 5) -> dict[str, Any]:
    """The measures of each set and their mean over sets, with 95 % intervals."""
    chance = np.random.default_rng(seed)
    points, drawn = [], []
    for outcomes in found.values():
        count = len(outcomes.kept)
        points.append(measure(outcomes, np.arange(count)[None]))
        drawn.append(measure(outcomes, chance.integers(0, count, (RESAMPLES, count))))
    sets = {name: _described(point[0], spread) for name, point, spread in zip(found, points, drawn, strict=True)}
    return {"mean": _described(_mean(np.stack(points))[0], _mean(np.stack(drawn))), "sets": sets}


def _mean(values: NDArray[np.float64]) -> Floats:
    """Over the sets (the first axis) where there is a value."""
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(present, values, 0.0).sum(0) / present.sum(0)
    return mean


def _described(point: Floats, spread: Floats) -> dict[str, Any]:
    described = {}
    for column, name in enumerate(MEASURES):
        values = spread[~np.isnan(spread[:, column]), column]
        interval = [float(np.quantile(values, q)) for q in (0.025, 0.975)] if len(values) else None
        described[name] = {"value": None if np.isnan(point[column]) else float(point[column]), "interval": interval}
    return described


def compare(cases: Mapping[str, Sequence[Case]], shipped: Calibration) -> dict[str, dict[str, Any]]:
    """{"as shipped" and "calibrated on the other sets": {rule: measures}}."""
    others = {name: fit_on([case for other in cases if other != name for case in cases[other]]) for name in cases} if len(cases) > 1 else {}
    ways = {"as shipped": dict.fromkeys(cases, shipped), **({"calibrated on the other sets": others} if others else {})}
    result: dict[str, dict[str, Any]] = {}
    for way, calibrations in ways.items():
        result[way] = {}
        for rule in RULES:
            try:
                found = {name: apply_rule(cases[name], rule, calibrations[name]) for name in cases}
            except ConfigError as exc:
                result[way][rule] = {"failure": str(exc)}
            else:
                result[way][rule] = intervals(found)
    return result


def show(result: Mapping[str, Mapping[str, Any]]) -> None:
    """The means over sets, as a table."""
    for way, rules in result.items():
        table = Table(title=way, box=None, title_justify="left", padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("rule")
        for name in MEASURES:
            table.add_column(name.replace("_", " "), justify="right")
        for rule, found in rules.items():
            cells = ["-"] * len(MEASURES) if "failure" in found else [_cell(found["mean"][name]) for name in MEASURES]
            table.add_row(rule, *cells)
        Console().print(table)


def _cell(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return "-"
    low, high = found["interval"]
    return f"{found['value']:.3f} ({low:.3f}-{high:.3f})"


def run(arguments: Namespace) -> Path:
    """Score, compare, show, write."""
    cases: dict[str, list[Case]] = {}
    with Reranker(arguments.model, backend=arguments.backend, precision=arguments.precision, threads=arguments.threads) as judge:
        for name in arguments.sets.split(","):
            passages = read_passages(arguments.data / name)
            cases[name] = score_set(passages, judge, arguments.scores, queries=arguments.queries, candidates=arguments.candidates)
            print(f"{name}: {len(cases[name])} queries, {sum(c.relevant.any() for c in cases[name])} answerable", flush=True)
        runtime = {"backend": judge.traits.backend, "precision": judge.traits.precision}
        shipped, model = judge.model.calibration, Path(judge.model.name).name
    result = compare(cases, shipped)
    show(result)
    described = {name: {"queries": len(found), "answerable": int(sum(c.relevant.any() for c in found))} for name, found in cases.items()}
    settings = {"candidates": arguments.candidates, "queries": arguments.queries, "resamples": RESAMPLES}
    content = {"model": model, "calibrated": shipped.fitted, **runtime, **settings, "sets": described, "results": result}
    return write_results("thresholds", content, out=arguments.out)


def main(given: Sequence[str] | None = None) -> None:
    """Read the arguments and run."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA", help="folder that holds sets in BEIR layout, one folder a set")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--queries", type=int, default=200, help="a set; 0: all (default: %(default)s)")
    parser.add_argument("--candidates", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--scores", type=Path, metavar="FOLDER", help="keep logits here, one file a set, and use those that are here")
    parser.add_argument("--out", type=Path, default=RESULTS / "thresholds.json")
    arguments = parser.parse_args(given)
    if arguments.scores is not None:
        arguments.scores.mkdir(parents=True, exist_ok=True)
    print(run(arguments))


if __name__ == "__main__":
    main()
