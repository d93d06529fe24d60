"""Quality against compute: a cheap judge looks at all candidates, a strong one reads the best of them.

python -m benchmarks.cascade --data DIR --first MODEL --strong MODEL [--sets NAME,NAME] [--queries N] [--keeps N,N] [--budgets MS,MS]

Candidates are the BM25 top 50 of each question. Writes results/cascade-MACHINE-DATE.json and results/cascade.png, or FILE and FILE.png
beside it with --out.
"""

from __future__ import annotations

import random
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adjudge.reranker import Reranker
from adjudge.retrieval.lexical import Lexical

from .cascade_picture import draw
from .cascade_points import MEASURES, Point, Question, flops_a_token, mean_points, run, summary
from .passages import Passages, add_data_argument, read_passages
from .results import RESULTS, write_results

__all__ = ["main", "questions_of"]

CANDIDATES = 50
SETS = "mlqa-dev-en,mlqa-dev-es,mlqa-dev-zh,cnil-besoindaide-fr,tydi-en-dev,xquad-ru"


def questions_of(passages: Passages, count: int, *, seed: int) -> list[Question]:
    """`count` questions drawn by `seed` (0: all), each with its BM25 top 50; those for which BM25 finds nothing are left out."""
    ids, texts = list(passages.corpus), list(passages.corpus.values())
    asked = sorted(query for query in passages.relevant if query in passages.queries)
    drawn = random.Random(seed).sample(asked, len(asked))
    hits = Lexical(texts).search([passages.queries[query] for query in drawn], k=CANDIDATES)
    found = []
    for query, row in zip(drawn, hits.indices, strict=True):
        candidates = {ids[i]: texts[i] for i in row if i >= 0 and texts[i].strip()}
        if candidates:
            found.append(Question(query, passages.queries[query], candidates, passages.relevant[query]))
    return found[:count] if count else found


def measure(first: Reranker, strong: Reranker, arguments: Namespace) -> dict[str, Any]:
    """All sets, and their mean."""
    points = [Point(keep) for keep in arguments.keeps] + [Point(None, budget) for budget in arguments.budgets]
    flops = flops_a_token(first.model.spec), flops_a_token(strong.model.spec)
    sets: dict[str, Any] = {}
    for name in arguments.sets:
        questions = questions_of(read_passages(arguments.data / name), arguments.queries, seed=arguments.seed)
        rows = summary(run(first, strong, questions, points), questions, flops)
        candidates = sum(len(question.candidates) for question in questions) / len(questions)
        sets[name] = {"questions": len(questions), "candidates": candidates, "points": rows}
        print(f"\n{name}: {len(questions)} questions")
        _show(rows)
    mean = mean_points([found["points"] for found in sets.values()])
    print(f"\nmean of {len(sets)} sets")
    _show(mean)
    return {"sets": sets, "mean": mean}


def _show(rows: Sequence[dict[str, Any]]) -> None:
    print(f"{'point':>12} {'read':>5} {'GFLOP':>8} {'ms':>8} {'p95':>8}" + "".join(f" {name:>10}" for name in MEASURES))
    for row in rows:
        figures = f"{row['read']:5.1f} {row['gigaflop']:8.2f} {row['ms']:8.1f} {row['ms_p95']:8.1f}"
        print(f"{row['point']:>12} {figures}" + "".join(f" {row[name]:10.3f}" for name in MEASURES), flush=True)


def _described(judge: Reranker) -> dict[str, Any]:
    spec, traits = judge.model.spec, judge.traits
    return {
        "model": Path(judge.model.name).name,
        "revision": judge.model.revision,
        "layers": spec.layers,
        "hidden": spec.hidden_size,
        "gigaflop_a_token": flops_a_token(spec) / 1e9,
        "calibrated": judge.model.calibration.fitted,
        "backend": traits.backend,
        "precision": traits.precision,
        "device": traits.device,
        "max_length": judge.max_length,
    }


def _parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    add_data_argument(parser, with_set=False)
    add = parser.add_argument
    add("--first", required=True, metavar="MODEL", help="the cheap judge: embedded, a hub id or a folder")
    add("--strong", required=True, metavar="MODEL", help="the strong judge")
    add("--sets", type=lambda text: text.split(","), default=SETS.split(","), metavar="NAMES", help=f"default: {SETS}")
    add("--queries", type=int, default=200, metavar="N", help="questions a set, 0 for all (default: %(default)s)")
    add("--keeps", type=_numbers(int), default=[0, 3, 5, 10, 20, 50], metavar="NUMBERS", help="default: 0,3,5,10,20,50")
    add("--budgets", type=_numbers(float), default=[25, 50, 100, 200, 400], metavar="MS", help="default: 25,50,100,200,400")
    add("--precision", default="auto", metavar="NAME", help="of both models")
    add("--seed", type=int, default=7, metavar="N")
    add("--out", type=Path, metavar="FILE", help="results (default: benchmarks/results/cascade-MACHINE-DATE.json)")
    return parser


def _numbers(kind: type) -> Any:
    return lambda text: [kind(part) for part in text.split(",") if part]


def main() -> None:
    """Measure, write, draw."""
    arguments = _parser().parse_args()
    if 0 not in arguments.keeps or max(arguments.keeps) < CANDIDATES:
        raise SystemExit(
            f"--keeps must hold 0 (the first judge alone) and {CANDIDATES} or more (the strong one alone): they are what is compared with"
        )
    with (
        Reranker(arguments.first, precision=arguments.precision) as first,
        Reranker(arguments.strong, precision=arguments.precision) as strong,
    ):
        settings = {"candidates": CANDIDATES, "queries": arguments.queries, "seed": arguments.seed}
        content = {"settings": settings, "first": _described(first), "strong": _described(strong), **measure(first, strong, arguments)}
    path = write_results("cascade", content, out=arguments.out)
    picture = RESULTS / "cascade.png" if arguments.out is None else arguments.out.with_suffix(".png")
    sets = f"mean of {len(arguments.sets)} sets" if len(arguments.sets) > 1 else arguments.sets[0]
    draw(content["mean"], picture, title=f"{content['first']['model']} first, {content['strong']['model']} after it: {sets}")
    print(f"\nwritten: {path}, {picture}")


if __name__ == "__main__":
    main()
